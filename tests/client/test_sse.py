"""What an event source reads and sends, and which answers end it: against a session without connections."""

import logging
from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from pronghorn import ClientSession, ClientTimeout
from pronghorn.client.errors import (
    ClientConnectionError,
    ClientConnectorCertificateError,
    ClientConnectorPolicyError,
    ClientHttpProxyError,
    ClientOSError,
    ClientPayloadError,
    ClientResponseError,
    ContentTypeError,
    InvalidURL,
    PoolTimeoutError,
    ServerFingerprintMismatch,
    SocketTimeoutError,
)
from pronghorn.client.sse import EventSource
from pronghorn.wire.sse import EventStreamLimits, ServerSentEvent

from .event_sources import (
    GONE,
    NO_CONTENT,
    URL_,
    Answer,
    Response,
    Session,
    all_given_up,
    data,
    events,
    make,
    status,
)

# Reading


async def test_events_over_one_response_after_the_other() -> None:
    source, session, clock = make(events("1", "2"), Answer([b"data:", b" 3\n", b"\nid: 7\n\nda"]), NO_CONTENT)
    async with source:
        assert [event async for event in source] == [ServerSentEvent(data) for data in "123"]
        assert [event async for event in source] == []
        assert source.last_event_id == "7"
    assert clock.sleeps == [3, 3]
    assert len(session.requests) == 3
    assert all_given_up(session)


async def test_entering_connects() -> None:
    source, session, _ = make(events("1"))
    assert source.response is None
    async with source as entered:
        assert entered is source
        assert source.response is session.responses[0]
        assert len(session.requests) == 1
        async with source:
            assert len(session.requests) == 1


async def test_it_need_not_be_entered() -> None:
    source, session, _ = make(events("1"), NO_CONTENT)
    assert [event.data async for event in source] == ["1"]
    assert all_given_up(session)


async def test_who_breaks_goes_on_later() -> None:
    source, _, _ = make(events("1", "2", "3"), NO_CONTENT)
    async with source:
        async for event in source:
            assert event.data == "1"
            break
        assert [event.data async for event in source] == ["2", "3"]


async def test_leaving_ends_it() -> None:
    source, session, _ = make(events("1", "2"))
    async with source:
        await anext(source)
    assert all_given_up(session)
    with pytest.raises(StopAsyncIteration):
        await anext(source)
    async with source:
        assert [event async for event in source] == []
    assert len(session.requests) == 1
    await source.aclose()


async def test_leaving_by_an_error_ends_it() -> None:
    source, session, _ = make(Answer([b"data: 1\n\n"], "stay"))

    async def fail() -> None:
        async with source:
            await anext(source)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert all_given_up(session)


# What is sent


async def test_the_request() -> None:
    source, session, _ = make(NO_CONTENT, params={"a": "b"}, cookies={"c": "d"})
    assert await data(source) == []
    (request,) = session.requests
    assert request.pop("headers") == {"Accept": "text/event-stream", "Cache-Control": "no-store"}
    assert request == {
        "method": "GET",
        "url": URL_,
        "params": {"a": "b"},
        "cookies": {"c": "d"},
        "timeout": ClientTimeout(total=None, connect=11, sock_connect=12, sock_read=None, pool=14),
    }


async def test_fields_of_the_users_come_first() -> None:
    given = {"accept": "text/event-stream, */*", "X-Mine": "1", "last-event-id": "0"}
    source, session, _ = make(Answer([b"id: 5\n\n"]), NO_CONTENT, headers=given)
    await data(source)
    for request, last in zip(session.requests, "05", strict=True):
        assert {name.lower(): value for name, value in request["headers"].items()} == {
            "accept": "text/event-stream, */*",
            "x-mine": "1",
            "cache-control": "no-store",
            "last-event-id": last,
        }
    assert given == {"accept": "text/event-stream, */*", "X-Mine": "1", "last-event-id": "0"}


async def test_last_event_id() -> None:
    source, session, _ = make(
        Answer([b"id: a\ndata: 1\n\nid: b\n\nid: c\ndata: 2"]),  # the last one is not whole
        GONE,
        events("3"),
        Answer([b"id: \xc3\xa9 \xf0\x9f\xa6\x8c\ndata: 4\n\n"]),
        Answer([b"id\n\n"]),
        NO_CONTENT,
    )
    assert await data(source) == ["1", "3", "4"]
    assert session.last_ids == [None, "b", "b", "b", "\u00e9 \U0001f98c", None]
    assert source.last_event_id == ""


async def test_last_event_id_is_that_of_the_event_that_was_read() -> None:
    source, _, _ = make(Answer([b"id: a\ndata: 1\n\nid: b\ndata: 2\n\nid: c\n\n"]), NO_CONTENT)
    async with source:
        read = [(event.id, source.last_event_id) async for event in source]
        assert read == [("a", "a"), ("b", "b")]
        assert source.last_event_id == "c"


async def test_to_begin_with_an_id() -> None:
    source, session, _ = make(events("1"), NO_CONTENT, last_event_id="7")
    assert source.last_event_id == "7"
    async with source:
        assert (await anext(source)).id == "7"
    assert session.last_ids == ["7"]


@pytest.mark.parametrize("id_", ["\x01", "a\x7f", "\x0b"])
async def test_an_id_that_no_field_can_have_is_not_sent(id_: str) -> None:
    source, session, _ = make(Answer([f"id: {id_}\ndata: 1\n\n".encode()]), NO_CONTENT)
    assert await data(source) == ["1"]
    assert session.last_ids == [None, None]
    assert source.last_event_id == id_


async def test_sock_read_and_timeout() -> None:
    source, session, _ = make(NO_CONTENT, sock_read=5)
    await data(source)
    assert session.requests[0]["timeout"] == ClientTimeout(connect=11, sock_connect=12, sock_read=5, pool=14)
    for timeout in (ClientTimeout(total=1, sock_read=2), 7, None):
        source, session, _ = make(NO_CONTENT, timeout=timeout)
        await data(source)
        assert session.requests[0]["timeout"] is timeout


# Answers


@pytest.mark.parametrize(
    "content_type", ["text/event-stream", "text/event-stream; charset=utf-8", "Text/Event-Stream ;x"]
)
async def test_content_type(content_type: str) -> None:
    answer = events("1")
    answer.headers = {"Content-Type": content_type}
    assert await data(make(answer, NO_CONTENT)[0]) == ["1"]


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/html; charset=utf-8"}])
async def test_another_content_type(headers: dict[str, str]) -> None:
    source, session, _ = make(Answer([b"data: 1\n\n"], headers=headers))
    with pytest.raises(ContentTypeError) as caught:
        await data(source)
    got = "text/html" if headers else "application/octet-stream"
    assert caught.value.message == f"expected text/event-stream, got {got}"
    assert caught.value.status == 200
    assert dict(caught.value.headers or ()) == headers
    assert caught.value.request_info.method == "GET"
    assert all_given_up(session)
    assert len(session.requests) == 1


@pytest.mark.parametrize("code", [201, 206, 301, 304, 400, 401, 404, 410, 500, 501])
async def test_another_status(code: int) -> None:
    source, session, _ = make(events("1"), status(code, X_Why="because"))
    async with source:
        assert (await anext(source)).data == "1"
        with pytest.raises(ClientResponseError) as caught:
            await anext(source)
        assert (caught.value.status, caught.value.message) == (code, "Reason")
        assert dict(caught.value.headers or ()) == {"X-Why": "because"}
        assert all_given_up(session)
        with pytest.raises(StopAsyncIteration):
            await anext(source)
    assert len(session.requests) == 2
    assert source.response is session.responses[-1]


async def test_no_content_ends_it() -> None:
    source, session, _ = make(NO_CONTENT)
    async with source:
        assert source.response is session.responses[0]
        assert source.response.status == 204
        assert [event async for event in source] == []
    assert all_given_up(session)


@pytest.mark.parametrize("code", [429, 502, 503, 504])
async def test_what_is_not_to_be_had_now(code: int) -> None:
    source, session, clock = make(status(code), status(code), events("1"), NO_CONTENT)
    assert await data(source) == ["1"]
    assert len(clock.sleeps) == 3
    assert all_given_up(session)


async def test_a_session_that_raises_for_status_changes_nothing() -> None:
    info = Response("GET", URL(URL_)).request_info
    busy = ClientResponseError(info, status=503, headers=CIMultiDictProxy(CIMultiDict({"Retry-After": "9"})))
    by_proxy = ClientHttpProxyError(info, status=502)
    source, _, clock = make(busy, by_proxy, ClientResponseError(info, status=404))
    with pytest.raises(ClientResponseError) as caught:
        await data(source)
    assert caught.value.status == 404
    assert clock.sleeps == [9, 3]


@pytest.mark.parametrize(
    "error",
    [
        GONE,
        ClientConnectionError("x"),
        ClientOSError(5, "x"),
        ClientPayloadError("x"),
        SocketTimeoutError("x"),
        PoolTimeoutError("x"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_is_tried_again(error: Exception) -> None:
    cut_short = Answer([b"data: 1\n\ndata: 2\n"], error)
    in_vain = () if isinstance(error, ClientPayloadError) else (error,)
    source, session, _ = make(cut_short, *in_vain, events("3"), NO_CONTENT)
    assert await data(source) == ["1", "3"]
    assert all_given_up(session)


@pytest.mark.parametrize(
    "error",
    [
        ClientConnectorCertificateError(None, OSError("expired")),
        ClientConnectorPolicyError(None, OSError("private")),
        ServerFingerprintMismatch(b"a", b"b", "host", 443),
        InvalidURL("x"),
        TimeoutError("total"),
        RuntimeError("Session is closed"),
        ValueError("x"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_is_not(error: Exception) -> None:
    source, session, clock = make(error)
    with pytest.raises(type(error)) as caught:
        await data(source)
    assert caught.value is error
    assert (len(session.requests), clock.sleeps) == (1, [])
    assert [event async for event in source] == []


async def test_total_running_out_is_raised() -> None:
    error = TimeoutError("The request took longer than its total of 5 s")
    source, session, _ = make(Answer([b"data: 1\n\n"], error))
    async with source:
        assert (await anext(source)).data == "1"
        with pytest.raises(TimeoutError, match="total of 5 s"):
            await anext(source)
    assert all_given_up(session)


async def test_beyond_the_limits() -> None:
    wire = b"id: 1\ndata: 1\n\n" + b"data: " + b"x" * 50
    source, session, clock = make(Answer([wire], "stay"), limits=EventStreamLimits(line=40))
    async with source:
        assert (await anext(source)).data == "1"
        with pytest.raises(ClientPayloadError, match="event stream: a line of more than 40 bytes"):
            await anext(source)
        assert all_given_up(session)
        with pytest.raises(StopAsyncIteration):
            await anext(source)
    assert (len(session.requests), clock.sleeps) == (1, [])


async def test_beyond_the_limits_at_once() -> None:
    source, session, _ = make(Answer([b"x" * 50], "stay"), limits=EventStreamLimits(line=40))
    with pytest.raises(ClientPayloadError):
        await data(source)
    assert all_given_up(session)


# Arguments, and what is told of it


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"method": 5}, TypeError, "method: expected a str, got 5"),
        ({"last_event_id": 5}, TypeError, "last_event_id: expected a str, got 5"),
        ({"last_event_id": "a\nb"}, ValueError, "last_event_id: CR, LF and NUL"),
        ({"retry": -1}, ValueError, "retry: expected 0 or more, got -1"),
        ({"retry": 1.5}, TypeError, "retry: expected a number, got 1.5"),
        ({"retry": None}, TypeError, "retry: expected a number"),
        ({"max_retries": -1}, ValueError, "max_retries: expected 0 or more"),
        ({"max_retries": True}, TypeError, "max_retries: expected a number"),
        ({"max_retries": 1.0}, TypeError, "max_retries: expected a number"),
        ({"max_delay": float("nan")}, ValueError, "max_delay: expected 0 or more, got nan"),
        ({"max_delay": "1"}, TypeError, "max_delay: expected a number"),
        ({"sock_read": -1}, ValueError, "sock_read"),
        ({"sock_read": 1, "timeout": None}, ValueError, "timeout and sock_read: expected one of them"),
        ({"headers": 5}, TypeError, "headers: expected a mapping or pairs"),
        ({"data": 5}, TypeError, "data: expected"),
    ],
)
def test_wrong_arguments(options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make(**options)


def test_wrong_urls() -> None:
    with pytest.raises(InvalidURL):
        EventSource(Session(), "GET", "http://[")
    with pytest.raises(TypeError, match="url: expected a str"):
        EventSource(Session(), "GET", 5)  # type: ignore[arg-type]  # what is tested


async def test_repr() -> None:
    source, _, _ = make(events("1"))
    assert repr(source) == "<EventSource GET http://host/events connecting>"
    async with source:
        assert repr(source) == "<EventSource GET http://host/events open>"
    assert repr(source) == "<EventSource GET http://host/events closed>"
    assert repr(EventSource(Session(), "GET", "events?a=b")) == "<EventSource GET events connecting>"


async def test_what_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "pronghorn.client")
    source, _, _ = make(GONE, status(503), ClientConnectionError(), events("1"), NO_CONTENT)
    await data(source)
    where = "<EventSource GET http://host/events connecting>"
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("WARNING", f"{where}: Server disconnected; asked for again in 3.0 s"),
        ("WARNING", f"{where}: status 503; asked for again in 3.0 s"),
        ("WARNING", f"{where}: ClientConnectionError; asked for again in 3.0 s"),
        ("DEBUG", f"{where}: the stream ended; asked for again in 3.0 s"),
    ]
    assert "secret" not in caplog.text


async def test_a_session_is_what_it_takes() -> None:
    async with ClientSession() as session:
        source = EventSource(session, "GET", "http://host/")
        assert source._options["timeout"] == ClientTimeout(sock_connect=30)
