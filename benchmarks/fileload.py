"""Loads a server of files over keep-alive connections, one request on each, and accounts for its CPU.

The file is compared once. After that the kernel counts its bytes and throws them away (MSG_TRUNC), so that
the counterpart stays ahead of every server; the length and each start line are checked.
"""

import argparse
import json
import select
import socket
import time

from cputime import cpu_seconds, process_tree
from loadgen import STALLED_AFTER, START_LINE, BadAnswer
from staticfiles import KINDS, content, request

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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pid", type=int, required=True, help="root process of the server")
    parser.add_argument("--kind", choices=KINDS, required=True)
    parser.add_argument("--warmup", type=float, required=True, help="seconds")
    parser.add_argument("--seconds", type=float, required=True)
    options = parser.parse_args()

    load = FileLoad(options.port, options.kind)
    load.drive(options.warmup)
    server = process_tree(options.pid)
    answered, began, (user, system) = load.answered, time.perf_counter(), cpu_seconds(server)
    load.drive(options.seconds)
    user_end, system_end = cpu_seconds(server)
    print(
        json.dumps(
            {
                "seconds": time.perf_counter() - began,
                "requests": load.answered - answered,
                "user": user_end - user,
                "sys": system_end - system,
            }
        )
    )


if __name__ == "__main__":
    main()
