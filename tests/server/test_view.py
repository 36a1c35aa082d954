from collections.abc import Generator
from typing import Any

import pytest

from pronghorn import web
from pronghorn.server.view import AbstractView
from pronghorn.testing import TestServer
from pronghorn.testing.memory import make_request

from .peer import connect


class Greeting(AbstractView):
    """Says what it was asked, and how often it was made."""

    made = 0

    def __init__(self, request: web.Request) -> None:
        super().__init__(request)
        type(self).made += 1

    def __await__(self) -> Generator[Any, None, web.StreamResponse]:
        return self._answer().__await__()

    async def _answer(self) -> web.Response:
        name = self.request.path.strip("/") or "nobody"
        if name == "stranger":
            raise web.HTTPForbidden
        return web.Response(text=f"{self.request.method} {name} {self.made}")


def test_a_view_can_be_awaited() -> None:
    with pytest.raises(TypeError, match="__await__"):
        AbstractView(make_request())  # type: ignore[abstract, unused-awaitable]  # that it is refused is the point


def test_it_has_its_request() -> None:
    request = make_request()
    view = Greeting(request)
    assert view.request is view._request is request
    with pytest.raises(AttributeError):
        view.request = request  # type: ignore[misc]  # as above


async def test_awaiting_it_handles_the_request() -> None:
    response = await Greeting(make_request("PUT"))
    assert isinstance(response, web.Response)
    assert (response.text or "").startswith("PUT nobody ")


async def test_a_view_is_a_handler_made_for_each_request() -> None:
    class Counted(Greeting):
        made = 0

    app = web.Application()
    app.router.add_route("*", "/{name}", Counted)
    async with TestServer(app) as server, connect(server) as peer:
        assert (await peer.ask("GET", "/one")).text == "GET one 1"
        assert (await peer.ask("DELETE", "/two")).text == "DELETE two 2"
        assert (await peer.ask("GET", "/stranger")).status == 403
        assert (await peer.ask("GET", "/three")).text == "GET three 4"


class Things(web.View):
    """Answers some methods, by methods."""

    async def get(self) -> web.StreamResponse:
        return web.Response(text=f"got {self.request.match_info['name']}")

    async def delete(self) -> web.StreamResponse:
        raise web.HTTPForbidden

    async def secret(self) -> web.StreamResponse:
        raise RuntimeError("no method of HTTP leads here")


@pytest.fixture
def things() -> web.Application:
    app = web.Application()
    app.router.add_view("/{name}", Things)
    return app


async def test_each_method_has_its_own(things: web.Application) -> None:
    async with TestServer(things) as server, connect(server) as peer:
        assert (await peer.ask("GET", "/x")).text == "got x"
        assert (await peer.ask("DELETE", "/x")).status == 403


@pytest.mark.parametrize(
    "method", ["POST", "HEAD", "PUT", "SECRET", "REQUEST", "_ITER", "__INIT__", "__CLASS__", "get"]
)
async def test_the_others_are_not_allowed(things: web.Application, method: str) -> None:
    async with TestServer(things) as server, connect(server) as peer:
        answer = await peer.ask(method, "/x")
        assert (answer.status, answer["allow"]) == (405, "DELETE,GET")
        assert (await peer.ask("GET", "/x")).status == 200


async def test_every_known_method_can_be_there() -> None:
    names = ("get", "head", "post", "put", "delete", "patch", "options", "trace")

    async def reply(self: web.View) -> web.StreamResponse:
        return web.Response(headers={"X-Method": self.request.method})

    every: Any = type("Every", (web.View,), dict.fromkeys(names, reply))
    app = web.Application()
    app.router.add_view("/", every)
    async with TestServer(app) as server:
        for name in names:
            async with connect(server) as peer:
                peer.request(name.upper())
                assert (await peer.answer(name.upper()))["x-method"] == name.upper()


async def test_a_view_by_method() -> None:
    app = web.Application()
    app.router.add_get("/{name}", Things)
    async with TestServer(app) as server, connect(server) as peer:
        assert (await peer.ask("GET", "/x")).status == 200
        assert (await peer.ask("DELETE", "/x"))["allow"] == "GET,HEAD"


def test_a_view_can_be_made_of_the_request_alone() -> None:
    request = make_request()
    assert Things(request).request is request
