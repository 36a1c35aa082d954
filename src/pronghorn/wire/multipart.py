"""Multipart bodies (RFC 2046 section 5.1): a machine that finds the parts, and what a writer needs.

    START -> PREAMBLE -> HEAD -> CONTENT -> HEAD -> CONTENT ... -> LAST -> CLOSING -> EPILOGUE

A part is ended by its delimiter alone: CRLF, "--", the boundary, and the end of that
line. A Content-Length in a part is not looked at: it could only say the same or lie,
and RFC 7578 section 4.8 has it ignored. Where the RFC or its readers leave two readings,
neither is taken: lines end in CRLF, fields are not folded, and behind the boundary stand
"--", or at most some white space and CRLF.

Content is found by one `find` over each read, and goes out as slices of it. What may be
the beginning of a delimiter is kept, never more than a delimiter's length.
"""

import re
import secrets
from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, TypeAlias, final

from multidict import CIMultiDict, istr

from .disposition import split_parameters
from .errors import ProtocolError
from .fields import FieldLines, format_field_line, is_token, parse_field_line
from .http1.cursor import Cursor

# RFC 2046 section 5.1.1: 1 to 70 of these, the last of them no space.
_BOUNDARY: Final = re.compile(rb"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
# Old Android code sends "*****", mailers "@". What can be read in one way only does no harm.
_READ_BOUNDARY: Final = re.compile(rb"[ !\x23-\x5b\x5d-\x7e]{0,69}[!\x23-\x5b\x5d-\x7e]")
# The same section: transports may add it, and readers skip it. HTTP has no such transports.
_PADDING: Final = re.compile(rb"[ \t]{0,64}")
_MULTIPART: Final = re.compile(r"multipart/[!#$%&'*+.^_`|~0-9A-Z-]+", re.IGNORECASE | re.ASCII)
_CRLF: Final = b"\r\n"
_LINE_ENDS: Final = (_CRLF, b"--")
_HEAD_END: Final = b"\r\n\r\n"

#: What a part says of itself it says once: by a second one, readers are set at odds.
_SINGLETONS: Final = tuple(
    istr(f"Content-{what}") for what in ("Disposition", "Type", "Transfer-Encoding", "Encoding", "Length")
)
_FIELDS: Final = FieldLines()


@dataclass(frozen=True, slots=True)
class MultipartLimits:
    """Bounds on the parts of one body, those inside its parts included; sizes are in bytes.

    Content has none here: who keeps it counts it.
    """

    # Go, Werkzeug, Starlette and Django (fields of a form) stop at 1,000, as PHP does at its variables.
    parts: int = 1000
    # aiohttp's max_headers; browsers send 2 or 3. ASP.NET Core takes 16, the multipart package 8.
    fields: int = 128
    # A field line, as in `Limits`, and the field section of one part: ASP.NET Core has 16 KiB.
    line: int = 8190
    head: int = 16 * 1024
    # All field sections together: Go stops at 10,000 fields.
    heads: int = 1024 * 1024
    # What stands before the first part, and again what stands behind the last: a sentence, if at all.
    surplus: int = 16 * 1024
    # Bodies inside parts: each reads every byte again. Forms of old had one (RFC 7578 section 4.3).
    nesting: int = 8


DEFAULT_LIMITS: Final = MultipartLimits()


# What is reported


@final
class PartHead:
    """The fields of a part, and its content if all of it came in the same read; else that follows."""

    __slots__ = ("body", "headers")

    def __init__(self, headers: CIMultiDict[str]) -> None:
        self.headers = headers
        #: The whole content, nothing decoded; None if `PartData` and `PartEnd` follow.
        self.body: bytes | None = None


@final
class PartData:
    """A piece of the content of a part."""

    __slots__ = ("chunk",)

    def __init__(self, chunk: bytes) -> None:
        self.chunk = chunk


@final
class PartEnd:
    """The content of the part is whole."""

    __slots__ = ()


@final
class MultipartEnd:
    """There are no more parts."""

    __slots__ = ()


PartEvent: TypeAlias = PartHead | PartData | PartEnd | MultipartEnd

_PART_END: Final = PartEnd()
_MULTIPART_END: Final = MultipartEnd()


# Reading


class Reading(Enum):
    """Where in a body we are."""

    START = "start"
    PREAMBLE = "preamble"
    HEAD = "head"
    CONTENT = "content"
    LAST = "last"
    CLOSING = "closing"
    EPILOGUE = "epilogue"
    CLOSED = "closed"


_BEHIND_PARTS: Final = (Reading.LAST, Reading.CLOSING, Reading.EPILOGUE)


@final
class _Left:
    """What a body and those inside it have left of their common limits."""

    __slots__ = ("heads", "parts")

    def __init__(self, limits: MultipartLimits) -> None:
        self.parts = limits.parts
        self.heads = limits.heads


@final
class MultipartParser:
    """Bytes of a multipart body in, events out. Nothing here waits or does I/O.

    It never runs ahead: what is not asked for is not parsed. So no more than one read is held,
    whoever feeds waits for whoever reads, and errors come in their place. A part that holds parts
    is read by a second machine, made by `nested`, while this one stands still.
    """

    __slots__ = (
        "_cursor",
        "_delimiter",
        "_is_lenient",
        "_is_read",
        "_lead",
        "_left",
        "_limits",
        "_surplus",
        "reading",
    )

    def __init__(
        self, boundary: bytes, limits: MultipartLimits = DEFAULT_LIMITS, *, is_lenient: bool = False
    ) -> None:
        """Raises ValueError for what can't be a boundary.

        ``is_lenient`` is for responses: an empty part whose delimiter follows its head at once, with
        no CRLF of its own, is read as the RFC means it. Some readers take that delimiter for
        content, and the next part with it, so in requests it is refused.
        """
        if not _READ_BOUNDARY.fullmatch(boundary):
            raise ValueError(f"boundary: expected 1 to 70 visible characters, got {boundary!r}")
        self._delimiter = b"\r\n--" + boundary
        self._limits = limits
        self._left = _Left(limits)
        self._is_lenient = is_lenient
        self._cursor = Cursor()
        #: Someone is at the events of what was fed.
        self._is_read = False
        #: How many bytes at the cursor belong to a head, and perhaps to the delimiter behind it as well.
        self._lead = 0
        #: Bytes of the preamble, later of the epilogue.
        self._surplus = 0
        self.reading = Reading.START

    def nested(self, boundary: bytes) -> "MultipartParser":
        """The machine for the parts inside a part: it is fed with its content, and shares the limits.

        ProtocolError if that is too deep.
        """
        nesting = self._limits.nesting - 1
        if nesting < 0:
            raise ProtocolError("multipart: nested too deep", 413)
        limits = replace(self._limits, nesting=nesting)
        inner = MultipartParser(boundary, limits, is_lenient=self._is_lenient)
        inner._left = self._left
        return inner

    def feed(self, data: bytes) -> Generator[PartEvent, None, None]:
        """Take one read in, and tell one by one what it completes.

        More may be fed when all of that was told, or when the generator was closed, which loses
        nothing; RuntimeError before. Raises ProtocolError for what is malformed or beyond the
        limits, in its place. Then nothing more is read.
        """
        self._check_unread()
        if self.reading is not Reading.CLOSED:
            cursor = self._cursor
            cursor.push(data)
            if type(cursor.data) is bytearray and len(cursor.data) <= 2 * len(data):
                # Bytes are cut up in two thirds of the time; copying them is linear still.
                cursor.data = bytes(cursor.data)
        return self._read()

    def feed_eof(self) -> None:
        """Take in that this was all; ProtocolError if the close-delimiter did not come, or after one."""
        self._check_unread()
        if self.reading not in _BEHIND_PARTS:
            self.reading = Reading.CLOSED
            raise ProtocolError("multipart: ended before its close-delimiter")

    @property
    def held(self) -> int:
        """Bytes received and not parsed."""
        return len(self._cursor)

    # What is told was passed over before, so that the generator may be closed at any yield.

    def _read(self) -> Generator[PartEvent, None, None]:
        self._check_unread()
        self._is_read = True
        cursor, delimiter = self._cursor, self._delimiter
        data, size = cursor.data, len(delimiter)
        room = self._limits.head + 6  # with the CRLF of the delimiter's line, and CR LF CR LF
        try:
            while True:
                start, searched = cursor.position, cursor.searched
                if self.reading is Reading.HEAD:
                    # From the CRLF of the delimiter's line on: no fields at all end in CR LF CR LF, too.
                    end = data.find(_HEAD_END, searched if searched > start else start, start + room)
                    if end < 0:
                        self._await_head(len(data) - start - room)
                        return
                    head = PartHead(self._parse_fields(start + 2, end))
                    at = data.find(delimiter, end + 2)
                    after = at + size
                    if at > end + 2 and (line := data[after : after + 2]) in _LINE_ENDS:
                        # All of it came in this read, as nearly all parts of nearly all forms do.
                        body = data[end + 4 : at]
                        head.body = body if type(body) is bytes else bytes(body)
                        cursor.position = after
                        if line == b"--":
                            self.reading = Reading.LAST
                    else:
                        cursor.position = end + 2
                        cursor.searched = at if at >= 0 else len(data) - size
                        self._lead = 2
                        self.reading = Reading.CONTENT
                    yield head
                elif self.reading is Reading.CONTENT:
                    at = data.find(delimiter, searched if searched > start else start)
                    if at == start and self._lead and not self._is_lenient:
                        raise ProtocolError("part: expected CRLF before its delimiter, as it has no content")
                    end = at if at >= 0 else self._end_of_read()
                    if end > start:
                        start += self._lead
                        self._lead = 0
                        cursor.position = end
                        if end > start:
                            chunk = data[start:end]
                            yield PartData(chunk if type(chunk) is bytes else bytes(chunk))
                    if at < 0 or not self._pass_line(at + size):
                        return
                    self._lead = 0
                    yield _PART_END
                elif self.reading is Reading.LAST:
                    cursor.position += 2
                    self.reading = Reading.CLOSING
                    yield _MULTIPART_END
                elif not self._skip():
                    return
        except ProtocolError:
            self.reading = Reading.CLOSED
            raise
        finally:
            self._is_read = False

    def _check_unread(self) -> None:
        if self._is_read:
            raise RuntimeError("multipart: what was fed before is still being read, expected it to be closed")

    def _skip(self) -> bool:
        """Pass over what is outside of all parts; whether a delimiter ended it."""
        if self.reading is Reading.START or self.reading is Reading.PREAMBLE:
            return self._skip_preamble()
        if self.reading is not Reading.CLOSED:
            self._skip_epilogue()
        return False

    def _await_head(self, excess: int) -> None:
        if excess >= 0:
            raise ProtocolError(f"part: more than {self._limits.head} bytes of fields", 413)
        self._cursor.searched = len(self._cursor.data) - 3

    def _end_of_read(self) -> int:
        """Where what came ends, if it holds no delimiter, or where it ends in what may become one."""
        cursor, delimiter = self._cursor, self._delimiter
        data = cursor.data
        end = len(data)
        cursor.searched = earliest = end - len(delimiter) + 1
        # No boundary holds a CR, so that only the last one can begin a delimiter.
        at = data.rfind(b"\r", cursor.position if earliest < cursor.position else earliest)
        return at if at >= 0 and delimiter.startswith(bytes(data[at:])) else end

    def _skip_preamble(self) -> bool:
        cursor, delimiter = self._cursor, self._delimiter
        data, start = cursor.data, cursor.position
        if self.reading is Reading.START:
            # The first delimiter has no CRLF before it if the body begins with it.
            came = bytes(data[: len(delimiter) - 2])
            if delimiter.startswith(came, 2):
                return len(came) == len(delimiter) - 2 and self._pass_line(len(came))
            self.reading = Reading.PREAMBLE
        at = data.find(delimiter, max(start, cursor.searched))
        self._skip_to(at if at >= 0 else self._end_of_read(), "preamble")
        return at >= 0 and self._pass_line(at + len(delimiter))

    def _skip_epilogue(self) -> None:
        cursor = self._cursor
        if self.reading is Reading.CLOSING:
            # What else stood on the line of the close-delimiter, others could take for content.
            end = self._padded_end(cursor.position)
            if end < 0:
                return
            cursor.position = end + 2
            self._surplus = 0
            self.reading = Reading.EPILOGUE
        self._skip_to(len(cursor.data), "epilogue")

    def _skip_to(self, end: int, what: str) -> None:
        cursor = self._cursor
        self._surplus += end - cursor.position
        if self._surplus > self._limits.surplus:
            raise ProtocolError(f"{what}: more than {self._limits.surplus} bytes", 413)
        cursor.position = end

    def _pass_line(self, at: int) -> bool:
        """Pass over the delimiter that ends ``at`` and its padding, if the rest of its line has come.

        RFC 2046 section 5.1.1 has any line count that only begins with the boundary. Other
        readers compare the whole line, so anything else there is refused.
        """
        two = bytes(self._cursor.data[at : at + 2])
        if two == b"--":
            self.reading = Reading.LAST
        elif two == b"-" or (at := self._padded_end(at)) < 0:
            return False
        else:
            self.reading = Reading.HEAD
        self._cursor.position = at
        return True

    def _padded_end(self, at: int) -> int:
        """Where the CRLF behind padding is; -1 if it did not come yet."""
        data = self._cursor.data
        found = _PADDING.match(data, at)
        end = found.end() if found else at
        rest = bytes(data[end : end + 2])
        if rest == _CRLF:
            return end
        if _CRLF.startswith(rest):
            return -1
        raise ProtocolError("delimiter: expected '--' or CRLF behind the boundary")

    def _parse_fields(self, start: int, end: int) -> CIMultiDict[str]:
        """The fields between ``start`` and ``end``, counted before they are looked at."""
        limits, left = self._limits, self._left
        left.parts -= 1
        if left.parts < 0:
            raise ProtocolError(f"multipart: more than {limits.parts} parts", 413)
        size = end - start
        if size < 0:
            return CIMultiDict()
        left.heads -= size
        if left.heads < 0:
            raise ProtocolError(f"multipart: more than {limits.heads} bytes of fields in all", 413)
        block = self._cursor.data[start:end]
        lines = (block if type(block) is bytes else bytes(block)).split(_CRLF, limits.fields)
        if size > limits.line and max(map(len, lines)) > limits.line:
            raise ProtocolError(f"part: a field line longer than {limits.line} bytes", 413)
        if len(lines) == 1:
            # The disposition of a form's field: hardly two are alike, so that the table would only cost.
            return CIMultiDict((parse_field_line(lines[0]),))
        if len(lines) > limits.fields:
            raise ProtocolError(f"part: more than {limits.fields} fields", 413)
        headers = CIMultiDict([_FIELDS[line] for line in lines])
        if twice := _repeated(headers):
            raise ProtocolError(f"part: expected {twice} once")
        return headers


def _repeated(headers: CIMultiDict[str]) -> str:
    for name in _SINGLETONS:
        if name in headers and len(headers.getall(name)) > 1:
            return name
    return ""


# Boundaries


def check_boundary(boundary: bytes) -> bytes:
    """``boundary``, if we may send it (RFC 2046 section 5.1.1); ValueError if not."""
    if not _BOUNDARY.fullmatch(boundary):
        raise ValueError(f"boundary: expected 1 to 70 of the characters allowed there, got {boundary!r}")
    return boundary


def make_boundary() -> bytes:
    """A new boundary, which no content holds unless it knows it."""
    return secrets.token_hex(16).encode()


def boundary_of(content_type: str) -> bytes:
    """The boundary that a Content-Type of multipart/* names.

    ProtocolError for another type, for one without a boundary, and for one with two, of which some
    readers take the first and some the last.
    """
    split = split_parameters(content_type)
    if split is None or not _MULTIPART.fullmatch(split[0]):
        raise ProtocolError("Content-Type: expected multipart/*, then parameters")
    values = [value.rstrip(" \t") for name, value in split[1] if name.lower() == "boundary"]
    if len(values) != 1:
        raise ProtocolError(f"Content-Type: expected one boundary, got {len(values)}")
    value = values[0]
    if value.startswith('"'):
        value = value[1:-1]
    elif "," in value or " " in value:
        # Senders leave the quotes out where the grammar wants them. Here some readers stop.
        raise ProtocolError("Content-Type: expected such a boundary in double quotes")
    boundary = value.encode("utf-8", "surrogateescape")
    if not _READ_BOUNDARY.fullmatch(boundary):
        raise ProtocolError("Content-Type: expected a boundary of 1 to 70 visible characters")
    return boundary


def boundary_parameter(boundary: bytes) -> str:
    """``boundary=...`` for a Content-Type, in quotes if it needs them; ValueError for what is none."""
    text = check_boundary(boundary).decode("ascii")
    return f"boundary={text}" if is_token(boundary) else f'boundary="{text}"'


# Writing: for each part its head, its content and a PART_CLOSE; behind them a close-delimiter.

#: RFC 2046 section 5.1.1 has it belong to the delimiter that follows, not to the content.
PART_CLOSE: Final = _CRLF


def part_head(boundary: bytes, fields: Iterable[tuple[str, str]]) -> bytes:
    """The line of the delimiter before a part, its fields and the empty line.

    Raises ValueError before a byte leaves for a name that is no token, for a control character in a
    value, for a field that comes twice and may not, and for what is no boundary.
    """
    headers = CIMultiDict(fields)
    if twice := _repeated(headers):
        raise ValueError(f"part: expected {twice} once")
    lines = b"".join([format_field_line(name, value) for name, value in headers.items()])
    return b"--%b\r\n%b\r\n" % (check_boundary(boundary), lines)


def close_delimiter(boundary: bytes) -> bytes:
    """What stands behind the last part, or alone if there is none."""
    return b"--%b--\r\n" % check_boundary(boundary)
