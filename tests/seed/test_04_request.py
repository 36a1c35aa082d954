"""ClientSession.request and the verbs."""

import asyncio
import gzip
import io
import tempfile
import zlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest
from multidict import CIMultiDict, MultiDict, istr
from yarl import URL

from pronghorn import (
    BasicAuth,
    BytesPayload,
    ClientHandlerType,
    ClientRequest,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
    CookieJar,
    FormData,
    MultipartReader,
    MultipartWriter,
    UploadTracker,
    streamer,
)
from pronghorn.body.payload import Writer

from ..functional.scripted import OK, Peer, answering, scripted
from .bodies import stream
from .row import Here, sent

SHORT = 0.02
LONG = 60
FORM = "application/x-www-form-urlencoded"
VERBS = ("get", "options", "head", "post", "put", "patch", "delete")


async def test_s045_a_request_is_awaited_or_entered() -> None:
    async with scripted(OK) as server, ClientSession() as session:
        request = session.request("GET", server.url("/a"))
        assert isinstance(request, Coroutine)
        response = await request
        assert await response.text() == "ok"
        async with session.request("GET", server.url("/b")) as response:
            assert await response.text() == "ok"
        assert response.closed
        assert [request.target for request in server.requests] == ["/a", "/b"]
        with pytest.raises(TypeError):
            session.request("GET", server.url(), None)  # type: ignore[call-arg]  # what is tested


async def test_s046_method() -> None:
    assert (await sent("get")).method == "GET"
    assert (await sent("propFind")).method == "PROPFIND"
    for method in ("GE T", "GET\r\nX-Evil: 1", "g\u00e9t", "GET/", ""):
        with pytest.raises(ValueError, match=r"(?i)method"):
            await sent(method)


async def test_s047_url_is_a_str_or_a_yarl_url() -> None:
    async with scripted(OK) as server, ClientSession() as session:
        for url in (server.url("/a?b=c"), URL(server.url("/a?b=c"))):
            async with session.get(url) as response:
                assert response.url == URL(server.url("/a?b=c"))
        assert [request.target for request in server.requests] == ["/a?b=c"] * 2
        for other in (None, 5, b"http://127.0.0.1/"):
            with pytest.raises(TypeError, match="url"):
                await session.get(other)  # type: ignore[arg-type]  # what is tested


@pytest.mark.parametrize(
    ("url", "host", "target"),
    [
        ("http://b\u00fccher.example/", "xn--bcher-kva.example", "/"),
        ("http://EXAMPLE.org:80/", "example.org", "/"),
        ("http://example.org/\u043f\u0443\u0442\u044c", "example.org", "/%D0%BF%D1%83%D1%82%D1%8C"),
        ("http://example.org/a b?c=d e", "example.org", "/a%20b?c=d+e"),
        # The example of the documents.
        (
            "http://example.org/\u043f\u0443\u0442\u044c%30?a=%31",
            "example.org",
            "/%D0%BF%D1%83%D1%82%D1%8C0?a=1",
        ),
        # What is a URL already stays as it was spelt.
        ("http://example.org/%30?q=%7e", "example.org", "/%30?q=%7e"),
        ("http://example.org/a/../b", "example.org", "/b"),
        ("http://example.org", "example.org", "/"),
    ],
)
async def test_s048_urls_are_normalised(url: str, host: str, target: str) -> None:
    async with scripted(OK) as server, ClientSession(connector=Here(server.port)) as session:
        await (await session.get(url)).read()
    (request,) = server.requests
    assert (request.fields["Host"], request.target) == (host, target)


async def test_s049_unless_they_are_encoded() -> None:
    async with scripted(OK) as server, ClientSession() as session:
        for path in ("/%30", "/%7e?q=%30"):
            await (await session.get(URL(server.url(path), encoded=True))).read()
        # Joined, what was there stays as it is.
        await (await session.get(URL(server.url("/%30?q=%31"), encoded=True), params={"a": "1"})).read()
        assert [request.target for request in server.requests] == ["/%30", "/%7e?q=%30", "/%30?q=%31&a=1"]


async def test_s050_params() -> None:
    for params in (
        {"a": 1, "b": ["x", 2.5]},
        MultiDict([("a", "1"), ("b", "x"), ("b", "2.5")]),
        [("a", 1), ("b", "x"), ("b", 2.5)],
        (("a", "1"), ("b", "x"), ("b", "2.5")),
        "a=1&b=x&b=2.5",
    ):
        assert (await sent(params=params)).target == "/?a=1&b=x&b=2.5"
    assert (await sent(params={"\u00fc": "&="})).target == "/?%C3%BC=%26%3D"
    assert (await sent(params=None)).target == "/"
    for value in (True, None):
        with pytest.raises(TypeError, match="params"):
            await sent(params={"a": value})


async def test_s051_params_that_are_a_str_are_encoded_already() -> None:
    assert (await sent(params="b=%30&c+d=%7e")).target == "/?b=%30&c+d=%7e"


async def test_s053_params_join_the_query() -> None:
    for params in ({"a": "1"}, [("a", "1")], "a=1"):
        assert (await sent(path="/?x=1", params=params)).target == "/?x=1&a=1"


async def test_s054_data() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"bo", b"dy"):
            yield piece

    @streamer
    async def writing(writer: Writer, body: bytes) -> None:
        await writer.write(body)

    binary, plain = "application/octet-stream", "text/plain; charset=utf-8"
    with tempfile.TemporaryFile() as file:
        file.write(b"body")
        file.seek(0)
        for data, body, content_type, length in (
            ({"a": "1"}, b"a=1", FORM, "3"),
            ([("a", "1"), ("a", "2")], b"a=1&a=2", FORM, "7"),
            (MultiDict([("a", "1"), ("a", "2")]), b"a=1&a=2", FORM, "7"),
            (FormData({"a": "1"}), b"a=1", FORM, "3"),
            (b"body", b"body", binary, "4"),
            ("body", b"body", plain, "4"),
            (file, b"body", binary, "4"),
            (io.BytesIO(b"body"), b"body", binary, "4"),
            (io.StringIO("body"), b"body", plain, "4"),
            (BytesPayload(b"body", content_type="text/x"), b"body", "text/x", "4"),
            (stream(b"body"), b"body", binary, None),
            (pieces(), b"body", binary, None),
            (writing(b"body"), b"body", binary, None),
        ):
            request = await sent("POST", data=data)
            assert request.body == body
            assert request.fields.getall("Content-Type") == [content_type]
            assert request.fields.get("Content-Length") == length
            assert request.fields.get("Transfer-Encoding") == (None if length else "chunked")
    with MultipartWriter(boundary="b") as writer:
        writer.append("body")
    multipart = await sent("POST", data=writer)
    assert multipart.fields["Content-Type"] == "multipart/mixed; boundary=b"
    part = await MultipartReader(multipart.fields, stream(multipart.body)).next()
    assert (await sent("POST", data=part)).body == b"body"
    nothing = await sent("POST", data=None)
    assert (nothing.body, nothing.fields["Content-Length"]) == (b"", "0")
    assert "Content-Type" not in nothing.fields
    with pytest.raises(TypeError, match="data"):
        await sent("POST", data=object())


async def test_s055_json() -> None:
    for value, body in (({"a": [1, None]}, b'{"a": [1, null]}'), ([], b"[]"), ("x", b'"x"'), (0, b"0")):
        request = await sent("POST", json=value)
        assert request.body == body
        assert request.fields.getall("Content-Type") == ["application/json"]
        assert request.fields["Content-Length"] == str(len(body))
    assert (await sent("POST", json=None)).body == b""
    with pytest.raises(ValueError, match="data and json"):
        await sent("POST", json={}, data=b"x")
    with pytest.raises(TypeError):
        await sent("POST", json=object())


async def test_s056_headers() -> None:
    for headers in ({"X-A": "1"}, CIMultiDict({"X-A": "1"}), [("X-A", "1")]):
        assert (await sent(headers=headers)).fields.getall("x-a") == ["1"]
    assert "X-A" not in (await sent(headers=None)).fields


async def test_s057_skip_auto_headers() -> None:
    for names in (["User-Agent"], ("user-agent",), {istr("USER-AGENT")}):
        request = await sent("POST", data=b"body", skip_auto_headers=names)
        assert "User-Agent" not in request.fields
        assert {"Accept", "Accept-Encoding", "Content-Type", "Content-Length"} <= set(request.fields)
    both = await sent(session={"skip_auto_headers": ["Accept"]}, skip_auto_headers=["User-Agent"])
    assert set(both.fields) == {"Host", "Accept-Encoding"}
    assert "User-Agent" in (await sent(skip_auto_headers=None)).fields


async def test_s058_auth() -> None:
    auth = BasicAuth("user", "pass")
    assert (await sent(auth=auth)).fields.getall("Authorization") == ["Basic dXNlcjpwYXNz"]
    assert (await sent(session={"auth": BasicAuth("x")}, auth=auth)).fields["Authorization"] == auth.encode()
    assert "Authorization" not in (await sent(auth=None)).fields
    with pytest.raises(ValueError, match="auth"):
        await sent(auth=auth, headers={"Authorization": "own"})
    with pytest.raises(TypeError, match="auth"):
        await sent(auth=("user", "pass"))


async def test_s061_compress() -> None:
    content = b"content" * 100
    for compress, coding, unpack in (
        (True, "deflate", zlib.decompress),
        ("deflate", "deflate", zlib.decompress),
        ("gzip", "gzip", gzip.decompress),
    ):
        for data in (content, io.BytesIO(content)):
            request = await sent("POST", data=data, compress=compress)
            assert unpack(request.body) == content
            assert request.fields.getall("Content-Encoding") == [coding]
            assert request.fields.getall("Transfer-Encoding") == ["chunked"]
            assert "Content-Length" not in request.fields
    for off in (None, False):
        request = await sent("POST", data=content, compress=off)
        assert request.body == content
        assert "Content-Encoding" not in request.fields
    for name, value in (("Content-Encoding", "gzip"), ("Content-Length", "700")):
        with pytest.raises(ValueError, match=name):
            await sent("POST", data=content, compress=True, headers={name: value})
    with pytest.raises(ValueError, match="rot13"):
        await sent("POST", data=content, compress="rot13")
    without = await sent(compress=True)
    assert without.body == b""
    assert "Content-Encoding" not in without.fields


async def test_s062_chunked() -> None:
    old: Any = 1024
    for chunked in (True, old):
        for data in (b"body", io.BytesIO(b"body")):
            request = await sent("POST", data=data, chunked=chunked)
            assert request.body == b"body"
            assert request.fields.getall("Transfer-Encoding") == ["chunked"]
            assert "Content-Length" not in request.fields
    for off in (None, False):
        request = await sent("POST", data=b"body", chunked=off)
        assert request.fields["Content-Length"] == "4"
        assert "Transfer-Encoding" not in request.fields
    for headers in ({"Transfer-Encoding": "chunked"}, {"Content-Length": "4"}):
        with pytest.raises(ValueError, match=next(iter(headers))):
            await sent("POST", data=b"body", chunked=True, headers=headers)


async def test_s063_expect100() -> None:
    bodies = []

    async def server_that_decides(peer: Peer) -> None:
        request = await peer.head()
        assert request.fields.getall("Expect") == ["100-continue"]
        reading = asyncio.ensure_future(peer.reader.readexactly(4))
        await peer.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")  # and nothing more is sent
        assert not reading.done()
        await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        bodies.append(await reading)
        await peer.send(OK)

    async with (
        scripted(server_that_decides) as server,
        ClientSession() as session,
        session.post(server.url(), data=b"body", expect100=True) as response,
    ):
        assert (response.status, await response.text()) == (200, "ok")
    assert bodies == [b"body"]
    assert "Expect" not in (await sent("POST", data=b"body")).fields


async def test_s064_read_until_eof() -> None:
    endless = answering(b"HTTP/1.1 200 OK\r\n\r\n", b"to the ", b"end")
    async with scripted(endless) as server, ClientSession() as session:
        several: list[tuple[dict[str, Any], bytes]] = [
            ({}, b"to the end"),
            ({"read_until_eof": True}, b"to the end"),
            ({"read_until_eof": False}, b""),
        ]
        for options, body in several:
            async with session.get(server.url(), **options) as response:
                assert await response.read() == body
    async with (
        scripted(OK) as server,
        ClientSession() as session,
        session.get(server.url(), read_until_eof=False) as response,
    ):
        assert await response.read() == b"ok"


async def test_s067_timeout_of_a_request() -> None:
    async with scripted(answering(then="stay")) as server:
        async with ClientSession(timeout=ClientTimeout(total=LONG)) as session:
            for timeout in (SHORT, ClientTimeout(total=SHORT)):
                with pytest.raises(asyncio.TimeoutError, match=str(SHORT)):
                    await session.get(server.url(), timeout=timeout)
        async with ClientSession(timeout=ClientTimeout(total=SHORT)) as session:
            with pytest.raises(asyncio.TimeoutError):
                await session.get(server.url())
            # Longer than the session's, and none
            for own in (LONG, None):
                request = asyncio.ensure_future(session.get(server.url(), timeout=own))
                with pytest.raises(asyncio.TimeoutError):
                    await session.get(server.url())
                assert not request.done()
                request.cancel()
                await asyncio.wait([request])
    assert ClientSession().timeout.total == 5 * 60


async def test_s076_cookies_of_a_request() -> None:
    jar = CookieJar()
    jar.update_cookies({"kept": "1"})
    async with scripted(OK) as server, ClientSession(cookie_jar=jar) as session:
        for cookies in ({"own": "2"}, [("own", "2")], None):
            await (await session.get(server.url(), cookies=cookies)).read()
        await (await session.get(server.url(), cookies={"kept": "3"})).read()
        fields = [sorted(request.fields["Cookie"].split("; ")) for request in server.requests]
    assert fields == [["kept=1", "own=2"], ["kept=1", "own=2"], ["kept=1"], ["kept=3"]]
    assert [(cookie.key, cookie.value) for cookie in jar] == [("kept", "1")]


async def verb_with_data(verb: str) -> None:
    async with scripted(OK) as server, ClientSession() as session:
        call = getattr(session, verb)
        for options in ({}, {"data": b"body"}, {"data": None, "params": {"a": "1"}, "headers": {"X-A": "1"}}):
            async with call(server.url(), **options) as response:
                assert await response.text() == "ok"
                assert response.method == verb.upper()
        assert {request.method for request in server.requests} == {verb.upper()}
        assert [request.body for request in server.requests] == [b"", b"body", b""]
        assert [request.target for request in server.requests] == ["/", "/", "/?a=1"]
        assert server.requests[2].fields["X-A"] == "1"
        with pytest.raises(TypeError):
            call(server.url(), b"body")
        with pytest.raises(TypeError, match="unheard_of"):
            await call(server.url(), unheard_of=1)


async def test_s080_post() -> None:
    await verb_with_data("post")


async def test_s081_put() -> None:
    await verb_with_data("put")


async def test_s082_patch() -> None:
    await verb_with_data("patch")


async def test_s083_delete() -> None:
    await verb_with_data("delete")


@pytest.mark.parametrize("verb", VERBS)
async def test_s084_all_return_a_response(verb: str) -> None:
    async with scripted(OK) as server, ClientSession() as session:
        for url in (server.url("/a"), URL(server.url("/a"))):
            async with getattr(session, verb)(url) as response:
                assert type(response) is ClientResponse
                assert response.url == URL(url)
                assert await response.read() == (b"" if verb == "head" else b"ok")
        assert [(request.method, request.target) for request in server.requests] == [(verb.upper(), "/a")] * 2


async def test_s085_arguments_of_later_versions() -> None:
    coded = gzip.compress(b"text")
    long = b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 9000 + b"\r\n" + b"X-B: 1\r\n" * 130
    answer = long + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(coded), coded)
    tracker, seen = UploadTracker(), []

    async def middleware(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        seen.append(request.url.path)
        return await handler(request)

    async with scripted(answer) as server, ClientSession() as session:
        with pytest.raises(ClientResponseError, match="longer than 8190"):
            await session.get(server.url())
        async with session.post(
            server.url("/a"),
            data=b"body",
            cookies={"a": "1"},
            ssl=True,
            server_hostname="example.org",
            trace_request_ctx={"b": 2},
            read_bufsize=2**17,
            auto_decompress=False,
            max_line_size=100,
            max_field_size=9005,
            max_headers=200,
            middlewares=(middleware,),
            upload_tracker=tracker,
            raise_for_status=True,
        ) as response:
            assert await response.read() == coded
        with pytest.raises(ClientResponseError, match="longer than 9004"):
            await session.get(server.url(), max_field_size=9004, max_headers=200)
        with pytest.raises(ClientResponseError, match="more than 130 fields"):
            await session.get(server.url(), max_field_size=9005, max_headers=130)
        async with session.get(server.url(), max_field_size=9005, max_headers=200) as response:
            assert await response.text() == "text"
    assert server.requests[1].fields["Cookie"] == "a=1"
    assert (tracker.bytes_written, seen) == (4, ["/a"])
