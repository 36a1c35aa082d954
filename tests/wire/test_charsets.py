import codecs
import encodings

import pytest

from pronghorn.wire.charsets import _CHARSETS, _codec_of, codec_of, decode_text
from pronghorn.wire.errors import ProtocolError

from ..worktime import LINEAR, growth


@pytest.mark.parametrize(
    ("charset", "data", "text"),
    [
        ("utf-8", b"\xc3\xa9", "\u00e9"),
        ("UTF8", b"\xc3\xa9", "\u00e9"),
        ("us-ascii", b"e", "e"),
        ("ISO-8859-1", b"\xe9", "\u00e9"),
        ("Latin-1", b"\xe9", "\u00e9"),
        ("iso_8859-1:1987", b"\xe9", "\u00e9"),
        ("windows-1252", b"\x80", "\u20ac"),
        ("utf-8-sig", b"\xef\xbb\xbfe", "e"),
        ("utf-16", b"\xff\xfee\x00", "e"),
        ("koi8-u", b"\xa4", "\u0454"),
        ("Shift_JIS", b"\x82\xa0", "\u3042"),
        ("gb2312", b"\xb0\xa1", "\u554a"),
        ("euc-kr", b"\xb0\xa1", "\uac00"),
    ],
)
def test_charsets(charset: str, data: bytes, text: str) -> None:
    assert decode_text(data, charset) == decode_text(bytearray(data), charset) == text


@pytest.mark.parametrize(
    "charset",
    [
        "",
        "none-such",
        "\udc80",
        "x" * 10_000,
        # Python's own, in the spellings that it understands
        *("punycode", "PunyCode", "idna", "unicode_escape", "unicode-escape", "raw unicode escape"),
        *("undefined", "mbcs", "ansi", "oem", "charmap", "palmos"),
        # from text to text, and from bytes to bytes
        *("rot13", "hex", "base64", "zlib", "zip", "bz2", "uu", "quopri"),
        "os.path",
    ],
)
def test_what_is_no_charset(charset: str) -> None:
    assert codec_of(charset) is None
    with pytest.raises(ProtocolError, match="not the name of a charset") as caught:
        decode_text(b"", charset)
    assert caught.value.status_hint == 415
    assert len(caught.value.message) < 100


def test_each_name_in_the_table_is_of_a_codec_for_text() -> None:
    for name in _CHARSETS:
        if codec := codec_of(name):
            assert codecs.lookup(codec).decode(b"")[0] == "", name


def test_bytes_that_are_not_in_the_charset() -> None:
    with pytest.raises(ProtocolError, match=r"expected utf_8, got other bytes at 2") as caught:
        decode_text(b"ab\xff", "UTF-8")
    assert caught.value.status_hint == 400


def test_python_remembers_no_name_that_a_peer_makes_up() -> None:
    """It keeps those that it does not know, each for good."""
    known = dict(encodings._cache)  # type: ignore[attr-defined]  # what is not to grow
    for number in range(100):
        with pytest.raises(ProtocolError):
            decode_text(b"", f"made-up-{number}")
    assert encodings._cache == known  # type: ignore[attr-defined]  # as above


def test_no_long_name_is_remembered_here() -> None:
    known = _codec_of.cache_info().currsize
    for number in range(10):
        assert codec_of("x" * (100 + number)) is None
    assert _codec_of.cache_info().currsize == known


@pytest.mark.timed
@pytest.mark.parametrize("pattern", [b"a", b"9-", b"+A", b"\x1b$B", b"~{"], ids=repr)
def test_the_time_grows_linearly_in_all_charsets(pattern: bytes) -> None:
    def decode(size: int) -> None:
        for charset in _CHARSETS:
            try:
                decode_text(pattern * size, charset)
            except ProtocolError:
                pass

    assert growth(decode, 5000) < LINEAR
