"""The connection of a request, as far as handlers see it."""

import asyncio
import warnings
from collections.abc import Callable
from typing import Any, Protocol

from ..io.websocket import Endpoint
from ..wire.limits import DecodeLimits
from ..wire.websocket.connection import WebSocketConnection
from .disconnection import Disconnection
from .tls import TLSInfo, describe_tls


class ConnectionFacts(Protocol):
    """What a request knows of the connection that it came on."""

    @property
    def transport(self) -> asyncio.Transport | None: ...
    @property
    def task(self) -> "asyncio.Task[None] | None": ...
    @property
    def peername(self) -> Any: ...
    @property
    def decoding(self) -> DecodeLimits | None: ...
    def switch(self, machine: WebSocketConnection, **options: Any) -> Endpoint: ...
    def disconnection(self, request: Any, /) -> "asyncio.Future[None]": ...


class RequestConnection:
    """A request, as something that came on a connection."""

    _connection: ConnectionFacts
    _task: "asyncio.Task[None] | None" = None
    #: The request that this one is a clone of, in the end.
    _origin: "RequestConnection | None" = None
    _disconnection: Disconnection | None = None
    _is_over: bool = False
    _tls: TLSInfo | None = None
    #: Called when the server begins to shut down.
    _on_shutdown: Callable[[], None] | None = None
    #: It has begun to.
    _is_shutting_down: bool = False

    @property
    def transport(self) -> asyncio.Transport | None:
        """The transport of the connection, None once it is closed."""
        return self._connection.transport

    @property
    def protocol(self) -> ConnectionFacts:
        """The connection."""
        return self._connection

    _protocol = protocol

    @property
    def task(self) -> "asyncio.Task[None] | None":
        """The task that handles this request."""
        return self._task or self._connection.task or asyncio.current_task()

    @property
    def is_over(self) -> bool:
        """It was answered: what is sent from now on would be taken for the answer to the next request."""
        return (self._origin or self)._is_over

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The running loop. Deprecated: use `asyncio.get_running_loop`."""
        warnings.warn("request.loop: use asyncio.get_running_loop()", DeprecationWarning, stacklevel=2)
        return asyncio.get_running_loop()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the transport says of ``name``: see `asyncio.BaseTransport.get_extra_info`."""
        transport = self._connection.transport
        return default if transport is None else transport.get_extra_info(name, default)

    @property
    def disconnected(self) -> "asyncio.Future[None]":
        """Done when the client has gone: to be awaited, given to `asyncio.wait`, or asked by ``done()``.

        A client has gone when it has closed the connection, or its sending side: nothing else shows
        of most who leave, and one that only sends no more can still be answered. The handler goes on
        either way; for one that is cancelled instead, see ``handler_cancellation``. While content
        waits to be read, the end behind it is not seen.

        It never has an exception. When the request is over first, it is cancelled, and who still waits
        gets `asyncio.CancelledError`.
        """
        return self._connection.disconnection(self._origin or self)

    def _tell_of_shutdown(self, callback: Callable[[], None] | None) -> None:
        """Have ``callback``, and no other, called when the server begins to shut down, or now if it has.

        None is nobody.
        """
        # The connection knows of the first request, not of clones.
        first = self._origin or self
        first._on_shutdown = callback
        if callback is not None and first._is_shutting_down:
            callback()

    def _shut_down(self) -> None:
        """The server begins to shut down."""
        self._is_shutting_down = True
        if self._on_shutdown is not None:
            self._on_shutdown()

    @property
    def tls(self) -> TLSInfo | None:
        """What was agreed on for an encrypted connection; None without TLS, and once it is closed.

        What was looked at while the connection was open stays.
        """
        tls = self._tls
        if tls is None:
            ssl_object = self.get_extra_info("ssl_object")
            if ssl_object is not None:
                tls = self._tls = describe_tls(ssl_object)
        return tls
