"""The functions at the top of the package."""

import asyncio
import inspect
from typing import Any

import pytest

import pronghorn
from pronghorn import (
    BasicAuth,
    ClientResponse,
    ClientSession,
    ClientWebSocketResponse,
    HttpVersion10,
    TCPConnector,
)

from ..functional.scripted import OK, Peer, scripted
from ..functional.sites import Site, to
from .sockets import opening


async def test_s099_request() -> None:
    parameters = list(inspect.signature(pronghorn.request).parameters.values())
    assert [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD] == ["method", "url"]
    async with scripted(OK) as server, pronghorn.request("propfind", server.url("/a")) as response:
        assert isinstance(response, ClientResponse)
        assert (response.status, await response.text()) == (200, "ok")
    assert [(request.method, request.target) for request in server.requests] == [("PROPFIND", "/a")]


async def test_s100_arguments_of_request() -> None:
    """Those of a session's request, and a connector."""
    site = Site({"/0": to("/1")})
    options: dict[str, Any] = {
        "params": {"a": "1"},
        "json": {"b": 2},
        "headers": {"X-A": "1"},
        "cookies": {"c": "3"},
        "auth": BasicAuth("user"),
        "compress": "gzip",
        "expect100": False,
        "read_until_eof": True,
        "max_redirects": 5,
    }
    async with scripted(site) as server:
        async with pronghorn.request("POST", server.url("/"), **options) as response:
            assert response.status == 200
        assert site.lines == ["POST /?a=1"]
        fields = {name: site.fields(name) for name in ("X-A", "Cookie", "Authorization", "Content-Encoding")}
        assert list(fields.values()) == [[["1"]], [["c=3"]], [["Basic dXNlcjo="]], [["gzip"]]]
        for is_followed in (True, False):
            async with pronghorn.request("GET", server.url("/0"), allow_redirects=is_followed) as response:
                assert response.status == (200 if is_followed else 302)
        async with pronghorn.request("POST", server.url("/"), data=b"body", chunked=True) as response:
            assert response.status == 200
        assert site.bodies[-1] == b"body"
        async with TCPConnector() as connector:
            for _ in range(2):
                async with pronghorn.request("GET", server.url("/"), connector=connector) as response:
                    await response.read()
            assert not connector.closed
            assert len(connector._connections) == 1
    with pytest.raises(ValueError, match="data and json"):
        await pronghorn.request("POST", server.url(), data=b"x", json={})
    with pytest.raises(TypeError, match="unheard_of"):
        await pronghorn.request("GET", server.url(), unheard_of=1)  # type: ignore[call-arg]  # what is tested


async def test_s101_encoding_has_no_meaning_any_more() -> None:
    async with scripted(OK) as server:
        with pytest.warns(DeprecationWarning, match="encoding"):
            request = pronghorn.request("GET", server.url(), encoding="utf-8")
        assert await (await request).text() == "ok"


async def test_s102_loop_has_no_meaning_any_more() -> None:
    async with scripted(OK) as server:
        with pytest.warns(DeprecationWarning, match="loop"):
            request = pronghorn.request("GET", server.url(), loop=asyncio.get_running_loop())
        assert await (await request).text() == "ok"


async def test_s103_it_is_awaited_or_entered() -> None:
    async with scripted(OK) as server:
        assert await (await pronghorn.request("GET", server.url())).text() == "ok"
        async with pronghorn.request("GET", server.url()) as response:
            assert await response.text() == "ok"
        response = await pronghorn.request("GET", server.url())
        async with response:
            assert await response.text() == "ok"


async def test_s104_without_keep_alive_and_cookies() -> None:
    site = Site({"/set": b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nContent-Length: 0\r\n\r\n"})
    heads = []

    async def look(peer: Peer) -> None:
        heads.append(await peer.reader.readuntil(b"\r\n\r\n"))
        await peer.send(OK)
        await peer.rest()

    async with scripted(site) as server:
        for path in ("/set", "/"):
            async with pronghorn.request(
                "GET", server.url(path).replace("127.0.0.1", "localhost")
            ) as response:
                assert response.status == 200
        assert site.connections == 2
        assert site.fields("Connection") == [["close"]] * 2
        assert site.fields("Cookie") == [[], []]
    async with scripted(look) as server:
        await (await pronghorn.request("GET", server.url(), version=HttpVersion10)).read()
    assert heads[0].startswith(b"GET / HTTP/1.0\r\n")


async def test_s106_request_is_the_source_of_responses() -> None:
    async with (
        scripted(OK) as server,
        ClientSession() as session,
        session.request("GET", server.url()) as response,
    ):
        assert isinstance(response, ClientResponse)
        assert await response.text() == "ok"
    assert not hasattr(ClientSession, "requests")


async def test_s105_ws_connect() -> None:
    async with scripted(opening()) as server:
        websocket = await pronghorn.ws_connect(server.url("/a"))
        assert isinstance(websocket, ClientWebSocketResponse)
        await websocket.close()
        async with pronghorn.ws_connect(server.url("/b")) as websocket:
            assert not websocket.closed
    assert [request.target for request in server.requests] == ["/a", "/b"]
