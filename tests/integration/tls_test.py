#!/usr/bin/env python3
"""TLS by flags; plaintext on loopback only, unless told."""

import os
import ssl
import subprocess
import unittest
import urllib.error
import urllib.request

import processes


class TlsTest(processes.Case):
    def setUp(self):
        processes.unittest.TestCase.setUp(self)
        self.folder = processes.tempfile.mkdtemp(prefix="nightlog-integration-")
        self.addCleanup(processes.shutil.rmtree, self.folder, ignore_errors=True)
        self.key = os.path.join(self.folder, "key.pem")
        self.certificate = os.path.join(self.folder, "certificate.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", self.key, "-out", self.certificate, "-days", "2", "-subj",
             "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
            check=True, capture_output=True)
        self.daemon = processes.Daemon(
            os.path.join(self.folder, "data"), f"--tls_certificate={self.certificate}",
            f"--tls_key={self.key}", "--web_listen=127.0.0.1:0").start()
        self.addCleanup(self.stop_daemon)

    def test_a_phone_that_knows_the_authority_syncs(self):
        alex = self.phone("alex")
        alex.run("--ca", self.certificate, "family", "create", "Robins", "--name", "Alex",
                 "--server", self.daemon.address)
        alex.run("child", "add", "Robin", "--zone", "Europe/London")
        self.assert_in_step(alex)

    def test_a_phone_without_it_is_refused_and_told(self):
        alex = self.phone("alex")
        refused = alex.try_run("family", "create", "Robins", "--name", "Alex", "--server",
                               self.daemon.address)
        self.assertNotEqual(refused.returncode, 0)
        self.assertEqual(len(refused.stderr.strip().splitlines()), 1, refused.stderr)

    def test_a_browser_is_served_over_tls_and_told_to_come_back_so(self):
        self.assertTrue(self.daemon.url.startswith("https://"), self.daemon.url)
        trust = ssl.create_default_context(cafile=self.certificate)
        with self.assertRaises(urllib.error.HTTPError) as missing:
            urllib.request.urlopen(self.daemon.url, context=trust)
        self.assertEqual(missing.exception.code, 404)
        with self.assertRaises(urllib.error.URLError) as refused:
            urllib.request.urlopen(self.daemon.url, context=ssl.create_default_context())
        self.assertIsInstance(refused.exception.reason, ssl.SSLCertVerificationError)

    def test_plaintext_beyond_loopback_is_refused_unless_told(self):
        refused = subprocess.run(
            [os.environ["NIGHTLOGD"], f"--data_dir={self.folder}/other", "--listen=0.0.0.0:0"],
            text=True, capture_output=True)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("--tls_certificate", refused.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
