"""Files sent over real sockets, by descriptors that are counted."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pronghorn.io import sendfile as module
from pronghorn.io.channel import Channel
from pronghorn.io.open_file import OpenFile
from pronghorn.io.sendfile import send_file

from .fakes import Recorder

PATIENCE = 5.0
SIZE = 3 * 1024 * 1024 + 17
CONTENT = bytes(range(251)) * (SIZE // 251 + 1)
CONTENT = CONTENT[:SIZE]

pytestmark = pytest.mark.skipif(not hasattr(os, "sendfile"), reason="the platform has no sendfile")


class Idle:
    """A machine that nothing comes of."""

    def feed(self, _data: bytes) -> Sequence[Any]:
        return ()

    def feed_eof(self) -> Sequence[Any]:
        return ()


class Told(Recorder):
    """An owner that counts how often it is told to wait for the peer."""

    def __init__(self) -> None:
        super().__init__(outlives_eof=True)
        self.unwritables = 0

    def unwritable(self) -> None:
        self.unwritables += 1


@dataclass
class Counted:
    """What a machine is told of content that goes around it."""

    takes: bool = True
    counted: list[int] = field(default_factory=list)

    def send_beside(self, size: int) -> bool:
        self.counted.append(size)
        return self.takes


@dataclass
class Line:
    """Both ends of a connection."""

    channel: Channel
    owner: Told
    peer: socket.socket
    counter: Counted = field(default_factory=Counted)

    async def send(self, file: OpenFile, offset: int = 0, count: int = SIZE) -> bool:
        async with asyncio.timeout(PATIENCE):
            return await send_file(self.channel, self.counter, file, offset, count)

    async def read(self, size: int) -> bytes:
        got = bytearray()
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(PATIENCE):
            while len(got) < size and (data := await loop.sock_recv(self.peer, 256 * 1024)):
                got += data
        return bytes(got)


@asynccontextmanager
async def connected() -> AsyncIterator[Line]:
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
    # Small buffers: what is sent does not fit in at once.
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
    owner = Told()
    channel = Channel(loop, Idle(), owner)
    with theirs:
        await loop.connect_accepted_socket(lambda: channel, ours)
        try:
            yield Line(channel, owner, theirs)
        finally:
            channel.abort()
            await until(lambda: channel.is_lost)


async def until(condition: Any) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.002)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    return path


def descriptors() -> set[str]:
    """What this process has open, but for the folder that is read to tell."""
    found = set()
    for place in Path("/proc/self/fd").iterdir():
        try:
            found.add(f"{place.name} {place.readlink()}")
        except OSError:
            continue
    # uvloop opens /dev/null once, for a loop.
    return {entry for entry in found if "/proc/" not in entry and "/dev/null" not in entry}


@pytest.fixture(params=["cached", "cold", "in-memory"])
def _state(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, file: OpenFile) -> None:
    """Where the content is, as far as the kernel tells: "cold" goes by the other thread."""
    if request.param == "cold":
        monkeypatch.setattr(OpenFile, "is_cached", lambda *_: False)
    elif request.param == "cached":
        monkeypatch.setattr(OpenFile, "is_cached", lambda *_: True)
    else:
        file.is_in_memory = True


@pytest.mark.usefixtures("_state")
async def test_all_of_it_is_sent(file: OpenFile) -> None:
    before = descriptors()
    async with connected() as line:
        line.channel.write(b"head")
        sending = asyncio.create_task(line.send(file))
        assert await line.read(4 + SIZE) == b"head" + CONTENT
        assert await sending
        assert line.counter.counted == [SIZE]
        line.channel.write(b"tail")
        assert await line.read(4) == b"tail"
    assert descriptors() <= before


@pytest.mark.usefixtures("_state")
async def test_a_part_of_it(file: OpenFile) -> None:
    async with connected() as line:
        sending = asyncio.create_task(line.send(file, 1000, 500))
        assert await line.read(500) == CONTENT[1000:1500]
        assert await sending


async def test_what_was_written_before_leaves_before(file: OpenFile) -> None:
    """Also if the transport has to hold it back for a while, and its limits are as before."""
    async with connected() as line:
        transport = line.channel.transport
        assert transport is not None
        limits = transport.get_write_buffer_limits()
        line.channel.write(b"x" * 1_000_000)
        assert transport.get_write_buffer_size()
        sending = asyncio.create_task(line.send(file))
        got = await line.read(1_000_000 + SIZE)
        assert got == b"x" * 1_000_000 + CONTENT
        assert await sending
        assert transport.get_write_buffer_limits() == limits
        assert not line.channel.is_write_paused


async def test_the_owner_is_told_while_the_peer_does_not_read(file: OpenFile) -> None:
    async with connected() as line:
        sending = asyncio.create_task(line.send(file))
        await until(lambda: line.owner.unwritables)
        assert not sending.done()
        assert await line.read(SIZE) == CONTENT
        await sending
        assert line.owner.unwritables == line.owner.writables


async def test_content_that_the_message_may_not_carry(file: OpenFile) -> None:
    async with connected() as line:
        line.counter.takes = False
        assert await line.send(file)
        line.channel.write(b"next")
        assert await line.read(4) == b"next"


async def test_nothing_of_it(file: OpenFile) -> None:
    async with connected() as line:
        assert await line.send(file, 5, 0)


async def test_a_file_that_becomes_shorter(file: OpenFile, path: Path) -> None:
    async with connected() as line:
        sending = asyncio.create_task(line.send(file))
        await until(lambda: line.owner.unwritables)
        os.truncate(path, 1000)
        reading = asyncio.create_task(line.read(SIZE))
        with pytest.raises(OSError, match="the file ends"):
            await sending
        line.channel.abort()
        assert len(await reading) < SIZE


@pytest.mark.usefixtures("_state")
async def test_a_peer_that_goes_away(file: OpenFile) -> None:
    before = descriptors()
    async with connected() as line:
        sending = asyncio.create_task(line.send(file))
        await line.read(100_000)
        line.peer.close()
        with pytest.raises(ConnectionResetError):
            await sending
        await until(lambda: line.channel.is_lost)
    assert descriptors() <= before


async def test_a_peer_that_has_gone(file: OpenFile) -> None:
    """Writing tells before the loop does; who gets the error finds the connection lost."""
    async with connected() as line:
        line.peer.close()
        with pytest.raises(ConnectionResetError):
            await line.send(file)
        assert line.channel.is_lost
        with pytest.raises(ConnectionResetError):
            await line.send(file)


async def test_a_transport_that_is_closing(file: OpenFile) -> None:
    async with connected() as line:
        line.channel.close()
        with pytest.raises(ConnectionResetError):
            await line.send(file)


async def test_a_connection_that_is_aborted_meanwhile(file: OpenFile) -> None:
    before = descriptors()
    async with connected() as line:
        sending = asyncio.create_task(line.send(file))
        await until(lambda: line.owner.unwritables)
        line.channel.abort()
        with pytest.raises(ConnectionResetError):
            await sending
    assert descriptors() <= before


@pytest.mark.parametrize("delay", [0, 1, 2, 3, 5, 9])
@pytest.mark.usefixtures("_state")
async def test_cancelled(file: OpenFile, delay: int) -> None:
    before = descriptors()
    async with connected() as line:
        line.channel.write(b"x" * 1_000_000)
        sending = asyncio.create_task(line.send(file))
        for _ in range(delay):
            await asyncio.sleep(0)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
    await until(lambda: descriptors() <= before)


@pytest.mark.parametrize("extra", [{"sslcontext": object()}, {"socket": None}], ids=["TLS", "no-socket"])
async def test_where_it_can_not_be(
    file: OpenFile, extra: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected() as line:
        transport = line.channel.transport
        assert transport is not None

        inner = transport

        class Other:
            def get_extra_info(self, name: str) -> Any:
                return extra[name] if name in extra else inner.get_extra_info(name)

        line.channel.transport = Other()  # type: ignore[assignment]  # what is asked of it
        try:
            assert not await line.send(file)
        finally:
            line.channel.transport = transport
        monkeypatch.setattr(module, "_CAN_SEND", False)
        assert not await line.send(file)
        assert line.counter.counted == []
