"""The head of a request as a tuple."""

import pytest
from multidict import CIMultiDictProxy

from pronghorn.server.request_message import RawRequestMessage
from pronghorn.testing.memory import make_request
from pronghorn.wire.events import HttpVersion10, HttpVersion11


def test_what_a_head_says() -> None:
    request = make_request("PUT", "/a?b=c", [("Host", "a"), ("X-A", "1")])
    message = RawRequestMessage.of(request.head, request.rel_url)
    method, path, version, headers, raw_headers, should_close, compression, upgrade, chunked, url = message
    assert (method, path, version) == ("PUT", "/a?b=c", HttpVersion11)
    assert isinstance(headers, CIMultiDictProxy)
    assert headers == {"Host": "a", "X-A": "1"}
    assert raw_headers == ((b"Host", b"a"), (b"X-A", b"1"))
    assert (should_close, compression, upgrade, chunked) == (False, None, False, False)
    assert url == request.rel_url


@pytest.mark.parametrize(
    ("coding", "compression"), [("gzip", "gzip"), (" BR", "br"), ("identity", None), ("gzip, br", None)]
)
def test_compression(coding: str, compression: str | None) -> None:
    request = make_request("POST", "/", [("Content-Encoding", coding)])
    assert RawRequestMessage.of(request.head, request.rel_url).compression == compression


def test_framing_and_the_connection() -> None:
    request = make_request("POST", "/", [("Transfer-Encoding", "Chunked")], version=HttpVersion10)
    request.head.upgrade = "websocket"
    request.head.is_persistent = False
    message = RawRequestMessage.of(request.head, request.rel_url)
    assert message.chunked
    assert message.upgrade
    assert message.should_close
