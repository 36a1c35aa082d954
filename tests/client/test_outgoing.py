from typing import Any

import pytest
from multidict import CIMultiDict
from yarl import URL

from pronghorn.body.payload import BytesPayload
from pronghorn.body.pieces import AsyncIterablePayload
from pronghorn.client.outgoing import ClientRequest, make_request
from pronghorn.client.sent_fields import auto_fields
from pronghorn.io.dial import Address


def make(
    method: str = "GET", url: str = "http://host/", headers: Any = None, data: Any = None
) -> ClientRequest:
    return make_request(method, URL(url), auto_fields(), headers, data)


@pytest.mark.parametrize(
    ("url", "address", "host"),
    [
        ("http://host/", Address("host", 80), "host"),
        ("http://host:80/", Address("host", 80), "host"),
        ("http://HOST:8080/", Address("host", 8080), "host:8080"),
        ("http://[::1]:81/", Address("::1", 81), "[::1]:81"),
        ("http://[fe80::1%25lo]:81/", Address("fe80::1%lo", 81), "[fe80::1]:81"),
        ("http://[fe80::1%lo]/", Address("fe80::1%lo", 80), "[fe80::1]"),
        ("http://b\u00fccher.example/", Address("xn--bcher-kva.example", 80), "xn--bcher-kva.example"),
    ],
)
def test_where_to(url: str, address: Address, host: str) -> None:
    request = make(url=url)
    assert request.address == address
    assert CIMultiDict(request.fields).getall("Host") == [host]


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://host", "/"),
        ("http://host?q=1", "/?q=1"),
        ("http://host/a b", "/a%20b"),
        ("http://host/a%2Fb?c=%2B", "/a%2Fb?c=%2B"),
        ("http://host/#fragment", "/"),
    ],
)
def test_target_is_in_origin_form(url: str, target: str) -> None:
    assert make(url=url).target == target


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://host:80/a%2F?q", "http://host/a%2F?q"),
        ("http://[::1]:81", "http://[::1]:81/"),
        ("http://[fe80::1%25lo]:81/%25", "http://[fe80::1]:81/%25"),
        ("http://[fe80::1%lo]/", "http://[fe80::1]/"),
    ],
)
def test_target_is_in_absolute_form_for_a_proxy(url: str, target: str) -> None:
    request = make_request("GET", URL(url, encoded=True), (), None, None)
    request.send_to_proxy()
    assert request.target == target


@pytest.mark.parametrize("data", [None, b"x"])
@pytest.mark.parametrize(
    ("compress", "kind"), [("rot13", ValueError), ("GZIP", ValueError), (5, TypeError), (b"gzip", TypeError)]
)
def test_codings_that_are_none(compress: Any, kind: type[Exception], data: bytes | None) -> None:
    with pytest.raises(kind, match=r"^compress: expected "):
        make_request("POST", URL("http://host/"), (), None, data, compress=compress)
    with pytest.raises(kind, match=r"^compress: expected "):
        ClientRequest("POST", URL("http://host/"), data=data, compress=compress)


def test_arguments_of_a_request_are_named() -> None:
    with pytest.raises(TypeError, match=r"^server_hostname: expected a str, got 5"):
        ClientRequest("GET", URL("http://host/"), server_hostname=5)  # type: ignore[arg-type]  # what is tested
    with pytest.raises(TypeError, match=r"^proxy_headers: expected a mapping or pairs, got 5"):
        ClientRequest("GET", URL("http://host/"), proxy_headers=5)  # type: ignore[arg-type]  # what is tested


def test_host_is_first() -> None:
    """RFC 9110 section 7.2."""
    assert make().fields[0][0] == "Host"


def test_small_bodies_leave_with_their_head_and_large_ones_do_not() -> None:
    assert make("POST", data=b"x").whole == b"x"
    large = make("POST", data=bytes(100_000))
    assert (large.whole, large.length) == (None, 100_000)


def test_no_body() -> None:
    request = make()
    assert (request.whole, request.length, request.payload) == (b"", 0, None)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"])
def test_idempotent_requests_can_be_sent_again(method: str) -> None:
    assert make(method).rewind()
    assert make(method, data=b"x").rewind()


@pytest.mark.parametrize("method", ["POST", "PATCH", "CONNECT", "LOCK"])
def test_others_can_not(method: str) -> None:
    assert not make(method).rewind()


async def test_a_body_that_is_gone_can_not() -> None:
    class Nowhere:
        async def write(self, data: bytes) -> None:
            pass

    request = make("PUT", data=AsyncIterablePayload(aiter(_Nothing())))
    assert request.rewind()
    await request.write_body(Nowhere())
    assert not request.rewind()


class _Nothing:
    def __aiter__(self) -> "_Nothing":
        return self

    async def __anext__(self) -> bytes:
        raise StopAsyncIteration


@pytest.mark.parametrize("name", ["Content-Length", "Connection", "Keep-Alive"])
def test_what_says_how_the_message_is_framed_is_taken_out(name: str) -> None:
    value = "1" if name == "Content-Length" else "close"
    request = make("POST", data=BytesPayload(b"x"), headers={name.lower(): value})
    assert name not in CIMultiDict(request.fields)
    assert request.is_persistent is (name != "Connection")


@pytest.mark.parametrize(
    ("value", "persists"), [("close", False), ("Close, TE", False), ("keep-alive", True), ("closed", True)]
)
def test_connection_close(value: str, persists: bool) -> None:
    assert make(headers={"Connection": value}).is_persistent is persists


@pytest.mark.parametrize(
    ("data", "headers"),
    [
        (None, {"Content-Length": "5"}),
        (b"x", {"Content-Length": "2"}),
        (b"x", {"Content-Length": "+1"}),
        (b"x", {"Content-Length": "\u0661"}),
        (b"x", {"Content-Length": ""}),
        (b"x", {"Content-Length": "1", "Transfer-Encoding": "chunked"}),
        (b"x", {"Transfer-Encoding": "gzip, chunked"}),
    ],
)
def test_a_framing_that_is_not_so_is_refused(data: Any, headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="headers"):
        make("POST", data=data, headers=headers)


def test_info_tells_what_is_sent() -> None:
    info = make("PUT", "http://host/a#b", {"X-A": "1"}).info
    assert (str(info.url), info.method, str(info.real_url)) == ("http://host/a", "PUT", "http://host/a#b")
    assert info.headers["x-a"] == "1"
    assert info.headers["User-Agent"]


@pytest.mark.parametrize(
    ("method", "data", "headers", "added"),
    [
        ("GET", None, {}, {}),
        ("POST", None, {}, {"Content-Length": "0"}),
        ("GET", b"ab", {}, {"Content-Length": "2"}),
        ("POST", b"ab", {"Content-Length": "2", "Connection": "keep-alive"}, {"Content-Length": "2"}),
        ("PUT", b"ab", {"Transfer-Encoding": "chunked"}, {"Transfer-Encoding": "chunked"}),
        ("GET", None, {"Connection": "close"}, {"Connection": "close"}),
    ],
)
def test_info_tells_what_the_wire_adds(
    method: str, data: bytes | None, headers: dict[str, str], added: dict[str, str]
) -> None:
    request = make(method, data=data, headers=headers)
    assert dict(request.info.headers) == dict(request.fields) | added
