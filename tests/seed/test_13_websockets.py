"""ClientWebSocketResponse: an open WebSocket of a client."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pronghorn import (
    ClientConnectionResetError,
    ClientWebSocketResponse,
    ClientWSTimeout,
    WebSocketError,
    WSCloseCode,
    WSMessage,
    WSMessageTypeError,
    WSMsgType,
)

from ..functional.scripted import turns, until
from .sockets import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Wire, closing, heard, opened

Socket = ClientWebSocketResponse


async def silent(wire: Wire) -> None:
    """Answer nothing, until the client has left."""
    await wire.peer.rest()


def saying(*frames: tuple[int, bytes]) -> Callable[[Wire], Awaitable[Any]]:
    async def script(wire: Wire) -> None:
        for opcode, payload in frames:
            await wire.say(opcode, payload)
        await wire.finish()

    return script


async def test_s213_protocol() -> None:
    async with opened(Wire.finish, "Sec-WebSocket-Protocol: b", protocols=("a", "b")) as (socket, _):
        assert socket.protocol == "b"
    async with opened(protocols=("a", "b")) as (socket, _):
        assert socket.protocol is None
        with pytest.raises(AttributeError):
            socket.protocol = "a"  # type: ignore[misc]  # what is tested


async def test_s214_get_extra_info() -> None:
    async with opened() as (socket, server):
        assert socket.get_extra_info("peername") == ("127.0.0.1", server.port)
        assert socket.get_extra_info("ssl_object") is None
        assert socket.get_extra_info("unheard of") is None
        assert socket.get_extra_info("unheard of", 5) == 5
        assert socket.get_extra_info("unheard of", default=5) == 5


async def test_s215_exception() -> None:
    async def breaking(wire: Wire) -> None:
        await wire.say(CONTINUATION, b"of nothing")
        assert (await wire.frame())[:1] == (CLOSE,)
        wire.peer.close()

    async with opened() as (socket, _):
        assert socket.exception() is None
        await socket.close()
        assert socket.exception() is None
    async with opened(breaking) as (socket, _):
        message = await socket.receive()
        assert message.type is WSMsgType.ERROR
        error = socket.exception()
        assert error is message.data
        assert isinstance(error, WebSocketError)
        assert error.code == socket.close_code == WSCloseCode.PROTOCOL_ERROR


async def test_s216_ping() -> None:
    async def send(socket: Socket) -> None:
        socket.ping()
        socket.ping("h\u00e9")
        await socket.ping(b"awaited")
        await asyncio.create_task(socket.pong("p"))
        with pytest.raises(ValueError, match="125"):
            socket.ping(bytes(126))
        with pytest.raises(TypeError):
            socket.ping(5)  # type: ignore[arg-type]  # what is tested

    assert [frame[:2] for frame in await heard(send)] == [
        *((PING, b""), (PING, "h\u00e9".encode()), (PING, b"awaited"), (PONG, b"p"))
    ]


async def test_s217_send_str() -> None:
    texts = ["text", "", "h\u00e9llo", "a" * 126, "b" * 65536]

    async def send(socket: Socket) -> None:
        for text in texts:
            await socket.send_str(text)
        for mistake in (b"text", None, 5):
            with pytest.raises(TypeError, match="send_str: expected a str"):
                await socket.send_str(mistake)  # type: ignore[arg-type]  # what is tested

    assert await heard(send) == [(TEXT, text.encode(), True, False) for text in texts]


async def test_s218_send_bytes() -> None:
    pieces = [b"text", bytearray(b"\0\xff"), memoryview(b"abcdef")[::2], b"a" * 65536]

    async def send(socket: Socket) -> None:
        for piece in pieces:
            await socket.send_bytes(piece)
        for mistake in ("text", None, [1]):
            with pytest.raises(TypeError, match="send_bytes: expected bytes"):
                await socket.send_bytes(mistake)  # type: ignore[arg-type]  # what is tested

    assert await heard(send) == [(BINARY, bytes(piece), True, False) for piece in pieces]


async def test_s219_send_json() -> None:
    async def send(socket: Socket) -> None:
        await socket.send_json({"a": [1, None, "\u00e9"]})
        await socket.send_json({"a": 1}, dumps=lambda data: f"own {data['a']}")
        await socket.send_json("a" * 1000, 0)
        await socket.send_json("a" * 1000, compress=1)

    plain, own, large, packed = await heard(send)
    assert plain == (TEXT, json.dumps({"a": [1, None, "\u00e9"]}).encode(), True, False)
    assert own == (TEXT, b"own 1", True, False)
    assert large == packed  # where nobody has agreed to compress


async def test_s220_nothing_is_sent_once_it_closes() -> None:
    async def leaving(wire: Wire) -> None:
        await wire.say(CLOSE, closing(1000))
        assert await wire.frame() == (CLOSE, closing(1000), True, False)
        assert await wire.peer.rest() == b""  # and nothing behind it

    async with opened(leaving) as (left, _), opened() as (closed, _):
        await until(lambda: left.close_code)
        await closed.close()
        for socket in (left, closed):
            for send in (
                lambda socket=socket: socket.send_json({}),
                lambda socket=socket: socket.send_str(""),
                lambda socket=socket: socket.send_bytes(b""),
                lambda socket=socket: socket.send_frame(b"", WSMsgType.TEXT),
            ):
                with pytest.raises(ClientConnectionResetError, match="Cannot write to closing transport"):
                    await send()


async def test_s221_what_is_no_json() -> None:
    circle: list[Any] = []
    circle.append(circle)

    async def send(socket: Socket) -> None:
        for mistake, kind in ((object(), TypeError), ({1}, TypeError), (circle, ValueError)):
            with pytest.raises(kind) as said:
                json.dumps(mistake)
            with pytest.raises(kind) as caught:
                await socket.send_json(mistake)
            assert str(caught.value) == str(said.value)

    assert await heard(send) == []


async def test_s222_dumps_gives_a_str() -> None:
    async def send(socket: Socket) -> None:
        for mistake in (b"{}", None):
            with pytest.raises(TypeError, match="expected a str"):
                await socket.send_json({}, dumps=lambda _, mistake=mistake: mistake)

    assert await heard(send) == []


async def check_close(options: dict[str, Any], payload: bytes) -> None:
    """``payload`` is what the close frame carries, and its answer is waited for."""
    frames, may_answer = [], asyncio.Event()

    async def asked(wire: Wire) -> None:
        frames.append(await wire.frame())
        await may_answer.wait()
        await wire.say(CLOSE, closing(4001, "answer"))
        wire.peer.close()

    async with opened(asked) as (socket, _):
        ending = asyncio.ensure_future(socket.close(**options))
        await until(lambda: frames)
        assert (socket.closed, ending.done()) == (True, False)
        assert frames == [(CLOSE, payload, True, False)]
        may_answer.set()
        assert await ending is True
        assert socket.close_code == 4001
        assert await socket.close() is False


async def test_s223_close() -> None:
    await check_close({}, closing(1000))
    await check_close({"code": 4000}, closing(4000))
    await check_close({"code": WSCloseCode.GOING_AWAY, "message": b"bye"}, closing(1001, "bye"))
    await check_close({"message": "tsch\u00fcs"}, closing(1000, "tsch\u00fcs"))
    async with opened() as (socket, _):
        for code in (0, 999, 1005, 1006, 1015, 5000):
            with pytest.raises(ValueError, match=str(code)):
                await socket.close(code=code)
        with pytest.raises(ValueError, match="123"):
            await socket.close(message="a" * 124)
        assert not socket.closed
        with pytest.raises(TypeError):
            await socket.close(1000)  # type: ignore[misc]  # what is tested


async def test_s224_receive() -> None:
    frames = [(PING, b""), (TEXT, b"text"), (PONG, b""), (BINARY, b"\0"), (CLOSE, closing(1001, "bye"))]
    async with opened(saying(*frames)) as (socket, _):
        assert (await socket.receive())[:2] == (WSMsgType.TEXT, "text")
        assert (await socket.receive())[:2] == (WSMsgType.BINARY, b"\0")
        assert await socket.receive() == (WSMsgType.CLOSE, WSCloseCode.GOING_AWAY, "bye")
        assert await socket.receive() == (WSMsgType.CLOSED, None, None)
        assert (socket.closed, socket.close_code) == (True, 1001)
    async with opened(silent) as (socket, _):
        receiving = asyncio.ensure_future(socket.receive())
        await turns()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.close(), 0.02)
        assert (await receiving).type is WSMsgType.CLOSING

    async def vanishing(wire: Wire) -> None:
        wire.peer.close()

    async with opened(vanishing) as (socket, _):
        assert (await socket.receive()).type is WSMsgType.CLOSED
        assert socket.close_code == WSCloseCode.ABNORMAL_CLOSURE


async def test_s225_receive_str() -> None:
    async with opened(saying((TEXT, "h\u00e9llo".encode()), (BINARY, b"text"))) as (socket, _):
        assert await socket.receive_str() == "h\u00e9llo"
        with pytest.raises(TypeError, match=r"b'text' is not WSMsgType\.TEXT") as caught:
            await socket.receive_str()
        assert type(caught.value) is WSMessageTypeError
        with pytest.raises(TimeoutError):
            await socket.receive_str(timeout=0.01)


async def test_s226_receive_bytes() -> None:
    async with opened(saying((BINARY, b"\0\xff"), (TEXT, b"text"))) as (socket, _):
        assert await socket.receive_bytes() == b"\0\xff"
        with pytest.raises(TypeError, match=r"'text' is not WSMsgType\.BINARY") as caught:
            await socket.receive_bytes()
        assert type(caught.value) is WSMessageTypeError
        with pytest.raises(TimeoutError):
            await socket.receive_bytes(timeout=0.01)


async def test_s227_receive_json() -> None:
    frames = [(TEXT, b'{"a": [1, null]}'), (TEXT, b"own"), (TEXT, b"{"), (BINARY, b"{}")]
    async with opened(saying(*frames)) as (socket, _):
        assert await socket.receive_json() == {"a": [1, None]}
        assert await socket.receive_json(loads=str.upper) == "OWN"
        with pytest.raises(ValueError, match="Expecting"):
            await socket.receive_json()
        with pytest.raises(TypeError):
            await socket.receive_json()
        with pytest.raises(TimeoutError):
            await socket.receive_json(timeout=0.01)


async def test_s228_the_wait_for_the_answer_is_limited() -> None:
    for limit in (asyncio.wait_for, bounded):
        async with opened(silent) as (socket, server):
            with pytest.raises(TimeoutError):
                await limit(socket.close(), 0.02)
            assert (socket.closed, socket.close_code) == (True, 1006)
            await until(lambda server=server: server.peers[0].has_left)
    async with opened(silent, timeout=ClientWSTimeout(ws_close=0.02)) as (socket, server):
        assert await socket.close()  # of itself
        assert socket.close_code == 1006
        await until(lambda: server.peers[0].has_left)


async def bounded(closing: Awaitable[bool], seconds: float) -> None:
    """By asyncio.wait, which does not cancel what it has waited for."""
    task = asyncio.ensure_future(closing)
    _, left = await asyncio.wait([task], timeout=seconds)
    if left:
        task.cancel()
        await asyncio.wait(left)
        raise TimeoutError


async def test_s229_what_later_versions_add() -> None:
    async def send(socket: Socket) -> None:
        assert (socket.close_code, socket.compress, socket.client_notakeover) == (None, 0, False)
        await socket.send_frame(b"text", WSMsgType.TEXT)
        await socket.send_frame(b"\0", WSMsgType.BINARY)
        await socket.send_frame(b"a", WSMsgType.PING)
        await socket.send_json_bytes({"a": 1}, dumps=lambda data: json.dumps(data).encode())
        with pytest.raises(ValueError, match="send_frame"):
            await socket.send_frame(b"", WSMsgType.CLOSE)

    assert [frame[:2] for frame in await heard(send)] == [
        *((TEXT, b"text"), (BINARY, b"\0"), (PING, b"a"), (TEXT, b'{"a": 1}'))
    ]
    agreed = "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover"
    async with opened(Wire.finish, f"{agreed}; client_max_window_bits=10", compress=15) as (socket, _):
        assert (socket.compress, socket.client_notakeover) == (10, True)
    async with opened(saying((TEXT, b"a"), (BINARY, b"b"), (CLOSE, closing(1000)))) as (socket, _):
        assert [message.data async for message in socket] == ["a", b"b"]
        assert socket.closed
    async with opened(saying((TEXT, b"a"))) as (socket, _):
        async with socket as entered:
            assert entered is socket
            assert isinstance(await socket.receive(), WSMessage)
            receiving = asyncio.ensure_future(socket.receive())
            await turns()
            with pytest.raises(RuntimeError, match="Concurrent"):
                await socket.receive()
            receiving.cancel()
            await asyncio.wait([receiving])
        assert socket.closed
