import copy
import pickle
from http.cookies import Morsel, SimpleCookie
from typing import Any

import pytest

from pronghorn.client.morsels import CookieMorsel, given_cookie, received_cookies, response_cookies
from pronghorn.wire.cookies import SetCookie

# What servers send


def test_cookies_of_a_response() -> None:
    cookies = response_cookies(
        [
            'a="b c"; Path=/x; Domain=.A.example; Max-Age=10; Secure; HttpOnly; SameSite=lax; Partitioned',
            "no cookie",
            "d=1",
            "d=2; Expires=Sun, 06 Nov 1994 08:49:37 GMT",
        ]
    )
    assert type(cookies) is SimpleCookie
    assert list(cookies) == ["a", "d"]
    morsel = cookies["a"]
    assert (morsel.key, morsel.value, morsel.coded_value) == ("a", "b c", '"b c"')
    assert {name: value for name, value in morsel.items() if value} == {
        "path": "/x",
        "domain": ".A.example",
        "max-age": "10",
        "secure": True,
        "httponly": True,
        "samesite": "Lax",
        "partitioned": True,
    }
    assert cookies["d"].value == "2"
    assert cookies["d"]["expires"] == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert cookies["d"]["path"] == ""


@pytest.mark.parametrize("field", ["a[b]=c", "path=c", "ü=c", "a b=c", "a=b\tc", 'a="\\015"', "a={}"])
def test_what_http_cookies_would_refuse(field: str) -> None:
    name, _, value = field.partition("=")
    morsel = response_cookies([field])[name]
    assert (morsel.key, morsel.coded_value) == (name, value)


def test_one_bad_cookie_takes_no_other_with_it() -> None:
    fields = ["a=1", "=; =", "\0=1", "b=" + "x" * 5000, "c=1; Expires=\u0663", "d", "e=1"]
    assert [name for name, _ in received_cookies(fields)] == ["a", "c", "e"]


def test_the_same_name_on_two_paths_is_two_cookies() -> None:
    received = received_cookies(["a=1; Path=/x", "a=2; Path=/y"])
    assert [(name, morsel["path"]) for name, morsel in received] == [("a", "/x"), ("a", "/y")]


def test_a_morsel_is_one() -> None:
    (pair,) = received_cookies(["a=b; Path=/; Partitioned"])
    morsel = pair[1]
    assert isinstance(morsel, Morsel)
    assert morsel.OutputString() == "a=b; Partitioned; Path=/"
    assert morsel.output() == "Set-Cookie: a=b; Partitioned; Path=/"
    for twin in (copy.copy(morsel), copy.deepcopy(morsel), pickle.loads(pickle.dumps(morsel))):
        assert twin == morsel
        assert twin is not morsel
    morsel["max-age"] = 10
    assert morsel.copy()["max-age"] == 10
    cookies: SimpleCookie = SimpleCookie()
    cookies["a"] = morsel
    assert cookies.output(header="") == " a=b; Max-Age=10; Partitioned; Path=/"


def test_http_cookies_itself_is_as_it_was() -> None:
    assert CookieMorsel("a", "b", "b")["partitioned"] == ""
    reserved: Any = vars(Morsel)["_reserved"]
    assert reserved is not vars(CookieMorsel)["_reserved"]
    assert SimpleCookie("a=b")["a"].isReservedKey("partitioned") == ("partitioned" in reserved)


# What callers give


def test_plain_values() -> None:
    assert given_cookie("a", "b", quote=True) == SetCookie("a", "b", {})
    assert given_cookie("a", 5, quote=True) == SetCookie("a", "5", {})
    assert given_cookie("a", "b c", quote=True) == SetCookie("a", '"b c"', {})
    assert given_cookie("a", "b c", quote=False) == SetCookie("a", "b c", {})
    assert given_cookie("a", "", quote=True) == SetCookie("a", "", {})


def test_a_prefix_implies_what_it_promises() -> None:
    assert given_cookie("__Secure-a", "b", quote=True).attributes == {"secure": True}
    assert given_cookie("__HOST-a", "b", quote=True).attributes == {"secure": True, "path": "/"}


def morsel_of(name: str = "a", value: str = "b", **attributes: object) -> "Morsel[str]":
    morsel: Morsel[str] = SimpleCookie({name: value})[name]
    for key, given in attributes.items():
        morsel[key.replace("_", "-")] = given
    return morsel


@pytest.mark.parametrize(
    ("attributes", "known"),
    [
        ({}, {}),
        ({"domain": "a.example", "path": "/x"}, {"domain": "a.example", "path": "/x"}),
        ({"secure": True, "httponly": ""}, {"secure": True}),
        ({"secure": False, "httponly": 1}, {"httponly": True}),
        ({"max_age": 0}, {"max-age": "0"}),
        ({"max_age": "10", "expires": 5}, {"max-age": "10"}),
        ({"expires": 5}, {"max-age": "5"}),  # http.cookies: an int counts from now
        ({"expires": 0}, {"max-age": "0"}),
        ({"expires": "Sun, 06 Nov 1994 08:49:37 GMT"}, {"expires": "Sun, 06 Nov 1994 08:49:37 GMT"}),
        ({"samesite": "strict", "comment": "x", "version": 1}, {"samesite": "Strict"}),
        ({"path": None, "domain": None}, {}),
    ],
)
def test_the_attributes_of_a_morsel(attributes: dict[str, object], known: dict[str, object]) -> None:
    assert given_cookie("x", morsel_of(**attributes), quote=False) == SetCookie("x", "b", known)


def test_the_coded_value_of_a_morsel_is_what_is_sent() -> None:
    assert given_cookie("a", morsel_of(value="b c"), quote=False).value == '"b c"'


@pytest.mark.parametrize("quote", [True, False])
@pytest.mark.parametrize("value", ["a\r\nX: y", "a\0", "a\nb", "\x7f", "a\tb\x01"])
def test_no_control_character_is_sent(value: str, quote: bool) -> None:
    with pytest.raises(ValueError, match=r"cookie.*control"):
        given_cookie("a", value, quote=quote)


def test_a_semicolon_is_quoted_or_refused() -> None:
    assert given_cookie("a", "b; c=d", quote=True).value == r'"b\073 c=d"'
    with pytest.raises(ValueError, match="cookie a: ';'"):
        given_cookie("a", "b; c=d", quote=False)
    with pytest.raises(ValueError, match="cookie a: ';'"):
        given_cookie("a", CookieMorsel("a", "b; c=d", "b; c=d"), quote=True)


@pytest.mark.parametrize("name", ["", "a b", "a=b", "a;b", "a\r\n", "ü", "a\0"])
def test_the_name_of_a_plain_value_is_a_token(name: str) -> None:
    with pytest.raises(ValueError, match="cookie name"):
        given_cookie(name, "b", quote=True)


@pytest.mark.parametrize("name", ["", "a=b", "a;b", "a\r\n"])
def test_the_name_of_a_morsel_can_be_sent(name: str) -> None:
    with pytest.raises(ValueError, match="cookie name"):
        given_cookie(name, morsel_of(), quote=True)


@pytest.mark.parametrize("value", [None, True, 1.5, b"b", ["b"], Morsel()])
def test_other_types(value: object) -> None:
    with pytest.raises(TypeError, match="cookies: expected a"):
        given_cookie("a", value, quote=True)


def test_a_name_is_text() -> None:
    name: Any = b"a"
    with pytest.raises(TypeError, match="expected a str as name, got b'a'"):
        given_cookie(name, "b", quote=True)


def test_4096_octets() -> None:
    assert given_cookie("a", "b" * 4095, quote=True).value
    with pytest.raises(ValueError, match="expected at most 4096 octets"):
        given_cookie("a", "b" * 4096, quote=True)
    with pytest.raises(ValueError, match="expected at most 4096 octets"):
        given_cookie("a", morsel_of(value="b" * 4096), quote=True)
