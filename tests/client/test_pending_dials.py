"""Late binding: how the dials end, and that nothing is left of them."""

import asyncio
import gc
from collections import Counter
from random import Random
from typing import Any, cast

import pytest

from pronghorn import (
    ClientConnectionError,
    ClientConnectorError,
    ConnectionTimeoutError,
)
from pronghorn.client.connector import BaseConnector
from pronghorn.client.pending import PATIENCE
from pronghorn.client.pool_stats import CloseReason
from pronghorn.io.dial import Address

from ..functional.scripted import turns, until
from .switchboard import (
    ELSEWHERE,
    LONG,
    THERE,
    Switchboard,
    ask,
    at_once,
    cancelled,
    dialling,
    obtained,
    refused,
    switchboard,
)
from .wired import HERE, lend, served, transport_of

# For how long


async def test_it_is_given_up_when_its_first_owner_would_have(monkeypatch: pytest.MonkeyPatch) -> None:
    async with switchboard() as connector:
        now = asyncio.get_running_loop().time()
        await cancelled(await dialling(connector, sock_connect=12), await dialling(connector, THERE))
        dials = connector.sharing._pending
        assert dials[HERE].until == pytest.approx(now + 12, abs=1)
        assert dials[THERE].until == pytest.approx(now + PATIENCE, abs=1)
        assert PATIENCE == 30


async def test_then_its_place_is_free() -> None:
    async with switchboard() as connector:
        await cancelled(await dialling(connector, sock_connect=0.02))
        await until(lambda: connector.is_at_rest)
        assert connector.attempts[0].end.cancelled()
        assert connector.stats().closed == {CloseReason.NOT_CONNECTED: 1}


async def test_made_in_time_it_stays() -> None:
    told: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    async with switchboard() as connector:
        await cancelled(await dialling(connector, sock_connect=0.02))
        connection = connector.attempts[0].connect()
        await until(lambda: connector._pool.idle)
        await asyncio.sleep(0.04)  # the time is what is tested
        assert connector._pool.idle == [connection]
        assert connector._pool.open_count == 1
    assert told == []


async def test_with_an_owner_it_goes_on() -> None:
    async with switchboard() as connector:
        await cancelled(await dialling(connector, sock_connect=0.02))
        asking = ask(connector)
        await asyncio.sleep(0.04)  # the time is what is tested
        assert not connector.attempts[0].end.done()
        await cancelled(asking)
        await until(lambda: connector.is_at_rest), "left after its time, it ends at once"


async def test_ones_own_is_bounded_where_it_is_made() -> None:
    """A connector that does not look at ``sock_connect`` has no such limit, as without sharing."""
    async with switchboard() as connector:
        asking = await dialling(connector, sock_connect=0.01)
        await asyncio.sleep(0.03)  # the time is what is tested
        connection = connector.attempts[0].connect()
        assert await asking is connection


async def test_who_takes_it_over_has_its_own_time() -> None:
    async with switchboard() as connector:
        await cancelled(await dialling(connector, sock_connect=LONG))
        with pytest.raises(
            ConnectionTimeoutError, match=r"within 0\.02 s \(sock_connect\): connect, 192\.0\.2\.1:80"
        ):
            await ask(connector, sock_connect=0.02)
        connection = connector.attempts[0].connect()
        await until(lambda: connector._pool.idle == [connection])


# Failing


async def test_failed_without_an_owner_it_frees_its_place() -> None:
    told: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    for error in (OSError("no"), refused(), ZeroDivisionError()):
        async with switchboard() as connector:
            await cancelled(await dialling(connector))
            connector.attempts[0].fail(error)
            await until(lambda connector=connector: connector.is_at_rest)
            stats = connector.stats()
            assert (stats.created, dict(stats.closed)) == (0, {CloseReason.NOT_CONNECTED: 1})
            connector.attempts.clear()
    gc.collect()
    await turns()
    assert told == []


async def test_its_place_goes_to_who_waits() -> None:
    async with switchboard(limit=1) as connector:
        await cancelled(await dialling(connector))
        asking = ask(connector)
        await turns()
        waiting = ask(connector, THERE)
        await turns()
        connector.attempts[0].fail(refused())
        with pytest.raises(ClientConnectorError):
            await asking
        await until(lambda: len(connector.attempts) == 2)
        there = connector.attempts[1].connect()
        assert await waiting is there


async def test_who_began_it_gets_any_error() -> None:
    for error in (OSError("no"), refused(), ZeroDivisionError()):
        async with switchboard() as connector:
            asking = await dialling(connector)
            connector.attempts[0].fail(error)
            with pytest.raises(type(error)) as caught:
                await asking
            assert caught.value is error
            assert connector.is_at_rest


async def test_cancelled_from_inside() -> None:
    async with switchboard() as connector:
        asking = await dialling(connector)
        connector.attempts[0].end.cancel()
        await asyncio.wait([asking])
        assert asking.cancelled()
        assert connector.is_at_rest


async def test_who_takes_it_over_is_told_what_is_wrong_on_the_way() -> None:
    async with switchboard() as connector:
        await cancelled(await dialling(connector))
        asking = ask(connector)
        await turns()
        error = refused()
        connector.attempts[0].fail(error)
        with pytest.raises(ClientConnectorError) as caught:
            await asking
        assert caught.value is error
        assert len(connector.attempts) == 1
        assert connector.is_at_rest


@pytest.mark.parametrize(
    "error", [ConnectionTimeoutError("the first one's"), RuntimeError("a hook"), asyncio.CancelledError()]
)
async def test_or_dials_anew_where_that_was_the_first_ones(error: BaseException) -> None:
    async with switchboard(limit=1) as connector:
        await cancelled(await dialling(connector))
        asking = ask(connector)
        await turns()
        waiting = ask(connector)
        await turns()
        connector.attempts[0].fail(error)
        await until(lambda: len(connector.attempts) == 2)
        assert not waiting.done()
        connection = connector.attempts[1].connect()
        assert await asking is connection, "it has kept its place"
        stats = connector.stats()
        assert (stats.created, stats.waiting, dict(stats.closed)) == (1, 1, {CloseReason.NOT_CONNECTED: 1})
        await cancelled(waiting)


async def test_cancelled_before_it_dials_anew() -> None:
    async with switchboard() as connector:
        await cancelled(await dialling(connector))
        asking = ask(connector)
        await turns()
        claim = next(iter(connector.sharing._claims[HERE]))
        connector.attempts[0].fail(TimeoutError())
        await at_once(claim.granted.done)
        await cancelled(asking)
        assert connector.is_at_rest


async def test_what_is_no_connection_is_refused() -> None:
    async with switchboard() as connector:
        asking = await dialling(connector)
        connector.attempts[0].end.set_result(cast(Any, "a connection"))
        with pytest.raises(TypeError, match=r"^_create_connection: expected a ResponseHandler, got 'a conn"):
            await asking
        assert connector.is_at_rest
        await cancelled(await dialling(connector))
        connector.attempts[1].end.set_result(cast(Any, "a connection"))
        await until(lambda: connector.is_at_rest)


class Hasty(BaseConnector):
    def _create_connection(self, *arguments: Any) -> Any:
        raise refused()


async def test_what_fails_before_it_can_be_awaited() -> None:
    async with Hasty(share_dials=True, limit=1) as connector:
        for _ in range(2):
            with pytest.raises(ClientConnectorError):
                await lend(connector)
            assert connector._pool.open_count == 0


class Refused(ClientConnectorError):
    """Nobody else's."""


class Refusing(BaseConnector):
    async def _create_connection(self, *arguments: Any) -> Any:
        await asyncio.sleep(0)
        raise Refused(HERE, ConnectionRefusedError(111, "refused"))


@pytest.mark.parametrize("share_dials", [False, True])
async def test_no_cycle_keeps_what_has_failed(share_dials: bool) -> None:
    gc.collect()
    gc.disable()
    try:
        async with Refusing(share_dials=share_dials) as connector:
            with pytest.raises(Refused):
                await lend(connector)
            await turns()
            assert [one for one in gc.get_objects() if type(one) is Refused] == []
    finally:
        gc.enable()


# Closing


async def test_closing_ends_it_and_tells_who_has_it() -> None:
    async with switchboard() as connector:
        await cancelled(await dialling(connector), await dialling(connector, THERE))
        asking = ask(connector)
        own = await dialling(connector, ELSEWHERE)
        await turns()
        await connector.close()
        for task in (asking, own):
            with pytest.raises(ClientConnectionError, match="Connector is closed"):
                await task
        assert all(attempt.end.cancelled() for attempt in connector.attempts)
        assert connector.is_at_rest


async def test_closing_awaits_nothing() -> None:
    async with switchboard() as connector:
        await cancelled(await dialling(connector))
        connector.close()  # type: ignore[unused-awaitable]  # what is tested
        await until(lambda: connector.is_at_rest)
        assert connector.attempts[0].end.cancelled()


async def test_closing_as_it_is_made() -> None:
    async with switchboard() as connector:
        asking = await dialling(connector)
        connection = connector.attempts[0].connect()
        await asyncio.sleep(0)  # its task is done, and nobody has heard of it
        connector.close()  # type: ignore[unused-awaitable]  # what is tested
        with pytest.raises(ClientConnectionError, match="Connector is closed"):
            await asking
        assert transport_of(connection).ending == "aborted"


async def test_closing_as_somebody_is_granted_it() -> None:
    async with switchboard(limit=1) as connector:
        asking = await dialling(connector)
        waiting = ask(connector)
        await turns()
        asking.cancel()
        await at_once(lambda: not connector._pool.waiting_count)
        connector.close()  # type: ignore[unused-awaitable]  # what is tested
        with pytest.raises(ClientConnectionError, match="Connector is closed"):
            await waiting
        await until(lambda: connector.is_at_rest)


def test_another_loop_begins_anew() -> None:
    connector = Switchboard()

    async def leave() -> None:
        await cancelled(await dialling(connector))

    async def again() -> None:
        asking = await dialling(connector)
        connection = connector.attempts[-1].connect()
        assert await asking is connection
        assert connector._pool.open_count == 1
        await connector.close()

    asyncio.run(leave())
    asyncio.run(again())
    assert len(connector.attempts) == 2


# All together


async def user(connector: Switchboard, address: Address, rng: Random, held: Counter[Address]) -> None:
    """Has a connection for a while; or is cancelled, or told that there is none."""
    try:
        connection = await obtained(connector, address)
    except (ClientConnectorError, ConnectionTimeoutError):
        return
    held[address] += 1
    connection.hold()
    try:
        await turns(rng.randrange(6))
    finally:
        held[address] -= 1
        served(connection).hold()
        if rng.random() < 0.2:
            connection.abandon()
        else:
            connection.give_up_hold()


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_happens_places_add_up(seed: int) -> None:
    rng = Random(seed)
    limit, per_host = rng.choice((0, 2, 3)), rng.choice((0, 1, 2))
    held: Counter[Address] = Counter()
    users: list[asyncio.Task[None]] = []
    async with switchboard(limit=limit, limit_per_host=per_host) as connector:
        connector._bind()
        pool = connector.sharing

        def check() -> None:
            dials = [attempt for attempt in connector.attempts if not attempt.end.done()]
            assert not limit or pool.open_count <= limit
            assert sum(held.values()) + pool.idle_count <= pool.open_count
            for address in (HERE, THERE, ELSEWHERE):
                of = connector.stats().origins.get(address)
                assert of is None or not per_host or of.in_use + of.idle <= per_host
            assert len(pool._pending) <= 3
            assert pool.open_count <= len(connector._connections) + len(connector._opening) + len(users)
            assert len(dials) <= len(connector._opening)

        for _ in range(600):
            ending = [attempt for attempt in connector.attempts if not attempt.end.done()]
            choice = rng.random()
            if choice < 0.4:
                address = rng.choice((HERE, HERE, THERE, ELSEWHERE))
                users.append(asyncio.create_task(user(connector, address, rng, held)))
            elif choice < 0.55 and users:
                rng.choice(users).cancel()
            elif choice < 0.8 and ending:
                rng.choice(ending).connect()
            elif choice < 0.88 and ending:
                rng.choice(ending).fail(rng.choice((refused(), ConnectionTimeoutError())))
            await turns(rng.randrange(3))
            users[:] = [one for one in users if not one.done() or one.cancelled() or one.exception()]
            check()
        while any(not one.done() for one in users):
            for attempt in connector.attempts:
                if not attempt.end.done():
                    attempt.connect()
            await turns()
            check()
        assert all(one.cancelled() or one.exception() is None for one in users)
        for attempt in connector.attempts:
            if not attempt.end.done():
                attempt.connect()
        await turns(10)
        assert pool.open_count == pool.idle_count == len(connector._connections)
        assert not connector._opening
        assert (len(pool._pending), len(pool._claims), pool.waiting_count) == (0, 0, 0)
