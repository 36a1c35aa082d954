"""Ways through proxies: CONNECT, byte by byte, and SOCKS."""

import asyncio
import errno
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from pronghorn.io.dial import Dialling, Progress, secure
from pronghorn.io.tunnel import Tunnel, TunnelRefused, open_socks

from ..functional.scripted import PATIENCE, Peer, Script, Scripted, scripted, turns, until
from .loopback import BlackHole, Sockets, cancel_everywhere, dial, free_port, gone, has_ipv6, infos
from .loopback import Peer as Ours
from .socks_server import Asked, SocksServer

HEAD = b"CONNECT host.test:443 HTTP/1.1\r\nHost: host.test:443\r\n\r\n"
OPEN = b"HTTP/1.1 200 Connection established\r\n\r\n"


def answering(*pieces: bytes, then: str = "rest") -> Script:
    """Answer CONNECT with ``pieces``; then "rest", for the client to leave, "close" or "reset"."""

    async def script(peer: Peer) -> None:
        try:
            await peer.reader.readuntil(b"\r\n\r\n")
            await peer.send(*pieces)
            if then == "reset":
                peer.reset()
            elif then == "rest":
                await peer.rest()
        finally:
            peer.close()

    return script


@asynccontextmanager
async def asking(*scripts: Script) -> AsyncIterator[tuple[Tunnel, Scripted]]:
    """A connection to a proxy, not yet asked for anything; lost after the block."""
    async with scripted(*scripts) as server:
        loop = asyncio.get_running_loop()
        _, tunnel = await dial(infos(("127.0.0.1", server.port)), partial(Tunnel, loop))
        yield tunnel, server
        await until(lambda: tunnel.is_lost or tunnel.transport.get_protocol() is not tunnel)


async def ask(tunnel: Tunnel, fields: Any = ()) -> asyncio.Transport:
    async with asyncio.timeout(PATIENCE):
        return await tunnel.open("host.test:443", fields)


# CONNECT


@pytest.mark.parametrize(
    "answer",
    [
        [OPEN],
        [b"HTTP/1.0 200 OK\r\n\r\n"],
        [b"HTTP/1.1 204 \r\n\r\n"],
        [b"HTTP/1.1 299 Whatever\r\nConnection: close\r\n\r\n"],
        # RFC 9110 section 9.3.6: framing fields of a 2xx to CONNECT are to be ignored.
        [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"],
        [b"HTTP/1.1 103 Early Hints\r\n\r\n", OPEN],
        [OPEN[:5], OPEN[5:-1], OPEN[-1:]],
    ],
    ids=["1.1", "1.0", "204", "299", "length", "chunked", "hints", "pieces"],
)
async def test_a_way_that_is_open(answer: list[bytes]) -> None:
    received = bytearray()

    async def script(peer: Peer) -> None:
        received.extend(await peer.reader.readuntil(b"\r\n\r\n"))
        await peer.send(*answer)
        received.extend(await peer.reader.readexactly(5))
        await peer.send(b"from the server")
        await peer.rest()

    async with asking(script) as (tunnel, _):
        transport = await ask(tunnel)
        ours = Ours()
        await secure(transport, ours, None, Progress())
        transport.write(b"hello")
        await until(lambda: ours.received == b"from the server")
        assert bytes(received) == HEAD + b"hello"
        await gone(ours)


async def test_what_the_proxy_is_told() -> None:
    told: list[bytes] = []

    async def script(peer: Peer) -> None:
        told.append(await peer.reader.readuntil(b"\r\n\r\n"))
        await peer.send(OPEN)
        await peer.rest()

    async with asking(script) as (tunnel, _):
        await ask(tunnel, [("Proxy-Authorization", "Basic eDp5"), ("X-Who", "me")])
        tunnel.abort()
    assert told == [HEAD[:-2] + b"Proxy-Authorization: Basic eDp5\r\nX-Who: me\r\n\r\n"]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic\r\nContent-Length: 5\r\n\r\nwhat?", 407),
        (b"HTTP/1.1 502 Bad Gateway\r\nTransfer-Encoding: chunked\r\n\r\n", 502),
        (b"HTTP/1.0 403 No\r\n\r\nuntil the end", 403),
        (b"HTTP/1.1 302 Found\r\nLocation: http://there/\r\n\r\n", 302),
        (b"HTTP/1.1 300 \r\n\r\n", 300),
    ],
)
async def test_a_refusal(answer: bytes, status: int) -> None:
    async with asking(answering(answer)) as (tunnel, server):
        with pytest.raises(TunnelRefused) as caught:
            await ask(tunnel)
        assert caught.value.head.status == status
        if status == 407:
            assert caught.value.head.reason == "Who are you"
            assert caught.value.head.headers["Proxy-Authenticate"] == "Basic"
        await until(lambda: server.peers[0].has_left)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (answering(b"SSH-2.0-OpenSSH\r\n\r\n"), "gave no answer: status line"),
        (answering(b"\x15\x03\x01\x00\x02\x02\x46\r\n\r\n"), "gave no answer"),
        (answering(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"), "gave no answer"),
        (answering(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), "gave no answer"),
        (answering(b"HTTP/1.1 200 " + b"x" * 100_000), "gave no answer"),
        (answering(OPEN + b"early"), "sent more than its answer"),
        (answering(OPEN + b"HTTP/1.1 200 OK\r\n\r\n"), "sent more than its answer"),
        (answering(then="close"), "closed before"),
        (answering(OPEN[:10], then="close"), "closed before"),
        (answering(then="reset"), ""),
        (answering(OPEN[:10], then="reset"), ""),
    ],
)
async def test_what_is_no_answer(script: Script, said: str) -> None:
    async with asking(script) as (tunnel, server):
        with pytest.raises(ConnectionError) as caught:
            await ask(tunnel)
        assert caught.value.errno in {errno.ECONNABORTED, errno.ECONNRESET}
        assert said in str(caught.value)
        await until(lambda: tunnel.is_lost)
        await until(server.peers[0].writer.is_closing)


async def test_a_proxy_that_has_left_before_it_was_asked() -> None:
    async def leave(peer: Peer) -> None:
        peer.close()

    async with asking(leave) as (tunnel, _):
        await until(lambda: tunnel.is_lost)
        with pytest.raises(ConnectionResetError):
            await ask(tunnel)


async def test_one_that_answers_before_it_was_asked() -> None:
    async def hurry(peer: Peer) -> None:
        await peer.send(OPEN)
        await peer.rest()

    async with asking(hurry) as (tunnel, _):
        await until(lambda: tunnel.is_lost)
        with pytest.raises(ConnectionError):
            await ask(tunnel)


async def test_a_proxy_that_is_silent_is_left_when_time_is_up() -> None:
    async with asking(answering(OPEN[:10])) as (tunnel, server):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await tunnel.open("host.test:443", ())
        await until(lambda: server.peers[0].has_left)


async def test_what_cannot_be_sent_is_not() -> None:
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        seen.append(await peer.rest())

    async with asking(script) as (tunnel, _):
        with pytest.raises(ValueError, match="X-Who"):
            await ask(tunnel, [("X-Who", "me\r\nX-Other: you")])
        await until(lambda: tunnel.is_lost)
        await until(lambda: seen)
        assert seen == [b""]


@pytest.mark.parametrize("when", ["waiting", "woken"])
async def test_cancelled_at_each_await(when: str) -> None:
    async with scripted(answering(OPEN[:5], OPEN[5:])) as server:
        loop = asyncio.get_running_loop()

        async def call() -> asyncio.Transport:
            _, tunnel = await dial(infos(("127.0.0.1", server.port)), partial(Tunnel, loop))
            return await ask(tunnel)

        async def undo(transport: asyncio.Transport) -> None:
            transport.abort()
            await until(lambda: all(peer.has_left for peer in server.peers))

        # Each of the servers' connections is a task until its client has left.
        assert await cancel_everywhere(call, undo, when) >= 3


# SOCKS


async def echo(peer: Peer) -> None:
    peer.writer.write(await peer.reader.read(100))
    await peer.rest()
    peer.close()


async def through(proxies: Any, scheme: str, host: str, port: int, auth: Any = None, **options: Any) -> bytes:
    """What comes back of what is sent to ``host`` through one of ``proxies``."""
    async with asyncio.timeout(PATIENCE):
        sock = await open_socks(proxies, scheme, auth, host, port, **options)
        with sock:
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(sock, b"hello")
            return await loop.sock_recv(sock, 100)


@pytest.mark.parametrize(
    ("scheme", "host", "version"),
    [
        ("socks4", "192.0.2.1", "4"),
        ("socks4a", "192.0.2.1", "4"),
        ("socks4a", "host.test", "4a"),
        ("socks5", "192.0.2.1", "5"),
        ("socks5", "2001:db8::1", "5"),
        ("socks5h", "host.test", "5"),
        ("socks5h", "xn--bcher-kva.test", "5"),
    ],
)
async def test_a_way_by_socks(scheme: str, host: str, version: str) -> None:
    server = SocksServer()
    async with scripted(echo) as there, scripted(server) as proxy:
        proxies = infos(("127.0.0.1", proxy.port))
        assert await through(proxies, scheme, host, there.port) == b"hello"
        assert server.asked == [Asked(version, host, there.port)]


@pytest.mark.skipif(not has_ipv6(), reason="there is no IPv6")
async def test_a_proxy_with_an_address_of_ipv6() -> None:
    server = SocksServer()
    sock = socket.create_server(("::1", 0), family=socket.AF_INET6)
    async with scripted(echo) as there, scripted(server, sock=sock) as proxy:
        assert await through(infos(("::1", proxy.port)), "socks5h", "host.test", there.port) == b"hello"


async def test_credentials() -> None:
    server = SocksServer(auth="user:secret")
    async with scripted(echo) as there, scripted(server) as proxy:
        proxies = infos(("127.0.0.1", proxy.port))
        assert await through(proxies, "socks5h", "host.test", there.port, ("user", "secret")) == b"hello"
        assert await through(proxies, "socks4", "192.0.2.1", there.port, ("user", "secret")) == b"hello"
        assert [asked.credentials for asked in server.asked] == ["user:secret", "user"]


@pytest.mark.parametrize("auth", [None, ("user", "wrong"), ("", "")])
async def test_credentials_that_are_wrong(auth: Any) -> None:
    server = SocksServer(auth="user:secret")
    async with scripted(server) as proxy:
        with pytest.raises(
            ConnectionRefusedError, match=r"^\[Errno \d+\] socks5 proxy: .*uthentication"
        ) as caught:
            await through(infos(("127.0.0.1", proxy.port)), "socks5", "192.0.2.1", 80, auth)
        assert caught.value.errno == errno.ECONNREFUSED
        assert "secret" not in str(caught.value)
        assert "wrong" not in str(caught.value)


@pytest.mark.parametrize("secret", ["p\u00e4ss", "p" * 256, "pa\0ss"])
@pytest.mark.parametrize("scheme", ["socks4", "socks5"])
async def test_credentials_that_cannot_be_sent(scheme: str, secret: str) -> None:
    for auth in ((secret, "x"), ("x", secret)):
        with pytest.raises(ValueError, match=f"proxy_auth: {scheme} takes at most 255") as caught:
            await through(infos(("127.0.0.1", 1)), scheme, "192.0.2.1", 80, auth)
        assert secret not in str(caught.value)
        assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("scheme", "reply", "said"),
    [
        ("socks5", 2, "not allowed"),
        ("socks5", 4, "Host unreachable"),
        ("socks5", 5, "refused"),
        ("socks5", 99, "0X63"),
        ("socks4", 91, "rejected"),
    ],
)
async def test_a_refusal_by_socks(scheme: str, reply: int, said: str) -> None:
    async with scripted(SocksServer(reply=reply)) as proxy:
        with pytest.raises(ConnectionRefusedError, match=said) as caught:
            await through(infos(("127.0.0.1", proxy.port)), scheme, "192.0.2.1", 80)
        assert str(caught.value).startswith(f"[Errno {errno.ECONNREFUSED}] {scheme} proxy: ")
        await until(proxy.peers[0].writer.is_closing)


@pytest.mark.parametrize(
    ("scheme", "answer"),
    [
        ("socks4", b""),
        ("socks4", b"\0Z\0"),
        ("socks4", b"HTTP/1.1 400 Bad\r\n\r\n"),
        ("socks5", b""),
        ("socks5", b"\5\0\0"),
        ("socks5", b"\5\0\0\1\0\0"),
        ("socks5", b"\4\0\0\1\0\0\0\0\0\0"),
        ("socks5", b"\5\0\0\7\0\0\0\0\0\0"),
        ("socks5", b"\5\0\1\1\0\0\0\0\0\0"),
        ("socks5", b"\5\0\0\3\2\xff\xfe\0\0"),
        ("socks5", b"HTTP/1.1 400 Bad\r\n\r\n"),
    ],
)
async def test_what_is_no_answer_of_socks(scheme: str, answer: bytes) -> None:
    async with scripted(SocksServer(answer=answer)) as proxy:
        with pytest.raises(ConnectionError, match=f"{scheme} proxy: "):
            await through(infos(("127.0.0.1", proxy.port)), scheme, "192.0.2.1", 80)


@pytest.mark.parametrize("scheme", ["socks4", "socks5"])
async def test_a_server_that_speaks_no_socks(scheme: str) -> None:
    async def refuse(peer: Peer) -> None:
        await peer.reader.read(1)
        await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        peer.close()

    async with scripted(refuse) as proxy:
        with pytest.raises(ConnectionError, match=f"{scheme} proxy: "):
            await through(infos(("127.0.0.1", proxy.port)), scheme, "192.0.2.1", 80)


@pytest.mark.parametrize("scheme", ["socks4a", "socks5h"])
@pytest.mark.parametrize("host", ["a..b", "a" * 64 + ".test"])
async def test_a_name_that_is_none(scheme: str, host: str) -> None:
    async with scripted(SocksServer()) as proxy:
        with pytest.raises(ConnectionAbortedError, match=f"{scheme} proxy: "):
            await through(infos(("127.0.0.1", proxy.port)), scheme, host, 80)


async def test_addresses_of_the_proxy_are_tried_in_turn() -> None:
    server = SocksServer()
    async with scripted(echo) as there, scripted(server) as proxy:
        proxies = infos(("127.0.0.1", free_port()), ("127.0.0.1", proxy.port))
        assert await through(proxies, "socks5", "192.0.2.1", there.port) == b"hello"


async def test_one_that_breaks_off_is_followed_by_the_next() -> None:
    async def break_off(peer: Peer) -> None:
        await peer.reader.read(1)
        peer.reset()

    async with scripted(echo) as there, scripted(break_off) as broken, scripted(SocksServer()) as proxy:
        proxies = infos(("127.0.0.1", broken.port), ("127.0.0.1", proxy.port))
        assert await through(proxies, "socks5", "192.0.2.1", there.port) == b"hello"
        assert len(broken.peers) == 1
        with pytest.raises(ConnectionResetError):
            await through(proxies[:1], "socks5", "192.0.2.1", there.port)


async def test_one_that_nothing_comes_back_from_is_overtaken(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scripted(echo) as there, scripted(SocksServer()) as proxy:
        hole = BlackHole(1, monkeypatch)
        proxies = infos(("127.0.0.1", 1), ("127.0.0.1", proxy.port))
        dialling = Dialling(delay=0.01)
        assert await through(proxies, "socks5", "192.0.2.1", there.port, dialling=dialling) == b"hello"
        assert hole.tried[:2] == [1, proxy.port]  # the server's own connection is seen as well


async def test_sockets_are_made_as_others_are() -> None:
    sockets = Sockets()
    own = free_port()
    dialling = Dialling(local=infos(("127.0.0.1", own)), socket_factory=sockets)
    async with scripted(echo) as there, scripted(SocksServer()) as proxy:
        proxies = infos(("127.0.0.1", proxy.port))
        assert await through(proxies, "socks5", "192.0.2.1", there.port, dialling=dialling) == b"hello"
        assert sockets.asked == proxies
        assert proxy.peers[0].writer.get_extra_info("peername") == ("127.0.0.1", own)
    assert not sockets.open


async def test_none_of_them_is_there() -> None:
    ports = [free_port(), free_port()]
    with pytest.raises(OSError, match=str(ports[1])) as caught:
        await through(infos(*(("127.0.0.1", port) for port in ports)), "socks5", "192.0.2.1", 80)
    assert caught.value.errno == errno.ECONNREFUSED


async def test_there_is_no_address_of_the_proxy() -> None:
    with pytest.raises(OSError, match="no address") as caught:
        await through([], "socks5", "192.0.2.1", 80)
    assert caught.value.errno == errno.EADDRNOTAVAIL


async def test_python_socks_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "python_socks", None)
    with pytest.raises(RuntimeError, match=r"a socks5h proxy needs python-socks: pip install"):
        await through(infos(("127.0.0.1", 1)), "socks5h", "host.test", 80)


async def test_python_socks_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """It could not be given a socket, and left its own open when it was cancelled."""

    class Older:
        def __init__(self, proxy_type: Any, host: str, port: int, rdns: bool | None = None) -> None:
            pytest.fail("it is not used")

    monkeypatch.setattr("python_socks.async_.asyncio.Proxy", Older)
    with pytest.raises(RuntimeError, match=r"a socks5h proxy needs python-socks 3\.0 or newer"):
        await through(infos(("127.0.0.1", 1)), "socks5h", "host.test", 80)


@pytest.mark.parametrize("when", ["waiting", "woken"])
@pytest.mark.parametrize("scheme", ["socks4a", "socks5h"])
async def test_cancelled_at_each_await_of_socks(scheme: str, when: str) -> None:
    async with scripted(echo) as there, scripted(SocksServer(auth="user:secret")) as proxy:

        async def call() -> socket.socket:
            proxies = infos(("127.0.0.1", proxy.port))
            return await open_socks(proxies, scheme, ("user", "secret"), "host.test", there.port)

        async def undo(sock: socket.socket) -> None:
            sock.close()
            await turns()

        assert await cancel_everywhere(call, undo, when) >= 2
