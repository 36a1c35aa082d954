"""How long a connection may take, which limit counts for what, and what is said when one is over."""

import asyncio
from typing import Any

import pytest

from pronghorn import ConnectionTimeoutError, PoolTimeoutError
from pronghorn.client.timeouts import ClientTimeout

from ..functional.scripted import until
from .wired import Wired, lend, request_to, served

SHORT = 0.02
#: More than any test lasts.
LONG = 60


async def lent(connector: Wired, ago: float = 0.0, **timeout: float) -> float | None:
    """The seconds that are left of the total, of a request that began so long ago; its connection is idle."""
    start = asyncio.get_running_loop().time() - ago
    connection, left = await connector.lend(request_to(), ClientTimeout(**timeout), start)
    connector.take_back(served(connection))
    return left


class Stuck(Wired):
    """Connections to it are never made."""

    async def _create_connection(self, *arguments: Any) -> Any:
        await asyncio.Event().wait()


# What is left for the rest of the request


async def test_without_a_total_there_is_no_end() -> None:
    async with Wired() as connector:
        assert await lent(connector) is None
        assert await lent(connector, connect=LONG, sock_connect=LONG, pool=LONG) is None


async def test_the_total_counts_from_the_beginning() -> None:
    async with Wired() as connector:
        assert await lent(connector, total=LONG) == pytest.approx(LONG, abs=1)
        assert await lent(connector, 20, total=LONG) == pytest.approx(LONG - 20, abs=1)
        assert await lent(connector, 20, total=LONG, connect=5) == pytest.approx(LONG - 20, abs=1)


async def test_with_a_time_for_the_pool_it_counts_from_when_there_is_a_place() -> None:
    async with Wired() as connector:
        assert await lent(connector, 20, total=LONG, pool=5) == pytest.approx(LONG, abs=1)


async def test_there_is_always_something_left() -> None:
    """A connection that is there is lent, and the request then runs out of time."""
    async with Wired() as connector:
        await lent(connector)
        assert await lent(connector, 2 * LONG, total=LONG) == 0.001


async def test_waiting_counts_for_the_total() -> None:
    async with Wired(limit=1) as connector:
        held = await lend(connector)
        waiting = asyncio.create_task(lent(connector, 20, total=LONG))
        await until(lambda: connector._pool.waiting)
        connector.take_back(served(held))
        assert await waiting == pytest.approx(LONG - 20, abs=1)


async def test_and_does_not_where_the_pool_has_its_own() -> None:
    async with Wired(limit=1) as connector:
        held = await lend(connector)
        waiting = asyncio.create_task(lent(connector, 20, total=LONG, pool=LONG))
        await until(lambda: connector._pool.waiting)
        await asyncio.sleep(SHORT)  # the time is what is tested
        connector.take_back(served(held))
        left = await waiting
        assert left is not None
        assert LONG - SHORT < left <= LONG


# What is over


@pytest.mark.parametrize(
    ("timeout", "error", "name"),
    [
        ({"total": SHORT}, TimeoutError, "total"),
        ({"connect": SHORT}, ConnectionTimeoutError, "connect"),
        ({"pool": SHORT}, PoolTimeoutError, "pool"),
        (
            {"total": LONG, "connect": LONG, "sock_connect": SHORT / 2, "pool": SHORT},
            PoolTimeoutError,
            "pool",
        ),
        ({"total": SHORT, "connect": LONG}, TimeoutError, "total"),
        ({"total": LONG, "connect": SHORT}, ConnectionTimeoutError, "connect"),
    ],
)
async def test_while_waiting(timeout: dict[str, float], error: type[Exception], name: str) -> None:
    async with Wired(limit=1) as connector:
        await lend(connector)
        with pytest.raises(TimeoutError) as caught:
            await lent(connector, **timeout)
        assert type(caught.value) is error
        assert str(caught.value) == f"No connection to here:80 within {SHORT} s ({name}): pool"
        assert connector._pool.waiting == []
        assert connector._pool.open_count == 1


@pytest.mark.parametrize(
    ("timeout", "error", "name"),
    [
        ({"total": SHORT}, TimeoutError, "total"),
        ({"connect": SHORT}, ConnectionTimeoutError, "connect"),
        ({"total": SHORT, "pool": LONG}, TimeoutError, "total"),
        ({"connect": SHORT, "pool": LONG}, ConnectionTimeoutError, "connect"),
        ({"total": SHORT, "pool": SHORT / 10}, TimeoutError, "total"),
    ],
)
async def test_while_a_connection_is_made(
    timeout: dict[str, float], error: type[Exception], name: str
) -> None:
    async with Stuck(limit=1) as connector:
        for _ in range(2):  # its place was freed
            with pytest.raises(TimeoutError) as caught:
                await lent(connector, **timeout)
            assert type(caught.value) is error
            assert str(caught.value).startswith(f"No connection to here:80 within {SHORT} s ({name}): ")
        assert connector._pool.open_count == 0


async def test_a_total_that_was_over_before() -> None:
    async with Stuck() as connector:
        with pytest.raises(TimeoutError, match=rf"within {LONG} s \(total\)") as caught:
            await lent(connector, 2 * LONG, total=LONG)
        assert not isinstance(caught.value, ConnectionTimeoutError)


async def test_both_over_in_one_turn() -> None:
    async with Stuck() as connector:
        with pytest.raises(TimeoutError, match="No connection to here:80"):
            await lent(connector, total=SHORT, connect=SHORT)
        assert connector._pool.open_count == 0


@pytest.mark.parametrize("error", [TimeoutError("mine"), ConnectionTimeoutError("mine"), OSError("mine")])
async def test_what_a_connector_raises_is_not_taken_for_it(error: Exception) -> None:
    async with Wired(error=error) as connector:
        with pytest.raises(type(error)) as caught:
            await lent(connector, total=LONG, connect=LONG, sock_connect=LONG, pool=LONG)
        assert caught.value is error


async def test_who_is_cancelled_is_not_told_of_time() -> None:
    async with Stuck() as connector:
        task = asyncio.create_task(lent(connector, total=LONG, connect=LONG, pool=LONG))
        await until(lambda: connector._pool.open_count)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert connector._pool.open_count == 0


def test_errors_of_time_by_their_bases() -> None:
    assert issubclass(PoolTimeoutError, ConnectionTimeoutError)
    assert issubclass(ConnectionTimeoutError, TimeoutError)
