import re
from typing import Any

import pytest
from multidict import MultiDict
from yarl import URL

from pronghorn.client.errors import InvalidUrlClientError, NonHttpUrlClientError
from pronghorn.client.session import ClientSession
from pronghorn.client.target import address_of, as_url, find_target, parse_url, read_url, target_of
from pronghorn.io.dial import Address

from ..worktime import LINEAR, growth

#: All that RFC 3986 lets stand in a path and a query: unreserved characters, sub-delims, and ":", "@", "/".
PLAIN = "-._~!$&'()*+,;=:@/abcxyzABCXYZ0189"
ESCAPES = "".join(f"%{octet:02x}%{octet:02X}" for octet in range(256))


# Where it leads


def test_where_a_url_leads() -> None:
    assert address_of("host", 81, "http") == Address("host", 81)
    assert address_of("host", 81, "http") is address_of("host", 81, "http")
    assert address_of("host", 443, "https").ssl


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("fe80::1%25eth0", "fe80::1%eth0"),  # RFC 6874
        ("fe80::1%25", "fe80::1%25"),  # the interface of that number
        ("a%25b", "a%25b"),
    ],
)
def test_the_zone_of_an_address(host: str, address: str) -> None:
    assert address_of(host, 80, "http").host == address


def test_what_a_request_says_of_its_url() -> None:
    for target in (
        find_target("https://u:p@host:81/a%62?c#d", None),
        find_target(URL("https://u:p@host:81/a%62#d", encoded=True), "c"),
        target_of(URL("https://u:p@host:81/a%62?c#d", encoded=True)),
    ):
        assert str(target.real_url) == "https://u:p@host:81/a%62?c#d"
        assert str(target.url) == "https://u:p@host:81/a%62?c"
        assert target.address is address_of("host", 81, "https")
        assert target.origin_form == "/a%62?c"
        assert target.host == ("Host", "host:81")
        assert target.names_user
    bare = find_target("http://host", None)
    assert bare.url is bare.real_url
    assert bare.origin_form == "/"
    assert bare.host == ("Host", "host")
    assert not bare.names_user


def test_a_target_is_found_once() -> None:
    assert find_target("http://host/once", None) is find_target("http://host/once", None)
    given = URL("http://host/once")
    assert find_target(given, None).real_url is given
    assert find_target("http://host/once", {"a": "b"}).origin_form == "/once?a=b"
    assert find_target("http://host/once", {}).origin_form == "/once"


@pytest.mark.parametrize("url", ["http://", "/relative", "ftp://host", "http://a b/"])
def test_what_can_not_be_requested_is_no_target(url: str) -> None:
    for _ in range(2):
        with pytest.raises(InvalidUrlClientError):
            find_target(url, None)


@pytest.mark.parametrize(
    ("host", "told"),
    [("[fe80::1%25eth0]", "[fe80::1]"), ("[fe80::1%25eth0]:81", "[fe80::1]:81"), ("a%25b", "a%25b")],
)
def test_others_are_told_no_zone(host: str, told: str) -> None:
    assert target_of(URL(f"http://{host}/", encoded=True)).host == ("Host", told)


# As it was given


@pytest.mark.parametrize("base", ["http://host", "http://host:81", "https://u:p@[::1]:81", "http://h_o-s.t."])
@pytest.mark.parametrize(
    "asked",
    [
        "/",
        f"/{PLAIN}",
        f"/{ESCAPES}",
        f"/?{PLAIN}?",
        f"/?{ESCAPES}",
        "/%7e%7E%61?%2b%2B+%20",
        "//a//b//",
        "/a:b@c;d=e,f",
        "/...?/../.",
        "/.a/..b/c./d..",
        "/%2e%2ea/a%2e/%2Ex./x",
        "?a=%2f&a=&&=b&=",
        "?a?b#",
        "",
    ],
)
def test_what_is_valid_stays_as_it_is(base: str, asked: str) -> None:
    url = parse_url(f"{base}{asked}", None)
    path = asked if asked[:1] == "/" else f"/{asked}"
    assert url.raw_path_qs == path.rstrip("#")
    assert str(url.origin()) == base.replace("u:p@", "")
    assert as_url(f"{base}{asked}") is as_url(f"{base}{asked}")


@pytest.mark.parametrize(
    "asked", ["/a/b?c=d", "/%20?%20=%C3%BC&x=+#f", "", "/", "?x", "/a/../b/./c/..", "/x:y"]
)
def test_what_urls_leave_alone_is_equal_to_theirs(asked: str) -> None:
    for base in ("http://host", "HTTP://user:pass@HOST:81", "http://b\u00fccher.test", "http://[0::1]"):
        assert as_url(base + asked) == URL(base + asked)
        assert str(as_url(base + asked)) == str(URL(base + asked))


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        # What RFC 3986 has no place for is quoted, and then in all of it.
        ("/a b?%7e", "/a%20b?~"),
        ("/%7e?a b", "/~?a+b"),
        ("/\u043f/%30?a=%31", "/%D0%BF/0?a=1"),
        ("/%30?\u00fc", "/0?%C3%BC"),
        ('/%30"<>', "/0%22%3C%3E"),
        ("/%30{}|^`\\", "/0%7B%7D%7C%5E%60%5C"),
        ("/%30?a[]=1", "/0?a%5B%5D=1"),
        ("/%30%", "/0%25"),
        ("/%30%2", "/0%252"),
        ("/%30%zz", "/0%25zz"),
        ("/%30%\u0662\u0662", "/0%25%D9%A2%D9%A2"),
        # It is not sent, and changes nothing.
        ("/%30#a b\u00fc", "/%30"),
    ],
)
def test_what_is_not_valid_is_quoted(asked: str, sent: str) -> None:
    url = parse_url(f"http://host{asked}", None)
    assert url.raw_path_qs == sent
    assert url == URL(f"http://host{asked}") or "#" in asked


@pytest.mark.parametrize(
    ("given", "host", "authority"),
    [
        ("HTTP://HoSt/%7e", "host", "host"),
        ("http://B\u00dcCHER.test/%7e", "xn--bcher-kva.test", "xn--bcher-kva.test"),
        ("http://host:80/%7e", "host", "host"),
        ("http://host:0081/%7e", "host", "host:81"),
        ("http://host:/%7e", "host", "host"),
        ("http://host./%7e", "host.", "host"),
        ("http://[0:0::1]/%7e", "::1", "[::1]"),
        ("http://[FE80::1%25eth0]:81/%7e", "fe80::1%25eth0", "[fe80::1%25eth0]:81"),
        ("http://user:p@ss@host/%7e", "host", "host"),
    ],
)
def test_a_host_has_one_spelling(given: str, host: str, authority: str) -> None:
    """Connections, cookies and credentials are kept by it."""
    url = parse_url(given, None)
    assert (url.scheme, url.raw_host, url.host_port_subcomponent) == ("http", host, authority)
    assert url.raw_path == "/%7e"


def test_credentials_and_fragments_stay() -> None:
    url = parse_url("http://us%65r:p%3a%40@host/%7e?%2b#%7e \u00fc", None)
    assert (url.user, url.password) == ("user", "p:@")
    assert url.fragment == "~ \u00fc"
    assert url.raw_path_qs == "/%7e?%2b"


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/a/../b", "/b"),
        ("/a/./b/.", "/a/b/"),
        ("/..", "/"),
        ("/../../a%2f..%2fb", "/a%2f..%2fb"),
        ("/%61/%2e%2e/%62", "/%62"),
        ("/%61/.%2E/%62/%2e", "/%62/"),
        ("/%61//../b", "/%61/b"),
        ("/%61/..;x/b", "/%61/..;x/b"),
        ("/%61/%2e%2e%2e/..x", "/%61/%2e%2e%2e/..x"),
        ("/%61%2f../b", "/%61%2f../b"),
    ],
)
def test_segments_of_dots_are_taken_out(path: str, sent: str) -> None:
    """RFC 3986 section 6.2.2.3. Nothing else changes."""
    for query in ("", "?/../%2e./%7e"):
        assert parse_url(f"http://host{path}{query}", None).raw_path_qs == sent + query


def test_an_encoded_url_is_left_alone() -> None:
    for path in ("/%61?b=%63", "/a/../b/%2e%2e", "/%zz|[]"):
        given = URL(f"http://HOST:80{path}", encoded=True)
        assert parse_url(given, None) is given
        assert as_url(given) is given


@pytest.mark.parametrize(
    ("reference", "url"),
    [
        ("%7e?%2b", "http://host/api/%7e?%2b"),
        ("/%7e?%2b#f", "http://host/%7e?%2b#f"),
        ("?%2b", "http://host/api/?%2b"),
        ("../%7e/x", "http://host/%7e/x"),
        ("%2e%2E/%7e", "http://host/%7e"),
        ("%7e/./x", "http://host/api/%7e/x"),
        ("//other/%7e", "http://other/%7e"),
        ("http:%7e", "http://host/api/%7e"),
    ],
)
def test_references_stay_as_they_are(reference: str, url: str) -> None:
    assert str(URL("http://host/api/").join(as_url(reference))) == url


# Params


def test_params_keep_user_port_and_fragment() -> None:
    assert str(parse_url("http://user@host:81/a?x=%20#f", "b=%30")) == "http://user@host:81/a?x=%20&b=%30#f"


@pytest.mark.parametrize("query", ["x=%2b+%7E", "x", "=", "x=/?:@"])
@pytest.mark.parametrize(
    ("params", "added"),
    [
        ("b=%30%2b+c", "b=%30%2b+c"),
        ("%zz[]|&&", "%zz[]|&&"),
        ({"b": "%30 +/&="}, "b=%2530+%2B/%26%3D"),
        ([("b", 1), ("b", "\u00fc")], "b=1&b=%C3%BC"),
        (MultiDict([("b", 1.5)]), "b=1.5"),
        # What can't be sent is encoded, as it can be nothing else.
        ('a b\u00fc"<>#\x01', "a%20b%C3%BC%22%3C%3E%23%01"),
        ("\udce9", "%E9"),
    ],
)
def test_params_join_a_query_that_stays(query: str, params: Any, added: str) -> None:
    assert parse_url(f"http://host/%7e?{query}", params).raw_path_qs == f"/%7e?{query}&{added}"
    assert (
        parse_url(URL(f"http://host/%7e?{query}", encoded=True), params).raw_query_string
        == f"{query}&{added}"
    )
    assert parse_url("http://host/%7e", params).raw_path_qs == f"/%7e?{added}"


@pytest.mark.parametrize("params", [None, "", {}, [], ()])
def test_no_params(params: Any) -> None:
    assert str(parse_url("http://host/%7e?%2b", params)) == "http://host/%7e?%2b"


@pytest.mark.parametrize("params", ["a\rb", "a\nb", "a\0b", "\ud800"])
def test_params_that_can_not_be_sent(params: str) -> None:
    with pytest.raises(InvalidUrlClientError) as caught:
        parse_url("http://host/", params)
    assert caught.value.url == "http://host/"


@pytest.mark.parametrize("params", [b"a=b", 5, object(), {"a": True}, {"a": None}, [("a",)], [1]])
def test_params_of_other_types(params: Any) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        parse_url("http://host/", params)
    if isinstance(caught.value, TypeError):
        assert str(caught.value).startswith("params: ")


# What is no URL


@pytest.mark.parametrize(
    ("url", "description"),
    [
        ("path", "expected an absolute URL"),
        ("//host/", "expected an absolute URL"),
        ("/%7e", "expected an absolute URL"),
        ("http://", "the host is missing"),
        ("http:///x", "the host is missing"),
        ("http:%7e", "the host is missing"),
    ],
)
async def test_what_is_no_absolute_url(url: str, description: str) -> None:
    with pytest.raises(InvalidUrlClientError, match=description):
        parse_url(URL(url), None)
    async with ClientSession() as session:
        with pytest.raises(InvalidUrlClientError, match=description) as caught:
            await session.get(url)
    assert caught.value.url == url
    assert type(caught.value.url) is str


@pytest.mark.parametrize(
    "authority",
    [
        # hosts
        "exa mple", " host", "host ", "a<b", "a>b", 'a"b', "a|b", "a^b", "a{b}", "a`b", "a\\b", "a\x01b",
        "a\x7fb", ".", "...", f"{'a' * 300}.test", "b\u2100.test", "\u00fc..test", "a\u00adb\u00fc.test",
        # literals
        "[::1", "::1]", "[]", "[g]", "[g::1]", "[a:80]", "[1:2]", "[::1]x", "[::1][::1]", "[127.0.0.1]",
        "[v1.x]", "[v1.a:80]", "[::1%]", "[::1%a b]", "[:::1]", "x[::1]",
        # ports
        "host:x", "host:+80", "host:-1", "host: 80", "host:80 ", "host:8_0", "host:65536", "host:99999",
        "host:80:80", "host:\u0668\u0660", "[::1]:x", "[::1]:+80", "[::1]80", "::1", "::1:80",
        # none
        ":80", "user@", "user:pass@:80",
    ],
)  # fmt: skip
@pytest.mark.parametrize("user", ["", "user:pass@"])
def test_what_is_no_host(authority: str, user: str) -> None:
    for path in ("", "/", "?x", "/%7e", "/a b", "#f"):
        url = f"http://{user}{authority}{path}"
        with pytest.raises(InvalidUrlClientError) as caught:
            parse_url(url, None)
        assert caught.value.url == url
        assert caught.value.description


@pytest.mark.parametrize(
    "host",
    [
        "a_b", "_dmarc.a_b.test", "a-b", "-a", "*.test", "xn--bcher-kva.test", "127.0.0.1", "127.1", "0x7f.1",
        "a.test.", "[::1]", "[::ffff:7f00:1]", "[fe80::1%eth0]", "[fe80::1%25eth0]", "[fe80::1%25en-0.1_2]",
        "a%20b", "localhost", "1", "a" * 63 + ".test",
    ],
)  # fmt: skip
@pytest.mark.parametrize("port", ["", ":", ":81", ":0", ":65535"])
def test_what_is_a_host(host: str, port: str) -> None:
    for path in ("", "/", "/%7e?%2b"):
        url = parse_url(f"http://{host}{port}{path}", None)
        assert url.raw_host == host.strip("[]")
        assert url.explicit_port == (int(port[1:]) if port[1:] else None)
        assert parse_url(url, None) is url


@pytest.mark.parametrize("host", ["exa mple", "a|b", "a\nb", "a/b", "", "."])
def test_a_url_without_a_host_that_can_be_asked(host: str) -> None:
    with pytest.raises(InvalidUrlClientError):
        parse_url(URL.build(scheme="http", host=host, path="/", encoded=True), None)


@pytest.mark.parametrize("splitter", ["\r\n", "\r", "\n", "\0"])
@pytest.mark.parametrize(
    "where", ["{}http://host/", "http{}://host/", "http://ho{}st/", "http://host/a{}b?c"]
)
def test_what_would_split_a_request(where: str, splitter: str) -> None:
    with pytest.raises(InvalidUrlClientError, match="CR, LF and NUL"):
        as_url(where.format(splitter))


@pytest.mark.parametrize("url", [None, b"http://host/", 5, ["http://host/"]])
def test_what_is_no_url_by_its_type(url: Any) -> None:
    with pytest.raises(TypeError, match=r"^url: expected a str or a yarl\.URL"):
        as_url(url)
    with pytest.raises(TypeError, match=r"^url: expected a str or a yarl\.URL"):
        parse_url(url, {"a": "1"})


@pytest.mark.parametrize(
    "url", ["ftp://host/", "ws://host/", "mailto:a@b", "localhost:8080/x", "1http://host/"]
)
def test_other_schemes(url: str) -> None:
    for given in (url, URL(url)):
        with pytest.raises(NonHttpUrlClientError, match=re.escape(url)):
            parse_url(given, None)


def test_what_was_read_is_kept_for_a_while() -> None:
    for number in range(2000):
        read_url(f"http://host/{number}")
    assert read_url.cache_info().currsize <= 256


@pytest.mark.timed
@pytest.mark.parametrize(
    ("piece", "end"),
    [
        ("@", "/"), ("@", "\\"), ("a@", ":x"), (":", "@host"), ("[", "]"), ("[::1]", ""), ("%", "/"),
        ("%2", ""), ("/../", ""), ("/%2e%2e", "/x"), ("a.", ""), ("#", " "), ("?", "\u00fc"), ("//", "x"),
        ("\u00fc", "/"),
    ],
)  # fmt: skip
def test_time_is_linear(piece: str, end: str) -> None:
    """CVE-2020-7212, CVE-2021-33503 and CVE-2024-3651 of others."""

    def read(count: int) -> None:
        for start in ("http://", "http://host/"):
            try:
                parse_url(f"{start}{piece * count}{end}", None)
            except InvalidUrlClientError:
                pass
        read_url.cache_clear()

    assert growth(read, 2_000) < LINEAR
