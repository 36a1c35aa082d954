"""How responses stand on the wire, whole and broken."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from pronghorn import web
from pronghorn.testing import TestServer

from ..server.peer import PATIENCE, Peer, connect, served, serving

OLD = b"GET / HTTP/1.0\r\n\r\n"
OLD_KEPT = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"


async def text(request: web.Request) -> web.Response:
    return web.Response(text="hello")


async def pieces(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for piece in (b"a", b"", b"bc", bytes(100_000)):
        await response.write(piece)
    await response.write_eof(b"end")
    return response


async def measured(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    response.content_length = 6
    await response.prepare(request)
    await response.write(b"abc")
    await response.write(b"def")
    return response


PIECES = b"abc" + bytes(100_000) + b"end"


# Routes, from end to end


async def test_routes() -> None:
    async def name(request: web.Request) -> web.Response:
        return web.Response(text=f"{request.match_info['name']} {request.query.get('q')}")

    routes = web.RouteTableDef()
    routes.get("/users/{name}")(name)
    routes.post(r"/items/{name:\d+}")(name)
    app = web.Application()
    app.add_routes([*routes, web.get("/users/me", text)])
    async with TestServer(app) as server, connect(server) as peer:
        assert (await peer.ask(target="/users/x%20%C3%A9?q=1")).text == "x é 1"
        assert (await peer.ask(target="/users/me")).text == "hello"
        assert (await peer.ask("POST", "/items/17", body=b"")).text == "17 None"
        missing = await peer.ask(target="/items/x")
        assert (missing.status, missing.text) == (404, "404: Not Found")
        wrong = await peer.ask("DELETE", "/users/me")
        assert (wrong.status, wrong["allow"], wrong.text) == (405, "GET,HEAD", "405: Method Not Allowed")
        head = await peer.ask("HEAD", "/users/me")
        assert (head.status, head["content-length"], head.content) == (200, "5", b"")
        assert (await peer.ask(target="/users/me")).text == "hello"


# Framing


async def test_a_whole_response() -> None:
    async with served(text) as peer:
        answer = await peer.ask()
        assert (answer.version, answer.status, answer.reason) == ("HTTP/1.1", 200, "OK")
        assert (answer["content-length"], answer.text) == ("5", "hello")
        assert answer["content-type"] == "text/plain; charset=utf-8"
        assert {"date", "server"} <= {name for name, _ in answer.fields}
        assert "connection" not in answer


@pytest.mark.parametrize(
    ("handler", "framing", "content"),
    [
        (pieces, ("transfer-encoding", "chunked"), PIECES),
        (measured, ("content-length", "6"), b"abcdef"),
    ],
)
async def test_a_streamed_response(handler: Any, framing: tuple[str, str], content: bytes) -> None:
    async with served(handler) as peer:
        for _ in range(2):
            answer = await peer.ask()
            assert framing in answer.fields
            assert answer.is_whole
            assert answer.content == content


async def test_for_an_old_client_the_end_is_the_close() -> None:
    async with served(pieces) as peer:
        peer.send(OLD_KEPT)
        answer = await peer.answer()
        assert not {"transfer-encoding", "content-length"} & {name for name, _ in answer.fields}
        assert answer["connection"] == "close"
        assert answer.content == PIECES
        assert answer.is_whole


async def test_an_old_client_is_kept_if_it_asks() -> None:
    async with served(text) as peer:
        for _ in range(2):
            peer.send(OLD_KEPT)
            answer = await peer.answer()
            assert (answer["connection"], answer.text) == ("keep-alive", "hello")
        peer.send(OLD)
        assert (await peer.answer())["connection"] == "close"
        assert await peer.is_closed()


@pytest.mark.parametrize("handler", [text, pieces, measured])
async def test_head_has_no_content(handler: Any) -> None:
    async with served(handler) as peer:
        for _ in range(2):
            answer = await peer.ask("HEAD")
            assert answer.status == 200
            assert answer.content == b""
        assert (await peer.ask()).is_whole


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("kind", [web.Response, web.StreamResponse])
async def test_statuses_without_content(status: int, kind: Callable[..., web.StreamResponse]) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path == "/":
            response = kind(status=status)
            await response.prepare(request)
            if kind is web.StreamResponse:
                await response.write(b"dropped")
            return response
        return web.Response(text="next")

    async with served(handler) as peer:
        answer = await peer.ask()
        assert answer.status == status
        assert "transfer-encoding" not in answer
        assert (await peer.ask(target="/next")).text == "next"


async def test_the_head_of_a_stream_leaves_before_its_body() -> None:
    gate = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await gate.wait()
        return response

    async with served(handler) as peer:
        peer.request()
        async with asyncio.timeout(PATIENCE):
            head = await peer.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        gate.set()
        assert await peer.reader.readexactly(5) == b"0\r\n\r\n"


# What may not leave


@pytest.mark.parametrize("where", ["name", "value", "content_type", "location"])
@pytest.mark.parametrize("bad", ["a\r\nSet-Cookie: a=b", "a\nb", "a\rb", "a\0b"])
@pytest.mark.parametrize("kind", [web.Response, web.StreamResponse])
async def test_nothing_leaves_of_a_head_that_breaks_the_grammar(
    where: str, bad: str, kind: Callable[..., web.StreamResponse]
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = kind()
        if where == "name":
            response.headers[bad] = "x"
        elif where == "value":
            response.headers["X"] = bad
        elif where == "content_type":
            response.content_type = bad
        else:
            raise web.HTTPFound("/" + bad)
        await response.prepare(request)
        return response

    async with served(handler) as peer:
        answer = await peer.ask()
        assert (answer.status, answer.text) == (500, "500: Internal Server Error")
        assert await peer.is_closed()


# Handlers that fail


async def raises(request: web.Request) -> web.Response:
    secret = "hunter2"
    raise LookupError(secret)


async def gives_nothing(request: web.Request) -> None:
    return None


async def gives_text(request: web.Request) -> str:
    return "hello"


async def gives_a_class(request: web.Request) -> Any:
    return web.Response


USED = web.Response(text="once")


async def gives_one_twice(request: web.Request) -> web.Response:
    return USED


@pytest.mark.parametrize("handler", [raises, gives_nothing, gives_text, gives_a_class])
async def test_500_tells_nothing_and_closes(handler: Any, caplog: pytest.LogCaptureFixture) -> None:
    async with served(handler) as peer:
        answer = await peer.ask()
        assert (answer.status, answer.text, answer["connection"]) == (
            500,
            "500: Internal Server Error",
            "close",
        )
        assert answer["content-type"] == "text/plain; charset=utf-8"
        assert await peer.is_closed()
    (record,) = caplog.records
    assert record.name == "pronghorn.server"
    assert record.exc_info


async def test_a_response_serves_once() -> None:
    async with serving(gives_one_twice) as server, connect(server) as peer:
        assert (await peer.ask()).text == "once"
        assert (await peer.ask()).status == 500


async def test_http_exceptions_are_answers(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(request: web.Request) -> web.Response:
        raise {
            "/found": web.HTTPFound("/there"),
            "/gone": web.HTTPGone(text="long ago", headers={"X-When": "1994"}),
            "/nothing": web.HTTPNoContent(),
            "/later": web.HTTPServiceUnavailable(),
        }[request.path]

    async with served(handler) as peer:
        found = await peer.ask(target="/found")
        assert (found.status, found["location"], found.text) == (302, "/there", "302: Found")
        gone = await peer.ask(target="/gone")
        assert (gone.status, gone.text, gone["x-when"]) == (410, "long ago", "1994")
        assert (await peer.ask(target="/nothing")).status == 204
        assert (await peer.ask(target="/later")).text == "503: Service Unavailable"
    assert not caplog.records


# Messages whose end was not written


async def _fail(response: web.StreamResponse) -> None:
    raise LookupError


async def _cancel(response: web.StreamResponse) -> None:
    raise asyncio.CancelledError


async def _refuse(response: web.StreamResponse) -> None:
    raise web.HTTPNotFound


async def _generate(response: web.StreamResponse) -> None:
    async def generate() -> AsyncIterator[bytes]:
        yield b"more"
        raise LookupError

    async for piece in generate():
        await response.write(piece)


async def _overflow(response: web.StreamResponse) -> None:
    if response.content_length is None:
        raise LookupError
    await response.write(bytes(100))


BREAKS = [_fail, _cancel, _refuse, _generate, _overflow]


@pytest.mark.parametrize("break_off", BREAKS)
@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
async def test_a_broken_message_never_looks_whole(framing: str, break_off: Any) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if framing == "length":
            response.content_length = 50
        await response.prepare(request)
        await response.write(b"begun")
        await break_off(response)
        return response

    async with served(handler) as peer:
        if framing == "close":
            peer.send(OLD)
        else:
            peer.request()
        answer = await peer.answer()
        assert b"begunmore".startswith(answer.content)
        assert not answer.is_whole
        await peer.rest()
        assert peer.was_reset or framing != "close"


async def test_a_message_shorter_than_declared_never_looks_whole() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 50
        await response.prepare(request)
        await response.write(b"short")
        return response

    async with served(handler) as peer:
        answer = await peer.ask()
        assert b"short".startswith(answer.content)
        assert not answer.is_whole


async def test_another_response_after_the_head_of_one() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        begun = web.StreamResponse()
        await begun.prepare(request)
        await begun.write(b"one")
        return web.Response(text="other")

    async with served(handler) as peer:
        answer = await peer.ask()
        assert b"one".startswith(answer.content)
        assert not answer.is_whole


async def test_a_failure_after_the_end_keeps_the_answer() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.Response(text="whole")
        await response.prepare(request)
        await response.write_eof()
        raise LookupError

    async with served(handler) as peer:
        answer = await peer.ask()
        assert (answer.text, answer.is_whole) == ("whole", True)


async def test_a_cancelled_handler_answers_nothing() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.task is not None
        request.task.cancel()
        await asyncio.sleep(0)
        return web.Response()

    async with served(handler) as peer:
        peer.request()
        assert await peer.rest() == b""


async def _peers_work_on(peer: Peer) -> None:
    assert (await peer.ask(target="/fine")).text == "hello"


async def test_a_failing_handler_harms_no_other_connection() -> None:
    async def handler(request: web.Request) -> web.Response:
        return await (text if request.path == "/fine" else raises)(request)

    async with serving(handler) as server, connect(server) as one, connect(server) as other:
        await _peers_work_on(other)
        assert (await one.ask()).status == 500
        await _peers_work_on(other)
