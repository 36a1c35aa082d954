"""How work grows with its size.

Others on the machine only add to a run, so it is measured again while they may have: the least of up to
ROUNDS runs counts, and measuring ends when it shows linear growth.
"""

import gc
from collections.abc import Awaitable, Callable
from time import process_time
from typing import Final

#: CPU of twice the work over that of the work: 2 if it is linear, 4 if it is quadratic.
LINEAR: Final = 3
ROUNDS: Final = 40
_FEWEST: Final = 3
#: Less than this is the clock's.
_TICK: Final = 1e-6


class _Growth:
    """The CPU seconds of work and of twice the work, as they are measured."""

    def __init__(self) -> None:
        self.single: list[float] = []
        self.double: list[float] = []

    @property
    def factor(self) -> float:
        return min(self.double) / max(min(self.single), _TICK)

    @property
    def is_known(self) -> bool:
        rounds = len(self.double)
        return rounds >= ROUNDS or (rounds >= _FEWEST and self.factor < LINEAR)


def growth(work: Callable[[int], object], size: int) -> float:
    """CPU of ``work(2 * size)`` over that of ``work(size)``."""
    seen = _Growth()
    gc.collect()
    gc.disable()  # it looks at what the other tests have left, more often the more is made
    try:
        while not seen.is_known:
            for costs, load in ((seen.single, size), (seen.double, 2 * size)):
                start = process_time()
                work(load)
                costs.append(process_time() - start)
    finally:
        gc.enable()
    return seen.factor


async def growth_of(
    clock: Callable[[], Awaitable[float]], work: Callable[[int], Awaitable[object]], size: int
) -> float:
    """The same for work that is awaited; ``clock`` gives the CPU seconds of whom it costs."""
    seen = _Growth()
    while not seen.is_known:
        for costs, load in ((seen.single, size), (seen.double, 2 * size)):
            start = await clock()
            await work(load)
            costs.append(await clock() - start)
    return seen.factor
