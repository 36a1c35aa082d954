"""Bodies in a chain of redirects: sent again whole, or not at all."""

import asyncio
import gzip
import io
import zlib
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pronghorn import (
    BytesPayload,
    ClientError,
    ClientSession,
    FormData,
    MultipartWriter,
    StreamReader,
    UnrepeatableBodyError,
    UploadTracker,
    streamer,
)
from pronghorn.body.payload import Writer

from .listening import CHUNK, Listener, nothing_left
from .scripted import OK, Peer, scripted, until
from .sites import HTTP, Site, a_world, to

LARGE = bytes(range(256)) * 4000
GET_AFTER = [(301, "POST"), (302, "POST"), (303, "POST"), (303, "PUT"), (303, "DELETE")]
SAME_AFTER = [
    *(
        (status, method)
        for status in (307, 308)
        for method in ("POST", "PUT", "PATCH", "DELETE", "GET", "QUERY")
    ),
    *((status, method) for status in (301, 302) for method in ("PUT", "PATCH", "DELETE")),
]


class CountedFile(io.FileIO):
    """Counts how often it is closed."""

    closings = 0

    def close(self) -> None:
        if not self.closed:
            self.closings += 1
        super().close()


def a_file(folder: Path, content: bytes = LARGE, position: int = 0) -> CountedFile:
    path = folder / "file.bin"
    path.write_bytes(content)
    file = CountedFile(path)
    file.seek(position)
    return file


def at(file: Any, position: int) -> Any:
    file.seek(position)
    return file


def form() -> FormData:
    data = FormData()
    data.add_field("name", "value")
    data.add_field("file", io.BytesIO(LARGE), filename="x.bin", content_type="x/y")
    return data


def parts() -> MultipartWriter:
    with MultipartWriter("mixed", boundary="b") as writer:
        writer.append("text")
        writer.append_json({"a": 1})
        writer.append(io.BytesIO(LARGE))
    return writer


REPEATABLE: dict[str, Callable[[], dict[str, Any]]] = {
    "bytes": lambda: {"data": b"body"},
    "large bytes": lambda: {"data": LARGE},
    "bytearray": lambda: {"data": bytearray(b"body")},
    "str": lambda: {"data": "b\u00f6dy"},
    "empty": lambda: {"data": b""},
    "pairs": lambda: {"data": [("a", "1"), ("b", "\u00fc")]},
    "form": lambda: {"data": form()},
    "parts": lambda: {"data": parts()},
    "json": lambda: {"json": {"a": [1, None]}},
    "BytesIO": lambda: {"data": io.BytesIO(LARGE)},
    "BytesIO, not at its beginning": lambda: {"data": at(io.BytesIO(LARGE), 1000)},
    "StringIO, not at its beginning": lambda: {"data": at(io.StringIO("text of it"), 5)},
    "payload": lambda: {"data": BytesPayload(b"body", content_type="x/y")},
    "compressed": lambda: {"data": LARGE, "compress": "gzip"},
    "compressed file": lambda: {"data": io.BytesIO(LARGE), "compress": True},
    "chunked": lambda: {"data": b"body", "chunked": True},
    "chunked by a field": lambda: {"data": b"body", "headers": {"transfer-encoding": "chunked"}},
    "with a length": lambda: {"data": b"body", "headers": {"content-length": "4"}},
    "of a type": lambda: {"data": b"body", "headers": {"CONTENT-TYPE": "x/y"}},
    "expected": lambda: {"data": LARGE, "expect100": True},
}
DESCRIPTION = ("content-type", "content-length", "transfer-encoding", "content-encoding", "expect")


def description(head: bytes) -> list[str]:
    lines = head.decode().split("\r\n")[1:]
    return [line for line in lines if line.lower().startswith(DESCRIPTION)]


class Continuing(Site):
    """Says that it wants what it is asked about."""

    async def _body(self, peer: Peer, head: bytes) -> bytes:
        if b"expect:" in head.lower():
            await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        return await super()._body(peer, head)


# Sent again


@pytest.mark.parametrize("kind", REPEATABLE)
async def test_it_is_the_same_at_each_hop(kind: str) -> None:
    one = Continuing({"/0": to("/1", 307), "/1": to("/2", 308)})
    other = Continuing()
    async with scripted(one) as first, scripted(other) as second, ClientSession() as session:
        one.answers["/2"] = to(second.url("/3"), 307)
        async with session.post(first.url("/0"), **REPEATABLE[kind]()) as response:
            assert len(response.history) == 3
        await nothing_left(session)
    bodies, heads = [*one.bodies, *other.bodies], [*one.heads, *other.heads]
    assert len(bodies) == 4
    assert bodies == [bodies[0]] * 4
    if kind != "empty":
        assert bodies[0]
    described = description(heads[0])
    assert described
    assert [description(head) for head in heads] == [described] * 4
    assert all(head.startswith(b"POST ") for head in heads)


async def test_what_it_is() -> None:
    """Not only the same, but what was meant."""
    site = Continuing({"/0": to("/1", 307)})
    async with scripted(site) as server, ClientSession() as session:
        for kind, content in (
            ("large bytes", LARGE),
            ("BytesIO, not at its beginning", LARGE[1000:]),
            ("StringIO, not at its beginning", b"of it"),
            ("expected", LARGE),
        ):
            await (await session.post(server.url("/0"), **REPEATABLE[kind]())).read()
            assert site.bodies[-1] == content
        for kind, unpack in (("compressed", gzip.decompress), ("compressed file", zlib.decompress)):
            await (await session.post(server.url("/0"), **REPEATABLE[kind]())).read()
            assert unpack(site.bodies[-1]) == LARGE


@pytest.mark.parametrize(("status", "method"), SAME_AFTER)
async def test_the_method_stays(status: int, method: str) -> None:
    site = Site({"/0": to("/1", status)})
    async with (
        scripted(site) as server,
        ClientSession() as session,
        session.request(method, server.url("/0"), data=b"body") as response,
    ):
        assert response.method == method
    assert site.lines == [f"{method} /0", f"{method} /1"]
    assert site.bodies == [b"body"] * 2


@pytest.mark.parametrize(("status", "method"), GET_AFTER)
@pytest.mark.parametrize("kind", REPEATABLE)
async def test_a_get_has_none(status: int, method: str, kind: str) -> None:
    """And nothing is said of one, not by the options either."""
    site = Continuing({"/0": to("/1", status), "/1": to("/2", 307)})
    tracker = UploadTracker()
    async with scripted(site) as server, ClientSession() as session:
        options = REPEATABLE[kind]()
        async with session.request(method, server.url("/0"), upload_tracker=tracker, **options) as response:
            assert response.method == "GET"
    assert site.lines == [f"{method} /0", "GET /1", "GET /2"]
    assert site.bodies[1:] == [b"", b""]
    assert [description(head) for head in site.heads[1:]] == [[], []]
    assert tracker.bytes_written == len(site.bodies[0])  # of what was sent


# Files


class Watching(Site):
    """Looks whether a file is closed when it is asked."""

    def __init__(self, file: CountedFile, answers: dict[str, bytes]) -> None:
        super().__init__(answers)
        self.file = file
        self.states: list[bool] = []

    async def _body(self, peer: Peer, head: bytes) -> bytes:
        self.states.append(self.file.closed)
        return await super()._body(peer, head)


@pytest.mark.parametrize("size", [10, len(LARGE)])
@pytest.mark.parametrize("position", [0, 5])
async def test_a_file_is_closed_at_the_end(size: int, position: int, tmp_path: Path) -> None:
    file = a_file(tmp_path, LARGE[:size], position)
    site = Watching(file, {"/0": to("/1", 307), "/1": to("/2", 308)})
    async with (
        scripted(site) as server,
        ClientSession() as session,
        session.post(server.url("/0"), data=file) as response,
    ):
        assert len(response.history) == 2
        await until(lambda: file.closed)
    assert site.states == [False] * 3
    assert file.closings == 1
    assert site.bodies == [LARGE[position:size]] * 3


async def test_a_file_in_a_form(tmp_path: Path) -> None:
    file = a_file(tmp_path)
    site = Site({"/0": to("/1", 307)})
    async with scripted(site) as server, ClientSession() as session:
        await (await session.post(server.url("/0"), data={"name": "x", "file": file})).read()
        await until(lambda: file.closed)
    assert file.closings == 1
    assert site.bodies[0] == site.bodies[1]
    assert LARGE in site.bodies[0]


@pytest.mark.parametrize("status", [301, 302, 303])
async def test_a_file_is_closed_when_it_is_not_sent_again(status: int, tmp_path: Path) -> None:
    file = a_file(tmp_path)
    site = Watching(file, {"/0": to("/1", status)})
    async with scripted(site) as server, ClientSession() as session:
        await (await session.post(server.url("/0"), data=file)).read()
    assert site.states == [False, True]
    assert file.closings == 1


FAILURES = {
    "too many": to("/0", 307),
    "nowhere": to("ftp://b.test/", 307),
    "no server": to("http://127.0.0.1:1/", 307),
    "no Location": b"HTTP/1.1 307 Moved\r\nContent-Length: 0\r\n\r\n",
    "rubbish": b"rubbish\r\n\r\n",
    "an error": b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
    "fine": OK,
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("hops", [0, 1])
async def test_a_file_is_closed_however_it_ends(failure: str, hops: int, tmp_path: Path) -> None:
    file = a_file(tmp_path)
    site = Site({"/0": to("/1", 307), f"/{hops}": FAILURES[failure]})
    async with scripted(site) as server, ClientSession(raise_for_status=True) as session:
        if failure in ("no Location", "fine"):
            await (await session.post(server.url("/0"), data=file)).read()
        else:
            with pytest.raises(ClientError):
                await session.post(server.url("/0"), data=file)
        await until(lambda: file.closed)
        await nothing_left(session)
    assert file.closings == 1
    assert len(site.bodies) >= 1


async def test_a_file_is_closed_where_redirects_are_not_followed(tmp_path: Path) -> None:
    file = a_file(tmp_path)
    async with scripted(Site({"/0": to("/1", 307)})) as server, ClientSession() as session:
        async with session.post(server.url("/0"), data=file, allow_redirects=False) as response:
            assert response.status == 307
        await until(lambda: file.closed)
    assert file.closings == 1


async def test_a_file_that_has_become_shorter(tmp_path: Path) -> None:
    """What is sent of it never looks whole."""
    file = a_file(tmp_path)

    async def script(peer: Peer) -> None:
        await peer.request()
        (tmp_path / "file.bin").write_bytes(LARGE[:1000])
        await peer.send(to("/1", 307))
        await peer.request()

    async with scripted(script) as server, ClientSession() as session:
        with pytest.raises(EOFError, match="short of them"):
            await session.post(server.url("/0"), data=file)
        await until(lambda: file.closed)
        await until(lambda: server.peers[0].has_left)
        assert [request.is_whole for request in server.requests] == [True, False]
        await nothing_left(session)


# What can be sent once


async def pieces() -> AsyncIterator[bytes]:
    for _ in range(3):
        yield b"piece"


def stream() -> StreamReader:
    content = StreamReader()
    content.feed_data(b"body")
    content.feed_eof()
    return content


@streamer
async def writing(writer: Writer) -> None:
    await writer.write(b"body")


def pipe() -> Any:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise io.UnsupportedOperation

    return Pipe(b"body")


ONCE: dict[str, Callable[[], Any]] = {
    "generator": pieces,
    "stream": stream,
    "streamer": writing,
    "pipe": pipe,
    "part": lambda: mixed(pieces()),
}


def mixed(data: Any) -> MultipartWriter:
    with MultipartWriter("mixed") as writer:
        writer.append("text")
        writer.append(data)
    return writer


@pytest.mark.parametrize("kind", ONCE)
@pytest.mark.parametrize(("status", "method"), [(307, "POST"), (308, "PUT"), (301, "PUT"), (302, "PATCH")])
async def test_what_can_be_sent_once(kind: str, status: int, method: str) -> None:
    async with a_world() as world:
        one, other = await world.site(HTTP), await world.site("http://b.test")
        one.answers["/0"] = to("http://b.test/1", status)
        async with world.session() as session:
            with pytest.raises(UnrepeatableBodyError, match=f"^{status} asks for the body again"):
                await session.request(method, f"{HTTP}/0", data=ONCE[kind]())
            await nothing_left(session)
        assert len(one.bodies) == 1
        assert other.heads == []
        assert other.connections == 0


@pytest.mark.parametrize("kind", ONCE)
async def test_that_is_enough_where_it_is_asked_for_once(kind: str) -> None:
    site = Site({"/0": to("/1", 303)})
    async with (
        scripted(site) as server,
        ClientSession() as session,
        session.post(server.url("/0"), data=ONCE[kind]()) as response,
    ):
        assert await response.text() == "ok"
    assert site.bodies[0]
    assert site.bodies[1] == b""


async def test_what_was_not_begun_can_be_sent() -> None:
    """The first server did not want it (RFC 9110 section 10.1.1)."""

    async def refusing(peer: Peer) -> None:
        await peer.head()
        await peer.send(to("/1", 307))
        assert await peer.rest() == b""

    site = Continuing()
    async with (
        scripted(refusing, site) as server,
        ClientSession() as session,
        session.post(server.url("/0"), data=pieces(), expect100=True) as response,
    ):
        assert await response.text() == "ok"
    assert site.bodies == [b"piece" * 3]


# Led on before it has left


@pytest.mark.parametrize("size", [0, 10])
@pytest.mark.parametrize("status", [307, 303])
async def test_an_early_redirect(status: int, size: int, tmp_path: Path) -> None:
    """The first connection is given up with what was not sent; nothing of it comes to the second server."""
    content = LARGE * 20

    async def early(peer: Peer) -> None:
        await peer.head()
        await peer.send(to("/1", status, body=bytes(size)))
        await peer.rest()

    file = a_file(tmp_path, content)
    for data in (content, io.BytesIO(content), file):
        site = Site()
        async with scripted(early, site) as server, ClientSession() as session:
            async with session.put(server.url("/0"), data=data) as response:
                assert await response.text() == "ok"
            await until(lambda: server.peers[0].has_left)
            await nothing_left(session)
        assert site.bodies == [content if status == 307 else b""]
    await until(lambda: file.closed)
    assert file.closings == 1


async def test_an_early_redirect_of_what_can_be_sent_once() -> None:
    is_closed = False

    async def endless() -> AsyncIterator[bytes]:
        nonlocal is_closed
        try:
            while True:
                yield bytes(10_000)
                await asyncio.sleep(0)
        finally:
            is_closed = True

    async def early(peer: Peer) -> None:
        await peer.head()
        await peer.send(to("/1", 307))
        await peer.rest()

    async with scripted(early) as server, ClientSession() as session:
        with pytest.raises(UnrepeatableBodyError):
            await session.post(server.url("/0"), data=endless())
        assert is_closed
        await nothing_left(session)
        assert len(server.requests) == 1


async def test_a_file_that_is_still_sent_when_nothing_follows(tmp_path: Path) -> None:
    """An early answer that leads nowhere: the file stays open as long as it is read."""
    content = LARGE * 20
    file = a_file(tmp_path, content)
    received = b""

    async def early(peer: Peer) -> None:
        nonlocal received
        await peer.head()
        await peer.send(b"HTTP/1.1 307 Moved\r\nContent-Length: 2\r\n\r\n")
        received = await peer.reader.readexactly(len(content))
        await peer.send(b"no")
        await peer.rest()

    async with scripted(early) as server, ClientSession() as session:
        async with session.post(server.url("/0"), data=file) as response:
            assert (response.status, response.history) == (307, ())
            assert await response.text() == "no"
        await until(lambda: file.closed)
    assert received == content
    assert file.closings == 1


# What is told of it


async def test_a_tracker_counts_each_anew() -> None:
    told: list[tuple[int, int | None]] = []
    tracker = UploadTracker(lambda written, total: told.append((written, total)))
    site = Site({"/0": to("/1", 307), "/1": to("/2", 308)})
    async with scripted(site) as server, ClientSession() as session:
        await (await session.post(server.url("/0"), data=LARGE, upload_tracker=tracker)).read()
    assert (tracker.bytes_written, tracker.total) == (len(LARGE), len(LARGE))
    written = [each for each, _ in told]
    assert written.count(len(LARGE)) == 3
    assert sum(later < earlier for earlier, later in pairwise(written)) == 2


async def test_traces_are_told_each_time() -> None:
    listener = Listener()
    site = Site({"/0": to("/1", 307)})
    async with scripted(site) as server, listener.session() as session:
        await (await session.post(server.url("/0"), data=b"body")).read()
    chunks = [
        params for event, params in zip(listener.events, listener.params, strict=True) if event == CHUNK
    ]
    assert [(params.url.path, params.chunk) for params in chunks] == [("/0", b"body"), ("/1", b"body")]
