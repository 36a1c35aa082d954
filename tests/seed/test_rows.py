"""The ratchet: every row of the older documents is tested or pending, and pending rows only get fewer."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from . import count
from .count import ROWS, Rows, check, update
from .row import aliased

Folder = Callable[..., Path]

ONE = "from .row import name_only\n\n\ndef test_s001_word(): 0\n"
NAME = "@name_only\ndef test_s002_word():\n    0\n"


def test_every_row_is_tested_or_pending() -> None:
    findings = check()
    assert not findings, "\n".join(["", *findings])


def pending(numbers: range) -> str:
    return "".join(f"S-{number:03}  a reason\n" for number in numbers)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder in which two rows are tested, and all others are pending, but for what is given."""

    def make(files: dict[str, str] | None = None) -> Path:
        rows = "".join(f"S-{number:03}  words of {number}\n" for number in range(1, ROWS + 1))
        default = {
            "rows.txt": "1. One\n" + rows.replace("S-004", "2. Two\nS-004"),
            "pending.txt": pending(range(3, ROWS + 1)),
            "counts.json": json.dumps({"behaviour": 1, "names": 1, "pending": ROWS - 2}),
            "test_01_one.py": ONE + NAME,
        }
        for name, text in (default | (files or {})).items():
            (tmp_path / name).write_text(text)
        return tmp_path

    return make


def test_a_sound_folder(folder: Folder) -> None:
    assert check(folder()) == []
    assert Rows.read(folder()).counts() == {"behaviour": 1, "names": 1, "pending": ROWS - 2}


BROKEN = [
    (
        {"test_01_one.py": ONE},
        (
            "S-002 (words of 2) is neither tested nor pending: write test_s002_... in test_01_*.py, "
            "or add 'S-002  what is missing' to pending.txt"
        ),
    ),
    (
        {"pending.txt": pending(range(2, ROWS + 1))},
        (
            "S-002 (words of 2) is tested (test_01_one.py:6 test_s002_word) and pending: "
            "take its line out of pending.txt"
        ),
    ),
    (
        {"test_01_two.py": "async def test_s001_again(): pass"},
        (
            "S-001 (words of 1) is tested more than once: make one of "
            "test_01_one.py:4 test_s001_word, test_01_two.py:1 test_s001_again"
        ),
    ),
    (
        {"pending.txt": pending(range(3, ROWS + 1)) + f"S-{ROWS}  again\n"},
        f"S-{ROWS} (words of {ROWS}) is pending 2 times: leave one line in pending.txt",
    ),
    (
        {
            "pending.txt": pending(range(5, ROWS + 1)),
            "test_01_two.py": "def test_s003_a(): 0\ndef test_s004_b(): 0",
        },
        "S-004 (words of 4) is tested in test_01_two.py:2 test_s004_b: move it to test_02_*.py",
    ),
    (
        {"pending.txt": pending(range(3, ROWS + 2))},
        f"pending.txt: there is no row S-{ROWS + 1} in rows.txt",
    ),
    (
        {"test_01_two.py": "def test_s999_a(): 0"},
        "test_01_two.py:1 test_s999_a: there is no row S-999 in rows.txt",
    ),
    (
        {"pending.txt": "S-341  last first\n" + pending(range(3, ROWS))},
        "pending.txt: the rows are out of order; sort its lines",
    ),
    (
        {"pending.txt": pending(range(3, ROWS + 1)) + "S-7 one space\n"},
        f"pending.txt:{ROWS - 1}: expected 'S-000  what is missing', got 'S-7 one space'",
    ),
    (
        {"test_01_two.py": "def test_of_no_row(): 0"},
        "test_01_two.py:1 test_of_no_row: names no row; call it test_s000_words, by the row's number",
    ),
    (
        {"test_01_one.py": ONE + NAME + "    pytest.skip('later')"},
        "test_01_one.py:6 test_s002_word: uses skip; a row that does not hold is pending",
    ),
    (
        {"test_01_one.py": ONE + "@pytest.mark.xfail(strict=True)\n" + NAME},
        "test_01_one.py:7 test_s002_word: uses xfail; a row that does not hold is pending",
    ),
    (
        {"counts.json": '{"behaviour": 1, "names": 2, "pending": 338}'},
        "pending: at most 338 rows, got 339; what was built is lost",
    ),
    (
        {"counts.json": '{"behaviour": 2, "names": 0, "pending": 339}'},
        "behaviour: at least 2 rows, got 1",
    ),
    (
        {"counts.json": '{"behaviour": 0, "names": 1, "pending": 340}'},
        (
            "counts.json: expected {'behaviour': 1, 'names': 1, 'pending': 339}, got {'behaviour': 0, "
            "'names': 1, 'pending': 340}; note what got better: python -m tests.seed.count --update"
        ),
    ),
]


@pytest.mark.parametrize(("files", "finding"), BROKEN, ids=[finding[:40] for _, finding in BROKEN])
def test_what_breaks_it_is_found(folder: Folder, files: dict[str, str], finding: str) -> None:
    assert finding in check(folder(files))


def test_a_test_that_is_not_collected_is_none(folder: Folder) -> None:
    hidden = "class Rows:\n    def test_s002_word(self): 0\ndef f():\n    def test_s002_word(): 0\n"
    (finding,) = Rows.read(folder({"test_01_one.py": ONE + hidden})).findings()
    assert finding.startswith("S-002 (words of 2) is neither tested nor pending")


def test_missing_rows_are_found(folder: Folder) -> None:
    path = folder({"rows.txt": "1. One\nS-001  a\nS-002  b\n", "pending.txt": ""})
    assert Rows.read(path).findings() == ["rows.txt: expected the numbers 1 to 341 in order, got [1, 2]"]


def test_what_got_better_is_noted(folder: Folder) -> None:
    path = folder({"counts.json": '{"behaviour": 0, "names": 1, "pending": 340}'})
    assert update(path) == []
    assert json.loads((path / "counts.json").read_text()) == {"behaviour": 1, "names": 1, "pending": 339}
    assert check(path) == []


@pytest.mark.parametrize(
    "files",
    [
        {"counts.json": '{"behaviour": 1, "names": 2, "pending": 338}'},
        {"counts.json": '{"behaviour": 2, "names": 0, "pending": 339}'},
        {"counts.json": '{"behaviour": 0, "names": 0, "pending": 341}', "test_01_one.py": ONE},
    ],
)
def test_what_got_worse_is_not_noted(folder: Folder, files: dict[str, str]) -> None:
    path = folder(files)
    assert update(path) == check(path) != []
    assert (path / "counts.json").read_text() == files["counts.json"]


def test_the_command_says_the_counts_and_what_is_wrong(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder({"counts.json": '{"behaviour": 1, "names": 2, "pending": 338}'})
    for arguments in ([], ["--update"]):
        assert count.main(arguments, path) == 1
        assert capsys.readouterr().out.splitlines() == [
            "{'behaviour': 1, 'names': 1, 'pending': 339}",
            "pending: at most 338 rows, got 339; what was built is lost",
        ]


def test_the_command_notes_what_got_better(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder({"counts.json": '{"behaviour": 0, "names": 0, "pending": 341}'})
    assert count.main(["--update"], path) == 0
    assert capsys.readouterr().out == "{'behaviour': 1, 'names': 1, 'pending': 339}\n"
    assert count.main([], path) == 0


def test_code_on_the_alias_gives_what_it_found() -> None:
    assert aliased("found = {'name': aiohttp.ClientSession.__module__}") == {
        "name": "pronghorn.client.session"
    }


@pytest.mark.parametrize(
    ("code", "said"),
    [("raise KeyError('no such')", "no such"), ("import warnings; warnings.warn('old')", "old")],
)
def test_code_on_the_alias_that_fails(code: str, said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        aliased(code)
