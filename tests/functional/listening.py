"""A session under a trace config that hears everything."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from pronghorn import ClientSession, TCPConnector, TraceConfig
from pronghorn.client.connector import BaseConnector

from .scripted import until

START, HEADERS, CHUNK = "request_start", "request_headers_sent", "request_chunk_sent"
END, FAILED, RECEIVED = "request_end", "request_exception", "response_chunk_received"
CREATE, CREATED, REUSED = "connection_create_start", "connection_create_end", "connection_reuseconn"
QUEUED, DEQUEUED = "connection_queued_start", "connection_queued_end"
RESOLVE, RESOLVED = "dns_resolvehost_start", "dns_resolvehost_end"
HIT, MISS = "dns_cache_hit", "dns_cache_miss"
EVENTS = [name.removeprefix("on_") for name in dir(TraceConfig) if name.startswith("on_")]


class Listener:
    """A config that remembers what it hears, and does what it is told at one event."""

    def __init__(self, *, at: str = "", do: Callable[[], Awaitable[None]] | None = None) -> None:
        self.config = TraceConfig()
        #: The names of the events, in order.
        self.events: list[str] = []
        #: What came with them.
        self.params: list[Any] = []
        self.contexts: list[Any] = []
        self.sessions: list[Any] = []
        #: The event at which it acts, and how; "" is none.
        self.at = at
        self.do = do
        for event in EVENTS:
            getattr(self.config, f"on_{event}").append(self._hook(event))

    def _hook(self, event: str) -> Callable[..., Awaitable[None]]:
        async def hear(session: Any, context: Any, params: Any) -> None:
            self.events.append(event)
            self.params.append(params)
            self.contexts.append(context)
            self.sessions.append(session)
            if event == self.at and self.do is not None:
                await self.do()

        return hear

    def session(self, connector: BaseConnector | None = None, **options: Any) -> ClientSession:
        """A session with this config."""
        return ClientSession(connector=connector or TCPConnector(), trace_configs=[self.config], **options)

    def of(self, event: str) -> Any:
        """The params of the one event of that name."""
        (params,) = (params for name, params in zip(self.events, self.params, strict=True) if name == event)
        return params

    def forget(self) -> None:
        self.events.clear()
        self.params.clear()
        self.contexts.clear()
        self.sessions.clear()


async def nothing_left(session: ClientSession) -> None:
    """Wait until nobody waits for a connection, and all that are open are idle."""
    if session.connector is None:
        raise RuntimeError("the session is closed")
    connector = session.connector
    await until(lambda: not connector._pool.waiting)
    await until(lambda: connector._pool.open_count == len(connector._pool.idle))
    await until(lambda: len(connector._connections) == len(connector._pool.idle))


async def nothing_connected(session: ClientSession) -> None:
    """Wait until every connection is lost."""
    await until(lambda: session.connector is not None and not session.connector._connections)


async def forever() -> None:
    """Wait for what does not come."""
    await asyncio.Event().wait()


async def text(session: ClientSession, url: str, **options: Any) -> str:
    """The body of the answer to a GET request."""
    async with session.get(url, **options) as response:
        return await response.text()
