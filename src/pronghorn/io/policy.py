"""Which addresses may be connected to, when the URL comes from a stranger.

A server that fetches what it is told to can be sent to its own neighbours: to the loopback address, a
database, the service of a cloud that hands out credentials (server-side request forgery). A URL doesn't show
it: ``0x7f.1`` and ``2130706433`` are loopback too, redirects lead elsewhere, and a name that is looked up
twice may have two answers. So a policy judges nothing but the address that is connected to.

`PublicAddressesOnly` lets through what is known to be public unicast and refuses everything else. Its tables
are the special-purpose registries of IANA (RFC 6890; as of October 2025) and multicast. The standard library
does not do: for `ipaddress.is_global` multicast is global, and its answers differ between patch releases
(CVE-2024-4032).

An IPv6 address may hold an IPv4 address, and lead to it:

- IPv4-mapped, ``::ffff:0:0/96`` (RFC 4291 section 2.5.5.2): the kernel connects to the IPv4 address, so that
  one is judged.
- NAT64, ``64:ff9b::/96`` (RFC 6052): a translator does. It is how networks without IPv4 reach the rest, so
  what it holds is judged. In ``64:ff9b:1::/48`` (RFC 8215) the operator chooses where it is held: refused.
- 6to4, Teredo, ISATAP, IPv4-compatible and IPv4-translated: refused whatever they hold; nobody serves there.

A NAT64 prefix of the operator's own looks like any other network. Whoever runs one keeps private addresses
out of it at the translator.
"""

import errno
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from functools import cache, lru_cache, partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final, NamedTuple

from yarl import URL

#: Addresses whose verdict a policy remembers.
_REMEMBERED: Final = 1024

#: Services that give a machine its own credentials: an address, whose it is.
_METADATA: Final = (
    ("169.254.169.254", "AWS, Azure, Google, OpenStack and others"),
    ("169.254.170.2", "AWS ECS"),
    ("169.254.170.23", "AWS EKS"),
    ("169.254.0.23", "Tencent"),
    ("169.254.42.42", "Scaleway"),
    ("100.100.100.200", "Alibaba"),
    ("192.0.0.192", "Oracle"),
    ("168.63.129.16", "Azure WireServer"),  # public by the registries, and answered by the hypervisor
    ("fd00:ec2::254", "AWS"),
    ("fd00:ec2::23", "AWS EKS"),
    ("fd20:ce::254", "Google"),
    ("fd00:42::42", "Scaleway"),
)

#: A network, what it is for, where that is said; the first that holds an address counts.
_REFUSED_V4: Final = (
    ("0.0.0.0/32", "this host", "RFC 1122 section 3.2.1.3"),
    ("0.0.0.0/8", "this network", "RFC 791 section 3.2"),
    ("10.0.0.0/8", "private", "RFC 1918"),
    ("100.64.0.0/10", "shared by a carrier's customers", "RFC 6598"),
    ("127.0.0.0/8", "loopback", "RFC 1122 section 3.2.1.3"),
    ("169.254.0.0/16", "link-local", "RFC 3927"),
    ("172.16.0.0/12", "private", "RFC 1918"),
    ("192.0.0.0/29", "IPv4 service continuity", "RFC 7335"),
    ("192.0.0.8/32", "IPv4 dummy address", "RFC 7600"),
    ("192.0.0.9/32", "Port Control Protocol anycast", "RFC 7723"),
    ("192.0.0.10/32", "TURN anycast", "RFC 8155"),
    ("192.0.0.170/31", "NAT64 discovery", "RFC 7050"),
    ("192.0.0.0/24", "IETF protocol assignments", "RFC 6890 section 2.1"),
    ("192.0.2.0/24", "documentation", "RFC 5737"),
    ("192.31.196.0/24", "AS112", "RFC 7535"),
    ("192.52.193.0/24", "multicast tunnelling", "RFC 7450"),
    ("192.88.99.0/24", "6to4 relay anycast", "RFC 7526"),
    ("192.168.0.0/16", "private", "RFC 1918"),
    ("192.175.48.0/24", "AS112", "RFC 7534"),
    ("198.18.0.0/15", "benchmarking", "RFC 2544"),
    ("198.51.100.0/24", "documentation", "RFC 5737"),
    ("203.0.113.0/24", "documentation", "RFC 5737"),
    ("224.0.0.0/4", "multicast", "RFC 1112 section 4"),
    ("255.255.255.255/32", "broadcast", "RFC 919 section 7"),
    ("240.0.0.0/4", "reserved", "RFC 1112 section 4"),
)
_REFUSED_V6: Final = (
    ("::/128", "unspecified", "RFC 4291 section 2.5.2"),
    ("::1/128", "loopback", "RFC 4291 section 2.5.3"),
    ("::/96", "IPv4-compatible", "RFC 4291 section 2.5.5.1"),
    ("::ffff:0:0:0/96", "IPv4-translated", "RFC 2765 section 2.1"),
    ("64:ff9b:1::/48", "local NAT64", "RFC 8215"),
    ("100::/64", "discard-only", "RFC 6666"),
    ("100:0:0:1::/64", "dummy prefix", "RFC 9780"),
    ("2001::/32", "Teredo", "RFC 4380"),
    ("2001:1::1/128", "Port Control Protocol anycast", "RFC 7723"),
    ("2001:1::2/128", "TURN anycast", "RFC 8155"),
    ("2001:1::3/128", "service registration anycast", "RFC 9665"),
    ("2001:2::/48", "benchmarking", "RFC 5180"),
    ("2001:3::/32", "multicast tunnelling", "RFC 7450"),
    ("2001:4:112::/48", "AS112", "RFC 7535"),
    ("2001:10::/28", "ORCHID", "RFC 4843"),
    ("2001:20::/28", "ORCHIDv2", "RFC 7343"),
    ("2001:30::/28", "drone identifiers", "RFC 9374"),
    ("2001::/23", "IETF protocol assignments", "RFC 2928"),
    ("2001:db8::/32", "documentation", "RFC 3849"),
    ("2002::/16", "6to4", "RFC 3056"),
    ("2620:4f:8000::/48", "AS112", "RFC 7534"),
    ("3fff::/20", "documentation", "RFC 9637"),
    ("5f00::/16", "segment routing", "RFC 9602"),
    ("fc00::/7", "unique local", "RFC 4193"),
    ("fe80::/10", "link-local", "RFC 4291 section 2.5.6"),
    ("fec0::/10", "site-local", "RFC 3879"),
    ("ff00::/8", "multicast", "RFC 4291 section 2.7"),
)
_GLOBAL_UNICAST: Final = "2000::/3"
# RFC 6052 section 2.1: 64:ff9b::/96; the IPv4 address is the rest.
_NAT64: Final = 0x0064_FF9B << 64
# RFC 5214 section 6.1: the interface identifier is 0000:5efe or 0200:5efe, and the IPv4 address.
_ISATAP_MASK: Final = 0xFDFF_FFFF << 32
_ISATAP: Final = 0x0000_5EFE << 32


class PolicyError(OSError):
    """A policy does not let ``address``, one of ``host``, be connected to; ``reason`` says why."""

    def __init__(self, host: str, address: str, port: int, reason: str) -> None:
        #: As it was asked for: a name, or an address in any spelling.
        self.host = host
        self.address = address
        self.port = port
        self.reason = reason
        # What the system says when a firewall of its own is in the way.
        super().__init__(errno.EACCES, f"{host} port {port}, address {address}: {reason}")

    def __reduce__(self) -> tuple[Any, ...]:
        # OSError would give errno and text to a constructor that wants neither.
        return type(self), (self.host, self.address, self.port, self.reason)


def proxy_origin(proxy: URL) -> URL:
    """What a proxy is known by: its scheme, host and port, and nothing else; ValueError if it has no host."""
    origin = proxy.origin()
    # To `URL` a port that is given is not the same as one that is not: a proxy would have two keys.
    return origin.with_port(None) if origin.is_default_port() else origin


class AddressPolicy(ABC):
    """Decides what may be connected to. A connector asks on each connection, from its event loop's thread."""

    @abstractmethod
    def check(self, host: str, address: str, port: int) -> None:
        """Raises PolicyError if ``address``, one of ``host``, may not be connected to.

        ``address`` is numeric, as `socket.getaddrinfo` gives it; one of IPv6 may end in a zone, ``%eth0``.
        It is called often, and must not wait.
        """

    def allows_proxy(self, proxy: URL) -> bool:
        """Whether requests may go through ``proxy``, at whatever address that is; by default they may not."""
        return False


class PublicAddressesOnly(AddressPolicy):
    """Refuses every address that is not public unicast, in every spelling.

    ``allow`` opens networks all the same, ``"10.1.0.0/16"`` or a single address. The metadata services of
    clouds stay shut inside a network that is opened: each is opened by its own address only.
    ``proxies`` are URLs of those that may be used, wherever they are; scheme, host and port count,
    credentials don't. ``ports`` are the only ones to connect to, None is all of them.
    Raises ValueError or TypeError for what is no network, no absolute URL or no port.
    """

    def __init__(
        self,
        *,
        allow: Iterable[str | IPv4Network | IPv6Network] = (),
        proxies: Iterable[str | URL] = (),
        ports: Iterable[int] | None = None,
    ) -> None:
        self._allow = tuple(_network(network) for network in _items("allow", allow))
        self._proxies = tuple(_origin(proxy) for proxy in _items("proxies", proxies))
        self._ports = None if ports is None else frozenset(_port(port) for port in _items("ports", ports))
        # The cache is an attribute: on the method it would be shared, and keep every policy alive.
        judge = partial(_refusal, self._allow)
        self._refusal: Callable[[str], str | None] = lru_cache(maxsize=_REMEMBERED)(judge)

    def check(self, host: str, address: str, port: int) -> None:
        """Raises PolicyError if ``address``, one of ``host``, is not public and not allowed."""
        reason = self._refusal(address)
        if reason is None and self._ports is not None and port not in self._ports:
            reason = f"the port is none of {', '.join(map(str, sorted(self._ports))) or 'those allowed'}"
        if reason is not None:
            raise PolicyError(host, address, port, reason)

    def allows_proxy(self, proxy: URL) -> bool:
        """Whether ``proxy`` is one of those that were named."""
        return _origin(proxy) in self._proxies

    def __repr__(self) -> str:
        allowed = {
            "allow": [str(network) for network in self._allow] or None,
            "proxies": [str(proxy) for proxy in self._proxies] or None,
            "ports": None if self._ports is None else sorted(self._ports),
        }
        arguments = (f"{name}={value!r}" for name, value in allowed.items() if value is not None)
        return f"{type(self).__name__}({', '.join(arguments)})"


class _Row(NamedTuple):
    """The addresses that have ``bits`` where ``mask`` is set; ``reason`` is None if they are public."""

    bits: int
    mask: int
    reason: str | None
    is_metadata: bool = False


def _row(network: str, reason: str | None, *, is_metadata: bool = False) -> _Row:
    parsed = ip_network(network)
    return _Row(int(parsed.network_address), int(parsed.netmask), reason, is_metadata)


@cache
def _rows(version: int) -> tuple[_Row, ...]:
    """The verdicts on addresses of an IP version: the first row that fits counts, and one always does."""
    rows = [
        _row(address, f"{address} is cloud metadata ({owner})", is_metadata=True)
        for address, owner in _METADATA
        if ip_address(address).version == version
    ]
    for network, purpose, rfc in _REFUSED_V4 if version == 4 else _REFUSED_V6:
        rows.append(_row(network, f"{network} is {purpose} ({rfc})"))
    if version == 4:
        rows.append(_row("0.0.0.0/0", None))
    else:
        rows.append(_Row(_ISATAP, _ISATAP_MASK, "its interface identifier is ISATAP (RFC 5214 section 6.1)"))
        rows.append(_row(_GLOBAL_UNICAST, None))
        rows.append(_row("::/0", f"it is not in {_GLOBAL_UNICAST}, global unicast (RFC 3587 section 3)"))
    return tuple(rows)


def _verdict(address: IPv4Address | IPv6Address) -> _Row:
    number = int(address)
    if address.version == 6 and number >> 32 == _NAT64:
        held = IPv4Address(number & 0xFFFF_FFFF)
        row = _verdict(held)
        return row if row.reason is None else row._replace(reason=f"NAT64 leads to {held}: {row.reason}")
    return next(row for row in _rows(address.version) if number & row.mask == row.bits)


def _refusal(allow: tuple[IPv4Network | IPv6Network, ...], text: str) -> str | None:
    """Why the address may not be connected to; None if it may. TypeError if it is no str."""
    if not isinstance(text, str):
        raise TypeError(f"address: expected a str, got {type(text).__name__}")
    try:
        address = ip_address(text)
    except ValueError:
        # What only resembles an address is read by each resolver in a way of its own.
        return "it is not a numeric address"
    if address.version == 6 and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    row = _verdict(address)
    for network in allow:
        if address in network and (network.num_addresses == 1 or not row.is_metadata):
            return None
    return row.reason


def _items(name: str, given: Iterable[Any]) -> Iterable[Any]:
    # A str is an iterable of strs, and its letters were not meant.
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise TypeError(f"{name}: expected an iterable, got {type(given).__name__}")
    return given


def _network(network: str | IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    # `ip_network` would take numbers and bytes for addresses.
    if not isinstance(network, str | IPv4Network | IPv6Network):
        raise TypeError(f"allow: expected a str or a network, got {type(network).__name__}")
    try:
        parsed = ip_network(network)
    except ValueError as error:
        raise ValueError(f"allow: {error}") from None
    if parsed.version == 6 and parsed.network_address.ipv4_mapped is not None and parsed.prefixlen >= 96:
        raise ValueError(f"allow: expected an IPv4 network as such, got {parsed}")
    return parsed


def _origin(proxy: str | URL) -> URL:
    if not isinstance(proxy, str | URL):
        raise TypeError(f"proxy: expected a str or a yarl.URL, got {type(proxy).__name__}")
    try:
        return proxy_origin(URL(proxy))
    except ValueError:
        pass
    # Outside of the handler, and without the value: there may be a password in it.
    raise ValueError("proxy: expected an absolute URL, scheme://host:port")


def _port(port: int) -> int:
    if not isinstance(port, int) or isinstance(port, bool):
        raise TypeError(f"ports: expected int, got {type(port).__name__}")
    if not 0 < port < 65536:
        raise ValueError(f"ports: expected 1 to 65535, got {port}")
    return port
