"""Requests and responses of the user's own classes; what a response tells of its request's way out."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any, Self

import pytest
from yarl import URL

from pronghorn import (
    BasicAuth,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ServerDisconnectedError,
    UploadTracker,
)

from .scripted import OK, Peer, scripted


class Request(ClientRequest):
    """Marks each message, and keeps its connection alive."""

    made: list["Request"] = []  # noqa: RUF012 - of a test each

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.options = options
        self.headers["X-Made"] = "here"
        self.made.append(self)

    async def send(self, conn: Any) -> ClientResponse:
        sock = conn.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        response: ClientResponse = await super().send(conn)
        response.headers_seen = len(response.headers)  # type: ignore[attr-defined]  # a class has a dict
        return response


@pytest.fixture(autouse=True)
def _none_made() -> None:
    Request.made.clear()


async def test_a_request_class_makes_and_sends() -> None:
    async with scripted(OK) as server, ClientSession(request_class=Request, headers={"X-A": "1"}) as session:
        async with session.post(server.url("/a?b=%2F"), json={"c": 1}, cookies={"d": "2"}) as response:
            assert await response.read() == b"ok"
            assert response.headers_seen == 1  # type: ignore[attr-defined]  # of the class
        async with session.get(server.url("/e")) as response:
            assert await response.text() == "ok"
        assert len(server.peers) == 1
    request = server.requests[0]
    assert (request.method, request.target, request.body) == ("POST", "/a?b=%2F", b'{"c": 1}')
    assert [request.fields[name] for name in ("X-Made", "X-A", "Cookie")] == ["here", "1", "d=2"]
    assert request.fields["Content-Type"] == "application/json"
    assert request.fields["User-Agent"].startswith("Python/")
    options = Request.made[0].options
    assert options["session"] is session
    assert options["response_class"] is ClientResponse
    assert Request.made[0].session is session


async def test_each_hop_is_of_the_class() -> None:
    async def serve(peer: Peer) -> None:
        await peer.answer(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n")
        await peer.answer(OK)

    async with (
        scripted(serve) as server,
        ClientSession(request_class=Request) as session,
        session.post(server.url("/here"), data=b"body") as response,
    ):
        assert response.status == 200
        assert [made.url.path for made in Request.made] == ["/here", "/there"]
        assert [request.body for request in server.requests] == [b"body", b"body"]


@pytest.mark.parametrize(
    "options",
    [{"compress": "gzip"}, {"chunked": True}, {"expect100": True}, {"skip_auto_headers": ["User-Agent"]}],
    ids=["compress", "chunked", "expect100", "skip"],
)
async def test_what_is_said_of_the_body_counts(options: dict[str, Any]) -> None:
    async def serve(peer: Peer) -> None:
        head = await peer.head()
        if "Expect" in head.fields:
            peer.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        peer.writer.write(OK)
        peer.end()
        await peer.rest()

    seen = []
    for kind in (ClientRequest, Request):
        async with (
            scripted(serve) as server,
            ClientSession(request_class=kind) as session,
            session.post(server.url(), data=b"body" * 100, **options) as response,
        ):
            await response.read()
        fields = server.requests[0].fields
        fields.popall("X-Made", None)
        fields.popall("Host")
        seen.append(sorted(fields.items()))
    assert seen[0] == seen[1]


async def test_a_class_that_does_not_send_is_told() -> None:
    class Silent(ClientRequest):
        async def send(self, conn: Any) -> Any:
            return None

    async with scripted(OK) as server, ClientSession(request_class=Silent) as session:
        with pytest.raises(RuntimeError, match=r"expected its send to await super\(\)\.send\(conn\)"):
            await session.get(server.url())
        assert session.connector is not None
        assert not session.connector._acquired


async def test_what_a_class_raises_is_raised_and_holds_nothing() -> None:
    class Failing(ClientRequest):
        async def send(self, conn: Any) -> Any:
            await super().send(conn)
            raise LookupError("after the head")

    async with scripted(OK) as server, ClientSession(request_class=Failing) as session:
        with pytest.raises(LookupError):
            await session.get(server.url())
        assert session.connector is not None
        assert not session.connector._acquired


async def test_a_class_sends_again_what_met_a_stale_connection() -> None:
    async def once(peer: Peer) -> None:
        await peer.answer(OK)
        await peer.request()
        peer.close()

    async with scripted(once, OK) as server, ClientSession(request_class=Request) as session:
        for _ in range(2):
            async with session.get(server.url()) as response:
                assert await response.read() == b"ok"
        assert [type(attempt) for attempt in response.attempts] == [ServerDisconnectedError]
        assert len(server.peers) == 2


@pytest.mark.parametrize("name", ["request_class", "response_class"])
@pytest.mark.parametrize("value", [object, None, "Request", dict])
def test_other_classes_are_refused(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match=f"{name}: expected a subclass of Client"):
        ClientSession(**{name: value})


def test_a_request_by_itself() -> None:
    request = ClientRequest(
        "post",
        URL("http://here/a"),
        params={"b": "c"},
        headers={"X-A": "1"},
        skip_auto_headers=["user-agent"],
        data={"d": "e"},
        cookies={"f": "g"},
        auth=BasicAuth("h", "i"),
        proxy=URL("http://j:k@proxy:8080"),
        proxy_headers={"X-P": "2"},
    )
    assert (request.method, request.target, request.whole) == ("POST", "/a?b=c", b"d=e")
    fields = request.headers
    assert fields["X-A"] == "1"
    assert fields["Cookie"] == "f=g"
    assert fields["Authorization"] == BasicAuth("h", "i").encode()
    assert "User-Agent" not in fields
    assert str(request.proxy) == "http://proxy:8080"
    assert request.proxy_auth == BasicAuth("j", "k")
    assert request.proxy_headers is not None
    assert set(request.proxy_headers) == {"X-P", "Proxy-Authorization"}
    assert request.session is None
    with pytest.raises(ValueError, match="auth: the headers have an Authorization"):
        ClientRequest("GET", URL("http://here/"), headers={"authorization": "x"}, auth=BasicAuth("h"))


class Response(ClientResponse):
    async def start(self, connection: Any) -> Self:
        await super().start(connection)
        self.peername = connection.transport.get_extra_info("peername")
        return self


async def test_a_response_class_does_more_at_its_start() -> None:
    async with (
        scripted(OK) as server,
        ClientSession(response_class=Response) as session,
        session.get(server.url()) as response,
    ):
        assert isinstance(response, Response)
        assert response.peername == ("127.0.0.1", server.port)


async def test_a_response_that_does_not_start_holds_nothing() -> None:
    class Failing(ClientResponse):
        async def start(self, connection: Any) -> Self:
            raise LookupError("at the start")

    async with scripted(OK) as server, ClientSession(response_class=Failing) as session:
        with pytest.raises(LookupError):
            await session.get(server.url())
        assert session.connector is not None
        assert not session.connector._acquired


# What is told of the request's way out


async def test_waiting_until_the_body_has_left() -> None:
    more, has_begun = asyncio.Event(), asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        has_begun.set()
        await more.wait()
        yield b"last"

    async def early(peer: Peer) -> None:
        await peer.head()
        peer.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        await peer.rest()

    async with scripted(early) as server, ClientSession() as session:
        response = await session.post(server.url(), data=body())
        await has_begun.wait()
        with pytest.warns(DeprecationWarning, match="upload_tracker"):
            assert not response.upload_complete
        waiting = asyncio.create_task(response.wait_for_close())
        await asyncio.sleep(0)
        assert not waiting.done()
        more.set()
        await waiting
        assert response.closed
        with pytest.warns(DeprecationWarning, match="upload_tracker"):
            assert response.upload_complete


@pytest.mark.parametrize("data", [None, b"a" * 100, b"b" * 300_000])
async def test_the_size_of_what_was_sent(data: bytes | None) -> None:
    size = 0

    async def count(peer: Peer) -> None:
        nonlocal size
        head = await peer.reader.readuntil(b"\r\n\r\n")
        body = await peer.reader.readexactly(0 if data is None else len(data))
        size = len(head) + len(body)
        peer.writer.write(OK)

    tracker = UploadTracker()
    async with (
        scripted(count) as server,
        ClientSession() as session,
        session.post(server.url(), data=data, upload_tracker=tracker) as response,
    ):
        await response.wait_for_close()
        with pytest.warns(DeprecationWarning, match="upload_tracker"):
            assert response.output_size == size


def test_a_response_of_no_request_has_sent_nothing() -> None:
    response = ClientResponse("GET", URL("http://here/"))
    with pytest.warns(DeprecationWarning, match="upload_tracker"):
        assert response.output_size == 0
    with pytest.warns(DeprecationWarning, match="upload_tracker"):
        assert response.upload_complete
