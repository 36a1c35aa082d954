"""The receive buffer: bytes and a place in them.

What has been consumed is never moved, what has been searched is never searched
again. As long as each read is consumed whole, which is nearly always, a read is
kept as the object that arrived and nothing is copied.
"""

from typing import final

from ..errors import ProtocolError

_LF = b"\n"
_CR = 13


@final
class Cursor:
    """Received bytes, of which those before ``position`` are consumed."""

    __slots__ = ("data", "position", "searched")

    def __init__(self) -> None:
        self.data: bytes | bytearray = b""
        self.position = 0
        #: No line end starts before here.
        self.searched = 0

    def __len__(self) -> int:
        return len(self.data) - self.position

    def push(self, data: bytes) -> None:
        """Append what was received."""
        held = self.data
        position = self.position
        if position >= len(held):
            self.data = data
            self.position = self.searched = 0
            return
        if position:
            self.position = 0
            self.searched = max(0, self.searched - position)
        if isinstance(held, bytearray):
            del held[:position]  # moves the array's start, not its bytes
            held += data
        else:
            self.data = bytearray(memoryview(held)[position:])
            self.data += data

    def forget(self) -> None:
        """Hold on to nothing that is consumed to the last byte: an idle connection keeps no read."""
        if self.position == len(self.data):
            self.data = b""
            self.position = self.searched = 0

    def take(self, size: int) -> bytes:
        """Consume at most ``size`` bytes; b"" if there are none."""
        data, start = self.data, self.position
        end = min(start + size, len(data))
        self.position = end
        if end - start == len(data) and isinstance(data, bytes):
            return data
        return bytes(memoryview(data)[start:end])

    def take_whole(self, size: int) -> bytes | None:
        """Consume ``size`` bytes; None if they are not all there yet."""
        data, start = self.data, self.position
        end = start + size
        if end > len(data):
            return None
        self.position = end
        return bytes(memoryview(data)[start:end])

    def take_line(self, limit: int) -> bytes | None:
        """Consume a line and its CRLF; None if it isn't whole yet.

        Raises ProtocolError if the line is longer than ``limit`` or ends in a bare LF.
        """
        data, start = self.data, self.position
        end = data.find(_LF, max(start, self.searched), start + limit + 2)
        if end < 0:
            if len(data) - start > limit + 1:
                raise ProtocolError(f"line: longer than {limit} bytes", 431)
            self.searched = len(data)
            return None
        if end == start or data[end - 1] != _CR:
            raise ProtocolError("line: expected to end in CRLF, got a bare LF")
        self.position = end + 1
        return bytes(memoryview(data)[start : end - 1])
