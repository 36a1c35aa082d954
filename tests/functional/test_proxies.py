"""By a proxy: what it is told, and that real ones understand it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from yarl import URL

from pronghorn import BasicAuth, ClientHttpProxyError, ClientResponseError, ClientSession, TCPConnector

from ..seed.sockets import opening
from ..tls import client_context, server_context
from .listening import text
from .programs import HttpProxy, leaving_nothing, scripted_tls, squid, tinyproxy
from .scripted import OK, Peer, answering, scripted, until

AUTH = "user:s3cret"
BASIC = "Basic dXNlcjpzM2NyZXQ="


def trusting() -> TCPConnector:
    return TCPConnector(ssl=client_context())


# What is sent, byte by byte


async def test_plain_http_goes_to_the_proxy_in_absolute_form() -> None:
    """RFC 9112 section 3.2.2."""
    proxy = HttpProxy()
    async with scripted(proxy) as server, ClientSession(headers={"User-Agent": "x"}) as session:
        url = URL("http://origin.test:81/a%20b?c=d&e=%26#f")
        async with session.get(url, proxy=server.url(), headers={"Accept-Encoding": "gzip"}) as response:
            assert response.url == URL("http://origin.test:81/a%20b?c=d&e=%26")
            assert await response.text() == "ok"
        assert await text(session, "http://[2001:db8::1]/", proxy=server.url()) == "ok"
        assert await text(session, "http://b\u00fccher.test:80", proxy=URL(server.url())) == "ok"
    assert proxy.heads[0] == (
        b"GET http://origin.test:81/a%20b?c=d&e=%26 HTTP/1.1\r\n"
        b"Host: origin.test:81\r\n"
        b"User-Agent: x\r\n"
        b"Accept: */*\r\n"
        b"Accept-Encoding: gzip\r\n"
        b"\r\n"
    )
    assert proxy.targets[1:] == ["GET http://[2001:db8::1]/", "GET http://xn--bcher-kva.test/"]
    assert proxy.fields("Host")[1:] == ["[2001:db8::1]", "xn--bcher-kva.test"]


async def test_https_goes_through_a_tunnel() -> None:
    """RFC 9110 section 9.3.6: Host and authority, and what is for the proxy; the rest is for the server."""
    proxy = HttpProxy()
    async with (
        scripted_tls(server_context("origin.test")) as origin,
        scripted(proxy) as server,
        ClientSession(connector=trusting()) as session,
    ):
        options: dict[str, Any] = {
            "proxy": server.url(),
            "proxy_auth": BasicAuth("user", "s3cret"),
            "proxy_headers": {"X-Way": "1"},
            "headers": {"X-End": "2", "Authorization": "Bearer t"},
        }
        url = f"https://origin.test:{origin.port}/path?query"
        for _ in range(2):
            assert await text(session, url, **options) == "ok"
    authority = f"origin.test:{origin.port}".encode()
    assert proxy.heads == [
        b"CONNECT %b HTTP/1.1\r\nHost: %b\r\nX-Way: 1\r\nProxy-Authorization: %b\r\n\r\n"
        % (authority, authority, BASIC.encode())
    ]
    assert [request.target for request in origin.requests] == ["/path?query"] * 2
    for request in origin.requests:
        assert request.fields["Host"] == authority.decode()
        assert request.fields["X-End"] == "2"
        assert request.fields["Authorization"] == "Bearer t"
        assert "X-Way" not in request.fields
        assert not [name for name in request.fields if name.lower().startswith("proxy-")]


async def test_the_port_of_a_tunnel_is_always_said() -> None:
    proxy = HttpProxy(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
    async with scripted(proxy) as server, ClientSession(proxy=server.url()) as session:
        for url in ("https://origin.test/", "https://[::1]/", "https://b\u00fccher.test:443/"):
            with pytest.raises(ClientHttpProxyError):
                await session.get(url)
    assert proxy.targets == ["CONNECT origin.test:443", "CONNECT [::1]:443", "CONNECT xn--bcher-kva.test:443"]


async def test_bodies_by_a_proxy() -> None:
    received = []

    async def proxy(peer: Peer) -> None:
        while True:
            received.append(await peer.request())
            await peer.send(OK)

    async def pieces() -> Any:
        yield b"x" * 100_000
        yield b"y"

    async with scripted(proxy) as server, ClientSession(proxy=server.url()) as session:
        for data in (b"small", b"x" * 300_000, pieces()):
            async with session.post("http://origin.test/", data=data) as response:
                assert await response.text() == "ok"
    assert [len(request.body) for request in received] == [5, 300_000, 100_001]
    assert {request.target for request in received} == {"http://origin.test/"}


async def test_a_session_may_have_one_and_a_request_another() -> None:
    one, other = HttpProxy(), HttpProxy()
    async with (
        scripted(one) as first,
        scripted(other) as second,
        ClientSession(
            proxy=first.url(), proxy_auth=BasicAuth("a", "b"), proxy_headers={"X-One": "1", "X-Both": "1"}
        ) as session,
    ):
        url = "http://origin.test/"
        await text(session, url)
        await text(session, url, proxy_headers={"X-Both": "2"})
        await text(session, url, proxy_auth=BasicAuth("c", "d"))
        await text(session, url, proxy=second.url())
        await text(session, url, proxy=second.url(), proxy_headers={"X-Other": "2"})
    assert one.fields("X-One") == ["1", "1", "1"]
    assert one.fields("X-Both") == ["1", "2", "1"]
    basic = [BasicAuth("a", "b").encode(), BasicAuth("a", "b").encode(), BasicAuth("c", "d").encode()]
    assert one.fields("Proxy-Authorization") == basic
    # Another proxy is told nothing that is meant for the first.
    assert other.fields("Proxy-Authorization") == [None, None]
    assert other.fields("X-One") == other.fields("X-Both") == [None, None]
    assert other.fields("X-Other") == [None, "2"]


async def test_connections_to_a_proxy_are_kept() -> None:
    proxy = HttpProxy()
    async with (
        scripted_tls(server_context("a.test", "b.test")) as origin,
        scripted(proxy) as server,
        ClientSession(connector=trusting(), proxy=server.url()) as session,
    ):
        for _ in range(2):
            for url in ("http://a.test/", "http://b.test/"):
                await text(session, url)
            for host in ("a.test", "b.test"):
                await text(session, f"https://{host}:{origin.port}/")
            # Directly, none of these is used.
            await text(session, f"https://127.0.0.1:{origin.port}/", ssl=False, proxy=server.url())
    tunnels = [target for target in proxy.targets if target.startswith("CONNECT")]
    assert len(tunnels) == len(set(tunnels)) == 3
    assert len(origin.peers) == 3


async def test_what_is_no_proxy() -> None:
    for url in ("origin.test:80", "ftp://127.0.0.1/", "http://", "", "//127.0.0.1", "unix:///socket"):
        with pytest.raises(ValueError, match="proxy: expected a URL"):
            ClientSession(proxy=url)
        async with ClientSession() as session:
            with pytest.raises(ValueError, match="proxy: expected a URL"):
                await session.get("http://127.0.0.1/", proxy=url)
    for wrong in (1, b"http://127.0.0.1/", ["http://127.0.0.1/"]):
        with pytest.raises(TypeError, match="proxy: expected a str"):
            ClientSession(proxy=wrong)  # type: ignore[arg-type]  # what is tested
    for auth in ("user:s3cret", ("user", "s3cret")):
        with pytest.raises(ValueError, match="proxy_auth: expected None or a BasicAuth") as caught:
            ClientSession(proxy="http://127.0.0.1/", proxy_auth=auth)  # type: ignore[arg-type]  # what is tested
        assert "s3cret" not in str(caught.value)


# Real ones


Started = Callable[..., AbstractContextManager[int]]
REAL: dict[str, Started] = {"tinyproxy": tinyproxy, "squid": squid}


@pytest.fixture(scope="module", params=REAL)
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """Of a proxy that asks for no credentials."""
    with REAL[request.param]() as running:
        yield running


@pytest.fixture(scope="module", params=REAL)
def guarded(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a proxy that asks for `AUTH`."""
    with REAL[request.param](auth=AUTH) as running:
        yield running


async def test_http_and_https(port: int) -> None:
    proxy = f"http://127.0.0.1:{port}"
    async with (
        scripted(OK) as plain,
        scripted_tls(server_context()) as secure,
        ClientSession(connector=trusting(), proxy=proxy) as session,
    ):
        for _ in range(3):
            assert await text(session, plain.url("/a?b")) == "ok"
            assert await text(session, f"https://127.0.0.1:{secure.port}/c?d") == "ok"
        assert [request.target for request in plain.requests] == ["/a?b"] * 3
        assert [request.target for request in secure.requests] == ["/c?d"] * 3
        assert len(secure.peers) == 1
        assert "Via" in plain.requests[0].fields
        assert "Via" not in secure.requests[0].fields


async def test_large_bodies(port: int) -> None:
    body = bytes(range(256)) * 8_000

    async def echo(peer: Peer) -> None:
        while True:
            request = await peer.request()
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(request.body))
            peer.writer.write(request.body)
            await peer.writer.drain()

    async with (
        scripted(echo) as plain,
        scripted_tls(server_context(), echo) as secure,
        ClientSession(connector=trusting(), proxy=f"http://127.0.0.1:{port}") as session,
    ):
        for url in (plain.url(), f"https://127.0.0.1:{secure.port}/"):
            async with session.post(url, data=body) as response:
                assert await response.read() == body


@pytest.mark.parametrize("how", ["proxy_auth", "url", "proxy_headers", "session"])
async def test_credentials(guarded: int, how: str) -> None:
    proxy = f"http://127.0.0.1:{guarded}"
    basic = BasicAuth("user", "s3cret")
    ways: dict[str, dict[str, Any]] = {
        "proxy_auth": {"proxy": proxy, "proxy_auth": basic},
        "url": {"proxy": f"http://{AUTH}@127.0.0.1:{guarded}"},
        "proxy_headers": {"proxy": proxy, "proxy_headers": {"Proxy-Authorization": BASIC}},
        "session": {},
    }
    options = ways[how]
    whole = {"proxy": proxy, "proxy_auth": basic} if how == "session" else {}
    async with (
        scripted(OK) as plain,
        scripted_tls(server_context()) as secure,
        ClientSession(connector=trusting(), **whole) as session,  # type: ignore[arg-type]  # two of its keywords
    ):
        for url in (plain.url(), f"https://127.0.0.1:{secure.port}/"):
            assert await text(session, url, **options) == "ok"
        for origin in (plain, secure):
            assert len(origin.requests) == 1
            assert not [name for name in origin.requests[0].fields if name.lower().startswith("proxy-")]


@pytest.mark.parametrize("auth", [None, BasicAuth("user", "wrong"), BasicAuth("nobody", "s3cret")])
async def test_credentials_that_are_wrong(guarded: int, auth: BasicAuth | None) -> None:
    connector = trusting()
    async with (
        leaving_nothing(),
        ClientSession(connector=connector, proxy=f"http://127.0.0.1:{guarded}", proxy_auth=auth) as session,
        scripted(OK) as plain,
        scripted_tls(server_context()) as secure,
    ):
        for url in (plain.url(), f"https://127.0.0.1:{secure.port}/"):
            with pytest.raises(ClientResponseError) as caught:
                await session.get(url, raise_for_status=True)
            error = caught.value
            if error.status == 407:
                assert type(error) is ClientHttpProxyError
            else:
                # tinyproxy says 401 where credentials are there and wrong; forwarding, as a server would.
                assert (error.status, auth is None) == (401, False)
            assert error.message
            assert error.headers is not None
            assert error.request_info.real_url == URL(url)
            assert "wrong" not in f"{error!s} {error!r}"
        assert not plain.peers
        assert not secure.peers
        assert connector.stats().in_use == 0


async def test_a_server_that_is_not_there(port: int) -> None:
    """The proxy says so, with a page where it forwards."""
    async with scripted(OK) as gone:
        pass
    proxy = f"http://127.0.0.1:{port}"
    async with ClientSession(connector=trusting(), proxy=proxy) as session, leaving_nothing():
        async with session.get(gone.url(), headers={"Connection": "close"}) as response:
            assert response.status in (500, 502, 503)
        with pytest.raises(ClientHttpProxyError) as caught:
            await session.get(f"https://127.0.0.1:{gone.port}/")
        assert caught.value.status in (500, 502, 503)


async def test_a_server_that_closes_its_connections(port: int) -> None:
    """In a tunnel as without one."""
    connector = trusting()
    async with (
        scripted_tls(server_context(), answering(OK)) as origin,
        ClientSession(connector=connector, proxy=f"http://127.0.0.1:{port}") as session,
    ):
        for _ in range(2):
            assert await text(session, f"https://127.0.0.1:{origin.port}/") == "ok"
            await until(lambda: connector.stats().idle == 0)
        assert len(origin.peers) == 2


# WebSockets


async def test_a_websocket_goes_through_a_tunnel() -> None:
    """RFC 6455 section 4.1: a proxy takes the Upgrade of a request that it is sent for itself."""
    proxy = HttpProxy()
    async with (
        scripted(opening()) as origin,
        scripted(proxy) as server,
        ClientSession() as session,
    ):
        url = origin.url().replace("http", "ws")
        async with session.ws_connect(url, proxy=server.url()) as websocket:
            assert not websocket.closed
        async with session.get("http://origin.test/", proxy=server.url()) as response:
            assert response.status == 200
    assert proxy.targets == [f"CONNECT 127.0.0.1:{origin.port}", "GET http://origin.test/"]


@pytest.mark.parametrize("program", [tinyproxy, squid])
async def test_a_websocket_by_a_real_proxy(program: Callable[[], AbstractContextManager[int]]) -> None:
    async with scripted(opening()) as origin, ClientSession() as session:
        with program() as port:
            async with session.ws_connect(origin.url(), proxy=f"http://127.0.0.1:{port}") as websocket:
                assert not websocket.closed
            assert websocket.close_code == 1000
