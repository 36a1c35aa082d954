"""How this end closes: in a bounded time, whoever else does what; and how it is closed from outside."""

import asyncio

import pytest

from pronghorn.io.channel import Channel
from pronghorn.wire.roles import CLIENT, SERVER, Role
from pronghorn.wire.websocket.messages import WSMsgType

from ..wire.websocket.exchanging import PING
from .endpoints import KIB, ROLES, Rig, closing
from .fakes import settle


@ROLES
async def test_close_waits_for_the_peers(role: Role) -> None:
    rig = Rig(role)
    async with closing(rig, 4000, "why") as task:
        assert rig.peer_reads() == [(WSMsgType.CLOSE, 4000, "why")]
        assert rig.endpoint.close_code is None
        assert rig.endpoint.is_closed
        rig.peer_sends(rig.text("dropped"), rig.close(4001))
        await settle()
        assert task.done() is (role is SERVER)  # the client waits for the server to end the connection
        rig.transport.receive_eof()
    assert task.result() is True
    assert rig.endpoint.close_code == 4001
    assert rig.endpoint.exception is None
    assert not await rig.endpoint.close(1000, "")
    assert rig.peer_reads() == []
    assert not rig.clock.timers


@ROLES
async def test_close_is_bounded(role: Role) -> None:
    rig = Rig(role, close_timeout=0.01)
    async with closing(rig) as task:
        pass
    assert task.result() is True
    assert rig.transport.is_aborted
    assert rig.endpoint.close_code == 1006
    assert isinstance(rig.endpoint.exception, TimeoutError)
    await settle()
    assert not rig.clock.timers


@ROLES
async def test_close_that_is_cancelled_leaves_nothing(role: Role) -> None:
    rig = Rig(role)
    async with closing(rig) as task:
        task.cancel()
    assert task.cancelled()
    assert rig.transport.is_aborted
    await settle()
    assert not rig.clock.timers
    assert rig.side.told == [("lost", None)]


@ROLES
async def test_closing_twice_at_once(role: Role) -> None:
    rig = Rig(role)
    async with closing(rig) as first, closing(rig, 4000) as second:
        assert rig.peer_reads() == [(WSMsgType.CLOSE, 1000, "")]
        rig.peer_sends(rig.close(1000))
        rig.transport.receive_eof()
    assert first.result() is True
    assert second.result() is False


async def test_of_two_that_close_one_is_cancelled() -> None:
    rig = Rig(CLIENT)
    async with closing(rig) as first, closing(rig) as second:
        second.cancel()
    assert first.result() is True  # by the connection's end
    assert second.cancelled()


async def test_close_tells_who_receives() -> None:
    rig = Rig()
    receiving = asyncio.create_task(rig.receive())
    await settle()
    async with closing(rig):
        message = await receiving
        assert message is not None
        assert message.type is WSMsgType.CLOSING
        assert await rig.receive() is None
        rig.peer_sends(rig.close(1000))


@pytest.mark.parametrize(
    ("code", "reason"),
    [(999, ""), (1004, ""), (1005, ""), (1006, ""), (1015, ""), (5000, ""), (1000, "x" * 124)],
)
async def test_what_no_close_frame_may_say_leaves_it_open(code: int, reason: str) -> None:
    rig = Rig()
    with pytest.raises(ValueError, match="close"):
        await rig.endpoint.close(code, reason)
    assert rig.endpoint.may_send
    assert not rig.endpoint.is_closed
    rig.peer_sends(rig.text("a"))
    assert await rig.data(1) == ["a"]


async def test_the_peers_close_frame_is_found_behind_all_that_it_had_sent() -> None:
    rig = Rig()
    flood = rig.binary(b"x" * 16 * KIB)
    for _ in range(100):
        rig.peer_sends(flood)
    rig.peer_sends(*[rig.text("")] * 20_000, rig.close(1000))
    assert rig.channel.is_reading_paused
    async with closing(rig) as task:
        async with asyncio.timeout(5):
            await asyncio.wait([task])
    assert rig.endpoint.close_code == 1000
    assert not rig.endpoint.queue
    assert rig.transport.waiting == 0


async def test_close_behind_the_peers_waits_for_the_end() -> None:
    rig = Rig(CLIENT)
    rig.peer_sends(rig.close(1000))
    await rig.receive()
    async with closing(rig) as task:
        assert not task.done()
        rig.transport.take()
        rig.transport.receive_eof()
    assert task.result() is False
    assert not rig.clock.timers


@ROLES
async def test_close_of_what_is_lost_returns_at_once(role: Role) -> None:
    rig = Rig(role)
    rig.transport.lose()
    await settle()
    assert await rig.endpoint.close(1000, "") is True
    assert rig.endpoint.close_code == 1006
    assert not rig.clock.timers


# The handler is over, the server shuts down


async def test_end_closes_without_waiting() -> None:
    rig = Rig()
    receiving = asyncio.create_task(rig.receive())
    await settle()
    rig.endpoint.end(1011)
    assert rig.peer_reads() == [(WSMsgType.CLOSE, 1011, "")]
    assert rig.transport.is_eof_written
    message = await receiving  # of a task that the handler has left behind
    assert message is not None
    assert message.type is WSMsgType.CLOSING
    rig.endpoint.end(1000)
    rig.transport.receive_eof()
    await settle()
    rig.endpoint.end(1000)
    assert rig.side.told[-1] == ("lost", None)
    assert not rig.clock.timers


async def test_end_is_bounded() -> None:
    rig = Rig(close_timeout=7)
    rig.channel.write(b"x" * KIB)
    rig.endpoint.end(1000)
    rig.clock.advance(7)
    assert rig.transport.is_aborted


async def test_going_away_is_told_behind_what_has_come() -> None:
    rig = Rig()
    rig.peer_sends(rig.text("a"))
    rig.endpoint.go_away()
    rig.endpoint.go_away()
    assert rig.endpoint.is_going_away
    assert await rig.data(1) == ["a"]
    assert await rig.receive() == (WSMsgType.CLOSING, 1001, "the server shuts down")
    rig.peer_sends(rig.text("b"))
    assert await rig.data(1) == ["b"]  # whoever wants to goes on
    assert rig.endpoint.may_send


async def test_nobody_is_told_of_going_away_who_has_closed() -> None:
    rig = Rig()
    rig.peer_sends(rig.close(1000))
    rig.endpoint.go_away()
    assert not rig.endpoint.is_going_away
    assert await rig.receive() == (WSMsgType.CLOSE, 1000, "")


async def test_an_endpoint_is_the_owner_of_its_channel() -> None:
    rig = Rig()
    assert isinstance(rig.channel, Channel)
    assert rig.channel.owner is rig.endpoint
    assert not rig.endpoint.outlives_eof()
    rig.peer_sends(rig.control(PING))
    assert rig.channel.machine is rig.endpoint.machine
