"""A server without an application: makes connections, counts them, and ends them gracefully."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ..io.channel import Channel
from ..io.deadline import Sweep
from ..log import server_logger
from .access_log import Log
from .connection import ServerConnection, overloaded
from .request import BaseRequest
from .response import StreamResponse
from .settings import ServerSettings

Handler = Callable[[Any], Awaitable[StreamResponse]]

#: Seconds that cancelled handlers have to clean up.
_CANCEL_GRACE = 10.0


class Server:
    """A protocol factory for ``loop.create_server``: every request goes to ``handler``.

    ``settings`` are the fields of `ServerSettings`, as keywords.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        request_factory: Callable[..., BaseRequest] = BaseRequest,
        access_log: Log | None = None,
        **settings: Any,
    ) -> None:
        self.settings = ServerSettings(**settings)
        self._inner_handler = handler
        self._in_flight = 0
        self.handler = self._handle_within_limit if self.settings.max_in_flight else handler
        self.request_factory = request_factory
        self.access_log = access_log
        self.is_closing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connections: set[ServerConnection] = set()
        #: Handlers whose connection is lost.
        self._orphans: set[asyncio.Task[None]] = set()
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self.sweep: Sweep

    def __call__(self) -> Channel:
        """A new connection's protocol, on the running loop."""
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
            self.sweep = Sweep(loop)
        return ServerConnection(self, loop).channel

    @property
    def connections(self) -> list[ServerConnection]:
        """The open connections."""
        return list(self._connections)

    @property
    def is_full(self) -> bool:
        """More connections are open than may be."""
        return 0 < self.settings.max_connections < len(self._connections)

    def opened(self, connection: ServerConnection) -> None:
        self._connections.add(connection)
        self._is_empty.clear()

    def closed(self, connection: ServerConnection) -> None:
        self._connections.discard(connection)
        task = connection.task
        if task is not None and not task.done():
            self._orphans.add(task)
            task.add_done_callback(self._end_orphan)
        self._note_emptiness()

    def _end_orphan(self, task: "asyncio.Task[None]") -> None:
        self._orphans.discard(task)
        self._note_emptiness()

    def _note_emptiness(self) -> None:
        if not self._connections and not self._orphans:
            self._is_empty.set()

    async def _handle_within_limit(self, request: BaseRequest) -> StreamResponse:
        if self._in_flight >= self.settings.max_in_flight:
            raise overloaded()
        self._in_flight += 1
        try:
            return await self._inner_handler(request)
        finally:
            self._in_flight -= 1

    def pre_shutdown(self) -> None:
        """Close idle connections, and let no other one begin another request."""
        self.is_closing = True
        for connection in self.connections:
            connection.shut_down()

    async def shutdown(self, timeout: float | None = None) -> None:
        """Wait up to ``timeout`` seconds for requests to be answered, then cancel their handlers; close."""
        self.pre_shutdown()
        try:
            async with asyncio.timeout(timeout):
                await self._is_empty.wait()
        except TimeoutError:
            await self._cancel_all()
        except asyncio.CancelledError:
            self._cancel_handlers()
            self._abort_connections()
            raise
        finally:
            if self._loop is not None:
                self.sweep.close()

    def _cancel_handlers(self) -> "list[asyncio.Task[None]]":
        tasks = [connection.task for connection in self.connections if connection.task is not None]
        tasks += self._orphans
        for task in tasks:
            task.cancel()
        return tasks

    def _abort_connections(self) -> None:
        for connection in self.connections:
            connection.channel.abort()

    async def _cancel_all(self) -> None:
        for connection in self.connections:
            if connection.request is not None:
                server_logger.warning(
                    "%r was not answered in time: its handler is cancelled", connection.request
                )
        tasks = self._cancel_handlers()
        if tasks:
            await asyncio.wait(tasks, timeout=_CANCEL_GRACE)
        for connection in self.connections:
            if not connection.is_taking_leave:
                connection.channel.abort()
        try:
            async with asyncio.timeout(_CANCEL_GRACE):
                await self._is_empty.wait()
        except TimeoutError:
            self._abort_connections()  # of a transport that does not report its end
