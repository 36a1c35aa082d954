"""Content codings (RFC 9110 section 8.4), applied."""

import zlib
from typing import Any, Final, Protocol, final

from .coding import brotli_library, zstd_library

#: brotli's own default is 11, for files that are compressed once; servers compress with 4 to 6.
_BROTLI_QUALITY: Final = 5


class Compressor(Protocol):
    """A content coding being applied."""

    def compress(self, data: bytes, /) -> bytes:
        """Take ``data`` in; what comes out may be nothing yet."""

    def flush(self) -> bytes:
        """The content is whole: the rest."""


@final
class _BrotliCompressor:
    __slots__ = ("_inner",)

    def __init__(self, library: Any) -> None:
        self._inner = library.Compressor(quality=_BROTLI_QUALITY)

    def compress(self, data: bytes) -> bytes:
        output: bytes = self._inner.process(data)
        return output

    def flush(self) -> bytes:
        output: bytes = self._inner.finish()
        return output


def make_compressor(coding: str, strategy: int | None = None) -> Compressor:
    """A new compressor for ``coding``: gzip, deflate, br or zstd; ValueError for what can't be applied here.

    ``strategy`` is zlib's, for the first two.
    """
    if coding in ("gzip", "deflate"):
        wbits = 31 if coding == "gzip" else 15
        return zlib.compressobj(
            wbits=wbits, strategy=zlib.Z_DEFAULT_STRATEGY if strategy is None else strategy
        )
    if coding == "br" and (library := brotli_library()):
        return _BrotliCompressor(library)
    if coding == "zstd" and (library := zstd_library()):
        compressor: Compressor = library.ZstdCompressor()
        return compressor
    raise ValueError(f"content coding: expected gzip, deflate, br or zstd with its library, got {coding!r}")
