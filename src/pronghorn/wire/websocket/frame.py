"""Frames (RFC 6455 section 5.2), read and written.

    frame  = FIN RSV1 RSV2 RSV3 opcode(4)  MASK length(7)  [length(16 or 64)]  [key(32)]  payload

A frame says how long it is before anything of it has come, and who sends is held to the shortest way of
saying it. Control frames are short and whole, so that they fit between the frames of a message.

What a server sends is not masked: a frame that was serialised once can be written to any number of clients.
"""

from struct import Struct
from typing import Final, NamedTuple

from .mask import Octets, mask
from .messages import WebSocketError, WSCloseCode, WSMsgType

CONTINUATION: Final = int(WSMsgType.CONTINUATION)
TEXT: Final = int(WSMsgType.TEXT)
BINARY: Final = int(WSMsgType.BINARY)
CLOSE: Final = int(WSMsgType.CLOSE)
PING: Final = int(WSMsgType.PING)
PONG: Final = int(WSMsgType.PONG)

FIN: Final = 0x80
RSV1: Final = 0x40
_RSV2_RSV3: Final = 0x30
MASKED: Final = 0x80
_CONTROL: Final = 0x08
#: Of a control frame, and of lengths that need no more octets (section 5.5).
SHORT: Final = 125

_OPCODES: Final = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})


def _short_headers(mask_bit: int) -> dict[int, tuple[bytes, ...]]:
    firsts = (FIN | TEXT, FIN | BINARY, FIN | RSV1 | TEXT, FIN | RSV1 | BINARY)
    return {
        first: tuple(bytes((first, mask_bit | length)) for length in range(SHORT + 1)) for first in firsts
    }


#: Headers of short messages, without a key, by their first octet and then by length.
UNMASKED_SHORT: Final = _short_headers(0)
MASKED_SHORT: Final = _short_headers(MASKED)
_pack_2: Final = Struct("!BBH").pack
_pack_8: Final = Struct("!BBQ").pack


class FrameHeader(NamedTuple):
    """What stands before a payload."""

    opcode: int
    is_final: bool
    #: RSV1: the message that begins here is compressed (RFC 7692 section 6).
    is_compressed: bool
    length: int
    #: b"" if the payload is not masked.
    key: bytes
    #: Where the payload begins, in the data that the header was read from.
    end: int


def violation(what: str) -> WebSocketError:
    """What a breach of the protocol is told as."""
    return WebSocketError(WSCloseCode.PROTOCOL_ERROR, what)


def parse_header(data: bytes, position: int, is_masked: bool) -> FrameHeader | None:
    """The header that begins at ``position``; None if it isn't whole yet.

    ``is_masked`` is what it has to be, by who has sent it. WebSocketError (1002) for what can't be one.
    """
    have = len(data) - position
    if have < 2:
        return None
    first, second = data[position], data[position + 1]
    opcode, length = first & 0x0F, second & 0x7F
    _check_bits(first, opcode, length)
    if (second >= MASKED) is not is_masked:
        expected = "masked" if is_masked else "not masked"  # sections 5.1 and 5.3
        raise violation(f"frame: expected it to be {expected}")
    end = 2
    if length > SHORT:
        size = 2 if length == 126 else 8
        end += size
        if have < end:
            return None
        length = int.from_bytes(data[position + 2 : position + end], "big")
        if length <= (SHORT if size == 2 else 0xFFFF):
            raise violation(f"frame length: {length} in more octets than it needs")
        if length >> 63:
            raise violation("frame length: 2**63 or more")
    if is_masked:
        end += 4
        if have < end:
            return None
    key = data[position + end - 4 : position + end] if is_masked else b""
    return FrameHeader(opcode, first >= FIN, first & RSV1 != 0, length, key, position + end)


def _check_bits(first: int, opcode: int, length: int) -> None:
    if first & _RSV2_RSV3:
        raise violation("frame: RSV2 or RSV3 is set, and no extension was agreed that does")
    if opcode not in _OPCODES:
        raise violation(f"frame: unknown opcode {opcode:#x}")
    if opcode & _CONTROL:
        if first < FIN:
            raise violation("control frame: expected it to be whole, got a fragment")
        if length > SHORT:
            raise violation(f"control frame: longer than {SHORT} bytes")
        if first & RSV1:
            raise violation("control frame: RSV1 is set")


def format_header(first: int, length: int, key: bytes = b"") -> bytes:
    """The header of a payload of ``length`` bytes; ``first`` is its first octet: FIN, RSV1 and the opcode."""
    masked = MASKED if key else 0
    if length <= SHORT:
        return bytes((first, masked | length)) + key
    if length <= 0xFFFF:
        return _pack_2(first, masked | 126, length) + key
    return _pack_8(first, masked | 127, length) + key


def serialise(first: int, payload: Octets, key: bytes = b"") -> bytes:
    """One frame; ``first`` is its first octet: FIN, RSV1 and the opcode. Masked if there is a ``key``."""
    return format_header(first, len(payload), key) + (mask(payload, key) if key else payload)


# Close frames (sections 5.5.1 and 7.4)

#: The code of a close frame without one (section 7.1.5).
NO_CODE: Final = 1005
_REASON_SIZE: Final = SHORT - 2


def is_close_code(code: int) -> bool:
    """Whether a close frame may carry ``code``.

    1004 means nothing, 1005, 1006 and 1015 stand for what is in no frame, and 3000 to 4999 are for everybody
    (section 7.4.2); the others up to 1014 are registered, by later documents too.
    """
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999


def parse_close(payload: bytes) -> tuple[int, str]:
    """The code and the reason of a close frame, `NO_CODE` and "" if it is empty.

    WebSocketError for one byte, for a code that no frame may carry (1002), and for a reason that is not
    UTF-8 (1007).
    """
    if not payload:
        return NO_CODE, ""
    if len(payload) == 1:
        raise violation("close frame: expected a code of two bytes, got one")
    code = int.from_bytes(payload[:2], "big")
    if not is_close_code(code):
        raise violation(f"close frame: {code} is no code of a frame")
    try:
        reason = payload[2:].decode()
    except UnicodeDecodeError as error:
        raise WebSocketError(WSCloseCode.INVALID_TEXT, "close frame: the reason is not UTF-8") from error
    try:
        return WSCloseCode(code), reason
    except ValueError:
        return code, reason


def format_close(code: int | None, reason: str | bytes = "") -> bytes:
    """The payload of a close frame; without a ``code`` it is empty.

    ValueError for a code that no frame may carry, and for a reason that is not UTF-8, is longer than 123
    bytes or stands without a code.
    """
    text = reason.encode() if isinstance(reason, str) else bytes(reason)
    if code is None:
        if text:
            raise ValueError("close: a reason needs a code")
        return b""
    if not is_close_code(code):
        raise ValueError(f"close: expected 1000-1003, 1007-1014 or 3000-4999, got {code}")
    if len(text) > _REASON_SIZE:
        raise ValueError(f"close: expected a reason of at most {_REASON_SIZE} bytes, got {len(text)}")
    text.decode()
    return code.to_bytes(2, "big") + text
