"""Content codings (RFC 9110 section 8.4), decoded a bounded step at a time.

A few kilobytes can inflate to gigabytes. So a decoder is never told "decode this":
it is asked for at most so many bytes, keeps what it has not looked at, and says
when it wants more input. Who asks decides how much exists at once.
"""

import zlib
from typing import Final, Protocol, final

from .errors import ProtocolError

#: The most that one step gives out, in bytes.
STEP: Final = 256 * 1024


class Decoder(Protocol):
    """One content coding being undone."""

    def decode(self, data: bytes) -> bytes:
        """Take ``data`` in and give at most STEP bytes out; ProtocolError if it is malformed."""

    @property
    def has_more(self) -> bool:
        """More output can be had with ``decode(b"")``, before new input is given."""

    def finish(self) -> None:
        """The input is over; ProtocolError if the coded data was not."""


@final
class ZlibDecoder:
    """gzip with any number of members (RFC 1952 section 2.2), and deflate.

    "deflate" means the zlib format (RFC 9110 section 8.4.1.2), but some servers send
    the raw one; the first byte tells them apart.
    """

    __slots__ = ("_held", "_inflate", "_is_gzip", "_is_started", "has_more")

    def __init__(self, coding: str) -> None:
        self._is_gzip = coding == "gzip"
        self._inflate = zlib.decompressobj(wbits=31 if self._is_gzip else 15)
        self._held = b""
        self._is_started = False
        self.has_more = False

    def decode(self, data: bytes) -> bytes:
        data = self._held + data if self._held else data
        self._held = b""
        if not data and not self.has_more:
            return b""
        if not self._is_started:
            self._is_started = True
            # RFC 1950 section 2.2: CM is 8 in the low four bits of a zlib header.
            if not self._is_gzip and data[0] & 0x0F != 8:
                self._inflate = zlib.decompressobj(wbits=-15)
        if self._inflate.eof:
            data = self._next_member(data)
        try:
            output = self._inflate.decompress(data, STEP)
        except zlib.error as error:
            raise ProtocolError(f"content coding: malformed {'gzip' if self._is_gzip else 'deflate'} data") from error
        self._held = self._inflate.unconsumed_tail or self._inflate.unused_data
        # A full step may have left output inside zlib even when it took all of its input.
        self.has_more = bool(self._held) or len(output) == STEP
        return output

    def _next_member(self, data: bytes) -> bytes:
        if not self._is_gzip:
            raise ProtocolError("content coding: bytes after the end of the deflate data")
        data = data.lstrip(b"\0")  # padding between members, as gzip(1) allows
        if data:
            self._inflate = zlib.decompressobj(wbits=31)
        return data

    def finish(self) -> None:
        if self._is_started and not self._inflate.eof:
            raise ProtocolError("content coding: the data ended before its coding did")


_DECODERS: Final = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}


def decoder_for(coding: str) -> Decoder | None:
    """A new decoder for the value of a Content-Encoding field; None if it is not one of ours."""
    name = _DECODERS.get(coding.strip(" \t").lower())
    return None if name is None else ZlibDecoder(name)
