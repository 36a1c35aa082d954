"""Reading takes linear time and bounded memory, whatever stands in a stream and however it is cut."""

import tracemalloc
from collections.abc import Callable

import pytest

from pronghorn.wire.errors import ProtocolError
from pronghorn.wire.sse import EventStreamLimits, EventStreamParser

from ..worktime import LINEAR, growth
from .feeding import bytewise, whole
from .test_sse import KIB, MIB, feed


@pytest.mark.timed
@pytest.mark.parametrize(
    "cut", [whole, bytewise, lambda wire: [wire[:5], wire[5:]]], ids=["whole", "bytes", "two"]
)
@pytest.mark.parametrize(
    "line",
    [
        b":\n",
        b": comment\n",
        b"\n",
        b"\r",
        b"\r\n",
        b"data\n",
        b"data: a\n",
        b"data: a\n\n",
        b"x",
        b"data: ",
        b":",
    ],
    ids=repr,
)
def test_linear_time(line: bytes, cut: Callable[[bytes], list[bytes]]) -> None:
    size = 3000 if cut is bytewise else 40_000
    pieces = {times: cut(line * times + b"\n") for times in (size, 2 * size)}
    assert growth(lambda times: feed(pieces[times]), size) < LINEAR


@pytest.mark.timed
def test_linear_time_for_a_retry_of_many_digits() -> None:
    wires = {size: b"retry:" + b"9" * size + b"\n\n" for size in (2 * MIB, 4 * MIB)}
    assert growth(lambda size: feed([wires[size]]), 2 * MIB) < LINEAR


@pytest.mark.timed
@pytest.mark.parametrize("piece", [b":" * KIB, b"data: x\n" * 128, b"data\n" * 200, b": a\n" * 256], ids=len)
def test_endless(piece: bytes) -> None:
    """What is held is what may still become an event, and no more than its limit."""
    limit = 256 * KIB
    parser = EventStreamParser(EventStreamLimits(line=limit, data=limit))
    tracemalloc.start()
    try:
        for _ in range(20 * limit // len(piece)):
            try:
                for _ in parser.feed(piece):
                    pass
            except ProtocolError:
                pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * limit
