"""Section 10: connectors to this machine, and what is newer than the documents."""

import asyncio
import inspect
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pronghorn import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientSession,
    ConnectionTimeoutError,
    NamedPipeConnector,
    TCPConnector,
    UnixClientConnectorError,
    UnixConnector,
)

from ..functional.programs import Names
from ..functional.scripted import OK, Scripted, scripted
from ..tls import client_context, server_context
from .row import idleness, listening_at

SHORT = 0.02
HOST = "example.test"


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "socket")


async def fetch(connector: Any, url: str = "http://anywhere.test/", **options: Any) -> str:
    async with ClientSession(connector=connector) as session, session.get(url, **options) as response:
        return await response.text()


async def test_s182_unix_connector(path: str) -> None:
    parameters = inspect.signature(UnixConnector).parameters
    documented = {"conn_timeout": None, "limit": 100, "force_close": False, "loop": None}
    assert {name: parameters[name].default for name in documented} == documented
    assert parameters["path"].default is inspect.Parameter.empty
    async with scripted(OK, sock=listening_at(path)) as server:
        for options, seconds in ((documented, 30.0), ({}, 30.0), ({"keepalive_timeout": 7}, 7.0)):
            connector = UnixConnector(path=path, **options)
            async with ClientSession(connector=connector) as session:
                for _ in range(2):
                    async with session.get("http://python.org/x") as response:
                        assert await response.text() == "ok"
                assert idleness(connector) == seconds
            assert connector.limit == 100
        assert await fetch(UnixConnector(path, force_close=True)) == "ok"
        assert [len(peer.requests) for peer in server.peers] == [2, 2, 2, 1]
        assert server.requests[0].fields["Host"] == "python.org"
        assert server.requests[0].target == "/x"

    Path(path).unlink()
    sock = listening_at(path)  # takes connections, and answers to no TLS
    with pytest.raises(ConnectionTimeoutError, match=f"{SHORT} s \\(conn_timeout\\)"):
        await fetch(UnixConnector(path, conn_timeout=SHORT), "https://anywhere.test/")
    sock.close()


async def test_s183_path(path: str) -> None:
    connector = UnixConnector(path)
    assert connector.path == path
    assert UnixConnector(Path(path)).path == path  # type: ignore[arg-type]  # what is tested
    with pytest.raises(AttributeError):
        connector.path = "/elsewhere"  # type: ignore[misc]  # what is tested
    with pytest.raises(UnixClientConnectorError, match=f"unix socket {path} ") as caught:
        await fetch(connector)
    assert caught.value.path == path
    assert isinstance(caught.value, ClientConnectorError)
    assert isinstance(caught.value.os_error, FileNotFoundError)


async def test_s184_http_and_https(path: str) -> None:
    server = Scripted((OK,))
    context = server_context("anywhere.test")
    listener = await asyncio.start_unix_server(server.serve, path, ssl=context)
    for options in ({"ssl": client_context()}, {"ssl": False}):
        assert await fetch(UnixConnector(path, **options), "https://anywhere.test/") == "ok"
        assert await fetch(UnixConnector(path), "https://anywhere.test/", **options) == "ok"
    for connector, url in (
        (UnixConnector(path), "https://anywhere.test/"),
        (UnixConnector(path, ssl=client_context()), "https://elsewhere.test/"),
    ):
        with pytest.raises(ClientConnectorCertificateError):
            await fetch(connector, url)
    assert len(server.requests) == 4
    listener.close()
    await server.stop()
    Path(path).unlink(missing_ok=True)
    async with scripted(OK, sock=listening_at(path)):
        assert await fetch(UnixConnector(path)) == "ok"


class Pipes:
    """The loop, with pipes: each name leads to a Unix socket."""

    def __init__(self, loop: Any) -> None:
        self._loop = loop

    async def create_pipe_connection(self, protocol_factory: Callable[[], Any], address: str) -> Any:
        return await self._loop.create_unix_connection(protocol_factory, address)


async def test_s185_newer_connectors_and_options(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connector = NamedPipeConnector(path)
    assert connector.path == path
    with pytest.raises(RuntimeError, match="proactor event loop of Windows"):
        await fetch(connector)
    loop = asyncio.get_running_loop()
    # There are no pipes to try it with: this shows that it asks the loop for one, and uses what it gets.
    monkeypatch.setattr(loop, "create_pipe_connection", Pipes(loop).create_pipe_connection, raising=False)
    async with scripted(OK, sock=listening_at(path)):
        assert await fetch(NamedPipeConnector(path)) == "ok"

    made = []

    def make(info: Any) -> socket.socket:
        made.append(info)
        return socket.socket(*info[:3])

    with socket.socket() as deaf:
        deaf.bind(("127.0.0.2", 0))  # refuses
        async with scripted(OK) as server:
            resolver = Names({HOST: [f"127.0.0.2:{deaf.getsockname()[1]}", f"127.0.0.1:{server.port}"]})
            for options in ({}, {"happy_eyeballs_delay": None}, {"interleave": 1}):
                made.clear()
                connector_of_sockets = TCPConnector(resolver=resolver, socket_factory=make, **options)
                assert await fetch(connector_of_sockets, f"http://{HOST}:{server.port}/") == "ok"
                assert [info[4][0] for info in made] == ["127.0.0.2", "127.0.0.1"]
    assert TCPConnector(use_dns_cache=False).use_dns_cache is False
