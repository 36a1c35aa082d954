"""What the head of a request says besides its target, read when it is looked at."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from multidict import CIMultiDictProxy, istr

from ..wire.conditional import ETag, parse_etags
from ..wire.cookies import parse_cookies, unquote_value
from ..wire.dates import parse_date
from ..wire.events import HttpVersion, RequestHead
from ..wire.fields import parse_media_type
from ..wire.forwarded import parse_forwarded
from ..wire.ranges import parse_ranges

_COOKIE: Final = istr("Cookie")
_CONTENT_LENGTH: Final = istr("Content-Length")
_CONTENT_TYPE: Final = istr("Content-Type")
_FORWARDED: Final = istr("Forwarded")
_IF_MATCH: Final = istr("If-Match")
_IF_MODIFIED_SINCE: Final = istr("If-Modified-Since")
_IF_NONE_MATCH: Final = istr("If-None-Match")
_IF_RANGE: Final = istr("If-Range")
_IF_UNMODIFIED_SINCE: Final = istr("If-Unmodified-Since")
_RANGE: Final = istr("Range")


def value_of(headers: Mapping[str, str], name: str) -> str | None:
    """The value of a field, of all its lines together (RFC 9110 section 5.2); None without one.

    ``headers`` may be a plain mapping, as in a request of a user's own.
    """
    if name not in headers:
        return None
    getall = getattr(headers, "getall", None)
    return headers[name] if getall is None else ", ".join(getall(name))


def etags_of(headers: Mapping[str, str], name: str) -> tuple[ETag, ...] | None:
    """The tags of a field, ``(ETag("*"),)`` for any; None without the field."""
    value = value_of(headers, name)
    return None if value is None else parse_etags(value)


def date_of(headers: Mapping[str, str], name: str) -> datetime | None:
    """The moment in a field, in UTC; None without one. Two are none (RFC 9110 section 13.1.3)."""
    value = value_of(headers, name)
    return None if value is None else parse_date(value)


class RequestFields:
    """A request, as a method with fields."""

    head: RequestHead
    _headers: CIMultiDictProxy[str] | None = None
    _cookies: Mapping[str, str] | None = None
    _forwarded: tuple[Mapping[str, str], ...] | None = None

    @property
    def method(self) -> str:
        """The method, as sent: methods are case-sensitive."""
        return self.head.method

    @property
    def version(self) -> HttpVersion:
        """The version that the client speaks."""
        return self.head.version

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """The fields; a name may have several values."""
        headers = self._headers
        if headers is None:
            headers = self._headers = CIMultiDictProxy(self.head.headers)
        return headers

    @property
    def raw_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Names and values as they came, undecoded."""
        return self.head.raw_headers

    @property
    def keep_alive(self) -> bool:
        """The client would send another request on this connection."""
        return self.head.is_persistent

    @property
    def content_type(self) -> str:
        """The media type of the body; application/octet-stream if the client did not say."""
        value = self.head.headers.get(_CONTENT_TYPE)
        return "application/octet-stream" if not value else parse_media_type(value)[0]

    @property
    def charset(self) -> str | None:
        """The charset of the body, if the client said."""
        return parse_media_type(self.head.headers.get(_CONTENT_TYPE, ""))[1].get("charset")

    @property
    def content_length(self) -> int | None:
        """The length of the body in bytes, if the client said."""
        value = self.head.headers.get(_CONTENT_LENGTH)
        return None if value is None else int(value)

    @property
    def cookies(self) -> Mapping[str, str]:
        """The cookies by name, unquoted, read-only. What is no cookie is left out, and no other for it.

        The last of equal names counts. At most 1,024 are read.
        """
        cookies = self._cookies
        if cookies is None:
            fields = self.head.headers.getall(_COOKIE, ())
            # RFC 9113 section 8.2.3: several fields are joined by this, and by nothing else.
            pairs = parse_cookies("; ".join(fields)) if fields else ()
            cookies = MappingProxyType({name: unquote_value(value) for name, value in pairs})
            self._cookies = cookies
        return cookies

    @property
    def forwarded(self) -> tuple[Mapping[str, str], ...]:
        """What the Forwarded fields say, a read-only mapping for each proxy, nearest to the client first.

        Names are in lower case; an element that is malformed is an empty mapping (RFC 7239). Anybody
        can send anything here: see `trusted_proxies`.
        """
        forwarded = self._forwarded
        if forwarded is None:
            forwarded = self._forwarded = parse_forwarded(value_of(self.head.headers, _FORWARDED) or "")
        return forwarded

    @property
    def http_range(self) -> slice:
        """The one range of bytes that is asked for; ``slice(None, None, 1)`` without a Range.

        The last 500 bytes are ``slice(-500, None, 1)``. ValueError for what is malformed, for several
        ranges, and for the last 0 bytes, which no slice says (RFC 9110 section 14).
        """
        field = value_of(self.head.headers, _RANGE)
        if field is None:
            return slice(None, None, 1)
        ranges = parse_ranges(field)
        if ranges is None or len(ranges) != 1 or ranges[0] == (None, 0):
            raise ValueError(f"Range: expected one range of bytes, got {field[:80]!r}")
        first, last = ranges[0]
        if first is None:
            return slice(None if last is None else -last, None, 1)
        return slice(first, None if last is None else last + 1, 1)

    @property
    def if_match(self) -> tuple[ETag, ...] | None:
        """The tags of If-Match, ``(ETag("*"),)`` for any; None without the field."""
        return etags_of(self.head.headers, _IF_MATCH)

    @property
    def if_none_match(self) -> tuple[ETag, ...] | None:
        """The tags of If-None-Match, ``(ETag("*"),)`` for any; None without the field."""
        return etags_of(self.head.headers, _IF_NONE_MATCH)

    @property
    def if_modified_since(self) -> datetime | None:
        """The moment in If-Modified-Since, in UTC; None without one."""
        return date_of(self.head.headers, _IF_MODIFIED_SINCE)

    @property
    def if_unmodified_since(self) -> datetime | None:
        """The moment in If-Unmodified-Since, in UTC; None without one."""
        return date_of(self.head.headers, _IF_UNMODIFIED_SINCE)

    @property
    def if_range(self) -> datetime | None:
        """The moment in If-Range, in UTC; None without one, and for a tag."""
        return date_of(self.head.headers, _IF_RANGE)
