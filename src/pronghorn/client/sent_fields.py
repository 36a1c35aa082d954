"""The fields of a request: what the caller gives, and what is made up beside it."""

import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from multidict import CIMultiDict, getversion

from .._version import __version__
from ..wire.coding import accepted_codings
from ..wire.compression import make_compressor
from .cookiejar import LooseCookies

Headers = Mapping[str, str] | Iterable[tuple[str, str]]
Fields = tuple[tuple[str, str], ...]

CLIENT_SOFTWARE: Final = f"Python/{sys.version_info[0]}.{sys.version_info[1]} pronghorn/{__version__}"

#: Fields that a request makes of itself unless it is told them: a session's are told to each request.
DECIDED_FIELDS: Final = frozenset(
    {
        "host",
        "content-type",
        "content-length",
        "transfer-encoding",
        "connection",
        "cookie",
        "expect",
        "proxy-authorization",
    }
)
#: Content codings that need no library; making a compressor takes 10 us.
_ALWAYS_KNOWN: Final = ("gzip", "deflate")
#: Those that prove who asks.
_CREDENTIALS: Final = ("Authorization", "Cookie", "Proxy-Authorization")


class Defaults:
    """The fields that a session sends where a request does not name them itself."""

    __slots__ = ("_as_given", "_elsewhere", "_version", "fields", "given", "has_decided", "skipped")

    def __init__(self, given: CIMultiDict[str], skipped: frozenset[str] = frozenset()) -> None:
        self.given = given
        self._version = _version_of(given)
        self._elsewhere: Defaults | None = None
        #: Names of fields that are not made up, in lower case.
        self.skipped = skipped
        #: Sent as they are; the others take part in what each request decides of itself.
        self._as_given = tuple(field for field in given.items() if field[0].lower() not in DECIDED_FIELDS)
        #: There are others.
        self.has_decided = len(self._as_given) < len(given)
        #: Those that are sent as they are, and what is made up beside them.
        self.fields = self.beside(skipped)

    def beside(self, skipped: frozenset[str]) -> Fields:
        """As `fields`, where ``skipped`` are not made up."""
        made_up = (field for field in auto_fields(skipped) if field[0] not in self.given)
        return (*self._as_given, *made_up)

    def under(self, headers: Headers | None) -> CIMultiDict[str]:
        """``headers``, after those that they do not replace."""
        own = as_fields(headers or ())
        return CIMultiDict([*(field for field in self.given.items() if field[0] not in own), *own.items()])

    @property
    def is_stale(self) -> bool:
        """What was given has been changed since."""
        return _version_of(self.given) != self._version

    def without_credentials(self) -> "Defaults":
        """These without what proves who asks; these themselves if nothing of them does."""
        if self._elsewhere is None:
            given = self.given.copy()
            for name in _CREDENTIALS:
                given.popall(name, None)
            self._elsewhere = self if len(given) == len(self.given) else Defaults(given, self.skipped)
        return self._elsewhere


def _version_of(fields: CIMultiDict[str]) -> int:
    return getversion(fields)  # type: ignore[arg-type]  # it is annotated for multidicts of objects alone


@lru_cache(maxsize=64)
def auto_fields(skipped: frozenset[str] = frozenset()) -> Fields:
    """What every request says of itself unless it is told otherwise; ``skipped`` is in lower case."""
    fields = (
        ("User-Agent", CLIENT_SOFTWARE),
        ("Accept", "*/*"),
        ("Accept-Encoding", accepted_codings()),
    )
    return tuple(field for field in fields if field[0].lower() not in skipped)


def skipped_names(names: Iterable[str] | None) -> frozenset[str]:
    """The names of fields that are not to be made up, in lower case; TypeError for what are no names."""
    if names is not None and not isinstance(names, Iterable):
        raise TypeError(f"skip_auto_headers: expected names of fields, got {names!r}")
    given = () if names is None else (names,) if isinstance(names, str) else tuple(names)
    for name in given:
        if not isinstance(name, str):
            raise TypeError(f"skip_auto_headers: expected names of fields, got {name!r}")
    return frozenset(name.lower() for name in given)


def as_fields(headers: Headers, argument: str = "headers") -> CIMultiDict[str]:
    """A copy of ``headers``; TypeError, which names the ``argument``, if they are none."""
    try:
        fields = CIMultiDict(headers)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{argument}: expected a mapping or pairs, got {headers!r}") from error
    for name, value in fields.items():
        if not isinstance(value, str):
            raise TypeError(f"{argument}: expected a str for {name}, got {value!r}")
    return fields


def as_cookies(cookies: LooseCookies) -> LooseCookies:
    """``cookies`` as can be read twice; TypeError, which shows none, unless they are a mapping or pairs."""
    if isinstance(cookies, Mapping):
        return cookies
    if isinstance(cookies, Iterable) and not isinstance(cookies, (str, bytes)):
        pairs = list(cookies)
        if all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in pairs):
            return pairs
    raise TypeError(f"cookies: expected a mapping or pairs, got {type(cookies).__name__}")


def as_coding(compress: bool | str | None) -> str:
    """The content coding that ``compress`` asks for, "" is none; ValueError for what is not known here."""
    if not compress:
        return ""
    if not isinstance(compress, (bool, str)):
        raise TypeError(f"compress: expected a bool or a str, got {compress!r}")
    coding = "deflate" if compress is True else compress
    if coding in _ALWAYS_KNOWN:
        return coding
    try:
        make_compressor(coding)
    except ValueError:
        expected = "gzip, deflate, br or zstd with its library"
        raise ValueError(f"compress: expected {expected}, got {compress!r}") from None
    return coding


def transfer_fields(headers: Headers | None, coding: str, chunked: bool) -> CIMultiDict[str]:
    """``headers`` with what a content coding or chunks add to them; ValueError for contradictions."""
    fields = as_fields(headers or ())
    if as_coding(coding):
        if "Content-Encoding" in fields:
            raise ValueError("compress: the headers have a Content-Encoding already")
        fields["Content-Encoding"] = coding
    option = "chunked" if chunked else "compress"
    if "Content-Length" in fields:
        raise ValueError(f"{option}: expected no Content-Length in the headers, the length is not known")
    if chunked and "Transfer-Encoding" in fields:
        raise ValueError("chunked: the headers have a Transfer-Encoding already")
    fields["Transfer-Encoding"] = "chunked"
    return fields
