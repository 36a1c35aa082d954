"""Handlers of every shape, ended from outside at any moment: nothing is left, and no half answer looks whole.

Once on a connection in memory, which is acted on at each turn of the loop until the handler comes through;
once on an exchange in memory, cancelled at each await of the call.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from pronghorn import web
from pronghorn.io.stream import StreamReader
from pronghorn.testing import MemoryExchange
from pronghorn.testing.memory import make_request

from ..server.peer import MemoryConnection, open_in_memory
from .stepping import MOST_STEPS, CancelledAt, held, turns

PIECES = 6
SIZE = PIECES * 10_000
HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % SIZE
LARGE = bytes(200_000)
#: What the peer takes in one turn, and what the transport holds before writers wait.
TAKEN = 30_000

#: Deadlines so short that each has a timer of its own.
PRECISE: dict[str, Any] = dict.fromkeys(
    ("head_timeout", "body_timeout", "write_timeout", "keepalive_timeout"), 4.0
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def plain(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return web.Response(text="ok")


async def large(request: web.Request) -> web.StreamResponse:
    return web.Response(body=LARGE)


async def reading(request: web.Request) -> web.StreamResponse:
    return web.Response(text=str(len(await request.read())))


async def reading_lines(request: web.Request) -> web.StreamResponse:
    async for _ in request.content.iter_chunked(1000):
        await asyncio.sleep(0)
    return web.Response(text="ok")


async def reading_in_time(request: web.Request) -> web.StreamResponse:
    async with asyncio.timeout(60):
        return await reading(request)


async def streaming(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(5):
        await response.write(LARGE[:50_000])
    return response


async def streaming_a_length(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    response.content_length = 250_000
    await response.prepare(request)
    for _ in range(5):
        await response.write(LARGE[:50_000])
    return response


async def echoing(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    async for piece in request.content.iter_any():
        await response.write(piece)
    await response.write_eof()
    return response


async def reading_a_file(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    with Path(__file__).open("rb") as file:
        await response.prepare(request)
        while piece := file.read(10_000):
            await response.write(piece)
            await asyncio.sleep(0)
    return response


async def with_children(request: web.Request) -> web.StreamResponse:
    async with asyncio.TaskGroup() as group:
        group.create_task(turns(3))
        body = group.create_task(request.read())
    return web.Response(text=str(len(body.result())))


async def refusing(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(0)
    raise web.HTTPForbidden(text="no")


async def failing_before_the_head(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(0)
    raise ZeroDivisionError


async def failing_after_the_head(request: web.Request) -> web.StreamResponse:
    await streaming(request)
    raise ZeroDivisionError


async def pieces(then: type[BaseException] | None, is_open: list[int]) -> AsyncIterator[bytes]:
    is_open.append(1)
    try:
        for _ in range(3):
            await asyncio.sleep(0)
            yield LARGE[:50_000]
        if then is not None:
            raise then
    finally:
        is_open.pop()


GENERATORS: list[int] = []


def generating(then: type[BaseException] | None) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        async with aclosing(pieces(then, GENERATORS)) as body:
            await response.prepare(request)
            async for piece in body:
                await response.write(piece)
        return response

    return handler


WHOLE = {
    handler.__name__: handler
    for handler in (
        plain,
        large,
        reading,
        reading_lines,
        reading_in_time,
        streaming,
        streaming_a_length,
        echoing,
        reading_a_file,
        with_children,
        refusing,
        failing_before_the_head,
    )
} | {"generating": generating(None)}
BROKEN = {
    "failing_after_the_head": failing_after_the_head,
    "a generator that fails": generating(ZeroDivisionError),
    "a generator that is cancelled": generating(asyncio.CancelledError),
}
SHAPES = WHOLE | BROKEN


def is_whole(sent: bytes) -> bool:
    """The framing of an answer says that all of it has come."""
    head, _, content = sent.partition(b"\r\n\r\n")
    if b"Transfer-Encoding: chunked" in head:
        return content.endswith(b"\r\n0\r\n\r\n")
    for line in head.split(b"\r\n"):
        if line.startswith(b"Content-Length: "):
            return len(content) == int(line.removeprefix(b"Content-Length: "))
    return False


# What happens to a request, and what its settings have to be


def cancel(connection: MemoryConnection, task: "asyncio.Task[None]") -> None:
    task.cancel()


def vanish(connection: MemoryConnection, task: "asyncio.Task[None]") -> None:
    connection.transport.abort()


def send_no_more(connection: MemoryConnection, task: "asyncio.Task[None]") -> None:
    connection.feed_eof()


def break_the_body(connection: MemoryConnection, task: "asyncio.Task[None]") -> None:
    """Vanish once the next piece of the body is there, in the same turn."""
    if connection.transport.is_reading:
        connection.feed(b"x")
    connection.transport.abort()


ACTS = {
    "cancelled": (cancel, {}),
    "vanished": (vanish, {}),
    "vanished, handlers are cancelled": (vanish, {"handler_cancellation": True}),
    "vanished with a piece": (break_the_body, {"handler_cancellation": True}),
    "half-closed": (send_no_more, {}),
    "half-closed, handlers are cancelled": (send_no_more, {"handler_cancellation": True}),
}


async def play(
    handler: Handler, step: int, act: Callable[[Any, Any], None], settings: dict[str, Any]
) -> bool:
    """One request to ``handler``, on which ``act`` falls at turn ``step``; whether it came to that."""
    server = web.Server(handler, **PRECISE, **settings)
    before = held()
    connection = open_in_memory(server)
    connection.transport.set_write_buffer_limits(high=2 * TAKEN)
    connection.transport.is_stalled = True
    (owner,) = server.connections
    connection.feed(HEAD)
    left, turn = PIECES, 0
    while owner.task is not None:
        assert turn < MOST_STEPS, "the handler does not end"
        if turn == step:
            act(connection, owner.task)
        elif not connection.transport.is_closing():
            if turn % 2 and left and turn < step and connection.transport.is_reading:
                connection.feed(bytes(SIZE // PIECES))
                left -= 1
            elif turn % 2 == 0:
                connection.transport.take(TAKEN)
        turn += 1
        await asyncio.sleep(0)
    came_to_it = turn > step
    if not connection.transport.is_closing():
        connection.transport.take()
    await turns()
    await check(connection, came_to_it and act is cancel)
    await server.shutdown(0)
    await turns()
    assert connection.is_over
    assert held() == before
    return came_to_it


async def check(connection: MemoryConnection, was_cancelled: bool) -> None:
    """What was sent is whole, or can be told from what is; a connection that is still open can be used."""
    sent, transport = connection.sent, connection.transport
    assert not GENERATORS
    if not is_whole(sent) and (sent or was_cancelled):
        assert transport.was_aborted
    if transport.was_aborted:
        await turns()
        assert connection.is_over


@pytest.mark.parametrize(("act", "settings"), ACTS.values(), ids=ACTS)
@pytest.mark.parametrize("handler", SHAPES.values(), ids=SHAPES)
async def test_each_turn(
    handler: Handler,
    act: Callable[[Any, Any], None],
    settings: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL)
    await play(handler, MOST_STEPS, act, settings)  # what is made once is made
    step = 0
    while await play(handler, step, act, settings):
        step += 1
    assert step > 0 or handler is large


@pytest.mark.parametrize("handler", WHOLE.values(), ids=WHOLE)
async def test_the_connection_serves_another_request(handler: Handler) -> None:
    """What the stepping leaves out: without it the answer is whole, and the next one is."""
    server = web.Server(handler)
    connection = open_in_memory(server)
    connection.feed(HEAD + bytes(SIZE))
    (owner,) = server.connections
    for _ in range(2):
        async with asyncio.timeout(10):
            while owner.task is not None or not connection.sent:
                connection.transport.take()
                await asyncio.sleep(0)
        await turns()
        assert is_whole(connection.sent)
        if handler is failing_before_the_head:
            assert connection.transport.is_closing()
            break
        connection.transport.sent.clear()
        connection.feed(HEAD + bytes(SIZE))
    await server.shutdown(0)


class Playing:
    """The peer of an exchange in memory: sends a piece of the body and takes what there is at each turn."""

    def __init__(self) -> None:
        self.exchange = MemoryExchange(method="POST", writable=2 * TAKEN)
        self.body = StreamReader(self.exchange)
        self.request = make_request("POST", body=self.body, exchange=self.exchange)

    async def play(self) -> None:
        for _ in range(PIECES):
            self.body.feed_data(bytes(SIZE // PIECES))
            self.exchange.take()
            await asyncio.sleep(0)
        self.body.feed_eof()
        while True:
            self.exchange.take()
            await asyncio.sleep(0)


async def answer(handler: Handler, request: web.Request) -> None:
    try:
        response = await handler(request)
    except web.HTTPException as error:
        response = error
    if not response.send_nowait(request):
        await response._complete(request)


@pytest.mark.parametrize("when", ["waiting", "woken"])
@pytest.mark.parametrize("handler", SHAPES.values(), ids=SHAPES)
async def test_each_await(handler: Handler, when: str) -> None:
    for step in range(1, MOST_STEPS):
        before = held()
        playing = Playing()
        peer = asyncio.create_task(playing.play())
        call = CancelledAt(answer(handler, playing.request), step, when)
        task = asyncio.create_task(_awaited(call))
        await asyncio.wait([task], timeout=10)
        assert task.done(), f"hangs when cancelled at await {step}"
        if not task.cancelled() and (error := task.exception()) is not None:
            assert isinstance(error, ZeroDivisionError)
        peer.cancel()
        await asyncio.wait([peer])
        await turns()
        assert held() == before
        assert not GENERATORS
        if call.steps < step:
            assert playing.exchange.has_ended is (handler in WHOLE.values() and not has_failed(task))
            return
        assert not playing.exchange.has_ended or not task.cancelled()
    pytest.fail(f"not through after {MOST_STEPS} awaits")


def has_failed(task: "asyncio.Task[None]") -> bool:
    return task.cancelled() or task.exception() is not None


async def _awaited(awaitable: Awaitable[None]) -> None:
    await awaitable
