"""Deadlines: never early, and nearly free when they don't strike.

A server starts and stops two deadlines a request. A timer of the loop costs 1.6 us
to set and cancel, so long deadlines share one: a sweep once a second looks for
those that have passed, and stops when none is running. They strike at most one tick
late. Short ones, where a second matters, have a timer each.
"""

from collections.abc import Callable
from typing import Final, Protocol, final

_NEVER: Final = float("inf")
_TICK: Final = 1.0
#: Seconds up to which a deadline gets a timer of its own.
PRECISE: Final = 5.0


class Timer(Protocol):
    """What a clock gives for a call to come."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """The part of an event loop that deadlines need."""

    def time(self) -> float: ...
    def call_at(self, when: float, callback: Callable[[], object], /) -> Timer: ...


@final
class Sweep:
    """The running deadlines of one owner, on one clock."""

    __slots__ = ("_clock", "_swept", "_timer", "time")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.time = clock.time
        #: Those that were running at the last tick or were started since; a stopped one leaves at the next.
        self._swept: set[Deadline] = set()
        self._timer: Timer | None = None

    def add(self, deadline: "Deadline") -> None:
        """Watch ``deadline`` until it stops."""
        self._swept.add(deadline)
        if self._timer is None:
            self._timer = self._clock.call_at(self.time() + _TICK, self._tick)

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        """A timer for one deadline alone."""
        return self._clock.call_at(when, callback)

    def close(self) -> None:
        """Forget all long deadlines; none strikes any more."""
        for deadline in self._swept:
            deadline.is_swept = False
        self._swept.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        self._timer = None
        now = self.time()
        try:
            for deadline in list(self._swept):
                # An action may have closed the sweep.
                if deadline.at <= now and deadline.is_swept:
                    deadline.strike()
                if deadline.at == _NEVER:
                    deadline.is_swept = False
                    self._swept.discard(deadline)
        finally:
            # Also when an action failed: the others strike at the next tick.
            if self._swept and self._timer is None:
                self._timer = self._clock.call_at(now + _TICK, self._tick)


@final
class Deadline:
    """Calls ``action`` once if it isn't stopped or started anew in time."""

    __slots__ = ("_action", "_sweep", "_timer", "_timer_at", "at", "is_swept")

    def __init__(self, sweep: Sweep, action: Callable[[], object]) -> None:
        self._sweep = sweep
        self._action = action
        self._timer: Timer | None = None
        #: When the timer is called; kept here, since uvloop gives one of under half a millisecond no `when`.
        self._timer_at = _NEVER
        #: When it strikes, on the sweep's clock; infinity while it does not run.
        self.at = _NEVER
        #: The sweep looks at it; starting and stopping need not tell.
        self.is_swept = False

    @property
    def is_running(self) -> bool:
        """It has been started and has neither struck nor been stopped."""
        return self.at != _NEVER

    def start(self, seconds: float) -> None:
        """Strike in ``seconds``, whatever was set before."""
        sweep = self._sweep
        self.at = at = sweep.time() + seconds
        if seconds > PRECISE:
            if not self.is_swept:
                self.is_swept = True
                sweep.add(self)
        elif self._timer is None or self._timer_at > at:
            # A timer that comes too early looks at `at` and is set anew: restarting costs nothing.
            self._drop_timer()
            self._set_timer()

    def stop(self) -> None:
        """Don't strike."""
        self.at = _NEVER
        if self._timer is not None:
            self._drop_timer()

    def strike(self) -> None:
        """Stop, and act."""
        self.stop()
        self._action()

    def _wake(self) -> None:
        self._timer = None
        if self.at <= self._sweep.time():
            self.strike()
        elif self.at != _NEVER:
            self._set_timer()

    def _set_timer(self) -> None:
        self._timer_at = self.at
        self._timer = self._sweep.call_at(self.at, self._wake)

    def _drop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
