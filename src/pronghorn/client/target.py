"""Where a request goes: the URL that was given, and where it leads.

What a caller wrote is what is sent, as long as RFC 3986 lets it be sent: signatures are over a spelling,
and to them ``%2B`` is not ``%2b``, nor is ``%7E`` the same as ``~``. `URL` would spell a path and a query
anew, so it is asked for the origin alone. That has one spelling here, whatever was given, because
connections, cookies and credentials are kept by it. Where a path or a query holds what RFC 3986 has no
place for, `URL` quotes both.

Segments of dots are taken out of a path (section 6.2.2.3), also those that are spelt with ``%2E``: browsers
do both. All else in it stays. A "?" with nothing behind it is lost, as a `URL` can't hold one. To send
anything as it is, segments of dots too, give a ``URL(..., encoded=True)``: that is never changed.
"""

import re
from functools import lru_cache
from typing import Any, Final, NamedTuple

from yarl import URL

from ..io.dial import Address
from ..wire.fields import is_host
from .errors import InvalidUrlClientError, NonHttpUrlClientError

SCHEMES: Final = ("http", "https")

# RFC 3986 sections 3.1 and 3.2. `URL` takes for a port all that `int` does, and anything in brackets.
_ORIGIN: Final = re.compile(
    r"(?:[A-Za-z0-9+.-]++:)?+"
    r"(?://(?:[^/?#@]*+@)*+(?:[^][:@/?#]*+|\[[0-9A-Fa-f:.]++(?:%[\w.~%-]++)?+\])(?::[0-9]*+)?+(?=[/?#]|\Z)|(?!//))",
    re.ASCII,
)
#: Octets of a path and a query (sections 3.3 and 3.4).
_OCTETS: Final = b"%!$&'()*+,-./:;=?@_~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_NO_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
#: A whole segment of one or two dots.
_DOTS: Final = re.compile(r"(?<![^/])(?:\.|%2[Ee]){1,2}(?![^/])")
#: What can't be in a request-target, or is another part of a URL.
_UNSENDABLE: Final = re.compile(r"""[^!-~]|["<>#]""")
#: Of an address that is no one's but this machine's (RFC 6874).
_ZONE: Final = re.compile(r"%(?:25)?([\w.~-]+)(?=\]|\Z)", re.ASCII)
_ROOT: Final = URL("/")


class Target(NamedTuple):
    """A URL that can be requested, and what a request says of it."""

    #: As it was given.
    real_url: URL
    #: The same without its fragment, which nobody is sent.
    url: URL
    #: Where to connect.
    address: Address
    #: The request-target in origin-form (RFC 9112 section 3.2.1).
    origin_form: str
    #: The Host field.
    host: tuple[str, str]
    #: The URL names a user, or a password.
    names_user: bool


def find_target(url: str | URL, params: Any) -> Target:
    """What `parse_url` finds, as a request needs it."""
    # Most requests are for what was asked for before, and spelt as it was.
    return target_of(parse_url(url, params)) if params or type(url) is not str else _known_target(url)


@lru_cache(maxsize=256)
def _known_target(url: str) -> Target:
    return target_of(parse_url(url, None))


def target_of(url: URL) -> Target:
    """The target at a URL that can be requested."""
    sent = url.with_fragment(None) if url.raw_fragment else url
    asked = without_zone(sent.host_port_subcomponent or "")
    address = address_of(sent.raw_host, sent.port, sent.scheme)
    names_user = "@" in url.raw_authority
    return Target(url, sent, address, sent.raw_path_qs or "/", ("Host", asked), names_user)


def as_url(url: str | URL) -> URL:
    """``url``, parsed; what it asks for stays as it is spelt, if it can. Raises InvalidUrlClientError."""
    if isinstance(url, URL):
        return url
    if not isinstance(url, str):
        raise TypeError(f"url: expected a str or a yarl.URL, got {type(url).__name__}")
    try:
        return read_url(url)
    except ValueError as error:
        raise InvalidUrlClientError(url, str(error)) from error


@lru_cache(maxsize=256)
def read_url(url: str, requote: bool = True) -> URL:
    """As `as_url`, of a str; unless ``requote``, what it asks for stays as it is in any case.

    ValueError for what is no URL.
    """
    # `URL` takes line ends out and goes on; who put them there wanted to split the request.
    if "\r" in url or "\n" in url or "\0" in url:
        raise ValueError("CR, LF and NUL are not allowed")
    found = _ORIGIN.match(url)
    if found is None:
        raise ValueError("expected a host, and a port in digits")
    origin = URL(found[0])
    if "[" in found[0] and "[" not in origin.raw_authority:
        raise ValueError("expected an IPv6 address in the brackets")
    asked, _, fragment = url[found.end() :].partition("#")
    if requote and not (
        asked.isascii() and not asked.encode().translate(None, _OCTETS) and not _NO_ESCAPE.search(asked)
    ):
        return URL(url)
    path, _, query = asked.partition("?")
    if ("." in path or "%2" in path) and _DOTS.search(path):
        path = _DOTS.sub(lambda dots: dots[0].lower().replace("%2e", "."), path)
        if origin.absolute:  # others lose them where they are joined
            path = _ROOT.join(URL.build(path=path, encoded=True)).raw_path
    return URL.build(
        scheme=origin.scheme,
        authority=origin.raw_authority,
        path=path,
        query_string=query,
        fragment=fragment and URL(f"#{fragment}").raw_fragment,
        encoded=True,
    )


def parse_url(url: str | URL, params: Any) -> URL:
    """The URL to request; ``params`` join its query, whose spelling stays.

    A str is encoded already: it is sent as it is, but for characters that can't be. Raises
    InvalidUrlClientError, or NonHttpUrlClientError for a scheme that is neither http nor https.
    """
    parsed = as_url(url)
    if params:
        parsed = _with_params(parsed, params, url)
    if parsed.scheme not in SCHEMES:
        if not parsed.scheme:
            raise InvalidUrlClientError(url, "expected an absolute URL")
        raise NonHttpUrlClientError(url, f"expected the scheme http or https, got {parsed.scheme!r}")
    if not parsed.raw_host:
        raise InvalidUrlClientError(url, "the host is missing")
    if not _can_be_asked(parsed.host_port_subcomponent or ""):
        raise InvalidUrlClientError(url, "expected the name or the address of a host")
    return parsed


@lru_cache(maxsize=1024)
def _can_be_asked(host: str) -> bool:
    """Whether ``host`` can be the Host of a request; the zone of an address may stand in it."""
    return is_host(_ZONE.sub("", host) if host[:1] == "[" else host)


def _with_params(parsed: URL, params: Any, given: str | URL) -> URL:
    try:
        if not isinstance(params, str):
            return parsed.extend_query(params)
        if "\r" in params or "\n" in params or "\0" in params:
            raise ValueError("params: CR, LF and NUL are not allowed")
        query = _UNSENDABLE.sub(percent_encoded, params)
        return URL.build(
            scheme=parsed.scheme,
            authority=parsed.raw_authority,
            path=parsed.raw_path,
            query_string=f"{parsed.raw_query_string}&{query}" if parsed.raw_query_string else query,
            fragment=parsed.raw_fragment,
            encoded=True,
        )
    except TypeError as error:
        raise TypeError(f"params: {error}") from error
    except ValueError as error:
        raise InvalidUrlClientError(given, str(error)) from error


def without_zone(asked: str) -> str:
    """A host and its port for others to see: zones are for this machine alone (RFC 6874 section 4)."""
    if "%" not in asked or asked[:1] != "[":
        return asked
    address, _, port = asked.partition("]")
    return f"{address.partition('%')[0]}]{port}"


def percent_encoded(character: re.Match[str]) -> str:
    """What was matched, each octet of its UTF-8 as an escape; a surrogate is the octet that it stands for."""
    return "".join(f"%{octet:02X}" for octet in character[0].encode("utf-8", "surrogateescape"))


@lru_cache(maxsize=1024)
def address_of(host: str | None, port: int | None, scheme: str) -> Address:
    """Where to connect for the parts of a URL; the same object for the same parts."""
    host = host or ""
    if ":" in host:
        host = _ZONE.sub(r"%\1", host)
    return Address(host, port or 0, scheme == "https")


def join(base: URL, reference: URL) -> URL:
    """RFC 3986 section 5.2.2; `URL.join` would decode the path of ``base`` where it merges the two."""
    path = reference.raw_path
    if path and path[0] != "/" and not reference.raw_authority and reference.scheme in ("", base.scheme):
        reference = URL.build(
            path=f"{base.raw_path.rpartition('/')[0]}/{path}",
            query_string=reference.raw_query_string,
            fragment=reference.raw_fragment,
            encoded=True,
        )
    return base.join(reference)
