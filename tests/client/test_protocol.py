import asyncio
from typing import Any
from unittest.mock import Mock

import pytest

from pronghorn.client.connector import BaseConnector
from pronghorn.client.outgoing import ClientRequest
from pronghorn.client.protocol import ResponseHandler
from pronghorn.client.tcp import TCPConnector
from pronghorn.client.terms import Terms
from pronghorn.client.timeouts import ClientTimeout
from pronghorn.io.deadline import Sweep

from .wired import HERE, NO_TIMEOUT, OK, Keeper, Transport, lend


async def test_it_needs_nothing_of_its_loop_to_be_made() -> None:
    assert isinstance(ResponseHandler(loop=Mock(spec=[])), asyncio.Protocol)


async def test_a_connection_that_nobody_has_adopted_may_be_lost() -> None:
    protocol = ResponseHandler(asyncio.get_running_loop())
    protocol.connection_made(Transport(protocol))
    protocol.connection_lost(ConnectionResetError())
    assert protocol.is_lost


async def test_who_adopts_a_connection_is_told_of_its_loss() -> None:
    loop = asyncio.get_running_loop()
    protocol = ResponseHandler(loop)
    keeper = Keeper()
    protocol.connection.adopt(HERE, keeper, Sweep(loop))
    protocol.connection_made(Transport(protocol))
    protocol.connection_lost(None)
    assert keeper.losses == [protocol.connection]


class Returning(BaseConnector):
    """A connector whose connections are what it was told."""

    def __init__(self, result: Any) -> None:
        super().__init__(limit=1)
        self.result = result

    async def _create_connection(
        self, req: ClientRequest, traces: object, timeout: ClientTimeout
    ) -> ResponseHandler:
        result: ResponseHandler = self.result() if callable(self.result) else self.result
        return result


@pytest.mark.parametrize("result", [None, object(), "connection"], ids=repr)
async def test_a_connector_that_returns_something_else_is_told(result: object) -> None:
    connector = Returning(result)
    for _ in range(2):  # its place was freed
        with pytest.raises(TypeError, match=r"^_create_connection: expected a ResponseHandler, got "):
            await lend(connector)
    await connector.close()


async def test_a_protocol_may_be_of_a_class_that_derives() -> None:
    class Noting(ResponseHandler):
        def __init__(self, loop: asyncio.AbstractEventLoop, note: str) -> None:
            super().__init__(loop)
            self.note = note

    def connect() -> Noting:
        protocol = Noting(asyncio.get_running_loop(), "kept")
        protocol.connection_made(Transport(protocol))
        return protocol

    connector = Returning(connect)
    connection = await lend(connector)
    connection.begin(Terms(NO_TIMEOUT), None)
    connection.exchange.head("GET", "/", (("Host", "here"),), 0, body=b"")
    waiting = connection.expect_head()
    connection.channel.data_received(OK)
    head, _, _ = await waiting
    assert head.body == b"ok"
    assert isinstance(connection.channel, Noting)
    assert connection.channel.note == "kept"
    assert connector.take(HERE, may_be_stale=True) is connection
    await connector.close()


async def test_the_factory_of_a_connector_makes_them() -> None:
    assert isinstance(TCPConnector()._factory(), ResponseHandler)
