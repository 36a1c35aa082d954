import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from pronghorn.testing.pair import MemoryTransport, connect


class End(asyncio.Protocol):
    """Writes down what it is told."""

    def __init__(self, *, stays_open: bool = False) -> None:
        self.transport: MemoryTransport
        self.told: list[Any] = []
        self.received = bytearray()
        self.largest = 0
        self.depth = 0
        self.stays_open = stays_open
        self.on_data: Callable[[bytes], None] = lambda data: None
        self.on_eof: Callable[[], None] = lambda: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, MemoryTransport):
            raise TypeError(transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.depth += 1
        if self.depth > 1:
            raise RuntimeError("called from within itself")
        self.largest = max(self.largest, len(data))
        self.received += data
        self.on_data(data)
        self.depth -= 1

    def eof_received(self) -> bool:
        self.told.append("eof")
        self.on_eof()
        return self.stays_open

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.told.append(type(exc))


LOST = type(None)


def pair(*, stays_open: bool = False) -> tuple[End, End]:
    near, far = End(), End(stays_open=stays_open)
    connect(near, far, client_info={"peername": ("far", 1)}, server_info={"peername": ("near", 2)})
    return near, far


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_bytes_go_both_ways_and_never_within_a_call() -> None:
    near, far = pair()
    far.on_data = lambda data: far.transport.write(data.upper())
    near.on_data = lambda data: near.transport.write(b"more") if len(near.received) < 40 else None
    near.transport.writelines([b"one", memoryview(b"two"), bytearray(b"three")])
    assert not far.received
    assert near.transport.get_write_buffer_size() == 11
    await settle()
    assert bytes(far.received).startswith(b"onetwothreemore")
    assert bytes(near.received).startswith(b"ONETWOTHREEMORE")
    near.transport.abort()
    await settle()


async def test_what_each_end_says_of_itself() -> None:
    near, far = pair()
    assert near.transport.get_extra_info("peername") == ("far", 1)
    assert far.transport.get_extra_info("peername") == ("near", 2)
    assert near.transport.get_extra_info("socket") is None
    assert near.transport.peer is far.transport
    assert near.transport.can_write_eof()
    assert "open" in repr(near.transport)
    near.transport.close()
    assert "closed" in repr(near.transport)
    await settle()


async def test_a_long_write_comes_in_pieces_and_the_writer_is_asked_to_wait() -> None:
    near, far = pair()
    near.transport.write(bytes(1_000_000))
    assert near.told == ["pause"]
    await settle()
    assert len(far.received) == 1_000_000
    assert far.largest == 256 * 1024
    assert near.told == ["pause", "resume"]
    near.transport.abort()
    await settle()


async def test_nothing_comes_while_reading_is_paused() -> None:
    near, far = pair()
    far.transport.pause_reading()
    assert not far.transport.is_reading()
    near.transport.write(bytes(65536))
    assert near.told == []
    near.transport.write(b"x")
    near.transport.write_eof()
    await settle()
    assert (near.told, far.told, len(far.received)) == (["pause"], [], 0)
    far.transport.resume_reading()
    await settle()
    assert len(far.received) == 65537
    assert far.told == ["eof", LOST]
    assert near.told == ["pause", "resume", "eof", LOST]


async def test_pausing_from_within_a_read() -> None:
    near, far = pair()
    far.on_data = lambda data: far.transport.pause_reading()
    near.transport.write(bytes(600_000))
    await settle()
    assert len(far.received) == 256 * 1024
    far.transport.resume_reading()
    far.transport.resume_reading()
    await settle()
    assert len(far.received) == 512 * 1024
    near.transport.abort()
    await settle()


async def test_write_buffer_limits() -> None:
    near, far = pair()
    transport = near.transport
    far.transport.pause_reading()
    assert transport.get_write_buffer_limits() == (16 * 1024, 64 * 1024)
    transport.set_write_buffer_limits(100)
    assert transport.get_write_buffer_limits() == (25, 100)
    transport.set_write_buffer_limits(low=10)
    assert transport.get_write_buffer_limits() == (10, 40)
    transport.write(b"x")
    transport.set_write_buffer_limits(0)
    assert near.told == ["pause"]
    with pytest.raises(ValueError, match="high and low"):
        transport.set_write_buffer_limits(1, 2)
    transport.set_write_buffer_limits()
    assert transport.get_write_buffer_limits() == (16 * 1024, 64 * 1024)
    transport.abort()
    await settle()


async def test_closing_sends_what_was_written_then_the_end() -> None:
    near, far = pair()
    near.transport.write(b"last words")
    near.transport.close()
    near.transport.close()
    assert near.transport.is_closing()
    near.transport.write(b"dropped")
    await settle()
    assert far.received == b"last words"
    assert far.told == ["eof", LOST]
    assert near.told == [LOST]


async def test_closing_waits_for_a_peer_that_does_not_read() -> None:
    near, far = pair()
    far.transport.pause_reading()
    near.transport.write(b"last words")
    near.transport.close()
    await settle()
    assert near.told == far.told == []
    assert "closing" in repr(near.transport)
    far.transport.resume_reading()
    await settle()
    assert far.received == b"last words"
    assert near.told == [LOST]


async def test_one_side_is_closed_alone() -> None:
    near, far = pair(stays_open=True)
    near.transport.write(b"question")
    near.transport.write_eof()
    with pytest.raises(RuntimeError, match="write_eof"):
        near.transport.write(b"more")
    await settle()
    assert far.told == ["eof"]
    far.transport.write(b"answer")
    far.transport.close()
    await settle()
    assert near.received == b"answer"
    assert near.told == ["eof", LOST]
    assert far.told == ["eof", LOST]


async def test_aborting_resets_the_peer_and_drops_what_was_written() -> None:
    near, far = pair()
    near.transport.write(b"lost")
    near.transport.abort()
    near.transport.abort()
    assert near.told == far.told == []
    await settle()
    assert near.told == [LOST]
    assert far.told == [ConnectionResetError]
    assert far.received == b""


async def test_writing_to_who_has_gone_is_a_reset() -> None:
    near, far = pair(stays_open=True)
    near.transport.close()
    await settle()
    assert (near.told, far.told) == ([LOST], ["eof"])
    far.transport.write(b"anybody?")
    await settle()
    assert far.told == ["eof", ConnectionResetError]


async def test_closing_with_unread_input_is_a_reset() -> None:
    near, far = pair()
    near.transport.pause_reading()
    far.transport.write(b"unread")
    near.transport.close()
    await settle()
    assert far.told == [ConnectionResetError]


async def test_what_comes_while_closing_is_thrown_away_then_a_reset() -> None:
    near, far = pair()
    far.transport.pause_reading()
    near.transport.write(b"last words")
    near.transport.close()
    far.transport.write(bytes(100_000))
    await settle()
    assert far.told == ["pause", "resume"]
    assert near.received == b""
    far.transport.resume_reading()
    await settle()
    assert far.received == b"last words"
    assert far.told[-1] is ConnectionResetError
    assert near.told == [LOST]


async def test_both_close_with_something_to_say() -> None:
    near, far = pair()
    for end in (near, far):
        end.transport.write(bytes(100_000))
        end.transport.close()
    await settle()
    assert near.told[-1] in (LOST, ConnectionResetError)
    assert far.told[-1] in (LOST, ConnectionResetError)


@pytest.mark.parametrize("call", ["data", "eof"])
async def test_a_protocol_that_fails_loses_its_connection(call: str) -> None:
    near, far = pair()
    contexts: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: contexts.append(context))
    error = ValueError("no")

    def fail(*args: object) -> None:
        raise error

    far.on_data = far.on_eof = fail
    near.transport.write(b"x") if call == "data" else near.transport.write_eof()
    await settle()
    assert [context["exception"] for context in contexts] == [error]
    assert far.told[-1] is LOST
    assert near.told == [ConnectionResetError]


async def test_another_protocol_takes_over() -> None:
    near, far = pair()
    other = End()
    far.transport.set_protocol(other)
    assert far.transport.get_protocol() is other
    near.transport.write(b"for the other")
    near.transport.write(b"")
    await settle()
    assert not far.received
    assert other.received == b"for the other"
    near.transport.abort()
    await settle()
    assert other.told == [ConnectionResetError]


async def test_only_bytes_can_be_written() -> None:
    near, _ = pair()
    with pytest.raises(TypeError, match="expected bytes"):
        near.transport.write("text")  # type: ignore[arg-type]  # what is refused
    near.transport.abort()
    await settle()


class Actor(End):
    """Does anything at any time."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(stays_open=chance.random() < 0.3)
        self.chance = chance
        self.sent = bytearray()

    def act(self) -> None:
        transport, chance = self.transport, self.chance
        what = chance.randrange(20)
        if what < 10 and not transport.is_closing() and "eof written" not in self.told:
            data = chance.randbytes(chance.choice((1, 100, 70_000, 300_000)))
            self.sent += data
            transport.write(data)
        elif what < 13:
            transport.pause_reading()
        elif what < 18:
            transport.resume_reading()
        elif what == 18 and chance.random() < 0.2:
            self.told.append("eof written")
            transport.write_eof()
        elif what == 19 and chance.random() < 0.2:
            chance.choice((transport.close, transport.close, transport.abort))()


@pytest.mark.parametrize("seed", range(100))
async def test_whatever_is_done_both_ends_agree(seed: int) -> None:
    chance = random.Random(seed)
    near, far = Actor(chance), Actor(chance)
    connect(near, far)
    for _ in range(200):
        chance.choice((near, far)).act()
        if chance.random() < 0.5:
            await asyncio.sleep(0)
    for end in (near, far):
        end.transport.resume_reading()
    await settle()
    for end in (near, far):
        end.transport.close()
    await settle()
    for end, other in ((near, far), (far, near)):
        losses = [told for told in end.told if isinstance(told, type)]
        assert len(losses) == 1, end.told
        assert end.told.count("eof") <= 1
        assert other.sent.startswith(end.received)
        if "eof" in end.told:
            assert end.received == other.sent
        flow = [told for told in end.told if told in ("pause", "resume")]
        assert flow[::2] == ["pause"] * len(flow[::2])
        assert flow[1::2] == ["resume"] * len(flow[1::2])
        assert end.transport.get_write_buffer_size() == 0
