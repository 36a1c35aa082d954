import pytest

from pronghorn.client.timeouts import DEFAULT_TIMEOUT, ClientTimeout

PHASES = ("total", "connect", "sock_read", "sock_connect")


def test_nothing_is_limited_unless_said() -> None:
    assert ClientTimeout() == ClientTimeout(None, None, None, None)


def test_default_is_five_minutes_and_thirty_seconds_for_connecting() -> None:
    assert ClientTimeout(total=300, sock_connect=30) == DEFAULT_TIMEOUT


@pytest.mark.parametrize("phase", PHASES)
def test_zero_is_no_limit(phase: str) -> None:
    assert getattr(ClientTimeout(**{phase: 0}), phase) is None


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("value", [1, 0.5, float("inf")])
def test_numbers_are_seconds(phase: str, value: float) -> None:
    assert getattr(ClientTimeout(**{phase: value}), phase) == value


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("value", ["5", True, b"1", [1]])
def test_another_type_is_refused_by_name(phase: str, value: object) -> None:
    with pytest.raises(TypeError, match=phase):
        ClientTimeout(**{phase: value})  # type: ignore[arg-type]  # what is tested


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("value", [-1, -0.1, float("nan"), float("-inf")])
def test_what_is_no_duration_is_refused_by_name(phase: str, value: float) -> None:
    with pytest.raises(ValueError, match=phase):
        ClientTimeout(**{phase: value})


def test_is_frozen_and_compares_by_value() -> None:
    timeout = ClientTimeout(total=1)
    with pytest.raises(AttributeError):
        timeout.total = 2  # type: ignore[misc]  # what is tested
    assert {timeout: 1}[ClientTimeout(total=1)] == 1
