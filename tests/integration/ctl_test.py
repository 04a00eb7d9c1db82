#!/usr/bin/env python3
"""nightlogctl looks after a store and its backups, beside the server and without it."""

import fcntl
import glob
import os
import re
import subprocess
import unittest

import processes


class CtlTest(processes.Case):
    def setUp(self):
        super().setUp()
        self.backups = os.path.join(self.folder, "backups")

    def control(self, *words):
        return processes.control(f"--data_dir={self.daemon.data}", f"--backup_dir={self.backups}",
                                 *words)

    def ok(self, *words):
        done = self.control(*words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def refused(self, *words, code=1):
        done = self.control(*words)
        self.assertEqual(done.returncode, code, done.stdout)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        return done.stderr

    def test_a_store_is_checked_counted_and_backed_up(self):
        alex, sam = self.family()
        alex.run("log", "cry")
        sam.run("sync")
        for words, way_out in ((("doctor",), "nightlogctl verify"),
                               (("stats",), "--metrics_listen"), (("backup",), "USR1"),
                               (("erase", "a" * 32), "nightlog erase")):
            said = self.refused(*words)
            self.assertIn("stop it first", said)
            self.assertIn(way_out, said)
        self.daemon.stop()
        self.assertIn("1 families are whole", self.ok("doctor"))
        self.assertRegex(self.ok("stats"), r"(?m)^rows of record +\d+$")
        for words in (("backups",), ("verify",)):
            self.assertIn("there are no backups in", self.refused(*words))
        self.assertFalse(os.path.exists(self.backups), "what only reads makes nothing")
        for number in (1, 2, 3):
            self.assertIn(f"made backup {number}", self.ok("--backups_kept=2", "backup"))
        self.assertEqual([line.split()[0] for line in self.ok("backups").splitlines()], ["2", "3"])

        # What is backed up phones need not keep; the server goes on from where it was.
        self.daemon.flags += (f"--backup_dir={self.backups}",)
        self.daemon.start()
        self.assert_in_step(alex, sam)
        self.assertIn("backup 3 is whole", self.ok("verify"))
        self.assertIn("backup 2 is whole", self.ok("verify", "2"))
        self.assertFalse(os.path.exists(self.backups + "/verify"), "it clears up after itself")

    def test_a_damaged_backup_is_found(self):
        self.family()
        self.daemon.stop()
        self.ok("backup")
        table = max(glob.glob(self.backups + "/shared*/*.sst"), key=os.path.getsize)
        with open(table, "r+b") as file:
            file.seek(os.path.getsize(table) // 2)
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte[0] ^ 1]))
        self.assertIn("damaged", self.refused("verify", "latest"))
        self.assertFalse(os.path.exists(self.backups + "/verify"))

    def test_one_that_was_killed_leaves_nothing_for_ever(self):
        self.daemon.stop()
        self.ok("backup")
        os.makedirs(self.backups + "/verify/db")
        with open(self.backups + "/verify/db/CURRENT", "w", encoding="ascii") as file:
            file.write("half")
        directory = os.open(self.backups, os.O_RDONLY)
        self.addCleanup(os.close, directory)
        fcntl.flock(directory, fcntl.LOCK_EX)
        self.assertIn("at work", self.refused("verify"))
        fcntl.flock(directory, fcntl.LOCK_UN)
        self.assertIn("is whole", self.ok("verify"))
        self.assertFalse(os.path.exists(self.backups + "/verify"))

    def test_what_is_written_is_its_users_alone(self):
        before = os.umask(0o022)
        self.addCleanup(os.umask, before)
        self.daemon.stop()
        self.daemon.data = os.path.join(self.folder, "new")
        self.daemon.flags += (f"--backup_dir={self.backups}",)
        self.daemon.start()
        self.family()
        self.daemon.stop()
        self.ok("backup")
        restored = os.path.join(self.folder, "restored")
        done = processes.control(f"--data_dir={restored}", f"--backup_dir={self.backups}",
                                 "restore", "latest")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("access is as it was", done.stdout)
        for top in (self.daemon.data, self.backups, restored):
            for folder, _, files in os.walk(top):
                for path in [folder, *(os.path.join(folder, file) for file in files)]:
                    self.assertEqual(os.stat(path).st_mode & 0o077, 0, path)

    def test_a_store_is_not_overwritten(self):
        self.daemon.stop()
        self.ok("backup")
        self.assertIn("move it away", self.refused("restore", "latest"))

    def test_what_cannot_be_read_is_not_taken_for_missing(self):
        self.daemon.stop()
        loop = os.path.join(self.folder, "loop")
        os.symlink("loop", loop)
        self.daemon.data = loop
        for words in (("doctor",), ("stats",), ("backup",), ("doctor", "--repair")):
            self.assertIn(f"cannot look into --data_dir={loop}: Too many levels",
                          self.refused(*words))
        self.daemon.data = os.path.join(self.folder, "data")
        file = os.path.join(self.folder, "file")
        open(file, "w", encoding="ascii").close()
        for self.backups, says in ((loop, "Too many levels"), (file + "/backups", "Not a directory")):
            for words in (("backups",), ("verify",), ("restore", "latest")):
                said = self.refused(*words)
                self.assertIn(f"the backups in {self.backups}", said)
                self.assertIn(says, said)

    @unittest.skipIf(os.environ.get("ASAN_OPTIONS") or os.environ.get("TSAN_OPTIONS"),
                     "a small disk is no place for a sanitizer")
    def test_a_full_disk_is_named(self):
        disk = os.path.join(self.folder, "disk")
        os.makedirs(disk)
        in_small = ["unshare", "--map-root-user", "--mount", "sh", "-ec"]
        if subprocess.run([*in_small, f"mount -t tmpfs -o size=2m none {disk}"],
                          capture_output=True).returncode != 0:
            self.skipTest("may not mount")
        self.family()
        self.daemon.stop()
        self.ok("backup")
        ctl = os.path.join(os.path.dirname(os.environ["NIGHTLOGD"]), "nightlogctl")

        def full(verb, *flags):
            script = (f"mount -t tmpfs -o size=2m none {disk}; cp -r {self.daemon.data} {disk}/data;"
                      f"cp -r {self.backups} {disk}/backups;"
                      f"head -c 2m /dev/zero >{disk}/fill 2>&- || true; exec {verb} {' '.join(flags)}")
            done = subprocess.run([*in_small, script], text=True, capture_output=True)
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            return done.stderr

        data, backups = f"--data_dir={disk}/data", f"--backup_dir={self.backups}"
        no_space = (f"no space left for the store in {disk}/data (2 MiB needed, 0 MiB free): "
                    "free some")
        for verb in ("doctor", "stats", "backup"):
            self.assertIn(no_space, full(ctl, data, backups, verb))
        self.assertIn(no_space, full(os.environ["NIGHTLOGD"], data, "--listen=127.0.0.1:0"))
        self.assertIn(f"no space left in {disk}/new for what the backup holds",
                      full(ctl, f"--data_dir={disk}/new", backups, "restore", "1"))
        data, backups = f"--data_dir={self.daemon.data}", f"--backup_dir={disk}/backups"
        self.assertIn(f"no space left for the backups in {disk}/backups",
                      full(ctl, data, backups, "backup"))
        self.assertIn(f"no space left in {disk}/backups/verify", full(ctl, data, backups, "verify"))

    def test_what_is_not_understood_is_said(self):
        self.daemon.stop()
        self.assertIn("--help", self.refused(code=2))
        self.assertIn("`heal` is not a command", self.refused("heal", code=2))
        self.assertIn("--help", self.refused("restore", code=2))
        self.assertIn("no backups in", self.refused("restore", "newest"))
        self.ok("backup")
        self.assertIn("`newest` is no backup", self.refused("restore", "newest"))
        for word in ("Robins", "12", "0" * 32, "g" * 32, "a" * 34):
            self.assertIn(f"`{word}` is no family; give its id", self.refused("erase", word))
        self.assertIn(f"there is no family {'a' * 32}", self.refused("erase", "A" * 32))
        self.assertIn("--repair goes with `doctor`", self.refused("stats", "--repair", code=2))
        self.assertIn("--backups_kept", self.refused("--backups_kept=0", "backup"))
        self.daemon.data = self.folder + "/nowhere"
        self.assertIn("give the directory that nightlogd has", self.refused("doctor"))
        self.assertFalse(os.path.exists(self.daemon.data))

    def test_who_begins_is_told_how(self):
        settings = os.path.join(self.folder, "settings")
        open(settings, "w", encoding="ascii").close()
        for words, code, says in (
                ((), 2, "such as `nightlogctl doctor --data_dir=DIR`"),
                (("doctr",), 2, "`doctr` is not a command"),
                (("restore",), 2, "the `latest`"),
                (("erase",), 2, "say which family"),
                (("erase", "a", "b"), 2, "`erase` does not go with `b`"),
                (("verify", "1", "2"), 2, "`verify` does not go with `2`"),
                (("doctor", "--data_dri=x"), 1, "--data_dri is not a flag"),
                (("doctor", f"--config={settings}"), 1, "--data_dir is missing")):
            self.assert_told(processes.control(*words), code, says)
        for words, says in ((("serve",), "`serve` is not a flag"),
                            (("--data_dri=x",), "--data_dri is not a flag"),
                            ((), "--data_dir is missing")):
            done = subprocess.run([os.environ["NIGHTLOGD"], *words], text=True, capture_output=True,
                                  timeout=processes.PATIENCE_SECONDS)
            self.assert_told(done, 1, says)

    def assert_told(self, done, code, says):
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn(says, done.stderr)
        self.assertIn("--help", done.stderr)

    def test_each_program_tells_its_version(self):
        folder = os.path.dirname(os.environ["NIGHTLOGD"])
        for program in (os.environ["NIGHTLOGD"], os.path.join(folder, "nightlogctl"),
                        os.environ["NIGHTLOG"]):
            done = subprocess.run([program, "--version"], text=True, capture_output=True,
                                  timeout=processes.PATIENCE_SECONDS)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(done.stdout,
                             f"{os.path.basename(program)} {processes.version()}\n")

    def test_the_help_has_each_command(self):
        done = processes.control("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(re.findall(r"(?m)^  nightlogctl (\w+)", done.stdout),
                         ["backups", "verify", "backup", "restore", "doctor", "erase", "stats"])
        self.assertIn("--data_dir", done.stdout)

    def test_who_has_no_rights_is_told_who_has(self):
        as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        as_nobody = as_nobody if os.geteuid() == 0 else []
        ctl = os.path.join(os.path.dirname(os.environ["NIGHTLOGD"]), "nightlogctl")
        if subprocess.run([*as_nobody, ctl, "--help"], capture_output=True).returncode != 0:
            self.skipTest("the programs are where only root may run them")
        locked = os.path.join(self.folder, "locked")
        os.mkdir(locked, 0o000)
        data = f"--data_dir={locked}/data"
        for command, says in (((ctl, "doctor", data), "run it as root or as nightlogd's user"),
                              ((os.environ["NIGHTLOGD"], data, "--listen=127.0.0.1:0"),
                               "start it as the user whose it is")):
            done = subprocess.run([*as_nobody, *command], text=True, capture_output=True)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn(says, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
