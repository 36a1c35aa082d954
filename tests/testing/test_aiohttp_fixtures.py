"""The fixtures by the names of pytest-aiohttp, and who steps back for whom."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from pronghorn import web
from pronghorn.testing import RawTestServer, TestClient, TestServer
from pronghorn.testing.factories import ClientFactory, RawServerFactory, ServerFactory

from .runs import AUTO, PLUGINS, run


async def hello(request: web.BaseRequest) -> web.Response:
    return web.Response(text="hello")


def application() -> web.Application:
    app = web.Application()
    app.router.add_get("/", hello)
    return app


async def test_a_server(aiohttp_server: ServerFactory, aiohttp_unused_port: Callable[[], int]) -> None:
    server = await aiohttp_server(application(), keepalive_timeout=3.0)
    assert isinstance(server, TestServer)
    assert server.server.settings.keepalive_timeout == 3.0
    port = aiohttp_unused_port()
    assert (await aiohttp_server(application(), port=port)).port == port


async def test_a_raw_server(aiohttp_raw_server: RawServerFactory, aiohttp_client: ClientFactory) -> None:
    server = await aiohttp_raw_server(hello)
    assert isinstance(server, RawTestServer)
    client = await aiohttp_client(server)
    assert await (await client.get("/any")).text() == "hello"


async def test_a_client(aiohttp_client: ClientFactory, aiohttp_client_cls: type[TestClient]) -> None:
    client = await aiohttp_client(
        application(), server_kwargs={"keepalive_timeout": 3.0}, headers={"X-A": "1"}
    )
    assert type(client) is aiohttp_client_cls is TestClient
    assert client.server.server.settings.keepalive_timeout == 3.0
    assert client.session.headers["X-A"] == "1"
    assert await (await client.get("/")).text() == "hello"


def test_a_port(aiohttp_unused_port: Callable[[], int]) -> None:
    with socket.create_server(("127.0.0.1", aiohttp_unused_port())):
        pass


class TestOwnClients:
    class Client(TestClient):
        pass

    @pytest.fixture
    def aiohttp_client_cls(self) -> type[TestClient]:
        return self.Client

    async def test_they_are_made(self, aiohttp_client: ClientFactory) -> None:
        assert type(await aiohttp_client(application())) is self.Client


# In runs of their own

#: Stands for pytest-aiohttp, in whose place ours would be.
THEIRS = """
import pytest

@pytest.fixture
def aiohttp_client():
    return "theirs"
"""
ASKS = """
def test_one(aiohttp_client, pronghorn_client):
    print("it is", aiohttp_client)
"""
FILES = {"pytest_aiohttp/__init__.py": "", "pytest_aiohttp/plugin.py": THEIRS, "test_it.py": ASKS}


@pytest.mark.parametrize(
    "plugins",
    [(*PLUGINS, "pytest_aiohttp.plugin"), ("pytest_aiohttp.plugin", *PLUGINS)],
    ids=["after", "before"],
)
def test_pytest_aiohttp_has_its_names(tmp_path: Path, plugins: tuple[str, ...]) -> None:
    status, output = run(tmp_path, FILES, "-s", *AUTO, plugins=plugins)
    assert (status, "it is theirs" in output) == (0, True), output


def test_pytest_aiohttp_has_its_names_when_conftest_asks_for_it(tmp_path: Path) -> None:
    files = {**FILES, "conftest.py": "pytest_plugins = ['pytest_aiohttp.plugin']\n"}
    status, output = run(tmp_path, files, "-s", *AUTO)
    assert (status, "it is theirs" in output) == (0, True), output


def test_a_fixture_of_a_conftest_has_its_name(tmp_path: Path) -> None:
    status, output = run(tmp_path, {"conftest.py": THEIRS, "test_it.py": ASKS}, "-s", *AUTO)
    assert (status, "it is theirs" in output) == (0, True), output


def test_pytest_aiohttp_that_is_switched_off_leaves_them(tmp_path: Path) -> None:
    status, output = run(tmp_path, FILES, "-s", "-p", "no:pytest_aiohttp.plugin", *AUTO)
    assert (status, "it is <function" in output) == (0, True), output


def test_they_can_be_switched_off(tmp_path: Path) -> None:
    status, output = run(tmp_path, FILES, "-p", "no:pronghorn.testing.aiohttp_fixtures", *AUTO)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "fixture 'aiohttp_client' not found" in output
