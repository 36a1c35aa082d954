import random
import tracemalloc
from functools import cache
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pronghorn.wire.websocket.assembly import Assembly, not_utf8, too_big
from pronghorn.wire.websocket.deflate import Deflater, Inflater
from pronghorn.wire.websocket.deflate_offers import DeflateOptions, Direction
from pronghorn.wire.websocket.messages import WebSocketError, WSMessage, WSMessageTextBytes, WSMsgType

from .exchanging import BINARY, TEXT, cuts

KIB = 1024
MIB = 1024 * KIB
WORDS = "Hello-µ@ßöäüàá-UTF-8!! κόσμε 中文 \U0001f98c\r\n\r\n"


def assemble(
    opcode: int, pieces, *, limit: int | None = None, inflater: Inflater | None = None, decode_text=True
):
    assembly = Assembly(opcode, limit, inflater, decode_text)
    for at, piece in enumerate(pieces, 1):
        assembly.add(memoryview(piece), at == len(pieces))
    return assembly.finish()


@pytest.mark.parametrize("text", ["", "a", "plain", WORDS, "é" * 100, "\0\ufffd\ufeff"])
def test_text_however_it_is_cut(text: str) -> None:
    for pieces in cuts(text.encode()):
        message = assemble(TEXT, pieces)
        assert type(message) is WSMessage
        assert message == (WSMsgType.TEXT, text, "")
        assert message.type is WSMsgType.TEXT


@pytest.mark.parametrize("data", [b"", b"\0", bytes(range(256))])
def test_octets_however_they_are_cut(data: bytes) -> None:
    for pieces in cuts(data):
        assert assemble(BINARY, pieces) == WSMessage(WSMsgType.BINARY, data, "")
        message = assemble(TEXT, pieces, decode_text=False)
        assert type(message) is WSMessageTextBytes
        assert message == (WSMsgType.TEXT, data, "")
        assert type(message.data) is bytes


@given(st.text(), st.integers(1, 5))
def test_any_text(text: str, size: int) -> None:
    data = text.encode()
    assert assemble(TEXT, [data[at : at + size] for at in range(0, len(data), size)]).data == text


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (b"", b"\x80"),
        (b"abc", b"\xff"),
        (b"\xc3", b"("),
        (b"\xf4", b"\x90"),  # beyond U+10FFFF: known at the second octet
        (b"\xed", b"\xa0"),  # a surrogate
        (b"\xe0", b"\x80"),  # more octets than it needs
        (b"\xf0\x9f\xa6", b"a"),
        (b"\xf0", b"\x80"),
        (b"", b"\xc0"),
        (b"", b"\xf5"),
        ("κόσμε".encode(), b"\xed\xa0\x80"),
    ],
)
def test_text_is_refused_at_the_piece_that_spoils_it(good: bytes, bad: bytes) -> None:
    for pieces in cuts(good):
        assembly = Assembly(TEXT, None, None, True)
        for piece in pieces:
            assembly.add(piece)
        with pytest.raises(WebSocketError) as caught:
            assembly.add(bad)
        assert caught.value.code == not_utf8().code == 1007


# Around every edge of the table of well-formed sequences (Unicode, table 3-7)
EDGES = bytes.fromhex("00417f808f909fa0bfc0c1c2dfe0e1ecedeeeff0f1f3f4f5ff")
ENDINGS = [bytes(end) for size in range(4) for end in product(b"\x80\x8f\x90\x9f\xa0\xbf", repeat=size)]


@cache
def may_become_text(data: bytes) -> bool:
    return any(is_text(data + end) for end in ENDINGS)


def is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize("first", EDGES)
def test_text_is_refused_at_the_first_octet_that_spoils_it(first: int) -> None:
    for rest in product(EDGES, repeat=2):
        data = bytes((first, *rest))
        spoilt = next((at for at in range(1, 4) if not may_become_text(data[:at])), None)
        assembly = Assembly(TEXT, None, None, True)
        refused = None
        for at in range(3):
            try:
                assembly.add(data[at : at + 1])
            except WebSocketError:
                refused = at + 1
                break
        assert refused == spoilt, data


@pytest.mark.parametrize("data", [b"\xc3", b"a\xe2\x82", b"\xf0\x9f\xa6"])
def test_text_that_ends_within_a_character(data: bytes) -> None:
    for pieces in cuts(data):
        with pytest.raises(WebSocketError) as caught:
            assemble(TEXT, pieces)
        assert caught.value.code == 1007


# Limits


def test_the_limit_is_of_bytes_and_may_be_reached() -> None:
    for pieces in cuts("é".encode() * 5):
        assert assemble(TEXT, pieces, limit=10).data == "ééééé"
        with pytest.raises(WebSocketError) as caught:
            assemble(TEXT, pieces, limit=9)
        assert caught.value.code == too_big(9).code == 1009


def test_what_a_frame_says_of_its_length_counts_before_it_comes() -> None:
    assembly = Assembly(BINARY, 10, None, True)
    assembly.expect(4)
    assembly.add(b"1234")
    assembly.expect(6)
    with pytest.raises(WebSocketError) as caught:
        assembly.expect(7)
    assert caught.value.code == 1009
    Assembly(BINARY, None, None, True).expect(2**62)


def test_a_compressed_frame_may_be_longer_than_its_content() -> None:
    assembly = Assembly(BINARY, 100, Inflater(Direction()), True)
    assembly.expect(150)
    with pytest.raises(WebSocketError) as caught:
        assembly.expect(2000)
    assert caught.value.code == 1009


# Compressed messages


@pytest.mark.parametrize("limit", [None, len(WORDS.encode()) * 50])
def test_compressed_text(limit: int | None) -> None:
    deflater = Deflater(Direction(), DeflateOptions())
    wire = deflater.deflate((WORDS * 50).encode())
    for pieces in cuts(wire):
        message = assemble(TEXT, pieces, limit=limit, inflater=Inflater(Direction()))
        assert message == WSMessage(WSMsgType.TEXT, WORDS * 50, "")


@pytest.mark.parametrize("size", [99, 100, 101, 5000])
def test_the_limit_is_of_what_is_inflated(size: int) -> None:
    wire = Deflater(Direction(), DeflateOptions()).deflate(bytes(size))
    for pieces in cuts(wire):
        if size <= 100:
            assert assemble(BINARY, pieces, limit=100, inflater=Inflater(Direction())).data == bytes(size)
            continue
        with pytest.raises(WebSocketError) as caught:
            assemble(BINARY, pieces, limit=100, inflater=Inflater(Direction()))
        assert caught.value.code == 1009


def test_a_compressed_message_of_several_steps() -> None:
    data = random.Random(1).randbytes(100_000) + bytes(900_000) + b"end"
    wire = Deflater(Direction(), DeflateOptions()).deflate(data)
    for pieces in ([wire], [wire[:90_000], wire[90_000:]], [wire, b""]):
        assert assemble(BINARY, pieces, limit=len(data), inflater=Inflater(Direction())).data == data


def test_compressed_text_that_is_none() -> None:
    wire = Deflater(Direction(), DeflateOptions()).deflate(b"abc\xff" + b"d" * 1000)
    with pytest.raises(WebSocketError) as caught:
        assemble(TEXT, [wire], inflater=Inflater(Direction()))
    assert caught.value.code == 1007


# Memory


def peak(work) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.timed
def test_a_bomb_never_makes_more_than_the_limit() -> None:
    wire = Deflater(Direction(), DeflateOptions(15)).deflate(bytes(64 * MIB))

    def work() -> None:
        with pytest.raises(WebSocketError):
            assemble(BINARY, [wire], limit=MIB, inflater=Inflater(Direction()))

    assert peak(work) < 2.5 * MIB


@pytest.mark.timed
@pytest.mark.parametrize(("opcode", "piece"), [(BINARY, b"\xff"), (TEXT, b"a"), (TEXT, "中".encode())])
def test_many_small_pieces_hold_little_more_than_their_content(opcode: int, piece: bytes) -> None:
    pieces = [piece] * (300 * KIB // len(piece))
    assert peak(lambda: assemble(opcode, pieces)) < 3 * 300 * KIB


def test_small_pieces_of_text_are_put_together_once() -> None:
    assembly = Assembly(TEXT, None, None, True)
    for at in range(5 * 1024):
        assembly.add(b"%d" % (at % 10))
    assert [len(piece) for piece in assembly._content._pieces] == [1024] * 5
    assert assembly.finish().data == "0123456789" * 512


@pytest.mark.timed
@pytest.mark.parametrize(("count", "times"), [(1, 1.1), (16, 2.1), (32, 1.4), (64, 1.4)])
def test_what_a_message_holds_while_it_comes(count: int, times: float) -> None:
    """Put together at once it is there twice for a moment, which a large one is not."""
    pieces = [random.Random(at).randbytes(256 * KIB) for at in range(count)]
    assert peak(lambda: assemble(BINARY, pieces)) < count * 256 * KIB * times


def test_many_pieces_make_one_message() -> None:
    pieces = [b"%d" % (at % 10) for at in range(1000)]
    assert assemble(BINARY, pieces).data == b"0123456789" * 100
