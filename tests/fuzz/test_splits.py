"""Any split of the same bytes tells the same, in both roles; after an error nothing is read."""

import pytest
from hypothesis import given

from pronghorn.wire.limits import Limits

from .corpus_files import REQUESTS, RESPONSES
from .generated import askings, few, limits, many, split_requests, split_responses
from .readers import ASKINGS, Asking
from .splits import LIMITS, check_splits


def halves(wire: bytes) -> list[bytes]:
    return [wire[: len(wire) // 2], wire[len(wire) // 2 :]]


@pytest.mark.parametrize("wire", REQUESTS.values(), ids=REQUESTS)
def test_corpus_of_requests(wire: bytes) -> None:
    for each in LIMITS:
        check_splits(wire, None, each, halves(wire))


@pytest.mark.parametrize("wire", RESPONSES.values(), ids=RESPONSES)
def test_corpus_of_responses(wire: bytes) -> None:
    for each in LIMITS:
        for asking in ASKINGS:
            check_splits(wire, asking, each, halves(wire))


@few
@given(split_requests, limits)
def test_requests(case: tuple[bytes, list[bytes]], limits: Limits) -> None:
    check_splits(case[0], None, limits, case[1])


@few
@given(split_responses, askings, limits)
def test_responses(case: tuple[bytes, list[bytes]], asking: Asking, limits: Limits) -> None:
    check_splits(case[0], asking, limits, case[1])


@pytest.mark.full
@many
@given(split_requests, limits)
def test_many_requests(case: tuple[bytes, list[bytes]], limits: Limits) -> None:
    check_splits(case[0], None, limits, case[1])


@pytest.mark.full
@many
@given(split_responses, askings, limits)
def test_many_responses(case: tuple[bytes, list[bytes]], asking: Asking, limits: Limits) -> None:
    check_splits(case[0], asking, limits, case[1])
