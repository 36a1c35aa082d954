"""Keeps requests in flight for as long as a measurement takes, and accounts for the CPU of this process."""

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from resource import RUSAGE_SELF, getrusage

from traffic import BODY, CONNECTIONS


class Flight:
    """Workers, each with one request in flight; a wrong answer or an exception ends it."""

    def __init__(self, get: Callable[[], Awaitable[tuple[int, object]]]) -> None:
        self.get = get
        self.answered = 0
        self.over = False

    async def worker(self) -> None:
        get = self.get
        while not self.over:
            try:
                status, body = await get()
            except Exception as error:
                raise SystemExit(f"{type(error).__name__}: {error}") from error
            if status != 200 or body != BODY:
                raise SystemExit(f"not the answer asked for: {status} {body!r}")
            self.answered += 1

    async def measure(self, warmup: float, seconds: float) -> dict[str, float]:
        """CPU seconds and right answers within the window that follows the warm-up."""
        await asyncio.sleep(warmup)
        answered, began, usage = self.answered, time.perf_counter(), getrusage(RUSAGE_SELF)
        await asyncio.sleep(seconds)
        usage_end = getrusage(RUSAGE_SELF)
        self.over = True
        return {
            "seconds": time.perf_counter() - began,
            "requests": self.answered - answered,
            "user": usage_end.ru_utime - usage.ru_utime,
            "sys": usage_end.ru_stime - usage.ru_stime,
        }


async def fly(
    get: Callable[[], Awaitable[tuple[int, object]]], options: argparse.Namespace, workers: int = CONNECTIONS
) -> None:
    """Measures `get`, which makes one request and returns status and body, and prints the figures as JSON."""
    flight = Flight(get)
    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(flight.worker())
        figures = await flight.measure(options.warmup, options.seconds)
    print(json.dumps(figures))


def arguments(description: str | None) -> argparse.ArgumentParser:
    """The options that every client takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--url", required=True)
    parser.add_argument("--warmup", type=float, required=True, help="seconds")
    parser.add_argument("--seconds", type=float, required=True)
    return parser
