r"""Challenges and credentials (RFC 9110 section 11): WWW-Authenticate, Authorization and their like.

    WWW-Authenticate = #( auth-scheme [ 1*SP ( token68 / #auth-param ) ] )
    auth-param       = token BWS "=" BWS ( token / quoted-string )

A list of lists, and both are separated by commas: a token begins a challenge if no "=" follows it. Each line
of the field is a list of its own: a parameter at its beginning belongs to nothing, and a quoted string that
does not end takes only the rest of its line along.

What can be understood in two ways drops its challenge and no other: a parameter that comes twice, one beside
a token68, what is no parameter at all. Two things that servers do are taken: empty elements, and values
without quotes that need them, such as a nonce in base64.
"""

import re
from collections.abc import Container, Iterable, Mapping
from typing import Final, NamedTuple, final

from .fields import TCHAR, is_token

_TOKEN: Final = f"[{re.escape(TCHAR.decode())}]++"
_CONTROLS: Final = r"\x00-\x08\x0a-\x1f\x7f"
# Possessive, so that nothing is looked at twice: each of these is linear, and each element meets each once.
_SEPARATORS: Final = re.compile(r"[ \t,]*+")
_SCHEME: Final = re.compile(rf"({_TOKEN})(?:[ \t]++(?!=)|(?=,)|\Z)")
_TOKEN68: Final = re.compile(r"([A-Za-z0-9._~+/-]++=*+)[ \t]*+(?=,|\Z)")
_PARAMETER: Final = re.compile(
    rf"({_TOKEN})[ \t]*+=[ \t]*+"
    rf'(?:"([^"\\{_CONTROLS}]*+(?:\\[^{_CONTROLS}][^"\\{_CONTROLS}]*+)*+)"|([^",\x00-\x20\x7f]*+))'
    r"[ \t]*+(?=,|\Z)"
)
#: An element that is none of these: up to a comma outside quotes.
_MALFORMED: Final = re.compile(r'(?:[^",]|"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z))*+', re.DOTALL)
_QUOTED_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)
_UNQUOTABLE: Final = re.compile(f"[{_CONTROLS}]")


class Challenge(NamedTuple):
    """What one scheme asks for: its name in lower case, and its parameters or its token68."""

    scheme: str
    #: Names in lower case; values without quotes and escapes.
    parameters: dict[str, str]
    token68: str | None = None


@final
class _Draft:
    """A challenge while it is read."""

    def __init__(self, scheme: str) -> None:
        self.scheme = scheme.lower()
        self.parameters: dict[str, str] = {}
        self.token68: str | None = None
        self.is_malformed = False

    def add(self, name: str, value: str) -> None:
        # RFC 9110 section 11.2: a name once; section 11.3: a token68 or parameters.
        if name in self.parameters or self.token68 is not None:
            self.is_malformed = True
        self.parameters[name] = value


def parse_challenges(values: Iterable[str]) -> list[Challenge]:
    """The challenges in the field lines of WWW-Authenticate or Proxy-Authenticate, in their order.

    A malformed one is left out, and with it whatever may be meant as a part of it.
    """
    drafts: list[_Draft] = []
    for value in values:
        _read_line(value, drafts)
    return [
        Challenge(draft.scheme, draft.parameters, draft.token68) for draft in drafts if not draft.is_malformed
    ]


def _read_line(value: str, drafts: list[_Draft]) -> None:
    draft: _Draft | None = None
    position = _skip(_SEPARATORS, value, 0)
    while position < len(value):
        if begun := _SCHEME.match(value, position):
            draft = _Draft(begun[1])
            drafts.append(draft)
            position = begun.end()
        if begun and value[position : position + 1] in ("", ","):
            pass  # a scheme that says nothing more
        elif begun and draft and (found := _TOKEN68.match(value, position)):
            draft.token68 = found[1]
            position = found.end()
        elif found := _PARAMETER.match(value, position):
            if draft is not None:
                draft.add(*_pair(found))
            position = found.end()
        else:
            if draft is not None:
                draft.is_malformed = True
            position = _skip(_MALFORMED, value, position)
        position = _skip(_SEPARATORS, value, position)


def parse_auth_parameters(values: Iterable[str]) -> dict[str, str]:
    """The parameters in the field lines of Authentication-Info (RFC 7615 section 3), names in lower case.

    None at all if one of them is malformed or comes twice.
    """
    parameters: dict[str, str] = {}
    for value in values:
        position = _skip(_SEPARATORS, value, 0)
        while position < len(value):
            found = _PARAMETER.match(value, position)
            if found is None:
                return {}
            name, text = _pair(found)
            if name in parameters:
                return {}
            parameters[name] = text
            position = _skip(_SEPARATORS, value, found.end())
    return parameters


def _skip(pattern: re.Pattern[str], value: str, position: int) -> int:
    found = pattern.match(value, position)
    return found.end() if found else position


def _pair(found: re.Match[str]) -> tuple[str, str]:
    name, quoted, bare = found.groups()
    if quoted is None:
        return name.lower(), bare
    # In one pass, so that what an escaped backslash leaves behind escapes nothing.
    return name.lower(), _QUOTED_PAIR.sub(r"\1", quoted) if "\\" in quoted else quoted


def quoted_string(text: str) -> str:
    """``text`` in quotes (RFC 9110 section 5.6.4); ValueError for a control character other than HTAB."""
    if not text.isprintable() and _UNQUOTABLE.search(text):
        raise ValueError("quoted string: expected no control characters")
    if '"' in text or "\\" in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def format_credentials(scheme: str, parameters: Mapping[str, str], bare: Container[str] = ()) -> str:
    """The value of Authorization, or one challenge.

    ``parameters`` stand in their order, quoted unless ``bare`` names them. ValueError for a scheme, a name or
    a bare value that is no token, and as `quoted_string`; no message shows a value.
    """
    if not _is_token(scheme):
        raise ValueError(f"credentials: expected a token as scheme, got {scheme!r}")
    parts: list[str] = []
    for name, value in parameters.items():
        if not _is_token(name):
            raise ValueError(f"credentials: expected a token as name, got {name!r}")
        if name in bare and not _is_token(value):
            raise ValueError(f"credentials: expected a token as value of {name}")
        parts.append(f"{name}={value if name in bare else quoted_string(value)}")
    return f"{scheme} {', '.join(parts)}" if parts else scheme


def _is_token(text: str) -> bool:
    return text.isascii() and is_token(text.encode("ascii"))
