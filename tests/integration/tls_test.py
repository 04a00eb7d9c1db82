#!/usr/bin/env python3
"""TLS by flags; plaintext on loopback only, unless told."""

import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import time
import unittest
import urllib.error
import urllib.request

import processes


class TlsTest(processes.Case):
    def setUp(self):
        processes.unittest.TestCase.setUp(self)
        self.folder = processes.tempfile.mkdtemp(prefix="nightlog-integration-")
        self.addCleanup(processes.shutil.rmtree, self.folder, ignore_errors=True)
        self.renew()
        self.daemon = processes.Daemon(
            os.path.join(self.folder, "data"), f"--tls_certificate={self.certificate}",
            f"--tls_key={self.key}", "--web_listen=127.0.0.1:0").start()
        self.addCleanup(self.stop_daemon)

    def renew(self):
        """Puts another certificate, which is its own authority, in the place of the last."""
        self.key, self.certificate = processes.self_signed(self.folder)
        with open(self.certificate, encoding="ascii") as file:
            return file.read()

    def await_served(self, certificate):
        """Waits until both doors show that one to whoever connects."""
        doors = [self.daemon.address, self.daemon.url.split("/")[2]]
        for _ in range(processes.PATIENCE_SECONDS * 10):
            shown = [ssl.get_server_certificate(tuple(door.rsplit(":", 1))) for door in doors]
            if all(one.strip() == certificate.strip() for one in shown):
                return
            time.sleep(0.1)
        self.fail("the old certificate is still served")

    def test_a_renewed_certificate_is_served_and_open_streams_go_on(self):
        alex, desk = self.phone("alex"), self.phone("desk")
        alex.run("--ca", self.certificate, "family", "create", "Robins", "--name", "Alex",
                 "--server", self.daemon.address)
        alex.run("child", "add", "Robin", "--zone", "Europe/London")
        code = alex.json("invite", "--role", "consultant", "--scope", "entries")["code"]
        desk.run("--ca", self.certificate, "join", code, "--name", "Dana", "--server",
                 self.daemon.address)
        watch = processes.Watch(self, desk)
        watch.until(lambda line: True)
        trust = ssl.create_default_context(cafile=self.certificate)
        host, port = self.daemon.url.split("/")[2].rsplit(":", 1)
        browser = http.client.HTTPSConnection(host, int(port), context=trust)
        browser.request("GET", "/")
        browser.getresponse().read()

        self.await_served(self.renew())
        # This connects anew, and trusts the new one only.
        alex.run("plan", "set", "--method", "extinction", "--first-night", "2026-11-02")
        # These know the old one only, so they cannot have connected again.
        watch.until(lambda line: "plan" in line.get("record", {}))
        browser.request("GET", "/")
        browser.getresponse().read()
        browser.close()

    def test_files_that_do_not_fit_are_not_served_and_are_refused_at_a_start(self):
        with open(self.certificate, encoding="ascii") as file:
            first = file.read()
        self.daemon.stop()
        with open(os.path.join(self.folder, "log"), "w+", encoding="utf-8") as log:
            self.daemon.log = log
            self.daemon.start()
            with open(self.certificate, "w", encoding="ascii") as file:
                file.write("half of one")
            self.await_served(first)

            def await_logged(event, count):
                said = ""
                while said.count(event) < count:
                    time.sleep(0.1)
                    log.seek(0)
                    said = log.read()

            await_logged("certificate not renewed", 1)
            # It looks again after each signal, so once more at least before it hears the second.
            for count in (1, 2):
                self.daemon.process.send_signal(signal.SIGUSR1)
                await_logged("no backup made", count)
            self.daemon.stop()
            log.seek(0)
            said = log.read()
            self.daemon.log = None
        self.assertEqual(said.count("certificate not renewed"), 1)
        self.assertIn("--tls_certificate", said)
        with self.assertRaises(RuntimeError):
            self.daemon.start()
        self.renew()
        self.daemon.start()

    def test_what_cannot_be_served_is_named_in_one_line(self):
        another = os.path.join(self.folder, "another")
        os.mkdir(another)
        key, certificate = processes.self_signed(another)
        with open(certificate, encoding="ascii") as file:
            chain = file.read()
        with open(certificate, "w", encoding="ascii") as file:
            file.write(chain + chain[:len(chain) // 2] + "\n-----END CERTIFICATE-----\n")
        for files, says in (((self.certificate, key), f"--tls_key={key} cannot be read, or is not"),
                            ((self.certificate, "/nowhere"), "--tls_key=/nowhere cannot be read"),
                            ((certificate, key), f"--tls_certificate={certificate} cannot be read")):
            refused = subprocess.run(
                [os.environ["NIGHTLOGD"], f"--data_dir={another}/data", "--listen=127.0.0.1:0",
                 f"--tls_certificate={files[0]}", f"--tls_key={files[1]}"],
                text=True, capture_output=True, timeout=processes.PATIENCE_SECONDS)
            self.assertEqual(refused.returncode, 1, refused.stderr)
            self.assertEqual(len(refused.stderr.splitlines()), 1, refused.stderr)
            self.assertIn(says, refused.stderr)
        with open(certificate, "w", encoding="ascii") as file:
            file.write(chain + chain)
        processes.Daemon(os.path.join(another, "data"), f"--tls_certificate={certificate}",
                         f"--tls_key={key}").start().stop()

    def test_who_knows_the_authority_of_the_authority_is_served_by_both_doors(self):
        def make(name, *words):
            path = os.path.join(self.folder, name)
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                 "-nodes", "-keyout", path + ".key", "-out", path + ".pem", "-days", "2", "-subj",
                 "/CN=" + name, *words], check=True, capture_output=True)
            return path

        def by(authority):
            return "-CA", authority + ".pem", "-CAkey", authority + ".key"

        root = make("root")
        between = make("between", *by(root))
        own = make("own", *by(between), "-addext", "subjectAltName=IP:127.0.0.1")
        self.daemon.stop()
        os.replace(own + ".key", self.key)
        with open(self.certificate, "wb") as chain:
            for path in (own, between):
                with open(path + ".pem", "rb") as file:
                    chain.write(file.read())
        self.daemon.start()
        self.phone("alex").run("--ca", root + ".pem", "family", "create", "Robins", "--name", "Alex",
                               "--server", self.daemon.address)
        host, port = self.daemon.url.split("/")[2].rsplit(":", 1)
        trust = ssl.create_default_context(cafile=root + ".pem")
        with socket.create_connection((host, int(port))) as connection:
            trust.wrap_socket(connection, server_hostname=host).close()

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

    def test_what_grpc_logs_is_in_the_log(self):
        self.daemon.stop()
        self.daemon.flags += ("--log_format=json",)
        with open(os.path.join(self.folder, "log"), "w+", encoding="utf-8") as log:
            self.daemon.log = log
            self.daemon.start()
            self.phone("alex").try_run("family", "create", "Robins", "--name", "Alex", "--server",
                                       self.daemon.address)  # without TLS
            self.daemon.stop()
            log.seek(0)
            events = [json.loads(line)["event"] for line in log]
        self.assertIn("grpc", events)

    def test_a_browser_is_served_over_tls_and_told_to_come_back_so(self):
        self.assertTrue(self.daemon.url.startswith("https://"), self.daemon.url)
        trust = ssl.create_default_context(cafile=self.certificate)
        with self.assertRaises(urllib.error.HTTPError) as missing:
            urllib.request.urlopen(self.daemon.url, context=trust)
        self.assertEqual(missing.exception.code, 404)
        with self.assertRaises(urllib.error.URLError) as refused:
            urllib.request.urlopen(self.daemon.url, context=ssl.create_default_context())
        self.assertIsInstance(refused.exception.reason, ssl.SSLCertVerificationError)

    def test_the_metrics_tell_when_the_certificate_ends(self):
        self.daemon.stop()
        self.daemon.flags += ("--metrics_listen=127.0.0.1:0",)
        self.daemon.start()
        metrics = self.daemon.process.stdout.readline().removeprefix("metrics: ").strip()
        told = subprocess.run(["openssl", "x509", "-enddate", "-noout", "-in", self.certificate],
                              text=True, capture_output=True, check=True).stdout
        end = ssl.cert_time_to_seconds(told.strip().removeprefix("notAfter="))
        seen = 0
        for _ in range(processes.PATIENCE_SECONDS * 10):
            with urllib.request.urlopen(metrics) as answer:
                said = answer.read().decode()
            seen = float(re.search(r"(?m)^nightlog_certificate_end_timestamp_seconds (\S+)$",
                                   said)[1])
            if seen > 0:
                break
            time.sleep(0.1)
        self.assertEqual(seen, end)

    def test_plaintext_beyond_loopback_is_refused_unless_told(self):
        refused = subprocess.run(
            [os.environ["NIGHTLOGD"], f"--data_dir={self.folder}/other", "--listen=0.0.0.0:0"],
            text=True, capture_output=True)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("--tls_certificate", refused.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
