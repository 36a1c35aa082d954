"""Which connection a request gets: pure decisions over what is idle, open and waited for.

A connection is open from the moment that its place is reserved until it is dropped.
Places are limited in all and for each address. Who finds neither an idle connection
nor a place waits; places and connections are granted in the order of asking, to the
first who can use them, at the moment that they become free: nobody can overtake.

So nobody waits for what is free. While a connection is idle, none is waited for to its
address, and who waits for others is held up by the limit of their own address. Two
things follow. What becomes free serves one waiter at most. And when an idle connection
goes, nobody who waits can use its place, or the connection would have made room before.

Nothing goes through all origins or waiters: 10,000 of them cost about as much as one.
Whoever is free to use any place is found by a heap of origins that are below their own
limit, each once and at the ticket of its first waiter. An entry may be out of date, but
then its ticket is too low, never too high: it is put right when it comes up.
"""

import asyncio
import sys
from collections import OrderedDict
from heapq import heapify, heappop, heappush, heapreplace
from typing import Final, Generic, Protocol, TypeVar, final

from ..io.dial import Address
from .pool_stats import CloseReason, History, PoolStats, Tally

#: Entries that the heap may hold in vain before it is worth going through.
_SLACK: Final = 64


class Poolable(Protocol):
    """What the pool needs of a connection."""

    @property
    def address(self) -> Address: ...


ConnectionT = TypeVar("ConnectionT", bound=Poolable)


@final
class _Origin(Generic[ConnectionT]):
    """What is open, idle and waited for at one address; gone when it is none of them."""

    __slots__ = ("address", "idle", "is_lined_up", "open", "tally", "waiters")

    def __init__(self, address: Address, tally: Tally) -> None:
        self.address = address
        #: Connections that are in use, idle or being made.
        self.open = 0
        #: The one that was used last is the last.
        self.idle: dict[ConnectionT, None] = {}
        #: Their tickets, in order. Ordered, since a dict is slow to find its first after many have gone.
        self.waiters: OrderedDict[asyncio.Future[ConnectionT | None], int] = OrderedDict()
        #: It has its entry in the heap.
        self.is_lined_up = False
        self.tally = tally


class Pool(Generic[ConnectionT]):
    """Idle connections by address, newest first, and places for new ones; 0 is no limit."""

    def __init__(self, limit: int, limit_per_host: int) -> None:
        self._limit = limit or sys.maxsize
        self._limit_per_host = limit_per_host or sys.maxsize
        self._origins: dict[Address, _Origin[ConnectionT]] = {}
        #: In the order in which they became idle: the first is the one to give up.
        self._idle: OrderedDict[ConnectionT, _Origin[ConnectionT]] = OrderedDict()
        #: Connections that are in use, idle or being made.
        self.open_count = 0
        self._surplus: list[ConnectionT] = []
        #: `surplus` has something to tell.
        self.has_surplus = False
        #: In the order of their tickets.
        self._waiters: dict[asyncio.Future[ConnectionT | None], _Origin[ConnectionT]] = {}
        self._last_ticket = 0
        self._line: list[tuple[int, _Origin[ConnectionT]]] = []
        self._history = History()

    def take(self, address: Address) -> ConnectionT | None:
        """The idle connection to ``address`` that was used last, now in use."""
        origin = self._origins.get(address)
        if origin is None or not origin.idle:
            return None
        connection, _ = origin.idle.popitem()
        del self._idle[connection]
        origin.tally.reused += 1
        return connection

    def reserve(self, address: Address) -> bool:
        """Take a place for a new connection, if there is one or an idle connection can make room."""
        if self.open_count >= self._limit and not self._idle:
            return False
        origin = self._origins.get(address)
        if origin is None:
            origin = self._add(address)
        elif origin.open >= self._limit_per_host:
            return False
        self._take_place(origin)
        return True

    def wait(self, address: Address, waiter: "asyncio.Future[ConnectionT | None]") -> None:
        """Grant ``waiter`` a connection to ``address``, or a place (None), in its turn.

        That may be now, if what was full when it was last asked is so no more.
        """
        connection = self.take(address)
        if connection is not None or self.reserve(address):
            waiter.set_result(connection)
            return
        origin = self._origins.get(address) or self._add(address)
        self._last_ticket += 1
        origin.waiters[waiter] = self._last_ticket
        self._waiters[waiter] = origin
        self._line_up(origin)

    def stop_waiting(self, waiter: "asyncio.Future[ConnectionT | None]") -> None:
        """The waiter wants nothing any more."""
        origin = self._waiters.pop(waiter, None)
        if origin is not None:
            del origin.waiters[waiter]
            if not origin.open and not origin.waiters:
                self._remove(origin)

    def give_back(self, connection: ConnectionT) -> bool:
        """A connection is free again; whether it is idle now, and not granted on."""
        origin = self._origins[connection.address]
        if self._waiters and self._hand_over(origin, connection):
            return False
        origin.idle[connection] = None
        self._idle[connection] = origin
        return True

    def drop(self, address: Address, reason: CloseReason = CloseReason.LOST) -> None:
        """A place is free: its connection was closed, or never came about."""
        self._free_place(self._origins[address], reason)
        if self._waiters:
            first = self._first_in_line()
            if first is not None:
                self._take_place(first)
                self._serve(first, None)

    def renew(self, address: Address, reason: CloseReason = CloseReason.LOST) -> None:
        """A connection was closed, and who had it keeps the place for a new one."""
        tally = self._origins[address].tally
        tally.closed[reason] = tally.closed.get(reason, 0) + 1
        tally.placed += 1

    def forget(self, connection: ConnectionT, reason: CloseReason = CloseReason.LOST) -> bool:
        """An idle connection is gone; False if it was not idle."""
        origin = self._idle.pop(connection, None)
        if origin is None:
            return False
        del origin.idle[connection]
        self._free_place(origin, reason)
        return True

    def surplus(self) -> list[ConnectionT]:
        """Connections that had to make room, to be closed now; each is told once."""
        surplus, self._surplus = self._surplus, []
        self.has_surplus = False
        return surplus

    @property
    def idle(self) -> list[ConnectionT]:
        """The idle connections, the longest idle first."""
        return list(self._idle)

    @property
    def idle_count(self) -> int:
        """How many are idle."""
        return len(self._idle)

    @property
    def waiting(self) -> list["asyncio.Future[ConnectionT | None]"]:
        """Those who wait, in order."""
        return list(self._waiters)

    @property
    def waiting_count(self) -> int:
        """How many wait."""
        return len(self._waiters)

    def stats(self) -> PoolStats:
        """How the pool and its origins stand, and what has happened since it was made."""
        return self._history.stats(
            (address, origin.open, len(origin.idle), len(origin.waiters), origin.tally)
            for address, origin in self._origins.items()
        )

    # Granting

    def _hand_over(self, origin: _Origin[ConnectionT], connection: ConnectionT) -> bool:
        """Give a free connection to the first who can use it, or its place; False if nobody can."""
        waiter = self._first(origin)
        first = self._first_in_line()
        if first is not None and (waiter is None or self._line[0][0] < origin.waiters[waiter]):
            self._give_up(connection, origin)
            self._take_place(first)
            self._serve(first, None)
        elif waiter is not None:
            origin.tally.reused += 1
            self._serve(origin, connection)
        else:
            return False
        return True

    def _serve(self, origin: _Origin[ConnectionT], granted: ConnectionT | None) -> None:
        """Grant something to the first waiter of an origin, who is known to wait."""
        waiter, _ = origin.waiters.popitem(last=False)
        del self._waiters[waiter]
        waiter.set_result(granted)

    def _first(self, origin: _Origin[ConnectionT]) -> "asyncio.Future[ConnectionT | None] | None":
        """The first waiter of an origin who has not been cancelled."""
        while origin.waiters:
            waiter = next(iter(origin.waiters))
            if not waiter.done():
                return waiter
            self.stop_waiting(waiter)
        return None

    def _line_up(self, origin: _Origin[ConnectionT]) -> None:
        """Let the first waiter of an origin have the next place, in its turn, unless the origin is full."""
        if origin.is_lined_up or origin.open >= self._limit_per_host:
            return
        if len(self._line) > 2 * len(self._origins) + _SLACK:
            for _, other in self._line:
                other.is_lined_up = bool(other.waiters)
            self._line = [entry for entry in self._line if entry[1].is_lined_up]
            heapify(self._line)
        origin.is_lined_up = True
        heappush(self._line, (next(iter(origin.waiters.values())), origin))

    def _first_in_line(self) -> _Origin[ConnectionT] | None:
        """The origin of the first waiter who could use any place; its entry is the first of the heap."""
        line = self._line
        while line:
            ticket, origin = line[0]
            waiter = self._first(origin)
            if waiter is None or origin.open >= self._limit_per_host:
                heappop(line)
                origin.is_lined_up = False
            elif (now := origin.waiters[waiter]) != ticket:
                heapreplace(line, (now, origin))
            else:
                return origin
        return None

    # Places

    def _take_place(self, origin: _Origin[ConnectionT]) -> None:
        """Open a connection; at the limit, the one that has been idle longest makes room."""
        origin.open += 1
        origin.tally.placed += 1
        self.open_count += 1
        if self.open_count > self._limit:
            self._give_up(*self._idle.popitem(last=False))

    def _give_up(self, connection: ConnectionT, origin: _Origin[ConnectionT]) -> None:
        origin.idle.pop(connection, None)
        self._surplus.append(connection)
        self.has_surplus = True
        self._free_place(origin, CloseReason.MADE_ROOM)

    def _free_place(self, origin: _Origin[ConnectionT], reason: CloseReason) -> None:
        closed = origin.tally.closed
        closed[reason] = closed.get(reason, 0) + 1
        self.open_count -= 1
        origin.open -= 1
        if origin.waiters:
            self._line_up(origin)
        elif not origin.open:
            self._remove(origin)

    def _add(self, address: Address) -> _Origin[ConnectionT]:
        origin = self._origins[address] = _Origin(address, self._history.resume(address))
        return origin

    def _remove(self, origin: _Origin[ConnectionT]) -> None:
        del self._origins[origin.address]
        self._history.keep(origin.address, origin.tally)
