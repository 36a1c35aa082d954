"""The fixtures, from inside and in test runs of their own."""

from pathlib import Path

import pytest

from pronghorn import web
from pronghorn.testing import RawTestServer, TestClient, TestServer
from pronghorn.testing.factories import ClientFactory, RawServerFactory, ServerFactory

from .runs import AUTO, STRICT, run


async def hello(request: web.BaseRequest) -> web.Response:
    return web.Response(text="hello")


def application() -> web.Application:
    app = web.Application()
    app.add_routes([web.get("/", hello)])
    return app


async def test_a_server(pronghorn_server: ServerFactory) -> None:
    server = await pronghorn_server(application(), keepalive_timeout=3.0)
    assert isinstance(server, TestServer)
    assert server.port


async def test_a_raw_server(pronghorn_raw_server: RawServerFactory, pronghorn_client: ClientFactory) -> None:
    server = await pronghorn_raw_server(hello)
    assert isinstance(server, RawTestServer)
    client = await pronghorn_client(server)
    assert await (await client.get("/any")).text() == "hello"


async def test_a_client(pronghorn_client: ClientFactory) -> None:
    client = await pronghorn_client(
        application(), headers={"X-A": "1"}, server_settings={"head_timeout": 3.0}
    )
    assert isinstance(client, TestClient)
    assert await (await client.get("/")).text() == "hello"
    assert client.server.runner is not None
    assert client.server.runner.server is not None
    assert client.server.runner.server.settings.head_timeout == 3.0


async def test_as_many_as_are_wanted(
    pronghorn_server: ServerFactory, pronghorn_client: ClientFactory
) -> None:
    servers = [await pronghorn_server(application()) for _ in range(3)]
    clients = [await pronghorn_client(server) for server in servers]
    assert len({client.server.port for client in clients}) == 3


# In runs of their own

OPEN = """
from pronghorn import web
from pronghorn.testing import TestServer

left = []

async def test_one(pronghorn_server, pronghorn_client, pronghorn_raw_server):
    app = web.Application()
    left.append(await pronghorn_server(app))
    left.append(await pronghorn_raw_server(None))
    client = await pronghorn_client(web.Application())
    left.append(client.server)
    assert all(server.runner for server in left)
    assert False, "a test that fails"

async def test_they_are_closed_after_the_test():
    assert len(left) == 3
    assert not any(server.runner for server in left)
"""
MARKED = """
import pytest
from pronghorn import web

@pytest.mark.asyncio
async def test_one(pronghorn_client, aiohttp_client):
    for start in (pronghorn_client, aiohttp_client):
        client = await start(web.Application())
        assert (await client.get("/")).status == 404
"""
FAILING = """
from pronghorn import web

async def fail(request):
    raise LookupError("no such animal")

async def test_one(pronghorn_client):
    app = web.Application()
    app.router.add_get("/", fail)
    client = await pronghorn_client(app)
    assert (await client.get("/")).status == 200
"""
SYNCHRONOUS = {"test_it.py": "def test_one(): pass\n"}
#: As if it was not installed.
WITHOUT_PLUGIN = "import sys; sys.modules['pytest_asyncio'] = None"
#: What was imported is looked at when the run is over.
WATCHED = """
import atexit, sys

def look():
    found = sorted(name for name in sys.modules if name.startswith("pronghorn") and "testing" not in name)
    print("imported", found)

atexit.register(look)
"""


FEW = ["pronghorn", "pronghorn._version", "pronghorn.names"]


def test_they_are_closed_after_the_test(tmp_path: Path) -> None:
    _, output = run(tmp_path, {"test_it.py": OPEN}, *AUTO)
    assert "1 failed, 1 passed" in output, output
    assert "a test that fails" in output


def test_they_work_in_strict_mode(tmp_path: Path) -> None:
    status, output = run(tmp_path, {"test_it.py": MARKED}, *STRICT)
    assert (status, "1 passed" in output) == (0, True), output


def test_what_went_wrong_in_a_handler_is_shown(tmp_path: Path) -> None:
    status, output = run(tmp_path, {"test_it.py": FAILING}, *AUTO)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "assert 500 == 200" in output
    assert "LookupError: no such animal" in output


def test_a_run_without_pytest_asyncio_is_not_disturbed(tmp_path: Path) -> None:
    """The plugin is loaded into every run where this package is installed, whatever is tested there."""
    plugins = ("pronghorn.testing.plugin",)
    status, output = run(tmp_path, SYNCHRONOUS, plugins=plugins, before=WITHOUT_PLUGIN)
    assert status == pytest.ExitCode.OK, output


def test_a_run_that_asks_for_none_imports_little(tmp_path: Path) -> None:
    status, output = run(tmp_path, SYNCHRONOUS, *AUTO, before=WATCHED)
    assert (status, output.splitlines()[-1]) == (0, f"imported {FEW}"), output
