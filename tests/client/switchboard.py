"""A connector whose dials end when a test says so, and those who ask it for connections."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, cast

from pronghorn import ClientConnectorError
from pronghorn.client.connection import ClientConnection
from pronghorn.client.connector import BaseConnector
from pronghorn.client.outgoing import ClientRequest
from pronghorn.client.pending import SharingPool
from pronghorn.client.protocol import ResponseHandler
from pronghorn.client.timeouts import ClientTimeout
from pronghorn.client.tracing import Trace
from pronghorn.io.dial import Address

from ..functional.scripted import until
from .wired import HERE, connected, lend

THERE = Address("there", 80)
ELSEWHERE = Address("elsewhere", 80)
#: More than any test lasts.
LONG = 60.0
NAME: ContextVar[str] = ContextVar("NAME", default="nobody")


class Attempt:
    """A dial, which ends when a test says so."""

    def __init__(self, connector: "Switchboard", request: ClientRequest) -> None:
        self.connector = connector
        self.request = request
        self.asked_by = NAME.get()
        self.end: asyncio.Future[ResponseHandler] = asyncio.get_running_loop().create_future()

    def connect(self) -> ClientConnection:
        connection = connected(self.connector, self.request.address)
        self.end.set_result(cast(ResponseHandler, connection.channel))
        return connection

    def fail(self, error: BaseException) -> None:
        self.end.set_exception(error)


class Switchboard(BaseConnector):
    """Keeps its dials, for a test to end them."""

    def __init__(self, share_dials: bool = True, **options: Any) -> None:
        super().__init__(share_dials=share_dials, **options)
        self.attempts: list[Attempt] = []

    async def _create_connection(
        self, req: ClientRequest, traces: Sequence[Trace], timeout: ClientTimeout
    ) -> ResponseHandler:
        attempt = Attempt(self, req)
        self.attempts.append(attempt)
        for trace in traces:
            await trace.send_dns_resolvehost_start(req.address.host)
        req.progress.phase, req.progress.peer = "connect", "192.0.2.1:80"
        try:
            return await attempt.end
        except asyncio.CancelledError:
            if not attempt.end.cancelled():
                attempt.end.result().abort()  # connected in the turn in which it was cancelled
            raise
        finally:
            for trace in traces:
                await trace.send_dns_resolvehost_end(req.address.host)

    @property
    def sharing(self) -> SharingPool:
        if not isinstance(self._pool, SharingPool):
            raise TypeError("dials are not shared")
        return self._pool

    @property
    def is_at_rest(self) -> bool:
        """No place is held, and nothing is remembered of dials."""
        pool = self.sharing
        return not (pool.open_count or pool.waiting or pool._pending or pool._claims or self._opening)


Asking = asyncio.Task[ClientConnection]


async def obtained(connector: BaseConnector, address: Address = HERE, **timeout: float) -> ClientConnection:
    """A connection, idle or new."""
    idle = connector.take(address, may_be_stale=False)
    return idle or await lend(connector, address, ClientTimeout(**timeout))


def ask(connector: BaseConnector, address: Address = HERE, **timeout: float) -> Asking:
    """Somebody who wants a connection."""
    return asyncio.create_task(obtained(connector, address, **timeout))


async def dialling(connector: Switchboard, address: Address = HERE, **timeout: float) -> Asking:
    """Somebody whose dial has begun, and will be the last of the attempts."""
    before = len(connector.attempts)
    asking = ask(connector, address, **timeout)
    await until(lambda: len(connector.attempts) > before)
    return asking


async def established(connector: Switchboard, address: Address = HERE) -> ClientConnection:
    """A connection in use."""
    asking = await dialling(connector, address)
    connector.attempts[-1].connect()
    return await asking


async def at_once(condition: Callable[[], object]) -> None:
    """Wait for ``condition``, and be there before those whom it wakes."""
    for _ in range(50):
        if condition():
            return
        await asyncio.sleep(0)
    raise TimeoutError


async def cancelled(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel ``tasks``, which end so."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    if not all(task.cancelled() for task in tasks):
        raise RuntimeError(f"cancelled, and not at an end: {tasks}")


@asynccontextmanager
async def switchboard(**options: Any) -> AsyncIterator[Switchboard]:
    """Closed at the end, and then nothing is left of it."""
    tasks = asyncio.all_tasks()
    connector = Switchboard(**options)
    yield connector
    await connector.close()
    await until(lambda: asyncio.all_tasks() <= tasks and not connector._opening)
    if connector._connections:
        raise RuntimeError(f"left: {connector._connections}")


def refused() -> ClientConnectorError:
    return ClientConnectorError(HERE, ConnectionRefusedError(111, "refused"))
