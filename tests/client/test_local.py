"""Connectors to this machine: Unix domain sockets, and named pipes on a loop that stands for Windows'."""

import asyncio
import errno
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from pronghorn import (
    ClientConnectionError,
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    Fingerprint,
    NamedPipeConnector,
    ServerFingerprintMismatch,
    UnixClientConnectorError,
    UnixConnector,
)
from pronghorn.client.connector import BaseConnector
from pronghorn.client.outgoing import make_request
from pronghorn.client.pool_stats import CloseReason
from pronghorn.client.target import as_url

from ..functional.programs import leaving_nothing
from ..functional.scripted import OK, PATIENCE, Peer, Script, Scripted, scripted, turns, until
from ..resilience.stepping import MOST_STEPS, CancelledAt
from ..tls import certificate, client_context, digest, expired_context, server_context
from .wired import NO_TIMEOUT, Transport, request_to

SHORT = 0.02


@pytest.fixture
def path() -> Iterator[str]:
    """Of a socket; a folder of pytest's may be too long for it."""
    with tempfile.TemporaryDirectory(prefix="socket") as folder:
        yield str(Path(folder, "s"))


@asynccontextmanager
async def listening(
    path: str, *scripts: Script, context: ssl.SSLContext | None = None
) -> AsyncIterator[Scripted]:
    server = Scripted(scripts or (OK,))
    listener = await asyncio.start_unix_server(server.serve, path, ssl=context)
    try:
        yield server
    finally:
        listener.close()
        await server.stop()


async def text(session: ClientSession, url: str, **options: Any) -> str:
    async with asyncio.timeout(PATIENCE), session.get(url, **options) as response:
        return await response.text()


# Made


def test_defaults() -> None:
    connector = UnixConnector("/run/s")
    assert (connector.path, connector.limit, connector.limit_per_host, connector.force_close) == (
        "/run/s",
        100,
        0,
        False,
    )
    assert connector._keepalive_timeout == 30
    assert not connector.takes_proxies
    pipe = NamedPipeConnector(r"\\.\pipe\x")
    assert pipe.path == r"\\.\pipe\x"
    assert pipe._keepalive_timeout == 15
    assert UnixConnector.allowed_protocol_schema_set == {"", "http", "https", "ws", "wss", "unix"}
    assert NamedPipeConnector.allowed_protocol_schema_set == {"", "http", "https", "ws", "wss", "npipe"}


@pytest.mark.parametrize("kind", [UnixConnector, NamedPipeConnector])
def test_options_of_all_connectors(kind: Any) -> None:
    connector = kind("/run/s", True, None, 5, 2)
    assert (connector.force_close, connector.limit, connector.limit_per_host) == (True, 5, 2)
    assert kind("/run/s", force_close=True).force_close
    assert kind("/run/s", keepalive_timeout=3)._keepalive_timeout == 3
    with pytest.raises(ValueError, match="keepalive_timeout and force_close"):
        kind("/run/s", force_close=True, keepalive_timeout=3)
    with pytest.raises(AttributeError):
        connector.path = "/run/t"


def test_a_path_may_be_one() -> None:
    assert UnixConnector(cast(Any, Path("/run/s"))).path == "/run/s"


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"path": None}, TypeError, "PathLike"),
        ({"path": 5}, TypeError, "PathLike"),
        ({"conn_timeout": -1}, ValueError, "^conn_timeout: expected None or a number not below 0, got -1"),
        ({"conn_timeout": "5"}, ValueError, "^conn_timeout:"),
        ({"conn_timeout": float("nan")}, ValueError, "^conn_timeout:"),
        ({"ssl": "yes"}, TypeError, "^ssl:"),
        ({"limit": -1}, ValueError, "^limit:"),
        ({"keepalive_timeout": -1}, ValueError, "^keepalive_timeout:"),
    ],
)
def test_mistakes_are_named(options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        UnixConnector(**{"path": "/run/s", **options})


# Connected


async def test_whatever_the_host(path: str) -> None:
    async with listening(path) as server, ClientSession(connector=UnixConnector(path)) as session:
        for host in ("localhost", "does-not-exist.invalid", "192.0.2.1:8080"):
            assert await text(session, f"http://{host}/a?b") == "ok"
        assert [request.fields["Host"] for request in server.requests] == [
            "localhost",
            "does-not-exist.invalid",
            "192.0.2.1:8080",
        ]
        assert {request.target for request in server.requests} == {"/a?b"}
        await text(session, "http://localhost/")
        assert len(server.peers) == 3, "hosts don't share connections, though all lead to one place"


async def test_by_tls(path: str) -> None:
    async with (
        listening(path, context=server_context("a.test")) as server,
        ClientSession(connector=UnixConnector(path, ssl=client_context())) as session,
    ):
        assert await text(session, "https://a.test/") == "ok"
        assert await text(session, "https://a.test/") == "ok"
        assert len(server.peers) == 1
        assert await text(session, "https://b.test/", server_hostname="a.test") == "ok"
        assert await text(session, "https://b.test/", ssl=False) == "ok"
        assert await text(session, "https://b.test/", ssl=Fingerprint(digest(certificate("a.test")))) == "ok"
        with pytest.raises(ClientConnectorCertificateError, match=r"b\.test") as caught:
            await text(session, "https://b.test/")
        error = caught.value
        assert (error.host, error.port, error.phase, error.peer) == ("b.test", 443, "tls", path)


async def test_another_certificate_than_expected(path: str) -> None:
    async with listening(path, context=server_context("a.test")):
        connector = UnixConnector(path, ssl=Fingerprint(bytes(32)))
        async with ClientSession(connector=connector) as session:
            with pytest.raises(ServerFingerprintMismatch) as caught:
                await text(session, "https://a.test/")
            assert (caught.value.host, caught.value.port) == (path, 0)
            assert caught.value.got == digest(certificate("a.test"))
            await until(lambda: not connector._connections)
            assert connector.stats().closed == {CloseReason.NOT_CONNECTED: 1}


async def test_a_path_that_does_not_exist(path: str) -> None:
    async with leaving_nothing(), ClientSession(connector=UnixConnector(path, limit=1)) as session:
        for scheme in ("http", "https"):
            for _ in range(2):  # its place was freed
                with pytest.raises(UnixClientConnectorError) as caught:
                    await text(session, f"{scheme}://host.test/")
                error = caught.value
                assert isinstance(error, ClientConnectorError)
                assert (error.path, error.errno, error.host) == (path, errno.ENOENT, "host.test")
                assert (error.phase, error.peer) == ("connect", path)
                assert str(error).startswith(f"Cannot connect to unix socket {path} ssl:default [")
                assert str(error).endswith(f"] (connect, {path})")


async def test_a_path_that_nobody_listens_at(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
    async with ClientSession(connector=UnixConnector(path)) as session:
        with pytest.raises(UnixClientConnectorError) as caught:
            await text(session, "http://localhost/")
        assert caught.value.errno == errno.ECONNREFUSED


async def test_a_path_that_is_too_long() -> None:
    async with ClientSession(connector=UnixConnector("/run/" + "s" * 200)) as session:
        with pytest.raises(UnixClientConnectorError):
            await text(session, "http://localhost/")


async def test_tls_that_fails(path: str) -> None:
    async with (
        listening(path, context=expired_context("a.test")),
        ClientSession(connector=UnixConnector(path, ssl=client_context())) as session,
    ):
        with pytest.raises(ClientConnectorCertificateError, match="expired"):
            await text(session, "https://a.test/")


# In time


@asynccontextmanager
async def deaf(path: str) -> AsyncIterator[None]:
    """A listener that takes a connection and says nothing."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
        sock.listen(1)
        yield


@pytest.mark.parametrize(
    ("own", "timeout", "name"),
    [
        (SHORT, NO_TIMEOUT, "conn_timeout"),
        (SHORT, ClientTimeout(sock_connect=5), "conn_timeout"),
        (None, ClientTimeout(sock_connect=SHORT), "sock_connect"),
        (0, ClientTimeout(sock_connect=SHORT), "sock_connect"),
        (5, ClientTimeout(sock_connect=SHORT), "sock_connect"),
    ],
)
async def test_connecting_takes_a_bounded_time(
    path: str, own: float | None, timeout: ClientTimeout, name: str
) -> None:
    """The handshake is part of it."""
    connector = UnixConnector(path, conn_timeout=own)
    async with deaf(path), leaving_nothing(), ClientSession(connector=connector) as session:
        with pytest.raises(ConnectionTimeoutError) as caught:
            await text(session, "https://a.test/", timeout=timeout)
        assert str(caught.value) == (
            f"No connection to a.test:443 within {SHORT} s ({name}): connect, {path}"
        )
        assert connector._pool.open_count == 0


async def test_waiting_for_a_place_is_not_connecting(path: str) -> None:
    async def slow(peer: Any) -> None:
        await peer.request()
        await asyncio.sleep(3 * SHORT)  # the time is what is tested
        await peer.send(OK)
        await peer.answer(OK)
        await peer.rest()

    connector = UnixConnector(path, conn_timeout=SHORT, limit=1)
    async with listening(path, slow), ClientSession(connector=connector) as session:
        both = [text(session, "http://localhost/", timeout=NO_TIMEOUT) for _ in range(2)]
        assert await asyncio.gather(*both) == ["ok", "ok"]


@pytest.mark.parametrize("when", ["waiting", "woken"])
@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "tls"])
async def test_cancelled_at_each_await(path: str, is_tls: bool, when: str) -> None:
    context = server_context("a.test") if is_tls else None
    request = make_request("GET", as_url(f"http{'s' * is_tls}://a.test/"), (), None, None)
    async with listening(path, serve, context=context):
        for step in range(1, MOST_STEPS):
            async with leaving_nothing():
                connector = UnixConnector(path, limit=1, ssl=client_context())
                task = asyncio.create_task(_awaited(CancelledAt(connector.connect(request), step, when)))
                await asyncio.wait([task], timeout=PATIENCE)
                assert task.done(), f"hangs when cancelled at step {step}"
                if not task.cancelled():
                    task.result().close()
                await connector.close()
                assert connector._pool.open_count == 0
            if not task.cancelled():
                assert step > 1
                return
    pytest.fail(f"not through after {MOST_STEPS} steps")


async def serve(peer: Peer) -> None:
    try:
        await peer.answer(OK)
    finally:
        peer.close()


async def _awaited(awaitable: Any) -> Any:
    return await awaitable


# Proxies


async def test_there_is_no_proxy(path: str) -> None:
    async with ClientSession(connector=UnixConnector(path)) as session:
        with pytest.raises(ValueError, match=r"^proxy: "):
            await session.get("http://localhost/", proxy="http://proxy.test")


# Named pipes


class Pipes:
    """What the proactor event loop of Windows adds: `create_pipe_connection`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.error: Exception | None = None
        self.is_stuck = False
        self.transports: list[Transport] = []
        self.foreign: asyncio.BaseProtocol | None = None
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "create_pipe_connection", self.connect, raising=False)

    async def connect(self, factory: Any, path: str) -> tuple[Transport, Any]:
        self.asked.append(path)
        if self.error is not None:
            raise self.error
        if self.is_stuck:
            await asyncio.Event().wait()
        protocol = self.foreign or factory()
        transport = Transport(protocol)
        self.transports.append(transport)
        # As that loop does: the protocol is told after this has returned.
        asyncio.get_running_loop().call_soon(protocol.connection_made, transport)
        return transport, protocol


@pytest.fixture
async def pipes(monkeypatch: pytest.MonkeyPatch) -> Pipes:
    return Pipes(monkeypatch)


PIPE = r"\\.\pipe\server"


async def test_a_pipe_is_connected_to(pipes: Pipes) -> None:
    async with NamedPipeConnector(PIPE) as connector:
        lease = await connector.connect(request_to())
        assert pipes.asked == [PIPE]
        assert lease.transport is pipes.transports[0]
        lease.release()
        (await connector.connect(request_to())).release()
        assert len(pipes.transports) == 1
    assert pipes.transports[0].ending == "closed"


async def test_a_pipe_that_is_not_there(pipes: Pipes) -> None:
    pipes.error = FileNotFoundError(errno.ENOENT, "no such pipe")
    async with NamedPipeConnector(PIPE, limit=1) as connector:
        for _ in range(2):
            with pytest.raises(ClientConnectorError, match="no such pipe") as caught:
                await connector.connect(request_to())
            assert (caught.value.phase, caught.value.peer) == ("connect", PIPE)


async def test_a_pipe_that_takes_its_time(pipes: Pipes) -> None:
    pipes.is_stuck = True
    async with NamedPipeConnector(PIPE) as connector:
        with pytest.raises(ConnectionTimeoutError, match="sock_connect"):
            await connector.connect(request_to(), timeout=ClientTimeout(sock_connect=SHORT))


async def test_a_loop_that_knows_no_pipes() -> None:
    async with NamedPipeConnector(PIPE) as connector:
        with pytest.raises(RuntimeError, match="named pipes need the proactor event loop of Windows"):
            await connector.connect(request_to())
        assert connector._pool.open_count == 0


async def test_a_loop_that_gives_another_protocol(pipes: Pipes) -> None:
    pipes.foreign = asyncio.Protocol()
    async with NamedPipeConnector(PIPE) as connector:
        with pytest.raises(TypeError, match="expected a ResponseHandler"):
            await connector.connect(request_to())
    assert pipes.transports[0].ending == "aborted"


@pytest.mark.parametrize("when", ["waiting", "woken"])
async def test_a_pipe_is_closed_when_nobody_wants_it_any_more(pipes: Pipes, when: str) -> None:
    for step in range(1, MOST_STEPS):
        connector: BaseConnector = NamedPipeConnector(PIPE)
        task = asyncio.create_task(_awaited(CancelledAt(connector.connect(request_to()), step, when)))
        await asyncio.wait([task], timeout=PATIENCE)
        if not task.cancelled():
            task.result().close()
        await turns()
        assert all(transport.ending for transport in pipes.transports)
        assert connector._pool.open_count == 0
        await connector.close()
        if not task.cancelled():
            assert step > 1
            return
    pytest.fail(f"not through after {MOST_STEPS} steps")


async def test_a_closed_connector(path: str) -> None:
    for connector in (UnixConnector(path), NamedPipeConnector(PIPE)):
        await connector.close()
        with pytest.raises(ClientConnectionError, match="Connector is closed"):
            await connector.connect(request_to())


async def test_a_server_of_tcp_is_somewhere_else(path: str) -> None:
    """The address of a URL is not connected to."""
    async with scripted(OK) as elsewhere, listening(path) as server:
        async with ClientSession(connector=UnixConnector(path)) as session:
            assert await text(session, elsewhere.url()) == "ok"
        assert (len(elsewhere.peers), len(server.peers)) == (0, 1)
