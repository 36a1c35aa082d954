"""The owner of a channel that has switched to WebSocket: receiving, flow control, the heartbeat.

How it ends is in test_websocket_close.py and test_websocket_closing.py.
"""

import asyncio

import pytest

from pronghorn.io.websocket import HIGH_WATER
from pronghorn.wire.roles import CLIENT, Role
from pronghorn.wire.websocket.messages import WSMsgType

from ..wire.websocket.exchanging import FIN, PING, PONG, TEXT, frame
from .endpoints import KIB, ROLES, Rig
from .fakes import settle

# Receiving


@ROLES
async def test_messages_are_received_in_order(role: Role) -> None:
    rig = Rig(role)
    rig.peer_sends(rig.text("a"), rig.binary(b"b"))
    rig.peer_sends(rig.text("c"))
    assert await rig.data(3) == ["a", b"b", "c"]


async def test_what_came_behind_the_handshake_is_received() -> None:
    rig = Rig(begins=False)
    rig.endpoint.start(rig.text("a") + rig.text("b")[:3])
    rig.peer_sends(rig.text("b")[3:])
    assert await rig.data(2) == ["a", "b"]


async def test_an_end_that_came_before_the_switch_is_noticed() -> None:
    rig = Rig(begins=False)
    rig.endpoint.start(rig.text("a"), has_ended=True)
    assert await rig.data(1) == ["a"]
    assert await rig.receive() is None
    assert rig.endpoint.close_code == 1006
    assert rig.transport.is_closed


async def test_a_close_frame_and_an_end_that_came_before_the_switch_are_in_order() -> None:
    rig = Rig(begins=False)
    rig.endpoint.start(rig.close(1000), has_ended=True)
    await rig.receive()
    assert rig.peer_reads() == [(WSMsgType.CLOSE, 1000, "")]
    assert rig.endpoint.close_code == 1000
    assert rig.endpoint.exception is None


async def test_reading_goes_on_where_it_was_paused_before_the_switch() -> None:
    rig = Rig(CLIENT, begins=False)
    rig.channel.pause_reading()
    rig.peer_sends(rig.text("a"))
    rig.endpoint.start(b"")
    assert await rig.data(1) == ["a"]


@pytest.mark.parametrize("turns", range(6))
async def test_a_receiver_that_is_cancelled_loses_no_message(turns: int) -> None:
    """At whatever turn of the loop, before and after the message has come."""
    rig = Rig()
    receiving = asyncio.create_task(rig.receive())
    await settle()
    rig.peer_sends(rig.text("a"), rig.text("b"))
    for _ in range(turns):
        await asyncio.sleep(0)
    receiving.cancel()
    try:
        message = await receiving
    except asyncio.CancelledError:
        received = []
    else:
        received = [message and message.data]
    rest = await rig.data(2 - len(received))
    assert received + rest == ["a", "b"]
    assert rig.endpoint.waiter is None


async def test_a_receiver_whose_time_is_over_loses_no_message() -> None:
    rig = Rig()
    with pytest.raises(TimeoutError):
        await rig.wait(0.001)
    waiting = asyncio.create_task(rig.wait(0.001))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.001, rig.peer_sends, rig.text("a"))
    await asyncio.wait([waiting])
    waiting.exception()  # it may have come in time, or not
    assert await rig.data(1) == ["a"]


# Control frames


@ROLES
async def test_pings_are_answered_though_nobody_receives(role: Role) -> None:
    rig = Rig(role)
    rig.peer_sends(rig.control(PING, b"1"), rig.text("a"), rig.control(PING, b"2"), rig.control(PONG, b"x"))
    assert [(message[0], message[1]) for message in rig.peer_reads()] == [
        (WSMsgType.PONG, b"1"),
        (WSMsgType.PONG, b"2"),
    ]
    assert await rig.data(1) == ["a"]


async def test_without_autoping_they_are_received_and_not_answered() -> None:
    rig = Rig(autoping=False)
    rig.peer_sends(rig.control(PING, b"1"), rig.control(PONG, b"2"))
    assert await rig.receive() == (WSMsgType.PING, b"1", "")
    assert await rig.receive() == (WSMsgType.PONG, b"2", "")
    assert rig.peer_reads() == []


async def test_while_the_peer_does_not_read_only_its_last_ping_is_answered() -> None:
    rig = Rig(high=10)
    rig.channel.write(frame(FIN | TEXT, b"x" * 20, CLIENT))
    rig.peer_sends(*[rig.control(PING, b"%d" % number) for number in range(1000)])
    assert len(rig.transport.unsent) == 22
    assert [message[1] for message in rig.peer_reads()] == ["x" * 20]
    await settle()
    assert [message[1] for message in rig.peer_reads()] == [b"999"]
    assert rig.side.told == ["unwritable", "writable"]


async def test_no_pong_follows_our_close_frame() -> None:
    rig = Rig(CLIENT, high=10)
    rig.channel.write(frame(FIN | TEXT, b"x" * 20, CLIENT))
    rig.peer_sends(rig.control(PING))
    closing = asyncio.create_task(rig.endpoint.close(1000, ""))
    await asyncio.sleep(0)
    rig.transport.take()
    rig.peer_sends(rig.control(PING), rig.close(1000))
    await settle()
    assert rig.transport.take() == b""
    rig.transport.receive_eof()
    assert await closing


# Flow control


async def test_a_receiver_that_is_slow_stops_the_peer() -> None:
    rig = Rig()
    message = rig.binary(b"x" * 8 * KIB)
    for _ in range(100):
        rig.peer_sends(message)
    assert rig.channel.is_reading_paused
    held = 100 - rig.transport.waiting // len(message)
    assert HIGH_WATER < held * 8 * KIB + held * 128 <= HIGH_WATER + 9 * KIB
    for _ in range(held - 2):
        await rig.receive()
    await settle()
    assert rig.channel.is_reading_paused  # a quarter of it is still there
    for _ in range(102 - held):
        await rig.receive()
    assert rig.transport.waiting == 0
    assert not rig.channel.is_reading_paused


async def test_messages_have_a_weight_however_short_they_are() -> None:
    rig = Rig()
    for _ in range(10_000):
        rig.peer_sends(rig.text(""))
    assert rig.channel.is_reading_paused
    assert len(rig.endpoint.queue) < 1000


async def test_text_weighs_what_it_takes() -> None:
    rig = Rig()
    rig.peer_sends(rig.text("\N{PILE OF POO}" * 5000))
    assert not rig.channel.is_reading_paused
    rig.peer_sends(rig.text("\N{PILE OF POO}" * 15_000))
    assert rig.channel.is_reading_paused
    await rig.data(2)
    await settle()
    assert not rig.channel.is_reading_paused
    assert rig.endpoint._held == 0


async def test_one_read_of_many_messages_is_taken_in_step_by_step() -> None:
    rig = Rig()
    rig.peer_sends(*[rig.text(f"{number}") for number in range(50_000)])
    await settle()
    assert len(rig.endpoint.queue) < 10_000
    assert rig.channel.is_reading_paused
    assert await rig.data(50_000) == [f"{number}" for number in range(50_000)]
    await settle()
    assert not rig.channel.is_reading_paused


@pytest.mark.parametrize("taken", [0, 1, 5000])
async def test_what_came_before_the_connection_was_lost_is_received(taken: int) -> None:
    rig = Rig()
    rig.peer_sends(*[rig.text(f"{number}") for number in range(20_000)])
    received = await rig.data(taken)
    error = OSError("broken")
    rig.transport.lose(error)
    await settle()
    received += await rig.data(20_000 - taken)
    assert received == [f"{number}" for number in range(20_000)]
    assert await rig.receive() is None
    assert rig.endpoint.close_code == 1006
    assert rig.endpoint.exception is error


async def test_a_close_frame_that_came_before_the_connection_was_lost_counts() -> None:
    rig = Rig()
    rig.peer_sends(*[rig.text("x")] * 20_000, rig.close(4001, b"bye"))
    rig.transport.lose(OSError("broken"))
    await settle()
    await rig.data(20_000)
    assert await rig.receive() == (WSMsgType.CLOSE, 4001, "bye")
    assert rig.endpoint.close_code == 4001
    assert rig.endpoint.exception is None
    assert await rig.receive() is None
    assert not rig.clock.timers


async def test_the_side_hears_of_writing_and_of_the_loss() -> None:
    rig = Rig(high=1)
    rig.channel.write(b"xx")
    rig.transport.take()
    rig.transport.lose()
    await settle()
    assert rig.side.told == ["unwritable", "writable", ("lost", None)]
    assert not rig.endpoint.may_send


# The heartbeat


@ROLES
async def test_a_silent_peer_is_asked_and_then_dead(role: Role) -> None:
    rig = Rig(role, heartbeat=10, make_dead_error=ConnectionError)
    receiving = asyncio.create_task(rig.receive())
    await settle()
    rig.clock.advance(9.99)
    assert rig.peer_reads() == []
    rig.clock.advance(0.01)
    assert rig.peer_reads() == [(WSMsgType.PING, b"", "")]
    rig.clock.advance(4.99)
    assert not rig.transport.is_closed
    rig.clock.advance(0.02)
    assert rig.transport.is_aborted
    message = await receiving
    assert message is not None
    assert message.type is WSMsgType.ERROR
    assert isinstance(message.data, ConnectionError)
    assert str(message.data) == "No PONG received after 5.0 seconds"
    assert rig.endpoint.exception is message.data
    assert rig.endpoint.close_code == 1006
    assert rig.endpoint.is_closed
    assert await rig.receive() is None
    assert not rig.clock.timers


@pytest.mark.parametrize("life", ["pong", "text", "part"])
async def test_any_byte_is_life(life: str) -> None:
    rig = Rig(heartbeat=10)
    long = rig.binary(b"x" * 1000)
    for number in range(20):
        rig.clock.advance(14.9)
        rig.peer_reads()
        rig.peer_sends({"pong": rig.pong(), "text": rig.text("a"), "part": long[number : number + 1]}[life])
    assert not rig.transport.is_closed
    rig.clock.advance(15.1)
    assert rig.transport.is_aborted


async def test_who_speaks_is_not_asked() -> None:
    rig = Rig(heartbeat=10)
    for _ in range(20):
        rig.clock.advance(9)
        rig.peer_sends(rig.text("a"))
    assert rig.peer_reads() == []


async def test_what_was_received_before_is_told_before_the_death() -> None:
    rig = Rig(heartbeat=10)
    rig.peer_sends(rig.text("a"))
    rig.clock.advance(16)
    await settle()
    assert await rig.data(1) == ["a"]
    message = await rig.receive()
    assert message is not None
    assert message.type is WSMsgType.ERROR


async def test_while_we_do_not_listen_nobody_is_dead() -> None:
    rig = Rig(heartbeat=10)
    rig.peer_sends(rig.binary(b"x" * 2 * HIGH_WATER))
    assert rig.channel.is_reading_paused
    rig.clock.advance(1000)
    assert rig.peer_reads() == []
    await rig.receive()
    await settle()
    rig.clock.advance(10)
    assert rig.peer_reads() == [(WSMsgType.PING, b"", "")]
    rig.clock.advance(15)
    assert rig.transport.is_aborted


async def stuck_in_both_directions() -> Rig:
    """As an echo to a peer that has sent much, and reads nothing."""
    rig = Rig(heartbeat=10)
    rig.peer_sends(rig.binary(b"x" * 2 * HIGH_WATER))
    rig.channel.write(frame(FIN | TEXT, b"x" * 100 * KIB, CLIENT))
    if not (rig.channel.is_reading_paused and rig.channel.is_write_paused):
        pytest.fail("not stuck")
    return rig


async def test_a_peer_is_dead_that_takes_nothing_while_we_wait_for_it() -> None:
    rig = await stuck_in_both_directions()
    rig.clock.advance(15.1)
    assert rig.transport.is_aborted


async def test_a_peer_is_alive_that_takes_a_little_now_and_then() -> None:
    rig = await stuck_in_both_directions()
    for _ in range(40):
        rig.transport.take(10)
        rig.clock.advance(5)
    assert not rig.transport.is_closed
    rig.clock.advance(30)
    assert rig.transport.is_aborted


async def test_who_kept_the_loop_busy_is_no_proof_of_death() -> None:
    """uvloop calls timers before it reads: what has come meanwhile is heard after them."""
    rig = Rig(heartbeat=10)
    rig.clock.advance(10)
    rig.clock.now += 100
    (timer,) = rig.clock.timers
    rig.clock.timers.remove(timer)
    timer.callback()
    rig.peer_sends(rig.pong())
    rig.clock.advance(9.9)
    assert not rig.transport.is_closed
    rig.clock.advance(6)
    assert rig.transport.is_aborted


async def test_nobody_is_asked_behind_a_close_frame() -> None:
    rig = Rig(autoclose=False, heartbeat=10)
    rig.peer_sends(rig.close(1000))
    rig.clock.advance(100)
    assert rig.peer_reads() == []
    assert rig.endpoint.close_code == 1000


@pytest.mark.parametrize("heartbeat", [None, 0])
async def test_without_a_heartbeat_there_is_no_timer(heartbeat: float | None) -> None:
    rig = Rig(heartbeat=heartbeat)
    rig.peer_sends(rig.text("a"))
    assert not rig.clock.timers
