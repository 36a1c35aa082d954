"""What proxies say of the client, believed of those that are trusted and of nobody else.

Each proxy adds, at the end, the address that its own peer has. So the fields are read from there: what
a trusted proxy added is believed, and if that is the address of another trusted one, so is what stands
before it. The first address that is not trusted is the client's; whatever it wrote itself is further
to the left, and is never looked at.
"""

import re
import socket
from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, cast, final

from ..wire.fields import is_host
from .middlewares import Handler, Middleware, middleware
from .request import BaseRequest
from .response import StreamResponse

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_FORWARDED: Final = "forwarded"
_FOR: Final = "x-forwarded-for"
_PROTO: Final = "x-forwarded-proto"
_HOST: Final = "x-forwarded-host"
_KNOWN: Final = {_FORWARDED, _FOR, _PROTO, _HOST}
#: What proxies call the scheme; those of a WebSocket are its handshake's.
_SCHEMES: Final = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
#: An address, perhaps with a port (RFC 7239 section 6); "[" is what tells one of IPv6 from its port.
_NODE: Final = re.compile(
    r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([0-9.]{7,15}))(?::(?:[0-9]{1,5}|_[\w.-]+))?", re.ASCII
)


def trusted_proxies(
    networks: Iterable[object], *, fields: str | Iterable[str], unix_sockets: bool = False
) -> Middleware:
    """A middleware that lets ``remote``, ``scheme`` and ``host`` of a request be what trusted proxies say.

    ``networks`` are those of the proxies, as "192.0.2.1", "10.0.0.0/8" or of `ipaddress`;
    ``unix_sockets`` trusts whoever connects by one. ``fields`` are what these proxies write, and
    nothing else is believed: "Forwarded" (RFC 7239), or some of "X-Forwarded-For",
    "X-Forwarded-Proto" and "X-Forwarded-Host". A field that they pass on as the client sent it must
    not be among them.

    Of X-Forwarded-Proto and -Host the last member counts. An entry that is no address ends the walk:
    the last address before it counts. A scheme or host that is none is left out.

    Put it before middlewares that ask who the client is. ValueError for a network that is none or has
    bits behind its mask, for other fields, and for both kinds of them; TypeError for text in place of
    a list of networks.
    """
    if isinstance(networks, (str, bytes)):
        raise TypeError(f"networks: expected several, got {networks!r}")
    names = frozenset(str(name).lower() for name in ([fields] if isinstance(fields, str) else fields))
    if not names or names - _KNOWN or (_FORWARDED in names and len(names) > 1):
        raise ValueError(
            f"fields: expected Forwarded, or some of X-Forwarded-For, -Proto, -Host, got {fields!r}"
        )
    trusted = _Trusted(networks, trusts_unix=unix_sockets)
    if not trusted.networks and not unix_sockets:
        raise ValueError("networks: expected at least one, or unix_sockets")
    read = _read_forwarded if _FORWARDED in names else _reader_of(names)

    @middleware
    async def believe(request: BaseRequest, handler: Handler) -> StreamResponse:
        if trusted.has_sent(request):
            request._replace_origin(*read(request, trusted))
        return await handler(request)

    return believe


@final
class _Trusted:
    """Whom to believe."""

    def __init__(self, networks: Iterable[object], *, trusts_unix: bool) -> None:
        self.networks: list[Network] = []
        for network in networks:
            if isinstance(network, (int, bytes)):
                raise TypeError(f"networks: expected text, got {network!r}")
            self.networks.append(ip_network(cast(str, network)))
        self._trusts_unix = trusts_unix

    def has_sent(self, request: BaseRequest) -> bool:
        """The peer of the connection is trusted."""
        if request._remote is None and _is_unix(request):
            return self._trusts_unix
        # It may be the client, found by a middleware further out.
        remote = request.remote
        return remote is not None and (address := _parse_address(remote)) is not None and self.knows(address)

    def knows(self, address: Address) -> bool:
        """It is in one of the networks."""
        return any(address in network for network in self.networks)


def _is_unix(request: BaseRequest) -> bool:
    sock = request.get_extra_info("socket")
    return sock is not None and sock.family == getattr(socket, "AF_UNIX", None)


def _parse_address(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # A socket of both families has its IPv4 peers so.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped


def _parse_node(text: str) -> Address | None:
    """The address of an entry: bare, or with a port."""
    if found := _NODE.fullmatch(text):
        text = found[1] or found[2]
    return None if "%" in text else _parse_address(text)


def _walk(nodes: Iterable[str], trusted: _Trusted) -> Iterator[Address]:
    """Each address that a trusted proxy tells of, from the nearest to us; the last one is the client's."""
    for node in nodes:
        address = _parse_node(node)
        if address is None:
            return
        yield address
        if not trusted.knows(address):
            return


Origin = tuple[str | None, str | None, str | None]


def _read_forwarded(request: BaseRequest, trusted: _Trusted) -> Origin:
    scheme = host = remote = None
    elements = request.forwarded[::-1]
    for element, address in zip(elements, _walk((e.get("for", "") for e in elements), trusted), strict=False):
        remote = str(address)
        scheme = _scheme(element.get("proto", "")) or scheme
        host = _host(element.get("host", "")) or host
    return scheme, host, remote


def _reader_of(names: frozenset[str]) -> Callable[[BaseRequest, _Trusted], Origin]:
    def read(request: BaseRequest, trusted: _Trusted) -> Origin:
        remote = None
        if _FOR in names:
            for address in _walk(reversed(_members(request, _FOR)), trusted):
                remote = str(address)
        return (
            _scheme(_last(request, _PROTO)) if _PROTO in names else None,
            _host(_last(request, _HOST)) if _HOST in names else None,
            remote,
        )

    return read


def _members(request: BaseRequest, name: str) -> list[str]:
    """The members of a list, also of one in several fields; an empty one is malformed, and counts."""
    fields = request.headers.getall(name, None)
    return [] if fields is None else [member.strip(" \t") for member in ",".join(fields).split(",")]


def _last(request: BaseRequest, name: str) -> str:
    return (_members(request, name) or [""])[-1]


def _scheme(text: str) -> str | None:
    return _SCHEMES.get(text.lower())


def _host(text: str) -> str | None:
    return text if is_host(text) else None
