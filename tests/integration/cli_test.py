#!/usr/bin/env python3
"""What the command line says where a person might be surprised."""

import os
import pty
import socket
import stat
import subprocess
import unittest

import processes


class CliTest(processes.Case):
    def test_a_local_time_that_a_clock_change_repeats_or_skips_is_told(self):
        alex, _ = self.family(zone="Europe/London")
        for at, said, began in (
                ("2026-10-25 01:30", "happened twice", "2026-10-25T00:30:00Z"),
                ("2026-03-29 01:30", "did not happen", "2026-03-29T01:30:00Z"),
                ("2026-03-29T01:30:00Z", None, "2026-03-29T01:30:00Z")):
            out = alex.run("log", "cry", "--at", at)
            if said is None:
                self.assertNotIn("clocks", out)
            else:
                self.assertIn(said, out)
            night = "2026-10-24" if "-10-" in at else "2026-03-28"
            begins = [item["record"]["log_entry"]["interval"]["began_at"]
                      for item in alex.json("night", night)["entries"]]
            self.assertIn(began, begins)

    def test_a_disk_that_fails_is_not_taken_for_a_server_that_is_away(self):
        file = self.phone("file").state
        open(file, "w", encoding="ascii").close()
        nowhere = self.phone("file/nowhere").try_run("status")
        self.assertEqual(nowhere.returncode, 1)
        self.assertIn(f"the store in {file}/nowhere: ", nowhere.stderr)
        self.assertEqual(len(nowhere.stderr.splitlines()), 1, nowhere.stderr)
        alex, _ = self.family()
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run(alex.command("status"), stdout=full, stderr=subprocess.PIPE,
                                  text=True)
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (1, 1))
        self.assertIn("is the disk full?", done.stderr)

    def test_a_command_line_that_is_wrong_says_what_is_and_where_help_is(self):
        phone = self.phone("alex")
        for words, says in ((("lgo",), "there is no command 'lgo'"),
                            (("help", "lgo"), "there is no command 'lgo'"),
                            (("--json",), "say what to do"),
                            (("--sate", "x", "log"), "there is no flag --sate"),
                            (("log", "--att", "3"), "there is no flag --att"),
                            (("log", "dwon"), "nightlog help log")):
            done = phone.try_run(*words)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn(says, done.stderr)
            self.assertIn("nightlog help", done.stderr)
        for words in (("help",), ("--help",)):
            self.assertIn("COMMAND", phone.run(*words))
        done = subprocess.run([os.environ["NIGHTLOG"]], text=True, capture_output=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("COMMAND", done.stdout)
        for words in (("help", "log"), ("log", "--help"), ("--help", "log"),
                      ("--family", "Robins", "help", "log")):
            self.assertIn("nightlog log ", phone.run(*words))

    def test_nobody_else_on_the_machine_reads_a_phone_or_what_it_exports(self):
        alex, _ = self.family()
        alex.run("log", "cry")
        exported = os.path.join(self.folder, "log.jsonl")
        alex.run("export", "--out", exported)
        paths = [alex.state, exported]
        for folder, folders, files in os.walk(alex.state):
            paths += [os.path.join(folder, name) for name in folders + files]
        self.assertGreater(len(paths), 4, paths)
        for path in paths:
            mode = stat.S_IMODE(os.lstat(path).st_mode)
            self.assertEqual(mode & 0o077, 0, f"{path}: {mode:o}")

    def test_what_somebody_wrote_does_not_command_the_terminal_of_others(self):
        alex, sam = self.family()
        alex.run("log", "cry", "--text", "\x1b[2Jgone\u009b2J")
        sam.run("sync")
        reader, terminal = pty.openpty()
        subprocess.run(sam.command("night"), stdout=terminal, check=True,
                       timeout=processes.PATIENCE_SECONDS)
        os.close(terminal)
        shown = os.read(reader, 1 << 16).decode()
        os.close(reader)
        self.assertIn("?[2Jgone?2J", shown)
        self.assertNotIn("\x1b", shown)
        self.assertIn("\x1b[2Jgone", sam.run("night"), "a file or a program gets what was written")

    def test_a_second_command_on_a_phone_in_use_says_so(self):
        alex, _ = self.family()
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        waiting = alex.start("sync", "--server", "127.0.0.1:%d" % silent.getsockname()[1])
        try:
            connection, _ = silent.accept()  # it has the phone open now, and gets no answer
            refused = alex.try_run("status")
            self.assertEqual(refused.returncode, 1, refused.stdout)
            self.assertEqual(len(refused.stderr.strip().splitlines()), 1, refused.stderr)
            self.assertIn("another process uses", refused.stderr)
            connection.close()
        finally:
            waiting.kill()
            waiting.wait()
        alex.run("sync", "--server", self.daemon.address)


if __name__ == "__main__":
    unittest.main(verbosity=2)
