"""A WebSocket on a channel, once its handshake is over.

It answers pings when they come, whether or not somebody receives; keeps what was received until somebody
does, and lets the peer wait when that is much; notices that the peer is dead; and closes, by both close
frames where that can be had, and in a bounded time in any case.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol, final

from ..wire.websocket.connection import WebSocketConnection, WebSocketEvent
from ..wire.websocket.frame import NO_CODE
from ..wire.websocket.messages import (
    WS_CLOSING_MESSAGE,
    WebSocketError,
    WSCloseCode,
    WSMessage,
    WSMsgType,
)
from .channel import Channel
from .payload_reader import read_in_place

#: Received bytes that wait for their reader: above, the transport is paused; below a quarter, it goes on.
HIGH_WATER: Final = 64 * 1024
#: What a message weighs besides its bytes.
_WEIGHT: Final = 128
#: Seconds that a close handshake may take.
CLOSE_TIMEOUT: Final = 10.0

_TEXT: Final = WSMsgType.TEXT
_BINARY: Final = WSMsgType.BINARY


class Side(Protocol):
    """What an endpoint asks of the end of HTTP that it came from."""

    def lose(self, error: Exception | None, /) -> None:
        """The connection is gone."""

    def unwritable(self) -> None:
        """The peer takes less than is written."""

    def writable(self) -> None:
        """It takes more again."""


@final
class Endpoint:
    """Owns a channel that has switched to WebSocket."""

    __slots__ = (
        "_asked",
        "_autoclose",
        "_autoping",
        "_close_timeout",
        "_ended",
        "_has_ended",
        "_has_peer_ended",
        "_heard_at",
        "_heartbeat",
        "_held",
        "_is_answering",
        "_is_pumping",
        "_is_server",
        "_loop",
        "_make_dead_error",
        "_owed_pong",
        "_side",
        "_timer",
        "_unsent",
        "channel",
        "close_code",
        "exception",
        "is_closed",
        "is_closing",
        "is_going_away",
        "is_over",
        "machine",
        "may_send",
        "queue",
        "waiter",
    )

    def __init__(
        self,
        channel: Channel,
        machine: WebSocketConnection,
        side: Side,
        *,
        is_server: bool,
        autoclose: bool = True,
        autoping: bool = True,
        heartbeat: float | None = None,
        close_timeout: float | None = CLOSE_TIMEOUT,
        make_dead_error: Callable[[str], Exception] = TimeoutError,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.channel = channel
        self.machine = machine
        self._side = side
        self._is_server = is_server
        self._autoclose = autoclose
        self._autoping = autoping
        self._heartbeat = heartbeat or None
        self._close_timeout = close_timeout
        self._make_dead_error = make_dead_error
        #: What came and was not received yet.
        self.queue: deque[WebSocketEvent] | None = None  # of 760 bytes, which nobody needs who is idle
        self._held = 0
        self._is_pumping = False
        #: Who receives has taken a message, and did not come back for more.
        self._is_answering = False
        #: Somebody receives.
        self.waiter: asyncio.Future[None] | None = None
        #: The data of the last ping that came while the peer did not read: older ones need no answer.
        self._owed_pong: bytes | None = None
        #: The code that the connection was closed with: the peer's, ours if the peer broke the protocol,
        #: 1005 if a close frame had none, 1006 if there was no close frame; None while it is open.
        self.close_code: int | None = None
        #: What went wrong.
        self.exception: BaseException | None = None
        #: Messages can be sent: neither has our close frame left nor is the connection gone.
        self.may_send = True
        #: All that will ever come is in the queue.
        self.is_over = False
        #: `close` was called, or the receiver was told that the connection is closed.
        self.is_closed = False
        #: The receiver was told of the peer's close frame, and it is the caller who has to answer.
        self.is_closing = False
        #: This end shuts down, and the receiver was told.
        self.is_going_away = False
        #: Closing waits for nothing more; set for those who wait for that.
        self._has_ended = False
        self._ended: asyncio.Event | None = None
        #: The peer has closed its sending side.
        self._has_peer_ended = False
        self._timer: asyncio.TimerHandle | None = None
        self._heard_at = 0.0
        #: How often the peer was given a chance since it was heard: by a ping, and by a last look.
        self._asked = 0
        #: Bytes that waited for the peer to read them at the last beat.
        self._unsent = 0

    def start(self, tail: bytes, *, has_ended: bool = False) -> None:
        """Take the channel over; ``tail`` is what came behind the handshake, ``has_ended`` if that is all."""
        channel = self.channel
        channel.machine, channel.owner = self.machine, self
        channel.resume_reading()
        if self._heartbeat is not None:
            self._heard_at = self._loop.time()
            self._set_timer(self._heartbeat, self._beat)
        if tail:
            channel.data_received(tail)
        if has_ended:
            channel.eof_received()

    # What the channel reports

    def connect(self) -> None:
        pass  # it was connected when it switched

    def receive(self, events: Sequence[WebSocketEvent]) -> None:
        if self._heartbeat is not None:
            self._heard_at = self._loop.time()
        queue = self.queue
        for event in events:
            kind = event[0]
            if kind is _TEXT or kind is _BINARY:
                if not (self.is_closed or self.is_over):
                    self._held += _weight(event)
                    if queue is None:
                        queue = self.queue = deque()
                    queue.append(event)
            else:
                self._take_other_in(event)
                queue = self.queue
        is_wanted = False
        if queue is not None and self.waiter is not None:
            self._wake()
            is_wanted = len(queue) == 1  # it is taken before the next read, however long it is
        if self.machine.has_more:
            self._pump()
        elif self._held > HIGH_WATER and not (is_wanted or self.is_over):
            self.channel.pause_reading()
        elif self.channel.is_reading_paused:
            self.channel.resume_reading()
        if not events:
            read_in_place(self.channel, self.machine)

    def fail(self, error: object) -> None:
        pass  # the machine reports what is wrong as an event

    def lose(self, error: Exception | None) -> None:
        self.may_send = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.close_code is None:
            self.close_code, self.exception = WSCloseCode.ABNORMAL_CLOSURE, error
        if self.is_closed or not self.machine.has_more:
            self._end_input()  # and else when that was taken in
        self._end()
        self._side.lose(error)

    def unwritable(self) -> None:
        self._side.unwritable()

    def writable(self) -> None:
        owed, self._owed_pong = self._owed_pong, None
        if owed is not None and self.may_send:
            self.channel.write(self.machine.pong(owed))
        self._side.writable()

    def outlives_eof(self) -> bool:
        # That of a connection in order: there may be answers to what came before its close frame.
        self._has_peer_ended = True
        transport = self.channel.transport
        return self.may_send and self.is_over and transport is not None and transport.can_write_eof()

    # What has come

    def _take_other_in(self, event: WebSocketEvent) -> None:
        """Anything but a message."""
        kind = event.type
        if kind is WSMsgType.CLOSE:
            self._take_close_in(event)
        elif kind is WSMsgType.ERROR:
            self._break_off(event.data)
        elif not self._autoping:
            self._queue(event)
        elif kind is WSMsgType.PING and self.channel.is_write_paused:
            self._owed_pong = event.data
        elif kind is WSMsgType.PING and self.may_send:
            self.channel.write(self.machine.pong(event.data))

    def _take_close_in(self, event: WebSocketEvent) -> None:
        self.close_code, self.exception = event.data, None
        self._queue(event)
        self._end_input()
        if self._autoclose or self.machine.close_sent:
            self._take_leave_soon()

    def _break_off(self, error: WebSocketError) -> None:
        """The peer broke the protocol: tell who receives, and it, and close."""
        self.exception, self.close_code = error, error.code
        if error.code == WSCloseCode.ABNORMAL_CLOSURE:
            # It has ended without a word. What was written may leave, but not for ever.
            self.may_send = False
            self._end_input()
            self._hang_up()
        else:
            self._queue(WSMessage(WSMsgType.ERROR, error, None))
            self._end_input()
            self._take_leave_soon()

    def _take_leave_soon(self) -> None:
        """Nothing more comes. What came before may have answers: who receives is waited for, a while."""
        if self.may_send and (self._is_answering or (self.queue is not None and len(self.queue) > 1)):
            self._set_timer(_RECEIVING_TIME, self._take_leave)
        else:
            self._take_leave()

    def _take_leave(self) -> None:
        """Answer the peer's close frame, or tell it what it did wrong, and end the connection."""
        if self.may_send:
            code, error = self.close_code, self.exception
            reason = error.message if isinstance(error, WebSocketError) else ""
            cut = reason.encode()[:_REASON].decode(errors="ignore")
            self._send_close(None if code == NO_CODE else code, cut)
        self._finish()

    def _queue(self, event: WebSocketEvent) -> None:
        if not (self.is_closed or self.is_over):
            self._held += _weight(event)
            if self.queue is None:
                self.queue = deque()
            self.queue.append(event)

    def _end_input(self) -> None:
        self.is_over = True
        self._wake()

    # Flow control

    def take(self) -> WebSocketEvent:
        """The message that was received first; IndexError if there is none."""
        queue = self.queue
        if queue is None:
            raise IndexError("take: nothing was received")
        event = queue.popleft()
        if queue:
            self._held -= _weight(event)
        else:
            self.queue = None
            self._held = 0
        kind = event[0]
        if kind is _TEXT or kind is _BINARY:
            self._is_answering = True
        elif kind is WSMsgType.CLOSE:
            self.is_closing = True
            if self._autoclose:
                self.is_closed = True
                self._take_leave()
        elif kind is WSMsgType.ERROR:
            self.is_closed = True
            self._take_leave()
        if self._held <= HIGH_WATER // 4 and self.channel.is_reading_paused:
            self._pump()
        return event

    def _pump(self) -> None:
        """Go on with what was read, a step a turn of the loop, and then read on."""
        if not self._is_pumping:
            self._is_pumping = True
            if self.machine.has_more:
                self.channel.pause_reading()
            self._loop.call_soon(self._pump_step)

    def _pump_step(self) -> None:
        self._is_pumping = False
        if self.is_over or (self._held > HIGH_WATER and not self.is_closed):
            return  # `take` goes on, if there is more
        if self.machine.has_more:
            self.receive(self.machine.resume())
        elif not self.channel.is_lost:
            self.channel.resume_reading()
        if self.channel.is_lost and not self.machine.has_more:
            self._end_input()

    def wait(self) -> "asyncio.Future[None]":
        """Resolved when there is something to take, or nothing will come any more.

        Who has awaited it, in whatever way that ends, sets `waiter` to None.
        """
        self._is_answering = False
        self.waiter = waiter = self._loop.create_future()
        return waiter

    def _wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    # The heartbeat

    def _beat(self) -> None:
        """Nothing may have come for a heartbeat: ask whether the peer is there, or find that it is not."""
        self._timer = None
        heartbeat, channel, transport = self._heartbeat, self.channel, self.channel.transport
        if heartbeat is None or transport is None or not self.may_send or self.close_code is not None:
            return
        now = self._loop.time()
        unsent = transport.get_write_buffer_size()
        if unsent < self._unsent or (channel.is_reading_paused and not channel.is_write_paused):
            self._heard_at = now  # it reads, or it is we who don't listen
        self._unsent = unsent
        silence = now - self._heard_at
        if silence < heartbeat - _EARLY:
            self._asked = 0
            self._set_timer(heartbeat - silence, self._beat)
        elif not self._asked:
            self._asked = 1
            channel.write(self.machine.ping())
            self._set_timer(heartbeat / 2, self._beat)
        elif self._asked == 1:
            # Who has kept the loop busy has kept us from hearing: what has come is read first.
            self._asked = 2
            self._set_timer(_EARLY, self._beat)
        else:
            self._declare_dead(heartbeat / 2)

    def _declare_dead(self, patience: float) -> None:
        error = self._make_dead_error(f"No PONG received after {patience} seconds")
        self.exception, self.close_code = error, WSCloseCode.ABNORMAL_CLOSURE
        self._queue(WSMessage(WSMsgType.ERROR, error, None))
        self._end_input()
        self._give_up()

    def _set_timer(self, seconds: float, action: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, action)

    # Closing

    async def close(self, code: int, reason: str | bytes) -> bool:
        """Close by the handshake of RFC 6455 section 7.1.2; False if that was begun before.

        Either way it is over when this returns.
        """
        is_first = not self.is_closed
        if is_first:
            self._shut(code, reason)
            if self.close_code is not None:
                self._finish()
        await self._until_ended()
        return is_first

    def go_away(self, code: int = WSCloseCode.GOING_AWAY) -> None:
        """Tell who receives, behind what has come, that the connection is about to be closed."""
        if not (self.is_closed or self.is_over or self.is_going_away):
            self.is_going_away = True
            self._queue(WSMessage(WSMsgType.CLOSING, code, "the server shuts down"))
            self._wake()

    def end(self, code: int) -> None:
        """Close without waiting, and without anybody who will receive; nothing if it is closed."""
        if not (self.channel.is_lost or self.is_closed):
            self._shut(code, "")
            self._finish()

    def _shut(self, code: int, reason: str | bytes) -> None:
        """Send our close frame, unless one was sent, and keep nothing more for who receives."""
        self._send_close(code, reason)  # which may be refused, and then nothing has changed
        self.queue = None
        self._held = 0
        if self.waiter is not None:
            self._held = _WEIGHT
            self.queue = deque([WS_CLOSING_MESSAGE])
            self._wake()
        self.is_closed = True

    def _send_close(self, code: int | None, reason: str | bytes) -> None:
        frame = self.machine.close(code, reason)
        self.may_send = False
        if frame and not self.channel.is_lost:
            self.channel.write(frame)

    def _finish(self) -> None:
        """Our close frame is sent, and the peer's has come or is not waited for: end the connection."""
        if self.channel.is_lost:
            return
        if self._is_server:
            # A peer that does not read keeps our close frame from leaving.
            self._set_timer(self._close_timeout or CLOSE_TIMEOUT, self._give_up)
            self._end()
            self.channel.linger()
        elif self._has_peer_ended:
            self._hang_up()
        else:
            # RFC 6455 section 7.1.1: it is the server that ends the connection.
            self._set_timer(_PATIENCE, self._hang_up)
            self.channel.resume_reading()

    def _hang_up(self) -> None:
        """Close when what is written has left, which a peer that does not read prevents."""
        self._set_timer(self._close_timeout or CLOSE_TIMEOUT, self._give_up)
        self.channel.close()

    async def _until_ended(self) -> None:
        """Wait for what `_has_ended` says, as long as closing may take."""
        if self._has_ended:
            return
        self.channel.resume_reading()
        if self.machine.has_more:
            self._pump()
        if self._ended is None:
            self._ended = asyncio.Event()
        try:
            async with asyncio.timeout(self._close_timeout):
                await self._ended.wait()
        except TimeoutError as error:
            if self.close_code is None:
                self.close_code, self.exception = WSCloseCode.ABNORMAL_CLOSURE, error
            self._give_up()
        except BaseException:
            self._give_up()
            raise

    def _give_up(self) -> None:
        """The peer does not answer in time."""
        self.may_send = False
        if self.close_code is None:
            self.close_code = WSCloseCode.ABNORMAL_CLOSURE
        self.channel.abort()

    def _end(self) -> None:
        """Both close frames have passed, and it is for the peer to go; or the connection is gone."""
        self._has_ended = True
        if self._ended is not None:
            self._ended.set()


def _weight(event: WebSocketEvent) -> int:
    data = event[1]
    if type(data) is str:
        # It takes up to four bytes a character, and so did the frame.
        return _WEIGHT + len(data) * (1 if data.isascii() else 4)
    return _WEIGHT + len(data) if type(data) is bytes else _WEIGHT


#: Seconds in which what came before a close frame or an error can be answered, if that is not received.
_RECEIVING_TIME: Final = 5.0
#: Seconds that a server has to end the connection, when both close frames have passed.
_PATIENCE: Final = 1.0
#: Timers may strike this much early, by the resolution of the clock.
_EARLY: Final = 0.001
#: Bytes of a reason beside the code of a close frame.
_REASON: Final = 123
