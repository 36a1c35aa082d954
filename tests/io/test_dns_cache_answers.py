"""What `DnsCache` makes of what a resolver says: it may be a user's own."""

import asyncio
import itertools
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from pronghorn.io.dial import dial
from pronghorn.io.dns_cache import DnsCache
from pronghorn.io.resolver import AsyncResolver

from ..functional.scripted import OK, scripted
from .dns_server import serving
from .resolving import Heard, Table, hosts, info, result

# An address is known


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("192.0.2.1", info("192.0.2.1")),
        ("2001:DB8:0::1", info("2001:db8::1")),
        ("fe80::1%7", info("fe80::1", scope=7)),
    ],
)
async def test_nobody_is_asked_for_an_address(host: str, expected: Any) -> None:
    resolver, heard = Table(), Heard()
    cache = DnsCache(resolver)
    assert await cache.lookup(host, 80, listener=heard) == [expected]
    assert (resolver.asked, heard.events, list(cache.entries)) == ([], [], [])
    with pytest.raises(socket.gaierror, match="another family"):
        await cache.lookup(host, 80, socket.AF_INET if ":" in host else socket.AF_INET6)


async def test_a_zone_is_the_name_or_the_number_of_an_interface() -> None:
    cache = DnsCache(Table())
    index, name = socket.if_nameindex()[0]
    for zone in (str(index), name):
        assert await cache.lookup(f"fe80::1%{zone}", 80) == [info("fe80::1", scope=index)]
    for zone in ("no-such-interface", str(2**32), "9" * 5000, "\0", "\u0661" * 12):
        with pytest.raises(socket.gaierror):
            await cache.lookup(f"fe80::1%{zone}", 80)


# Turns


A1, A2, A3 = "192.0.2.1", "192.0.2.2", "192.0.2.3"
B1, B2 = "2001:db8::1", "2001:db8::2"
LOCAL1, LOCAL2 = "fd00::1", "fd00::2"


@pytest.mark.parametrize(
    "orders",
    [
        [[A1], [A1]],
        [[A1, B1], [A1, B1]],
        [[A1, A2, A3], [A2, A3, A1], [A3, A1, A2], [A1, A2, A3]],
        [[B1, B2, A1, A2], [B2, B1, A2, A1], [B1, B2, A1, A2]],
        [[B1, A1, B2, A2, A3], [B2, A2, B1, A3, A1], [B1, A3, B2, A1, A2]],
        [[B1, B2, LOCAL1, A1], [B2, B1, LOCAL1, A1]],
        [[B1, LOCAL1, B2, LOCAL2], [B2, LOCAL2, B1, LOCAL1]],
        [["::ffff:192.0.2.1", A1], ["::ffff:192.0.2.1", A1]],
    ],
    ids=str,
)
async def test_those_of_one_kind_take_turns(orders: list[list[str]]) -> None:
    """What RFC 6724 puts first stays first: a family, and what is routed globally or locally."""
    cache = DnsCache(Table(*orders[0]))
    for order in orders:
        assert hosts(await cache.lookup("a.test", 80)) == order


async def test_who_waits_together_takes_turns_too() -> None:
    cache = DnsCache(Table(A1, A2, A3))
    found = await asyncio.gather(*(cache.lookup("a.test", 80) for _ in range(3)))
    assert list(map(hosts, found)) == [[A1, A2, A3], [A2, A3, A1], [A3, A1, A2]]


async def test_who_gets_a_list_may_change_it() -> None:
    cache = DnsCache(Table(A1, A2))
    for _ in range(2):
        found = await cache.lookup("a.test", 80)
        assert len(found) == 2
        found.clear()


# Bounds


def numbered() -> Iterator[str]:
    return (f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}" for number in itertools.count())


async def test_a_resolver_that_returns_too_much() -> None:
    addresses = list(itertools.islice(numbered(), 10_000))
    cache = DnsCache(Table(*addresses))
    assert hosts(await cache.lookup("a.test", 80)) == addresses[:64]
    assert len(cache.entries["a.test", 80]) == 64


async def test_each_address_is_kept_once() -> None:
    cache = DnsCache(Table(*[A1, A2] * 5000, "2001:DB8::1", B1, "2001:db8:0:0::1", B2))
    assert hosts(await cache.lookup("a.test", 80)) == [A1, A2, B1, B2]


# Rubbish


class Unprintable(dict[str, Any]):
    def __repr__(self) -> str:
        raise LookupError("no words")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("192.0.2.1", "the resolver: expected a list of ResolveResult, got '192.0.2.1'"),
        (0, "the resolver: expected a list of ResolveResult, got 0"),
        (result(A1), "the resolver: expected a list of ResolveResult, got {"),
        ((entry for entry in [result(A1)]), "the resolver: expected a list of ResolveResult, got <generator"),
        ([], "no address"),
        ([None], "expected a mapping, in the ResolveResult None"),
        (
            [(2, 1, 6, "", (A1, 80))],
            "expected a mapping, in the ResolveResult (2, 1, 6, '', ('192.0.2.1', 80))",
        ),
        ([{}], "host: expected an IP address, got None, in the ResolveResult {}"),
        (
            [{**result(A1), "host": "b.test"}],
            "host: expected an IP address, got 'b.test', in the ResolveResult {",
        ),
        ([{**result(A1), "host": "127.1"}], "host: expected an IP address, got '127.1'"),
        ([{**result(A1), "host": b"192.0.2.1"}], "host: expected an IP address, got b'192.0.2.1'"),
        ([{**result(A1), "host": A1 + "\0"}], "host: expected an IP address, got '192.0.2.1\\x00'"),
        (
            [{**result(A1), "family": socket.AF_INET6}],
            "family: expected <AddressFamily.AF_INET: 2>, got <Addr",
        ),
        (
            [{**result(B1), "family": socket.AF_INET}],
            "family: expected <AddressFamily.AF_INET6: 10>, got <Addr",
        ),
        ([{**result(A1), "family": "AF_INET"}], "family: expected <AddressFamily.AF_INET: 2>, got 'AF_INET'"),
        ([{"host": A1, "port": 80}], "family: expected <AddressFamily.AF_INET: 2>, got None"),
        ([{"host": A1, "family": socket.AF_INET}], "port: expected 0 to 65535, got None"),
        ([{**result(A1), "port": 65536}], "port: expected 0 to 65535, got 65536"),
        ([{**result(A1), "port": -1}], "port: expected 0 to 65535, got -1"),
        ([{**result(A1), "port": "80"}], "port: expected 0 to 65535, got '80'"),
        ([{**result(A1), "proto": "tcp"}], "proto: expected a number, got 'tcp'"),
        ([result(A1), result("fe80::1%no-such-interface")], "in the ResolveResult {"),
        ([result(A1), Unprintable()], "in the ResolveResult <Unprintable instance at"),
        ([{**result(A1), "host": "x" * 10_000_000}], "xxxxx...xxxxx"),
    ],
    ids=range(24),
)
async def test_answers_that_are_none(answer: Any, message: str) -> None:
    resolver = Table()
    resolver.answer = answer
    cache = DnsCache(resolver)
    with pytest.raises(socket.gaierror) as caught:
        await cache.lookup("a.test", 80)
    assert str(caught.value.strerror).startswith("a.test: ")
    assert message in str(caught.value.strerror)
    assert len(str(caught.value)) < 500
    assert dict(cache.entries) == {}


@pytest.mark.parametrize(
    "answer",
    [
        (result(A1, 81),),
        [{"host": A1, "port": 81, "family": 2, "proto": 6}],
        [{**result(A1, 81), "family": socket.AF_UNSPEC}],
        [{**result(A1, 81), "hostname": None, "flags": None, "more": 1}],
    ],
    ids=["a tuple", "numbers", "any family", "what nobody looks at"],
)
async def test_answers_that_will_do(answer: Any) -> None:
    """The port is the resolver's to choose."""
    resolver = Table()
    resolver.answer = answer
    cache = DnsCache(resolver)
    assert await cache.lookup("a.test", 80) == [info(A1, 81)]
    assert dict(cache.entries) == {("a.test", 80): [result(A1, 81)]}


async def test_a_protocol_is_the_resolvers_to_choose() -> None:
    resolver = Table()
    resolver.answer = [{"host": A1, "port": 80, "family": socket.AF_INET}, {**result(A2), "proto": 262}]
    assert [proto for _, _, proto, *_ in await DnsCache(resolver).lookup("a.test", 80)] == [0, 262]


async def test_a_family_that_nobody_asked_for_is_left_out() -> None:
    cache = DnsCache(Table(A1, B1))
    assert hosts(await cache.lookup("a.test", 80, socket.AF_INET6)) == [B1]
    cache = DnsCache(Table(A1))
    with pytest.raises(socket.gaierror, match=r"a\.test: no address"):
        await cache.lookup("a.test", 80, socket.AF_INET6)


# All of it


async def test_one_address_of_a_host_is_dead() -> None:
    """From a name server to a connection, in both orders."""
    async with scripted(OK) as listening, serving({"two.test": ["127.0.0.2", "127.0.0.1"]}) as server:
        resolver = AsyncResolver(nameservers=["127.0.0.1"], udp_port=server.port)
        cache = DnsCache(resolver)
        orders = []
        for _ in range(2):
            found = await cache.lookup("two.test", listening.port)
            orders.append(hosts(found))
            transport, _ = await dial(found, asyncio.Protocol)
            assert transport.get_extra_info("peername") == ("127.0.0.1", listening.port)
            transport.abort()
        assert orders[0] == orders[1][::-1]
        assert {name for name, _ in server.asked} == {"two.test"}
        with pytest.raises(socket.gaierror, match=r"nobody\.test"):
            await cache.lookup("nobody.test", listening.port)
        cache.close()
        await resolver.close()
