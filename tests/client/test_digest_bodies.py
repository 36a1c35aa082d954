import asyncio
import io
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from yarl import URL

from pronghorn import ClientSession, web
from pronghorn.body.files import BytesIOPayload
from pronghorn.body.multipart import MultipartWriter
from pronghorn.body.payload import BytesPayload, Payload, Writer
from pronghorn.body.pieces import AsyncIterablePayload
from pronghorn.client.digest import DigestAuthMiddleware
from pronghorn.client.errors import ClientError, ClientPayloadError, ServerTimeoutError
from pronghorn.client.response import ClientResponse
from pronghorn.io.stream import StreamReader
from pronghorn.testing.server import TestServer

from .digest_server import MD5, Held, Request, Server, challenged, middleware, respond

# The body of the request


async def pieces(*content: bytes) -> AsyncIterator[bytes]:
    for piece in content:
        yield piece


class OncePayload(Payload):
    """A user's, who does not say that it can be written twice."""

    async def write(self, writer: Writer) -> None:
        await writer.write(self._value)


def multipart() -> MultipartWriter:
    form = MultipartWriter("form-data", boundary="b")
    form.append("text")
    form.append(io.BytesIO(b"file"))
    return form


def multipart_once() -> MultipartWriter:
    form = multipart()
    form.append_payload(AsyncIterablePayload(pieces(b"c")))
    return form


AGAIN: dict[str, Callable[[], Payload | None]] = {
    "none": lambda: None,
    "empty": lambda: BytesPayload(b""),
    "bytes": lambda: BytesPayload(b"content"),
    "large": lambda: BytesPayload(b"content" * 100_000),
    "file": lambda: BytesIOPayload(io.BytesIO(b"content")),
    "multipart": multipart,
}
ONCE: dict[str, Callable[[], Payload | None]] = {
    "pieces": lambda: AsyncIterablePayload(pieces(b"con", b"tent")),
    "user's": lambda: OncePayload(b"content"),
    "multipart": multipart_once,
}


@pytest.mark.parametrize("coding", ["", "gzip", "deflate"])
@pytest.mark.parametrize("qop", ["auth", "auth-int"])
@pytest.mark.parametrize("kind", AGAIN)
async def test_a_body_is_sent_again(kind: str, qop: str, coding: str) -> None:
    server = Server(qop=qop)
    login = middleware()
    for _ in range(2):
        assert (
            await login(Request(method="PUT", payload=AGAIN[kind](), coding=coding), server)
        ).status == 200
    assert server.statuses == [401, 200, 200]


@pytest.mark.parametrize("qop", ["auth", "auth-int"])
@pytest.mark.parametrize("kind", ONCE)
async def test_a_body_that_is_gone_leaves_the_401(kind: str, qop: str) -> None:
    held: list[ClientResponse] = []

    async def handle(request: Request) -> ClientResponse:
        response = await server(request)
        held.append(challenged(request, *response.headers.getall("WWW-Authenticate"), kind=Held))
        return held[-1]

    server = Server(qop=qop)
    response = await middleware()(Request(method="PUT", payload=ONCE[kind]()), handle)
    assert response is held[0]
    assert len(held) == 1
    assert not response.closed


@pytest.mark.parametrize("coding", ["", "gzip"])
@pytest.mark.parametrize("qop", ["auth", "auth-int"])
async def test_a_body_of_pieces_is_sent_once_the_answer_is_known(qop: str, coding: str) -> None:
    server = Server(qop=qop)
    login = middleware()
    await login(Request(), server)
    request = Request(method="PUT", payload=ONCE["pieces"](), coding=coding)
    assert (await login(request, server)).status == 200
    assert server.statuses == [401, 200, 200]


async def test_a_body_that_cannot_be_hashed_first_is_sent_without_an_answer() -> None:
    server = Server(qop="auth-int")
    login = middleware()
    await login(Request(), server)
    assert (await login(Request(method="PUT", payload=ONCE["user's"]()), server)).status == 401
    assert server.statuses == [401, 200, 401]
    # That tells nothing about the session.
    assert (await login(Request(), server)).status == 200
    assert server.statuses[3:] == [200]


async def test_a_body_that_hashing_takes_is_not_sent_empty() -> None:
    server = Server(qop="auth-int")
    login = middleware()
    await login(Request(), server)
    with pytest.raises(ClientError, match="auth-int"):
        await login(Request(method="PUT", payload=ONCE["multipart"]()), server)
    assert server.statuses == [401, 200]


class FicklePayload(BytesPayload):
    """Can be sent again, as it says so often, and then can't."""

    left = 0

    def rewind(self) -> bool:
        self.left -= 1
        return self.left >= 0


@pytest.mark.parametrize("qop", ["auth", "auth-int"])
@pytest.mark.parametrize("times", range(6))
async def test_a_body_that_does_not_keep_its_word(times: int, qop: str) -> None:
    """As one that another still reads."""
    server = Server(qop=qop)
    payload = FicklePayload(b"a")
    payload.left = times
    sending = middleware()(Request(method="PUT", payload=payload), server)
    if qop == "auth-int" and times in {3, 4}:
        with pytest.raises(ClientError, match="auth-int"):
            await sending
        assert server.statuses == [401]
        return
    is_sent = times >= (2 if qop == "auth" else 5)
    assert (await sending).status == (200 if is_sent else 401)
    assert server.statuses == [401, 200][: 1 + is_sent]


async def test_a_body_that_was_not_begun_when_401_came() -> None:
    """As with Expect: 100-continue."""
    server = Server(qop="auth-int")
    begun: list[bool] = []

    async def handle(request: Request) -> ClientResponse:
        begun.append("Authorization" in request.headers)
        return await server(request) if begun[-1] else challenged(request, server.challenge())

    payload = AsyncIterablePayload(pieces(b"con", b"tent"))
    assert (await middleware()(Request(method="PUT", payload=payload), handle)).status == 200
    assert begun == [False, True]


async def test_large_bodies_are_hashed_off_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[str] = []
    loop = asyncio.get_running_loop()
    run_in_executor = loop.run_in_executor

    def watched(executor: Any, call: Callable[..., Any], *args: Any) -> Any:
        def run() -> Any:
            threads.append(threading.current_thread().name)
            return call(*args)

        return run_in_executor(executor, run)

    monkeypatch.setattr(loop, "run_in_executor", watched)
    await middleware()(Request(method="PUT", payload=AGAIN["large"]()), Server(qop="auth-int"))
    assert len(threads) == 1
    assert threads[0] != threading.current_thread().name


# The response that nobody sees


def held(request: Request, content: StreamReader) -> Held:
    response = challenged(request, MD5, kind=Held)
    response.content = content
    return response


async def answered_after(content: StreamReader) -> Held:
    """The 401 that brought the challenge, when the request was answered."""
    responses: list[Held] = []

    async def handle(request: Request) -> ClientResponse:
        if "Authorization" in request.headers:
            assert responses[0].closed
            return respond(request, 200)
        responses.append(held(request, content))
        return responses[0]

    assert (await middleware()(Request(), handle)).status == 200
    return responses[0]


async def test_the_rest_of_a_401_is_read() -> None:
    content = StreamReader()
    content.feed_data(b"a" * 10_000)
    content.feed_eof()
    await answered_after(content)
    assert content.at_eof()


async def test_a_401_without_an_end_is_closed() -> None:
    content = StreamReader()
    content.feed_data(b"a" * 10_000)
    await answered_after(content)
    assert content.total_bytes == 10_000


async def test_not_much_is_read_of_a_401() -> None:
    content = StreamReader()

    async def feed() -> None:
        while True:
            content.feed_data(b"a" * 30_000)
            await asyncio.sleep(0)

    feeding = asyncio.create_task(feed())
    await answered_after(content)
    feeding.cancel()
    assert content.total_bytes < 1_000_000


async def test_a_401_that_breaks_off() -> None:
    content = StreamReader()
    content.set_exception(ClientPayloadError("broken"))
    await answered_after(content)


@pytest.mark.parametrize("error", [ServerTimeoutError("total"), TimeoutError("mine"), RuntimeError("other")])
async def test_what_ends_the_request_while_a_401_is_read(error: Exception) -> None:
    content = StreamReader()
    content.set_exception(error)
    responses: list[Held] = []

    async def handle(request: Request) -> ClientResponse:
        responses.append(held(request, content))
        return responses[-1]

    with pytest.raises(type(error), match=str(error)):
        await middleware()(Request(), handle)
    assert [response.closed for response in responses] == [True]


async def test_cancelled_while_a_401_is_read() -> None:
    content = StreamReader()
    responses: list[Held] = []

    async def handle(request: Request) -> ClientResponse:
        responses.append(held(request, content))
        return responses[-1]

    task = asyncio.create_task(middleware()(Request(), handle))
    while not responses:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert responses[0].closed


@pytest.mark.parametrize(("size", "connections"), [(0, 1), (100, 1), (30_000, 1), (10_000_000, 2)])
async def test_the_connection_is_used_again(size: int, connections: int) -> None:
    """Over a real one, with a name that is not ASCII, and a path that is encoded."""
    server = Server("J\xe4s\xf8n", realm='\xfc \\ "')
    peers = []

    async def serve(request: web.Request) -> web.StreamResponse:
        peers.append(request.transport and request.transport.get_extra_info("peername"))
        asked = Request(URL(f"http://host{request.raw_path}", encoded=True), **request.headers)
        judged = await server(asked)
        response = web.StreamResponse(status=judged.status, headers=judged.headers)
        await response.prepare(request)
        for _ in range(0, size, 10_000):
            await response.write(b"a" * min(size, 10_000))
            await asyncio.sleep(0)
        return response

    async def handle(request: Request) -> ClientResponse:
        return await session.request(request.method, request.url, headers=request.headers)

    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    async with TestServer(app) as running, ClientSession() as session:
        login = DigestAuthMiddleware(server.login, server.password)
        request = Request(running.make_url("/%7Ea%2Fb?q=%22%C3%BC&r"))
        async with await login(request, handle) as response:
            assert response.status == 200
            assert len(await response.read()) == size
    assert server.statuses == [401, 200]
    assert len(set(peers)) == connections


async def test_an_upload_stops_before_its_body_is_read_again() -> None:
    """The 401 came while the body was still being sent."""
    states: list[bool] = []

    class Watched(BytesPayload):
        def rewind(self) -> bool:
            states.append(bool(responses) and responses[0].closed)
            return True

    responses: list[Held] = []

    async def handle(request: Request) -> ClientResponse:
        if responses:
            return respond(request, 200)
        content = StreamReader()
        content.feed_eof()
        responses.append(held(request, content))
        return responses[0]

    assert (await middleware()(Request(method="PUT", payload=Watched(b"a")), handle)).status == 200
    assert states == [False, True]
