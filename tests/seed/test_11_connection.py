"""Section 11: the connection that a connector lends."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from yarl import URL

from pronghorn import ClientRequest, ClientSession, Connection, TCPConnector
from pronghorn.client.protocol import ResponseHandler

from ..functional.scripted import OK, Scripted, scripted, turns, until
from .row import aliased, idleness

RAW = b"GET / HTTP/1.1\r\nHost: raw\r\n\r\n"


@pytest.fixture
async def server() -> AsyncIterator[Scripted]:
    async with scripted(OK) as running:
        yield running


@pytest.fixture
async def connector() -> AsyncIterator[TCPConnector]:
    async with TCPConnector(limit=1) as made:
        yield made


class Mine(asyncio.Protocol):
    """Whoever the transport belongs to in the end."""

    received = b""

    def data_received(self, data: bytes) -> None:
        self.received += data


async def connect(connector: TCPConnector, server: Scripted) -> Connection:
    return await connector.connect(ClientRequest("GET", URL(server.url())))


async def fetch(connector: TCPConnector, server: Scripted) -> str:
    session = ClientSession(connector=connector, connector_owner=False)
    async with session, session.get(server.url()) as response:
        return await response.text()


def transport_of(connection: Connection) -> asyncio.Transport:
    transport = connection.transport
    assert transport is not None
    return transport


async def test_s186_connection(connector: TCPConnector, server: Scripted) -> None:
    connection = await connect(connector, server)
    assert type(connection) is Connection
    assert repr(connection) == f"<Connection open 127.0.0.1:{server.port}>"
    transport_of(connection).write(RAW)
    await until(lambda: server.requests)
    connection.close()
    assert repr(connection) == f"<Connection closed 127.0.0.1:{server.port}>"
    assert server.requests[0].fields["Host"] == "raw"
    code = (
        "import aiohttp.connector\nfound = {'same': aiohttp.Connection is aiohttp.connector.Connection,"
        " 'module': aiohttp.Connection.__module__}"
    )
    assert aliased(code) == {"same": True, "module": Connection.__module__}

    forgotten = await connect(connector, server)
    with pytest.warns(ResourceWarning, match=r"^Unclosed connection <Connection open"):
        del forgotten


async def test_s187_closed(connector: TCPConnector, server: Scripted) -> None:
    lost = await connect(connector, server)
    await until(lambda: server.peers)
    server.peers[0].reset()
    await until(lambda: lost.closed)
    lost.close()
    for end in (Connection.close, Connection.release, Connection.detach):
        connection = await connect(connector, server)
        assert connection.closed is False
        transport = transport_of(connection)
        end(connection)
        assert connection.closed is True
        transport.abort()


async def test_s188_loop(connector: TCPConnector, server: Scripted) -> None:
    connection = await connect(connector, server)
    with pytest.warns(DeprecationWarning, match="get_running_loop"):
        assert connection.loop is asyncio.get_running_loop()
    connection.close()


async def test_s189_transport(connector: TCPConnector, server: Scripted) -> None:
    connection = await connect(connector, server)
    transport = transport_of(connection)
    assert transport.get_extra_info("peername") == ("127.0.0.1", server.port)
    assert connection.transport is transport
    connection.release()
    assert connection.transport is None
    transport.abort()


async def test_s190_close(connector: TCPConnector, server: Scripted) -> None:
    connection = await connect(connector, server)
    transport = transport_of(connection)
    for _ in range(2):  # a second time does nothing
        connection.close()
        assert connection.closed
    assert transport.is_closing()
    await until(lambda: server.peers and server.peers[0].has_left)
    assert await fetch(connector, server) == "ok"
    assert len(server.peers) == 2
    assert connector.stats().in_use == 0


async def test_s191_release(connector: TCPConnector, server: Scripted) -> None:
    first = await connect(connector, server)
    transport = transport_of(first)
    for _ in range(2):  # a second time does nothing
        first.release()
        assert first.closed
        assert connector.stats().idle == 1
    assert not transport.is_closing()
    assert idleness(connector) == 15
    assert await fetch(connector, server) == "ok"
    second = await connect(connector, server)
    assert second.transport is transport
    second.release()
    assert len(server.peers) == 1

    async with TCPConnector(keepalive_timeout=0.01) as impatient:
        (await connect(impatient, server)).release()
        await until(lambda: len(server.peers) == 2 and server.peers[1].has_left)


async def test_s192_detach(connector: TCPConnector, server: Scripted) -> None:
    connection = await connect(connector, server)
    transport = transport_of(connection)
    waiting = asyncio.ensure_future(connect(connector, server))
    await turns(10)
    assert not waiting.done()
    assert connection.detach() is transport
    assert connection.closed
    assert connection.detach() is None
    (await waiting).release()  # its place was free
    await connector.close()
    assert not transport.is_closing()
    mine = Mine()
    transport.set_protocol(mine)
    transport.write(RAW)
    await until(lambda: mine.received == OK)
    assert not server.peers[0].has_left
    transport.close()
    await until(lambda: server.peers[0].has_left)


async def test_s193_protocol_and_callbacks(connector: TCPConnector, server: Scripted) -> None:
    for end in (Connection.close, Connection.release, Connection.detach):
        called: list[Any] = []
        connection = await connect(connector, server)
        protocol = connection.protocol
        assert isinstance(protocol, ResponseHandler)
        assert protocol.transport is connection.transport
        for number in range(2):
            connection.add_callback(lambda number=number, called=called: called.append(number))
        transport = transport_of(connection)
        assert called == []
        end(connection)
        end(connection)
        assert called == [0, 1]
        assert connection.protocol is None
        transport.abort()
