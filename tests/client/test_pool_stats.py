"""What is counted, apart from when; see test_pool.py for that."""

import gc
import weakref
from dataclasses import FrozenInstanceError
from typing import Any, NamedTuple, cast

import pytest

from pronghorn.client.pool_stats import CloseReason, History, PoolStats, Tally
from pronghorn.io.dial import Address

HERE = Address("here", 443, True)


class WithOptions(NamedTuple):
    """An address with more than its defaults behind the first three."""

    host: str
    port: int
    is_ssl: bool
    secret: object


OTHER = cast(Address, WithOptions("here", 443, True, "open sesame"))


def tally(placed: int = 0, reused: int = 0, **closed: int) -> Tally:
    counted = Tally()
    counted.placed = placed
    counted.reused = reused
    counted.closed.update({CloseReason[name]: count for name, count in closed.items()})
    return counted


def test_reasons_read_as_words() -> None:
    assert f"{CloseReason.IDLE_TIMEOUT}" == "idle timeout"
    assert all(reason == reason.value and "_" not in reason for reason in CloseReason)


def test_nothing_has_happened() -> None:
    assert History().stats(()) == PoolStats(0, 0, 0, 0, 0, {}, {})


def test_past_and_present_add_up() -> None:
    history = History()
    history.keep(Address("there", 80), tally(3, 2, LOST=2, MADE_ROOM=1))
    stats = history.stats([(HERE, 3, 1, 5, tally(4, 7, LOST=1))])
    assert (stats.in_use, stats.idle, stats.waiting, stats.created, stats.reused) == (2, 1, 5, 7, 9)
    assert stats.closed == {CloseReason.LOST: 3, CloseReason.MADE_ROOM: 1}
    assert [
        (origin.in_use, origin.idle, origin.waiting, origin.created, origin.reused)
        for origin in (stats.origins[HERE], stats.origins[Address("there", 80)])
    ] == [(2, 1, 5, 4, 7), (0, 0, 0, 3, 2)]


def test_a_snapshot_does_not_change() -> None:
    counted = tally(1, 0, LOST=1)
    stats = History().stats([(HERE, 0, 0, 0, counted)])
    counted.placed = 5
    counted.closed[CloseReason.LOST] = 5
    assert stats.created == stats.origins[HERE].created == 1
    assert stats.closed == stats.origins[HERE].closed == {CloseReason.LOST: 1}


@pytest.mark.parametrize("name", ["idle", "origins"])
def test_a_snapshot_cannot_be_changed(name: str) -> None:
    stats: Any = History().stats([(HERE, 1, 0, 0, tally(1))])
    with pytest.raises(FrozenInstanceError):
        setattr(stats, name, 1)
    with pytest.raises(FrozenInstanceError):
        stats.origins[HERE].idle = 1
    for mapping in (stats.origins, stats.closed, stats.origins[HERE].closed):
        with pytest.raises(TypeError):
            mapping[HERE] = 1


def test_options_are_not_told() -> None:
    history = History()
    history.keep(OTHER, tally(1))
    stats = history.stats([(OTHER, 2, 1, 1, tally(2)), (HERE, 1, 0, 0, tally(3))])
    assert list(stats.origins) == [HERE]
    origin = stats.origins[HERE]
    assert (origin.in_use, origin.idle, origin.waiting, origin.created) == (2, 1, 1, 6)
    assert stats.created == 6
    assert "sesame" not in repr(stats)


def test_options_are_not_kept() -> None:
    class Heavy:
        """As an SSLContext."""

    heavy = Heavy()
    kept = weakref.ref(heavy)
    history = History()
    history.keep(cast(Address, WithOptions("here", 443, True, heavy)), tally(1))
    del heavy
    gc.collect()
    assert kept() is None
    assert history.stats(()).origins[HERE].created == 1


def test_the_tally_goes_on_with_the_origin() -> None:
    history = History()
    history.keep(OTHER, tally(1, 1, LOST=1))
    resumed = history.resume(OTHER)
    assert (resumed.placed, resumed.reused, resumed.closed) == (1, 1, {CloseReason.LOST: 1})
    assert not history.stats(()).origins
    # The same origin by other options has its own; in the end they come together.
    assert history.resume(HERE).placed == 0
    history.keep(HERE, tally(5, 0, LOST=1))
    history.keep(OTHER, resumed)
    stats = history.stats(()).origins[HERE]
    assert (stats.created, stats.reused, stats.closed) == (6, 1, {CloseReason.LOST: 2})


def test_who_was_last_there_is_remembered() -> None:
    history = History()
    for number in range(1000):
        history.keep(Address(f"host{number}", 80), tally(1))
    history.keep(Address("host0", 80), tally(1))
    history.keep(HERE, tally(1, 0, NOT_CONNECTED=1))
    stats = history.stats(())
    assert len(stats.origins) == 1000
    assert stats.origins[Address("host0", 80)].created == 2
    assert Address("host1", 80) not in stats.origins
    assert stats.created == 1001
