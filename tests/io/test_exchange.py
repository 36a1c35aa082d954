"""What an exchange on HTTP/1.1 receives; what it sends is in tests/testing/test_memory.py, as one contract
for every exchange."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from pronghorn.io.channel import Channel
from pronghorn.io.exchange import HIGH_WATER, LOW_WATER, Http1Exchange
from pronghorn.io.open_file import OpenFile
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


# Files, whose bytes go around the machine that counts them


FILE_SIZE = 8 * MIB  # more than a connection holds

needs_sendfile = pytest.mark.skipif(not hasattr(os, "sendfile"), reason="the platform has no sendfile")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"x" * FILE_SIZE)
    return path


class Waiting(Recorder):
    """An owner that knows when the peer is waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = asyncio.Event()

    def unwritable(self) -> None:
        self.waits.set()


class Server:
    """A server's end of a real connection, and the socket of its peer."""

    def __init__(self) -> None:
        self.machine = Http1Connection(SERVER)
        self.owner = Waiting()
        self.channel = Channel(asyncio.get_running_loop(), self.machine, self.owner)
        self.exchange = Http1Exchange(self.channel, self.machine)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.peer = socket.create_connection(listener.getsockname())
            self.socket, _ = listener.accept()
        self.peer.setblocking(False)

    async def rest(self) -> tuple[bytes, bool]:
        """What the peer gets up to the end, and whether that was a reset."""
        got = bytearray()
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(5):
            try:
                while data := await loop.sock_recv(self.peer, MIB):
                    got += data
            except ConnectionResetError:
                return bytes(got), True
        return bytes(got), False


@asynccontextmanager
async def asked() -> AsyncIterator[Server]:
    """A server that was asked for something, twice."""
    server = Server()
    loop = asyncio.get_running_loop()
    with server.peer:
        await loop.connect_accepted_socket(lambda: server.channel, server.socket)
        try:
            await loop.sock_sendall(server.peer, 2 * b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            async with asyncio.timeout(5):
                while not server.owner.events:
                    await asyncio.sleep(0.002)
            yield server
        finally:
            server.channel.abort()
            await settle()


@needs_sendfile
async def test_a_file_in_the_midst_of_content(file: OpenFile) -> None:
    async with asked() as server:
        exchange = server.exchange
        exchange.head(200, "OK", [], 12, is_persistent=False)
        exchange.data(b"before")
        assert await exchange.sendfile(file, 7, 1)
        exchange.data(b"after")
        exchange.end()
        server.channel.close()
        assert await server.rest() == (
            b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\nbeforexafter",
            False,
        )


@needs_sendfile
@pytest.mark.parametrize("way", ["shortened", "cancelled"])
async def test_a_file_that_was_not_all_sent_resets_the_exchange(file: OpenFile, path: Path, way: str) -> None:
    """All of it counts as sent: whoever goes on all the same sends nothing that is taken for the rest."""
    async with asked() as server:
        exchange = server.exchange
        exchange.head(200, "OK", [], FILE_SIZE)
        sending = asyncio.create_task(exchange.sendfile(file, 0, FILE_SIZE))
        await asyncio.wait_for(server.owner.waits.wait(), 5)
        if way == "cancelled":
            sending.cancel()
        else:
            os.truncate(path, 1000)
        receiving = asyncio.create_task(server.rest())
        with pytest.raises(asyncio.CancelledError if way == "cancelled" else OSError):
            await sending
        # As far as the machine knows, the message may end, and another one follow.
        exchange.end()
        assert server.machine.resume()
        with suppress(ConnectionResetError):
            exchange.head(200, "OK", [], None, body=b"another")
        got, was_reset = await receiving
        assert was_reset
        assert len(got) < FILE_SIZE
        assert got.count(b"HTTP/1.1") <= 1  # a reset may overtake the head
        assert b"another" not in got


@needs_sendfile
async def test_a_file_that_was_refused_resets_the_exchange(file: OpenFile) -> None:
    """Also where nothing has left: one rule for whatever is raised."""
    async with asked() as server:
        server.exchange.head(200, "OK", [], 10)
        with pytest.raises(ValueError, match="Content-Length"):
            await server.exchange.sendfile(file, 0, 11)
        got, was_reset = await server.rest()
        assert was_reset
        assert b"x" not in got


async def test_a_file_that_can_not_be_sent_resets_nothing(file: OpenFile) -> None:
    """There is no socket: the bytes are the caller's to read."""
    rig = Rig()
    rig.begin(0)
    rig.exchange.head(200, "OK", [], 4)
    rig.exchange.data(b"abc")
    assert not await rig.exchange.sendfile(file, 0, 1)
    rig.exchange.data(b"d")
    rig.exchange.end()
    assert rig.transport.take().endswith(b"\r\n\r\nabcd")
    assert not rig.transport.is_aborted
