"""Content codings of responses: which one a client gets, what the fields say of it, and how it is applied."""

import asyncio
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Final, final

from multidict import CIMultiDict, istr

from ..wire.accept import IDENTITY, choose_coding
from ..wire.compression import can_compress, make_compressor
from ..wire.fields import list_members

if TYPE_CHECKING:
    from concurrent.futures import Executor

#: Bytes that are compressed on the loop: 4 KiB are 50 to 100 us, and a hand-over to a thread is 110 us.
ON_LOOP: Final = 4096

#: What is offered, best first. For 64 KiB of JSON: zstd 0.3 ms, br 1.0, gzip 1.6, to a third of the size all
#: three. deflate is last: who sends it may mean either of two formats.
FOR_WHOLE: Final = ("zstd", "br", "gzip", "deflate")
#: A stream that stays open holds its compressor: 210 KiB of gzip, 930 of zstd, 1,350 of br.
FOR_LASTING: Final = ("gzip", "zstd", "br", "deflate")

_CONTENT_ENCODING: Final = istr("Content-Encoding")
_CONTENT_RANGE: Final = istr("Content-Range")
_ETAG: Final = istr("ETag")
_VARY: Final = istr("Vary")


class ContentCoding(Enum):
    """The content codings that can be applied, br and zstd where their libraries are."""

    deflate = "deflate"
    gzip = "gzip"
    br = "br"
    zstd = "zstd"
    identity = IDENTITY


def check_forced(coding: ContentCoding) -> None:
    """Raise ValueError for a coding that can't be applied here, TypeError for what is none."""
    if not isinstance(coding, ContentCoding):
        raise TypeError(f"force: expected a ContentCoding, got {coding!r}")
    if coding is not ContentCoding.identity and not can_compress(coding.value):
        raise ValueError(f"force: the library for {coding.value} is not installed")


def settle_coding(
    headers: CIMultiDict[str],
    status: int,
    accepted: str,
    *,
    forced: ContentCoding | None,
    preference: tuple[str, ...],
    has_content: bool,
) -> str:
    """Choose the content coding of a response, and have its ``headers`` say so; "identity" for none.

    ``accepted`` is what Accept-Encoding says, "" without one. What is coded already, and a part of a
    representation, is left as it is: ranges count the bytes of the coded one.
    """
    if _CONTENT_ENCODING in headers or _CONTENT_RANGE in headers or status == 206:
        return IDENTITY
    if forced is not None:
        coding = forced.value
    else:
        _add_vary(headers)
        coding = choose_coding(accepted, tuple(filter(can_compress, preference)))
    is_not_modified = status == 304
    if coding == IDENTITY or not (has_content or is_not_modified):
        return IDENTITY
    # RFC 9110 section 8.8.3.3: a strong tag names one sequence of bytes, and this is another. A weak one is
    # kept rather than none: it still answers If-None-Match, and can't stand behind a Range or an If-Range.
    # A 304 says what the 200 would have said (section 15.4.5).
    tag = headers.get(_ETAG)
    if tag is not None and tag.startswith('"'):
        headers[_ETAG] = f"W/{tag}"
    if is_not_modified:
        return IDENTITY
    headers[_CONTENT_ENCODING] = coding
    return coding


def _add_vary(headers: CIMultiDict[str]) -> None:
    given = headers.getall(_VARY, ())
    members = list(list_members(", ".join(given)))
    if "*" not in members and "accept-encoding" not in members:
        headers[_VARY] = ", ".join([*filter(None, given), "Accept-Encoding"])


@final
class Coder:
    """Applies a content coding to a body: small pieces on the loop, large ones on a thread, all in order."""

    __slots__ = ("_compressor", "_executor", "_held", "_is_broken", "_lock", "_on_loop")

    def __init__(
        self, coding: str, strategy: int | None, on_loop: int = ON_LOOP, executor: "Executor | None" = None
    ) -> None:
        self._compressor = make_compressor(coding, strategy)
        self._on_loop = on_loop
        self._executor = executor
        self._lock = asyncio.Lock()
        #: Bytes that were taken in since something came out: what is left to be done at the end.
        self._held = 0
        self._is_broken = False

    @property
    def is_busy(self) -> bool:
        """A thread is compressing: what is given now would come before what it was given."""
        return self._lock.locked()

    def take_now(self, data: bytes, *, is_synced: bool = False) -> bytes:
        """Compress ``data``; if ``is_synced``, all that was given so far can be read from what came out."""
        self._refuse_if_broken()
        coded = self._compressor.compress(data)
        if is_synced:
            coded += self._compressor.sync()
        self._held = 0 if coded else self._held + len(data)
        return coded

    async def take(self, data: bytes, *, is_synced: bool = False) -> bytes:
        """As `take_now`. Who is cancelled meanwhile has lost a piece: the body can't become whole.

        What is tried behind that raises ConnectionResetError.
        """
        if len(data) <= self._on_loop and not self.is_busy:
            return self.take_now(data, is_synced=is_synced)
        return await self._off_loop(partial(self.take_now, is_synced=is_synced), data)

    async def finish(self, data: bytes = b"") -> bytes:
        """Compress ``data`` and end the coded content."""
        if self._held + len(data) <= self._on_loop and not self.is_busy:
            return self.finish_now(data)
        return await self._off_loop(self.finish_now, data)

    def finish_now(self, data: bytes) -> bytes:
        """As `finish`, here and now."""
        self._refuse_if_broken()
        return self._compressor.compress(data) + self._compressor.flush()

    async def _off_loop(self, compress: Callable[[bytes], bytes], data: bytes) -> bytes:
        async with self._lock:
            try:
                return await asyncio.get_running_loop().run_in_executor(self._executor, compress, data)
            except BaseException:
                # The thread may go on for a while, and a compressor bears one at a time.
                self._is_broken = True
                raise

    def _refuse_if_broken(self) -> None:
        if self._is_broken:
            raise ConnectionResetError("a piece of the coded content is lost")
