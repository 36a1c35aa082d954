"""One request and its response: what client and server hold of a connection.

`Exchange` is the seam. Behind it stands HTTP/1.1 on a socket here, a pair in memory
in `pronghorn.testing`, and one day a stream of HTTP/2; nothing above can tell.
"""

from collections.abc import Iterable
from typing import Final, Protocol, final

from ..wire.events import Data, End, Event
from ..wire.http1.connection import Http1Connection
from .channel import Channel
from .open_file import OpenFile
from .sendfile import send_file
from .stream import END_WEIGHT, StreamReader

#: Received content that waits for its reader, in bytes: above, the transport is paused; below, it goes on.
HIGH_WATER: Final = 256 * 1024
_LOWER: Final = 4
LOW_WATER: Final = HIGH_WATER // _LOWER

_JOINED: Final = 16 * 1024  # below this, copying buffers into one costs less than gathering them


class Exchange(Protocol):
    """The sending side of a message, and the flow control of the received one."""

    def head(
        self,
        first: str | int,
        second: str,
        fields: Iterable[tuple[str, str]],
        length: int | None,
        *,
        body: bytes | None = None,
        is_persistent: bool = True,
        upgrade: str = "",
    ) -> None:
        """Send a head; with ``body``, the whole message at once. See `Http1Connection.send_head`."""

    def informational(self, status: int, reason: str, fields: Iterable[tuple[str, str]] = ()) -> None:
        """Send a 1xx response ahead of the final one."""

    def data(self, chunk: bytes) -> None:
        """Send a piece of content, in the loop's next turn at the latest."""

    async def sendfile(self, file: OpenFile, offset: int, count: int) -> bool:
        """Send ``count`` bytes of content from ``offset`` of ``file``, and read them nowhere.

        False, and nothing sent, where that can't be: then they are the caller's to read. Content
        of a known length only. OSError if the file ends before. Whatever it raises, the exchange was
        reset: with a part of the bytes missing, what came next would be taken for the rest of them.
        """

    def end(self, trailers: Iterable[tuple[str, str]] = ()) -> None:
        """The content was whole."""

    def reset(self, reason: str) -> None:
        """Abandon the exchange so that the peer can't take it for whole."""

    async def drain(self) -> None:
        """Wait until more may be sent."""

    def consumed(self, size: int) -> None:
        """The reader has taken ``size`` bytes of the received content."""

    @property
    def sendable(self) -> int:
        """Bytes that can be sent without waiting."""


@final
class Http1Exchange:
    """The exchange of an HTTP/1.1 connection: one at a time, so one object serves them all."""

    __slots__ = (
        "_channel",
        "_gathered",
        "_gathered_size",
        "_high_water",
        "_low_water",
        "_machine",
        "_stream",
        "_unread",
    )

    def __init__(self, channel: Channel, machine: Http1Connection) -> None:
        self._channel = channel
        self._machine = machine
        #: Small pieces of content, which leave together in the loop's next turn: 16 of 1 KiB that a handler
        #: writes one after the other cost 62 us in all as one write, and 185 us as 16.
        self._gathered: list[bytes] = []
        self._gathered_size = 0
        self._stream: StreamReader | None = None
        self._unread = 0
        self._high_water, self._low_water = HIGH_WATER, LOW_WATER

    # Sending

    def head(
        self,
        first: str | int,
        second: str,
        fields: Iterable[tuple[str, str]],
        length: int | None,
        *,
        body: bytes | None = None,
        is_persistent: bool = True,
        upgrade: str = "",
    ) -> None:
        machine = self._machine
        if body is None or len(body) < _JOINED:
            self._channel.write(
                machine.send_head(first, second, fields, length, body, is_persistent, upgrade)
            )
            return
        start = machine.send_head(first, second, fields, len(body), None, is_persistent, upgrade)
        buffers = (start, *machine.send_data(body))
        machine.send_end()
        self._channel.writelines(buffers)

    def informational(self, status: int, reason: str, fields: Iterable[tuple[str, str]] = ()) -> None:
        head = self._machine.send_informational(status, reason, fields)
        if head:
            self._channel.write(head)

    def data(self, chunk: bytes) -> None:
        buffers = self._machine.send_data(chunk)
        if not buffers:
            return
        size = len(chunk)
        if size >= _JOINED:
            self.release()
            self._channel.writelines(buffers)
            return
        if not self._gathered:
            self._channel.call_soon(self.release)
        self._gathered += buffers
        self._gathered_size += size
        if self._gathered_size >= _JOINED:
            self.release()

    def release(self) -> None:
        """Write now what has been gathered of `data`."""
        if self._gathered:
            gathered, self._gathered, self._gathered_size = self._gathered, [], 0
            if not self._channel.is_lost:
                self._channel.write(b"".join(gathered))

    async def sendfile(self, file: OpenFile, offset: int, count: int) -> bool:
        try:
            self.release()
            return await send_file(self._channel, self._machine, file, offset, count)
        except BaseException:
            # All of it was counted before any of it left: the machine would let the message end.
            self.reset("a part of the file was not sent")
            raise

    def end(self, trailers: Iterable[tuple[str, str]] = ()) -> None:
        last = self._machine.send_end(trailers)
        if self._gathered:
            self._gathered.append(last)
            self.release()
        elif last:
            self._channel.write(last)

    def reset(self, reason: str) -> None:
        self._gathered.clear()
        self._channel.abort()

    async def drain(self) -> None:
        await self._channel.drain()

    @property
    def sendable(self) -> int:
        return max(0, self._channel.sendable - self._gathered_size)

    # Receiving

    def hold_up_to(self, size: int) -> None:
        """Let ``size`` bytes of content wait for their reader before the transport is paused."""
        self._high_water, self._low_water = size, size // _LOWER

    def open(self, stream: StreamReader) -> None:
        """Send the content that follows the received head to ``stream``."""
        self._stream = stream
        self._unread = 0

    def deliver(self, event: Event) -> None:
        """Pass an event of the received content on."""
        stream = self._stream
        if type(event) is Data:
            self._unread += len(event.chunk)
            if stream is None:
                return
            ends = event.ends
            if ends:
                self._unread += END_WEIGHT * len(ends)
            if self._unread > self._high_water:
                self._channel.pause_reading()
            stream.feed_data(event.chunk, ends)
        elif stream is not None:
            self._stream = None
            self._channel.resume_reading()
            if type(event) is End:
                stream.trailers = event.trailers
            stream.feed_eof()

    def fail(self, error: Exception) -> None:
        """The received content can't become whole."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.set_exception(error)

    def discard(self) -> None:
        """Nobody will read the content that is still to come: count it, and keep none of it."""
        self._stream = None
        self._unread = 0
        self._channel.resume_reading()

    @property
    def unread(self) -> int:
        """Bytes of received content that no reader has taken."""
        return self._unread

    def consumed(self, size: int) -> None:
        if self._stream is not None:
            self._unread -= size
            if self._unread <= self._low_water:
                self._channel.resume_reading()
