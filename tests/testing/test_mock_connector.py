import asyncio
import gzip
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from yarl import URL

from pronghorn import (
    ClientConnectionError,
    ClientPayloadError,
    ClientSession,
    ClientTimeout,
    FormData,
    ServerDisconnectedError,
)
from pronghorn.testing import MockConnector, MockRequest, MockResponse


@pytest.fixture
async def mock() -> AsyncIterator[MockConnector]:
    async with MockConnector() as connector:
        yield connector


@pytest.fixture
async def session(mock: MockConnector) -> AsyncIterator[ClientSession]:
    async with ClientSession(connector=mock, connector_owner=False) as session:
        yield session


async def test_an_answer(mock: MockConnector, session: ClientSession) -> None:
    headers = [("X-A", "1"), ("X-A", "2")]
    mock.add("GET", "http://example.com/a", status=201, body=b"content", headers=headers, reason="Fine")
    async with session.get("http://example.com/a") as response:
        assert (response.status, response.reason, await response.read()) == (201, "Fine", b"content")
        assert list(response.headers.items()) == [*headers, ("Content-Length", "7")]


@pytest.mark.parametrize(
    ("body", "content", "content_type"),
    [
        ({}, b"", ""),
        ({"body": b"bytes"}, b"bytes", ""),
        ({"body": "gr\u00fcn"}, "gr\u00fcn".encode(), "text/plain; charset=utf-8"),
        ({"json": {"a": [1, None]}}, b'{"a": [1, null]}', "application/json"),
        ({"json": None}, b"null", "application/json"),
        ({"json": 1, "headers": {"content-type": "text/x"}}, b"1", "text/x"),
        ({"body": [b"one", b"two"]}, b"onetwo", ""),
    ],
)
async def test_bodies(
    mock: MockConnector, session: ClientSession, body: dict[str, Any], content: bytes, content_type: str
) -> None:
    mock.add("GET", "/", **body)
    async with session.get("http://a/") as response:
        assert await response.read() == content
        assert response.headers.get("Content-Type", "") == content_type
        assert ("Transfer-Encoding" in response.headers) == isinstance(body.get("body"), list)


async def test_a_body_in_pieces(mock: MockConnector, session: ClientSession) -> None:
    more = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        await more.wait()
        yield b"two"

    mock.add("GET", "/", body=pieces())
    async with session.get("http://a/") as response:
        assert await response.content.readany() == b"one"
        more.set()
        assert await response.content.read() == b"two"


async def test_a_body_that_breaks_off(mock: MockConnector, session: ClientSession) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        raise ValueError("no more")

    mock.add("GET", "/pieces", body=pieces())
    mock.add("GET", "/length", body=b"short", headers={"Content-Length": "10"})
    for path in ("/pieces", "/length"):
        with pytest.raises((ClientPayloadError, ServerDisconnectedError)):
            async with session.get(f"http://a{path}") as response:
                await response.read()


async def test_a_coded_body(mock: MockConnector, session: ClientSession) -> None:
    mock.add("GET", "/", body=gzip.compress(b"content"), headers={"Content-Encoding": "gzip"})
    async with session.get("http://a/") as response:
        assert await response.read() == b"content"


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "QUERY", "DELETE"])
async def test_methods(mock: MockConnector, session: ClientSession, method: str) -> None:
    mock.add("*", "/", body=b"content")
    async with session.request(method, "http://a/") as response:
        assert response.headers["Content-Length"] == "7"
        assert await response.read() == (b"" if method == "HEAD" else b"content")
    assert mock.requests[0].method == method


async def test_what_was_sent(mock: MockConnector, session: ClientSession) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    mock.add("*", re.compile(""))
    await session.post("https://example.com:8443/a%20b?q=1#f", json={"a": 1}, headers={"X-A": "b"})
    await session.put("http://example.com/", data=pieces())
    await session.post("http://example.com/", data=b"x" * 100, compress="gzip")
    await session.post("http://[::1]/", data=FormData({"a": "b"}), headers={"Host": "other"})
    first, second, third, last = mock.requests
    assert str(first) == "POST https://example.com:8443/a%20b?q=1"
    assert first.url == URL("https://example.com:8443/a%20b?q=1")
    assert (first.headers["x-a"], first.headers["Host"]) == ("b", "example.com:8443")
    assert first.json() == {"a": 1}
    assert (second.method, second.body) == ("PUT", b"onetwo")
    assert second.headers["Transfer-Encoding"] == "chunked"
    assert second.url == URL("http://example.com/")
    assert gzip.decompress(third.body) == b"x" * 100
    assert (last.url, last.headers["Host"], last.body) == (URL("http://[::1]/"), "other", b"a=b")
    with pytest.raises(ValueError, match="Expecting value"):
        second.json()


@pytest.mark.parametrize(
    ("rule", "url", "fits"),
    [
        ("http://a/x", "http://a/x", True),
        ("http://a/x", "http://a:80/x", True),
        ("http://a/x", "http://A/x?q=1", True),
        ("http://a", "http://a/", True),
        ("http://a/x", "http://a/X", False),
        ("http://a/x", "http://a/x/", False),
        ("http://a/x", "http://b/x", False),
        ("http://a/x", "https://a/x", False),
        ("http://a/x", "http://a:81/x", False),
        ("/x", "https://b/x", True),
        ("/x", "http://b/xy", False),
        (URL("/a b"), "http://a/a%20b", True),
        ("/x?a=1&b=2", "http://a/x?b=2&a=1", True),
        ("/x?a=1", "http://a/x", False),
        ("/x?a=1", "http://a/x?a=1&a=1", False),
        (re.compile(r"/users/\d+$"), "http://a/users/12", True),
        (re.compile(r"/users/\d+$"), "http://a/users/me", False),
        (re.compile(r"^https:"), "http://a/", False),
    ],
)
async def test_urls(
    mock: MockConnector, session: ClientSession, rule: str | URL | re.Pattern[str], url: str, fits: bool
) -> None:
    mock.add("GET", rule)
    if fits:
        assert (await session.get(url)).status == 200
    else:
        with pytest.raises(ClientConnectionError, match="No rule for GET"):
            await session.get(url)
    assert len(mock.requests) == 1


@pytest.mark.parametrize(
    ("conditions", "request_options", "fits"),
    [
        ({"params": {"a": 1}}, {"params": {"a": "1"}}, True),
        ({"params": [("a", 1), ("a", 2)]}, {"params": [("a", 2), ("a", 1)]}, True),
        ({"params": {}}, {}, True),
        ({"params": {}}, {"params": {"a": "1"}}, False),
        ({"match_headers": {"x-a": "1"}}, {"headers": {"X-A": "1"}}, True),
        ({"match_headers": {"x-a": "1"}}, {"headers": {"X-A": "2"}}, False),
        ({"match_headers": {"x-a": "1"}}, {}, False),
        ({"match_body": b"abc"}, {"data": b"abc"}, True),
        ({"match_body": "abc"}, {"data": b"abc"}, True),
        ({"match_body": b"abc"}, {"data": b"abcd"}, False),
        ({"match_body": lambda body: b"b" in body}, {"data": b"abc"}, True),
        ({"match_body": lambda body: b"b" in body}, {"data": b"xyz"}, False),
        ({"match_json": {"a": 1, "b": [2]}}, {"json": {"b": [2], "a": 1}}, True),
        ({"match_json": {"a": 1}}, {"json": {"a": 2}}, False),
        ({"match_json": {"a": 1}}, {"data": b"\xff"}, False),
        ({"match_json": None}, {"data": b"null"}, True),
    ],
)
async def test_conditions(
    mock: MockConnector,
    session: ClientSession,
    conditions: dict[str, Any],
    request_options: dict[str, Any],
    fits: bool,
) -> None:
    mock.add("POST", "/", **conditions)
    if fits:
        await session.post("http://a/", **request_options)
    else:
        with pytest.raises(ClientConnectionError, match="No rule for POST"):
            await session.post("http://a/", **request_options)


async def test_a_request_that_no_rule_is_for(mock: MockConnector, session: ClientSession) -> None:
    with pytest.raises(ClientConnectionError, match=r"No rule for GET http://a/x\?q=1; there are no rules"):
        await session.get("http://a/x?q=1")
    mock.add("POST", "http://a/x", match_json={"a": 1})
    mock.add("GET", re.compile("/y$"))
    mock.add("GET", "/x", times=1)
    await session.get("http://a/x")
    with pytest.raises(ClientConnectionError) as caught:
        await session.get("http://a/x")
    assert str(caught.value) == (
        "No rule for GET http://a/x; the rules are: "
        "POST http://a/x json='{\"a\": 1}'; GET /\\/y$/; GET /x (answered as often as it may)".replace(
            "\\/", "/"
        )
    )
    assert len(mock.requests) == 3
    for number in range(50):
        mock.add("GET", f"/{number}")
    with pytest.raises(ClientConnectionError, match=r"\.\.\.$"):
        await session.get("http://a/x")


async def statuses(session: ClientSession, count: int, url: str = "http://a/") -> list[int]:
    found = []
    for _ in range(count):
        async with session.get(url) as response:
            found.append(response.status)
    return found


async def test_a_rule_answers_for_ever(mock: MockConnector, session: ClientSession) -> None:
    mock.add("GET", "/", status=202)
    assert await statuses(session, 4) == [202] * 4


async def test_rules_that_are_repeated_answer_in_turn(mock: MockConnector, session: ClientSession) -> None:
    mock.add("GET", "/", status=503, times=2)
    mock.add("GET", "/", status=429)
    mock.add("GET", "/", status=200)
    assert await statuses(session, 6) == [503, 503, 429, 200, 200, 200]


async def test_the_first_rule_that_fits_answers(mock: MockConnector, session: ClientSession) -> None:
    mock.add("GET", "/a", status=201, times=2)
    mock.add("GET", re.compile("."), status=404)
    mock.add("get", "/a", status=202, times=1)
    assert await statuses(session, 5, "http://x/a") == [201, 201, 202, 404, 404]
    assert await statuses(session, 1, "http://x/b") == [404]


async def test_an_answer_that_is_made(mock: MockConnector, session: ClientSession) -> None:
    def shout(request: MockRequest) -> MockResponse:
        return MockResponse(body=request.body.upper())

    async def wait(request: MockRequest) -> MockResponse:
        await asyncio.sleep(0)
        return MockResponse(json=dict(request.url.query))

    def fail(request: MockRequest) -> MockResponse:
        raise LookupError("in the rule")

    mock.add("POST", "/shout", shout)
    mock.add("GET", "/wait", wait)
    mock.add("GET", "/fixed", MockResponse(status=204))
    mock.add("GET", "/fail", fail)
    mock.add("GET", "/wrong", lambda request: 200)  # type: ignore[arg-type,return-value]  # what is refused
    async with session.post("http://a/shout", data=b"abc") as response:
        assert await response.read() == b"ABC"
    async with session.get("http://a/wait?q=1") as response:
        assert await response.json() == {"q": "1"}
    assert await statuses(session, 2, "http://a/fixed") == [204, 204]
    with pytest.raises(LookupError, match="in the rule"):
        await session.get("http://a/fail")
    with pytest.raises(TypeError, match="MockResponse, got 200"):
        await session.get("http://a/wrong")


@pytest.mark.parametrize(
    "exception",
    [
        ClientConnectionError("refused"),
        ServerDisconnectedError(),
        TimeoutError,
        ConnectionResetError(104, "reset"),
        LookupError("other"),
    ],
)
async def test_exceptions(
    mock: MockConnector, session: ClientSession, exception: Exception | type[Exception]
) -> None:
    mock.add("GET", "/", times=1)
    mock.add("GET", "/", exception=exception, times=1)
    mock.add("GET", "/", status=201)
    assert await statuses(session, 1) == [200]
    kind = exception if isinstance(exception, type) else type(exception)
    # On a connection that has served before: the client must not try again by itself.
    with pytest.raises(kind) as caught:
        await session.get("http://a/")
    assert isinstance(exception, type) or caught.value is exception
    assert await statuses(session, 1) == [201]
    assert len(mock.requests) == 3


async def test_redirects_and_cookies(mock: MockConnector, session: ClientSession) -> None:
    headers = [("Location", "https://b.example/end"), ("Set-Cookie", "k=v; Domain=b.example")]
    mock.add("POST", "https://b.example/start", status=303, headers=headers)
    mock.add("GET", "https://b.example/end", body="end")
    async with session.post("https://b.example/start", data=b"x") as response:
        assert await response.text() == "end"
        assert [each.status for each in response.history] == [303]
    assert [str(request) for request in mock.requests] == [
        "POST https://b.example/start",
        "GET https://b.example/end",
    ]
    assert mock.requests[1].headers["Cookie"] == "k=v"


async def test_a_request_that_is_given_up_ends_its_rule(mock: MockConnector, session: ClientSession) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def never(request: MockRequest) -> MockResponse:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return MockResponse()

    mock.add("GET", "/", never)
    request = asyncio.ensure_future(session.get("http://a/"))
    await begun.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    await asyncio.wait_for(ended.wait(), 5)
    with pytest.raises(TimeoutError):
        await session.get("http://a/", timeout=ClientTimeout(total=0.01))


async def test_large_bodies(mock: MockConnector, session: ClientSession) -> None:
    mock.add("POST", "/", lambda request: MockResponse(body=request.body))
    body = bytes(3_000_000)
    async with session.post("http://a/", data=body) as response:
        assert await response.read() == body


async def test_requests_at_once(mock: MockConnector, session: ClientSession) -> None:
    mock.add("GET", re.compile("."), lambda request: MockResponse(body=request.url.path))

    async def fetch(number: int) -> str:
        async with session.get(f"http://a/{number}") as response:
            return await response.text()

    assert await asyncio.gather(*map(fetch, range(150))) == [f"/{number}" for number in range(150)]


@pytest.mark.parametrize(
    ("arguments", "options", "error", "text"),
    [
        (("GET", 1), {}, TypeError, "url: expected"),
        ((1, "/"), {}, TypeError, "method: expected"),
        (("GET", "/"), {"match_body": 1}, TypeError, "match_body: expected"),
        (("GET", "example.com/x"), {}, ValueError, "url: expected"),
        (("GET", "/", 200), {}, TypeError, "answer: expected"),
        (("GET", "/", MockResponse()), {"status": 201}, ValueError, "answer: expected it alone"),
        (("GET", "/", MockResponse()), {"json": None}, ValueError, "answer: expected it alone"),
        (("GET", "/"), {"times": 0}, ValueError, "times: expected"),
        (("GET", "/"), {"times": "1"}, ValueError, "times: expected"),
        (("GET", "/"), {"body": b"x", "json": 1}, ValueError, "body and json"),
        (("GET", "/"), {"body": 1}, TypeError, "body: expected"),
        (("GET", "/"), {"body": bytearray(b"x")}, TypeError, "body: expected"),
        (("GET", "/"), {"exception": "no"}, TypeError, "exception: expected"),
        (("GET", "/"), {"exception": KeyboardInterrupt}, TypeError, "exception: expected"),
        (("GET", "/"), {"headers": {"X-A": 1}}, TypeError, "headers: expected a str"),
        (("GET", "/"), {"match_headers": 1}, TypeError, "headers: expected"),
        (("GET", "/"), {"status": 20}, ValueError, "status"),
        (("GET", "/"), {"reason": "a\nb"}, ValueError, "reason"),
    ],
)
def test_what_is_refused(
    arguments: tuple[Any, ...], options: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        MockConnector().add(*arguments, **options)
