"""A dial that outlives its request, and connections that become free before one is made: ``share_dials``."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pronghorn import (
    BasicAuth,
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientError,
    ClientHttpProxyError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    TCPConnector,
)
from pronghorn.client.pool_stats import CloseReason

from ..io.loopback import free_port
from ..tls import client_context, server_context, untrusted_context
from .listening import CREATE, CREATED, END, FAILED, REUSED, Listener, nothing_left, text
from .programs import HttpProxy, Names, leaving_nothing, relay, scripted_tls
from .scripted import OK, Peer, Script, Scripted, scripted, turns, until

HASTE = ClientTimeout(connect=0.05)


class Gate:
    """Accepts, and says nothing before it is opened; then it is ``behind``, whatever that is."""

    def __init__(self, behind: Script, is_open: bool = False) -> None:
        self.behind = behind
        self.opened = asyncio.Event()
        if is_open:
            self.opened.set()

    async def __call__(self, peer: Peer) -> None:
        await self.opened.wait()
        if isinstance(self.behind, bytes):
            while True:
                await peer.answer(self.behind)
        await self.behind(peer)


def to(port: int) -> Script:
    """What leads to a port."""

    async def lead(peer: Peer) -> None:
        await relay(peer, port, b"")

    return lead


class HeldNames(Names):
    """Answers when it is let."""

    def __init__(self, names: dict[str, str]) -> None:
        super().__init__(names)
        self.opened = asyncio.Event()

    async def resolve(self, *arguments: Any, **options: Any) -> Any:
        found = await super().resolve(*arguments, **options)
        await self.opened.wait()
        return found


@asynccontextmanager
async def sharing(**options: Any) -> AsyncIterator[tuple[ClientSession, TCPConnector]]:
    connector = TCPConnector(**{"share_dials": True, "ssl": client_context(), **options})
    async with ClientSession(connector=connector) as session:
        yield session, connector


async def left(session: ClientSession, front: Scripted, url: str, **options: Any) -> None:
    """Leave a dial that has got as far as to ``front``, and has said something there."""
    before = len(front.peers)
    asking = asyncio.create_task(text(session, url, **options))
    await until(lambda: len(front.peers) > before)
    received: Any = front.peers[-1].reader
    await until(lambda: received._buffer)  # a gate leaves it there
    asking.cancel()
    await asyncio.wait([asking])
    assert asking.cancelled()


def secure_url(server: Scripted) -> str:
    return f"https://localhost:{server.port}/"


# TLS that is held back


async def test_the_next_request_is_answered_by_the_dial_of_one_that_ran_out_of_time() -> None:
    async with scripted_tls(server_context(), OK) as behind:
        gate = Gate(to(behind.port))
        async with scripted(gate) as front, sharing() as (session, connector):
            with pytest.raises(ConnectionTimeoutError, match=r"within 0\.05 s \(connect\): "):
                await session.get(secure_url(front), timeout=HASTE)
            asking = asyncio.create_task(text(session, secure_url(front)))
            await turns()
            gate.opened.set()
            assert await asking == "ok"
            assert await text(session, secure_url(front)) == "ok"
            assert len(front.peers) == 1
            stats = connector.stats()
            assert (stats.created, stats.reused, dict(stats.closed)) == (1, 1, {})


async def test_without_sharing_it_is_closed() -> None:
    async with scripted_tls(server_context(), OK) as behind:
        gate = Gate(to(behind.port))
        async with scripted(gate) as front, sharing(share_dials=False) as (session, connector):
            await left(session, front, secure_url(front))
            assert connector._pool.open_count == 0
            gate.opened.set()
            assert await text(session, secure_url(front)) == "ok"
            assert len(front.peers) == 2


async def test_made_when_nobody_wants_it_it_is_idle() -> None:
    async with scripted_tls(server_context(), OK) as behind:
        gate = Gate(to(behind.port))
        async with scripted(gate) as front, sharing() as (session, connector):
            asking = asyncio.create_task(text(session, secure_url(front)))
            await until(lambda: front.peers)
            asking.cancel()
            await asyncio.wait([asking])
            gate.opened.set()
            await until(lambda: connector.stats().idle == 1)
            assert await text(session, secure_url(front)) == "ok"
            assert len(front.peers) == 1


async def test_one_that_becomes_free_answers_who_dials() -> None:
    answer = asyncio.Event()

    async def slow(peer: Peer) -> None:
        await peer.request()
        await answer.wait()
        await peer.send(OK)
        while True:
            await peer.answer(OK)

    async with scripted_tls(server_context(), slow, OK) as behind:
        gate = Gate(to(behind.port))
        async with scripted(to(behind.port), gate) as front, sharing() as (session, connector):
            first = asyncio.create_task(text(session, secure_url(front)))
            await until(lambda: behind.requests)
            second = asyncio.create_task(text(session, secure_url(front)))
            await until(lambda: len(front.peers) == 2)
            answer.set()
            assert await asyncio.gather(first, second) == ["ok", "ok"]
            assert [len(peer.requests) for peer in behind.peers] == [2]
            gate.opened.set()
            await until(lambda: connector.stats().idle == 2)
            assert len(front.peers) == 2


async def test_what_is_wrong_is_told_to_who_has_it_then() -> None:
    async with scripted_tls(untrusted_context(), OK) as behind:
        gate = Gate(to(behind.port))
        async with scripted(gate) as front, sharing() as (session, connector):
            await left(session, front, secure_url(front))
            asking = asyncio.create_task(text(session, secure_url(front)))
            await turns()
            gate.opened.set()
            with pytest.raises(ClientConnectorCertificateError) as caught:
                await asking
            assert (caught.value.host, caught.value.port) == ("localhost", front.port)
            assert caught.value.phase == "tls"
            assert caught.value.peer.endswith(f":{front.port}")
            assert len(front.peers) == 1
            assert connector._pool.open_count == 0


async def test_who_has_it_has_its_own_limits() -> None:
    async with scripted_tls(server_context(), OK) as behind:
        gate = Gate(to(behind.port))
        async with scripted(gate) as front, sharing() as (session, _):
            await left(session, front, secure_url(front))
            for limits, told in (
                (HASTE, r"0\.05 s \(connect\)"),
                (ClientTimeout(sock_connect=0.04), r"0\.04 s \(sock_connect\)"),
                (ClientTimeout(connect=0.03), r"0\.03 s \(connect\)"),
            ):
                with pytest.raises(ConnectionTimeoutError, match=rf"localhost:\d+ within {told}: tls, "):
                    await session.get(secure_url(front), timeout=limits)
            assert len(front.peers) == 1
            gate.opened.set()
            assert await text(session, secure_url(front)) == "ok"
            assert len(front.peers) == 1


async def test_the_first_ones_limit_ends_the_dial_and_nobody_elses_request() -> None:
    async with scripted_tls(server_context(), OK) as behind:
        stuck = Gate(to(behind.port))
        async with scripted(stuck, to(behind.port)) as front, sharing() as (session, connector):
            await left(session, front, secure_url(front), timeout=ClientTimeout(sock_connect=0.4))
            assert await text(session, secure_url(front)) == "ok"
            assert len(front.peers) == 2
            assert connector.stats().closed == {CloseReason.NOT_CONNECTED: 1}


async def test_options_of_tls_are_not_shared() -> None:
    async with scripted_tls(server_context(), OK) as behind:
        stuck = Gate(to(behind.port))
        async with scripted(stuck, to(behind.port)) as front, sharing() as (session, _):
            await left(session, front, secure_url(front), ssl=False)
            assert await text(session, secure_url(front)) == "ok"
            assert len(front.peers) == 2


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_server_that_closes_at_once(scheme: str, end: str) -> None:
    async def leave(peer: Peer) -> None:
        getattr(peer, end)()

    serve = scripted_tls(server_context(), leave) if scheme == "https" else scripted(leave)
    async with serve as server, sharing() as (session, connector):
        url = f"{scheme}://localhost:{server.port}/"
        for is_cancelled in (False, True) * 3:
            asking = asyncio.create_task(text(session, url))
            if is_cancelled:
                await turns()
                asking.cancel()
            await asyncio.wait([asking])
            assert asking.cancelled() or isinstance(asking.exception(), ClientError)
            await until(lambda: connector._pool.open_count == 0)
            assert not connector._connections


# Names that are held back


async def test_the_look_up_goes_on() -> None:
    names = HeldNames({"server.test": "127.0.0.1"})
    async with scripted(OK) as server, sharing(resolver=names) as (session, _):
        url = f"http://server.test:{server.port}/"
        first = asyncio.create_task(text(session, url))
        await until(lambda: names.asked)
        first.cancel()
        await asyncio.wait([first])
        asking = asyncio.create_task(text(session, url))
        await turns()
        names.opened.set()
        assert await asking == "ok"
        assert len(server.peers) == len(names.asked) == 1


async def test_failed_when_nobody_wants_it_nobody_is_told() -> None:
    told: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    names = HeldNames({"server.test": "127.0.0.1"})
    url = f"http://server.test:{free_port()}/"
    async with sharing(resolver=names) as (session, connector):
        first = asyncio.create_task(text(session, url))
        await until(lambda: names.asked)
        first.cancel()
        await asyncio.wait([first])
        names.opened.set()
        await until(lambda: connector._pool.open_count == 0)
        assert connector.stats().closed == {CloseReason.NOT_CONNECTED: 1}
        with pytest.raises(ClientConnectorError) as caught:
            await session.get(url)
        assert caught.value.phase == "connect"
    gc.collect()
    assert told == []


# At the limit


async def test_another_origin_does_not_wait_for_a_dial_that_nobody_wants() -> None:
    async def end(peer: Peer) -> None:
        await peer.rest()

    gate = Gate(end)
    async with scripted(gate) as front, scripted(OK) as other, sharing(limit=1) as (session, _):
        await left(session, front, secure_url(front))
        assert await text(session, other.url()) == "ok"
        gate.opened.set()
        await until(lambda: front.peers[0].has_left)


async def test_turns_are_kept() -> None:
    """One connection and three who want it; the first is cancelled while it dials."""
    async with scripted_tls(server_context(), OK) as behind:
        gate = Gate(to(behind.port))
        async with scripted(gate) as front, sharing(limit_per_host=1) as (session, _):
            paths = [f"{secure_url(front)}{number}" for number in range(3)]
            asking = []
            for path in paths:
                asking.append(asyncio.create_task(text(session, path)))
                await turns()
            await until(lambda: front.peers)
            asking[0].cancel()
            await asyncio.wait([asking[0]])
            gate.opened.set()
            assert await asyncio.gather(*asking[1:]) == ["ok", "ok"]
            assert [request.target for request in behind.requests] == ["/1", "/2"]
            assert len(front.peers) == 1


# Proxies


class SlowProxy(HttpProxy):
    """Answers CONNECT when it is let."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.opened = asyncio.Event()

    async def __call__(self, peer: Peer) -> None:
        await self.opened.wait()
        await super().__call__(peer)


async def test_a_tunnel_is_for_who_has_the_same_credentials() -> None:
    proxy = SlowProxy()
    async with (
        scripted_tls(server_context(), OK) as behind,
        scripted(proxy) as front,
        sharing() as (session, _),
    ):
        url = secure_url(behind)
        way: dict[str, Any] = {"proxy": front.url(), "proxy_auth": BasicAuth("user", "one")}
        await left(session, front, url, **way)
        same = asyncio.create_task(text(session, url, **way))
        other = asyncio.create_task(text(session, url, **{**way, "proxy_auth": BasicAuth("user", "two")}))
        told = asyncio.create_task(text(session, url, **way, proxy_headers={"X-Tenant": "2"}))
        await until(lambda: len(front.peers) == 3)
        proxy.opened.set()
        assert await asyncio.gather(same, other, told) == ["ok"] * 3
        assert len(front.peers) == 3


async def test_a_refusal_names_ones_own_request() -> None:
    gate = Gate(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")
    async with scripted(gate) as front, sharing() as (session, _):
        way: dict[str, Any] = {"proxy": front.url()}
        await left(session, front, "https://localhost:1/first", headers={"X-Secret": "first"}, **way)
        second = text(session, "https://localhost:1/second", headers={"X-Secret": "second"}, **way)
        asking = asyncio.create_task(second)
        await turns()
        gate.opened.set()
        with pytest.raises(ClientHttpProxyError) as caught:
            await asking
        assert caught.value.request_info.headers["X-Secret"] == "second"
        assert caught.value.request_info.url.path == "/second"
        assert len(front.peers) == 2


# What is told, and what is left


async def test_traces() -> None:
    async with scripted_tls(server_context(), OK) as behind:
        gate = Gate(to(behind.port))
        async with scripted(gate) as front:
            listener = Listener()
            connector = TCPConnector(share_dials=True, ssl=client_context())
            async with listener.session(connector) as session:
                await left(session, front, secure_url(front))
                assert listener.events[-1] == FAILED
                assert CREATE in listener.events
                listener.forget()
                asking = asyncio.create_task(text(session, secure_url(front)))
                await until(lambda: CREATE in listener.events)
                gate.opened.set()
                await asking
                told = [event for event in listener.events if event in (CREATE, CREATED, REUSED, END)]
                assert told == [CREATE, CREATED, END]
                assert all(not event.startswith("dns") for event in listener.events)
                await nothing_left(session)


async def test_closing_leaves_nothing() -> None:
    async with scripted_tls(server_context(), OK) as behind:
        gate = Gate(to(behind.port))
        async with leaving_nothing(), scripted(gate) as front:
            async with sharing() as (session, _):
                await left(session, front, secure_url(front))
                asking = asyncio.create_task(text(session, secure_url(front)))
                await turns()
                asking.cancel()
                await asyncio.wait([asking])
            await until(lambda: front.peers)
