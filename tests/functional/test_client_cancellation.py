"""Cancelled at each await of a request, in both ways: nothing is left of it.

A task can be cancelled while what it waits for has not come, and in the very turn in which it has: then the
result is there and nobody takes it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator
from pathlib import Path
from typing import Any

import pytest

from pronghorn import ClientSession, TCPConnector

from .scripted import OK, PATIENCE, Peer, Scripted, scripted, turns, until
from .timers import Timers

LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n"
MOST_STEPS = 60


class CancelledAt:
    """Awaits ``coroutine``, and has its task cancelled at the ``step``-th future that it waits for."""

    def __init__(self, coroutine: Coroutine[Any, Any, None], step: int, when: str) -> None:
        self.coroutine = coroutine
        self.step = step
        self.when = when
        self.steps = 0

    def __await__(self) -> Generator[Any, Any, None]:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("no task")
        resume: Callable[[], Any] = lambda: self.coroutine.send(None)  # noqa: E731 - rebound below
        while True:
            try:
                future = resume()
            except StopIteration:
                return
            self.steps += 1
            if self.steps == self.step:
                if self.when == "waiting" or future is None:
                    loop.call_soon(task.cancel)
                else:
                    future.add_done_callback(lambda _: task.cancel())
            try:
                yield future
            except BaseException as error:  # noqa: BLE001 - all of them are the coroutine's to handle
                resume = lambda error=error: self.coroutine.throw(error)  # noqa: E731 - as above
            else:
                resume = lambda: self.coroutine.send(None)  # noqa: E731 - as above


def descriptors() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


async def nothing_left(
    session: ClientSession, server: Scripted, tasks: set["asyncio.Task[Any]"], files: int
) -> None:
    """Every place of the pool is free or idle, every other connection is closed, no task is left."""
    connector = session.connector
    if connector is None:
        raise RuntimeError("the session is closed")
    pool = connector._pool
    async with asyncio.timeout(PATIENCE):
        while True:
            idle = set(pool.idle)
            # Each idle connection has a descriptor here and one at the server.
            if (
                not pool.waiting
                and pool.open_count == len(idle)
                and connector._connections == idle
                and not any(connection.is_lent for connection in idle)
                and asyncio.all_tasks() - set(server._tasks) == tasks
                and sum(not peer.has_left for peer in server.peers) == len(idle)
                and descriptors() <= files + 2 * len(server.peers)
            ):
                break
            await asyncio.sleep(0)


async def works(session: ClientSession, url: str) -> None:
    async with asyncio.timeout(PATIENCE), session.get(url) as response:
        assert (await response.read())[:2] in (b"ok", bytes(2))


async def cancel_everywhere(
    script: Callable[[Peer], Awaitable[None]],
    make: Callable[[ClientSession, str], Coroutine[Any, Any, None]],
    when: str,
    *,
    is_primed: bool,
) -> int:
    """Run what ``make`` makes, cancelled at its first await, its second ... until it comes through."""
    loop = asyncio.get_running_loop()
    timers = Timers()
    await loop.run_in_executor(None, int)  # its thread and pipe are there from now on
    for step in range(1, MOST_STEPS):
        async with scripted(script) as server:
            tasks = asyncio.all_tasks()
            files = descriptors()
            session = ClientSession(connector=TCPConnector(limit=1))
            if is_primed:
                await works(session, server.url())
            cancelled = CancelledAt(make(session, server.url()), step, when)
            task = asyncio.ensure_future(_awaited(cancelled))
            await asyncio.wait([task], timeout=PATIENCE)
            assert task.done(), f"step {step} hangs"
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error
            came_through = not task.cancelled()
            del task, cancelled
            await turns()
            await nothing_left(session, server, tasks, files)
            await works(session, server.url())
            await session.close()
            await turns()
            assert timers.pending == []
            await until(lambda server=server: all(peer.has_left for peer in server.peers))
            if came_through:
                return step
    raise AssertionError(f"not through after {MOST_STEPS} awaits")


async def _awaited(awaitable: Awaitable[None]) -> None:
    await awaitable


async def serve(peer: Peer) -> None:
    """Answer every request; slowly, so that there is something to wait for."""
    while True:
        request = await peer.request()
        if request.target == "/long":
            await peer.send(LONG[:10], LONG[10:], bytes(100_000), bytes(100_000), bytes(100_000))
        else:
            await peer.send(OK[:10], OK[10:])


async def get(session: ClientSession, url: str) -> None:
    async with session.get(url) as response:
        await response.read()


async def get_long(session: ClientSession, url: str) -> None:
    async with session.get(url + "long") as response:
        async for _ in response.content.iter_chunked(1000):
            pass


async def post(session: ClientSession, url: str) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield bytes(1000)
            await asyncio.sleep(0)

    async with session.post(url, data=pieces()) as response:
        await response.read()


async def post_bytes(session: ClientSession, url: str) -> None:
    async with session.post(url, data=bytes(2_000_000)) as response:
        await response.read()


@pytest.mark.parametrize("when", ["waiting", "woken"])
@pytest.mark.parametrize("is_primed", [False, True], ids=["fresh", "idle"])
@pytest.mark.parametrize("make", [get, get_long, post, post_bytes])
async def test_each_await(make: Any, is_primed: bool, when: str) -> None:
    steps = await cancel_everywhere(serve, make, when, is_primed=is_primed)
    assert steps >= (2 if is_primed else 4), "awaits were missed"


@pytest.mark.parametrize("when", ["waiting", "woken"])
async def test_while_waiting_for_a_place(when: str) -> None:
    async def second(session: ClientSession, url: str) -> None:
        first = asyncio.ensure_future(_awaited(get(session, url)))
        await turns(1)
        try:
            await get(session, url)
        finally:
            await first

    steps = await cancel_everywhere(serve, second, when, is_primed=True)
    assert steps >= 4


async def test_a_cancelled_request_does_not_touch_the_next_one_on_its_connection() -> None:
    """The answer has come, its task is cancelled in the same turn, the connection is already another's."""
    async with scripted(serve) as server, ClientSession(connector=TCPConnector(limit=1)) as session:
        await works(session, server.url())
        assert session.connector is not None
        connector = session.connector
        second: list[asyncio.Task[None]] = []

        first = asyncio.create_task(get(session, server.url()))
        await turns(1)
        assert not connector._pool.idle

        # In the turn of the answer: the other request takes the connection before the first one has gone on.
        (connection,) = connector._connections
        take_back = connector.take_back

        def taken_back(returned: Any) -> None:
            take_back(returned)
            if not second:
                second.append(_eager(get(session, server.url())))
                first.cancel()

        connection._keeper = _Keeper(taken_back, connector.lost)
        await asyncio.wait([first])
        done, _ = await asyncio.wait(second, timeout=2)
        for task in second:
            task.cancel()
        assert done, "the second request hangs"
        await second[0]


def _eager(coroutine: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    """Begin at once, as a task does that is woken in this turn."""
    future = coroutine.send(None)
    return asyncio.ensure_future(_resumed(coroutine, future))


async def _resumed(coroutine: Coroutine[Any, Any, None], future: Any) -> None:
    while True:
        future._asyncio_future_blocking = False
        await asyncio.wait([future])
        try:
            future = coroutine.send(None)
        except StopIteration:
            return


class _Keeper:
    def __init__(self, take_back: Callable[[Any], None], lost: Callable[[Any], None]) -> None:
        self.take_back = take_back
        self.lost = lost
