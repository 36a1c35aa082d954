"""Section 7: ClientResponse."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from multidict import CIMultiDictProxy
from yarl import URL

from pronghorn import (
    ClientConnectionError,
    ClientError,
    ClientPayloadError,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ContentTypeError,
    HttpVersion,
    HttpVersion10,
    HttpVersion11,
    RequestInfo,
    StreamReader,
)

from ..functional.scripted import OK, Peer, answering, scripted, until

CHUNKED = b"Transfer-Encoding: chunked\r\n"
JSON = b"Content-Type: application/json\r\n"
UNFINISHED = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart"
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")


def message(body: bytes = b"", fields: bytes = b"", start: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return b"%b\r\n%bContent-Length: %d\r\n\r\n%b" % (start, fields, len(body), body)


@asynccontextmanager
async def response_to(
    *pieces: bytes, then: str = "stay", path: str = "/", **options: Any
) -> AsyncIterator[ClientResponse]:
    """The response that a server gives in ``pieces``."""
    async with scripted(answering(*pieces, then=then)) as server, ClientSession(**options) as session:
        response = await session.get(server.url(path))
        try:
            yield response
        finally:
            response.close()


async def test_s107_returned_by_requests() -> None:
    async with scripted(message()) as server, ClientSession() as session:
        for method in METHODS:
            response = await session.request(method, server.url())
            assert type(response) is ClientResponse
            async with getattr(session, method.lower())(server.url()) as response:
                assert type(response) is ClientResponse
        assert [request.method for request in server.requests] == [name for name in METHODS for _ in "ab"]


@pytest.mark.parametrize("is_awaited", [True, False])
async def test_s108_released_on_exit(is_awaited: bool) -> None:
    async with scripted(answering(UNFINISHED, then="stay")) as server, ClientSession() as session:
        request = session.get(server.url())
        async with await request if is_awaited else request as response:
            assert response.status == 200
            assert not response.closed
        assert response.closed
        await until(lambda: server.peers[0].has_left)


@pytest.mark.parametrize(
    ("start", "version"), [(b"HTTP/1.0 200 OK", HttpVersion10), (b"HTTP/1.1 200 OK", HttpVersion11)]
)
async def test_s109_version(start: bytes, version: HttpVersion) -> None:
    async with response_to(message(start=start)) as response:
        assert isinstance(response.version, HttpVersion)
        assert response.version == version


@pytest.mark.parametrize("status", [200, 299, 404, 599, 999])
async def test_s110_status(status: int) -> None:
    async with response_to(message(start=b"HTTP/1.1 %d X" % status)) as response:
        assert type(response.status) is int
        assert response.status == status


@pytest.mark.parametrize("reason", ["OK", "I'm a teapot", ""])
async def test_s111_reason(reason: str) -> None:
    async with response_to(message(start=b"HTTP/1.1 200 " + reason.encode())) as response:
        assert response.reason == reason


async def test_s112_method() -> None:
    async with scripted(message()) as server, ClientSession() as session:
        for method in METHODS:
            async with session.request(method, server.url()) as response:
                assert response.method == method
                assert server.requests[-1].method == method


async def test_s113_url() -> None:
    async with response_to(OK, path="/path?a=1#part") as response:
        assert isinstance(response.url, URL)
        assert (response.url.path_qs, response.url.fragment) == ("/path?a=1", "")
        assert response.real_url == response.url.with_fragment("part")
        with pytest.warns(DeprecationWarning, match="url_obj"):
            assert response.url_obj == response.url


async def test_s114_connection() -> None:
    going_on = asyncio.Semaphore(0)

    async def halting(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
            await going_on.acquire()
            await peer.send(b"k")

    async with scripted(halting) as server, ClientSession() as session:

        async def connection_of(response: ClientResponse) -> object:
            connection = response.connection
            assert connection is not None
            assert connection.transport is not None
            assert connection.transport.get_extra_info("peername") == ("127.0.0.1", server.port)
            going_on.release()
            assert await response.read() == b"ok"
            assert response.connection is None
            return connection

        first = await connection_of(await session.get(server.url()))
        response = await session.get(server.url())
        other = await session.get(server.url())
        assert await connection_of(response) is first, "it is used again"
        assert await connection_of(other) is not first


@pytest.mark.parametrize(
    "broken",
    [
        UNFINISHED,
        b"HTTP/1.1 200 OK\r\n" + CHUNKED + b"\r\n4\r\npart\r\n",
        b"HTTP/1.1 200 OK\r\n" + CHUNKED + b"\r\n4\r\npart\r\nno size\r\n",
        b"HTTP/1.1 200 OK\r\n" + CHUNKED + b"\r\n4\r\npart, and too much\r\n0\r\n\r\n",
        message(b"no gzip", b"Content-Encoding: gzip\r\n"),
        message(gzip.compress(b"part" * 100)[:-5], b"Content-Encoding: gzip\r\n"),
        message(b"no zlib", b"Content-Encoding: deflate\r\n"),
    ],
)
async def test_s115_content(broken: bytes) -> None:
    async with response_to(OK) as response:
        assert isinstance(response.content, StreamReader)
        assert await response.content.read() == b"ok"
    head = broken.index(b"\r\n\r\n") + 4
    async with response_to(broken[:head], broken[head:], then="close") as response:
        with pytest.raises(ClientPayloadError):
            await response.content.read()


async def test_s117_headers() -> None:
    async with response_to(message(fields=JSON + b"X-A: 1\r\nx-a: 2\r\n")) as response:
        headers = response.headers
        assert type(headers) is CIMultiDictProxy
        assert headers["Content-Type"] == headers.get("content-type") == "application/json"
        assert headers["CONTENT-TYPE"] == "application/json"
        assert headers.getall("X-a") == ["1", "2"]
        assert headers["x-A"] == "1"
        assert not hasattr(headers, "__setitem__")


async def test_s118_headers_are_utf_8() -> None:
    fields = "X-Utf-8: café\r\n".encode() + b"X-Latin-1: caf\xe9\r\n"
    async with response_to(message(fields=fields)) as response:
        assert response.headers["X-Utf-8"] == "café"
        assert response.headers["X-Latin-1"] == "caf\udce9"
        assert response.headers["X-Latin-1"].encode("utf-8", "surrogateescape") == b"caf\xe9"


async def test_s119_raw_headers() -> None:
    async with response_to(message(fields=b"SERVER: nginx\r\nx-a:  caf\xe9 \r\nX-A: 2\r\n")) as response:
        assert response.raw_headers == (
            (b"SERVER", b"nginx"),
            (b"x-a", b"caf\xe9"),
            (b"X-A", b"2"),
            (b"Content-Length", b"0"),
        )


async def test_s120_content_type() -> None:
    async with response_to(message(fields=b"Content-Type: Text/HTML; charset=utf-8\r\n")) as response:
        assert response.content_type == "text/html"
        with pytest.raises(AttributeError):
            response.content_type = "text/plain"  # type: ignore[misc]  # what is tested
    async with response_to(message()) as response:
        assert response.content_type == "application/octet-stream"
        assert "CONTENT-TYPE" not in response.headers


@pytest.mark.parametrize(
    ("value", "charset"),
    [
        (b"text/html; charset=utf-8", "utf-8"),
        (b'text/html;a=b; CHARSET="koi8-r"', "koi8-r"),
        (b"text/html", None),
    ],
)
async def test_s121_charset(value: bytes, charset: str | None) -> None:
    async with response_to(message(fields=b"Content-Type: %b\r\n" % value)) as response:
        assert response.charset == charset
    async with response_to(message()) as response:
        assert response.charset is None


async def test_s123_close() -> None:
    async with scripted(OK, answering(UNFINISHED, then="stay"), OK) as server, ClientSession() as session:
        response = await session.get(server.url())
        await response.read()
        response.close()
        async with session.get(server.url()) as response:
            assert await response.read() == b"ok"
        assert len(server.peers) == 1, "what was read to its end has given its connection back"
    async with scripted(answering(UNFINISHED, then="stay"), OK) as server, ClientSession() as session:
        response = await session.get(server.url())
        assert not response.closed
        response.close()
        assert response.closed
        await until(lambda: server.peers[0].has_left)
        async with session.get(server.url()) as response:
            assert await response.read() == b"ok"
        assert len(server.peers) == 2


async def test_s124_read() -> None:
    body = bytes(range(256)) * 400
    async with scripted(message(body)) as server, ClientSession() as session:
        for _ in range(2):
            response = await session.get(server.url())
            assert type(await response.read()) is bytes
            assert await response.read() == body, "again"
        assert len(server.peers) == 1, "reading has released the connection"
    async with scripted(answering(UNFINISHED, then="end")) as server, ClientSession() as session:
        response = await session.get(server.url())
        with pytest.raises(ClientPayloadError):
            await response.read()
        assert response.closed
        await until(lambda: server.peers[0].has_left)
    for give_up in ("release", "close"):
        async with response_to(UNFINISHED) as response:
            getattr(response, give_up)()
            with pytest.raises(ClientConnectionError, match="Connection closed"):
                await response.read()


# Older documents name ClientResponseError: it tells of a head, and what can't be read is a body.
@pytest.mark.parametrize("ending", ["close", "reset"])
async def test_s125_what_can_not_be_read(ending: str) -> None:
    async with response_to(UNFINISHED, then=ending) as response:
        with pytest.raises(ClientPayloadError) as broken:
            await response.read()
    async with response_to(UNFINISHED) as response:
        response.close()
        with pytest.raises(ClientConnectionError) as given_up:
            await response.read()
    assert isinstance(broken.value, ClientError)
    assert isinstance(given_up.value, ClientError)


@pytest.mark.parametrize("is_awaited", [True, False])
async def test_s126_release(is_awaited: bool) -> None:
    async with scripted(answering(UNFINISHED, then="stay"), OK) as server, ClientSession() as session:
        response = await session.get(server.url())
        released = response.release()
        assert response.closed, "at the call"
        if is_awaited:
            assert await released is None
        await until(lambda: server.peers[0].has_left)
        for _ in range(2):
            response = await session.get(server.url())
            assert await response.read() == b"ok"
            response.release()
        assert len(server.peers) == 2, "what was read to its end needs no release"


async def test_s127_raise_for_status() -> None:
    for status in (200, 304, 399):
        async with response_to(message(start=b"HTTP/1.1 %d X" % status)) as response:
            response.raise_for_status()
    refusal = UNFINISHED.replace(b"200 OK", b"400 Not Now")
    async with scripted(answering(refusal, b"y" * 96, then="stay")) as server, ClientSession() as session:
        response = await session.get(server.url())
        with pytest.raises(ClientResponseError) as caught:
            response.raise_for_status()
        error = caught.value
        assert (error.status, error.message, error.history) == (400, "Not Now", ())
        assert error.request_info == response.request_info
        assert error.headers == response.headers
        assert response.closed
        async with session.get(server.url()) as response:
            with pytest.raises(ClientResponseError):
                response.raise_for_status()
            assert await response.read() == b"part" + b"y" * 96, "leaving the block will release it"


async def test_s128_text() -> None:
    latin = b"Content-Type: text/plain; charset=latin-1\r\n"
    for fields, body, text in (
        (b"", "\u0416\u00fc".encode(), "\u0416\u00fc"),
        (latin, b"\xfc", "\u00fc"),
        (b"Content-Type: text/plain; charset=no-such\r\n", "\u00fc".encode(), "\u00fc"),
        (b"", b"", ""),
    ):
        async with response_to(message(body, fields)) as response:
            assert await response.text() == text
            assert await response.text() == text, "once more"
    async with response_to(message(b"\xd6", latin)) as response:
        assert await response.text("koi8-r") == await response.text(encoding="koi8-r") == "\u0436"
    async with response_to(message(b"a\xff")) as response:
        with pytest.raises(UnicodeDecodeError):
            await response.text()
        assert await response.text(errors="replace") == "a\ufffd"
        with pytest.raises(LookupError):
            await response.text("no-such")

    asked = []

    def detect(response: ClientResponse, body: bytes) -> str:
        asked.append((response.status, body))
        return "koi8-r"

    async with response_to(message(b"\xd6"), fallback_charset_resolver=detect) as response:
        with pytest.raises(RuntimeError, match="body"):
            response.get_encoding()
        assert await response.text() == "\u0436"
        assert response.get_encoding() == "koi8-r"
    assert set(asked) == {(200, b"\xd6")}
    asked.clear()
    async with response_to(message(b"\xfc", latin), fallback_charset_resolver=detect) as response:
        assert await response.text() == "\u00fc"
    assert not asked, "the server has named one"


async def test_s129_json() -> None:
    value = {"a": [1, None, "\u0416"]}
    async with response_to(message(json.dumps(value).encode(), JSON)) as response:
        assert await response.json() == value
        assert await response.json(loads=str.upper) == json.dumps(value).upper()
    text = json.dumps(value, ensure_ascii=False)
    async with response_to(message(text.encode("koi8-r"), b"Content-Type: text/x\r\n")) as response:
        assert await response.json(encoding="koi8-r", content_type="text/x") == value


@pytest.mark.parametrize("sent", [b"text/plain", b"text/x+json", b""])
async def test_s130_json_of_another_type(sent: bytes) -> None:
    async with response_to(message(b"[1]", b"Content-Type: %b\r\n" % sent if sent else b"")) as response:
        with pytest.raises(ContentTypeError) as caught:
            await response.json()
        assert isinstance(caught.value, ClientResponseError)
        assert caught.value.status == 200
        assert await response.json(content_type=None) == [1]
    async with response_to(message(b"[1]", b"Content-Type: application/problem+json\r\n")) as response:
        assert await response.json() == [1]


@pytest.mark.parametrize("body", [b"", b" \r\n\t"])
async def test_s131_json_of_nothing(body: bytes) -> None:
    async with response_to(message(body, JSON)) as response:
        assert await response.json() is None


async def test_s132_json_reads_what_is_not_read() -> None:
    wire = message(b"[1, 2]", JSON)
    async with response_to(wire[:-3], wire[-3:]) as response:
        assert not response.content.is_eof()
        assert await response.json() == [1, 2]
        assert response.closed
        assert await response.json() == [1, 2], "again, of what was read"


async def test_s133_json_that_is_none() -> None:
    async with response_to(message(b"{", JSON)) as response:
        with pytest.raises(json.JSONDecodeError) as caught:
            await response.json()
    assert isinstance(caught.value, ValueError)


async def test_s134_request_info() -> None:
    async with scripted(OK) as server, ClientSession(headers={"X-A": "1"}) as session:
        async with session.get(server.url("/path#part")) as response:
            info = response.request_info
        assert isinstance(info, RequestInfo)
        assert isinstance(info, tuple)
        assert tuple(info) == (response.url, "GET", info.headers, response.real_url)
        assert info.headers == server.requests[0].fields, "the fields as they were sent"
        assert info.headers["X-A"] == "1"


async def test_s135_repr() -> None:
    async with response_to(OK, path="/path") as response:
        assert repr(response) == f"<ClientResponse({response.url}) [200 OK]>"


async def test_s136_after_content_was_used() -> None:
    wire = message(b"0123456789")
    async with response_to(wire[:-5], wire[-5:]) as response:
        assert await response.content.readexactly(4) == b"0123"
        assert await response.read() == b"456789", "the rest"
    async with response_to(message(b"{}", JSON)) as response:
        assert await response.content.read() == b"{}"
        assert await response.json() is None, "there is no rest"


async def test_s137_members_of_later_versions() -> None:
    answer = (
        b"HTTP/1.1 200 OK\r\nContent-Disposition: attachment; filename=a.txt\r\n"
        b"Link: </next>; rel=next\r\nContent-Type: text/plain; charset=latin-1\r\nContent-Length: 2\r\n\r\nok"
    )
    async with scripted(answer) as server, ClientSession() as session:
        response = await session.post(server.url("/a#b"), data=b"body")
        assert (response.ok, response.host, response.content_length) == (True, "127.0.0.1", 2)
        assert str(response.real_url) == server.url("/a#b")
        assert str(response.links["next"]["url"]) == server.url("/next")
        assert response.content_disposition is not None
        assert response.content_disposition.filename == "a.txt"
        assert response.get_encoding() == "latin-1"
        assert await response.start(None) is response  # type: ignore[arg-type]  # it has begun
        await response.wait_for_close()
        assert response.closed
        with pytest.warns(DeprecationWarning, match="upload_tracker"):
            assert response.upload_complete
        with pytest.warns(DeprecationWarning, match="upload_tracker"):
            assert response.output_size > len(b"body")
