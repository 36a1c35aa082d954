"""Family 10 in time: files that are swapped, answers that break off, handlers that outlive their client."""

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from pronghorn import web
from pronghorn.testing import TestServer
from pronghorn.typedefs import Handler

from ..functional.scripted import turns
from ..server.peer import PATIENCE, Peer, connect, eventually
from .cases import few_pieces

LARGE = bytes(range(251)) * 60_000  # 15 MB: more than buffers hold
SECRET = "s3cret"
ANSWER = b"HTTP/1.1 "


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "a.txt").write_text("content")
    (root / "a.txt").write_text("content")
    (root / "large.bin").write_bytes(LARGE)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.txt").write_text(SECRET)
    return root


def files(root: Path, *middlewares: Any, **static: Any) -> web.Application:
    app = web.Application(middlewares=middlewares)
    app.router.add_static("/static", root, **static)
    app.router.add_get("/", says_ok)
    return app


async def says_ok(request: web.Request) -> web.Response:
    return web.Response(text="ok")


def alone(handler: Any) -> web.Application:
    app = web.Application()
    app.router.add_route("*", "/a", handler)
    app.router.add_get("/", says_ok)
    return app


def stop_reading(peer: Peer) -> None:
    """Let the connection of ``peer`` fill up."""
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport of a stream reads


def go_on_reading(peer: Peer) -> None:
    peer.writer.transport.resume_reading()  # type: ignore[attr-defined]  # as above


def connections(server: TestServer) -> Any:
    return getattr(getattr(server.runner, "server", None), "connections", ())


# Files that are swapped


@contextmanager
def swapping(swap: Callable[[], object]) -> Iterator[None]:
    """Call ``swap`` again and again, on a thread."""
    stop = threading.Event()

    def go_on() -> None:
        while not stop.is_set():
            swap()

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _turns(path: Path, outside: Path, *, is_folder: bool) -> Callable[[], object]:
    """Puts a link to ``outside`` in the place of ``path``, and the other way around."""
    good, bad = path.with_name("good"), path.with_name("bad")

    def swap() -> None:
        bad.symlink_to(outside, target_is_directory=is_folder)
        path.rename(good)
        bad.rename(path)
        path.unlink()
        good.rename(path)

    return swap


@pytest.mark.parametrize("index", [False, True], ids=["hidden", "shown"])
@pytest.mark.parametrize("name", ["a.txt", "sub", "a.txt.gz"], ids=["file", "folder", "variant"])
async def test_a_file_that_is_swapped_for_a_link(root: Path, name: str, index: bool) -> None:
    """TOCTOU: between looking and opening a link appears. What it leads to is never served."""
    (root / "a.txt.gz").write_text("coded")
    outside = root.parent / "outside"
    swap = _turns(root / name, outside / "a.txt" if name != "sub" else outside, is_folder=name == "sub")
    target = "/static/sub/a.txt" if name == "sub" else "/static/a.txt"
    statuses = set()
    async with TestServer(files(root, show_index=index)) as server, connect(server) as peer:
        with swapping(swap):
            for _ in range(300):
                answer = await peer.ask(target=target, more=b"Accept-Encoding: gzip\r\n")
                statuses.add(answer.status)
                assert SECRET not in answer.text
                if name == "sub" and index:
                    assert "link" not in (await peer.ask(target="/static/sub/")).text
    assert statuses <= {200, 404}


async def test_what_is_no_file_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    paths = [str(tmp_path / "pipe"), "/dev/zero", "/dev/tty", str(tmp_path), "", "a\0b", "/" + "a" * 5000]
    paths += ["/proc/self/mem", "/proc/self/environ", "/proc/self/fd"]

    async def handler(request: web.Request) -> web.FileResponse:
        return web.FileResponse(paths[int(request.query["n"])])

    async with TestServer(alone(handler)) as server, connect(server) as peer:
        for number, path in enumerate(paths):
            answer = await peer.ask(target=f"/a?n={number}", more=b"Range: bytes=-5\r\n")
            # What /proc calls empty is sent so.
            assert answer.status in ((200, 404) if path.startswith("/proc/self/") else (404,)), path
            assert b"PATH" not in answer.content


# Pipelines, and what stands behind a file


@pytest.mark.parametrize("is_cut", [False, True], ids=["whole", "in pieces"])
async def test_nothing_comes_between_the_pieces_of_a_file(root: Path, is_cut: bool) -> None:
    """CVE-2023-46137. The kernel sends the files; requests and an error wait for their turn."""
    wire = b"".join(
        b"GET %b HTTP/1.1\r\nHost: a\r\n%b\r\n" % (target, more)
        for target, more in (
            (b"/static/large.bin", b""),
            (b"/", b""),
            (b"/static/large.bin", b"Range: bytes=1-14000000\r\n"),
            (b"/static/none", b""),
            (b"/static/large.bin", b"Range: bytes=5-9,100-14000000\r\n"),
            (b"/", b"Host: twice\r\n"),
        )
    )
    async with TestServer(files(root)) as server, connect(server) as peer:
        stop_reading(peer)
        for piece in few_pieces(wire) if is_cut else [wire]:
            peer.send(piece)
            await turns()
        go_on_reading(peer)
        assert (await peer.answer()).content == LARGE
        assert (await peer.answer()).text == "ok"
        assert (await peer.answer()).content == LARGE[1:14000001]
        assert (await peer.answer()).status == 404
        both = (await peer.answer()).content
        assert LARGE[5:10] in both
        assert LARGE[100:14000001] in both
        assert both.count(ANSWER) == 0
        assert (await peer.answer()).status == 400
        assert await peer.is_closed()


@pytest.mark.parametrize("behind", ["end", "garbage"])
async def test_a_file_is_whole_whatever_its_client_does_meanwhile(root: Path, behind: str) -> None:
    async with TestServer(files(root)) as server, connect(server) as peer:
        stop_reading(peer)
        peer.request(target="/static/large.bin")
        await turns()
        if behind == "end":
            peer.end()
        else:
            peer.send(b"\0" * 1000)
        await turns()
        go_on_reading(peer)
        assert (await peer.answer()).content == LARGE
        assert (await peer.rest()).count(ANSWER) == (behind == "garbage")


@pytest.mark.parametrize("what", ["time", "truncation"])
@pytest.mark.parametrize("place", ["handler", "middleware"])
async def test_nothing_takes_the_place_of_the_rest_of_a_file(root: Path, place: str, what: str) -> None:
    """A file breaks off, and somebody swallows why: the next answer must not be taken for its rest."""
    has_failed = asyncio.Event()

    async def sends(request: web.Request) -> web.StreamResponse:
        response = web.FileResponse(root / "large.bin")
        with suppress(TimeoutError, OSError):
            try:
                async with asyncio.timeout(0.2 if what == "time" else PATIENCE):
                    await response.prepare(request)
            finally:
                has_failed.set()
        return response

    @web.middleware
    async def behind(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await (sends(request) if request.path == "/static/large.bin" else handler(request))

    app = files(root, behind) if place == "middleware" else alone(sends)
    async with TestServer(app) as server, connect(server) as peer:
        peer.request(target="/static/large.bin" if place == "middleware" else "/a")
        peer.request()
        assert (await peer.reader.readexactly(1000)).count(ANSWER) == 1
        stop_reading(peer)
        if what == "truncation":
            os.truncate(root / "large.bin", 100_000)
            go_on_reading(peer)
        await asyncio.wait_for(has_failed.wait(), PATIENCE)
        go_on_reading(peer)
        said = await peer.rest()
        assert ANSWER not in said
        assert peer.was_reset


# Handlers that are cancelled, that hang, and whom nobody reads


async def test_a_middleware_that_swallows_its_cancellation(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The client goes in the middle of a file; what is answered then reaches nobody. One line says so."""
    swallowed = []

    @web.middleware
    async def swallow(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        try:
            await response.prepare(request)
        except (asyncio.CancelledError, ConnectionResetError) as error:
            swallowed.append(error)
            return web.Response(text="swallowed")
        return response

    async with TestServer(files(root, swallow), handler_cancellation=True) as server:
        async with connect(server) as peer:
            peer.request(target="/static/large.bin")
            await peer.reader.readexactly(1000)
            peer.vanish()
        await eventually(lambda: swallowed)
        async with connect(server) as peer:
            assert (await peer.ask()).text == "ok"
        await eventually(lambda: len(connections(server)) <= 1)
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert record.getMessage() == "Error handling <Request GET /static/large.bin>"


@pytest.mark.parametrize("is_in_block", [True, False], ids=["in a block", "without a block"])
async def test_events_that_nobody_reads(is_in_block: bool) -> None:
    ended = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        stream = web.EventStreamResponse(heartbeat=0.05)
        await stream.prepare(request)
        try:
            if is_in_block:
                async with stream:
                    while True:
                        await stream.send("x" * 10_000)
            while stream.is_open:
                await stream.send("x" * 10_000)
        finally:
            ended.set()
        return stream

    async with TestServer(alone(handler), write_timeout=0.3) as server, connect(server) as peer:
        stop_reading(peer)
        peer.request(target="/a")
        await asyncio.wait_for(ended.wait(), PATIENCE)
        await eventually(lambda: not connections(server))


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
@pytest.mark.parametrize("is_whole", [True, False], ids=["whole", "in pieces"])
async def test_compression_that_is_given_up(coding: str, is_whole: bool) -> None:
    """A thread goes on compressing: nobody else gets at its compressor, and no half of it looks whole."""
    content = os.urandom(1000) * 4000
    tried = []

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.Response(body=content) if is_whole else web.StreamResponse()
        try:
            response.enable_compression(web.ContentCoding(coding))
        except ValueError:
            pytest.skip("its library is not installed")
        await response.prepare(request)
        for _ in range(3):
            with suppress(TimeoutError, ConnectionResetError):
                async with asyncio.timeout(0):
                    await (response.write_eof() if is_whole else response.write(content))
            tried.append(response.has_ended)
        return response

    async with TestServer(alone(handler)) as server, connect(server) as peer:
        peer.request(target="/a")
        peer.request()
        said = await peer.rest()
    assert tried == [False] * 3
    if is_whole:
        assert said.startswith(b"HTTP/1.1 500 ")
    assert said.count(ANSWER) <= 1
    assert content[:100] not in said


def hurried(slow: Any, gate: asyncio.Event, *, is_clone: bool = False) -> web.Application:
    """It does not wait long for ``slow``, which goes on. A request for ``/`` opens ``gate``."""

    @web.middleware
    async def hurry(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path == "/":
            gate.set()
            await turns(10)
            return await handler(request)
        given = request.clone() if is_clone else request
        try:
            return await asyncio.wait_for(asyncio.shield(handler(given)), 0.05)
        except TimeoutError:
            return web.Response(status=503, text="busy")

    app = alone(slow)
    app.middlewares.append(hurry)
    return app


async def test_the_next_answer_is_not_held_up_by_a_handler_that_was_left_behind() -> None:
    """What is shielded goes on when another answer was given: it is not told of the next request."""
    gate, left = asyncio.Event(), []

    async def slow(request: web.Request) -> web.Response:
        await gate.wait()
        left.append(request.path)
        return web.Response(text="late")

    async with TestServer(hurried(slow, gate)) as server, connect(server) as peer:
        peer.request(target="/a")
        peer.request()
        assert (await peer.answer()).text == "busy"
        assert (await peer.answer()).text == "ok"
        assert left == ["/a"]


async def streams(request: web.Request) -> None:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"late")
    await response.write_eof()


async def answers(request: web.Request) -> None:
    response = web.Response(text="late")
    await response.prepare(request)
    await response.write_eof()


async def hints(request: web.Request) -> None:
    request.send_informational(103, {"Link": "late"})


async def switches(request: web.Request) -> None:
    await web.WebSocketResponse().prepare(request)


@pytest.mark.parametrize("sends", [streams, answers, hints, switches])
@pytest.mark.parametrize("is_clone", [False, True], ids=["request", "clone"])
async def test_what_is_late_is_no_answer_to_the_next_request(
    sends: Callable[[web.Request], Any], is_clone: bool
) -> None:
    """A handler that was left behind answers at last, while the next request on its connection is handled."""
    next_has_come, failed = asyncio.Event(), []

    async def slow(request: web.Request) -> web.StreamResponse:
        await next_has_come.wait()
        try:
            await sends(request)
        except RuntimeError as error:
            failed.append(str(error))
        return web.Response()

    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    upgrade += b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    app = hurried(slow, next_has_come, is_clone=is_clone)
    async with TestServer(app) as server, connect(server) as peer:
        peer.request(target="/a", more=upgrade)
        assert (await peer.answer()).text == "busy"
        peer.request(more=upgrade)
        assert (await peer.answer()).text == "ok"
        (error,) = failed
        assert error.endswith("the request is over")


async def test_a_prepared_answer_that_is_late_is_none_either() -> None:
    """A whole response is sent by `write_eof`, however long ago it was prepared."""
    prepared, failed = asyncio.Event(), []

    async def slow(request: web.Request) -> web.Response:
        response = web.Response(text="late")
        await response.prepare(request)
        await prepared.wait()
        try:
            await response.write_eof()
        except RuntimeError as error:
            failed.append(str(error))
        return response

    async with TestServer(hurried(slow, prepared)) as server, connect(server) as peer:
        peer.request(target="/a")
        peer.request()
        assert (await peer.answer()).text == "busy"
        assert (await peer.answer()).text == "ok"
        assert failed == ["write_eof: the request is over"]
