"""WebSockets of our client to our server: over TCP, over TLS, and in memory."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pronghorn import (
    BasicAuth,
    ClientSession,
    TCPConnector,
    WSMsgType,
    WSServerHandshakeError,
    web,
)
from pronghorn.testing import AppConnector, TestServer
from pronghorn.websocket import broadcast

from ..client.websocket_servers import echo as raw_echo
from ..resilience.stepping import held, turns
from ..server.peer import connect
from ..tls import client_context, server_context
from .echoing import echo
from .frames import TEXT, connected, speaking
from .listening import Listener, nothing_connected, nothing_left
from .scripted import Peer, scripted, until

WAYS = pytest.mark.parametrize("way", ["tcp", "tls", "memory"])


@asynccontextmanager
async def serving(
    way: str = "tcp", **handlers: Callable[[Any], Any]
) -> AsyncIterator[tuple[ClientSession, str]]:
    """A session, and the URL of a server with these handlers, by name, and an echo at /ws."""
    app = web.Application()
    for name, handler in {"ws": echo(), **handlers}.items():
        app.router.add_route("*", f"/{name}", handler)
    if way == "memory":
        async with ClientSession(connector=AppConnector(app)) as session:
            yield session, "ws://in.memory"
        return
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_context() if way == "tls" else None)
    await site.start()
    connector = TCPConnector(ssl=client_context() if way == "tls" else True)
    try:
        async with ClientSession(connector=connector) as session:
            yield session, f"{'wss' if way == 'tls' else 'ws'}://127.0.0.1:{site.port}"
    finally:
        await runner.cleanup()


# Messages


@WAYS
@pytest.mark.parametrize("compress", [0, 15])
async def test_messages_of_all_sizes(way: str, compress: int) -> None:
    async with serving(way) as (session, url), session.ws_connect(f"{url}/ws", compress=compress) as socket:
        for size in (0, 1, 125, 126, 65_535, 65_536, 1_000_000, 4_000_000):
            await socket.send_str("x" * size)
            await socket.send_bytes(b"y" * size)
            assert await socket.receive_str() == "x" * size
            assert await socket.receive_bytes() == b"y" * size
        await socket.send_json({"a": [1]})
        assert await socket.receive_json() == {"a": [1]}
    assert socket.close_code == 1000


@WAYS
async def test_many_messages_are_echoed_in_order(way: str) -> None:
    async with serving(way) as (session, url), session.ws_connect(f"{url}/ws") as socket:

        async def send() -> None:
            for number in range(20_000):
                await socket.send_str(str(number))

        sending = asyncio.create_task(send())
        for number in range(20_000):
            assert await socket.receive_str() == str(number)
        await sending


@WAYS
async def test_a_client_that_closes_behind_its_messages_gets_its_answers(way: str) -> None:
    """The close frame is answered when the handler comes to it."""
    async with serving(way) as (session, url):
        socket = await session.ws_connect(f"{url}/ws")
        for number in range(1000):
            await socket.send_str(str(number))
        endpoint: Any = socket._endpoint
        endpoint.channel.write(endpoint.machine.close(1000))  # what `close` does, without forgetting answers
        assert [message.data async for message in socket] == [str(number) for number in range(1000)]
        assert socket.close_code == 1000
        await socket.close()


@WAYS
async def test_many_sockets_at_once(way: str) -> None:
    async with serving(way) as (session, url):

        async def use(number: int) -> None:
            async with session.ws_connect(f"{url}/ws", heartbeat=30) as socket:
                for _ in range(10):
                    await socket.send_str(str(number))
                    assert await socket.receive_str() == str(number)
            assert socket.close_code == 1000

        await asyncio.gather(*[use(number) for number in range(50)])
        await nothing_connected(session)


@WAYS
async def test_both_sides_wait_for_each_other(way: str) -> None:
    """A client that sends and does not receive stops an echo, which stops the client."""
    async with serving(way) as (session, url):
        socket = await session.ws_connect(f"{url}/ws", max_msg_size=0)
        sent = 0

        async def send() -> None:
            nonlocal sent
            for _ in range(500):
                await socket.send_bytes(bytes(100_000))
                sent += 1

        sending = asyncio.create_task(send())
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.1)
        assert sent < 400
        for _ in range(500):
            assert len(await socket.receive_bytes()) == 100_000
        await sending
        await socket.close()
        assert socket.close_code == 1000


async def test_heartbeats_of_both_sides() -> None:
    sockets: list[web.WebSocketResponse] = []

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=0.02)
        sockets.append(socket)
        await socket.prepare(request)
        async for _ in socket:
            pass
        return socket

    async with serving(beat=handler) as (session, url):
        async with session.ws_connect(f"{url}/beat", heartbeat=0.02) as socket:
            with pytest.raises(TimeoutError):
                await socket.receive(0.3)
            assert not socket.closed
            assert sockets[0].close_code is None
        assert sockets[0].close_code == 1000


async def test_a_server_finds_that_its_client_is_dead() -> None:
    found: list[Any] = []

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=0.1)
        await socket.prepare(request)
        start = asyncio.get_running_loop().time()
        message = await socket.receive()
        found.append((message, socket.close_code, asyncio.get_running_loop().time() - start))
        return socket

    async with (
        serving(beat=handler) as (session, url),
        session.ws_connect(f"{url}/beat", autoping=False) as socket,
    ):
        await until(lambda: found)  # nobody answers the ping
        message, code, seconds = found[0]
        assert message.type is WSMsgType.ERROR
        assert isinstance(message.data, TimeoutError)
        assert code == 1006
        assert 0.14 < seconds < 1
        assert (await socket.receive()).type is WSMsgType.PING


async def test_broadcasting() -> None:
    sockets: list[web.WebSocketResponse] = []

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        sockets.append(socket)
        async for _ in socket:
            pass
        return socket

    async with serving(hear=handler) as (session, url):
        clients = [
            await session.ws_connect(f"{url}/hear", compress=compress)
            for compress in (0, 15, 9)
            for _ in range(5)
        ]
        await until(lambda: len(sockets) == 15)
        for data in ("x" * 1000, b"y" * 100_000):
            assert broadcast(sockets, data) == []
            for client in clients:
                assert (await client.receive()).data == data
        await clients[0].close()
        (gone,) = broadcast(sockets, "z")
        assert gone.closed
        for client in clients[1:]:
            assert await client.receive_str() == "z"
            await client.close()


# Opening


async def test_redirects_and_credentials() -> None:
    """As those of requests: of another origin nothing is told that was for the first."""
    seen: list[Any] = []

    async def there(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers)
        return await echo()(request)

    async with serving(ws=there) as (other, there_url):
        del other

        async def here(request: web.Request) -> web.Response:
            return web.Response(status=302, headers={"Location": "/ws"})

        async def away(request: web.Request) -> web.Response:
            return web.Response(status=307, headers={"Location": there_url.replace("ws:", "http:") + "/ws"})

        async with serving(ws=there, here=here, away=away) as (session, url):
            for path, is_same in (("here", True), ("away", False)):
                seen.clear()
                async with session.ws_connect(
                    f"{url}/{path}", auth=BasicAuth("u", "p"), headers={"Cookie": "a=1"}, protocols=["x"]
                ) as socket:
                    await socket.send_str("a")
                    assert await socket.receive_str() == "a"
                (headers,) = seen
                assert ("Authorization" in headers) is is_same
                assert ("Cookie" in headers) is is_same
                assert headers["Sec-WebSocket-Protocol"] == "x"


async def test_credentials_and_cookies_of_the_session() -> None:
    seen: list[Any] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers)
        return await echo()(request)

    async with (
        TestServer(_app(handler)) as server,
        ClientSession(
            auth=BasicAuth("u", "p"), headers={"X-A": "1"}, cookies={"a": "1"}, base_url=server.make_url("/")
        ) as session,
    ):
        async with session.ws_connect("/ws"):
            pass
        session.cookie_jar.update_cookies({"a": "1"}, server.make_url("/"))
    (headers,) = seen
    assert headers["Authorization"] == "Basic dTpw"
    assert headers["X-A"] == "1"


def _app(handler: Callable[[Any], Any]) -> web.Application:
    app = web.Application()
    app.router.add_route("*", "/ws", handler)
    return app


async def test_middlewares_see_the_handshake() -> None:
    seen: list[Any] = []

    async def middleware(request: Any, handler: Any) -> Any:
        request.headers["X-Token"] = "t"
        response = await handler(request)
        seen.append((request.method, response.status))
        return response

    async def token(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("X-Token"))
        return await echo()(request)

    async with (
        TestServer(_app(token)) as server,
        ClientSession(middlewares=[middleware]) as session,
        session.ws_connect(server.make_url("/ws")) as socket,
    ):
        await socket.send_str("a")
        assert await socket.receive_str() == "a"
    assert seen == ["t", ("GET", 101)]


async def test_tracing_hears_of_the_handshake() -> None:
    listener = Listener()
    async with TestServer(_app(echo())) as server, listener.session() as session:
        async with session.ws_connect(server.make_url("/ws")) as socket:
            await socket.send_str("a")
            assert await socket.receive_str() == "a"
        assert listener.of("request_end").response.status == 101
        assert "request_exception" not in listener.events
        with pytest.raises(WSServerHandshakeError):
            await session.ws_connect(server.make_url("/nothing"))


async def test_a_proxy_is_asked_for_a_tunnel() -> None:
    """Of a WebSocket it needs to know nothing (RFC 6455 section 4.1)."""

    async def proxy(peer: Peer) -> None:
        request = await peer.head()
        assert (request.method, request.target) == ("CONNECT", "ws.example:80")
        assert "Upgrade" not in request.fields
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        await speaking(raw_echo)(peer)

    async with (
        scripted(proxy) as server,
        ClientSession() as session,
        session.ws_connect("ws://ws.example/ws", proxy=server.url()) as socket,
    ):
        await socket.send_str("a")
        assert await socket.receive_str() == "a"
    assert socket.close_code == 1000


async def test_the_connection_serves_before_and_after_a_refusal() -> None:
    async def plain(request: web.Request) -> web.Response:
        return web.Response(text=str(request.transport and request.transport.get_extra_info("peername")))

    async with serving(plain=plain) as (session, url):
        plain_url = url.replace("ws:", "http:") + "/plain"
        async with session.get(plain_url) as response:
            first = await response.text()
        for _ in range(2):
            with pytest.raises(WSServerHandshakeError, match="expected 101, got 200"):
                await session.ws_connect(plain_url)
        with pytest.raises(WSServerHandshakeError, match="404"):
            await session.ws_connect(f"{url}/nothing")
        async with session.get(plain_url) as response:
            assert await response.text() == first
        async with session.ws_connect(f"{url}/ws") as socket:
            peername = socket.get_extra_info("sockname")
            assert str(peername) == first
        async with session.get(plain_url) as response:
            assert await response.text() != first  # a connection that has switched does not come back
        await nothing_left(session)


async def test_a_page_of_another_origin_is_refused() -> None:
    async with serving(guarded=echo(origins=["https://good.example"])) as (session, url):
        for origin in (None, "https://evil.example"):
            with pytest.raises(WSServerHandshakeError, match="403") as refused:
                await session.ws_connect(f"{url}/guarded", origin=origin)
            assert refused.value.body == b"Origin: not allowed"
        async with session.ws_connect(f"{url}/guarded", origin="https://good.example"):
            pass


@pytest.mark.parametrize("turn", range(0, 60, 2))
async def test_connecting_that_is_cancelled_leaves_nothing(turn: int) -> None:
    async with serving() as (session, url):
        connecting = asyncio.ensure_future(session.ws_connect(f"{url}/ws", heartbeat=100))
        for _ in range(turn):
            await asyncio.sleep(0)
        connecting.cancel()
        try:
            socket = await connecting
        except asyncio.CancelledError:
            pass
        else:
            await socket.close()
        await nothing_connected(session)


async def test_nothing_is_left_of_a_thousand() -> None:
    async with serving() as (session, url):

        async def use() -> None:
            async with session.ws_connect(f"{url}/ws", heartbeat=100) as socket:
                await socket.send_str("a")
                await socket.receive_str()

        await use()
        await nothing_connected(session)
        gc.collect()
        await turns()
        before = held()
        for _ in range(100):
            await asyncio.gather(*[use() for _ in range(10)])
        await nothing_connected(session)
        await until(lambda: held().files <= before.files and held().tasks <= before.tasks)
        assert held().timers <= before.timers + 2


async def test_a_raw_client_and_ours_hear_the_same() -> None:
    """What broadcast writes is one frame for both."""
    sockets: list[web.WebSocketResponse] = []

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        sockets.append(socket)
        await socket.receive()
        return socket

    async with TestServer(_app(handler)) as server, connect(server) as peer, ClientSession() as session:
        wire = await connected(peer, Sec_WebSocket_Extensions="permessage-deflate")
        async with session.ws_connect(server.make_url("/ws")) as socket:
            await until(lambda: len(sockets) == 2)
            assert broadcast(sockets, "x" * 1000) == []
            read = await wire.read()
            assert (read.first, read.payload) == (0x80 | TEXT, b"x" * 1000)
            assert await socket.receive_str() == "x" * 1000
        wire.close(1000)
        await wire.read()
