"""What a machine tells of frames; the section numbers are those of RFC 6455."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pronghorn.wire.roles import CLIENT, SERVER, Role
from pronghorn.wire.websocket.connection import WebSocketConnection, WebSocketEvent
from pronghorn.wire.websocket.deflate_offers import DeflateAgreement
from pronghorn.wire.websocket.limits import WebSocketLimits
from pronghorn.wire.websocket.messages import (
    WebSocketError,
    WSCloseCode,
    WSMessage,
    WSMessageTextBytes,
    WSMsgType,
)

from .exchanging import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FIN,
    PING,
    PONG,
    ROLES,
    TEXT,
    Make,
    binary,
    close,
    cuts,
    error,
    frame,
    header,
    machine,
    only,
    read,
    tell,
    text,
)

MIB = 1024 * 1024
PINGED = (WSMsgType.PING, b"Hello", "")


@pytest.fixture(params=ROLES, ids=lambda role: role.name)
def role(request: pytest.FixtureRequest) -> Role:
    return request.param


@pytest.fixture
def make(role: Role) -> Make:
    return lambda: machine(role)


def stepped(connection: WebSocketConnection, wire: bytes) -> list[WebSocketEvent]:
    """The events as they are, of all steps."""
    events = connection.feed(wire)
    while connection.has_more:
        events += connection.resume()
    return events


# Section 5.7


@pytest.mark.parametrize(
    ("octets", "reader", "told"),
    [
        ("810548656c6c6f", CLIENT, [text("Hello")]),
        ("818537fa213d7f9f4d5158", SERVER, [text("Hello")]),
        ("010348656c 80026c6f", CLIENT, [text("Hello")]),
        ("890548656c6c6f", CLIENT, [PINGED]),
        ("8a8537fa213d7f9f4d5158", SERVER, [(WSMsgType.PONG, b"Hello", "")]),
        ("827e0100" + "61" * 256, CLIENT, [binary(b"a" * 256)]),
    ],
)
def test_examples_of_section_5_7(octets: str, reader: Role, told: list) -> None:
    assert read(bytes.fromhex(octets), lambda: machine(reader)) == told


def test_the_example_of_64_kib() -> None:
    wire = bytes.fromhex("827f0000000000010000") + bytes(65536)
    for pieces in ([wire], [wire[:1], wire[1:9], wire[9:40000], wire[40000:]]):
        assert only(tell(machine(CLIENT), pieces)) == binary(bytes(65536))


# Messages


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 300, 65535, 65536, 70_000])
def test_messages_of_any_size(role: Role, make: Make, size: int) -> None:
    data = random.Random(size).randbytes(size)
    letters = data.hex()[:size]
    wire = frame(FIN | BINARY, data, role) + frame(FIN | TEXT, letters.encode(), role)
    told = [binary(data), text(letters)]
    if size <= 300:
        assert read(wire, make) == told
    for step in (1000, 65536):
        assert tell(make(), [wire[at : at + step] for at in range(0, len(wire), step)]) == told


def test_types_of_what_is_told(role: Role, make: Make) -> None:
    for size in (3, 200, 70_000):
        wire = frame(FIN | TEXT, b"a" * size, role) + frame(FIN | BINARY, b"a" * size, role)
        for message, kind, data in zip(
            stepped(make(), wire), (WSMsgType.TEXT, WSMsgType.BINARY), (str, bytes), strict=True
        ):
            assert type(message) is WSMessage
            assert message.type is kind
            assert type(message.data) is data


@pytest.mark.parametrize("size", [0, 5, 200, 70_000])
def test_text_may_be_left_as_it_came(role: Role, size: int) -> None:
    wire = frame(FIN | TEXT, b"\xff" * size, role) + frame(FIN | BINARY, b"", role)
    message, other = stepped(machine(role, decode_text=False), wire)
    assert type(message) is WSMessageTextBytes
    assert message == (WSMsgType.TEXT, b"\xff" * size, "")
    assert type(other) is WSMessage
    wire = frame(TEXT, b"\xff", role) + frame(FIN | CONTINUATION, b"\xfe", role)
    assert only(read(wire, lambda: machine(role, decode_text=False))) == (WSMsgType.TEXT, b"\xff\xfe", "")


def test_many_messages_in_one_read(role: Role, make: Make) -> None:
    wire = b"".join(frame(FIN | TEXT, str(at).encode(), role) for at in range(200))
    assert tell(make(), [wire]) == [text(str(at)) for at in range(200)]


def test_fragments_with_control_frames_between_them(role: Role, make: Make) -> None:
    wire = (
        frame(TEXT, b"He", role)
        + frame(FIN | PING, b"Hello", role)
        + frame(CONTINUATION, b"", role)
        + frame(CONTINUATION, b"l", role)
        + frame(FIN | PONG, b"", role)
        + frame(FIN | CONTINUATION, b"lo", role)
        + frame(BINARY, b"", role)
        + frame(FIN | CONTINUATION, b"", role)
    )
    assert read(wire, make) == [PINGED, (WSMsgType.PONG, b"", ""), text("Hello"), binary(b"")]


def test_a_character_may_lie_in_two_fragments(role: Role, make: Make) -> None:
    data = "\u03ba\U0001f98c".encode()
    wire = b"".join(frame(CONTINUATION if at else TEXT, data[at : at + 1], role) for at in range(len(data)))
    assert only(read(wire + frame(FIN | CONTINUATION, b"", role), make)) == text("\u03ba\U0001f98c")


@settings(max_examples=50)
@given(
    st.lists(st.text(max_size=80) | st.binary(max_size=200), max_size=6),
    st.integers(1, 50),
    st.integers(1, 50),
    st.sampled_from(ROLES),
)
def test_round_trip(messages: list[str | bytes], size: int, step: int, role: Role) -> None:
    """Messages in fragments of ``size``, in reads of ``step``."""
    wire = b""
    for message in messages:
        data = message.encode() if isinstance(message, str) else message
        opcode = TEXT if isinstance(message, str) else BINARY
        for at in range(0, max(len(data), 1), size):
            first = (CONTINUATION if at else opcode) | (FIN if at + size >= len(data) else 0)
            wire += frame(first, data[at : at + size], role)
    told = tell(machine(role), [wire[at : at + step] for at in range(0, len(wire), step)])
    assert told == [text(each) if isinstance(each, str) else binary(each) for each in messages]


@given(st.binary(max_size=80), st.sampled_from(ROLES))
def test_anything_is_told_or_refused_the_same_however_it_is_cut(wire: bytes, role: Role) -> None:
    read(wire, lambda: machine(role, deflate=DeflateAgreement()))


# Closing


@pytest.mark.parametrize(
    ("wire", "told"),
    [
        (b"", (1005, "")),
        (b"\x03\xe8", (1000, "")),
        (b"\x03\xe9bye", (1001, "bye")),
        (b"\x0f\xa0" + "κόσμε".encode(), (4000, "κόσμε")),
        (b"\x03\xe8" + b"r" * 123, (1000, "r" * 123)),
    ],
)
def test_a_close_ends_the_reading(role: Role, make: Make, wire: bytes, told: tuple) -> None:
    after = frame(FIN | TEXT, b"more", role) + b"\xff\xff"
    assert read(frame(FIN | TEXT, b"last", role) + frame(FIN | CLOSE, wire, role) + after, make) == [
        text("last"),
        (WSMsgType.CLOSE, *told),
    ]


def test_what_is_known_of_a_close(role: Role, make: Make) -> None:
    connection = make()
    assert connection.close_received is None
    (event,) = connection.feed(close(1001, b"bye", role) + frame(FIN | TEXT, b"more", role))
    assert connection.close_received is event
    assert event.data is WSCloseCode.GOING_AWAY
    assert connection.error is None
    assert (
        connection.feed(frame(FIN | TEXT, b"more", role))
        == connection.resume()
        == connection.feed_eof()
        == []
    )
    assert connection.close(event.data) == machine(role).close(1001) or role is CLIENT
    assert connection.close_sent


def test_messages_are_read_after_our_own_close(role: Role, make: Make) -> None:
    connection = make()
    connection.close()
    assert tell(connection, [frame(FIN | TEXT, b"late", role), close(1000, b"", role)]) == [
        text("late"),
        (WSMsgType.CLOSE, 1000, ""),
    ]


@pytest.mark.parametrize("before", [b"", b"\x81", "fragment"])
def test_a_connection_that_ends_without_a_close(role: Role, make: Make, before: bytes | str) -> None:
    connection = make()
    tell(connection, [frame(TEXT, b"half", role) if isinstance(before, str) else before])
    (event,) = connection.feed_eof()
    assert event == (WSMsgType.ERROR, connection.error, None)
    assert isinstance(connection.error, WebSocketError)
    assert connection.error.code == 1006
    assert connection.feed_eof() == connection.feed(frame(FIN | TEXT, b"more", role)) == []


# Family 9 of the checklist


def bad_frames(role: Role) -> dict[str, tuple[bytes, int]]:
    other = SERVER if role is CLIENT else CLIENT
    masked = not role.masks_frames
    end = frame(FIN | CONTINUATION, b"", role)
    return {
        "masked or not, as it must not be": (frame(FIN | TEXT, b"a", other), 1002),
        "empty, masked or not, as it must not be": (frame(FIN | PING, b"", other), 1002),
        "RSV1": (frame(FIN | 0x40 | TEXT, b"a", role), 1002),
        "RSV1 alone": (frame(FIN | 0x40 | BINARY, b"", role), 1002),
        "RSV2": (frame(FIN | 0x20 | TEXT, b"a", role), 1002),
        "RSV3": (frame(FIN | 0x10 | BINARY, b"a", role), 1002),
        "RSV1 on a control frame": (frame(FIN | 0x40 | PING, b"", role), 1002),
        **{
            f"opcode {code:#x}": (frame(FIN | code, b"", role), 1002)
            for code in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
        },
        **{f"fragment of opcode {code:#x}": (frame(code, b"", role), 1002) for code in (CLOSE, PING, PONG)},
        **{
            f"long control frame {code:#x}": (frame(FIN | code, b"\x03\xe8" + b"a" * 124, role), 1002)
            for code in (CLOSE, PING, PONG)
        },
        "continuation of nothing": (frame(FIN | CONTINUATION, b"a", role), 1002),
        "continuation of nothing, not the last": (frame(CONTINUATION, b"", role) + end, 1002),
        "message within a message": (frame(TEXT, b"a", role) + frame(FIN | TEXT, b"b", role), 1002),
        "begun message within a message": (frame(BINARY, b"", role) + frame(BINARY, b"", role), 1002),
        "length in 16 bits that needs 7": (header(FIN | BINARY, 125, masked, 2) + b"a" * 125, 1002),
        "length in 64 bits that needs 16": (header(FIN | BINARY, 65535, masked, 8), 1002),
        "length of 2**63": (header(FIN | BINARY, 2**63, masked, 8), 1002),
        "length of 2**64 - 1": (header(FIN | TEXT, 2**64 - 1, masked, 8), 1002),
        "length beyond the limit": (header(FIN | BINARY, 4 * MIB + 1, masked), 1009),
        "length of 2**63 - 1": (header(FIN | TEXT, 2**63 - 1, masked), 1009),
        "close of one byte": (frame(FIN | CLOSE, b"\x03", role), 1002),
        **{
            f"close code {code}": (close(code, b"", role), 1002)
            for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
        },
        "close reason": (close(1000, b"\xed\xa0\x80", role), 1007),
        "text": (frame(FIN | TEXT, b"\xc0\x80", role), 1007),
        "long text": (frame(FIN | TEXT, b"a" * 200 + b"\xff", role), 1007),
        "text that ends too soon": (frame(FIN | TEXT, b"\xce", role), 1007),
        "text in two fragments": (
            frame(TEXT, b"\xce\xba\xe1", role) + frame(FIN | CONTINUATION, b"\xbd", role),
            1007,
        ),
    }


@pytest.mark.parametrize(("role", "name"), [(role, name) for role in ROLES for name in bad_frames(role)])
def test_what_is_refused(role: Role, name: str) -> None:
    wire, code = bad_frames(role)[name]
    good = frame(FIN | TEXT, b"good", role)
    assert read(wire, lambda: machine(role)) == [error(code)]
    # What came before is told, and nothing after it.
    assert read(good + wire + good, lambda: machine(role)) == [text("good"), error(code)]


def test_a_message_goes_on_no_longer_than_to_its_last_frame(role: Role, make: Make) -> None:
    end = frame(FIN | CONTINUATION, b"", role)
    assert read(frame(TEXT, b"a", role) + end + end, make) == [text("a"), error(1002)]
    assert read(frame(FIN | TEXT, b"a", role) + end, make) == [text("a"), error(1002)]


@pytest.mark.parametrize(("role", "name"), [(role, name) for role in ROLES for name in bad_frames(role)])
def test_an_error_can_be_told_to_the_peer(role: Role, name: str) -> None:
    connection = machine(role)
    tell(connection, [bad_frames(role)[name][0]])
    failure = connection.error
    assert failure is not None
    told = tell(
        machine(SERVER if role is CLIENT else CLIENT), [connection.close(failure.code, failure.message)]
    )
    assert only(told) == (WSMsgType.CLOSE, failure.code, failure.message)


def test_nothing_is_kept_after_an_error(role: Role, make: Make) -> None:
    connection = make()
    tell(connection, [frame(TEXT, b"begun", role) + frame(FIN | 3, b"", role) + bytes(1000)])
    assert (connection._data, connection._assembly, connection.has_more) == (b"", None, False)


@pytest.mark.parametrize("size", [200, 70_000])
def test_text_is_refused_where_it_is_spoilt(role: Role, make: Make, size: int) -> None:
    """Autobahn 6.4: not at the end of the frame, and not at the end of the message."""
    connection = make()
    wire = header(FIN | TEXT, size, not role.masks_frames) + frame(0, b"a" * 50 + b"\xf4\x90", role)[2:][-52:]
    assert tell(connection, [wire[at : at + 1] for at in range(len(wire))]) == [error(1007)]


# Limits


@pytest.mark.parametrize("limit", [0, 1, 10, 125, 126, 1000])
def test_the_limit_of_a_message(role: Role, limit: int) -> None:
    def make() -> WebSocketConnection:
        return machine(role, WebSocketLimits(message=limit))

    most, more = b"a" * limit, b"a" * (limit + 1)
    assert read(frame(FIN | TEXT, most, role), make) == [text(most.decode())]
    assert read(frame(FIN | BINARY, more, role), make) == [error(1009)]
    parts = frame(BINARY, most, role) + frame(CONTINUATION, b"", role)
    assert read(parts + frame(FIN | CONTINUATION, b"", role), make) == [binary(most)]
    assert read(parts + frame(FIN | CONTINUATION, b"a", role), make) == [error(1009)]


def test_no_limit_of_a_message(role: Role) -> None:
    connection = machine(role, WebSocketLimits(message=None))
    data = bytes(5 * MIB)
    assert only(tell(connection, [frame(FIN | BINARY, data, role)])) == binary(data)
    assert tell(connection, [header(FIN | BINARY, 2**62, not role.masks_frames), b"a" * 100]) == []


def test_a_length_is_refused_before_anything_of_it_came(role: Role, make: Make) -> None:
    assert tell(make(), [header(FIN | BINARY, 4 * MIB + 1, not role.masks_frames)]) == [error(1009)]
    begun = frame(BINARY, b"a", role) + header(FIN | CONTINUATION, 4 * MIB, not role.masks_frames)
    assert tell(make(), [begun]) == [error(1009)]


@pytest.mark.parametrize("payload", [b"", b"a"])
def test_fragments_with_next_to_nothing_are_counted(role: Role, payload: bytes) -> None:
    def make() -> WebSocketConnection:
        return machine(role, WebSocketLimits(fragments=20))

    flood = frame(BINARY, payload, role) + frame(CONTINUATION, payload, role) * 18
    last = frame(FIN | CONTINUATION, payload, role)
    assert read(flood + last, make) == [binary(payload * 20)]
    assert read(flood + frame(CONTINUATION, payload, role) + last, make) == [error(1008)]
    # They are counted for each message.
    assert read((flood + last) * 3, make) == [binary(payload * 20)] * 3


def test_fragments_with_something_in_them_are_not_refused(role: Role) -> None:
    connection = machine(role, WebSocketLimits(fragments=20))
    pieces = [frame(BINARY, b"a" * 40, role), *[frame(CONTINUATION, b"a" * 40, role)] * 998]
    told = tell(connection, [*pieces, frame(FIN | CONTINUATION, b"a" * 40, role)])
    assert told == [binary(b"a" * 40_000)]


def test_never_more_than_a_short_frame_is_kept(role: Role, make: Make) -> None:
    for wire in (
        frame(FIN | PING, b"p" * 125, role),
        frame(FIN | BINARY, bytes(3000), role),
        header(TEXT, 70_000, not role.masks_frames),
    ):
        connection = make()
        for at in range(len(wire) - 1):
            connection.feed(wire[at : at + 1])
            assert len(connection._data) < 135


def test_a_read_is_not_kept_alive(role: Role, make: Make) -> None:
    connection = make()
    connection.feed(frame(FIN | TEXT, b"a" * 5000, role))
    assert connection._data == b""
    connection.feed(frame(FIN | TEXT, b"a" * 5000, role) + b"\x81")
    assert connection._data == b"\x81"


# Steps


def test_a_step_tells_no_more_than_a_read_of_32_kib_has(role: Role, make: Make) -> None:
    wire = frame(FIN | TEXT, b"", role)
    count = 200 * 1024 // len(wire)
    connection = make()
    steps = [connection.feed(wire * count)]
    while connection.has_more:
        steps.append(connection.resume())
    assert max(map(len, steps)) <= 32 * 1024 // len(wire) + 1
    assert len(steps) in (7, 8)
    assert [event for step in steps for event in step] == [text("")] * count
    assert connection.resume() == []


def test_what_a_read_brings_comes_after_what_is_held(role: Role, make: Make) -> None:
    connection = make()
    events = connection.feed(b"".join(frame(FIN | TEXT, b"%d" % at, role) for at in range(20_000)))
    assert connection.has_more
    events += connection.feed(frame(FIN | TEXT, b"20000", role))
    assert connection.has_more
    while connection.has_more:
        events += connection.resume()
    assert events == [text(str(at)) for at in range(20_001)]


def test_a_close_while_there_is_more(role: Role, make: Make) -> None:
    connection = make()
    connection.feed(
        frame(FIN | TEXT, b"", role) * 20_000 + close(1000, b"", role) + frame(FIN | TEXT, b"", role) * 20_000
    )
    assert connection.has_more
    last = []
    while connection.has_more:
        last = connection.resume()
    assert last[-1] == (WSMsgType.CLOSE, 1000, "")
    assert connection.resume() == []


@pytest.mark.parametrize("is_closed", [False, True])
def test_the_end_of_the_connection_while_there_is_more(role: Role, make: Make, is_closed: bool) -> None:
    connection = make()
    events = connection.feed(
        frame(FIN | TEXT, b"", role) * 20_000 + (close(1000, b"", role) if is_closed else b"")
    )
    assert connection.has_more
    assert connection.feed_eof() == []
    while connection.has_more:
        events += connection.resume()
    assert events[:-1] == [text("")] * 20_000
    assert events[-1] == (
        (WSMsgType.CLOSE, 1000, "") if is_closed else (WSMsgType.ERROR, connection.error, None)
    )
    assert connection.feed_eof() == connection.resume() == []


@pytest.mark.parametrize("wire", [b"", b"\x81"])
def test_nothing_is_more(make: Make, wire: bytes) -> None:
    connection = make()
    assert connection.feed(wire) == []
    assert not connection.has_more
    assert list(cuts(wire))
