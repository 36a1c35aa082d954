"""Files on their way to a socket: sendfile on a socket that belongs to an event loop.

``loop.sendfile`` is not there on uvloop, so both loops are served the same way: by a duplicate of the
socket's descriptor, which the loop is asked to watch. The transport goes on reading, and notices when
the connection is lost.

What the page cache holds is sent from the loop's own thread (another's turn costs 40 us, as much as 100 KiB
of it), what has to be read first from another; where the kernel does not tell, it is always the other thread.
"""

import asyncio
import os
from typing import Final, Protocol

from .channel import Channel
from .open_file import OpenFile, in_thread

#: Bytes that are sent before other connections have their turn.
_WINDOW: Final = 1024 * 1024
_CAN_SEND: Final = hasattr(os, "sendfile")


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
