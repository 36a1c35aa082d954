import binascii
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pronghorn.body.transfer import MultipartPayloadWriter
from pronghorn.wire.content_transfer import transfer_decoder_of

from ..worktime import LINEAR, growth
from .writing import Written, at_once

LARGE = bytes(range(256)) * 4096


async def encode(encoding: str, pieces: list[bytes], coding: str = "") -> bytes:
    written = Written()
    writer = MultipartPayloadWriter(written)
    if encoding:
        writer.enable_encoding(encoding)
    if coding:
        writer.enable_compression(coding)
    for piece in pieces:
        await writer.write(piece)
    await writer.write_eof()
    assert b"" not in written.pieces  # an empty chunk would end a message
    return written.content


def decode(encoding: str, data: bytes) -> bytes:
    kind = transfer_decoder_of(encoding)
    assert kind is not None
    decoder = kind()
    content = decoder.decode(data)
    decoder.finish()
    return content


@pytest.mark.parametrize(
    ("encoding", "pieces", "encoded"),
    [
        ("base64", [], b""),
        ("base64", [b""], b""),
        ("base64", [b"abc"], b"YWJj\r\n"),
        ("base64", [b"a", b"b", b"cd"], b"YWJjZA==\r\n"),
        ("base64", [b"a" * 57], b"YWFh" * 19 + b"\r\n"),
        ("base64", [b"a" * 58], b"YWFh" * 19 + b"\r\nYQ==\r\n"),
        ("quoted-printable", [], b""),
        ("quoted-printable", [b"abc"], b"abc=\r\n"),
        ("quoted-printable", [b"a=\xff\t"], b"a=3D=FF\t=\r\n"),
        ("quoted-printable", [b"a \r\n", b"b"], b"a =0D=0A=\r\nb=\r\n"),
        ("quoted-printable", [b"a ", b"b"], b"a =\r\nb=\r\n"),
        ("binary", [b"a\r\n", b"b"], b"a\r\nb"),
        ("", [b"a\r\n", b"b"], b"a\r\nb"),
    ],
)
async def test_encode(encoding: str, pieces: list[bytes], encoded: bytes) -> None:
    assert await encode(encoding, pieces) == encoded


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
@given(pieces=st.lists(st.binary(max_size=200), max_size=5))
def test_it_comes_back_as_it_was_however_it_was_cut(encoding: str, pieces: list[bytes]) -> None:
    encoded = at_once(encode(encoding, pieces))
    assert decode(encoding, encoded) == b"".join(pieces)
    lines = encoded.split(b"\r\n")
    assert max(map(len, lines)) <= 76
    assert b"\n" not in b"".join(lines)
    reference = {"base64": binascii.a2b_base64, "quoted-printable": binascii.a2b_qp}[encoding]
    assert reference(encoded) == b"".join(pieces)


async def test_base64_does_not_depend_on_how_it_was_cut() -> None:
    whole = await encode("base64", [LARGE])
    assert decode("base64", whole) == LARGE
    assert await encode("base64", [LARGE[:100], LARGE[100:300_000], LARGE[300_000:]]) == whole


@pytest.mark.parametrize(("coding", "wbits"), [("gzip", 31), ("deflate", 15)])
@pytest.mark.parametrize("encoding", ["", "base64", "quoted-printable"])
async def test_the_content_coding_is_inside(coding: str, wbits: int, encoding: str) -> None:
    encoded = await encode(encoding, [LARGE, b"", b"end"], coding)
    compressed = decode(encoding, encoded) if encoding else encoded
    assert len(compressed) < len(LARGE) / 2
    assert zlib.decompress(compressed, wbits) == LARGE + b"end"


async def test_a_strategy() -> None:
    written = Written()
    writer = MultipartPayloadWriter(written)
    writer.enable_compression(strategy=zlib.Z_HUFFMAN_ONLY)
    await writer.write(b"a" * 1000)
    await writer.write_eof()
    assert len(written.content) > 100  # without it, 17
    assert zlib.decompress(written.content) == b"a" * 1000


def test_a_coding_that_can_t_be_applied() -> None:
    with pytest.raises(ValueError, match="content coding: expected gzip, deflate"):
        MultipartPayloadWriter(Written()).enable_compression("none")


async def test_large_content_is_encoded_in_pieces() -> None:
    written = Written()
    writer = MultipartPayloadWriter(written)
    writer.enable_encoding("base64")
    await writer.write(LARGE)
    await writer.write_eof()
    assert max(map(len, written.pieces)) < 512 * 1024


@pytest.mark.timed
@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_it_takes_linear_time(encoding: str) -> None:
    assert growth(lambda count: at_once(encode(encoding, [b"12 bytes =\xff\n"] * count)), 10_000) < LINEAR
