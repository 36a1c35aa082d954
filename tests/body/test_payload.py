import asyncio
import bz2
import gzip
import io
import lzma
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import IO, Any

import pytest
from multidict import MultiDict

from pronghorn.body.payload import AsyncIterablePayload, BytesPayload, FilePayload, Payload, make_payload
from pronghorn.io.stream import StreamReader, whole_stream

BINARY = "application/octet-stream"
TEXT = "text/plain; charset=utf-8"
LARGE = bytes(range(256)) * 4096  # 1 MiB


class Written:
    """A writer that keeps the pieces, and lets others run after each."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    async def write(self, data: bytes) -> None:
        assert type(data) is bytes
        self.pieces.append(data)
        await asyncio.sleep(0)

    @property
    def content(self) -> bytes:
        return b"".join(self.pieces)


async def written(payload: Payload) -> bytes:
    writer = Written()
    await payload.write(writer)
    assert payload.size is None or payload.size == len(writer.content)
    return writer.content


# What is there


@pytest.mark.parametrize(
    ("data", "content", "content_type"),
    [
        (b"abc", b"abc", BINARY),
        (b"", b"", BINARY),
        (bytearray(b"abc"), b"abc", BINARY),
        (memoryview(b"abcdef")[::2], b"ace", BINARY),
        ("gr\u00fcn", b"gr\xc3\xbcn", TEXT),
        ("", b"", TEXT),
        ({"a": "1"}, b"a=1", "application/x-www-form-urlencoded"),
        ({}, b"", "application/x-www-form-urlencoded"),
        ([("a", "1"), ("a", "2")], b"a=1&a=2", "application/x-www-form-urlencoded"),
        (MultiDict(a="1"), b"a=1", "application/x-www-form-urlencoded"),
    ],
    ids=repr,
)
async def test_what_is_there(data: object, content: bytes, content_type: str) -> None:
    payload = make_payload(data)
    assert payload.size == len(content)
    assert payload.content_type == content_type
    for _ in range(2):
        assert await written(payload) == content
        assert payload.rewind()


def test_what_was_given_may_change_afterwards() -> None:
    data = bytearray(b"abc")
    payload = make_payload(data)
    data[:] = b"xyz"
    assert isinstance(payload, BytesPayload)
    assert payload.data == b"abc"


def test_a_payload_is_one() -> None:
    payload = BytesPayload(b"abc", "text/csv")
    assert make_payload(payload) is payload
    assert payload.content_type == "text/csv"


@pytest.mark.parametrize("data", [None, 5, 1.5, True, object(), len], ids=repr)
def test_what_is_no_body(data: object) -> None:
    with pytest.raises(TypeError, match="data: expected"):
        make_payload(data)


@pytest.mark.parametrize(
    "data",
    [["ab", "cd"], [b"ab"], (b"chunk" for _ in range(2)), {1, 2}],
    ids=["strings", "bytes", "chunks", "numbers"],
)
def test_an_iterable_of_no_pairs(data: object) -> None:
    with pytest.raises(TypeError, match="expected"):
        make_payload(data)


# Files


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "data.bin"
    path.write_bytes(LARGE)
    return path


@pytest.mark.parametrize("buffering", [-1, 0])
async def test_a_file(path: Path, buffering: int) -> None:
    with path.open("rb", buffering=buffering) as file:
        payload = make_payload(file)
        assert isinstance(payload, FilePayload)
        assert payload.size == len(LARGE)
        assert payload.content_type == BINARY
        assert await written(payload) == LARGE
        assert not file.closed
        assert payload.rewind()
        assert await written(payload) == LARGE


async def test_a_file_is_read_in_pieces(path: Path) -> None:
    writer = Written()
    with path.open("rb") as file:
        await make_payload(file).write(writer)
    assert len(writer.pieces) > 1
    assert max(map(len, writer.pieces)) <= 256 * 1024


async def test_a_file_is_sent_from_where_it_stands(path: Path) -> None:
    with path.open("rb") as file:
        file.seek(1000)
        payload = make_payload(file)
        assert payload.size == len(LARGE) - 1000
        for _ in range(2):
            assert await written(payload) == LARGE[1000:]
            assert payload.rewind()
            assert file.tell() == 1000
        file.seek(10, io.SEEK_END)
        assert make_payload(file).size == 0
        assert await written(make_payload(file)) == b""


async def test_a_file_that_grows_is_sent_as_it_was(path: Path) -> None:
    with path.open("rb") as file:
        payload = make_payload(file)
        with path.open("ab") as other:
            other.write(b"more")
        assert await written(payload) == LARGE


async def test_a_file_that_shrinks_ends_short(path: Path) -> None:
    """What is missing is the exchange's to notice: it was told the size."""
    with path.open("rb") as file:
        payload = make_payload(file)
        path.write_bytes(b"less")
        writer = Written()
        await payload.write(writer)
    assert payload.size == len(LARGE)
    assert writer.content == b"less"


def compressed_by(module: Any) -> Callable[[Path], IO[bytes]]:
    def opened(path: Path) -> IO[bytes]:
        path.write_bytes(module.compress(LARGE))
        file: IO[bytes] = module.open(path)
        return file

    return opened


def spooled(path: Path) -> IO[bytes]:
    file = tempfile.SpooledTemporaryFile(max_size=100)  # noqa: SIM115 - who asked for it closes it
    file.write(LARGE)
    file.seek(0)
    return file


OTHERS = {
    "BytesIO": lambda path: io.BytesIO(LARGE),
    "gzip": compressed_by(gzip),
    "bz2": compressed_by(bz2),
    "lzma": compressed_by(lzma),
    "spooled": spooled,
}


@pytest.mark.parametrize("opened", OTHERS.values(), ids=OTHERS)
async def test_whatever_reads_like_a_file(path: Path, opened: Callable[[Path], IO[bytes]]) -> None:
    """Its size is that of what it gives, whatever lies on the disk."""
    with opened(path) as file:
        payload = make_payload(file)
        for _ in range(2):
            assert await written(payload) == LARGE
            assert payload.rewind()


async def test_what_can_only_be_read() -> None:
    class Pipe:
        def __init__(self) -> None:
            self._pieces = [b"a", b"b", b""]

        def read(self, size: int) -> bytes:
            return self._pieces.pop(0)

    payload = make_payload(Pipe())
    assert payload.size is None
    assert await written(payload) == b"ab"
    assert not payload.rewind()


GREEN = "gr\u00fcn\n" * 100


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
async def test_a_text_file_is_sent_as_utf_8(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "green"
    path.write_bytes(GREEN.replace("\n", "\r\n").encode(encoding))
    with path.open(encoding=encoding) as file:
        payload = make_payload(file)
        assert payload.size is None
        assert payload.content_type == TEXT
        for _ in range(2):
            assert await written(payload) == GREEN.encode()
            assert payload.rewind()


async def test_a_temporary_text_file_is_text() -> None:
    """It is no TextIOBase, for all that it reads like one."""
    with tempfile.NamedTemporaryFile("w+", encoding="latin-1") as file:
        file.write(GREEN)
        file.seek(0)
        payload = make_payload(file)
        assert payload.size is None
        assert await written(payload) == GREEN.encode()


async def test_text_in_memory() -> None:
    payload = make_payload(io.StringIO(GREEN))
    assert payload.content_type == TEXT
    assert await written(payload) == GREEN.encode()


@pytest.mark.parametrize(
    ("name", "content_type"),
    [("a.png", "image/png"), ("a.json", "application/json"), ("a.html", "text/html"), ("a", BINARY)],
)
def test_the_media_type_of_a_file_s_name(tmp_path: Path, name: str, content_type: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"")
    with path.open("rb") as file:
        assert make_payload(file).content_type == content_type


def test_a_file_without_a_name() -> None:
    with tempfile.TemporaryFile() as file:
        assert make_payload(file).content_type == BINARY


async def test_a_file_is_read_off_the_loop(path: Path) -> None:
    """A slow disk does not stop the others."""
    loop = asyncio.get_running_loop()
    turned = asyncio.Event()

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            asyncio.run_coroutine_threadsafe(turn(), loop).result(10)
            return super().read(size)

    async def turn() -> None:
        turned.set()

    assert await written(make_payload(Slow(b"abc"))) == b"abc"
    assert turned.is_set()


async def test_a_file_that_fails(path: Path) -> None:
    file = path.open("rb")
    payload = make_payload(file)
    file.close()
    with pytest.raises(ValueError, match="closed file"):
        await payload.write(Written())


# What comes piece by piece


async def test_an_async_iterable() -> None:
    async def pieces() -> AsyncIterator[Any]:
        yield b"a"
        yield bytearray(b"b")
        yield memoryview(b"c")

    payload = make_payload(pieces())
    assert isinstance(payload, AsyncIterablePayload)
    assert payload.size is None
    assert payload.content_type == BINARY
    assert await written(payload) == b"abc"
    assert not payload.rewind()


@pytest.mark.parametrize("piece", ["text", 5, None, [b"a"]], ids=repr)
async def test_an_async_iterable_of_no_bytes(piece: object) -> None:
    async def pieces() -> AsyncIterator[object]:
        yield b"a"
        yield piece

    writer = Written()
    with pytest.raises(TypeError, match="bytes"):
        await make_payload(pieces()).write(writer)
    assert writer.content == b"a"


async def test_an_async_iterable_that_fails() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"a"
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        await make_payload(pieces()).write(Written())


async def test_a_stream_is_passed_on_as_it_comes() -> None:
    stream = StreamReader()
    payload = make_payload(stream)
    writer = Written()
    writing = asyncio.create_task(payload.write(writer))
    for piece in (b"one", b"two"):
        stream.feed_data(piece)
        while piece not in writer.pieces:
            await asyncio.sleep(0)
    stream.feed_eof()
    await writing
    assert writer.pieces == [b"one", b"two"]
    assert await written(make_payload(whole_stream(b"abc", None, lambda error: error))) == b"abc"


# Cancelled


async def test_cancelled_while_the_peer_does_not_read(path: Path) -> None:
    reached = asyncio.Event()

    class Stuck(Written):
        async def write(self, data: bytes) -> None:
            reached.set()
            await asyncio.get_running_loop().create_future()

    with path.open("rb") as file:
        writing = asyncio.create_task(make_payload(file).write(Stuck()))
        await reached.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert not file.closed
