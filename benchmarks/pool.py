"""What the pool's decisions cost, alone: no loop runs and nothing is sent. Prints a curve for each.

    PYTHONPATH=src python benchmarks/pool.py [--rounds 5] [--calls 10000]

Each call is timed by itself, less what timing costs. Of a round the median is taken, and the mean, which also
holds what happens now and then (a table that grows); of the rounds the median of each. Microseconds.
"""

import argparse
import asyncio
import gc
import sys
from collections.abc import Callable, Iterable, Iterator
from statistics import fmean, median
from time import perf_counter_ns
from typing import NamedTuple

from pronghorn.client.pool import Pool
from pronghorn.io.dial import Address

SIZES = (1, 100, 10_000)


class Connection:
    """All that the pool looks at."""

    __slots__ = ("address",)

    def __init__(self, address: Address) -> None:
        self.address = address


Places = Pool[Connection]
Waiter = asyncio.Future[Connection | None]
#: Does a thing so many times on a pool of such a size, and yields the nanoseconds of each.
Work = Callable[[int, int], Iterator[int]]

loop = asyncio.new_event_loop()


def address(number: int) -> Address:
    """As a request has it: equal to the pool's key, and another object."""
    return Address(f"host-{number}.example", 443, True)


def opened(pool: Places, number: int) -> Connection:
    if not pool.reserve(address(number)):
        raise RuntimeError("the pool is full")
    return Connection(address(number))


def waiting(pool: Places, number: int) -> Waiter:
    waiter: Waiter = loop.create_future()
    pool.wait(address(number), waiter)
    return waiter


def with_idle(size: int, limit: int = 0) -> Places:
    """One idle connection to each of ``size`` origins."""
    pool: Places = Pool(limit, 0)
    for number in range(size):
        pool.give_back(opened(pool, number))
    return pool


# Idle connections


def take_and_give(pool: Places, wanted: Iterable[Address]) -> Iterator[int]:
    for one in wanted:
        began = perf_counter_ns()
        connection = pool.take(one)
        if connection is not None:
            pool.give_back(connection)
        yield perf_counter_ns() - began


def same_origin(size: int, calls: int) -> Iterator[int]:
    return take_and_give(with_idle(size), (address(0) for _ in range(calls)))


def each_origin(size: int, calls: int) -> Iterator[int]:
    """In turn: with many, little of what is looked up is in the processor's cache."""
    return take_and_give(with_idle(size), (address(number % size) for number in range(calls)))


def one_deep_stack(size: int, calls: int) -> Iterator[int]:
    pool: Places = Pool(0, 0)
    for connection in [opened(pool, 0) for _ in range(size)]:
        pool.give_back(connection)
    return take_and_give(pool, (address(0) for _ in range(calls)))


def reserve_and_drop(size: int, calls: int) -> Iterator[int]:
    """Without keep-alive: the origin comes and goes with its connection."""
    pool = with_idle(size)
    wanted = address(size)
    for _ in range(calls):
        began = perf_counter_ns()
        pool.reserve(wanted)
        pool.drop(wanted)
        yield perf_counter_ns() - began


def make_room(size: int, calls: int) -> Iterator[int]:
    """A new origin at the limit: the longest idle connection goes."""
    pool = with_idle(size, limit=size)
    for number in range(size, size + calls):
        wanted = address(number)
        began = perf_counter_ns()
        pool.reserve(wanted)
        yield perf_counter_ns() - began
        pool.surplus()
        pool.give_back(Connection(wanted))


def lose_idle(size: int, calls: int) -> Iterator[int]:
    """Of one origin, in another order than they became idle."""
    pool: Places = Pool(0, 0)
    connections = [opened(pool, 0) for _ in range(size)]
    for connection in connections:
        pool.give_back(connection)
    for number in range(calls):
        at = number * 7919 % size
        began = perf_counter_ns()
        pool.forget(connections[at])
        yield perf_counter_ns() - began
        connections[at] = opened(pool, 0)
        pool.give_back(connections[at])


# Hand-over


def hand_over_one_origin(size: int, calls: int) -> Iterator[int]:
    pool: Places = Pool(1, 0)
    connection = opened(pool, 0)
    waiters = [waiting(pool, 0) for _ in range(size)]
    for number in range(calls):
        began = perf_counter_ns()
        pool.give_back(connection)
        yield perf_counter_ns() - began
        check(waiters[number % size])
        waiters[number % size] = waiting(pool, 0)


def hand_over_per_host(size: int, calls: int) -> Iterator[int]:
    """Each origin at its own limit and with a waiter: nobody passes, all but one are passed."""
    pool: Places = Pool(0, 1)
    connections = [opened(pool, number) for number in range(size)]
    waiters = [waiting(pool, number) for number in range(size)]
    for number in range(calls):
        at = number * 7919 % size
        began = perf_counter_ns()
        pool.give_back(connections[at])
        yield perf_counter_ns() - began
        check(waiters[at])
        waiters[at] = waiting(pool, at)


def hand_over_place(size: int, calls: int) -> Iterator[int]:
    """The limit is reached and each waits for another origin: the connection goes, its place is granted."""
    pool: Places = Pool(1, 0)
    connection = opened(pool, size)
    waiters = [waiting(pool, number) for number in range(size)]
    for number in range(calls):
        began = perf_counter_ns()
        pool.give_back(connection)
        yield perf_counter_ns() - began
        pool.surplus()
        at = number % size
        check(waiters[at])
        connection = Connection(address(at))
        waiters[at] = waiting(pool, at)


def drop_and_grant(size: int, calls: int) -> Iterator[int]:
    pool: Places = Pool(1, 0)
    opened(pool, size)
    held = address(size)
    waiters = [waiting(pool, number) for number in range(size)]
    for number in range(calls):
        began = perf_counter_ns()
        pool.drop(held)
        yield perf_counter_ns() - began
        at = number % size
        check(waiters[at])
        held = address(at)
        waiters[at] = waiting(pool, at)


def stop_in_the_middle(size: int, calls: int) -> Iterator[int]:
    pool: Places = Pool(1, 0)
    opened(pool, 0)
    waiters = [waiting(pool, 0) for _ in range(size)]
    for number in range(calls):
        at = (number + size // 2) % size
        began = perf_counter_ns()
        pool.stop_waiting(waiters[at])
        yield perf_counter_ns() - began
        waiters[at] = waiting(pool, 0)


def hand_over_past_cancelled(size: int, calls: int) -> Iterator[int]:
    """Nine of ten waiters are cancelled, and stay in the queue until they are met."""
    pool: Places = Pool(1, 0)
    connection = opened(pool, 0)
    waiters = [waiting(pool, 0) for _ in range(size)]
    kept = 0
    for number, waiter in enumerate(waiters):
        if number % 10 and number < size - 1:
            waiter.cancel()
    for _ in range(calls):
        began = perf_counter_ns()
        pool.give_back(connection)
        yield perf_counter_ns() - began
        while waiters[kept].cancelled():
            kept += 1
        check(waiters[kept])
        kept += 1
        for _ in range(9):
            waiters.append(waiting(pool, 0))
            waiters[-1].cancel()
        waiters.append(waiting(pool, 0))


def check(waiter: Waiter) -> None:
    if not waiter.done():
        raise RuntimeError("somebody was overtaken")


class Curve(NamedTuple):
    """A line of the table."""

    name: str
    work: Work
    across: str


CURVES = (
    Curve("take and give back, one origin", same_origin, "idle origins"),
    Curve("take and give back, each in turn", each_origin, "idle origins"),
    Curve("take and give back, one stack", one_deep_stack, "idle, one origin"),
    Curve("reserve and drop", reserve_and_drop, "idle, other origins"),
    Curve("make room at the limit", make_room, "idle origins"),
    Curve("lose an idle connection", lose_idle, "idle, one origin"),
    Curve("hand over a connection", hand_over_one_origin, "waiters, one origin"),
    Curve("hand over, limit per host", hand_over_per_host, "waiters, one each"),
    Curve("hand over a place", hand_over_place, "waiters, one each"),
    Curve("drop, and grant the place", drop_and_grant, "waiters, one each"),
    Curve("stop waiting in the middle", stop_in_the_middle, "waiters, one origin"),
    Curve("hand over past nine cancelled", hand_over_past_cancelled, "waiters, one origin"),
)


def timing_cost() -> float:
    """Nanoseconds that one measurement adds."""
    costs = []
    for _ in range(10_000):
        began = perf_counter_ns()
        costs.append(perf_counter_ns() - began)
    return median(costs)


def measure(curve: Curve, size: int, calls: int, rounds: int) -> tuple[float, float]:
    medians, means = [], []
    cost = timing_cost()
    for _ in range(rounds):
        gc.collect()
        gc.disable()
        try:
            times = list(curve.work(size, calls))
        finally:
            gc.enable()
        medians.append((median(times) - cost) / 1000)
        means.append((fmean(times) - cost) / 1000)
    return median(medians), median(means)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=10_000, help="how many of a round are timed")
    parser.add_argument("--only", default="", help="lines whose name holds this")
    options = parser.parse_args()
    print(f"Python {sys.version.split()[0]}; median (mean), us")
    print(f"{'':34}{'':22}" + "".join(f"{size:>16,}" for size in SIZES))
    for curve in CURVES:
        if options.only in curve.name:
            print(f"{curve.name:34}{curve.across:22}", end="", flush=True)
            for size in SIZES:
                middle, mean = measure(curve, size, options.calls, options.rounds)
                print(f"{f'{middle:.2f} ({mean:.2f})':>16}", end="", flush=True)
            print()


if __name__ == "__main__":
    main()
