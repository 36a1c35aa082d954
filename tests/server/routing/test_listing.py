"""What a router holds, to be looked at."""

from pronghorn import web
from pronghorn.server.routing.listing import ResourcesView, RoutesView


async def handler(request: web.Request) -> web.Response:
    return web.Response()


def test_resources() -> None:
    router = web.UrlDispatcher()
    first, second = router.add_resource("/a"), router.add_resource("/{b}")
    listed = router.resources()
    assert isinstance(listed, ResourcesView)
    assert (list(listed), len(listed)) == ([first, second], 2)
    assert second in listed
    assert router.add_resource("/c") not in listed


def test_routes() -> None:
    router = web.UrlDispatcher()
    get = router.add_get("/a", handler)
    put = router.add_put("/b", handler)
    post = router.add_post("/a", handler)
    listed = router.routes()
    assert isinstance(listed, RoutesView)
    assert [route.method for route in listed] == ["HEAD", "GET", "PUT", "POST"]
    assert len(listed) == 4
    assert get in listed
    assert put in listed
    assert post in listed
    assert router.add_patch("/a", handler) not in listed


def test_nothing() -> None:
    router = web.UrlDispatcher()
    assert list(router.resources()) == []
    assert list(router.routes()) == []
