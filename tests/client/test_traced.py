"""Bodies that tell of themselves."""

import asyncio
import gzip
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pronghorn.client.traced import TracedStream, TracedWriter
from pronghorn.io.stream import END_WEIGHT, StreamReader
from pronghorn.wire.coding import decoder_for


class Told:
    """Remembers what it was told; fails when it is to."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.error: BaseException | None = None

    async def __call__(self, piece: bytes) -> None:
        if self.error is not None:
            raise self.error
        self.pieces.append(piece)


class Source:
    """Who fills a stream, and counts what was read of it."""

    size = 0

    def consumed(self, size: int) -> None:
        self.size += size


class Written(Told):
    """Where a payload goes."""

    async def write(self, data: bytes) -> None:
        await self(data)


def stream(told: Told, *pieces: bytes, **options: Any) -> TracedStream:
    """With ``pieces`` there, and the end."""
    made = TracedStream(told, **options)
    for piece in pieces:
        made.feed_data(piece)
    made.feed_eof()
    return made


async def chunk(content: StreamReader) -> bytes:
    piece, _ = await content.readchunk()
    return piece


READS: dict[str, Callable[[StreamReader], Awaitable[bytes]]] = {
    "read": lambda content: content.read(4),
    "readany": lambda content: content.readany(),
    "readchunk": chunk,
    "readexactly": lambda content: content.readexactly(4),
    "readline": lambda content: content.readline(),
    "readuntil": lambda content: content.readuntil(b"b"),
}


def test_all_ways_to_read_are_known_here() -> None:
    """One that is added to `StreamReader` has to tell, too."""
    ways = inspect.getmembers(StreamReader, inspect.iscoroutinefunction)
    assert READS.keys() == {name for name, _ in ways if name.startswith("read")}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
async def test_what_is_read_is_told_before_it_is_given(
    read: Callable[[StreamReader], Awaitable[bytes]],
) -> None:
    told = Told()
    content = stream(told, b"aab\naab\n")
    given = [await read(content)]
    assert told.pieces == given
    while not content.at_eof():
        given.append(await read(content))
        assert told.pieces == given
    assert b"".join(given) == b"aab\naab\n"


@pytest.mark.parametrize("read", READS.values(), ids=READS)
async def test_a_read_that_could_not_be_told_has_taken_nothing(
    read: Callable[[StreamReader], Awaitable[bytes]],
) -> None:
    told = Told()
    content = stream(told, b"aab\n", b"aab\n")
    told.error = LookupError("no")
    with pytest.raises(LookupError):
        await read(content)
    told.error = None
    assert await content.read() == b"aab\naab\n"
    assert told.pieces == [b"aab\naab\n"]


async def test_nor_the_end_of_a_chunk() -> None:
    told, source = Told(), Source()
    content = TracedStream(told, source)
    content.feed_data(b"abc")
    content.end_http_chunk_receiving()
    content.feed_data(b"def")
    told.error = LookupError("no")
    with pytest.raises(LookupError):
        await content.readchunk()
    assert source.size == 0
    told.error = None
    assert await content.readchunk() == (b"abc", True)
    assert await content.readchunk() == (b"def", False)
    assert source.size == 6 + END_WEIGHT


async def test_nor_one_that_was_cancelled_meanwhile() -> None:
    arrived = asyncio.Event()

    async def linger(piece: bytes) -> None:
        arrived.set()
        await asyncio.Event().wait()

    content = TracedStream(linger)
    content.feed_data(b"abc")
    reading = asyncio.create_task(content.readany())
    await arrived.wait()
    reading.cancel()
    await asyncio.wait([reading])
    assert content.read_nowait() == b"abc"


@pytest.mark.parametrize(
    ("iterate", "pieces"),
    [
        (lambda content: content.iter_chunked(3), [b"ab\n", b"cd\n", b"e"]),
        (lambda content: content.iter_any(), [b"ab\ncd\ne"]),
        (lambda content: content, [b"ab\n", b"cd\n", b"e"]),
    ],
)
async def test_iterating_tells_of_each_piece(
    iterate: Callable[[StreamReader], Any], pieces: list[bytes]
) -> None:
    told = Told()
    assert [piece async for piece in iterate(stream(told, b"ab\nc", b"d\ne"))] == pieces
    assert told.pieces == pieces


async def test_the_end_is_not_told_but_that_the_whole_is_empty_is() -> None:
    told = Told()
    assert await stream(told).readany() == b""
    assert await stream(told).read(5) == b""
    assert await stream(told).readline() == b""
    assert told.pieces == []
    assert await stream(told).read() == b""
    assert told.pieces == [b""]


async def test_what_is_not_enough_is_not_told() -> None:
    told = Told()
    with pytest.raises(asyncio.IncompleteReadError) as caught:
        await stream(told, b"abc").readexactly(4)
    assert caught.value.partial == b"abc"
    assert told.pieces == []


async def test_what_is_told_is_decoded() -> None:
    told = Told()
    content = stream(told, gzip.compress(b"hello"), decoder=decoder_for("gzip"))
    assert await content.read() == b"hello"
    assert told.pieces == [b"hello"]


async def test_what_is_written_is_told_afterwards() -> None:
    told, written = Told(), Written()
    writer = TracedWriter(written, told)
    await writer.write(b"one")
    await writer.write(b"")
    await writer.write(b"two")
    assert written.pieces == [b"one", b"", b"two"]
    assert told.pieces == [b"one", b"two"]


async def test_what_could_not_be_written_is_not_told() -> None:
    told, written = Told(), Written()
    written.error = ConnectionResetError()
    with pytest.raises(ConnectionResetError):
        await TracedWriter(written, told).write(b"one")
    assert told.pieces == []
