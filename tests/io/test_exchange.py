"""What an exchange on HTTP/1.1 receives; what it sends is in tests/testing/test_memory.py, as one contract
for every exchange."""

import asyncio

import pytest

from pronghorn.io.channel import Channel
from pronghorn.io.exchange import HIGH_WATER, LOW_WATER, Http1Exchange
from pronghorn.io.stream import StreamReader
from pronghorn.wire.events import Data, End
from pronghorn.wire.http1.connection import Http1Connection
from pronghorn.wire.roles import SERVER

from .fakes import FakeTransport, Recorder, settle

KIB = 1024
MIB = 1024 * KIB


class Rig(Recorder):
    """A server's end: the content of each request goes to a new stream."""

    def __init__(self) -> None:
        super().__init__()
        machine = Http1Connection(SERVER)
        self.channel = Channel(asyncio.get_running_loop(), machine, self)
        self.exchange = Http1Exchange(self.channel, machine)
        self.transport = FakeTransport(self.channel)
        self.streams: list[StreamReader] = []

    def receive(self, events: object) -> None:
        for event in events:  # type: ignore[attr-defined]  # the events of a batch
            if isinstance(event, (Data, End)):
                self.exchange.deliver(event)
            else:
                self.streams.append(StreamReader(self.exchange))
                self.exchange.open(self.streams[-1])

    def begin(self, length: int) -> StreamReader:
        self.transport.receive(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % length)
        return self.streams[-1]

    def answer(self) -> None:
        self.exchange.head(200, "OK", [], None, body=b"")

    def go_on(self) -> None:
        """The exchange is over; take up the next one."""
        machine = self.channel.machine
        assert isinstance(machine, Http1Connection)
        self.receive(machine.resume())


async def test_content_reaches_its_stream() -> None:
    rig = Rig()
    stream = rig.begin(6)
    rig.transport.receive(b"abc")
    assert await stream.read(100) == b"abc"
    rig.transport.receive(b"def")
    assert await stream.read() == b"def"
    assert stream.at_eof()


async def test_a_reader_that_does_not_read_stops_the_peer() -> None:
    rig = Rig()
    rig.begin(10 * HIGH_WATER)
    piece = b"x" * 16 * KIB
    for _ in range(100):
        rig.transport.receive(piece)
    assert rig.channel.is_reading_paused
    assert HIGH_WATER < rig.exchange.unread <= HIGH_WATER + len(piece)
    assert rig.transport.waiting == 100 * len(piece) - rig.exchange.unread


async def test_reading_goes_on_once_enough_was_read() -> None:
    rig = Rig()
    stream = rig.begin(10 * HIGH_WATER)
    piece = b"x" * 16 * KIB
    while not rig.channel.is_reading_paused:
        rig.transport.receive(piece)
    while rig.exchange.unread > LOW_WATER:
        assert rig.channel.is_reading_paused
        await stream.read(KIB)
    assert not rig.channel.is_reading_paused


async def test_the_whole_of_a_body_passes_in_bounded_memory() -> None:
    rig = Rig()
    total = 4 * HIGH_WATER
    stream = rig.begin(total)
    for _ in range(total // KIB):
        rig.transport.receive(b"x" * KIB)
    received = 0
    while chunk := await stream.read(10 * KIB):
        received += len(chunk)
        assert rig.exchange.unread <= HIGH_WATER + KIB
        await settle()
    assert received == total
    assert rig.transport.waiting == 0


async def test_what_a_cancelled_read_gives_back_counts_again() -> None:
    rig = Rig()
    stream = rig.begin(10 * HIGH_WATER)
    read = asyncio.create_task(stream.read())
    for _ in range(32):
        rig.transport.receive(b"x" * 16 * KIB)
        await settle()
    assert rig.exchange.unread == 0
    read.cancel()
    await settle()
    assert rig.exchange.unread == 32 * 16 * KIB
    rig.transport.receive(b"x")
    assert rig.channel.is_reading_paused


async def test_the_end_of_the_content_lets_the_next_message_in() -> None:
    rig = Rig()
    stream = rig.begin(HIGH_WATER + 2)
    rig.transport.receive(b"x" * (HIGH_WATER + 1))
    assert rig.channel.is_reading_paused
    await stream.read(HIGH_WATER)
    rig.transport.receive(b"x")
    await settle()
    assert stream.is_eof()
    assert not rig.channel.is_reading_paused


async def test_content_read_late_leaves_the_next_message_s_account_alone() -> None:
    """The stream of one message is whole and unread when the next one is received already."""
    rig = Rig()
    late = rig.begin(200 * KIB)
    rig.transport.receive(b"x" * 200 * KIB)
    assert late.is_eof()
    rig.answer()
    rig.go_on()
    rig.begin(10 * HIGH_WATER)
    for _ in range(100):
        rig.transport.receive(b"y" * 16 * KIB)
    unread = rig.exchange.unread
    assert await late.read() == b"x" * 200 * KIB
    await settle()
    assert rig.exchange.unread == unread
    assert rig.channel.is_reading_paused


async def test_failing_ends_the_stream_after_what_came() -> None:
    rig = Rig()
    stream = rig.begin(10)
    rig.transport.receive(b"abc")
    rig.exchange.fail(LookupError("lost"))
    assert await stream.readany() == b"abc"
    with pytest.raises(LookupError, match="lost"):
        await stream.readany()
    rig.exchange.fail(LookupError("again"))  # there is nothing left to fail
    assert str(stream.exception()) == "lost"


async def test_discarded_content_is_counted_and_not_kept() -> None:
    rig = Rig()
    stream = rig.begin(10 * HIGH_WATER)
    rig.transport.receive(b"x" * (HIGH_WATER + 1))
    assert rig.channel.is_reading_paused
    rig.exchange.discard()
    assert not rig.channel.is_reading_paused
    assert rig.exchange.unread == 0
    rig.transport.receive(b"y" * 1000)
    assert rig.exchange.unread == 1000
    assert stream.total_bytes == HIGH_WATER + 1


# How it writes


async def test_a_message_leaves_in_one_write() -> None:
    rig = Rig()
    rig.begin(0)
    rig.exchange.head(200, "OK", [("A", "b")], None, body=b"body")
    assert rig.transport.writes == [1]
    assert rig.transport.take() == b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 4\r\n\r\nbody"


async def test_a_large_body_leaves_with_its_head_and_is_not_copied() -> None:
    rig = Rig()
    rig.begin(0)
    body = b"x" * MIB
    rig.exchange.head(200, "OK", [("A", "b")], None, body=body)
    assert rig.transport.writes == [2]  # buffers
    assert rig.transport.take() == b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 1048576\r\n\r\n" + body


async def test_a_large_body_that_may_not_be_sent() -> None:
    rig = Rig()
    rig.transport.receive(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
    rig.exchange.head(200, "OK", [], None, body=b"x" * MIB)
    assert rig.transport.take() == b"HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n"
    rig.go_on()
    rig.begin(0)
    rig.exchange.head(204, "No Content", [], None, body=b"x" * MIB)
    assert rig.transport.take() == b"HTTP/1.1 204 No Content\r\n\r\n"
    rig.go_on()
    rig.begin(0)
    rig.transport.abort()
    await settle()
    with pytest.raises(ConnectionResetError):
        rig.exchange.head(200, "OK", [], None, body=b"x" * MIB)


@pytest.mark.parametrize("size", [1, KIB, 16 * KIB - 1, 16 * KIB, 100 * KIB])
async def test_each_chunk_leaves_in_one_write(size: int) -> None:
    rig = Rig()
    rig.begin(0)
    rig.exchange.head(200, "OK", [], None)
    rig.exchange.data(b"x" * size)
    await settle()
    assert len(rig.transport.writes) == 2
    assert rig.transport.take().endswith(b"\r\n\r\n%x\r\n%b\r\n" % (size, b"x" * size))


async def test_small_chunks_of_one_turn_leave_in_one_write() -> None:
    rig = Rig()
    rig.begin(0)
    rig.exchange.head(200, "OK", [], None)
    for _ in range(3):
        rig.exchange.data(b"abc")
    assert len(rig.transport.writes) == 1
    assert rig.exchange.sendable == rig.channel.sendable - 9
    await settle()
    assert rig.transport.take().endswith(b"\r\n\r\n" + 3 * b"3\r\nabc\r\n")
    rig.exchange.data(b"def")
    rig.exchange.end()
    assert rig.transport.take() == b"3\r\ndef\r\n0\r\n\r\n"
    assert len(rig.transport.writes) == 3


async def test_chunks_that_are_much_together_do_not_wait() -> None:
    rig = Rig()
    rig.begin(0)
    rig.exchange.head(200, "OK", [], None)
    for _ in range(32):
        rig.exchange.data(b"x" * KIB)
    assert len(rig.transport.writes) == 3
    rig.exchange.data(b"small")
    rig.exchange.data(b"y" * 16 * KIB)
    assert rig.transport.take().endswith(b"5\r\nsmall\r\n4000\r\n" + b"y" * 16 * KIB + b"\r\n")


async def test_what_was_gathered_is_not_sent_on_a_lost_connection() -> None:
    rig = Rig()
    rig.begin(0)
    rig.exchange.head(200, "OK", [], None)
    rig.exchange.data(b"abc")
    rig.transport.abort()
    await settle()
    assert len(rig.transport.writes) == 1
    with pytest.raises(ConnectionResetError):
        rig.exchange.data(b"def")


async def test_a_reset_takes_what_was_gathered_back() -> None:
    rig = Rig()
    rig.begin(0)
    rig.exchange.head(200, "OK", [], None)
    rig.exchange.data(b"abc")
    rig.exchange.reset("no more")
    await settle()
    assert len(rig.transport.writes) == 1


async def test_nothing_is_written_where_there_is_nothing() -> None:
    rig = Rig()
    rig.begin(0)
    rig.exchange.head(200, "OK", [], 1)
    rig.exchange.data(b"")
    rig.exchange.data(b"x")
    rig.exchange.end()
    assert len(rig.transport.writes) == 2


async def test_a_reset_message_is_not_ended() -> None:
    rig = Rig()
    rig.begin(0)
    rig.exchange.head(200, "OK", [], None)
    rig.exchange.data(b"half")
    rig.exchange.reset("a handler failed")
    assert rig.transport.is_aborted
    assert not rig.transport.is_eof_written
