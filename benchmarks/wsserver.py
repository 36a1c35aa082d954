"""The server that WebSocket clients are measured against: it answers each message with the first one.

Of what follows the first it looks at nothing but how much it is, so that it stays ahead of every client.
"""

import argparse
import asyncio
import base64
import hashlib
from typing import cast

import uvloop

from wsload import header

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
ANSWER = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: %s\r\n\r\n"
)
ROOM = memoryview(bytearray(1 << 20))


class WebSocketServer(asyncio.BufferedProtocol):
    """One connection."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.received = b""
        self.is_open = False
        #: The echo of every message, when it is known, and what comes for one.
        self.echo = b""
        self.size = 0
        self.missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        return ROOM

    def buffer_updated(self, nbytes: int) -> None:
        if not self.echo:
            self._begin(bytes(ROOM[:nbytes]))
            return
        self.missing -= nbytes
        while self.missing <= 0:
            self.missing += self.size
            self.transport.write(self.echo)

    def _begin(self, data: bytes) -> None:
        self.received += data
        received = self.received
        if not self.is_open:
            if received.endswith(b"\r\n\r\n"):
                key = fields_of(received)[b"sec-websocket-key"]
                accept = base64.b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest())
                self.transport.write(ANSWER % accept)
                self.is_open, self.received = True, b""
            return
        wide = {126: 2, 127: 8}.get(received[1] & 0x7F, 0)
        length = int.from_bytes(received[2 : 2 + wide], "big") if wide else received[1] & 0x7F
        start = 6 + wide
        if len(received) < start + length:
            return
        key, masked = received[start - 4 : start], received[start : start + length]
        repeated = (key * (length // 4 + 1))[:length]
        payload = (int.from_bytes(masked, "big") ^ int.from_bytes(repeated, "big")).to_bytes(length, "big")
        self.size = self.missing = start + length
        self.echo = header(received[0], length, 0) + payload
        self.received = b""
        self.transport.write(self.echo)


def fields_of(head: bytes) -> dict[bytes, bytes]:
    lines = head.split(b"\r\n")[1:-2]
    return {name.lower(): value for name, value in (line.split(b": ", 1) for line in lines)}


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(WebSocketServer, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(serve(parser.parse_args().port))
