"""Large frames whose payload is read to where the message stays."""

import random
import tracemalloc

import pytest

from pronghorn.wire.roles import SERVER, Role
from pronghorn.wire.websocket.connection import WebSocketConnection
from pronghorn.wire.websocket.deflate import Deflater
from pronghorn.wire.websocket.deflate_offers import DeflateAgreement, DeflateOptions, Direction
from pronghorn.wire.websocket.limits import WebSocketLimits
from pronghorn.wire.websocket.messages import WSMessageTextBytes, WSMsgType

from .exchanging import (
    BINARY,
    CONTINUATION,
    FIN,
    PING,
    ROLES,
    RSV1,
    TEXT,
    Told,
    binary,
    error,
    frame,
    header,
    machine,
    only,
    tell,
    text,
)

KIB = 1024
MIB = 1024 * KIB
UNLIMITED = WebSocketLimits(message=None)
DATA = random.Random(1).randbytes(3 * MIB)
PINGED = (WSMsgType.PING, b"ping", "")

EACH_ROLE = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)


def take(connection: WebSocketConnection, wire: bytes, most: int) -> tuple[list[Told], int]:
    """What is told of ``wire``, read into place wherever that can be, and how much of it was."""
    told, at, placed = [], 0, 0
    while at < len(wire):
        room = connection.room()
        if room is None:
            told += tell(connection, [wire[at : at + most]])
            at += most
            continue
        size = min(len(room), most, len(wire) - at)
        room[:size] = wire[at : at + size]
        connection.fill(size)
        at += size
        placed += size
    return told, placed


@EACH_ROLE
@pytest.mark.parametrize("most", [8191, 64 * KIB, 256 * KIB, 16 * MIB])
@pytest.mark.parametrize("size", [64 * KIB, 300 * KIB, MIB, 3 * MIB])
def test_a_message_is_the_same_wherever_it_is_read_to(role: Role, size: int, most: int) -> None:
    wire = frame(FIN | BINARY, DATA[:size], role) + frame(FIN | TEXT, b"next", role)
    told, _ = take(machine(role, UNLIMITED), wire, most)
    assert told == tell(machine(role, UNLIMITED), [wire]) == [binary(DATA[:size]), text("next")]
    assert type(told[0][1]) is bytes


@EACH_ROLE
def test_most_of_a_large_message_is_read_into_place(role: Role) -> None:
    wire = frame(FIN | BINARY, DATA[:MIB], role)
    told, placed = take(machine(role), wire, 256 * KIB)
    assert only(told) == binary(DATA[:MIB])
    assert placed > MIB - 260 * KIB


@EACH_ROLE
@pytest.mark.parametrize("most", [9000, 200 * KIB])
def test_fragments_of_all_sizes_with_others_between(role: Role, most: int) -> None:
    sizes = (10, 400 * KIB, 0, 70 * KIB, 900 * KIB, 5, 300 * KIB)
    pieces, at = [], 0
    for size in sizes:
        pieces.append(DATA[at : at + size])
        at += size
    wire = frame(BINARY, b"", role)
    for piece in pieces:
        wire += frame(CONTINUATION, piece, role) + frame(FIN | PING, b"ping", role)
    wire += frame(FIN | CONTINUATION, b"", role)
    told, placed = take(machine(role, UNLIMITED), wire, most)
    assert told == [PINGED] * len(sizes) + [binary(DATA[:at])]
    assert placed > MIB


@EACH_ROLE
def test_text_that_is_left_as_bytes_is_read_into_place_too(role: Role) -> None:
    connection = machine(role, decode_text=False)
    told, placed = take(connection, frame(FIN | TEXT, DATA[:MIB], role), 256 * KIB)
    assert told == [(WSMsgType.TEXT, DATA[:MIB], "")]
    assert placed
    events = machine(role, decode_text=False).feed(frame(FIN | TEXT, DATA[:MIB], role))
    assert type(events[0]) is WSMessageTextBytes


@EACH_ROLE
def test_what_is_fed_all_the_same_goes_to_its_place(role: Role) -> None:
    wire = frame(FIN | BINARY, DATA[:MIB], role)
    connection = machine(role)
    assert tell(connection, [wire[: 256 * KIB]]) == []
    room = connection.room()
    assert room is not None
    room[:1001] = wire[256 * KIB : 256 * KIB + 1001]
    connection.fill(1001)
    assert only(tell(connection, [wire[256 * KIB + 1001 :]])) == binary(DATA[:MIB])


@EACH_ROLE
def test_who_keeps_the_room_cannot_change_the_message(role: Role) -> None:
    wire = frame(FIN | BINARY, DATA[:MIB], role)
    connection = machine(role)
    connection.feed(wire[: 256 * KIB])
    room = connection.room()
    assert room is not None
    told = tell(connection, [wire[256 * KIB :]])
    room[:] = bytes(len(room))
    assert only(told) == binary(DATA[:MIB])


@EACH_ROLE
@pytest.mark.parametrize(
    ("first", "size", "come"),
    [
        (FIN | TEXT, MIB, 256 * KIB),  # is checked as it comes
        (FIN | BINARY, 63 * KIB, 10 * KIB),  # too little
        (FIN | BINARY, MIB, 100 * KIB),  # too little has come
        (FIN | BINARY, 2**40, 512 * KIB),
        (FIN | BINARY, MIB, MIB - 1024),  # the end is fed
        (FIN | BINARY, MIB, 0),
    ],
)
def test_where_there_is_no_room(role: Role, first: int, size: int, come: int) -> None:
    connection = machine(role, UNLIMITED)
    connection.feed(header(first, size, not role.masks_frames) + b"a" * come)
    assert connection.room() is None


@EACH_ROLE
def test_there_is_no_room_for_what_is_compressed(role: Role) -> None:
    payload = Deflater(Direction(), DeflateOptions()).deflate(DATA[:MIB])
    connection = machine(role, deflate=DeflateAgreement())
    told, placed = take(connection, frame(FIN | RSV1 | BINARY, payload, role), 256 * KIB)
    assert only(told) == binary(DATA[:MIB])
    assert not placed


@EACH_ROLE
def test_there_is_no_room_behind_the_end(role: Role) -> None:
    wire = frame(FIN | BINARY, DATA[:MIB], role)
    connection = machine(role)
    assert connection.room() is None
    connection.feed(wire[: 256 * KIB])
    assert connection.room() is not None
    assert only([(event.type, event.data.code, None) for event in connection.feed_eof()]) == error(1006)
    assert connection.room() is None
    connection.fill(10)  # changes nothing
    assert connection.feed(wire) == []


@pytest.mark.timed
def test_what_is_held_is_bounded_by_what_has_come() -> None:
    connection = machine(SERVER, UNLIMITED)
    wire = header(FIN | BINARY, 64 * MIB, masked=True) + bytes(9 * MIB)
    tracemalloc.start()
    try:
        for come in range(0, 9 * MIB, 64 * KIB):
            connection.feed(wire[come : come + 64 * KIB])
            connection.room()
            assert tracemalloc.get_traced_memory()[0] < 9 * (come + 64 * KIB)
    finally:
        tracemalloc.stop()


@pytest.mark.timed
@EACH_ROLE
def test_a_message_in_its_place_is_there_once(role: Role) -> None:
    connection = machine(role, UNLIMITED)
    wire = frame(FIN | BINARY, bytes(MIB), role)
    tracemalloc.start()
    try:
        take(connection, wire, 256 * KIB)
        assert tracemalloc.get_traced_memory()[1] < 1.6 * MIB
    finally:
        tracemalloc.stop()
