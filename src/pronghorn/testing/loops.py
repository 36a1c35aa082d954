"""Event loops for tests that run theirs by hand."""

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


@contextmanager
def loop_context(
    loop_factory: LoopFactory = asyncio.new_event_loop, fast: bool = False
) -> Iterator[asyncio.AbstractEventLoop]:
    """A loop for a ``with`` block, which closes it however it ends; ``fast`` does without `gc.collect`."""
    loop = setup_test_loop(loop_factory)
    try:
        yield loop
    finally:
        teardown_test_loop(loop, fast)


def setup_test_loop(loop_factory: LoopFactory = asyncio.new_event_loop) -> asyncio.AbstractEventLoop:
    """A new loop, which is the current one until it is given to `teardown_test_loop`."""
    loop = loop_factory()
    asyncio.set_event_loop(loop)
    return loop


def teardown_test_loop(loop: asyncio.AbstractEventLoop, fast: bool = False) -> None:
    """Close ``loop``, its asynchronous generators and its threads; there is no current loop then.

    Unless it is to be ``fast``, garbage is collected: what was left open warns here, and not in another test.
    """
    try:
        if not loop.is_closed():
            try:
                loop.run_until_complete(loop.shutdown_asyncgens())
                loop.run_until_complete(loop.shutdown_default_executor())
            finally:
                loop.close()
        if not fast:
            gc.collect()
    finally:
        asyncio.set_event_loop(None)
