"""The wire's work grows with its bytes, however they are cut."""

from collections.abc import Callable

import pytest

from pronghorn.wire.http1.connection import Http1Connection
from pronghorn.wire.limits import DEFAULT_LIMITS
from pronghorn.wire.roles import CLIENT, SERVER

from ..worktime import LINEAR, growth

pytestmark = pytest.mark.timed

FIELDS = DEFAULT_LIMITS.fields
#: So long that as many fields as there may be fill a head of the largest size.
FIELD = 64 * 1024 // FIELDS - 2


def field_lines(count: int, size: int = FIELD) -> bytes:
    return b"".join(b"X-%03d: " % number + b"a" * (size - 9) + b"\r\n" for number in range(count))


def request(count: int) -> bytes:
    return b"GET / HTTP/1.1\r\nHost: a\r\n" + field_lines(count) + b"\r\n"


def response(count: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + field_lines(count) + b"\r\n"


def server(data: bytes, step: int) -> int:
    return fed(Http1Connection(SERVER), data, step)


def client(data: bytes, step: int) -> int:
    machine = Http1Connection(CLIENT)
    machine.send_head("GET", "/", [("Host", "a")], 0, b"", True, "")
    return fed(machine, data, step)


def fed(machine: Http1Connection, data: bytes, step: int) -> int:
    """How many events came of ``data`` in segments of ``step`` bytes."""
    return sum(len(machine.feed(data[start : start + step])) for start in range(0, len(data), step))


@pytest.mark.parametrize("step", [1, pytest.param(7, marks=pytest.mark.full)])
@pytest.mark.parametrize(
    ("role", "head"), [(server, request), (client, response)], ids=["request", "response"]
)
def test_a_head_of_64_kib_in_small_segments(
    role: Callable[[bytes, int], int], head: Callable[[int], bytes], step: int
) -> None:
    largest = head(FIELDS - 2)
    assert 62 * 1024 < len(largest) <= 64 * 1024

    def read(count: int) -> None:
        assert role(head(count), step) == 1

    assert growth(read, (FIELDS - 2) // 2) < LINEAR


@pytest.mark.parametrize("ending", [b"\r\n", b"\n"], ids=["CRLF", "LF"])
def test_short_lines_in_one_byte_segments(ending: bytes) -> None:
    """Each line end is a place where a response's head may have ended."""

    def read(count: int) -> None:
        lines = b"".join(b"%d: a" % number + ending for number in range(count))
        assert client(b"HTTP/1.1 200 OK" + ending + b"Content-Length: 0" + ending + lines + ending, 1) == 1

    assert growth(read, (FIELDS - 2) // 2) < LINEAR


@pytest.mark.parametrize("role", [server, client])
def test_trailers_in_one_byte_segments(role: Callable[[bytes, int], int]) -> None:
    first = b"POST / HTTP/1.1\r\nHost: a\r\n" if role is server else b"HTTP/1.1 200 OK\r\n"

    def read(count: int) -> None:
        trailers = field_lines(count, DEFAULT_LIMITS.trailers // FIELDS - 2)
        assert role(first + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + trailers + b"\r\n", 1) == 2

    assert growth(read, (FIELDS - 2) // 2) < LINEAR


@pytest.mark.parametrize("step", [1, 1 << 30])
@pytest.mark.parametrize("size", [1, 100])
def test_chunks_in_small_segments(size: int, step: int) -> None:
    chunk = b"%x\r\n" % size + b"a" * size + b"\r\n"

    def read(count: int) -> None:
        head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        assert server(head + chunk * count + b"0\r\n\r\n", step) >= 1

    assert growth(read, 10_000 // len(chunk)) < LINEAR


@pytest.mark.parametrize("step", [1 << 10, 1 << 30])
def test_pipelined_requests_in_one_buffer(step: int) -> None:
    """What was consumed is not moved: each request costs the same, however many there are behind it."""

    def read(count: int) -> None:
        machine = Http1Connection(SERVER)
        data = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * count
        answered = 0
        for start in range(0, len(data), step):
            events = machine.feed(data[start : start + step])
            while events:
                machine.send_head(200, "OK", [], 0, b"", True, "")
                answered += 1
                events = machine.resume()
        assert answered == count

    assert growth(read, 5_000) < LINEAR
