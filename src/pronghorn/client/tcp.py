"""`TCPConnector`: connections over TCP, with TLS, directly or by a proxy."""

import asyncio
import socket
import ssl as ssl_module
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Final, TypeVar

import aiohappyeyeballs

from ..io.channel import Channel
from ..io.dial import (
    ATTEMPT_DELAY,
    TLS_CLOSING,
    Address,
    Dialling,
    Progress,
    SocketFactory,
    Tls,
    TunnelledAddress,
    authority,
    dial,
    named,
    secure,
)
from ..io.dns_cache import DnsCache
from ..io.policy import AddressPolicy, PolicyError
from ..io.resolver import AbstractResolver, AddressInfo, ThreadedResolver
from ..io.tunnel import SOCKS_SCHEMES, Tunnel, TunnelRefused, open_socks
from .connecting import connector_error, in_time
from .connector import UNSET, BaseConnector
from .errors import (
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientHttpProxyError,
    ClientProxyConnectionError,
)
from .outgoing import ClientRequest
from .protocol import ResponseHandler
from .timeouts import ClientTimeout
from .tls import VERIFIED, Fingerprint, chosen, tls_of, tls_option
from .tracing import Trace

#: Where a proxy is found that names no port.
_PROXY_PORTS: Final = {"http": 80, "https": 443, **dict.fromkeys(SOCKS_SCHEMES, 1080)}

Connected = tuple[asyncio.Transport, ResponseHandler]
ChannelT = TypeVar("ChannelT", bound=Channel)


class TCPConnector(BaseConnector):
    """Connections over TCP.

    ``ssl`` says how servers are verified where a request does not: True by the system's trust, False
    not at all, a Fingerprint, or an SSLContext; ``verify_ssl``, ``fingerprint`` and ``ssl_context``
    are older names of it. A proxy that TLS is spoken to is verified by ``proxy_ssl``; without one by
    the SSLContext of the request or of the connector, if there is one, or the system's trust.

    Names are found by ``resolver`` (the system's by default), and kept for ``ttl_dns_cache`` seconds,
    None is for ever, at most ``dns_cache_max_size`` of them; ``use_dns_cache=False`` keeps none.
    ``family`` is AF_INET or AF_INET6, 0 is both. Addresses are raced as RFC 8305 describes: one more
    each ``happy_eyeballs_delay`` seconds (None: only when the one before failed), ``interleave`` of a
    family in turn. ``local_addr`` is what sockets are bound to, ``socket_factory`` makes them.

    With a ``policy``, only addresses are connected to that it allows, and only proxies that it names:
    what those are asked for is an address that was resolved, and allowed, here.

    Closing TLS takes at most ``ssl_shutdown_timeout`` seconds, 1 by default. ``enable_cleanup_closed``,
    ``timeout_ceil_threshold`` and ``loop`` are accepted and not needed. ``share_dials`` is as in
    `BaseConnector`, and so is the rest.
    """

    allowed_protocol_schema_set = BaseConnector.allowed_protocol_schema_set | {"tcp"}
    takes_proxies = True

    def __init__(
        self,
        *,
        verify_ssl: bool = True,
        fingerprint: bytes | None = None,
        use_dns_cache: bool = True,
        ttl_dns_cache: float | None = 10,
        dns_cache_max_size: int = 1000,
        family: socket.AddressFamily | int = socket.AF_UNSPEC,
        ssl_context: ssl_module.SSLContext | None = None,
        ssl: ssl_module.SSLContext | bool | Fingerprint = True,
        local_addr: tuple[str, int] | None = None,
        resolver: AbstractResolver | None = None,
        keepalive_timeout: float | None = UNSET,
        force_close: bool = False,
        limit: int | None = 100,
        limit_per_host: int | None = 0,
        enable_cleanup_closed: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
        timeout_ceil_threshold: float = 5,
        happy_eyeballs_delay: float | None = ATTEMPT_DELAY,
        interleave: int | None = None,
        socket_factory: SocketFactory | None = None,
        ssl_shutdown_timeout: float | None = UNSET,
        proxy_ssl: ssl_module.SSLContext | bool | Fingerprint | None = None,
        policy: AddressPolicy | None = None,
        share_dials: bool = False,
    ) -> None:
        super().__init__(
            keepalive_timeout=keepalive_timeout,
            force_close=force_close,
            limit=limit,
            limit_per_host=limit_per_host,
            enable_cleanup_closed=enable_cleanup_closed,
            loop=loop,
            timeout_ceil_threshold=timeout_ceil_threshold,
            share_dials=share_dials,
        )
        self._ssl = tls_option(ssl, None if verify_ssl else False, fingerprint, ssl_context)
        if proxy_ssl is not None and not isinstance(proxy_ssl, (bool, ssl_module.SSLContext, Fingerprint)):
            raise TypeError(f"proxy_ssl: expected an SSLContext, a bool or a Fingerprint, got {proxy_ssl!r}")
        self._proxy_ssl = None if proxy_ssl is None else tls_option(proxy_ssl)
        if resolver is not None and not isinstance(resolver, AbstractResolver):
            raise TypeError(f"resolver: expected an AbstractResolver, got {resolver!r}")
        if policy is not None and not isinstance(policy, AddressPolicy):
            raise TypeError(f"policy: expected an AddressPolicy, got {policy!r}")
        if family not in (socket.AF_UNSPEC, socket.AF_INET, socket.AF_INET6):
            raise ValueError(f"family: expected AF_INET, AF_INET6 or 0, got {family!r}")
        if loop is not None and not isinstance(loop, asyncio.AbstractEventLoop):
            raise TypeError(f"loop: expected None or an AbstractEventLoop, got {loop!r}")
        if local_addr is not None and not _is_address(local_addr):
            raise TypeError(f"local_addr: expected None or a host and a port, got {local_addr!r}")
        if socket_factory is not None and not callable(socket_factory):
            raise TypeError(f"socket_factory: expected None or a function, got {socket_factory!r}")
        _check_number("ttl_dns_cache", ttl_dns_cache)
        _check_number("happy_eyeballs_delay", happy_eyeballs_delay)
        for name, value in (("dns_cache_max_size", dns_cache_max_size), ("interleave", interleave)):
            _check_number(name, value, is_whole=True)
        if ssl_shutdown_timeout is not UNSET:
            _check_number("ssl_shutdown_timeout", ssl_shutdown_timeout)
        self._policy = policy
        self._family = socket.AddressFamily(family)
        self._resolver = ThreadedResolver() if resolver is None else resolver
        self._dns = DnsCache(
            self._resolver, ttl=ttl_dns_cache, max_size=dns_cache_max_size, is_caching=use_dns_cache
        )
        self._use_dns_cache = use_dns_cache
        self._dialling = Dialling(
            None if local_addr is None else aiohappyeyeballs.addr_to_addr_infos(local_addr),
            happy_eyeballs_delay,
            interleave,
            socket_factory,
        )
        self._tls_closing = TLS_CLOSING if ssl_shutdown_timeout is UNSET else ssl_shutdown_timeout or 0.001

    # What was chosen

    @property
    def family(self) -> socket.AddressFamily:
        """The family of addresses that are connected to; AF_UNSPEC is any."""
        return self._family

    @property
    def use_dns_cache(self) -> bool:
        """Addresses are kept for a while."""
        return self._use_dns_cache

    dns_cache = use_dns_cache

    @property
    def verify_ssl(self) -> bool:
        """Certificates are verified, unless a request says otherwise."""
        return self._ssl is not False and not isinstance(self._ssl, Fingerprint)

    @property
    def ssl_context(self) -> ssl_module.SSLContext | None:
        """The context that was given."""
        return self._ssl if isinstance(self._ssl, ssl_module.SSLContext) else None

    @property
    def fingerprint(self) -> bytes | None:
        """The digest of the certificate that is expected."""
        return self._ssl.fingerprint if isinstance(self._ssl, Fingerprint) else None

    @property
    def policy(self) -> AddressPolicy | None:
        """Which addresses may be connected to."""
        return self._policy

    @property
    def cached_hosts(self) -> MappingProxyType[tuple[str, int], Any]:
        """The addresses that are kept, by host and port."""
        return self._dns.entries

    def clear_dns_cache(self, host: str | None = None, port: int | None = None) -> None:
        """Forget the addresses of one host and port, or all; ValueError for one of the two alone."""
        self._dns.clear(host, port)

    def _close(self, *, abort_ssl: bool = False) -> None:
        super()._close(abort_ssl=abort_ssl)
        self._dns.close()

    # Connecting

    async def _create_connection(
        self, req: ClientRequest, traces: Sequence[Trace], timeout: ClientTimeout
    ) -> ResponseHandler:
        create = self._create_direct_connection
        if req.address.proxy is not None:
            create = self._create_proxy_connection
        async with in_time(req, timeout.sock_connect):
            _, protocol = await create(req, traces, timeout)
        return protocol

    async def _create_direct_connection(
        self, req: ClientRequest, traces: Sequence[Trace], timeout: ClientTimeout
    ) -> Connected:
        address = req.address
        tls = await tls_of(address, self._ssl, self._tls_closing)
        addr_infos = self._allowed(
            address, await self._resolve(address, self._family, traces, req.progress), req.progress
        )
        transport, protocol = await self._wrap_create_connection(
            self._factory,
            addr_infos=addr_infos,
            req=req,
            timeout=timeout,
            ssl=None if tls is None else tls.context,
            server_hostname=None if tls is None else tls.server_hostname,
        )
        if tls is not None:
            tls.verify(transport)  # whoever overrides that made it elsewhere
        return transport, protocol

    async def _wrap_create_connection(
        self,
        protocol_factory: Callable[[], ResponseHandler],
        *,
        addr_infos: Sequence[AddressInfo],
        req: ClientRequest,
        timeout: ClientTimeout,
        client_error: type[ClientConnectorError] = ClientConnectorError,
        ssl: ssl_module.SSLContext | None = None,
        server_hostname: str | None = None,
    ) -> Connected:
        """Connect to one of ``addr_infos``, the addresses of the host: what a tunnel does in its own way.

        ``ssl`` is the context, if TLS is to be spoken. Raises ``client_error``.
        """
        address, policy = req.address, self._policy
        option = chosen(address, self._ssl)
        check = option.check if isinstance(option, Fingerprint) else None
        admit = None if policy is None else lambda peer: policy.check(address.host, *peer[:2])
        try:
            return await dial(
                addr_infos,
                protocol_factory,
                dialling=self._dialling,
                tls=None if ssl is None else Tls(ssl, server_hostname, check, self._tls_closing),
                admit=admit,
                progress=req.progress,
            )
        except OSError as error:
            raise connector_error(address, error, req.progress, client_error) from error

    # Proxies

    def tunnels(self, address: Address) -> bool:
        """A proxy is asked for a way to ``address``, instead of being sent the request."""
        proxy = address.proxy
        return proxy is not None and (
            address.is_ssl
            or isinstance(address, TunnelledAddress)
            or self._policy is not None
            or proxy.scheme in SOCKS_SCHEMES
        )

    async def _create_proxy_connection(
        self, req: ClientRequest, traces: Sequence[Trace], timeout: ClientTimeout
    ) -> Connected:
        address, progress = req.address, req.progress
        proxy = self._address_of_proxy(address)
        tls = await tls_of(address, self._ssl, self._tls_closing)
        host = await self._host_for_proxy(address, traces, progress)
        addr_infos = await self._resolve(proxy, self._family, traces, progress)
        try:
            if address.proxy is not None and address.proxy.scheme in SOCKS_SCHEMES:
                transport, tunnel = await self._by_socks(address, addr_infos, host, progress)
            elif self.tunnels(address):
                transport, tunnel = await self._to_proxy(proxy, addr_infos, progress, Tunnel)
                progress.phase = "proxy"
                await tunnel.open(authority(host, address.port), req.proxy_fields)
            else:
                return await self._to_proxy(proxy, addr_infos, progress, ResponseHandler)
        except TunnelRefused as refused:
            head = refused.head
            raise ClientHttpProxyError(
                req.info, status=head.status, message=head.reason, headers=head.headers
            ) from None
        except OSError as error:
            raise connector_error(proxy, error, progress, ClientProxyConnectionError) from error
        try:
            return await secure(transport, self._factory(), tls, progress)
        except OSError as error:
            raise connector_error(address, error, progress) from error

    async def _to_proxy(
        self,
        proxy: Address,
        addr_infos: Sequence[AddressInfo],
        progress: Progress,
        kind: Callable[[asyncio.AbstractEventLoop], ChannelT],
    ) -> tuple[asyncio.Transport, ChannelT]:
        tls = await tls_of(proxy, True, self._tls_closing)
        factory = partial(kind, asyncio.get_running_loop())
        return await dial(addr_infos, factory, dialling=self._dialling, tls=tls, progress=progress)

    async def _by_socks(
        self, address: Address, addr_infos: Sequence[AddressInfo], host: str, progress: Progress
    ) -> tuple[asyncio.Transport, Tunnel]:
        proxy, auth = address.proxy, address.proxy_auth
        if proxy is None:
            raise TypeError(f"expected an address by a proxy, got {address!r}")
        credentials = None if auth is None else (auth.login, auth.password)
        progress.phase, progress.peer = "proxy", named(addr_infos)
        sock = await open_socks(
            addr_infos, proxy.scheme, credentials, host, address.port or 0, self._dialling
        )
        loop = asyncio.get_running_loop()
        try:
            progress.peer = authority(*sock.getpeername()[:2])
            return await loop.create_connection(lambda: Tunnel(loop), sock=sock)
        except BaseException:
            sock.close()
            raise

    def _address_of_proxy(self, address: Address) -> Address:
        """Where the proxy is, and how it is verified; ClientConnectorPolicyError if it may not be used."""
        proxy, policy = address.proxy, self._policy
        if proxy is None:
            raise TypeError(f"expected an address by a proxy, got {address!r}")
        if policy is not None and not policy.allows_proxy(proxy):
            refusal = PolicyError(address.host, "", address.port or 0, f"it does not name {proxy}")
            raise connector_error(address, refusal, Progress("proxy"))
        option = self._proxy_ssl
        if option is None:
            # The digest and the laxity that the server is met with are not meant for others.
            given = (one for one in (address.ssl, self._ssl) if isinstance(one, ssl_module.SSLContext))
            option = next(given, VERIFIED)
        port = proxy.port or _PROXY_PORTS[proxy.scheme]
        return Address(proxy.raw_host or "", port, proxy.scheme == "https", option)

    async def _host_for_proxy(self, address: Address, traces: Sequence[Trace], progress: Progress) -> str:
        """What the proxy is asked for: the name, unless what that means is not its to say."""
        proxy = address.proxy
        is_resolved_here = proxy is not None and proxy.scheme in ("socks4", "socks5")
        if self._policy is None and not is_resolved_here:
            return address.host
        family = self._family
        if proxy is not None and proxy.scheme.startswith("socks4"):
            family = socket.AF_INET  # it knows of no other
        addr_infos = await self._resolve(address, family, traces, progress)
        host: str = self._allowed(address, addr_infos, progress)[0][4][0]
        return host

    # Addresses

    async def _resolve(
        self, address: Address, family: int, traces: Sequence[Trace], progress: Progress
    ) -> list[AddressInfo]:
        progress.phase, progress.peer = "dns", ""
        listener = _Listener(traces, address.host) if traces else None
        try:
            return await self._dns.lookup(address.host, address.port or 0, family, listener)
        except OSError as error:
            if listener is not None and listener.failure is error:
                raise
            raise connector_error(address, error, progress, ClientConnectorDNSError) from error

    def _allowed(
        self, address: Address, addr_infos: list[AddressInfo], progress: Progress
    ) -> list[AddressInfo]:
        """Those of ``addr_infos`` that may be connected to; ClientConnectorPolicyError if none may."""
        if self._policy is None:
            return addr_infos
        allowed = []
        refusal: PolicyError | None = None
        for info in addr_infos:
            try:
                self._policy.check(address.host, *info[4][:2])
            except PolicyError as error:
                refusal = refusal or error
            else:
                allowed.append(info)
        if refusal is not None and not allowed:
            progress.peer = refusal.address
            raise connector_error(address, refusal, progress) from refusal
        return allowed


class _Listener:
    """Tells traces what happens to the look-up of a host."""

    __slots__ = ("_host", "_traces", "failure")

    def __init__(self, traces: Sequence[Trace], host: str) -> None:
        self._traces = traces
        self._host = host
        #: What a hook has raised: the caller's to see, and no failure of the resolver.
        self.failure: Exception | None = None

    async def hit(self) -> None:
        await self._tell(Trace.send_dns_cache_hit)

    async def miss(self) -> None:
        await self._tell(Trace.send_dns_cache_miss)

    async def start(self) -> None:
        await self._tell(Trace.send_dns_resolvehost_start)

    async def end(self) -> None:
        await self._tell(Trace.send_dns_resolvehost_end)

    async def _tell(self, send: Callable[[Trace, str], Awaitable[None]]) -> None:
        try:
            for trace in self._traces:
                await send(trace, self._host)
        except Exception as error:
            self.failure = error
            raise


def _check_number(name: str, value: float | None, *, is_whole: bool = False) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name}: expected None or a number, got {value!r}")
    if is_whole and not isinstance(value, int):
        raise TypeError(f"{name}: expected None or an int, got {value!r}")
    if not value >= 0:  # nor is NaN
        raise ValueError(f"{name}: expected None or a number not below 0, got {value!r}")


def _is_address(given: Any) -> bool:
    """It is a host and a port, and for IPv6 its flow and its scope, too."""
    if not isinstance(given, (tuple, list)) or len(given) not in (2, 3, 4):
        return False
    host, *numbers = given
    return isinstance(host, str) and all(isinstance(number, int) for number in numbers)
