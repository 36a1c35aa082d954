"""The Forwarded field."""

from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pronghorn.wire.fields import TCHAR
from pronghorn.wire.forwarded import parse_forwarded

from ..worktime import LINEAR, growth


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        # RFC 7239 section 4
        ('for="_gazonk"', [{"for": "_gazonk"}]),
        ('For="[2001:db8:cafe::17]:4711"', [{"for": "[2001:db8:cafe::17]:4711"}]),
        (
            "for=192.0.2.60;proto=http;by=203.0.113.43",
            [{"for": "192.0.2.60", "proto": "http", "by": "203.0.113.43"}],
        ),
        ("for=192.0.2.43, for=198.51.100.17", [{"for": "192.0.2.43"}, {"for": "198.51.100.17"}]),
        # what the grammar allows beside that
        ("", []),
        (" , ,\t", []),
        ("for=1,,for=2,", [{"for": "1"}, {"for": "2"}]),
        ("for=1;;proto=2;", [{"for": "1", "proto": "2"}]),
        (";for=1", [{"for": "1"}]),
        (" for=1 ; proto=2\t,\tfor=3 ", [{"for": "1", "proto": "2"}, {"for": "3"}]),
        ("FOR=X;pRoTo=Y", [{"for": "X", "proto": "Y"}]),
        (r'for="a\"b\\c\d"', [{"for": r'a"b\cd'}]),
        ('for="a, b;c=d", for=2', [{"for": "a, b;c=d"}, {"for": "2"}]),
        ('for=""', [{"for": ""}]),
        ('for="\u00e9\udcff"', [{"for": "\u00e9\udcff"}]),
        ("secret=x", [{"secret": "x"}]),
    ],
)
def test_elements(field: str, expected: list[dict[str, str]]) -> None:
    assert list(parse_forwarded(field)) == expected


@pytest.mark.parametrize(
    "element",
    [
        "for", "for=", "=1", "for=a b", "for = 1", "for= 1", "for=1 proto=2", "for=[::1]", "for=1.2.3.4:80",
        'for="1', 'for="1"2', "for='1 2'", "for=1;for=2", "for=1;FOR=2", "for=\u00e9", "\u212aor=1", ";",
        'for="\x01"', "for=1;proto", 'for="\\', "for=1=2",
    ],
)  # fmt: skip
def test_what_is_malformed_is_empty_and_costs_no_other(element: str) -> None:
    assert list(parse_forwarded(f"for=a,{element},for=b")) == [{"for": "a"}, {}, {"for": "b"}]
    assert list(parse_forwarded(element)) == [{}]


def test_a_quote_that_is_left_open_takes_in_nothing_that_follows() -> None:
    assert list(parse_forwarded('for="x, for="[::1]"')) == [{}, {"for": "[::1]"}]
    assert list(parse_forwarded('for=1;a="x, for="[::1]:80";proto=https')) == [
        {},
        {"for": "[::1]:80", "proto": "https"},
    ]
    assert list(parse_forwarded('for="x\\, for=1.2.3.4')) == [{}, {"for": "1.2.3.4"}]


def test_elements_are_read_only() -> None:
    (element, broken) = parse_forwarded("for=1, for")
    assert isinstance(element, MappingProxyType)
    assert isinstance(broken, MappingProxyType)


@given(st.text())
def test_nothing_raises(field: str) -> None:
    assert all(isinstance(element, MappingProxyType) for element in parse_forwarded(field))


TOKENS = st.text(st.sampled_from(TCHAR.decode()), min_size=1)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))


@given(st.lists(st.dictionaries(TOKENS.map(str.lower), VALUES, min_size=1), min_size=1))
def test_what_was_written_is_read_back(elements: list[dict[str, str]]) -> None:
    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    field = ", ".join(
        ";".join(f"{name}={quoted(value)}" for name, value in element.items()) for element in elements
    )
    assert list(parse_forwarded(field)) == elements


@pytest.mark.timed
@pytest.mark.parametrize(
    ("start", "repeated", "end"),
    [
        ("", "for=1,", ""), ("", "for=1;", ""), ("", "a,", ""), ("", ",", ""), ("", " ", "!"), ("", " ,", ""),
        ("", 'a="x,', ""), ("", 'a=",x=";', "!"), ('a=",x="', ';a=";x="', "!"), ('a="', "\\", ""),
        ('a="', ",", ""), ('a="', '\\",', ""), ("", "x", ""), ("", "a=b;a=b,", ""), ('a="', " ", ""),
    ],
)  # fmt: skip
def test_it_takes_linear_time(start: str, repeated: str, end: str) -> None:
    assert growth(lambda size: parse_forwarded(start + repeated * size + end), 40_000) < LINEAR
