"""What one role writes, the other, llhttp and h11 read as it was meant."""

from random import Random

import pytest
from hypothesis import given

from .generated import few, many, randoms
from .written import check_written_request, check_written_response


@few
@given(randoms)
def test_requests(rng: Random) -> None:
    check_written_request(rng)


@few
@given(randoms)
def test_responses(rng: Random) -> None:
    check_written_response(rng)


@pytest.mark.full
@many
@given(randoms)
def test_many_requests(rng: Random) -> None:
    check_written_request(rng)


@pytest.mark.full
@many
@given(randoms)
def test_many_responses(rng: Random) -> None:
    check_written_response(rng)
