"""Section 12: resolvers and DNS."""

import inspect
import socket
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from pronghorn import (
    AsyncResolver,
    ClientConnectorDNSError,
    ClientSession,
    DefaultResolver,
    TCPConnector,
    ThreadedResolver,
)
from pronghorn.abc import AbstractResolver, ResolveResult
from pronghorn.client import tcp
from pronghorn.io.dns_cache import DnsCache

from ..functional.programs import Names
from ..functional.scripted import OK, Scripted, scripted
from ..io.dns_server import serving
from .row import aliased

HOST = "two.test"


@pytest.fixture
async def server() -> AsyncIterator[Scripted]:
    async with scripted(OK) as running:
        yield running


async def fetch(connector: TCPConnector, server: Scripted, host: str = HOST) -> str:
    session = ClientSession(connector=connector, connector_owner=False)
    async with session, session.get(f"http://{host}:{server.port}/") as response:
        return await response.text()


async def test_s194_async_resolver(server: Scripted) -> None:
    async with serving({HOST: ["127.0.0.2", "127.0.0.1"], "v6.test": ["::1"]}) as dns:
        options: dict[str, Any] = {"udp_port": dns.port, "timeout": 1, "tries": 1}
        for resolver in (
            AsyncResolver(nameservers=["127.0.0.1"], **options),
            AsyncResolver(None, nameservers=["127.0.0.1"], **options),
        ):
            found = await resolver.resolve(HOST, 81)
            assert {(entry["host"], entry["port"]) for entry in found} == {
                ("127.0.0.1", 81),
                ("127.0.0.2", 81),
            }
            assert {entry["family"] for entry in found} == {socket.AF_INET}
            (six,) = await resolver.resolve("v6.test", 81, family=socket.AF_INET6)
            assert (six["hostname"], six["host"], six["port"]) == ("v6.test", "::1", 81)
            async with TCPConnector(resolver=resolver) as connector:
                assert await fetch(connector, server) == "ok"
                with pytest.raises(ClientConnectorDNSError, match=r"nobody\.test"):
                    await fetch(connector, server, "nobody.test")
            await resolver.close()
        assert {name for name, _ in dns.asked} == {HOST, "v6.test", "nobody.test"}
    assert aliased(
        "import aiohttp.resolver as r\nfound = {'same': r.AsyncResolver is aiohttp.AsyncResolver}"
    ) == {"same": True}


async def test_s195_default_resolver(server: Scripted) -> None:
    """The system's (docs/differences.md): a name means here what it means to the rest of the machine."""
    resolver = DefaultResolver()
    found = await resolver.resolve("localhost", 81, socket.AF_INET)
    assert ("127.0.0.1", 81) in [(entry["host"], entry["port"]) for entry in found]
    async with TCPConnector(family=socket.AF_INET) as default, TCPConnector(resolver=resolver) as given:
        assert await fetch(default, server, "localhost") == "ok"
        assert await fetch(given, server, "127.0.0.1") == "ok"
    await resolver.close()


async def test_s196_threaded_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    assert aliased("found = {'same': aiohttp.ThreadResolver is aiohttp.ThreadedResolver}") == {"same": True}
    assert DefaultResolver is ThreadedResolver
    asked: list[tuple[Any, ...]] = []
    threads: list[str] = []

    def getaddrinfo(*arguments: Any) -> Any:
        import threading

        threads.append(threading.current_thread().name)
        asked.append(arguments[:3])
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", arguments[1]))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    for resolver in (ThreadedResolver(), ThreadedResolver(loop=None)):
        (found,) = await resolver.resolve(HOST, 81, socket.AF_INET)
        assert (found["hostname"], found["host"], found["port"]) == (HOST, "192.0.2.1", 81)
        await resolver.close()
    assert asked == [(HOST, 81, socket.AF_INET)] * 2
    assert "MainThread" not in threads


async def test_s197_a_resolver_of_ones_own(server: Scripted) -> None:
    assert list(inspect.signature(AbstractResolver.resolve).parameters.values())[2].default == 0
    for name in ("resolve", "close"):
        assert inspect.iscoroutinefunction(getattr(AbstractResolver, name))
    with pytest.raises(TypeError, match="abstract"):
        AbstractResolver()  # type: ignore[abstract]  # what is tested

    class Mine(AbstractResolver):
        def __init__(self, host: str) -> None:
            self.host = host
            self.is_closed = False

        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            if host != HOST:
                raise OSError(None, "never heard of it")
            return [
                {"hostname": host, "host": self.host, "port": port, "family": family, "proto": 0, "flags": 0}
            ]

        async def close(self) -> None:
            self.is_closed = True

    mine = Mine("127.0.0.1")
    async with TCPConnector(resolver=mine, family=socket.AF_INET) as connector:
        assert await fetch(connector, server) == "ok"
        with pytest.raises(ClientConnectorDNSError, match="never heard of it"):
            await fetch(connector, server, "other.test")
    assert not mine.is_closed, "it is its maker's to close"
    async with TCPConnector(resolver=Mine("rubbish")) as connector:
        with pytest.raises(ClientConnectorDNSError, match="rubbish"):
            await fetch(connector, server)


async def test_s198_entries_are_kept_for_ten_seconds(
    server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(tcp, "DnsCache", partial(DnsCache, clock=lambda: now[0]))
    resolver = Names({HOST: "127.0.0.1"})
    async with TCPConnector(resolver=resolver, force_close=True) as connector:
        for now[0], times in ((0.0, 1), (9.99, 1), (10.01, 2), (20.0, 2), (20.02, 3)):
            assert await fetch(connector, server) == "ok"
            assert len(resolver.asked) == times
