"""The shape of the repository, held by tests: layers, sizes, names, reasons.

Each rule is a function from sources to findings, `path:line: what is wrong`, and is tested twice: it finds
nothing in this repository, and it finds what it is for in a source made to break it.
"""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[1]
TREES = ("src", "tests", "examples", "benchmarks")
PACKAGE = "pronghorn"

# Imports go from a row to the rows above it. Parts of one row do not know each other.
LAYERS = (
    ("wire",),
    ("signals", "keys"),
    ("io",),
    ("body",),
    ("websocket",),
    ("client", "server"),
    ("testing",),
    ("compat", "cli"),
)
LEAVES = ("_version", "hdrs", "log", "names")  # import nothing of ours; free to all but wire
FACADES = ("", "abc", "typedefs", "web")  # public names of every layer; "" is the package itself
RANK = {part: rank for rank, row in enumerate(LAYERS) for part in row}
ABOVE_FACADES = ("testing", "compat", "cli")  # written against the public names, as users' code is

# wire/ has no loop, no clock, no log, no socket and no thread.
NOT_IN_WIRE = {"asyncio", "logging", "select", "selectors", "socket", "ssl", "threading", "time"}

MAX_FILE_LINES = 500
MAX_BODY_LINES = 60
NAMELESS = {"helpers", "utils", "common"}
WITHOUT_TEST_FILE = {"__init__.py", "__main__.py", "_version.py"}

DIRECTIVE = re.compile(
    r"type:\s*ignore(\[[^]]*\])?|noqa(:\s*[A-Z]+\d+(,?\s*[A-Z]+\d+)*)?|pragma:\s*no (cover|branch)"
)


@dataclass(frozen=True)
class Source:
    """A file of the repository, by its path from the root."""

    path: PurePosixPath
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def in_package(self) -> bool:
        return self.path.is_relative_to(f"src/{PACKAGE}")

    @property
    def module(self) -> str:
        """The dotted name inside the package; "" for the package itself."""
        parts = self.path.relative_to(f"src/{PACKAGE}").with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def at(self, line: int, finding: str) -> str:
        return f"{self.path}:{line}: {finding}"


@cache
def repository() -> tuple[Source, ...]:
    paths = [path for tree in TREES for path in sorted((ROOT / tree).rglob("*.py"))]
    return tuple(Source(PurePosixPath(path.relative_to(ROOT)), path.read_text("utf-8")) for path in paths)


def package(sources: Iterable[Source]) -> list[Source]:
    return [source for source in sources if source.in_package]


# Imports: those of functions and of TYPE_CHECKING blocks count like any other.


def imports(source: Source) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Each import: its line, the absolute name of the module, the names taken from it."""
    here = f"{PACKAGE}.{source.module}".rstrip(".").split(".")
    if source.path.name != "__init__.py":
        here.pop()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, ()
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else []
            name = ".".join([*base, *filter(None, [node.module])])
            yield node.lineno, name, tuple(alias.name for alias in node.names)


def edges(source: Source, modules: set[str]) -> Iterator[tuple[int, str]]:
    """The modules of the package that a source imports: `from package import module` names the module."""
    for line, name, taken in imports(source):
        if name != PACKAGE and not name.startswith(f"{PACKAGE}."):
            continue
        module = name.removeprefix(PACKAGE).lstrip(".")
        for item in taken or ("",):
            inner = f"{module}.{item}".strip(".")
            yield line, inner if inner in modules else module


def layer_violations(sources: Iterable[Source]) -> list[str]:
    sources = package(sources)
    modules = {source.module for source in sources}
    findings = []
    for source in sources:
        part = source.module.partition(".")[0]
        if part not in (*RANK, *LEAVES, *FACADES):
            findings.append(source.at(1, f"{part!r} has no layer; give it one in LAYERS or move the module"))
            continue
        for line, module in edges(source, modules):
            target = module.partition(".")[0]
            if not may_import(part, target):
                findings.append(source.at(line, f"{part or PACKAGE} may not import {target or PACKAGE}"))
    return findings


def may_import(part: str, target: str) -> bool:
    if part in FACADES or (part == target and part in RANK):
        return True
    if part in LEAVES:
        return False
    if target in LEAVES:
        return part != "wire"
    if target in FACADES:
        return part in ABOVE_FACADES
    return RANK.get(target, len(LAYERS)) < RANK[part]


def wire_violations(sources: Iterable[Source]) -> list[str]:
    return [
        source.at(line, f"wire imports {name}")
        for source in package(sources)
        if source.module.partition(".")[0] == "wire"
        for line, name, _ in imports(source)
        if name.partition(".")[0] in NOT_IN_WIRE
    ]


def import_cycles(sources: Iterable[Source]) -> list[str]:
    sources = [source for source in package(sources) if source.module not in FACADES]
    by_module = {source.module: source for source in sources}
    graph = {
        module: {target for _, target in edges(source, set(by_module))} & by_module.keys() - {module}
        for module, source in by_module.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        cycle = error.args[1][::-1]  # each imports the next
        source = by_module[cycle[0]]
        line = next(line for line, module in edges(source, set(by_module)) if module == cycle[1])
        return [source.at(line, "imports go round: " + " -> ".join(cycle))]
    return []


# Sizes and names


def long_files(sources: Iterable[Source]) -> list[str]:
    return [
        source.at(MAX_FILE_LINES + 1, f"{lines} lines, at most {MAX_FILE_LINES}")
        for source in sources
        if (lines := len(source.text.splitlines())) > MAX_FILE_LINES
    ]


def long_functions(sources: Iterable[Source]) -> list[str]:
    return [
        source.at(node.lineno, f"{node.name} has {lines} lines in its body, at most {MAX_BODY_LINES}")
        for source in package(sources)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (lines := body_lines(node)) > MAX_BODY_LINES
    ]


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """From the first statement to the end, comments and empty lines too; not signature and docstring."""
    first, *rest = function.body
    if ast.get_docstring(function, clean=False) is None:
        start = min([first.lineno, *(item.lineno for item in getattr(first, "decorator_list", ()))])
    elif rest:
        start = (first.end_lineno or 0) + 1
    else:
        return 0
    return (function.end_lineno or 0) - start + 1


def nameless_modules(sources: Iterable[Source]) -> list[str]:
    return [
        source.at(1, f"{part!r} says nothing of what is in it")
        for source in sources
        for part in source.path.with_suffix("").parts
        if part.removeprefix("test_") in NAMELESS
    ]


def sources_without_test(sources: Iterable[Source]) -> list[str]:
    sources = list(sources)
    paths = {source.path for source in sources}
    findings = []
    for source in package(sources):
        inside = source.path.relative_to(f"src/{PACKAGE}")
        test = "tests" / inside.with_name(f"test_{inside.name}")
        if inside.name not in WITHOUT_TEST_FILE and test not in paths:
            findings.append(source.at(1, f"has no test file {test}"))
    return findings


# Reasons and asserts


def unexplained_directives(sources: Iterable[Source]) -> list[str]:
    findings = []
    for source in sources:
        for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
            if token.type != tokenize.COMMENT or not (found := DIRECTIVE.search(token.string)):
                continue
            if not re.search(r"[A-Za-z]{3}", DIRECTIVE.sub("", token.string[found.start() :])):
                findings.append(source.at(token.start[0], f"{found[0]!r} gives no reason after it"))
    return findings


def asserts_that_optimising_drops(sources: Iterable[Source]) -> list[str]:
    """Under `python -O` an assert is not there, except in the test modules: pytest rewrites those."""
    return [
        source.at(node.lineno, "an assert that `python -O` drops")
        for source in sources
        if source.path.parts[0] != "tests" or not re.fullmatch(r"test_\w+|conftest", source.path.stem)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Assert)
    ]


# Each rule, and sources that break it with the line where


Rule = Callable[[Iterable[Source]], list[str]]
LONG_LINES = "x = 1\n" * (MAX_FILE_LINES + 1)
LONG_BODY = 'def f(\n    a,\n):\n    """Doc."""\n' + "    a = 1\n" * (MAX_BODY_LINES + 1)
FULL_BODY = 'def f(\n    a,\n):\n    """Doc.\n\n    More.\n    """\n' + "    a = 1\n" * MAX_BODY_LINES
TYPING_ONLY = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pronghorn.server import run\n"

BROKEN: list[tuple[Rule, dict[str, str], str]] = [
    (layer_violations, {"wire/head.py": "import pronghorn.io.channel"}, "wire/head.py:1"),
    (layer_violations, {"wire/head.py": "from ..io import channel"}, "wire/head.py:1"),
    (layer_violations, {"wire/head.py": "from pronghorn.log import logger"}, "wire/head.py:1"),
    (layer_violations, {"io/dial.py": "def f():\n    from pronghorn import client"}, "io/dial.py:2"),
    (layer_violations, {"client/pool.py": TYPING_ONLY}, "client/pool.py:3"),
    (layer_violations, {"server/run.py": "from pronghorn import web"}, "server/run.py:1"),
    (layer_violations, {"server/run.py": "from pronghorn import ClientSession"}, "server/run.py:1"),
    (layer_violations, {"signals.py": "from pronghorn.keys import AppKey"}, "signals.py:1"),
    (layer_violations, {"log.py": "from pronghorn.wire import limits"}, "log.py:1"),
    (layer_violations, {"attic.py": ""}, "attic.py:1"),
    (wire_violations, {"wire/head.py": "import os\nimport asyncio.events"}, "wire/head.py:2"),
    (wire_violations, {"wire/http1/head.py": "from time import monotonic"}, "wire/http1/head.py:1"),
    (import_cycles, {"io/a.py": "from . import b", "io/b.py": "\nfrom pronghorn.io.a import A"}, "io/"),
    (import_cycles, {"io/__init__.py": "from .a import A", "io/a.py": "from pronghorn.io import B"}, "io/"),
    (long_files, {"io/a.py": LONG_LINES}, "io/a.py:501"),
    (long_functions, {"io/a.py": LONG_BODY}, "io/a.py:1"),
    (nameless_modules, {"io/utils.py": ""}, "io/utils.py:1"),
    (nameless_modules, {"helpers/a.py": ""}, "helpers/a.py:1"),
    (sources_without_test, {"io/a.py": ""}, "io/a.py:1"),
    (unexplained_directives, {"a.py": "\nimport b  # type: ignore[x]"}, "a.py:2"),
    (unexplained_directives, {"a.py": "import b  # noqa: F401, E402"}, "a.py:1"),
    (unexplained_directives, {"a.py": "b()  # because  # pragma: no cover"}, "a.py:1"),
    (asserts_that_optimising_drops, {"a.py": "def f():\n    assert f"}, "a.py:2"),
]

SOUND: list[tuple[Rule, dict[str, str]]] = [
    (layer_violations, {"client/pool.py": "from ..wire import head\nfrom pronghorn.log import logger"}),
    (layer_violations, {"__init__.py": "from .client import pool", "web.py": "from .server import run"}),
    (layer_violations, {"testing/server.py": "from pronghorn import web, ClientSession"}),
    (wire_violations, {"wire/head.py": "import zlib", "io/a.py": "import asyncio"}),
    (import_cycles, {"io/__init__.py": "from .a import A", "io/a.py": "from .b import B", "io/b.py": ""}),
    (long_functions, {"io/a.py": FULL_BODY}),
    (unexplained_directives, {"a.py": "import b  # type: ignore[x]  # it has no stubs\nc = 'noqa'"}),
    (unexplained_directives, {"a.py": "import b  # noqa: F401, E402 - kept for its effect"}),
]
RULES = sorted({rule for rule, *_ in BROKEN}, key=lambda rule: rule.__name__)


def made_up(files: dict[str, str]) -> list[Source]:
    return [Source(PurePosixPath(f"src/{PACKAGE}", path), text) for path, text in files.items()]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_repository_keeps(rule: Rule) -> None:
    assert package(repository()), "no sources found"
    findings = rule(repository())
    assert not findings, "\n".join(["", *findings])


@pytest.mark.parametrize(("rule", "files", "where"), BROKEN)
def test_rule_finds_what_breaks_it(rule: Rule, files: dict[str, str], where: str) -> None:
    (finding,) = rule(made_up(files))
    assert finding.startswith(f"src/{PACKAGE}/{where}")


@pytest.mark.parametrize(("rule", "files"), SOUND)
def test_rule_lets_pass_what_keeps_it(rule: Rule, files: dict[str, str]) -> None:
    assert rule(made_up(files)) == []


def test_asserts_are_live() -> None:
    """Also under `python -O`: the suite says nothing there unless pytest has rewritten its asserts."""
    with pytest.raises(AssertionError):
        assert not TREES
