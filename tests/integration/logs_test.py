#!/usr/bin/env python3
"""What the daemon logs: what happened, and nothing that is the family's or opens a door."""

import glob
import http.client
import json
import os
import re
import signal
import socket
import ssl
import time
import unittest
import urllib.parse

import processes
from processes import framed, message


class LogsTest(processes.Case):
    daemon_flags = ("--log_format=json", "--open_registration=false", "--web_listen=127.0.0.1:0")

    def setUp(self):
        super().setUp()
        self.daemon.stop()
        self.code = self.daemon.printed.strip().split("#setup=")[1]
        self.log = os.path.join(self.folder, "log")
        self.daemon.log = open(self.log, "w", encoding="utf-8")
        self.addCleanup(self.daemon.log.close)
        self.daemon.flags += (f"--backup_dir={self.folder}/backups",)
        self.daemon.start()

    def lines(self):
        with open(self.log, encoding="utf-8") as log:
            return [json.loads(line) for line in log]

    def wait_for(self, event, count):
        for _ in range(processes.PATIENCE_SECONDS * 20):
            found = [line for line in self.lines() if line["event"] == event]
            if len(found) >= count:
                return found
            time.sleep(0.05)
        self.fail(f"{event} was not logged {count} times: {self.lines()}")

    def tokens(self, phone):
        """Of all that looks like the token of a device among what a phone keeps."""
        found = set()
        for path in glob.glob(os.path.join(phone.state, "**"), recursive=True):
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    found |= set(re.findall(rb"[A-Za-z0-9_-]{43}", file.read()))
        return {token.decode() for token in found}

    def test_events_are_logged_and_no_secret_is(self):
        self.wait_for("backup made", 1)
        alex, sam = self.phone("alex"), self.phone("sam")
        alex.run("family", "create", "Kingfishers", "--name", "Alexandra", "--server",
                 self.daemon.address, "--setup-code", self.code)
        alex.run("child", "add", "Robin", "--zone", "Europe/London")
        invite = alex.json("invite", "--role", "caregiver")["code"]
        sam.run("join", invite, "--name", "Samuel", "--server", self.daemon.address)
        # A second use of it, and a code that never was, are refused and no business of the log's.
        guess = "QQQQ-QQQQ-QQQQ-QQQQ"
        for wrong in (invite, guess):
            self.phone("other").try_run("join", wrong, "--name", "Nobody", "--server",
                                        self.daemon.address)
        sam.run("log", "note", "--text", "teething since Tuesday")
        sam.run("log", "cry", "--text", "a lorry outside")
        alex.run("sync")
        secrets = {self.code, invite, guess, "Kingfishers", "Alexandra", "Samuel", "Robin",
                   "teething", "lorry"}
        tokens = self.tokens(alex) | self.tokens(sam)
        self.assertGreaterEqual(len(tokens), 2, "the test knows what it looks for")

        self.daemon.process.send_signal(signal.SIGUSR1)
        self.wait_for("backup made", 2)
        self.daemon.stop()
        lines = self.lines()
        self.assertEqual([line["event"] for line in lines],
                         ["serving", "backup made", "backup made", "stopping", "stopped"])
        self.assertEqual(lines[0]["address"], self.daemon.address)
        self.assertEqual(lines[0]["version"], processes.version())
        with open(self.log, encoding="utf-8") as log:
            text = log.read()
        for secret in secrets | tokens | {code.replace("-", "") for code in (self.code, invite)}:
            self.assertNotIn(secret, text)

    def call(self, method, request, token=b""):
        """A call as a browser makes it; the bytes of its answer."""
        url = urllib.parse.urlsplit(self.daemon.url)
        trust = ssl.create_default_context(cafile=self.certificate)
        connection = http.client.HTTPSConnection(url.hostname, url.port, context=trust)
        connection.request("POST", f"/nightlog.v1.{method}", framed(request),
                           {"Content-Type": "application/grpc-web+proto",
                            "Authorization": b"Bearer " + token})
        answer = connection.getresponse().read()
        connection.close()
        return answer

    def test_what_comes_by_tls_a_browser_or_from_a_file_is_not_logged_either(self):
        self.daemon.stop()
        key, self.certificate = processes.self_signed(self.folder)
        self.daemon.flags += (f"--tls_key={key}", f"--tls_certificate={self.certificate}")
        self.daemon.start()
        alex = self.phone("alex", f"--ca={self.certificate}")
        alex.run("family", "create", "Kingfishers", "--name", "Alexandra", "--server",
                 self.daemon.address, "--setup-code", self.code)
        child, = alex.json("child", "add", "Wren", "--zone", "Europe/London")["record_ids"]
        family = bytes.fromhex(alex.json("sync")["family_id"])
        file = os.path.join(self.folder, "marmot.csv")
        with open(file, "w", encoding="utf-8") as log:
            log.write("start,end,type,text\n2026-11-02 20:00,2026-11-02 23:00,Sleep,a lorry outside\n"
                      "never,,Sleep,wore the blue onesie\n")
        alex.run("import", file, "--zone", "Europe/London", "--format", "csv")

        invite = alex.json("invite", "--role", "caregiver")["code"]
        request_id = b"sixteen of bytes"
        joined = self.call("FamilyService/Join", message(
            f1=invite, f2="Samuel", f3="Samuel's browser", f4=request_id))
        token, = re.findall(rb"[A-Za-z0-9_-]{43}", joined)
        with open(file, "rb") as log:
            read = self.call("ImportService/ReadLog", message(
                f1=family, f2=bytes.fromhex(child), f3=log.read()[:100], f4="Europe/London",
                f5="csv"), token)
        self.assertIn(b"grpc-status: 0", read)
        # What is refused is looked at, too.
        self.call("FamilyService/Join", message(f1=invite, f2="Samuel", f4=request_id[::-1]))
        self.call("SyncService/Push", b"a lorry outside", token)
        self.call("SyncService/Push", message(f1=family, f2="Samuel"), b"no-token-" + token)
        self.call(f"SyncService/{token.decode()}", b"", token)
        host, port = self.daemon.address.rsplit(":", 1)
        with socket.create_connection((host, int(port))) as plain:
            plain.sendall(b"GET /Kingfishers HTTP/1.1\r\nAuthorization: Bearer " + token +
                          b"\r\n\r\n")
            plain.recv(1)
        self.daemon.stop()
        tokens = self.tokens(alex) | {token.decode()}
        self.assertGreaterEqual(len(tokens), 2, "the test knows what it looks for")
        with open(key, encoding="ascii") as file:
            tokens.add(file.read().splitlines()[1])
        with open(self.log, encoding="utf-8") as log:
            text = log.read()
        for secret in tokens | {self.code, invite, invite.replace("-", ""), "Kingfishers",
                                "Alexandra", "Samuel", "Wren", "lorry", "onesie", "marmot.csv",
                                request_id.decode()}:
            self.assertNotIn(secret, text)

    def test_a_backup_that_has_no_place_is_refused_in_one_line(self):
        self.wait_for("backup made", 1)
        self.daemon.stop()
        self.daemon.flags = self.daemon_flags
        self.daemon.start()
        for count in (1, 2):
            self.daemon.process.send_signal(signal.SIGUSR1)
            refused = self.wait_for("no backup made", count)
        self.assertEqual(len(refused), 2)
        self.assertEqual(refused[-1]["level"], "warning")
        self.assertIn("set backup_dir", refused[-1]["message"])

    def test_a_refused_store_is_one_line(self):
        self.daemon.stop()
        os.remove(os.path.join(self.daemon.data, "db", "CURRENT"))
        with self.assertRaises(RuntimeError):
            self.daemon.start()
        last = self.lines()[-1]
        self.assertEqual((last["event"], last["level"]), ("ended", "error"))
        self.assertIn("restore", last["message"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
