"""Expect: 100-continue, 1xx responses and trailers, both ends (RFC 9110 sections 6.5, 10.1.1 and 15.2)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from pronghorn import ClientSession, web
from pronghorn.testing import TestClient, TestServer

from .scripted import OK, Peer, scripted

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


async def read_body(request: web.Request) -> web.Response:
    return web.Response(body=await request.read())


async def look_away(request: web.Request) -> web.Response:
    return web.Response(status=403, text="no")


async def pieces() -> AsyncIterator[bytes]:
    for _ in range(3):
        yield b"x" * 1000


# The client asks


async def test_the_body_waits_for_100() -> None:
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        head = await peer.head()
        assert head.fields["Expect"] == "100-continue"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                seen.append(await peer.reader.read(1))
        peer.writer.write(CONTINUE)
        seen.append(await peer.reader.readexactly(5))
        peer.writer.write(OK)

    async with (
        scripted(script) as server,
        ClientSession() as session,
        session.post(server.url(), data=b"hello", expect100=True) as response,
    ):
        assert await response.read() == b"ok"
        assert [head.status for head in response.informational] == [100]
    assert seen == [b"hello"]


@pytest.mark.parametrize(
    ("session", "own"), [({"expect": "100-continue"}, {}), ({}, {"EXPECT": "100-continue"})]
)
async def test_an_expectation_among_the_fields(session: dict[str, str], own: dict[str, str]) -> None:
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        head = await peer.head()
        assert head.fields.getall("Expect") == ["100-continue"]
        await peer.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        peer.writer.write(CONTINUE)
        seen.append(await peer.reader.readexactly(5))
        peer.writer.write(OK)

    async with (
        scripted(script) as server,
        ClientSession(headers=session) as asking,
        asking.post(server.url(), data=b"hello", headers=own) as response,
    ):
        assert [head.status for head in response.informational] == [103, 100]
    assert seen == [b"hello"]


async def test_a_server_that_knows_no_100_gets_the_body_after_a_while() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        assert await peer.reader.readexactly(5) == b"hello"
        peer.writer.write(OK)

    async with scripted(script) as server, ClientSession() as session:
        start = asyncio.get_running_loop().time()
        async with session.post(server.url(), data=b"hello", expect100=True) as response:
            assert await response.read() == b"ok"
        assert 0.9 < asyncio.get_running_loop().time() - start < 3


async def test_a_final_answer_keeps_the_body_at_home() -> None:
    rest: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.head()
        peer.writer.write(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno")
        with suppress(ConnectionResetError):
            rest.append(await peer.reader.read())

    async with (
        scripted(script) as server,
        ClientSession() as session,
        session.post(server.url(), data=b"hello", expect100=True) as response,
    ):
        assert (response.status, await response.read()) == (403, b"no")
    assert rest in ([], [b""])


async def test_417_is_repeated_once_without_the_expectation() -> None:
    async def refuse(peer: Peer) -> None:
        await peer.head()
        peer.writer.write(b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")
        await peer.reader.read()

    async def accept(peer: Peer) -> None:
        request = await peer.request()
        assert "Expect" not in request.fields
        assert request.body == b"hello"
        peer.writer.write(OK)

    async with (
        scripted(refuse, accept) as server,
        ClientSession() as session,
        session.post(server.url(), data=b"hello", expect100=True) as response,
    ):
        assert response.status == 200


async def test_417_after_the_body_is_the_answer_if_the_body_is_spent() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.writer.write(CONTINUE)
        await peer.reader.readuntil(b"0\r\n\r\n")
        peer.writer.write(b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")

    async with (
        scripted(script) as server,
        ClientSession() as session,
        session.post(server.url(), data=pieces(), expect100=True) as response,
    ):
        assert response.status == 417
    assert len(server.peers) == 1


async def test_a_second_417_is_the_answer() -> None:
    answer = b"HTTP/1.1 417 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    async with (
        scripted(answer) as server,
        ClientSession() as session,
        session.post(server.url(), data=b"hello", expect100=True) as response,
    ):
        assert response.status == 417


# The server answers


@pytest.mark.parametrize("data", [b"hello", b"x" * 200_000, None])
async def test_both_ends(data: bytes | None) -> None:
    app = web.Application()
    app.add_routes([web.post("/", read_body), web.post("/no", look_away)])
    async with TestClient(TestServer(app)) as client:
        async with client.post("/", data=data or pieces(), expect100=True) as response:
            assert await response.read() == (data or b"x" * 3000)
            assert [head.status for head in response.informational] == [100]
        async with client.post("/no", data=data or pieces(), expect100=True) as response:
            assert response.status == 403
            assert response.informational == ()
            assert response.headers["Connection"] == "close"


async def test_a_route_s_expect_handler_comes_first() -> None:
    asked: list[str] = []

    async def ask(request: web.Request) -> web.StreamResponse | None:
        asked.append(request.path)
        return None if request.path == "/yes" else web.Response(status=413, text="too much")

    routes = web.RouteTableDef()
    routes.post("/{any}", expect_handler=ask)(read_body)
    app = web.Application()
    app.add_routes(routes)
    async with TestClient(TestServer(app)) as client:
        async with client.post("/yes", data=b"hello", expect100=True) as response:
            assert await response.read() == b"hello"
        async with client.post("/no", data=b"hello", expect100=True) as response:
            assert response.status == 413
        async with client.post("/no", data=b"hello") as response:
            assert response.status == 200
    assert asked == ["/yes", "/no"]


# 1xx and trailers


async def test_early_hints() -> None:
    async def hint(request: web.Request) -> web.Response:
        request.send_informational(103, {"Link": "</style.css>; rel=preload"})
        request.send_informational(103, [("Link", "</code.js>; rel=preload")])
        with pytest.raises(ValueError, match="informational"):
            request.send_informational(200)
        return web.Response(text="page")

    app = web.Application()
    app.add_routes([web.get("/", hint)])
    async with TestClient(TestServer(app)) as client:
        async with client.get("/") as response:
            assert await response.text() == "page"
            links = [(head.status, head.headers["Link"]) for head in response.informational]
        async with client.get("/") as later:
            assert len(later.informational) == 2
        assert len(response.informational) == 2
    assert links == [(103, "</style.css>; rel=preload"), (103, "</code.js>; rel=preload")]


async def test_trailers() -> None:
    async def sum_up(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Trailer": "X-Sum"})
        await response.prepare(request)
        await response.write(b"1234")
        response.trailers["X-Sum"] = "10"
        await response.write_eof()
        return response

    app = web.Application()
    app.add_routes([web.get("/", sum_up)])
    async with TestClient(TestServer(app)) as client:
        async with client.get("/") as response:
            assert await response.read() == b"1234"
            assert response.trailers["X-Sum"] == "10"
        async with client.head("/") as response:
            assert not response.trailers


@pytest.mark.parametrize(("name", "value"), [("X", "a\r\nY: b"), ("Content-Length", "5"), ("a b", "c")])
async def test_a_bad_trailer_leaves_the_message_unfinished(name: str, value: str) -> None:
    async def lie(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        response.trailers[name] = value
        return response

    app = web.Application()
    app.add_routes([web.get("/", lie)])
    async with TestServer(app) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"chunked" in head
        try:
            rest = await reader.read()
        except ConnectionResetError:
            rest = b""
        assert b"0\r\n" not in rest
        writer.close()


async def test_what_comes_once_is_sent_once() -> None:
    async def twice(request: web.Request) -> web.Response:
        response = web.Response(text="hello")
        response.headers.add("Content-Type", "text/html")
        return response

    app = web.Application()
    app.add_routes([web.get("/", twice)])
    async with TestClient(TestServer(app)) as client:
        async with client.get("/") as response:
            assert response.status == 500
        for name in ("Host", "Content-Type", "content-length"):
            with pytest.raises(ValueError, match=f"(?i){name} once"):
                await client.post("/", data=b"1", headers=[(name, "1"), (name.lower(), "1")])
