#!/usr/bin/env python3
"""The recount's own check: right nights pass, and each planted difference is found."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from datetime import datetime
from zoneinfo import ZoneInfo

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import recount  # noqa: E402 (found by the path above)

CSV = os.path.join(HERE, "..", "data", "eva-baby-connect", "eva.csv")
ZONE = ZoneInfo("America/New_York")
HEADING = ("Date and Time,End Time,Duration (min),Activity,Quantity,Extra data,Text,Notes,"
           "Caregiver\n")


def as_derived(nights):
    """The nights as `nightlog nights --json` gives them: no field where nothing is known."""
    derived = []
    for day, metrics in nights.items():
        night = {"date": day}
        for field, value in metrics.items():
            if isinstance(value, datetime):
                value = value.strftime("%Y-%m-%dT%H:%M:%SZ")
            if value is not None:
                night[field] = value
        derived.append(night)
    return derived


class RecountOfARealLog(unittest.TestCase):
    def setUp(self):
        self.nights = recount.recount(CSV, ZONE, recount.parse_window("19:00-07:00"))

    def test_has_360_nights_and_agrees_with_itself(self):
        self.assertEqual(len(self.nights), 360)
        self.assertEqual(recount.compare(self.nights, as_derived(self.nights)), [])

    def test_finds_one_more_minute_of_sleep(self):
        derived = as_derived(self.nights)
        derived[200]["tst_night_min"] += 1
        differences = recount.compare(self.nights, derived)
        self.assertEqual(len(differences), 1)
        self.assertIn(derived[200]["date"], differences[0])
        self.assertIn("tst_night_min", differences[0])

    def test_finds_an_onset_that_is_a_second_off(self):
        derived = as_derived(self.nights)
        derived[7]["onset_at"] = derived[7]["onset_at"].replace(":00Z", ":01Z")
        self.assertEqual(len(recount.compare(self.nights, derived)), 1)

    def test_finds_zero_where_nothing_is_known(self):
        derived = as_derived(self.nights)
        derived[3]["cry_min"] = 0.0
        self.assertEqual(len(recount.compare(self.nights, derived)), 1)

    def test_finds_unknown_where_a_number_is_known(self):
        derived = as_derived(self.nights)
        del derived[3]["nwak"]
        self.assertEqual(len(recount.compare(self.nights, derived)), 1)

    def test_finds_a_missing_an_added_and_a_doubled_night(self):
        derived = as_derived(self.nights)
        self.assertEqual(len(recount.compare(self.nights, derived[1:])), 1)
        self.assertEqual(
            len(recount.compare(self.nights, derived + [{"date": "2030-01-01"}])), 1)
        self.assertEqual(len(recount.compare(self.nights, derived + derived[:1])), 1)

    def test_program_exits_with_1_on_a_difference_and_0_without(self):
        derived = as_derived(self.nights)
        for nights, code in ((derived, 0), (derived[1:], 1)):
            with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                json.dump({"nights": nights}, file)
                file.flush()
                ended = subprocess.run(
                    [sys.executable, "-B", os.path.join(HERE, "recount.py"), CSV, file.name,
                     "--zone", "America/New_York", "--expect", "360"],
                    stdout=subprocess.PIPE, check=False)
                self.assertEqual(ended.returncode, code, ended.stdout)


class RecountOfMadeUpLogs(unittest.TestCase):
    def count(self, *rows):
        with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
            file.write(HEADING + "".join(row + "\n" for row in rows))
            file.flush()
            return recount.recount(file.name, ZONE, recount.parse_window("19:00-07:00"))

    def test_two_caregivers_sleep_is_united_and_never_summed(self):
        night = self.count("6/1/20 8:00 PM,6/2/20 1:00 AM,300,Sleep,,,,,A",
                           "6/1/20 11:00 PM,6/2/20 5:00 AM,360,Sleep,,,,,U")["2020-06-01"]
        self.assertEqual(night["tst_night_min"], 540)
        self.assertEqual(night["nwak"], 0)
        self.assertTrue(night["stn_24_05"])

    def test_the_night_on_which_the_clocks_go_forward_is_an_hour_shorter(self):
        night = self.count("3/7/20 10:00 PM,3/8/20 6:00 AM,420,Sleep,,,,,A")["2020-03-07"]
        self.assertEqual(night["tst_night_min"], 420)
        self.assertFalse(night["stn_8h"])
        self.assertTrue(night["stn_22_06"])

    def test_a_sleep_with_half_its_length_in_the_window_is_night(self):
        nights = self.count("6/2/20 6:00 AM,6/2/20 8:00 AM,120,Sleep,,,,,A",
                            "6/3/20 6:00 AM,6/3/20 8:01 AM,121,Sleep,,,,,A")
        self.assertEqual(nights["2020-06-01"]["tst_night_min"], 120)
        self.assertEqual(nights["2020-06-03"]["nap_min"], 121)

    def test_a_sleep_left_open_makes_the_night_incomplete_unless_the_other_closed_it(self):
        alone = self.count("6/1/20 8:00 PM,,,Sleep,,,,,A")["2020-06-01"]
        self.assertEqual(alone["status"], "incomplete")
        self.assertIsNone(alone["tst_night_min"])
        covered = self.count("6/1/20 8:00 PM,,,Sleep,,,,,A",
                             "6/1/20 8:04 PM,6/2/20 6:00 AM,596,Sleep,,,,,U")["2020-06-01"]
        self.assertEqual(covered["status"], "complete")
        self.assertEqual(covered["tst_night_min"], 600)

    def test_of_an_incomplete_night_only_what_is_certain_is_given(self):
        night = self.count("6/1/20 8:00 PM,6/1/20 9:00 PM,60,Sleep,,,,,A",
                           "6/1/20 11:00 PM,,,Sleep,,,,,A",
                           "6/2/20 1:00 AM,6/2/20 2:00 AM,60,Sleep,,,,,A",
                           "6/2/20 3:00 AM,6/2/20 6:00 AM,180,Sleep,,,,,A")["2020-06-01"]
        self.assertEqual(night["nwak"], 2)  # at least: from 9 to 11 and from 2 to 3
        self.assertIsNone(night["waso_min"])
        self.assertEqual(night["final_wake_at"].hour, 10)  # UTC

    def test_a_gap_below_a_minute_is_no_waking_but_below_five_is_one(self):
        night = self.count("6/1/20 8:00 PM,6/2/20 1:00 AM,300,Sleep,,,,,A",
                           "6/2/20 1:03 AM,6/2/20 5:00 AM,237,Sleep,,,,,U")["2020-06-01"]
        self.assertEqual((night["nwak"], night["nwak5"], night["waso_min"]), (1, 0, 3))


if __name__ == "__main__":
    unittest.main()
