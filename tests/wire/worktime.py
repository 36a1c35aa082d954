"""How work grows with its size: a generous ratio, taken from the best of several runs."""

import gc
from collections.abc import Callable
from time import process_time

ROUNDS = 4


def growth(work: Callable[[int], object], size: int) -> float:
    """Time of ``work(2 * size)`` over that of ``work(size)``: about 2 if it is linear, 4 if quadratic."""
    single, double = [], []
    gc.collect()
    gc.disable()  # it looks at what the other tests have left, more often the more is made
    try:
        for _ in range(ROUNDS):
            for times, load in ((single, size), (double, 2 * size)):
                start = process_time()
                work(load)
                times.append(process_time() - start)
    finally:
        gc.enable()
    return min(double) / max(min(single), 1e-6)
