"""Late binding: who gets what, when a dial is left or a connection becomes free."""

import asyncio

import pytest

from pronghorn import (
    ClientConnectionError,
    ClientConnectorError,
    ConnectionTimeoutError,
    PoolTimeoutError,
    ServerDisconnectedError,
)
from pronghorn.client.pool import Pool
from pronghorn.client.pool_stats import CloseReason

from ..functional.scripted import turns, until
from .switchboard import (
    ELSEWHERE,
    LONG,
    THERE,
    ask,
    at_once,
    cancelled,
    dialling,
    established,
    obtained,
    refused,
    switchboard,
)
from .wired import HERE, served, transport_of

# Without it


async def test_by_default_a_dial_ends_with_its_request() -> None:
    async with switchboard(share_dials=False) as connector:
        assert type(connector._pool) is Pool
        asking = await dialling(connector)
        await cancelled(asking)
        assert connector.attempts[0].end.cancelled()
        assert connector._pool.open_count == 0


async def test_by_default_who_dials_waits_for_its_own() -> None:
    async with switchboard(share_dials=False) as connector:
        first = await established(connector)
        asking = await dialling(connector)
        connector.take_back(served(first))
        await turns()
        assert not asking.done()
        assert connector._pool.idle == [first]
        own = connector.attempts[-1].connect()
        assert await asking is own


# What becomes free while one dials


async def test_who_dials_takes_what_becomes_free() -> None:
    async with switchboard() as connector:
        first = await established(connector)
        asking = await dialling(connector)
        connector.take_back(served(first))
        assert await asking is first
        assert not first.is_promised
        assert not connector.attempts[-1].end.done(), "its dial goes on"
        second = connector.attempts[-1].connect()
        await until(lambda: connector._pool.idle == [second])
        assert second.idle_deadline.is_running
        assert await obtained(connector) is second
        stats = connector.stats()
        assert (stats.created, stats.reused, stats.in_use, dict(stats.closed)) == (2, 2, 2, {})


async def test_what_is_free_is_for_who_dialled_first() -> None:
    async with switchboard() as connector:
        first = await established(connector)
        askings = [await dialling(connector) for _ in range(3)]
        connector.take_back(served(first))
        assert await askings[0] is first
        await cancelled(askings[1])  # there is a pending dial already
        assert [attempt.end.cancelled() for attempt in connector.attempts[1:]] == [False, True, False]
        connector.take_back(served(first))
        assert await askings[2] is first
        assert connector._pool.open_count == 2


async def test_of_another_address_nothing_is_taken() -> None:
    async with switchboard() as connector:
        there = await established(connector, THERE)
        asking = await dialling(connector)
        connector.take_back(served(there))
        await turns()
        assert not asking.done()
        assert connector._pool.idle == [there]
        await cancelled(asking)


async def test_who_dials_comes_before_who_waits() -> None:
    async with switchboard(limit_per_host=2) as connector:
        first = await established(connector)
        asking = await dialling(connector)
        waiting = [ask(connector) for _ in range(2)]
        await turns()
        assert connector._pool.waiting_count == 2
        connector.take_back(served(first))
        assert await asking is first
        second = connector.attempts[-1].connect()
        assert await waiting[0] is second, "the dial was granted on"
        connector.take_back(served(second))
        assert await waiting[1] is second
        assert len(connector.attempts) == 2
        assert connector._pool.open_count == 2


async def test_a_place_that_another_waits_for_is_not_kept_for_a_dial() -> None:
    async with switchboard(limit=2) as connector:
        first = await established(connector)
        asking = await dialling(connector)
        waiting = ask(connector, THERE)
        behind = ask(connector)
        await turns()
        connector.take_back(served(first))
        assert await asking is first
        await until(lambda: len(connector.attempts) == 3)
        assert connector.attempts[1].end.cancelled()
        assert connector.attempts[2].request.address == THERE
        assert not behind.done()
        there = connector.attempts[2].connect()
        assert await waiting is there
        await cancelled(behind)
        closed = connector.stats().closed
        assert closed == {CloseReason.NOT_CONNECTED: 1}


async def test_it_is_lost_on_the_way() -> None:
    """Its place is kept, and dialled in; the dial that was left goes on beside."""
    async with switchboard() as connector:
        first = await established(connector)
        asking = await dialling(connector)
        connector.take_back(served(first))
        first.channel.connection_lost(None)
        await until(lambda: len(connector.attempts) == 3)
        third = connector.attempts[2].connect()
        assert await asking is third
        assert connector._pool.open_count == 2
        assert connector.stats().closed == {CloseReason.LOST: 1}


async def test_cancelled_as_it_is_granted_it_goes_to_the_next() -> None:
    async with switchboard() as connector:
        first = await established(connector)
        askings = [await dialling(connector) for _ in range(2)]
        connector.take_back(served(first))
        askings[0].cancel()
        assert await askings[1] is first
        assert askings[0].cancelled()
        assert connector._pool.open_count == 2
        assert [attempt.end.cancelled() for attempt in connector.attempts] == [False, False, True]


async def test_closed_as_it_is_granted_nothing_is_begun() -> None:
    async with switchboard() as connector:
        first = await established(connector)
        asking = await dialling(connector)
        connector.take_back(served(first))
        connector.close()  # type: ignore[unused-awaitable]  # what is tested
        with pytest.raises(ClientConnectionError, match="Connector is closed"):
            await asking
        assert len(connector.attempts) == 2


async def test_who_is_cancelled_in_the_same_turn_is_passed_over() -> None:
    async with switchboard() as connector:
        first = await established(connector)
        askings = [await dialling(connector) for _ in range(2)]
        askings[0].cancel()
        connector.take_back(served(first))
        assert await askings[1] is first
        assert askings[0].cancelled()


# A dial that was left


async def test_cancelled_it_goes_on_for_the_next() -> None:
    async with switchboard() as connector:
        await cancelled(await dialling(connector))
        assert connector.stats().in_use == 1
        asking = ask(connector)
        await turns()
        assert len(connector.attempts) == 1
        connection = connector.attempts[0].connect()
        assert await asking is connection
        stats = connector.stats()
        assert (stats.created, stats.reused, stats.in_use, dict(stats.closed)) == (1, 0, 1, {})


@pytest.mark.parametrize("name", ["connect", "total"])
async def test_out_of_time_it_goes_on(name: str) -> None:
    async with switchboard() as connector:
        with pytest.raises(TimeoutError, match=rf"within 0\.01 s \({name}\): connect, 192\.0\.2\.1:80"):
            await ask(connector, **{name: 0.01})
        asking = ask(connector)
        await turns()
        connection = connector.attempts[0].connect()
        assert await asking is connection
        assert len(connector.attempts) == 1


async def test_with_nobody_to_take_it_it_is_idle() -> None:
    async with switchboard(keepalive_timeout=7) as connector:
        await cancelled(await dialling(connector))
        connection = connector.attempts[0].connect()
        await until(lambda: connector._pool.idle)
        now = asyncio.get_running_loop().time()
        assert connection.idle_deadline.at == pytest.approx(now + 7, abs=1)
        assert await obtained(connector) is connection
        assert served(connection).may_repeat, "it may have gone stale, as any that was idle"


async def test_what_asks_to_be_closed_is() -> None:
    async with switchboard(force_close=True) as connector:
        await cancelled(await dialling(connector))
        connection = connector.attempts[0].connect()
        await until(lambda: connector.is_at_rest)
        assert transport_of(connection).ending == "closed"


async def test_there_is_one_for_each_address() -> None:
    async with switchboard() as connector:
        here = [await dialling(connector) for _ in range(3)]
        there = await dialling(connector, THERE)
        await cancelled(*here, there)
        await turns()
        assert [attempt.end.cancelled() for attempt in connector.attempts] == [False, True, True, False]
        assert connector._pool.open_count == 2
        assert connector.stats().closed == {CloseReason.NOT_CONNECTED: 2}


async def test_taken_over_and_left_again() -> None:
    async with switchboard() as connector:
        await cancelled(await dialling(connector))
        for _ in range(3):
            asking = ask(connector)
            await turns()
            await cancelled(asking)
        asking = ask(connector)
        await turns()
        connection = connector.attempts[0].connect()
        assert await asking is connection
        assert len(connector.attempts) == 1


async def test_only_one_takes_it_over() -> None:
    async with switchboard() as connector:
        await cancelled(await dialling(connector))
        askings = [ask(connector) for _ in range(2)]
        await until(lambda: len(connector.attempts) == 2)
        connections = [attempt.connect() for attempt in connector.attempts]
        assert await asyncio.gather(*askings) == connections


async def test_it_goes_to_who_waits_for_its_address() -> None:
    async with switchboard(limit=1) as connector:
        asking = await dialling(connector)
        waiting = [ask(connector, pool=LONG), ask(connector, THERE)]
        await turns()
        await cancelled(asking)
        await turns()
        assert connector._pool.waiting_count == 1
        connection = connector.attempts[0].connect()
        assert await waiting[0] is connection
        assert connector.stats().reused == 0
        await cancelled(waiting[1])


async def test_a_wait_for_the_pool_is_over_then() -> None:
    async with switchboard(limit=1) as connector:
        asking = await dialling(connector)
        waiting = ask(connector, pool=LONG, connect=0.02)
        await turns()
        await cancelled(asking)
        with pytest.raises(ConnectionTimeoutError, match=r"0\.02 s \(connect\)") as caught:
            await waiting
        assert not isinstance(caught.value, PoolTimeoutError)


async def test_cancelled_as_it_is_granted_the_dial_goes_to_the_next() -> None:
    async with switchboard(limit=1) as connector:
        asking = await dialling(connector)
        waiting = [ask(connector) for _ in range(2)]
        await turns()
        asking.cancel()
        await until(lambda: connector._pool.waiting_count == 1)
        waiting[0].cancel()
        await until(lambda: connector._pool.waiting_count == 0)
        connection = connector.attempts[0].connect()
        assert await waiting[1] is connection
        assert waiting[0].cancelled()


@pytest.mark.parametrize("is_cancelled", [False, True])
@pytest.mark.parametrize("end", ["connected", "failed", "freed"])
async def test_the_dial_ends_before_who_has_it_wakes(end: str, is_cancelled: bool) -> None:
    async with switchboard(limit=2) as connector:
        first = await established(connector)
        asking = await dialling(connector)
        waiting = ask(connector)
        await turns()
        asking.cancel()
        claims = connector.sharing._claims
        await at_once(lambda: [claim.dial.is_left for claim in claims[HERE]] == [True])
        claim = next(iter(claims[HERE]))
        if end == "freed":
            connector.take_back(served(first))
        else:
            attempt = connector.attempts[-1]
            attempt.connect() if end == "connected" else attempt.fail(refused())
            await at_once(claim.granted.done)
        if is_cancelled:
            waiting.cancel()
        await asyncio.wait([waiting])
        if is_cancelled:
            assert waiting.cancelled()
        elif end == "failed":
            assert isinstance(waiting.exception(), ClientConnectorError)
        else:
            assert (await waiting is first) is (end == "freed")
        if end == "freed":
            connector.attempts[-1].connect()
            await until(lambda: connector._pool.idle)
        expected = 1 if end == "failed" else 2
        assert connector._pool.open_count == expected


async def test_an_older_wait_for_its_place_comes_first() -> None:
    async with switchboard(limit=1) as connector:
        asking = await dialling(connector)
        waiting = [ask(connector, THERE), ask(connector)]
        await turns()
        await cancelled(asking)
        await until(lambda: len(connector.attempts) == 2)
        assert connector.attempts[0].end.cancelled()
        there = connector.attempts[1].connect()
        assert await waiting[0] is there
        await cancelled(waiting[1])


@pytest.mark.parametrize("is_left", [False, True])
async def test_lost_before_it_is_known(is_left: bool) -> None:
    """The server closes in the turn in which the dial is over."""
    async with switchboard() as connector:
        asking = await dialling(connector)
        if is_left:
            await cancelled(asking)
        connection = connector.attempts[0].connect()
        await asyncio.sleep(0)  # its task is done, and nobody has heard of it
        connection.channel.connection_lost(None)
        if not is_left:
            with pytest.raises(ServerDisconnectedError):
                await asking
        await until(lambda: connector.is_at_rest)
        assert not connector._connections


async def test_cancelled_as_it_is_made_and_lost() -> None:
    async with switchboard() as connector:
        asking = await dialling(connector)
        claim = next(iter(connector.sharing._claims[HERE]))
        connection = connector.attempts[0].connect()
        await at_once(claim.granted.done)
        connection.channel.connection_lost(None)
        await cancelled(asking)
        assert connector.is_at_rest
        assert not connector._connections


async def test_cancelled_as_it_is_made_it_is_idle() -> None:
    async with switchboard() as connector:
        asking = await dialling(connector)
        claim = next(iter(connector.sharing._claims[HERE]))
        connection = connector.attempts[0].connect()
        await at_once(claim.granted.done)
        await cancelled(asking)
        assert connector._pool.idle == [connection]


# Making room


async def test_it_makes_room_before_a_connection_does() -> None:
    async with switchboard(limit=2) as connector:
        first = await established(connector)
        connector.take_back(served(first))
        await cancelled(await dialling(connector, THERE))
        asking = await dialling(connector, ELSEWHERE)
        assert connector.attempts[1].end.cancelled()
        assert connector._pool.idle == [first]
        connection = connector.attempts[-1].connect()
        assert await asking is connection
        again = await dialling(connector, THERE)
        assert transport_of(first).ending == "closed"
        await cancelled(again)


async def test_it_makes_no_room_for_who_could_not_use_it() -> None:
    async with switchboard(limit=2, limit_per_host=1) as connector:
        first = await established(connector)
        await cancelled(await dialling(connector, THERE))
        waiting = ask(connector)
        await turns()
        assert not connector.attempts[-1].end.done()
        connector.take_back(served(first))
        assert await waiting is first


async def test_the_one_left_first_makes_room_first() -> None:
    async with switchboard(limit=2) as connector:
        for address in (HERE, THERE):
            await cancelled(await dialling(connector, address))
        asking = await dialling(connector, ELSEWHERE)
        assert [attempt.end.cancelled() for attempt in connector.attempts] == [True, False, False]
        await cancelled(asking)


async def test_made_as_it_makes_room_it_is_closed() -> None:
    async with switchboard(limit=1) as connector:
        await cancelled(await dialling(connector))
        connection = connector.attempts[0].connect()
        await asyncio.sleep(0)  # its task is done, and nobody has heard of it
        assert connector._pool.reserve(THERE)
        await turns()
        assert transport_of(connection).ending == "aborted"
        assert connector._pool.open_count == 1
        connector._pool.drop(THERE)
        assert connector.is_at_rest
