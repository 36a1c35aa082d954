"""The server that the clients are measured against: it answers a finished head with bytes made beforehand.

It parses nothing, so that it stays ahead of every client. `/large` streams the large body. With `--ca` it
speaks TLS, and writes there whom its certificate is to be verified by.
"""

import argparse
import asyncio
import ssl
from pathlib import Path
from typing import cast

import trustme
import uvloop

from traffic import BODY, JSON_END, LARGE_BLOCKS, LARGE_PATH, LARGE_SIZE, large_block

FIELDS = (
    b"HTTP/1.1 200 OK\r\n"
    b"Server: raw\r\n"
    b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: %d\r\n"
    b"\r\n"
)
ANSWER = FIELDS % len(BODY) + BODY
LARGE_HEAD = FIELDS % LARGE_SIZE
LARGE_START = f"GET {LARGE_PATH} ".encode()
BLOCK = large_block()


class RawServer(asyncio.Protocol):
    """One connection."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.received = b""
        self.blocks_left = 0
        self.writable = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.received += data
        end = JSON_END if self.received.startswith(b"POST") else b"\r\n\r\n"
        if not self.received.endswith(end):
            return
        received, self.received = self.received, b""
        if received.startswith(LARGE_START):
            self.transport.write(LARGE_HEAD)
            self.blocks_left = LARGE_BLOCKS
            self._stream()
        else:
            self.transport.write(ANSWER * received.count(b"\r\n\r\n"))

    def pause_writing(self) -> None:
        self.writable = False

    def resume_writing(self) -> None:
        self.writable = True
        self._stream()

    def _stream(self) -> None:
        while self.writable and self.blocks_left:
            self.blocks_left -= 1
            self.transport.write(BLOCK)


def certified(ca: Path) -> ssl.SSLContext:
    """TLS with a certificate for this host, by an authority that is written to `ca`."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(ca))
    return context


async def serve(port: int, ca: Path | None) -> None:
    context = None if ca is None else certified(ca)
    server = await asyncio.get_running_loop().create_server(RawServer, "127.0.0.1", port, ssl=context)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ca", type=Path)
    options = parser.parse_args()
    uvloop.run(serve(options.port, options.ca))
