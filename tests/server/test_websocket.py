"""`WebSocketResponse` against a client of bytes: how it is opened and refused, what its options do.

How it ends is in tests/functional/test_websockets_closing.py.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pronghorn import WSMsgType, web
from pronghorn.testing.memory import make_request
from pronghorn.wire.websocket.deflate_offers import DeflateOptions

from ..functional.echoing import echo
from ..functional.frames import ACCEPT, BINARY, CLOSE, PING, PONG, TEXT, Wire, connected, request
from .peer import GET, Answer, eventually, served

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def wired(handler: Handler, **fields: str | None) -> AsyncIterator[Wire]:
    """A WebSocket to ``handler``."""
    async with served(handler) as peer:
        yield await connected(peer, **fields)


async def answer_to(asked: bytes, **options: Any) -> Answer:
    """What ``asked`` is answered by an echo with these options; another request can follow."""
    async with served(echo(**options)) as peer:
        peer.send(asked)
        answer = await peer.answer()
        if answer.status != 101:
            peer.send(GET)
            assert (await peer.answer()).status == 426
        return answer


# Opening


async def test_the_answer_that_opens() -> None:
    answer = await answer_to(request())
    assert (answer.version, answer.status, answer.reason) == ("HTTP/1.1", 101, "Switching Protocols")
    fields = dict(answer.fields)
    assert fields.pop("date")
    assert fields.pop("server")
    assert fields == {"upgrade": "websocket", "connection": "Upgrade", "sec-websocket-accept": ACCEPT}


async def test_fields_of_the_handler_are_sent() -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        socket.headers["X-Mine"] = "1"
        await socket.prepare(request)
        return socket

    async with served(handler) as peer:
        peer.send(request())
        answer = await peer.answer()
        assert answer["x-mine"] == "1"
        assert "content-type" not in answer
        assert "content-length" not in answer


REFUSED: dict[str, tuple[bytes, int, str]] = {
    "plain": (GET, 426, "Upgrade: expected websocket"),
    "method": (request("POST", Content_Length="0"), 405, "WebSocket: expected GET, got POST"),
    "upgrade": (request(Upgrade="h2c"), 426, "Upgrade: expected websocket"),
    "connection": (request(Connection="keep-alive"), 400, "Connection: expected upgrade"),
    "no key": (request(Sec_WebSocket_Key=None), 400, "Sec-WebSocket-Key: expected one, 16 octets in base64"),
    "short key": (
        request(Sec_WebSocket_Key="AAAA"),
        400,
        "Sec-WebSocket-Key: expected one, 16 octets in base64",
    ),
    "no version": (request(Sec_WebSocket_Version=None), 426, "Sec-WebSocket-Version: expected 13, got none"),
    "old version": (request(Sec_WebSocket_Version="8"), 426, "Sec-WebSocket-Version: expected 13, got '8'"),
    "protocols": (request(Sec_WebSocket_Protocol="a b"), 400, "Sec-WebSocket-Protocol: expected tokens"),
    "content": (request(Content_Length="3") + b"abc", 400, "WebSocket: expected no content"),
    "chunks": (
        request(Transfer_Encoding="chunked") + b"3\r\nabc\r\n0\r\n\r\n",
        400,
        "WebSocket: expected no content",
    ),
}


@pytest.mark.parametrize(("asked", "status", "text"), REFUSED.values(), ids=REFUSED)
async def test_what_opens_nothing_is_refused(asked: bytes, status: int, text: str) -> None:
    answer = await answer_to(asked)
    assert answer.status == status
    assert answer.text.startswith(text)
    if status == 426:
        assert answer["upgrade"] == "websocket"
    if "Version" in text:
        assert answer["sec-websocket-version"] == "13"
    if status == 405:
        assert answer["allow"] == "GET"


async def test_http_1_0_opens_nothing() -> None:
    async with served(echo()) as peer:
        peer.send(request(version="1.0"))
        answer = await peer.answer()
        assert (answer.status, answer.text) == (400, "WebSocket: expected HTTP/1.1")


async def test_content_behind_a_refusal_is_no_request() -> None:
    """What was offered to be switched to stays the content of that request."""
    inner = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    paths = []

    async def handler(request: web.Request) -> web.StreamResponse:
        paths.append(request.path)
        if request.path != "/ws":
            return web.Response(text="next")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        return socket

    async with served(handler) as peer:
        peer.send(request(Content_Length=str(len(inner))) + inner)
        peer.request(target="/next")
        assert (await peer.answer()).status == 400
        assert (await peer.answer()).text == "next"
    assert paths == ["/ws", "/next"]


async def test_the_connection_serves_before_and_after_a_refusal() -> None:
    async with served(echo()) as peer:
        assert (await peer.ask()).status == 426
        peer.send(request(Sec_WebSocket_Version="8"))
        assert (await peer.answer()).status == 426
        wire = await connected(peer)
        wire.send(TEXT, b"a")
        assert (await wire.read()).payload == b"a"


async def test_can_prepare() -> None:
    found: list[Any] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=["chat"])
        ready = socket.can_prepare(request)
        found.append((bool(ready), ready.ok, ready.protocol, socket.prepared))
        if not ready:
            return web.Response(text="no socket")
        await socket.prepare(request)
        await socket.prepare(request)  # does nothing
        assert socket.prepared
        with pytest.raises(RuntimeError, match="open already"):
            socket.can_prepare(request)
        return socket

    async with served(handler) as peer:
        assert (await peer.ask()).text == "no socket"
        await connected(peer, Sec_WebSocket_Protocol="chat")
    assert found == [(False, False, None, False), (True, True, "chat", False)]


async def test_a_request_on_no_connection() -> None:
    socket = web.WebSocketResponse()
    with pytest.raises(web.HTTPUpgradeRequired):
        await socket.prepare(make_request())
    assert not socket.prepared
    with pytest.raises(TypeError, match="expected a request"):
        await socket.prepare(object())  # type: ignore[arg-type]  # the point


# Origins


@pytest.mark.parametrize(
    ("origins", "origin", "status"),
    [
        (None, "https://evil.example", 101),
        (["https://good.example"], "https://good.example", 101),
        (["https://good.example"], "HTTPS://GOOD.example", 101),
        (["https://good.example"], "https://evil.example", 403),
        (["https://good.example"], "https://good.example.evil.example", 403),
        (["https://good.example"], "http://good.example", 403),
        (["https://good.example"], "null", 403),
        (["https://good.example"], None, 403),
        (["https://good.example", None], None, 101),
        ([], "https://good.example", 403),
    ],
)
async def test_origins(origins: list[str | None] | None, origin: str | None, status: int) -> None:
    answer = await answer_to(request(Origin=origin), origins=origins)
    assert answer.status == status
    if status == 403:
        assert answer.text == "Origin: not allowed"


# Sub-protocols and compression


@pytest.mark.parametrize(
    ("asked", "chosen"), [("a, b", "a"), ("b, a", "b"), ("x,b", "b"), ("x", None), ("A", None), (None, None)]
)
async def test_the_client_gets_the_sub_protocol_that_it_prefers(
    asked: str | None, chosen: str | None
) -> None:
    sockets = []

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=iter(["a", "b"]))
        await socket.prepare(request)
        sockets.append(socket)
        return socket

    async with served(handler) as peer:
        peer.send(request(Sec_WebSocket_Protocol=asked))
        answer = await peer.answer()
    assert dict(answer.fields).get("sec-websocket-protocol") == chosen
    assert sockets[0].ws_protocol == chosen


@pytest.mark.parametrize(
    ("compress", "asked", "said", "bits"),
    [
        (True, "permessage-deflate; client_max_window_bits", True, 12),
        (True, "permessage-deflate; server_max_window_bits=9", True, 9),
        (DeflateOptions(window_bits=15), "permessage-deflate", True, 15),
        (False, "permessage-deflate", False, 0),
        (True, "x-other", False, 0),
        (True, None, False, 0),
        (True, "permessage-deflate; unknown", False, 0),
    ],
)
async def test_compression_is_agreed_to(
    compress: bool | DeflateOptions, asked: str | None, said: bool, bits: int
) -> None:
    sockets = []

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=compress)
        await socket.prepare(request)
        sockets.append(socket)
        await socket.send_str("x" * 1000)
        return socket

    async with served(handler) as peer:
        peer.send(request(Sec_WebSocket_Extensions=asked))
        answer = await peer.answer()
        assert ("sec-websocket-extensions" in answer) is said
        sent = await Wire(peer, masks=True).read()
        assert len(sent.payload) == 1000 or said
        assert bool(sent.first & 0x40) is said
    assert sockets[0].compress == bits


# Messages


async def test_messages_both_ways() -> None:
    async with wired(echo()) as wire:
        for opcode, payload in ((TEXT, b"a"), (BINARY, b"\0" * 70_000), (TEXT, b""), (BINARY, b"x" * 126)):
            wire.send(opcode, payload)
            frame = await wire.read()
            assert (frame.first, frame.payload, frame.masked) == (0x80 | opcode, payload, False)


async def test_a_message_behind_the_handshake() -> None:
    async with served(echo()) as peer:
        wire = Wire(peer, masks=True)
        peer.send(request())
        wire.send(TEXT, b"early")
        assert (await peer.answer()).status == 101
        assert (await wire.read()).payload == b"early"


@pytest.mark.parametrize("last", ["close", "nothing"])
async def test_all_of_it_and_the_end_at_once(last: str) -> None:
    async with served(echo()) as peer:
        wire = Wire(peer, masks=True)
        peer.send(request())
        wire.send(TEXT, b"early")
        if last == "close":
            wire.close(1000)
        wire.end()
        assert (await peer.answer()).status == 101
        rest = await peer.rest()
        if last == "close":
            assert rest == b"\x81\x05early\x88\x02\x03\xe8"


async def test_text_can_be_left_as_bytes() -> None:
    found: list[Any] = []

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(decode_text=False)
        await socket.prepare(request)
        found.append(await socket.receive())
        return socket

    async with wired(handler) as wire:
        wire.send(TEXT, b"\xff")
        await wire.read()
    assert found[0] == (WSMsgType.TEXT, b"\xff", "")


async def test_pings_are_answered_though_the_handler_does_something_else() -> None:
    release = asyncio.Event()

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await release.wait()
        return socket

    async with wired(handler) as wire:
        wire.send(PING, b"there?")
        frame = await wire.read()
        assert (frame.opcode, frame.payload) == (PONG, b"there?")
        release.set()
        assert (await wire.read()).code == 1000


@pytest.mark.parametrize(("limit", "size", "fits"), [(10, 10, True), (10, 11, False), (0, 5 * 2**20, True)])
async def test_messages_are_limited(limit: int, size: int, fits: bool) -> None:
    async with wired(echo(max_msg_size=limit)) as wire:
        wire.send(BINARY, b"x" * size)
        frame = await wire.read()
        assert frame.opcode == (BINARY if fits else CLOSE)
        if not fits:
            assert frame.code == 1009
            assert frame.payload[2:] == b"message: longer than 10 bytes"


async def test_a_sender_waits_for_a_client_that_does_not_read() -> None:
    sent = []

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(writer_limit=64 * 1024)
        await socket.prepare(request)
        for _ in range(1000):
            await socket.send_bytes(bytes(64 * 1024))
            sent.append(64 * 1024)
        return socket

    async with served(handler) as peer:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport of asyncio's
        peer.send(request())
        await eventually(lambda: sent)
        before = -1
        while before != len(sent):
            before = len(sent)
            await asyncio.sleep(0.05)
        assert len(sent) < 300  # what the kernel takes
        peer.vanish()


async def test_the_writer_limit() -> None:
    limits: list[Any] = []

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(writer_limit=1234)
        await socket.prepare(request)
        assert request.transport is not None
        limits.append(request.transport.get_write_buffer_limits())
        return socket

    async with wired(handler) as wire:
        await wire.read()
    assert limits == [(1234 // 4, 1234)]


async def test_what_a_websocket_does_not_do() -> None:
    socket = web.WebSocketResponse()
    with pytest.raises(RuntimeError, match=r"Cannot call \.write\(\) for websocket"):
        await socket.write(b"")
    assert socket.status == 101


async def test_a_request_that_opens_two() -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        first, second = web.WebSocketResponse(), web.WebSocketResponse()
        await first.prepare(request)
        with pytest.raises(RuntimeError):
            await second.prepare(request)
        assert not second.prepared
        return first

    async with wired(handler) as wire:
        assert (await wire.read()).code == 1000


async def test_a_client_that_has_gone_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """It closes its side before the handler opens the WebSocket."""
    release = asyncio.Event()
    errors: list[Exception] = []
    requests: list[Any] = []

    async def handler(request: web.Request) -> web.WebSocketResponse:
        requests.append(request)
        await release.wait()
        socket = web.WebSocketResponse()
        try:
            await socket.prepare(request)
        except ConnectionResetError as error:
            errors.append(error)
            raise
        return socket

    with caplog.at_level(logging.WARNING):
        async with served(handler) as peer:
            peer.send(request())
            peer.end()
            await eventually(lambda: requests and requests[0]._connection._has_peer_ended)
            release.set()
            await peer.rest()
            await eventually(lambda: errors)
    assert not caplog.records
