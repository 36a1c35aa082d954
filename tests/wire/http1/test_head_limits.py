"""Limits of a head: exactly at them is read, one over is refused, in one segment and in many."""

from collections.abc import Callable

import pytest

from pronghorn.wire.http1.connection import Http1Connection
from pronghorn.wire.limits import DEFAULT_LIMITS, Limits
from pronghorn.wire.roles import SERVER

from ..feeding import (
    CUTS,
    NEXT_REQUEST,
    Outcome,
    agreed,
    answer,
    client,
    feed,
    read_request,
    refuse_request,
    server,
)

LINE, FIELDS, HEAD = 8190, 128, 64 * 1024
HOST = b"Host: a"
Make = Callable[[int], bytes]


def request(*lines: bytes) -> bytes:
    return b"\r\n".join([*lines, b"", b""])


def target_of_line(size: int) -> bytes:
    return request(b"GET /%b HTTP/1.1" % (b"a" * (size - 14)), HOST)


def field_of_line(size: int) -> bytes:
    return request(b"GET / HTTP/1.1", HOST, b"X: " + b"a" * (size - 3))


def fields(count: int) -> bytes:
    return request(b"GET / HTTP/1.1", HOST, *[b"X-%d: y" % n for n in range(count - 1)])


def head(size: int) -> bytes:
    """A head of ``size`` bytes, counted without the two line ends that close it."""
    lines = [b"GET / HTTP/1.1", HOST, *[b"X: " + b"a" * 4000] * 16]
    missing = size - len(b"\r\n".join(lines)) - len(b"\r\nY: ")
    return request(*lines, b"Y: " + b"a" * missing)


CASES = {
    "CVE-2026-54277-request-line": (target_of_line, LINE, 414),
    "field-line": (field_of_line, LINE, 431),
    "CVE-2026-22815-fields": (fields, FIELDS, 431),
    "head": (head, HEAD, 431),
}


def test_the_limits_are_these() -> None:
    assert (DEFAULT_LIMITS.field_line, DEFAULT_LIMITS.fields, DEFAULT_LIMITS.head) == (LINE, FIELDS, HEAD)


@pytest.mark.parametrize(("make", "limit", "status"), CASES.values(), ids=CASES)
def test_exactly_at_the_limit(make: Make, limit: int, status: int) -> None:
    assert read_request(make(limit)).first == "GET"


@pytest.mark.parametrize(("make", "limit", "status"), CASES.values(), ids=CASES)
def test_one_over_the_limit(make: Make, limit: int, status: int) -> None:
    assert refuse_request(make(limit + 1)) == status


@pytest.mark.parametrize("size", [2, 3, 1000, 1460, 4096, LINE, LINE + 1, HEAD])
@pytest.mark.parametrize(("make", "limit", "status"), CASES.values(), ids=CASES)
def test_in_segments(make: Make, limit: int, status: int, size: int) -> None:
    def segments(wire: bytes) -> list[bytes]:
        return [wire[at : at + size] for at in range(0, len(wire), size)]

    assert feed(server(), segments(make(limit))).error is None
    over = feed(server(), segments(make(limit + 1)))
    assert over.error
    assert over.error.status_hint == status


ENDLESS = {
    "request-line": (b"GET /", b"a", LINE, 414),
    "field-line": (b"GET / HTTP/1.1\r\nX: ", b"a", LINE + 16, 431),
    "fields": (b"GET / HTTP/1.1\r\n", b"X: y\r\n", HEAD, 431),
}


@pytest.mark.parametrize("first", [b"", NEXT_REQUEST], ids=["first", "second"])
@pytest.mark.parametrize(("begin", "more", "limit", "status"), ENDLESS.values(), ids=ENDLESS)
def test_endless_head_is_refused_at_the_limit(
    begin: bytes, more: bytes, limit: int, status: int, first: bytes
) -> None:
    """Also behind a pipelined request, and by no more than a CR and a segment later."""
    connection = server()
    if first:
        feed(connection, [first + begin])
        answer(connection)
        assert connection.resume() == ()
    else:
        feed(connection, [begin])
    sent = len(begin)
    while sent <= limit + len(more) + 3:
        sent += len(more)
        if error := feed(connection, [more]).error:
            assert sent > limit
            assert error.status_hint == status
            return
    pytest.fail(f"{sent} bytes, and no end")


def test_limits_are_those_that_were_given() -> None:
    limits = Limits(start_line=20, field_line=20, fields=2, head=51)
    assert read_request(request(b"GET /234567 HTTP/1.1", HOST, b"X: " + b"a" * 17), limits).is_whole
    assert refuse_request(request(b"GET /2345678 HTTP/1.1", HOST), limits) == 414
    assert refuse_request(request(b"GET / HTTP/1.1", HOST, b"X: y", b"X: y"), limits) == 431
    assert (
        refuse_request(request(b"GET / HTTP/1.1", b"Host: " + b"a" * 14, b"X: " + b"a" * 17), limits) == 431
    )


@pytest.mark.parametrize("cut", [0, 30])
def test_start_lines_and_field_lines_have_limits_of_their_own(cut: int) -> None:
    def statuses(limits: Limits) -> list[int]:
        """What a long target is refused with, and a long field."""
        long = b"a" * 40
        refused = []
        for message in (
            request(b"GET /" + long + b" HTTP/1.1", HOST),
            request(b"GET / HTTP/1.1", HOST, b"X: " + long),
        ):
            connection = Http1Connection(SERVER, limits)
            told = feed(connection, [message[:cut], message[cut:]] if cut else [message])
            refused.append(0 if told.error is None else told.error.status_hint)
        return refused

    assert statuses(Limits(start_line=20)) == [414, 0]
    assert statuses(Limits(field_line=20)) == [0, 431]


# Leniency does not lift a limit.

STATUS = b"HTTP/1.1 200 OK"
LENIENT_CASES = {
    "line-of-LF": (lambda n: b"\n".join([STATUS, b"X: " + b"a" * (n - 3), b"", b""]), LINE),
    "line-beside-LF": (lambda n: STATUS + b"\nX: " + b"a" * (n - 3) + b"\r\n\r\n", LINE),
    "folded-line": (lambda n: request(STATUS, b"X: " + b"a" * 3997, b" " + b"a" * (n - 4001)), LINE),
    "fields-of-LF": (lambda n: b"\n".join([STATUS, *[b"X: y"] * n, b"", b""]), FIELDS),
    "head-of-LF": (
        lambda n: b"\n".join([STATUS, *[b"X: " + b"a" * 4000] * 16, b"Y: " + b"a" * (n - 64083), b"", b""]),
        HEAD,
    ),
}


def read_lenient(wire: bytes) -> Outcome:
    return agreed([feed(client("HEAD"), cut(wire)) for cut in CUTS])


@pytest.mark.parametrize(("make", "limit"), LENIENT_CASES.values(), ids=LENIENT_CASES)
def test_exactly_at_the_limit_of_a_lenient_head(make: Make, limit: int) -> None:
    assert read_lenient(make(limit)).only.is_whole


@pytest.mark.parametrize(("make", "limit"), LENIENT_CASES.values(), ids=LENIENT_CASES)
def test_one_over_the_limit_of_a_lenient_head(make: Make, limit: int) -> None:
    assert read_lenient(make(limit + 1)).error
