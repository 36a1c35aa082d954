"""An exchange without a connection: what is sent is there to be looked at, what is received is given."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from multidict import CIMultiDict

from .. import web
from ..io.stream import StreamReader
from ..wire.events import HttpVersion, HttpVersion11, RequestHead
from ..wire.http1.body import framing
from ..wire.http1.connection import Http1Connection
from ..wire.limits import DEFAULT_DECODE_LIMITS, DecodeLimits
from ..wire.roles import SERVER


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

    It takes the response to a ``method`` request, and refuses what the wire refuses.
    ``writable`` bytes can be sent before senders wait; `take` makes room again.
    """

    writable: int = 64 * 1024
    method: str = "GET"
    sent: SentHead | None = None
    informationals: list[tuple[int, str]] = field(default_factory=list)
    content: bytearray = field(default_factory=bytearray)
    trailers: tuple[tuple[str, str], ...] = ()
    has_ended: bool = False
    reset_reason: str | None = None
    read: int = 0
    _untaken: int = 0
    _room: asyncio.Event = field(default_factory=asyncio.Event)
    _machine: Http1Connection = field(default_factory=lambda: Http1Connection(SERVER))

    def __post_init__(self) -> None:
        target = "test:80" if self.method == "CONNECT" else "/"
        self._machine.feed(f"{self.method} {target} HTTP/1.1\r\nHost: test:80\r\n\r\n".encode())

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

    # What the test calls

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
class NoConnection:
    """The connection of a request that came on none."""

    transport: asyncio.Transport | None = None
    task: "asyncio.Task[None] | None" = None
    peername: Any = None
    decoding: DecodeLimits | None = DEFAULT_DECODE_LIMITS

    def switch(self, *_: Any, **__: Any) -> Any:
        """RuntimeError: there is nothing to switch."""
        raise RuntimeError("a request that came on no connection opens no WebSocket")


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
    fields = CIMultiDict(headers)
    lines = [f"{name}: {value}".encode("utf-8", "surrogateescape") for name, value in fields.items()]
    head = RequestHead(method, target, version, fields, lines)
    head.body = body if isinstance(body, bytes) else None
    if exchange is None:
        exchange = MemoryExchange(method=method)
    return web.Request(head, body, NoConnection(), exchange)
