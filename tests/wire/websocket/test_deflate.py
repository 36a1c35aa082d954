"""Messages compressed and inflated; the section numbers are those of RFC 7692."""

import random
import zlib
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pronghorn.wire.roles import CLIENT, SERVER
from pronghorn.wire.websocket.deflate import TAIL, Deflater, Inflater, PerMessageDeflate
from pronghorn.wire.websocket.deflate_offers import DeflateAgreement, DeflateOptions, Direction
from pronghorn.wire.websocket.messages import WebSocketError

from ...worktime import LINEAR, growth
from .exchanging import cuts

MIB = 1024 * 1024
WIDE = Direction()
FORGETFUL = Direction(no_context_takeover=True)


def inflate(inflater: Inflater, pieces: Iterable[bytes], most: int = MIB) -> bytes:
    """One message, at most ``most`` bytes at a time."""
    output = [b""]
    pieces = list(pieces)
    for at, piece in enumerate(pieces, 1):
        output.append(inflater.inflate(piece, most, at == len(pieces)))
        while inflater.has_more:
            output.append(inflater.inflate(b"", most))
    inflater.end()
    assert max(map(len, output)) <= most
    return b"".join(output)


def read(wire: bytes, direction: Direction = WIDE, before: Iterable[bytes] = ()) -> bytes:
    """The message in ``wire``, however it is cut and however little is asked for at a time."""
    found = set()
    for pieces in cuts(wire):
        for most in (1, 7, MIB):
            inflater = Inflater(direction)
            for message in before:
                inflate(inflater, [message])
            found.add(inflate(inflater, pieces, most))
    (output,) = found
    return output


# Section 7.2.3

HELLO = bytes.fromhex("f248cdc9c90700")
EXAMPLES = [
    (HELLO, b"Hello"),  # 7.2.3.1
    (bytes.fromhex("000500faff48656c6c6f00"), b"Hello"),  # 7.2.3.3
    (bytes.fromhex("f348cdc9c9070000"), b"Hello"),  # 7.2.3.4
    (bytes.fromhex("f24805000000ffffcac9c90700"), b"Hello"),  # 7.2.3.5
    (bytes.fromhex("00"), b""),  # 7.2.3.6
    (bytes.fromhex("0200"), b""),  # as it may be written
]


@pytest.mark.parametrize(("wire", "message"), EXAMPLES)
def test_examples_are_read(wire: bytes, message: bytes) -> None:
    assert read(wire) == message
    assert read(wire, FORGETFUL, [wire, wire]) == message


def test_output_that_is_left_in_zlib_when_all_input_was_taken() -> None:
    # Few octets stand for many: a step that is full is not the last.
    wire = Deflater(WIDE, DeflateOptions(15)).deflate(bytes(3000))
    assert len(wire) < 30
    assert read(wire) == bytes(3000)
    # And nothing of it is told with the message behind it.
    inflater = Inflater(WIDE)
    assert inflate(inflater, [wire], 10) == bytes(3000)
    assert inflate(inflater, [HELLO], 10) == b"Hello"


def test_the_window_is_kept() -> None:
    # 7.2.3.2
    assert read(bytes.fromhex("f200110000"), WIDE, [HELLO]) == b"Hello"
    with pytest.raises(WebSocketError):
        inflate(Inflater(WIDE), [bytes.fromhex("f200110000")])


def test_the_window_is_forgotten() -> None:
    inflater = Inflater(FORGETFUL)
    inflate(inflater, [HELLO])
    with pytest.raises(WebSocketError):
        inflate(inflater, [bytes.fromhex("f200110000")])


def test_examples_are_written() -> None:
    deflater = Deflater(WIDE, DeflateOptions(15))
    assert deflater.deflate(b"Hello") == HELLO
    assert deflater.deflate(b"Hello") == bytes.fromhex("f200110000")
    assert deflater.deflate(b"") == b"\0"
    forgetful = Deflater(FORGETFUL, DeflateOptions(15))
    assert [forgetful.deflate(b"Hello") for _ in range(3)] == [HELLO] * 3


@pytest.mark.parametrize("payload", [bytearray(b"Hello"), memoryview(b"Hello")])
def test_any_octets_are_compressed(payload: bytearray | memoryview) -> None:
    assert Deflater(WIDE, DeflateOptions(15)).deflate(payload) == HELLO
    assert Inflater(WIDE).inflate(bytearray(HELLO), 9) == b"Hello"


def test_nothing_is_sent_of_an_empty_message_between_others() -> None:
    deflater, inflater = Deflater(WIDE, DeflateOptions()), Inflater(WIDE)
    for message in (b"", b"one", b"", b"", b"one two"):
        assert inflate(inflater, [deflater.deflate(message)]) == message


# Windows


def far_back(distance: int) -> bytes:
    """What compresses well with a window of ``distance`` bytes, and hardly with a smaller one."""
    return random.Random(distance).randbytes(distance) * 4


@pytest.mark.parametrize("bits", range(8, 16))
def test_a_compressor_keeps_to_the_window(bits: int) -> None:
    message = b"".join(far_back(distance) for distance in range(200, 33_000, 3001)) + b"".join(
        map(far_back, range(240, 520, 3))
    )
    direction = Direction(bits)
    for level in (-1, 0, 1, 4, 9):
        deflater = Deflater(direction, DeflateOptions(15, level=level, memory_level=9))
        inflater = Inflater(direction)
        for _ in range(2):
            assert inflate(inflater, [deflater.deflate(message)]) == message


@pytest.mark.parametrize("bits", range(9, 16))
def test_our_own_window_may_be_smaller_than_what_was_agreed(bits: int) -> None:
    deflater = Deflater(WIDE, DeflateOptions(bits))
    inflater = Inflater(Direction(bits))
    message = far_back(2 ** (bits - 1)) + far_back(2**bits)
    assert inflate(inflater, [deflater.deflate(message)]) == message


@pytest.mark.parametrize("bits", range(8, 15))
def test_a_peer_that_does_not_keep_to_the_window_is_refused(bits: int) -> None:
    wire = Deflater(WIDE, DeflateOptions(15, memory_level=9)).deflate(far_back(2**bits + 100))
    with pytest.raises(WebSocketError) as caught:
        inflate(Inflater(Direction(bits)), [wire[at : at + 100] for at in range(0, len(wire), 100)], 100)
    assert caught.value.code == 1002


@pytest.mark.parametrize("role", [CLIENT, SERVER])
def test_each_end_has_its_direction(role) -> None:
    agreement = DeflateAgreement(client=Direction(15, no_context_takeover=True), server=Direction(10))
    ours = PerMessageDeflate(role, agreement, DeflateOptions(15))
    theirs = PerMessageDeflate(SERVER if role is CLIENT else CLIENT, agreement, DeflateOptions(15))
    assert ours.agreement == agreement
    message = far_back(300) + far_back(5000) + far_back(300)
    first, second = ours.deflater.deflate(message), ours.deflater.deflate(message)
    assert (len(first) < 6000) is (role is CLIENT)
    assert (first == second) is (role is CLIENT)
    assert [inflate(theirs.inflater, [wire]) for wire in (first, second)] == [message] * 2


def test_both_ends_hold_nothing_before_it_is_needed() -> None:
    deflate = PerMessageDeflate(SERVER, DeflateAgreement())
    assert deflate.deflater._compress is None
    assert deflate.inflater._inflate is None


# Round trips


@given(
    st.lists(st.binary(max_size=300) | st.text("ab", max_size=300).map(str.encode), max_size=8),
    st.booleans(),
    st.integers(8, 15),
)
def test_round_trip(messages: list[bytes], forgets: bool, bits: int) -> None:
    direction = Direction(bits, forgets)
    deflater, inflater = Deflater(direction, DeflateOptions()), Inflater(direction)
    for message in messages:
        wire = deflater.deflate(message)
        assert inflate(inflater, [wire[at : at + 3] for at in range(0, len(wire), 3)], 64) == message


# Final blocks (section 7.2.3.4)


def final(data: bytes, bits: int = 15) -> bytes:
    compress = zlib.compressobj(wbits=-bits)
    return compress.compress(data) + compress.flush()


@pytest.mark.parametrize("end", [b"", b"\0"])
def test_final_blocks_with_the_octet_behind_them_or_without(end: bytes) -> None:
    wire = final(b"one ") + final(b"two ") + final(b"three") + end
    assert read(wire) == b"one two three"
    inflater = Inflater(WIDE)
    assert [inflate(inflater, [wire, b""]) for _ in range(2)] == [b"one two three"] * 2
    assert inflate(inflater, [HELLO]) == b"Hello"
    # What comes next begins without a window, and that is all right if its sender did.
    inflater = Inflater(WIDE)
    assert [inflate(inflater, [wire]) for _ in range(3)] == [b"one two three"] * 3
    assert inflate(inflater, [HELLO]) == b"Hello"


def test_final_blocks_with_much_in_them_may_be_many() -> None:
    wire = b"".join(final(random.Random(at).randbytes(2000)) for at in range(300))
    assert len(inflate(Inflater(WIDE), [wire])) == 600_000


@pytest.mark.parametrize("size", [1, 100, MIB])
def test_final_blocks_with_nothing_in_them_may_not(size: int) -> None:
    wire = b"\x03\x00" * 100
    with pytest.raises(WebSocketError, match="final blocks") as caught:
        inflate(Inflater(WIDE), [wire[at : at + size] for at in range(0, len(wire), size)])
    assert caught.value.code == 1002
    inflater = Inflater(WIDE)
    for _ in range(10):
        assert inflate(inflater, [b"\x03\x00" * 60]) == b""  # they are counted for each message


# Malformed data


@pytest.mark.parametrize("wire", [b"\x06", b"\xff", b"\xff" * 20, bytes.fromhex("000500ffff48656c6c6f00")])
def test_malformed_data(wire: bytes) -> None:
    for pieces in cuts(wire):
        with pytest.raises(WebSocketError, match="malformed DEFLATE") as caught:
            inflate(Inflater(WIDE), pieces)
        assert caught.value.code == 1002


@given(st.binary(max_size=60), st.integers(1, 60))
def test_anything_is_inflated_or_refused(wire: bytes, most: int) -> None:
    try:
        inflate(Inflater(WIDE), [wire], most)
    except WebSocketError as error:
        found = error.code
    else:
        found = 1002
    assert found == 1002


# Bombs


def test_a_bomb_comes_out_a_step_at_a_time() -> None:
    wire = Deflater(WIDE, DeflateOptions(15)).deflate(bytes(64 * MIB))
    assert len(wire) < 70_000
    inflater = Inflater(WIDE)
    assert inflater.inflate(wire, 1000) == bytes(1000)
    assert inflater.has_more
    assert inflater.inflate(b"", 1) == b"\0"


@pytest.mark.timed
def test_time_is_linear_in_what_comes_out() -> None:
    def work(size: int) -> None:
        inflate(Inflater(WIDE), [wires[size]], 4096)

    wires = {size: Deflater(WIDE, DeflateOptions(15)).deflate(bytes(size)) for size in (16 * MIB, 32 * MIB)}
    assert growth(work, 16 * MIB) < LINEAR


@pytest.mark.timed
@pytest.mark.parametrize("piece", [b"\0\0\0\xff\xff", final(random.Random(1).randbytes(1100))])
def test_time_is_linear_in_what_goes_in(piece: bytes) -> None:
    def work(size: int) -> None:
        inflate(Inflater(WIDE), [piece * (size // len(piece))])

    assert growth(work, 2 * MIB) < LINEAR


def test_the_tail_is_what_a_flush_ends_in() -> None:
    compress = zlib.compressobj(wbits=-15)
    assert (compress.compress(b"a") + compress.flush(zlib.Z_SYNC_FLUSH)).endswith(TAIL)
