"""The life of exchanges on a connection, both ways. Its other concerns: test_connection_*.py."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from pronghorn.wire.events import Data, End, InformationalHead, RequestHead, ResponseHead
from pronghorn.wire.http1.connection import Http1Connection, Reading, Writing
from pronghorn.wire.limits import Limits
from pronghorn.wire.roles import CLIENT, SERVER

from ..feeding import (
    CUTS,
    Message,
    agreed,
    answer,
    client,
    feed,
    gather,
    read_response,
    refuse_response,
    server,
)

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


# Events


def test_a_message_of_one_read_is_one_event() -> None:
    for wire, content in ((GET, b""), (POST + b"hello", b"hello")):
        (head,) = server().feed(wire)
        assert isinstance(head, RequestHead)
        assert head.body == content
    (response,) = client().feed(OK)
    assert isinstance(response, ResponseHead)
    assert response.body == b"hello"


def test_a_message_of_many_reads_is_a_head_data_and_an_end() -> None:
    connection = server()
    told = [*connection.feed(POST), *connection.feed(b"he"), *connection.feed(b"llo")]
    assert [type(event) for event in told] == [RequestHead, Data, Data, End]
    assert told[0].body is None
    assert [event.chunk for event in told[1:3]] == [b"he", b"llo"]


def test_trailers_come_with_an_end() -> None:
    wire = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\n\r\n"
    head, data, end = server().feed(wire)
    assert (head.body, data.chunk, dict(end.trailers)) == (None, b"x", {"A": "b"})


@pytest.mark.parametrize("make", [server, client])
def test_a_read_of_nothing_says_nothing(make: Callable[[], Http1Connection]) -> None:
    assert make().feed(b"") == ()


def test_the_machine_owes_nothing() -> None:
    for make in (server, client):
        assert make().pending() == []


# Keep-alive


@pytest.mark.parametrize(
    ("request_head", "is_kept", "said"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", True, None),
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", False, b"close"),
        (b"GET / HTTP/1.0\r\n\r\n", False, b"close"),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", True, b"keep-alive"),
    ],
)
def test_keep_alive_of_a_server(request_head: bytes, is_kept: bool, said: bytes | None) -> None:
    for after in (b"", GET):
        connection = feed(server(), [request_head + after]).connection
        sent = answer(connection)
        assert (b"Connection: %b\r\n" % said in sent) if said else (b"Connection:" not in sent)
        assert connection.is_reusable is is_kept
        assert len(connection.resume()) == (is_kept and bool(after))
        if not is_kept:
            assert connection.feed(GET) == ()
            assert connection.reading is Reading.CLOSED


def test_a_server_may_decide_to_close() -> None:
    connection = feed(server(), [GET + GET]).connection
    assert b"Connection: close\r\n" in connection.send_head(200, "OK", [], 0, body=b"", is_persistent=False)
    assert not connection.is_reusable
    assert connection.resume() == ()
    assert connection.feed(GET) == ()


def test_a_client_goes_from_exchange_to_exchange() -> None:
    connection = client()
    for _ in range(3):
        assert feed(connection, [OK]).only.content == b"hello"
        assert connection.is_over
        assert connection.is_reusable
        assert connection.resume() == ()
        assert connection.is_reusable
        connection.send_head("GET", "/", [("Host", "a")], None, body=b"")


@pytest.mark.parametrize(
    "response",
    [
        OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        OK.replace(b"1.1", b"1.0"),
        OK + b"x",
    ],
    ids=["close", "1.0", "surplus"],
)
def test_a_client_goes_no_further(response: bytes) -> None:
    connection = feed(client(), [response]).connection
    assert not connection.is_reusable
    connection.resume()
    assert not connection.is_reusable


def test_a_client_may_decide_to_close() -> None:
    connection = Http1Connection(CLIENT)
    sent = connection.send_head("GET", "/", [("Host", "a")], None, body=b"", is_persistent=False)
    assert b"Connection: close\r\n" in sent
    feed(connection, [OK])
    assert not connection.is_reusable


def test_bytes_that_answer_no_request_are_refused() -> None:
    for cut in CUTS:
        outcome = feed(Http1Connection(CLIENT), cut(OK))
        assert outcome.error
        assert not outcome.connection.is_reusable
        idle = feed(client(), [OK]).connection
        idle.resume()
        assert feed(idle, cut(OK)).error


def test_surplus_is_never_an_answer() -> None:
    """What came before a request was sent cannot answer it: the queue of responses could be poisoned."""
    connection = feed(client(), [OK + OK.replace(b"200", b"203")]).connection
    connection.resume()
    with suppress(RuntimeError):
        connection.send_head("GET", "/", [("Host", "a")], None, body=b"")
    assert feed(connection, [OK]).messages == []


# Pipelining


def requests(count: int) -> bytes:
    return b"".join(
        b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n%d" % (n, n % 10) for n in range(count)
    )


def test_pipelined_requests_are_read_one_by_one() -> None:
    outcomes = []
    for cut in CUTS:
        outcome = feed(server(), cut(requests(20)))
        assert [message.second for message in outcome.messages] == ["/0"]
        while outcome.connection.held:
            answer(outcome.connection)
            gather(outcome.connection.resume(), outcome.messages)
        outcomes.append(outcome)
    messages = agreed(outcomes).messages
    assert [(m.second, m.content) for m in messages] == [(f"/{n}", b"%d" % (n % 10)) for n in range(20)]


def test_CVE_2026_54273_the_machine_never_runs_ahead() -> None:
    wire = requests(100_000)
    connection = server()
    assert len(connection.feed(wire)) == 1
    assert connection.held == len(wire) - len(requests(1))


def test_a_request_in_pieces_behind_another() -> None:
    connection = feed(server(), [GET + POST[:20]]).connection
    answer(connection)
    assert connection.resume() == ()
    assert connection.has_begun
    outcome = feed(connection, [POST[20:] + b"hel", b"lo"])
    assert outcome.only.content == b"hello"


def test_CVE_2023_46137_no_request_before_the_last_one_was_answered() -> None:
    connection = feed(server(), [GET + GET]).connection
    with pytest.raises(RuntimeError, match="not over"):
        connection.resume()
    connection.send_head(200, "OK", [], 5)
    with pytest.raises(RuntimeError, match="not over"):
        connection.resume()
    connection.send_data(b"hello")
    connection.send_end()
    assert len(connection.resume()) == 1


def test_no_request_before_the_last_one_was_read() -> None:
    connection = feed(server(), [POST + b"hel"]).connection
    answer(connection, 413)
    assert not connection.is_over
    with pytest.raises(RuntimeError, match="not over"):
        connection.resume()
    connection.feed(b"lo" + GET)
    assert connection.is_over
    assert len(connection.resume()) == 1


def test_a_client_reads_an_early_answer_and_waits_for_its_own_end() -> None:
    connection = Http1Connection(CLIENT)
    connection.send_head("POST", "/", [("Host", "a")], None)
    assert feed(connection, [OK.replace(b"200", b"413")]).only.is_whole
    assert not connection.is_over
    with pytest.raises(RuntimeError, match="not over"):
        connection.resume()
    connection.send_end()
    assert connection.is_over


def test_an_empty_line_is_passed_over_before_each_request() -> None:
    connection = feed(server(), [b"\r\n" + GET + b"\r\n" + GET]).connection
    answer(connection)
    assert len(connection.resume()) == 1
    answer(connection)
    assert connection.resume() == ()
    assert connection.feed(b"\r\n") == ()
    assert feed(connection, [b"\r\n"]).error


# Expectations and informational responses


def test_100_then_the_content() -> None:
    connection = server()
    outcome = feed(connection, [POST.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")])
    assert outcome.only.expects_continue
    assert not outcome.only.is_whole
    assert connection.send_informational(100, "Continue") == CONTINUE
    assert [type(event) for event in connection.feed(b"hello")] == [Data, End]
    assert connection.reading is Reading.WHOLE
    assert answer(connection).startswith(b"HTTP/1.1 200 ")


def test_early_hints_have_fields() -> None:
    connection = feed(server(), [GET]).connection
    sent = connection.send_informational(103, "Early Hints", [("Link", "</a>"), ("Link", "</b>")])
    assert sent == b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\n"
    assert connection.writing is Writing.DUE


def test_a_1_0_client_gets_no_informational_response() -> None:
    connection = feed(server(), [b"GET / HTTP/1.0\r\n\r\n"]).connection
    assert connection.send_informational(100, "Continue") == b""
    assert answer(connection)


@pytest.mark.parametrize("status", [99, 101, 200, 204, 404])
def test_what_is_not_informational(status: int) -> None:
    connection = feed(server(), [GET]).connection
    with pytest.raises(ValueError, match="informational"):
        connection.send_informational(status, "")


def test_informational_responses_are_told_before_the_final_one() -> None:
    wire = CONTINUE + b"HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n" + OK
    outcome = agreed([feed(client(), cut(wire)) for cut in CUTS])
    assert [message.first for message in outcome.messages] == [100, 103, 200]
    assert outcome.messages[1]["Link"] == "</a>"
    assert read_response(wire, informational=2).content == b"hello"
    assert isinstance(client().feed(CONTINUE)[0], InformationalHead)


def test_an_informational_response_is_not_the_answer() -> None:
    connection = feed(client(), [CONTINUE]).connection
    assert connection.reading is Reading.HEAD
    assert not connection.is_over
    assert connection.has_begun


def test_a_flood_of_informational_responses_ends() -> None:
    limit = Limits().informational
    assert read_response(CONTINUE * limit + OK, informational=limit).first == 200
    assert "informational" in refuse_response(CONTINUE * (limit + 1))
    two = Limits(informational=2)
    assert refuse_response(CONTINUE * 3, lambda: client(limits=two))


def test_each_exchange_may_have_its_informational_responses() -> None:
    connection, told = client(limits=Limits(informational=1)), list[Message]()
    for _ in range(3):
        gather(connection.feed(CONTINUE + OK), told)
        connection.resume()
        connection.send_head("GET", "/", [("Host", "a")], None, body=b"")
    assert [message.first for message in told] == [100, 200] * 3


# Facts


def test_the_states_of_a_server() -> None:
    connection = Http1Connection(SERVER)
    states = [(connection.reading, connection.writing, connection.has_begun)]
    for step in (
        lambda: connection.feed(POST[:10]),
        lambda: connection.feed(POST[10:]),
        lambda: connection.feed(b"hello"),
        lambda: connection.send_head(200, "OK", [], 5),
        lambda: (connection.send_data(b"hello"), connection.send_end()),
        connection.resume,
    ):
        step()
        states.append((connection.reading, connection.writing, connection.has_begun))
    assert states == [
        (Reading.HEAD, Writing.SILENT, False),
        (Reading.HEAD, Writing.SILENT, True),
        (Reading.BODY, Writing.DUE, True),
        (Reading.WHOLE, Writing.DUE, True),
        (Reading.WHOLE, Writing.BODY, True),
        (Reading.WHOLE, Writing.DONE, True),
        (Reading.HEAD, Writing.SILENT, False),
    ]


def test_the_states_of_a_client() -> None:
    connection = Http1Connection(CLIENT)
    states = [(connection.reading, connection.writing)]
    for step in (
        lambda: connection.send_head("POST", "/", [("Host", "a")], 5),
        lambda: connection.send_data(b"hello"),
        connection.send_end,
        lambda: connection.feed(OK[:-5]),
        lambda: connection.feed(b"hello"),
        connection.resume,
    ):
        step()
        states.append((connection.reading, connection.writing))
    assert states == [
        (Reading.IDLE, Writing.DUE),
        (Reading.HEAD, Writing.BODY),
        (Reading.HEAD, Writing.BODY),
        (Reading.HEAD, Writing.DONE),
        (Reading.BODY, Writing.DONE),
        (Reading.WHOLE, Writing.DONE),
        (Reading.IDLE, Writing.DUE),
    ]


def test_what_is_not_parsed_is_held() -> None:
    connection = feed(server(), [GET + b"12345"]).connection
    assert connection.held == 5
    feed(connection, [b"678"])
    assert connection.held == 8


# What is kept between messages


@pytest.mark.parametrize("size", [0, 10, 200_000])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_nothing_of_a_read_is_kept_when_it_was_taken_in(size: int, is_chunked: bool) -> None:
    """An idle connection would hold its last read for hours, a WebSocket that of its opening."""
    body = b"x" * size
    coding = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (size or 1, body or b"x")
    framed = coding if is_chunked else b"Content-Length: %d\r\n\r\n%b" % (size, body)
    connection = server()
    connection.feed(b"POST / HTTP/1.1\r\nHost: a\r\n" + framed)
    assert connection._cursor.data == b""
    connection.send_head(204, "No Content", [], 0, b"")
    assert connection.resume() == ()
    connection.feed(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
    assert connection.held
    connection.send_head(204, "No Content", [], 0, b"")
    assert len(connection.resume()) == 1
    assert connection._cursor.data == b""


def test_nothing_of_an_upgrade_is_kept() -> None:
    connection = server()
    connection.feed(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\ntail")
    connection.send_head(101, "Switching Protocols", [("Connection", "upgrade"), ("Upgrade", "x")], None, b"")
    assert connection.accept_upgrade() == b"tail"
    assert connection._cursor.data == b""
