import enum
from collections.abc import Iterable
from string import ascii_letters, digits
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, MultiDict

from pronghorn.body.urlencoded import FORM_TYPE, encode_form, field_text

from ..worktime import LINEAR, growth

# What the application/x-www-form-urlencoded percent-encode set of the URL standard leaves as it is.
UNENCODED = (ascii_letters + digits + "*-._").encode()


class Member(str, enum.Enum):  # noqa: UP042 - this is what members looked like before StrEnum
    one = "1"


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
        ({"n": 5, "x": 1.5, "z": -0.0}, b"n=5&x=1.5&z=-0.0"),
        ({5: "n"}, b"5=n"),
        ({Member.one: Member.one}, b"1=1"),
        ({"a b": "c+d"}, b"a+b=c%2Bd"),
        ({"a": "&=;#?/\\"}, b"a=%26%3D%3B%23%3F%2F%5C"),
        ({"a": "\r\n\0"}, b"a=%0D%0A%00"),
        ({"\u00e9": "\u20ac\U0001f98c"}, b"%C3%A9=%E2%82%AC%F0%9F%A6%8C"),
        ({"a": "*-._~"}, b"a=*-._%7E"),
    ],
    ids=lambda value: value.decode() if isinstance(value, bytes) else "",
)
def test_encode(fields: Any, encoded: bytes) -> None:
    assert encode_form(fields) == encoded


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(st.tuples(TEXTS, TEXTS)))
def test_it_comes_back_as_it_was(fields: list[tuple[str, str]]) -> None:
    encoded = encode_form(fields)
    assert not encoded.translate(None, UNENCODED + b"+%&=")
    assert parse_qsl(encoded.decode(), keep_blank_values=True, strict_parsing=bool(fields)) == fields


def test_another_charset() -> None:
    assert encode_form({"\u00e9": "\u00e9 ~*"}, "latin-1") == b"%E9=%E9+%7E*"
    with pytest.raises(ValueError, match=r"form: 'a' can't be sent: 'latin-1' codec can't encode"):
        encode_form({"a": "\u20ac"}, "latin-1")
    with pytest.raises(ValueError, match=r"form: 'a' can't be sent: .*surrogates not allowed"):
        encode_form([("a", "\ud800")])


@pytest.mark.parametrize(
    "value", [None, True, b"bytes", object(), {"nested": "1"}, [["1"]], [None]], ids=repr
)
def test_a_value_that_is_no_text(value: object) -> None:
    with pytest.raises(TypeError, match="form: expected str, int or float for 'field', got"):
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


def test_field_text() -> None:
    assert [field_text("a", value) for value in ("x", 5, 1.5, Member.one)] == ["x", "5", "1.5", "1"]
    assert type(field_text("a", Member.one)) is str


@pytest.mark.timed
def test_many_fields_take_linear_time() -> None:
    assert growth(lambda count: encode_form(("name", "value") for _ in range(count)), 20_000) < LINEAR


def test_the_media_type() -> None:
    assert FORM_TYPE == "application/x-www-form-urlencoded"
