"""docs/differences.md: what is written by hand, the counts, and the differences by module and reason."""

import re
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from .compare import MISSING, NARROWER
from .ratchet import OUTCOMES, counts
from .reasons import REFUSED, Explained
from .rows import BASE, FIELDS, MEMBER, MODULE, NAME, SIGNATURE, Row, Surface

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "differences.md"
BEHAVIOUR: Final = Path(__file__).with_name("behaviour.md")

TOLD: Final = {
    MODULE: "modules: can be imported",
    NAME: "names in a module",
    SIGNATURE: "signatures of functions and classes",
    BASE: "base classes",
    MEMBER: "members, with their signatures",
}
SECTIONS: Final = (MISSING, NARROWER, REFUSED)

SURFACE_TEXT: Final = """\
## Names, signatures, members

What aiohttp 3.14.5 offers is written down in {total} rows, and each is held against what `import aiohttp`
gives when pronghorn stands in for it. A row is *same*; *wider* if ours also takes calls that theirs
refuses; *narrower* if a call of theirs fails here or means something else; *missing* as long as it is not
built; *refused* if it is missing or narrower on purpose. The numbers may only get better: a test holds
them.

{table}

Most rows follow from others: a class that is missing takes its members with it, and a method that is
narrower is narrower in every subclass. Below, each difference stands once, where it comes from.
"""


def write_page(surface: Surface, explained: Explained) -> str:
    total = len(explained.rows)
    parts = [BEHAVIOUR.read_text("utf-8"), SURFACE_TEXT.format(total=f"{total:,}", table=_table(explained))]
    everywhere, by_module = _grouped(surface, explained)
    if everywhere:
        parts.append("### In several modules\n\n" + "\n".join(_everywhere(everywhere)) + "\n")
    modules = [module for module in surface.modules if module in by_module]
    parts += [f"### {module}\n\n" + "\n".join(_module(by_module[module])) + "\n" for module in modules]
    return "\n".join(parts)


def _table(explained: Explained) -> str:
    found = counts(explained)
    lines = [["", *OUTCOMES], ["---", *("---:" for _ in OUTCOMES)]]
    lines += [[text, *(str(found[category][name]) for name in OUTCOMES)] for category, text in TOLD.items()]
    lines += [["all", *(str(sum(numbers[name] for numbers in found.values())) for name in OUTCOMES)]]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


Difference = tuple[Row, tuple[str, ...]]
#: By what is said of them: the section and the text of the reason.
Groups = dict[tuple[str, str], list[Difference]]


def _grouped(surface: Surface, explained: Explained) -> tuple[Groups, dict[str, Groups]]:
    """The differences that follow from no other: those of patterns for all modules, those of each module."""
    everywhere: Groups = defaultdict(list)
    by_module: dict[str, Groups] = defaultdict(lambda: defaultdict(list))
    for row in explained.differences():
        reason = explained.reason(row)
        if reason is None or explained.cause(row) is not None:
            continue
        is_everywhere = reason.pattern.startswith("name aiohttp.*.")
        group = everywhere if is_everywhere else by_module[_module_of(surface, row)]
        group[reason.section, reason.text].append((row, explained.answers[row.id].problems))
    return everywhere, by_module


def _module_of(surface: Surface, row: Row) -> str:
    if row.category in (MODULE, NAME):
        return row.path
    home = surface.places(row.path)[0]
    return home.rpartition(".")[0]


def _by_section(groups: Groups) -> list[tuple[str, list[Difference]]]:
    """What is said of each group, in the order of the sections."""
    ordered = sorted(groups.items(), key=lambda item: SECTIONS.index(item[0][0]))
    return [(f"**{section}**, {text}", found) for (section, text), found in ordered]


def _everywhere(groups: Groups) -> Iterator[str]:
    for said, found in _by_section(groups):
        yield _wrapped(f"- {said}: {_code(sorted({row.name for row, _ in found}))}")


def _module(groups: Groups) -> Iterator[str]:
    for said, found in _by_section(groups):
        lines = [*_items(found)]
        if len(lines) == 1:
            yield _wrapped(f"- {said}: {lines[0]}")
        else:
            yield f"- {said}:"
            yield from (_wrapped(f"  - {line}") for line in lines)


def _wrapped(item: str) -> str:
    """An item of a list, in lines as long as those of the other pages."""
    indent = " " * (item.index("- ") + 2)
    return textwrap.fill(item, 118, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _items(found: Iterable[Difference]) -> Iterator[str]:
    """One line for the names of a module that are not there, and one for each class or function."""
    names: list[str] = []
    said: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row, problems in found:
        if MISSING in problems and row.category in (MODULE, NAME):
            names.append(row.name or row.path)
        else:
            owner = row.name if row.category == NAME else row.path.rpartition(".")[2]
            text, of = _said(row, problems)
            said[owner][text].append(of)
    if names:
        yield _code(names)
    owners: dict[str, list[str]] = defaultdict(list)
    for owner, texts in said.items():
        owners["; ".join(text.format(_code(of)) for text, of in texts.items())].append(owner)
    for text, those in owners.items():
        yield f"{_code(those)}: {text}"


def _said(row: Row, problems: tuple[str, ...]) -> tuple[str, str]:
    """What is said of a row, with a place for the names of those of which it is said; its name."""
    if row.category == BASE:
        return "not a {}", row.name
    if MISSING in problems:
        return "no {}", row.name
    lacks = [problem.removeprefix("lacks ") for problem in problems if problem.startswith("lacks ")]
    texts = [f"without {_code(lacks)}"] if lacks else []
    texts += [_coded(problem) for problem in problems if not problem.startswith("lacks ")]
    text = ", ".join(texts).replace("{", "{{").replace("}", "}}")
    is_of_member = row.category == MEMBER and row.name != FIELDS
    return (f"{{}} {text}", row.name) if is_of_member else (text, "")


#: The names and values in what a problem says.
_CODE: Final = re.compile(
    r"(?<=default of )\w+|(?<=^requires )\w+|(?<=theirs ).+|(?<= is ).+(?=, theirs)|^\w+(?= is (?:by|at|req))"
)


def _coded(problem: str) -> str:
    return _CODE.sub(r"`\g<0>`", problem)


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
