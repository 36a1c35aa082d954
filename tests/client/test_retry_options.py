"""What a `Retry` can be told, and what it says of itself."""

import asyncio
import time
from typing import Any

import pytest

from pronghorn.client.retry import Retry

NUMBERS = ("backoff", "factor", "max_delay", "max_retry_after", "budget", "reserve")
NOT_FINITE = (float("nan"), float("inf"), float("-inf"), 10**400)


def test_defaults_and_repr() -> None:
    retry = Retry()
    assert repr(retry) == (
        "Retry(attempts=3, statuses=[429, 502, 503, 504], "
        "methods=['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PUT', 'QUERY', 'TRACE'], backoff=0.5, factor=2.0, "
        "max_delay=30.0, max_retry_after=120.0, budget=0.2, reserve=10.0)"
    )
    assert (retry.clock, retry.sleep) == (time.time, asyncio.sleep)
    assert "methods=None" in repr(Retry(methods=None))


def test_options_are_frozen() -> None:
    statuses = {503}
    retry = Retry(statuses=statuses, methods=iter(["get"]))  # type: ignore[arg-type]  # any iterable will do
    statuses.add(500)
    assert retry.statuses == frozenset({503})
    assert retry.methods == frozenset({"GET"})
    with pytest.raises(AttributeError):
        retry.attempts = 9  # type: ignore[misc]  # that is the point
    with pytest.raises(TypeError):
        Retry(3)  # type: ignore[call-arg]  # by names alone
    assert Retry() != Retry()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("attempts", value) for value in (0, -1)),
        *((name, value) for name in NUMBERS for value in (-1, -0.1, *NOT_FINITE)),
        ("factor", 0.5),
        *(("statuses", value) for value in ({99}, [600], [-503])),
        *(("methods", [value]) for value in ("", "GET ", "GÉT", "G\r\n", "\ud800")),
    ],
)
def test_bad_values(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"^{name}: expected"):
        Retry(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("attempts", value) for value in (None, "3", 3.0, True)),
        *((name, value) for name in NUMBERS for value in ("1", True, 1j, b"1")),
        *((name, None) for name in NUMBERS if name != "budget"),
        *(("statuses", value) for value in (None, 503, "503", b"503", ["503"], [503.0], [True])),
        *(("methods", value) for value in ("GET", b"GET", 1, [1], [b"GET"])),
        *(("jitter", value) for value in (0.5, "full")),
        *((name, value) for name in ("clock", "sleep") for value in (None, 1)),
    ],
)
def test_wrong_types(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match=rf"^{name}: expected"):
        Retry(**{name: value})
