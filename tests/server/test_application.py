"""Applications: routes and signals until they start, and what a request gets of them."""

import asyncio
import gc
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from pronghorn import web
from pronghorn.server.application import _CHAINS
from pronghorn.testing import TestServer
from pronghorn.testing.memory import make_request
from pronghorn.typedefs import Handler

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
    with pytest.warns(web.NotAppKeyWarning, match="AppKey") as caught:
        app["greeting"] = "hello"
    assert app["greeting"] == "hello"
    assert caught[0].filename == __file__


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
        lambda app: app.on_response_prepare.append(answer),
        lambda app: app.cleanup_ctx.append(answer),
        lambda app: app.middlewares.append(answer),
        lambda app: app.router.add_resource("/new"),
        lambda app: app.router.register_resource(web.PlainResource("/new")),
        lambda app: app.add_subapp("/new", web.Application()),
        lambda app: app.add_domain("new.test", web.Application()),
    ],
)
async def test_what_has_started_can_not_be_changed(change: Callable[[web.Application], Any]) -> None:
    app = web.Application()
    app.router.add_get("/old", answer, name="old")
    assert not app.frozen
    assert not app.pre_frozen
    await app.startup()
    assert app.frozen
    assert app.pre_frozen
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


# Arguments and attributes


def test_what_it_is_made_of() -> None:
    app = web.Application()
    assert isinstance(app.router, web.UrlDispatcher)
    assert (app.logger.name, list(app.middlewares), list(app.cleanup_ctx)) == ("pronghorn.web", [], [])
    assert not isinstance(app, dict)
    assert not hasattr(app, "copy")
    assert repr(app) == f"<Application 0x{id(app):x}>"
    for name in ("router", "middlewares", "on_startup", "on_shutdown", "on_cleanup", "on_response_prepare"):
        with pytest.raises(AttributeError):
            setattr(app, name, None)


def test_a_router_is_an_abstract_router() -> None:
    router = web.UrlDispatcher()
    assert web.Application(router=router).router is router
    with pytest.raises(TypeError, match="router: expected an AbstractRouter, got 1"):
        web.Application(router=1)  # type: ignore[arg-type]  # that it is refused is the point


def test_a_router_is_told_whose_it_is() -> None:
    class Router(web.UrlDispatcher):
        app: object = None

        def post_init(self, app: Any) -> None:
            self.app = app

    router = Router()
    assert web.Application(router=router) is router.app


async def test_loop_and_debug() -> None:
    loop = asyncio.get_running_loop()
    app = web.Application()
    assert app.loop is loop
    assert app.debug is loop.get_debug()
    assert web.Application(debug=True).debug is True
    assert web.Application(debug=False, loop=loop).loop is loop


def test_without_a_loop() -> None:
    app = web.Application()
    assert app.debug is False
    with pytest.raises(RuntimeError, match="no running event loop"):
        _ = app.loop


def test_it_can_be_derived_from() -> None:
    class Derived(web.Application):
        def __init__(self) -> None:
            super().__init__()
            self.extra = 1

    assert Derived().extra == 1


async def test_changing_what_it_holds_after_the_start_warns() -> None:
    app = web.Application()
    app[GREETING] = "hello"
    await app.startup()
    with pytest.warns(DeprecationWarning, match="started") as caught:
        app[GREETING] = "bye"
    assert caught[0].filename == __file__
    with pytest.warns(DeprecationWarning, match="started"):
        del app[GREETING]
    assert GREETING not in app


def test_handler_args_go_before_other_settings() -> None:
    app = web.Application(handler_args={"keepalive_timeout": 3.0, "access_log": None})
    server = app.make_server(keepalive_timeout=4.0, head_timeout=5.0, access_log=logging.getLogger("x"))
    assert (server.settings.keepalive_timeout, server.settings.head_timeout) == (3.0, 5.0)
    assert server.access_log is None


def test_a_logger_in_handler_args_gets_what_writes_to_it() -> None:
    logger = logging.getLogger("finished")
    app = web.Application(handler_args={"access_log": logger, "access_log_format": "%s"})
    log = app.make_server().access_log
    assert isinstance(log, web.AccessLogger)
    assert log.logger is logger


def test_a_setting_that_is_none() -> None:
    with pytest.raises(TypeError, match="no_such"):
        web.Application(handler_args={"no_such": 1}).make_server()


def test_make_handler_is_deprecated_and_works() -> None:
    app = web.Application()
    with pytest.warns(DeprecationWarning, match="use AppRunner") as caught:
        server = app.make_handler(keepalive_timeout=3.0)
    assert caught[0].filename == __file__
    assert isinstance(server, web.Server)
    assert server.settings.keepalive_timeout == 3.0
    assert isinstance(server.access_log, web.AccessLogger)
    assert app.frozen


@pytest.mark.filterwarnings("ignore:Application.make_handler:DeprecationWarning")
def test_make_handler_takes_a_class_for_the_log() -> None:
    class Log(web.AccessLogger):
        pass

    assert isinstance(web.Application().make_handler(access_log_class=Log).access_log, Log)
    assert web.Application().make_handler(access_log=None).access_log is None
    with pytest.raises(TypeError, match="access_log_class: expected an AbstractAccessLogger"):
        web.Application().make_handler(access_log_class=int)  # type: ignore[arg-type]  # as above


# Handlers and what stands in front of them


async def test_the_way_to_a_handler_is_that_of_the_request() -> None:
    """Two ways to one route: what stands on one way is not left out, nor met on the other."""
    app, inner = web.Application(), web.Application()
    seen: list[str] = []

    def guarded(name: str) -> web.Application:
        @web.middleware
        async def stand(request: web.Request, handler: Handler) -> web.StreamResponse:
            seen.append(name)
            return await handler(request)

        return web.Application(middlewares=[stand])

    async def reply(request: web.Request) -> web.Response:
        return web.Response()

    inner.router.add_get("/x", reply)
    inner.pre_freeze()

    class By(web.AbstractRuleMatching):
        def __init__(self, name: str) -> None:
            self.name = name

        async def match(self, request: web.BaseRequest) -> bool:
            return request.headers["Host"] == self.name

        def get_info(self) -> dict[str, Any]:
            return {}

        @property
        def canonical(self) -> str:
            return self.name

    for name in ("a", "b"):
        between = guarded(name)
        between.router.register_resource(web.MatchedSubAppResource(By(name), inner))
        app.router.register_resource(web.MatchedSubAppResource(By(name), between))
        between.pre_freeze()
        app._subapps.append(between)
    app.freeze()
    for name in ("a", "b", "a"):
        await app._handle(make_request(target="/x", headers=[("Host", name)]))
    assert seen == ["a", "b", "a"]


async def test_a_handler_that_is_replaced_is_called() -> None:
    """Tools that watch applications do that."""

    @web.middleware
    async def stand(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request)

    async def one(request: web.Request) -> web.Response:
        return web.Response(text="one")

    async def two(request: web.Request) -> web.Response:
        return web.Response(text="two")

    app = web.Application(middlewares=[stand])
    route = app.router.add_get("/", one)
    app.freeze()
    texts = []
    for handler in (one, two):
        route._handler = handler
        response = await app._handle(make_request())
        assert isinstance(response, web.Response)
        texts.append(response.text)
    assert texts == ["one", "two"]


async def test_a_router_that_gives_no_match() -> None:
    class Router(web.AbstractRouter):
        async def resolve(self, request: web.Request) -> Any:
            return None

    with pytest.raises(
        TypeError, match=r"router: expected resolve\(\) to give an AbstractMatchInfo, got None"
    ):
        await web.Application(router=Router())._handle(make_request())


async def test_routes_of_one_request_each_are_not_kept() -> None:
    async def reply(request: web.Request) -> web.Response:
        return web.Response()

    class Router(web.UrlDispatcher):
        async def resolve(self, request: web.Request) -> web.UrlMappingMatchInfo:
            resource = web.PlainResource("/")
            return web.UrlMappingMatchInfo({}, resource.add_route("GET", reply))

    @web.middleware
    async def stand(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request)

    app = web.Application(router=Router(), middlewares=[stand])
    app.freeze()
    for _ in range(_CHAINS + 10):
        await app._handle(make_request())
    assert len(app._chains) == _CHAINS


@pytest.mark.parametrize("method", ["GET", "POST"], ids=["404", "405"])
async def test_what_is_not_found_leaves_nothing_behind(method: str) -> None:
    """CVE-2024-52303: each path that was not found stayed with the middlewares in front of it."""

    @web.middleware
    async def stand(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request)

    app, sub = web.Application(middlewares=[stand]), web.Application(middlewares=[stand])
    sub.router.add_put("/{name:.*}", answer)
    app.router.add_get("/there/{name}", answer)
    app.add_subapp("/sub", sub)
    app.freeze()

    async def ask(first: int, count: int) -> None:
        for number in range(first, first + count):
            path = (
                f"/sub/{number}" if number % 2 else f"/there/{number}" if method == "POST" else f"/{number}"
            )
            with suppress(web.HTTPNotFound, web.HTTPMethodNotAllowed):
                await app._handle(make_request(method, path))

    await ask(0, 200)
    gc.collect()
    before = len(gc.get_objects())
    await ask(200, 2000)
    gc.collect()
    assert len(gc.get_objects()) - before < 200
    assert not app._chains


@pytest.mark.parametrize("options", [{}, {"client_max_size": 3, "client_max_fields": 4}])
async def test_a_request_class_is_told_the_limits_of_its_application(options: dict[str, int]) -> None:
    told = []

    class Mine(web.Request):
        def __init__(self, *arguments: Any, client_max_size: int, client_max_fields: int) -> None:
            told.append((client_max_size, client_max_fields))
            super().__init__(*arguments, client_max_size=1, client_max_fields=client_max_fields)

    class App(web.Application):
        def _make_request(self, *arguments: Any) -> web.Request:  # type: ignore[override]  # as users write it
            return super()._make_request(*arguments, _cls=Mine)

    async def limit(request: web.Request) -> web.Response:
        return web.Response(text=str(request.client_max_size))

    app = App(**options)
    app.router.add_get("/", limit)
    async with TestServer(app) as server, connect(server) as peer:
        assert (await peer.ask()).content == b"1"
    assert told == [tuple(options.values()) or (1024**2, 1000)]
