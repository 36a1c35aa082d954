from email.utils import formatdate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pronghorn.wire.dates import format_date


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
