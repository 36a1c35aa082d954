"""The router: which handler a request gets."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from pronghorn import web
from pronghorn.testing.memory import make_request

from ...worktime import LINEAR, growth

REFUSED = (web.HTTPNotFound, web.HTTPMethodNotAllowed)


async def handler(request: web.Request) -> web.Response:
    return web.Response()


def routed(*patterns: str) -> web.UrlDispatcher:
    """A router with a GET for each pattern, named by its place."""
    router = web.UrlDispatcher()
    for place, pattern in enumerate(patterns):
        router.add_get(pattern, handler, name=f"r{place}")
    return router


async def found(
    router: web.UrlDispatcher, target: str, method: str = "GET"
) -> tuple[str | None, dict[str, str]]:
    match = await router.resolve(make_request(method, target))
    if isinstance(match, web.UrlMappingMatchInfo):
        return match.route.name, dict(match)
    return None, {}


async def refusal(router: web.UrlDispatcher, method: str, target: str) -> web.HTTPException:
    match = await router.resolve(make_request(method, target))
    with pytest.raises(REFUSED) as caught:
        await match.handler(make_request(method, target))
    return caught.value


# Paths


@pytest.mark.parametrize(
    ("target", "place"),
    [
        ("/", 0),
        ("/?a=b", 0),
        ("/a", 1),
        ("/a?b", 1),
        ("/a/", None),
        ("/b", None),
        ("//a", None),
        ("/A", None),
        ("/%61", 1),
        ("/a%20b", 2),
        ("/%c3%a9", 3),
        ("/%C3%A9", 3),
        ("/~x", 4),
        ("/%7Ex", 4),
        ("/%7ex", 4),
        ("http://test/a", 1),
        ("http://test", 0),
        ("/a/../a", None),
    ],
)
async def test_plain_paths(target: str, place: int | None) -> None:
    router = routed("/", "/a", "/a b", "/é", "/~x")
    name, _ = await found(router, target)
    assert name == (None if place is None else f"r{place}")


@pytest.mark.parametrize(
    ("target", "part"),
    [
        ("/x", "x"),
        ("/x%20y", "x y"),
        ("/x%2Fy", "x/y"),
        ("/x%2fy", "x/y"),
        ("/%C3%A9", "é"),
        ("/100%25", "100%"),
        ("/%252F", "%2F"),
        ("/a+b", "a+b"),
        ("/a:b@c;d=e", "a:b@c;d=e"),
        ("/%2e%2e", ".."),
        ("/x%3Fy%23z", "x?y#z"),
    ],
)
async def test_parts_are_decoded_once(target: str, part: str) -> None:
    assert await found(routed("/{a}"), target) == ("r0", {"a": part})


@pytest.mark.parametrize("target", ["/files%2Fsecret", "/files%2fsecret", "/files/..%2Fsecret%2Fx"])
async def test_an_encoded_slash_is_no_separator(target: str) -> None:
    assert await found(routed("/files/secret", "/files/{dir}/x", "/{a}/{b}/{c}"), target) == (None, {})


@pytest.mark.parametrize("target", ["/%ff", "/%", "/%zz", "/a%e9"])
async def test_what_decodes_to_no_text_is_still_routed(target: str) -> None:
    name, parts = await found(routed("/{a}"), target)
    assert name == "r0"
    parts["a"].encode()


@pytest.mark.parametrize(
    ("patterns", "target", "place"),
    [
        (("/{a}", "/x"), "/x", 1),
        (("/{a}/{b}", "/x/{b}"), "/x/y", 1),
        (("/{tail:.*}", "/x/{b}"), "/x/y", 1),
        (("/x/{tail:.*}", "/x/y/{c}"), "/x/y/z", 1),
        (("/{a}", "/{b}"), "/x", 0),
        (("/x{a}", "/{b}"), "/xy", 0),
        (("/{b}", "/x{a}"), "/xy", 0),
        (("/{n:[0-9]+}", "/{a}"), "/x", 1),
        (("/{tail:.*}", "/x/{b}"), "/x/y/z", 0),
    ],
)
async def test_precedence(patterns: tuple[str, ...], target: str, place: int) -> None:
    assert (await found(routed(*patterns), target))[0] == f"r{place}"


@pytest.mark.parametrize(("method", "target"), [("OPTIONS", "*"), ("CONNECT", "test:80")])
async def test_targets_that_are_no_paths(method: str, target: str) -> None:
    router = web.UrlDispatcher()
    router.add_route("*", "/{tail:.*}", handler)
    router.add_route("*", "/", handler)
    assert (await refusal(router, method, target)).status == 404


@pytest.mark.timed
def test_long_paths_cost_no_more_than_their_length() -> None:
    router = routed("/a/b/{c}", "/{a}")

    def resolve(segments: int) -> None:
        request = make_request(target="/x" * segments)
        for _ in range(20):
            with pytest.raises(StopIteration):
                router.resolve(request).send(None)

    assert growth(resolve, 2000) < LINEAR


# Methods


async def test_404() -> None:
    error = await refusal(routed("/a"), "GET", "/b")
    assert (error.status, error.text) == (404, "404: Not Found")


async def test_405_tells_all_that_is_allowed() -> None:
    router = web.UrlDispatcher()
    router.add_post("/a", handler)
    router.add_get("/a", handler)
    router.add_put("/{x}", handler)
    router.add_delete("/{y}", handler)
    error = await refusal(router, "PATCH", "/a")
    assert error.status == 405
    assert error.headers["Allow"] == "DELETE,GET,HEAD,POST,PUT"


async def test_a_pattern_may_answer_what_a_plain_path_does_not() -> None:
    router = web.UrlDispatcher()
    router.add_get("/a", handler, name="plain")
    router.add_post("/{x}", handler, name="pattern")
    assert (await found(router, "/a"))[0] == "plain"
    assert (await found(router, "/a", "POST"))[0] == "pattern"


async def test_head_for_get() -> None:
    router = web.UrlDispatcher()
    router.add_get("/a", handler, name="a")
    router.add_get("/b", handler, name="b", allow_head=False)
    assert (await found(router, "/a", "HEAD"))[0] == "a"
    assert (await refusal(router, "HEAD", "/b")).headers["Allow"] == "GET"


async def test_methods_are_case_sensitive() -> None:
    assert (await refusal(routed("/a"), "get", "/a")).status == 405


async def test_any_method() -> None:
    router = web.UrlDispatcher()
    router.add_route("*", "/a", handler, name="a")
    for method in ("GET", "PURGE", "OPTIONS"):
        assert (await found(router, "/a", method))[0] == "a"


@pytest.mark.parametrize("method", ["get", "head", "options", "post", "put", "patch", "delete"])
async def test_add_by_method(method: str) -> None:
    router = web.UrlDispatcher()
    route = getattr(router, f"add_{method}")("/a", handler, name="x")
    assert (route.method, route.name) == (method.upper(), "x")
    assert (await found(router, "/a", method.upper()))[0] == "x"


# Registering


def test_names() -> None:
    router = routed("/a", "/{b}")
    assert set(router) == {"r0", "r1"}
    assert len(router) == 2
    assert str(router["r1"].url_for(b="x y")) == "/x%20y"
    assert router.named_resources()["r0"] is router["r0"]
    for name in ("a.b", "a:b", "a-b"):
        router.add_get(f"/{name}", handler, name=name)
    with pytest.raises(ValueError, match="taken"):
        router.add_get("/c", handler, name="r0")
    for name in ("", "1a", "a b", "a/b"):
        with pytest.raises(ValueError, match="name"):
            router.add_get("/d", handler, name=name)


async def test_the_same_path_later_is_one_resource_to_requests() -> None:
    router = web.UrlDispatcher()
    first = router.add_get("/a", handler)
    router.add_get("/b", handler)
    router.add_post("/a", handler, name="again")
    assert (await found(router, "/a", "POST"))[0] == "again"
    assert (await refusal(router, "PUT", "/a")).headers["Allow"] == "GET,HEAD,POST"
    router.add_get("/a", handler, name="never")
    assert (await router.resolve(make_request("GET", "/a"))).route is first


def test_listing() -> None:
    router = web.UrlDispatcher()
    router.add_get("/a", handler)
    router.add_get("/b", handler)
    router.add_post("/a", handler)
    assert [resource.canonical for resource in router.resources()][:2] == ["/a", "/b"]
    listed = sorted((route.method, route.resource.canonical) for route in router.routes() if route.resource)
    assert listed == [("GET", "/a"), ("GET", "/b"), ("HEAD", "/a"), ("HEAD", "/b"), ("POST", "/a")]


@pytest.mark.parametrize("path", ["/a", "/b", "/{c}"])
def test_frozen(path: str) -> None:
    router = web.UrlDispatcher()
    router.add_get("/a", handler)
    router.freeze()
    with pytest.raises(RuntimeError, match="frozen"):
        router.add_post(path, handler)


def test_a_taken_method_leaves_nothing_behind() -> None:
    router = web.UrlDispatcher()
    router.add_get("/a", handler, allow_head=False)
    with pytest.raises(RuntimeError, match="already"):
        router.add_get("/a", handler)
    assert [route.method for route in router.routes()] == ["GET"]


def test_definitions_are_registered_in_order() -> None:
    router = web.UrlDispatcher()
    made: list[Any] = router.add_routes([web.get("/a", handler), web.post("/b", handler)])
    assert [route.method for route in made] == ["GET", "POST"]


# Others' resources and routers


class Everything(web.AbstractResource):
    """Answers whatever is below its path, whatever it is."""

    def __init__(self, prefix: str) -> None:
        super().__init__(name="everything")
        self.prefix = prefix
        self.route = web.ResourceRoute("*", handler, self)

    @property
    def canonical(self) -> str:
        return self.prefix

    def url_for(self, **kwargs: str) -> Any:
        raise NotImplementedError

    async def resolve(self, request: web.Request) -> tuple[web.UrlMappingMatchInfo | None, set[str]]:
        if request.method == "TRACE":
            return None, {"GET"}
        return web.UrlMappingMatchInfo({"path": request.path}, self.route), set()

    def add_prefix(self, prefix: str) -> None:
        self.prefix = prefix + self.prefix

    def get_info(self) -> dict[str, Any]:
        return {}

    def raw_match(self, path: str) -> bool:
        return False

    def __iter__(self) -> Iterator[web.AbstractRoute]:
        return iter((self.route,))

    def __len__(self) -> int:
        return 1


async def test_a_resource_of_others() -> None:
    router = routed("/{a}")
    resource = Everything("/every thing")
    router.register_resource(resource)
    assert router["everything"] is resource
    assert resource.route in router.routes()
    resource.prefix = "/things"
    router.unindex_resource(resource)
    assert await found(router, "/things/a/b") == (None, {})
    router.index_resource(resource)
    assert await found(router, "/things/a/b") == ("everything", {"path": "/things/a/b"})
    assert await found(router, "/thing") == ("r0", {"a": "thing"})
    assert (await refusal(router, "TRACE", "/things")).headers["Allow"] == "GET,HEAD"
    router.freeze()
    assert resource.is_frozen
    with pytest.raises(RuntimeError, match="frozen"):
        router.register_resource(Everything("/other"))


async def test_a_resource_of_others_is_moved_with_its_application() -> None:
    inner, outer = web.Application(), web.Application()
    inner.router.register_resource(Everything("/things"))
    outer.add_subapp("/inner", inner)
    assert await found(outer.router, "/inner/things/x") == ("everything", {"path": "/inner/things/x"})


async def test_a_kind_of_pattern_of_others() -> None:
    class Upper(web.DynamicResource):
        def _match(self, path: str) -> Mapping[str, str] | None:
            parts = super()._match(path)
            return None if parts is None else {name: value.upper() for name, value in parts.items()}

    router = web.UrlDispatcher()
    resource = Upper("/{a}", name="upper")
    resource.add_route("GET", handler)
    router.register_resource(resource)
    assert await found(router, "/x") == ("upper", {"a": "X"})


@pytest.mark.parametrize("wrong", [None, "/a", handler])
def test_what_is_no_resource(wrong: Any) -> None:
    with pytest.raises(TypeError, match="resource"):
        web.UrlDispatcher().register_resource(wrong)


@pytest.mark.parametrize("name", ["class", "a.class", "a..b", "", "a b", "1a", "a/b", "a\n"])
def test_names_that_are_none(name: str) -> None:
    router = web.UrlDispatcher()
    with pytest.raises(ValueError, match="name"):
        router.add_get("/a", handler, name=name)
    assert (list(router.resources()), len(router)) == ([], 0)


def test_the_last_resource_is_taken_again() -> None:
    router = web.UrlDispatcher()
    first = router.add_resource("/a b")
    assert router.add_resource("/a b") is first
    assert router.add_resource("/a b", name="x") is not first
    assert router.add_resource("/a b") is not first
    pattern = router.add_resource("/{a}")
    assert router.add_resource("/{a}") is pattern
    assert router.add_resource("/{b}") is not pattern


async def test_a_view_answers_every_method() -> None:
    class Thing(web.View):
        async def get(self) -> web.Response:
            return web.Response()

    router = web.UrlDispatcher()
    assert router.add_view("/a", Thing, name="thing").method == "*"
    assert (await found(router, "/a", "PUT"))[0] == "thing"


async def test_expect_handlers() -> None:
    async def ask(request: web.Request) -> None: ...

    router = web.UrlDispatcher()
    route = router.add_get("/a", handler, expect_handler=ask)
    assert [each.expect_handler for each in router.routes()] == [ask, ask]
    assert (route.method, route.expect_handler) == ("GET", ask)


async def test_a_router_after_a_change_knows_of_it() -> None:
    router = routed("/a")
    assert (await found(router, "/a"))[0] == "r0"
    router.add_get("/b", handler, name="b")
    assert (await found(router, "/b"))[0] == "b"
    assert (await found(router, "/a"))[0] == "r0"


# What it costs


@pytest.mark.timed
@pytest.mark.parametrize("piece", ["/", "%2F", "-", ".", "a-", "/-", "%"])
@pytest.mark.parametrize(
    "pattern", ["/a/{b}", "/{a}/{b}", "/{a}-{b}-{c}-{d}", "/{a}-{b}.{c}x/{d}", "/{a}{b}{c}{d}x", "/{a}.txt"]
)
def test_no_path_costs_more_than_its_length(pattern: str, piece: str) -> None:
    router = routed(pattern)

    def resolve(size: int) -> None:
        for end in ("", "/", "{"):
            request = make_request(target="/" + piece * size + end)
            for _ in range(5):
                with pytest.raises(StopIteration):
                    router.resolve(request).send(None)

    assert growth(resolve, 2000) < LINEAR


async def test_a_plain_path_waits_for_what_goes_before_it() -> None:
    router = web.UrlDispatcher()
    router.register_resource(Everything("/things"))
    router.add_get("/things", handler, name="plain")
    for _ in range(2):
        assert (await found(router, "/things"))[0] == "everything"
