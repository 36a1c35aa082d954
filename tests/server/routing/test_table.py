"""Routes written down before there is a router."""

from collections.abc import Callable

import pytest

from pronghorn import web

METHODS = ("get", "head", "options", "post", "put", "patch", "delete")


async def handler(request: web.Request) -> web.Response:
    return web.Response()


def registered(*routes: web.RouteDef) -> set[tuple[str, str]]:
    router = web.UrlDispatcher()
    router.add_routes(routes)
    return {(route.method, route.resource.canonical) for route in router.routes()}


@pytest.mark.parametrize("name", METHODS)
def test_calls(name: str) -> None:
    make: Callable[..., web.RouteDef] = getattr(web, name)
    definition = make("/a", handler, name="x")
    assert (definition.method, definition.path, definition.handler) == (name.upper(), "/a", handler)
    assert definition.name == "x"
    methods = {"GET", "HEAD"} if name == "get" else {name.upper()}
    assert registered(definition) == {(method, "/a") for method in methods}


@pytest.mark.parametrize("name", METHODS)
def test_decorators(name: str) -> None:
    routes = web.RouteTableDef()
    assert getattr(routes, name)("/a", name="x")(handler) is handler
    (definition,) = routes
    assert definition == getattr(web, name)("/a", handler, name="x")


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
    assert [definition.path for definition in routes[:]] == ["/a", "/b"]
    assert routes[1] in routes
    assert web.get("/c", handler) not in routes
    assert repr(routes) == "<RouteTableDef count=2>"
