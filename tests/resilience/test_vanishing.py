"""Clients that go in the middle of anything, without a word: the server keeps nothing of them."""

import asyncio
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from ..server.peer import PATIENCE, eventually
from .measuring import MIB, Measured, get, measured

pytestmark = pytest.mark.timed

RESET = struct.pack("ii", 1, 0)
COUNT = 30

UPLOAD = b"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"

#: What is sent, and what has to come before the client goes.
MOMENTS = {
    "before a byte": (b"", b""),
    "in the head": (UPLOAD[:20], b""),
    "after the head": (UPLOAD, b""),
    "in the body": (UPLOAD + bytes(100_000), b""),
    "in a body that nobody reads": (UPLOAD.replace(b"/read", b"/hold") + bytes(100_000), b""),
    "in a chunk": (
        UPLOAD.replace(b"Content-Length: 1000000", b"Transfer-Encoding: chunked") + b"5\r\nhe",
        b"",
    ),
    "in the answer": (get("/stream"), b"HTTP/1.1 200 "),
    "in pipelined answers": (get("/answer") * 1000, b"HTTP/1.1 200 "),
    "in pipelined answers that wait": (get("/wait") * 1000, b"HTTP/1.1 200 "),
}


def descriptors(server: Measured) -> int:
    return sum(1 for _ in Path(f"/proc/{server.process.pid}/fd").iterdir())


def in_order(sock: socket.socket) -> None:
    sock.close()


def with_a_reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    sock.close()


@pytest.mark.parametrize("rounds", [1, pytest.param(5, marks=pytest.mark.full)])
@pytest.mark.parametrize("leave", [pytest.param(in_order, marks=pytest.mark.full), with_a_reset])
async def test_nothing_is_kept(leave: Callable[[socket.socket], None], rounds: int) -> None:
    """A handler that waits for something else ends when that has come: `release`."""
    with measured() as server:

        async def come_and_go(count: int) -> None:
            for sent, expected in MOMENTS.values():
                for _ in range(count):
                    sock = socket.create_connection((server.host, server.port), timeout=10)
                    sock.sendall(sent)
                    if expected:
                        assert sock.recv(1000).startswith(expected)
                    leave(sock)
                await server.ask("/release")

        before = descriptors(server)
        resident = []
        for _ in range(rounds):
            await come_and_go(COUNT)
            await eventually(lambda: descriptors(server) <= before, "the end of all connections")
            async with asyncio.timeout(PATIENCE):
                while await server.ask("/kept") != b"1":
                    await asyncio.sleep(0.05)  # a stopped deadline is known for up to a second
            resident.append(server.resident)
        assert await server.ask("/answer") == b"ok"
    print("resident after each round:", *(f"{size / MIB:.0f} MiB" for size in resident))  # noqa: T201 - the figures
    # The first round finds out how much is needed at a time.
    assert resident[-1] - resident[0] < 8 * MIB
