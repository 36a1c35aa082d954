import socket

import pytest
from yarl import URL

from pronghorn import ClientSession, web
from pronghorn.testing import RawTestServer, TestServer


async def hello(request: web.BaseRequest) -> web.Response:
    return web.Response(text=f"{request.method} {request.path}")


def application() -> web.Application:
    app = web.Application()
    app.add_routes([web.get("/{any:.*}", hello)])
    return app


async def fetch(url: URL) -> str:
    async with ClientSession() as session, session.get(url) as response:
        return await response.text()


def is_listening(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(
    "server", [lambda: TestServer(application()), lambda: RawTestServer(hello)], ids=["app", "handler"]
)
async def test_it_serves_while_it_is_entered(server: type[TestServer]) -> None:
    async with server() as running:
        assert running.port
        assert await fetch(running.make_url("/a/b")) == "GET /a/b"
    assert running.runner is None
    assert not is_listening(running.port)


async def test_starting_and_closing_by_hand() -> None:
    server = TestServer(application())
    with pytest.raises(RuntimeError, match="not been started"):
        server.make_url("/")
    await server.start_server()
    port = server.port
    await server.start_server()
    assert server.port == port
    assert await fetch(server.make_url("/")) == "GET /"
    await server.close()
    await server.close()


@pytest.mark.parametrize("path", ["/a%20b?c=d", URL("/a%20b?c=d")], ids=["str", "URL"])
async def test_make_url(path: str | URL) -> None:
    async with TestServer(application()) as server:
        url = server.make_url(path)
        assert str(url) == f"http://127.0.0.1:{server.port}/a%20b?c=d"
        assert await fetch(url) == "GET /a b"


async def test_a_path_is_a_path() -> None:
    """Two slashes do not make another host of it."""
    async with TestServer(application()) as server:
        assert server.make_url("//evil.test/x").host == "127.0.0.1"


async def test_a_chosen_address() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    async with TestServer(application(), host="127.0.0.1", port=port) as server:
        assert server.port == port
        assert is_listening(port)


async def test_a_taken_address_leaves_nothing_behind() -> None:
    """No socket, no application that was started, and a server that can be tried again."""
    calls: list[str] = []

    async def start(app: web.Application) -> None:
        calls.append("start")

    async def clean_up(app: web.Application) -> None:
        calls.append("clean up")

    app = application()
    app.on_startup.append(start)
    app.on_cleanup.append(clean_up)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = TestServer(app, port=taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            await server.start_server()
    assert calls == ["start", "clean up"]
    assert server.runner is None


async def test_a_failing_application_leaves_nothing_behind() -> None:
    async def fail(app: web.Application) -> None:
        raise LookupError("no database")

    app = application()
    app.on_startup.append(fail)
    server = TestServer(app)
    with pytest.raises(LookupError):
        await server.start_server()
    assert server.runner is None
    await server.close()


async def test_settings_reach_the_server() -> None:
    async with TestServer(application(), keepalive_timeout=3.0) as server:
        assert server.runner is not None
        assert server.runner.server is not None
        assert server.runner.server.settings.keepalive_timeout == 3.0
    with pytest.raises(TypeError, match="no_such_setting"):
        RawTestServer(hello, no_such_setting=1)


async def test_the_application_starts_and_is_cleaned_up() -> None:
    calls: list[str] = []
    app = application()

    async def record(name: str) -> None:
        calls.append(name)

    app.on_startup.append(lambda app: record("startup"))
    app.on_shutdown.append(lambda app: record("shutdown"))
    app.on_cleanup.append(lambda app: record("cleanup"))
    async with TestServer(app):
        assert calls == ["startup"]
    assert calls == ["startup", "shutdown", "cleanup"]


def test_pytest_collects_none_of_them() -> None:
    assert not TestServer.__test__
    assert not RawTestServer.__test__
