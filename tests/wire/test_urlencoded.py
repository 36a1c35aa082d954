from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pronghorn.wire.errors import ProtocolError
from pronghorn.wire.urlencoded import parse_urlencoded

from ..worktime import LINEAR, growth


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"", []),
        (b"a=1", [("a", "1")]),
        (b"a=1&b=2&a=3", [("a", "1"), ("b", "2"), ("a", "3")]),
        (b"a", [("a", "")]),
        (b"a=", [("a", "")]),
        (b"=1", [("", "1")]),
        (b"=", [("", "")]),
        (b"&&a=1&&", [("a", "1")]),
        (b"a=b=c", [("a", "b=c")]),
        (b"a=1;b=2", [("a", "1;b=2")]),
        (b"a+b=+c%2B%20", [("a b", " c+ ")]),
        (b"%61=%C3%A9&%c3%a9=\xc3\xa9", [("a", "\u00e9"), ("\u00e9", "\u00e9")]),
        (b"a%26b=%3D%25", [("a&b", "=%")]),
        (b"a=%zz%4&b=%", [("a", "%zz%4"), ("b", "%")]),
        (b"a=%C3&b=\xc3", [("a", "\ufffd"), ("b", "\ufffd")]),
        (b"a=%00%0D%0A", [("a", "\0\r\n")]),
        (b"a=1\r\n", [("a", "1")]),
    ],
)
def test_fields(body: bytes, fields: list[tuple[str, str]]) -> None:
    assert parse_urlencoded(body) == parse_urlencoded(bytearray(body)) == fields


def test_charset() -> None:
    assert parse_urlencoded(b"a=%E9\xe9", "latin-1") == [("a", "\u00e9\u00e9")]
    assert parse_urlencoded(b"a=%82%A0%2B", "shift_jis") == [("a", "\u3042+")]
    for charset in ("", "none-such", "punycode"):
        with pytest.raises(ProtocolError, match="charset") as caught:
            parse_urlencoded(b"a=1", charset)
        assert caught.value.status_hint == 415


def test_limit() -> None:
    body = b"&".join([b"a=1"] * 1000)
    assert len(parse_urlencoded(body)) == 1000
    assert len(parse_urlencoded(body + b"&a", limit=1001)) == 1001
    assert len(parse_urlencoded(body * 10, limit=0)) == 9991
    for beyond in (body + b"&a", b"&" * 1000):
        with pytest.raises(ProtocolError, match="more than 1000 fields") as caught:
            parse_urlencoded(beyond)
        assert caught.value.status_hint == 413


@given(
    st.lists(st.sampled_from([b"&", b"=", b"+", b"%", b"%4", b"%41", b"%C3", b"\xc3", b"a", b"\xa9", b";"]))
)
def test_as_the_standard_library_reads_it(pieces: list[bytes]) -> None:
    body = b"".join(pieces)
    text = body.decode("utf-8", "replace")
    assert parse_urlencoded(body) == parse_qsl(text, keep_blank_values=True)


@pytest.mark.timed
@pytest.mark.parametrize("pattern", [b"&", b"a=1&", b"=", b"%41", b"%", b"+", b"%C3"], ids=repr)
def test_the_time_grows_linearly(pattern: bytes) -> None:
    assert growth(lambda size: parse_urlencoded(pattern * size, limit=0), 20_000) < LINEAR
