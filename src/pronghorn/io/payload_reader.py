"""Large payloads of a WebSocket, read to where they stay.

A plain protocol is given what was read as bytes, which then are copied to where the message is. That is
memory for which the system is asked time and again; here it reads into that of the message.
"""

import asyncio
from typing import Final, final

from ..wire.websocket.connection import WebSocketConnection
from .channel import Channel

#: What is read at once of what is no payload.
_SCRAP: Final = 4096


def read_in_place(channel: Channel, machine: WebSocketConnection) -> None:
    """Have the rest of a large payload read to where it stays, if such a one is being read."""
    transport = channel.transport
    if machine.room() is None or transport is None or transport.is_closing():
        return
    # Not where something else stands between, as `TlsReader`: it has room of its own.
    if transport.get_protocol() is channel:
        transport.set_protocol(PayloadReader(channel, machine))


@final
class PayloadReader(asyncio.BufferedProtocol):
    """Stands before a channel until the end of a payload is near."""

    __slots__ = ("_channel", "_machine", "_scrap")

    def __init__(self, channel: Channel, machine: WebSocketConnection) -> None:
        self._channel = channel
        self._machine = machine
        #: Where it is read to that has no place.
        self._scrap: memoryview | None = None

    def get_buffer(self, sizehint: int) -> memoryview:
        room = self._room()
        if room is None:
            # Proactors have read before they ask, and go on asking whom they have asked first.
            room = self._scrap = memoryview(bytearray(_SCRAP))
        return room

    def buffer_updated(self, nbytes: int) -> None:
        scrap, self._scrap = self._scrap, None
        if scrap is not None:
            self._channel.data_received(bytes(scrap[:nbytes]))
        else:
            self._machine.fill(nbytes)
            self._channel.owner.receive(())
        self._step_aside()

    def data_received(self, data: bytes) -> None:
        """Of transports that know nothing of rooms."""
        self._channel.data_received(data)
        self._step_aside()

    def _room(self) -> memoryview | None:
        return None if self._channel.is_lingering else self._machine.room()

    def _step_aside(self) -> None:
        transport = self._channel.transport
        if transport is not None and transport.get_protocol() is self and self._room() is None:
            transport.set_protocol(self._channel)

    def eof_received(self) -> bool:
        return self._channel.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._channel.connection_lost(exc)

    def pause_writing(self) -> None:
        self._channel.pause_writing()

    def resume_writing(self) -> None:
        self._channel.resume_writing()
