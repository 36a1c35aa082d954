"""What is documented of `WebSocketResponse`, against a client of bytes.

`tests/server/statements.md` says which test shows which statement; these are shown nowhere else.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pronghorn import WSMsgType, web

from ..server.peer import served
from .frames import BINARY, CLOSE, PING, PONG, TEXT, Wire, connected

Use = Callable[[web.WebSocketResponse], Awaitable[Any]]


@asynccontextmanager
async def wired(use: Use, **options: Any) -> AsyncIterator[Wire]:
    """A WebSocket to a handler that does ``use``, whose asserts hold when this is left."""
    failures: list[BaseException] = []

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(**options)
        await socket.prepare(request)
        try:
            await use(socket)
        except BaseException as error:
            failures.append(error)
            raise
        return socket

    async with served(handler) as peer:
        yield await connected(peer)
        await peer.rest()
    for failure in failures:
        raise failure


async def finish(wire: Wire) -> None:
    """The server closes, and is answered."""
    frame = await wire.read()
    assert frame.opcode == CLOSE
    wire.close(frame.code)


def test_the_types_of_messages_are_the_servers_too() -> None:
    assert web.WSMsgType is WSMsgType


async def test_all_that_can_be_sent() -> None:
    async def use(socket: web.WebSocketResponse) -> None:
        await socket.send_str("é")
        await socket.send_bytes(b"\x00")
        await socket.send_json({"a": 1})
        await socket.send_json([1], dumps=lambda data: f"<{data}>")
        await socket.send_json_bytes([1], dumps=lambda data: json.dumps(data).encode())
        await socket.send_frame(b"raw", WSMsgType.BINARY)
        await socket.ping()
        await socket.ping(b"p")
        await socket.pong(b"q")

    async with wired(use) as wire:
        found = [await wire.read() for _ in range(9)]
        await finish(wire)
    assert [(frame.opcode, frame.payload) for frame in found] == [
        *((TEXT, "é".encode()), (BINARY, b"\x00"), (TEXT, b'{"a": 1}'), (TEXT, b"<[1]>")),
        *((found[4].opcode, b"[1]"), (BINARY, b"raw"), (PING, b""), (PING, b"p"), (PONG, b"q")),
    ]


async def test_all_that_can_be_received() -> None:
    async def use(socket: web.WebSocketResponse) -> None:
        message = await socket.receive()
        assert (message.type, message.data) == (WSMsgType.TEXT, "a")
        assert await socket.receive_str(timeout=5) == "b"
        assert await socket.receive_bytes(timeout=5) == b"c"
        assert await socket.receive_json(timeout=5) == {"d": 1}
        assert await socket.receive_json(loads=len, timeout=5) == 3
        with pytest.raises(TypeError):
            await socket.receive_str()

    async with wired(use) as wire:
        for opcode, payload in ((TEXT, b"a"), (TEXT, b"b"), (BINARY, b"c"), (TEXT, b'{"d": 1}')):
            wire.send(opcode, payload)
        wire.send(TEXT, b"[1]")
        wire.send(BINARY, b"e")
        await finish(wire)


async def test_facts_of_one_that_is_open_and_of_one_that_is_closed() -> None:
    async def use(socket: web.WebSocketResponse) -> None:
        assert (socket.prepared, socket.closed, socket.close_code, socket.exception()) == (
            *(True, False, None, None),
        )
        assert (socket.ws_protocol, socket.compress) == (None, 0)
        assert socket.get_extra_info("peername")[0] == "127.0.0.1"
        assert socket.get_extra_info("nothing", 5) == 5
        assert [message.data async for message in socket] == ["a"]
        assert (socket.closed, socket.close_code, socket.exception()) == (True, 4000, None)
        assert (await socket.receive()).type is WSMsgType.CLOSED

    unopened = web.WebSocketResponse()
    assert (unopened.prepared, unopened.closed, unopened.close_code) == (False, False, None)
    async with wired(use) as wire:
        wire.send(TEXT, b"a")
        wire.close(4000)
        assert (await wire.read()).code == 4000


@pytest.mark.parametrize("by", ["close", "end"])
async def test_iterating_ends_with_the_connection(by: str) -> None:
    kinds: list[Any] = []

    async def use(socket: web.WebSocketResponse) -> None:
        kinds.extend([message.type async for message in socket])
        kinds.append(socket.closed)

    async with wired(use) as wire:
        wire.send(TEXT, b"a")
        wire.send(BINARY, b"b")
        if by == "close":
            wire.close(1000)
            await wire.read()
        else:
            wire.end()
    assert kinds == [WSMsgType.TEXT, WSMsgType.BINARY, True]


async def test_one_reader_at_a_time() -> None:
    async def use(socket: web.WebSocketResponse) -> None:
        first = asyncio.create_task(socket.receive_str())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="Concurrent call"):
            await socket.receive()
        await socket.send_str("now")
        assert await first == "a"

    async with wired(use) as wire:
        assert (await wire.read()).payload == b"now"
        wire.send(TEXT, b"a")
        await finish(wire)


async def test_receiving_has_its_time() -> None:
    async def use(socket: web.WebSocketResponse) -> None:
        with pytest.raises(TimeoutError):
            await socket.receive()
        with pytest.raises(TimeoutError):
            await socket.receive_bytes(timeout=0.001)

    async with wired(use, receive_timeout=0.01) as wire:
        await finish(wire)


async def test_pings_may_be_left_to_the_handler() -> None:
    async def use(socket: web.WebSocketResponse) -> None:
        for kind, data in ((WSMsgType.PING, b"a"), (WSMsgType.PONG, b"b")):
            message = await socket.receive()
            assert (message.type, message.data) == (kind, data)
        await socket.pong(b"mine")

    async with wired(use, autoping=False) as wire:
        wire.send(PING, b"a")
        wire.send(PONG, b"b")
        frame = await wire.read()
        assert (frame.opcode, frame.payload) == (PONG, b"mine")
        await finish(wire)


async def test_closing_may_be_left_to_the_handler() -> None:
    async def use(socket: web.WebSocketResponse) -> None:
        message = await socket.receive()
        assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, 4000, "why")
        assert not socket.closed
        assert await socket.close(code=4001, message=b"because")
        assert socket.closed

    async with wired(use, autoclose=False) as wire:
        wire.close(4000, b"why")
        frame = await wire.read()
        assert (frame.opcode, frame.code, frame.payload[2:]) == (CLOSE, 4001, b"because")


async def test_a_silent_client_is_asked_whether_it_is_there() -> None:
    async def use(socket: web.WebSocketResponse) -> None:
        async for _ in socket:
            pass
        assert socket.close_code == 1000

    async with wired(use, heartbeat=0.2) as wire:
        frame = await wire.read()
        assert frame.opcode == PING
        wire.send(PONG, frame.payload)
        wire.close(1000)
        while (await wire.read()).opcode != CLOSE:
            pass


async def test_a_message_says_whether_it_is_compressed() -> None:
    async def use(socket: web.WebSocketResponse) -> None:
        assert socket.compress
        for compress in (None, 0, 15):
            await socket.send_str("x" * 1000, compress)
        await socket.send_bytes(b"x" * 1000, compress=0)
        await socket.send_json("x" * 1000, compress=0)

    async with served(_compressing(use)) as peer:
        wire = await connected(peer, Sec_WebSocket_Extensions="permessage-deflate")
        found = [await wire.read() for _ in range(5)]
        assert [bool(frame.first & 0x40) for frame in found] == [True, False, True, False, False]
        await finish(wire)


def _compressing(use: Use) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await use(socket)
        return socket

    return handler
