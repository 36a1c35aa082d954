"""What a machine reports of the bytes it was fed.

A head carries the body when the whole message came in one read: a GET is one
event, and so is a small POST. Otherwise the body follows as `Data` and `End`.
"""

from collections.abc import Sequence
from typing import ClassVar, Final, NamedTuple, final

from multidict import CIMultiDict


class HttpVersion(NamedTuple):
    """The version in a start line (RFC 9112 section 2.3)."""

    major: int
    minor: int


HttpVersion10: Final = HttpVersion(1, 0)
HttpVersion11: Final = HttpVersion(1, 1)

Fields = Sequence[tuple[str, str]]


class Event:
    """One thing that happened on a connection."""

    __slots__ = ()

    #: Which exchange of the connection the event belongs to. HTTP/1 has one at a time.
    exchange: ClassVar[int] = 0


class Head(Event):
    """What request and response heads share."""

    __slots__ = ("body", "expects_continue", "headers", "is_persistent", "section", "upgrade", "version")

    version: HttpVersion
    headers: CIMultiDict[str]
    #: The field section as it stood on the wire, without the end of its last line: a list of its lines would
    #: take half as much again, for as long as the request does.
    section: bytes
    #: The sender allows another message after this one (RFC 9112 section 9.3).
    is_persistent: bool
    #: The whole content, if it came with the head; None if it follows.
    body: bytes | None
    #: The protocol offered or switched to; "connect" for a tunnel; "" for none.
    upgrade: str
    #: The sender waits for 100 (Continue) before it sends the content.
    expects_continue: bool

    @property
    def raw_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Names and values as they came, undecoded and in order."""
        pairs = (line.partition(b":") for line in self.section.split(b"\r\n") if line)
        return tuple((name, value.strip(b" \t")) for name, _, value in pairs)


@final
class RequestHead(Head):
    """A request line and its fields."""

    __slots__ = ("method", "target")

    def __init__(
        self, method: str, target: str, version: HttpVersion, headers: CIMultiDict[str], section: bytes
    ) -> None:
        self.method = method
        self.target = target
        self.version = version
        self.headers = headers
        self.section = section
        self.is_persistent = version is HttpVersion11
        self.body = None
        self.upgrade = ""
        self.expects_continue = False


class ResponseHead(Head):
    """A status line and its fields."""

    __slots__ = ("reason", "status")

    def __init__(
        self, status: int, reason: str, version: HttpVersion, headers: CIMultiDict[str], section: bytes
    ) -> None:
        self.status = status
        self.reason = reason
        self.version = version
        self.headers = headers
        self.section = section
        self.is_persistent = version is HttpVersion11
        self.body = None
        self.upgrade = ""
        self.expects_continue = False


@final
class InformationalHead(ResponseHead):
    """A 1xx response: the final one is still to come (RFC 9110 section 15.2)."""

    __slots__ = ()


@final
class Data(Event):
    """A piece of content, framing removed, content coding untouched.

    ``ends`` are the places in it where a chunk of the chunked transfer coding ended.
    """

    __slots__ = ("chunk", "ends")

    def __init__(self, chunk: bytes, ends: Sequence[int] = ()) -> None:
        self.chunk = chunk
        self.ends = ends


@final
class End(Event):
    """The content is whole."""

    __slots__ = ("trailers",)

    def __init__(self, trailers: CIMultiDict[str] | None = None) -> None:
        self.trailers = trailers
