import asyncio
import copy
import inspect
import pickle
from collections.abc import Iterable, Iterator, Mapping, Sized
from http.cookies import BaseCookie, Morsel, SimpleCookie
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from multidict import MultiDict
from yarl import URL

from pronghorn.client.cookiejar import AbstractCookieJar, CookieJar, DummyCookieJar
from pronghorn.client.morsels import response_cookies

from .jars import HERE, NOWHERE, PLAIN, ClockedJar, given, jar_of, sent


def told(morsel: "Morsel[str]") -> dict[str, object]:
    return {name: value for name, value in morsel.items() if value}


# What a jar is


def test_a_jar_is_sized_and_iterable() -> None:
    for jar in (CookieJar(), DummyCookieJar()):
        assert isinstance(jar, AbstractCookieJar)
        assert isinstance(jar, Sized)
        assert isinstance(jar, Iterable)
        assert len(jar) == 0
        assert list(jar) == []


def test_documented_signatures() -> None:
    def parameters(function: Any) -> list[str]:
        return [name for name in inspect.signature(function).parameters if name != "self"]

    assert parameters(CookieJar) == ["unsafe", "quote_cookie", "treat_as_secure_origin", "loop"]
    assert parameters(DummyCookieJar) == parameters(AbstractCookieJar.__init__) == ["loop"]
    for kind in (AbstractCookieJar, CookieJar, DummyCookieJar):
        assert parameters(kind.update_cookies) == ["cookies", "response_url"]
        assert inspect.signature(kind.update_cookies).parameters["response_url"].default == URL()
        assert parameters(kind.filter_cookies) == ["request_url"]
        assert parameters(kind.update_cookies_from_headers) == ["headers", "response_url"]
        assert parameters(kind.clear) == ["predicate"]
        assert parameters(kind.clear_domain) == ["domain"]
    assert inspect.signature(CookieJar.filter_cookies).parameters["request_url"].default == URL()


def test_a_jar_needs_no_loop_and_takes_any() -> None:
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
    loop = asyncio.new_event_loop()
    try:
        for jar in (CookieJar(loop=loop), DummyCookieJar(loop=loop), CookieJar(loop=None)):
            assert sent(jar) == ""
    finally:
        loop.close()


def test_options() -> None:
    jar = CookieJar()
    assert (jar.unsafe, jar.quote_cookie, jar.treat_as_secure_origin) == (False, True, frozenset())
    jar = CookieJar(unsafe=True, quote_cookie=False)
    assert (jar.unsafe, jar.quote_cookie) == (True, False)


# Given by the caller


@pytest.mark.parametrize(
    "cookies",
    [
        {"a": "1", "b": "2"},
        [("a", "1"), ("b", "2")],
        (pair for pair in [("a", "1"), ("b", "2")]),
        MultiDict(a="1", b="2"),
        MappingProxyType({"a": 1, "b": 2}),
        SimpleCookie("a=1; b=2"),
        {"a": SimpleCookie("a=1")["a"], "b": "2"},
        {"group": SimpleCookie("a=1; b=2")},
        response_cookies(["a=1", "b=2"]),
    ],
    ids=lambda cookies: type(cookies).__name__,
)
def test_forms_of_cookies(cookies: Any) -> None:
    jar = given(cookies, HERE)
    assert sent(jar) == "a=1; b=2"
    assert sent(jar, "https://a.example/") == ""
    assert jar.host_only_cookies == {("www.a.example", "/x", "a"), ("www.a.example", "/x", "b")}


@pytest.mark.parametrize("nowhere", [None, URL(), ""])
def test_shared_cookies(nowhere: Any) -> None:
    jar = given({"a": "1"}, nowhere)
    for url in ("http://a.example/x", "https://b.example/", "http://127.0.0.1/", "http://[::1]/", ""):
        assert sent(jar, url) == "a=1"
    assert {jar.filter_cookies(none)["a"].value for none in (None, URL(), "")} == {"1"}
    assert jar.host_only_cookies == frozenset()
    assert [(morsel["domain"], morsel["path"]) for morsel in jar] == [("", "/")]


def test_the_attributes_of_a_morsel_count() -> None:
    cookies = SimpleCookie("a=1; b=2; c=3; d=4")
    cookies["a"]["domain"] = ".a.example"
    cookies["b"]["path"] = "/x"
    cookies["c"]["secure"] = True
    cookies["d"]["max-age"] = 10
    jar = given(cookies)
    assert sent(jar) == "b=2; a=1; c=3; d=4"
    assert sent(jar, "https://b.example/") == "c=3; d=4"
    assert sent(jar, "http://b.example/") == "d=4"
    jar.now += 10
    assert sent(jar, "http://b.example/") == ""


def test_a_response_url_may_be_text() -> None:
    assert sent(given({"a": "1"}, str(HERE))) == "a=1"


@pytest.mark.parametrize(
    ("quote_cookie", "field"), [(True, 'a="b c"; d=e/f='), (False, "a=b c; d=e/f=")], ids=["quoted", "raw"]
)
def test_quote_cookie(quote_cookie: bool, field: str) -> None:
    jar = given({"a": "b c", "d": "e/f="}, quote_cookie=quote_cookie)
    assert sent(jar) == field
    assert jar.filter_cookies(HERE)["a"].value == "b c"


def test_a_prefixed_cookie_of_the_callers() -> None:
    jar = given({"__Host-a": "1", "__Secure-b": "2"})
    assert sent(jar) == "__Host-a=1; __Secure-b=2"
    assert sent(jar, PLAIN) == ""
    assert sent(given({"__Host-a": "1"}, HERE)) == "__Host-a=1"


@pytest.mark.parametrize(
    ("cookies", "error"),
    [
        ({"ok": "1", "a": "x\r\nX: y"}, ValueError),
        ({"ok": "1", "a\r\n": "x"}, ValueError),
        ({"ok": "1", "a;b": "x"}, ValueError),
        ({"ok": "1", "": "x"}, ValueError),
        ({"ok": "1", "a": None}, TypeError),
        ({"ok": "1", "a": b"x"}, TypeError),
        ([("ok", "1"), ("a", "b", "c")], ValueError),
        ("a=b", TypeError),
        (b"a=b", TypeError),
        (5, TypeError),
        (None, TypeError),
    ],
)
def test_what_cannot_be_sent(cookies: Any, error: type[Exception]) -> None:
    jar = CookieJar()
    with pytest.raises(error):
        jar.update_cookies(cookies)
    assert len(jar) == 0


# Seen from outside


def test_iteration_gives_morsels() -> None:
    jar = jar_of(
        'a="b c"; Domain=.A.example; Max-Age=10; HttpOnly; SameSite=strict',
        "d=e; Path=/; Partitioned; Secure",
    )
    first, second = jar
    assert isinstance(first, Morsel)
    assert (first.key, first.value, first.coded_value) == ("a", "b c", '"b c"')
    assert told(first) == {
        "domain": "a.example",
        "path": "/x",
        "max-age": "10",
        "httponly": True,
        "samesite": "Strict",
    }
    assert told(second) == {"domain": "www.a.example", "path": "/", "secure": True, "partitioned": True}


def test_what_is_filtered_has_no_attributes_and_belongs_to_the_caller() -> None:
    jar = jar_of("a=1; Path=/; Secure; HttpOnly")
    filtered = jar.filter_cookies(HERE)
    assert type(filtered) is SimpleCookie
    assert told(filtered["a"]) == {}
    assert filtered.output(header="", sep=";") == " a=1"
    filtered["a"] = "changed"
    filtered["b"] = "new"
    for morsel in jar:
        morsel["domain"] = "evil.example"
    assert sent(jar) == "a=1"


def test_cookies_by_domain_and_path() -> None:
    jar = jar_of("a=1", "b=2; Path=/; Domain=a.example", "c=3; Path=/x/")
    jar.update_cookies({"d": "4"})
    cookies = jar.cookies
    assert {place: list(group) for place, group in cookies.items()} == {
        ("www.a.example", "/x"): ["a", "c"],
        ("a.example", ""): ["b"],
        ("", ""): ["d"],
    }
    assert all(isinstance(group, SimpleCookie) for group in cookies.values())
    assert jar.host_only_cookies == {("www.a.example", "/x", "a"), ("www.a.example", "/x", "c")}
    assert isinstance(cookies, Mapping)
    for change in (lambda view: view.update({}), lambda view: view.clear()):
        with pytest.raises(AttributeError):
            change(cookies)


def test_clear() -> None:
    jar = jar_of("a=1", "b=2; Secure")
    jar.clear(lambda morsel: bool(morsel["secure"]))
    assert sent(jar) == "a=1"
    with pytest.raises(LookupError):
        jar.clear(lambda morsel: morsel["no such attribute"])
    assert len(jar) == 1
    jar.clear()
    assert len(jar) == 0
    assert sent(jar) == ""


def test_clear_domain() -> None:
    jar = given({"shared": "1"})
    for host in ("a.example", "b.a.example", "ba.example", "example"):
        jar.update_cookies({"c": "1"}, URL(f"https://{host}"))
    jar.clear_domain("A.example")
    assert sorted(morsel["domain"] for morsel in jar) == ["", "ba.example", "example"]
    jar.clear_domain("example")
    assert [morsel["domain"] for morsel in jar] == [""]


def test_its_repr_tells_no_secret() -> None:
    assert repr(jar_of("a=secret", "b=secret")) == "<ClockedJar: 2 cookies>"


# The field of a request


def test_cookies_of_a_request() -> None:
    jar = jar_of("a=1; Path=/", "b=2; Path=/")
    assert jar.cookie_field(HERE, {"b": "own", "c": "x y"}) == 'a=1; b=own; c="x y"'
    assert (
        jar.cookie_field(HERE, response_cookies(["a=2; Path=/elsewhere", "d=4; Secure"])) == "a=1; b=2; d=4"
    )
    assert jar.cookie_field(PLAIN, response_cookies(["d=4; Secure"])) == "a=1; b=2"
    assert jar.cookie_field(HERE, {}) == jar.cookie_field(HERE, None) == "a=1; b=2"
    assert sent(jar) == "a=1; b=2"
    assert DummyCookieJar().cookie_field(HERE, {"a": "b"}) == "a=b"
    assert jar_of(quote_cookie=False).cookie_field(HERE, {"a": "b c"}) == "a=b c"
    assert CookieJar().cookie_field(URL("http://127.0.0.1/"), {"a": "b"}) == "a=b"
    with pytest.raises(ValueError, match="cookie"):
        jar.cookie_field(HERE, {"a": "b\r\nX: y"})


def test_a_filter_of_a_subclass_decides() -> None:
    class Picky(CookieJar):
        def filter_cookies(self, request_url: Any = NOWHERE) -> SimpleCookie:
            found = super().filter_cookies(request_url)
            found.pop("a", None)
            return found

    jar = Picky()
    jar.update_cookies_from_headers(["a=1", "b=2"], HERE)
    assert sent(jar) == "b=2"


class ListJar(AbstractCookieJar):
    """A jar of somebody else's: what it must have, and nothing more."""

    unsafe = True
    quote_cookie = True
    cookies: Mapping[tuple[str, str], SimpleCookie] = MappingProxyType({})
    host_only_cookies: frozenset[tuple[str, str, str]] = frozenset()

    def __init__(self) -> None:
        super().__init__()
        self.updates: list[tuple[Any, URL]] = []

    def __iter__(self) -> Iterator["Morsel[str]"]:
        return iter([cookie for cookies, _ in self.updates for _, cookie in cookies])

    def __len__(self) -> int:
        return len(list(self))

    def clear(self, predicate: Any = None) -> None:
        self.updates.clear()

    def clear_domain(self, domain: str) -> None:
        self.updates.clear()

    def update_cookies(self, cookies: Any, response_url: URL = NOWHERE) -> None:
        self.updates.append((cookies, response_url))

    def filter_cookies(self, request_url: URL) -> "BaseCookie[str]":
        return SimpleCookie({cookie.key: cookie.value for cookie in self})


def test_a_jar_of_somebody_elses() -> None:
    jar = ListJar()
    jar.update_cookies_from_headers(["no cookie"], HERE)
    assert jar.updates == []
    jar.update_cookies_from_headers(["a=1; Path=/x", "a=2; Path=/y"], HERE)
    ((cookies, url),) = jar.updates
    assert url == HERE
    assert [(name, morsel.value, morsel["path"]) for name, morsel in cookies] == [
        ("a", "1", "/x"),
        ("a", "2", "/y"),
    ]
    assert sent(jar) == "a=2"
    assert jar.treat_as_secure_origin == frozenset()


def test_what_must_be_there() -> None:
    names = "clear clear_domain cookies filter_cookies host_only_cookies quote_cookie unsafe update_cookies"
    assert AbstractCookieJar.__abstractmethods__ == {*names.split(), "__iter__", "__len__"}


# No cookies


def test_dummy_jar() -> None:
    jar = DummyCookieJar()
    jar.update_cookies({"a": "b"})
    jar.update_cookies_from_headers(["a=b"], HERE)
    assert type(jar.filter_cookies(HERE)) is SimpleCookie
    assert (sent(jar), len(jar), list(jar), jar.filter_cookies()) == ("", 0, [], {})
    jar.clear()
    jar.clear_domain("a.example")
    assert (jar.cookies, jar.host_only_cookies, jar.treat_as_secure_origin) == ({}, frozenset(), frozenset())
    assert (jar.unsafe, jar.quote_cookie) == (False, True)


# Kept elsewhere

FIELDS = (
    "a=1; Path=/; Domain=a.example; Max-Age=10",
    'b="2 3"; Secure; HttpOnly; SameSite=Lax; Partitioned',
    "c[d]=ü; Path=/x/y",
)


def state(jar: CookieJar) -> object:
    return (
        sent(jar),
        sorted((morsel.key, morsel.coded_value, morsel["path"], morsel["secure"]) for morsel in jar),
        jar.host_only_cookies,
        jar.treat_as_secure_origin,
    )


def test_save_and_load(tmp_path: Path) -> None:
    jar = jar_of(*FIELDS)
    jar.update_cookies({"shared": "x"})
    jar.save(tmp_path / "jar")
    other = given({"forgotten": "1"})
    other.load(str(tmp_path / "jar"))
    assert state(other) == state(jar)
    other.now += 10
    assert "a" not in other.filter_cookies(HERE)
    assert sent(other, "https://b.www.a.example/x/y") == "shared=x"  # GHSA-2fqr-mr3j-6wp8: host-only is kept


def test_what_has_expired_is_neither_saved_nor_loaded(tmp_path: Path) -> None:
    jar = jar_of(*FIELDS)
    jar.save(tmp_path / "jar")
    late = ClockedJar()
    late.now += 10
    late.load(tmp_path / "jar")
    assert sorted(morsel.key for morsel in late) == ["b", "c[d]"]
    jar.now += 10
    jar.save(tmp_path / "jar")
    early = ClockedJar()
    early.load(tmp_path / "jar")
    assert sorted(morsel.key for morsel in early) == ["b", "c[d]"]


def test_a_file_that_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    jar = jar_of(*FIELDS)
    before = state(jar)
    (tmp_path / "jar").write_bytes(pickle.dumps({}))
    with pytest.raises(ValueError, match="a pickle"):
        jar.load(tmp_path / "jar")
    with pytest.raises(FileNotFoundError):
        jar.load(tmp_path / "none")
    assert state(jar) == before


def test_a_file_cannot_say_what_no_server_may(tmp_path: Path) -> None:
    (tmp_path / "jar").write_text(
        """[{"key": "a", "coded_value": "1", "domain": "com"},
        {"key": "b", "coded_value": "2", "domain": "127.0.0.1", "host_only": true},
        {"key": "c", "coded_value": "3", "domain": "a.com"}]"""
    )
    jar = ClockedJar()
    jar.load(tmp_path / "jar")
    assert sent(jar, "https://b.com") == sent(jar, "http://127.0.0.1/") == ""
    assert sent(jar, "https://com") == "a=1"
    assert sent(jar, "https://b.a.com") == "c=3"
    jar = ClockedJar(unsafe=True)
    jar.load(tmp_path / "jar")
    assert sent(jar, "http://127.0.0.1/") == "b=2"


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(protocol: int) -> None:
    jar = jar_of(*FIELDS, treat_as_secure_origin="http://a.example")
    assert state(pickle.loads(pickle.dumps(jar, protocol))) == state(jar)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_is_another_jar(copied: Any) -> None:
    jar = jar_of(*FIELDS)
    before = state(jar)
    twin = copied(jar)
    assert state(twin) == before
    twin.update_cookies({"x": "y"}, HERE)
    twin.clear(lambda morsel: morsel.key == "a")
    assert state(jar) == before
    jar.clear()
    assert sorted(morsel.key for morsel in twin) == ["b", "c[d]", "x"]
