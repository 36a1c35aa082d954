"""A way through a proxy: CONNECT (RFC 9110 section 9.3.6), and SOCKS by a library.

What comes out is a transport to the proxy whose other end is the server; TLS with the server goes
over it, also where TLS with the proxy lies under it.
"""

import asyncio
import errno
import socket
from collections.abc import Awaitable, Iterable, Sequence
from inspect import signature
from typing import Any, Final

from ..wire.errors import ProtocolError
from ..wire.events import Event, ResponseHead
from ..wire.http1.connection import Http1Connection
from ..wire.limits import DEFAULT_LIMITS
from ..wire.roles import CLIENT
from .channel import Channel, QuietOwner
from .dial import DEFAULT_DIALLING, Dialling, race
from .resolver import AddressInfo

SOCKS_SCHEMES: Final = ("socks4", "socks4a", "socks5", "socks5h")
#: Seconds, a day: how long connecting may take is the caller's to say, where python-socks would say a minute.
_UNBOUNDED: Final = 86_400.0


class TunnelRefused(Exception):
    """The proxy answered CONNECT with another status than 2xx: ``head`` is its answer."""

    def __init__(self, head: ResponseHead) -> None:
        super().__init__(head.status, head.reason)
        self.head = head


class Tunnel(Channel, QuietOwner):
    """The protocol of a connection to a proxy until CONNECT is answered."""

    __slots__ = ("_http", "_waiter")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._http = Http1Connection(CLIENT, DEFAULT_LIMITS)
        self._waiter: asyncio.Future[ResponseHead] = loop.create_future()
        super().__init__(loop, self._http, self)

    async def open(self, authority: str, fields: Iterable[tuple[str, str]]) -> asyncio.Transport:
        """Ask for a tunnel to ``authority``; the transport, whose bytes belong to the server from now on.

        Raises TunnelRefused, or OSError if there is no answer, or one that is none.
        """
        transport = self.transport
        try:
            self.write(self._http.send_head("CONNECT", authority, [("Host", authority), *fields], 0, b""))
            head = await self._waiter
            if not 200 <= head.status < 300:
                raise TunnelRefused(head)
            if transport is None or self.is_lost:
                raise ConnectionResetError(errno.ECONNRESET, "the proxy closed the connection")
            if self._http.accept_upgrade():
                raise ConnectionAbortedError(errno.ECONNABORTED, "the proxy sent more than its answer")
        except BaseException:
            self.abort()
            raise
        return transport

    # What the channel reports

    def receive(self, events: Sequence[Event]) -> None:
        for event in events:
            if type(event) is ResponseHead and not self._waiter.done():
                self._waiter.set_result(event)

    def fail(self, error: ProtocolError) -> None:
        self._end(ConnectionAbortedError(errno.ECONNABORTED, f"the proxy gave no answer: {error.message}"))
        self.abort()

    def lose(self, error: Exception | None) -> None:
        if not isinstance(error, OSError):
            error = ConnectionResetError(errno.ECONNRESET, "the proxy closed the connection")
        self._end(error)

    def _end(self, error: Exception) -> None:
        if not self._waiter.done():
            self._waiter.set_exception(error)
            self._waiter.exception()  # who asked may be gone


class _Reached:
    """Stands for a proxy on the way to the proxy: the connection to that one is there."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    async def connect(self, **_: object) -> socket.socket:
        return self._sock


async def open_socks(
    addresses: Sequence[AddressInfo],
    scheme: str,
    credentials: tuple[str, str] | None,
    host: str,
    port: int,
    dialling: Dialling = DEFAULT_DIALLING,
) -> socket.socket:
    """A socket to ``host`` through the SOCKS proxy at one of ``addresses``, tried as `dial` does.

    Raises OSError; RuntimeError if python-socks 3.0 or newer is not installed; ValueError for credentials
    that can't be sent.
    """
    try:
        from python_socks import ProxyError, ProxyType
        from python_socks.async_.asyncio import Proxy
    except ImportError as error:
        raise RuntimeError(f"a {scheme} proxy needs python-socks: pip install 'pronghorn[socks]'") from error
    if "forward" not in signature(Proxy).parameters:
        raise RuntimeError(f"a {scheme} proxy needs python-socks 3.0 or newer: pip install -U python-socks")
    kind = ProxyType.SOCKS4 if scheme.startswith("socks4") else ProxyType.SOCKS5
    login, password = credentials or (None, None)
    for part in credentials or ():
        # RFC 1929 section 2 for the length; in SOCKS4 a NUL ends them.
        if not part.isascii() or len(part) > 255 or "\0" in part:
            raise ValueError(f"proxy_auth: {scheme} takes at most 255 characters of ASCII, without NUL")
    failure: Exception = OSError(errno.EADDRNOTAVAIL, "the proxy has no address")
    left = list(addresses)
    while left:
        try:
            sock, peer = await race(left, dialling)
        except OSError as error:
            failure = error
            break
        reached: Any = _Reached(sock)
        proxy = Proxy(kind, peer[0], peer[1], login, password, rdns=True, forward=reached)
        try:
            return await _negotiate(sock, proxy.connect(host, port, timeout=_UNBOUNDED))
        except ProxyError as error:
            raise ConnectionRefusedError(errno.ECONNREFUSED, f"{scheme} proxy: {error}") from error
        except ValueError as error:
            # It is given a name that IDNA does not know, or an answer that is no text.
            raise ConnectionAbortedError(errno.ECONNABORTED, f"{scheme} proxy: {error}") from error
        except OSError as error:
            failure = error
    raise failure


async def _negotiate(sock: socket.socket, negotiation: Awaitable[socket.socket]) -> socket.socket:
    try:
        return await negotiation
    except BaseException:
        sock.close()
        raise
