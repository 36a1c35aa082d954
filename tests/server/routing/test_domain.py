"""Which requests are for a host."""

from typing import Any

import pytest

from pronghorn.server.routing.domain import AbstractRuleMatching, Domain, MaskDomain
from pronghorn.testing.memory import make_request

from ...worktime import LINEAR, growth


@pytest.mark.parametrize("kind", [Domain, MaskDomain])
@pytest.mark.parametrize(
    ("domain", "canonical"),
    [
        ("Example.com", "example.com"),
        ("example.com:8080", "example.com:8080"),
        ("example.com:080", "example.com"),
        ("x.", "x"),
        ("é.com", "xn--9ca.com"),
        ("my-site", "my-site"),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
def test_names(kind: type[Domain], domain: str, canonical: str) -> None:
    rule = kind(domain)
    assert rule.get_info() == {"domain": canonical}
    assert rule.canonical == (canonical if kind is Domain else canonical.replace(".", r"\.") + "(:.*)?")
    assert rule.match_domain(canonical)
    assert isinstance(rule, AbstractRuleMatching)
    assert canonical in repr(rule)


@pytest.mark.parametrize(
    "domain",
    [
        "",
        ".",
        "a b",
        "http://x",
        "-a.com",
        "a-.com",
        "a..b",
        "[::1]",
        "a/b",
        "a?b",
        "u@a.com",
        "a:b",
        "a:99999",
        "a_b",
    ],
)
@pytest.mark.parametrize("kind", [Domain, MaskDomain])
def test_what_is_no_host_name(kind: type[Domain], domain: str) -> None:
    with pytest.raises(ValueError, match="domain"):
        kind(domain)


@pytest.mark.parametrize("domain", [None, 1, b"a"])
def test_what_is_no_text(domain: Any) -> None:
    with pytest.raises(TypeError, match="domain"):
        Domain(domain)


def test_a_mask_is_no_domain() -> None:
    with pytest.raises(ValueError, match="host name"):
        Domain("*.a.com")
    assert MaskDomain("*.é.com").get_info() == {"domain": "*.xn--9ca.com"}
    assert MaskDomain("*.a.com").canonical == r"[^:]*\.a\.com(:.*)?"


@pytest.mark.parametrize(
    ("domain", "host", "is_meant"),
    [
        ("a.com", "a.com", True),
        ("a.com", "A.COM", True),
        ("a.com", "a.com.", True),
        ("a.com", "a.com:8080", True),
        ("a.com:80", "a.com:8080", True),
        ("a.com:8080", "a.com:8080", True),
        ("a.com:8080", "a.com", False),
        ("a.com:8080", "a.com:80", False),
        ("a.com", "b.a.com", False),
        ("a.com", "a.com.evil.org", False),
        ("a.com", "[::1]:80", False),
        ("a.com", "", False),
        ("*.a.com", "b.a.com", True),
        ("*.a.com", "c.b.A.com:81", True),
        ("*.a.com", "a.com", False),
        ("*.a.com", "a.com.b", False),
        ("*.a.com", "evil.org:.a.com", False),
        ("*.a.com", "evil.org:80.a.com", False),
        ("*.a.com:81", "b.a.com:81", True),
        ("*.a.com:81", "b.a.com", False),
        ("b*.a.com", "bcd.a.com", True),
        ("a*com", "aXcom", True),
        ("a*com", "a.com", True),
        ("*", "anything", True),
        ("a.*", "aXb", False),
    ],
)
def test_matching(domain: str, host: str, is_meant: bool) -> None:
    rule = MaskDomain(domain) if "*" in domain else Domain(domain)
    assert rule.match_domain(host) is is_meant


async def test_the_host_is_that_of_the_target_and_else_of_the_field() -> None:
    rule = Domain("a.com")

    async def matches(target: str, *fields: tuple[str, str]) -> bool:
        return await rule.match(make_request("GET", target, fields))

    assert await matches("/", ("Host", "a.com"))
    assert await matches("/?http://b.com/", ("Host", "a.com"))
    assert not await matches("/?http://a.com/", ("Host", "b.com"))
    assert not await matches("/")
    assert not await matches("/", ("Host", ""))
    for target in ("http://a.com/x", "http://A.com:80", "http://a.com?b=c"):
        assert await matches(target)
        assert await matches(target, ("Host", "b.com"))
    assert not await matches("http://b.com/x", ("Host", "a.com"))
    assert await rule.match(make_request("OPTIONS", "*", [("Host", "a.com")]))


@pytest.mark.timed
def test_a_mask_costs_no_more_than_the_length_of_the_host() -> None:
    rule = MaskDomain("*.a*.b*.c*.com")
    assert growth(lambda size: rule.match_domain(".a" * size + ".b" * size), 2000) < LINEAR
