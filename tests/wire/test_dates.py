from datetime import UTC, datetime
from email.utils import formatdate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pronghorn.wire.dates import format_date, parse_date


@pytest.mark.parametrize(
    ("timestamp", "date"),
    [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (784111777, "Sun, 06 Nov 1994 08:49:37 GMT"),  # the example of RFC 9110
        (784111777.999, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951782400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (4102444799, "Thu, 31 Dec 2099 23:59:59 GMT"),
    ],
)
def test_format_date(timestamp: float, date: str) -> None:
    assert format_date(timestamp) == date


@settings(deadline=None)
@given(st.integers(0, 253402300799))
def test_it_agrees_with_the_standard_library(timestamp: int) -> None:
    assert format_date(timestamp) == formatdate(timestamp, usegmt=True)


@pytest.mark.parametrize(
    ("field", "moment"),
    [
        # the three formats of RFC 9110 section 5.6.7
        ("Sun, 06 Nov 1994 08:49:37 GMT", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Sun Nov  6 08:49:37 1994", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Wed Nov 16 08:49:37 1994", datetime(1994, 11, 16, 8, 49, 37, tzinfo=UTC)),
        ("Wednesday, 01-Jan-70 00:00:00 GMT", datetime(1970, 1, 1, tzinfo=UTC)),
        ("Wednesday, 01-Jan-69 00:00:00 GMT", datetime(2069, 1, 1, tzinfo=UTC)),
        ("Sat, 31 Dec 2016 23:59:60 GMT", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("Mon, 06 Nov 1994 08:49:37 GMT", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
    ],
)
def test_parse_date(field: str, moment: datetime) -> None:
    assert parse_date(field) == moment


@pytest.mark.parametrize(
    "field",
    [
        "", "now", "784111777", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 +0000", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ", " Sun, 06 Nov 1994 08:49:37 GMT", "So, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov \u0661\u0669\u0669\u0664 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT\n", "2" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_date(field: str) -> None:
    assert parse_date(field) is None


@settings(deadline=None)
@given(st.integers(0, 253402300799))
def test_what_is_written_is_read_back(timestamp: int) -> None:
    found = parse_date(format_date(timestamp))
    assert found is not None
    assert found.timestamp() == timestamp
