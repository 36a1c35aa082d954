"""The pool against its rules: whatever is asked of it, it does as a slow and obvious one does."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pronghorn.client.pool import Pool
from pronghorn.client.pool_stats import CloseReason
from pronghorn.io.dial import Address

ADDRESSES = (Address("a", 80), Address("b", 80), Address("b", 443, True), Address("c", 80))
REASONS = tuple(CloseReason)


@dataclass(eq=False)
class Named:
    address: Address


Waiter = asyncio.Future[Named | None]


@dataclass
class Rules:
    """What a pool has to do, without a thought for what it costs."""

    limit: int
    limit_per_host: int
    #: An address for each place that is taken.
    open: list[Address] = field(default_factory=list)
    #: The longest idle first.
    idle: list[Named] = field(default_factory=list)
    surplus: list[Named] = field(default_factory=list)
    #: In the order of asking.
    waiters: list[tuple[Waiter, Address]] = field(default_factory=list)
    #: What they got.
    granted: dict[Waiter, Named | None] = field(default_factory=dict)
    created: Counter[Address] = field(default_factory=Counter)
    reused: Counter[Address] = field(default_factory=Counter)
    closed: Counter[tuple[Address, CloseReason]] = field(default_factory=Counter)

    def is_full(self, address: Address) -> bool:
        return bool(self.limit_per_host) and self.open.count(address) >= self.limit_per_host

    def could_serve(self, address: Address) -> bool:
        """Something is there that a request for the address can use."""
        if any(connection.address == address for connection in self.idle):
            return True
        has_place = not self.limit or len(self.open) < self.limit or bool(self.idle)
        return has_place and not self.is_full(address)

    def take(self, address: Address) -> Named | None:
        for connection in reversed(self.idle):
            if connection.address == address:
                self.idle.remove(connection)
                self.reused[address] += 1
                return connection
        return None

    def reserve(self, address: Address) -> bool:
        if self.is_full(address):
            return False
        if self.limit and len(self.open) == self.limit:
            if not self.idle:
                return False
            oldest = self.idle.pop(0)
            self.surplus.append(oldest)
            self.close(oldest.address, CloseReason.MADE_ROOM)
        self.open.append(address)
        self.created[address] += 1
        return True

    def close(self, address: Address, reason: CloseReason) -> None:
        self.open.remove(address)
        self.closed[address, reason] += 1

    def settle(self) -> None:
        """Whoever can be served is, the first of them first."""
        self.waiters = [(waiter, address) for waiter, address in self.waiters if not waiter.cancelled()]
        for waiter, address in self.waiters:
            if self.could_serve(address):
                self.waiters.remove((waiter, address))
                self.granted[waiter] = self.take(address)
                if self.granted[waiter] is None:
                    self.reserve(address)
                self.settle()
                return


class Both:
    """A pool and its rules, used in the same way, and who uses them."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int, limit_per_host: int) -> None:
        self.loop = loop
        self.pool: Pool[Named] = Pool(limit, limit_per_host)
        self.rules = Rules(limit, limit_per_host)
        self.in_use: list[Named] = []
        #: Those who wait, as far as they know themselves.
        self.waiters: list[Waiter] = []
        self.addresses: dict[Waiter, Address] = {}
        self.closed: set[Named] = set()

    # What can be done; ``choice`` is any number, of which each makes something that exists.

    def take(self, choice: int) -> None:
        connection = self.pool.take(ADDRESSES[choice % 4])
        assert connection is self.rules.take(ADDRESSES[choice % 4])
        if connection is not None:
            self.in_use.append(connection)

    def reserve(self, choice: int) -> None:
        address = ADDRESSES[choice % 4]
        has_place = self.pool.reserve(address)
        assert has_place == self.rules.reserve(address)
        if has_place:
            self.in_use.append(Named(address))

    def wait(self, choice: int) -> None:
        waiter: Waiter = self.loop.create_future()
        self.waiters.append(waiter)
        self.addresses[waiter] = ADDRESSES[choice % 4]
        self.pool.wait(ADDRESSES[choice % 4], waiter)
        self.rules.waiters.append((waiter, ADDRESSES[choice % 4]))
        self.rules.settle()

    def cancel(self, choice: int) -> None:
        """The pool is not told yet."""
        if self.waiters:
            self.waiters[choice % len(self.waiters)].cancel()

    def stop(self, choice: int) -> None:
        if self.waiters:
            waiter = self.waiters.pop(choice % len(self.waiters))
            self.pool.stop_waiting(waiter)
            self.rules.waiters = [entry for entry in self.rules.waiters if entry[0] is not waiter]

    def give_back(self, choice: int) -> None:
        if self.in_use:
            connection = self.in_use.pop(choice % len(self.in_use))
            is_idle = self.pool.give_back(connection)
            self.rules.idle.append(connection)
            self.rules.settle()
            assert is_idle == (connection in self.rules.idle)

    def drop(self, choice: int) -> None:
        if self.in_use:
            address = self.in_use.pop(choice % len(self.in_use)).address
            reason = REASONS[choice % len(REASONS)]
            self.pool.drop(address, reason)
            self.rules.close(address, reason)
            self.rules.settle()

    def renew(self, choice: int) -> None:
        if self.in_use:
            address = self.in_use.pop(choice % len(self.in_use)).address
            self.in_use.append(Named(address))
            self.pool.renew(address, CloseReason.LOST)
            self.rules.closed[address, CloseReason.LOST] += 1
            self.rules.created[address] += 1

    def forget(self, choice: int) -> None:
        known = self.rules.idle + self.in_use
        if known:
            connection = known[choice % len(known)]
            is_idle = connection in self.rules.idle
            assert self.pool.forget(connection) == is_idle
            if is_idle:
                self.rules.idle.remove(connection)
                self.rules.close(connection.address, CloseReason.LOST)
                self.rules.settle()

    # What has to hold after each

    def check(self) -> None:
        pool, rules = self.pool, self.rules
        assert pool.idle == rules.idle
        assert pool.idle_count == len(rules.idle)
        assert pool.has_surplus == bool(rules.surplus)
        assert pool.surplus() == rules.surplus
        self.closed.update(rules.surplus)
        rules.surplus.clear()
        self._claim()
        self._check_places()
        waiting = [waiter for waiter in pool.waiting if not waiter.done()]
        assert waiting == [waiter for waiter, _ in rules.waiters if not waiter.done()]
        assert pool.waiting_count == len(pool.waiting)
        for waiter in waiting:
            assert not rules.could_serve(self.addresses[waiter]), "somebody waits for what is free"

    def _claim(self) -> None:
        """Whoever was granted something has it now."""
        for waiter in self.waiters:
            assert (waiter.done() and not waiter.cancelled()) == (waiter in self.rules.granted)
        for waiter, granted in self.rules.granted.items():
            assert waiter.result() is granted
            self.in_use.append(granted or Named(self.addresses[waiter]))
            self.waiters.remove(waiter)
        self.rules.granted.clear()

    def _check_places(self) -> None:
        """None is lost or held twice, and no limit is passed."""
        pool, rules = self.pool, self.rules
        held = [connection.address for connection in self.in_use + pool.idle]
        assert pool.open_count == len(held)
        assert Counter(held) == Counter(rules.open)
        assert len(set(self.in_use + pool.idle)) == len(held)
        assert not self.closed & set(self.in_use + pool.idle)
        assert not rules.limit or len(held) <= rules.limit
        assert not rules.limit_per_host or max(Counter(held).values(), default=0) <= rules.limit_per_host

    def check_stats(self) -> None:
        rules = self.rules
        stats = self.pool.stats()
        for address in ADDRESSES:
            closed = {reason: count for (of, reason), count in rules.closed.items() if of == address}
            never = closed.get(CloseReason.NOT_CONNECTED, 0)
            of = stats.origins.get(address)
            if of is None:
                assert not rules.created[address]
                continue
            idle = sum(connection.address == address for connection in rules.idle)
            assert of.idle == idle
            assert of.in_use == rules.open.count(address) - idle
            assert of.created == rules.created[address] - never
            assert of.reused == rules.reused[address]
            assert of.created == of.in_use + of.idle + sum(closed.values()) - never
            assert of.closed == closed
        assert stats.in_use == len(self.in_use)
        assert stats.idle == len(rules.idle)
        assert stats.waiting == self.pool.waiting_count
        assert stats.created == sum(of.created for of in stats.origins.values())
        assert stats.reused == sum(of.reused for of in stats.origins.values())

    def finish(self) -> None:
        """Everyone is served as soon as everything is given back."""
        for waiter in [waiter for waiter in self.waiters if waiter.cancelled()]:
            self.stop(self.waiters.index(waiter))
        while self.in_use:
            self.drop(0)
            self.check()
        assert not self.waiters
        for connection in self.pool.idle:
            self.pool.forget(connection)
        assert self.pool.open_count == 0
        assert not self.pool.waiting
        assert not self.pool._origins


Deed = Callable[[Both, int], None]

DEEDS: tuple[Deed, ...] = (
    Both.take,
    Both.reserve,
    Both.wait,
    Both.cancel,
    Both.stop,
    Both.give_back,
    Both.drop,
    Both.renew,
    Both.forget,
)
#: Mostly waiting and giving: that is where turns matter.
CROWDED: tuple[Deed, ...] = (
    (Both.wait,) * 6 + (Both.give_back,) * 3 + (Both.drop, Both.cancel, Both.stop, Both.reserve)
)
LIMITS = st.sampled_from((0, 1, 2, 3, 5))
CHOICES = st.integers(0, 59)


def steps(deeds: tuple[Deed, ...]) -> "st.SearchStrategy[list[tuple[Deed, int]]]":
    return st.lists(st.tuples(st.sampled_from(deeds), CHOICES), min_size=20, max_size=150)


@contextmanager
def both(limit: int, limit_per_host: int) -> Iterator[Both]:
    loop = asyncio.new_event_loop()
    try:
        yield Both(loop, limit, limit_per_host)
    finally:
        loop.close()


@pytest.mark.parametrize("deeds", [DEEDS, CROWDED], ids=["all", "crowded"])
def test_does_as_the_rules_say(deeds: tuple[Deed, ...]) -> None:
    @settings(derandomize=True, database=None, deadline=None, max_examples=400)
    @given(LIMITS, LIMITS, steps(deeds))
    def run(limit: int, limit_per_host: int, done: list[tuple[Deed, int]]) -> None:
        with both(limit, limit_per_host) as pools:
            for deed, choice in done:
                deed(pools, choice)
                pools.check()
            pools.check_stats()
            pools.finish()

    run()


@pytest.mark.parametrize("seed", range(5))
async def test_turns_among_many_origins(seed: int) -> None:
    """Whoever stays is served in the order of asking, however many others come and give up."""
    rng = Random(seed)
    pool: Pool[Named] = Pool(1, 0)
    held = ADDRESSES[0]
    assert pool.reserve(held)
    waiters: dict[Waiter, Address] = {}

    def wait(address: Address) -> Waiter:
        waiter: Waiter = asyncio.get_running_loop().create_future()
        pool.wait(address, waiter)
        return waiter

    def serve(count: int) -> None:
        nonlocal held
        for _ in range(count):
            pool.drop(held)
            first = next(iter(waiters))
            assert first.done()
            held = waiters.pop(first)
        assert pool.waiting == list(waiters)

    for _ in range(900):
        address = Address(f"host{rng.randrange(300)}", 80)
        waiters[wait(address)] = address
    serve(100)
    given_up = {Address(f"host{number}", 80) for number in range(300) if rng.random() < 0.6}
    for waiter, address in list(waiters.items()):
        if address in given_up:
            pool.stop_waiting(waiter)
            del waiters[waiter]
    for number in range(80):
        pool.stop_waiting(wait(Address(f"other{number}", 80)))
    serve(len(waiters))
