"""Message bodies (RFC 9112 sections 6 and 7): one framing decision, three readings.

`framing` is the only place that decides how long a body is. It is asked when a
message is read, when a client sends and when a server sends.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Final, final

from multidict import CIMultiDict

from ..errors import ConnectionEnded, ProtocolError
from ..events import HttpVersion, HttpVersion11
from ..fields import format_field_line, parse_field_line
from ..limits import Limits
from .cursor import Cursor

#: What `framing` returns beside a length in bytes.
CHUNKED: Final = -1
UNTIL_CLOSE: Final = -2

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
# RFC 9112 section 7.1.1, on a line whose length is bounded.
_CHUNK_EXTENSIONS: Final = re.compile(
    rb"(?:[ \t]*;[ \t]*" + _TOKEN + rb"(?:[ \t]*=[ \t]*(?:" + _TOKEN + rb"|"
    rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"))?)*'
)
_HEX_DIGITS: Final = b"0123456789abcdefABCDEF"
_SIZE_DIGITS: Final = 16

# RFC 9110 section 6.5.1: what frames, routes, authenticates or decodes can't come after the fact.
_NEVER_IN_TRAILERS: Final = frozenset(
    """authorization cache-control connection content-encoding content-length content-range content-type
    cookie expect host keep-alive max-forwards proxy-authorization range set-cookie te trailer
    transfer-encoding upgrade www-authenticate proxy-authenticate""".split()
)


#: The one transfer coding that there is (RFC 9112 section 7).
CHUNKED_CODING: Final = "chunked"
_WITHOUT_CONTENT: Final = (204, 304)


def framing(method: str, status: int, version: HttpVersion, length: int | None, coding: str | None) -> int:
    """How the body of a message is delimited: its length, CHUNKED or UNTIL_CLOSE (RFC 9112 section 6.3).

    ``method`` is that of the request, ``status`` 0 if the message is the request.
    ``length`` and ``coding`` are what Content-Length and Transfer-Encoding say, None if
    absent. Raises ProtocolError for a coding other than exactly ``chunked``, for which
    the length would be unknown, and for both fields together.
    """
    if status:
        if status < 200 or status in _WITHOUT_CONTENT or method == "HEAD":
            return 0
        if method == "CONNECT" and status < 300:
            return 0
    if coding is not None:
        # Compared as ASCII: elsewhere lower() folds other letters into these (the Kelvin sign into k).
        if not coding.isascii() or coding.lower() != CHUNKED_CODING:
            raise ProtocolError("Transfer-Encoding: the only transfer coding known is chunked", 501)
        if length is not None:
            raise ProtocolError("both Content-Length and Transfer-Encoding: the length is ambiguous")
        if version < HttpVersion11:
            raise ProtocolError("Transfer-Encoding: not in HTTP/1.0")
        return CHUNKED
    if length is not None:
        return length
    return UNTIL_CLOSE if status else 0


# Reading


class BodyReader(ABC):
    """Content out of received bytes. ``is_whole`` once the last of it was read.

    ``ends`` are the places in what was read last where a chunk ended.
    """

    __slots__ = ("ends", "is_whole", "trailers")

    def __init__(self) -> None:
        self.is_whole = False
        self.ends: Sequence[int] = ()
        self.trailers: CIMultiDict[str] | None = None

    @abstractmethod
    def read(self, cursor: Cursor) -> bytes:
        """All content that ``cursor`` holds, consumed; b"" if it holds none."""

    def read_eof(self) -> None:
        """The peer closed. Raises ConnectionEnded if content is missing."""
        raise ConnectionEnded("the connection closed before the content was whole")


@final
class LengthReader(BodyReader):
    """A body of a known length."""

    __slots__ = ("_missing",)

    def __init__(self, length: int) -> None:
        super().__init__()
        self._missing = length

    def read(self, cursor: Cursor) -> bytes:
        piece = cursor.take(self._missing)
        self._missing -= len(piece)
        self.is_whole = not self._missing
        return piece


@final
class UntilCloseReader(BodyReader):
    """A response body that the end of the connection ends."""

    __slots__ = ()

    def read(self, cursor: Cursor) -> bytes:
        return cursor.take(len(cursor))

    def read_eof(self) -> None:
        self.is_whole = True


@final
class ChunkedReader(BodyReader):
    """The chunked transfer coding (RFC 9112 section 7.1).

    The chunks of one read come out as one piece: a peer that sends a million
    chunks of a byte costs as many loops, not as many events.
    """

    __slots__ = ("_expects_data_end", "_in_trailers", "_is_lenient", "_limits", "_missing", "_trailer_size")

    def __init__(self, limits: Limits, is_lenient: bool) -> None:
        super().__init__()
        self._limits = limits
        self._is_lenient = is_lenient
        self._missing = 0
        self._expects_data_end = False
        self._in_trailers = False
        self._trailer_size = 0

    def read(self, cursor: Cursor) -> bytes:
        pieces: list[bytes] = []
        size = 0
        self.ends = ends = []
        while not self._in_trailers:
            if self._missing:
                piece = cursor.take(self._missing)
                if not piece:
                    break
                pieces.append(piece)
                size += len(piece)
                self._missing -= len(piece)
                if not self._missing:
                    self._expects_data_end = True
                    ends.append(size)
            elif self._expects_data_end:
                # A peer that does not end a chunk where it said is lying about its length (CVE-2025-43859).
                if len(cursor) < 2:
                    if len(cursor) and not cursor.data.startswith(b"\r", cursor.position):
                        raise ProtocolError("chunk: expected CRLF after its data")
                    break
                if cursor.take(2) != b"\r\n":
                    raise ProtocolError("chunk: expected CRLF after its data")
                self._expects_data_end = False
            else:
                try:
                    line = cursor.take_line(self._limits.chunk_line)
                except ProtocolError:
                    self._check_digit(cursor)
                    raise
                if line is None:
                    self._check_digit(cursor)
                    break
                self._missing = self._parse_size(line)
                self._in_trailers = not self._missing
        if self._in_trailers:
            self._read_trailers(cursor)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _check_digit(self, cursor: Cursor) -> None:
        """What can't become a size is refused at its first byte, however much of its line has come."""
        if len(cursor) and cursor.data[cursor.position] not in _HEX_DIGITS:
            raise ProtocolError("chunk size: expected hexadecimal digits")

    def _parse_size(self, line: bytes) -> int:
        size, semicolon, _ = line.partition(b";")
        if semicolon:
            size = size.rstrip(b" \t")
            if _CHUNK_EXTENSIONS.fullmatch(line, len(size)) is None:
                raise ProtocolError("chunk: malformed extension")
        elif self._is_lenient:
            size = size.rstrip(b" ")
        if not 0 < len(size) <= _SIZE_DIGITS or size.translate(None, _HEX_DIGITS):
            raise ProtocolError(f"chunk size: expected 1 to {_SIZE_DIGITS} hexadecimal digits")
        return int(size, 16)

    def _read_trailers(self, cursor: Cursor) -> None:
        limits = self._limits
        while (line := cursor.take_line(limits.field_line)) is not None:
            if not line:
                self.is_whole = True
                return
            self._trailer_size += len(line)
            if self._trailer_size > limits.trailers:
                raise ProtocolError(f"trailers: more than {limits.trailers} bytes", 431)
            if self.trailers is None:
                self.trailers = CIMultiDict()
            elif len(self.trailers) >= limits.fields:
                raise ProtocolError(f"trailers: more than {limits.fields} fields", 431)
            name, value = parse_field_line(line)
            if name.lower() in _NEVER_IN_TRAILERS:
                raise ProtocolError(f"trailers: {name} is not allowed there")
            self.trailers.add(name, value)


def body_reader(kind: int, limits: Limits, is_lenient: bool) -> BodyReader:
    """The reader for what `framing` decided."""
    if kind == CHUNKED:
        return ChunkedReader(limits, is_lenient)
    return UntilCloseReader() if kind == UNTIL_CLOSE else LengthReader(kind)


# Sending


def format_chunk(data: bytes) -> tuple[bytes, bytes, bytes]:
    """One chunk, as buffers that are to be written in this order."""
    return b"%x\r\n" % len(data), data, b"\r\n"


def format_last_chunk(trailers: Iterable[tuple[str, str]]) -> bytes:
    """The end of a chunked body; ValueError for a trailer that may not be one."""
    lines = []
    for name, value in trailers:
        if name.lower() in _NEVER_IN_TRAILERS:
            raise ValueError(f"trailers: {name} is not allowed there")
        lines.append(format_field_line(name, value))
    return b"0\r\n" + b"".join(lines) + b"\r\n"
