"""What holds for every test: an asynchronous one leaves no task behind."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from importlib import import_module

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--loop", choices=("asyncio", "uvloop"), default="asyncio", help="the event loop to run on"
    )


def pytest_asyncio_loop_factories(
    config: pytest.Config,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Asynchronous tests run on the loop of ``--loop``."""
    name = config.getoption("--loop")
    module = asyncio if name == "asyncio" else import_module(name)
    return {name: module.new_event_loop}


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
