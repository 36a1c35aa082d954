"""Applications that are run against an exchange in memory, without a socket."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from multidict import CIMultiDict

from pronghorn import web
from pronghorn.io.stream import StreamReader
from pronghorn.testing import MemoryExchange
from pronghorn.testing.memory import MemoryConnection, make_request
from pronghorn.wire.events import HttpVersion10, HttpVersion11, RequestHead

from .io.fakes import settle

Handler = Callable[[Any], Awaitable[web.StreamResponse]]


async def respond(handler: Handler, request: web.Request) -> MemoryExchange:
    """What a server does with a request."""
    try:
        response = await handler(request)
    except web.HTTPException as error:
        response = error
    await response.prepare(request)
    await response.write_eof()
    exchange = request.exchange
    assert isinstance(exchange, MemoryExchange)
    return exchange


def head_of(exchange: MemoryExchange) -> tuple[str | int, str]:
    assert exchange.sent is not None
    return exchange.sent.first, exchange.sent.second


async def test_a_response() -> None:
    async def hello(request: web.Request) -> web.Response:
        return web.Response(text=f"Hello, {request.query['name']}", headers={"X-A": "1"})

    exchange = await respond(hello, make_request("GET", "/?name=w%C3%B6rld"))
    assert head_of(exchange) == (200, "OK")
    assert exchange.sent is not None
    assert exchange.sent.fields["Content-Type"] == "text/plain; charset=utf-8"
    assert exchange.sent.fields["X-A"] == "1"
    assert {"Date", "Server"} <= set(exchange.sent.fields)
    assert exchange.sent.is_persistent
    assert bytes(exchange.content) == "Hello, w\u00f6rld".encode()
    assert exchange.has_ended


async def test_json_both_ways() -> None:
    async def swap(request: web.Request) -> web.Response:
        return web.json_response({value: key for key, value in (await request.json()).items()})

    exchange = await respond(swap, make_request("POST", body=b'{"a": "b"}'))
    assert exchange.sent is not None
    assert exchange.sent.fields["Content-Type"] == "application/json; charset=utf-8"
    assert bytes(exchange.content) == b'{"b": "a"}'


async def test_a_raised_response() -> None:
    async def refuse(request: web.Request) -> web.Response:
        raise web.HTTPForbidden

    exchange = await respond(refuse, make_request())
    assert head_of(exchange) == (403, "Forbidden")
    assert bytes(exchange.content) == b"403: Forbidden"


async def test_a_redirection() -> None:
    async def move(request: web.Request) -> web.Response:
        raise web.HTTPFound("/there")

    exchange = await respond(move, make_request())
    assert head_of(exchange) == (302, "Found")
    assert exchange.sent is not None
    assert exchange.sent.fields["Location"] == "/there"


@pytest.mark.parametrize("kind", [web.HTTPNoContent, web.HTTPNotModified])
async def test_a_status_without_content(kind: type[web.HTTPException]) -> None:
    async def nothing(request: web.Request) -> web.Response:
        raise kind

    exchange = await respond(nothing, make_request())
    assert bytes(exchange.content) == b""
    assert exchange.has_ended


async def test_an_application_routes() -> None:
    """From the names of `web` alone: routes, what they match, and who is told that there is none."""

    async def user(request: web.Request) -> web.Response:
        assert request.app is app
        return web.Response(text=request.match_info["name"])

    app = web.Application()
    app.add_routes([web.get("/users/{name}", user)])
    server = app.make_server()

    async def handle(method: str, target: str) -> MemoryExchange:
        head = RequestHead(method, target, HttpVersion11, CIMultiDict(Host="test"), b"Host: test")
        request = server.request_factory(head, b"", MemoryConnection(), MemoryExchange(method=method), None)
        return await respond(server.handler, request)

    assert bytes((await handle("GET", "/users/ada")).content) == b"ada"
    assert head_of(await handle("GET", "/nowhere"))[0] == 404
    refused = await handle("POST", "/users/ada")
    assert head_of(refused)[0] == 405
    assert refused.sent is not None
    assert refused.sent.fields["Allow"] == "GET,HEAD"
    head = await handle("HEAD", "/users/ada")
    assert head_of(head)[0] == 200
    assert bytes(head.content) == b""


# Streams


async def test_a_streamed_response() -> None:
    request = make_request()
    exchange = request.exchange
    response = web.StreamResponse(headers={"Content-Type": "text/csv"})
    with pytest.raises(RuntimeError, match="before prepare"):
        await response.write(b"x")
    with pytest.raises(RuntimeError, match="before prepare"):
        await response.write_eof()
    await response.prepare(request)
    assert exchange.sent.fields["Content-Type"] == "text/csv"
    assert exchange.sent.length is None
    for piece in (b"a", bytearray(b"b"), memoryview(b"c")):
        await response.write(piece)
    assert exchange.take() == b"abc"
    assert not exchange.has_ended
    await response.write_eof(b"d")
    await response.write_eof()
    assert exchange.take() == b"d"
    assert exchange.has_ended
    assert response.body_length == 4
    with pytest.raises(RuntimeError, match="after write_eof"):
        await response.write(b"x")


async def test_what_was_settled_can_t_be_changed() -> None:
    response = web.StreamResponse()
    await response.prepare(make_request())
    with pytest.raises(RuntimeError, match="prepared"):
        response.set_status(500)
    with pytest.raises(RuntimeError, match="prepared"):
        response.content_length = 5


@pytest.mark.parametrize("data", ["text", None, 5], ids=repr)
async def test_what_can_t_be_written(data: object) -> None:
    response = web.StreamResponse()
    await response.prepare(make_request())
    with pytest.raises(TypeError, match="expected bytes"):
        await response.write(data)  # type: ignore[arg-type]  # that it is refused is the point


async def test_a_client_that_does_not_read_stops_the_handler() -> None:
    written = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 1000)
            written += 1000

    request = make_request(exchange=MemoryExchange(writable=10_000))
    handling = asyncio.create_task(respond(endless, request))
    await settle()
    assert 9_000 <= written <= 10_000
    assert len(request.exchange.take()) <= 11_000
    await settle()
    assert 18_000 <= written <= 22_000
    handling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await handling
    assert not request.exchange.has_ended


async def test_a_handler_that_only_writes_lets_others_run() -> None:
    """However fast its client reads."""
    exchange = MemoryExchange(writable=1 << 30)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    response = web.StreamResponse()
    await response.prepare(make_request(exchange=exchange))
    for _ in range(64):
        await response.write(b"x" * 64 * 1024)
    assert turns >= 8
    counting.cancel()


async def test_a_client_that_goes_away() -> None:
    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 1000)

    request = make_request(exchange=MemoryExchange(writable=10_000))
    handling = asyncio.create_task(respond(stream, request))
    await settle()
    request.exchange.reset("gone")
    with pytest.raises(ConnectionResetError):
        await handling


async def test_the_declared_length_is_kept() -> None:
    async def exceed(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 5
        await response.prepare(request)
        assert request.exchange.sent.length == 5  # type: ignore[attr-defined]  # an exchange in memory
        await response.write(b"123456")
        return response

    async def fall_short(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 5
        await response.prepare(request)
        await response.write(b"1234")
        return response

    for handler in (exceed, fall_short):
        request = make_request()
        with pytest.raises(ValueError, match="Content-Length"):
            await respond(handler, request)
        assert not request.exchange.has_ended  # type: ignore[attr-defined]  # an exchange in memory


@pytest.mark.parametrize("length", [None, 1_000_000])
async def test_an_answer_to_head_has_no_content(length: int | None) -> None:
    """The handler writes as it does for GET, and waits for nobody."""

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = length
        await response.prepare(request)
        for _ in range(10):
            await response.write(b"x" * 100_000)
        return response

    async with asyncio.timeout(10):
        exchange = await respond(stream, make_request("HEAD"))
    assert exchange.sent is not None
    assert exchange.sent.length == length
    assert bytes(exchange.content) == b""
    assert exchange.has_ended


async def test_a_whole_answer_to_head_has_no_content() -> None:
    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    exchange = await respond(hello, make_request("HEAD"))
    assert bytes(exchange.content) == b""
    assert exchange.has_ended


async def test_chunked_on_demand() -> None:
    response = web.Response(text="hello")
    response.enable_chunked_encoding()
    request = make_request()
    await response.prepare(request)
    await response.write_eof()
    assert request.exchange.sent.length is None
    assert request.exchange.take() == b"hello"
    old = make_request(version=HttpVersion10)
    response = web.Response(text="hello")
    response.enable_chunked_encoding()
    await response.prepare(old)
    await response.write_eof()
    assert old.exchange.take() == b"hello"


# Request bodies


async def test_a_body_is_read_while_it_comes() -> None:
    stream = StreamReader()

    async def lines(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        async for line in request.content:
            await response.write(line.upper())
        return response

    request = make_request("POST", body=stream)
    handling = asyncio.create_task(respond(lines, request))
    for piece, answer in ((b"on", b""), (b"e\ntwo", b"ONE\n"), (b"\nthree", b"TWO\n")):
        stream.feed_data(piece)
        await settle()
        assert request.exchange.take() == answer
    stream.feed_eof()
    assert (await handling).take() == b"THREE"


@pytest.mark.parametrize("as_stream", [True, False])
async def test_a_body_that_is_too_large(as_stream: bool) -> None:
    async def read(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    large = b"x" * (1024**2 + 1)
    body: bytes | StreamReader = large
    if as_stream:
        body = StreamReader()
        body.feed_data(large)
    exchange = await respond(read, make_request("POST", body=body))
    assert head_of(exchange)[0] == 413


async def test_a_body_that_is_broken() -> None:
    async def read(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    stream = StreamReader()
    stream.feed_data(b"half")
    stream.set_exception(web.RequestPayloadError("the connection closed", 400))
    with pytest.raises(web.RequestPayloadError):
        await respond(read, make_request("POST", body=stream))
