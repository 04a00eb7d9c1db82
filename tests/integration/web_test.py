#!/usr/bin/env python3
"""Browsers at the real daemon: many open streams, and the app's files."""

import http.client
import os
import resource
import selectors
import socket
import unittest
import urllib.parse

import processes
from processes import framed, message

STREAMS = 2000
TRAILERS = 0x80


def field(encoded, number):
    """The first field of text or bytes with that number; the ones before are no longer than 127."""
    while encoded:
        kind, value = encoded[0], encoded[1]
        if kind & 7 == 0:
            encoded = encoded[2:]
            continue
        if kind >> 3 == number:
            return encoded[2:2 + value]
        encoded = encoded[2 + value:]
    raise AssertionError(f"there is no field {number}")


class Stream:
    """An open Follow; counts the frames that came."""

    def __init__(self, address, token, family):
        self.socket = socket.create_connection(address)
        body = framed(message(f1=family))
        self.socket.sendall(
            b"POST /nightlog.v1.SyncService/Follow HTTP/1.1\r\nHost: x\r\n"
            b"Content-Type: application/grpc-web+proto\r\nAuthorization: Bearer " + token +
            b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        self.bytes = b""
        self.has_head = False
        self.frames = []

    def read(self):
        """What there is now; each frame comes in a chunk of its own. False: the end."""
        came = self.socket.recv(65536)
        if not came:
            assert self.frames[-1][0] == TRAILERS, "the stream was cut off"
            return False
        self.bytes += came
        if not self.has_head:
            head, end, rest = self.bytes.partition(b"\r\n\r\n")
            if not end:
                return True
            assert head.startswith(b"HTTP/1.1 200 "), head
            self.has_head, self.bytes = True, rest
        while b"\r\n" in self.bytes:
            size, _, rest = self.bytes.partition(b"\r\n")
            size = int(size, 16)
            if len(rest) < size + 2:
                return True
            if size:
                self.frames.append(rest[:size])
            self.bytes = rest[size + 2:]
        return True


class WebTest(processes.Case):
    def setUp(self):
        root = os.path.join(processes.tempfile.mkdtemp(prefix="nightlog-integration-"))
        self.addCleanup(processes.shutil.rmtree, root)
        with open(os.path.join(root, "index.html"), "w") as file:
            file.write("<title>nightlog</title>")
        self.daemon_flags = ("--web_listen=127.0.0.1:0", f"--web_root={root}")
        super().setUp()
        url = urllib.parse.urlsplit(self.daemon.url)
        self.address = (url.hostname, url.port)

    def call(self, method, request, token=b""):
        connection = http.client.HTTPConnection(*self.address)
        self.addCleanup(connection.close)
        connection.request("POST", f"/nightlog.v1.{method}", framed(request), {
            "content-type": "application/grpc-web+proto", "authorization": b"Bearer " + token})
        body = connection.getresponse().read()
        self.assertEqual(body[0], 0, body)
        return body[5:5 + int.from_bytes(body[1:5], "big")]

    def test_who_sends_much_with_tokens_that_nobody_has_is_soon_looked_at_no_more(self):
        looked_at = sum(
            self.count_looked_at(
                1, "ListMembers", refusal=16,
                headers={"Authorization": f"Bearer guess{i}", "Content-Length": str(4 << 20)})
            for i in range(30))
        # Some is granted again while this runs.
        self.assertLess(looked_at, 20)

    def threads(self):
        with open(f"/proc/{self.daemon.process.pid}/status") as status:
            return int(next(line.split()[1] for line in status if line.startswith("Threads:")))

    def test_the_app_comes_from_where_it_is_told(self):
        connection = http.client.HTTPConnection(*self.address)
        self.addCleanup(connection.close)
        connection.request("GET", "/")
        self.assertEqual(connection.getresponse().read(), b"<title>nightlog</title>")

    def test_thousands_of_streams_hold_no_thread_each_and_all_are_told_of_a_commit(self):
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        pairing = field(self.call("FamilyService/CreateFamily",
                                  message(f1="Robins", f2="Alex", f3="browser")), 1)
        family, token = field(pairing, 1), field(pairing, 7)

        selector = selectors.DefaultSelector()
        self.addCleanup(selector.close)
        streams = []

        def read_until(done):
            left = {stream for stream in streams if not done(stream)}
            while left:
                for key, _ in selector.select():
                    if not key.data.read():
                        selector.unregister(key.fileobj)
                    if done(key.data):
                        left.discard(key.data)

        def open_stream():
            stream = Stream(self.address, token, family)
            self.addCleanup(stream.socket.close)
            selector.register(stream.socket, selectors.EVENT_READ, stream)
            streams.append(stream)

        open_stream()
        read_until(lambda stream: stream.frames)
        before = self.threads()
        for _ in range(STREAMS - 1):
            open_stream()
        read_until(lambda stream: stream.frames)
        self.assertLess(self.threads() - before, STREAMS / 100)

        # An invite for a viewer (role 3), and the viewer's joining, which is a commit all may see.
        invite = self.call("FamilyService/CreateInvite", message(f1=family) + b"\x10\x03", token)
        self.call("FamilyService/Join", message(f1=field(invite, 1), f2="Sam", f3="browser"))
        read_until(lambda stream: any(b"Sam" in frame for frame in stream.frames))

        self.daemon.process.send_signal(processes.signal.SIGTERM)
        read_until(lambda stream: stream.frames[-1][0] == TRAILERS)
        for stream in streams:
            self.assertIn(b"grpc-status: 14\r\n", stream.frames[-1])


if __name__ == "__main__":
    unittest.main(verbosity=2)
