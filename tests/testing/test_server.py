import asyncio
import logging
import socket
import subprocess
import sys
from typing import Any

import pytest
from yarl import URL

from pronghorn import ClientSession, web
from pronghorn.testing import BaseTestServer, RawTestServer, TestClient, TestServer, get_port_socket

from ..tls import client_context, server_context


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
        port = running.port
        assert port
        assert await fetch(running.make_url("/a/b")) == "GET /a/b"
    assert running.runner is running.port is None
    assert not is_listening(port)


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
    with pytest.raises(RuntimeError, match="not been started"):
        server.make_url("/")


async def test_what_it_says_of_itself() -> None:
    server = TestServer(application())
    assert (server.started, server.closed) == (False, False)
    assert (server.host, server.port, server.scheme) == ("127.0.0.1", None, "")
    for name in ("server", "handler"):
        with pytest.raises(RuntimeError, match="not been started"):
            getattr(server, name)
    async with server:
        assert (server.started, server.closed) == (True, False)
        assert (server.host, server.scheme) == ("127.0.0.1", "http")
        assert isinstance(server.server, web.Server)
        assert server.handler is server.server
    assert (server.started, server.closed) == (False, True)
    assert server.port is None


async def test_it_can_be_started_again() -> None:
    server = RawTestServer(hello)
    for _ in range(2):
        async with server:
            assert (server.started, server.closed) == (True, False)
            assert await fetch(server.make_url("/")) == "GET /"
        assert server.closed


def test_a_plain_with_is_refused() -> None:
    server = TestServer(application())
    with pytest.raises(TypeError, match="TestServer: expected `async with`"), server:
        pass
    server.__exit__()
    assert not server.started


async def test_a_server_of_ones_own() -> None:
    """It makes its runner of the keywords of both: the later ones win."""
    given: dict[str, object] = {}

    class Server(BaseTestServer):
        async def _make_runner(self, **kwargs: Any) -> web.BaseRunner:
            given.update(kwargs)
            return web.ServerRunner(web.Server(hello))

    server = Server(a=1, b=1)
    await server.start_server(asyncio.get_running_loop(), b=2, c=2, shutdown_timeout=1.0, debug=True)
    assert given == {"a": 1, "b": 2, "c": 2, "shutdown_timeout": 1.0}
    assert await fetch(server.make_url("/")) == "GET /"
    await server.close()
    with pytest.raises(TypeError, match="abstract"):
        BaseTestServer()  # type: ignore[abstract]  # that it is refused is the point


# URLs


@pytest.mark.parametrize("path", ["/a%20b?c=d", "a%20b?c=d", URL("/a%20b?c=d"), URL("a%20b?c=d")], ids=repr)
async def test_make_url(path: str | URL) -> None:
    async with TestServer(application()) as server:
        url = server.make_url(path)
        assert str(url) == f"http://127.0.0.1:{server.port}/a%20b?c=d"
        assert await fetch(url) == "GET /a b"
        assert server.make_url(url) == url
        assert str(server.make_url("?q=1")) == f"http://127.0.0.1:{server.port}/?q=1"


async def test_a_path_is_a_path() -> None:
    """Two slashes do not make another host of it."""
    async with TestServer(application()) as server:
        assert server.make_url("//evil.test/x").host == "127.0.0.1"


async def test_an_encoded_url_is_sent_as_it_is_spelt() -> None:
    seen: list[str] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        seen.append(request.raw_path)
        return web.Response()

    async with RawTestServer(handler) as server:
        for spelt in ("/a/../%7Eb%2f?c=%7e", "/%2e%2e/x"):
            await fetch(server.make_url(URL(spelt, encoded=True)))
            assert seen.pop() == spelt


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "https://example.org/a", URL("//example.org/a")], ids=str
)
async def test_another_servers_url_is_refused(url: str | URL) -> None:
    async with TestServer(application()) as server:
        with pytest.raises(ValueError, match=r"expected a path or a URL of http://127\.0\.0\.1:\d+"):
            server.make_url(url)


async def test_skip_url_asserts_writes_anything_behind_the_origin() -> None:
    async with TestServer(application(), skip_url_asserts=True) as server:
        url = server.make_url("/x/http://example.org/y")
        assert str(url) == f"http://127.0.0.1:{server.port}/x/http://example.org/y"
        assert server.make_url(URL("//a/b")).path == "//a/b"


async def test_the_scheme_of_urls_can_be_said() -> None:
    async with TestServer(application(), scheme="ws") as server:
        assert server.make_url("/").scheme == server.scheme == "ws"


# Sockets


async def test_a_name_as_its_host() -> None:
    """URLs have the name, ``host`` the address."""
    async with TestServer(application(), host="localhost") as server:
        assert server.host == "127.0.0.1"
        assert server.make_url("/").host == "localhost"
        assert await fetch(server.make_url("/")) == "GET /"
    assert server.host == "localhost"


async def test_an_address_of_ipv6() -> None:
    async with TestServer(application(), host="::1") as server:
        assert str(server.make_url("/a")) == f"http://[::1]:{server.port}/a"
        assert await fetch(server.make_url("/a")) == "GET /a"


async def test_a_socket_of_ones_own() -> None:
    asked: list[tuple[str, int, int]] = []

    def make(host: str, port: int, family: socket.AddressFamily) -> socket.socket:
        asked.append((host, port, family))
        return get_port_socket("127.0.0.1", 0, family)

    async with TestServer(application(), host="some.test", port=80, socket_factory=make) as server:
        assert asked == [("some.test", 80, socket.AF_INET)]
        assert server.port not in (None, 80)
        assert is_listening(server.port or 0)


async def test_a_socket_that_can_not_listen_is_closed() -> None:
    made: list[socket.socket] = []

    def make(host: str, port: int, family: socket.AddressFamily) -> socket.socket:
        made.append(socket.socket(family, socket.SOCK_DGRAM))
        return made[0]

    server = TestServer(application(), socket_factory=make)
    with pytest.raises(ValueError, match="Stream"):
        await server.start_server()
    assert made[0].fileno() == -1
    assert not server.started


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
    for refused in (RawTestServer(hello, no_such_setting=1), TestServer(application(), no_such_setting=1)):
        with pytest.raises(TypeError, match="no_such_setting"):
            await refused.start_server()
        assert not refused.started


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


# TLS


@pytest.mark.parametrize("name", ["ssl", "ssl_context"])
@pytest.mark.parametrize("is_raw", [False, True], ids=["app", "handler"])
async def test_tls(name: str, is_raw: bool) -> None:
    server: BaseTestServer = RawTestServer(secure) if is_raw else TestServer(application())
    await server.start_server(**{name: server_context()})
    async with ClientSession() as session:
        url = server.make_url("/")
        assert url.scheme == server.scheme == "https"
        async with session.get(url, ssl=client_context()) as response:
            assert await response.text() == ("True" if is_raw else "GET /")
    await server.close()


async def secure(request: web.BaseRequest) -> web.Response:
    return web.Response(text=str(request.secure))


async def test_tls_by_the_constructor() -> None:
    async with TestServer(application(), ssl=server_context()) as server:
        assert server.scheme == "https"


async def test_tls_that_is_none() -> None:
    server = TestServer(application())
    with pytest.raises(TypeError, match="ssl: expected an SSLContext, got True"):
        await server.start_server(ssl=True)
    context = server_context()
    with pytest.raises(ValueError, match="expected one of them"):
        await server.start_server(ssl=context, ssl_context=context)
    assert not server.started


# What goes wrong in a handler is seen


async def fail(request: web.BaseRequest) -> web.Response:
    raise LookupError("no such animal")


async def test_an_error_of_a_handler_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with RawTestServer(fail) as server, TestClient(server) as client:
        response = await client.get("/x")
        assert response.status == 500
        assert "animal" not in await response.text()
    (record,) = (record for record in caplog.records if record.levelno >= logging.ERROR)
    assert record.exc_info
    assert str(record.exc_info[1]) == "no such animal"
    assert "/x" in record.getMessage()


PROGRAM = """
import asyncio
from pronghorn import ClientSession, web
from pronghorn.testing import TestClient, RawTestServer

async def fail(request):
    raise LookupError("no such animal")

async def main():
    async with TestClient(RawTestServer(fail)) as client:
        print((await client.get("/")).status)

asyncio.run(main())
"""


def test_a_program_without_logging_shows_it_too() -> None:
    optimize = ["-O"] if sys.flags.optimize else []
    done = subprocess.run(
        [sys.executable, *optimize, "-W", "error", "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
    )
    assert (done.returncode, done.stdout) == (0, "500\n"), done.stderr
    assert done.stderr.endswith("LookupError: no such animal\n")
