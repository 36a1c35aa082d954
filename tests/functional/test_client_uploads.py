"""Bodies on their way out, and answers that do not wait for their end."""

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest

from pronghorn import ClientSession

from .scripted import OK, PATIENCE, Peer, scripted, until

REFUSED = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nno!"


async def endless() -> AsyncIterator[bytes]:
    while True:
        yield bytes(100_000)
        await asyncio.sleep(0)


class Refusing:
    """Answers when it has the head, and reads or does not read on."""

    def __init__(self, after: str) -> None:
        self.after = after

    async def __call__(self, peer: Peer) -> None:
        await peer.head()
        await peer.send(REFUSED)
        match self.after:
            case "reads on":
                await peer.rest()
            case "stops reading":
                await until(lambda: peer.writer.transport.is_closing() or peer.has_left)
            case "closes its sending side":
                peer.end()
                await peer.rest()


@pytest.mark.parametrize("after", ["reads on", "closes its sending side"])
@pytest.mark.parametrize("size", [None, 20_000_000])
async def test_an_early_answer_reaches_the_caller(after: str, size: int | None) -> None:
    data = endless() if size is None else bytes(size)
    async with scripted(Refusing(after)) as server, ClientSession() as session:
        async with asyncio.timeout(PATIENCE), session.post(server.url(), data=data) as response:
            assert response.status == 413
            assert await response.text() == "no!"
        # What is left of the upload ends with the response.
        await until(lambda: server.peers[0].has_left)
        assert session.connector is not None
        await until(lambda: not session.connector._connections)


async def test_an_early_answer_and_a_server_that_does_not_read() -> None:
    stop = asyncio.Event()

    async def deaf(peer: Peer) -> None:
        await peer.head()
        peer.writer.transport.pause_reading()
        await peer.send(REFUSED)
        await stop.wait()

    async with scripted(deaf) as server, ClientSession() as session:
        async with asyncio.timeout(PATIENCE), session.post(server.url(), data=endless()) as response:
            assert await response.text() == "no!"
        stop.set()
        assert session.connector is not None
        await until(lambda: not session.connector._connections)


async def test_an_upload_goes_on_after_an_early_answer_and_frees_the_connection() -> None:
    go_on = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        await go_on.wait()
        yield b"two"

    async def early(peer: Peer) -> None:
        await peer.head()
        await peer.send(OK)
        assert await peer.reader.readuntil(b"0\r\n\r\n") == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
        await peer.answer(OK)
        await peer.rest()

    async with scripted(early) as server, ClientSession() as session:
        response = await session.post(server.url(), data=pieces())
        assert await response.text() == "ok"
        assert not response.closed, "the request is still being sent"
        go_on.set()
        await until(lambda: response.closed)
        async with session.get(server.url()) as response:
            assert response.status == 200
        assert len(server.peers) == 1


class MineError(Exception):
    """What a body raises."""


@pytest.mark.parametrize("length", [None, "1000"])
@pytest.mark.parametrize(
    "error", [MineError("mine"), OSError(5, "mine"), ConnectionResetError("mine"), TimeoutError("mine")]
)
async def test_a_body_that_fails_aborts_the_request(error: Exception, length: str | None) -> None:
    received = bytearray()

    async def script(peer: Peer) -> None:
        await peer.head()
        received.extend(await peer.rest())

    async def pieces() -> AsyncIterator[bytes]:
        yield b"begun"
        await until(lambda: server.requests)
        raise error

    async with scripted(script) as server, ClientSession() as session:
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(type(error)) as caught:
                await session.post(
                    server.url(), data=pieces(), headers={"Content-Length": length} if length else None
                )
        assert caught.value is error
        await until(lambda: server.peers[0].has_left)
        assert b"0\r\n\r\n" not in received
        assert session.connector is not None
        await until(lambda: not session.connector._connections)
        assert session.connector._pool.open_count == 0


@pytest.mark.parametrize(("length", "message"), [("3", "left of its Content-Length"), ("9", "short of its")])
async def test_a_body_that_lies_about_its_length(length: str, message: str) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"five!"

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.rest()

    async with scripted(script) as server, ClientSession() as session:
        with pytest.raises(ValueError, match=message):
            await session.post(server.url(), data=pieces(), headers={"Content-Length": length})


@pytest.mark.parametrize("piece", ["text", 5, None])
async def test_a_body_of_another_type_is_refused(piece: object) -> None:
    async def pieces() -> AsyncIterator[object]:
        yield piece

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.rest()

    async with scripted(script) as server, ClientSession() as session:
        with pytest.raises(TypeError, match="body: expected"):
            await session.post(server.url(), data=pieces())


async def test_a_body_is_sent_as_fast_as_the_server_reads() -> None:
    produced = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal produced
        for _ in range(1000):
            produced += 100_000
            yield bytes(100_000)

    async def deaf(peer: Peer) -> None:
        await peer.head()
        peer.writer.transport.pause_reading()
        await asyncio.Event().wait()

    async with scripted(deaf) as server, ClientSession() as session:
        task = asyncio.create_task(session.post(server.url(), data=pieces())._coroutine)
        await until(lambda: server.requests)
        still, last = 0, -1
        while still < 50:
            still, last = (still + 1, last) if produced == last else (0, produced)
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert produced < 50_000_000


async def test_a_generator_is_closed_when_its_request_is_cancelled() -> None:
    closed = False

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal closed
        try:
            for _ in range(1000):
                yield bytes(100_000)
        finally:
            closed = True

    async def deaf(peer: Peer) -> None:
        await peer.head()
        peer.writer.transport.pause_reading()
        await asyncio.Event().wait()

    async with scripted(deaf) as server, ClientSession() as session:
        task = asyncio.create_task(session.post(server.url(), data=pieces())._coroutine)
        await until(lambda: server.requests)
        task.cancel()
        await asyncio.wait([task])
        del task
        gc.collect()
        await until(lambda: closed)
