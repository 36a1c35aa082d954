"""Connections by origin: kept, lent in order, given up."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from pronghorn import ClientConnectionError, ClientConnectorError, ClientSession, TCPConnector

from .scripted import OK, PATIENCE, Peer, Scripted, scripted, turns, until


class Gate:
    """Answers each request when it is opened for it, and remembers the targets in order."""

    def __init__(self) -> None:
        self.open = asyncio.Semaphore(0)
        self.targets: list[str] = []
        self.now = 0
        self.most = 0

    async def __call__(self, peer: Peer) -> None:
        while True:
            request = await peer.request()
            self.targets.append(request.target)
            self.now += 1
            self.most = max(self.most, self.now)
            await self.open.acquire()
            self.now -= 1
            await peer.send(OK)

    def let(self, count: int = 1) -> None:
        for _ in range(count):
            self.open.release()


async def text(session: ClientSession, url: str) -> str:
    async with session.get(url) as response:
        return await response.text()


@pytest.fixture
async def server() -> AsyncIterator[Scripted]:
    async with scripted(OK) as running:
        yield running


async def test_a_read_response_gives_its_connection_back(server: Scripted) -> None:
    async with ClientSession() as session:
        for _ in range(5):
            assert await text(session, server.url()) == "ok"
    assert len(server.peers) == 1
    assert len(server.requests) == 5


async def test_an_origin_has_its_own_connections(server: Scripted) -> None:
    async with scripted(OK) as other, ClientSession() as session:
        for _ in range(2):
            await text(session, server.url())
            await text(session, other.url())
        assert len(server.peers) == len(other.peers) == 1


async def test_many_at_once_cross_no_wires() -> None:
    async def echo(peer: Peer) -> None:
        while True:
            target = (await peer.request()).target.encode()
            await peer.send(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\nX: y\r\n\r\n"
                % (len(target), target)
            )

    async with scripted(echo) as server, ClientSession() as session:

        async def work(worker: int) -> None:
            for number in range(50):
                path = f"/{worker}/{number}"
                assert await text(session, server.url(path)) == path

        await asyncio.gather(*(work(worker) for worker in range(8)))
        assert len(server.peers) <= 8


@pytest.mark.parametrize("options", [{"limit": 3}, {"limit_per_host": 3}, {"limit": 3, "limit_per_host": 7}])
async def test_limits_are_kept_and_waiters_served_in_order(options: dict[str, int]) -> None:
    gate = Gate()
    async with scripted(gate) as server, ClientSession(connector=TCPConnector(**options)) as session:
        tasks = []
        for number in range(12):
            tasks.append(asyncio.create_task(text(session, server.url(f"/{number}"))))
            await turns(1)
        await until(lambda: len(gate.targets) == 3)
        first = set(gate.targets)
        for served in range(4, 13):
            gate.let()
            await until(lambda served=served: len(gate.targets) == served)
        gate.let(3)
        assert await asyncio.gather(*tasks) == ["ok"] * 12
        assert first == {"/0", "/1", "/2"}
        assert gate.targets[3:] == [f"/{number}" for number in range(3, 12)]
        assert gate.most == 3
        assert len(server.peers) == 3


@pytest.mark.parametrize("unlimited", [0, None])
async def test_no_limit(unlimited: int | None) -> None:
    gate = Gate()
    connector = TCPConnector(limit=unlimited, limit_per_host=unlimited)
    async with scripted(gate) as server, ClientSession(connector=connector) as session:
        tasks = [asyncio.create_task(text(session, server.url())) for _ in range(120)]
        await until(lambda: gate.now == 120)
        gate.let(120)
        await asyncio.gather(*tasks)


async def test_who_comes_later_does_not_overtake_who_waits() -> None:
    gate = Gate()
    async with scripted(gate) as server, ClientSession(connector=TCPConnector(limit=1)) as session:
        tasks: list[asyncio.Task[str]] = []

        async def first() -> str:
            result = await text(session, server.url("/first"))
            # The connection has just become free, and in this very turn somebody else asks for one.
            tasks.append(asyncio.create_task(text(session, server.url("/late"))))
            return result

        tasks.append(asyncio.create_task(first()))
        await until(lambda: gate.targets)
        tasks.append(asyncio.create_task(text(session, server.url("/waiter"))))
        await turns()
        gate.let(3)
        await until(lambda: len(gate.targets) == 3)
        await asyncio.gather(*tasks)
        assert gate.targets == ["/first", "/waiter", "/late"]


async def test_who_waits_for_another_origin_is_not_starved() -> None:
    gate = Gate()
    async with (
        scripted(gate) as busy,
        scripted(OK) as other,
        ClientSession(connector=TCPConnector(limit=1)) as session,
    ):
        tasks = [asyncio.create_task(text(session, busy.url("/0")))]
        await until(lambda: gate.targets)
        waiting = asyncio.create_task(text(session, other.url()))
        await turns()
        tasks += [asyncio.create_task(text(session, busy.url("/later"))) for _ in range(3)]
        await turns()
        gate.let(1)
        async with asyncio.timeout(PATIENCE):
            assert await waiting == "ok"
        gate.let(3)
        await asyncio.gather(*tasks)


async def test_cancelled_waiters_are_passed() -> None:
    gate = Gate()
    async with scripted(gate) as server, ClientSession(connector=TCPConnector(limit=1)) as session:
        tasks = []
        for number in range(4):
            tasks.append(asyncio.create_task(text(session, server.url(f"/{number}"))))
            await turns(1)
        await until(lambda: gate.targets)
        tasks[1].cancel()
        tasks[2].cancel()
        gate.let(2)
        assert await tasks[3] == "ok"
        await asyncio.wait(tasks)
        assert gate.targets == ["/0", "/3"]
        assert session.connector is not None
        assert session.connector._pool.open_count == 1


async def test_at_the_limit_the_oldest_idle_connection_of_another_origin_is_closed(server: Scripted) -> None:
    async with (
        scripted(OK) as second,
        scripted(OK) as third,
        ClientSession(connector=TCPConnector(limit=2)) as session,
    ):
        await text(session, server.url())
        await text(session, second.url())
        await text(session, third.url())
        await until(lambda: server.peers[0].has_left)
        assert not second.peers[0].has_left
        await text(session, second.url())
        assert len(second.peers) == 1


async def test_keepalive_timeout_closes_what_is_idle(server: Scripted) -> None:
    async with ClientSession(connector=TCPConnector(keepalive_timeout=0.02)) as session:
        await text(session, server.url())
        assert not server.peers[0].has_left
        await until(lambda: server.peers[0].has_left)
        assert session.connector is not None
        assert session.connector._pool.open_count == 0
        await text(session, server.url())
        assert len(server.peers) == 2


async def test_keepalive_timeout_begins_anew_with_each_use() -> None:
    gate = Gate()
    async with (
        scripted(gate) as server,
        ClientSession(connector=TCPConnector(keepalive_timeout=0.02)) as session,
    ):
        gate.let()
        await text(session, server.url())
        task = asyncio.create_task(text(session, server.url()))
        await until(lambda: len(gate.targets) == 2)
        await asyncio.sleep(0.05)  # longer than the timeout, which does not concern a connection in use
        gate.let()
        assert await task == "ok"
        assert len(server.peers) == 1


@pytest.mark.parametrize("options", [{"force_close": True}, {"keepalive_timeout": 0}])
async def test_force_close(server: Scripted, options: dict[str, float]) -> None:
    async with ClientSession(connector=TCPConnector(**options)) as session:
        for number in range(3):
            await text(session, server.url())
            assert len(server.peers) == number + 1
        await until(lambda: all(peer.has_left for peer in server.peers))


async def test_force_close_is_told_to_the_server(server: Scripted) -> None:
    async with ClientSession(connector=TCPConnector(force_close=True)) as session:
        await text(session, server.url())
    assert server.requests[0].fields.get("Connection") == "close"


async def test_closing_fails_those_who_wait() -> None:
    gate = Gate()
    async with scripted(gate) as server:
        session = ClientSession(connector=TCPConnector(limit=1))
        tasks = [asyncio.create_task(text(session, server.url())) for _ in range(3)]
        await until(lambda: gate.targets)
        await session.close()
        done, _ = await asyncio.wait(tasks, timeout=1)
        assert len(done) == 3, "somebody still waits"
        for task in tasks:
            assert isinstance(task.exception(), ClientConnectionError)


async def test_a_refused_connection_frees_its_place(server: Scripted) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    async with ClientSession(connector=TCPConnector(limit=1)) as session:
        for _ in range(3):
            with pytest.raises(ClientConnectorError) as caught:
                await session.get(f"http://127.0.0.1:{port}/")
            error = caught.value
            assert (error.phase, error.peer) == ("connect", f"127.0.0.1:{port}")
            words = str(error)
            assert words.startswith(f"Cannot connect to host 127.0.0.1:{port} ssl:default [")
            assert words.endswith(f"] (connect, 127.0.0.1:{port})")
        assert await text(session, server.url()) == "ok"
