"""Late binding: a request and the dial that it began are two things, as in Go's net/http.

Who dials has a `Claim` to its `Dial`, and takes what comes first: the connection that is made, or one to
the same address that becomes free. Those who dial asked before all who wait for the same address, so
they come first, in their order. A dial that is left, since its claim was met otherwise, cancelled or out
of time, keeps its place in the pool: it goes to the first who waits for its address, or its place to the
first who can use it. Where nobody waits, it is the pending dial of its address, the only one: the next
request that would dial has the claim to it. It makes room for others before an idle connection does, and is
given up when its first owner would have been (``sock_connect``). What comes of it is idle in the end.

Who has claimed another's dial is told what went wrong on the way (ClientConnectorError), as that is true
of the address. Any other failure is the first owner's: its limits, its hooks, its own request refused by
the proxy. Then the place is free for a dial of one's own.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Iterable, Sequence
from copy import copy
from functools import partial
from typing import Any, Final, Protocol, cast, final

from ..io.dial import Address
from .connecting import in_time
from .connection import ClientConnection
from .errors import ClientConnectionError, ClientConnectorError, ServerDisconnectedError
from .outgoing import ClientRequest
from .pool import Pool
from .pool_stats import CloseReason
from .protocol import ResponseHandler
from .timeouts import ClientTimeout
from .tracing import Trace, Traces

#: Seconds that a dial may take without an owner where its first one set no ``sock_connect``.
PATIENCE: Final = 30.0


@final
class Dial:
    """A connection that is being made, and holds a place of the pool."""

    __slots__ = ("address", "claim", "has_place", "is_left", "pool", "request", "task", "timer", "until")

    task: "asyncio.Task[ResponseHandler]"

    def __init__(self, pool: "SharingPool", request: ClientRequest, until: float) -> None:
        self.pool = pool
        self.address = request.address
        #: A request of its own: that of who began it may be sent again meanwhile, and is not to be kept.
        self.request = copy(request)
        self.request.payload, self.request.whole, self.request.tracker = None, b"", None
        #: Whose it is.
        self.claim: Claim | None = None
        #: Who began it has left.
        self.is_left = False
        self.has_place = True
        #: The loop's time up to which it may go on without an owner.
        self.until = until
        self.timer: asyncio.TimerHandle | None = None

    def stop_timer(self) -> None:
        """It has an owner, or needs none."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


@final
class Claim:
    """What somebody is owed: the connection of a dial, or one that becomes free before."""

    __slots__ = ("dial", "granted")

    def __init__(self, dial: Dial) -> None:
        self.dial = dial
        #: None is a place for a dial of one's own.
        self.granted: asyncio.Future[ClientConnection | None] = dial.task.get_loop().create_future()


#: None is a place.
Granted = ClientConnection | Claim | None


@final
class SharingPool(Pool[ClientConnection]):
    """A pool that knows who dials. Who waits may be granted a `Claim`, too."""

    def __init__(self, limit: int, limit_per_host: int) -> None:
        super().__init__(limit, limit_per_host)
        #: Of those who dial, in the order of asking.
        self._claims: dict[Address, OrderedDict[Claim, None]] = {}
        #: Dials without an owner, the one left first is the one to give up.
        self._pending: OrderedDict[Address, Dial] = OrderedDict()

    def claim(self, dial: Dial) -> Claim:
        """Make ``dial`` somebody's."""
        dial.stop_timer()
        dial.claim = claim = Claim(dial)
        self._claims.setdefault(dial.address, OrderedDict())[claim] = None
        return claim

    def take_over(self, address: Address) -> Claim | None:
        """The claim to the pending dial of ``address``, if there is one."""
        dial = self._pending.pop(address, None)
        return None if dial is None else self.claim(dial)

    def leave(self, dial: Dial) -> None:
        """Its owner wants it no more."""
        self._disown(dial)
        dial.is_left = True
        origin = self._origins[dial.address]
        waiter = self._first(origin)
        first = self._first_in_line()
        loop = dial.task.get_loop()
        if waiter is not None and (first is None or origin.waiters[waiter] <= self._line[0][0]):
            # The pool's waiters are typed for what every pool grants; theirs, here, can be both.
            self._serve(origin, cast(ClientConnection, self.claim(dial)))
        elif first is None and dial.address not in self._pending:
            self._pending[dial.address] = dial
            dial.timer = loop.call_at(dial.until, self._end, dial)
        else:
            self._end(dial)

    def settle(self, dial: Dial) -> Claim | None:
        """The dial is over, and its place for the caller to use or drop; the claim that is to be met."""
        dial.stop_timer()
        if self._pending.get(dial.address) is dial:
            del self._pending[dial.address]
        claim = self._disown(dial)
        return None if claim is None or claim.granted.done() else claim

    def give_back(self, connection: ClientConnection) -> bool:
        """As the pool does; who dials comes first."""
        claim = self._first_claim(connection.address)
        if claim is None:
            return super().give_back(connection)
        self._origins[connection.address].tally.reused += 1
        claim.granted.set_result(connection)
        self.leave(claim.dial)
        return False

    def reserve(self, address: Address) -> bool:
        """As the pool does; a dial that nobody owns makes room before any connection."""
        if self._pending and self.open_count >= self._limit:
            origin = self._origins.get(address)
            if origin is None or origin.open < self._limit_per_host:
                self._end(next(iter(self._pending.values())))
        return super().reserve(address)

    def _first_claim(self, address: Address) -> Claim | None:
        claims = self._claims.get(address)
        while claims:
            claim = next(iter(claims))
            if not claim.granted.done():
                return claim
            del claims[claim]  # cancelled, and its owner not awake yet
        return None

    def _disown(self, dial: Dial) -> Claim | None:
        claim, dial.claim = dial.claim, None
        claims = self._claims.get(dial.address)
        if claim is not None and claims is not None:
            claims.pop(claim, None)
            if not claims:
                del self._claims[dial.address]
        return claim

    def _end(self, dial: Dial) -> None:
        """Give up a dial that nobody owns; its place is free at once."""
        self.settle(dial)
        dial.has_place = False
        dial.task.cancel()
        self.drop(dial.address, CloseReason.NOT_CONNECTED)


class Opener(Protocol):
    """What of a connector is needed here."""

    _opening: set[asyncio.Task[Any]]

    @property
    def closed(self) -> bool: ...
    async def _create_connection(
        self, req: ClientRequest, traces: Sequence[Trace], timeout: ClientTimeout
    ) -> ResponseHandler: ...
    def _keep(self, protocol: ResponseHandler, address: Address) -> ClientConnection: ...
    async def _acquire(
        self, address: Address, traces: Traces | None, granted: ClientConnection | None
    ) -> Granted: ...
    def _pass_on(self, address: Address, granted: Granted) -> None: ...
    async def _while_told(self, connection: ClientConnection, telling: Awaitable[None]) -> None: ...
    def _close_surplus(self) -> None: ...


async def bind_late(
    connector: Opener,
    pool: SharingPool,
    request: ClientRequest,
    timeout: ClientTimeout,
    traces: Traces | None,
    granted: Claim | None,
) -> ClientConnection:
    """A connection, by the dial of ``granted`` or one in the place that is held, or one that is free before.

    ``traces`` are told that one is made when the waiting begins, and at its end that it was made, or that one
    is used again. Raises what the dial raises, ConnectionTimeoutError, or ClientConnectionError when closed.
    """
    address = request.address
    outcome: Granted = granted
    while not isinstance(outcome, ClientConnection):
        connector._close_surplus()
        try:
            if traces is not None:
                await traces.send_connection_create_start()
            if connector.closed:
                raise ClientConnectionError("Connector is closed")
        except BaseException:
            connector._pass_on(address, outcome)
            raise
        claim = outcome or _begin(connector, pool, request, timeout, traces)
        # One's own dial is bounded where it is made.
        async with in_time(request, timeout.sock_connect if claim.dial.is_left else None):
            outcome = await _met(connector, claim, request)
        if outcome is not None and outcome.is_promised:
            outcome = await connector._acquire(address, traces, outcome)
        elif outcome is not None and traces is not None:
            await connector._while_told(outcome, traces.send_connection_create_end())
    return outcome


def claim_pending(pool: Pool[ClientConnection], address: Address) -> Claim | None:
    """The claim to the dial that is pending for ``address``, if dials are shared and there is one."""
    return pool.take_over(address) if isinstance(pool, SharingPool) else None


def abandon(connector: Opener, claim: Claim) -> None:
    """Nobody wants ``claim`` any more: what it was met with in this turn, or will be, is for others."""
    dial, granted = claim.dial, claim.granted
    if dial.claim is claim:
        dial.pool.leave(dial)
    elif granted.done() and not granted.cancelled() and granted.exception() is None:
        connection = granted.result()
        if connection is None or connection.is_promised:
            connector._pass_on(dial.address, connection)
        else:
            _spare(connection)


async def _met(connector: Opener, claim: Claim, request: ClientRequest) -> ClientConnection | None:
    try:
        return await claim.granted
    except BaseException:
        abandon(connector, claim)
        raise
    finally:
        request.progress = claim.dial.request.progress
        del claim.granted  # it holds what is raised, whose frames hold the claim


def _begin(
    connector: Opener,
    pool: SharingPool,
    request: ClientRequest,
    timeout: ClientTimeout,
    traces: Traces | None,
) -> Claim:
    """Dial, in the place that is held and in a copy of the caller's context."""
    loop = asyncio.get_running_loop()
    dial = Dial(pool, request, loop.time() + (timeout.sock_connect or PATIENCE))
    told = tuple(_UntilLeft(trace, dial) for trace in traces.each) if traces is not None else ()
    dial.task = loop.create_task(_make(connector, dial.request, told, timeout))
    connector._opening.add(dial.task)
    dial.task.add_done_callback(partial(_finish, connector, dial))
    return pool.claim(dial)


async def _make(
    connector: Opener, request: ClientRequest, told: Sequence[Trace], timeout: ClientTimeout
) -> ResponseHandler:
    # In the task, since whoever overrides it may raise before there is anything to await.
    return await connector._create_connection(request, told, timeout)


def _finish(connector: Opener, dial: Dial, task: "asyncio.Task[ResponseHandler]") -> None:
    """Meet the claim to ``dial`` with what came of it; nobody is told of what nobody waits for."""
    connector._opening.discard(task)
    del dial.task  # as with `Claim.granted`
    claim = dial.pool.settle(dial)
    failure = asyncio.CancelledError() if task.cancelled() else task.exception()
    if failure is None and isinstance(made := task.result(), ResponseHandler) and made.is_lost:
        failure = ServerDisconnectedError()  # before it was adopted: its loss would not be told
    if not dial.has_place:
        if failure is None:
            task.result().abort()
    elif failure is not None:
        _fail(connector.closed, dial, claim, failure)
    else:
        try:
            connection = connector._keep(task.result(), dial.address)
        except Exception as refusal:  # noqa: BLE001 - the owner's to see
            if claim is not None:
                claim.granted.set_exception(refusal)
            return
        if claim is not None:
            claim.granted.set_result(connection)
        else:
            _spare(connection)


def _fail(is_closed: bool, dial: Dial, claim: Claim | None, failure: BaseException) -> None:
    if is_closed and isinstance(failure, asyncio.CancelledError):
        failure = ClientConnectionError("Connector is closed")
    elif claim is not None and dial.is_left and not isinstance(failure, ClientConnectorError):
        dial.pool.renew(dial.address, CloseReason.NOT_CONNECTED)
        claim.granted.set_result(None)
        return
    dial.pool.drop(dial.address, CloseReason.NOT_CONNECTED)
    if claim is None:
        return
    if isinstance(failure, asyncio.CancelledError):
        claim.granted.cancel()
    else:
        claim.granted.set_exception(failure)


def _spare(connection: ClientConnection) -> None:
    """Give a new connection to the pool; it counts as used, since it can go stale as any idle one."""
    if not connection.channel.is_lost:
        connection.hold()
        connection.give_up_hold()


@final
class _UntilLeft(Trace):
    """A trace of who began a dial, which hears no more of it once that has left."""

    __slots__ = ("_dial",)

    def __init__(self, trace: Trace, dial: Dial) -> None:
        super().__init__(trace.session, trace.config, trace.context)
        self._dial = dial

    def _each(self) -> Iterable[Trace]:
        return () if self._dial.is_left else (self,)
