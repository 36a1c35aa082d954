"""Sec-WebSocket-Extensions; the section numbers are those of RFC 6455."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pronghorn.wire.websocket.extensions import Extension, parse_extensions

from ...worktime import LINEAR, growth

TOKENS = st.text("!#$%&'*+-.^_`|~09AZaz", min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("value", "extensions"),
    [
        ("", []),
        (" , ,\t", []),
        ("foo", [Extension("foo")]),
        # Section 9.1
        ("foo, bar; baz=2", [Extension("foo"), Extension("bar", (("baz", "2"),))]),
        ("bar; baz=2", [Extension("bar", (("baz", "2"),))]),
        ("deflate-stream", [Extension("deflate-stream")]),
        (
            "mux; max-channels=4; flow-control, x",
            [
                Extension("mux", (("max-channels", "4"), ("flow-control", None))),
                Extension("x"),
            ],
        ),
        ("private-extension", [Extension("private-extension")]),
        # RFC 7692 section 7.1.3
        (
            'permessage-deflate; server_max_window_bits="10"',
            [
                Extension("permessage-deflate", (("server_max_window_bits", "10"),)),
            ],
        ),
        (
            ' a\t;b ; c = d;e\t=\t"f" ,, g',
            [
                Extension("a", (("b", None), ("c", "d"), ("e", "f"))),
                Extension("g"),
            ],
        ),
        ('a; b="\\c\\d"', [Extension("a", (("b", "cd"),))]),
        ("a; b=1; b=2; B", [Extension("a", (("b", "1"), ("b", "2"), ("B", None)))]),
    ],
)
def test_members(value: str, extensions: list[Extension]) -> None:
    assert parse_extensions(value) == extensions


@pytest.mark.parametrize(
    ("value", "at"),
    [
        (";", 0),
        ("a;", 2),
        ("a; ", 2),
        ("a;;b", 2),
        ("a b", 2),
        ("a; b c", 5),
        ("a; b=", 5),
        ("a; b==c", 5),
        ("a; =c", 2),
        ('a; b=""', 5),
        ('a; b="', 5),
        ('a; b="c', 5),
        ('a; b="c d"', 5),
        ('a; b="c\\"', 5),
        ('a; b="c"d', 8),
        ('"a"', 0),
        ("a=b", 1),
        ("a; b=c=d", 6),
        ("a(b)", 1),
        ("ä", 0),
        ("a\nb", 1),
        ("a; b=\0", 5),
        ("a/1", 1),
    ],
)
def test_what_is_none(value: str, at: int) -> None:
    with pytest.raises(ValueError, match=f"Sec-WebSocket-Extensions: expected .* at character {at}$"):
        parse_extensions(value)


def test_as_it_is_written() -> None:
    assert str(Extension("a")) == "a"
    assert str(Extension("a", (("b", None), ("c", "12")))) == "a; b; c=12"


@given(
    st.lists(
        st.builds(Extension, TOKENS, st.lists(st.tuples(TOKENS, st.none() | TOKENS), max_size=4).map(tuple)),
        max_size=4,
    )
)
def test_round_trip(extensions: list[Extension]) -> None:
    assert parse_extensions(", ".join(map(str, extensions))) == extensions


@given(st.text('a;=", \\\t', max_size=12))
def test_anything_is_read_or_refused(value: str) -> None:
    with suppress(ValueError):
        assert all(extension.name for extension in parse_extensions(value))


@pytest.mark.timed
@pytest.mark.parametrize("part", ["a,", " ", "a;", "a;b=c;", "\\a", ",", "a ", "aa"])
@pytest.mark.parametrize("before", ["", 'a;b="'])
def test_time_is_linear(before: str, part: str) -> None:
    def work(size: int) -> None:
        for end in ("", "\0"):
            with suppress(ValueError):
                parse_extensions(before + part * size + end)

    assert growth(work, 20_000) < LINEAR
