"""Framing as a pure decision, and bodies as they are read and written."""

from collections.abc import Callable, Iterable

import pytest

from pronghorn.wire.errors import ProtocolError
from pronghorn.wire.events import HttpVersion, HttpVersion10, HttpVersion11
from pronghorn.wire.http1.body import (
    CHUNKED,
    UNTIL_CLOSE,
    BodyReader,
    ChunkedReader,
    LengthReader,
    UntilCloseReader,
    body_reader,
    format_chunk,
    format_last_chunk,
    framing,
)
from pronghorn.wire.http1.cursor import Cursor
from pronghorn.wire.limits import DEFAULT_LIMITS, Limits

from ..feeding import (
    CUTS,
    agreed,
    client,
    feed,
    read_request,
    read_response,
    read_until_close,
    refuse_request,
    refuse_response,
    server,
)

CHUNKED_POST = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKED_OK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def post(*lines: bytes, version: bytes = b"1.1") -> bytes:
    return b"\r\n".join([b"POST / HTTP/" + version, b"Host: a", *lines, b"", b"hello"])


def ok(*lines: bytes, status: int = 200, content: bytes = b"") -> bytes:
    return b"\r\n".join([b"HTTP/1.1 %d OK" % status, *lines, b"", content])


# The decision (RFC 9112 section 6.3)

FRAMINGS = [
    # method, status, version, length, coding, what it is
    ("GET", 0, HttpVersion11, None, None, 0),
    ("POST", 0, HttpVersion11, 5, None, 5),
    ("POST", 0, HttpVersion11, None, "chunked", CHUNKED),
    ("HEAD", 0, HttpVersion11, 5, None, 5),
    ("CONNECT", 0, HttpVersion11, None, None, 0),
    ("GET", 200, HttpVersion11, None, None, UNTIL_CLOSE),
    ("GET", 200, HttpVersion10, None, None, UNTIL_CLOSE),
    ("GET", 200, HttpVersion11, 5, None, 5),
    ("GET", 200, HttpVersion11, None, "chunked", CHUNKED),
    ("HEAD", 200, HttpVersion11, 5, None, 0),
    ("HEAD", 404, HttpVersion11, None, "chunked", 0),
    ("HEAD", 200, HttpVersion11, None, None, 0),
    ("GET", 100, HttpVersion11, 5, None, 0),
    ("GET", 101, HttpVersion11, None, "chunked", 0),
    ("GET", 204, HttpVersion11, 5, None, 0),
    ("GET", 204, HttpVersion11, None, "chunked", 0),
    ("GET", 304, HttpVersion11, 5, None, 0),
    ("GET", 205, HttpVersion11, 0, None, 0),
    ("CONNECT", 200, HttpVersion11, 5, "chunked", 0),
    ("CONNECT", 299, HttpVersion11, None, None, 0),
    ("CONNECT", 407, HttpVersion11, 5, None, 5),
    ("CONNECT", 302, HttpVersion11, None, None, UNTIL_CLOSE),
]


@pytest.mark.parametrize(("method", "status", "version", "length", "coding", "kind"), FRAMINGS)
def test_framing(
    method: str, status: int, version: HttpVersion, length: int | None, coding: str | None, kind: int
) -> None:
    assert framing(method, status, version, length, coding) == kind


@pytest.mark.parametrize("status", [0, 200])
def test_ambiguous_framing(status: int) -> None:
    with pytest.raises(ProtocolError, match="ambiguous"):
        framing("POST", status, HttpVersion11, 5, "chunked")
    with pytest.raises(ProtocolError, match=r"not in HTTP/1\.0"):
        framing("POST", status, HttpVersion10, None, "chunked")


def test_transfer_coding_is_compared_as_ascii() -> None:
    assert framing("POST", 0, HttpVersion11, None, "Chunked") == CHUNKED
    for coding in ("gzip", "gzip, chunked", "xchunked", "chun\u212aed", ""):
        with pytest.raises(ProtocolError, match="transfer coding"):
            framing("POST", 0, HttpVersion11, None, coding)


@pytest.mark.parametrize(
    ("kind", "reader"), [(5, LengthReader), (CHUNKED, ChunkedReader), (UNTIL_CLOSE, UntilCloseReader)]
)
def test_body_reader(kind: int, reader: type[BodyReader]) -> None:
    assert type(body_reader(kind, DEFAULT_LIMITS, False)) is reader


# Framing on the wire

READ = {
    "CL": (b"Content-Length: 5", b"hello", b"hello"),
    "CL-00005": (b"Content-Length: 00005", b"hello", b"hello"),
    "CL-tabs-around": (b"Content-Length:\t5\t", b"hello", b"hello"),
    "CL-0": (b"Content-Length: 0", b"", b""),
    "TE": (b"Transfer-Encoding: chunked", b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
    "TE-Chunked": (b"Transfer-Encoding: Chunked", b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
    "TE-empty": (b"Transfer-Encoding: chunked", b"0\r\n\r\n", b""),
}


@pytest.mark.parametrize(("line", "body", "content"), READ.values(), ids=READ)
def test_body(line: bytes, body: bytes, content: bytes) -> None:
    assert read_request(b"POST / HTTP/1.1\r\nHost: a\r\n%b\r\n\r\n%b" % (line, body)).content == content
    assert read_response(ok(line, content=body)).content == content


AMBIGUOUS = {
    "CVE-2023-47641-CL-and-TE": b"Content-Length: 5\r\nTransfer-Encoding: chunked",
    "waitress-464-TE-and-CL": b"Transfer-Encoding: chunked\r\nContent-Length: 5",
    "CVE-2019-16792-CL-twice": b"Content-Length: 5\r\nContent-Length: 6",
    "CVE-2020-10108-CL-twice-the-same": b"Content-Length: 5\r\nContent-Length: 5",
    "CL-twice-by-case": b"Content-Length: 5\r\ncontent-length: 5",
    "gunicorn-CL-list": b"Content-Length: 5, 5",
    "CL-list-of-two": b"Content-Length: 5,6",
    "CVE-2023-47627-CL-plus": b"Content-Length: +5",
    "CL-minus": b"Content-Length: -1",
    "CL-minus-0": b"Content-Length: -0",
    "CVE-2022-24801-CL-hexadecimal": b"Content-Length: 0x5",
    "CVE-2023-47627-CL-underscore": b"Content-Length: 1_0",
    "CL-space-inside": b"Content-Length: 5 5",
    "CL-empty": b"Content-Length:",
    "CL-quoted": b'Content-Length: "5"',
    "CL-fraction": b"Content-Length: 5.0",
    "CL-exponent": b"Content-Length: 5e0",
    "h11-181-CL-10^25": b"Content-Length: 1" + b"0" * 25,
    "h11-181-CL-8000-digits": b"Content-Length: " + b"9" * 8000,
    "CL-20-digits": b"Content-Length: 00000000000000000005",
    "CVE-2025-69224-CL-unicode-digit": "Content-Length: ٣".encode(),
    "CVE-2024-23829-CL-superscript": b"Content-Length: \xb2",
    "tornado-CL-unicode-space": "Content-Length: 5\u00a0".encode(),
    "CL-form-feed": b"Content-Length: \x0c5",
    "CL-name-with-a-space": b"Content Length: 5",
    "waitress-465-TE-twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "TE-twice-by-case": b"Transfer-Encoding: chunked\r\ntransfer-encoding: identity",
    "CVE-2019-16789-TE-vertical-tab": b"Transfer-Encoding: \x0bchunked",
    "TE-form-feed": b"Transfer-Encoding: \x0cchunked",
    "TE-name-with-a-space": b"Transfer-Encoding : chunked",
}
UNKNOWN_CODINGS = {
    "CVE-2022-32213-TE-chunkedchunked": b"chunkedchunked",
    "CVE-2024-6827-TE-xchunked": b"xchunked",
    "TE-chunked-identity": b"chunked, identity",
    "tornado-TE-identity": b"identity",
    "TE-chunked-chunked": b"chunked, chunked",
    "CVE-2019-16786-TE-gzip-chunked": b"gzip, chunked",
    "CVE-2024-1135-TE-comma": b",chunked",
    "TE-empty": b"",
    "TE-parameter": b"chunked;a=b",
    "TE-quoted": b'"chunked"',
    "TE-no-break-space": b"\xa0chunked",
    "TE-no-break-space-UTF-8": "\u00a0chunked".encode(),
    "TE-Kelvin-sign": "chun\N{KELVIN SIGN}ed".encode(),
}


@pytest.mark.parametrize("line", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_ambiguous_body(line: bytes) -> None:
    assert refuse_request(post(line)) == 400
    assert refuse_response(ok(line, content=b"hello"))


@pytest.mark.parametrize("value", UNKNOWN_CODINGS.values(), ids=UNKNOWN_CODINGS)
def test_unknown_coding(value: bytes) -> None:
    assert refuse_request(post(b"Transfer-Encoding: " + value)) == 501
    assert refuse_response(ok(b"Transfer-Encoding: " + value, content=b"hello"))


def test_gunicorn_chunked_in_1_0() -> None:
    assert refuse_request(post(b"Transfer-Encoding: chunked", version=b"1.0")) == 400
    assert refuse_response(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")


# A response without content has none, whatever it says: what follows is not its body.

BODYLESS = {
    "HEAD": ("HEAD", 200),
    "HEAD-404": ("HEAD", 404),
    "204": ("GET", 204),
    "304": ("GET", 304),
    "CONNECT": ("CONNECT", 200),
}


@pytest.mark.parametrize("line", [b"X: y", b"Content-Length: 5", b"Transfer-Encoding: chunked"])
@pytest.mark.parametrize(("method", "status"), BODYLESS.values(), ids=BODYLESS)
def test_bodyless_response(method: str, status: int, line: bytes) -> None:
    response = read_response(ok(line, status=status), lambda: client(method))
    assert response.first == status
    assert response.content == b""


def test_bodyless_informational_response() -> None:
    wire = ok(b"Content-Length: 5", status=103) + ok(b"Content-Length: 2", content=b"hi")
    assert read_response(wire, informational=1).content == b"hi"


@pytest.mark.parametrize(("method", "status"), BODYLESS.values(), ids=BODYLESS)
def test_a_coding_that_frames_nothing_may_be_unknown(method: str, status: int) -> None:
    """RFC 9112 section 6.1: HEAD and 304 tell what would have been applied; RFC 9110 section 9.3.6."""
    wire = ok(b"Transfer-Encoding: gzip, chunked", status=status)
    assert read_response(wire, lambda: client(method)).content == b""


@pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/1.1"])
def test_until_close(version: bytes) -> None:
    wire = version + b" 200 OK\r\nConnection: keep-alive\r\n\r\n0\r\n\r\nall of it"
    response = read_until_close(wire)
    assert response.content == b"0\r\n\r\nall of it"
    assert response.is_whole


def test_until_close_of_nothing() -> None:
    response = read_until_close(b"HTTP/1.1 200 OK\r\n\r\n")
    assert (response.content, response.is_whole) == (b"", True)


# The readers on their own


def drain(reader: BodyReader, pieces: Iterable[bytes]) -> bytes:
    cursor, content = Cursor(), b""
    for piece in pieces:
        cursor.push(piece)
        content += reader.read(cursor)
    return content


@pytest.mark.parametrize("cut", CUTS)
def test_length_reader_takes_no_more(cut: Callable[[bytes], list[bytes]]) -> None:
    cursor, reader = Cursor(), LengthReader(5)
    content = b""
    for piece in cut(b"hello, world"):
        cursor.push(piece)
        content += reader.read(cursor)
    assert (content, reader.is_whole, len(cursor)) == (b"hello", True, 7)


@pytest.mark.parametrize(
    ("reader", "begin"),
    [
        (LengthReader(5), b"hell"),
        *[(ChunkedReader(DEFAULT_LIMITS, True), b) for b in (b"", b"5\r\nhel", b"0\r\n")],
    ],
)
def test_a_reader_that_misses_content_at_the_end(reader: BodyReader, begin: bytes) -> None:
    drain(reader, [begin])
    assert not reader.is_whole
    with pytest.raises(ProtocolError, match="before the content was whole"):
        reader.read_eof()


def test_until_close_reader() -> None:
    reader = UntilCloseReader()
    assert drain(reader, [b"a", b"bc"]) == b"abc"
    assert not reader.is_whole
    reader.read_eof()
    assert reader.is_whole


def test_chunks_of_one_read_are_one_piece() -> None:
    reader = ChunkedReader(DEFAULT_LIMITS, False)
    cursor = Cursor()
    cursor.push(b"1\r\na\r\n2\r\nbc\r\n3\r\nde")
    assert reader.read(cursor) == b"abcde"


def test_limits_are_those_that_were_given() -> None:
    assert refuse_request(CHUNKED_POST + b"1;abcd\r\n", Limits(chunk_line=5)) == 431
    assert refuse_request(CHUNKED_POST + b"0\r\nA: b\r\nC: d\r\n\r\n", Limits(trailers=7)) == 431
    assert read_request(CHUNKED_POST + b"0\r\nA: b\r\nC: d\r\n\r\n", Limits(trailers=8)).is_whole


# Writing


def test_chunk_is_three_buffers_of_which_one_is_the_data_itself() -> None:
    data = b"x" * 300
    size, same, end = format_chunk(data)
    assert (size, end) == (b"12c\r\n", b"\r\n")
    assert same is data


def test_last_chunk() -> None:
    assert format_last_chunk([]) == b"0\r\n\r\n"
    assert format_last_chunk([("A", "b"), ("Etag", '"c"')]) == b'0\r\nA: b\r\nEtag: "c"\r\n\r\n'


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Content-Length", "5"),
        ("transfer-encoding", "chunked"),
        ("Host", "a"),
        ("X", "a\r\nY: b"),
        ("X", "a\rb"),
        ("X", "a\nb"),
        ("X", "a\0b"),
        ("X\r\nY", "a"),
        ("X Y", "a"),
        ("", "a"),
    ],
)
def test_refused_last_chunk(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"trailers|field name|control character"):
        format_last_chunk([("A", "b"), (name, value)])


def test_what_is_told_of_a_body_that_breaks_off_is_agreed() -> None:
    outcome = agreed([feed(server(), cut(CHUNKED_POST + b"5\r\nhel")) for cut in CUTS])
    assert (outcome.only.content, outcome.only.is_whole) == (b"hel", False)
