"""Where a response leads, and what may go there (RFC 9110 section 15.4).

Credentials belong to the origin that they were given for: a scheme, a host and a port. The first redirect
that leaves it ends them, for good: a way back would let another origin choose what is asked for with them.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from multidict import CIMultiDict
from yarl import URL

from ..body.payload import Payload
from .cookiejar import LooseCookies
from .errors import InvalidUrlRedirectClientError, NonHttpUrlRedirectClientError
from .target import SCHEMES

#: Those that lead elsewhere.
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
#: Fields that prove who asks, or that name the host that is asked.
_CREDENTIALS: Final = ("Authorization", "Proxy-Authorization", "Cookie", "Cookie2", "Host")
#: Fields that describe a body; they go with it (Fetch standard, HTTP-redirect fetch).
_DESCRIPTION: Final = (
    "Content-Type",
    "Content-Length",
    "Content-Encoding",
    "Content-Language",
    "Content-Location",
    "Transfer-Encoding",
    "Expect",
)


class Credentials(NamedTuple):
    """What proves who asks, bound to the one origin that it was given for."""

    origin: URL | None = None
    fields: tuple[tuple[str, str], ...] = ()
    cookies: LooseCookies | None = None

    def for_origin(self, origin: URL) -> "Credentials":
        """These, if ``origin`` is theirs; none otherwise."""
        return self if origin == self.origin else Credentials()


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
    fields = headers.copy()
    bound = [(name, value) for name in _CREDENTIALS for value in fields.popall(name, ())]
    return Hop(method, url, fields, Credentials(url.origin(), tuple(bound), cookies), data)


def next_hop(hop: Hop, status: int, locations: Iterable[str], *, requote: bool) -> Hop | None:
    """What a response with ``status`` and one of REDIRECTS asks for; None if it names no location.

    Raises InvalidUrlRedirectClientError, or NonHttpUrlRedirectClientError.
    """
    location = next(iter(locations), None)
    if location is None:
        return None
    url = _resolve(hop.url, location, requote)
    method, fields, data = hop.method, hop.fields, hop.data
    # Sections 15.4.2 to 15.4.4: a GET for what was a POST, as all clients do; 307 and 308 change nothing.
    if (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST"):
        method, data = "GET", None
        fields = fields.copy()
        for name in _DESCRIPTION:
            fields.popall(name, None)
    return Hop(method, url, fields, hop.credentials.for_origin(url.origin()), data)


def _resolve(base: URL, location: str, requote: bool) -> URL:
    if "\\" in location.partition("?")[0]:
        # Browsers read it as "/", others as a part of a name: nobody can mean both.
        raise InvalidUrlRedirectClientError(location, "a backslash")
    try:
        url = base.join(URL(location, encoded=not requote))
        url.origin()
    except ValueError as error:
        scheme = location.partition(":")[0].lower()
        if ":" in location and scheme.isalpha() and scheme not in SCHEMES:
            raise NonHttpUrlRedirectClientError(location, "expected http or https") from error
        raise InvalidUrlRedirectClientError(location, str(error)) from error
    if url.scheme not in SCHEMES:
        raise NonHttpUrlRedirectClientError(
            location, f"expected the scheme http or https, got {url.scheme!r}"
        )
    # RFC 9110 section 10.2.2: without one of its own it inherits the fragment.
    if base.raw_fragment and not url.raw_fragment:
        url = url.with_fragment(base.fragment)
    return url
