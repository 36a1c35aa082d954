"""Reading takes linear time, whatever stands in a body and however it is cut."""

from collections.abc import Callable, Iterable

import pytest

from pronghorn.wire.multipart import MultipartLimits, MultipartParser

from ..worktime import LINEAR, growth
from .feeding import bytewise

KIB = 1024
MANY = MultipartLimits(parts=10**9, heads=10**12, surplus=10**12)
HEAD, END = b"--boundary\r\n\r\n", b"\r\n--boundary--"


def read(pieces: Iterable[bytes]) -> None:
    parser = MultipartParser(b"boundary", MANY)
    for piece in pieces:
        for _ in parser.feed(piece):
            pass
    parser.feed_eof()


def in_reads(wire: bytes, size: int) -> None:
    read(wire[at : at + size] for at in range(0, len(wire), size))


# Content. The same piece again and again: that memory grows, too, is another matter.

UNITS = {
    "CVE-2023-46136-CR": b"\r",
    "LF": b"\n",
    "CRLF": b"\r\n",
    "CRLF-dash": b"\r\n-",
    "nearly-a-boundary": b"\r\n--boundar",
    "nearly-a-boundary-led-by-CR": b"\r\r\n--boundar",
    "dashes": b"-",
    "boundaries": b" --boundary",
}


@pytest.mark.timed
@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
@pytest.mark.parametrize(("size", "times"), [(1, 10_000), (50, 10_000), (64 * KIB, 50)])
def test_linear_time(unit: bytes, size: int, times: int) -> None:
    pieces = bytewise(unit) if size == 1 else [unit * (size // len(unit))]
    assert growth(lambda count: read([HEAD, *pieces * (count // len(pieces)), END]), times) < LINEAR


# The rest


def head_in_octets(size: int) -> None:
    in_reads(HEAD[:-2] + b"A: b\r\n" * 100 + b"A: " + b"b" * size + b"\r\n\r\n" + END, 1)


def preamble_in_octets(times: int) -> None:
    in_reads(b"\r\n--boundar" * times + b"\r\n" + HEAD + END, 1)


def preamble(times: int) -> None:
    read([b"\r\n--boundar" * times + b"\r\n" + HEAD + END])


def epilogue(times: int) -> None:
    read([HEAD + END + b"\r\n", *[b"\r\n--boundary" * 100] * times])


def parts(count: int) -> None:
    in_reads((HEAD + b"\r\n") * count + END[2:], 64 * KIB)


def parts_in_one_read(count: int) -> None:
    read([(HEAD + b"\r\n") * count + END[2:]])


def fields(parts: int) -> None:
    in_reads((b"--boundary\r\n" + b"A: b\r\n" * 128 + b"\r\n\r\n") * parts + END[2:], KIB)


WORK = {
    "head-in-octets": (head_in_octets, 4000),
    "preamble-in-octets": (preamble_in_octets, 1000),
    "CVE-2026-40347-preamble": (preamble, 10_000),
    "CVE-2024-53981-epilogue": (epilogue, 10_000),
    "parts": (parts, 10_000),
    "CVE-2025-67726-parts-in-one-read": (parts_in_one_read, 10_000),
    "CVE-2025-67725-repeated-fields": (fields, 50),
}


@pytest.mark.timed
@pytest.mark.parametrize(("work", "size"), WORK.values(), ids=WORK)
def test_other_work_is_linear(work: Callable[[int], None], size: int) -> None:
    assert growth(work, size) < LINEAR
