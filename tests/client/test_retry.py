"""What is sent again, when, and how often."""

import asyncio
import dataclasses
import random
import ssl
from typing import Any

import pytest

from pronghorn.client.errors import (
    ClientConnectionError,
    ClientConnectionResetError,
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientConnectorPolicyError,
    ClientOSError,
    ClientPayloadError,
    ClientResponseError,
    ConnectionTimeoutError,
    InvalidURL,
    PoolTimeoutError,
    ServerDisconnectedError,
    ServerFingerprintMismatch,
    SocketTimeoutError,
)
from pronghorn.client.retry import Retry

from .retries import GONE, Handler, Once, Sleeps, Step, ask, make, respond

# What is sent again


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_statuses(status: int) -> None:
    retry, sleeps = make()
    handler = Handler(status, 200)
    assert (await retry(ask(), handler)).status == 200
    assert (handler.count, sleeps) == (2, [0.5])


@pytest.mark.parametrize("status", [200, 301, 400, 401, 408, 409, 425, 500, 501, 505, 507])
async def test_other_statuses(status: int) -> None:
    retry, sleeps = make()
    handler = Handler(status)
    response = await retry(ask(), handler)
    assert (response.status, response.attempts) == (status, ())
    assert (handler.count, sleeps) == (1, [])


async def test_statuses_of_ones_own() -> None:
    retry, _ = make(statuses=[500])
    handler = Handler(500, 503)
    assert (await retry(ask(), handler)).status == 503
    assert handler.count == 2


@pytest.mark.parametrize(
    "error",
    [
        ClientConnectionError("gone"),
        GONE,
        ClientOSError(32, "Broken pipe"),
        ClientConnectionResetError(104, "Reset"),
        ClientConnectorError(None, OSError(111, "Refused")),
        ClientConnectorDNSError(None, OSError("unknown")),
        SocketTimeoutError("sock_read"),
        ConnectionTimeoutError("connect"),
    ],
)
async def test_errors(error: Exception) -> None:
    retry, sleeps = make()
    handler = Handler(error, 200)
    response = await retry(ask(), handler)
    assert (response.status, response.attempts) == (200, (error,))
    assert sleeps == [0.5]


@pytest.mark.parametrize(
    "error",
    [
        ClientConnectorCertificateError(None, ssl.CertificateError("expired")),
        ClientConnectorPolicyError(None, OSError("forbidden")),
        ServerFingerprintMismatch(b"a", b"b", "host", 443),
        PoolTimeoutError("pool"),
        TimeoutError("The request took longer than its total"),
        asyncio.CancelledError(),
        ClientPayloadError("short"),
        ClientResponseError(ask().info, status=503),
        InvalidURL("x"),
        OSError("not of the connection"),
        ValueError("a mistake"),
        KeyboardInterrupt(),
    ],
)
async def test_other_errors(error: BaseException) -> None:
    retry, sleeps = make(methods=None)
    handler = Handler(error)
    with pytest.raises(type(error)) as raised:
        await retry(ask(), handler)
    assert raised.value is error
    assert (handler.count, sleeps) == (1, [])


@pytest.mark.parametrize("step", [503, GONE])
@pytest.mark.parametrize(
    ("method", "count"),
    [
        *((method, 2) for method in ("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY")),
        *((method, 1) for method in ("POST", "PATCH", "CONNECT", "get", "LOCK")),
    ],
)
async def test_methods(method: str, count: int, step: Step) -> None:
    retry, _ = make(attempts=2)
    handler = Handler(step, step)
    try:
        await retry(ask(method), handler)
    except ServerDisconnectedError:
        pass
    assert handler.count == count


@pytest.mark.parametrize("methods", [None, {"POST"}, ["get", "post"]])
async def test_methods_of_ones_own(methods: Any) -> None:
    retry, _ = make(methods=methods)
    assert (await retry(ask("POST"), Handler(503, 200))).status == 200
    assert (await retry(ask("PUT"), Handler(503, 200))).status == (200 if methods is None else 503)


# How often


@pytest.mark.parametrize("attempts", [1, 2, 5])
async def test_attempts(attempts: int) -> None:
    retry, sleeps = make(attempts=attempts)
    last = respond(503)
    handler = Handler(*[503] * (attempts - 1), last)
    assert await retry(ask(), handler) is last
    assert (len(last.attempts), len(sleeps)) == (attempts - 1, attempts - 1)
    assert not last.is_discarded

    errors = [ServerDisconnectedError(str(number)) for number in range(attempts)]
    with pytest.raises(ServerDisconnectedError) as raised:
        await retry(ask(), Handler(*errors))
    assert raised.value is errors[-1]


async def test_each_request_has_its_own_tries() -> None:
    retry, sleeps = make(attempts=3)
    for _ in range(2):
        assert (await retry(ask(), Handler(503, 503, 200))).status == 200
    assert sleeps == [0.5, 1.0, 0.5, 1.0]


# When


@pytest.mark.parametrize(
    ("options", "waits"),
    [
        ({}, [0.5, 1, 2, 4, 8]),
        ({"max_delay": 3}, [0.5, 1, 2, 3, 3]),
        ({"max_delay": 0.25}, [0.25] * 5),
        ({"backoff": 1, "factor": 1}, [1] * 5),
        ({"backoff": 1, "factor": 3.0}, [1, 3, 9, 27, 30]),
        ({"backoff": 0}, [0] * 5),
        ({"factor": 1e308}, [0.5, 30, 30, 30, 30]),
        ({"factor": 10**308, "backoff": 10**308, "max_delay": 10**308, "jitter": lambda: 0}, [0] * 5),
        ({"jitter": lambda: 0.5}, [0.25, 0.5, 1, 2, 4]),
        ({"jitter": lambda: 0.0}, [0] * 5),
    ],
)
async def test_backoff(options: dict[str, Any], waits: list[float]) -> None:
    for step in (503, GONE):
        retry, sleeps = make(attempts=6, **options)
        await retry(ask(), Handler(*[step] * 5, 200))
        assert sleeps == waits


async def test_backoff_has_no_end() -> None:
    retry, sleeps = make(attempts=3000, budget=None, factor=10)
    await retry(ask(), Handler(*[GONE] * 2999, 200))
    assert (len(sleeps), set(sleeps[2:])) == (2999, {30})


async def test_full_jitter_is_the_default() -> None:
    sleeps = Sleeps()
    retry = Retry(attempts=400, budget=None, factor=1, backoff=8, sleep=sleeps)
    assert retry.jitter == random.random
    await retry(ask(), Handler(*[503] * 399, 200))
    assert 0 <= min(sleeps) < 1
    assert 7 < max(sleeps) <= 8


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("7", 7),
        ("120", 120),
        ("0", 0.5),
        ("", 0.5),
        ("-7", 0.5),
        ("7.5", 0.5),
        ("٧", 0.5),
        ("soon", 0.5),
        ("Sun, 06 Nov 1994 08:49:47 GMT", 10),
        ("Sunday, 06-Nov-94 08:49:47 GMT", 10),
        ("Sun Nov  6 08:49:47 1994", 10),
        ("Sun, 06 Nov 1994 08:49:17 GMT", 0.5),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0.5),
        ("Sun, 99 Nov 1994 08:49:47 GMT", 0.5),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after(value: str, wait: float, status: int) -> None:
    retry, sleeps = make()
    response = await retry(ask(), Handler(respond(status, Retry_After=value), 200))
    assert (response.status, sleeps) == (200, [wait])


async def test_retry_after_is_not_shortened_by_chance() -> None:
    retry, sleeps = make(jitter=lambda: 0.0, max_delay=1)
    await retry(ask(), Handler(respond(503, Retry_After="7"), respond(503), 200))
    assert sleeps == [7, 0]


@pytest.mark.parametrize("value", ["121", "1" + "0" * 5000, "Sun, 06 Nov 1994 08:51:38 GMT"])
async def test_a_longer_retry_after(value: str) -> None:
    retry, sleeps = make(max_retry_after=120)
    response = respond(503, Retry_After=value)
    handler = Handler(503, response)
    assert await retry(ask(), handler) is response
    assert sleeps == [0.5]
    assert len(response.attempts) == 1
    assert not response.is_discarded


# The budget


async def test_budget() -> None:
    retry, _ = make(attempts=3, budget=0.2, reserve=10)
    handler = Handler(*[503] * 10_000)
    counts = []
    for _ in range(100):
        before = handler.count
        await retry(ask(), handler)
        counts.append(handler.count - before - 1)
    assert counts[:5] == [2] * 5
    assert sum(counts) == 10 + 20 - 1  # the first one found the bucket full


async def test_budget_comes_back_with_requests() -> None:
    retry, _ = make(attempts=2, budget=0.1, reserve=2)
    for _ in range(2):
        handler = Handler(503, 503, 503, 503, 503)
        for _ in range(3):
            await retry(ask(), handler)
        assert handler.count == 5
        for _ in range(50):
            await retry(ask(), Handler(200))


async def test_a_budget_that_comes_back_at_once() -> None:
    retry, _ = make(attempts=9, budget=5, reserve=2)
    for _ in range(3):
        handler = Handler(503, 503, 503)
        await retry(ask(), handler)
        assert handler.count == 3


async def test_fractions_make_a_whole_one() -> None:
    retry, _ = make(attempts=2, budget=0.1, reserve=0)
    handler = Handler(*[503] * 9, 503, 200)
    statuses = [(await retry(ask(), handler)).status for _ in range(10)]
    assert statuses == [503] * 9 + [200]


@pytest.mark.parametrize(("options", "count"), [({"budget": 0, "reserve": 3}, 13), ({"budget": None}, 30)])
async def test_budgets_at_the_ends(options: dict[str, Any], count: int) -> None:
    retry, _ = make(attempts=3, **options)
    handler = Handler(*[503] * 30)
    for _ in range(10):
        await retry(ask(), handler)
    assert handler.count == count


async def test_replace_makes_another_budget() -> None:
    one, _ = make(attempts=2, budget=0, reserve=1)
    await one(ask(), Handler(503, 503))
    other = dataclasses.replace(one, statuses={500, 503})
    handler = Handler(500, 200)
    assert (await other(ask(), handler)).status == 200
    assert (await one(ask(), Handler(503))).status == 503


async def test_budget_of_many_at_once() -> None:
    retry, _ = make(attempts=2, sleep=asyncio.sleep, backoff=0)
    handler = Handler(*[GONE] * 300)
    outcomes = await asyncio.gather(*(retry(ask(), handler) for _ in range(100)), return_exceptions=True)
    assert all(outcome is GONE for outcome in outcomes)
    assert handler.count == 100 + 10 + 20 - 1


async def test_budget_pays_for_what_is_made_alone() -> None:
    retry, _ = make(attempts=2, budget=0, reserve=1)
    await retry(ask("POST"), Handler(503))
    await retry(ask(), Handler(500))
    await retry(ask(), Handler(respond(503, Retry_After="999")))
    await retry(ask("PUT", Once(0)), Handler(503))
    handler = Handler(503, 503)
    await retry(ask(), handler)
    assert handler.count == 2
    assert (await retry(ask(), Handler(503))).status == 503
