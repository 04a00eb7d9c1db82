#!/usr/bin/env python3
"""Logs of other apps: all of a real sheet, a night in which the clocks change, and overlaps."""

import csv
import os
import unittest

import processes

HERE = os.path.dirname(os.path.abspath(__file__))
SHEET = os.path.join(HERE, "..", "data", "jitney86-spreadsheet", "sleep-eat.csv")
HUCKLEBERRY = "Type,Start,End,Duration,Start Condition,Start Location,End Condition,Notes\n"

BY_COLUMNS = ("--format", "csv", "--zone", "Europe/London",
              "--map", "began=From,ended=To,kind=What,author=Who")


class ImportTest(processes.Case):
    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        return path

    def test_450_days_of_a_real_sheet_are_all_accounted_for_and_import_once(self):
        alex, sam = self.family(zone="America/New_York")
        words = ("import", SHEET, "--zone", "America/New_York", "--day-zero", "2016-01-01")
        planned = alex.json(*words, "--dry-run")
        report = alex.json(*words)
        self.assertEqual(report["rows"], 25703)
        self.assertEqual(report["set_aside"], [])
        self.assertEqual(report["made"], planned["made"])
        state = self.assert_in_step(alex, sam)
        again = alex.json(*words)
        self.assertEqual((again["made"], again["already_there"]), (0, report["made"]))
        self.assertEqual(self.assert_in_step(alex, sam)["revision"], state["revision"])
        nights = alex.json("nights")["nights"]
        self.assertEqual(len(nights), 451)  # from noon to noon
        # Counted cell by cell: the hour that was lost in March came back in November.
        with open(SHEET, encoding="utf-8") as sheet:
            cells = sum(cell.lower() == "s" for row in csv.reader(sheet) for cell in row)
        self.assertEqual(
            sum(night.get("tst_night_min", 0) + night.get("nap_min", 0) for night in nights),
            15 * cells)

    def test_a_night_in_which_the_clocks_change_has_the_minutes_that_went_by(self):
        alex, _ = self.family()
        log = self.file("huckleberry.csv", HUCKLEBERRY
                        + "Sleep,2026-03-28 20:30,2026-03-29 07:00,10:30,,,,\n"
                        + "Sleep,2025-10-25 18:30,2025-10-26 06:00,11:30,,,,\n")
        self.assertEqual(alex.json("import", log, "--zone", "Europe/London")["made"], 2)
        nights = {night["date"]: night["tst_night_min"] for night in alex.json("nights")["nights"]}
        self.assertEqual(nights, {"2026-03-28": 630, "2025-10-25": 690})

    def test_one_waking_that_two_caregivers_logged_counts_once(self):
        log = self.file("two.csv", "What,From,To,Who\n"
                        "Put down,2026-01-10 19:00,,A\n"
                        "Sleep,2026-01-10 19:15,2026-01-11 02:00,A\n"
                        "Awake,2026-01-11 02:00,2026-01-11 02:30,A\n"
                        "Awake,2026-01-11 02:05,2026-01-11 02:40,B\n"
                        "Sleep,2026-01-11 02:35,2026-01-11 06:30,A\n"
                        "Up for the day,2026-01-11 06:40,,A\n"
                        "Rise,2026-01-11 06:42,,B\n")
        alex, sam = self.family()
        alex.run("sync")
        alex.json("import", log, *BY_COLUMNS, "--members", "A=Alex,B=Sam")
        self.assert_in_step(alex, sam)
        night = sam.json("nights")["nights"][0]
        self.assertEqual((night["nwak"], night["waso_min"]), (1, 40))
        self.assertEqual([len(episode["entry_ids"]) for episode in night["episodes"]], [2, 2])

    def test_a_kind_that_is_mistyped_makes_no_notes(self):
        alex, _ = self.family()
        log = self.file("log.csv", "What,From,To,Who\nZzz,2026-01-10 19:15,2026-01-11 02:00,A\n")
        refused = alex.try_run("import", log, *BY_COLUMNS, "--kinds", "Zzz=slep")
        self.assertEqual(refused.returncode, 2, refused.stdout)
        self.assertIn("Zzz is slep, which is no kind", refused.stderr)
        alex.run("import", log, *BY_COLUMNS, "--kinds", "Zzz=sleep")
        self.assertEqual(alex.json("nights")["nights"][0]["tst_night_min"], 405)

    def test_rows_of_one_author_that_overlap_count_once(self):
        log = self.file("one.csv", "What,From,To,Who\n"
                        "Sleep,2026-01-10 19:15,2026-01-11 02:00,A\n"
                        "Sleep,2026-01-10 19:30,2026-01-11 02:10,A\n"
                        "Awake,2026-01-11 00:00,2026-01-11 00:20,A\n"
                        "Awake,2026-01-11 00:10,2026-01-11 00:30,A\n"
                        "Cry,2026-01-11 00:00,2026-01-11 00:12,A\n"
                        "Cry,2026-01-11 00:04,2026-01-11 00:09,A\n"
                        "Sleep,2026-01-11 02:40,2026-01-11 06:30,A\n"
                        "Sleep,2026-01-11 12:00,2026-01-11 13:00,A\n"
                        "Sleep,2026-01-11 12:30,2026-01-11 13:30,A\n")
        alex, sam = self.family()
        report = alex.json("import", log, *BY_COLUMNS, "--members", "A=Alex")
        self.assertEqual((report["made"], report["set_aside"]), (9, []))
        self.assert_in_step(alex, sam)
        night, day = sam.json("nights")["nights"]
        # Asleep from 19:15 to 2:10 but for the half hour from 0:00, and from 2:40 to 6:30.
        self.assertEqual((night["nwak"], night["waso_min"], night["tst_night_min"]), (2, 60, 615))
        self.assertEqual((night["cry_min"], night["cry_episodes"]), (12, 1))
        self.assertEqual((day["nap_count"], day["nap_min"]), (1, 90))
        # Nobody's entries are linked with their own.
        self.assertEqual(night["episodes"], [])

    def test_one_night_that_one_caregiver_kept_in_two_apps_counts_once(self):
        alex, sam = self.family()
        for name, text in (
                ("huckleberry.csv", HUCKLEBERRY
                 + "Sleep,2026-01-10 19:15,2026-01-11 02:00,6:45,,,,\n"
                 + "Sleep,2026-01-11 02:30,2026-01-11 06:30,4:00,,,,\n"),
                ("baby_buddy.csv", "child_id,start,end,notes\n"
                 "1,2026-01-10 19:20:00,2026-01-11 02:06:00,\n"
                 "1,2026-01-11 02:36:00,2026-01-11 06:34:00,\n")):
            report = alex.json("import", self.file(name, text), "--zone", "Europe/London")
            self.assertEqual(report["made"], 2)
        self.assert_in_step(alex, sam)
        night = sam.json("nights")["nights"][0]
        self.assertEqual((night["nwak"], night["waso_min"], night["tst_night_min"]), (1, 24, 655))

    def test_one_waking_that_two_caregivers_kept_in_an_app_each_counts_once(self):
        alex, sam = self.family()
        alex.run("sync")
        files = {
            "Alex": "Sleep,2026-01-10 19:15,2026-01-11 06:30,Me\n"
                    "Awake,2026-01-11 02:00,2026-01-11 02:04,Me\n"
                    "Cry,2026-01-11 02:00,2026-01-11 02:02,Me\n",
            "Sam": "Awake,2026-01-11 02:06,2026-01-11 02:30,Me\n"
                   "Cry,2026-01-11 02:03,2026-01-11 02:08,Me\n"}
        # Sam had not seen what Alex logged, though the phone that takes both in has.
        for name, rows in files.items():
            alex.json("import", self.file(f"{name}.csv", "What,From,To,Who\n" + rows), *BY_COLUMNS,
                      "--members", f"Me={name}")
        self.assert_in_step(alex, sam)
        night = sam.json("nights")["nights"][0]
        self.assertEqual((night["nwak"], night["waso_min"]), (1, 30))
        self.assertEqual((night["cry_min"], night["cry_episodes"]), (8, 1))
        self.assertEqual([len(episode["entry_ids"]) for episode in night["episodes"]], [2, 2])

    def test_a_file_of_an_old_spreadsheet_program_keeps_its_umlauts(self):
        alex, sam = self.family()
        path = self.file("windows.csv", "")
        with open(path, "wb") as file:
            file.write((HUCKLEBERRY + "Note,2026-01-10 09:00,,,,,,müde\n").encode("cp1252"))
        self.assertEqual(alex.json("import", path, "--zone", "Europe/London")["made"], 1)
        self.assert_in_step(alex, sam)

    def test_dates_of_a_country_with_the_day_first_are_read_so(self):
        alex, _ = self.family()
        rows = "".join(f"Sleep,{day:02}/03/2026 19:00,{day + 1:02}/03/2026 06:00,,,,,\n"
                       for day in range(1, 31))
        log = self.file("british.csv", HUCKLEBERRY + rows)
        report = alex.json("import", log, "--zone", "Europe/London")
        self.assertEqual((report["made"], report["set_aside"]), (30, []))
        self.assertEqual([night["date"] for night in alex.json("nights")["nights"]],
                         [f"2026-03-{day:02}" for day in range(1, 31)])
        both = self.file("both.csv", HUCKLEBERRY + rows + "Sleep,03/31/2026 19:00,,,,,,\n")
        done = alex.try_run("import", both, "--zone", "Europe/London")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--dates mdy or --dates dmy", done.stderr)
        report = alex.json("import", both, "--zone", "Europe/London", "--dates", "dmy")
        self.assertEqual((report["already_there"], len(report["set_aside"])), (30, 1))

    def test_a_file_that_is_none_gives_one_clear_line(self):
        alex, _ = self.family()
        for text, says in (("", "the file is empty"), ("what,when\nx,y\n", "--map"),
                           ("\x00\x01\x02", "--map")):
            done = alex.try_run("import", self.file("bad.csv", text), "--zone", "Europe/London")
            self.assertEqual(done.returncode, 2)
            self.assertIn(says, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1)
        done = alex.try_run("import", os.path.join(self.folder, "none"), "--zone", "Europe/London")
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (1, 1))


if __name__ == "__main__":
    unittest.main(verbosity=2)
