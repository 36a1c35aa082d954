"""Each phase has its timeout, and the message says which one ran out."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pronghorn import ClientSession, ClientTimeout, ConnectionTimeoutError, SocketTimeoutError, TCPConnector

from .scripted import OK, PATIENCE, Peer, answering, scripted, silent, until
from .timers import Timers

SHORT = 0.05
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"


@contextmanager
def full_listener() -> Iterator[str]:
    """A port whose backlog is full: connecting to it hangs."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = []
        try:
            for _ in range(4):
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex(listener.getsockname())
                fillers.append(filler)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            for filler in fillers:
                filler.close()


@pytest.mark.parametrize("timeout", [SHORT, ClientTimeout(total=SHORT)])
@pytest.mark.parametrize("where", ["session", "request"])
async def test_total_while_waiting_for_the_head(timeout: Any, where: str) -> None:
    async with (
        scripted(silent) as server,
        ClientSession(**({"timeout": timeout} if where == "session" else {})) as session,
    ):
        with pytest.raises(TimeoutError, match=rf"total of {SHORT} s") as caught:
            await session.get(server.url(), **({"timeout": timeout} if where == "request" else {}))
        assert not isinstance(caught.value, SocketTimeoutError)
        await until(lambda: server.peers[0].has_left)


async def test_total_covers_the_body() -> None:
    async with scripted(answering(LONG, b"x", then="stay")) as server, ClientSession() as session:
        async with session.get(server.url(), timeout=SHORT) as response:
            with pytest.raises(TimeoutError, match=rf"total of {SHORT} s"):
                await response.read()
        await until(lambda: server.peers[0].has_left)


async def test_total_covers_connecting() -> None:
    with full_listener() as url:
        async with ClientSession() as session:
            with pytest.raises(TimeoutError) as caught:
                await session.get(url, timeout=SHORT)
            where = url.removeprefix("http://").removesuffix("/")
            assert str(caught.value) == f"No connection to {where} within {SHORT} s (total): connect, {where}"
    assert not isinstance(caught.value, ConnectionTimeoutError)


@pytest.mark.parametrize("phase", ["connect", "sock_connect"])
async def test_connecting(phase: str) -> None:
    with full_listener() as url:
        async with ClientSession() as session:
            with pytest.raises(ConnectionTimeoutError, match=rf"{SHORT} s \({phase}\)"):
                await session.get(url, timeout=ClientTimeout(**{phase: SHORT}))
            assert session.connector is not None
            assert session.connector._pool.open_count == 0


async def test_connect_covers_waiting_for_a_place() -> None:
    async with scripted(silent) as server, ClientSession(connector=TCPConnector(limit=1)) as session:
        first = asyncio.create_task(session.get(server.url())._coroutine)
        await until(lambda: server.requests)
        with pytest.raises(ConnectionTimeoutError, match=r"\(connect\)"):
            await session.get(server.url(), timeout=ClientTimeout(connect=SHORT))
        assert session.connector is not None
        assert session.connector._pool.waiting == []
        first.cancel()
        await asyncio.wait([first])


async def test_sock_connect_does_not_cover_waiting_for_a_place() -> None:
    async def slow(peer: Peer) -> None:
        await peer.request()
        await asyncio.sleep(2 * SHORT)  # the time is what is tested
        await peer.send(OK)
        await peer.answer(OK)
        await peer.rest()

    async with scripted(slow) as server, ClientSession(connector=TCPConnector(limit=1)) as session:

        async def text() -> str:
            async with session.get(server.url(), timeout=ClientTimeout(sock_connect=SHORT)) as response:
                return await response.text()

        assert await asyncio.gather(text(), text()) == ["ok", "ok"]


async def test_sock_read_before_the_head() -> None:
    async with scripted(silent) as server, ClientSession() as session:
        with pytest.raises(SocketTimeoutError, match=rf"{SHORT} s \(sock_read\)"):
            await session.get(server.url(), timeout=ClientTimeout(sock_read=SHORT))


async def test_sock_read_within_the_body() -> None:
    async with (
        scripted(answering(LONG, b"x", then="stay")) as server,
        ClientSession() as session,
        session.get(server.url(), timeout=ClientTimeout(sock_read=SHORT)) as response,
    ):
        with pytest.raises(SocketTimeoutError, match=r"\(sock_read\)"):
            await response.read()


async def test_sock_read_begins_anew_with_every_read() -> None:
    async def dripping(peer: Peer) -> None:
        await peer.answer(LONG)
        for _ in range(10):
            await asyncio.sleep(SHORT / 2)  # the time is what is tested
            await peer.send(b"x")
        await peer.rest()

    async with (
        scripted(dripping) as server,
        ClientSession() as session,
        session.get(server.url(), timeout=ClientTimeout(sock_read=3 * SHORT)) as response,
    ):
        assert await response.read() == b"x" * 10


async def test_sock_read_does_not_strike_while_the_body_is_still_being_sent() -> None:
    async def slow() -> AsyncIterator[bytes]:
        for _ in range(4):
            yield b"x"
            await asyncio.sleep(SHORT)  # the time is what is tested

    async with (
        scripted(OK) as server,
        ClientSession(timeout=ClientTimeout(sock_read=2 * SHORT)) as session,
        session.post(server.url(), data=slow()) as response,
    ):
        assert response.status == 200


async def test_timeouts_of_a_request_replace_those_of_the_session() -> None:
    async with scripted(silent) as server, ClientSession(timeout=ClientTimeout(sock_read=SHORT)) as session:
        with pytest.raises(TimeoutError, match=r"total"):
            await session.get(server.url(), timeout=2 * SHORT)


@pytest.mark.parametrize("unlimited", [None, 0, ClientTimeout()])
async def test_none_and_zero_are_no_limit(unlimited: Any) -> None:
    timers = Timers()
    async with scripted(OK) as server, ClientSession(timeout=SHORT) as session:
        async with session.get(server.url(), timeout=unlimited) as response:
            assert await response.text() == "ok"
        assert session.connector is not None
        soon = asyncio.get_running_loop().time() + SHORT
        assert not [timer for timer in timers.pending if timer.when() < soon]


async def test_timeouts_end_with_their_request() -> None:
    timers = Timers()
    async with (
        scripted(OK) as server,
        ClientSession(connector=TCPConnector(keepalive_timeout=None)) as session,
    ):
        before = len(timers.pending)
        timeout = ClientTimeout(total=2, connect=2, sock_connect=2, sock_read=2)
        for _ in range(3):
            async with session.get(server.url(), timeout=timeout) as response:
                await response.read()
        assert len(timers.pending) == before


async def test_a_timed_out_request_leaves_the_session_fit() -> None:
    async with scripted(silent, OK) as server, ClientSession(connector=TCPConnector(limit=1)) as session:
        with pytest.raises(TimeoutError):
            await session.get(server.url(), timeout=SHORT)
        async with asyncio.timeout(PATIENCE), session.get(server.url()) as response:
            assert await response.text() == "ok"
