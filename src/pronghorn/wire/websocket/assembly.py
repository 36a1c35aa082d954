"""A message that comes in pieces (RFC 6455 section 5.4).

A piece is a part of a frame or a whole one, unmasked. It is inflated, measured and checked when it comes and
not when the message is whole: what can't become one is refused at the piece that makes it so, and what is
held is never more than the message. One piece is a message as it stands; of several, small ones are put
together, since as objects they hold many times their content. A large frame of bytes is no pieces: what
comes of it is written where the message will be.
"""

from codecs import utf_8_decode
from io import BytesIO
from typing import Final, final

from .deflate import Inflater
from .frame import TEXT
from .mask import Octets
from .messages import WebSocketError, WSCloseCode, WSMessage, WSMessageTextBytes, WSMsgType

#: The most that one step inflates.
_STEP: Final = 256 * 1024
#: Pieces of text that are put together.
_SMALL_PIECES: Final = 1024
#: Pieces of bytes that are put together at the end, and what they may hold: it is there twice for a moment.
_MOST_PIECES: Final = 64
_MOST_AT_ONCE: Final = 4 * 1024 * 1024
#: From here on what is left of a frame is written into place, if enough of its message has come: what is held
#: is at most so many times that.
_LARGE: Final = 64 * 1024
_HELD_FOR_COME: Final = 8
#: What a compressed frame may have beyond twice the limit of the message.
_FLUSHES: Final = 1024


def too_big(limit: int) -> WebSocketError:
    """What is told of a message that is longer than ``limit``."""
    return WebSocketError(WSCloseCode.MESSAGE_TOO_BIG, f"message: longer than {limit} bytes")


def not_utf8() -> WebSocketError:
    """What is told of text that is none."""
    return WebSocketError(WSCloseCode.INVALID_TEXT, "text message: expected UTF-8")


@final
class _Text:
    __slots__ = ("_joined", "_pieces", "_rest")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        #: Those before it are not small.
        self._joined = 0
        #: The beginning of a character whose end is in the next piece.
        self._rest = b""

    def add(self, piece: Octets) -> None:
        if self._rest:
            piece = self._rest + piece
        try:
            text, used = utf_8_decode(piece, "strict", False)
        except UnicodeDecodeError as error:
            raise not_utf8() from error
        self._rest = rest = bytes(piece[used:])
        # Of a surrogate the decoder waits for the third octet: some error handlers let it pass.
        if rest[:1] == b"\xed" and rest[1:] >= b"\xa0":
            raise not_utf8()
        if not text:
            return
        pieces, joined = self._pieces, self._joined
        pieces.append(text)
        if len(pieces) - joined >= _SMALL_PIECES:
            pieces[joined:] = ["".join(pieces[joined:])]
            self._joined += 1

    def whole(self) -> str:
        if self._rest:
            raise not_utf8()
        return "".join(self._pieces)


@final
class _Bytes:
    __slots__ = ("_pieces", "_size", "_written")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        #: What was put together, when it was much, or many pieces.
        self._written: BytesIO | None = None

    def add(self, piece: Octets) -> None:
        if self._written is not None:
            self._written.write(piece)
            return
        # Put together at once, 1 MiB takes memory that was used before; what grows, new memory each time.
        pieces = self._pieces
        pieces.append(piece if type(piece) is bytes else bytes(piece))
        self._size += len(piece)
        if len(pieces) >= _MOST_PIECES or self._size > _MOST_AT_ONCE:
            self._written = BytesIO()
            self._written.writelines(pieces)
            pieces.clear()

    def whole(self) -> bytes:
        if self._written is not None:
            return self._written.getvalue()
        pieces = self._pieces
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


@final
class _Memory(BytesIO):
    """Bytes to be written into, and given as they are when nobody has a view of them."""

    def close(self) -> None:
        """Nothing: the collector would close that of a message that was given up before the views of it."""


@final
class _Placed:
    """A frame of bytes, and what came of its message before it, in the memory that the message will have.

    Memory is what costs: to have the system give a page takes as long as to copy ten.
    """

    __slots__ = ("_memory", "_size")

    def __init__(self, before: bytes, size: int) -> None:
        self._memory = _Memory(bytes(len(before) + size))
        with self._memory.getbuffer() as view:
            view[: len(before)] = before
        self._size = len(before)

    def room(self) -> memoryview:
        # No view of it is kept: without one the memory is given as it is, and a message that is given up
        # leaves none that outlives it.
        return self._memory.getbuffer()[self._size :]

    def fill(self, size: int) -> None:
        self._size += size

    def whole(self) -> bytes:
        return self._memory.getvalue()


@final
class Assembly:
    """A message that is not whole yet."""

    __slots__ = ("_content", "_inflater", "_limit", "_opcode", "_placed", "frames", "size")

    def __init__(self, opcode: int, limit: int | None, inflater: Inflater | None, decode_text: bool) -> None:
        self._opcode = opcode
        self._limit = limit
        self._inflater = inflater
        self._content = _Text() if opcode == TEXT and decode_text else _Bytes()
        #: Holds what the content has held, if there is one.
        self._placed: _Placed | None = None
        #: Bytes of it that are here, decoded.
        self.size = 0
        #: Frames that it has come in, with the one that is being read.
        self.frames = 1

    @property
    def is_compressed(self) -> bool:
        """Its payload is compressed."""
        return self._inflater is not None

    def expect(self, length: int) -> None:
        """Take in that a frame of it has ``length`` bytes. WebSocketError (1009) if that is too long."""
        if self._placed is not None:  # by the frame before
            self._content.add(self._placed.whole())
            self._placed = None
        limit = self._limit
        if limit is None:
            return
        # DEFLATE adds an eighth at the very worst, and empty blocks where it is flushed.
        most = limit - self.size if self._inflater is None else 2 * limit + _FLUSHES
        if length > most:
            raise too_big(limit)

    def add(self, piece: Octets, is_last: bool = False) -> None:
        """Take a piece in. WebSocketError if it is too long (1009), malformed (1002) or not UTF-8 (1007)."""
        inflater, limit = self._inflater, self._limit
        if inflater is None:
            self._add(piece)
            return
        while True:
            # One more than there may be, so that it shows.
            most = _STEP if limit is None else min(_STEP, limit - self.size + 1)
            output = inflater.inflate(piece, most, is_last)
            if output:
                self._add(output)
            if not inflater.has_more:
                break
            piece, is_last = b"", False

    def room(self, rest: int, come: int = 0) -> memoryview | None:
        """Where the ``rest`` of a frame is to be written, of which ``come`` bytes are here; None if it isn't.

        What is written there is told by `fill`, and everything else is added.
        """
        placed, content = self._placed, self._content
        if placed is None:
            most = _HELD_FOR_COME * (self.size + come) - self.size
            if not _LARGE <= rest <= most or come == rest or type(content) is _Text or self.is_compressed:
                return None
            self._placed = placed = _Placed(content.whole(), rest)
            self._content = _Bytes()
        return placed.room()

    def fill(self, size: int) -> None:
        """Take in that ``size`` bytes, unmasked, were written where `room` says."""
        self.size += size
        if self._placed is not None:
            self._placed.fill(size)

    def finish(self) -> WSMessage | WSMessageTextBytes:
        """The message, whose last piece was added. WebSocketError (1007) if its text ends too soon."""
        if self._inflater is not None:
            self._inflater.end()
        data = (self._placed or self._content).whole()
        if self._opcode != TEXT:
            return WSMessage(WSMsgType.BINARY, data, "")
        if isinstance(data, str):
            return WSMessage(WSMsgType.TEXT, data, "")
        return WSMessageTextBytes(WSMsgType.TEXT, data, "")

    def _add(self, piece: Octets) -> None:
        self.size += len(piece)
        if self._limit is not None and self.size > self._limit:
            raise too_big(self._limit)
        self._content.add(piece)
