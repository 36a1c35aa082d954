"""Coded content: inflated when it is read, a bounded step at a time, and not before."""

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pronghorn.io.stream import StreamReader, whole_stream
from pronghorn.wire.coding import STEP, Decoder, decoder_for
from pronghorn.wire.errors import ProtocolError
from pronghorn.wire.limits import DEFAULT_DECODE_LIMITS, DecodeLimits

from .fakes import settle
from .test_stream import EVERY_READ, TEXT, Account, Read, feed, pieces_of

BOMB = gzip.compress(b"\0" * 64 * 1024 * 1024)  # 64 KiB
CODED = {
    "gzip": ("gzip", gzip.compress(TEXT)),
    "gzip-members": ("gzip", gzip.compress(TEXT[:9]) + gzip.compress(TEXT[9:])),
    "deflate": ("deflate", zlib.compress(TEXT)),
    "deflate-raw": ("deflate", zlib.compress(TEXT)[2:-4]),
}
EVERY_CODING = pytest.mark.parametrize(("coding", "coded"), CODED.values(), ids=CODED)


class Broken(Exception):
    """What users are told of malformed content."""


#: For a look at the memory that a bomb takes when it is not refused.
UNGUARDED = DecodeLimits(ratio=2000)


def decoder(coding: str, limits: DecodeLimits = UNGUARDED) -> Decoder:
    made = decoder_for(coding, limits)
    assert made is not None
    return made


def coded_stream(coding: str = "gzip", *, account: Account | None = None) -> StreamReader:
    return StreamReader(account, decoder=decoder(coding), error_factory=lambda error: Broken(error.message))


class Counting:
    """A decoder that notes how much it gave."""

    def __init__(self) -> None:
        self._decoder = decoder("gzip")
        self.given = 0
        self.calls = 0

    def decode(self, data: bytes) -> bytes:
        output = self._decoder.decode(data)
        self.given += len(output)
        self.calls += 1
        return output

    @property
    def has_more(self) -> bool:
        return self._decoder.has_more

    def finish(self) -> None:
        self._decoder.finish()


@given(st.sampled_from(sorted(CODED)), st.data())
async def test_cut_anywhere(name: str, data: st.DataObject) -> None:
    coding, coded = CODED[name]
    stream = coded_stream(coding)
    feeding = asyncio.create_task(feed(stream, data.draw(pieces_of(coded))))
    size = data.draw(st.integers(1, len(TEXT) + 1))
    assert b"".join([piece async for piece in stream.iter_chunked(size)]) == TEXT
    await feeding
    assert stream.at_eof()
    assert stream.total_raw_bytes == stream.total_compressed_bytes == len(coded)
    assert stream.total_bytes == len(TEXT)


@EVERY_CODING
@EVERY_READ
async def test_every_read_gives_decoded_content(read: Read, coding: str, coded: bytes) -> None:
    plain = await read(whole_stream(TEXT, None, Broken))
    stream = whole_stream(coded, decoder(coding), Broken)
    got = await read(stream)
    assert plain.startswith(got)
    assert got + await stream.read() == TEXT


@EVERY_READ
async def test_a_cancelled_read_loses_nothing(read: Read) -> None:
    coded = gzip.compress(TEXT)
    stream = coded_stream()
    fed = 0
    while fed < len(coded):
        reading = asyncio.ensure_future(read(stream))
        await settle()
        if reading.done():
            break
        reading.cancel()
        await settle()
        stream.feed_data(coded[fed : fed + 1])
        fed += 1
    got = await reading if reading.done() and not reading.cancelled() else b""
    if fed < len(coded):
        stream.feed_data(coded[fed:])
    stream.feed_eof()
    assert got + await stream.read() == TEXT


@pytest.mark.timed
async def test_a_bomb_that_nobody_reads_costs_nothing() -> None:
    counting = Counting()
    stream = StreamReader(decoder=counting)
    tracemalloc.start()
    try:
        stream.feed_data(BOMB)
        stream.feed_eof()
        assert tracemalloc.get_traced_memory()[1] < 10_000
    finally:
        tracemalloc.stop()
    assert counting.calls == 0
    assert not stream.at_eof()


@pytest.mark.parametrize("size", [1, 1000, STEP, 10 * STEP])
async def test_what_is_read_slowly_is_inflated_slowly(size: int) -> None:
    counting = Counting()
    stream = StreamReader(decoder=counting)
    stream.feed_data(BOMB)
    stream.feed_eof()
    read = 0
    for _ in range(20):
        read += len(await stream.read(size))
        assert counting.given - read <= STEP
    await stream.readany()
    assert counting.given <= read + 2 * STEP


@pytest.mark.timed
async def test_a_bomb_is_read_in_bounded_memory() -> None:
    stream = whole_stream(BOMB, decoder("gzip"), Broken)
    read = 0
    tracemalloc.start()
    try:
        async for piece in stream.iter_any():
            read += len(piece)
        assert tracemalloc.get_traced_memory()[1] < 8 * STEP
    finally:
        tracemalloc.stop()
    assert read == 64 * 1024 * 1024


async def test_a_bomb_is_refused_when_it_goes_off() -> None:
    stream = whole_stream(BOMB, decoder("gzip", DEFAULT_DECODE_LIMITS), lambda error: Broken(error.message))
    sound = await stream.readexactly(DEFAULT_DECODE_LIMITS.free - STEP)
    assert not sound.strip(b"\0")
    with pytest.raises(Broken, match="more than 200 times as many bytes decoded as received"):
        await stream.read()


async def test_the_account_is_kept_in_bytes_as_received() -> None:
    account = Account()
    stream = coded_stream(account=account)
    for start in range(0, len(BOMB), 1000):
        account.unread += len(BOMB[start : start + 1000])
        stream.feed_data(BOMB[start : start + 1000])
    total = account.unread
    await stream.read(1)
    assert total - 1000 <= account.unread < total
    while account.unread:
        before = account.unread
        assert await stream.readany()
        assert 0 <= account.unread <= before
    assert total == len(BOMB)


# What is malformed


@EVERY_READ
async def test_what_is_malformed_is_told_in_the_user_s_terms(read: Read) -> None:
    stream = coded_stream()
    stream.feed_data(b"<html>not gzip</html>")
    for _ in range(2):
        with pytest.raises(Broken, match="malformed gzip"):
            await read(stream)
    assert isinstance(stream.exception(), Broken)


async def test_without_an_error_factory_it_is_told_as_the_wire_does() -> None:
    stream = StreamReader(decoder=decoder("gzip"))
    stream.feed_data(b"<html>not gzip</html>")
    with pytest.raises(ProtocolError, match="malformed gzip"):
        await stream.readany()


@EVERY_READ
async def test_nothing_of_what_follows_is_given_out(read: Read) -> None:
    """It would be read as content, and is still coded."""
    stream = coded_stream()
    stream.feed_data(b"<html>not gzip</html>")
    with pytest.raises(Broken):
        await read(stream)
    stream.feed_data(b"more of it\r\n\r\n")
    with pytest.raises(Broken):
        await read(stream)
    stream.feed_eof()
    with pytest.raises(Broken):
        await read(stream)


FOLLOWED = {
    "gzip": ("gzip", gzip.compress(TEXT) + b"no second member"),
    "deflate": ("deflate", zlib.compress(TEXT) + b"more"),
    "deflate-raw": ("deflate", zlib.compress(TEXT)[2:-4] + b"more"),
}


@pytest.mark.parametrize(
    "cut", [lambda data: [data], lambda data: [data[:-4], data[-4:]]], ids=["whole", "cut"]
)
@pytest.mark.parametrize(("coding", "coded"), FOLLOWED.values(), ids=FOLLOWED)
async def test_what_is_malformed_comes_after_what_was_sound(
    coding: str, coded: bytes, cut: Callable[[bytes], list[bytes]]
) -> None:
    stream = coded_stream(coding)
    for piece in cut(coded):
        stream.feed_data(piece)
    stream.feed_eof()
    assert await stream.read(len(TEXT)) == TEXT
    with pytest.raises(Broken):
        await stream.read(1)


@EVERY_CODING
async def test_content_that_ends_before_its_coding_did(coding: str, coded: bytes) -> None:
    stream = coded_stream(coding)
    stream.feed_data(coded[:-5])
    stream.feed_eof()
    taken = bytearray()

    async def read_to_the_end() -> None:
        """The loop of many users: it may not take what is cut for whole."""
        while not stream.at_eof():
            taken.extend(await stream.read(5))

    with pytest.raises(Broken, match="ended before"):
        await read_to_the_end()
    assert TEXT.startswith(taken)


async def test_a_connection_that_is_lost_is_told_after_what_can_be_decoded() -> None:
    stream = coded_stream()
    stream.feed_data(gzip.compress(TEXT)[:-8])
    stream.set_exception(LookupError("lost"))
    assert await stream.read(len(TEXT)) == TEXT
    with pytest.raises(LookupError, match="lost"):
        await stream.read(1)
