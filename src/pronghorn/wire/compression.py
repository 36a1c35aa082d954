"""Content codings (RFC 9110 section 8.4), applied."""

import zlib
from collections.abc import Callable
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


class StreamCompressor(Compressor, Protocol):
    """A content coding being applied to content whose reader must not wait for what comes later."""

    def sync(self) -> bytes:
        """Give out what makes all that was taken in readable; the content goes on."""


@final
class _Applied:
    """What a library offers, under one set of names."""

    __slots__ = ("compress", "flush", "sync")

    def __init__(
        self, compress: Callable[[bytes], bytes], flush: Callable[[], bytes], sync: Callable[[], bytes]
    ) -> None:
        self.compress = compress
        self.flush = flush
        self.sync = sync


def _zlib(wbits: int, strategy: int | None) -> StreamCompressor:
    inner = zlib.compressobj(wbits=wbits, strategy=zlib.Z_DEFAULT_STRATEGY if strategy is None else strategy)
    return _Applied(inner.compress, inner.flush, lambda: inner.flush(zlib.Z_SYNC_FLUSH))


def _brotli(library: Any) -> StreamCompressor:
    inner = library.Compressor(quality=_BROTLI_QUALITY)
    return _Applied(inner.process, inner.finish, inner.flush)


def _zstd(library: Any) -> StreamCompressor:
    inner = library.ZstdCompressor()
    return _Applied(inner.compress, inner.flush, lambda: inner.flush(inner.FLUSH_BLOCK))


_LIBRARIES: Final = {"br": brotli_library, "zstd": zstd_library}


def can_compress(coding: str) -> bool:
    """Whether ``coding`` can be applied here: gzip and deflate always, br and zstd with their libraries."""
    find = _LIBRARIES.get(coding)
    return coding in ("gzip", "deflate") if find is None else find() is not None


def make_compressor(coding: str, strategy: int | None = None) -> StreamCompressor:
    """A new compressor for ``coding``: gzip, deflate, br or zstd; ValueError for what can't be applied here.

    ``strategy`` is zlib's, for the first two.
    """
    if coding in ("gzip", "deflate"):
        return _zlib(31 if coding == "gzip" else 15, strategy)
    if coding == "br" and (library := brotli_library()):
        return _brotli(library)
    if coding == "zstd" and (library := zstd_library()):
        return _zstd(library)
    raise ValueError(f"content coding: expected gzip, deflate, br or zstd with its library, got {coding!r}")
