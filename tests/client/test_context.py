"""What a method of a session returns."""

import asyncio
import inspect
import warnings
from collections.abc import AsyncIterator
from contextlib import nullcontext
from typing import Any

import pytest

from pronghorn import ClientResponse, ClientSession
from pronghorn.client.context import RequestContext

from ..functional.scripted import OK, Scripted, answering, scripted, until

UNFINISHED = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart"


class Steps:
    """A coroutine that notes what happens to it."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    async def __call__(self) -> Any:
        try:
            while True:
                self.told.append(await _Yielding())
        except BaseException as error:
            self.told.append(type(error))
            raise


class _Yielding:
    def __await__(self) -> Any:
        return (yield "yielded")


@pytest.fixture
async def server() -> AsyncIterator[Scripted]:
    async with scripted(OK) as running:
        yield running


async def test_it_can_be_awaited_and_entered(server: Scripted) -> None:
    async with ClientSession() as session:
        response = await session.get(server.url())
        assert isinstance(response, ClientResponse)
        assert await response.text() == "ok"
        async with session.get(server.url()) as response:
            assert await response.text() == "ok"


async def test_nothing_happens_before(server: Scripted) -> None:
    async with ClientSession() as session:
        request = session.get(server.url())
        assert inspect.isawaitable(request)
        assert not server.peers
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            request.close()
        with pytest.raises(RuntimeError, match="cannot reuse"):
            await request


async def test_one_that_is_never_awaited_warns(server: Scripted) -> None:
    async with ClientSession() as session:
        with pytest.warns(RuntimeWarning, match="was never awaited"):
            session.get(server.url())  # type: ignore[unused-awaitable]  # what is tested


async def test_it_is_a_coroutine(server: Scripted) -> None:
    """Tasks and timeouts take it as it is."""
    async with ClientSession() as session:
        response = await asyncio.create_task(session.get(server.url()))
        assert response.status == 200
        for response in await asyncio.gather(*(session.get(server.url()) for _ in range(3))):
            response.close()
        assert (await asyncio.wait_for(session.get(server.url()), 5)).status == 200


async def test_it_is_awaited_once(server: Scripted) -> None:
    async with ClientSession() as session:
        request = session.get(server.url())
        (await request).close()
        with pytest.raises(RuntimeError, match="cannot reuse"):
            await request
        with pytest.raises(RuntimeError, match="cannot reuse"):
            async with request:
                pass


def test_what_drives_it_drives_the_request() -> None:
    steps = Steps()
    request = RequestContext(steps())
    assert request.send(None) == "yielded"
    assert request.send(1) == "yielded"
    with pytest.raises(LookupError):
        request.throw(LookupError("x"))
    assert steps.told == [1, LookupError]
    steps = Steps()
    request = RequestContext(steps())
    request.send(None)
    request.close()
    assert steps.told == [GeneratorExit]


@pytest.mark.parametrize("error", [None, LookupError("mine"), asyncio.CancelledError()])
async def test_leaving_it_releases_the_response(error: BaseException | None) -> None:
    async with scripted(answering(UNFINISHED, then="stay")) as server, ClientSession() as session:
        request = session.get(server.url())
        with nullcontext() if error is None else pytest.raises(type(error)):
            async with request as response:
                assert not response.closed
                if error is not None:
                    raise error
        assert request._resp.closed
        await until(lambda: server.peers[0].has_left)


async def test_what_the_request_raises_passes() -> None:
    async with ClientSession() as session:
        with pytest.raises(ValueError, match="absolute"):
            async with session.get("nowhere"):
                pytest.fail("there is no response")
