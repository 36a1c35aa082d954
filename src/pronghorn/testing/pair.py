"""Two transports back to back, in memory: what one's protocol writes, the other's receives.

They behave as asyncio's own over a TCP connection: bytes are counted and flow is controlled both ways,
ends and resets arrive behind what was sent before them or instead of it. Everything is delivered from the
event loop, in a turn of its own, so that no protocol is called from within another's call.
"""

import asyncio
import errno
from collections.abc import Iterable, Mapping
from typing import Any, Final, Self, final

#: Bytes that a protocol is given in one call, as by asyncio's own.
_READ_SIZE: Final = 256 * 1024
#: asyncio's own mark, above which a writer is asked to wait.
_HIGH_WATER: Final = 64 * 1024


@final
class MemoryTransport(asyncio.Transport):
    """One end of a connection; `connect` makes both."""

    def __init__(self, loop: asyncio.AbstractEventLoop, extra: Mapping[str, Any]) -> None:
        super().__init__(dict(extra))
        self._loop = loop
        self._peer: Self
        self._protocol: asyncio.BaseProtocol
        #: What was written, and not yet received.
        self._unsent = bytearray()
        self._high = _HIGH_WATER
        self._low = _HIGH_WATER // 4
        self._is_writing_paused = False
        self._is_reading_paused = False
        self._is_delivery_due = False
        #: Nothing more will be written.
        self._is_ending = False
        #: The peer was told so.
        self._has_ended = False
        self._is_closing = False
        self._is_lost = False
        #: Bytes came, and nobody will read them.
        self._has_unread = False

    def __repr__(self) -> str:
        state = "closed" if self._is_lost else "closing" if self._is_closing else "open"
        return f"<MemoryTransport {state}, {len(self._unsent)} bytes unsent>"

    @property
    def peer(self) -> "MemoryTransport":
        """The other end."""
        return self._peer

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Give what comes from now on to ``protocol``."""
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Who is given what comes."""
        return self._protocol

    # Writing

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send ``data``; dropped once the transport is closing. RuntimeError after `write_eof`."""
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"data: expected bytes, bytearray or memoryview, got {type(data).__name__}")
        if self._is_closing:
            return
        if self._is_ending:
            raise RuntimeError("write: called after write_eof")
        if data:
            self._unsent += data
            self._deliver_soon()
            self._pause_if_full()

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        """Send all of it."""
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        """One side of the connection can be closed alone."""
        return True

    def write_eof(self) -> None:
        """Close the sending side, behind what was written."""
        self._is_ending = True
        self._deliver_soon()

    def get_write_buffer_size(self) -> int:
        """Bytes that the peer has yet to receive."""
        return len(self._unsent)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """The marks below and above which the protocol is asked to go on, and to wait."""
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set them; by default ``high`` is four times ``low`` or 64 KiB, ``low`` a quarter of ``high``."""
        if high is None:
            high = _HIGH_WATER if low is None else 4 * low
        if low is None:
            low = high // 4
        if not high >= low >= 0:
            raise ValueError(f"high and low: expected high >= low >= 0, got {high} and {low}")
        self._high, self._low = high, low
        self._pause_if_full()

    def _pause_if_full(self) -> None:
        if len(self._unsent) > self._high and not self._is_writing_paused:
            self._is_writing_paused = True
            self._protocol.pause_writing()

    def _resume_if_low(self) -> None:
        if self._is_writing_paused and len(self._unsent) <= self._low:
            self._is_writing_paused = False
            self._protocol.resume_writing()

    # Reading

    def is_reading(self) -> bool:
        """What comes is received."""
        return not self._is_reading_paused and not self._is_closing

    def pause_reading(self) -> None:
        """Let what comes wait on the peer's side."""
        self._is_reading_paused = True

    def resume_reading(self) -> None:
        """Receive again."""
        if self._is_reading_paused:
            self._is_reading_paused = False
            self._peer._deliver_soon()

    # Closing

    def is_closing(self) -> bool:
        """`close` or `abort` was called, or the peer has gone."""
        return self._is_closing

    def close(self) -> None:
        """Receive nothing more, and close when everything written was received."""
        if self._is_closing:
            return
        self._is_closing = self._is_ending = True
        if not self._unsent:
            self._lose(None)
        self._deliver_soon()
        self._peer._deliver_soon()  # what waits for us to read has nobody to wait for

    def abort(self) -> None:
        """Close now. What was not received is lost, and the peer is told of a reset."""
        if not self._is_lost:
            self._lose(None)
            self._peer._lose(_reset())

    def _lose(self, error: Exception | None) -> None:
        if self._is_lost:
            return
        self._is_lost = self._is_closing = True
        self._unsent.clear()
        self._loop.call_soon(self._tell_loss, error)
        peer = self._peer
        if peer._unsent or self._has_unread:
            # As TCP does when it is closed before all was read (RFC 9293 section 3.6.1).
            peer._lose(_reset())

    def _tell_loss(self, error: Exception | None) -> None:
        self._protocol.connection_lost(error)

    # Delivering

    def _deliver_soon(self) -> None:
        if not self._is_delivery_due:
            self._is_delivery_due = True
            self._loop.call_soon(self._deliver)

    def _deliver(self) -> None:
        """One read of the peer's: bytes, or the end of them."""
        self._is_delivery_due = False
        peer = self._peer
        if peer._is_closing:
            self._deliver_to_nobody()
        elif peer._is_reading_paused:
            return
        elif self._unsent:
            data = bytes(self._unsent[:_READ_SIZE])
            del self._unsent[:_READ_SIZE]
            peer._receive(data)
            if not self._is_lost:
                self._resume_if_low()
        elif self._is_ending and not self._has_ended:
            self._has_ended = True
            peer._receive_end()
            return
        if self._unsent or (self._is_ending and not self._has_ended):
            self._deliver_soon()
        if self._is_closing and not self._unsent:
            self._lose(None)

    def _deliver_to_nobody(self) -> None:
        peer = self._peer
        self._has_ended = self._is_ending
        if not self._unsent:
            return
        self._unsent.clear()
        if peer._is_lost:
            self._lose(_reset())
        else:
            peer._has_unread = True
            self._resume_if_low()

    def _receive(self, data: bytes) -> None:
        try:
            self._protocol.data_received(data)  # type: ignore[attr-defined]  # the contract of a Protocol
        except Exception as error:  # noqa: BLE001 - as asyncio's own: it ends the connection, not the loop
            self._fail(error, "data_received")

    def _receive_end(self) -> None:
        try:
            stays_open = self._protocol.eof_received()  # type: ignore[attr-defined]  # as above
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(error, "eof_received")
            return
        if not stays_open:
            self.close()

    def _fail(self, error: Exception, call: str) -> None:
        self._loop.call_exception_handler(
            {
                "message": f"{call} of a protocol failed",
                "exception": error,
                "transport": self,
                "protocol": self._protocol,
            }
        )
        self.abort()


def connect(
    client: asyncio.Protocol,
    server: asyncio.Protocol,
    *,
    client_info: Mapping[str, Any] | None = None,
    server_info: Mapping[str, Any] | None = None,
) -> None:
    """Connect two protocols, on the running loop; the infos are what `get_extra_info` says at each end."""
    loop = asyncio.get_running_loop()
    near = MemoryTransport(loop, client_info or {})
    far = MemoryTransport(loop, server_info or {})
    near._peer, far._peer = far, near
    near._protocol, far._protocol = client, server
    server.connection_made(far)
    client.connection_made(near)


def _reset() -> ConnectionResetError:
    return ConnectionResetError(errno.ECONNRESET, "the other end is closed")
