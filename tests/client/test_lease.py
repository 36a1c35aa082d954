"""Connections that are lent to whoever asks a connector for one."""

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator
from typing import Any

import pytest

from pronghorn import ClientConnectionError, ConnectionTimeoutError, PoolTimeoutError, TCPConnector
from pronghorn.client.connector import BaseConnector
from pronghorn.client.lease import Connection, is_told
from pronghorn.client.outgoing import make_request
from pronghorn.client.pool_stats import CloseReason
from pronghorn.client.protocol import ResponseHandler
from pronghorn.client.target import as_url
from pronghorn.client.timeouts import ClientTimeout
from pronghorn.client.tracing import Trace, TraceConfig
from pronghorn.io.dial import Address

from ..functional.listening import CREATE, CREATED, DEQUEUED, QUEUED, REUSED, Listener
from ..functional.programs import scripted_tls
from ..functional.scripted import OK, PATIENCE, Peer, Scripted, scripted, turns, until
from ..resilience.stepping import MOST_STEPS, CancelledAt, held
from ..tls import client_context, server_context
from .wired import HERE, NO_TIMEOUT, Wired, request_to, transport_of

THERE = Address("there", 80)
#: A connector of one connection, a server, and a request to it.
There = tuple[TCPConnector, Scripted, Any]


async def ask(
    connector: BaseConnector, address: Address = HERE, timeout: ClientTimeout = NO_TIMEOUT
) -> Connection:
    return await connector.connect(request_to(address), timeout=timeout)


@pytest.fixture
async def connector() -> AsyncIterator[Wired]:
    connector = Wired(limit=1)
    yield connector
    async with asyncio.timeout(PATIENCE):
        await connector.close()
    await turns()
    assert connector._pool.open_count == 0
    assert not connector._connections


def closed(connector: BaseConnector) -> dict[CloseReason, int]:
    return dict(connector.stats().closed)


# What it is


async def test_it_is_open_until_it_is_given_back(connector: Wired) -> None:
    lease = await ask(connector)
    (made,) = connector.made
    assert repr(lease) == "<Connection open here:80>"
    assert not lease.closed
    assert lease.transport is made.transport
    assert lease.protocol is made.channel
    assert connector._acquired == {made}
    assert connector.stats().in_use == 1
    lease.release()
    assert repr(lease) == "<Connection closed here:80>"
    assert lease.closed
    assert lease.transport is None
    assert lease.protocol is None


async def test_released_it_is_the_next_one(connector: Wired) -> None:
    (await ask(connector)).release()
    assert (connector.stats().in_use, connector.stats().idle) == (0, 1)
    again = await ask(connector)
    assert len(connector.made) == 1
    assert connector.stats().reused == 1
    again.release()


async def test_closed_it_is_gone(connector: Wired) -> None:
    lease = await ask(connector)
    transport = transport_of(connector.made[0])
    lease.close()
    assert transport.ending == "aborted"
    await turns()
    assert closed(connector) == {CloseReason.ABANDONED: 1}
    (await ask(connector)).release()
    assert len(connector.made) == 2


async def test_detached_it_is_the_callers(connector: Wired) -> None:
    lease = await ask(connector)
    transport = lease.detach()
    assert transport is not None
    assert transport is transport_of(connector.made[0])
    assert lease.closed
    assert closed(connector) == {CloseReason.DETACHED: 1}
    (await ask(connector)).release()  # its place is free
    await connector.close()
    await turns()
    assert not transport.is_closing()
    transport.abort()
    await turns()  # its loss is nothing to the connector


@pytest.mark.parametrize("first", ["release", "close", "detach"])
@pytest.mark.parametrize("second", ["release", "close", "detach"])
async def test_it_is_given_back_once(connector: Wired, first: str, second: str) -> None:
    lease = await ask(connector)
    getattr(lease, first)()
    await turns()
    other = await ask(connector)
    assert getattr(lease, second)() is None
    await turns()
    assert not other.closed, "it may be somebody else's by now"
    assert connector._pool.open_count == 1
    other.release()
    transport_of(connector.made[0]).abort()


async def test_lost_while_it_is_lent(connector: Wired) -> None:
    lease = await ask(connector)
    transport_of(connector.made[0]).abort()
    assert lease.closed
    assert lease.transport is None
    await turns()
    assert connector._pool.open_count == 0
    lease.release()
    await turns()
    assert connector._pool.open_count == 0
    assert connector._pool.idle == []


@pytest.mark.parametrize("how", ["release", "close", "detach"])
async def test_lost_in_the_turn_in_which_it_is_given_back(connector: Wired, how: str) -> None:
    lease = await ask(connector)
    transport_of(connector.made[0]).abort()
    getattr(lease, how)()
    await turns()
    assert connector._pool.open_count == 0
    assert sum(closed(connector).values()) == 1


async def test_loop_is_deprecated(connector: Wired) -> None:
    lease = await ask(connector)
    with pytest.warns(DeprecationWarning, match="get_running_loop") as warned:
        assert lease.loop is asyncio.get_running_loop()
    assert warned[0].filename == __file__
    lease.release()


# Used for something else


class Raw(asyncio.Protocol):
    """A protocol of the user's own."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.losses: list[Exception | None] = []

    def data_received(self, data: bytes) -> None:
        self.received += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.losses.append(exc)


@pytest.fixture(params=["tcp", "tls"])
async def there(request: pytest.FixtureRequest) -> AsyncIterator[There]:
    is_tls = request.param == "tls"
    async with scripted_tls(server_context(), shout) if is_tls else scripted(shout) as server:
        url = as_url(f"http{'s' * is_tls}://127.0.0.1:{server.port}/")
        connector = TCPConnector(limit=1, ssl=client_context())
        yield connector, server, make_request("GET", url, (), None, None)
        async with asyncio.timeout(1):  # less than it gives to the deaf
            await connector.close()


async def shout(peer: Peer) -> None:
    """Answer requests, and what is none in upper case."""
    try:
        while data := await peer.reader.read(1000):
            await peer.send(OK if data.startswith(b"GET") else data.upper())
    finally:
        peer.has_left = True


async def test_a_connection_of_ones_own(there: There) -> None:
    connector, server, request = there
    raw = Raw()
    transport = (await connector.connect(request)).detach()
    assert transport is not None
    transport.set_protocol(raw)
    transport.write(b"hello")
    await until(lambda: raw.received == b"HELLO")
    await connector.close()
    transport.write(b"still")
    await until(lambda: raw.received == b"HELLOSTILL")
    transport.close()
    await until(lambda: raw.losses and server.peers[0].has_left)


@pytest.mark.parametrize("how", ["release", "close"])
async def test_with_another_protocol_it_is_closed(there: There, how: str) -> None:
    connector, server, request = there
    raw = Raw()
    lease = await connector.connect(request)
    transport: Any = lease.transport
    transport.set_protocol(raw)
    transport.write(b"hello")
    await until(lambda: raw.received == b"HELLO")
    assert not lease.closed
    getattr(lease, how)()
    assert transport.is_closing()
    assert connector._pool.open_count == 0, "its place is free at once"
    await until(lambda: raw.losses and server.peers[0].has_left)
    (await connector.connect(request)).release()
    await until(lambda: len(server.peers) == 2)


@pytest.mark.parametrize("how", ["release", "close", "detach"])
@pytest.mark.parametrize("ending", ["abort", "close"])
async def test_lost_under_another_protocol(there: There, ending: str, how: str) -> None:
    connector, _, request = there
    raw = Raw()
    lease = await connector.connect(request)
    transport: Any = lease.transport
    transport.set_protocol(raw)
    getattr(transport, ending)()
    assert lease.closed
    await until(lambda: raw.losses)
    getattr(lease, how)()
    assert connector._pool.open_count == 0
    (await connector.connect(request)).release()


async def test_closed_twice_by_its_user(there: There) -> None:
    """asyncio's own transport for TLS takes that badly."""
    connector, _, request = there
    for how in ("release", "close", "detach"):
        lease = await connector.connect(request)
        transport: Any = lease.transport
        transport.close()
        transport.close()
        getattr(lease, how)()
        await until(lambda: not connector._pool.open_count)


async def test_a_transport_that_knows_of_no_other_protocol() -> None:
    class Plain(asyncio.Transport):
        def is_closing(self) -> bool:
            return False

    protocol = ResponseHandler(asyncio.get_running_loop())
    assert not is_told(protocol)
    protocol.connection_made(Plain())
    assert is_told(protocol)


async def test_a_whole_request_leaves_it_fit_for_the_next(
    there: There,
) -> None:
    connector, server, request = there
    for _ in range(3):
        (await connector.connect(request)).release()
    assert connector.stats().reused == 2
    await until(lambda: len(server.peers) == 1)


async def test_an_answer_that_nobody_asked_for_ends_it(there: There) -> None:
    connector, _, request = there
    lease = await connector.connect(request)
    assert lease.transport is not None
    lease.transport.write(b"GET / HTTP/1.1\r\n\r\n")
    await until(lambda: lease.closed)
    lease.release()
    await until(lambda: not connector._connections)
    assert connector._pool.open_count == 0


# Callbacks


@pytest.mark.parametrize("how", ["release", "close", "detach"])
async def test_callbacks_are_called_once(connector: Wired, how: str) -> None:
    called: list[Any] = []
    lease = await ask(connector)
    lease.add_callback(lambda: called.append(1))
    lease.add_callback(lambda: called.append(lease.closed))
    assert called == []
    getattr(lease, how)()
    lease.release()
    assert called == [1, True]
    transport_of(connector.made[0]).abort()


@pytest.mark.parametrize("how", ["release", "close", "detach"])
async def test_a_callback_that_fails_keeps_nothing(connector: Wired, how: str) -> None:
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
    called: list[int] = []
    lease = await ask(connector)
    error = LookupError("mine")

    def fail() -> None:
        raise error

    lease.add_callback(fail)
    lease.add_callback(lambda: called.append(1))
    getattr(lease, how)()
    assert called == [1]
    assert [context["exception"] for context in complaints] == [error]
    assert "callback" in complaints[0]["message"]
    await turns()
    assert connector.stats().in_use == 0
    transport_of(connector.made[0]).abort()


# Forgotten


async def test_one_that_is_forgotten_is_closed_with_a_warning(connector: Wired) -> None:
    lease = await ask(connector)
    transport = transport_of(connector.made[0])
    with pytest.warns(ResourceWarning, match="Unclosed connection <Connection open here:80>"):
        del lease
    assert transport.ending == "aborted"
    await turns()
    assert connector._pool.open_count == 0


async def test_one_that_was_given_back_is_not(connector: Wired) -> None:
    for how in ("release", "close"):
        lease = await ask(connector)
        getattr(lease, how)()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            del lease
            gc.collect()
        await turns()


def test_one_that_is_forgotten_when_its_loop_is_gone() -> None:
    connector = Wired()
    lease = asyncio.run(ask(connector))
    with pytest.warns(ResourceWarning, match="Unclosed connection"):
        del lease
    connector._connections.clear()


# Getting it


async def test_traces_are_told(connector: Wired) -> None:
    listener = Listener()
    traces = [Trace(None, listener.config, None), Trace(None, TraceConfig(), None)]
    lease = await connector.connect(request_to(), traces)
    assert listener.events == [CREATE, CREATED]
    listener.forget()
    waiting = asyncio.create_task(connector.connect(request_to(), traces))
    await until(lambda: listener.events == [QUEUED])
    lease.release()
    (await waiting).release()
    assert listener.events == [QUEUED, DEQUEUED, REUSED]


async def test_it_waits_for_its_turn(connector: Wired) -> None:
    first = await ask(connector)
    others = [asyncio.create_task(ask(connector, address)) for address in (HERE, THERE, HERE)]
    await until(lambda: connector._pool.waiting_count == 3)
    first.release()
    for number, other in enumerate(others):
        lease = await other
        assert connector._pool.waiting_count == 2 - number
        lease.release()
    assert [connection.address for connection in connector.made] == [HERE, THERE, HERE]


@pytest.mark.parametrize(
    ("timeout", "error", "words"),
    [
        ({"pool": 0.01}, PoolTimeoutError, "within 0.01 s (pool): pool"),
        ({"connect": 0.01}, ConnectionTimeoutError, "within 0.01 s (connect): pool"),
        ({"total": 0.01}, TimeoutError, "within 0.01 s (total): pool"),
        ({"pool": 0.01, "total": 5, "connect": 5}, PoolTimeoutError, "within 0.01 s (pool): pool"),
        ({"pool": 5, "total": 0.01, "connect": 5}, None, ""),
    ],
)
async def test_it_does_not_wait_for_ever(
    connector: Wired, timeout: dict[str, float], error: type[Exception] | None, words: str
) -> None:
    lease = await ask(connector)
    waiting = asyncio.create_task(ask(connector, timeout=ClientTimeout(**timeout)))
    if error is None:
        await asyncio.sleep(0.03)  # the time is what is tested: `pool` is set, and `total` has not begun
        assert not waiting.done()
        lease.release()
        (await waiting).release()
        return
    with pytest.raises(error) as caught:
        await waiting
    assert type(caught.value) is error
    assert str(caught.value) == f"No connection to here:80 {words}"
    assert connector._pool.waiting == []
    lease.release()


async def test_it_waits_no_more_when_it_is_cancelled(connector: Wired) -> None:
    lease = await ask(connector)
    waiting = asyncio.create_task(ask(connector))
    await until(lambda: connector._pool.waiting)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert connector._pool.waiting == []
    lease.release()


async def test_nor_when_the_connector_is_closed(connector: Wired) -> None:
    lease = await ask(connector)
    waiting = asyncio.create_task(ask(connector))
    await until(lambda: connector._pool.waiting)
    await connector.close()
    with pytest.raises(ClientConnectionError, match="Connector is closed"):
        await waiting
    assert lease.closed
    lease.close()
    with pytest.raises(ClientConnectionError, match="Connector is closed"):
        await ask(connector)


async def test_it_is_closed_when_making_it_fails() -> None:
    connector = Wired(limit=1, error=OSError("no"))
    for _ in range(2):
        with pytest.raises(OSError, match="no"):
            await ask(connector)
    assert closed(connector) == {CloseReason.NOT_CONNECTED: 2}


@pytest.mark.parametrize("when", ["waiting", "woken"])
@pytest.mark.parametrize("is_full", [False, True], ids=["free", "full"])
async def test_cancelled_at_each_await(is_full: bool, when: str) -> None:
    for step in range(1, MOST_STEPS):
        before = held()
        connector = Wired(limit=1, turns=3)
        loop = asyncio.get_running_loop()
        if is_full:
            loop.call_later(0.01, (await ask(connector)).release)
        timeout = ClientTimeout(total=60, connect=50, sock_connect=40, pool=30)
        task = asyncio.create_task(
            _awaited(CancelledAt(connector.connect(request_to(), timeout=timeout), step, when))
        )
        await asyncio.wait([task], timeout=PATIENCE)
        assert task.done(), f"hangs when cancelled at step {step}"
        if not task.cancelled():
            task.result().release()
        await until(lambda pool=connector._pool: pool.open_count == pool.idle_count)
        assert connector._pool.waiting == []
        await connector.close()
        await turns()
        assert all(transport_of(connection).ending for connection in connector.made)
        assert held() == before
        if not task.cancelled():
            assert step > 1
            return
    pytest.fail(f"not through after {MOST_STEPS} steps")


async def _awaited(awaitable: Any) -> Any:
    return await awaitable
