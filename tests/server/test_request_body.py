"""The bodies of requests, without sockets. For forms, see test_form.py."""

import gzip
import zlib
from typing import Any

import pytest

from pronghorn import web
from pronghorn.body.part import BodyPartReader
from pronghorn.body.reader import MultipartReader
from pronghorn.io.stream import StreamReader
from pronghorn.server.request import PayloadAccessError, payload_error
from pronghorn.testing.memory import make_request
from pronghorn.wire.coding import STEP, decoder_for

from .peer import eventually, in_memory, served


def fields(**extra: str) -> list[tuple[str, str]]:
    return [("Host", "example.org:81"), *((name.replace("_", "-"), value) for name, value in extra.items())]


def stream_of(*pieces: bytes, coding: str = "") -> StreamReader:
    stream = StreamReader(decoder=decoder_for(coding) if coding else None, error_factory=payload_error)
    for piece in pieces:
        stream.feed_data(piece)
    stream.feed_eof()
    return stream


async def test_no_body() -> None:
    request = make_request()
    assert (request.body_exists, request.can_read_body) == (False, False)
    assert await request.read() == b""
    assert await request.text() == ""
    assert await request.content.read() == b""


@pytest.mark.parametrize("streams", [False, True])
async def test_read_text_and_json(streams: bool) -> None:
    def request(body: bytes, content_type: str = "text/plain") -> web.Request:
        return make_request(
            "POST", "/", fields(Content_Type=content_type), stream_of(body) if streams else body
        )

    assert await request(b"abc").read() == b"abc"
    assert await request("é".encode()).text() == "é"
    assert await request(b"\xe9", "text/plain; charset=latin-1").text() == "é"
    assert await request(b'{"a": [1]}').json() == {"a": [1]}
    assert await request(b"abc").json(loads=str.upper) == "ABC"
    with pytest.raises(ValueError, match="Expecting"):
        await request(b"{").json()
    for broken in (request(b"\xff"), request(b"x", "text/plain; charset=none-such")):
        with pytest.raises(web.HTTPBadRequest):
            await broken.text()


@pytest.mark.parametrize("body", [b"abc", stream_of(b"a", b"bc")], ids=["whole", "stream"])
async def test_reading_again_gives_the_same(body: Any) -> None:
    request = make_request("POST", "/", fields(), body)
    assert request.body_exists
    assert request.can_read_body
    assert [await request.read(), await request.text(), await request.read()] == [b"abc", "abc", b"abc"]


@pytest.mark.parametrize("body", [b"abc\ndef", stream_of(b"ab", b"c\nd", b"ef")], ids=["whole", "stream"])
async def test_content_is_a_stream(body: Any) -> None:
    request = make_request("POST", "/", fields(), body)
    assert await request.content.readline() == b"abc\n"
    assert await request.content.read(2) == b"de"
    assert request.can_read_body
    assert await request.read() == b"f"
    assert not request.can_read_body


# How much is read


def limited(body: bytes | StreamReader, limit: int, **extra: str) -> web.Request:
    request = make_request("POST", "/", fields(**extra), body)
    request._client_max_size = limit
    return request


@pytest.mark.parametrize("streams", [False, True])
async def test_client_max_size(streams: bool) -> None:
    def body(data: bytes) -> bytes | StreamReader:
        return stream_of(*(data[at : at + 4] for at in range(0, len(data), 4))) if streams else data

    assert await limited(body(b"x" * 10), 10).read() == b"x" * 10
    assert len(await limited(body(b"x" * 10_000), 0).read()) == 10_000
    with pytest.raises(web.HTTPRequestEntityTooLarge) as caught:
        await limited(body(b"x" * 11), 10).read()
    assert caught.value.max_size == 10
    assert caught.value.actual_size > 10


async def test_an_announced_length_is_believed_at_once() -> None:
    never_fed = StreamReader()
    with pytest.raises(web.HTTPRequestEntityTooLarge) as caught:
        await limited(never_fed, 10, Content_Length="1000").read()
    assert (caught.value.max_size, caught.value.actual_size) == (10, 1000)


async def test_the_limit_strikes_at_the_piece_that_passes_it() -> None:
    unending = StreamReader()
    unending.feed_data(b"x" * 11)
    with pytest.raises(web.HTTPRequestEntityTooLarge):
        await limited(unending, 10).read()


# Content codings


@pytest.mark.parametrize(("coding", "encode"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
@pytest.mark.parametrize("streams", [False, True])
async def test_codings_are_undone(coding: str, encode: Any, streams: bool) -> None:
    coded = encode(b"hello" * 100)
    body = stream_of(coded[:20], coded[20:], coding=coding) if streams else coded
    request = make_request("POST", "/", fields(Content_Encoding=coding), body)
    assert await request.read() == b"hello" * 100


async def test_an_unknown_coding_is_left_alone() -> None:
    assert await make_request("POST", "/", fields(Content_Encoding="zap"), b"\x00").read() == b"\x00"


@pytest.mark.parametrize("streams", [False, True])
async def test_the_limit_counts_what_is_inflated(streams: bool) -> None:
    bomb = gzip.compress(bytes(20 * 1024 * 1024))
    assert len(bomb) < 64 * 1024
    body = stream_of(bomb, coding="gzip") if streams else bomb
    with pytest.raises(web.HTTPRequestEntityTooLarge) as caught:
        await limited(body, 1024 * 1024, Content_Encoding="gzip").read()
    assert caught.value.actual_size <= 1024 * 1024 + STEP


@pytest.mark.parametrize("streams", [False, True])
async def test_a_broken_coding(streams: bool) -> None:
    body = stream_of(b"nonsense", coding="gzip") if streams else b"nonsense"
    with pytest.raises(web.RequestPayloadError, match="gzip"):
        await make_request("POST", "/", fields(Content_Encoding="gzip"), body).read()


# Charsets


@pytest.mark.parametrize("charset", ["punycode", "none-such", "unicode_escape", "hex"])
async def test_what_is_no_charset_is_refused(charset: str) -> None:
    """Of Python's own codecs, punycode takes two minutes for 1 MiB."""
    request = make_request("POST", "/", fields(Content_Type=f"text/plain; charset={charset}"), b"9" * 500_000)
    with pytest.raises(web.HTTPBadRequest) as caught:
        await request.text()
    assert caught.value.text == f"text: {charset!r} is not the name of a charset"


# Parts; for forms, see test_form.py


PARTS = {"Content_Type": "multipart/mixed; boundary=b"}
BODY = b"--b\r\n\r\n12345\r\n--b\r\nA: 1\r\n\r\n67890!\r\n--b--\r\n"


@pytest.mark.parametrize("body", [BODY, stream_of(BODY[:20], BODY[20:])], ids=["whole", "stream"])
async def test_multipart(body: Any) -> None:
    reader = await make_request("POST", "/", fields(**PARTS), body).multipart()
    assert isinstance(reader, MultipartReader)
    parts = [part async for part in reader if isinstance(part, BodyPartReader) and await part.read()]
    assert [dict(part.headers) for part in parts] == [{}, {"A": "1"}]
    assert reader.at_eof()


async def test_multipart_when_the_body_was_read() -> None:
    request = make_request("POST", "/", fields(**PARTS), BODY)
    assert await request.read() == BODY
    for _ in range(2):
        part = await (await request.multipart()).next()
        assert isinstance(part, BodyPartReader)
        assert await part.text() == "12345"


@pytest.mark.parametrize("content_type", [None, "text/plain", "multipartx/mixed", "a/\udc80"])
async def test_a_body_without_parts(content_type: str | None) -> None:
    extra = {} if content_type is None else {"Content_Type": content_type}
    with pytest.raises(web.HTTPUnsupportedMediaType) as caught:
        await make_request("POST", "/", fields(**extra), BODY).multipart()
    expected = content_type or "application/octet-stream"
    assert caught.value.text == f"expected multipart/*, got {expected!r}"


async def test_a_body_without_a_boundary() -> None:
    with pytest.raises(web.RequestPayloadError, match="boundary"):
        await make_request("POST", "/", fields(Content_Type="multipart/mixed"), BODY).multipart()


async def test_parts_are_bounded_where_they_are_read_whole() -> None:
    for limit, error in ((5, web.HTTPRequestEntityTooLarge), (6, None), (0, None)):
        reader = await limited(stream_of(BODY), limit, **PARTS).multipart()
        first, second = await reader.next(), await reader.next()
        assert isinstance(first, BodyPartReader)
        assert isinstance(second, BodyPartReader)
        if error is None:
            assert await second.read() == b"67890!"
            continue
        with pytest.raises(error) as caught:
            await second.read()
        assert caught.value.max_size == limit
        assert await second.read_chunk() == b"67890!"


async def test_parts_are_counted() -> None:
    for limit, is_refused in ((1, True), (2, False), (0, False)):
        request = make_request("POST", "/", fields(**PARTS), BODY)
        request._client_max_fields = limit
        reader = await request.multipart()
        assert await reader.next() is not None
        if is_refused:
            with pytest.raises(web.RequestPayloadError, match="more than 1 parts") as caught:
                await reader.next()
            assert caught.value.status_hint == 413
        else:
            assert await reader.next() is not None
            assert await reader.next() is None


@pytest.mark.parametrize("body", [b"", BODY[:-6], b"nonsense", BODY.replace(b"A: 1", b"A 1")])
async def test_broken_parts(body: bytes) -> None:
    reader = await make_request("POST", "/", fields(**PARTS), body).multipart()
    with pytest.raises(web.RequestPayloadError):
        await reader.release()


def test_limits_can_be_looked_at() -> None:
    request = make_request()
    assert (request.client_max_size, request.client_max_fields) == (1024**2, 1000)


# What is left of it


@pytest.mark.parametrize("body", [b"abc", stream_of(b"a", b"bc")], ids=["whole", "stream"])
async def test_release_reads_what_is_left(body: Any) -> None:
    request = make_request("POST", "/", fields(), body)
    assert await request.content.read(1) == b"a"
    await request.release()
    assert not request.can_read_body
    assert await request.content.read() == b""
    await request.release()


async def test_release_keeps_what_was_read() -> None:
    request = make_request("POST", "/", fields(), b"abc")
    assert await request.read() == b"abc"
    await request.release()
    assert await request.read() == b"abc"
    await make_request().release()


async def test_release_of_a_broken_body() -> None:
    request = make_request("POST", "/", fields(), stream_of(b"nonsense", coding="gzip"))
    with pytest.raises(web.RequestPayloadError, match="gzip"):
        await request.release()


async def test_has_body_is_an_old_name() -> None:
    for body, has_body in ((b"", False), (b"abc", True)):
        request = make_request("POST", "/", fields(), body)
        with pytest.warns(DeprecationWarning, match="can_read_body"):
            assert request.has_body is has_body


async def test_private_names_that_others_use() -> None:
    request = make_request("POST", "/", fields(), b"abc")
    assert request._read_bytes is None
    assert request._payload is request.content
    assert await request.read() == b"abc"
    assert request._read_bytes == b"abc"
    request._read_bytes = b"given"
    assert await request.text() == "given"


async def test_the_answer_to_a_body_that_is_too_large() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    async with served(handler) as peer:
        assert (await peer.ask("POST", body=bytes(1024**2))).status == 200
        answer = await peer.ask("POST", body=bytes(1024**2 + 1))
    assert answer.status == 413
    assert answer.text == "Maximum request body size 1048576 exceeded."


async def test_the_body_when_the_request_is_over() -> None:
    kept: list[web.BaseRequest] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        kept.append(request)
        return web.Response()

    connection = await in_memory(handler)
    connection.feed(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12")
    await eventually(lambda: connection.sent)
    with pytest.raises(PayloadAccessError, match="over"):
        await kept[0].read()
    connection.transport.abort()


async def test_what_was_read_is_kept() -> None:
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    request = make_request("POST", "/", fields(**form), b"a=1")
    assert await request.read() is await request.read()
    assert await request.post() is await request.post()
    assert dict(await request.post()) == {"a": "1"}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "GET", "QUERY", "post"])
async def test_methods_that_post(method: str) -> None:
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    request = make_request(method, "/", fields(**form), b"a=1")
    assert bool(await request.post()) is (method in web.BaseRequest.POST_METHODS)
    assert {"POST", "PUT", "PATCH", "DELETE", "TRACE"} == web.BaseRequest.POST_METHODS
