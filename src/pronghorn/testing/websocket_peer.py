"""The client's end of a WebSocket that a handler opens for a request in memory."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, final

from ..io.channel import Channel, QuietOwner
from ..io.websocket import Endpoint
from ..wire.roles import CLIENT
from ..wire.websocket.connection import WebSocketConnection, WebSocketEvent
from ..wire.websocket.deflate import PerMessageDeflate
from ..wire.websocket.frame import NO_CODE
from ..wire.websocket.messages import WS_CLOSED_MESSAGE, WSCloseCode, WSMsgType
from .pair import connect

_ENDS: Final = frozenset({WSMsgType.CLOSE, WSMsgType.ERROR})


@final
class WebSocketPeer:
    """Keeps all that comes, and answers pings and close frames at once, whether or not a test receives.

    Sending raises ConnectionResetError once the connection is over, RuntimeError behind our close frame.
    """

    def __init__(self, machine: WebSocketConnection) -> None:
        self._machine = machine
        self._channel = Channel(asyncio.get_running_loop(), machine, _Listener(self))
        #: What has come, in order.
        self.received: list[WebSocketEvent] = []
        self._taken = 0
        #: The connection is over.
        self.closed = False
        self._news = asyncio.Event()

    async def receive(self) -> WebSocketEvent:
        """The next of what has come, waited for; CLOSED when the connection is over."""
        while self._taken == len(self.received):
            if self.closed:
                return WS_CLOSED_MESSAGE
            self._news.clear()
            await self._news.wait()
        self._taken += 1
        return self.received[self._taken - 1]

    def send_str(self, data: str) -> None:
        """Send a text message."""
        self._channel.write(b"".join(self._machine.text(data)))

    def send_bytes(self, data: bytes) -> None:
        """Send a binary message."""
        self._channel.write(b"".join(self._machine.binary(data)))

    def ping(self, data: bytes = b"") -> None:
        """Send a ping; its answer is received."""
        self._channel.write(self._machine.ping(data))

    def close(self, code: int | None = WSCloseCode.OK, message: str = "") -> None:
        """Send a close frame, unless one was sent; without a ``code`` an empty one."""
        if frame := self._machine.close(code, message):
            self._channel.write(frame)

    def abort(self) -> None:
        """Go without a word, as a client does whose network fails."""
        self._channel.abort()

    def _take_in(self, events: Sequence[WebSocketEvent]) -> None:
        for event in events:
            self.received.append(event)
            if event.type is WSMsgType.PING and not self._machine.close_sent:
                self._channel.write(self._machine.pong(event.data))
            elif event.type in _ENDS:
                self._answer_end(event)
        self._news.set()
        if self._machine.has_more:
            self._take_in(self._machine.resume())

    def _answer_end(self, event: WebSocketEvent) -> None:
        code = event.data if event.type is WSMsgType.CLOSE else WSCloseCode.PROTOCOL_ERROR
        self.close(None if code == NO_CODE else code)

    def _end(self) -> None:
        self.closed = True
        self._news.set()


class _Nobody(QuietOwner):
    """Who owns a channel before, or beside, somebody who wants to know."""

    def receive(self, events: Sequence[Any], /) -> None:
        pass

    def fail(self, error: object, /) -> None:
        pass  # a WebSocket's machine reports what is wrong as an event

    def lose(self, error: Exception | None, /) -> None:
        pass


@final
class _Listener(_Nobody):
    """What the channel of a peer reports."""

    def __init__(self, peer: WebSocketPeer) -> None:
        self._peer = peer

    def receive(self, events: Sequence[WebSocketEvent], /) -> None:
        self._peer._take_in(events)

    def lose(self, error: Exception | None, /) -> None:
        self._peer._end()


def open_in_memory(
    machine: WebSocketConnection, info: Mapping[str, Any], options: Mapping[str, Any]
) -> tuple[Endpoint, WebSocketPeer]:
    """Both ends of a WebSocket: the server's, made with ``machine`` and ``options``, and a test's.

    ``info`` is what the transport of the server's end says of itself.
    """
    side = _Nobody()
    channel = Channel(asyncio.get_running_loop(), machine, side)
    agreed = machine._deflate
    deflate = None if agreed is None else PerMessageDeflate(CLIENT, agreed.agreement)
    peer = WebSocketPeer(WebSocketConnection(CLIENT, deflate=deflate))
    connect(peer._channel, channel, server_info=info)
    endpoint = Endpoint(channel, machine, side, is_server=True, **options)
    endpoint.start(b"")
    return endpoint, peer
