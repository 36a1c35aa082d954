"""Contexts that an application lives in: entered in order, left in reverse, none forgotten."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from pronghorn import web
from pronghorn.server.cleanup import CleanupContext


class Steps(list[str]):
    """What contexts did, in order."""

    def context(
        self, name: str, *, entering: BaseException | None = None, leaving: BaseException | None = None
    ) -> Callable[[Any], AsyncIterator[None]]:
        async def live(app: Any) -> AsyncIterator[None]:
            self.append(f"+{name}")
            if entering is not None:
                raise entering
            yield
            self.append(f"-{name}")
            if leaving is not None:
                raise leaving

        return live


def contexts(*callbacks: Any) -> CleanupContext:
    made = CleanupContext()
    made.extend(callbacks)
    return made


async def test_first_in_last_out() -> None:
    steps = Steps()
    context = contexts(steps.context("a"), steps.context("b"))
    await context.enter(None)
    assert steps == ["+a", "+b"]
    await context.leave(None)
    assert steps == ["+a", "+b", "-b", "-a"]
    await context.leave(None)
    assert steps == ["+a", "+b", "-b", "-a"]


async def test_each_is_given_the_application() -> None:
    app = web.Application()
    seen: list[object] = []

    async def live(given: web.Application) -> AsyncIterator[None]:
        seen.append(given)
        yield

    context = contexts(live)
    await context.enter(app)
    await context.leave(app)
    assert seen == [app]


async def test_they_can_be_entered_again() -> None:
    steps = Steps()
    context = contexts(steps.context("a"))
    for _ in range(2):
        await context.enter(None)
        await context.leave(None)
    assert steps == ["+a", "-a"] * 2


class Manager:
    """An asynchronous context manager by its methods alone."""

    steps: list[str]

    def __init__(self, app: Any) -> None:
        type(self).steps = []

    async def __aenter__(self) -> None:
        self.steps.append("+")

    async def __aexit__(self, *error: object) -> None:
        self.steps.append(f"- {error}")


async def test_what_makes_a_context_manager() -> None:
    context = contexts(Manager)
    await context.enter(None)
    await context.leave(None)
    assert Manager.steps == ["+", "- (None, None, None)"]


async def test_a_function_that_makes_one() -> None:
    steps: list[str] = []

    @asynccontextmanager
    async def live(app: Any) -> AsyncIterator[int]:
        steps.append("+")
        yield 1
        steps.append("-")

    context = contexts(live)
    await context.enter(None)
    await context.leave(None)
    assert steps == ["+", "-"]


async def test_a_function_that_makes_a_generator_is_called_once() -> None:
    steps = Steps()
    calls: list[object] = []

    def make(app: Any) -> AsyncIterator[None]:
        calls.append(app)
        return steps.context("a")(app)

    context = contexts(make)
    await context.enter("app")
    await context.leave("app")
    assert (calls, steps) == (["app"], ["+a", "-a"])


async def _coroutine(app: Any) -> None: ...


def _generator(app: Any) -> Any:
    yield


@contextmanager
def _synchronous(app: Any) -> Any:
    yield


@pytest.mark.parametrize("wrong", [_coroutine, _generator, _synchronous, lambda app: None])
async def test_what_is_neither_is_named(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"cleanup_ctx: expected <.*async generator function"):
        await contexts(wrong).enter(None)


async def test_a_generator_that_does_not_yield() -> None:
    async def live(app: Any) -> AsyncIterator[None]:
        if app is not None:
            yield

    with pytest.raises(RuntimeError, match="didn't yield"):
        await contexts(live).enter(None)


async def test_a_second_yield_is_an_error_and_the_others_are_left() -> None:
    steps = Steps()

    async def twice(app: Any) -> AsyncIterator[None]:
        yield
        yield

    context = contexts(steps.context("a"), twice)
    await context.enter(None)
    with pytest.raises(RuntimeError, match="didn't stop"):
        await context.leave(None)
    assert steps == ["+a", "-a"]


async def test_a_failure_on_entering_leaves_those_before_to_leave() -> None:
    steps = Steps()
    context = contexts(steps.context("a"), steps.context("b", entering=LookupError("b")), steps.context("c"))
    with pytest.raises(LookupError, match="b"):
        await context.enter(None)
    assert steps == ["+a", "+b"]
    await context.leave(None)
    assert steps == ["+a", "+b", "-a"]


async def test_one_failure_on_leaving_is_raised_as_it_is() -> None:
    steps = Steps()
    error = LookupError("b")
    context = contexts(steps.context("a"), steps.context("b", leaving=error), steps.context("c"))
    await context.enter(None)
    with pytest.raises(LookupError) as caught:
        await context.leave(None)
    assert caught.value is error
    assert steps[3:] == ["-c", "-b", "-a"]


async def test_several_failures_are_one_error() -> None:
    steps = Steps()
    one, two = LookupError("a"), ValueError("b")
    context = contexts(steps.context("a", leaving=one), steps.context("b", leaving=two))
    await context.enter(None)
    with pytest.raises(web.CleanupError) as caught:
        await context.leave(None)
    assert isinstance(caught.value, RuntimeError)
    assert caught.value.exceptions == [two, one]


async def test_a_cancellation_is_not_lost_among_failures() -> None:
    steps = Steps()
    error, cancellation = LookupError("a"), asyncio.CancelledError()
    context = contexts(
        steps.context("a", leaving=error), steps.context("b", leaving=cancellation), steps.context("c")
    )
    await context.enter(None)
    with pytest.raises(asyncio.CancelledError) as caught:
        await context.leave(None)
    assert caught.value is cancellation
    assert isinstance(caught.value.__cause__, web.CleanupError)
    assert caught.value.__cause__.exceptions == [cancellation, error]
    assert steps[3:] == ["-c", "-b", "-a"]


async def test_who_is_cancelled_on_leaving_leaves_the_others() -> None:
    steps = Steps()
    waiting = asyncio.Event()

    async def slow(app: Any) -> AsyncIterator[None]:
        yield
        waiting.set()
        await asyncio.get_running_loop().create_future()

    context = contexts(steps.context("a"), slow)
    await context.enter(None)
    task = asyncio.ensure_future(context.leave(None))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps == ["+a", "-a"]


async def test_who_is_cancelled_on_entering_can_still_leave() -> None:
    steps = Steps()
    waiting = asyncio.Event()

    async def slow(app: Any) -> AsyncIterator[None]:
        waiting.set()
        await asyncio.get_running_loop().create_future()
        yield

    context = contexts(steps.context("a"), slow)
    task = asyncio.ensure_future(context.enter(None))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await context.leave(None)
    assert steps == ["+a", "-a"]


def test_it_is_a_list_that_can_be_frozen() -> None:
    context = contexts(Manager)
    assert list(context) == [Manager]
    context.freeze()
    with pytest.raises(RuntimeError):
        context.append(Manager)
