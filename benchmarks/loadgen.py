"""Loads a server over keep-alive connections, one request in flight on each, and accounts for its CPU.

Bare epoll: what this costs takes nothing from the figure, since it runs on its own core, but it has to stay
ahead of every server that it loads. Every answer is checked: start line, length and the end of the body.
"""

import itertools
import json
import select
import socket
import time
from collections.abc import Iterator

from cputime import resident
from traffic import BODY, CONNECTIONS, KINDS, VARIANTS, kind_request, requests
from window import arguments, measure

STALLED_AFTER = 10.0
START_LINE = b"HTTP/1.1 200 "
READ = 256 * 1024


class BadAnswer(Exception):
    """A server that answers wrongly, too little or not at all has no figure."""


def probe(port: int, request: bytes, end: bytes) -> int:
    """One request on its own connection. Returns the length of the answer, after a look at its fields."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=STALLED_AFTER) as connection:
        connection.sendall(request)
        while not answer.endswith(end):
            try:
                data = connection.recv(READ)
            except TimeoutError:
                raise BadAnswer(f"no whole answer within {STALLED_AFTER} s: {answer[:400]!r}") from None
            if not data:
                raise BadAnswer(f"connection closed after {answer[:400]!r}")
            answer += data
    head, _, body = answer.partition(b"\r\n\r\n")
    framing = (b"\r\ncontent-length: %d\r\n" % len(body), b"\r\ntransfer-encoding: chunked\r\n")
    if not head.startswith(START_LINE) or not any(field in head.lower() + b"\r\n" for field in framing):
        raise BadAnswer(f"not the answer asked for: {answer[:400]!r}")
    return len(answer)


class Load:
    """The connections, and the count of right answers on them."""

    def __init__(self, port: int, upcoming: Iterator[bytes], end: bytes) -> None:
        self.upcoming = upcoming
        self.end = end
        self.answered = 0
        self.answer_length = probe(port, next(upcoming), end)
        self.epoll = select.epoll()
        self.connections: dict[int, socket.socket] = {}
        self.partial: dict[int, bytes] = {}
        for _ in range(CONNECTIONS):
            connection = socket.create_connection(("127.0.0.1", port), timeout=STALLED_AFTER)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections[connection.fileno()] = connection
            self.epoll.register(connection, select.EPOLLIN)
            connection.sendall(next(upcoming))

    def drive(self, seconds: float) -> None:
        """Answers every right answer with the next request, for that long."""
        connections, partial, length, end = self.connections, self.partial, self.answer_length, self.end
        upcoming, poll, clock = self.upcoming, self.epoll.poll, time.perf_counter
        until = clock() + seconds
        while clock() < until:
            ready = poll(STALLED_AFTER)
            if not ready:
                raise BadAnswer(f"no answer within {STALLED_AFTER} s, {self.answered} came before")
            for descriptor, _ in ready:
                connection = connections[descriptor]
                answer = connection.recv(READ)
                if not answer:
                    raise BadAnswer(f"connection closed after {self.answered} answers")
                if len(answer) != length:
                    answer = partial.pop(descriptor, b"") + answer
                    if len(answer) < length:
                        partial[descriptor] = answer
                        continue
                if len(answer) != length or not (answer.startswith(START_LINE) and answer.endswith(end)):
                    raise BadAnswer(f"not the answer asked for: {answer[:400]!r}")
                self.answered += 1
                connection.sendall(next(upcoming))


def hold(port: int, pid: int, count: int) -> float:
    """KiB of the server's memory for each connection that was used once and is idle."""

    def use() -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", port), timeout=STALLED_AFTER)
        connection.sendall(next(requests("fixed")))
        answer = b""
        while not answer.endswith(BODY):
            data = connection.recv(READ)
            if not data:
                raise BadAnswer(f"connection closed after {answer!r}")
            answer += data
        return connection

    few = [use() for _ in range(50)]  # what is made once is made with them
    before = resident(pid)
    many = [use() for _ in range(count)]
    held = resident(pid) - before
    for connection in (*few, *many):
        connection.close()
    return held / count / 1024


def main() -> None:
    parser = arguments(__doc__)
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--variant", choices=VARIANTS)
    asked.add_argument("--kind", choices=KINDS)
    asked.add_argument("--idle", type=int, help="only use so many connections once, and see what they hold")
    options = parser.parse_args()

    if options.idle:
        print(json.dumps({"kib": hold(options.port, options.pid, options.idle)}))
        return
    if options.kind:
        load = Load(options.port, itertools.repeat(kind_request(options.kind)), KINDS[options.kind][1])
    else:
        load = Load(options.port, requests(options.variant), b"\r\n\r\n" + BODY)
    print(json.dumps(measure(load, options)))


if __name__ == "__main__":
    main()
