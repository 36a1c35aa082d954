"""What is written is refused before a byte leaves, or read by all readers as it was meant.

An exchange is drawn, written by one of our roles and read by the other, by llhttp and by h11. What is drawn
is mostly sound; what is not must raise ValueError and leave the connection as it was.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from pronghorn.wire.http1.connection import Http1Connection, Writing
from pronghorn.wire.roles import CLIENT, SERVER

from .differences import difference
from .finding import Finding
from .known_requests import KNOWN_DIFFERENCES
from .readers import (
    ASKINGS,
    GET,
    Asking,
    Message,
    Pairs,
    h11_of_requests,
    h11_of_response,
    llhttp_of_requests,
    llhttp_of_response,
    lowered,
    ours_of_requests,
    ours_of_response,
)

Fields = list[tuple[str, str]]

#: What llhttp has against sound requests.
_LLHTTP_REFUSES = {
    "a method out of a closed list",
    "PRI as the method of HTTP/1",
    "methods of RTSP and ICE in HTTP",
    "digits, '+', '-' or '.' in a scheme",
}
_METHODS = ("GET", "POST", "HEAD", "PUT", "OPTIONS", "M-SEARCH", "X!", "get", "DESCRIBE", "PRI")
_TARGETS = (
    "/",
    "/a?b=c",
    "//b",
    "/{[a|b]}?%20",
    "http://a/b",
    "*",
    "a",
    "",
    "/a#b",
    "/\u00e9",
    "/a b",
    "?a",
    "a:443",
)
_NAMES = ("X", "x-two", "Accept", "Cookie", "!#$%&'*+-.^_`|~09", "Server", "TE", "ETag", "Content-Language")
_NAMES_THAT_WEIGH = ("Content-Length", "transfer-encoding", "Trailer", "Via", "Date", "Allow", "Keep-Alive")
_VALUES = ("", "y", " y\t", 'a, b;c="d"', "\u00e9", "\udcff", "0", "100-continue", "x" * 300)
_REASONS = ("OK", "", "Not quite", "\u00e9", "\udcff", " ", "\tOK ")
_HOSTILE = (
    "\r",
    "\n",
    "\0",
    "\r\n",
    "\r\nX: y",
    "\x0b",
    "\x7f",
    " ",
    ":",
    "\u0130",
    "\u2028",
    "\x85",
    "\t",
    "(",
    "\x1f",
)


def _text(rng: Random, sound: Sequence[str]) -> str:
    text = rng.choice(sound)
    if rng.randrange(40) == 0:
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(_HOSTILE) + text[at:]
    return text


def _fields(rng: Random) -> Fields:
    names = _NAMES_THAT_WEIGH if rng.randrange(12) == 0 else _NAMES
    return [(_text(rng, names), _text(rng, _VALUES)) for _ in range(rng.randrange(4))]


@dataclass
class Content:
    """Content in pieces, and how it is sent."""

    pieces: list[bytes]
    length: int | None
    is_at_once: bool
    trailers: Fields

    @property
    def joined(self) -> bytes:
        return b"".join(self.pieces)


def _content(rng: Random) -> Content:
    pieces = [
        rng.choice((b"", b"x", b"hello", b"\r\n0\r\n\r\n", b"y" * 300)) for _ in range(rng.randrange(4))
    ]
    length = rng.choice((None, sum(map(len, pieces))))
    return Content(pieces, length, rng.randrange(2) == 0, _fields(rng) if rng.randrange(3) == 0 else [])


def _write(
    connection: Http1Connection,
    first: str | int,
    second: str,
    fields: Fields,
    content: Content,
    *,
    persists: bool,
) -> bytes | None:
    """The bytes; None if something raised ValueError, as it should."""
    before = connection.writing, connection.reading, connection.is_reusable
    body = content.joined if content.is_at_once else None
    try:
        wire = connection.send_head(first, second, fields, content.length, body, persists)
    except ValueError:
        if (connection.writing, connection.reading, connection.is_reusable) != before:
            raise Finding(f"a head was refused and left its mark: {first!r} {second!r} {fields}") from None
        return None
    if content.is_at_once:
        return wire
    for piece in content.pieces:
        wire += b"".join(connection.send_data(piece))
    try:
        return wire + connection.send_end(content.trailers)
    except ValueError:
        if connection.writing is not Writing.BODY:
            raise Finding(f"trailers were refused, and the message ended: {content.trailers}") from None
        return None


def _wired(fields: Iterable[tuple[str, str]]) -> Pairs:
    return lowered(
        (name.encode("utf-8", "surrogateescape"), value.encode("utf-8", "surrogateescape"))
        for name, value in fields
    )


_MACHINES_OWN = {b"content-length", b"transfer-encoding", b"connection"}


def _expect(
    told: Message, start: tuple[bytes, bytes], fields: Fields, content: bytes, trailers: Fields
) -> None:
    own = [name for name, _ in told.fields if name in _MACHINES_OWN]
    if len(own) != len(set(own)) or {b"content-length", b"transfer-encoding"} <= set(own):
        raise Finding(f"two opinions of a length: {told}")
    others = tuple(pair for pair in told.fields if pair[0] not in _MACHINES_OWN)
    meant = (start, _wired(fields), content, _wired(trailers))
    if (told.start, others, told.content, told.trailers) != meant:
        raise Finding(f"written\n  {meant}\nand read\n  {told}")


def _trailers(content: Content, told: Message) -> Fields:
    return content.trailers if not content.is_at_once and told.get(b"transfer-encoding") else []


def check_written_request(rng: Random) -> None:
    """A request of ours, read by our server, llhttp and h11."""
    method, target = _text(rng, _METHODS), _text(rng, _TARGETS)
    host = target.partition("://")[2].partition("/")[0] or "a"
    fields, content = [("Host", host), *_fields(rng)], _content(rng)
    wire = _write(Http1Connection(CLIENT), method, target, fields, content, persists=rng.randrange(3) > 0)
    if wire is None:
        return
    ours = ours_of_requests(wire)
    if len(ours.messages) != 1 or ours.messages[0].end != len(wire):
        raise Finding(f"our own server does not read {wire!r}: {ours}")
    told = ours.messages[0]
    _expect(told, (method.encode(), target.encode()), fields, content.joined, _trailers(content, told))
    for peer, theirs in (("llhttp", llhttp_of_requests(wire)), ("h11", h11_of_requests(wire))):
        found = difference(peer, wire, GET, ours, theirs)
        names = {each.name for each in KNOWN_DIFFERENCES if found is not None and each.covers(found)}
        if found is not None and not names & _LLHTTP_REFUSES:
            raise Finding(f"written and refused: {found}")


def check_written_response(rng: Random) -> None:
    """A response of ours, perhaps after informational ones, read by our client, llhttp and h11."""
    asking = rng.choice(ASKINGS[:2])
    status = rng.choice((200, 204, 304, 404, 206, 599, 999, rng.randrange(200, 1000)))
    reason, fields, content = _text(rng, _REASONS), _fields(rng), _content(rng)
    server = Http1Connection(SERVER)
    server.feed(f"{asking.method} / HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    hints: list[tuple[int, Fields]] = [(103, _fields(rng)) for _ in range(rng.randrange(8) // 6)]
    wire = b""
    try:
        for hint, links in hints:
            wire += server.send_informational(hint, "Early Hints", links)
    except ValueError:
        return
    final = _write(server, status, reason, fields, content, persists=rng.randrange(3) > 0)
    if final is None:
        return
    wire += final
    _read_back(
        wire, asking, hints, (b"%d" % status, reason.encode("utf-8", "surrogateescape")), fields, content
    )


def _read_back(
    wire: bytes,
    asking: Asking,
    hints: list[tuple[int, Fields]],
    start: tuple[bytes, bytes],
    fields: Fields,
    content: Content,
) -> None:
    ours = ours_of_response(wire, asking)
    if len(ours.messages) != len(hints) + 1 or ours.messages[-1].end != len(wire):
        raise Finding(f"our own client does not read {wire!r}: {ours}")
    for told, (hint, links) in zip(ours.messages, hints, strict=False):
        _expect(told, (b"%d" % hint, b"Early Hints"), links, b"", [])
    told = ours.messages[-1]
    has_content = asking.method != "HEAD" and start[0] not in (b"204", b"304")
    trailers = _trailers(content, told) if has_content else []
    _expect(told, start, fields, content.joined if has_content else b"", trailers)
    for peer, theirs in (
        ("llhttp", llhttp_of_response(wire, asking)),
        ("h11", h11_of_response(wire, asking)),
    ):
        found = None if theirs is None else difference(peer, wire, asking, ours, theirs)
        if found is not None:
            raise Finding(f"written and refused: {found}")
