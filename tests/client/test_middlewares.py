"""The chain that middlewares make."""

from typing import Any

import pytest
from yarl import URL

from pronghorn.client.middlewares import as_middlewares, build_client_middlewares
from pronghorn.client.outgoing import ClientRequest, make_request
from pronghorn.client.response import ClientResponse


def request() -> ClientRequest:
    return make_request("GET", URL("http://here/"), (), None, None)


async def test_the_first_is_called_first() -> None:
    said: list[str] = []

    def named(name: str) -> Any:
        async def middleware(request: ClientRequest, handler: Any) -> ClientResponse:
            said.append(f"{name} before")
            response: ClientResponse = await handler(request)
            said.append(f"{name} after")
            return response

        return middleware

    answer = ClientResponse("GET", "http://here/")

    async def handler(_: ClientRequest) -> ClientResponse:
        said.append("handler")
        return answer

    chain = build_client_middlewares(handler, [named("a"), named("b")])
    assert await chain(request()) is answer
    assert said == ["a before", "b before", "handler", "b after", "a after"]


async def test_without_any_it_is_the_handler() -> None:
    async def handler(_: ClientRequest) -> ClientResponse:
        return ClientResponse("GET", "http://here/")

    assert build_client_middlewares(handler, ()) is handler


@pytest.mark.parametrize("wrong", [None, "name", 1])
def test_what_is_no_middleware(wrong: Any) -> None:
    with pytest.raises(TypeError, match="middlewares: expected functions"):
        as_middlewares([wrong])
