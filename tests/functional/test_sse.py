"""Event sources against a server: over real connections, with a clock that nobody waits for."""

import asyncio
import socket
import zlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from pronghorn import (
    ClientConnectorError,
    ClientPayloadError,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
    ContentTypeError,
    ServerDisconnectedError,
    SocketTimeoutError,
    TCPConnector,
)
from pronghorn.client.sse import EventSource
from pronghorn.wire.sse import EventStreamLimits, ServerSentEvent, format_comment, format_event

from ..client.event_sources import Clock
from ..resilience.stepping import MOST_STEPS, CancelledAt
from .scripted import OK, PATIENCE, Peer, Scripted, answering, scripted, silent, turns, until
from .timers import Timers

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = STREAM + b"Transfer-Encoding: chunked\r\n\r\n"
UNTIL_CLOSE = STREAM + b"\r\n"
LAST_CHUNK = b"0\r\n\r\n"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


def chunk(*data: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in data)


def source_of(session: ClientSession, server: Scripted, method: str = "GET", **options: Any) -> EventSource:
    return session.sse(server.url("/events"), method=method, **{"clock": Clock(), **options})


def last_ids(server: Scripted) -> list[str | None]:
    """What each request named; the server has read the octets as Latin-1."""
    named = [request.fields.get("Last-Event-ID") for request in server.requests]
    return [None if name is None else name.encode("latin-1").decode() for name in named]


async def data(source: EventSource) -> list[str]:
    async with asyncio.timeout(PATIENCE), source:
        return [event.data async for event in source]


async def nothing_left(session: ClientSession, server: Scripted) -> None:
    """No connection is open, but for idle ones."""
    assert session.connector is not None
    pool, connections = session.connector._pool, session.connector._connections
    await until(lambda: pool.open_count == len(pool.idle) == len(connections))
    await until(lambda: sum(not peer.has_left for peer in server.peers) == len(pool.idle))


def replay(*answers: bytes) -> Callable[[Peer], Coroutine[Any, Any, None]]:
    """A script that gives one answer after the other over one connection, the last again and again."""

    async def script(peer: Peer) -> None:
        for answer in answers:
            await peer.answer(answer)
        while True:
            await peer.answer(answers[-1])

    return script


# Reading


async def test_events_as_they_come() -> None:
    go_on = asyncio.Event()

    async def live(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED)
        for number in range(3):
            await go_on.wait()
            go_on.clear()
            await peer.send(chunk(format_event(f"{number}", "tick", id=f"i{number}")))
        await peer.rest()

    async with scripted(live) as server, ClientSession() as session:
        async with source_of(session, server) as source:
            assert source.response is not None
            assert source.response.content_type == "text/event-stream"
            for number in range(3):
                go_on.set()
                assert await anext(source) == ServerSentEvent(f"{number}", "tick", f"i{number}")
        await nothing_left(session, server)
        assert server.peers[0].has_left
    (request,) = server.requests
    assert request.fields["Accept"] == "text/event-stream"
    assert request.fields["Cache-Control"] == "no-store"
    assert "Last-Event-ID" not in request.fields


WIRE = (
    b"\xef\xbb\xbf: hello\r\n\r\nevent: add\r\ndata: \xe2\x82\xac\r\ndata: 2\r\n\r\n"
    b"id: 7\rdata: \xf0\x9f\xa6\x8c\r\r\nretry: 5\ndata\n\n"
)
EVENTS = [
    ServerSentEvent("\u20ac\n2", "add"),
    ServerSentEvent("\U0001f98c", "message", "7"),
    ServerSentEvent("", "message", "7", 5),
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, len(WIRE)])
@pytest.mark.parametrize("is_chunked", [True, False], ids=["chunked", "until close"])
async def test_cut_anywhere(size: int, is_chunked: bool) -> None:
    pieces = [WIRE[at : at + size] for at in range(0, len(WIRE), size)]
    if is_chunked:
        script = answering(CHUNKED, *map(chunk, pieces), LAST_CHUNK, then="stay")
    else:
        script = answering(UNTIL_CLOSE, *pieces)
    async with scripted(script, NO_CONTENT) as server, ClientSession() as session:
        source = source_of(session, server, max_retries=0)
        async with asyncio.timeout(PATIENCE), source:
            assert [event async for event in source] == EVENTS
        await nothing_left(session, server)
    assert (source.last_event_id, source.retry) == ("7", 5)


async def test_head_and_events_in_one_read() -> None:
    whole = STREAM + b"Content-Length: 18\r\n\r\n" + b"data: 1\n\ndata: 2\n\n"
    async with scripted(replay(whole, NO_CONTENT)) as server, ClientSession() as session:
        assert await data(source_of(session, server)) == ["1", "2"]
        assert len(server.peers) == 1


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_coded_stream_is_read_as_it_comes(coding: str) -> None:
    go_on = asyncio.Event()

    async def live(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED[:-2] + f"Content-Encoding: {coding}\r\n\r\n".encode())
        deflater = zlib.compressobj(wbits=31 if coding == "gzip" else 15)
        for number in range(3):
            flushed = deflater.compress(format_event(f"{number}")) + deflater.flush(zlib.Z_SYNC_FLUSH)
            await peer.send(chunk(flushed))
            await go_on.wait()
            go_on.clear()
        await peer.send(chunk(deflater.flush()), LAST_CHUNK)
        await peer.rest()

    async with (
        scripted(live) as server,
        ClientSession() as session,
        source_of(session, server, max_retries=0) as source,
    ):
        for number in range(3):
            assert (await anext(source)).data == f"{number}"
            go_on.set()
        assert [event async for event in source] == []


async def test_a_coding_that_is_broken_is_a_stream_that_breaks() -> None:
    deflater = zlib.compressobj(wbits=31)
    flushed = deflater.compress(format_event("1")) + deflater.flush(zlib.Z_SYNC_FLUSH)
    head = CHUNKED[:-2] + b"Content-Encoding: gzip\r\n\r\n"
    script = answering(head, chunk(flushed), chunk(b"\xff" * 20), then="stay")
    async with scripted(script, NO_CONTENT) as server, ClientSession() as session:
        assert await data(source_of(session, server)) == ["1"]
        await nothing_left(session, server)
        assert len(server.requests) == 2


# Coming back


async def test_over_one_connection_where_that_can_be() -> None:
    first = CHUNKED + chunk(b"id: 1\ndata: a\n\n") + LAST_CHUNK
    second = CHUNKED + chunk(b"data: b\n\n") + LAST_CHUNK
    async with scripted(replay(first, second, NO_CONTENT)) as server, ClientSession() as session:
        assert await data(source_of(session, server)) == ["a", "b"]
        await nothing_left(session, server)
    assert len(server.peers) == 1
    assert last_ids(server) == [None, "1", "1"]


@pytest.mark.parametrize("ending", ["close", "reset", "end"])
@pytest.mark.parametrize("head", [CHUNKED, UNTIL_CLOSE], ids=["chunked", "until close"])
async def test_after_a_break(head: bytes, ending: str) -> None:
    received = asyncio.Event()

    async def breaking(peer: Peer) -> None:
        await peer.request()
        wire = b"id: \xc3\xa9 1\ndata: a\n\nid: 2\ndata: b\n"  # the second is not whole
        await peer.send(head + (chunk(wire) if head is CHUNKED else wire))
        await received.wait()
        getattr(peer, ending)()
        await peer.rest()

    back = CHUNKED + chunk(b"data: c\n\n") + LAST_CHUNK
    async with scripted(breaking, replay(back, NO_CONTENT)) as server, ClientSession() as session:
        clock = Clock()
        async with asyncio.timeout(PATIENCE), source_of(session, server, clock=clock) as source:
            assert (await anext(source)).data == "a"
            received.set()
            assert [(event.data, event.id) async for event in source] == [("c", "\u00e9 1")]
        await nothing_left(session, server)
    assert last_ids(server) == [None, "\u00e9 1", "\u00e9 1"]
    assert clock.sleeps == [3, 3]


async def test_a_server_that_is_not_there_yet() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    clock = Clock()
    clock.gate = asyncio.Event()
    async with ClientSession() as session:
        source = EventSource(session, "GET", f"http://127.0.0.1:{port}/", clock=clock)
        task = asyncio.create_task(data(source))
        await until(lambda: clock.sleeps)
        sock = socket.create_server(("127.0.0.1", port))
        async with scripted(answering(UNTIL_CLOSE + b"data: 1\n\n"), NO_CONTENT, sock=sock) as server:
            clock.gate.set()
            assert await task == ["1"]
            await nothing_left(session, server)


async def test_a_server_that_never_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    async with ClientSession() as session:
        clock = Clock()
        source = EventSource(session, "GET", f"http://127.0.0.1:{port}/", clock=clock, max_retries=3)
        with pytest.raises(ClientConnectorError):
            await data(source)
        assert len(clock.sleeps) == 3
        assert session.connector is not None
        assert session.connector._pool.open_count == 0


async def test_a_server_that_goes_away_before_it_answers() -> None:
    async def leave(peer: Peer) -> None:
        await peer.request()
        peer.close()
        await peer.rest()

    async with scripted(leave) as server, ClientSession() as session:
        with pytest.raises(ServerDisconnectedError):
            await data(source_of(session, server, max_retries=2))
        assert len(server.peers) == 3


@pytest.mark.parametrize("raises", [True, False])
async def test_a_server_that_is_busy(raises: bool) -> None:
    busy = b"HTTP/1.1 503 Busy\r\nRetry-After: 120\r\nContent-Length: 4\r\n\r\nbusy"
    stream = CHUNKED + chunk(b"data: 1\n\n") + LAST_CHUNK
    async with (
        scripted(replay(busy, stream, NO_CONTENT)) as server,
        ClientSession(raise_for_status=raises) as session,
    ):
        clock = Clock()
        assert await data(source_of(session, server, clock=clock)) == ["1"]
        assert clock.sleeps == [120, 3]
        await nothing_left(session, server)


async def test_silence() -> None:
    """Comments end it: the first stream lives for longer than ``sock_read``, the second does not."""
    pause = 0.05

    async def live(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED)
        for _ in range(6):
            await peer.send(chunk(format_comment("still here")))
            await asyncio.sleep(pause)  # the time is what is tested
        await peer.send(chunk(format_event("1")))
        await peer.rest()

    async with scripted(live, silent) as server, ClientSession() as session:
        source = source_of(session, server, sock_read=4 * pause, max_retries=1)
        async with asyncio.timeout(PATIENCE), source:
            assert (await anext(source)).data == "1"
            with pytest.raises(SocketTimeoutError):
                await anext(source)
        assert len(server.peers) == 2
        await nothing_left(session, server)


async def test_total_is_not_for_streams() -> None:
    async def slow(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED)
        await asyncio.sleep(0.1)  # the time is what is tested
        await peer.send(chunk(b"data: 1\n\n"))
        await peer.rest()

    async with scripted(slow) as server, ClientSession(timeout=ClientTimeout(total=0.05)) as session:
        async with source_of(session, server) as source:
            assert (await anext(source)).data == "1"
        async with source_of(session, server, timeout=0.05) as source:
            with pytest.raises(TimeoutError, match=r"total of 0.05 s"):
                await anext(source)
        await nothing_left(session, server)


# The end


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot found", ClientResponseError),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n<!doctype",
            ContentTypeError,
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 900000\r\n\r\n<", ContentTypeError),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<", ContentTypeError),
        (b"no HTTP at all\r\n\r\n", ClientResponseError),
    ],
)
async def test_what_is_no_stream(answer: bytes, error: type[ClientResponseError]) -> None:
    async with scripted(answer) as server, ClientSession() as session:
        with pytest.raises(error) as caught:
            await data(source_of(session, server))
        assert caught.value.request_info.headers["Accept"] == "text/event-stream"
        await nothing_left(session, server)
    assert len(server.requests) == 1


async def test_an_endless_line() -> None:
    async def endless(peer: Peer) -> None:
        await peer.answer(CHUNKED, chunk(b"data: 1\n\ndata: "))
        while True:
            await peer.send(chunk(b"x" * 10_000))

    async with scripted(endless) as server, ClientSession() as session:
        source = source_of(session, server, limits=EventStreamLimits(line=100_000))
        async with asyncio.timeout(PATIENCE), source:
            assert (await anext(source)).data == "1"
            with pytest.raises(ClientPayloadError, match="a line of more than 100000 bytes"):
                await anext(source)
        await nothing_left(session, server)
    assert len(server.peers) == 1


async def test_a_reader_that_is_slow_makes_the_server_wait() -> None:
    """What is not asked for is not read: the server is held up by it, and nothing is lost."""
    count = 40_000
    async with (
        scripted(answering(UNTIL_CLOSE, format_event("x" * 100) * count)) as server,
        ClientSession() as session,
    ):
        async with asyncio.timeout(PATIENCE), source_of(session, server, max_retries=0) as source:
            await anext(source)
            await until(lambda: server.peers[0].writer.transport.get_write_buffer_size() > 0)
            assert source.response is not None
            assert source.response.content.total_raw_bytes < 2_000_000
            assert len([event async for event in source]) == count - 1
        await nothing_left(session, server)


async def test_one_response_of_a_post() -> None:
    stream = CHUNKED + chunk(b'data: {"delta": "a"}\n\n', b"data: [DONE]\n\n") + LAST_CHUNK
    async with scripted(stream) as server, ClientSession() as session:
        source = source_of(session, server, "POST", json={"stream": True})
        assert await data(source) == ['{"delta": "a"}', "[DONE]"]
        await nothing_left(session, server)
    (request,) = server.requests
    assert (request.method, request.body) == ("POST", b'{"stream": true}')


async def test_a_body_that_is_sent_again() -> None:
    stream = CHUNKED + chunk(b"data: 1\n\n") + LAST_CHUNK
    async with scripted(replay(stream, stream, NO_CONTENT)) as server, ClientSession() as session:
        source = source_of(session, server, "POST", data=b"body", max_retries=None)
        assert await data(source) == ["1", "1"]
    assert [request.body for request in server.requests] == [b"body"] * 3


async def test_closing_the_session() -> None:
    async with scripted(answering(CHUNKED, chunk(b"data: 1\n\n"), then="stay")) as server:
        session = ClientSession()
        source = source_of(session, server)
        assert (await anext(source)).data == "1"
        reader = asyncio.ensure_future(anext(source, None))
        await turns()
        await session.close()
        with pytest.raises(Exception, match="closed") as caught:
            await asyncio.wait_for(reader, PATIENCE)
        assert not isinstance(caught.value, TimeoutError)
        await until(lambda: server.peers[0].has_left)


@pytest.mark.parametrize("where", ["content", "sleep", "request"])
async def test_closing_from_another_task(where: str) -> None:
    timers = Timers()
    stream = answering(CHUNKED, chunk(b"data: 1\n\n"), then="stay" if where == "content" else "close")
    async with scripted(stream, silent) as server, ClientSession() as session:
        source = source_of(session, server)
        if where == "sleep":  # for an hour, by the system's clock: a timer that is left would be seen
            source = EventSource(session, "GET", server.url(), retry=3_600_000)
        assert (await anext(source)).data == "1"
        reader = asyncio.ensure_future(anext(source, None))
        if where == "request":
            await until(lambda: len(server.requests) == 2)
        elif where == "sleep":
            await until(lambda: source._next_try > 0)
        await turns()
        await source.aclose()
        assert await asyncio.wait_for(reader, PATIENCE) is None
        await nothing_left(session, server)
        assert [
            timer for timer in timers.pending if timer.when() > 1000 + asyncio.get_running_loop().time()
        ] == []


async def serve(peer: Peer) -> None:
    """An event, cut off; and another for who comes back."""
    while True:
        request = await peer.request()
        if request.target == "/":
            await peer.send(OK)
        elif "Last-Event-ID" in request.fields:
            await peer.send(CHUNKED, chunk(b"data: 2\n"), chunk(b"\n"))
        else:
            await peer.send(CHUNKED[:30], CHUNKED[30:], chunk(b"id: 1\ndata: 1\n\n"))
            peer.close()
            await peer.rest()
            return


async def two_events(session: ClientSession, url: str) -> None:
    async with EventSource(session, "GET", url, retry=1) as source:
        assert [(await anext(source)).data, (await anext(source)).data] == ["1", "2"]


@pytest.mark.parametrize("when", ["waiting", "woken"])
async def test_cancelled_at_each_await(when: str) -> None:
    await asyncio.get_running_loop().run_in_executor(None, int)  # its thread and pipe are there from now on
    for step in range(1, MOST_STEPS):
        async with scripted(serve) as server, ClientSession(connector=TCPConnector(limit=1)) as session:
            tasks = asyncio.all_tasks()

            def new_tasks(server: Scripted = server, tasks: set[Any] = tasks) -> set[Any]:
                return asyncio.all_tasks() - tasks - set(server._tasks)

            cancelled = CancelledAt(two_events(session, server.url("/events")), step, when)
            task = asyncio.ensure_future(awaited(cancelled))
            await asyncio.wait([task], timeout=PATIENCE)
            assert task.done(), f"step {step} hangs"
            if not task.cancelled():
                task.result()
                break
            del task, cancelled
            await nothing_left(session, server)
            await until(lambda: not new_tasks())
            async with asyncio.timeout(PATIENCE), session.get(server.url()) as response:
                assert await response.text() == "ok"
    assert step >= 8, "awaits were missed"
    assert step < MOST_STEPS - 1, "not through"


async def awaited(awaitable: Awaitable[None]) -> None:
    await awaitable
