"""Applications as their clients and their operators see them: what starts, what ends, what is below what."""

import asyncio
import warnings
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from typing import Any

import pytest

from pronghorn import web
from pronghorn.testing import TestServer
from pronghorn.typedefs import Handler

from ..server.peer import connect, serving

NAME = web.AppKey("NAME", str)
ONLY_OUTER = web.AppKey("ONLY_OUTER", str)


async def who(request: web.Request) -> web.Response:
    """Which application, on which way, and what it inherits."""
    way = ">".join(app[NAME] for app in request.match_info.apps)
    inherited = request.config_dict.get(ONLY_OUTER)
    return web.Response(text=f"{request.app[NAME]} {way} {request.config_dict[NAME]} {inherited}")


async def path(request: web.Request) -> web.Response:
    return web.Response(text=request.path)


def named(name: str, **options: Any) -> web.Application:
    app = web.Application(**options)
    app[NAME] = name
    app.router.add_get("/who", who, name="who")
    return app


class Steps(list[str]):
    """What was told, to which application, in order."""

    def follow(self, app: web.Application) -> None:
        def told(what: str) -> Callable[[web.Application], Any]:
            async def tell(given: web.Application) -> None:
                assert given is app
                self.append(f"{what} {app[NAME]}")

            return tell

        async def live(given: web.Application) -> AsyncIterator[None]:
            self.append(f"+ {given[NAME]}")
            yield
            self.append(f"- {given[NAME]}")

        app.on_startup.append(told("startup"))
        app.on_shutdown.append(told("shutdown"))
        app.on_cleanup.append(told("cleanup"))
        app.cleanup_ctx.append(live)

    async def prepare(self, request: web.Request, response: web.StreamResponse) -> None:
        self.append("prepare")


# Its life


async def test_the_order_of_everything() -> None:
    steps = Steps()
    app = named("app")
    steps.follow(app)
    app.on_response_prepare.append(steps.prepare)
    async with TestServer(app) as server, connect(server) as peer:
        assert app.frozen
        assert (await peer.ask(target="/who")).status == 200
    assert steps == ["+ app", "startup app", "prepare", "shutdown app", "- app", "cleanup app"]


async def test_callbacks_can_be_registered_by_decoration() -> None:
    app = named("app")
    told: list[str] = []

    @app.on_startup
    async def start(app: web.Application) -> None:
        told.append("startup")

    @app.on_response_prepare
    async def prepare(request: web.Request, response: web.StreamResponse) -> None:
        response.headers["X-Told"] = request.app[NAME]

    async with TestServer(app) as server, connect(server) as peer:
        assert (await peer.ask(target="/who"))["x-told"] == "app"
    assert told == ["startup"]
    assert start.__name__ == "start"


async def test_those_within_are_told_as_themselves() -> None:
    steps = Steps()
    outer, inner, domain = named("outer"), named("inner"), named("domain")
    for app in (outer, inner, domain):
        steps.follow(app)
    outer.add_subapp("/inner", inner)
    outer.add_domain("domain.test", domain)
    async with TestServer(outer):
        assert (outer.frozen, inner.frozen, domain.frozen) == (True, True, True)
    assert steps == [
        *("+ outer", "startup outer", "+ inner", "startup inner", "+ domain", "startup domain"),
        *("shutdown outer", "shutdown inner", "shutdown domain"),
        *("- outer", "cleanup outer", "- inner", "cleanup inner", "- domain", "cleanup domain"),
    ]


async def test_every_listener_on_the_way_is_told_of_a_response() -> None:
    told: list[str] = []
    outer, inner, other = named("outer"), named("inner"), named("other")
    for app in (outer, inner, other):

        async def tell(request: web.Request, response: web.StreamResponse, name: str = app[NAME]) -> None:
            told.append(f"{name} {request.app[NAME]} {response.status}")

        app.on_response_prepare.append(tell)
    outer.add_subapp("/inner", inner)
    outer.add_subapp("/other", other)
    async with TestServer(outer) as server, connect(server) as peer:
        for target in ("/inner/who", "/inner/nowhere", "/who"):
            await peer.ask(target=target)
    assert told == [
        "outer inner 200",
        "inner inner 200",
        "outer inner 404",
        "inner inner 404",
        "outer outer 200",
    ]


async def test_a_route_that_is_added_while_it_starts() -> None:
    async def add(app: web.Application) -> None:
        app.router.add_get("/late", path)

    app = web.Application()
    app.on_startup.append(add)
    async with TestServer(app) as server, connect(server) as peer:
        assert (await peer.ask(target="/late")).text == "/late"


async def test_what_its_context_holds_is_there_for_handlers() -> None:
    """A variable that is set while it starts is seen by all requests."""
    variable: ContextVar[str] = ContextVar("variable", default="unset")

    async def start(app: web.Application) -> None:
        variable.set("set")

    async def look(request: web.Request) -> web.Response:
        return web.Response(text=variable.get())

    app = web.Application()
    app.on_startup.append(start)
    app.router.add_get("/", look)
    async with TestServer(app) as server, connect(server) as peer:
        assert [(await peer.ask()).text for _ in range(2)] == ["set"] * 2


async def test_handler_args_reach_the_server() -> None:
    app = web.Application(handler_args={"keepalive_timeout": 0.05})
    app.router.add_get("/", path)
    async with TestServer(app) as server, connect(server) as peer:
        assert (await peer.ask()).status == 200
        assert await peer.is_closed()


@pytest.mark.filterwarnings("ignore:Application.make_handler:DeprecationWarning")
async def test_a_server_of_ones_own() -> None:
    """As it was done before there were runners."""
    steps = Steps()
    app = named("app")
    steps.follow(app)
    handler = app.make_handler(access_log=None)
    await app.startup()
    listener = await asyncio.get_running_loop().create_server(handler, "127.0.0.1", 0)
    address = listener.sockets[0].getsockname()

    class Place:
        host, port = address

    async with connect(Place) as peer:
        assert (await peer.ask(target="/who")).text == "app app app None"
    listener.close()
    await app.shutdown()
    await handler.shutdown(5.0)
    await app.cleanup()
    assert steps == ["+ app", "startup app", "shutdown app", "- app", "cleanup app"]


# Applications in applications


@pytest.fixture
async def tree() -> AsyncIterator[TestServer]:
    """An application, in which is one, in which is one; and others by their host."""
    outer, middle, inner = named("outer"), named("middle"), named("inner")
    outer[ONLY_OUTER] = "here"
    middle.add_subapp("/inner/", inner)
    outer.add_subapp("/middle", middle)
    outer.add_domain("*.wild.test", named("wild"))
    outer.add_domain("exact.test:8080", named("exact"))
    async with TestServer(outer) as server:
        yield server


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        ("/who", "outer outer outer here"),
        ("/middle/who", "middle outer>middle middle here"),
        ("/middle/inner/who", "inner outer>middle>inner inner here"),
    ],
)
async def test_which_application_answers(tree: TestServer, target: str, answer: str) -> None:
    async with connect(tree) as peer:
        assert (await peer.ask(target=target)).text == answer
        assert (await peer.ask("POST", target))["allow"] == "GET,HEAD"


@pytest.mark.parametrize(
    "target",
    ["/middle", "/middle/", "/middlewho", "/middle/inner", "/middle//who", "/inner/who", "/Middle/who"],
)
async def test_what_is_in_none(tree: TestServer, target: str) -> None:
    async with connect(tree) as peer:
        answer = await peer.ask(target=target)
        assert (answer.status, answer.text) == (404, "404: Not Found")


@pytest.mark.parametrize(
    ("host", "app"),
    [
        ("a.wild.test", "wild"),
        ("a.b.WILD.test", "wild"),
        ("a.wild.test:81", "wild"),
        ("exact.test:8080", "exact"),
        ("Exact.Test:8080", "exact"),
        ("exact.test", "outer"),
        ("wild.test", "outer"),
        ("a.wild.test.evil.test", "outer"),
    ],
)
async def test_which_host_has_which(tree: TestServer, host: str, app: str) -> None:
    async with connect(tree) as peer:
        peer.send(f"GET /who HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert (await peer.answer()).text.split()[0] == app


async def test_a_host_has_what_it_has_and_no_more(tree: TestServer) -> None:
    async with connect(tree) as peer:
        peer.send(b"GET /middle/who HTTP/1.1\r\nHost: a.wild.test\r\n\r\n")
        assert (await peer.answer()).status == 404


def test_paths_of_what_is_within_have_the_prefix() -> None:
    outer, middle, inner = named("outer"), named("middle"), named("inner")
    middle.add_subapp("/inner", inner)
    outer.add_subapp("/a b/", middle)
    assert str(middle.router["who"].url_for()) == "/a%20b/who"
    assert str(inner.router["who"].url_for()) == "/a%20b/inner/who"
    assert str(outer.router["who"].url_for()) == "/who"


def test_what_is_added_says_what_it_is() -> None:
    outer, inner = named("outer"), named("inner")
    below = outer.add_subapp("/inner/", inner)
    assert isinstance(below, web.PrefixedSubAppResource)
    assert below.canonical == "/inner"
    by_host = outer.add_domain("*.a.test", named("domain"))
    assert isinstance(by_host, web.MatchedSubAppResource)
    assert isinstance(by_host.get_info()["rule"], web.MaskDomain)
    exact = outer.add_domain("a.test", named("exact"))
    rule = exact.get_info()["rule"]
    assert (type(rule), rule.canonical) == (web.Domain, "a.test")


# Handlers


async def test_a_handler_is_cancelled_only_if_that_is_asked_for() -> None:
    for is_asked, ended in ((False, "answered"), (True, "cancelled")):
        steps: list[str] = []
        begun, gate, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def handler(request: web.Request) -> web.Response:
            begun.set()  # noqa: B023 - called within the iteration
            try:
                await gate.wait()  # noqa: B023 - as above
                steps.append("answered")  # noqa: B023 - as above
            except asyncio.CancelledError:
                steps.append("cancelled")  # noqa: B023 - as above
                raise
            finally:
                done.set()  # noqa: B023 - as above
            return web.Response()

        async with serving(handler, handler_cancellation=is_asked) as server:
            async with connect(server) as peer:
                peer.request()
                await begun.wait()
                peer.vanish()
            if not is_asked:
                gate.set()
            await done.wait()
        assert steps == [ended]


@pytest.mark.filterwarnings("ignore:Bare functions:DeprecationWarning")
async def test_bare_functions_still_answer() -> None:
    def answer(request: web.Request) -> web.Response:
        return web.Response(text="bare")

    async with serving(answer) as server, connect(server) as peer:
        assert (await peer.ask()).text == "bare"


def test_bare_functions_warn() -> None:
    with pytest.warns(DeprecationWarning, match="Bare functions are deprecated"):
        web.Application().router.add_get("/", lambda request: web.Response())


async def test_an_expect_handler_goes_before_what_stands_in_front() -> None:
    steps: list[str] = []

    @web.middleware
    async def stand(request: web.Request, handler: Handler) -> web.StreamResponse:
        steps.append("middleware")
        return await handler(request)

    async def expect(request: web.Request) -> web.StreamResponse | None:
        steps.append(f"expect {type(request.match_info).__name__} {request.app is app}")
        return web.Response(status=417) if "no" in request.query else None

    async def read(request: web.Request) -> web.Response:
        return web.Response(text=await request.text())

    app = web.Application(middlewares=[stand])
    app.router.add_route("POST", "/", read, expect_handler=expect)
    expecting = b"Expect: 100-continue\r\nContent-Length: 2\r\n"
    async with TestServer(app) as server, connect(server) as peer:
        peer.send(b"POST / HTTP/1.1\r\nHost: a\r\n" + expecting + b"\r\n")
        assert (await peer.answer()).status == 100
        peer.send(b"ok")
        assert (await peer.answer()).text == "ok"
        peer.send(b"POST /?no HTTP/1.1\r\nHost: a\r\n" + expecting + b"\r\n")
        assert (await peer.answer()).status == 417
    known = "expect UrlMappingMatchInfo True"
    assert steps == [known, "middleware", known]


@pytest.mark.parametrize("kind", [web.AppKey, web.RequestKey, web.ResponseKey])
async def test_each_place_has_its_keys(kind: type) -> None:
    """Of requests and responses as well: another kind of key warns, and works."""
    key: Any = kind("key", str)
    app = web.Application()
    warned: list[int] = []

    async def handler(request: web.Request) -> web.Response:
        response = web.Response()
        places: list[Any] = [web.Application(), request, response]
        for place in places:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                place[key] = "value"
            warned.append(len(caught))
            assert place[key] == "value"
            assert list(place) == [key]
            assert place.pop(key) == "value"
        return response

    app.router.add_get("/", handler)
    async with TestServer(app) as server, connect(server) as peer:
        assert (await peer.ask()).status == 200
    assert warned == [int(kind is not own) for own in (web.AppKey, web.RequestKey, web.ResponseKey)]
