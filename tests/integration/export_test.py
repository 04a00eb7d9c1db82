#!/usr/bin/env python3
"""A family taken out and brought to another server, as tables, as a page, and erased for good."""

import base64
import csv
import glob
import json
import os
import shutil
import signal
import time
import unittest

import processes


def files_below(folder):
    for where, _, names in os.walk(folder):
        for name in names:
            yield os.path.join(where, name)


class LivedIn(processes.Case):
    def lived_in(self):
        """Two phones with two nights, a conflict, a thread, a plan, a deletion, and words of all
        kinds."""
        alex, sam = self.family()
        alex.run("plan", "set", "--method", "chair", "--first-night", "2026-11-01")
        for day in (2, 3):
            alex.run("log", "down", "--at", f"2026-11-0{day} 19:30")
            entry = alex.json("log", "asleep", "--at", f"2026-11-0{day} 20:00", "--end",
                              f"2026-11-0{day} 23:10", "--text", "wore the blue onesie"
                              )["record_ids"][0]
            alex.run("log", "awake", "--at", f"2026-11-0{day} 23:10")
            alex.run("log", "asleep", "--at", f"2026-11-0{day} 23:30", "--end",
                     f"2026-11-0{day + 1} 06:00")
        sam.run("sync")
        # Neither has seen the other's.
        alex.offline("edit", entry, "--at", "2026-11-03 20:10")
        sam.offline("edit", entry, "--at", "2026-11-03 20:25")
        alex.offline("log", "cry", "--at", "2026-11-03 19:45")
        sam.offline("log", "cry", "--at", "2026-11-03 19:47")
        for phone in (alex, sam):
            phone.run("sync")
        alex.run("sync")
        alex.run("comment", "slept like a marmot", "--night", "2026-11-02")
        sam.run("sync")
        sam.run("comment", "=SUM(1)", "--night", "2026-11-02")
        gone = alex.json("log", "note", "--at", "2026-11-03 12:00", "--text", "deleted words"
                         )["record_ids"][0]
        alex.run("delete", gone)
        self.assert_in_step(alex, sam)
        return alex, sam


class ExportTest(LivedIn):
    def test_a_family_brought_to_an_empty_server_is_the_same_to_the_last_bit(self):
        alex, sam = self.lived_in()
        sam.run("sync")
        file = os.path.join(self.folder, "robins.jsonl")
        alex.run("export", "--out", file)
        state, nights = alex.json("sync"), alex.run("--json", "nights")
        other = processes.Daemon(os.path.join(self.folder, "other")).start()
        self.addCleanup(lambda: self.assertEqual(other.stop(), 0))
        here = self.phone("here")
        report = here.json("family", "import", file, "--server", other.address)
        self.assertTrue(report["equal"])
        self.assertEqual(report["state_hash"], state["state_hash"])
        self.assertEqual(here.run("--json", "nights"), nights)
        self.assertEqual(len(here.json("conflicts")["conflicts"]), 1)
        # It is a family like any other: others join as who they were, and log on.
        code = here.json("invite", "--member", "Sam")["code"]
        again = self.phone("again")
        again.run("join", code, "--server", other.address)
        again.run("log", "awake", "--at", "2026-11-03 02:00")
        here.run("sync")
        self.assertEqual(here.json("sync")["state_hash"], again.json("sync")["state_hash"])
        # And once more, from there.
        second = os.path.join(self.folder, "second.jsonl")
        here.run("export", "--out", second)
        back = self.phone("back")
        self.assertTrue(back.json("family", "import", second, "--server",
                                  self.daemon.address)["equal"])

    def test_taps_that_are_no_records_yet_are_told_of(self):
        alex, sam = self.family()
        alex.offline("log", "note", "--at", "2026-11-03 12:00", "--text", "of this phone")
        done = alex.try_run("export")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("of this phone", done.stdout)  # it was synced
        sam.offline("log", "note", "--at", "2026-11-03 12:00", "--text", "of a lost phone")
        devices = [device for member in alex.json("family")["members"]["members"]
                   for device in member["devices"] if device["name"].startswith("Sam")]
        alex.run("revoke-device", devices[0]["device_id"])
        sam.try_run("sync")
        done = alex.try_run("export")
        self.assertEqual(done.returncode, 0)
        self.assertNotIn("of a lost phone", done.stdout)
        self.assertEqual(done.stderr, "not in it (1): late taps of removed phones; see 'nightlog "
                                      "quarantine list'\n")
        self.assertEqual(self.viewer(alex).try_run("export").stderr, "")

    def viewer(self, owner):
        """A phone of somebody who may read, and not decide."""
        phone = self.phone("dana")
        phone.run("join", owner.json("invite", "--role", "caregiver")["code"], "--name", "Dana",
                  "--server", self.daemon.address)
        return phone

    def test_after_an_import_what_came_and_what_is_changed_can_be_undone(self):
        alex, _ = self.lived_in()
        file = os.path.join(self.folder, "robins.jsonl")
        alex.run("export", "--out", file)
        other = processes.Daemon(os.path.join(self.folder, "other")).start()
        self.addCleanup(lambda: self.assertEqual(other.stop(), 0))
        here = self.phone("here")
        here.run("family", "import", file, "--server", other.address)
        before = here.run("night", "2026-11-02")
        first, second, *_ = [item["record"]["record_id"]
                             for item in here.json("night", "2026-11-02")["entries"]]
        # What made it is no tap of anybody's, but is undone like one.
        self.assertIn("now: deleted", here.run("undo", first))
        self.assertNotIn(first, str(here.json("night", "2026-11-02")["entries"]))
        here.run("undo")
        self.assertEqual(here.run("night", "2026-11-02"), before)
        here.run("edit", second, "--at", "2026-11-02 20:40")
        self.assertNotEqual(here.run("night", "2026-11-02"), before)
        here.run("undo", second)
        self.assertEqual(here.run("night", "2026-11-02"), before)

    def test_a_damaged_export_makes_no_family(self):
        alex, _ = self.lived_in()
        text = alex.run("export")
        file = os.path.join(self.folder, "cut.jsonl")
        with open(file, "w", encoding="utf-8") as out:
            out.write(text[:-20])
        here = self.phone("here")
        done = here.try_run("family", "import", file, "--server", self.daemon.address)
        self.assertEqual(done.returncode, 2)
        self.assertIn("damaged", done.stderr)
        self.assertEqual(here.try_run("family").returncode, 1)
        # A whole family is no log of another app.
        self.assertIn("family import", alex.try_run("import", file, "--zone", "UTC").stderr)

    def test_an_export_that_an_editor_saved_again_is_whole_and_a_changed_record_is_not(self):
        alex, _ = self.lived_in()
        lines = alex.run("export").splitlines()
        file = os.path.join(self.folder, "saved.jsonl")

        def save():
            with open(file, "w", encoding="utf-8-sig", newline="\r\n") as out:
                out.write("\n".join(lines) + "\n")

        save()
        here = self.phone("here")
        report = here.json("family", "import", file, "--server", self.daemon.address)
        self.assertTrue(report["equal"])
        self.assertIn("family import", alex.try_run("import", file, "--zone", "UTC").stderr)
        number, record = next((number, json.loads(line)) for number, line in enumerate(lines)
                              if "deleted words" in line)
        record["bytes"] = base64.b64encode(base64.b64decode(record["bytes"]).replace(
            b"deleted words", b"altered words")).decode()
        lines[number] = json.dumps(record)
        save()
        there = self.phone("there")
        done = there.try_run("family", "import", file, "--server", self.daemon.address)
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"line {number + 1} was changed", done.stderr)
        self.assertEqual(there.try_run("family").returncode, 1)

    def test_everything_is_in_the_tables_and_the_diary(self):
        alex, _ = self.lived_in()
        folder = os.path.join(self.folder, "tables")
        alex.run("export", "--format", "csv", "--out", folder)
        tables = {}
        for path in glob.glob(os.path.join(folder, "*.csv")):
            with open(path, encoding="utf-8-sig", newline="") as file:
                tables[os.path.basename(path)[:-4]] = list(csv.DictReader(file))
        self.assertEqual({row["date"] for row in tables.pop("nights") if row["status"] == "complete"},
                         {"2026-11-02", "2026-11-03"})
        self.assertEqual({name: len(rows) for name, rows in tables.items()},
                         {"children": 1, "log_entries": 11, "plans": 1, "comments": 1,
                          "members": 2, "progress": 1})
        entries = tables["log_entries"]
        self.assertEqual(sum(row["open_conflict"] == "yes" for row in entries), 1)
        self.assertEqual(sum(row["deleted"] == "yes" for row in entries), 1)
        self.assertEqual({row["created_by_name"] for row in entries}, {"Alex", "Sam"})
        diary = alex.run("export", "--format", "diary")
        for words in ("wore the blue onesie", "slept like a marmot", "=SUM(1)", "2026-11-02"):
            self.assertIn(words, diary)
        self.assertNotIn("deleted words", diary)


class EraseTest(LivedIn):
    WORDS = ("blue onesie", "like a marmot", "deleted words", "Robin", "Alex", "Sam")

    def setUp(self):
        super().setUp()
        self.daemon.stop()
        self.backups = os.path.join(self.folder, "backups")
        self.daemon.flags = (f"--backup_dir={self.backups}",)
        self.daemon.start()

    def found(self, *folders, words):
        """Which of the words stand in a file of these folders, be it in a log or in a table."""
        found = set()
        for folder in folders:
            for path in files_below(folder):
                try:
                    with open(path, "rb") as file:
                        data = file.read()
                except FileNotFoundError:
                    continue  # deleted meanwhile
                found.update(word for word in words if word in data)
        return found

    def made_backups(self):
        return {int(name) for name in os.listdir(os.path.join(self.backups, "meta"))
                if name.isdigit()}

    def wait_until(self, is_so):
        deadline = time.monotonic() + processes.PATIENCE_SECONDS
        while not is_so():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)

    def new_backup(self):
        """Asks for a backup, waits until it is there, and gives its id."""
        self.wait_until(self.made_backups)  # the first one is made by itself
        before = self.made_backups()
        self.daemon.process.send_signal(signal.SIGUSR1)
        self.wait_until(lambda: self.made_backups() - before)
        return max(self.made_backups())

    def test_an_erased_family_leaves_no_byte_of_its_words_in_any_file(self):
        neighbour = self.phone("neighbour")
        neighbour.run("family", "create", "Owls", "--name", "Dana", "--server",
                      self.daemon.address)
        alex, _ = self.lived_in()
        ids = {bytes.fromhex(record["record"]["record_id"])
               for record in map(json.loads, alex.run("export").splitlines()[1:])}
        ids.add(bytes.fromhex(alex.json("family")["family_id"]))
        ids |= {name.hex().encode() for name in set(ids)}
        words = {word.encode() for word in self.WORDS}
        # Part of it in the log, part in tables: the daemon writes them out when it stops.
        self.daemon.stop()
        self.daemon.start()
        alex.run("log", "note", "--at", "2026-11-03 12:00", "--text", "blue onesie again")
        self.new_backup()
        self.assertEqual(self.found(self.daemon.data, words=words), words)
        self.assertEqual(self.found(self.backups, words=words), words)
        self.assertTrue(self.found(self.daemon.data, words=ids))

        alex.run("erase", "Robins")
        without_it = self.new_backup()
        self.assertEqual(self.found(self.daemon.data, words=words), set())
        # The older backup holds it until it is dropped; the newer one holds none of its files.
        private = os.path.join(self.backups, "private", str(without_it))
        with open(os.path.join(self.backups, "meta", str(without_it)), encoding="latin-1") as meta:
            shared = [os.path.join(self.backups, line.split()[0])
                      for line in meta if line.startswith("shared")]
        self.assertTrue(shared)
        left = self.found(private, words=words)
        for path in shared:
            with open(path, "rb") as file:
                data = file.read()
            left.update(word for word in words if word in data)
        self.assertEqual(left, set())

        # Table bounds in the MANIFEST are forgotten when the store is opened again.
        self.daemon.stop()
        self.daemon.start()
        self.assertEqual(self.found(self.daemon.data, words=words | ids), set())
        self.assertEqual(neighbour.json("sync")["server_revision"], 1)

    def test_a_family_that_a_restore_brought_back_is_erased_again_by_its_operator(self):
        neighbour = self.phone("neighbour")
        neighbour.run("family", "create", "Owls", "--name", "Dana", "--server",
                      self.daemon.address)
        alex, sam = self.lived_in()
        family = alex.json("family")["family_id"]
        words = {word.encode() for word in self.WORDS}
        ids = {bytes.fromhex(record["record"]["record_id"])
               for record in map(json.loads, alex.run("export").splitlines()[1:])}
        ids |= {bytes.fromhex(family), family.encode()}
        self.new_backup()
        self.daemon.stop()
        with open(os.path.join(self.folder, "log"), "w+", encoding="utf-8") as self.daemon.log:
            self.daemon.start()
            alex.run("erase", "Robins")
            self.daemon.stop()
            self.daemon.log.seek(0)
            self.assertIn(f"info family erased family={family}\n", self.daemon.log.read())
        self.daemon.log = None

        shutil.rmtree(self.daemon.data)
        settings = f"--data_dir={self.daemon.data}", f"--backup_dir={self.backups}"
        restored = processes.control(*settings, "restore", "latest")
        self.assertIn("nightlogctl erase", restored.stdout)
        self.assertEqual(self.found(self.daemon.data, words=words), words)
        done = processes.control(*settings, "erase", family)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(f"erased family {family}", done.stdout)
        self.assertEqual(self.found(self.daemon.data, words=words), set())
        self.assertIn("1 families are whole", processes.control(*settings, "doctor").stdout)
        self.assertEqual(self.found(self.daemon.data, words=words | ids), set())
        self.assertIn("there is no family",
                      processes.control(*settings, "erase", family).stderr)
        self.daemon.start()
        self.assertEqual(sam.try_run("sync").returncode, 4)
        self.assertEqual(neighbour.json("sync")["server_revision"], 1)

    def test_a_phone_that_leaves_or_erases_has_no_byte_of_its_words_either(self):
        alex, sam = self.lived_in()
        words = {word.encode() for word in self.WORDS if word not in ("Alex", "Sam")}
        for phone, command in ((sam, ("leave",)), (alex, ("erase", "Robins"))):
            self.assertTrue(self.found(phone.state, words=words))
            phone.run(*command)
            self.assertEqual(self.found(phone.state, words=words), set())
            # Nor what a later start would write.
            phone.run("--offline", "status")
            self.assertEqual(self.found(phone.state, words=words | {b"Alex", b"Sam"}), set())

    def test_what_a_process_that_was_killed_had_left_to_purge_is_purged_by_the_next(self):
        alex, _ = self.lived_in()
        alex.run("erase", "Robins")
        self.daemon.stop(signal.SIGKILL)
        self.daemon.start()
        words = {word.encode() for word in self.WORDS}
        self.wait_until(lambda: not self.found(self.daemon.data, words=words))


if __name__ == "__main__":
    unittest.main(verbosity=2)
