"""Reading and writing cookies takes linear time, whatever they are made of."""

from collections.abc import Callable

import pytest

from pronghorn.wire.cookies import (
    check_pair,
    format_cookies,
    format_set_cookie,
    parse_cookie_date,
    parse_cookies,
    parse_set_cookie,
    unquote_value,
)

from ..worktime import LINEAR, growth


def refused(work: Callable[..., object], *arguments: object) -> None:
    with pytest.raises(ValueError, match="cookie a"):
        work(*arguments)


def date(text: str) -> None:
    parse_cookie_date.cache_clear()
    parse_cookie_date(text)


def quoted(count: int) -> str:
    return '"' + r"\0" * count + r"\"" * count + "\\" * count + '"'


WORK: dict[str, Callable[[int], object]] = {
    "attributes": lambda size: parse_set_cookie("a=b" + "; Path=/" * size),
    "empty attributes": lambda size: parse_set_cookie("a=b" + ";" * size),
    "whitespace": lambda size: parse_set_cookie("a=b;" + " " * size + "x" + " " * size),
    "equals signs": lambda size: parse_set_cookie("a" + "=" * size),
    "pairs": lambda size: parse_cookies("a=b; " * size),
    "nameless pairs": lambda size: parse_cookies(";" * size),
    "spaces between": lambda size: parse_cookies((" " * size) + "a=b" + (" " * size)),
    "CVE-2024-7592 quotes": lambda size: unquote_value(quoted(size)),
    "date of digits": lambda size: date("1" * size),
    "date of tokens": lambda size: date("1a:" * size + " 1 a" * size),
    "date of colons": lambda size: date("1:1:" * size),
    "inner whitespace": lambda size: format_cookies([("a", "b" + " " * size + "c")]),
    "outer whitespace": lambda size: refused(check_pair, "a", "b" + " " * size),
    "refused quotes": lambda size: refused(format_set_cookie, "a", '"' + "\\a" * size, {}),
    "labels": lambda size: format_set_cookie("a", "b", {"domain": "a" + ".a" * size}),
    "refused labels": lambda size: refused(format_set_cookie, "a", "b", {"domain": "a" + ".a" * size + "!"}),
}


@pytest.mark.timed
@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_time_is_linear(work: Callable[[int], object]) -> None:
    assert growth(work, 50_000) < LINEAR


@pytest.mark.parametrize("separator", ["; ", ";", ",", "=", '"', "\\"])
def test_CVE_2024_52804_a_hundred_thousand_cookies(separator: str) -> None:
    assert len(parse_cookies(f"a=b{separator}" * 100_000)) <= 1024
