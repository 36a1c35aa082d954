"""What traces are told of a request: which events, in which order, with what."""

import asyncio
import gzip
import io
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from yarl import URL

from pronghorn import (
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientPayloadError,
    ClientResponseError,
    ClientSession,
    InvalidURL,
    ServerDisconnectedError,
    TCPConnector,
    TraceRequestChunkSentParams,
    UploadTracker,
)

from .listening import (
    CHUNK,
    CREATE,
    CREATED,
    DEQUEUED,
    END,
    FAILED,
    HEADERS,
    HIT,
    MISS,
    QUEUED,
    RECEIVED,
    RESOLVE,
    RESOLVED,
    REUSED,
    START,
    Listener,
    nothing_left,
    text,
)
from .scripted import OK, Peer, answering, scripted, silent, until


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


# The events of a request


async def test_a_new_connection_and_one_that_is_used_again() -> None:
    listener = Listener()
    async with scripted(OK) as server, listener.session() as session:
        await text(session, server.url())
        assert listener.events == [START, CREATE, CREATED, HEADERS, END, RECEIVED]
        listener.forget()
        await text(session, server.url())
        assert listener.events == [START, REUSED, HEADERS, END, RECEIVED]
        assert set(listener.sessions) == {session}
        assert len(server.peers) == 1


async def test_what_they_tell() -> None:
    listener = Listener()
    async with scripted(OK) as server, listener.session(headers={"X-All": "1"}) as session:
        asked, sent = URL(server.url("/a?q=1#end")), URL(server.url("/a?q=1"))
        async with session.request(
            "get", server.url("/a#end"), params={"q": 1}, headers={"X-Own": "2"}
        ) as got:
            assert listener.events[-1] == END, "the head is there, the body was not asked for"
            await got.read()
        await got.read()
        assert listener.events.count(RECEIVED) == 1
    given = {"X-All": "1", "X-Own": "2"}
    start, end = listener.of(START), listener.of(END)
    assert (start.method, start.url, dict(start.headers)) == ("GET", asked, given)
    assert (end.method, end.url, end.headers) == ("GET", asked, start.headers)
    assert end.response is got
    headers = listener.of(HEADERS)
    assert (headers.method, headers.url) == ("GET", sent)
    assert headers.headers == server.requests[0].fields
    received = listener.of(RECEIVED)
    assert (received.method, received.url, received.chunk) == ("GET", sent, b"ok")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_resolver_is_asked_for_names_only(host: str) -> None:
    listener = Listener()
    async with scripted(OK) as server, listener.session() as session:
        await text(session, f"http://{host}:{server.port}/")
    asked = [MISS, RESOLVE, RESOLVED] if host == "localhost" else []
    assert listener.events == [START, CREATE, *asked, CREATED, HEADERS, END, RECEIVED]
    if asked:
        assert {listener.of(event).host for event in asked} == {"localhost"}


async def test_what_is_known_is_not_asked_for() -> None:
    listener = Listener()
    async with (
        scripted(OK) as server,
        listener.session(TCPConnector(force_close=True)) as session,
    ):
        url = server.url().replace("127.0.0.1", "localhost")
        await text(session, url)
        listener.forget()
        await text(session, url)
    assert listener.events == [START, CREATE, HIT, CREATED, HEADERS, END, RECEIVED]
    assert listener.of(HIT).host == "localhost"


async def test_without_a_cache_there_is_neither_hit_nor_miss() -> None:
    listener = Listener()
    connector = TCPConnector(force_close=True, use_dns_cache=False)
    async with scripted(OK) as server, listener.session(connector) as session:
        for _ in range(2):
            await text(session, server.url().replace("127.0.0.1", "localhost"))
            assert listener.events == [START, CREATE, RESOLVE, RESOLVED, CREATED, HEADERS, END, RECEIVED]
            listener.forget()


async def pieces() -> AsyncIterator[bytes]:
    yield b"one"
    yield b""
    yield b"three"


@pytest.mark.parametrize(
    ("data", "chunks"),
    [
        (b"body", [4]),
        ({"a": "b"}, [3]),
        (b"", []),
        (None, []),
        (b"x" * 100_000, [100_000]),
        (pieces(), [3, 5]),
        (io.BytesIO(b"x" * 300_000), [262_144, 37_856]),
    ],
    ids=["bytes", "form", "empty", "none", "large", "stream", "file"],
)
async def test_each_piece_of_the_body_is_told(data: Any, chunks: list[int]) -> None:
    listener = Listener()
    async with scripted(OK) as server, listener.session() as session:
        async with session.post(server.url(), data=data) as response:
            await response.read()
        body = server.requests[0].body
    told = [params for event, params in zip(listener.events, listener.params, strict=True) if event == CHUNK]
    assert [len(params.chunk) for params in told] == chunks
    assert b"".join(params.chunk for params in told) == body
    assert all((params.method, params.url) == ("POST", URL(server.url())) for params in told)
    assert listener.events == [START, CREATE, CREATED, HEADERS, *[CHUNK] * len(chunks), END, RECEIVED]


async def test_a_body_is_told_as_it_was_before_it_is_coded() -> None:
    listener = Listener()
    async with scripted(OK) as server, listener.session() as session:
        async with session.post(server.url(), data=pieces(), compress="gzip") as response:
            await response.read()
        assert gzip.decompress(server.requests[0].body) == b"onethree"
    told = [params.chunk for params in listener.params if isinstance(params, TraceRequestChunkSentParams)]
    assert told == [b"one", b"three"]


@pytest.mark.parametrize("data", [b"body", pieces()], ids=["bytes", "stream"])
async def test_uploads_are_tracked_as_ever(data: Any) -> None:
    listener, tracker = Listener(), UploadTracker()
    async with scripted(OK) as server, listener.session() as session:
        async with session.post(server.url(), data=data, upload_tracker=tracker) as response:
            await response.read()
        assert tracker.bytes_written == len(server.requests[0].body)


async def test_a_body_that_waits_for_100() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        assert listener.events[-1] == HEADERS
        await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert await peer.reader.readexactly(5) == b"hello"
        await peer.send(OK)
        await peer.rest()

    listener = Listener()
    async with (
        scripted(script) as server,
        listener.session() as session,
        session.post(server.url(), data=b"hello", expect100=True) as response,
    ):
        assert await response.text() == "ok"
    assert listener.events == [START, CREATE, CREATED, HEADERS, CHUNK, END, RECEIVED]


async def test_an_expectation_that_is_not_met_is_two_exchanges() -> None:
    listener = Listener()
    refusal = b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n"

    async def refuse(peer: Peer) -> None:
        await peer.head()
        await peer.send(refusal)
        await peer.rest()

    async with (
        scripted(refuse, OK) as server,
        listener.session() as session,
        session.post(server.url(), data=b"hello", expect100=True) as response,
    ):
        assert await response.text() == "ok"
    again = [CREATE, CREATED, HEADERS]
    assert listener.events == [START, *again, *again, CHUNK, END, RECEIVED]


async def test_waiting_for_a_turn() -> None:
    async def hold(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        await go_on.wait()
        await peer.send(b"ok")
        await peer.answer(OK)
        await peer.rest()

    listener, go_on = Listener(), asyncio.Event()
    async with scripted(hold) as server, listener.session(TCPConnector(limit=1)) as session:
        first = await session.get(server.url("/1"))
        listener.forget()
        second = asyncio.create_task(text(session, server.url("/2")))
        await until(lambda: QUEUED in listener.events)
        assert listener.events == [START, QUEUED]
        go_on.set()
        await first.read()
        assert await second == "ok"
    assert [event for event in listener.events if event != RECEIVED] == [
        START,
        QUEUED,
        DEQUEUED,
        REUSED,
        HEADERS,
        END,
    ]


async def test_a_turn_that_brings_no_connection() -> None:
    listener = Listener()
    async with scripted(OK) as server, listener.session(TCPConnector(limit=1, force_close=True)) as session:
        await asyncio.gather(text(session, server.url("/1")), text(session, server.url("/2")))
    second = listener.events.index(QUEUED)
    assert DEQUEUED not in listener.events[:second]
    assert [event for event in listener.events[second:] if event in {QUEUED, DEQUEUED, CREATE, REUSED}] == [
        QUEUED,
        DEQUEUED,
        CREATE,
    ]


async def test_a_stale_connection_is_told_of_and_the_next() -> None:
    listener = Listener()

    async def leave(peer: Peer) -> None:
        await peer.answer(OK)
        await peer.request()
        peer.close()

    async with scripted(leave, OK) as server, listener.session() as session:
        await text(session, server.url())
        listener.forget()
        assert await text(session, server.url()) == "ok"
    assert listener.events == [START, REUSED, HEADERS, CREATE, CREATED, HEADERS, END, RECEIVED]


# Failures


async def test_a_refused_connection() -> None:
    listener = Listener()
    async with listener.session() as session:
        with pytest.raises(ClientConnectorError) as caught:
            await session.get(f"http://127.0.0.1:{unused_port()}/", headers={"X-A": "1"})
        assert listener.events == [START, CREATE, FAILED]
        failed = listener.of(FAILED)
        assert failed.exception is caught.value
        assert (failed.method, failed.url, failed.headers) == (
            "GET",
            listener.of(START).url,
            listener.of(START).headers,
        )
        await nothing_left(session)


async def test_a_name_that_is_none() -> None:
    listener = Listener()
    async with listener.session() as session:
        with pytest.raises(ClientConnectorDNSError):
            await session.get("http://does-not-exist.invalid/")  # RFC 6761 section 6.4
        assert listener.events == [START, CREATE, MISS, RESOLVE, FAILED]
        assert listener.of(RESOLVE).host == "does-not-exist.invalid"


@pytest.mark.parametrize(
    ("script", "options", "error", "is_sent"),
    [
        (answering(b"HTP/1.1 200 OK\r\n\r\n"), {}, ClientResponseError, True),
        (answering(then="close"), {}, ServerDisconnectedError, True),
        (silent, {"timeout": 0.05}, TimeoutError, True),
        (silent, {"headers": {"X-A": "a\r\nb"}}, ValueError, False),
        (silent, {"data": object()}, TypeError, False),
    ],
    ids=["malformed", "disconnected", "timeout", "field", "data"],
)
async def test_what_fails_is_told(
    script: Any, options: dict[str, Any], error: type[Exception], is_sent: bool
) -> None:
    listener = Listener()
    async with scripted(script) as server, listener.session() as session:
        with pytest.raises(error) as caught:
            await session.post(server.url(), **options)
        assert listener.of(FAILED).exception is caught.value
        assert END not in listener.events
        assert listener.events[-1] == FAILED
        assert (HEADERS in listener.events) is is_sent
        await nothing_left(session)


async def test_a_cancelled_request() -> None:
    listener = Listener()
    async with scripted(silent) as server, listener.session() as session:
        task = asyncio.create_task(text(session, server.url()))
        await until(lambda: HEADERS in listener.events)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert listener.events == [START, CREATE, CREATED, HEADERS, FAILED]
        assert isinstance(listener.of(FAILED).exception, asyncio.CancelledError)
        await nothing_left(session)


async def test_a_status_is_no_failure_and_a_body_fails_on_its_own() -> None:
    listener = Listener()
    answer = b"HTTP/1.1 500 Oh\r\nContent-Length: 9\r\n\r\nshort"
    async with scripted(answering(answer)) as server, listener.session() as session:
        response = await session.get(server.url())
        assert response.status == 500
        with pytest.raises(ClientPayloadError):
            await response.read()
    assert listener.events == [START, CREATE, CREATED, HEADERS, END]


@pytest.mark.parametrize("url", ["nowhere", "ftp://here/", "http:///", "http://["])
async def test_a_url_that_cannot_be_requested_is_no_request(url: str) -> None:
    listener = Listener()
    async with listener.session() as session:
        with pytest.raises(InvalidURL):
            await session.get(url)
    assert listener.events == []


async def test_a_status_is_a_failure_where_it_is_to_be() -> None:
    listener = Listener()
    answer = b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno"
    async with scripted(answer) as server, listener.session(raise_for_status=True) as session:
        with pytest.raises(ClientResponseError) as caught:
            await session.get(server.url())
        assert listener.events == [START, CREATE, CREATED, HEADERS, RECEIVED, FAILED]
        assert listener.of(FAILED).exception is caught.value
        assert listener.of(RECEIVED).chunk == caught.value.body == b"no"
        await nothing_left(session)


# Bodies as they are read


def chunked(*chunks: bytes) -> list[bytes]:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return [head, *(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks), b"0\r\n\r\n"]


async def test_read_is_one_piece_however_it_came() -> None:
    listener = Listener()
    async with scripted(answering(*chunked(b"a", b"bc"))) as server, listener.session() as session:
        assert await text(session, server.url()) == "abc"
    assert listener.of(RECEIVED).chunk == b"abc"


@pytest.mark.parametrize(
    "answer", [[b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef"], chunked(b"abcdef")]
)
async def test_a_stream_is_told_as_it_is_read(answer: list[bytes]) -> None:
    listener = Listener()
    read = []
    async with (
        scripted(answering(*answer)) as server,
        listener.session() as session,
        session.get(server.url("/a#b")) as response,
    ):
        async for piece in response.content.iter_chunked(4):
            read.append(piece)
            assert listener.params[-1].chunk == piece
    assert read == [b"abcd", b"ef"]
    assert listener.events.count(RECEIVED) == 2
    assert (listener.params[-1].method, listener.params[-1].url) == ("GET", URL(server.url("/a")))


@pytest.mark.parametrize("cut", [0, 5])
async def test_what_is_told_is_decoded(cut: int) -> None:
    listener = Listener()
    body = gzip.compress(b"hello" * 10)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    pieces = [head + body] if cut == 0 else [head + body[:cut], body[cut:]]
    async with scripted(answering(*pieces)) as server, listener.session() as session:
        assert await text(session, server.url()) == "hello" * 10
        assert listener.of(RECEIVED).chunk == b"hello" * 10
    async with (
        scripted(answering(*pieces)) as server,
        Listener().session(auto_decompress=False) as session,
        session.get(server.url()) as response,
    ):
        assert await response.read() == body


async def test_an_empty_body_is_read_and_one_that_is_not_read_is_not() -> None:
    listener = Listener()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    async with scripted(answer) as server, listener.session() as session:
        async with session.get(server.url()):
            pass
        assert RECEIVED not in listener.events
        async with session.get(server.url()) as response:
            assert await response.read() == b""
    assert listener.of(RECEIVED).chunk == b""


async def test_a_session_without_traces_hears_nothing_on_a_shared_connection() -> None:
    listener = Listener()
    answers = chunked(b"a", b"b")

    async def script(peer: Peer) -> None:
        while True:
            await peer.answer(*answers)

    async with scripted(script) as server, TCPConnector() as connector:
        one = listener.session(connector, connector_owner=False)
        other = ClientSession(connector=connector, connector_owner=False)
        assert await text(one, server.url()) == "ab"
        listener.forget()
        assert await text(other, server.url()) == "ab"
        assert listener.events == []
        assert len(server.peers) == 1
        await one.close()
        await other.close()
