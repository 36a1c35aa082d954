"""The rows of the older documents: which are tested, and which are not built yet.

    python -m tests.seed.count              the counts, and what is wrong
    python -m tests.seed.count --update     and note what got better

`rows.txt` numbers what the documents promise. Each row has one test, `test_s021_...` in the file of its
section, or a line in `pending.txt` that says what is missing. `counts.json` holds how many rows show
behaviour, how many are a name and no more, and how many are pending; it may only get better. Tests are
read and not imported, so that the counts do not depend on which tests are chosen to run.
"""

import argparse
import ast
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

FOLDER: Final = Path(__file__).parent
ROWS: Final = 341
UPDATE: Final = "python -m tests.seed.count --update"

_SECTION: Final = re.compile(r"(\d+)\. (.+)")
_ROW: Final = re.compile(r"S-(\d{3})  (\S.*)")
_TEST: Final = re.compile(r"test_s(\d{3})_\w+")
#: A test that is not run, or may fail, shows nothing. `skipif` stays: a row may be one of another platform.
_UNSHOWN: Final = frozenset({"skip", "xfail", "importorskip"})


@dataclass(frozen=True)
class Row:
    """A row of the documents, by its number."""

    number: int
    section: int
    words: str

    def __str__(self) -> str:
        return f"{name(self.number)} ({self.words})"


@dataclass(frozen=True)
class Test:
    """The test of a row."""

    number: int
    section: int
    place: str
    is_name: bool


@dataclass
class Rows:
    """What a folder holds."""

    rows: dict[int, Row]
    tests: dict[int, list[Test]] = field(default_factory=dict)
    pending: list[int] = field(default_factory=list)
    #: What is wrong with the form of a file.
    malformed: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, folder: Path = FOLDER) -> Self:
        found = cls(_read_rows(folder / "rows.txt"))
        for path in sorted(folder.glob("test_[0-9]*.py")):
            found._read_tests(path)
        found._read_pending(folder / "pending.txt")
        return found

    def counts(self) -> dict[str, int]:
        tests = [tests[0] for tests in self.tests.values()]
        names = sum(test.is_name for test in tests)
        return {"behaviour": len(tests) - names, "names": names, "pending": len(self.pending)}

    def findings(self) -> list[str]:
        """What is wrong, each with what is to be done."""
        return [*self.malformed, *self._of_numbers(), *self._of_rows()]

    def _of_numbers(self) -> Iterator[str]:
        if list(self.rows) != list(range(1, ROWS + 1)):
            yield f"rows.txt: expected the numbers 1 to {ROWS} in order, got {list(self.rows)}"
        places = dict.fromkeys(self.pending, "pending.txt")
        places |= {number: tests[0].place for number, tests in self.tests.items()}
        for number in sorted(places.keys() - self.rows.keys()):
            yield f"{places[number]}: there is no row {name(number)} in rows.txt"
        if self.pending != sorted(self.pending):
            yield "pending.txt: the rows are out of order; sort its lines"

    def _of_rows(self) -> Iterator[str]:
        for number, row in self.rows.items():
            tests = self.tests.get(number, [])
            times = self.pending.count(number)
            if not tests and not times:
                yield (
                    f"{row} is neither tested nor pending: write test_s{number:03}_... in "
                    f"test_{row.section:02}_*.py, or add '{name(number)}  what is missing' to pending.txt"
                )
            if len(tests) > 1:
                yield f"{row} is tested more than once: make one of {', '.join(test.place for test in tests)}"
            if tests and times:
                yield f"{row} is tested ({tests[0].place}) and pending: take its line out of pending.txt"
            if times > 1:
                yield f"{row} is pending {times} times: leave one line in pending.txt"
            for test in tests:
                if test.section != row.section:
                    yield f"{row} is tested in {test.place}: move it to test_{row.section:02}_*.py"

    def _read_tests(self, path: Path) -> None:
        section = int(path.stem.split("_")[1])
        # Only what is at the top is collected as a function of that name.
        for node in ast.parse(path.read_text("utf-8")).body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or not node.name.startswith(
                "test"
            ):
                continue
            place = f"{path.name}:{node.lineno} {node.name}"
            if (match := _TEST.fullmatch(node.name)) is None:
                self.malformed.append(f"{place}: names no row; call it test_s000_words, by the row's number")
                continue
            if unshown := _words(node) & _UNSHOWN:
                self.malformed.append(f"{place}: uses {min(unshown)}; a row that does not hold is pending")
            is_name = any("name_only" in _words(decorator) for decorator in node.decorator_list)
            test = Test(int(match[1]), section, place, is_name)
            self.tests.setdefault(test.number, []).append(test)

    def _read_pending(self, path: Path) -> None:
        for count, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if (match := _ROW.fullmatch(line)) is None:
                self.malformed.append(f"pending.txt:{count}: expected 'S-000  what is missing', got {line!r}")
            else:
                self.pending.append(int(match[1]))


def name(number: int) -> str:
    return f"S-{number:03}"


def worse(before: dict[str, int], now: dict[str, int]) -> list[str]:
    """What got worse. A row that is pending again, or shows less than it did."""
    findings = []
    if now["pending"] > before["pending"]:
        findings.append(
            f"pending: at most {before['pending']} rows, got {now['pending']}; what was built is lost"
        )
    if now["behaviour"] < before["behaviour"]:
        findings.append(f"behaviour: at least {before['behaviour']} rows, got {now['behaviour']}")
    return findings


def read_counts(path: Path) -> dict[str, int]:
    counts: dict[str, int] = json.loads(path.read_text("utf-8"))
    return counts


def check(folder: Path = FOLDER) -> list[str]:
    """What is wrong with the rows, or with how they were counted."""
    rows = Rows.read(folder)
    before, now = read_counts(folder / "counts.json"), rows.counts()
    findings = [*rows.findings(), *worse(before, now)]
    if not findings and now != before:
        findings.append(f"counts.json: expected {now}, got {before}; note what got better: {UPDATE}")
    return findings


def update(folder: Path = FOLDER) -> list[str]:
    """Note what got better; nothing is noted if something is wrong."""
    rows = Rows.read(folder)
    path = folder / "counts.json"
    now = rows.counts()
    findings = [*rows.findings(), *worse(read_counts(path), now)]
    if not findings:
        path.write_text(json.dumps(now) + "\n", "utf-8")
    return findings


def _read_rows(path: Path) -> dict[int, Row]:
    rows = {}
    section = 0
    for line in path.read_text("utf-8").splitlines():
        if match := _SECTION.fullmatch(line):
            section = int(match[1])
        elif match := _ROW.fullmatch(line):
            number = int(match[1])
            rows[number] = Row(number, section, match[2])
        else:
            raise ValueError(f"{path}: expected a section or a row, got {line!r}")
    return rows


def _words(tree: ast.AST) -> set[str]:
    """All names in ``tree``."""
    return {
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
    }


def main(arguments: Sequence[str] | None = None, folder: Path = FOLDER) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--update", action="store_true", help="note what got better")
    findings = (update if parser.parse_args(arguments).update else check)(folder)
    for line in [str(Rows.read(folder).counts()), *findings]:
        sys.stdout.write(f"{line}\n")
    return bool(findings)


if __name__ == "__main__":
    sys.exit(main())
