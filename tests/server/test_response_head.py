"""What responses say before their content, against an exchange in memory."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import pytest

from pronghorn import web
from pronghorn.wire.conditional import ETag

from .exchanges import send

# Status and reason


@pytest.mark.parametrize("kind", [web.Response, web.StreamResponse])
def test_status_and_reason(kind: Callable[..., web.StreamResponse]) -> None:
    assert (kind().status, kind().reason) == (200, "OK")
    for status in (201, 404, 503):
        assert kind(status=status).reason == HTTPStatus(status).phrase
    assert kind(status=299).reason == ""
    assert kind(status=200, reason="Fine").reason == "Fine"
    response = kind()
    response.set_status(404)
    assert (response.status, response.reason) == (404, "Not Found")
    response.set_status(404, "Gone fishing")
    assert response.reason == "Gone fishing"


@pytest.mark.parametrize("kind", [web.Response, web.StreamResponse])
@pytest.mark.parametrize("reason", ["a\r\nb", "a\nb", "a\0b", "\r", "a\x7fb"])
def test_reason_is_held_to_the_grammar(kind: Callable[..., web.StreamResponse], reason: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        kind(reason=reason)
    with pytest.raises(ValueError, match="control character"):
        kind().set_status(200, reason)


@pytest.mark.parametrize("status", [0, 99, 1000, -200])
def test_status_has_three_digits(status: int) -> None:
    with pytest.raises(ValueError, match="status"):
        web.Response(status=status)


# Fields


async def test_default_fields() -> None:
    sent = (await send(web.Response(body=b"x"))).sent
    assert sent is not None
    assert sent.fields["Content-Type"] == "application/octet-stream"
    assert re.fullmatch(r"Python/3\.\d+ pronghorn/\S+", sent.fields["Server"])
    assert sent.fields["Date"].endswith(" GMT")
    parsedate_to_datetime(sent.fields["Date"])


async def test_fields_of_ones_own() -> None:
    response = web.Response(
        headers=[("Set-Cookie", "a=b"), ("Set-Cookie", "c=d"), ("Server", "x"), ("Date", "y")]
    )
    response.headers["X-More"] = "z"
    sent = (await send(response)).sent
    assert sent is not None
    assert sent.fields.getall("Set-Cookie") == ["a=b", "c=d"]
    assert (sent.fields["Server"], sent.fields["Date"], sent.fields["X-More"]) == ("x", "y", "z")
    assert len(sent.fields.getall("Server")) == len(sent.fields.getall("Date")) == 1


@pytest.mark.parametrize(
    "name", ["Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "content-length"]
)
async def test_framing_is_not_a_field(name: str) -> None:
    sent = (await send(web.Response(body=b"x", headers={name: "7"}))).sent
    assert sent is not None
    assert name not in sent.fields


@pytest.mark.parametrize(
    ("options", "content_type"),
    [
        ({}, "application/octet-stream"),
        ({"body": b"x"}, "application/octet-stream"),
        ({"text": "x"}, "text/plain; charset=utf-8"),
        ({"text": "x", "content_type": "text/html"}, "text/html; charset=utf-8"),
        ({"text": "x", "charset": "latin-1"}, "text/plain; charset=latin-1"),
        ({"body": b"x", "content_type": "image/png"}, "image/png"),
        ({"body": b"x", "headers": {"Content-Type": "a/b"}}, "a/b"),
        ({"text": "x", "headers": {"content-type": "a/b; charset=latin-1"}}, "a/b; charset=latin-1"),
        ({"text": "x", "headers": {"X": "y"}}, "text/plain; charset=utf-8"),
    ],
)
def test_content_type(options: dict[str, Any], content_type: str) -> None:
    assert web.Response(**options).headers["Content-Type"] == content_type


def test_content_type_and_charset_can_be_set() -> None:
    response = web.StreamResponse()
    with pytest.raises(RuntimeError, match="charset"):
        response.charset = "utf-8"
    response.content_type = "text/html"
    response.charset = "UTF-8"
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    response.content_type = "text/plain"
    assert (response.content_type, response.charset) == ("text/plain", "utf-8")
    response.charset = None
    assert response.headers["Content-Type"] == "text/plain"


@pytest.mark.parametrize(
    "options",
    [
        {"body": b"x", "text": "x"},
        {"text": "x", "content_type": "a/b", "headers": {"Content-Type": "c/d"}},
        {"charset": "utf-8", "headers": {"Content-Type": "c/d"}},
        {"text": "x", "content_type": "text/plain; charset=utf-8"},
    ],
)
def test_two_opinions_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Response"):
        web.Response(**options)


# Validators

LETTERS = "Sun, 06 Nov 1994 08:49:37 GMT"
MOMENT = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "field", "read"),
    [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT", datetime(1970, 1, 1, tzinfo=UTC)),
        (1.5, "Thu, 01 Jan 1970 00:00:02 GMT", datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC)),
        (MOMENT.replace(tzinfo=None), "Sat, 03 Feb 2001 04:05:06 GMT", MOMENT),
        (
            MOMENT.replace(tzinfo=timezone(timedelta(hours=1))),
            "Sat, 03 Feb 2001 03:05:06 GMT",
            MOMENT - timedelta(hours=1),
        ),
        (LETTERS, LETTERS, datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("yesterday", "yesterday", None),
    ],
)
async def test_last_modified(given: Any, field: str, read: datetime | None) -> None:
    response = web.StreamResponse()
    assert response.last_modified is None
    response.last_modified = given
    assert response.last_modified == read
    sent = (await send(response)).sent
    assert sent is not None
    assert sent.fields["Last-Modified"] == field


def test_last_modified_can_be_taken_back() -> None:
    response = web.Response()
    response.last_modified = None
    response.last_modified = 1
    response.last_modified = None
    assert "Last-Modified" not in response.headers
    with pytest.raises(TypeError, match="last_modified"):
        response.last_modified = []  # type: ignore[assignment]  # that it is refused is the point


@pytest.mark.parametrize(
    ("given", "field", "read"),
    [
        ("abc", '"abc"', ETag("abc")),
        ("", '""', ETag("")),
        (ETag("abc"), '"abc"', ETag("abc")),
        (ETag("abc", is_weak=True), 'W/"abc"', ETag("abc", is_weak=True)),
        ("*", "*", ETag("*")),
    ],
)
async def test_etag(given: Any, field: str, read: ETag) -> None:
    response = web.StreamResponse()
    assert response.etag is None
    response.etag = given
    assert response.etag == read
    sent = (await send(response)).sent
    assert sent is not None
    assert sent.fields["ETag"] == field
    response = web.StreamResponse()
    response.etag = given
    response.etag = None
    assert response.etag is None
    assert "ETag" not in response.headers


@pytest.mark.parametrize("given", ['a"b', "a b", "a\r\nb", ETag('"')])
def test_what_is_no_tag_is_refused(given: Any) -> None:
    with pytest.raises(ValueError, match="etag"):
        web.Response().etag = given


def test_a_tag_is_a_str_or_an_etag() -> None:
    with pytest.raises(TypeError, match="etag"):
        web.Response().etag = 1  # type: ignore[assignment]  # that it is refused is the point
    assert web.Response(headers={"ETag": "rubbish"}).etag is None


# The connection


async def test_who_decides_about_the_connection() -> None:
    async def is_persistent(response: web.StreamResponse) -> bool:
        exchange = await send(response)
        assert exchange.sent is not None
        return exchange.sent.is_persistent

    assert await is_persistent(web.Response())
    assert web.Response().keep_alive is None
    closing = web.Response()
    closing.force_close()
    assert closing.keep_alive is False
    assert not await is_persistent(closing)
    assert not await is_persistent(web.Response(headers={"Connection": "Keep-Alive, CLOSE"}))
    assert await is_persistent(web.Response(headers={"Connection": "closed"}))
