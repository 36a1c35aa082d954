"""Responses that are written piece by piece, against an exchange in memory."""

import asyncio
from typing import Any

import pytest

from pronghorn import web
from pronghorn.server.content_coding import ContentCoding
from pronghorn.signals import Signal
from pronghorn.testing import TestServer
from pronghorn.testing.memory import MemoryExchange, make_request
from pronghorn.wire.events import HttpVersion10

from .exchanges import exchange_of, send
from .peer import connect

# Sending piece by piece


async def test_the_head_leaves_at_once() -> None:
    request = make_request()
    response = web.StreamResponse(status=201, headers={"X": "y"})
    assert not response.prepared
    await response.prepare(request)
    sent = exchange_of(request).sent
    assert response.prepared
    assert sent is not None
    assert (sent.first, sent.second, sent.fields["X"], sent.length) == (201, "Created", "y", None)
    await response.prepare(request)


async def test_pieces_then_the_end() -> None:
    request = make_request()
    response = web.StreamResponse()
    await response.prepare(request)
    for piece in (b"ab", bytearray(b"cd"), memoryview(b"ef"), b""):
        await response.write(piece)
    assert (response.body_length, response.has_ended) == (6, False)
    await response.write_eof(b"gh")
    assert response.has_ended
    assert bytes(exchange_of(request).content) == b"abcdefgh"
    assert exchange_of(request).has_ended
    await response.write_eof()
    assert bytes(exchange_of(request).content) == b"abcdefgh"


async def test_the_order_of_calls_is_held() -> None:
    response = web.StreamResponse()
    with pytest.raises(RuntimeError, match="before prepare"):
        await response.write(b"x")
    with pytest.raises(RuntimeError, match="before prepare"):
        await response.write_eof()
    await send(response)
    with pytest.raises(RuntimeError, match="after write_eof"):
        await response.write(b"x")


async def test_what_is_no_bytes_is_refused() -> None:
    response = web.StreamResponse()
    await response.prepare(make_request())
    for data in ("text", 1, None):
        with pytest.raises(TypeError, match="write"):
            await response.write(data)  # type: ignore[arg-type]  # that it is refused is the point


async def test_a_settled_head_can_not_be_changed() -> None:
    response = web.StreamResponse()
    await response.prepare(make_request())
    with pytest.raises(RuntimeError, match="prepared"):
        response.set_status(404)
    with pytest.raises(RuntimeError, match="prepared"):
        response.content_length = 1
    with pytest.raises(RuntimeError, match="prepared"):
        response.content_type = "a/b"
    with pytest.raises(RuntimeError, match="prepared"):
        response.last_modified = 1
    with pytest.raises(RuntimeError, match="prepared"):
        response.etag = "x"


async def test_declared_lengths() -> None:
    response = web.StreamResponse()
    response.content_length = 3
    assert response.content_length == 3
    with pytest.raises(RuntimeError, match="content_length"):
        response.enable_chunked_encoding()
    request = make_request()
    await response.prepare(request)
    await response.write_eof(b"abc")
    sent = exchange_of(request).sent
    assert sent is not None
    assert sent.length == 3
    response = web.StreamResponse(headers={"Content-Length": "3"})
    response.content_length = None
    response.enable_chunked_encoding()
    with pytest.raises(RuntimeError, match="chunked"):
        response.content_length = 3


async def test_a_writer_waits_for_room() -> None:
    request = make_request(exchange=MemoryExchange(writable=10))
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"x" * 9)
    writing = asyncio.create_task(response.write(b"x" * 9))
    await asyncio.sleep(0)
    assert not writing.done()
    exchange_of(request).take()
    await writing
    await response.write_eof()


async def test_a_writer_lets_others_run() -> None:
    request = make_request(exchange=MemoryExchange(writable=1 << 40))
    response = web.StreamResponse()
    await response.prepare(request)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    for _ in range(100):
        await response.write(bytes(64 * 1024))
    counting.cancel()
    assert turns >= 20


async def test_two_requests_can_not_share_an_open_response() -> None:
    first, second = make_request(), make_request()
    response = web.StreamResponse()
    await response.prepare(first)
    with pytest.raises(RuntimeError, match="prepare"):
        await response.prepare(second)
    assert not exchange_of(first).has_ended


def test_it_is_a_mapping_and_tells_its_state() -> None:
    response = web.StreamResponse()
    key = web.ResponseKey("key", str)
    response[key] = "value"
    assert list(response.items()) == [(key, "value")]
    with pytest.warns(web.NotAppKeyWarning, match="ResponseKey"):
        response["of a kind that warns"] = "other"
    assert repr(response) == "<StreamResponse 200 OK not prepared>"


def test_it_is_equal_to_itself_alone_and_always_true() -> None:
    response = web.StreamResponse()
    assert response
    assert response != web.StreamResponse()
    assert len({response, response, web.StreamResponse()}) == 2


async def test_what_it_has_sent() -> None:
    request = make_request()
    response = web.StreamResponse()
    assert (response.body_length, response.output_length) == (0, 0)
    await response.prepare(request)
    await response.write(memoryview(b"abcdefgh").cast("I"))
    assert (response.body_length, response.output_length) == (8, 8)


async def test_its_task() -> None:
    request = make_request()
    response = web.StreamResponse()
    assert response.task is None
    await response.prepare(request)
    assert response.task is asyncio.current_task()
    await response.write_eof()
    assert response.task is None


async def test_drain_is_deprecated_and_waits() -> None:
    request = make_request(exchange=MemoryExchange(writable=10))
    response = web.StreamResponse()
    with pytest.warns(DeprecationWarning, match="write waits"), pytest.raises(RuntimeError, match="before"):
        await response.drain()
    await response.prepare(request)
    exchange_of(request).data(b"x" * 10)

    async def drain() -> None:
        with pytest.warns(DeprecationWarning, match="write waits"):
            await response.drain()

    draining = asyncio.create_task(drain())
    await asyncio.sleep(0)
    assert not draining.done()
    exchange_of(request).take()
    await draining
    await response.write_eof()
    with pytest.warns(DeprecationWarning, match="write waits"), pytest.raises(RuntimeError, match="after"):
        await response.drain()


async def test_chunks() -> None:
    response = web.StreamResponse()
    assert not response.chunked
    response.enable_chunked_encoding()
    assert response.chunked
    with pytest.warns(DeprecationWarning, match="chunk_size"):
        web.StreamResponse().enable_chunked_encoding(1024)
    response = web.StreamResponse()
    await response.prepare(make_request(version=HttpVersion10))
    response.enable_chunked_encoding()  # without a length it is, where it can be
    response = web.StreamResponse()
    response.content_length = 3
    await response.prepare(make_request())
    with pytest.raises(RuntimeError, match="content_length"):
        response.enable_chunked_encoding()


# Those who are told


def signalling(*callbacks: Any) -> web.Request:
    request = make_request()
    signal: Signal[Any, Any] = Signal()
    signal.extend(callbacks)
    request.prepare_signals = (signal,)
    return request


@pytest.mark.parametrize("make", [web.StreamResponse, lambda: web.Response(text="x" * 100)])
async def test_who_listens_may_change_everything(make: Any) -> None:
    async def change(request: web.Request, response: web.StreamResponse) -> None:
        assert not response.prepared
        response.set_status(201)
        response.headers["X-More"] = request.path
        response.set_cookie("a", "b")
        response.enable_compression(ContentCoding.gzip)

    request = signalling(change)
    response = make()
    assert not response.send_nowait(request)
    await response.prepare(request)
    await response.prepare(request)
    await response.write_eof()
    sent = exchange_of(request).sent
    assert sent is not None
    assert (sent.first, sent.fields["X-More"], sent.fields["Set-Cookie"]) == (201, "/", "a=b; Path=/")
    assert sent.fields["Content-Encoding"] == "gzip"
    assert exchange_of(request).has_ended


async def test_they_are_asked_once_and_in_order() -> None:
    asked = []

    async def first(request: web.Request, response: web.StreamResponse) -> None:
        asked.append("first")
        await response.prepare(request)  # which is on its way

    async def second(request: web.Request, response: web.StreamResponse) -> None:
        asked.append("second")

    request = signalling(first, second)
    response = web.StreamResponse()
    await asyncio.gather(response.prepare(request), response.prepare(request))
    await response.write_eof()
    assert asked == ["first", "second"]


async def test_one_who_fails_leaves_the_request_unanswered() -> None:
    async def fail(request: web.Request, response: web.StreamResponse) -> None:
        raise LookupError("no")

    request = signalling(fail)
    response = web.StreamResponse()
    with pytest.raises(LookupError):
        await response.prepare(request)
    assert not response.prepared
    assert exchange_of(request).sent is None
    request.prepare_signals = ()
    await response.prepare(request)
    assert response.prepared


async def test_a_field_that_can_not_be_sent_leaves_it_unprepared() -> None:
    request = make_request()
    response = web.StreamResponse(headers={"X": "a\r\nb"})
    with pytest.raises(ValueError, match="control character"):
        await response.prepare(request)
    assert not response.prepared


async def test_signals_of_an_application() -> None:
    async def mark(request: web.Request, response: web.StreamResponse) -> None:
        response.headers["X-Marked"] = str(response.status)

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(text="x")

    app = web.Application()
    app.on_response_prepare.append(mark)
    app.router.add_get("/", answer)
    async with TestServer(app) as server, connect(server) as peer:
        assert (await peer.ask())["x-marked"] == "200"
        assert (await peer.ask(target="/missing"))["x-marked"] == "404"


# Subclasses of others


class Ticking(web.StreamResponse):
    """Written as aiohttp-sse's is: it goes by the request, and has a `send` of its own."""

    async def prepare(self, request: Any) -> Any:
        if self.prepared:
            return self._payload_writer
        writer = await super().prepare(request)
        self.enable_chunked_encoding()
        return writer

    async def send(self, data: str) -> None:  # type: ignore[override]  # as a subclass of aiohttp's has it
        if self._req is None or self._payload_writer is None:
            raise ConnectionResetError("over")
        await self._payload_writer.write(data.encode())


async def test_a_subclass_of_others() -> None:
    request = make_request()
    response = Ticking()
    assert response._payload_writer is None
    await response.prepare(request)
    assert response._req is request
    await response.send("tick")
    await response._complete(request)
    assert bytes(exchange_of(request).content) == b"tick"
    assert exchange_of(request).has_ended
    with pytest.raises(ConnectionResetError):
        await response.send("tock")


async def test_what_prepare_returns_takes_the_body() -> None:
    request = make_request()
    response = web.StreamResponse()
    writer = await response.prepare(request)
    assert writer is not None
    await writer.write(b"a piece, ")
    assert await response.prepare(request) is writer
    await writer.write_eof(b"the last")
    assert await response.prepare(request) is None
    await response._complete(request)
    assert bytes(exchange_of(request).content) == b"a piece, the last"


async def test_what_is_sent_after_the_client_has_gone() -> None:
    request = make_request()
    response = web.StreamResponse()
    await response.prepare(request)
    exchange_of(request).reset("gone")
    with pytest.raises(ConnectionResetError):
        await response.write(b"x")
    with pytest.raises(ConnectionResetError):
        await response.write_eof()
    assert not response.has_ended
