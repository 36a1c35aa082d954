"""Virtual time, but for one test: none of the others waits."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pronghorn.io.deadline import PRECISE, Deadline, Sweep

from .fakes import VirtualClock

TICK = 1.0


class Watched:
    """A deadline, and when it struck."""

    def __init__(self, clock: VirtualClock, sweep: Sweep) -> None:
        self.strikes: list[float] = []
        self.deadline = Deadline(sweep, lambda: self.strikes.append(clock.now))


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def sweep(clock: VirtualClock) -> Sweep:
    return Sweep(clock)


@pytest.fixture
def watched(clock: VirtualClock, sweep: Sweep) -> Watched:
    return Watched(clock, sweep)


@pytest.mark.parametrize("seconds", [0.0, 0.01, 1.0, PRECISE])
def test_a_short_one_is_precise(clock: VirtualClock, watched: Watched, seconds: float) -> None:
    start = clock.now
    watched.deadline.start(seconds)
    clock.advance(30)
    assert watched.strikes == [start + seconds]


@given(st.floats(PRECISE, 300, exclude_min=True), st.floats(0, 0.999))
def test_a_long_one_is_never_early_and_at_most_a_tick_late(seconds: float, head_start: float) -> None:
    clock = VirtualClock()
    sweep = Sweep(clock)
    other, watched = Watched(clock, sweep), Watched(clock, sweep)
    other.deadline.start(1000)  # the sweep is under way when the one that is watched starts
    clock.advance(head_start)
    start = clock.now
    watched.deadline.start(seconds)
    clock.advance(400)
    (struck,) = watched.strikes
    assert start + seconds <= struck <= start + seconds + TICK


def test_a_late_loop_delays_no_more_than_itself(clock: VirtualClock, watched: Watched) -> None:
    start = clock.now
    watched.deadline.start(10)
    clock.advance(60, late=0.5)
    (struck,) = watched.strikes
    assert start + 10 <= struck <= start + 10 + TICK + 0.5


@pytest.mark.parametrize("seconds", [1.0, 10.0])
def test_it_strikes_once(clock: VirtualClock, watched: Watched, seconds: float) -> None:
    assert not watched.deadline.is_running
    watched.deadline.start(seconds)
    assert watched.deadline.is_running
    clock.advance(100)
    assert len(watched.strikes) == 1
    assert not watched.deadline.is_running


@pytest.mark.parametrize("seconds", [1.0, 10.0])
def test_a_stopped_one_does_not_strike(clock: VirtualClock, watched: Watched, seconds: float) -> None:
    watched.deadline.start(seconds)
    clock.advance(seconds - 0.5)
    watched.deadline.stop()
    assert not watched.deadline.is_running
    clock.advance(100)
    watched.deadline.stop()
    assert watched.strikes == []


@pytest.mark.parametrize("seconds", [1.0, 10.0])
def test_it_can_be_used_again(clock: VirtualClock, watched: Watched, seconds: float) -> None:
    watched.deadline.start(seconds)
    clock.advance(50)
    watched.deadline.start(seconds)
    clock.advance(50)
    assert len(watched.strikes) == 2


@pytest.mark.parametrize("first", [1.0, 4.0, 10.0, 40.0])
@pytest.mark.parametrize("second", [1.0, 4.0, 10.0, 40.0])
def test_a_new_start_replaces_the_old(
    clock: VirtualClock, watched: Watched, first: float, second: float
) -> None:
    watched.deadline.start(first)
    clock.advance(0.5)
    start = clock.now
    watched.deadline.start(second)
    clock.advance(100)
    (struck,) = watched.strikes
    assert start + second <= struck <= start + second + TICK


@given(st.lists(st.tuples(st.sampled_from([0.5, 3.0, 5.0, 6.0, 20.0]), st.floats(0, 30)), min_size=1))
def test_any_series_of_starts(starts: list[tuple[float, float]]) -> None:
    clock = VirtualClock()
    watched = Watched(clock, Sweep(clock))
    for seconds, wait in starts:
        start, before = clock.now, len(watched.strikes)
        watched.deadline.start(seconds)
        clock.advance(wait)
        struck = watched.strikes[before:]
        assert len(struck) <= 1
        assert len(struck) == 1 or wait < seconds + TICK
        assert all(start + seconds <= at <= start + seconds + TICK for at in struck)
        assert watched.deadline.is_running is not bool(struck)
    clock.advance(100)
    assert clock.timers == []


# What they cost


@pytest.mark.parametrize("seconds", [1.0, 10.0])
def test_nothing_is_left_when_nothing_runs(clock: VirtualClock, watched: Watched, seconds: float) -> None:
    assert clock.timers == []
    watched.deadline.start(seconds)
    watched.deadline.stop()
    clock.advance(2 * TICK)
    assert clock.timers == []
    made = clock.timers_made
    clock.advance(100)
    assert clock.timers_made == made


def test_the_sweep_begins_again(clock: VirtualClock, watched: Watched) -> None:
    watched.deadline.start(10)
    clock.advance(100)
    assert clock.timers == []
    watched.deadline.start(10)
    clock.advance(100)
    assert len(watched.strikes) == 2


def test_long_ones_share_one_timer(clock: VirtualClock, sweep: Sweep) -> None:
    for _ in range(1000):
        Watched(clock, sweep).deadline.start(10)
    assert len(clock.timers) == 1


def test_starting_a_long_one_anew_makes_no_timer(clock: VirtualClock, watched: Watched) -> None:
    for _ in range(1000):
        watched.deadline.start(10)
        watched.deadline.stop()
    assert clock.timers_made == 1


def test_putting_a_short_one_off_makes_no_timer(clock: VirtualClock, watched: Watched) -> None:
    for _ in range(1000):
        watched.deadline.start(2)
        clock.advance(0.001)
    assert clock.timers_made == 1
    clock.advance(10)
    assert len(watched.strikes) == 1


# What an action may do


@pytest.mark.parametrize("seconds", [1.0, 10.0])
def test_an_action_may_start_its_deadline_anew(clock: VirtualClock, sweep: Sweep, seconds: float) -> None:
    strikes: list[float] = []

    def again() -> None:
        strikes.append(clock.now)
        if len(strikes) < 3:
            deadline.start(seconds)

    deadline = Deadline(sweep, again)
    deadline.start(seconds)
    clock.advance(100)
    assert len(strikes) == 3
    assert all(later - earlier >= seconds for earlier, later in pairwise(strikes))
    assert clock.timers == []


@pytest.mark.parametrize("seconds", [1.0, 10.0])
def test_an_action_may_stop_another(clock: VirtualClock, sweep: Sweep, seconds: float) -> None:
    one = Watched(clock, sweep)
    two = Watched(clock, sweep)
    struck: list[Deadline] = []
    for mine, other in ((one, two), (two, one)):
        mine.deadline = Deadline(
            sweep, lambda mine=mine, other=other: (struck.append(mine.deadline), other.deadline.stop())
        )
    for each in (one, two):
        each.deadline.start(seconds)
    clock.advance(100)
    assert len(struck) == 1


def test_an_action_that_fails_spares_the_others(clock: VirtualClock, sweep: Sweep) -> None:
    """One connection's fault may not switch off the deadlines of all."""

    def failing() -> None:
        raise LookupError

    fine = [Watched(clock, sweep) for _ in range(10)]
    for watched in fine[:5]:
        watched.deadline.start(10)
    Deadline(sweep, failing).start(10)
    for watched in fine[5:]:
        watched.deadline.start(10)
    with pytest.raises(LookupError):
        clock.advance(12)
    clock.advance(12)
    assert [len(watched.strikes) for watched in fine] == [1] * 10
    assert clock.timers == []


def test_closing_the_sweep_forgets_the_long_ones(clock: VirtualClock, sweep: Sweep, watched: Watched) -> None:
    watched.deadline.start(10)
    sweep.close()
    assert clock.timers == []
    clock.advance(100)
    assert watched.strikes == []


def test_closing_the_sweep_in_the_middle_of_a_tick(clock: VirtualClock, sweep: Sweep) -> None:
    strikes: list[int] = []
    deadlines = [Deadline(sweep, lambda: (strikes.append(1), sweep.close())) for _ in range(5)]
    for deadline in deadlines:
        deadline.start(10)
    clock.advance(100)
    assert strikes == [1]
    assert clock.timers == []


def test_a_closed_sweep_can_be_used_again(clock: VirtualClock, sweep: Sweep, watched: Watched) -> None:
    watched.deadline.start(10)
    sweep.close()
    watched.deadline.start(10)
    clock.advance(100)
    assert len(watched.strikes) == 1


async def test_one_that_is_nearly_due_can_start_anew() -> None:
    """On a real loop: what a loop gives for a call that is due at once need not be a timer."""
    struck = asyncio.Event()
    deadline = Deadline(Sweep(asyncio.get_running_loop()), struck.set)
    deadline.start(0.0002)
    deadline.start(0.0001)
    async with asyncio.timeout(5):
        await struck.wait()
    assert not deadline.is_running
