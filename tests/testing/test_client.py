import asyncio
import gc
import weakref

import pytest
from yarl import URL

from pronghorn import ClientResponse, ClientTimeout, DummyCookieJar, ServerDisconnectedError, web
from pronghorn.testing import RawTestServer, TestClient, TestServer


async def echo(request: web.BaseRequest) -> web.Response:
    return web.json_response(
        {
            "method": request.method,
            "target": request.raw_path,
            "fields": dict(request.headers),
            "body": await request.text(),
        },
        headers={"X-Method": request.method},
    )


def server() -> RawTestServer:
    return RawTestServer(echo)


@pytest.mark.parametrize("method", ["get", "options", "head", "post", "put", "patch", "delete"])
async def test_each_method(method: str) -> None:
    async with TestClient(server()) as client:
        response = await getattr(client, method)("/path?q=1", headers={"X-A": "b"})
        assert response.status == 200
        assert response.headers["X-Method"] == method.upper()
        if method != "head":
            echoed = await response.json()
            assert echoed["target"] == "/path?q=1"
            assert echoed["fields"]["X-A"] == "b"


async def test_any_method_and_a_body() -> None:
    async with TestClient(server()) as client:
        async with client.request("REPORT", "/", data=b"content") as response:
            echoed = await response.json()
        assert (echoed["method"], echoed["body"]) == ("REPORT", "content")
        response = await client.post("/", json={"a": 1})
        assert (await response.json())["body"] == '{"a": 1}'


async def test_the_session_takes_its_options() -> None:
    timeout = ClientTimeout(total=5)
    async with TestClient(server(), headers={"X-Default": "1"}, timeout=timeout) as client:
        assert client.session.timeout == timeout
        async with client.get("/") as response:
            assert (await response.json())["fields"]["X-Default"] == "1"


async def test_the_server_lives_and_ends_with_the_client() -> None:
    app = web.Application()
    app.router.add_get("/", echo)
    client = TestClient(TestServer(app))
    assert client.server.runner is None
    async with client:
        assert client.server.runner is not None
        assert client.make_url("/a") == URL(f"http://127.0.0.1:{client.server.port}/a")
        assert (await client.get("/")).status == 200
    assert client.session.closed
    assert client.server.runner is None


async def test_starting_and_closing_by_hand() -> None:
    client = TestClient(server())
    await client.start_server()
    await client.start_server()
    assert (await client.get("/")).status == 200
    await client.close()
    await client.close()


async def test_a_url_may_be_given() -> None:
    async with TestClient(server()) as client:
        async with client.get(client.make_url("/a")) as response:
            assert (await response.json())["target"] == "/a"
        async with client.get(URL("/b")) as response:
            assert (await response.json())["target"] == "/b"
        with pytest.raises(ValueError, match="expected a path or a URL of"):
            await client.get("http://example.org/")
        with pytest.raises(ValueError, match="expected a path or a URL of"):
            await client.ws_connect(URL("ws://example.org/"))


async def test_what_it_says_of_its_server() -> None:
    app = web.Application()
    client = TestClient(TestServer(app), loop=asyncio.get_running_loop())
    assert client.app is app
    assert (client.host, client.port) == ("127.0.0.1", None)
    async with client:
        assert client.port == client.server.port is not None
    raw = TestClient(server())
    assert raw.app is None
    await raw.close()


async def test_it_needs_a_server() -> None:
    with pytest.raises(TypeError, match="server: expected a BaseTestServer, got <Application"):
        TestClient(web.Application())  # type: ignore[arg-type]  # that it is refused is the point


async def test_a_plain_with_is_refused() -> None:
    client = TestClient(server())
    with pytest.raises(TypeError, match="TestClient: expected `async with`"), client:
        pass
    client.__exit__()
    await client.close()


async def remember(request: web.BaseRequest) -> web.Response:
    """Sets a cookie, and says which it was sent."""
    return web.Response(text=request.headers.get("Cookie", ""), headers={"Set-Cookie": "a=1"})


async def test_cookies_of_an_address_are_kept() -> None:
    async with TestClient(RawTestServer(remember)) as client:
        assert await (await client.get("/")).text() == ""
        assert await (await client.get("/")).text() == "a=1"
    async with TestClient(RawTestServer(remember), cookie_jar=DummyCookieJar()) as client:
        await client.get("/")
        assert await (await client.get("/")).text() == ""


async def test_a_connection_that_the_server_drops_is_noticed() -> None:
    """A session would send such a request once more."""
    count = 0

    async def handler(request: web.BaseRequest) -> web.Response:
        nonlocal count
        count += 1
        if count == 2:
            assert request.transport
            request.transport.abort()
        return web.Response()

    async with TestClient(RawTestServer(handler)) as client:
        await (await client.get("/")).read()
        with pytest.raises(ServerDisconnectedError):
            await client.get("/")
        assert count == 2


async def test_redirects_of_head_are_followed() -> None:
    """As aiohttp's test client has it, and its session has not."""

    async def handler(request: web.BaseRequest) -> web.Response:
        if request.path == "/":
            return web.Response(status=302, headers={"Location": "/there"})
        return web.Response(headers={"X-Path": request.path})

    async with TestClient(RawTestServer(handler)) as client:
        assert (await client.head("/")).headers["X-Path"] == "/there"


# What is open when it is closed


async def test_open_responses_are_closed() -> None:
    gone = asyncio.Event()

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"begun")
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()
        return response

    client = TestClient(RawTestServer(handler, handler_cancellation=True))
    await client.start_server()
    responses = [await client.get("/") for _ in range(3)]
    assert [await response.content.readexactly(5) for response in responses] == [b"begun"] * 3
    assert not any(response.closed for response in responses)
    await client.close()
    assert all(response.closed for response in responses)
    await gone.wait()


async def test_a_response_that_is_forgotten_stays_until_then() -> None:
    """It is not left to the garbage collector, which warns."""
    async with TestClient(RawTestServer(large)) as client:
        response = weakref.ref(await client.get("/"))
        gc.collect()
        kept = response()
        assert kept is not None
        assert not kept.closed
    assert kept.closed


async def large(request: web.BaseRequest) -> web.Response:
    return web.Response(body=bytes(1 << 20))


async def test_responses_that_are_closed_are_not_kept() -> None:
    async with TestClient(server()) as client:
        responses: list[weakref.ref[ClientResponse]] = []
        for _ in range(200):
            async with client.get("/") as response:
                responses.append(weakref.ref(response))
        del response
        gc.collect()
        assert sum(response() is not None for response in responses) <= 64


async def test_open_websockets_are_closed() -> None:
    codes: list[int | None] = []

    async def handler(request: web.BaseRequest) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data)
        codes.append(socket.close_code)
        return socket

    async with TestClient(RawTestServer(handler)) as client:
        first, second = await client.ws_connect("/"), await client.ws_connect(URL("/"))
        await first.send_str("a")
        assert await first.receive_str() == "a"
    assert first.closed
    assert second.closed
    assert codes == [1000, 1000]


async def test_closing_goes_on_when_a_part_of_it_fails() -> None:
    """The session and the server are closed, and what was raised is raised."""

    class Server(RawTestServer):
        async def close(self) -> None:
            await super().close()
            raise LookupError("a server of one's own")

    client = TestClient(Server(echo))
    await client.start_server()
    response = await client.get("/")
    with pytest.raises(LookupError):
        await client.close()
    assert client.session.closed
    assert client.server.closed
    assert response.closed


async def test_closing_that_is_cancelled_leaves_nothing_open() -> None:
    begun = asyncio.Event()
    release = asyncio.Event()

    async def handler(request: web.BaseRequest) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoclose=False)
        await socket.prepare(request)
        await socket.receive()
        begun.set()
        await release.wait()
        return socket

    client = TestClient(RawTestServer(handler, shutdown_timeout=0.01))
    await client.start_server()
    socket = await client.ws_connect("/")
    closing = asyncio.create_task(client.close())
    await begun.wait()
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert client.session.closed
    assert client.server.closed
    assert socket.closed


# Classes of ones own


async def test_what_derives_from_it_can_stand_before_every_request() -> None:
    class Client(TestClient):
        async def _request(self, method: str, path: str | URL, **options: object) -> ClientResponse:
            return await super()._request(method, path, headers={"X-By": "Client"})

    async with Client(server()) as client:
        for response in (await client.get("/"), await client.request("PUT", "/")):
            assert (await response.json())["fields"]["X-By"] == "Client"


def test_pytest_does_not_collect_it() -> None:
    assert not TestClient.__test__
