"""What requests say of the URL that they are for."""

import pytest
from yarl import URL

from pronghorn import web
from pronghorn.server.request_target import target_of
from pronghorn.testing import TestServer
from pronghorn.testing.memory import make_request
from pronghorn.wire.events import HttpVersion10, HttpVersion11

from .peer import connect, eventually, in_memory

ORIGIN = [("Host", "example.org:81")]


def test_request_line() -> None:
    request = make_request("QUERY", "/a%20b/%C3%A9?x=1&x=2&y=%26+z", ORIGIN)
    assert (request.method, request.version) == ("QUERY", HttpVersion11)
    assert request.raw_path == "/a%20b/%C3%A9?x=1&x=2&y=%26+z"
    assert request.path == "/a b/é"
    assert request.path_qs == "/a%20b/%C3%A9?x=1&x=2&y=%26+z"
    assert request.query.getall("x") == ["1", "2"]
    assert request.query["y"] == "& z"
    assert request.query_string == "x=1&x=2&y=%26 z"
    assert request.rel_url == URL("/a%20b/%C3%A9?x=1&x=2&y=%26+z", encoded=True)
    assert str(request.url) == "http://example.org:81/a%20b/%C3%A9?x=1&x=2&y=%26+z"
    assert repr(request) == "<Request QUERY /a%20b/%C3%A9?x=1&x=2&y=%26+z>"


@pytest.mark.parametrize(
    ("method", "target", "path", "url"),
    [
        ("GET", "/", "/", "http://example.org:81/"),
        ("GET", "//evil.test/x", "//evil.test/x", "http://example.org:81//evil.test/x"),
        ("GET", "/?", "/", "http://example.org:81/"),
        ("GET", "/a?b?c", "/a", "http://example.org:81/a?b?c"),
        ("GET", "http://example.org:81/a?b=c", "/a", "http://example.org:81/a?b=c"),
        ("GET", "http://example.org:81", "/", "http://example.org:81/"),
        ("OPTIONS", "*", "*", "http://example.org:81"),
        ("CONNECT", "example.org:81", "", "http://example.org:81"),
    ],
)
def test_target_forms(method: str, target: str, path: str, url: str) -> None:
    request = make_request(method, target, ORIGIN)
    assert request.path == path
    assert str(request.url) == url
    assert request.raw_path == target


@pytest.mark.parametrize(
    "host", ["a:65535", "a:", "[::1]", "[::1]:80", "a_b", "a%20b", "1.2.3.4", "a:0", "[v1.x]"]
)
def test_no_host_that_the_wire_lets_through_breaks_a_url(host: str) -> None:
    request = make_request(target="/x", headers=[("Host", host)])
    assert request.host == host
    try:
        assert str(request.url).endswith("/x")
    except ValueError:
        pytest.fail(f"request.url of Host {host!r} raises")


async def test_host_of_a_client_that_sent_none() -> None:
    hosts: list[tuple[object, ...]] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        hosts.append((request.host, str(request.url), request.remote, request.scheme, request.secure))
        return web.Response()

    for sockname, host in (("192.0.2.1", "192.0.2.1:80"), ("2001:db8::1", "[2001:db8::1]:80")):
        connection = await in_memory(handler)
        connection.transport._extra["sockname"] = (sockname, 80)
        connection.feed(b"GET /x HTTP/1.0\r\n\r\n")
        await eventually(lambda: hosts)
        connection.transport.abort()
        assert hosts.pop() == (host, f"http://{host}/x".replace(":80/", "/"), "192.0.2.7", "http", False)


def test_without_a_connection() -> None:
    request = make_request(version=HttpVersion10, headers=[])
    assert (request.host, request.remote, request.transport) == ("localhost", None, None)
    assert request.get_extra_info("peername", "nobody") == "nobody"


@pytest.mark.parametrize("target", ["//evil", "//evil/x", "//user@evil:1/x?q=1", "///", "/\\evil", "/:80/x"])
async def test_no_path_becomes_another_host(target: str) -> None:
    seen: list[tuple[str, ...]] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        seen.append((request.path, request.host, request.url.host or "", request.url.raw_path))
        return web.Response()

    connection = await in_memory(handler)
    connection.feed(f"GET {target} HTTP/1.1\r\nHost: good\r\n\r\n".encode())
    await eventually(lambda: seen)
    path = target.partition("?")[0]
    assert seen == [(path, "good", "good", path)]
    connection.transport.abort()


@pytest.mark.parametrize(
    "head",
    [
        b"GET /x HTTP/1.1\r\nHost: good/admin?",
        b"GET /x HTTP/1.1\r\nHost: user@good",
        b"GET /x HTTP/1.1\r\nHost: good:80#",
        b"GET /x HTTP/1.1\r\nHost: good\\evil",
        b"GET /x HTTP/1.1\r\nHost: good\r\nHost: evil",
        b"GET http://evil/x HTTP/1.1\r\nHost: good",
        b"GET http://good@evil/x HTTP/1.1\r\nHost: evil",
        b"GET /x#/y HTTP/1.1\r\nHost: good",
    ],
)
async def test_what_would_poison_a_url_does_not_reach_a_handler(head: bytes) -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        pytest.fail(f"handled with {request.url}")

    connection = await in_memory(handler)
    connection.feed(head + b"\r\n\r\n")
    await eventually(lambda: connection.sent)
    assert connection.sent.startswith(b"HTTP/1.1 400 ")
    connection.transport.abort()


async def test_over_a_socket() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response(
            [str(request.url), request.path_qs, request.host, request.remote, request.scheme]
        )

    app = web.Application()
    app.router.add_get("/{tail:.*}", handler)
    async with TestServer(app) as server, connect(server) as peer:
        peer.send(b"GET http://example.org/a%20b?c=%C3%A9 HTTP/1.1\r\nHost: example.org\r\n\r\n")
        answer = await peer.answer()
    assert answer.text == (
        '["http://example.org/a%20b?c=%C3%A9", "/a%20b?c=%C3%A9", "example.org", "127.0.0.1", "http"]'
    )


@pytest.mark.parametrize("peername", [("192.0.2.7", 1), ["192.0.2.7", 1], "192.0.2.7"])
def test_remote_is_an_address(peername: object) -> None:
    request = make_request()
    request._connection.peername = peername  # type: ignore[misc]  # that of memory can be set
    assert request.remote == "192.0.2.7"


@pytest.mark.parametrize("peername", ["", None, b""])
def test_remote_of_who_has_no_address(peername: object) -> None:
    request = make_request()
    request._connection.peername = peername  # type: ignore[misc]  # that of memory can be set
    assert request.remote is None


def test_what_goes_before_the_connection() -> None:
    request = make_request(target="/x", headers=ORIGIN)
    request._replace_origin("HTTPS", "other:8443", "198.51.100.1")
    assert (request.scheme, request.secure, request.host) == ("https", True, "other:8443")
    assert (str(request.url), request.remote) == ("https://other:8443/x", "198.51.100.1")
    request._replace_origin(None, None, None)
    assert str(request.url) == "https://other:8443/x"


@pytest.mark.parametrize(
    "host", ["", "a/b", "u@a", "a b", "a?b", "a#b", "a:65536", "a\r\nb", "[::1", "a" * 301]
)
def test_a_host_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="host: expected"):
        make_request()._replace_origin(None, host, None)


@pytest.mark.parametrize("scheme", ["", "http:", "ht tp", "javascript://x", "1http", "h\u0443"])
def test_a_scheme_that_is_none_is_refused(scheme: str) -> None:
    with pytest.raises(ValueError, match="scheme: expected"):
        make_request()._replace_origin(scheme, None, None)


@pytest.mark.parametrize(
    ("rel_url", "target"),
    [
        ("/a", "/a"),
        ("/a%20b?c=%26", "/a%20b?c=%26"),
        ("/\u00e9 x?y=\u00e9", "/%C3%A9%20x?y=%C3%A9"),
        ("//evil/x", "//evil/x"),
        ("/a#b", "/a"),
        ("*", "*"),
        ("http://other/a?b", "/a?b"),
        (URL("/a?b=c"), "/a?b=c"),
        (URL("http://other/a b"), "/a%20b"),
    ],
)
def test_target_of_a_relative_url(rel_url: str | URL, target: str) -> None:
    assert target_of(rel_url) == target


@pytest.mark.parametrize("rel_url", ["", "a", "?a=b", URL("a"), URL()])
def test_what_is_no_target(rel_url: str | URL) -> None:
    with pytest.raises(ValueError, match="rel_url: expected"):
        target_of(rel_url)


def test_names_are_looked_up_once() -> None:
    request = make_request(target="/x?a=1")
    assert request.rel_url is request.rel_url
    assert request.query is request.query
