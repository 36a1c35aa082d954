"""`request` and `ws_connect`: a session of its own, which leaves nothing."""

import asyncio
from typing import Any

import pytest

import pronghorn
from pronghorn import HttpVersion10, TCPConnector

from ..functional.scripted import OK, Scripted, answering, scripted, until
from ..seed.sockets import opening


@pytest.fixture(name="server")
async def fixture_server() -> Any:
    async with scripted(OK) as running:
        yield running


async def test_entered(server: Scripted) -> None:
    async with pronghorn.request("get", server.url("/a"), params={"q": "1"}) as response:
        assert (response.status, await response.text()) == (200, "ok")
    (request,) = server.requests
    assert (request.method, request.target) == ("GET", "/a?q=1")
    assert request.fields["Connection"] == "close"


async def test_awaited(server: Scripted) -> None:
    response = await pronghorn.request("POST", server.url(), data=b"abc")
    assert await response.text() == "ok"
    assert server.requests[0].body == b"abc"


async def test_awaited_and_read_later() -> None:
    go_on = asyncio.Event()

    async def slow(peer: Any) -> None:
        await peer.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
        await go_on.wait()
        await peer.send(b"llo")
        await peer.rest()

    async with scripted(slow) as server:
        response = await pronghorn.request("GET", server.url())
        go_on.set()
        assert await response.text() == "hello"


async def test_nothing_is_left_of_a_body_that_is_not_read() -> None:
    half = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", then="stay")
    async with scripted(half) as server, pronghorn.request("GET", server.url()) as response:
        assert response.status == 200


async def test_a_connector_of_ones_own_stays_open(server: Scripted) -> None:
    async with TCPConnector() as connector:
        for _ in range(2):
            async with pronghorn.request("GET", server.url(), connector=connector) as response:
                await response.read()
        response = await pronghorn.request("GET", server.url(), connector=connector)
        await response.read()
        assert not connector.closed
        assert connector.stats().created == 1


async def test_cookies_are_not_kept(server: Scripted) -> None:
    async with pronghorn.request("GET", server.url(), cookies={"a": "b"}) as response:
        await response.read()
    assert server.requests[0].fields["Cookie"] == "a=b"


async def test_version(server: Scripted) -> None:
    async with pronghorn.request("GET", server.url(), version=HttpVersion10) as response:
        await response.read()
    assert server.requests[0].fields["Connection"] == "close"


@pytest.mark.parametrize(("name", "value"), [("encoding", "utf-8"), ("loop", "the running one")])
async def test_what_has_no_meaning_any_more(server: Scripted, name: str, value: Any) -> None:
    if name == "loop":
        value = asyncio.get_running_loop()
    with pytest.warns(DeprecationWarning, match=f"request: {name} has no meaning any more"):
        context = pronghorn.request("GET", server.url(), **{name: value})
    async with context as response:
        assert response.status == 200


async def test_what_fails_leaves_nothing() -> None:
    for make in (pronghorn.request("GET", "http://127.0.0.1:1/"), pronghorn.request("GET", "ftp://x/")):
        with pytest.raises(pronghorn.ClientError):
            async with make:
                pass
    with pytest.raises(pronghorn.ClientConnectorError):
        await pronghorn.request("GET", "http://127.0.0.1:1/")
    with pytest.raises(TypeError, match="nothing"):
        await pronghorn.request("GET", "http://127.0.0.1:1/", nothing=1)  # type: ignore[call-arg]  # that is the test


async def test_as_a_coroutine(server: Scripted) -> None:
    task = asyncio.create_task(pronghorn.request("GET", server.url()))
    async with await task as response:
        assert await response.text() == "ok"


# A WebSocket


async def test_a_websocket_entered_and_awaited() -> None:
    async with scripted(opening()) as server:
        async with pronghorn.ws_connect(server.url()) as websocket:
            assert not websocket.closed
        assert websocket.closed
        websocket = await pronghorn.ws_connect(server.url())
        assert await websocket.close()


async def test_a_websocket_by_a_connector_of_ones_own() -> None:
    async with scripted(opening()) as server, TCPConnector() as connector:
        async with pronghorn.ws_connect(server.url(), connector=connector):
            pass
        assert not connector.closed


async def test_no_websocket_and_nothing_is_left(server: Scripted) -> None:
    with pytest.raises(pronghorn.WSServerHandshakeError) as caught:
        await pronghorn.ws_connect(server.url())
    assert caught.value.status == 200
    await until(lambda: server.peers[0].has_left)


async def test_the_loop_of_a_websocket_is_not_needed() -> None:
    async with scripted(opening()) as server:
        with pytest.warns(DeprecationWarning, match="ws_connect: loop"):
            context = pronghorn.ws_connect(server.url(), loop=asyncio.get_running_loop())
        async with context:
            pass
