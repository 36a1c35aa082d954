"""Which resources a path may belong to: by their beginnings, and in which order."""

import random
from collections.abc import Callable

import pytest

from pronghorn import web
from pronghorn.server.routing.index import PathIndex
from pronghorn.server.routing.resource import AbstractResource, make_resource
from pronghorn.testing.memory import make_request

from ...worktime import growth


def index_of(*patterns: str) -> PathIndex:
    index = PathIndex()
    for pattern in patterns:
        index.add(make_resource(pattern))
    return index


def canonicals(index: PathIndex, path: str) -> list[str]:
    return [resource.canonical for resource in index.candidates(path)]


def test_longer_beginnings_go_first_and_then_the_order() -> None:
    index = index_of("/{a}", "/x/{a}", "/x/y", "/{tail:.*}", "/x{a}", "/x/{b}")
    assert canonicals(index, "/x/y") == ["/x/y", "/x/{a}", "/x/{b}", "/{a}", "/{tail}", "/x{a}"]
    assert canonicals(index, "/x") == ["/x/{a}", "/x/{b}", "/{a}", "/{tail}", "/x{a}"]
    assert canonicals(index, "/z/z") == ["/{a}", "/{tail}", "/x{a}"]
    assert canonicals(index, "*") == ["/{a}", "/{tail}", "/x{a}"]
    assert canonicals(index, "") == []
    assert canonicals(PathIndex(), "/x") == []


def test_a_tree_leaves_what_can_fit() -> None:
    index = index_of(*(f"/{{a}}/x{number}" for number in range(50)), r"/{b:\d+}/x7", "/{tail:.*}", "/{c}/{d}")
    assert canonicals(index, "/1/x7") == ["/{a}/x7", "/{b}/x7", "/{tail}", "/{c}/{d}"]
    assert canonicals(index, "/1/y") == ["/{tail}", "/{c}/{d}"]
    assert canonicals(index, "/1") == ["/{tail}"]


def test_beyond_a_tree_further_out_are_others() -> None:
    index = index_of(*(f"/a/b/{{x}}/{number}" for number in range(20)), "/a/{x:.*}", "/{x:.*}", "/a/b/{y}/3")
    assert canonicals(index, "/a/b/x/3") == ["/a/b/{x}/3", "/a/b/{y}/3", "/a/{x}", "/{x}"]


def test_plain_paths_that_nothing_goes_before() -> None:
    index = index_of("/a", "/b", "/a")
    assert index.plain == {}
    list(index.candidates("/"))
    assert {path: len(resources) for path, resources in index.plain.items()} == {"/a": 2, "/b": 1}
    index.add(make_resource("/c"))
    assert index.plain == {}


def test_what_is_left_out() -> None:
    index = PathIndex()
    first, second = make_resource("/a"), make_resource("/{b}")
    index.add(first)
    index.add(second)
    assert canonicals(index, "/a") == ["/a", "/{b}"]
    index.remove(first)
    assert canonicals(index, "/a") == ["/{b}"]
    with pytest.raises(ValueError, match="not in list"):
        index.remove(first)


def test_a_tree_forgets_nothing() -> None:
    chosen = random.Random(9)
    segments = ("a", "b", "{x}", "v{y}", r"{z:\d+}", "{t:.*}", "", "{u}-{w}")
    paths = [
        "/" + "/".join(chosen.choices(("a", "b", "v1", "7", "", "c-d"), k=chosen.randint(1, 4)))
        for _ in range(40)
    ]
    for _ in range(20):
        index = PathIndex()
        resources: list[web.Resource] = []
        while len(resources) < 60:
            drawn = chosen.sample(segments, chosen.randint(1, 4))
            resources.append(make_resource("/" + "/".join(drawn)))
            index.add(resources[-1])
        order = sorted(resources, key=lambda resource: -len(resource.index_key.rstrip("/")))
        for path in paths:
            expected = [resource for resource in order if resource._match(path) is not None]
            found = [resource for resource in index.candidates(path) if fits(resource, path)]
            assert found == expected


def fits(resource: AbstractResource, path: str) -> bool:
    return isinstance(resource, web.Resource) and resource._match(path) is not None


# What it costs


async def handler(request: web.Request) -> web.Response:
    return web.Response()


KINDS: dict[str, tuple[Callable[[int], str], str, str]] = {
    "plain": (lambda number: f"/r{number}", "/r{}", "GET"),
    "prefixes": (lambda number: f"/r{number}/{{id}}", "/r{}/x", "GET"),
    "below a part": (lambda number: f"/{{tenant}}/r{number}/{{id}}", "/t/r{}/x", "GET"),
    "below an expression": (lambda number: rf"/{{tenant:\w+}}/r{number}/{{id:[0-9]+}}", "/t/r{}/1", "GET"),
    "missing": (lambda number: f"/r{number}/{{id}}", "/x/{}", "GET"),
    "missing below a part": (lambda number: f"/{{tenant}}/r{number}/{{id}}", "/t/x{}/x", "GET"),
    "not allowed": (lambda number: f"/r{number}", "/r{}", "PUT"),
    "not allowed below a part": (lambda number: f"/{{tenant}}/r{number}", "/t/r{}", "PUT"),
}


@pytest.mark.timed
@pytest.mark.parametrize(("pattern", "target", "method"), KINDS.values(), ids=KINDS)
def test_a_thousand_routes_cost_no_more_than_ten(
    pattern: Callable[[int], str], target: str, method: str
) -> None:
    routers = {}
    for count in (10, 20, 1000):
        router = routers[count] = web.UrlDispatcher()
        for number in range(count):
            router.add_get(pattern(number), handler)

    def resolve(count: int) -> None:
        router = routers[1000 if count == 20 else 10]
        request = make_request(method, target.format(7))
        for _ in range(200):
            with pytest.raises(StopIteration):
                router.resolve(request).send(None)

    assert growth(resolve, 10) < 2
