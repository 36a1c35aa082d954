"""Path patterns: ``{name}`` is a segment or a piece of one, ``{name:regex}`` whatever fits.

What is matched is a comparable path. A path of n characters costs a pattern without a regular expression of
its own O(n) steps, whether it fits or not. Where pieces share a segment, trying all ways to share it out
would cost n² and more.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, final

from .paths import SLASH, comparable, requoted

_PART: Final = re.compile(
    r"\{(?P<name>[_a-zA-Z][_a-zA-Z0-9]*)(?::(?!\})(?P<regex>[^{}]*(?:\{[^{}]*\}[^{}]*)*))?\}"
)
_PIECE: Final = "[^/]+"
#: A regular expression of which it is plain that no "/" fits: ``[0-9]{4}``, ``\w+``, ``[^/]*``.
_PLAINLY_IN_SEGMENT: Final = re.compile(
    r"(?:(?:\\[dw]|\w|-|\[(?:\w(?:-\w)?)+-?\]|\[\^[^]\\]*/[^]\\]*\])(?:[*+?]|\{[0-9,]+\})?)+"
)


@final
@dataclass(frozen=True, slots=True)
class _Part:
    """A variable part; ``regex`` is None for a piece of a segment."""

    name: str
    regex: str | None

    @property
    def is_in_segment(self) -> bool:
        return self.regex is None or _PLAINLY_IN_SEGMENT.fullmatch(self.regex) is not None


#: Fixed text, percent-encoded, or a part.
_Token = str | _Part


@final
@dataclass(frozen=True, slots=True)
class Run:
    """Pieces of one segment, and the fixed texts between them."""

    names: tuple[str, ...]
    between: tuple[str, ...]

    def share_out(self, parts: dict[str, str]) -> bool:
        """Give each piece its own of what the first has got; False if there is not enough.

        As a regular expression does: the first gets as much as it can.
        """
        first, *others = self.names
        text = parts[first]
        end = len(text)
        for name, fixed in zip(reversed(others), reversed(self.between), strict=True):
            at = text.rfind(fixed, 1, end - 1)
            if at < 0:
                return False
            parts[name] = text[at + len(fixed) : end]
            end = at
        parts[first] = text[:end]
        return True


@final
@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern, taken apart."""

    names: tuple[str, ...]
    #: Percent-encoded, with ``{name}`` for each part.
    template: str
    #: With a group for each part.
    regex: str
    #: The same, but for one group, named as its first piece, for each of ``runs``.
    linear_regex: str
    runs: tuple[Run, ...]
    #: The comparable segments, None for those that vary; None if their number does.
    segments: tuple[str | None, ...] | None


def parse(path: str) -> Pattern:
    """Take ``path`` apart; ValueError for a brace that belongs to no part."""
    tokens = list(_tokens(path))
    parts = [token for token in tokens if isinstance(token, _Part)]
    runs: list[Run] = []
    linear: list[str] = []
    shape: list[str | None] = []
    for segment in _segments(tokens):
        linear.append(_with_runs(segment, runs))
        shape.append(None if any(isinstance(token, _Part) for token in segment) else _fixed(segment))
    return Pattern(
        names=tuple(part.name for part in parts),
        template="".join(token if isinstance(token, str) else f"{{{token.name}}}" for token in tokens),
        regex=_regex(tokens),
        linear_regex=SLASH.join(linear),
        runs=tuple(runs),
        segments=tuple(shape) if all(part.is_in_segment for part in parts) else None,
    )


def escaped(fixed: str) -> str:
    """The regular expression of percent-encoded text."""
    return re.escape(comparable(fixed))


def _tokens(path: str) -> Iterator[_Token]:
    place = 0
    for found in _PART.finditer(path):
        yield _checked(path[place : found.start()])
        yield _Part(found["name"], found["regex"])
        place = found.end()
    yield _checked(path[place:])


def _checked(text: str) -> str:
    if "{" in text or "}" in text:
        raise ValueError(f"path: expected {{name}} or {{name:regex}}, got {text!r}")
    return requoted(text)


def _segments(tokens: Iterable[_Token]) -> Iterator[list[_Token]]:
    segment: list[_Token] = []
    for token in tokens:
        if isinstance(token, str):
            text, *others = token.split(SLASH)
            segment.append(text)
            for other in others:
                yield segment
                segment = [other]
        else:
            segment.append(token)
    yield segment


def _with_runs(segment: list[_Token], runs: list[Run]) -> str:
    """The regular expression of ``segment``, in which fixed text and parts alternate; adds to ``runs``."""
    parts = [token for token in segment if isinstance(token, _Part)]
    if len(parts) < 2 or any(part.regex is not None for part in parts):
        return _regex(segment)
    between = tuple(comparable(token) for token in segment[2:-1] if isinstance(token, str))
    runs.append(Run(tuple(part.name for part in parts), between))
    return _regex((segment[0], parts[0], segment[-1]))


def _regex(tokens: Iterable[_Token]) -> str:
    return "".join(
        escaped(token) if isinstance(token, str) else f"(?P<{token.name}>{token.regex or _PIECE})"
        for token in tokens
    )


def _fixed(segment: Iterable[_Token]) -> str:
    return comparable("".join(token for token in segment if isinstance(token, str)))
