"""What a retry sends of the body, and what it tells of what happened."""

import asyncio
import gc
import io
import logging
import weakref
from collections.abc import AsyncIterator

import pytest

from pronghorn.body.payload import Collector
from pronghorn.client.errors import ClientConnectionError, ClientResponseError, ServerDisconnectedError
from pronghorn.client.middlewares import ClientHandlerType
from pronghorn.client.outgoing import ClientRequest
from pronghorn.client.response import ClientResponse
from pronghorn.client.retry import Retry

from .retries import GONE, URL_, Handler, Once, Step, ask, make, respond

# The body


async def test_a_body_is_rewound() -> None:
    sent = Collector()

    class Sending(Handler):
        async def __call__(self, request: ClientRequest) -> ClientResponse:
            await request.write_body(sent)
            return await super().__call__(request)

    retry, _ = make()
    request = ask("PUT", io.BytesIO(b"abc"))
    assert (await retry(request, Sending(503, GONE, 200))).status == 200
    assert sent.content == b"abc" * 3
    await request.close_body()


@pytest.mark.parametrize("step", [503, GONE])
async def test_a_body_that_can_be_sent_once(step: Step) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"abc"

    retry, sleeps = make()
    request = ask("PUT", pieces())
    await request.write_body(Collector())
    if isinstance(step, int):
        response = respond(step)
        assert await retry(request, Handler(response)) is response
        assert not response.is_discarded
        assert response.attempts == ()
    else:
        with pytest.raises(ServerDisconnectedError):
            await retry(request, Handler(step))
    assert not sleeps


@pytest.mark.parametrize("step", [503, GONE])
async def test_a_body_that_is_gone_after_the_wait(step: Step) -> None:
    retry, sleeps = make()
    handler = Handler(step, step)
    # It lasts for the first retry, and half of the second.
    request = ask("PUT", Once(3))
    if isinstance(step, int):
        response = await retry(request, handler)
        assert (response.status, len(response.attempts)) == (503, 1)
    else:
        with pytest.raises(ServerDisconnectedError):
            await retry(request, handler)
    assert (handler.count, len(sleeps)) == (2, 2)


# What is told


async def test_attempts_of_the_response() -> None:
    retry, _ = make(attempts=4)
    first, second, last = respond(503, Retry_After="1"), respond(429), respond(200)
    stale, later = ServerDisconnectedError("stale"), ServerDisconnectedError("later")
    second.attempts, last.attempts = [stale], [later]
    response = await retry(ask(), Handler(first, GONE, second, last))
    assert response is last
    told = response.attempts
    assert isinstance(told, tuple)
    assert told[1:3] == (GONE, stale)
    assert told[4] is later
    assert len(told) == 5
    for failure, status in ((told[0], 503), (told[3], 429)):
        assert isinstance(failure, ClientResponseError)
        assert (failure.status, failure.message) == (status, "Reason")
        assert failure.request_info.real_url == URL_
    assert isinstance(told[0], ClientResponseError)
    assert told[0].headers is not None
    assert told[0].headers["Retry-After"] == "1"
    assert (first.is_discarded, second.is_discarded, last.is_discarded) == (True, True, False)


async def test_nothing_is_said_of_what_went_well() -> None:
    retry, _ = make()
    response = respond(200)
    response.attempts = attempts = [GONE]
    assert (await retry(ask(), Handler(response))).attempts is attempts


async def test_errors_hold_no_frames() -> None:
    async def failing(request: ClientRequest) -> ClientResponse:
        try:
            raise OSError("inner")
        except OSError as inner:
            raise ServerDisconnectedError from inner

    async def handler(request: ClientRequest) -> ClientResponse:
        return await script.pop(0)(request)

    retry, _ = make()
    script: list[ClientHandlerType] = [failing, Handler(ClientConnectionError()), Handler(200)]
    gc.disable()
    try:
        response = await retry(ask(), handler)
        assert str(response.attempts[0].__cause__) == "inner"
        kept = weakref.ref(response)
        del response
        assert kept() is None
    finally:
        gc.enable()


async def test_the_last_error_has_its_traceback() -> None:
    retry, _ = make(attempts=2)
    with pytest.raises(ServerDisconnectedError) as raised:
        await retry(ask(), Handler(GONE, ServerDisconnectedError("last")))
    assert raised.traceback[-1].name == "__call__"
    assert raised.value.__context__ is None


async def test_log(caplog: pytest.LogCaptureFixture) -> None:
    retry, _ = make()
    error = ClientConnectionError("Connection refused: GET http://host/path?token=secret")
    with caplog.at_level(logging.DEBUG, "pronghorn.client"):
        await retry(ask(), Handler(503, error, 200))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("DEBUG", "GET http://host/path: status 503; sent again in 0.5 s, try 2 of 3"),
        ("DEBUG", "GET http://host/path: ClientConnectionError; sent again in 1.0 s, try 3 of 3"),
    ]


async def test_no_log(caplog: pytest.LogCaptureFixture) -> None:
    retry, _ = make()
    with caplog.at_level(logging.DEBUG, "pronghorn.client"):
        await retry(ask(), Handler(200))
        await retry(ask("POST"), Handler(503))
    with caplog.at_level(logging.INFO, "pronghorn.client"):
        await retry(ask(), Handler(503, 200))
    assert not caplog.records


async def test_a_wait_ends_with_its_caller() -> None:
    is_waiting = asyncio.Event()

    async def sleep(seconds: float) -> None:
        is_waiting.set()
        await asyncio.Event().wait()

    retry, _ = make(sleep=sleep)
    first = respond(503)
    handler = Handler(first)
    task = asyncio.create_task(_as_coroutine(retry, handler))
    await is_waiting.wait()
    assert first.is_discarded
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert handler.count == 1


async def _as_coroutine(retry: Retry, handler: Handler) -> ClientResponse:
    return await retry(ask(), handler)
