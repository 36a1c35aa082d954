"""Decoders, fed whole and one byte at a time; no step gives more than STEP."""

import gzip
import zlib
from collections.abc import Callable

import pytest

from pronghorn.wire.coding import STEP, Decoder, decoder_for
from pronghorn.wire.errors import ProtocolError

from .feeding import CUTS
from .worktime import growth

IDLE_STEPS = 100_000  # as many members of nothing may be passed over in a row
TEXT = b"".join(b"line %d\n" % n for n in range(2000))


def compress(data: bytes, wbits: int) -> bytes:
    compressor = zlib.compressobj(wbits=wbits)
    return compressor.compress(data) + compressor.flush()


def decode(coding: str, pieces: list[bytes]) -> bytes:
    """All that ``pieces`` decode to, step by step, to the end."""
    decoder, output = made(coding), bytearray()
    for piece in pieces:
        output += bounded(decoder.decode(piece))
        idle = 0
        while decoder.has_more:
            step = bounded(decoder.decode(b""))
            output += step
            idle = 0 if step else idle + 1
            assert idle < IDLE_STEPS, "it says that there is more, and gives nothing"
        assert decoder.decode(b"") == b""
    decoder.finish()
    return bytes(output)


def bounded(step: bytes) -> bytes:
    assert len(step) <= STEP
    return step


def made(coding: str) -> Decoder:
    decoder = decoder_for(coding)
    assert decoder is not None
    return decoder


CODED = {
    "gzip": ("gzip", gzip.compress(TEXT), TEXT),
    "gzip-empty": ("gzip", gzip.compress(b""), b""),
    "gzip-two-members": ("gzip", gzip.compress(TEXT) + gzip.compress(b"more"), TEXT + b"more"),
    "gzip-empty-members": ("gzip", gzip.compress(b"") * 3 + gzip.compress(b"x"), b"x"),
    "gzip-padded": (
        "gzip",
        gzip.compress(TEXT) + b"\0" * 10 + gzip.compress(b"more") + b"\0" * 5,
        TEXT + b"more",
    ),
    "deflate-zlib": ("deflate", zlib.compress(TEXT), TEXT),
    "deflate-zlib-stored": ("deflate", zlib.compress(TEXT, 0), TEXT),
    "deflate-raw": ("deflate", compress(TEXT, -15), TEXT),
    "deflate-raw-small-window": ("deflate", compress(TEXT, -9), TEXT),
    "deflate-raw-stored": ("deflate", b"\x01\x05\x00\xfa\xffhello", b"hello"),
    "deflate-empty": ("deflate", zlib.compress(b""), b""),
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(("coding", "coded", "text"), CODED.values(), ids=CODED)
def test_decode(cut: Callable[[bytes], list[bytes]], coding: str, coded: bytes, text: bytes) -> None:
    assert decode(coding, cut(coded)) == text


@pytest.mark.parametrize("coding", ["gzip", "GZIP", " x-gzip\t", "deflate", "Deflate"])
def test_known_codings(coding: str) -> None:
    assert decoder_for(coding) is not None
    assert decoder_for(coding) is not decoder_for(coding)


@pytest.mark.parametrize("coding", ["", "identity", "br", "gzip, gzip", "gzip;q=1", "\u00a0gzip"])
def test_unknown_codings(coding: str) -> None:
    assert decoder_for(coding) is None


def test_no_input_is_whole() -> None:
    """A response to HEAD, and a 304, say gzip and have nothing to decode."""
    for coding in ("gzip", "deflate"):
        assert decode(coding, []) == b""
        assert decode(coding, [b""]) == b""


# A bomb comes out in steps.

SIZES = (STEP - 1, STEP, STEP + 1, 2 * STEP, 2 * STEP + 1, 40 * STEP)
BOMBS = {
    "gzip": ("gzip", gzip.compress),
    "deflate-zlib": ("deflate", zlib.compress),
    "deflate-raw": ("deflate", lambda data: compress(data, -15)),
    "deflate-stored": ("deflate", lambda data: zlib.compress(data, 0)),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("coding", "compress"), BOMBS.values(), ids=BOMBS)
def test_CVE_2025_69223_a_bomb_comes_out_in_steps(
    coding: str, compress: Callable[[bytes], bytes], size: int
) -> None:
    data = b"a" * size
    assert decode(coding, [compress(data)]) == data
    assert decode(coding, [compress(data)[:-3], compress(data)[-3:]]) == data


def test_a_bomb_of_members_comes_out_in_steps() -> None:
    assert len(decode("gzip", [gzip.compress(b"a" * 3 * STEP) * 5])) == 15 * STEP


def test_one_step_of_a_bomb_is_all_that_exists() -> None:
    decoder = made("gzip")
    assert len(decoder.decode(gzip.compress(b"a" * 100 * STEP))) == STEP
    assert decoder.has_more


def test_aiohttp_13362_many_members_take_linear_time() -> None:
    def work(size: int) -> None:
        decode("gzip", [gzip.compress(b"") * size])

    assert growth(work, 40_000) < 3


# What is malformed or broken off

MALFORMED = {
    "gzip-is-text": ("gzip", b"<html>not gzip at all</html>"),
    "gzip-is-zlib": ("gzip", zlib.compress(TEXT)),
    "gzip-bad-method": ("gzip", b"\x1f\x8b\x07" + gzip.compress(TEXT)[3:]),
    "gzip-bad-block": ("gzip", gzip.compress(TEXT)[:10] + b"\xff" * 50),
    "gzip-bad-checksum": ("gzip", gzip.compress(TEXT)[:-8] + b"\0\0\0\0" + gzip.compress(TEXT)[-4:]),
    "gzip-bad-size": ("gzip", gzip.compress(TEXT)[:-4] + b"\0\0\0\0"),
    "gzip-second-member-is-text": ("gzip", gzip.compress(TEXT) + b"text"),
    "deflate-is-text": ("deflate", b"<html>not deflate</html>"),
    "deflate-bad-checksum": ("deflate", zlib.compress(TEXT)[:-4] + b"\0\0\0\0"),
    "deflate-and-more": ("deflate", zlib.compress(TEXT) + b"more"),
    "deflate-raw-and-more": ("deflate", compress(TEXT, -15) + b"more"),
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(("coding", "coded"), MALFORMED.values(), ids=MALFORMED)
def test_malformed(cut: Callable[[bytes], list[bytes]], coding: str, coded: bytes) -> None:
    with pytest.raises(ProtocolError, match="content coding"):
        decode(coding, cut(coded))


@pytest.mark.parametrize("size", [1, 5, 10, 11, 100, -8, -4, -1])
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", ["gzip", "gzip-two-members", "deflate-zlib", "deflate-raw"])
def test_truncated(cut: Callable[[bytes], list[bytes]], name: str, size: int) -> None:
    coding, coded, _ = CODED[name]
    with pytest.raises(ProtocolError, match="ended before"):
        decode(coding, cut(coded[:size]))
