"""Peers that are slow, or many, or both: each costs little, and none is waited for for ever."""

import asyncio
import resource
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial

import pytest

from ..server.peer import eventually
from ..worktime import LINEAR
from .measuring import MIB, Measured, bystander, connection, get, growth, measured

pytestmark = pytest.mark.timed

HALF_A_HEAD = b"GET /answer HTTP/1.1\r\nHost: a\r\nUser-Agent: a"
#: Descriptors that are not the slow peers'.
SPARE = 200
#: Connections that are opened at once: fewer than the server's queue is long.
BACKLOG = 100
SLOWEST_ANSWER = 2.0


@pytest.fixture
def descriptors() -> Iterator[int]:
    """As many open files as the system lets one process have; how many that are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@asynccontextmanager
async def peers(server: Measured, count: int, first: bytes) -> AsyncIterator[list[socket.socket]]:
    """``count`` connections on which ``first`` was sent and read."""
    with ExitStack() as stack:
        socks: list[socket.socket] = []
        while len(socks) < count:
            for _ in range(min(BACKLOG, count - len(socks))):
                sock = stack.enter_context(socket.create_connection((server.host, server.port), timeout=10))
                sock.sendall(first)
                socks.append(sock)
            await server.ask("/answer")  # those before it in the queue are accepted by then
        yield socks


@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.full)])
async def test_slow_heads(count: int, descriptors: int) -> None:
    wanted, count = count, min(count, descriptors - SPARE)
    if count < wanted:
        print(f"{count} slow heads instead of {wanted}: the limit of open files is {descriptors}")  # noqa: T201 - says so
    with measured() as server:
        await server.ask("/answer")

        async def hold(size: int) -> None:
            async with peers(server, size, HALF_A_HEAD) as socks:
                for sock in socks:
                    sock.send(b"b")

        before = server.resident
        async with bystander(server) as stander, peers(server, count, HALF_A_HEAD):
            asked = len(stander.seconds)
            await eventually(lambda: len(stander.seconds) > asked + 20, "an answer beside slow heads")
            each = (server.resident - before) / count
        factor = await growth(server, hold, count // 2)
    print(f"{count} slow heads: {each / 1024:.1f} KiB each, CPU {factor:.2f}x for twice as many")  # noqa: T201 - the figures
    assert each < 32 * 1024
    assert factor < LINEAR
    assert max(stander.seconds) < SLOWEST_ANSWER


async def test_slow_heads_are_given_up_though_bytes_keep_coming() -> None:
    with measured(head_timeout=0.2) as server:
        async with asyncio.timeout(10), dripping(server, HALF_A_HEAD) as reader:
            assert await reader.read() == b""


@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.full)])
async def test_slow_bodies(count: int, descriptors: int) -> None:
    head = b"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n"
    with measured() as server:
        await server.ask("/answer")

        async def drip(size: int) -> None:
            async with peers(server, size, head) as socks:
                for _ in range(20):
                    for sock in socks:
                        sock.send(b"b")
                    await server.ask("/answer")

        before = server.resident
        async with bystander(server) as stander, peers(server, count, head) as socks:
            for sock in socks:
                sock.send(bytes(1000))
            asked = len(stander.seconds)
            await eventually(lambda: len(stander.seconds) > asked + 20, "an answer beside slow bodies")
            each = (server.resident - before) / count
        factor = await growth(server, drip, count // 2)
    print(f"{count} slow bodies: {each / 1024:.1f} KiB each, CPU {factor:.2f}x for twice as many")  # noqa: T201 - the figures
    assert each < 64 * 1024
    assert factor < LINEAR
    assert max(stander.seconds) < SLOWEST_ANSWER


async def test_slow_bodies_are_given_up_though_bytes_keep_coming() -> None:
    head = b"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"
    with measured(body_timeout=0.2) as server:
        async with asyncio.timeout(10), dripping(server, head) as reader:
            assert (await reader.read()).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("count", [20, pytest.param(500, marks=pytest.mark.full)])
async def test_bodies_that_nobody_reads_wait_on_the_senders_side(count: int, descriptors: int) -> None:
    head = b"POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n"
    with measured() as server:
        await server.ask("/answer")
        before = server.resident
        async with peers(server, count, head) as socks:
            await stuff(socks)
            await server.ask("/answer")
            each = (server.resident - before) / count
    print(f"{count} bodies that nobody reads: {each / MIB:.2f} MiB each")  # noqa: T201 - the figures
    assert each < 1 * MIB


@pytest.mark.parametrize("count", [20, pytest.param(500, marks=pytest.mark.full)])
async def test_slow_readers_hold_little(count: int, descriptors: int) -> None:
    with measured() as server:
        await server.ask("/answer")
        before = server.resident
        request = get("/stream")
        async with bystander(server) as stander, peers(server, count, request):
            asked = len(stander.seconds)
            await eventually(lambda: len(stander.seconds) > asked + 50, "an answer beside slow readers")
            each = (server.resident - before) / count
    print(f"{count} slow readers: {each / MIB:.2f} MiB each")  # noqa: T201 - the figures
    assert each < 1 * MIB
    assert max(stander.seconds) < SLOWEST_ANSWER


async def test_slow_readers_are_given_up() -> None:
    with measured(write_timeout=0.2) as server:
        async with peers(server, 5, get("/stream")) as socks:
            for number, sock in enumerate(socks):
                await eventually(partial(has_reset, sock), f"the end of slow reader {number}")


async def stuff(socks: list[socket.socket]) -> None:
    """Send until the kernel takes no more, and the server has had time to read: by its own account."""
    for sock in socks:
        sock.setblocking(False)
    full = 0
    while full < 20:  # so many rounds in which nobody could send
        full += 1
        for sock in socks:
            try:
                while sock.send(bytes(65536)):
                    full = 0
            except BlockingIOError:
                continue
        await asyncio.sleep(0.005)


def has_reset(sock: socket.socket) -> bool:
    """The server has reset the connection. It is told once: the kernel forgets it then."""
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0


@asynccontextmanager
async def dripping(server: Measured, first: bytes) -> AsyncIterator[asyncio.StreamReader]:
    """A connection on which a byte comes every now and then after ``first``."""
    async with connection(server) as (reader, writer):
        writer.write(first)

        async def drip() -> None:
            while not writer.is_closing():
                writer.write(b"b")
                await asyncio.sleep(0.05)

        task = asyncio.create_task(drip())
        try:
            yield reader
        finally:
            task.cancel()
            await asyncio.wait([task])
