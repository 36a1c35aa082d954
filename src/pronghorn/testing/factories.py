"""What fixtures give to tests: functions that start servers and clients. All are closed when a block ends."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Protocol

from .. import web
from .client import TestClient
from .server import BaseTestServer, RawTestServer, TestServer


class ServerFactory(Protocol):
    """``await start(app, **settings)``: a started TestServer; see its arguments."""

    def __call__(
        self, app: web.Application, *, port: int | None = None, **settings: Any
    ) -> Awaitable[TestServer]: ...


class RawServerFactory(Protocol):
    """``await start(handler, **settings)``: a started RawTestServer."""

    def __call__(
        self,
        handler: Callable[[Any], Awaitable[web.StreamResponse]],
        *,
        port: int | None = None,
        **settings: Any,
    ) -> Awaitable[RawTestServer]: ...


class ClientFactory(Protocol):
    """``await start(app_or_server, **session_options)``: a TestClient whose server is started.

    ``server_settings`` are those of the TestServer that an application gets. ``server_kwargs`` is
    pytest-aiohttp's name for them, by which they are ignored beside a server.
    """

    def __call__(
        self,
        target: web.Application | BaseTestServer,
        /,
        *,
        server_settings: Mapping[str, Any] | None = None,
        server_kwargs: Mapping[str, Any] | None = None,
        **session_options: Any,
    ) -> Awaitable[TestClient]: ...


@asynccontextmanager
async def server_factory() -> AsyncIterator[ServerFactory]:
    """Servers of applications."""
    async with AsyncExitStack() as stack:

        async def start(app: web.Application, *, port: int | None = None, **settings: Any) -> TestServer:
            return await stack.enter_async_context(TestServer(app, port=port, **settings))

        yield start


@asynccontextmanager
async def raw_server_factory() -> AsyncIterator[RawServerFactory]:
    """Servers of handlers."""
    async with AsyncExitStack() as stack:

        async def start(
            handler: Callable[[Any], Awaitable[web.StreamResponse]],
            *,
            port: int | None = None,
            **settings: Any,
        ) -> RawTestServer:
            return await stack.enter_async_context(RawTestServer(handler, port=port, **settings))

        yield start


@asynccontextmanager
async def client_factory(client_class: type[TestClient] = TestClient) -> AsyncIterator[ClientFactory]:
    """Clients of class ``client_class``, each with its server."""
    async with AsyncExitStack() as stack:

        async def start(
            target: web.Application | BaseTestServer,
            /,
            *,
            server_settings: Mapping[str, Any] | None = None,
            server_kwargs: Mapping[str, Any] | None = None,
            **session_options: Any,
        ) -> TestClient:
            if isinstance(target, web.Application):
                target = TestServer(target, **{**(server_settings or {}), **(server_kwargs or {})})
            elif not isinstance(target, BaseTestServer):
                raise TypeError(f"expected an Application or a BaseTestServer, got {target!r}")
            elif server_settings:
                raise ValueError("server_settings: expected none, the server has its own")
            return await stack.enter_async_context(client_class(target, **session_options))

        yield start
