"""Decisions over places and idle connections; the connections here are names with an address."""

import asyncio
from dataclasses import dataclass

import pytest

from pronghorn.client.pool import Pool
from pronghorn.io.dial import Address

HERE = Address("here", 80)
THERE = Address("there", 80)


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
    assert pool.reserve(HERE._replace(ssl=True))


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
    assert pool.reserve(Address("third", 80))
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
    assert not pool._idle
    assert not pool._open
    assert not pool._idle_order
