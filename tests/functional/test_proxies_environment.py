"""`trust_env`: the proxies that the environment names, and a session that goes by them, or past them."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from pronghorn import BasicAuth, ClientProxyConnectionError, ClientSession, TCPConnector, UnixConnector

from ..tls import client_context, server_context
from .listening import text
from .programs import HttpProxy, Names, Socks4Proxy, leaving_nothing, scripted_tls
from .scripted import OK, Scripted, scripted

CLOSE = {"Connection": "close"}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name == "REQUEST_METHOD":
            monkeypatch.delenv(name)


@dataclass
class Ways:
    """Two proxies, and a server of either scheme. In variables, ONE and OTHER are the proxies' ports."""

    one: Scripted
    other: Scripted
    plain: Scripted
    secure: Scripted
    environment: pytest.MonkeyPatch

    def put(self, variables: dict[str, str]) -> None:
        for name, value in variables.items():
            value = value.replace("OTHER", str(self.other.port)).replace("ONE", str(self.one.port))
            value = value.replace("PLAIN", str(self.plain.port))
            self.environment.setenv(name, value)

    async def taken(
        self, session: ClientSession, scheme: str, host: str = "127.0.0.1", **options: Any
    ) -> str:
        """The way that a request takes: "one", "other" or "direct"."""
        port = self.plain.port if scheme == "http" else self.secure.port
        before = [len(self.one.peers), len(self.other.peers)]
        assert await text(session, f"{scheme}://{host}:{port}/", headers=CLOSE, **options) == "ok"
        after = [len(self.one.peers), len(self.other.peers)]
        more = [now - then for now, then in zip(after, before, strict=True)]
        return {(1, 0): "one", (0, 1): "other", (0, 0): "direct"}[more[0], more[1]]


@asynccontextmanager
async def ways(environment: pytest.MonkeyPatch) -> AsyncIterator[Ways]:
    async with (
        leaving_nothing(),
        scripted(HttpProxy()) as one,
        scripted(HttpProxy()) as other,
        scripted(OK) as plain,
        scripted_tls(server_context("127.0.0.1", "a.test", "below.a.test")) as secure,
    ):
        yield Ways(one, other, plain, secure, environment)


def session(**options: Any) -> ClientSession:
    resolver = Names(dict.fromkeys(("a.test", "below.a.test"), "127.0.0.1"))
    connector = TCPConnector(ssl=client_context(), resolver=resolver)
    return ClientSession(connector=connector, **{"trust_env": True, **options})


ONE, OTHER = "http://127.0.0.1:ONE", "http://127.0.0.1:OTHER"
#: Variables, and the ways of a request by http and of one by https.
VARIABLES: list[tuple[dict[str, str], str, str]] = [
    ({}, "direct", "direct"),
    ({"http_proxy": ONE}, "one", "direct"),
    ({"HTTP_PROXY": ONE}, "one", "direct"),
    ({"https_proxy": ONE}, "direct", "one"),
    ({"HTTPS_PROXY": ONE}, "direct", "one"),
    ({"all_proxy": ONE}, "one", "one"),
    ({"ALL_PROXY": ONE}, "one", "one"),
    ({"http_proxy": ONE, "https_proxy": OTHER}, "one", "other"),
    ({"all_proxy": OTHER, "http_proxy": ONE}, "one", "other"),
    ({"http_proxy": ONE, "HTTP_PROXY": OTHER}, "one", "direct"),
    ({"https_proxy": "", "HTTPS_PROXY": OTHER}, "direct", "direct"),
    ({"http_proxy": "127.0.0.1:ONE"}, "one", "direct"),
    ({"ws_proxy": ONE, "wss_proxy": ONE, "ftp_proxy": ONE}, "direct", "direct"),
    # Under CGI this is what the client said in a field `Proxy` (CVE-2016-1000110).
    ({"HTTP_PROXY": ONE, "REQUEST_METHOD": "GET"}, "direct", "direct"),
    ({"http_proxy": ONE, "REQUEST_METHOD": "GET"}, "one", "direct"),
    ({"HTTPS_PROXY": ONE, "REQUEST_METHOD": "GET"}, "direct", "one"),
]


@pytest.mark.parametrize(("variables", "http", "https"), VARIABLES, ids=str)
async def test_variables(
    variables: dict[str, str], http: str, https: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ways(monkeypatch) as known, session() as ours:
        known.put(variables)
        assert await known.taken(ours, "http") == http
        assert await known.taken(ours, "https") == https


#: NO_PROXY, and the ways to 127.0.0.1, a.test and below.a.test by http.
EXCEPTIONS: list[tuple[str, str, str, str]] = [
    ("", "one", "one", "one"),
    ("*", "direct", "direct", "direct"),
    ("127.0.0.1", "direct", "one", "one"),
    ("127.0.0.0/8", "direct", "one", "one"),
    ("10.0.0.0/8, ::1", "one", "one", "one"),
    ("127.0.0.1:PLAIN", "direct", "one", "one"),
    ("127.0.0.1:1", "one", "one", "one"),
    ("a.test", "one", "direct", "direct"),
    (".a.test", "one", "one", "direct"),
    ("*.a.test", "one", "one", "direct"),
    ("other.test  A.TEST.", "one", "direct", "direct"),
    ("a.test:PLAIN", "one", "direct", "direct"),
    ("test", "one", "direct", "direct"),
    ("est", "one", "one", "one"),
    ("localhost", "one", "one", "one"),
]


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
@pytest.mark.parametrize(("value", "address", "host", "below"), EXCEPTIONS)
async def test_no_proxy(
    name: str, value: str, address: str, host: str, below: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ways(monkeypatch) as known, session() as ours:
        known.put({"http_proxy": ONE, "https_proxy": ONE, name: value})
        assert await known.taken(ours, "http") == address
        assert await known.taken(ours, "http", "a.test") == host
        assert await known.taken(ours, "http", "below.a.test") == below
        if "PLAIN" not in value:
            assert await known.taken(ours, "https", "a.test") == host


async def test_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ways(monkeypatch) as known:
        known.put({"all_proxy": ONE})
        async with session(trust_env=False) as ours:
            assert not ours.trust_env
            assert await known.taken(ours, "http") == "direct"
            assert await known.taken(ours, "https") == "direct"
        async with session() as ours:
            assert ours.trust_env


async def test_what_is_said_counts_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """And is not excepted by NO_PROXY, which is about the environment's own."""
    async with ways(monkeypatch) as known:
        known.put({"all_proxy": ONE, "no_proxy": "a.test"})
        other = known.other.url()
        async with session() as ours:
            for host in ("127.0.0.1", "a.test"):
                assert await known.taken(ours, "http", host, proxy=other) == "other"
        async with session(proxy=other) as ours:
            for host in ("127.0.0.1", "a.test"):
                assert await known.taken(ours, "http", host) == "other"


async def test_it_is_read_for_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ways(monkeypatch) as known, session() as ours:
        for value, way in ((ONE, "one"), (OTHER, "other"), ("", "direct")):
            known.put({"http_proxy": value})
            assert await known.taken(ours, "http") == way


async def test_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = HttpProxy()
    async with scripted(proxy) as by, session() as ours:
        monkeypatch.setenv("http_proxy", f"http://user:p%40ss@127.0.0.1:{by.port}")
        await text(ours, "http://origin.test/")
        # Said by the request, they count before those of the environment.
        await text(ours, "http://origin.test/", proxy_auth=BasicAuth("a", "b"), proxy_headers={"X-Way": "1"})
    basic = [BasicAuth("user", "p@ss").encode(), BasicAuth("a", "b").encode()]
    assert proxy.fields("Proxy-Authorization") == basic
    assert proxy.fields("X-Way") == [None, "1"]


@pytest.mark.parametrize("scheme", ["socks4", "socks4a"])
async def test_other_kinds_of_proxies(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Socks4Proxy()
    async with scripted(proxy) as by, scripted(OK) as plain, session() as ours:
        monkeypatch.setenv("all_proxy", f"{scheme}://user@127.0.0.1:{by.port}")
        assert await text(ours, f"http://a.test:{plain.port}/") == "ok"
    assert [(host, user) for _, host, _, user in proxy.asked] == [
        ("127.0.0.1" if scheme == "socks4" else "a.test", b"user")
    ]


async def test_a_proxy_with_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = HttpProxy()
    async with scripted_tls(server_context(), proxy) as by, session() as ours:
        monkeypatch.setenv("all_proxy", f"https://127.0.0.1:{by.port}")
        assert await text(ours, "http://origin.test/") == "ok"
    assert proxy.targets == ["GET http://origin.test/"]


async def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody goes past it then."""
    async with scripted(OK) as gone:
        pass
    async with scripted(OK) as plain, session() as ours:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{gone.port}")
        with pytest.raises(ClientProxyConnectionError) as caught:
            await ours.get(plain.url())
        assert (caught.value.host, caught.value.port) == ("127.0.0.1", gone.port)
        assert not plain.peers


@pytest.mark.parametrize("value", ["ftp://127.0.0.1:1", "http://", "http://127.0.0.1:1/path", "http://[::1"])
async def test_a_value_that_names_none(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with scripted(OK) as plain, session() as ours:
        monkeypatch.setenv("http_proxy", value)
        with pytest.raises(ValueError, match="http_proxy: expected"):
            await ours.get(plain.url())
        assert not plain.peers


async def test_a_connector_that_takes_no_proxies(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    path = str(tmp_path / "socket")
    server = Scripted((OK,))
    listener = await asyncio.start_unix_server(server.serve, path)
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:1")
    async with ClientSession(connector=UnixConnector(path), trust_env=True) as ours:
        try:
            assert await text(ours, "http://a.test/") == "ok"
            with pytest.raises(ValueError, match="connects by none"):
                await ours.get("http://a.test/", proxy="http://127.0.0.1:1")
        finally:
            listener.close()
            await server.stop()
