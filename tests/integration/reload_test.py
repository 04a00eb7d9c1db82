#!/usr/bin/env python3
"""SIGHUP: the daemon reads its settings file again, and says what became of it."""

import json
import os
import signal
import time
import unittest

import processes


class ReloadTest(processes.Case):
    def setUp(self):
        super().setUp()
        self.daemon.stop()
        self.config = os.path.join(self.folder, "nightlogd.conf")
        self.log = os.path.join(self.folder, "log")
        self.daemon.log = open(self.log, "w", encoding="utf-8")
        self.addCleanup(self.daemon.log.close)
        self.daemon.flags = (f"--config={self.config}", "--web_listen=127.0.0.1:0")
        self.write("address_pairings_per_minute = 0")
        self.daemon.start()

    def write(self, *lines):
        with open(self.config, "w", encoding="utf-8") as config:
            config.write("\n".join(lines) + "\n")

    def lines(self):
        with open(self.log, encoding="utf-8") as log:
            return log.read().splitlines()

    def reload(self, *settings):
        self.write(*settings)
        return self.hang_up()

    def hang_up(self):
        """The one line that the daemon logs of settings that it reads again."""
        before = len(self.lines())
        self.daemon.process.send_signal(signal.SIGHUP)
        for _ in range(processes.PATIENCE_SECONDS * 20):
            told = [line for line in self.lines()[before:] if "settings" in line]
            if told:
                self.assertEqual(len(told), 1)
                return told[0]
            time.sleep(0.05)
        raise AssertionError(f"nothing was logged: {self.lines()}")

    def tries(self, count):
        """How many of so many tries to join, without a code, from one address are looked at."""
        return self.count_looked_at(count, "Join", refusal=3, body=b"\0\0\0\0\0")

    def test_what_can_change_does_and_the_rest_is_named(self):
        alex = self.phone("alex")
        alex.run("family", "create", "Robins", "--name", "Alex", "--server", self.daemon.address)
        self.assertEqual(self.tries(30), 30)
        # Some fill up again while this runs.
        line = self.reload("address_pairings_per_minute = 1", "threads = 2")
        self.assertIn("info settings read again applied=address_pairings_per_minute "
                      "need_restart=threads", line)
        self.assertLess(self.tries(30), 30)
        line = self.reload("address_pairings_per_minute = 0", "log_format = json")
        told = json.loads(line)
        self.assertEqual((told["event"], told["applied"], told["need_restart"]),
                         ("settings read again", "address_pairings_per_minute,log_format", ""))
        self.assertEqual(self.tries(30), 30)
        alex.run("child", "add", "Robin", "--zone", "Europe/London")

    def test_a_file_with_a_mistake_changes_nothing(self):
        line = self.reload("address_pairings_per_minute = 1", "log_format = json", "threads = many")
        self.assertIn("error settings not read again", line)
        self.assertIn(f"{self.config}:3: threads is `many`; it must be 1 to 256.", line)
        self.assertEqual(self.tries(30), 30)
        # It is well as a whole, or not at all.
        line = self.reload("address_pairings_per_minute = 1", "metrics_listen = 0.0.0.0:7413")
        self.assertIn("error settings not read again", line)
        os.remove(self.config)
        self.assertIn(f"the settings file {self.config} cannot be read", self.hang_up())
        line = self.reload("drain_seconds = 3")
        self.assertIn("applied=address_pairings_per_minute,drain_seconds need_restart=", line)

    def test_a_flag_still_goes_before_the_file(self):
        self.daemon.stop()
        self.daemon.flags += ("--drain_seconds=4",)
        self.daemon.start()
        self.assertIn('applied="" need_restart=""',
                      self.reload("address_pairings_per_minute = 0", "drain_seconds = 5"))

    def test_without_a_file_it_ends_in_order(self):
        self.daemon.stop()
        self.daemon.flags = ()
        self.daemon.start()
        self.assertEqual(self.daemon.stop(signal.SIGHUP), 0)
        self.assertIn("info stopped", self.lines()[-1])


if __name__ == "__main__":
    unittest.main(verbosity=2)
