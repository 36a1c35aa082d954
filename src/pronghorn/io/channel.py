"""The only `asyncio.Protocol` of the package: a transport, a machine, and who owns them.

Bytes that arrive go through the machine to the owner; bytes that leave go straight
to the transport. The channel keeps flow control in both directions and closes
without losing an answer that is on its way.
"""

import asyncio
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn, Protocol, cast

from ..wire.errors import ProtocolError

#: What is read and thrown away, and for how long, before a connection with unread input is closed.
LINGER_BYTES: Final = 64 * 1024
LINGER_SECONDS: Final = 1.0

_NO_LINGER: Final = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)

#: What asyncio's own transports make room for at each read, until that has been too little once. The 256 KiB
#: of their own are given back to the system and fetched from it again each time, which costs more than all
#: else of a small request: 1.4 page faults, 20 us. For large bodies they are worth it.
_SMALL_READ: Final = 64 * 1024


class Machine(Protocol):
    """What the wire offers: bytes in, events out."""

    def feed(self, data: bytes, /) -> Sequence[Any]: ...
    def feed_eof(self) -> Sequence[Any]: ...


class Owner(Protocol):
    """Who is told what happens on a channel."""

    def receive(self, events: Sequence[Any], /) -> None:
        """A read was taken in, and completed ``events``, which may be none."""

    def fail(self, error: ProtocolError, /) -> None:
        """The peer broke the protocol, or ended in the middle of a message."""

    def lose(self, error: Exception | None, /) -> None:
        """The connection is gone; None if it was closed in order."""

    def connect(self) -> None:
        """The transport is there."""

    def unwritable(self) -> None:
        """The peer takes less than is written: `writable` tells when more may follow."""

    def writable(self) -> None:
        """What was written has left: more may follow."""

    def outlives_eof(self) -> bool:
        """There is something to be written still, though the peer sends no more."""


class QuietOwner:
    """An owner that does not wait to write, and goes when its peer does: what it has no answer to."""

    __slots__ = ()

    def connect(self) -> None:
        """See `Owner`."""

    def unwritable(self) -> None:
        """See `Owner`."""

    def writable(self) -> None:
        """See `Owner`."""

    def outlives_eof(self) -> bool:
        """See `Owner`."""
        return False


class Channel(asyncio.Protocol):
    """One connection."""

    __slots__ = (
        "_drainers",
        "_has_ended",
        "_linger_timer",
        "_lingered",
        "_loop",
        "_reads_little",
        "is_lost",
        "is_reading_paused",
        "is_write_paused",
        "machine",
        "owner",
        "transport",
        "write",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, machine: Machine, owner: Owner) -> None:
        self._loop = loop
        self.machine = machine
        self.owner = owner
        self.transport: asyncio.Transport | None = None
        #: Sends bytes. This is the transport's own method while it is open, so that a write costs no call of
        #: ours; without one it raises ConnectionResetError.
        self.write: Callable[[bytes], None] = _refuse
        #: The transport is closed, or was never opened.
        self.is_lost = True
        #: The peer does not read: nothing more should be written.
        self.is_write_paused = False
        #: We do not read: the peer's bytes wait on its side.
        self.is_reading_paused = False
        self._drainers: list[asyncio.Future[None]] = []
        self._linger_timer: asyncio.TimerHandle | None = None
        self._lingered = -1
        #: The peer has closed its sending side.
        self._has_ended = False
        self._reads_little = False

    # What the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.write = self.transport.write
        if hasattr(transport, "max_size"):
            transport.max_size = _SMALL_READ
            self._reads_little = True
        self.is_lost = False
        self.owner.connect()

    def data_received(self, data: bytes) -> None:
        if self._reads_little and len(data) == _SMALL_READ:
            self._reads_little = False
            del cast(Any, self.transport).max_size
        if self._lingered >= 0:
            self._linger_on(len(data))
            return
        try:
            events = self.machine.feed(data)
        except ProtocolError as error:
            self.owner.fail(error)
            return
        self.owner.receive(events)

    def eof_received(self) -> bool:
        self._has_ended = True
        if self._lingered >= 0:
            return False
        try:
            events = self.machine.feed_eof()
        except ProtocolError as error:
            self.owner.fail(error)
        else:
            self.owner.receive(events)
        # On False the transport closes itself, once what is still to be written has left.
        return self.owner.outlives_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        self.write = _refuse
        self.is_write_paused = False
        if self._linger_timer is not None:
            self._linger_timer.cancel()
            self._linger_timer = None
        if self._drainers:
            error = ConnectionResetError("the connection is closed")
            error.__cause__ = exc
            self._wake_drainers(error)
        self.owner.lose(exc)

    def pause_writing(self) -> None:
        self.is_write_paused = True
        self.owner.unwritable()

    def resume_writing(self) -> None:
        self.is_write_paused = False
        self._wake_drainers(None)
        if self._lingered >= 0:
            self._start_linger_timer()
        self.owner.writable()

    # Writing

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Have ``callback`` called in the loop's next turn; ConnectionResetError without a connection."""
        if self.is_lost:
            raise ConnectionResetError("the connection is closed")
        self._loop.call_soon(callback)

    def writelines(self, buffers: Sequence[bytes]) -> None:
        """Send ``buffers`` in order, as one write where the platform can."""
        transport = self.transport
        if self.is_lost or transport is None:
            raise ConnectionResetError("the connection is closed")
        if transport.is_closing():
            # Dropped, as by `write`. On a connection that is lost and not yet closed, asyncio's own has the
            # descriptor watched for good (gh-136234): whoever gets its number next is never read from.
            return
        transport.writelines(buffers)
        # CVE-2024-12254: asyncio's own never asks to pause before 3.12.9 and 3.13.2. Setting the limits does.
        low, high = transport.get_write_buffer_limits()
        transport.set_write_buffer_limits(high, low)

    @property
    def sendable(self) -> int:
        """Bytes that can be written before the transport asks to wait."""
        if self.is_lost or self.is_write_paused or self.transport is None:
            return 0
        _, high = self.transport.get_write_buffer_limits()
        return max(0, high - self.transport.get_write_buffer_size())

    @property
    def unsent(self) -> int:
        """Bytes written that the peer has not taken: those of the transport, and of the kernel if it tells.

        The kernel asks for more only when a third of its buffer is free, which can be a megabyte: by the
        transport's alone, who reads slowly looks as who does not read.
        """
        transport = self.transport
        if self.is_lost or transport is None:
            return 0
        sock = transport.get_extra_info("socket")
        return transport.get_write_buffer_size() + (0 if sock is None else _queued(sock.fileno()))

    async def drain(self) -> None:
        """Wait until the peer has read enough; ConnectionResetError if it went away instead."""
        if self.is_lost:
            raise ConnectionResetError("the connection is closed")
        if not self.is_write_paused:
            if self.transport is not None and self.transport.is_closing():
                # What is written is dropped, and nothing asks to wait: let the loop tell us that it is lost.
                await asyncio.sleep(0)
                if self.is_lost:
                    raise ConnectionResetError("the connection is closed")
            return
        waiter = self._loop.create_future()
        self._drainers.append(waiter)
        try:
            await waiter
        finally:
            if waiter in self._drainers:
                self._drainers.remove(waiter)

    async def flush(self) -> None:
        """Wait until all that was written has left; ConnectionResetError if the peer went away instead."""
        transport = self.transport
        if self.is_lost or transport is None:
            raise ConnectionResetError("the connection is closed")
        if not transport.get_write_buffer_size():
            return
        low, high = transport.get_write_buffer_limits()
        transport.set_write_buffer_limits(0)  # asks to wait for as long as anything is left
        try:
            await self.drain()
        finally:
            if not self.is_lost:
                transport.set_write_buffer_limits(high, low)

    async def wait_for_room(self, descriptor: int) -> None:
        """Wait until ``descriptor``, a duplicate of the socket's, takes bytes; errors are those of `drain`.

        A duplicate, since loops let nobody else wait for a descriptor of theirs. The owner is told as
        when the transport waits, so that what it has against peers that do not read holds here.
        """
        waiter = self._loop.create_future()
        self._drainers.append(waiter)
        self._loop.add_writer(descriptor, _wake, waiter)
        self.owner.unwritable()
        try:
            await waiter
        finally:
            self._loop.remove_writer(descriptor)
            if waiter in self._drainers:
                self._drainers.remove(waiter)
            if not self.is_lost:
                self.owner.writable()

    async def give_up(self) -> NoReturn:
        """Abort, and raise ConnectionResetError once the owner knows that the connection is lost."""
        waiter = self._loop.create_future()
        if not self.is_lost:
            self._drainers.append(waiter)
            self.abort()
            await waiter
        raise ConnectionResetError("the connection is closed")

    def _wake_drainers(self, error: Exception | None) -> None:
        waiters, self._drainers = self._drainers, []
        for waiter in waiters:
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)

    # Reading

    def pause_reading(self) -> None:
        """Let the peer's bytes pile up on its own side."""
        if not self.is_reading_paused and not self.is_lost and self.transport is not None:
            self.is_reading_paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Take bytes again."""
        if self.is_reading_paused:
            self.is_reading_paused = False
            if not self.is_lost and self.transport is not None:
                self.transport.resume_reading()

    # Closing

    def close(self) -> None:
        """Close once everything written has left."""
        if self.transport is not None and not self.is_lost:
            self.resume_reading()
            self.transport.close()

    def abort(self) -> None:
        """Close now; what has not left is lost, and the peer can tell."""
        if self.transport is not None and not self.is_lost:
            sock = self.transport.get_extra_info("socket")
            if sock is not None:
                # A reset: by the plain end that the kernel would send, bodies without a length end in order.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            self.transport.abort()

    def linger(self) -> None:
        """Close so that a peer that is still sending can read our answer (RFC 9112 section 9.6).

        Closing with unread input resets the connection, and the reset overtakes what
        we wrote. So the sending side is closed first, and input is thrown away until
        the peer closes, for a bounded amount, and a bounded time from when our answer
        has left. How long that may take is the owner's to bound.
        """
        transport = self.transport
        if transport is None or self.is_lost or self._lingered >= 0:
            return
        self._lingered = 0
        self.resume_reading()
        if self._has_ended or transport.is_closing() or not transport.can_write_eof():
            transport.close()
            return
        try:
            transport.write_eof()
        except OSError:
            transport.abort()  # the peer has reset the connection, and the loop has not told us yet
            return
        transport.set_write_buffer_limits(0)  # so that `resume_writing` says when all has left
        if not transport.get_write_buffer_size():
            self._start_linger_timer()

    @property
    def is_lingering(self) -> bool:
        """What comes is thrown away."""
        return self._lingered >= 0

    def _start_linger_timer(self) -> None:
        if self._linger_timer is None:
            self._linger_timer = self._loop.call_later(LINGER_SECONDS, self._end_linger)

    def _linger_on(self, size: int) -> None:
        self._lingered += size
        if self._lingered > LINGER_BYTES:
            self.pause_reading()

    def _end_linger(self) -> None:
        # Not `abort`: our answer has left, and a reset would take it from a peer that has yet to read it.
        if self.transport is not None:
            self.transport.abort()


def _queued(descriptor: int) -> int:
    """Bytes in the kernel that the peer has not acknowledged; 0 where that can't be asked."""
    if sys.platform != "linux":
        return 0
    # Nobody needs them until a peer is slow.
    import fcntl
    import termios

    room = bytearray(struct.calcsize("i"))
    try:
        fcntl.ioctl(descriptor, termios.TIOCOUTQ, room)  # SIOCOUTQ, by the name that Python has for it
    except (OSError, ValueError):
        return 0
    size: int
    (size,) = struct.unpack("i", room)
    return size


def _wake(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)


def _refuse(_data: object) -> None:
    raise ConnectionResetError("the connection is closed")
