"""Streams of events: what is sent, when it is there, and how they end."""

import asyncio
import gc
import weakref
import zlib
from typing import Any

import pytest

from pronghorn import ClientSession, web
from pronghorn.server.content_coding import ContentCoding
from pronghorn.server.event_stream import EventStreamResponse
from pronghorn.testing import TestServer
from pronghorn.testing.memory import make_request

from .event_streams import EVENT_STREAM, chunk, head, prepared, streamed
from .peer import PATIENCE, connect, eventually, served, serving

# What is sent


@pytest.mark.parametrize(
    ("event", "sent"),
    [
        ({"data": "x"}, b"data: x\n\n"),
        ({"data": ""}, b"data: \n\n"),
        ({"data": "a\nb\r\nc\rd"}, b"data: a\ndata: b\ndata: c\ndata: d\n\n"),
        ({"data": "x", "event": "tick"}, b"event: tick\ndata: x\n\n"),
        ({"data": "x", "event": "message"}, b"data: x\n\n"),
        ({"data": "x", "id": "7", "retry": 10}, b"id: 7\nretry: 10\ndata: x\n\n"),
        ({"id": ""}, b"id: \n\n"),
        ({"retry": 0}, b"retry: 0\n\n"),
        ({"data": "é\u2028"}, "data: é\u2028\n\n".encode()),
    ],
)
async def test_events(event: dict[str, Any], sent: bytes) -> None:
    stream, exchange, _ = await prepared()
    await stream.send(**event)
    assert bytes(exchange.content) == sent


async def test_comments() -> None:
    stream, exchange, _ = await prepared()
    await stream.comment()
    await stream.comment("a\nb")
    assert bytes(exchange.content) == b":\n: a\n: b\n"


@pytest.mark.parametrize("bad", ["a\nb", "a\rb", "a\0b", "\r\ndata: x"])
@pytest.mark.parametrize("name", ["event", "id"])
async def test_what_would_be_another_line_is_refused(name: str, bad: str) -> None:
    stream, exchange, _ = await prepared()
    with pytest.raises(ValueError, match=name):
        await stream.send("x", **{name: bad})  # type: ignore[arg-type]  # each name takes a str
    with pytest.raises(ValueError, match="retry"):
        await stream.send("x", retry=-1)
    with pytest.raises(TypeError, match="data"):
        await stream.send(b"x")  # type: ignore[arg-type]  # that it is refused is the point
    assert not exchange.content


async def test_the_head() -> None:
    _, exchange, _ = await prepared(headers={"X": "y"})
    assert exchange.sent is not None
    fields = exchange.sent.fields
    assert exchange.sent.length is None
    assert (fields["Content-Type"], fields["Cache-Control"]) == ("text/event-stream", "no-store")
    assert (fields["X-Accel-Buffering"], fields["X"]) == ("no", "y")
    _, exchange, _ = await prepared(headers={"Cache-Control": "no-cache", "Content-Type": "text/plain"})
    assert exchange.sent is not None
    assert exchange.sent.fields["Cache-Control"] == "no-cache"
    assert exchange.sent.fields.getall("Content-Type") == ["text/event-stream"]


async def test_where_the_client_was() -> None:
    stream = EventStreamResponse()
    with pytest.raises(RuntimeError, match="last_event_id"):
        assert stream.last_event_id
    await stream.prepare(make_request(headers=[*EVENT_STREAM, ("Last-Event-ID", "é7")]))
    assert stream.last_event_id == "é7"
    stream, _, _ = await prepared()
    assert stream.last_event_id == ""


async def test_the_order_of_calls() -> None:
    stream = EventStreamResponse()
    assert not stream.is_open
    with pytest.raises(RuntimeError, match="before prepare"):
        await stream.send("x")
    with pytest.raises(RuntimeError, match="prepared"):
        async with stream:
            pass
    stream, _, _ = await prepared()
    assert stream.is_open
    async with stream:
        with pytest.raises(RuntimeError, match="in use"):
            async with stream:
                pass
        await stream.send("x")
    assert not stream.is_open
    with pytest.raises(RuntimeError, match="after write_eof"):
        await stream.send("x")


# Over a connection


async def test_an_event_is_there_when_it_was_sent() -> None:
    async with streamed() as (peer, queue, told):
        assert b"Content-Type: text/event-stream\r\n" in await head(peer)
        for number in range(3):
            queue.put_nowait(str(number))
            assert await chunk(peer) == b"data: %d\n\n" % number
        queue.put_nowait(None)
        assert await chunk(peer) == b""
        # The connection is as good as new.
        queue.put_nowait(None)
        assert (await peer.ask()).is_whole
    assert told == ["emptied", "left"] * 2


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
async def test_a_compressed_event_is_there_when_it_was_sent(coding: str) -> None:
    queue: asyncio.Queue[str | None] = asyncio.Queue()

    async def handler(request: web.Request) -> web.StreamResponse:
        stream = EventStreamResponse()
        stream.enable_compression(ContentCoding(coding))
        await stream.prepare(request)
        async with stream:
            while (data := await queue.get()) is not None:
                await stream.send(data)
        return stream

    async with (
        serving(handler) as server,
        ClientSession() as session,
        session.get(server.make_url("/")) as response,
        asyncio.timeout(PATIENCE),
    ):
        assert response.headers["Content-Encoding"] == coding
        for size in (1, 100, 100_000):
            queue.put_nowait("x" * size)
            content = b""
            while not content.endswith(b"\n\n"):
                content += await response.content.readany()
            assert content == b"data: " + b"x" * size + b"\n\n"
        queue.put_nowait(None)
        assert await response.content.read() == b""


async def test_what_stays_open_is_compressed_with_little_memory() -> None:
    async with streamed(more=b"Accept-Encoding: zstd, br, gzip\r\n", compress=None) as (peer, queue, _):
        assert b"Content-Encoding: gzip\r\n" in await head(peer)
        queue.put_nowait("x")
        inflate = zlib.decompressobj(wbits=31)
        assert inflate.decompress(await chunk(peer)) == b"data: x\n\n"


async def test_our_own_source_reads_it() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        stream = EventStreamResponse()
        await stream.prepare(request)
        start = int(stream.last_event_id or 0) + 1
        for number in range(start, start + 3):
            await stream.send(f"line\n{number}", event="tick", id=str(number), retry=1)
        return stream

    async with serving(handler) as server, ClientSession() as session, asyncio.timeout(PATIENCE):
        seen = []
        async with session.sse(server.make_url("/")) as source:
            async for event in source:
                seen.append((event.event, event.data, event.id))
                if len(seen) == 5:
                    break
    assert seen == [("tick", f"line\n{number}", str(number)) for number in range(1, 6)]


async def test_for_an_old_client_the_end_is_the_close() -> None:
    async with served(one_event) as peer:
        peer.send(b"GET / HTTP/1.0\r\n\r\n")
        answer = await peer.answer()
        assert (answer.content, answer["connection"]) == (b"data: x\n\n", "close")


async def one_event(request: web.Request) -> web.StreamResponse:
    stream = EventStreamResponse()
    await stream.prepare(request)
    async with stream:
        await stream.send("x")
    return stream


async def test_head_is_answered_at_once() -> None:
    async with served(endless) as peer:
        for _ in range(2):
            answer = await peer.ask("HEAD")
            assert (answer.status, answer["content-type"]) == (200, "text/event-stream")


async def endless(request: web.Request) -> web.StreamResponse:
    stream = EventStreamResponse()
    await stream.prepare(request)
    async with stream:
        await asyncio.Event().wait()
    return stream


async def test_a_stream_without_a_block_is_ended_by_the_server() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        stream = EventStreamResponse(heartbeat=1000)
        stream.enable_compression()
        await stream.prepare(request)
        await stream.send("x")
        return stream

    async with served(handler) as peer:
        for more in (b"", b"Accept-Encoding: gzip\r\n"):
            answer = await peer.ask(more=more)
            content = zlib.decompress(answer.content, 31) if more else answer.content
            assert (answer.is_whole, content) == (True, b"data: x\n\n")


async def test_a_stream_is_one_answer() -> None:
    kept = EventStreamResponse()

    async def handler(request: web.Request) -> web.StreamResponse:
        await kept.prepare(request)
        return kept

    async with serving(handler) as server, connect(server) as peer:
        assert (await peer.ask()).status == 200
        assert (await peer.ask()).status == 500


# Its end


async def test_the_block_is_left_when_the_client_goes() -> None:
    async with streamed() as (peer, _, told):
        await head(peer)
        peer.vanish()
        await eventually(lambda: told)
    assert told == ["left"]


async def test_the_block_is_left_when_the_client_closes() -> None:
    async with streamed() as (peer, queue, told):
        queue.put_nowait("x")
        await head(peer)
        peer.writer.close()
        await eventually(lambda: told)
    assert told == ["left"]


async def test_without_a_block_the_next_event_tells() -> None:
    stream, exchange, _ = await prepared()
    exchange.reset("gone")
    assert stream.is_open
    with pytest.raises(ConnectionResetError):
        await stream.send("x")
    assert not stream.is_open


async def test_a_block_is_left_by_the_event_that_finds_nobody() -> None:
    stream, exchange, _ = await prepared()
    exchange.reset("gone")
    async with stream:
        await stream.send("x")
        pytest.fail("went on")
    assert not stream.is_open


async def test_other_errors_of_the_block_are_raised() -> None:
    for error in (ConnectionResetError("of a database"), LookupError("no"), asyncio.CancelledError()):
        stream, exchange, _ = await prepared()
        with pytest.raises(type(error)):
            async with stream:
                raise error
        assert not exchange.has_ended


async def test_a_graceful_shutdown_ends_it() -> None:
    stream, exchange, request = await prepared()
    asyncio.get_running_loop().call_soon(request._shut_down)
    async with stream:
        await asyncio.Event().wait()
    assert exchange.has_ended
    assert stream.has_ended
    request._shut_down()  # again, which nobody listens to now


async def test_a_graceful_shutdown_ends_it_also_if_a_clone_of_the_request_was_answered() -> None:
    waits = asyncio.Event()

    @web.middleware
    async def disguise(request: web.Request, handler: Any) -> web.StreamResponse:
        answer: web.StreamResponse = await handler(request.clone(remote="192.0.2.1"))
        return answer

    async def handler(request: web.Request) -> web.StreamResponse:
        stream = EventStreamResponse()
        await stream.prepare(request)
        async with stream:
            waits.set()
            await asyncio.Event().wait()
        return stream

    app = web.Application(middlewares=[disguise])
    app.router.add_get("/", handler)
    # Longer than anything is waited for here.
    async with TestServer(app, shutdown_timeout=2 * PATIENCE) as server, connect(server) as peer:
        peer.request()
        await waits.wait()
        async with asyncio.timeout(PATIENCE):
            await server.close()
        answer = await peer.answer()
    assert answer.is_whole


async def test_a_shutdown_that_begins_before_it_is_prepared_ends_it() -> None:
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        asked.set()
        await may_answer.wait()
        stream = EventStreamResponse()
        await stream.prepare(request)
        assert not stream.is_open
        async with stream:
            await asyncio.Event().wait()
        return stream

    async with serving(handler, shutdown_timeout=2 * PATIENCE) as server, connect(server) as peer:
        peer.request()
        await asked.wait()
        server.server.pre_shutdown()
        may_answer.set()
        assert (await peer.answer()).is_whole


async def test_nothing_is_left_of_one_that_has_ended() -> None:
    left: list[weakref.ref[Any]] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        stream = EventStreamResponse(heartbeat=60)
        left.extend((weakref.ref(stream), weakref.ref(request)))
        await stream.prepare(request)
        async with stream:
            await stream.send("x")
        return stream

    async with served(handler) as peer:
        gc.disable()
        try:
            peer.request()
            await peer.answer()
            # By their references alone: who streams to many has no need for a collector.
            await eventually(lambda: [alive() for alive in left] == [None, None], "their end")
        finally:
            gc.enable()


async def test_its_end_waits_for_a_piece_that_is_being_coded() -> None:
    text = "".join(map(str, range(50_000)))

    async def handler(request: web.Request) -> web.StreamResponse:
        stream = EventStreamResponse()
        stream.enable_compression(ContentCoding.gzip)
        await stream.prepare(request)
        sending.append(asyncio.create_task(stream.send(text)))
        await asyncio.sleep(0)
        return stream

    sending: list[asyncio.Task[None]] = []
    async with served(handler) as peer:
        peer.request()
        answer = await peer.answer()
        assert zlib.decompress(answer.content, 31) == f"data: {text}\n\n".encode()
        await sending[0]


async def test_before_its_block_a_shutdown_is_not_missed() -> None:
    stream, exchange, _ = await prepared()
    stream.go_away()
    assert not stream.is_open
    await stream.send("last words")
    async with stream:
        await asyncio.Event().wait()
    assert exchange.has_ended
    assert bytes(exchange.content) == b"data: last words\n\n"


async def test_a_block_that_ends_at_the_same_time_is_not_cancelled_later() -> None:
    stream, exchange, _ = await prepared()
    async with stream:
        stream.go_away()
        stream.go_away()
    await asyncio.sleep(0)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    assert exchange.has_ended


async def test_a_cancellation_from_outside_is_not_swallowed() -> None:
    async def handle(is_leaving: bool) -> None:
        stream, _, _ = await prepared()
        streams.append(stream)
        async with stream:
            await asyncio.Event().wait()

    for is_leaving in (False, True):
        streams: list[EventStreamResponse] = []
        task = asyncio.create_task(handle(is_leaving))
        await eventually(lambda: streams)  # noqa: B023 - called before the next one
        if is_leaving:
            streams[0].go_away()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_shutdown_of_the_server_by_the_documented_pattern() -> None:
    streams: set[EventStreamResponse] = set()
    told = []

    async def handler(request: web.Request) -> web.StreamResponse:
        stream = EventStreamResponse()
        await stream.prepare(request)
        streams.add(stream)
        async with stream:
            await asyncio.Event().wait()
        told.append("left")
        return stream

    async def tell(app: web.Application) -> None:
        for stream in streams:
            stream.go_away()

    app = web.Application()
    app.router.add_get("/", handler)
    app.on_shutdown.append(tell)
    async with TestServer(app) as server, connect(server) as peer:
        peer.request()
        await head(peer)
        async with asyncio.timeout(PATIENCE):
            await server.close()
        assert await chunk(peer) == b""
    assert told == ["left"]
