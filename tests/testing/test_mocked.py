"""Requests and coroutine functions that are made by hand."""

import asyncio
import ssl
from typing import Any
from unittest import mock

import pytest
from multidict import CIMultiDict
from yarl import URL

from pronghorn import HttpVersion10, StreamReader, web
from pronghorn.testing import MemoryExchange, make_mocked_coro, make_mocked_request


def sent(request: web.Request) -> MemoryExchange:
    assert isinstance(request.exchange, MemoryExchange)
    return request.exchange


# Without an event loop


def test_a_request() -> None:
    request = make_mocked_request("GET", "/a/b?c=d&c=e", {"Host": "example.org", "X-A": "1"})
    assert type(request) is web.Request
    assert (request.method, request.path, request.query.getall("c")) == ("GET", "/a/b", ["d", "e"])
    assert (request.raw_path, request.path_qs) == ("/a/b?c=d&c=e", "/a/b?c=d&c=e")
    assert request.url == URL("http://example.org/a/b?c=d&c=e")
    assert request.headers["x-a"] == "1"
    assert request.raw_headers == ((b"Host", b"example.org"), (b"X-A", b"1"))
    assert request.version == (1, 1)
    assert (request.secure, request.scheme, request.remote) == (False, "http", None)
    assert not request.body_exists


def test_methods_are_written_in_capitals() -> None:
    assert make_mocked_request("get", "/").method == "GET"


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/", "/"),
        ("", "/"),
        ("/a%2Fb/../c?%41", "/a%2Fb/../c?%41"),
        ("/é ü?ö=ß", "/%C3%A9%20%C3%BC?%C3%B6=%C3%9F"),
        ("http://example.org/a", "http://example.org/a"),
    ],
)
def test_the_target_is_what_a_client_would_send(path: str, target: str) -> None:
    assert make_mocked_request("GET", path).raw_path == target


@pytest.mark.parametrize(
    "headers",
    [
        [("X-A", "1"), ("X-A", "2")],
        (("X-A", "1"), ("X-A", "2")),
        CIMultiDict([("X-A", "1"), ("X-A", "2")]),
    ],
    ids=["list", "tuple", "CIMultiDict"],
)
def test_headers_of_any_kind(headers: Any) -> None:
    assert make_mocked_request("GET", "/", headers).headers.getall("X-A") == ["1", "2"]


def test_what_the_router_would_have_found() -> None:
    request = make_mocked_request("GET", "/", match_info={"name": "a"})
    assert request.match_info["name"] == "a"
    assert dict(request.match_info) == {"name": "a"}
    assert dict(make_mocked_request("GET", "/").match_info) == {}
    made = request.match_info
    assert isinstance(made, web.UrlMappingMatchInfo)
    assert isinstance(made.route, web.AbstractRoute)
    given = make_mocked_request("GET", "/", match_info=web.UrlMappingMatchInfo({"a": "b"}, made.route))
    assert dict(given.match_info) == {"a": "b"}
    assert given.match_info.apps == (given.app,)


async def test_its_route_has_no_handler_to_call() -> None:
    request = make_mocked_request("GET", "/")
    with pytest.raises(RuntimeError, match="the route of a mocked request has no handler"):
        await request.match_info.handler(request)


def test_an_application_that_is_a_mock() -> None:
    app = mock.MagicMock(spec=web.Application)
    request = make_mocked_request("GET", "/", app=app)
    assert request.app is app
    assert request.prepare_signals == ()


def test_the_application() -> None:
    app = web.Application()
    request = make_mocked_request("GET", "/", app=app)
    assert request.app is app
    assert request.match_info.apps == (app,)
    assert request.match_info.current_app is app
    key = web.AppKey("key", int)
    other = make_mocked_request("GET", "/").app
    assert isinstance(other, web.Application)
    other[key] = 1
    assert other[key] == 1


@pytest.mark.parametrize(
    ("options", "keeps"),
    [({}, True), ({"closing": True}, False), ({"version": HttpVersion10}, False)],
    ids=["1.1", "closing", "1.0"],
)
def test_whether_the_connection_is_kept(options: dict[str, Any], keeps: bool) -> None:
    request = make_mocked_request("GET", "/", **options)
    assert request.keep_alive is keeps
    assert request.version == options.get("version", (1, 1))


def test_a_connection_with_tls() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    request = make_mocked_request("GET", "/", sslcontext=context)
    assert (request.secure, request.scheme) == (True, "https")
    assert request.get_extra_info("sslcontext") is context


def test_the_transport_of_ones_own() -> None:
    transport = mock.Mock()
    transport.get_extra_info.side_effect = {"peername": ("10.1.1.1", 1)}.get
    request = make_mocked_request("GET", "/", transport=transport)
    assert request.transport is transport
    assert request.remote == "10.1.1.1"


def test_the_transport_that_it_has_otherwise() -> None:
    transport = make_mocked_request("GET", "/").transport
    assert isinstance(transport, asyncio.Transport)
    assert transport.get_extra_info("sockname") == ("127.0.0.1", 80)
    assert transport.get_extra_info("nothing", 1) == 1
    transport.close()


def test_the_protocol_of_ones_own() -> None:
    protocol, transport = mock.Mock(peername=("10.1.1.1", 1)), mock.Mock()
    request = make_mocked_request("GET", "/", protocol=protocol, transport=transport)
    assert request.protocol is protocol
    assert request.transport is protocol.transport is transport
    assert request.remote == "10.1.1.1"


def test_a_loop_is_taken_and_not_needed() -> None:
    assert make_mocked_request("GET", "/", loop=mock.Mock()).path == "/"


# The body


async def test_bytes_as_the_payload() -> None:
    request = make_mocked_request("POST", "/", {"Content-Type": "application/json"}, payload=b'{"a": 1}')
    assert request.body_exists
    assert await request.json() == {"a": 1}


async def test_a_stream_as_the_payload() -> None:
    payload = StreamReader()
    request = make_mocked_request("POST", "/", payload=payload)
    reading = asyncio.create_task(request.read())
    payload.feed_data(b"a")
    payload.feed_data(b"b")
    payload.feed_eof()
    assert await reading == b"ab"


async def test_bounds_of_the_body() -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    request = make_mocked_request("POST", "/", form, payload=b"a=1&b=2", client_max_fields=1)
    assert (request.client_max_fields, request.client_max_size) == (1, 1024**2)
    with pytest.raises(web.HTTPRequestEntityTooLarge):
        await request.post()
    request = make_mocked_request("POST", "/", form, payload=b"a=1&b=2", client_max_size=6)
    with pytest.raises(web.HTTPRequestEntityTooLarge):
        await request.read()


# The response


async def test_a_response_to_it() -> None:
    request = make_mocked_request("GET", "/")
    response = web.Response(text="hello", headers={"X-A": "1"}, status=201)
    await response.prepare(request)
    await response.write_eof()
    exchange = sent(request)
    assert exchange.sent is not None
    assert (exchange.sent.first, exchange.sent.fields["X-A"]) == (201, "1")
    assert (exchange.content, exchange.has_ended) == (b"hello", True)


async def test_a_stream_in_response_to_it() -> None:
    request = make_mocked_request("GET", "/")
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"a")
    assert (sent(request).content, sent(request).has_ended) == (b"a", False)
    await response.write_eof(b"b")
    assert (sent(request).content, sent(request).has_ended) == (b"ab", True)


async def test_the_writer_of_ones_own() -> None:
    writer = MemoryExchange()
    request = make_mocked_request("GET", "/", writer=writer)
    response = web.Response(text="hello")
    await response.prepare(request)
    await response.write_eof()
    assert writer.content == b"hello"


async def test_signals_of_its_application_are_sent() -> None:
    async def mark(request: web.Request, response: web.StreamResponse) -> None:
        response.headers["X-By"] = request.path

    app = web.Application()
    app.on_response_prepare.append(mark)
    request = make_mocked_request("GET", "/a", app=app)
    assert request.prepare_signals == (app.on_response_prepare,)
    await web.StreamResponse().prepare(request)
    head = sent(request).sent
    assert head is not None
    assert head.fields["X-By"] == "/a"


async def test_a_handler_is_called_with_it() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=request.match_info["name"] + request.cookies["a"])

    request = make_mocked_request("GET", "/x", {"Cookie": "a=1"}, match_info={"name": "b"})
    assert (await handler(request)).text == "b1"


async def test_a_view_is_called_with_it() -> None:
    class Animals(web.View):
        async def get(self) -> web.Response:
            return web.Response(text="pronghorn")

    response = await Animals(make_mocked_request("GET", "/"))
    assert isinstance(response, web.Response)
    assert response.text == "pronghorn"


async def test_a_websocket_on_it() -> None:
    """With the fields that aiohttp asks for: a Host, which others do, is made up."""
    request = make_mocked_request(
        "GET",
        "/",
        {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Protocol": "chat",
        },
    )
    socket = web.WebSocketResponse(protocols=["chat"])
    assert socket.can_prepare(request) == (True, "chat")
    await socket.prepare(request)
    assert socket.ws_protocol == "chat"
    peer = await sent(request).opened()
    await socket.close()
    assert peer.received[-1].data == 1000


# Coroutine functions


async def test_a_coroutine_function() -> None:
    called = make_mocked_coro("result")
    assert await called(1, a=2) == "result"
    called.assert_called_once_with(1, a=2)
    assert await make_mocked_coro()() is None
    assert await make_mocked_coro(None)() is None


async def test_a_coroutine_function_that_raises() -> None:
    with pytest.raises(LookupError):
        await make_mocked_coro(raise_exception=LookupError)()
    error = LookupError("one")
    called = make_mocked_coro("result", error)
    with pytest.raises(LookupError) as caught:
        await called()
    assert caught.value is error


async def test_a_result_that_is_awaited() -> None:
    future = asyncio.get_running_loop().create_future()
    called = asyncio.create_task(make_mocked_coro(future)())
    future.set_result("later")
    assert await called == "later"
