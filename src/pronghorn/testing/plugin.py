"""Fixtures for pytest, run by pytest-asyncio: factories whose servers and clients are closed after the test."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest_asyncio

from .. import web
from .client import TestClient
from .server import BaseTestServer, RawTestServer, TestServer

ServerFactory = Callable[..., Awaitable[TestServer]]
RawServerFactory = Callable[..., Awaitable[RawTestServer]]
ClientFactory = Callable[..., Awaitable[TestClient]]


@pytest_asyncio.fixture
async def pronghorn_server() -> AsyncIterator[ServerFactory]:
    """``await pronghorn_server(app, **settings)``: a started TestServer."""
    async with AsyncExitStack() as stack:

        async def start(app: web.Application, **settings: Any) -> TestServer:
            return await stack.enter_async_context(TestServer(app, **settings))

        yield start


@pytest_asyncio.fixture
async def pronghorn_raw_server() -> AsyncIterator[RawServerFactory]:
    """``await pronghorn_raw_server(handler, **settings)``: a started RawTestServer."""
    async with AsyncExitStack() as stack:

        async def start(handler: Callable[[Any], Awaitable[web.StreamResponse]], **settings: Any) -> RawTestServer:
            return await stack.enter_async_context(RawTestServer(handler, **settings))

        yield start


@pytest_asyncio.fixture
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
