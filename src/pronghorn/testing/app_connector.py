"""A connector whose connections lead to an application in this process."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, Self

from .. import web
from ..client.connector import UNSET, BaseConnector, Closing
from ..client.errors import ClientConnectionError
from ..client.outgoing import ClientRequest
from ..client.protocol import ResponseHandler
from ..client.timeouts import ClientTimeout
from ..client.tracing import Trace
from ..io.dial import Address, Progress
from .asgi import AsgiApplication, AsgiRunner
from .pair import connect


class AppConnector(BaseConnector):
    """Every request goes to ``app``, whatever the host of its URL, without a socket.

    ``app`` is an `Application`, a low-level `Server`, or any ASGI 3 application. It starts up at the
    first request, or with ``async with`` or `start`; closing the connector shuts it down and cleans it up,
    as a runner with this ``shutdown_timeout`` does. It sees real connections: streams, flow control,
    keep-alive and disconnects are as over TCP. TLS is not spoken: requests to "https" arrive as such
    (``request.secure``, ``request.scheme``), and options of TLS are ignored. ``peername`` is the address
    that requests come from, ``server_settings`` are the fields of `ServerSettings`; a `Server` has its own
    (ValueError). The rest is as in `BaseConnector`.
    """

    def __init__(
        self,
        app: web.Application | web.Server | AsgiApplication,
        *,
        peername: tuple[str, int] = ("127.0.0.1", 50000),
        shutdown_timeout: float = 5.0,
        server_settings: Mapping[str, Any] | None = None,
        keepalive_timeout: float | None = UNSET,
        force_close: bool = False,
        limit: int | None = 100,
        limit_per_host: int | None = 0,
    ) -> None:
        super().__init__(
            keepalive_timeout=keepalive_timeout,
            force_close=force_close,
            limit=limit,
            limit_per_host=limit_per_host,
        )
        self._peername = peername
        self._runner = _runner_of(app, shutdown_timeout, dict(server_settings or {}))
        #: Sets the runner up.
        self._starting: asyncio.Task[None] | None = None
        #: Closes the connections, then cleans up.
        self._ending: asyncio.Task[None] | None = None
        self._tls_context: ssl.SSLContext | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def start(self) -> None:
        """Start the application up, if nobody has; what that raises is raised.

        ClientConnectionError once the connector is closed.
        """
        if (error := await self._start_up()) is not None:
            raise error

    async def _start_up(self) -> BaseException | None:
        """What came of starting up."""
        if self.closed:
            raise ClientConnectionError("Connector is closed")
        starting = self._starting
        if starting is None or _has_failed(starting):
            # In a task of its own: who asked first may be cancelled, and others wait for it, too.
            starting = self._starting = asyncio.get_running_loop().create_task(self._runner.setup())
        elif starting.get_loop() is not asyncio.get_running_loop():
            raise RuntimeError(f"the application was started on {starting.get_loop()!r}")
        await asyncio.wait((starting,))
        if starting.cancelled():
            raise ClientConnectionError("The application's startup was cancelled")
        return starting.exception()

    def __exit__(self, *error: object) -> None:
        _ = self.close()

    def close(self, *, abort_ssl: bool = False) -> Closing:
        """Close all connections, then shut the application down and clean it up.

        Awaiting it waits for that, and raises what that raises; it happens in any case.
        """
        closing = super().close(abort_ssl=abort_ssl)
        starting = self._starting
        if self._ending is None:
            if starting is None or starting.get_loop().is_closed():
                return closing
            self._ending = starting.get_loop().create_task(self._end(starting, closing))
        return Closing(self._ending)

    async def _end(self, starting: "asyncio.Task[None]", closing: Closing) -> None:
        if not starting.done():
            starting.cancel()
            await asyncio.wait((starting,))
        await closing
        await self._runner.cleanup()

    async def _create_connection(
        self, req: ClientRequest, traces: Sequence[Trace], timeout: ClientTimeout
    ) -> ResponseHandler:
        address = req.address
        req.progress = Progress("connect")
        if (error := await self._start_up()) is not None:
            raise ClientConnectionError(f"The application did not start: {error!r}") from error
        server = self._runner.server
        if server is None:
            raise ClientConnectionError("Connector is closed")
        protocol = self._factory()
        connect(protocol, server(), client_info=self._near(address), server_info=self._far(address))
        return protocol

    def _near(self, address: Address) -> dict[str, Any]:
        return {"peername": (address.host, address.port), "sockname": self._peername}

    def _far(self, address: Address) -> dict[str, Any]:
        info: dict[str, Any] = {"peername": self._peername, "sockname": (address.host, address.port)}
        if address.is_ssl:
            if self._tls_context is None:
                self._tls_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            info["sslcontext"] = self._tls_context  # by which a request knows that it is secure
        return info


def _has_failed(task: "asyncio.Task[None]") -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


def _runner_of(app: Any, shutdown_timeout: float, settings: dict[str, Any]) -> web.BaseRunner:
    if isinstance(app, web.Application):
        return web.AppRunner(app, shutdown_timeout=shutdown_timeout, **settings)
    if isinstance(app, web.Server):
        if settings:
            raise ValueError("server_settings: expected none, the Server has its own")
        return web.ServerRunner(app, shutdown_timeout=shutdown_timeout)
    if not callable(app):
        raise TypeError(f"app: expected an Application, a Server or an ASGI application, got {app!r}")
    return AsgiRunner(app, shutdown_timeout=shutdown_timeout, **settings)
