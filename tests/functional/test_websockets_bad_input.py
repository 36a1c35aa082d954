"""What no peer should send: refused with the right code, in little memory, and nobody hangs."""

import asyncio
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from pronghorn import ClientSession, WebSocketError, WSMsgType, web
from pronghorn.io.websocket import HIGH_WATER

from ..server.peer import Peer, eventually, served
from .echoing import echo
from .frames import BINARY, CLOSE, FIN, MASK, PING, PONG, TEXT, Wire, close_frame, connected, frame, speaking
from .scripted import scripted, until

MIB = 1024 * 1024
RSV1, RSV2, RSV3 = 0x40, 0x20, 0x10
CONTINUATION = 0
#: Makes the bytes for a reader that wants masks, or does not.
Bytes = Callable[[bool], bytes]


def sends(opcode: int, payload: bytes = b"", first: int = FIN) -> Bytes:
    return lambda masked: frame(opcode, payload, masked=masked, first=first)


def both(*makes: Bytes) -> Bytes:
    return lambda masked: b"".join(make(masked) for make in makes)


def says(first: int, length: bytes) -> Bytes:
    """A header alone, with this length as it stands on the wire."""

    def make(masked: bool) -> bytes:
        bit = 0x80 if masked else 0
        return bytes([first, bit | length[0]]) + length[1:] + (MASK if masked else b"")

    return make


BAD: dict[str, tuple[Bytes, int]] = {
    "the wrong mask": (lambda masked: frame(TEXT, b"a", masked=not masked), 1002),
    "RSV1": (sends(TEXT, b"a", FIN | RSV1), 1002),
    "RSV2": (sends(TEXT, b"a", FIN | RSV2), 1002),
    "RSV3": (sends(PING, b"", FIN | RSV3), 1002),
    **{f"opcode {opcode}": (sends(opcode), 1002) for opcode in (3, 7, 11, 15)},
    "a control frame in parts": (sends(PING, b"", 0), 1002),
    "a control frame of 126 bytes": (sends(PONG, b"x" * 126), 1002),
    "a close frame of 126 bytes": (sends(CLOSE, b"\x03\xe8" + b"x" * 124), 1002),
    "an orphan": (sends(CONTINUATION, b"a"), 1002),
    "a message inside another": (both(sends(TEXT, b"a", 0), sends(TEXT, b"b")), 1002),
    "a length with its highest bit": (says(FIN | BINARY, b"\x7f" + b"\xff" * 8), 1002),
    "2^63 - 1 bytes": (says(FIN | BINARY, b"\x7f\x7f" + b"\xff" * 7), 1009),
    "too many bytes": (says(FIN | BINARY, b"\x7f" + struct.pack("!Q", 4 * MIB + 1)), 1009),
    "too many bytes in parts": (
        both(*[sends(BINARY if part == 0 else CONTINUATION, bytes(MIB), 0) for part in range(5)]),
        1009,
    ),
    "one byte too long a form": (says(FIN | BINARY, b"\x7e\x00\x01"), 1002),
    "too many empty frames": (
        both(sends(TEXT, b"", 0), *[sends(CONTINUATION, b"", 0)] * 20_000),
        1008,
    ),
    "text that is none": (sends(TEXT, b"\xce\xba\xff"), 1007),
    "text that is none in parts": (both(sends(TEXT, b"\xf0\x9f", 0), sends(CONTINUATION, b"(", 0)), 1007),
    "text that ends too soon": (sends(TEXT, b"\xf0\x9f\x92"), 1007),
    "a surrogate": (sends(TEXT, b"\xed\xa0\x80"), 1007),
    "half a code": (sends(CLOSE, b"\x03"), 1002),
    **{
        f"code {code}": (sends(CLOSE, struct.pack("!H", code)), 1002)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)
    },
    "a reason that is no text": (sends(CLOSE, b"\x03\xe8\xff"), 1007),
}
BAD_INPUT = pytest.mark.parametrize(("make", "code"), BAD.values(), ids=BAD)


@BAD_INPUT
async def test_our_server_refuses(make: Bytes, code: int) -> None:
    found: list[Any] = []

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            found.append(message)  # noqa: PERF401 - as they come
        found.append((socket.close_code, socket.exception()))
        return socket

    async with served(handler) as peer:
        wire = await connected(peer)
        wire.send(TEXT, b"before")
        wire.write(make(True))
        wire.send(TEXT, b"behind")
        answer = await wire.read()
        assert (answer.opcode, answer.code) == (CLOSE, code)
        assert answer.payload[2:].decode()
        assert len(answer.payload) <= 125
        peer.end()
        await eventually(lambda: len(found) == 3)
    before, error, (close_code, exception) = found
    assert before.data == "before"
    assert error.type is WSMsgType.ERROR
    assert isinstance(error.data, WebSocketError)
    assert error.data is exception
    assert close_code == error.data.code == code


@BAD_INPUT
async def test_our_client_refuses(make: Bytes, code: int) -> None:
    answers: list[Any] = []

    async def script(wire: Wire) -> None:
        wire.write(make(False))
        wire.send(TEXT, b"behind")
        answers.append(await wire.read())
        wire.peer.close()

    async with scripted(speaking(script, frame(TEXT, b"before"))) as server, ClientSession() as session:
        socket = await session.ws_connect(server.url())
        assert await socket.receive_str() == "before"
        message = await socket.receive()
        assert message.type is WSMsgType.ERROR
        assert isinstance(message.data, WebSocketError)
        assert socket.close_code == message.data.code == code
        assert (await socket.receive()).type is WSMsgType.CLOSED
        assert not await socket.close()
        await until(lambda: answers)
    assert (answers[0].opcode, answers[0].code, answers[0].masked) == (CLOSE, code, True)


async def test_messages_before_an_error_are_answered() -> None:
    async with served(echo()) as peer:
        wire = await connected(peer)
        wire.write(frame(TEXT, b"a", masked=True) * 100 + b"\xff\xff")
        for _ in range(100):
            assert (await wire.read()).payload == b"a"
        assert (await wire.read()).code == 1002
        assert await wire.is_at_end()


# Compression


def deflated(data: bytes) -> bytes:
    compress = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (compress.compress(data) + compress.flush(zlib.Z_SYNC_FLUSH))[:-4]


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (deflated(bytes(100 * MIB)), 1009),
        (deflated(bytes(4 * MIB + 1)), 1009),
        (deflated(bytes(4 * MIB)), 0),
        (b"\xff\xff\xff\xff", 1002),
        (deflated(b"\xff"), 0),
    ],
    ids=["bomb", "one too many", "the limit", "no deflate", "binary"],
)
async def test_a_bomb_is_refused(payload: bytes, code: int) -> None:
    """What counts are the bytes that it becomes."""
    async with served(echo()) as peer:
        wire = await connected(peer, Sec_WebSocket_Extensions="permessage-deflate")
        wire.send(BINARY, payload, first=FIN | RSV1)
        answer = await wire.read()
        if code:
            assert (answer.opcode, answer.code) == (CLOSE, code)
        else:
            assert answer.opcode == BINARY


async def test_a_bomb_for_our_client() -> None:
    async def script(wire: Wire) -> None:
        wire.send(BINARY, deflated(bytes(100 * MIB)), first=FIN | RSV1)
        await wire.read()
        wire.peer.close()

    server_says = {"Sec_WebSocket_Extensions": "permessage-deflate"}
    async with scripted(speaking(script, **server_says)) as server, ClientSession() as session:
        socket = await session.ws_connect(server.url(), compress=15, max_msg_size=1000)
        message = await socket.receive()
        assert message.type is WSMsgType.ERROR
        assert socket.close_code == 1009
        await socket.close()


# Floods


async def pour(peer: Peer, data: bytes) -> int:
    """Send ``data`` again and again, as long as it is taken; how many bytes that were."""
    sent = 0
    try:
        while sent < 256 * MIB:
            peer.send(data)
            async with asyncio.timeout(0.5):
                await peer.writer.drain()
            sent += len(data)
    except TimeoutError:
        pass
    return sent


@pytest.mark.parametrize("kind", ["large", "small", "empty", "compressed", "pings"])
async def test_a_flood_at_a_handler_that_does_not_receive_is_stopped(kind: str) -> None:
    sockets: list[Any] = []
    is_over = asyncio.Event()

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoping=kind != "pings")
        sockets.append(socket)
        await socket.prepare(request)
        await is_over.wait()
        return socket

    async with served(handler) as peer:
        await connected(peer, Sec_WebSocket_Extensions="permessage-deflate")
        piece = {
            "large": frame(BINARY, bytes(100_000), masked=True),
            "small": frame(TEXT, b"x", masked=True) * 10_000,
            "empty": frame(TEXT, b"", masked=True) * 10_000,
            "compressed": frame(BINARY, deflated(bytes(100_000)), masked=True, first=FIN | RSV1) * 100,
            "pings": frame(PING, b"", masked=True) * 10_000,
        }[kind]
        sent = await pour(peer, piece)
        assert sent < 64 * MIB  # what the kernel takes on both sides
        endpoint = sockets[0]._endpoint
        assert endpoint.channel.is_reading_paused
        assert endpoint._held < HIGH_WATER + 10 * MIB
        assert len(endpoint.queue) < 20_000
        is_over.set()


async def test_pings_of_a_client_that_does_not_read() -> None:
    """Of pongs that nobody reads, none is kept but the last."""
    sizes: list[int] = []

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(writer_limit=1000)
        await socket.prepare(request)
        transport = request.transport
        async for _ in socket:
            sizes.append(  # noqa: PERF401 - as they come
                0 if transport is None else transport.get_write_buffer_size()
            )
        return socket

    async with served(handler) as peer:
        wire = await connected(peer)
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport of asyncio's
        pings = frame(PING, b"x" * 125, masked=True) * 1000
        for _ in range(100):
            peer.send(pings)
            wire.send(TEXT, b"a")
            await peer.writer.drain()
        await eventually(lambda: len(sizes) == 100)
        assert max(sizes) < 100_000
        peer.writer.transport.resume_reading()  # type: ignore[attr-defined]  # the same
        wire.close(1000)
        while (await wire.read()).opcode == PONG:
            pass


async def test_a_flood_behind_the_handshake_waits_for_the_switch() -> None:
    """A middleware of the client's may take its time: no more than a read is kept meanwhile."""
    is_over = asyncio.Event()
    sent = 0

    async def slowly(request: Any, handler: Any) -> Any:
        response = await handler(request)
        await is_over.wait()
        return response

    async def script(wire: Wire) -> None:
        nonlocal sent
        data = frame(BINARY, bytes(100_000))
        while sent < 256 * MIB:
            wire.write(data)
            await wire.peer.writer.drain()
            sent += len(data)

    async with scripted(speaking(script)) as server, ClientSession(middlewares=[slowly]) as session:
        connecting = asyncio.ensure_future(session.ws_connect(server.url()))
        before = -1
        while before != sent or not sent:
            before = sent
            await asyncio.sleep(0.1)
        assert sent < 64 * MIB
        is_over.set()
        socket = await connecting
        for _ in range(10):
            assert len(await socket.receive_bytes()) == 100_000
        server.peers[0].reset()
        while not socket.closed:
            await socket.receive()


# The other end of a byte


@pytest.mark.parametrize("at", range(1, 12))
async def test_the_end_in_the_middle(at: int) -> None:
    codes: list[Any] = []

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for _ in socket:
            pass
        codes.append(socket.close_code)
        return socket

    async with served(handler) as peer:
        wire = await connected(peer)
        wire.write(close_frame(1000, b"reason", masked=True)[:at])
        wire.end()
        assert await wire.is_at_end()
        await eventually(lambda: codes)
    assert codes == [1006]
