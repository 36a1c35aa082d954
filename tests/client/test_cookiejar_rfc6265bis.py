"""A jar between servers and requests; sections are those of draft-ietf-httpbis-rfc6265bis-22."""

from typing import Any

import pytest
from yarl import URL

from pronghorn.client.cookiejar import CookieJar

from .jars import HERE, PLAIN, ClockedJar, given, jar_of, sent

# Kept and sent


def test_a_cookie_is_sent_back() -> None:
    jar = jar_of("a=b")
    assert sent(jar) == sent(jar, "https://www.a.example/x/z") == "a=b"
    assert sent(jar, "https://www.a.example/") == ""
    assert sent(jar, "https://a.example/x/y") == ""
    assert sent(jar, "https://www.a.example:8443/x/y") == "a=b"  # section 8.5: no isolation by port
    assert sent(jar, PLAIN) == sent(jar, "ws://www.a.example/x/") == "a=b"
    assert sent(jar, "https://WWW.A.example/x/") == "a=b"


def test_seed_003_L204() -> None:
    jar = jar_of("my_cookie=my_value; Path=/", url=URL("http://httpbin.org/cookies/set?my_cookie=my_value"))
    filtered = jar.filter_cookies("http://httpbin.org")
    assert filtered["my_cookie"].value == "my_value"


@pytest.mark.parametrize(
    "field", ['a="b c"', "a=b c", "a={}", "a[b]=c", "a=", "a=b,c", "a=ü", "a=b\tc", 'a="b', "a=\udcfc"]
)
@pytest.mark.parametrize("quote_cookie", [True, False])
def test_what_a_server_sets_is_sent_as_it_came(field: str, quote_cookie: bool) -> None:
    assert sent(jar_of(f"{field}; Path=/", quote_cookie=quote_cookie)) == field


def test_the_order_of_sending() -> None:
    jar = jar_of("a=1; Path=/", "b=2; Path=/x", "c=3; Path=/x/y", "d=4; Path=/", "a=5; Path=/")
    assert sent(jar) == "c=3; b=2; a=5; d=4"
    assert list(jar.filter_cookies(HERE)) == ["c", "b", "a", "d"]


def test_secure_cookies() -> None:
    jar = jar_of("a=b; Secure; Path=/")
    assert sent(jar, "wss://www.a.example/") == sent(jar) == "a=b"
    assert sent(jar, PLAIN) == sent(jar, "ws://www.a.example/") == ""
    assert sent(jar_of("a=b; Secure", url=PLAIN)) == ""


@pytest.mark.parametrize(
    "origin",
    [
        "http://www.a.example",
        "http://www.a.example:80/anything?at#all",
        URL("http://www.a.example/"),
        ["http://other.example", URL("http://www.a.example")],
    ],
)
def test_treat_as_secure_origin(origin: Any) -> None:
    jar = jar_of("a=b; Secure; Path=/", url=PLAIN, treat_as_secure_origin=origin)
    assert sent(jar, PLAIN) == sent(jar, HERE) == "a=b"
    assert sent(jar, "http://www.a.example:8080/") == sent(jar, "http://a.example/") == ""
    assert any(one.host == "www.a.example" for one in jar.treat_as_secure_origin)
    assert all(one == one.origin() for one in jar.treat_as_secure_origin)


@pytest.mark.parametrize(("origin", "error"), [(5, TypeError), ([5], TypeError), ("nowhere", ValueError)])
def test_what_is_no_origin(origin: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        CookieJar(treat_as_secure_origin=origin)


def test_no_plain_answer_overlays_a_secure_cookie() -> None:
    jar = jar_of("sid=good; Secure; Path=/; Domain=a.example")
    jar.update_cookies_from_headers(
        ["sid=evil; Path=/", "sid=evil; Domain=a.example; Path=/; Max-Age=0"], PLAIN
    )
    assert sent(jar) == "sid=good"
    jar.update_cookies_from_headers(["sid=new; Path=/; Domain=a.example"], HERE)
    assert sent(jar) == "sid=new"


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "127.1", "2130706433", "0x7f000001"])
def test_ip_addresses(host: str) -> None:
    url = URL(f"http://{host}/")
    assert sent(jar_of("a=b", url=url), url) == sent(given({"a": "b"}, url), url) == ""
    assert sent(jar_of("a=b", url=url, unsafe=True), url) == "a=b"
    assert sent(given({"a": "b"}), url) == "a=b"  # given for every host


def test_cookie_tossing() -> None:
    jar = jar_of("sid=evil; Domain=a.example; Path=/", url=URL("https://evil.a.example/"))
    jar.update_cookies_from_headers(["sid=good; Path=/"], HERE)
    jar.update_cookies_from_headers(["sid=evil; Domain=a.example; Path=/x/y"], URL("https://evil.a.example/"))
    jar.update_cookies_from_headers(["sid=evil; Domain=www.a.example"], URL("https://evil.a.example/"))
    jar.update_cookies_from_headers(["__Host-sid=evil; Domain=a.example; Secure; Path=/"], HERE)
    assert sent(jar) == "sid=good"


def test_one_bad_cookie_takes_no_other_with_it() -> None:
    jar = jar_of("a=1", "\r\n", "=; =", "b=" + "x" * 5000, "c=1; Domain=com", "d=1; Expires=\u0663", "e=1")
    assert sent(jar) == "a=1; d=1; e=1"


def test_headers_of_nowhere_set_nothing() -> None:
    assert len(jar_of("a=b", url=URL())) == len(jar_of("a=b", url=URL("/x"))) == 0


# Expiry


def test_expiry() -> None:
    jar = jar_of(
        "a=1; Max-Age=10",
        "b=2; Expires=Sun, 09 Sep 2001 01:47:00 GMT",  # 20 s from now
        "c=3; Max-Age=30; Expires=Sun, 09 Sep 2001 01:47:00 GMT",
        "d=4",
        "e=5; Max-Age=0",
        "f=6; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    )
    for seconds, field, count in (
        (9.9, "a=1; b=2; c=3; d=4", 4),
        (10, "b=2; c=3; d=4", 3),
        (20, "c=3; d=4", 2),
        (30, "d=4", 1),
    ):
        jar.now = ClockedJar.now + seconds
        assert len(jar) == len(list(jar)) == count
        assert len(next(iter(jar.cookies.values()))) == len(jar.host_only_cookies) == count
        assert sent(jar) == field


def test_an_expired_cookie_takes_the_one_before_it_away() -> None:
    for deletion in ("Max-Age=0", "Max-Age=-1", "Expires=Thu, 01 Jan 1970 00:00:00 GMT"):
        jar = jar_of("a=1", "b=2", f"a=; {deletion}", "b=; Path=/; Max-Age=0")
        assert sent(jar) == "b=2"


def test_nothing_is_kept_for_more_than_400_days() -> None:
    jar = jar_of("a=1; Max-Age=99999999999", "b=2; Expires=Fri, 31 Dec 9999 23:59:59 GMT", "c=3")
    jar.now += 400 * 24 * 3600 - 1
    assert sent(jar) == "a=1; b=2; c=3"
    jar.now += 1
    assert sent(jar) == "c=3"
