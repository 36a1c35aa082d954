"""The writing half of an HTTP/1.1 connection: messages in, bytes out.

What both halves must know of an exchange stands here: the states, the method of its
request, the version of the peer, whether the connection persists.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import Final, final

from ..events import HttpVersion11
from ..fields import FormattedFields
from ..roles import Role
from .body import CHUNKED, CHUNKED_CODING, UNTIL_CLOSE, format_chunk, format_last_chunk, framing
from .head import FORMAT_START, format_request_line, format_status_line


class Reading(Enum):
    """Where in a received message we are."""

    # Members are keys on the hot path: Enum's own hash is a call into Python.
    __hash__ = object.__hash__

    IDLE = "idle"
    HEAD = "head"
    BODY = "body"
    WHOLE = "whole"
    CLOSED = "closed"


class Writing(Enum):
    """Where in a sent message we are."""

    SILENT = "silent"
    DUE = "due"
    BODY = "body"
    DONE = "done"


_FORMATTED: Final = FormattedFields()


@final
class ReadyFields:
    """Fields that many messages have, with the lines that they are sent as. Raises what `send_head` does."""

    __slots__ = ("_fields", "lines")

    def __init__(self, fields: Iterable[tuple[str, str]]) -> None:
        self._fields = tuple(fields)
        self.lines = b"".join([_FORMATTED[field] for field in self._fields])

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)


# RFC 9110 section 8.6: these say "Content-Length: 0" where the others say nothing.
METHODS_WITH_CONTENT: Final = frozenset({"POST", "PUT", "PATCH"})


class WritingHalf:
    """What a connection sends, and the state that this shares with what it receives."""

    __slots__ = (
        "_discards",
        "_format_start",
        "_is_persistent",
        "_method",
        "_offered",
        "_peer_version",
        "_role",
        "_unsent",
        "reading",
        "request_version",
        "writing",
    )

    def __init__(self, role: Role) -> None:
        self._role = role
        self._format_start = FORMAT_START[role]
        #: Where in the received message we are.
        self.reading = Reading.HEAD if role.reads_first else Reading.IDLE
        #: Where in the sent message we are.
        self.writing = Writing.SILENT if role.reads_first else Writing.DUE
        self._is_persistent = True
        self._peer_version = HttpVersion11
        #: The version that requests are sent in.
        self.request_version = HttpVersion11
        #: The method of the exchange's request, whoever sent it.
        self._method = ""
        #: The protocol that the exchange's request offers to switch to.
        self._offered = ""
        #: What is left of the body that is being sent, as `framing` says it.
        self._unsent = 0
        #: Content that is given is dropped: the message may not carry any.
        self._discards = False

    def send_head(
        self,
        first: str | int,
        second: str,
        fields: Iterable[tuple[str, str]],
        length: int | None,
        body: bytes | None = None,
        is_persistent: bool = True,
        upgrade: str = "",
    ) -> bytes:
        """Serialise a head, and the whole message if ``body`` is given.

        ``first`` and ``second`` are the method and the target, or the status and the
        reason. ``fields`` come without Content-Length, Transfer-Encoding and
        persistence options: those follow from ``length`` (None is unknown) and
        ``is_persistent``. Raises ValueError for anything outside the grammar; then
        nothing was sent.
        """
        if self.writing is not Writing.DUE:
            raise RuntimeError(f"send_head: no message is due ({self.writing})")
        parts = [self._format_start(first, second)]
        if type(fields) is ReadyFields:
            parts.append(fields.lines)
        else:
            parts += [_FORMATTED[field] for field in fields]
        if body is not None:
            length = len(body)
        elif length is not None and length < 0:
            raise ValueError(f"length: expected 0 or more, got {length}")
        is_1_1 = self._peer_version is HttpVersion11
        persists = is_persistent and self._is_persistent
        if isinstance(first, int):
            method = self._method
            coding = CHUNKED_CODING if length is None and is_1_1 else None
            kind = framing(method, first, HttpVersion11, length, coding)
            has_framing = first >= 200 and first not in (204, 304)
            if (first < 200 or method == "CONNECT") and self._check_switch(first):
                has_framing = self._is_persistent = False
            self._discards = method == "HEAD" or not has_framing
        else:
            method = first
            coding = CHUNKED_CODING if length is None else None
            if self.request_version is not HttpVersion11:
                is_1_1 = False
                if coding is not None:
                    raise ValueError("a body of unknown length can't be sent in HTTP/1.0")
                parts[0] = format_request_line(first, second, self.request_version)
            kind = framing(method, 0, HttpVersion11, length, coding)
            has_framing = length != 0 or method in METHODS_WITH_CONTENT
            self._method = method
            self._offered = "connect" if method == "CONNECT" else upgrade
            self.reading = Reading.HEAD
        if has_framing:
            if coding is not None:
                parts.append(b"Transfer-Encoding: chunked\r\n")
            elif length is not None:
                parts.append(b"Content-Length: %d\r\n" % length)
        if not persists or kind == UNTIL_CLOSE:
            self._is_persistent = False
            parts.append(b"Connection: close\r\n\r\n")
        elif is_1_1:
            parts.append(b"\r\n")
        else:
            parts.append(b"Connection: keep-alive\r\n\r\n")
        if body is None:
            self._unsent = kind
            self.writing = Writing.BODY
        else:
            self.writing = Writing.DONE
            if kind:
                parts.append(body)
        return b"".join(parts)

    def send_informational(self, status: int, reason: str, fields: Iterable[tuple[str, str]] = ()) -> bytes:
        """Serialise a 1xx response (RFC 9110 section 15.2); b"" for HTTP/1.0, which knows of none."""
        if not 100 <= status < 200 or status == 101:
            raise ValueError(f"informational response: expected 100 or 102 to 199, got {status}")
        if self.writing is not Writing.DUE:
            raise RuntimeError(f"send_informational: no response is due ({self.writing})")
        if self._peer_version < HttpVersion11:
            return b""
        lines = [_FORMATTED[field] for field in fields]
        return b"".join((format_status_line(status, reason), *lines, b"\r\n"))

    def send_data(self, chunk: bytes) -> Sequence[bytes]:
        """Frame a piece of content; the buffers are to be written in order.

        ValueError if it exceeds the length that the head declared. Content that the
        message may not carry (an answer to HEAD) is dropped.
        """
        if self.writing is not Writing.BODY:
            raise RuntimeError(f"send_data: no content is due ({self.writing})")
        if self._discards or not chunk:
            return ()
        if self._unsent == CHUNKED:
            return format_chunk(chunk)
        if self._unsent >= 0:
            if len(chunk) > self._unsent:
                raise ValueError(
                    f"content: {len(chunk)} bytes, but {self._unsent} are left of its Content-Length"
                )
            self._unsent -= len(chunk)
        return (chunk,)

    def send_beside(self, size: int) -> bool:
        """Count ``size`` bytes of content that go another way; False if the message may not carry any.

        RuntimeError and ValueError as of `send_data`; ValueError for a body that is chunked.
        """
        if self.writing is not Writing.BODY:
            raise RuntimeError(f"send_beside: no content is due ({self.writing})")
        if self._discards:
            return False
        if self._unsent == CHUNKED:
            raise ValueError("send_beside: expected a body of a known length, it is chunked")
        if self._unsent >= 0:
            if size > self._unsent:
                raise ValueError(f"content: {size} bytes, but {self._unsent} are left of its Content-Length")
            self._unsent -= size
        return True

    def send_end(self, trailers: Iterable[tuple[str, str]] = ()) -> bytes:
        """End the message. ValueError if content that its head declared is missing: then abort it."""
        if self.writing is not Writing.BODY:
            raise RuntimeError(f"send_end: no message is open ({self.writing})")
        if self._discards:
            last = b""
        elif self._unsent == CHUNKED:
            last = format_last_chunk(trailers)
        elif self._unsent > 0:
            raise ValueError(f"content: ended {self._unsent} bytes short of its Content-Length")
        else:
            last = b""
        self.writing = Writing.DONE
        return last

    def _check_switch(self, status: int) -> bool:
        """Whether a response of ours ends HTTP on this connection; ValueError for a 1xx that is not final."""
        if self._offered == "connect" and 200 <= status < 300:
            return True
        if status < 200 and (status != 101 or not self._offered):
            raise ValueError(
                f"send_head: expected a final status, or 101 after an offer to switch, got {status}"
            )
        return status == 101
