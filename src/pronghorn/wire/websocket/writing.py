"""The writing half of a WebSocket connection: messages in, frames out."""

from collections.abc import Iterator
from typing import Final

from ..roles import Role
from .deflate import PerMessageDeflate
from .frame import (
    BINARY,
    CLOSE,
    FIN,
    MASKED_SHORT,
    PING,
    PONG,
    RSV1,
    SHORT,
    TEXT,
    UNMASKED_SHORT,
    format_close,
    format_header,
    serialise,
)
from .mask import Octets, mask, masking_keys

#: From here on a payload is not copied to stand behind its header: that costs more than a second write.
_LARGE: Final = 64 * 1024


class WritingHalf:
    """What is sent. After the close frame all but `close` raise RuntimeError: nothing may follow it."""

    __slots__ = ("_deflate", "_keys", "close_sent")

    def __init__(self, role: Role, deflate: PerMessageDeflate | None) -> None:
        self._deflate = deflate
        self._keys: Iterator[bytes] | None = masking_keys() if role.masks_frames else None
        #: We have sent a close frame.
        self.close_sent = False

    @property
    def masks(self) -> bool:
        """Frames are masked, each with a key of its own (section 5.3); if not, one is good for many."""
        return self._keys is not None

    def text(self, data: str, *, compress: bool | None = None) -> tuple[bytes, ...]:
        """The frame of a text message, to be written in one go; UnicodeEncodeError for a lone surrogate.

        ``compress`` says whether it is compressed, where that was agreed; None leaves it to its size.
        """
        return self._message(TEXT, data.encode(), compress)

    def binary(self, data: Octets, *, compress: bool | None = None) -> tuple[bytes, ...]:
        """The frame of a binary message, as `text`."""
        return self._message(BINARY, _octets(data), compress)

    def text_bytes(self, data: Octets, *, compress: bool | None = None) -> tuple[bytes, ...]:
        """The frame of a text message that is UTF-8 already, as `text`; nobody looks at whether it is."""
        return self._message(TEXT, _octets(data), compress)

    def ping(self, data: Octets = b"") -> bytes:
        """A ping frame; ValueError for more than 125 bytes."""
        return self._control(PING, data)

    def pong(self, data: Octets = b"") -> bytes:
        """A pong frame, which owes its data to a ping; ValueError for more than 125 bytes."""
        return self._control(PONG, data)

    def close(self, code: int | None = 1000, reason: str | bytes = "") -> bytes:
        """The close frame, b"" if it was sent before; without a ``code`` an empty one.

        ValueError for a code that no frame may carry, and for a reason that is not UTF-8, is longer than 123
        bytes or stands without a code.
        """
        payload = format_close(code, reason)
        if self.close_sent:
            return b""
        frame = self._control(CLOSE, payload)
        self.close_sent = True
        return frame

    def _message(self, opcode: int, payload: bytes, compress: bool | None) -> tuple[bytes, ...]:
        if self.close_sent:
            raise _closed()
        first = FIN | opcode
        deflate = self._deflate
        if deflate is not None and (len(payload) >= deflate.threshold if compress is None else compress):
            payload = deflate.deflater.deflate(payload)
            first |= RSV1
        size = len(payload)
        if self._keys is None:
            header = UNMASKED_SHORT[first][size] if size <= SHORT else format_header(first, size)
        else:
            key = next(self._keys)
            header = MASKED_SHORT[first][size] + key if size <= SHORT else format_header(first, size, key)
            payload = mask(payload, key)
        return (header + payload,) if size < _LARGE else (header, payload)

    def _control(self, opcode: int, data: Octets) -> bytes:
        if self.close_sent:
            raise _closed()
        payload = _octets(data)
        if len(payload) > 125:
            raise ValueError(f"control frame: expected at most 125 bytes, got {len(payload)}")
        return serialise(FIN | opcode, payload, b"" if self._keys is None else next(self._keys))


def _octets(data: Octets) -> bytes:
    # Others than bytes can change while they are being written, and views have items of any size.
    return data if type(data) is bytes else memoryview(data).tobytes()


def _closed() -> RuntimeError:
    return RuntimeError("nothing may be sent after a close frame")
