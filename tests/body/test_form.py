from collections.abc import Iterable
from string import ascii_letters, digits
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, MultiDict

from pronghorn.body.form import FORM_TYPE, Fields, encode_form

# What the application/x-www-form-urlencoded percent-encode set of the URL standard leaves as it is.
UNENCODED = (ascii_letters + digits + "*-._").encode()


@pytest.mark.parametrize(
    ("fields", "encoded"),
    [
        ({}, b""),
        ([], b""),
        ({"a": "b"}, b"a=b"),
        ({"a": ""}, b"a="),
        ({"": "b"}, b"=b"),
        ([("a", "1"), ("b", "2"), ("a", "3")], b"a=1&b=2&a=3"),
        ((("a", "1"), ["b", "2"]), b"a=1&b=2"),
        (iter([("a", "1")]), b"a=1"),
        (MultiDict([("a", "1"), ("a", "2")]), b"a=1&a=2"),
        (CIMultiDict([("a", "1"), ("A", "2")]), b"a=1&A=2"),
        ({"a": ["1", "2"], "b": ("3",), "c": []}, b"a=1&a=2&b=3"),
        ({"n": 5, "x": 1.5}, b"n=5&x=1.5"),
        ({5: "n"}, b"5=n"),
        ({"a b": "c+d"}, b"a+b=c%2Bd"),
        ({"a": "&=;#?/\\"}, b"a=%26%3D%3B%23%3F%2F%5C"),
        ({"a": "\r\n\0"}, b"a=%0D%0A%00"),
        ({"\u00e9": "\u20ac\U0001f98c"}, b"%C3%A9=%E2%82%AC%F0%9F%A6%8C"),
        ({"a": "*-._~"}, b"a=*-._%7E"),
    ],
    ids=lambda value: value.decode() if isinstance(value, bytes) else "",
)
def test_encode(fields: Fields, encoded: bytes) -> None:
    assert encode_form(fields) == encoded


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(st.tuples(TEXTS, TEXTS)))
def test_it_comes_back_as_it_was(fields: list[tuple[str, str]]) -> None:
    encoded = encode_form(fields)
    assert not encoded.translate(None, UNENCODED + b"+%&=")
    assert parse_qsl(encoded.decode(), keep_blank_values=True, strict_parsing=bool(fields)) == fields


@pytest.mark.parametrize(
    "value", [None, True, b"bytes", object(), {"nested": "1"}, [["1"]], [None]], ids=repr
)
def test_a_value_that_is_no_text(value: object) -> None:
    with pytest.raises(TypeError, match="'field'"):
        encode_form({"field": value})


@pytest.mark.parametrize(
    "fields",
    [["ab", "cd"], [b"ab"], ["a"], [("a",)], [("a", "b", "c")], [1], iter(["ab"]), {("a", "b"): "c"}],
    ids=lambda fields: type(fields).__name__,
)
def test_what_is_no_pair(fields: Iterable[tuple[str, object]]) -> None:
    """Strings of two characters unpack, too."""
    with pytest.raises(TypeError, match="form: expected"):
        encode_form(fields)


def test_the_media_type() -> None:
    assert FORM_TYPE == "application/x-www-form-urlencoded"
