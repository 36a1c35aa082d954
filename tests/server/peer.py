"""The other end of a server under test: it says exactly the bytes it is told, and reads with eyes of its own.

What it understands of an answer it does not get from the machine that wrote it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from pronghorn import web
from pronghorn.testing import TestServer

#: How long anything that is waited for may take, in seconds.
PATIENCE = 10.0
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


async def eventually(condition: Callable[[], object], what: str = "the condition") -> None:
    """Wait until ``condition`` holds."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await asyncio.sleep(0.002)
    except TimeoutError:
        pytest.fail(f"{what} did not come to hold within {PATIENCE} s")


@dataclass
class Answer:
    """One response as it stood on the wire."""

    version: str
    status: int
    reason: str
    fields: list[tuple[str, str]]
    content: bytes = b""
    #: The framing said that the message is over; False if the connection just ended.
    is_whole: bool = True

    def __getitem__(self, name: str) -> str:
        (value,) = (value for other, value in self.fields if other == name.lower())
        return value

    def __contains__(self, name: str) -> bool:
        return any(other == name.lower() for other, _ in self.fields)

    @property
    def text(self) -> str:
        return self.content.decode()


@dataclass
class Peer:
    """A client of bytes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    #: The connection ended in a reset.
    was_reset: bool = field(default=False, init=False)

    def send(self, data: bytes) -> None:
        """Give ``data`` to the connection; it leaves when it can."""
        self.writer.write(data)

    def request(
        self, method: str = "GET", target: str = "/", *, body: bytes | None = None, more: bytes = b""
    ) -> None:
        """Send a request with the fields in ``more``, each with its CRLF."""
        length = b"" if body is None else b"Content-Length: %d\r\n" % len(body)
        self.send(
            f"{method} {target} HTTP/1.1\r\nHost: a\r\n".encode() + more + length + b"\r\n" + (body or b"")
        )

    def end(self) -> None:
        """Send no more, and go on reading."""
        self.writer.write_eof()

    async def answer(self, method: str = "GET") -> Answer:
        """Read one response to a request with ``method``."""
        async with asyncio.timeout(PATIENCE):
            answer = await self._head()
            if method == "HEAD" or answer.status < 200 or answer.status in (204, 304):
                return answer
            if "transfer-encoding" in answer:
                await self._read_chunked(answer)
            elif "content-length" in answer:
                length = int(answer["content-length"])
                answer.content = await self._read(length)
                answer.is_whole = len(answer.content) == length
            else:
                answer.content = await self.rest()
                answer.is_whole = not self.was_reset
            return answer

    async def ask(self, method: str = "GET", target: str = "/", **request: Any) -> Answer:
        """Send a request and read its response."""
        self.request(method, target, **request)
        return await self.answer(method)

    async def rest(self) -> bytes:
        """Everything up to the end of the connection; how that came is in `was_reset`."""
        pieces = []
        async with asyncio.timeout(PATIENCE):
            try:
                while piece := await self.reader.read(256 * 1024):
                    pieces.append(piece)
            except ConnectionResetError:
                self.was_reset = True
        return b"".join(pieces)

    async def is_closed(self) -> bool:
        """Nothing more comes, and the connection ends in order."""
        return await self.rest() == b"" and not self.was_reset

    def vanish(self) -> None:
        """Go without a word."""
        self.writer.transport.abort()

    async def _head(self) -> Answer:
        raw = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = raw[:-4].decode("latin-1").split("\r\n")
        version, status, reason = first.split(" ", 2)
        pairs = (line.split(":", 1) for line in lines)
        return Answer(version, int(status), reason, [(name.lower(), value.strip()) for name, value in pairs])

    async def _read(self, size: int) -> bytes:
        try:
            return await self.reader.readexactly(size)
        except asyncio.IncompleteReadError as error:
            return error.partial
        except ConnectionResetError:
            self.was_reset = True
            return b""

    async def _read_chunked(self, answer: Answer) -> None:
        answer.is_whole = False
        content = bytearray()
        while (line := await self._line()) is not None:
            size = int(line, 16)
            content += await self._read(size)
            if await self._line() != b"":
                break
            if size == 0:
                answer.is_whole = True
                break
        answer.content = bytes(content)

    async def _line(self) -> bytes | None:
        try:
            return (await self.reader.readuntil(b"\r\n"))[:-2]
        except asyncio.IncompleteReadError:
            return None
        except ConnectionResetError:
            self.was_reset = True
            return None


@asynccontextmanager
async def connect(server: TestServer | Any) -> AsyncIterator[Peer]:
    """A connection to ``server``."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        yield Peer(reader, writer)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def serving(
    handler: Callable[[web.Request], Any], *, client_max_size: int = 1024**2, **settings: Any
) -> AsyncIterator[TestServer]:
    """A server whose every path is answered by ``handler``."""
    app = web.Application(client_max_size=client_max_size)
    app.router.add_route("*", "/{tail:.*}", handler)
    async with TestServer(app, **settings) as server:
        yield server


@asynccontextmanager
async def served(handler: Callable[[web.Request], Any], **settings: Any) -> AsyncIterator[Peer]:
    """A connection to a server whose every path is answered by ``handler``."""
    async with serving(handler, **settings) as server, connect(server) as peer:
        yield peer


class MemoryTransport(asyncio.Transport):
    """A transport that keeps what is written. It takes everything at once, unless `is_stalled`."""

    def __init__(self, protocol: Any) -> None:
        super().__init__({"peername": ("192.0.2.7", 4711), "sockname": ("192.0.2.1", 80)})
        self.protocol = protocol
        self.sent = bytearray()
        self.is_stalled = False
        self.is_reading = True
        self.has_ended = False
        self.was_aborted = False
        self._unsent = 0
        self._limits = (16 * 1024, 64 * 1024)
        self._is_paused = False
        self._is_closing = False

    def write(self, data: Any) -> None:
        if self.has_ended:
            raise RuntimeError("write after write_eof")
        self.sent += data
        if self.is_stalled:
            self._unsent += len(data)
            self._pause_if_full()

    def take(self, size: int | None = None) -> None:
        """The peer reads ``size`` bytes, or all that there are and will be."""
        if size is None:
            self.is_stalled = False
        self._unsent = 0 if size is None else max(0, self._unsent - size)
        if self._is_paused and self._unsent <= self._limits[0]:
            self._is_paused = False
            self.protocol.resume_writing()

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def get_write_buffer_size(self) -> int:
        return self._unsent

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._limits

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        high = 64 * 1024 if high is None else high
        self._limits = (high // 4 if low is None else low, high)
        self._pause_if_full()

    def _pause_if_full(self) -> None:
        if self._unsent > self._limits[1] and not self._is_paused:
            self._is_paused = True
            self.protocol.pause_writing()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.has_ended = True

    def pause_reading(self) -> None:
        self.is_reading = False

    def resume_reading(self) -> None:
        self.is_reading = True

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        self._end()

    def abort(self) -> None:
        self.was_aborted = True
        self._end()

    def _end(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)


@dataclass
class MemoryConnection:
    """A connection of a `web.Server`, without a socket: what is fed is received in exactly these pieces."""

    server: web.Server
    channel: Any
    transport: MemoryTransport

    def feed(self, data: bytes) -> None:
        if not self.transport.is_reading:
            pytest.fail("fed while the transport is paused")
        self.channel.data_received(data)

    def feed_eof(self) -> None:
        if not self.channel.eof_received():
            self.transport.close()

    @property
    def sent(self) -> bytes:
        return bytes(self.transport.sent)

    @property
    def is_over(self) -> bool:
        return not self.server.connections


def open_in_memory(server: web.Server) -> MemoryConnection:
    """A new connection of ``server``."""
    channel = server()
    transport = MemoryTransport(channel)
    channel.connection_made(transport)
    return MemoryConnection(server, channel, transport)


async def in_memory(handler: Callable[[Any], Any], **settings: Any) -> MemoryConnection:
    """A new connection of a new server that answers with ``handler``."""
    return open_in_memory(web.Server(handler, **settings))
