"""What is documented of requests and responses, as handlers and clients see it.

`tests/server/statements.md` says which test shows which statement; these are shown nowhere else.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy, MultiDictProxy
from yarl import URL

from pronghorn import BytesPayload, HttpVersion10, HttpVersion11, StreamReader, web
from pronghorn.testing import RawTestServer
from pronghorn.wire.conditional import ETag

from ..server.peer import Peer, connect, served

MOMENT = "Sun, 06 Nov 1994 08:49:37 GMT"


async def seen(sent: bytes, look: Any) -> Any:
    """What ``look`` returns of the request that ``sent`` is."""
    found: list[Any] = []

    async def handler(request: web.Request) -> web.Response:
        found.append(look(request))
        return web.Response()

    async with served(handler) as peer:
        peer.send(sent)
        assert (await peer.answer()).status == 200
    return found[0]


# Requests


async def test_the_line_and_the_url_of_a_request() -> None:
    def look(request: web.Request) -> dict[str, Any]:
        names = ("method", "version", "path", "raw_path", "path_qs", "query_string", "host", "scheme")
        return {
            **{name: getattr(request, name) for name in (*names, "secure", "remote", "forwarded")},
            **{name: getattr(request, name) for name in ("keep_alive", "rel_url", "url", "query")},
        }

    found = await seen(b"QUERY /a%20b?x=1&x=%C3%A9 HTTP/1.1\r\nHost: example.org:81\r\n\r\n", look)
    query = found.pop("query")
    assert isinstance(query, MultiDictProxy)
    assert query.getall("x") == ["1", "é"]
    assert found == {
        "method": "QUERY",
        "version": HttpVersion11,
        "path": "/a b",
        "raw_path": "/a%20b?x=1&x=%C3%A9",
        "path_qs": "/a%20b?x=1&x=%C3%A9",
        "query_string": "x=1&x=é",
        "host": "example.org:81",
        "scheme": "http",
        "secure": False,
        "remote": "127.0.0.1",
        "forwarded": (),
        "keep_alive": True,
        "rel_url": URL("/a%20b?x=1&x=%C3%A9", encoded=True),
        "url": URL("http://example.org:81/a%20b?x=1&x=%C3%A9", encoded=True),
    }


@pytest.mark.parametrize(
    ("sent", "version", "is_kept"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", HttpVersion11, True),
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", HttpVersion11, False),
        (b"GET / HTTP/1.0\r\n\r\n", HttpVersion10, False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", HttpVersion10, True),
    ],
)
async def test_whether_the_connection_is_kept(sent: bytes, version: Any, is_kept: bool) -> None:
    assert await seen(sent, lambda request: (request.version, request.keep_alive)) == (version, is_kept)


async def test_the_fields_of_a_request() -> None:
    sent = (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: Text/HTML; charset=UTF-8\r\nContent-Length: 2\r\n"
        b'Cookie: a=1; b=2\r\nRange: bytes=1-2\r\nIf-Match: *\r\nIf-None-Match: "x", W/"y"\r\n'
        b"If-Modified-Since: %b\r\nIf-Unmodified-Since: %b\r\nIf-Range: %b\r\n\r\nhi"
    ) % ((MOMENT.encode(),) * 3)

    def look(request: web.Request) -> list[Any]:
        assert isinstance(request.headers, CIMultiDictProxy)
        assert request.headers["content-length"] == "2"
        assert (b"Range", b"bytes=1-2") in request.raw_headers
        assert type(request.cookies).__name__ == "mappingproxy"
        return [
            *(dict(request.cookies), request.content_type, request.charset, request.content_length),
            *(request.http_range, request.if_match, request.if_none_match, request.if_modified_since),
            *(request.if_unmodified_since, request.if_range),
        ]

    moment = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)
    assert await seen(sent, look) == [
        *({"a": "1", "b": "2"}, "text/html", "UTF-8", 2, slice(1, 3, 1)),
        *((ETag("*"),), (ETag("x"), ETag("y", is_weak=True)), moment, moment, moment),
    ]


async def test_the_body_of_a_request() -> None:
    """What is read is kept, until the request is over."""

    async def handler(request: web.Request) -> web.Response:
        assert isinstance(request.content, StreamReader)
        found: list[Any] = [request.body_exists, request.can_read_body]
        if request.path == "/form":
            form = await request.post()
            assert isinstance(form, MultiDictProxy)
            assert await request.post() is form
            found.append(dict(form))
        elif request.path == "/json":
            found += [await request.json(), await request.json(loads=len), await request.text()]
            assert await request.read() is await request.read()
        else:
            await request.release()
        found += [request.body_exists, request.can_read_body]
        return web.json_response(found)

    form = b"Content-Type: application/x-www-form-urlencoded\r\n"
    async with served(handler) as peer:
        assert json.loads((await peer.ask()).content) == [False] * 4
        answer = await peer.ask("POST", "/json", body=b"[1]")
        assert json.loads(answer.content) == [True, True, [1], 3, "[1]", True, False]
        answer = await peer.ask("POST", "/form", body=b"a=b", more=form)
        assert json.loads(answer.content) == [True, True, {"a": "b"}, True, False]
        answer = await peer.ask("POST", "/", body=b"abc")
        assert json.loads(answer.content) == [True, True, True, False]


async def test_a_request_of_the_low_level_server() -> None:
    found: list[Any] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        found.append(request)
        assert type(request) is web.BaseRequest
        assert not any(hasattr(request, name) for name in ("app", "match_info", "config_dict"))
        return web.Response(text=request.path)

    async with RawTestServer(handler) as server, connect(server) as peer:
        assert (await peer.ask(target="/any")).text == "/any"
    assert issubclass(web.Request, web.BaseRequest)
    assert found


# Responses


async def test_a_head_that_has_left_can_not_be_changed() -> None:
    """What says so raises, and what is written to the fields themselves is not sent."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_type = "text/plain"
        assert type(response.headers) is CIMultiDict
        await response.prepare(request)
        changes: list[Any] = [
            lambda: response.set_status(404),
            lambda: response.set_cookie("a", "b"),
            lambda: response.del_cookie("a"),
            response.enable_compression,
            *(
                lambda name=name, value=value: setattr(response, name, value)
                for name, value in {
                    "content_length": 3,
                    "content_type": "a/b",
                    "charset": "utf-8",
                    "last_modified": 1,
                    "etag": "x",
                }.items()
            ),
        ]
        for change in changes:
            with pytest.raises(RuntimeError, match="the response is prepared"):
                change()
        response.headers["X-Late"] = "1"
        return response

    async with served(handler) as peer:
        answer = await peer.ask()
    assert answer.is_whole
    assert (answer.status, answer["content-type"]) == (200, "text/plain")
    assert {name for name, _ in answer.fields} == {"content-type", "date", "server", "transfer-encoding"}


async def test_a_response_may_end_the_connection() -> None:
    async def handler(request: web.Request) -> web.Response:
        response = web.Response(text="last")
        response.force_close()
        return response

    async with served(handler) as peer:
        answer = await peer.ask()
        assert (answer.text, answer["connection"]) == ("last", "close")
        assert await peer.is_closed()


async def pieces() -> AsyncIterator[bytes]:
    yield b"ab"
    yield b"cd"


@pytest.mark.parametrize(
    ("body", "content"),
    [
        (lambda _: b"abc", b"abc"),
        (lambda _: "é", "é".encode()),
        (lambda path: path.open("rb"), b"content"),
        (lambda _: pieces(), b"abcd"),
    ],
    ids=["bytes", "str", "file", "async iterable"],
)
async def test_bodies_of_many_kinds(tmp_path: Path, body: Any, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=body(path))

    async with served(handler) as peer:
        answer = await peer.ask()
        assert answer.content == content
        assert answer.is_whole
        assert ("transfer-encoding" in answer) is ("content-length" not in answer) is (content == b"abcd")


async def test_a_body_in_chunks() -> None:
    async def handler(request: web.Request) -> web.Response:
        response = web.Response(text="hello")
        response.enable_chunked_encoding()
        return response

    async with served(handler) as peer:
        answer = await peer.ask()
        assert (answer["transfer-encoding"], answer.text) == ("chunked", "hello")
        assert "content-length" not in answer


async def test_json_of_both_kinds() -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path == "/bytes":
            return web.json_bytes_response({"a": 1}, dumps=lambda data: json.dumps(data).encode())
        return web.json_response({"a": 1}, status=201)

    async with served(handler) as peer:
        text = await peer.ask()
        assert (text.status, text["content-type"], text.text) == (
            201,
            "application/json; charset=utf-8",
            '{"a": 1}',
        )
        octets = await peer.ask(target="/bytes")
        assert (octets["content-type"], octets.text) == ("application/json", '{"a": 1}')


@pytest.mark.parametrize("kind", [bytes, BytesPayload])
async def test_a_large_body_of_bytes_warns_nobody(kind: Any) -> None:
    """Where a payload of aiohttp has a ResourceWarning; warnings are errors here."""

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=kind(bytes(2**20 + 1)))

    async with served(handler) as peer:
        assert len((await peer.ask()).content) == 2**20 + 1


async def test_what_a_stream_tells_while_it_is_sent() -> None:
    told: list[Any] = []
    begun = asyncio.Event()

    def tell(response: web.StreamResponse) -> None:
        told.append((response.prepared, response.body_length, response.output_length > 0))

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=206, reason="Some", headers={"X-A": "1"})
        tell(response)
        assert response.task is None
        await response.prepare(request)
        assert response.task is request.task is asyncio.current_task()
        await response.write(b"abc")
        tell(response)
        begun.set()
        await response.write_eof(b"de")
        tell(response)
        return response

    async with served(handler) as peer:
        await _expect(peer, begun)
    assert told == [(False, 0, False), (True, 3, True), (True, 5, True)]


async def _expect(peer: Peer, begun: asyncio.Event) -> None:
    answer = await peer.ask()
    assert begun.is_set()
    assert (answer.status, answer.reason, answer["x-a"], answer.text) == (206, "Some", "1", "abcde")
