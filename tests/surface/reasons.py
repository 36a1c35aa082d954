"""Why rows are missing, narrower or refused: patterns over their ids, in reasons.toml.

The section `refused` holds what will never be; a row that it explains is refused, whether it is missing or
narrower. The sections `missing` and `narrower` explain rows of that outcome. The first pattern that matches
wins, in the order of the file; a pattern that wins no row is stale. A row that no pattern matches has the
reason of what it follows from: a member that of its class, an inherited one that of the class which it is
from.
"""

import fnmatch
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .compare import MISSING, NARROWER, Answer
from .rows import Row

REASONS: Final = Path(__file__).with_name("reasons.toml")

REFUSED: Final = "refused"
SECTIONS: Final = (MISSING, NARROWER, REFUSED)


@dataclass(frozen=True)
class Reason:
    """A pattern, and why the rows that it matches are as they are."""

    section: str
    #: The key in the file, and the pattern that is one of its alternatives.
    written: str
    pattern: str
    text: str
    compiled: re.Pattern[str]

    def explains(self, row: Row, answer: Answer) -> bool:
        return self.section in (answer.outcome, REFUSED) and self.compiled.match(row.id) is not None


def load(text: str) -> list[Reason]:
    reasons = []
    for section, patterns in tomllib.loads(text).items():
        if section not in SECTIONS:
            raise ValueError(f"expected one of the sections {', '.join(SECTIONS)}, got {section}")
        for written, reason in patterns.items():
            for pattern in expand(written):
                compiled = re.compile(fnmatch.translate(pattern))
                reasons.append(Reason(section, written, pattern, reason, compiled))
    return reasons


def expand(pattern: str) -> list[str]:
    """``a{b,c}d`` is ``abd`` and ``acd``."""
    before, _, rest = pattern.partition("{")
    inside, _, after = rest.partition("}")
    return [f"{before}{one}{after}" for one in inside.split(",")] if rest else [pattern]


def prune(text: str, stale: list[Reason]) -> str:
    """The text of the reasons without the patterns that are stale. Each entry stands on one line."""
    gone: dict[str, set[str]] = {}
    for reason in stale:
        gone.setdefault(reason.written, set()).add(reason.pattern)
    lines = []
    for line in text.splitlines(keepends=True):
        written = line.partition('" = "')[0].removeprefix('"')
        if written in gone:
            left = [pattern for pattern in expand(written) if pattern not in gone[written]]
            if not left:
                continue
            line = line.replace(written, collapse(written, left), 1)
        lines.append(line)
    return "".join(lines)


def collapse(written: str, left: list[str]) -> str:
    """The pattern that expands to ``left``, a part of what ``written`` expands to."""
    before, _, rest = written.partition("{")
    after = rest.partition("}")[2]
    inside = [pattern.removeprefix(before).removesuffix(after) for pattern in left]
    return f"{before}{{{','.join(inside)}}}{after}" if len(inside) > 1 else left[0]


class Explained:
    """The rows with their answers, each difference with its reason."""

    def __init__(self, rows: list[Row], answers: Mapping[str, Answer], reasons: list[Reason]) -> None:
        self.rows = {row.id: row for row in rows}
        self.answers = answers
        self._own: dict[str, Reason] = {}
        for row in rows:
            if answers[row.id].problems and (found := _first(reasons, row, answers[row.id])):
                self._own[row.id] = found
        used = {id(reason) for reason in self._own.values()}
        self.stale = [reason for reason in reasons if id(reason) not in used]

    def differences(self) -> list[Row]:
        return [row for row in self.rows.values() if self.answers[row.id].problems]

    def cause(self, row: Row) -> Row | None:
        """The row that this one follows from, if it has no problem of its own."""
        problems = self.answers[row.id].problems
        for origin in row.origins:
            there = self.answers[origin].problems if origin in self.rows else ()
            if there and (MISSING in there or set(problems) <= set(there)):
                return self.rows[origin]
        return None

    def reason(self, row: Row) -> Reason | None:
        if row.id in self._own:
            return self._own[row.id]
        cause = self.cause(row)
        return self.reason(cause) if cause else None

    def outcome(self, row: Row) -> str:
        answer = self.answers[row.id]
        reason = self.reason(row) if answer.problems else None
        return REFUSED if reason and reason.section == REFUSED else answer.outcome

    def unexplained(self) -> list[Row]:
        return [row for row in self.differences() if self.reason(row) is None]


def _first(reasons: list[Reason], row: Row, answer: Answer) -> Reason | None:
    return next((reason for reason in reasons if reason.explains(row, answer)), None)
