"""Compressed messages through a machine; the section numbers are those of RFC 7692."""

import random

import pytest

from pronghorn.wire.roles import CLIENT, SERVER, Role
from pronghorn.wire.websocket.connection import WebSocketConnection
from pronghorn.wire.websocket.deflate import Deflater
from pronghorn.wire.websocket.deflate_offers import DeflateAgreement, DeflateOptions, Direction
from pronghorn.wire.websocket.limits import WebSocketLimits
from pronghorn.wire.websocket.messages import WSMsgType

from .exchanging import (
    BINARY,
    CONTINUATION,
    FIN,
    PING,
    ROLES,
    RSV1,
    TEXT,
    Make,
    binary,
    error,
    frame,
    header,
    machine,
    read,
    tell,
    text,
)

MIB = 1024 * 1024
HELLO = bytes.fromhex("f248cdc9c90700")
AGAIN = bytes.fromhex("f200110000")


@pytest.fixture(params=ROLES, ids=lambda role: role.name)
def role(request: pytest.FixtureRequest) -> Role:
    return request.param


@pytest.fixture
def make(role: Role) -> Make:
    return lambda: machine(role, deflate=DeflateAgreement())


def test_example_of_section_7_2_3_1(role: Role, make: Make) -> None:
    assert read(frame(FIN | RSV1 | TEXT, HELLO, role), make) == [text("Hello")]
    parts = frame(RSV1 | TEXT, HELLO[:3], role) + frame(FIN | CONTINUATION, HELLO[3:], role)
    assert read(parts, make) == [text("Hello")]


def test_a_last_fragment_with_nothing_in_it(role: Role, make: Make) -> None:
    parts = frame(RSV1 | TEXT, HELLO, role) + frame(FIN | CONTINUATION, b"", role)
    assert read(parts + frame(FIN | RSV1 | TEXT, AGAIN, role), make) == [text("Hello")] * 2


def test_octets_of_section_7_2_3_1() -> None:
    make = lambda: machine(CLIENT, deflate=DeflateAgreement())  # noqa: E731  # as the fixture does
    assert read(bytes.fromhex("c107f248cdc9c90700"), make) == [text("Hello")]
    assert read(bytes.fromhex("4103f248cd 8004c9c90700"), make) == [text("Hello")]


def test_example_of_section_7_2_3_2(role: Role, make: Make) -> None:
    wire = frame(FIN | RSV1 | TEXT, HELLO, role) + frame(FIN | RSV1 | TEXT, AGAIN, role)
    assert read(wire, make) == [text("Hello")] * 2


def test_a_window_that_was_not_to_be_kept(role: Role) -> None:
    forgetful = Direction(no_context_takeover=True)
    wire = frame(FIN | RSV1 | TEXT, HELLO, role) + frame(FIN | RSV1 | TEXT, AGAIN, role)
    told = read(wire, lambda: machine(role, deflate=DeflateAgreement(forgetful, forgetful)))
    assert told == [text("Hello"), error(1002)]


def test_messages_that_are_not_compressed_between_others(role: Role, make: Make) -> None:
    wire = (
        frame(FIN | RSV1 | TEXT, HELLO, role)
        + frame(FIN | TEXT, b"plain", role)
        + frame(BINARY, b"pl", role)
        + frame(FIN | CONTINUATION, b"ain", role)
        + frame(FIN | RSV1 | BINARY, AGAIN, role)
        + frame(FIN | RSV1 | TEXT, b"\0", role)
    )
    assert read(wire, make) == [text("Hello"), text("plain"), binary(b"plain"), binary(b"Hello"), text("")]


def test_control_frames_within_a_compressed_message(role: Role, make: Make) -> None:
    ping = frame(FIN | PING, b"p" * 100, role)
    wire = frame(RSV1 | TEXT, HELLO[:1], role) + ping + frame(CONTINUATION, HELLO[1:5], role) + ping
    wire += frame(FIN | CONTINUATION, HELLO[5:], role) + frame(FIN | RSV1 | TEXT, AGAIN, role)
    pinged = (WSMsgType.PING, b"p" * 100, "")
    assert read(wire, make) == [pinged, pinged, text("Hello"), text("Hello")]


@pytest.mark.parametrize(
    ("first", "payload", "code"),
    [
        (FIN | RSV1 | TEXT, b"\xff\xff", 1002),
        (FIN | RSV1 | PING, b"", 1002),
        (FIN | RSV1 | CONTINUATION, HELLO, 1002),
        (FIN | RSV1 | TEXT, Deflater(Direction(), DeflateOptions()).deflate(b"\xff"), 1007),
        (FIN | RSV1 | TEXT, Deflater(Direction(), DeflateOptions()).deflate(b"\xce"), 1007),
    ],
)
def test_bad_frames(role: Role, make: Make, first: int, payload: bytes, code: int) -> None:
    assert read(frame(first, payload, role), make) == [error(code)]


def test_rsv1_on_a_continuation(role: Role, make: Make) -> None:
    wire = frame(RSV1 | TEXT, HELLO[:3], role) + frame(FIN | RSV1 | CONTINUATION, HELLO[3:], role)
    assert read(wire, make) == [error(1002)]


def test_text_is_refused_at_the_fragment_that_spoils_it(role: Role, make: Make) -> None:
    wire = Deflater(Direction(), DeflateOptions()).deflate(
        b"good \xf4\x90" + random.Random(1).randbytes(5000)
    )
    assert tell(make(), [frame(RSV1 | TEXT, wire[:1000], role)]) == [error(1007)]


# Bombs


def bomb(role: Role, size: int, first: int = FIN | RSV1 | BINARY) -> bytes:
    return frame(first, Deflater(Direction(), DeflateOptions(15)).deflate(bytes(size)), role)


def test_a_bomb(role: Role, make: Make) -> None:
    assert tell(make(), [bomb(role, 64 * MIB)]) == [error(1009)]
    assert tell(make(), [bomb(role, 4 * MIB)]) == [binary(bytes(4 * MIB))]
    assert tell(make(), [bomb(role, 4 * MIB + 1)]) == [error(1009)]


def test_a_bomb_in_fragments(role: Role) -> None:
    def make() -> WebSocketConnection:
        return machine(role, WebSocketLimits(message=1000), deflate=DeflateAgreement())

    wire = Deflater(Direction(), DeflateOptions(15)).deflate(bytes(100_000))
    parts = [wire[at : at + 9] for at in range(0, len(wire), 9)]
    frames = [frame(CONTINUATION if at else RSV1 | TEXT, part, role) for at, part in enumerate(parts)]
    assert read(b"".join(frames), make) == [error(1009)]


def test_many_messages_that_inflate_are_told_a_step_at_a_time(role: Role, make: Make) -> None:
    connection = make()
    deflater = Deflater(Direction(no_context_takeover=True), DeflateOptions(15))
    wire = frame(FIN | RSV1 | BINARY, deflater.deflate(bytes(100_000)), role) * 30
    steps = [connection.feed(wire)]
    while connection.has_more:
        steps.append(connection.resume())
    assert [len(step) for step in steps] == [3] * 10
    assert all(event == binary(bytes(100_000)) for step in steps for event in step)


def test_a_compressed_length_that_no_message_needs(role: Role, make: Make) -> None:
    assert tell(make(), [header(FIN | RSV1 | BINARY, 16 * MIB, not role.masks_frames)]) == [error(1009)]


# Sections 12 and 13 of Autobahn: messages of many sizes and kinds, through every agreement


@pytest.mark.parametrize(
    "agreement",
    [
        DeflateAgreement(Direction(bits, forgets), Direction(other, not forgets))
        for bits, other in ((15, 15), (8, 9), (9, 8), (12, 10))
        for forgets in (False, True)
    ],
    ids=str,
)
@pytest.mark.parametrize("sender", ROLES)
def test_echo(sender: Role, agreement: DeflateAgreement) -> None:
    receiver = SERVER if sender is CLIENT else CLIENT
    ours, theirs = machine(sender, deflate=agreement), machine(receiver, deflate=agreement)
    chance = random.Random(7)
    words = ["Hello", "κόσμε", " ", "{", '"key": ', "0.5", "\U0001f98c"]
    for size in (0, 16, 64, 256, 1024, 4096, 32768):
        message = "".join(chance.choices(words, k=size // 4))
        noise = chance.randbytes(size)
        wire = b"".join([*ours.text(message, compress=True), *ours.binary(noise, compress=True)])
        step = chance.randrange(1, 2000)
        told = tell(theirs, [wire[at : at + step] for at in range(0, len(wire), step)])
        assert told == [text(message), binary(noise)]
        back = [
            part
            for _, data, _ in told
            for part in (theirs.text(data) if isinstance(data, str) else theirs.binary(data))
        ]
        assert tell(ours, back) == told
