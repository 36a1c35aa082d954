"""Connectors of other packages, as they derive from ours, and the private names that they reach for."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from yarl import URL

from pronghorn import (
    BaseConnector,
    BasicAuth,
    ClientConnectionError,
    ClientConnectorError,
    ClientRequest,
    ClientSession,
    ClientTimeout,
    Fingerprint,
    FingerprintMismatch,
    TCPConnector,
)
from pronghorn.abc import AbstractResolver, ResolveResult
from pronghorn.client.protocol import ResponseHandler
from pronghorn.client.request_info import ConnectionKey
from pronghorn.typedefs import AddrInfoType

from ..functional.programs import Names, leaving_nothing, microsocks, scripted_tls
from ..functional.scripted import OK, Scripted, scripted, silent, until
from ..tls import certificate, client_context, digest, server_context

HOST = "example.test"


# As aiohttp-socks derives its own


class _ResponseHandler(ResponseHandler):
    """Keeps the stream, which would close the transport when it is collected."""

    def __init__(self, loop: asyncio.AbstractEventLoop, writer: asyncio.StreamWriter) -> None:
        super().__init__(loop)
        self._writer = writer


class SocksConnector(TCPConnector):
    """Overrides the dialling alone: a library opens a stream, and its transport is given a protocol."""

    def __init__(self, port: int, **options: Any) -> None:
        super().__init__(**options)
        self._proxy_port = port
        self.asked: list[tuple[str, int, float | None]] = []

    async def _wrap_create_connection(
        self,
        *args: Any,
        addr_infos: Sequence[AddrInfoType],
        req: ClientRequest,
        timeout: ClientTimeout,
        client_error: type[Exception] = ClientConnectorError,
        **kwargs: Any,
    ) -> tuple[asyncio.Transport, ResponseHandler]:
        host, port = addr_infos[0][4][:2]
        self.asked.append((host, port, timeout.sock_connect))
        return await self._connect_via_proxy(host, port, kwargs.get("ssl"))

    async def _connect_via_proxy(
        self, host: str, port: int, context: ssl.SSLContext | None
    ) -> tuple[asyncio.Transport, ResponseHandler]:
        from python_socks import ProxyType
        from python_socks.async_.asyncio.v2 import Proxy

        proxy = Proxy(ProxyType.SOCKS5, "127.0.0.1", self._proxy_port)
        stream = await proxy.connect(dest_host=host, dest_port=port, dest_ssl=context)
        transport: Any = stream.writer.transport
        assert self._loop is not None
        protocol = _ResponseHandler(loop=self._loop, writer=stream.writer)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        return transport, protocol


@pytest.fixture(scope="module")
def socks() -> Any:
    with microsocks() as port:
        yield port


@pytest.fixture
async def server() -> AsyncIterator[Scripted]:
    async with scripted(OK) as running:
        yield running


async def fetch(session: ClientSession, url: str, **options: Any) -> str:
    async with session.get(url, **options) as response:
        return await response.text()


async def test_socks_by_a_library(socks: int, server: Scripted) -> None:
    connector = SocksConnector(socks, resolver=Names({HOST: "127.0.0.1"}))
    async with ClientSession(connector=connector) as session:
        for path in ("/a", "/b"):
            assert await fetch(session, f"http://{HOST}:{server.port}{path}") == "ok"
        assert connector.asked == [("127.0.0.1", server.port, 30.0)], "the second took the same connection"
    assert [request.fields["Host"] for request in server.requests] == [f"{HOST}:{server.port}"] * 2
    await until(lambda: server.peers[0].has_left)


async def test_tls_over_socks_by_a_library(socks: int) -> None:
    # What is refused is refused by way of another process, so the server learns of it later.
    async with leaving_nothing(), scripted_tls(server_context()) as secured:
        url = f"https://127.0.0.1:{secured.port}/"
        for option in (client_context(), False, Fingerprint(digest(certificate()))):
            async with ClientSession(connector=SocksConnector(socks, ssl=option)) as session:
                assert await fetch(session, url) == "ok"
        async with ClientSession(connector=SocksConnector(socks)) as session:
            # The library has verified nothing, but what it brings is looked at.
            with pytest.raises(FingerprintMismatch):
                await fetch(session, url, ssl=Fingerprint(bytes(32)))
            with pytest.raises(ssl.SSLCertVerificationError):
                await fetch(session, url)
        assert len(secured.requests) == 3


# What a connector asks of a request


class Asking(BaseConnector):
    """Connects to one port, and keeps the requests that it was asked to connect for."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port
        self.requests: list[ClientRequest] = []

    async def _create_connection(
        self, req: ClientRequest, traces: Sequence[object], timeout: ClientTimeout
    ) -> ResponseHandler:
        self.requests.append(req)
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(self._factory, "127.0.0.1", self.port))[1]


async def test_what_is_told_of_a_request(server: Scripted) -> None:
    connector = Asking(server.port)
    async with ClientSession(connector=connector) as session:
        await fetch(session, "http://b\u00fccher.test:81/a#part")
        await fetch(
            session,
            f"https://{HOST}/a",
            ssl=False,
            server_hostname="other.test",
            data=b"body",
            compress="gzip",
            headers={"X-Own": "1"},
        )
    plain, secured = connector.requests
    assert (plain.host, plain.port, plain.is_ssl(), plain.ssl) == ("xn--bcher-kva.test", 81, False, True)
    assert str(plain.url) == "http://xn--bcher-kva.test:81/a"
    assert str(plain.original_url) == "http://xn--bcher-kva.test:81/a#part"
    assert plain.connection_key == ConnectionKey("xn--bcher-kva.test", 81, False, True)
    assert (plain.proxy, plain.proxy_auth, plain.proxy_headers) == (None, None, None)
    assert (plain.server_hostname, plain.chunked, plain.compress) == (None, False, None)

    assert (secured.host, secured.port, secured.is_ssl(), secured.ssl) == (HOST, 443, True, False)
    assert secured.server_hostname == "other.test"
    assert secured.connection_key == ConnectionKey(HOST, 443, True, False, server_hostname="other.test")
    assert (secured.chunked, secured.compress) == (True, "gzip")
    assert secured.request_info.headers["X-Own"] == "1"
    assert secured.request_info.method == secured.method == "GET"
    assert secured.request_info == secured.info


async def test_what_is_told_of_the_proxy_of_a_request() -> None:
    seen: list[ClientRequest] = []

    class Seeing(TCPConnector):
        async def _create_connection(self, req: ClientRequest, *arguments: Any) -> ResponseHandler:
            seen.append(req)
            return await super()._create_connection(req, *arguments)

    async with scripted(OK) as proxy, ClientSession(connector=Seeing()) as session:
        url = URL(proxy.url()).with_user("user").with_password("secret")
        await fetch(session, f"http://{HOST}/", proxy=url, proxy_headers={"X-Told": "1"})
    (request,) = seen
    assert request.proxy == URL(f"http://127.0.0.1:{proxy.port}")
    assert request.proxy_auth == BasicAuth("user", "secret")
    told = {"X-Told": "1", "Proxy-Authorization": "Basic dXNlcjpzZWNyZXQ="}
    assert request.proxy_headers is not None
    assert sorted(request.proxy_headers.items()) == sorted(told.items())
    assert request.connection_key.proxy == request.proxy


# Private names


async def test_what_is_idle_and_in_use(server: Scripted) -> None:
    async with scripted(silent) as slow:
        connector = TCPConnector(ssl=False)
        session = ClientSession(connector=connector)
        assert connector._loop is None
        assert (connector._conns, connector._acquired) == ({}, set())
        await fetch(session, server.url())
        asking = asyncio.ensure_future(session.get(slow.url()))
        await until(lambda: slow.requests)
        assert connector._loop is asyncio.get_running_loop()
        assert connector._ssl is False
        ((key, ((idle, _),)),) = connector._conns.items()
        assert key == ConnectionKey("127.0.0.1", server.port, False, True)
        assert idle.transport is not None
        assert idle.transport.get_extra_info("peername") == ("127.0.0.1", server.port)
        (busy,) = connector._acquired
        assert busy.address.port == slow.port
        # s3fs and gcsfs: from where nothing can be awaited.
        assert connector._close() is None  # type: ignore[func-returns-value]  # what is tested
        assert connector.closed
        assert session.closed
        with pytest.raises(ClientConnectionError, match="closed"):
            await asking
        await until(lambda: server.peers[0].has_left and slow.peers[0].has_left)
        await session.close()


def test_how_servers_are_verified_is_told() -> None:
    for option in (client_context(), False, Fingerprint(bytes(32))):
        assert TCPConnector(ssl=option)._ssl is option


class Literally(AbstractResolver):
    """Gives back what it is asked for."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [{"hostname": host, "host": host, "port": port, "family": family, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        pass


async def test_a_resolver_that_gives_back_addresses(socks: int, server: Scripted) -> None:
    connector = SocksConnector(socks, resolver=Literally())
    async with ClientSession(connector=connector) as session:
        assert await fetch(session, server.url()) == "ok"
    assert connector.asked == [("127.0.0.1", server.port, 30.0)]
