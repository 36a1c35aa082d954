from dataclasses import FrozenInstanceError, fields, replace

import pytest

from pronghorn.wire.limits import DEFAULT_LIMITS, Limits, head_limits


def test_the_promised_defaults() -> None:
    assert Limits() == DEFAULT_LIMITS
    assert (DEFAULT_LIMITS.start_line, DEFAULT_LIMITS.field_line) == (8190, 8190)
    assert (DEFAULT_LIMITS.fields, DEFAULT_LIMITS.head) == (128, 64 * 1024)


def test_everything_is_bounded() -> None:
    for field in fields(Limits):
        assert 0 < getattr(DEFAULT_LIMITS, field.name) <= 64 * 1024, field.name


def test_limits_are_constants() -> None:
    with pytest.raises(FrozenInstanceError):
        DEFAULT_LIMITS.fields = 1  # type: ignore[misc]  # that it is refused is the point
    assert replace(DEFAULT_LIMITS, fields=1).fields == 1


@pytest.mark.parametrize("name", [field.name for field in fields(Limits)])
def test_limits_are_numbers(name: str) -> None:
    with pytest.raises(TypeError, match=f"{name}: expected an int, got '1'"):
        Limits(**{name: "1"})  # type: ignore[arg-type]  # that it is refused is the point
    with pytest.raises(ValueError, match=f"{name}: expected a number not below 0, got -1"):
        Limits(**{name: -1})


def test_heads_grow_with_their_lines() -> None:
    assert head_limits(8190, 8190, 128) is DEFAULT_LIMITS
    assert head_limits(100, 200, 3) == Limits(start_line=100, field_line=200, fields=3)
    assert head_limits(8190, 2 * 8190, 128) == Limits(
        field_line=2 * 8190, head=128 * 1024, trailers=32 * 1024
    )
    assert head_limits(4 * 8190, 8190, 128).head == 256 * 1024
