"""How WebSockets end: who closes, with which code, who drops the connection, and in what time."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pronghorn import ClientSession, WSMsgType, web
from pronghorn.testing import TestServer

from ..server.peer import connect, eventually, served, serving
from .echoing import echo
from .frames import CLOSE, TEXT, Wire, connected, frame
from .listening import nothing_connected
from .scripted import until

Use = Callable[[web.WebSocketResponse], Awaitable[Any]]


def using(use: Use, **options: Any) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A handler that opens a WebSocket and uses it."""

    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(**options)
        await socket.prepare(request)
        other = await use(socket)
        return other if isinstance(other, web.StreamResponse) else socket

    return handler


@asynccontextmanager
async def wired(use: Use, **options: Any) -> AsyncIterator[Wire]:
    """A raw client's WebSocket to a handler that does ``use``."""
    async with served(using(use, **options)) as peer:
        yield await connected(peer)


async def iterate(socket: web.WebSocketResponse) -> None:
    async for _ in socket:
        pass


# The client closes


@pytest.mark.parametrize("code", [1000, 1001, 1011, 3000, 4999])
async def test_our_server_answers_and_drops_first(code: int) -> None:
    codes: list[Any] = []

    async def use(socket: web.WebSocketResponse) -> None:
        await iterate(socket)
        codes.append((socket.close_code, socket.exception(), socket.closed))

    async with wired(use) as wire:
        wire.close(code, b"why")
        answer = await wire.read()
        assert (answer.opcode, answer.code, answer.payload[2:]) == (CLOSE, code, b"")
        assert await wire.is_at_end()
    assert codes == [(code, None, True)]


async def test_a_close_frame_without_a_code() -> None:
    async with wired(iterate) as wire:
        wire.send(CLOSE)
        assert (await wire.read()).payload == b""
        assert await wire.is_at_end()


async def test_messages_before_a_close_frame_are_answered() -> None:
    async with served(echo()) as peer:
        wire = await connected(peer)
        wire.write(frame(TEXT, b"a", masked=True) * 100 + frame(CLOSE, b"\x03\xe8", masked=True))
        for _ in range(100):
            assert (await wire.read()).payload == b"a"
        assert (await wire.read()).code == 1000
        assert await wire.is_at_end()


async def test_a_handler_that_is_slow_can_answer_what_came_before_the_close_frame() -> None:
    async def use(socket: web.WebSocketResponse) -> None:
        await socket.receive()
        await until(lambda: socket.close_code is not None)
        await socket.send_str("late")
        await iterate(socket)

    async with wired(use) as wire:
        wire.send(TEXT, b"a")
        wire.close(1000)
        assert (await wire.read()).payload == b"late"
        assert (await wire.read()).code == 1000


async def test_a_client_that_drops_at_once_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    codes: list[Any] = []

    async def use(socket: web.WebSocketResponse) -> None:
        await iterate(socket)
        codes.append(socket.close_code)

    with caplog.at_level(logging.WARNING):
        for ending in ("close", "end", "vanish", "half"):
            async with wired(use) as wire:
                if ending == "close":
                    wire.close(1000)
                if ending == "half":
                    wire.end()
                    assert await wire.is_at_end()
                elif ending == "vanish":
                    wire.peer.vanish()
                else:
                    wire.peer.writer.close()
                await eventually(lambda: codes)
                codes.clear()
    assert not caplog.records


async def test_a_handler_that_only_sends_is_stopped_and_that_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stopped: list[Exception] = []

    async def use(socket: web.WebSocketResponse) -> None:
        try:
            while True:
                await socket.send_str("tick")
                await asyncio.sleep(0.001)
        except ConnectionResetError as error:
            stopped.append(error)
            raise

    with caplog.at_level(logging.WARNING):
        async with wired(use) as wire:
            wire.close(1000)
            while (read := await wire.read()).opcode == TEXT:
                pass
            assert (read.opcode, read.code) == (CLOSE, 1000)
            assert await wire.is_at_end()
            await eventually(lambda: stopped)
    assert not caplog.records


# The server closes


@pytest.mark.parametrize(
    ("code", "message", "payload"),
    [
        (1000, b"", b"\x03\xe8"),
        (4000, "h\N{LATIN SMALL LETTER E WITH ACUTE}", b"\x0f\xa0h\xc3\xa9"),
        (1001, b"bye", b"\x03\xe9bye"),
    ],
)
async def test_a_handler_closes(code: int, message: str | bytes, payload: bytes) -> None:
    found: list[Any] = []

    async def use(socket: web.WebSocketResponse) -> None:
        found.append(await socket.close(code=code, message=message))
        found.append(await socket.close())
        found.append(socket.close_code)

    async with wired(use) as wire:
        assert (await wire.read()).payload == payload
        wire.close(4001)
        assert await wire.is_at_end()
    assert found == [True, False, 4001]


async def test_a_client_that_does_not_answer_is_waited_for_in_vain() -> None:
    found: list[Any] = []

    async def use(socket: web.WebSocketResponse) -> None:
        await socket.close()
        found.append((socket.close_code, type(socket.exception())))

    async with wired(use, timeout=0.05) as wire:
        assert (await wire.read()).code == 1000
        await eventually(lambda: found)
        assert not await wire.is_at_end()  # a reset: it can tell
    assert found == [(1006, TimeoutError)]


async def flood(socket: web.WebSocketResponse) -> None:
    while True:
        await socket.send_bytes(bytes(100_000))


async def test_a_handler_closes_at_a_client_that_does_not_read() -> None:
    is_over = asyncio.Event()

    async def use(socket: web.WebSocketResponse) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(flood(socket), 0.2)
        await socket.close()
        is_over.set()

    async with served(using(use, timeout=0.1)) as peer:
        await connected(peer)
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport of asyncio's
        async with asyncio.timeout(5):
            await is_over.wait()


HANDLERS: dict[str, tuple[Use, int, bool]] = {}


def ending(code: int, *, is_logged: bool) -> Callable[[Use], Use]:
    def note(use: Use) -> Use:
        HANDLERS[use.__name__] = (use, code, is_logged)
        return use

    return note


@ending(1000, is_logged=False)
async def returns(socket: web.WebSocketResponse) -> None:
    """Leave it to the server."""


@ending(1000, is_logged=False)
async def ends(socket: web.WebSocketResponse) -> None:
    await socket.write_eof()


@ending(1011, is_logged=True)
async def raises(socket: web.WebSocketResponse) -> None:
    raise ZeroDivisionError


@ending(1011, is_logged=True)
async def refuses(socket: web.WebSocketResponse) -> None:
    raise web.HTTPForbidden


@ending(1011, is_logged=True)
async def returns_another(socket: web.WebSocketResponse) -> web.StreamResponse:
    return web.Response(text="hello")


@ending(1011, is_logged=False)
async def is_cancelled(socket: web.WebSocketResponse) -> None:
    task = asyncio.current_task()
    if task is not None:
        task.cancel()
    await asyncio.sleep(0)


@pytest.mark.parametrize(("use", "code", "is_logged"), HANDLERS.values(), ids=HANDLERS)
async def test_how_a_handler_ends(
    use: Use, code: int, is_logged: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async with wired(use) as wire:
        answer = await wire.read()
        assert (answer.opcode, answer.code) == (CLOSE, code)
        wire.close(code)
        assert await wire.is_at_end()
    assert bool(caplog.records) is is_logged
    assert all("Error handling" in record.getMessage() for record in caplog.records)


async def test_who_receives_is_told_when_the_handler_is_over() -> None:
    receiving: list[asyncio.Task[Any]] = []

    async def use(socket: web.WebSocketResponse) -> None:
        receiving.append(asyncio.create_task(socket.receive()))
        await asyncio.sleep(0)
        raise ZeroDivisionError

    async with wired(use) as wire:
        assert (await wire.read()).code == 1011
        async with asyncio.timeout(5):
            assert (await receiving[0]).type is WSMsgType.CLOSING


# The server shuts down


async def test_at_a_shutdown_receivers_are_told_and_the_close_code_is_1001() -> None:
    told: list[Any] = []

    async def use(socket: web.WebSocketResponse) -> None:
        told.extend([message async for message in socket])
        told.append(socket.closed)

    async with TestServer(_app(use)) as server, connect(server) as peer:
        wire = await connected(peer)
        closing = asyncio.create_task(server.close())
        assert (await wire.read()).code == 1001
        wire.close(1001)
        assert await wire.is_at_end()
        await closing
    assert told == [False]


async def test_at_a_shutdown_a_handler_may_have_the_last_word() -> None:
    async def use(socket: web.WebSocketResponse) -> None:
        message = await socket.receive()
        assert (message.type, message.data) == (WSMsgType.CLOSING, 1001)
        await socket.send_str("see you")
        await socket.close(code=1012, message="in a minute")

    async with TestServer(_app(use)) as server, connect(server) as peer:
        wire = await connected(peer)
        closing = asyncio.create_task(server.close())
        assert (await wire.read()).payload == b"see you"
        assert (await wire.read()).payload == b"\x03\xf4in a minute"
        wire.close(1012)
        await closing


async def test_a_shutdown_that_begins_before_the_answer_is_not_missed() -> None:
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        asked.set()
        await may_answer.wait()
        return await using(iterate)(request)

    async with serving(handler, shutdown_timeout=60) as server, connect(server) as peer:
        connecting = asyncio.create_task(connected(peer))
        await asked.wait()
        server.server.pre_shutdown()
        may_answer.set()
        async with asyncio.timeout(5):
            wire = await connecting
            assert (await wire.read()).code == 1001
        wire.close(1001)


@pytest.mark.parametrize("answers", [True, False])
async def test_at_a_shutdown_a_handler_that_does_not_end_is_closed_with_1001(answers: bool) -> None:
    async def use(socket: web.WebSocketResponse) -> None:
        await asyncio.Event().wait()

    async with TestServer(_app(use), shutdown_timeout=0.05) as server, connect(server) as peer:
        wire = await connected(peer)
        closing = asyncio.create_task(server.close())
        assert (await wire.read()).code == 1001
        if answers:
            wire.close(1001)
            peer.writer.close()
        async with asyncio.timeout(5):
            await closing


async def test_our_client_at_a_shutdown() -> None:
    async with TestServer(_app(iterate)) as server, ClientSession() as session:
        sockets = [await session.ws_connect(server.make_url("/ws")) for _ in range(10)]
        closing = asyncio.create_task(server.close())
        for socket in sockets:
            message = await socket.receive()
            assert (message.type, message.data) == (WSMsgType.CLOSE, 1001)
        async with asyncio.timeout(5):
            await closing
            await nothing_connected(session)


def _app(use: Use) -> web.Application:
    app = web.Application()
    app.router.add_get("/ws", using(use))
    return app
