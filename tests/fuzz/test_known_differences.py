"""The lists of known differences: each entry is real, and is what it says."""

import pytest

from .checks import KNOWN_OF_REQUESTS, KNOWN_OF_RESPONSES, request_differences, response_differences
from .differences import Difference, Known


def _name(known: Known) -> str:
    return known.name


def _expect_covered(known: Known, found: list[Difference]) -> None:
    by_peer = {each.peer: each for each in found}
    for peer in known.peers:
        assert peer in by_peer, f"{peer} reads it as we do"
        assert known.covers(by_peer[peer]), str(by_peer[peer])


@pytest.mark.parametrize("known", KNOWN_OF_REQUESTS, ids=_name)
def test_request(known: Known) -> None:
    _expect_covered(known, request_differences(known.example))


@pytest.mark.parametrize("known", KNOWN_OF_RESPONSES, ids=_name)
def test_response(known: Known) -> None:
    _expect_covered(known, response_differences(known.example, known.asking))


@pytest.mark.parametrize("table", [KNOWN_OF_REQUESTS, KNOWN_OF_RESPONSES], ids=["requests", "responses"])
def test_an_entry_names_its_clause_and_who_departs_from_it(table: tuple[Known, ...]) -> None:
    names = [known.name for known in table]
    assert len(set(names)) == len(names)
    for known in table:
        assert known.clause.startswith("RFC "), known.name
        assert known.fault in ("theirs", "choice"), known.name
