"""Cookies as `http.cookies.Morsel` objects, the form in which callers give and get them."""

from collections.abc import Iterable, Mapping
from http.cookies import Morsel, SimpleCookie
from typing import Any, ClassVar, Final

from ..wire.cookies import (
    FLAGS,
    PAIR_SIZE,
    Attribute,
    SetCookie,
    check_name,
    check_pair,
    make_set_cookie,
    octets,
    parse_set_cookie,
    quote_value,
    unquote_value,
)

_NO_ATTRIBUTES: Final[Mapping[str, Attribute]] = {}


class CookieMorsel(Morsel[str]):
    """A Morsel that holds what servers send, and not only what `http.cookies` would write.

    Its key need not be a token, and Partitioned is an attribute before Python 3.14, too.
    """

    # http.cookies looks these up through the object; to patch them there would change them for everybody.
    _reserved: ClassVar = {**vars(Morsel).get("_reserved", {}), "partitioned": "Partitioned"}
    _flags: ClassVar = {*vars(Morsel).get("_flags", ()), "partitioned"}

    def __init__(
        self, name: str, value: str, coded_value: str, attributes: Mapping[str, Attribute] = _NO_ATTRIBUTES
    ) -> None:
        dict.__init__(self, _BLANK)
        if attributes:
            dict.update(self, attributes)
        # Not `set`: it refuses names like "a[b]", and those are sent back as they came.
        self._key = name
        self._value = value
        self._coded_value = coded_value


_BLANK: Final = dict.fromkeys(CookieMorsel._reserved, "")


def received_cookies(fields: Iterable[str]) -> list[tuple[str, CookieMorsel]]:
    """Names and Morsels of the values of Set-Cookie fields; what is no cookie is left out."""
    return [
        (name, CookieMorsel(name, unquote_value(value), value, attributes))
        for name, value, attributes in filter(None, map(parse_set_cookie, fields))
    ]


def response_cookies(fields: Iterable[str]) -> "SimpleCookie":
    """The cookies of a response by name, the last of each, from the values of its Set-Cookie fields."""
    cookies = SimpleCookie()
    for name, morsel in received_cookies(fields):
        cookies[name] = morsel
    return cookies


def given_cookie(name: str, value: Any, *, quote: bool) -> SetCookie:
    """A cookie that a caller gives: a Morsel with its attributes, or a plain value without any.

    A plain value is put in double quotes where the grammar wants that, if ``quote``. Raises
    ValueError for what can't be sent, TypeError for what is not text.
    """
    if not isinstance(name, str):
        raise TypeError(f"cookies: expected a str as name, got {name!r}")
    if isinstance(value, Morsel):
        if not isinstance(value.coded_value, str):
            raise TypeError(f"cookies: expected a Morsel with a value for {name}, got an empty one")
        coded_value, attributes = value.coded_value, _morsel_attributes(value)
    elif isinstance(value, (str, int)) and not isinstance(value, bool):
        check_name(name)
        coded_value = quote_value(str(value)) if quote else str(value)
        attributes = _implied_attributes(name)
    else:
        raise TypeError(f"cookies: expected a str, an int or a Morsel for {name}, got {type(value).__name__}")
    check_pair(name, coded_value)
    if octets(name + coded_value) > PAIR_SIZE:
        raise ValueError(f"cookie {name[:64]}: expected at most {PAIR_SIZE} octets of name and value")
    return make_set_cookie(name, coded_value, attributes)


def _morsel_attributes(morsel: Morsel[Any]) -> Iterable[tuple[str, str]]:
    for key, value in morsel.items():
        if value is None or value == "" or (key in FLAGS and not value):
            continue
        if key == "expires" and isinstance(value, int):
            key = "max-age"  # http.cookies counts it from the moment of writing
        yield key, str(value)


def _implied_attributes(name: str) -> Iterable[tuple[str, str]]:
    # A plain value cannot say what its prefix promises; without it, the cookie could not be kept.
    lowered = name.lower()
    if lowered.startswith(("__secure-", "__host-")):
        yield "secure", ""
    if lowered.startswith("__host-"):
        yield "path", "/"
