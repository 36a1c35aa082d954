"""Cancelling at a chosen await, and counting what is left of it."""

import asyncio
import gc
from collections.abc import Callable, Coroutine, Generator
from pathlib import Path
from typing import Any, NamedTuple

#: No call that is stepped through has as many awaits, or as many turns of the loop.
MOST_STEPS = 200


class CancelledAt:
    """Awaits ``coroutine``, and has its task cancelled at the ``step``-th thing that it waits for.

    ``when``: "waiting", before that has come; "woken", in the very turn in which it has.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, Any], step: int, when: str) -> None:
        self.coroutine = coroutine
        self.step = step
        self.when = when
        self.steps = 0

    def __await__(self) -> Generator[Any, Any, Any]:
        resume: Callable[[Any], Any] = self.coroutine.send
        value: Any = None
        while True:
            try:
                future = resume(value)
            except StopIteration as end:
                return end.value
            self.steps += 1
            if self.steps == self.step:
                self._cancel(future)
            try:
                value = yield future
                resume = self.coroutine.send
            except BaseException as error:  # noqa: BLE001 - all of them are the coroutine's to handle
                value = error
                resume = self.coroutine.throw

    def _cancel(self, future: Any) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("no task")
        if self.when == "waiting" or future is None:
            asyncio.get_running_loop().call_soon(task.cancel)
        else:
            future.add_done_callback(lambda _: task.cancel())


class Held(NamedTuple):
    """What a call may take and has to give back."""

    tasks: int
    timers: int
    files: int


def held() -> Held:
    """What is taken now: tasks, timers that will strike, and descriptors."""
    loop: Any = asyncio.get_running_loop()
    # uvloop keeps its timers to itself.
    handles = loop._scheduled if hasattr(loop, "_scheduled") else gc.get_objects()
    timers = sum(type(handle).__name__ == "TimerHandle" and not handle.cancelled() for handle in handles)
    files = sum(1 for _ in Path("/dev/fd").iterdir())
    return Held(len(asyncio.all_tasks()), timers, files)


async def turns(count: int = 5) -> None:
    """Let the loop turn."""
    for _ in range(count):
        await asyncio.sleep(0)
