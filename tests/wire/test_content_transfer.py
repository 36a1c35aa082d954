import base64
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pronghorn.wire.content_transfer import (
    Base64Decoder,
    QuotedPrintableDecoder,
    TransferDecoder,
    is_known,
    transfer_decoder_of,
)
from pronghorn.wire.errors import ProtocolError

from ..worktime import LINEAR, growth
from .feeding import CUTS

Kind = type[TransferDecoder]
KINDS: tuple[Kind, ...] = (Base64Decoder, QuotedPrintableDecoder)


def decode(kind: Kind, pieces: list[bytes]) -> bytes:
    decoder = kind()
    content = b"".join([decoder.decode(piece) for piece in pieces])
    decoder.finish()
    return content


def decoded(kind: Kind, data: bytes) -> bytes:
    """Whole and bytewise alike."""
    whole, bytewise = (decode(kind, cut(data)) for cut in CUTS)
    assert whole == bytewise
    return whole


@pytest.mark.parametrize(
    ("encoding", "kind", "is_read"),
    [
        ("base64", Base64Decoder, True),
        (" Base64\t", Base64Decoder, True),
        ("quoted-printable", QuotedPrintableDecoder, True),
        ("7bit", None, True),
        ("8BIT", None, True),
        ("binary", None, True),
        ("", None, True),
        ("gzip", None, False),
        ("base64, base64", None, False),
    ],
)
def test_encodings(encoding: str, kind: Kind | None, is_read: bool) -> None:
    assert transfer_decoder_of(encoding) is kind
    assert is_known(encoding) is is_read


# Base64


@pytest.mark.parametrize(
    ("data", "content"),
    [
        (b"", b""),
        (b"YWJj", b"abc"),
        (b"YWI=", b"ab"),
        (b"YQ==", b"a"),
        (b"YW\r\nJj\r\n", b"abc"),
        (b" Y\tW J\nj \r\n", b"abc"),
        (b"YQ=\r\n=", b"a"),
        (b"+/+/", b"\xfb\xff\xbf"),
        (b"\r\n \t", b""),
    ],
)
def test_base64(data: bytes, content: bytes) -> None:
    assert decoded(Base64Decoder, data) == content


@pytest.mark.parametrize(
    "data",
    [
        b"Y",
        b"YW",
        b"YWI",
        b"YWJjY",
        b"YQ=",
        b"Y===",
        b"====",
        b"YQ==YQ==",
        b"YQ==Y",
        b"YQ=a",
        b"YQ===",
        b"YW!Jj",
        b"YW-_",
        b"YW\0Jj",
        b"\xd9WJj",
    ],
)
def test_what_is_no_base64(data: bytes) -> None:
    for cut in CUTS:
        with pytest.raises(ProtocolError, match="base64"):
            decode(Base64Decoder, cut(data))


# Quoted-printable


@pytest.mark.parametrize(
    ("data", "content"),
    [
        (b"", b""),
        (b"abc", b"abc"),
        (b"=41=c3=A9", b"A\xc3\xa9"),
        (b"a=\r\nb=\nc", b"abc"),
        (b"a\r\nb\n", b"a\r\nb\n"),
        (b"a=\r\n", b"a"),
        (b"=3D41", b"=41"),
        (b"a b_c \t\r\n", b"a b_c \t\r\n"),
        (b"\xff\x00", b"\xff\x00"),
    ],
)
def test_quoted_printable(data: bytes, content: bytes) -> None:
    assert decoded(QuotedPrintableDecoder, data) == content


@pytest.mark.parametrize(
    "data", [b"=", b"a=", b"=4", b"=4\r\n", b"=zz", b"==41", b"=\r", b"=\ra", b"= \r\n", b"=\r\r\n", b"=4=41"]
)
def test_what_is_no_quoted_printable(data: bytes) -> None:
    for cut in CUTS:
        with pytest.raises(ProtocolError, match="quoted-printable"):
            decode(QuotedPrintableDecoder, cut(data))


# Both


def pieces_of(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted(place % (len(data) + 1) for place in places)
    return [data[start:end] for start, end in zip([0, *ends], [*ends, len(data)], strict=True)]


@given(st.binary(max_size=300), st.lists(st.integers(0, 1000), max_size=5))
def test_what_others_encode_however_it_is_cut(content: bytes, places: list[int]) -> None:
    assert decode(Base64Decoder, pieces_of(base64.encodebytes(content), places)) == content
    assert decode(QuotedPrintableDecoder, pieces_of(quopri.encodestring(content), places)) == content


@given(st.binary(max_size=100), st.integers(1, 200))
def test_what_is_unfinished_is_what_cannot_be_decoded_alone(content: bytes, size: int) -> None:
    for kind, data in (
        (Base64Decoder, base64.encodebytes(content)),
        (QuotedPrintableDecoder, quopri.encodestring(content)),
    ):
        head, rest = data[:size], data[size:]
        whole = len(head) - kind.unfinished(head)
        assert 0 <= len(head) - whole <= 4 + 3  # a quantum may hold a line end
        assert decode(kind, [head[:whole]]) + decode(kind, [head[whole:] + rest]) == content


@pytest.mark.timed
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "pattern", [b" ", b"A", b"A   ", b"A\r\n\r\n", b"=41", b"A" * 100 + b"\r\n"], ids=repr
)
def test_the_time_grows_linearly(kind: Kind, pattern: bytes) -> None:
    def work(size: int) -> None:
        data = pattern * size
        kind.unfinished(data)
        decoder = kind()
        try:
            for start in range(0, len(data), 1000):
                decoder.decode(data[start : start + 1000])
        except ProtocolError:
            pass

    assert growth(work, 20_000) < LINEAR
