"""Cookie fields, read and written; sections are those of draft-ietf-httpbis-rfc6265bis-22."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pronghorn.wire.cookies import (
    SetCookie,
    check_pair,
    default_path,
    domain_matches,
    is_ip_address,
    octets,
    parse_cookie_date,
    parse_cookies,
    parse_set_cookie,
    path_matches,
)

CONTROLS = [*range(9), *range(10, 32), 127]

HOSTILE = st.text(st.sampled_from('ab =;,"\\\t\0\r\n\x7f.-_:/ü\u2000\udcff019'), max_size=60)


def read(field: str) -> SetCookie:
    cookie = parse_set_cookie(field)
    assert cookie is not None
    return cookie


# Set-Cookie: name and value (section 5.6)

PAIRS = {
    "a=b": ("a", "b"),
    "a=": ("a", ""),
    "a=b=c": ("a", "b=c"),
    " \ta \t=\t b\t ": ("a", "b"),
    "a=b c": ("a", "b c"),
    "a=b\tc": ("a", "b\tc"),
    'a="b c"': ("a", '"b c"'),  # double quotes are part of the value
    'a="b;c"': ("a", '"b'),  # and hide nothing
    "a[b]=c": ("a[b]", "c"),
    "a b=c": ("a b", "c"),
    "a=b,c=d": ("a", "b,c=d"),
    "a={}": ("a", "{}"),
    "path=/": ("path", "/"),  # the first pair is the cookie, whatever its name
    "ü=é": ("ü", "é"),
    "a=\udcfc": ("a", "\udcfc"),
    "a=\xa0b\u2003": ("a", "\xa0b\u2003"),  # no whitespace but SP and HTAB goes
}


@pytest.mark.parametrize(("field", "pair"), PAIRS.items())
def test_name_and_value(field: str, pair: tuple[str, str]) -> None:
    for suffix in ("", ";", "; x=y", ";;Path=/;"):
        cookie = read(field + suffix)
        assert (cookie.name, cookie.value) == pair


@pytest.mark.parametrize(
    "field", ["", "=", "a", "=b", " =b", ";", "; a=b", "\t", "=__Host-a=b", "__Secure-a"]
)
def test_CVE_2023_23934_a_cookie_without_a_name(field: str) -> None:
    assert parse_set_cookie(field) is None
    assert parse_set_cookie(f"{field}; Path=/") is None


@pytest.mark.parametrize("octet", CONTROLS)
def test_control_characters_are_refused_wherever_they_are(octet: int) -> None:
    for field in ("%ca=b", "a%c=b", "a=b%cc", "a=b%c", "a=b; Path=/%c", "a=b; x%c", "a=ü%c"):
        assert parse_set_cookie(field % octet) is None


def test_4096_octets_of_name_and_value() -> None:
    assert read("abc=" + "x" * 4093).name == "abc"
    assert parse_set_cookie("abc=" + "x" * 4094) is None
    assert read("a=" + "ü" * 2047).value
    assert parse_set_cookie("a=" + "ü" * 2048) is None
    assert read("a=" + "\udcff" * 4095).value  # octets that were no UTF-8, one each
    assert parse_set_cookie("a=" + "\udcff" * 4096) is None
    assert parse_set_cookie("x" * 4096 + "=a") is None


def test_octets() -> None:
    assert [octets(text) for text in ("", "a", "ü", "€", "\udcff")] == [0, 1, 2, 3, 1]


# Set-Cookie: attributes

ATTRIBUTES = {
    "": {},
    "Domain=a.example": {"domain": "a.example"},
    "DOMAIN=.A.Example": {"domain": ".A.Example"},
    "Domain": {"domain": ""},
    "Path=/x": {"path": "/x"},
    "path = /x y ": {"path": "/x y"},
    "Path=x": {"path": "x"},
    "Path=/a=b": {"path": "/a=b"},
    "Secure": {"secure": True},
    "secure=no": {"secure": True},
    "HTTPONLY": {"httponly": True},
    "Partitioned": {"partitioned": True},
    "SameSite=strict": {"samesite": "Strict"},
    "SameSite=LAX": {"samesite": "Lax"},
    "SameSite=none": {"samesite": "None"},
    "SameSite=later": {"samesite": ""},
    "SameSite=Lax; SameSite=later": {"samesite": ""},  # section 5.6.7
    "Max-Age=10": {"max-age": "10"},
    "Max-Age=-1": {"max-age": "-1"},
    "Max-Age=": {},
    "Max-Age=-": {},
    "Max-Age=+1": {},
    "Max-Age=1.5": {},
    "Max-Age=1_0": {},
    "Max-Age=٣": {},
    "Max-Age=10; Max-Age=x": {"max-age": "10"},
    "Max-Age=10; Max-Age=20": {"max-age": "20"},
    "Expires=Sun, 06 Nov 1994 08:49:37 GMT": {"expires": "Sun, 06 Nov 1994 08:49:37 GMT"},
    "Expires=soon": {},
    "Path=/a; Path=/b": {"path": "/b"},
    "Unknown=x; ; =; =Secure; Secure2": {},
    "Path=/" + "x" * 1023: {"path": "/" + "x" * 1023},
    "Path=/" + "x" * 1024: {},
    "Path=/a; Path=/" + "x" * 1024: {"path": "/a"},
    "Domain=" + "ü" * 513: {},
    "\u017fecure; \u212a": {},  # letters that fold into ASCII ones
}


@pytest.mark.parametrize(("attributes", "known"), ATTRIBUTES.items())
def test_attributes(attributes: str, known: dict[str, object]) -> None:
    assert read(f"a=b;{attributes}").attributes == known


NOW = 1_000_000_000.0
AGE = 400 * 24 * 3600


@pytest.mark.parametrize(
    ("attributes", "expiry"),
    [
        ("", None),
        ("Max-Age=10", NOW + 10),
        ("Max-Age=0", NOW),
        ("Max-Age=-10", NOW),
        ("Max-Age=-0", NOW),
        ("Max-Age=000", NOW),
        ("Max-Age=" + "0" * 900 + "10", NOW + 10),
        ("Max-Age=" + "9" * 1024, NOW + AGE),
        ("Max-Age=-" + "9" * 1023, NOW),
        ("Max-Age=34560001", NOW + AGE),
        ("Expires=Sun, 06 Nov 1994 08:49:37 GMT", 784111777),
        ("Expires=Fri, 31 Dec 9999 23:59:59 GMT", NOW + AGE),
        ("Expires=Sun, 06 Nov 1994 08:49:37 GMT; Max-Age=10", NOW + 10),
        ("Max-Age=10; Expires=Sun, 06 Nov 1994 08:49:37 GMT", NOW + 10),
        ("Max-Age=x; Expires=Sun, 06 Nov 1994 08:49:37 GMT", 784111777),
        ("Expires=Sun, 06 Nov 1994 08:49:37 GMT; Expires=never", 784111777),
    ],
)
def test_expiry(attributes: str, expiry: float | None) -> None:
    assert read(f"a=b; {attributes}").expiry(NOW) == expiry


ACCEPTABLE = {
    "a=b": True,
    "a=b; SameSite=None": False,
    "a=b; SameSite=None; Secure": True,
    "a=b; SameSite=Lax": True,
    "a=b; Partitioned": False,
    "a=b; Partitioned; Secure": True,
    "__Secure-a=b": False,
    "__Secure-a=b; Secure": True,
    "__SECURE-a=b": False,
    "__secure-a=b; Secure": True,
    "__Host-a=b; Path=/": False,
    "__Host-a=b; Secure": False,
    "__Host-a=b; Secure; Path=/x": False,
    "__Host-a=b; Secure; Path": False,
    "__Host-a=b; Secure; Path=/": True,
    "__hOST-a=b; Secure": False,
    "__hOST-a=b; Secure; Path=/": True,
    "_Host-a=b": True,
    "a__Host-=b": True,
}


@pytest.mark.parametrize(("field", "is_acceptable"), ACCEPTABLE.items())
def test_prefixes_and_attributes_agree(field: str, is_acceptable: bool) -> None:
    assert read(field).is_acceptable is is_acceptable


# Dates (section 5.1.1)

SAME = 784111777.0  # Sun, 06 Nov 1994 08:49:37 GMT
DATES = {
    "Sun, 06 Nov 1994 08:49:37 GMT": SAME,
    "Sunday, 06-Nov-94 08:49:37 GMT": SAME,
    "Sun Nov  6 08:49:37 1994": SAME,
    "06 Nov 1994 08:49:37": SAME,
    "1994 Nov 6 8:49:37": SAME,
    "8:49:37 6 November 94": SAME,
    "Sun,06 nov 1994 08:49:37.123 +0200": SAME,
    "6th Nov 1994 08:49:37": SAME,
    "Sun; 06/Nov/1994 08:49:37 GMT": SAME,
    "Thu, 01 Jan 1970 00:00:00 GMT": 0.0,
    "Thu, 01-Jan-70 00:00:00 GMT": 0.0,
    "Fri, 01 Jan 69 00:00:00 GMT": 3124224000.0,
    "Wed, 31 Dec 1969 23:59:59 GMT": -1.0,
    "Mon, 01 Jan 1601 00:00:00 GMT": -11644473600.0,
    "Tue, 29 Feb 2000 00:00:00 GMT": 951782400.0,
}


@pytest.mark.parametrize(("text", "moment"), DATES.items())
def test_date(text: str, moment: float) -> None:
    assert parse_cookie_date(text) == moment


NO_DATES = [
    "",
    "0",
    "tomorrow",
    "Sun, 06 Nov 1994",
    "Nov 1994 08:49:37",
    "06 1994 08:49:37",
    "06 Nov 08:49:37",
    "06 Nov 1600 08:49:37",
    "06 Nov 199 08:49:37",
    "06 Nov 19941 08:49:37",
    "00 Nov 1994 08:49:37",
    "32 Nov 1994 08:49:37",
    "31 Feb 1994 08:49:37",
    "29 Feb 1900 08:49:37",
    "06 Nov 1994 24:00:00",
    "06 Nov 1994 08:60:00",
    "06 Nov 1994 08:49:60",
    "06 Nov 1994 008:49:37",
    "06 Nov 1994 08:49:371",
    "06 Nov 1994 08:49",
    "٠٦ Nov 1994 08:49:37",
    "06 Nov 1994 ٠٨:49:37",
    "06 Nov ١٩٩٤ 08:49:37",
    "06 Nov 1994 08:49:37".replace("N", "\uff2e"),
]


@pytest.mark.parametrize("text", NO_DATES)
def test_no_date(text: str) -> None:
    assert parse_cookie_date(text) is None


# Cookie, as a server reads it

FIELDS = {
    "": [],
    "a=b": [("a", "b")],
    "a=b; c=d": [("a", "b"), ("c", "d")],
    "a=b;c=d;": [("a", "b"), ("c", "d")],
    "a = b ;\tc=d": [("a", "b"), ("c", "d")],
    "a=1; a=2": [("a", "1"), ("a", "2")],
    "a=b=c; d=": [("a", "b=c"), ("d", "")],
    'a="b c"; d="e': [("a", '"b c"'), ("d", '"e')],
    'a="b; c=d"': [("a", '"b'), ("c", 'd"')],  # no quoting holds two pairs together (cookie sandwich)
    "a; =b; ; =; c=d": [("c", "d")],
    "=__Host-a=b; __Host-a; c=d": [("c", "d")],
    "a=\0; b=\r\n; c=\x1f; d=e": [("d", "e")],
    "a[b]=c; path=/; $Version=1": [("a[b]", "c"), ("path", "/"), ("$Version", "1")],
    "\u2000__Host-a=b": [("\u2000__Host-a", "b")],  # no other whitespace is taken away: it is another name
    "\x85__Host-a=b; \xa0__Secure-a=b": [("\x85__Host-a", "b"), ("\xa0__Secure-a", "b")],
    "ü=\udcfc": [("ü", "\udcfc")],
    "a=b, c=d": [("a", "b, c=d")],
}


@pytest.mark.parametrize(("field", "pairs"), FIELDS.items())
def test_parse_cookies(field: str, pairs: list[tuple[str, str]]) -> None:
    assert parse_cookies(field) == pairs


def test_one_bad_pair_takes_no_other_with_it() -> None:
    assert parse_cookies("a=1; \0=; {; b=2; =; c=3") == [("a", "1"), ("b", "2"), ("c", "3")]


def test_pairs_of_a_field_are_bounded() -> None:
    assert len(parse_cookies("a=b;" * 1024)) == 1024
    assert len(parse_cookies("a=b;" * 100_000)) == 1024


@settings(deadline=None)
@given(HOSTILE | st.builds("a=b;{}={}".format, st.sampled_from(["Max-Age", "Expires", "Domain"]), HOSTILE))
def test_reading_never_raises(field: str) -> None:
    for name, value in parse_cookies(field):
        check_pair(name, value)
    if cookie := parse_set_cookie(field):
        check_pair(cookie.name, cookie.value)
        cookie.expiry(NOW)


# Matching


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "::1", "fe80::1", "::ffff:1.2.3.4", "127.1", "2130706433", "0x7f.1", "1.2.3.4.", "a.0x1"],
)
def test_ip_addresses(host: str) -> None:
    assert is_ip_address(host)


@pytest.mark.parametrize("host", ["", "localhost", "a.example", "1.2.3.example", "1e100.net", "x0.0x.org"])
def test_host_names(host: str) -> None:
    assert not is_ip_address(host)


@pytest.mark.parametrize(
    ("host", "domain", "matches"),
    [
        ("a.example", "a.example", True),
        ("b.a.example", "a.example", True),
        ("ba.example", "a.example", False),
        ("a.example", "b.a.example", False),
        ("a.example", "", False),
        ("", "", True),
        ("a.example", ".example", False),
        ("1.2.3.4", "1.2.3.4", True),
        ("1.2.3.4", "3.4", False),
        ("0.::1", "::1", False),
        ("a.example.", "example", False),
    ],
)
def test_domain_matches(host: str, domain: str, matches: bool) -> None:
    assert domain_matches(host, domain) is matches


@pytest.mark.parametrize(
    ("path", "cookie_path", "matches"),
    [
        ("/", "/", True),
        ("/a", "/", True),
        ("/a", "/a", True),
        ("/a/b", "/a", True),
        ("/a/b", "/a/", True),
        ("/a", "/a/", False),
        ("/ab", "/a", False),
        ("/A", "/a", False),
        ("/b/a", "/a", False),
        ("/a%2Fb", "/a", False),
        ("", "/", False),
    ],
)
def test_path_matches(path: str, cookie_path: str, matches: bool) -> None:
    assert path_matches(path, cookie_path) is matches


@pytest.mark.parametrize(
    ("path", "default"),
    [("", "/"), ("a/b", "/"), ("/", "/"), ("/a", "/"), ("/a/", "/a"), ("/a/b", "/a"), ("//b", "/")],
)
def test_default_path(path: str, default: str) -> None:
    assert default_path(path) == default
