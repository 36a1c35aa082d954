"""Runners and sites: the order in which an application comes up and goes down."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from pronghorn import web

from .peer import Peer, eventually


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello")


def application(handler: Callable[[Any], Any] = hello) -> web.Application:
    app = web.Application()
    app.router.add_get("/", handler)
    return app


async def connected(port: int) -> Peer:
    return Peer(*await asyncio.open_connection("127.0.0.1", port))


async def test_several_sites_of_one_runner() -> None:
    runner = web.AppRunner(application())
    await runner.setup()
    first, second = (web.TCPSite(runner, "127.0.0.1", 0) for _ in range(2))
    await first.start()
    await second.start()
    assert runner.sites == [first, second]
    assert runner.addresses == [("127.0.0.1", first.port), ("127.0.0.1", second.port)]
    assert first.name == f"http://127.0.0.1:{first.port}"
    for site in (first, second):
        peer = await connected(site.port)
        assert (await peer.ask()).text == "hello"
        peer.vanish()
    port = first.port
    await first.stop()
    assert runner.sites == [second]
    with pytest.raises(OSError, match="Connect"):
        await connected(port)
    await runner.cleanup()
    assert (runner.sites, runner.addresses, runner.server) == ([], [], None)


def test_default_ports_and_names() -> None:
    runner = web.AppRunner(application())
    assert web.TCPSite(runner).port == 8080
    assert web.TCPSite(runner).name == "http://0.0.0.0:8080"
    assert web.TCPSite(runner, "::1", 80).name == "http://[::1]:80"


async def test_a_socket_of_ones_own() -> None:
    runner = web.AppRunner(application())
    await runner.setup()
    sock = socket.create_server(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    site = web.SockSite(runner, sock)
    assert site.name == f"http://127.0.0.1:{port}"
    await site.start()
    peer = await connected(port)
    assert (await peer.ask()).text == "hello"
    peer.vanish()
    await runner.cleanup()


async def test_a_site_needs_a_runner_that_is_set_up() -> None:
    runner = web.AppRunner(application())
    with pytest.raises(RuntimeError, match="setup"):
        await web.TCPSite(runner, "127.0.0.1", 0).start()
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    with pytest.raises(RuntimeError, match="started"):
        await site.start()
    await runner.cleanup()
    await runner.cleanup()


async def test_a_site_that_can_not_listen_leaves_nothing() -> None:
    runner = web.AppRunner(application())
    await runner.setup()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        site = web.TCPSite(runner, "127.0.0.1", taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            await site.start()
    assert runner.sites == []
    await runner.cleanup()


def test_what_is_no_application_is_refused() -> None:
    with pytest.raises(TypeError, match="app"):
        web.AppRunner(hello)  # type: ignore[arg-type]  # that it is refused is the point


async def test_a_server_without_an_application() -> None:
    server = web.Server(hello)
    runner = web.ServerRunner(server)
    await runner.setup()
    assert runner.server is server
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    peer = await connected(site.port)
    assert (await peer.ask()).text == "hello"
    peer.vanish()
    await runner.cleanup()


# The order of shutdown


def teller(
    told: list[str], what: str, look: Callable[[], Any] = lambda: None
) -> Callable[[web.Application], Any]:
    async def tell(app: web.Application) -> None:
        told.append(what)
        look()

    return tell


async def test_graceful_shutdown_in_order() -> None:
    told: list[str] = []
    gates = {"/soon": asyncio.Event(), "/never": asyncio.Event()}

    async def handler(request: web.Request) -> web.Response:
        told.append(f"begun {request.path}")
        try:
            await gates[request.path].wait()
        except asyncio.CancelledError:
            told.append(f"cancelled {request.path}")
            raise
        told.append(f"answered {request.path}")
        return web.Response(text="in time")

    app = web.Application()
    app.router.add_get("/{x}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.3)
    app.on_startup.append(teller(told, "startup"))
    app.on_shutdown.append(teller(told, "shutdown", lambda: told.append(f"sites {len(runner.sites)}")))
    app.on_shutdown.append(teller(told, "release", gates["/soon"].set))
    app.on_cleanup.append(teller(told, "cleanup"))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    idle, soon, never = [await connected(site.port) for _ in range(3)]
    soon.request(target="/soon")
    never.request(target="/never")
    await eventually(lambda: len(told) == 3)
    assert runner.server is not None
    await eventually(lambda: len(runner.server.connections) == 3)  # type: ignore[union-attr]  # it is set up
    await runner.cleanup()
    assert sorted(told[1:3]) == ["begun /never", "begun /soon"]
    assert told[3:] == ["shutdown", "sites 0", "release", "answered /soon", "cancelled /never", "cleanup"]
    answer = await soon.answer()
    assert (answer.text, answer["connection"]) == ("in time", "close")
    assert await idle.is_closed()
    assert await never.rest() == b""
    for peer in (idle, soon, never):
        peer.vanish()


async def test_idle_connections_close_before_on_shutdown_is_over() -> None:
    app = application()
    closed = asyncio.Event()

    async def wait(app: web.Application) -> None:
        async with asyncio.timeout(5):
            await closed.wait()

    app.on_shutdown.append(wait)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    idle = await connected(site.port)
    await idle.ask()
    cleanup = asyncio.create_task(runner.cleanup())
    assert await idle.is_closed()
    closed.set()
    await cleanup
    idle.vanish()


async def test_cleanup_comes_whatever_shutdown_does() -> None:
    told: list[str] = []

    async def fail(app: web.Application) -> None:
        raise LookupError("shutdown")

    app = application()
    app.on_shutdown.append(fail)
    app.on_cleanup.append(teller(told, "cleanup"))
    runner = web.AppRunner(app)
    await runner.setup()
    with pytest.raises(LookupError):
        await runner.cleanup()
    assert told == ["cleanup"]
    assert runner.server is None


async def test_a_start_that_fails_is_cleaned_up() -> None:
    told: list[str] = []

    async def fail(app: web.Application) -> None:
        raise LookupError("startup")

    async def live(app: web.Application) -> AsyncIterator[None]:
        yield
        told.append("left")

    app = application()
    app.cleanup_ctx.append(live)
    app.on_startup.append(teller(told, "startup"))
    app.on_startup.append(fail)
    app.on_cleanup.append(teller(told, "cleanup"))  # for what has started
    runner = web.AppRunner(app)
    with pytest.raises(LookupError):
        await runner.setup()
    await runner.cleanup()
    assert told == ["startup", "left"]
