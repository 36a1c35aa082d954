"""A WebSocket in memory: what a handler does, and what a test sees of it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from pronghorn import WSMsgType, web
from pronghorn.testing import MemoryExchange, WebSocketPeer, make_mocked_request

OFFER = {
    "Host": "test",
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}
DEFLATE = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
Handler = Callable[[web.Request], Awaitable[web.WebSocketResponse]]


def offer(**fields: str) -> web.Request:
    return make_mocked_request("GET", "/", {**OFFER, **fields})


def peer_of(request: web.Request) -> WebSocketPeer:
    assert isinstance(request.exchange, MemoryExchange)
    peer = request.exchange.websocket
    assert peer is not None
    return peer


async def opened(**options: object) -> tuple[web.WebSocketResponse, WebSocketPeer]:
    request = offer()
    socket = web.WebSocketResponse(**options)  # type: ignore[arg-type]  # whatever it takes
    await socket.prepare(request)
    return socket, peer_of(request)


async def echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
        else:
            await socket.send_bytes(message.data)
    return socket


@pytest.mark.parametrize("fields", [{}, DEFLATE], ids=["plain", "deflate"])
async def test_messages_in_both_directions(fields: dict[str, str]) -> None:
    request = offer(**fields)
    handling = asyncio.create_task(echo(request))
    assert isinstance(request.exchange, MemoryExchange)
    peer = await request.exchange.opened()
    sent = request.exchange.sent
    assert sent is not None
    assert (sent.first, sent.upgrade) == (101, "websocket")
    assert ("Sec-WebSocket-Extensions" in sent.fields) == bool(fields)
    peer.send_str("a" * 1000)
    peer.send_bytes(b"b" * 1000)
    assert (await peer.receive())[:2] == (WSMsgType.TEXT, "a" * 1000)
    assert (await peer.receive())[:2] == (WSMsgType.BINARY, b"b" * 1000)
    peer.close(4000, "enough")
    socket = await handling
    assert socket.close_code == 4000
    assert (await peer.receive())[:2] == (WSMsgType.CLOSE, 4000)
    assert (await peer.receive()).type is WSMsgType.CLOSED
    assert peer.closed


async def test_all_that_came_is_kept() -> None:
    socket, peer = await opened()
    await socket.send_str("a")
    await socket.send_str("b")
    assert await socket.close(code=4001, message=b"bye")
    assert [event[:3] for event in peer.received] == [
        (WSMsgType.TEXT, "a", ""),
        (WSMsgType.TEXT, "b", ""),
        (WSMsgType.CLOSE, 4001, "bye"),
    ]
    assert [(await peer.receive()).data for _ in range(3)] == ["a", "b", 4001]


@pytest.mark.timed
async def test_closing_waits_for_no_one_who_receives() -> None:
    loop = asyncio.get_running_loop()
    socket, _ = await opened()
    for _ in range(10):
        await socket.send_str("nobody takes this")
    before = loop.time()
    await socket.close()
    assert loop.time() - before < 1.0


async def test_pings_of_both() -> None:
    socket, peer = await opened()
    await socket.ping(b"1")
    await peer.receive()
    peer.ping(b"2")
    assert (await peer.receive())[:2] == (WSMsgType.PONG, b"2")
    await socket.close()


async def test_its_pong_is_sent() -> None:
    socket, _ = await opened(autoping=False)
    await socket.ping(b"1")
    assert (await socket.receive())[:2] == (WSMsgType.PONG, b"1")
    await socket.close()


async def test_a_close_frame_without_a_code() -> None:
    socket, peer = await opened()
    peer.close(None)
    assert (await socket.receive()).type is WSMsgType.CLOSE
    assert socket.close_code == 1005
    assert (await peer.receive()).data == 1005
    peer.close()  # a second one is none


async def test_a_client_that_goes_without_a_word() -> None:
    socket, peer = await opened()
    peer.abort()
    assert (await socket.receive()).type is WSMsgType.CLOSED
    assert socket.close_code == 1006
    assert (await peer.receive()).type is WSMsgType.CLOSED
    with pytest.raises(ConnectionResetError):
        peer.send_str("too late")


async def test_nothing_follows_its_close_frame() -> None:
    socket, peer = await opened()
    peer.close()
    with pytest.raises(RuntimeError):
        peer.send_bytes(b"too late")
    await socket.receive()


async def test_a_handler_that_breaks_the_protocol() -> None:
    socket, peer = await opened()
    endpoint = socket._endpoint
    assert endpoint is not None
    endpoint.channel.write(b"\xff\xff")
    assert (await peer.receive()).type is WSMsgType.ERROR
    assert (await socket.receive()).type is WSMsgType.CLOSE
    assert socket.close_code == 1002


async def test_much_in_one_go() -> None:
    """More than its machine reads in one step."""
    request = offer(**DEFLATE)
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    peer = peer_of(request)
    for _ in range(6):
        await socket.send_bytes(bytes(1 << 20))
    await socket.close()
    assert [len(event.data) for event in peer.received[:-1]] == [1 << 20] * 6


async def test_flow_is_controlled() -> None:
    """A handler that sends faster than the loop delivers waits, as over a connection."""
    socket, peer = await opened(writer_limit=1024)
    for _ in range(100):
        await socket.send_bytes(bytes(1000))
    await socket.close()
    assert len(peer.received) == 101


async def test_a_heartbeat_is_answered() -> None:
    socket, peer = await opened(heartbeat=0.02)
    assert (await peer.receive()).type is WSMsgType.PING
    assert (await peer.receive()).type is WSMsgType.PING
    assert not socket.closed
    await socket.close()


async def test_what_the_transport_knows() -> None:
    socket, _ = await opened()
    assert socket.get_extra_info("sockname") == ("127.0.0.1", 80)
    assert socket.get_extra_info("nothing", 1) == 1
    await socket.close()


async def test_a_request_that_opens_none() -> None:
    with pytest.raises(web.HTTPException):
        await web.WebSocketResponse().prepare(make_mocked_request("GET", "/", {"Host": "test"}))
