"""Real sockets on the loopback interface."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pronghorn.io.dial import Address, ResolveError, resolve
from pronghorn.io.dial import dial as dial_addresses

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


async def dial(address: Address, protocol_factory: Any) -> None:
    """To whichever address the host has."""
    await dial_addresses(await resolve(address), protocol_factory)


@asynccontextmanager
async def listening(host: str = "127.0.0.1") -> AsyncIterator[tuple[int, list[Peer]]]:
    """Its port, and who has connected."""
    peers: list[Peer] = []

    def accept() -> Peer:
        peers.append(Peer())
        return peers[-1]

    server = await asyncio.get_running_loop().create_server(accept, host, 0)
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


HOSTS = [("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), *([("::1", "::1")] if has_ipv6() else [])]


@pytest.mark.parametrize(("host", "address"), HOSTS)
async def test_the_protocol_gets_a_connected_transport(host: str, address: str) -> None:
    async with listening(address) as (port, peers), asyncio.timeout(10):
        ours = Peer()
        await dial(Address(host, port), lambda: ours)
        assert ours.transport is not None
        assert ours.transport.get_extra_info("peername")[:2] == (address, port)
        ours.transport.write(b"hello")
        ours.transport.close()
        await ours.is_lost.wait()
        while not peers:
            await asyncio.sleep(0)
        await peers[0].is_lost.wait()
        assert bytes(peers[0].received) == b"hello"


async def test_small_writes_are_not_held_back() -> None:
    async with listening() as (port, _), asyncio.timeout(10):
        ours = Peer()
        await dial(Address("127.0.0.1", port), lambda: ours)
        assert ours.transport is not None
        sock = ours.transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        ours.transport.abort()
        await ours.is_lost.wait()


async def test_every_address_of_a_host_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first answers no one, the second is the one."""
    loop = asyncio.get_running_loop()
    getaddrinfo = loop.getaddrinfo
    async with listening() as (port, _), asyncio.timeout(10):

        async def resolve(host: str, *args: Any, **options: Any) -> list[tuple[Any, ...]]:
            if host != "two.test":
                assert host == "127.0.0.1"  # uvloop looks at every address that it connects to
                return await getaddrinfo(host, *args, **options)
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", at)) for at in (free_port(), port)
            ]

        monkeypatch.setattr(loop, "getaddrinfo", resolve)  # the loop is the seam: names are the system's
        ours = Peer()
        await dial(Address("two.test", port), lambda: ours)
        assert ours.transport is not None
        assert ours.transport.get_extra_info("peername")[1] == port
        ours.transport.abort()
        await ours.is_lost.wait()


async def test_nobody_listens() -> None:
    made: list[Peer] = []
    with pytest.raises(ConnectionRefusedError) as caught:
        await dial(Address("127.0.0.1", free_port()), lambda: made.append(Peer()) or made[-1])
    assert not isinstance(caught.value, ResolveError)
    assert made == []


@pytest.mark.parametrize(
    "host", ["does-not-exist.invalid", "a" * 64 + ".test", "a..b", "xn--\u00e4"], ids=ascii
)
async def test_a_host_without_an_address(host: str) -> None:
    """RFC 6761 section 6.4 keeps ``invalid`` free; the others can't be names at all."""
    with pytest.raises(ResolveError) as caught:
        await dial(Address(host, 80), Peer)
    assert isinstance(caught.value, OSError)
    assert host in str(caught.value)
    assert "None" not in str(caught.value)


async def test_cancelled_while_it_resolves(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()

    async def resolve(*args: object, **options: object) -> list[object]:
        asked.set()
        return await loop.create_future()

    monkeypatch.setattr(loop, "getaddrinfo", resolve)
    task = asyncio.create_task(dial(Address("slow.test", 80), Peer))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancelled_while_it_connects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Giving up closes the socket."""
    loop = asyncio.get_running_loop()
    connecting: list[socket.socket] = []
    asked = asyncio.Event()

    async def connect(sock: socket.socket, address: object) -> None:
        connecting.append(sock)
        asked.set()
        await loop.create_future()

    monkeypatch.setattr(loop, "sock_connect", connect)
    task = asyncio.create_task(dial(Address("127.0.0.1", free_port()), Peer))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [sock.fileno() for sock in connecting] == [-1]


async def test_a_protocol_that_cannot_be_made_leaves_no_socket() -> None:
    """An unclosed socket would be a ResourceWarning, which fails the test."""

    def fail() -> Peer:
        raise LookupError("no protocol")

    async with listening() as (port, peers), asyncio.timeout(10):
        with pytest.raises(LookupError):
            await dial(Address("127.0.0.1", port), fail)
        while not peers:
            await asyncio.sleep(0)
        await peers[0].is_lost.wait()


def test_the_whole_address_is_the_key() -> None:
    assert Address("a", 80) == Address("a", 80, ssl=False)
    assert len({Address("a", 80), Address("a", 80, ssl=True), Address("a", 81), Address("b", 80)}) == 4
