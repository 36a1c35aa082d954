"""WebSocket peers of bytes: a client for our server, a server for our client.

What they send is made by hand; what they read they take apart by themselves.
"""

import asyncio
import struct
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha1
from typing import Any

from ..server.peer import Peer as RawClient
from .scripted import Peer as RawServer

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
#: RFC 6455 section 1.3 has both.
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
HANDSHAKE = {
    "Host": "a",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}
FIN = 0x80
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MASK = b"\x0f\xf0\x55\xaa"
PATIENCE = 10.0


def request(method: str = "GET", version: str = "1.1", **fields: str | None) -> bytes:
    """A handshake; ``fields`` replace others, or with None take them away; "_" stands for "-"."""
    said: dict[str, str | None] = {
        **HANDSHAKE,
        **{name.replace("_", "-"): value for name, value in fields.items()},
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in said.items() if value is not None)
    return f"{method} /ws HTTP/{version}\r\n{lines}\r\n".encode()


def frame(opcode: int, payload: bytes = b"", *, masked: bool = False, first: int = FIN) -> bytes:
    """A frame with the shortest length; ``first`` are the bits beside the opcode."""
    bit, size = 0x80 if masked else 0, len(payload)
    if size < 126:
        head = struct.pack("!BB", first | opcode, bit | size)
    elif size < 65536:
        head = struct.pack("!BBH", first | opcode, bit | 126, size)
    else:
        head = struct.pack("!BBQ", first | opcode, bit | 127, size)
    return head + (MASK + _xor(payload) if masked else payload)


def _xor(payload: bytes) -> bytes:
    mask = (MASK * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload) ^ int.from_bytes(mask)).to_bytes(len(payload))


def close_frame(code: int, reason: bytes = b"", *, masked: bool = False) -> bytes:
    return frame(CLOSE, struct.pack("!H", code) + reason, masked=masked)


@dataclass
class Frame:
    """A frame as it was read, unmasked."""

    first: int
    payload: bytes
    masked: bool

    @property
    def opcode(self) -> int:
        return self.first & 0x0F

    @property
    def code(self) -> int:
        """Of a close frame."""
        return int.from_bytes(self.payload[:2])


async def read_frame(reader: asyncio.StreamReader) -> Frame:
    """The next frame; IncompleteReadError at the end, ConnectionError at a reset."""
    async with asyncio.timeout(PATIENCE):
        first, length = await reader.readexactly(2)
        masked, size = bool(length & 0x80), length & 0x7F
        if size > 125:
            size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8))
        mask = await reader.readexactly(4) if masked else b""
        payload = await reader.readexactly(size)
        if masked:
            payload = bytes(octet ^ mask[at % 4] for at, octet in enumerate(payload))
        return Frame(first, payload, masked)


@dataclass
class Wire:
    """One end of an open WebSocket, by bytes."""

    peer: Any
    masks: bool

    def send(self, opcode: int, payload: bytes = b"", *, first: int = FIN) -> None:
        self.write(frame(opcode, payload, masked=self.masks, first=first))

    def close(self, code: int, reason: bytes = b"") -> None:
        self.write(close_frame(code, reason, masked=self.masks))

    def write(self, data: bytes) -> None:
        if self.peer.writer.is_closing():
            raise ConnectionResetError("the peer has left")  # uvloop raises a RuntimeError at the write
        self.peer.writer.write(data)

    def end(self) -> None:
        """Send no more."""
        self.peer.writer.write_eof()

    async def read(self) -> Frame:
        return await read_frame(self.peer.reader)

    async def is_at_end(self) -> bool:
        """Nothing more comes, and the connection ends in order."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self.peer.reader.read(1) == b""
            except ConnectionError:
                return False


async def connected(peer: RawClient, **fields: str | None) -> Wire:
    """Open a WebSocket to the server that ``peer`` is connected to."""
    peer.send(request(**fields))
    answer = await peer.answer()
    if answer.status != 101 or answer["sec-websocket-accept"] != ACCEPT:
        raise AssertionError(f"expected 101, got {answer}")
    return Wire(peer, masks=True)


def switching(asked: Any, **fields: str | None) -> bytes:
    """The answer that opens the WebSocket that a request ``asked`` for; ``fields`` as in `request`."""
    digest = sha1(
        asked.fields["Sec-WebSocket-Key"].encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    ).digest()
    said: dict[str, str | None] = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": b64encode(digest).decode(),
        **{name.replace("_", "-"): value for name, value in fields.items()},
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in said.items() if value is not None)
    return f"HTTP/1.1 101 Switching Protocols\r\n{lines}\r\n".encode()


def speaking(
    script: Callable[[Wire], Any], tail: bytes = b"", **fields: str | None
) -> Callable[[RawServer], Any]:
    """A server's script: open the WebSocket, with ``tail`` in the same write, and then ``script``."""

    async def serve(peer: RawServer) -> None:
        asked = await peer.request()
        peer.writer.write(switching(asked, **fields) + tail)
        await script(Wire(peer, masks=False))
        await peer.rest()

    return serve
