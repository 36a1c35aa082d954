"""Responses: what we accept, llhttp and h11 read alike or not at all, but for what is listed."""

import pytest
from hypothesis import given

from .checks import check_response
from .corpus_files import RESPONSES
from .generated import askings, few, many, responses
from .readers import ASKINGS, Asking


@pytest.mark.parametrize("wire", RESPONSES.values(), ids=RESPONSES)
def test_corpus(wire: bytes) -> None:
    for asking in ASKINGS:
        check_response(wire, asking)


@few
@given(responses, askings)
def test_near_valid(wire: bytes, asking: Asking) -> None:
    check_response(wire, asking)


@pytest.mark.full
@many
@given(responses, askings)
def test_many_near_valid(wire: bytes, asking: Asking) -> None:
    check_response(wire, asking)
