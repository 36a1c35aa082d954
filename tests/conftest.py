"""What holds for every test: an asynchronous one leaves no task behind."""

import asyncio
from collections.abc import AsyncIterator

import pytest

# How long a task that is on its way out (cancelled, or done with its last await) may take.
FAREWELL = 0.5


@pytest.fixture
async def task_guard() -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    if left := asyncio.all_tasks() - before - {asyncio.current_task()}:
        _, left = await asyncio.wait(left, timeout=FAREWELL)
    if left:
        pytest.fail("tasks left behind:\n" + "\n".join(sorted(map(repr, left))), pytrace=False)


@pytest.fixture(autouse=True)
def no_task_is_left_behind(request: pytest.FixtureRequest) -> None:
    # Only where there is a loop: a synchronous test need not pay for one. Set up before the test's own
    # fixtures, it looks when they are gone.
    if request.node.get_closest_marker("asyncio"):
        request.getfixturevalue("task_guard")
