"""What a caller gets of the bytes that a server sends."""

import gzip
import json
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from pronghorn import (
    ClientConnectionError,
    ClientPayloadError,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ContentTypeError,
    HttpVersion,
)

from .scripted import Peer, answering, scripted

CONTENT = bytes(range(256)) * 40
HEAD = b"HTTP/1.1 200 OK\r\n"


def with_length(body: bytes, fields: bytes = b"") -> bytes:
    return HEAD + fields + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(body: bytes, fields: bytes = b"", trailers: bytes = b"") -> bytes:
    chunks = [body[at : at + 1000] for at in range(0, len(body), 1000)]
    framed = b"".join(b"%x;ext=1\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return HEAD + fields + b"Transfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\n" + trailers + b"\r\n"


def until_close(body: bytes, fields: bytes = b"") -> bytes:
    return HEAD + fields + b"\r\n" + body


FRAMINGS = [with_length, chunked, until_close]


def whole(wire: bytes) -> list[bytes]:
    return [wire]


def after_head(wire: bytes) -> list[bytes]:
    end = wire.index(b"\r\n\r\n") + 4
    return [wire[:end], wire[end:]] if wire[end:] else [wire]


def small_pieces(wire: bytes) -> list[bytes]:
    return [wire[at : at + 97] for at in range(0, len(wire), 97)]


CUTS = [whole, after_head, small_pieces]


async def fetched(
    *pieces: bytes, method: str = "GET", **session_options: Any
) -> tuple[ClientResponse, bytes]:
    async with (
        scripted(answering(*pieces)) as server,
        ClientSession(**session_options) as session,
        session.request(method, server.url("/path?q")) as response,
    ):
        return response, await response.read()


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("frame", FRAMINGS)
async def test_read(frame: Callable[[bytes], bytes], cut: Callable[[bytes], list[bytes]]) -> None:
    async with (
        scripted(answering(*cut(frame(CONTENT)))) as server,
        ClientSession() as session,
        session.get(server.url()) as response,
    ):
        assert await response.read() == CONTENT
        assert await response.read() == CONTENT, "again"
        assert response.closed
        assert response.connection is None


@pytest.mark.parametrize("cut", [whole, after_head])
async def test_trailers_end_the_body(cut: Callable[[bytes], list[bytes]]) -> None:
    _, body = await fetched(*cut(chunked(CONTENT, trailers=b"X-Sum: 1\r\n")))
    assert body == CONTENT


Reading = Callable[[ClientResponse], "AsyncIterator[bytes]"]


async def by_read(response: ClientResponse) -> AsyncIterator[bytes]:
    while piece := await response.content.read(100):
        assert len(piece) <= 100
        yield piece
    assert response.content.at_eof()


async def by_readany(response: ClientResponse) -> AsyncIterator[bytes]:
    while piece := await response.content.readany():
        yield piece


async def by_readline(response: ClientResponse) -> AsyncIterator[bytes]:
    while line := await response.content.readline():
        assert line.count(b"\n") == line.endswith(b"\n")
        yield line


async def by_iter_chunked(response: ClientResponse) -> AsyncIterator[bytes]:
    async for piece in response.content.iter_chunked(333):
        assert len(piece) <= 333
        yield piece


async def by_iter_any(response: ClientResponse) -> AsyncIterator[bytes]:
    async for piece in response.content.iter_any():
        yield piece


async def by_iteration(response: ClientResponse) -> AsyncIterator[bytes]:
    async for line in response.content:
        assert line.count(b"\n") == line.endswith(b"\n")
        yield line


READINGS = [by_read, by_readany, by_readline, by_iter_chunked, by_iter_any, by_iteration]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("frame", FRAMINGS)
@pytest.mark.parametrize("read", READINGS)
async def test_content(
    read: Reading, frame: Callable[[bytes], bytes], cut: Callable[[bytes], list[bytes]]
) -> None:
    async with (
        scripted(answering(*cut(frame(CONTENT)))) as server,
        ClientSession() as session,
        session.get(server.url()) as response,
    ):
        assert b"".join([piece async for piece in read(response)]) == CONTENT


async def test_read_gives_what_content_has_left() -> None:
    async with (
        scripted(answering(*after_head(with_length(CONTENT)))) as server,
        ClientSession() as session,
        session.get(server.url()) as response,
    ):
        assert await response.content.readexactly(100) == CONTENT[:100]
        assert await response.read() == CONTENT[100:]


def deflate(data: bytes, wbits: int = 15) -> bytes:
    compress = zlib.compressobj(wbits=wbits)
    return compress.compress(data) + compress.flush()


CODINGS = [
    (b"gzip", gzip.compress),
    (b"x-gzip", gzip.compress),
    (b"GZIP", gzip.compress),
    (b"gzip", lambda data: gzip.compress(data[:100]) + gzip.compress(data[100:])),
    (b"deflate", deflate),
    (b"deflate", lambda data: deflate(data, -15)),
    (b"identity", bytes),
]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("frame", FRAMINGS)
@pytest.mark.parametrize(("name", "encode"), CODINGS)
async def test_content_codings_are_undone(
    name: bytes, encode: Callable[[bytes], bytes], frame: Any, cut: Callable[[bytes], list[bytes]]
) -> None:
    response, body = await fetched(*cut(frame(encode(CONTENT), b"Content-Encoding: %b\r\n" % name)))
    assert body == CONTENT
    assert response.headers["Content-Encoding"] == name.decode()


async def test_content_codings_can_be_left() -> None:
    coded = gzip.compress(CONTENT)
    for cut in CUTS:
        _, body = await fetched(
            *cut(with_length(coded, b"Content-Encoding: gzip\r\n")), auto_decompress=False
        )
        assert body == coded


async def test_a_bomb_is_inflated_as_slowly_as_it_is_read() -> None:
    bomb = gzip.compress(bytes(200_000_000))
    async with (
        scripted(answering(with_length(bomb, b"Content-Encoding: gzip\r\n"))) as server,
        ClientSession() as session,
        session.get(server.url()) as response,
    ):
        assert await response.content.read(10) == bytes(10)
        assert len(response.content.read_nowait()) < 1_000_000


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("frame", FRAMINGS)
@pytest.mark.parametrize(
    ("name", "coded"),
    [
        (b"gzip", b"this is no gzip"),
        (b"gzip", gzip.compress(CONTENT)[:-9]),
        (b"deflate", deflate(CONTENT)[:-5]),
        (b"deflate", b"\x78\x9cgarbage"),
    ],
)
async def test_broken_content_codings(
    name: bytes, coded: bytes, frame: Any, cut: Callable[[bytes], list[bytes]]
) -> None:
    with pytest.raises(ClientPayloadError):
        await fetched(*cut(frame(coded, b"Content-Encoding: %b\r\n" % name)))


@pytest.mark.parametrize(
    ("method", "status", "fields"),
    [
        ("HEAD", 200, b"Content-Length: 10\r\n"),
        ("HEAD", 200, b"Transfer-Encoding: chunked\r\n"),
        ("HEAD", 200, b"Content-Encoding: gzip\r\nContent-Length: 20\r\n"),
        ("GET", 204, b""),
        ("GET", 304, b"Content-Length: 10\r\n"),
        ("GET", 200, b"Content-Length: 0\r\n"),
    ],
)
async def test_answers_without_a_body(method: str, status: int, fields: bytes) -> None:
    answer = b"HTTP/1.1 %d X\r\n%b\r\n" % (status, fields)
    async with scripted(answer) as server, ClientSession() as session:
        for _ in range(2):
            async with session.request(method, server.url()) as response:
                assert response.status == status
                assert await response.read() == b""
                assert await response.content.read() == b""
        assert len(server.peers) == 1, "reused"


async def test_informational_responses_are_passed_over() -> None:
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    for pieces in ([early + with_length(b"x")], [early, with_length(b"x")]):
        response, body = await fetched(*pieces)
        assert (response.status, body) == (200, b"x")


async def test_members() -> None:
    fields = b'Content-Type: Text/HTML; Charset="latin-1"\r\nX-A: 1\r\nx-a: caf\xe9\r\n'
    response, body = await fetched(with_length(b"\xe9", fields).replace(b"OK", b"Very Well", 1))
    assert (response.status, response.reason, response.method) == (200, "Very Well", "GET")
    assert response.version == HttpVersion(1, 1)
    assert response.ok
    assert response.url.path_qs == "/path?q"
    assert response.host == "127.0.0.1"
    assert response.headers.getall("x-A") == ["1", "caf\udce9"]
    assert response.raw_headers[1:3] == ((b"X-A", b"1"), (b"x-a", b"caf\xe9"))
    assert (response.content_type, response.charset, response.content_length) == ("text/html", "latin-1", 1)
    assert await response.text() == "\xe9"
    assert await response.text("cp437") == "\u0398"
    assert response.history == ()
    assert list(response.attempts) == []
    assert response.request_info.method == "GET"
    assert response.request_info.headers["Accept"] == "*/*"
    assert repr(response).startswith("<ClientResponse(http://127.0.0.1:")
    assert body == b"\xe9"


async def test_http_1_0_answers() -> None:
    response, body = await fetched(b"HTTP/1.0 200 OK\r\n\r\nbody")
    assert (response.version, body) == (HttpVersion(1, 0), b"body")


async def test_json() -> None:
    value = {"a": [1, "\u00fc"]}
    for kind in (b"application/json", b"application/problem+json; charset=utf-8"):
        response, _ = await fetched(
            with_length(json.dumps(value, ensure_ascii=False).encode(), b"Content-Type: %b\r\n" % kind)
        )
        assert await response.json() == value
        assert await response.json(loads=len) == len(await response.text())


async def test_json_of_an_empty_body_is_none() -> None:
    response, _ = await fetched(with_length(b" \r\n", b"Content-Type: application/json\r\n"))
    assert await response.json() is None


async def test_json_of_another_type() -> None:
    response, _ = await fetched(with_length(b"[1]", b"Content-Type: text/plain\r\n"))
    with pytest.raises(ContentTypeError) as caught:
        await response.json()
    assert caught.value.status == 200
    assert await response.json(content_type=None) == [1]
    assert await response.json(content_type="text/plain") == [1]


async def test_json_that_is_none() -> None:
    response, _ = await fetched(with_length(b"{", b"Content-Type: application/json\r\n"))
    with pytest.raises(json.JSONDecodeError):
        await response.json()


@pytest.mark.parametrize("status", [400, 404, 500, 599])
async def test_raise_for_status(status: int) -> None:
    async with (
        scripted(b"HTTP/1.1 %d Gone\r\nX-A: 1\r\nContent-Length: 0\r\n\r\n" % status) as server,
        ClientSession() as session,
        session.get(server.url()) as response,
    ):
        assert not response.ok
        with pytest.raises(ClientResponseError) as caught:
            response.raise_for_status()
    error = caught.value
    assert (error.status, error.message, error.history) == (status, "Gone", ())
    assert error.headers is not None
    assert error.headers["X-A"] == "1"
    assert error.request_info == response.request_info


@pytest.mark.parametrize("enter", ["request", "response"])
async def test_within_async_with_the_body_of_an_error_can_be_read(enter: str) -> None:
    refusal = b"HTTP/1.1 400 Bad\r\nContent-Length: 3\r\n\r\n"
    async with scripted(answering(refusal, b"why")) as server, ClientSession() as session:
        request = session.get(server.url())
        async with request if enter == "request" else await request as response:
            with pytest.raises(ClientResponseError):
                response.raise_for_status()
            assert await response.read() == b"why"


@pytest.mark.parametrize("status", [200, 304, 399])
async def test_nothing_is_raised_below_400(status: int) -> None:
    response, _ = await fetched(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status)
    response.raise_for_status()


@pytest.mark.parametrize("give_up", ["release", "close", "await release", "raise_for_status", "exit"])
async def test_an_unread_body_closes_the_connection(give_up: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.answer(b"HTTP/1.1 400 Bad\r\nContent-Length: 100\r\n\r\n", b"x" * 50)
        await peer.rest()

    async with scripted(script) as server, ClientSession() as session:
        response = await session.get(server.url())
        match give_up:
            case "release":
                response.release()
            case "await release":
                await response.release()
            case "close":
                response.close()
            case "exit":
                async with response:
                    pass
            case _:
                with pytest.raises(ClientResponseError):
                    response.raise_for_status()
        assert response.closed
        with pytest.raises(ClientConnectionError):
            await response.read()
        async with session.get(server.url()) as response:
            assert response.status == 400
        assert len(server.peers) == 2


async def test_a_reader_is_told_when_the_response_is_closed() -> None:
    import asyncio

    head = HEAD + b"Content-Length: 100\r\n\r\n"
    async with scripted(answering(head, b"x", then="stay")) as server, ClientSession() as session:
        response = await session.get(server.url())
        reader = asyncio.create_task(response.read())
        await asyncio.sleep(0)
        response.close()
        async with asyncio.timeout(1):
            with pytest.raises(ClientConnectionError):
                await reader


# raise_for_status, asked for


REFUSAL = b"HTTP/1.1 400 Bad\r\nContent-Length: 3\r\n\r\nwhy"


@pytest.mark.parametrize(
    ("session_wide", "own", "raises"),
    [(True, None, True), (False, True, True), (True, False, False), (False, None, False)],
)
async def test_raise_for_status_is_asked_for(session_wide: bool, own: bool | None, raises: bool) -> None:
    async with scripted(REFUSAL) as server, ClientSession(raise_for_status=session_wide) as session:
        request = session.get(server.url(), raise_for_status=own)
        if not raises:
            assert (await request).status == 400
            return
        with pytest.raises(ClientResponseError) as caught:
            await request
        assert (caught.value.status, caught.value.message) == (400, "Bad")


@pytest.mark.parametrize("is_own", [False, True])
async def test_a_coroutine_function_decides(is_own: bool) -> None:
    async def decide(response: ClientResponse) -> None:
        assert response.status == 400
        assert await response.text() == "why"
        raise LookupError("no")

    options = {"raise_for_status": decide}
    async with scripted(REFUSAL) as server, ClientSession(**({} if is_own else options)) as session:  # type: ignore[arg-type]  # as users pass it
        with pytest.raises(LookupError, match="no"):
            await session.get(server.url(), **(options if is_own else {}))
        assert session.connector is not None
        assert not any(connection.is_lent for connection in session.connector._connections)


# Charsets that nobody named

CYRILLIC = "привет".encode("koi8-r")


async def test_a_resolver_finds_the_charset() -> None:
    asked = []

    def resolve(response: ClientResponse, body: bytes) -> str:
        asked.append((response.status, body))
        return "koi8-r"

    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n" + CYRILLIC
    async with (
        scripted(answer) as server,
        ClientSession(fallback_charset_resolver=resolve) as session,
        session.get(server.url()) as response,
    ):
        with pytest.raises(RuntimeError, match="expected the body to be read"):
            response.get_encoding()
        assert await response.text() == "привет"
        assert response.get_encoding() == "koi8-r"
    assert set(asked) == {(200, CYRILLIC)}


async def test_a_resolver_is_not_asked_for_what_the_server_named() -> None:
    def resolve(response: ClientResponse, body: bytes) -> str:
        raise AssertionError("asked")

    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=koi8-r\r\nContent-Length: 6\r\n\r\n"
    async with (
        scripted(answer + CYRILLIC) as server,
        ClientSession(fallback_charset_resolver=resolve) as session,
        session.get(server.url()) as response,
    ):
        assert await response.text() == "привет"
