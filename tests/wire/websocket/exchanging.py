"""Frames as a peer sends them, and what a machine tells of them however they are cut.

The frames are made here, octet by octet, so that what the machine reads was not written by it.
"""

import random
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from pronghorn.wire.roles import CLIENT, SERVER, Role
from pronghorn.wire.websocket.connection import WebSocketConnection
from pronghorn.wire.websocket.deflate import PerMessageDeflate
from pronghorn.wire.websocket.deflate_offers import DeflateAgreement
from pronghorn.wire.websocket.limits import DEFAULT_WEBSOCKET_LIMITS, WebSocketLimits
from pronghorn.wire.websocket.messages import WSMsgType

ROLES = (SERVER, CLIENT)
KEY = bytes.fromhex("37fa213d")  # of RFC 6455 section 5.7

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN, RSV1, RSV2, RSV3 = 0x80, 0x40, 0x20, 0x10

#: An event without what differs from run to run: of an error there is its code.
Told = tuple[WSMsgType, Any, str | None]
Make = Callable[[], WebSocketConnection]


def xor(data: bytes, key: bytes) -> bytes:
    return bytes(octet ^ key[at % 4] for at, octet in enumerate(data))


def header(first: int, length: int, masked: bool, size: int = 0) -> bytes:
    """The header of a frame to a ``masked`` reader; ``size`` octets say the length, not the fewest."""
    bit = 0x80 if masked else 0
    size = size or (1 if length < 126 else 2 if length < 65536 else 8)
    if size == 1:
        said = bytes([bit | length])
    else:
        said = bytes([bit | (126 if size == 2 else 127)]) + length.to_bytes(size, "big")
    return bytes([first]) + said + (KEY if masked else b"")


def frame(first: int, payload: bytes = b"", reader: Role = SERVER) -> bytes:
    """A frame that ``reader`` is sent; ``first`` is its first octet."""
    masked = not reader.masks_frames
    if len(payload) > 4096:
        key = (KEY * (len(payload) // 4 + 1))[: len(payload)]
        covered = (int.from_bytes(payload) ^ int.from_bytes(key)).to_bytes(len(payload))
    else:
        covered = xor(payload, KEY)
    return header(first, len(payload), masked) + (covered if masked else payload)


def close(code: int, reason: bytes = b"", reader: Role = SERVER) -> bytes:
    return frame(FIN | CLOSE, code.to_bytes(2, "big") + reason, reader)


def machine(
    role: Role = SERVER,
    limits: WebSocketLimits = DEFAULT_WEBSOCKET_LIMITS,
    *,
    deflate: DeflateAgreement | None = None,
    decode_text: bool = True,
) -> WebSocketConnection:
    extension = None if deflate is None else PerMessageDeflate(role, deflate)
    return WebSocketConnection(role, limits, deflate=extension, decode_text=decode_text)


def tell(connection: WebSocketConnection, pieces: Iterable[bytes]) -> list[Told]:
    """All that ``connection`` tells of ``pieces``. Behind a CLOSE or an ERROR it may tell nothing more."""
    told: list[Told] = []
    for piece in pieces:
        events = connection.feed(piece)
        while connection.has_more:
            events += connection.resume()
        for event in events:
            if told and told[-1][0] in (WSMsgType.CLOSE, WSMsgType.ERROR):
                pytest.fail(f"told after {told[-1]}: {event}")
            type_, data, extra = event
            if type_ is WSMsgType.ERROR:
                if data is not connection.error:
                    pytest.fail(f"told {data!r}, keeps {connection.error!r}")
                data = data.code
            told.append((type_, data, extra))
    return told


def cuts(wire: bytes, every: int = 600) -> Iterable[list[bytes]]:
    """``wire`` whole, one byte at a time, and in two pieces: at every byte of it, if it is short."""
    yield [wire]
    yield [wire[at : at + 1] for at in range(len(wire))]
    places = range(1, len(wire))
    for at in places if len(wire) <= every else random.Random(len(wire)).sample(places, 20):
        yield [wire[:at], wire[at:]]


def read(wire: bytes, make: Make = machine) -> list[Told]:
    """What is told of ``wire``, which may not depend on how it is cut."""
    first, *others = (tell(make(), pieces) for pieces in cuts(wire))
    for other in others:
        if other != first:
            pytest.fail(f"depends on how the bytes are cut: {first}\nand {other}")
    return first


def only(told: list[Told]) -> Told:
    (event,) = told
    return event


def text(data: str) -> Told:
    return (WSMsgType.TEXT, data, "")


def binary(data: bytes) -> Told:
    return (WSMsgType.BINARY, data, "")


def error(code: int) -> Told:
    return (WSMsgType.ERROR, code, None)
