#!/usr/bin/env python3
"""The metrics of a real daemon: Prometheus reads them, and the alerts and the dashboard ask for
none that do not exist."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest
import urllib.request

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(SOURCE, "tests", "integration"))

import processes  # noqa: E402

METRICS = os.path.join(SOURCE, "deploy", "metrics")
NIGHT = "2026-11-02"


def named(expression):
    """The metrics of ours in a query."""
    return set(re.findall(r"\bnightlog_\w+", expression))


class MetricsTest(processes.Case):
    daemon_flags = ("--metrics_listen=127.0.0.1:0",)

    def setUp(self):
        super().setUp()
        self.url = self.daemon.process.stdout.readline().removeprefix("metrics: ").strip()

    def scrape(self):
        with urllib.request.urlopen(self.url, timeout=processes.PATIENCE_SECONDS) as answer:
            return answer.read().decode()

    def value(self, text, series):
        """The number of one series; None where it is not there."""
        for line in text.splitlines():
            if line.startswith(series + " "):
                return float(line.rsplit(" ", 1)[1])
        return None

    def test_what_happens_is_counted(self):
        alex, sam = self.family()
        entry = alex.json("log", "cry", "--at", f"{NIGHT} 23:00")["record_ids"][0]
        sam.run("sync")
        alex.run("--offline", "edit", entry, "--intensity", "2")
        sam.run("--offline", "edit", entry, "--intensity", "3")
        alex.run("sync")
        sam.run("sync")
        alex.try_run("join", "QQQQ-QQQQ-QQQQ-QQQQ", "--name", "Nobody")
        text = self.scrape()
        checked = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                                 capture_output=True)
        ours = [line for line in (checked.stdout + checked.stderr).splitlines()
                if not line.startswith("exposer_")]
        self.assertEqual(ours, [], "promtool has something to say")
        served = f'nightlog_build_info{{version="{processes.version()}"}}'
        self.assertEqual(self.value(text, served), 1)
        push = '{method="/nightlog.v1.SyncService/Push"'
        self.assertGreaterEqual(
            self.value(text, "nightlog_calls_total" + push + ',code="OK"}'), 3)
        self.assertGreaterEqual(self.value(text, "nightlog_call_seconds_count" + push + "}"), 3)
        self.assertGreaterEqual(self.value(text, "nightlog_commit_seconds_count"), 5)
        self.assertGreaterEqual(self.value(text, "nightlog_commit_operations_sum"), 5)
        self.assertEqual(self.value(text, "nightlog_conflicts_total"), 1)
        self.assertGreater(self.value(text, "nightlog_rocksdb_estimate_num_keys"), 0)
        follow = 'nightlog_open_streams{method="/nightlog.v1.SyncService/Follow"}'
        self.assertEqual(self.value(text, follow), 0)

    def test_a_live_stream_is_counted_and_how_far_it_is_behind(self):
        alex, sam = self.family()
        code = alex.json("invite", "--role", "consultant", "--scope", "entries")["code"]
        desk = self.phone("desk")
        desk.run("join", code, "--name", "Dana", "--server", self.daemon.address)
        watch = processes.Watch(self, desk)
        watch.until(lambda line: True)
        sam.run("log", "cry", "--at", f"{NIGHT} 23:00")
        watch.until(lambda line: "summary" in json.dumps(line))
        text = self.scrape()
        method = '{method="/nightlog.v1.ProgressService/Watch"}'
        self.assertEqual(self.value(text, "nightlog_open_streams" + method), 1)
        self.assertGreaterEqual(self.value(text, "nightlog_stream_lag_seconds_count" + method), 1)

    def test_backups_are_counted(self):
        self.assertEqual(self.value(self.scrape(), "nightlog_backup_made_timestamp_seconds"), 0)
        self.daemon.stop()
        self.daemon.flags += (f"--backup_dir={self.folder}/backups",)
        for series in ("nightlog_backups_made_total", "nightlog_backup_made_timestamp_seconds"):
            self.daemon.start()
            self.url = self.daemon.process.stdout.readline().removeprefix("metrics: ").strip()
            for _ in range(processes.PATIENCE_SECONDS * 20):
                if self.value(self.scrape(), series) > 0:
                    break
                time.sleep(0.05)
            else:
                self.fail(series)
            # The next start makes none, and knows of this one.
            self.daemon.stop(signal.SIGKILL)

    def test_a_failure_is_there_to_be_counted_before_the_first(self):
        # Alerts ask how much these grew: a series that begins at 1 did not grow.
        text = self.scrape()
        with open(os.path.join(METRICS, "alerts.yml"), encoding="utf-8") as file:
            codes = set(re.findall(r"[A-Z_]{5,}", " ".join(
                re.findall(r"expr: .*calls_total\{code=(.*)", file.read()))))
        self.assertLessEqual({"DATA_LOSS", "INTERNAL", "UNKNOWN"}, codes)
        for code in codes:
            for method in ("SyncService/Push", "SyncService/Follow"):
                series = f'nightlog_calls_total{{method="/nightlog.v1.{method}",code="{code}"}}'
                self.assertEqual(self.value(text, series), 0, series)

    def test_alerts_and_dashboard_ask_for_what_there_is(self):
        exposed = {line.split()[2] for line in self.scrape().splitlines()
                   if line.startswith("# TYPE nightlog_")}
        histograms = {line.split()[2] for line in self.scrape().splitlines()
                      if line.startswith("# TYPE nightlog_") and line.endswith(" histogram")}
        series = exposed | {name + end for name in histograms
                            for end in ("_bucket", "_sum", "_count")}
        with open(os.path.join(METRICS, "dashboard.json"), encoding="utf-8") as file:
            panels = json.load(file)["panels"]
        shown = set()
        for panel in panels:
            for target in panel["targets"]:
                self.assertTrue(named(target["expr"]), panel["title"])
                shown |= named(target["expr"])
        with open(os.path.join(METRICS, "alerts.yml"), encoding="utf-8") as file:
            asked = named(" ".join(re.findall(r"expr: (.*)", file.read())))
        self.assertTrue(asked)
        self.assertEqual((shown | asked) - series, set(), "nobody exposes them")

    def test_alerts_fire_when_they_shall(self):
        alerts = os.path.join(METRICS, "alerts.yml")
        checked = subprocess.run(["promtool", "check", "rules", "--lint-fatal", alerts], text=True,
                                 capture_output=True)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        shutil.copy(alerts, self.folder)
        played = shutil.copy(os.path.join(SOURCE, "tests", "deploy", "alerts_test.yml"),
                             self.folder)
        checked = subprocess.run(["promtool", "test", "rules", played], text=True,
                                 capture_output=True)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
