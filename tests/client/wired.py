"""A client connection on a transport that only remembers: what arrives is fed, what leaves is looked at."""

import asyncio
from typing import Any, cast

from yarl import URL

from pronghorn.client.connection import ClientConnection
from pronghorn.client.connector import BaseConnector
from pronghorn.client.outgoing import ClientRequest, make_request
from pronghorn.client.protocol import ResponseHandler
from pronghorn.client.terms import Terms
from pronghorn.client.timeouts import ClientTimeout
from pronghorn.io.deadline import Sweep
from pronghorn.io.dial import Address
from pronghorn.wire.http1.connection import Reading

HERE = Address("here", 80)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
NO_TIMEOUT = ClientTimeout()


class Transport(asyncio.Transport):
    """Keeps what is written; loses the connection in the loop's next turn, as real ones do."""

    def __init__(self, channel: asyncio.BaseProtocol) -> None:
        super().__init__()
        #: Who is told; nobody any more when the connection is lost.
        self.channel: asyncio.BaseProtocol | None = channel
        self.written = bytearray()
        self.is_reading = True
        self.ending = ""

    def write(self, data: Any) -> None:
        self.written += data

    def writelines(self, list_of_data: Any) -> None:
        self.written += b"".join(list_of_data)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return 0, 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        self.is_reading = False

    def resume_reading(self) -> None:
        self.is_reading = True

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.channel = protocol

    def get_protocol(self) -> Any:
        return self.channel

    def is_closing(self) -> bool:
        return bool(self.ending)

    def close(self) -> None:
        self._end("closed")

    def abort(self) -> None:
        self._end("aborted")

    def _end(self, ending: str) -> None:
        if not self.ending:
            self.ending = ending
            asyncio.get_running_loop().call_soon(self._lose)

    def _lose(self) -> None:
        protocol, self.channel = self.channel, None
        if isinstance(protocol, asyncio.Protocol):
            protocol.connection_lost(None)


class Keeper:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.taken_back: list[ClientConnection] = []
        self.losses: list[ClientConnection] = []
        self.let_go_of: list[ClientConnection] = []

    def take_back(self, connection: ClientConnection) -> None:
        self.taken_back.append(connection)

    def lost(self, connection: ClientConnection) -> None:
        self.losses.append(connection)

    def let_go(self, connection: ClientConnection) -> None:
        self.let_go_of.append(connection)


def transport_of(connection: ClientConnection) -> Transport:
    return cast(Transport, connection.channel.transport)


def connected(keeper: Any, address: Address = HERE) -> ClientConnection:
    """A new connection of ``keeper``; needs a running loop."""
    loop = asyncio.get_running_loop()
    protocol = ResponseHandler(loop)
    protocol.connection.adopt(address, keeper, Sweep(loop))
    protocol.connection_made(Transport(protocol))
    return protocol.connection


class Wired(BaseConnector):
    """Its connections only remember; each is made in as many turns of the loop as it is told, or fails."""

    def __init__(self, *, turns: int = 0, error: Exception | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.turns = turns
        self.error = error
        self.made: list[ClientConnection] = []

    async def _create_connection(
        self, req: ClientRequest, traces: object, timeout: ClientTimeout
    ) -> ResponseHandler:
        for _ in range(self.turns):
            await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        self.made.append(connected(self, req.address))
        return cast(ResponseHandler, self.made[-1].channel)


def served(connection: ClientConnection) -> ClientConnection:
    """As after one exchange."""
    connection.begin(Terms(NO_TIMEOUT), None)
    connection._is_lent = False
    connection._machine.reading = Reading.IDLE
    return connection


async def lend(
    connector: BaseConnector, address: Address = HERE, timeout: ClientTimeout = NO_TIMEOUT
) -> ClientConnection:
    """A connection of ``connector`` to ``address``, for a request that begins now."""
    now = asyncio.get_running_loop().time()
    connection, _ = await connector.lend(request_to(address), timeout, now)
    return connection


def request_to(address: Address = HERE) -> ClientRequest:
    """A request for a connection to ``address``."""
    url = URL.build(scheme="https" if address.is_ssl else "http", host=address.host, port=address.port)
    request = make_request("GET", url, (), None, None)
    request.address = address
    return request
