#!/usr/bin/env python3
"""Two phones, offline both at once, on the same entry and on different ones."""

import unittest

import processes


def entry_of(phone, night, record_id):
    for item in phone.json("night", night)["entries"]:
        if item["record"]["record_id"] == record_id:
            return item["record"]
    raise AssertionError("the entry is not in the night")


class TwoPhonesTest(processes.Case):
    night = "2026-11-02"

    def sleep(self, phone):
        """A sleep of that night, on both phones."""
        return phone.json("log", "asleep", "--at", "2026-11-02 20:00", "--end",
                          "2026-11-02 23:10")["record_ids"][0]

    def test_the_same_field_keeps_both_values_on_both_phones_until_one_tap(self):
        alex, sam = self.family()
        entry = self.sleep(alex)
        sam.run("sync")
        alex.offline("edit", entry, "--end", "2026-11-02 23:40")
        sam.offline("edit", entry, "--end", "2026-11-03 00:20")
        alex.run("sync")
        sam.run("sync")
        alex.run("sync")
        seen = [phone.json("conflicts")["conflicts"] for phone in (alex, sam)]
        self.assertEqual(seen[0], seen[1])
        self.assertEqual(len(seen[0]), 1)
        values = {(value["member"], value["value"]["interval"]["ended_at"])
                  for value in seen[0][0]["values"]}
        self.assertEqual(values, {("Alex", "2026-11-02T23:40:00Z"),
                                  ("Sam", "2026-11-03T00:20:00Z")})
        self.assertEqual(alex.json("night", self.night)["summary"]["open_conflicts"], 1)

        keep = 1 + [value["member"] for value in seen[0][0]["values"]].index("Alex")
        sam.run("conflicts", "resolve", entry, "interval", "--keep", keep)
        alex.run("sync")
        for phone in (alex, sam):
            self.assertEqual(phone.json("conflicts")["conflicts"], [])
            self.assertEqual(entry_of(phone, self.night, entry)["log_entry"]["interval"]["ended_at"],
                             "2026-11-02T23:40:00Z")
        history = alex.json("history", entry)
        self.assertIn("2026-11-03T00:20:00Z", str(history))  # what lost is not forgotten
        self.assert_in_step(alex, sam)

    def test_an_undo_sets_back_what_stood_before_online_and_offline(self):
        alex, sam = self.family()
        entry = self.sleep(alex)
        sam.run("sync")
        sam.run("edit", entry, "--end", "2026-11-03 01:00")
        alex.run("undo", entry)  # what Sam did, which this phone had not seen yet
        sam.run("sync")
        for phone in (alex, sam):
            self.assertEqual(entry_of(phone, self.night, entry)["log_entry"]["interval"]["ended_at"],
                             "2026-11-02T23:10:00Z")
        items = alex.json("history", entry)["items"]
        self.assertEqual(len(items), 3, "an undo is an edit, and stands in the history")

        cry = sam.json("--offline", "log", "cry", "--at", "2026-11-02 23:20")["record_ids"][0]
        self.assertIn("deleted", sam.offline("undo"))
        self.assertIn("brought back", sam.offline("undo", "last"))
        refused = sam.try_run("--offline", "undo", entry)
        self.assertEqual(refused.returncode, 3)
        sam.run("sync")
        alex.run("sync")
        entry_of(alex, self.night, cry)
        alex.run("undo")  # the undo was Alex's last tap
        sam.run("sync")
        self.assertEqual(entry_of(sam, self.night, entry)["log_entry"]["interval"]["ended_at"],
                         "2026-11-03T01:00:00Z")
        self.assert_in_step(alex, sam)

    def test_different_fields_merge_and_nobody_is_asked(self):
        alex, sam = self.family()
        entry = self.sleep(alex)
        sam.run("sync")
        alex.offline("edit", entry, "--end", "2026-11-02 23:50")
        sam.offline("edit", entry, "--text", "slept through the bells", "--tag", "teething")
        alex.offline("edit", entry, "--tag", "warm")
        sam.run("sync")
        alex.run("sync")
        sam.run("sync")
        for phone in (alex, sam):
            self.assertEqual(phone.json("conflicts")["conflicts"], [])
            shown = entry_of(phone, self.night, entry)["log_entry"]
            self.assertEqual(shown["interval"]["ended_at"], "2026-11-02T23:50:00Z")
            self.assertEqual(shown["text"], "slept through the bells")
            self.assertEqual(sorted(shown["tags"]), ["teething", "warm"])
        self.assert_in_step(alex, sam)

    def test_ends_within_three_minutes_agree(self):
        alex, sam = self.family()
        entry = self.sleep(alex)
        sam.run("sync")
        alex.offline("edit", entry, "--end", "2026-11-02 23:41")
        sam.offline("edit", entry, "--end", "2026-11-02 23:43")
        alex.run("sync")
        sam.run("sync")
        alex.run("sync")
        self.assertEqual(alex.json("conflicts")["conflicts"], [])
        self.assert_in_step(alex, sam)

    def test_an_edit_beats_a_deletion_that_had_not_seen_it(self):
        alex, sam = self.family()
        entry = self.sleep(alex)
        sam.run("sync")
        alex.offline("delete", entry)
        sam.offline("edit", entry, "--text", "this one was real")
        alex.run("sync")
        sam.run("sync")
        alex.run("sync")
        for phone in (alex, sam):
            self.assertEqual(entry_of(phone, self.night, entry)["log_entry"]["text"],
                             "this one was real")
            self.assertEqual(phone.json("conflicts")["conflicts"][0]["group"], "existence")
        self.assert_in_step(alex, sam)

    def test_one_waking_logged_on_two_phones_counts_once_until_somebody_says_two(self):
        alex, sam = self.family()
        alex.run("log", "asleep", "--at", "2026-11-02 20:00", "--end", "2026-11-03 06:00")
        sam.run("sync")
        one = alex.json("--offline", "log", "awake", "--at", "2026-11-03 02:10", "--end",
                        "2026-11-03 02:12")["record_ids"][0]
        alex.offline("log", "respond", "2", "--at", "2026-11-03 02:11")
        other = sam.json("--offline", "log", "awake", "--at", "2026-11-03 02:14", "--end",
                         "2026-11-03 02:20")["record_ids"][0]
        sam.offline("log", "respond", "3", "--at", "2026-11-03 02:15")
        for phone in (alex, sam, alex):
            phone.run("sync")
        for phone in (alex, sam):
            night = phone.json("night", self.night)
            self.assertEqual(night["summary"]["nwak"], 1)
            self.assertEqual(night["summary"]["waso_min"], 10)
            self.assertEqual(night["summary"]["interventions"], 2)
            self.assertEqual(night["summary"]["episodes"], [{"entry_ids": [one, other]}])
            self.assertEqual(len(night["entries"]), 5)
            self.assertIn("nightlog split", phone.run("night", self.night))
        sam.run("split", one, other)
        alex.run("sync")
        for phone in (alex, sam):
            summary = phone.json("night", self.night)["summary"]
            self.assertEqual((summary["nwak"], summary["episodes"]), (2, []))
        self.assert_in_step(alex, sam)

    def test_what_is_saved_offline_is_shown_at_once_and_marked(self):
        alex, _ = self.family()
        entry = alex.json("--offline", "log", "cry", "--at", "2026-11-02 23:12")["record_ids"][0]
        items = alex.json("--offline", "night", self.night)["entries"]
        self.assertEqual([(i["record"]["record_id"], i["pending"]) for i in items],
                         [(entry, True)])
        alex.run("sync")
        items = alex.json("--offline", "night", self.night)["entries"]
        self.assertEqual([i["pending"] for i in items], [False])

    def test_a_clock_three_hours_ahead_wins_nothing_and_its_taps_are_corrected(self):
        alex, sam = self.family()
        entry = self.sleep(alex)
        sam.run("sync")
        wrong = processes.Phone(sam.state, "--clock-offset=3h")
        wrong.offline("edit", entry, "--end", "2026-11-02 23:20")
        alex.offline("edit", entry, "--end", "2026-11-02 23:50")  # the later tap
        sam.run("sync")
        alex.run("sync")
        sam.run("sync")
        self.assertEqual(entry_of(sam, self.night, entry)["log_entry"]["interval"]["ended_at"],
                         "2026-11-02T23:50:00Z")
        tapped = wrong.json("log", "cry")["record_ids"][0]
        interval = next(item["record"]["log_entry"]["interval"]
                        for item in sam.json("night")["entries"]
                        if item["record"]["record_id"] == tapped)
        raw = processes.moment(interval["began_raw"])
        corrected = processes.moment(interval["began_at"])
        self.assertAlmostEqual((raw - corrected).total_seconds(), 3 * 3600, delta=60)

    def test_dst_nights_have_23_and_25_hours(self):
        alex, _ = self.family(zone="America/New_York")
        alex.run("log", "asleep", "--at", "2025-03-08 19:45", "--end", "2025-03-09 01:50")
        alex.run("log", "asleep", "--at", "2025-03-09 03:10", "--end", "2025-03-09 06:45")
        alex.run("log", "asleep", "--at", "2025-11-01 20:00", "--end", "2025-11-02 06:00")
        nights = {night["date"]: night for night in alex.json("nights")["nights"]}
        self.assertEqual(nights["2025-03-08"]["waso_min"], 20)
        self.assertEqual(nights["2025-03-08"]["tst_night_min"], 580)
        self.assertEqual(nights["2025-11-01"]["tst_night_min"], 660)


if __name__ == "__main__":
    unittest.main(verbosity=2)
