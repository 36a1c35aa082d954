"""An open `ClientWebSocketResponse`: what it tells of itself, and how long it waits."""

import asyncio
import gc
import warnings
from typing import Any

import pytest

from pronghorn import (
    ClientConnectionResetError,
    ClientError,
    ClientSession,
    ClientWebSocketResponse,
    ClientWSTimeout,
    ServerTimeoutError,
    TCPConnector,
    WSMsgType,
)

from ..functional.frames import Frame, Wire, speaking
from ..functional.listening import nothing_connected
from ..functional.scripted import scripted, until
from .websocket_servers import echo, finish, opened


async def test_facts() -> None:
    async with opened() as (socket, server):
        assert not socket.closed
        assert socket.close_code is None
        assert socket.exception() is None
        assert socket.get_extra_info("peername") == ("127.0.0.1", server.port)
        assert repr(socket) == f"<ClientWebSocketResponse open {server.url()}>"
    assert socket.closed
    assert socket.close_code == 1000
    assert repr(socket) == f"<ClientWebSocketResponse closed {server.url()}>"


async def test_frames_are_masked_each_with_a_key_of_its_own() -> None:
    frames: list[Frame] = []

    async def script(wire: Wire) -> None:
        for _ in range(2):
            frames.append(await wire.read())  # noqa: PERF401 - one after the other
        await finish(wire)

    async with opened(script) as (socket, _):
        await socket.send_str("a")
        await socket.send_str("a")
    assert [(read.payload, read.masked) for read in frames] == [(b"a", True)] * 2


async def test_a_sender_on_a_closed_socket() -> None:
    async with opened() as (socket, _):
        pass
    with pytest.raises(ClientConnectionResetError, match="Cannot write to closing transport"):
        await socket.send_str("a")
    with pytest.raises(ClientError):
        await socket.ping()


async def flood(socket: ClientWebSocketResponse) -> None:
    for _ in range(1000):
        await socket.send_bytes(bytes(100_000))


async def test_a_sender_that_waits_learns_of_the_loss() -> None:
    async def leave(wire: Wire) -> None:
        await wire.read()
        wire.peer.reset()

    async with opened(leave) as (socket, _):
        await socket.send_str("a")
        with pytest.raises(ClientConnectionResetError):
            await flood(socket)


async def test_the_default_time_to_receive() -> None:
    async with opened(timeout=ClientWSTimeout(ws_receive=0.01, ws_close=5)) as (socket, _):
        with pytest.raises(TimeoutError):
            await socket.receive()
        await socket.send_str("a")
        assert await socket.receive_str(timeout=5) == "a"


async def test_the_time_to_close() -> None:
    async def stay(wire: Wire) -> None:
        await wire.peer.rest()

    async with opened(stay, timeout=ClientWSTimeout(ws_close=0.05)) as (socket, server):
        assert await socket.close()
        assert socket.close_code == 1006
        assert isinstance(socket.exception(), TimeoutError)
        await until(lambda: server.peers[0].has_left)


async def test_a_heartbeat_finds_a_dead_server() -> None:
    async def stay(wire: Wire) -> None:
        await asyncio.Event().wait()

    async with opened(stay, heartbeat=0.05) as (socket, _):
        message = await socket.receive(5)
        assert message.type is WSMsgType.ERROR
        assert isinstance(message.data, ServerTimeoutError)
        assert str(message.data) == "No PONG received after 0.025 seconds"
        assert socket.close_code == 1006
        assert socket.exception() is message.data
        assert socket.closed


async def test_a_class_of_the_users() -> None:
    made: list[tuple[Any, ...]] = []

    class Mine(ClientWebSocketResponse):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            made.append((args, options))

    async with (
        scripted(speaking(echo, Sec_WebSocket_Protocol="a")) as server,
        ClientSession(ws_response_class=Mine) as session,
        session.ws_connect(server.url(), protocols=["a"], autoping=False, heartbeat=5) as socket,
    ):
        assert type(socket) is Mine
        assert socket.protocol == "a"
    ((args, options),) = made
    reader, writer, protocol, response, timeout, autoclose, autoping, loop = args
    assert reader is writer
    assert (protocol, autoclose, autoping, loop) == ("a", True, False, asyncio.get_running_loop())
    assert response.status == 101
    assert timeout == ClientWSTimeout(ws_receive=None, ws_close=10.0)
    assert options == {"heartbeat": 5, "compress": 0, "client_notakeover": False}


async def test_a_class_of_the_users_that_fails_leaves_nothing() -> None:
    class Failing(ClientWebSocketResponse):
        def __init__(self, *args: Any, **options: Any) -> None:
            raise ZeroDivisionError

    async with scripted(speaking(echo)) as server, ClientSession(ws_response_class=Failing) as session:
        with pytest.raises(ZeroDivisionError):
            await session.ws_connect(server.url(), heartbeat=5)
        await nothing_connected(session)


async def test_it_closes_itself_in_a_block() -> None:
    async with scripted(speaking(echo)) as server, ClientSession() as session:
        async with await session.ws_connect(server.url()) as socket:
            pass
        assert socket.closed
        with pytest.raises(ZeroDivisionError):
            async with session.ws_connect(server.url()) as socket:
                raise ZeroDivisionError
        assert socket.closed
        await nothing_connected(session)


async def test_one_that_is_forgotten_gives_its_connection_up() -> None:
    async with scripted(speaking(echo)) as server, ClientSession() as session:
        socket = await session.ws_connect(server.url(), heartbeat=100)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            del socket
            gc.collect()
        assert [warning.category for warning in warned] == [ResourceWarning]
        await nothing_connected(session)


async def test_an_open_one_has_its_place_in_the_pool() -> None:
    async with scripted(speaking(echo)) as server, ClientSession(connector=TCPConnector(limit=1)) as session:
        first = await session.ws_connect(server.url())
        second = asyncio.ensure_future(session.ws_connect(server.url()))
        await until(lambda: session.connector is not None and session.connector.stats().waiting == 1)
        assert not second.done()
        await first.close()
        await (await second).close()
