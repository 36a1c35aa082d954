"""Eager where Python can start a task at once, and the same in everything else."""

import asyncio
import sys
from contextvars import ContextVar

import pytest

from pronghorn.io.tasks import start_task

IS_EAGER = sys.version_info >= (3, 12)
variable: ContextVar[str] = ContextVar("variable", default="unset")


async def test_when_it_begins() -> None:
    steps: list[str] = []

    async def work() -> None:
        steps.append("begun")

    task = start_task(work(), asyncio.get_running_loop())
    steps.append("started")
    assert steps == (["begun", "started"] if IS_EAGER else ["started"])
    assert task.done() is IS_EAGER
    await task
    assert sorted(steps) == ["begun", "started"]


async def test_one_that_waits_goes_on_in_the_loop() -> None:
    gate = asyncio.Event()
    steps: list[str] = []

    async def work() -> None:
        await gate.wait()
        steps.append("through")

    task = start_task(work(), asyncio.get_running_loop())
    assert not task.done()
    await asyncio.sleep(0)
    assert task in asyncio.all_tasks()
    gate.set()
    await task
    assert steps == ["through"]


async def test_it_runs_in_its_own_task() -> None:
    """`asyncio.timeout` and cancellation in a handler must not hit whoever started it."""
    seen: list[asyncio.Task[None] | None] = []

    async def work() -> None:
        seen.append(asyncio.current_task())

    starter = asyncio.current_task()
    task = start_task(work(), asyncio.get_running_loop())
    assert asyncio.current_task() is starter
    await task
    assert seen == [task]


async def test_it_runs_in_its_own_context() -> None:
    async def work() -> None:
        variable.set("inside")

    await start_task(work(), asyncio.get_running_loop())
    assert variable.get() == "unset"


async def test_it_can_be_started_where_no_task_runs() -> None:
    """Requests are started from the loop's callbacks."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    async def work() -> None:
        await asyncio.sleep(0)
        done.set_result(asyncio.current_task())

    tasks: list[asyncio.Task[None]] = []
    loop.call_soon(lambda: tasks.append(start_task(work(), loop)))
    assert await done is tasks[0]
    await tasks[0]


async def test_its_error_is_its_own() -> None:
    async def work() -> None:
        raise LookupError("inside")

    task = start_task(work(), asyncio.get_running_loop())
    with pytest.raises(LookupError, match="inside"):
        await task


async def test_it_can_be_cancelled() -> None:
    steps: list[str] = []

    async def work() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            steps.append("cleaned up")

    task = start_task(work(), asyncio.get_running_loop())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps == ["cleaned up"]
