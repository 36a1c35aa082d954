"""How WebSockets of our client end; those of our server are in test_websockets_closing.py."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pronghorn import ClientSession, ClientWebSocketResponse, ClientWSTimeout, WSMsgType

from .frames import CLOSE, PING, TEXT, Wire, frame, speaking
from .listening import nothing_connected
from .scripted import scripted, until


@asynccontextmanager
async def opened(
    script: Callable[[Wire], Any], tail: bytes = b"", **options: Any
) -> AsyncIterator[ClientWebSocketResponse]:
    """A WebSocket of ours to a server of bytes."""
    async with (
        scripted(speaking(script, tail)) as server,
        ClientSession() as session,
    ):
        yield await session.ws_connect(server.url(), **options)


async def test_our_client_does_not_drop_before_the_server() -> None:
    found: list[Any] = []

    async def script(wire: Wire) -> None:
        found.append((await wire.read()).code)
        wire.close(4001)
        try:
            async with asyncio.timeout(0.3):
                found.append(await wire.peer.reader.read(1))
        except TimeoutError:
            found.append("open")
        wire.peer.close()

    async with opened(script) as socket:
        assert await socket.close(code=4000, message=b"why")
        assert found == [4000, "open"]
        assert socket.close_code == 4001
        assert socket.closed
        assert not await socket.close()


async def test_our_client_answers_and_lets_the_server_drop() -> None:
    found: list[Any] = []

    async def script(wire: Wire) -> None:
        wire.close(4001, b"why")
        found.append((await wire.read()).code)
        try:
            async with asyncio.timeout(0.3):
                found.append(await wire.peer.reader.read(1))
        except TimeoutError:
            found.append("open")
        wire.peer.close()

    async with opened(script) as socket:
        assert await socket.receive() == (WSMsgType.CLOSE, 4001, "why")
        assert not await socket.close()  # it was; the connection is over when this returns
        assert found == [4001, "open"]
        assert (await socket.receive()).type is WSMsgType.CLOSED


async def test_our_client_drops_in_the_end() -> None:
    found: list[Any] = []

    async def script(wire: Wire) -> None:
        found.append((await wire.read()).code)
        wire.close(1000)
        found.append(await wire.peer.reader.read(1))

    async with opened(script) as socket:
        async with asyncio.timeout(3):
            await socket.close()
        await until(lambda: len(found) == 2)
    assert found == [1000, b""]


@pytest.mark.parametrize("ending", ["close", "reset"])
async def test_a_server_that_goes_without_a_word(ending: str) -> None:
    async def script(wire: Wire) -> None:
        await wire.read()
        getattr(wire.peer, ending)()

    async with opened(script, tail=frame(TEXT, b"a")) as socket:
        await socket.send_str("go")
        assert await socket.receive_str() == "a"
        assert (await socket.receive()).type is WSMsgType.CLOSED
        assert socket.close_code == 1006
        assert socket.exception() is not None
        assert not await socket.close()


async def test_a_server_that_floods_does_not_keep_our_client_from_closing() -> None:
    async def script(wire: Wire) -> None:
        message = frame(TEXT, b"x" * 60_000)
        reading = asyncio.ensure_future(wire.read())
        while not reading.done():
            wire.write(message)
            await wire.peer.writer.drain()
            await asyncio.sleep(0)
        wire.close(1000)
        wire.peer.close()

    async with opened(script) as socket:
        endpoint: Any = socket._endpoint
        await until(lambda: endpoint.channel.is_reading_paused)
        async with asyncio.timeout(5):
            assert await socket.close()
        assert socket.close_code == 1000


async def test_close_in_one_task_ends_receive_in_another() -> None:
    async def script(wire: Wire) -> None:
        await wire.read()
        wire.close(1000)
        wire.peer.close()

    async with opened(script) as socket:
        receiving = asyncio.create_task(socket.receive())
        await asyncio.sleep(0)
        first, second = await asyncio.gather(socket.close(), socket.close())
        assert (await receiving).type is WSMsgType.CLOSING
        assert (first, second) == (True, False)


@pytest.mark.parametrize("what", ["session", "connector"])
async def test_closing_a_session_ends_its_sockets(what: str) -> None:
    async def script(wire: Wire) -> None:
        await wire.peer.rest()

    async with scripted(speaking(script)) as server, ClientSession() as session:
        socket = await session.ws_connect(server.url(), heartbeat=100)
        receiving = asyncio.create_task(socket.receive())
        await asyncio.sleep(0)
        if what == "session":
            await session.close()
        elif session.connector is not None:
            await session.connector.close()
        async with asyncio.timeout(5):
            assert (await receiving).type is WSMsgType.CLOSED
        assert socket.close_code == 1006
        assert not await socket.close()
        await until(lambda: server.peers[0].has_left)


async def test_close_that_is_cancelled_drops_the_connection() -> None:
    async def script(wire: Wire) -> None:
        await wire.peer.rest()

    async with scripted(speaking(script)) as server, ClientSession() as session:
        socket = await session.ws_connect(server.url(), timeout=ClientWSTimeout(ws_close=None))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await socket.close()
        await until(lambda: server.peers[0].has_left)
        await nothing_connected(session)


async def test_a_ping_behind_our_close_frame_is_not_answered() -> None:
    opcodes: list[int] = []

    async def script(wire: Wire) -> None:
        opcodes.append((await wire.read()).opcode)
        wire.send(PING)
        wire.close(1000)
        wire.peer.writer.write_eof()
        opcodes.extend(await wire.peer.reader.read())

    async with opened(script) as socket:
        await socket.close()
        assert socket.close_code == 1000
        await until(lambda: opcodes)
    assert opcodes == [CLOSE]
