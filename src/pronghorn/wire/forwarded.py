"""The Forwarded field (RFC 7239): what proxies say of the connections that they took.

An element stands for a proxy, the one that is nearest to the client first. The values are
not looked into: whether a `for` is an address is for who wants one to find out.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from .fields import TCHAR

Element = Mapping[str, str]

_TCHARS: Final = f"[{re.escape(TCHAR.decode())}]++"
# RFC 9110 section 5.6.4; what is not ASCII is obs-text, however it was decoded. Nothing is tried twice.
_QUOTED: Final = r'"((?:[\t !#-\[\]-~\x80-\U0010ffff]|\\[\t -~\x80-\U0010ffff])*+)"'
# RFC 7239 section 4 has no space around ";" in the grammar, and has it in its examples.
_PAIR: Final = re.compile(rf"[ \t]*+(?:({_TCHARS})=(?:({_TCHARS})|{_QUOTED}))?+[ \t]*+(?=[,;]|\Z)")
_QUOTED_PAIR: Final = re.compile(r"\\(.)")
_NOTHING: Final[Element] = MappingProxyType({})


def parse_forwarded(field: str) -> tuple[Element, ...]:
    """The elements of a Forwarded field, as read-only mappings from lower-case names to unquoted values.

    An element that breaks the grammar, or names a parameter twice, gives an empty mapping, and the
    next one counts again. Never raises; linear.
    """
    elements: list[Element] = []
    at, end = 0, len(field)
    while at < end:
        element, after = _parse_element(field, at)
        if after < 0:
            # From its first comma, though that may be quoted: a quote that a client leaves open may
            # not take in what a proxy adds behind it.
            comma = field.find(",", at)
            after = end if comma < 0 else comma
        if element is not None:
            elements.append(element)
        at = after + 1
    return tuple(elements)


def _parse_element(field: str, at: int) -> tuple[Element | None, int]:
    """The element at ``at``, None for an empty list member, and where it ends; -1 if it is malformed."""
    pairs: dict[str, str] = {}
    start, end = at, len(field)
    while (found := _PAIR.match(field, at)) is not None:
        name, token, quoted = found.groups()
        if name is not None:
            name = name.lower()
            if name in pairs:
                break
            pairs[name] = token if quoted is None else _QUOTED_PAIR.sub(r"\1", quoted)
        at = found.end()
        if at == end or field[at] == ",":
            # RFC 9110 section 5.6.1: empty members of a list say nothing.
            return (MappingProxyType(pairs) if pairs or field[start:at].strip(" \t") else None), at
        at += 1
    return _NOTHING, -1
