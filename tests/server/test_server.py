"""A server without an application."""

import asyncio
from types import SimpleNamespace

import pytest

from pronghorn import web
from pronghorn.testing import RawTestServer

from .peer import GET, connect, eventually, in_memory, open_in_memory


async def hello(request: web.BaseRequest) -> web.Response:
    return web.Response(text=f"{type(request).__name__} {request.path}")


async def test_it_is_a_protocol_factory() -> None:
    loop = asyncio.get_running_loop()
    server = web.Server(hello)
    listening = await loop.create_server(server, "127.0.0.1", 0)
    try:
        host, port = listening.sockets[0].getsockname()
        async with connect(SimpleNamespace(host=host, port=port)) as peer:
            assert (await peer.ask(target="/x")).text == "BaseRequest /x"
            assert len(server.connections) == 1
    finally:
        listening.close()
        await server.shutdown(5)
    assert server.connections == []


async def test_requests_may_be_of_another_kind() -> None:
    class Mine(web.BaseRequest):
        pass

    async with RawTestServer(hello, request_factory=Mine) as server, connect(server) as peer:
        assert (await peer.ask()).text == "Mine /"


async def test_connections_come_and_go() -> None:
    first = await in_memory(hello)
    server = first.server
    second = open_in_memory(server)
    assert len(server.connections) == 2
    first.transport.abort()
    await eventually(lambda: len(server.connections) == 1)
    second.transport.abort()
    await eventually(lambda: not server.connections)


async def test_idle_connections_close_at_once() -> None:
    idle = await in_memory(hello)
    idle.server.pre_shutdown()
    assert idle.transport.is_closing()
    assert not idle.transport.was_aborted
    async with asyncio.timeout(5):
        await idle.server.shutdown(60)


async def test_open_requests_are_answered_then_the_connection_closes() -> None:
    gate = asyncio.Event()

    async def wait(request: web.BaseRequest) -> web.Response:
        await gate.wait()
        return web.Response(text="done")

    busy = await in_memory(wait)
    busy.feed(GET * 2)
    shutdown = asyncio.create_task(busy.server.shutdown(60))
    await asyncio.sleep(0)
    assert not busy.transport.is_closing()
    gate.set()
    await shutdown
    assert busy.sent.count(b"HTTP/1.1 200 OK") == 1
    assert b"Connection: close" in busy.sent
    assert busy.transport.has_ended


@pytest.mark.parametrize("is_stubborn", [False, True])
async def test_what_does_not_end_in_time_is_cancelled(is_stubborn: bool) -> None:
    cancelled = asyncio.Event()

    async def wait(request: web.BaseRequest) -> web.Response:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            if not is_stubborn:
                raise
        return web.Response(text="anyway")

    busy = await in_memory(wait)
    busy.feed(GET)
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await busy.server.shutdown(0.01)
    assert cancelled.is_set()
    assert busy.is_over


async def test_a_shutdown_that_is_cancelled_leaves_nothing_open() -> None:
    async def wait(request: web.BaseRequest) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    busy = await in_memory(wait)
    busy.feed(GET)
    await asyncio.sleep(0)
    (connection,) = busy.server.connections
    task = connection.task
    assert task is not None
    shutdown = asyncio.create_task(busy.server.shutdown(60))
    await asyncio.sleep(0)
    shutdown.cancel()
    with pytest.raises(asyncio.CancelledError):
        await shutdown
    await eventually(lambda: busy.is_over and task.done())


async def test_a_handler_that_does_not_end_is_cancelled_and_named(caplog: pytest.LogCaptureFixture) -> None:
    async def hang(request: web.BaseRequest) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError("never")

    async with RawTestServer(hang, shutdown_timeout=0) as server, connect(server) as peer:
        peer.writer.write(GET)
        assert server.handler is not None
        await eventually(lambda: server.handler.connections[0].request)
        await server.close()
        assert await peer.rest() == b""
    lines = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert lines == ["<BaseRequest GET /> was not answered in time: its handler is cancelled"]
