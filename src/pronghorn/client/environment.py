"""The proxies that the environment names, and the hosts that it excepts from them.

Nothing specifies these variables; this is what programs agree on, and a choice where they don't.

``http_proxy`` is for http, ``https_proxy`` for https, ``ws_proxy`` and ``wss_proxy`` for WebSockets, which
use those of http and https if they have none of their own, as in curl; ``all_proxy`` is for what has none.
The standard library reads them: in any case, lower case before upper case, and an empty one in lower case
takes back the other. ``HTTP_PROXY`` does not count under CGI, where it is a client's field ``Proxy``
(CVE-2016-1000110). Settings of Windows and macOS are not looked at: they are not the environment.

``no_proxy`` lists what is reached directly, by the rules of Go's httpproxy; commas and white space separate:

- ``*``: everything.
- ``example.com``: that host and those below it. ``.example.com`` and ``*.example.com``: those below it only.
- ``10.0.0.1``, ``::1``, ``10.0.0.0/8``, ``fd00::/8``: hosts that are given as an address; none is looked up.
- ``example.com:8080``, ``10.0.0.1:80``, ``[::1]:80``: that port only.

Case and a dot at the end don't matter, and names are in Unicode or not. An entry that is malformed matches
nothing. Unlike in Go, and as in curl, requests and aiohttp, the local host is reached directly only if it is
listed: a proxy may be there to watch what it is asked.
"""

import os
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, NamedTuple

from yarl import URL

from ..io.policy import proxy_origin
from ..io.tunnel import SOCKS_SCHEMES
from .auth import BasicAuth

#: Of the URLs that name a proxy.
PROXY_SCHEMES: Final = ("http", "https", *SOCKS_SCHEMES)
#: The variables that count for a scheme, best first, without their ``_proxy``.
_VARIABLES: Final = {
    "http": ("http", "all"),
    "https": ("https", "all"),
    "ws": ("ws", "http", "all"),
    "wss": ("wss", "https", "all"),
}


class ProxyChoice(NamedTuple):
    """The proxy for a request, and what it is told about who asks."""

    #: Scheme, host and port, and nothing else.
    proxy: URL
    auth: BasicAuth | None


def environment_proxy(url: URL) -> ProxyChoice | None:
    """The proxy through which ``url`` is to be requested; None if it is to be reached directly.

    The environment is read at each call. Raises ValueError, naming the variable, if its value is no proxy.
    """
    host = url.raw_host
    variables = _VARIABLES.get(url.scheme)
    # To see whether there is any takes 4 us; the module that reads them takes 50 ms to import.
    if not host or variables is None or "_proxy" not in "\n".join(os.environ).lower():
        return None
    from urllib.request import getproxies_environment

    values = getproxies_environment()
    variable = next((name for name in variables if name in values), None)
    if variable is None or _exceptions(values.get("no", "")).hold(host, url.port):
        return None
    choice = _choice(values[variable])
    if choice is None:
        name = f"{variable}_proxy"
        raise ValueError(
            f"{name if name in os.environ else name.upper()}: expected [scheme://][user:password@]host[:port],"
            f" percent-encoded, with a scheme of {', '.join(PROXY_SCHEMES)}"
        )
    return choice


@lru_cache(maxsize=16)
def _choice(value: str) -> ProxyChoice | None:
    """The proxy that ``value`` names; None if that is malformed.

    What is wrong with it is not said: what looks like its host or its port may be a part of the password.
    """
    value = value.strip()
    # `URL` takes line ends out and goes on, and hosts may have blanks in it.
    if " " in value or not value.isprintable():
        return None
    try:
        url = URL(value if "://" in value else f"http://{value}")
        auth = BasicAuth.from_url(url)
        if auth is not None:
            auth.encode()
        proxy = proxy_origin(url)
    except ValueError:
        return None
    # GNOME writes socks://; its own programs take that for version 5 and leave the names to the proxy.
    if proxy.scheme == "socks":
        proxy = proxy.with_scheme("socks5h")
    # A "/", "?" or "#" that was not encoded cuts a password in two, and makes its beginning the host.
    is_whole = url.raw_path in ("", "/") and not url.raw_query_string and not url.raw_fragment
    return ProxyChoice(proxy, auth) if is_whole and proxy.scheme in PROXY_SCHEMES else None


class _Name(NamedTuple):
    """Hosts below a name; ``suffix`` begins with its dot."""

    suffix: str
    #: The name itself is meant as well.
    is_included: bool
    #: The only one that is meant.
    port: int | None


class _Network(NamedTuple):
    """Hosts that are given as an address."""

    network: IPv4Network | IPv6Network
    #: The only one that is meant.
    port: int | None


class _Exceptions(NamedTuple):
    """What is reached without a proxy."""

    is_everything: bool
    names: tuple[_Name, ...]
    networks: tuple[_Network, ...]

    def hold(self, host: str, port: int | None) -> bool:
        """Whether ``host`` is reached without a proxy on ``port``."""
        if self.is_everything:
            return True
        try:
            address = ip_address(host)
        except ValueError:
            host = _normalize(host)
            dotted = f".{host}"
            return any(
                (dotted if name.is_included else host).endswith(name.suffix) and name.port in (None, port)
                for name in self.names
            )
        return any(address in entry.network and entry.port in (None, port) for entry in self.networks)


@lru_cache(maxsize=16)
def _exceptions(no_proxy: str) -> _Exceptions:
    entries = no_proxy.replace(",", " ").split()
    names: list[_Name] = []
    networks: list[_Network] = []
    for entry in entries:
        host, port = _split_port(entry)
        address = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        try:
            networks.append(_Network(ip_network(address, strict=False), port))
            continue
        except ValueError:
            pass
        is_included = not host.startswith((".", "*."))
        name = _normalize(host if is_included else host.partition(".")[2])
        if name:
            names.append(_Name(f".{name}", is_included, port))
    return _Exceptions("*" in entries, tuple(names), tuple(networks))


def _split_port(entry: str) -> tuple[str, int | None]:
    host, _, port = entry.rpartition(":")
    # Colons without brackets are an IPv6 address and no port. A number may be longer than `int` takes.
    if host and port.isdecimal() and len(port) <= 5 and (":" not in host or host.endswith("]")):
        return host, int(port)
    return entry, None


def _normalize(name: str) -> str:
    """The name in lower case and ASCII, as in a URL."""
    if not name.isascii():
        try:
            name = URL.build(scheme="http", host=name).raw_host or ""
        except ValueError:
            return ""
    return name.lower().rstrip(".")
