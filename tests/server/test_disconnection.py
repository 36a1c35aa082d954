"""Who waits for a client to leave."""

import asyncio
import gc

import pytest

from pronghorn.server.disconnection import Disconnection, disconnection_of, tell


class Asked:
    """A request that was asked for its disconnection, perhaps."""

    def __init__(self, disconnection: Disconnection | None = None) -> None:
        self._disconnection = disconnection


async def test_it_is_told_once() -> None:
    gone = Disconnection()
    assert not gone.done()
    tell(Asked(gone))
    tell(Asked(gone))
    tell(Asked())
    tell(None)
    assert gone.done()
    await gone
    await gone


async def test_it_may_be_so_from_the_beginning() -> None:
    await Disconnection(is_gone=True)


async def test_a_waiter_that_is_cancelled_leaves_the_others_waiting() -> None:
    gone = Disconnection()

    async def wait() -> str:
        await gone
        return "gone"

    first, second = asyncio.create_task(wait()), asyncio.create_task(wait())
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    assert first.cancelled()
    assert not gone.done()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await gone
    assert not gone.done()
    tell(Asked(gone))
    assert await second == "gone"


async def test_it_can_be_waited_for_with_others() -> None:
    gone = Disconnection()
    other: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    done, pending = await asyncio.wait({gone, other}, timeout=0)
    assert not done
    assert not gone.cancelled()
    tell(Asked(gone))
    done, pending = await asyncio.wait({gone, other}, return_when=asyncio.FIRST_COMPLETED)
    assert (done, pending) == ({gone}, {other})
    other.cancel()


async def test_it_is_cancelled_with_its_task() -> None:
    end = asyncio.Event()
    task = asyncio.create_task(end.wait())
    gone = Disconnection(task)  # type: ignore[arg-type]  # a task of any kind
    waiter = asyncio.create_task(asyncio.wait_for(gone, None))
    await asyncio.sleep(0)
    end.set()
    await asyncio.wait([waiter])
    assert waiter.cancelled()
    assert gone.cancelled()
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_one_that_is_told_stays_so_when_its_task_ends() -> None:
    task = asyncio.create_task(asyncio.sleep(0))
    gone = Disconnection(task)
    tell(Asked(gone))
    await task
    await asyncio.sleep(0)
    assert not gone.cancelled()
    await gone


async def test_one_that_is_cancelled_leaves_nothing_on_its_task() -> None:
    task = asyncio.create_task(asyncio.sleep(0))
    for _ in range(3):
        assert Disconnection(task).cancel()
    assert not task._callbacks  # type: ignore[attr-defined]  # nothing else tells
    await task


async def test_nobody_has_to_look(caplog: pytest.LogCaptureFixture) -> None:
    tell(Asked(Disconnection()))
    Disconnection().cancel()
    Disconnection()
    gc.collect()
    await asyncio.sleep(0)
    assert not caplog.records


async def test_the_one_of_a_request() -> None:
    request, task = Asked(), asyncio.create_task(asyncio.sleep(0))
    first = disconnection_of(request, task, is_gone=False)
    assert disconnection_of(request, task, is_gone=True) is first
    first.cancel()
    second = disconnection_of(request, task, is_gone=False)
    assert not second.done()
    await task
    await asyncio.sleep(0)
    assert second.cancelled()
    assert disconnection_of(request, None, is_gone=True) is second


async def test_the_one_of_a_request_that_is_over() -> None:
    assert disconnection_of(Asked(), None, is_gone=False).cancelled()
    assert not disconnection_of(Asked(), None, is_gone=True).cancelled()
