"""How long connections are kept, and what is told of why they were not."""

import asyncio
from typing import Any

import pytest

from pronghorn.client.connection import ClientConnection
from pronghorn.client.pool_stats import CloseReason
from pronghorn.client.terms import Terms
from pronghorn.io.dial import Address

from ..functional.scripted import turns, until
from .wired import HERE, NO_TIMEOUT, Wired, lend, served, transport_of

THERE = Address("there", 443, True)


async def answered(connector: Wired, *fields: str, address: Address = HERE) -> ClientConnection:
    """A connection that has served one request, whose answer had ``fields``."""
    connection = connector.take(address, may_be_stale=True) or await lend(connector, address)
    connection.begin(Terms(NO_TIMEOUT), None)
    connection.exchange.head("GET", "/", (("Host", "here"),), 0, body=b"")
    head = connection.expect_head()
    lines = "\r\n".join(["HTTP/1.1 200 OK", "Content-Length: 0", *fields, "", ""])
    connection.channel.data_received(lines.encode())
    await head
    return connection


def seconds(connection: ClientConnection) -> float:
    """For how long it may be idle."""
    return round(connection.idle_deadline.at - asyncio.get_running_loop().time(), 1)


def closed(connector: Wired) -> dict[CloseReason, int]:
    return dict(connector.stats().closed)


# What the server announces


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("timeout=7", 5),
        ("timeout=10", 8),
        # Up to five seconds deadlines are precise.
        ("timeout=6", 4),
        ("timeout=5", 4),
        ("timeout=2", 1),
        ("timeout=7, max=100", 5),
        ("max=100, timeout=7", 5),
        ("max=100,timeout=7", 5),
        ("max=100;timeout=7", 5),
        ("TimeOut=7", 5),
        ("timeout = 7", 5),
        (" timeout=7 ", 5),
        ('timeout="7"', 5),
        ("timeout=007", 5),
        ("timeout=7.9", 5),
        # More than the connector's own.
        ("timeout=17", 15),
        ("timeout=60", 15),
        ("timeout=999999999", 15),
        # Nothing that could be understood.
        ("timeout=9999999999", 15),
        ("", 15),
        ("timeout", 15),
        ("timeout=", 15),
        ("timeout=-7", 15),
        ("timeout=+7", 15),
        ("timeout=seven", 15),
        ("timeout=7s", 15),
        ("timeout=0x7", 15),
        ("timeout=1e1", 15),
        ("timeout=\xb7", 15),
        ("xtimeout=7", 15),
        ("max=7", 15),
        ("7", 15),
    ],
)
async def test_it_is_closed_before_the_server_does(field: str, expected: float) -> None:
    async with Wired() as connector:
        connection = await answered(connector, f"Keep-Alive: {field}")
        assert seconds(connection) == expected


@pytest.mark.parametrize("field", ["timeout=0", "timeout=1", "timeout=1, max=5"])
async def test_where_that_is_at_once_it_is_not_kept(field: str) -> None:
    async with Wired() as connector:
        connection = await answered(connector, f"Keep-Alive: {field}")
        assert transport_of(connection).ending == "closed"
        assert connector._pool.open_count == 0
        assert closed(connector) == {CloseReason.ASKED_TO_CLOSE: 1}


async def test_what_was_said_once_holds_until_something_else_is_said() -> None:
    async with Wired() as connector:
        for fields, expected in (
            (["Keep-Alive: timeout=7"], 5),
            ([], 5),
            (["Keep-Alive: timeout=9"], 7),
        ):
            assert seconds(await answered(connector, *fields)) == expected
        assert len(connector.made) == 1


async def test_for_ever_is_until_the_server_says_so() -> None:
    async with Wired(keepalive_timeout=None) as connector:
        assert not (await answered(connector)).idle_deadline.is_running
        assert seconds(await answered(connector, "Keep-Alive: timeout=60")) == 58


async def test_a_short_time_of_our_own_counts() -> None:
    async with Wired(keepalive_timeout=3) as connector:
        assert seconds(await answered(connector, "Keep-Alive: timeout=60")) == 3
        assert seconds(await answered(connector, "Keep-Alive: timeout=3")) == 2


async def test_it_begins_anew_with_each_use() -> None:
    async with Wired() as connector:
        connection = await answered(connector)
        first = connection.idle_deadline.at
        connector.take(HERE, may_be_stale=True)
        assert not connection.idle_deadline.is_running
        connector.take_back(served(connection))
        assert connection.idle_deadline.at >= first


# Why a connection was closed


async def test_idle_for_too_long() -> None:
    async with Wired(keepalive_timeout=0.01) as connector:
        connection = await answered(connector)
        await until(lambda: transport_of(connection).ending == "closed")
        await turns()
        assert closed(connector) == {CloseReason.IDLE_TIMEOUT: 1}
        assert connector._pool.open_count == 0


async def test_lost_while_idle() -> None:
    async with Wired() as connector:
        connection = await answered(connector)
        connection.channel.connection_lost(None)
        assert closed(connector) == {CloseReason.LOST: 1}


async def test_found_unusable() -> None:
    async with Wired() as connector:
        transport_of(await answered(connector)).ending = "closed"
        assert connector.take(HERE, may_be_stale=True) is None
        assert closed(connector) == {CloseReason.LOST: 1}


@pytest.mark.parametrize("options", [{"force_close": True}, {"keepalive_timeout": 0}])
async def test_closed_after_each_response(options: dict[str, Any]) -> None:
    async with Wired(**options) as connector:
        for count in (1, 2):
            await answered(connector)
            assert closed(connector) == {CloseReason.ASKED_TO_CLOSE: count}


async def test_the_server_asks_for_it() -> None:
    async with Wired() as connector:
        connection = await answered(connector, "Connection: close")
        assert transport_of(connection).ending == "closed"
        assert closed(connector) == {CloseReason.ASKED_TO_CLOSE: 1}


async def test_room_is_made() -> None:
    async with Wired(limit=2) as connector:
        oldest, other = await answered(connector), await answered(connector, address=THERE)
        await lend(connector, Address("elsewhere", 80))
        assert transport_of(oldest).ending == "closed"
        assert not transport_of(other).ending
        assert closed(connector) == {CloseReason.MADE_ROOM: 1}


async def test_an_exchange_that_is_left() -> None:
    async with Wired() as connector:
        connection = await lend(connector)
        connection.begin(Terms(NO_TIMEOUT), None)
        connection.abandon()
        await turns()
        assert closed(connector) == {CloseReason.ABANDONED: 1}


async def test_an_exchange_that_fails() -> None:
    async with Wired() as connector:
        connection = await lend(connector)
        connection.begin(Terms(NO_TIMEOUT), None)
        head = connection.expect_head()
        connection.channel.connection_lost(None)
        assert head.exception() is not None
        assert closed(connector) == {CloseReason.ABANDONED: 1}


async def test_none_that_never_was() -> None:
    async with Wired(error=OSError("no")) as connector:
        with pytest.raises(OSError, match="no"):
            await lend(connector)
        stats = connector.stats()
        assert (stats.created, dict(stats.closed)) == (0, {CloseReason.NOT_CONNECTED: 1})


@pytest.mark.parametrize("is_lent", [False, True], ids=["idle", "lent"])
async def test_the_connector_is_closed(is_lent: bool) -> None:
    connector = Wired()
    connection = await answered(connector)
    if is_lent:
        connector.take(HERE, may_be_stale=True)
        connection.begin(Terms(NO_TIMEOUT), None)
    await connector.close()
    assert closed(connector) == {CloseReason.CONNECTOR_CLOSED: 1}


async def test_what_is_told_of_each_origin() -> None:
    async with Wired(limit=3) as connector:
        await answered(connector)
        await lend(connector, THERE)
        stats = connector.stats()
        assert (stats.in_use, stats.idle, stats.waiting, stats.created, stats.reused) == (1, 1, 0, 2, 0)
        connector.take(HERE, may_be_stale=True)
        await lend(connector, THERE)
        waiting = asyncio.create_task(lend(connector, THERE._replace(ssl=False)))
        await until(lambda: connector._pool.waiting)
        stats = connector.stats()
        assert (stats.in_use, stats.idle, stats.waiting, stats.created, stats.reused) == (3, 0, 1, 3, 1)
        assert dict(stats.closed) == {}
        assert set(stats.origins) == {HERE, THERE}, "options of TLS are not told"
        here, there = stats.origins[HERE], stats.origins[THERE]
        assert (here.in_use, here.idle, here.waiting, here.created, here.reused) == (1, 0, 0, 1, 1)
        assert (there.in_use, there.idle, there.waiting, there.created) == (2, 0, 1, 2)
        waiting.cancel()
        await asyncio.wait([waiting])
