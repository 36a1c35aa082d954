"""`Retry` between a session and a server."""

import asyncio
import logging
import socket
from pathlib import Path
from typing import Any

import pytest

from pronghorn import (
    ClientConnectorError,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
    ServerDisconnectedError,
    SocketTimeoutError,
)
from pronghorn.client.retry import Retry

from .scripted import OK, Peer, Script, scripted, silent, until

BUSY = b"HTTP/1.1 503 Busy\r\nRetry-After: 3\r\nContent-Length: 4\r\n\r\nbusy"
LARGE = 200_000


class Sleeps(list[float]):
    """Sleeps for a turn."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)
        await asyncio.sleep(0)


def make(**options: Any) -> tuple[Retry, Sleeps]:
    sleeps = Sleeps()
    return Retry(**({"jitter": None, "sleep": sleeps} | options)), sleeps


def in_turn(*answers: bytes) -> Script:
    """Answer a request with each of ``answers``."""

    async def script(peer: Peer) -> None:
        for answer in answers:
            await peer.answer(answer)
        await peer.rest()

    return script


async def leaving(peer: Peer) -> None:
    """Take a request and leave."""
    await peer.request()
    peer.close()


def large_file(folder: Path, size: int = LARGE) -> Path:
    path = folder / "file"
    path.write_bytes(b"x" * size)
    return path


async def test_a_status_on_one_connection(tmp_path: Path) -> None:
    retry, sleeps = make()
    file = large_file(tmp_path).open("rb")
    async with (
        scripted(in_turn(BUSY, BUSY, OK)) as server,
        ClientSession(middlewares=[retry], raise_for_status=True) as session,
        session.put(server.url("/a"), data=file) as response,
    ):
        assert (response.status, await response.read()) == (200, b"ok")
        assert [request.body for request in server.requests] == [b"x" * LARGE] * 3
        assert len(server.peers) == 1
    assert sleeps == [3, 3]
    assert file.closed
    for failure in response.attempts:
        assert isinstance(failure, ClientResponseError)
        assert failure.status == 503
        assert failure.headers is not None
        assert failure.headers["Retry-After"] == "3"
    assert len(response.attempts) == 2


async def test_the_last_status_is_the_callers() -> None:
    retry, sleeps = make(attempts=2)
    async with scripted(BUSY) as server, ClientSession(middlewares=[retry]) as session:
        async with session.get(server.url()) as response:
            assert (response.status, await response.read()) == (503, b"busy")
            assert len(response.attempts) == 1
        with pytest.raises(ClientResponseError, match="503"):
            await session.get(server.url(), raise_for_status=True)
        async with session.post(server.url(), data=b"abc") as response:
            assert (response.status, await response.read()) == (503, b"busy")
            assert not response.attempts
        assert len(server.requests) == 5
    assert sleeps == [3, 3]


async def test_a_large_body_is_not_waited_for() -> None:
    async def endless(peer: Peer) -> None:
        await peer.answer(b"HTTP/1.1 503 Busy\r\nContent-Length: 1000000000\r\n\r\n", b"x" * LARGE)
        await peer.rest()

    retry, _ = make()
    async with (
        scripted(endless, OK) as server,
        ClientSession(middlewares=[retry]) as session,
    ):
        async with session.get(server.url()) as response:
            assert await response.read() == b"ok"
        await until(lambda: server.peers[0].has_left)
        assert len(server.peers) == 2


async def test_a_body_that_comes_while_it_is_waited() -> None:
    is_sent = asyncio.Event()

    async def slow(peer: Peer) -> None:
        await peer.answer(BUSY[:-2])
        await is_waiting.wait()
        await peer.send(BUSY[-2:])
        is_sent.set()
        await peer.answer(OK)
        await peer.rest()

    async def sleep(seconds: float) -> None:
        is_waiting.set()
        await is_sent.wait()
        connector = session.connector
        assert connector is not None
        await until(lambda: not any(connection.is_lent for connection in connector._connections))

    is_waiting = asyncio.Event()
    retry, _ = make(sleep=sleep)
    async with scripted(slow) as server, ClientSession(middlewares=[retry]) as session:
        async with session.get(server.url()) as response:
            assert await response.read() == b"ok"
        assert len(server.peers) == 1


async def test_an_answer_before_the_body_was_sent(tmp_path: Path) -> None:
    async def early(peer: Peer) -> None:
        await peer.head()
        await peer.send(BUSY)
        await peer.rest()

    size = 20_000_000  # more than sockets hold
    retry, _ = make()
    file = large_file(tmp_path, size).open("rb")
    async with scripted(early, OK) as server, ClientSession(middlewares=[retry]) as session:
        async with session.put(server.url(), data=file) as response:
            assert await response.read() == b"ok"
        assert server.requests[1].body == b"x" * size
    assert file.closed


@pytest.mark.parametrize("data", [None, b"abc"])
async def test_a_lost_connection(data: bytes | None) -> None:
    retry, sleeps = make()
    async with scripted(leaving, leaving, OK) as server, ClientSession(middlewares=[retry]) as session:
        async with session.put(server.url(), data=data) as response:
            assert await response.read() == b"ok"
        assert [type(failure) for failure in response.attempts] == [ServerDisconnectedError] * 2
        assert [request.body for request in server.requests] == [data or b""] * 3
    assert sleeps == [0.5, 1.0]


async def test_a_lost_connection_that_may_not_be_asked_again() -> None:
    retry, sleeps = make()
    async with scripted(leaving) as server, ClientSession(middlewares=[retry]) as session:
        with pytest.raises(ServerDisconnectedError):
            await session.post(server.url(), data=b"abc")
        assert len(server.peers) == 1
    assert not sleeps


async def test_beside_the_retry_of_a_stale_connection() -> None:
    async def stale(peer: Peer) -> None:
        await peer.answer(OK)
        await peer.request()
        peer.close()

    retry, _ = make()
    async with (
        scripted(stale, in_turn(BUSY, OK)) as server,
        ClientSession(middlewares=[retry]) as session,
    ):
        async with session.get(server.url()) as first:
            assert await first.read() == b"ok"
        async with session.get(server.url()) as response:
            assert await response.read() == b"ok"
        assert [type(failure) for failure in response.attempts] == [
            ServerDisconnectedError,
            ClientResponseError,
        ]


async def test_no_connection() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and nobody listens
        retry, sleeps = make()
        async with ClientSession(middlewares=[retry]) as session:
            with pytest.raises(ClientConnectorError):
                await session.get(f"http://127.0.0.1:{unused.getsockname()[1]}/")
    assert sleeps == [0.5, 1.0]


async def test_a_silent_server() -> None:
    retry, sleeps = make()
    timeout = ClientTimeout(sock_read=0.05)
    async with (
        scripted(silent, OK) as server,
        ClientSession(middlewares=[retry], timeout=timeout) as session,
        session.get(server.url()) as response,
    ):
        assert await response.read() == b"ok"
    assert [type(failure) for failure in response.attempts] == [SocketTimeoutError]
    assert len(sleeps) == 1


async def test_the_total_is_not_tried_again() -> None:
    retry, sleeps = make()
    async with scripted(silent) as server, ClientSession(middlewares=[retry]) as session:
        with pytest.raises(TimeoutError, match="total"):
            await session.get(server.url(), timeout=0.05)
        assert len(server.peers) == 1
    assert not sleeps


async def test_behind_a_redirect() -> None:
    retry, _ = make()
    async with scripted(in_turn(BUSY, OK)) as server, ClientSession(middlewares=[retry]) as session:
        onward = f"HTTP/1.1 302 Found\r\nLocation: {server.url('/b')}\r\nContent-Length: 0\r\n\r\n".encode()
        async with scripted(in_turn(BUSY, onward)) as first:
            async with session.get(first.url("/a")) as response:
                assert await response.read() == b"ok"
            assert [request.target for request in first.requests] == ["/a"] * 2
        assert [request.target for request in server.requests] == ["/b"] * 2
        for told in (response, *response.history):
            assert len(told.attempts) == 1


async def test_a_caller_that_waits_no_longer() -> None:
    is_waiting = asyncio.Event()

    async def sleep(seconds: float) -> None:
        is_waiting.set()
        await asyncio.sleep(seconds)

    retry, _ = make(sleep=sleep, backoff=1000, max_delay=1000)
    async with scripted(in_turn(BUSY, OK)) as server, ClientSession(middlewares=[retry]) as session:
        task = asyncio.create_task(session._request("GET", server.url()))
        await is_waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # The connection is nobody's, and as good as it was.
        async with session.get(server.url()) as response:
            assert await response.read() == b"ok"
        assert len(server.peers) == 1


async def test_a_timeout_around_all_of_it() -> None:
    async with (
        scripted(BUSY) as server,
        ClientSession(middlewares=[Retry(backoff=1000, max_delay=1000, jitter=None)]) as session,
    ):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await session.get(server.url())
        assert len(server.requests) == 1


async def test_a_closed_session() -> None:
    async def sleep(seconds: float) -> None:
        await session.close()

    retry, _ = make(sleep=sleep)
    async with scripted(BUSY) as server, ClientSession(middlewares=[retry]) as session:
        with pytest.raises(Exception, match="closed"):
            await session.get(server.url())
        assert len(server.requests) == 1


async def test_of_one_request(caplog: pytest.LogCaptureFixture) -> None:
    retry, _ = make()
    async with scripted(in_turn(BUSY, OK), BUSY) as server, ClientSession() as session:
        url = server.url("/a?token=secret").replace("http://", "http://user:secret@")
        with caplog.at_level(logging.DEBUG, "pronghorn.client"):
            async with session.get(url, middlewares=[retry]) as response:
                assert response.status == 200
        (record,) = (record for record in caplog.records if record.name == "pronghorn.client")
        shown = server.url("/a")
        assert record.getMessage() == f"GET {shown}: status 503; sent again in 3.0 s, try 2 of 3"
