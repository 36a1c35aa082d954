"""Servers without sockets for a client: each transport is answered by rote, a little at each turn."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from pronghorn.client.connector import BaseConnector
from pronghorn.client.outgoing import ClientRequest
from pronghorn.client.protocol import ResponseHandler
from pronghorn.client.timeouts import ClientTimeout

from ..io.fakes import FakeTransport

#: What a server takes of a request in one turn.
TAKEN = 20_000
#: Size of the long answers.
LONG = 200_000

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

#: By target: the pieces of the answer, each a turn's, and whether they come before the request is whole.
ANSWERS: dict[bytes, tuple[list[bytes], bool]] = {
    b"/": ([_OK[:10], _OK[10:]], False),
    b"/long": (
        [b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LONG] + [bytes(LONG // 5)] * 5,
        False,
    ),
    b"/chunked": ([_CHUNKED, b"5\r\nhello\r\n", b"0\r\nX-Sum: 1\r\n", b"\r\n"], False),
    b"/hints": ([b"HTTP/1.1 103 Early Hints\r\n", b"\r\n", _OK], False),
    b"/early": (
        [b"HTTP/1.1 413 Too Large\r\nConnection: close\r\n", b"Content-Length: 2\r\n\r\n", b"no"],
        True,
    ),
    b"/broken": ([_CHUNKED, b"5\r\nhello\r\n", b"no size\r\n"], False),
}


class Server:
    """The other end of one transport."""

    def __init__(self, transport: FakeTransport) -> None:
        self.transport = transport
        self._answer: Iterator[bytes] | None = None

    def turn(self) -> None:
        """Take some of what was sent, and answer some of it."""
        transport = self.transport
        transport.take(TAKEN)
        if transport.is_closed:
            return
        if self._answer is None:
            self._answer = self._begin()
        if self._answer is not None:
            if piece := next(self._answer, b""):
                transport.receive(piece)
            else:
                self._answer = None

    def _begin(self) -> Iterator[bytes] | None:
        """The answer to what was taken, if it is time for it."""
        taken = self.transport.taken
        if b"\r\n\r\n" not in taken:
            return None
        pieces, is_early = ANSWERS[bytes(taken).split(b" ", 2)[1]]
        size = _size(bytes(taken))
        if is_early:
            size = len(taken)
        elif not size:
            return None
        del taken[:size]
        return iter(pieces)


def _size(data: bytes) -> int:
    """The length of the request that ``data`` begins with; 0 if it isn't whole. No body has a CR in it."""
    head, end, content = data.partition(b"\r\n\r\n")
    size = len(head + end)
    if b"Transfer-Encoding: chunked" in head:
        last = content.find(b"\r\n0\r\n\r\n")
        return size + last + 7 if last >= 0 else 0
    for line in head.split(b"\r\n"):
        if line.startswith(b"Content-Length: "):
            size += int(line.removeprefix(b"Content-Length: "))
    return size if len(data) >= size else 0


class MemoryConnector(BaseConnector):
    """Connects to nothing but `Server`s."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.servers: list[Server] = []

    async def _create_connection(
        self, req: ClientRequest, traces: object, timeout: ClientTimeout
    ) -> ResponseHandler:
        protocol = self._factory()
        async with asyncio.timeout(timeout.sock_connect):
            await asyncio.sleep(0)
            transport = FakeTransport(protocol)
            self.servers.append(Server(transport))
            try:
                await asyncio.sleep(0)
            except BaseException:
                transport.abort()  # as the loop does with a connection that nobody will have
                raise
        return protocol

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Let all servers have their turn for the length of the block."""
        task = asyncio.create_task(self._serve())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _serve(self) -> None:
        while True:
            for server in self.servers:
                server.turn()
            await asyncio.sleep(0)
