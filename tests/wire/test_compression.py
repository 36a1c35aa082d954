import random

import pytest

from pronghorn.wire.coding import accepted_codings
from pronghorn.wire.compression import make_compressor

from .coded import decoded

CONTENT = b" ".join(random.Random(1).choices([b"one", b"two", b"three"], k=50_000))


@pytest.mark.parametrize("coding", accepted_codings().split(", "))
@pytest.mark.parametrize("size", [1, 1000, len(CONTENT)])
def test_what_is_compressed_can_be_read(coding: str, size: int) -> None:
    compressor = make_compressor(coding)
    content = CONTENT[: size * 100]
    pieces = [compressor.compress(content[at : at + size]) for at in range(0, len(content), size)]
    coded = b"".join(pieces) + compressor.flush()
    assert decoded(coding, coded) == content
    assert len(coded) < len(content)


@pytest.mark.parametrize("coding", accepted_codings().split(", "))
def test_nothing(coding: str) -> None:
    compressor = make_compressor(coding)
    assert decoded(coding, compressor.compress(b"") + compressor.flush()) == b""


@pytest.mark.parametrize("coding", ["", "GZIP", "identity", "compress", "gzip, br"])
def test_what_can_not_be_applied(coding: str) -> None:
    with pytest.raises(ValueError, match="expected gzip, deflate, br or zstd"):
        make_compressor(coding)


def test_the_strategy_is_zlib_s() -> None:
    fast = make_compressor("gzip", 2)  # zlib.Z_HUFFMAN_ONLY
    plain = make_compressor("gzip")
    assert len(fast.compress(CONTENT) + fast.flush()) > len(plain.compress(CONTENT) + plain.flush())
