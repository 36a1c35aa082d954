"""What requests say of their connection: who holds it, whether the client is still there, its TLS."""

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import pronghorn
from pronghorn import web
from pronghorn.testing import TestServer
from pronghorn.testing.memory import make_request

from ..tls import demanding_context, known_client_context, server_context
from .peer import GET, PATIENCE, connect, eventually, in_memory, open_in_memory, served, serving

Handler = Callable[[Any], Awaitable[web.StreamResponse]]


async def test_loop_is_an_old_name() -> None:
    with pytest.warns(DeprecationWarning, match="get_running_loop"):
        assert make_request().loop is asyncio.get_running_loop()


async def test_the_connection_and_the_task() -> None:
    seen: list[tuple[Any, ...]] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        seen.append((request.transport, request.protocol, request.task, asyncio.current_task()))
        await asyncio.sleep(0)
        assert request.task is asyncio.current_task()
        assert request.get_extra_info("peername") == ("192.0.2.7", 4711)
        assert request.get_extra_info("nothing", 1) == 1
        return web.Response()

    connection = await in_memory(handler)
    connection.feed(GET)
    await eventually(lambda: connection.sent)
    transport, protocol, task, current = seen[0]
    assert transport is connection.transport
    assert protocol in connection.server.connections
    assert task is current
    connection.transport.abort()


async def test_who_closes_the_transport_leaves_nothing_behind_that_was_sent() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"abc")
        transport = request.transport
        assert transport is not None
        transport.close()
        return response

    async with served(handler) as peer:
        peer.request()
        assert (await peer.rest()).endswith(b"\r\n\r\n3\r\nabc\r\n")


# Whether the client is still there


async def leaving(leave: Callable[[Any], object], **settings: Any) -> list[str]:
    """What a handler that waits for its client to leave sees when it does."""
    seen: list[str] = []
    waits = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        assert not request.disconnected.done()
        waits.set()
        try:
            await request.disconnected
            seen.append("gone")
            assert request.disconnected.done()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise
        return web.Response()

    async with serving(handler, **settings) as server, connect(server) as peer:
        peer.request()
        await waits.wait()
        leave(peer)
        await eventually(lambda: seen)
    return seen


@pytest.mark.parametrize("way", ["vanish", "end"])
async def test_a_client_that_leaves(way: str) -> None:
    assert await leaving(lambda peer: getattr(peer, way)()) == ["gone"]


async def test_a_client_that_closes_in_order() -> None:
    assert await leaving(lambda peer: peer.writer.close()) == ["gone"]


async def test_a_client_that_leaves_while_handlers_are_cancelled_for_it() -> None:
    assert await leaving(lambda peer: peer.vanish(), handler_cancellation=True) == ["cancelled"]


async def test_it_can_be_asked_without_waiting() -> None:
    seen: list[bool] = []
    told = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        seen.append(request.disconnected.done())
        assert request.disconnected is request.disconnected
        told.set()
        while not request.disconnected.done():
            await asyncio.sleep(0.001)
        seen.append(request.disconnected.done())
        return web.Response()

    async with serving(handler) as server, connect(server) as peer:
        peer.request()
        await told.wait()
        peer.vanish()
        await eventually(lambda: len(seen) == 2)
    assert seen == [False, True]


async def test_it_can_be_waited_for_beside_work() -> None:
    seen: list[bool] = []

    async def handler(request: web.Request) -> web.Response:
        work = asyncio.create_task(asyncio.Event().wait())
        await asyncio.wait({work, request.disconnected}, return_when=asyncio.FIRST_COMPLETED)
        seen.append(work.done())
        work.cancel()
        return web.Response()

    connection = await in_memory(handler)
    connection.feed(GET)
    await asyncio.sleep(0)
    assert not seen
    connection.transport.abort()
    await eventually(lambda: seen == [False])


async def test_who_sends_no_more_can_still_be_answered() -> None:
    async def handler(request: web.Request) -> web.Response:
        await request.disconnected
        return web.Response(text="still here?")

    async with serving(handler) as server, connect(server) as peer:
        peer.request()
        peer.end()
        assert (await peer.answer()).text == "still here?"


async def test_a_request_that_comes_with_the_end() -> None:
    seen: list[bool] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        await asyncio.sleep(0)
        seen.append(request.disconnected.done())
        return web.Response()

    connection = await in_memory(handler)
    connection.feed(GET)
    connection.feed_eof()
    await eventually(lambda: seen)
    assert seen == [True]
    await eventually(lambda: connection.is_over)


async def test_it_is_cancelled_when_the_request_is_over() -> None:
    waiters: list[asyncio.Task[None]] = []
    kept: list[web.BaseRequest] = []

    async def wait(request: web.BaseRequest) -> None:
        await request.disconnected

    async def handler(request: web.BaseRequest) -> web.Response:
        kept.append(request)
        waiters.append(asyncio.create_task(wait(request)))
        await asyncio.sleep(0)
        return web.Response()

    connection = await in_memory(handler)
    connection.feed(GET)
    await eventually(lambda: connection.sent)
    await asyncio.wait(waiters, timeout=PATIENCE)
    assert waiters[0].cancelled()
    assert kept[0].disconnected.cancelled()
    with pytest.raises(asyncio.CancelledError):
        await kept[0].disconnected
    connection.transport.abort()


async def test_it_is_of_one_request() -> None:
    seen: list[Any] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        seen.append(request.disconnected)
        assert not request.disconnected.done()
        if len(seen) == 3:
            await request.disconnected
        return web.Response()

    connection = await in_memory(handler)
    connection.feed(GET * 3)
    await eventually(lambda: len(seen) == 3)
    assert len({id(each) for each in seen}) == 3
    await eventually(lambda: seen[0].cancelled() and seen[1].cancelled())
    assert not seen[2].done()
    connection.transport.abort()
    await eventually(seen[2].done)
    assert not seen[2].cancelled()


async def test_one_that_somebody_cancelled_is_replaced() -> None:
    seen: list[bool] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        first = request.disconnected
        assert first.cancel()
        assert request.disconnected is not first
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(request.disconnected, 0.001)
        seen.append(request.disconnected.done())
        await request.disconnected
        seen.append(True)
        return web.Response()

    connection = await in_memory(handler)
    connection.feed(GET)
    await eventually(lambda: seen == [False])
    connection.transport.abort()
    await eventually(lambda: seen == [False, True])


async def test_a_clone_is_told_as_well() -> None:
    seen: list[bool] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        clone = request.clone(method="PUT").clone()
        assert clone.disconnected is request.disconnected
        await clone.disconnected
        seen.append(True)
        return web.Response()

    connection = await in_memory(handler)
    connection.feed(GET)
    await asyncio.sleep(0)
    connection.transport.abort()
    await eventually(lambda: seen)


async def test_what_was_asked_for_holds_no_request() -> None:
    requests: list[weakref.ref[web.BaseRequest]] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        requests.append(weakref.ref(request))
        assert not request.disconnected.done()
        return web.Response()

    connection = await in_memory(handler)
    connection.feed(GET)
    await eventually(lambda: requests)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gc.collect()
    assert requests[0]() is None
    assert not connection.is_over
    connection.transport.abort()


async def test_asked_for_when_the_request_is_over() -> None:
    kept: list[web.BaseRequest] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        kept.append(request)
        return web.Response()

    connection = await in_memory(handler)
    connection.feed(GET * 2)
    await eventually(lambda: len(kept) == 2)
    await asyncio.sleep(0)
    assert kept[0].disconnected.cancelled()
    connection.transport.abort()
    await eventually(lambda: connection.is_over)
    assert kept[0].disconnected.cancelled()
    await kept[1].disconnected


async def test_nothing_is_made_for_who_does_not_look() -> None:
    kept: list[web.BaseRequest] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        kept.append(request)
        await asyncio.sleep(0)
        return web.Response()

    connection = open_in_memory(web.Server(handler))
    connection.feed(GET)
    await eventually(lambda: connection.sent)
    assert kept[0]._disconnection is None
    connection.transport.abort()


async def test_a_client_of_a_websocket_that_leaves() -> None:
    seen: list[str] = []

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await request.disconnected
        seen.append("gone")
        return socket

    app = web.Application()
    app.router.add_get("/", handler)
    async with TestServer(app) as server, pronghorn.ClientSession() as session:
        async with session.ws_connect(server.make_url("/")):
            pass
        await eventually(lambda: seen)


# TLS


async def facts(context: Any, client: Any) -> web.Request:
    """A request that came over TLS, and has looked at it."""
    seen: list[web.Request] = []

    async def handler(request: web.Request) -> web.Response:
        assert request.secure
        assert request.scheme == "https"
        assert request.tls is request.tls is not None
        seen.append(request)
        return web.Response(text=str(request.url))

    async with (
        serving(handler, ssl=context) as server,
        pronghorn.ClientSession() as session,
        session.get(server.make_url("/x"), ssl=client) as response,
    ):
        assert await response.text() == str(server.make_url("/x"))
    return seen[0]


async def test_tls_of_a_client_without_a_certificate() -> None:
    tls = (await facts(server_context(), known_client_context())).tls
    assert tls is not None
    assert tls.version == "TLSv1.3"
    assert tls.cipher is not None
    assert tls.cipher.startswith("TLS_")
    assert tls.bits in (128, 256)
    assert (tls.peer_certificate, tls.peer_certificate_der) == (None, None)


async def test_tls_of_a_client_that_is_known() -> None:
    request = await facts(demanding_context(), known_client_context())
    tls = request.tls
    assert tls is not None
    assert tls.peer_certificate is not None
    assert ("email", "client@pronghorn.test") in tls.peer_certificate["subjectAltName"]
    assert tls.peer_certificate_der is not None
    assert tls.peer_certificate_der[0] == 0x30
    assert request.clone().tls is tls


async def test_no_tls() -> None:
    seen: list[object] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        seen.append(request.tls)
        return web.Response()

    connection = await in_memory(handler)
    connection.feed(GET)
    await eventually(lambda: seen)
    assert seen == [None]
    connection.transport.abort()
    assert make_request().tls is None
