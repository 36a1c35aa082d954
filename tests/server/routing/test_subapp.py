"""Applications in applications, as a router sees them."""

from typing import Any

import pytest

from pronghorn import web
from pronghorn.server.routing.domain import AbstractRuleMatching
from pronghorn.server.routing.subapp import MatchedSubAppResource, PrefixedSubAppResource
from pronghorn.testing.memory import make_request


async def handler(request: web.Request) -> web.Response:
    return web.Response()


def app_of(*paths: str) -> web.Application:
    app = web.Application()
    for place, path in enumerate(paths):
        app.router.add_post(path, handler, name=f"r{place}")
    return app


class HasField(AbstractRuleMatching):
    """The requests with a field named X."""

    async def match(self, request: web.BaseRequest) -> bool:
        return "X" in request.headers

    def get_info(self) -> dict[str, Any]:
        return {"field": "X"}

    @property
    def canonical(self) -> str:
        return "X"


async def test_what_is_below_a_prefix() -> None:
    inner = app_of("", "/", "/{a}", "/a b")
    resource = PrefixedSubAppResource("/in ner/", inner)
    assert resource.canonical == "/in%20ner"
    assert resource.get_info() == {"app": inner, "prefix": "/in%20ner"}
    assert [each.canonical for each in inner.router.resources()] == [
        "/in%20ner",
        "/in%20ner/",
        "/in%20ner/{a}",
        "/in%20ner/a%20b",
    ]
    assert list(resource) == list(inner.router.routes())
    assert len(resource) == 4
    assert not resource.raw_match("/in ner")
    assert repr(resource) == f"<PrefixedSubAppResource /in%20ner -> {inner!r}>"
    with pytest.raises(RuntimeError, match="url_for"):
        resource.url_for()
    for target in ("/in%20ner", "/in%20ner/", "/in%20ner/x", "/%69n%20ner/a%20b"):
        match, allowed = await resource.resolve(make_request("POST", target))
        assert match is not None
        assert (match.http_exception, match.apps, allowed) == (None, (inner,), set())
    for target in ("/", "/in", "/in%20nerd", "/in%20ner%2Fx", "/x/in%20ner"):
        assert await resource.resolve(make_request("POST", target)) == (None, set())


async def test_what_is_not_found_below_a_prefix_is_found_nowhere() -> None:
    inner = app_of("/a")
    resource = PrefixedSubAppResource("/inner", inner)
    match, allowed = await resource.resolve(make_request("POST", "/inner/b"))
    assert match is not None
    assert isinstance(match.http_exception, web.HTTPNotFound)
    assert (match.apps, allowed) == ((inner,), set())
    match, allowed = await resource.resolve(make_request("PUT", "/inner/a"))
    assert match is not None
    assert isinstance(match.http_exception, web.HTTPMethodNotAllowed)
    assert allowed == {"POST"}


def test_a_prefix_begins_with_a_slash() -> None:
    with pytest.raises(ValueError, match="prefix"):
        PrefixedSubAppResource("inner", app_of())


async def test_a_rule() -> None:
    inner = app_of("/a")
    rule = HasField()
    resource = MatchedSubAppResource(rule, inner)
    assert (resource.canonical, resource.get_info()) == ("X", {"app": inner, "rule": rule})
    assert repr(resource) == f"<MatchedSubAppResource X -> {inner!r}>"
    assert str(inner.router["r0"].url_for()) == "/a"
    assert await resource.resolve(make_request("POST", "/a")) == (None, set())
    match, _ = await resource.resolve(make_request("POST", "/a", [("X", "y")]))
    assert match is not None
    assert (match.http_exception, match.apps) == (None, (inner,))


async def test_a_rule_goes_before_all_paths() -> None:
    outer, inner = app_of("/a", "/b"), app_of("/a")
    outer.router.register_resource(MatchedSubAppResource(HasField(), inner))

    async def apps(target: str, *fields: tuple[str, str]) -> tuple[Any, ...]:
        match: web.UrlMappingMatchInfo = await outer.router.resolve(make_request("POST", target, fields))
        return (*match.apps, match.http_exception)

    assert await apps("/a") == (None,)
    assert await apps("/a", ("X", "y")) == (inner, None)
    found, error = await apps("/b", ("X", "y"))
    assert found is inner
    assert isinstance(error, web.HTTPNotFound)


async def test_three_deep_with_a_rule_between() -> None:
    first, second, third = web.Application(), web.Application(), app_of("/{x}")
    second.router.add_get("/x", handler)
    second.add_domain("a.com", third)
    first.add_subapp("/first", second)
    outermost = web.Application()
    outermost.add_subapp("/outer", first)
    assert str(third.router["r0"].url_for(x="y")) == "/outer/first/y"
    request = make_request("POST", "/outer/first/y", [("Host", "a.com")])
    match: web.UrlMappingMatchInfo = await outermost.router.resolve(request)
    assert (match.http_exception, match["x"], match.apps) == (None, "y", (first, second, third))
    match = await outermost.router.resolve(make_request("GET", "/outer/first/x", [("Host", "b.com")]))
    assert (match.http_exception, match.apps) == (None, (first, second))
