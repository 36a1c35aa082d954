"""What a session is given: what is meant by it, and what can't be."""

from typing import Any

import pytest
from yarl import URL

from pronghorn.client.auth import BasicAuth
from pronghorn.client.errors import InvalidUrlClientError
from pronghorn.client.given import (
    AS_BEFORE,
    MAX_REDIRECTS,
    NO_WAY,
    UNSET,
    as_base,
    as_sending,
    as_way,
    below,
    caller,
    changed_terms,
    check_ends,
    have_one_origin,
)
from pronghorn.client.terms import DEFAULT_TERMS, Terms
from pronghorn.client.timeouts import ClientTimeout
from pronghorn.client.uploads import UploadTracker
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
        ("http://h/a%7E%2b/", False, "http://h/a%7E%2b/"),
        ("http://h/a%7e", True, "http://h/a%7e/"),
        ("http://h/caf\u00e9/", False, "http://h/caf%C3%A9/"),
    ],
)
def test_bases(url: str, keeps_path: bool, base: str) -> None:
    assert str(as_base(url, keeps_path=keeps_path)) == base


@pytest.mark.parametrize(("url", "expected"), [("/api/", "an absolute URL"), ("http://h/api", "ends in '/'")])
def test_no_bases(url: str, expected: str) -> None:
    with pytest.raises(ValueError, match=f"base_url: expected .*{expected}"):
        as_base(url, keeps_path=False)


@pytest.mark.parametrize(
    ("url", "kind", "expected"),
    [
        (5, TypeError, "expected a str or a yarl.URL, got 5"),
        (None, TypeError, "expected a str or a yarl.URL, got None"),
        ("http://h:x/", ValueError, "expected a host, and a port in digits"),
        ("http://h/\r\n/", ValueError, "CR, LF and NUL are not allowed"),
    ],
)
def test_what_is_no_url_is_no_base(url: Any, kind: type[Exception], expected: str) -> None:
    with pytest.raises(kind, match=f"^base_url: {expected}"):
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


async def asynchronous(response: object) -> None:
    pass


def test_what_decides_how_a_request_ends() -> None:
    checks: list[Any] = [None, True, False, asynchronous]
    for check in checks:
        check_ends(check, 0)
    none: list[Any] = [1, "no", b"", []]
    for check in none:
        with pytest.raises(TypeError, match=r"^raise_for_status: expected a bool or a coroutine function"):
            check_ends(check, MAX_REDIRECTS)


def test_who_says_nothing_of_the_way() -> None:
    assert as_way(True, *NO_WAY) == (None, None, (), True, None)


def test_a_way() -> None:
    auth = BasicAuth("user", "password")
    fields = (field for field in [("A", "1"), ("B", "2")])
    way = as_way(False, "http://p", auth, fields, "there", None, None, None)
    assert way == ("http://p", auth, (("A", "1"), ("B", "2")), False, "there")
    with pytest.warns(DeprecationWarning, match="verify_ssl is deprecated"):
        assert as_way(True, None, None, None, None, False, None, None).ssl is False


def test_the_tracker_of_an_upload_is_one() -> None:
    tracker = UploadTracker()
    assert as_sending(True, "gzip", None, tracker, frozenset()) == (True, "gzip", None, tracker, frozenset())
    with pytest.raises(TypeError, match=r"^upload_tracker: expected an UploadTracker, got 5$"):
        as_sending(False, None, None, 5, frozenset())  # type: ignore[arg-type]  # what is tested


@pytest.mark.parametrize(
    ("url", "are"),
    [
        ("http://a.test/x?y#z", True),
        ("http://a.test:80/", True),
        ("http://A.test", True),
        ("http://user:password@a.test/", True),
        ("https://a.test/", False),
        ("http://a.test:8080/", False),
        ("http://b.test/", False),
        ("http://a.test./", False),
        ("http://a.test@b.test/", False),
    ],
)
def test_origins(url: str, are: bool) -> None:
    assert have_one_origin(URL(url), URL("http://a.test/api/")) is are
    assert have_one_origin(URL("http://a.test/api/"), URL(url)) is are


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
