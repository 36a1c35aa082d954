"""Where a response leads, and what goes there: rules without a connection."""

import itertools
from typing import Any

import pytest
from multidict import CIMultiDict
from yarl import URL

from pronghorn.body.payload import BytesPayload, Payload
from pronghorn.client.errors import (
    InvalidURL,
    InvalidUrlClientError,
    InvalidUrlRedirectClientError,
    NonHttpUrlRedirectClientError,
    RedirectClientError,
)
from pronghorn.client.redirects import REDIRECTS, Credentials, Hop, Origin, first_hop, next_hop, origin_of

HERE = "http://a.test:81/dir/page?q=1"
SECRET = "c2VjcmV0"
BODY = BytesPayload(b"body")


def asked(
    url: str | URL = HERE,
    method: str = "GET",
    headers: Any = (),
    cookies: Any = None,
    data: Payload | None = None,
) -> Hop:
    return first_hop(method, URL(url), CIMultiDict(headers), cookies, data)


def led(hop: Hop, *locations: str, status: int = 302, requote: bool = True) -> Hop:
    """Where the first of ``locations`` leads."""
    onward = next_hop(hop, status, locations, requote=requote)
    assert onward is not None
    return onward


def url_of(location: str, base: str | URL = HERE, requote: bool = True) -> str:
    return str(led(asked(base), location, requote=requote).url)


# Methods and bodies (RFC 9110 sections 15.4.2 to 15.4.9)


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "PROPFIND", "post")
#: What becomes a GET without a body.
CHANGED = {(301, "POST"), (302, "POST"), *((303, method) for method in METHODS if method != "HEAD")}


def test_which_statuses_redirect() -> None:
    assert sorted(REDIRECTS) == [301, 302, 303, 307, 308]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("status", sorted(REDIRECTS))
def test_methods_and_bodies(status: int, method: str) -> None:
    onward = led(asked(method=method, data=BODY), "/", status=status)
    is_changed = (status, method) in CHANGED
    assert onward.method == ("GET" if is_changed else method)
    assert onward.data is (None if is_changed else BODY)


DESCRIPTION = {
    "Content-Type": "text/plain",
    "content-length": "4",
    "CONTENT-ENCODING": "gzip",
    "Content-Language": "en",
    "Content-Location": "/x",
    "Content-Digest": "sha-256=:x:",
    "Digest": "md5=x",
    "Last-Modified": "Thu, 01 Jan 1970 00:00:00 GMT",
    "Transfer-Encoding": "chunked",
    "Expect": "100-continue",
}
OTHERS = [("X-A", "1"), ("Accept", "*/*"), ("x-a", "2"), ("Referer", "http://a.test/"), ("If-Match", '"x"')]


def test_what_is_said_of_a_body_goes_with_it() -> None:
    several = [("Content-Language", "fr"), ("expect", "x")]
    hop = asked(method="POST", headers=[*DESCRIPTION.items(), *OTHERS, *several], data=BODY)
    assert list(led(hop, "/", status=303).headers.items()) == OTHERS
    assert list(led(hop, "http://b.test/", status=301).headers.items()) == OTHERS
    assert list(led(hop, "/", status=307).headers.items()) == [*DESCRIPTION.items(), *OTHERS, *several]
    assert list(hop.headers.items()) == [*DESCRIPTION.items(), *OTHERS, *several]  # what was sent stays


def test_what_the_caller_gave_stays_as_it_was() -> None:
    headers = CIMultiDict([("Authorization", SECRET), *OTHERS])
    hop = first_hop("POST", URL(HERE), headers, None, BODY)
    led(hop, "http://b.test/", status=303)
    assert list(headers.items()) == [("Authorization", SECRET), *OTHERS]


# Where it leads (RFC 3986 section 5)


@pytest.mark.parametrize(
    ("location", "url"),
    [
        # absolute
        ("http://b.test/x", "http://b.test/x"),
        ("https://a.test:81/", "https://a.test:81/"),
        ("HTTP://B.test/X", "http://b.test/X"),
        ("hTTps://b.test", "https://b.test"),
        ("http://b.test?x", "http://b.test/?x"),
        ("http://b.test/x/../y", "http://b.test/y"),
        # relative
        ("//b.test/y", "http://b.test/y"),
        ("//b.test", "http://b.test"),
        ("/", "http://a.test:81/"),
        ("/abs?x=2", "http://a.test:81/abs?x=2"),
        ("rel", "http://a.test:81/dir/rel"),
        ("./rel/", "http://a.test:81/dir/rel/"),
        ("..", "http://a.test:81/"),
        ("../../../up", "http://a.test:81/up"),
        ("/a//b", "http://a.test:81/a//b"),
        ("/x:y", "http://a.test:81/x:y"),
        ("?other", "http://a.test:81/dir/page?other"),
        ("?", "http://a.test:81/dir/page"),
        ("?#f", "http://a.test:81/dir/page#f"),
        ("#new", "http://a.test:81/dir/page?q=1#new"),
        ("/x/http://b.test/", "http://a.test:81/x/http://b.test/"),
        ("/x?to=http://b.test/", "http://a.test:81/x?to=http://b.test/"),
        # RFC 3986 section 5.2.2 lets the scheme of the base count as none, as browsers do.
        ("http:/p", "http://a.test:81/p"),
        ("http:p", "http://a.test:81/dir/p"),
        # ports and addresses
        ("http://b.test:80/", "http://b.test/"),
        ("https://b.test:443/", "https://b.test/"),
        ("http://b.test:443/", "http://b.test:443/"),
        ("http://b.test:/", "http://b.test/"),
        ("http://b.test:65535/", "http://b.test:65535/"),
        ("http://[::1]/x", "http://[::1]/x"),
        ("http://[2001:DB8::1]:8080/x", "http://[2001:db8::1]:8080/x"),
        ("//[::1]", "http://[::1]"),
        ("http://127.0.0.1/", "http://127.0.0.1/"),
        ("http://b.test./", "http://b.test./"),
    ],
)
def test_locations(location: str, url: str) -> None:
    assert url_of(location) == url


@pytest.mark.parametrize(
    ("location", "quoted", "raw"),
    [
        ("/caf\u00e9?\u00f6=\u00fc", "/caf%C3%A9?%C3%B6=%C3%BC", "/caf%C3%A9?%C3%B6=%C3%BC"),
        # Octets that are no UTF-8, as the fields of a response are decoded.
        ("/caf\udce9?%7e", "/caf%E9?%7e", "/caf%E9?%7e"),
        ("/a b?c d", "/a%20b?c+d", "/a%20b?c%20d"),
        ("/a b?%7e%2f", "/a%20b?~/", "/a%20b?%7e%2f"),
        ("/100%?%7e", "/100%25?~", "/100%?%7e"),
        ('/<">', "/%3C%22%3E", "/%3C%22%3E"),
        ("/x?a\\b", "/x?a%5Cb", "/x?a\\b"),
        ("/x?a[]=%2f", "/x?a%5B%5D=/", "/x?a[]=%2f"),
        ("/\U0001f98c", "/%F0%9F%A6%8C", "/%F0%9F%A6%8C"),
    ],
)
def test_quoting(location: str, quoted: str, raw: str) -> None:
    """What can't be sent is encoded in either case; what can be stays as it is, unless it is requoted."""
    assert url_of(location) == f"http://a.test:81{quoted}"
    assert url_of(location, requote=False) == f"http://a.test:81{raw}"


@pytest.mark.parametrize(
    "target",
    [
        "/%7e%2f?%7e%2b+%20",
        "/x?sig=%2F%3D&e=%3A",
        "/%41/%2B?a=%2b&A=%3D%3d",
        "/-._~!$&'()*+,;=:@//?-._~!$&'()*+,;=:@/?",
        "/a%2f%2e%2e%2fb?%2e%2E/../.",
        "/%e9?%ff%FF",
    ],
)
@pytest.mark.parametrize("requote", [True, False])
def test_what_is_valid_is_not_quoted_anew(target: str, requote: bool) -> None:
    first = asked()
    for place in (
        "",
        "http://a.test:81",
        "http:",
        "//b.test",
        "HTTPS://b.test:82",
        "http://user:pass@b.test",
    ):
        assert led(first, f"{place}{target}", requote=requote).url.raw_path_qs == target


@pytest.mark.parametrize("requote", [True, False])
def test_a_relative_one_is_not_quoted_anew(requote: bool) -> None:
    for location in ("%7e?%2b", "./%7e?%2b", "../dir/%7e?%2b", "http:%7e?%2b"):
        assert url_of(location, requote=requote) == "http://a.test:81/dir/%7e?%2b"
    assert url_of("?%2b%7e", requote=requote) == "http://a.test:81/dir/page?%2b%7e"


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/%7e/../b", "/b"),
        ("/%7e/%2e%2E/b", "/b"),
        ("%2e%2e/%7e", "/%7e"),
        ("%7e/.%2e/%2e/", "/dir/"),
        ("http://a.test:81/%7e/..", "/"),
        ("//a.test:81/%7e/%2e%2e/../b", "/b"),
        ("/%2e%2e%2fb", "/%2e%2e%2fb"),
    ],
)
def test_segments_of_dots(location: str, path: str) -> None:
    """RFC 3986 section 5.2.4, with ``%2E`` for a dot as section 6.2.2.2 has it and browsers do."""
    assert url_of(location) == f"http://a.test:81{path}"


def test_a_host_in_unicode() -> None:
    assert url_of("http://b\u00fccher.test/") == "http://xn--bcher-kva.test/"


@pytest.mark.parametrize("segment", ["%7e", "caf%C3%A9", "a%2Fb", "a%3Fb", "a%23b", "100%25", "", "a;b"])
def test_what_the_base_was_stays_as_it_was(segment: str) -> None:
    base = URL(f"http://a.test/{segment}/x?%7e", encoded=True)
    for location, rest in (
        ("?", "x"),
        ("?z", "x?z"),
        ("#f", "x?%7e#f"),
        ("y", "y"),
        ("./y?z#f", "y?z#f"),
        ("http:y", "y"),
        ("y//z", "y//z"),
        ("..?y", "../?y"),
    ):
        place = f"http://a.test/{segment}/"
        expected = f"http://a.test/{rest[3:]}" if rest[:3] == "../" else place + rest
        assert url_of(location, base) == expected
        assert url_of(location, base, requote=False) == expected


@pytest.mark.parametrize(
    ("location", "fragment"),
    [
        ("/x", "%2Ff%25"),
        ("http://b.test/x?y", "%2Ff%25"),
        ("?y", "%2Ff%25"),
        ("/x#own", "own"),
        ("#own", "own"),
        ("/x#", ""),
        ("#", ""),
        ("/x#a\\b", "a%5Cb"),
    ],
)
def test_fragments_are_inherited(location: str, fragment: str) -> None:
    """RFC 9110 section 10.2.2."""
    first = led(asked(URL(f"{HERE}#%2Ff%25", encoded=True)), location)
    assert first.url.raw_fragment == fragment
    assert led(first, "/again").url.raw_fragment == fragment


def test_the_first_of_several_counts_that_is_not_empty() -> None:
    assert led(asked(), "/a", "/b").url.path == "/a"
    assert led(asked(), "", "/b").url.path == "/b"


@pytest.mark.parametrize("locations", [[], [""], ["", ""]])
@pytest.mark.parametrize("status", sorted(REDIRECTS))
def test_none(status: int, locations: list[str]) -> None:
    assert next_hop(asked(), status, locations, requote=True) is None


# What leads nowhere


@pytest.mark.parametrize(
    "location",
    [
        "ftp://b.test/", "FTP://b.test/", "fTp://b.test/", "ws://b.test/", "wss://b.test/", "gopher://b.test:70/",
        "file:///etc/passwd", "FILE:///etc/passwd", "javascript:alert(1)", "JavaScript:alert(1)",
        "data:text/html,x", "mailto:a@b.test", "about:blank", "foo+bar://x/", "h2c:x", "localhost:8080/x",
        "a.test:81", "a:b", "unix:/run/socket", "blob:http://b.test/x", "view-source:http://b.test/", "chrome://x/",
    ],
)  # fmt: skip
@pytest.mark.parametrize("requote", [True, False])
def test_other_schemes(location: str, requote: bool) -> None:
    with pytest.raises(NonHttpUrlRedirectClientError, match="expected the scheme http or https") as caught:
        led(asked(), location, requote=requote)
    assert caught.value.url == location
    assert isinstance(caught.value, RedirectClientError)
    assert isinstance(caught.value, InvalidURL)


@pytest.mark.parametrize(
    "location",
    [
        # Browsers read a backslash as a slash, leave tabs and line ends out, and skip slashes.
        "\\\\b.test/", "/\\b.test/", "http:\\\\b.test/", "http://b.test\\@c.test/", "/a\\b", "a\\?x",
        "/a\tb", "ht\ttp://b.test/", "//b\t.test/", "\x01/x", "/x\x00", "/x\x1f", "/x\x7f", "/x\r\ny",
        "/x?\n", "//", "///b.test/", "http://", "http:///b.test/", "HTTPS:///x", "//?x", "http://#x",
        # no host
        "https:", "https:/p", "https:p", "//:80/", "http://u@/", "http://u:p@:80/", "1http://b.test/",
        # bad hosts
        "http://exa mple/", "http://b.test /", "http://[::1", "http://::1]/", "http://[g]/", "http://[]/",
        "http://[fe80::1%25eth0]/", "http://[::1]x/", f"http://{'a' * 300}.test/", "http://b\u2100.test/",
        # bad ports
        "http://b.test:99999/", "http://b.test:65536/", "http://b.test:-1/", "http://b.test:x/",
        "http://b.test:8 0/", "http://[::1]:x/", "http://b.test:80:80/", "http://b.test:+80/", "http://b.test:8_0/",
        "http://[a:80]/", "http://[v1.a:80]/", "http://[v1.a]/",
    ],
)  # fmt: skip
def test_malformed(location: str) -> None:
    with pytest.raises(InvalidUrlRedirectClientError) as caught:
        led(asked(), location)
    assert isinstance(caught.value, InvalidUrlClientError)
    assert isinstance(caught.value, RedirectClientError)
    assert caught.value.description
    if location.isascii() and " " not in location:
        with pytest.raises(InvalidUrlRedirectClientError):
            led(asked(), location, requote=False)


# Whose credentials (RFC 6454 section 4)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://a.test", "http://a.test:80/x?y#z"),
        ("https://a.test:443", "HTTPS://A.Test/"),
        ("http://B\u00dcCHER.test/", "http://xn--bcher-kva.test/"),
        ("http://[::1]/", "http://[0:0:0:0:0:0:0:1]:80/"),
        ("http://u:p@a.test/", "http://a.test/"),
    ],
)
def test_one_origin(one: str, other: str) -> None:
    for encoded in (False, True):
        if one.isascii():
            assert origin_of(URL(one, encoded=encoded)).scheme == origin_of(URL(other)).scheme
    assert origin_of(URL(one)) == origin_of(URL(other))


def test_an_origin_is_told_from_its_spelling() -> None:
    built = URL.build(scheme="http", host="A.Test", port=80, encoded=True)
    spelt = URL("http://A.TEST:80/", encoded=True)
    assert origin_of(built) == origin_of(spelt) == Origin("http", "a.test", 80)
    hop = asked(spelt, headers={"Authorization": SECRET})
    for location in ("/x", "http://a.test/x", "//A.test", "HTTP://a.TEST:80/"):
        for requote in (True, False):
            assert led(hop, location, requote=requote).headers["Authorization"] == SECRET


@pytest.mark.parametrize(
    "location",
    [
        "https://a.test/", "https://a.test:80/", "http://a.test:81/", "http://a.test:443/", "http://b.test/",
        "http://a.test./", "http://sub.a.test/", "http://test/", "http://xa.test/", "http://a.test.b.test/",
        "http://a.test@b.test/", "http://b.test/a.test", "//b.test", "//a.test:81", "https://A.TEST/",
    ],
)  # fmt: skip
@pytest.mark.parametrize("requote", [True, False])
def test_other_origins(location: str, requote: bool) -> None:
    hop = asked("http://a.test/", headers=[(name, SECRET) for name in NAMES], cookies={"own": SECRET})
    onward = led(hop, location, requote=requote)
    assert SECRET not in onward.headers.values()
    assert onward.credentials.cookies is None
    back = led(onward, "http://a.test/")
    assert SECRET not in back.headers.values()
    assert back.credentials.cookies is None
    assert back.credentials == Credentials(origin_of(URL("http://a.test/")))


NAMES = ("Authorization", "Proxy-Authorization", "Cookie", "Cookie2", "Host")
SPELLINGS = [spell(name) for name in NAMES for spell in (str, str.lower, str.upper, str.swapcase)]


@pytest.mark.parametrize("name", SPELLINGS)
@pytest.mark.parametrize("status", [301, 307])
def test_spellings_and_numbers(name: str, status: int) -> None:
    given = [(name, SECRET), ("X-A", "1"), (name.lower(), SECRET * 2), (name.upper(), SECRET * 3)]
    hop = asked(headers=given)
    assert list(hop.headers.items()) == [given[1], given[0], *given[2:]]  # as they were spelt
    stays = led(hop, "/x", status=status)
    assert stays.headers.getall(name) == [SECRET, SECRET * 2, SECRET * 3]
    assert list(led(stays, "//b.test/", status=status).headers.items()) == [("X-A", "1")]
    assert list(led(led(stays, "//b.test/"), HERE, status=status).headers.items()) == [("X-A", "1")]


def test_all_of_them_end_at_once() -> None:
    given = [*itertools.product(SPELLINGS, [SECRET]), ("X-A", "1")]
    hop = asked(headers=given, cookies={"own": "1"})
    assert hop.fields == CIMultiDict({"X-A": "1"})
    assert hop.credentials.cookies == led(hop, "/x").credentials.cookies == {"own": "1"}
    assert led(hop, "https://a.test:81/").headers == hop.fields


@pytest.mark.parametrize(
    ("user", "value"),
    [
        ("user:secret", "Basic dXNlcjpzZWNyZXQ="),
        ("user", "Basic dXNlcjo="),
        (":secret", "Basic OnNlY3JldA=="),
        ("us%65r:p%3Aw%40", "Basic dXNlcjpwOndA"),
        ("user:\u00e9", "Basic dXNlcjrp"),
    ],
)
@pytest.mark.parametrize("requote", [True, False])
def test_a_location_with_credentials(user: str, value: str, requote: bool) -> None:
    """They are for its origin, and in no URL."""
    first = led(asked(), f"http://{user}@b.test/x", requote=requote)
    assert str(first.url) == "http://b.test/x"
    assert list(first.headers.items()) == [("Authorization", value)]
    there = led(first, "y")
    assert str(there.url) == "http://b.test/y"
    assert there.headers["Authorization"] == value
    for location in ("https://b.test/", HERE, "//c.test/"):
        assert "Authorization" not in led(there, location).headers
        assert "Authorization" not in led(led(there, location), "http://b.test/x").headers


@pytest.mark.parametrize("name", ["Authorization", "AUTHORIZATION"])
def test_the_callers_count_before_them(name: str) -> None:
    hop = asked(headers={name: SECRET, "Cookie": "a=1"}, cookies={"own": "1"})
    here = led(hop, "http://user:other@a.test:81/")
    assert list(here.headers.items()) == [(name, SECRET), ("Cookie", "a=1")]
    assert here.credentials.cookies == {"own": "1"}
    other = led(hop, "http://user:other@b.test/")
    assert list(other.headers.items()) == [("Authorization", "Basic dXNlcjpvdGhlcg==")]
    assert other.credentials.cookies is None


@pytest.mark.parametrize(
    "location",
    [
        "ftp://user:s3cret@b.test/", "http://user:s3cret@b.test:x/", "http://user:s3cret@/",
        "//user:s3cret@b.test\\",
        "http://us%3Aer:s3cret@b.test/", "http://user:s3cret%0A@b.test/", "http://user:s3cret\u20ac@b.test/",
        "http://user:s3cret@b\u2100.test/", "http://user:s3cret@[g]/", "http://user:s3cret@b .test/",
    ],
)  # fmt: skip
def test_no_error_shows_them(location: str) -> None:
    with pytest.raises(InvalidURL) as caught:
        led(asked(), location)
    error = caught.value
    assert isinstance(error, RedirectClientError)
    assert "s3cret" not in f"{error} {error!r} {error.url} {error.__cause__!r}"
    assert str(error).startswith(location.partition("//")[0] + "//" + location.partition("@")[2])


def test_no_repr_shows_them() -> None:
    headers = [(name, SECRET) for name in NAMES]
    assert SECRET not in repr(asked(headers=headers, cookies={"own": SECRET}))
    assert "s3cret" not in repr(led(asked(), "http://user:s3cret@b.test/"))
