"""`ws_connect` against a server of bytes: what it asks, what it accepts, what the socket tells of itself."""

import asyncio
from typing import Any

import pytest

from pronghorn import (
    BasicAuth,
    ClientConnectorError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ServerDisconnectedError,
    TooManyRedirects,
    WSMsgType,
    WSServerHandshakeError,
)
from pronghorn.wire.websocket.deflate_offers import DeflateOptions

from ..functional.frames import TEXT, Wire, frame, speaking, switching
from ..functional.listening import nothing_connected
from ..functional.scripted import OK, Peer, answering, scripted, silent, until
from .websocket_servers import echo, finish, opened


async def asked(**options: Any) -> Any:
    """The request that ``options`` make."""
    async with opened(**options) as (_, server):
        (request,) = server.requests
        return request


# What is asked


async def test_the_request() -> None:
    request = await asked()
    assert (request.method, request.target) == ("GET", "/")
    fields = request.fields
    assert fields.getall("Upgrade") == ["websocket"]
    assert fields.getall("Connection") == ["Upgrade"]
    assert fields.getall("Sec-WebSocket-Version") == ["13"]
    assert len(fields["Sec-WebSocket-Key"]) == 24
    assert not {"Origin", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Content-Length"} & set(
        fields
    )
    assert (await asked()).fields["Sec-WebSocket-Key"] != fields["Sec-WebSocket-Key"]


async def test_what_the_caller_says() -> None:
    request = await asked(
        headers={"X-A": "1", "Cookie": "b=2"},
        origin="https://o.example",
        auth=BasicAuth("u", "p"),
        params={"q": "1"},
    )
    assert request.target == "/?q=1"
    assert request.fields["X-A"] == "1"
    assert request.fields["Cookie"] == "b=2"
    assert request.fields["Origin"] == "https://o.example"
    assert request.fields["Authorization"] == "Basic dTpw"


async def test_fields_of_the_handshake_are_not_the_callers() -> None:
    """As they are when somebody copies what a browser has sent."""
    request = await asked(
        headers={
            "upgrade": "h2c",
            "connection": "keep-alive",
            "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
            "sec-websocket-version": "8",
            "sec-websocket-extensions": "permessage-deflate; client_max_window_bits",
        }
    )
    assert request.fields.getall("Upgrade") == ["websocket"]
    assert request.fields.getall("Connection") == ["Upgrade"]
    assert request.fields.getall("Sec-WebSocket-Version") == ["13"]
    assert request.fields["Sec-WebSocket-Key"] != "AAAAAAAAAAAAAAAAAAAAAA=="
    assert "Sec-WebSocket-Extensions" not in request.fields


@pytest.mark.parametrize("scheme", ["http", "ws", "WS"])
async def test_schemes(scheme: str) -> None:
    async with scripted(speaking(echo)) as server, ClientSession() as session:
        url = str(server.url()).replace("http", scheme, 1)
        async with session.ws_connect(url) as socket:
            await socket.send_str("a")
            assert await socket.receive_str() == "a"


@pytest.mark.parametrize("by", ["protocols", "headers"])
async def test_sub_protocols(by: str) -> None:
    options: dict[str, Any] = {"protocols": iter(["a", "b"])}
    if by == "headers":
        options = {"headers": {"Sec-WebSocket-Protocol": "a, b"}}
    async with opened(answer={"Sec-WebSocket-Protocol": "b"}, **options) as (socket, server):
        assert server.requests[0].fields.getall("Sec-WebSocket-Protocol") == ["a, b"]
        assert socket.protocol == "b"
    async with opened(protocols=["a"]) as (socket, _):
        assert socket.protocol is None


@pytest.mark.parametrize(
    ("compress", "offer", "answer", "bits", "forgets"),
    [
        (0, None, None, 0, False),
        (15, "permessage-deflate; client_max_window_bits", "permessage-deflate", 15, False),
        (15, "permessage-deflate; client_max_window_bits", None, 0, False),
        (
            9,
            "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9",
            "permessage-deflate; server_max_window_bits=9",
            9,
            False,
        ),
        (
            True,
            "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12",
            (
                "permessage-deflate; client_max_window_bits=10; client_no_context_takeover; "
                "server_max_window_bits=12"
            ),
            10,
            True,
        ),
        (
            DeflateOptions(window_bits=15, peer_window_bits=15, no_context_takeover=True),
            "permessage-deflate; client_no_context_takeover; client_max_window_bits",
            "permessage-deflate",
            15,
            True,
        ),
    ],
)
async def test_compression(
    compress: Any, offer: str | None, answer: str | None, bits: int, forgets: bool
) -> None:
    async with opened(answer={"Sec-WebSocket-Extensions": answer}, compress=compress) as (socket, server):
        assert server.requests[0].fields.get("Sec-WebSocket-Extensions") == offer
        assert (socket.compress, socket.client_notakeover) == (bits, forgets)
        for _ in range(3):
            await socket.send_str("x" * 1000)
            assert await socket.receive_str() == "x" * 1000


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"compress": 8}, ValueError),
        ({"compress": 16}, ValueError),
        ({"compress": "15"}, TypeError),
        ({"protocols": ["a b"]}, ValueError),
        ({"protocols": ["a", "a"]}, ValueError),
        ({"timeout": True}, TypeError),
        ({"timeout": "1"}, TypeError),
    ],
)
async def test_what_can_not_be_asked_for(options: dict[str, Any], error: type[Exception]) -> None:
    async with ClientSession() as session:
        with pytest.raises(error):
            session.ws_connect("http://127.0.0.1:1", **options)


async def test_older_spellings_of_timeouts() -> None:
    async with ClientSession() as session:
        with pytest.warns(DeprecationWarning, match="ws_close") as warned:
            session.ws_connect("http://127.0.0.1:1", timeout=5.0)._coroutine.close()
        assert warned[0].filename == __file__
        with pytest.warns(DeprecationWarning, match="ws_close"):
            session.ws_connect("http://127.0.0.1:1", timeout=None)._coroutine.close()
        with pytest.warns(DeprecationWarning, match="ws_receive") as warned:
            session.ws_connect("http://127.0.0.1:1", receive_timeout=5.0)._coroutine.close()
        assert warned[0].filename == __file__


# What is answered


@pytest.mark.parametrize(
    ("fields", "options", "message"),
    [
        ({"Upgrade": None}, {}, "to another protocol"),
        ({"Upgrade": "h2c"}, {}, "to another protocol"),
        ({"Connection": None}, {}, "to another protocol|Connection: expected upgrade"),
        ({"Connection": "keep-alive"}, {}, "to another protocol|Connection: expected upgrade"),
        ({"Sec-WebSocket-Accept": None}, {}, "Sec-WebSocket-Accept: not the answer to this key"),
        ({"Sec-WebSocket-Accept": "AAAA"}, {}, "Sec-WebSocket-Accept: not the answer to this key"),
        (
            {"Sec-WebSocket-Protocol": "a"},
            {},
            "Sec-WebSocket-Protocol: expected one that was offered, got 'a'",
        ),
        ({"Sec-WebSocket-Protocol": "A"}, {"protocols": ["a"]}, "Sec-WebSocket-Protocol"),
        ({"Sec-WebSocket-Extensions": "permessage-deflate"}, {}, "was not offered"),
        ({"Sec-WebSocket-Extensions": "x-other"}, {"compress": 15}, "x-other was not offered"),
        ({"Sec-WebSocket-Extensions": "permessage-deflate; x=1"}, {"compress": 15}, "unknown parameter x"),
        ({"Sec-WebSocket-Extensions": ";;;"}, {"compress": 15}, "Sec-WebSocket-Extensions"),
    ],
)
async def test_an_answer_that_is_not_in_order(
    fields: dict[str, str | None], options: Any, message: str
) -> None:
    async def script(peer: Peer) -> None:
        peer.writer.write(switching(await peer.request(), **fields))
        await peer.rest()

    async with scripted(script) as server, ClientSession() as session:
        with pytest.raises(WSServerHandshakeError, match=message):
            await session.ws_connect(server.url(), **options)
        await nothing_connected(session)
        await until(lambda: server.peers[0].has_left)


async def test_a_refusal() -> None:
    refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\nX-Why: because\r\n\r\nno way"
    async with scripted(refusal) as server, ClientSession() as session:
        for _ in range(2):
            with pytest.raises(
                WSServerHandshakeError, match="Invalid response status: expected 101, got 403"
            ) as refused:
                await session.ws_connect(server.url())
            assert refused.value.status == 403
            assert refused.value.headers is not None
            assert refused.value.headers["X-Why"] == "because"
            assert refused.value.body == b"no way"
            assert str(refused.value.request_info.url) == server.url()
        assert len(server.peers) == 1  # the connection serves again


async def test_a_refusal_is_one_whatever_a_session_does_with_statuses() -> None:
    async with (
        scripted(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n") as server,
        ClientSession(raise_for_status=True) as session,
    ):
        with pytest.raises(WSServerHandshakeError):
            await session.ws_connect(server.url())


async def test_redirects_without_end_are_told_as_such() -> None:
    again = b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"
    async with scripted(again) as server, ClientSession() as session:
        with pytest.raises(TooManyRedirects):
            await session.ws_connect(server.url())


async def test_a_middleware_that_gives_the_connection_up() -> None:
    async def closing(request: Any, handler: Any) -> ClientResponse:
        response: ClientResponse = await handler(request)
        response.close()
        return response

    async with scripted(speaking(echo)) as server, ClientSession(middlewares=[closing]) as session:
        with pytest.raises(ServerDisconnectedError):
            await session.ws_connect(server.url())
        await nothing_connected(session)


async def test_a_plain_answer_is_none() -> None:
    async with scripted(OK) as server, ClientSession() as session:
        with pytest.raises(WSServerHandshakeError, match="got 200"):
            await session.ws_connect(server.url())
        async with session.get(server.url()) as response:
            assert await response.text() == "ok"
        assert len(server.peers) == 1


async def test_a_refusal_whose_body_does_not_end_is_not_waited_for() -> None:
    async with (
        scripted(answering(b"HTTP/1.1 403 No\r\nContent-Length: 60\r\n\r\nbegun", then="stay")) as server,
        ClientSession() as session,
    ):
        with pytest.raises(WSServerHandshakeError) as refused:
            await session.ws_connect(server.url())
        assert refused.value.body == b"begun"
        await nothing_connected(session)


@pytest.mark.parametrize("then", ["close", "reset"])
async def test_no_answer(then: str) -> None:
    async with scripted(answering(then=then)) as server, ClientSession() as session:
        with pytest.raises(ServerDisconnectedError):
            await session.ws_connect(server.url())


async def test_no_server() -> None:
    async with scripted() as server:
        url = server.url()
    async with ClientSession() as session:
        with pytest.raises(ClientConnectorError):
            await session.ws_connect(url)


async def test_the_sessions_timeout_is_for_the_handshake_alone() -> None:
    async with (
        scripted(silent, speaking(echo)) as server,
        ClientSession(timeout=ClientTimeout(total=0.2)) as session,
    ):
        with pytest.raises(TimeoutError):
            await session.ws_connect(server.url())
        async with session.ws_connect(server.url()) as socket:
            with pytest.raises(TimeoutError):
                await socket.receive(0.3)
            await socket.send_str("a")
            assert await socket.receive_str() == "a"


async def test_reading_timeouts_are_for_the_handshake_alone() -> None:
    async with (
        scripted(speaking(echo)) as server,
        ClientSession(timeout=ClientTimeout(sock_read=0.1)) as session,
        session.ws_connect(server.url()) as socket,
    ):
        with pytest.raises(TimeoutError):
            await socket.receive(0.2)
        await socket.send_str("a")
        assert await socket.receive_str() == "a"


# What comes behind the answer


async def test_messages_in_the_same_read() -> None:
    async with opened(finish, tail=frame(TEXT, b"a") + frame(TEXT, b"b")) as (socket, _):
        assert await socket.receive_str() == "a"
        assert await socket.receive_str() == "b"


@pytest.mark.parametrize("ending", ["end", "close"])
async def test_messages_and_the_end_in_the_same_read(ending: str) -> None:
    """The end waits for the switch, however long a middleware takes."""

    async def slowly(request: Any, handler: Any) -> ClientResponse:
        response: ClientResponse = await handler(request)
        await asyncio.sleep(0.05)
        return response

    async def leave(wire: Wire) -> None:
        getattr(wire.peer, ending)()

    async with (
        scripted(speaking(leave, tail=frame(TEXT, b"a"))) as server,
        ClientSession(middlewares=[slowly]) as session,
        session.ws_connect(server.url()) as socket,
    ):
        assert await socket.receive_str() == "a"
        assert (await socket.receive()).type is WSMsgType.CLOSED
        assert socket.close_code == 1006
