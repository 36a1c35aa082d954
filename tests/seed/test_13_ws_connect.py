"""ClientSession.ws_connect: how a WebSocket is opened."""

import asyncio
import ssl
from typing import Any

import pytest
from yarl import URL

from pronghorn import (
    BasicAuth,
    ClientConnectorCertificateError,
    ClientResponseError,
    ClientSession,
    ClientWebSocketResponse,
    ClientWSTimeout,
    Fingerprint,
    FingerprintMismatch,
    NonHttpUrlClientError,
    ServerTimeoutError,
    WSMsgType,
    WSServerHandshakeError,
)
from pronghorn.client.websocket import DEFAULT_WS_CLIENT_TIMEOUT

from ..functional.programs import HttpProxy, scripted_tls
from ..functional.scripted import OK, Request, answering, scripted, turns, until
from ..tls import certificate, client_context, digest, server_context
from .sockets import CLOSE, PING, PONG, TEXT, Wire, closing, opened, opening

SHORT = 0.02
#: Those of the documents, with their defaults.
DOCUMENTED: dict[str, Any] = {
    "protocols": (),
    "timeout": 10.0,
    "receive_timeout": None,
    "auth": None,
    "autoclose": True,
    "autoping": True,
    "heartbeat": None,
    "origin": None,
    "proxy": None,
    "proxy_auth": None,
    "verify_ssl": None,
    "fingerprint": None,
    "ssl_context": None,
    "proxy_headers": None,
    "compress": 0,
}
OPENING = {"Host", "User-Agent", "Accept", "Accept-Encoding", "Upgrade", "Connection"} | {
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
}


async def asked(path: str = "/", **options: Any) -> Request:
    """The request that opens a WebSocket with these options."""
    async with scripted(opening()) as server, ClientSession() as session:
        async with session.ws_connect(server.url(path), **options):
            pass
        (request,) = server.requests
        return request


@pytest.mark.filterwarnings("ignore:timeout as a number is deprecated:DeprecationWarning")
async def test_s199_ws_connect() -> None:
    for options in ({}, DOCUMENTED, {"max_msg_size": 4 * 1024 * 1024, "decode_text": True, "ssl": True}):
        request = await asked("/a?b=c", **options)
        assert (request.method, request.target) == ("GET", "/a?b=c")
        assert {name.replace("Websocket", "WebSocket") for name in map(str.title, request.fields)} == OPENING
        fields = ("Upgrade", "Connection", "Sec-WebSocket-Version")
        assert [request.fields[name] for name in fields] == ["websocket", "Upgrade", "13"]
    async with scripted(opening()) as server, ClientSession() as session:
        awaited = await session.ws_connect(server.url())
        assert not awaited.closed
        assert await awaited.close()
        async with session.ws_connect(server.url()) as entered:
            assert not entered.closed
        assert entered.closed
        keys = [request.fields["Sec-WebSocket-Key"] for request in server.requests]
        assert len(set(keys)) == 2
        with pytest.raises(TypeError):
            session.ws_connect(server.url(), ())  # type: ignore[call-arg]  # what is tested
        with pytest.raises(TypeError, match="unheard_of"):
            await session.ws_connect(server.url(), unheard_of=1)  # type: ignore[call-arg]  # what is tested
    request = await asked("/a", params={"b": "c"}, headers={"X-A": "1", "Sec-WebSocket-Version": "8"})
    assert (request.target, request.fields["X-A"]) == ("/a?b=c", "1")
    assert request.fields.getall("Sec-WebSocket-Version") == ["13"]


async def test_s200_url() -> None:
    async with (
        scripted(opening()) as plain,
        scripted_tls(server_context(), opening()) as secure,
        ClientSession() as session,
    ):
        for server, schemes in ((plain, ("http", "ws")), (secure, ("https", "wss"))):
            for scheme in schemes:
                for kind in (str, URL):
                    url = kind(f"{scheme}://127.0.0.1:{server.port}/a")
                    async with session.ws_connect(url, ssl=client_context()) as socket:
                        assert (socket.get_extra_info("ssl_object") is not None) is (server is secure)
            assert [request.target for request in server.requests] == ["/a"] * 4
        with pytest.raises(NonHttpUrlClientError):
            await session.ws_connect("ftp://127.0.0.1/")
        with pytest.raises(TypeError):
            await session.ws_connect(5)  # type: ignore[arg-type]  # what is tested
        async with ClientSession(plain.url("/b/")) as based, based.ws_connect("c"):
            assert plain.requests[-1].target == "/b/c"


async def test_s201_protocols() -> None:
    assert "Sec-WebSocket-Protocol" not in (await asked()).fields
    for protocols in (("superchat", "chat"), ["superchat", "chat"], iter(("superchat", "chat"))):
        async with opened(Wire.finish, "Sec-WebSocket-Protocol: chat", protocols=protocols) as (
            socket,
            server,
        ):
            assert socket.protocol == "chat"
            assert server.requests[0].fields.getall("Sec-WebSocket-Protocol") == ["superchat, chat"]
    async with opened(protocols=("chat",)) as (socket, _):
        assert socket.protocol is None
    with pytest.raises(WSServerHandshakeError, match="offered"):
        async with opened(Wire.finish, "Sec-WebSocket-Protocol: other", protocols=("chat",)):
            pass
    for mistake in (("a b",), ("chat", "chat")):
        with pytest.raises(ValueError, match="protocols"):
            await asked(protocols=mistake)


async def deaf(wire: Wire) -> None:
    """Answer nothing, the close frame neither."""
    await wire.peer.rest()


async def test_s202_timeout_of_the_close_handshake() -> None:
    assert ClientWSTimeout(ws_receive=None, ws_close=10.0) == DEFAULT_WS_CLIENT_TIMEOUT
    assert ClientWSTimeout() == ClientWSTimeout(ws_receive=None, ws_close=None)
    async with opened(deaf, timeout=ClientWSTimeout(ws_close=SHORT)) as (socket, server):
        assert await socket.close()
        assert (socket.closed, socket.close_code) == (True, 1006)
        assert isinstance(socket.exception(), TimeoutError)
        await until(lambda: server.peers[0].has_left)
    async with scripted(opening(deaf)) as server, ClientSession() as session:
        with pytest.warns(DeprecationWarning, match=r"ClientWSTimeout\(ws_close="):
            socket = await session.ws_connect(server.url(), timeout=SHORT)
        assert await socket.close()
        assert socket.close_code == 1006
        with pytest.raises(TypeError, match="ClientWSTimeout"):
            await session.ws_connect(server.url(), timeout="1")  # type: ignore[arg-type]  # what is tested


async def test_s203_receive_timeout() -> None:
    async def late(wire: Wire) -> None:
        assert (await wire.frame()).payload == b"now"
        await wire.say(TEXT, b"then")
        await wire.finish()

    async with opened(late, timeout=ClientWSTimeout(ws_receive=SHORT)) as (socket, _):
        with pytest.raises(TimeoutError):
            await socket.receive()
        assert not socket.closed
        await socket.send_str("now")
        assert await socket.receive_str(timeout=30) == "then"
    async with scripted(opening()) as server, ClientSession() as session:
        with pytest.warns(DeprecationWarning, match=r"ClientWSTimeout\(ws_receive="):
            socket = await session.ws_connect(server.url(), receive_timeout=SHORT)
        for receive in (socket.receive, socket.receive_str, socket.receive_bytes, socket.receive_json):
            with pytest.raises(TimeoutError):
                await receive()
        assert await socket.close()
        assert socket.close_code == 1000


async def test_s204_as_of_requests() -> None:
    request = await asked(auth=BasicAuth("user", "secret"))
    assert request.fields["Authorization"] == "Basic dXNlcjpzZWNyZXQ="
    proxy, pin = HttpProxy(), Fingerprint(digest(certificate()))
    secure = scripted_tls(server_context(), opening())
    async with scripted(proxy) as front, secure as server, ClientSession() as session:
        url = f"wss://127.0.0.1:{server.port}/a"
        by_proxy = {"proxy_auth": BasicAuth("user", "secret"), "proxy_headers": {"X-A": "1"}}
        async with session.ws_connect(url, proxy=front.url(), ssl=client_context(), **by_proxy) as socket:
            assert not socket.closed
        assert proxy.targets == [f"CONNECT 127.0.0.1:{server.port}"]
        assert [proxy.fields(name) for name in ("Proxy-Authorization", "X-A")] == [
            ["Basic dXNlcjpzZWNyZXQ="],
            ["1"],
        ]
        assert {"Proxy-Authorization", "X-A"}.isdisjoint(server.requests[0].fields)
        with pytest.raises(ClientConnectorCertificateError):
            await session.ws_connect(url)
        async with session.ws_connect(url, ssl=pin), session.ws_connect(url, ssl=False):
            pass
        trusting: list[tuple[str, Any]] = [
            ("verify_ssl", False),
            ("fingerprint", pin.fingerprint),
            ("ssl_context", client_context()),
        ]
        for name, value in trusting:
            with pytest.warns(DeprecationWarning, match=f"{name} is deprecated: use ssl="):
                socket = await session.ws_connect(url, **{name: value})  # type: ignore[misc]  # each its own
            assert isinstance(socket.get_extra_info("ssl_object"), ssl.SSLObject)
            await socket.close()
        with pytest.raises(FingerprintMismatch):
            await session.ws_connect(url, ssl=Fingerprint(bytes(32)))


async def test_s205_autoclose() -> None:
    answers: list[bytes] = []

    async def leaving(wire: Wire) -> None:
        await wire.say(CLOSE, closing(1001, "bye"))
        answers.append((await wire.frame()).payload)
        wire.peer.close()

    async with opened(leaving) as (socket, _):
        await until(lambda: answers)  # though nobody receives
        assert answers == [closing(1001)]
        assert (await socket.receive()).type is WSMsgType.CLOSE
        assert socket.closed
    answers.clear()
    async with opened(leaving, autoclose=False) as (socket, _):
        assert (await socket.receive()).type is WSMsgType.CLOSE
        assert (socket.closed, answers) == (False, [])
        assert await socket.close(code=4000)
        await until(lambda: answers)
        assert answers == [closing(4000)]
        assert socket.close_code == 1001


async def test_s206_autoping() -> None:
    answers = []

    async def asking(wire: Wire) -> None:
        await wire.say(PING, b"there?")
        answers.append(await wire.frame())
        await wire.say(PONG, b"unasked")
        await wire.say(TEXT, b"text")
        await wire.finish()

    async with opened(asking) as (socket, _):
        await until(lambda: answers)  # though nobody receives
        assert answers == [(PONG, b"there?", True, False)]
        assert await socket.receive_str() == "text"
    async with opened(asking, autoping=False) as (socket, _):
        assert (await socket.receive())[:2] == (WSMsgType.PING, b"there?")
        assert len(answers) == 1
        await socket.pong(b"by hand")
        assert (await socket.receive())[:2] == (WSMsgType.PONG, b"unasked")
        assert await socket.receive_str() == "text"
    assert answers[1:] == [(PONG, b"by hand", True, False)]


async def test_s207_heartbeat() -> None:
    pings = []

    async def dead(wire: Wire) -> None:
        pings.append(await wire.frame())
        await wire.peer.rest()

    async with opened(dead, heartbeat=SHORT) as (socket, server):
        message = await socket.receive()
        assert pings == [(PING, b"", True, False)]
        assert message.type is WSMsgType.ERROR
        assert message.data is socket.exception()
        assert isinstance(message.data, ServerTimeoutError)
        assert (socket.closed, socket.close_code) == (True, 1006)
        await until(lambda: server.peers[0].has_left)

    async def alive(wire: Wire) -> None:
        for _ in range(3):
            frame = await wire.frame()
            await wire.say(PONG, frame.payload)
        await wire.say(TEXT, b"alive")
        await wire.finish()

    async with opened(alive, heartbeat=0.2) as (socket, _):
        assert await socket.receive_str() == "alive"
        assert socket.exception() is None


async def test_s208_origin() -> None:
    assert "Origin" not in (await asked()).fields
    request = await asked(origin="https://example.test", headers={"Origin": "https://other.test"})
    assert request.fields.getall("Origin") == ["https://example.test"]


async def test_s209_compress() -> None:
    assert "Sec-WebSocket-Extensions" not in (await asked(compress=0)).fields
    for bits in range(9, 16):
        offer = (await asked(compress=bits)).fields["Sec-WebSocket-Extensions"]
        assert offer.startswith("permessage-deflate")
        assert ("client_max_window_bits" in offer) is True
        assert (f"server_max_window_bits={bits}" in offer) is (bits < 15)
    for mistake in (-1, 1, 8, 16):
        with pytest.raises(ValueError, match="9 to 15"):
            await asked(compress=mistake)
    frames = []

    async def inflating(wire: Wire) -> None:
        frames.append(await wire.frame())
        await wire.finish()

    agreed = "Sec-WebSocket-Extensions: permessage-deflate"
    async with opened(inflating, agreed, compress=15) as (socket, _):
        assert socket.compress == 15
        await socket.send_str("a" * 10_000)
    assert frames[0].is_compressed
    assert len(frames[0].payload) < 100
    async with opened(inflating, compress=15) as (socket, _):
        assert socket.compress == 0
        await socket.send_str("a" * 10_000)
    assert (len(frames[1].payload), frames[1].is_compressed) == (10_000, False)
    with pytest.raises(WSServerHandshakeError, match="was not offered"):
        async with opened(Wire.finish, agreed):
            pass


async def test_s210_the_handshake_fails() -> None:
    async with opened() as (socket, _):
        assert isinstance(socket, ClientWebSocketResponse)
    missing = b"HTTP/1.1 404 Not Found\r\nX-A: 1\r\nContent-Length: 0\r\n\r\n"
    answers = [
        (answering(OK), 200, "Invalid response status"),
        (answering(missing), 404, "Invalid response"),
        (opening(accepts="bm90IGZvciB0aGlzIHJlcXVlc3Q="), 101, "Sec-WebSocket-Accept"),
        (opening(Wire.finish, "Sec-WebSocket-Extensions: x-other"), 101, "x-other was not offered"),
    ]
    for script, status, words in answers:
        async with scripted(script) as server, ClientSession() as session:
            with pytest.raises(WSServerHandshakeError, match=words) as caught:
                await session.ws_connect(server.url("/a"))
            assert isinstance(caught.value, ClientResponseError)
            assert caught.value.status == status
            assert str(caught.value.request_info.url) == server.url("/a")
            if status == 404:
                assert caught.value.headers is not None
                assert caught.value.headers["X-A"] == "1"
            await until(lambda: server.peers[0].has_left)


async def test_s211_sockets_are_not_made_by_hand() -> None:
    with pytest.raises(TypeError):
        ClientWebSocketResponse()  # type: ignore[call-arg]  # what is tested
    async with scripted(opening()) as server, ClientSession() as session:
        awaited = await session.ws_connect(server.url())
        async with session.ws_connect(server.url()) as entered:
            assert type(awaited) is type(entered) is ClientWebSocketResponse
        await awaited.close()


async def test_s212_closed() -> None:
    async with opened() as (socket, _):
        assert socket.closed is False
        with pytest.raises(AttributeError):
            socket.closed = True  # type: ignore[misc]  # what is tested
        closing_one = asyncio.ensure_future(socket.close())
        await turns()
        assert socket.closed is True
        await closing_one

    async def leaving(wire: Wire) -> None:
        await wire.say(CLOSE, closing(1000))
        await wire.frame()
        wire.peer.close()

    async with opened(leaving) as (socket, _):
        assert (await socket.receive()).type is WSMsgType.CLOSE
        assert socket.closed is True
