"""Content-Transfer-Encoding (RFC 2045 section 6), applied to a part of a body behind its content coding."""

import binascii
from collections.abc import Callable
from typing import Final

from ..wire.compression import make_compressor
from .compression import CompressingWriter
from .payload import Writer

#: (content, whether it ends there) -> (it encoded, what is left for the next piece).
_Encoder = Callable[[bytes, bool], tuple[bytes, bytes]]
#: What is encoded at once.
_PIECE: Final = 256 * 1024
#: RFC 2045 section 6.8: lines of 76 characters, which encode 57 bytes.
_BASE64_LINE: Final = 57
#: RFC 2045 section 6.7 (5): lines of 76 characters, with the "=" at their end.
_QUOTED_LINE: Final = 76
#: What stands for each byte there.
_QUOTED: Final = [
    bytes([byte]) if byte in b" \t" or (0x21 <= byte <= 0x7E and byte != 0x3D) else b"=%02X" % byte
    for byte in range(256)
]


def _as_base64(data: bytes, is_last: bool) -> tuple[bytes, bytes]:
    whole = len(data) if is_last else len(data) - len(data) % _BASE64_LINE
    lines = [
        binascii.b2a_base64(data[start : start + _BASE64_LINE], newline=False)
        for start in range(0, whole, _BASE64_LINE)
    ]
    return b"\r\n".join([*lines, b""]), data[whole:]


def _as_quoted_printable(data: bytes, _is_last: bool) -> tuple[bytes, bytes]:
    # Line ends are encoded like any other byte, so those between the lines are soft, as is the last of each
    # piece. binascii's own makes lines that are one too long.
    encoded = b"".join([_QUOTED[byte] for byte in data])
    lines, start = [], 0
    while start < len(encoded):
        end = start + _QUOTED_LINE - 1
        escape = encoded.rfind(b"=", end - 2, end)
        if escape >= 0 and end < len(encoded):
            end = escape
        lines.append(encoded[start:end])
        start = end
    return b"".join([line + b"=\r\n" for line in lines]), b""


def _as_it_is(data: bytes, _is_last: bool) -> tuple[bytes, bytes]:
    return data, b""


_ENCODERS: Final[dict[str, _Encoder]] = {
    "base64": _as_base64,
    "quoted-printable": _as_quoted_printable,
}
#: RFC 2045 section 6.1: as headers name them -> as `MultipartPayloadWriter` applies them, "" for not at all.
TRANSFER_ENCODINGS: Final = {
    **dict.fromkeys(("", "binary", "7bit", "8bit"), ""),
    **{name: name for name in _ENCODERS},
}


class MultipartPayloadWriter:
    """Encodes a part on its way to ``writer``: first the content coding, then the transfer encoding."""

    def __init__(self, writer: Writer) -> None:
        self._encoding = _EncodingWriter(writer)
        self._compressing: CompressingWriter | None = None

    def enable_encoding(self, encoding: str) -> None:
        """Apply base64 or quoted-printable; any other transfer encoding changes nothing."""
        self._encoding.encode = _ENCODERS.get(encoding, _as_it_is)

    def enable_compression(self, encoding: str = "deflate", strategy: int | None = None) -> None:
        """Apply a content coding: deflate or gzip, and with their libraries br or zstd."""
        self._compressing = CompressingWriter(self._encoding, make_compressor(encoding, strategy))

    async def write(self, chunk: bytes) -> None:
        """Write content."""
        writer: Writer = self._compressing or self._encoding
        for start in range(0, len(chunk), _PIECE):
            await writer.write(chunk[start : start + _PIECE])

    async def write_eof(self) -> None:
        """The content is whole."""
        if self._compressing is not None:
            await self._compressing.finish()
        await self._encoding.write(b"", is_last=True)


class _EncodingWriter:
    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._kept = b""
        self.encode: _Encoder = _as_it_is

    async def write(self, data: bytes, /, *, is_last: bool = False) -> None:
        encoded, self._kept = self.encode(self._kept + data, is_last)
        if encoded:
            await self._writer.write(encoded)
