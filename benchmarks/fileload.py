"""Loads a server of files over keep-alive connections, one request on each, and accounts for its CPU.

The file is compared once. After that the kernel counts its bytes and throws them away (MSG_TRUNC), so that
the counterpart stays ahead of every server; the length and each start line are checked.
"""

import json
import select
import socket
import time

from loadgen import STALLED_AFTER, START_LINE, BadAnswer
from staticfiles import KINDS, content, request
from window import arguments, measure

ROOM = 4 * 1024 * 1024


def head_size(port: int, kind: str) -> int:
    """Ask for the file once, compare it, and return the size of the head before it."""
    expected, answer = content(kind), bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=STALLED_AFTER) as connection:
        connection.sendall(request())
        while not answer.endswith(expected):
            data = connection.recv(ROOM)
            if not data:
                raise BadAnswer(f"connection closed after {bytes(answer[:400])!r}")
            answer += data
    size = len(answer) - len(expected)
    if not answer.startswith(START_LINE) or answer[size - 4 : size] != b"\r\n\r\n":
        raise BadAnswer(f"not the answer asked for: {bytes(answer[:400])!r}")
    return size


class FileLoad:
    """The connections, and the count of whole answers on them."""

    def __init__(self, port: int, kind: str) -> None:
        self.answered = 0
        self.request = request()
        size, connections = KINDS[kind]
        self.length = head_size(port, kind) + size
        self.epoll = select.epoll()
        self.connections: dict[int, socket.socket] = {}
        self.left: dict[int, int] = {}
        for _ in range(connections):
            connection = socket.create_connection(("127.0.0.1", port), timeout=STALLED_AFTER)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections[connection.fileno()] = connection
            self.left[connection.fileno()] = self.length
            self.epoll.register(connection, select.EPOLLIN)
            connection.sendall(self.request)

    def drive(self, seconds: float) -> None:
        """Answers every whole answer with the next request, for that long."""
        start = bytearray(len(START_LINE))
        room = bytearray(ROOM)
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            ready = self.epoll.poll(STALLED_AFTER)
            if not ready:
                raise BadAnswer(f"no answer within {STALLED_AFTER} s, {self.answered} came before")
            for descriptor, _ in ready:
                connection = self.connections[descriptor]
                left = self.left[descriptor]
                if left == self.length:
                    connection.recv_into(start, 0, socket.MSG_PEEK)
                    if start != START_LINE:
                        raise BadAnswer(f"not the answer asked for: {bytes(start)!r}")
                size = connection.recv_into(room, min(left, ROOM), socket.MSG_TRUNC)
                if not size:
                    raise BadAnswer(f"connection closed after {self.answered} answers")
                left -= size
                if not left:
                    self.answered += 1
                    left = self.length
                    connection.sendall(self.request)
                self.left[descriptor] = left


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--kind", choices=KINDS, required=True)
    options = parser.parse_args()
    print(json.dumps(measure(FileLoad(options.port, options.kind), options)))


if __name__ == "__main__":
    main()
