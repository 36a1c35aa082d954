"""From the name in a URL to a connection: resolvers of all kinds, the cache, and several addresses."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from threading import Event
from typing import Any

import pytest

from pronghorn import (
    AsyncResolver,
    ClientConnectionError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    TCPConnector,
)

from ..copies import COPIES
from ..io.dns_server import DAMAGE, REFUSED, SERVFAIL, SILENT, Answer, DnsServer, serving
from ..io.resolving import Table
from .listening import HIT, MISS, RESOLVE, RESOLVED, Listener, text
from .programs import Names, leaving_nothing, scripted_at
from .scripted import OK, scripted, until

CLOSE = {"Connection": "close"}


@contextmanager
def silence(address: str, port: int) -> Iterator[None]:
    """Somebody who neither answers nor refuses: to Linux, whose queue of connections is full."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        sock.listen(0)
        with socket.create_connection((address, port)):
            yield


# By a name server


@asynccontextmanager
async def asking(server: DnsServer, **options: Any) -> AsyncIterator[TCPConnector]:
    """A connector that asks ``server``; ``options`` are its own."""
    resolver = AsyncResolver(nameservers=["127.0.0.1"], udp_port=server.port, timeout=0.05, tries=1)
    connector = TCPConnector(resolver=resolver, **options)
    try:
        yield connector
    finally:
        await connector.close()
        await resolver.close()


async def test_a_name_server_is_asked() -> None:
    async with (
        scripted(OK) as origin,
        serving({"a.test": ["127.0.0.1"]}) as server,
        asking(server) as connector,
        ClientSession(connector=connector) as session,
    ):
        for _ in range(3):
            assert await text(session, f"http://a.test:{origin.port}/", headers=CLOSE) == "ok"
        assert len(origin.peers) == 3
        assert {name for name, _ in server.asked} == {"a.test"}
        assert len(server.asked) == 2  # A and AAAA, once
        assert origin.requests[0].fields["Host"] == f"a.test:{origin.port}"


@pytest.mark.parametrize("family", [socket.AF_UNSPEC, socket.AF_INET])
async def test_several_addresses_of_which_one_lives(family: socket.AddressFamily) -> None:
    addresses = ["127.0.0.2", "127.0.0.3", "127.0.0.1", "::1"]
    async with (
        scripted(OK) as origin,
        serving({"a.test": addresses}) as server,
        asking(server, family=family) as connector,
        ClientSession(connector=connector) as session,
    ):
        for _ in range(4):
            assert await text(session, f"http://a.test:{origin.port}/", headers=CLOSE) == "ok"
        assert len(server.asked) == (2 if family == socket.AF_UNSPEC else 1)


ANSWERS: dict[str, Any] = {
    "no-such-name": None,
    "nothing": [],
    "server-failure": Answer(rcode=SERVFAIL),
    "refused": Answer(rcode=REFUSED),
    "silence": SILENT,
    **{f"damage-{number}": Answer(["127.0.0.1"], damage=how) for number, how in enumerate(DAMAGE.values())},
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_a_name_server_without_an_answer(name: str) -> None:
    host = f"{name}.test"
    names = {} if ANSWERS[name] is None else {host: ANSWERS[name]}
    async with (
        leaving_nothing(),
        scripted(OK) as origin,
        serving(names) as server,
        asking(server) as connector,
        ClientSession(connector=connector) as session,
    ):
        with pytest.raises(ClientConnectorDNSError) as caught:
            await session.get(f"http://{host}:{origin.port}/")
        assert not origin.peers
    error = caught.value
    assert (error.host, error.port, error.phase, error.peer) == (host, origin.port, "dns", "")
    assert isinstance(error.os_error, socket.gaierror)
    assert host in str(error)
    assert str(error).endswith("(dns)")
    for copied in (copy(error) for copy in COPIES.values()):
        assert (type(copied), str(copied)) == (ClientConnectorDNSError, str(error))


ENDINGS: dict[str, type[BaseException]] = {
    "timeout": ConnectionTimeoutError,
    "cancel": asyncio.CancelledError,
    "close": ClientConnectionError,
}


@pytest.mark.parametrize("how", ENDINGS)
async def test_a_name_server_that_takes_its_time(how: str) -> None:
    answered = asyncio.Event()
    async with (
        leaving_nothing(),
        serving({"a.test": Answer(["127.0.0.1"], after=answered)}) as server,
    ):
        resolver = AsyncResolver(nameservers=["127.0.0.1"], udp_port=server.port, timeout=5, tries=1)
        connector = TCPConnector(resolver=resolver)
        session = ClientSession(connector=connector)
        timeout = ClientTimeout(sock_connect=0.05 if how == "timeout" else None)
        task = asyncio.ensure_future(session.get("http://a.test:81/", timeout=timeout))
        await until(lambda: server.asked)
        if how == "cancel":
            task.cancel()
        elif how == "close":
            await session.close()
        with pytest.raises(ENDINGS[how]) as caught:
            await asyncio.wait_for(task, 2)  # before the resolver gives up of itself
        if how == "timeout":
            assert str(caught.value) == "No connection to a.test:81 within 0.05 s (sock_connect): dns"
        await until(lambda: connector.stats().in_use == 0)
        await session.close()
        await resolver.close()


# By the system


async def test_the_systems_resolver_is_the_default() -> None:
    connector = TCPConnector()
    no_name = "a" * 64 + ".test"  # the system says so without asking anybody
    async with ClientSession(connector=connector) as session, leaving_nothing(), scripted(OK) as origin:
        assert await text(session, f"http://localhost:{origin.port}/", headers=CLOSE) == "ok"
        assert list(connector.cached_hosts) == [("localhost", origin.port)]
        with pytest.raises(ClientConnectorDNSError) as caught:
            await session.get(f"http://{no_name}:81/")
    assert (caught.value.host, caught.value.port, caught.value.phase) == (no_name, 81, "dns")


async def test_the_default_executor_is_not_needed() -> None:
    """Whoever fills it holds up no request."""
    release = Event()
    executor = ThreadPoolExecutor(1)
    loop = asyncio.get_running_loop()
    loop.set_default_executor(executor)
    busy = [loop.run_in_executor(None, release.wait) for _ in range(3)]
    try:
        async with scripted(OK) as origin, ClientSession() as session, asyncio.timeout(5):
            assert await text(session, f"http://localhost:{origin.port}/") == "ok"
            assert not any(future.done() for future in busy)
    finally:
        release.set()
        await asyncio.gather(*busy)


async def test_a_system_that_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its threads can't be stopped; nobody waits for them."""
    release = Event()

    def wait(*_: Any, **__: Any) -> Any:
        release.wait()
        raise socket.gaierror(socket.EAI_NONAME, "too late")

    # The system is the seam: there is nothing between it and the resolver.
    monkeypatch.setattr(socket, "getaddrinfo", wait)
    async with ClientSession() as session, leaving_nothing():
        with pytest.raises(ConnectionTimeoutError, match=r"within 0\.03 s \(sock_connect\): dns$"):
            await session.get("http://a.test/", timeout=ClientTimeout(sock_connect=0.03))
        release.set()


# By a resolver of one's own


async def test_a_resolver_of_ones_own() -> None:
    names = Names({"a.test": "127.0.0.1"})
    async with scripted(OK) as origin:
        for family in (socket.AF_UNSPEC, socket.AF_INET):
            connector = TCPConnector(resolver=names, family=family)
            assert connector.family == family
            async with ClientSession(connector=connector) as session:
                assert await text(session, f"http://a.test:{origin.port}/") == "ok"
                with pytest.raises(ClientConnectorDNSError, match=r"b\.test is not in the table"):
                    await session.get("http://b.test/")


RUBBISH: dict[str, Any] = {
    "nothing": [],
    "none": None,
    "text": "127.0.0.1",
    "texts": ["127.0.0.1"],
    "empty results": [{}],
    "a name": [{"hostname": "a.test", "host": "b.test", "port": 80, "family": 2, "proto": 0, "flags": 0}],
    "another spelling": [{"host": "2130706433", "port": 80, "family": 2, "proto": 0, "flags": 0}],
    "a port too high": [{"host": "127.0.0.1", "port": 65536, "family": 2, "proto": 0, "flags": 0}],
    "another family": [{"host": "127.0.0.1", "port": 80, "family": 10, "proto": 0, "flags": 0}],
    "no interface": [{"host": "fe80::1%nowhere", "port": 80, "family": 10, "proto": 0, "flags": 0}],
    "a generator": iter(()),
}


class Rubbish(Names):
    """Returns anything, or raises it."""

    def __init__(self, answer: Any) -> None:
        super().__init__({})
        self.answer = answer

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> Any:
        self.asked.append(host)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@pytest.mark.parametrize("kind", RUBBISH)
async def test_what_is_no_answer(kind: str) -> None:
    connector = TCPConnector(resolver=Rubbish(RUBBISH[kind]))
    async with ClientSession(connector=connector) as session, leaving_nothing():
        with pytest.raises(ClientConnectorDNSError) as caught:
            await session.get("http://a.test:81/")
        error = caught.value
        assert (error.host, error.port, error.phase) == ("a.test", 81, "dns")
        assert "a.test" in str(error)
        assert dict(connector.cached_hosts) == {}


@pytest.mark.parametrize(
    "raised",
    [OSError("no such name"), OSError(), socket.gaierror(-2, "no"), TimeoutError("late"), ConnectionError()],
    ids=repr,
)
async def test_a_resolver_that_raises(raised: OSError) -> None:
    async with ClientSession(connector=TCPConnector(resolver=Rubbish(raised))) as session, leaving_nothing():
        with pytest.raises(ClientConnectorDNSError) as caught:
            await session.get("http://a.test:81/")
        assert caught.value.os_error is raised
        assert (caught.value.host, caught.value.port) == ("a.test", 81)


async def test_a_resolver_with_a_bug() -> None:
    connector = TCPConnector(resolver=Rubbish(KeyError("a bug")))
    async with ClientSession(connector=connector) as session, leaving_nothing():
        with pytest.raises(KeyError, match="a bug"):
            await session.get("http://a.test/")
        assert connector.stats().in_use == 0


async def test_a_resolver_that_hangs() -> None:
    table = Table("127.0.0.1")
    table.may_answer.clear()
    connector = TCPConnector(resolver=table)
    async with ClientSession(connector=connector) as session, leaving_nothing():
        for timeout, name in (
            (ClientTimeout(sock_connect=0.03), "sock_connect"),
            (ClientTimeout(connect=0.03), "connect"),
            (ClientTimeout(total=0.03), "total"),
        ):
            with pytest.raises(TimeoutError) as caught:
                await session.get("http://a.test:81/", timeout=timeout)
            assert str(caught.value) == f"No connection to a.test:81 within 0.03 s ({name}): dns"
        await until(lambda: table.cancelled == 3)
        assert connector.stats().in_use == 0


async def test_ten_thousand_addresses() -> None:
    """A few of them are tried, and no more are kept."""
    dead = [f"127.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}" for number in range(2, 10_002)]
    connector = TCPConnector(resolver=Names({"a.test": dead}), happy_eyeballs_delay=None)
    async with ClientSession(connector=connector) as session, leaving_nothing(), scripted(OK) as origin:
        with pytest.raises(ClientConnectorError) as caught:
            await session.get(f"http://a.test:{origin.port}/")
        assert caught.value.phase == "connect"
        assert f"127.0.0.2:{origin.port}" in caught.value.peer
        assert len(str(caught.value)) < 10_000
        assert len(connector.cached_hosts["a.test", origin.port]) <= 100
    connector = TCPConnector(resolver=Names({"a.test": ["127.0.0.1", *dead]}))
    async with ClientSession(connector=connector) as session, leaving_nothing(), scripted(OK) as origin:
        assert await text(session, f"http://a.test:{origin.port}/", headers=CLOSE) == "ok"


# Several addresses


async def test_an_address_that_refuses() -> None:
    for addresses in (["127.0.0.2", "127.0.0.1"], ["::1", "127.0.0.1"], ["127.0.0.1", "127.0.0.2"]):
        connector = TCPConnector(resolver=Names({"a.test": addresses}))
        async with ClientSession(connector=connector) as session, leaving_nothing(), scripted(OK) as origin:
            assert await text(session, f"http://a.test:{origin.port}/", headers=CLOSE) == "ok"


async def test_an_address_that_is_silent() -> None:
    """RFC 8305: the next one has its turn before the first is given up."""
    names = Names({"a.test": ["127.0.0.2", "127.0.0.1"]})
    connector = TCPConnector(resolver=names, happy_eyeballs_delay=0.01)
    async with ClientSession(connector=connector) as session, leaving_nothing(), scripted(OK) as origin:
        with silence("127.0.0.2", origin.port):
            async with asyncio.timeout(5):
                assert await text(session, f"http://a.test:{origin.port}/", headers=CLOSE) == "ok"
    # In turn: the second is not reached before the time is over.
    connector = TCPConnector(resolver=names, happy_eyeballs_delay=None)
    async with ClientSession(connector=connector) as session, leaving_nothing(), scripted(OK) as origin:
        port = origin.port
        with silence("127.0.0.2", port), pytest.raises(ConnectionTimeoutError) as caught:
            await session.get(f"http://a.test:{port}/", timeout=ClientTimeout(sock_connect=0.05))
        assert not origin.peers
    assert str(caught.value) == (
        f"No connection to a.test:{port} within 0.05 s (sock_connect): "
        f"connect, 127.0.0.2:{port}, 127.0.0.1:{port}"
    )


async def test_all_refuse() -> None:
    async with scripted(OK) as gone:
        pass
    connector = TCPConnector(resolver=Names({"a.test": ["127.0.0.1", "127.0.0.2"]}))
    async with ClientSession(connector=connector) as session, leaving_nothing():
        with pytest.raises(ClientConnectorError) as caught:
            await session.get(f"http://a.test:{gone.port}/")
    error = caught.value
    assert not isinstance(error, ClientConnectorDNSError)
    assert (error.host, error.port, error.phase) == ("a.test", gone.port, "connect")
    assert error.peer == f"127.0.0.1:{gone.port}, 127.0.0.2:{gone.port}"


async def test_addresses_have_their_turns() -> None:
    """Connections are spread over those that are known."""
    connector = TCPConnector(resolver=Names({"a.test": ["127.0.0.1", "127.0.0.2", "127.0.0.3"]}))
    async with (
        scripted_at("127.0.0.1", "127.0.0.2", "127.0.0.3") as servers,
        ClientSession(connector=connector) as session,
    ):
        for _ in range(6):
            assert await text(session, f"http://a.test:{servers[0].port}/", headers=CLOSE) == "ok"
        assert [len(server.peers) for server in servers] == [2, 2, 2]


async def test_families() -> None:
    names = Names({"a.test": ["127.0.0.1", "::1"]})
    async with scripted_at("127.0.0.1", "::1") as servers:
        port = servers[0].port
        for family, server in zip((socket.AF_INET, socket.AF_INET6), servers, strict=True):
            connector = TCPConnector(resolver=names, family=family)
            async with ClientSession(connector=connector) as session:
                assert await text(session, f"http://a.test:{port}/") == "ok"
                assert len(server.peers) == 1
                other = "[::1]" if family == socket.AF_INET else "127.0.0.1"
                with pytest.raises(ClientConnectorDNSError, match="of another family"):
                    await session.get(f"http://{other}:{port}/")


async def test_names_beyond_ascii() -> None:
    """IDNA: the resolver, the server and the cache know the name in ASCII."""
    names = Names({"xn--bcher-kva.test": "127.0.0.1"})
    connector = TCPConnector(resolver=names)
    async with scripted(OK) as origin, ClientSession(connector=connector) as session:
        for host in ("b\u00fccher.test", "B\u00dcCHER.test", "xn--bcher-kva.test", "b\u00fccher\u3002test"):
            assert await text(session, f"http://{host}:{origin.port}/") == "ok"
        assert len(origin.peers) == 1
        assert names.asked == ["xn--bcher-kva.test"]
        assert list(connector.cached_hosts) == [("xn--bcher-kva.test", origin.port)]
        assert origin.requests[0].fields["Host"] == f"xn--bcher-kva.test:{origin.port}"


# The cache


async def asked(names: Names, requests: Sequence[str], **options: Any) -> list[str]:
    """What a resolver is asked by requests for ``requests``, each on a connection of its own."""
    names.asked.clear()
    connector = TCPConnector(resolver=names, **options)
    async with scripted(OK) as origin, ClientSession(connector=connector) as session:
        for host in requests:
            assert await text(session, f"http://{host}:{origin.port}/", headers=CLOSE) == "ok"
    return list(names.asked)


async def test_answers_are_kept() -> None:
    names = Names({"a.test": "127.0.0.1", "b.test": "127.0.0.1"})
    hosts = ["a.test", "b.test"] * 3
    assert await asked(names, hosts) == ["a.test", "b.test"]
    assert await asked(names, hosts, ttl_dns_cache=None) == ["a.test", "b.test"]
    assert await asked(names, hosts, use_dns_cache=False) == hosts
    assert await asked(names, hosts, ttl_dns_cache=0) == hosts
    assert await asked(names, hosts, dns_cache_max_size=1) == hosts
    assert await asked(names, ["127.0.0.1"] * 3) == []


async def test_answers_are_not_kept_for_ever() -> None:
    names = Names({"a.test": "127.0.0.1"})
    connector = TCPConnector(resolver=names, ttl_dns_cache=0.02)
    async with scripted(OK) as origin, ClientSession(connector=connector) as session:
        url = f"http://a.test:{origin.port}/"
        await text(session, url, headers=CLOSE)
        assert ("a.test", origin.port) in connector.cached_hosts
        await until(lambda: not connector.cached_hosts)
        await text(session, url, headers=CLOSE)
        assert names.asked == ["a.test", "a.test"]


async def test_what_is_kept_can_be_seen_and_cleared() -> None:
    names = Names({"a.test": ["127.0.0.1", "::1"], "b.test": "127.0.0.1"})
    connector = TCPConnector(resolver=names)
    async with scripted(OK) as origin, scripted(OK) as other, ClientSession(connector=connector) as session:

        async def request() -> None:
            for server, host in ((origin, "a.test"), (origin, "b.test"), (other, "a.test")):
                await text(session, f"http://{host}:{server.port}/", headers=CLOSE)

        await request()
        keys = {("a.test", origin.port), ("b.test", origin.port), ("a.test", other.port)}
        kept = connector.cached_hosts
        assert set(kept) == keys
        found = kept["a.test", origin.port]
        assert {result["host"] for result in found} == {"127.0.0.1", "::1"}
        assert {result["port"] for result in found} == {origin.port}
        connector.clear_dns_cache("a.test", origin.port)
        assert set(kept) == keys - {("a.test", origin.port)}
        connector.clear_dns_cache()
        assert dict(kept) == {}
        for half in (("a.test",), (None, 80)):
            with pytest.raises(ValueError, match="expected both or neither"):
                connector.clear_dns_cache(*half)
        await request()
        assert names.asked == ["a.test", "b.test", "a.test"] * 2
        with pytest.raises(TypeError):
            kept["c.test", 80] = []  # type: ignore[index]  # what is tested


async def test_many_ask_for_one_name_at_once() -> None:
    table = Table("127.0.0.1")
    table.may_answer.clear()
    async with scripted(OK) as origin, ClientSession(connector=TCPConnector(resolver=table)) as session:
        tasks = [asyncio.ensure_future(text(session, f"http://a.test:{origin.port}/")) for _ in range(20)]
        await until(lambda: table.asked)
        tasks[0].cancel()
        table.may_answer.set()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(outcomes[0], asyncio.CancelledError)
        assert outcomes[1:] == ["ok"] * 19
        assert len(table.asked) == 1


# Who is told


async def test_traces_are_told_of_hits_and_misses() -> None:
    listener = Listener()
    names = Names({"a.test": "127.0.0.1"})
    dns = {HIT, MISS, RESOLVE, RESOLVED}
    uncached = TCPConnector(resolver=names, use_dns_cache=False)
    async with scripted(OK) as origin, listener.session(uncached) as session:
        for _ in range(2):
            listener.forget()
            await text(session, f"http://a.test:{origin.port}/", headers=CLOSE)
            assert [event for event in listener.events if event in dns] == [RESOLVE, RESOLVED]
    async with scripted(OK) as origin, listener.session(TCPConnector(resolver=names)) as session:
        for expected in ([MISS, RESOLVE, RESOLVED], [HIT], [HIT]):
            listener.forget()
            await text(session, f"http://a.test:{origin.port}/", headers=CLOSE)
            assert [event for event in listener.events if event in dns] == expected
            assert {listener.of(event).host for event in expected} == {"a.test"}
        listener.forget()
        await text(session, origin.url())
        assert not dns.intersection(listener.events)
        with pytest.raises(ClientConnectorDNSError):
            await session.get("http://b.test/")
        assert [event for event in listener.events if event in dns] == [MISS, RESOLVE]
        # A failure is not kept.
        names.names["b.test"] = "127.0.0.1"
        assert await text(session, f"http://b.test:{origin.port}/") == "ok"
