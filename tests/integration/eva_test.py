#!/usr/bin/env python3
"""A real year from two phones: all of it arrives, and every night counts the same a second time."""

import os
import subprocess
import sys
import unittest

import processes

HERE = os.path.dirname(os.path.abspath(__file__))
LOG = os.path.join(HERE, "..", "data", "eva-baby-connect", "eva.csv")
RECOUNT = os.path.join(HERE, "..", "recount", "recount.py")
ZONE = "America/Los_Angeles"


class EvaTest(processes.Case):
    def test_360_nights_from_two_phones_equal_an_independent_recount(self):
        alex, sam = self.family(zone=ZONE)
        for phone, caregiver in ((alex, "A"), (sam, "U")):
            phone.offline("import", LOG, "--zone", ZONE, "--caregiver", caregiver)
        alex.run("sync")
        sam.run("sync")
        state = self.assert_in_step(alex, sam)
        self.assertEqual(state["state_hash"], state["server_state_hash"])
        self.assertEqual(state["revision"], state["server_revision"])

        files = []
        for phone, name in ((alex, "alex"), (sam, "sam")):
            files.append(os.path.join(self.folder, f"{name}.json"))
            with open(files[-1], "w", encoding="utf-8") as file:
                file.write(phone.run("--json", "nights"))
        with open(files[0], encoding="utf-8") as one, open(files[1], encoding="utf-8") as two:
            self.assertEqual(one.read(), two.read())
        recount = subprocess.run(
            [sys.executable, RECOUNT, LOG, files[0], "--zone", ZONE, "--expect", "360"],
            text=True, capture_output=True)
        self.assertEqual(recount.returncode, 0, recount.stdout + recount.stderr)

        # Importing again changes nothing, on the phone that did it and on the other.
        for phone in (alex, sam):
            phone.run("import", LOG, "--zone", ZONE)
        again = self.assert_in_step(alex, sam)
        self.assertEqual(again["revision"], state["revision"])
        self.assertEqual(again["state_hash"], state["state_hash"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
