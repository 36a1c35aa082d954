import asyncio
from collections.abc import AsyncIterator, Callable, Generator
from typing import Any

import pytest

from pronghorn.body.payload import Payload, Writer
from pronghorn.body.pieces import (
    AsyncIterablePayload,
    StreamPayload,
    StreamReaderPayload,
    StreamWrapperPayload,
    streamer,
)
from pronghorn.body.registry import get_payload
from pronghorn.io.stream import StreamReader, whole_stream

from .writing import Stuck, Written, written

BINARY = "application/octet-stream"


async def pieces(*given: Any) -> AsyncIterator[Any]:
    for piece in given:
        yield piece


def stream(content: bytes) -> StreamReader:
    return whole_stream(content, None, lambda error: error)


# Async iterables


async def test_an_async_iterable() -> None:
    payload = get_payload(pieces(b"a", b"", bytearray(b"b"), memoryview(b"c")))
    assert isinstance(payload, AsyncIterablePayload)
    assert payload.size is None
    assert payload.content_type == BINARY
    assert payload.autoclose
    assert await written(payload) == b"abc"


@pytest.mark.parametrize("value", [[b"a"], b"a", iter([b"a"]), None], ids=repr)
def test_no_async_iterable(value: Any) -> None:
    with pytest.raises(TypeError, match="value: expected an async iterable, got"):
        AsyncIterablePayload(value)


@pytest.mark.parametrize("piece", ["text", 5, None, [b"a"]], ids=repr)
async def test_an_async_iterable_of_no_bytes(piece: object) -> None:
    writer = Written()
    with pytest.raises(TypeError, match="expected the iterable to give bytes, got"):
        await get_payload(pieces(b"a", piece)).write(writer)
    assert writer.content == b"a"


async def test_an_async_iterable_that_fails() -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield b"a"
        raise LookupError("no more")

    payload = get_payload(failing())
    with pytest.raises(LookupError, match="no more"):
        await payload.write(Written())
    assert not payload.rewind()


async def test_a_generator_is_closed_by_whoever_does_not_read_it_to_its_end() -> None:
    closed = []

    async def holding() -> AsyncIterator[bytes]:
        try:
            yield b"abc"
            yield b"def"
        finally:
            closed.append(True)

    class Broken(Written):
        async def write(self, data: bytes) -> None:
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await get_payload(holding()).write(Broken())
    assert len(closed) == 1
    stuck = Stuck()
    writing = asyncio.create_task(get_payload(holding()).write(stuck))
    await stuck.reached.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert len(closed) == 2
    writer = Written()
    await get_payload(holding()).write_with_length(writer, 4)
    assert writer.content == b"abcd"
    assert len(closed) == 3


# Streams


async def test_a_stream_is_passed_on_as_it_comes() -> None:
    content = StreamReader()
    payload = get_payload(content)
    assert isinstance(payload, StreamReaderPayload)
    writer = Written()
    writing = asyncio.create_task(payload.write(writer))
    for piece in (b"one\n", b"two\nthree"):
        content.feed_data(piece)
        while piece not in writer.pieces:
            await asyncio.sleep(0)
    content.feed_eof()
    await writing
    assert writer.pieces == [b"one\n", b"two\nthree"]


async def test_a_stream_of_which_some_was_read() -> None:
    content = stream(b"abcdef")
    assert await content.read(2) == b"ab"
    assert await written(get_payload(content)) == b"cdef"


async def test_a_stream_that_breaks_is_not_taken_for_whole() -> None:
    content = StreamReader()
    content.feed_data(b"abc")
    content.set_exception(ConnectionResetError("lost"))
    writer = Written()
    with pytest.raises(ConnectionResetError, match="lost"):
        await get_payload(content).write(writer)
    assert writer.content == b"abc"


# Functions


@streamer
def by_generator(writer: Writer, *texts: str, end: str = "") -> Generator[Any, None, None]:
    for text in (*texts, end):
        yield from writer.write(text.encode())


@streamer
async def by_coroutine(writer: Writer, *texts: str, end: str = "") -> None:
    for text in (*texts, end):
        await writer.write(text.encode())


@streamer
async def by_async_generator(_writer: Writer, *texts: str, end: str = "") -> AsyncIterator[bytes]:
    for text in (*texts, end):
        yield text.encode()


@streamer
def by_calling_another(writer: Writer, *texts: str, end: str = "") -> Any:
    return by_coroutine.coro(writer, *texts, end=end)


STREAMERS = [by_generator, by_coroutine, by_async_generator, by_calling_another]


@pytest.mark.parametrize("function", STREAMERS, ids=["generator", "coroutine", "async-generator", "other"])
async def test_a_streamer(function: streamer) -> None:
    payload = get_payload(function("a", "b", end="c"))
    assert isinstance(payload, StreamWrapperPayload)
    assert not isinstance(payload, StreamPayload)
    assert (payload.size, payload.content_type) == (None, BINARY)
    assert await written(payload) == b"abc"
    bare = get_payload(function)
    assert isinstance(bare, StreamPayload)
    assert await written(bare) == b""


async def test_what_a_streamer_gives_can_be_sent_twice_as_a_body_of_its_own() -> None:
    call = by_coroutine("a", end="b")
    assert [await written(get_payload(call)) for _ in range(2)] == [b"ab"] * 2


async def test_a_streamer_that_fails() -> None:
    @streamer
    def failing(writer: Writer) -> Generator[Any, None, None]:
        yield from writer.write(b"a")
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await get_payload(failing).write(Written())


# Once more


ONCE: list[Callable[[], Payload]] = [
    lambda: get_payload(pieces(b"a", b"bc")),
    lambda: get_payload(stream(b"abc")),
    lambda: get_payload(by_generator("a", end="bc")),
    lambda: get_payload(by_coroutine("abc")),
]


@pytest.mark.parametrize("make", ONCE, ids=["iterable", "stream", "generator", "coroutine"])
async def test_what_is_gone_is_not_sent_once_more(make: Callable[[], Payload]) -> None:
    """What would be left of it looks whole: an empty body, as a rule."""
    payload = make()
    assert payload.rewind(), "nothing of it was written yet"
    assert not payload.consumed
    assert await written(payload) == b"abc"
    assert payload.consumed
    assert not payload.rewind()
    writer = Written()
    for again in (payload.write(writer), payload.write_with_length(writer, 1)):
        with pytest.raises(RuntimeError, match="can't be written once more"):
            await again
    with pytest.raises(RuntimeError, match="can't be written once more"):
        await payload.as_bytes()
    assert writer.pieces == []


@pytest.mark.parametrize("make", ONCE, ids=["iterable", "stream", "generator", "coroutine"])
async def test_as_bytes_keeps_it(make: Callable[[], Payload]) -> None:
    payload = make()
    with pytest.raises(TypeError, match="must be read first"):
        payload.decode()
    for _ in range(2):
        assert await payload.as_bytes() == b"abc"
        assert not payload.consumed
        assert payload.rewind()
        assert payload.size == 3
        assert await written(payload) == b"abc"
        assert payload.decode() == "abc"


async def test_as_bytes_of_what_fails_keeps_nothing() -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield b"a"
        raise LookupError("no more")

    payload = get_payload(failing())
    with pytest.raises(LookupError, match="no more"):
        await payload.as_bytes()
    assert payload.consumed
    with pytest.raises(RuntimeError, match="can't be written once more"):
        await payload.as_bytes()


async def test_cancelled_in_between_it_is_gone() -> None:
    stuck = Stuck()
    payload = get_payload(pieces(b"a", b"b"))
    writing = asyncio.create_task(payload.write(stuck))
    await stuck.reached.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert not payload.rewind()
