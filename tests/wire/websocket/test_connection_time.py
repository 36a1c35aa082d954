"""What reading costs as it grows."""

import tracemalloc
from collections.abc import Callable

import pytest

from pronghorn.wire.roles import CLIENT, SERVER, Role
from pronghorn.wire.websocket.deflate import Deflater
from pronghorn.wire.websocket.deflate_offers import DeflateAgreement, DeflateOptions, Direction
from pronghorn.wire.websocket.limits import WebSocketLimits

from ...worktime import LINEAR, growth
from .exchanging import BINARY, CONTINUATION, FIN, PING, ROLES, RSV1, TEXT, frame, header, machine, tell

pytestmark = pytest.mark.timed

KIB = 1024
MIB = 1024 * KIB
UNLIMITED = WebSocketLimits(message=None)
DEFLATE = DeflateAgreement()


def fed(wire: bytes, role: Role, step: int) -> None:
    tell(
        machine(role, UNLIMITED, deflate=DEFLATE), [wire[at : at + step] for at in range(0, len(wire), step)]
    )


def messages(size: int, role: Role) -> bytes:
    return frame(FIN | TEXT, b"a" * 30, role) * size


def empty(size: int, role: Role) -> bytes:
    return frame(FIN | TEXT, b"", role) * size


def fragments(size: int, role: Role) -> bytes:
    return frame(TEXT, b"a" * 40, role) + frame(CONTINUATION, b"a" * 40, role) * size


def pings(size: int, role: Role) -> bytes:
    return frame(BINARY, b"", role) + frame(FIN | PING, b"p" * 100, role) * size


def compressed(size: int, role: Role) -> bytes:
    deflater = Deflater(Direction(no_context_takeover=True), DeflateOptions())
    return frame(FIN | RSV1 | BINARY, deflater.deflate(bytes(5000)), role) * (size // 10)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
@pytest.mark.parametrize("step", [7, 64 * KIB, 64 * MIB])
@pytest.mark.parametrize("make", [messages, empty, fragments, pings, compressed])
def test_time_is_linear_in_the_frames(make: Callable[[int, Role], bytes], step: int, role: Role) -> None:
    size = 1000 if step == 7 else 6000
    wires = {times * size: make(times * size, role) for times in (1, 2)}
    assert growth(lambda load: fed(wires[load], role, step), size) < LINEAR


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize(
    ("step", "size"), [(1, 4000), (1500, MIB), (256 * KIB, 8 * MIB), (64 * MIB, 8 * MIB)]
)
def test_time_is_linear_in_a_message(step: int, size: int, opcode: int, role: Role) -> None:
    wires = {load: frame(FIN | opcode, b"a" * load, role) for load in (size, 2 * size)}
    assert growth(lambda load: fed(wires[load], role, step), size) < LINEAR


@pytest.mark.parametrize("size", [MIB, 2 * MIB])
def test_time_is_linear_where_a_read_inflates_to_much(size: int) -> None:
    deflater = Deflater(Direction(no_context_takeover=True), DeflateOptions(15))
    one = frame(FIN | RSV1 | BINARY, deflater.deflate(bytes(300 * KIB)), SERVER)
    wires = {load: one * load for load in (100, 200)}
    assert growth(lambda load: fed(wires[load], SERVER, size), 100) < LINEAR


def test_nothing_is_held_for_what_was_only_announced() -> None:
    connection = machine(SERVER, UNLIMITED)
    tracemalloc.start()
    try:
        tell(connection, [header(FIN | BINARY, 2**40, masked=True), b"a" * 1000])
        assert tracemalloc.get_traced_memory()[1] < 100 * KIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_an_idle_connection_holds_little(role: Role) -> None:
    tracemalloc.start()
    try:
        idle = [machine(role, deflate=DEFLATE) for _ in range(100)]
        for connection in idle:
            tell(connection, [frame(FIN | TEXT, b"a" * 5000, role), frame(FIN | PING, b"", role)])
        assert tracemalloc.get_traced_memory()[0] / len(idle) < 1.5 * KIB
    finally:
        tracemalloc.stop()


def test_a_message_is_held_little_more_than_once() -> None:
    data = bytes(8 * MIB)
    reads = [data[at : at + 256 * KIB] for at in range(0, len(data), 256 * KIB)]
    connection = machine(CLIENT, UNLIMITED)
    tracemalloc.start()
    try:
        tell(connection, [header(FIN | BINARY, len(data), masked=False), *reads])
        assert tracemalloc.get_traced_memory()[1] < 8 * MIB * 1.3
    finally:
        tracemalloc.stop()
