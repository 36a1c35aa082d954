"""Path patterns: what they match, and the paths that they make."""

from typing import Any

import pytest

from pronghorn import web
from pronghorn.server.routing.paths import comparable
from pronghorn.server.routing.resource import DynamicResource, PlainResource, make_resource
from pronghorn.testing.memory import make_request


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
    assert resource._match(comparable(path)) == parts


@pytest.mark.parametrize(
    ("pattern", "canonical"),
    [("/a", "/a"), ("/a b", "/a%20b"), ("/é", "/%C3%A9"), ("", "/"), ("/a/", "/a/")],
)
def test_plain(pattern: str, canonical: str) -> None:
    resource = make_resource(pattern)
    assert isinstance(resource, PlainResource)
    assert resource.canonical == canonical
    assert resource._match(comparable(canonical)) == {}
    assert resource._match(comparable(canonical + "x")) is None
    assert str(resource.url_for()) == canonical
    with pytest.raises(TypeError, match="no parts"):
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
    assert resource._match(comparable(path)) == parts


@pytest.mark.parametrize(
    ("pattern", "part", "path"),
    [
        ("/{a}", "/evil.test", "/%2Fevil.test"),
        ("/{a}", "//evil.test", "/%2F%2Fevil.test"),
        ("/{a:.*}", "/evil.test", "/%2Fevil.test"),
        ("/{a:.*}", "/\\evil.test", "/%2F%5Cevil.test"),
    ],
)
def test_no_part_makes_another_host_of_a_path(pattern: str, part: str, path: str) -> None:
    """CVE-2021-21330: to browsers, what begins with two slashes or more is one."""
    resource = make_resource(pattern)
    assert str(resource.url_for(a=part)) == path
    assert resource._match(comparable(path)) == {"a": part}


def test_url_for_needs_its_parts_as_text() -> None:
    resource = make_resource("/{a}")
    with pytest.raises(KeyError):
        resource.url_for()
    with pytest.raises(TypeError, match="str"):
        resource.url_for(a=1)  # type: ignore[arg-type]  # that it is refused is the point


def test_canonical_of_a_pattern() -> None:
    assert make_resource("/a b/{c:[0-9]+}/{d}").canonical == "/a%20b/{c}/{d}"


async def test_one_handler_for_each_method() -> None:
    resource = make_resource("/", name="root")
    route = resource.add_route("get", handler)
    assert (route.method, route.handler, route.resource, route.name) == ("GET", handler, resource, "root")
    assert str(route.url_for()) == "/"

    async def found(method: str) -> tuple[Any, set[str]]:
        match, allowed = await resource.resolve(make_request(method, "/"))
        return None if match is None else match.route, allowed

    assert await found("GET") == (route, {"GET"})
    assert await found("get") == (None, {"GET"})
    assert await found("POST") == (None, {"GET"})
    with pytest.raises(RuntimeError, match="already"):
        resource.add_route("GET", handler)
    every = resource.add_route("*", handler)
    assert await found("POST") == (every, {"GET", "*"})
    assert await found("GET") == (route, {"GET", "*"})
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


@pytest.mark.parametrize(
    ("pattern", "target", "canonical"),
    [
        ("/a%2Fb", "/a%2fb", "/a%2Fb"),
        ("/caf%c3%a9", "/café", "/caf%C3%A9"),
        ("/%41", "/A", "/%41"),
        ("/x%y", "/x%25y", "/x%25y"),
        ("/x%25y", "/x%25y", "/x%25y"),
        ("/a?b#c", "/a%3Fb%23c", "/a%3Fb%23c"),
    ],
)
def test_a_pattern_may_be_percent_encoded(pattern: str, target: str, canonical: str) -> None:
    resource = make_resource(pattern)
    assert resource.canonical == str(resource.url_for()) == canonical
    assert resource._match(comparable(target)) == {}
    below = make_resource(pattern + "/{x}")
    assert below.canonical == canonical + "/{x}"
    assert below._match(comparable(target + "/y")) == {"x": "y"}


def test_parts_come_in_their_order_and_inner_groups_with_them() -> None:
    resource = make_resource("/{a}-{b}/{c:(?P<d>x)?y}/{e}")
    assert resource._match("/1-2/xy/3") == {"a": "1", "b": "2", "c": "xy", "d": "x", "e": "3"}
    parts = resource._match("/1-2/y/3")
    assert parts == {"a": "1", "b": "2", "c": "y", "d": "", "e": "3"}
    assert list(parts) == ["a", "b", "c", "d", "e"]
    info = resource.get_info()
    assert info["formatter"] == "/{a}-{b}/{c}/{e}"
    assert info["pattern"].fullmatch("/1-2/y/3")["b"] == "2"


@pytest.mark.parametrize("path", ["/x", "/{a}/y{b}-{c}", "/{a:.*}"])
def test_moving_below_a_prefix(path: str) -> None:
    resource = make_resource(path)
    before = resource.canonical
    resource.add_prefix("/c%20d")
    resource.add_prefix("/%7Ba%7D")
    assert resource.canonical == "/%7Ba%7D/c%20d" + before
    assert resource.index_key.startswith("/{a}/c d")
    sample = before.replace("{a}", "1").replace("{b}", "2").replace("{c}", "3")
    parts = resource._match("/{a}/c d" + sample)
    assert parts is not None
    assert str(resource.url_for(**parts)) == "/%7Ba%7D/c%20d" + sample
    assert resource.raw_match(path)


def test_an_empty_path_is_the_root_or_the_prefix() -> None:
    resource = make_resource("")
    assert (resource.canonical, resource._match("/")) == ("/", {})
    resource.add_prefix("/a")
    assert (resource.canonical, resource._match("/a"), resource._match("/a/")) == ("/a", {}, None)


def test_frozen() -> None:
    resource = make_resource("/a")
    resource.freeze()
    with pytest.raises(RuntimeError, match="frozen"):
        resource.add_route("GET", handler)


def test_a_route_that_is_made_already() -> None:
    resource = make_resource("/a")
    route = web.ResourceRoute("GET", handler, resource)
    resource.register_route(route)
    assert resource._routes == {"GET": route}
    with pytest.raises(TypeError, match="ResourceRoute"):
        resource.register_route(handler)  # type: ignore[arg-type]  # that it is refused is the point


def test_what_they_say_of_themselves() -> None:
    plain, pattern = make_resource("/a b", name="x"), make_resource("/{a}")
    assert (repr(plain), repr(pattern)) == ("<PlainResource 'x' /a%20b>", "<DynamicResource /{a}>")
    assert plain.get_info() == {"path": "/a%20b"}
    assert isinstance(plain, web.Resource)
    assert isinstance(plain, web.AbstractResource)
