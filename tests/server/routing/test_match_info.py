"""What is found for a request."""

from typing import Any

import pytest

from pronghorn import web
from pronghorn.server.routing.match_info import MatchInfoError
from pronghorn.server.routing.resource import make_resource
from pronghorn.server.routing.route import ResourceRoute, SystemRoute
from pronghorn.testing.memory import make_request


async def handler(request: web.Request) -> web.Response:
    return web.Response(text="handled")


async def refuse(request: web.Request) -> web.StreamResponse | None:
    return web.Response(status=417)


def route_to(what: Any, **options: Any) -> ResourceRoute:
    return ResourceRoute("GET", what, make_resource("/a", name="x"), **options)


def test_a_match_is_a_mapping_that_knows_its_way() -> None:
    route = route_to(handler)
    match = web.UrlMappingMatchInfo({"a": "x"}, route)
    assert isinstance(match, web.AbstractMatchInfo)
    assert dict(match) == {"a": "x"}
    assert (match.route, match.handler, match.http_exception) == (route, handler, None)
    assert match.get_info() == {"path": "/a"}
    assert (match.apps, match.current_app) == ((), None)
    inner, outer = object(), object()
    match.add_app(inner)
    match.add_app(outer)
    assert (match.apps, match.current_app) == ((outer, inner), inner)
    match.current_app = outer
    assert match.current_app is outer
    match.freeze()
    with pytest.raises(RuntimeError, match="application"):
        match.add_app(object())
    assert repr(match).startswith("<MatchInfo {'a': 'x'}: <ResourceRoute [GET] <PlainResource 'x' /a>")


def test_a_handler_that_is_replaced_is_found() -> None:
    route = route_to(handler)
    match = web.UrlMappingMatchInfo({}, route)
    route._handler = refuse  # type: ignore[assignment]  # as packages that trace do
    assert match.handler is refuse


async def test_a_match_asks_what_its_route_does_first() -> None:
    request = make_request()
    assert await web.UrlMappingMatchInfo({}, route_to(handler)).expect_handler(request) is None
    asking = web.UrlMappingMatchInfo({}, route_to(handler, expect_handler=refuse))
    answer = await asking.expect_handler(request)
    assert isinstance(answer, web.Response)
    assert answer.status == 417


async def test_a_match_with_nothing() -> None:
    error = web.HTTPMethodNotAllowed("PUT", {"GET"})
    match = MatchInfoError(error)
    assert (dict(match), match.http_exception) == ({}, error)
    assert match.get_info() == {"http_exception": error}
    assert repr(match) == "<MatchInfoError 405: Method Not Allowed>"
    with pytest.raises(web.HTTPMethodNotAllowed) as caught:
        await match.handler(make_request())
    assert caught.value is error


async def test_a_handler_of_nothing_that_is_replaced_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def handle(route: SystemRoute, request: web.Request) -> web.Response:
        return web.Response(status=418)

    monkeypatch.setattr(SystemRoute, "_handle", handle)
    match = await web.UrlDispatcher().resolve(make_request())
    assert (await match.handler(make_request())).status == 418
