"""Where a response leads, and what may go there (RFC 9110 section 15.4).

Credentials belong to the origin that they were given for: a scheme, a host and a port. The first redirect
that leaves it ends them, for good: a way back would let another origin choose what is asked for with them.
None are looked up on the way either, in a session or in a file: who redirects would choose who gets them, and
by which scheme. Those that the location itself names are for its origin.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from multidict import CIMultiDict
from yarl import URL

from ..body.payload import Payload
from ..wire.fields import is_host
from .auth import strip_auth_from_url
from .cookiejar import LooseCookies
from .errors import InvalidUrlRedirectClientError, NonHttpUrlRedirectClientError
from .target import SCHEMES, join, percent_encoded, read_url

#: Those that lead elsewhere.
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
#: Fields that prove who asks, or that name the host that is asked.
_CREDENTIALS: Final = frozenset({"authorization", "proxy-authorization", "cookie", "cookie2", "host"})
#: Fields that describe a body; they go with it.
_DESCRIPTION: Final = (
    "Content-Type",
    "Content-Length",
    "Content-Encoding",
    "Content-Language",
    "Content-Location",
    "Content-Digest",
    "Digest",
    "Last-Modified",
    "Transfer-Encoding",
    "Expect",
)
#: Octets that are no UTF-8, as fields are decoded.
_OCTETS: Final = re.compile(r"[\udc80-\udcff]")
#: What can't be in a request-target.
_UNSENDABLE: Final = re.compile(r"[^!-~]|[\"<>]")
#: Controls are left out by browsers, "\" read as "/", and an empty authority skipped; by others they are not.
_AMBIGUOUS: Final = re.compile(r"[\x00-\x1f\x7f]|^[^?#]*\\|^(?:[A-Za-z]+:)?//(?:[/?#]|\Z)")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_USER_INFORMATION: Final = re.compile(r"(?<=//)[^/?#]*@")


class Origin(NamedTuple):
    """Whom credentials are for."""

    scheme: str
    host: str
    port: int | None


def origin_of(url: URL) -> Origin:
    """The origin of an absolute URL, however that is spelt."""
    return Origin(url.scheme, (url.raw_host or "").lower(), url.port)


class Credentials(NamedTuple):
    """What proves who asks, bound to the one origin that it was given for."""

    origin: Origin
    fields: tuple[tuple[str, str], ...] = ()
    cookies: LooseCookies | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(origin={self.origin!r}, ...)"

    def for_origin(self, origin: Origin) -> "Credentials":
        """These, if ``origin`` is theirs; none otherwise."""
        return self if origin == self.origin else Credentials(origin)

    def with_authorization(self, value: str) -> "Credentials":
        """These, and an Authorization if they have none."""
        if any(name.lower() == "authorization" for name, _ in self.fields):
            return self
        return self._replace(fields=(*self.fields, ("Authorization", value)))


class Hop(NamedTuple):
    """A request of a chain, as far as a redirect changes it."""

    method: str
    url: URL
    #: Those of the caller and of the session, without credentials.
    fields: CIMultiDict[str]
    credentials: Credentials
    #: The body; None if there is none, or none any more.
    data: Payload | None

    @property
    def headers(self) -> CIMultiDict[str]:
        """All fields that are sent."""
        headers = self.fields.copy()
        headers.extend(self.credentials.fields)
        return headers


def first_hop(
    method: str, url: URL, headers: CIMultiDict[str], cookies: LooseCookies | None, data: Payload | None
) -> Hop:
    """The request that a chain begins with."""
    fields: CIMultiDict[str] = CIMultiDict()
    bound: list[tuple[str, str]] = []
    for name, value in headers.items():
        if name.lower() in _CREDENTIALS:
            bound.append((name, value))
        else:
            fields.add(name, value)
    return Hop(method, url, fields, Credentials(origin_of(url), tuple(bound), cookies), data)


def next_hop(hop: Hop, status: int, locations: Iterable[str], *, requote: bool) -> Hop | None:
    """What a response with ``status`` and one of REDIRECTS asks for; None if it names no location.

    Raises InvalidUrlRedirectClientError, or NonHttpUrlRedirectClientError.
    """
    location = next(filter(None, locations), None)
    if location is None:
        return None
    url, authorization = _resolve(hop.url, location, requote)
    method, fields, data = hop.method, hop.fields, hop.data
    # Sections 15.4.2 to 15.4.4: a GET for what was a POST, as all clients do; 307 and 308 change nothing.
    if (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST"):
        method, data = "GET", None
        fields = fields.copy()
        for name in _DESCRIPTION:
            fields.popall(name, None)
    credentials = hop.credentials.for_origin(origin_of(url))
    if authorization is not None:
        credentials = credentials.with_authorization(authorization)
    return Hop(method, url, fields, credentials, data)


def _resolve(base: URL, location: str, requote: bool) -> tuple[URL, str | None]:
    """Where ``location`` leads, and the Authorization that its user information stands for."""
    shown = _USER_INFORMATION.sub("", location)
    scheme = _SCHEME.match(location)
    if scheme is not None and scheme[1].lower() not in SCHEMES:
        raise NonHttpUrlRedirectClientError(shown, "expected the scheme http or https")
    if _AMBIGUOUS.search(location):
        raise InvalidUrlRedirectClientError(shown, "a control character, a backslash, or no host")
    page = base.with_fragment(None)
    if location[0] == "?":
        page = page.with_query(None)  # to `URL` an empty query is none
    try:
        encoded = (_OCTETS if requote else _UNSENDABLE).sub(percent_encoded, location)
        url, auth = strip_auth_from_url(join(page, read_url(encoded, requote)))
        if url.scheme not in SCHEMES or not is_host(url.host_port_subcomponent or ""):
            raise ValueError("expected http or https, and a host")
        authorization = None if auth is None else auth.encode()
    except ValueError as error:
        # Without its cause, which may show what could not be encoded.
        raise InvalidUrlRedirectClientError(shown, _words(error)) from None
    # RFC 9110 section 10.2.2: without one of its own it inherits the fragment.
    if base.raw_fragment and "#" not in location:
        url = URL(f"{url}#{base.raw_fragment}", encoded=True)
    return url, authorization


def _words(error: ValueError) -> str:
    """What is wrong, without user information: some errors hold what could not be parsed or encoded."""
    words = str(error)
    return "it is malformed" if isinstance(error, UnicodeError) or "@" in words else words
