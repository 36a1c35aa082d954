"""TLS with the proxy, and in it with the server: both are verified, each by what it is called.

Loops do TLS in TLS each in their own way: all of it is run on that of asyncio and on that of uvloop.
"""

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from pronghorn import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientPayloadError,
    ClientProxyConnectionError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    Fingerprint,
    ServerFingerprintMismatch,
    TCPConnector,
)

from ..tls import (
    certificate,
    client_context,
    demanding_context,
    digest,
    expired_certificate,
    expired_context,
    known_client_context,
    server_context,
    untrusted_context,
)
from .listening import text
from .programs import HttpProxy, Names, leaving_nothing, relay, scripted_tls, squid
from .scripted import OK, Peer, Scripted, scripted, until

Check = Callable[[], Coroutine[Any, Any, None]]


def on_each_loop(check: Check) -> Callable[[str], None]:
    """A test of ``check`` on both loops, whatever ``--loop`` says."""

    @pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
    def test(loop: str) -> None:
        module = pytest.importorskip(loop)
        with asyncio.Runner(loop_factory=module.new_event_loop) as runner:
            runner.run(check())

    return test


def proxy_of(server: Scripted, host: str = "proxy.test") -> str:
    return f"https://{host}:{server.port}"


def origin_of(server: Scripted, host: str = "origin.test") -> str:
    return f"https://{host}:{server.port}/"


def connector(**options: Any) -> TCPConnector:
    """Trusts the authority of the tests; knows the proxy, and lets that find the server."""
    resolver = Names({"proxy.test": "127.0.0.1", "other.test": "127.0.0.1"})
    return TCPConnector(resolver=resolver, **{"ssl": client_context(), **options})


# What works


@on_each_loop
async def test_a_tunnel_in_tls() -> None:
    proxy = HttpProxy()
    seen: list[tuple[str, str | None]] = []
    outer, inner = server_context("proxy.test"), server_context("origin.test")
    for context, name in ((outer, "proxy"), (inner, "origin")):
        context.sni_callback = lambda _object, sni, _context, name=name: seen.append((name, sni))
    try:
        async with (
            leaving_nothing(),
            scripted_tls(inner) as origin,
            scripted_tls(outer, proxy) as by,
            ClientSession(connector=connector(), proxy=proxy_of(by)) as session,
        ):
            for _ in range(3):
                assert await text(session, origin_of(origin)) == "ok"
            assert len(origin.peers) == len(by.peers) == 1
            assert len(origin.requests) == 3
    finally:
        outer.sni_callback = inner.sni_callback = None
    assert seen == [("proxy", "proxy.test"), ("origin", "origin.test")]
    assert proxy.targets == [f"CONNECT origin.test:{origin.port}"]


@on_each_loop
async def test_plain_http_by_a_proxy_with_tls() -> None:
    proxy = HttpProxy()
    async with (
        leaving_nothing(),
        scripted_tls(server_context("proxy.test"), proxy) as by,
        ClientSession(connector=connector(), proxy=proxy_of(by)) as session,
    ):
        for _ in range(2):
            assert await text(session, "http://origin.test/path") == "ok"
        assert len(by.peers) == 1
    assert proxy.targets == ["GET http://origin.test/path"] * 2


@on_each_loop
async def test_large_bodies_in_both_ways() -> None:
    body = bytes(range(256)) * 8_000

    async def echo(peer: Peer) -> None:
        while True:
            request = await peer.request()
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(request.body))
            peer.writer.write(request.body)
            await peer.writer.drain()

    async with (
        leaving_nothing(),
        scripted_tls(server_context("origin.test"), echo) as origin,
        scripted_tls(server_context("proxy.test"), HttpProxy()) as by,
        ClientSession(connector=connector(), proxy=proxy_of(by)) as session,
    ):
        for _ in range(2):
            async with session.post(origin_of(origin), data=body) as response:
                assert await response.read() == body
        assert len(origin.peers) == 1


@on_each_loop
async def test_a_real_one() -> None:
    pem = certificate("proxy.test").private_key_and_cert_chain_pem.bytes()
    with squid(auth="user:s3cret", pem=pem) as port:
        async with (
            leaving_nothing(),
            scripted(OK) as plain,
            scripted_tls(server_context()) as secure,
            ClientSession(connector=connector(), proxy=f"https://user:s3cret@proxy.test:{port}") as session,
        ):
            for _ in range(2):
                assert await text(session, plain.url()) == "ok"
                assert await text(session, f"https://127.0.0.1:{secure.port}/") == "ok"
            assert len(secure.peers) == 1


@on_each_loop
async def test_a_proxy_that_wants_to_know_its_client() -> None:
    async with (
        leaving_nothing(),
        scripted_tls(server_context("origin.test")) as origin,
        scripted_tls(demanding_context("proxy.test"), HttpProxy()) as by,
    ):
        known = connector(proxy_ssl=known_client_context())
        async with ClientSession(connector=known, proxy=proxy_of(by)) as session:
            assert await text(session, origin_of(origin)) == "ok"
        async with ClientSession(connector=connector(), proxy=proxy_of(by)) as session:
            with pytest.raises(ClientConnectorError) as caught:
                await session.get(origin_of(origin))
            assert (caught.value.host, caught.value.port) == ("proxy.test", by.port)


# Who is not believed


async def refused(
    outer: ssl.SSLContext,
    inner: ssl.SSLContext,
    of_connector: dict[str, Any],
    url: Callable[[Scripted], str] = origin_of,
    **options: Any,
) -> tuple[Exception, Scripted, Scripted, HttpProxy]:
    proxy = HttpProxy()
    async with (
        ClientSession(connector=connector(**of_connector)) as session,
        leaving_nothing(),
        scripted_tls(inner) as origin,
        scripted_tls(outer, proxy) as by,
    ):
        with pytest.raises(Exception) as caught:  # noqa: PT011 - the callers look at it
            await session.get(url(origin), proxy=proxy_of(by), **options)
        assert not origin.requests
    return caught.value, origin, by, proxy


BAD: dict[str, Callable[[], ssl.SSLContext]] = {
    "expired": lambda: expired_context("proxy.test"),
    "untrusted": lambda: untrusted_context("proxy.test"),
    "another name": lambda: server_context("origin.test"),
}
#: What a request says of the server, and does not mean for its proxy.
OF_THE_SERVER: dict[str, Callable[[], dict[str, Any]]] = {
    "nothing": dict,
    "false": lambda: {"ssl": False},
    "fingerprint": lambda: {"ssl": Fingerprint(digest(certificate("origin.test")))},
    "its name": lambda: {"server_hostname": "origin.test"},
}


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("said", OF_THE_SERVER)
@pytest.mark.parametrize("kind", BAD)
async def test_a_proxy_with_a_bad_certificate(kind: str, said: str, scheme: str) -> None:
    def url(origin: Scripted) -> str:
        return origin_of(origin).replace("https", scheme)

    for of_connector, of_request in (({}, OF_THE_SERVER[said]()), (OF_THE_SERVER[said](), {})):
        of_request |= {name: of_connector.pop(name) for name in ("server_hostname",) if name in of_connector}
        error, _, by, proxy = await refused(
            BAD[kind](), server_context("origin.test"), of_connector, url, **of_request
        )
        assert type(error) is ClientConnectorCertificateError
        assert (error.host, error.port) == ("proxy.test", by.port)
        assert (error.phase, error.peer) == ("tls", f"127.0.0.1:{by.port}")
        assert not proxy.heads


async def test_a_proxy_is_not_verified_if_that_is_said_of_it() -> None:
    async with (
        scripted_tls(server_context("origin.test")) as origin,
        scripted_tls(expired_context("proxy.test"), HttpProxy()) as by,
    ):
        for proxy_ssl in (False, Fingerprint(digest(expired_certificate("proxy.test")))):
            ours = connector(proxy_ssl=proxy_ssl)
            async with ClientSession(connector=ours, proxy=proxy_of(by)) as session:
                assert await text(session, origin_of(origin)) == "ok"
                with pytest.raises(ClientConnectorCertificateError) as caught:
                    await session.get(origin_of(origin), server_hostname="other.test")
                assert caught.value.host == "origin.test"


async def test_a_proxy_with_another_certificate_than_expected() -> None:
    expected = digest(certificate("other.test"))
    error, _, by, proxy = await refused(
        server_context("proxy.test"), server_context("origin.test"), {"proxy_ssl": Fingerprint(expected)}
    )
    assert type(error) is ServerFingerprintMismatch
    assert (error.expected, error.got) == (expected, digest(certificate("proxy.test")))
    assert (error.host, error.port) == ("127.0.0.1", by.port)
    assert not proxy.heads


@pytest.mark.parametrize("inner", ["expired", "untrusted", "another name"])
async def test_a_server_with_a_bad_certificate_in_a_tunnel(inner: str) -> None:
    context = {
        "expired": lambda: expired_context("origin.test"),
        "untrusted": lambda: untrusted_context("origin.test"),
        "another name": lambda: server_context("proxy.test"),
    }[inner]()
    # What is said of the proxy is not meant for the server.
    for of_connector in ({}, {"proxy_ssl": False}):
        error, origin, by, proxy = await refused(server_context("proxy.test"), context, of_connector)
        assert type(error) is ClientConnectorCertificateError
        assert (error.host, error.port) == ("origin.test", origin.port)
        assert error.phase == "tls"
        assert error.peer == f"127.0.0.1:{by.port}"
        assert len(proxy.heads) == 1


async def test_a_fingerprint_in_a_tunnel() -> None:
    right, wrong = (Fingerprint(digest(certificate(name))) for name in ("origin.test", "other.test"))
    async with (
        ClientSession(connector=connector()) as session,
        scripted_tls(server_context("origin.test")) as origin,
        scripted_tls(server_context("proxy.test"), HttpProxy()) as by,
    ):
        assert await text(session, origin_of(origin), proxy=proxy_of(by), ssl=right) == "ok"
        with pytest.raises(ServerFingerprintMismatch):
            await session.get(origin_of(origin), proxy=proxy_of(by), ssl=wrong)


async def test_the_name_of_a_server_is_not_its_proxys() -> None:
    async with (
        ClientSession(connector=connector()) as session,
        scripted_tls(server_context("other.test")) as origin,
        scripted_tls(server_context("proxy.test"), HttpProxy()) as by,
    ):
        options: dict[str, Any] = {"proxy": proxy_of(by), "server_hostname": "other.test"}
        assert await text(session, origin_of(origin), **options) == "ok"


async def test_each_way_has_its_own_connections() -> None:
    """Also where the request is plain, and it is the proxy that is verified in one way or another."""
    proxy = HttpProxy()
    ways: list[dict[str, Any]] = [{}, {"ssl": False}, {"ssl": client_context()}]
    async with (
        scripted_tls(server_context("origin.test")) as origin,
        scripted_tls(server_context("proxy.test"), proxy) as by,
        ClientSession(connector=connector(), proxy=proxy_of(by)) as session,
    ):
        for _ in range(2):
            for options in ways:
                assert await text(session, origin_of(origin), **options) == "ok"
                if options.get("ssl") is not False:
                    assert await text(session, "http://origin.test/", **options) == "ok"
        assert len(origin.peers) == len(ways)
        assert len(by.peers) == 2 * len(ways) - 1


# What goes wrong


@on_each_loop
async def test_tls_for_a_plain_proxy() -> None:
    async def plain(peer: Peer) -> None:
        await peer.reader.read(1)
        await peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        peer.close()

    async with ClientSession(connector=connector()) as session, leaving_nothing(), scripted(plain) as by:
        for url in ("http://origin.test/", "https://origin.test/"):
            with pytest.raises(ClientConnectorSSLError) as caught:
                await session.get(url, proxy=proxy_of(by))
            assert (caught.value.host, caught.value.port) == ("proxy.test", by.port)
            assert caught.value.phase == "tls"


@on_each_loop
async def test_a_plain_server_in_a_tunnel_in_tls() -> None:
    async def plain(peer: Peer) -> None:
        await peer.reader.read(1)
        await peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        peer.close()

    async with (
        ClientSession(connector=connector()) as session,
        leaving_nothing(),
        scripted(plain) as origin,
        scripted_tls(server_context("proxy.test"), HttpProxy()) as by,
    ):
        with pytest.raises(ClientConnectorSSLError) as caught:
            await session.get(origin_of(origin), proxy=proxy_of(by))
        assert (caught.value.host, caught.value.port) == ("origin.test", origin.port)


@pytest.mark.parametrize("which", ["proxy", "server"])
async def test_a_handshake_that_stalls(which: str) -> None:
    async def stall(peer: Peer) -> None:
        await peer.rest()
        peer.close()

    outer = scripted(stall) if which == "proxy" else scripted_tls(server_context("proxy.test"), HttpProxy())
    async with (
        ClientSession(connector=connector()) as session,
        leaving_nothing(),
        scripted(stall) as origin,
        outer as by,
    ):
        with pytest.raises(ConnectionTimeoutError) as caught:
            await session.get(origin_of(origin), proxy=proxy_of(by), timeout=ClientTimeout(sock_connect=0.05))
        assert str(caught.value) == (
            f"No connection to origin.test:{origin.port} within 0.05 s (sock_connect): "
            f"tls, 127.0.0.1:{by.port}"
        )


@on_each_loop
async def test_cancelled_in_the_handshake_with_the_server() -> None:
    async def stall(peer: Peer) -> None:
        await peer.rest()
        peer.close()

    async with (
        ClientSession(connector=connector()) as session,
        leaving_nothing(),
        scripted(stall) as origin,
        scripted_tls(server_context("proxy.test"), HttpProxy()) as by,
    ):
        task = asyncio.ensure_future(session.get(origin_of(origin), proxy=proxy_of(by)))
        await until(lambda: origin.peers)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: origin.peers[0].has_left)


@on_each_loop
async def test_a_proxy_that_leaves() -> None:
    """In the handshake with the server, and in the middle of an answer."""

    async def leave(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        await peer.reader.read(1)
        peer.close()

    async def halve(peer: Peer) -> None:
        await peer.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        by.peers[-1].writer.transport.abort()
        await peer.rest()

    async with (
        ClientSession(connector=connector()) as session,
        leaving_nothing(),
        scripted_tls(server_context("proxy.test"), leave) as by,
    ):
        with pytest.raises(ClientConnectorError) as caught:
            await session.get("https://origin.test/", proxy=proxy_of(by))
        assert caught.value.phase == "tls"
    async with (
        ClientSession(connector=connector()) as session,
        leaving_nothing(),
        scripted_tls(server_context("origin.test"), halve) as origin,
        scripted_tls(server_context("proxy.test"), HttpProxy()) as by,
    ):
        with pytest.raises(ClientPayloadError):
            await text(session, origin_of(origin), proxy=proxy_of(by))


@on_each_loop
async def test_a_proxy_that_says_more_than_its_answer() -> None:
    """What it adds would be taken for the server's."""

    async def inject(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n" + OK)
        await peer.rest()
        peer.close()

    async with (
        ClientSession(connector=connector()) as session,
        leaving_nothing(),
        scripted_tls(server_context("proxy.test"), inject) as by,
    ):
        with pytest.raises(ClientProxyConnectionError) as caught:
            await session.get("https://origin.test/", proxy=proxy_of(by))
        assert caught.value.phase == "proxy"
        assert "more than its answer" in str(caught.value)


async def test_a_greeting_in_pieces() -> None:
    """One byte at a time, as TLS may bring it."""

    async def slowly(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(*(bytes([octet]) for octet in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 300 + b"\r\n\r"))
        await relay(peer, origin.port, b"\n")

    async with (
        ClientSession(connector=connector()) as session,
        leaving_nothing(),
        scripted_tls(server_context("origin.test")) as origin,
        scripted_tls(server_context("proxy.test"), slowly) as by,
    ):
        close = {"Connection": "close"}
        assert await text(session, origin_of(origin), proxy=proxy_of(by), headers=close) == "ok"
