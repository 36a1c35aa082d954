"""Field names and values (RFC 9110 section 5), read and written through bounded tables.

Most field lines of most messages have been seen before: the same browser sends
the same Accept, the same server the same Content-Type. So a line is a key. A hit
costs one dictionary look-up; a miss validates the line, parses it and remembers
it, if its field is on a list of those that carry no secret. All tables forget
everything when they are full: cheap, bounded, and no peer can wear them down for
longer than it takes to fill them again.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final, final

from multidict import istr

from .errors import ProtocolError

# Bytes outside these sets are what `translate` leaves over. Linear, whatever comes.
TCHAR: Final = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_FIELD_CHARS: Final = b"\t" + bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100))
_DIGITS: Final = b"0123456789"

_TABLE_LINES: Final = 4096
_TABLE_LINE_SIZE: Final = 256
_TABLE_NAMES: Final = 1024
_TABLE_NAME_SIZE: Final = 64
_LENGTH_DIGITS: Final = 19  # 2**63 has 19: more can't be a length, and int() is quadratic

#: Fields whose lines are kept: many messages share them and none carries a credential.
_SHARED_FIELDS: Final = frozenset(
    b"""host user-agent accept accept-charset accept-encoding accept-language accept-ranges age allow
    cache-control connection content-encoding content-language content-length content-type date dnt
    expect keep-alive pragma priority sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform sec-fetch-dest
    sec-fetch-mode sec-fetch-site sec-fetch-user sec-gpc sec-websocket-version server
    strict-transport-security te trailer transfer-encoding upgrade upgrade-insecure-requests vary via
    x-content-type-options x-frame-options x-powered-by x-requested-with x-xss-protection""".split()
)

#: What the machine alone writes: two opinions of a length are how messages are smuggled.
_FRAMING_FIELDS: Final = frozenset({"content-length", "transfer-encoding"})

# RFC 3986 section 3.2.2, without user information: a registered name, IPv4, or a bracketed literal.
_HOST: Final = re.compile(
    r"(?:\[[0-9A-Fa-f:.]{2,45}\]|\[v[0-9A-Fa-f]+\.[!$&'()*+,;=:\w.~-]+\]|[!$&'()*+,;=%\w.~-]+)(?::([0-9]{0,5}))?",
    re.ASCII,
)


def is_token(data: bytes) -> bool:
    """Whether ``data`` is a token (RFC 9110 section 5.6.2)."""
    return bool(data) and not data.translate(None, TCHAR)


def is_host(value: str) -> bool:
    """Whether ``value`` can be a Host: uri-host [":" port] (RFC 9110 section 7.2)."""
    found = _HOST.fullmatch(value) if len(value) <= 300 else None
    return found is not None and int(found[1] or 0) < 65536


def _check_host(value: str) -> None:
    if not is_host(value):
        raise ProtocolError("Host: expected uri-host [':' port]")


def _check_length(value: str) -> None:
    # RFC 9110 section 8.6: 1*DIGIT. Not `int()`: it takes signs, underscores and every script's digits.
    if (
        not value
        or len(value) > _LENGTH_DIGITS
        or value.encode("utf-8", "surrogateescape").translate(None, _DIGITS)
    ):
        raise ProtocolError(f"Content-Length: expected 1 to {_LENGTH_DIGITS} digits")


_CHECKS: Final[dict[bytes, Callable[[str], None]]] = {b"host": _check_host, b"content-length": _check_length}


#: The name of a field, whether its lines are kept, and what its value must pass.
_Name = tuple[istr, bool, Callable[[str], None] | None]


@final
class _FieldNames(dict[bytes, _Name]):
    """Field name -> what is known of it; a miss validates. Unlike values, names are few and tell nothing."""

    def __missing__(self, raw: bytes) -> _Name:
        if not is_token(raw):
            raise ProtocolError("field line: expected a token followed by ':'")
        lowered = raw.lower()
        name = istr(raw.decode("ascii")), lowered in _SHARED_FIELDS, _CHECKS.get(lowered)
        if len(raw) <= _TABLE_NAME_SIZE:
            if len(self) >= _TABLE_NAMES:
                self.clear()
            self[raw] = name
        return name


_NAMES: Final = _FieldNames()


def parse_field_line(line: bytes) -> tuple[istr, str]:
    """Parse one field line, without its line end.

    Raises ProtocolError for anything but ``token ":" OWS value OWS`` (RFC 9112
    section 5): no space before the colon, no folding, no control character. The
    value is decoded as UTF-8, other bytes by surrogateescape.
    """
    return _parse(line)[0]


def _parse(line: bytes) -> tuple[tuple[istr, str], bool]:
    raw, colon, value = line.partition(b":")
    if not colon:
        raise ProtocolError("field line: expected a token followed by ':'")
    name, is_shared, check = _NAMES[raw]
    value = value.strip(b" \t")
    try:
        text = value.decode()  # half of what it takes with an error handler
    except UnicodeDecodeError:
        text = value.decode("utf-8", "surrogateescape")
    # What is printable holds no control character; that answers for nearly all in half the time.
    if not text.isprintable() and value.translate(None, _FIELD_CHARS):
        raise ProtocolError(f"{name}: control character in the value")
    if check is not None:
        check(text)
    return (name, text), is_shared


@final
class FieldLines(dict[bytes, tuple[istr, str]]):
    """Field line -> (name, value); a miss parses."""

    def __missing__(self, line: bytes) -> tuple[istr, str]:
        pair, is_shared = _parse(line)
        if is_shared and len(line) <= _TABLE_LINE_SIZE:
            if len(self) >= _TABLE_LINES:
                self.clear()
            self[line] = pair
        return pair


def format_field_line(name: str, value: str) -> bytes:
    """Serialise one field, with its line end.

    Raises ValueError before a byte leaves if the name is not a token or the value
    holds a control character, and TypeError if either is not a str.
    """
    if not isinstance(name, str) or not isinstance(value, str):
        raise TypeError(f"field: expected str and str, got {name!r} and {type(value).__name__}")
    raw_name = name.encode("utf-8", "surrogateescape")
    raw_value = value.encode("utf-8", "surrogateescape")
    if not is_token(raw_name):
        raise ValueError(f"field name: expected a token, got {name!r}")
    if raw_value.translate(None, _FIELD_CHARS):
        raise ValueError(f"{name}: control character in the value {value!r}")
    return b"%b: %b\r\n" % (raw_name, raw_value)


@final
class FormattedFields(dict[tuple[str, str], bytes]):
    """(name, value) -> field line with its end; a miss validates."""

    def __missing__(self, field: tuple[str, str]) -> bytes:
        name, value = field
        line = format_field_line(name, value)
        if name.lower() in _FRAMING_FIELDS:
            raise ValueError(f"{name}: expected none, it follows from the length of the content")
        if len(line) <= _TABLE_LINE_SIZE and name.lower().encode() in _SHARED_FIELDS:
            if len(self) >= _TABLE_LINES:
                self.clear()
            self[field] = line
        return line


def list_members(value: str) -> Iterator[str]:
    """The members of a comma-separated list (RFC 9110 section 5.6.1), lower-cased; empty ones are skipped."""
    for member in value.split(","):
        member = member.strip(" \t")
        if member:
            # Tokens are ASCII; outside it, lower() folds other letters into them (the Kelvin sign into k).
            yield member.lower() if member.isascii() else member


def parse_media_type(value: str) -> tuple[str, dict[str, str]]:
    """``type/subtype; name=value`` -> (lower-cased type, parameters) (RFC 9110 section 8.3.1).

    Parameter names are lower-cased; the first of equal ones counts. What can't be
    understood is left out: the value decides about decoding, never about framing.
    """
    essence, *rest = _split_parameters(value)
    parameters: dict[str, str] = {}
    for parameter in rest:
        name, equals, text = parameter.partition("=")
        name = name.strip(" \t").lower()
        text = text.strip(" \t")
        if not equals or not name:
            continue
        if len(text) >= 2 and text[0] == text[-1] == '"':
            text = re.sub(r"\\(.)", r"\1", text[1:-1])
        parameters.setdefault(name, text)
    return essence.strip(" \t").lower(), parameters


_PARAMETER: Final = re.compile(r'(?:[^;"\\]|\\.|"(?:[^"\\]|\\.)*"?|\\)+', re.DOTALL)


def _split_parameters(value: str) -> list[str]:
    if '"' not in value:
        return value.split(";")
    return _PARAMETER.findall(value) or [""]
