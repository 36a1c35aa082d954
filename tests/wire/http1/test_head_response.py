"""Response heads: what is read, each named leniency and where it ends, and what is refused as in requests."""

import pytest

from pronghorn.wire.errors import ProtocolError
from pronghorn.wire.events import HttpVersion10, HttpVersion11
from pronghorn.wire.http1.head import StatusLines, find_lenient_end, parse_status_line
from pronghorn.wire.roles import CLIENT

from ..feeding import client, feed, read_response, refuse_response


def ok(*lines: bytes) -> bytes:
    return b"\r\n".join([b"HTTP/1.1 200 OK", b"Content-Length: 0", *lines, b"", b""])


def test_a_head_is_told_as_it_stood() -> None:
    response = read_response(ok(b"Set-Cookie: a=b", b"Set-Cookie: c=d", b"X: \xe9"))
    assert (response.first, response.second, response.version) == (200, "OK", HttpVersion11)
    assert response.fields[1:] == [("Set-Cookie", "a=b"), ("Set-Cookie", "c=d"), ("X", "\udce9")]
    assert response.raw_fields[3] == (b"X", b"\xe9")


STATUS_LINES = {
    "reason": (b"HTTP/1.1 200 Not quite OK", (HttpVersion11, 200, "Not quite OK")),
    "HTTP-1.0": (b"HTTP/1.0 404 No", (HttpVersion10, 404, "No")),
    "8-bit-reason": ("HTTP/1.1 200 Tüte".encode(), (HttpVersion11, 200, "Tüte")),
    "8-bit-reason-otherwise": (b"HTTP/1.1 200 \xfc", (HttpVersion11, 200, "\udcfc")),
    "tab-in-the-reason": (b"HTTP/1.1 200 \ta", (HttpVersion11, 200, "\ta")),
    "unknown-status": (b"HTTP/1.1 999 What", (HttpVersion11, 999, "What")),
    "empty-reason": (b"HTTP/1.1 200 ", (HttpVersion11, 200, "")),
    "LENIENT-no-reason-and-no-space": (b"HTTP/1.1 200", (HttpVersion11, 200, "")),
}


@pytest.mark.parametrize(("line", "told"), STATUS_LINES.values(), ids=STATUS_LINES)
def test_status_line(line: bytes, told: tuple[object, ...]) -> None:
    response = read_response(line + b"\r\nContent-Length: 0\r\n\r\n")
    assert (response.version, response.first, response.second) == told
    assert parse_status_line(line) == told


@pytest.mark.parametrize(
    ("version", "connection", "is_persistent"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"close", False),
        (b"1.0", b"", False),
        (b"1.0", b"keep-alive", True),
        (b"1.0", b"keep-alive, close", False),
    ],
)
def test_persistence(version: bytes, connection: bytes, is_persistent: bool) -> None:
    wire = b"HTTP/%b 200 OK\r\nContent-Length: 0\r\nConnection: %b\r\n\r\n" % (version, connection)
    assert read_response(wire).is_persistent is is_persistent
    assert feed(client(), [wire]).connection.is_reusable is is_persistent


# The leniencies, and no more

CONTENT = b"one\n\ntwo\r\n\r\nthree"
LENIENT = {
    "LF": b"HTTP/1.1 200 OK\nX: a b\nContent-Length: %d\n\n",
    "LF-and-then-CRLF": b"HTTP/1.1 200 OK\nX: a b\nContent-Length: %d\r\n\r\n",
    "CRLF-and-then-LF": b"HTTP/1.1 200 OK\r\nX: a b\r\nContent-Length: %d\n\n",
    "empty-line-of-LF": b"HTTP/1.1 200 OK\r\nX: a b\r\nContent-Length: %d\r\n\n",
    "empty-line-of-CRLF": b"HTTP/1.1 200 OK\nX: a b\nContent-Length: %d\n\r\n",
    "LF-in-the-middle": b"HTTP/1.1 200 OK\r\nX: a b\nContent-Length: %d\r\n\r\n",
    "fold": b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: %d\r\n\r\n",
    "fold-of-tabs-and-spaces": b"HTTP/1.1 200 OK\r\nX: a \t\r\n\t \tb\r\nContent-Length: %d\r\n\r\n",
    "fold-of-an-empty-start": b"HTTP/1.1 200 OK\r\nX:\r\n a b\r\nContent-Length: %d\r\n\r\n",
    "fold-with-LF": b"HTTP/1.1 200 OK\nX: a\n b\nContent-Length: %d\n\n",
    "fold-of-a-length": b"HTTP/1.1 200 OK\r\nX: a b\r\nContent-Length:\r\n %d\r\n\r\n",
    "no-reason-and-LF": b"HTTP/1.1 200\nX: a b\nContent-Length: %d\n\n",
}


@pytest.mark.parametrize("head", LENIENT.values(), ids=LENIENT)
def test_lenient_head(head: bytes) -> None:
    response = read_response(head % len(CONTENT) + CONTENT)
    assert response.first == 200
    assert response["X"] == "a b"
    assert response.content == CONTENT


def test_a_lenient_head_may_have_a_large_body() -> None:
    """The end of a head of bare LF is not looked for in its content, whatever that holds."""
    content = b"x" * 70_000 + b"\r\n\r\n"
    response = read_response(b"HTTP/1.1 200 OK\nContent-Length: %d\n\n" % len(content) + content)
    assert response.content == content


def test_lenient_informational_head() -> None:
    wire = b"HTTP/1.1 103 Early Hints\nLink: </a>\n\nHTTP/1.1 204 No\n\n"
    assert read_response(wire, informational=1).first == 204


@pytest.mark.parametrize(
    ("data", "start", "searched", "found"),
    [
        (b"a\n\nb", 0, 0, (1, 3)),
        (b"a\r\n\r\nb", 0, 0, (1, 5)),
        (b"a\n\r\nb", 0, 0, (1, 4)),
        (b"a\r\n\nb", 0, 0, (1, 4)),
        (b"a\n\nb\n\n", 3, 0, (4, 6)),
        (b"a\n\nb", 0, 3, (1, 3)),
        (b"a\nb\r\n", 0, 0, None),
    ],
)
def test_find_lenient_end(data: bytes, start: int, searched: int, found: tuple[int, int] | None) -> None:
    assert find_lenient_end(data, start, searched) == found


# What is refused

REFUSED = {
    "missing-status": b"HTTP/1.1\r\n\r\n",
    "status-of-two-digits": b"HTTP/1.1 20 OK\r\n\r\n",
    "status-of-four-digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "status-below-100": b"HTTP/1.1 099 OK\r\n\r\n",
    "CVE-2025-69224-unicode-digits-in-the-status": "HTTP/1.1 ٢٠٠ OK\r\n\r\n".encode(),
    "no-space-before-the-reason": b"HTTP/1.1 200OK\r\n\r\n",
    "two-spaces-before-the-status": b"HTTP/1.1  200 OK\r\n\r\n",
    "tab-before-the-status": b"HTTP/1.1\t200 OK\r\n\r\n",
    "lower-case-version": b"http/1.1 200 OK\r\n\r\n",
    "HTTP-0.9": b"<html>no head at all</html>\r\n\r\n",
    "HTTP-2": b"HTTP/2 200 OK\r\n\r\n",
    "HTTP-1.2": b"HTTP/1.2 200 OK\r\n\r\n",
    "HTTP-1.10": b"HTTP/1.10 200 OK\r\n\r\n",
    "ICY": b"ICY 200 OK\r\n\r\n",
    "TLS-alert": b"\x15\x03\x01\x00\x02\x02\x16\r\n\r\n",
    "empty-line-first": b"\r\n" + ok(),
    "NUL-in-the-reason": b"HTTP/1.1 200 O\0K\r\n\r\n",
    "llhttp-865-bare-CR-ends-the-status-line": b"HTTP/1.1 200 OK\rX: y\r\n\r\n",
    "CVE-2026-69244-all-8-bit": b"\xff" * 300 + b"\r\n\r\n",
    "CVE-2026-34520-NUL-in-a-value": ok(b"X: a\0b"),
    "CVE-2026-34520-control-in-a-value": ok(b"X: a\x01b"),
    "bare-CR-in-a-value": ok(b"X: a\rb"),
    "bare-CR-in-a-value-beside-LF": b"HTTP/1.1 200 OK\nX: a\rb\n\n",
    "two-CRs-before-LF": ok(b"X: a\r\r\nY: b"),
    "space-before-the-colon": ok(b"X : y"),
    "empty-name": ok(b": y"),
    "no-colon": ok(b"X"),
    "8-bit-in-the-name": ok("É: y".encode()),
    "fold-of-the-status-line": b"HTTP/1.1 200\r\n OK\r\nContent-Length: 0\r\n\r\n",
    "fold-of-nothing": b"HTTP/1.1 200 OK\r\n X: y\r\n\r\n",
    "fold-that-hides-a-NUL": ok(b"X: y\r\n \0"),
    "two-lengths": ok(b"Content-Length: 0"),
    "two-lengths-one-folded": ok(b"Content-Length:\r\n 0"),
    "two-lengths-beside-LF": b"HTTP/1.1 200 OK\nContent-Length: 0\nContent-Length: 1\n\n",
    "two-Content-Types": ok(b"Content-Type: a/b", b"Content-Type: c/d"),
}


@pytest.mark.parametrize("wire", REFUSED.values(), ids=REFUSED)
def test_refused_response(wire: bytes) -> None:
    message = refuse_response(wire)
    assert message
    assert len(message) < 200


def test_a_role_alone_decides_what_is_lenient() -> None:
    assert CLIENT.is_lenient
    for wire in (b"<", b"H<", b"HTTP/2", b"\r"):
        assert feed(client(), [wire]).error, wire


def test_short_status_lines_are_kept_and_not_many() -> None:
    lines = StatusLines()
    assert lines[b"HTTP/1.1 200 OK"] == parse_status_line(b"HTTP/1.1 200 OK")
    assert lines[b"HTTP/1.1 200 OK"] is lines[b"HTTP/1.1 200 OK"]
    assert lines[b"HTTP/1.1 200 " + b"x" * 100][2] == "x" * 100
    assert len(lines) == 1
    with pytest.raises(ProtocolError):
        lines[b"HTTP/1.1 20 OK"]
    for number in range(1000):
        assert lines[b"HTTP/1.1 200 %d" % number][2] == str(number)
        assert len(lines) <= 256
