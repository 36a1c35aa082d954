"""How much room a channel lets asyncio make for what it reads."""

import asyncio
import socket
from typing import Any

from pronghorn.io.channel import Channel

from .fakes import Recorder
from .test_channel import Echo


def test_asyncio_makes_little_room_until_that_is_too_little() -> None:
    async def main() -> tuple[int, int, int, int]:
        loop = asyncio.get_running_loop()
        machine = Echo()
        ours, theirs = socket.socketpair()
        with theirs:
            theirs.setblocking(False)
            transport: Any
            transport, _ = await loop.create_connection(lambda: Channel(loop, machine, Recorder()), sock=ours)
            before = transport.max_size
            await loop.sock_sendall(theirs, b"x" * 4 * before)
            async with asyncio.timeout(5):
                while len(machine.fed) < 4 * before:
                    await asyncio.sleep(0)
            after = transport.max_size
            transport.abort()
            await asyncio.sleep(0)
        return before, after, type(transport).max_size, len(machine.fed)

    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        before, after, default, fed = runner.run(main())
    assert (before, after, fed) == (64 * 1024, default, 256 * 1024)
