"""Late binding: what a dial has of the request that began it, and what requests are told."""

import asyncio
from typing import Any

import pytest
from yarl import URL

from pronghorn import (
    BasicAuth,
)
from pronghorn.client.outgoing import make_request
from pronghorn.client.route import Proxy, make_proxy, make_route
from pronghorn.client.tracing import Trace, TraceConfig, Traces
from pronghorn.io.dial import Address, Progress

from ..functional.scripted import turns, until
from .switchboard import (
    NAME,
    Switchboard,
    ask,
    cancelled,
    dialling,
    established,
    switchboard,
)
from .wired import NO_TIMEOUT, request_to, served

# What a dial has of its request


async def test_it_runs_in_a_copy_of_the_first_ones_context() -> None:
    async with switchboard() as connector:
        NAME.set("first")
        await cancelled(await dialling(connector))
        NAME.set("second")
        asking = ask(connector)
        await turns()
        connector.attempts[0].connect()
        await asking
        assert [attempt.asked_by for attempt in connector.attempts] == ["first"]


async def test_it_keeps_no_body() -> None:
    async with switchboard() as connector:
        request = make_request("POST", URL("http://here/"), (), None, b"body")
        asking = asyncio.create_task(connector.lend(request, NO_TIMEOUT, 0.0))
        await until(lambda: connector.attempts)
        dialled = connector.attempts[0].request
        assert dialled is not request
        assert (dialled.method, dialled.url, dialled.address) == ("POST", request.url, request.address)
        assert (dialled.payload, dialled.body) == (None, b"")
        assert request.body
        assert str(request.info) == str(dialled.info)
        connector.attempts[0].connect()
        await asking


async def test_its_progress_is_told_of_who_waits() -> None:
    async with switchboard() as connector:
        first = request_to()
        asking = asyncio.create_task(connector.lend(first, NO_TIMEOUT, 0.0))
        await until(lambda: connector.attempts)
        asking.cancel()
        await asyncio.wait([asking])
        assert str(first.progress) == "connect, 192.0.2.1:80"
        again = asyncio.create_task(connector.lend(first, NO_TIMEOUT, 0.0))
        await turns()
        connector.attempts[0].request.progress = Progress("tls", "192.0.2.2:80")
        connector.attempts[0].connect()
        await again
        assert str(first.progress) == "tls, 192.0.2.2:80"


@pytest.mark.parametrize(
    "other",
    [
        make_proxy("http://proxy"),
        make_proxy("http://proxy", BasicAuth("user", "other")),
        make_proxy("http://proxy", BasicAuth("user", "secret"), [("X-Tenant", "2")]),
        make_proxy("socks5://proxy", BasicAuth("user", "secret")),
        None,
    ],
)
async def test_by_a_proxy_that_is_told_something_else_it_is_not_shared(other: Proxy | None) -> None:
    url = URL("https://here/")

    def address_by(proxy: Proxy | None) -> Address:
        return make_route(url, proxy, True, None).address

    def first() -> Address:
        return address_by(make_proxy("http://proxy", BasicAuth("user", "secret"), [("X-Tenant", "1")]))

    async with switchboard() as connector:
        await cancelled(await dialling(connector, first()))
        asking = await dialling(connector, address_by(other))
        again = ask(connector, first())
        await turns()
        assert len(connector.attempts) == 2
        await cancelled(asking, again)


# Tracing


class Told:
    """What the hooks of one request are told."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.error: Exception | None = None
        config = TraceConfig()
        for name in ("create_start", "create_end", "reuseconn", "queued_start", "queued_end"):
            getattr(config, f"on_connection_{name}").append(self._hook(name))
        config.on_dns_resolvehost_start.append(self._hook("resolve"))
        config.on_dns_resolvehost_end.append(self._hook("resolved"))
        config.freeze()
        self.traces = Traces.of([Trace(None, config, None)])

    def _hook(self, name: str) -> Any:
        async def hook(*_: Any) -> None:
            self.events.append(name)
            await asyncio.sleep(0)
            if self.error is not None:
                raise self.error

        return hook

    def ask(self, connector: Switchboard) -> "asyncio.Task[Any]":
        return asyncio.create_task(connector.lend(request_to(), NO_TIMEOUT, 0.0, self.traces))


async def test_who_takes_a_dial_over_is_told_that_a_connection_is_made() -> None:
    first, second = Told(), Told()
    async with switchboard() as connector:
        asking = first.ask(connector)
        await until(lambda: connector.attempts and connector.attempts[0].request.progress.phase == "connect")
        await cancelled(asking)
        asking = second.ask(connector)
        await turns()
        connector.attempts[0].connect()
        await asking
        assert first.events == ["create_start", "resolve"], "it has left"
        assert second.events == ["create_start", "create_end"]


async def test_who_gets_one_that_became_free_is_told_that_it_is_used_again() -> None:
    told = Told()
    async with switchboard() as connector:
        freed = await established(connector)
        asking = told.ask(connector)
        await until(lambda: len(connector.attempts) == 2)
        connector.take_back(served(freed))
        await asking
        assert told.events == ["create_start", "resolve", "reuseconn"]


async def test_who_waits_is_told_of_it_before() -> None:
    told = Told()
    async with switchboard(limit=1) as connector:
        first = await dialling(connector)
        asking = told.ask(connector)
        await turns()
        await cancelled(first)
        await turns()
        connector.attempts[0].connect()
        await asking
        assert told.events == ["queued_start", "queued_end", "create_start", "create_end"]


async def test_who_has_its_own_is_told_as_ever() -> None:
    told = Told()
    async with switchboard() as connector:
        asking = told.ask(connector)
        await until(lambda: connector.attempts)
        connector.attempts[0].connect()
        await asking
        assert told.events == ["create_start", "resolve", "resolved", "create_end"]


@pytest.mark.parametrize("is_taken_over", [False, True])
async def test_a_hook_fails_before_it_waits(is_taken_over: bool) -> None:
    told = Told()
    told.error = ZeroDivisionError()
    async with switchboard() as connector:
        if is_taken_over:
            await cancelled(await dialling(connector))
        with pytest.raises(ZeroDivisionError):
            await told.ask(connector)
        assert connector._pool.open_count == is_taken_over
        assert len(connector.sharing._pending) == is_taken_over


async def test_a_hook_fails_when_it_is_made() -> None:
    told = Told()
    async with switchboard() as connector:
        await cancelled(await dialling(connector))
        asking = told.ask(connector)
        await until(lambda: told.events == ["create_start"])
        await turns()
        told.error = ZeroDivisionError()
        connection = connector.attempts[0].connect()
        with pytest.raises(ZeroDivisionError):
            await asking
        assert connector._pool.idle == [connection]
