import asyncio
import socket
import sys
from types import MappingProxyType
from typing import Any

import pytest

from pronghorn.io.dns_cache import DnsCache

from ..functional.scripted import until
from ..worktime import LINEAR, growth
from .fakes import settle
from .resolving import Heard, Table, info, result


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


# What is kept


@pytest.mark.parametrize(("options", "seconds"), [({}, 10), ({"ttl": 2.5}, 2.5)])
async def test_answers_are_kept_for_a_while(options: dict[str, Any], seconds: float) -> None:
    resolver, clock = Table(), Clock()
    cache = DnsCache(resolver, clock=clock, **options)
    assert await cache.lookup("a.test", 80) == [info("192.0.2.1")]
    clock.now += seconds - 0.01
    assert await cache.lookup("a.test", 80) == [info("192.0.2.1")]
    assert resolver.asked == [("a.test", 80, socket.AF_UNSPEC)]
    clock.now += 0.01
    resolver.addresses = ("192.0.2.2",)
    assert await cache.lookup("a.test", 80) == [info("192.0.2.2")]
    assert len(resolver.asked) == 2


async def test_none_is_for_ever() -> None:
    resolver, clock = Table(), Clock()
    cache = DnsCache(resolver, ttl=None, clock=clock)
    await cache.lookup("a.test", 80)
    clock.now += 1e9
    await cache.lookup("a.test", 80)
    assert len(resolver.asked) == 1


@pytest.mark.parametrize("options", [{"ttl": 0}, {"is_caching": False}])
async def test_nothing_is_kept(options: dict[str, Any]) -> None:
    """But one look-up at a time serves all who wait."""
    resolver = Table()
    cache = DnsCache(resolver, **options)
    for asked in (1, 2):
        found = await asyncio.gather(*(cache.lookup("a.test", 80) for _ in range(10)))
        assert found == [[info("192.0.2.1")]] * 10
        assert len(resolver.asked) == asked
    assert dict(cache.entries) == {}


async def test_each_host_port_and_family_is_asked_for() -> None:
    resolver = Table("192.0.2.1", "2001:db8::1")
    cache = DnsCache(resolver)
    assert await cache.lookup("a.test", 80) == [info("192.0.2.1"), info("2001:db8::1")]
    assert await cache.lookup("a.test", 81) == [info("192.0.2.1", 81), info("2001:db8::1", 81)]
    assert await cache.lookup("b.test", 80, socket.AF_INET) == [info("192.0.2.1")]
    assert await cache.lookup("b.test", 80, socket.AF_INET6) == [info("2001:db8::1")]
    asked = list(resolver.asked)
    assert [family for *_, family in asked] == [0, 0, socket.AF_INET, socket.AF_INET6]
    await cache.lookup("b.test", 80, socket.AF_INET6)
    assert resolver.asked == asked


async def test_failures_are_not_kept() -> None:
    resolver = Table()
    cache = DnsCache(resolver)
    resolver.answer = socket.gaierror(socket.EAI_AGAIN, "a.test: try again")
    for _ in range(2):
        with pytest.raises(socket.gaierror, match="try again"):
            await cache.lookup("a.test", 80)
    resolver.answer = None
    assert await cache.lookup("a.test", 80)
    assert len(resolver.asked) == 3


async def test_the_longest_unused_makes_room() -> None:
    resolver = Table()
    cache = DnsCache(resolver, max_size=3)
    for host in ("a.test", "b.test", "c.test", "a.test", "d.test"):
        await cache.lookup(host, 80)
    assert list(cache.entries) == [("c.test", 80), ("a.test", 80), ("d.test", 80)]
    for number in range(2000):
        await cache.lookup(f"{number}.test", 80)
    assert len(cache.entries) == 3


async def test_what_is_asked_for_again_is_the_newest() -> None:
    resolver, clock = Table(), Clock()
    cache = DnsCache(resolver, max_size=2, clock=clock)
    for host, seconds in [("a.test", 6), ("b.test", 5), ("a.test", 1), ("c.test", 0)]:
        await cache.lookup(host, 80)
        clock.now += seconds
    assert list(cache.entries) == [("a.test", 80), ("c.test", 80)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ttl": -1}, "ttl: expected None or a number not below 0, got -1"),
        ({"ttl": float("nan")}, "ttl: expected .*, got nan"),
        ({"max_size": 0}, "max_size: expected a number above 0, got 0"),
    ],
)
def test_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DnsCache(Table(), **options)


async def test_what_is_known_can_be_looked_at() -> None:
    index, _ = socket.if_nameindex()[0]
    resolver, clock = Table("192.0.2.1", f"fe80::1%{index}"), Clock()
    cache = DnsCache(resolver, clock=clock)
    entries = cache.entries
    assert isinstance(entries, MappingProxyType)
    assert dict(entries) == {}
    await cache.lookup("a.test", 80)
    await cache.lookup("a.test", 80, socket.AF_INET)
    assert dict(entries) == {("a.test", 80): [result("192.0.2.1"), result(f"fe80::1%{index}")]}
    assert len(entries) == 1
    assert ("a.test", 80) in entries
    assert ("a.test", 81) not in entries
    assert "a.test" not in entries  # type: ignore[comparison-overlap]  # no key, and no error either
    with pytest.raises(TypeError):
        entries["a.test", 80] = []  # type: ignore[index]  # it is read-only
    clock.now += 10
    assert dict(entries) == {}
    with pytest.raises(KeyError):
        entries["a.test", 80]


async def test_clearing() -> None:
    resolver = Table()
    cache = DnsCache(resolver)
    for host, port, family in [("a.test", 80, 0), ("a.test", 80, 2), ("a.test", 81, 0), ("b.test", 80, 0)]:
        await cache.lookup(host, port, family)
    cache.clear("c.test", 80)
    assert len(cache.entries) == 3
    cache.clear("a.test", 80)
    assert list(cache.entries) == [("a.test", 81), ("b.test", 80)]
    cache.clear()
    assert list(cache.entries) == []
    for only in ({"host": "a.test"}, {"port": 80}):
        with pytest.raises(ValueError, match="host and port: expected both or neither, got "):
            cache.clear(**only)


async def test_what_is_cleared_while_it_is_asked_for_is_not_kept() -> None:
    """Who waits gets it all the same; who comes later does not."""
    resolver = Table()
    cache = DnsCache(resolver)
    resolver.may_answer.clear()
    first = asyncio.create_task(cache.lookup("a.test", 80))
    await until(lambda: resolver.asked)
    cache.clear("a.test", 80)
    second = asyncio.create_task(cache.lookup("a.test", 80))
    await until(lambda: len(resolver.asked) == 2)
    resolver.may_answer.set()
    assert await first == await second == [info("192.0.2.1")]
    assert len(cache.entries) == 1
    resolver.may_answer.clear()
    third = asyncio.create_task(cache.lookup("b.test", 80))
    await settle()
    cache.clear()
    resolver.may_answer.set()
    assert await third
    assert dict(cache.entries) == {}


# One look-up at a time


async def test_who_asks_meanwhile_waits_for_the_same() -> None:
    resolver = Table()
    cache = DnsCache(resolver)
    resolver.may_answer.clear()
    tasks = [asyncio.create_task(cache.lookup("a.test", 80)) for _ in range(100)]
    await settle()
    resolver.may_answer.set()
    assert await asyncio.gather(*tasks) == [[info("192.0.2.1")]] * 100
    assert len(resolver.asked) == 1


@pytest.mark.parametrize("error", [OSError("no such name"), LookupError("a bug")])
async def test_all_are_told_of_a_failure(error: Exception) -> None:
    resolver = Table()
    cache = DnsCache(resolver)
    resolver.may_answer.clear()
    resolver.answer = error
    tasks = [asyncio.create_task(cache.lookup("a.test", 80)) for _ in range(100)]
    await settle()
    resolver.may_answer.set()
    assert await asyncio.gather(*tasks, return_exceptions=True) == [error] * 100
    assert len(resolver.asked) == 1
    depth, traceback = 0, error.__traceback__
    while traceback is not None:
        depth, traceback = depth + 1, traceback.tb_next
    assert depth < 10, "it grows with nobody who is told"


async def test_cancelling_one_who_waits_harms_no_other() -> None:
    resolver = Table()
    cache = DnsCache(resolver)
    resolver.may_answer.clear()
    first, second, third = (asyncio.create_task(cache.lookup("a.test", 80)) for _ in range(3))
    await settle()
    first.cancel()
    third.cancel()
    await settle()
    assert first.cancelled()
    assert third.cancelled()
    assert resolver.cancelled == 0
    resolver.may_answer.set()
    assert await second == [info("192.0.2.1")]
    assert len(resolver.asked) == 1


async def test_cancelling_the_last_ends_the_look_up() -> None:
    resolver = Table()
    cache = DnsCache(resolver)
    resolver.may_answer.clear()
    tasks = [asyncio.create_task(cache.lookup("a.test", 80)) for _ in range(3)]
    await settle()
    for task in tasks:
        task.cancel()
    again = asyncio.create_task(cache.lookup("a.test", 80))
    await settle()
    assert resolver.cancelled == 1
    assert len(resolver.asked) == 2, "one who comes then does not wait for what is ended"
    resolver.may_answer.set()
    assert await again == [info("192.0.2.1")]


@pytest.mark.parametrize("turns", range(5))
async def test_cancelled_while_the_answer_comes(turns: int) -> None:
    resolver = Table()
    cache = DnsCache(resolver)
    resolver.may_answer.clear()
    first, second = (asyncio.create_task(cache.lookup("a.test", 80)) for _ in range(2))
    await settle()
    resolver.may_answer.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    first.cancel()
    assert await second == [info("192.0.2.1")]
    assert first.cancelled() or first.result() == [info("192.0.2.1")]
    assert len(resolver.asked) == 1


async def test_closed_before_the_resolver_is_asked() -> None:
    resolver = Table()
    cache = DnsCache(resolver)
    task = asyncio.create_task(cache.lookup("a.test", 80))
    await asyncio.sleep(0)
    cache.close()
    with pytest.raises(socket.gaierror):
        await task
    await settle()
    assert resolver.asked == []


async def test_an_answer_that_nobody_waits_for_is_not_kept(caplog: pytest.LogCaptureFixture) -> None:
    """A resolver that goes on when it is cancelled is let go on."""
    resolver = Table()
    cache = DnsCache(resolver)
    for answer in (None, OSError("nobody hears it")):
        resolver.answer = answer
        resolver.may_answer.clear()
        resolver.is_stubborn = True
        task = asyncio.create_task(cache.lookup("a.test", 80))
        await settle()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        resolver.may_answer.set()
        await settle()
        assert dict(cache.entries) == {}
    assert caplog.records == []


@pytest.mark.parametrize("is_stubborn", [False, True])
async def test_closing_ends_look_ups(is_stubborn: bool) -> None:
    resolver = Table()
    cache = DnsCache(resolver)
    await cache.lookup("b.test", 80)
    resolver.may_answer.clear()
    resolver.is_stubborn = is_stubborn
    tasks = [asyncio.create_task(cache.lookup("a.test", 80)) for _ in range(2)]
    await settle()
    cache.close()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(outcome, socket.gaierror)
        assert outcome.strerror == "a.test: the look-up was ended"
    assert resolver.cancelled == 1
    resolver.may_answer.set()
    await settle()
    assert dict(cache.entries) == {}
    assert await cache.lookup("a.test", 80), "it can be used again"
    cache.close()
    cache.close()


async def test_a_resolver_that_cancels_itself() -> None:
    """Who waits is not cancelled: nobody has asked for that."""
    resolver = Table()
    cache = DnsCache(resolver)
    resolver.answer = asyncio.CancelledError()
    with pytest.raises(socket.gaierror, match=r"a\.test: the look-up was ended"):
        await cache.lookup("a.test", 80)


def test_what_is_kept_is_the_same_on_every_loop() -> None:
    resolver = Table()
    cache = DnsCache(resolver)
    assert asyncio.run(cache.lookup("a.test", 80)) == asyncio.run(cache.lookup("a.test", 80))
    assert len(resolver.asked) == 1


def test_a_look_up_of_another_loop_is_not_waited_for() -> None:
    resolver = Table()
    cache = DnsCache(resolver)
    resolver.may_answer.clear()
    loop = asyncio.new_event_loop()
    task = loop.create_task(cache.lookup("a.test", 80))
    loop.run_until_complete(settle())
    resolver.may_answer.set()
    assert asyncio.run(cache.lookup("a.test", 80)) == [info("192.0.2.1")]
    loop.run_until_complete(task)
    assert len(resolver.asked) == 2
    resolver.may_answer.clear()
    task = loop.create_task(cache.lookup("b.test", 80))
    loop.run_until_complete(settle())
    under_way = asyncio.all_tasks(loop)
    loop.close()
    cache.close()
    resolver.may_answer = asyncio.Event()
    resolver.may_answer.set()
    assert asyncio.run(cache.lookup("b.test", 80)) == [info("192.0.2.1")]
    for left in under_way:
        left._log_destroy_pending = False  # type: ignore[attr-defined]  # its loop was closed, as is the point


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
async def test_tasks_that_start_at_once() -> None:
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    resolver, heard = Table(), Heard()
    cache = DnsCache(resolver)
    try:
        assert await cache.lookup("a.test", 80, listener=heard) == [info("192.0.2.1")]
        assert await cache.lookup("a.test", 80, listener=heard) == [info("192.0.2.1")]
        await settle()
        assert await cache.lookup("a.test", 80, listener=heard) == [info("192.0.2.1")]
    finally:
        loop.set_task_factory(None)
    assert len(resolver.asked) == 1
    assert heard.events == ["miss", "start", "end", "hit", "hit"]


# What it costs


@pytest.mark.timed
def test_giving_up_costs_each_the_same() -> None:
    def give_up(count: int) -> None:
        async def all_at_once() -> None:
            resolver = Table()
            cache = DnsCache(resolver)
            resolver.may_answer.clear()
            tasks = [asyncio.create_task(cache.lookup("a.test", 80)) for _ in range(count)]
            await settle()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run(all_at_once())

    assert growth(give_up, 5000) < LINEAR


@pytest.mark.timed
def test_hosts_that_are_never_asked_for_again_cost_each_the_same() -> None:
    def fill(count: int) -> None:
        async def one_after_the_other() -> None:
            cache = DnsCache(Table())
            for number in range(count):
                await cache.lookup(f"{number}.test", 80)
            if len(cache.entries) != 1000:
                raise AssertionError(f"expected the newest 1000, got {len(cache.entries)}")

        asyncio.run(one_after_the_other())

    assert growth(fill, 5000) < LINEAR
