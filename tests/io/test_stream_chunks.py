"""Reading by the chunks of the chunked transfer coding."""

import asyncio
import gzip
import zlib
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pronghorn.io.stream import END_WEIGHT, StreamReader, whole_stream
from pronghorn.wire.coding import decoder_for

from .fakes import settle


class Account:
    """Counts what is unread, as an exchange does."""

    def __init__(self) -> None:
        self.unread = 0

    def consumed(self, size: int) -> None:
        self.unread -= size


def feed(stream: StreamReader, *chunks: bytes, cut: int = 0, account: Account | None = None) -> None:
    """All chunks in one read; in two, with ``cut``."""
    data = b"".join(chunks)
    ends = list(accumulate(map(len, chunks)))
    reads = (
        [(data, ends)]
        if not cut
        else [
            (data[:cut], [end for end in ends if end <= cut]),
            (data[cut:], [end - cut for end in ends if end > cut]),
        ]
    )
    for part, part_ends in reads:
        if account is not None:
            account.unread += len(part) + END_WEIGHT * len(part_ends)
        stream.feed_data(part, part_ends)


async def test_chunks_as_they_were_sent() -> None:
    stream = StreamReader()
    feed(stream, b"one", b"twenty", b"3")
    stream.feed_eof()
    assert [chunk async for chunk in stream.iter_chunks()] == [
        (b"one", True),
        (b"twenty", True),
        (b"3", True),
    ]
    assert await stream.readchunk() == (b"", False)


async def test_a_chunk_that_comes_in_two_reads() -> None:
    stream = StreamReader()
    feed(stream, b"one", b"twenty", cut=5)
    assert await stream.readchunk() == (b"one", True)
    assert await stream.readchunk() == (b"twenty", True)
    stream = StreamReader()
    stream.feed_data(b"onetw", [3])
    assert await stream.readchunk() == (b"one", True)
    assert await stream.readchunk() == (b"tw", False)
    waiting = asyncio.create_task(stream.readchunk())
    await settle()
    stream.feed_data(b"enty", [4])
    assert await waiting == (b"enty", True)


async def test_content_that_is_not_chunked_has_no_ends() -> None:
    stream = StreamReader()
    stream.feed_data(b"one")
    stream.feed_data(b"two")
    stream.feed_eof()
    assert [chunk async for chunk in stream.iter_chunks()] == [(b"onetwo", False)]


async def test_other_reads_between() -> None:
    stream = StreamReader()
    feed(stream, b"one", b"twenty", b"3")
    assert await stream.read(3) == b"one"
    assert await stream.readchunk() == (b"", True)  # nothing is left of it
    assert await stream.read(2) == b"tw"
    assert await stream.readchunk() == (b"enty", True)
    assert await stream.readany() == b"3"
    stream.feed_eof()
    assert await stream.readchunk() == (b"", True)
    assert await stream.readchunk() == (b"", False)


async def test_ends_that_were_read_over_are_forgotten() -> None:
    stream = StreamReader()
    feed(stream, b"one", b"two", b"3")
    assert await stream.readexactly(5) == b"onetw"
    assert await stream.readchunk() == (b"o", True)


async def test_chunks_fed_by_hand() -> None:
    stream = StreamReader()
    for chunk in (b"one", b"two"):
        stream.begin_http_chunk_receiving()
        stream.feed_data(chunk[:1])
        stream.feed_data(chunk[1:])
        stream.end_http_chunk_receiving()
    stream.feed_eof()
    assert [chunk async for chunk in stream.iter_chunks()] == [(b"one", True), (b"two", True)]


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_coded_content_has_its_ends_where_its_chunks_were(coding: str) -> None:
    coder = zlib.compressobj(wbits=31 if coding == "gzip" else 15)
    words = (b"one", b"twenty", b"3")
    chunks = [coder.compress(word) + coder.flush(zlib.Z_SYNC_FLUSH) for word in words]
    chunks[-1] += coder.flush()
    stream = StreamReader(decoder=decoder_for(coding))
    feed(stream, *chunks)
    stream.feed_eof()
    read: list[bytes] = [b""]
    async for piece, is_end in stream.iter_chunks():
        read[-1] += piece
        if is_end:
            read.append(b"")
    assert read == [b"one", b"twenty", b"3", b""]


@given(st.lists(st.binary(min_size=1, max_size=5), max_size=8), st.integers(0, 40), st.booleans())
async def test_however_it_is_read_the_account_ends_at_nothing(
    chunks: list[bytes], cut: int, by_chunks: bool
) -> None:
    account = Account()
    stream = StreamReader(account)
    feed(stream, *chunks, cut=min(cut, sum(map(len, chunks))), account=account)
    if by_chunks:
        got = b""
        for _ in chunks:
            piece, _is_end = await stream.readchunk()
            got += piece
        assert got == b"".join(chunks)
        assert account.unread == 0
    elif chunks:
        assert await stream.readany() == b"".join(chunks)
        assert account.unread == END_WEIGHT  # the last end is where the reader is
    stream.feed_eof()


async def test_what_came_whole_came_as_one_chunk() -> None:
    stream = whole_stream(b"abc", None, Exception, is_chunk=True)
    assert [chunk async for chunk in stream.iter_chunks()] == [(b"abc", True)]
    stream = whole_stream(gzip.compress(b"abc"), decoder_for("gzip"), Exception, is_chunk=True)
    assert [chunk async for chunk in stream.iter_chunks()] == [(b"abc", True)]
    stream = whole_stream(b"", None, Exception, is_chunk=True)
    assert [chunk async for chunk in stream.iter_chunks()] == []


# Beside chunks


async def test_waiting_for_the_end() -> None:
    stream = StreamReader()
    waiting = [asyncio.create_task(stream.wait_eof()) for _ in range(2)]
    await settle()
    stream.feed_data(b"abc")
    await settle()
    assert not any(task.done() for task in waiting)
    stream.feed_eof()
    await asyncio.gather(*waiting)
    await stream.wait_eof()
    assert await stream.read() == b"abc"


async def test_waiting_for_an_end_that_does_not_come() -> None:
    stream = StreamReader()
    waiting = asyncio.create_task(stream.wait_eof())
    cancelled = asyncio.create_task(stream.wait_eof())
    await settle()
    cancelled.cancel()
    await settle()
    stream.set_exception(OSError("lost"))
    for wait in (waiting, stream.wait_eof()):
        with pytest.raises(OSError, match="lost"):
            await wait


async def test_data_that_is_put_back() -> None:
    stream = StreamReader()
    stream.feed_data(b"abcdef")
    assert await stream.read(3) == b"abc"
    with pytest.warns(DeprecationWarning, match="unread_data"):
        stream.unread_data(b"bc")
    assert await stream.readany() == b"bcdef"
