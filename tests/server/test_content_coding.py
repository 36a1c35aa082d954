"""Content codings of responses: who gets which, what the fields say, and where the work is done."""

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from multidict import CIMultiDict

from pronghorn import ClientSession, web
from pronghorn.server.content_coding import FOR_WHOLE, Coder, ContentCoding, check_forced, settle_coding
from pronghorn.server.response import json_response
from pronghorn.testing.memory import MemoryExchange, make_request
from pronghorn.wire import compression
from pronghorn.wire.coding import accepted_codings, decoder_for

from .peer import PATIENCE, Answer, served, serving

CODINGS = accepted_codings().split(", ")
TEXT = " ".join(str(number) for number in range(20_000))
IDENTITY = "identity"


def inflate(coding: str, data: bytes) -> bytes:
    decoder = decoder_for(coding)
    assert decoder is not None
    content = decoder.decode(data)
    while decoder.has_more:
        content += decoder.decode(b"")
    decoder.finish()
    return content


def settle(
    accepted: str = "gzip",
    headers: Any = (),
    status: int = 200,
    *,
    forced: ContentCoding | None = None,
    has_content: bool = True,
) -> tuple[str, dict[str, str]]:
    fields = CIMultiDict(headers)
    coding = settle_coding(
        fields, status, accepted, forced=forced, preference=FOR_WHOLE, has_content=has_content
    )
    return coding, dict(fields)


# What is settled


def test_the_members_are_those_of_aiohttp_and_ours() -> None:
    assert [coding.value for coding in ContentCoding] == ["deflate", "gzip", "br", "zstd", "identity"]
    assert ContentCoding("gzip") is ContentCoding.gzip


def test_the_fields_say_what_was_chosen() -> None:
    assert settle() == ("gzip", {"Vary": "Accept-Encoding", "Content-Encoding": "gzip"})


@pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0", "unheard-of"])
def test_vary_is_said_whatever_was_chosen(accepted: str) -> None:
    assert settle(accepted) == (IDENTITY, {"Vary": "Accept-Encoding"})


@pytest.mark.parametrize(
    ("given", "vary"),
    [
        ("Origin", "Origin, Accept-Encoding"),
        ("accept-encoding, Origin", "accept-encoding, Origin"),
        ("*", "*"),
        ("", "Accept-Encoding"),
    ],
)
def test_vary_is_added_to(given: str, vary: str) -> None:
    assert settle(headers={"Vary": given})[1]["Vary"] == vary


def test_several_vary_fields_become_one() -> None:
    fields = CIMultiDict([("Vary", "Origin"), ("Vary", "Cookie")])
    settle_coding(fields, 200, "", forced=None, preference=FOR_WHOLE, has_content=True)
    assert fields.getall("Vary") == ["Origin, Cookie, Accept-Encoding"]


def test_what_is_forced_is_not_negotiated() -> None:
    assert settle("", forced=ContentCoding.gzip) == ("gzip", {"Content-Encoding": "gzip"})
    assert settle("gzip", forced=ContentCoding.identity) == (IDENTITY, {})


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Encoding": "br"}, 200),
        ({"Content-Encoding": "identity"}, 200),
        ({"Content-Range": "bytes 0-1/10"}, 206),
        ({}, 206),
        ({"Content-Range": "bytes */10"}, 416),
    ],
)
@pytest.mark.parametrize("forced", [None, ContentCoding.gzip])
def test_what_is_coded_or_a_part_is_left_alone(headers: Any, status: int, forced: Any) -> None:
    assert settle(headers=headers, status=status, forced=forced) == (IDENTITY, headers)


def test_no_content_is_not_coded() -> None:
    assert settle(has_content=False) == (IDENTITY, {"Vary": "Accept-Encoding"})
    assert settle(has_content=False, forced=ContentCoding.gzip) == (IDENTITY, {})


@pytest.mark.parametrize(
    ("etag", "coded"), [('"abc"', 'W/"abc"'), ('W/"abc"', 'W/"abc"'), ("rubbish", "rubbish")]
)
def test_a_strong_tag_becomes_weak(etag: str, coded: str) -> None:
    assert settle(headers={"ETag": etag})[1]["ETag"] == coded
    assert settle("", headers={"ETag": etag})[1]["ETag"] == etag
    # A 304 has the fields of the 200 that it stands for.
    assert settle(headers={"ETag": etag}, status=304, has_content=False) == (
        IDENTITY,
        {"ETag": coded, "Vary": "Accept-Encoding"},
    )


def test_what_can_be_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    check_forced(ContentCoding.identity)
    check_forced(ContentCoding.deflate)
    with pytest.raises(TypeError, match="ContentCoding"):
        check_forced("gzip")  # type: ignore[arg-type]  # that it is refused is the point
    monkeypatch.setitem(compression._LIBRARIES, "br", lambda: None)
    with pytest.raises(ValueError, match="br is not installed"):
        web.Response().enable_compression(ContentCoding.br)
    assert settle("br, gzip")[0] == "gzip"


# The coder


async def test_large_pieces_are_compressed_on_threads() -> None:
    threads = []

    class Noting:
        def compress(self, data: bytes) -> bytes:
            threads.append(threading.current_thread().name)
            return data

        def flush(self) -> bytes:
            return b"!"

        def sync(self) -> bytes:
            return b"."

    with ThreadPoolExecutor(1, thread_name_prefix="mine") as executor:
        coder = Coder("gzip", None, 3, executor)
        coder._compressor = Noting()
        assert await coder.take(b"abc") == b"abc"
        assert await coder.take(b"abcd", is_synced=True) == b"abcd."
        assert await coder.finish(b"ab") == b"ab!"
        assert await coder.finish(b"abcdef") == b"abcdef!"
    main = threading.current_thread().name
    assert threads == [main, "mine_0", main, "mine_0"]


async def test_what_is_held_back_counts_at_the_end() -> None:
    threads = []

    class Holding:
        def compress(self, data: bytes) -> bytes:
            return b""

        def sync(self) -> bytes:
            return b""

        def flush(self) -> bytes:
            threads.append(threading.current_thread())
            return b""

    coder = Coder("gzip", None, 3)
    coder._compressor = Holding()
    await coder.take(b"ab")
    await coder.take(b"ab")
    await coder.finish()
    assert threads[0] is not threading.current_thread()


async def test_pieces_come_out_in_order() -> None:
    coder = Coder("gzip", None, 1000)
    out: list[bytes] = []

    async def give(piece: bytes) -> None:
        out.append(await coder.take(piece, is_synced=True))

    pieces = [bytes([number]) * (200_000 if number % 2 else 10) for number in range(1, 9)]
    async with asyncio.TaskGroup() as group:
        for piece in pieces:
            group.create_task(give(piece))
    out.append(await coder.finish())
    assert inflate("gzip", b"".join(out)) == b"".join(pieces)


# Whole responses


async def compressed(request: web.Request) -> web.Response:
    response = web.Response(text=TEXT)
    response.etag = "abc"
    response.enable_compression()
    return response


async def compressed_stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/plain; charset=utf-8"})
    response.content_length = len(TEXT)
    response.etag = "abc"
    response.enable_compression()
    await response.prepare(request)
    content = TEXT.encode()
    for start in range(0, len(content), 7_000):
        await response.write(content[start : start + 7_000])
    return response


async def compressed_pieces(request: web.Request) -> web.Response:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(TEXT), 30_000):
            yield TEXT[start : start + 30_000].encode()

    response = web.Response(body=pieces(), content_type="text/plain", charset="utf-8")
    response.etag = "abc"
    response.enable_compression()
    return response


HANDLERS = [compressed, compressed_stream, compressed_pieces]


def accept(coding: str) -> bytes:
    return f"Accept-Encoding: {coding}\r\n".encode()


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("coding", CODINGS)
async def test_a_client_gets_what_it_accepts(handler: Any, coding: str) -> None:
    async with served(handler) as peer:
        for _ in range(2):
            answer = await peer.ask(more=accept(coding))
            assert answer.is_whole
            assert (answer["content-encoding"], answer["vary"]) == (coding, "Accept-Encoding")
            assert answer["etag"] == 'W/"abc"'
            assert inflate(coding, answer.content).decode() == TEXT
            assert len(answer.content) < len(TEXT)


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("field", [b"", accept("identity"), accept("gzip;q=0, *;q=0"), accept("")])
async def test_who_accepts_none_gets_it_as_it_is(handler: Any, field: bytes) -> None:
    async with served(handler) as peer:
        answer = await peer.ask(more=field)
        assert "content-encoding" not in answer
        assert (answer["vary"], answer["etag"], answer.text) == ("Accept-Encoding", '"abc"', TEXT)


@pytest.mark.parametrize("handler", HANDLERS)
async def test_fields_on_several_lines_are_one_list(handler: Any) -> None:
    async with served(handler) as peer:
        answer = await peer.ask(more=accept("gzip;q=0.5") + accept("deflate;q=0.7"))
        assert answer["content-encoding"] == "deflate"


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("coding", CODINGS)
async def test_our_client_reads_them_all(handler: Any, coding: str) -> None:
    async with serving(handler) as server, ClientSession() as session:
        async with session.get(server.make_url("/"), headers={"Accept-Encoding": coding}) as response:
            assert response.headers["Content-Encoding"] == coding
            assert await response.text() == TEXT
        async with session.get(server.make_url("/")) as response:
            assert response.headers["Content-Encoding"] in CODINGS
            assert await response.text() == TEXT


@pytest.mark.parametrize("handler", HANDLERS)
async def test_an_old_client_gets_it_until_the_end(handler: Any) -> None:
    async with served(handler) as peer:
        peer.send(b"GET / HTTP/1.0\r\n" + accept("gzip") + b"\r\n")
        answer = await peer.answer()
        assert "transfer-encoding" not in answer
        assert inflate("gzip", answer.content).decode() == TEXT


@pytest.mark.parametrize("handler", HANDLERS)
async def test_head_says_what_get_says(handler: Any) -> None:
    async with served(handler) as peer:
        answers = [await peer.ask(method, more=accept("gzip")) for method in ("GET", "HEAD", "GET")]
        assert answers[1].content == b""
        assert [sorted(names(answer)) for answer in answers] == [sorted(names(answers[0]))] * 3


def names(answer: Answer) -> list[tuple[str, str]]:
    return [field for field in answer.fields if field[0] != "date"]


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("kind", [web.Response, web.StreamResponse])
async def test_statuses_without_content(status: int, kind: Any) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response: web.StreamResponse = kind(status=status)
        response.enable_compression()
        return response

    async with served(handler) as peer:
        for _ in range(2):
            answer = await peer.ask(more=accept("gzip"))
            assert (answer.status, answer["vary"]) == (status, "Accept-Encoding")
            assert "content-encoding" not in answer


async def test_an_empty_body_stays_empty() -> None:
    async def handler(request: web.Request) -> web.Response:
        response = web.Response(text="")
        response.enable_compression(ContentCoding.gzip)
        return response

    async with served(handler) as peer:
        answer = await peer.ask(more=accept("gzip"))
        assert (answer["content-length"], answer.content) == ("0", b"")
        assert "content-encoding" not in answer


async def test_what_was_coded_before_is_not_coded_again() -> None:
    async def handler(request: web.Request) -> web.Response:
        response = web.Response(body=b"raw", headers={"Content-Encoding": "br"})
        response.enable_compression()
        return response

    async with served(handler) as peer:
        answer = await peer.ask(more=accept("gzip"))
        assert (answer["content-encoding"], answer.content) == ("br", b"raw")
        assert "vary" not in answer


@pytest.mark.parametrize("coding", CODINGS)
async def test_a_coding_can_be_forced(coding: str) -> None:
    async def handler(request: web.Request) -> web.Response:
        response = json_response({"a": "b" * 100})
        response.enable_compression(ContentCoding(coding))
        return response

    async with served(handler) as peer:
        answer = await peer.ask()
        assert answer["content-encoding"] == coding
        assert "vary" not in answer
        assert inflate(coding, answer.content) == b'{"a": "%b"}' % (b"b" * 100)


@pytest.mark.parametrize(("force", "coding"), [(True, "deflate"), (False, None)])
async def test_a_bool_is_deprecated(force: bool, coding: str | None) -> None:
    response = web.Response(text=TEXT)
    with pytest.warns(DeprecationWarning, match="ContentCoding"):
        response.enable_compression(force)
    assert response.compression
    await response.prepare(make_request())
    assert response.headers.get("Content-Encoding") == coding


async def test_the_strategy_is_zlib_s() -> None:
    lengths = []
    for strategy in (None, 2):  # zlib.Z_HUFFMAN_ONLY
        response = web.Response(text=TEXT)
        response.enable_compression(ContentCoding.gzip, strategy)
        request = make_request()
        await response.prepare(request)
        await response.write_eof()
        lengths.append(response.body_length)
    assert lengths[0] < lengths[1]


async def test_the_executor_is_ones_own() -> None:
    used = []

    class Executor(ThreadPoolExecutor):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
            used.append(len(args[0]))
            return super().submit(fn, *args, **kwargs)

    with Executor(1) as executor:
        for size in (100, 101):
            response = web.Response(body=b"x" * size, zlib_executor=executor, zlib_executor_size=100)
            response.enable_compression(ContentCoding.gzip)
            request = make_request()
            await response.prepare(request)
            await response.write_eof()
            assert isinstance(request.exchange, MemoryExchange)
            assert inflate("gzip", bytes(request.exchange.content)) == b"x" * size
    assert used == [101]


async def test_a_piece_that_is_lost_breaks_the_body() -> None:
    response = web.StreamResponse()
    response.enable_compression(ContentCoding.gzip)
    request = make_request()
    await response.prepare(request)
    writing = asyncio.create_task(response.write(bytes(10_000_000)))
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert isinstance(request.exchange, MemoryExchange)
    assert request.exchange.reset_reason is not None
    with pytest.raises(ConnectionResetError):
        await response.write(b"more")


async def test_a_compressor_is_not_used_while_a_thread_has_it() -> None:
    """Who gave up has left a thread behind, and there is no telling when it is done."""
    begun, gate = threading.Event(), threading.Event()

    class Slow:
        def compress(self, data: bytes) -> bytes:
            begun.set()
            gate.wait(PATIENCE)
            return b""

        def flush(self) -> bytes:
            return b""

        sync = flush

    coder = Coder("gzip", None)
    coder._compressor = Slow()
    taking = asyncio.create_task(coder.take(bytes(10_000)))
    await asyncio.to_thread(begun.wait, PATIENCE)
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    gate.set()
    for data in (b"small", bytes(10_000)):
        with pytest.raises(ConnectionResetError, match="lost"):
            await coder.take(data)
        with pytest.raises(ConnectionResetError, match="lost"):
            await coder.finish(data)


async def test_nothing_changes_once_it_is_prepared() -> None:
    response = web.StreamResponse()
    assert not response.compression
    await response.prepare(make_request())
    with pytest.raises(RuntimeError, match="prepared"):
        response.enable_compression()
