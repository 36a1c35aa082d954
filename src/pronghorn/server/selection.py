"""What of a file answers a request: which representation, whole or in ranges, or none of it, and why.

All of it is one piece of work for a thread: find the file, open it, compare its validators with what the
client has, and read it if it is small. What comes back needs no disk, or is an open file.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from ..io.open_file import OpenFile, read_at, read_cached
from ..wire.accept import IDENTITY, choose_coding
from ..wire.conditional import (
    ETag,
    Outcome,
    Preconditions,
    evaluate,
    is_range_valid,
)
from ..wire.dates import format_date
from ..wire.ranges import format_content_range, format_unsatisfied_range, is_malformed, parse_ranges, resolve
from .content_types import content_type_of
from .nearness import nearness
from .opening import NotServedError, Place
from .request_fields import date_of, etags_of, value_of

#: Up to this many bytes are read at once and leave in one write with the head: the thread is there already,
#: and what sendfile saves is less than what it takes to begin it.
SMALL: Final = 64 * 1024

#: What a precompressed file appends to the name, best first.
SIBLINGS: Final = (("br", ".br"), ("zstd", ".zst"), ("gzip", ".gz"))

_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})

Span = tuple[int, int]

#: 1 January 1 and 31 December 9999, between which a date can be written. Who unpacks an archive of somebody
#: else's has files of any time.
_EARLIEST: Final = -62_135_596_800
_LATEST: Final = 253_402_300_799

_http_date: Final = lru_cache(maxsize=256)(format_date)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request says of the representation that it wants."""

    #: The method is GET: a range may be asked for.
    is_get: bool = True
    #: The Accept-Encoding field.
    accepted: str | None = None
    preconditions: Preconditions | None = None
    range: str | None = None
    if_range: str | None = None


@dataclass(slots=True)
class Selected:
    """The answer: a status, the fields that say what it is, and its content."""

    status: int
    fields: dict[str, str]
    #: The media type; empty where there is no content.
    content_type: str = ""
    #: Bytes of content.
    size: int = 0
    #: The content in order: bytes, and spans of the file.
    pieces: tuple[bytes | Span, ...] = ()
    file: OpenFile | None = None
    #: It is on a disk of this machine.
    is_near: bool = False
    #: The content, if it was read already.
    content: bytes | None = field(default=None, repr=False)

    def close(self) -> None:
        """Close the file; it can be done twice."""
        if self.file is not None:
            self.file.close()


def wanted_by(method: str, headers: Mapping[str, str], status: int = 200) -> Wanted:
    """What a request with ``method`` and ``headers`` wants of a file that is to be sent with ``status``."""
    accepted = value_of(headers, "Accept-Encoding")
    if status != 200 or method not in _SAFE_METHODS:
        # RFC 9110 sections 13.2.1 and 14.2: conditions and ranges are for what would be sent whole.
        return Wanted(is_get=method != "HEAD", accepted=accepted)
    preconditions = None
    if (
        "If-None-Match" in headers
        or "If-Modified-Since" in headers
        or "If-Match" in headers
        or "If-Unmodified-Since" in headers
    ):
        preconditions = Preconditions(
            etags_of(headers, "If-Match"),
            _seconds(headers, "If-Unmodified-Since"),
            etags_of(headers, "If-None-Match"),
            _seconds(headers, "If-Modified-Since"),
        )
    asked = value_of(headers, "Range")
    return Wanted(
        is_get=method == "GET",
        accepted=accepted,
        preconditions=preconditions,
        range=asked,
        if_range=None if asked is None else value_of(headers, "If-Range"),
    )


def _seconds(headers: Mapping[str, str], name: str) -> float | None:
    moment = date_of(headers, name)
    return None if moment is None else moment.timestamp()


def select(place: Place, wanted: Wanted, *, follows: bool = False, may_wait: bool = True) -> Selected:
    """The answer for the file at ``place``; NotServedError if none is there.

    A precompressed sibling is sent instead if the client takes its coding. It may be a symbolic link
    only if ``follows``. How old it is does not matter: deployments copy files in any order, and who
    makes siblings makes them anew with their file (nginx and aiohttp do not look either). Unless it
    ``may_wait``, BlockingIOError if content has to be read from a disk.
    """
    seen = place.look()
    if seen is None:
        raise NotServedError
    coding, file, found, varies = _open(place, seen, wanted.accepted, follows)
    try:
        file.is_in_memory, is_near = nearness(found.st_dev)
        selected = _answer(found, coding, content_type_of(place.name), wanted)
        if wanted.is_get and selected.size <= SMALL:
            selected.content = _read(file, selected, may_wait=may_wait)
    except BaseException:
        file.close()
        raise
    selected.is_near = is_near
    if varies:
        selected.fields["Vary"] = "Accept-Encoding"
    if selected.content is None and wanted.is_get:
        selected.file = file
    else:
        file.close()
    return selected


def _open(
    place: Place, seen: os.stat_result, accepted: str | None, follows: bool
) -> tuple[str, OpenFile, os.stat_result, bool]:
    """The best file for a client: its coding, itself, what it is, and whether there are others."""
    there: dict[str, tuple[Place, os.stat_result]] = {}
    for coding, suffix in SIBLINGS:
        sibling = place.beside(suffix, follows=follows)
        try:
            beside = sibling.look()
        except NotServedError:
            continue
        if beside is not None:
            there[coding] = sibling, beside
    coding = choose_coding(accepted, tuple(there)) if there else IDENTITY
    if coding != IDENTITY:
        try:
            file, found = _opened(*there[coding])
        except NotServedError:
            pass  # it has gone in between, or can't be read
        else:
            return coding, file, found, True
    return "", *_opened(place, seen), bool(there)


def _opened(place: Place, seen: os.stat_result) -> tuple[OpenFile, os.stat_result]:
    descriptor, found = place.open(seen)
    return OpenFile(descriptor), found


def _answer(found: os.stat_result, coding: str, content_type: str, wanted: Wanted) -> Selected:
    size, modified = found.st_size, min(max(_EARLIEST, found.st_mtime_ns / 1e9), _LATEST)
    etag = ETag(f"{found.st_mtime_ns:x}-{size:x}" + (f"-{coding}" if coding else ""))
    fields = {"ETag": f'"{etag.value}"', "Last-Modified": _http_date(int(modified)), "Accept-Ranges": "bytes"}
    if wanted.preconditions is not None:
        method = "GET" if wanted.is_get else "HEAD"
        outcome = evaluate(method, wanted.preconditions, etag, modified)
        if outcome is not Outcome.PROCEED:
            return Selected(outcome.value, fields)
    if coding:
        fields["Content-Encoding"] = coding
    asked = wanted.range
    spans: tuple[Span, ...] | None = None
    if asked is not None and wanted.is_get and is_range_valid(wanted.if_range, etag, modified):
        ranges = parse_ranges(asked)
        if ranges is not None:
            spans = resolve(ranges, size)
        elif is_malformed(asked):
            spans = ()  # RFC 9110 section 14.2 allows both; aiohttp and nginx reject it
    if spans is None:
        return Selected(200, fields, content_type, size, ((0, size),))
    if not spans:
        return Selected(416, {"Content-Range": format_unsatisfied_range(size), "Accept-Ranges": "bytes"})
    return _partial(fields, spans, size, content_type)


def _partial(fields: dict[str, str], spans: tuple[Span, ...], size: int, content_type: str) -> Selected:
    if len(spans) == 1:
        ((start, stop),) = spans
        fields["Content-Range"] = format_content_range(start, stop, size)
        return Selected(206, fields, content_type, stop - start, spans)
    # RFC 9110 section 14.6. A boundary that nobody can guess stands in no file.
    boundary = secrets.token_hex(16)
    pieces: list[bytes | Span] = []
    for start, stop in spans:
        head = (
            f"\r\n--{boundary}\r\nContent-Type: {content_type}\r\n"
            f"Content-Range: {format_content_range(start, stop, size)}\r\n\r\n"
        )
        pieces += [head.encode(), (start, stop)]
    pieces.append(f"\r\n--{boundary}--\r\n".encode())
    length = sum(len(piece) if isinstance(piece, bytes) else piece[1] - piece[0] for piece in pieces)
    return Selected(206, fields, f"multipart/byteranges; boundary={boundary}", length, tuple(pieces))


def _read(file: OpenFile, selected: Selected, *, may_wait: bool) -> bytes:
    read = read_at if may_wait or file.is_in_memory else read_cached
    content = b"".join(
        piece if isinstance(piece, bytes) else read(file.descriptor, piece[0], piece[1] - piece[0])
        for piece in selected.pieces
    )
    if len(content) != selected.size:
        raise OSError("the file became shorter while it was read")
    return content
