"""The real nightlogd and the real nightlog as processes on loopback, and a proxy that breaks lines.

The programs come from $NIGHTLOGD and $NIGHTLOG (CTest sets both).
"""

import datetime
import http.client
import json
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import unittest


# Nothing here takes that long; what does hangs, and the test fails instead of waiting for ever.
PATIENCE_SECONDS = 240


def moment(text):
    """A time as the command line's JSON has it."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def message(**fields):
    """A protobuf message: f1=b".." is field 1, of text or bytes."""
    encoded = b""
    for name, value in fields.items():
        value = value.encode() if isinstance(value, str) else value
        assert len(value) < 128
        encoded += bytes([int(name[1:]) << 3 | 2, len(value)]) + value
    return encoded


def framed(request):
    return b"\0" + len(request).to_bytes(4, "big") + request


def self_signed(folder):
    """The files of a new key and of its certificate, which is its own authority."""
    key, certificate = (os.path.join(folder, name) for name in ("key.pem", "certificate.pem"))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", key + ".new", "-out", certificate + ".new", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
        check=True, capture_output=True)
    os.replace(key + ".new", key)
    os.replace(certificate + ".new", certificate)
    return key, certificate


class Daemon:
    """nightlogd on a free port over a data directory that outlives its processes."""

    def __init__(self, data, *flags):
        self.data = data
        self.flags = flags
        self.process = None
        self.address = None
        # Where browsers are served, with --web_listen.
        self.url = None
        # What a process that has ended printed after it said where it serves.
        self.printed = ""
        # A file that gets the log; None: the test's own stderr.
        self.log = None
        # Variables it gets beside the test's own.
        self.environment = {}

    def start(self):
        listen = self.address or "127.0.0.1:0"
        self.process = subprocess.Popen(
            [os.environ["NIGHTLOGD"], f"--data_dir={self.data}", f"--listen={listen}", *self.flags],
            stdout=subprocess.PIPE, stderr=self.log, text=True,
            env=os.environ | self.environment)
        line = self.process.stdout.readline()
        if not line.startswith("nightlogd: serving on "):
            self.stop(signal.SIGKILL)
            raise RuntimeError(f"nightlogd did not start: {line!r}")
        self.address = line.split()[-1]
        if any(flag.startswith("--web_listen=") for flag in self.flags):
            self.url = self.process.stdout.readline().removeprefix("web: ").strip()
        return self

    def stop(self, how=signal.SIGTERM):
        """Ends the process; its exit code."""
        if self.process is None:
            return None
        self.process.send_signal(how)
        try:
            code = self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.printed = self.process.stdout.read()
        self.process.stdout.close()
        self.process = None
        return code


def control(*words):
    """Runs nightlogctl, which is built beside nightlogd."""
    program = os.path.join(os.path.dirname(os.environ["NIGHTLOGD"]), "nightlogctl")
    return subprocess.run([program, *words], text=True, capture_output=True,
                          timeout=PATIENCE_SECONDS)


def version():
    """The one that the top CMakeLists.txt names."""
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    with open(os.path.join(top, "CMakeLists.txt"), encoding="utf-8") as file:
        return re.search(r"project\(nightlog VERSION ([\d.]+)", file.read())[1]


class Phone:
    """A state directory of the command line."""

    def __init__(self, state, *flags):
        self.state = state
        self.flags = flags

    def command(self, *words):
        return [os.environ["NIGHTLOG"], f"--state={self.state}", *self.flags, *map(str, words)]

    def try_run(self, *words):
        return subprocess.run(self.command(*words), text=True, capture_output=True,
                              timeout=PATIENCE_SECONDS)

    def run(self, *words):
        """Runs a command that must succeed; what it printed."""
        done = self.try_run(*words)
        if done.returncode != 0:
            raise AssertionError(f"{words}: exit code {done.returncode}: {done.stderr}{done.stdout}")
        return done.stdout

    def offline(self, *words):
        return self.run("--offline", *words)

    def json(self, *words):
        return json.loads(self.run("--json", *words))

    def start(self, *words):
        """The same as a process that goes on by itself."""
        return subprocess.Popen(self.command(*words), stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)


class Watch:
    """`nightlog watch --json` on a phone; ends with the test."""

    def __init__(self, case, phone):
        self.process = subprocess.Popen(phone.command("watch", "--json"), stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.lines = queue.Queue()
        reader = threading.Thread(target=self._read)
        reader.start()
        case.addCleanup(reader.join)
        case.addCleanup(self.process.wait)
        case.addCleanup(self.process.terminate)

    def _read(self):
        with self.process.stdout as lines:
            for line in lines:
                self.lines.put(line)
        self.lines.put(None)

    def rest(self):
        """What is printed from here to the end, when the process has ended."""
        return "".join(iter(lambda: self.lines.get(timeout=PATIENCE_SECONDS), None))

    def until(self, shown):
        """The next line, as JSON, for which `shown` is true."""
        while True:
            line = self.lines.get(timeout=PATIENCE_SECONDS)
            if line is None:
                raise AssertionError("the stream ended before that came")
            line = json.loads(line)
            if shown(line):
                return line


class BreakingProxy:
    """Passes bytes between phones and the daemon, and cuts a connection when `cut` says so.

    `cut(kind, count)` is asked before each chunk is passed on: kind is "up" or "down", count how many
    chunks of that kind the connection has passed. True closes both ends at once, so a request may
    have been committed and its answer lost.
    """

    def __init__(self, target, cut):
        self.target = target
        self.cut = cut
        self.server = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.server.getsockname()[1]
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            host, port = self.target().rsplit(":", 1)
            try:
                upstream = socket.create_connection((host, int(port)))
            except OSError:
                client.close()
                continue
            for kind, source, sink in (("up", client, upstream), ("down", upstream, client)):
                threading.Thread(target=self._pass, args=(kind, source, sink), daemon=True).start()

    def _pass(self, kind, source, sink):
        count = 0
        try:
            while True:
                chunk = source.recv(65536)
                if not chunk:
                    break
                if self.cut(kind, count):
                    self.cuts += 1
                    break
                count += 1
                sink.sendall(chunk)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def close(self):
        self.server.close()


class Case(unittest.TestCase):
    """A folder, a daemon, and phones that are paired with it."""

    daemon_flags = ()

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="nightlog-integration-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.daemon = Daemon(os.path.join(self.folder, "data"), *self.daemon_flags).start()
        self.addCleanup(self.stop_daemon)

    def stop_daemon(self):
        """A daemon that ends in order says so; a sanitizer's finding would show here."""
        self.assertIn(self.daemon.stop(), (0, None))

    def phone(self, name, *flags):
        return Phone(os.path.join(self.folder, name), *flags)

    def family(self, zone="Europe/London", server=None):
        """Alex's and Sam's phones, paired, with one child."""
        server = server or self.daemon.address
        alex, sam = self.phone("alex"), self.phone("sam")
        alex.run("family", "create", "Robins", "--name", "Alex", "--server", server)
        alex.run("child", "add", "Robin", "--zone", zone)
        code = alex.json("invite", "--role", "caregiver")["code"]
        sam.run("join", code, "--name", "Sam", "--server", server)
        sam.run("sync")
        return alex, sam

    def count_looked_at(self, count, method, refusal, headers=None, body=None):
        """How many of so many calls from one address at the browsers' door are looked at, and answered with
        the gRPC status `refusal`; the others are too many."""
        host = self.daemon.url.removeprefix("http://").rstrip("/")
        looked_at = 0
        for _ in range(count):
            connection = http.client.HTTPConnection(host, timeout=PATIENCE_SECONDS)
            connection.request("POST", f"/nightlog.v1.FamilyService/{method}", body,
                               {"Content-Type": "application/grpc-web+proto",
                                "X-Forwarded-For": "192.0.2.7"} | (headers or {}))
            answer = connection.getresponse().read()
            connection.close()
            refused, exhausted = b"grpc-status: %d" % refusal in answer, b"grpc-status: 8" in answer
            self.assertNotEqual(refused, exhausted, answer)
            looked_at += refused
        return looked_at

    def assert_in_step(self, *phones):
        """Every phone holds the same records as the server."""
        states = [phone.json("sync") for phone in phones]
        hashes = {state["state_hash"] for state in states}
        self.assertEqual(len(hashes), 1, states)
        return states[0]
