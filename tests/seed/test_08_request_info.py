"""Section 8: RequestInfo, HttpVersion."""

from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from pronghorn import (
    ClientSession,
    HttpVersion,
    HttpVersion10,
    HttpVersion11,
    RequestInfo,
    TCPConnector,
)

from ..functional.scripted import OK, scripted


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("GET", {}),
        ("GET", {"headers": {"X-A": "1", "User-Agent": "own"}}),
        ("POST", {}),
        ("POST", {"data": b"body"}),
        ("POST", {"json": [1]}),
        ("PUT", {"data": b"body", "headers": {"Transfer-Encoding": "chunked"}}),
    ],
)
@pytest.mark.parametrize("connector", [{}, {"force_close": True}])
async def test_s138_request_info(method: str, options: dict[str, Any], connector: dict[str, Any]) -> None:
    async with scripted(OK) as server, ClientSession(connector=TCPConnector(**connector)) as session:
        async with session.request(method, server.url("/a?b#part"), **options) as response:
            info = response.request_info
        assert info._fields == ("url", "method", "headers", "real_url")
        assert (info.url, info.real_url) == (URL(server.url("/a?b")), URL(server.url("/a?b#part")))
        assert info.method == method
        assert type(info.headers) is CIMultiDictProxy
        assert sorted(info.headers.items()) == sorted(server.requests[0].fields.items())
    made = RequestInfo(info.url, method, CIMultiDict(info.headers))  # type: ignore[arg-type]  # as documented
    assert made == (info.url, method, info.headers, info.url)
    assert RequestInfo(*info) == info


async def test_s139_http_version() -> None:
    assert (HttpVersion11.major, HttpVersion11.minor) == (1, 1)
    assert HttpVersion11 == HttpVersion(1, 1) == HttpVersion(major=1, minor=1) == (1, 1)
    assert HttpVersion10 == HttpVersion(1, 0) < HttpVersion11
    for version in (HttpVersion10, HttpVersion11):
        start = b"HTTP/%d.%d 200 OK" % version
        async with (
            scripted(OK.replace(b"HTTP/1.1 200 OK", start)) as server,
            ClientSession() as session,
            session.get(server.url()) as response,
        ):
            assert response.version == version
