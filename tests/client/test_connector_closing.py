"""Closing a connector: done at the call, awaited in a bounded time, and nobody is left waiting."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from pronghorn import ClientConnectionError, ClientSession, TCPConnector
from pronghorn.client.connection import ClientConnection
from pronghorn.client.outgoing import make_request
from pronghorn.client.target import as_url
from pronghorn.client.terms import Terms
from pronghorn.client.tracing import Trace, TraceConfig
from pronghorn.io.resolver import AddressInfo

from ..functional.listening import text
from ..functional.programs import leaving_nothing, scripted_tls
from ..functional.scripted import OK, PATIENCE, Peer, scripted, turns, until
from ..tls import client_context, server_context
from .wired import NO_TIMEOUT, Wired, lend, request_to, served, transport_of


class Timers:
    """The timers that a connector has asked its loop for, to be called when the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[float, Callable[[], object], asyncio.TimerHandle]] = []
        self._call_later = asyncio.get_running_loop().call_later
        monkeypatch.setattr(asyncio.get_running_loop(), "call_later", self.call_later)

    def call_later(
        self, delay: float, callback: Callable[..., object], *arguments: Any, **options: Any
    ) -> Any:
        handle = self._call_later(delay, callback, *arguments, **options)
        if "pronghorn" in (getattr(callback, "__module__", None) or ""):
            self.asked.append((delay, callback, handle))
        return handle

    @property
    def pending(self) -> list[float]:
        return [delay for delay, _, handle in self.asked if not handle.cancelled()]

    def strike(self) -> None:
        """Time passes, until all of them are due."""
        for _, callback, handle in self.asked:
            if not handle.cancelled():
                handle.cancel()
                callback()


@pytest.fixture
async def timers(monkeypatch: pytest.MonkeyPatch) -> Timers:
    return Timers(monkeypatch)


class Deaf:
    """A connection that stays open until it is aborted: its peer does not take what was written."""

    def __init__(self, connection: ClientConnection) -> None:
        self.transport = transport_of(connection)
        self.transport.close = self.close  # type: ignore[method-assign]  # as a transport with a full buffer
        self.is_asked = False

    def close(self) -> None:
        self.is_asked = True


# In a bounded time


async def test_it_is_done_when_the_last_connection_is_gone(timers: Timers) -> None:
    connector = Wired()
    for connection in [await lend(connector) for _ in range(3)]:
        connector.take_back(served(connection))
    async with asyncio.timeout(1):
        await connector.close()
    assert not connector._connections
    assert timers.pending == [], "nothing is left to be done"


async def test_a_peer_that_takes_nothing_is_given_two_seconds(timers: Timers) -> None:
    connector = Wired()
    connection = await lend(connector)
    deaf = Deaf(connection)
    connector.take_back(served(connection))
    closing = asyncio.ensure_future(_awaited(connector.close()))
    await turns()
    assert deaf.is_asked
    assert not closing.done()
    assert timers.pending == [2.0]
    timers.strike()
    assert deaf.transport.ending == "aborted"
    async with asyncio.timeout(1):
        await closing


async def test_one_that_had_left_the_pool_is_waited_for_too(timers: Timers) -> None:
    connector = Wired(force_close=True)
    connection = await lend(connector)
    deaf = Deaf(connection)
    connector.take_back(served(connection))
    assert connector._pool.open_count == 0
    closing = asyncio.ensure_future(_awaited(connector.close()))
    await turns()
    assert not closing.done()
    assert timers.pending == [2.0]
    timers.strike()
    assert deaf.transport.ending == "aborted"
    async with asyncio.timeout(1):
        await closing


async def test_those_who_wait_for_it_are_told_together(timers: Timers) -> None:
    connector = Wired()
    connection = await lend(connector)
    Deaf(connection)
    connector.take_back(served(connection))
    closings = [asyncio.ensure_future(_awaited(connector.close())) for _ in range(3)]
    await turns()
    closings[0].cancel()
    await asyncio.wait([closings[0]])
    timers.strike()
    async with asyncio.timeout(1):
        await asyncio.gather(*closings[1:])
    assert closings[0].cancelled()


async def test_it_need_not_be_awaited(timers: Timers) -> None:
    connector = Wired()
    await lend(connector)
    connector.close()  # type: ignore[unused-awaitable]  # what is tested
    await turns()
    assert not connector._connections
    assert timers.pending == []


async def _awaited(awaitable: Any) -> Any:
    return await awaitable


def deafen(peer: Peer) -> None:
    """Take nothing any more, not even an end."""
    transport: Any = peer.writer.transport
    transport.pause_reading()


def small_buffers(info: AddressInfo) -> socket.socket:
    sock = socket.socket(*info[:3])
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    return sock


async def test_a_real_peer_that_takes_nothing(timers: Timers) -> None:
    """It has answered without reading the body, which the loop still holds: an idle connection."""

    async def hasty(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        deafen(peer)
        await peer.send(OK)
        await asyncio.Event().wait()

    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        connector = TCPConnector(socket_factory=small_buffers)
        async with scripted(hasty, sock=listener) as server, ClientSession(connector=connector) as session:
            async with session.post(server.url(), data=bytes(60_000)) as response:
                assert await response.text() == "ok"
            (connection,) = connector._connections
            assert connection.transport is not None
            assert connection.transport.get_write_buffer_size()
            closing = asyncio.ensure_future(_awaited(connector.close()))
            await turns()
            assert not closing.done()
            timers.strike()
            async with asyncio.timeout(1):
                await closing


# TLS


async def silent(peer: Peer) -> None:
    """Answer one request, and take no leave."""
    await peer.answer(OK)
    deafen(peer)
    await asyncio.Event().wait()


async def test_tls_takes_leave_for_a_second() -> None:
    connector = TCPConnector(ssl=client_context(), ssl_shutdown_timeout=0.01)
    async with scripted_tls(server_context(), silent) as server:
        session = ClientSession(connector=connector)
        assert await text(session, f"https://localhost:{server.port}/") == "ok"
        async with asyncio.timeout(1):
            await session.close()
    assert TCPConnector()._tls_closing == 1


async def test_tls_is_closed_at_once_if_asked_to(timers: Timers) -> None:
    connector = TCPConnector(ssl=client_context(), ssl_shutdown_timeout=60)
    async with scripted_tls(server_context(), silent) as server, scripted(OK) as plain:
        session = ClientSession(connector=connector)
        assert await text(session, f"https://localhost:{server.port}/") == "ok"
        assert await text(session, plain.url()) == "ok"
        (idle,) = (one for one in connector._connections if one.address.is_ssl)
        closing = connector.close(abort_ssl=True)
        assert idle.transport is not None
        assert idle.transport.is_closing()
        async with asyncio.timeout(1):
            await closing
        assert timers.pending == []
        await until(lambda: plain.peers[0].has_left)
        await session.close()


# Nobody is left waiting


@pytest.mark.parametrize("turns_taken", [0, 1, 5])
async def test_who_dials_and_who_waits(turns_taken: int) -> None:
    connector = Wired(limit=2, turns=20)
    tasks = [asyncio.create_task(lend(connector)) for _ in range(4)]
    await turns(turns_taken)
    async with asyncio.timeout(1):
        await connector.close()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(outcome, ClientConnectionError)
    assert not any(task.cancelled() for task in tasks)
    assert all(transport_of(connection).ending for connection in connector.made)
    assert connector._pool.open_count == 0


async def test_who_dials_for_a_long_time() -> None:
    class Stuck(Wired):
        async def _create_connection(self, *arguments: Any) -> Any:
            await asyncio.Event().wait()

    connector = Stuck()
    task = asyncio.create_task(lend(connector))
    await until(lambda: connector._pool.open_count)
    await connector.close()
    with pytest.raises(ClientConnectionError, match="Connector is closed"):
        async with asyncio.timeout(1):
            await task


async def test_who_dials_and_is_cancelled_as_well() -> None:
    connector = Wired(turns=20)
    task = asyncio.create_task(lend(connector))
    await turns()
    task.cancel()
    await connector.close()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("dialling", [0, 1, 5])
async def test_by_a_trace_of_its_own(dialling: int) -> None:
    """The task that dials goes on: it was not cancelled, its connector was closed."""
    connector = Wired(turns=dialling)

    async def close(*_: object) -> None:
        await connector.close()

    config = TraceConfig()
    config.on_connection_create_start.append(close)
    with pytest.raises(ClientConnectionError, match="Connector is closed"):
        await connector.connect(request_to(), [Trace(None, config, None)])
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()
    await turns()
    assert connector._pool.open_count == 0
    assert all(transport_of(connection).ending for connection in connector.made)


async def test_who_waits_for_an_answer() -> None:
    connector = Wired()
    connection = await lend(connector)
    connection.begin(Terms(NO_TIMEOUT), None)
    head = connection.expect_head()
    await connector.close()
    with pytest.raises(ClientConnectionError, match="Connector is closed"):
        await head


@pytest.fixture(params=["tcp", "tls"])
async def there(request: pytest.FixtureRequest) -> AsyncIterator[tuple[TCPConnector, Any]]:
    """A connector, and a request to a server."""
    is_tls = request.param == "tls"
    async with scripted_tls(server_context(), OK) if is_tls else scripted(OK) as server:
        url = as_url(f"http{'s' * is_tls}://127.0.0.1:{server.port}/")
        yield TCPConnector(ssl=client_context()), make_request("GET", url, (), None, None)


async def test_who_uses_a_connection_for_something_else(there: tuple[TCPConnector, Any]) -> None:
    """It has a protocol of its own, so the connector is never told that it is lost."""
    connector, request = there
    lease = await connector.connect(request)
    transport: Any = lease.transport
    transport.set_protocol(asyncio.Protocol())
    async with asyncio.timeout(PATIENCE):
        await connector.close()
    assert transport.is_closing()
    assert lease.closed
    lease.release()
    await turns()
    assert connector._pool.open_count == 0


async def test_nothing_is_left_of_it(there: tuple[TCPConnector, Any]) -> None:
    connector, request = there
    async with leaving_nothing():
        leases = [await connector.connect(request) for _ in range(3)]
        leases[0].release()
        task = asyncio.create_task(connector.connect(request))
        await turns(1)
        await connector.close()
        await asyncio.wait([task])
        for lease in leases:
            lease.close()
        if task.exception() is None:
            task.result().close()
