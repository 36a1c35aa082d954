"""The life of a connection: kept, pipelined, half-closed, given up, and never at another's expense."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pronghorn import web

from ..server.peer import GET, PATIENCE, Peer, connect, eventually, served, serving


async def path(request: web.Request) -> web.Response:
    return web.Response(text=request.path)


def numbered(number: int) -> bytes:
    return b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number


# Keep-alive and pipelining


async def test_many_requests_on_one_connection() -> None:
    async with served(path) as peer:
        for number in range(50):
            assert (await peer.ask(target=f"/{number}")).text == f"/{number}"


async def test_close_when_asked() -> None:
    async with served(path) as peer:
        peer.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + GET)
        answer = await peer.answer()
        assert answer["connection"] == "close"
        assert await peer.is_closed()


async def _at_once(request: web.Request) -> web.Response:
    return await path(request)


async def _later(request: web.Request) -> web.Response:
    await asyncio.sleep(0)
    return await path(request)


async def _sometimes(request: web.Request) -> web.Response:
    if int(request.path[1:]) % 3:
        await asyncio.sleep(0)
    return await path(request)


@pytest.mark.parametrize("handler", [_at_once, _later, _sometimes])
@pytest.mark.parametrize("ends", [False, True], ids=["open", "half-closed"])
async def test_a_burst_is_answered_in_order(handler: Any, ends: bool) -> None:
    async with served(handler) as peer:
        peer.send(b"".join(map(numbered, range(200))))
        if ends:
            peer.end()
        for number in range(200):
            assert (await peer.answer()).text == f"/{number}"
        if ends:
            assert await peer.is_closed()


async def test_bodies_in_a_burst() -> None:
    async def echo(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    async with served(echo) as peer:
        for number in range(50):
            peer.request("POST", body=b"%d" % number * number)
        for number in range(50):
            assert (await peer.answer()).content == b"%d" % number * number


async def test_a_peer_that_does_not_read_stops_no_other() -> None:
    async def big(request: web.Request) -> web.Response:
        return web.Response(body=bytes(1024 * 1024)) if request.path == "/big" else await path(request)

    async with serving(big) as server, connect(server) as stalled, connect(server) as other:
        stalled.reader._transport.pause_reading()  # type: ignore[attr-defined]  # a peer that does not read
        stalled.send(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n" * 100)
        for number in range(20):
            assert (await other.ask(target=f"/{number}")).text == f"/{number}"
        stalled.reader._transport.resume_reading()  # type: ignore[attr-defined]  # and now reads
        for _ in range(100):
            assert len((await stalled.answer()).content) == 1024 * 1024


async def test_a_stream_that_never_waits_stops_no_other() -> None:
    done = asyncio.Event()

    async def flood(request: web.Request) -> web.StreamResponse:
        if request.path != "/flood":
            return await path(request)
        response = web.StreamResponse()
        await response.prepare(request)
        while not done.is_set():
            await response.write(bytes(64 * 1024))
        return response

    async with serving(flood) as server, connect(server) as greedy, connect(server) as other:
        greedy.request(target="/flood")
        reading = asyncio.create_task(greedy.answer())
        for number in range(20):
            assert (await other.ask(target=f"/{number}")).text == f"/{number}"
        done.set()
        assert (await reading).is_whole


# Backpressure


async def test_a_slow_reader_holds_the_writer_back() -> None:
    written = 0

    async def stream(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(1024):
            await response.write(bytes(64 * 1024))
            written += 64 * 1024
        return response

    async with served(stream) as peer:
        peer.request()
        seen: list[int] = []
        while len(seen) < 50 or seen[-1] != seen[-50] or not written:
            seen.append(written)
            await asyncio.sleep(0.002)
        assert written < 32 * 1024 * 1024
        answer = await peer.answer()
        assert answer.is_whole
        assert len(answer.content) == 1024 * 64 * 1024


# Half-closed and vanished


async def test_a_half_closed_client_gets_its_answer() -> None:
    gate = asyncio.Event()

    async def wait(request: web.Request) -> web.StreamResponse:
        await gate.wait()
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(bytes(64 * 1024))
        return response

    async with served(wait) as peer:
        peer.request()
        peer.end()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(peer.reader.read(1), 0.05)
        gate.set()
        answer = await peer.answer()
        assert answer.is_whole
        assert len(answer.content) == 6_553_600
        assert await peer.is_closed()


async def test_a_client_that_vanishes_while_it_is_answered(caplog: pytest.LogCaptureFixture) -> None:
    errors: list[BaseException] = []

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(bytes(64 * 1024))
        except BaseException as error:
            errors.append(error)
            raise

    async with serving(stream) as server, connect(server) as peer:
        peer.request()
        await peer.reader.read(1)
        peer.vanish()
        await eventually(lambda: errors)
        assert isinstance(errors[0], ConnectionError)
        assert server.runner is not None
        await eventually(lambda: not server.runner.server.connections)  # type: ignore[union-attr]  # it is set up
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


# Deadlines


async def _nothing(peer: Peer) -> None:
    pass


async def _drip(peer: Peer) -> None:
    """A head that comes a byte at a time, and never ends."""
    peer.send(b"GET / HTTP/1.1\r\nX: ")
    try:
        while not peer.reader.at_eof():
            peer.send(b"x")
            await peer.writer.drain()
            await asyncio.sleep(0.01)
    except ConnectionError:
        pass


async def _half_a_body(peer: Peer) -> None:
    peer.send(b"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345")


async def _ask(peer: Peer) -> None:
    await peer.ask()


@pytest.mark.parametrize(
    ("setting", "behave", "last"),
    [
        ("head_timeout", _nothing, b""),
        ("head_timeout", _drip, b""),
        ("keepalive_timeout", _ask, b""),
        ("body_timeout", _half_a_body, b"HTTP/1.1 408 Request Timeout\r\n"),
    ],
)
async def test_deadlines(setting: str, behave: Callable[[Peer], Any], last: bytes) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    loop = asyncio.get_running_loop()
    async with served(handler, **{setting: 0.2}) as peer:
        start = loop.time()
        async with asyncio.timeout(PATIENCE):
            await behave(peer)
        rest = await peer.rest()
        assert rest.startswith(last)
        assert 0.15 < loop.time() - start < 3


@pytest.mark.parametrize("kind", ["whole", "stream"])
async def test_a_reader_that_stalls_is_given_up(kind: str) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        if kind == "whole":
            return web.Response(body=bytes(64 * 1024 * 1024))
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(64 * 1024))

    async with serving(handler, write_timeout=0.2) as server, connect(server) as peer:
        assert server.runner is not None
        peer.request()
        await eventually(lambda: server.runner.server.connections)  # type: ignore[union-attr]  # it is set up
        await eventually(lambda: not server.runner.server.connections)  # type: ignore[union-attr]  # it is set up
        answer = await peer.answer()
        assert not answer.is_whole


@pytest.mark.parametrize("kind", ["stream", "file"])
async def test_a_reader_that_is_slow_and_steady_is_waited_for(kind: str, tmp_path: Path) -> None:
    """The kernel takes megabytes: for longer than the deadline it asks for nothing more, and all is well."""
    size = 32 * 1024 * 1024
    path = tmp_path / "file"
    path.write_bytes(bytes(size))

    async def handler(request: web.Request) -> web.StreamResponse:
        if kind == "file":
            return web.FileResponse(path)
        response = web.StreamResponse()
        response.content_length = size
        await response.prepare(request)
        for _ in range(512):
            await response.write(bytes(64 * 1024))
        return response

    async with serving(handler, write_timeout=0.5) as server, connect(server) as peer:
        peer.request()
        loop = asyncio.get_running_loop()
        slow_until = loop.time() + 1.6
        await peer.reader.readuntil(b"\r\n\r\n")
        taken = 0
        while taken < size:
            piece = await peer.reader.read(64 * 1024)
            assert piece, f"ended after {taken} bytes"
            taken += len(piece)
            if loop.time() < slow_until:
                await asyncio.sleep(0.05)


async def test_a_slow_body_that_goes_on_is_no_slow_body() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    async with served(handler, body_timeout=0.4, progress_size=100) as peer:
        peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(9):
            peer.send(bytes(100))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(peer.reader.read(1), 0.08)
        peer.send(bytes(100))
        assert (await peer.answer()).text == "1000"
