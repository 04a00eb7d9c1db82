#!/usr/bin/env python3
"""A server that only whoever has its set-up link can make a family on."""

import os
import subprocess
import unittest

import processes


class SetupTest(processes.Case):
    daemon_flags = ("--web_listen=127.0.0.1:0", "--web_url=https://nightlog.example/")

    def code(self):
        """The code of the link that the daemon printed at its start; None: it printed none."""
        link = "set up: https://nightlog.example/#setup="
        self.daemon.stop()
        printed = self.daemon.printed
        self.daemon.start()
        if not printed:
            return None
        self.assertTrue(printed.startswith(link), printed)
        return printed.removeprefix(link).strip()

    def create(self, name, *flags):
        return self.phone(name).try_run("family", "create", "Robins", "--name", name, "--server",
                                        self.daemon.address, *flags)

    def test_the_link_makes_one_family_and_the_operator_can_have_another(self):
        code = self.code()
        self.assertIsNone(self.code(), "it was told, and is not used yet")
        refused = self.create("nobody")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("set-up code", refused.stderr)
        self.assertNotEqual(self.create("guess", "--setup-code", "AAAA-AAAA-AAAA-AAAA").returncode, 0)
        made = self.create("alex", "--setup-code", code)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertNotEqual(self.create("again", "--setup-code", code).returncode, 0)
        self.assertIsNone(self.code(), "there is a family")

        self.daemon.flags += ("--new_setup_code",)
        self.daemon.stop()
        self.daemon.start()
        self.daemon.flags = self.daemon_flags
        made = self.create("sam", "--setup-code", self.code())
        self.assertEqual(made.returncode, 0, made.stderr)

    def test_a_start_that_fails_leaves_the_link_to_the_next_one(self):
        nowhere = os.path.join(self.folder, "nowhere")
        for name, flag in (("alex", f"--web_root={nowhere}"),
                           ("sam", f"--setup_link_file={nowhere}/link")):
            self.daemon.stop()
            self.daemon.data = os.path.join(self.folder, f"data of {name}")
            failed = subprocess.run(
                [os.environ["NIGHTLOGD"], f"--data_dir={self.daemon.data}", "--listen=127.0.0.1:0",
                 *self.daemon_flags, flag], text=True, capture_output=True,
                timeout=processes.PATIENCE_SECONDS)
            self.assertEqual(failed.returncode, 1, failed.stderr)
            self.assertIn(nowhere, failed.stderr)
            self.daemon.start()
            code = self.code()
            self.assertIsNotNone(code, f"nobody was told: {flag}")
            made = self.create(name, "--setup-code", code)
            self.assertEqual(made.returncode, 0, made.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
