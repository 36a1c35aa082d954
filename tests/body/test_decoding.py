import base64
import gzip
import zlib

import pytest
from multidict import CIMultiDict

from pronghorn.body.decoding import decoding_of
from pronghorn.wire.coding import STEP
from pronghorn.wire.errors import ProtocolError
from pronghorn.wire.limits import DEFAULT_DECODE_LIMITS, DecodeLimits

GZIPPED = gzip.compress(b"hello" * 100)
ENCODING = "Content-Transfer-Encoding"
CODING = "Content-Encoding"


def decode(
    headers: dict[str, str],
    *pieces: bytes,
    limits: DecodeLimits = DEFAULT_DECODE_LIMITS,
    is_in_form: bool = False,
) -> bytes:
    decoding = decoding_of(CIMultiDict(headers), limits, is_in_form=is_in_form)
    decoded = [part for piece in pieces for part in decoding.decode(piece)]
    decoding.finish()
    assert all(0 < len(part) <= STEP for part in decoded)
    return b"".join(decoded)


@pytest.mark.parametrize(
    ("headers", "data", "content"),
    [
        ({}, b"abc", b"abc"),
        ({ENCODING: "binary"}, b"abc", b"abc"),
        ({CODING: "identity"}, b"abc", b"abc"),
        ({CODING: ""}, b"abc", b"abc"),
        ({CODING: "identity, identity"}, b"abc", b"abc"),
        ({ENCODING: "base64"}, b"YWJj", b"abc"),
        ({ENCODING: "quoted-printable"}, b"=61bc", b"abc"),
        ({CODING: "gzip"}, GZIPPED, b"hello" * 100),
        ({CODING: "GZip"}, GZIPPED, b"hello" * 100),
        ({CODING: "deflate"}, zlib.compress(b"abc"), b"abc"),
        ({CODING: "deflate, gzip"}, gzip.compress(zlib.compress(b"abc")), b"abc"),
        ({ENCODING: "base64", CODING: "gzip"}, base64.encodebytes(GZIPPED), b"hello" * 100),
    ],
)
def test_encodings(headers: dict[str, str], data: bytes, content: bytes) -> None:
    assert decode(headers, data) == content
    assert decode(headers, *[data[at : at + 1] for at in range(len(data))]) == content


def test_a_step_that_gives_nothing_is_passed_over() -> None:
    """The head of gzip data may be longer than one step looks at."""
    name = b"x" * 200_000
    data = GZIPPED[:3] + b"\x08" + GZIPPED[4:10] + name + b"\0" + GZIPPED[10:]
    assert decode({CODING: "gzip"}, data) == b"hello" * 100


def test_parts_of_forms_have_no_content_coding() -> None:
    """RFC 7578 section 4.8."""
    for coding in ("gzip", "zap"):
        assert decode({CODING: coding}, GZIPPED, is_in_form=True) == GZIPPED
    assert decode({CODING: "gzip", ENCODING: "base64"}, b"YWJj", is_in_form=True) == b"abc"


@pytest.mark.parametrize(
    "headers",
    [{ENCODING: "zap"}, {ENCODING: "base64", CODING: "zap"}, {CODING: "zap"}, {CODING: "gzip, zap"}],
)
def test_encodings_that_are_unknown(headers: dict[str, str]) -> None:
    with pytest.raises(ProtocolError, match=r"^Content-(Transfer-)?Encoding: expected") as caught:
        decode(headers, b"")
    assert caught.value.status_hint == 415


@pytest.mark.parametrize(
    ("headers", "data"),
    [
        ({ENCODING: "base64"}, b"YWJ"),
        ({ENCODING: "quoted-printable"}, b"="),
        ({CODING: "gzip"}, GZIPPED[:-1]),
        ({CODING: "gzip"}, b"nonsense"),
        ({ENCODING: "base64", CODING: "gzip"}, base64.encodebytes(GZIPPED[:-3])),
        ({CODING: ", ".join(["gzip"] * 6)}, GZIPPED),
    ],
)
def test_what_is_malformed(headers: dict[str, str], data: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(headers, data)


def test_bombs() -> None:
    bomb = gzip.compress(bytes(32 * 1024 * 1024))
    limits = DecodeLimits(size=1024, free=1024)
    for headers, data in (({}, bomb), ({ENCODING: "base64"}, base64.encodebytes(bomb))):
        with pytest.raises(ProtocolError, match="more than 1024 bytes when decoded"):
            decode({CODING: "gzip", **headers}, data, limits=limits)
        with pytest.raises(ProtocolError, match="more than 200 times as many bytes"):
            decode({CODING: "gzip", **headers}, data)
