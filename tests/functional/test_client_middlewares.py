"""Middlewares of a session and of a request."""

import gzip
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from pronghorn import BytesPayload, ClientRequest, ClientResponse, ClientSession

from ..client.digest_server import Request as Judged
from ..client.digest_server import Server, middleware
from .scripted import OK, Peer, Scripted, scripted

Handler = Callable[[ClientRequest], Any]
UNAVAILABLE = b"HTTP/1.1 503 Unavailable\r\nContent-Length: 4\r\n\r\nbusy"


@pytest.fixture(name="server")
async def fixture_server() -> AsyncIterator[Scripted]:
    async with scripted(OK) as running:
        yield running


class Adding:
    """Adds a field, and notes what passes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.passed: list[tuple[str, str]] = []

    async def __call__(self, request: ClientRequest, handler: Handler) -> ClientResponse:
        request.headers["X-Passed"] = request.headers.get("X-Passed", "") + self.name
        self.passed.append((request.method, str(request.url)))
        response: ClientResponse = await handler(request)
        return response


async def test_of_a_session_and_of_a_request(server: Scripted) -> None:
    one, two, three = Adding("1"), Adding("2"), Adding("3")
    async with ClientSession(middlewares=[one, two]) as session:
        async with session.post(server.url("/a"), data=b"abc", headers={"X-Mine": "m"}) as response:
            assert response.request_info.headers["X-Passed"] == "12"
        for own in ([three], (), iter([three])):
            async with session.get(server.url("/b"), middlewares=own):
                pass
    passed = [request.fields.get("X-Passed") for request in server.requests]
    assert passed == ["12", "3", None, "3"]
    first = server.requests[0]
    assert (first.body, first.fields["X-Mine"], first.fields["Content-Length"]) == (b"abc", "m", "3")
    assert one.passed == [("POST", server.url("/a"))]


async def test_fields_can_be_changed_and_removed(server: Scripted) -> None:
    async def changing(request: ClientRequest, handler: Handler) -> ClientResponse:
        del request.headers["User-Agent"]
        request.headers["Accept"] = "text/plain"
        request.headers.add("X-Two", "1")
        request.headers.add("X-Two", "2")
        request.headers["Content-Length"] = "99"  # what frames the body is not to be changed
        response: ClientResponse = await handler(request)
        return response

    async with ClientSession(middlewares=[changing]) as session, session.post(server.url(), data=b"abc"):
        pass
    fields = server.requests[0].fields
    assert "User-Agent" not in fields
    assert fields["Accept"] == "text/plain"
    assert fields.getall("X-Two") == ["1", "2"]
    assert fields["Content-Length"] == "3"


@pytest.mark.parametrize("value", ["a\r\nb: c", 1, None])
async def test_what_is_no_field(server: Scripted, value: Any) -> None:
    async def breaking(request: ClientRequest, handler: Handler) -> ClientResponse:
        request.headers["X"] = value
        response: ClientResponse = await handler(request)
        return response

    async with ClientSession(middlewares=[breaking]) as session:
        with pytest.raises((TypeError, ValueError)):
            await session.get(server.url())
        async with session.get(server.url(), middlewares=()) as response:
            assert response.status == 200
    assert len(server.requests) == 1


async def test_an_answer_of_its_own(server: Scripted, tmp_path: Path) -> None:
    answer = ClientResponse("GET", server.url())
    answer.status = 200

    async def answering(request: ClientRequest, handler: Handler) -> ClientResponse:
        return answer

    path = tmp_path / "file"
    path.write_bytes(b"abc")
    file = path.open("rb")
    async with ClientSession(middlewares=[answering]) as session:
        assert await session.post(server.url(), data=file) is answer
    assert file.closed
    assert not server.requests


async def test_sent_again(tmp_path: Path) -> None:
    async def twice(peer: Peer) -> None:
        await peer.answer(UNAVAILABLE)
        await peer.answer(OK_AND_ON)
        await peer.rest()

    async def again(request: ClientRequest, handler: Handler) -> ClientResponse:
        response: ClientResponse = await handler(request)
        if response.status == 503:
            await response.read()
            assert request.rewind_body()
            response = await handler(request)
        return response

    path = tmp_path / "file"
    path.write_bytes(b"abc" * 1000)
    file = path.open("rb")
    async with scripted(twice) as server, ClientSession(middlewares=[again]) as session:
        async with session.put(server.url(), data=file) as response:
            assert (response.status, await response.read()) == (200, b"ok")
        assert [request.body for request in server.requests] == [b"abc" * 1000] * 2
        assert len(server.peers) == 1
    assert file.closed


OK_AND_ON = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def test_what_it_raises_is_the_callers_and_closes_the_body(server: Scripted, tmp_path: Path) -> None:
    async def failing(request: ClientRequest, handler: Handler) -> ClientResponse:
        raise ZeroDivisionError

    path = tmp_path / "file"
    path.write_bytes(b"abc")
    file = path.open("rb")
    async with ClientSession(middlewares=[failing]) as session:
        with pytest.raises(ZeroDivisionError):
            await session.post(server.url(), data=file)
    assert file.closed


async def test_each_hop_of_a_redirect_passes(server: Scripted) -> None:
    async def leading(peer: Peer) -> None:
        head = f"HTTP/1.1 302 Found\r\nLocation: {server.url('/b')}\r\nContent-Length: 0\r\n\r\n"
        await peer.answer(head.encode())
        await peer.rest()

    adding = Adding("1")
    async with scripted(leading) as first, ClientSession(middlewares=[adding]) as session:
        async with session.get(first.url("/a")) as response:
            assert response.status == 200
        assert adding.passed == [("GET", first.url("/a")), ("GET", server.url("/b"))]
    # What the first hop was given does not go on to the second.
    assert server.requests[0].fields["X-Passed"] == "1"


async def test_contextvars_of_the_caller(server: Scripted) -> None:
    variable: ContextVar[str] = ContextVar("variable")
    seen: list[str] = []

    async def looking(request: ClientRequest, handler: Handler) -> ClientResponse:
        seen.append(variable.get())
        response: ClientResponse = await handler(request)
        return response

    variable.set("the caller's")
    async with ClientSession(middlewares=[looking]) as session, session.get(server.url()):
        pass
    assert seen == ["the caller's"]


@pytest.mark.parametrize("wrong", [[None], ["name"]])
async def test_what_is_no_middleware(server: Scripted, wrong: Any) -> None:
    with pytest.raises(TypeError, match="middlewares"):
        ClientSession(middlewares=wrong)
    async with ClientSession() as session:
        with pytest.raises(TypeError, match="middlewares"):
            await session.get(server.url(), middlewares=wrong)


# DigestAuthMiddleware


@pytest.mark.parametrize("qop", ["auth", "auth-int"])
@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-256-sess"])
async def test_digest(qop: str, algorithm: str, tmp_path: Path) -> None:
    judge = Server(qop=qop, algorithm=algorithm)

    async def asking(peer: Peer) -> None:
        for _ in range(3):
            request = await peer.request()
            payload = BytesPayload(request.body) if request.body else None
            judged = Judged(f"http://here{request.target}", request.method, payload)
            judged.headers.extend(request.fields)
            answer = await judge(judged)
            lines = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
            head = f"HTTP/1.1 {answer.status} Whatever\r\n{lines}Content-Length: 2\r\n\r\nok"
            await peer.send(head.encode())
        await peer.rest()

    path = tmp_path / "file"
    path.write_bytes(b"abc" * 1000)
    file = path.open("rb")
    async with scripted(asking) as server, ClientSession(middlewares=[middleware()]) as session:
        async with session.put(server.url("/a?b=c"), data=file) as response:
            assert (response.status, await response.read()) == (200, b"ok")
        async with session.get(server.url("/d")) as response:
            assert response.status == 200
        assert len(server.peers) == 1
    assert judge.statuses == [401, 200, 200]
    assert judge.answers[0] is None
    assert file.closed


async def test_a_redirect_of_its_own_is_followed(server: Scripted) -> None:
    async def leading(request: ClientRequest, handler: Handler) -> ClientResponse:
        if request.url.path == "/b":
            response: ClientResponse = await handler(request)
            return response
        answer = ClientResponse("POST", request.url)
        answer.status = 307
        answer._headers = CIMultiDictProxy(CIMultiDict({"Location": "/b"}))
        return answer

    async with (
        ClientSession(middlewares=[leading]) as session,
        session.post(server.url("/a"), data=b"abc") as response,
    ):
        assert (response.status, len(response.history)) == (200, 1)
    assert [(request.target, request.body) for request in server.requests] == [("/b", b"abc")]


# Another body


@pytest.mark.parametrize(
    ("data", "other", "body", "content_type"),
    [
        (None, {"a": "b"}, b"a=b", "application/x-www-form-urlencoded"),
        (b"old", b"new one", b"new one", "application/octet-stream"),
        (b"old", "new", b"new", "application/octet-stream"),
        (b"old", b"n" * 100_000, b"n" * 100_000, "application/octet-stream"),
        (b"old", None, b"", "application/octet-stream"),
        ({"a": "b"}, b"", b"", "application/x-www-form-urlencoded"),
    ],
)
async def test_a_middleware_changes_the_body(data: Any, other: Any, body: bytes, content_type: str) -> None:
    async def change(request: ClientRequest, handler: Handler) -> Any:
        before = b"" if data is None else request.payload
        assert request.body == before
        await request.update_body(other)
        assert (request.body == b"") == (body == b"")
        return await handler(request)

    async with (
        scripted(OK) as server,
        ClientSession(middlewares=[change]) as session,
        session.post(server.url(), data=data) as response,
    ):
        await response.read()
    (request,) = server.requests
    assert request.body == body
    assert request.fields["Content-Type"] == content_type
    assert request.fields["Content-Length"] == str(len(body))


async def test_another_body_is_compressed_as_the_first_was() -> None:
    async def change(request: ClientRequest, handler: Handler) -> Any:
        await request.update_body(b"new" * 100)
        return await handler(request)

    async with (
        scripted(OK) as server,
        ClientSession(middlewares=[change]) as session,
        session.post(server.url(), data=b"old", compress="gzip") as response,
    ):
        await response.read()
    (request,) = server.requests
    assert request.fields["Content-Encoding"] == "gzip"
    assert gzip.decompress(request.body) == b"new" * 100


async def test_the_body_that_is_not_sent_is_closed(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"old")
    file = (tmp_path / "old").open("rb")

    async def change(request: ClientRequest, handler: Handler) -> Any:
        await request.update_body(b"new")
        assert file.closed
        return await handler(request)

    async with scripted(OK) as server, ClientSession(middlewares=[change]) as session:
        async with session.post(server.url(), data=file) as response:
            await response.read()
        assert server.requests[0].body == b"new"


async def test_a_middleware_asks_the_session_for_more() -> None:
    async def authorize(request: ClientRequest, handler: Handler) -> Any:
        async with request.session.get(request.url.with_path("/token"), middlewares=()) as response:
            request.headers["Authorization"] = await response.text()
        return await handler(request)

    async with (
        scripted(OK) as server,
        ClientSession(middlewares=[authorize]) as session,
        session.get(server.url("/a")) as response,
    ):
        await response.read()
    assert [request.target for request in server.requests] == ["/token", "/a"]
    assert server.requests[1].fields["Authorization"] == "ok"
