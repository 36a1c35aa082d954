"""The window in which a server is loaded: its right answers, and the CPU that they took.

One way of accounting for every load, so that their figures can stand beside each other.
"""

import argparse
import time
from typing import Protocol

from cputime import cpu_seconds, process_tree


class Driven(Protocol):
    """Connections with something in flight on each, and the count of right answers on them."""

    answered: int

    def drive(self, seconds: float) -> None:
        """Keeps something in flight for that long; a wrong answer raises."""


def arguments(description: str | None) -> argparse.ArgumentParser:
    """The options that every load takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pid", type=int, required=True, help="root process of the server")
    parser.add_argument("--warmup", type=float, required=True, help="seconds")
    parser.add_argument("--seconds", type=float, required=True)
    return parser


def measure(load: Driven, options: argparse.Namespace) -> dict[str, float]:
    """CPU seconds of the server and right answers within the window that follows the warm-up."""
    load.drive(options.warmup)
    server = process_tree(options.pid)
    answered, began, (user, system) = load.answered, time.perf_counter(), cpu_seconds(server)
    load.drive(options.seconds)
    user_end, system_end = cpu_seconds(server)
    return {
        "seconds": time.perf_counter() - began,
        "requests": load.answered - answered,
        "user": user_end - user,
        "sys": system_end - system,
    }
