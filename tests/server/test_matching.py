from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pronghorn import web
from pronghorn.server.matching import AbstractMatchInfo
from pronghorn.testing.memory import make_request


def test_a_match_has_a_handler() -> None:
    with pytest.raises(TypeError, match="handler"):
        AbstractMatchInfo()  # type: ignore[abstract]  # that it is refused is the point


async def test_any_router_may_choose() -> None:
    class Choice(AbstractMatchInfo):
        @property
        def handler(self) -> Callable[[Any], Awaitable[web.StreamResponse]]:
            return self._answer

        async def _answer(self, request: web.Request) -> web.Response:
            return web.Response(text=request.path)

    class Router(web.AbstractRouter):
        async def resolve(self, request: web.Request) -> AbstractMatchInfo:
            return Choice()

    match = await Router().resolve(make_request(target="/chosen"))
    response = await match.handler(make_request(target="/chosen"))
    assert isinstance(response, web.Response)
    assert response.text == "/chosen"
