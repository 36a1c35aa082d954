"""Making a connection, cancelled at each await and at each turn of the loop: nothing is left of it."""

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from pronghorn import BasicAuth, TCPConnector
from pronghorn.client.lease import Connection
from pronghorn.client.outgoing import make_request
from pronghorn.client.route import make_proxy, make_route
from pronghorn.client.target import as_url
from pronghorn.io.policy import AddressPolicy

from ..functional.programs import HttpProxy, Names, scripted_tls
from ..functional.scripted import OK, Peer, Script, Scripted, scripted, until
from ..io.loopback import cancel_everywhere
from ..io.socks_server import SocksServer
from ..tls import client_context, server_context

WHEN = pytest.mark.parametrize("when", ["waiting", "woken", "turn"])
AUTH = BasicAuth("user", "secret")


class Anything(AddressPolicy):
    """Allows everything, by any proxy."""

    def check(self, host: str, address: str, port: int) -> None:
        pass

    def allows_proxy(self, proxy: Any) -> bool:
        return True


def leaving(script: Script) -> Script:
    """As ``script``, and the connection is closed when that ends, however it does."""

    async def left(peer: Peer) -> None:
        try:
            if isinstance(script, bytes):
                await peer.answer(script)
            else:
                await script(peer)
        finally:
            peer.close()

    return left


@asynccontextmanager
async def serving(script: Script, context: ssl.SSLContext | None) -> AsyncIterator[Scripted]:
    async with scripted_tls(context, leaving(script)) if context else scripted(leaving(script)) as server:
        yield server


async def cancelled_everywhere(
    when: str, url: str, *, proxy: str = "", auth: BasicAuth | None = None, **options: Any
) -> int:
    """Connect for a request to ``url``, cancelled at every step; the number of steps."""
    names = Names({host: ["127.0.0.2", "127.0.0.1"] for host in ("server.test", "proxy.test")})
    target = as_url(url)
    by = make_proxy(proxy, auth) if proxy else None

    async def call() -> Connection:
        connector = TCPConnector(resolver=names, ssl=client_context(), limit=1, **options)
        request = make_request("GET", target, (), None, None)
        request.address, request.proxy_fields = make_route(target, by, True, None)
        try:
            return await connector.connect(request)
        finally:
            connectors.append(connector)

    async def undo(lease: Connection) -> None:
        lease.close()
        await until(lambda: not connectors[-1]._connections)

    connectors: list[TCPConnector] = []
    steps = await cancel_everywhere(call, undo, when)
    for connector in connectors:
        assert connector._pool.open_count == 0
        assert not connector._connections
        assert not connector._dns._all_flights
        await connector.close()
    return steps


@WHEN
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_directly(scheme: str, when: str) -> None:
    context = server_context("server.test") if scheme == "https" else None
    async with serving(OK, context) as server:
        assert await cancelled_everywhere(when, f"{scheme}://server.test:{server.port}/") >= 3


@WHEN
@pytest.mark.parametrize("scheme", ["http", "https", "socks4", "socks4a", "socks5", "socks5h"])
@pytest.mark.parametrize("target", ["http", "https"])
@pytest.mark.parametrize("has_policy", [False, True], ids=["", "policy"])
async def test_by_a_proxy(target: str, scheme: str, has_policy: bool, when: str) -> None:
    proxy: Any = SocksServer() if scheme.startswith("socks") else HttpProxy()
    outer = server_context("proxy.test") if scheme == "https" else None
    inner = server_context("server.test") if target == "https" else None
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(OK, inner))
        port = (await stack.enter_async_context(serving(proxy, outer))).port
        steps = await cancelled_everywhere(
            when,
            f"{target}://server.test:{server.port}/",
            proxy=f"{scheme}://proxy.test:{port}",
            auth=AUTH,
            policy=Anything() if has_policy else None,
        )
        assert steps >= 3


async def test_names_that_the_system_is_asked_for() -> None:
    """Threads end as well."""

    async def call() -> Connection:
        connector = TCPConnector(use_dns_cache=False)
        return await connector.connect(make_request("GET", url, (), None, None))

    async def undo(lease: Connection) -> None:
        lease.close()
        await until(lambda: lease.closed)

    async with serving(OK, None) as server:
        url = as_url(f"http://localhost:{server.port}/")
        assert await cancel_everywhere(call, undo, "waiting") >= 2
