"""Ranges of bytes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pronghorn.wire.ranges import (
    MAX_RANGES,
    format_content_range,
    format_unsatisfied_range,
    is_malformed,
    parse_ranges,
    resolve,
)

from ..worktime import LINEAR, growth

FIELDS = {
    "bytes=0-499": [(0, 499)],
    "bytes=500-": [(500, None)],
    "bytes=-500": [(None, 500)],
    "BYTES=0-0": [(0, 0)],
    " bytes =0-0": [(0, 0)],
    "bytes=0-0,-1": [(0, 0), (None, 1)],
    "bytes= 0-0 ,, \t5-6 ,": [(0, 0), (5, 6)],
    "bytes=007-008": [(7, 8)],
    "bytes=-0": [(None, 0)],
    # More digits than any size has are beyond every size.
    "bytes=0-" + "9" * 5000: [(0, 10**19)],
    "bytes=" + "0" * 5000 + "1-": [(1, None)],
    "bytes=-" + "9" * 20: [(None, 10**19)],
}
MALFORMED = [
    "bytes=",
    "bytes=,",
    "bytes=-",
    "bytes=a-b",
    "bytes=5-4",
    "bytes=1",
    "bytes=1-2-3",
    "bytes=--1",
    "bytes=+1-2",
    "bytes=1_0-20",
    "bytes=0x1-2",
    "bytes=1 - 2",
    "bytes=0-1;2-3",
    "bytes=0-1,x",
    "bytes=\u0661-\u0662",
    "bytes=\uff11-",
    "bytes==0-1",
]
OTHER_UNITS = ["items=0-1", "0-1", "", "bytes", "=0-1", "bytes 0-1"]


@pytest.mark.parametrize(("field", "ranges"), FIELDS.items(), ids=[field[:30] for field in FIELDS])
def test_ranges_are_read(field: str, ranges: list[tuple[int | None, int | None]]) -> None:
    assert parse_ranges(field) == ranges
    assert not is_malformed(field)


@pytest.mark.parametrize("field", MALFORMED)
def test_malformed(field: str) -> None:
    assert parse_ranges(field) is None
    assert is_malformed(field)


@pytest.mark.parametrize("field", OTHER_UNITS)
def test_other_units(field: str) -> None:
    assert parse_ranges(field) is None
    assert not is_malformed(field)


def test_no_more_than_some() -> None:
    assert parse_ranges("bytes=" + ",".join(["0-0"] * MAX_RANGES)) == [(0, 0)] * MAX_RANGES
    many = "bytes=" + ",".join(["0-0"] * (MAX_RANGES + 1))
    assert parse_ranges(many) is None
    assert not is_malformed(many)
    assert resolve([(0, 0)] * (MAX_RANGES + 1), 100) is None


@given(st.text("bytes=0123-, ", max_size=30))
def test_anything_is_read(field: str) -> None:
    ranges = parse_ranges(field)
    assert ranges is None or 0 < len(ranges) <= MAX_RANGES


@pytest.mark.timed
@pytest.mark.parametrize("piece", ["0-,", ",", "-", "0", "0-0, ", " "])
def test_reading_is_linear(piece: str) -> None:
    assert (
        growth(
            lambda size: (parse_ranges("bytes=" + piece * size), is_malformed("bytes=" + piece * size)),
            100_000,
        )
        < LINEAR
    )


RESOLVED = [
    ([(0, 499)], 1000, ((0, 500),)),
    ([(0, 9999)], 1000, ((0, 1000),)),
    ([(999, 999)], 1000, ((999, 1000),)),
    ([(500, None)], 1000, ((500, 1000),)),
    ([(None, 1)], 1000, ((999, 1000),)),
    ([(None, 5000)], 1000, ((0, 1000),)),
    # Nothing of it is there.
    ([(1000, None)], 1000, ()),
    ([(1000, 2000)], 1000, ()),
    ([(None, 0)], 1000, ()),
    ([(0, 0)], 0, ()),
    ([(5000, None), (None, 0)], 1000, ()),
    # What is there of several.
    ([(5000, None), (0, 9)], 1000, ((0, 10),)),
    ([(20, 29), (0, 9)], 1000, ((0, 10), (20, 30))),
    ([(0, 9), (5, 19)], 1000, ((0, 20),)),
    ([(0, 9), (10, 19)], 1000, ((0, 20),)),
    ([(0, 9), (11, 19)], 1000, ((0, 10), (11, 20))),
    ([(0, 99), (20, 29), (90, 109)], 1000, ((0, 110),)),
    # Several that ask for more than there is are served the whole.
    ([(0, None), (0, None)], 1000, None),
    ([(0, 999), (0, 0)], 1000, None),
    ([(None, 500)], 0, None),
]


@pytest.mark.parametrize(("asked", "size", "spans"), RESOLVED)
def test_what_can_be_served(
    asked: list[tuple[int | None, int | None]], size: int, spans: tuple[tuple[int, int], ...] | None
) -> None:
    assert resolve(asked, size) == spans


_ASKED = st.one_of(
    st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: (min(pair), max(pair))),
    st.tuples(st.integers(0, 60), st.none()),
    st.tuples(st.none(), st.integers(0, 60)),
)


@given(st.lists(_ASKED, min_size=1, max_size=6), st.integers(0, 50))
def test_every_byte_asked_for_is_served_once(asked: list[tuple[int | None, int | None]], size: int) -> None:
    spans = resolve(asked, size)
    if spans is None:
        return
    served = [place for start, stop in spans for place in range(start, stop)]
    wanted: set[int] = set()
    for first, last in asked:
        if first is None:
            wanted.update(range(max(0, size - (last or 0)), size))
        else:
            wanted.update(range(first, size if last is None else min(last + 1, size)))
    assert served == sorted(wanted)
    assert all(before[1] < after[0] for before, after in pairwise(spans))


def test_content_range() -> None:
    assert format_content_range(0, 500, 1234) == "bytes 0-499/1234"
    assert format_unsatisfied_range(1234) == "bytes */1234"
