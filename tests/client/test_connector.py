import asyncio
from typing import Any, cast

import pytest

from pronghorn.client.connection import ClientConnection
from pronghorn.client.connector import BaseConnector, TCPConnector
from pronghorn.client.errors import ClientConnectionError
from pronghorn.client.outgoing import ClientRequest
from pronghorn.client.protocol import ResponseHandler
from pronghorn.client.timeouts import ClientTimeout
from pronghorn.io.dial import Address
from pronghorn.wire.limits import DEFAULT_DECODE_LIMITS

from .wired import NO_TIMEOUT, connected, request_to, transport_of

THERE = Address("there", 80)


class Wired(BaseConnector):
    """Connections that only remember, made in as many turns of the loop as they are told."""

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


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"limit": -1}, "limit"),
        ({"limit": "5"}, "limit"),
        ({"limit_per_host": -1}, "limit_per_host"),
        ({"limit_per_host": 1.5}, "limit_per_host"),
        ({"keepalive_timeout": -1}, "keepalive_timeout"),
        ({"keepalive_timeout": "5"}, "keepalive_timeout"),
    ],
)
def test_mistakes_are_named(options: dict[str, Any], name: str) -> None:
    with pytest.raises((TypeError, ValueError), match=rf"^{name}:"):
        TCPConnector(**options)


@pytest.mark.parametrize("seconds", [15.0, 0])
def test_what_is_closed_at_once_has_no_timeout(seconds: float) -> None:
    with pytest.raises(ValueError, match="keepalive_timeout and force_close"):
        TCPConnector(force_close=True, keepalive_timeout=seconds)
    assert TCPConnector(force_close=True, keepalive_timeout=None).force_close


def test_defaults() -> None:
    connector = TCPConnector()
    assert (connector.limit, connector.limit_per_host, connector.force_close, connector.closed) == (
        100,
        0,
        False,
        False,
    )


@pytest.mark.parametrize("unlimited", [0, None])
def test_no_limit(unlimited: int | None) -> None:
    connector = TCPConnector(limit=unlimited, limit_per_host=unlimited)
    assert (connector.limit, connector.limit_per_host) == (0, 0)


def test_base_is_abstract() -> None:
    with pytest.raises(TypeError):
        BaseConnector()  # type: ignore[abstract]  # what is tested


async def test_a_failed_attempt_frees_its_place() -> None:
    connector = Wired(limit=1, error=OSError("no"))
    for _ in range(3):
        with pytest.raises(OSError, match="no"):
            await connector.lend(request_to(), NO_TIMEOUT)
    assert connector._pool.open_count == 0


async def test_a_cancelled_attempt_frees_its_place_for_who_waits() -> None:
    connector = Wired(limit=1, turns=3)
    first = asyncio.create_task(connector.lend(request_to(), NO_TIMEOUT))
    second = asyncio.create_task(connector.lend(request_to(), NO_TIMEOUT))
    await asyncio.sleep(0)
    first.cancel()
    assert await second is connector.made[0]
    assert connector._pool.open_count == 1
    await connector.close()


async def test_what_is_taken_back_goes_to_who_waits() -> None:
    connector = Wired(limit=1)
    connection = await connector.lend(request_to(), NO_TIMEOUT)
    waiting = asyncio.create_task(connector.lend(request_to(), NO_TIMEOUT))
    await asyncio.sleep(0)
    connector.take_back(_served(connection))
    assert await waiting is connection
    assert len(connector.made) == 1
    await connector.close()


def _served(connection: ClientConnection) -> ClientConnection:
    """As after one exchange."""
    connection.begin(NO_TIMEOUT, None, DEFAULT_DECODE_LIMITS)
    connection._is_lent = False
    connection._machine.reading = type(connection._machine.reading).IDLE
    return connection


async def test_a_grant_that_is_lost_on_the_way_costs_no_place() -> None:
    """The connection goes between the turn in which it is granted and that in which its new user wakes."""
    connector = Wired(limit=1)
    connection = await connector.lend(request_to(), NO_TIMEOUT)
    waiting = asyncio.create_task(connector.lend(request_to(), NO_TIMEOUT))
    await asyncio.sleep(0)
    connector.take_back(_served(connection))
    connection.channel.connection_lost(ConnectionResetError())
    other = await waiting
    assert other is not connection
    assert connector._pool.open_count == 1
    assert connector._connections == {other}
    await connector.close()
    await asyncio.sleep(0)
    assert not connector._connections


async def test_a_grant_that_is_lost_and_cancelled_costs_no_place() -> None:
    connector = Wired(limit=1)
    connection = await connector.lend(request_to(), NO_TIMEOUT)
    waiting = asyncio.create_task(connector.lend(request_to(), NO_TIMEOUT))
    await asyncio.sleep(0)
    connector.take_back(_served(connection))
    connection.channel.connection_lost(None)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert connector._pool.open_count == 0
    await connector.close()


async def test_a_grant_that_is_cancelled_goes_to_the_next() -> None:
    connector = Wired(limit=1)
    connection = await connector.lend(request_to(), NO_TIMEOUT)
    waiting = [asyncio.create_task(connector.lend(request_to(), NO_TIMEOUT)) for _ in range(3)]
    await asyncio.sleep(0)
    connector.take_back(_served(connection))
    waiting[0].cancel()
    assert await waiting[1] is connection
    waiting[2].cancel()
    await asyncio.wait(waiting)
    assert connector._pool.open_count == 1
    await connector.close()


async def test_a_connection_on_its_way_out_is_not_kept() -> None:
    """Its transport is closing, and the loop will tell in its next turn."""
    connector = Wired()
    connection = _served(await connector.lend(request_to(), NO_TIMEOUT))
    transport_of(connection).abort()
    connector.take_back(connection)
    assert connector._pool.idle == []
    assert connector._pool.open_count == 0
    await connector.close()


async def test_room_is_made_for_another_address() -> None:
    connector = Wired(limit=1)
    connection = await connector.lend(request_to(), NO_TIMEOUT)
    connector.take_back(_served(connection))
    other = await connector.lend(request_to(THERE), NO_TIMEOUT)
    assert transport_of(connection).ending == "closed"
    assert connector._connections == {other}
    await connector.close()


async def test_close_fails_who_waits_and_who_dials() -> None:
    connector = Wired(limit=2, turns=2)
    tasks = [asyncio.create_task(connector.lend(request_to(), NO_TIMEOUT)) for _ in range(4)]
    await asyncio.sleep(0)
    await connector.close()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(outcome, ClientConnectionError)
    assert all(transport_of(connection).ending for connection in connector.made)


async def test_close_is_done_at_the_call_and_can_be_repeated() -> None:
    connector = Wired()
    connector.take_back(_served(await connector.lend(request_to(), NO_TIMEOUT)))
    closing = connector.close()
    assert connector.closed
    assert transport_of(connector.made[0]).ending == "closed"
    await closing
    await connector.close()
    assert not connector._connections


async def test_repr_tells_how_it_stands() -> None:
    connector = Wired()
    connector.take_back(_served(await connector.lend(request_to(), NO_TIMEOUT)))
    assert repr(connector) == "<Wired open: 1 connections, 1 idle, 0 waiting>"
    await connector.close()
    assert "closed" in repr(connector)
