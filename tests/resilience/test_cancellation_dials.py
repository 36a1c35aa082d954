"""With ``share_dials``, a call cancelled at each of its awaits: places add up, and closing leaves nothing."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from pronghorn import BasicAuth, ClientSession, TCPConnector
from pronghorn.client.lease import Connection
from pronghorn.client.outgoing import make_request
from pronghorn.client.pending import SharingPool
from pronghorn.client.route import make_proxy, make_route
from pronghorn.client.target import as_url

from ..client.test_tcp_cancelled import serving
from ..functional.programs import HttpProxy, Names
from ..functional.scripted import OK, until
from ..io.loopback import cancel_everywhere
from ..io.socks_server import SocksServer
from ..tls import client_context, server_context
from .memory_network import MemoryConnector
from .stepping import MOST_STEPS, held, turns
from .test_cancellation_client import (
    CANCELLERS,
    TIMEOUT,
    Call,
    check,
    get,
    get_and_leave,
    get_long,
    in_time,
    post,
)

WHEN = pytest.mark.parametrize("when", ["waiting", "woken", "turn"])
AUTH = BasicAuth("user", "secret")


# Sockets, TLS and tunnels


async def cancelled_everywhere(when: str, url: str, proxy: str = "", is_second: bool = False) -> int:
    """Connect, cancelled at every step, and close the connector then; the number of steps.

    ``is_second``: by the dial of one that was cancelled before.
    """
    names = Names({host: ["127.0.0.2", "127.0.0.1"] for host in ("server.test", "proxy.test")})
    target = as_url(url)

    async def connect(connector: TCPConnector) -> Connection:
        request = make_request("GET", target, (), None, None)
        by = make_proxy(proxy, AUTH) if proxy else None
        request.address, request.proxy_fields = make_route(target, by, True, None)
        return await connector.connect(request)

    async def call() -> Connection:
        connector = TCPConnector(resolver=names, ssl=client_context(), limit=1, share_dials=True)
        connectors.append(connector)
        try:
            if is_second:
                first = asyncio.create_task(connect(connector))
                try:
                    await turns(2)
                finally:
                    first.cancel()
                    await turns(2)
            return await connect(connector)
        except BaseException:
            await_nothing = connector.close()
            del await_nothing
            raise

    async def undo(lease: Connection) -> None:
        lease.close()
        await connectors[-1].close()

    connectors: list[TCPConnector] = []
    steps = await cancel_everywhere(call, undo, when)
    for connector in connectors:
        await until(lambda connector=connector: is_at_rest(connector))
        assert not connector._dns._all_flights
    return steps


def is_at_rest(connector: TCPConnector) -> bool:
    pool = connector._pool
    if not isinstance(pool, SharingPool):
        raise TypeError("dials are not shared")
    return not (
        pool.open_count
        or pool.waiting_count
        or pool._pending
        or pool._claims
        or connector._connections
        or connector._opening
    )


@WHEN
@pytest.mark.parametrize("is_second", [False, True], ids=["own", "another's"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_directly(scheme: str, is_second: bool, when: str) -> None:
    context = server_context("server.test") if scheme == "https" else None
    async with serving(OK, context) as server:
        url = f"{scheme}://server.test:{server.port}/"
        assert await cancelled_everywhere(when, url, is_second=is_second) >= 1


@WHEN
@pytest.mark.parametrize("scheme", ["http", "https", "socks5"])
async def test_by_a_proxy(scheme: str, when: str) -> None:
    proxy: Any = SocksServer() if scheme == "socks5" else HttpProxy()
    outer = server_context("proxy.test") if scheme == "https" else None
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(OK, server_context("server.test")))
        port = (await stack.enter_async_context(serving(proxy, outer))).port
        way = f"{scheme}://proxy.test:{port}"
        assert await cancelled_everywhere(when, f"https://server.test:{server.port}/", way) >= 1


# Sessions


async def together(session: ClientSession) -> None:
    """One connection becomes free while another is dialled."""
    async with asyncio.TaskGroup() as group:
        group.create_task(get(session))
        group.create_task(get_long(session))
        await asyncio.sleep(0)
        await get(session)


async def after_one_that_was_cancelled(session: ClientSession) -> None:
    first = asyncio.create_task(get(session))
    try:
        await turns(2)
    finally:
        first.cancel()
    await get(session)


async def beside_those_that_are_cancelled(session: ClientSession) -> None:
    others = [asyncio.create_task(get(session)) for _ in range(4)]
    try:
        await turns(3)
        others[0].cancel()
        others[2].cancel()
        await get_and_leave(session)
        await asyncio.wait(others)
    finally:
        for other in others:
            other.cancel()


CALLS = (get, get_long, post, together, after_one_that_was_cancelled, beside_those_that_are_cancelled)


@pytest.mark.parametrize("run", CANCELLERS.values(), ids=CANCELLERS)
@pytest.mark.parametrize("limit", [1, 2, 0])
@pytest.mark.parametrize("call", CALLS)
async def test_each_step(call: Call, limit: int, run: Callable[..., Awaitable[Any]]) -> None:
    await asyncio.to_thread(int)  # its thread and pipe are there from now on
    gc.collect()  # what other tests have left to be closed
    for step in range(1, MOST_STEPS):
        before = held()
        connector = MemoryConnector(limit=limit, share_dials=True)
        async with connector.serving():
            async with ClientSession(connector=connector, timeout=TIMEOUT) as session:
                task = await run(call(session), step)
                assert task.done(), f"hangs when cancelled at step {step}"
                if not task.cancelled() and (error := task.exception()) is not None:
                    raise error
                await turns(30)
                assert held().tasks == before.tasks + 1  # the network's
                check(connector)
                await in_time(get(session))  # the place is free
            await turns(20)
        assert held() == before
        assert all(server.transport.is_lost for server in connector.servers)
        if not task.cancelled():
            assert step > 1
            return
    pytest.fail(f"not through after {MOST_STEPS} steps")


@pytest.mark.parametrize("run", CANCELLERS.values(), ids=CANCELLERS)
@pytest.mark.parametrize("call", CALLS)
async def test_each_step_and_closing(call: Call, run: Callable[..., Awaitable[Any]]) -> None:
    """The connector is closed in the turn in which the call is over."""
    await asyncio.to_thread(int)
    gc.collect()
    for step in range(1, MOST_STEPS):
        before = held()
        connector = MemoryConnector(limit=2, share_dials=True)
        async with connector.serving():
            session = ClientSession(connector=connector, timeout=TIMEOUT)
            task = await run(call(session), step)
            await session.close()
            assert task.done(), f"hangs when cancelled at step {step}"
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error
            await turns(20)
            assert connector._pool.open_count == 0
            assert not connector._connections
            assert not connector._opening
        assert held() == before
        assert all(server.transport.is_lost for server in connector.servers)
        if not task.cancelled():
            return
    pytest.fail(f"not through after {MOST_STEPS} steps")
