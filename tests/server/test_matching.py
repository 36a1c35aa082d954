"""Routers of one's own: what they have to give, and what they need not."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pronghorn import web
from pronghorn.testing import TestServer
from pronghorn.testing.memory import make_request
from pronghorn.typedefs import Handler

from .peer import connect


def test_a_match_has_a_handler() -> None:
    with pytest.raises(TypeError, match="handler"):
        web.AbstractMatchInfo()  # type: ignore[abstract]  # that it is refused is the point


class Choice(web.AbstractMatchInfo):
    """Answers with the path."""

    @property
    def handler(self) -> Callable[[Any], Awaitable[web.StreamResponse]]:
        return self._answer

    async def _answer(self, request: web.Request) -> web.Response:
        return web.Response(text=request.path)


class Refusal(Choice):
    """Refuses."""

    @property
    def http_exception(self) -> Exception:
        return web.HTTPNotFound()

    async def _answer(self, request: web.Request) -> web.Response:
        raise web.HTTPNotFound


class Router(web.AbstractRouter):
    """Refuses what begins with "/no"."""

    async def resolve(self, request: web.Request) -> web.AbstractMatchInfo:
        return Refusal() if request.path.startswith("/no") else Choice()


def test_what_a_match_says_by_default() -> None:
    choice = Choice()
    assert (choice.http_exception, choice.expect_handler, choice.apps, choice.get_info()) == (
        None,
        None,
        (),
        {},
    )
    choice.add_app("inner")
    choice.add_app("outer")
    choice.freeze()
    assert choice.apps == ("outer", "inner")


def test_a_router_can_be_frozen() -> None:
    router = Router()
    assert not router.frozen
    web.Application(router=router).freeze()
    assert router.frozen


def test_a_router_has_to_resolve() -> None:
    with pytest.raises(TypeError, match="resolve"):
        web.AbstractRouter()  # type: ignore[abstract]  # as above


async def test_any_router_may_choose() -> None:
    seen: list[object] = []

    @web.middleware
    async def stand(request: web.Request, handler: Handler) -> web.StreamResponse:
        seen.append((request.app, request.match_info.apps, type(request.match_info.http_exception)))
        return await handler(request)

    app = web.Application(router=Router(), middlewares=[stand, web.normalize_path_middleware()])
    async with TestServer(app) as server, connect(server) as peer:
        assert (await peer.ask(target="/chosen")).text == "/chosen"
        assert (await peer.ask(target="/no")).status == 404
    assert seen == [(app, (app,), type(None)), (app, (app,), web.HTTPNotFound)]


async def test_a_match_that_keeps_no_applications() -> None:
    """What stands in front of all handlers stands in front of this one, too."""

    class Bare(Choice):
        def add_app(self, app: Any) -> None:
            pass

    class Bares(web.AbstractRouter):
        async def resolve(self, request: web.Request) -> web.AbstractMatchInfo:
            return Bare()

    @web.middleware
    async def stand(request: web.Request, handler: Handler) -> web.StreamResponse:
        raise web.HTTPForbidden

    app = web.Application(router=Bares(), middlewares=[stand])
    app.freeze()
    request = make_request()
    with pytest.raises(web.HTTPForbidden):
        await app._handle(request)
    assert request.app is app


async def test_a_match_is_asked_what_it_does_for_expectations() -> None:
    class Strict(Choice):
        @property
        def expect_handler(self) -> Callable[[Any], Awaitable[Any]]:
            return self._expect

        async def _expect(self, request: web.Request) -> web.Response | None:
            return web.Response(status=417) if request.path == "/never" else None

    class Stricts(web.AbstractRouter):
        async def resolve(self, request: web.Request) -> web.AbstractMatchInfo:
            return Strict()

    app = web.Application(router=Stricts())
    app.freeze()
    expecting = [("Host", "a"), ("Expect", "100-continue")]
    assert (await app._handle(make_request("POST", "/never", expecting))).status == 417
    assert (await app._handle(make_request("POST", "/ever", expecting))).status == 200
    assert (await app._handle(make_request("POST", "/never"))).status == 200
