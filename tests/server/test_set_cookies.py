"""The cookies of responses: set, looked at, taken back, and what can't be one."""

import copy
import pickle
from http.cookies import Morsel
from typing import Any

import pytest

from pronghorn import web
from pronghorn.testing.memory import MemoryExchange, make_request

from .peer import connect, serving

LONG_AGO = "Thu, 01 Jan 1970 00:00:00 GMT"


async def sent(response: web.StreamResponse) -> list[str]:
    request = make_request()
    await response.prepare(request)
    await response.write_eof()
    assert isinstance(request.exchange, MemoryExchange)
    assert request.exchange.sent is not None
    return request.exchange.sent.fields.getall("Set-Cookie", [])


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({}, "a=b; Path=/"),
        ({"path": "/x"}, "a=b; Path=/x"),
        ({"path": ""}, "a=b"),
        ({"domain": "example.org"}, "a=b; Domain=example.org; Path=/"),
        ({"max_age": 0}, "a=b; Max-Age=0; Path=/"),
        ({"max_age": "60"}, "a=b; Max-Age=60; Path=/"),
        ({"expires": LONG_AGO}, f"a=b; Expires={LONG_AGO}; Path=/"),
        ({"secure": True, "httponly": True}, "a=b; Path=/; Secure; HttpOnly"),
        ({"secure": False, "httponly": False, "partitioned": False}, "a=b; Path=/"),
        ({"samesite": "Lax"}, "a=b; Path=/; SameSite=Lax"),
        ({"secure": True, "partitioned": True}, "a=b; Path=/; Secure; Partitioned"),
        ({"version": "1"}, "a=b; Path=/; Version=1"),
    ],
)
async def test_a_cookie_with_its_attributes(options: dict[str, Any], field: str) -> None:
    response = web.Response()
    response.set_cookie("a", "b", **options)
    assert await sent(response) == [field]


@pytest.mark.parametrize(
    ("value", "coded"),
    [("a b", '"a b"'), ('a"b', r'"a\"b"'), ("a;b", r'"a\073b"'), ("é", r'"\351"'), ("", "")],
)
async def test_a_value_is_quoted_if_it_has_to_be(value: str, coded: str) -> None:
    response = web.StreamResponse()
    response.set_cookie("a", value)
    assert response.cookies["a"].value == value
    assert await sent(response) == [f"a={coded}; Path=/"]


def test_cookies_can_be_looked_at() -> None:
    response = web.Response()
    assert dict(response.cookies) == {}
    response.set_cookie("x", "1", path="/p", max_age=3, secure=True, partitioned=True)
    cookie = response.cookies["x"]
    assert isinstance(cookie, Morsel)
    assert (cookie.key, cookie.value, cookie["path"], cookie["max-age"]) == ("x", "1", "/p", "3")
    assert (cookie["secure"], cookie["partitioned"], cookie["httponly"]) == (True, True, "")
    assert list(response.cookies) == ["x"]


async def test_cookies_can_be_changed_until_they_leave() -> None:
    response = web.Response()
    response.set_cookie("a", "b")
    response.cookies["a"]["path"] = "/other"
    response.cookies["c"] = "d e"
    response.cookies["c"]["expires"] = -1
    first, second = await sent(response)
    assert first == "a=b; Path=/other"
    assert second.startswith('c="d e"; Expires=')
    response = web.Response()
    response.set_cookie("a", "b")
    response.cookies["a"]["path"] = "/; Domain=evil.example"
    with pytest.raises(ValueError, match="Path"):
        await sent(response)


async def test_the_last_one_of_a_name_counts() -> None:
    response = web.Response()
    response.set_cookie("a", "1", domain="example.org", max_age=1)
    response.set_cookie("b", "2")
    response.set_cookie("a", "3")
    assert await sent(response) == ["a=3; Path=/", "b=2; Path=/"]


async def test_a_cookie_is_taken_back() -> None:
    response = web.Response()
    response.set_cookie("a", "1", max_age=100)
    response.del_cookie("a")
    assert await sent(response) == [f"a=; Expires={LONG_AGO}; Max-Age=0; Path=/"]
    response = web.Response()
    response.del_cookie("a", domain="example.org", path="/x", secure=True, httponly=True, samesite="Strict")
    assert await sent(response) == [
        f"a=; Expires={LONG_AGO}; Max-Age=0; Domain=example.org; Path=/x; Secure; HttpOnly; SameSite=Strict"
    ]
    response.cookies.clear()


async def test_what_was_taken_back_can_be_set() -> None:
    response = web.Response()
    response.del_cookie("a")
    response.set_cookie("a", "1")
    assert await sent(response) == ["a=1; Path=/"]


BAD = ["a;b", "a\rb", "a\nb", "a\r\nSet-Cookie: x=y", "a\0b", "a\x7fb", "a\tb"]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("attribute", ["path", "domain", "samesite", "expires", "max_age", "version"])
def test_no_attribute_can_hold_another(attribute: str, bad: str) -> None:
    # CVE-2026-35536 and its like: injection by domain, path or samesite.
    response = web.Response()
    options: dict[str, Any] = {attribute: bad}
    with pytest.raises(ValueError, match="cookie"):
        response.set_cookie("a", "b", **options)
    assert not response.cookies
    if attribute in {"path", "domain", "samesite"}:
        with pytest.raises(ValueError, match="cookie"):
            response.del_cookie("a", **options)


@pytest.mark.parametrize("bad", [*BAD, "", "a=b", "a b", "é", "a,b", '"a"'])
def test_a_name_is_a_token(bad: str) -> None:
    with pytest.raises(ValueError, match="cookie"):
        web.Response().set_cookie(bad, "b")
    with pytest.raises(ValueError, match="cookie"):
        web.Response().del_cookie(bad)


@pytest.mark.parametrize("bad", ["a\rb", "a\nb", "a\0b", "a\x7fb", "a\tb", "\x1f"])
def test_a_value_has_no_control_character(bad: str) -> None:
    with pytest.raises(ValueError, match="cookie"):
        web.Response().set_cookie("a", bad)


@pytest.mark.parametrize(
    "options", [{"samesite": "Sometimes"}, {"expires": "tomorrow"}, {"max_age": "1.5"}, {"domain": "a b"}]
)
def test_an_attribute_means_something(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="cookie"):
        web.Response().set_cookie("a", "b", **options)


async def test_a_prepared_response_sets_no_more() -> None:
    response = web.StreamResponse()
    await response.prepare(make_request())
    with pytest.raises(RuntimeError, match="prepared"):
        response.set_cookie("a", "b")
    with pytest.raises(RuntimeError, match="prepared"):
        response.del_cookie("a")


async def test_beside_fields_of_ones_own() -> None:
    response = web.Response(headers={"Set-Cookie": "x=y"})
    response.set_cookie("a", "b")
    assert await sent(response) == ["x=y", "a=b; Path=/"]


@pytest.mark.parametrize("remake", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_exception_keeps_its_cookies(remake: Any) -> None:
    error = web.HTTPFound("/")
    error.set_cookie("a", "b c", secure=True, partitioned=True)
    again = remake(error)
    assert list(again.cookies.field_values()) == ['a="b c"; Path=/; Secure; Partitioned']
    again.set_cookie("d", "e")
    assert "d" not in error.cookies


async def test_on_the_wire() -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path == "/bad":
            response = web.Response()
            response.set_cookie("a", "b", path="/;x")
            return response
        error = web.HTTPForbidden(headers={"X": "y"})
        error.set_cookie("a", "1")
        error.set_cookie("b", "2", httponly=True)
        raise error

    async with serving(handler) as server, connect(server) as peer:
        answer = await peer.ask()
        assert answer.status == 403
        assert [value for name, value in answer.fields if name == "set-cookie"] == [
            "a=1; Path=/",
            "b=2; Path=/; HttpOnly",
        ]
        assert (await peer.ask(target="/bad")).status == 500
