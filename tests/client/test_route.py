"""By which proxy a request goes, and which requests may share a connection."""

import ssl
from typing import Any

import pytest
from yarl import URL

from pronghorn.client.auth import BasicAuth
from pronghorn.client.route import Proxy, Route, as_told, make_proxy, make_route, proxy_from_environment
from pronghorn.client.tls import VERIFIED, Fingerprint
from pronghorn.io.dial import Address

AUTH = BasicAuth("user", "secret")
FIELD = ("Proxy-Authorization", "Basic dXNlcjpzZWNyZXQ=")
OTHER = BasicAuth("other", "word")
OTHER_FIELD = ("Proxy-Authorization", OTHER.encode())
HTTP, HTTPS = URL("http://there/path?query"), URL("https://there/")
CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


# Proxies


@pytest.mark.parametrize("scheme", ["http", "https", "socks4", "socks4a", "socks5", "socks5h"])
def test_a_proxy_is_an_origin(scheme: str) -> None:
    proxy = make_proxy(f"{scheme}://Proxy.test:8080/path?query#fragment")
    assert proxy == (URL(f"{scheme}://proxy.test:8080"), None, ())
    assert make_proxy(URL(f"{scheme}://proxy.test:8080")) == proxy


@pytest.mark.parametrize(("given", "other"), [("http://p", "http://p:80/"), ("https://p:443", "https://p")])
def test_a_proxy_has_one_key(given: str, other: str) -> None:
    assert make_proxy(given) == make_proxy(other)
    assert hash(make_proxy(given)) == hash(make_proxy(other))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_credentials_of_its_url_are_for_it(scheme: str) -> None:
    proxy = make_proxy(f"{scheme}://user:secret@proxy.test:8080")
    assert proxy == (URL(f"{scheme}://proxy.test:8080"), AUTH, (FIELD,))


def test_a_socks_proxy_has_no_fields() -> None:
    assert make_proxy("socks5://user:secret@proxy.test:1080") == (
        URL("socks5://proxy.test:1080"),
        AUTH,
        (),
    )


def test_credentials_that_are_given_count_before_those_of_its_url() -> None:
    proxy = make_proxy("http://user:secret@proxy.test", OTHER)
    assert proxy == (URL("http://proxy.test"), OTHER, (OTHER_FIELD,))


def test_credentials_may_be_percent_encoded() -> None:
    assert make_proxy("http://us%40er:se%3Acret@proxy.test").auth == BasicAuth("us@er", "se:cret")


def test_what_it_is_told_besides() -> None:
    proxy = make_proxy("http://proxy.test", AUTH, [("X-A", "1"), ("X-B", "2")])
    assert proxy.fields == (("X-A", "1"), ("X-B", "2"), FIELD)
    assert proxy.told(None, ()) == proxy
    told = proxy.told(None, [("x-a", "3"), ("X-C", "4")])
    assert sorted(told.fields) == sorted([("x-a", "3"), ("X-B", "2"), FIELD, ("X-C", "4")])
    assert proxy.told(OTHER, ()).fields == (("X-A", "1"), ("X-B", "2"), OTHER_FIELD)
    assert proxy.told(None, [OTHER_FIELD]).fields == (("X-A", "1"), ("X-B", "2"), OTHER_FIELD)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "proxy.test",
        "proxy.test:8080",
        "//proxy.test",
        "http:///",
        "http://",
        "ftp://proxy.test",
        "socks://proxy.test",
        "ws://proxy.test",
        "http://user:secret@",
        "ftp://user:secret@proxy.test",
        "http://us:er:secret@[proxy",
        "http://user:secret@proxy.test:port",
        "http://user:sec%00ret@proxy.test",
        "http://us%3Aer:secret@proxy.test",
    ],
)
def test_what_names_no_proxy(given: str) -> None:
    with pytest.raises(
        ValueError, match=r"^proxy: expected a URL with a host and a scheme of http, "
    ) as caught:
        make_proxy(given)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("given", [b"http://proxy.test", 8080, ["http://proxy.test"], object()])
def test_a_proxy_is_a_url(given: Any) -> None:
    with pytest.raises(TypeError, match=r"^proxy: expected a str or a yarl\.URL, got "):
        make_proxy(given)


@pytest.mark.parametrize("auth", ["user:secret", ("user", "secret"), b"secret"])
def test_credentials_are_a_basic_auth(auth: Any) -> None:
    with pytest.raises(ValueError, match=r"^proxy_auth: expected None or a BasicAuth, got ") as caught:
        make_proxy("http://proxy.test", auth)
    assert "secret" not in str(caught.value)


def test_what_a_proxy_would_be_told() -> None:
    fields = (field for field in [("X-A", "1"), ("X-A", "2")])
    assert as_told(AUTH, fields) == (AUTH, (("X-A", "1"), ("X-A", "2")))
    assert as_told(None, None) == (None, ())
    with pytest.raises(ValueError, match=r"^proxy_auth: expected None or a BasicAuth, got str$"):
        as_told("user:secret", None)  # type: ignore[arg-type]  # what is tested
    with pytest.raises(TypeError, match=r"^proxy_headers: expected a str for X-A, got 5$"):
        as_told(None, {"X-A": 5})  # type: ignore[arg-type]  # what is tested


@pytest.mark.parametrize("proxy", ["http://user:\u20acuro@proxy.test", "http://proxy.test"])
def test_credentials_that_cannot_be_encoded(proxy: str) -> None:
    auth = None if "@" in proxy else BasicAuth("user", "\u20acuro")
    with pytest.raises(ValueError, match=r"^proxy_auth: expected what can be encoded as latin1$") as caught:
        make_proxy(proxy, auth)
    assert not isinstance(caught.value, UnicodeError)
    assert caught.value.__suppress_context__
    assert make_proxy("http://proxy.test", BasicAuth("user", "\u20acuro", "utf-8")).fields


def test_no_repr_shows_a_secret() -> None:
    proxy = make_proxy("http://user:secret@proxy.test", None, [("X-Key", "secret")])
    route = make_route(HTTP, proxy, True, None)
    for shown in (repr(proxy), str(proxy), repr(route), f"{route}"):
        assert "secret" not in shown
        assert FIELD[1] not in shown
        assert "proxy.test" in shown


def test_the_environment_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    assert proxy_from_environment(HTTP) is None
    monkeypatch.setenv("http_proxy", "http://user:secret@proxy.test:8080")
    monkeypatch.setenv("https_proxy", "socks5h://user:secret@proxy.test")
    monkeypatch.setenv("no_proxy", "direct.test")
    assert proxy_from_environment(HTTP) == (URL("http://proxy.test:8080"), AUTH, (FIELD,))
    assert proxy_from_environment(HTTPS) == (URL("socks5h://proxy.test"), AUTH, ())
    assert proxy_from_environment(URL("http://direct.test/")) is None
    monkeypatch.setenv("http_proxy", "ftp://user:secret@proxy.test")
    with pytest.raises(ValueError, match="http_proxy") as caught:
        proxy_from_environment(HTTP)
    assert "secret" not in str(caught.value)


# Routes


def test_without_a_proxy() -> None:
    assert make_route(HTTP, None, True, None) == Route(Address("there", 80), ())
    assert make_route(HTTPS, None, True, None) == Route(Address("there", 443, True), ())
    assert make_route(URL("http://[::1]:8080/"), None, True, None).address == Address("::1", 8080)


@pytest.mark.parametrize("option", [False, CONTEXT, Fingerprint(bytes(32)), VERIFIED])
def test_options_of_tls_are_part_of_it_where_tls_is_spoken(option: Any) -> None:
    assert make_route(HTTPS, None, option, "other.test").address == Address(
        "there", 443, True, option, server_hostname="other.test"
    )
    assert make_route(HTTP, None, option, "other.test").address == Address("there", 80)
    # A proxy that TLS is spoken to is verified by the same context.
    over = make_route(HTTP, make_proxy("https://proxy.test"), option, None).address
    assert (over.is_ssl, over.ssl) == (False, option)
    plain = make_route(HTTP, make_proxy("http://proxy.test"), option, "other.test").address
    assert (plain.ssl, plain.server_hostname) == (True, None)


@pytest.mark.parametrize("option", [0, 1, "yes", b"", "no"])
def test_what_is_no_option_of_tls(option: Any) -> None:
    for url in (HTTP, HTTPS):
        with pytest.raises(TypeError, match=r"^ssl: expected an SSLContext, a bool or a Fingerprint"):
            make_route(url, None, option, None)


@pytest.mark.parametrize("name", [5, b"other.test", ["other.test"]])
def test_names_that_are_verified_are_str(name: Any) -> None:
    for url in (HTTP, HTTPS):
        with pytest.raises(TypeError, match=r"^server_hostname: expected a str, got "):
            make_route(url, None, True, name)


def test_with_a_proxy() -> None:
    proxy = make_proxy("http://proxy.test", AUTH, [("X-A", "1")])
    for url in (HTTP, HTTPS):
        route = make_route(url, proxy, True, None)
        assert route.proxy_fields == (("X-A", "1"), FIELD)
        assert route.address[:4] == make_route(url, None, True, None).address[:4]
        assert (route.address.proxy, route.address.proxy_auth) == (URL("http://proxy.test"), AUTH)
    bare = make_route(HTTP, make_proxy("http://proxy.test"), True, None)
    assert (bare.proxy_fields, bare.address.proxy_headers_hash) == ((), None)


def test_what_differs_has_its_own_connections() -> None:
    proxies: list[Proxy | None] = [
        None,
        make_proxy("http://proxy.test"),
        make_proxy("http://proxy.test:8080"),
        make_proxy("https://proxy.test"),
        make_proxy("socks5://proxy.test"),
        make_proxy("socks5h://proxy.test"),
        make_proxy("http://user:secret@proxy.test"),
        make_proxy("http://other:secret@proxy.test"),
        make_proxy("socks5://user:secret@proxy.test"),
        make_proxy("socks5://other:secret@proxy.test"),
        make_proxy("http://proxy.test", None, [("X-A", "1")]),
        make_proxy("http://proxy.test", None, [("X-A", "2")]),
        make_proxy("http://proxy.test", None, [FIELD]),
    ]
    for url in (HTTP, HTTPS):
        assert len({make_route(url, proxy, True, None).address for proxy in proxies}) == len(proxies)


def test_what_is_equal_shares_them() -> None:
    for proxy in ("http://user:secret@proxy.test", "socks5://user:secret@proxy.test"):
        one, other = (make_route(HTTPS, make_proxy(proxy), CONTEXT, "a.test") for _ in range(2))
        assert one == other
        assert hash(one.address) == hash(other.address)
