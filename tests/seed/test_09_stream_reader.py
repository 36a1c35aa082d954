"""Section 9: StreamReader, the content of a response."""

import asyncio
import gzip
import hashlib
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pronghorn import ClientSession, StreamReader

from ..functional.scripted import answering, scripted, turns

BODY = bytes(range(256)) * 100


@asynccontextmanager
async def content_of(*pieces: bytes, fields: bytes = b"") -> AsyncIterator[StreamReader]:
    """The content of a response whose body is sent in ``pieces``."""
    head = b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n" % (fields, sum(map(len, pieces)))
    async with (
        scripted(answering(head, *pieces)) as server,
        ClientSession() as session,
        session.get(server.url()) as response,
    ):
        yield response.content


@pytest.mark.parametrize("size", [1, 10, 4096, 10**6])
async def test_s140_read_in_a_loop(size: int) -> None:
    body = BODY if size > 1 else BODY[:300]
    async with content_of(body[:100], body[100:]) as content:
        saved = bytearray()
        while chunk := await content.read(size):
            assert len(chunk) <= size
            saved += chunk
        assert saved == body
        assert await content.read(size) == await content.read() == b""
    async with content_of(BODY[:100], BODY[100:]) as content:
        assert await content.read() == BODY


async def test_s141_readany() -> None:
    async with content_of(BODY[:100], BODY[100:]) as content:
        saved = bytearray()
        while chunk := await content.readany():
            saved += chunk
        assert saved == BODY
        assert await content.readany() == b""
    stream = StreamReader()
    stream.feed_data(b"one")
    stream.feed_data(b"two")
    assert await stream.readany() == b"onetwo", "what is there, without waiting for more"


async def test_s142_feed_data() -> None:
    stream = StreamReader()
    reader = asyncio.create_task(stream.read())
    for piece in (b"one", b"", b"two"):
        stream.feed_data(piece)
    stream.feed_eof()
    assert await reader == b"onetwo"
    with pytest.raises(RuntimeError, match="has ended"):
        stream.feed_data(b"three")


class Source:
    """Feeds a stream, and stops when it is told to."""

    def __init__(self) -> None:
        self.is_paused = False

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False


async def test_s143_made_by_the_user() -> None:
    async def relay(content: StreamReader, stream: StreamReader) -> str:
        digest = hashlib.sha256()
        while chunk := await content.readany():
            digest.update(chunk)
            stream.feed_data(chunk)
        stream.feed_eof()
        return digest.hexdigest()

    stream = StreamReader()
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    async with scripted(ok) as server, ClientSession() as session:
        upload = asyncio.create_task(_post(session, server.url(), stream))
        async with content_of(BODY[:100], BODY[100:]) as content:
            assert await relay(content, stream) == hashlib.sha256(BODY).hexdigest()
        await upload
        assert server.requests[0].body == BODY

    source = Source()
    stream = StreamReader(source, 4, timer=None, loop=asyncio.get_running_loop())
    stream.feed_data(b"12345678")
    assert not source.is_paused
    stream.feed_data(b"9")
    assert source.is_paused, "more than twice the limit is unread"
    assert await stream.read(6) == b"123456"
    assert not source.is_paused


async def _post(session: ClientSession, url: str, stream: StreamReader) -> None:
    async with session.post(url, data=stream) as response:
        assert response.status == 200


def _raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


async def test_s144_chunks() -> None:
    chunks = [b"one", b"three", BODY]
    coded = [b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""]]
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    whole = head + b"".join(coded)
    for pieces in ([whole], [head, *coded], [whole[:60], whole[60:70], whole[70:]]):
        async with (
            scripted(answering(*pieces, then="stay")) as server,
            ClientSession() as session,
            session.get(server.url()) as response,
        ):
            found = [b""]
            async for piece, is_end in response.content.iter_chunks():
                found[-1] += piece
                if is_end:
                    found.append(b"")
            assert found == [*chunks, b""]
            assert await response.content.readchunk() == (b"", False)
    stream = StreamReader()
    for data in (b"one", b"three"):
        stream.begin_http_chunk_receiving()
        stream.feed_data(data)
        stream.end_http_chunk_receiving()
    stream.feed_data(b"rest")
    stream.feed_eof()
    read = [await stream.readchunk() for _ in range(4)]
    assert read == [(b"one", True), (b"three", True), (b"rest", False), (b"", False)]
    async with content_of(b"one", b"two") as content:
        pairs = [pair async for pair in content.iter_chunks()]
        assert b"".join(piece for piece, _ in pairs) == b"onetwo"
        assert not any(is_end for _, is_end in pairs)


@pytest.mark.parametrize(
    ("name", "coded"),
    [
        (b"gzip", gzip.compress(BODY)),
        (b"deflate", zlib.compress(BODY)),
        (b"deflate", _raw_deflate(BODY)),
    ],
)
async def test_s145_codings_are_undone(name: bytes, coded: bytes) -> None:
    async with content_of(coded[:20], coded[20:], fields=b"Content-Encoding: %b\r\n" % name) as content:
        assert await content.readexactly(1000) == BODY[:1000]
        assert await content.read() == BODY[1000:]


def ended(*pieces: bytes) -> StreamReader:
    stream = StreamReader()
    for piece in pieces:
        stream.feed_data(piece)
    stream.feed_eof()
    return stream


async def check_reads() -> None:
    lines = ended(b"one\ntw", b"o\nthree")
    assert [await lines.readline() for _ in range(4)] == [b"one\n", b"two\n", b"three", b""]
    with pytest.raises(ValueError, match="3"):
        await ended(b"four\n").readline(max_line_length=3)
    until = ended(b"a--b", b"--c\n")
    assert [await until.readuntil(b"--"), await until.readuntil(separator=b"--")] == [b"a--", b"b--"]
    assert await until.readuntil() == b"c\n"
    with pytest.raises(ValueError, match="2"):
        await ended(b"abc--").readuntil(b"--", max_size=2)
    exact = ended(b"abc", b"de")
    assert await exact.readexactly(4) == b"abcd"
    with pytest.raises(asyncio.IncompleteReadError) as caught:
        await exact.readexactly(2)
    assert (caught.value.partial, caught.value.expected) == (b"e", 2)
    waiting = StreamReader()
    assert waiting.read_nowait() == b""
    waiting.feed_data(b"abc")
    assert [waiting.read_nowait(2), waiting.read_nowait()] == [b"ab", b"c"]
    assert b"".join([piece async for piece in ended(b"abc", b"de").iter_chunked(2)]) == b"abcde"
    assert all([0 < len(piece) <= 2 async for piece in ended(b"abc", b"de").iter_chunked(2)])
    assert [piece async for piece in ended(b"abcd", b"e").iter_any()] == [b"abcde"]
    assert [pair async for pair in ended(b"ab").iter_chunks()] == [(b"ab", False)]
    assert [line async for line in ended(b"a\nb\n", b"c")] == [b"a\n", b"b\n", b"c"]


async def test_s146_what_came_later() -> None:
    await check_reads()
    stream = StreamReader()
    told = []
    stream.on_eof(lambda: told.append("whole"))
    waiting = asyncio.create_task(stream.wait_eof())
    stream.feed_data(b"abc")
    await turns()
    assert (stream.is_eof(), stream.at_eof(), waiting.done(), told) == (False, False, False, [])
    stream.feed_eof()
    await waiting
    assert (stream.is_eof(), stream.at_eof(), told) == (True, False, ["whole"])
    await stream.wait_eof()
    stream.on_eof(lambda: told.append("is whole"))
    assert told == ["whole", "is whole"]
    assert await stream.read() == b"abc"
    assert stream.at_eof()
    assert stream.total_bytes == stream.total_raw_bytes == 3
    with pytest.warns(DeprecationWarning, match="unread_data"):
        stream.unread_data(b"bc")
    assert await stream.read() == b"bc"

    failing = StreamReader()
    assert failing.exception() is None
    waiting = asyncio.create_task(failing.wait_eof())
    reading = asyncio.create_task(failing.read())
    await turns()
    error = ConnectionResetError("gone")
    failing.set_exception(error)
    assert failing.exception() is error
    for task in (waiting, reading):
        with pytest.raises(ConnectionResetError, match="gone"):
            await task

    packed = gzip.compress(BODY)
    async with content_of(packed, fields=b"Content-Encoding: gzip\r\n") as content:
        await content.read()
        assert (content.total_bytes, content.total_raw_bytes) == (len(BODY), len(packed))
