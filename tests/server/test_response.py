"""Responses with their body. How whole ones stand on the wire: functional/test_server_answers.py."""

import asyncio
import io
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pronghorn import MultipartWriter, web
from pronghorn.body.payload import BytesPayload, JsonPayload, Payload
from pronghorn.server.response import json_bytes_response
from pronghorn.testing import TestServer
from pronghorn.testing.memory import MemoryExchange, make_request
from pronghorn.wire.events import HttpVersion10

from .exchanges import exchange_of, send
from .peer import connect, eventually, served, serving

# Body and text


def test_text_and_body() -> None:
    response = web.Response(text="é", charset="latin-1")
    assert (response.body, response.text) == (b"\xe9", "é")
    response.text = "ü"
    assert response.body == b"\xfc"
    response.body = b"\xe9"
    assert response.text == "é"
    response.body = None
    assert [response.body, response.text, response.content_length] == [None, None, 0]
    response = web.Response()
    response.text = "x"
    assert response.content_type == "text/plain"


@pytest.mark.parametrize("body", [b"abc", bytearray(b"abc"), memoryview(b"abc")])
async def test_body_may_be_any_bytes(body: Any) -> None:
    exchange = await send(web.Response(body=body))
    assert bytes(exchange.content) == b"abc"
    assert exchange.has_ended


def test_wrong_types_are_refused() -> None:
    for body in (object(), 1, ["text"]):
        with pytest.raises(TypeError, match="body"):
            web.Response(body=body)
    with pytest.raises(TypeError, match="text"):
        web.Response().text = b"x"  # type: ignore[assignment]  # that it is refused is the point


def test_a_whole_body_has_its_own_length() -> None:
    response = web.Response(body=b"abc")
    assert response.content_length == 3
    with pytest.raises(RuntimeError, match="content_length"):
        response.content_length = 4
    response.enable_chunked_encoding()
    assert [response.chunked, response.content_length] == [True, None]


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ({"data": {"a": [1, None]}}, b'{"a": [1, null]}'),
        ({"data": None}, b"null"),
        ({"text": "[]"}, b"[]"),
        ({"body": b"{}"}, b"{}"),
        ({"data": 1, "dumps": lambda data: f"<{data}>"}, b"<1>"),
    ],
)
def test_json_response(options: dict[str, Any], body: bytes) -> None:
    response = web.json_response(**options, status=201, reason="Made", headers={"X": "y"})
    assert response.body == body
    assert response.content_type == "application/json"
    assert response.charset == ("utf-8" if "body" not in options else None)
    assert (response.status, response.reason, response.headers["X"]) == (201, "Made", "y")


def test_json_response_of_two_things() -> None:
    with pytest.raises(ValueError, match="json_response"):
        web.json_response({}, text="{}")
    assert json.loads(web.json_response({"é": 1}).text or "") == {"é": 1}


async def test_a_chunked_response_with_a_body() -> None:
    for version, length in ((None, None), (HttpVersion10, None)):
        response = web.Response(body=b"abc")
        response.enable_chunked_encoding()
        exchange = await send(response, **({"version": version} if version else {}))
        assert exchange.sent is not None
        assert exchange.sent.length is length
        assert bytes(exchange.content) == b"abc"
        assert exchange.has_ended


# Bodies of other kinds


@pytest.mark.parametrize(
    ("options", "content", "content_type"),
    [
        ({}, "é".encode(), "text/plain; charset=utf-8"),
        ({"content_type": "text/html", "charset": "latin-1"}, b"\xe9", "text/html; charset=latin-1"),
        ({"content_type": "application/octet-stream"}, "é".encode(), "application/octet-stream"),
        ({"headers": {"Content-Type": "a/b"}}, "é".encode(), "a/b"),
    ],
)
async def test_a_str_is_text(options: dict[str, Any], content: bytes, content_type: str) -> None:
    response = web.Response(body="é", **options)
    assert (response.body, response.headers["Content-Type"]) == (content, content_type)
    assert response.send_nowait(make_request())


async def pieces() -> AsyncIterator[bytes]:
    for piece in (b"ab", b"", b"cd"):
        yield piece


async def test_an_async_iterable_is_sent_as_it_comes() -> None:
    response = web.Response(body=pieces())
    assert response.content_length is None
    assert not response.send_nowait(make_request())
    exchange = await send(response)
    assert exchange.sent is not None
    assert exchange.sent.length is None
    assert exchange.sent.fields["Content-Type"] == "application/octet-stream"
    assert (bytes(exchange.content), exchange.has_ended) == (b"abcd", True)
    assert (response.body_length, response.has_ended) == (4, True)


async def test_a_payload_describes_itself() -> None:
    payload = JsonPayload({"a": 1}, headers={"X-Own": "x", "X-Both": "payload"})
    response = web.Response(body=payload, headers={"X-Both": "response"})
    assert response.body is payload
    assert response.content_length == 8
    exchange = await send(response)
    assert exchange.sent is not None
    fields = exchange.sent.fields
    assert exchange.sent.length == 8
    assert (fields["Content-Type"], fields["X-Own"], fields["X-Both"]) == (
        "application/json",
        "x",
        "response",
    )
    assert bytes(exchange.content) == b'{"a": 1}'
    assert response.text == '{"a": 1}'


@pytest.mark.parametrize(
    "options",
    [
        {"content_type": "application/octet-stream"},
        {"headers": {"Content-Type": "application/octet-stream"}},
    ],
)
async def test_a_type_that_was_chosen_stays(options: dict[str, Any]) -> None:
    response = web.Response(body=BytesPayload(b"<html>", content_type="text/html"), **options)
    assert response.headers["Content-Type"] == "application/octet-stream"
    response = web.Response()
    response.content_type = "application/octet-stream"
    response.body = BytesPayload(b"<html>", content_type="text/html")
    assert response.headers["Content-Type"] == "application/octet-stream"


async def test_text_that_must_be_read_first() -> None:
    with pytest.raises(TypeError, match="as_bytes"):
        assert web.Response(body=pieces()).text


async def test_a_body_can_be_replaced() -> None:
    response = web.Response(body=pieces())
    response.body = b"abc"
    assert response.send_nowait(make_request())
    response = web.Response(text="abc")
    response.body = pieces()
    assert response.content_type == "text/plain"
    assert not response.send_nowait(make_request())
    with pytest.raises(RuntimeError, match="prepared"):
        await prepared_and_changed()


async def prepared_and_changed() -> None:
    response = web.Response()
    await response.prepare(make_request())
    response.body = b"x"


async def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(b"<p>" * 100_000)
    opened = []

    async def handler(request: web.Request) -> web.Response:
        opened.append(path.open("rb"))
        return web.Response(body=opened[-1])

    async with served(handler) as peer:
        for method in ("GET", "HEAD", "GET"):
            answer = await peer.ask(method)
            assert (answer["content-type"], answer["content-length"]) == ("text/html", "300000")
            assert answer["content-disposition"] == 'attachment; filename="page.html"'
            assert answer.content == (b"" if method == "HEAD" else path.read_bytes())
            await eventually(lambda: opened[-1].closed)


async def test_who_has_no_body_may_say_its_length_to_head() -> None:
    async def handler(request: web.Request) -> web.Response:
        response = web.Response(headers={"Content-Length": "300000"}, status=int(request.path[1:]))
        if "prepared" in request.query:
            await response.prepare(request)
        return response

    async with served(handler) as peer:
        for target in ("/200", "/200?prepared", "/404"):
            assert (await peer.ask("HEAD", target))["content-length"] == "300000"
            assert (await peer.ask("GET", target))["content-length"] == "0"
        assert "content-length" not in await peer.ask("HEAD", "/304")


async def test_other_files() -> None:
    spooled = tempfile.SpooledTemporaryFile()  # noqa: SIM115 - the response closes it
    spooled.write(b"abc")
    spooled.seek(0)
    for body, content in ((io.BytesIO(b"abc"), b"abc"), (io.StringIO("é"), "é".encode()), (spooled, b"abc")):
        exchange = await send(web.Response(body=body))
        assert (bytes(exchange.content), exchange.has_ended) == (content, True)
    assert spooled.closed


async def test_multipart() -> None:
    async def handler(request: web.Request) -> web.Response:
        writer = MultipartWriter("mixed", boundary="b")
        writer.append("one")
        writer.append_json([2])
        return web.Response(body=writer)

    async with served(handler) as peer:
        answer = await peer.ask()
        assert (
            answer["content-type"] == 'multipart/mixed; boundary="b"'
            or "boundary=b" in answer["content-type"]
        )
        assert answer.content.startswith(b"--b\r\n")
        assert answer.content.endswith(b"--b--\r\n")
        assert b"\r\n\r\none\r\n--b\r\n" in answer.content


class Watched(Payload):
    """Notes whether it was closed; says more than it has if it is asked to."""

    def __init__(self, content: bytes, size: int | None = None, *, is_endless: bool = False) -> None:
        super().__init__(content)
        self._size = size
        self._is_endless = is_endless
        self.closed = 0

    async def write(self, writer: Any) -> None:
        await writer.write(self._value)
        while self._is_endless:
            await writer.write(bytes(64 * 1024))

    async def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("status", [200, 204, 304])
async def test_a_payload_is_closed_when_it_was_sent(method: str, status: int) -> None:
    payload = Watched(b"abc", 3)

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=payload, status=status)

    async with served(handler) as peer:
        for _ in range(2):
            answer = await peer.ask(method)
            assert answer.content == (b"abc" if (method, status) == ("GET", 200) else b"")
    assert payload.closed >= 2


async def test_a_payload_is_closed_when_the_client_goes() -> None:
    # CVE-2026-54280.
    payload = Watched(b"abc", is_endless=True)

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=payload)

    async with served(handler) as peer:
        peer.request()
        await peer.reader.readexactly(100)
        peer.vanish()
        await eventually(lambda: payload.closed)


@pytest.mark.parametrize("size", [2, 4])
async def test_a_payload_of_another_size_does_not_look_whole(size: int) -> None:
    payload = Watched(b"abc", size)

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=payload)

    async with served(handler) as peer:
        peer.request()
        rest = await peer.rest()
        assert not rest.endswith(b"abc") or b"content-length: 3" not in rest.lower()
        assert peer.was_reset
    assert payload.closed


async def test_a_payload_is_closed_when_it_is_not_sent() -> None:
    async def fail(request: web.Request, response: web.StreamResponse) -> None:
        raise LookupError("no")

    payload = Watched(b"abc")
    app = web.Application()
    app.on_response_prepare.append(fail)

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=payload)

    app.router.add_get("/", handler)
    async with TestServer(app) as server, connect(server) as peer:
        assert (await peer.ask()).status == 500
    assert payload.closed


async def test_a_payload_is_closed_when_its_handler_is_cancelled() -> None:
    payload = Watched(b"abc", is_endless=True)
    request = make_request(exchange=MemoryExchange(writable=10))
    sending = asyncio.create_task(web.Response(body=payload)._complete(request))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert payload.closed


async def test_a_payload_in_chunks_and_more_behind_it() -> None:
    for chunked, length in ((False, 6), (True, None)):
        response = web.Response(body=Watched(b"abc", 3))
        if chunked:
            response.enable_chunked_encoding()
        request = make_request()
        await response.prepare(request)
        await response.write_eof(b"def")
        exchange = exchange_of(request)
        assert exchange.sent is not None
        assert (exchange.sent.length, bytes(exchange.content)) == (length, b"abcdef")


async def test_write_eof_adds_to_the_body() -> None:
    response = web.Response(body=b"abc")
    request = make_request()
    with pytest.raises(RuntimeError, match="before prepare"):
        await response.write_eof()
    await response.prepare(request)
    await response.write_eof(b"def")
    await response.write_eof()
    assert bytes(exchange_of(request).content) == b"abcdef"


@pytest.mark.parametrize(
    ("options", "body"),
    [({"data": {"a": 1}}, b"<{'a': 1}>"), ({"body": b"{}"}, b"{}"), ({"data": None}, b"<None>")],
)
def test_json_bytes_response(options: dict[str, Any], body: bytes) -> None:
    response = json_bytes_response(
        **options, dumps=lambda data: f"<{data}>".encode(), status=201, reason="Made", headers={"X": "y"}
    )
    assert response.body == body
    assert response.headers["Content-Type"] == "application/json"
    assert (response.status, response.reason, response.headers["X"]) == (201, "Made", "y")
    with pytest.raises(ValueError, match="json_bytes_response"):
        json_bytes_response(1, dumps=lambda data: b"", body=b"x")


async def test_one_answer_is_one_answer() -> None:
    kept = web.Response(text="kept")

    async def handler(request: web.Request) -> web.Response:
        return kept

    async with serving(handler) as server, connect(server) as peer:
        assert (await peer.ask()).text == "kept"
        assert (await peer.ask()).status == 500
