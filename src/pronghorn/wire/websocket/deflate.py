"""Messages compressed by DEFLATE (RFC 7692 section 7.2), in both directions.

Each direction has a compressor at one end and a decompressor at the other. Their window may be kept from one
message to the next; then what was compressed has to be sent, all of it and in that order.

zlib has no raw compressor with a window of 8 bits. It is given 9 for 8, as node does: it never looks back
further than its window less 262 octets, which are 250, so that whoever has 256 can inflate it.
"""

import zlib
from typing import Any, Final, final

from ..roles import CLIENT, Role
from .deflate_offers import DEFAULT_DEFLATE, DeflateAgreement, DeflateOptions, Direction
from .frame import violation
from .mask import Octets

#: The end of a flush, which is left out on the wire (section 7.2.1).
TAIL: Final = b"\x00\x00\xff\xff"
_LEAST_BITS: Final = 9
#: Input that is looked at in one step: zlib copies what is left over.
_WINDOW: Final = 64 * 1024
#: Final blocks of a message that may have next to nothing before them: each costs a new decompressor.
_FINAL_BLOCKS: Final = 64


@final
class Deflater:
    """Compresses the messages of one direction."""

    __slots__ = ("_compress", "_direction", "_options")

    def __init__(self, direction: Direction, options: DeflateOptions) -> None:
        self._direction = direction
        self._options = options
        self._compress: Any = None

    def deflate(self, payload: Octets) -> bytes:
        """The payload of a whole message, compressed."""
        if not payload:
            return b"\0"  # section 7.2.3.6; that zlib flushes where there is nothing new is not promised
        options, direction = self._options, self._direction
        compress = self._compress
        if compress is None:
            bits = max(min(direction.window_bits, options.window_bits), _LEAST_BITS)
            compress = zlib.compressobj(options.level, zlib.DEFLATED, -bits, options.memory_level)
            if not direction.no_context_takeover:
                self._compress = compress
        compressed: bytes = compress.compress(payload) + compress.flush(zlib.Z_SYNC_FLUSH)
        return compressed[: -len(TAIL)]


@final
class Inflater:
    """Decompresses the messages of one direction, a bounded step at a time.

    For each message: `inflate` with each piece of it, each until it `has_more` no longer; then `end`. After
    an error it is of no use.
    """

    __slots__ = (
        "_at",
        "_direction",
        "_final_blocks",
        "_inflate",
        "_input",
        "_is_last",
        "_produced",
        "has_more",
    )

    def __init__(self, direction: Direction) -> None:
        self._direction = direction
        self._inflate: Any = None
        self._input: memoryview | None = None
        self._at = 0
        #: The input has the tail behind it.
        self._is_last = False
        #: More output can be had with ``inflate(b"", most)``.
        self.has_more = False
        # Of the message that is being read.
        self._final_blocks = 0
        self._produced = 0

    def inflate(self, data: Octets, most: int, is_last: bool = False) -> bytes:
        """Take ``data`` in, the last of a message or not; give at most ``most`` bytes out, 1 or more.

        WebSocketError (1002) if the data is malformed.
        """
        if is_last and (data or self._inflate is not None or not self._final_blocks):
            data = b"".join((data, TAIL))
        if data:
            self._input = memoryview(data)
            self._at = 0
            self._is_last = is_last
        if self._input is None:
            return b""
        window = self._input[self._at : self._at + _WINDOW]
        inflate = self._inflate
        if inflate is None:
            self._inflate = inflate = zlib.decompressobj(-self._direction.window_bits)
        try:
            output: bytes = inflate.decompress(window, most)
        except zlib.error as error:
            raise violation("compressed message: malformed DEFLATE data") from error
        self._produced += len(output)
        self._at += len(window) - len(inflate.unconsumed_tail or inflate.unused_data)
        if inflate.eof:
            self._end_stream(self._input)
        is_taken = self._at >= len(self._input)
        # A full step may have left output inside zlib, even when it took all of its input.
        self.has_more = not is_taken or (len(output) == most and self._inflate is not None)
        if not self.has_more:
            self._input = None
        return output

    def _end_stream(self, data: memoryview) -> None:
        """A final block (section 7.2.3.4): its sender has begun anew, and so do we, without a window."""
        self._inflate = None
        self._final_blocks += 1
        if self._final_blocks > _FINAL_BLOCKS and self._final_blocks > self._produced // 1024:
            raise violation(
                f"compressed message: more than {_FINAL_BLOCKS} final blocks with next to nothing"
            )
        if self._is_last and len(data) - self._at == len(TAIL):
            self._at = len(data)  # nothing was flushed behind it, so nothing was left out

    def end(self) -> None:
        """The message is over."""
        self._final_blocks = self._produced = 0
        if self._direction.no_context_takeover:
            self._inflate = None


@final
class PerMessageDeflate:
    """What one end does to messages, once it was agreed to. Nothing is held before it is needed."""

    __slots__ = ("agreement", "deflater", "inflater", "threshold")

    def __init__(
        self, role: Role, agreement: DeflateAgreement, options: DeflateOptions = DEFAULT_DEFLATE
    ) -> None:
        ours, theirs = agreement.client, agreement.server
        if role is not CLIENT:
            ours, theirs = theirs, ours
        #: What was agreed.
        self.agreement = agreement
        self.deflater = Deflater(ours, options)
        self.inflater = Inflater(theirs)
        #: Messages of fewer bytes are better sent as they are.
        self.threshold = options.threshold
