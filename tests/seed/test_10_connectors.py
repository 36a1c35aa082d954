"""Section 10: connectors."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from pronghorn import (
    BaseConnector,
    ClientConnectionError,
    ClientRequest,
    ClientSession,
    ClientTimeout,
    Connection,
    ConnectionTimeoutError,
    NamedPipeConnector,
    TCPConnector,
    UnixConnector,
)
from pronghorn.client.pool import Pool
from pronghorn.client.protocol import ResponseHandler
from pronghorn.io.dial import Address

from ..functional.programs import HttpProxy, scripted_tls
from ..functional.scripted import OK, Peer, Scripted, answering, scripted, turns, until
from ..functional.timers import Timers
from ..tls import client_context, server_context
from .row import idleness, listening_at

UNFINISHED = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart"
#: Connections that are asked for at once: a listening socket holds no more.
BATCH = 50


class Elsewhere(BaseConnector):
    """Connects to one port, whatever the URL says."""

    def __init__(self, port: int, **options: Any) -> None:
        super().__init__(**options)
        self.port = port
        self.asked: list[tuple[str, ClientTimeout]] = []

    async def _create_connection(
        self, req: Any, traces: Sequence[object], timeout: ClientTimeout
    ) -> ResponseHandler:
        self.asked.append((str(req.url), timeout))
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_connection(self._factory, "127.0.0.1", self.port)
        return protocol


@pytest.fixture
async def server() -> AsyncIterator[Scripted]:
    async with scripted(OK) as running:
        yield running


async def fetch(session: ClientSession, url: str) -> str:
    async with session.get(url) as response:
        return await response.text()


async def most_at_once(
    connector: BaseConnector, expected: int, count: int, hosts: Sequence[str] = ("127.0.0.1",)
) -> int:
    """The most connections open at once while ``count`` requests to each of ``hosts`` want an answer."""
    gate = asyncio.Semaphore(0)
    waiting = most = 0

    async def gated(peer: Peer) -> None:
        nonlocal waiting, most
        while True:
            await peer.request()
            waiting += 1
            most = max(most, waiting)
            await gate.acquire()
            waiting -= 1
            await peer.send(OK)

    async with scripted(gated) as server, ClientSession(connector=connector) as session:
        urls = [server.url().replace("127.0.0.1", host) for host in hosts for _ in range(count)]
        tasks: list[asyncio.Task[str]] = []
        for start in range(0, len(urls), BATCH):
            tasks += [asyncio.create_task(fetch(session, url)) for url in urls[start : start + BATCH]]
            there = min(len(tasks), expected)
            await until(lambda there=there: waiting >= there)
            await turns(10)
        for _ in urls:
            gate.release()
        assert await asyncio.gather(*tasks) == ["ok"] * len(urls)
    return most


async def test_s147_all_derive_from_the_base(server: Scripted, tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    kinds: list[tuple[type[BaseConnector], dict[str, Any]]] = [
        (TCPConnector, {}),
        (UnixConnector, {"path": path}),
        (Elsewhere, {"port": server.port}),
    ]
    assert issubclass(NamedPipeConnector, BaseConnector)
    async with scripted(OK, sock=listening_at(path)) as local:
        for kind, options in kinds:
            assert issubclass(kind, BaseConnector)
            peers = local.peers if kind is UnixConnector else server.peers
            for force_close in (False, True):
                before = len(peers)
                connector = kind(force_close=force_close, **options)
                async with ClientSession(connector=connector) as session:
                    for _ in range(3):
                        assert await fetch(session, server.url()) == "ok"
                assert len(peers) - before == (3 if force_close else 1)


async def test_s148_base_connector(server: Scripted) -> None:
    parameters = inspect.signature(BaseConnector).parameters
    assert {parameter.kind for parameter in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}
    documented = {
        "force_close": False,
        "limit": 100,
        "limit_per_host": 0,
        "enable_cleanup_closed": False,
        "loop": None,
        "timeout_ceil_threshold": 5,
    }
    assert {name: parameters[name].default for name in documented} == documented
    assert parameters.keys() - documented == {"keepalive_timeout", "share_dials"}
    for options, seconds in (
        ({}, 15.0),
        (documented, 15.0),
        ({"keepalive_timeout": 30, "loop": asyncio.get_running_loop(), "enable_cleanup_closed": True}, 30.0),
    ):
        for kind in (partial(Elsewhere, server.port), TCPConnector):
            connector = kind(**options)
            async with ClientSession(connector=connector) as session:
                assert await fetch(session, server.url()) == "ok"
                assert idleness(connector) == seconds


async def test_s149_keepalive_timeout(server: Scripted) -> None:
    switches: list[dict[str, Any]] = [{"keepalive_timeout": 0}, {"force_close": True}]
    for off in (*switches, {"force_close": True, "keepalive_timeout": None}):
        before = len(server.peers)
        async with ClientSession(connector=TCPConnector(**off)) as session:
            for _ in range(2):
                await fetch(session, server.url())
        assert len(server.peers) - before == 2

    async with ClientSession(connector=TCPConnector(keepalive_timeout=0.01)) as session:
        await fetch(session, server.url())
        await until(lambda: server.peers[-1].has_left)

    timers = Timers()
    for never in (True, False):
        connector = TCPConnector(keepalive_timeout=None) if never else TCPConnector()
        async with ClientSession(connector=connector, timeout=None) as session:
            await fetch(session, server.url())
            assert (not timers.pending) is never, "whether anything will close it"
            assert not server.peers[-1].has_left

    for seconds in (15.0, 0):
        with pytest.raises(ValueError, match="keepalive_timeout"):
            TCPConnector(keepalive_timeout=seconds, force_close=True)


@pytest.mark.parametrize(
    ("options", "expected"), [({"limit": 3}, 3), ({}, 100), ({"limit": None}, 110), ({"limit": 0}, 110)]
)
async def test_s150_limit(options: dict[str, Any], expected: int) -> None:
    assert await most_at_once(TCPConnector(**options), expected, 110) == expected


@pytest.mark.parametrize(("limit", "expected"), [(3, 6), (0, 20), (None, 20)])
async def test_s151_limit_per_host(limit: int | None, expected: int) -> None:
    connector = TCPConnector(limit=0, limit_per_host=limit)
    assert await most_at_once(connector, expected, 10, ("127.0.0.1", "localhost")) == expected
    pool: Pool[Any] = Pool(0, 1)
    endpoints = [Address("host", port, is_ssl) for port in (80, 81) for is_ssl in (False, True)]
    assert all(pool.reserve(endpoint) for endpoint in endpoints), "host, port and TLS tell them apart"
    assert not any(pool.reserve(endpoint) for endpoint in endpoints)


async def test_s152_force_close(server: Scripted) -> None:
    async with ClientSession(connector=TCPConnector(force_close=True)) as session:
        for number in range(2):
            await fetch(session, server.url())
            await until(lambda number=number: server.peers[number].has_left)
        assert [request.fields["Connection"] for request in server.requests] == ["close", "close"]


async def test_s154_closed() -> None:
    connector = TCPConnector()
    assert connector.closed is False
    with pytest.raises(AttributeError):
        connector.closed = True  # type: ignore[misc]  # what is tested
    await connector.close()
    assert connector.closed is True


@pytest.mark.parametrize(
    ("options", "expected"), [({}, False), ({"force_close": True}, True), ({"force_close": False}, False)]
)
def test_s155_force_close_is_told(options: dict[str, Any], expected: bool) -> None:
    connector = TCPConnector(**options)
    assert connector.force_close is expected
    with pytest.raises(AttributeError):
        connector.force_close = True  # type: ignore[misc]  # what is tested


@pytest.mark.parametrize(
    ("options", "expected"), [({}, 100), ({"limit": 30}, 30), ({"limit": 0}, 0), ({"limit": None}, 0)]
)
def test_s156_limit_is_told(options: dict[str, Any], expected: int) -> None:
    connector = TCPConnector(**options)
    assert connector.limit == expected
    with pytest.raises(AttributeError):
        connector.limit = 1  # type: ignore[misc]  # what is tested


@pytest.mark.parametrize(
    ("options", "expected"), [({}, 0), ({"limit_per_host": 30}, 30), ({"limit_per_host": None}, 0)]
)
def test_s157_limit_per_host_is_told(options: dict[str, Any], expected: int) -> None:
    connector = TCPConnector(**options)
    assert connector.limit_per_host == expected
    with pytest.raises(AttributeError):
        connector.limit_per_host = 1  # type: ignore[misc]  # what is tested


@pytest.mark.parametrize("is_awaited", [True, False])
async def test_s158_close(is_awaited: bool) -> None:
    async with scripted(OK, answering(UNFINISHED, then="stay")) as server:
        connector = TCPConnector()
        async with ClientSession(connector=connector) as session:
            responses = await asyncio.gather(*(session.get(server.url()) for _ in "ab"))
            (unfinished,) = (response for response in responses if not response.closed)
            closing = connector.close()
            assert connector.closed, "at the call"
            assert session.closed
            if is_awaited:
                await closing
            await until(lambda: [peer.has_left for peer in server.peers] == [True, True])
            with pytest.raises(ClientConnectionError):
                await unfinished.read()


async def test_s159_connect(server: Scripted) -> None:
    connector = TCPConnector(limit=1)
    request = ClientRequest("GET", URL(server.url()))
    first = await connector.connect(request)
    assert isinstance(first, Connection)
    transport = first.transport
    assert transport is not None
    assert transport.get_extra_info("peername") == ("127.0.0.1", server.port)
    second = asyncio.ensure_future(connector.connect(request, [], ClientTimeout()))
    await turns(10)
    assert not second.done(), "at the limit"
    with pytest.raises(ConnectionTimeoutError):
        await connector.connect(request, [], ClientTimeout(connect=0.01))
    first.release()
    assert (await second).transport is transport, "the one that is free"
    (await second).close()
    third = await connector.connect(request)
    assert third.transport is not transport
    third.close()
    await connector.close()
    with pytest.raises(ClientConnectionError, match="closed"):
        await connector.connect(request)
    assert len(server.peers) == 2


async def test_s160_create_connection(server: Scripted) -> None:
    with pytest.raises(TypeError, match="_create_connection"):
        BaseConnector()  # type: ignore[abstract]  # what is tested
    connector = Elsewhere(server.port)
    timeout = ClientTimeout(sock_connect=5.0)
    async with ClientSession(connector=connector, timeout=timeout) as session:
        for _ in range(2):
            assert await fetch(session, "http://nowhere.invalid/path") == "ok"
    assert connector.asked == [("http://nowhere.invalid/path", timeout)]
    assert server.requests[0].fields["Host"] == "nowhere.invalid"


async def test_s161_two_standard_connectors(server: Scripted, tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    async with (
        scripted_tls(server_context()) as secured,
        scripted(OK, sock=listening_at(path)) as local,
        ClientSession() as usual,
        ClientSession(connector=UnixConnector(path)) as unusual,
    ):
        assert type(usual.connector) is TCPConnector
        assert await fetch(usual, server.url()) == "ok"
        async with usual.get(f"https://127.0.0.1:{secured.port}/", ssl=client_context()) as response:
            assert await response.text() == "ok"
        assert await fetch(unusual, "http://anywhere.test/") == "ok"
    assert [len(running.peers) for running in (server, secured, local)] == [1, 1, 1]


async def test_s162_sockets_and_proxies(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    proxy = HttpProxy()
    async with (
        scripted(OK, sock=listening_at(path)) as local,
        scripted(proxy) as front,
        ClientSession(connector=UnixConnector(path)) as unusual,
        ClientSession() as usual,
    ):
        assert await fetch(unusual, "http://anywhere.test/a") == "ok"
        async with usual.get("http://anywhere.test/b", proxy=front.url()) as response:
            assert await response.text() == "ok"
        with pytest.raises(ValueError, match=r"^proxy: .* connects by none"):
            await unusual.get("http://anywhere.test/c", proxy=front.url())
    assert [request.target for request in local.requests] == ["/a"]
    assert proxy.targets == ["GET http://anywhere.test/b"]


async def test_s163_a_session_owns_its_connector(server: Scripted) -> None:
    connector = TCPConnector()
    other = ClientSession(connector=connector)
    async with ClientSession(connector=connector) as session:
        await fetch(session, server.url())
        await fetch(other, server.url())
    assert connector.closed
    with pytest.raises(RuntimeError, match="Session is closed"):
        await fetch(other, server.url())
    await other.close()

    async with TCPConnector() as connector:
        for _ in range(2):
            async with ClientSession(connector=connector, connector_owner=False) as session:
                await fetch(session, server.url())
            assert not connector.closed
    assert len(server.peers) == 2, "one for each connector"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, (100, 0)),
        ({"limit": 7, "limit_per_host": 3}, (7, 3)),
        ({"limit": None, "limit_per_host": None}, (0, 0)),
    ],
)
async def test_s170_limits_as_in_the_base(options: dict[str, Any], told: tuple[int, int]) -> None:
    for connector in (TCPConnector(**options), Elsewhere(0, **options)):
        assert (connector.limit, connector.limit_per_host) == told
    for name in ("limit", "limit_per_host"):
        mistake: dict[str, Any] = {name: -1}
        for kind in (TCPConnector, partial(Elsewhere, 0)):
            with pytest.raises(ValueError, match=f"^{name}:"):
                kind(**mistake)
    for hosts, most in ((("127.0.0.1",), 3), (("127.0.0.1", "localhost"), 5)):
        assert await most_at_once(TCPConnector(limit=5, limit_per_host=3), most, 10, hosts) == most
