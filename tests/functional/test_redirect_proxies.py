"""A chain of redirects by proxies: which is chosen at each hop, and what it is told."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from .listening import text
from .programs import relay
from .scripted import OK, Peer
from .sites import AUTH, BASIC, CHANGES, HTTP, Places, Site, World, a_world, environment, shows, to


class Forwarding(Site):
    """A proxy that answers for http itself, by target, and opens tunnels to ``places``."""

    def __init__(self, places: Places) -> None:
        super().__init__()
        self.places = places

    async def __call__(self, peer: Peer) -> None:
        while True:
            head = await peer.reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            method, target, _ = head.split(b" ", 2)
            if method == b"CONNECT":
                host, _, port = target.decode().rpartition(":")
                await relay(peer, self.places.ports[host, int(port)], b"HTTP/1.1 200 Connected\r\n\r\n")
                return
            await peer.send(self.answers.get(target.decode(), OK))


@asynccontextmanager
async def a_proxied_world() -> AsyncIterator[tuple[World, Forwarding, str]]:
    """Through the proxy: http://a.test, https://b.test by a tunnel, http://b.test, and back."""
    async with a_world() as world:
        proxy = Forwarding(world.places)
        by = await world.open("http:", proxy)
        world.places.ports["proxy.test", 3128] = by.port
        secure = await world.site("https://b.test")
        secure.answers = {"/middle": to("again"), "/again": to("http://b.test/last")}
        proxy.answers = {
            f"{HTTP}/start": to("next"),
            f"{HTTP}/next": to("https://b.test/middle"),
            "http://b.test/last": to(f"{HTTP}/end"),
        }
        yield world, proxy, "proxy.test:3128"


WAY = [
    f"GET {HTTP}/start",
    f"GET {HTTP}/next",
    "CONNECT b.test:443",
    "GET http://b.test/last",
    f"GET {HTTP}/end",
]
BY_PROXY: dict[str, Callable[[str], tuple[dict[str, Any], dict[str, Any]]]] = {
    "proxy_auth": lambda by: ({}, {"proxy": f"http://{by}", "proxy_auth": AUTH}),
    "the URL": lambda by: ({}, {"proxy": f"http://user:s3cret@{by}"}),
    "proxy_headers": lambda by: (
        {},
        {"proxy": f"http://{by}", "proxy_headers": {"proxy-authorization": BASIC}},
    ),
    "proxy_auth of the session": lambda by: ({"proxy": f"http://{by}", "proxy_auth": AUTH}, {}),
    "the URL of the session": lambda by: ({"proxy": f"http://user:s3cret@{by}"}, {}),
    "the environment": lambda by: ({"trust_env": True}, {}),
}


@pytest.mark.parametrize("how", BY_PROXY)
async def test_what_is_for_the_proxy(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_proxied_world() as (world, proxy, by):
        environment(monkeypatch, all_proxy=f"http://user:s3cret@{by}")
        of_session, of_request = BY_PROXY[how](by)
        async with world.session(**of_session) as session:
            assert await text(session, f"{HTTP}/start", **of_request) == "ok"
        assert proxy.lines == WAY
        assert proxy.fields("Proxy-Authorization") == [[BASIC]] * 5
        secure = world.sites["https://b.test"]
        assert secure.lines == ["GET /middle", "GET /again"]
        assert not any(shows(head) for head in secure.heads)


async def test_credentials_of_the_server_by_a_proxy() -> None:
    async with a_proxied_world() as (world, proxy, by):
        async with world.session(proxy=f"http://{by}") as session:
            options: dict[str, Any] = {"auth": AUTH, "cookies": {"sid": "s3cret"}}
            assert await text(session, f"{HTTP}/start", **options) == "ok"
        assert proxy.lines == WAY
        assert proxy.fields("Authorization") == [[BASIC], [BASIC], [], [], []]
        assert proxy.fields("Cookie") == [["sid=s3cret"], ["sid=s3cret"], [], [], []]
        assert not any(shows(head) for head in world.sites["https://b.test"].heads)


@pytest.mark.parametrize("name", ["Proxy-Authorization", "proxy-authorization", "PROXY-AUTHORIZATION"])
async def test_a_field_for_the_proxy(name: str) -> None:
    """Among the fields of a request it is bound as they are: another origin's requests do not have it."""
    async with a_proxied_world() as (world, proxy, by):
        async with world.session(proxy=f"http://{by}") as session:
            assert await text(session, f"{HTTP}/start", headers={name: BASIC}) == "ok"
        assert proxy.fields("Proxy-Authorization") == [[BASIC], [BASIC], [], [], []]
        assert not any(shows(head) for head in world.sites["https://b.test"].heads)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["Proxy-Authorization", "pROXY-aUTHORIZATION"])
async def test_a_field_for_a_proxy_where_there_is_none(name: str, change: str) -> None:
    here, there = CHANGES[change]
    async with a_world() as world:
        one, other = await world.chain(here, there)
        async with world.session() as session:
            fields = [(name, BASIC), (name.lower(), "s3cret")]
            assert await text(session, f"{here}/start", headers=fields) == "ok"
        assert not any(shows(head) for head in [*other.heads, one.heads[2]])


@pytest.mark.parametrize("excepted", ["a.test", "b.test"])
async def test_by_a_proxy_and_without_one(excepted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_proxied_world() as (world, proxy, by):
        environment(monkeypatch, http_proxy=f"http://user:s3cret@{by}", no_proxy=excepted)
        direct = await world.site(f"http://{excepted}")
        direct.answers = {
            target.removeprefix(f"http://{excepted}"): answer for target, answer in proxy.answers.items()
        }
        async with world.session(trust_env=True) as session:
            assert await text(session, f"{HTTP}/start") == "ok"
        hosts = {"a.test": ["/start", "/next", "/end"], "b.test": ["/last"]}
        assert direct.lines == [f"GET {path}" for path in hosts.pop(excepted)]
        assert proxy.lines == [f"GET http://{host}{path}" for host, paths in hosts.items() for path in paths]
        assert proxy.fields("Proxy-Authorization") == [[BASIC]] * len(proxy.heads)
        seen = [*direct.heads, *world.sites["https://b.test"].heads]
        assert len(seen) + len(proxy.heads) == 6
        assert not any(shows(head) or b"proxy-" in head.lower() for head in seen)
