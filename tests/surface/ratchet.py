"""What was reached: it may only get better.

`counts.json` holds how many rows of each category have which outcome. `gaps.txt` holds the problems of each
row, so that nothing can get worse while something else gets better. What can be told from another line is
left out: the rows of an object that is not there, and a row that has the problems of the one which it
repeats. Both are written by `check.py --update`, which notes nothing that is worse: what is so on purpose
is written into `gaps.txt` by hand.
"""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from .compare import MISSING, NARROWER, SAME, WIDER, Answer
from .reasons import REFUSED, Explained
from .rows import CATEGORIES, MODULE, NAME, Row

COUNTS: Final = Path(__file__).with_name("counts.json")
GAPS: Final = Path(__file__).with_name("gaps.txt")

OUTCOMES: Final = (SAME, WIDER, NARROWER, MISSING, REFUSED)

Gaps = Mapping[str, frozenset[str]]
NONE: Final[frozenset[str]] = frozenset()
WHOLE: Final = "-"  # a row without problems, though that which it repeats has some


def counts(explained: Explained) -> dict[str, dict[str, int]]:
    found = Counter((row.category, explained.outcome(row)) for row in explained.rows.values())
    return {category: {name: found[category, name] for name in OUTCOMES} for category in CATEGORIES}


def write_counts(numbers: dict[str, dict[str, int]]) -> str:
    lines = [f'  "{category}": {json.dumps(outcomes)}' for category, outcomes in numbers.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def gaps(rows: list[Row], answers: Mapping[str, Answer]) -> Gaps:
    return {row.id: frozenset(found) for row in rows if (found := answers[row.id].problems)}


def write_gaps(rows: list[Row], found: Gaps) -> str:
    lost = _lost(rows, found)
    lines = [f"object {path}: {MISSING}" for path in lost]
    for row in rows:
        problems = found.get(row.id, NONE)
        if _object(row) not in lost and problems != found.get(row.repeats, NONE):
            if any("; " in problem for problem in problems):
                raise ValueError(f"expected problems without '; ', got {problems}")
            lines.append(f"{row.id}: {'; '.join(sorted(problems)) or WHOLE}")
    return "".join(f"{line}\n" for line in sorted(lines))


def read_gaps(rows: list[Row], text: str) -> Gaps:
    """The gaps as they were written; lines of rows that there are no more say nothing."""
    written = dict(line.split(": ", 1) for line in text.splitlines())
    by_id = {row.id: row for row in rows}

    def read(row: Row) -> frozenset[str]:
        if f"object {_object(row)}" in written:
            return frozenset({MISSING})
        if row.id in written:
            return frozenset(written[row.id].split("; ")) - {WHOLE}
        return read(by_id[row.repeats]) if row.repeats in by_id else NONE

    return {row.id: problems for row in rows if (problems := read(row))}


def worse(before: Gaps, now: Gaps) -> list[str]:
    """The rows with problems that they did not have."""
    findings = []
    for row, problems in now.items():
        known = before.get(row, frozenset())
        if MISSING not in known and (new := problems - known):
            findings.append(f"{row}: {'; '.join(sorted(new))}")
    return findings


def _object(row: Row) -> str | None:
    """Whose row it is; None for one of a module."""
    return None if row.category in (MODULE, NAME) else row.path


def _lost(rows: list[Row], found: Gaps) -> set[str]:
    """The objects of which no row is answered."""
    by_object: dict[str, list[Row]] = {}
    for row in rows:
        if path := _object(row):
            by_object.setdefault(path, []).append(row)
    return {
        path for path, those in by_object.items() if all(MISSING in found.get(row.id, ()) for row in those)
    }
