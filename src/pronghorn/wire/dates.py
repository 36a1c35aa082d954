"""HTTP-date (RFC 9110 section 5.6.7), without a clock: the caller brings the moment."""

import re
from datetime import UTC, datetime
from typing import Final

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_TIME: Final = "(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_WEEKDAY: Final = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_MONTH: Final = f"(?P<month>{'|'.join(_MONTHS)})"
#: IMF-fixdate, rfc850-date and asctime-date, all of which have to be understood.
_FORMATS: Final = (
    re.compile(rf"(?:{'|'.join(_DAYS)}), (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT"),
    re.compile(rf"{_WEEKDAY}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT"),
    re.compile(rf"(?:{'|'.join(_DAYS)}) {_MONTH} (?P<day>[0-9]{{2}}| [0-9]) {_TIME} (?P<year>[0-9]{{4}})"),
)
#: Two digits of a year from here on are of the last century: RFC 6265 section 5.1.1 has it without a clock.
_PIVOT: Final = 70
_LONGEST: Final = len("Wednesday, 06-Nov-94 08:49:37 GMT")


def format_date(timestamp: float) -> str:
    """Seconds since the epoch as an IMF-fixdate, whatever the locale: ``Sun, 06 Nov 1994 08:49:37 GMT``."""
    at = datetime.fromtimestamp(int(timestamp), UTC)
    return (
        f"{_DAYS[at.weekday()]}, {at.day:02d} {_MONTHS[at.month - 1]} {at.year:04d} "
        f"{at.hour:02d}:{at.minute:02d}:{at.second:02d} GMT"
    )


def parse_date(field: str) -> datetime | None:
    """The moment that an HTTP-date names, in any of its three formats; None for what is none.

    The day of the week is not held against the date. A leap second is the one before it.
    """
    if len(field) > _LONGEST:
        return None
    for form in _FORMATS:
        if found := form.fullmatch(field):
            break
    else:
        return None
    year = int(found["year"])
    if len(found["year"]) == 2:
        year += 1900 if year >= _PIVOT else 2000
    second = int(found["second"])
    try:
        return datetime(
            year,
            _MONTHS.index(found["month"]) + 1,
            int(found["day"]),
            int(found["hour"]),
            int(found["minute"]),
            59 if second == 60 else second,
            tzinfo=UTC,
        )
    except ValueError:
        return None
