"""Broken endings, in every state, and that an error ends everything but one last response."""

from collections.abc import Callable

import pytest

from pronghorn.wire.errors import ProtocolError
from pronghorn.wire.events import End, ResponseHead
from pronghorn.wire.http1.connection import Http1Connection, Reading
from pronghorn.wire.roles import CLIENT

from ..feeding import CUTS, NEXT_REQUEST, SURPLUS, answer, client, feed, refuse_response, server

Cut = Callable[[bytes], list[bytes]]

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


# The end of the connection

QUIET_REQUESTS = {"nothing": b"", "empty-line": b"\r\n", "whole": GET, "whole-with-body": POST + b"hello"}
BROKEN_REQUESTS = {
    "CR": b"\r",
    "in-the-method": b"GE",
    "in-a-field": GET[:-6],
    "before-the-empty-line": GET[:-2],
    "in-the-last-CRLF": GET[:-1],
    "before-the-body": POST,
    "in-the-body": POST + b"hell",
}
BROKEN_RESPONSES = {
    "nothing": b"",
    "in-the-status-line": b"HTTP/1.",
    "in-the-head": OK[:20],
    "before-the-empty-line": OK[: OK.index(b"\r\n\r\n") + 2],
    "after-100": b"HTTP/1.1 100 Continue\r\n\r\n",
    "before-the-body": OK[:-5],
    "in-the-body": OK[:-1],
    "before-a-chunk": CHUNKED,
    "in-a-chunk": CHUNKED + b"5\r\nhel",
    "in-a-chunk-size": CHUNKED + b"5",
    "after-a-chunk": CHUNKED + b"5\r\nhello",
    "before-the-last-chunk": CHUNKED + b"5\r\nhello\r\n",
    "gunicorn-3382-in-the-last-chunk": CHUNKED + b"0\r\n",
    "in-the-trailers": CHUNKED + b"0\r\nA: b\r\n",
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("wire", QUIET_REQUESTS.values(), ids=QUIET_REQUESTS)
def test_eof_between_requests(cut: Cut, wire: bytes) -> None:
    outcome = feed(server(), cut(wire), eof=True)
    assert outcome.error is None
    assert not outcome.connection.is_reusable
    assert outcome.connection.reading is Reading.CLOSED


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("wire", BROKEN_REQUESTS.values(), ids=BROKEN_REQUESTS)
def test_eof_in_a_request(cut: Cut, wire: bytes) -> None:
    outcome = feed(server(), cut(wire), eof=True)
    assert outcome.error
    assert not outcome.connection.is_reusable
    assert outcome.connection.feed(NEXT_REQUEST) == ()


@pytest.mark.parametrize("wire", BROKEN_RESPONSES.values(), ids=BROKEN_RESPONSES)
def test_eof_in_a_response(wire: bytes) -> None:
    assert "before the " in refuse_response(wire, eof=True)


def test_eof_after_a_response() -> None:
    outcome = feed(client(), [OK], eof=True)
    assert outcome.error is None
    assert outcome.only.content == b"hello"
    assert not outcome.connection.is_reusable


def test_eof_of_an_idle_connection() -> None:
    fresh, used = Http1Connection(CLIENT), feed(client(), [OK]).connection
    used.resume()
    for connection in (fresh, used):
        assert connection.is_reusable
        assert connection.feed_eof() == ()
        assert not connection.is_reusable


def test_eof_ends_a_body_without_a_length() -> None:
    connection = client()
    feed(connection, [b"HTTP/1.1 200 OK\r\n\r\nhello"])
    assert not connection.is_reusable
    (end,) = connection.feed_eof()
    assert isinstance(end, End)
    assert connection.is_over


def test_a_request_is_answered_after_the_eof_that_follows_it() -> None:
    """A client may close its half when it has asked (RFC 9112 section 9.6)."""
    connection = feed(server(), [GET], eof=True).connection
    assert b"\r\nConnection: close\r\n" in answer(connection)
    assert connection.is_over
    assert connection.resume() == ()


def test_a_second_eof_says_nothing() -> None:
    for connection in (
        feed(server(), [GET[:5]], eof=True).connection,
        feed(client(), [OK], eof=True).connection,
    ):
        assert connection.feed_eof() == ()


# After an error


@pytest.mark.parametrize("cut", CUTS)
def test_after_an_error_in_a_head_one_response_is_sent(cut: Cut) -> None:
    outcome = feed(server(), cut(b"GET /\r\n\r\n" + NEXT_REQUEST))
    assert outcome.error
    assert outcome.messages == []
    assert answer(outcome.connection, 400, b"no").endswith(b"Connection: close\r\n\r\nno")
    for after in (
        outcome.connection.feed(NEXT_REQUEST),
        outcome.connection.resume(),
        outcome.connection.feed_eof(),
    ):
        assert after == ()
    with pytest.raises(RuntimeError, match="no message is due"):
        answer(outcome.connection, 400)


def test_after_an_error_in_a_body_one_response_is_sent() -> None:
    connection = server()
    connection.feed(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    with pytest.raises(ProtocolError):
        connection.feed(b"zz\r\n" + NEXT_REQUEST)
    assert b"Connection: close\r\n" in answer(connection, 400)
    assert connection.is_over
    assert connection.resume() == ()


def test_a_response_that_is_under_way_goes_on_after_an_error() -> None:
    connection = server()
    connection.feed(POST.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked"))
    connection.send_head(200, "OK", [], None)
    with pytest.raises(ProtocolError):
        connection.feed(b"zz\r\n")
    assert b"".join(connection.send_data(b"x")) == b"1\r\nx\r\n"
    assert connection.send_end() == b"0\r\n\r\n"
    assert not connection.is_reusable


def test_CVE_2022_31015_an_error_in_a_pipelined_request_comes_in_its_turn() -> None:
    connection = feed(server(), [GET + b"GET /\r\n\r\n" + NEXT_REQUEST]).connection
    assert b"Connection: close" not in answer(connection)
    with pytest.raises(ProtocolError):
        connection.resume()
    assert b"Connection: close\r\n" in answer(connection, 400)
    assert connection.resume() == ()
    assert connection.feed(NEXT_REQUEST) == ()


def test_CVE_2023_41419_what_follows_a_malformed_body_is_no_request() -> None:
    wire = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n" + NEXT_REQUEST
    for cut in CUTS:
        outcome = feed(server(), cut(wire))
        assert outcome.error
        assert "/next" not in [message.second for message in outcome.messages]


def test_after_an_error_a_client_reads_nothing() -> None:
    for cut in CUTS:
        outcome = feed(client(), cut(b"HTTP/1.1 abc\r\n\r\n" + SURPLUS))
        assert outcome.error
        assert outcome.messages == []
        assert not outcome.connection.is_reusable


def test_llhttp_data_after_close_is_ignored() -> None:
    connection = feed(
        server(), [GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + b"\x16\x03 junk"]
    ).connection
    answer(connection)
    assert connection.resume() == ()
    assert connection.feed(b"more junk") == ()
    assert connection.held == 0


def test_a_response_that_says_not_where_it_ends_may_have_no_body() -> None:
    connection = Http1Connection(CLIENT)
    connection.reads_until_close = False
    connection.send_head("GET", "/", [("Host", "a")], 0, b"")
    (head,) = connection.feed(b"HTTP/1.1 200 OK\r\n\r\nmore")
    assert isinstance(head, ResponseHead)
    assert head.body == b""
    assert connection.reading is Reading.WHOLE
    assert not connection.is_reusable
