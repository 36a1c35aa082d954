"""Each HTTP exception is a response with a status and a body, and an exception."""

import copy
import inspect
import pickle
from http import HTTPStatus
from typing import Any

import pytest
from yarl import URL

from pronghorn import web

from .peer import served

# The registered codes that can be answered, and what their constructors need.
STATUSES = [
    *range(200, 207),
    *range(300, 306),
    307,
    308,
    *range(400, 418),
    421,
    422,
    424,
    426,
    428,
    429,
    431,
    451,
]
STATUSES += [*range(500, 508), 510, 511]
NEEDS: dict[int, tuple[Any, ...]] = {
    **dict.fromkeys((300, 301, 302, 303, 305, 307, 308), ("/there",)),
    405: ("PUT", ["POST", "GET"]),
    413: (10, 11),
    451: ("https://example.org/law",),
}
CLASSES = {
    kind.status_code: kind
    for _, kind in inspect.getmembers(web, inspect.isclass)
    if issubclass(kind, web.HTTPException) and kind.status_code > 0
}


def make(status: int, **options: Any) -> web.HTTPException:
    return CLASSES[status](*NEEDS.get(status, ()), **options)


def test_there_is_one_for_each_status() -> None:
    assert sorted(CLASSES) == sorted(STATUSES)
    assert all(kind.__name__ in web.__all__ for kind in CLASSES.values())


@pytest.mark.parametrize("status", STATUSES)
def test_status_reason_and_body(status: int) -> None:
    error = make(status)
    assert isinstance(error, (web.Response, Exception))
    assert (error.status, error.reason) == (status, HTTPStatus(status).phrase)
    assert str(error) == error.reason
    if status in (204, 205, 304):
        assert error.body is None
    elif status == 413:
        assert error.text == "Maximum request body size 10 exceeded."
    else:
        assert error.text == f"{status}: {HTTPStatus(status).phrase}"
        assert error.content_type == "text/plain"
        assert error.charset == "utf-8"


@pytest.mark.parametrize("status", STATUSES)
def test_its_family(status: int) -> None:
    families = {2: web.HTTPSuccessful, 3: web.HTTPRedirection, 4: web.HTTPClientError, 5: web.HTTPServerError}
    kind = CLASSES[status]
    assert [family for family in families.values() if issubclass(kind, family)] == [families[status // 100]]
    assert issubclass(kind, web.HTTPError) == (status >= 400)


def test_a_family_can_not_be_raised() -> None:
    for kind in (web.HTTPException, web.HTTPError, web.HTTPClientError, web.HTTPSuccessful):
        with pytest.raises(TypeError, match="status"):
            kind()


@pytest.mark.parametrize("status", STATUSES)
def test_its_answer_can_be_chosen(status: int) -> None:
    error = make(
        status, reason="Because", text="{}", content_type="application/json", headers={"X-Why": "so"}
    )
    assert (error.reason, error.text, error.content_type) == ("Because", "{}", "application/json")
    assert error.headers["X-Why"] == "so"
    assert make(status, body=b"raw").body == b"raw"


@pytest.mark.parametrize(
    "status", [status for status in STATUSES if issubclass(CLASSES[status], web.HTTPMove)]
)
def test_a_move_says_where(status: int) -> None:
    error = make(status)
    assert isinstance(error, web.HTTPMove)
    assert error.location == error.headers["Location"] == "/there"
    kind: Any = CLASSES[status]
    with pytest.raises(ValueError, match="location"):
        kind("")


def test_405_says_what_is_allowed_in_order() -> None:
    error = web.HTTPMethodNotAllowed("PUT", ["POST", "GET", "HEAD"])
    assert error.headers["Allow"] == "GET,HEAD,POST"
    assert error.method == "PUT"
    assert error.allowed_methods == {"GET", "HEAD", "POST"}


def test_451_names_who_blocks() -> None:
    error = web.HTTPUnavailableForLegalReasons("https://example.org/law")
    assert error.headers["Link"] == '<https://example.org/law>; rel="blocked-by"'
    assert error.link == URL("https://example.org/law")
    nobody = web.HTTPUnavailableForLegalReasons(None)
    assert nobody.link is None
    assert "Link" not in nobody.headers
    quoted = web.HTTPUnavailableForLegalReasons('https://example.org/>; rel="next", <é')
    assert quoted.headers["Link"].count(">") == quoted.headers["Link"].count("<") == 1
    with pytest.raises(ValueError, match="link"):
        web.HTTPUnavailableForLegalReasons("https://example.org/\r\nX: y")


def test_413_says_how_much() -> None:
    error = web.HTTPRequestEntityTooLarge(10, 11)
    assert (error.max_size, error.actual_size) == (10, 11)
    assert web.HTTPRequestEntityTooLarge(10).actual_size == 0
    assert web.HTTPRequestEntityTooLarge(10, text="too much").text == "too much"


@pytest.mark.parametrize(
    "remake", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))], ids=["copy", "pickle"]
)
@pytest.mark.parametrize("status", [302, 404, 405, 413, 451])
def test_it_can_be_passed_on_whole(status: int, remake: Any) -> None:
    error = make(status, reason="Because", headers=[("X-Why", "so"), ("X-Why", "and so")])
    again = remake(error)
    assert type(again) is type(error)
    assert (again.status, again.reason, again.text) == (status, "Because", error.text)
    assert list(again.headers.items()) == list(error.headers.items())
    for name in ("location", "allowed_methods", "max_size", "link"):
        assert getattr(again, name, None) == getattr(error, name, None)


def test_its_reason_is_held_to_the_grammar() -> None:
    with pytest.raises(ValueError, match="control character"):
        web.HTTPNotFound(reason="no\r\nSet-Cookie: a=b")


@pytest.mark.parametrize(
    ("location", "field"),
    [
        ("/there", "/there"),
        ("/a%20b?c=d+e&f=%C3%A9#g", "/a%20b?c=d+e&f=%C3%A9#g"),
        ("/a b", "/a%20b"),
        ("/é", "/%C3%A9"),
        ("http://bücher.example/é", "http://xn--bcher-kva.example/%C3%A9"),
        ("http://[::1]:80/", "http://[::1]:80/"),
        (URL("http://a/b c"), "http://a/b%20c"),
        # Where it leads is the caller's to decide.
        ("//evil.example", "//evil.example"),
        ("javascript:x", "javascript:x"),
        # What has no host is a path, to browsers too.
        (URL.build(path="//evil.example/x", query_string="a=b", encoded=True), "/.//evil.example/x?a=b"),
        (URL.build(path="///evil.example", encoded=True), "/.///evil.example"),
        (URL("//evil.example/x"), "//evil.example/x"),
    ],
)
def test_a_location_is_quoted(location: Any, field: str) -> None:
    error = web.HTTPFound(location)
    assert error.location == location
    assert error.headers["Location"] == field


@pytest.mark.parametrize(
    "location", ["/a\r\nSet-Cookie: a=b", "/\n", "/\t", "/\0", "/\x7f", "", "http://[/é"]
)
def test_a_location_that_is_none_is_refused(location: str) -> None:
    with pytest.raises(ValueError, match=r"location|URL|IPv6"):
        web.HTTPMovedPermanently(location)


@pytest.mark.parametrize("status", STATUSES)
def test_it_is_true_and_equal_to_itself_alone(status: int) -> None:
    error = make(status)
    assert error
    assert error != make(status)
    assert len({error, make(status), error}) == 2


def test_which_have_no_body() -> None:
    assert [status for status in STATUSES if CLASSES[status].empty_body] == [204, 205, 304]


@pytest.mark.parametrize("status", STATUSES)
async def test_each_on_the_wire(status: int) -> None:
    async def handler(request: web.Request) -> web.Response:
        raise make(status, reason="Because", headers={"X-Why": "so"})

    async with served(handler) as peer:
        for _ in range(2):
            answer = await peer.ask()
            assert (answer.status, answer.reason, answer["x-why"]) == (status, "Because", "so")
            assert answer.text == (make(status, reason="Because").text or "")
            assert ("content-length" in answer) == (status not in (204, 304))


async def test_one_that_is_returned_works() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.HTTPGone(text="<b>gone</b>", content_type="text/html")

    async with served(handler) as peer:
        answer = await peer.ask()
        assert (answer.status, answer.text) == (410, "<b>gone</b>")
        assert answer["content-type"] == "text/html; charset=utf-8"


async def test_one_may_be_compressed() -> None:
    async def handler(request: web.Request) -> web.Response:
        error = web.HTTPNotFound(text="x" * 1000)
        error.enable_compression()
        raise error

    async with served(handler) as peer:
        answer = await peer.ask(more=b"Accept-Encoding: gzip\r\n")
        assert (answer.status, answer["content-encoding"], answer["vary"]) == (404, "gzip", "Accept-Encoding")
