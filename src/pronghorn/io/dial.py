"""From the addresses of a host to a connected transport: the race for a socket, and TLS over it.

An `Address` says what is dialled, and whoever asks gets a transport that speaks to it, whatever
lies between. What goes wrong is told together with the `Progress` that had been made.
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

import aiohappyeyeballs
from yarl import URL

from .resolver import AddressInfo, packed, unresolved
from .tls import TlsReader

ProtocolT = TypeVar("ProtocolT", bound=asyncio.Protocol)
SocketFactory = Callable[[AddressInfo], socket.socket]
#: Raises if what was connected to, by its socket address, may not be.
Admit = Callable[[tuple[Any, ...]], None]

# RFC 8305 section 5 recommends 250 ms between attempts.
ATTEMPT_DELAY: Final = 0.25
#: Seconds that a peer has to answer our close_notify before the transport is closed without it.
TLS_CLOSING: Final = 1.0
#: Addresses that are named when none of them answers.
_TOLD: Final = 4


class Address(NamedTuple):
    """What a connection is made to: the whole of it is the key under which it is kept."""

    host: str
    port: int | None
    #: TLS is spoken.
    is_ssl: bool = False
    #: How the peer is verified, if TLS is spoken: the option of that name.
    ssl: Any = True
    #: Without its credentials.
    proxy: URL | None = None
    proxy_auth: Any = None
    proxy_headers_hash: int | None = None
    #: The name that is asked for, and verified, instead of the host's.
    server_hostname: str | None = None


class TunnelledAddress(Address):
    """One that a proxy leads to by a tunnel, where it would take requests: these ask for another protocol."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TunnelledAddress) and tuple.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other  # a tuple has its own

    def __hash__(self) -> int:
        return ~tuple.__hash__(self)


@dataclass(slots=True)
class Progress:
    """What is being done to get a connection: "dns", "connect", "tls" or "proxy", and with which peer."""

    phase: str = "dns"
    #: The address, as text; "" if there is none yet.
    peer: str = ""

    def __str__(self) -> str:
        return f"{self.phase}, {self.peer}" if self.peer else self.phase


@dataclass(frozen=True, slots=True)
class Dialling:
    """How sockets are made."""

    #: What the socket is bound to.
    local: Sequence[AddressInfo] | None = None
    #: Seconds between two attempts (RFC 8305); None tries one address after the other.
    delay: float | None = ATTEMPT_DELAY
    #: Addresses of one family at the head of the line, before another family has its turn.
    interleave: int | None = None
    #: Makes the sockets.
    socket_factory: SocketFactory | None = None


DEFAULT_DIALLING: Final = Dialling()


@dataclass(frozen=True, slots=True)
class Tls:
    """How TLS is spoken over a socket."""

    context: ssl.SSLContext
    #: For SNI and for the certificate; None asks for none, and verifies none.
    server_hostname: str | None
    #: Looks at the transport when TLS is agreed on, and raises if it is not what was expected.
    check: Callable[[asyncio.Transport], None] | None = None
    #: Seconds that closing may take.
    closing: float = TLS_CLOSING

    def verify(self, transport: asyncio.Transport) -> None:
        """`check`, if there is one; what does not pass is closed."""
        if self.check is not None:
            try:
                self.check(transport)
            except BaseException:
                transport.abort()
                raise


async def dial(
    addresses: Sequence[AddressInfo],
    protocol_factory: Callable[[], ProtocolT],
    *,
    dialling: Dialling = DEFAULT_DIALLING,
    tls: Tls | None = None,
    admit: Admit | None = None,
    progress: Progress | None = None,
) -> tuple[asyncio.Transport, ProtocolT]:
    """Connect to one of ``addresses`` and hand the transport to a protocol.

    All are tried, in the order of RFC 8305; when one is connected and then fails, those that are
    left. ``admit`` looks at what was connected to, before anything is sent. If none succeeds, what
    tells most is raised: what ``admit`` or ``tls.check`` raised, an OSError of TLS, that of connecting.
    """
    progress = progress or Progress()
    for info in addresses:
        if packed(info[4][0]) is None:
            # The loop would look it up, in its own way and in its executor.
            raise unresolved(info[4][0], "the resolver gave the name back")
    left = list(addresses)
    verdict: Exception | None = None
    at = ("connect", "")
    while left:
        progress.phase, progress.peer = "connect", named(left)
        try:
            sock, peer = await race(left, dialling)
        except OSError:
            if verdict is None:
                raise
            break
        progress.peer = authority(*peer[:2])
        try:
            return await _hand_over(sock, peer, protocol_factory, tls, admit, progress)
        except Exception as error:  # noqa: BLE001 - raised below, when no other address does better
            if verdict is None or (isinstance(verdict, OSError) and not isinstance(error, OSError)):
                verdict, at = error, (progress.phase, progress.peer)
    progress.phase, progress.peer = at
    raise verdict or OSError(errno.EADDRNOTAVAIL, "there is no address to connect to")


async def secure(
    transport: asyncio.Transport, protocol: ProtocolT, tls: Tls | None, progress: Progress
) -> tuple[asyncio.Transport, ProtocolT]:
    """Give ``transport``, which a tunnel has been made over, to ``protocol``, with TLS over it.

    Raises OSError if the connection is lost meanwhile, or was before.
    """
    if transport.is_closing():
        # Whoever takes it now may never be told that it is lost.
        transport.abort()
        raise ConnectionResetError(errno.ECONNRESET, "the connection was lost as soon as there was a way")
    if tls is None:
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        return transport, protocol
    progress.phase = "tls"
    try:
        secured = await asyncio.get_running_loop().start_tls(
            transport,
            TlsReader(protocol),
            tls.context,
            server_hostname=tls.server_hostname or "",
            ssl_shutdown_timeout=tls.closing,
        )
    except BaseException as error:
        transport.abort()
        # gh-113214: before 3.11.8 and 3.12.2, asyncio stumbles while it tells of TLS in TLS that has failed.
        if isinstance(error, TypeError) and isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise
    # Lost before its end, a handshake is no failure to the loops: asyncio gives None, uvloop what is closed.
    if secured is None or secured.is_closing():
        transport.abort()
        raise ConnectionResetError(errno.ECONNRESET, "the connection was lost while TLS was agreed on")
    tls.verify(secured)
    protocol.connection_made(secured)
    return secured, protocol


async def race(left: list[AddressInfo], dialling: Dialling) -> tuple[socket.socket, tuple[Any, ...]]:
    """A connected socket, and its peer; the address that led there is not ``left`` any more.

    Raises OSError if none can be connected to.
    """
    # By the peer it can't be told: 0.0.0.0 leads to 127.0.0.1.
    leading: dict[socket.socket, AddressInfo] = {}

    def make(info: AddressInfo) -> socket.socket:
        sock = socket.socket(*info[:3]) if dialling.socket_factory is None else dialling.socket_factory(info)
        leading[sock] = info
        return sock

    while True:
        sock = await aiohappyeyeballs.start_connection(
            left,
            local_addr_infos=dialling.local,
            happy_eyeballs_delay=dialling.delay,
            interleave=dialling.interleave,
            loop=asyncio.get_running_loop(),
            socket_factory=make,
        )
        left[:] = [info for info in left if info != leading[sock]]
        try:
            return sock, sock.getpeername()
        except OSError:  # it has been reset since
            sock.close()
            if not left:
                raise


async def _hand_over(
    sock: socket.socket,
    peer: tuple[Any, ...],
    protocol_factory: Callable[[], ProtocolT],
    tls: Tls | None,
    admit: Admit | None,
    progress: Progress,
) -> tuple[asyncio.Transport, ProtocolT]:
    loop = asyncio.get_running_loop()
    try:
        if admit is not None:
            admit(peer)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is None:
            return await loop.create_connection(protocol_factory, sock=sock)
        progress.phase = "tls"
        transport, reader = await loop.create_connection(
            lambda: TlsReader(protocol_factory()),
            sock=sock,
            ssl=tls.context,
            server_hostname=tls.server_hostname or "",
            ssl_shutdown_timeout=tls.closing,
        )
    except BaseException:
        sock.close()
        raise
    tls.verify(transport)
    return transport, reader.protocol


def authority(host: str, port: int | None) -> str:
    """A host and a port as URLs have them (RFC 3986 section 3.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def named(addresses: Sequence[AddressInfo]) -> str:
    """The first of ``addresses``, for whoever is told that they are tried."""
    return ", ".join(authority(*info[4][:2]) for info in addresses[:_TOLD])
