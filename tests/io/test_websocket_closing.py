"""How the peer ends a WebSocket: by a close frame, by an error, by the end of the connection."""

import asyncio

import pytest

from pronghorn.io.websocket import HIGH_WATER
from pronghorn.wire.roles import CLIENT, SERVER, Role
from pronghorn.wire.websocket.limits import WebSocketLimits
from pronghorn.wire.websocket.messages import WebSocketError, WSMsgType

from ..wire.websocket.exchanging import CLOSE, FIN, TEXT, frame, machine
from .endpoints import KIB, ROLES, Rig, closing
from .fakes import settle

# The peer closes


@ROLES
@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
async def test_a_close_frame_is_answered_with_its_code(role: Role, code: int) -> None:
    rig = Rig(role)
    rig.peer_sends(rig.text("a"), rig.close(code, b"why"))
    assert await rig.data(1) == ["a"]
    assert rig.peer_reads() == []  # the receiver was not told, and may have an answer
    assert rig.endpoint.may_send
    assert not rig.endpoint.is_closed
    assert await rig.receive() == (WSMsgType.CLOSE, code, "why")
    assert rig.peer_reads() == [(WSMsgType.CLOSE, code, "")]
    assert not rig.endpoint.may_send
    assert rig.endpoint.is_closed
    assert rig.endpoint.close_code == code
    assert rig.endpoint.exception is None
    assert await rig.receive() is None


@ROLES
async def test_a_close_frame_without_a_code_is_answered_with_such_a_one(role: Role) -> None:
    rig = Rig(role)
    rig.peer_sends(rig.control(CLOSE))
    await rig.receive()
    assert rig.peer_reads() == [(WSMsgType.CLOSE, 1005, "")]
    assert rig.endpoint.close_code == 1005


@ROLES
@pytest.mark.parametrize("last", [b"\x88", b"\xff"], ids=["close", "error"])
async def test_where_nothing_can_be_answered_any_more_nobody_is_waited_for(role: Role, last: bytes) -> None:
    """Nothing came before, or who receives is back for more."""
    for comes_back in (False, True):
        rig = Rig(role)
        if comes_back:
            rig.peer_sends(rig.text("a"))
            await rig.data(1)
            with pytest.raises(TimeoutError):
                await rig.wait(0.001)
        rig.peer_sends(rig.close(1000) if last == b"\x88" else b"\xff\xff")
        ((kind, code, _),) = rig.peer_reads()
        assert (kind, code) == (WSMsgType.CLOSE, 1000 if last == b"\x88" else 1002)
        assert not rig.endpoint.is_closed


@ROLES
async def test_who_has_taken_a_message_can_answer_it(role: Role) -> None:
    rig = Rig(role)
    rig.peer_sends(rig.text("a"))
    await rig.data(1)
    rig.peer_sends(rig.close(1000))
    assert rig.peer_reads() == []
    assert rig.endpoint.may_send
    await rig.receive()
    assert rig.peer_reads() == [(WSMsgType.CLOSE, 1000, "")]


@ROLES
async def test_a_close_frame_is_answered_though_nobody_receives(role: Role) -> None:
    rig = Rig(role, heartbeat=1)
    rig.peer_sends(rig.text("a"), rig.close(1000))
    rig.clock.advance(4.9)
    assert rig.peer_reads() == []
    rig.clock.advance(0.2)
    assert rig.peer_reads() == [(WSMsgType.CLOSE, 1000, "")]
    assert await rig.data(1) == ["a"]
    assert await rig.receive() == (WSMsgType.CLOSE, 1000, "")
    assert rig.peer_reads() == []


async def test_who_ends_behind_its_close_frame_gets_the_answers_before_it() -> None:
    rig = Rig()
    rig.peer_sends(rig.text("a"), rig.close(1000))
    rig.transport.receive_eof()
    await rig.receive()
    rig.channel.write(frame(FIN | TEXT, b"b", CLIENT))
    await rig.receive()
    assert [message[0] for message in rig.peer_reads()] == [WSMsgType.TEXT, WSMsgType.CLOSE]
    await settle()
    assert rig.side.told == [("lost", None)]
    assert not rig.clock.timers


async def test_a_server_ends_the_connection_first() -> None:
    rig = Rig(SERVER)
    rig.peer_sends(rig.close(1000))
    await rig.receive()
    assert rig.transport.is_eof_written
    assert not rig.transport.is_closed  # it waits for the client's end
    rig.peer_reads()
    rig.transport.receive_eof()
    await settle()
    assert rig.side.told[-1] == ("lost", None)
    assert not rig.clock.timers


async def test_a_client_lets_the_server_end_the_connection() -> None:
    rig = Rig(CLIENT)
    rig.peer_sends(rig.close(1000))
    await rig.receive()
    rig.peer_reads()
    rig.clock.advance(0.99)
    assert not rig.transport.is_eof_written
    assert not rig.transport.is_closed
    rig.transport.receive_eof()
    await settle()
    assert rig.side.told[-1] == ("lost", None)
    assert not rig.clock.timers


async def test_a_client_does_not_wait_for_a_server_that_has_ended() -> None:
    rig = Rig(CLIENT)
    rig.peer_sends(rig.text("a"), rig.close(1000))
    rig.transport.receive_eof()
    await rig.data(1)
    assert not rig.transport.is_closed
    await rig.receive()
    assert rig.transport.is_closed
    assert rig.peer_reads() == [(WSMsgType.CLOSE, 1000, "")]
    await settle()
    assert rig.side.told == [("lost", None)]
    assert not rig.clock.timers


async def test_a_client_ends_it_when_the_server_does_not() -> None:
    rig = Rig(CLIENT)
    rig.peer_sends(rig.close(1000))
    await rig.receive()
    rig.peer_reads()
    rig.clock.advance(1.0)
    assert rig.transport.is_closed
    assert not rig.transport.is_aborted
    await settle()
    assert not rig.clock.timers


@ROLES
async def test_a_peer_that_does_not_read_our_close_frame_is_given_up(role: Role) -> None:
    rig = Rig(role, close_timeout=7)
    rig.channel.write(b"x" * 100 * KIB)
    rig.peer_sends(rig.close(1000))
    await rig.receive()
    rig.clock.advance(6.9)
    assert not rig.transport.is_aborted
    rig.clock.advance(1.2)
    assert rig.transport.is_aborted
    await settle()
    assert not rig.clock.timers
    assert rig.endpoint.close_code == 1000


@ROLES
async def test_without_autoclose_it_is_for_the_caller_to_close(role: Role) -> None:
    rig = Rig(role, autoclose=False)
    rig.peer_sends(rig.close(4000, b"why"))
    assert await rig.receive() == (WSMsgType.CLOSE, 4000, "why")
    assert rig.peer_reads() == []
    assert rig.endpoint.may_send
    assert rig.endpoint.is_closing
    assert not rig.endpoint.is_closed
    async with closing(rig, 4001) as task:
        assert rig.peer_reads() == [(WSMsgType.CLOSE, 4001, "")]
        rig.transport.receive_eof()
    assert task.result()
    assert rig.endpoint.close_code == 4000


async def test_nothing_is_read_behind_a_close_frame() -> None:
    rig = Rig()
    rig.peer_sends(rig.close(1000), rig.text("a"))
    rig.peer_sends(rig.text("b"))
    assert await rig.receive() == (WSMsgType.CLOSE, 1000, "")
    assert await rig.receive() is None


async def test_unread_messages_do_not_keep_the_connection_from_ending() -> None:
    rig = Rig()
    rig.peer_sends(*[rig.text("x")] * 1000, rig.close(1000))
    assert rig.endpoint._held > HIGH_WATER
    assert not rig.channel.is_reading_paused
    rig.clock.advance(5)
    rig.peer_reads()
    rig.transport.receive_eof()
    await settle()
    assert rig.side.told[-1] == ("lost", None)
    assert len(await rig.data(1000)) == 1000


# Errors


ERRORS = {
    "reserved bits": (b"\xf1\x80", 1002),
    "opcode": (b"\x83\x80", 1002),
    "no text": (b"\x81\x81\0\0\0\0\xff", 1007),
    "too long": (b"\x82\xfe\x04\x00", 1009),
    "close code": (b"\x88\x82\0\0\0\0\x03\xed", 1002),
}


@pytest.mark.parametrize(("sent", "code"), ERRORS.values(), ids=ERRORS)
async def test_a_peer_that_breaks_the_protocol_is_told_why(sent: bytes, code: int) -> None:
    rig = Rig(connection=machine(SERVER, WebSocketLimits(message=1000)))
    rig.peer_sends(rig.text("a"), sent, rig.text("b"))
    assert await rig.data(1) == ["a"]
    assert rig.peer_reads() == []  # "a" may have an answer
    message = await rig.receive()
    ((kind, told, reason),) = rig.peer_reads()
    assert (kind, told) == (WSMsgType.CLOSE, code)
    assert message is not None
    assert message.type is WSMsgType.ERROR
    assert isinstance(message.data, WebSocketError)
    assert (message.data.code, message.data.message) == (code, reason)
    assert rig.endpoint.close_code == code
    assert rig.endpoint.exception is message.data
    assert rig.endpoint.is_closed
    assert await rig.receive() is None
    assert rig.transport.is_eof_written
    rig.transport.receive_eof()
    await settle()
    assert not rig.clock.timers


@ROLES
async def test_it_is_told_though_nobody_receives(role: Role) -> None:
    rig = Rig(role)
    rig.peer_sends(rig.text("a"), b"\xff\xff")
    rig.clock.advance(4.9)
    assert rig.peer_reads() == []
    rig.clock.advance(0.2)
    assert rig.peer_reads()[0][:2] == (WSMsgType.CLOSE, 1002)
    assert await rig.data(1) == ["a"]
    assert rig.endpoint.close_code == 1002


async def test_a_server_that_breaks_the_protocol_may_end_the_connection() -> None:
    rig = Rig(CLIENT)
    rig.peer_sends(b"\xff\0")
    await rig.receive()
    assert rig.peer_reads()[0][1] == 1002
    assert not rig.transport.is_eof_written
    rig.clock.advance(1)
    assert rig.transport.is_closed


async def test_an_error_behind_our_close_frame_ends_the_connection() -> None:
    rig = Rig()
    async with closing(rig) as task:
        rig.peer_sends(b"\xff\0")
        assert rig.peer_reads() == [(WSMsgType.CLOSE, 1000, "")]
        rig.transport.receive_eof()
    assert task.result()
    assert rig.endpoint.close_code == 1002


# The connection ends


@ROLES
@pytest.mark.parametrize("part", [b"", b"\x81", b"\x01\x01x"])
async def test_an_end_without_a_close_frame(role: Role, part: bytes) -> None:
    rig = Rig(role)
    receiving = asyncio.create_task(rig.receive())
    await settle()
    if part:
        rig.peer_sends(frame(TEXT, b"x", role)[: len(part)])
    rig.transport.receive_eof()
    assert await receiving is None
    assert rig.endpoint.close_code == 1006
    assert str(rig.endpoint.exception) == "the connection ended without a close frame"
    assert not rig.endpoint.may_send
    assert rig.peer_reads() == []
    await settle()
    assert rig.side.told == [("lost", None)]
    assert not rig.clock.timers


async def test_a_peer_that_has_ended_and_does_not_read_is_given_up() -> None:
    """It may hold a few bytes of ours for ever: too few for whom watches writers that wait."""
    rig = Rig(close_timeout=7)
    rig.channel.write(frame(FIN | TEXT, b"x", CLIENT))
    rig.transport.receive_eof()
    assert await rig.receive() is None  # at once
    assert not rig.transport.is_lost
    rig.clock.advance(7)
    assert rig.transport.is_aborted


@ROLES
async def test_a_loss_wakes_who_receives(role: Role) -> None:
    rig = Rig(role)
    receiving = asyncio.create_task(rig.receive())
    await settle()
    error = ConnectionResetError()
    rig.transport.lose(error)
    assert await receiving is None
    assert (rig.endpoint.close_code, rig.endpoint.exception) == (1006, error)
