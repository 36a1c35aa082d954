"""What callers see of a WebSocket: the same for `ClientWebSocketResponse` and `web.WebSocketResponse`."""

import asyncio
import json as json_module
from collections.abc import Callable, Coroutine, Generator, Iterable
from types import GenericAlias
from typing import Any, ClassVar, Final, Self, final

from .io.channel import Channel
from .io.websocket import Endpoint
from .wire.websocket.messages import (
    WS_CLOSED_MESSAGE,
    WS_CLOSING_MESSAGE,
    WSMessage,
    WSMessageTextBytes,
    WSMessageTypeError,
    WSMsgType,
)

Octets = bytes | bytearray | memoryview

_NOT_OPEN: Final = "the WebSocket is not open yet: prepare() comes first"
_CLOSING: Final = "Cannot write to closing transport"
_OCTETS: Final = (bytes, bytearray, memoryview)
_ENDS: Final = frozenset({WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED})
#: How often who does not look is told that nothing more comes, before it is an error.
_MOST_TOLD: Final = 5
#: Characters of a message that an error shows.
_SHOWN: Final = 100


class WebSocket:
    """Messages in both directions (RFC 6455).

    Any task may send. One at a time may receive: a second one gets RuntimeError. A `receive` that is
    cancelled, or runs out of time, loses no message.

    The peer's close frame is answered when `receive` comes to it, so that what came before can be answered
    first; at once if nothing is left to be answered, and after five seconds if nobody receives. So it is with
    the close frame that says what the peer did wrong.
    """

    #: As aiohttp's, which is generic in whether text is decoded.
    __class_getitem__: ClassVar[Any] = classmethod(GenericAlias)
    #: What a send on a connection that closes raises.
    _reset_error: ClassVar[type[ConnectionResetError]] = ConnectionResetError
    _endpoint: Endpoint | None = None
    _receive_timeout: float | None = None
    _told: int = 0

    # Facts

    @property
    def closed(self) -> bool:
        """Nothing more can be sent, and nothing more is there to be received.

        True from `close` on, and from when `receive` has told of the peer's close frame (that needs
        ``autoclose``), of an error or of the end; also when the connection was lost and all that had come was
        received.
        """
        endpoint = self._endpoint
        return endpoint is not None and (
            endpoint.is_closed or (endpoint.channel.is_lost and endpoint.is_over and not endpoint.queue)
        )

    @property
    def close_code(self) -> int | None:
        """What the connection was closed with (RFC 6455 section 7.1.5); None while it is open.

        The code of the peer's close frame, 1005 if that had none; the code that we told a peer that broke the
        protocol (1002, 1007, 1008, 1009); 1006 if the connection ended, or was given up, without the peer's
        close frame. `close` alone does not set it: the peer's answer does.
        """
        return None if self._endpoint is None else self._endpoint.close_code

    def exception(self) -> BaseException | None:
        """What has ended the connection, None if it is open, or was closed in order.

        A `WebSocketError` if the peer broke the protocol or went without a close frame, a TimeoutError if it
        was silent for too long or did not answer `close`, an OSError if the connection failed.
        """
        return None if self._endpoint is None else self._endpoint.exception

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the transport knows by that name, as "peername" or "ssl_object"; else ``default``.

        It is still known when the connection is closed. `asyncio.BaseTransport.get_extra_info` has the names.
        """
        transport = None if self._endpoint is None else self._endpoint.channel.transport
        return default if transport is None else transport.get_extra_info(name, default)

    # Sending

    async def send_str(self, data: str, compress: int | None = None) -> None:
        """Send a text message, waiting while the peer reads too slowly.

        ``compress`` says whether this one is compressed, where compression was agreed to: 0 for no, anything
        else for yes; None leaves it to its size. TypeError unless ``data`` is a str, ConnectionResetError
        if the connection closes.
        """
        if not isinstance(data, str):
            raise TypeError(f"send_str: expected a str, got {type(data).__name__}")
        endpoint = self._endpoint
        if endpoint is None or not endpoint.may_send:
            endpoint = self._open_endpoint()  # tells why it is not
        channel = endpoint.channel
        frame = endpoint.machine.text(data, compress=None if compress is None else bool(compress))
        if len(frame) == 1:
            channel.write(frame[0])
        else:
            channel.writelines(frame)
        if channel.is_write_paused:
            await self._drain(channel)

    async def send_bytes(self, data: Octets, compress: int | None = None) -> None:
        """Send a binary message, as `send_str`; ``data`` is bytes, a bytearray or a memoryview."""
        if not isinstance(data, _OCTETS):
            raise TypeError(
                f"send_bytes: expected bytes, a bytearray or a memoryview, got {type(data).__name__}"
            )
        endpoint = self._endpoint
        if endpoint is None or not endpoint.may_send:
            endpoint = self._open_endpoint()  # tells why it is not
        channel = endpoint.channel
        frame = endpoint.machine.binary(data, compress=None if compress is None else bool(compress))
        if len(frame) == 1:
            channel.write(frame[0])
        else:
            channel.writelines(frame)
        if channel.is_write_paused:
            await self._drain(channel)

    async def send_json(
        self, data: Any, compress: int | None = None, *, dumps: Callable[[Any], str] = json_module.dumps
    ) -> None:
        """Send ``data`` as the text that ``dumps`` makes of it; what that raises is raised."""
        await self.send_str(dumps(data), compress)

    async def send_json_bytes(
        self, data: Any, compress: int | None = None, *, dumps: Callable[[Any], bytes]
    ) -> None:
        """Send ``data`` as the text that ``dumps`` makes of it, which gives UTF-8 as bytes."""
        text = dumps(data)
        if not isinstance(text, _OCTETS):
            raise TypeError(f"send_json_bytes: expected dumps to give bytes, got {type(text).__name__}")
        await self.send_frame(text, WSMsgType.TEXT, compress)

    async def send_frame(self, message: Octets, opcode: WSMsgType, compress: int | None = None) -> None:
        """Send a whole message of that kind: TEXT (of UTF-8), BINARY, PING or PONG; ValueError for others."""
        machine = self._open_endpoint().machine
        choice = None if compress is None else bool(compress)
        if opcode == WSMsgType.TEXT:
            await self._send(machine.text_bytes(message, compress=choice))
        elif opcode == WSMsgType.BINARY:
            await self._send(machine.binary(message, compress=choice))
        elif opcode == WSMsgType.PING:
            await self._send((machine.ping(message),))
        elif opcode == WSMsgType.PONG:
            await self._send((machine.pong(message),))
        else:
            raise ValueError(f"send_frame: expected TEXT, BINARY, PING or PONG, got {opcode!r}")

    def ping(self, message: bytes | str = b"") -> "Sending":
        """Send a ping: what has at most 125 bytes, a str as UTF-8 (RFC 6455 section 5.5.2).

        It is sent at the call. Awaiting it waits while the peer reads too slowly, and need not be done.
        """
        endpoint = self._open_endpoint()
        return self._send_control(endpoint, endpoint.machine.ping(_as_bytes("ping", message)))

    def pong(self, message: bytes | str = b"") -> "Sending":
        """Send a pong that nobody asked for, as `ping`."""
        endpoint = self._open_endpoint()
        return self._send_control(endpoint, endpoint.machine.pong(_as_bytes("pong", message)))

    def _send_control(self, endpoint: Endpoint, frame: bytes) -> "Sending":
        endpoint.channel.write(frame)
        return Sending(self._drained)

    async def _drained(self) -> None:
        channel = None if self._endpoint is None else self._endpoint.channel
        if channel is not None and channel.is_write_paused:
            await self._drain(channel)

    async def _send(self, frame: tuple[bytes, ...]) -> None:
        channel = self._open_endpoint().channel
        _write(channel, frame)
        if channel.is_write_paused:
            await self._drain(channel)

    async def _drain(self, channel: Channel) -> None:
        try:
            await channel.drain()
        except ConnectionResetError as error:
            raise self._reset_error(_CLOSING) from error

    def _open_endpoint(self) -> Endpoint:
        endpoint = self._endpoint
        if endpoint is None:
            raise RuntimeError(_NOT_OPEN)
        if not endpoint.may_send:
            raise self._reset_error(_CLOSING)
        return endpoint

    # Receiving

    async def receive(self, timeout: float | None = None) -> WSMessage | WSMessageTextBytes:
        """The next message, or what has become of the connection, by its type.

        TEXT and BINARY bring ``data``. CLOSE brings the peer's code, and its reason in ``extra``; CLOSING
        says that this end closes, or with ``autoclose`` off that it has to; CLOSED that it is over; ERROR
        brings an exception, after which it is closed. PING and PONG are answered and not told of, unless
        ``autoping`` is off. What had come before the connection was lost is told first.

        When nothing more will come, CLOSED is told five times, and then RuntimeError is raised, so that who
        does not look at types does not go on for ever. TimeoutError after ``timeout`` seconds, or those that
        were set for all; 0 is none. RuntimeError if another task receives.
        """
        endpoint = self._endpoint
        if endpoint is None:
            raise RuntimeError(_NOT_OPEN)
        if endpoint.waiter is not None:
            raise RuntimeError("Concurrent call to receive() is not allowed")
        if not endpoint.queue:
            if not (endpoint.is_over or endpoint.is_closed):
                seconds = self._receive_timeout if timeout is None else timeout
                try:
                    if seconds:
                        async with asyncio.timeout(seconds):
                            await endpoint.wait()
                    else:
                        await endpoint.wait()
                finally:
                    endpoint.waiter = None
            if not endpoint.queue:
                return await self._tell_end(endpoint)
        return endpoint.take()

    async def receive_str(self, *, timeout: float | None = None) -> Any:
        """The next message's text. WSMessageTypeError (a TypeError) for anything else."""
        message = await self.receive(timeout)
        if message.type is not WSMsgType.TEXT:
            raise _unexpected(message, "TEXT")
        return message.data

    async def receive_bytes(self, *, timeout: float | None = None) -> bytes:
        """The next message's bytes. WSMessageTypeError (a TypeError) for anything else."""
        message = await self.receive(timeout)
        if message.type is not WSMsgType.BINARY:
            raise _unexpected(message, "BINARY")
        data: bytes = message.data
        return data

    async def receive_json(
        self, *, loads: Callable[[Any], Any] = json_module.loads, timeout: float | None = None
    ) -> Any:
        """What ``loads`` makes of the next message's text; what that raises is raised."""
        return loads(await self.receive_str(timeout=timeout))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> WSMessage | WSMessageTextBytes:
        message = await self.receive()
        if message[0] in _ENDS:
            raise StopAsyncIteration
        return message

    async def _tell_end(self, endpoint: Endpoint) -> WSMessage:
        await asyncio.sleep(0)  # who only receives would keep the loop
        self._told += 1
        if self._told > _MOST_TOLD:
            raise RuntimeError("WebSocket connection is closed.")
        if endpoint.is_closing and not (endpoint.is_closed or endpoint.channel.is_lost):
            return WS_CLOSING_MESSAGE
        endpoint.is_closed = True
        return WS_CLOSED_MESSAGE

    # Closing

    async def _close(self, code: int, message: bytes | str) -> bool:
        endpoint = self._endpoint
        if endpoint is None:
            raise RuntimeError(_NOT_OPEN)
        return await endpoint.close(code, message)


@final
class Sending(Coroutine[Any, Any, None]):
    """What was sent at the call: to be awaited until the peer reads, or to be dropped."""

    __slots__ = ("_coroutine", "_drain")

    def __init__(self, drain: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._drain = drain
        #: Made when somebody awaits: one that nobody does would say so.
        self._coroutine: Coroutine[Any, Any, None] | None = None

    def __await__(self) -> Generator[Any, Any, None]:
        return self._drain().__await__()

    def send(self, value: Any) -> Any:
        return self._begun().send(value)

    def throw(self, *error: Any) -> Any:
        return self._begun().throw(*error)

    def close(self) -> None:
        if self._coroutine is not None:
            self._coroutine.close()

    def _begun(self) -> Coroutine[Any, Any, None]:
        if self._coroutine is None:
            self._coroutine = self._drain()
        return self._coroutine


def broadcast(sockets: Iterable[WebSocket], data: str | Octets) -> list[WebSocket]:
    """Send one message to many, serialised once, without compression and without waiting.

    Returns those that did not get it: they are closed, or have yet to read what was sent before. What to do
    with these is the caller's to decide. Only servers can: what a client sends is masked for itself.
    TypeError for other data.
    """
    if not isinstance(data, (str, *_OCTETS)):
        raise TypeError(f"broadcast: expected a str or bytes, got {type(data).__name__}")
    frame: tuple[bytes, ...] | None = None
    left = []
    for socket in sockets:
        endpoint = socket._endpoint
        if endpoint is None or not endpoint.may_send or endpoint.channel.is_write_paused:
            left.append(socket)
            continue
        machine, channel = endpoint.machine, endpoint.channel
        if machine.masks:
            raise TypeError("broadcast: expected WebSockets of a server")
        if frame is None:
            if isinstance(data, str):
                frame = machine.text(data, compress=False)
            else:
                frame = machine.binary(data, compress=False)
        _write(channel, frame)
    return left


def _write(channel: Channel, frame: tuple[bytes, ...]) -> None:
    if len(frame) == 1:
        channel.write(frame[0])
    else:
        channel.writelines(frame)


def _unexpected(message: WSMessage | WSMessageTextBytes, expected: str) -> WSMessageTypeError:
    shown = repr(message.data[:_SHOWN] if isinstance(message.data, (str, bytes)) else message.data)
    return WSMessageTypeError(
        f"Received message WSMsgType.{message.type.name}:{shown} is not WSMsgType.{expected}"
    )


def _as_bytes(name: str, message: bytes | str) -> Octets:
    if isinstance(message, str):
        return message.encode()
    if not isinstance(message, _OCTETS):
        raise TypeError(f"{name}: expected bytes or a str, got {type(message).__name__}")
    return message
