r"""The Link field (RFC 8288): where a message leads, and how.

    Link: <https://example.com/2>; rel="next", </>; rel=start; title="The \"first\""

Read in one pass, whatever it holds. A link-value that is malformed is left out, and the others stay.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from .fields import TCHAR

#: More link-values than an honest server sends; each is an object that somebody holds.
_MOST_LINKS: Final = 1000
_WHITE: Final = " \t"
_TOKEN_CHARS: Final = frozenset(TCHAR.decode())


class Link(NamedTuple):
    """A link-value: its target, as it was written, and its parameters, names in lower case."""

    target: str
    parameters: tuple[tuple[str, str], ...]


def parse_links(values: Iterable[str]) -> list[Link]:
    """The link-values of all Link fields, in order; at most 1,000."""
    links: list[Link] = []
    for value in values:
        reader = _Reader(value)
        while len(links) < _MOST_LINKS and reader.has_more():
            link = reader.link()
            if link is not None:
                links.append(link)
            reader.to_next_member()
    return links


class _Reader:
    """A cursor over one field value."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def has_more(self) -> bool:
        """There is another member of the list; empty ones are passed over."""
        self._skip(_WHITE + ",")
        return self._at < len(self._text)

    def link(self) -> Link | None:
        """The link-value here; None if it is malformed."""
        if not self._take("<"):
            return None
        end = self._text.find(">", self._at)
        if end < 0:
            self._at = len(self._text)  # nor is there one for any that follows
            return None
        target = self._text[self._at : end].strip(_WHITE)
        self._at = end + 1
        parameters: list[tuple[str, str]] = []
        while True:
            self._skip(_WHITE)
            if not self._take(";"):
                break
            self._skip(_WHITE)
            name = self._token()
            if not name:
                continue  # RFC 8288 appendix B.2: an empty parameter is passed over
            self._skip(_WHITE)
            text: str | None = ""
            if self._take("="):
                self._skip(_WHITE)
                text = self._quoted() if self._take('"') else self._token()
            if text is None:
                return None
            parameters.append((name.lower(), text))
        if self._at < len(self._text) and self._text[self._at] != ",":
            return None
        return Link(target, tuple(parameters))

    def to_next_member(self) -> None:
        """Go behind the next comma that is neither in a target nor in a quoted-string."""
        while self._at < len(self._text):
            char = self._text[self._at]
            self._at += 1
            if char == ",":
                return
            if char == "<":
                end = self._text.find(">", self._at)
                self._at = len(self._text) if end < 0 else end + 1
            elif char == '"' and self._quoted() is None:
                self._at = len(self._text)

    def _skip(self, chars: str) -> None:
        while self._at < len(self._text) and self._text[self._at] in chars:
            self._at += 1

    def _take(self, char: str) -> bool:
        if not self._text.startswith(char, self._at):
            return False
        self._at += 1
        return True

    def _token(self) -> str:
        start = self._at
        while self._at < len(self._text) and self._text[self._at] in _TOKEN_CHARS:
            self._at += 1
        return self._text[start : self._at]

    def _quoted(self) -> str | None:
        """The rest of a quoted-string; None if it has no end."""
        pieces: list[str] = []
        start = self._at
        while self._at < len(self._text):
            char = self._text[self._at]
            if char == '"':
                pieces.append(self._text[start : self._at])
                self._at += 1
                return "".join(pieces)
            if char == "\\":
                pieces.append(self._text[start : self._at])
                self._at += 1
                start = self._at
            self._at += 1
        return None
