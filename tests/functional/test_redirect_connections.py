"""What becomes of the connections of a chain: used again or closed, and never kept."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pronghorn import (
    ClientConnectionError,
    ClientError,
    ClientPayloadError,
    ClientSession,
    ClientTimeout,
    ServerDisconnectedError,
    TCPConnector,
    TooManyRedirects,
    UnrepeatableBodyError,
)

from ..resilience import memory_network
from ..resilience.memory_network import LONG, MemoryConnector
from ..resilience.stepping import MOST_STEPS, CancelledAt, held, turns
from .listening import Listener, nothing_left, text
from .scripted import OK, Peer, scripted, until
from .sites import HTTP, Site, a_world, to


async def test_bodies_of_the_way() -> None:
    """What came with its head can still be read; the rest is gone."""

    async def script(peer: Peer) -> None:
        await peer.answer(to("/b", body=b"moved"))
        await peer.answer(b"HTTP/1.1 302 Found\r\nLocation: /c\r\nContent-Length: 10\r\n\r\nmo", b"ved")
        await peer.rest()

    async with scripted(script, OK) as server, ClientSession() as session:
        response = await session.get(server.url("/a"))
        short, long = response.history
        assert await short.read() == b"moved"
        with pytest.raises(ClientConnectionError, match="Connection closed"):
            await long.read()
        assert await response.text() == "ok"


@pytest.mark.parametrize("size", [0, 10, 60_000])
@pytest.mark.parametrize("limit", [1, 100])
async def test_a_connection_is_used_again_when_little_is_left(size: int, limit: int) -> None:
    site = Site({f"/{at}": to(f"/{at + 1}", body=bytes(size)) for at in range(4)})
    async with scripted(site) as server, ClientSession(connector=TCPConnector(limit=limit)) as session:
        for _ in range(2):
            assert await text(session, server.url("/0")) == "ok"
        assert len(site.heads) == 10
        if limit == 1 or size <= 10:
            assert site.connections == 1
        await nothing_left(session)


@pytest.mark.parametrize("limit", [1, 100])
@pytest.mark.parametrize("framing", ["length", "chunks"])
async def test_a_rest_that_comes_later_is_read_away(limit: int, framing: str) -> None:
    async def script(peer: Peer) -> None:
        head = b"HTTP/1.1 302 Found\r\nLocation: /b\r\n"
        if framing == "length":
            await peer.answer(head + b"Content-Length: 60000\r\n\r\n", *[bytes(20_000)] * 3)
        else:
            await peer.answer(
                head + b"Transfer-Encoding: chunked\r\n\r\n4\r\nmo", b"ve\r\n1\r", b"\nd\r\n0\r\n\r\n"
            )
        while True:
            await peer.answer(OK)

    connector = TCPConnector(limit=limit)
    async with scripted(script, OK) as server, ClientSession(connector=connector) as session:
        assert await text(session, server.url("/a")) == "ok"
        await nothing_left(session)
        if limit == 1:
            assert len(server.peers) == 1
        before = len(server.peers)
        assert await text(session, server.url("/c")) == "ok"
        assert len(server.peers) == before
        assert connector._pool.open_count == before


async def test_what_is_left_is_not_inflated() -> None:
    """A coding is undone where somebody reads, and nobody does."""
    answer = to("/b", 302, "Content-Encoding: gzip", body=b"this is no gzip" * 100)
    site = Site({"/a": answer})
    async with scripted(site) as server, ClientSession(connector=TCPConnector(limit=1)) as session:
        assert await text(session, server.url("/a")) == "ok"
    assert site.connections == 1


async def unending(peer: Peer) -> None:
    """A redirect that goes on and on; else "ok"."""
    while (await peer.request()).target == "/a":
        await peer.send(b"HTTP/1.1 302 Found\r\nLocation: /b\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await peer.send(b"8000\r\n", bytes(0x8000), b"\r\n")
    await peer.send(OK)
    await peer.rest()


async def slow(peer: Peer) -> None:
    """A redirect whose body does not end; else "ok"."""
    if (await peer.request()).target == "/a":
        await peer.send(b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 100\r\n\r\nx")
    else:
        await peer.send(OK)
    await peer.rest()


@pytest.mark.parametrize("limit", [1, 100])
@pytest.mark.parametrize("script", [unending, slow])
async def test_it_is_closed_when_much_is_left(script: Any, limit: int) -> None:
    """Above 64 KiB, or after a second, in which one that is alone is waited for."""
    connector = TCPConnector(limit=limit)
    async with scripted(script) as server, ClientSession(connector=connector) as session:
        assert await text(session, server.url("/a")) == "ok"
        await until(lambda: server.peers[0].has_left)
        assert [len(peer.requests) for peer in server.peers] == [1, 1]
        await nothing_left(session)


async def test_it_is_closed_when_the_server_says_so() -> None:
    site = Site({"/a": to("/b", 302, "Connection: close")})
    async with scripted(site) as server, ClientSession() as session:
        assert await text(session, server.url("/a")) == "ok"
    assert site.connections == 2


async def test_a_body_that_ends_early_on_the_way_is_nobodys() -> None:
    async def script(peer: Peer) -> None:
        await peer.answer(b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 100\r\n\r\nx")
        peer.close()

    async with scripted(script, OK) as server, ClientSession() as session:
        assert await text(session, server.url("/a")) == "ok"


async def test_a_server_that_leaves_on_the_way() -> None:
    async def script(peer: Peer) -> None:
        await peer.answer(to("/b"))
        await peer.request()
        peer.close()

    async with scripted(script) as server, ClientSession(retry_stale=False) as session:
        with pytest.raises(ServerDisconnectedError):
            await session.get(server.url("/a"))
        await nothing_left(session)


FAILURES: dict[str, dict[str, Any]] = {
    "ftp://b.test/": {},
    "//": {},
    "/b": {"max_redirects": 1},
    "/c": {"data": b"x", "trace_configs": True},
}


@pytest.mark.parametrize("location", FAILURES)
async def test_what_leads_nowhere_is_closed(location: str) -> None:
    async def script(peer: Peer) -> None:
        head = f"HTTP/1.1 307 Moved\r\nLocation: {location}\r\nContent-Length: 9\r\n\r\n"
        await peer.answer(head.encode())
        await peer.rest()

    async def fail() -> None:
        raise ClientConnectionError

    options = dict(FAILURES[location])
    configs = [Listener(at="request_redirect", do=fail).config] if options.pop("trace_configs", None) else []
    async with scripted(script) as server, ClientSession(trace_configs=configs) as session:
        with pytest.raises(ClientError) as caught:
            await session.post(server.url(), **options)
        await until(lambda: server.peers[0].has_left)
        await nothing_left(session)
        del caught  # it has kept the response till now


async def test_where_nobody_listens() -> None:
    async with a_world() as world:
        (await world.site(HTTP)).answers["/a"] = to("http://nowhere.test/", body=bytes(100_000))
        async with world.session() as session:
            with pytest.raises(ClientConnectionError):
                await session.get(f"{HTTP}/a")
            await nothing_left(session)


async def test_a_truncated_last_body() -> None:
    site = Site(
        {"/a": to("/b"), "/b": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nno"}
    )

    async def script(peer: Peer) -> None:
        await peer.answer(site.answers["/a"])
        await peer.answer(site.answers["/b"])
        peer.close()

    async with scripted(script) as server, ClientSession() as session:
        with pytest.raises(ClientPayloadError):
            await text(session, server.url("/a"))


# Cancelled at each step


URL = "http://here"
TIMEOUT = ClientTimeout(total=60, connect=4, sock_connect=3, sock_read=2)
MOVED = b"HTTP/1.1 %d Moved\r\nLocation: %b\r\nContent-Length: %d\r\n\r\n"
#: Of `memory_network`: the pieces of each answer, and whether they come before the request is whole.
ANSWERS = {
    b"/moved": ([b"HTTP/1.1 302 Found\r\nLocation: /", b"\r\nContent-Length: 0\r\n\r\n"], False),
    b"/little": ([MOVED % (302, b"/", 8) + b"a ", b"littl", b"e"], False),
    b"/much": ([MOVED % (302, b"/", LONG), *[bytes(LONG // 5)] * 5], False),
    b"/twice": ([MOVED % (307, b"/little", 0)], False),
    b"/elsewhere": ([MOVED % (302, b"http://there/", 0)], False),
    b"/loop": ([MOVED % (307, b"/loop", 0)], False),
    b"/again": ([MOVED % (307, b"/", 0)], False),
    b"/early": ([MOVED % (307, b"/", 0)], True),
    b"/other": ([MOVED % (303, b"/", 0)], False),
}
Call = Callable[[ClientSession], Coroutine[Any, Any, None]]


def get(path: str) -> Call:
    async def call(session: ClientSession) -> None:
        async with session.get(f"{URL}{path}") as response:
            assert await response.text() == "ok"

    return call


def post(path: str, make: Callable[[], Any]) -> Call:
    async def call(session: ClientSession) -> None:
        async with session.post(f"{URL}{path}", data=make()) as response:
            assert await response.text() == "ok"

    return call


async def get_too_many(session: ClientSession) -> None:
    with suppress(TooManyRedirects):
        await session.get(f"{URL}/loop", max_redirects=3)


async def pieces() -> AsyncIterator[bytes]:
    for _ in range(4):
        yield bytes(50_000)
        await asyncio.sleep(0)


async def post_what_can_be_sent_once(session: ClientSession) -> None:
    with suppress(UnrepeatableBodyError):
        await session.post(f"{URL}/early", data=pieces())


def a_file() -> Any:
    return Path(__file__).open("rb")


CALLS: dict[str, Call] = {
    "moved": get("/moved"),
    "elsewhere": get("/elsewhere"),
    "too many": get_too_many,
    "bytes again": post("/again", lambda: bytes(100_000)),
    "early": post("/early", lambda: bytes(100_000)),
    "once": post_what_can_be_sent_once,
}
FILES: dict[str, Call] = {
    "a file again": post("/again", a_file),
    "a file early": post("/early", a_file),
    "no file any more": post("/other", a_file),
}
DRAINED: dict[str, Call] = {"little": get("/little"), "much": get("/much"), "twice": get("/twice")}


async def at_await(call: Coroutine[Any, Any, None], step: int, when: str) -> "asyncio.Task[None]":
    task = asyncio.create_task(awaited(CancelledAt(call, step, when)))
    await asyncio.wait([task], timeout=10)
    return task


async def awaited(cancelled: CancelledAt) -> None:
    await cancelled


@pytest.mark.parametrize("when", ["waiting", "woken"])
@pytest.mark.parametrize("is_primed", [False, True], ids=["fresh", "idle"])
@pytest.mark.parametrize(
    "name",
    [
        *CALLS,
        *FILES,
        *DRAINED,
    ],
)
async def test_cancelled_at_each_step(
    name: str, is_primed: bool, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for target, answer in ANSWERS.items():
        monkeypatch.setitem(memory_network.ANSWERS, target, answer)
    call = {**CALLS, **FILES, **DRAINED}[name]
    await asyncio.to_thread(int)  # its thread and pipe are there from now on
    gc.collect()
    before = held()
    for step in range(1, MOST_STEPS):
        connector = MemoryConnector(limit=1)
        async with connector.serving():
            async with ClientSession(connector=connector, timeout=TIMEOUT) as session:
                if is_primed:
                    await in_time(get("/")(session))
                task = await at_await(call(session), step, when)
                assert task.done(), f"hangs when cancelled at step {step}"
                if not task.cancelled() and (error := task.exception()) is not None:
                    raise error
                await until(partial(nothing_is_lent, connector))
                assert len(asyncio.all_tasks()) == before.tasks + 1  # the network's
                await until(partial(are_open, before.files))
                await in_time(get("/")(session))  # the place is free
            await turns(20)
        assert held() == before
        assert all(server.transport.is_lost for server in connector.servers)
        if not task.cancelled():
            assert step > 1
            return
    pytest.fail(f"not through after {MOST_STEPS} steps")


def nothing_is_lent(connector: MemoryConnector) -> bool:
    pool = connector._pool
    open_ones = sum(not server.transport.is_lost for server in connector.servers)
    return not pool.waiting and pool.open_count == len(pool.idle) == open_ones


def are_open(files: int) -> bool:
    return sum(1 for _ in Path("/dev/fd").iterdir()) == files


async def in_time(call: Coroutine[Any, Any, None]) -> None:
    async with asyncio.timeout(10):
        await call
