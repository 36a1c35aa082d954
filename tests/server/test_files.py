"""`FileResponse`, as a client sees it."""

import asyncio
import gzip
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pronghorn import web
from pronghorn.io.open_file import OpenFile
from pronghorn.server.files import FileResponse
from pronghorn.server.nearness import at_hand
from pronghorn.testing import TestServer
from pronghorn.testing.memory import MemoryExchange, make_request

from .peer import GET, Answer, Peer, connect, eventually, served

LARGE = bytes(range(256)) * 2048  # 512 KiB


def open_descriptors() -> int:
    """How many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture(params=["by-thread", "at-hand"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file goes by a thread, or none for which the kernel has it at hand."""
    monkeypatch.setattr(at_hand, "has", lambda *_: request.param == "at-hand")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    path.write_bytes(b"0123456789")
    return path


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.bin"
    path.write_bytes(LARGE)
    return path


@asynccontextmanager
async def serving_file(
    path: Path, *, before: Callable[[Any], Any] | None = None, **options: Any
) -> AsyncIterator[Peer]:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = FileResponse(path, **options)
        if before is not None:
            before(response)
        return response

    async with served(handler) as peer:
        yield peer


async def ask(path: Path, more: bytes = b"", method: str = "GET", **options: Any) -> Answer:
    async with serving_file(path, **options) as peer:
        answer = await peer.ask(method, more=more)
        again = await peer.ask(method, more=more)  # on the same connection
        assert (again.status, len(again.content)) == (answer.status, len(answer.content))
        return answer


@pytest.mark.usefixtures("_way")
async def test_a_file(path: Path) -> None:
    answer = await ask(path)
    assert answer.status == 200
    assert answer.content == b"0123456789"
    assert answer["content-type"] == "text/html"
    assert answer["accept-ranges"] == "bytes"
    found = path.stat()
    assert answer["etag"] == f'"{found.st_mtime_ns:x}-{found.st_size:x}"'


@pytest.mark.usefixtures("_way")
async def test_a_large_file(large: Path) -> None:
    answer = await ask(large)
    assert answer.content == LARGE
    assert answer["content-length"] == str(len(LARGE))


@pytest.mark.parametrize("size", [0, 1, 64 * 1024, 64 * 1024 + 1])
async def test_sizes(tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * size)
    answer = await ask(path)
    assert answer.content == b"x" * size
    assert answer["content-length"] == str(size)


@pytest.mark.parametrize("more", [b"", b"Range: bytes=0-1\r\n"])
async def test_head(large: Path, more: bytes) -> None:
    """Without a range: only GET knows those (RFC 9110 section 14.2)."""
    answer = await ask(large, more, "HEAD")
    assert answer.status == 200
    assert answer["content-length"] == str(len(LARGE))


async def test_not_modified(path: Path) -> None:
    whole = await ask(path)
    for more in (f"If-None-Match: {whole['etag']}\r\n", f"If-Modified-Since: {whole['last-modified']}\r\n"):
        for method in ("GET", "HEAD"):
            answer = await ask(path, more.encode(), method)
            assert answer.status == 304
            assert answer["etag"] == whole["etag"]
            assert answer["last-modified"] == whole["last-modified"]
            assert "content-type" not in answer
            assert "content-length" not in answer


async def test_precondition_failed(path: Path) -> None:
    for more in (b'If-Match: "x"\r\n', b"If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"):
        answer = await ask(path, more)
        assert answer.status == 412
        assert answer.content == b""
        assert "content-type" not in answer


async def test_a_range(large: Path) -> None:
    answer = await ask(large, b"Range: bytes=100-100099\r\n")
    assert answer.status == 206
    assert answer["content-range"] == f"bytes 100-100099/{len(LARGE)}"
    assert answer.content == LARGE[100:100100]


async def test_several_large_ranges(large: Path) -> None:
    answer = await ask(large, b"Range: bytes=0-99999,200000-299999\r\n")
    assert answer.status == 206
    boundary = answer["content-type"].partition("boundary=")[2]
    pieces = answer.content.split(f"\r\n--{boundary}".encode())
    assert pieces[0] == b""
    assert pieces[-1] == b"--\r\n"
    assert pieces[1].endswith(f"bytes 0-99999/{len(LARGE)}\r\n\r\n".encode() + LARGE[:100000])
    assert pieces[2].endswith(b"\r\n\r\n" + LARGE[200000:300000])


async def test_nothing_of_it(path: Path) -> None:
    answer = await ask(path, b"Range: bytes=10-\r\n")
    assert answer.status == 416
    assert answer["content-range"] == "bytes */10"
    assert answer["content-length"] == "0"


async def test_if_range(path: Path) -> None:
    whole = await ask(path)
    for validator, status in ((whole["etag"], 206), (whole["last-modified"], 206), ('"x"', 200)):
        more = f"Range: bytes=0-1\r\nIf-Range: {validator}\r\n".encode()
        assert (await ask(path, more)).status == status


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize("kind", ["none", "folder", "pipe", "NUL"])
async def test_one_answer_to_what_is_not_served(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "NUL":
        path = tmp_path / "a\0b"
    answer = await ask(path, headers={"Cache-Control": "max-age=31536000", "Content-Type": "text/css"})
    assert answer.status == 404
    assert answer.text == "404: Not Found"
    assert sorted(name for name, _ in answer.fields) == ["content-length", "content-type", "date", "server"]
    assert answer["content-type"] == "text/plain; charset=utf-8"


async def test_given_fields(path: Path) -> None:
    headers = {"Content-Type": "text/x-ours", "X-Y": "z", "Vary": "Cookie"}
    path.with_name("page.html.gz").write_bytes(gzip.compress(b"packed"))
    answer = await ask(path, b"Accept-Encoding: gzip\r\n", headers=headers, reason="Fine")
    assert answer["content-type"] == "text/x-ours"
    assert answer["x-y"] == "z"
    assert answer.reason == "Fine"
    assert answer["vary"] == "Cookie, Accept-Encoding"
    assert gzip.decompress(answer.content) == b"packed"


async def test_another_status_is_sent_whole(path: Path) -> None:
    whole = await ask(path)
    more = f"If-None-Match: {whole['etag']}\r\nRange: bytes=0-1\r\n".encode()
    answer = await ask(path, more, status=404)
    assert answer.status == 404
    assert answer.content == b"0123456789"


async def test_another_method(path: Path) -> None:
    """What was done is not undone by a condition."""
    assert (await ask(path, b'If-Match: "x"\r\nRange: bytes=0-1\r\n', "PUT")).content == b"0123456789"


@pytest.mark.parametrize("name", ["page.html", "large.bin"])
async def test_chunked(path: Path, large: Path, name: str) -> None:
    chosen = path.with_name(name)
    answer = await ask(chosen, before=lambda response: response.enable_chunked_encoding())
    assert answer["transfer-encoding"] == "chunked"
    assert answer.content == chosen.read_bytes()


async def test_compressed_on_its_way(large: Path) -> None:
    answer = await ask(
        large,
        b"Accept-Encoding: gzip\r\n",
        before=lambda response: response.enable_compression(),
        chunk_size=1000,
    )
    assert answer["content-encoding"] == "gzip"
    assert answer["etag"].startswith('W/"')
    assert gzip.decompress(answer.content) == LARGE
    part = await ask(
        large,
        b"Accept-Encoding: gzip\r\nRange: bytes=0-9\r\n",
        before=lambda response: response.enable_compression(),
    )
    assert part.status == 206
    assert part.content == LARGE[:10]


async def test_signals_may_change_it(path: Path, large: Path) -> None:
    async def mark(request: web.Request, response: web.StreamResponse) -> None:
        response.headers["X-Seen"] = str(response.status)

    for chosen in (path, large):
        exchange = MemoryExchange(writable=1 << 20)
        request = make_request(exchange=exchange)
        signal: Any = web.Application().on_response_prepare
        signal.append(mark)
        request.prepare_signals = (signal,)
        response = FileResponse(chosen)
        await response.prepare(request)
        assert exchange.sent is not None
        assert exchange.sent.fields["X-Seen"] == "200"
        assert bytes(exchange.content) == chosen.read_bytes()
        assert response.prepared
        assert response.body_length == chosen.stat().st_size
        await response.prepare(request)
        await response.write_eof()
        assert exchange.has_ended


async def test_names_that_others_know(path: Path) -> None:
    response = FileResponse(str(path), 1234)
    assert response._path == path
    assert response._chunk_size == response.chunk_size == 1234
    response.chunk_size = 5
    assert response._chunk_size == 5
    with pytest.raises(TypeError):
        FileResponse(5)  # type: ignore[arg-type]  # what is tested


async def test_in_small_pieces(large: Path) -> None:
    """Where it has to be read: there is no sendfile in memory."""
    exchange = MemoryExchange(writable=1 << 20)
    await FileResponse(large, chunk_size=1000).prepare(make_request(exchange=exchange))
    assert bytes(exchange.content) == LARGE


async def test_a_file_that_becomes_shorter_is_not_whole(large: Path) -> None:
    exchange = MemoryExchange(writable=200_000)
    sending = asyncio.create_task(
        FileResponse(large, chunk_size=100_000).prepare(make_request(exchange=exchange))
    )
    await eventually(lambda: len(exchange.content) >= 200_000)
    os.truncate(large, 150_000)
    exchange.writable = 1 << 20
    exchange.take()
    with pytest.raises(OSError, match="the file ends"):
        await sending
    assert not exchange.has_ended


@pytest.mark.parametrize("error", [OSError("it has become shorter"), asyncio.CancelledError()])
async def test_a_file_that_was_not_all_sent_is_not_whole(large: Path, error: BaseException) -> None:
    class Failing(MemoryExchange):
        async def sendfile(self, file: OpenFile, offset: int, count: int) -> bool:
            self.reset("a part is missing")
            raise error

    exchange = Failing()
    request = make_request(exchange=exchange)
    response = FileResponse(large)
    with pytest.raises(type(error)):
        await response.prepare(request)
    assert not response.has_ended
    with pytest.raises(ConnectionResetError):
        await response.write_eof()
    assert not exchange.has_ended


@pytest.mark.skipif(not hasattr(os, "sendfile"), reason="the platform has no sendfile")
@pytest.mark.parametrize("way", ["ends-it", "answers-anew"])
async def test_a_handler_that_goes_on_after_a_file_that_was_not_all_sent(large: Path, way: str) -> None:
    """All of it counts as sent: nothing else may be taken for the rest."""
    calls = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal calls
        calls += 1
        response = FileResponse(large)
        with pytest.raises(OSError, match="the file ends"):
            await response.prepare(request)
        if way == "answers-anew":
            return web.Response(text="another")
        await response.write_eof()
        return response

    async def shorten(_request: web.Request, _response: web.StreamResponse) -> None:
        os.truncate(large, 1000)

    app = web.Application()
    app.router.add_get("/", handler)
    app.on_response_prepare.append(shorten)
    async with TestServer(app) as server, connect(server) as peer:
        peer.send(2 * GET)
        got = await peer.rest()
        assert peer.was_reset
        assert got.count(b"HTTP/1.1") <= 1  # a reset may overtake the head
        assert b"another" not in got
    assert calls == 1


@pytest.mark.parametrize("way", ["returned", "cancelled", "failed"])
async def test_the_file_is_closed(large: Path, way: str) -> None:
    before = open_descriptors()
    exchange = MemoryExchange(writable=1 << 20 if way == "returned" else 1000)
    sending = asyncio.create_task(FileResponse(large).prepare(make_request(exchange=exchange)))
    if way == "returned":
        await sending
    else:
        await eventually(lambda: exchange.content)
        if way == "cancelled":
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
        else:
            exchange.reset("gone")
            with pytest.raises(ConnectionResetError):
                await sending
    await eventually(lambda: open_descriptors() <= before)
