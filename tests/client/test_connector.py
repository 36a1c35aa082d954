import asyncio
import re
import warnings
from typing import Any

import pytest

from pronghorn.client.connector import BaseConnector
from pronghorn.client.errors import ClientConnectionError
from pronghorn.client.local import UnixConnector
from pronghorn.client.tcp import TCPConnector
from pronghorn.io.dial import Address

from .wired import HERE, Wired, lend, served, transport_of

THERE = Address("there", 80)


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


def test_options_that_are_not_needed() -> None:
    loop = asyncio.new_event_loop()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        connector = TCPConnector(enable_cleanup_closed=True, loop=loop, timeout_ceil_threshold=1)
    assert not connector.closed
    loop.close()


def test_only_keywords() -> None:
    with pytest.raises(TypeError):
        TCPConnector(True)  # type: ignore[call-arg]  # what is tested


def test_what_was_chosen_can_only_be_read() -> None:
    connector: Any = TCPConnector()
    for name in ("limit", "limit_per_host", "force_close", "closed"):
        with pytest.raises(AttributeError):
            setattr(connector, name, 1)


def test_idleness_by_default() -> None:
    assert (TCPConnector()._keepalive_timeout, UnixConnector("/s")._keepalive_timeout) == (15, 30)


def test_schemes() -> None:
    assert {"", "http", "https", "ws", "wss"} == BaseConnector.allowed_protocol_schema_set
    assert TCPConnector.allowed_protocol_schema_set - BaseConnector.allowed_protocol_schema_set == {"tcp"}


def test_base_is_abstract() -> None:
    with pytest.raises(TypeError):
        BaseConnector()  # type: ignore[abstract]  # what is tested


async def test_a_failed_attempt_frees_its_place() -> None:
    connector = Wired(limit=1, error=OSError("no"))
    for _ in range(3):
        with pytest.raises(OSError, match="no"):
            await lend(connector)
    assert connector._pool.open_count == 0


async def test_a_cancelled_attempt_frees_its_place_for_who_waits() -> None:
    connector = Wired(limit=1, turns=3)
    first = asyncio.create_task(lend(connector))
    second = asyncio.create_task(lend(connector))
    await asyncio.sleep(0)
    first.cancel()
    assert await second is connector.made[0]
    assert connector._pool.open_count == 1
    await connector.close()


async def test_what_is_taken_back_goes_to_who_waits() -> None:
    connector = Wired(limit=1)
    connection = await lend(connector)
    waiting = asyncio.create_task(lend(connector))
    await asyncio.sleep(0)
    connector.take_back(served(connection))
    assert await waiting is connection
    assert len(connector.made) == 1
    await connector.close()


async def test_a_grant_that_is_lost_on_the_way_costs_no_place() -> None:
    """The connection goes between the turn in which it is granted and that in which its new user wakes."""
    connector = Wired(limit=1)
    connection = await lend(connector)
    waiting = asyncio.create_task(lend(connector))
    await asyncio.sleep(0)
    connector.take_back(served(connection))
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
    connection = await lend(connector)
    waiting = asyncio.create_task(lend(connector))
    await asyncio.sleep(0)
    connector.take_back(served(connection))
    connection.channel.connection_lost(None)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert connector._pool.open_count == 0
    await connector.close()


async def test_a_grant_that_is_cancelled_goes_to_the_next() -> None:
    connector = Wired(limit=1)
    connection = await lend(connector)
    waiting = [asyncio.create_task(lend(connector)) for _ in range(3)]
    await asyncio.sleep(0)
    connector.take_back(served(connection))
    waiting[0].cancel()
    assert await waiting[1] is connection
    waiting[2].cancel()
    await asyncio.wait(waiting)
    assert connector._pool.open_count == 1
    await connector.close()


async def test_a_connection_on_its_way_out_is_not_kept() -> None:
    """Its transport is closing, and the loop will tell in its next turn."""
    connector = Wired()
    connection = served(await lend(connector))
    transport_of(connection).abort()
    connector.take_back(connection)
    assert connector._pool.idle == []
    assert connector._pool.open_count == 0
    await connector.close()


async def test_room_is_made_for_another_address() -> None:
    connector = Wired(limit=1)
    connection = await lend(connector)
    connector.take_back(served(connection))
    other = await lend(connector, THERE)
    assert transport_of(connection).ending == "closed"
    assert connector._connections == {other}
    await connector.close()


async def test_close_fails_who_waits_and_who_dials() -> None:
    connector = Wired(limit=2, turns=2)
    tasks = [asyncio.create_task(lend(connector)) for _ in range(4)]
    await asyncio.sleep(0)
    await connector.close()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(outcome, ClientConnectionError)
    assert all(transport_of(connection).ending for connection in connector.made)


async def test_close_is_done_at_the_call_and_can_be_repeated() -> None:
    connector = Wired()
    connector.take_back(served(await lend(connector)))
    closing = connector.close()
    assert connector.closed
    assert transport_of(connector.made[0]).ending == "closed"
    await closing
    await connector.close()
    assert not connector._connections


async def test_what_others_look_for() -> None:
    connector = Wired()
    idle, lent = await lend(connector), await lend(connector)
    connector.take_back(served(idle))
    lent.hold()
    assert connector._acquired == {lent}
    assert list(connector._conns) == [HERE]
    assert connector._conns[HERE] == [(idle.channel, idle.idle_since)]
    await connector.close()


async def test_a_plain_with_is_deprecated() -> None:
    connector = Wired()
    with pytest.warns(DeprecationWarning, match="async with") as warned:
        entered = connector.__enter__()
    assert warned[0].filename == __file__
    assert entered is connector
    connection = await lend(connector)
    connector.__exit__(None, None, None)
    assert connector.closed
    assert transport_of(connection).ending
    await asyncio.sleep(0)


async def test_it_can_be_entered() -> None:
    async with Wired() as connector:
        assert not connector.closed
        connection = await lend(connector)
    assert connector.closed
    assert transport_of(connection).ending == "closed"


# Loops


def test_it_is_made_outside_a_loop_and_belongs_to_the_first_that_uses_it() -> None:
    connector = Wired()

    async def use() -> None:
        connector.take_back(served(await lend(connector)))
        with pytest.raises(RuntimeError, match=r"the connector belongs to .*, and is used on"):
            await asyncio.to_thread(lambda: asyncio.run(lend(connector)))
        await connector.close()

    asyncio.run(use())


def test_connections_of_a_loop_that_is_closed_are_forgotten() -> None:
    connector = Wired(limit=1)
    first = asyncio.run(lend(connector))
    second = asyncio.run(lend(connector))
    assert first is not second
    assert connector._connections == {second}
    assert connector._pool.open_count == 1
    assert asyncio.run(_closed(connector))


async def _closed(connector: BaseConnector) -> bool:
    await connector.close()
    return connector.closed


def test_it_can_be_closed_when_its_loop_is_gone() -> None:
    connector = Wired()
    asyncio.run(lend(connector))
    asyncio.run(_closed(connector))
    assert connector.closed


async def test_one_that_is_forgotten_is_closed_with_a_warning() -> None:
    connector = Wired()
    connection = await lend(connector)
    connector.take_back(served(connection))
    connection.idle_deadline.stop()
    transport = transport_of(connection)
    unclosed = re.escape("Unclosed connector <Wired open: 1 connections, 1 idle, 0 waiting>")
    with pytest.warns(ResourceWarning, match=unclosed):
        connector.__del__()
    assert transport.ending == "closed"
    await asyncio.sleep(0)


async def test_one_without_connections_is_forgotten_in_peace() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Wired().__del__()
        connector = Wired()
        await lend(connector)
        await connector.close()
        connector.__del__()


async def test_repr_tells_how_it_stands() -> None:
    connector = Wired()
    connector.take_back(served(await lend(connector)))
    assert repr(connector) == "<Wired open: 1 connections, 1 idle, 0 waiting>"
    await connector.close()
    assert "closed" in repr(connector)
