"""THREAT_MODEL.md names the tests that stand for its words: all of them are there, by that name."""

import re
from collections.abc import Iterator, Mapping

import pytest

from ..named_tests import ROOT, is_there, names_in, parts_of
from . import test_applications, test_requests, test_responses

TEXT = (ROOT / "THREAT_MODEL.md").read_text("utf-8")
CASES: dict[str, Mapping[str, object]] = {
    "test_applications.py": test_applications.CASES,
    "test_requests.py": test_requests.CASES,
    "test_responses.py": test_responses.CASES,
}

_ADVISORY = re.compile(r"CVE-\d{4}-\d{4,}|GHSA(?:-[0-9a-z]{4}){3}")


def rows() -> Iterator[tuple[str, str, str]]:
    """The rows of the tables: attack, answer, tests."""
    for line in TEXT.splitlines():
        if line.startswith("| ") and not line.startswith("| attack "):
            attack, answer, tests = line.strip("| ").split(" | ")
            yield attack, answer, tests


NAMED = sorted({name for _, _, tests in rows() for name in names_in(tests)})


@pytest.mark.parametrize("name", NAMED)
def test_a_test_that_is_named_is_there(name: str) -> None:
    path, test, case = parts_of(name)
    assert is_there(path, test)
    if case is not None:
        assert case in CASES[path.name]


def test_each_row_names_a_test() -> None:
    assert len(list(rows())) > 50
    assert [attack for attack, _, tests in rows() if not re.search(r"`tests/", tests)] == []


@pytest.mark.parametrize("cases", CASES.values(), ids=CASES)
def test_each_advisory_that_has_a_case_is_in_the_model(cases: Mapping[str, object]) -> None:
    assert sorted(set(_ADVISORY.findall(" ".join(cases))) - set(_ADVISORY.findall(TEXT))) == []


def test_no_attack_stands_twice() -> None:
    attacks = [attack for attack, _, _ in rows()]
    assert sorted({attack for attack in attacks if attacks.count(attack) > 1}) == []
