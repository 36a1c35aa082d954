"""What a TCPConnector does to connect: whom it asks, what it tries, and what it says when that fails."""

import asyncio
import errno
import socket
from collections.abc import Sequence
from typing import Any

import pytest

from pronghorn import (
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientSession,
    ClientTimeout,
    Fingerprint,
    ServerFingerprintMismatch,
    TCPConnector,
)
from pronghorn.abc import AbstractResolver
from pronghorn.client.errors import ClientConnectorSSLError
from pronghorn.client.outgoing import ClientRequest, make_request
from pronghorn.client.protocol import ResponseHandler
from pronghorn.client.target import as_url
from pronghorn.client.tracing import Trace, TraceConfig
from pronghorn.io.dial import Progress
from pronghorn.io.resolver import AddressInfo, ResolveResult

from ..functional.listening import text
from ..functional.programs import scripted_tls
from ..functional.scripted import OK, Peer, Scripted, scripted, until
from ..io.loopback import Sockets, free_port, has_ipv6, infos
from ..io.socks_server import SocksServer
from ..tls import certificate, client_context, digest, server_context

FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


class Book(AbstractResolver):
    """Knows the addresses of every host, and keeps what it was asked."""

    def __init__(self, *addresses: str, ports: Sequence[int] = ()) -> None:
        self.addresses = addresses
        self.ports = ports
        self.asked: list[tuple[str, int, int]] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append((host, port, family))
        ports = self.ports or [port] * len(self.addresses)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=own,
                family=FAMILIES[6 if ":" in address else 4],
                proto=0,
                flags=0,
            )
            for address, own in zip(self.addresses, ports, strict=True)
        ]

    async def close(self) -> None:
        pass


def request(url: str) -> ClientRequest:
    return make_request("GET", as_url(url), (), None, None)


async def get(connector: TCPConnector, url: str, **options: Any) -> str:
    async with ClientSession(connector=connector) as session:
        return await text(session, url, **options)


# Addresses


@pytest.mark.parametrize("family", [socket.AF_UNSPEC, socket.AF_INET, socket.AF_INET6])
async def test_the_resolver_is_asked_for_a_family(family: int) -> None:
    book = Book("127.0.0.1", "::1")
    async with scripted(OK) as server:
        connector = TCPConnector(resolver=book, family=family)
        try:
            await get(connector, f"http://host.test:{server.port}/")
        except ClientConnectorError:
            assert family == socket.AF_INET6, "nobody listens there"
        assert book.asked == [("host.test", server.port, family)]


@pytest.mark.parametrize("version", [4, *([6] if has_ipv6() else [])])
async def test_an_address_is_connected_to_without_asking(version: int) -> None:
    book = Book()
    host = "127.0.0.1" if version == 4 else "::1"
    sock = socket.create_server((host, 0), family=FAMILIES[version])
    async with scripted(OK, sock=sock) as server:
        url = f"http://{host if version == 4 else f'[{host}]'}:{server.port}/"
        assert await get(TCPConnector(resolver=book), url) == "ok"
        assert server.peers[0].writer.get_extra_info("sockname")[0] == host
    assert book.asked == []


@pytest.mark.skipif(not has_ipv6(), reason="there is no IPv6")
async def test_an_address_of_another_family_than_asked_for() -> None:
    with pytest.raises(ClientConnectorDNSError, match="another family") as caught:
        await get(TCPConnector(family=socket.AF_INET), "http://[::1]:1/")
    assert caught.value.phase == "dns"


async def test_every_address_is_tried() -> None:
    async with scripted(OK) as server:
        book = Book(*["127.0.0.1"] * 3, ports=[free_port(), free_port(), server.port])
        assert await get(TCPConnector(resolver=book), "http://host.test/") == "ok"


async def test_a_resolver_may_give_another_port() -> None:
    async with scripted(OK) as server:
        book = Book("127.0.0.1", ports=[server.port])
        assert await get(TCPConnector(resolver=book), "http://host.test/") == "ok"
        assert server.requests[0].fields["Host"] == "host.test"


async def test_what_is_known_can_be_looked_at_and_forgotten() -> None:
    book = Book("127.0.0.1")
    connector = TCPConnector(resolver=book, force_close=True)
    async with scripted(OK) as server, ClientSession(connector=connector) as session:
        url = f"http://host.test:{server.port}/"
        for _ in range(2):
            await text(session, url)
        assert len(book.asked) == 1
        ((key, found),) = connector.cached_hosts.items()
        assert key == ("host.test", server.port)
        assert [(one["host"], one["port"]) for one in found] == [("127.0.0.1", server.port)]
        connector.clear_dns_cache("other.test", server.port)
        assert len(connector.cached_hosts) == 1
        connector.clear_dns_cache("host.test", server.port)
        assert len(connector.cached_hosts) == 0
        await text(session, url)
        assert len(book.asked) == 2


# Sockets


async def test_a_socket_of_ours_is_bound() -> None:
    own = free_port()
    async with scripted(OK) as server:
        assert await get(TCPConnector(local_addr=("127.0.0.1", own)), server.url()) == "ok"
        assert server.peers[0].writer.get_extra_info("peername") == ("127.0.0.1", own)


async def test_an_address_that_is_not_ours() -> None:
    async with scripted(OK) as server:
        with pytest.raises(ClientConnectorError, match=r"192\.0\.2\.1") as caught:
            await get(TCPConnector(local_addr=("192.0.2.1", 0)), server.url())
        assert caught.value.errno == errno.EADDRNOTAVAIL


async def test_sockets_are_made_by_the_factory() -> None:
    sockets = Sockets()
    async with scripted(OK) as server:
        assert await get(TCPConnector(socket_factory=sockets), server.url()) == "ok"
        assert [info[4] for info in sockets.asked] == [("127.0.0.1", server.port)]
    await until(lambda: not sockets.open)


async def unreachable(sock: socket.socket, address: Any) -> None:
    raise OSError(errno.EHOSTUNREACH, "unreachable")


@pytest.mark.parametrize(
    ("options", "order"),
    [
        ({}, ["192.0.2.1", "2001:db8::1", "192.0.2.2", "2001:db8::2"]),
        ({"happy_eyeballs_delay": None}, ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"]),
        ({"interleave": 2}, ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"]),
    ],
)
async def test_families_are_raced(
    options: dict[str, Any], order: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", unreachable)
    sockets = Sockets()
    book = Book("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2")
    with pytest.raises(ClientConnectorError, match="unreachable") as caught:
        await get(TCPConnector(resolver=book, socket_factory=sockets, **options), "http://host.test/")
    assert [info[4][0] for info in sockets.asked] == order
    assert caught.value.peer == "192.0.2.1:80, 192.0.2.2:80, [2001:db8::1]:80, [2001:db8::2]:80"


# Failures


async def test_where_it_failed_is_told() -> None:
    port = free_port()
    async with TCPConnector(limit=1) as connector:
        for _ in range(2):  # its place was freed
            with pytest.raises(ClientConnectorError) as caught:
                await connector.connect(request(f"http://127.0.0.1:{port}/"))
            error = caught.value
            assert type(error) is ClientConnectorError
            assert isinstance(error.os_error, ConnectionRefusedError)
            assert (error.host, error.port, error.phase) == ("127.0.0.1", port, "connect")
            assert error.__cause__ is error.os_error


async def test_a_name_that_has_no_address() -> None:
    class Empty(Book):
        async def resolve(self, *arguments: Any, **options: Any) -> list[ResolveResult]:
            raise OSError(None, "nobody knows")

    async with TCPConnector(resolver=Empty()) as connector:
        with pytest.raises(ClientConnectorDNSError) as caught:
            await connector.connect(request("http://host.test/"))
        assert str(caught.value) == "Cannot connect to host host.test:80 ssl:default [nobody knows] (dns)"


async def test_what_a_resolver_raises_besides_passes() -> None:
    class Broken(Book):
        async def resolve(self, *arguments: Any, **options: Any) -> list[ResolveResult]:
            raise LookupError("mine")

    async with TCPConnector(resolver=Broken(), limit=1) as connector:
        with pytest.raises(LookupError, match="mine"):
            await connector.connect(request("http://host.test/"))
        assert connector._pool.open_count == 0


@pytest.mark.parametrize("kind", [OSError, TimeoutError, LookupError])
@pytest.mark.parametrize("event", ["dns_cache_miss", "dns_resolvehost_start", "dns_resolvehost_end"])
async def test_what_a_trace_raises_is_no_failure_of_the_resolver(event: str, kind: type[Exception]) -> None:
    error = kind("mine")

    async def fail(*_: object) -> None:
        raise error

    config = TraceConfig()
    getattr(config, f"on_{event}").append(fail)
    async with TCPConnector(resolver=Book("127.0.0.1"), limit=1) as connector:
        with pytest.raises(kind) as caught:
            await connector.connect(request("http://host.test/"), [Trace(None, config, None)])
        assert caught.value is error
        assert connector._pool.open_count == 0


async def test_fingerprints_are_compared_before_anything_is_sent() -> None:
    async with scripted_tls(server_context()) as server:
        url = f"https://localhost:{server.port}/"
        with pytest.raises(ServerFingerprintMismatch) as caught:
            await get(TCPConnector(ssl=Fingerprint(bytes(32))), url)
        assert caught.value.got == digest(certificate())
        assert not server.requests
        assert await get(TCPConnector(ssl=Fingerprint(digest(certificate()))), url) == "ok"


# The seam: `_wrap_create_connection`


class Leading(TCPConnector):
    """Connects to a port of this machine, whatever it is told; keeps what that was."""

    def __init__(self, port: int, **options: Any) -> None:
        super().__init__(resolver=Book("192.0.2.1"), **options)
        self.port = port
        self.told: list[dict[str, Any]] = []

    async def _wrap_create_connection(
        self, protocol_factory: Any, *, addr_infos: Sequence[AddressInfo], **options: Any
    ) -> tuple[asyncio.Transport, ResponseHandler]:
        self.told.append({"addr_infos": addr_infos, **options})
        return await asyncio.get_running_loop().create_connection(
            protocol_factory,
            "127.0.0.1",
            self.port,
            ssl=options["ssl"],
            server_hostname=options["server_hostname"],
        )


async def seam_used(connector: Leading, server: Scripted, scheme: str) -> dict[str, Any]:
    assert await get(connector, f"{scheme}://localhost/") == "ok"
    assert server.requests[0].fields["Host"] == "localhost"
    (told,) = connector.told
    assert set(told) >= {"addr_infos", "req", "timeout", "ssl", "server_hostname"}
    assert [info[4][:2] for info in told["addr_infos"]] == [("192.0.2.1", 443 if scheme == "https" else 80)]
    assert str(told["req"].url) == f"{scheme}://localhost/"
    assert told["timeout"].sock_connect == 30
    return told


async def test_who_dials_in_his_own_way() -> None:
    async with scripted(OK) as server:
        told = await seam_used(Leading(server.port), server, "http")
        assert (told["ssl"], told["server_hostname"]) == (None, None)


async def test_who_speaks_tls_in_his_own_way() -> None:
    context = client_context()
    async with scripted_tls(server_context()) as server:
        told = await seam_used(Leading(server.port, ssl=context), server, "https")
        assert (told["ssl"], told["server_hostname"]) == (context, "localhost")


async def test_a_fingerprint_counts_there_too() -> None:
    async with scripted_tls(server_context()) as server:
        with pytest.raises(ServerFingerprintMismatch):
            await get(Leading(server.port, ssl=Fingerprint(bytes(32))), "https://localhost/")
        await seam_used(Leading(server.port, ssl=Fingerprint(digest(certificate()))), server, "https")


async def rude(peer: Peer) -> None:
    await peer.reader.read(1)
    await peer.send(b"HTTP/1.0 400 No\r\n\r\n")


async def test_errors_of_ones_own_kind() -> None:
    class Mine(ClientConnectorError):
        pass

    async def connect(port: int, **options: Any) -> None:
        await connector._wrap_create_connection(
            connector._factory,
            addr_infos=infos(("127.0.0.1", port)),
            req=asked,
            timeout=ClientTimeout(),
            client_error=Mine,
            **options,
        )

    asked = request("https://127.0.0.1/")
    asked.progress = Progress()
    async with TCPConnector() as connector, scripted(rude) as server:
        with pytest.raises(Mine):
            await connect(free_port())
        with pytest.raises(ClientConnectorSSLError):  # the documented ones stay
            await connect(server.port, ssl=client_context(), server_hostname="localhost")


async def test_sockets_to_a_socks_proxy_are_made_as_others_are() -> None:
    sockets = Sockets()
    own = free_port()
    async with scripted(OK) as server, scripted(SocksServer()) as proxy:
        connector = TCPConnector(local_addr=("127.0.0.1", own), socket_factory=sockets)
        by = f"socks5h://127.0.0.1:{proxy.port}"
        assert await get(connector, f"http://host.test:{server.port}/", proxy=by) == "ok"
        assert [info[4] for info in sockets.asked] == [("127.0.0.1", proxy.port)]
        assert proxy.peers[0].writer.get_extra_info("peername") == ("127.0.0.1", own)
