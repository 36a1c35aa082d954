"""Request bodies: how they are read, how much of them, and what happens to the rest."""

import asyncio
import gzip
import hashlib
from typing import Any

import pytest

from pronghorn import web

from ..server.peer import PATIENCE, Peer, eventually, served

EXPECT = b"Expect: 100-continue\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


async def echo(request: web.Request) -> web.Response:
    return web.Response(body=await request.read())


async def ignore(request: web.Request) -> web.Response:
    return web.Response(text="whatever")


async def refuse(request: web.Request) -> web.Response:
    raise web.HTTPForbidden


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


# Reading


@pytest.mark.parametrize("size", [0, 1, 1000, 300_000])
async def test_bodies_of_every_size(size: int) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    async with served(echo) as peer:
        assert (await peer.ask("POST", body=body)).content == body
        peer.send(
            CHUNKED + b"".join(chunk(body[at : at + 7000]) for at in range(0, size, 7000)) + b"0\r\n\r\n"
        )
        assert (await peer.answer()).content == body


async def test_a_stream_as_it_comes() -> None:
    seen: list[bytes] = []

    async def handler(request: web.Request) -> web.Response:
        while piece := await request.content.readany():
            seen.append(piece)
        return web.Response(text=str(len(seen)))

    async with served(handler) as peer:
        peer.send(CHUNKED)
        for number in range(3):
            peer.send(chunk(b"%d" % number))
            await eventually(lambda number=number: len(seen) == number + 1)  # type: ignore[misc]  # a lambda
        peer.send(b"0\r\nX-Trailer: yes\r\n\r\n")
        assert (await peer.answer()).text == "3"


async def test_a_large_upload_is_read_through() -> None:
    async def digest(request: web.Request) -> web.Response:
        sha = hashlib.sha256()
        async for piece in request.content.iter_chunked(64 * 1024):
            sha.update(piece)
        return web.Response(text=sha.hexdigest())

    body = bytes(8 * 1024 * 1024)
    async with served(digest) as peer:
        peer.request("POST", body=body)
        assert (await peer.answer()).text == hashlib.sha256(body).hexdigest()


async def test_a_handler_that_reads_nothing_pauses_the_peer() -> None:
    gate = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        await gate.wait()
        return await echo(request)

    body = bytes(64 * 1024 * 1024)
    async with served(handler, client_max_size=0) as peer:
        peer.request("POST", body=body)
        transport = peer.writer.transport
        sizes: list[int] = []
        while len(sizes) < 50 or sizes[-1] != sizes[-50]:
            sizes.append(transport.get_write_buffer_size())
            await asyncio.sleep(0.002)
        assert sizes[-1] > 32 * 1024 * 1024
        gate.set()
        assert len((await peer.answer()).content) == len(body)


# How much


async def test_a_body_that_is_announced_too_large_is_refused_before_it_comes() -> None:
    async with served(echo, client_max_size=1000) as peer:
        peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n")
        answer = await peer.answer()
        assert (answer.status, answer.text) == (413, "Maximum request body size 1000 exceeded.")


async def test_a_chunked_body_is_refused_at_the_chunk_that_is_too_much() -> None:
    async with served(echo, client_max_size=1000) as peer:
        peer.send(CHUNKED + chunk(bytes(1000)))
        peer.send(chunk(b"x"))
        assert (await peer.answer()).status == 413


async def test_what_is_inflated_counts() -> None:
    bomb = gzip.compress(bytes(1_000_000))
    async with served(echo, client_max_size=100_000) as peer:
        answer = await peer.ask("POST", body=bomb, more=b"Content-Encoding: gzip\r\n")
        assert answer.status == 413
        answer = await peer.ask("POST", body=gzip.compress(b"small"), more=b"Content-Encoding: gzip\r\n")
        assert answer.content == b"small"


async def test_broken_codings_are_the_clients_fault() -> None:
    async with served(echo) as peer:
        answer = await peer.ask("POST", body=b"nonsense", more=b"Content-Encoding: gzip\r\n")
        assert answer.status == 400


# Expect: 100-continue


async def test_continue_is_sent_when_the_body_is_wanted() -> None:
    gate = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        await gate.wait()
        return await echo(request)

    async with served(handler) as peer:
        for _ in range(2):
            gate.clear()
            peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n" + EXPECT + b"\r\n")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(peer.reader.read(1), 0.05)
            gate.set()
            answer = await peer.answer()
            assert (answer.status, answer.reason, answer.fields) == (100, "Continue", [])
            peer.send(b"body")
            assert (await peer.answer()).content == b"body"


async def test_a_final_answer_without_the_body_closes() -> None:
    for handler, status in ((refuse, 403), (ignore, 200)):
        async with served(handler) as peer:
            peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n" + EXPECT + b"\r\n")
            answer = await peer.answer()
            assert (answer.status, answer["connection"]) == (status, "close")
            assert await peer.is_closed()


async def test_a_client_that_does_not_wait_needs_no_continue() -> None:
    async with served(echo) as peer:
        answer = await peer.ask("POST", body=b"body", more=EXPECT)
        assert (answer.status, answer.content) == (200, b"body")


async def test_nothing_else_is_expected() -> None:
    async with served(echo) as peer:
        assert (await peer.ask("POST", body=b"", more=b"Expect: miracles\r\n")).status == 417
        assert await peer.is_closed()


async def test_an_old_client_is_not_told_to_continue() -> None:
    async with served(echo) as peer:
        peer.send(b"POST / HTTP/1.0\r\nContent-Length: 4\r\n" + EXPECT + b"\r\n")
        peer.send(b"body")
        answer = await peer.answer()
        assert (answer.status, answer.content) == (200, b"body")


# An answer before the body is whole


async def _upload(peer: Peer, head: bytes, size: int) -> None:
    """Send ``size`` bytes of a body; the answer, which comes early, is read only then."""
    peer.send(head)
    sent = 0
    async with asyncio.timeout(PATIENCE):
        while sent < size:
            peer.send(bytes(16 * 1024))
            sent += 16 * 1024
            await peer.writer.drain()


@pytest.mark.parametrize("length", [b"Content-Length: 100000000", b"Transfer-Encoding: chunked"])
@pytest.mark.parametrize("handler", [refuse, ignore])
async def test_an_early_answer_reaches_a_client_that_goes_on_sending(handler: Any, length: bytes) -> None:
    async with served(handler) as peer:
        head = b"POST / HTTP/1.1\r\nHost: a\r\n%b\r\n\r\n" % length
        await _upload(peer, head + (b"5f5e100\r\n" if b"chunked" in length else b""), 600 * 1024)
        answer = await peer.answer()
        assert answer.status in (200, 403)
        assert await peer.is_closed()


async def test_a_client_that_never_stops_sending_still_hears_why() -> None:
    """More than is read while lingering: the connection waits instead of being reset under the answer."""
    async with served(refuse) as peer:
        peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n")
        for _ in range(64):
            peer.send(bytes(64 * 1024))
        answer = await peer.answer()
        assert answer.status == 403
        assert await asyncio.wait_for(peer.reader.read(1), PATIENCE) == b""


async def test_a_broken_body_is_answered_to_a_client_that_goes_on_sending() -> None:
    async with served(echo) as peer:
        peer.send(CHUNKED + b"5\r\nhelloXX")
        answer = await peer.answer()
        assert (answer.status, answer["connection"]) == (400, "close")
        peer.send(bytes(32 * 1024))
        await peer.writer.drain()
        assert await peer.is_closed()


async def test_the_answer_is_whole_though_the_client_reads_slowly_after_an_early_end() -> None:
    """Lingering begins when the answer has left, not when it was written."""
    size = 16 * 1024 * 1024

    async def big(request: web.Request) -> web.Response:
        return web.Response(body=bytes(size), headers={"Connection": "close"})

    async with served(big) as peer:
        peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx")
        loop = asyncio.get_running_loop()
        start = loop.time()
        await eventually(lambda: loop.time() > start + 1.3)
        assert len((await peer.answer()).content) == size


async def test_the_answer_is_whole_though_the_client_ends_meanwhile() -> None:
    size = 16 * 1024 * 1024

    async def big(request: web.Request) -> web.Response:
        return web.Response(body=bytes(size), headers={"Connection": "close"})

    async with served(big) as peer:
        peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx")
        async with asyncio.timeout(PATIENCE):
            await peer.reader.readuntil(b"\r\n\r\n")
        peer.end()
        assert len(await peer.rest()) == size
        assert not peer.was_reset


# A peer that vanishes


@pytest.mark.parametrize("way", ["end", "vanish"])
async def test_a_body_that_breaks_off(way: str, caplog: pytest.LogCaptureFixture) -> None:
    errors: list[Exception] = []

    async def handler(request: web.Request) -> web.Response:
        try:
            await request.read()
        except Exception as error:
            errors.append(error)
            raise
        return web.Response()

    async with served(handler) as peer:
        peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123")
        await peer.writer.drain()
        getattr(peer, way)()
        await eventually(lambda: errors)
        assert isinstance(errors[0], web.RequestPayloadError)
        if way == "end":
            assert (await peer.answer()).status == 400
            assert await peer.is_closed()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
