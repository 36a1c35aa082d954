"""Cookies (RFC 6265bis): fields read and written, dates, and what matches what; no clock and no jar.

Two grammars meet here. Reading follows sections 5.1 and 5.6, which know no syntax error:
what can't be understood is left out, and never more than that. Writing is held to section 4.
Sections are those of draft-ietf-httpbis-rfc6265bis-22.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple

from .fields import TCHAR

Attribute = str | bool

#: The attributes that have no value.
FLAGS: Final = ("secure", "httponly", "partitioned")

# Section 5.6: octets of a name and its value together, and of one attribute.
PAIR_SIZE: Final = 4096
_ATTRIBUTE_SIZE: Final = 1024
# Section 5.5: no cookie is kept for longer.
_LONGEST_AGE: Final = 400 * 24 * 3600
# Chrome and Firefox keep 180 cookies a domain and send no more; a field of 8,190 octets has room for 2,730.
_COOKIES_PER_FIELD: Final = 1024

_WSP: Final = " \t"
# Section 5.6 step 1: HTAB is no control character in what is received. In what we make up, it is.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SENT_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_TOKEN: Final = re.compile(f"[{re.escape(TCHAR.decode())}]+")


# Reading


class SetCookie(NamedTuple):
    """What one Set-Cookie field says.

    ``value`` is as it was received, with its double quotes. ``attributes`` are those that
    are known and valid, by their lower-case names: text, or True for flags.
    """

    name: str
    value: str
    attributes: Mapping[str, Attribute]

    def expiry(self, now: float) -> float | None:
        """Seconds since the epoch at which the cookie expires; None is with the session."""
        # Section 5.7 step 6: Max-Age goes before Expires, wherever they stand.
        age = str(self.attributes.get("max-age", ""))
        if age:
            # More digits than that are more than any clock knows, and can be more than int() takes.
            seconds = 0 if age.startswith("-") else int(age.lstrip("0")[:12] or 0)
            return now + min(seconds, _LONGEST_AGE)
        moment = parse_cookie_date(str(self.attributes.get("expires", "")))
        return None if moment is None else min(moment, now + _LONGEST_AGE)

    @property
    def is_secure(self) -> bool:
        """It is for secure origins only."""
        return "secure" in self.attributes

    @property
    def is_acceptable(self) -> bool:
        """Its attributes agree with each other and with its name, as far as that shows without its origin."""
        if self.is_secure:
            # Section 5.7: `__Host-` wants a Path attribute of its own, not a default that happens to be "/".
            return not self.is_host_bound or self.attributes.get("path") == "/"
        # Section 5.7: compared without case, for servers that do so. CHIPS: Partitioned needs Secure.
        return (
            not self.name.lower().startswith(("__secure-", "__host-"))
            and self.attributes.get("samesite") != "None"
            and "partitioned" not in self.attributes
        )

    @property
    def is_host_bound(self) -> bool:
        """Its name promises that it comes from one host alone."""
        return self.name.lower().startswith("__host-")


def parse_set_cookie(field: str) -> SetCookie | None:
    """Read the value of one Set-Cookie field (section 5.6); None for what is no cookie.

    Also None for a cookie without a name: it would be sent as a bare value, which other
    parsers take for a name, or for a pair if it holds "=" (CVE-2023-23934).
    """
    if not field.isprintable() and _CONTROL.search(field):
        return None
    pair, *attributes = field.split(";")
    name, equals, value = pair.partition("=")
    name, value = name.strip(_WSP), value.strip(_WSP)
    if not equals or not name or octets(name + value) > PAIR_SIZE:
        return None
    return make_set_cookie(name, value, (attribute.partition("=")[::2] for attribute in attributes))


def make_set_cookie(name: str, value: str, attributes: Iterable[tuple[str, str]]) -> SetCookie:
    """A cookie of ``attributes`` in the order of the field: what is not known or not valid is left out."""
    known: dict[str, Attribute] = {}
    for key, text in attributes:
        key = key.strip(_WSP).lower()
        read = _READERS.get(key)
        if read is None:
            continue
        text = text.strip(_WSP)
        if octets(text) > _ATTRIBUTE_SIZE:
            continue
        # The last valid one counts: an invalid date does not take back the one before it.
        if (found := read(text)) is not None:
            known[key] = found
    return SetCookie(name, value, known)


def parse_cookies(field: str) -> list[tuple[str, str]]:
    """Read the value of a Cookie field: names and values as they were sent, in order.

    Never raises: what is no pair, has no name, or holds a control character is left out.
    A name may come twice; user agents send the more specific one first (section 5.8.3).
    """
    pairs = []
    for part in field.split(";", _COOKIES_PER_FIELD)[:_COOKIES_PER_FIELD]:
        name, equals, value = part.partition("=")
        name = name.strip(_WSP)
        if equals and name and (part.isprintable() or not _CONTROL.search(part)):
            pairs.append((name, value.strip(_WSP)))
    return pairs


def octets(text: str) -> int:
    """The length of ``text`` in a field."""
    # A surrogate stands for one octet that was no UTF-8; as one "?" it counts as such, and can't raise.
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


# Section 5.1.1. Only ASCII digits count, and each token is looked at from its start.
_DATE_TOKEN: Final = re.compile(r"[^\t\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_TIME: Final = re.compile(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?![0-9])")
_DAY: Final = re.compile(r"([0-9]{1,2})(?![0-9])")
_YEAR: Final = re.compile(r"([0-9]{2,4})(?![0-9])")
_MONTH: Final = re.compile("jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec", re.IGNORECASE | re.ASCII)
_MONTHS: Final = {name: number for number, name in enumerate(_MONTH.pattern.split("|"), 1)}
_DATE_PARTS: Final = (_TIME, _DAY, _MONTH, _YEAR)


# A date is looked at when it is read and again when its cookie is kept; cookies of one response share it.
@lru_cache(maxsize=64)
def parse_cookie_date(text: str) -> float | None:
    """Read a cookie-date, in any of the forms of decades: seconds since the epoch, or None."""
    found: dict[re.Pattern[str], re.Match[str]] = {}
    for token in _DATE_TOKEN.findall(text):
        for part in _DATE_PARTS:
            if part not in found and (match := part.match(token)):
                found[part] = match
                break
    if len(found) < len(_DATE_PARTS):
        return None
    year = int(found[_YEAR][1])
    if year < 100:
        year += 1900 if year >= 70 else 2000
    if year < 1601:
        return None
    month = _MONTHS[found[_MONTH][0].lower()]
    hour, minute, second = map(int, found[_TIME].groups())
    try:
        return datetime(year, month, int(found[_DAY][1]), hour, minute, second, tzinfo=UTC).timestamp()
    except ValueError:
        return None


_MAX_AGE: Final = re.compile("-?[0-9]+")
_SAME_SITE: Final = {"strict": "Strict", "lax": "Lax", "none": "None"}

#: Attribute -> what its text means; None leaves it out.
_READERS: Final[Mapping[str, Callable[[str], Attribute | None]]] = {
    "expires": lambda text: None if parse_cookie_date(text) is None else text,
    "max-age": lambda text: text if _MAX_AGE.fullmatch(text) else None,
    "domain": str,
    "path": str,
    **dict.fromkeys(FLAGS, lambda text: True),
    # Section 5.6.7: what is not known is as if it had not been said, and takes back what was.
    "samesite": lambda text: _SAME_SITE.get(text.lower(), ""),
}


# Matching


def is_ip_address(host: str) -> bool:
    """Whether ``host`` is, or can be taken for, an IP address: 127.0.0.1, ::1, 127.1, 2130706433, 0x7f.1."""
    # The URL standard's rule, "ends in a number": what getaddrinfo takes for an address is one.
    last = host.rstrip(".").rpartition(".")[2]
    return ":" in host or last.isdigit() or last[:2] in {"0x", "0X"}


def domain_matches(host: str, domain: str) -> bool:
    """Whether ``host`` is ``domain`` or lies under it (section 5.1.3); both in lower case."""
    return host == domain or (
        bool(domain) and host.endswith(domain) and host[-len(domain) - 1] == "." and not is_ip_address(host)
    )


def path_matches(path: str, cookie_path: str) -> bool:
    """Whether a request for ``path`` carries cookies of ``cookie_path`` (section 5.1.4)."""
    return path.startswith(cookie_path) and (
        len(path) == len(cookie_path) or cookie_path.endswith("/") or path[len(cookie_path)] == "/"
    )


def default_path(path: str) -> str:
    """The path of a cookie that names none, set by the answer to a request for ``path`` (section 5.1.4)."""
    return (path.startswith("/") and path.rpartition("/")[0]) or "/"


# Values in double quotes, as http.cookies and its peers in other languages read and write them

_COOKIE_OCTETS: Final = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*")
_ESCAPED: Final = re.compile(r"\\(?:([0-3][0-7]{2})|(.))")
_ESCAPES: Final = {
    **{code: f"\\{code:03o}" for code in (*b",;", *range(0x80, 0x100))},
    ord('"'): '\\"',
    ord("\\"): "\\\\",
}


def quote_value(value: str) -> str:
    """``value`` as a cookie-value: in double quotes, with escapes, if the grammar wants that.

    Raises ValueError for control characters.
    """
    if _COOKIE_OCTETS.fullmatch(value):
        return value
    if _SENT_CONTROL.search(value):
        raise ValueError("cookie: control character in its value")
    return f'"{value.translate(_ESCAPES)}"'


def unquote_value(value: str) -> str:
    """Take the double quotes of a cookie-value away, and the escapes inside them."""
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    return _ESCAPED.sub(_unescape, value[1:-1]) if "\\" in value else value[1:-1]


def _unescape(match: re.Match[str]) -> str:
    if match[2] is not None:
        return match[2]
    char = chr(int(match[1], 8))
    # An escape does not carry in what the field could not.
    return match[0] if _SENT_CONTROL.match(char) else char


# Writing

# What parsers that follow section 5.6 take back as the pair that it was; a jar returns what servers made up.
_SENT_NAME: Final = re.compile(r"(?![ \t])[^\x00-\x08\x0a-\x1f\x7f;=]+(?<![ \t])")
_SENT_VALUE: Final = re.compile(r"(?![ \t])[^\x00-\x08\x0a-\x1f\x7f;]*(?<![ \t])")
# Section 4.1.1, and inside double quotes also what http.cookies has always put there.
_SET_VALUE: Final = re.compile(rf'{_COOKIE_OCTETS.pattern}|"(?:[^\x00-\x1f\x7f;"\\]|\\[^\x00-\x1f\x7f;])*"')
_AV_OCTETS: Final = re.compile(r"[^\x00-\x1f\x7f;]*")
_DOMAIN: Final = re.compile(r"\.?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")

#: Attribute -> its spelling, and what its value must be; None is a flag.
_ATTRIBUTES: Final[Mapping[str, tuple[str, Callable[[str], object] | None]]] = {
    "expires": ("Expires", lambda text: _AV_OCTETS.fullmatch(text) and parse_cookie_date(text) is not None),
    "max-age": ("Max-Age", _MAX_AGE.fullmatch),
    "domain": ("Domain", _DOMAIN.fullmatch),
    "path": ("Path", _AV_OCTETS.fullmatch),
    "secure": ("Secure", None),
    "httponly": ("HttpOnly", None),
    "samesite": ("SameSite", lambda text: text.lower() in _SAME_SITE),
    "partitioned": ("Partitioned", None),
    # RFC 2109: no user agent heeds them; http.cookies knows them.
    "comment": ("Comment", _AV_OCTETS.fullmatch),
    "version": ("Version", _AV_OCTETS.fullmatch),
}


def check_pair(name: str, value: str) -> None:
    """Raise ValueError unless ``name`` and ``value`` are read back from a field as they are.

    Values are secrets: no error tells them.
    """
    if not _SENT_NAME.fullmatch(name):
        raise ValueError(f"cookie name: expected no '=', ';', control or outer space, got {name!r}")
    if not _SENT_VALUE.fullmatch(value):
        raise ValueError(f"cookie {name}: ';', a control character or outer whitespace in its value")


def check_name(name: str) -> None:
    """Raise ValueError unless ``name`` is a cookie-name: a token (section 4.1.1)."""
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"cookie name: expected a token, got {name!r}")


def format_cookies(pairs: Iterable[tuple[str, str]]) -> str:
    """The value of a Cookie field. ValueError for what would be read back as something else."""
    parts = []
    for name, value in pairs:
        check_pair(name, value)
        parts.append(f"{name}={value}")
    return "; ".join(parts)


def format_set_cookie(name: str, value: str, attributes: Mapping[str, object]) -> str:
    """The value of a Set-Cookie field (section 4.1.1).

    ``value`` is a cookie-value, as `quote_value` makes it. ``attributes`` go by lower-case
    names, as in a Morsel: "" and None are not set. Raises ValueError for what the grammar
    does not allow, in whatever part, and for an attribute that is not known.
    """
    check_name(name)
    if not _SET_VALUE.fullmatch(value):
        raise ValueError(f"cookie {name}: expected a cookie-value, perhaps in double quotes")
    if unknown := attributes.keys() - _ATTRIBUTES.keys():
        raise ValueError(f"cookie {name}: expected attributes of {list(_ATTRIBUTES)}, got {sorted(unknown)}")
    parts = [f"{name}={value}"]
    for key, (spelling, is_valid) in _ATTRIBUTES.items():
        given = attributes.get(key)
        if given is None or given == "":
            continue
        if is_valid is None:
            if given:
                parts.append(spelling)
            continue
        text = str(given)
        if not is_valid(text):
            raise ValueError(f"cookie {name}: not a valid {spelling}: {text!r}")
        parts.append(f"{spelling}={text}")
    return "; ".join(parts)
