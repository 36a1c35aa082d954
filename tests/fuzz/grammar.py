"""Near-valid HTTP/1.1: a sound message is drafted, then damaged a few times.

Every choice is asked of a `Random`, so one grammar serves Hypothesis, whose random objects shrink, and the
long run, whose seeds can be told. Damage is done to a draft, where it can be aimed (at a chunk size, at
a line end), or to bytes, where it can't.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from .literals import (
    CHUNK_SIZES,
    CODINGS,
    CONNECTIONS,
    DATA_ENDS,
    EXTENSIONS,
    FIELDS,
    GAPS,
    HOSTS,
    LENGTHS,
    LINE_ENDS,
    METHODS,
    PIECES,
    REASONS,
    REQUEST_LINES,
    STATUS_LINES,
    STATUSES,
    TARGETS,
    TRAILERS,
    VERSIONS,
)

CRLF = b"\r\n"
#: What can stand where, by the name of the place: the first few are sound, any may be put there by damage.
PLACES: dict[str, Sequence[bytes]] = {
    "method": METHODS,
    "target": TARGETS,
    "version": VERSIONS,
    "gap": GAPS,
    "status": STATUSES,
    "reason": REASONS,
    "request line": REQUEST_LINES,
    "status line": STATUS_LINES,
    "field": FIELDS,
    "end": LINE_ENDS,
    "size": CHUNK_SIZES,
    "extension": EXTENSIONS,
    "data": (b"hello", b"", b"\r\n", b"0\r\n\r\n", b"hell", b"hello!"),
    "data end": DATA_ENDS,
    "trailer": TRAILERS,
}

SOUND_FIELDS = (
    b"Accept: */*",
    b"X-Two: 1",
    b"x-two:\t2 ",
    b"Cookie: a=b",
    b"X: \xc3\xa9",
    b"Empty:",
    b"Date: then",
)


@dataclass
class Draft:
    """A message as pieces, each with the name of the place where it stands."""

    pieces: list[tuple[str, bytes]] = field(default_factory=list)

    def add(self, place: str, *values: bytes) -> None:
        self.pieces += [(place, value) for value in values]

    def add_line(self, place: str, line: bytes) -> None:
        self.add(place, line)
        self.add("end", CRLF)

    def __bytes__(self) -> bytes:
        return b"".join(value for _, value in self.pieces)

    def places(self, *names: str) -> list[int]:
        return [at for at, (place, _) in enumerate(self.pieces) if place in names]


# Sound drafts


def draft_request(rng: Random) -> Draft:
    draft = Draft()
    version = b"HTTP/1.0" if rng.randrange(8) == 0 else b"HTTP/1.1"
    form = rng.randrange(10)
    if form == 0:
        method, target, host = b"OPTIONS", b"*", b"a"
    elif form == 1:
        method, target, host = rng.choice(METHODS[:2]), b"http://a/b?c", b"a"
    elif form == 2:
        method, target, host = b"CONNECT", b"a:443", b"a:443"
    else:
        method, target, host = (
            rng.choice(METHODS[:4]),
            rng.choice(TARGETS[:3]),
            rng.choice((b"a", b"a:80", b"[::1]")),
        )
    for place, value in zip(
        ("method", "gap", "target", "gap", "version"), (method, b" ", target, b" ", version), strict=True
    ):
        draft.add(place, value)
    draft.add("end", CRLF)
    fields = [b"Host: " + host, *_sound_fields(rng)]
    body = _body(rng, fields, 0 if form == 2 else rng.randrange(3), is_chunkable=version == b"HTTP/1.1")
    _finish(rng, draft, fields, body)
    return draft


def draft_response(rng: Random) -> Draft:
    draft = Draft()
    if rng.randrange(6) == 0:
        draft.add_line("status line", rng.choice((b"HTTP/1.1 100 Continue", b"HTTP/1.1 103 Early Hints")))
        if rng.randrange(2):
            draft.add_line("field", rng.choice(SOUND_FIELDS))
        draft.add("end", CRLF)
    version = b"HTTP/1.0" if rng.randrange(8) == 0 else b"HTTP/1.1"
    parts = (version, b" ", rng.choice(STATUSES[:5]), b" ", rng.choice(REASONS[:4]))
    for place, value in zip(("version", "gap", "status", "gap", "reason"), parts, strict=True):
        draft.add(place, value)
    draft.add("end", CRLF)
    fields = _sound_fields(rng)
    body = _body(rng, fields, rng.randrange(4), is_chunkable=version == b"HTTP/1.1")
    _finish(rng, draft, fields, body)
    return draft


def _sound_fields(rng: Random) -> list[bytes]:
    fields = [rng.choice(SOUND_FIELDS) for _ in range(rng.randrange(3))]
    if rng.randrange(4) == 0:
        fields.append(b"Connection: " + rng.choice(CONNECTIONS[:4]))
        if fields[-1].endswith(b"upgrade"):
            fields.append(b"Upgrade: websocket")
    return fields


def _body(rng: Random, fields: list[bytes], kind: int, *, is_chunkable: bool) -> list[tuple[str, bytes]]:
    """The pieces of a body, none, of a length, chunked or until the close; ``fields`` say which."""
    if kind == 1 or (kind == 2 and not is_chunkable):
        fields.append(b"Content-Length: 5")
        return [("data", b"hello")]
    if kind == 2:
        fields.append(b"Transfer-Encoding: chunked")
        body = Draft()
        for _ in range(rng.randrange(3)):
            body.add("size", b"5")
            body.add("extension", rng.choice((b"", b"", b"", b";a", b';a="b"')))
            body.add_line("end", b"")
            body.add("data", b"hello")
            body.add("data end", CRLF)
        body.add("size", b"0")
        body.add("end", CRLF)
        for _ in range(rng.choice((0, 0, 1, 2))):
            body.add_line("trailer", rng.choice(TRAILERS[:2]))
        body.add("end", CRLF)
        return body.pieces
    return [("data", b"hello")] if kind == 3 else []


def _finish(rng: Random, draft: Draft, fields: list[bytes], body: list[tuple[str, bytes]]) -> None:
    for at in range(len(fields) - 1, 0, -1):
        other = rng.randrange(at + 1)
        fields[at], fields[other] = fields[other], fields[at]
    for line in fields:
        draft.add_line("field", line)
    draft.add("end", CRLF)
    draft.pieces += body


# Damage to a draft


def _replace(rng: Random, draft: Draft) -> None:
    """Something else that can stand in a place."""
    at = rng.randrange(len(draft.pieces))
    place = draft.pieces[at][0]
    draft.pieces[at] = place, rng.choice(PLACES[place])


def _reframe(rng: Random, draft: Draft) -> None:
    """Another opinion of a length, a coding, a host, a connection."""
    name, values = rng.choice(
        (
            (b"Content-Length: ", LENGTHS),
            (b"Transfer-Encoding: ", CODINGS),
            (b"Host: ", HOSTS),
            (b"Connection: ", CONNECTIONS),
        )
    )
    places = [at for at in draft.places("field") if draft.pieces[at][1].startswith(name)]
    line = name + rng.choice(values)
    if places and rng.randrange(3):
        draft.pieces[rng.choice(places)] = "field", line
    else:
        _insert_line(rng, draft, line)


def _insert_line(rng: Random, draft: Draft, line: bytes) -> None:
    ends = draft.places("end")
    if ends:
        at = rng.choice(ends[: max(1, len(ends) - 1)]) + 1
        draft.pieces[at:at] = [("field", line), ("end", CRLF)]


def _add_field(rng: Random, draft: Draft) -> None:
    _insert_line(rng, draft, rng.choice(FIELDS))


def _replace_line(rng: Random, draft: Draft) -> None:
    """A whole line, or an end, or a piece of a chunk: where damage tells most."""
    names = ("field", "end", "size", "extension", "data end", "trailer", "status line")
    places = draft.places(*names)
    if places:
        at = rng.choice(places)
        place = draft.pieces[at][0]
        draft.pieces[at] = place, rng.choice(PLACES[place])


def _replace_start(rng: Random, draft: Draft) -> None:
    ends = draft.places("end")
    if ends:
        lines = STATUS_LINES if draft.places("status", "status line") else REQUEST_LINES
        draft.pieces[: ends[0]] = [("status line", rng.choice(lines))]


def _repeat(rng: Random, draft: Draft) -> None:
    at = rng.randrange(len(draft.pieces))
    size = 1 + rng.randrange(3)
    draft.pieces[at:at] = draft.pieces[at : at + size]


def _drop(rng: Random, draft: Draft) -> None:
    at = rng.randrange(len(draft.pieces))
    del draft.pieces[at : at + 1 + rng.randrange(2)]


def _swap(rng: Random, draft: Draft) -> None:
    one, other = rng.randrange(len(draft.pieces)), rng.randrange(len(draft.pieces))
    draft.pieces[one], draft.pieces[other] = draft.pieces[other], draft.pieces[one]


DRAFT_DAMAGES: tuple[Callable[[Random, Draft], None], ...] = (
    *(_replace, _reframe, _add_field, _replace_line, _reframe, _add_field, _replace_line),
    *(_replace_start, _repeat, _drop, _swap),
)


# Damage to bytes

_ODD = b'\0\t\n\x0b\x0c\r "#%,/0159:;<=?@AFHTXafghx[\\]_\x7f\x80\x85\xa0\xff'


def _set(rng: Random, wire: bytes) -> bytes:
    at = rng.randrange(len(wire))
    return wire[:at] + _odd(rng) + wire[at + 1 :]


def _flip(rng: Random, wire: bytes) -> bytes:
    at = rng.randrange(len(wire))
    return wire[:at] + bytes([wire[at] ^ 1 << rng.randrange(8)]) + wire[at + 1 :]


def _odd(rng: Random) -> bytes:
    return bytes([rng.choice(_ODD)])


def _insert(rng: Random, wire: bytes) -> bytes:
    at = rng.randrange(len(wire) + 1)
    return wire[:at] + _odd(rng) + wire[at:]


def _delete(rng: Random, wire: bytes) -> bytes:
    at = rng.randrange(len(wire))
    return wire[:at] + wire[at + 1 + rng.randrange(3) :]


def _duplicate(rng: Random, wire: bytes) -> bytes:
    at = rng.randrange(len(wire))
    end = at + 1 + rng.randrange(40)
    return wire[:end] + wire[at:]


def _truncate(rng: Random, wire: bytes) -> bytes:
    return wire[: 1 + rng.randrange(len(wire))]


def _splice(rng: Random, wire: bytes) -> bytes:
    at = rng.randrange(len(wire) + 1)
    return wire[:at] + rng.choice(PIECES) + wire[at:]


def _change_ends(rng: Random, wire: bytes) -> bytes:
    """Every line end after a place, or the one there."""
    at = rng.randrange(len(wire))
    return wire[:at] + wire[at:].replace(CRLF, rng.choice(LINE_ENDS), rng.choice((1, -1)))


BYTE_DAMAGES = (_set, _flip, _insert, _delete, _duplicate, _truncate, _splice, _change_ends)


def damage_bytes(rng: Random, wire: bytes, times: int) -> bytes:
    for _ in range(times):
        if wire:
            wire = rng.choice(BYTE_DAMAGES)(rng, wire)
    return wire


def _near(rng: Random, make: Callable[[Random], Draft]) -> bytes:
    draft = make(rng)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
        if draft.pieces:
            rng.choice(DRAFT_DAMAGES)(rng, draft)
    return damage_bytes(rng, bytes(draft), rng.choice((0, 0, 0, 1, 1, 2)))


def near_requests(rng: Random) -> bytes:
    """One to three requests in one stream, with more or less damage."""
    return b"".join(_near(rng, draft_request) for _ in range(rng.choice((1, 1, 2, 3))))


def near_response(rng: Random) -> bytes:
    """A response, perhaps with informational ones before it and bytes after it."""
    surplus = _near(rng, draft_response) if rng.randrange(5) == 0 else b""
    return _near(rng, draft_response) + surplus
