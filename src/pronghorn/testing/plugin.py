"""Fixtures for pytest, run by pytest-asyncio: factories whose servers and clients are closed after the test.

pytest loads this module wherever the package is installed, pytest-asyncio or not: the package itself is
imported when a fixture is asked for.
"""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

import pytest

from .fixture import fixture

if TYPE_CHECKING:
    from .factories import ClientFactory, RawServerFactory, ServerFactory

#: Whose fixtures have the names of `pronghorn.testing.aiohttp_fixtures`.
_OTHERS: Final = frozenset({"aiohttp.pytest_plugin", "pytest_aiohttp.plugin"})


# Last, when those have been registered that conftest.py names.
@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Offer the fixtures under aiohttp's names, unless whose names they are is there."""
    from . import aiohttp_fixtures

    manager = config.pluginmanager
    names = {getattr(plugin, "__name__", "") for plugin in manager.get_plugins()}
    if not names & _OTHERS:
        manager.register(aiohttp_fixtures, aiohttp_fixtures.__name__)


@fixture
async def pronghorn_server() -> AsyncIterator["ServerFactory"]:
    """``await pronghorn_server(app, **settings)``: a started TestServer."""
    from .factories import server_factory

    async with server_factory() as start:
        yield start


@fixture
async def pronghorn_raw_server() -> AsyncIterator["RawServerFactory"]:
    """``await pronghorn_raw_server(handler, **settings)``: a started RawTestServer."""
    from .factories import raw_server_factory

    async with raw_server_factory() as start:
        yield start


@fixture
async def pronghorn_client() -> AsyncIterator["ClientFactory"]:
    """``await pronghorn_client(app_or_server, server_settings={...}, **session_options)``: a TestClient."""
    from .factories import client_factory

    async with client_factory() as start:
        yield start
