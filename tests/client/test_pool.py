"""Decisions over places and idle connections; the connections here are names with an address."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from pronghorn.client.pool import Pool
from pronghorn.client.pool_stats import CloseReason, OriginStats
from pronghorn.io.dial import Address

from ..worktime import LINEAR, growth

HERE = Address("here", 80)
THERE = Address("there", 80)
THIRD = Address("third", 80)


@dataclass(eq=False)
class Named:
    address: Address


Places = Pool[Named]


def make(limit: int = 0, limit_per_host: int = 0) -> Places:
    return Pool(limit, limit_per_host)


def opened(pool: Places, address: Address) -> Named:
    assert pool.reserve(address)
    return Named(address)


def waiter(pool: Places, address: Address) -> "asyncio.Future[Named | None]":
    future: asyncio.Future[Named | None] = asyncio.get_running_loop().create_future()
    pool.wait(address, future)
    return future


def test_zero_is_no_limit() -> None:
    pool = make()
    for _ in range(1000):
        assert pool.reserve(HERE)
    assert pool.open_count == 1000


def test_limit_counts_all_addresses() -> None:
    pool = make(limit=2)
    assert [pool.reserve(HERE), pool.reserve(THERE), pool.reserve(HERE)] == [True, True, False]


def test_limit_per_host_counts_one_address() -> None:
    pool = make(limit_per_host=1)
    assert [pool.reserve(HERE), pool.reserve(HERE), pool.reserve(THERE)] == [True, False, True]


def test_a_port_is_another_host() -> None:
    pool = make(limit_per_host=1)
    assert pool.reserve(HERE)
    assert pool.reserve(HERE._replace(port=81))
    assert pool.reserve(Address("here", 80, True))


def test_the_connection_that_was_used_last_is_taken_first() -> None:
    pool = make()
    first, second = opened(pool, HERE), opened(pool, HERE)
    pool.give_back(first)
    pool.give_back(second)
    assert [pool.take(HERE), pool.take(HERE), pool.take(HERE)] == [second, first, None]


def test_a_connection_serves_its_own_address_only() -> None:
    pool = make()
    pool.give_back(opened(pool, HERE))
    assert pool.take(THERE) is None


def test_at_the_limit_the_longest_idle_makes_room() -> None:
    pool = make(limit=2)
    old, young = opened(pool, HERE), opened(pool, THERE)
    pool.give_back(old)
    pool.give_back(young)
    assert pool.reserve(THIRD)
    assert pool.surplus() == [old]
    assert pool.surplus() == [], "each is told once"
    assert pool.idle == [young]
    assert pool.open_count == 2


def test_below_the_limit_nothing_makes_room() -> None:
    pool = make(limit=3)
    pool.give_back(opened(pool, HERE))
    assert pool.reserve(THERE)
    assert pool.surplus() == []


def test_a_full_host_does_not_cost_others_their_idle_connections() -> None:
    pool = make(limit=2, limit_per_host=1)
    assert pool.reserve(HERE)
    pool.give_back(opened(pool, THERE))
    assert not pool.reserve(HERE)
    assert pool.surplus() == []


async def test_a_free_connection_goes_to_who_waits_longest() -> None:
    pool = make(limit=1)
    connection = opened(pool, HERE)
    first, second = waiter(pool, HERE), waiter(pool, HERE)
    assert not pool.give_back(connection), "granted, not idle"
    assert first.result() is connection
    assert not second.done()
    assert pool.take(HERE) is None


async def test_who_waits_for_another_address_is_not_overtaken() -> None:
    pool = make(limit=1)
    connection = opened(pool, HERE)
    first, second = waiter(pool, THERE), waiter(pool, HERE)
    pool.give_back(connection)
    assert first.done(), "asked first, and the connection can make room"
    assert first.result() is None
    assert not second.done()
    assert pool.surplus() == [connection]
    assert pool.open_count == 1


async def test_who_waits_for_a_full_host_is_passed() -> None:
    pool = make(limit=2, limit_per_host=1)
    assert pool.reserve(HERE)
    connection = opened(pool, THERE)
    first, second = waiter(pool, HERE), waiter(pool, THERE)
    pool.give_back(connection)
    assert not first.done()
    assert second.result() is connection


async def test_places_are_granted_in_order() -> None:
    pool = make(limit=1)
    assert pool.reserve(HERE)
    waiters = [waiter(pool, HERE) for _ in range(5)]
    for turn in range(5):
        pool.drop(HERE)
        assert [future.done() for future in waiters] == [number <= turn for number in range(5)]
        assert pool.open_count == 1
        assert not pool.reserve(HERE), "nobody overtakes"


async def test_a_cancelled_waiter_is_passed() -> None:
    pool = make(limit=1)
    connection = opened(pool, HERE)
    first, second = waiter(pool, HERE), waiter(pool, HERE)
    first.cancel()
    pool.give_back(connection)
    assert second.result() is connection


async def test_who_stopped_waiting_is_forgotten() -> None:
    pool = make(limit=1)
    assert pool.reserve(HERE)
    first = waiter(pool, HERE)
    pool.stop_waiting(first)
    pool.stop_waiting(first)
    assert pool.waiting == []
    pool.drop(HERE)
    assert not first.done()
    assert pool.open_count == 0


@pytest.mark.parametrize("limits", [(1, 0), (0, 1)])
async def test_losing_an_idle_connection_frees_its_place(limits: tuple[int, int]) -> None:
    pool = make(*limits)
    connection = opened(pool, HERE)
    pool.give_back(connection)
    assert pool.forget(connection)
    assert not pool.forget(connection)
    assert pool.open_count == 0
    assert pool.take(HERE) is None
    assert pool.reserve(HERE)


def test_nothing_is_kept_of_hosts_that_are_done_with() -> None:
    pool = make()
    for number in range(100):
        address = Address(f"host{number}", 80)
        connection = opened(pool, address)
        pool.give_back(connection)
        pool.forget(connection)
    assert not pool._origins
    assert not pool._idle


def test_what_is_gone_is_not_taken() -> None:
    pool = make(limit=3)
    connections = [opened(pool, HERE) for _ in range(3)]
    for connection in connections:
        pool.give_back(connection)
    assert pool.forget(connections[1])
    assert pool.reserve(THERE)
    assert pool.reserve(THERE)
    assert pool.surplus() == [connections[0]]
    assert [pool.take(HERE), pool.take(HERE)] == [connections[2], None]


async def test_who_waits_for_what_is_free_has_it_at_once() -> None:
    """A grant may have been lost on the way, and something else become free meanwhile."""
    pool = make(limit_per_host=1)
    assert waiter(pool, HERE).result() is None
    assert pool.open_count == 1
    connection = Named(HERE)
    pool.give_back(connection)
    assert waiter(pool, HERE).result() is connection
    assert not waiter(pool, HERE).done()


async def test_room_is_made_for_who_waits_for_it_at_once() -> None:
    pool = make(limit=1)
    connection = opened(pool, HERE)
    pool.give_back(connection)
    assert waiter(pool, THERE).result() is None
    assert pool.surplus() == [connection]


async def test_who_waits_for_a_host_that_was_full_keeps_the_turn() -> None:
    """The first can use nothing as long as the host is full; once it is not, the first is first again."""
    pool = make(limit=2, limit_per_host=1)
    connection = opened(pool, HERE)
    assert pool.reserve(THERE)
    first, second, third = waiter(pool, HERE), waiter(pool, THIRD), waiter(pool, THIRD)
    pool.drop(THERE)
    assert [first.done(), second.done(), third.done()] == [False, True, False]
    pool.give_back(connection)
    assert first.result() is connection
    pool.drop(HERE)
    assert not third.done(), "its host is full now"
    pool.drop(THIRD)
    assert third.done()


async def test_a_host_that_loses_a_connection_to_others_stays_in_line() -> None:
    pool = make(limit=2, limit_per_host=2)
    connections = [opened(pool, HERE), opened(pool, HERE)]
    first, second = waiter(pool, THERE), waiter(pool, HERE)
    pool.give_back(connections[0])
    assert first.done(), "here is full, there is not, and the connection makes room"
    assert not second.done()
    pool.drop(THERE)
    assert second.result() is None
    assert pool.surplus() == [connections[0]]


async def test_an_idle_connection_that_goes_helps_nobody_who_waits() -> None:
    pool = make(limit_per_host=1)
    assert pool.reserve(HERE)
    waiting = waiter(pool, HERE)
    idle = opened(pool, THERE)
    pool.give_back(idle)
    assert pool.forget(idle)
    assert not waiting.done()


async def test_who_is_cancelled_need_not_say_so() -> None:
    pool = make(limit=1)
    assert pool.reserve(HERE)
    for address in (HERE, THERE, THIRD):
        waiter(pool, address).cancel()
    pool.drop(HERE)
    assert pool.waiting == []
    assert pool.open_count == 0
    assert not pool._origins


async def test_those_who_gave_up_weigh_nothing() -> None:
    """Nothing is ever granted, and everyone who waits runs out of patience."""
    pool = make(limit=1)
    assert pool.reserve(HERE)
    staying = waiter(pool, THERE)
    for number in range(5000):
        pool.stop_waiting(waiter(pool, Address(f"host{number}", 80)))
    assert pool.waiting == [staying]
    assert len(pool._origins) == 2
    assert len(pool._line) < 100
    pool.drop(HERE)
    assert staying.result() is None


async def test_an_origin_stands_in_line_once() -> None:
    pool = make(limit=1)
    assert pool.reserve(HERE)
    waiters = [waiter(pool, THERE) for _ in range(100)]
    assert len(pool._line) == 1
    for one in waiters:
        pool.drop(HERE if one is waiters[0] else THERE)
        assert one.done()


# What is told


async def test_counts_need_no_lists() -> None:
    pool = make(limit=2)
    for connection in (opened(pool, HERE), opened(pool, THERE)):
        pool.give_back(connection)
    assert (pool.idle_count, pool.waiting_count) == (2, 0)
    assert [pool.take(HERE) is None, pool.take(THERE) is None] == [False, False]
    waiters = [waiter(pool, HERE), waiter(pool, THERE)]
    assert (pool.idle_count, pool.waiting_count) == (0, 2)
    pool.stop_waiting(waiters[0])
    assert pool.waiting_count == 1


def stats_of(pool: Places, address: Address) -> tuple[int, int, int, int, int]:
    stats = pool.stats().origins[address]
    return stats.in_use, stats.idle, stats.waiting, stats.created, stats.reused


async def test_stats_tell_how_an_origin_stands() -> None:
    pool = make(limit=3)
    connections = [opened(pool, HERE) for _ in range(3)]
    assert stats_of(pool, HERE) == (3, 0, 0, 3, 0)
    pool.give_back(connections[0])
    assert stats_of(pool, HERE) == (2, 1, 0, 3, 0)
    assert pool.take(HERE) is connections[0]
    assert stats_of(pool, HERE) == (3, 0, 0, 3, 1)
    own, other = waiter(pool, HERE), waiter(pool, THERE)
    assert stats_of(pool, HERE) == (3, 0, 1, 3, 1)
    assert stats_of(pool, THERE) == (0, 0, 1, 0, 0)
    pool.give_back(connections[0])
    assert own.done()
    assert stats_of(pool, HERE) == (3, 0, 0, 3, 2), "handed over, and so used again"
    pool.give_back(connections[1])
    assert other.done()
    assert stats_of(pool, HERE) == (2, 0, 0, 3, 2)
    assert stats_of(pool, THERE) == (1, 0, 0, 1, 0)
    total = pool.stats()
    assert (total.in_use, total.idle, total.waiting, total.created, total.reused) == (3, 0, 0, 4, 2)
    assert total.closed == {CloseReason.MADE_ROOM: 1}


@pytest.mark.parametrize("reason", CloseReason)
def test_stats_tell_why_a_connection_was_closed(reason: CloseReason) -> None:
    pool = make()
    pool.give_back(opened(pool, HERE))
    pool.drop(opened(pool, HERE).address, reason)
    assert pool.stats().closed == {reason: 1}
    for connection in pool.idle:
        pool.forget(connection, reason)
    assert pool.stats().origins == {HERE: OriginStats(0, 0, 0, pool.stats().created, 0, {reason: 2})}


def test_what_is_lost_without_a_reason_is_lost() -> None:
    pool = make()
    idle = opened(pool, HERE)
    pool.drop(opened(pool, HERE).address)
    pool.give_back(idle)
    pool.forget(idle)
    pool.renew(opened(pool, HERE).address)
    assert pool.stats().closed == {CloseReason.LOST: 3}


def test_a_place_that_never_became_a_connection_is_none_created() -> None:
    pool = make()
    assert pool.reserve(HERE)
    pool.drop(HERE, CloseReason.NOT_CONNECTED)
    stats = pool.stats()
    assert (stats.in_use, stats.created, stats.closed) == (0, 0, {CloseReason.NOT_CONNECTED: 1})


def test_a_connection_that_is_made_anew_keeps_its_place() -> None:
    pool = make(limit=1)
    assert pool.reserve(HERE)
    pool.renew(HERE, CloseReason.LOST)
    assert pool.open_count == 1
    assert not pool.reserve(THERE)
    stats = pool.stats().origins[HERE]
    assert (stats.in_use, stats.created, stats.closed) == (1, 2, {CloseReason.LOST: 1})


def test_stats_of_an_origin_go_on_when_it_comes_back() -> None:
    pool = make()
    for _ in range(3):
        pool.give_back(opened(pool, HERE))
        pool.take(HERE)
        pool.drop(HERE)
    assert stats_of(pool, HERE) == (0, 0, 0, 3, 3)


def test_stats_of_past_origins_are_bounded_and_their_sum_is_not() -> None:
    pool = make()
    for number in range(1200):
        pool.drop(opened(pool, Address(f"host{number}", 80)).address)
    assert pool.reserve(HERE)
    stats = pool.stats()
    assert len(stats.origins) == 1001
    assert Address("host199", 80) not in stats.origins
    assert Address("host200", 80) in stats.origins
    assert stats.created == 1201
    assert stats.closed == {CloseReason.LOST: 1200}


# What it costs


def take_and_give(size: int) -> None:
    pool = make()
    for number in range(size):
        pool.give_back(opened(pool, Address(f"host{number}", 80)))
    for number in range(3 * size):
        connection = pool.take(Address(f"host{number % size}", 80))
        assert connection is not None
        pool.give_back(connection)


def make_room(size: int) -> None:
    pool = make(limit=size)
    for number in range(3 * size):
        pool.give_back(opened(pool, Address(f"host{number}", 80)))
        pool.surplus()


def lose_idle_ones(size: int) -> None:
    pool = make()
    connections = [opened(pool, HERE) for _ in range(size)]
    for connection in connections:
        pool.give_back(connection)
    for connection in sorted(connections, key=id):
        assert pool.forget(connection)


def hand_over(size: int) -> None:
    pool = make(limit=1)
    connection = opened(pool, HERE)
    waiters = [waiter(pool, HERE) for _ in range(size)]
    for one in waiters:
        pool.give_back(connection)
        assert one.result() is connection


def hand_over_at_full_hosts(size: int) -> None:
    pool = make(limit_per_host=1)
    connections = [opened(pool, Address(f"host{number}", 80)) for number in range(size)]
    waiters = [waiter(pool, connection.address) for connection in connections]
    for connection, one in zip(reversed(connections), reversed(waiters), strict=True):
        pool.give_back(connection)
        assert one.result() is connection


def grant_places(size: int) -> None:
    pool = make(limit=1)
    connection = opened(pool, HERE)
    waiters = [waiter(pool, Address(f"host{number}", 80)) for number in range(size)]
    for number, one in enumerate(waiters):
        pool.give_back(connection)
        assert one.done()
        connection = Named(Address(f"host{number}", 80))


def pass_the_cancelled(size: int) -> None:
    pool = make(limit=1)
    assert pool.reserve(HERE)
    waiters = [waiter(pool, HERE) for _ in range(size)]
    for one in waiters[1:-1]:
        one.cancel()
    for one in waiters[size // 2 : -1]:
        pool.stop_waiting(one)
    pool.drop(HERE)
    pool.drop(HERE)
    assert waiters[-1].done()


@pytest.mark.timed
@pytest.mark.parametrize(
    "work",
    [
        take_and_give,
        make_room,
        lose_idle_ones,
        hand_over,
        hand_over_at_full_hosts,
        grant_places,
        pass_the_cancelled,
    ],
)
async def test_the_cost_of_each_does_not_grow(work: Callable[[int], None]) -> None:
    assert growth(work, 5000) < LINEAR
