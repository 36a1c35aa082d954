"""Opened files: how long they are open, and how they are read."""

import asyncio
import errno
import os
import threading
from pathlib import Path

import pytest

from pronghorn.io import open_file as module
from pronghorn.io.open_file import OpenFile, in_thread, read_at, read_cached

PATIENCE = 5.0
CONTENT = bytes(range(251)) * 8192  # 2 MB
SIZE = len(CONTENT)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    return path


def is_closed(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError as error:
        return error.errno == errno.EBADF
    return False


async def test_a_file_is_read_off_the_loop(file: OpenFile) -> None:
    assert await file.read(5, 10) == CONTENT[5:15]
    assert await file.read(SIZE - 3, 10) == CONTENT[-3:]
    assert await file.read(SIZE, 10) == b""


def test_reading_by_hand(file: OpenFile) -> None:
    assert read_at(file.descriptor, 7, 5) == CONTENT[7:12]
    assert read_at(file.descriptor, 2, 5) == CONTENT[2:7]


async def test_it_is_closed_once_no_thread_uses_it(path: Path) -> None:
    file = OpenFile(os.open(path, os.O_RDONLY))
    may_end = threading.Event()
    using = asyncio.create_task(in_thread((file,), may_end.wait, PATIENCE))
    await asyncio.sleep(0)
    file.close()
    file.close()
    assert not file.is_open
    assert not is_closed(file.descriptor)
    using.cancel()
    with pytest.raises(asyncio.CancelledError):
        await using
    assert not is_closed(file.descriptor)
    may_end.set()
    async with asyncio.timeout(PATIENCE):
        while not is_closed(file.descriptor):
            await asyncio.sleep(0.002)
    with pytest.raises(ValueError, match="closed"):
        await file.read(0, 1)


async def test_what_is_not_begun_lets_go_of_the_files(path: Path) -> None:
    """One of them is closed already, or there is no thread: the others are let go of."""
    first, second = (OpenFile(os.open(path, os.O_RDONLY)) for _ in range(2))
    second.close()
    with pytest.raises(ValueError, match="closed"):
        await in_thread((first, second), int)
    first.close()
    assert is_closed(first.descriptor)


def test_it_is_closed_with_its_last_reference(path: Path) -> None:
    file = OpenFile(os.open(path, os.O_RDONLY))
    descriptor = file.descriptor
    assert not is_closed(descriptor)
    del file
    assert is_closed(descriptor)


@pytest.mark.skipif(not hasattr(os, "RWF_NOWAIT"), reason="the platform can't tell what is cached")
def test_what_is_cached(file: OpenFile) -> None:
    try:
        read_cached(file.descriptor, 0, 10)
    except BlockingIOError:
        pytest.skip("the file system can't tell what is cached")
    assert file.is_cached(0, SIZE)
    assert read_cached(file.descriptor, 3, 10) == CONTENT[3:13]
    with pytest.raises(BlockingIOError):
        read_cached(file.descriptor, SIZE - 5, 10)  # there are no ten
    os.fsync(file.descriptor)
    os.posix_fadvise(file.descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    try:
        assert read_cached(file.descriptor, SIZE // 2, 10) == CONTENT[SIZE // 2 : SIZE // 2 + 10]
    except BlockingIOError:
        assert file.descriptor  # it had to be read, and is on its way now


def test_what_can_not_be_told_is_not_cached(file: OpenFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_NOWAIT", 0)
    assert not file.is_cached(0, 1)
    with pytest.raises(BlockingIOError):
        read_cached(file.descriptor, 0, 1)
    file.is_in_memory = True
    assert file.is_cached(0, 1)
