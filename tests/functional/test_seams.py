"""What other packages build themselves, override and derive from, as they do it."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from pronghorn import (
    BaseConnector,
    ClientConnectorError,
    ClientRequest,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
    RequestInfo,
    StreamReader,
    TCPConnector,
    web,
)
from pronghorn.body.payload import BytesPayload, Payload, Writer
from pronghorn.client.protocol import ResponseHandler
from pronghorn.testing import RawTestServer, TestServer


async def hello(request: web.BaseRequest) -> web.Response:
    return web.Response(text=f"{request.method} {request.path}")


# Connectors


class UnixConnector(BaseConnector):
    """Opens connections in its own way."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.seen: list[URL] = []

    async def _create_connection(
        self, req: ClientRequest, traces: Sequence[object], timeout: ClientTimeout
    ) -> ResponseHandler:
        self.seen.append(req.url)
        _, protocol = await asyncio.get_running_loop().create_unix_connection(self._factory, str(self.path))
        return protocol


async def test_a_connector_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    server = web.Server(hello)
    listening = await asyncio.get_running_loop().create_unix_server(server, str(path))
    connector = UnixConnector(path)
    async with ClientSession(connector=connector) as session:
        for _ in range(2):
            async with session.get("http://anywhere/x") as response:
                assert await response.text() == "GET /x"
    assert connector.seen == [URL("http://anywhere/x")]  # the second request took the same connection
    listening.close()
    await server.shutdown(1)


class _Protocol(ResponseHandler):
    def __init__(self, loop: asyncio.AbstractEventLoop, writer: asyncio.StreamWriter) -> None:
        super().__init__(loop)
        self._writer = writer


class TunnelConnector(TCPConnector):
    """Wraps only the dialling, as connectors for SOCKS do: a stream is opened and given our protocol."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port
        self.asked: list[tuple[Any, ...]] = []

    async def _wrap_create_connection(
        self,
        *args: Any,
        addr_infos: Sequence[Any],
        req: ClientRequest,
        timeout: ClientTimeout,
        client_error: type[ClientConnectorError] = ClientConnectorError,
        **kwargs: Any,
    ) -> tuple[asyncio.Transport, ResponseHandler]:
        self.asked.append((addr_infos[0][4][:2], timeout.sock_connect))
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        protocol = _Protocol(asyncio.get_running_loop(), writer)
        writer.transport.set_protocol(protocol)
        protocol.connection_made(writer.transport)
        return writer.transport, protocol  # type: ignore[return-value]  # what its transport is


async def test_a_connector_that_wraps_only_the_dialling() -> None:
    async with RawTestServer(hello) as server:
        assert server.port is not None
        connector = TunnelConnector(server.port)
        async with ClientSession(connector=connector) as session:
            for _ in range(2):
                async with session.post("http://127.0.0.2:81/y", data=b"x") as response:
                    assert await response.text() == "POST /y"
    assert connector.asked == [(("127.0.0.2", 81), 30.0)]


async def test_dialling_fails_with_the_error_that_was_asked_for() -> None:
    class Mine(ClientConnectorError):
        pass

    class Connector(TCPConnector):
        async def _wrap_create_connection(self, *args: Any, **kwargs: Any) -> Any:
            return await super()._wrap_create_connection(*args, **{**kwargs, "client_error": Mine})

    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        async with ClientSession(connector=Connector()) as session:
            with pytest.raises(Mine, match=r"^Cannot connect to host 127\.0\.0\.1"):
                await session.get(f"http://127.0.0.1:{bound.getsockname()[1]}/")


async def test_what_a_connector_has_in_use_and_idle() -> None:
    connector = TCPConnector()
    async with RawTestServer(hello) as server, ClientSession(connector=connector) as session:
        started = asyncio.Event()

        async def body() -> AsyncIterator[bytes]:
            started.set()
            await asyncio.sleep(0)
            yield b"x"

        asking = asyncio.ensure_future(session.post(server.make_url("/"), data=body()))
        await started.wait()
        (connection,) = connector._acquired
        assert connector._conns == {}
        await (await asking).read()
        assert connector._acquired == set()
        assert connector._conns == {connection.address: [(connection.channel, connection.idle_since)]}
        assert connection.transport is not None


# Responses


def made(body: bytes = b'{"a": 1}', status: int = 200) -> ClientResponse:
    """As packages do that answer instead of a server."""
    url = URL("http://example.com/path#part")
    fields = CIMultiDict({"Content-Type": "application/json"})
    response = ClientResponse(
        "GET",
        url,
        request_info=RequestInfo(url, "GET", CIMultiDictProxy(CIMultiDict()), url),
        writer=None,
        continue100=None,
        timer=None,
        traces=[],
        loop=asyncio.get_running_loop(),
        session=None,
    )
    response._headers = CIMultiDictProxy(fields)
    response._raw_headers = ((b"Content-Type", b"application/json"),)
    response.status = status
    response.reason = "As It Was"
    response.content = StreamReader(None, 2**16, loop=asyncio.get_running_loop())
    response.content.feed_data(body)
    response.content.feed_eof()
    return response


async def test_a_response_that_was_made_by_hand() -> None:
    response = made()
    assert (response.status, response.reason, response.method, response.ok) == (200, "As It Was", "GET", True)
    assert response.url == URL("http://example.com/path")
    assert response.real_url == URL("http://example.com/path#part")
    assert response.content_type == "application/json"
    assert response.raw_headers == ((b"Content-Type", b"application/json"),)
    assert response.history == ()
    assert repr(response) == "<ClientResponse(http://example.com/path) [200 As It Was]>"
    assert response.connection is None
    assert response._session is None
    assert await response.json() == {"a": 1}
    assert await response.read() == b'{"a": 1}'
    assert response.release() is not None
    response.close()


async def test_the_status_of_a_response_that_was_made_by_hand() -> None:
    with pytest.raises(ClientResponseError) as caught:
        made(status=404).raise_for_status()
    assert (caught.value.status, caught.value.message) == (404, "As It Was")
    assert caught.value.request_info.real_url == URL("http://example.com/path#part")


async def test_a_response_that_knows_its_request_alone() -> None:
    response = ClientResponse("PUT", "http://example.com/a")
    assert (response.status, response.reason, response.version) == (0, None, None)
    assert response.headers == {}
    assert response.raw_headers == ()
    assert response.request_info == RequestInfo(response.url, "PUT", response.headers, response.url)
    assert await response.read() == b""


@pytest.mark.parametrize("has_own_init", [False, True])
async def test_a_session_makes_responses_of_the_class_it_is_given(has_own_init: bool) -> None:
    given: dict[str, Any] = {}

    class Plain(ClientResponse):
        async def shout(self) -> str:
            return (await self.text()).upper()

    class WithInit(Plain):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            given.update(kwargs, args=args)

    kind = WithInit if has_own_init else Plain
    async with RawTestServer(hello) as server, ClientSession(response_class=kind) as session:
        async with session.get(server.make_url("/loud")) as response:
            assert type(response) is kind
            assert await response.shout() == "GET /LOUD"
        if has_own_init:
            assert given["args"] == ("GET", server.make_url("/loud"))
            assert given["session"] is session
            assert given["request_info"] == response.request_info


async def test_every_request_goes_through_one_inner_call() -> None:
    calls = []

    async def instead(self: ClientSession, method: str, url: Any, **options: Any) -> ClientResponse:
        calls.append((method, self._build_url(url), dict(self._prepare_headers(options.get("headers")))))
        return made()

    with patch.object(ClientSession, "_request", instead):
        async with ClientSession("http://base.test/api/", headers={"A": "1"}) as session:
            for method in ("get", "options", "head", "post", "put", "patch", "delete"):
                async with getattr(session, method)("x", headers={"B": "2"}) as response:
                    assert await response.json() == {"a": 1}
            await session.request("REPORT", "/y", headers={"a": "3"})
    assert [call[0] for call in calls] == "GET OPTIONS HEAD POST PUT PATCH DELETE REPORT".split()
    assert calls[0][1:] == (URL("http://base.test/api/x"), {"A": "1", "B": "2"})
    assert calls[-1][1:] == (URL("http://base.test/y"), {"a": "3"})


# Bodies


class Counting(Payload):
    """A payload that writes itself."""

    async def write(self, writer: Writer) -> None:
        for number in range(self._value):
            await writer.write(b"%d;" % number)


async def test_a_payload_of_another_kind() -> None:
    async def echo(request: web.BaseRequest) -> web.Response:
        return web.json_response([request.content_type, (await request.read()).decode()])

    async with RawTestServer(echo) as server, ClientSession() as session:
        data = Counting(3, content_type="text/x-count")
        async with session.post(server.make_url("/"), data=data) as response:
            assert await response.json() == ["text/x-count", "0;1;2;"]


class Shouting(BytesPayload):
    """Sends other bytes than it was given, as many."""

    async def write(self, writer: Writer) -> None:
        await writer.write(self._value.upper())


async def test_a_payload_of_bytes_with_a_write_of_its_own() -> None:
    async def echo(request: web.BaseRequest) -> web.Response:
        return web.Response(body=await request.read())

    async with (
        RawTestServer(echo) as server,
        ClientSession() as session,
        session.post(server.make_url("/"), data=Shouting(b"body")) as response,
    ):
        assert await response.read() == b"BODY"


# The server's side


async def test_a_request_class_is_a_request_factory() -> None:
    class Mine(web.BaseRequest):
        @property
        def word(self) -> str:
            return self.path.strip("/")

    async def handler(request: web.BaseRequest) -> web.Response:
        assert isinstance(request, Mine)
        return web.Response(text=request.word)

    async with (
        RawTestServer(handler, request_factory=Mine) as server,
        ClientSession() as session,
        session.get(server.make_url("/word")) as response,
    ):
        assert await response.text() == "word"


async def test_an_application_that_makes_its_own_requests() -> None:
    class Mine(web.Request):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.note = "noted"

    class App(web.Application):
        def _make_request(self, message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> Mine:  # type: ignore[override]  # as users write it
            return Mine(message, payload, protocol, writer, task, loop=None, client_max_size=3)

    async def handler(request: web.Request) -> web.Response:
        assert isinstance(request, Mine)
        assert request.app is app
        return web.json_response([request.note, (await request.read()).decode()])

    app = App()
    app.router.add_post("/", handler)
    async with TestServer(app) as server, ClientSession() as session:
        async with session.post(server.make_url("/"), data=b"abc") as response:
            assert await response.json() == ["noted", "abc"]
        async with session.post(server.make_url("/"), data=b"abcd") as response:
            assert response.status == 413


async def test_instruments_wrap_what_applications_and_routers_do() -> None:
    seen = []

    class Router(web.UrlDispatcher):
        async def resolve(self, request: web.Request) -> web.AbstractMatchInfo:
            seen.append("resolve")
            return await super().resolve(request)

    async def handle(self: web.Application, request: web.Request) -> web.StreamResponse:
        seen.append("handle")
        return await inner(self, request)

    inner = web.Application._handle
    with patch.object(web.Application, "_handle", handle):
        app = web.Application()
        app._router = Router()
        app.router.add_get("/", hello)
        async with (
            TestServer(app) as server,
            ClientSession() as session,
            session.get(server.make_url("/")) as response,
        ):
            assert await response.text() == "GET /"
    assert seen == ["handle", "resolve"]


@pytest.mark.parametrize("is_started", [False, True])
async def test_instruments_wrap_the_router_in_place(is_started: bool) -> None:
    """The class, as Sentry's do, or one router, before or after the application has started."""
    seen = []

    def wrapped(kind: str, inner: Any) -> Any:
        async def resolve(*arguments: Any) -> Any:
            seen.append(kind)
            return await inner(*arguments)

        return resolve

    app = web.Application()
    app.router.add_get("/", hello)
    async with AsyncExitStack() as stack:
        if is_started:
            server = await stack.enter_async_context(TestServer(app))
        of_class = wrapped("class", web.UrlDispatcher.resolve)
        stack.enter_context(patch.object(web.UrlDispatcher, "resolve", of_class))
        stack.enter_context(patch.object(app.router, "resolve", wrapped("router", app.router.resolve)))
        if not is_started:
            server = await stack.enter_async_context(TestServer(app))
        session = await stack.enter_async_context(ClientSession())
        async with session.get(server.make_url("/")) as response:
            assert await response.text() == "GET /"
    assert seen == ["router", "class"]


async def test_a_response_class_of_the_users() -> None:
    class Shouting(web.StreamResponse):
        async def say(self, text: str) -> None:
            await self.write(text.upper().encode())

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = Shouting(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        await response.say("loud")
        return response

    async with (
        RawTestServer(handler) as server,
        ClientSession() as session,
        session.get(server.make_url("/")) as response,
    ):
        assert await response.text() == "LOUD"


class Site(web.BaseSite):
    """A site that begins to listen in a `start` of its own."""

    def __init__(
        self, runner: web.BaseRunner, sock: socket.socket, *, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(runner, ssl_context=ssl_context, backlog=16)
        self._sock = sock

    @property
    def name(self) -> str:
        return "site://mine"

    async def start(self) -> None:
        await super().start()
        server = self._runner.server
        assert server is not None
        self._server = await asyncio.get_running_loop().create_server(
            server, sock=self._sock, ssl=self._ssl_context, backlog=self._backlog
        )


async def test_a_site_of_the_users() -> None:
    runner = web.ServerRunner(web.Server(hello))
    await runner.setup()
    sock = socket.create_server(("127.0.0.1", 0))
    site = Site(runner, sock)
    await site.start()
    assert runner.sites == [site]
    assert runner.addresses == [sock.getsockname()]
    async with (
        ClientSession() as session,
        session.get(f"http://127.0.0.1:{sock.getsockname()[1]}/") as response,
    ):
        assert json.dumps(await response.text()) == '"GET /"'
    await runner.cleanup()
    assert runner.sites == []


# Streams


class Pausable:
    """A protocol that feeds a stream."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def pause_reading(self) -> None:
        self.calls.append("pause")

    def resume_reading(self) -> None:
        self.calls.append("resume")


async def test_a_stream_pauses_the_protocol_that_feeds_it() -> None:
    protocol = Pausable()
    stream = StreamReader(protocol, 10, loop=asyncio.get_running_loop())
    stream.feed_data(b"x" * 20)
    assert protocol.calls == []
    stream.feed_data(b"x")
    stream.feed_data(b"x")
    assert protocol.calls == ["pause"]
    assert await stream.readexactly(12) == b"x" * 12
    assert protocol.calls == ["pause"]
    assert await stream.readexactly(1) == b"x"
    assert protocol.calls == ["pause", "resume"]
    stream.feed_data(b"x" * 20)
    assert protocol.calls == ["pause", "resume", "pause"]
    stream.feed_eof()
    assert len(await stream.read()) == 29


async def test_a_stream_of_nobodys() -> None:
    stream = StreamReader()
    stream.feed_data(b"abc")
    stream.feed_eof()
    assert list(stream._buffer) == [b"abc"]
    assert stream._buffer_offset == 0
    assert await stream.read(1) == b"a"
    assert stream._buffer_offset == 1
