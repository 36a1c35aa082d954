"""The properties of ClientSession, and its end."""

import asyncio

import pytest

from pronghorn import (
    BaseConnector,
    BasicAuth,
    ClientSession,
    ClientTimeout,
    HttpVersion10,
    TCPConnector,
    TraceConfig,
)
from pronghorn.abc import AbstractCookieJar

from ..functional.scripted import OK, scripted, until
from ..functional.sites import Site, to


async def test_s036_closed() -> None:
    session = ClientSession()
    assert session.closed is False
    with pytest.raises(AttributeError):
        session.closed = True  # type: ignore[misc]  # what is tested
    await session.close()
    assert session.closed is True


async def test_s037_connector() -> None:
    connector = TCPConnector()
    session = ClientSession(connector=connector)
    assert session.connector is connector
    assert isinstance(session.connector, BaseConnector)
    with pytest.raises(AttributeError):
        session.connector = connector  # type: ignore[misc]  # what is tested
    await session.close()
    assert session.connector is None
    detached = ClientSession()
    detached.detach()
    assert detached.connector is None


async def test_s038_cookie_jar() -> None:
    async with scripted(OK) as server, ClientSession(cookies={"a": "1"}) as session:
        jar = session.cookie_jar
        assert isinstance(jar, AbstractCookieJar)
        assert session.cookie_jar is jar
        assert {cookie.key: cookie.value for cookie in jar} == {"a": "1"}
        jar.update_cookies({"b": "2"})
        await (await session.get(server.url())).read()
        jar.clear()
        await (await session.get(server.url())).read()
        with pytest.raises(AttributeError):
            session.cookie_jar = jar  # type: ignore[misc]  # what is tested
        first, second = (request.fields.get("Cookie") for request in server.requests)
        assert first is not None
        assert sorted(first.split("; ")) == ["a=1", "b=2"]
        assert second is None


async def test_s039_requote_redirect_url() -> None:
    site = Site({"/a": to("/%7e b")})
    async with scripted(site) as server, ClientSession() as session:
        assert session.requote_redirect_url is True
        await (await session.get(server.url("/a"))).read()
        with pytest.warns(DeprecationWarning, match="requote_redirect_url"):
            session.requote_redirect_url = False
        assert session.requote_redirect_url is False
        await (await session.get(server.url("/a"))).read()
        await (await session.get(server.url("/%7e c"))).read()  # what the caller gives is quoted in any case
        async with ClientSession(requote_redirect_url=False) as other:
            await (await other.get(server.url("/a"))).read()
    assert site.lines[1::2] == ["GET /~%20b", "GET /%7e%20b", "GET /a"]
    assert site.lines[4:] == ["GET /~%20c", "GET /a", "GET /%7e%20b"]


async def test_s040_loop() -> None:
    async with ClientSession() as session:
        with pytest.warns(DeprecationWarning, match="loop"):
            assert session.loop is asyncio.get_running_loop()
        with pytest.raises(AttributeError):
            session.loop = asyncio.get_running_loop()  # type: ignore[misc]  # what is tested


async def test_s041_close_frees_all() -> None:
    async with scripted(OK) as server:
        session = ClientSession()
        connector = session.connector
        assert connector is not None
        await (await session.get(server.url())).read()
        closing = session.close()
        assert asyncio.iscoroutine(closing)
        await closing
        assert connector.closed
        await until(lambda: server.peers[0].has_left)
        await session.close()  # and once more


async def test_s042_detach_leaves_the_connector_open() -> None:
    async with scripted(OK) as server, TCPConnector() as connector:
        session = ClientSession(connector=connector)
        await (await session.get(server.url("/a"))).read()
        session.detach()
        assert session.closed
        assert session.connector is None
        await session.close()
        assert not connector.closed
        async with ClientSession(connector=connector, connector_owner=False) as other:
            await (await other.get(server.url("/b"))).read()
        (peer,) = server.peers
        assert [request.target for request in peer.requests] == ["/a", "/b"]


@pytest.mark.parametrize("end", ["close", "detach", "connector"])
async def test_s043_use_after_the_end(end: str) -> None:
    async with scripted(OK) as server:
        session = ClientSession()
        connector = session.connector
        assert connector is not None
        match end:
            case "close":
                await session.close()
            case "detach":
                session.detach()
            case _:
                await connector.close()
        for method in ("get", "post", "options"):
            with pytest.raises(RuntimeError, match=r"^Session is closed$"):
                await getattr(session, method)(server.url())
        assert server.peers == []
        await connector.close()


async def test_s044_options_that_are_read_back() -> None:
    timeout, tracing = ClientTimeout(total=5), TraceConfig()
    async with ClientSession(
        version=HttpVersion10,
        timeout=timeout,
        headers={"X-A": "1"},
        skip_auto_headers=["User-Agent"],
        auth=BasicAuth("a", "b"),
        json_serialize=repr,
        connector_owner=False,
        raise_for_status=True,
        auto_decompress=False,
        trust_env=True,
        trace_configs=[tracing],
        connector=TCPConnector(),
    ) as session:
        assert session.version == HttpVersion10
        assert session.timeout == timeout
        assert dict(session.headers) == {"X-A": "1"}
        assert session.skip_auto_headers == frozenset({"user-agent"})
        assert session.auth == BasicAuth("a", "b")
        assert session.json_serialize is repr
        assert session.trace_configs == [tracing]
        flags = (
            session.connector_owner,
            session.raise_for_status,
            session.auto_decompress,
            session.trust_env,
        )
        assert flags == (False, True, False, True)
