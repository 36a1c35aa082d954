"""The Link field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pronghorn.wire.links import Link, parse_links

from ..worktime import LINEAR, growth

CASES = {
    '<https://a/2>; rel="next"': [Link("https://a/2", (("rel", "next"),))],
    '<a>; rel=next, <b>;rel="last"': [Link("a", (("rel", "next"),)), Link("b", (("rel", "last"),))],
    "<a>": [Link("a", ())],
    " < a > ; REL = next ": [Link("a", (("rel", "next"),))],
    '<a,b;c>; rel="x, y; z"': [Link("a,b;c", (("rel", "x, y; z"),))],
    r'<a>; title="\"quoted\" \\"': [Link("a", (("title", '"quoted" \\'),))],
    "<a>; crossorigin; rel=x": [Link("a", (("crossorigin", ""), ("rel", "x")))],
    "<a>;; rel=x;": [Link("a", (("rel", "x"),))],
    "<a>; rel=": [Link("a", (("rel", ""),))],
    "<>; rel=self": [Link("", (("rel", "self"),))],
    ",, <a> ,,": [Link("a", ())],
    # What is malformed is left out, and the others stay.
    "a; rel=x, <b>": [Link("b", ())],
    "<a> rel=x, <b>": [Link("b", ())],
    '<a>; rel=x"y,z", <b>': [Link("b", ())],
    '<a>; rel="open, <b>': [],
    "<a": [],
    "<a, <b>": [Link("a, <b", ())],
    "<b>, <a": [Link("b", ())],
    "": [],
    ",": [],
}


@pytest.mark.parametrize(("value", "links"), CASES.items())
def test_links(value: str, links: list[Link]) -> None:
    assert parse_links([value]) == links


def test_several_fields() -> None:
    assert parse_links(["<a>, <b>", "", "<c>"]) == [Link("a", ()), Link("b", ()), Link("c", ())]


def test_a_thousand_at_most() -> None:
    assert len(parse_links(["<a>," * 2000, "<b>"])) == 1000


@given(st.text('<>;,=" \tab\\', max_size=40))
def test_anything_is_read(value: str) -> None:
    for link in parse_links([value]):
        assert ">" not in link.target


@given(st.lists(st.tuples(st.text("abc/,;= ", max_size=5), st.text('ab,;"\\<>', max_size=6)), max_size=5))
def test_what_is_written_is_read(links: list[tuple[str, str]]) -> None:
    def quote(text: str) -> str:
        return '"' + "".join(f"\\{char}" if char in '"\\' else char for char in text) + '"'

    value = ", ".join(f"<{target}>; rel={quote(text)}" for target, text in links)
    assert parse_links([value]) == [Link(target.strip(" "), (("rel", text),)) for target, text in links]


@pytest.mark.timed
@pytest.mark.parametrize(
    "unit", ["<", "<,", "<a>,", '"', '<a>;x="', "a,", ";", "<a>;", '\\"', '<a>; rel="x",']
)
def test_the_time_grows_linearly(unit: str) -> None:
    assert growth(lambda size: parse_links([unit * size]), 20_000) < LINEAR
