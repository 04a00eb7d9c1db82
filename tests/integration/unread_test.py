#!/usr/bin/env python3
"""Callers of gRPC whose request never comes."""

import socket
import threading
import unittest

import processes

HEADERS, SETTINGS, PING = 1, 4, 6
ACKNOWLEDGED, END_STREAM, END_HEADERS = 1, 1, 4
STREAM = 1


def text(value):
    return bytes([len(value)]) + value.encode()


class UnreadCall(threading.Thread):
    """The header of a call, as HTTP/2 has it, and no more. Ends when the server has answered."""

    def __init__(self, address, path):
        super().__init__()
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)),
                                               timeout=processes.PATIENCE_SECONDS)
        self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        self.send(SETTINGS, 0, 0)
        fields = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "x",
                  "te": "trailers", "content-type": "application/grpc"}
        self.send(HEADERS, END_HEADERS, STREAM,
                  b"".join(b"\0" + text(name) + text(value) for name, value in fields.items()))
        self.answered = False
        self.start()

    def send(self, kind, flags, stream, payload=b""):
        self.socket.sendall(len(payload).to_bytes(3, "big") + bytes([kind, flags]) +
                            stream.to_bytes(4, "big") + payload)

    def run(self):
        with self.socket, self.socket.makefile("rb") as received:
            while not self.answered:
                head = received.read(9)
                if len(head) < 9:
                    return
                kind, flags, stream = head[3], head[4], int.from_bytes(head[5:], "big")
                payload = received.read(int.from_bytes(head[:3], "big"))
                if kind in (SETTINGS, PING) and not flags & ACKNOWLEDGED:
                    self.send(kind, ACKNOWLEDGED, 0, payload if kind == PING else b"")
                self.answered = kind == HEADERS and stream == STREAM and flags & END_STREAM != 0


class UnreadTest(processes.Case):
    # Longer than anything here waits.
    daemon_flags = ("--drain_seconds=3600",)

    def calls(self):
        return [UnreadCall(self.daemon.address, path)
                for path in ("/nightlog.v1.FamilyService/ListMembers",
                             "/nightlog.v1.SyncService/Follow")]

    def assert_answered(self, calls):
        for call in calls:
            call.join()
            self.assertTrue(call.answered)

    def test_they_are_answered_after_a_while(self):
        self.assert_answered(self.calls())

    def test_they_do_not_hold_up_a_stop(self):
        calls = self.calls()
        # They have come once somebody else, who called later, was served.
        self.family()
        self.assertEqual(self.daemon.stop(), 0)
        self.assert_answered(calls)


if __name__ == "__main__":
    unittest.main(verbosity=2)
