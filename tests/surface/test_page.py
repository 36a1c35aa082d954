"""The page of differences: each is told once, where it comes from, with its reason."""

from .compare import Answer
from .page import write_page
from .reasons import Explained, load
from .rows import Surface

FACTS = {
    "modules": {
        "aiohttp": {"public": ["A"], "names": []},
        "aiohttp.a": {"public": None, "names": ["A", "B", "f", "g", "h", "Any"]},
        "aiohttp.b": {"public": None, "names": ["C", "Any"]},
    },
    "objects": {
        "aiohttp.a.A": {
            "kind": "class",
            "exported_as": ["aiohttp.A", "aiohttp.a.A"],
            "signature": "(limit=50)",
            "bases": ["abc.ABC"],
            "members": {
                "x": "property",
                "y": "property",
                "close": "method (self, now=True)",
                "open": "method (self, now=True)",
            },
        },
        "aiohttp.a.B": {
            "kind": "class",
            "exported_as": ["aiohttp.a.B"],
            "bases": ["aiohttp.a.A", "abc.ABC"],
            "inherited_members": {"x": {"from": "aiohttp.a.A", "kind": "property"}},
        },
        "aiohttp.a.f": {"kind": "function", "exported_as": ["aiohttp.a.f"], "signature": "(url, size=1)"},
        "aiohttp.a.h": {"kind": "function", "exported_as": ["aiohttp.a.h"], "signature": "(url, size=1)"},
    },
}

REASONS = """
[refused]
"name aiohttp.*.Any" = "is in typing"
[missing]
"name aiohttp.b.*" = "B is not built yet"
"* aiohttp.a.*" = "A is not built yet"
[narrower]
"* aiohttp.a.*" = "A is not complete yet"
"""

PROBLEMS = {
    "name aiohttp.a.Any": ("missing",),
    "name aiohttp.b.Any": ("missing",),
    "name aiohttp.b.C": ("missing",),
    "name aiohttp.a.g": ("missing",),
    "member aiohttp.a.A.x": ("missing",),
    "member aiohttp.a.A.y": ("missing",),
    "member aiohttp.a.B.x": ("missing",),
    "member aiohttp.a.A.close": ("lacks now",),
    "member aiohttp.a.A.open": ("lacks now",),
    "signature aiohttp.a.A": ("lacks a", "default of limit is 100, theirs 50"),
    "base aiohttp.a.A abc.ABC": ("is not a base",),
    "base aiohttp.a.B abc.ABC": ("is not a base",),
    "signature aiohttp.a.f": ("requires z", "url is by position only"),
    "signature aiohttp.a.h": ("requires z", "url is by position only"),
}

TOLD = """\
### In several modules

- **refused**, is in typing: `Any`

### aiohttp.a

- **missing**, A is not built yet:
  - `g`
  - `A`: no `x`, `y`
- **narrower**, A is not complete yet:
  - `A`: without `a`, default of `limit` is `100`, theirs `50`; not a `abc.ABC`; `close`, `open` without `now`
  - `f`, `h`: requires `z`, `url` is by position only

### aiohttp.b

- **missing**, B is not built yet: `C`
"""


def page() -> str:
    surface = Surface(FACTS)
    answers = {row.id: Answer(PROBLEMS.get(row.id, ())) for row in surface.rows()}
    assert set(PROBLEMS) <= set(answers)
    explained = Explained(surface.rows(), answers, load(REASONS))
    assert explained.unexplained() == []
    return write_page(surface, explained)


def test_each_difference_is_told_once_with_its_reason() -> None:
    _, _, told = page().partition("### In several modules")
    assert f"### In several modules{told}" == TOLD


def test_the_counts_are_told() -> None:
    assert "| names in a module | 5 | 0 | 0 | 2 | 2 |" in page()


def test_lines_are_no_longer_than_those_of_other_pages() -> None:
    _, _, told = page().partition("### In several modules")
    assert max(map(len, told.splitlines())) <= 118
