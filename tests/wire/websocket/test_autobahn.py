"""The cases of the Autobahn test suite by what they do, for both roles and for a peer that echoes.

Sections 1 to 7, 9 and 10; 12 and 13 are where compressed messages are. Strict: a case that may be answered
in a way that the suite calls non-strict is answered in the other.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from pronghorn.wire.roles import CLIENT, SERVER, Role
from pronghorn.wire.websocket.limits import WebSocketLimits
from pronghorn.wire.websocket.messages import WSMsgType

from .exchanging import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FIN,
    PING,
    PONG,
    ROLES,
    TEXT,
    Told,
    binary,
    close,
    frame,
    machine,
    tell,
    text,
)

MIB = 1024 * 1024
HELLO = b"Hello, world!"
PEER = {CLIENT: SERVER, SERVER: CLIENT}
UTF_8 = "Hello-µ@ßöäüàá-UTF-8!!".encode()
KOSME = "κόσμε".encode()


@dataclass
class Echo:
    """An end that answers as the suite wants it to; what its peer is told of that."""

    role: Role
    answers: list[Told] = field(default_factory=list)

    def run(self, pieces: list[bytes]) -> list[Told]:
        connection = machine(self.role, WebSocketLimits(message=None))
        peer = machine(PEER[self.role], WebSocketLimits(message=None))
        for piece in pieces:
            for type_, data, extra in tell(connection, [piece]):
                if connection.close_sent:
                    break
                if type_ is WSMsgType.TEXT:
                    self.answers += tell(peer, connection.text(data))
                elif type_ is WSMsgType.BINARY:
                    self.answers += tell(peer, connection.binary(data))
                elif type_ is WSMsgType.PING:
                    self.answers += tell(peer, [connection.pong(data)])
                elif type_ is WSMsgType.CLOSE:
                    self.answers += tell(
                        peer, [connection.close(None if data == 1005 else data, extra or "")]
                    )
                elif type_ is WSMsgType.ERROR:
                    self.answers += tell(peer, [connection.close(data)])
        return self.answers


def answers(role: Role, frames: list[tuple[int, bytes]]) -> list[Told]:
    """What the peer is answered, whether the frames come together, one by one or octet by octet."""
    wires = [frame(first, payload, role) for first, payload in frames]
    whole = b"".join(wires)
    ways = [[whole], wires]
    if len(whole) < 3000:
        ways.append([whole[at : at + 1] for at in range(len(whole))])
    ways.append([whole[at : at + 997] for at in range(0, len(whole), 997)])
    found = [Echo(role).run(pieces) for pieces in ways]
    if found != found[:1] * len(found):
        pytest.fail(f"depends on how the bytes are cut: {found}")
    return found[0]


def pong(data: bytes) -> Told:
    return (WSMsgType.PONG, data, "")


def closed(code: int, reason: str = "") -> Told:
    return (WSMsgType.CLOSE, code, reason)


def cases() -> Iterator[tuple[str, list[tuple[int, bytes]], list[Told]]]:
    yield from framing()
    yield from pings()
    yield from reserved()
    yield from fragments()
    yield from texts()
    yield from closings()


def framing() -> Iterator[tuple[str, list[tuple[int, bytes]], list[Told]]]:
    for at, size in enumerate((0, 125, 126, 127, 128, 65535, 65536), 1):
        yield f"1.1.{at}", [(FIN | TEXT, b"*" * size)], [text("*" * size)]
        yield f"1.2.{at}", [(FIN | BINARY, b"\xfe" * size)], [binary(b"\xfe" * size)]


def pings() -> Iterator[tuple[str, list[tuple[int, bytes]], list[Told]]]:
    octets = bytes.fromhex("00fffefdfcfb00ff")
    for name, payload in (("2.1", b""), ("2.2", HELLO), ("2.3", octets), ("2.4", b"\xfe" * 125)):
        yield name, [(FIN | PING, payload)], [pong(payload)]
    yield "2.5", [(FIN | PING, b"\xfe" * 126)], [closed(1002)]
    yield "2.7", [(FIN | PONG, b"")], []
    yield "2.8", [(FIN | PONG, b"unsolicited")], []
    yield "2.9", [(FIN | PONG, b"unsolicited"), (FIN | PING, b"ping")], [pong(b"ping")]
    many = [b"payload-%d" % at for at in range(10)]
    yield "2.10", [(FIN | PING, each) for each in many], [pong(each) for each in many]


def reserved() -> Iterator[tuple[str, list[tuple[int, bytes]], list[Told]]]:
    hello, ping = (FIN | TEXT, HELLO), (FIN | PING, b"")
    refused = [text(HELLO.decode()), closed(1002)]
    yield "3.1", [(FIN | 0x40 | TEXT, HELLO)], [closed(1002)]
    yield "3.2", [hello, (FIN | 0x20 | TEXT, HELLO), ping], refused
    yield "3.3", [hello, (FIN | 0x30 | TEXT, HELLO), ping], refused
    yield "3.4", [hello, (FIN | 0x40 | TEXT, HELLO), ping], refused
    yield "3.5", [(FIN | 0x50 | BINARY, bytes(8))], [closed(1002)]
    yield "3.6", [(FIN | 0x60 | PING, HELLO)], [closed(1002)]
    yield "3.7", [(FIN | 0x70 | CLOSE, b"")], [closed(1002)]
    for section, opcodes in (("4.1", range(3, 8)), ("4.2", range(11, 16))):
        for at, opcode in enumerate(opcodes, 1):
            yield f"{section}.{at}", [(FIN | opcode, b"")], [closed(1002)]
            yield f"{section}.{at} later", [hello, (FIN | opcode, HELLO), ping], refused


def fragments() -> Iterator[tuple[str, list[tuple[int, bytes]], list[Told]]]:
    first, last = (TEXT, b"fragment1"), (FIN | CONTINUATION, b"fragment2")
    whole, ping, after = text("fragment1fragment2"), (FIN | PING, b"ping"), (FIN | TEXT, HELLO)
    yield "5.1", [(PING, b"fragment1"), last], [closed(1002)]
    yield "5.2", [(PONG, b"fragment1"), last], [closed(1002)]
    yield "5.3", [first, last], [whole]
    yield "5.6", [first, ping, last], [pong(b"ping"), whole]
    for name, bit in (("5.9", FIN), ("5.12", 0)):
        yield name, [(bit | CONTINUATION, b"non-continuation payload"), after], [closed(1002)]
    for name, bit in (("5.15", 0), ("5.15 with FIN", FIN)):
        yield name, [first, last, (bit | CONTINUATION, b"fragment3"), after], [whole, closed(1002)]
    for name, bit in (("5.16", 0), ("5.17", FIN)):
        yield name, [(bit | CONTINUATION, b"fragment1"), (TEXT, b"fragment2"), last], [closed(1002)]
    yield "5.18", [first, (FIN | TEXT, b"fragment2")], [closed(1002)]
    parts = [(CONTINUATION if at else TEXT, b"fragment%d" % at) for at in range(5)]
    yield (
        "5.19",
        [
            *parts[:2],
            (FIN | PING, b"one"),
            *parts[2:],
            (FIN | PING, b"two"),
            (FIN | CONTINUATION, b"fragment5"),
        ],
        [pong(b"one"), pong(b"two"), text("".join(f"fragment{at}" for at in range(6)))],
    )


def texts() -> Iterator[tuple[str, list[tuple[int, bytes]], list[Told]]]:
    nothing, end = (CONTINUATION, b""), (FIN | CONTINUATION, b"")
    yield "6.1.1", [(FIN | TEXT, b"")], [text("")]
    yield "6.1.2", [(TEXT, b""), nothing, end], [text("")]
    yield "6.1.3", [(TEXT, b""), (CONTINUATION, b"middle"), end], [text("middle")]
    yield "6.2.1", [(FIN | TEXT, UTF_8)], [text(UTF_8.decode())]
    yield "6.2.2", [(TEXT, UTF_8[:8]), (FIN | CONTINUATION, UTF_8[8:])], [text(UTF_8.decode())]
    yield "6.2.3", [*in_octets(UTF_8), end], [text(UTF_8.decode())]
    yield "6.2.4", [*in_octets(KOSME), end], [text(KOSME.decode())]
    bad = KOSME + b"\xed\xa0\x80edited"
    yield "6.3.1", [(FIN | TEXT, bad)], [closed(1007)]
    yield "6.3.2", [*in_octets(bad), end], [closed(1007)]
    beyond = KOSME + b"\xf4\x90\x80\x80"
    # 6.4: as soon as it is known, though the message has not ended.
    yield "6.4.1", [(TEXT, KOSME), (CONTINUATION, b"\xf4\x90\x80\x80")], [closed(1007)]
    yield "6.4.2", [(TEXT, beyond[:-3]), (CONTINUATION, b"\x90")], [closed(1007)]
    for at, data in enumerate(VALID, 1):
        yield f"6 valid {at}", [(FIN | TEXT, data)], [text(data.decode())]
        yield f"6 valid in octets {at}", [*in_octets(data), end], [text(data.decode())]
    for at, data in enumerate(INVALID, 1):
        yield f"6 invalid {at}", [(FIN | TEXT, data)], [closed(1007)]
        yield f"6 invalid in octets {at}", [*in_octets(data), end], [closed(1007)]


def in_octets(data: bytes) -> list[tuple[int, bytes]]:
    return [(CONTINUATION if at else TEXT, data[at : at + 1]) for at in range(len(data))]


# 6.5 to 6.23
VALID = [
    KOSME,
    *(
        bytes.fromhex(each)
        for each in "00 c280 e0a080 f0908080 7f dfbf efbfbf f48fbfbf ed9fbf ee8080 efbfbd".split()
    ),
    *(bytes.fromhex(each) for each in "efbfbe f09fbfbe f09fbfbf f0afbfbe f3bfbfbf f48fbfbe".split()),
]
INVALID = [
    *(
        bytes.fromhex(each)
        for each in "f4908080 f7bfbfbf f888808080 fbbfbfbfbf fc8480808080 fdbfbfbfbfbf".split()
    ),
    *(bytes.fromhex(each) for each in "80 bf 80bf 80bf80 80bf80bf80bf".split()),
    *(
        bytes((lead, 0x20))
        for lead in (*range(0xC0, 0xC2), *range(0xE0, 0xE3), *range(0xF0, 0xF8), 0xFC, 0xFD)
    ),
    *(
        bytes.fromhex(each)
        for each in "c0 e080 f08080 f8808080 fc80808080 df efbf f7bfbf fbbfbfbf fdbfbfbfbf".split()
    ),
    *(bytes.fromhex(each) for each in "fe ff fefeffff c0af e080af f08080af f8808080af fc80808080af".split()),
    *(
        bytes.fromhex(each)
        for each in "c1bf e09fbf f08fbfbf f887bfbfbf fc83bfbfbfbf c080 e08080 f0808080".split()
    ),
    *(
        bytes.fromhex(each)
        for each in "eda080 edadbf edae80 edafbf edb080 edbe80 edbfbf eda080edb080 edafbfedbfbf".split()
    ),
]


def closings() -> Iterator[tuple[str, list[tuple[int, bytes]], list[Told]]]:
    hello, ok = text(HELLO.decode()), (FIN | CLOSE, b"\x03\xe8")
    yield "7.1.1", [(FIN | TEXT, HELLO), ok], [hello, closed(1000)]
    yield "7.1.2", [ok, ok], [closed(1000)]
    yield "7.1.3", [ok, (FIN | PING, b"")], [closed(1000)]
    yield "7.1.4", [ok, (FIN | TEXT, HELLO)], [closed(1000)]
    yield "7.1.5", [(TEXT, b"fragment1"), ok, (FIN | CONTINUATION, b"fragment2")], [closed(1000)]
    large = b"BAsd7&jh23" * 26214
    yield "7.1.6", [(FIN | TEXT, large), ok, (FIN | PING, b"")], [text(large.decode()), closed(1000)]
    yield "7.3.1", [(FIN | CLOSE, b"")], [closed(1005)]
    yield "7.3.2", [(FIN | CLOSE, b"a")], [closed(1002)]
    yield "7.3.3", [ok], [closed(1000)]
    yield "7.3.4", [(FIN | CLOSE, b"\x03\xe8" + HELLO)], [closed(1000, HELLO.decode())]
    yield "7.3.5", [(FIN | CLOSE, b"\x03\xe8" + b"*" * 123)], [closed(1000, "*" * 123)]
    yield "7.3.6", [(FIN | CLOSE, b"\x03\xe8" + b"*" * 124)], [closed(1002)]
    yield "7.5.1", [(FIN | CLOSE, b"\x03\xe8" + KOSME + b"\xed\xa0\x80edited")], [closed(1007)]
    for at, code in enumerate(
        (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999), 1
    ):
        yield f"7.7.{at}", [(FIN | CLOSE, code.to_bytes(2, "big"))], [closed(code)]
    for at, code in enumerate((0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999), 1):
        yield f"7.9.{at}", [(FIN | CLOSE, code.to_bytes(2, "big"))], [closed(1002)]
    for at, code in enumerate((5000, 65535), 1):
        yield f"7.13.{at}", [(FIN | CLOSE, code.to_bytes(2, "big"))], [closed(1002)]


CASES = {name: (frames, expected) for name, frames, expected in cases()}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
@pytest.mark.parametrize("name", CASES)
def test_case(name: str, role: Role) -> None:
    frames, expected = CASES[name]
    assert answers(role, frames) == expected


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
@pytest.mark.parametrize("tail", [b"\xf4\x90", KOSME + b"\xf4\x90"])
def test_cases_6_4_3_and_6_4_4(tail: bytes, role: Role) -> None:
    """The same as 6.4.1 and 6.4.2 in one frame, in chops: it fails before the frame is whole."""
    wire = frame(FIN | TEXT, tail + b"\x80\x80edited", role)
    assert Echo(role).run([wire[: len(wire) - 8]]) == [closed(1007)]


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("size", [64 * 1024, MIB, 4 * MIB])
@pytest.mark.parametrize("part", [64, 4096, 65536, 16 * MIB])
def test_cases_9_and_10(part: int, size: int, opcode: int, role: Role) -> None:
    """Large messages, whole and in fragments: 4 MiB of 64 octets each are 65,536 of them."""
    data = b"BAsd7&jh" * (size // 8)
    pieces = [
        frame(
            (CONTINUATION if at else opcode) | (FIN if at + part >= size else 0), data[at : at + part], role
        )
        for at in range(0, size, part)
    ]
    wire = b"".join(pieces)
    reads = [wire[at : at + 65536] for at in range(0, len(wire), 65536)]
    assert Echo(role).run(reads) == [text(data.decode()) if opcode == TEXT else binary(data)]


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_the_peer_is_answered_with_its_own_code(role: Role) -> None:
    assert Echo(role).run([close(4000, b"bye", role)]) == [closed(4000, "bye")]
