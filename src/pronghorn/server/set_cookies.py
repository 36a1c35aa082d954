"""The cookies that a response sets."""

import time
from collections.abc import Iterator, Mapping
from http.cookies import Morsel, SimpleCookie
from typing import Any, ClassVar, cast

from ..wire.cookies import format_set_cookie, quote_value
from ..wire.dates import format_date


class _Cookie(Morsel[str]):
    """A Morsel that knows Partitioned before Python 3.14, too."""

    # http.cookies looks these up through the object; to patch them there would change them for everybody.
    _reserved: ClassVar = {**vars(Morsel).get("_reserved", {}), "partitioned": "Partitioned"}
    _flags: ClassVar = {*vars(Morsel).get("_flags", ()), "partitioned"}


class SetCookies(SimpleCookie):
    """Cookies by name: `http.cookies.Morsel` objects, to be looked at, and to be changed until they leave.

    How they are written is not left to `http.cookies`: what a Set-Cookie field can't say raises ValueError.
    """

    def put(self, name: str, value: str, attributes: Mapping[str, object]) -> None:
        """Set a cookie, in the place of one of the same name. ``attributes`` go by lower-case names."""
        coded = quote_value(value)
        format_set_cookie(name, coded, attributes)
        cookie = _Cookie()
        cookie.set(name, value, coded)
        cookie.update({key: cast(str, given) for key, given in attributes.items() if given is not None})
        dict.__setitem__(self, name, cookie)

    def field_values(self) -> Iterator[str]:
        """The values of the Set-Cookie fields; ValueError for what the grammar does not allow."""
        for name, cookie in self.items():
            yield format_set_cookie(name, cookie.coded_value, _attributes(cookie))


def _attributes(cookie: "Morsel[Any]") -> dict[str, object]:
    attributes: dict[str, object] = dict(cookie)
    expires = attributes.get("expires")
    if isinstance(expires, int):
        # As http.cookies reads it: seconds from the moment of writing.
        attributes["expires"] = format_date(time.time() + expires)
    return attributes
