"""What is sent; the section numbers are those of RFC 6455."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pronghorn.wire.roles import CLIENT, SERVER, Role
from pronghorn.wire.websocket.connection import WebSocketConnection
from pronghorn.wire.websocket.deflate import PerMessageDeflate
from pronghorn.wire.websocket.deflate_offers import (
    DEFAULT_DEFLATE,
    DeflateAgreement,
    DeflateOptions,
    Direction,
)
from pronghorn.wire.websocket.messages import WSMsgType

from .exchanging import (
    BINARY,
    CLOSE,
    FIN,
    PING,
    PONG,
    ROLES,
    TEXT,
    binary,
    frame,
    machine,
    only,
    tell,
    text,
    xor,
)

OTHER = {CLIENT: SERVER, SERVER: CLIENT}
SIZES = [0, 1, 124, 125, 126, 127, 65535, 65536, 100_000]


def received(role: Role, *frames: bytes) -> list:
    """What the peer of ``role`` is told of what that sends."""
    return tell(machine(OTHER[role]), frames)


def test_a_server_does_not_mask() -> None:
    connection = machine(SERVER)
    assert connection.text("Hello") == (bytes.fromhex("810548656c6c6f"),)
    assert connection.binary(b"Hello") == (bytes.fromhex("820548656c6c6f"),)
    assert connection.text_bytes(b"Hello") == connection.text("Hello")
    assert connection.ping(b"Hello") == bytes.fromhex("890548656c6c6f")
    assert connection.pong() == bytes.fromhex("8a00")
    assert connection.close(1000, "bye") == bytes.fromhex("880503e8627965")


def test_a_client_masks_each_frame_with_a_key_of_its_own() -> None:
    connection = machine(CLIENT)
    frames = [
        *(connection.text("Hello")[0] for _ in range(100)),
        connection.ping(b"Hello"),
        connection.close(1000, "bye"),
    ]
    assert {wire[1] for wire in frames} == {0x85}
    assert len({wire[2:6] for wire in frames}) == len(frames)
    assert {xor(wire[6:], wire[2:6]) for wire in frames} == {b"Hello", b"\x03\xe8bye"}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("size", SIZES)
def test_messages_of_any_size(role: Role, size: int) -> None:
    connection = machine(role)
    assert only(received(role, *connection.text("a" * size))) == text("a" * size)
    for kind in (bytes, bytearray, memoryview):
        assert only(received(role, *connection.binary(kind(b"a" * size)))) == binary(b"a" * size)


def test_large_octets_are_not_copied_if_they_cannot_change() -> None:
    connection = machine(SERVER)
    data = bytes(1_000_000)
    header, payload = connection.binary(data)
    assert (header, payload) == (bytes.fromhex("827f00000000000f4240"), data)
    assert payload is data
    changing = bytearray(data)
    _, payload = connection.binary(changing)
    changing[:] = b"x" * len(changing)
    assert payload == data


@pytest.mark.parametrize("role", ROLES)
def test_views_are_sent_as_their_octets(role: Role) -> None:
    numbers = array("I", [1, 2, 3])
    connection = machine(role)
    for view, data in ((memoryview(numbers), numbers.tobytes()), (memoryview(b"a-b-c")[::2], b"abc")):
        assert only(received(role, *connection.binary(view))) == binary(data)
        assert only(received(role, connection.ping(view))) == (WSMsgType.PING, data, "")
    assert only(received(role, *connection.text_bytes(bytearray(b"abc")))) == text("abc")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("data", ["str", 5, [1, 2], None])
def test_what_holds_no_octets_is_not_sent(role: Role, data) -> None:
    connection = machine(role)
    for method in (connection.binary, connection.text_bytes, connection.ping, connection.pong):
        with pytest.raises(TypeError):
            method(data)


@pytest.mark.parametrize("role", ROLES)
def test_text_that_is_no_unicode(role: Role) -> None:
    connection = machine(role)
    with pytest.raises(UnicodeEncodeError):
        connection.text("\ud800")
    assert only(received(role, *connection.text("goes on"))) == text("goes on")


@pytest.mark.parametrize("role", ROLES)
def test_control_frames_are_short(role: Role) -> None:
    connection = machine(role)
    assert only(received(role, connection.ping(b"p" * 125))) == (WSMsgType.PING, b"p" * 125, "")
    assert only(received(role, connection.pong(bytearray(125)))) == (WSMsgType.PONG, bytes(125), "")
    for method in (connection.ping, connection.pong):
        with pytest.raises(ValueError, match="at most 125 bytes, got 126"):
            method(bytes(126))


# Closing


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), (1000, "")),
        ((1001, "going"), (1001, "going")),
        ((4999, "d\u00e9j\u00e0".encode()), (4999, "d\u00e9j\u00e0")),
        ((None,), (1005, "")),
    ],
)
def test_close(role: Role, arguments: tuple, told: tuple[int, str]) -> None:
    connection = machine(role)
    assert not connection.close_sent
    assert only(received(role, connection.close(*arguments))) == (WSMsgType.CLOSE, *told)
    assert connection.close_sent
    assert connection.close(1011) == b""


@pytest.mark.parametrize("role", ROLES)
def test_nothing_follows_a_close(role: Role) -> None:
    connection = machine(role)
    connection.close()
    for send in (
        lambda: connection.text("a"),
        lambda: connection.text_bytes(b"a"),
        lambda: connection.binary(b"a"),
        connection.ping,
        connection.pong,
    ):
        with pytest.raises(RuntimeError, match="after a close frame"):
            send()


@pytest.mark.parametrize("arguments", [(1005,), (999,), (1000, "r" * 124), (None, "why"), (1000, b"\xff")])
def test_a_close_that_cannot_be_sent_was_not(arguments: tuple) -> None:
    connection = machine(SERVER)
    with pytest.raises(ValueError):  # noqa: PT011  # what it says is shown where the payload is made
        connection.close(*arguments)
    assert not connection.close_sent
    assert connection.close() == frame(FIN | CLOSE, b"\x03\xe8", CLIENT)


# Compression

LONG = "compress me " * 20


def compressing(role: Role, options: DeflateOptions = DEFAULT_DEFLATE) -> WebSocketConnection:
    return WebSocketConnection(role, deflate=PerMessageDeflate(role, DeflateAgreement(), options))


@pytest.mark.parametrize("role", ROLES)
def test_long_messages_are_compressed_and_short_ones_are_not(role: Role) -> None:
    connection, peer = compressing(role), compressing(OTHER[role])
    for size, first in ((64, 0xC1), (63, 0x81), (1000, 0xC1), (0, 0x81)):
        (wire,) = connection.text("a" * size)
        assert wire[0] == first
        assert only(tell(peer, [wire])) == text("a" * size)
    (wire,) = connection.binary(bytes(64))
    assert wire[0] == 0xC2
    assert only(tell(peer, [wire])) == binary(bytes(64))


@pytest.mark.parametrize("role", ROLES)
def test_each_message_may_be_compressed_or_not(role: Role) -> None:
    connection, peer = compressing(role), compressing(OTHER[role])
    for message in (LONG, "", "short", LONG, "short"):
        for compress, rsv1 in ((True, 0x40), (False, 0)):
            (wire,) = connection.text(message, compress=compress)
            assert wire[0] & 0x40 == rsv1
            assert only(tell(peer, [wire])) == text(message)


@pytest.mark.parametrize("role", ROLES)
def test_nothing_is_compressed_that_was_not_agreed(role: Role) -> None:
    (wire,) = machine(role).text(LONG, compress=True)
    assert wire[0] == 0x81


def test_control_frames_are_not_compressed() -> None:
    connection = compressing(SERVER)
    assert connection.ping(bytes(100)) == frame(FIN | PING, bytes(100), CLIENT)
    assert connection.pong(bytes(100)) == frame(FIN | PONG, bytes(100), CLIENT)
    assert connection.close(1000, "a" * 100) == frame(FIN | CLOSE, b"\x03\xe8" + b"a" * 100, CLIENT)


def test_the_threshold_is_an_option() -> None:
    connection = compressing(SERVER, DeflateOptions(threshold=0))
    (wire,) = connection.text("")
    assert wire == frame(0xC1, b"\0", CLIENT)
    (wire,) = compressing(SERVER, DeflateOptions(threshold=1000)).text("a" * 999)
    assert wire[0] == 0x81


def test_a_window_that_is_kept_makes_the_next_message_smaller() -> None:
    connection = compressing(SERVER)
    (first,), (second,) = connection.text(LONG), connection.text(LONG)
    assert len(second) < len(first) < len(LONG)
    forgetful = PerMessageDeflate(SERVER, DeflateAgreement(server=Direction(15, no_context_takeover=True)))
    connection = WebSocketConnection(SERVER, deflate=forgetful)
    assert connection.text(LONG) == connection.text(LONG)


# Round trips


@given(
    st.lists(st.text(max_size=200) | st.binary(max_size=200), max_size=10),
    st.sampled_from(ROLES),
    st.booleans(),
)
def test_round_trip(messages: list[str | bytes], role: Role, is_compressed: bool) -> None:
    make = compressing if is_compressed else machine
    connection, peer = make(role), make(OTHER[role])
    wire = b"".join(
        part
        for message in messages
        for part in (connection.text(message) if isinstance(message, str) else connection.binary(message))
    )
    expected = [text(each) if isinstance(each, str) else binary(each) for each in messages]
    assert tell(peer, [wire[at : at + 7] for at in range(0, len(wire), 7)]) == expected


def test_a_frame_of_a_server_is_good_for_all_its_clients() -> None:
    assert machine(CLIENT).masks
    assert not machine(SERVER).masks
    (wire,) = machine(SERVER).text("to everybody")
    clients = [machine(CLIENT) if at % 2 else compressing(CLIENT) for at in range(6)]
    assert [only(tell(client, [wire])) for client in clients] == [text("to everybody")] * 6


def test_opcodes() -> None:
    assert [frame(FIN | opcode)[0] for opcode in (TEXT, BINARY)] == [0x81, 0x82]
