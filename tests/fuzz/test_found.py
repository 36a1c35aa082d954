"""What the fuzzing found in our own wire, at its smallest."""

import pytest

from pronghorn.wire.errors import ProtocolError
from pronghorn.wire.events import RequestHead
from pronghorn.wire.http1.connection import Http1Connection, Reading
from pronghorn.wire.limits import Limits
from pronghorn.wire.roles import CLIENT, SERVER

from .readers import GET, Asking
from .splits import check_splits

LIMITS = Limits(start_line=26, field_line=26, head=64, chunk_line=8)
TWO_FAULTS: dict[str, tuple[bytes, Asking | None]] = {
    "505-or-400-for-a-bare-LF": (b"GET / HTTP/2.0\r\nX: y\n\r\n\r\n", None),
    "431-or-400-for-a-bare-LF": (b"GET / HTTP/1.1\r\nHost: a\nX: yyyyyyyyyyyyyyyyyyyyyyyyyy\r\n\r\n", None),
    "414-or-400-for-the-first-byte": (b"(ET /xxxxxxxxxxxxxxxx HTTP/1.1\r\n\r\n", None),
    "414-or-431-for-a-later-line": (
        b"GET /xxxxxxxxxxxxxxxx HTTP/1.1\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n",
        None,
    ),
    "414-or-nothing-for-a-line-that-has-ended": (b"GET /xxxxxxxxxxxxxxxx HTTP/1.1\r\n", None),
    "431-or-400-for-a-chunk-size": (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:chunked\r\n\r\nxxxxxxxxxxxx\r\n",
        None,
    ),
    "refused-or-waited-for-after-an-empty-line": (b"\r\n\r", None),
    "431-or-400-for-the-name-of-HTTP": (b"XTTP/1.1 200 OK\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n\r\n", GET),
}


@pytest.mark.parametrize(("wire", "asking"), TWO_FAULTS.values(), ids=TWO_FAULTS)
def test_the_first_fault_is_told_however_the_bytes_are_cut(wire: bytes, asking: Asking | None) -> None:
    check_splits(wire, asking, LIMITS, [wire[:7], wire[7:]])


def test_the_last_of_pipelined_requests_ends_a_connection_that_its_peer_has_ended() -> None:
    connection = Http1Connection(SERVER)
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    connection.feed(request + request)
    connection.feed_eof()
    for held in (1, 0):
        connection.send_head(204, "No", [], None, body=b"")
        told = connection.resume()
        assert [type(event) for event in told] == [RequestHead] * held
    assert not connection.is_reusable
    assert connection.reading is Reading.CLOSED


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "a"),
        ("GET", "?a"),
        ("GET", "a:443"),
        ("GET", "*"),
        ("GET", "http:///a"),
        ("CONNECT", "/"),
        ("CONNECT", "a"),
    ],
)
def test_a_target_of_no_form_is_not_written(method: str, target: str) -> None:
    """RFC 9112 section 3.2: what our own server refuses is not sent either."""
    connection = Http1Connection(CLIENT)
    with pytest.raises(ValueError, match="request-target"):
        connection.send_head(method, target, [("Host", "a")], None, body=b"")


def test_101_says_upgrade_in_connection_too() -> None:
    """RFC 9110 section 7.8: Upgrade without its connection option is no switch."""
    wire = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
    with pytest.raises(ProtocolError, match="101"):
        Asking(upgrade="websocket").connection().feed(wire)
