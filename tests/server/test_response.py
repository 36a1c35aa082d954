"""Responses, against an exchange in memory. On the wire: functional/test_server_answers.py."""

import asyncio
import json
import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import pytest

from pronghorn import web
from pronghorn.testing.memory import MemoryExchange, make_request
from pronghorn.wire.events import HttpVersion10


def exchange_of(request: web.Request) -> MemoryExchange:
    assert isinstance(request.exchange, MemoryExchange)
    return request.exchange


async def send(response: web.StreamResponse, **request: Any) -> MemoryExchange:
    asked = make_request(**request)
    await response.prepare(asked)
    await response.write_eof()
    return exchange_of(asked)


# Status and reason


@pytest.mark.parametrize("kind", [web.Response, web.StreamResponse])
def test_status_and_reason(kind: Callable[..., web.StreamResponse]) -> None:
    assert (kind().status, kind().reason) == (200, "OK")
    for status in (201, 404, 503):
        assert kind(status=status).reason == HTTPStatus(status).phrase
    assert kind(status=299).reason == ""
    assert kind(status=200, reason="Fine").reason == "Fine"
    response = kind()
    response.set_status(404)
    assert (response.status, response.reason) == (404, "Not Found")
    response.set_status(404, "Gone fishing")
    assert response.reason == "Gone fishing"


@pytest.mark.parametrize("kind", [web.Response, web.StreamResponse])
@pytest.mark.parametrize("reason", ["a\r\nb", "a\nb", "a\0b", "\r", "a\x7fb"])
def test_reason_is_held_to_the_grammar(kind: Callable[..., web.StreamResponse], reason: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        kind(reason=reason)
    with pytest.raises(ValueError, match="control character"):
        kind().set_status(200, reason)


@pytest.mark.parametrize("status", [0, 99, 1000, -200])
def test_status_has_three_digits(status: int) -> None:
    with pytest.raises(ValueError, match="status"):
        web.Response(status=status)


# Fields


async def test_default_fields() -> None:
    sent = (await send(web.Response(body=b"x"))).sent
    assert sent is not None
    assert sent.fields["Content-Type"] == "application/octet-stream"
    assert re.fullmatch(r"Python/3\.\d+ pronghorn/\S+", sent.fields["Server"])
    assert sent.fields["Date"].endswith(" GMT")
    parsedate_to_datetime(sent.fields["Date"])


async def test_fields_of_ones_own() -> None:
    response = web.Response(
        headers=[("Set-Cookie", "a=b"), ("Set-Cookie", "c=d"), ("Server", "x"), ("Date", "y")]
    )
    response.headers["X-More"] = "z"
    sent = (await send(response)).sent
    assert sent is not None
    assert sent.fields.getall("Set-Cookie") == ["a=b", "c=d"]
    assert (sent.fields["Server"], sent.fields["Date"], sent.fields["X-More"]) == ("x", "y", "z")
    assert len(sent.fields.getall("Server")) == len(sent.fields.getall("Date")) == 1


@pytest.mark.parametrize(
    "name", ["Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "content-length"]
)
async def test_framing_is_not_a_field(name: str) -> None:
    sent = (await send(web.Response(body=b"x", headers={name: "7"}))).sent
    assert sent is not None
    assert name not in sent.fields


@pytest.mark.parametrize(
    ("options", "content_type"),
    [
        ({}, "application/octet-stream"),
        ({"body": b"x"}, "application/octet-stream"),
        ({"text": "x"}, "text/plain; charset=utf-8"),
        ({"text": "x", "content_type": "text/html"}, "text/html; charset=utf-8"),
        ({"text": "x", "charset": "latin-1"}, "text/plain; charset=latin-1"),
        ({"body": b"x", "content_type": "image/png"}, "image/png"),
        ({"body": b"x", "headers": {"Content-Type": "a/b"}}, "a/b"),
        ({"text": "x", "headers": {"content-type": "a/b; charset=latin-1"}}, "a/b; charset=latin-1"),
        ({"text": "x", "headers": {"X": "y"}}, "text/plain; charset=utf-8"),
    ],
)
def test_content_type(options: dict[str, Any], content_type: str) -> None:
    assert web.Response(**options).headers["Content-Type"] == content_type


def test_content_type_and_charset_can_be_set() -> None:
    response = web.StreamResponse()
    with pytest.raises(RuntimeError, match="charset"):
        response.charset = "utf-8"
    response.content_type = "text/html"
    response.charset = "UTF-8"
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    response.content_type = "text/plain"
    assert (response.content_type, response.charset) == ("text/plain", "utf-8")
    response.charset = None
    assert response.headers["Content-Type"] == "text/plain"


@pytest.mark.parametrize(
    "options",
    [
        {"body": b"x", "text": "x"},
        {"text": "x", "content_type": "a/b", "headers": {"Content-Type": "c/d"}},
        {"charset": "utf-8", "headers": {"Content-Type": "c/d"}},
        {"text": "x", "content_type": "text/plain; charset=utf-8"},
    ],
)
def test_two_opinions_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Response"):
        web.Response(**options)


# Body and text


def test_text_and_body() -> None:
    response = web.Response(text="é", charset="latin-1")
    assert (response.body, response.text) == (b"\xe9", "é")
    response.text = "ü"
    assert response.body == b"\xfc"
    response.body = b"\xe9"
    assert response.text == "é"
    response.body = None
    assert (response.body, response.text, response.content_length) == (None, None, 0)
    response = web.Response()
    response.text = "x"
    assert response.content_type == "text/plain"


@pytest.mark.parametrize("body", [b"abc", bytearray(b"abc"), memoryview(b"abc")])
async def test_body_may_be_any_bytes(body: Any) -> None:
    exchange = await send(web.Response(body=body))
    assert bytes(exchange.content) == b"abc"
    assert exchange.has_ended


def test_wrong_types_are_refused() -> None:
    with pytest.raises(TypeError, match="body"):
        web.Response(body="text")  # type: ignore[arg-type]  # that it is refused is the point
    with pytest.raises(TypeError, match="text"):
        web.Response().text = b"x"  # type: ignore[assignment]  # that it is refused is the point


def test_a_whole_body_has_its_own_length() -> None:
    response = web.Response(body=b"abc")
    assert response.content_length == 3
    with pytest.raises(RuntimeError, match="content_length"):
        response.content_length = 4
    response.enable_chunked_encoding()
    assert (response.chunked, response.content_length) == (True, None)


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


# Sending piece by piece


async def test_the_head_leaves_at_once() -> None:
    request = make_request()
    response = web.StreamResponse(status=201, headers={"X": "y"})
    assert not response.prepared
    await response.prepare(request)
    sent = exchange_of(request).sent
    assert response.prepared
    assert sent is not None
    assert (sent.first, sent.second, sent.fields["X"], sent.length) == (201, "Created", "y", None)
    await response.prepare(request)


async def test_pieces_then_the_end() -> None:
    request = make_request()
    response = web.StreamResponse()
    await response.prepare(request)
    for piece in (b"ab", bytearray(b"cd"), memoryview(b"ef"), b""):
        await response.write(piece)
    assert (response.body_length, response.has_ended) == (6, False)
    await response.write_eof(b"gh")
    assert response.has_ended
    assert bytes(exchange_of(request).content) == b"abcdefgh"
    assert exchange_of(request).has_ended
    await response.write_eof()
    assert bytes(exchange_of(request).content) == b"abcdefgh"


async def test_the_order_of_calls_is_held() -> None:
    response = web.StreamResponse()
    with pytest.raises(RuntimeError, match="before prepare"):
        await response.write(b"x")
    with pytest.raises(RuntimeError, match="before prepare"):
        await response.write_eof()
    await send(response)
    with pytest.raises(RuntimeError, match="after write_eof"):
        await response.write(b"x")


async def test_what_is_no_bytes_is_refused() -> None:
    response = web.StreamResponse()
    await response.prepare(make_request())
    for data in ("text", 1, None):
        with pytest.raises(TypeError, match="write"):
            await response.write(data)  # type: ignore[arg-type]  # that it is refused is the point


async def test_a_settled_head_can_not_be_changed() -> None:
    response = web.StreamResponse()
    await response.prepare(make_request())
    with pytest.raises(RuntimeError, match="prepared"):
        response.set_status(404)
    with pytest.raises(RuntimeError, match="prepared"):
        response.content_length = 1
    with pytest.raises(RuntimeError, match="prepared"):
        response.content_type = "a/b"
    with pytest.raises(RuntimeError, match="prepared"):
        response.enable_chunked_encoding()


async def test_declared_lengths() -> None:
    response = web.StreamResponse()
    response.content_length = 3
    assert response.content_length == 3
    with pytest.raises(RuntimeError, match="content_length"):
        response.enable_chunked_encoding()
    request = make_request()
    await response.prepare(request)
    await response.write_eof(b"abc")
    sent = exchange_of(request).sent
    assert sent is not None
    assert sent.length == 3
    response = web.StreamResponse(headers={"Content-Length": "3"})
    response.content_length = None
    response.enable_chunked_encoding()
    with pytest.raises(RuntimeError, match="chunked"):
        response.content_length = 3


async def test_who_decides_about_the_connection() -> None:
    async def is_persistent(response: web.StreamResponse) -> bool:
        exchange = await send(response)
        assert exchange.sent is not None
        return exchange.sent.is_persistent

    assert await is_persistent(web.Response())
    assert web.Response().keep_alive is None
    closing = web.Response()
    closing.force_close()
    assert closing.keep_alive is False
    assert not await is_persistent(closing)
    assert not await is_persistent(web.Response(headers={"Connection": "Keep-Alive, CLOSE"}))
    assert await is_persistent(web.Response(headers={"Connection": "closed"}))


async def test_a_chunked_response_with_a_body() -> None:
    for version, length in ((None, None), (HttpVersion10, None)):
        response = web.Response(body=b"abc")
        response.enable_chunked_encoding()
        exchange = await send(response, **({"version": version} if version else {}))
        assert exchange.sent is not None
        assert exchange.sent.length is length
        assert bytes(exchange.content) == b"abc"
        assert exchange.has_ended


async def test_a_writer_waits_for_room() -> None:
    request = make_request(exchange=MemoryExchange(writable=10))
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"x" * 9)
    writing = asyncio.create_task(response.write(b"x" * 9))
    await asyncio.sleep(0)
    assert not writing.done()
    exchange_of(request).take()
    await writing
    await response.write_eof()


async def test_a_writer_lets_others_run() -> None:
    request = make_request(exchange=MemoryExchange(writable=1 << 40))
    response = web.StreamResponse()
    await response.prepare(request)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    for _ in range(100):
        await response.write(bytes(64 * 1024))
    counting.cancel()
    assert turns >= 20


async def test_two_requests_can_not_share_an_open_response() -> None:
    first, second = make_request(), make_request()
    response = web.StreamResponse()
    await response.prepare(first)
    with pytest.raises(RuntimeError, match="prepare"):
        await response.prepare(second)
    assert not exchange_of(first).has_ended


def test_it_is_a_mapping_and_tells_its_state() -> None:
    response = web.StreamResponse()
    key = web.ResponseKey("key", str)
    response[key] = "value"
    assert dict(response) == {key: "value"}
    with pytest.warns(web.NotAppKeyWarning, match="ResponseKey"):
        response["key"] = "other"
    assert repr(response) == "<StreamResponse 200 OK not prepared>"
