"""What `DnsCache` tells of a look-up, and what becomes of it when who is told fails or hangs."""

import asyncio
from typing import Any

import pytest

from pronghorn.io.dns_cache import DnsCache

from .fakes import settle
from .resolving import Heard, Table, info


async def fail() -> None:
    raise LookupError("a listener's")


async def forever() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("options", "first", "joined", "later"),
    [
        ({}, ["miss", "start", "end"], ["hit"], ["hit"]),
        ({"ttl": 0}, ["miss", "start", "end"], ["hit"], ["miss", "start", "end"]),
        ({"is_caching": False}, ["start", "end"], ["start", "end"], ["start", "end"]),
    ],
)
async def test_what_listeners_are_told(
    options: dict[str, Any], first: list[str], joined: list[str], later: list[str]
) -> None:
    cache = DnsCache(Table(), **options)
    listeners = [Heard(), Heard(), Heard()]
    await asyncio.gather(*(cache.lookup("a.test", 80, listener=heard) for heard in listeners[:2]))
    await cache.lookup("a.test", 80, listener=listeners[2])
    assert [heard.events for heard in listeners] == [first, joined, later]


async def test_a_failure_has_no_end() -> None:
    resolver, heard = Table(), Heard()
    resolver.answer = OSError("no such name")
    with pytest.raises(OSError, match="no such name"):
        await DnsCache(resolver).lookup("a.test", 80, listener=heard)
    assert heard.events == ["miss", "start"]


@pytest.mark.parametrize("at", ["miss", "start"])
async def test_a_listener_is_told_before_the_resolver_is_asked(at: str) -> None:
    asked: list[int] = []
    resolver = Table()

    async def look() -> None:
        asked.append(len(resolver.asked))

    await DnsCache(resolver).lookup("a.test", 80, listener=Heard(at, look))
    assert asked == [0]


@pytest.mark.parametrize("at", ["miss", "start", "end"])
@pytest.mark.parametrize("do", [fail, forever])
async def test_a_listener_that_fails_or_hangs_is_felt_by_its_own_look_up_alone(at: str, do: Any) -> None:
    resolver = Table()
    cache = DnsCache(resolver)
    own = asyncio.create_task(cache.lookup("a.test", 80, listener=Heard(at, do)))
    other = asyncio.create_task(cache.lookup("a.test", 80))
    async with asyncio.timeout(5):
        assert await other == [info("192.0.2.1")]
        assert await cache.lookup("a.test", 80) == [info("192.0.2.1")]
    assert len(resolver.asked) == 1
    if do is fail:
        with pytest.raises(LookupError, match="a listener's"):
            await own
    else:
        assert not own.done()
        own.cancel()
        with pytest.raises(asyncio.CancelledError):
            await own


@pytest.mark.parametrize("at", ["miss", "start"])
async def test_a_listener_that_fails_ends_a_look_up_that_nobody_else_waits_for(at: str) -> None:
    resolver = Table()
    cache = DnsCache(resolver)
    resolver.may_answer.clear()
    with pytest.raises(LookupError):
        await cache.lookup("a.test", 80, listener=Heard(at, fail))
    await settle()
    assert resolver.cancelled == len(resolver.asked)
    resolver.may_answer.set()
    assert await cache.lookup("a.test", 80) == [info("192.0.2.1")]


@pytest.mark.parametrize("is_known", [False, True])
async def test_a_listener_that_fails_at_a_hit(is_known: bool) -> None:
    resolver = Table()
    cache = DnsCache(resolver)
    first = asyncio.create_task(cache.lookup("a.test", 80))
    if is_known:
        await first
    else:
        await asyncio.sleep(0)
    with pytest.raises(LookupError):
        await cache.lookup("a.test", 80, listener=Heard("hit", fail))
    assert await first == [info("192.0.2.1")]


async def test_a_hit_is_a_hit_whatever_happens_meanwhile() -> None:
    resolver = Table()
    cache = DnsCache(resolver)
    await cache.lookup("a.test", 80)

    async def clear() -> None:
        cache.clear()

    assert await cache.lookup("a.test", 80, listener=Heard("hit", clear)) == [info("192.0.2.1")]
    assert len(resolver.asked) == 1
