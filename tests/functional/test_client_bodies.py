"""How bodies leave: coded, in chunks, counted, and let go of when the request is over."""

import asyncio
import gzip
import io
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, Any

import pytest

from pronghorn import ClientSession, UploadTracker

from ..wire.coded import decoded
from .scripted import OK, Peer, Request, Scripted, scripted, until

CONTENT = b"pronghorn " * 50_000


@pytest.fixture
async def server() -> AsyncIterator[Scripted]:
    async with scripted(OK) as running:
        yield running


async def sent(server: Scripted, **options: Any) -> Request:
    async with ClientSession() as session, session.post(server.url(), **options) as response:
        assert response.status == 200
    return server.requests[-1]


async def pieces() -> AsyncIterator[bytes]:
    for start in range(0, len(CONTENT), 100_000):
        yield CONTENT[start : start + 100_000]


# Content codings


@pytest.mark.parametrize(
    "data",
    [CONTENT, b"x", "text", {"a": "1"}, pieces, io.BytesIO],
    ids=["bytes", "a-byte", "text", "form", "pieces", "file"],
)
@pytest.mark.parametrize(
    ("compress", "coding"),
    [(True, "deflate"), ("deflate", "deflate"), ("gzip", "gzip"), ("br", "br"), ("zstd", "zstd")],
)
async def test_compress(server: Scripted, data: Any, compress: bool | str, coding: str) -> None:
    if callable(data):
        data = data(CONTENT) if data is io.BytesIO else data()
    request = await sent(server, data=data, compress=compress)
    assert request.fields.getall("Content-Encoding") == [coding]
    assert request.fields.getall("Transfer-Encoding") == ["chunked"]
    assert "Content-Length" not in request.fields
    content = {str: b"text", bytes: data, dict: b"a=1"}.get(type(data), CONTENT)
    assert decoded(coding, request.body) == content


async def test_compress_without_a_body(server: Scripted) -> None:
    request = await sent(server, compress="gzip")
    assert not {"Content-Encoding", "Transfer-Encoding"} & set(request.fields)


async def test_a_body_that_is_coded_already_is_sent_as_it_is(server: Scripted) -> None:
    coded = zlib.compress(CONTENT)
    request = await sent(server, data=coded, headers={"Content-Encoding": "deflate"})
    assert request.body == coded
    assert request.fields["Content-Length"] == str(len(coded))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"compress": True, "headers": {"Content-Encoding": "gzip"}}, "compress: .* Content-Encoding"),
        ({"compress": True, "headers": {"content-length": "4"}}, "compress: .* Content-Length"),
        ({"compress": "lzma"}, "expected gzip, deflate, br or zstd"),
        ({"chunked": True, "headers": {"Content-Length": "4"}}, "chunked: .* Content-Length"),
        ({"chunked": True, "headers": {"transfer-encoding": "chunked"}}, "chunked: .* Transfer-Encoding"),
    ],
)
async def test_contradictions(options: dict[str, Any], message: str) -> None:
    async with ClientSession() as session:
        with pytest.raises(ValueError, match=message):
            await session.post("http://127.0.0.1:1/", data=b"data", **options)


async def test_a_coding_that_is_no_name() -> None:
    async with ClientSession() as session:
        with pytest.raises(TypeError, match="compress: expected a bool or a str"):
            await session.post("http://127.0.0.1:1/", data=b"data", compress=5)  # type: ignore[arg-type]  # that it is refused is the point


async def test_chunked(server: Scripted) -> None:
    request = await sent(server, data=b"data", chunked=True)
    assert request.fields["Transfer-Encoding"] == "chunked"
    assert request.body == b"data"
    request = await sent(server, chunked=True)
    assert request.fields["Transfer-Encoding"] == "chunked"
    assert request.body == b""


# Progress


@pytest.mark.parametrize(
    ("data", "options", "total"),
    [
        (b"data", {}, 4),
        (CONTENT, {}, len(CONTENT)),
        (pieces, {}, None),
        (CONTENT, {"compress": "gzip"}, None),
    ],
    ids=["small", "large", "of-unknown-length", "coded"],
)
async def test_progress_is_told(
    server: Scripted, data: Any, options: dict[str, Any], total: int | None
) -> None:
    told: list[tuple[int, int | None]] = []
    tracker = UploadTracker(lambda written, of: told.append((written, of)))
    data = data() if callable(data) else data
    request = await sent(server, data=data, upload_tracker=tracker, **options)
    assert tracker.bytes_written == len(request.body) == told[-1][0]
    assert {of for _, of in told} == {total}
    assert [written for written, _ in told] == sorted({written for written, _ in told})


async def test_progress_of_nothing(server: Scripted) -> None:
    tracker = UploadTracker()
    await sent(server, upload_tracker=tracker)
    assert (tracker.bytes_written, tracker.total) == (0, 0)


async def test_a_callback_that_fails_fails_the_request(server: Scripted) -> None:
    def fail(written: int, total: int | None) -> None:
        raise RuntimeError("enough")

    async with ClientSession() as session:
        with pytest.raises(RuntimeError, match="enough"):
            await session.post(server.url(), data=CONTENT, upload_tracker=UploadTracker(fail))


# Files are closed


@pytest.fixture
def file(tmp_path: Path) -> IO[bytes]:
    path = tmp_path / "content.bin"
    path.write_bytes(CONTENT * 10)
    return path.open("rb")


async def test_a_file_is_closed_when_it_was_sent(server: Scripted, file: IO[bytes]) -> None:
    request = await sent(server, data=file)
    assert request.body == CONTENT * 10
    assert file.closed


async def test_a_file_is_closed_when_the_request_fails(file: IO[bytes]) -> None:
    async def rude(peer: Peer) -> None:
        await peer.head()
        peer.reset()

    async with scripted(rude) as server, ClientSession() as session:
        with pytest.raises(Exception):  # noqa: B017, PT011 - whichever end notices first
            await session.post(server.url(), data=file)
        await until(lambda: file.closed)


async def test_a_file_is_closed_when_the_request_is_cancelled(file: IO[bytes]) -> None:
    async def deaf(peer: Peer) -> None:
        await peer.head()
        await until(lambda: peer.writer.transport.is_closing() or peer.has_left)

    async with scripted(deaf) as server, ClientSession() as session:
        task = asyncio.create_task(session.post(server.url(), data=file)._coroutine)
        await until(lambda: bool(server.requests))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: file.closed)  # a thread may be reading it


async def test_a_file_stays_open_until_all_of_it_has_left(file: IO[bytes]) -> None:
    async def answers_early(peer: Peer) -> None:
        await peer.head()
        await peer.send(OK)
        await peer.rest()

    async with scripted(answers_early) as server, ClientSession() as session:
        async with session.post(server.url(), data=file) as response:
            assert response.status == 200
        await until(lambda: file.closed)


async def test_bytes_in_memory_stay_open(server: Scripted) -> None:
    data = io.BytesIO(CONTENT)
    await sent(server, data=data)
    assert not data.closed


async def test_a_gzip_file_is_sent_as_what_it_reads(server: Scripted, tmp_path: Path) -> None:
    with gzip.open(tmp_path / "content.gz", "wb") as file:
        file.write(CONTENT)
    with gzip.open(tmp_path / "content.gz") as zipped:
        request = await sent(server, data=zipped)
    assert request.body == CONTENT
