"""docs/testing.md does what it says: each block is a test module, or a program, of its own."""

import re
from pathlib import Path

import pytest

from .runs import AUTO, execute, run

DOCUMENT = Path(__file__).parents[2] / "docs" / "testing.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", DOCUMENT.read_text("utf-8"), re.MULTILINE | re.DOTALL)
TESTS = [block for block in BLOCKS if re.search(r"def test_", block)]
PROGRAMS = [block for block in BLOCKS if block not in TESTS]


def test_there_are_some() -> None:
    assert (len(TESTS) > 5, len(PROGRAMS)) == (True, 1)


def test_its_tests_pass(tmp_path: Path) -> None:
    status, output = run(tmp_path, {f"test_{number}.py": block for number, block in enumerate(TESTS)}, *AUTO)
    count = sum(len(re.findall(r"def test_", block)) for block in TESTS)
    assert (status, f"{count} passed" in output) == (0, True), output


@pytest.mark.parametrize("block", PROGRAMS)
def test_its_programs_run(tmp_path: Path, block: str) -> None:
    status, output = execute(tmp_path, "-W", "error", "-c", block)
    assert status == 0, output
    assert output.startswith("asked http://127.0.0.1:")
