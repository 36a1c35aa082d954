"""Large messages, read to where they stay."""

import asyncio
from asyncio.protocols import _feed_data_to_buffered_proto as feed_as_proactors_do
from collections.abc import Callable
from typing import Any

import pytest

from pronghorn.io.channel import LINGER_BYTES
from pronghorn.io.payload_reader import PayloadReader, read_in_place
from pronghorn.wire.roles import CLIENT, SERVER, Role
from pronghorn.wire.websocket.messages import WSMsgType

from ..wire.websocket.exchanging import BINARY, CONTINUATION, FIN, PING, TEXT, frame
from .endpoints import KIB, ROLES, Rig
from .fakes import settle

DATA = b"All work and no play makes Jack a dull boy. " * 24 * KIB  # 1 MiB and some
FIRST = 200 * KIB


def begin(role: Role = SERVER, **options: Any) -> tuple[Rig, bytes]:
    """A rig in the middle of a large message, and the rest of that."""
    rig = Rig(role, **options)
    wire = rig.binary(DATA)
    rig.peer_sends(wire[:FIRST])
    return rig, wire[FIRST:]


def reader_of(rig: Rig) -> PayloadReader:
    reader = rig.transport.get_protocol()
    if not isinstance(reader, PayloadReader):
        pytest.fail(f"expected a PayloadReader, got {reader!r}")
    return reader


@ROLES
@pytest.mark.parametrize("size", [5 * KIB + 1, 256 * KIB, 4096 * KIB])
async def test_a_large_message_and_what_follows(role: Role, size: int) -> None:
    rig, rest = begin(role)
    reader_of(rig)
    rest += rig.text("next") + rig.binary(DATA) + rig.text("end")
    receiving = asyncio.create_task(rig.data(4))
    for at in range(0, len(rest), size):
        await settle()
        rig.peer_sends(rest[at : at + size])
    assert await receiving == [DATA, "next", DATA, "end"]
    assert rig.transport.get_protocol() is rig.channel


@ROLES
async def test_before_its_end_it_steps_aside(role: Role) -> None:
    rig, rest = begin(role)
    rig.peer_sends(rest[:-1])
    assert rig.transport.get_protocol() is rig.channel
    rig.peer_sends(rest[-1:])
    assert await rig.data(1) == [DATA]


@ROLES
@pytest.mark.parametrize("deliver", [feed_as_proactors_do, PayloadReader.data_received])
async def test_transports_that_read_before_they_ask(
    role: Role, deliver: Callable[[PayloadReader, bytes], None]
) -> None:
    rig, rest = begin(role)
    rest += b"".join(rig.text("x" * 90) for _ in range(100)) + rig.text("end")
    deliver(reader_of(rig), rest)
    assert rig.transport.get_protocol() is rig.channel
    assert await rig.data(102) == [DATA, *["x" * 90] * 100, "end"]


@ROLES
async def test_small_and_other_messages_are_read_as_ever(role: Role) -> None:
    rig = Rig(role)
    for wire in (
        frame(FIN | TEXT, DATA, role),
        frame(FIN | BINARY, DATA[: 60 * KIB], role),
        frame(BINARY, b"a", role) + frame(FIN | PING, b"", role) + frame(FIN | CONTINUATION, b"b", role),
    ):
        for at in range(0, len(wire), 50 * KIB):
            rig.peer_sends(wire[at : at + 50 * KIB])
            assert rig.transport.get_protocol() is rig.channel
    assert await rig.data(3) == [DATA.decode(), DATA[: 60 * KIB], b"ab"]


async def test_a_protocol_that_stands_between_stays() -> None:
    rig = Rig()
    between = asyncio.Protocol()
    rig.transport.set_protocol(between)
    rig.channel.data_received(rig.binary(DATA)[:FIRST])
    assert rig.transport.get_protocol() is between


async def test_nothing_is_changed_where_it_closes() -> None:
    rig, _ = begin()
    rig.transport.set_protocol(rig.channel)
    rig.transport.write(b"not read")
    rig.transport.close()
    read_in_place(rig.channel, rig.endpoint.machine)
    assert rig.transport.get_protocol() is rig.channel


# What the loop tells of else


@ROLES
async def test_the_end_of_the_connection(role: Role) -> None:
    rig, rest = begin(role)
    rig.peer_sends(rest[: 100 * KIB])
    reader_of(rig)
    rig.transport.receive_eof()
    assert await rig.receive() is None
    assert rig.endpoint.close_code == 1006
    await settle()
    assert rig.side.told[-1] == ("lost", None)


async def test_the_loss_of_the_connection() -> None:
    rig, _ = begin()
    error = ConnectionResetError("reset")
    rig.transport.lose(error)
    assert await rig.receive() is None
    assert rig.endpoint.close_code == 1006
    assert rig.endpoint.exception is error


async def test_the_peer_that_does_not_read() -> None:
    rig, rest = begin(high=100)
    rig.channel.write(b"x" * 200)
    assert rig.channel.is_write_paused
    rig.transport.take()
    assert not rig.channel.is_write_paused
    assert rig.side.told == ["unwritable", "writable"]
    rig.peer_sends(rest)
    assert await rig.data(1) == [DATA]


async def test_what_is_read_into_place_counts_as_life() -> None:
    rig, rest = begin(heartbeat=10.0)
    for at in range(0, 100 * KIB, 10 * KIB):
        rig.clock.advance(9.0)
        rig.peer_sends(rest[at : at + 10 * KIB])
        reader_of(rig)
    assert rig.peer_reads() == []
    rig.clock.advance(10.1)
    assert rig.peer_reads() == [(WSMsgType.PING, b"", "")]


@ROLES
async def test_who_reads_slowly_is_not_given_more(role: Role) -> None:
    rig = Rig(role)
    wire = rig.binary(DATA)
    rig.peer_sends(rig.binary(b"x" * 100 * KIB) + wire[:FIRST])
    assert rig.transport.is_reading_paused
    rig.peer_sends(wire[FIRST:])
    assert rig.transport.waiting
    assert await rig.data(2) == [b"x" * 100 * KIB, DATA]


async def test_what_comes_behind_our_end_is_thrown_away() -> None:
    rig, rest = begin()
    rig.endpoint.end(1001)
    assert rig.channel.is_lingering
    for at in range(0, len(rest), 10 * KIB):
        rig.peer_sends(rest[at : at + 10 * KIB])
    assert rig.transport.is_reading_paused
    assert rig.transport.waiting >= len(rest) - LINGER_BYTES - 10 * KIB
    assert rig.peer_reads() == [(WSMsgType.CLOSE, 1001, "")]


async def test_a_client_that_has_closed_reads_on_for_the_close_frame() -> None:
    rig, rest = begin(CLIENT)
    closing = asyncio.create_task(rig.endpoint.close(1000, ""))
    await settle()
    rig.peer_sends(rest + rig.close(1000))
    assert rig.peer_reads() == [(WSMsgType.CLOSE, 1000, "")]
    rig.transport.receive_eof()
    async with asyncio.timeout(5):
        assert await closing
    assert rig.endpoint.close_code == 1000
