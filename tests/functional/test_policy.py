"""A connector with a policy: what is connected to is what was checked, however it was written or named."""

import asyncio
import errno
import socket
from collections.abc import Sequence
from typing import Any

import pytest
from yarl import URL

from pronghorn import (
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientConnectorPolicyError,
    ClientSession,
    TCPConnector,
    UnixConnector,
)
from pronghorn.io.policy import AddressPolicy, PolicyError, PublicAddressesOnly

from ..copies import COPIES
from ..tls import client_context, server_context
from .listening import text
from .programs import (
    HttpProxy,
    Names,
    Socks4Proxy,
    leaving_nothing,
    microsocks,
    scripted_at,
    scripted_tls,
    squid,
)
from .scripted import OK, Peer, Scripted, scripted, until

CLOSE = {"Connection": "close"}


def guarded(names: dict[str, str | list[str]] | None = None, **options: Any) -> TCPConnector:
    """A connector that looks every name up anew; ``options`` are the policy's."""
    return TCPConnector(
        policy=PublicAddressesOnly(**options),
        ssl=client_context(),
        resolver=None if names is None else Names(names),
        use_dns_cache=False,
    )


# Spellings


LOOPBACK = [
    "127.0.0.1",
    "2130706433",
    "0x7f.1",
    "0x7f000001",
    "017700000001",
    "0177.0.0.1",
    "127.1",
    "127.0.1",
    "0",
    "0.0.0.0",
    "127.255.255.254",
    "localhost",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:7f00:0001]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460",
    "127\u30020\u30020\u30021",
    "\uff11\uff12\uff17.0.0.1",
]
PRIVATE = [
    "10.0.0.1",
    "0xa.1",
    "172.16.0.1",
    "192.168.0.1",
    "3232235521",
    "100.64.0.1",
    "169.254.1.1",
    "169.254.169.254",
    "2852039166",
    "0xa9.0xfe.0xa9.0xfe",
    "[::ffff:169.254.169.254]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[fc00::1]",
    "224.0.0.1",
    "255.255.255.255",
    "[ff02::1]",
]


@pytest.mark.parametrize("host", [*LOOPBACK, *PRIVATE], ids=ascii)
async def test_spellings(host: str) -> None:
    """By the system's resolver, which knows most of them."""
    ours = guarded()
    async with ClientSession(connector=ours) as session, leaving_nothing(), scripted(OK) as server:
        for scheme in ("http", "https"):
            url = URL(f"{scheme}://{host}:{server.port}/")
            with pytest.raises(ClientConnectorPolicyError) as caught:
                await session.get(url)
            error = caught.value
            assert (error.host, error.port) == (url.raw_host, server.port)
            assert error.peer
            assert error.phase == "dns"
        assert not server.peers
        assert ours.stats().created == 0


@pytest.mark.parametrize(
    "name", ["127.0.0.1.", "2130706433.", "localhost.", "LOCALHOST", "a.test", "b\u00fccher.test"]
)
async def test_names(name: str) -> None:
    """Whatever they look like: it is the address that counts."""
    url = URL.build(scheme="http", host=name, port=80)
    names = Names({url.raw_host or "": "127.0.0.1"})
    ours = TCPConnector(policy=PublicAddressesOnly(), resolver=names)
    async with ClientSession(connector=ours) as session, leaving_nothing(), scripted(OK) as server:
        with pytest.raises(ClientConnectorPolicyError):
            await session.get(url.with_port(server.port))
        assert not server.peers
    assert names.asked == [url.raw_host]


async def test_the_error_says_why() -> None:
    ours = guarded({"a.test": "10.1.2.3"})
    async with ClientSession(connector=ours) as session, leaving_nothing():
        with pytest.raises(ClientConnectorPolicyError) as caught:
            await session.get("http://a.test:81/")
    error = caught.value
    why = "a.test port 81, address 10.1.2.3: 10.0.0.0/8 is private (RFC 1918)"
    assert str(error) == f"Cannot connect to host a.test:81 ssl:default [{why}] (dns, 10.1.2.3)"
    assert isinstance(error, ClientConnectorError)
    assert isinstance(error.os_error, PolicyError)
    assert error.os_error.reason == "10.0.0.0/8 is private (RFC 1918)"
    assert error.errno == errno.EACCES
    for copied in (copy(error) for copy in COPIES.values()):
        assert type(copied) is ClientConnectorPolicyError
        assert str(copied) == str(error)
        assert copied.os_error.args == error.os_error.args


async def test_a_metadata_service_says_whose_it_is() -> None:
    async with ClientSession(connector=guarded()) as session:
        with pytest.raises(ClientConnectorPolicyError, match=r"169\.254\.169\.254 is cloud metadata \(AWS"):
            await session.get("http://169.254.169.254/latest/meta-data/")


# What is let through


async def test_allow() -> None:
    async with scripted(OK) as server:
        for allowed in ("127.0.0.1", "127.0.0.0/8"):
            async with ClientSession(connector=guarded(allow=[allowed])) as session:
                for host in ("127.0.0.1", "2130706433", "127.1", "[::ffff:127.0.0.1]"):
                    assert await text(session, f"http://{host}:{server.port}/") == "ok"
                with pytest.raises(ClientConnectorPolicyError):
                    await session.get("http://10.0.0.1/")


async def test_ports() -> None:
    async with scripted(OK) as right, scripted(OK) as wrong:
        ours = guarded(allow=["127.0.0.1"], ports=[right.port])
        async with ClientSession(connector=ours) as session:
            assert await text(session, right.url()) == "ok"
            with pytest.raises(ClientConnectorPolicyError, match=f"the port is none of {right.port}"):
                await session.get(wrong.url())
        assert not wrong.peers


async def test_by_tls() -> None:
    ours = guarded({"a.test": "127.0.0.1"}, allow=["127.0.0.1"])
    async with scripted_tls(server_context("a.test")) as server, ClientSession(connector=ours) as session:
        assert await text(session, f"https://a.test:{server.port}/") == "ok"
        assert server.requests[0].fields["Host"] == f"a.test:{server.port}"


# What is connected to is what was checked


async def test_a_name_that_changes_its_mind() -> None:
    """DNS rebinding: an address that is allowed, and then one that is not."""
    ours = guarded({}, allow=["127.0.0.1"])
    names = ours._resolver
    assert isinstance(names, Names)
    async with (
        scripted_at("127.0.0.1", "127.0.0.2") as (public, private),
        ClientSession(connector=ours) as session,
    ):
        url = f"http://a.test:{public.port}/"
        answers = ["127.0.0.1", "127.0.0.2"] * 3
        for answer in answers:
            names.names["a.test"] = answer
            if answer == "127.0.0.1":
                assert await text(session, url, headers=CLOSE) == "ok"
            else:
                with pytest.raises(ClientConnectorPolicyError):
                    await session.get(url)
        # Each was asked for once for each connection: none was made by another look-up than was checked.
        assert names.asked == ["a.test"] * len(answers)
        assert len(public.peers) == 3
        assert not private.peers


async def test_a_name_that_changes_its_mind_under_an_answer_that_is_kept() -> None:
    names = Names({"a.test": "127.0.0.1"})
    ours = TCPConnector(policy=PublicAddressesOnly(allow=["127.0.0.1"]), resolver=names)
    async with (
        scripted_at("127.0.0.1", "127.0.0.2") as (public, private),
        ClientSession(connector=ours) as session,
    ):
        url = f"http://a.test:{public.port}/"
        assert await text(session, url, headers=CLOSE) == "ok"
        names.names["a.test"] = "127.0.0.2"
        assert await text(session, url, headers=CLOSE) == "ok"
        ours.clear_dns_cache()
        with pytest.raises(ClientConnectorPolicyError):
            await session.get(url)
        assert len(public.peers) == 2
        assert not private.peers


@pytest.mark.parametrize("order", [("127.0.0.1", "127.0.0.2"), ("127.0.0.2", "127.0.0.1")])
async def test_answers_of_both_kinds(order: Sequence[str]) -> None:
    """Those that may not be connected to are as if they were not there."""
    ours = guarded({"a.test": [*order, "::1", "10.0.0.1"]}, allow=["127.0.0.1"])
    async with (
        scripted_at("127.0.0.1", "127.0.0.2") as (public, private),
        ClientSession(connector=ours) as session,
    ):
        for _ in range(4):
            assert await text(session, f"http://a.test:{public.port}/", headers=CLOSE) == "ok"
        assert len(public.peers) == 4
        assert not private.peers


async def test_an_allowed_address_that_is_dead() -> None:
    """Is no reason to try one that is not allowed."""
    ours = guarded({"a.test": ["127.0.0.3", "127.0.0.2"]}, allow=["127.0.0.3"])
    async with (
        ClientSession(connector=ours) as session,
        leaving_nothing(),
        scripted_at("127.0.0.2") as (private,),
    ):
        with pytest.raises(ClientConnectorError) as caught:
            await session.get(f"http://a.test:{private.port}/")
        assert not private.peers
    assert not isinstance(caught.value, ClientConnectorPolicyError)
    assert caught.value.peer == f"127.0.0.3:{private.port}"


async def test_an_address_that_leads_to_another() -> None:
    """To the kernel 0.0.0.0 is 127.0.0.1: it is asked what was connected to, before anything is sent."""
    async with (
        ClientSession(connector=guarded(allow=["0.0.0.0"])) as session,
        leaving_nothing(),
        scripted(OK) as server,
    ):
        with pytest.raises(ClientConnectorPolicyError) as caught:
            await session.get(f"http://0.0.0.0:{server.port}/")
        assert (caught.value.phase, caught.value.peer) == ("connect", f"127.0.0.1:{server.port}")
        await until(lambda: server.peers and server.peers[0].has_left)
        assert not server.requests


@pytest.mark.parametrize(
    "host", ["127.0.0.2", "2130706434", "0x7f.2", "[::ffff:127.0.0.2]", "a.test", "10.0.0.1"]
)
async def test_redirects(host: str) -> None:
    """Each hop is a connection like any other."""
    redirects = 0

    async def redirect(peer: Peer) -> None:
        nonlocal redirects
        while True:
            await peer.request()
            redirects += 1
            # One that is allowed, and then one that is not.
            where = "public.test" if redirects % 2 else host
            location = b"http://%b:%d/" % (where.encode(), public.port)
            await peer.send(b"HTTP/1.1 302 Found\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % location)

    # How the system reads the spellings.
    names = {
        "a.test": "127.0.0.2",
        "public.test": "127.0.0.1",
        "2130706434": "127.0.0.2",
        "0x7f.2": "127.0.0.2",
    }
    ours = TCPConnector(policy=PublicAddressesOnly(allow=["127.0.0.1"]), resolver=Names(names))
    async with ClientSession(connector=ours) as session, leaving_nothing(), scripted(redirect) as public:
        with socket.create_server(("127.0.0.2", public.port)) as private:
            private.setblocking(False)
            with pytest.raises(ClientConnectorPolicyError) as caught:
                await session.get(public.url())
            with pytest.raises(BlockingIOError):
                private.accept()
        assert caught.value.host == URL(f"http://{host}").host
        assert redirects == 2
        await ours.close()


class Moody(AddressPolicy):
    """A policy of a user's own."""

    def __init__(self, verdicts: Sequence[Exception | None]) -> None:
        self.verdicts = list(verdicts)
        self.asked: list[tuple[str, str, int]] = []

    def check(self, host: str, address: str, port: int) -> None:
        self.asked.append((host, address, port))
        verdict = self.verdicts.pop(0) if self.verdicts else None
        if verdict is not None:
            raise verdict


async def test_a_policy_of_ones_own() -> None:
    policy = Moody([])
    ours = TCPConnector(policy=policy, resolver=Names({"a.test": "127.0.0.1"}))
    async with scripted(OK) as server, ClientSession(connector=ours) as session:
        assert ours.policy is policy
        assert await text(session, f"http://a.test:{server.port}/") == "ok"
        assert set(policy.asked) == {("a.test", "127.0.0.1", server.port)}
        # It allows no proxy, unless it says so.
        with pytest.raises(ClientConnectorPolicyError):
            await session.get(server.url(), proxy=server.url())


@pytest.mark.parametrize("step", [0, 1])
@pytest.mark.parametrize("verdict", [PolicyError("a.test", "127.0.0.1", 1, "why not"), KeyError("a bug")])
async def test_a_policy_that_says_no_or_fails(verdict: Exception, step: int) -> None:
    """Before connecting, and when connected."""
    ours = TCPConnector(policy=Moody([None] * step + [verdict]), resolver=Names({"a.test": "127.0.0.1"}))
    async with ClientSession(connector=ours) as session, leaving_nothing(), scripted(OK) as server:
        with pytest.raises((ClientConnectorPolicyError, KeyError)) as caught:
            await session.get(f"http://a.test:{server.port}/")
        await until(lambda: len(server.peers) == step and all(peer.has_left for peer in server.peers))
        assert not server.requests
        assert ours.stats().in_use == 0
    assert isinstance(caught.value, KeyError) == isinstance(verdict, KeyError)


@pytest.mark.parametrize("policy", [True, "public", PublicAddressesOnly])
def test_what_is_no_policy(policy: Any) -> None:
    with pytest.raises(TypeError, match="policy: expected an AddressPolicy"):
        TCPConnector(policy=policy)


async def test_a_unix_socket_has_no_address(tmp_path: Any) -> None:
    path = str(tmp_path / "socket")
    server = Scripted((OK,))
    listener = await asyncio.start_unix_server(server.serve, path)
    async with ClientSession(connector=UnixConnector(path)) as session:
        try:
            assert await text(session, "http://127.0.0.1/") == "ok"
        finally:
            listener.close()
            await server.stop()


# Proxies


@pytest.mark.parametrize("scheme", ["http", "https", "socks4", "socks5h"])
async def test_a_proxy_that_is_not_named(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with scripted(OK) as server:
        proxy = f"{scheme}://user:s3cret@127.0.0.1:{server.port}"
        monkeypatch.setenv("all_proxy", proxy)
        monkeypatch.delenv("no_proxy", raising=False)
        ways: list[tuple[dict[str, Any], dict[str, Any]]] = [
            ({"proxy": proxy}, {}),
            ({}, {"proxy": proxy}),
            ({"trust_env": True}, {}),
        ]
        for of_session, of_request in ways:
            ours = guarded(allow=["127.0.0.1"], proxies=["http://127.0.0.1:1", "http://other.test:3128"])
            async with ClientSession(connector=ours, **of_session) as session, leaving_nothing():
                for url in ("http://a.test/", "https://a.test/"):
                    with pytest.raises(ClientConnectorPolicyError) as caught:
                        await session.get(url, **of_request)
                    assert caught.value.host == "a.test"
                    assert caught.value.phase == "proxy"
                    assert f"it does not name {scheme}://127.0.0.1:{server.port}" in str(caught.value)
                    assert "s3cret" not in str(caught.value)
        assert not server.peers


async def test_a_named_proxy_is_asked_for_an_address() -> None:
    """Host, SNI and certificate stay those of the name."""
    seen: list[str | None] = []
    context = server_context("origin.test")
    context.sni_callback = lambda _object, name, _context: seen.append(name)
    proxy = HttpProxy()
    async with scripted_tls(context) as secure, scripted(OK) as plain, scripted(proxy) as by:
        names: dict[str, str | list[str]] = {"origin.test": "127.0.0.1", "proxy.test": "127.0.0.1"}
        by_name = f"http://proxy.test:{by.port}"
        ours = guarded(names, allow=["127.0.0.1"], proxies=[by_name])
        async with ClientSession(connector=ours, proxy=f"http://user:s3cret@proxy.test:{by.port}") as session:
            for _ in range(2):
                assert await text(session, f"https://origin.test:{secure.port}/") == "ok"
                assert await text(session, f"http://origin.test:{plain.port}/path") == "ok"
    context.sni_callback = None
    assert seen == ["origin.test"]
    assert proxy.targets == [f"CONNECT 127.0.0.1:{secure.port}", f"CONNECT 127.0.0.1:{plain.port}"]
    assert proxy.fields("Host") == [f"127.0.0.1:{secure.port}", f"127.0.0.1:{plain.port}"]
    assert [request.fields["Host"] for request in secure.requests] == [f"origin.test:{secure.port}"] * 2
    assert [request.target for request in plain.requests] == ["/path"] * 2
    assert [request.fields["Host"] for request in plain.requests] == [f"origin.test:{plain.port}"] * 2


async def test_a_named_proxy_is_asked_for_nothing_that_is_not_allowed() -> None:
    """Wherever it is itself: it was named."""
    proxy = HttpProxy()
    async with scripted(proxy) as by:
        names: dict[str, str | list[str]] = {"a.test": "10.0.0.1", "six.test": ["::1", "fd00::1"]}
        ours = guarded(names, proxies=[by.url()])
        async with ClientSession(connector=ours, proxy=by.url()) as session, leaving_nothing():
            for url in ("http://a.test/", "https://a.test/", "http://127.0.0.1/", "https://six.test:444/"):
                with pytest.raises(ClientConnectorPolicyError) as caught:
                    await session.get(url)
                assert (caught.value.host, caught.value.port) == (URL(url).host, URL(url).port)
            with pytest.raises(ClientConnectorDNSError):
                await session.get("http://unknown.test/")
        assert proxy.heads == []


async def test_a_named_proxy_is_asked_for_the_one_that_is_allowed() -> None:
    proxy = HttpProxy()
    async with scripted(OK) as plain, scripted(proxy) as by:
        names: dict[str, str | list[str]] = {"a.test": ["10.0.0.1", "127.0.0.1", "::1"]}
        ours = guarded(names, allow=["127.0.0.1"], proxies=[by.url()])
        async with ClientSession(connector=ours, proxy=by.url()) as session:
            for _ in range(3):
                assert await text(session, f"http://a.test:{plain.port}/", headers=CLOSE) == "ok"
    assert proxy.targets == [f"CONNECT 127.0.0.1:{plain.port}"] * 3


async def test_a_named_proxy_is_asked_for_an_address_of_ipv6_in_brackets() -> None:
    proxy = HttpProxy(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
    async with scripted(proxy) as by:
        ours = guarded({"a.test": "2606:4700::1"}, proxies=[by.url()])
        async with ClientSession(connector=ours, proxy=by.url()) as session:
            with pytest.raises(Exception, match="403"):
                await session.get("https://a.test/")
    assert proxy.targets == ["CONNECT [2606:4700::1]:443"]


async def test_named_socks_proxies_are_told_addresses() -> None:
    four = Socks4Proxy()
    names: dict[str, str | list[str]] = {"localhost": "127.0.0.1", "a.test": "10.0.0.1"}
    with microsocks() as port:
        async with scripted(OK) as plain, scripted(four) as by:
            proxies = [f"socks4a://127.0.0.1:{by.port}", f"socks5h://127.0.0.1:{port}"]
            ours = guarded(names, allow=["127.0.0.1"], proxies=proxies)
            async with ClientSession(connector=ours) as session:
                for proxy in proxies:
                    assert await text(session, f"http://localhost:{plain.port}/", proxy=proxy) == "ok"
                    with pytest.raises(ClientConnectorPolicyError):
                        await session.get("http://a.test/", proxy=proxy)
    assert four.asked == [("4", "127.0.0.1", plain.port, b"")]


async def test_a_real_proxy() -> None:
    with squid() as port:
        by = f"http://127.0.0.1:{port}"
        names: dict[str, str | list[str]] = {"origin.test": "127.0.0.1", "a.test": "10.0.0.1"}
        ours = guarded(names, allow=["127.0.0.1"], proxies=[by])
        async with (
            scripted_tls(server_context("origin.test")) as secure,
            scripted(OK) as plain,
            ClientSession(connector=ours, proxy=by) as session,
        ):
            # To squid these names are nobody's.
            assert await text(session, f"https://origin.test:{secure.port}/") == "ok"
            assert await text(session, f"http://origin.test:{plain.port}/") == "ok"
            assert "Via" not in plain.requests[0].fields
            with pytest.raises(ClientConnectorPolicyError):
                await session.get("http://a.test/")
