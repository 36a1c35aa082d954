"""An HTTP/1.1 connection as a state machine, for both roles (RFC 9112).

Reading and writing are two small machines that meet in an exchange:

    reading   IDLE -> HEAD -> BODY -> WHOLE -> (resume) -> HEAD or IDLE
    writing   SILENT -> DUE -> BODY -> DONE  -> (resume) -> SILENT

A server starts in HEAD and SILENT: the request that it reads makes a response DUE.
A client starts in IDLE and DUE: the request that it writes makes it read a HEAD.
A WHOLE message stops the reading: what follows is kept, unparsed, until `resume`,
because who reads on before answering can be made to answer out of order. An error,
a tunnel or another protocol makes the reading CLOSED, which nothing leaves.
"""

from collections.abc import Callable, Sequence
from typing import Final, final

from ..errors import ConnectionEnded, ProtocolError
from ..events import Data, End, Event, Head, InformationalHead, RequestHead, ResponseHead
from ..fields import TCHAR
from ..limits import DEFAULT_LIMITS, Limits
from ..roles import Role
from .body import UNTIL_CLOSE, BodyReader, body_reader, framing
from .cursor import Cursor
from .head import PARSE_HEAD, find_lenient_end
from .section import CONTENT_LENGTH, TRANSFER_ENCODING
from .writing import Reading, Writing, WritingHalf

__all__ = ["Http1Connection", "Reading", "Writing"]

_CR: Final = 13
_HTTP: Final = b"HTTP/1."
_NO_EVENTS: Final = ()


@final
class Http1Connection(WritingHalf):
    """Bytes in, events out; a message in, bytes out. Nothing here waits or does I/O."""

    __slots__ = (
        "_body",
        "_cursor",
        "_has_ended",
        "_informational",
        "_line_start",
        "_parse_head",
        "_skipped_empty_line",
        "limits",
        "reads_until_close",
    )

    def __init__(self, role: Role, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(role)
        #: Of the messages that come next.
        self.limits = limits
        self._parse_head = PARSE_HEAD[role]
        #: A response that does not say where it ends has a body, up to the end of the connection.
        self.reads_until_close = True
        self._cursor = Cursor()
        self._body: BodyReader | None = None
        #: The peer has closed, and whole messages of it are still to be read.
        self._has_ended = False
        #: 1xx responses since the request.
        self._informational = 0
        #: Where the line begins that isn't whole yet, from the beginning of its head.
        self._line_start = 0
        self._skipped_empty_line = False

    # Receiving

    def feed(self, data: bytes) -> Sequence[Event]:
        """Take one read in; return what it completed.

        Raises ProtocolError when the peer breaks the protocol. The connection then
        reads nothing more; a server may still send one response.
        """
        if not data:
            return _NO_EVENTS
        self._cursor.push(data)
        try:
            events = _READ[self.reading](self)
        except ProtocolError:
            self._break()
            raise
        self._cursor.forget()
        return events

    def feed_eof(self) -> Sequence[Event]:
        """Take in that the peer sends no more; ConnectionEnded if a message was not whole."""
        reading = self.reading
        if reading is Reading.WHOLE and self._role.reads_first and self.held:
            # Requests that are whole are answered, though their sender sends no more.
            self._has_ended = True
            return _NO_EVENTS
        self.reading = Reading.CLOSED
        self._is_persistent = False
        if reading is Reading.BODY and self._body is not None:
            self._body.read_eof()
            return (End(),)
        if reading is Reading.HEAD and (self.held or not self._role.reads_first):
            if self._role.reads_first:
                self.writing = Writing.DUE
            raise ConnectionEnded("the connection closed before the head was whole")
        return _NO_EVENTS

    def resume(self) -> Sequence[Event]:
        """Go on to the next exchange, once both messages of this one are whole.

        Returns the events of what was kept meanwhile. RuntimeError if the exchange is not over.
        """
        if self.reading is Reading.CLOSED:
            return _NO_EVENTS
        if self.reading is not Reading.WHOLE or self.writing is not Writing.DONE:
            raise RuntimeError(f"resume: the exchange is not over ({self.reading}, {self.writing})")
        if not self.is_reusable:
            self.reading = Reading.CLOSED
            return _NO_EVENTS
        if not self._role.reads_first:
            self.reading = Reading.IDLE
            self.writing = Writing.DUE
            self._informational = 0
            return _NO_EVENTS
        self.reading = Reading.HEAD
        self.writing = Writing.SILENT
        self._method = ""
        self._skipped_empty_line = False
        if not self.held:
            return self.feed_eof() if self._has_ended else _NO_EVENTS
        try:
            events = self._read_head()
        except ProtocolError:
            self._break()
            raise
        self._cursor.forget()
        if self._has_ended and self.reading is not Reading.WHOLE:
            return (*events, *self.feed_eof())
        return events

    def pending(self) -> list[bytes]:
        """Bytes that the machine itself owes its peer: none in HTTP/1."""
        return []

    def accept_upgrade(self) -> bytes:
        """Leave HTTP for the protocol of the upgrade; return the bytes that already belong to it.

        RuntimeError unless an upgrade was offered and the message that carried the offer,
        or the answer to it, is whole.
        """
        if not self._offered or self.reading is not Reading.WHOLE:
            raise RuntimeError("accept_upgrade: no upgrade was offered, or its message is not whole")
        self.reading = Reading.CLOSED
        self._is_persistent = False
        tail = self._cursor.take(len(self._cursor))
        self._cursor.forget()
        return tail

    def decline_upgrade(self) -> Sequence[Event]:
        """Stay with HTTP: the message keeps its framing, what follows is the next (RFC 9110 section 7.8)."""
        self._offered = ""
        if not self._role.reads_first:
            # The peer has switched already: there is no HTTP left to stay with.
            self.reading = Reading.CLOSED
            self._is_persistent = False
        return _NO_EVENTS

    # Facts

    @property
    def is_reusable(self) -> bool:
        """Another exchange may follow on this connection."""
        return (
            self._is_persistent
            and self.reading is not Reading.CLOSED
            and (self._role.reads_first or not self.held)
        )

    @property
    def is_in_body(self) -> bool:
        """The head of the message that is being read was whole, its body is not."""
        return self._body is not None

    @property
    def is_switching(self) -> bool:
        """What follows the message that was read is of another protocol, if that is accepted."""
        return self.reading is Reading.WHOLE and self._offered != ""

    @property
    def is_over(self) -> bool:
        """Both messages of the exchange are whole."""
        return self.writing is Writing.DONE and (
            self.reading is Reading.WHOLE or self.reading is Reading.CLOSED
        )

    @property
    def has_begun(self) -> bool:
        """A byte of the message that is being read has come."""
        return self.reading is not Reading.HEAD or bool(self.held or self._informational)

    @property
    def held(self) -> int:
        """Bytes received and not parsed."""
        cursor = self._cursor
        return len(cursor.data) - cursor.position

    # How each state reads

    def _break(self) -> None:
        """The peer broke the protocol: nothing more is read; a server may still say so."""
        if self.reading is Reading.HEAD and self._role.reads_first:
            self.writing = Writing.DUE
        self.reading = Reading.CLOSED
        self._is_persistent = False

    def _read_head(self) -> Sequence[Event]:
        cursor = self._cursor
        data, start = cursor.data, cursor.position
        if data[start] == _CR and self._role.reads_first:
            if not self._skip_empty_line():
                return _NO_EVENTS
            start = cursor.position
        end = data.find(b"\r\n\r\n", cursor.searched if cursor.searched > start else start)
        if end < 0:
            return self._await_head()
        return self._take_head(start, end, end + 4)

    def _read_body(self) -> Sequence[Event]:
        reader = self._body
        if reader is None:
            raise RuntimeError("a body without its reader")
        return self._body_events(reader, reader.read(self._cursor))

    def _hold(self) -> Sequence[Event]:
        return _NO_EVENTS

    def _refuse(self) -> Sequence[Event]:
        raise ProtocolError("bytes that answer no request")

    def _ignore(self) -> Sequence[Event]:
        # RFC 9112 section 9.6: what follows the last message is not processed.
        self._cursor.take(len(self._cursor))
        return _NO_EVENTS

    # Parts of reading a head

    def _skip_empty_line(self) -> bool:
        """RFC 9112 section 2.2: one CRLF before a request line is passed over, once."""
        cursor = self._cursor
        if len(cursor) < 2 and not self._skipped_empty_line:
            return False
        if self._skipped_empty_line or not cursor.data.startswith(b"\r\n", cursor.position):
            raise ProtocolError("request line: expected a method, got an empty line")
        self._skipped_empty_line = True
        cursor.position += 2
        return len(cursor) > 0

    def _await_head(self) -> Sequence[Event]:
        """The head isn't whole: refuse now what can't become one, so that no one waits for it."""
        cursor = self._cursor
        data, start = cursor.data, cursor.position
        if self._role.is_lenient:
            found = find_lenient_end(data, start, cursor.searched)
            if found is not None:
                return self._take_head(start, *found)
        self._check_part(start, len(data))
        cursor.searched = max(start, len(data) - 3)
        return _NO_EVENTS

    def _check_part(self, start: int, stop: int) -> None:
        """Raise for the first byte before ``stop`` that no head from ``start`` on can have there.

        The first: so a fault is the same one however the bytes were cut. What was checked before
        is not looked at again.
        """
        cursor, limits, is_lenient = self._cursor, self.limits, self._role.is_lenient
        data = cursor.data
        if is_lenient:
            if not data.startswith(_HTTP[: stop - start], start):
                raise ProtocolError("status line: expected HTTP/1.1")
        elif data[start] not in TCHAR:
            raise ProtocolError("request line: expected a method")
        if cursor.searched <= start:
            self._line_start = 0
        line = start + self._line_start
        too_large = start + limits.head + 3  # all but the last byte of CR LF CR LF
        end = data.find(b"\n", max(line, cursor.searched), stop)
        while True:
            last = stop if end < 0 else end
            longest, status = limits.field_line, 431
            if line == start:
                longest, status = limits.start_line, 414
            if line + longest + 1 < min(last, too_large):  # with its CR
                raise ProtocolError(f"line: longer than {longest} bytes", status)
            if too_large < last:
                raise ProtocolError(f"head: larger than {limits.head} bytes", 431)
            if end < 0:
                break
            if not is_lenient and (end == start or data[end - 1] != _CR):
                raise ProtocolError("line: expected to end in CRLF, got a bare LF")
            line = end + 1
            end = data.find(b"\n", line, stop)
        self._line_start = line - start

    def _take_head(self, start: int, end: int, after: int) -> Sequence[Event]:
        """Consume the head between ``start`` and ``end``, and what came of its body, from ``after`` on."""
        cursor, limits = self._cursor, self.limits
        try:
            if end - start > limits.head:
                raise ProtocolError(f"head: larger than {limits.head} bytes", 431)
            block = cursor.data[start:end]
            head = self._parse_head(block if type(block) is bytes else bytes(block), limits)
        except ProtocolError:
            # A lenient head may have ended earlier than where CRLF CRLF was found.
            found = find_lenient_end(cursor.data, start, start) if self._role.is_lenient else None
            if found is None or found[0] >= end:
                if self._role.reads_first and cursor.data.startswith(b"HEAD ", start):
                    self._method = "HEAD"  # the refusal has no content either
                self._check_part(start, after - 1)
                raise
            return self._take_head(start, *found)
        cursor.position = after
        if type(head) is InformationalHead:
            return self._read_informational(head)
        return self._begin_body(head)

    def _read_informational(self, head: InformationalHead) -> Sequence[Event]:
        self._informational += 1
        if self._informational > self.limits.informational:
            raise ProtocolError(f"more than {self.limits.informational} informational responses")
        if not self.held:
            return (head,)
        return (head, *self._read_head())

    def _begin_body(self, head: RequestHead | ResponseHead) -> Sequence[Event]:
        self._peer_version = head.version
        if not head.is_persistent:
            self._is_persistent = False
        if type(head) is RequestHead:
            self._method = head.method
            self._offered = head.upgrade
            self.writing = Writing.DUE
            status = 0
        else:
            status = self._settle_offer(head)
        length = head.headers.get(CONTENT_LENGTH)
        kind = framing(
            self._method,
            status,
            head.version,
            None if length is None else int(length),
            head.headers.get(TRANSFER_ENCODING),
        )
        if not kind or (kind == UNTIL_CLOSE and not self.reads_until_close):
            if kind:
                self._is_persistent = False
            head.body = b""
            self.reading = Reading.WHOLE
            return (head,)
        if kind > 0 and (body := self._cursor.take_whole(kind)) is not None:
            head.body = body  # as nearly all small ones: no reader for that
            self.reading = Reading.WHOLE
            return (head,)
        if kind == UNTIL_CLOSE:
            self._is_persistent = False
        reader = self._body = body_reader(kind, self.limits, self._role.is_lenient)
        self.reading = Reading.BODY
        if not self.held:
            return (head,)
        chunk = reader.read(self._cursor)
        # Where its chunks ended is told by the events alone.
        if reader.is_whole and reader.trailers is None and len(reader.ends) < 2:
            head.body = chunk
            self._body = None
            self.reading = Reading.WHOLE
            return (head,)
        return (head, *self._body_events(reader, chunk))

    def _body_events(self, reader: BodyReader, chunk: bytes) -> Sequence[Event]:
        if not reader.is_whole:
            return (Data(chunk, reader.ends),) if chunk else _NO_EVENTS
        self.reading = Reading.WHOLE
        self._body = None
        end = End(reader.trailers)
        return (Data(chunk, reader.ends), end) if chunk else (end,)

    def _settle_offer(self, head: Head) -> int:
        """What a response switches to is what was offered (RFC 9110 sections 15.2.2, 9.3.6); its status."""
        if not isinstance(head, ResponseHead):
            raise TypeError(f"expected the head of a response, got {head!r}")
        status = head.status
        if status == 101:
            if not self._offered or self._offered == "connect":
                raise ProtocolError("101 (Switching Protocols) without an offer to switch")
            if head.upgrade != self._offered.lower():
                raise ProtocolError("101 (Switching Protocols) to another protocol than was offered")
        elif self._offered != "connect" or not 200 <= status < 300:
            self._offered = ""
        head.upgrade = self._offered
        if self._offered:
            self._is_persistent = False
        return status


_READ: Final[dict[Reading, Callable[[Http1Connection], Sequence[Event]]]] = {
    Reading.IDLE: Http1Connection._refuse,
    Reading.HEAD: Http1Connection._read_head,
    Reading.BODY: Http1Connection._read_body,
    Reading.WHOLE: Http1Connection._hold,
    Reading.CLOSED: Http1Connection._ignore,
}
