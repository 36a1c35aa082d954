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
_WINDOW: Final = 16 * 1024


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

    __slots__ = ("_at", "_inflate", "_input", "_is_gzip", "_is_started", "has_more")

    def __init__(self, coding: str) -> None:
        self._is_gzip = coding == "gzip"
        self._inflate = zlib.decompressobj(wbits=31 if self._is_gzip else 15)
        self._input = b""
        self._at = 0
        self._is_started = False
        self.has_more = False

    def decode(self, data: bytes) -> bytes:
        if data:
            self._input = self._input[self._at :] + data
            self._at = 0
        elif not self.has_more:
            return b""
        # One window a step: what it gives is out before the next one may turn out to be malformed.
        output = self._inflate_window()
        # A full step may have left output inside zlib even when it took all of its input.
        self.has_more = len(output) == STEP or self._at < len(self._input)
        return output

    def _inflate_window(self) -> bytes:
        """Inflate a part of the input: zlib copies what follows a member, so it is not shown all of it."""
        window = self._input[self._at : self._at + _WINDOW]
        self._at += len(window)
        if self._inflate.eof or not self._is_started:
            window = self._begin(window)
            if not window:
                return b""
        try:
            output = self._inflate.decompress(window, STEP)
        except zlib.error as error:
            coding = "gzip" if self._is_gzip else "deflate"
            raise ProtocolError(f"content coding: malformed {coding} data") from error
        self._at -= len(self._inflate.unconsumed_tail or self._inflate.unused_data)
        return output

    def _begin(self, window: bytes) -> bytes:
        if not self._is_started:
            self._is_started = True
            # RFC 1950 section 2.2: CM is 8 in the low four bits of a zlib header.
            if not self._is_gzip and window[0] & 0x0F != 8:
                self._inflate = zlib.decompressobj(wbits=-15)
            return window
        if window and not self._is_gzip:
            raise ProtocolError("content coding: bytes after the end of the deflate data")
        window = window.lstrip(b"\0")  # padding between members, as gzip(1) allows
        if window:
            self._inflate = zlib.decompressobj(wbits=31)
        return window

    def finish(self) -> None:
        if self._is_started and not self._inflate.eof:
            raise ProtocolError("content coding: the data ended before its coding did")


_DECODERS: Final = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}


def decoder_for(coding: str) -> Decoder | None:
    """A new decoder for the value of a Content-Encoding field; None if it is not one of ours."""
    name = _DECODERS.get(coding.strip(" \t").lower())
    return None if name is None else ZlibDecoder(name)
