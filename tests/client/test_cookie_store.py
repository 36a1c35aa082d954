"""The storage model; sections are those of draft-ietf-httpbis-rfc6265bis-22."""

from math import inf

import pytest

from pronghorn.client.cookie_store import CookieStore, Key, Setter, StoredCookie, is_alone
from pronghorn.wire.cookies import parse_set_cookie

from ..worktime import LINEAR, growth

HOST = Setter("www.a.example", "/x", is_secure=True)


def key_of(field: str, setter: Setter = HOST) -> Key | None:
    cookie = parse_set_cookie(field)
    assert cookie is not None
    return setter.key_of(cookie)


def kept(
    name: str,
    value: str = "",
    domain: str = "a.example",
    path: str = "/",
    *,
    host_only: bool = False,
    secure: bool = False,
    expires: float = inf,
) -> StoredCookie:
    return StoredCookie(
        Key(domain, path, name, host_only), value, {"secure": True} if secure else {}, expires
    )


def store_of(*cookies: StoredCookie) -> CookieStore:
    store = CookieStore()
    for cookie in cookies:
        store.put(cookie)
    return store


def sent(store: CookieStore, host: str = "a.example", path: str = "/", *, secure: bool = True) -> list[str]:
    return [cookie.pair for cookie in store.select(host, path, is_secure=secure)]


# What may be set (section 5.7)


@pytest.mark.parametrize(
    ("attributes", "key"),
    [
        ("", ("www.a.example", "/x", "c", True)),
        ("; Domain=", ("www.a.example", "/x", "c", True)),
        ("; Domain=.", ("www.a.example", "/x", "c", True)),
        ("; Domain=www.a.example", ("www.a.example", "/x", "c", False)),
        ("; Domain=.WWW.A.Example", ("www.a.example", "/x", "c", False)),
        ("; Domain=a.example", ("a.example", "/x", "c", False)),
        ("; Domain=b.example; Domain=a.example", ("a.example", "/x", "c", False)),
        ("; Path=/", ("www.a.example", "/", "c", True)),
        ("; Path=/elsewhere", ("www.a.example", "/elsewhere", "c", True)),
        ("; Path=", ("www.a.example", "/x", "c", True)),
        ("; Path=relative", ("www.a.example", "/x", "c", True)),
        ("; Path=/y; Path=relative", ("www.a.example", "/x", "c", True)),
    ],
)
def test_key(attributes: str, key: tuple[str, str, str, bool]) -> None:
    assert key_of("c=d" + attributes) == key


@pytest.mark.parametrize(
    "domain",
    [
        "example",  # a public suffix
        ".example",
        "b.example",
        "ww.a.example",
        "x.www.a.example",
        "w.a.example",
        "..a.example",
        "a.example.",
        "example.",
        "a.example:80",
        "http://a.example",
        "*.a.example",
        "bücher.example",
        "a.example\u3002",
        "127.0.0.1",
    ],
)
def test_a_domain_that_is_not_the_hosts(domain: str) -> None:
    assert key_of(f"c=d; Domain={domain}") is None


def test_letters_that_fold_into_ascii_ones() -> None:
    setter = Setter("k.a.example", "/", is_secure=True)
    assert key_of("c=d; Domain=K.a.example", setter) is not None
    assert key_of("c=d; Domain=\u212a.a.example", setter) is None


@pytest.mark.parametrize(
    ("host", "domain"),
    [("evil.com", "com"), ("evil.co.uk", "co.uk"), ("evil.github.io", "github.io"), ("a.evil.ck", "evil.ck")],
)
def test_no_super_cookies(host: str, domain: str) -> None:
    assert key_of(f"c=d; Domain={domain}", Setter(host, "/", is_secure=True)) is None
    assert key_of(f"c=d; Domain={domain}.", Setter(f"{host}.", "/", is_secure=True)) is None


@pytest.mark.parametrize("host", ["github.io", "co.uk", "localhost"])
def test_a_public_suffix_has_cookies_of_its_own(host: str) -> None:
    setter = Setter(host, "/", is_secure=True)
    assert key_of(f"c=d; Domain={host}", setter) == (host, "/", "c", True)
    assert key_of("c=d", setter) == (host, "/", "c", True)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "127.1", "2130706433"])
def test_an_ip_address_has_no_domain(host: str) -> None:
    setter = Setter(host, "/", is_secure=True)
    assert key_of("c=d", setter) == (host, "/", "c", True)
    assert key_of(f"c=d; Domain={host}", setter) == (host, "/", "c", True)
    assert key_of("c=d; Domain=0.1", setter) is None
    assert is_alone(host)


def test_secure_takes_a_secure_origin() -> None:
    plain = HOST._replace(is_secure=False)
    assert key_of("c=d; Secure") is not None
    assert key_of("c=d; Secure", plain) is None
    assert key_of("__Host-c=d; Secure; Path=/", plain) is None
    assert key_of("c=d", plain) is not None


@pytest.mark.parametrize(
    ("field", "is_kept"),
    [
        ("__Host-c=d; Secure; Path=/", True),
        ("__Host-c=d; Secure; Path=/; Domain=", True),
        ("__Host-c=d; Secure; Path=/; Domain=www.a.example", False),
        ("__Host-c=d; Secure; Path=/; Domain=a.example", False),
        ("__HOST-c=d; Secure; Path=/; Domain=a.example", False),
        ("__Host-c=d; Secure", False),
        ("__Host-c=d; Path=/", False),
        ("__Secure-c=d; Secure; Domain=a.example", True),
        ("__Secure-c=d", False),
        ("__SECURE-c=d", False),
        ("c=d; SameSite=None", False),
        ("c=d; Partitioned", False),
        ("c=d; SameSite=None; Partitioned; Secure", True),
    ],
)
def test_names_and_attributes_that_promise(field: str, is_kept: bool) -> None:
    assert (key_of(field, HOST._replace(default_path="/")) is not None) is is_kept


def test_for_every_host() -> None:
    everywhere = Setter("", "/", is_secure=True)
    assert key_of("c=d", everywhere) == ("", "/", "c", False)
    assert key_of("__Host-c=d; Secure; Path=/", everywhere) == ("", "/", "__Host-c", False)
    assert key_of("c=d; Domain=a.example; Path=/x", everywhere) == ("a.example", "/x", "c", False)
    assert key_of("c=d; Domain=com", everywhere) == ("com", "/", "c", True)


# What is sent (section 5.8.3)


def test_longer_paths_first_then_by_creation() -> None:
    store = store_of(
        kept("a", "1"),
        kept("b", "2", path="/x"),
        kept("c", "3", path="/x/y"),
        kept("d", "4"),
        kept("e", "5", path="/x"),
        kept("f", "6", path="/z"),
    )
    assert sent(store, path="/x/y/z") == ["c=3", "b=2", "e=5", "a=1", "d=4"]
    store.put(kept("a", "7"))  # set again, it keeps its creation
    assert sent(store) == ["a=7", "d=4"]


def test_domains() -> None:
    store = store_of(
        kept("a", "1"),
        kept("b", "2", host_only=True),
        kept("c", "3", "www.a.example"),
        kept("d", "4", "b.example"),
        kept("e", "5", ""),
    )
    assert sent(store, "a.example") == ["a=1", "b=2", "e=5"]
    assert sent(store, "www.a.example") == ["a=1", "c=3", "e=5"]
    assert sent(store, "x.www.a.example") == ["a=1", "c=3", "e=5"]
    assert sent(store, "ba.example") == ["e=5"]
    assert sent(store, "a.example.") == ["e=5"]
    assert sent(store, "127.0.0.1") == ["e=5"]
    assert sent(store, "") == ["e=5"]


def test_secure_cookies_want_a_secure_origin() -> None:
    store = store_of(kept("a", secure=True), kept("b"))
    assert sent(store, secure=True) == ["a=", "b="]
    assert sent(store, secure=False) == ["b="]


def test_of_one_name_the_nearest_is_sent() -> None:
    host = "www.a.example"
    rivals = [
        kept("sid", "own", host, host_only=True),
        kept("sid", "tossed by a neighbour", "a.example", "/login"),
        kept("sid", "for all of this domain", host),
        kept("sid", "for every host", ""),
    ]
    for turn in range(len(rivals)):
        store = store_of(*rivals[turn:], *rivals[:turn], kept("x", "y"))
        assert sorted(sent(store, host, "/login")) == ["sid=own", "x=y"]
    store = store_of(*rivals[1:])
    assert sent(store, host) == ["sid=for all of this domain"]
    assert sent(store, "a.example") == ["sid=for every host"]
    assert sent(store, "a.example", "/login") == ["sid=tossed by a neighbour"]


def test_of_one_name_and_domain_the_longest_path_is_sent() -> None:
    store = store_of(kept("a", "1"), kept("b", "2", path="/x"), kept("a", "3", path="/x/y"))
    assert sent(store, path="/x/y") == ["a=3", "b=2"]
    assert sent(store, path="/x") == ["b=2", "a=1"]


def test_150_cookies_are_sent() -> None:
    store = store_of(
        *(kept(f"{number}", domain=domain) for domain in ("", "a.example") for number in range(170))
    )
    assert len(sent(store)) == 150
    store = store_of(*(kept(f"{number}") for number in range(149)), kept("last", path="/x"))
    assert len(sent(store, path="/x")) == 150
    assert sent(store, path="/x")[0] == "last="


def test_a_line_of_8190_octets_is_sent() -> None:
    size = (8190 - len("Cookie: a=; b=")) // 2
    full = [f"a={'x' * size}", f"b={'ü' * (size // 2)}"]
    assert len(f"Cookie: {'; '.join(full)}".encode()) == 8190
    store = store_of(kept("a", "x" * size), kept("b", "ü" * (size // 2)))
    assert sent(store) == full
    store.put(kept("c"))
    assert sent(store) == full
    store.put(kept("b", "ü" * (size // 2) + "x"))  # one octet more, and there is room for another instead
    assert sent(store) == [full[0], "c="]


# Leave Secure cookies alone (section 5.7)

SECURE = kept("sid", domain="a.example", path="/login", secure=True)


@pytest.mark.parametrize(
    ("key", "overlays"),
    [
        (("a.example", "/login", "sid", False), True),
        (("a.example", "/login", "sid", True), True),
        (("a.example", "/login/en", "sid", False), True),
        (("www.a.example", "/login", "sid", True), True),
        (("example", "/login", "sid", False), True),
        (("a.example", "/", "sid", False), False),
        (("a.example", "/log", "sid", False), False),
        (("b.example", "/login", "sid", False), False),
        (("a.example", "/login", "SID", False), False),
    ],
)
def test_overlays_secure(key: tuple[str, str, str, bool], overlays: bool) -> None:
    assert store_of(SECURE).overlays_secure(Key(*key)) is overlays
    assert not store_of(kept("sid", path="/login")).overlays_secure(Key(*key))


def test_a_secure_cookie_that_is_gone_is_overlaid() -> None:
    key = Key("a.example", "/", "sid", is_host_only=False)
    for replacing in (True, False):
        store = store_of(kept("sid", secure=True))
        assert store.overlays_secure(key)
        if replacing:
            store.put(kept("sid"))
        else:
            store.discard(key)
        assert not store.overlays_secure(key)


# Bounds


def test_180_cookies_of_a_domain_the_oldest_goes_first() -> None:
    store = store_of(kept("other", domain="b.example"), *(kept(f"{number}") for number in range(180)))
    store.put(kept("0"))  # set again: it is not the oldest any more
    store.put(kept("180"))
    names = {cookie.name for cookie in store.cookies.values()}
    assert names == {"other", "0", *(f"{number}" for number in range(2, 181))}


def test_secure_cookies_of_a_domain_go_last() -> None:
    store = store_of(kept("sid", secure=True), *(kept(f"{number}") for number in range(1000)))
    assert len(store.cookies) == 180
    assert sent(store)[0] == "sid="
    store = store_of(*(kept(f"{number}", secure=True) for number in range(180)))
    store.put(kept("flood"))
    assert "flood=" not in sent(store)
    store.put(kept("180", secure=True))
    assert {cookie.name for cookie in store.cookies.values()} == {f"{number}" for number in range(1, 181)}


def test_3300_cookies_in_all_the_oldest_goes_first() -> None:
    store = store_of(*(kept("a", domain=f"{number}.example") for number in range(10_000)))
    assert len(store.cookies) == 3300
    assert sent(store, "6699.example") == []
    assert sent(store, "6700.example") == ["a="]
    assert len(store._by_domain) == 3300


def test_the_indexes_forget_what_is_gone() -> None:
    store = CookieStore()
    for number in range(10_000):
        cookie = kept(f"{number}", domain=f"{number}.example", secure=True, expires=number)
        store.put(cookie)
        store.expire(number)
    assert (store.cookies, store._by_domain, store._secure_by_name, store._expiries) == ({}, {}, {}, [])


# Expiry


def test_expiry() -> None:
    store = store_of(kept("a", expires=10), kept("b", expires=20.5), kept("c", expires=5), kept("d"))
    for now, left in ((4.9, "abcd"), (5, "abd"), (20, "bd"), (20.5, "d"), (1e12, "d")):
        store.expire(now)
        assert {cookie.name for cookie in store.cookies.values()} == set(left)


def test_a_cookie_that_was_set_again_expires_when_it_said_last() -> None:
    store = store_of(kept("a", expires=10), kept("a", expires=20), kept("b", expires=10), kept("b"))
    store.expire(15)
    assert sent(store) == ["a=", "b="]
    store.expire(20)
    assert sent(store) == ["b="]


def test_cookies_set_again_and_again_leave_nothing_behind() -> None:
    store = store_of(kept("stays", expires=7))
    for number in range(10_000):
        store.put(kept("a", expires=1_000_000 + number))
        assert len(store._expiries) <= 2 * len(store.cookies) + 65
    store.expire(7)
    assert sent(store) == ["a="]
    store.expire(1_009_999)
    assert not store.cookies


# Time: a quadratic jar gives 4


@pytest.mark.timed
@pytest.mark.parametrize("domains", [1, 17, 1 << 30], ids=["one domain", "some domains", "a domain each"])
def test_putting_takes_the_same_time_however_many_there_were(domains: int) -> None:
    def fill(count: int) -> None:
        store = CookieStore()
        for number in range(count):
            store.put(kept(f"{number}", domain=f"{number % domains}.example", secure=True, expires=number))

    # Beyond the bounds of a jar, so that both sizes put out as many as they put in.
    assert growth(fill, 12_000) < LINEAR


@pytest.mark.timed
def test_a_request_looks_at_no_cookies_of_other_domains() -> None:
    def ask(count: int) -> None:
        store = store_of(*(kept("a", domain=f"{number}.example", expires=2) for number in range(count)))
        for _ in range(20 * count):
            store.expire(1)
            store.select("1.example", "/", is_secure=True)

    assert growth(ask, 1_500) < LINEAR
