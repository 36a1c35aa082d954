"""Path patterns: what they match, and the paths that they make."""

from typing import Any

import pytest

from pronghorn import web
from pronghorn.server.routing.resource import DynamicResource, PlainResource, make_resource


async def handler(request: web.Request) -> web.Response:
    return web.Response()


@pytest.mark.parametrize(
    ("pattern", "path", "parts"),
    [
        ("/{a}", "/x", {"a": "x"}),
        ("/{a}", "/", None),
        ("/{a}", "/x/y", None),
        ("/{a}", "/x/", None),
        ("/{a}", "/x%20y", {"a": "x y"}),
        ("/{a}", "/x%2Fy", {"a": "x/y"}),
        ("/{a}/{b}", "/x/y", {"a": "x", "b": "y"}),
        ("/{a}-{b}", "/x-y", {"a": "x", "b": "y"}),
        ("/v{n:[0-9]+}", "/v12", {"n": "12"}),
        ("/v{n:[0-9]+}", "/vx", None),
        ("/v{n:[0-9]+}", "/v1x", None),
        ("/v{n:[0-9]+}", "/v1\n", None),
        ("/{n:[0-9]{2,3}}", "/12", {"n": "12"}),
        ("/{n:[0-9]{2,3}}", "/1", None),
        ("/{tail:.*}", "/x/y/z", {"tail": "x/y/z"}),
        ("/{tail:.*}", "/", {"tail": ""}),
        ("/é/{a}", "/%C3%A9/x", {"a": "x"}),
        ("/a.b/{c}", "/aXb/x", None),
        ("/{c}.txt", "/aXtxt", None),
    ],
)
def test_dynamic(pattern: str, path: str, parts: dict[str, str] | None) -> None:
    resource = make_resource(pattern)
    assert isinstance(resource, DynamicResource)
    assert resource.match(path) == parts


@pytest.mark.parametrize(
    ("pattern", "canonical"),
    [("/a", "/a"), ("/a b", "/a%20b"), ("/é", "/%C3%A9"), ("", "/"), ("/a/", "/a/")],
)
def test_plain(pattern: str, canonical: str) -> None:
    resource = make_resource(pattern)
    assert isinstance(resource, PlainResource)
    assert resource.canonical == canonical
    assert resource.match(canonical) == {}
    assert resource.match(canonical + "x") is None
    assert str(resource.url_for()) == canonical
    with pytest.raises(KeyError):
        resource.url_for(a="b")


@pytest.mark.parametrize(
    "pattern", ["a", "/{", "/}", "/{a", "/{a}}", "/{1}", "/{a}/{a}", "/{a:[}", "/{}", "/{a b}"]
)
def test_bad_patterns(pattern: str) -> None:
    with pytest.raises(ValueError, match="path"):
        make_resource(pattern)


@pytest.mark.parametrize(
    ("pattern", "parts", "path"),
    [
        ("/{a}", {"a": "x y"}, "/x%20y"),
        ("/{a}", {"a": "é?#%"}, "/%C3%A9%3F%23%25"),
        ("/u/{a}/{b:[0-9]+}", {"a": "x", "b": "7"}, "/u/x/7"),
        ("/{tail:.*}", {"tail": "x/y"}, "/x/y"),
        ("/a b/{c}", {"c": "d"}, "/a%20b/d"),
    ],
)
def test_url_for(pattern: str, parts: dict[str, str], path: str) -> None:
    resource = make_resource(pattern)
    assert str(resource.url_for(**parts)) == path
    assert resource.match(path) == parts


def test_url_for_needs_its_parts_as_text() -> None:
    resource = make_resource("/{a}")
    with pytest.raises(KeyError):
        resource.url_for()
    with pytest.raises(TypeError, match="str"):
        resource.url_for(a=1)  # type: ignore[arg-type]  # that it is refused is the point


def test_canonical_of_a_pattern() -> None:
    assert make_resource("/a b/{c:[0-9]+}/{d}").canonical == "/a%20b/{c}/{d}"


def test_one_handler_for_each_method() -> None:
    resource = make_resource("/", name="root")
    route = resource.add_route("get", handler)
    assert (route.method, route.handler, route.resource, route.name) == ("GET", handler, resource, "root")
    assert str(route.url_for()) == "/"
    assert resource.find("GET") is route
    assert resource.find("get") is None
    assert resource.find("POST") is None
    with pytest.raises(RuntimeError, match="already"):
        resource.add_route("GET", handler)
    every = resource.add_route("*", handler)
    assert resource.find("POST") is every
    assert resource.find("GET") is route
    with pytest.raises(RuntimeError, match="already"):
        resource.add_route("PUT", handler)
    assert list(resource) == [route, every]
    assert len(resource) == 2


@pytest.mark.parametrize("method", ["", "GE T", "GET\r\n", "G(T", "é"])
def test_a_method_is_a_token(method: str) -> None:
    with pytest.raises(ValueError, match="method"):
        make_resource("/").add_route(method, handler)


@pytest.mark.parametrize("wrong", [None, "handler", 1])
def test_a_handler_can_be_called(wrong: Any) -> None:
    with pytest.raises(TypeError, match="handler"):
        make_resource("/").add_route("GET", wrong)


def test_a_match_is_a_mapping_that_knows_its_route() -> None:
    route = make_resource("/{a}").add_route("GET", handler)
    match = web.UrlMappingMatchInfo({"a": "x"}, route)
    assert dict(match) == {"a": "x"}
    assert (match.route, match.handler) == (route, handler)
    assert isinstance(match, web.AbstractMatchInfo)
