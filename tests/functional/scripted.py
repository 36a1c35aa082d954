"""A raw server: each connection is answered by a script, and what it received is kept.

    async with scripted(answering(OK), OK) as server:    # one script per connection, the last for all others

A script is bytes (the answer to every request) or a coroutine function that is given the `Peer`.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from multidict import CIMultiDict

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#: How long a condition may take to come true.
PATIENCE = 5.0

Script = bytes | Callable[["Peer"], Awaitable[None]]


@dataclass
class Request:
    """A request as it came."""

    method: str
    target: str
    fields: CIMultiDict[str]
    body: bytes = b""
    is_whole: bool = True


class Peer:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.requests: list[Request] = []
        #: The client has closed or reset its end, and a script has seen it.
        self.has_left = False

    async def head(self) -> Request:
        """The head of the next request; its body is left to be read."""
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
        method, target, _ = lines[0].split(" ")
        pairs = (line.split(": ", 1) for line in lines[1:])
        request = Request(method, target, CIMultiDict((name, value) for name, value in pairs), is_whole=False)
        self.requests.append(request)
        return request

    async def request(self) -> Request:
        """The next request, whole."""
        request = await self.head()
        if request.fields.get("Transfer-Encoding") == "chunked":
            while size := int(await self.reader.readuntil(b"\r\n"), 16):
                request.body += (await self.reader.readexactly(size + 2))[:-2]
            await self.reader.readexactly(2)
        else:
            request.body = await self.reader.readexactly(int(request.fields.get("Content-Length", 0)))
        request.is_whole = True
        return request

    async def send(self, *pieces: bytes) -> None:
        """Send ``pieces``, each of which reaches the client in a read of its own."""
        for piece in pieces:
            if self.writer.is_closing():
                raise ConnectionResetError("the client has left")  # uvloop raises a RuntimeError at the write
            self.writer.write(piece)
            await self.writer.drain()
            await turns()

    async def answer(self, *pieces: bytes) -> Request:
        """Take a whole request, and send ``pieces``."""
        request = await self.request()
        await self.send(*pieces)
        return request

    async def rest(self) -> bytes:
        """All that still comes, until the client has closed or reset its end."""
        rest = b""
        try:
            while piece := await self.reader.read(65536):
                rest += piece
        except ConnectionError:
            pass
        self.has_left = True
        return rest

    def close(self) -> None:
        """Close in order."""
        self.writer.close()

    def end(self) -> None:
        """Close the sending side alone."""
        self.writer.write_eof()

    def reset(self) -> None:
        """Close with a reset."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


@dataclass
class Scripted:
    """The server."""

    scripts: tuple[Script, ...]
    port: int = 0
    #: Every connection, in the order in which it came.
    peers: list[Peer] = field(default_factory=list)
    _tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    @property
    def requests(self) -> list[Request]:
        """The requests of all connections."""
        return [request for peer in self.peers for request in peer.requests]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script = self.scripts[min(len(self.peers), len(self.scripts) - 1)]
        peer = Peer(reader, writer)
        self.peers.append(peer)
        task = asyncio.current_task()
        if task is not None:
            self._tasks.append(task)
        try:
            if isinstance(script, bytes):
                while True:
                    await peer.answer(script)
            await script(peer)
        except (asyncio.IncompleteReadError, ConnectionError):
            peer.has_left = True
        except asyncio.CancelledError:
            pass  # the test is over

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        outcomes = await asyncio.gather(*self._tasks, return_exceptions=True)
        for peer in self.peers:
            peer.writer.transport.abort()
        await turns()
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome


@asynccontextmanager
async def scripted(*scripts: Script, sock: socket.socket | None = None) -> AsyncIterator[Scripted]:
    """Serve ``scripts``, on a free port or on ``sock``, for the length of the block."""
    server = Scripted(scripts or (OK,))
    if sock is None:
        sock = socket.create_server(("127.0.0.1", 0))
    listener = await asyncio.start_server(server.serve, sock=sock, limit=2**20)
    server.port = sock.getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        await server.stop()


def answering(*pieces: bytes, then: str = "close") -> Script:
    """Answer one request with ``pieces``; then "close", "reset", "end", or "stay" until the client leaves."""

    async def script(peer: Peer) -> None:
        await peer.answer(*pieces)
        if then != "stay":
            getattr(peer, then)()
        await peer.rest()

    return script


async def silent(peer: Peer) -> None:
    """Take a request and answer nothing."""
    await peer.request()
    await peer.rest()


async def turns(count: int = 3) -> None:
    """Let the loop turn."""
    for _ in range(count):
        await asyncio.sleep(0)


async def until(condition: Callable[[], object]) -> None:
    """Wait for ``condition``; TimeoutError if it does not come."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.001)
