"""A call, cancelled at each of its awaits: no task, timer, place, file or transport is left of it."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pronghorn import ClientError, ClientSession, ClientTimeout

from .memory_network import LONG, MemoryConnector
from .stepping import MOST_STEPS, CancelledAt, held, turns

URL = "http://here"
#: Every kind of deadline is armed.
TIMEOUT = ClientTimeout(total=60, connect=4, sock_connect=3, sock_read=2)
#: Generators of bodies that have begun and not ended.
GENERATORS: list[int] = []

Call = Callable[[ClientSession], Coroutine[Any, Any, None]]


async def get(session: ClientSession) -> None:
    async with session.get(f"{URL}/") as response:
        assert await response.text() == "ok"


async def get_long(session: ClientSession) -> None:
    async with session.get(f"{URL}/long") as response:
        assert len(await response.read()) == LONG


async def get_in_pieces(session: ClientSession) -> None:
    async with session.get(f"{URL}/long") as response:
        async for _ in response.content.iter_chunked(30_000):
            await asyncio.sleep(0)


async def get_and_leave(session: ClientSession) -> None:
    async with session.get(f"{URL}/long") as response:
        await response.content.readexactly(10)


async def get_chunked(session: ClientSession) -> None:
    async with session.get(f"{URL}/chunked") as response:
        assert await response.read() == b"hello"


async def get_after_hints(session: ClientSession) -> None:
    async with session.get(f"{URL}/hints") as response:
        await response.read()


async def get_broken(session: ClientSession) -> None:
    with suppress(ClientError):
        async with session.get(f"{URL}/broken") as response:
            await response.read()


async def get_in_time(session: ClientSession) -> None:
    async with asyncio.timeout(50):
        await get(session)


async def pieces(then: type[BaseException] | None = None) -> AsyncIterator[bytes]:
    GENERATORS.append(1)
    try:
        for _ in range(3):
            yield bytes(100_000)
            await asyncio.sleep(0)
        if then is not None:
            raise then
    finally:
        GENERATORS.pop()


async def post(session: ClientSession) -> None:
    async with session.post(f"{URL}/", data=pieces()) as response:
        await response.read()


async def post_bytes(session: ClientSession) -> None:
    async with session.post(f"{URL}/", data=bytes(600_000)) as response:
        await response.read()


async def post_a_file(session: ClientSession) -> None:
    with Path(__file__).open("rb") as file:
        async with session.post(f"{URL}/", data=file) as response:
            await response.read()


async def post_what_fails(session: ClientSession) -> None:
    with suppress(ZeroDivisionError):
        async with session.post(f"{URL}/", data=pieces(ZeroDivisionError)) as response:
            await response.read()


async def post_too_much(session: ClientSession) -> None:
    async with session.post(f"{URL}/early", data=pieces()) as response:
        assert response.status == 413
        await response.read()


async def stalling() -> AsyncIterator[bytes]:
    GENERATORS.append(1)
    try:
        yield bytes(1000)
        await asyncio.Event().wait()
    finally:
        GENERATORS.pop()


async def post_what_stalls(session: ClientSession) -> None:
    async with session.post(f"{URL}/early", data=stalling()) as response:
        assert await response.text() == "no"


async def wait_for_a_place_that_is_given_up(session: ClientSession) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(get_and_leave(session))
        await asyncio.sleep(0)
        await get(session)


async def wait_for_a_place(session: ClientSession) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(get_long(session))
        await asyncio.sleep(0)
        await get(session)


async def one_after_the_other(session: ClientSession) -> None:
    await get(session)
    await post(session)
    await get_chunked(session)


CALLS = (
    get,
    get_long,
    get_in_pieces,
    get_and_leave,
    get_chunked,
    get_after_hints,
    get_broken,
    get_in_time,
    post,
    post_bytes,
    post_a_file,
    post_what_fails,
    post_too_much,
    post_what_stalls,
    wait_for_a_place,
    wait_for_a_place_that_is_given_up,
    one_after_the_other,
)


class AtAwait:
    """Cancels a call at one of its own awaits."""

    def __init__(self, when: str) -> None:
        self.when = when

    async def __call__(self, call: Coroutine[Any, Any, None], step: int) -> "asyncio.Task[None]":
        task = asyncio.create_task(_awaited(CancelledAt(call, step, self.when)))
        await asyncio.wait([task], timeout=10)
        return task


async def at_turn(call: Coroutine[Any, Any, None], step: int) -> "asyncio.Task[None]":
    """Cancel a call when the loop has turned so often: the sender of a body has awaits of its own."""
    task = asyncio.create_task(call)
    await turns(step)
    if not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=10)
    return task


CANCELLERS = {
    "while it waits": AtAwait("waiting"),
    "when it is woken": AtAwait("woken"),
    "at each turn": at_turn,
}


@pytest.mark.parametrize("run", CANCELLERS.values(), ids=CANCELLERS)
@pytest.mark.parametrize("is_primed", [False, True], ids=["fresh", "idle"])
@pytest.mark.parametrize("call", CALLS)
async def test_each_step(call: Call, is_primed: bool, run: Any) -> None:
    await asyncio.to_thread(int)  # its thread and pipe are there from now on
    gc.collect()  # what other tests have left to be closed
    for step in range(1, MOST_STEPS):
        before = held()
        connector = MemoryConnector(limit=1)
        async with connector.serving():
            async with ClientSession(connector=connector, timeout=TIMEOUT) as session:
                if is_primed:
                    await in_time(get(session))
                task = await run(call(session), step)
                assert task.done(), f"hangs when cancelled at step {step}"
                if not task.cancelled() and (error := task.exception()) is not None:
                    raise error
                await turns(20)
                assert held().tasks == before.tasks + 1  # the network's
                assert held().files == before.files
                assert not GENERATORS
                check(connector)
                await in_time(get(session))  # the place is free
            await turns(20)
        assert held() == before
        assert all(server.transport.is_lost for server in connector.servers)
        if not task.cancelled():
            assert step > 1
            return
    pytest.fail(f"not through after {MOST_STEPS} steps")


def check(connector: MemoryConnector) -> None:
    """Places and transports are those of idle connections, and no others."""
    pool = connector._pool
    assert not pool.waiting
    assert pool.open_count == len(pool.idle)
    assert connector._connections == set(pool.idle)
    assert not any(connection.is_lent for connection in pool.idle)
    assert sum(not server.transport.is_lost for server in connector.servers) == len(pool.idle)


async def in_time(call: Awaitable[None]) -> None:
    async with asyncio.timeout(10):
        await call


async def _awaited(awaitable: Awaitable[None]) -> None:
    await awaitable
