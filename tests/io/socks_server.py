"""A SOCKS server of versions 4, 4a and 5 (RFC 1928, RFC 1929), as a script for `scripted`."""

import asyncio
import socket
import struct
from typing import NamedTuple

from ..functional.programs import relay
from ..functional.scripted import Peer

#: What stands for the address that the server is bound to.
_BOUND = bytes(6)


class Asked(NamedTuple):
    """What a client wants."""

    #: "4", "4a" or "5".
    version: str
    #: As it was sent: a name, or an address.
    host: str
    port: int
    #: "user:password" in version 5, the user-id in version 4.
    credentials: str = ""


class SocksServer:
    """Leads to the port of this machine that it is asked for, whatever the host.

    ``auth`` is "user:password", and has to be given in version 5. A ``reply`` other than 0 is a refusal; in
    version 4 that is any. ``answer`` is sent instead of an answer, and the connection closed.
    """

    def __init__(self, *, auth: str = "", reply: int = 0, answer: bytes | None = None) -> None:
        self.auth = auth
        self.reply = reply
        self.answer = answer
        self.asked: list[Asked] = []

    async def __call__(self, peer: Peer) -> None:
        try:
            version = (await peer.reader.readexactly(1))[0]
            if version == 4:
                await self._serve_4(peer)
            elif version == 5:
                await self._serve_5(peer)
            else:
                raise ValueError(f"expected version 4 or 5, got {version}")
        finally:
            peer.close()

    async def _serve_4(self, peer: Peer) -> None:
        reader = peer.reader
        _, port, address = struct.unpack(">BH4s", await reader.readexactly(7))
        user = (await reader.readuntil(b"\0"))[:-1].decode()
        version, host = "4", socket.inet_ntoa(address)
        # Addresses that are none, 0.0.0.1 to 0.0.0.255, say that a name follows.
        if address[:3] == bytes(3) and address[3]:
            version, host = "4a", (await reader.readuntil(b"\0"))[:-1].decode()
        self.asked.append(Asked(version, host, port, user))
        await self._lead(peer, port, b"\0" + bytes([91 if self.reply else 90]) + _BOUND)

    async def _serve_5(self, peer: Peer) -> None:
        reader = peer.reader
        offered = await reader.readexactly((await reader.readexactly(1))[0])
        credentials = ""
        if self.auth:
            if 2 not in offered:
                await peer.send(b"\5\xff")
                return
            await peer.send(b"\5\2")
            credentials = await _credentials(reader)
            await peer.send(bytes([1, credentials != self.auth]))
            if credentials != self.auth:
                return
        else:
            await peer.send(b"\5\0")
        _, _, _, kind = await reader.readexactly(4)
        if kind == 3:
            host = await _part(reader)
        else:
            family = socket.AF_INET if kind == 1 else socket.AF_INET6
            host = socket.inet_ntop(family, await reader.readexactly(4 if kind == 1 else 16))
        port = int.from_bytes(await reader.readexactly(2))
        self.asked.append(Asked("5", host, port, credentials))
        await self._lead(peer, port, bytes([5, self.reply, 0, 1]) + _BOUND)

    async def _lead(self, peer: Peer, port: int, answer: bytes) -> None:
        if self.answer is not None:
            await peer.send(self.answer)
        elif self.reply:
            await peer.send(answer)
        else:
            await relay(peer, port, answer)


async def _credentials(reader: asyncio.StreamReader) -> str:
    await reader.readexactly(1)
    user = await _part(reader)
    return f"{user}:{await _part(reader)}"


async def _part(reader: asyncio.StreamReader) -> str:
    """Text with its length before it."""
    return (await reader.readexactly((await reader.readexactly(1))[0])).decode()
