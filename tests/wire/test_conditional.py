"""Entity tags and preconditions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pronghorn.wire.conditional import (
    ETAG_ANY,
    ETag,
    Outcome,
    Preconditions,
    evaluate,
    format_etag,
    is_range_valid,
    parse_etags,
)
from pronghorn.wire.dates import format_date

from ..worktime import LINEAR, growth

ANY = (ETag(ETAG_ANY),)
FIELDS = {
    '"a"': (ETag("a"),),
    'W/"a"': (ETag("a", is_weak=True),),
    '"a", W/"b" ,"c"': (ETag("a"), ETag("b", is_weak=True), ETag("c")),
    '""': (ETag(""),),
    ' , "a",, "b" ,': (ETag("a"), ETag("b")),
    '"a,b"': (ETag("a,b"),),
    '"caf\u00e9"': (ETag("caf\u00e9"),),
    '"\udcff"': (ETag("\udcff"),),
    "*": ANY,
    " * ": ANY,
    # What is malformed ends the list.
    '"a" "b"': (),
    '"a", b, "c"': (ETag("a"),),
    '"a", *': (ETag("a"),),
    'w/"a"': (),
    '"a b"': (),
    '"a': (),
    '"a\x7f"': (),
    "a": (),
    "": (),
    # No tag of ours is this one, and it is not "any".
    '"*"': (),
    '"*", "a"': (ETag("a"),),
}


@pytest.mark.parametrize(("field", "tags"), FIELDS.items())
def test_tags_are_read(field: str, tags: tuple[ETag, ...]) -> None:
    assert parse_etags(field) == tags


@given(st.lists(st.builds(ETag, st.text("!ab,;/-~\u00e9", max_size=4), st.booleans()), max_size=4))
def test_what_is_written_is_read(tags: list[ETag]) -> None:
    assert parse_etags(", ".join(map(format_etag, tags))) == tuple(tags)


@given(st.text('"W/*, a\t\x00', max_size=30))
def test_anything_is_read(field: str) -> None:
    for tag in parse_etags(field):
        assert format_etag(tag) in field


def test_tags_are_written() -> None:
    assert format_etag(ETag("a")) == '"a"'
    assert format_etag(ETag("a", is_weak=True)) == 'W/"a"'
    assert format_etag(ETag(ETAG_ANY)) == "*"


@pytest.mark.parametrize("value", ['a"', "a b", "a\r\nX: y", "\0", "\x7f", "a\t"])
def test_no_tag_has_such_a_value(value: str) -> None:
    with pytest.raises(ValueError, match="etag"):
        format_etag(ETag(value))


def test_a_value_is_text() -> None:
    with pytest.raises(TypeError, match="etag"):
        format_etag(ETag(b"a"))  # type: ignore[arg-type]  # what is tested


@pytest.mark.timed
@pytest.mark.parametrize("piece", ['"a",', ",", '"', 'W/"', '"a" ', "\t"])
def test_reading_is_linear(piece: str) -> None:
    assert growth(lambda size: parse_etags(piece * size), 100_000) < LINEAR


STRONG, WEAK, OTHER = ETag("a"), ETag("a", is_weak=True), ETag("b")
GO, SAME, FAILED = Outcome.PROCEED, Outcome.NOT_MODIFIED, Outcome.FAILED
AT = 1000.0

# What the request says, and what follows for GET of something with the tag "a" that was changed at 1000.
OUTCOMES = [
    (Preconditions(), GO),
    (Preconditions(if_match=(STRONG,)), GO),
    (Preconditions(if_match=(OTHER, STRONG)), GO),
    (Preconditions(if_match=(WEAK,)), FAILED),
    (Preconditions(if_match=(OTHER,)), FAILED),
    (Preconditions(if_match=()), FAILED),
    (Preconditions(if_match=ANY), GO),
    (Preconditions(if_unmodified_since=AT), GO),
    (Preconditions(if_unmodified_since=AT - 1), FAILED),
    (Preconditions(if_none_match=(STRONG,)), SAME),
    (Preconditions(if_none_match=(WEAK,)), SAME),
    (Preconditions(if_none_match=(OTHER,)), GO),
    (Preconditions(if_none_match=()), GO),
    (Preconditions(if_none_match=ANY), SAME),
    (Preconditions(if_modified_since=AT), SAME),
    (Preconditions(if_modified_since=AT + 1), SAME),
    (Preconditions(if_modified_since=AT - 1), GO),
    # The order of section 13.2.2: tags go before dates, what must hold before what must not.
    (Preconditions(if_match=(STRONG,), if_unmodified_since=AT - 1), GO),
    (Preconditions(if_none_match=(OTHER,), if_modified_since=AT), GO),
    (Preconditions(if_none_match=(STRONG,), if_modified_since=AT - 1), SAME),
    (Preconditions(if_match=(OTHER,), if_none_match=(STRONG,)), FAILED),
    (Preconditions(if_match=(STRONG,), if_none_match=(STRONG,)), SAME),
    (Preconditions(if_unmodified_since=AT - 1, if_modified_since=AT), FAILED),
    (Preconditions(if_unmodified_since=AT, if_modified_since=AT), SAME),
]


@pytest.mark.parametrize(("conditions", "outcome"), OUTCOMES)
def test_conditions(conditions: Preconditions, outcome: Outcome) -> None:
    assert evaluate("GET", conditions, STRONG, AT + 0.7) is outcome
    assert evaluate("HEAD", conditions, STRONG, AT) is outcome


def test_only_what_reads_is_not_modified() -> None:
    assert evaluate("PUT", Preconditions(if_none_match=ANY), STRONG, AT) is FAILED
    assert evaluate("PUT", Preconditions(if_modified_since=AT), STRONG, AT) is GO


def test_without_validators() -> None:
    """What is there matches "any", and nothing else can be said of it."""
    assert evaluate("GET", Preconditions(if_match=ANY), None, None) is GO
    assert evaluate("GET", Preconditions(if_match=(STRONG,)), None, None) is FAILED
    assert evaluate("GET", Preconditions(if_none_match=(STRONG,)), None, None) is GO
    assert evaluate("GET", Preconditions(if_unmodified_since=0, if_modified_since=0), None, None) is GO


def test_a_weak_tag_of_ours_is_never_strong() -> None:
    assert evaluate("GET", Preconditions(if_match=(STRONG,)), WEAK, None) is FAILED
    assert evaluate("GET", Preconditions(if_none_match=(STRONG,)), WEAK, None) is SAME


IF_RANGE = {
    '"a"': True,
    ' "a" ': True,
    'W/"a"': False,
    '"b"': False,
    '"a", "b"': False,
    format_date(AT): True,
    format_date(AT + 1): False,
    format_date(AT - 1): False,
    "yesterday": False,
    "*": False,
    "": False,
}


@pytest.mark.parametrize(("field", "is_valid"), IF_RANGE.items())
def test_if_range(field: str, is_valid: bool) -> None:
    assert is_range_valid(field, STRONG, AT + 0.5) is is_valid


def test_if_range_without_validators() -> None:
    assert is_range_valid(None, None, None)
    assert not is_range_valid('"a"', None, None)
    assert not is_range_valid('"a"', WEAK, None)
    assert not is_range_valid(format_date(AT), None, None)
