"""An application: a router, a place for shared things, and what happens when it starts and stops."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from ..io.exchange import Exchange
from ..io.stream import StreamReader
from ..keys import AppKey
from ..log import web_logger
from ..signals import Signal
from ..wire.events import RequestHead
from .connection import Log
from .request import ConnectionFacts, Request
from .response import StreamResponse
from .routing.dispatcher import RouteDefinition, UrlDispatcher
from .server import Server
from .storage import Storage


class Application(Storage):
    """Handlers, by method and path. As a mapping: what they share.

    ``client_max_size`` bounds, in bytes, what `Request.read` and `post` accept, and
    ``client_max_fields`` how many fields of a form; 0 is unlimited.
    After `freeze`, which starting does, neither routes nor callbacks can be added.
    """

    _key_class = AppKey

    def __init__(
        self,
        *,
        logger: logging.Logger = web_logger,
        client_max_size: int = 1024**2,
        client_max_fields: int = 1000,
    ) -> None:
        self.logger = logger
        self._router = UrlDispatcher()
        self._client_max_size = client_max_size
        self._client_max_fields = client_max_fields
        self._on_startup: Signal[Application] = Signal(self)
        self._on_shutdown: Signal[Application] = Signal(self)
        self._on_cleanup: Signal[Application] = Signal(self)
        self._is_frozen = False

    def __repr__(self) -> str:
        return f"<Application 0x{id(self):x}>"

    def __call__(self) -> "Application":
        """Itself, so that it is its own factory."""
        return self

    @property
    def router(self) -> UrlDispatcher:
        """Where routes are added and looked up."""
        return self._router

    @property
    def on_startup(self) -> "Signal[Application]":
        """Coroutine functions of the application, awaited in order before it serves."""
        return self._on_startup

    @property
    def on_shutdown(self) -> "Signal[Application]":
        """Awaited when no new connection is accepted any more, before open requests are waited for."""
        return self._on_shutdown

    @property
    def on_cleanup(self) -> "Signal[Application]":
        """Awaited last, when no request is being handled."""
        return self._on_cleanup

    @property
    def frozen(self) -> bool:
        """The application has started: it can't be changed."""
        return self._is_frozen

    def add_routes(self, routes: Iterable[RouteDefinition]) -> list[Any]:
        """Add routes to the router; return what each made."""
        return self._router.add_routes(routes)

    def freeze(self) -> None:
        """Allow no further change of routes and callbacks."""
        self._is_frozen = True
        self._router.freeze()
        for signal in (self._on_startup, self._on_shutdown, self._on_cleanup):
            signal.freeze()

    async def startup(self) -> None:
        """Freeze, and tell `on_startup`."""
        self.freeze()
        await self._on_startup.send(self)

    async def shutdown(self) -> None:
        """Tell `on_shutdown`."""
        await self._on_shutdown.send(self)

    async def cleanup(self) -> None:
        """Tell `on_cleanup`."""
        await self._on_cleanup.send(self)

    def make_server(self, *, access_log: Log | None = None, **settings: Any) -> Server:
        """A server for this application; ``settings`` are those of `ServerSettings`."""
        return Server(self._handle, request_factory=self._make_request, access_log=access_log, **settings)

    def _make_request(
        self,
        message: RequestHead,
        payload: bytes | StreamReader,
        protocol: ConnectionFacts,
        writer: Exchange,
        task: "asyncio.Task[None] | None",
        _cls: type[Request] = Request,
    ) -> Request:
        return _cls(
            message,
            payload,
            protocol,
            writer,
            task,
            client_max_size=self._client_max_size,
            client_max_fields=self._client_max_fields,
        )

    async def _handle(self, request: Request) -> StreamResponse:
        request._app = self
        match = await self._router.resolve(request)
        request._match_info = match
        if request.head.expects_continue and match.expect_handler is not None:
            answer: StreamResponse | None = await match.expect_handler(request)
            if answer is not None:
                return answer
        response: StreamResponse = await match.handler(request)
        return response
