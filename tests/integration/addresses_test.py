#!/usr/bin/env python3
"""One address that takes all it can get leaves room for the others.

Addresses other than this machine's are needed, and nothing may be open to other machines: so it runs in
a network of its own, which reaches nowhere. Skipped (exit code 77) where the kernel grants none.
"""

import fcntl
import http.client
import os
import socket
import struct
import subprocess
import sys
import unittest
import urllib.parse

import processes

SERVER, HOSTILE, FAMILY = "192.0.2.1", "192.0.2.2", "192.0.2.3"
CONNECTIONS_MAX = 5
STREAMS_MAX = 2


class AddressesTest(processes.Case):
    daemon_flags = (f"--web_listen={SERVER}:0", "--insecure_non_loopback",
                    "--open_registration=true", f"--address_connections_max={CONNECTIONS_MAX}",
                    f"--address_streams_max={STREAMS_MAX}")

    def connect(self, address):
        url = urllib.parse.urlsplit(self.daemon.url)
        connection = socket.create_connection((SERVER, url.port), timeout=processes.PATIENCE_SECONDS,
                                              source_address=(address, 0))
        self.addCleanup(connection.close)
        return connection

    def is_served(self, connection):
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            return http.client.HTTPResponse(connection)._read_status()[1] == 404
        except (ConnectionError, http.client.RemoteDisconnected):
            return False

    def test_an_address_has_so_many_connections_and_another_is_served(self):
        held = [self.connect(HOSTILE) for _ in range(CONNECTIONS_MAX)]
        for connection in held:
            self.assertTrue(self.is_served(connection))
        for _ in range(50):
            self.assertFalse(self.is_served(self.connect(HOSTILE)))
        self.assertTrue(self.is_served(self.connect(FAMILY)))
        held.pop().close()
        # As soon as its end is noticed there is room.
        while not self.is_served(self.connect(HOSTILE)):
            pass

    def test_what_a_header_says_of_whom_it_is_for_counts_only_from_this_machine(self):
        held = [self.connect(HOSTILE) for _ in range(CONNECTIONS_MAX)]
        for connection in held:
            self.assertTrue(self.is_served(connection))
        further = self.connect(HOSTILE)
        further.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 127.0.0.1\r\n\r\n")
        try:
            self.assertEqual(further.recv(1), b"")
        except ConnectionError:
            pass

    def call(self, connection, method, token, message):
        """The answer of a gRPC-Web call, of which the head has come."""
        connection.sendall(f"POST /nightlog.v1.{method} HTTP/1.1\r\nHost: x\r\n"
                           f"Authorization: Bearer {token}\r\n"
                           "Content-Type: application/grpc-web\r\n"
                           f"Content-Length: {5 + len(message)}\r\n\r\n".encode()
                           + struct.pack(">BI", 0, len(message)) + message)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer

    def test_an_address_has_so_many_streams_and_another_is_served(self):
        names = b"".join(field(i, b"Wren") for i in (1, 2, 3))
        answer = self.call(self.connect(FAMILY), "FamilyService/CreateFamily", "", names).read()
        pairing = fields(fields(answer[5:5 + struct.unpack(">I", answer[1:5])[0]])[1])

        def is_open(connection):
            answer = self.call(connection, "SyncService/Follow", pairing[7].decode(),
                               field(1, pairing[1]))
            is_trailers = answer.read(1) == b"\x80"
            if is_trailers:
                self.assertIn(b"grpc-status: 8", answer.read())
            return not is_trailers

        for _ in range(STREAMS_MAX):
            self.assertTrue(is_open(self.connect(HOSTILE)))
        self.assertFalse(is_open(self.connect(HOSTILE)))
        self.assertTrue(is_open(self.connect(FAMILY)))


def field(number, value):
    """A field of a proto's message: a short text or bytes."""
    return bytes([number << 3 | 2, len(value)]) + value


def fields(message):
    """The fields of a proto's message of which none is long, by number."""
    found = {}
    while message:
        number, is_text = message[0] >> 3, message[0] & 7 == 2
        found[number] = message[2:2 + message[1]] if is_text else message[1]
        message = message[2 + (message[1] if is_text else 0):]
    return found


def set_up_loopback(*addresses):
    """Gives the network its loopback interface, with further addresses."""
    set_flags, set_address, is_up = 0x8914, 0x8916, 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, set_flags, struct.pack("16sh14x", b"lo", is_up))
        for i, address in enumerate(addresses):
            fcntl.ioctl(control, set_address,
                        struct.pack("16sHH4s8x", b"lo:%d" % i, socket.AF_INET, 0,
                                    socket.inet_aton(address)))


def main():
    if os.environ.get("NIGHTLOG_NETWORK_OF_ITS_OWN") != "1":
        if subprocess.run(["unshare", "--map-root-user", "--net", "true"],
                          stderr=subprocess.DEVNULL).returncode != 0:
            print("skipped: the kernel grants no network of its own")
            sys.exit(77)
        os.environ["NIGHTLOG_NETWORK_OF_ITS_OWN"] = "1"
        os.execvp("unshare", ["unshare", "--map-root-user", "--net", sys.executable, "-B",
                              *sys.argv])
    set_up_loopback(SERVER, HOSTILE, FAMILY)
    unittest.main(verbosity=2)


if __name__ == "__main__":
    main()
