"""`statements.md` says which test shows which statement about the server: all of them are there."""

import re
from pathlib import Path

import pytest

from ..named_tests import is_there, names_in, parts_of
from .test_stated_signatures import STATED

TEXT = Path(__file__).with_name("statements.md").read_text("utf-8")
#: Of what aiohttp documents of its server; how it is run (12 to 14) is shown elsewhere.
SECTIONS = [*range(1, 12), *range(15, 19)]
#: By section: what is stated, and which tests show it.
ROWS: dict[int, list[tuple[str, str]]] = {}

section = 0
for line in TEXT.splitlines():
    if found := re.fullmatch(r"## (\d+)\. .+", line):
        ROWS[section := int(found[1])] = []
    elif line.startswith("| ") and line not in ("| stated | shown by |", "| --- | --- |"):
        stated, _, tests = line.strip("| ").partition(" | ")
        ROWS[section].append((stated, tests))

ALL = [row for rows in ROWS.values() for row in rows]
NAMED = sorted({name for _, tests in ALL for name in names_in(tests)})


def test_every_section_is_there() -> None:
    assert list(ROWS) == SECTIONS
    assert [each for each, rows in ROWS.items() if len(rows) < 4] == []


def test_no_statement_is_without_a_test() -> None:
    assert [stated for stated, tests in ALL if not re.fullmatch(r"`[^`]+`(, `[^`]+`)*", tests)] == []


def test_no_statement_stands_twice() -> None:
    for rows in ROWS.values():
        statements = [stated for stated, _ in rows]
        assert sorted({stated for stated in statements if statements.count(stated) > 1}) == []


@pytest.mark.parametrize("name", NAMED)
def test_a_test_that_is_named_is_there(name: str) -> None:
    path, test, case = parts_of(name)
    assert test is not None, "a whole file shows no statement"
    assert is_there(path, test)
    if case is not None:
        assert path.name == "test_stated_signatures.py"
        assert case in STATED
