"""A response of a head that is there; those whose body comes later are in tests/functional."""

from typing import Any, cast

import pytest
from multidict import CIMultiDict
from yarl import URL

from pronghorn.client.errors import ClientPayloadError, ClientResponseError, ContentTypeError
from pronghorn.client.flow import Answer
from pronghorn.client.outgoing import make_request
from pronghorn.client.response import ClientResponse
from pronghorn.client.sent_fields import auto_fields
from pronghorn.wire.http1.head import parse_response_head
from pronghorn.wire.limits import DEFAULT_DECODE_LIMITS, DEFAULT_LIMITS


class Over:
    """A connection whose exchange is over."""

    def is_in(self, exchange: int) -> bool:
        return False


def make(
    fields: bytes = b"", body: bytes = b"", start: bytes = b"HTTP/1.1 200 OK", decompress: bool = True
) -> ClientResponse:
    head = parse_response_head(b"\r\n".join([start, *filter(None, fields.split(b"\n"))]), DEFAULT_LIMITS)
    head.body = body
    request = make_request("GET", URL("http://host/path#part"), auto_fields(), None, None)
    answer = Answer(head, None, cast(Any, Over()), 1, (), ())
    response = ClientResponse.__new__(ClientResponse)
    response.begin(request, answer, DEFAULT_DECODE_LIMITS if decompress else None)
    return response


def test_head() -> None:
    response = make(b"A: 1\na: 2", start=b"HTTP/1.0 404 Not Here")
    assert (response.status, response.reason, response.version, response.ok) == (
        404,
        "Not Here",
        (1, 0),
        False,
    )
    assert (response.method, str(response.url), str(response.real_url)) == (
        "GET",
        "http://host/path",
        "http://host/path#part",
    )
    assert response.headers.getall("A") == ["1", "2"]
    assert response.raw_headers == ((b"A", b"1"), (b"a", b"2"))
    assert response.closed
    assert response.connection is None
    with pytest.raises(TypeError):
        cast(CIMultiDict[str], response.headers)["A"] = "3"


@pytest.mark.parametrize(
    ("field", "content_type", "charset"),
    [
        (b"", "application/octet-stream", None),
        (b"Content-Type: text/HTML", "text/html", None),
        (b"Content-Type: text/html; charset=UTF-8", "text/html", "UTF-8"),
        (b'Content-Type: text/html;a="b;charset=no";charset="latin-1"', "text/html", "latin-1"),
        (b"Content-Type: text/html; charset=", "text/html", ""),
    ],
)
def test_content_type(field: bytes, content_type: str, charset: str | None) -> None:
    response = make(field)
    assert (response.content_type, response.charset) == (content_type, charset)


@pytest.mark.parametrize(
    ("field", "encoding"),
    [
        (b"", "utf-8"),
        (b"Content-Type: text/html; charset=latin-1", "latin-1"),
        (b"Content-Type: text/html; charset=unheard-of", "utf-8"),
        (b"Content-Type: text/html; charset=", "utf-8"),
        (b"Content-Type: text/html; charset=hex", "utf-8"),
        (b"Content-Type: text/html; charset=idna", "utf-8"),  # a codec of Python, and no charset
    ],
)
async def test_encoding(field: bytes, encoding: str) -> None:
    response = make(field, b"abc")
    assert response.get_encoding() == encoding
    assert await response.text() == "abc"


async def test_text_that_is_none() -> None:
    response = make(body=b"\xff")
    with pytest.raises(UnicodeDecodeError):
        await response.text()
    assert await response.text(errors="replace") == "\ufffd"
    assert await response.text("latin-1") == "\xff"


@pytest.mark.parametrize(("field", "length"), [(b"", None), (b"Content-Length: 7", 7)])
def test_content_length(field: bytes, length: int | None) -> None:
    assert make(field).content_length == length


async def test_body_can_be_read_again_and_after_release() -> None:
    response = make(body=b"body")
    assert await response.read() == b"body"
    await response.release()
    response.release()
    response.close()
    assert await response.read() == await response.content.read() == b"body"


async def test_coded_body() -> None:
    with pytest.raises(ClientPayloadError):
        await make(b"Content-Encoding: gzip", b"no gzip").read()
    assert await make(b"Content-Encoding: gzip", b"no gzip", decompress=False).read() == b"no gzip"


@pytest.mark.parametrize(
    ("sent", "expected", "is_accepted"),
    [
        (b"application/json", "application/json", True),
        (b"Application/JSON; charset=utf-8", "application/json", True),
        (b"application/vnd.api+json", "application/json", True),
        (b"text/x+json", "application/json", False),
        (b"application/jsonx", "application/json", False),
        (b"text/plain", "application/json", False),
        (b"text/plain", "Text/Plain", True),
        (b"application/x+json", "text/plain", False),
    ],
)
async def test_types_of_json(sent: bytes, expected: str, is_accepted: bool) -> None:
    response = make(b"Content-Type: " + sent, b"[1]")
    if is_accepted:
        assert await response.json(content_type=expected) == [1]
    else:
        with pytest.raises(ContentTypeError) as caught:
            await response.json(content_type=expected)
        assert caught.value.headers is not None
        assert caught.value.request_info == response.request_info


def test_raise_for_status() -> None:
    make(start=b"HTTP/1.1 399 OK").raise_for_status()
    with pytest.raises(ClientResponseError, match="400, message='Bad'"):
        make(start=b"HTTP/1.1 400 Bad").raise_for_status()


def test_old_name_of_the_url() -> None:
    with pytest.warns(DeprecationWarning, match="use url"):
        assert str(make().url_obj) == "http://host/path"


def test_repr() -> None:
    assert repr(make()) == "<ClientResponse(http://host/path) [200 OK]>"


async def test_is_a_context_manager() -> None:
    async with make(body=b"x") as response:
        assert await response.text() == "x"
