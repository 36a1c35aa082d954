"""Section 9: StreamReader, the content of a response."""

import asyncio
import gzip
import hashlib
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pronghorn import ClientSession, StreamReader

from ..functional.scripted import answering, scripted

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
