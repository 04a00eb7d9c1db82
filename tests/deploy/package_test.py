#!/usr/bin/env python3
"""The packages in a Debian 12 that has nothing else: they install, serve a family as their own user,
survive an upgrade and a restore, are removed and purged.

The Debian is the one test that reaches beyond this machine, so it is skipped unless it is told where:
NIGHTLOG_DEBIAN_MIRROR is a Debian mirror's URL. Needs root (for chroot) and debootstrap. No systemd
runs in there, so the test starts what the unit starts.
"""

import glob
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("NIGHTLOG_BUILD", "")
MIRROR = os.environ.get("NIGHTLOG_DEBIAN_MIRROR")
PATIENCE_SECONDS = 240


def run(*command, **options):
    done = subprocess.run(command, text=True, capture_output=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class PackageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="nightlog-package-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.packages = cls.pack("0.1.0")
        cls.newer = cls.pack("0.1.1")

    @classmethod
    def pack(cls, version):
        """Makes both packages, as of a version; their paths."""
        made = os.path.join(cls.folder, version)
        run("cpack", "-G", "DEB", "-R", version, "-B", made, cwd=BUILD)
        return glob.glob(made + "/*.deb")

    def bootstrap(self):
        self.root = os.path.join(self.folder, "root")
        run("debootstrap", "--variant=minbase", "bookworm", self.root, MIRROR)
        shutil.copy("/etc/resolv.conf", self.root + "/etc/resolv.conf")
        # No service is started by its package: nobody is there to start it.
        with open(self.root + "/usr/sbin/policy-rc.d", "w", encoding="ascii") as file:
            file.write("#!/bin/sh\nexit 101\n")
        os.chmod(self.root + "/usr/sbin/policy-rc.d", 0o755)
        self.port = free_port()
        self.server = None
        self.addCleanup(self.stop)

    def inside(self, *command, user="root:root"):
        return run("chroot", f"--userspec={user}", self.root, "env", "-i", "HOME=/",
                   "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", *command)

    def install(self, packages):
        for package in packages:
            shutil.copy(package, self.root + "/root")
        names = ["/root/" + os.path.basename(package) for package in packages]
        self.inside("apt-get", "install", "-y", "-qq", "--no-install-recommends", *names)

    def start(self):
        """What the unit starts, as whom it starts it."""
        with open(self.root + "/lib/systemd/system/nightlogd.service", encoding="ascii") as file:
            unit = dict(re.findall(r"(?m)^(ExecStart|User|Group)=(.*)$", file.read()))
        self.server = subprocess.Popen(
            ["chroot", f"--userspec={unit['User']}:{unit['Group']}", self.root,
             *unit["ExecStart"].split(), f"--listen=127.0.0.1:{self.port}",
             "--web_listen=127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
        self.assertIn("serving on", self.server.stdout.readline())

    def stop(self):
        if self.server is None:
            return
        self.server.terminate()
        self.assertEqual(self.server.wait(PATIENCE_SECONDS), 0)
        self.server.stdout.close()
        self.server = None

    def phone(self, name, *words):
        return self.inside("nightlog", f"--state=/root/{name}", *words)

    def state(self, phone):
        return json.loads(self.phone(phone, "--json", "sync"))

    def test_the_packages_have_no_fault_that_lintian_knows(self):
        run("lintian", "--fail-on", "error,warning", *self.packages)

    @unittest.skipUnless(MIRROR and os.geteuid() == 0 and shutil.which("debootstrap"),
                         "needs NIGHTLOG_DEBIAN_MIRROR, root and debootstrap")
    def test_a_debian_with_nothing_else_serves_a_family(self):
        self.bootstrap()
        self.inside("apt-get", "update", "-qq")
        self.install(self.packages)
        var = self.root + "/var/lib/nightlog"
        self.assertEqual(os.stat(var).st_mode & 0o777, 0o700)
        self.assertNotEqual(os.stat(var).st_uid, 0)
        wants = "/etc/systemd/system/multi-user.target.wants/nightlogd.service"
        self.assertTrue(os.path.islink(self.root + wants), "it is enabled")
        self.start()
        with open(var + "/set-up-link", encoding="ascii") as file:
            code = file.read().split("#setup=")[1].strip()
        address = f"127.0.0.1:{self.port}"
        self.phone("alex", "family", "create", "Robins", "--name", "Alex", "--server", address,
                   "--setup-code", code)
        self.phone("alex", "child", "add", "Robin", "--zone", "Europe/London")
        code = json.loads(self.phone("alex", "--json", "invite", "--role", "caregiver"))["code"]
        self.phone("sam", "join", code, "--name", "Sam", "--server", address)
        self.phone("sam", "log", "cry")
        before = self.state("alex")

        # An upgrade goes on with what was there, and leaves the operator's settings alone.
        with open(self.root + "/etc/nightlog/nightlogd.conf", "a", encoding="ascii") as file:
            file.write("# the operator's\n")
        self.stop()
        self.install(self.newer)
        self.assertIn("0.1.1", self.inside("dpkg-query", "-W", "-f=${Version}", "nightlogd"))
        with open(self.root + "/etc/nightlog/nightlogd.conf", encoding="ascii") as file:
            self.assertIn("# the operator's", file.read())
        self.assertIn("1 families are whole", self.inside("nightlogctl", "doctor"))
        self.inside("nightlogctl", "backup")
        self.start()
        self.assertEqual(self.state("sam")["state_hash"], before["state_hash"])

        # What a backup lacks the phones bring back.
        self.phone("sam", "log", "feed")
        self.phone("alex", "log", "asleep")
        self.stop()
        shutil.rmtree(var + "/data")
        self.inside("nightlogctl", "restore", "latest")
        self.start()
        for phone in ("alex", "sam", "alex"):
            last = self.state(phone)
        self.assertEqual(last["state_hash"], last["server_state_hash"])
        self.assertNotEqual(last["state_hash"], before["state_hash"])
        self.stop()
        self.assertIn("1 families are whole", self.inside("nightlogctl", "doctor"))

        # Removing keeps what is the family's, purging does not; backups are somebody's to delete.
        self.inside("apt-get", "remove", "-y", "-qq", "nightlogd")
        self.assertFalse(os.path.exists(self.root + "/usr/bin/nightlogd"))
        self.assertTrue(os.path.exists(var + "/data/STORE"))
        self.install(self.newer)
        self.assertIn("1 families are whole", self.inside("nightlogctl", "doctor"))
        self.inside("apt-get", "purge", "-y", "-qq", "nightlogd")
        self.assertFalse(os.path.exists(var))
        self.assertFalse(os.path.exists(self.root + "/etc/nightlog"))
        self.assertFalse(os.path.islink(self.root + wants))
        self.assertTrue(os.path.exists(self.root + "/var/backups/nightlog/meta"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
