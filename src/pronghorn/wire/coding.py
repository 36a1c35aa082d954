"""Content codings (RFC 9110 section 8.4), decoded a bounded step at a time.

A few kilobytes can inflate to gigabytes. So a decoder is never told "decode this":
it is asked for at most so many bytes, keeps what it has not looked at, and says
when it wants more input. Who asks decides how much exists at once.
"""

import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, Final, Protocol, final

from .errors import ProtocolError
from .fields import list_members
from .limits import DEFAULT_DECODE_LIMITS, DecodeLimits

#: The most that one step gives out, in bytes.
STEP: Final = 256 * 1024
#: Input that is looked at in one step: little behind the end of a member, since what follows one is copied.
_SMALL_WINDOW: Final = 1024
_LARGE_WINDOW: Final = 64 * 1024
#: brotli's own buffers double: asked for 128 KiB, it gives up to 224.
_BROTLI_STEP: Final = 128 * 1024
#: RFC 9659 section 3: a zstd window above 8 MiB need not be supported.
_ZSTD_WINDOW_LOG: Final = 23


class Decoder(Protocol):
    """One content coding, or several, being undone."""

    def decode(self, data: bytes) -> bytes:
        """Take ``data`` in and give at most STEP bytes out; ProtocolError if it is malformed."""

    @property
    def has_more(self) -> bool:
        """More output can be had with ``decode(b"")``, before new input is given."""

    def finish(self) -> None:
        """The input is over; ProtocolError if the coded data was not."""


class _Members(ABC):
    """Input that consists of members, one behind the other, each for a decompressor of its own."""

    __slots__ = (
        "_at",
        "_inflate",
        "_input",
        "_is_started",
        "_limits",
        "_members",
        "_name",
        "_produced",
        "_window",
        "has_more",
    )

    def __init__(self, name: str, limits: DecodeLimits, inflate: Any) -> None:
        self._name = name
        #: The decompressor of the member that is being read.
        self._inflate = inflate
        self._is_started = False
        self._limits = limits
        self._input = b""
        self._at = 0
        self._window = _LARGE_WINDOW
        self._members = 0
        self._produced = 0
        self.has_more = False

    def decode(self, data: bytes) -> bytes:
        if data:
            self._input = self._input[self._at :] + data if self._at < len(self._input) else data
            self._at = 0
        elif not self.has_more:
            return b""
        # One window a step: what it gives is out before the next one may turn out to be malformed.
        output = self._inflate_window()
        self._produced += len(output)
        return output

    def finish(self) -> None:
        if self._is_started and not self._inflate.eof:
            raise ProtocolError("content coding: the data ended before its coding did")

    @abstractmethod
    def _inflate_window(self) -> bytes: ...

    def _take_window(self) -> bytes:
        start, self._at = self._at, min(self._at + self._window, len(self._input))
        return self._input[start : self._at]

    def _malformed(self) -> ProtocolError:
        return ProtocolError(f"content coding: malformed {self._name} data")

    def _count_member(self) -> None:
        self._members += 1
        self._window = _SMALL_WINDOW
        # Each costs as much as kilobytes of content: many that hold next to nothing are an attack.
        free = self._limits.members
        if self._members > free and self._members > self._produced // 1024:
            raise ProtocolError(
                f"content coding: more than {free} members of {self._name} with next to nothing"
            )


@final
class ZlibDecoder(_Members):
    """gzip with any number of members (RFC 1952 section 2.2), and deflate.

    "deflate" means the zlib format (RFC 9110 section 8.4.1.2), but some servers send
    the raw one; the first byte tells them apart.
    """

    __slots__ = ("_is_gzip",)

    def __init__(self, coding: str, limits: DecodeLimits = DEFAULT_DECODE_LIMITS) -> None:
        self._is_gzip = coding == "gzip"
        super().__init__(coding, limits, zlib.decompressobj(wbits=31 if self._is_gzip else 15))

    def _inflate_window(self) -> bytes:
        window = self._take_window()
        if self._inflate.eof or not self._is_started:
            window = self._begin(window)
            if not window:
                self.has_more = self._at < len(self._input)
                return b""
        try:
            output: bytes = self._inflate.decompress(window, STEP)
        except zlib.error as error:
            raise self._malformed() from error
        self._at -= len(self._inflate.unconsumed_tail or self._inflate.unused_data)
        if self._window < _LARGE_WINDOW:
            self._window *= 2
        # A full step may have left output inside zlib even when it took all of its input.
        self.has_more = len(output) == STEP or self._at < len(self._input)
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
            self._count_member()
            self._inflate = zlib.decompressobj(wbits=31)
        return window


@final
class ZstdDecoder(_Members):
    """zstd with any number of frames (RFC 8878 section 3)."""

    __slots__ = ("_library",)

    def __init__(self, library: Any, limits: DecodeLimits = DEFAULT_DECODE_LIMITS) -> None:
        self._library = library
        super().__init__("zstd", limits, self._make())

    def _make(self) -> Any:
        largest = self._library.DecompressionParameter.window_log_max
        return self._library.ZstdDecompressor(options={largest: _ZSTD_WINDOW_LOG})

    def _inflate_window(self) -> bytes:
        self._is_started = True
        if self._inflate.eof:
            self._count_member()
            self._inflate = self._make()
        window = self._take_window() if self._inflate.needs_input else b""
        try:
            output: bytes = self._inflate.decompress(window, STEP)
        except self._library.ZstdError as error:
            raise self._malformed() from error
        if self._inflate.eof:
            self._at -= len(self._inflate.unused_data)
        elif self._window < _LARGE_WINDOW:
            self._window *= 2
        is_waiting = self._inflate.eof or self._inflate.needs_input
        self.has_more = not is_waiting or self._at < len(self._input)
        return output


@final
class BrotliDecoder:
    """br (RFC 7932)."""

    __slots__ = ("_inflate", "_is_started", "_library", "has_more")

    def __init__(self, library: Any) -> None:
        self._library = library
        self._inflate = library.Decompressor()
        self._is_started = False
        self.has_more = False

    def decode(self, data: bytes) -> bytes:
        if not data and not self.has_more:
            return b""
        self._is_started = True
        if data and self._inflate.is_finished():
            raise ProtocolError("content coding: bytes after the end of the br data")
        try:
            output: bytes = self._inflate.process(data, output_buffer_limit=_BROTLI_STEP)
        except self._library.error as error:
            raise ProtocolError("content coding: malformed br data") from error
        # It may have taken all of its input and still hold output: only one that gives none has no more.
        is_waiting = not output and self._inflate.can_accept_more_data()
        self.has_more = not is_waiting and not self._inflate.is_finished()
        return output

    def finish(self) -> None:
        if self._is_started and not self._inflate.is_finished():
            raise ProtocolError("content coding: the data ended before its coding did")


@final
class ContentDecoder:
    """All codings of a message, undone in turn, with an eye on what comes out of how little."""

    __slots__ = ("_limits", "_produced", "_stages", "_taken")

    def __init__(self, stages: list[Decoder], limits: DecodeLimits) -> None:
        #: In the order in which they are undone.
        self._stages = stages
        self._limits = limits
        self._taken = 0
        self._produced = 0

    @property
    def has_more(self) -> bool:
        return any(stage.has_more for stage in self._stages)

    def decode(self, data: bytes) -> bytes:
        self._taken += len(data)
        stages = self._stages
        # What a later stage holds comes before what an earlier one has, so that each holds one step at most.
        first = next((place for place in reversed(range(len(stages))) if stages[place].has_more), 0)
        output = data
        for stage in stages[first:]:
            output = stage.decode(output)
            if not output:
                return b""
        self._produced += len(output)
        if self._produced > self._limits.free:
            self._check()
        return output

    def _check(self) -> None:
        limits = self._limits
        if limits.size is not None and self._produced > limits.size:
            raise ProtocolError(f"content coding: more than {limits.size} bytes when decoded", 413)
        if self._produced > limits.ratio * self._taken:
            raise ProtocolError(
                f"content coding: more than {limits.ratio} times as many bytes decoded as received", 413
            )

    def finish(self) -> None:
        for stage in self._stages:
            stage.finish()


@final
class _Refusal:
    """What decodes nothing."""

    __slots__ = ("_reason", "has_more")

    def __init__(self, reason: str) -> None:
        self._reason = reason
        self.has_more = False

    def decode(self, data: bytes) -> bytes:
        if data:
            raise ProtocolError(self._reason)
        return b""

    def finish(self) -> None:
        pass


@cache
def brotli_library() -> Any:
    """The library for br, None if there is none that gives its output in bounded steps."""
    for name in ("brotli", "brotlicffi"):
        try:
            library = import_module(name)
        except ImportError:
            continue
        if hasattr(library.Decompressor, "can_accept_more_data"):
            return library
    return None


@cache
def zstd_library() -> Any:
    """The library for zstd, None if there is none."""
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return import_module(name)
        except ImportError:
            continue
    return None


_IS_OFFERED: Final = {"br": brotli_library, "zstd": zstd_library}


@cache
def accepted_codings() -> str:
    """What can be decoded here, as the value of an Accept-Encoding field."""
    return ", ".join(("gzip", "deflate", *(name for name, library in _IS_OFFERED.items() if library())))


def decoder_of(fields: Mapping[str, str], limits: DecodeLimits | None) -> Decoder | None:
    """A new decoder for the content of a message; None if it is not coded, or there are no ``limits``."""
    coding = None if limits is None else fields.get("Content-Encoding")
    return None if limits is None or coding is None else decoder_for(coding, limits)


def content_codings(coding: str) -> list[str]:
    """The codings that the value of a Content-Encoding field names, as they were applied."""
    return [name for name in list_members(coding) if name != "identity"]


def decoder_for(coding: str, limits: DecodeLimits = DEFAULT_DECODE_LIMITS) -> Decoder | None:
    """A new decoder for the value of a Content-Encoding field; None if it names one that can't be undone."""
    names = content_codings(coding)
    if len(names) > limits.codings:
        return _Refusal(f"content coding: at most {limits.codings} codings, got {len(names)}")
    stages: list[Decoder] = []
    for name in reversed(names):
        if name in ("gzip", "x-gzip", "deflate"):
            stages.append(ZlibDecoder(name.removeprefix("x-"), limits))
        elif name == "br" and (library := brotli_library()):
            stages.append(BrotliDecoder(library))
        elif name == "zstd" and (library := zstd_library()):
            stages.append(ZstdDecoder(library, limits))
        else:
            return None
    return ContentDecoder(stages, limits) if stages else None
