#!/usr/bin/env python3
"""A server is lost and restored from an older backup; the phones bring back what it lacks."""

import os
import shutil
import signal
import subprocess
import time
import unittest

import processes

NIGHT = "2026-11-02"


class RestoreTest(processes.Case):
    def setUp(self):
        super().setUp()
        self.daemon.stop()
        self.backups = os.path.join(self.folder, "backups")
        self.daemon.flags = (f"--backup_dir={self.backups}",)
        self.daemon.start()
        self.wait_for_backup(1)

    def control(self, *words):
        return processes.control(f"--data_dir={self.daemon.data}", f"--backup_dir={self.backups}",
                                 *words)

    def wait_for_backup(self, number):
        """A backup is complete when its name stands in meta/."""
        path = os.path.join(self.backups, "meta", str(number))
        for _ in range(processes.PATIENCE_SECONDS * 20):
            if os.path.exists(path):
                return
            time.sleep(0.05)
        self.fail(f"no backup {number}")

    def log(self, phone, minutes):
        return [phone.json("log", "cry", "--at", f"{NIGHT} 23:{minute:02d}")["record_ids"][0]
                for minute in minutes]

    def entries(self, phone):
        return sorted(item["record"]["record_id"]
                      for item in phone.json("--offline", "night", NIGHT)["entries"])

    def test_phones_make_a_restored_server_whole_again(self):
        alex, sam = self.family()
        logged = self.log(alex, range(0, 4)) + self.log(sam, range(4, 8))
        self.daemon.process.send_signal(signal.SIGUSR1)
        self.wait_for_backup(2)
        before = alex.json("sync")

        logged += self.log(alex, range(10, 14)) + self.log(sam, range(14, 18))
        alex.run("edit", logged[0], "--text", "by the bin lorry")
        sam.run("sync")
        alex.run("sync")
        logged += [alex.json("--offline", "log", "cry", "--at", f"{NIGHT} 23:20")["record_ids"][0]]

        self.daemon.stop(signal.SIGKILL)
        shutil.rmtree(self.daemon.data)
        self.assertIn("backup 2 is whole", self.control("verify").stdout)
        self.assertEqual(self.control("restore", "latest").returncode, 0)
        self.daemon.start()
        alex.run("sync")
        sam.run("sync")
        state = self.assert_in_step(alex, sam)
        self.assertNotEqual(state["lineage"], before["lineage"])
        self.assertEqual(state["state_hash"], state["server_state_hash"])
        self.assertEqual(state["pending"], 0)
        for phone in (alex, sam):
            self.assertEqual(self.entries(phone), sorted(logged))
            self.assertEqual(phone.json("conflicts")["conflicts"], [])
            texts = [item["record"]["log_entry"].get("text", "")
                     for item in phone.json("night", NIGHT)["entries"]]
            self.assertEqual(sorted(texts)[-1], "by the bin lorry")
        # One commit each: nothing came twice.
        for entry in logged[1:]:
            self.assertEqual(len(alex.json("history", entry)["items"]), 1)

    def test_an_edit_waits_for_the_entry_that_another_phone_brings_back(self):
        alex, sam = self.family()
        self.daemon.process.send_signal(signal.SIGUSR1)
        self.wait_for_backup(2)
        entry, = self.log(alex, range(0, 1))
        sam.run("sync")
        sam.run("edit", entry, "--text", "by the bin lorry")
        sam.run("edit", entry, "--text", "by the bin lorry, at last")
        self.restart_from_the_newest_backup()
        # Alex's phone, which has the entry, is still asleep.
        attention = sam.json("sync")["needs_attention"]
        self.assertEqual(attention, 2)
        alex.run("sync")
        self.assertEqual(sam.json("sync")["needs_attention"], 0)
        alex.run("sync")
        self.assert_in_step(alex, sam)
        for phone in (alex, sam):
            texts = [item["record"]["log_entry"].get("text")
                     for item in phone.json("night", NIGHT)["entries"]]
            self.assertEqual(texts, ["by the bin lorry, at last"])
            self.assertEqual(phone.json("conflicts")["conflicts"], [])

    def restart_from_the_newest_backup(self):
        self.daemon.stop(signal.SIGKILL)
        shutil.rmtree(self.daemon.data)
        self.assertEqual(self.control("restore", "latest").returncode, 0)
        self.daemon.start()

    def test_a_consultant_resumes_over_a_restore(self):
        alex, sam = self.family()
        code = alex.json("invite", "--role", "consultant", "--scope", "entries")["code"]
        desk = self.phone("desk")
        desk.run("join", code, "--name", "Dana", "--server", self.daemon.address)
        self.log(alex, range(0, 2))
        self.daemon.process.send_signal(signal.SIGUSR1)
        self.wait_for_backup(2)
        logged = self.log(alex, range(2, 4)) + self.log(sam, range(4, 6))
        desk.run("sync")
        watch = processes.Watch(self, desk)
        watch.until(lambda line: "record" in line)
        self.restart_from_the_newest_backup()
        alex.run("sync")
        sam.run("sync")
        self.assert_in_step(alex, sam)
        desk.run("sync")
        self.assertEqual(self.entries(desk), self.entries(alex))
        self.assertEqual(len(self.entries(desk)), 6, "each once")
        self.assertTrue(set(logged) < set(self.entries(desk)))
        # Her stream goes on by itself, too: this is new.
        alex.run("plan", "set", "--method", "extinction", "--first-night", NIGHT)
        watch.until(lambda line: "plan" in line.get("record", {}))

    def test_a_server_that_was_set_back_stops_the_family_until_a_new_lineage(self):
        alex, sam = self.family()
        self.daemon.stop()
        old = os.path.join(self.folder, "old")
        shutil.copytree(self.daemon.data, old)
        self.daemon.start()
        logged = self.log(alex, range(0, 4))
        sam.run("sync")
        self.daemon.stop()
        shutil.rmtree(self.daemon.data)
        shutil.copytree(old, self.daemon.data)  # and nobody told the server
        self.daemon.start()

        said = sam.run("log", "cry", "--at", f"{NIGHT} 23:30")
        self.assertIn("saved on this phone", said)
        self.assertIn("--new_lineage", said)
        for words in (("sync",), ("remove-member", "Sam")):
            refused = alex.try_run(*words)
            self.assertEqual(refused.returncode, 1, words)
            self.assertIn("--new_lineage", refused.stderr)
            self.assertEqual(len(refused.stderr.strip().splitlines()), 1, refused.stderr)
        self.assertEqual(self.entries(alex), sorted(logged), "the phone shows what it has")

        self.daemon.stop()
        self.daemon.flags += ("--new_lineage",)
        self.daemon.start()
        for phone in (alex, sam, alex):
            phone.run("sync")
        self.assert_in_step(alex, sam)
        self.assertEqual(len(self.entries(alex)), 5)
        self.assertTrue(set(logged) < set(self.entries(sam)))

    def test_a_family_that_the_backup_lacks_is_made_again_by_its_phones(self):
        alex, sam = self.family()  # the only backup is of before
        logged = self.log(alex, range(0, 3)) + self.log(sam, range(3, 6))
        sam.run("edit", logged[0], "--tag", "teething")
        alex.run("sync")
        self.restart_from_the_newest_backup()
        logged += [alex.json("--offline", "log", "cry", "--at", f"{NIGHT} 23:20")["record_ids"][0]]
        for phone in (alex, sam):
            refused = phone.try_run("sync")
            self.assertEqual(refused.returncode, 4, refused.stderr)
        self.assertEqual(self.entries(alex), sorted(logged), "nothing leaves the phone")

        alex.run("family", "remake")
        code = alex.json("invite", "--role", "caregiver")["code"]
        sam.run("join", code, "--name", "Sam", "--server", self.daemon.address)
        sam.run("sync")
        alex.run("sync")
        state = self.assert_in_step(alex, sam)
        self.assertEqual(state["pending"], 0)
        for phone in (alex, sam):
            self.assertEqual(self.entries(phone), sorted(logged))
            self.assertEqual(phone.json("conflicts")["conflicts"], [])
            self.assertEqual(phone.json("child")["children"][0]["child"]["name"], "Robin")
            tags = [item["record"]["log_entry"].get("tags", [])
                    for item in phone.json("night", NIGHT)["entries"]]
            self.assertIn(["teething"], tags)

    def test_a_store_is_not_overwritten_and_an_empty_start_is_refused(self):
        self.family()
        self.daemon.stop()
        refused = self.control("restore", "latest")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("move it away", refused.stderr)
        shutil.rmtree(os.path.join(self.daemon.data, "db"))
        refused = subprocess.run(
            [os.environ["NIGHTLOGD"], f"--data_dir={self.daemon.data}", "--listen=127.0.0.1:0"],
            text=True, capture_output=True, timeout=processes.PATIENCE_SECONDS)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("nightlogctl restore", refused.stderr)
        self.assertEqual(len(refused.stderr.strip().splitlines()), 1, refused.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
