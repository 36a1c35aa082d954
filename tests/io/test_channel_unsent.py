"""What the peer has not taken yet, in the transport and in the kernel."""

import asyncio
import socket
import sys

import pytest

from pronghorn.io.channel import Channel

from .fakes import Recorder
from .test_channel import Echo, Rig


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels do not tell")
async def test_what_the_kernel_holds_is_unsent() -> None:
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        ours, (theirs, _) = await asyncio.gather(
            loop.create_connection(lambda: Channel(loop, Echo(), Recorder()), *listening.getsockname()),
            loop.sock_accept(listening),
        )
        transport, channel = ours
        with theirs:
            assert channel.unsent == 0
            content = b"x" * 64 * 1024 * 1024
            channel.write(content)
            await asyncio.sleep(0)
            in_transport = transport.get_write_buffer_size()
            assert in_transport < channel.unsent <= len(content)
            before = channel.unsent
            taken = 0
            async with asyncio.timeout(5):
                while before - channel.unsent < 64 * 1024:
                    taken += len(await loop.sock_recv(theirs, 64 * 1024))
            assert taken >= 64 * 1024
            transport.abort()
            await asyncio.sleep(0)
            assert channel.unsent == 0


async def test_without_a_socket_it_is_what_the_transport_holds() -> None:
    rig = Rig()
    rig.channel.write(b"x" * 1000)
    assert rig.channel.unsent == rig.transport.get_write_buffer_size() == 1000
