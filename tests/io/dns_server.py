"""A DNS server on the loopback interface, on the loop of the test (RFC 1035).

    async with serving({"two.test": ["127.0.0.1", "::1"], "gone.test": SILENT}) as server:
        resolver = AsyncResolver(nameservers=["127.0.0.1"], udp_port=server.port, timeout=1, tries=1)

A name has its addresses, or an `Answer` that says what else happens; any other name does not exist.
"""

import asyncio
import ipaddress
import struct
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

A, AAAA = 1, 28
SERVFAIL, NXDOMAIN, REFUSED = 2, 3, 5
_IN = 1
_RESPONSE = 0x8580  # QR, AA, RD, RA
_TTL = 60
#: To the name of the question.
_POINTER = b"\xc0\x0c"


@dataclass
class Answer:
    """What a name is answered with."""

    addresses: Sequence[str] = ()
    rcode: int = 0
    #: It is answered once this is set.
    after: asyncio.Event | None = None
    #: It is not answered at all.
    is_silent: bool = False
    #: What happens to the octets of the answer on their way.
    damage: Callable[[bytes], bytes] = bytes


SILENT = Answer(is_silent=True)
#: Ways in which an answer can be malformed.
DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda octets: b"",
    "no question": lambda octets: octets[:12],
    "cut off": lambda octets: octets[:-3],
    "one octet": lambda octets: octets[:1],
    "garbage": lambda octets: octets[:2] + b"\xff" * 200,
    "other id": lambda octets: bytes([octets[0] ^ 1]) + octets[1:],
    "other question": lambda octets: octets[:13] + b"x" + octets[14:],
    "more answers than there are": lambda octets: octets[:6] + b"\xff\xff" + octets[8:],
    "a loop": lambda octets: octets.replace(
        _POINTER, struct.pack(">H", 0xC000 | octets.find(_POINTER) & 0x3FFF)
    ),
    "an address of three octets": lambda octets: octets[:-6] + struct.pack(">H", 3) + octets[-4:-1],
}


class DnsServer(asyncio.DatagramProtocol):
    """Answers from a table, and keeps what it was asked."""

    def __init__(self, names: Mapping[str, Sequence[str] | Answer]) -> None:
        #: May change while it serves.
        self.names = dict(names)
        #: Names and types, in order.
        self.asked: list[tuple[str, int]] = []
        #: Known once it serves.
        self.port = 0
        self._transport: Any = None
        self._held: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: Any) -> None:
        name, kind, question = _question(data)
        self.asked.append((name, kind))
        answer = self.names.get(name, Answer(rcode=NXDOMAIN))
        if not isinstance(answer, Answer):
            answer = Answer(answer)
        if answer.is_silent:
            return
        octets = answer.damage(_response(data[:2], question, kind, answer))
        if answer.after is None:
            self._transport.sendto(octets, addr)
            return
        task = asyncio.get_running_loop().create_task(self._hold(answer.after, octets, addr))
        self._held.add(task)
        task.add_done_callback(self._held.discard)

    async def _hold(self, until: asyncio.Event, octets: bytes, addr: Any) -> None:
        await until.wait()
        self._transport.sendto(octets, addr)

    async def close(self) -> None:
        held = list(self._held)
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)
        self._transport.close()


@asynccontextmanager
async def serving(names: Mapping[str, Sequence[str] | Answer]) -> AsyncIterator[DnsServer]:
    """A server on ``port`` of 127.0.0.1."""
    loop = asyncio.get_running_loop()
    _, server = await loop.create_datagram_endpoint(lambda: DnsServer(names), ("127.0.0.1", 0))
    try:
        yield server
    finally:
        await server.close()


def _question(query: bytes) -> tuple[str, int, bytes]:
    """The name, its type, and the octets of both."""
    labels, at = [], 12
    while length := query[at]:
        labels.append(query[at + 1 : at + 1 + length].decode("ascii"))
        at += 1 + length
    end = at + 5
    (kind,) = struct.unpack(">H", query[at + 1 : at + 3])
    return ".".join(labels).lower(), kind, query[12:end]


def _response(query_id: bytes, question: bytes, kind: int, answer: Answer) -> bytes:
    version = {A: 4, AAAA: 6}.get(kind)
    octets = [
        address.packed
        for address in map(ipaddress.ip_address, answer.addresses)
        if address.version == version
    ]
    records = b"".join(
        _POINTER + struct.pack(">HHIH", kind, _IN, _TTL, len(packed)) + packed for packed in octets
    )
    head = query_id + struct.pack(">HHHHH", _RESPONSE | answer.rcode, 1, len(octets), 0, 0)
    return head + question + records
