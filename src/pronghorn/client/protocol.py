"""What the event loop sees of a client's connection."""

import asyncio

from ..io.channel import Channel
from ..wire.http1.connection import Http1Connection
from ..wire.limits import DEFAULT_LIMITS
from ..wire.roles import CLIENT
from .connection import ClientConnection


class ResponseHandler(Channel):
    """The protocol of a client's connection: whoever dials gives it a transport, and a connector lends it.

    Deriving connectors make them by `BaseConnector._factory`, or hand one of their own to
    ``transport.set_protocol`` and call its ``connection_made``.
    """

    __slots__ = ("connection",)

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        machine = Http1Connection(CLIENT, DEFAULT_LIMITS)
        self.connection = ClientConnection(loop, self, machine)
        super().__init__(loop, machine, self.connection)
