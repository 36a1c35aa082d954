"""An exchange without a connection: what is sent is there to be looked at, what is received is given."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from multidict import CIMultiDict

from .. import web
from ..io.open_file import OpenFile
from ..io.stream import StreamReader
from ..io.websocket import Endpoint
from ..server.disconnection import Disconnection
from ..wire.events import HttpVersion, HttpVersion11, RequestHead
from ..wire.http1.body import framing
from ..wire.http1.connection import Http1Connection
from ..wire.http1.section import connection_options
from ..wire.limits import DEFAULT_DECODE_LIMITS, DecodeLimits
from ..wire.roles import SERVER
from ..wire.websocket.connection import WebSocketConnection
from .websocket_peer import WebSocketPeer, open_in_memory


@dataclass
class SentHead:
    """A head as it was handed to an exchange."""

    first: str | int
    second: str
    fields: CIMultiDict[str]
    length: int | None
    is_persistent: bool
    upgrade: str


@dataclass
class MemoryExchange:
    """Stands where a server's exchange on a connection would: `pronghorn.io.exchange.Exchange`, in memory.

    It takes the response to a ``method`` request of ``version``, and refuses what the wire refuses. The
    client may want no further response (``is_persistent``), and offer to ``upgrade`` to a WebSocket.
    ``writable`` bytes can be sent before senders wait; `take` makes room again.
    """

    writable: int = 64 * 1024
    method: str = "GET"
    version: HttpVersion = HttpVersion11
    is_persistent: bool = True
    upgrade: str = ""
    sent: SentHead | None = None
    informationals: list[tuple[int, str]] = field(default_factory=list)
    content: bytearray = field(default_factory=bytearray)
    trailers: tuple[tuple[str, str], ...] = ()
    has_ended: bool = False
    reset_reason: str | None = None
    read: int = 0
    #: The client's end of the WebSocket that the response has opened.
    websocket: WebSocketPeer | None = None
    _untaken: int = 0
    _room: asyncio.Event = field(default_factory=asyncio.Event)
    _has_switched: asyncio.Event = field(default_factory=asyncio.Event)
    _machine: Http1Connection = field(default_factory=lambda: Http1Connection(SERVER))

    def __post_init__(self) -> None:
        target = "test:80" if self.method == "CONNECT" else "/"
        major, minor = self.version
        options = [] if self.is_persistent else ["close"]
        if self.is_persistent and self.version < HttpVersion11:
            options.append("keep-alive")
        if self.upgrade:
            options.append("upgrade")
        lines = [f"{self.method} {target} HTTP/{major}.{minor}", "Host: test:80"]
        lines += [f"Connection: {', '.join(options)}"] if options else []
        lines += [f"Upgrade: {self.upgrade}"] if self.upgrade else []
        self._machine.feed("\r\n".join((*lines, "", "")).encode())

    # What the sender calls

    def head(
        self,
        first: str | int,
        second: str,
        fields: Iterable[tuple[str, str]],
        length: int | None,
        *,
        body: bytes | None = None,
        is_persistent: bool = True,
        upgrade: str = "",
    ) -> None:
        """Keep the head; with ``body``, the message is whole."""
        self._expect_open()
        given = CIMultiDict(fields)
        self._machine.send_head(first, second, given.items(), length, body, is_persistent, upgrade)
        self.sent = SentHead(first, second, given, length, is_persistent, upgrade)
        if body is not None:
            if framing(self.method, int(first), HttpVersion11, len(body), None):
                self._keep(body)
            self.has_ended = True

    def informational(self, status: int, reason: str, fields: Iterable[tuple[str, str]] = ()) -> None:
        """Keep a 1xx response."""
        self._expect_open()
        self._machine.send_informational(status, reason, fields)
        self.informationals.append((status, reason))

    def data(self, chunk: bytes) -> None:
        """Keep content, unless the message may not carry any."""
        self._expect_open()
        if self._machine.send_data(chunk):
            self._keep(chunk)

    async def sendfile(self, file: OpenFile, offset: int, count: int) -> bool:
        """False: there is nowhere to send a file without reading it."""
        return False

    def end(self, trailers: Iterable[tuple[str, str]] = ()) -> None:
        """The message is whole."""
        self._expect_open()
        trailers = tuple(trailers)
        self._machine.send_end(trailers)
        self.trailers = trailers
        self.has_ended = True

    def reset(self, reason: str) -> None:
        """The message will not become whole; what is sent from now on raises ConnectionResetError."""
        self.reset_reason = reason
        self._room.set()

    async def drain(self) -> None:
        """Wait while more is untaken than can be written."""
        while self.sendable == 0 and self.reset_reason is None:
            self._room.clear()
            await self._room.wait()
        self._expect_open()

    @property
    def sendable(self) -> int:
        """Bytes that can be sent without waiting."""
        return max(0, self.writable - self._untaken)

    def consumed(self, size: int) -> None:
        """Count what was read."""
        self.read += size

    def switch(
        self, machine: WebSocketConnection, info: Mapping[str, Any], options: Mapping[str, Any]
    ) -> Endpoint:
        """Go on as a WebSocket, whose other end is `websocket`; RuntimeError unless the head said so.

        ``options`` are those of `Endpoint`, ``info`` is what its transport says of itself.
        """
        self._machine.accept_upgrade()
        endpoint, self.websocket = open_in_memory(machine, info, options)
        self._has_switched.set()
        return endpoint

    # What the test calls

    async def opened(self, timeout: float | None = 5.0) -> WebSocketPeer:
        """The client's end of the WebSocket, waited for.

        TimeoutError if none is opened within ``timeout`` seconds, as when the handler has failed; None is
        no limit.
        """
        async with asyncio.timeout(timeout):
            while self.websocket is None:
                await self._has_switched.wait()
        return self.websocket

    def take(self) -> bytes:
        """All content sent so far and not taken; senders that wait go on."""
        taken = bytes(self.content[len(self.content) - self._untaken :])
        self._untaken = 0
        self._room.set()
        return taken

    def _keep(self, content: bytes) -> None:
        self.content += content
        self._untaken += len(content)

    def _expect_open(self) -> None:
        if self.reset_reason is not None:
            raise ConnectionResetError(self.reset_reason)


@dataclass
class MemoryConnection:
    """The connection of a request that came on none: what requests ask of theirs, to be said by a test."""

    exchange: Any = None
    transport: asyncio.Transport | None = None
    task: "asyncio.Task[None] | None" = None
    peername: Any = None
    decoding: DecodeLimits | None = DEFAULT_DECODE_LIMITS
    #: The client has gone: set by `leave`.
    has_left: bool = False
    _disconnection: "asyncio.Future[None] | None" = None

    def leave(self) -> None:
        """The client goes: ``request.disconnected`` is done, and nothing more can be sent."""
        self.has_left = True
        if self._disconnection is not None and not self._disconnection.done():
            self._disconnection.set_result(None)
        if isinstance(self.exchange, MemoryExchange):
            self.exchange.reset("the client has gone")

    def disconnection(self, request: object, /) -> "asyncio.Future[None]":
        """What ``request.disconnected`` is."""
        future = self._disconnection
        if future is None:
            future = self._disconnection = Disconnection()
            if self.has_left:
                future.set_result(None)
        return future

    def switch(self, machine: WebSocketConnection, **options: Any) -> Endpoint:
        """Open a WebSocket in memory; RuntimeError if the exchange is none in memory."""
        if not isinstance(self.exchange, MemoryExchange):
            raise RuntimeError(f"no WebSocket can be opened on {self.exchange!r}")  # noqa: TRY004 - it is no argument
        info: dict[str, Any] = {"peername": self.peername}
        if self.transport is not None:
            for name in ("sockname", "sslcontext"):
                info[name] = self.transport.get_extra_info(name)
        return self.exchange.switch(machine, info, options)


def make_request(
    method: str = "GET",
    target: str = "/",
    headers: Iterable[tuple[str, str]] = (("Host", "test"),),
    body: bytes | StreamReader = b"",
    *,
    version: HttpVersion = HttpVersion11,
    exchange: Any = None,
) -> web.Request:
    """A request as a handler gets it, with a MemoryExchange unless another one is given."""
    head = make_head(method, target, headers, version)
    head.body = body if isinstance(body, bytes) else None
    if exchange is None:
        exchange = exchange_for(head)
    return web.Request(head, body, MemoryConnection(exchange), exchange)


def make_head(
    method: str, target: str, headers: Iterable[tuple[str, str]], version: HttpVersion = HttpVersion11
) -> RequestHead:
    """A head as it would have been read, but for what only a server insists on, as Host."""
    if version == HttpVersion11:
        version = HttpVersion11  # by which the wire knows it
    fields = CIMultiDict(headers)
    section = "\r\n".join(f"{name}: {value}" for name, value in fields.items())
    head = RequestHead(method, target, version, fields, section.encode("utf-8", "surrogateescape"))
    options = connection_options(", ".join(fields.getall("Connection", ())))
    if "close" in options:
        head.is_persistent = False
    elif "keep-alive" in options:
        head.is_persistent = True
    if "upgrade" in options and version is HttpVersion11:
        head.upgrade = fields.get("Upgrade", "").lower()
    if version is HttpVersion11:
        head.expects_continue = fields.get("Expect", "").lower() == "100-continue"
    return head


def exchange_for(head: RequestHead) -> MemoryExchange:
    """An exchange that takes the response to a request of this head."""
    return MemoryExchange(
        method=head.method, version=head.version, is_persistent=head.is_persistent, upgrade=head.upgrade
    )
