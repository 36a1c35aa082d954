"""Connectors make connections, keep them while they are idle, and lend them out."""

import asyncio
import warnings
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Sequence
from typing import Any, Final, Self, cast

from ..io.deadline import Sweep
from ..io.dial import Address, Progress
from .connecting import in_time
from .connection import ClientConnection
from .errors import ClientConnectionError, PoolTimeoutError
from .lease import Connection, give_up, is_told
from .outgoing import ClientRequest
from .pending import Claim, Granted, SharingPool, abandon, bind_late, claim_pending
from .pool import Pool
from .pool_stats import CloseReason, PoolStats
from .protocol import ResponseHandler
from .timeouts import DEFAULT_TIMEOUT, ClientTimeout
from .tracing import Trace, Traces

UNSET: Final[Any] = object()
_KEEPALIVE_TIMEOUT: Final = 15.0
#: Seconds that `close` leaves a peer to take what was written to it.
_FAREWELL: Final = 2.0


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
    to the loop of its first request. ``enable_cleanup_closed``, ``loop`` and ``timeout_ceil_threshold``
    are accepted and not needed: closing takes a bounded time in any case.

    With ``share_dials``, who dials also takes a connection to its address that becomes free meanwhile, and
    a dial outlives its request: one for each address goes on, for the next request or to be idle.
    """

    #: Schemes of the URLs that can be requested.
    allowed_protocol_schema_set = frozenset({"", "http", "https", "ws", "wss"})
    #: A request may name a proxy.
    takes_proxies = False

    def __init__(
        self,
        *,
        keepalive_timeout: float | None = UNSET,
        force_close: bool = False,
        limit: int | None = 100,
        limit_per_host: int | None = 0,
        enable_cleanup_closed: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
        timeout_ceil_threshold: float = 5,
        share_dials: bool = False,
    ) -> None:
        for name, value in (("limit", limit), ("limit_per_host", limit_per_host)):
            if value is not None and (not isinstance(value, int) or value < 0):
                raise ValueError(f"{name}: expected None or a number not below 0, got {value!r}")
        if keepalive_timeout is UNSET:
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
        self._pool_kind: type[Pool[ClientConnection]] = SharingPool if share_dials else Pool
        self._pool: Pool[ClientConnection] = self._pool_kind(self._limit, self._limit_per_host)
        #: Every connection whose transport is open.
        self._connections: set[ClientConnection] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sweep: Sweep | None = None
        self._is_closed = False
        self._all_lost: asyncio.Future[None] | None = None
        #: Connections that nobody can be given any more, and that take their leave still.
        self._leaving: set[ClientConnection] = set()
        #: Tasks that wait for a connection to be made.
        self._opening: set[asyncio.Task[Any]] = set()
        #: Ends what is left of the connections some time after `close`.
        self._farewell: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        pool = self._pool
        return (
            f"<{type(self).__name__} {'closed' if self._is_closed else 'open'}: "
            f"{pool.open_count} connections, {pool.idle_count} idle, {pool.waiting_count} waiting>"
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

    def __enter__(self) -> Self:
        warnings.warn('"with" a connector is deprecated: use "async with"', DeprecationWarning, stacklevel=2)
        return self

    def __exit__(self, *error: object) -> None:
        self._close()

    @property
    def closed(self) -> bool:
        """`close` was called."""
        return self._is_closed

    def tunnels(self, address: Address) -> bool:
        """Whatever proxy leads to ``address``, requests are sent to the server: by a tunnel, or by none."""
        return True

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
    def _conns(self) -> dict[Address, list[tuple[ResponseHandler, float]]]:
        conns: dict[Address, list[tuple[ResponseHandler, float]]] = {}
        for connection in self._pool.idle:
            handler = cast(ResponseHandler, connection.channel)
            conns.setdefault(connection.address, []).append((handler, connection.idle_since))
        return conns

    def stats(self) -> PoolStats:
        """What is in use, idle and waited for; what was made, used again and closed, and why; by origin."""
        return self._pool.stats()

    def close(self, *, abort_ssl: bool = False) -> Closing:
        """Close all connections, idle or not. Can be awaited, and need not be.

        What was written to them still leaves, for as long as 2 s; with ``abort_ssl`` those with TLS
        are closed at once, without taking leave.
        """
        self._close(abort_ssl=abort_ssl)
        if not (self._connections or self._leaving) or self._loop is None or self._loop.is_closed():
            return Closing(None)
        if self._all_lost is None:
            self._all_lost = self._loop.create_future()
        return Closing(self._all_lost)

    def _close(self, *, abort_ssl: bool = False) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        if self._sweep is not None:
            self._sweep.close()
        if self._loop is None or self._loop.is_closed():
            self._connections.clear()
            return
        for waiter in self._pool.waiting:
            self._pool.stop_waiting(waiter)
            if not waiter.done():
                waiter.set_exception(ClientConnectionError("Connector is closed"))
        for connection in list(self._connections):
            connection.close_reason = CloseReason.CONNECTOR_CLOSED
            handler = cast(ResponseHandler, connection.channel)
            if not is_told(handler):
                give_up(handler)
            elif connection.is_lent:
                connection.fail_exchange(ClientConnectionError("Connector is closed"))
            elif abort_ssl and connection.address.is_ssl:
                connection.channel.abort()
            else:
                connection.close()
        this = _current_task()
        for task in self._opening:
            if task is not this:  # it sees by itself that it was closed
                task.cancel()  # `_open` makes the documented error of it
        if self._connections or self._leaving:
            self._farewell = self._loop.call_later(_FAREWELL, self._abort_all)

    def _abort_all(self) -> None:
        for connection in (*self._connections, *self._leaving):
            connection.channel.abort()

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
            self._connections.discard(connection)
            pool.drop(address)
        return None

    async def connect(
        self, req: ClientRequest, traces: Sequence[Trace] = (), timeout: ClientTimeout = DEFAULT_TIMEOUT
    ) -> Connection:
        """A connection for ``req``, idle or new, to be released or closed by the caller.

        Waits for its turn at the limit. ``traces`` are told of a new one. Raises ClientConnectorError, or
        ConnectionTimeoutError.
        """
        if self._is_closed:
            raise ClientConnectionError("Connector is closed")
        loop = asyncio.get_running_loop()
        connection = self.take(req.address, may_be_stale=False)
        if connection is None:
            connection, _ = await self.lend(req, timeout, loop.time(), Traces.of(traces))
        return Connection(self, connection.address, cast(ResponseHandler, connection.channel), loop)

    async def lend(
        self,
        request: ClientRequest,
        timeout: ClientTimeout,
        start: float,
        traces: Traces | None = None,
        taken: ClientConnection | None = None,
    ) -> tuple[ClientConnection, float | None]:
        """An idle or a new connection for ``request``, and the seconds that are left of its total.

        Waits for its turn at the limit. ``taken`` is an idle one that ``traces`` are still to be told of,
        ``start`` the loop's time when the request began. Raises ClientConnectorError, PoolTimeoutError or
        ConnectionTimeoutError; TimeoutError when the total runs out.
        """
        request.progress = Progress("pool")
        loop = asyncio.get_running_loop()
        has_turn = False
        granted: Granted = taken
        if timeout.pool is not None:
            async with in_time(request, timeout.pool, "pool", PoolTimeoutError):
                granted = await self._acquire(request.address, traces, taken)
            has_turn, start = True, loop.time()
        total = timeout.total
        passed = loop.time() - start
        async with (
            in_time(request, total, "total", TimeoutError, passed),
            in_time(request, timeout.connect, "connect"),
        ):
            if not has_turn:
                granted = await self._acquire(request.address, traces, taken)
            if not isinstance(granted, ClientConnection):
                granted = await self._open(request, timeout, traces, granted)
        return granted, None if total is None else max(0.001, start + total - loop.time())

    async def _acquire(
        self, address: Address, traces: Traces | None, granted: ClientConnection | None
    ) -> Granted:
        """An idle connection that can be used, or a claim to one; None is a place for a new one."""
        self._bind()
        if granted is None and (claim := claim_pending(self._pool, address)) is not None:
            return claim
        while granted is not None or not self._pool.reserve(address):
            if granted is None:
                turn = await self._wait_for_turn(address, traces)
                if turn is None or isinstance(turn, Claim):
                    return turn
                granted = turn
            if traces is not None and granted in self._connections:
                await self._while_told(granted, traces.send_connection_reuseconn())
            if granted not in self._connections:
                if granted.is_promised:
                    break  # lost on the way, and its place kept for us
                granted = None
                continue
            granted.is_promised = False
            if granted.is_usable():
                return granted
            self._connections.discard(granted)
            self._pool.renew(address)  # its place is ours
            granted.channel.abort()
            break
        return None

    async def _open(
        self, request: ClientRequest, timeout: ClientTimeout, traces: Traces | None, claim: Claim | None
    ) -> ClientConnection:
        """A new connection, in the place that is held for it."""
        if isinstance(self._pool, SharingPool):
            return await bind_late(self, self._pool, request, timeout, traces, claim)
        address = request.address
        self._close_surplus()
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a connection is made in a task, got none")
        self._opening.add(task)
        try:
            if traces is not None:
                await traces.send_connection_create_start()
            protocol = await self._create_connection(
                request, traces.each if traces is not None else (), timeout
            )
        except BaseException as error:
            self._pool.drop(address, CloseReason.NOT_CONNECTED)
            self._close_surplus()
            if self._is_closed and isinstance(error, asyncio.CancelledError) and not task.uncancel():
                raise ClientConnectionError("Connector is closed") from None
            raise
        finally:
            self._opening.discard(task)
        connection = self._keep(protocol, address)
        if traces is not None:
            await self._while_told(connection, traces.send_connection_create_end())
        return connection

    def _keep(self, protocol: ResponseHandler, address: Address) -> ClientConnection:
        """Have a new connection in its place, which is free again if that fails."""
        if not isinstance(protocol, ResponseHandler):
            self._pool.drop(address, CloseReason.NOT_CONNECTED)
            self._close_surplus()
            raise TypeError(f"_create_connection: expected a ResponseHandler, got {protocol!r}")
        if self._is_closed:
            protocol.abort()
            self._pool.drop(address, CloseReason.CONNECTOR_CLOSED)
            raise ClientConnectionError("Connector is closed")
        connection = protocol.connection
        connection.adopt(address, self, self._bind())
        self._connections.add(connection)
        return connection

    async def _while_told(self, connection: ClientConnection, telling: Awaitable[None]) -> None:
        """Hold a connection while its user is told of it; it is free again if that fails."""
        try:
            await telling
        except BaseException:
            if connection in self._connections:
                self.take_back(connection)
            raise

    async def _wait_for_turn(self, address: Address, traces: Traces | None) -> Granted:
        waiter: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._pool.wait(address, waiter)
        try:
            # In the queue already: a hook that takes its time costs nobody the turn.
            if traces is not None:
                await traces.send_connection_queued_start()
            granted: Granted = await waiter
            if traces is not None:
                await traces.send_connection_queued_end()
        except BaseException:
            self._pool.stop_waiting(waiter)
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                # Granted and cancelled in the same turn of the loop: the grant goes to the next.
                self._pass_on(address, waiter.result())
            raise
        return granted

    def _pass_on(self, address: Address, granted: Granted) -> None:
        """What was granted is not wanted any more."""
        if isinstance(granted, Claim):
            abandon(self, granted)
        elif granted is None or (granted.is_promised and granted not in self._connections):
            self._pool.drop(address, CloseReason.NOT_CONNECTED)
        elif granted in self._connections:
            granted.is_promised = False
            self.take_back(granted)

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
        seconds = self._keepalive_timeout
        announced = connection.announced_idleness
        if announced is not None and (seconds is None or announced < seconds):
            seconds = announced
        if self._is_closed or self._force_close or not connection.is_reusable or seconds == 0:
            # Its place is free at once: what closing still takes is between us and the peer.
            self._connections.discard(connection)
            self._pool.drop(connection.address, CloseReason.ASKED_TO_CLOSE)
            self._see_off(connection)
        elif self._pool.give_back(connection):
            connection.start_idling(seconds)
        else:
            connection.is_promised = True
        if self._pool.has_surplus:
            self._close_surplus()

    def lost(self, connection: ClientConnection) -> None:
        """A connection is gone."""
        if connection in self._connections and connection.is_promised:
            # Who waited for it has its place, and so keeps the turn.
            self._connections.discard(connection)
            self._pool.renew(connection.address, connection.close_reason)
        elif connection in self._connections:
            self._forget(connection, connection.close_reason)
        self._leaving.discard(connection)
        if self._is_closed and not self._connections and not self._leaving:
            if self._farewell is not None:
                self._farewell.cancel()
            if self._all_lost is not None and not self._all_lost.done():
                self._all_lost.set_result(None)

    def let_go(self, connection: ClientConnection) -> None:
        """A connection belongs to its user from now on."""
        if connection in self._connections:
            self._forget(connection, CloseReason.DETACHED)

    def _forget(self, connection: ClientConnection, reason: CloseReason) -> None:
        self._connections.discard(connection)
        if not self._pool.forget(connection, reason):
            self._pool.drop(connection.address, reason)
        self._close_surplus()

    def _close_surplus(self) -> None:
        for connection in self._pool.surplus():
            connection.is_promised = False
            self._connections.discard(connection)
            self._see_off(connection)

    def _see_off(self, connection: ClientConnection) -> None:
        """Close a connection that has no place any more."""
        if not connection.channel.is_lost:
            self._leaving.add(connection)
        connection.close()

    def _bind(self) -> Sweep:
        """Belong to the running loop; connections of a loop that is closed are forgotten."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop or self._sweep is None:
            if self._loop is not None and not self._loop.is_closed() and self._connections:
                raise RuntimeError(f"the connector belongs to {self._loop!r}, and is used on {loop!r}")
            self._loop = loop
            self._sweep = Sweep(loop)
            self._pool = self._pool_kind(self._limit, self._limit_per_host)
            self._connections.clear()
            self._leaving.clear()
        return self._sweep


def _current_task() -> "asyncio.Task[Any] | None":
    try:
        return asyncio.current_task()
    except RuntimeError:  # no loop is running
        return None
