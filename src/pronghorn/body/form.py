"""Forms as application/x-www-form-urlencoded (WHATWG URL section 5.2)."""

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlencode

FORM_TYPE: Final = "application/x-www-form-urlencoded"

Fields = Mapping[str, object] | Iterable[tuple[str, object]]


def encode_form(fields: Fields) -> bytes:
    """Encode names and values, in order; a sequence as value gives one pair for each of its items.

    TypeError for what is no pair, and for a value that is not str, int or float.
    """
    pairs: list[tuple[str, str]] = []
    for pair in fields.items() if isinstance(fields, Mapping) else fields:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:  # a str of two characters unpacks, too
            raise TypeError(f"form: expected pairs of a name and a value, got {pair!r:.100}")
        name, value = pair
        values = value if isinstance(value, (list, tuple)) else (value,)
        pairs.extend((_text(name, name), _text(name, item)) for item in values)
    # The URL standard encodes "~" and leaves "*"; RFC 3986, which urlencode follows, does the opposite.
    return urlencode(pairs, safe="*").replace("~", "%7E").encode("ascii")


def _text(name: object, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise TypeError(f"form: expected str, int or float for {name!r}, got {type(value).__name__}")
    return str(value)
