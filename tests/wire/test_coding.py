"""Decoders, fed whole and one byte at a time; no step gives more than STEP."""

import gzip
import random
import zlib
from collections.abc import Callable

import pytest

from pronghorn.wire.coding import (
    STEP,
    Decoder,
    accepted_codings,
    brotli_library,
    decoder_for,
    decoder_of,
    zstd_library,
)
from pronghorn.wire.errors import ProtocolError
from pronghorn.wire.limits import DEFAULT_DECODE_LIMITS, DecodeLimits

from ..worktime import LINEAR, growth
from .feeding import CUTS

IDLE_STEPS = 100_000  # as many members of nothing may be passed over in a row
TEXT = b"".join(b"line %d\n" % n for n in range(2000))


def compress(data: bytes, wbits: int) -> bytes:
    compressor = zlib.compressobj(wbits=wbits)
    return compressor.compress(data) + compressor.flush()


def decode(coding: str, pieces: list[bytes], limits: DecodeLimits = DEFAULT_DECODE_LIMITS) -> bytes:
    """All that ``pieces`` decode to, step by step, to the end."""
    decoder, output = made(coding, limits), bytearray()
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


def made(coding: str, limits: DecodeLimits = DEFAULT_DECODE_LIMITS) -> Decoder:
    decoder = decoder_for(coding, limits)
    assert decoder is not None
    return decoder


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda data: brotli_library().compress(data, quality=5),
    "zstd": lambda data: zstd_library().compress(data),
}
CODED = {
    "br": ("br", COMPRESSORS["br"](TEXT), TEXT),
    "zstd": ("zstd", COMPRESSORS["zstd"](TEXT), TEXT),
    "zstd-two-frames": ("zstd", COMPRESSORS["zstd"](TEXT) + COMPRESSORS["zstd"](b"more"), TEXT + b"more"),
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


@pytest.mark.parametrize(
    "coding", ["", "identity", ",", "sdch", "gzip, sdch", "compress", "gzip;q=1", "\u00a0gzip"]
)
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


#: Members of next to nothing are let through.
PATIENT = DecodeLimits(members=1_000_000)


@pytest.mark.timed
def test_aiohttp_13362_many_members_take_linear_time() -> None:
    def work(size: int) -> None:
        decode("gzip", [gzip.compress(b"") * size], PATIENT)

    assert growth(work, 40_000) < LINEAR


@pytest.mark.timed
def test_many_frames_take_linear_time() -> None:
    frame = zstd_library().compress(b"")

    def work(size: int) -> None:
        decode("zstd", [frame * size], PATIENT)

    assert growth(work, 40_000) < LINEAR


@pytest.mark.parametrize("content", [b"", b"x", b"x" * 1000], ids=["empty", "one-byte", "1000-bytes"])
@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_aiohttp_13362_members_of_next_to_nothing_are_counted(coding: str, content: bytes) -> None:
    member = COMPRESSORS[coding](content)
    assert decode(coding, [member * 1024]) == content * 1024
    with pytest.raises(ProtocolError, match=f"more than 1024 members of {coding}"):
        decode(coding, [member * 3000])


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_members_that_hold_something_are_not_counted(coding: str) -> None:
    """Files made by bgzip have one for each 64 KiB."""
    content = bytes(range(256)) * 8
    assert decode(coding, [COMPRESSORS[coding](content) * 3000]) == content * 3000


# More than gzip


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(
    "codings",
    [
        "br",
        "zstd",
        "gzip, br",
        "zstd, gzip",
        "deflate,gzip , BR",
        "gzip, gzip, gzip, gzip, gzip",
        "identity, zstd",
    ],
)
def test_codings_are_undone_from_the_last_to_the_first(
    codings: str, cut: Callable[[bytes], list[bytes]]
) -> None:
    coded = TEXT
    for name in codings.lower().replace(" ", "").split(","):
        coded = coded if name == "identity" else COMPRESSORS[name](coded)
    assert decode(codings, cut(coded)) == TEXT


def test_cve_2025_66418_a_chain_has_an_end() -> None:
    with pytest.raises(ProtocolError, match="at most 5 codings, got 6"):
        decode(", ".join(["gzip"] * 6), [b"x"])


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_cve_2025_69223_a_bomb_is_refused(coding: str) -> None:
    bomb = COMPRESSORS[coding](bytes(64 * 1024 * 1024))
    with pytest.raises(ProtocolError, match="more than 200 times") as caught:
        decode(coding, [bomb])
    assert caught.value.status_hint == 413


def test_a_bomb_in_a_bomb_is_refused_before_it_is_inflated() -> None:
    bomb = gzip.compress(gzip.compress(bytes(256 * 1024 * 1024)))
    assert len(bomb) < 2000
    with pytest.raises(ProtocolError, match="more than 200 times"):
        decode("gzip, gzip", [bomb])


def test_a_size_can_be_set() -> None:
    limits = DecodeLimits(size=1_000_000, free=0)
    noise = random.Random(1).randbytes(1_000_000)
    assert decode("gzip", [gzip.compress(noise)], limits) == noise
    with pytest.raises(ProtocolError, match="more than 1000000 bytes when decoded"):
        decode("gzip", [gzip.compress(noise + b"x")], limits)


def test_a_zstd_window_above_8_mib_is_refused() -> None:
    library = zstd_library()
    parameter = library.CompressionParameter
    coded = library.compress(b"x" * 100, options={parameter.window_log: 27, parameter.content_size_flag: 0})
    wide = library.ZstdCompressor(options={parameter.window_log: 27})
    coded = wide.compress(b"x" * 100, wide.FLUSH_BLOCK) + wide.flush()
    with pytest.raises(ProtocolError, match="malformed zstd data"):
        decode("zstd", [coded])


def test_what_is_offered_is_what_can_be_undone() -> None:
    assert accepted_codings() == "gzip, deflate, br, zstd"
    assert all(decoder_for(coding) for coding in accepted_codings().split(", "))


# What is malformed or broken off

MALFORMED = {
    "br-is-text": ("br", b"<html>not br</html>"),
    "br-and-more": ("br", COMPRESSORS["br"](TEXT) + b"more"),
    "zstd-is-text": ("zstd", b"<html>not zstd</html>"),
    "zstd-and-more": ("zstd", COMPRESSORS["zstd"](TEXT) + b"more"),
    "second-of-two": ("br, gzip", gzip.compress(TEXT)),
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


# Of a message


def test_the_decoder_of_a_message() -> None:
    assert decoder_of({}, DEFAULT_DECODE_LIMITS) is None
    assert decoder_of({"Content-Encoding": "unheard-of"}, DEFAULT_DECODE_LIMITS) is None
    assert decoder_of({"Content-Encoding": "gzip"}, None) is None
    decoder = decoder_of({"Content-Encoding": "gzip"}, DEFAULT_DECODE_LIMITS)
    assert decoder is not None
    assert decoder.decode(gzip.compress(b"x")) == b"x"
