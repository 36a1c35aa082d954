"""The arguments of ClientSession."""

import asyncio
import inspect
import json
import os
import zlib
from typing import Any

import pytest
from multidict import CIMultiDict, istr

from pronghorn import (
    BasicAuth,
    ClientHandlerType,
    ClientRequest,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
    ClientWebSocketResponse,
    ConnectionTimeoutError,
    CookieJar,
    DummyCookieJar,
    HttpVersion,
    HttpVersion10,
    HttpVersion11,
    ServerTimeoutError,
    TCPConnector,
    TraceConfig,
    TraceRequestStartParams,
)

from ..functional.programs import HttpProxy, Names, scripted_tls
from ..functional.scripted import OK, Peer, answering, scripted
from ..tls import client_context, server_context
from .row import Here, sent
from .sockets import TEXT, Wire

SHORT = 0.02
SETTING = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\n\r\n"


async def test_s014_one_session_keeps_its_connections() -> None:
    async with scripted(OK) as server, ClientSession() as session:
        for path in ("/a", "/b"):
            async with session.get(server.url(path)) as response:
                assert await response.read() == b"ok"
        assert [peer.requests[1].target for peer in server.peers] == ["/b"]
        assert "Connection" not in server.requests[0].fields
    parameters = inspect.signature(ClientSession).parameters.values()
    assert [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY] == ["base_url"]
    with pytest.raises(TypeError):
        ClientSession(None, TCPConnector())  # type: ignore[call-arg]  # what is tested


async def test_s015_closes_itself_at_the_end_of_async_with() -> None:
    async with ClientSession() as session:
        connector = session.connector
        assert connector is not None
        assert not session.closed
    assert session.closed
    assert connector.closed
    with pytest.raises(TypeError), session:  # type: ignore[attr-defined]  # what is tested
        pass


async def test_s016_connector() -> None:
    class Counting(TCPConnector):
        made = 0

        async def _create_connection(self, *arguments: Any) -> Any:
            self.made += 1
            return await super()._create_connection(*arguments)

    connector = Counting()
    async with scripted(OK) as server, ClientSession(connector=connector) as session:
        assert session.connector is connector
        async with session.get(server.url()):
            assert connector.made == 1
    assert connector.closed
    for options in ({}, {"connector": None}):
        async with ClientSession(**options) as session:
            assert type(session.connector) is TCPConnector
    with pytest.raises(TypeError, match="connector"):
        ClientSession(connector="tcp")  # type: ignore[arg-type]  # what is tested


def test_s017_loop_is_that_of_the_connector_or_the_running_one() -> None:
    async def loops() -> None:
        running = asyncio.get_running_loop()
        async with scripted(OK) as server, TCPConnector() as connector:
            async with ClientSession(connector=connector, connector_owner=False) as first:
                await (await first.get(server.url())).read()
            with pytest.warns(DeprecationWarning, match="loop"):
                assert ClientSession(connector=connector, connector_owner=False).loop is running
            for session in (made_before, ClientSession(loop=None), ClientSession(loop=running)):
                async with session, session.get(server.url()) as response:
                    assert await response.read() == b"ok"
                    with pytest.warns(DeprecationWarning, match="loop"):
                        assert session.loop is running

    made_before = ClientSession()
    asyncio.run(loops())
    other = asyncio.new_event_loop()
    with pytest.warns(DeprecationWarning, match="loop"):
        assert ClientSession(loop=other).loop is other
    other.close()


async def test_s018_cookies() -> None:
    for cookies in ({"a": "1", "b": "2"}, [("a", "1"), ("b", "2")]):
        async with scripted(OK) as server, ClientSession(cookies=cookies) as session:
            for _ in range(2):
                await (await session.get(server.url())).read()
            assert [request.fields.getall("Cookie") for request in server.requests] == [["a=1; b=2"]] * 2
    assert "Cookie" not in (await sent(session={"cookies": None})).fields


async def test_s019_default_headers() -> None:
    pairs = [("X-A", "1"), ("X-B", "2"), ("X-B", "3")]
    for headers in ({"X-A": "1"}, CIMultiDict(pairs), pairs, iter(pairs)):
        request = await sent(session={"headers": headers})
        assert request.fields.getall("X-A") == ["1"]
        assert request.fields.getall("X-B", []) == ([] if isinstance(headers, dict) else ["2", "3"])


async def test_s020_skip_auto_headers() -> None:
    made_up = {"User-Agent", "Accept", "Accept-Encoding", "Content-Type"}
    for names in ((), ["User-Agent"], {"content-type", "ACCEPT"}, [istr("Accept-Encoding")], made_up):
        request = await sent("POST", session={"skip_auto_headers": names}, data=b"body")
        skipped = {str(name).title() for name in names}
        assert {name for name in made_up if name in request.fields} == made_up - skipped
        assert request.fields["Content-Length"] == "4"
    session = {"skip_auto_headers": ["Content-Length", "User-Agent"], "headers": {"User-Agent": "mine"}}
    request = await sent("POST", session=session, data=b"body")
    assert (request.fields["Content-Length"], request.fields["User-Agent"]) == ("4", "mine")


async def test_s021_auth() -> None:
    auth = BasicAuth("user", "pass")
    for options, fields in (({}, []), ({"auth": None}, []), ({"auth": auth}, ["Basic dXNlcjpwYXNz"])):
        for method in ("GET", "POST"):
            assert (await sent(method, session=options)).fields.getall("Authorization", []) == fields
    own = await sent(session={"auth": auth}, headers={"Authorization": "own"})
    assert own.fields.getall("Authorization") == ["own"]
    with pytest.raises(TypeError, match="auth"):
        ClientSession(auth=("user", "pass"))  # type: ignore[arg-type]  # what is tested


async def test_s022_json_serialize() -> None:
    value = {"a": [1, None, "ü"]}
    assert (await sent("POST", json=value)).body == json.dumps(value).encode()
    mine = await sent("POST", json=value, session={"json_serialize": lambda given: f"<{given['a'][0]}>"})
    assert mine.body == b"<1>"
    assert mine.fields["Content-Type"] == "application/json"


@pytest.mark.parametrize("version", [HttpVersion10, HttpVersion11])
async def test_s023_version(version: HttpVersion) -> None:
    heads = []

    async def look(peer: Peer) -> None:
        heads.append(await peer.reader.readuntil(b"\r\n\r\n"))
        await peer.send(OK)
        await peer.rest()

    async with scripted(look) as server, ClientSession(version=version) as session:
        assert session.version == version
        async with session.get(server.url("/a")) as response:
            assert await response.text() == "ok"
    assert heads[0].startswith(b"GET /a HTTP/%d.%d\r\n" % version)
    assert ClientSession().version == HttpVersion11


async def test_s024_cookie_jar() -> None:
    async with scripted(SETTING) as server, Here(server.port) as connector:
        mine = CookieJar()
        for options, later in (({}, None), ({"cookie_jar": None}, None), ({"cookie_jar": mine}, "a=1")):
            cookies = []
            for _ in range(2):
                async with ClientSession(connector=connector, connector_owner=False, **options) as session:
                    for _ in range(2):
                        await (await session.get("http://example.org/")).read()
                    assert type(session.cookie_jar) is CookieJar
                    assert len(session.cookie_jar) == 1
                cookies += [request.fields.get("Cookie") for request in server.requests[-2:]]
            # A jar of its own is a session's alone; one that is given may be that of several.
            assert cookies == [None, "a=1", later, "a=1"]
    with pytest.raises(TypeError, match="cookie_jar"):
        ClientSession(cookie_jar={})  # type: ignore[arg-type]  # what is tested


async def test_s025_cookies_by_a_proxy() -> None:
    async with scripted(SETTING) as proxy, ClientSession(proxy=proxy.url(), cookies={"own": "2"}) as session:
        for _ in range(2):
            async with session.get("http://example.org/") as response:
                assert response.cookies["a"].value == "1"
        assert [cookie.key for cookie in session.cookie_jar] == ["own", "a"]
        cookies = [sorted(request.fields["Cookie"].split("; ")) for request in proxy.requests]
        assert cookies == [["own=2"], ["a=1", "own=2"]]
        assert {request.target for request in proxy.requests} == {"http://example.org/"}


async def test_s026_no_cookies_are_wanted() -> None:
    async with scripted(SETTING) as server:
        async with ClientSession(connector=Here(server.port), cookie_jar=DummyCookieJar()) as session:
            for _ in range(2):
                async with session.get("http://example.org/") as response:
                    assert response.headers["Set-Cookie"] == "a=1"
            assert len(session.cookie_jar) == 0
        assert not any("Cookie" in request.fields for request in server.requests)


async def test_s027_read_timeout_is_the_total() -> None:
    assert ClientSession().timeout == ClientTimeout(total=300, sock_connect=30)
    assert inspect.signature(ClientSession).parameters["read_timeout"].default is not None
    for off in (None, 0):
        with pytest.warns(DeprecationWarning, match="ClientTimeout"):
            assert ClientSession(read_timeout=off).timeout.total is None
    with pytest.raises(ValueError, match="timeout"):
        ClientSession(read_timeout=1, timeout=ClientTimeout(total=2))

    half = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"
    for answer in ((), (half,)):  # before the head, and while the body is read
        async with scripted(answering(*answer, then="stay")) as server:
            with pytest.warns(DeprecationWarning, match="ClientTimeout"):
                session = ClientSession(read_timeout=SHORT)
            async with session:
                with pytest.raises(asyncio.TimeoutError) as caught:
                    await (await session.get(server.url())).read()
                assert not isinstance(caught.value, ServerTimeoutError)


async def test_s028_conn_timeout_is_that_of_connecting() -> None:
    assert ClientSession().timeout.connect is None
    with pytest.warns(DeprecationWarning, match="ClientTimeout"):
        assert ClientSession(conn_timeout=0).timeout == ClientTimeout(total=300, sock_connect=30)
    with pytest.raises(ValueError, match="timeout"):
        ClientSession(conn_timeout=1, timeout=ClientTimeout(total=2))

    async with scripted(answering(OK[:-1], then="stay")) as server:
        with pytest.warns(DeprecationWarning, match="ClientTimeout"):
            session = ClientSession(conn_timeout=SHORT, connector=TCPConnector(limit=1))
        async with session, session.get(server.url(), timeout=ClientTimeout()):  # holds the only connection
            with pytest.raises(ConnectionTimeoutError) as caught:
                await session.get(server.url())
            assert isinstance(caught.value, ServerTimeoutError)


async def test_s029_raise_for_status() -> None:
    refusal = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"
    seen = []

    async def mine(response: ClientResponse) -> None:
        seen.append((response.status, await response.text()))
        raise LookupError

    async def lenient(response: ClientResponse) -> None:
        seen.append((response.status, ""))

    async with scripted(refusal) as server:
        for options in ({}, {"raise_for_status": False}, {"raise_for_status": lenient}):
            async with ClientSession(**options) as session:
                async with session.get(server.url()) as response:
                    assert (response.status, await response.text()) == (404, "no")
                with pytest.raises(ClientResponseError):
                    await session.get(server.url(), raise_for_status=True)
        async with ClientSession(raise_for_status=True) as session:
            for method in ("GET", "POST"):
                with pytest.raises(ClientResponseError) as caught:
                    await session.request(method, server.url())
                assert (caught.value.status, caught.value.message) == (404, "Not Found")
            async with session.get(server.url(), raise_for_status=False) as response:
                assert response.status == 404
        async with ClientSession(raise_for_status=mine) as session:
            with pytest.raises(LookupError):
                await session.get(server.url())
        assert seen == [(404, ""), (404, "no")]
    async with scripted(OK) as server, ClientSession(raise_for_status=True) as session:
        assert await (await session.get(server.url())).text() == "ok"


async def test_s030_connector_owner() -> None:
    async with scripted(SETTING) as server, Here(server.port) as connector:
        for path in ("/a", "/b"):
            async with ClientSession(connector=connector, connector_owner=False) as session:
                await session.get(f"http://example.org{path}")
            assert session.closed
            assert not connector.closed
        (peer,) = server.peers  # the pool is shared, and cookies are not
        assert [request.target for request in peer.requests] == ["/a", "/b"]
        assert not any("Cookie" in request.fields for request in peer.requests)
        await ClientSession(connector=connector, connector_owner=True).close()
        assert connector.closed
    async with ClientSession(connector=TCPConnector()) as session:
        owned = session.connector
    assert owned is not None
    assert owned.closed


async def test_s031_auto_decompress() -> None:
    packed = zlib.compress(b"content")
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    async with scripted(head + packed) as server:
        for options, body in (
            ({}, b"content"),
            ({"auto_decompress": True}, b"content"),
            ({"auto_decompress": False}, packed),
        ):
            async with ClientSession(**options) as session:
                async with session.get(server.url()) as response:
                    assert await response.read() == body
                async with session.get(server.url()) as response:
                    assert await response.content.read() == body


async def test_s032_proxies_never_was_an_argument() -> None:
    with pytest.raises(TypeError, match="proxies"):
        ClientSession(proxies={})  # type: ignore[call-arg]  # what is tested
    async with ClientSession() as session:
        with pytest.raises(TypeError, match="proxies"):
            await session.get("http://127.0.0.1/", proxies={})  # type: ignore[call-arg]  # what is tested


async def test_s033_trust_env(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    http, https = HttpProxy(), HttpProxy()
    secured = server_context("example.test")
    async with scripted(OK) as server, scripted(http) as one, scripted(https) as two:
        monkeypatch.setenv("HTTP_PROXY", f"http://user:secret@127.0.0.1:{one.port}")
        monkeypatch.setenv("HTTPS_PROXY", two.url())
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        for options, trusts in (({}, False), ({"trust_env": False}, False), ({"trust_env": True}, True)):
            connector = TCPConnector(resolver=Names({"example.test": "127.0.0.1"}), ssl=client_context())
            async with ClientSession(connector=connector, **options) as session, scripted_tls(secured) as tls:
                assert session.trust_env is trusts
                for url in (
                    f"http://example.test:{server.port}/a",
                    f"https://example.test:{tls.port}/b",
                    server.url("/c"),
                ):
                    async with session.get(url) as response:
                        assert await response.text() == "ok"
                assert [request.target for request in tls.requests] == ["/b"]
                asked = [f"GET http://example.test:{server.port}/a"] if trusts else []
                assert http.targets == asked
                assert https.targets == ([f"CONNECT example.test:{tls.port}"] if trusts else [])
        assert http.fields("Proxy-Authorization") == ["Basic dXNlcjpzZWNyZXQ="]
        assert [request.target for request in server.requests] == ["/a", "/c", "/a", "/c", "/c"]
        async with ClientSession(trust_env=True, proxy=two.url()) as session:  # what is said counts first
            assert await (await session.get("http://example.test/d")).text() == "ok"
        assert https.targets[1:] == ["GET http://example.test/d"]


async def test_s034_headers_of_a_request_win() -> None:
    defaults = {"X-A": "session", "X-B": "session", "User-Agent": "session"}
    for own in ({"x-a": "own"}, CIMultiDict({"X-A": "own"})):
        request = await sent(session={"headers": defaults}, headers=own)
        assert request.fields.getall("X-A") == ["own"]
        assert request.fields.getall("X-B") == ["session"]
        assert request.fields.getall("User-Agent") == ["session"]
        assert own == ({"x-a": "own"} if type(own) is dict else {"X-A": "own"})


class Asked(ClientRequest):
    """Says who made it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.headers["X-Made-By"] = "request_class"


class Answered(ClientResponse):
    pass


class Talking(ClientWebSocketResponse):
    """Of the one who opens it."""

    async def send_twice(self, text: str) -> None:
        await self.send_str(text)
        await self.send_str(text)


NEWER_DEFAULTS = {
    "base_url": None,
    "proxy": None,
    "proxy_auth": None,
    "json_serialize_bytes": None,
    "request_class": ClientRequest,
    "response_class": ClientResponse,
    "ws_response_class": ClientWebSocketResponse,
    "requote_redirect_url": True,
    "trace_configs": None,
    "read_bufsize": 262144,
    "max_line_size": 8190,
    "max_field_size": 8190,
    "max_headers": 128,
    "fallback_charset_resolver": None,
    "middlewares": (),
}


@pytest.mark.filterwarnings("ignore:.*ssl_shutdown_timeout.* is deprecated:DeprecationWarning")
async def test_s035_arguments_of_later_versions() -> None:
    parameters = inspect.signature(ClientSession).parameters
    assert {name: parameters[name].default for name in NEWER_DEFAULTS} == NEWER_DEFAULTS
    heard: list[Any] = []

    async def start(_session: ClientSession, _context: Any, params: TraceRequestStartParams) -> None:
        heard.append(params.method)

    async def middle(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        heard.append(request.url.path)
        return await handler(request)

    async def talk(peer: Peer) -> None:
        await peer.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\xd6")
        wire = Wire(peer)
        await wire.open()
        heard.extend([await wire.frame(), await wire.frame()])
        await wire.finish()

    trace = TraceConfig()
    trace.on_request_start.append(start)
    async with (
        scripted(talk) as server,
        ClientSession(
            server.url("/base/"),
            proxy=None,
            proxy_auth=None,
            json_serialize_bytes=lambda data: repr(data).encode(),
            request_class=Asked,
            response_class=Answered,
            ws_response_class=Talking,
            timeout=ClientTimeout(total=30),
            requote_redirect_url=False,
            trace_configs=[trace],
            read_bufsize=1000,
            max_line_size=100,
            max_field_size=200,
            max_headers=10,
            fallback_charset_resolver=lambda *_: "koi8-r",
            middlewares=[middle],
            ssl_shutdown_timeout=1.0,
        ) as session,
    ):
        async with session.post("a", json={}) as response:
            assert type(response) is Answered
            assert await response.text() == "\u0436"
        async with session.ws_connect("b") as socket:
            assert type(socket) is Talking
            await socket.send_twice("text")
        assert [request.target for request in server.requests] == ["/base/a", "/base/b"]
        assert [request.fields["X-Made-By"] for request in server.requests] == ["request_class"] * 2
        assert server.requests[0].body == b"{}"
    assert heard == ["POST", "/base/a", "GET", "/base/b", *[(TEXT, b"text", True, False)] * 2]
    with pytest.raises(TypeError, match="ws_response_class"):
        ClientSession(ws_response_class=dict)  # type: ignore[arg-type]  # what is tested
