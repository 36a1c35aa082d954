"""When an event source asks for its stream again, how often, and how that ends."""

import asyncio
import io
import json
from collections.abc import AsyncIterator

import pytest

from pronghorn.body.payload import BytesPayload
from pronghorn.client.errors import (
    ClientPayloadError,
    ClientResponseError,
    ServerDisconnectedError,
)
from pronghorn.client.sse import EventSource

from .event_sources import (
    EMPTY,
    GONE,
    NO_CONTENT,
    URL_,
    Answer,
    Session,
    all_given_up,
    data,
    events,
    forever,
    make,
    status,
    turns,
)

# How long it waits


@pytest.mark.parametrize(
    ("chance", "waits"),
    [
        (0.0, [3, 3, 3, 3, 3, 3, 3]),
        (0.5, [3, 4.5, 7.5, 13.5, 25.5, 31.5, 31.5]),
        (1.0, [3, 6, 12, 24, 48, 60, 60]),
    ],
)
async def test_backoff(chance: float, waits: list[float]) -> None:
    for in_vain in (GONE, status(503), EMPTY):
        source, _, clock = make(*[in_vain] * 7, NO_CONTENT, chance=chance)
        await data(source)
        assert clock.sleeps == waits


async def test_backoff_is_over_with_an_event() -> None:
    id_alone = Answer([b"id: 1\n\n: comment\n\n"])
    script: list[Answer | Exception] = [
        GONE,
        GONE,
        id_alone,
        GONE,
        events("1", "2"),
        GONE,
        events("3"),
        NO_CONTENT,
    ]
    source, _, clock = make(*script, chance=1.0)
    await data(source)
    assert clock.sleeps == [3, 6, 12, 24, 3, 6, 3]


async def test_backoff_has_no_end() -> None:
    source, session, clock = make(*[GONE] * 2000, NO_CONTENT, chance=1.0)
    await data(source)
    assert len(session.requests) == 2001
    assert set(clock.sleeps[5:]) == {60}


@pytest.mark.parametrize(
    ("retry", "max_delay", "waits"),
    [
        (1000, 60, [1, 2, 4]),
        (0, 60, [2, 4]),  # not at all, then: the first is no wait
        (100, 60, [0.1, 2, 4]),
        (5000, 8, [5, 8, 8]),
        (5000, 2, [5, 5, 5]),  # never less than the server asked for
        (10_000_000, 60, [3600, 3600, 3600]),
    ],
)
async def test_the_servers_retry(retry: int, max_delay: float, waits: list[float]) -> None:
    stream = Answer([b"retry: %d\ndata: 1\n\n" % retry])
    source, _, clock = make(stream, GONE, GONE, NO_CONTENT, chance=1.0, max_delay=max_delay)
    assert source.retry == 3000
    async with source:
        await anext(source)
        assert source.retry == retry
        assert [event async for event in source] == []
        assert source.retry == retry
    assert clock.sleeps == waits


async def test_the_servers_retry_outlives_its_stream() -> None:
    source, _, clock = make(Answer([b"retry: 500\ndata: 1\n\n"]), events("2"), events("3"), NO_CONTENT)
    await data(source)
    assert clock.sleeps == [0.5, 0.5, 0.5]
    assert source.retry == 500


async def test_retry_to_begin_with() -> None:
    source, _, clock = make(GONE, EMPTY, Answer([b"retry: 7\n"]), NO_CONTENT, retry=500)
    assert source.retry == 500
    await data(source)
    assert clock.sleeps == [0.5, 0.5, 0.007]
    assert source.retry == 7


@pytest.mark.parametrize(
    ("field", "wait"),
    [
        ("0", 3),
        ("2", 3),
        ("120", 120),
        ("3601", 3600),
        ("9" * 5000, 3600),
        ("Sun, 06 Nov 1994 08:50:37 GMT", 60),
        ("Sunday, 06-Nov-94 08:50:37 GMT", 60),
        ("Sun Nov  6 08:50:37 1994", 60),
        ("Sun, 06 Nov 1994 08:49:38 GMT", 3),
        ("Sat, 05 Nov 1994 08:49:37 GMT", 3),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
        ("Fri, 32 Dec 9999 23:59:59 GMT", 3),
        ("", 3),
        ("-120", 3),
        ("120.5", 3),
        ("soon", 3),
        ("\u0661\u0662\u0660", 3),
        ("\u00b2", 3),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_retry_after(field: str, wait: float) -> None:
    for code in (429, 503):
        source, _, clock = make(status(code, Retry_After=field), NO_CONTENT)
        await data(source)
        assert clock.sleeps == [wait]


async def test_retry_after_is_the_least() -> None:
    busy = status(503, Retry_After="10")
    source, _, clock = make(busy, busy, busy, status(503), NO_CONTENT, chance=1.0)
    await data(source)
    assert clock.sleeps == [10, 10, 12, 24]


async def test_time_that_went_by_counts() -> None:
    source, _, clock = make(events("1"), events("2"), NO_CONTENT)
    async with source:
        await anext(source)
        clock.gate = asyncio.Event()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await anext(source)
        clock.now += 1
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await anext(source)
        clock.now += 2
        assert (await anext(source)).data == "2"
    assert clock.sleeps == [3, 2]


async def test_by_default_the_clock_is_the_systems_and_chance_is_chance() -> None:
    session = Session(GONE, GONE, NO_CONTENT)
    source = EventSource(session, "GET", URL_, retry=1, max_delay=0.001)
    assert await data(source) == []
    assert len(session.requests) == 3


# How often


@pytest.mark.parametrize("retries", [0, 1, 3])
async def test_max_retries(retries: int) -> None:
    source, session, _ = make(GONE, max_retries=retries)
    with pytest.raises(ServerDisconnectedError):
        await data(source)
    assert len(session.requests) == retries + 1
    source, session, _ = make(status(503), max_retries=retries)
    with pytest.raises(ClientResponseError, match="503"):
        await data(source)
    assert len(session.requests) == retries + 1
    source, session, _ = make(EMPTY, max_retries=retries)
    assert await data(source) == []
    assert len(session.requests) == retries + 1


async def test_max_retries_are_in_a_row() -> None:
    script: list[Answer | Exception] = [GONE, GONE, events("1"), GONE, events("2"), GONE, GONE, GONE]
    source, session, _ = make(*script, max_retries=2)
    assert [(await anext(source)).data, (await anext(source)).data] == ["1", "2"]
    with pytest.raises(ServerDisconnectedError):
        await anext(source)
    assert len(session.requests) == 7


async def test_without_retries_it_is_one_response() -> None:
    assert await data(make(events("1", "2"), max_retries=0)[0]) == ["1", "2"]
    source, session, _ = make(Answer([b"data: 1\n\ndata: 2"], ClientPayloadError("cut")), max_retries=0)
    async with source:
        assert (await anext(source)).data == "1"
        with pytest.raises(ClientPayloadError, match="cut"):
            await anext(source)
    assert all_given_up(session)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "post", "DELETE", "FOO"])
async def test_what_is_not_safe_is_not_asked_again(method: str) -> None:
    source, session, _ = make(events("1"), method=method, json={"a": 1})
    assert await data(source) == ["1"]
    assert len(session.requests) == 1
    assert session.requests[0]["json"] == {"a": 1}


async def test_unless_it_is_allowed() -> None:
    source, session, _ = make(events("1"), GONE, NO_CONTENT, method="POST", json={"a": 1}, max_retries=None)
    assert await data(source) == ["1"]
    assert [request["json"] for request in session.requests] == [{"a": 1}] * 3
    source, session, _ = make(events("1"), NO_CONTENT, method="query", data=b"x")
    assert await data(source) == ["1"]
    assert len(session.requests) == 2


class Taken(BytesPayload):
    """A body that can be sent so many times."""

    def __init__(self, value: bytes, times: int) -> None:
        super().__init__(value)
        self.left = times - 1

    def rewind(self) -> bool:
        self.left -= 1
        return self.left >= 0


async def test_a_body_is_sent_as_often_as_it_can_be() -> None:
    body = Taken(b"x", 3)
    source, session, _ = make(EMPTY, method="QUERY", data=body)
    assert await data(source) == []
    assert [request["data"] for request in session.requests] == [body] * 3
    source, session, _ = make(GONE, method="POST", data=Taken(b"x", 1), max_retries=5)
    with pytest.raises(ServerDisconnectedError):
        await data(source)
    assert len(session.requests) == 1


async def test_what_is_given_as_a_body_is_made_one_once() -> None:
    file = io.BytesIO(b"abc")
    source, session, _ = make(GONE, EMPTY, NO_CONTENT, method="POST", data=file, max_retries=5)
    assert await data(source) == []
    first, second, third = (request["data"] for request in session.requests)
    assert first is second is third
    assert await first.as_bytes() == b"abc"


async def test_it_ends_with_its_session() -> None:
    source, session, clock = make(events("1"))
    async with source:
        await anext(source)
        session.closed = True
        with pytest.raises(StopAsyncIteration):
            await anext(source)
    source, session, clock = make(GONE)
    session.closed = True
    with pytest.raises(ServerDisconnectedError):
        await data(source)
    assert clock.sleeps == []


async def test_a_body_that_comes_as_it_is_made() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield json.dumps({}).encode()

    source, session, _ = make(EMPTY, method="POST", data=pieces(), max_retries=3)
    session.on_the_way = lambda: session.requests[-1]["data"].write(Nowhere())
    assert await data(source) == []
    assert len(session.requests) == 1


class Nowhere:
    async def write(self, data: bytes) -> None:
        pass


# More than one task


async def test_two_readers() -> None:
    source, session, _ = make(Answer([b"data: 1\n\n"], "stay"))
    async with source:
        await anext(source)
        reader = asyncio.ensure_future(anext(source))
        await turns()
        for step in (source.__anext__, source.__aenter__):
            with pytest.raises(RuntimeError, match="read by another coroutine"):
                await step()
        session.responses[0].content.feed_data(b"data: 2\n\n")
        assert (await reader).data == "2"
        session.responses[0].content.feed_data(b"data: 3\n\n")
        assert (await anext(source)).data == "3"


async def test_two_that_enter() -> None:
    source, session, _ = make(events("1"))
    session.on_the_way = forever
    entering = asyncio.ensure_future(source.__aenter__())
    await turns()
    with pytest.raises(RuntimeError, match="read by another coroutine"):
        await source.__aenter__()
    await source.aclose()
    assert await entering is source


@pytest.mark.parametrize("retries", [1, None])
@pytest.mark.parametrize("where", ["request", "sleep", "content"])
async def test_closing_wakes_who_waits(where: str, retries: int | None) -> None:
    source, session, clock = make(events("1"), Answer(end="stay"), max_retries=retries)
    async with source:
        await anext(source)
        if where == "request":
            session.on_the_way = forever
        elif where == "sleep":
            clock.gate = asyncio.Event()
        task = asyncio.ensure_future(anext(source, None))
        await turns()
        assert not task.done()
        await source.aclose()
        await source.aclose()
        assert await task is None
        assert not task.cancelling()
        assert all_given_up(session)
        assert [event async for event in source] == []


async def test_closing_while_the_answer_comes() -> None:
    """It is there in the very turn in which the source is closed: the one or the other comes first."""
    for is_first in (True, False):
        source, session, _ = make(Answer([b"data: 1\n\n"], "stay"))
        gate = asyncio.Event()
        session.on_the_way = gate.wait
        task = asyncio.ensure_future(anext(source, None))
        await turns()
        if is_first:
            await source.aclose()
        gate.set()
        await source.aclose()
        assert await task is None
        assert all_given_up(session)


async def test_closing_while_an_event_comes() -> None:
    source, session, _ = make(Answer(end="stay"))
    task = asyncio.ensure_future(anext(source, None))
    await turns()
    session.responses[0].content.feed_data(b"data: 1\n\n")
    await source.aclose()
    assert await task is None
    assert all_given_up(session)


async def test_closing_from_inside() -> None:
    source, session, _ = make(events("1"))
    session.on_the_way = source.aclose
    assert await data(source) == []
    assert all_given_up(session)


@pytest.mark.parametrize("where", ["request", "sleep", "content"])
async def test_cancelling_loses_nothing(where: str) -> None:
    source, session, clock = make(events("1"), Answer([b"data: 2\n\nda"], "stay"))
    async with source:
        await anext(source)
        if where == "request":
            session.on_the_way = forever
        elif where == "sleep":
            clock.gate = asyncio.Event()
        else:
            await anext(source)
        task = asyncio.ensure_future(anext(source))
        await turns()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        session.on_the_way = clock.gate = None
        if where == "content":
            session.responses[-1].content.feed_data(b"ta: 3\n\n")
        assert (await anext(source)).data == ("3" if where == "content" else "2")
    assert all_given_up(session)


async def test_cancelled_and_closed_is_cancelled() -> None:
    source, session, _ = make(Answer(end="stay"))
    task = asyncio.ensure_future(anext(source))
    await turns()
    await source.aclose()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert all_given_up(session)
