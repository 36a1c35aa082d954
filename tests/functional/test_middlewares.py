"""Middlewares as clients notice them: whom they stand in front of, what they see, where they lead."""

import asyncio
from contextvars import ContextVar
from typing import Any

import pytest

from pronghorn import web
from pronghorn.testing import TestServer
from pronghorn.typedefs import Handler

from ..server.peer import PATIENCE, Peer, connect

NAME = web.AppKey("NAME", str)
variable: ContextVar[str] = ContextVar("variable", default="unset")


async def answer(request: web.Request) -> web.Response:
    return web.Response(text="answer")


class Steps(list[str]):
    """What middlewares saw, in order."""

    def middleware(self, name: str) -> Any:
        @web.middleware
        async def stand(request: web.Request, handler: Any) -> web.StreamResponse:
            refusal = request.match_info.http_exception
            self.append(f"{name}> {request.app[NAME]} {refusal.status if refusal else handler.__name__}")
            try:
                response: web.StreamResponse = await handler(request)
            except web.HTTPException as error:
                self.append(f"<{name} {error.status}")
                raise
            self.append(f"<{name} {request.app[NAME]}")
            return response

        return stand

    def app(self, name: str, *middlewares: str) -> web.Application:
        app = web.Application(middlewares=[self.middleware(middleware) for middleware in middlewares])
        app[NAME] = name
        app.router.add_get("/here", answer)
        return app


@pytest.fixture
def steps() -> Steps:
    return Steps()


# Whom they stand in front of


async def test_the_first_is_outermost(steps: Steps) -> None:
    async with TestServer(steps.app("app", "a", "b")) as server, connect(server) as peer:
        assert (await peer.ask(target="/here")).text == "answer"
    assert steps == ["a> app answer", "b> app answer", "<b app", "<a app"]


@pytest.mark.parametrize(("method", "target", "status"), [("GET", "/nowhere", 404), ("POST", "/here", 405)])
async def test_they_see_what_is_not_found(steps: Steps, method: str, target: str, status: int) -> None:
    async with TestServer(steps.app("app", "a", "b")) as server, connect(server) as peer:
        assert (await peer.ask(method, target)).status == status
    assert steps == [f"a> app {status}", f"b> app {status}", f"<b {status}", f"<a {status}"]


async def test_those_of_an_application_stand_before_those_within(steps: Steps) -> None:
    outer, middle, inner = steps.app("outer", "a", "b"), steps.app("middle"), steps.app("inner", "c")
    middle.add_subapp("/inner", inner)
    outer.add_subapp("/middle", middle)
    async with TestServer(outer) as server, connect(server) as peer:
        assert (await peer.ask(target="/middle/inner/here")).text == "answer"
        assert steps == [
            *("a> outer answer", "b> outer answer", "c> inner answer"),
            *("<c inner", "<b outer", "<a outer"),
        ]
        steps.clear()
        assert (await peer.ask(target="/middle/inner/nowhere")).status == 404
        assert steps == ["a> outer 404", "b> outer 404", "c> inner 404", "<c 404", "<b 404", "<a 404"]
        steps.clear()
        assert (await peer.ask(target="/middle/here")).text == "answer"
        assert (await peer.ask(target="/here")).text == "answer"
        assert steps == ["a> outer answer", "b> outer answer", "<b outer", "<a outer"] * 2


async def test_those_within_alone(steps: Steps) -> None:
    outer, inner = steps.app("outer"), steps.app("inner", "a")
    outer.add_subapp("/inner", inner)
    async with TestServer(outer) as server, connect(server) as peer:
        await peer.ask(target="/here")
        assert steps == []
        await peer.ask(target="/inner/here")
    assert steps == ["a> inner answer", "<a inner"]


async def test_the_application_is_the_middlewares_on_its_way(steps: Steps) -> None:
    """Also of what the request inherits, and after the handler has failed."""
    seen: list[object] = []

    def look(name: str) -> Any:
        @web.middleware
        async def stand(request: web.Request, handler: Handler) -> web.StreamResponse:
            def note() -> None:
                match = request.match_info
                seen.append((name, request.app[NAME], match.current_app[NAME], request.config_dict[NAME]))

            note()
            try:
                return await handler(request)
            finally:
                note()

        return stand

    async def fail(request: web.Request) -> web.Response:
        raise web.HTTPForbidden

    outer, inner = steps.app("outer"), steps.app("inner")
    outer.middlewares.append(look("a"))
    inner.middlewares.append(look("b"))
    inner.router.add_get("/fail", fail)
    outer.add_subapp("/inner", inner)
    async with TestServer(outer) as server, connect(server) as peer:
        for target in ("/inner/here", "/inner/fail"):
            await peer.ask(target=target)
    a, b = ("a", *["outer"] * 3), ("b", *["inner"] * 3)
    assert seen == [a, b, b, a] * 2


# What they can do


async def test_one_may_answer_itself() -> None:
    @web.middleware
    async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
        if "token" not in request.query:
            raise web.HTTPUnauthorized
        return await handler(request)

    app = web.Application(middlewares=[refuse])
    app.router.add_get("/", answer)
    async with TestServer(app) as server, connect(server) as peer:
        assert (await peer.ask()).status == 401
        assert (await peer.ask(target="/?token")).status == 200
        # That there is nothing is not told to those who may not know.
        assert (await peer.ask(target="/nowhere")).status == 401


async def test_one_may_change_and_replace_what_is_answered() -> None:
    @web.middleware
    async def mend(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await handler(request)
        except web.HTTPNotFound:
            return web.Response(status=404, text="mended")
        response.headers["X-Mended"] = "1"
        return response

    app = web.Application(middlewares=[mend])
    app.router.add_get("/", answer)
    async with TestServer(app) as server, connect(server) as peer:
        assert (await peer.ask())["x-mended"] == "1"
        assert (await peer.ask(target="/nowhere")).text == "mended"


async def test_one_may_ask_the_handler_again() -> None:
    @web.middleware
    async def retry(request: web.Request, handler: Handler) -> web.StreamResponse:
        for _ in range(2):
            try:
                return await handler(request)
            except LookupError:
                continue
        return await handler(request)

    calls: list[str] = []

    async def flaky(request: web.Request) -> web.Response:
        calls.append(await request.text())
        if len(calls) < 3:
            raise LookupError
        return web.Response(text="at last")

    app = web.Application(middlewares=[retry])
    app.router.add_post("/", flaky)
    async with TestServer(app) as server, connect(server) as peer:
        assert (await peer.ask("POST", body=b"body")).text == "at last"
    assert calls == ["body"] * 3


async def test_one_may_pass_on_another_request() -> None:
    @web.middleware
    async def trust(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request.clone(remote="192.0.2.1", scheme="https"))

    async def tell(request: web.Request) -> web.Response:
        return web.Response(
            text=f"{request.remote} {request.scheme} {request.app[NAME]} {request.match_info['x']}"
        )

    outer, inner = web.Application(middlewares=[trust]), web.Application()
    outer[NAME], inner[NAME] = "outer", "inner"
    inner.router.add_get("/{x}", tell)
    outer.add_subapp("/inner", inner)
    async with TestServer(outer) as server, connect(server) as peer:
        assert (await peer.ask(target="/inner/part")).text == "192.0.2.1 https inner part"


async def test_marks_of_handlers_are_seen_by_all() -> None:
    def public(handler: Any) -> Any:
        handler.is_public = True
        return handler

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not getattr(handler, "is_public", False):
            raise web.HTTPForbidden
        return await handler(request)

    class Pages(web.View):
        is_public = True

        async def get(self) -> web.Response:
            return await answer(self.request)

    outer, inner = web.Application(middlewares=[guard, guard]), web.Application(middlewares=[guard])
    for app in (outer, inner):

        @public
        async def open_to_all(request: web.Request) -> web.Response:
            return await answer(request)

        app.router.add_get("/open", open_to_all)
        app.router.add_get("/closed", answer)
        app.router.add_view("/view", Pages)
    outer.add_subapp("/inner", inner)
    async with TestServer(outer) as server, connect(server) as peer:
        for prefix in ("", "/inner"):
            statuses = [
                (await peer.ask(target=prefix + path)).status for path in ("/open", "/view", "/closed")
            ]
            assert statuses == [200, 200, 403]


async def test_the_old_style_works() -> None:
    async def factory(app: web.Application, handler: Handler) -> Any:
        async def stand(request: web.Request) -> web.StreamResponse:
            response = await handler(request)
            response.headers["X-Old"] = app[NAME]
            return response

        return stand

    @web.middleware
    async def new(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        response.headers["X-New"] = response.headers["X-Old"]
        return response

    old: Any = factory
    outer, inner = web.Application(middlewares=[new, old]), web.Application(middlewares=[old])
    outer[NAME], inner[NAME] = "outer", "inner"
    for app in (outer, inner):
        app.router.add_get("/", answer)
    with pytest.warns(DeprecationWarning, match="old-style middleware"):
        outer.add_subapp("/inner", inner)
    with pytest.warns(DeprecationWarning, match="old-style middleware"):
        outer.freeze()
    async with TestServer(outer) as server, connect(server) as peer:
        assert (await peer.ask())["x-new"] == "outer"
        assert (await peer.ask(target="/inner/"))["x-new"] == "outer"


# Context variables


@web.middleware
async def setting(request: web.Request, handler: Handler) -> web.StreamResponse:
    before = variable.get()
    variable.set(request.path)
    response = await handler(request)
    response.headers["X-Before"] = before
    return response


async def reading(request: web.Request) -> web.Response:
    if "wait" in request.query:
        await asyncio.sleep(0)
    if "read" in request.query:
        await asyncio.sleep(0.02)  # until more has come than is kept, and the connection waits to be read
        await request.read()
    return web.Response(text=variable.get())


@pytest.fixture
def contexts() -> web.Application:
    app = web.Application(middlewares=[setting], client_max_size=0)
    app.router.add_route("*", "/{name}", reading)
    return app


async def expect_own(peer: Peer, name: str) -> None:
    answer = await peer.answer()
    assert (answer["x-before"], answer.text) == ("unset", f"/{name}")


@pytest.mark.parametrize("query", ["", "?wait"], ids=["at once", "waiting"])
async def test_what_a_middleware_sets_is_the_requests_alone(contexts: web.Application, query: str) -> None:
    async with TestServer(contexts) as server, connect(server) as peer:
        for number in range(4):
            peer.request(target=f"/{number}{query}")
            await expect_own(peer, str(number))
    assert variable.get() == "unset"


async def test_nor_does_the_next_in_a_pipeline_see_it(contexts: web.Application) -> None:
    targets = [f"/{number}{'?wait' * (number % 3 == 0)}" for number in range(20)]
    async with TestServer(contexts) as server, connect(server) as peer:
        peer.send(b"".join(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode() for target in targets))
        for number in range(20):
            await expect_own(peer, str(number))


async def test_nor_the_next_after_a_body_that_was_waited_for(contexts: web.Application) -> None:
    """A handler that makes the connection read on leaves its context with asyncio."""
    async with TestServer(contexts) as server, connect(server) as peer:
        for number in range(3):
            peer.request("POST", f"/{number}?read", body=bytes(3_000_000))
            await expect_own(peer, str(number))


async def test_nor_those_of_other_connections(contexts: web.Application) -> None:
    async with TestServer(contexts) as server, connect(server) as one, connect(server) as other:
        for number in range(3):
            for peer in (one, other):
                peer.request(target=f"/{number}?wait")
            for peer in (one, other):
                await expect_own(peer, str(number))


# Where paths are led


def normalizing(*paths: str, **options: Any) -> web.Application:
    app = web.Application(middlewares=[web.normalize_path_middleware(**options)])
    for path in paths:
        app.router.add_get(path, answer)
    return app


async def test_a_path_is_led_to_where_something_is() -> None:
    app = normalizing("/one", "/two/")
    async with TestServer(app) as server, connect(server) as peer:
        moved = await peer.ask(target="//two?a=%2F&b=//")
        assert (moved.status, moved["location"]) == (308, "/two/?a=%2F&b=//")
        assert (await peer.ask(target="/one")).status == 200
        assert (await peer.ask(target="/one/")).status == 404
        assert (await peer.ask("POST", "/two")).status == 404


async def test_within_an_application_too() -> None:
    outer, inner = web.Application(), normalizing("/two/")
    outer.add_subapp("/inner", inner)
    async with TestServer(outer) as server, connect(server) as peer:
        assert (await peer.ask(target="/inner/two"))["location"] == "/inner/two/"
    outer, inner = normalizing(), web.Application()
    inner.router.add_get("/two/", answer)
    outer.add_subapp("/inner", inner)
    async with TestServer(outer) as server, connect(server) as peer:
        assert (await peer.ask(target="/inner//two"))["location"] == "/inner/two/"


SPELLINGS = [
    *(
        "//evil",
        "///evil",
        "////evil//",
        "//evil/",
        "//evil:80",
        "//@evil",
        "//user:pw@evil",
        "///evil/..",
        "//evil/%2e%2e",
    ),
    *(
        "/\\evil",
        "/\\/evil",
        "/\\\\evil",
        "\\\\evil",
        "\\/evil",
        "//\\evil",
        "/\\evil/",
        "/%5cevil",
        "/%5C%5Cevil",
        "//%5cevil",
    ),
    *(
        "/%2fevil",
        "/%2F%2Fevil",
        "//%2fevil/",
        "/%2f/evil",
        "/.//evil",
        "/..//evil",
        "/.%2f/evil",
        "/;//evil",
        "/%09//evil",
    ),
    *(
        "http://evil/x",
        "http://evil//x",
        "http://evil//evil2/x",
        "https://evil",
        "http://a//evil",
        "http://a//evil/",
        "http:\\\\evil",
    ),
    *(
        "//evil?//evil",
        "//?//evil",
        "/?//evil",
        "//%00",
        "//%0d%0aLocation:%20x",
        "//%ff",
        "/x%3f//evil",
        "/x%23//evil",
        "//a%252fb",
    ),
    *("//[::1]", "//evil%2f..", "/evil//..//..", "//javascript:alert(1)", "//.", "//..", "/*//", "//*"),
]
OPTIONS: dict[str, dict[str, bool]] = {
    "append": {},
    "append alone": {"merge_slashes": False},
    "remove": {"append_slash": False, "remove_slash": True},
    "remove alone": {"append_slash": False, "remove_slash": True, "merge_slashes": False},
    "merge": {"append_slash": False},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize(
    "paths",
    [("/{tail:.*}/",), ("/{tail:.*[^/]}",), ("/{one}", "/{one}/{two}", "/x/")],
    ids=["slash", "none", "parts"],
)
async def test_no_path_is_led_to_another_host(options: Any, paths: tuple[str, ...]) -> None:
    """Whatever it is that is asked for: "//host" and, to browsers, "/\\host" would be one."""
    led = 0
    async with TestServer(normalizing(*paths, **options)) as server:
        for target in SPELLINGS:
            async with connect(server) as peer:
                peer.send(f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
                async with asyncio.timeout(PATIENCE):
                    answer = await peer.answer()
            assert answer.status in (200, 308, 400, 404), target
            if answer.status == 308:
                led += 1
                location = answer["location"]
                assert location[0] == "/", (target, location)
                assert location[1:2] not in ("/", "\\"), (target, location)
                assert all(0x20 < ord(character) < 0x7F for character in location), (target, location)
    if len(paths) == 1 and options == {}:
        assert bool(led) is (paths[0][-1] == "/")
