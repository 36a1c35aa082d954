"""Family 7, what HTTP/1 has of it: time and memory that a peer may cost. Ids and names say the row."""

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import pytest

from pronghorn import ClientPayloadError, ClientSession, web
from pronghorn.testing import RawTestServer
from pronghorn.wire.coding import STEP
from pronghorn.wire.limits import DEFAULT_DECODE_LIMITS, DEFAULT_LIMITS, DecodeLimits

from ..functional.scripted import answering, scripted
from ..server.peer import GET, PATIENCE, Peer, connect, eventually, in_memory
from .cases import ok

SOON = 0.2
CHUNKED_POST = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


async def reads(request: web.BaseRequest) -> web.Response:
    return web.Response(text=str(len(await request.read())))


# Slow peers: each gets an end, soon.


async def drip(peer: Peer, begin: bytes, drop: bytes) -> bytes:
    """Send ``begin``, then ``drop`` again and again until the server has closed; what it said."""
    peer.send(begin)
    answer = asyncio.ensure_future(peer.rest())
    while not answer.done():
        peer.send(drop)
        await asyncio.wait([answer], timeout=0.01)
    return answer.result()


SLOW = {
    "slow-head": ("head_timeout", b"GET / HTTP/1.1\r\n", b"X: y\r\n", False),
    "slow-line": ("head_timeout", b"GET /", b"a", False),
    "slow-empty-start": ("head_timeout", b"\r", b"", False),
    "silence": ("head_timeout", b"", b"", False),
    "slow-length": (
        "body_timeout",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n",
        b"a",
        True,
    ),
    "slow-chunks": ("body_timeout", CHUNKED_POST, b"1\r\na\r\n", True),
    "slow-chunk-size": ("body_timeout", CHUNKED_POST, b"0", True),
    "slow-trailers": ("body_timeout", CHUNKED_POST + b"0\r\n", b"X: y\r\n", True),
}


@pytest.mark.parametrize(("setting", "begin", "drop", "is_told"), SLOW.values(), ids=SLOW)
async def test_slow_sender(setting: str, begin: bytes, drop: bytes, is_told: bool) -> None:
    begun = asyncio.get_running_loop().time()
    async with RawTestServer(reads, **{setting: SOON}) as server, connect(server) as peer:
        said = await drip(peer, begin, drop)
    assert said.startswith(b"HTTP/1.1 408 ") if is_told else said == b""
    assert asyncio.get_running_loop().time() - begun < PATIENCE / 2


@pytest.mark.parametrize("size", [None, 64 * 2**20], ids=["slow-reader-of-a-stream", "zero-window"])
async def test_slow_reader(size: int | None) -> None:
    ended = asyncio.Event()

    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        try:
            if size is not None:
                return web.Response(body=bytes(size))
            response = web.StreamResponse()
            await response.prepare(request)
            while True:
                await response.write(bytes(64 * 1024))
        finally:
            ended.set()

    async with RawTestServer(endless, write_timeout=SOON) as server, connect(server) as peer:
        peer.writer.transport.pause_reading()
        peer.send(GET)
        async with asyncio.timeout(PATIENCE):
            await ended.wait()
        assert server.runner is not None
        await eventually(lambda: not server.runner.server.connections, "the end of the connection")


# Many small things


async def test_CVE_2026_54273_1e5_pipelined_requests_wait_on_the_peers_side() -> None:
    gate = asyncio.Event()
    targets = []

    async def handler(request: web.BaseRequest) -> web.Response:
        targets.append(int(request.path[1:]))
        await gate.wait()
        return web.Response()

    connection = await in_memory(handler)
    segments = iter_segments(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % n for n in range(100_000)))
    fed = 0
    for segment in segments:
        connection.feed(segment)
        fed += len(segment)
        if not connection.transport.is_reading:
            break
    assert fed <= DEFAULT_LIMITS.pipelined + 2 * len(segment)
    await eventually(lambda: targets)
    assert targets == [0]
    gate.set()
    for segment in segments:
        await eventually(lambda: connection.transport.is_reading)
        connection.feed(segment)
    await eventually(lambda: len(targets) == 100_000)
    assert targets == list(range(100_000))
    await eventually(lambda: connection.sent.count(b"HTTP/1.1 200 OK\r\n") == 100_000)
    connection.feed_eof()
    await eventually(lambda: connection.is_over)


def iter_segments(wire: bytes, size: int = 16 * 1024) -> Iterator[bytes]:
    return (wire[at : at + size] for at in range(0, len(wire), size))


async def test_CVE_2025_69229_1e6_chunks_of_one_byte() -> None:
    connection = await in_memory(reads)
    connection.feed(CHUNKED_POST)
    for segment in iter_segments(b"1\r\na\r\n" * 1_000_000 + b"0\r\n\r\n", 256 * 1024):
        await eventually(lambda: connection.transport.is_reading)
        connection.feed(segment)
    await eventually(lambda: connection.sent.endswith(b"\r\n\r\n1000000"))
    connection.feed_eof()
    await eventually(lambda: connection.is_over)


# Bombs: 64 MiB in 64 KiB

SIZE = 64 * 2**20
#: What handling a bomb may hold at once: what came, a step of output, and what `client_max_size` allows.
HELD = 6 * 2**20


@cache
def bomb(kind: str) -> tuple[bytes, bytes]:
    """A content coding, and content in it."""
    if kind == "deflate":
        return b"deflate", zlib.compress(bytes(SIZE))
    if kind == "raw-deflate":
        raw = zlib.compressobj(wbits=-15)
        return b"deflate", raw.compress(bytes(SIZE)) + raw.flush()
    if kind == "gzip-of-64-members":
        return b"gzip", gzip.compress(bytes(SIZE // 64)) * 64
    if kind == "gzip-in-gzip":
        return b"gzip, gzip", gzip.compress(gzip.compress(bytes(SIZE)) * 64)
    return b"gzip", gzip.compress(bytes(SIZE))


each_bomb = pytest.mark.parametrize("kind", ["gzip", "deflate", "raw-deflate", "gzip-of-64-members"])


@contextmanager
def bounded(limit: int) -> Iterator[None]:
    """Fail if more than ``limit`` bytes are allocated at once, beside what is already."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()


def posted(kind: str) -> bytes:
    coding, content = bomb(kind)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n"
    return head % (coding, len(content)) + content


async def ignores(request: web.BaseRequest) -> web.Response:
    return web.Response(text="0")


async def counts(request: web.BaseRequest) -> web.Response:
    return web.Response(text=str(sum([len(piece) async for piece in request.content.iter_any()])))


BOMB_HANDLERS: dict[str, tuple[Callable[[web.BaseRequest], object], int, str]] = {
    "CVE-2025-69223-read": (reads, 413, "Maximum request body size"),
    "CVE-2025-69223-streamed": (counts, 413, "413: content coding: more than 200 times"),
    "CVE-2026-54278-unread": (ignores, 200, "0"),
}


@each_bomb
@pytest.mark.parametrize(("handler", "status", "text"), BOMB_HANDLERS.values(), ids=BOMB_HANDLERS)
async def test_request_bomb(
    handler: Callable[[web.BaseRequest], object], status: int, text: str, kind: str
) -> None:
    wire = posted(kind)
    async with RawTestServer(handler) as server, connect(server) as peer:
        with bounded(HELD):
            peer.send(wire)
            answer = await peer.answer()
        assert answer.status == status
        assert answer.text.startswith(text)


#: Let a bomb go off.
ANY_RATIO = DecodeLimits(ratio=2000)


@each_bomb
async def test_what_goes_off_on_purpose_goes_off_in_steps(kind: str) -> None:
    wire = posted(kind)
    async with RawTestServer(counts, decode_limits=ANY_RATIO) as server, connect(server) as peer:
        with bounded(HELD):
            peer.send(wire)
            answer = await peer.answer()
        assert (answer.status, answer.text) == (200, str(SIZE))


@pytest.mark.parametrize("kind", ["gzip", "deflate", "raw-deflate", "gzip-of-64-members", "gzip-in-gzip"])
async def test_CVE_2025_69223_response_bomb_is_refused(kind: str) -> None:
    coding, content = bomb(kind)
    wire = ok(b"Content-Encoding: " + coding, b"Content-Length: %d" % len(content), content=content)
    async with scripted(answering(wire, then="stay")) as server, ClientSession() as session:
        with bounded(DEFAULT_DECODE_LIMITS.free * 2 + HELD):
            async with session.get(server.url()) as response:
                with pytest.raises(ClientPayloadError, match="more than 200 times"):
                    await response.read()


@each_bomb
async def test_CVE_2025_69223_response_bomb(kind: str) -> None:
    coding, content = bomb(kind)
    wire = ok(b"Content-Encoding: " + coding, b"Content-Length: %d" % len(content), content=content)
    size = 0
    async with (
        scripted(answering(wire, then="stay")) as server,
        ClientSession(decode_limits=ANY_RATIO) as session,
    ):
        with bounded(HELD):
            async with session.get(server.url()) as response:
                async for piece in response.content.iter_any():
                    assert len(piece) <= STEP
                    size += len(piece)
    assert size == SIZE


async def test_CVE_2025_69223_a_bomb_of_a_response_that_nobody_reads() -> None:
    coding, content = bomb("gzip-of-64-members")
    wire = ok(b"Content-Encoding: " + coding, b"Content-Length: %d" % len(content), content=content)
    async with scripted(answering(wire, then="stay")) as server, ClientSession() as session:
        with bounded(HELD):
            async with session.get(server.url()) as response:
                assert response.status == 200
