"""What stands for the world below io/: a clock that is told the time, a transport with a peer in memory."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from pronghorn.wire.errors import ProtocolError
from pronghorn.wire.events import Event

#: The write buffer's high-water mark of asyncio's own transports.
WRITE_BUFFER = 64 * 1024


async def settle() -> None:
    """Let everything run that is ready to."""
    for _ in range(10):
        await asyncio.sleep(0)


class VirtualTimer:
    def __init__(self, when: float, callback: Callable[[], object]) -> None:
        self._when = when
        self.callback = callback
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True

    def when(self) -> float:
        return self._when


class VirtualClock:
    """The clock of a loop, and its timers; time passes in `advance` alone."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._timers: list[VirtualTimer] = []
        self.timers_made = 0

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], object]) -> VirtualTimer:
        timer = VirtualTimer(when, callback)
        self._timers.append(timer)
        self.timers_made += 1
        return timer

    def call_later(self, delay: float, callback: Callable[[], object]) -> VirtualTimer:
        return self.call_at(self.now + delay, callback)

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.get_running_loop().create_future()

    @property
    def timers(self) -> list[VirtualTimer]:
        """Those that are still to come."""
        self._timers = [timer for timer in self._timers if not timer.is_cancelled]
        return self._timers

    def advance(self, seconds: float, *, late: float = 0.0) -> None:
        """Let time pass; each timer is called at its own time, or ``late`` seconds after it."""
        end = self.now + seconds
        while due := [timer for timer in self.timers if timer.when() + late <= end]:
            timer = min(due, key=VirtualTimer.when)
            self._timers.remove(timer)
            self.now = max(self.now, timer.when() + late)
            timer.callback()
        self.now = end


class FakeTransport(asyncio.Transport):
    """As asyncio's own behave, with the peer's side in memory: nothing leaves until the peer takes it."""

    def __init__(self, protocol: asyncio.Protocol, *, high: int = WRITE_BUFFER, has_eof: bool = True) -> None:
        super().__init__()
        self.set_protocol(protocol)
        self._high = high
        self._low = high // 4
        self._has_eof = has_eof
        self._is_protocol_paused = False
        self._backlog: list[bytes] = []
        #: What was written and not taken by the peer.
        self.unsent = bytearray()
        #: What the peer has taken.
        self.taken = bytearray()
        #: How many buffers each write had.
        self.writes: list[int] = []
        self.is_eof_written = False
        self.is_reading_paused = False
        self.is_closed = False
        self.is_aborted = False
        self.is_lost = False
        protocol.connection_made(self)

    # What the protocol calls

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol: Any = protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._write([data])

    def writelines(self, list_of_data: Any) -> None:
        self._write(list(list_of_data))

    def _write(self, buffers: list[Any]) -> None:
        if self.is_eof_written:
            raise RuntimeError("Cannot call write() after write_eof()")
        if self.is_closed:
            return  # dropped, as asyncio does
        self.writes.append(len(buffers))
        self.unsent += b"".join(buffers)
        self._pause_if_full()

    def write_eof(self) -> None:
        self.is_eof_written = True

    def can_write_eof(self) -> bool:
        return self._has_eof

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            if not self.unsent:
                self.lose()

    def abort(self) -> None:
        self.is_aborted = self.is_closed = True
        self.unsent.clear()
        self.lose()

    def pause_reading(self) -> None:
        self.is_reading_paused = True

    def resume_reading(self) -> None:
        self.is_reading_paused = False
        asyncio.get_running_loop().call_soon(self._deliver)

    def get_write_buffer_size(self) -> int:
        return len(self.unsent)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = WRITE_BUFFER if high is None else high
        self._low = self._high // 4 if low is None else low
        self._pause_if_full()

    # What the peer does

    def receive(self, data: bytes) -> None:
        """The peer sends; what is not read waits on its side."""
        self._backlog.append(data)
        self._deliver()

    def receive_eof(self) -> None:
        """The peer closes its sending side."""
        if not self._protocol.eof_received():
            self.close()

    @property
    def waiting(self) -> int:
        """Bytes that the peer could not send yet."""
        return sum(map(len, self._backlog))

    def take(self, size: int | None = None) -> bytes:
        """The peer reads."""
        taken = bytes(self.unsent[:size])
        del self.unsent[: len(taken)]
        self.taken += taken
        if self._is_protocol_paused and len(self.unsent) <= self._low:
            self._is_protocol_paused = False
            self._protocol.resume_writing()
        if self.is_closed and not self.unsent:
            self.lose()
        return taken

    def lose(self, error: Exception | None = None) -> None:
        """The connection is gone; the protocol is told in the loop's next turn."""
        self.is_closed = True
        if not self.is_lost:
            self.is_lost = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, error)

    def _deliver(self) -> None:
        while self._backlog and not self.is_reading_paused and not self.is_closed:
            data = self._backlog.pop(0)
            if not isinstance(self._protocol, asyncio.BufferedProtocol):
                self._protocol.data_received(data)
                continue
            room = self._protocol.get_buffer(-1)
            size = min(len(room), len(data))
            room[:size] = data[:size]
            if size < len(data):
                self._backlog.insert(0, data[size:])
            self._protocol.buffer_updated(size)

    def _pause_if_full(self) -> None:
        if len(self.unsent) > self._high and not self._is_protocol_paused:
            self._is_protocol_paused = True
            self._protocol.pause_writing()


class Recorder:
    """An owner that writes down what a channel tells it."""

    def __init__(self, *, outlives_eof: bool = False) -> None:
        self.events: list[Event] = []
        self.failures: list[ProtocolError] = []
        self.losses: list[Exception | None] = []
        self.batches = 0
        self.writables = 0
        self._outlives_eof = outlives_eof

    def receive(self, events: Sequence[Event]) -> None:
        self.batches += 1
        self.events += events

    def fail(self, error: ProtocolError) -> None:
        self.failures.append(error)

    def lose(self, error: Exception | None) -> None:
        self.losses.append(error)

    def connect(self) -> None:
        pass

    def unwritable(self) -> None:
        pass

    def writable(self) -> None:
        self.writables += 1

    def outlives_eof(self) -> bool:
        return self._outlives_eof
