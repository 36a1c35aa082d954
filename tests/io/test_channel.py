"""The channel between a machine in memory and a transport in memory, in virtual time."""

import asyncio
import errno
import socket
from collections.abc import Callable, Sequence

import pytest

from pronghorn.io.channel import LINGER_BYTES, LINGER_SECONDS, Channel
from pronghorn.wire.errors import ConnectionEnded, ProtocolError
from pronghorn.wire.events import Data, End, Event

from .fakes import WRITE_BUFFER, FakeTransport, Recorder, VirtualClock, settle


class Echo:
    """A machine that tells what it was fed, until it is fed something bad."""

    def __init__(self, *, ends_well: bool = True) -> None:
        self.fed = bytearray()
        self._ends_well = ends_well

    def feed(self, data: bytes) -> Sequence[Event]:
        self.fed += data
        if data == b"bad":
            raise ProtocolError("bad")
        return [Data(data)]

    def feed_eof(self) -> Sequence[Event]:
        if not self._ends_well:
            raise ConnectionEnded("in the middle")
        return [End()]


class Rig:
    def __init__(
        self,
        *,
        outlives_eof: bool = False,
        ends_well: bool = True,
        has_eof: bool = True,
        high: int = WRITE_BUFFER,
    ) -> None:
        self.clock = VirtualClock()
        self.owner = Recorder(outlives_eof=outlives_eof)
        self.machine = Echo(ends_well=ends_well)
        self.channel = Channel(self.clock, self.machine, self.owner)  # type: ignore[arg-type]  # what it needs of a loop
        self.transport = FakeTransport(self.channel, has_eof=has_eof, high=high)

    def drain(self) -> "asyncio.Task[None]":
        return asyncio.create_task(self.channel.drain())


async def test_it_is_lost_until_it_is_made() -> None:
    channel = Channel(asyncio.get_running_loop(), Echo(), Recorder())
    assert channel.is_lost
    assert channel.sendable == 0
    for use in (lambda: channel.write(b"x"), lambda: channel.writelines([b"x"])):
        with pytest.raises(ConnectionResetError):
            use()
    with pytest.raises(ConnectionResetError):
        await channel.drain()
    for use in (channel.close, channel.abort, channel.linger, channel.pause_reading, channel.resume_reading):
        use()
    FakeTransport(channel)
    assert not channel.is_lost


# What arrives


async def test_what_arrives_goes_through_the_machine_to_the_owner() -> None:
    rig = Rig()
    rig.transport.receive(b"abc")
    (event,) = rig.owner.events
    assert isinstance(event, Data)
    assert event.chunk == b"abc"


async def test_a_read_that_completes_nothing_is_reported() -> None:
    rig = Rig()
    rig.machine.feed = lambda data: ()  # type: ignore[method-assign]  # a machine that waits for more
    rig.transport.receive(b"abc")
    assert rig.owner.batches == 1
    assert rig.owner.events == []


async def test_what_breaks_the_protocol_is_the_owner_s_to_answer() -> None:
    rig = Rig()
    rig.transport.receive(b"bad")
    assert [error.message for error in rig.owner.failures] == ["bad"]
    assert not rig.transport.is_closed
    rig.channel.write(b"answer")
    assert rig.transport.take() == b"answer"


@pytest.mark.parametrize("outlives", [True, False])
async def test_the_end_of_the_peer_s_side(outlives: bool) -> None:
    rig = Rig(outlives_eof=outlives)
    rig.transport.receive_eof()
    (event,) = rig.owner.events
    assert isinstance(event, End)
    assert rig.transport.is_closed is not outlives
    await settle()
    assert rig.channel.is_lost is not outlives


@pytest.mark.parametrize("outlives", [True, False])
async def test_an_end_in_the_middle_of_a_message(outlives: bool) -> None:
    rig = Rig(outlives_eof=outlives, ends_well=False)
    rig.transport.receive_eof()
    assert [type(error) for error in rig.owner.failures] == [ConnectionEnded]
    assert rig.owner.events == []
    assert rig.transport.is_closed is not outlives


async def test_machine_and_owner_can_be_handed_over() -> None:
    """An upgrade: the next protocol gets what comes from then on, and the end."""
    rig = Rig()
    rig.transport.receive(b"old")
    machine, owner = Echo(), Recorder()
    rig.channel.machine, rig.channel.owner = machine, owner
    rig.transport.receive(b"new")
    rig.channel.write(b"x" * (WRITE_BUFFER + 1))
    rig.transport.take()
    rig.transport.receive_eof()
    await settle()
    assert (bytes(rig.machine.fed), bytes(machine.fed)) == (b"old", b"new")
    assert (len(rig.owner.events), rig.owner.writables, rig.owner.losses) == (1, 0, [])
    assert (len(owner.events), owner.writables, owner.losses) == (2, 1, [None])


@pytest.mark.parametrize("error", [None, ConnectionResetError("by peer")])
async def test_the_loss_is_told_once_and_is_final(error: Exception | None) -> None:
    rig = Rig()
    rig.transport.lose(error)
    await settle()
    assert rig.channel.is_lost
    assert rig.owner.losses == [error]
    assert rig.channel.sendable == 0
    for use in (lambda: rig.channel.write(b"x"), lambda: rig.channel.writelines([b"x", b"y"])):
        with pytest.raises(ConnectionResetError):
            use()
    with pytest.raises(ConnectionResetError):
        await rig.channel.drain()
    for use in (rig.channel.close, rig.channel.abort, rig.channel.linger):
        use()
    assert rig.clock.timers == []


# Flow control: the peer's bytes


async def test_reading_is_paused_and_resumed() -> None:
    rig = Rig()
    rig.channel.pause_reading()
    assert rig.channel.is_reading_paused
    assert rig.transport.is_reading_paused
    rig.transport.receive(b"waits")
    assert rig.owner.batches == 0
    rig.channel.resume_reading()
    await settle()
    assert not rig.channel.is_reading_paused
    assert bytes(rig.machine.fed) == b"waits"


async def test_pausing_and_resuming_do_not_count() -> None:
    rig = Rig()
    rig.channel.pause_reading()
    rig.channel.pause_reading()
    rig.channel.resume_reading()
    assert not rig.transport.is_reading_paused
    rig.channel.resume_reading()
    assert not rig.transport.is_reading_paused


# Flow control: ours


async def test_writing() -> None:
    rig = Rig()
    rig.channel.write(b"a")
    rig.channel.writelines([b"b", b"c"])
    assert rig.transport.take() == b"abc"
    assert rig.transport.writes == [1, 2]


async def test_sendable_is_what_is_free_in_the_buffer() -> None:
    rig = Rig()
    assert rig.channel.sendable == WRITE_BUFFER
    rig.channel.write(b"x" * 1000)
    assert rig.channel.sendable == WRITE_BUFFER - 1000
    rig.channel.write(b"x" * WRITE_BUFFER)
    assert rig.channel.sendable == 0
    rig.transport.take()
    assert rig.channel.sendable == WRITE_BUFFER


async def test_draining_with_room_returns_at_once() -> None:
    rig = Rig()
    rig.channel.write(b"x" * WRITE_BUFFER)
    coroutine = rig.channel.drain()
    with pytest.raises(StopIteration):
        coroutine.send(None)


async def test_draining_waits_until_the_peer_reads() -> None:
    rig = Rig()
    rig.channel.write(b"x" * (WRITE_BUFFER + 1))
    assert rig.channel.is_write_paused
    drains = [rig.drain() for _ in range(3)]
    await settle()
    assert not any(task.done() for task in drains)
    rig.transport.take(WRITE_BUFFER // 2)
    await settle()
    assert not any(task.done() for task in drains)
    rig.transport.take()
    await asyncio.gather(*drains)
    assert not rig.channel.is_write_paused
    assert rig.owner.writables == 1


async def test_a_cancelled_drain_harms_no_other() -> None:
    rig = Rig()
    rig.channel.write(b"x" * (WRITE_BUFFER + 1))
    first, second, third = (rig.drain() for _ in range(3))
    await settle()
    second.cancel()
    await settle()
    assert second.cancelled()
    rig.transport.take()
    third.cancel()  # in the same turn in which it was woken
    await first
    with pytest.raises(asyncio.CancelledError):
        await third
    rig.channel.write(b"x" * (WRITE_BUFFER + 1))
    again = rig.drain()
    rig.transport.take()
    await again


@pytest.mark.parametrize(
    "error",
    [
        None,
        ConnectionResetError(errno.ECONNRESET, "reset"),
        BrokenPipeError(errno.EPIPE, "broken pipe"),
        TimeoutError(errno.ETIMEDOUT, "timed out"),
        OSError(errno.EHOSTUNREACH, "no route"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_draining_fails_when_the_peer_goes_away(error: Exception | None) -> None:
    """With one error, however the connection was lost: that is what the writers of bodies look for."""
    rig = Rig()
    rig.channel.write(b"x" * (WRITE_BUFFER + 1))
    drains = [rig.drain() for _ in range(3)]
    cancelled = rig.drain()
    await settle()
    cancelled.cancel()
    rig.transport.lose(error)
    await settle()
    for task in drains:
        with pytest.raises(ConnectionResetError):
            await task
    assert cancelled.cancelled()


# Closing


async def test_closing_lets_everything_leave_first() -> None:
    rig = Rig()
    rig.channel.write(b"last words")
    rig.channel.close()
    await settle()
    assert not rig.channel.is_lost
    assert rig.transport.take() == b"last words"
    await settle()
    assert rig.owner.losses == [None]
    assert not rig.transport.is_aborted


async def test_aborting_drops_what_has_not_left() -> None:
    rig = Rig()
    rig.channel.write(b"x" * (WRITE_BUFFER + 1))
    drain = rig.drain()
    await settle()
    rig.channel.abort()
    with pytest.raises(ConnectionResetError):
        await drain
    assert rig.transport.is_aborted
    assert rig.owner.losses == [None]


async def test_lingering_closes_our_side_and_throws_input_away() -> None:
    rig = Rig()
    rig.channel.write(b"answer")
    rig.channel.linger()
    assert rig.transport.is_eof_written
    rig.transport.receive(b"late")
    rig.transport.receive(b"bad")
    assert bytes(rig.machine.fed) == b""
    assert rig.owner.failures == []
    assert rig.transport.take() == b"answer"
    assert not rig.transport.is_closed


async def test_lingering_reads_what_was_held_back() -> None:
    rig = Rig()
    rig.channel.pause_reading()
    rig.transport.receive(b"waits")
    rig.channel.linger()
    await settle()
    assert rig.transport.waiting == 0


async def test_lingering_ends_with_the_peer() -> None:
    rig = Rig()
    rig.channel.linger()
    rig.transport.receive_eof()
    await settle()
    assert rig.owner.losses == [None]
    assert rig.owner.events == []
    assert rig.clock.timers == []


async def test_lingering_is_bounded_in_time() -> None:
    rig = Rig()
    rig.channel.linger()
    rig.clock.advance(LINGER_SECONDS * 0.99)
    rig.channel.linger()  # a second call is none
    assert not rig.transport.is_closed
    rig.clock.advance(LINGER_SECONDS * 0.02)
    await settle()
    assert rig.transport.is_aborted
    assert rig.owner.losses == [None]
    assert rig.clock.timers == []


async def test_lingering_is_bounded_in_bytes() -> None:
    rig = Rig()
    rig.channel.linger()
    for _ in range(LINGER_BYTES // 1024):
        rig.transport.receive(b"x" * 1024)
    assert not rig.transport.is_reading_paused
    rig.transport.receive(b"x")
    assert rig.transport.is_reading_paused
    # A reset now would overtake the answer that has just left: the connection ends with its time.
    assert not rig.transport.is_closed
    rig.clock.advance(LINGER_SECONDS)
    assert rig.transport.is_aborted
    await settle()
    assert rig.owner.losses == [None]
    assert rig.clock.timers == []


async def test_an_answer_that_is_on_its_way_is_not_lost_with_the_peer_s_side() -> None:
    """RFC 9112 section 9.6: a client may close its sending side and read on."""
    rig = Rig()
    rig.channel.write(b"answer")
    rig.channel.linger()
    rig.transport.receive_eof()
    assert rig.transport.take() == b"answer"
    assert not rig.transport.is_aborted
    await settle()
    assert rig.owner.losses == [None]


async def test_a_slow_reader_s_time_begins_when_the_answer_has_left() -> None:
    rig = Rig()
    rig.channel.write(b"x" * 1000)
    rig.channel.linger()
    for _ in range(10):
        rig.clock.advance(LINGER_SECONDS)
        assert rig.transport.take(100)
    assert not rig.transport.is_closed
    rig.clock.advance(LINGER_SECONDS)
    assert rig.transport.is_aborted


async def test_without_half_closing_there_is_no_lingering() -> None:
    rig = Rig(has_eof=False)
    rig.channel.write(b"answer")
    rig.channel.linger()
    assert rig.transport.is_closed
    assert rig.transport.take() == b"answer"
    assert rig.clock.timers == []


async def test_lingering_on_a_reset_connection() -> None:
    rig = Rig()

    def write_eof() -> None:
        raise OSError(errno.ENOTCONN, "not connected")

    rig.transport.write_eof = write_eof  # type: ignore[method-assign]  # the peer has reset it, unnoticed
    rig.channel.linger()
    await settle()
    assert rig.owner.losses == [None]
    assert rig.clock.timers == []


@pytest.mark.parametrize("close", [Channel.close, Channel.abort, Channel.linger], ids=lambda f: f.__name__)
async def test_closing_twice(close: Callable[[Channel], None]) -> None:
    rig = Rig()
    close(rig.channel)
    close(rig.channel)
    rig.channel.abort()
    await settle()
    assert rig.owner.losses == [None]
    assert rig.clock.timers == []


# On the running loop: its own transports differ in when they ask to pause.


@pytest.mark.parametrize("gathers", [True, False], ids=["writelines", "write"])
async def test_a_peer_that_does_not_read_stops_the_writer(gathers: bool) -> None:
    """CVE-2024-12254: the loops of some Python versions let `writelines` fill the memory."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    channel = Channel(loop, Echo(), Recorder())
    piece = b"x" * 64 * 1024
    written = 0
    with theirs:
        await loop.create_connection(lambda: channel, sock=ours)
        while not channel.is_write_paused and written < 64 * 1024 * 1024:
            if gathers:
                channel.writelines([piece, piece])
            else:
                channel.write(piece)
            written += len(piece)
        assert channel.is_write_paused
        assert channel.sendable == 0
        drain = asyncio.create_task(channel.drain())
        await settle()
        assert not drain.done()
        theirs.setblocking(False)
        async with asyncio.timeout(10):
            while not drain.done():
                await asyncio.wait([drain, asyncio.ensure_future(loop.sock_recv(theirs, 1 << 20))])
        await drain
        channel.abort()
        await settle()
    assert channel.is_lost
