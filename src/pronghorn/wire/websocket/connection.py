"""A WebSocket connection as a state machine, for both roles (RFC 6455 sections 5 to 7).

Frames in, messages out; messages in, frames out. The two directions meet only in the close frames: each end
sends one, behind which it sends nothing more, and what the peer sends behind its own is not looked at.

    reading   OPEN -> (a close frame, an error, the end of the connection) -> over
    writing   OPEN -> (a close frame) -> over

What is owed to the peer, a pong and a close frame, is built when it is asked for: when it may be sent is
known to whoever sends. Reading goes in steps: one read may hold thousands of messages, or inflate to
gigabytes, and whoever gets them may want no more than the first.
"""

from typing import Final, TypeAlias, final

from ..roles import Role
from .assembly import Assembly, not_utf8
from .deflate import PerMessageDeflate
from .frame import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FIN,
    MASKED,
    RSV1,
    SHORT,
    TEXT,
    FrameHeader,
    parse_close,
    parse_header,
    violation,
)
from .limits import DEFAULT_WEBSOCKET_LIMITS, WebSocketLimits
from .mask import Octets, mask, mask_in_place
from .messages import WebSocketError, WSCloseCode, WSMessage, WSMessageTextBytes, WSMsgType
from .writing import WritingHalf

__all__ = ["WebSocketConnection", "WebSocketEvent"]

#: What a machine reports, in the order in which it came; an ERROR or a CLOSE is the last.
WebSocketEvent: TypeAlias = WSMessage | WSMessageTextBytes

_WHOLE_TEXT: Final = FIN | TEXT
_WHOLE_BINARY: Final = FIN | BINARY
_TYPE_TEXT: Final = WSMsgType.TEXT
_TYPE_BINARY: Final = WSMsgType.BINARY
_WHOLE: Final = frozenset({_WHOLE_TEXT, _WHOLE_BINARY})
_WHOLE_OR_COMPRESSED: Final = _WHOLE | {RSV1 | _WHOLE_TEXT, RSV1 | _WHOLE_BINARY}
#: A length that no read has: `_read_frame` finds out what it is.
_ANY: Final = 1 << 64
#: What one step reads, to the end of the frame that reaches it: short messages are larger when they are told.
_STEP: Final = 32 * 1024
#: What is fed at the end of a large frame: while an event loop has a view of it, it would have to be copied.
_FED: Final = 1024
#: What it inflates, to the end of the message that reaches it.
_INFLATED_STEP: Final = 256 * 1024
#: What `WSMessage(...)` does, without the call of Python in between.
_make: Final = tuple.__new__


@final
class WebSocketConnection(WritingHalf):
    """Bytes in, messages out; a message in, bytes out. Nothing here waits or does I/O."""

    __slots__ = (
        "_assembly",
        "_data",
        "_decode_text",
        "_has_ended",
        "_header_size",
        "_inflated",
        "_is_final",
        "_is_over",
        "_key",
        "_limits",
        "_mask_bit",
        "_position",
        "_remaining",
        "_whole",
        "_longest",
        "_longest_alone",
        "close_received",
        "error",
        "has_more",
    )

    def __init__(
        self,
        role: Role,
        limits: WebSocketLimits = DEFAULT_WEBSOCKET_LIMITS,
        *,
        deflate: PerMessageDeflate | None = None,
        decode_text: bool = True,
    ) -> None:
        super().__init__(role, deflate)
        self._limits = limits
        self._decode_text = decode_text
        # One of the two ends masks (section 5.1).
        self._mask_bit = 0 if role.masks_frames else MASKED
        self._header_size = 2 if role.masks_frames else 6
        #: The longest payload that is read without a look at the limits.
        self._longest = 0xFFFF if limits.message is None else min(0xFFFF, limits.message)
        #: The longest read that may be a message whose length is in one octet.
        self._longest_alone = self._header_size + min(SHORT, self._longest)
        #: How a frame begins that is a message.
        self._whole = _WHOLE if deflate is None else _WHOLE_OR_COMPRESSED
        #: What has come; from the position on it was not looked at.
        self._data = b""
        self._position = 0
        #: The message that has begun.
        self._assembly: Assembly | None = None
        # The frame whose payload is being read.
        self._remaining = 0
        self._key = b""
        self._is_final = True
        #: Bytes that were inflated since a step ended for it.
        self._inflated = 0
        self._is_over = False
        #: The peer has closed, and not all that it has sent was read.
        self._has_ended = False
        #: The step has ended before the data did: `resume` goes on.
        self.has_more = False
        #: The close frame of the peer.
        self.close_received: WSMessage | None = None
        #: What the peer did wrong.
        self.error: WebSocketError | None = None

    def feed(self, data: bytes) -> list[WebSocketEvent]:
        """Take one read in; return what it completed, as far as one step goes.

        TEXT and BINARY are whole messages; PING, PONG and CLOSE may come between the frames of one. If the
        peer breaks the protocol, the last event is an ERROR: its ``data`` is a `WebSocketError`, whose code
        is what the connection is to be closed with. After an ERROR or a CLOSE nothing more is told.
        """
        if self._is_over:
            return []
        size = len(data)
        start = self._header_size
        if self._data:
            data = self._data[self._position :] + data
            self._position = 0
        elif start <= size <= self._longest_alone and data[1] ^ self._mask_bit == size - start:
            # Most reads are one short message, and nothing else; `resume` does the same with any.
            first = data[0]
            if first in _WHOLE and self._assembly is None:
                payload = mask(data[start:], data[2:start]) if self._mask_bit else data[start:]
                try:
                    return [self._message_of(first, payload)]
                except UnicodeDecodeError:
                    pass  # told there
        self._data = data
        return self.resume()

    def resume(self) -> list[WebSocketEvent]:
        """Go on with what has come, one step; it may have nothing to tell and still `has_more`."""
        events: list[WebSocketEvent] = []
        data, position = self._data, self._position
        mask_bit, header_size, longest = self._mask_bit, self._header_size, self._longest
        whole = self._whole
        size = len(data)
        has_more = False
        try:
            if self._remaining and self._assembly is not None:
                position = self._read_payload(self._assembly, position, events)
            # Not to the last octet: it alone is no frame.
            end = size - 1 if size - position <= _STEP else position + _STEP
            while position < end:
                # Nearly all frames, at once: those that are a message. `_read_frame` does the same with any.
                first = data[position]
                length = data[position + 1] ^ mask_bit
                start = position + header_size
                if length > SHORT:
                    start += 2
                    is_middle = length == 126 and size >= start
                    length = data[position + 2] << 8 | data[position + 3] if is_middle else 0
                    if length <= SHORT:
                        length = _ANY
                stop = start + length
                if stop > size or length > longest or first not in whole or self._assembly is not None:
                    stop = self._read_frame(position, events)
                    if stop == position or self._is_over:
                        break
                    position = stop
                    end = self._end_of_step(position, end)
                    continue
                position = stop
                payload = data[start:stop]
                if mask_bit:
                    payload = mask(payload, data[start - 4 : start])
                if first in _WHOLE:
                    events.append(self._message_of(first, payload))
                else:
                    self._read_compressed(first, payload, events)
                    end = self._end_of_step(position, end)
            else:
                has_more = position < size - 1
        except WebSocketError as error:
            self._fail(error, events)
        except UnicodeDecodeError:
            self._fail(not_utf8(), events)
        self.has_more = has_more
        if has_more:
            self._position = position
        elif not self._is_over:
            self._data = data[position:]  # nothing more of this read is kept alive
            self._position = 0
            if self._has_ended:
                events += self.feed_eof()
        return events

    def room(self) -> memoryview | None:
        """Where what comes next may be read into, instead of being fed; None where it may not.

        It is memory for nearly all that is left of a large frame. `fill` tells how much came; what is fed all
        the same goes there, too.
        """
        assembly = self._assembly
        if self._remaining <= _FED or assembly is None:
            return None
        room = assembly.room(self._remaining)
        return None if room is None else room[:-_FED]

    def fill(self, size: int) -> None:
        """Take in that ``size`` bytes were read into the room; they complete nothing."""
        assembly, room = self._assembly, self.room()
        if assembly is not None and room is not None:
            self._settle(assembly, room[:size])
            self._remaining -= size

    def feed_eof(self) -> list[WebSocketEvent]:
        """Take in that the peer sends no more: an ERROR (1006) unless it has closed or failed before.

        If there `has_more`, that comes first, and `resume` tells the ERROR.
        """
        events: list[WebSocketEvent] = []
        self._has_ended = True
        if not (self._is_over or self.has_more):
            message = "the connection ended without a close frame"
            self._fail(WebSocketError(WSCloseCode.ABNORMAL_CLOSURE, message), events)
        return events

    def _fail(self, error: WebSocketError, events: list[WebSocketEvent]) -> None:
        self.error = error
        self._end_reading()
        events.append(WSMessage(WSMsgType.ERROR, error, None))

    def _end_reading(self) -> None:
        self._is_over = True
        self._assembly = None
        self._data = b""
        self._position = 0

    def _read_frame(self, position: int, events: list[WebSocketEvent]) -> int:
        """Read the frame at ``position``, or what there is of its payload; return where that ends.

        That is at ``position`` if it has to wait for more: for its header, or for a control frame's payload,
        so that never more than a short frame is kept.
        """
        data = self._data
        header = parse_header(data, position, self._mask_bit != 0)
        if header is None:
            return position
        if header.opcode <= BINARY:
            return self._read_payload(self._begin_frame(header), header.end, events)
        end = header.end + header.length
        if end > len(data):
            return position
        payload = data[header.end : end]
        if header.key:
            payload = mask(payload, header.key)
        if header.opcode == CLOSE:
            self.close_received = WSMessage(WSMsgType.CLOSE, *parse_close(payload))
            events.append(self.close_received)
            self._end_reading()
        else:
            events.append(WSMessage(WSMsgType(header.opcode), payload, ""))
        return end

    def _message_of(self, first: int, payload: bytes) -> WebSocketEvent:
        """The message that is one frame, which is not compressed. UnicodeDecodeError for what is no text."""
        if first == _WHOLE_BINARY:
            return _make(WSMessage, (_TYPE_BINARY, payload, ""))
        if self._decode_text:
            return _make(WSMessage, (_TYPE_TEXT, payload.decode(), ""))
        return WSMessageTextBytes(_TYPE_TEXT, payload, "")

    def _begin_frame(self, header: FrameHeader) -> Assembly:
        """Check where a data frame stands, and how long it says it is, before any of its payload is read."""
        assembly, limits = self._assembly, self._limits
        if header.opcode == CONTINUATION:
            if assembly is None:
                raise violation("continuation: there is no message that it could go on with")
            if header.is_compressed:
                raise violation("continuation: RSV1 is set")  # RFC 7692 section 6.1
            assembly.frames += 1
            held = max(limits.fragments, assembly.size // limits.fragment)
            if assembly.frames > held:
                raise WebSocketError(
                    WSCloseCode.POLICY_VIOLATION, "message: too many fragments with next to nothing"
                )
        else:
            if assembly is not None:
                raise violation("message: expected the rest of the one before, got a new one")
            if header.is_compressed and self._deflate is None:
                raise violation("frame: RSV1 is set, and compression was not agreed to")
            assembly = self._assembly = self._assemble(header.opcode, header.is_compressed)
        assembly.expect(header.length)
        self._remaining, self._key, self._is_final = header.length, header.key, header.is_final
        return assembly

    def _read_payload(self, assembly: Assembly, position: int, events: list[WebSocketEvent]) -> int:
        """Read what there is of the payload of a data frame; return where it ends."""
        end = min(position + self._remaining, len(self._data))
        taken = end - position
        is_placed = self._place(assembly, position, end)
        self._remaining -= taken
        is_last = self._is_final and not self._remaining
        if not is_placed and (taken or is_last):
            piece: Octets = memoryview(self._data)[position:end]
            if key := self._key:
                piece = mask(piece, key)
                self._key = key[taken & 3 :] + key[: taken & 3]
            assembly.add(piece, is_last)
        if is_last:
            self._assembly = None
            self._finish(assembly, events)
        return end

    def _place(self, assembly: Assembly, position: int, end: int) -> bool:
        """Copy a piece of a payload to its place, if it has one."""
        taken = end - position
        room = assembly.room(self._remaining, taken)
        if room is None:
            return False
        room[:taken] = memoryview(self._data)[position:end]
        self._settle(assembly, room[:taken])
        return True

    def _settle(self, assembly: Assembly, piece: memoryview) -> None:
        """Take in a piece of a payload that is in its place, and masked."""
        size = len(piece)
        if key := self._key:
            mask_in_place(piece, key)
            self._key = key[size & 3 :] + key[: size & 3]
        assembly.fill(size)

    def _read_compressed(self, first: int, payload: bytes, events: list[WebSocketEvent]) -> None:
        """Read a compressed message that is one frame."""
        assembly = self._assemble(first & 0x0F, is_compressed=True)
        assembly.add(payload, is_last=True)
        self._finish(assembly, events)

    def _assemble(self, opcode: int, is_compressed: bool) -> Assembly:
        inflater = self._deflate.inflater if is_compressed and self._deflate is not None else None
        return Assembly(opcode, self._limits.message, inflater, self._decode_text)

    def _finish(self, assembly: Assembly, events: list[WebSocketEvent]) -> None:
        events.append(assembly.finish())
        if assembly.is_compressed:
            self._inflated += assembly.size

    def _end_of_step(self, position: int, end: int) -> int:
        """Where the step ends: here, if enough was inflated, else at ``end``."""
        if self._inflated < _INFLATED_STEP:
            return end
        self._inflated = 0
        return position
