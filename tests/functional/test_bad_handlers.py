"""Handlers that do not do what they should: one clear line in the log, no half answer that looks whole."""

import asyncio
import logging
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pronghorn import web
from pronghorn.testing import TestServer
from pronghorn.typedefs import Handler

from ..server.peer import GET, Peer, connect, eventually

WATCHED = web.RequestKey("WATCHED", bool)

AnyHandler = Callable[[web.Request], Any]


@web.middleware
async def passing(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request)


@web.middleware
async def watching(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    finally:
        request[WATCHED] = True


def alone(handler: Any) -> web.Application:
    app = web.Application()
    app.router.add_route("*", "/", handler)
    return app


def behind(handler: Any) -> web.Application:
    app = alone(handler)
    app.middlewares.extend([passing, watching])
    return app


def below(handler: Any) -> web.Application:
    app = web.Application(middlewares=[watching])
    app.add_subapp("/sub", behind(handler))
    return app


async def ignore(request: web.Request, response: web.StreamResponse) -> None: ...


def watched(handler: Any) -> web.Application:
    app = below(handler)
    app.on_response_prepare.append(ignore)
    return app


STACKS: Any = {
    "alone": alone,
    "behind middlewares": behind,
    "below another": below,
    "with a listener": watched,
}
anywhere = pytest.mark.parametrize("stack", STACKS.values(), ids=STACKS)


class Log:
    """What the server logged, from WARNING on."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    @property
    def lines(self) -> list[str]:
        return [record.getMessage() for record in self._records]

    @property
    def errors(self) -> list[object]:
        return [record.exc_info[1] for record in self._records if record.exc_info is not None]

    @property
    def _records(self) -> list[logging.LogRecord]:
        return [record for record in self._caplog.records if record.levelno >= logging.WARNING]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Log:
    return Log(caplog)


@asynccontextmanager
async def asked(stack: Any, handler: AnyHandler, **settings: Any) -> AsyncIterator[Peer]:
    """Who has asked the handler."""
    app = stack(handler)
    target = "/sub/" if app._subapps else "/"
    async with TestServer(app, **settings) as server, connect(server) as peer:
        peer.request(target=target)
        yield peer


def reset(peer: Peer) -> None:
    """The client goes, and what is sent to it is refused."""
    sock = peer.writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.vanish()


async def expect_failure(peer: Peer) -> None:
    """An answer that says nothing of why, and the end."""
    answer = await peer.answer()
    assert (answer.status, answer.text, answer["connection"]) == (500, "500: Internal Server Error", "close")
    assert answer["content-type"] == "text/plain; charset=utf-8"
    assert await peer.is_closed()


# What is no response


class Own:
    """No response, though it looks like one."""

    status = 200
    body = b"text"


@anywhere
@pytest.mark.parametrize(
    "result",
    [
        None,
        "text",
        b"bytes",
        204,
        {"a": 1},
        (200, "ok"),
        Own(),
        web.Response,
        web.HTTPNotFound,
        True,
        [],
        object(),
    ],
    ids=repr,
)
async def test_what_is_no_response_is_500(stack: Any, result: object, log: Log) -> None:
    async def handler(request: web.Request) -> object:
        return result

    async with asked(stack, handler) as peer:
        await expect_failure(peer)
    (line,) = log.lines
    assert line.startswith("Error handling <Request GET /")
    (error,) = log.errors
    assert isinstance(error, TypeError)
    assert f"should return a response, got {type(result).__name__}" in str(error)


@anywhere
@pytest.mark.filterwarnings("ignore:Bare functions:DeprecationWarning")
async def test_a_bare_function_that_returns_none(stack: Any, log: Log) -> None:
    async with asked(stack, lambda request: None) as peer:
        await expect_failure(peer)
    assert len(log.lines) == 1


async def test_a_middleware_that_returns_nothing(log: Log) -> None:
    @web.middleware
    async def forgets(request: web.Request, handler: Handler) -> Any:
        await handler(request)

    async def handler(request: web.Request) -> web.Response:
        return web.Response()

    def stack(handler: Any) -> web.Application:
        app = alone(handler)
        app.middlewares.append(forgets)
        return app

    async with asked(stack, handler) as peer:
        await expect_failure(peer)
    assert len(log.lines) == 1


@anywhere
async def test_one_response_for_two_requests(stack: Any, log: Log) -> None:
    response = web.StreamResponse()

    async def handler(request: web.Request) -> web.StreamResponse:
        return response

    app = stack(handler)
    target = "/sub/" if app._subapps else "/"
    async with TestServer(app) as server, connect(server) as peer:
        assert (await peer.ask(target=target)).status == 200
        assert not log.lines
        peer.request(target=target)
        await expect_failure(peer)
    (error,) = log.errors
    assert "should return a new response" in str(error)


# What raises


@anywhere
@pytest.mark.parametrize(
    "error",
    [ValueError("secret"), KeyError("secret"), StopAsyncIteration(), TimeoutError(), OSError(5, "secret")],
)
async def test_what_is_raised_is_500(stack: Any, error: Exception, log: Log) -> None:
    async def handler(request: web.Request) -> web.Response:
        raise error

    async with asked(stack, handler) as peer:
        await expect_failure(peer)
    assert log.errors == [error]


@anywhere
async def test_connection_errors_of_others_are_no_news_of_the_client(stack: Any, log: Log) -> None:
    async def handler(request: web.Request) -> web.Response:
        raise ConnectionResetError("of a database")

    async with asked(stack, handler) as peer:
        await expect_failure(peer)
    assert len(log.lines) == 1


@anywhere
@pytest.mark.parametrize("returns", [False, True])
async def test_an_http_exception_may_be_raised_or_returned(stack: Any, returns: bool, log: Log) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        refusal = web.HTTPForbidden(text="no", headers={"X-Why": "so"})
        if returns:
            return refusal
        raise refusal

    async with asked(stack, handler) as peer:
        answer = await peer.answer()
        assert (answer.status, answer.text, answer["x-why"]) == (403, "no", "so")
        assert "connection" not in answer
    assert not log.lines


@anywhere
async def test_a_listener_that_fails(stack: Any, log: Log) -> None:
    async def fail(request: web.Request, response: web.StreamResponse) -> None:
        raise LookupError("secret")

    async def handler(request: web.Request) -> web.Response:
        return web.Response(text="ok")

    def listened(handler: Any) -> web.Application:
        app: web.Application = stack(handler)
        app.on_response_prepare.append(fail)
        return app

    async with asked(listened, handler) as peer:
        await expect_failure(peer)
    assert len(log.lines) == 1


# After the head was sent


async def _raise(response: web.StreamResponse) -> Any:
    raise LookupError("half")


async def _none(response: web.StreamResponse) -> Any:
    return None


async def _another(response: web.StreamResponse) -> Any:
    return web.Response(text="another")


async def _refuse(response: web.StreamResponse) -> Any:
    raise web.HTTPForbidden


@anywhere
@pytest.mark.parametrize("length", [None, 10], ids=["chunked", "counted"])
@pytest.mark.parametrize("end", [_raise, _none, _another, _refuse])
async def test_half_an_answer_does_not_look_whole(
    stack: Any, length: int | None, end: Callable[[web.StreamResponse], Awaitable[Any]], log: Log
) -> None:
    async def handler(request: web.Request) -> Any:
        response = web.StreamResponse()
        response.content_length = length
        await response.prepare(request)
        await response.write(b"half")
        return await end(response)

    async with asked(stack, handler) as peer:
        answer = await peer.answer()
        assert (answer.status, answer.is_whole) == (200, False)
        assert await peer.rest() == b""
    assert len(log.lines) == 1


@anywhere
async def test_a_failure_after_a_whole_answer(stack: Any, log: Log) -> None:
    async def handler(request: web.Request) -> Any:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write_eof(b"whole")
        raise LookupError("late")

    async with asked(stack, handler) as peer:
        answer = await peer.answer()
        assert (answer.text, answer.is_whole) == ("whole", True)
    assert len(log.lines) == 1


@anywhere
async def test_less_than_was_announced(stack: Any, log: Log) -> None:
    async def handler(request: web.Request) -> Any:
        response = web.StreamResponse()
        response.content_length = 10
        await response.prepare(request)
        await response.write(b"half")
        return response

    async with asked(stack, handler) as peer:
        answer = await peer.answer()
        assert not answer.is_whole
    assert len(log.lines) == 1


# Who hangs


@anywhere
@pytest.mark.parametrize("has_begun", [False, True])
async def test_who_hangs_is_cancelled_in_the_end(stack: Any, has_begun: bool) -> None:
    ended: list[object] = []

    async def handler(request: web.Request) -> Any:
        if has_begun:
            response = web.StreamResponse()
            await response.prepare(request)
            await response.write(b"half")
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError as error:
            ended.append(error)
            raise

    app = stack(handler)
    server = TestServer(app, shutdown_timeout=0.05)
    await server.start_server()
    async with connect(server) as peer:
        peer.request(target="/sub/" if app._subapps else "/")
        await eventually(
            lambda: any(connection.task for connection in server.server.connections), "the request"
        )
        if has_begun:
            assert b" 200 OK\r\n" in await peer.reader.readuntil(b"half\r\n")
        await server.close()
        assert await peer.rest() == b""
    assert len(ended) == 1


@anywhere
async def test_who_does_not_end_though_cancelled(stack: Any) -> None:
    """One that answers when it is cancelled is heard: what it says is whole, or not there."""

    async def handler(request: web.Request) -> web.Response:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            return web.Response(text="late")
        raise LookupError

    app = stack(handler)
    server = TestServer(app, shutdown_timeout=0.05)
    await server.start_server()
    async with connect(server) as peer:
        peer.request(target="/sub/" if app._subapps else "/")
        await eventually(
            lambda: any(connection.task for connection in server.server.connections), "the request"
        )
        await server.close()
        rest = await peer.rest()
        assert not rest or rest.endswith(b"\r\n\r\nlate")


# Who outlives its client


@asynccontextmanager
async def abandoned(stack: Any, handler: AnyHandler) -> AsyncIterator[None]:
    """The handler runs, and its client has gone."""
    app = stack(handler)
    async with TestServer(app) as server:
        async with connect(server) as peer:
            peer.request(target="/sub/" if app._subapps else "/")
            await eventually(lambda: any(connection.task for connection in server.server.connections))
            reset(peer)
        await eventually(lambda: not server.server.connections, "the end of the connection")
        yield


@anywhere
@pytest.mark.parametrize("has_begun", [False, True])
async def test_who_outlives_its_client_ends_quietly(stack: Any, has_begun: bool, log: Log) -> None:
    gate, done = asyncio.Event(), asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if has_begun:
            await response.prepare(request)
        try:
            await gate.wait()
            if has_begun:
                for _ in range(10):
                    await response.write(b"more")
        finally:
            done.set()
        return response

    async with abandoned(stack, handler):
        gate.set()
        await done.wait()
    assert not log.lines


@anywhere
async def test_one_that_fails_without_its_client_is_logged(stack: Any, log: Log) -> None:
    gate = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        await gate.wait()
        raise LookupError("its own")

    async with abandoned(stack, handler):
        gate.set()
        await eventually(lambda: log.lines, "the line in the log")
    assert len(log.lines) == 1


@anywhere
async def test_one_that_is_cancelled_with_its_client(stack: Any, log: Log) -> None:
    ended = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()
        raise LookupError

    async with asked(stack, handler, handler_cancellation=True) as peer:
        await asyncio.sleep(0)
        peer.vanish()
        async with asyncio.timeout(5):
            await ended.wait()
    assert not log.lines


@anywhere
async def test_who_cancels_itself(stack: Any, log: Log) -> None:
    """Nobody asked it to: the client sees that nothing comes."""

    async def handler(request: web.Request) -> web.Response:
        raise asyncio.CancelledError

    async with asked(stack, handler) as peer:
        assert await peer.rest() == b""


async def test_the_next_request_is_not_answered_with_what_was_left(log: Log) -> None:
    """Pipelined behind one that failed: the connection ends with the failure."""

    async def handler(request: web.Request) -> Any:
        return None

    async with TestServer(alone(handler)) as server, connect(server) as peer:
        peer.send(GET * 3)
        await expect_failure(peer)
    assert len(log.lines) == 1
