"""Server-sent events (WHATWG HTML section 9.2): a machine that reads text/event-stream, and what writes it.

    stream  = [BOM] *event
    event   = *(comment / field) end-of-line
    comment = ":" *any-char end-of-line
    field   = 1*name-char [":" [" "] *any-char] end-of-line

Lines end in LF, CR or CRLF. A CR ends its line at once: an event whose last line end is one does not
wait for the next. All these are ASCII, and UTF-8 has no ASCII inside a character, so that lines are
found and cut as bytes, and what is decoded is whole values.

Comments are not reported. They are there to keep connections alive, and who times a connection counts
their bytes like any others.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, final

from .errors import ProtocolError

_BOM: Final = b"\xef\xbb\xbf"
_LF: Final = 0x0A
_CR: Final = 0x0D
_COLON: Final = 0x3A
_LINE_ENDS: Final = (_LF, _CR)
#: Of a reconnection time in milliseconds; 15 are 30,000 years, and int() is quadratic.
_RETRY_DIGITS: Final = 15
_DEFAULT_EVENT: Final = "message"


@dataclass(frozen=True, slots=True)
class EventStreamLimits:
    """Bounds on what a stream can make its reader hold, in bytes."""

    # Servers send whole files as base64 in one line. At 64 KiB (Go's Scanner), 256 KiB (Spring) and 1 MiB
    # (Go's MCP, httpx2) users have met the limit with honest streams; at 16 MiB nobody is known to have.
    line: int = 16 * 1024 * 1024
    # All data of an event, the LFs between its lines too. As long as a line: most events have one.
    data: int = 16 * 1024 * 1024


DEFAULT_LIMITS: Final = EventStreamLimits()


class ServerSentEvent(NamedTuple):
    """An event as it was sent."""

    #: Its lines, with LF between them.
    data: str
    #: Its type.
    event: str = _DEFAULT_EVENT
    #: The id that was sent last, with this event or with one before; "" is none.
    id: str = ""
    #: The reconnection time that came with it, in milliseconds.
    retry: int | None = None


# Reading


@final
class EventStreamParser:
    """Bytes of one stream in, events out. Nothing here waits or does I/O.

    It never runs ahead: what is not asked for is not parsed, so `last_event_id` is that of what was
    told. It begins with ``last_event_id`` and ``retry``, those of the stream that this one goes on from.
    An event that is not complete when the stream ends is none, so there is nothing to say of the end.
    """

    __slots__ = (
        "_data",
        "_event",
        "_event_retry",
        "_excess",
        "_id",
        "_is_after_cr",
        "_is_started",
        "_limits",
        "_line",
        "_lines",
        "last_event_id",
        "retry",
    )

    def __init__(
        self,
        limits: EventStreamLimits = DEFAULT_LIMITS,
        *,
        last_event_id: str = "",
        retry: int | None = None,
    ) -> None:
        self._limits = limits
        #: Whole lines that were not parsed yet, without their ends.
        self._lines: deque[bytes] = deque()
        #: The line that has not ended yet.
        self._line = bytearray()
        self._is_after_cr = False
        self._is_started = False
        #: What was beyond the limits; then nothing more is read.
        self._excess = ""
        # The buffers of the event that is being read.
        self._data = bytearray()
        self._event = b""
        self._event_retry: int | None = None
        self._id = last_event_id
        #: What a request for what follows names in Last-Event-ID; "" is none.
        self.last_event_id = last_event_id
        #: How long to wait before that request, in milliseconds; None if nobody has said.
        self.retry = retry

    def feed(self, data: bytes) -> Iterator[ServerSentEvent]:
        """Take one read in, and tell one by one the events that it completes.

        Who closes the iterator loses nothing: the next one goes on from there. ProtocolError for what is
        beyond the limits, in its place; then nothing more is read.
        """
        if self._is_after_cr and data:
            self._is_after_cr = False
            if data[0] == _LF:
                data = data[1:]
        if data and not self._excess:
            lines = data.splitlines()  # of bytes it takes LF, CR and CRLF, and nothing else, for line ends
            end = data[-1]
            self._is_after_cr = end == _CR
            rest = b"" if end in _LINE_ENDS else lines.pop()
            if lines and self._line:
                self._line += lines[0]
                lines[0] = bytes(self._line)
                self._line = bytearray()
            self._lines.extend(lines)
            self._line += rest
        return self._read()

    def _read(self) -> Iterator[ServerSentEvent]:
        if self._excess:
            raise self._failure(self._excess)
        lines, limit = self._lines, self._limits.line
        while lines:
            line = lines.popleft()
            if len(line) > limit:
                raise self._failure(f"a line of more than {limit} bytes")
            if not self._is_started:
                self._is_started = True
                line = line.removeprefix(_BOM)
            if not line:
                event = self._dispatch()
                if event is not None:
                    yield event
            elif line[0] != _COLON:
                name, _, value = line.partition(b":")
                self._take_field(name, value[1:] if value.startswith(b" ") else value)
        if len(self._line) > limit:
            raise self._failure(f"a line of more than {limit} bytes")

    def _take_field(self, name: bytes, value: bytes) -> None:
        if name == b"data":
            self._data += value
            if len(self._data) > self._limits.data:
                raise self._failure(f"an event with more than {self._limits.data} bytes of data")
            self._data += b"\n"
        elif name == b"event":
            self._event = value
        elif name == b"id":
            if b"\0" not in value:
                self._id = _decode(value)
        elif name == b"retry" and value.isdigit():  # of bytes: ASCII digits, at least one
            digits = value.lstrip(b"0")
            if len(digits) <= _RETRY_DIGITS:
                self.retry = self._event_retry = int(digits or b"0")

    def _dispatch(self) -> ServerSentEvent | None:
        """What an empty line ends; None if that had no data."""
        self.last_event_id = self._id
        data, self._data = self._data, bytearray()
        name, self._event = self._event, b""
        retry, self._event_retry = self._event_retry, None
        if not data:
            return None
        del data[-1:]
        return ServerSentEvent(_decode(data), _decode(name) or _DEFAULT_EVENT, self._id, retry)

    def _failure(self, what: str) -> ProtocolError:
        self._lines.clear()
        self._line = bytearray()
        self._data = bytearray()
        self._excess = what
        # A new one each time: one that is raised again and again grows by its traceback.
        return ProtocolError(f"event stream: {what}")


def _decode(data: bytes | bytearray) -> str:
    # As the standard's decoder: one U+FFFD for each maximal part of a character that is none.
    return data.decode("utf-8", "replace")


# Writing


def format_event(
    data: str | None = None,
    event: str = _DEFAULT_EVENT,
    id: str | None = None,
    retry: int | None = None,
) -> bytes:
    """Serialise one event, with the empty line that ends it; a `ServerSentEvent` gives the arguments.

    ``data`` may have several lines, ended by LF, CR or CRLF, and is read back with LF. Without it there
    is no event: ``id`` and ``retry`` (milliseconds) count all the same. ``id=""`` takes back the ids sent
    before, None leaves them. ValueError for CR, LF or NUL in ``event`` or ``id``, for a negative
    ``retry`` and for what is no Unicode; TypeError for other types.
    """
    parts = []
    if event != _DEFAULT_EVENT:
        parts.append(_format_line("event", event))
    if id is not None:
        parts.append(_format_line("id", id))
    if retry is not None:
        if not isinstance(retry, int) or isinstance(retry, bool):
            raise TypeError(f"retry: expected an int or None, got {retry!r}")
        if retry < 0:
            raise ValueError(f"retry: expected 0 or more, got {retry}")
        parts.append(b"retry: %d\n" % retry)
    if data is not None:
        parts.append(_format_lines(b"data: ", "data", data))
    parts.append(b"\n")
    return b"".join(parts)


def format_comment(text: str = "") -> bytes:
    """Serialise a comment: what a server sends to a silent stream, so that nobody takes it for dead.

    It may stand between any two events, and ends no event. ``text`` may have several lines.
    """
    return _format_lines(b": ", "text", text) if text else b":\n"


def check_line(name: str, value: str) -> None:
    """Raise ValueError, naming ``name``, for what can't be an ``event`` or an ``id``; TypeError if no str."""
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected a str, got {value!r}")
    if "\n" in value or "\r" in value or "\0" in value:
        raise ValueError(f"{name}: CR, LF and NUL are not allowed, got {value!r}")


def _format_line(name: str, value: str) -> bytes:
    check_line(name, value)
    return f"{name}: {value}\n".encode()


def _format_lines(lead: bytes, name: str, text: str) -> bytes:
    if not isinstance(text, str):
        raise TypeError(f"{name}: expected a str, got {text!r}")
    # Not by `splitlines`: of a str it takes more for line ends than LF, CR and CRLF.
    content = text.encode().replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return lead + content.replace(b"\n", b"\n" + lead) + b"\n"
