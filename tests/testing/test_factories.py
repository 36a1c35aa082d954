import pytest

from pronghorn import web
from pronghorn.testing import RawTestServer, TestClient, TestServer
from pronghorn.testing.factories import client_factory, raw_server_factory, server_factory


async def hello(request: web.BaseRequest) -> web.Response:
    return web.Response(text="hello")


def application() -> web.Application:
    app = web.Application()
    app.router.add_get("/", hello)
    return app


async def test_servers() -> None:
    async with server_factory() as start:
        first, second = await start(application()), await start(application(), keepalive_timeout=3.0)
        assert type(first) is TestServer
        assert first.started
        assert second.server.settings.keepalive_timeout == 3.0
    assert first.closed
    assert second.closed


async def test_servers_of_handlers() -> None:
    async with raw_server_factory() as start:
        server = await start(hello, host="localhost")
        assert type(server) is RawTestServer
        assert server.make_url("/").host == "localhost"
    assert server.closed


async def test_clients() -> None:
    class Client(TestClient):
        pass

    async with client_factory() as start, client_factory(Client) as start_own:
        client = await start(application(), headers={"X-A": "1"})
        assert type(client) is TestClient
        assert client.session.headers["X-A"] == "1"
        assert await (await client.get("/")).text() == "hello"
        assert type(await start_own(client.server)) is Client
    assert client.session.closed
    assert client.server.closed


async def test_settings_of_the_server_of_a_client() -> None:
    async with client_factory() as start:
        for name in ("server_settings", "server_kwargs"):
            client = await start(application(), **{name: {"keepalive_timeout": 3.0}})
            assert client.server.server.settings.keepalive_timeout == 3.0
        with pytest.raises(ValueError, match="server_settings: expected none"):
            await start(client.server, server_settings={"keepalive_timeout": 3.0})
        # As pytest-aiohttp has it.
        await start(client.server, server_kwargs={"keepalive_timeout": 3.0})


async def test_clients_of_what_is_no_server() -> None:
    async with client_factory() as start:
        with pytest.raises(TypeError, match="expected an Application or a BaseTestServer, got <function"):
            await start(hello)  # type: ignore[arg-type]  # that it is refused is the point
