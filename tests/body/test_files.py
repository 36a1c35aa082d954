import asyncio
import io
import os
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pronghorn.body.files import (
    BufferedReaderPayload,
    IOBasePayload,
    guess_filename,
)
from pronghorn.body.registry import get_payload

from .writing import Stuck, Written, at_once, written

BINARY = "application/octet-stream"
TEXT = "text/plain; charset=utf-8"
LARGE = bytes(range(256)) * 4096  # 1 MiB
PIECE = 256 * 1024


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "data.bin"
    path.write_bytes(LARGE)
    return path


@pytest.mark.parametrize("buffering", [-1, 0])
async def test_a_file(path: Path, buffering: int) -> None:
    with path.open("rb", buffering=buffering) as file:
        payload = get_payload(file)
        assert isinstance(payload, IOBasePayload)
        assert isinstance(payload, BufferedReaderPayload) == bool(buffering)
        assert payload.size == len(LARGE)
        assert payload.content_type == BINARY
        for _ in range(2):
            assert await written(payload) == LARGE
            assert not payload.consumed
            assert payload.rewind()
        assert not file.closed


async def test_a_file_is_read_in_pieces(path: Path) -> None:
    writer = Written()
    with path.open("rb") as file:
        await get_payload(file).write(writer)
    assert [len(piece) for piece in writer.pieces] == [PIECE] * 4


async def test_a_file_is_sent_from_where_it_stands(path: Path) -> None:
    with path.open("rb") as file:
        file.seek(1000)
        payload = get_payload(file)
        assert payload.size == len(LARGE) - 1000
        assert file.tell() == 1000
        assert payload.decode("latin-1") == LARGE[1000:].decode("latin-1")
        assert file.tell() == 1000
        file.seek(0)
        for _ in range(2):
            assert await written(payload) == LARGE[1000:]
        file.seek(10, io.SEEK_END)
        assert get_payload(file).size == 0
        assert await written(get_payload(file)) == b""


async def test_written_twice_it_is_the_same_without_being_asked(path: Path) -> None:
    with path.open("rb") as file:
        payload = get_payload(file)
        assert await payload.as_bytes() == LARGE
        writer = Written()
        await payload.write_with_length(writer, PIECE + 1)
        assert writer.content == LARGE[: PIECE + 1]
        assert await written(payload) == LARGE


async def test_two_at_a_time_do_not_disturb_each_other(path: Path) -> None:
    for file in (path.open("rb"), path.open("rb", buffering=0), io.BytesIO(LARGE)):
        payload = get_payload(file)
        assert await asyncio.gather(*(written(payload) for _ in range(3))) == [LARGE] * 3
        await payload.close()


@given(st.binary(max_size=50), st.integers(0, 60), st.integers(0, 60))
def test_sizes_are_right_to_the_byte(content: bytes, start: int, length: int) -> None:
    file = io.BytesIO(content)
    file.seek(start)
    payload, writer = get_payload(file), Written()
    assert payload.size == len(content[start:])
    assert at_once(written(payload)) == content[start:]
    at_once(payload.write_with_length(writer, length))
    assert writer.content == content[start:][:length]


# What becomes of a file meanwhile


async def test_a_file_that_grows_is_sent_as_it_was(path: Path) -> None:
    with path.open("rb") as file:
        payload = get_payload(file)
        with path.open("ab") as other:
            other.write(b"more")
        assert await written(payload) == LARGE
        assert payload.decode("latin-1") == LARGE.decode("latin-1")
    grown = io.BytesIO(LARGE)
    payload = get_payload(grown)
    grown.seek(0, io.SEEK_END)
    grown.write(b"more")
    assert await written(payload) == LARGE


@pytest.mark.parametrize("left", [0, 4, PIECE, PIECE + 1])
async def test_a_file_that_shrinks_is_not_taken_for_whole(path: Path, left: int) -> None:
    shrunk = io.BytesIO(LARGE)
    with path.open("rb") as file:
        for payload, shrink in (
            (get_payload(file), lambda size: os.truncate(path, size)),
            (get_payload(shrunk), shrunk.truncate),
        ):
            shrink(left)
            writer = Written()
            with pytest.raises(
                EOFError, match=f"expected {len(LARGE)} bytes, it ended {len(LARGE) - left} short"
            ):
                await payload.write(writer)
            assert writer.content == LARGE[:left]


async def test_what_is_written_to_a_file_and_not_yet_on_the_disk(tmp_path: Path) -> None:
    with (tmp_path / "data").open("w+b") as file:
        file.write(b"abc")
        file.seek(0)
        assert await written(get_payload(file)) == b"abc"


async def test_a_file_that_is_closed_or_gets_closed(path: Path) -> None:
    file = path.open("rb")
    payload = get_payload(file)
    file.close()
    assert not payload.rewind()
    assert payload.consumed
    with pytest.raises(ValueError, match="closed file"):
        await payload.write(Written())
    for closed in (file, io.BytesIO(), io.StringIO(), path.open()):
        closed.close()
        with pytest.raises(ValueError, match="closed file"):
            get_payload(closed)


@pytest.mark.parametrize("mode", ["wb", "ab", "w", "xb"])
def test_a_file_that_can_t_be_read(tmp_path: Path, mode: str) -> None:
    with (tmp_path / "data").open(mode) as file, pytest.raises(ValueError, match="opened for reading"):
        get_payload(file)


class Failing(io.FileIO):
    def read(self, size: int | None = -1) -> bytes:
        if self.tell():
            raise OSError(5, "mine")
        return super().read(size)


async def test_a_file_that_fails(path: Path) -> None:
    writer = Written()
    with Failing(path) as file, pytest.raises(OSError, match="mine"):
        await get_payload(file).write(writer)
    assert writer.content == LARGE[:PIECE]


# Closing


async def test_a_file_is_closed_once_and_off_the_loop(path: Path) -> None:
    threads = []

    class Noting(io.FileIO):
        def close(self) -> None:
            if not self.closed:
                threads.append(threading.get_ident())
            super().close()

    payload = get_payload(Noting(path))
    assert not payload.autoclose
    await asyncio.gather(payload.close(), payload.close())
    await payload.close()
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()
    assert not payload.rewind()


async def test_what_is_in_memory_stays_open() -> None:
    for file in (io.BytesIO(b"abc"), io.StringIO("abc")):
        payload = get_payload(file)
        assert payload.autoclose
        await payload.close()
        assert not file.closed
        assert payload.rewind()
        assert await written(payload) == b"abc"


async def test_closing_fails() -> None:
    class Unclosable:
        def read(self, size: int) -> bytes:
            return b""

        def close(self) -> None:
            raise OSError(28, "no space left")

    payload = get_payload(Unclosable())
    with pytest.raises(OSError, match="no space left"):
        await payload.close()
    await payload.close()


# Off the loop


class Held(io.FileIO):
    """A slow disk: a read waits until it is let go."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.may_read = threading.Event()
        self.reads = 0

    def read(self, size: int | None = -1) -> bytes:
        self.reads += 1
        if not self.may_read.wait(10):
            raise AssertionError("nobody let it go")
        return super().read(size)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)


async def test_a_file_is_read_off_the_loop(path: Path) -> None:
    """A slow disk does not stop the others."""
    with Held(path) as file:
        writing = asyncio.create_task(written(get_payload(file)))
        await until(lambda: file.reads)  # the loop runs, and the read waits
        file.may_read.set()
        assert await writing == LARGE


async def test_a_read_that_goes_on_after_its_writer_was_cancelled(path: Path) -> None:
    """It moves the position, but not under the one who reads next."""
    with Held(path) as file:
        payload = get_payload(file)
        writing = asyncio.create_task(payload.write(Written()))
        await until(lambda: file.reads)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert payload.rewind()
        again = asyncio.create_task(written(payload))
        await asyncio.sleep(0)
        assert file.reads == 1
        file.may_read.set()
        assert await again == LARGE


async def test_closing_does_not_wait_for_a_read_that_does_not_end(path: Path) -> None:
    file = Held(path)
    payload = get_payload(file)
    writing = asyncio.create_task(payload.write(Written()))
    await until(lambda: file.reads)
    writing.cancel()
    await asyncio.wait((writing,))
    await asyncio.wait_for(payload.close(), 10)
    assert not file.closed
    file.may_read.set()
    await until(lambda: file.closed)


async def test_cancelled_while_the_peer_does_not_read(path: Path) -> None:
    writer = Stuck()
    with path.open("rb") as file:
        payload = get_payload(file)
        writing = asyncio.create_task(payload.write(writer))
        await writer.reached.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert not file.closed
        assert payload.rewind()
        assert await written(payload) == LARGE


def test_the_name_of_a_file(tmp_path: Path) -> None:
    with (tmp_path / "report.xls").open("wb") as file:
        assert guess_filename(file) == "report.xls"


@pytest.mark.parametrize("name", ["", "<stdin>", "<fdopen", "pipe>", 3, None])
def test_a_name_that_is_no_file_s(name: object) -> None:
    assert guess_filename(SimpleNamespace(name=name)) is None
    assert guess_filename(SimpleNamespace(name=name), "default") == "default"
    assert guess_filename(name, "default") == "default"
