"""What holds the numbers: reasons that match or are stale, and gaps that may only get fewer."""

import pytest

from .compare import Answer
from .ratchet import Gaps, gaps, read_gaps, worse, write_gaps
from .reasons import Explained, expand, load, prune
from .rows import BASE, MEMBER, MODULE, NAME, SIGNATURE, Row, Surface

HOME, ELSEWHERE = "name aiohttp.a.A", "name aiohttp.A"
ROWS = [
    Row(MODULE, "aiohttp.a"),
    Row(NAME, "aiohttp.a", "A", origins=("module aiohttp.a",)),
    Row(NAME, "aiohttp", "A", origins=("module aiohttp", HOME)),
    Row(SIGNATURE, "aiohttp.a.A", origins=(HOME,)),
    Row(MEMBER, "aiohttp.a.A", "x", origins=(HOME,)),
    Row(MEMBER, "aiohttp.a.A", "y", origins=(HOME,)),
    Row(BASE, "aiohttp.a.B", "aiohttp.a.A", origins=("name aiohttp.a.B", HOME)),
    Row(MEMBER, "aiohttp.a.B", "x", origins=("name aiohttp.a.B", "member aiohttp.a.A.x")),
    Row(MEMBER, "aiohttp.a.B", "y", origins=("name aiohttp.a.B", "member aiohttp.a.A.y")),
]
ID = {row.id: row for row in ROWS}
MISSING = ("missing",)


def answered(**problems: tuple[str, ...]) -> dict[str, Answer]:
    """Answers to ROWS: those named have problems. `a_x` is the member x of A, `home` the name of A."""
    names = {
        "module": "module aiohttp.a",
        "home": HOME,
        "elsewhere": ELSEWHERE,
        "signature": "signature aiohttp.a.A",
        "a_x": "member aiohttp.a.A.x",
        "a_y": "member aiohttp.a.A.y",
        "b_base": "base aiohttp.a.B aiohttp.a.A",
        "b_x": "member aiohttp.a.B.x",
        "b_y": "member aiohttp.a.B.y",
    }
    found = {names[name]: Answer(said) for name, said in problems.items()}
    return {row.id: found.get(row.id, Answer()) for row in ROWS}


def explained(reasons: str, **problems: tuple[str, ...]) -> Explained:
    return Explained(ROWS, answered(**problems), load(reasons))


def reason(found: Explained, row: str) -> str | None:
    said = found.reason(ID[row])
    return said.text if said else None


# Reasons


def test_a_reason_is_for_outcomes_of_its_section() -> None:
    file = '[missing]\n"* aiohttp.a.A.*" = "later"\n[narrower]\n"* aiohttp.a.A.*" = "less"'
    found = explained(file, a_x=MISSING, a_y=("lacks z",))
    assert reason(found, "member aiohttp.a.A.x") == "later"
    assert reason(found, "member aiohttp.a.A.y") == "less"
    assert found.outcome(ID["member aiohttp.a.A.x"]) == "missing"
    assert found.outcome(ID["member aiohttp.a.A.y"]) == "narrower"


def test_what_is_refused_is_refused_whatever_it_is() -> None:
    found = explained('[refused]\n"member aiohttp.a.A.*" = "never"', a_x=MISSING, a_y=("lacks z",))
    assert {found.outcome(ID[f"member aiohttp.a.A.{name}"]) for name in "xy"} == {"refused"}
    assert found.outcome(ID["signature aiohttp.a.A"]) == "same"


def test_the_first_pattern_wins_and_one_that_wins_nothing_is_stale() -> None:
    file = '[refused]\n"member *.x" = "never"\n[missing]\n"member *.x" = "later"\n"name *" = "later"'
    found = explained(file, a_x=MISSING)
    assert reason(found, "member aiohttp.a.A.x") == "never"
    assert [(stale.section, stale.pattern) for stale in found.stale] == [
        ("missing", "member *.x"),
        ("missing", "name *"),
    ]


def test_what_follows_has_the_reason_of_its_cause() -> None:
    lost = dict.fromkeys(("home", "elsewhere", "signature", "a_x", "b_base", "b_x"), MISSING)
    found = explained('[missing]\n"name aiohttp.a.A" = "later"', **lost)
    assert found.unexplained() == []
    assert {reason(found, row.id) for row in found.differences()} == {"later"}


def test_what_is_worse_than_its_cause_has_a_reason_of_its_own() -> None:
    file = '[narrower]\n"member aiohttp.a.A.x" = "less"'
    found = explained(file, a_x=("lacks z",), b_x=("lacks z", "lacks w"))
    assert [row.id for row in found.unexplained()] == ["member aiohttp.a.B.x"]
    assert explained(file, a_x=("lacks z", "lacks w"), b_x=("lacks z",)).unexplained() == []


def test_a_difference_without_a_reason_is_found() -> None:
    assert [row.id for row in explained("", a_x=MISSING).unexplained()] == ["member aiohttp.a.A.x"]
    assert explained("").unexplained() == []


def test_a_section_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of the sections"):
        load('[never]\n"*" = "x"')


@pytest.mark.parametrize(
    ("pattern", "expanded"),
    [
        ("name a.*", ["name a.*"]),
        ("name a.{b,c}", ["name a.b", "name a.c"]),
        ("name a.{b,c}.d", ["name a.b.d", "name a.c.d"]),
    ],
)
def test_alternatives_are_patterns_of_their_own(pattern: str, expanded: list[str]) -> None:
    assert expand(pattern) == expanded


def test_stale_patterns_are_taken_out() -> None:
    file = '# why\n[missing]\n"name z.*" = "later"\n"member *.{x,y,z}" = "later"\n"base *.{q,r}" = "later"\n'
    found = explained(file, a_x=MISSING, a_y=MISSING)
    assert prune(file, found.stale) == '# why\n[missing]\n"member *.{x,y}" = "later"\n'
    found = explained(file, a_x=MISSING)
    assert prune(file, found.stale) == '# why\n[missing]\n"member *.x" = "later"\n'
    assert load(prune(file, found.stale))


# Gaps


WRITTEN: list[tuple[dict[str, tuple[str, ...]], list[str]]] = [
    ({}, []),
    ({"a_x": MISSING}, ["member aiohttp.a.A.x: missing", "member aiohttp.a.B.x: -"]),
    ({"a_x": MISSING, "b_x": MISSING}, ["member aiohttp.a.A.x: missing"]),
    ({"b_x": MISSING}, ["member aiohttp.a.B.x: missing"]),
    (
        {"a_x": ("lacks z",), "b_x": ("lacks z", "lacks w")},
        ["member aiohttp.a.A.x: lacks z", "member aiohttp.a.B.x: lacks w; lacks z"],
    ),
    (
        {"home": MISSING, "elsewhere": MISSING, "signature": MISSING, "a_x": MISSING, "a_y": MISSING},
        [
            "member aiohttp.a.B.x: -",
            "member aiohttp.a.B.y: -",
            "name aiohttp.a.A: missing",
            "object aiohttp.a.A: missing",
        ],
    ),
]


@pytest.mark.parametrize(("problems", "lines"), WRITTEN)
def test_gaps_are_written_once_and_read_back(problems: dict[str, tuple[str, ...]], lines: list[str]) -> None:
    found = gaps(ROWS, answered(**problems))
    text = write_gaps(ROWS, found)
    assert text.splitlines() == lines
    assert read_gaps(ROWS, text) == found


def test_the_gaps_of_rows_that_are_gone_say_nothing() -> None:
    assert read_gaps(ROWS, "member aiohttp.old.X.y: missing\nobject aiohttp.old.X: missing\n") == {}


@pytest.mark.parametrize(
    ("before", "now", "findings"),
    [
        ({}, {"r": {"missing"}}, ["r: missing"]),
        ({}, {"r": {"lacks a"}}, ["r: lacks a"]),
        ({"r": {"lacks a"}}, {"r": {"missing"}}, ["r: missing"]),
        ({"r": {"lacks a"}}, {"r": {"lacks a", "lacks b"}}, ["r: lacks b"]),
        ({"r": {"lacks a"}}, {"r": {"lacks b"}}, ["r: lacks b"]),
        ({"r": {"lacks a", "lacks b"}}, {"r": {"lacks a"}}, []),
        ({"r": {"missing"}}, {"r": {"lacks a"}}, []),
        ({"r": {"missing"}}, {}, []),
        ({"r": {"missing"}}, {"s": {"missing"}}, ["s: missing"]),
    ],
)
def test_a_new_problem_is_worse(before: Gaps, now: Gaps, findings: list[str]) -> None:
    assert worse(before, now) == findings


# Rows


def test_the_rows_of_an_object_follow_from_where_it_is_said_first() -> None:
    facts = {
        "exported_as": ["aiohttp.A", "aiohttp.a.A"],
        "kind": "class",
        "bases": ["abc.ABC"],
        "signature": "()",
    }
    derived = {
        **facts,
        "exported_as": ["aiohttp.a.B"],
        "bases": ["aiohttp.a.A", "abc.ABC"],
        "inherited_members": {"x": {"from": "aiohttp.a.A", "kind": "property"}},
    }
    modules = {"aiohttp": {"public": ["A"], "names": []}, "aiohttp.a": {"public": None, "names": ["A", "B"]}}
    surface = Surface({"modules": modules, "objects": {"aiohttp.a.A": facts, "aiohttp.a.B": derived}})
    repeats = {row.id: row.repeats for row in surface.rows() if row.repeats}
    assert repeats == {
        "name aiohttp.A": "name aiohttp.a.A",
        "signature aiohttp.a.B": "signature aiohttp.a.A",
        "base aiohttp.a.B abc.ABC": "base aiohttp.a.A abc.ABC",
        "member aiohttp.a.B.x": "member aiohttp.a.A.x",
    }


def test_twins_of_one_thing_are_one_object() -> None:
    objects = {
        "aiohttp._c.P": {"exported_as": ["aiohttp.p.P"], "kind": "class", "pure_python_twin": "aiohttp.p.P"},
        "aiohttp.p.P": {"exported_as": ["aiohttp.p.PPy"], "kind": "class", "signature": "(a)"},
    }
    surface = Surface({"modules": {"aiohttp.p": {"public": ["P"], "names": ["PPy"]}}, "objects": objects})
    assert surface.places("aiohttp.p.P") == ["aiohttp.p.P", "aiohttp.p.PPy"]
    assert [row.id for row in surface.rows() if row.category == SIGNATURE] == ["signature aiohttp.p.P"]
