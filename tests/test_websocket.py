"""What callers see of a WebSocket, at either end; its peer is in memory."""

import asyncio
import gc
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from pronghorn.websocket import WebSocket, broadcast
from pronghorn.wire.roles import CLIENT, SERVER, Role
from pronghorn.wire.websocket.connection import WebSocketConnection
from pronghorn.wire.websocket.deflate import PerMessageDeflate
from pronghorn.wire.websocket.deflate_offers import DeflateAgreement
from pronghorn.wire.websocket.messages import WSMessage, WSMessageTypeError, WSMsgType

from .io.endpoints import KIB, ROLES, Rig
from .io.fakes import settle
from .wire.websocket.exchanging import BINARY, FIN, PING, PONG, RSV1, TEXT, frame, machine

CLOSED = WSMessage(WSMsgType.CLOSED, None, None)
CLOSING = WSMessage(WSMsgType.CLOSING, None, None)


class GoneError(ConnectionResetError):
    """What the sockets of these tests raise for senders."""


class Socket(WebSocket):
    """A WebSocket as its two classes make it."""

    _reset_error = GoneError

    def __init__(self, rig: Rig | None, receive_timeout: float | None = None) -> None:
        self._endpoint = None if rig is None else rig.endpoint
        self._receive_timeout = receive_timeout

    async def close(self, *, code: int = 1000, message: bytes | str = b"") -> bool:
        return await self._close(code, message)


def opened(role: Role = SERVER, **options: Any) -> tuple[Socket, Rig]:
    rig = Rig(role, **options)
    return Socket(rig), rig


# Before it is open


@pytest.mark.parametrize(
    "call",
    [
        lambda socket: socket.send_str("a"),
        lambda socket: socket.send_bytes(b"a"),
        lambda socket: socket.send_json([]),
        lambda socket: socket.send_json_bytes([], dumps=lambda _: b"[]"),
        lambda socket: socket.send_frame(b"", WSMsgType.PING),
        lambda socket: socket.ping(),
        lambda socket: socket.pong(),
        lambda socket: socket.receive(),
        lambda socket: socket.close(),
    ],
)
async def test_nothing_can_be_done_before_it_is_open(
    call: Callable[[Socket], Coroutine[Any, Any, Any]],
) -> None:
    with pytest.raises(RuntimeError, match="prepare"):
        await call(Socket(None))


async def test_facts_before_it_is_open() -> None:
    socket = Socket(None)
    assert not socket.closed
    assert socket.close_code is None
    assert socket.exception() is None
    assert socket.get_extra_info("peername", 5) == 5


# Sending


@ROLES
async def test_what_is_sent(role: Role) -> None:
    socket, rig = opened(role)
    await socket.send_str("h\N{LATIN SMALL LETTER E WITH ACUTE}")
    await socket.send_bytes(b"b")
    await socket.send_bytes(bytearray(b"c"))
    await socket.send_bytes(memoryview(b"d"))
    await socket.send_json({"a": 1})
    await socket.send_json([1], dumps=lambda data: f"<{data}>")
    await socket.send_json_bytes([1], dumps=lambda data: json.dumps(data).encode())
    await socket.send_frame(b"t", WSMsgType.TEXT)
    await socket.send_frame(b"u", WSMsgType.BINARY)
    await socket.send_frame(b"v", WSMsgType.PING)
    await socket.send_frame(b"w", WSMsgType.PONG)
    await socket.ping()
    await socket.ping("x")
    await socket.pong(b"y")
    text, binary, ping, pong = WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.PING, WSMsgType.PONG
    assert [message[:2] for message in rig.peer_reads()] == [
        (text, "h\N{LATIN SMALL LETTER E WITH ACUTE}"),
        *[(binary, data) for data in (b"b", b"c", b"d")],
        *[(text, data) for data in ('{"a": 1}', "<[1]>", "[1]", "t")],
        (binary, b"u"),
        *[(ping, b"v"), (pong, b"w"), (ping, b""), (ping, b"x"), (pong, b"y")],
    ]


@ROLES
@pytest.mark.parametrize("size", [125, 126, 65_535, 65_536, 300_000])
async def test_any_size_is_sent(role: Role, size: int) -> None:
    socket, rig = opened(role, high=10**6)
    await socket.send_bytes(b"x" * size)
    await socket.send_str("y" * size)
    assert [message[1] for message in rig.peer_reads()] == [b"x" * size, "y" * size]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda socket: socket.send_str(b"a"), TypeError),
        (lambda socket: socket.send_bytes("a"), TypeError),
        (lambda socket: socket.send_json(object()), TypeError),
        (lambda socket: socket.send_json([], dumps=lambda _: b"[]"), TypeError),
        (lambda socket: socket.send_json_bytes([], dumps=lambda _: "[]"), TypeError),
        (lambda socket: socket.send_frame(b"", WSMsgType.CLOSE), ValueError),
        (lambda socket: socket.send_frame(b"", WSMsgType.CONTINUATION), ValueError),
        (lambda socket: socket.send_str("\ud800"), ValueError),
        (lambda socket: socket.ping(5), TypeError),
        (lambda socket: socket.pong(None), TypeError),
        (lambda socket: socket.ping(b"x" * 126), ValueError),
    ],
)
async def test_what_can_not_be_sent_leaves_it_open(
    call: Callable[[Any], Coroutine[Any, Any, Any]], error: type[Exception]
) -> None:
    socket, rig = opened()
    with pytest.raises(error):
        await call(socket)
    await socket.send_str("a")
    assert rig.peer_reads() == [(WSMsgType.TEXT, "a", "")]


async def test_compression_is_for_each_message_to_say() -> None:
    connection = WebSocketConnection(SERVER, deflate=PerMessageDeflate(SERVER, DeflateAgreement()))
    socket, rig = opened(connection=connection)
    for data, compress in (("x" * 100, None), ("x" * 100, 0), ("x", None), ("x", 15), ("x" * 100, True)):
        await socket.send_str(data, compress)
        assert bool(rig.transport.take()[0] & RSV1) is (len(data) > 1 if compress is None else bool(compress))
    await socket.send_bytes(b"x" * 100, compress=0)
    await socket.send_json([], compress=0)
    await socket.send_frame(b"x" * 100, WSMsgType.BINARY, compress=0)
    reader = machine(CLIENT)
    assert len(reader.feed(rig.transport.take())) == 3
    await socket.send_bytes(b"x" * 100)
    assert rig.transport.take()[0] & RSV1


@ROLES
async def test_pings_are_sent_at_the_call(role: Role) -> None:
    """And nobody is told that they were not awaited; a task can be made of them, and cancelled."""
    socket, rig = opened(role)
    socket.ping(b"a")
    task = asyncio.create_task(socket.pong(b"b"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    sending = socket.ping(b"c")
    sending.close()
    await asyncio.create_task(socket.ping(b"d"))
    gc.collect()
    assert [message[1] for message in rig.peer_reads()] == [b"a", b"b", b"c", b"d"]


@ROLES
async def test_senders_wait_for_the_peer_to_read(role: Role) -> None:
    socket, rig = opened(role, high=10 * KIB)
    calls: list[Coroutine[Any, Any, None]] = [
        socket.send_str("x" * 11 * KIB),
        socket.send_bytes(b"x"),
        socket.send_bytes(b"x" * 70 * KIB),
        socket.ping(),
    ]
    tasks = [asyncio.create_task(call) for call in calls]
    await settle()
    assert not any(task.done() for task in tasks)
    rig.transport.take()
    await asyncio.gather(*tasks)
    await socket.send_str("x" * 10)


@pytest.mark.parametrize("error", [None, OSError("broken")])
async def test_a_sender_that_waits_learns_of_the_loss(error: Exception | None) -> None:
    socket, rig = opened(high=10)
    sending = asyncio.create_task(socket.send_str("x" * 100))
    await settle()
    rig.transport.lose(error)
    with pytest.raises(GoneError, match="Cannot write to closing transport"):
        await sending


async def test_a_sender_that_is_cancelled_has_sent() -> None:
    socket, rig = opened(high=10)
    sending = asyncio.create_task(socket.send_str("x" * 100))
    await settle()
    sending.cancel()
    await asyncio.wait([sending])
    assert [message[1] for message in rig.peer_reads()] == ["x" * 100]
    assert not rig.channel._drainers


@pytest.mark.parametrize("ending", ["closed", "answered", "lost", "ended", "dead"])
async def test_nothing_is_sent_once_it_is_closed(ending: str) -> None:
    socket, rig = opened(heartbeat=10, close_timeout=0.001)
    if ending == "closed":
        await socket.close()
    elif ending == "answered":
        rig.peer_sends(rig.close(1000))
        await socket.receive()
    elif ending == "lost":
        rig.transport.lose()
        await settle()
    elif ending == "ended":
        rig.transport.receive_eof()
    else:
        rig.clock.advance(20)
    for call in (
        socket.send_str("a"),
        socket.send_bytes(b"a"),
        socket.send_json(1),
        socket.send_frame(b"", WSMsgType.PONG),
    ):
        with pytest.raises(GoneError, match="Cannot write to closing transport"):
            await call
    for act in (socket.ping, socket.pong):
        with pytest.raises(GoneError, match="Cannot write to closing transport"):
            act()


# Receiving


@ROLES
async def test_what_is_received(role: Role) -> None:
    socket, rig = opened(role)
    rig.peer_sends(rig.text("a"), rig.binary(b"b"), rig.text("c"), rig.binary(b"d"), rig.text('{"a": 1}'))
    assert await socket.receive() == WSMessage(WSMsgType.TEXT, "a", "")
    assert await socket.receive() == WSMessage(WSMsgType.BINARY, b"b", "")
    assert await socket.receive_str() == "c"
    assert await socket.receive_bytes() == b"d"
    assert await socket.receive_json() == {"a": 1}
    rig.peer_sends(rig.text("x"))
    assert await socket.receive_json(loads=lambda text: text * 2) == "xx"


async def test_what_was_not_expected() -> None:
    socket, rig = opened()
    rig.peer_sends(rig.binary(b"x" * 10_000), rig.text("y" * 10_000), rig.text("{"), rig.binary(b"1"))
    with pytest.raises(WSMessageTypeError, match=r"WSMsgType.BINARY:b'x+' is not WSMsgType.TEXT") as refused:
        await socket.receive_str()
    assert len(str(refused.value)) < 200
    with pytest.raises(TypeError, match=r"WSMsgType.TEXT:'y+' is not WSMsgType.BINARY"):
        await socket.receive_bytes()
    with pytest.raises(ValueError, match="Expecting"):
        await socket.receive_json()
    with pytest.raises(WSMessageTypeError):
        await socket.receive_json()
    rig.peer_sends(rig.close(1000))
    with pytest.raises(WSMessageTypeError, match=r"WSMsgType.CLOSE:.*1000.* is not WSMsgType.TEXT"):
        await socket.receive_str()


async def test_two_receivers_are_an_error() -> None:
    socket, rig = opened()
    first = asyncio.create_task(socket.receive())
    await settle()
    with pytest.raises(RuntimeError, match=r"Concurrent call to receive\(\) is not allowed"):
        await socket.receive()
    rig.peer_sends(rig.text("a"), rig.text("b"))
    with pytest.raises(RuntimeError, match="Concurrent"):  # it is the first one's, who was not there yet
        await socket.receive()
    assert (await first).data == "a"
    assert await socket.receive_str() == "b"


@pytest.mark.parametrize("of", ["all", "call"])
async def test_receiving_in_time(of: str) -> None:
    rig = Rig()
    socket = Socket(rig, receive_timeout=0.001 if of == "all" else None)
    timeout = None if of == "all" else 0.001
    with pytest.raises(TimeoutError):
        await socket.receive(timeout)
    for receive in (socket.receive_str, socket.receive_bytes, socket.receive_json):
        with pytest.raises(TimeoutError):
            await receive(timeout=timeout)
    rig.peer_sends(rig.text("a"))
    assert await socket.receive_str(timeout=timeout) == "a"
    assert not socket.closed


async def test_no_time_is_for_ever() -> None:
    rig = Rig()
    socket = Socket(rig, receive_timeout=0.001)
    receiving = asyncio.create_task(socket.receive(0))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await asyncio.shield(receiving)
    rig.peer_sends(rig.text("a"))
    assert (await receiving).data == "a"


async def test_iteration_ends_with_the_connection() -> None:
    socket, rig = opened(autoping=False)
    rig.peer_sends(rig.text("a"), rig.control(PING), rig.control(PONG), rig.binary(b"b"), rig.close(1000))
    assert [message.type.name async for message in socket] == ["TEXT", "PING", "PONG", "BINARY"]
    assert [message async for message in socket] == []


async def test_iteration_shows_what_went_wrong() -> None:
    socket, rig = opened()
    rig.peer_sends(rig.text("a"), b"\xff\xff")
    assert [message.type.name async for message in socket] == ["TEXT", "ERROR"]
    assert str(socket.exception())


@pytest.mark.parametrize("ending", ["lost", "ended", "closed", "answered", "broken", "dead"])
async def test_that_it_is_over_is_told_five_times(ending: str) -> None:
    socket, rig = opened(heartbeat=10, close_timeout=0.001)
    first = None
    if ending == "lost":
        rig.transport.lose()
        await settle()
    elif ending == "ended":
        rig.transport.receive_eof()
    elif ending == "closed":
        await socket.close()
    else:
        first = WSMsgType.CLOSE if ending == "answered" else WSMsgType.ERROR
        if ending == "dead":
            rig.clock.advance(20)
        else:
            rig.peer_sends(rig.close(1000) if ending == "answered" else b"\xff\xff")
    if first is not None:
        assert (await socket.receive()).type is first
    for _ in range(5):
        assert await socket.receive() == CLOSED
        assert socket.closed
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"WebSocket connection is closed\."):
            await socket.receive()


async def test_who_must_close_is_told_so_and_not_for_ever() -> None:
    socket, rig = opened(autoclose=False)
    rig.peer_sends(rig.close(4000))
    assert (await socket.receive()).data == 4000
    assert not socket.closed
    for _ in range(5):
        assert await socket.receive() == CLOSING
    with pytest.raises(RuntimeError, match="is closed"):
        await socket.receive()
    assert await socket.close()
    assert socket.closed


async def test_who_only_receives_does_not_keep_the_loop() -> None:
    socket, rig = opened()
    rig.transport.receive_eof()
    turned = asyncio.Event()
    asyncio.get_running_loop().call_soon(turned.set)
    await socket.receive()
    assert turned.is_set()


async def test_it_is_not_closed_while_there_is_something_to_receive() -> None:
    socket, rig = opened()
    rig.peer_sends(rig.text("a"))
    rig.transport.lose()
    await settle()
    assert not socket.closed
    await socket.receive()
    assert socket.closed
    assert socket.close_code == 1006


# Closing


@ROLES
async def test_closing(role: Role) -> None:
    socket, rig = opened(role)
    closing = asyncio.create_task(socket.close(code=4000, message="why"))
    await settle()
    assert socket.closed
    assert rig.peer_reads() == [(WSMsgType.CLOSE, 4000, "why")]
    rig.peer_sends(rig.close(4000))
    rig.transport.receive_eof()
    assert await closing is True
    assert await socket.close() is False
    assert socket.close_code == 4000
    assert await socket.receive() == CLOSED


async def test_closing_with_bytes_for_a_reason() -> None:
    socket, rig = opened(close_timeout=0.001)
    await socket.close(message=b"bye")
    assert rig.endpoint.machine.close_sent
    with pytest.raises(ValueError, match="utf-8"):
        await Socket(Rig()).close(message=b"\xff")


async def test_what_the_transport_knows() -> None:
    socket, rig = opened()
    rig.transport._extra = {"peername": ("192.0.2.7", 1)}  # type: ignore[attr-defined]  # asyncio's own
    assert socket.get_extra_info("peername") == ("192.0.2.7", 1)
    assert socket.get_extra_info("ssl_object") is None
    assert socket.get_extra_info("ssl_object", 5) == 5
    rig.transport.lose()
    await settle()
    assert socket.get_extra_info("peername") == ("192.0.2.7", 1)


# To many


@pytest.mark.parametrize(
    "data", ["x" * 1000, b"x" * 1000, bytearray(b"x"), memoryview(b"x"), b"x" * 100 * KIB]
)
async def test_broadcast_serialises_once(data: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    plain = WebSocketConnection._message

    def message(*args: Any) -> Any:
        made.append(args)
        return plain(*args)

    monkeypatch.setattr(WebSocketConnection, "_message", message)
    compressing = WebSocketConnection(SERVER, deflate=PerMessageDeflate(SERVER, DeflateAgreement()))
    rigs = [Rig(connection=compressing, high=200 * KIB), *[Rig(high=200 * KIB) for _ in range(20)]]
    assert broadcast((Socket(rig) for rig in rigs), data) == []
    assert len(made) == 1
    expected = frame(
        FIN | (TEXT if isinstance(data, str) else BINARY),
        bytes(data, "ascii") if isinstance(data, str) else bytes(data),
        CLIENT,
    )
    assert all(rig.transport.take() == expected for rig in rigs)


async def test_broadcast_leaves_out_who_does_not_read_or_is_closed() -> None:
    reading, rig = opened()
    slow, slow_rig = opened(high=1)
    slow_rig.channel.write(b"xx")
    closed, _ = opened(close_timeout=0.001)
    await closed.close()
    lost, lost_rig = opened()
    lost_rig.transport.lose()
    await settle()
    unopened = Socket(None)
    assert broadcast([slow, closed, reading, lost, unopened], "a") == [slow, closed, lost, unopened]
    assert rig.peer_reads() == [(WSMsgType.TEXT, "a", "")]
    assert broadcast([], "a") == []


async def test_broadcast_refuses_what_it_can_not_send() -> None:
    server, rig = opened(SERVER)
    client, client_rig = opened(CLIENT)
    with pytest.raises(TypeError, match="a server"):
        broadcast([server, client], "a")
    assert client_rig.peer_reads() == []
    with pytest.raises(TypeError, match="got int"):
        broadcast([server], 5)  # type: ignore[arg-type]  # the point
    with pytest.raises(ValueError, match="surrogates"):
        broadcast([server], "\ud800")
    assert len(rig.peer_reads()) == 1
