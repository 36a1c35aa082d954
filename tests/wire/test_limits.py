from dataclasses import FrozenInstanceError, fields, replace

import pytest

from pronghorn.wire.limits import DEFAULT_LIMITS, Limits


def test_the_promised_defaults() -> None:
    assert Limits() == DEFAULT_LIMITS
    assert (DEFAULT_LIMITS.line, DEFAULT_LIMITS.fields, DEFAULT_LIMITS.head) == (8190, 128, 64 * 1024)


def test_everything_is_bounded() -> None:
    for field in fields(Limits):
        assert 0 < getattr(DEFAULT_LIMITS, field.name) <= 64 * 1024, field.name


def test_limits_are_constants() -> None:
    with pytest.raises(FrozenInstanceError):
        DEFAULT_LIMITS.line = 1  # type: ignore[misc]  # that it is refused is the point
    assert replace(DEFAULT_LIMITS, line=1).line == 1
