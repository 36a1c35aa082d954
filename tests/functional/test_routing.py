"""Which handler a request gets, as clients see it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pronghorn import web
from pronghorn.testing import TestServer

from ..server.peer import Answer, Peer, connect


async def tell(request: web.Request) -> web.Response:
    parts = " ".join(f"{name}={value}" for name, value in request.match_info.items())
    return web.Response(text=f"{request.match_info.route.resource.canonical} {parts}".strip())


@asynccontextmanager
async def routed(*patterns: str, app: web.Application | None = None) -> AsyncIterator[Peer]:
    """A connection to a server with a GET for each pattern, which tells its own and the parts."""
    app = web.Application() if app is None else app
    for pattern in patterns:
        app.router.add_get(pattern, tell)
    async with TestServer(app) as server, connect(server) as peer:
        yield peer


async def asked(app: web.Application, method: str, target: str, more: bytes = b"") -> Answer:
    async with TestServer(app) as server, connect(server) as peer:
        return await peer.ask(method, target, more=more)


# Patterns


async def test_patterns() -> None:
    async with routed("/", "/a b", "/{x}", r"/n/{n:\d+}", "/f/{stem}.{ext}", "/t/{tail:.*}") as peer:
        for target, text in {
            "/": "/",
            "/?x=y": "/",
            "/a%20b": "/a%20b",
            "/%61%20b": "/a%20b",
            "/z": "/{x} x=z",
            "/%C3%A9%20x": "/{x} x=é x",
            "/a%2Fb": "/{x} x=a/b",
            "/a%252Fb": "/{x} x=a%2Fb",
            "/100%25": "/{x} x=100%",
            "/%7Bx%7D": "/{x} x={x}",
            "/%2e%2e": "/{x} x=..",
            "/n/17": "/n/{n} n=17",
            "/f/a.tar.gz": "/f/{stem}.{ext} stem=a.tar ext=gz",
            "/t/": "/t/{tail} tail=",
            "/t/a/b": "/t/{tail} tail=a/b",
            "http://a/z": "/{x} x=z",
        }.items():
            answer = await peer.ask(target=target)
            assert (answer.status, answer.text) == (200, text), target


@pytest.mark.parametrize(
    "target", ["/n/x", "/n/", "/n/17/", "/f/a.", "/f/a/b.c", "//a", "/a%2Fb/c", "//evil/a", "/x/../z"]
)
async def test_what_fits_nothing(target: str) -> None:
    async with routed("/", "/{x}", r"/n/{n:\d+}", "/f/{stem}.{ext}") as peer:
        answer = await peer.ask(target=target)
        assert (answer.status, answer.text) == (404, "404: Not Found")


@pytest.mark.parametrize(
    ("patterns", "target", "text"),
    [
        (("/{x}/b", "/a/b"), "/a/b", "/a/b"),
        (("/{tail:.*}", "/a/{x}"), "/a/b", "/a/{x} x=b"),
        (("/a/{tail:.*}", "/a/b/{x}"), "/a/b/c", "/a/b/{x} x=c"),
        (("/{x}", "/{y}"), "/a", "/{x} x=a"),
        ((r"/{n:\d+}", "/{x}"), "/a", "/{x} x=a"),
        (("/{tail:.*}", "/{x}"), "/a", "/{tail} tail=a"),
    ],
)
async def test_precedence(patterns: tuple[str, ...], target: str, text: str) -> None:
    async with routed(*patterns) as peer:
        assert (await peer.ask(target=target)).text == text


# Methods


async def test_methods() -> None:
    app = web.Application()
    for method in ("delete", "head", "options", "patch", "post", "put"):
        getattr(app.router, f"add_{method}")(f"/{method}", tell)
    app.router.add_get("/get", tell)
    app.router.add_get("/no-head", tell, allow_head=False)
    app.router.add_route("*", "/any", tell)
    app.router.add_route("purge", "/purge", tell)
    async with TestServer(app) as server, connect(server) as peer:
        for method in ("DELETE", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "GET", "PURGE"):
            assert (await peer.ask(method, f"/{method.lower()}")).status == 200
            assert (await peer.ask(method, "/any")).status == 200
        head = await peer.ask("HEAD", "/get")
        assert (head.status, head["content-length"]) == (200, "4")
        refused = await peer.ask("HEAD", "/no-head")
        assert (refused.status, refused["allow"]) == (405, "GET")
        refused = await peer.ask("OPTIONS", "/get")
        assert (refused.status, refused["allow"]) == (405, "GET,HEAD")
        assert (await peer.ask("get", "/get")).status == 405


async def test_what_is_allowed_is_sorted_and_of_all_that_fit() -> None:
    app = web.Application()
    app.add_routes([web.put("/a", tell), web.get("/{x}", tell), web.delete("/{tail:.*}", tell)])
    answer = await asked(app, "POST", "/a")
    assert (answer.status, answer["allow"]) == (405, "DELETE,GET,HEAD,PUT")
    assert (await asked(app, "DELETE", "/a")).text == "/{tail} tail=a"


@pytest.mark.parametrize(
    "method", ["REQUEST", "_ITER", "__INIT__", "__CLASS__", "__AWAIT__", "GET_", "request", "get"]
)
async def test_a_method_leads_to_no_other_attribute_of_a_view(method: str) -> None:
    class Thing(web.View):
        async def get(self) -> web.Response:
            return web.Response()

        async def secret(self) -> web.Response:
            return web.Response(text="secret")

    app = web.Application()
    app.router.add_view("/", Thing)
    for name in (method, "SECRET"):
        answer = await asked(app, name, "/")
        assert (answer.status, answer["allow"]) == (405, "GET")


async def test_targets_that_are_no_paths() -> None:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", tell)
    assert (await asked(app, "OPTIONS", "*")).status == 404


# Tables


async def test_a_table(tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("content")
    routes = web.RouteTableDef()
    routes.get("/get", name="get")(tell)
    routes.post("/post")(tell)
    routes.route("*", "/any")(tell)
    routes.static("/files", tmp_path)

    @routes.view("/view")
    class Thing(web.View):
        async def put(self) -> web.Response:
            return web.Response(text=str(self.request.app.router["get"].url_for()))

    app = web.Application()
    app.add_routes(routes)
    async with TestServer(app) as server, connect(server) as peer:
        assert (await peer.ask("HEAD", "/get")).status == 200
        assert (await peer.ask("POST", "/post", body=b"")).text == "/post"
        assert (await peer.ask("TRACE", "/any")).text == "/any"
        assert (await peer.ask("PUT", "/view", body=b"")).text == "/get"
        assert (await peer.ask(target="/files/file.txt")).text == "content"


async def test_definitions(tmp_path: Path) -> None:
    class Thing(web.View):
        async def get(self) -> web.Response:
            return web.Response(text="thing")

    (tmp_path / "file.txt").write_text("content")
    app = web.Application()
    app.add_routes([web.get("/a", tell), web.view("/view", Thing), web.static("/files", tmp_path)])
    async with TestServer(app) as server, connect(server) as peer:
        assert (await peer.ask(target="/a")).text == "/a"
        assert (await peer.ask(target="/view")).text == "thing"
        assert (await peer.ask(target="/files/file.txt")).text == "content"


# Names


async def test_a_named_path_leads_back() -> None:
    async def link(request: web.Request) -> web.Response:
        return web.Response(text=str(request.app.router["user.page"].url_for(name=request.query["name"])))

    app = web.Application()
    app.router.add_get("/link", link)
    app.router.add_get("/é/{name}", tell, name="user.page")
    async with TestServer(app) as server, connect(server) as peer:
        for quoted, name in (("a%20b", "a b"), ("%25", "%"), ("%3F%23", "?#"), ("%7Bx%7D", "{x}")):
            path = (await peer.ask(target=f"/link?name={quoted}")).text
            assert path == f"/%C3%A9/{quoted}"
            assert (await peer.ask(target=path)).text == f"/%C3%A9/{{name}} name={name}"


# Expectations


async def test_an_expect_handler_may_answer() -> None:
    async def ask(request: web.Request) -> web.Response | None:
        return web.Response(status=403) if "X" in request.headers else None

    async def read(request: web.Request) -> web.Response:
        return web.Response(text=await request.text())

    app = web.Application()
    app.router.add_post("/", read, expect_handler=ask)
    expecting = b"Expect: 100-continue\r\nContent-Length: 2\r\n"
    async with TestServer(app) as server:
        async with connect(server) as peer:
            peer.request("POST", "/", more=expecting)
            assert (await peer.answer()).status == 100
            peer.send(b"hi")
            assert (await peer.answer()).text == "hi"
        async with connect(server) as peer:
            assert (await peer.ask("POST", "/", more=expecting + b"X: y\r\n")).status == 403
        async with connect(server) as peer:
            assert (await peer.ask("POST", "/", more=b"Expect: more\r\n", body=b"")).status == 417


# Others' routers


async def test_a_router_of_others() -> None:
    class Match(web.AbstractMatchInfo):
        @property
        def handler(self) -> Any:
            return self.answer

        async def answer(self, request: web.Request) -> web.Response:
            return web.Response(text=f"{request.path} {request.match_info is self}")

    class Router(web.AbstractRouter):
        async def resolve(self, request: web.Request) -> web.AbstractMatchInfo:
            return Match()

    app = web.Application(router=Router())
    answer = await asked(app, "GET", "/x")
    assert (answer.status, answer.text) == (200, "/x True")
    assert app.router.frozen


async def test_a_router_derived_from_ours() -> None:
    class Router(web.UrlDispatcher):
        async def resolve(self, request: web.Request) -> web.UrlMappingMatchInfo:
            return await super().resolve(request.clone(rel_url=request.path.lower()))

    app = web.Application(router=Router())
    app.router.add_get("/a", tell)
    assert (await asked(app, "GET", "/A")).text == "/a"


# Bad input


@pytest.mark.parametrize(
    "wire",
    [
        b"GET /\\evil HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /a\\..\\b HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
async def test_a_backslash_is_no_separator(wire: bytes) -> None:
    async with routed("/evil", "/b", "/a/b", "/a/{x}") as peer:
        peer.send(wire)
        assert (await peer.answer()).status == 404


@pytest.mark.parametrize(
    "target", [b"/\x00", b"/\x01", b"/a\tb", b"/\x7f", b"/\xe9", b"/<b>", b'/"', b"/a#b", b"a", b"//\x0b"]
)
async def test_what_can_not_stand_in_a_target(target: bytes) -> None:
    async with routed("/{tail:.*}") as peer:
        peer.send(b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await peer.answer()).status == 400


@pytest.mark.parametrize(
    "host", [b"a/b", b"a b", b"u@a", b"a?b", b"a#b", b"a\\b", b"a:x", b"a:99999", b"[::1", b"<b>", b"a,b"]
)
async def test_what_is_no_host(host: bytes) -> None:
    async with routed("/") as peer:
        peer.send(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
        answer = await peer.answer()
        # A comma may stand in a registered name (RFC 3986 section 3.2.2).
        assert answer.status == (200 if host == b"a,b" else 400)


@pytest.mark.parametrize("path", ["/" * 8000, "/" + "%2F" * 2000, "/" + "-" * 8000 + "/", "/" + "%" * 8000])
async def test_a_path_that_is_all_the_same(path: str) -> None:
    async with routed("/{a}-{b}-{c}.{d}/x", "/{a}/{b}", "/a/{b}") as peer:
        assert (await peer.ask(target=path)).status == 404
