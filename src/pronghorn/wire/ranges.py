"""Ranges of bytes (RFC 9110 section 14): what a Range field asks for, and what of it can be served."""

import re
from typing import Final

Asked = tuple[int | None, int | None]

#: More ranges than that are no reader's, and the whole costs less than what they would. Apache serves
#: the whole past 200 (MaxRanges, after CVE-2011-3192); RFC 9110 section 14.2 allows it.
MAX_RANGES: Final = 16

# No `\d`: it takes the digits of every script (CVE-2025-69225).
_SPEC: Final = re.compile(r"([0-9]*)-([0-9]*)")
_UNIT: Final = "bytes"
#: More digits than any size has; int() of many is quadratic, or refuses.
_DIGITS: Final = 19
_BEYOND: Final = 10**_DIGITS
#: A list that is longer than this is not looked at, however empty.
_MOST_COMMAS: Final = 4 * MAX_RANGES


def parse_ranges(field: str) -> list[Asked] | None:
    """The ranges of a Range field, in order: (0, 499), (500, None) without an end, (None, 500) for a suffix.

    Both ends are included. None for another unit than bytes, what is malformed, and more than
    ``MAX_RANGES``.
    """
    specs = _specs(field)
    if specs is None or specs.count(",") >= _MOST_COMMAS:
        return None
    ranges: list[Asked] = []
    for spec in specs.split(","):
        spec = spec.strip(" \t")
        if not spec:
            continue  # section 5.6.1: empty members are passed over
        found = _SPEC.fullmatch(spec)
        if found is None or spec == "-" or len(ranges) == MAX_RANGES:
            return None
        first, last = _number(found[1]), _number(found[2])
        if first is not None and last is not None and first > last:
            return None
        ranges.append((first, last))
    return ranges or None


def _specs(field: str) -> str | None:
    """What follows the unit, if that is bytes; units have no case (section 14.1)."""
    unit, equals, specs = field.partition("=")
    return specs if equals and unit.strip(" \t").lower() == _UNIT else None


def _number(digits: str) -> int | None:
    if not digits:
        return None
    digits = digits.lstrip("0")
    return _BEYOND if len(digits) > _DIGITS else int(digits or "0")


def is_malformed(field: str) -> bool:
    """A Range in bytes that breaks the grammar. RFC 9110 section 14.2 lets it be ignored or rejected."""
    specs = _specs(field)
    return specs is not None and specs.count(",") < MAX_RANGES and parse_ranges(field) is None


def resolve(asked: list[Asked], size: int) -> tuple[tuple[int, int], ...] | None:
    """What of ``asked`` can be served of ``size`` bytes: (start, stop) without stop, sorted and merged.

    () if nothing can: that is 416. None if the whole is to be served: for more ranges than
    ``MAX_RANGES``, and for several that ask for more bytes than there are, as Go and nginx do; who
    asks so wants the same bytes many times, and is sent them once.
    """
    if len(asked) > MAX_RANGES:
        return None
    found: list[tuple[int, int]] = []
    for first, last in asked:
        if first is None:
            # Section 14.1.1: a suffix longer than the representation is all of it.
            start, stop = max(0, size - (last or 0)), size
            if last and not size:
                return None  # all of nothing can be served, and no Content-Range says so
        else:
            start, stop = first, size if last is None else min(last + 1, size)
        if start < stop:
            found.append((start, stop))
    if len(found) > 1 and sum(stop - start for start, stop in found) > size:
        return None
    return _merge(found)


def _merge(ranges: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Sorted, and those that overlap or touch as one (section 15.3.7.2)."""
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return tuple(merged)


def format_content_range(start: int, stop: int, size: int) -> str:
    """The Content-Range of the bytes from ``start`` up to ``stop``, without it (section 14.4)."""
    return f"{_UNIT} {start}-{stop - 1}/{size}"


def format_unsatisfied_range(size: int) -> str:
    """The Content-Range of a 416."""
    return f"{_UNIT} */{size}"
