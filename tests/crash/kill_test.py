#!/usr/bin/env python3
"""nightlogd is killed with kill -9 again and again while phones tap and sync over bad lines.

Each phone says what is saved on it and what the server has acknowledged. At the end nothing of that
is missing, nothing came twice, and phones and server hold the same. Phones are killed, too.

    kill_test.py [--kills N] [--seed S]

The programs come from $NIGHTLOGD and $LOAD_CLIENT (CTest sets both).
"""

import argparse
import collections
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, "integration"))
import processes  # noqa: E402: found by the path above

ARGUMENTS = argparse.Namespace(kills=20, seed=1)

FAMILIES = 2
# A line that is awaited and does not come in this time will never come.
PATIENCE_SECONDS = 120
CUT_ONE_IN = 40


class LoadPhone:
    """A directory, and the load client that runs on it, if one does."""

    def __init__(self, state, address, heard):
        self.state = state
        self.address = address
        self.heard = heard
        self.process = None
        self.listener = None
        self.runs = 0
        self.saving = collections.Counter()  # record -> taps that may have been saved
        self.saved = collections.Counter()  # record -> taps that were
        self.acknowledged = collections.Counter()

    def command(self, *words):
        return [os.environ["LOAD_CLIENT"], self.state, self.address, str(self.runs), *words]

    def run(self, *words):
        done = subprocess.run(self.command(*words), text=True, capture_output=True,
                              timeout=5 * PATIENCE_SECONDS)
        if done.returncode != 0:
            raise AssertionError(f"{words}: {done.stderr}")
        return done.stdout

    def start(self, seed):
        self.runs = seed
        self.process = subprocess.Popen(self.command("load"), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.listener = threading.Thread(target=self._listen, args=(self.process,))
        self.listener.start()

    def _listen(self, process):
        for line in process.stdout:
            word, *rest = line.split()
            if word == "saving":
                self.saving[rest[0]] += 1
            elif word == "saved":
                self.saved[rest[0]] += 1
            elif word == "synced":
                self.acknowledged = self.saved.copy()
            self.heard(word)

    def _wait(self):
        code = self.process.wait(timeout=PATIENCE_SECONDS)
        self.listener.join(timeout=PATIENCE_SECONDS)
        self.process.stdout.close()
        self.process = None
        return code

    def kill(self):
        self.process.kill()
        self.process.stdin.close()
        self._wait()

    def finish(self):
        self.process.stdin.close()
        return self._wait()

    def close(self):
        if self.process is not None:
            self.kill()


class Progress:
    """Counts what phones say, so that kills come in the middle of work and not by the clock."""

    def __init__(self):
        self.changed = threading.Condition()
        self.lines = 0

    def heard(self, word):
        with self.changed:
            self.lines += 1
            self.changed.notify_all()

    def wait_for(self, lines):
        with self.changed:
            goal = self.lines + lines
            return self.changed.wait_for(lambda: self.lines >= goal, PATIENCE_SECONDS)


class KillTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="nightlog-kill-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.random = random.Random(ARGUMENTS.seed)
        self.daemon = processes.Daemon(os.path.join(self.folder, "data")).start()
        self.addCleanup(lambda: self.daemon.stop(signal.SIGKILL))
        self.proxy = processes.BreakingProxy(
            lambda: self.daemon.address,
            lambda kind, count: self.random.randrange(CUT_ONE_IN) == 0)
        self.addCleanup(self.proxy.close)
        self.progress = Progress()

    def family(self, number):
        """Two phones, one of them behind the bad line."""
        phones = [LoadPhone(os.path.join(self.folder, f"phone{number}{which}"), self.daemon.address,
                            self.progress.heard) for which in "ab"]
        code = phones[0].run("create").split()[1]
        phones[1].run("join", code)
        phones[1].address = self.proxy.address
        for phone in phones:
            self.addCleanup(phone.close)
        return phones

    def test_nothing_acknowledged_is_lost_and_nothing_comes_twice(self):
        families = [self.family(number) for number in range(FAMILIES)]
        phones = [phone for family in families for phone in family]
        for phone in phones:
            phone.start(self.random.randrange(1 << 32))
        for _ in range(ARGUMENTS.kills):
            self.assertTrue(self.progress.wait_for(self.random.randint(1, 40)),
                            "phones make no progress")
            self.daemon.stop(signal.SIGKILL)
            if self.random.randrange(4) == 0:
                phone = self.random.choice(phones)
                phone.kill()
                phone.start(self.random.randrange(1 << 32))
            self.daemon.start()
        self.assertTrue(self.progress.wait_for(40), "phones make no progress")
        for phone in phones:
            self.assertEqual(phone.finish(), 0)
            phone.address = self.daemon.address
        for family in families:
            self.check(family)
        self.assertEqual(self.daemon.stop(), 0)
        print(f"{ARGUMENTS.kills} kills, {self.proxy.cuts} cuts, "
              f"{sum(sum(phone.saved.values()) for phone in phones)} taps, "
              f"{sum(sum(phone.acknowledged.values()) for phone in phones)} of them acknowledged "
              "before the end")

    def check(self, family):
        for phone in family:
            phone.run("report")
        reports = [phone.run("report").splitlines() for phone in family]
        self.assertEqual(reports[0], reports[1], "two phones of a family differ")
        report = [line.split() for line in reports[0]]
        said = {words[0]: words[1:] for words in report if words[0] != "record"}
        self.assertEqual(said["state"], said["server"])
        self.assertEqual(said["left"], ["0", "0", "0"])
        commits = {words[1]: int(words[2]) for words in report if words[0] == "record"}
        for phone in family:
            for record, taps in phone.acknowledged.items():
                self.assertGreaterEqual(commits.get(record, 0), taps, "acknowledged and lost")
            for record, taps in phone.saved.items():
                self.assertGreaterEqual(commits.get(record, 0), taps, "saved and lost")
        saving = family[0].saving + family[1].saving
        for record, taps in commits.items():
            self.assertLessEqual(taps, saving[record], "committed twice")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=ARGUMENTS.kills)
    parser.add_argument("--seed", type=int, default=ARGUMENTS.seed)
    ARGUMENTS, rest = parser.parse_known_args(namespace=ARGUMENTS)
    unittest.main(argv=[sys.argv[0], *rest])
