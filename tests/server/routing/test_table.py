"""Routes written down before there is a router."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pronghorn import web

METHODS = ("get", "head", "options", "post", "put", "patch", "delete")


async def handler(request: web.Request) -> web.Response:
    return web.Response()


def registered(*routes: web.AbstractRouteDef) -> set[tuple[str, str]]:
    router = web.UrlDispatcher()
    router.add_routes(routes)
    return {(route.method, route.resource.canonical) for route in router.routes() if route.resource}


@pytest.mark.parametrize("name", METHODS)
def test_calls(name: str) -> None:
    make: Callable[..., web.RouteDef] = getattr(web, name)
    definition = make("/a", handler, name="x")
    assert (definition.method, definition.path, definition.handler) == (name.upper(), "/a", handler)
    assert definition.kwargs["name"] == "x"
    methods = {"GET", "HEAD"} if name == "get" else {name.upper()}
    assert registered(definition) == {(method, "/a") for method in methods}


@pytest.mark.parametrize("name", METHODS)
def test_decorators(name: str) -> None:
    routes = web.RouteTableDef()
    assert getattr(routes, name)("/a", name="x")(handler) is handler
    (definition,) = routes
    assert isinstance(definition, web.RouteDef)
    assert (definition.method, definition.path, definition.handler) == (name.upper(), "/a", handler)
    assert registered(definition) == registered(getattr(web, name)("/a", handler, name="x"))


def test_any_method() -> None:
    assert registered(web.route("*", "/a", handler)) == {("*", "/a")}
    routes = web.RouteTableDef()
    routes.route("PURGE", "/a", name="x")(handler)
    assert routes[0] == web.route("PURGE", "/a", handler, name="x")


def test_head_for_get_can_be_left_out() -> None:
    assert registered(web.get("/a", handler, allow_head=False)) == {("GET", "/a")}
    routes = web.RouteTableDef()
    routes.get("/a", allow_head=False)(handler)
    assert registered(*routes) == {("GET", "/a")}


def test_a_table_is_a_sequence() -> None:
    routes = web.RouteTableDef()
    assert (len(routes), list(routes)) == (0, [])
    routes.get("/a")(handler)
    routes.post("/b")(handler)
    assert len(routes) == 2
    assert [definition.path for definition in routes[:] if isinstance(definition, web.RouteDef)] == [
        "/a",
        "/b",
    ]
    assert routes[1] in routes
    assert web.get("/c", handler) not in routes
    assert repr(routes) == "<RouteTableDef count=2>"


def test_views_and_folders(tmp_path: Path) -> None:
    class Thing(web.View):
        pass

    routes = web.RouteTableDef()
    assert routes.view("/view", name="x")(Thing) is Thing
    routes.static("/files", tmp_path, name="files")
    assert list(routes) == [web.view("/view", Thing, name="x"), web.static("/files", tmp_path, name="files")]
    assert registered(*routes) == {("*", "/view"), ("GET", "/files"), ("HEAD", "/files")}


def test_what_they_say_of_themselves(tmp_path: Path) -> None:
    assert repr(web.get("/a", handler)) == "<RouteDef GET /a -> 'handler', allow_head=True, name=None>"
    assert repr(web.static("/f", tmp_path, name="x")) == f"<StaticDef /f -> {tmp_path}, name='x'>"


def test_definitions_of_others() -> None:
    class Both(web.AbstractRouteDef):
        def register(self, router: web.UrlDispatcher) -> list[web.AbstractRoute]:
            return [router.add_get("/both", handler), router.add_post("/both", handler)]

    router = web.UrlDispatcher()
    assert [route.method for route in router.add_routes([Both()])] == ["GET", "POST"]
    with pytest.raises(TypeError, match="abstract"):
        web.AbstractRouteDef()  # type: ignore[abstract]  # that it is refused is the point
