"""Connectors make connections, keep them while they are idle, and lend them out."""

import asyncio
import warnings
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Self

from ..io.deadline import Sweep
from ..io.dial import Address, AddressInfo, ResolveError, dial, resolve
from .connection import ClientConnection
from .errors import (
    ClientConnectionError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ConnectionTimeoutError,
)
from .outgoing import ClientRequest
from .pool import Pool
from .protocol import ResponseHandler
from .timeouts import ClientTimeout
from .tracing import Trace, Traces

_UNSET: Final[Any] = object()
_KEEPALIVE_TIMEOUT: Final = 15.0


class Closing:
    """What `close` returns: closing is done at the call; awaiting it waits until the transports are gone."""

    __slots__ = ("_waiter",)

    def __init__(self, waiter: "asyncio.Future[None] | None") -> None:
        self._waiter = waiter

    def __await__(self) -> Any:
        if self._waiter is not None:
            yield from asyncio.shield(self._waiter).__await__()  # others may wait, too


class BaseConnector(ABC):
    """A pool of connections.

    ``limit`` bounds the connections that are open at once, ``limit_per_host`` those to one
    host and port; 0 or None is no limit. An idle connection is closed after
    ``keepalive_timeout`` seconds: 15 by default, never for None. ``force_close`` closes each
    after its first response, and goes with no timeout (ValueError). Made anywhere, it belongs
    to the loop of its first request.
    """

    def __init__(
        self,
        *,
        keepalive_timeout: float | None = _UNSET,
        force_close: bool = False,
        limit: int | None = 100,
        limit_per_host: int | None = 0,
    ) -> None:
        for name, value in (("limit", limit), ("limit_per_host", limit_per_host)):
            if value is not None and (not isinstance(value, int) or value < 0):
                raise ValueError(f"{name}: expected None or a number not below 0, got {value!r}")
        if keepalive_timeout is _UNSET:
            keepalive_timeout = _KEEPALIVE_TIMEOUT
        elif force_close and keepalive_timeout is not None:
            raise ValueError(
                f"keepalive_timeout and force_close: expected one of them, got {keepalive_timeout!r} and True"
            )
        if keepalive_timeout is not None and (
            not isinstance(keepalive_timeout, (int, float)) or keepalive_timeout < 0
        ):
            raise ValueError(
                f"keepalive_timeout: expected None or a number not below 0, got {keepalive_timeout!r}"
            )
        self._limit = limit or 0
        self._limit_per_host = limit_per_host or 0
        self._keepalive_timeout = keepalive_timeout
        self._force_close = force_close or keepalive_timeout == 0
        self._pool: Pool[ClientConnection] = Pool(self._limit, self._limit_per_host)
        #: Every connection whose transport is open.
        self._connections: set[ClientConnection] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sweep: Sweep | None = None
        self._is_closed = False
        self._all_lost: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        pool = self._pool
        return (
            f"<{type(self).__name__} {'closed' if self._is_closed else 'open'}: "
            f"{pool.open_count} connections, {len(pool.idle)} idle, {len(pool.waiting)} waiting>"
        )

    def __del__(self, _warn: Any = warnings.warn) -> None:
        connections = getattr(self, "_connections", None)
        if connections and not self._is_closed:
            unclosed = repr(self)
            if self._loop is not None and not self._loop.is_closed():
                self._close()
            _warn(f"Unclosed connector {unclosed}", ResourceWarning, source=self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    @property
    def closed(self) -> bool:
        """`close` was called."""
        return self._is_closed

    @property
    def force_close(self) -> bool:
        """Each connection is closed after its first response."""
        return self._force_close

    @property
    def limit(self) -> int:
        """The most connections open at once; 0 is no limit."""
        return self._limit

    @property
    def limit_per_host(self) -> int:
        """The most connections open at once to one host and port; 0 is no limit."""
        return self._limit_per_host

    # Where other packages look for what is in use, and for what is idle.

    @property
    def _acquired(self) -> set[ClientConnection]:
        return {connection for connection in self._connections if connection.is_lent}

    @property
    def _conns(self) -> dict[Address, list[ClientConnection]]:
        conns: dict[Address, list[ClientConnection]] = {}
        for connection in self._pool.idle:
            conns.setdefault(connection.address, []).append(connection)
        return conns

    def close(self) -> Closing:
        """Close all connections, idle or not. Can be awaited, and need not be."""
        self._close()
        if not self._connections or self._loop is None or self._loop.is_closed():
            return Closing(None)
        if self._all_lost is None:
            self._all_lost = self._loop.create_future()
        return Closing(self._all_lost)

    def _close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        if self._sweep is not None:
            self._sweep.close()
        if self._loop is not None and self._loop.is_closed():
            self._connections.clear()
            return
        for waiter in self._pool.waiting:
            self._pool.stop_waiting(waiter)
            if not waiter.done():
                waiter.set_exception(ClientConnectionError("Connector is closed"))
        for connection in list(self._connections):
            if connection.is_lent:
                connection.fail_exchange(ClientConnectionError("Connector is closed"))
            else:
                connection.close()

    # Lending

    def take(self, address: Address, *, may_be_stale: bool) -> ClientConnection | None:
        """An idle connection to ``address`` that can still be used.

        ``may_be_stale``: the request can be repeated, so a fresh one need not be looked at too closely.
        """
        if asyncio.get_running_loop() is not self._loop:
            self._bind()
        pool = self._pool
        while (connection := pool.take(address)) is not None:
            connection.idle_deadline.stop()
            if connection.is_usable(may_be_stale):
                return connection
            connection.channel.abort()
            pool.drop(address)
            self._connections.discard(connection)
        return None

    async def lend(
        self,
        request: ClientRequest,
        timeout: ClientTimeout,
        traces: Traces | None = None,
        taken: ClientConnection | None = None,
    ) -> ClientConnection:
        """An idle or a new connection for ``request``, waiting for its turn at the limit.

        ``taken`` is an idle one that ``traces`` are still to be told of. Raises
        ClientConnectorError, or ConnectionTimeoutError when ``timeout.connect`` or
        ``timeout.sock_connect`` runs out.
        """
        deadline = asyncio.timeout(timeout.connect)
        try:
            async with deadline:
                return await self._lend(request, timeout, traces, taken)
        except TimeoutError as error:
            if isinstance(error, ConnectionTimeoutError) or not deadline.expired():
                raise
            address = request.address
            raise ConnectionTimeoutError(
                f"No connection to {address.host}:{address.port} within {timeout.connect} s (connect)"
            ) from error

    async def _lend(
        self,
        request: ClientRequest,
        timeout: ClientTimeout,
        traces: Traces | None,
        granted: ClientConnection | None,
    ) -> ClientConnection:
        address = request.address
        sweep = self._bind()
        while granted is not None or not self._pool.reserve(address):
            if granted is None:
                granted = await self._wait_for_turn(address, traces)
                if granted is None:
                    break
            if traces is not None and granted in self._connections:
                await self._while_told(granted, traces.send_connection_reuseconn())
            if granted not in self._connections:
                granted = None
                continue  # lost on the way, and its place with it
            if granted.is_usable():
                return granted
            granted.channel.abort()
            self._connections.discard(granted)
            break  # its place is ours
        self._close_surplus()
        try:
            if traces is not None:
                await traces.send_connection_create_start()
            protocol = await self._create_connection(
                request, traces.each if traces is not None else (), timeout
            )
            if not isinstance(protocol, ResponseHandler):
                raise TypeError(f"_create_connection: expected a ResponseHandler, got {protocol!r}")
        except BaseException:
            self._pool.drop(address)
            self._close_surplus()
            raise
        if self._is_closed:
            protocol.abort()
            raise ClientConnectionError("Connector is closed")
        connection = protocol.connection
        connection.adopt(address, self, sweep)
        self._connections.add(connection)
        if traces is not None:
            await self._while_told(connection, traces.send_connection_create_end())
        return connection

    async def _while_told(self, connection: ClientConnection, telling: Awaitable[None]) -> None:
        """Hold a connection while its user is told of it; it is free again if that fails."""
        try:
            await telling
        except BaseException:
            if connection in self._connections:
                self.take_back(connection)
            raise

    async def _wait_for_turn(self, address: Address, traces: Traces | None) -> ClientConnection | None:
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[ClientConnection | None] = loop.create_future()
        self._pool.wait(address, waiter)
        try:
            # In the queue already: a hook that takes its time costs nobody the turn.
            if traces is not None:
                await traces.send_connection_queued_start()
            granted = await waiter
            if traces is not None:
                await traces.send_connection_queued_end()
        except BaseException:
            self._pool.stop_waiting(waiter)
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                # Granted and cancelled in the same turn of the loop: the grant goes to the next.
                granted = waiter.result()
                if granted is None:
                    self._pool.drop(address)
                elif granted in self._connections:
                    self.take_back(granted)
            raise
        return granted

    def _factory(self) -> ResponseHandler:
        """Make the protocol of a new connection."""
        return ResponseHandler(asyncio.get_running_loop())

    @abstractmethod
    async def _create_connection(
        self, req: ClientRequest, traces: Sequence[Trace], timeout: ClientTimeout
    ) -> ResponseHandler:
        """Open a new connection for ``req``: the one thing that a kind of connector does in its own way.

        ``traces`` are those of the request. Raises ClientConnectionError.
        """

    # What connections report

    def take_back(self, connection: ClientConnection) -> None:
        """An exchange is over."""
        if self._is_closed or self._force_close or not connection.is_reusable:
            # Its place is free at once: what closing still takes is between us and the peer.
            self._connections.discard(connection)
            self._pool.drop(connection.address)
            connection.close()
        elif self._pool.give_back(connection):
            connection.start_idling(self._keepalive_timeout)
        if self._pool.has_surplus:
            self._close_surplus()

    def lost(self, connection: ClientConnection) -> None:
        """A connection is gone."""
        if connection in self._connections:
            self._connections.discard(connection)
            if not self._pool.forget(connection):
                self._pool.drop(connection.address)
            self._close_surplus()
        if self._all_lost is not None and not self._connections and not self._all_lost.done():
            self._all_lost.set_result(None)

    def _close_surplus(self) -> None:
        for connection in self._pool.surplus():
            self._connections.discard(connection)
            connection.close()

    def _bind(self) -> Sweep:
        """Belong to the running loop; connections of a loop that is closed are forgotten."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop or self._sweep is None:
            if self._loop is not None and not self._loop.is_closed() and self._connections:
                raise RuntimeError(f"the connector belongs to {self._loop!r}, and is used on {loop!r}")
            self._loop = loop
            self._sweep = Sweep(loop)
            self._pool = Pool(self._limit, self._limit_per_host)
            self._connections.clear()
        return self._sweep


class TCPConnector(BaseConnector):
    """Connections over TCP."""

    async def _create_connection(
        self, req: ClientRequest, traces: Sequence[Trace], timeout: ClientTimeout
    ) -> ResponseHandler:
        address = req.address
        deadline = asyncio.timeout(timeout.sock_connect)
        try:
            async with deadline:
                addr_infos = await self._resolve(address, traces)
                _, protocol = await self._wrap_create_connection(
                    self._factory, addr_infos=addr_infos, req=req, timeout=timeout
                )
        except ResolveError as error:
            raise ClientConnectorDNSError(address, error) from error
        except OSError as error:
            if isinstance(error, TimeoutError) and deadline.expired():
                raise ConnectionTimeoutError(
                    f"No connection to {address.host}:{address.port} "
                    f"within {timeout.sock_connect} s (sock_connect)"
                ) from error
            raise
        return protocol

    async def _resolve(self, address: Address, traces: Sequence[Trace]) -> list[AddressInfo]:
        if not traces or _is_literal(address.host):
            return await resolve(address)
        for trace in traces:
            await trace.send_dns_resolvehost_start(address.host)
        addr_infos = await resolve(address)
        for trace in traces:
            await trace.send_dns_resolvehost_end(address.host)
        return addr_infos

    async def _wrap_create_connection(
        self,
        protocol_factory: Callable[[], ResponseHandler],
        *,
        addr_infos: Sequence[AddressInfo],
        req: ClientRequest,
        timeout: ClientTimeout,
        client_error: type[ClientConnectorError] = ClientConnectorError,
    ) -> tuple[asyncio.Transport, ResponseHandler]:
        """Connect to one of ``addr_infos``, the addresses of the host: what a tunnel does in its own way.

        Raises ``client_error``.
        """
        try:
            return await dial(addr_infos, protocol_factory)
        except OSError as error:
            if isinstance(error, TimeoutError) and error.errno is None:
                raise
            raise client_error(req.address, error) from error


def _is_literal(host: str) -> bool:
    """``host`` is an IP address: no resolver is asked for it."""
    return ":" in host or host.replace(".", "").isdigit()
