"""A file that was opened: kept open while a thread uses it, and read where no event loop waits for a disk.

A disk may be slow, and a file system may be another machine's. Linux tells what can be had without them, in
1.3 us for a window of a file; elsewhere only what is on no disk counts as cached.
"""

import asyncio
import os
import threading
from collections.abc import Callable
from typing import Final, TypeVar, final

T = TypeVar("T")

_NOWAIT: Final[int] = getattr(os, "RWF_NOWAIT", 0)


@final
class OpenFile:
    """A descriptor that is closed once nobody uses it: not while a thread reads from it, whoever gives up.

    It is closed with the last reference to it at the latest.
    """

    __slots__ = ("_is_closed", "_lock", "_users", "descriptor", "is_in_memory")

    def __init__(self, descriptor: int, *, is_in_memory: bool = False) -> None:
        self.descriptor = descriptor
        #: It is on no disk.
        self.is_in_memory = is_in_memory
        self._users = 1
        self._is_closed = False
        self._lock = threading.Lock()

    def __del__(self) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        """`close` was not called."""
        return not self._is_closed

    def close(self) -> None:
        """Close it, or have it closed by the last thread that uses it. A second call does nothing."""
        if not self._is_closed:
            self._is_closed = True
            self.release()

    def hold(self) -> None:
        """Keep it from being closed, until `release`. ValueError once it is closed."""
        with self._lock:
            if self._is_closed:
                raise ValueError("the file is closed")
            self._users += 1

    def release(self) -> None:
        """Undo a `hold`."""
        with self._lock:
            self._users -= 1
            is_unused = not self._users
        if is_unused:
            os.close(self.descriptor)

    def is_cached(self, offset: int, count: int) -> bool:
        """Reading these bytes waits for no disk, as far as the first and the last of them tell."""
        if self.is_in_memory:
            return True
        if not _NOWAIT:
            return False
        room = [bytearray(1)]
        try:
            for place in (offset, offset + count - 1):
                os.preadv(self.descriptor, room, place, _NOWAIT)
        except OSError:
            # EAGAIN is a no; EOPNOTSUPP is a file system that can't tell.
            return False
        return True

    async def read(self, offset: int, count: int) -> bytes:
        """Up to ``count`` bytes from ``offset``, read off the loop; b"" behind the end."""
        return await in_thread((self,), read_at, self.descriptor, offset, count)


if hasattr(os, "pread"):

    def read_at(descriptor: int, offset: int, count: int) -> bytes:
        """Up to ``count`` bytes of a file from ``offset``; this waits for the disk."""
        return os.pread(descriptor, count, offset)

else:

    def read_at(descriptor: int, offset: int, count: int) -> bytes:
        """Up to ``count`` bytes of a file from ``offset``; this waits for the disk."""
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, count)


def read_cached(descriptor: int, offset: int, count: int) -> bytes:
    """These bytes of a file; BlockingIOError unless all of them can be had without waiting for a disk."""
    room = bytearray(count)
    try:
        read = os.preadv(descriptor, [room], offset, _NOWAIT) if _NOWAIT and count else 0
    except OSError as error:
        raise BlockingIOError("the file system can't tell") from error
    if read != count:
        raise BlockingIOError("not all of it is in the page cache")
    return bytes(room)


async def in_thread(files: tuple[OpenFile, ...], work: Callable[..., T], *arguments: object) -> T:
    """Call ``work`` on a thread; ``files`` stay open until it returns, also if nobody waits for it then."""
    held: list[OpenFile] = []

    def let_go() -> None:
        while held:
            held.pop().release()

    # Not by the future, which is part of a cycle: what nobody takes is to be gone at once.
    result: list[T] = []

    def do() -> None:
        try:
            result.append(work(*arguments))
        finally:
            let_go()

    try:
        for file in files:
            file.hold()
            held.append(file)
        working = asyncio.get_running_loop().run_in_executor(None, do)
    except BaseException:
        let_go()
        raise
    # Shielded, so that work that has not begun is not dropped: it is what lets go of the files.
    await asyncio.shield(working)
    return result.pop()
