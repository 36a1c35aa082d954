"""Requests: what we accept, llhttp and h11 read alike or not at all, but for what is listed."""

import pytest
from hypothesis import given

from .checks import check_requests
from .corpus_files import REQUESTS
from .generated import few, many, requests


@pytest.mark.parametrize("wire", REQUESTS.values(), ids=REQUESTS)
def test_corpus(wire: bytes) -> None:
    check_requests(wire)


@few
@given(requests)
def test_near_valid(wire: bytes) -> None:
    check_requests(wire)


@pytest.mark.full
@many
@given(requests)
def test_many_near_valid(wire: bytes) -> None:
    check_requests(wire)
