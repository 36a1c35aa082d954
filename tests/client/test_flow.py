"""The request loop over connections that only remember."""

import asyncio
from typing import Any

import pytest
from yarl import URL

from pronghorn.client.connector import BaseConnector
from pronghorn.client.errors import (
    ClientConnectorError,
    ClientResponseError,
    ConnectionTimeoutError,
    ServerDisconnectedError,
)
from pronghorn.client.flow import Answer, BodyWriter, fetch
from pronghorn.client.outgoing import make_request
from pronghorn.client.sent_fields import auto_fields
from pronghorn.client.terms import Terms
from pronghorn.client.timeouts import ClientTimeout

from .wired import HERE, NO_TIMEOUT, OK, Wired, lend, transport_of


def begin(
    connector: BaseConnector,
    method: str = "GET",
    data: Any = None,
    timeout: ClientTimeout = NO_TIMEOUT,
    retry_stale: bool = True,
) -> "asyncio.Task[Answer]":
    request = make_request(method, URL("http://here/"), auto_fields(), None, data)
    return asyncio.create_task(fetch(connector, request, Terms(timeout, retry_stale)))


async def primed() -> Wired:
    """A connector with one idle connection."""
    connector = Wired()
    task = begin(connector)
    await _sent(connector, 0)
    connector.made[0].channel.data_received(OK)
    await task
    transport_of(connector.made[0]).written.clear()
    return connector


async def _sent(connector: Wired, number: int) -> bytes:
    """What has been sent on a connection, once it is something."""
    async with asyncio.timeout(1):
        while len(connector.made) <= number or not transport_of(connector.made[number]).written:
            await asyncio.sleep(0)
    return bytes(transport_of(connector.made[number]).written)


async def test_head_and_small_body_are_one_write() -> None:
    connector = Wired()
    task = begin(connector, "POST", b"body")
    sent = await _sent(connector, 0)
    assert sent.startswith(b"POST / HTTP/1.1\r\nHost: here\r\n")
    assert sent.endswith(b"Content-Length: 4\r\n\r\nbody")
    connector.made[0].channel.data_received(OK)
    answer = await task
    assert (answer.head.status, answer.head.body, list(answer.attempts)) == (200, b"ok", [])
    await connector.close()


async def test_a_stale_connection_is_survived_once() -> None:
    connector = await primed()
    task = begin(connector)
    await _sent(connector, 0)
    connector.made[0].channel.connection_lost(ConnectionResetError())
    await _sent(connector, 1)
    connector.made[1].channel.data_received(OK)
    answer = await task
    assert [type(error) for error in answer.attempts] == [ServerDisconnectedError]
    assert answer.connection is connector.made[1]
    await connector.close()


@pytest.mark.parametrize(("method", "retry_stale"), [("POST", True), ("GET", False)])
async def test_or_it_is_not(method: str, retry_stale: bool) -> None:
    connector = await primed()
    task = begin(connector, method, retry_stale=retry_stale)
    await _sent(connector, 0)
    connector.made[0].channel.eof_received()
    with pytest.raises(ServerDisconnectedError):
        await task
    assert len(connector.made) == 1
    await connector.close()


async def test_a_connection_that_closed_while_idle_is_not_taken() -> None:
    connector = await primed()
    connector.made[0].channel.connection_lost(None)
    task = begin(connector, "POST")
    await _sent(connector, 1)
    connector.made[1].channel.data_received(OK)
    assert not (await task).attempts
    await connector.close()


async def test_what_is_no_response_is_told_with_the_request() -> None:
    connector = Wired()
    task = begin(connector)
    await _sent(connector, 0)
    connector.made[0].channel.data_received(b"nonsense\r\n\r\n")
    with pytest.raises(ClientResponseError) as caught:
        await task
    assert caught.value.status == 400
    assert str(caught.value.request_info.url) == "http://here/"
    await connector.close()


async def test_errors_of_connecting_pass() -> None:
    error = ClientConnectorError(HERE, OSError(1, "no"))
    with pytest.raises(ClientConnectorError) as caught:
        await begin(Wired(error=error))
    assert caught.value is error


async def test_a_timeout_of_connecting_is_not_taken_for_the_total() -> None:
    with pytest.raises(ConnectionTimeoutError, match="mine"):
        await begin(Wired(error=ConnectionTimeoutError("mine")), timeout=ClientTimeout(total=60))


async def test_a_head_that_cannot_be_sent_leaves_no_place() -> None:
    connector = Wired()
    request = make_request("GET", URL("http://here/"), (("X-A", "a\r\nb"),), None, None)
    with pytest.raises(ValueError, match="X-A"):
        await fetch(connector, request, Terms(NO_TIMEOUT))
    await asyncio.sleep(0)
    assert not transport_of(connector.made[0]).written
    assert connector._pool.open_count == 0
    await connector.close()


async def test_each_answer_has_its_own_content() -> None:
    """The connection may have gone to another request before the first one goes on."""
    connector = await primed()
    first = begin(connector)
    await _sent(connector, 0)
    channel = connector.made[0].channel
    second: list[asyncio.Task[Answer]] = []
    asyncio.get_running_loop().call_soon(
        channel.data_received,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\nX: y\r\n\r\n",
    )
    second.append(begin(connector))  # runs right after, in the same turn
    content = (await first).content
    assert content is not None
    assert await content.read() == b"first"
    assert len(connector.made) == 1, "they share the connection"
    channel.data_received(OK)
    assert (await second[0]).head.body == b"ok"
    await connector.close()


async def test_content_leaves_in_pieces() -> None:
    connector = Wired()
    connection = await lend(connector)
    connection.begin(Terms(NO_TIMEOUT), None)
    connection.exchange.head("POST", "/", (("Host", "here"),), 600_000)
    request = make_request("POST", URL("http://here/"), (), None, None)
    await BodyWriter(connection, request).write(bytes(600_000))
    assert request.sent == 600_000
    assert transport_of(connection).written.endswith(bytes(600_000))
    connection.abandon()
    await connector.close()
