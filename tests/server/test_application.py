"""Applications: routes and signals until they start, and what a request gets of them."""

from collections.abc import Callable
from typing import Any

import pytest

from pronghorn import web
from pronghorn.testing import TestServer

from .peer import connect

GREETING = web.AppKey("GREETING", str)


async def answer(request: web.Request) -> web.Response:
    return web.Response(text=request.app[GREETING])


async def test_what_handlers_share() -> None:
    app = web.Application()
    app[GREETING] = "hello"
    app.add_routes([web.get("/", answer)])
    async with TestServer(app) as server, connect(server) as peer:
        assert (await peer.ask()).content == b"hello"


def test_a_key_that_is_not_for_applications_warns() -> None:
    app = web.Application()
    with pytest.warns(web.NotAppKeyWarning, match="AppKey"):
        app["greeting"] = "hello"
    assert app["greeting"] == "hello"


def test_it_is_its_own_factory_and_itself_alone() -> None:
    app = web.Application()
    assert app() is app
    assert app != web.Application()
    assert bool(app)
    assert len(app) == 0


async def test_signals_come_in_order() -> None:
    app = web.Application()
    told: list[str] = []

    def teller(what: str) -> Callable[[Any], Any]:
        async def tell(told_app: web.Application) -> None:
            assert told_app is app
            told.append(what)

        return tell

    for what in ("a", "b"):
        app.on_cleanup.append(teller(f"cleanup {what}"))
        app.on_shutdown.append(teller(f"shutdown {what}"))
        app.on_startup.append(teller(f"startup {what}"))
    await app.startup()
    await app.shutdown()
    await app.cleanup()
    assert told == ["startup a", "startup b", "shutdown a", "shutdown b", "cleanup a", "cleanup b"]


@pytest.mark.parametrize(
    "change",
    [
        lambda app: app.router.add_get("/new", answer),
        lambda app: app.router.add_post("/old", answer),
        lambda app: app.router["old"].add_route("PUT", answer),
        lambda app: app.add_routes([web.put("/old", answer, name="old")]),
        lambda app: app.on_startup.append(answer),
        lambda app: app.on_shutdown.append(answer),
        lambda app: app.on_cleanup.append(answer),
    ],
)
async def test_what_has_started_can_not_be_changed(change: Callable[[web.Application], Any]) -> None:
    app = web.Application()
    app.router.add_get("/old", answer, name="old")
    assert not app.frozen
    await app.startup()
    assert app.frozen
    with pytest.raises(RuntimeError):
        change(app)


async def test_client_max_size_is_that_of_the_application() -> None:
    async def read(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    app = web.Application(client_max_size=4)
    app.router.add_post("/", read)
    async with TestServer(app) as server, connect(server) as peer:
        assert (await peer.ask("POST", body=b"1234")).status == 200
        refused = await peer.ask("POST", body=b"12345")
        assert (refused.status, refused.text) == (413, "Maximum request body size 4 exceeded.")


async def test_client_max_fields_is_that_of_the_application() -> None:
    async def count(request: web.Request) -> web.Response:
        return web.Response(text=f"{request.client_max_fields} {len(await request.post())}")

    app = web.Application(client_max_fields=2)
    app.router.add_post("/", count)
    more = b"Content-Type: application/x-www-form-urlencoded\r\n"
    async with TestServer(app) as server, connect(server) as peer:
        assert (await peer.ask("POST", body=b"a=1&b=2", more=more)).text == "2 2"
        answer = await peer.ask("POST", body=b"a=1&b=2&c=3", more=more)
        assert (answer.status, answer.text) == (413, "Maximum number of form fields 2 exceeded.")
