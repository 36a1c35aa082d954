"""Content that arrives in pieces, cut anywhere, while it is read in every way."""

import asyncio
import tracemalloc
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pronghorn.io.stream import StreamReader, whole_stream

from ..worktime import LINEAR, growth
from .fakes import settle

TEXT = b"first line\nsecond\r\n\r\n\nthe fifth, and the rest"
Read = Callable[[StreamReader], Awaitable[bytes]]
READS: dict[str, Read] = {
    "read-all": lambda stream: stream.read(),
    "read": lambda stream: stream.read(7),
    "readany": lambda stream: stream.readany(),
    "readexactly": lambda stream: stream.readexactly(20),
    "readline": lambda stream: stream.readline(),
    "readuntil": lambda stream: stream.readuntil(b"\r\n\r\n"),
    "iter_chunked": lambda stream: anext(stream.iter_chunked(7)),
    "iter_any": lambda stream: anext(stream.iter_any()),
    "async for": lambda stream: anext(aiter(stream)),
}
EVERY_READ = pytest.mark.parametrize("read", READS.values(), ids=READS)


class Account:
    """What is received and not read."""

    def __init__(self) -> None:
        self.unread = 0

    def consumed(self, size: int) -> None:
        self.unread -= size


def filled(*pieces: bytes, whole: bool = True) -> StreamReader:
    stream = StreamReader()
    for piece in pieces:
        stream.feed_data(piece)
    if whole:
        stream.feed_eof()
    return stream


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """``data`` in pieces."""
    ends = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(ends)]


def pieces_of(data: bytes) -> st.SearchStrategy[list[bytes]]:
    return st.lists(st.integers(0, len(data)), max_size=12).map(lambda places: cut(data, places))


async def feed(stream: StreamReader, pieces: list[bytes], account: Account | None = None) -> None:
    """Pieces one at a time, the reader's turn after each; then the end."""
    for piece in pieces:
        if account:
            account.unread += len(piece)
        stream.feed_data(piece)
        await settle()
    stream.feed_eof()


def check(name: str, size: int, got: bytes, left: bytes) -> None:
    """What a read may give when ``left`` is still to be read."""
    assert left.startswith(got)
    if name == "read":
        assert len(got) <= size
        assert bool(got) == bool(left and size)
    elif name == "readany":
        assert bool(got) == bool(left)
    elif name == "readexactly":
        assert len(got) == size
    else:
        separator = {"readline": b"\n", "readuntil": b"\r\n\r\n"}[name]
        head, found, _ = left.partition(separator)
        assert got == head + found


ONE_READ = st.tuples(
    st.sampled_from(["read", "readany", "readexactly", "readline", "readuntil"]), st.integers(0, 15)
)


@given(st.binary(max_size=60) | st.just(TEXT), st.data())
async def test_any_reads_of_any_pieces(content: bytes, data: st.DataObject) -> None:
    pieces = data.draw(pieces_of(content))
    account = Account()
    stream = StreamReader(account)
    feeding = asyncio.create_task(feed(stream, pieces, account))
    left = content
    for name, size in data.draw(st.lists(ONE_READ, max_size=12)):
        if name == "readexactly" and size > len(left):
            continue
        method = getattr(stream, name)
        arguments = {"read": (size,), "readexactly": (size,), "readuntil": (b"\r\n\r\n",)}.get(name, ())
        got = await method(*arguments)
        check(name, size, got, left)
        left = left[len(got) :]
    assert await stream.read() == left
    await feeding
    assert stream.at_eof()
    assert await stream.read() == await stream.readany() == await stream.readline() == b""
    assert stream.total_bytes == len(content)


@pytest.mark.parametrize(
    ("iterate", "expected"),
    [
        (lambda stream: stream, [b"one\n", b"two\n", b"\n", b"three"]),
        (lambda stream: stream.iter_any(), [b"one\ntw", b"o\n\nthr", b"ee"]),
        (lambda stream: stream.iter_chunked(4), [b"one\n", b"tw", b"o\n\nt", b"hr", b"ee"]),
    ],
    ids=["lines", "iter_any", "iter_chunked"],
)
async def test_iterating(iterate: Callable[[StreamReader], StreamReader], expected: list[bytes]) -> None:
    stream = StreamReader()
    feeding = asyncio.create_task(feed(stream, [b"one\ntw", b"o\n\nthr", b"ee"]))
    assert [piece async for piece in iterate(stream)] == expected
    await feeding


async def test_reading_nothing() -> None:
    stream = filled(b"abc", whole=False)
    assert await stream.read(0) == b""
    assert await stream.readexactly(0) == b""
    assert stream.read_nowait(0) == b""
    assert await stream.readany() == b"abc"


async def test_read_nowait() -> None:
    stream = filled(b"abc", b"def", whole=False)
    assert stream.read_nowait(4) == b"abcd"
    assert stream.read_nowait() == b"ef"
    assert stream.read_nowait() == b""
    stream.feed_eof()
    assert stream.read_nowait() == b""


async def test_readexactly_at_the_end() -> None:
    """As with asyncio's own streams: the error hands over what there was."""
    stream = filled(b"abc", b"de")
    with pytest.raises(asyncio.IncompleteReadError) as caught:
        await stream.readexactly(6)
    assert (caught.value.partial, caught.value.expected) == (b"abcde", 6)
    assert stream.at_eof()


async def test_a_line_that_does_not_end_in_time() -> None:
    stream = filled(b"x" * 10, b"x" * 10 + b"\n" + b"y" * 10)
    for _ in range(2):
        with pytest.raises(ValueError, match="within 20 bytes"):
            await stream.readline(max_line_length=20)
    with pytest.raises(ValueError, match="within 10 bytes"):
        await stream.readuntil(b"yy\n", max_size=10)
    assert await stream.readline(max_line_length=21) == b"x" * 20 + b"\n"
    assert await stream.readline(max_line_length=10) == b"y" * 10


async def test_a_line_is_bounded_unless_told_otherwise() -> None:
    stream = filled(b"x" * 200_000)
    with pytest.raises(ValueError, match="131072"):
        await stream.readline()
    assert len(await stream.readline(max_line_length=200_000)) == 200_000


async def test_a_separator_is_something() -> None:
    with pytest.raises(ValueError, match="separator"):
        await filled(b"abc").readuntil(b"")


# Cancelled, and alone


@EVERY_READ
@pytest.mark.parametrize("pieces", [[], [b"first"], [b"fi", b"rst line", b""], [b"first line", b"\nsec"]])
async def test_a_cancelled_read_loses_nothing(read: Read, pieces: list[bytes]) -> None:
    account = Account()
    stream = StreamReader(account)
    reading = asyncio.ensure_future(read(stream))
    for piece in pieces:
        await settle()
        account.unread += len(piece)
        stream.feed_data(piece)
    reading.cancel()  # where the last piece woke it, and it has not run since
    taken = (await asyncio.gather(reading, return_exceptions=True))[0]
    taken = taken if isinstance(taken, bytes) else b""
    assert account.unread == len(b"".join(pieces)) - len(taken)
    stream.feed_data(b"+rest")
    stream.feed_eof()
    assert taken + await stream.read() == b"".join(pieces) + b"+rest"


@EVERY_READ
async def test_a_read_that_is_cancelled_at_every_byte_gives_the_same_in_the_end(read: Read) -> None:
    expected = await read(filled(TEXT))
    stream = StreamReader()
    fed = 0
    while True:
        reading = asyncio.ensure_future(read(stream))
        await settle()
        if reading.done():
            break
        reading.cancel()
        await settle()
        stream.feed_data(TEXT[fed : fed + 1])
        fed += 1
        if fed == len(TEXT):
            stream.feed_eof()
    got = await reading
    assert expected.startswith(got)
    assert got + stream.read_nowait() == TEXT[:fed]


@EVERY_READ
async def test_a_second_reader_is_refused(read: Read) -> None:
    stream = StreamReader()
    reading = asyncio.create_task(stream.read())
    await settle()
    with pytest.raises(RuntimeError, match="another coroutine"):
        await read(stream)
    with pytest.raises(RuntimeError, match="another coroutine"):
        stream.read_nowait()
    stream.feed_data(TEXT)  # the first reader is woken, and has not run yet
    with pytest.raises(RuntimeError, match="another coroutine"):
        await read(stream)
    stream.feed_eof()
    assert await reading == TEXT


# Failures


@EVERY_READ
async def test_a_failure_comes_after_what_came_before_it(read: Read) -> None:
    stream = filled(TEXT, whole=False)
    stream.set_exception(LookupError("lost"))
    stream.set_exception(KeyError("a later one"))
    taken = bytearray()

    async def read_on(read: Read) -> None:
        while True:
            taken.extend(await read(stream))

    for each in (read, READS["readany"]):
        with pytest.raises(LookupError, match="lost"):
            await read_on(each)
    assert taken == TEXT
    assert isinstance(stream.exception(), LookupError)
    assert not stream.is_eof()
    assert not stream.at_eof()


@EVERY_READ
async def test_a_failure_wakes_the_reader(read: Read) -> None:
    stream = StreamReader()
    reading = asyncio.ensure_future(read(stream))
    await settle()
    stream.set_exception(LookupError("lost"))
    with pytest.raises(LookupError, match="lost"):
        await reading


async def test_nothing_comes_after_a_failure() -> None:
    stream = filled(b"before", whole=False)
    stream.set_exception(LookupError("lost"))
    stream.feed_data(b"after")
    assert await stream.readany() == b"before"
    with pytest.raises(LookupError):
        await stream.readany()


async def test_nothing_comes_after_the_end() -> None:
    with pytest.raises(RuntimeError, match="has ended"):
        filled(b"abc").feed_data(b"def")


# Flow control


@given(pieces_of(TEXT), st.lists(st.sampled_from([1, 2, 7, 40]), min_size=1))
async def test_the_account_is_settled_by_reading(pieces: list[bytes], sizes: list[int]) -> None:
    account = Account()
    stream = StreamReader(account)
    for piece in pieces:
        account.unread += len(piece)
        stream.feed_data(piece)
        for size in sizes:
            expected = account.unread - len(stream.read_nowait(size))
            assert account.unread == expected >= 0
    left = stream.read_nowait()
    assert account.unread == 0
    assert TEXT.endswith(left)


async def test_before_wait_is_called_once_and_only_to_wait() -> None:
    calls: list[str] = []
    stream = StreamReader(before_wait=lambda: calls.append("asked for more"))
    stream.feed_data(b"abc")
    assert await stream.read(3) == b"abc"
    assert calls == []
    for piece in (b"def", b"ghi"):
        reading = asyncio.create_task(stream.readany())
        await settle()
        assert len(calls) == 1
        stream.feed_data(piece)
        assert await reading == piece


async def test_before_wait_is_not_called_at_an_end() -> None:
    for error in (None, LookupError()):
        stream = StreamReader(before_wait=lambda: pytest.fail("there is nothing to wait for"))
        if error:
            stream.set_exception(error)
            with pytest.raises(LookupError):
                await stream.read()
        else:
            stream.feed_eof()
            assert await stream.read() == b""


# State


async def test_the_end_is_told() -> None:
    calls: list[str] = []
    stream = filled(b"abc", whole=False)
    stream.on_eof(lambda: calls.append("first"))
    stream.on_eof(lambda: calls.append("second"))
    assert calls == []
    stream.feed_eof()
    assert calls == ["first", "second"]
    stream.on_eof(lambda: calls.append("late"))
    assert calls == ["first", "second", "late"]


async def test_whole_and_read_are_two_things() -> None:
    stream = filled(b"abc", whole=False)
    assert (stream.is_eof(), stream.at_eof()) == (False, False)
    stream.feed_eof()
    assert (stream.is_eof(), stream.at_eof()) == (True, False)
    await stream.read(2)
    assert not stream.at_eof()
    await stream.read(1)
    assert stream.at_eof()
    assert stream.exception() is None
    assert "ended" in repr(stream)
    assert "3 bytes" in repr(stream)


async def test_whole_stream() -> None:
    for body in (b"", b"abc"):
        stream = whole_stream(body, None, lambda error: error)
        assert stream.is_eof()
        assert stream.at_eof() is not bool(body)
        assert await stream.read() == body


# What reading costs


@pytest.mark.timed
def test_a_large_body_is_copied_once() -> None:
    """What is held is the body, an eighth for its growth, and little else."""
    piece, count = b"x" * 256 * 1024, 128
    pieces = [piece[:-1] + bytes([n]) for n in range(count)]  # so that the pieces are not part of the peak
    size = count * len(piece)

    async def work() -> int:
        stream = StreamReader()
        feeding = asyncio.create_task(feed(stream, pieces))
        body = await stream.read()
        peak = tracemalloc.get_traced_memory()[1]
        await feeding
        assert len(body) == size
        return peak

    tracemalloc.start()
    try:
        assert asyncio.run(work()) <= 1.13 * size
    finally:
        tracemalloc.stop()


COSTS: dict[str, Read] = {
    **{name: READS[name] for name in ("read-all", "readany", "readline")},
    "read": lambda stream: stream.read(100),
    "readexactly": lambda stream: stream.readexactly(100),
    "readuntil": lambda stream: stream.readuntil(b"\r\n"),
}


@pytest.mark.timed
@pytest.mark.parametrize("read", COSTS.values(), ids=COSTS)
def test_reading_takes_linear_time(read: Read) -> None:
    """Also what is there already when the reading begins: a whole body, or one that was given back."""

    async def consume(stream: StreamReader) -> None:
        while not stream.at_eof():
            await read(stream)

    def work(lines: int) -> None:
        asyncio.run(consume(filled((b"x" * 18 + b"\r\n") * lines)))
        asyncio.run(consume(filled(*[b"x" * 18 + b"\r\n"] * lines)))

    assert growth(work, 20_000) < LINEAR
