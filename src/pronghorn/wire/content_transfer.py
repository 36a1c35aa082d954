"""Content-Transfer-Encoding (RFC 2045 section 6), undone piece by piece.

Forms of today send their content as it is. Where it is encoded all the same, what the RFC lets
readers skip or guess is skipped and guessed in different ways, so here it is malformed. What a
piece means does not depend on where it was cut.
"""

import binascii
import re
from typing import Final, Protocol, final

from .errors import ProtocolError

_LINE_SPACE: Final = b" \t\r\n"
_PAD: Final = ord("=")
# RFC 2045 section 6.7: two hexadecimal digits, or the end of a line that isn't one.
_NO_ESCAPE: Final = re.compile(rb"=(?![0-9A-Fa-f]{2}|\r?\n)")


class TransferDecoder(Protocol):
    """The content of one part being decoded."""

    def decode(self, data: bytes) -> bytes:
        """What ``data`` adds; ProtocolError if it is malformed."""

    def finish(self) -> None:
        """That was all; ProtocolError if something is missing."""

    @staticmethod
    def unfinished(data: bytes) -> int:
        """How many bytes at the end of ``data`` mean nothing without what follows."""


@final
class Base64Decoder:
    """RFC 2045 section 6.8, and padding at its end only."""

    __slots__ = ("_is_padded", "_kept")

    def __init__(self) -> None:
        self._kept = b""
        self._is_padded = False

    def decode(self, data: bytes) -> bytes:
        data = self._kept + data.translate(None, _LINE_SPACE)
        whole = len(data) & -4
        self._kept = data[whole:]
        if not whole:
            return b""
        if self._is_padded:
            raise ProtocolError("base64: expected nothing behind the padding")
        self._is_padded = data[whole - 1] == _PAD
        try:
            return binascii.a2b_base64(data[:whole] if self._kept else data, strict_mode=True)
        except binascii.Error as error:
            raise ProtocolError("base64: malformed") from error

    def finish(self) -> None:
        if self._kept:
            raise ProtocolError("base64: expected four characters for each three bytes")

    @staticmethod
    def unfinished(data: bytes) -> int:
        end = len(data)
        for _ in range(len(data.translate(None, _LINE_SPACE)) % 4):
            end = len(data[:end].rstrip(_LINE_SPACE)) - 1
        return len(data) - end


@final
class QuotedPrintableDecoder:
    """RFC 2045 section 6.7."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept = b""

    def decode(self, data: bytes) -> bytes:
        data = self._kept + data
        whole = len(data) - self.unfinished(data)
        self._kept = data[whole:]
        data = data[:whole]
        if _NO_ESCAPE.search(data):
            raise ProtocolError(
                "quoted-printable: expected two hexadecimal digits, or a line end, behind '='"
            )
        return binascii.a2b_qp(data)

    def finish(self) -> None:
        if self._kept:
            raise ProtocolError("quoted-printable: ended in an escape")

    @staticmethod
    def unfinished(data: bytes) -> int:
        at = data.rfind(b"=", max(0, len(data) - 2))
        return len(data) - at if at >= 0 and data[at:] != b"=\n" else 0


#: None for those under which content stands there as it is.
_DECODERS: Final[dict[str, type[TransferDecoder] | None]] = {
    **dict.fromkeys(("", "7bit", "8bit", "binary")),
    "base64": Base64Decoder,
    "quoted-printable": QuotedPrintableDecoder,
}


def transfer_decoder_of(encoding: str) -> type[TransferDecoder] | None:
    """What decodes under the value of a Content-Transfer-Encoding; None if nothing has to, or can."""
    return _DECODERS.get(_name_of(encoding))


def is_known(encoding: str) -> bool:
    """Content under the value of a Content-Transfer-Encoding can be read."""
    return _name_of(encoding) in _DECODERS


def _name_of(encoding: str) -> str:
    return encoding.strip(" \t").lower()
