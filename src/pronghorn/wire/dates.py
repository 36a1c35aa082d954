"""HTTP-date (RFC 9110 section 5.6.7), without a clock: the caller brings the moment."""

from datetime import UTC, datetime
from typing import Final

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def format_date(timestamp: float) -> str:
    """Seconds since the epoch as an IMF-fixdate, whatever the locale: ``Sun, 06 Nov 1994 08:49:37 GMT``."""
    at = datetime.fromtimestamp(int(timestamp), UTC)
    return (
        f"{_DAYS[at.weekday()]}, {at.day:02d} {_MONTHS[at.month - 1]} {at.year:04d} "
        f"{at.hour:02d}:{at.minute:02d}:{at.second:02d} GMT"
    )
