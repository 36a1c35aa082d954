"""The fixtures of pytest-aiohttp, by its names, for tests that were written for it.

`pronghorn.testing.plugin` registers them where pytest-aiohttp itself is not at work.
"""

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import pytest

from .fixture import fixture

if TYPE_CHECKING:
    from .client import TestClient
    from .factories import ClientFactory, RawServerFactory, ServerFactory


@fixture
async def aiohttp_server() -> AsyncIterator["ServerFactory"]:
    """``await aiohttp_server(app, **settings)``: a started TestServer."""
    from .factories import server_factory

    async with server_factory() as start:
        yield start


@fixture
async def aiohttp_raw_server() -> AsyncIterator["RawServerFactory"]:
    """``await aiohttp_raw_server(handler, **settings)``: a started RawTestServer."""
    from .factories import raw_server_factory

    async with raw_server_factory() as start:
        yield start


@pytest.fixture
def aiohttp_client_cls() -> "type[TestClient]":
    """The class of what `aiohttp_client` makes: TestClient, unless it is overridden."""
    from .client import TestClient

    return TestClient


@fixture
async def aiohttp_client(aiohttp_client_cls: "type[TestClient]") -> AsyncIterator["ClientFactory"]:
    """``await aiohttp_client(app_or_server, server_kwargs={...}, **session_options)``: a TestClient."""
    from .factories import client_factory

    async with client_factory(aiohttp_client_cls) as start:
        yield start


@pytest.fixture
def aiohttp_unused_port() -> Callable[[], int]:
    """``aiohttp_unused_port()``: a port that nobody listens on."""
    from .ports import unused_port

    return unused_port
