"""Frames as octets; the section numbers are those of RFC 6455."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pronghorn.wire.websocket.frame import (
    NO_CODE,
    FrameHeader,
    format_close,
    format_header,
    is_close_code,
    parse_close,
    parse_header,
    serialise,
)
from pronghorn.wire.websocket.messages import WebSocketError, WSCloseCode

from .exchanging import BINARY, CLOSE, CONTINUATION, FIN, KEY, PING, PONG, RSV1, RSV2, RSV3, TEXT, xor
from .exchanging import header as made

LENGTHS = [0, 1, 124, 125, 126, 127, 128, 255, 256, 65534, 65535, 65536, 65537, 2**31, 2**32, 2**63 - 1]

# The examples of section 5.7: first octet, payload, key, octets
EXAMPLES = [
    (FIN | TEXT, b"Hello", b"", "810548656c6c6f"),
    (FIN | TEXT, b"Hello", KEY, "818537fa213d7f9f4d5158"),
    (TEXT, b"Hel", b"", "010348656c"),
    (FIN | CONTINUATION, b"lo", b"", "80026c6f"),
    (FIN | PING, b"Hello", b"", "890548656c6c6f"),
    (FIN | PONG, b"Hello", KEY, "8a8537fa213d7f9f4d5158"),
    (FIN | BINARY, bytes(256), b"", "827e0100" + "00" * 256),
    (FIN | BINARY, bytes(65536), b"", "827f0000000000010000" + "00" * 65536),
]


@pytest.mark.parametrize(("first", "payload", "key", "octets"), EXAMPLES)
def test_examples_of_section_5_7(first: int, payload: bytes, key: bytes, octets: str) -> None:
    wire = bytes.fromhex(octets)
    assert serialise(first, payload, key) == wire
    end = len(wire) - len(payload)
    expected = FrameHeader(first & 0x0F, first >= FIN, False, len(payload), key, end)
    assert parse_header(wire, 0, bool(key)) == expected
    assert xor(wire[end:], key or bytes(4)) == payload


@pytest.mark.parametrize("key", [b"", KEY])
@pytest.mark.parametrize("length", LENGTHS)
def test_lengths_both_ways(length: int, key: bytes) -> None:
    wire = format_header(FIN | RSV1 | BINARY, length, key)
    assert wire == made(FIN | RSV1 | BINARY, length, bool(key))
    found = parse_header(b"xyz" + wire + b"more", 3, bool(key))
    assert found == FrameHeader(BINARY, True, True, length, key, 3 + len(wire))
    for cut in range(len(wire)):
        assert parse_header(wire[:cut], 0, bool(key)) is None


@pytest.mark.parametrize(
    "payload", [bytearray(b"Hello"), memoryview(b"Hello"), bytearray(300), memoryview(bytes(300))]
)
def test_any_octets_are_serialised_to_bytes(payload: bytearray | memoryview) -> None:
    for key in (b"", KEY):
        wire = serialise(FIN | BINARY, payload, key)
        assert type(wire) is bytes
        assert wire == serialise(FIN | BINARY, bytes(payload), key)


@pytest.mark.parametrize("is_masked", [False, True])
@pytest.mark.parametrize(
    ("first", "length", "size", "message"),
    [
        (FIN | RSV2 | TEXT, 0, 1, "RSV2"),
        (FIN | RSV3 | TEXT, 0, 1, "RSV3"),
        (FIN | RSV2 | PING, 0, 1, "RSV2"),
        *((FIN | opcode, 0, 1, "opcode") for opcode in (0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF)),
        *((opcode, 0, 1, "whole") for opcode in (CLOSE, PING, PONG)),
        *((FIN | opcode, 126, 2, "longer than 125") for opcode in (CLOSE, PING, PONG)),
        *((FIN | opcode, 65536, 8, "longer than 125") for opcode in (CLOSE, PING, PONG)),
        *((FIN | RSV1 | opcode, 0, 1, "RSV1") for opcode in (CLOSE, PING, PONG)),
        *((FIN | BINARY, length, 2, "more octets") for length in (0, 1, 125)),
        *((FIN | BINARY, length, 8, "more octets") for length in (0, 125, 126, 65535)),
        *((FIN | BINARY, length, 8, r"2\*\*63") for length in (2**63, 2**64 - 1)),
    ],
)
def test_what_is_no_header(first: int, length: int, size: int, message: str, is_masked: bool) -> None:
    wire = made(first, length, is_masked, size)
    with pytest.raises(WebSocketError, match=message) as caught:
        parse_header(wire, 0, is_masked)
    assert caught.value.code == 1002


@pytest.mark.parametrize("is_masked", [False, True])
@pytest.mark.parametrize("opcode", [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG])
def test_who_masks(opcode: int, is_masked: bool) -> None:
    with pytest.raises(WebSocketError, match="masked") as caught:
        parse_header(made(FIN | opcode, 3, not is_masked), 0, is_masked)
    assert caught.value.code == 1002


@given(
    st.sampled_from([CONTINUATION, TEXT, BINARY]),
    st.booleans(),
    st.booleans(),
    st.binary(max_size=400),
    st.sampled_from([b"", KEY, bytes(4)]),
)
def test_round_trip(opcode: int, is_final: bool, is_compressed: bool, payload: bytes, key: bytes) -> None:
    first = opcode | (FIN if is_final else 0) | (RSV1 if is_compressed else 0)
    wire = serialise(first, payload, key)
    header = parse_header(wire, 0, bool(key))
    assert header is not None
    assert header[:5] == (opcode, is_final, is_compressed, len(payload), key)
    assert xor(wire[header.end :], key or bytes(4)) == payload


# Close frames

GOOD = [1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999]
BAD = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]


@pytest.mark.parametrize("code", GOOD)
@pytest.mark.parametrize("reason", ["", "bye", "κόσμε", "r" * 123])
def test_close_both_ways(code: int, reason: str) -> None:
    payload = code.to_bytes(2, "big") + reason.encode()
    assert is_close_code(code)
    assert format_close(code, reason) == format_close(code, reason.encode()) == payload
    assert parse_close(payload) == (code, reason)


@pytest.mark.parametrize("code", BAD)
def test_codes_of_no_frame(code: int) -> None:
    assert not is_close_code(code)
    with pytest.raises(WebSocketError, match=str(code)) as caught:
        parse_close(code.to_bytes(2, "big"))
    assert caught.value.code == 1002
    with pytest.raises(ValueError, match=str(code)):
        format_close(code)


@pytest.mark.parametrize("code", [-1, 65536, 1 << 20])
def test_codes_of_no_frame_at_all(code: int) -> None:
    with pytest.raises(ValueError, match=str(code)):
        format_close(code)


def test_a_known_code_is_a_member() -> None:
    code, _ = parse_close(b"\x03\xe9")
    assert code is WSCloseCode.GOING_AWAY
    assert parse_close(b"\x0f\xa0") == (4000, "")


def test_an_empty_close() -> None:
    assert parse_close(b"") == (NO_CODE, "") == (1005, "")
    assert format_close(None) == b""


@pytest.mark.parametrize(
    ("payload", "code"), [(b"\x03", 1002), (b"\x03\xe8\xff", 1007), (b"\x03\xe8\xce\xba\xe1\xbd", 1007)]
)
def test_bad_close_payloads(payload: bytes, code: int) -> None:
    with pytest.raises(WebSocketError, match="close frame") as caught:
        parse_close(payload)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("code", "reason", "message"),
    [
        (None, "why", "needs a code"),
        (1000, "r" * 124, "at most 123"),
        (1000, "é" * 62, "124"),
        (1000, b"\xff", "utf-8"),
    ],
)
def test_reasons_that_no_frame_has(code: int | None, reason: str | bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        format_close(code, reason)
