"""Paths as routes compare them: percent-decoded once, except where that would change what they mean.

"%2F" is no separator, "%25" no beginning of another escape (RFC 3986 section 2.4). They stay as they are
until a part of the path is handed out.
"""

import re
from typing import Final, Protocol

from yarl import URL

from ...wire.events import RequestHead

SLASH: Final = "/"
_ESCAPE: Final = re.compile("(%[0-9A-Fa-f]{2})")


class Asking(Protocol):
    """What a route needs of a request."""

    @property
    def head(self) -> RequestHead: ...
    @property
    def rel_url(self) -> URL: ...


def raw_path_of(request: Asking) -> str:
    """The path that ``request`` asks for, percent-encoded as it came."""
    path, _, _ = request.head.target.partition("?")
    return path if path[:1] == SLASH else request.rel_url.raw_path


def path_of(request: Asking) -> str:
    """The path that ``request`` asks for, comparable."""
    return comparable(raw_path_of(request))


def quoted(text: str) -> str:
    """``text`` as it stands in a path: percent-encoded where it has to be, "%" with the rest."""
    # Without the slash it might be read as a scheme.
    return URL.build(path=SLASH + text).raw_path[1:]


def requoted(path: str) -> str:
    """``path`` percent-encoded where it has to be and is not: what is an escape in it stays one."""
    if "%" not in path:
        return quoted(path)
    pieces = _ESCAPE.split(path)
    return "".join(piece.upper() if place % 2 else quoted(piece) for place, piece in enumerate(pieces))


def comparable(raw_path: str) -> str:
    """A percent-encoded path in the form in which equal ones are the same text."""
    return URL.build(path=raw_path, encoded=True).path_safe if "%" in raw_path else raw_path


def decoded(part: str) -> str:
    """A part of a comparable path, decoded to its end."""
    return part.replace("%2F", SLASH).replace("%25", "%")


def folder_of(fixed: str) -> str:
    """The whole segments that the comparable text ``fixed`` begins with."""
    return fixed.rpartition(SLASH)[0] or SLASH
