"""Fixtures for pytest, run by pytest-asyncio: factories whose servers and clients are closed after the test.

pytest loads this module wherever the package is installed, pytest-asyncio or not.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from .. import web
from .client import TestClient
from .server import BaseTestServer, RawTestServer, TestServer

try:
    from pytest_asyncio import fixture
except ImportError:
    # Whoever asks for one of these is then told by pytest what is missing.
    from pytest import fixture  # type: ignore[no-redef]  # noqa: PT013 - the same name, from either

ServerFactory = Callable[..., Awaitable[TestServer]]
RawServerFactory = Callable[..., Awaitable[RawTestServer]]
ClientFactory = Callable[..., Awaitable[TestClient]]


@fixture
async def pronghorn_server() -> AsyncIterator[ServerFactory]:
    """``await pronghorn_server(app, **settings)``: a started TestServer."""
    async with AsyncExitStack() as stack:

        async def start(app: web.Application, **settings: Any) -> TestServer:
            return await stack.enter_async_context(TestServer(app, **settings))

        yield start


@fixture
async def pronghorn_raw_server() -> AsyncIterator[RawServerFactory]:
    """``await pronghorn_raw_server(handler, **settings)``: a started RawTestServer."""
    async with AsyncExitStack() as stack:

        async def start(
            handler: Callable[[Any], Awaitable[web.StreamResponse]], **settings: Any
        ) -> RawTestServer:
            return await stack.enter_async_context(RawTestServer(handler, **settings))

        yield start


@fixture
async def pronghorn_client() -> AsyncIterator[ClientFactory]:
    """``await pronghorn_client(app_or_server, server_settings={...}, **session_options)``: a TestClient."""
    async with AsyncExitStack() as stack:

        async def start(
            target: web.Application | BaseTestServer,
            *,
            server_settings: dict[str, Any] | None = None,
            **session_options: Any,
        ) -> TestClient:
            if isinstance(target, web.Application):
                target = TestServer(target, **(server_settings or {}))
            return await stack.enter_async_context(TestClient(target, **session_options))

        yield start
