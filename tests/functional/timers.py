"""What the running loop has still to call at some time, whoever asked for it."""

import asyncio
from collections.abc import Callable
from typing import Any


class Timers:
    """The timers that the running loop was given since this was made.

    A loop does not tell them, so its `call_at` and `call_later` are watched. One may call the other: a timer
    that passes through both is one timer.
    """

    def __init__(self) -> None:
        self._loop: Any = asyncio.get_running_loop()
        self._timers: dict[int, asyncio.TimerHandle] = {}
        for name in ("call_at", "call_later"):
            setattr(self._loop, name, self._watched(getattr(self._loop, name)))

    @property
    def pending(self) -> list[asyncio.TimerHandle]:
        """Those that were neither called nor cancelled."""
        return [timer for timer in self._timers.values() if not timer.cancelled()]

    def _watched(self, schedule: Callable[..., asyncio.TimerHandle]) -> Callable[..., asyncio.TimerHandle]:
        def watched(when: float, callback: Callable[..., object], *args: Any, **options: Any) -> Any:
            def call() -> None:
                self._timers.pop(id(timer), None)
                callback(*args)

            timer = schedule(when, call, **options)
            self._timers[id(timer)] = timer
            return timer

        return watched
