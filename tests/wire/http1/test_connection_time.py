"""Reading takes linear time, whatever the peer does with its segments."""

from collections.abc import Callable

import pytest

from ...worktime import LINEAR, growth
from ..feeding import answer, client, feed, server

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def head(size: int) -> bytes:
    """A head of 128 fields and about ``size`` bytes."""
    lines = [b"X: " + b"a" * (size // 128 - 5)] * 127
    return b"\r\n".join([b"GET / HTTP/1.1", b"Host: a", *lines, b"", b""])


def octets(wire: bytes) -> list[bytes]:
    return [wire[at : at + 1] for at in range(len(wire))]


def head_in_octets(size: int) -> None:
    assert feed(server(), octets(head(size))).only.is_whole


def response_head_in_octets(size: int) -> None:
    wire = head(size).replace(b"GET / HTTP/1.1\r\nHost: a", b"HTTP/1.1 204 No\r\nX: y")
    assert feed(client(), octets(wire)).only.is_whole


def head_of_bare_LF_in_octets(size: int) -> None:
    wire = (
        head(size).replace(b"GET / HTTP/1.1\r\nHost: a", b"HTTP/1.1 204 No\r\nX: y").replace(b"\r\n", b"\n")
    )
    assert feed(client(), octets(wire)).only.is_whole


def chunks_of_one_byte_in_one_segment(count: int) -> None:
    _, data, _ = client().feed(CHUNKED + b"1\r\nx\r\n" * count + b"0\r\n\r\n")
    assert len(data.chunk) == len(data.ends) == count


def chunks_of_one_byte_in_octets(count: int) -> None:
    connection = client()
    connection.feed(CHUNKED)
    for octet in octets(b"1\r\nx\r\n" * count):
        connection.feed(octet)


def body_in_octets(count: int) -> None:
    connection = client()
    connection.feed(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (count + 1))
    for _ in range(count):
        connection.feed(b"x")


def pipelined_requests(count: int) -> None:
    connection = server()
    connection.feed(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * count)
    for _ in range(count):
        answer(connection)
        connection.resume()
    assert connection.held == 0


def bytes_that_wait(count: int) -> None:
    connection = feed(server(), [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"]).connection
    for _ in range(count):
        connection.feed(b"x")


WORK = {
    "head-of-64-KiB-in-octets": (head_in_octets, 32 * 1024),
    "response-head-of-64-KiB-in-octets": (response_head_in_octets, 32 * 1024),
    "head-of-bare-LF-in-octets": (head_of_bare_LF_in_octets, 32 * 1024),
    "CVE-2025-69229-1e5-chunks-of-one-byte": (chunks_of_one_byte_in_one_segment, 50_000),
    "chunks-of-one-byte-in-octets": (chunks_of_one_byte_in_octets, 15_000),
    "body-in-octets": (body_in_octets, 50_000),
    "pipelined-requests": (pipelined_requests, 10_000),
    "bytes-that-wait": (bytes_that_wait, 50_000),
}


@pytest.mark.timed
@pytest.mark.parametrize(("work", "size"), WORK.values(), ids=WORK)
def test_linear_time(work: Callable[[int], None], size: int) -> None:
    assert growth(work, size) < LINEAR


def test_1e5_chunks_of_one_byte_are_one_piece_of_content() -> None:
    events = client().feed(CHUNKED + b"1\r\nx\r\n" * 100_000)
    assert [event.chunk for event in events[1:]] == [b"x" * 100_000]


@pytest.mark.timed
def test_CVE_2025_67725_a_field_repeated_is_linear() -> None:
    """128 Connection lines of 500 options are one list."""

    def work(options: int) -> None:
        wire = (
            b"GET / HTTP/1.1\r\nHost: a\r\n" + (b"Connection: " + b"a," * options + b"\r\n") * 100 + b"\r\n"
        )
        assert feed(server(), [wire]).only.is_whole

    assert growth(work, 150) < LINEAR
