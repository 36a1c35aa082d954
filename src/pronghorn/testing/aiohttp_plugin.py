"""What `aiohttp.pytest_plugin` is here: a plugin that a conftest.py asks for by that name.

It has the older names of the fixtures, which warn, ``loop``, and the options of the command line. It is
pytest-asyncio that runs tests: none of the hooks that do this are here.
"""

import asyncio
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import pytest

from .aiohttp_fixtures import (
    aiohttp_client,
    aiohttp_client_cls,
    aiohttp_raw_server,
    aiohttp_server,
    aiohttp_unused_port,
)
from .fixture import fixture

if TYPE_CHECKING:
    from .factories import ClientFactory, RawServerFactory, ServerFactory

__all__ = [
    "aiohttp_client",
    "aiohttp_client_cls",
    "aiohttp_raw_server",
    "aiohttp_server",
    "aiohttp_unused_port",
]

_LOOPS: Final = {"pyloop": "asyncio", "uvloop": "uvloop"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take aiohttp's options."""
    group = parser.getgroup("aiohttp")
    group.addoption("--aiohttp-fast", action="store_true", help="accepted: there are no extra checks")
    group.addoption(
        "--aiohttp-loop",
        default="pyloop",
        help="the loops that asynchronous tests run on, with commas between: pyloop, uvloop or all",
    )
    group.addoption("--aiohttp-enable-loop-debug", action="store_true", help="run these loops in debug mode")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Pass the option for debug mode on to pytest-asyncio, which sets it when it has made a loop."""
    if config.getoption("aiohttp_enable_loop_debug", default=False):
        config.option.asyncio_debug = True


@pytest.hookimpl(optionalhook=True)
def pytest_asyncio_loop_factories(
    config: pytest.Config,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Each test runs on each loop of ``--aiohttp-loop``."""
    from importlib import import_module

    wanted: str = config.getoption("aiohttp_loop", default="pyloop")
    names = list(_LOOPS) if wanted == "all" else [name.strip() for name in wanted.split(",")]
    if unknown := [name for name in names if name not in _LOOPS]:
        raise pytest.UsageError(f"--aiohttp-loop: expected pyloop, uvloop or all, got {unknown[0]!r}")
    return {name: import_module(_LOOPS[name]).new_event_loop for name in names}


@fixture
async def loop() -> asyncio.AbstractEventLoop:
    """The loop that the test runs on; one that is no coroutine runs it by ``loop.run_until_complete``."""
    return asyncio.get_running_loop()


@pytest.fixture
def loop_debug(request: pytest.FixtureRequest) -> Any:
    """Whether ``--aiohttp-enable-loop-debug`` was given."""
    return request.config.getoption("aiohttp_enable_loop_debug", default=False)


@pytest.fixture
def fast(request: pytest.FixtureRequest) -> Any:
    """Whether ``--aiohttp-fast`` was given."""
    return request.config.getoption("aiohttp_fast", default=False)


# The older names


@pytest.fixture
def test_server(aiohttp_server: "ServerFactory") -> "ServerFactory":
    """`aiohttp_server`. Deprecated."""
    _warn("test_server", "aiohttp_server")
    return aiohttp_server


@pytest.fixture
def raw_test_server(aiohttp_raw_server: "RawServerFactory") -> "RawServerFactory":
    """`aiohttp_raw_server`. Deprecated."""
    _warn("raw_test_server", "aiohttp_raw_server")
    return aiohttp_raw_server


@pytest.fixture
def test_client(aiohttp_client: "ClientFactory") -> "ClientFactory":
    """`aiohttp_client`. Deprecated."""
    _warn("test_client", "aiohttp_client")
    return aiohttp_client


@pytest.fixture
def unused_port(aiohttp_unused_port: Callable[[], int]) -> Callable[[], int]:
    """`aiohttp_unused_port`. Deprecated."""
    _warn("unused_port", "aiohttp_unused_port")
    return aiohttp_unused_port


def _warn(name: str, successor: str) -> None:
    warnings.warn(f"the fixture {name}: use {successor}", DeprecationWarning, stacklevel=2)
