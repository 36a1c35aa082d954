"""Whatever a server sends without end: the client holds little of it, and pays for it by the byte."""

import asyncio
import socket
import tracemalloc
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from threading import Thread
from time import thread_time

import pytest

from pronghorn import ClientError, ClientPayloadError, ClientResponseError, ClientSession

from ..server.peer import PATIENCE, eventually
from ..worktime import LINEAR, growth_of
from .measuring import MIB

pytestmark = pytest.mark.timed

MOST_MEMORY = 12 * MIB
#: Bytes that leave at once.
PORTION = 64 * 1024
FULL = pytest.mark.full
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@dataclass
class Pouring:
    """A server, on a thread, that answers each connection with ``first``, many of ``piece``, and ``last``."""

    first: bytes
    piece: bytes
    count: int
    last: bytes = b""
    #: Bytes that the kernel has taken.
    sent: int = 0
    port: int = 0

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return  # shut down
            with sock:
                try:
                    self._answer(sock)
                except ConnectionError:
                    continue  # the client has had enough

    def _answer(self, sock: socket.socket) -> None:
        sock.recv(65536)
        portion = max(1, PORTION // len(self.piece))
        portions, rest = divmod(self.count, portion)
        for data in (self.first, *[self.piece * portion] * portions, self.piece * rest, self.last):
            view = memoryview(data)
            while view:
                size = sock.send(view)
                self.sent += size
                view = view[size:]
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):
            pass

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


@asynccontextmanager
async def pouring(first: bytes, piece: bytes, count: int, last: bytes = b"") -> AsyncIterator[Pouring]:
    server = Pouring(first, piece, count, last)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server.port = listener.getsockname()[1]
        thread = Thread(target=server.serve, args=(listener,))
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            await asyncio.to_thread(thread.join, PATIENCE)  # the loop has to close the client's end meanwhile


async def fetch(url: str) -> int:
    """The size of what is read in pieces."""
    size = 0
    async with asyncio.timeout(60), ClientSession() as session, session.get(url) as response:
        async for piece in response.content.iter_any():
            size += len(piece)
    return size


async def memory_of(work: Awaitable[object]) -> int:
    """The most memory that ``work`` took above what there was."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        await work
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


async def own_cpu() -> float:
    return thread_time()


@pytest.mark.parametrize("count", [20_000, pytest.param(1_000_000, marks=FULL)])
async def test_one_byte_chunks(count: int) -> None:
    async def download(size: int) -> None:
        async with pouring(CHUNKED, b"1\r\nx\r\n", size, b"0\r\n\r\n") as server:
            assert await fetch(server.url) == size

    factor = await growth_of(own_cpu, download, count // 2)
    memory = await memory_of(download(count))
    print(f"one-byte chunks x {count}: {memory / MIB:.1f} MiB, CPU {factor:.2f}x")  # noqa: T201 - the figures
    assert factor < LINEAR
    assert memory < MOST_MEMORY


#: Without end: what comes first, what is repeated, and what the caller is told.
ENDLESS = {
    "status line": (b"HTTP/1.1 200 ", b"a", ClientResponseError),
    "no status line": (b"", b"a", ClientResponseError),
    "field lines": (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n", ClientResponseError),
    "field names": (b"HTTP/1.1 200 OK\r\n", b"X", ClientResponseError),
    "field values": (b"HTTP/1.1 200 OK\r\nX-A: ", b"b", ClientResponseError),
    "empty lines": (b"", b"\r\n", ClientResponseError),
    "103": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", ClientResponseError),
    "100": (b"", b"HTTP/1.1 100 Continue\r\n\r\n", ClientResponseError),
    "chunk extensions": (CHUNKED + b"1", b";a=b", ClientPayloadError),
    "chunk sizes": (CHUNKED, b"0", ClientPayloadError),
    "trailers": (CHUNKED + b"1\r\nx\r\n0\r\n", b"X-A: b\r\n", ClientPayloadError),
    "trailer value": (CHUNKED + b"1\r\nx\r\n0\r\nX-A: ", b"b", ClientPayloadError),
}


@pytest.mark.parametrize("mib", [4, pytest.param(64, marks=FULL)])
@pytest.mark.parametrize(("first", "piece", "kind"), ENDLESS.values(), ids=ENDLESS)
async def test_endless(first: bytes, piece: bytes, kind: type[ClientError], mib: int) -> None:
    async def refuse() -> None:
        with pytest.raises(kind):
            await fetch(server.url)

    async with pouring(first, piece, mib * MIB // len(piece)) as server:
        await refuse()
        before = thread_time()
        await refuse()
        seconds = thread_time() - before
        memory = await memory_of(refuse())
    print(f"endless: {memory / MIB:.1f} MiB, {seconds * 1000:.1f} ms of CPU")  # noqa: T201 - the figures
    assert memory < MOST_MEMORY
    # What is refused is not read to its end: the cost does not depend on how much there would be.
    assert seconds < 0.2


@pytest.mark.parametrize("mib", [32, pytest.param(512, marks=FULL)])
async def test_a_body_that_is_not_read_waits_on_the_servers_side(mib: int) -> None:
    async with pouring(b"HTTP/1.1 200 OK\r\n\r\n", bytes(PORTION), mib * MIB // PORTION) as server:

        async def hold() -> None:
            async with ClientSession() as session, session.get(server.url):
                sent = -1
                async with asyncio.timeout(PATIENCE):
                    while sent != server.sent:
                        sent = server.sent
                        await asyncio.sleep(0.2)

        memory = await memory_of(hold())
        assert server.sent < mib * MIB
    print(f"unread body: {memory / MIB:.1f} MiB, {server.sent / MIB:.1f} MiB sent")  # noqa: T201 - the figures
    assert memory < MOST_MEMORY


async def test_answers_that_nobody_asked_for_are_not_kept() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    async with pouring(b"", answer, 100_000) as server:

        async def ask() -> None:
            async with ClientSession() as session:
                async with session.get(server.url) as response:
                    assert await response.text() == "ok"
                connector = session.connector
                assert connector is not None
                await eventually(lambda: not connector._connections, "the end of the connection")

        assert await memory_of(ask()) < MOST_MEMORY
