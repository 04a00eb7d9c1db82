#!/usr/bin/env python3
"""A consultant sees what she may, live, and nothing once consent ends."""

import datetime
import os
import shutil
import unittest

import processes


class AccessTest(processes.Case):
    def consultant(self, owner, *words):
        code = owner.json("invite", "--role", "consultant", *words)["code"]
        desk = self.phone("desk")
        desk.run("join", code, "--name", "Dana", "--server", self.daemon.address)
        return desk

    def test_the_consultant_sees_a_night_as_it_goes(self):
        alex, sam = self.family()
        desk = self.consultant(alex)
        watch = processes.Watch(self, desk)

        def phase(word):
            return lambda line: line.get("record", {}).get("night_summary", {}).get("phase") == word

        sam.run("log", "down", "--at", "2026-11-02 19:30")
        sam.run("log", "asleep", "--at", "2026-11-02 19:45")
        night = watch.until(phase("asleep"))["record"]["night_summary"]
        self.assertEqual(night["date"], "2026-11-02")
        alex.run("log", "awake", "--at", "2026-11-02 23:10")
        watch.until(phase("awake"))

    def test_a_consultant_does_not_log_and_says_so_calmly(self):
        alex, _ = self.family()
        desk = self.consultant(alex)
        desk.run("sync")
        self.assertEqual(desk.json("status")["families"][0]["pairing"]["role"], "consultant")
        said = desk.run("log", "cry", "--at", "2026-11-02 23:12")
        self.assertIn("needs-attention", said)
        self.assertEqual(len(desk.json("needs-attention")["needs_attention"]), 1)

    def test_entries_are_seen_only_where_consent_says_so(self):
        alex, _ = self.family()
        desk = self.consultant(alex, "--scope", "nights")
        alex.run("log", "asleep", "--at", "2026-11-02 19:45", "--end", "2026-11-02 23:00")
        desk.run("sync")
        self.assertEqual(desk.json("night", "2026-11-02")["entries"], [])
        self.assertIn("not shared with you", desk.run("night", "2026-11-02"))
        self.assertEqual(desk.json("nights")["nights"][0]["tst_night_min"], 195)
        alex.run("consent", "Dana", "--scope", "entries")
        desk.run("sync")
        self.assertEqual(len(desk.json("night", "2026-11-02")["entries"]), 1)
        self.assertIn("nothing logged", desk.run("night", "2026-11-03"))

    def test_revocation_ends_the_stream_and_everything_else(self):
        alex, _ = self.family()
        desk = self.consultant(alex)
        watch = processes.Watch(self, desk)
        watch.until(lambda line: line.get("record", {}).get("child", {}).get("name") == "Robin")
        alex.run("remove-member", "Dana")
        left = watch.until(lambda line: "left" in line)
        self.assertEqual(left["family"], "Robins")
        alex.run("log", "asleep", "--at", "2026-11-02 19:45")
        refused = desk.try_run("sync")
        self.assertEqual(refused.returncode, 4, refused.stderr)

    def test_an_owner_decides_what_a_removed_phone_sends_late(self):
        alex, sam = self.family()
        taps = [sam.json("--offline", "log", "cry", "--at", f"2026-11-02 23:{minute}",
                         "--text", f"at {minute}")["record_ids"][0] for minute in (10, 20, 30)]
        alex.run("remove-member", "Sam")
        self.assertEqual(sam.try_run("sync").returncode, 4)
        self.assertEqual(len(sam.json("needs-attention")["needs_attention"]), 3)
        waiting = alex.json("quarantine")["quarantine"]
        self.assertEqual([item["member"] for item in waiting], ["Sam"] * 3)
        self.assertIn("at 20", alex.run("quarantine", "list"))
        self.assertEqual(alex.json("night", "2026-11-02")["entries"], [])

        alex.run("quarantine", "accept", waiting[0]["id"])
        alex.run("quarantine", "refuse", waiting[1]["id"])
        gone = alex.try_run("quarantine", "accept", waiting[1]["id"])
        self.assertEqual(gone.returncode, 1)
        self.assertEqual(len(gone.stderr.strip().splitlines()), 1, gone.stderr)
        alex.run("quarantine", "accept", "all")
        self.assertEqual(alex.json("quarantine")["quarantine"], [])
        entries = alex.json("night", "2026-11-02")["entries"]
        self.assertEqual([item["record"]["record_id"] for item in entries], [taps[0], taps[2]])
        self.assertIn("Sam", alex.run("history", taps[0]))
        self.assertIn("let in by Alex", alex.run("history", taps[0]))
        # The phone is told no more than before.
        self.assertEqual(sam.try_run("sync").returncode, 4)
        self.assertEqual(len(sam.json("needs-attention")["needs_attention"]), 3)

    def test_what_somebody_tapped_before_she_became_a_viewer_stays_on_her_phone(self):
        alex, sam = self.family()
        tap = sam.json("--offline", "log", "cry", "--at", "2026-11-02 23:10")["record_ids"][0]
        other = self.phone("other")
        other.run("join", sam.json("invite", "--device")["code"], "--server", self.daemon.address)

        def become(role):
            code = alex.json("invite", "--role", role)["code"]
            other.run("join", code, "--server", self.daemon.address)

        become("viewer")
        alex.run("log", "awake", "--at", "2026-11-02 23:40")
        for _ in range(2):
            refused = sam.try_run("sync")
            self.assertEqual(refused.returncode, 4, refused.stdout)
            self.assertIn("1 tap stays on this phone, not shared", refused.stderr)
            self.assertEqual(len(refused.stderr.strip().splitlines()), 1, refused.stderr)
            state, = sam.json("status")["families"]
            self.assertEqual((state["pairing"]["role"], state["pending"], state["needs_attention"]),
                             ("viewer", 1, 0))
            shown = sam.json("night", "2026-11-02")["entries"]
            self.assertEqual([entry["pending"] for entry in shown], [True, False],
                             "a viewer still follows")
        self.assertIn("1 tap stays on this phone, not shared", sam.run("status"))
        self.assertIn("2 taps stay", sam.run("log", "cry", "--at", "2026-11-02 23:50"))
        self.assertEqual(len(alex.json("night", "2026-11-02")["entries"]), 1)
        self.assertIn("only on this phone", sam.try_run("leave").stderr)

        become("caregiver")
        sam.run("sync")
        self.assertIn("all that was tapped here is synced", sam.run("status"))
        alex.run("sync")
        entries = alex.json("night", "2026-11-02")["entries"]
        self.assertEqual(len(entries), 3)
        self.assertIn(tap, [entry["record"]["record_id"] for entry in entries])
        self.assert_in_step(alex, sam)

    def test_a_viewer_discards_all_that_waits_on_her_phone_or_nothing(self):
        alex, sam = self.family()
        for minute in (10, 20):
            sam.offline("log", "cry", "--at", f"2026-11-02 23:{minute}")
        refused = sam.try_run("--offline", "needs-attention", "discard-not-shared", "--taps", "2")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("no tap waits here", refused.stderr)
        self.assertEqual(sam.json("--offline", "needs-attention")["not_shared"], [])
        sam.run("join", alex.json("invite", "--role", "viewer")["code"],
                "--server", self.daemon.address)
        listed = sam.run("needs-attention")
        self.assertIn("2 taps are on this phone only. You look on in this family now", listed)
        self.assertIn("23:10", listed)
        self.assertIn("23:20", listed)
        for count in ((), ("--taps", "1"), ("--taps", "3")):
            refused = sam.try_run("needs-attention", "discard-not-shared", *count)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("Discard these 2 taps for good? They are nowhere else: on no other "
                          "phone and in no copy", refused.stderr)
        self.assertEqual(len(sam.json("needs-attention")["not_shared"]), 2)
        self.assertEqual(sam.run("needs-attention", "discard-not-shared", "--taps", "2"),
                         "discarded\n")
        self.assertEqual(sam.run("needs-attention"), "nothing needs attention\n")
        self.assertEqual(sam.json("night", "2026-11-02")["entries"], [])
        sam.run("sync")
        # What she taps as a caregiver again goes up, though its number follows what is gone.
        sam.run("join", alex.json("invite", "--role", "caregiver")["code"],
                "--server", self.daemon.address)
        tap, = sam.json("log", "cry", "--at", "2026-11-02 23:50")["record_ids"]
        sam.run("sync")
        alex.run("sync")
        self.assertEqual([entry["record"]["record_id"]
                          for entry in alex.json("night", "2026-11-02")["entries"]], [tap])
        self.assert_in_step(alex, sam)

    def test_a_viewer_leaves_with_what_was_never_sent(self):
        alex, sam = self.family()
        sam.offline("log", "cry", "--at", "2026-11-02 23:10")
        joined = sam.run("join", alex.json("invite", "--role", "viewer")["code"],
                         "--server", self.daemon.address)
        self.assertIn("joined the family Robins as viewer", joined)
        self.assertIn("1 tap stays on this phone, not shared", joined)
        sam.run("leave", "--drop-unsent")
        self.assertEqual(sam.json("status")["families"], [])

    def test_the_family_reads_who_came_and_went(self):
        alex, sam = self.family()
        desk = self.consultant(alex)
        sam.run("export")
        alex.run("consent", "Dana", "--scope", "entries")
        code = alex.json("invite", "--role", "viewer")["code"]
        alex.run("remove-member", "Dana")
        self.daemon.stop()
        self.daemon.start()
        events = sam.json("family", "events")["events"]
        self.assertEqual([event["event"]["kind"] for event in events],
                         ["member_removed", "invite_given", "consent_changed", "family_exported",
                          "device_paired", "invite_given", "device_paired", "invite_given",
                          "family_created"])
        told = sam.run("family", "events")
        self.assertEqual(len(told.splitlines()), len(events))
        self.assertIn("Alex removed Dana", told)
        self.assertIn("Sam took an export", told)
        self.assertNotIn(code, told)
        refused = desk.try_run("family", "events")
        self.assertEqual(refused.returncode, 4, refused.stderr)

    def test_a_token_is_exchanged_and_a_copy_of_the_old_one_is_worth_nothing(self):
        alex, sam = self.family()
        shutil.copytree(os.path.join(self.folder, "sam"), os.path.join(self.folder, "copy"))
        copy = self.phone("copy")
        copy.run("sync")
        sam.run("family", "rotate-token")
        self.assertEqual(copy.try_run("sync").returncode, 4)
        self.daemon.stop()
        self.daemon.start()
        sam.run("log", "down", "--at", "2026-11-02 19:30")
        sam.run("family", "rotate-token")
        self.assert_in_step(alex, sam)
        self.assertEqual(copy.try_run("sync").returncode, 4)
        self.assertIn("Sam's phone of Sam got a new token, 2 times", alex.run("family", "events"))

    def test_a_stream_of_the_old_token_ends_and_one_of_the_phone_goes_on(self):
        alex, sam = self.family()
        desk = self.consultant(alex)
        shutil.copytree(os.path.join(self.folder, "desk"), os.path.join(self.folder, "copy"))
        copy = processes.Watch(self, self.phone("copy"))
        copy.until(lambda line: line.get("record", {}).get("child", {}).get("name") == "Robin")
        desk.run("family", "rotate-token")
        # The device of the same token is refused, not removed.
        self.assertEqual(copy.process.wait(processes.PATIENCE_SECONDS), 4)
        self.assertNotIn("left", copy.rest())
        watch = processes.Watch(self, desk)
        sam.run("log", "down", "--at", "2026-11-02 19:30")
        watch.until(lambda line: "night_summary" in line.get("record", {}))

    def test_a_stream_at_rest_ends_when_consent_runs_out(self):
        alex, _ = self.family()
        desk = self.consultant(alex)
        watch = processes.Watch(self, desk)
        watch.until(lambda line: line.get("record", {}).get("child", {}).get("name") == "Robin")
        soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=5)
        alex.run("consent", "Dana", "--until", soon.isoformat())
        watch.until(lambda line: "left" in line)

    def test_a_server_that_was_set_back_before_an_exchange_knows_the_phone_again(self):
        alex, sam = self.family()
        backup = os.path.join(self.folder, "backup")
        self.daemon.stop()
        shutil.copytree(self.daemon.data, backup)
        self.daemon.start()
        sam.run("family", "rotate-token")
        self.daemon.stop()
        shutil.rmtree(self.daemon.data)
        shutil.move(backup, self.daemon.data)
        self.daemon.start()
        sam.run("sync")
        sam.run("log", "down", "--at", "2026-11-02 19:30")
        self.assert_in_step(alex, sam)

    def test_an_invite_works_once(self):
        alex, _ = self.family()
        code = alex.json("invite", "--role", "viewer")["code"]
        self.phone("one").run("join", code, "--name", "One", "--server", self.daemon.address)
        again = self.phone("two").try_run("join", code, "--name", "Two", "--server",
                                          self.daemon.address)
        self.assertNotEqual(again.returncode, 0)
        self.assertEqual(len(again.stderr.strip().splitlines()), 1, again.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
