"""Tests that a document names, as `tests/path.py::test`, perhaps with a case in brackets."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]

_NODE = re.compile(r"(tests/[\w/]+\.py)(?:::((?:\w+::)?\w+)(?:\[(.+)\])?)?")


def names_in(text: str) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`]+)`", text)


def parts_of(name: str) -> tuple[Path, str | None, str | None]:
    """The file, the test (perhaps of a class) and the case; ValueError for what names no test."""
    found = _NODE.fullmatch(name)
    if found is None:
        raise ValueError(f"expected the path of a test file, and perhaps ::test or ::test[id], got {name!r}")
    path, test, case = found.groups()
    return ROOT / path, test, case


def is_there(path: Path, test: str | None) -> bool:
    """Whether the file is there, and the test in it, if one is named."""
    return path.is_file() and (test is None or test in _tests_of(path))


@cache
def _tests_of(path: Path) -> frozenset[str]:
    return frozenset(_tests_in(ast.parse(path.read_text("utf-8"))))


def _tests_in(node: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[str]:
    for child in node.body:
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and child.name.startswith("test_"):
            yield prefix + child.name
        elif isinstance(child, ast.ClassDef):
            yield from _tests_in(child, f"{child.name}::")
