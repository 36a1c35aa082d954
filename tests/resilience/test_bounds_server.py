"""Whatever a client sends without end: the server holds little of it, and pays for it by the byte."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from itertools import repeat

import pytest

from ..worktime import LINEAR
from .measuring import MIB, Measured, bystander, connection, get, growth, measured

pytestmark = pytest.mark.timed

MOST_MEMORY = 12 * MIB
SLOWEST_ANSWER = 2.0
#: What leaves in one write of a peer that has more to say.
PORTION = 64 * 1024

UPLOAD = b"POST %s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
READ = UPLOAD % b"/read"
FULL = pytest.mark.full


async def pour(server: Measured, first: bytes, piece: bytes, count: int, last: bytes = b"") -> bytes:
    """Send ``piece`` as often as the server lets us, up to ``count`` times; all that it answers."""
    async with asyncio.timeout(60), connection(server) as (reader, writer):
        answer = asyncio.ensure_future(_rest(reader))
        portion = max(1, PORTION // len(piece))
        writer.write(first)
        try:
            for size in [*repeat(portion, count // portion), count % portion]:
                writer.write(piece * size)
                await writer.drain()
            writer.write(last)
            writer.write_eof()
        except ConnectionError:
            pass  # the server has had enough
        return await answer


async def _rest(reader: asyncio.StreamReader) -> bytes:
    """What is received: its beginning and its end, and the length of the whole in between."""
    head = tail = b""
    size = 0
    try:
        while piece := await reader.read(1 << 20):
            size += len(piece)
            if len(head) < PORTION:
                head += piece
            tail = (tail + piece)[-PORTION:]
    except ConnectionError:
        pass  # as far as it came
    return head if size == len(head) else b"%s ... %d bytes ... %s" % (head, size, tail)


async def cost(
    work: Callable[[Measured, int], Awaitable[bytes]], size: int, name: str
) -> tuple[bytes, float]:
    """What ``work`` of ``size`` is answered, and its CPU's growth; memory and the others' latency hold."""
    with measured() as server:
        await work(server, 10)
        server.forget_peak()
        before = server.resident
        async with bystander(server) as stander:
            answer = await work(server, size)
        memory = server.peak - before
        slowest = max(stander.seconds, default=0.0)  # the work may be over before anyone is answered
        factor = await growth(server, lambda count: work(server, count), size // 2)
    print(  # noqa: T201 - the figures are the point; pytest shows them on failure or with -s
        f"{name} x {size}: {memory / MIB:.1f} MiB, CPU {factor:.2f}x for twice as many, "
        f"another waited {slowest * 1000:.0f} ms at most"
    )
    assert memory < MOST_MEMORY
    assert slowest < SLOWEST_ANSWER
    return answer, factor


CLOSING = b"Connection: close\r\n"


@pytest.mark.parametrize("target", ["/answer", pytest.param("/wait", marks=FULL)])
@pytest.mark.parametrize("count", [4000, pytest.param(100_000, marks=FULL)])
async def test_pipelined_requests(count: int, target: str) -> None:
    one = len((await once(target)).replace(CLOSING, b""))

    async def ask(server: Measured, size: int) -> bytes:
        return await pour(server, b"", get(target), size)

    answer, factor = await cost(ask, count, f"pipelined {target}")
    # The last answer says so if the end of the requests was seen before it was written.
    sizes = (one * count, one * count + len(CLOSING))
    assert any(b"... %d bytes ..." % size in answer for size in sizes)
    assert factor < LINEAR


async def once(target: str) -> bytes:
    with measured() as server:
        return await pour(server, b"", get(target), 1)


@pytest.mark.parametrize("count", [20_000, pytest.param(1_000_000, marks=FULL)])
async def test_one_byte_chunks(count: int) -> None:
    async def upload(server: Measured, size: int) -> bytes:
        return await pour(server, READ, b"1\r\nx\r\n", size, b"0\r\n\r\n")

    answer, factor = await cost(upload, count, "one-byte chunks")
    assert answer.endswith(b"\r\n\r\n%d" % count)
    assert factor < LINEAR


@pytest.mark.parametrize("count", [5_000, pytest.param(100_000, marks=FULL)])
async def test_one_byte_segments_of_a_body_that_nobody_reads(count: int) -> None:
    """Each byte is an event of its own: what waits is bounded by bytes."""

    async def upload(server: Measured, size: int) -> bytes:
        head = (
            get("/hold")
            .replace(b"GET", b"POST")
            .replace(b"\r\n\r\n", b"\r\nContent-Length: %d\r\n\r\n" % size)
        )
        async with asyncio.timeout(60), connection(server) as (reader, writer):
            writer.write(head)
            for _ in range(size):
                writer.write(b"x")
                await asyncio.sleep(0)
            await server.ask("/release")
            return await reader.readuntil(b"\r\n\r\n%d" % size)

    _, factor = await cost(upload, count, "one-byte segments")
    assert factor < LINEAR


#: Without end: what comes first, what is repeated, and the statuses that it may be refused with.
ENDLESS = {
    "request line": (b"GET /", b"a", (414,)),
    "method": (b"", b"A", (400, 414, 501)),
    "field lines": (b"GET / HTTP/1.1\r\nHost: a\r\n", b"X-A: b\r\n", (431,)),
    "field names": (b"GET / HTTP/1.1\r\nHost: a\r\n", b"X", (431,)),
    "field values": (b"GET / HTTP/1.1\r\nHost: a\r\nX-A: ", b"b", (431,)),
    "white space": (b"GET / HTTP/1.1\r\nHost: a\r\nX-A:", b" ", (400, 431)),
    "empty lines": (b"", b"\r\n", (400,)),
    "chunk extensions": (READ + b"1", b";a=b", (400, 413, 431)),
    "chunk sizes": (READ, b"0", (400, 413, 431)),
    "trailers": (READ + b"1\r\nx\r\n0\r\n", b"X-A: b\r\n", (400, 413, 431)),
    "trailer value": (READ + b"1\r\nx\r\n0\r\nX-A: ", b"b", (400, 413, 431)),
    "unread body": (UPLOAD % b"/refuse", b"ffff\r\n%s\r\n" % bytes(0xFFFF), (403,)),
    "unread trailers": (UPLOAD % b"/refuse" + b"0\r\n", b"X-A: b\r\n", (400, 403, 431)),
}


@pytest.mark.parametrize(("first", "piece", "statuses"), ENDLESS.values(), ids=ENDLESS)
@pytest.mark.parametrize("mib", [4, pytest.param(64, marks=FULL)])
async def test_endless(
    first: bytes, piece: bytes, statuses: tuple[int, ...], mib: int, server: Measured
) -> None:
    await pour(server, first, piece, 1)
    server.forget_peak()
    before, cpu = server.resident, await server.cpu()
    answer = await pour(server, first, piece, mib * MIB // len(piece))
    cpu, memory = await server.cpu() - cpu, server.peak - before
    print(f"endless: {memory / MIB:.1f} MiB, {cpu * 1000:.1f} ms of CPU")  # noqa: T201 - the figures
    assert answer.startswith(tuple(b"HTTP/1.1 %d " % status for status in statuses))
    assert answer.count(b"HTTP/1.1 ") == 1
    assert memory < MOST_MEMORY
    # What is refused is not read to its end: the cost does not depend on how much there would be.
    assert cpu < 0.5


@pytest.fixture(scope="module")
def server() -> Iterator[Measured]:
    with measured() as server:
        yield server


@pytest.mark.parametrize("count", [20_000, pytest.param(100_000, marks=FULL)])
async def test_requests_of_a_peer_that_reads_no_answer(count: int) -> None:
    """The server stops to answer, and then to read; both buffers are small."""
    with measured() as server:
        await server.ask("/answer")
        server.forget_peak()
        before = server.resident
        async with connection(server) as (_, writer), bystander(server) as stander:
            writer.transport.pause_reading()
            writer.write(get("/answer") * count)
            asked = len(stander.seconds)
            async with asyncio.timeout(30):
                while len(stander.seconds) < asked + 50:
                    await asyncio.sleep(0.01)
        memory = server.peak - before
    print(f"requests without a reader x {count}: {memory / MIB:.1f} MiB")  # noqa: T201 - the figures
    assert memory < MOST_MEMORY
    assert max(stander.seconds) < SLOWEST_ANSWER
