import asyncio
import gc
import threading
import weakref
from collections.abc import AsyncIterator, Iterator

import pytest

from pronghorn.testing import loop_context, setup_test_loop, teardown_test_loop


@pytest.fixture(autouse=True)
def no_current_loop() -> Iterator[None]:
    yield
    asyncio.set_event_loop(None)


def test_a_loop_for_a_block() -> None:
    with loop_context() as loop:
        assert asyncio.get_event_loop() is loop
        assert loop.run_until_complete(asyncio.sleep(0, "done")) == "done"
    assert loop.is_closed()


def test_a_loop_of_ones_own() -> None:
    made: list[asyncio.AbstractEventLoop] = []

    def make() -> asyncio.AbstractEventLoop:
        made.append(asyncio.new_event_loop())
        return made[-1]

    with loop_context(make, fast=True) as loop:
        assert made == [loop]
    assert loop.is_closed()


def test_it_is_closed_when_the_block_fails() -> None:
    with pytest.raises(LookupError), loop_context() as loop:
        raise LookupError
    assert loop.is_closed()


def test_by_hand() -> None:
    loop = setup_test_loop()
    loop.run_until_complete(asyncio.sleep(0))
    teardown_test_loop(loop)
    assert loop.is_closed()
    teardown_test_loop(loop)
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()


def test_what_runs_on_it_ends_with_it() -> None:
    ended: list[str] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            ended.append("generator")

    async def begin() -> None:
        left.append(numbers())
        async for _ in left[0]:
            break
        await asyncio.to_thread(lambda: threads.append(threading.current_thread()))

    left: list[AsyncIterator[int]] = []
    threads: list[threading.Thread] = []
    with loop_context() as loop:
        loop.run_until_complete(begin())
        assert ended == []
    assert ended == ["generator"]
    assert not threads[0].is_alive()


@pytest.mark.parametrize("fast", [False, True])
def test_garbage_is_collected_unless_it_is_to_be_fast(fast: bool) -> None:
    class Circle:
        def __init__(self) -> None:
            self.itself = self

    circle = weakref.ref(Circle())
    gc.collect()
    gc.disable()
    try:
        circle = weakref.ref(Circle())
        with loop_context(fast=fast):
            pass
        assert (circle() is None) is not fast
    finally:
        gc.enable()
