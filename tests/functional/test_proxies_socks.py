"""By SOCKS: version 5 with microsocks, version 4 with a proxy that tells what it was asked for."""

import errno
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from pronghorn import (
    BasicAuth,
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientProxyConnectionError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    TCPConnector,
)

from ..tls import client_context, server_context
from .listening import text
from .programs import Names, Socks4Proxy, leaving_nothing, microsocks, scripted_tls
from .scripted import OK, Peer, Script, scripted, silent

AUTH = "user:s3cret"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with microsocks() as running:
        yield running


@pytest.fixture(scope="module")
def guarded() -> Iterator[int]:
    with microsocks(auth=AUTH) as running:
        yield running


def connector(names: dict[str, str] | None = None) -> TCPConnector:
    """Knows what it is told, and besides only what is an address already."""
    return TCPConnector(ssl=client_context(), resolver=Names(names or {}))


# Version 5, really


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_http_and_https(port: int, scheme: str) -> None:
    async with (
        leaving_nothing(),
        scripted(OK) as plain,
        scripted_tls(server_context()) as secure,
        ClientSession(connector=connector(), proxy=f"{scheme}://127.0.0.1:{port}") as session,
    ):
        for _ in range(3):
            assert await text(session, plain.url("/a?b")) == "ok"
            assert await text(session, f"https://127.0.0.1:{secure.port}/c?d") == "ok"
        assert [request.target for request in plain.requests] == ["/a?b"] * 3
        assert plain.requests[0].fields["Host"] == f"127.0.0.1:{plain.port}"
        assert [request.target for request in secure.requests] == ["/c?d"] * 3
        assert len(plain.peers) == len(secure.peers) == 1


async def test_who_looks_names_up(port: int) -> None:
    """With 5 we do; with 5h the proxy does, which knows what localhost is."""
    ours = connector({"a.test": "127.0.0.1"})
    async with scripted(OK) as plain, ClientSession(connector=ours) as session:
        by, by_name = f"socks5://127.0.0.1:{port}", f"socks5h://127.0.0.1:{port}"
        assert await text(session, f"http://a.test:{plain.port}/", proxy=by) == "ok"
        assert await text(session, f"http://localhost:{plain.port}/", proxy=by_name) == "ok"
        with pytest.raises(ClientConnectorDNSError, match=r"localhost .*\(dns\)"):
            await session.get(f"http://localhost:{plain.port}/", proxy=by)
        with pytest.raises(ClientProxyConnectionError):
            await session.get("http://a.invalid/", proxy=by_name)
        hosts = [request.fields["Host"].partition(":")[0] for request in plain.requests]
        assert hosts == ["a.test", "localhost"]


async def test_the_name_of_the_proxy_is_looked_up(port: int) -> None:
    async with (
        scripted(OK) as plain,
        ClientSession(connector=connector({"proxy.test": "127.0.0.1"})) as session,
    ):
        assert await text(session, plain.url(), proxy=f"socks5h://proxy.test:{port}") == "ok"
        with pytest.raises(ClientConnectorDNSError) as caught:
            await session.get(plain.url(), proxy=f"socks5h://other.test:{port}")
        assert (caught.value.host, caught.value.port) == ("other.test", port)


@pytest.mark.parametrize("how", ["proxy_auth", "url", "session"])
async def test_credentials(guarded: int, how: str) -> None:
    bare, whole = f"socks5://127.0.0.1:{guarded}", f"socks5://{AUTH}@127.0.0.1:{guarded}"
    basic = BasicAuth("user", "s3cret")
    of_session: dict[str, Any] = {"proxy": bare, "proxy_auth": basic} if how == "session" else {}
    ways: dict[str, dict[str, Any]] = {
        "proxy_auth": {"proxy": bare, "proxy_auth": basic},
        "url": {"proxy": whole},
        "session": {},
    }
    options = ways[how]
    async with (
        scripted(OK) as plain,
        scripted_tls(server_context()) as secure,
        ClientSession(connector=connector(), **of_session) as session,
    ):
        for url in (plain.url(), f"https://127.0.0.1:{secure.port}/"):
            assert await text(session, url, **options) == "ok"
        for request in (*plain.requests, *secure.requests):
            assert "Proxy-Authorization" not in request.fields
            assert "Authorization" not in request.fields


@pytest.mark.parametrize("auth", [None, BasicAuth("user", "wrong"), BasicAuth("nobody", "s3cret")])
async def test_credentials_that_are_wrong(guarded: int, auth: BasicAuth | None) -> None:
    async with (
        ClientSession(
            connector=connector(), proxy=f"socks5://127.0.0.1:{guarded}", proxy_auth=auth
        ) as session,
        leaving_nothing(),
        scripted(OK) as plain,
    ):
        with pytest.raises(ClientProxyConnectionError) as caught:
            await session.get(plain.url())
        error = caught.value
        assert not plain.peers
    assert (error.host, error.port, error.phase) == ("127.0.0.1", guarded, "proxy")
    assert "socks5 proxy: " in str(error)
    assert "wrong" not in str(error)


async def test_a_server_that_is_not_there(port: int) -> None:
    async with scripted(OK) as gone:
        pass
    async with (
        ClientSession(connector=connector(), proxy=f"socks5://127.0.0.1:{port}") as session,
        leaving_nothing(),
    ):
        with pytest.raises(ClientProxyConnectionError, match="refused") as caught:
            await session.get(gone.url())
    assert (caught.value.host, caught.value.port, caught.value.phase) == ("127.0.0.1", port, "proxy")


async def test_a_server_with_a_bad_certificate(port: int) -> None:
    async with (
        ClientSession(connector=connector(), proxy=f"socks5://127.0.0.1:{port}") as session,
        leaving_nothing(),
        scripted_tls(server_context("a.test")) as origin,
    ):
        with pytest.raises(ClientConnectorCertificateError) as caught:
            await session.get(f"https://127.0.0.1:{origin.port}/")
    assert (caught.value.host, caught.value.port, caught.value.phase) == ("127.0.0.1", origin.port, "tls")


async def test_the_name_is_asked_for_in_the_tunnel(port: int) -> None:
    async with (
        ClientSession(connector=connector({"a.test": "127.0.0.1"})) as session,
        scripted_tls(server_context("a.test")) as origin,
    ):
        assert (
            await text(session, f"https://a.test:{origin.port}/", proxy=f"socks5://127.0.0.1:{port}") == "ok"
        )
        assert origin.requests[0].fields["Host"] == f"a.test:{origin.port}"


async def test_large_bodies(port: int) -> None:
    body = bytes(range(256)) * 8_000

    async def echo(peer: Peer) -> None:
        while True:
            request = await peer.request()
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(request.body))
            peer.writer.write(request.body)
            await peer.writer.drain()

    async with (
        scripted_tls(server_context(), echo) as origin,
        ClientSession(connector=connector(), proxy=f"socks5h://127.0.0.1:{port}") as session,
        session.post(f"https://127.0.0.1:{origin.port}/", data=body) as response,
    ):
        assert await response.read() == body


# Version 4


async def test_version_4_is_told_addresses_and_4a_names() -> None:
    proxy = Socks4Proxy()
    async with (
        scripted(OK) as plain,
        scripted_tls(server_context("a.test")) as secure,
        scripted(proxy) as by,
        ClientSession(connector=connector({"a.test": "127.0.0.1"})) as session,
    ):
        for scheme in ("socks4", "socks4a"):
            for user in ("", "user@"):
                where = f"{scheme}://{user}127.0.0.1:{by.port}"
                assert await text(session, f"http://a.test:{plain.port}/", proxy=where) == "ok"
                assert await text(session, f"https://a.test:{secure.port}/", proxy=where) == "ok"
        unknown = f"http://unknown.test:{plain.port}/"
        assert await text(session, unknown, proxy=f"socks4a://127.0.0.1:{by.port}") == "ok"
        with pytest.raises(ClientConnectorDNSError):
            await session.get(unknown, proxy=f"socks4://127.0.0.1:{by.port}")
    both = [(port, user) for user in (b"", b"user") for port in (plain.port, secure.port)]
    assert proxy.asked == [
        *(("4", "127.0.0.1", port, user) for port, user in both),
        *(("4a", "a.test", port, user) for port, user in both),
        ("4a", "unknown.test", plain.port, b""),
    ]


async def test_version_4_knows_no_ipv6() -> None:
    names = {"both.test": ["::1", "127.0.0.1"], "six.test": ["::1"]}
    proxy = Socks4Proxy()
    ours = TCPConnector(resolver=Names(names))
    async with (
        scripted(OK) as plain,
        scripted(proxy) as by,
        ClientSession(connector=ours, proxy=f"socks4://127.0.0.1:{by.port}") as session,
    ):
        assert await text(session, f"http://both.test:{plain.port}/") == "ok"
        for host in ("six.test", "[::1]"):
            with pytest.raises(ClientConnectorDNSError):
                await session.get(f"http://{host}:{plain.port}/")
    assert proxy.asked == [("4", "127.0.0.1", plain.port, b"")]


async def test_version_4_refuses() -> None:
    for scheme in ("socks4", "socks4a"):
        async with (
            ClientSession(connector=connector()) as session,
            leaving_nothing(),
            scripted(Socks4Proxy(is_refusing=True)) as by,
        ):
            with pytest.raises(ClientProxyConnectionError, match=f"{scheme} proxy: ") as caught:
                await session.get("http://127.0.0.1:1/", proxy=f"{scheme}://127.0.0.1:{by.port}")
            assert (caught.value.host, caught.value.port) == ("127.0.0.1", by.port)
            assert (caught.value.phase, caught.value.peer) == ("proxy", f"127.0.0.1:{by.port}")


# What goes wrong


async def leaving_at_once(peer: Peer) -> None:
    await peer.reader.read(1)
    peer.close()


async def resetting(peer: Peer) -> None:
    await peer.reader.read(1)
    peer.reset()


async def babbling(peer: Peer) -> None:
    await peer.reader.read(1)
    await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await peer.rest()
    peer.close()


async def leaving_later(peer: Peer) -> None:
    await peer.reader.read(3)
    await peer.send(b"\5\0")
    await peer.reader.read(1)
    await peer.send(b"\5\0\0")
    peer.close()


BAD: dict[str, Script] = {
    "leaves": leaving_at_once,
    "resets": resetting,
    "babbles": babbling,
    "leaves later": leaving_later,
}


@pytest.mark.parametrize("scheme", ["socks4", "socks4a", "socks5", "socks5h"])
@pytest.mark.parametrize("kind", BAD)
async def test_what_is_no_proxy(kind: str, scheme: str) -> None:
    async with ClientSession(connector=connector()) as session, leaving_nothing(), scripted(BAD[kind]) as by:
        with pytest.raises(ClientProxyConnectionError) as caught:
            await session.get("http://127.0.0.1:1/", proxy=f"{scheme}://127.0.0.1:{by.port}")
        error = caught.value
        assert (error.host, error.port, error.phase) == ("127.0.0.1", by.port, "proxy")
        assert error.peer == f"127.0.0.1:{by.port}"
        assert f"127.0.0.1:{by.port}" in str(error)


@pytest.mark.parametrize("scheme", ["socks4", "socks5"])
async def test_nobody_is_there(scheme: str) -> None:
    async with scripted(OK) as gone:
        pass
    async with ClientSession(connector=connector()) as session, leaving_nothing():
        with pytest.raises(ClientProxyConnectionError) as caught:
            await session.get("http://127.0.0.1:1/", proxy=f"{scheme}://127.0.0.1:{gone.port}")
        error = caught.value
        assert (error.host, error.port) == ("127.0.0.1", gone.port)
        assert error.errno == errno.ECONNREFUSED
        assert error.peer == f"127.0.0.1:{gone.port}"


@pytest.mark.parametrize("scheme", ["socks4", "socks5"])
async def test_a_proxy_that_is_silent(scheme: str) -> None:
    async with ClientSession(connector=connector()) as session, leaving_nothing(), scripted(silent) as by:
        with pytest.raises(ConnectionTimeoutError) as caught:
            await session.get(
                "http://127.0.0.1:1/",
                proxy=f"{scheme}://127.0.0.1:{by.port}",
                timeout=ClientTimeout(sock_connect=0.05),
            )
        assert str(caught.value) == (
            f"No connection to 127.0.0.1:1 within 0.05 s (sock_connect): proxy, 127.0.0.1:{by.port}"
        )


async def test_an_address_of_the_proxy_that_is_dead(port: int) -> None:
    ours = TCPConnector(resolver=Names({"proxy.test": ["127.0.0.2", "127.0.0.1"]}))
    async with (
        scripted(OK) as plain,
        ClientSession(connector=ours, proxy=f"socks5://proxy.test:{port}") as session,
    ):
        assert await text(session, plain.url()) == "ok"


async def test_python_socks_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "python_socks", None)
    async with (
        ClientSession(connector=connector(), proxy="socks5://127.0.0.1:1") as session,
        leaving_nothing(),
    ):
        with pytest.raises(RuntimeError, match=r"needs python-socks: pip install 'pronghorn\[socks\]'"):
            await session.get("http://127.0.0.1:1/")
