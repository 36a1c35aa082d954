import random

import pytest

from pronghorn.wire import compression
from pronghorn.wire.coding import accepted_codings, decoder_for
from pronghorn.wire.compression import can_compress, make_compressor

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


@pytest.mark.parametrize("coding", accepted_codings().split(", "))
def test_what_was_synced_can_be_read_before_the_end(coding: str) -> None:
    compressor = make_compressor(coding)
    decoder = decoder_for(coding)
    assert decoder is not None
    for piece in (b"one", b"two", CONTENT[:10_000]):
        coded = compressor.compress(piece) + compressor.sync()
        content = decoder.decode(coded)
        while decoder.has_more:
            content += decoder.decode(b"")
        assert content == piece
    decoder.decode(compressor.flush())
    decoder.finish()


def test_what_can_be_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    assert can_compress("gzip")
    assert can_compress("deflate")
    assert not can_compress("identity")
    assert not can_compress("compress")
    for name in ("br", "zstd"):
        assert can_compress(name) == (name in accepted_codings())
        monkeypatch.setitem(compression._LIBRARIES, name, lambda: None)
        assert not can_compress(name)
