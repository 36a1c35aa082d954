"""Section 10: what TCPConnector is told."""

import asyncio
import inspect
import socket
import ssl
from collections.abc import AsyncIterator
from functools import partial
from types import MappingProxyType
from typing import Any

import pytest
from yarl import URL

from pronghorn import (
    BaseConnector,
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientRequest,
    ClientSession,
    DefaultResolver,
    Fingerprint,
    FingerprintMismatch,
    TCPConnector,
)
from pronghorn.client import tcp
from pronghorn.io.dns_cache import DnsCache

from ..functional.programs import Names, scripted_tls
from ..functional.scripted import OK, Peer, Scripted, scripted, until
from ..tls import certificate, client_context, digest, server_context

older_names = pytest.mark.filterwarnings("ignore:.* is deprecated. use ssl=:DeprecationWarning")
HOST = "example.test"
WRONG = bytes(32)


@pytest.fixture
async def server() -> AsyncIterator[Scripted]:
    async with scripted(OK) as running:
        yield running


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time of the DNS caches that are made from now on."""
    now = [1000.0]
    monkeypatch.setattr(tcp, "DnsCache", partial(DnsCache, clock=lambda: now[0]))
    return now


def names(address: str = "127.0.0.1") -> Names:
    return Names({HOST: address})


async def fetch(port: int, host: str = HOST, scheme: str = "http", **options: Any) -> str:
    """What a connector that is made with these options gets."""
    async with ClientSession(connector=TCPConnector(**options)) as session:
        return await ask(session, port, host, scheme)


async def ask(
    session: ClientSession, port: int, host: str = HOST, scheme: str = "http", **options: Any
) -> str:
    async with session.get(f"{scheme}://{host}:{port}/", **options) as response:
        return await response.text()


async def test_s164_tcp_connector(server: Scripted) -> None:
    documented: dict[str, Any] = {
        "verify_ssl": True,
        "fingerprint": None,
        "use_dns_cache": True,
        "ttl_dns_cache": 10,
        "family": 0,
        "ssl_context": None,
        "local_addr": None,
        "resolver": None,
        "force_close": False,
        "limit": 100,
        "limit_per_host": 0,
        "enable_cleanup_closed": False,
        "loop": None,
        "dns_cache_max_size": 1000,
        "ssl": True,
        "timeout_ceil_threshold": 5,
        "happy_eyeballs_delay": 0.25,
        "interleave": None,
        "socket_factory": None,
    }
    parameters = inspect.signature(TCPConnector).parameters
    assert {parameter.kind for parameter in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}
    assert {name: parameters[name].default for name in documented} == documented
    assert {"keepalive_timeout", "ssl_shutdown_timeout"} < parameters.keys() - documented
    for defaults in ({}, documented, documented | {"keepalive_timeout": 15, "ssl_shutdown_timeout": 1}):
        assert await fetch(server.port, "127.0.0.1", **defaults) == "ok"
    for mistake, kind in (
        ({"resolver": "8.8.8.8"}, TypeError),
        ({"family": 99}, ValueError),
        ({"ttl_dns_cache": -1}, ValueError),
        ({"ssl": "yes"}, TypeError),
        ({"ssl_context": True}, TypeError),
        ({"unheard_of": 1}, TypeError),
    ):
        with pytest.raises(kind):
            TCPConnector(**mistake)


# TLS


async def test_s165_verify_ssl() -> None:
    async with scripted_tls(server_context()) as secured:
        with pytest.raises(ClientConnectorCertificateError):
            await fetch(secured.port, "127.0.0.1", "https", verify_ssl=True)
        with pytest.warns(DeprecationWarning, match="verify_ssl is deprecated: use ssl=False"):
            lax = TCPConnector(verify_ssl=False)
        async with ClientSession(connector=lax) as session:
            assert await ask(session, secured.port, "127.0.0.1", "https") == "ok"
        assert await fetch(secured.port, "127.0.0.1", "https", ssl=False) == "ok"


async def test_s166_fingerprint() -> None:
    pin = digest(certificate())
    async with scripted_tls(server_context()) as secured:
        for expected in (pin, WRONG):
            with pytest.warns(DeprecationWarning, match=r"use ssl=Fingerprint"):
                older = TCPConnector(fingerprint=expected)
            for connector in (older, TCPConnector(ssl=Fingerprint(expected))):
                async with ClientSession(connector=connector) as session:
                    if expected == pin:
                        assert await ask(session, secured.port, "127.0.0.1", "https") == "ok"
                        continue
                    with pytest.raises(FingerprintMismatch) as caught:
                        await ask(session, secured.port, "127.0.0.1", "https")
                    assert (caught.value.expected, caught.value.got) == (WRONG, pin)
    assert len(secured.requests) == 2


@older_names
async def test_s167_by_a_request_instead_of_the_connector() -> None:
    async with scripted_tls(server_context()) as secured, ClientSession() as session:
        for option in (
            {"verify_ssl": False},
            {"fingerprint": digest(certificate())},
            {"ssl_context": client_context()},
        ):
            assert await ask(session, secured.port, "127.0.0.1", "https", **option) == "ok"
            assert await fetch(secured.port, "127.0.0.1", "https", **option) == "ok"
        # Two requests that are met with other certificates don't share a connection.
        assert len(secured.peers) == 6


async def test_s173_ssl_context() -> None:
    async with scripted_tls(server_context()) as secured:
        with pytest.warns(DeprecationWarning, match="ssl_context is deprecated: use ssl=ssl_context"):
            older = TCPConnector(ssl_context=client_context())
        for connector in (older, TCPConnector(ssl=client_context())):
            async with ClientSession(connector=connector) as session:
                assert await ask(session, secured.port, "127.0.0.1", "https") == "ok"
        with pytest.raises(ClientConnectorCertificateError):
            await fetch(secured.port, "127.0.0.1", "https", ssl=ssl.create_default_context())


def told(name: str, value: object, **options: Any) -> None:
    connector = TCPConnector(**options)
    assert getattr(connector, name) is value or getattr(connector, name) == value
    with pytest.raises(AttributeError):
        setattr(connector, name, value)


@older_names
def test_s175_verify_ssl_is_told() -> None:
    for options in ({}, {"verify_ssl": True}, {"ssl": client_context()}):
        told("verify_ssl", True, **options)
    for options in ({"verify_ssl": False}, {"ssl": False}, {"ssl": Fingerprint(WRONG)}):
        told("verify_ssl", False, **options)


@older_names
def test_s176_ssl_context_is_told() -> None:
    context = client_context()
    for options in ({"ssl_context": context}, {"ssl": context}):
        told("ssl_context", context, **options)
    for options in ({}, {"ssl": False}, {"fingerprint": WRONG}):
        told("ssl_context", None, **options)


@older_names
def test_s180_fingerprint_is_told() -> None:
    for options in ({"fingerprint": WRONG}, {"ssl": Fingerprint(WRONG)}):
        told("fingerprint", WRONG, **options)
    for options in ({}, {"ssl": False}, {"ssl": client_context()}):
        told("fingerprint", None, **options)


async def test_s153_enable_cleanup_closed() -> None:
    async def deaf(peer: Peer) -> None:
        transport: Any = peer.writer.transport
        transport.pause_reading()  # the client's farewell is not answered
        heard.append(peer)
        await asyncio.Event().wait()

    assert inspect.signature(BaseConnector).parameters["enable_cleanup_closed"].default is False
    for options in ({}, {"enable_cleanup_closed": False}, {"enable_cleanup_closed": True}):
        heard: list[Peer] = []
        async with (
            scripted_tls(server_context(), deaf) as secured,
            TCPConnector(
                ssl=client_context(), keepalive_timeout=0.01, ssl_shutdown_timeout=0.02, **options
            ) as connector,
        ):
            request = ClientRequest("GET", URL(f"https://127.0.0.1:{secured.port}/"))
            connection = await connector.connect(request)
            await until(lambda heard=heard: heard)
            protocol = connection.protocol
            assert protocol is not None
            connection.release()
            assert not protocol.is_lost
            await until(lambda protocol=protocol: protocol.is_lost)


# Addresses


async def test_s168_use_dns_cache(server: Scripted) -> None:
    for options, asked in (({}, 1), ({"use_dns_cache": True}, 1), ({"use_dns_cache": False}, 3)):
        resolver = names()
        connector = TCPConnector(resolver=resolver, force_close=True, **options)
        async with ClientSession(connector=connector) as session:
            for _ in range(3):
                assert await ask(session, server.port) == "ok"
        assert resolver.asked == [HOST] * asked
    assert len(server.peers) == 9


async def test_s169_ttl_dns_cache(server: Scripted, clock: list[float]) -> None:
    for options, seconds in (({}, 10.0), ({"ttl_dns_cache": 3}, 3.0), ({"ttl_dns_cache": None}, None)):
        resolver = names()
        connector = TCPConnector(resolver=resolver, force_close=True, **options)
        async with ClientSession(connector=connector) as session:
            await ask(session, server.port)
            clock[0] += 10.0**9 if seconds is None else seconds - 0.01
            await ask(session, server.port)
            assert len(resolver.asked) == 1
            if seconds is not None:
                clock[0] += 0.02
                await ask(session, server.port)
                assert len(resolver.asked) == 2


async def test_s171_resolver(server: Scripted) -> None:
    resolver = names()
    assert await fetch(server.port, resolver=resolver) == "ok"
    assert resolver.asked == [HOST]
    for options in ({}, {"resolver": None}, {"resolver": DefaultResolver()}):
        assert await fetch(server.port, "localhost", family=socket.AF_INET, **options) == "ok"
    with pytest.raises(ClientConnectorDNSError, match=r"nobody\.test"):
        await fetch(server.port, "nobody.test", resolver=resolver)


async def test_s172_family(server: Scripted) -> None:
    families = []

    class Asked(Names):
        async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> Any:
            families.append(family)
            return await super().resolve(host, port, family)

    both = Asked({HOST: ["::1", "127.0.0.1"]})
    listening = socket.create_server(("::1", 0), family=socket.AF_INET6)
    async with scripted(OK, sock=listening) as six:
        for options in ({}, {"family": 0}, {"family": socket.AF_INET}):
            assert await fetch(server.port, resolver=both, **options) == "ok"
        for options in ({}, {"family": socket.AF_INET6}):
            assert await fetch(six.port, resolver=both, **options) == "ok"
        for family, port in ((socket.AF_INET, six.port), (socket.AF_INET6, server.port)):
            with pytest.raises(ClientConnectorError):
                await fetch(port, resolver=both, family=family)
    assert families == [0, 0, socket.AF_INET, 0, socket.AF_INET6, socket.AF_INET, socket.AF_INET6]


async def test_s174_local_addr(server: Scripted) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.2", 0))
        free = sock.getsockname()[1]
    for local in (("127.0.0.2", 0), ("127.0.0.2", free)):
        assert await fetch(server.port, resolver=names(), local_addr=local) == "ok"
        address, port = server.peers[-1].writer.get_extra_info("peername")
        assert address == local[0]
        assert port == (local[1] or port)
    with pytest.raises(ClientConnectorError, match=r"127\.0\.0\.1"):
        await fetch(server.port, resolver=names(), local_addr=("192.0.2.1", 0))


def test_s177_family_is_told() -> None:
    told("family", 0)
    for family in (socket.AF_INET, socket.AF_INET6):
        told("family", family, family=family)


def test_s178_dns_cache_is_told() -> None:
    for name in ("dns_cache", "use_dns_cache"):
        told(name, True)
        told(name, False, use_dns_cache=False)


async def test_s179_cached_hosts(server: Scripted, clock: list[float]) -> None:
    connector = TCPConnector(resolver=names())
    assert connector.cached_hosts == {}
    assert isinstance(connector.cached_hosts, MappingProxyType)
    async with ClientSession(connector=connector) as session:
        await ask(session, server.port)
        ((key, (address,)),) = connector.cached_hosts.items()
        assert key == (HOST, server.port)
        assert (address["hostname"], address["host"], address["port"]) == (HOST, "127.0.0.1", server.port)
        with pytest.raises(TypeError):
            connector.cached_hosts[key] = []  # type: ignore[index]  # what is tested
        clock[0] += 10.0
        assert connector.cached_hosts == {}


async def test_s181_clear_dns_cache(server: Scripted) -> None:
    resolver = Names({HOST: "127.0.0.1", "other.test": "127.0.0.1"})
    connector = TCPConnector(resolver=resolver, force_close=True)
    async with ClientSession(connector=connector) as session:

        async def both() -> list[str]:
            resolver.asked.clear()
            for host in (HOST, "other.test"):
                assert await ask(session, server.port, host) == "ok"
            return resolver.asked

        assert await both() == [HOST, "other.test"]
        assert await both() == []
        connector.clear_dns_cache(HOST, server.port)
        assert await both() == [HOST]
        connector.clear_dns_cache(HOST, server.port + 1)
        assert await both() == []
        connector.clear_dns_cache()
        assert await both() == [HOST, "other.test"]
        for one in ({"host": HOST}, {"port": server.port}):
            with pytest.raises(ValueError, match="host and port"):
                connector.clear_dns_cache(**one)
        assert await both() == []
