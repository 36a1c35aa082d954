"""Servers and sockets on the loopback interface, for what dials."""

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pronghorn.io.dial import Tls
from pronghorn.io.dial import dial as dial_addresses
from pronghorn.io.resolver import AddressInfo

from ..functional.scripted import PATIENCE
from ..resilience.stepping import MOST_STEPS, CancelledAt, held, turns
from ..tls import client_context
from .fakes import settle


class Peer(asyncio.Protocol):
    """Keeps its transport and what it received."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.received = bytearray()
        self.is_lost = asyncio.Event()
        self.is_made = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.is_made.set()

    def data_received(self, data: bytes) -> None:
        self.received += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost.set()


class Rude(Peer):
    """Answers a TLS handshake with something else."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self.transport.write(b"HTTP/1.0 400 No\r\n\r\n")


@asynccontextmanager
async def listening(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    context: ssl.SSLContext | None = None,
    kind: Callable[[], Peer] = Peer,
) -> AsyncIterator[tuple[int, list[Peer]]]:
    """Its port, and who has connected."""
    peers: list[Peer] = []

    def accept() -> Peer:
        peers.append(kind())
        return peers[-1]

    server = await asyncio.get_running_loop().create_server(accept, host, port, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1], peers
    finally:
        server.close()
        for peer in peers:
            if peer.transport:
                peer.transport.abort()
        await settle()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    return port


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def infos(*addresses: tuple[str, int]) -> list[AddressInfo]:
    """As a resolver gives them."""
    found: list[AddressInfo] = []
    for host, port in addresses:
        if ":" in host:
            found.append((socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port, 0, 0)))
        else:
            found.append((socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port)))
    return found


def trusting(name: str = "localhost", check: Callable[[Any], None] | None = None) -> Tls:
    """TLS with a server whose certificate is one of the tests'."""
    return Tls(client_context(), name, check)


class Sockets:
    """Makes sockets for `dial`, and remembers them and what they were for."""

    def __init__(self) -> None:
        self.made: list[socket.socket] = []
        self.asked: list[AddressInfo] = []

    def __call__(self, info: AddressInfo) -> socket.socket:
        self.asked.append(info)
        self.made.append(socket.socket(socket.AF_INET))
        return self.made[-1]

    @property
    def open(self) -> list[socket.socket]:
        """Those that were not closed."""
        return [sock for sock in self.made if sock.fileno() != -1]


class BlackHole:
    """The loop's way to connect, where nothing comes back from one port."""

    def __init__(self, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
        loop: Any = asyncio.get_running_loop()
        self.port = port
        self.connect = loop.sock_connect
        self.tried: list[int] = []
        monkeypatch.setattr(loop, "sock_connect", self)

    async def __call__(self, sock: socket.socket, address: Any) -> None:
        self.tried.append(address[1])
        if address[1] == self.port:
            await asyncio.Event().wait()
        await self.connect(sock, address)


async def dial(*arguments: Any, **options: Any) -> tuple[asyncio.Transport, Any]:
    """As `pronghorn.io.dial.dial`, within a bounded time."""
    async with asyncio.timeout(PATIENCE):
        return await dial_addresses(*arguments, **options)


async def lost(peer: Peer) -> None:
    """Wait until the connection is lost."""
    async with asyncio.timeout(PATIENCE):
        await peer.is_lost.wait()


async def gone(ours: Peer) -> None:
    """Close the connection, and wait until that is done."""
    ours.transport.abort()
    await lost(ours)


async def cancel_everywhere(
    call: Callable[[], Coroutine[Any, Any, Any]], undo: Callable[[Any], Awaitable[None]], when: str
) -> int:
    """Cancel ``call`` at its first await, then a new one at its second ... until one comes through.

    ``undo`` is given the result of that. The number of awaits; RuntimeError if one hangs, or leaves a task, a
    timer, a thread or a descriptor behind. ``when`` is that of `CancelledAt`, or "turn": when the loop has
    turned so often.
    """
    before = taken()
    for step in range(1, MOST_STEPS):
        if when == "turn":
            task = asyncio.create_task(call())
            await turns(step)
            task.cancel()
        else:
            task = asyncio.create_task(_awaited(CancelledAt(call(), step, when)))
        await asyncio.wait([task], timeout=PATIENCE)
        if not task.done():
            raise RuntimeError(f"hangs when cancelled at step {step}")
        is_through = not task.cancelled()
        if is_through:
            await undo(task.result())
        del task
        for _ in range(200):
            if all(now <= then for now, then in zip(taken(), before, strict=True)):
                break
            await asyncio.sleep(0.005)
        else:
            raise RuntimeError(f"{taken()} instead of {before} when cancelled at step {step}")
        if is_through:
            return step - 1
    raise RuntimeError(f"not through after {MOST_STEPS} steps")


def taken() -> tuple[int, ...]:
    """How many threads, and what `held` says, as far as it can be told."""
    if not type(asyncio.get_running_loop()).__module__.startswith("uvloop"):
        return threading.active_count(), *held()
    # It starts a handshake whose transport was closed before, and keeps the timer for a minute.
    return threading.active_count(), len(asyncio.all_tasks()), sum(1 for _ in Path("/dev/fd").iterdir())


async def _awaited(awaitable: Any) -> Any:
    return await awaitable
