"""What a session is given: what is meant by it, and what can't be."""

from typing import Any

import pytest
from yarl import URL

from pronghorn.client.errors import InvalidUrlClientError
from pronghorn.client.given import AS_BEFORE, UNSET, as_base, below, caller, changed_terms
from pronghorn.client.terms import DEFAULT_TERMS, Terms
from pronghorn.client.timeouts import ClientTimeout
from pronghorn.wire.limits import DEFAULT_LIMITS, DecodeLimits, Limits

DECODING = DecodeLimits(size=7)
NAMES = ("auto_decompress", "read_bufsize", "max_line_size", "max_field_size", "max_headers")


def changed(**said: Any) -> Terms:
    bounds = [said.get(name) for name in NAMES]
    return changed_terms(
        DEFAULT_TERMS, DECODING, said.get("timeout", UNSET), said.get("read_until_eof", True), *bounds
    )


def test_who_says_nothing_changes_nothing() -> None:
    assert changed_terms(DEFAULT_TERMS, DECODING, UNSET, True, *AS_BEFORE) is DEFAULT_TERMS


@pytest.mark.parametrize(
    ("said", "became"),
    [
        ({"timeout": 3}, {"timeout": ClientTimeout(total=3)}),
        ({"timeout": None}, {"timeout": ClientTimeout()}),
        ({"read_until_eof": False}, {"reads_until_close": False}),
        ({"auto_decompress": False}, {"decoding": None}),
        ({"auto_decompress": True}, {"decoding": DECODING}),
        ({"read_bufsize": 1000}, {"buffer_size": 1000}),
        ({"max_line_size": 100}, {"limits": Limits(start_line=100)}),
        ({"max_field_size": 100}, {"limits": Limits(field_line=100)}),
        ({"max_headers": 3}, {"limits": Limits(fields=3)}),
        ({"max_headers": 128}, {"limits": DEFAULT_LIMITS}),
    ],
)
def test_what_is_said_counts(said: dict[str, Any], became: dict[str, Any]) -> None:
    assert changed(**said) == DEFAULT_TERMS._replace(**became)


def test_the_limits_that_were_said_before_stay() -> None:
    before = changed(max_line_size=100)
    after = changed_terms(before, DECODING, UNSET, True, None, None, None, None, 5)
    assert after.limits == Limits(start_line=100, fields=5)


@pytest.mark.parametrize("name", NAMES[1:])
@pytest.mark.parametrize(
    ("value", "kind"), [("1", TypeError), (1.5, TypeError), (True, TypeError), (0, ValueError)]
)
def test_bounds_are_numbers(name: str, value: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=f"^{name}: expected "):
        changed(**{name: value})


@pytest.mark.parametrize(
    ("url", "keeps_path", "base"),
    [
        ("http://h", False, "http://h"),
        ("http://h/api/", False, "http://h/api/"),
        ("http://h/api/", True, "http://h/api/"),
        ("http://h/api", True, "http://h/api/"),
        ("http://h/a%2Fb", True, "http://h/a%2Fb/"),
        ("http://h", True, "http://h"),
    ],
)
def test_bases(url: str, keeps_path: bool, base: str) -> None:
    assert str(as_base(url, keeps_path=keeps_path)) == base


@pytest.mark.parametrize(("url", "expected"), [("/api/", "an absolute URL"), ("http://h/api", "ends in '/'")])
def test_no_bases(url: str, expected: str) -> None:
    with pytest.raises(ValueError, match=f"base_url: expected .*{expected}"):
        as_base(url, keeps_path=False)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("users", "/api/users"),
        ("/users", "/api/users"),
        ("//users", "/api/users"),
        ("/", "/api/"),
        ("", "/api/"),
        ("?a=1", "/api/?a=1"),
        ("/users/?a=%2F#f", "/api/users/?a=%2F#f"),
        ("/a/../b", "/api/b"),
        ("/a%2Fb", "/api/a%2Fb"),
    ],
)
def test_below_a_base(url: str, found: str) -> None:
    given = URL.build(path=url, encoded=True) if url.startswith("//") else URL(url, encoded="%" in url)
    assert str(below(URL("http://h/api/"), given)) == f"http://h{found}"


@pytest.mark.parametrize(
    "url", ["../users", "/../users", "a/../../users", "..", "%2e%2e/users", "a%2F..%2F../b"]
)
def test_nothing_leads_out_of_a_base(url: str) -> None:
    with pytest.raises(InvalidUrlClientError, match="expected a path below /api/"):
        below(URL("http://h/api/"), URL(url, encoded=True))


class Made:
    def __init__(self) -> None:
        self.made_at = caller()


class MadeByAnother(Made):
    def __init__(self) -> None:
        super().__init__()


@pytest.mark.parametrize("kind", [Made, MadeByAnother])
def test_where_an_object_is_made(kind: type[Made]) -> None:
    file, line = kind().made_at
    assert file == __file__
    assert line == test_where_an_object_is_made.__code__.co_firstlineno + 2
