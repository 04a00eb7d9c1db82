#!/usr/bin/env python3
"""nightlogd under a service manager: it says that it is ready, alive while its disk writes, and
stopping; a set-up link stays out of the log; the unit leaves it little to do."""

import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import unittest
import urllib.request

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(SOURCE, "tests", "integration"))

import processes  # noqa: E402


class Manager:
    """The socket that a service tells its state to."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)

    def hear(self, seconds):
        """The next thing told; None if nothing is for so long."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(100).decode()
        except socket.timeout:
            return None


class ServiceTest(processes.Case):
    def setUp(self):
        unittest.TestCase.setUp(self)
        self.folder = processes.tempfile.mkdtemp(prefix="nightlog-deploy-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.manager = Manager(os.path.join(self.folder, "notify"))
        self.addCleanup(self.manager.socket.close)
        self.daemon = processes.Daemon(os.path.join(self.folder, "data"),
                                       "--metrics_listen=127.0.0.1:0")
        self.daemon.environment = {"NOTIFY_SOCKET": os.path.join(self.folder, "notify")}
        self.addCleanup(self.stop_daemon)

    def start(self):
        self.daemon.start()
        line = self.daemon.process.stdout.readline()
        self.metrics = line.removeprefix("metrics: ").strip()
        self.assertEqual(self.manager.hear(processes.PATIENCE_SECONDS), "READY=1")

    def serving(self):
        with urllib.request.urlopen(self.metrics) as answer:
            return re.search(r"^nightlog_serving (\d)", answer.read().decode(), re.M)[1] == "1"

    def test_it_says_when_it_is_ready_alive_and_stopping(self):
        self.start()
        self.assertEqual(self.manager.hear(processes.PATIENCE_SECONDS), "WATCHDOG=1")
        self.assertTrue(self.serving())
        self.daemon.stop()
        told = self.manager.hear(processes.PATIENCE_SECONDS)
        while told == "WATCHDOG=1":
            told = self.manager.hear(processes.PATIENCE_SECONDS)
        self.assertEqual(told, "STOPPING=1")

    @unittest.skipIf(os.environ.get("ASAN_OPTIONS") or os.environ.get("TSAN_OPTIONS"),
                     "a sanitizer wants to be loaded first")
    def test_it_is_not_alive_while_its_disk_hangs_and_is_when_it_writes_again(self):
        library = os.path.join(self.folder, "slow_disk.so")
        subprocess.run(["clang-14", "-shared", "-fPIC", "-o", library,
                        os.path.join(SOURCE, "tests", "deploy", "slow_disk.c")], check=True)
        hang = os.path.join(self.folder, "hang")
        self.daemon.environment |= {"LD_PRELOAD": library, "NIGHTLOG_TEST_HANG": hang}
        self.start()
        alex, _ = self.family()
        open(hang, "w", encoding="ascii").close()
        push = alex.start("log", "cry")
        self.addCleanup(push.wait)
        for _ in range(processes.PATIENCE_SECONDS):
            if self.manager.hear(4) is None:
                break
        else:
            self.fail("it says that it is alive")
        self.assertFalse(self.serving())
        os.remove(hang)
        self.assertEqual(self.manager.hear(processes.PATIENCE_SECONDS), "WATCHDOG=1")
        self.assertTrue(self.serving())

    def test_a_set_up_link_goes_to_a_file_that_only_its_owner_reads(self):
        link = os.path.join(self.folder, "set-up-link")
        with open(link, "w", encoding="ascii") as file:
            file.write("an old one")
        os.chmod(link, 0o644)
        self.daemon.flags += ("--open_registration=false", f"--setup_link_file={link}")
        self.start()
        with open(link, encoding="ascii") as file:
            said = file.read()
        self.assertTrue(said.startswith("nightlog family create --setup-code "), said)
        self.assertEqual(stat.S_IMODE(os.stat(link).st_mode), 0o600)
        self.daemon.stop()
        self.assertEqual(self.daemon.printed, "")

    def test_a_port_below_1024_asks_for_what_the_guide_grants(self):
        with open(os.path.join(SOURCE, "deploy", "HOSTING.md"), encoding="utf-8") as file:
            drop_in = file.read().split("`systemctl edit nightlogd`:")[1].split("\n## ")[0]
        with open(os.path.join(SOURCE, "deploy", "nightlogd.service"), encoding="ascii") as file:
            unit = file.read()
        # All three of the unit's settings that stand against it.
        for name, denies, grants in (
                ("AmbientCapabilities", "", "CAP_NET_BIND_SERVICE"),
                ("CapabilityBoundingSet", "", "CAP_NET_BIND_SERVICE"),
                ("PrivateUsers", "yes", "no")):
            self.assertIn(f"\n{name}={denies}\n", unit)
            self.assertIn(f"    {name}={grants}\n", drop_in)

    @unittest.skipUnless(shutil.which("systemd-analyze"), "there is no systemd-analyze")
    def test_the_unit_leaves_it_little_to_do(self):
        checked = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=15",
             os.path.join(SOURCE, "deploy", "nightlogd.service")], text=True, capture_output=True)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        self.assertIn("Overall exposure level", checked.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
