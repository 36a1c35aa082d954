"""A server of WebSockets as RFC 6455 has them, frame by frame, so that each can be seen and said."""

import struct
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha1
from typing import Any, NamedTuple

from pronghorn import ClientSession, ClientWebSocketResponse

from ..functional.scripted import Peer, Request, Scripted, scripted

FIN, RSV1 = 0x80, 0x40
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class Frame(NamedTuple):
    """A frame of a client, its mask taken off."""

    opcode: int
    payload: bytes
    is_last: bool = True
    is_compressed: bool = False


def closing(code: int, reason: str = "") -> bytes:
    """What a close frame carries."""
    return struct.pack("!H", code) + reason.encode()


def accept(request: Request) -> str:
    """What shows that the server knows what it was asked for."""
    key = request.fields["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    return b64encode(sha1(key.encode(), usedforsecurity=False).digest()).decode()


class Wire:
    """The server's end of one WebSocket."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    async def open(self, *fields: str, status: str = "101 Switching Protocols", accepts: str = "") -> None:
        """Answer the handshake, with these fields as well."""
        request = await self.peer.head()
        lines = [
            f"HTTP/1.1 {status}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {accepts or accept(request)}",
            *fields,
        ]
        await self.peer.send("".join(f"{line}\r\n" for line in [*lines, ""]).encode())

    async def say(self, opcode: int, payload: bytes = b"", *, is_last: bool = True) -> None:
        size = len(payload)
        if size > 125:
            raise ValueError(f"expected at most 125 bytes, got {size}")
        await self.peer.send(bytes([FIN * is_last | opcode, size]) + payload)

    async def frame(self) -> Frame:
        read = self.peer.reader.readexactly
        first, second = await read(2)
        if not second & 0x80:
            raise ValueError("expected a mask")
        size = second & 0x7F
        if size > 125:
            size = int.from_bytes(await read(2 if size == 126 else 8))
        key = await read(4)
        payload = bytes(octet ^ key[place % 4] for place, octet in enumerate(await read(size)))
        return Frame(first & 0xF, payload, bool(first & FIN), bool(first & RSV1))

    async def finish(self) -> Frame:
        """Read on until the close frame, answer it, and close; what it was."""
        while (frame := await self.frame()).opcode != CLOSE:
            pass
        await self.say(CLOSE, frame.payload)
        self.peer.close()
        return frame


Script = Callable[[Wire], Awaitable[Any]]


def opening(script: Script = Wire.finish, *fields: str, **answer: str) -> Callable[[Peer], Awaitable[None]]:
    """What a server does with a connection: the handshake, and then ``script``."""

    async def serve(peer: Peer) -> None:
        wire = Wire(peer)
        await wire.open(*fields, **answer)
        await script(wire)

    return serve


class Opened(NamedTuple):
    """A WebSocket to a script."""

    socket: ClientWebSocketResponse
    server: Scripted


@asynccontextmanager
async def opened(script: Script = Wire.finish, *fields: str, **options: Any) -> AsyncIterator[Opened]:
    """A WebSocket, opened with ``options``, to a server that answers ``fields`` and does ``script``."""
    async with (
        scripted(opening(script, *fields)) as server,
        ClientSession() as session,
        session.ws_connect(server.url(), **options) as socket,
    ):
        yield Opened(socket, server)


async def heard(call: Callable[[ClientWebSocketResponse], Awaitable[Any]], **options: Any) -> list[Frame]:
    """The frames that a server is sent by what ``call`` does with a socket, before it is closed."""
    frames: list[Frame] = []

    async def script(wire: Wire) -> None:
        while (frame := await wire.frame()).opcode != CLOSE:
            frames.append(frame)
        await wire.say(CLOSE, frame.payload)
        wire.peer.close()

    async with opened(script, **options) as (socket, _):
        await call(socket)
    return frames
