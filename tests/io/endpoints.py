"""A WebSocket's endpoint with its peer in memory, and a clock that is told the time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pronghorn.io.channel import Channel
from pronghorn.io.websocket import Endpoint
from pronghorn.wire.http1.connection import Http1Connection
from pronghorn.wire.roles import CLIENT, SERVER, Role
from pronghorn.wire.websocket.connection import WebSocketConnection
from pronghorn.wire.websocket.messages import WSMessage

from ..wire.websocket.exchanging import BINARY, FIN, PONG, TEXT, close, frame, machine, tell
from .fakes import FakeTransport, VirtualClock, settle

ROLES = pytest.mark.parametrize("role", [SERVER, CLIENT], ids=["server", "client"])

KIB = 1024


class Clock(VirtualClock):
    """Time passes in `advance`; what is to be done soon is done by the running loop."""

    def call_soon(self, callback: Callable[[], object]) -> asyncio.Handle:
        return asyncio.get_running_loop().call_soon(callback)


class Side:
    """The end of HTTP that an endpoint came from: writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def lose(self, error: Exception | None) -> None:
        self.told.append(("lost", error))

    def unwritable(self) -> None:
        self.told.append("unwritable")

    def writable(self) -> None:
        self.told.append("writable")


class Rig:
    """An endpoint of ``role``, begun unless ``begins`` is false; `peer_sends` what its peer says."""

    def __init__(
        self,
        role: Role = SERVER,
        *,
        connection: WebSocketConnection | None = None,
        begins: bool = True,
        high: int = 64 * KIB,
        **options: Any,
    ) -> None:
        self.role = role
        self.side = Side()
        owner: Any = self.side
        owner.connect = lambda: None
        self.channel = Channel(asyncio.get_running_loop(), Http1Connection(role), owner)
        self.transport = FakeTransport(self.channel, high=high)
        self.clock = Clock()
        self.endpoint = Endpoint(
            self.channel, connection or machine(role), self.side, is_server=role is SERVER, **options
        )
        loop: Any = self.clock
        self.endpoint._loop = loop
        #: What the peer reads, by its own machine.
        self._reader = machine(CLIENT if role is SERVER else SERVER)
        if begins:
            self.endpoint.start(b"")

    # The peer

    def peer_sends(self, *frames: bytes) -> None:
        """The peer sends all of it in one go."""
        self.transport.receive(b"".join(frames))

    def text(self, data: str) -> bytes:
        return frame(FIN | TEXT, data.encode(), self.role)

    def binary(self, data: bytes) -> bytes:
        return frame(FIN | BINARY, data, self.role)

    def control(self, opcode: int, data: bytes = b"") -> bytes:
        return frame(FIN | opcode, data, self.role)

    def close(self, code: int, reason: bytes = b"") -> bytes:
        return close(code, reason, self.role)

    def pong(self) -> bytes:
        return self.control(PONG)

    def peer_reads(self) -> list[Any]:
        """What was sent and not read yet, as messages."""
        return tell(self._reader, [self.transport.take()])

    # The caller

    async def wait(self, seconds: float) -> None:
        """As `WebSocket.receive` waits, but no longer than that: TimeoutError."""
        try:
            async with asyncio.timeout(seconds):
                await self.endpoint.wait()
        finally:
            self.endpoint.waiter = None

    async def receive(self) -> WSMessage | None:
        """What `WebSocket.receive` would take; None when there is nothing more."""
        endpoint = self.endpoint
        if not endpoint.queue and not (endpoint.is_over or endpoint.is_closed):
            await self.wait(5)
        if not endpoint.queue:
            return None
        event = endpoint.take()
        if not isinstance(event, WSMessage):
            pytest.fail(f"expected a WSMessage, got {event!r}")
        return event

    async def data(self, count: int) -> list[Any]:
        """The data of so many messages."""
        found: list[Any] = []
        for _ in range(count):
            message = await self.receive()
            if message is None:
                pytest.fail(f"expected {count} messages, got {len(found)}")
            found.append(message.data)
        return found


@asynccontextmanager
async def closing(rig: Rig, code: int = 1000, reason: str = "") -> AsyncIterator["asyncio.Task[bool]"]:
    """`close` as it goes on."""
    task = asyncio.create_task(rig.endpoint.close(code, reason))
    await settle()
    yield task
    async with asyncio.timeout(5):
        await asyncio.wait([task])
