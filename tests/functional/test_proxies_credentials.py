"""What is for the proxy goes to the proxy, and nowhere else: to no server, no other user, in no message."""

import gc
import traceback
import warnings
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from pronghorn import BasicAuth, ClientError, ClientSession, ClientTimeout, TCPConnector
from pronghorn.io.policy import PublicAddressesOnly

from ..tls import client_context, server_context
from .listening import text
from .programs import HttpProxy, microsocks, scripted_tls, squid
from .scripted import OK, Scripted, scripted

PASSWORD = "s3cret:p@ss/word"
AUTH = BasicAuth("user", PASSWORD)
#: Each way in which the password might show.
TRACES = (
    "s3cret",
    AUTH.encode().removeprefix("Basic "),
    BasicAuth("user", "s3cret").encode().removeprefix("Basic "),
)
MINE = {"Proxy-Authorization": AUTH.encode()}


def trusting(**options: Any) -> TCPConnector:
    return TCPConnector(ssl=client_context(), **options)


def shows(anything: object) -> bool:
    return any(trace in f"{anything!s} {anything!r}" for trace in TRACES)


@dataclass
class World:
    """A proxy, and a server with TLS and one without."""

    proxy: HttpProxy
    by: Scripted
    plain: Scripted
    secure: Scripted

    @property
    def https(self) -> str:
        return f"https://127.0.0.1:{self.secure.port}/"

    def unseen(self) -> None:
        """No server has been told anything that was for the proxy; both were asked."""
        requests = [*self.plain.requests, *self.secure.requests]
        assert requests
        for request in requests:
            fields = {name.lower(): value for name, value in request.fields.items()}
            assert not [name for name in fields if name.startswith("proxy-")]
            assert "x-way" not in fields
            assert not shows(list(fields.values()))


@asynccontextmanager
async def a_world() -> AsyncIterator[World]:
    proxy = HttpProxy()
    async with (
        scripted(proxy) as by,
        scripted(OK) as plain,
        scripted_tls(server_context()) as secure,
    ):
        yield World(proxy, by, plain, secure)


TOLD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "of the session": ({"proxy_auth": AUTH, "proxy_headers": {"X-Way": "1"}}, {}),
    "of a request": ({}, {"proxy_auth": AUTH, "proxy_headers": {"X-Way": "1"}}),
    "as fields of the session": ({"proxy_headers": {**MINE, "X-Way": "1"}}, {}),
    "as fields of a request": ({}, {"proxy_headers": {**MINE, "X-Way": "1"}}),
    "among the request's own": ({"proxy_headers": {"X-Way": "1"}}, {"headers": MINE}),
}


@pytest.mark.parametrize("how", TOLD)
async def test_https(how: str) -> None:
    of_session, of_request = TOLD[how]
    async with a_world() as world:
        async with ClientSession(connector=trusting(), proxy=world.by.url(), **of_session) as session:
            assert await text(session, world.https, **of_request) == "ok"
        world.unseen()
        assert world.proxy.fields("Proxy-Authorization") == [AUTH.encode()]
        assert world.proxy.fields("X-Way") == ["1"]


@pytest.mark.parametrize("how", TOLD)
async def test_plain_http_in_a_tunnel(how: str) -> None:
    """Under a policy even that is tunnelled: it is the policy's to say which server it is."""
    of_session, of_request = TOLD[how]
    async with a_world() as world:
        policy = PublicAddressesOnly(allow=["127.0.0.1"], proxies=[world.by.url()])
        connector = TCPConnector(policy=policy)
        async with ClientSession(connector=connector, proxy=world.by.url(), **of_session) as session:
            assert await text(session, world.plain.url(), **of_request) == "ok"
        world.unseen()
        assert world.proxy.targets == [f"CONNECT 127.0.0.1:{world.plain.port}"]
        assert world.proxy.fields("Proxy-Authorization") == [AUTH.encode()]


@pytest.mark.parametrize("how", TOLD)
async def test_socks(how: str) -> None:
    """It has no fields, and its credentials are in no message of HTTP."""
    of_session, of_request = TOLD[how]
    with microsocks() as port:
        async with (
            a_world() as world,
            ClientSession(connector=trusting(), proxy=f"socks5://127.0.0.1:{port}", **of_session) as session,
        ):
            for url in (world.plain.url(), world.https):
                assert await text(session, url, **of_request) == "ok"
            world.unseen()


async def test_squid_keeps_it_to_itself() -> None:
    with squid(auth="user:s3cret") as port:
        async with (
            a_world() as world,
            ClientSession(connector=trusting(), proxy=f"http://user:s3cret@127.0.0.1:{port}") as session,
        ):
            for url in (world.plain.url(), world.https):
                assert await text(session, url) == "ok"
            world.unseen()


def environment(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for scheme in ("http", "https", "all", "no", "ws", "wss"):
        monkeypatch.delenv(f"{scheme}_proxy", raising=False)
        monkeypatch.delenv(f"{scheme}_proxy".upper(), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


async def test_hosts_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session has a proxy for all but these."""
    async with a_world() as world:
        by = f"http://user:s3cret@127.0.0.1:{world.by.port}"
        environment(monkeypatch, http_proxy=by, https_proxy=by, no_proxy="127.0.0.1")
        async with ClientSession(connector=trusting(), trust_env=True) as session:
            options: dict[str, Any] = {"proxy_auth": AUTH, "proxy_headers": {"X-Way": "1", **MINE}}
            for url in (world.plain.url(), world.https):
                assert await text(session, url) == "ok"
                assert await text(session, url, **options) == "ok"
        world.unseen()
        assert world.proxy.heads == []


async def test_own_fields_for_hosts_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_world() as world:
        by = f"http://127.0.0.1:{world.by.port}"
        environment(monkeypatch, http_proxy=by, https_proxy=by, no_proxy="127.0.0.1")
        async with ClientSession(connector=trusting(), trust_env=True) as session:
            for url in (world.plain.url(), world.https):
                assert await text(session, url, headers=MINE) == "ok"
        world.unseen()


async def test_fields_of_a_session_in_a_tunnel() -> None:
    async with a_world() as world:
        async with ClientSession(connector=trusting(), headers=MINE, proxy=world.by.url()) as session:
            assert await text(session, world.https) == "ok"
            assert await text(session, "http://origin.test/") == "ok"
        world.unseen()
        assert world.proxy.fields("Proxy-Authorization") == [AUTH.encode()] * 2


async def test_credentials_of_the_server_are_not_the_proxys() -> None:
    async with a_world() as world:
        async with ClientSession(connector=trusting(), proxy=world.by.url()) as session:
            url = f"https://user:s3cret@127.0.0.1:{world.secure.port}/"
            assert await text(session, url) == "ok"
            assert await text(session, "http://user:s3cret@origin.test/") == "ok"
        basic = BasicAuth("user", "s3cret").encode()
        assert [request.fields["Authorization"] for request in world.secure.requests] == [basic]
        # What is forwarded has them, as without a proxy; but not in its target (RFC 9110 section 4.2.4).
        assert world.proxy.fields("Authorization") == [None, basic]
        assert world.proxy.fields("Proxy-Authorization") == [None, None]
        assert world.proxy.targets[1] == "GET http://origin.test/"


# Who shares a connection


async def test_different_credentials_never_share_a_connection() -> None:
    several: list[dict[str, Any]] = [
        {},
        {"proxy_auth": BasicAuth("user", "a")},
        {"proxy_auth": BasicAuth("user", "b")},
        {"proxy_auth": BasicAuth("other", "a")},
        {"proxy_headers": {"Proxy-Authorization": "Bearer a"}},
        {"proxy_headers": {"Proxy-Authorization": "Bearer b"}},
        {"headers": {"Proxy-Authorization": "Bearer c"}},
        {"proxy_headers": {"X-Way": "1"}},
        {"proxy_headers": {"X-Way": "2"}},
    ]
    async with a_world() as world:
        async with ClientSession(connector=trusting(), proxy=world.by.url()) as session:
            for _ in range(2):
                for options in several:
                    assert await text(session, world.https, **options) == "ok"
                    assert await text(session, "http://origin.test/", **options) == "ok"
            by_url = f"http://user:a@127.0.0.1:{world.by.port}"
            assert await text(session, world.https, proxy=by_url) == "ok"
        assert len(world.secure.peers) == len(several)
        assert [len(peer.requests) for peer in world.secure.peers] == [2, 3, *[2] * (len(several) - 2)]
        assert len(world.by.peers) == 2 * len(several)


async def test_different_users_of_a_socks_proxy() -> None:
    with microsocks() as port:
        async with a_world() as world, ClientSession(connector=trusting()) as session:
            for _ in range(2):
                for user in ("", "a:b@", "a:c@"):
                    proxy = f"socks5://{user}127.0.0.1:{port}"
                    assert await text(session, world.plain.url(), proxy=proxy) == "ok"
            assert [len(peer.requests) for peer in world.plain.peers] == [2, 2, 2]


async def test_with_a_proxy_and_without_one() -> None:
    async with a_world() as world, ClientSession(connector=trusting()) as session:
        for _ in range(2):
            for proxy in (None, world.by.url(), world.by.url().replace("127.0.0.1", "localhost")):
                assert await text(session, world.https, proxy=proxy) == "ok"
        assert [len(peer.requests) for peer in world.secure.peers] == [2, 2, 2]


# What is shown


HASTY = ClientTimeout(total=3.0, sock_connect=0.05)
REFUSAL = b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"
FAILING: dict[str, Any] = {
    "refused": HttpProxy(REFUSAL),
    "rubbish": b"rubbish\r\n\r\n",
    "gone": None,
}


@pytest.mark.parametrize("scheme", ["http", "https", "socks4", "socks5", "socks5h"])
@pytest.mark.parametrize("kind", FAILING)
@pytest.mark.parametrize("how", ["auth", "url", "environment"])
async def test_no_message_shows_a_password(
    scheme: str, kind: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quoted = "s3cret%3Ap%40ss%2Fword"
    async with AsyncExitStack() as stack:
        by = await stack.enter_async_context(scripted(FAILING[kind] or OK))
        if kind == "gone":
            await stack.aclose()
        bare = f"{scheme}://127.0.0.1:{by.port}"
        whole = f"{scheme}://user:{quoted}@127.0.0.1:{by.port}"
        environment(monkeypatch, ALL_PROXY=whole)
        ways: dict[str, dict[str, Any]] = {
            "auth": {"proxy": bare, "proxy_auth": AUTH},
            "url": {"proxy": whole},
            "environment": {"trust_env": True},
        }
        connector = trusting()
        async with ClientSession(connector=connector, timeout=HASTY, **ways[how]) as session:
            for url in ("http://origin.test/", "https://127.0.0.1:1/"):
                with pytest.raises(ClientError) as caught:
                    await session.get(url)
                error = caught.value
                assert not shows(error)
                assert not shows("".join(traceback.format_exception(error)))
                for thing in (connector, session, session._proxy, connector.stats()):
                    assert not shows(thing)


async def test_no_repr_shows_a_password() -> None:
    async with a_world() as world:
        connector = trusting()
        session = ClientSession(connector=connector, proxy=world.by.url(), proxy_auth=AUTH)
        async with session.get(world.https) as response:
            for thing in (response, session, connector, connector.stats(), connector._pool, session._proxy):
                assert not shows(thing)
            for connection in connector._connections:
                assert not shows(connection)
                assert not shows(connection.address)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            forgotten = await session.get(world.https)
            del forgotten, response
            gc.collect()
        assert not shows([str(warning.message) for warning in told])
        await session.close()


@pytest.mark.parametrize(
    "value", ["http://user:s3cret@", "htt p://user:s3cret@x/", "http://user:s3cret@[::1/", "s3cret"]
)
async def test_a_proxy_that_is_none(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="proxy: expected") as caught:
        ClientSession(proxy=value)
    assert not shows("".join(traceback.format_exception(caught.value)))
    environment(monkeypatch, HTTP_PROXY=value + "/x?y")
    async with ClientSession(trust_env=True) as session:
        with pytest.raises(ValueError, match="HTTP_PROXY: expected") as caught:
            await session.get("http://127.0.0.1:1/")
    assert not shows("".join(traceback.format_exception(caught.value)))
