"""Which connection a request gets: pure decisions over what is idle, open and waited for.

A connection is open from the moment that its place is reserved until it is dropped.
Places are limited in all and for each address. Who finds neither an idle connection
nor a place waits; places and connections are granted in the order of asking, to the
first who can use them, at the moment that they become free: nobody can overtake.
"""

import asyncio
from typing import Generic, Protocol, TypeVar, final

from ..io.dial import Address


class Poolable(Protocol):
    """What the pool needs of a connection."""

    @property
    def address(self) -> Address: ...


ConnectionT = TypeVar("ConnectionT", bound=Poolable)


@final
class Pool(Generic[ConnectionT]):
    """Idle connections by address, newest first, and places for new ones; 0 is no limit."""

    def __init__(self, limit: int, limit_per_host: int) -> None:
        self._limit = limit
        self._limit_per_host = limit_per_host
        self._idle: dict[Address, list[ConnectionT]] = {}
        #: In the order in which they became idle: the first is the one to give up.
        self._idle_order: dict[ConnectionT, None] = {}
        self._open: dict[Address, int] = {}
        #: Connections that are in use, idle or being made.
        self.open_count = 0
        self._surplus: list[ConnectionT] = []
        #: `surplus` has something to tell.
        self.has_surplus = False
        self._waiters: dict[asyncio.Future[ConnectionT | None], Address] = {}

    def take(self, address: Address) -> ConnectionT | None:
        """The idle connection to ``address`` that was used last, now in use."""
        idle = self._idle.get(address)
        if not idle:
            return None
        connection = idle.pop()
        del self._idle_order[connection]
        return connection

    def reserve(self, address: Address) -> bool:
        """Take a place for a new connection, if there is one or an idle connection can make room."""
        if self._is_full(address):
            return False
        if self._limit and self.open_count >= self._limit:
            oldest = next(iter(self._idle_order), None)
            if oldest is None:
                return False
            self._remove_idle(oldest)
            self._surplus.append(oldest)
            self.has_surplus = True
        self._open[address] = self._open.get(address, 0) + 1
        self.open_count += 1
        return True

    def wait(self, address: Address, waiter: "asyncio.Future[ConnectionT | None]") -> None:
        """Grant ``waiter`` a connection to ``address``, or a place (None), in its turn."""
        self._waiters[waiter] = address

    def stop_waiting(self, waiter: "asyncio.Future[ConnectionT | None]") -> None:
        """The waiter wants nothing any more."""
        self._waiters.pop(waiter, None)

    def give_back(self, connection: ConnectionT) -> bool:
        """A connection is free again; whether it is idle now, and not granted on."""
        address = connection.address
        if self._waiters:
            for waiter, wanted in self._waiters.items():
                if waiter.done():
                    continue
                if wanted == address:
                    del self._waiters[waiter]
                    waiter.set_result(connection)
                    return False
                if not self._is_full(wanted):
                    break  # it asked first, and this connection can make room for it
        idle = self._idle.get(address)
        if idle is None:
            idle = self._idle[address] = []
        idle.append(connection)
        self._idle_order[connection] = None
        if self._waiters:
            # Someone may wait for another address, with this connection in the way.
            self._grant()
        return connection in self._idle_order

    def drop(self, address: Address) -> None:
        """A place is free: its connection was closed, or never came about."""
        self._free_place(address)
        if self._waiters:
            self._grant()

    def forget(self, connection: ConnectionT) -> bool:
        """An idle connection is gone; False if it was not idle."""
        if connection not in self._idle_order:
            return False
        self._remove_idle(connection)
        if self._waiters:
            self._grant()
        return True

    def surplus(self) -> list[ConnectionT]:
        """Connections that had to make room, to be closed now; each is told once."""
        surplus, self._surplus = self._surplus, []
        self.has_surplus = False
        return surplus

    @property
    def idle(self) -> list[ConnectionT]:
        """The idle connections, the longest idle first."""
        return list(self._idle_order)

    @property
    def waiting(self) -> list["asyncio.Future[ConnectionT | None]"]:
        """Those who wait, in order."""
        return list(self._waiters)

    def _is_full(self, address: Address) -> bool:
        return bool(self._limit_per_host) and self._open.get(address, 0) >= self._limit_per_host

    def _grant(self) -> None:
        """Give free places to those who wait, in order, as far as they go."""
        for waiter, address in list(self._waiters.items()):
            if self._limit and self.open_count >= self._limit and not self._idle_order:
                return
            if not waiter.done() and self.reserve(address):
                del self._waiters[waiter]
                waiter.set_result(None)

    def _remove_idle(self, connection: ConnectionT) -> None:
        del self._idle_order[connection]
        self._idle[connection.address].remove(connection)
        self._free_place(connection.address)

    def _free_place(self, address: Address) -> None:
        self.open_count -= 1
        left = self._open[address] - 1
        if left:
            self._open[address] = left
        else:
            del self._open[address]
            self._idle.pop(address, None)
