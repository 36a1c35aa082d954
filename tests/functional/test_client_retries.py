"""A connection that the server closed while it was idle: noticed when taken, or survived by one retry."""

import asyncio
import io
import select
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from pronghorn import ClientConnectionError, ClientError, ClientSession, ServerDisconnectedError

from .scripted import OK, Peer, Scripted, answering, scripted, turns, until

REPEATABLE = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]
NOT_REPEATABLE = ["POST", "PATCH", "LOCK"]


def leaving(*then: bytes, how: str = "close", whole: bool = True) -> Callable[[Peer], Any]:
    """Answer the first request; take the second one, send ``then`` and leave."""

    async def script(peer: Peer) -> None:
        await peer.answer(OK)
        await (peer.request() if whole else peer.head())
        await peer.send(*then)
        getattr(peer, how)()
        await peer.rest()

    return script


async def primed(session: ClientSession, server: Scripted) -> None:
    """Leave an idle connection in the pool."""
    async with session.get(server.url("/first")) as response:
        assert await response.read() == b"ok"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("how", ["close", "reset", "end"])
async def test_a_closed_idle_connection_is_not_used(how: str, method: str) -> None:
    async with scripted(answering(OK, then=how), OK) as server, ClientSession() as session:
        await primed(session, server)
        assert session.connector is not None
        await until(lambda: not session.connector._connections)
        async with session.request(method, server.url()) as response:
            assert await response.text() == "ok"
            assert not response.attempts
        assert len(server.peers) == 2


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_close_that_the_loop_has_not_seen_is_noticed(how: str, method: str) -> None:
    async with scripted(OK) as server, ClientSession() as session:
        await primed(session, server)
        assert session.connector is not None
        (connection,) = session.connector._connections
        assert connection.channel.transport is not None
        descriptor = connection.channel.transport.get_extra_info("socket").fileno()
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        peer = server.peers[0]
        if how == "reset":
            peer.reset()
        else:
            peer.writer.transport.abort()
        await asyncio.sleep(0)  # the turn in which the server closes
        assert poll.poll(1000), "the close has arrived"
        assert session.connector._connections == {connection}, "and the loop does not know"
        async with session.request(method, server.url()) as response:
            assert await response.text() == "ok"
        assert len(server.peers) == 2


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("method", REPEATABLE)
async def test_one_retry_on_a_fresh_connection(method: str, how: str) -> None:
    async with scripted(leaving(how=how), OK) as server, ClientSession() as session:
        await primed(session, server)
        async with session.request(method, server.url("/second")) as response:
            assert response.status == 200
            (error,) = response.attempts
            assert isinstance(error, ClientConnectionError)
        assert [request.target for request in server.requests] == ["/first", "/second", "/second"]
        assert len(server.peers) == 2


@pytest.mark.parametrize("data", [b"bytes", "text", {"a": "1"}, io.BytesIO(b"file" * 100_000)])
async def test_a_body_that_can_be_rewound_is_sent_again(data: Any) -> None:
    async with scripted(leaving(), OK) as server, ClientSession() as session:
        await primed(session, server)
        async with session.put(server.url(), data=data) as response:
            assert len(response.attempts) == 1
    _, first, second = server.requests
    assert first.body == second.body != b""


async def failure(server: Scripted, session: ClientSession, method: str = "GET", **options: Any) -> Exception:
    await primed(session, server)
    before = len(server.requests)
    with pytest.raises(ClientError) as caught:
        async with session.request(method, server.url(), **options) as response:
            await response.read()
    await turns()
    assert len(server.requests) == before + 1, "sent once"
    assert len(server.peers) == 1
    return caught.value


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("method", NOT_REPEATABLE)
async def test_what_may_not_be_repeated_is_not(method: str, how: str) -> None:
    async with scripted(leaving(how=how), OK) as server, ClientSession() as session:
        assert isinstance(await failure(server, session, method), ServerDisconnectedError)


async def test_retry_stale_off() -> None:
    async with scripted(leaving(), OK) as server, ClientSession(retry_stale=False) as session:
        assert isinstance(await failure(server, session), ServerDisconnectedError)


@pytest.mark.parametrize("begun", [b"H", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"])
async def test_not_when_an_answer_had_begun(begun: bytes) -> None:
    async with scripted(leaving(begun), OK) as server, ClientSession() as session:
        assert isinstance(await failure(server, session), ServerDisconnectedError)


@pytest.mark.parametrize("answer", [b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"])
async def test_not_when_the_answer_was_broken(answer: bytes) -> None:
    async with scripted(leaving(answer), OK) as server, ClientSession() as session:
        assert not isinstance(await failure(server, session), ServerDisconnectedError)


async def test_not_with_a_body_that_cannot_be_rewound() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"once"

    async with scripted(leaving(), OK) as server, ClientSession() as session:
        assert isinstance(await failure(server, session, "PUT", data=pieces()), ServerDisconnectedError)


async def test_not_on_a_fresh_connection() -> None:
    async def rude(peer: Peer) -> None:
        await peer.request()
        peer.close()

    async with scripted(rude) as server, ClientSession() as session:
        with pytest.raises(ServerDisconnectedError):
            await session.get(server.url())
        assert len(server.peers) == 1


async def test_the_error_of_a_file_is_no_stale_connection() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(5, "the disk is broken")

    async with scripted(OK) as server, ClientSession() as session:
        await primed(session, server)
        with pytest.raises(OSError, match="the disk is broken") as caught:
            await session.put(server.url(), data=Broken(b"x" * 10))
        assert not isinstance(caught.value, ClientError)
        assert len(server.peers) == 1


async def test_only_once() -> None:
    async def rude(peer: Peer) -> None:
        await peer.request()
        peer.close()

    async with scripted(leaving(), rude) as server, ClientSession() as session:
        await primed(session, server)
        with pytest.raises(ServerDisconnectedError):
            await session.get(server.url())
        assert len(server.requests) == 3


async def test_the_retry_waits_for_a_place_like_all_others() -> None:
    from pronghorn import TCPConnector

    async with scripted(leaving(), OK) as server, ClientSession(connector=TCPConnector(limit=1)) as session:
        await primed(session, server)
        async with asyncio.timeout(2), session.get(server.url()) as response:
            assert len(response.attempts) == 1
            await response.read()
        assert session.connector is not None
        assert session.connector._pool.open_count == 1
