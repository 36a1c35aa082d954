"""What the tests of the rows share."""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from pronghorn import BaseConnector, ClientSession, TCPConnector

from ..functional.scripted import OK, Request, scripted

Test = TypeVar("Test", bound=Callable[..., Any])

_PROGRAM = """\
from pronghorn import install_as_aiohttp

install_as_aiohttp()
import json
import sys

import aiohttp

names = {{"aiohttp": aiohttp}}
exec(compile({code!r}, "<aliased>", "exec"), names)
json.dump(names["found"], sys.stdout)
"""
_PYTHON = (sys.executable, "-W", "error", *(["-O"] if sys.flags.optimize else []), "-c")


def name_only(test: Test) -> Test:
    """The row is a name and no more can be said of it; such rows are counted apart (`ratchet.py`)."""
    return test


@cache
def aliased(code: str) -> dict[str, Any]:
    """What ``code`` has put into ``found``, run in a program whose ``import aiohttp`` finds this package.

    ``aiohttp`` is there already; ``found`` is a mapping of what JSON can carry. A warning is an error. What
    the code raises is in the failure.
    """
    done = subprocess.run(
        [*_PYTHON, _PROGRAM.format(code=code)], capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode != 0:
        raise AssertionError(f"expected the program to end well, got\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


class Here(TCPConnector):
    """Connects to one port of this machine, whatever the host."""

    def __init__(self, port: int, **options: Any) -> None:
        super().__init__(**options)
        self.port = port

    async def _create_connection(self, *_: Any) -> Any:
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(self._factory, "127.0.0.1", self.port))[1]


def listening_at(path: str) -> socket.socket:
    """A Unix socket at ``path``."""
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(path)
    sock.listen()
    return sock


def idleness(connector: BaseConnector) -> float:
    """Seconds that the one connection of a connector, which is idle, is kept."""
    (connection,) = connector._pool.idle
    return round(connection.idle_deadline.at - connection.idle_since, 6)


async def sent(
    method: str = "GET",
    path: str = "/",
    *,
    session: dict[str, Any] | None = None,
    answer: bytes = OK,
    **options: Any,
) -> Request:
    """The request that these options make, as a server reads it; ``session`` are options of the session."""
    async with scripted(answer) as server, ClientSession(**(session or {})) as client:
        async with client.request(method, server.url(path), **options) as response:
            await response.read()
        (request,) = server.requests
        return request
