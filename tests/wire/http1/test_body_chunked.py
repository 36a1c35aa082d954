"""The chunked transfer coding, literal by literal (RFC 9112 section 7.1)."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pronghorn.wire.http1.body import ChunkedReader, format_chunk, format_last_chunk
from pronghorn.wire.http1.cursor import Cursor
from pronghorn.wire.limits import DEFAULT_LIMITS

from ..feeding import CUTS, client, feed, read_request, read_response, refuse_request, refuse_response, server

POST = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
HELLO = b"5\r\nhello\r\n"
LAST = b"0\r\n\r\n"

READ = {
    "one-chunk": HELLO + LAST,
    "two-chunks": b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    "leading-zeros": b"0000000000000005\r\nhello\r\n000\r\n\r\n",
    "extension": b"5;a\r\nhello\r\n0\r\n\r\n",
    "extension-with-a-value": b"5;a=b\r\nhello\r\n0;a=b;c\r\n\r\n",
    "extension-in-spaces": b"5 ;\ta \t= b ; c\r\nhello\r\n0\r\n\r\n",
    "extension-quoted": b'5;a="; \\" \\\\ \t\xe9"\r\nhello\r\n0\r\n\r\n',
    "extension-quoted-empty": b'5;a=""\r\nhello\r\n0\r\n\r\n',
    "line-of-256-bytes": b"5;" + b"a" * 254 + b"\r\nhello\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("body", READ.values(), ids=READ)
def test_chunked(body: bytes) -> None:
    assert read_request(POST + body).content == b"hello"
    assert read_response(OK + body).content == b"hello"


@pytest.mark.parametrize("digits", [b"1f", b"1F", b"0001f"])
def test_sizes_are_hexadecimal(digits: bytes) -> None:
    body = digits + b"\r\n" + b"x" * 31 + b"\r\n" + LAST
    assert read_request(POST + body).content == b"x" * 31


REFUSED = {
    "golang-71988-bare-LF-after-the-size": b"5\nhello\r\n",
    "bare-CR-after-the-size": b"5\rhello\r\n",
    "bare-LF-after-the-data": b"5\r\nhello\n0\r\n\r\n",
    "bare-CR-after-the-data": b"5\r\nhello\r0\r\n\r\n",
    "CVE-2025-43859-data-ends-in-something-else": b"5\r\nAAAAAXX2\r\n",
    "data-longer-than-its-size": b"5\r\nhello!\r\n",
    "data-shorter-than-its-size": b"5\r\nhell\r\n0\r\n\r\n",
    "bare-LF-after-the-last-chunk": b"0\n\r\n",
    "bare-LF-for-the-end": b"0\r\n\n",
    "CVE-2024-52304-LF-in-an-extension": b"5;a\nb\r\nhello\r\n",
    "gunicorn-bare-CR-in-an-extension": b"5;a\rb\r\nhello\r\n",
    "NUL-in-an-extension": b"5;a\0b\r\nhello\r\n",
    "NUL-in-a-quoted-extension": b'5;a="\0"\r\nhello\r\n',
    "CR-in-a-quoted-extension": b'5;a="\r"\r\nhello\r\n',
    "CR-quoted-in-an-extension": b'5;a="\\\r"\r\nhello\r\n',
    "open-quote": b'5;a="b\r\nhello\r\n',
    "quote-and-more": b'5;a="b"c\r\nhello\r\n',
    "CVE-2022-24761-extension-of-no-token": b"5;\x7f\r\nhello\r\n",
    "extension-without-a-name": b"5;\r\nhello\r\n",
    "extension-of-a-value-alone": b"5;=b\r\nhello\r\n",
    "extension-without-a-value": b"5;a=\r\nhello\r\n",
    "extension-without-a-semicolon": b"5 a=b\r\nhello\r\n",
    "uhttpd-3-size-0x": b"0x5\r\nhello\r\n",
    "uhttpd-3-size-underscore": b"0_5\r\nhello\r\n",
    "size-plus": b"+5\r\nhello\r\n",
    "size-minus": b"-5\r\nhello\r\n",
    "size-leading-space": b" 5\r\nhello\r\n",
    "size-trailing-tab": b"5\t\r\nhello\r\n",
    "size-vertical-tab": b"5\x0b\r\nhello\r\n",
    "size-of-17-digits": b"00000000000000005\r\nhello\r\n",
    "size-overflows": b"1" + b"0" * 16 + b"\r\nhello\r\n",
    "size-is-no-number": b"g\r\nhello\r\n",
    "CVE-2025-69224-size-of-unicode-digits": "٥\r\nhello\r\n".encode(),
    "size-missing": b"\r\nhello\r\n",
    "size-missing-before-an-extension": b";a\r\nhello\r\n",
    "second-size-missing": HELLO + b"\r\n",
    "trailer-Content-Length": b"0\r\nContent-Length: 5\r\n\r\n",
    "gunicorn-trailer-Transfer-Encoding": b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "trailer-Host": b"0\r\nHost: b\r\n\r\n",
    "trailer-Authorization": b"0\r\nAuthorization: Basic YTpi\r\n\r\n",
    "trailer-Content-Encoding": b"0\r\nCONTENT-ENCODING: gzip\r\n\r\n",
    "CVE-2025-53643-a-request-for-a-trailer": b"0\r\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n",
    "trailer-bare-LF": b"0\r\nX: y\n\r\n",
    "trailer-bare-CR": b"0\r\nX: y\rZ: y\r\n\r\n",
    "trailer-fold": b"0\r\nX: y\r\n z\r\n\r\n",
    "trailer-space-before-the-colon": b"0\r\nX : y\r\n\r\n",
    "trailer-NUL": b"0\r\nX: \0\r\n\r\n",
    "trailer-empty-name": b"0\r\n: y\r\n\r\n",
}
TOO_MUCH = {
    "line-of-257-bytes": b"5;" + b"a" * 255 + b"\r\nhello\r\n",
    "extension-without-end": b"5;" + b"a" * 10_000,
    "CVE-2026-22815-129-trailers": b"0\r\n" + b"X: y\r\n" * 129 + b"\r\n",
    "trailer-line-of-8191-bytes": b"0\r\nX: " + b"a" * 8188 + b"\r\n\r\n",
    "trailers-of-16-KiB-and-two": b"0\r\n" + b"X: %b\r\n" % (b"a" * 4093) * 4 + b"Y:\r\n\r\n",
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_refused_chunk(body: bytes) -> None:
    assert refuse_request(POST + body) == 400
    assert refuse_response(OK + body)


@pytest.mark.parametrize("body", TOO_MUCH.values(), ids=TOO_MUCH)
def test_too_much(body: bytes) -> None:
    assert refuse_request(POST + body) == 431
    assert refuse_response(OK + body)


def test_an_extension_of_1_MB_is_not_waited_for() -> None:
    connection = server()
    connection.feed(POST + b"5;")
    assert feed(connection, [b"a" * 1000] * 1000).error
    assert connection.held <= 1500


@pytest.mark.parametrize(
    "body", [b"hello, world", b"<html>", b" 5", b"\r"], ids=["text", "HTML", "space", "CR"]
)
def test_what_cannot_become_a_size_is_refused_at_its_first_byte(body: bytes) -> None:
    """A peer that says chunked and sends something else is found out at once, not by a timeout."""
    assert refuse_response(OK + body)
    assert feed(client(), [OK + body[:1]]).error


def test_chunk_size_may_be_followed_by_spaces_in_a_response_alone() -> None:
    body = b"5  \r\nhello\r\n0 \r\n\r\n"
    assert read_response(OK + body).content == b"hello"
    assert refuse_request(POST + body) == 400


# Trailers

TRAILERS = {
    "one": (b"X: y\r\n", [("X", "y")]),
    "two-of-a-name": (b"X: y\r\nx:z \r\n", [("X", "y"), ("x", "z")]),
    "128": (b"X: y\r\n" * 128, [("X", "y")] * 128),
    "line-of-8190-bytes": (b"X: %b\r\n" % (b"a" * 8187), [("X", "a" * 8187)]),
    "16-KiB": (b"X: %b\r\n" % (b"a" * 4093) * 4, [("X", "a" * 4093)] * 4),
}


@pytest.mark.parametrize(("lines", "fields"), TRAILERS.values(), ids=TRAILERS)
def test_trailers(lines: bytes, fields: list[tuple[str, str]]) -> None:
    body = HELLO + b"0\r\n" + lines + b"\r\n"
    for told in (read_request(POST + body), read_response(OK + body)):
        assert (told.content, told.trailers, told.is_whole) == (b"hello", fields, True)


@pytest.mark.parametrize(
    "body", [b"", b"5", b"5\r\n", b"5\r\nhello", b"5\r\nhello\r\n", b"0", b"0\r\n", b"0\r\nX: y\r\n"]
)
def test_gunicorn_3382_broken_off(body: bytes) -> None:
    assert "before the content was whole" in refuse_response(OK + body, eof=True)
    for cut in CUTS:
        assert feed(server(), cut(POST + body), eof=True).error


def test_nothing_of_a_malformed_body_follows_its_error() -> None:
    outcome = feed(client(), [OK + HELLO, b"5\r\nhelloXX", HELLO, LAST])
    assert outcome.error
    assert outcome.only.content == b"hello"
    assert not outcome.only.is_whole


# What is written is read back, however it is cut.

chunks = st.lists(st.binary(min_size=1, max_size=40), max_size=8)
trailers = st.lists(
    st.tuples(st.sampled_from(["A", "b-c", "Etag"]), st.text("ab:\t é", max_size=9)), max_size=3
)


@settings(deadline=None)
@given(chunks, trailers, st.lists(st.integers(0, 500), max_size=12), st.binary(max_size=20))
def test_round_trip(
    chunks: list[bytes], trailers: list[tuple[str, str]], cuts: list[int], after: bytes
) -> None:
    wire = b"".join(b"".join(format_chunk(chunk)) for chunk in chunks) + format_last_chunk(trailers)
    reader, cursor, content = ChunkedReader(DEFAULT_LIMITS, False), Cursor(), b""
    wire += after
    edges = sorted({0, len(wire), *(cut for cut in cuts if cut < len(wire))})
    for start, end in pairwise(edges):
        cursor.push(wire[start:end])
        if not reader.is_whole:
            content += reader.read(cursor)
    assert reader.is_whole
    assert content == b"".join(chunks)
    assert list((reader.trailers or {}).items()) == [(name, value.strip(" \t")) for name, value in trailers]
    assert cursor.take(len(cursor)) == after
