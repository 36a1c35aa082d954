"""Servers of bytes for WebSockets of ours."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from pronghorn import (
    ClientSession,
    ClientWebSocketResponse,
)

from ..functional.frames import CLOSE, PING, PONG, Wire, frame, speaking
from ..functional.scripted import Scripted, scripted

BYE = frame(CLOSE, b"\x03\xe8")


async def echo(wire: Wire) -> None:
    """Send back what comes, the close frame last, and end the connection."""
    while True:
        read = await wire.read()
        if read.opcode not in (PING, PONG):
            wire.write(frame(read.first & 0x0F, read.payload, first=read.first & 0xF0))
        if read.opcode == CLOSE:
            wire.peer.close()
            return


@asynccontextmanager
async def opened(
    script: Callable[[Wire], Any] = echo,
    tail: bytes = b"",
    answer: dict[str, str | None] | None = None,
    **options: Any,
) -> AsyncIterator[tuple[ClientWebSocketResponse, Scripted]]:
    """A WebSocket to a server that does ``script``, once it has answered with those fields."""
    async with (
        scripted(speaking(script, tail, **(answer or {}))) as server,
        ClientSession() as session,
        session.ws_connect(server.url(), **options) as socket,
    ):
        yield socket, server


async def finish(wire: Wire) -> None:
    """Close in order: answer the close frame, and end the connection."""
    while (await wire.read()).opcode != CLOSE:
        pass
    wire.write(BYE)
    wire.peer.close()
