"""Loads a WebSocket echo server, one message in flight on each connection, and accounts for its CPU.

Bare epoll, as loadgen.py. The frame that is sent is made once; every answer is checked, all of it.
"""

import json
import os
import select
import socket
import struct
import time

from cputime import resident
from window import arguments, measure

STALLED_AFTER = 10.0
HANDSHAKE = (
    b"GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


class BadAnswer(Exception):
    """A server that answers wrongly, too little or not at all has no figure."""


def header(first: int, size: int, mask_bit: int) -> bytes:
    if size < 126:
        return struct.pack("!BB", first, mask_bit | size)
    if size < 65536:
        return struct.pack("!BBH", first, mask_bit | 126, size)
    return struct.pack("!BBQ", first, mask_bit | 127, size)


def frames(kind: str, size: int) -> tuple[bytes, bytes]:
    """A message as a client sends it, and as a server echoes it."""
    payload = (b"All work and no play makes Jack a dull boy. " * (size // 44 + 1))[:size]
    key = os.urandom(4)
    repeated = int.from_bytes((key * (size // 4 + 1))[:size], "big")
    masked = (int.from_bytes(payload, "big") ^ repeated).to_bytes(size, "big")
    first = 0x81 if kind == "text" else 0x82
    return header(first, size, 0x80) + key + masked, header(first, size, 0) + payload


def connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=STALLED_AFTER)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(HANDSHAKE)
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        data = connection.recv(65536)
        if not data:
            raise BadAnswer(f"connection closed after {answer!r}")
        answer += data
    if not answer.startswith(b"HTTP/1.1 101 ") or ACCEPT not in answer:
        raise BadAnswer(f"not the answer asked for: {answer!r}")
    return connection


class Load:
    """The connections, and the count of right echoes on them."""

    def __init__(self, port: int, connections: int, sent: bytes, expected: bytes) -> None:
        self.sent, self.expected = sent, expected
        self.answered = 0
        self.epoll = select.epoll()
        self.connections = {}
        self.received = {}
        self.missing = {}
        for _ in range(connections):
            connection = connect(port)
            self.connections[connection.fileno()] = connection
            self.received[connection.fileno()] = bytearray(len(expected))
            self.missing[connection.fileno()] = len(expected)
            self.epoll.register(connection, select.EPOLLIN)
        for connection in self.connections.values():
            connection.sendall(sent)

    def drive(self, seconds: float) -> None:
        """Answers every right echo with the next message, for that long."""
        missing, expected = self.missing, self.expected
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            ready = self.epoll.poll(STALLED_AFTER)
            if not ready:
                raise BadAnswer(f"no echo within {STALLED_AFTER} s, {self.answered} came before")
            for descriptor, _ in ready:
                connection, received = self.connections[descriptor], self.received[descriptor]
                left = missing[descriptor]
                with memoryview(received) as view:
                    count = connection.recv_into(view[len(expected) - left :])
                if not count:
                    raise BadAnswer(f"connection closed after {self.answered} echoes")
                if count < left:
                    missing[descriptor] = left - count
                    continue
                if received != expected:
                    raise BadAnswer(f"not what was sent: {bytes(received[:80])!r}")
                missing[descriptor] = len(expected)
                self.answered += 1
                connection.sendall(self.sent)


def hold(port: int, pid: int, count: int) -> float:
    """KiB of the server's memory for each connection that is open and idle."""
    few = [connect(port) for _ in range(50)]  # what is made once is made with them
    before = resident(pid)
    many = [connect(port) for _ in range(count)]
    held = resident(pid) - before
    for connection in (*few, *many):
        connection.close()
    return held / count / 1024


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--idle", type=int, help="only open so many, and see what they hold")
    parser.add_argument("--kind", choices=("text", "binary"), default="text")
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--connections", type=int, default=32)
    options = parser.parse_args()
    if options.idle:
        print(json.dumps({"kib": hold(options.port, options.pid, options.idle)}))
        return
    load = Load(options.port, options.connections, *frames(options.kind, options.size))
    print(json.dumps(measure(load, options)))


if __name__ == "__main__":
    main()
