"""The storage model: which cookies may be kept, which are sent, and which have to go.

Cookies lie by domain, so that a request looks at those of its host and of the domains above
it, and at no others. What expires lies in a heap as well: while nothing does, looking costs
one comparison. Sections are those of draft-ietf-httpbis-rfc6265bis-22.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from math import inf
from operator import attrgetter
from typing import Final, NamedTuple, final

from ..wire.cookies import (
    Attribute,
    SetCookie,
    domain_matches,
    is_ip_address,
    octets,
    path_matches,
    unquote_value,
)
from .public_suffix import is_public_suffix

# Section 6.1 asks for 50 and 3,000 at least; Chrome keeps as many as these.
_PER_DOMAIN: Final = 180
_IN_ALL: Final = 3300
# What servers take: a line of 8,190 octets is Apache's LimitRequestFieldSize.
_PER_REQUEST: Final = 150
_SEPARATOR_SIZE: Final = len("; ")
_FIELD_SIZE: Final = 8190 - len("Cookie: ") + _SEPARATOR_SIZE  # one less than there are cookies


class Key(NamedTuple):
    """What makes a cookie the same one (section 5.7). The domain "" is every host."""

    domain: str
    path: str
    name: str
    is_host_only: bool


class Setter(NamedTuple):
    """Who sets cookies. The host "" sets them for every host."""

    host: str
    default_path: str
    is_secure: bool

    def key_of(self, cookie: SetCookie) -> Key | None:
        """What ``cookie`` is kept under; None if it may not be set (section 5.7)."""
        host = self.host
        given = str(cookie.attributes.get("domain", "")).removeprefix(".")
        domain = given.lower()
        if not domain:
            domain, is_host_only = host, bool(host)
        # Outside ASCII, lower() folds other letters into it.
        elif not given.isascii() or (host and not domain_matches(host, domain)):
            return None
        else:
            # A public suffix can have a cookie of its own, and nobody one for all that lies under it.
            is_host_only = is_alone(domain)
            if is_host_only and host not in ("", domain):
                return None
        path = str(cookie.attributes.get("path", ""))
        if not path.startswith("/"):
            path = self.default_path
        if (
            not cookie.is_acceptable
            or (cookie.is_secure and not self.is_secure)
            or (cookie.is_host_bound and host and not is_host_only)
        ):
            return None
        return Key(domain, path, cookie.name, is_host_only)


def is_alone(domain: str) -> bool:
    """Whether no cookie may be for the hosts under ``domain``."""
    return is_ip_address(domain) or is_public_suffix(domain)


@final
@dataclass(slots=True, eq=False)
class StoredCookie:
    """A cookie as it is kept."""

    key: Key
    #: As it was received, with its double quotes.
    coded_value: str
    attributes: Mapping[str, Attribute]
    #: Seconds since the epoch; infinity is with the session.
    expires: float
    name: str = field(init=False)
    path: str = field(init=False)
    is_host_only: bool = field(init=False)
    is_secure: bool = field(init=False)
    value: str = field(init=False)
    #: What is sent.
    pair: str = field(init=False)
    size: int = field(init=False)
    #: Longer paths first, then by creation (section 5.8.3); the store knows when that was.
    order: tuple[int, int] = field(init=False, default=(0, 0))

    def __post_init__(self) -> None:
        _, self.path, self.name, self.is_host_only = self.key
        self.is_secure = "secure" in self.attributes
        self.value = unquote_value(self.coded_value)
        self.pair = f"{self.name}={self.coded_value}"
        self.size = octets(self.pair) + _SEPARATOR_SIZE

    @property
    def nearness(self) -> tuple[int, bool]:
        """The nearer its domain comes to a single host, the higher."""
        return len(self.key.domain), self.is_host_only


_order: Final = attrgetter("order")


@final
class CookieStore:
    """Cookies by their keys: at most 180 of a domain and 3,300 in all, then those set longest ago go."""

    def __init__(self) -> None:
        #: In the order in which they were last set: what a site keeps up outlives what it forgot.
        self.cookies: dict[Key, StoredCookie] = {}
        self._by_domain: dict[str, dict[Key, StoredCookie]] = {}
        self._secure_by_name: dict[str, dict[Key, StoredCookie]] = {}
        #: (expiry, a number of its own, cookie); who was replaced or removed stays until it is met.
        self._expiries: list[tuple[float, int, StoredCookie]] = []
        self._put_count = 0

    def put(self, cookie: StoredCookie) -> None:
        """Keep ``cookie`` instead of the one with its key, if there is one, and make room for it."""
        self._put_count += 1
        key = cookie.key
        created = self._put_count
        if (old := self.cookies.get(key)) is not None:
            created = old.order[1]
            self.remove(old)
        cookie.order = (-len(key.path), created)
        neighbours = self._by_domain.setdefault(key.domain, {})
        self.cookies[key] = neighbours[key] = cookie
        if cookie.is_secure:
            self._secure_by_name.setdefault(key.name, {})[key] = cookie
        if cookie.expires < inf:
            self._schedule(cookie)
        if len(neighbours) > _PER_DOMAIN:
            # Section 5.7: those that are not Secure go first, or answers over http could push the others out.
            oldest = next(iter(neighbours.values()))
            self.remove(next((one for one in neighbours.values() if not one.is_secure), oldest))
        elif len(self.cookies) > _IN_ALL:
            self.remove(next(iter(self.cookies.values())))

    def remove(self, cookie: StoredCookie) -> None:
        """Drop ``cookie``, which is kept."""
        key = cookie.key
        del self.cookies[key]
        _drop(self._by_domain, key.domain, key)
        if cookie.is_secure:
            _drop(self._secure_by_name, key.name, key)

    def discard(self, key: Key) -> None:
        """Drop the cookie with this key, if there is one."""
        if (cookie := self.cookies.get(key)) is not None:
            self.remove(cookie)

    def expire(self, now: float) -> None:
        """Drop what has expired."""
        expiries = self._expiries
        while expiries and expiries[0][0] <= now:
            cookie = heappop(expiries)[2]
            if self.cookies.get(cookie.key) is cookie:
                self.remove(cookie)

    def overlays_secure(self, key: Key) -> bool:
        """Whether a cookie with ``key`` would be taken for a Secure one that is kept (section 5.7)."""
        return any(
            (domain_matches(other.domain, key.domain) or domain_matches(key.domain, other.domain))
            and path_matches(key.path, other.path)
            for other in self._secure_by_name.get(key.name, ())
        )

    def select(self, host: str, path: str, *, is_secure: bool) -> list[StoredCookie]:
        """The cookies for a request, in the order of sending: at most 150, in a line of 8,190 octets.

        Of those with one name it is the one whose domain is nearest to ``host``, then the one
        with the longest path: what a neighbour sets for the domain above does not displace a
        host's own. The host "" has only what is sent to every host.
        """
        found: list[StoredCookie] = []
        domain = host
        while True:
            if neighbours := self._by_domain.get(domain):
                is_above = domain != host
                found += [
                    cookie
                    for cookie in neighbours.values()
                    if (cookie.path == "/" or path_matches(path, cookie.path))
                    and (is_secure or not cookie.is_secure)
                    and not (is_above and cookie.is_host_only)
                ]
            if not domain:
                break
            domain = domain.partition(".")[2]
        found.sort(key=_order)
        if len({cookie.name for cookie in found}) < len(found):
            found = _nearest(found)
        if len(found) > _PER_REQUEST or sum([cookie.size for cookie in found]) > _FIELD_SIZE:
            found = _fitting(found)
        return found

    def _schedule(self, cookie: StoredCookie) -> None:
        expiries = self._expiries
        if len(expiries) > 2 * len(self.cookies) + 64:
            # Cookies that are set again and again would leave the heap growing behind them.
            expiries[:] = [entry for entry in expiries if self.cookies.get(entry[2].key) is entry[2]]
            heapify(expiries)
        heappush(expiries, (cookie.expires, self._put_count, cookie))


def _drop(index: dict[str, dict[Key, StoredCookie]], name: str, key: Key) -> None:
    kept = index[name]
    del kept[key]
    if not kept:
        del index[name]


def _nearest(cookies: Iterable[StoredCookie]) -> list[StoredCookie]:
    chosen: dict[str, StoredCookie] = {}
    for cookie in cookies:
        rival = chosen.get(cookie.name)
        if rival is None or cookie.nearness > rival.nearness:
            chosen.pop(cookie.name, None)
            chosen[cookie.name] = cookie
    return list(chosen.values())


def _fitting(cookies: Iterable[StoredCookie]) -> list[StoredCookie]:
    fitting = []
    room = _FIELD_SIZE
    for cookie in cookies:
        if cookie.size <= room:
            room -= cookie.size
            fitting.append(cookie)
    return fitting[:_PER_REQUEST]
