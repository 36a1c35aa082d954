"""Who fills a stream, and how it is told to wait."""

from typing import Protocol, final


class Source(Protocol):
    """Who fills a stream and wants to know that it was read."""

    def consumed(self, size: int, /) -> None: ...


class Pausable(Protocol):
    """Who fills a stream and can be told to wait."""

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


@final
class Throttle:
    """Pauses a `Pausable` above twice ``limit`` unread bytes, and resumes it below ``limit``."""

    __slots__ = ("_is_paused", "_limit", "_protocol", "_unread")

    def __init__(self, protocol: Pausable, limit: int) -> None:
        self._protocol = protocol
        self._limit = limit
        self._unread = 0
        self._is_paused = False

    def received(self, size: int) -> None:
        self._unread += size
        if self._unread > 2 * self._limit and not self._is_paused:
            self._is_paused = True
            self._protocol.pause_reading()

    def consumed(self, size: int) -> None:
        self._unread -= size
        if self._unread < self._limit and self._is_paused:
            self._is_paused = False
            self._protocol.resume_reading()
