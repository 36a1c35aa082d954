"""What an exchange in memory has, and others have not: see test_memory.py for what is common to all."""

import asyncio
import io

import pytest

from pronghorn import web
from pronghorn.testing import MemoryExchange
from pronghorn.testing.memory import MemoryConnection, make_request
from pronghorn.wire.events import HttpVersion, HttpVersion10, HttpVersion11
from pronghorn.wire.roles import SERVER
from pronghorn.wire.websocket.connection import WebSocketConnection

from ..io.fakes import settle


@pytest.mark.parametrize(
    ("headers", "version", "persists", "upgrade"),
    [
        ((), HttpVersion11, True, ""),
        ((("Connection", "close"),), HttpVersion11, False, ""),
        ((), HttpVersion10, False, ""),
        ((("Connection", "keep-alive"),), HttpVersion10, True, ""),
        ((("Connection", "Upgrade"), ("Upgrade", "WebSocket")), HttpVersion11, True, "websocket"),
        ((("Connection", "close, upgrade"), ("Upgrade", "websocket")), HttpVersion11, False, "websocket"),
        ((("Connection", "Upgrade"), ("Upgrade", "websocket")), HttpVersion10, False, ""),
        ((("Upgrade", "websocket"),), HttpVersion11, True, ""),
    ],
)
def test_a_head_means_what_it_says(
    headers: tuple[tuple[str, str], ...], version: HttpVersion, persists: bool, upgrade: str
) -> None:
    request = make_request(headers=headers, version=HttpVersion(*version))
    assert request.keep_alive is persists
    assert request.head.upgrade == upgrade
    exchange = request.exchange
    assert isinstance(exchange, MemoryExchange)
    assert (exchange.version, exchange.is_persistent, exchange.upgrade) == (version, persists, upgrade)


async def test_a_client_of_http_1_0_is_sent_no_informational_response() -> None:
    request = make_request(version=HttpVersion10)
    assert isinstance(request.exchange, MemoryExchange)
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"a")
    await response.write_eof()
    assert request.exchange.content == b"a"


async def test_only_what_was_offered_and_agreed_to_is_switched_to() -> None:
    exchange = MemoryExchange()
    with pytest.raises(RuntimeError, match="no upgrade was offered"):
        exchange.switch(WebSocketConnection(SERVER), {}, {})
    assert exchange.websocket is None
    connection = MemoryConnection(exchange=None)
    with pytest.raises(RuntimeError, match="no WebSocket can be opened on None"):
        connection.switch(WebSocketConnection(SERVER))


async def test_who_waits_for_the_websocket_gets_it() -> None:
    exchange = MemoryExchange(upgrade="websocket")
    waiting = [asyncio.create_task(exchange.opened()) for _ in range(2)]
    await settle()
    exchange.head(101, "", (), None, body=b"", upgrade="websocket")
    endpoint = exchange.switch(WebSocketConnection(SERVER), {"peername": "p"}, {})
    peers = await asyncio.gather(*waiting)
    assert peers == [exchange.websocket] * 2
    assert endpoint.channel.transport is not None
    assert endpoint.channel.transport.get_extra_info("peername") == "p"


async def test_a_connection_that_knows_nothing_of_its_transport_is_switched_too() -> None:
    exchange = MemoryExchange(upgrade="websocket")
    exchange.head(101, "", (), None, body=b"", upgrade="websocket")
    endpoint = MemoryConnection(exchange).switch(WebSocketConnection(SERVER))
    transport = endpoint.channel.transport
    assert transport is not None
    assert transport.get_extra_info("sockname") is None


async def test_a_websocket_that_nobody_opens_is_not_waited_for_long() -> None:
    with pytest.raises(TimeoutError):
        await MemoryExchange(upgrade="websocket").opened(timeout=0.01)


async def test_a_client_leaves() -> None:
    request = make_request()
    connection = request._connection
    assert isinstance(connection, MemoryConnection)
    first = request.disconnected
    assert not first.done()
    connection.leave()
    connection.leave()
    await first
    assert request.disconnected.done()
    with pytest.raises(ConnectionResetError, match="the client has gone"):
        await web.StreamResponse().prepare(request)
    later = MemoryConnection()
    later.leave()
    await later.disconnection(None)


async def test_a_file_is_sent_by_who_reads_it() -> None:
    assert await MemoryExchange().sendfile(io.BytesIO(b"a"), 0, 1) is False
