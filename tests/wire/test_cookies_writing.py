"""Cookie fields, written; section 4.1.1 of draft-ietf-httpbis-rfc6265bis-22."""

from http.cookies import Morsel, SimpleCookie

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pronghorn.wire.cookies import (
    SetCookie,
    check_name,
    format_cookies,
    format_set_cookie,
    parse_cookies,
    parse_set_cookie,
    quote_value,
    unquote_value,
)

CONTROLS = [*range(32), 127]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
HOSTILE = st.text(st.sampled_from('ab =;,"\\\t\0\r\n\x7fü\u2000\udcff'), max_size=60)


# Values in double quotes


@pytest.mark.parametrize(
    ("value", "coded"),
    [
        ("", ""),
        ("abc", "abc"),
        ("a/b=c:d@e", "a/b=c:d@e"),
        ("a b", '"a b"'),
        ("a,b;c", r'"a\054b\073c"'),
        ('a"b\\c', r'"a\"b\\c"'),
        ('"a"', r'"\"a\""'),
        ("ü", r'"\374"'),
        ("€", '"€"'),
    ],
)
def test_quoting(value: str, coded: str) -> None:
    assert quote_value(value) == coded
    assert unquote_value(coded) == value


@pytest.mark.parametrize(
    ("coded", "value"),
    [
        ('"', '"'),
        ('""', ""),
        ('"a', '"a'),
        ('a"b"', 'a"b"'),
        ("a\\054", "a\\054"),
        (r'"\054\7"', ",7"),
        (r'"\477"', "477"),
        (r'"a\015\012b\000\177"', r"a\015\012b\000\177"),  # an escape carries in no control character
        (r'"\\015"', r"\015"),
        (r'"a\"', "a\\"),
    ],
)
def test_unquoting(coded: str, value: str) -> None:
    assert unquote_value(coded) == value


@pytest.mark.parametrize("octet", CONTROLS)
def test_no_control_character_is_quoted(octet: int) -> None:
    for value in ("%c", "a%cb", "ü%c"):
        with pytest.raises(ValueError, match="control character"):
            quote_value(value % octet)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40))
def test_what_is_quoted_is_read_back_by_us_and_by_http_cookies(value: str) -> None:
    coded = quote_value(value)
    assert unquote_value(coded) == value
    assert SimpleCookie().value_decode(coded)[0] == value
    assert parse_cookies(format_cookies([("a", coded), ("b", "c")])) == [("a", coded), ("b", "c")]
    assert parse_set_cookie(format_set_cookie("a", coded, {"path": "/"})) == SetCookie(
        "a", coded, {"path": "/"}
    )


# Writing

BAD_VALUES = ["a;b", "; Path=/", " a", "a ", "\ta", "a\t", "a\r\nX: y", "a\0", "a\n", "\x7f"]


@pytest.mark.parametrize("value", BAD_VALUES)
def test_refused_value(value: str) -> None:
    with pytest.raises(ValueError, match="cookie a:"):
        format_cookies([("x", "y"), ("a", value)])
    with pytest.raises(ValueError, match="cookie a:"):
        format_set_cookie("a", value, {})


def test_no_error_tells_a_value() -> None:
    for work in (lambda: format_cookies([("a", "secret;")]), lambda: format_set_cookie("a", "secret;", {})):
        with pytest.raises(ValueError, match="cookie a") as caught:
            work()
        assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match="cookie") as caught:
        quote_value("secret\0")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["", " a", "a ", "a=b", "a;b", "a\r\n", "a\0", "\ta", "a\n"])
def test_refused_name(name: str) -> None:
    with pytest.raises(ValueError, match="cookie name"):
        format_cookies([(name, "b")])
    with pytest.raises(ValueError, match="cookie name"):
        format_set_cookie(name, "b", {})


@pytest.mark.parametrize("name", ["a b", "a[b]", "ü", 'a"', "a,b", "a\tb"])
def test_a_name_of_ours_is_a_token_and_one_of_a_server_is_not(name: str) -> None:
    with pytest.raises(ValueError, match="expected a token"):
        check_name(name)
    with pytest.raises(ValueError, match="expected a token"):
        format_set_cookie(name, "b", {})
    assert format_cookies([(name, "b")]) == f"{name}=b"


@settings(deadline=None)
@given(st.lists(st.tuples(HOSTILE | TEXT, HOSTILE | TEXT), max_size=5))
def test_what_is_written_is_read_back(pairs: list[tuple[str, str]]) -> None:
    try:
        field = format_cookies(pairs)
    except ValueError:
        return
    assert parse_cookies(field) == pairs


def test_format_set_cookie() -> None:
    assert format_set_cookie("a", "b", {}) == "a=b"
    assert format_set_cookie("a", '"b c"', {"secure": False, "path": "", "domain": None}) == 'a="b c"'
    everything: dict[str, object] = {
        "partitioned": True,
        "samesite": "None",
        "httponly": True,
        "secure": True,
        "path": "/x",
        "domain": ".a.example",
        "max-age": 0,
        "expires": "Sun, 06 Nov 1994 08:49:37 GMT",
        "comment": "why",
        "version": 1,
    }
    assert format_set_cookie("a", "", everything) == (
        "a=; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Max-Age=0; Domain=.a.example; Path=/x; Secure; HttpOnly; "
        "SameSite=None; Partitioned; Comment=why; Version=1"
    )


def test_a_morsel_is_a_mapping_of_attributes() -> None:
    morsel: Morsel[str] = SimpleCookie("a=b")["a"]
    morsel["path"] = "/"
    morsel["max-age"] = 10
    assert format_set_cookie(morsel.key, morsel.coded_value, morsel) == "a=b; Max-Age=10; Path=/"


BAD_ATTRIBUTES: list[tuple[str, object]] = [
    ("path", "/; Domain=evil.example"),
    ("path", "/\r\nX: y"),
    ("path", "/\0"),
    ("domain", "a.example; Secure"),
    ("domain", "a..example"),
    ("domain", "a b"),
    ("domain", "bücher.example"),
    ("domain", "a\n"),
    ("samesite", "Lax; Domain=evil.example"),
    ("samesite", "later"),
    ("samesite", "Lax\n"),
    ("max-age", "1; Secure"),
    ("max-age", "soon"),
    ("max-age", 1.5),
    ("max-age", True),
    ("max-age", "1\n"),
    ("expires", "soon"),
    ("expires", "Sun, 06 Nov 1994 08:49:37 GMT; Secure"),
    ("expires", "Sun, 06 Nov 1994 08:49:37\r\n"),
    ("comment", "a;b"),
    ("version", "1\r"),
    ("Path", "/"),
    ("SameSite", "Lax"),
    ("x; Path", "/"),
    ("unknown", ""),
]


@pytest.mark.parametrize(("name", "value"), BAD_ATTRIBUTES)
def test_CVE_2026_35536_each_attribute_is_checked(name: str, value: object) -> None:
    with pytest.raises(ValueError, match="cookie a: "):
        format_set_cookie("a", "b", {name: value})


@pytest.mark.parametrize(
    "value", ["a b", "a,b", 'a"b', "a\\b", '"a"b"', '"a', 'a"', '"', "ü", '"\\"', '"a;b"']
)
def test_a_cookie_value_of_ours(value: str) -> None:
    with pytest.raises(ValueError, match="expected a cookie-value"):
        format_set_cookie("a", value, {})
