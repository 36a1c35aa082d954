"""Files on their way to a socket: opened ones, and sendfile on a socket that belongs to an event loop.

``loop.sendfile`` is not there on uvloop, so both loops are served the same way: by a duplicate of the
socket's descriptor, which the loop is asked to watch. The transport goes on reading, and notices when
the connection is lost.

A disk may be slow, and a file system may be another machine's. What the page cache holds is sent from
the loop's own thread (another's turn costs 40 us, as much as 100 KiB of it), what has to be read first from
another. Linux tells which it is, in 1.3 us for a window; elsewhere it is always the other thread.
"""

import asyncio
import os
import threading
from collections.abc import Callable
from typing import Final, Protocol, TypeVar, final

from .channel import Channel

T = TypeVar("T")

#: Bytes that are sent before other connections have their turn.
_WINDOW: Final = 1024 * 1024
_CAN_SEND: Final = hasattr(os, "sendfile")
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


class Counter(Protocol):
    """The part of a machine that must know of content which goes around it."""

    def send_beside(self, size: int, /) -> bool: ...


async def send_file(channel: Channel, machine: Counter, file: OpenFile, offset: int, count: int) -> bool:
    """Send ``count`` bytes of content from ``offset`` of ``file``. See `Exchange.sendfile`.

    False where there is no sendfile, over TLS, and without a socket. OSError if the file ends before,
    ConnectionResetError when the peer is gone: then the message can't become whole.
    """
    transport = channel.transport
    if not _CAN_SEND or transport is None or transport.get_extra_info("sslcontext") is not None:
        return False
    sock = transport.get_extra_info("socket")
    if sock is None:
        return False
    if not machine.send_beside(count) or not count:
        return True
    await channel.flush()
    if transport.is_closing():
        raise ConnectionResetError("the connection is closed")
    window = min(count, _WINDOW)
    sent = 0
    if file.is_cached(offset, window):
        # What fits into the socket's buffer, and most does, needs no duplicate.
        sent = await _send_cached(channel, sock.fileno(), file, offset, window)
        if sent == count:
            return True
    duplicate = OpenFile(os.dup(sock.fileno()))
    try:
        if 0 < sent < window:
            await channel.wait_for_room(duplicate.descriptor)
        await _send(channel, duplicate, file, offset + sent, offset + count)
    finally:
        duplicate.close()
    return True


async def _send(channel: Channel, duplicate: OpenFile, file: OpenFile, offset: int, end: int) -> None:
    while True:
        if channel.is_lost:
            raise ConnectionResetError("the connection is closed")
        window = min(end - offset, _WINDOW)
        if file.is_cached(offset, window):
            sent = await _send_cached(channel, duplicate.descriptor, file, offset, window)
        else:
            sent = await _send_from_disk(channel, duplicate, file, offset, window)
        offset += sent
        if offset >= end:
            return
        if sent < window:
            await channel.wait_for_room(duplicate.descriptor)
        else:
            await asyncio.sleep(0)


async def _send_cached(channel: Channel, descriptor: int, file: OpenFile, offset: int, count: int) -> int:
    """How many bytes the socket took; it is asked from the loop's own thread."""
    try:
        return _sendfile(descriptor, file.descriptor, offset, count)
    except (BrokenPipeError, ConnectionResetError):
        await channel.give_up()  # the loop has not told us yet


async def _send_from_disk(
    channel: Channel, duplicate: OpenFile, file: OpenFile, offset: int, count: int
) -> int:
    """The same from another thread, where that waits for the disk."""
    try:
        return await in_thread(
            (duplicate, file), _sendfile, duplicate.descriptor, file.descriptor, offset, count
        )
    except (BrokenPipeError, ConnectionResetError):
        await channel.give_up()


def _sendfile(descriptor: int, file: int, offset: int, count: int) -> int:
    try:
        sent = os.sendfile(descriptor, file, offset, count)
    except BlockingIOError:
        return 0
    if not sent:
        raise OSError("the file ends before what was announced of it")
    return sent
