"""application/x-www-form-urlencoded (WHATWG URL section 5.2), written."""

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote_plus

FORM_TYPE: Final = "application/x-www-form-urlencoded"


def encode_form(fields: Mapping[str, object] | Iterable[tuple[str, object]], charset: str = "utf-8") -> bytes:
    """Encode names and values, in order; a sequence as value gives one pair for each of its items.

    TypeError for what is no pair, and for a value that is not str, int or float; ValueError for one that
    ``charset`` can't encode.
    """
    pairs: list[str] = []
    for pair in fields.items() if isinstance(fields, Mapping) else fields:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:  # a str of two characters unpacks, too
            raise TypeError(f"form: expected pairs of a name and a value, got {pair!r:.100}")
        name, value = pair
        values = value if isinstance(value, (list, tuple)) else (value,)
        try:
            encoded = _encode(field_text(name, name), charset)
            pairs.extend([f"{encoded}={_encode(field_text(name, item), charset)}" for item in values])
        except UnicodeEncodeError as error:
            raise ValueError(f"form: {name!r} can't be sent: {error}") from error
    return "&".join(pairs).encode("ascii")


def _encode(text: str, charset: str) -> str:
    # The URL standard encodes "~" and leaves "*"; RFC 3986, which urllib follows, does the opposite.
    return quote_plus(text, safe="*", encoding=charset).replace("~", "%7E")


def field_text(name: object, value: object) -> str:
    """The text that is sent for ``value``; TypeError, with the field's name, if it has none."""
    if isinstance(value, str):
        return str.__str__(value)  # not how a member of an enum shows itself
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"form: expected str, int or float for {name!r}, got {type(value).__name__}")
    return str(value)
