"""What requests say in their fields."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

import pytest
from multidict import CIMultiDict

from pronghorn import web
from pronghorn.server.request import ETAG_ANY
from pronghorn.server.request_fields import date_of, etags_of, value_of
from pronghorn.testing.memory import make_request
from pronghorn.wire.conditional import ETag

from ..worktime import LINEAR, growth
from .peer import served


def fields(**extra: str) -> list[tuple[str, str]]:
    return [("Host", "example.org:81"), *((name.replace("_", "-"), value) for name, value in extra.items())]


def test_fields() -> None:
    request = make_request(headers=[*fields(), ("X-A", "1"), ("x-a", "2")])
    assert request.headers.getall("X-a") == ["1", "2"]
    assert request.raw_headers == ((b"Host", b"example.org:81"), (b"X-A", b"1"), (b"x-a", b"2"))
    with pytest.raises((TypeError, AttributeError)):
        request.headers["X-B"] = "3"  # type: ignore[index]  # that it is refused is the point


@pytest.mark.parametrize(
    ("value", "content_type", "charset"),
    [
        (None, "application/octet-stream", None),
        ("", "application/octet-stream", None),
        ("text/plain", "text/plain", None),
        ("Text/HTML; Charset=UTF-8", "text/html", "UTF-8"),
        ('text/html; a="b;c"; charset="latin-1"', "text/html", "latin-1"),
    ],
)
def test_content_type(value: str | None, content_type: str, charset: str | None) -> None:
    request = make_request(headers=fields() if value is None else fields(Content_Type=value))
    assert (request.content_type, request.charset) == (content_type, charset)


def test_content_length() -> None:
    assert make_request(headers=fields()).content_length is None
    assert make_request(headers=fields(Content_Length="12")).content_length == 12


def test_keep_alive() -> None:
    request = make_request()
    assert request.keep_alive
    request.head.is_persistent = False
    assert not request.keep_alive


# Cookies


def cookies(*values: str) -> Mapping[str, str]:
    return make_request(headers=[*fields(), *(("Cookie", value) for value in values)]).cookies


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("a=1; b=2", {"a": "1", "b": "2"}),
        ("a=1; a=2", {"a": "2"}),
        ('a="x y"; b=2', {"a": "x y", "b": "2"}),
        (r'a="x\054y"; b="\""', {"a": "x,y", "b": '"'}),
        ('a={"x": 1}; b=2', {"a": '{"x": 1}', "b": "2"}),
        ('a="open; b=2', {"a": '"open', "b": "2"}),
        ("=x; b=2", {"b": "2"}),
        ("a=\x01; b=2", {"b": "2"}),
        ("nothing; b=2", {"b": "2"}),
        (";;, ;=;b=2;", {"b": "2"}),
        ("a=\u00e9\udcff; b=2", {"a": "\u00e9\udcff", "b": "2"}),
        ("a=; b=2", {"a": "", "b": "2"}),
        ("expires=Sun, 06 Nov; path=/; b=2", {"expires": "Sun, 06 Nov", "path": "/", "b": "2"}),
        ("", {}),
    ],
)
def test_cookies(field: str, expected: dict[str, str]) -> None:
    assert cookies(field) == expected


def test_cookies_of_a_request_without() -> None:
    assert make_request().cookies == {}


def test_cookies_in_several_fields() -> None:
    assert cookies("a=1", "b=2; a=3") == {"a": "3", "b": "2"}


def test_cookies_are_read_only_and_read_once() -> None:
    request = make_request(headers=fields(Cookie="a=1"))
    assert isinstance(request.cookies, MappingProxyType)
    assert request.cookies is request.cookies


@pytest.mark.timed
def test_many_cookies_are_read_in_linear_time() -> None:
    def read(count: int) -> None:
        assert len(cookies("; ".join(f'a{i}="{i}' for i in range(count)))) <= 1024

    assert growth(read, 100_000) < LINEAR


# Forwarded; for its grammar, see tests/wire/test_forwarded.py


def test_forwarded() -> None:
    request = make_request(
        headers=[("Forwarded", 'For="[2001:db8::1]:80";proto=https, for=1.2.3.4'), ("forwarded", "for=_x")]
    )
    assert request.forwarded == (
        {"for": "[2001:db8::1]:80", "proto": "https"},
        {"for": "1.2.3.4"},
        {"for": "_x"},
    )
    assert all(isinstance(element, MappingProxyType) for element in request.forwarded)
    assert request.forwarded is request.forwarded


def test_forwarded_says_nothing_of_the_request() -> None:
    given = [
        ("Host", "a"),
        ("Forwarded", "for=1.2.3.4;proto=https;host=evil"),
        ("X-Forwarded-For", "1.2.3.4"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "evil"),
    ]
    request = make_request(headers=given)
    assert (request.remote, request.scheme, request.host, str(request.url)) == (
        None,
        "http",
        "a",
        "http://a/",
    )


def test_forwarded_of_a_request_without() -> None:
    assert make_request().forwarded == ()


# Ranges


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("bytes=0-499", slice(0, 500, 1)),
        ("bytes=500-", slice(500, None, 1)),
        ("bytes=-500", slice(-500, None, 1)),
        ("bytes=0-0", slice(0, 1, 1)),
        ("Bytes=0-1", slice(0, 2, 1)),
        ("bytes=00000000000000000000000000-5", slice(0, 6, 1)),
    ],
)
def test_http_range(field: str, expected: slice) -> None:
    request = make_request(headers=fields(Range=field))
    assert request.http_range == expected
    assert list(range(1000)[request.http_range]) == list(range(1000)[expected])


def test_http_range_of_a_request_without() -> None:
    assert make_request().http_range == slice(None, None, 1)


@pytest.mark.parametrize(
    "field",
    ["", "bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=0-1,2-3", "items=0-1", "bytes=a-b", "bytes=+1-2",
     "bytes=1_0-20", "bytes=\u0663-\u0664", "bytes=0x1-2", "bytes=--1", "bytes=1-2-3", "bytes=-0", "0-1",
     "bytes=1.0-2"],
)  # fmt: skip
def test_a_range_that_is_malformed(field: str) -> None:
    with pytest.raises(ValueError, match="Range: expected one range of bytes"):
        _ = make_request(headers=fields(Range=field)).http_range


def test_two_range_fields_are_no_range() -> None:
    request = make_request(headers=[("Range", "bytes=0-1"), ("Range", "bytes=2-3")])
    with pytest.raises(ValueError, match="Range"):
        _ = request.http_range


def test_a_range_of_any_size() -> None:
    found = make_request(headers=fields(Range=f"bytes={'9' * 5000}-")).http_range
    assert found.start > 2**63


@pytest.mark.timed
@pytest.mark.parametrize("part", ["0-1", "-1", "1-", "", " ", "-", "1-1-"])
def test_many_ranges_are_read_in_linear_time(part: str) -> None:
    def read(count: int) -> None:
        request = make_request(headers=fields(Range="bytes=" + ",".join([part] * count)))
        with pytest.raises(ValueError, match="Range"):
            _ = request.http_range

    assert growth(read, 100_000) < LINEAR


async def test_a_malformed_range_over_a_socket_is_for_the_handler() -> None:
    async def handler(request: web.Request) -> web.Response:
        try:
            return web.Response(text=str(request.http_range))
        except ValueError:
            raise web.HTTPRequestRangeNotSatisfiable from None

    async with served(handler) as peer:
        assert (await peer.ask(more=b"Range: bytes=1-2\r\n")).text == "slice(1, 3, 1)"
        assert (await peer.ask(more="Range: bytes=\u0661-2\r\n".encode())).status == 416
        assert (await peer.ask()).text == "slice(None, None, 1)"


# Preconditions; for the grammar of tags, see tests/wire/test_conditional.py


@pytest.mark.parametrize("name", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (None, None),
        ("*", (ETag(ETAG_ANY),)),
        ('"a", W/"b"', (ETag("a"), ETag("b", is_weak=True))),
        ("nonsense", ()),
        ('"a", nonsense, "c"', (ETag("a"),)),
        ("", ()),
    ],
)
def test_tags(name: str, field: str | None, expected: tuple[ETag, ...] | None) -> None:
    request = make_request(headers=fields() if field is None else [(name, field)])
    assert (request.if_match if name == "If-Match" else request.if_none_match) == expected
    assert (request.if_none_match if name == "If-Match" else request.if_match) is None


def test_tags_in_several_fields() -> None:
    request = make_request(headers=[("If-Match", '"a"'), ("If-Match", '"b"')])
    assert request.if_match == (ETag("a"), ETag("b"))


DATES = ("if_modified_since", "if_unmodified_since", "if_range")


@pytest.mark.parametrize("name", DATES)
@pytest.mark.parametrize(
    "field",
    ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"],
)
def test_dates(name: str, field: str) -> None:
    request = make_request(headers=[(name.replace("_", "-"), field)])
    found = getattr(request, name)
    assert found == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)
    assert found.tzinfo is UTC
    assert [getattr(request, other) for other in DATES if other != name] == [None, None]


@pytest.mark.parametrize("name", DATES)
@pytest.mark.parametrize("field", ["", '"tag"', "tomorrow", "Sun, 31 Feb 1994 08:49:37 GMT", "784111777"])
def test_what_is_no_date(name: str, field: str) -> None:
    assert getattr(make_request(headers=[(name.replace("_", "-"), field)]), name) is None


def test_two_dates_are_none() -> None:
    date = "Sun, 06 Nov 1994 08:49:37 GMT"
    request = make_request(headers=[("If-Modified-Since", date), ("If-Modified-Since", date)])
    assert request.if_modified_since is None


# The same of any mapping


@pytest.mark.parametrize("kind", [CIMultiDict, dict])
def test_fields_of_a_mapping(kind: type[CIMultiDict[str] | dict[str, str]]) -> None:
    headers = kind({"Range": "bytes=0-1", "If-Match": '"a"', "If-Range": "Sun, 06 Nov 1994 08:49:37 GMT"})
    assert value_of(headers, "Range") == "bytes=0-1"
    assert etags_of(headers, "If-Match") == (ETag("a"),)
    assert date_of(headers, "If-Range") == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)
    assert date_of(headers, "If-Match") is None
    for read in (value_of, etags_of, date_of):
        assert read(headers, "If-None-Match") is None


def test_several_fields_have_one_value() -> None:
    headers = CIMultiDict([("A", "1"), ("B", "2"), ("a", ""), ("A", "3")])
    assert value_of(headers, "a") == "1, , 3"
