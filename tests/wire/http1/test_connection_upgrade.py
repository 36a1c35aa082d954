"""Upgrades and tunnels: accepted, the tail is handed over; declined, the message stays framed."""

from collections.abc import Callable

import pytest

from pronghorn.wire.http1.connection import Http1Connection, Reading

from ..feeding import CUTS, NEXT_REQUEST, answer, client, feed, gather, refuse_response, server

UPGRADE = b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
CONNECT = b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
ESTABLISHED = b"HTTP/1.1 200 Established\r\n\r\n"
TAIL = b"\x81\x85\0\0\0\0hello\r\n\r\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n"

Cut = Callable[[bytes], list[bytes]]
each_cut = pytest.mark.parametrize("cut", CUTS)


def websocket_client() -> Http1Connection:
    return client(upgrade="websocket")


def connect_client() -> Http1Connection:
    return client("CONNECT")


OFFERS = {
    "websocket": (UPGRADE + b"\r\n", "websocket", b""),
    "websocket-with-a-body": (UPGRADE + b"Content-Length: 5\r\n\r\nhello", "websocket", b"hello"),
    "websocket-with-chunks": (
        UPGRADE + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "websocket",
        b"hello",
    ),
    "connect": (CONNECT + b"\r\n", "connect", b""),
}
ANSWERS = {
    "websocket": (websocket_client, SWITCHING, "websocket"),
    "connect": (connect_client, ESTABLISHED, "connect"),
    "connect-with-fields-that-frame-nothing": (
        connect_client,
        b"HTTP/1.1 204 No\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "connect",
    ),
}


# Accepted


@each_cut
@pytest.mark.parametrize(("wire", "upgrade", "content"), OFFERS.values(), ids=OFFERS)
def test_a_server_accepts(cut: Cut, wire: bytes, upgrade: str, content: bytes) -> None:
    outcome = feed(server(), cut(wire + TAIL))
    assert (outcome.only.upgrade, outcome.only.content, outcome.only.is_whole) == (upgrade, content, True)
    assert outcome.connection.accept_upgrade() == TAIL
    assert_left(outcome.connection)


@each_cut
@pytest.mark.parametrize(("make", "wire", "upgrade"), ANSWERS.values(), ids=ANSWERS)
def test_aiohttp_13501_a_client_is_accepted(
    cut: Cut, make: Callable[[], Http1Connection], wire: bytes, upgrade: str
) -> None:
    outcome = feed(make(), cut(wire + TAIL))
    assert (outcome.only.upgrade, outcome.only.is_whole) == (upgrade, True)
    assert outcome.connection.accept_upgrade() == TAIL
    assert_left(outcome.connection)


def assert_left(connection: Http1Connection) -> None:
    """Nothing is HTTP any more."""
    assert connection.reading is Reading.CLOSED
    assert not connection.is_reusable
    assert connection.feed(NEXT_REQUEST) == ()
    assert connection.feed_eof() == ()


def test_a_tail_may_be_empty() -> None:
    assert feed(server(), [CONNECT + b"\r\n"]).connection.accept_upgrade() == b""


def test_101_is_sent_as_it_is() -> None:
    connection = feed(server(), [UPGRADE + b"\r\n"]).connection
    fields = [("Connection", "Upgrade"), ("Upgrade", "websocket")]
    assert connection.send_head(101, "Switching Protocols", fields, None, body=b"") == SWITCHING
    assert connection.accept_upgrade() == b""


@pytest.mark.parametrize("switch", ["server-101", "server-connect", "client-101", "client-connect"])
def test_a_connection_that_was_switched_is_not_reusable(switch: str) -> None:
    """RFC 9110 sections 7.8 and 9.3.6: what follows 101, or 2xx to CONNECT, is not HTTP, accepted or not."""
    if switch.startswith("server"):
        head, status = (UPGRADE, 101) if switch == "server-101" else (CONNECT, 200)
        connection = feed(server(), [head + b"\r\n" + TAIL]).connection
        answer(connection, status)
    elif switch == "client-101":
        connection = feed(websocket_client(), [SWITCHING]).connection
    else:
        connection = feed(connect_client(), [ESTABLISHED]).connection
    assert not connection.is_reusable


# Not offered, or not whole


@pytest.mark.parametrize(
    "wire",
    [
        NEXT_REQUEST,
        UPGRADE.replace(b"1.1", b"1.0") + b"\r\n",
        UPGRADE.replace(b": Upgrade", b": notupgrade") + b"\r\n",
        UPGRADE + b"Content-Length: 5\r\n\r\nhell",
        UPGRADE,
    ],
    ids=["no-offer", "1.0", "notupgrade", "body-not-whole", "head-not-whole"],
)
def test_a_server_cannot_accept(wire: bytes) -> None:
    with pytest.raises(RuntimeError, match="accept_upgrade"):
        feed(server(), [wire]).connection.accept_upgrade()


@pytest.mark.parametrize(
    ("make", "wire"),
    [
        (
            websocket_client,
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        ),
        (
            websocket_client,
            b"HTTP/1.1 426 Upgrade\r\nContent-Length: 0\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        ),
        (connect_client, b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"),
        (connect_client, b"HTTP/1.1 302 Away\r\nContent-Length: 0\r\n\r\n"),
        (client, ESTABLISHED.replace(b"200", b"204")),
    ],
    ids=["200", "426", "connect-407", "connect-302", "no-offer"],
)
def test_a_client_that_was_declined(make: Callable[[], Http1Connection], wire: bytes) -> None:
    outcome = feed(make(), [wire])
    assert outcome.only.upgrade == ""
    with pytest.raises(RuntimeError, match="accept_upgrade"):
        outcome.connection.accept_upgrade()
    assert outcome.connection.is_reusable


@pytest.mark.parametrize("make", [client, connect_client])
def test_101_without_an_offer_is_refused(make: Callable[[], Http1Connection]) -> None:
    assert "101" in refuse_response(SWITCHING, make)


# Declined


@each_cut
@pytest.mark.parametrize("is_told", [True, False], ids=["declined", "ignored"])
@pytest.mark.parametrize(("wire", "upgrade", "content"), OFFERS.values(), ids=OFFERS)
def test_CVE_2026_69243_a_declined_upgrade_stays_framed(
    cut: Cut, wire: bytes, upgrade: str, content: bytes, is_told: bool
) -> None:
    outcome = feed(server(), cut(wire + NEXT_REQUEST))
    if is_told:
        assert outcome.connection.decline_upgrade() == ()
    answer(outcome.connection, 400)
    gather(outcome.connection.resume(), outcome.messages)
    assert [(m.second, m.content) for m in outcome.messages[1:]] == [("/next", b"")]
    assert outcome.messages[0].content == content


def test_declined_before_its_body_came() -> None:
    connection = server()
    connection.feed(UPGRADE + b"Content-Length: 40\r\n\r\n")
    connection.decline_upgrade()
    answer(connection, 400)
    smuggled = b"GET /evil HTTP/1.1\r\nHost: a\r\n\r\n12345678x"
    events = connection.feed(smuggled[:40] + NEXT_REQUEST)
    assert events[0].chunk == smuggled[:40]
    (after,) = connection.resume()
    assert after.target == "/next"


def test_what_was_declined_cannot_be_accepted() -> None:
    connection = feed(server(), [UPGRADE + b"\r\n"]).connection
    connection.decline_upgrade()
    with pytest.raises(RuntimeError, match="accept_upgrade"):
        connection.accept_upgrade()


def test_h2c_is_an_offer_that_may_be_ignored() -> None:
    wire = UPGRADE.replace(b"websocket", b"h2c") + b"HTTP2-Settings: AAMAAABkAAQCAAAA\r\n\r\n"
    outcome = feed(server(), [wire + NEXT_REQUEST])
    assert outcome.only.upgrade == "h2c"
    assert b" 200 " in answer(outcome.connection)
    assert len(outcome.connection.resume()) == 1


def test_a_client_that_declines_what_it_was_switched_to_closes() -> None:
    connection = feed(websocket_client(), [SWITCHING + TAIL]).connection
    connection.decline_upgrade()
    assert_left(connection)
