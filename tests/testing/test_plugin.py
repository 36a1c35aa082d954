"""The fixtures, from inside and in test runs of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

from pronghorn import web
from pronghorn.testing import RawTestServer, TestClient, TestServer
from pronghorn.testing.plugin import ClientFactory, RawServerFactory, ServerFactory


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
SYNCHRONOUS = "def test_one(): pass\n"
WITHOUT_PLUGIN = """
import sys
sys.modules["pytest_asyncio"] = None  # as if it was not installed
import pytest
sys.exit(pytest.main(["-q", "-p", "pronghorn.testing.plugin", "-p", "no:cacheprovider", *sys.argv[1:]]))
"""


def run(tmp_path: Path, test: str, *command: str) -> tuple[int, str]:
    path = tmp_path / "test_it.py"
    path.write_text(test)
    done = subprocess.run(
        [sys.executable, *command, f"--rootdir={tmp_path}", "-c", "/dev/null", str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=tmp_path,
        env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": ":".join(filter(None, sys.path))},
    )
    return done.returncode, done.stdout + done.stderr


def test_they_are_closed_after_the_test(tmp_path: Path) -> None:
    options = "-q -p no:cacheprovider -p pytest_asyncio.plugin -p pronghorn.testing.plugin".split()
    _, output = run(tmp_path, OPEN, "-m", "pytest", *options, "-o", "asyncio_mode=auto")
    assert "1 failed, 1 passed" in output, output
    assert "a test that fails" in output


def test_a_run_without_pytest_asyncio_is_not_disturbed(tmp_path: Path) -> None:
    """The plugin is loaded into every run where this package is installed, whatever is tested there."""
    status, output = run(tmp_path, SYNCHRONOUS, "-c", WITHOUT_PLUGIN)
    assert status == pytest.ExitCode.OK, output
