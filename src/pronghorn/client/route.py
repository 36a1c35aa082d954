"""How a request gets to its server: by which proxy, if any, and how whom TLS is spoken with is verified."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Final, NamedTuple

from multidict import CIMultiDict
from yarl import URL

from ..io.dial import Address
from ..io.policy import proxy_origin
from ..io.tunnel import SOCKS_SCHEMES
from .auth import BasicAuth, strip_auth_from_url
from .environment import PROXY_SCHEMES, environment_proxy
from .sent_fields import Fields, Headers, as_fields
from .target import address_of
from .tls import VERIFIED, TlsOption, tls_option

PROXY_AUTHORIZATION: Final = "Proxy-Authorization"


class Proxy(NamedTuple):
    """A proxy, and what it is told: nobody else is."""

    #: Scheme, host and port, and nothing else.
    url: URL
    auth: BasicAuth | None = None
    #: Of a request by a proxy of HTTP; Proxy-Authorization is among them.
    fields: Fields = ()

    def __repr__(self) -> str:
        # As that of `BasicAuth`: logs and tracebacks show it, and credentials are among the fields.
        return f"{type(self).__name__}(url={self.url!r}, auth={self.auth!r}, fields=...)"

    def told(self, auth: BasicAuth | None, fields: Iterable[tuple[str, str]]) -> "Proxy":
        """The same proxy, which is told ``fields`` besides, and ``auth`` where it is not None.

        ValueError if that is no BasicAuth, or can't be encoded.
        """
        _check_auth(auth)
        merged = CIMultiDict(self.fields)
        merged.update(fields)
        if auth is not None and self.url.scheme not in SOCKS_SCHEMES:
            try:
                merged[PROXY_AUTHORIZATION] = auth.encode()
            except UnicodeEncodeError:  # which holds what can't be shown
                raise ValueError(f"proxy_auth: expected what can be encoded as {auth.encoding}") from None
        return Proxy(self.url, auth or self.auth, tuple(merged.items()))


class Route(NamedTuple):
    """Where to connect, and what the proxy on the way is told."""

    address: Address
    proxy_fields: Fields = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(address={self.address!r}, proxy_fields=...)"


def as_told(auth: BasicAuth | None, headers: Headers | None) -> tuple[BasicAuth | None, Fields]:
    """What a proxy would be told, if there is one; ValueError or TypeError for what can't be, in any case."""
    _check_auth(auth)
    return auth, tuple(as_fields(headers or (), "proxy_headers").items())


def make_proxy(
    proxy: str | URL, auth: BasicAuth | None = None, fields: Iterable[tuple[str, str]] = ()
) -> Proxy:
    """The proxy at a URL, whose credentials count where ``auth`` is None.

    ValueError for a URL that names no proxy, or no credentials. No message shows these.
    """
    if not isinstance(proxy, (str, URL)):
        raise TypeError(f"proxy: expected a str or a yarl.URL, got {type(proxy).__name__}")
    url, credentials = URL(), None
    with suppress(ValueError):
        url, credentials = strip_auth_from_url(URL(proxy))
    if url.scheme not in PROXY_SCHEMES or not url.raw_host:
        raise ValueError(f"proxy: expected a URL with a host and a scheme of {', '.join(PROXY_SCHEMES)}")
    return Proxy(proxy_origin(url)).told(auth or credentials, fields)


def proxy_from_environment(url: URL) -> Proxy | None:
    """The proxy that the environment names for ``url``; ValueError if what it names is none."""
    choice = environment_proxy(url)
    return None if choice is None else Proxy(choice.proxy).told(choice.auth, ())


def make_route(url: URL, proxy: Proxy | None, ssl: TlsOption, server_hostname: str | None) -> Route:
    """The way to ``url``: its address is all that requests must have in common to share a connection.

    TypeError for an ``ssl`` that is no option, and for a ``server_hostname`` that is no str.
    """
    if server_hostname is not None and not isinstance(server_hostname, str):
        raise TypeError(f"server_hostname: expected a str, got {server_hostname!r}")
    # Nothing else may come into the key: 0 is equal to False there, and no verification is not.
    ssl = ssl if ssl is VERIFIED else tls_option(ssl)
    address = address_of(url.raw_host, url.port, url.scheme)
    fields: Fields = ()
    if proxy is not None:
        fields = proxy.fields
        address = address._replace(
            proxy=proxy.url, proxy_auth=proxy.auth, proxy_headers_hash=hash(fields) if fields else None
        )
    if address.is_ssl or (proxy is not None and proxy.url.scheme == "https"):
        address = address._replace(ssl=ssl, server_hostname=server_hostname)
    return Route(address, fields)


def _check_auth(auth: BasicAuth | None) -> None:
    if auth is not None and not isinstance(auth, BasicAuth):
        raise ValueError(f"proxy_auth: expected None or a BasicAuth, got {type(auth).__name__}")
