"""Every row of what aiohttp offers is answered as it was, or better, and every difference has its reason."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .compare import Answer
from .ratchet import COUNTS, OUTCOMES
from .record import Record
from .rows import CATEGORIES, Surface

CHECK = Path(__file__).with_name("check.py")


@pytest.fixture(scope="module")
def record() -> Record:
    """The answers of a fresh interpreter: the alias of its `import aiohttp` stays there."""
    surface = Surface.read()
    command = [sys.executable, *(["-O"] if sys.flags.optimize else []), str(CHECK), "--json"]
    walked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert walked.returncode == 0, walked.stderr
    answers = {row: Answer(tuple(found), more) for row, (found, more) in json.loads(walked.stdout).items()}
    return Record(surface, answers)


def told(findings: list[str]) -> str:
    return "\n".join(["", *findings])


def test_every_row_is_answered_once(record: Record) -> None:
    ids = [row.id for row in record.rows]
    assert len(ids) == len(set(ids)) > 6000
    assert {row.category for row in record.rows} == set(CATEGORIES)
    assert set(record.explained.answers) == set(ids)


def test_every_difference_has_a_reason(record: Record) -> None:
    assert not (findings := record.without_reason()), told(findings)


def test_every_reason_explains_a_difference(record: Record) -> None:
    assert not (findings := record.stale_reasons()), told(findings)


def test_no_row_got_worse(record: Record) -> None:
    assert not (findings := record.worse()), told(findings)


def test_what_was_reached_is_noted_and_told(record: Record) -> None:
    assert not (findings := record.unnoted()), told(findings)


def test_the_counts_are_those_of_the_rows(record: Record) -> None:
    numbers = json.loads(COUNTS.read_text("utf-8"))
    assert list(numbers) == list(CATEGORIES)
    for category, outcomes in numbers.items():
        assert list(outcomes) == list(OUTCOMES)
        assert sum(outcomes.values()) == sum(row.category == category for row in record.rows)
