"""Cookie jars: what servers set, kept for the requests that it is meant for (RFC 6265bis).

What may be kept and what is sent is decided in the store. SameSite and Partitioned are kept
and have no effect of their own: there is no page here that another site could be part of;
every request is its caller's.
"""

import asyncio
import copy
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import replace
from http.cookies import BaseCookie, Morsel, SimpleCookie
from math import inf
from types import MappingProxyType
from typing import Any, Final, Self

from yarl import URL

from ..wire.cookies import (
    SetCookie,
    default_path,
    domain_matches,
    format_cookies,
    is_ip_address,
    parse_set_cookie,
)
from .cookie_file import read_cookies, write_cookies
from .cookie_store import CookieStore, Setter, StoredCookie, is_alone
from .morsels import CookieMorsel, given_cookie, received_cookies

CookieValue = str | int | Morsel[Any] | BaseCookie[Any]
LooseCookies = Mapping[str, CookieValue] | Iterable[tuple[str, CookieValue]]
ClearCookiePredicate = Callable[["Morsel[str]"], bool]
Origins = str | URL | Iterable[str | URL] | None

_NOWHERE: Final = URL()
_SECURE_SCHEMES: Final = frozenset({"https", "wss"})
_NO_COOKIES: Final[Mapping[tuple[str, str], SimpleCookie]] = MappingProxyType({})


class AbstractCookieJar(Sized, Iterable["Morsel[str]"], ABC):
    """What a session asks of its jar. ``loop`` is accepted and has no meaning since 2.0."""

    def __init__(self, *, loop: asyncio.AbstractEventLoop | None = None) -> None:
        pass

    @property
    @abstractmethod
    def unsafe(self) -> bool:
        """Hosts that are IP addresses may set cookies."""

    @property
    @abstractmethod
    def quote_cookie(self) -> bool:
        """Plain values are put in double quotes where the grammar wants it."""

    @property
    @abstractmethod
    def cookies(self) -> Mapping[tuple[str, str], SimpleCookie]:
        """The cookies by their domains and paths, without the slash at the end; a copy."""

    @property
    @abstractmethod
    def host_only_cookies(self) -> frozenset[tuple[str, str, str]]:
        """(domain, path, name) of the cookies that are for one host alone."""

    @property
    def treat_as_secure_origin(self) -> frozenset[URL]:
        """Origins that are sent, and may set, Secure cookies without https."""
        return frozenset()

    @abstractmethod
    def clear(self, predicate: ClearCookiePredicate | None = None) -> None:
        """Drop all cookies, or those for whose Morsel ``predicate`` is true."""

    @abstractmethod
    def clear_domain(self, domain: str) -> None:
        """Drop the cookies of ``domain`` and of the domains under it."""

    @abstractmethod
    def update_cookies(self, cookies: LooseCookies, response_url: URL = _NOWHERE) -> None:
        """Keep ``cookies``, set by a response from ``response_url``; without it, for every host."""

    def update_cookies_from_headers(self, headers: Sequence[str], response_url: URL) -> None:
        """Keep what the values of Set-Cookie fields say; what is no cookie is left out."""
        if cookies := received_cookies(headers):
            self.update_cookies(cookies, response_url)

    @abstractmethod
    def filter_cookies(self, request_url: URL) -> "BaseCookie[str]":
        """The cookies that a request for ``request_url`` is sent, in that order."""

    def cookie_field(self, request_url: URL, cookies: LooseCookies | None = None) -> str:
        """The value of a request's Cookie field; "" is none.

        ``cookies`` are the request's own, as `update_cookies` takes them: the jar does not
        keep them, and sends them instead of its own of their names.
        """
        found = {name: morsel.coded_value for name, morsel in self.filter_cookies(request_url).items()}
        if cookies:
            own = CookieJar(
                quote_cookie=self.quote_cookie, treat_as_secure_origin=self.treat_as_secure_origin
            )
            own.update_cookies(cookies)
            found |= {name: morsel.coded_value for name, morsel in own.filter_cookies(request_url).items()}
        return format_cookies(found.items())


class CookieJar(AbstractCookieJar):
    """Keeps cookies by RFC 6265bis, at most 180 of a domain and 3,300 in all; made with or without a loop.

    ``unsafe`` lets hosts that are IP addresses set cookies. ``quote_cookie`` puts plain
    values given to `update_cookies` in double quotes where the grammar wants it; what
    servers set is sent as it came in any case. ``treat_as_secure_origin`` names origins
    that may set and are sent Secure cookies without https.
    """

    def __init__(
        self,
        *,
        unsafe: bool = False,
        quote_cookie: bool = True,
        treat_as_secure_origin: Origins = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(loop=loop)
        self._unsafe = unsafe
        self._quote_cookie = quote_cookie
        self._secure_origins = _as_origins(treat_as_secure_origin)
        self._secure_places = frozenset(map(_place, self._secure_origins))
        self._store = CookieStore()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self._store.cookies)} cookies>"

    def __copy__(self) -> Self:
        # A copy that shared the store would be the same jar twice.
        return copy.deepcopy(self)

    def __len__(self) -> int:
        return len(self._fresh())

    def __iter__(self) -> Iterator["Morsel[str]"]:
        return iter([_morsel(cookie) for cookie in self._fresh()])

    @property
    def unsafe(self) -> bool:
        return self._unsafe

    @property
    def quote_cookie(self) -> bool:
        return self._quote_cookie

    @property
    def treat_as_secure_origin(self) -> frozenset[URL]:
        return self._secure_origins

    @property
    def cookies(self) -> Mapping[tuple[str, str], SimpleCookie]:
        grouped: dict[tuple[str, str], SimpleCookie] = {}
        for cookie in self._fresh():
            group = grouped.setdefault((cookie.key.domain, cookie.key.path.rstrip("/")), SimpleCookie())
            group[cookie.name] = _morsel(cookie)
        return MappingProxyType(grouped)

    @property
    def host_only_cookies(self) -> frozenset[tuple[str, str, str]]:
        keys = (cookie.key for cookie in self._fresh())
        return frozenset((key.domain, key.path.rstrip("/"), key.name) for key in keys if key.is_host_only)

    def clear(self, predicate: ClearCookiePredicate | None = None) -> None:
        if predicate is None:
            self._store = CookieStore()
            return
        # Asked first and dropped then: a predicate that raises drops nothing.
        for key in [cookie.key for cookie in self._fresh() if predicate(_morsel(cookie))]:
            self._store.discard(key)

    def clear_domain(self, domain: str) -> None:
        domain = domain.lower()
        for cookie in self._fresh():
            if domain_matches(cookie.key.domain, domain):
                self._store.remove(cookie)

    def update_cookies(self, cookies: LooseCookies, response_url: URL | str | None = _NOWHERE) -> None:
        """Keep ``cookies``, set by a response from ``response_url``; without it, for every host.

        ``cookies`` is a mapping or pairs of names and values: str, int, or a Morsel, whose
        attributes count. Of a SimpleCookie as a value, its own cookies are kept. Raises
        ValueError and TypeError for what could not be sent, and keeps nothing then. What
        ``response_url`` may not set is left out.
        """
        given = [given_cookie(name, value, quote=self._quote_cookie) for name, value in _each_cookie(cookies)]
        self._take(given, response_url)

    def update_cookies_from_headers(self, headers: Sequence[str], response_url: URL) -> None:
        # Nobody can set cookies for every host; only the caller can, by `update_cookies`.
        if _host(_as_url(response_url)):
            self._take(filter(None, map(parse_set_cookie, headers)), response_url)

    def filter_cookies(self, request_url: URL | str | None = _NOWHERE) -> "SimpleCookie":
        """The cookies that a request for ``request_url`` is sent, in that order; a copy.

        At most 150, in a line of 8,190 octets. Of those with one name it is the one whose
        domain is nearest to the host, then the one with the longest path.
        """
        found = SimpleCookie()
        for cookie in self._select(request_url):
            # Not `found[name] = ...`: 10 cookies take 2 us less.
            dict.__setitem__(found, cookie.name, CookieMorsel(cookie.name, cookie.value, cookie.coded_value))
        return found

    def cookie_field(self, request_url: URL, cookies: LooseCookies | None = None) -> str:
        if cookies or type(self).filter_cookies is not CookieJar.filter_cookies:
            return super().cookie_field(request_url, cookies)
        # The same without Morsels: 10 cookies take 4 us instead of 17.
        return "; ".join([cookie.pair for cookie in self._select(request_url)])

    def save(self, file_path: "str | os.PathLike[str]") -> None:
        """Write the cookies to a file that only its owner can read, as JSON; whole, or not at all."""
        # In the order of creation, which is part of the order of sending.
        write_cookies(file_path, sorted(self._fresh(), key=lambda cookie: cookie.order[1]))

    def load(self, file_path: "str | os.PathLike[str]") -> None:
        """Replace the cookies by those that were saved in a file. ValueError, if it is not one of JSON.

        Pickles are not read: they could run code.
        """
        store = CookieStore()
        for cookie in read_cookies(file_path):
            key = cookie.key
            if not self._unsafe and is_ip_address(key.domain):
                continue
            # The list of public suffixes changes, and who wrote the file may not have asked it.
            if key.domain and not key.is_host_only and is_alone(key.domain):
                cookie = replace(cookie, key=key._replace(is_host_only=True))
            store.put(cookie)
        self._store = store

    def _now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def _fresh(self) -> list[StoredCookie]:
        self._store.expire(self._now())
        return list(self._store.cookies.values())

    def _select(self, request_url: URL | str | None) -> Sequence[StoredCookie]:
        store = self._store
        if not store.cookies:
            return ()
        store.expire(self._now())
        url = _as_url(request_url)
        return store.select(_host(url), url.raw_path, is_secure=self._is_secure(url))

    def _is_secure(self, url: URL) -> bool:
        return url.scheme in _SECURE_SCHEMES or (
            bool(self._secure_places) and _place(url) in self._secure_places
        )

    def _take(self, cookies: Iterable[SetCookie], response_url: URL | str | None) -> None:
        """Keep what a response from ``response_url`` may set."""
        url = _as_url(response_url)
        host = _host(url)
        if not self._unsafe and is_ip_address(host):
            return
        setter = Setter(host, default_path(url.raw_path), not host or self._is_secure(url))
        now = self._now()
        self._store.expire(now)
        for cookie in cookies:
            key = setter.key_of(cookie)
            if key is None or (not setter.is_secure and self._store.overlays_secure(key)):
                continue
            expires = cookie.expiry(now)
            if expires is not None and expires <= now:
                self._store.discard(key)
            else:
                until = inf if expires is None else expires
                self._store.put(StoredCookie(key, cookie.value, cookie.attributes, until))


class DummyCookieJar(AbstractCookieJar):
    """Keeps nothing and sends nothing."""

    def __iter__(self) -> Iterator["Morsel[str]"]:
        return iter(())

    def __len__(self) -> int:
        return 0

    @property
    def unsafe(self) -> bool:
        return False

    @property
    def quote_cookie(self) -> bool:
        return True

    @property
    def cookies(self) -> Mapping[tuple[str, str], SimpleCookie]:
        return _NO_COOKIES

    @property
    def host_only_cookies(self) -> frozenset[tuple[str, str, str]]:
        return frozenset()

    def clear(self, predicate: ClearCookiePredicate | None = None) -> None:
        pass

    def clear_domain(self, domain: str) -> None:
        pass

    def update_cookies(self, cookies: LooseCookies, response_url: URL | str | None = _NOWHERE) -> None:
        pass

    def update_cookies_from_headers(self, headers: Sequence[str], response_url: URL) -> None:
        pass

    def filter_cookies(self, request_url: URL | str | None = _NOWHERE) -> "SimpleCookie":
        return SimpleCookie()


def _morsel(cookie: StoredCookie) -> CookieMorsel:
    attributes = {**cookie.attributes, "domain": cookie.key.domain, "path": cookie.key.path}
    return CookieMorsel(cookie.name, cookie.value, cookie.coded_value, attributes)


def _each_cookie(cookies: LooseCookies) -> Iterator[tuple[str, Any]]:
    if isinstance(cookies, (str, bytes)):
        raise TypeError(f"cookies: expected a mapping or pairs, got {type(cookies).__name__}")
    for name, value in cookies.items() if isinstance(cookies, Mapping) else cookies:
        if isinstance(value, BaseCookie):
            yield from value.items()
        else:
            yield name, value


def _as_url(url: URL | str | None) -> URL:
    return url if isinstance(url, URL) else URL(url or "")


def _host(url: URL) -> str:
    return (url.raw_host or "").lower()


def _place(url: URL) -> tuple[str, str, int | None]:
    # Equal origins with and without the scheme's own port are not equal as URLs.
    return url.scheme, _host(url), url.port


def _as_origins(given: Origins) -> frozenset[URL]:
    each = () if given is None else (given,) if isinstance(given, (str, URL)) else tuple(given)
    for origin in each:
        if not isinstance(origin, (str, URL)):
            raise TypeError(f"treat_as_secure_origin: expected URLs, got {origin!r}")
    return frozenset(_as_url(origin).origin() for origin in each)
