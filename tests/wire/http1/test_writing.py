"""What is written: framing fields, the grammar, lengths that hold."""

import pytest

from pronghorn.wire.events import HttpVersion10
from pronghorn.wire.http1.connection import Http1Connection, Writing
from pronghorn.wire.http1.writing import ReadyFields
from pronghorn.wire.roles import CLIENT

from ..feeding import feed, server


def ask(method: str, version: str = "1.1", more: str = "") -> bytes:
    target, host = ("a:443", "a:443") if method == "CONNECT" else ("/", "a")
    return f"{method} {target} HTTP/{version}\r\nHost: {host}\r\n{more}\r\n".encode()


def asked(request: bytes = ask("GET")) -> Http1Connection:
    """A server that has read a request."""
    outcome = feed(server(), [request])
    assert outcome.only.is_whole
    return outcome.connection


def lines(sent: bytes) -> list[bytes]:
    """The lines of a head, and what follows it."""
    head, _, rest = sent.partition(b"\r\n\r\n")
    return [*head.split(b"\r\n"), rest]


# Framing fields of requests

REQUESTS = {
    "GET-without-content": (("GET", None, b""), []),
    "GET-of-length-0": (("GET", 0, None), []),
    "GET-with-content": (("GET", None, b"hello"), [b"Content-Length: 5"]),
    "POST-without-content": (("POST", None, b""), [b"Content-Length: 0"]),
    "PUT-without-content": (("PUT", None, b""), [b"Content-Length: 0"]),
    "PATCH-of-length-0": (("PATCH", 0, None), [b"Content-Length: 0"]),
    "DELETE-without-content": (("DELETE", None, b""), []),
    "POST-with-content": (("POST", None, b"hello"), [b"Content-Length: 5"]),
    "POST-of-a-length": (("POST", 5, None), [b"Content-Length: 5"]),
    "POST-of-no-length": (("POST", None, None), [b"Transfer-Encoding: chunked"]),
}


@pytest.mark.parametrize(("call", "framing"), REQUESTS.values(), ids=REQUESTS)
def test_framing_of_a_request(call: tuple[str, int | None, bytes | None], framing: list[bytes]) -> None:
    method, length, body = call
    sent = Http1Connection(CLIENT).send_head(method, "/", [("Host", "a")], length, body=body)
    assert lines(sent) == [f"{method} / HTTP/1.1".encode(), b"Host: a", *framing, body or b""]


# Framing fields of responses

CHUNKED, CLOSE, KEEP, ZERO, FIVE = (
    b"Transfer-Encoding: chunked",
    b"Connection: close",
    b"Connection: keep-alive",
    b"Content-Length: 0",
    b"Content-Length: 5",
)
KEEP_1_0 = ask("GET", "1.0", "Connection: keep-alive\r\n")
RESPONSES = {
    "content": (ask("GET"), 200, None, b"hello", [FIVE], b"hello"),
    "empty": (ask("GET"), 200, None, b"", [ZERO], b""),
    "length": (ask("GET"), 200, 5, None, [FIVE], b""),
    "no-length": (ask("GET"), 200, None, None, [CHUNKED], b""),
    "HEAD-with-content": (ask("HEAD"), 200, None, b"hello", [FIVE], b""),
    "HEAD-of-a-length": (ask("HEAD"), 200, 5, None, [FIVE], b""),
    "HEAD-of-no-length": (ask("HEAD"), 200, None, None, [CHUNKED], b""),
    "204": (ask("GET"), 204, None, b"", [], b""),
    "204-with-content": (ask("GET"), 204, None, b"hello", [], b""),
    "204-of-no-length": (ask("GET"), 204, None, None, [], b""),
    "304": (ask("GET"), 304, None, b"", [], b""),
    "304-with-content": (ask("GET"), 304, None, b"hello", [], b""),
    "RFC-9110-9.3.6-CONNECT": (ask("CONNECT"), 200, None, b"", [], b""),
    "RFC-9110-9.3.6-CONNECT-of-no-length": (ask("CONNECT"), 200, None, None, [], b""),
    "CONNECT-refused": (ask("CONNECT"), 403, None, b"hello", [FIVE], b"hello"),
    "1.0": (ask("GET", "1.0"), 200, None, b"hello", [FIVE, CLOSE], b"hello"),
    "1.0-of-no-length": (ask("GET", "1.0"), 200, None, None, [CLOSE], b""),
    "1.0-keep-alive": (KEEP_1_0, 200, None, b"hello", [FIVE, KEEP], b"hello"),
    "1.0-keep-alive-of-no-length": (KEEP_1_0, 200, None, None, [CLOSE], b""),
}


@pytest.mark.parametrize(
    ("request_", "status", "length", "body", "framing", "content"), RESPONSES.values(), ids=RESPONSES
)
def test_framing_of_a_response(
    request_: bytes,
    status: int,
    length: int | None,
    body: bytes | None,
    framing: list[bytes],
    content: bytes,
) -> None:
    sent = asked(request_).send_head(status, "R", [("Server", "s")], length, body=body)
    assert lines(sent) == [b"HTTP/1.1 %d R" % status, b"Server: s", *framing, content]


@pytest.mark.parametrize(
    "name", ["Content-Length", "content-length", "Transfer-Encoding", "TRANSFER-ENCODING"]
)
@pytest.mark.parametrize("length", [None, 5])
def test_raw_fields_cannot_frame(name: str, length: int | None) -> None:
    """aiohttp's "CL+TE can be emitted via raw headers": two of them, or one that is not true."""
    for connection, first in ((asked(), 200), (Http1Connection(CLIENT), "POST")):
        with pytest.raises(ValueError, match=f"(?i){name}"):
            connection.send_head(first, "/", [("Host", "a"), (name, "7")], length)
        assert connection.writing is Writing.DUE


def test_a_length_is_not_negative() -> None:
    for connection, first in ((asked(), 200), (Http1Connection(CLIENT), "POST")):
        with pytest.raises(ValueError, match=r"(?i)length"):
            connection.send_head(first, "/", [], -1)


def test_an_answer_to_a_malformed_request_has_its_content() -> None:
    """Whatever the request before it was."""
    connection = asked(ask("HEAD"))
    connection.send_head(200, "OK", [], None, body=b"")
    connection.resume()
    assert feed(connection, [b"GET /\r\n\r\n"]).error
    assert lines(connection.send_head(400, "Bad", [], None, body=b"hello"))[1:] == [FIVE, CLOSE, b"hello"]


# The grammar: nothing outside it is returned, and the message stays due.

BAD_REQUESTS = {
    "CVE-2023-49082-method": ("GET / HTTP/1.1\r\nX", "/"),
    "method-NUL": ("GE\0T", "/"),
    "method-empty": ("", "/"),
    "target-CRLF": ("GET", "/ HTTP/1.1\r\nX: y"),
    "target-LF": ("GET", "/\n"),
    "target-space": ("GET", "/a b"),
}
BAD_FIELDS = {
    "CVE-2018-1000164-value-CRLF": ("X", "a\r\nSet-Cookie: b"),
    "CVE-2020-7695-value-CRLF-CRLF": ("X", "a\r\n\r\n<html>"),
    "value-CR": ("X", "a\r"),
    "value-LF": ("X", "a\nb"),
    "value-NUL": ("X", "a\0b"),
    "name-CRLF": ("X: a\r\nY", "b"),
    "name-CR": ("X\r", "b"),
    "name-LF": ("X\n", "b"),
    "name-NUL": ("X\0", "b"),
    "name-space": ("X Y", "b"),
    "name-colon": ("X:", "b"),
    "name-not-ASCII": ("Ü", "b"),
    "name-empty": ("", "b"),
}
BAD_REASONS = {"CVE-2026-34519-CR": "x\ry", "CRLF": "x\r\nX: y", "LF": "x\ny", "NUL": "x\0y"}


def refuses(
    connection: Http1Connection, first: str | int, second: str, fields: list[tuple[str, str]]
) -> None:
    """Assert that a head raises and changes nothing: a good one can still be sent."""
    with pytest.raises(ValueError, match=r"expected|control character|percent-encoded"):
        connection.send_head(first, second, fields, None)
    assert connection.writing is Writing.DUE
    good: tuple[str | int, str] = ("GET", "/") if isinstance(first, str) else (200, "OK")
    assert connection.send_head(*good, [("Server", "s")], None, body=b"").endswith(b"\r\n\r\n")


@pytest.mark.parametrize(("method", "target"), BAD_REQUESTS.values(), ids=BAD_REQUESTS)
def test_refused_request(method: str, target: str) -> None:
    refuses(Http1Connection(CLIENT), method, target, [])


@pytest.mark.parametrize("reason", BAD_REASONS.values(), ids=BAD_REASONS)
def test_refused_reason(reason: str) -> None:
    refuses(asked(), 200, reason, [])
    with pytest.raises(ValueError, match="control character"):
        asked().send_informational(103, reason)


@pytest.mark.parametrize("field", BAD_FIELDS.values(), ids=BAD_FIELDS)
def test_refused_field(field: tuple[str, str]) -> None:
    refuses(asked(), 200, "OK", [("Server", "s"), field])
    refuses(Http1Connection(CLIENT), "GET", "/", [("Host", "a"), field])
    with pytest.raises(ValueError, match=r"expected|control character"):
        asked().send_informational(103, "Hints", [field])


@pytest.mark.parametrize("field", BAD_FIELDS.values(), ids=BAD_FIELDS)
def test_refused_trailer(field: tuple[str, str]) -> None:
    connection = asked()
    connection.send_head(200, "OK", [], None)
    with pytest.raises(ValueError, match=r"expected|control character"):
        connection.send_end([("A", "b"), field])
    assert connection.writing is Writing.BODY


@pytest.mark.parametrize("status", [0, 99, 1000, -200])
def test_refused_status(status: int) -> None:
    refuses(asked(), status, "", [])


# Content: what the head said is what comes.


def test_chunks() -> None:
    connection = asked()
    connection.send_head(200, "OK", [], None)
    assert b"".join(connection.send_data(b"hello")) == b"5\r\nhello\r\n"
    assert b"".join(connection.send_data(b"")) == b""  # an empty chunk would end the message
    assert b"".join(connection.send_data(b"x" * 255)).startswith(b"ff\r\n")
    assert connection.send_end([("A", "b")]) == b"0\r\nA: b\r\n\r\n"
    assert connection.writing is Writing.DONE


def test_content_of_a_length() -> None:
    connection = asked()
    connection.send_head(200, "OK", [], 5)
    data = b"hell"
    (sent,) = connection.send_data(data)
    assert sent is data
    with pytest.raises(ValueError, match="1 are left"):
        connection.send_data(b"o, world")
    with pytest.raises(ValueError, match="1 bytes short"):
        connection.send_end()
    assert connection.writing is Writing.BODY
    assert connection.send_data(b"o") == (b"o",)
    with pytest.raises(ValueError, match="0 are left"):
        connection.send_data(b"!")
    assert connection.send_end() == b""


def test_content_until_close() -> None:
    connection = asked(ask("GET", "1.0"))
    connection.send_head(200, "OK", [], None)
    assert connection.send_data(b"hello") == (b"hello",)
    assert connection.send_end() == b""
    assert not connection.is_reusable


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
@pytest.mark.parametrize("length", [None, 5])
def test_content_that_may_not_be_is_dropped(method: str, status: int, length: int | None) -> None:
    connection = asked(ask(method))
    connection.send_head(status, "R", [], length)
    assert connection.send_data(b"more than five bytes") == ()
    assert connection.send_end([("A", "b")]) == b""
    assert connection.is_over
    assert connection.is_reusable


def test_nothing_is_sent_out_of_turn() -> None:
    fresh = server()
    for send in (lambda: fresh.send_head(200, "OK", [], 0), lambda: fresh.send_informational(100, "")):
        with pytest.raises(RuntimeError, match="due"):
            send()
    done = asked()
    done.send_head(200, "OK", [], None, body=b"")
    for send in (
        lambda: done.send_head(200, "OK", [], 0),
        lambda: done.send_informational(100, ""),
        lambda: done.send_data(b"x"),
        done.send_end,
    ):
        with pytest.raises(RuntimeError, match=r"due|open"):
            send()


# Requests in HTTP/1.0


def test_a_request_in_1_0() -> None:
    connection = Http1Connection(CLIENT)
    connection.request_version = HttpVersion10
    sent = connection.send_head("POST", "/", [("Host", "a")], None, b"hello")
    assert lines(sent) == [
        b"POST / HTTP/1.0",
        b"Host: a",
        b"Content-Length: 5",
        b"Connection: keep-alive",
        b"hello",
    ]


def test_a_last_request_in_1_0() -> None:
    connection = Http1Connection(CLIENT)
    connection.request_version = HttpVersion10
    sent = connection.send_head("GET", "/", [], 0, b"", is_persistent=False)
    assert lines(sent) == [b"GET / HTTP/1.0", b"Connection: close", b""]


def test_1_0_has_no_chunks() -> None:
    connection = Http1Connection(CLIENT)
    connection.request_version = HttpVersion10
    with pytest.raises(ValueError, match=r"unknown length can't be sent in HTTP/1\.0"):
        connection.send_head("POST", "/", [], None)
    connection.send_head("GET", "/", [], 0, b"")  # nothing was sent


def test_fields_that_are_ready_leave_as_others_do() -> None:
    fields = (("Server", "x"), ("X-A", "\u00e9"))
    sent = []
    for given in (fields, ReadyFields(fields)):
        machine = server()
        feed(machine, [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"])
        sent.append(machine.send_head(200, "OK", given, None, b"body"))
    assert sent[0] == sent[1]
    assert tuple(ReadyFields(fields)) == fields


@pytest.mark.parametrize("field", [("X-A", "a\r\n"), ("X A", "a"), ("Content-Length", "4")])
def test_fields_that_can_not_be_sent_are_never_ready(field: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match=field[0]):
        ReadyFields((field,))
