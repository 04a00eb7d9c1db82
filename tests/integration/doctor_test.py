#!/usr/bin/env python3
"""nightlogctl doctor names what is damaged in a real store, makes again what follows from the rest,
and says which damage only a backup makes good."""

import os
import subprocess
import unittest

import processes

NIGHT = "2026-11-02"


class DoctorTest(processes.Case):
    def setUp(self):
        super().setUp()
        self.alex, self.sam = self.family()
        entry = self.alex.json("log", "asleep", "--at", f"{NIGHT} 20:00")["record_ids"][0]
        self.sam.run("sync")
        # Both edit it at once, so a conflict is open.
        for phone, begin in ((self.alex, "19:40"), (self.sam, "19:55")):
            phone.offline("edit", entry, "--at", begin)
        for minute, phone in enumerate((self.alex, self.sam, self.alex, self.sam)):
            phone.run("log", "cry", "--at", f"{NIGHT} 23:{minute:02d}")
        self.before = self.assert_in_step(self.alex, self.sam)
        self.daemon.stop()

    def rows_program(self, *words):
        done = subprocess.run([os.environ["STORE_ROWS"], self.daemon.data, *words], text=True,
                              capture_output=True, timeout=processes.PATIENCE_SECONDS)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def rows(self, column):
        """Key to value of a column, in hex."""
        return dict((line + " ").split(" ")[:2]
                    for line in self.rows_program(column).splitlines())

    def family_rows(self, column):
        return {key: value for key, value in self.rows(column).items()
                if not key.startswith("0" * 32)}

    def delete_first(self, column):
        self.rows_program(column, "delete", next(iter(self.family_rows(column))))

    def doctor(self, *flags):
        return processes.control(f"--data_dir={self.daemon.data}", "doctor", *flags)

    def derived_record(self):
        """The key of a night's summary: what the journal says the server wrote, and no member."""
        members = {key[34:] for key in self.family_rows("access") if key[32:34] == "4d"}
        journal = "".join(self.family_rows("journal").values())
        for key in self.family_rows("record"):
            # server_record_ids is field 8.
            if "4210" + key[32:] in journal and key[32:] not in members:
                return key
        self.fail("nothing is derived")

    def expect_repaired(self, *damages):
        """The doctor names the damage, repairs it, and phones find their server as it was."""
        looked = self.doctor()
        self.assertEqual(looked.returncode, 1, looked.stdout)
        self.assertIn(f"{', '.join(damages)}\n", looked.stderr)
        self.assertIn("1 of 1 families are damaged", looked.stderr)
        self.assertIn("doctor --repair", looked.stderr)
        self.assertEqual(self.doctor().stderr, looked.stderr, "it only looked")
        repaired = self.doctor("--repair")
        self.assertEqual(repaired.returncode, 0, repaired.stderr)
        self.assertIn(f": made again: {', '.join(damages)}\n", repaired.stdout)
        self.assertIn("1 families are whole", repaired.stdout)
        self.assertEqual(repaired.stderr, "")
        self.assertNotIn("Robin", repaired.stdout + looked.stderr)
        self.daemon.start()
        state = self.assert_in_step(self.alex, self.sam)
        self.assertEqual(state["state_hash"], state["server_state_hash"])
        self.assertEqual(state["state_hash"], self.before["state_hash"])
        self.assertEqual(state["lineage"], self.before["lineage"])
        # One that has nothing yet gets the same.
        code = self.alex.json("invite", "--role", "viewer")["code"]
        new = self.phone(f"new{state['revision']}")
        new.run("join", code, "--name", "Wren", "--server", self.daemon.address)
        self.before = self.assert_in_step(new, self.alex, self.sam)
        self.daemon.stop()
        whole = self.doctor()
        self.assertEqual(whole.returncode, 0, whole.stderr)

    def test_rows_that_follow_from_records(self):
        for column in ("feed", "index", "conflict"):
            with self.subTest(column):
                self.delete_first(column)
                self.expect_repaired(f"1 row of {column}")

    def test_rows_that_follow_from_the_journal(self):
        self.delete_first("verdict")
        self.expect_repaired("1 row of verdict")
        self.delete_first("replica")
        self.expect_repaired("1 row of replica")
        way = next(key for key in self.rows("access") if key[:34] == "0" * 32 + "47")
        self.rows_program("access", "delete", way)
        self.expect_repaired("1 way from a device to the family")

    def test_the_state_hash(self):
        (key, value), = self.family_rows("head").items()
        # A sum: field 2 of 32 bytes, in field 4.
        at = value.index("1220", value.index("2224")) + 4
        self.rows_program("head", "put", key, value[:at] + "00" * 32 + value[at + 64:])
        self.expect_repaired("the state hash")

    def test_what_is_derived(self):
        self.rows_program("record", "delete", self.derived_record())
        self.expect_repaired("1 record of the server")
        members = [key[34:] for key in self.family_rows("access") if key[32:34] == "4d"]
        record = next(key for key in self.family_rows("record") if key[32:] == members[0])
        self.rows_program("record", "put", record, "ffff")
        self.expect_repaired("1 record of the server")

    def test_what_a_removed_phone_sent_late_and_who_came_and_went(self):
        self.daemon.start()
        code = self.alex.json("invite", "--role", "caregiver")["code"]
        late = self.phone("late")
        late.run("join", code, "--name", "Wren", "--server", self.daemon.address)
        self.alex.run("remove-member", "Wren")
        late.try_run("log", "cry", "--at", f"{NIGHT} 23:30")
        events = len(self.alex.json("family", "events")["events"])
        self.before = self.assert_in_step(self.alex, self.sam)
        self.daemon.stop()
        (waiting, value), = self.family_rows("quarantine").items()
        self.rows_program("verdict", "delete", waiting)
        self.expect_repaired("1 row of verdict")
        event = next(key for key in self.family_rows("access") if key[32:34] == "45")
        self.rows_program("access", "put", event, "ffff")
        self.expect_repaired("1 event of access, which stays blank")
        newest = [key for key in self.family_rows("access") if key[32:34] == "45"][-1]
        self.rows_program("access", "delete", newest)
        self.expect_repaired("1 event of access, which stays blank")
        self.daemon.start()
        self.assertGreater(len(self.alex.json("family", "events")["events"]), events)
        self.daemon.stop()
        self.rows_program("quarantine", "delete", waiting)
        self.expect_refused("which waits in quarantine")
        self.rows_program("quarantine", "put", waiting, value)
        # Of a family that is not there.
        nobody = "f" * 32
        self.rows_program("quarantine", "put", nobody + waiting[32:], value)
        self.expect_refused(f"the head of family {nobody}")
        self.rows_program("quarantine", "delete", nobody + waiting[32:])
        self.daemon.start()
        self.assertEqual(len(self.alex.json("quarantine")["quarantine"]), 1)
        self.daemon.stop()

    def expect_refused(self, why):
        for flags in ((), ("--repair",)):
            refused = self.doctor(*flags)
            self.assertEqual(refused.returncode, 1, refused.stdout)
            self.assertIn(why, refused.stderr)
            self.assertIn("restore the newest backup", refused.stderr)
            self.assertNotIn("made again", refused.stdout)

    def test_what_is_lost_is_refused(self):
        # Where the family is in the newest batch of its shard, the store is refused as a whole.
        self.daemon.start()
        owls = self.phone("owls")
        owls.run("family", "create", "Owls", "--name", "Finch", "--server", self.daemon.address)
        self.daemon.stop()
        damaged = next(key[:32] for key in self.family_rows("conflict"))
        for column, choose, why in (
                ("journal", lambda rows: rows[1], "a journal entry"),
                ("journal", lambda rows: rows[-1], "the newest journal entry"),
                ("head", lambda rows: damaged, "the head"),
                ("record", lambda rows: next(key for key in rows if key in
                                             self.family_rows("conflict")), "record "),
        ):
            with self.subTest(f"{column}: {why}"):
                rows = {key: value for key, value in self.family_rows(column).items()
                        if key.startswith(damaged)}
                key = choose(list(rows))
                self.rows_program(column, "delete", key)
                self.expect_refused(why)
                self.rows_program(column, "put", key, rows[key])
        whole = self.doctor()
        self.assertEqual(whole.returncode, 0, whole.stderr)
        self.assertIn("2 families are whole", whole.stdout)

    def test_one_damaged_family_is_repaired_beside_one_that_is_lost(self):
        self.daemon.start()
        owls = self.phone("owls")
        owls.run("family", "create", "Owls", "--name", "Finch", "--server", self.daemon.address)
        self.daemon.stop()
        family = next(key[:32] for key in self.family_rows("conflict"))
        self.rows_program("journal", "delete",
                          next(key for key in self.family_rows("journal")
                               if key.startswith(family)))
        self.rows_program("feed", "delete", next(key for key in self.family_rows("feed")
                                                 if not key.startswith(family)))
        repaired = self.doctor("--repair")
        self.assertEqual(repaired.returncode, 1)
        self.assertIn("made again: 1 row of feed", repaired.stdout)
        self.assertIn(f"family {family}: ", repaired.stderr)
        self.assertIn("1 of 2 families are damaged; restore the newest backup", repaired.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
