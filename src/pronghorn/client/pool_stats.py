"""What a pool tells of itself: counted as it happens, each time by an addition, and shown as a snapshot."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from types import MappingProxyType
from typing import Final, final

from ..io.dial import Address

#: Origins without a connection whose figures are still told apart.
_REMEMBERED: Final = 1000
#: The rest of an address that has neither TLS nor proxy options.
_NO_OPTIONS: Final = Address("", 0)[3:]


class CloseReason(StrEnum):
    """Why a place of the pool became free."""

    #: It was idle for as long as it may be.
    IDLE_TIMEOUT = "idle timeout"
    #: The peer closed it, or it broke, or it was found unusable.
    LOST = "lost"
    #: A response or `force_close` asked for it.
    ASKED_TO_CLOSE = "asked to close"
    #: It was the longest idle when another origin wanted a connection at the limit.
    MADE_ROOM = "made room"
    #: Its exchange failed, or was left before its end.
    ABANDONED = "abandoned"
    #: It never was one: connecting failed or was cancelled, or the place was not wanted any more.
    NOT_CONNECTED = "not connected"
    #: Its user has taken it away, and it may be open still.
    DETACHED = "detached"
    CONNECTOR_CLOSED = "connector closed"


@final
@dataclass(frozen=True, slots=True)
class OriginStats:
    """How one origin stands, and what has happened to it.

    ``created`` is the sum of ``in_use``, ``idle`` and ``closed``, without those that never were connected.
    """

    #: Connections that are lent out or being made.
    in_use: int
    idle: int
    waiting: int
    #: Connections made; one that is being made is counted already.
    created: int
    #: How often an idle connection, or one that had just become free, was used again.
    reused: int
    #: Reasons that have come up, and how often.
    closed: Mapping[CloseReason, int]


@final
@dataclass(frozen=True, slots=True)
class PoolStats:
    """As `OriginStats`, of all origins since the pool was made, and of each.

    ``origins`` holds those that have connections or waiters, and the last 1,000 of those that had. Its keys
    are a host, a port and whether TLS is spoken: options of TLS and proxies, which may be secret, are not
    told, and origins that differ only in these are one.
    """

    in_use: int
    idle: int
    waiting: int
    created: int
    reused: int
    closed: Mapping[CloseReason, int]
    origins: Mapping[Address, OriginStats]


@final
class Tally:
    """What has happened to the connections of an origin."""

    __slots__ = ("closed", "placed", "reused")

    def __init__(self) -> None:
        #: Places taken for new connections.
        self.placed = 0
        self.reused = 0
        self.closed: dict[CloseReason, int] = {}

    def add(self, other: "Tally") -> None:
        """Count here what ``other`` has counted."""
        self.placed += other.placed
        self.reused += other.reused
        for reason, count in other.closed.items():
            self.closed[reason] = self.closed.get(reason, 0) + count


@final
class Standing:
    """How an origin, or all, stand at one moment."""

    __slots__ = ("idle", "open", "tally", "waiting")

    def __init__(self) -> None:
        self.open = 0
        self.idle = 0
        self.waiting = 0
        self.tally = Tally()

    def add(self, opened: int, idle: int, waiting: int, tally: Tally) -> None:
        self.open += opened
        self.idle += idle
        self.waiting += waiting
        self.tally.add(tally)

    def stats(self) -> OriginStats:
        closed = self.tally.closed
        return OriginStats(
            in_use=self.open - self.idle,
            idle=self.idle,
            waiting=self.waiting,
            created=self.tally.placed - closed.get(CloseReason.NOT_CONNECTED, 0),
            reused=self.tally.reused,
            closed=MappingProxyType(closed),
        )


@final
class History:
    """Tallies of origins without connections: of the last 1,000 each, of those before them together."""

    __slots__ = ("_earlier", "_tallies")

    def __init__(self) -> None:
        #: In the order in which they lost their last connection.
        self._tallies: OrderedDict[Address, Tally] = OrderedDict()
        self._earlier = Tally()

    def resume(self, address: Address) -> Tally:
        """The tally to go on with, now that there will be connections to ``address``."""
        return self._tallies.pop(_origin(address), None) or Tally()

    def keep(self, address: Address, tally: Tally) -> None:
        """There are no connections to ``address`` any more."""
        origin = _origin(address)
        kept = self._tallies.setdefault(origin, tally)
        if kept is not tally:
            kept.add(tally)
            self._tallies.move_to_end(origin)
        elif len(self._tallies) > _REMEMBERED:
            self._earlier.add(self._tallies.popitem(last=False)[1])

    def stats(self, present: Iterable[tuple[Address, int, int, int, Tally]]) -> PoolStats:
        """A snapshot of what was, and of ``present``: addresses with how many are open, idle and waiting."""
        total = Standing()
        total.tally.add(self._earlier)
        standings: dict[Address, Standing] = {}
        past = ((address, 0, 0, 0, tally) for address, tally in self._tallies.items())
        for address, opened, idle, waiting, tally in chain(past, present):
            total.add(opened, idle, waiting, tally)
            standings.setdefault(_origin(address), Standing()).add(opened, idle, waiting, tally)
        whole = total.stats()
        return PoolStats(
            in_use=whole.in_use,
            idle=whole.idle,
            waiting=whole.waiting,
            created=whole.created,
            reused=whole.reused,
            closed=whole.closed,
            origins=MappingProxyType({address: standing.stats() for address, standing in standings.items()}),
        )


def _origin(address: Address) -> Address:
    """``address`` without options: to keep 1,000 SSLContexts would cost hundreds of megabytes."""
    return address if address[3:] == _NO_OPTIONS else Address(*address[:3])
