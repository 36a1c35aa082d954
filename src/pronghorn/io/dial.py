"""From a host and a port to a connected transport.

Here is where TLS and proxies come in: an `Address` says what is dialled, and whoever
asks gets a transport that speaks to it, whatever lies between.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import aiohappyeyeballs

#: What `socket.getaddrinfo` gives: family, type, protocol, canonical name, socket address.
AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]
ProtocolT = TypeVar("ProtocolT", bound=asyncio.BaseProtocol)

# RFC 8305 section 5 recommends 250 ms between attempts.
_ATTEMPT_DELAY = 0.25


class Address(NamedTuple):
    """What a connection is made to: the whole of it is the key under which it is kept."""

    host: str
    port: int
    ssl: bool = False


class ResolveError(OSError):
    """The host has no address that could be found."""


async def resolve(address: Address) -> list[AddressInfo]:
    """The addresses of the host, in the order in which the system prefers them. Raises ResolveError."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
    except (OSError, UnicodeError) as error:
        raise ResolveError(getattr(error, "errno", socket.EAI_NONAME), f"{address.host}: {error}") from error
    return [info for info in found if info[0] in (socket.AF_INET, socket.AF_INET6)]


async def dial(
    addresses: Sequence[AddressInfo], protocol_factory: Callable[[], ProtocolT]
) -> tuple[asyncio.Transport, ProtocolT]:
    """Connect to one of ``addresses`` and hand the transport to a protocol.

    All are tried, in the order of RFC 8305. Raises OSError if no attempt succeeds.
    """
    loop = asyncio.get_running_loop()
    sock = await aiohappyeyeballs.start_connection(
        addresses, happy_eyeballs_delay=_ATTEMPT_DELAY, interleave=1, loop=loop
    )
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return await loop.create_connection(protocol_factory, sock=sock)
    except BaseException:
        sock.close()
        raise
