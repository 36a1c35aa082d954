"""Routes: what answers a method on a resource."""

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from typing import Any

import pytest

from pronghorn import web
from pronghorn.server.routing.resource import make_resource
from pronghorn.server.routing.route import ResourceRoute, SystemRoute
from pronghorn.testing.memory import make_request


async def handler(request: web.Request) -> web.Response:
    return web.Response(text="handled")


async def refuse(request: web.Request) -> web.StreamResponse | None:
    return web.Response(status=417)


class Called:
    async def __call__(self, request: web.Request) -> web.Response:
        return web.Response(text="handled")

    async def method(self, request: web.Request) -> web.Response:
        return web.Response(text="handled")


class Viewed(web.View):
    async def get(self) -> web.Response:
        return web.Response(text="handled")


def generator(request: web.Request) -> Iterator[None]:
    yield


async def async_generator(request: web.Request) -> AsyncIterator[None]:
    yield


def bare(request: web.Request) -> Any:
    return web.Response(text="handled")


def passing_on(request: web.Request) -> Awaitable[web.Response]:
    return handler(request)


def route_to(what: Any, **options: Any) -> ResourceRoute:
    return ResourceRoute("GET", what, make_resource("/a", name="x"), **options)


@pytest.mark.parametrize("what", [handler, Called(), Called().method, functools.partial(handler), Viewed])
async def test_handlers(what: Any) -> None:
    route = route_to(what)
    assert route.handler is what
    response = await route.handler(make_request())
    assert isinstance(response, web.Response)
    assert response.text == "handled"


@pytest.mark.parametrize("what", [bare, passing_on, functools.partial(bare)])
async def test_bare_functions_warn_and_work(what: Callable[..., Any]) -> None:
    with pytest.warns(DeprecationWarning, match="Bare functions") as caught:
        route = route_to(what)
    assert [warning.filename for warning in caught] == [__file__]
    response = await route.handler(make_request())
    assert isinstance(response, web.Response)
    assert response.text == "handled"


@pytest.mark.parametrize(
    "add",
    [
        lambda app: app.router.add_post("/a", bare),
        lambda app: app.router.add_get("/a", bare, allow_head=False),
        lambda app: app.router.add_resource("/a").add_route("POST", bare),
        lambda app: app.add_routes([web.post("/a", bare)]),
    ],
)
def test_the_warning_is_of_the_line_that_adds(add: Callable[[web.Application], Any]) -> None:
    with pytest.warns(DeprecationWarning, match="Bare functions") as caught:
        add(web.Application())
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize(
    "what", [None, "handler", 1, generator, async_generator, object, web.Response, Called]
)
def test_what_is_no_handler(what: Any) -> None:
    with pytest.raises(TypeError, match="handler"):
        route_to(what)


@pytest.mark.parametrize("what", ["handler", 1, bare, Called])
def test_what_is_no_expect_handler(what: Any) -> None:
    with pytest.raises(TypeError, match="expect_handler"):
        route_to(handler, expect_handler=what)


@pytest.mark.parametrize("method", ["", "G T", "GET\n", "é", "a/b", "a:b", '"'])
def test_a_method_is_a_token(method: str) -> None:
    with pytest.raises(ValueError, match="method"):
        ResourceRoute(method, handler, make_resource("/"))


def test_a_route_on_a_resource() -> None:
    resource = make_resource("/{a}", name="x")
    route = ResourceRoute("m-search", handler, resource)
    assert isinstance(route, web.AbstractRoute)
    assert (route.method, route.name, route.resource) == ("M-SEARCH", "x", resource)
    assert route._resource is resource
    assert route.get_info() == resource.get_info()
    assert str(route.url_for(a="b c")) == "/b%20c"
    assert repr(route).startswith("<ResourceRoute [M-SEARCH] <DynamicResource 'x' /{a}> -> <function handler")


async def test_expectations() -> None:
    request = make_request()
    plain, asking = route_to(handler), route_to(handler, expect_handler=refuse)
    assert plain.expect_handler is None
    assert await plain.handle_expect_header(request) is None
    assert asking.expect_handler is refuse
    answer = await asking.handle_expect_header(request)
    assert isinstance(answer, web.Response)
    assert answer.status == 417


async def test_a_route_to_what_was_not_found() -> None:
    error = web.HTTPNotFound()
    route = SystemRoute(error)
    assert (route.method, route.name, route.resource, route.expect_handler) == ("*", None, None, None)
    assert (route.status, route.reason) == (404, "Not Found")
    assert route.get_info() == {"http_exception": error}
    assert repr(route) == "<SystemRoute 404: Not Found>"
    assert await route.handle_expect_header(make_request()) is None
    with pytest.raises(RuntimeError, match="url_for"):
        route.url_for()
    with pytest.raises(web.HTTPNotFound) as caught:
        await route.handler(make_request())
    assert caught.value is error


def test_a_view_is_no_coroutine_function() -> None:
    assert not inspect.iscoroutinefunction(Viewed)

    class Awaited(web.View):
        def __await__(self) -> Generator[Any, None, web.StreamResponse]:
            return handler(self.request).__await__()

    assert route_to(Awaited).handler is Awaited
