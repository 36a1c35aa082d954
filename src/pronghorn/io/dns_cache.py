"""Addresses of hosts, kept for a while, and asked for once at a time.

What is kept is bounded in every direction: so many names, the longest unused of which makes room; so many
addresses of each, however many a resolver returns; so many seconds. Failures are told and not kept.

A look-up belongs to nobody who asks: it runs in a task of its own, and whoever asks meanwhile waits for it,
too. Nothing that happens to one of them, a cancellation or a listener that hangs, is felt by the others. When
nobody waits any more, it is cancelled.
"""

import asyncio
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from operator import itemgetter
from reprlib import repr as shortened
from types import MappingProxyType
from typing import Any, Final, Protocol, final

from .resolver import AbstractResolver, AddressInfo, ResolveResult, literal, packed, unresolved

#: A kind of its own, beside the first three bits of an IPv6 address.
_IPV4: Final = -1
_NAME: Final = -2
_FAMILIES: Final = (socket.AF_UNSPEC, socket.AF_INET, socket.AF_INET6)
_FOREVER: Final = float("inf")
_MAX_ADDRESSES: Final = 64
_MAX_PORT: Final = 0xFFFF
_MAX_SCOPE: Final = 0xFFFF_FFFF

_Addresses = tuple[AddressInfo, ...]
#: Host, port and family.
_Key = tuple[str, int, int]


class Listener(Protocol):
    """Is told what happens to one look-up, and awaited where it happens; what it raises is raised there."""

    async def hit(self) -> None:
        """The addresses are known, or being asked for already."""

    async def miss(self) -> None:
        """The addresses are not known."""

    async def start(self) -> None:
        """The resolver is about to be asked."""

    async def end(self) -> None:
        """The resolver has answered with addresses."""


class DnsCache:
    """What ``resolver`` answers, kept for ``ttl`` seconds; None is for ever.

    At most ``max_size`` hosts are kept. Without ``is_caching`` none are, and nobody is told of hits and
    misses; those who ask for one host at a time still share one look-up. ``clock`` gives seconds. The
    resolver is the caller's to close. It belongs to no loop: what is kept is the same on all of them.
    """

    def __init__(
        self,
        resolver: AbstractResolver,
        *,
        ttl: float | None = 10.0,
        max_size: int = 1000,
        is_caching: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if ttl is not None and not ttl >= 0:
            raise ValueError(f"ttl: expected None or a number not below 0, got {ttl!r}")
        if max_size < 1:
            raise ValueError(f"max_size: expected a number above 0, got {max_size!r}")
        self._resolver = resolver
        self._ttl = _FOREVER if ttl is None else ttl
        self._max_size = max_size
        self._is_caching = is_caching
        self._clock = clock
        #: The longest unused first.
        self._answers: OrderedDict[_Key, _Answer] = OrderedDict()
        #: Those that can be joined.
        self._flights: dict[_Key, _Flight] = {}
        #: Those that were given up or cleared, too: a loop doesn't hold its tasks.
        self._all_flights: set[_Flight] = set()

    async def lookup(
        self, host: str, port: int, family: int = socket.AF_UNSPEC, listener: Listener | None = None
    ) -> list[AddressInfo]:
        """The addresses of ``host``, best first, each with ``port`` or what the resolver puts in its place.

        Who asks next gets those of one family and kind in turn: the first of them becomes the last. ``host``
        may be an address itself: nobody is asked for that, or told of it. Raises OSError if there is none, or
        if what the resolver returns is none; and what the resolver raises.
        """
        key = (host, port, family)
        answer = self._answers.get(key)
        if answer is not None:
            if self._clock() < answer.expires:
                self._answers.move_to_end(key)
                addresses = answer.take()
                if listener is not None:
                    await listener.hit()
                return addresses
            del self._answers[key]
        if (known := literal(host, port, family)) is not None:
            return _answer(key, [known]).take()
        return await self._ask(key, listener)

    @property
    def entries(self) -> MappingProxyType[tuple[str, int], list[ResolveResult]]:
        """What is known now, by host and port; a view."""
        return MappingProxyType(_Entries(self._answers, self._clock))

    def clear(self, host: str | None = None, port: int | None = None) -> None:
        """Forget all, or one ``host`` and ``port``. What is being asked for is not kept, either."""
        if (host is None) != (port is None):
            raise ValueError(f"host and port: expected both or neither, got {host!r} and {port!r}")
        # Who waits for a look-up still gets its answer; who comes now gets a new one.
        for kept in (self._answers, self._flights):
            for key in [key for key in kept if host is None or key[:2] == (host, port)]:
                del kept[key]

    def close(self) -> None:
        """Forget all, and end the look-ups that are under way with an OSError. It can be used again."""
        self.clear()
        for flight in self._all_flights:
            flight.end()

    async def _ask(self, key: _Key, listener: Listener | None) -> list[AddressInfo]:
        loop = asyncio.get_running_loop()
        flight = self._flights.get(key)
        if flight is None or flight.task.get_loop() is not loop:
            flight = self._start(key, loop)
            is_hit = False
        else:
            is_hit = self._is_caching
        waiter: asyncio.Future[None] = loop.create_future()
        flight.waiters[waiter] = None
        try:
            if listener is not None:
                if is_hit:
                    await listener.hit()
                else:
                    if self._is_caching:
                        await listener.miss()
                    await listener.start()
            await waiter
        finally:
            del flight.waiters[waiter]
            if not flight.waiters and not flight.task.done():
                if self._flights.get(key) is flight:
                    del self._flights[key]
                flight.end()
        if not flight.task.done() or flight.task.cancelled():
            raise unresolved(key[0], "the look-up was ended")
        addresses = flight.task.result().take()
        if listener is not None and not is_hit:
            await listener.end()
        return addresses

    def _start(self, key: _Key, loop: asyncio.AbstractEventLoop) -> "_Flight":
        task = loop.create_task(self._resolve(key))
        flight = self._flights[key] = _Flight(task)
        self._all_flights.add(flight)
        task.add_done_callback(partial(self._land, key, flight))
        return flight

    async def _resolve(self, key: _Key) -> "_Answer":
        host, port, family = key
        return _answer(key, await self._resolver.resolve(host, port, family=socket.AddressFamily(family)))

    def _land(self, key: _Key, flight: "_Flight", task: "asyncio.Task[_Answer]") -> None:
        self._all_flights.discard(flight)
        has_answer = not task.cancelled() and task.exception() is None
        # Unless it was given up or cleared meanwhile.
        if self._flights.get(key) is flight:
            del self._flights[key]
            if has_answer and self._is_caching:
                self._keep(key, task.result())
        flight.wake()

    def _keep(self, key: _Key, answer: "_Answer") -> None:
        answer.expires = self._clock() + self._ttl
        self._answers[key] = answer
        if len(self._answers) > self._max_size:
            self._answers.popitem(last=False)


@final
class _Flight:
    """A look-up under way, and who waits for it."""

    __slots__ = ("task", "waiters")

    def __init__(self, task: "asyncio.Task[_Answer]") -> None:
        self.task = task
        #: In the order in which they came, which is that of their turns.
        self.waiters: dict[asyncio.Future[None], None] = {}

    def end(self) -> None:
        """Cancel it, and keep nobody waiting until it has taken notice."""
        if self.task.get_loop().is_closed():
            return
        if not self.task.cancelling():
            self.task.cancel()
        self.wake()

    def wake(self) -> None:
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(None)


@final
class _Answer:
    """Addresses that are handed out in turn."""

    __slots__ = ("_turn", "addresses", "expires")

    def __init__(self, addresses: _Addresses, turn: Callable[[_Addresses], Any] | None) -> None:
        #: In the order for who asks next.
        self.addresses = addresses
        self._turn = turn
        #: On the clock of the cache.
        self.expires = 0.0

    def take(self) -> list[AddressInfo]:
        addresses = self.addresses
        if self._turn is not None:
            self.addresses = self._turn(addresses)
        return list(addresses)


@final
class _Entries(Mapping[tuple[str, int], list[ResolveResult]]):
    """The answers that have not expired, without the families that were asked for."""

    def __init__(self, answers: Mapping[_Key, _Answer], clock: Callable[[], float]) -> None:
        self._answers = answers
        self._clock = clock

    def __getitem__(self, key: tuple[str, int]) -> list[ResolveResult]:
        answers = [answer for asked, answer in self._fresh() if asked[:2] == key]
        if not answers:
            raise KeyError(key)
        # Asked for with one family and with any, an address is known twice.
        infos = dict.fromkeys(info for answer in answers for info in answer.addresses)
        return [_result(key[0], info) for info in infos]

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return iter(dict.fromkeys(key[:2] for key, _ in self._fresh()))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _fresh(self) -> list[tuple[_Key, _Answer]]:
        now = self._clock()
        return [(key, answer) for key, answer in self._answers.items() if now < answer.expires]


# What a resolver says, checked: it may be a user's own.


def _answer(key: _Key, found: object) -> _Answer:
    """The addresses of the family that was asked for, each once; OSError if there is none or one is none."""
    host, _, family = key
    if not isinstance(found, (list, tuple)):
        raise unresolved(host, f"the resolver: expected a list of ResolveResult, got {shortened(found)}")
    kinds: dict[AddressInfo, int] = {}
    for result in found:
        try:
            info, kind = _address_info(result, host)
        except (OSError, TypeError, ValueError) as error:
            raise unresolved(host, f"{error}, in the ResolveResult {shortened(result)}") from error
        if family in (socket.AF_UNSPEC, info[0]):
            kinds[info] = kind
            if len(kinds) == _MAX_ADDRESSES:
                break
    if not kinds:
        raise unresolved(host, "no address", socket.EAI_NONAME)
    return _Answer(tuple(kinds), _turn(list(kinds.values())))


def _address_info(result: object, asked: str) -> tuple[AddressInfo, int]:
    """The address, and its kind: those of one kind may take turns. TypeError or ValueError if it is none.

    The name that was ``asked`` for may come back: whoever dials in its own way, by a proxy, finds it there.
    """
    if not isinstance(result, Mapping):
        raise TypeError("expected a mapping")
    host, port, proto = result.get("host"), result.get("port"), result.get("proto", 0)
    if not isinstance(host, str) or ((octets := packed(host)) is None and host != asked):
        raise ValueError(f"host: expected an IP address, got {shortened(host)}")
    own = result.get("family")
    family = own if octets is None else socket.AF_INET if len(octets) == 4 else socket.AF_INET6
    # Resolvers that look at no family give back the one that they were asked for.
    if own not in (family, socket.AF_UNSPEC) or family not in _FAMILIES:
        raise ValueError(f"family: expected {family!r}, got {shortened(own)}")
    if not isinstance(port, int) or not 0 <= port <= _MAX_PORT:
        raise ValueError(f"port: expected 0 to {_MAX_PORT}, got {shortened(port)}")
    if not isinstance(proto, int):
        raise TypeError(f"proto: expected a number, got {shortened(proto)}")
    if octets is None:
        return (family, socket.SOCK_STREAM, proto, "", (host, port)), _NAME
    # As the system writes it, so that it can be found again by what `getpeername` says.
    address = socket.inet_ntop(family, octets)
    if family == socket.AF_INET:
        return (family, socket.SOCK_STREAM, proto, "", (address, port)), _IPV4
    scope = _scope(host.partition("%")[2])
    # RFC 6724 prefers by scope and label. What is routed globally begins with the bits 001 (RFC 4291 section
    # 2.4), what is not with 111: a turn among all would put what can't be reached in front.
    return (family, socket.SOCK_STREAM, proto, "", (address, port, 0, scope)), octets[0] >> 5


def _scope(zone: str) -> int:
    """The number of the interface (RFC 4007 section 11.2). OSError if there is none of that name."""
    if not zone:
        return 0
    scope = int(zone) if zone.isdecimal() else socket.if_nametoindex(zone)
    if scope > _MAX_SCOPE:
        raise ValueError(f"zone: expected 0 to {_MAX_SCOPE}, got {zone}")
    return scope


def _turn(kinds: Sequence[int]) -> Callable[[_Addresses], Any] | None:
    """What puts the next of each kind into the place of the one before; None if each is alone.

    The places of the kinds stay: Happy Eyeballs takes the first family from the first address.
    """
    places: dict[int, list[int]] = {}
    for place, kind in enumerate(kinds):
        places.setdefault(kind, []).append(place)
    if len(places) == len(kinds):
        return None
    order = list(range(len(kinds)))
    for own in places.values():
        for place, following in zip(own, own[1:] + own[:1], strict=True):
            order[place] = following
    return itemgetter(*order)


def _result(hostname: str, info: AddressInfo) -> ResolveResult:
    family, _, proto, _, (host, port, *rest) = info
    if any(rest):
        host = f"{host}%{rest[-1]}"
    return ResolveResult(
        hostname=hostname,
        host=host,
        port=port,
        family=family,
        proto=proto,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
