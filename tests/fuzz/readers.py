"""The same bytes read by three readers and told in the same terms.

Ours is held against llhttp (through httptools, with no leniency) and h11. A reader here drives its machine
as a server would that answers every request at once and switches to no other protocol, or as a client would
that waits for the answer to one request. It tells each whole message, and how the reading ended.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum

import h11
import httptools

from pronghorn.wire.errors import ProtocolError
from pronghorn.wire.events import Data, Event, Head, InformationalHead, RequestHead, ResponseHead
from pronghorn.wire.events import End as EndOfContent
from pronghorn.wire.http1.connection import Http1Connection, Reading
from pronghorn.wire.limits import DEFAULT_LIMITS, Limits
from pronghorn.wire.roles import CLIENT, SERVER

Pairs = tuple[tuple[bytes, bytes], ...]


class End(Enum):
    """Why no more messages were told."""

    REFUSED = "refused"  # the bytes broke the protocol
    OPEN = "open"  # a message is not whole, or none has begun
    CLOSED = "closed"  # the last message was the last of the connection
    HANDED = "handed"  # what follows is another protocol's, or the reader can't say


@dataclass
class Message:
    """What a reader told of a message; None where it can't tell."""

    start: tuple[bytes, bytes]
    version: bytes
    fields: Pairs
    content: bytes | None = b""
    trailers: Pairs | None = ()
    #: How many bytes were read when it was whole.
    end: int | None = None

    @property
    def all_fields(self) -> Pairs:
        return self.fields + (self.trailers or ())

    def get(self, name: bytes) -> list[bytes]:
        return [value for other, value in self.fields if other == name]


@dataclass
class Told:
    """Whole messages, how the reading ended, and what the reader said if it refused."""

    messages: list[Message] = field(default_factory=list)
    end: End = End.OPEN
    why: str = ""
    #: A message of which the head is whole, if the reader says so.
    begun: Message | None = None

    def refused(self, error: Exception) -> "Told":
        self.end, self.why = End.REFUSED, str(error)
        return self


@dataclass(frozen=True)
class Asking:
    """The request that a response answers."""

    method: str = "GET"
    upgrade: str = ""

    @property
    def target(self) -> str:
        return "a:443" if self.method == "CONNECT" else "/"

    def connection(self, limits: Limits = DEFAULT_LIMITS) -> Http1Connection:
        """One of ours that has sent it."""
        connection = Http1Connection(CLIENT, limits)
        connection.send_head(
            self.method, self.target, [("Host", "a:443")], None, body=b"", upgrade=self.upgrade
        )
        return connection


GET = Asking()
ASKINGS = (GET, Asking("HEAD"), Asking(upgrade="websocket"), Asking("CONNECT"))


def lowered(pairs: Iterable[tuple[bytes, bytes]]) -> Pairs:
    """Names in lower case; values without the white space around them, which is no part of them."""
    return tuple((name.lower(), value.strip(b" \t")) for name, value in pairs)


# Ours


def _begun(head: Event) -> Message:
    if isinstance(head, RequestHead):
        start = head.method.encode(), head.target.encode()
    elif isinstance(head, ResponseHead):
        start = b"%d" % head.status, head.reason.encode("utf-8", "surrogateescape")
    else:
        raise TypeError(f"expected a head, got {head!r}")
    fields = lowered(head.raw_headers)
    if fields != lowered(
        (name.encode(), value.encode("utf-8", "surrogateescape")) for name, value in head.headers.items()
    ):
        raise ValueError(f"headers and raw_headers differ: {head.headers} and {head.raw_headers}")
    return Message(start, b"%d.%d" % head.version, fields, head.body or b"")


class _Gathering:
    """The messages that our events tell."""

    def __init__(self) -> None:
        self.informational: list[Message] = []
        self.message: Message | None = None
        self.upgrade = ""

    def add(self, events: Iterable[Event]) -> None:
        for event in events:
            if isinstance(event, InformationalHead):
                self.informational.append(_begun(event))
            elif isinstance(event, Head):
                self.message = _begun(event)
                self.upgrade = event.upgrade
            elif self.message is None or self.message.content is None:
                raise ValueError(f"content without a head: {event!r}")
            elif isinstance(event, Data):
                self.message.content += event.chunk
            elif isinstance(event, EndOfContent) and event.trailers is not None:
                self.message.trailers = lowered(
                    (name.encode(), value.encode("utf-8", "surrogateescape"))
                    for name, value in event.trailers.items()
                )


def ours_of_requests(wire: bytes) -> Told:
    """Byte by byte: so it is known where each message ends. That the split doesn't matter is another test."""
    told, connection, gathering = Told(), Http1Connection(SERVER), _Gathering()
    for at in range(len(wire)):
        try:
            gathering.add(connection.feed(wire[at : at + 1]))
        except ProtocolError as error:
            return told.refused(error)
        told.begun = gathering.message
        if connection.reading is Reading.WHOLE and gathering.message is not None:
            gathering.message.end = at + 1
            told.messages.append(gathering.message)
            told.begun, gathering = None, _Gathering()
            connection.decline_upgrade()
            connection.send_head(405, "Declined", [], None, body=b"")
            if not connection.is_reusable:
                told.end = End.CLOSED
                return told
            connection.resume()
    return told


def ours_of_response(wire: bytes, asking: Asking) -> Told:
    told, connection, gathering = Told(), asking.connection(), _Gathering()
    read = 0
    while connection.reading is not Reading.WHOLE and read < len(wire):
        read += 1
        try:
            gathering.add(connection.feed(wire[read - 1 : read]))
        except ProtocolError as error:
            return told.refused(error)
        told.begun = gathering.message
        for message in gathering.informational:
            message.end = read
            told.messages.append(message)
        gathering.informational.clear()
    if connection.reading is not Reading.WHOLE:
        try:
            gathering.add(connection.feed_eof())
        except ProtocolError:
            return told
    if gathering.message is not None:
        gathering.message.end = read
        told.messages.append(gathering.message)
        told.end = End.HANDED if gathering.upgrade else End.CLOSED
    return told


# llhttp


class _Callbacks:
    """What httptools calls, gathered."""

    def __init__(self) -> None:
        self.parser: httptools.HttpRequestParser | httptools.HttpResponseParser | None = None
        self.is_persistent = True
        self.on_message_begin()

    def on_message_begin(self) -> None:
        self.start = self.content = b""
        self.fields: list[tuple[bytes, bytes]] = []
        self.trailers: list[tuple[bytes, bytes]] = []
        self.has_head = self.is_whole = False

    def on_url(self, piece: bytes) -> None:
        self.start += piece

    on_status = on_url

    def on_header(self, name: bytes, value: bytes) -> None:
        (self.trailers if self.has_head else self.fields).append((name, value))

    def on_headers_complete(self) -> None:
        self.has_head = True

    def on_body(self, piece: bytes) -> None:
        self.content += piece

    def on_message_complete(self) -> None:
        self.is_whole = True
        if self.parser is not None:
            # Asked afterwards, it has forgotten.
            self.is_persistent = self.parser.should_keep_alive()


def _llhttp_message(
    parser: httptools.HttpRequestParser | httptools.HttpResponseParser, seen: _Callbacks, end: int
) -> Message:
    if isinstance(parser, httptools.HttpRequestParser):
        start = parser.get_method(), seen.start
    else:
        start = b"%d" % parser.get_status_code(), seen.start
    version = parser.get_http_version().encode()
    return Message(start, version, lowered(seen.fields), seen.content, lowered(seen.trailers), end)


def llhttp_of_requests(wire: bytes) -> Told:
    told, seen = Told(), _Callbacks()
    parser = seen.parser = httptools.HttpRequestParser(seen)
    for at in range(len(wire)):
        try:
            parser.feed_data(wire[at : at + 1])
        except httptools.HttpParserUpgrade:
            # httptools takes what follows the head for the other protocol's, the content too.
            message = _llhttp_message(parser, seen, at + 1)
            message.content = message.trailers = message.end = None
            told.messages.append(message)
            told.end = End.HANDED
            return told
        except httptools.HttpParserError as error:
            return told.refused(error)
        if seen.is_whole:
            told.messages.append(_llhttp_message(parser, seen, at + 1))
            seen.is_whole = False
            if not seen.is_persistent:
                told.end = End.CLOSED
                return told
    return told


def llhttp_of_response(wire: bytes, asking: Asking) -> Told | None:
    if asking.method in ("HEAD", "CONNECT"):
        return None  # it can't be told that the answer has no content
    told, seen, read = Told(), _Callbacks(), 0
    parser = httptools.HttpResponseParser(seen)
    while read < len(wire):
        read += 1
        try:
            parser.feed_data(wire[read - 1 : read])
        except httptools.HttpParserUpgrade:
            message = _llhttp_message(parser, seen, read)
            message.content = message.trailers = message.end = None
            told.messages.append(message)
            told.end = End.HANDED
            return told
        except httptools.HttpParserError as error:
            return told.refused(error)
        if seen.is_whole:
            seen.is_whole = False
            told.messages.append(_llhttp_message(parser, seen, read))
            if parser.get_status_code() >= 200:
                told.end = End.CLOSED
                return told
            seen.has_head = False
    if seen.has_head and _llhttp_waits_for_the_end(seen):
        told.messages.append(_llhttp_message(parser, seen, read))
        told.end = End.CLOSED
    return told


def _llhttp_waits_for_the_end(seen: _Callbacks) -> bool:
    """`llhttp_message_needs_eof`, which httptools does not offer, of a message that is not whole."""
    fields = dict(lowered(seen.fields))
    coding = fields.get(b"transfer-encoding")
    if coding is not None:
        return not coding.lower().endswith(b"chunked")
    return b"content-length" not in fields


# h11


def _h11_message(head: h11.Request | h11.Response | h11.InformationalResponse) -> Message:
    if isinstance(head, h11.Request):
        start = head.method, head.target
    else:
        start = b"%d" % head.status_code, bytes(head.reason)
    return Message(start, head.http_version, tuple(head.headers))


def h11_of_requests(wire: bytes) -> Told:
    told, connection = Told(), h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    connection.receive_data(wire)
    message: Message | None = None
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError as error:
            return told.refused(error)
        if isinstance(event, h11.Request):
            message = _h11_message(event)
        elif isinstance(event, h11.Data) and message is not None and message.content is not None:
            message.content += event.data
        elif isinstance(event, h11.EndOfMessage) and message is not None:
            message.trailers = tuple(event.headers)
            message.end = len(wire) - len(connection.trailing_data[0])
            told.messages.append(message)
            connection.send(h11.Response(status_code=405, headers=[("Content-Length", "0")]))
            connection.send(h11.EndOfMessage())
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                told.end = End.CLOSED
                return told
            connection.start_next_cycle()
        else:
            return told


def h11_of_response(wire: bytes, asking: Asking) -> Told:
    told, connection = Told(), h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    offer = [("Connection", "upgrade"), ("Upgrade", asking.upgrade)] if asking.upgrade else []
    connection.send(h11.Request(method=asking.method, target=asking.target, headers=[("Host", "a"), *offer]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(wire)
    message: Message | None = None
    at_end = False
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError as error:
            return told if at_end else told.refused(error)
        read = len(wire) - len(connection.trailing_data[0])
        if isinstance(event, h11.InformationalResponse):
            told.messages.append(_h11_message(event))
            told.messages[-1].end = read
        elif isinstance(event, h11.Response):
            message = _h11_message(event)
        elif isinstance(event, h11.Data) and message is not None and message.content is not None:
            message.content += event.data
        elif isinstance(event, h11.EndOfMessage) and message is not None:
            message.trailers = tuple(event.headers)
            message.end = read
            told.messages.append(message)
            told.end = End.HANDED if connection.their_state is h11.SWITCHED_PROTOCOL else End.CLOSED
            return told
        elif event is h11.PAUSED:
            told.end = End.HANDED
            return told
        elif event is h11.NEED_DATA and not at_end:
            at_end = True
            connection.receive_data(b"")
        else:
            return told


# What the comparison takes

OfRequests = Callable[[bytes], Told]
OfResponse = Callable[[bytes, Asking], Told | None]

REQUEST_PEERS: dict[str, OfRequests] = {"llhttp": llhttp_of_requests, "h11": h11_of_requests}
RESPONSE_PEERS: dict[str, OfResponse] = {"llhttp": llhttp_of_response, "h11": h11_of_response}
