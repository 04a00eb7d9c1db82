#!/usr/bin/env python3
"""A store and phones that an older build wrote are opened by today's programs: they verify, serve and
sync, and nothing that the family saw is another. make_data.py made them."""

import glob
import json
import os
import subprocess
import sys
import tarfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../integration"))
import processes  # noqa: E402


class DataTest(processes.Case):
    def setUp(self):
        super().setUp()
        self.daemon.stop()

    def unpack(self, path):
        """What the older build left; what its phones showed."""
        with tarfile.open(path) as archive:
            archive.extractall(self.folder, filter="data")
        self.daemon.data = os.path.join(self.folder, "server")
        with open(os.path.join(self.folder, "shown.json"), encoding="utf-8") as file:
            return json.load(file)

    def doctor(self):
        return processes.control(f"--data_dir={self.daemon.data}", "doctor")

    def expect_whole(self):
        done = self.doctor()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("1 families are whole", done.stdout)

    def entries(self, phone, night):
        return sorted(item["record"]["record_id"]
                      for item in phone.json("--offline", "night", night)["entries"])

    def test_every_format_that_was_ever_written_goes_on(self):
        archives = glob.glob(os.path.join(HERE, "data", "*.tar.xz"))
        self.assertTrue(archives)
        for path in archives:
            with self.subTest(os.path.basename(path)):
                self.goes_on(self.unpack(path))

    def goes_on(self, shown):
        self.expect_whole()
        self.daemon.start()
        server = ("--server", self.daemon.address)
        alex, sam, desk = (self.phone(name, *server) for name in ("alex", "sam", "desk"))
        # Before anything changes: what it had is what it has, on the phone, on the server, and on a
        # phone that fetches it all.
        for night, entries in shown["entries"].items():
            self.assertEqual(self.entries(alex, night), entries)
        state = alex.json("sync")
        self.assertEqual(state["state_hash"], shown["state_hash"])
        self.assertEqual(state["server_state_hash"], shown["state_hash"])
        self.assertEqual(state["revision"], shown["revision"])
        conflicts = [conflict["record_id"]
                     for conflict in alex.json("conflicts")["conflicts"]]
        self.assertIn(shown["conflict"], conflicts)
        # The tap that waited comes, and what is logged now.
        self.assertEqual(sam.json("status")["families"][0]["pending"], 1)
        self.assertEqual(sam.json("sync")["pending"], 0)
        desk.run("sync")
        night = max(shown["entries"])
        new = alex.json("log", "cry", "--at", f"{night} 22:10")["record_ids"]
        alex.run("conflicts", "resolve", shown["conflict"], "interval", "--keep", "2")
        alex.run("delete", shown["deleted"], "--undo")
        code = alex.json("invite", "--role", "caregiver")["code"]
        robin = self.phone("robin")
        robin.run("join", code, "--name", "Robin", *server)
        self.assert_in_step(robin, alex, sam, robin)
        expected = sorted(shown["entries"][night] + new + [shown["waiting"], shown["deleted"]])
        for phone in (alex, sam, robin):
            self.assertEqual(self.entries(phone, night), expected)
        desk.run("sync")
        self.assertEqual(self.entries(desk, night), expected)
        self.daemon.stop()
        self.expect_whole()

    def test_a_newer_format_is_refused_in_a_line(self):
        self.unpack(os.path.join(HERE, "data", "v1.tar.xz"))
        # StoreHead under `F`: format_version 2.
        subprocess.run([os.environ["STORE_ROWS"], self.daemon.data, "head", "put",
                        "00" * 16 + "46", "0802"], check=True, timeout=processes.PATIENCE_SECONDS)
        started = subprocess.run(
            [os.environ["NIGHTLOGD"], f"--data_dir={self.daemon.data}", "--listen=127.0.0.1:0"],
            text=True, capture_output=True, timeout=processes.PATIENCE_SECONDS)
        for refused in (started, self.doctor()):
            self.assertEqual(refused.returncode, 1)
            self.assertIn("format version 2; this build knows up to 1", refused.stderr)
            self.assertEqual(len(refused.stderr.strip().splitlines()), 1, refused.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
