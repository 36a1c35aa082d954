"""What fails for the moment: the delay that Retry-After asks for, and what is shown of a URL."""

import pytest
from multidict import CIMultiDict
from yarl import URL

from pronghorn.client.temporary import asked_delay, without_secrets

#: Fri, 31 Dec 1999 23:59:59 GMT
NOW = 946684799.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("Sat, 01 Jan 2000 00:00:09 GMT", 10.0),
        ("Saturday, 01-Jan-00 00:00:09 GMT", 10.0),
        ("Sat Jan  1 00:00:09 2000", 10.0),
        ("Fri, 31 Dec 1999 23:59:49 GMT", -10.0),
        ("", 0.0),
        ("-1", 0.0),
        ("1.5", 0.0),
        ("soon", 0.0),
        ("\N{SUPERSCRIPT TWO}", 0.0),
    ],
)
def test_asked_delay(value: str, seconds: float) -> None:
    assert asked_delay(CIMultiDict({"retry-after": value}), NOW) == seconds


def test_no_delay_is_asked() -> None:
    assert asked_delay({}, NOW) == 0


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://user:secret@host/path?token=secret#fragment", "http://host/path"),
        ("/path?token=secret", "/path"),
    ],
)
def test_nothing_secret_is_shown(url: str, shown: str) -> None:
    assert str(without_secrets(URL(url))) == shown
