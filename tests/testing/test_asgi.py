import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from pronghorn import ClientConnectionError, ClientPayloadError, ClientSession, ServerDisconnectedError
from pronghorn.testing import AppConnector
from pronghorn.testing.asgi import AsgiApplication, Message, Receive, Scope, Send

Body = Callable[[Scope, Receive, Send], Awaitable[None]]


def without_lifespan(handle: Body) -> AsgiApplication:
    """An application that knows of no lifespan, and says so as ASGI has it."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        await handle(scope, receive, send)

    return app


async def answer(send: Send, body: bytes = b"", status: int = 200, headers: Any = ()) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise RuntimeError(message)
        body += message["body"]
        if not message["more_body"]:
            return bytes(body)


def calling(app: AsgiApplication, **options: Any) -> ClientSession:
    return ClientSession(connector=AppConnector(app, **options))


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def test_the_scope() -> None:
    scopes: list[Scope] = []

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        await answer(send, await read(receive))

    async with calling(without_lifespan(handle), peername=("203.0.113.9", 4711)) as session:
        headers = {"X-Name": "gr\u00fcn", "User-Agent": "me"}
        url = "https://example.com:8443/gr%C3%BCn%20x?q=a%26b&r="
        skipped = ["Accept", "Accept-Encoding"]
        async with session.post(url, data=b"content", headers=headers, skip_auto_headers=skipped) as response:
            assert await response.read() == b"content"
    scope = scopes[0]
    assert scope == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "https",
        "path": "/gr\u00fcn x",
        "raw_path": b"/gr%C3%BCn%20x",
        "query_string": b"q=a%26b&r=",
        "root_path": "",
        "headers": scope["headers"],
        "client": ("203.0.113.9", 4711),
        "server": ("example.com", 8443),
        "state": {},
        "extensions": {},
    }
    assert set(scope["headers"]) == {
        (b"host", b"example.com:8443"),
        (b"content-type", b"application/octet-stream"),
        (b"content-length", b"7"),
        (b"x-name", "gr\u00fcn".encode()),
        (b"user-agent", b"me"),
    }


async def test_the_answer_is_the_applications_alone() -> None:
    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"x-a", b"1"), (b"x-a", b"2"), (b"content-length", b"2")]
        await answer(send, b"ok", 418, headers)

    async with calling(without_lifespan(handle)) as session:
        for _ in range(2):
            async with session.get("http://a/") as response:
                assert (response.status, await response.read()) == (418, b"ok")
                assert list(response.headers.items()) == [("x-a", "1"), ("x-a", "2"), ("Content-Length", "2")]
        assert session.connector is not None
        assert session.connector.stats().created == 1
        async with session.head("http://a/") as response:
            assert (response.headers["Content-Length"], await response.read()) == ("2", b"")


async def test_bodies_stream_both_ways_at_once() -> None:
    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        more = True
        while more:
            message = await receive()
            more = message["more_body"]
            await send({"type": "http.response.body", "body": message["body"].upper(), "more_body": more})

    lines: asyncio.Queue[bytes] = asyncio.Queue()

    async def body() -> AsyncIterator[bytes]:
        while line := await lines.get():
            yield line

    async with calling(without_lifespan(handle)) as session:
        lines.put_nowait(b"one\n")
        async with session.post("http://a/", data=body()) as response:
            assert await response.content.readline() == b"ONE\n"
            lines.put_nowait(b"two\n")
            assert await response.content.readline() == b"TWO\n"
            lines.put_nowait(b"")
            assert await response.content.readline() == b""


async def test_the_head_leaves_with_the_first_piece() -> None:
    go_on = asyncio.Event()

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await go_on.wait()
        await send({"type": "http.response.body", "more_body": True})
        await send({"type": "http.response.body"})

    async with calling(without_lifespan(handle)) as session:
        request = asyncio.ensure_future(session.get("http://a/"))
        for _ in range(50):
            await asyncio.sleep(0)
        assert not request.done()
        go_on.set()
        async with await request as response:
            assert await response.read() == b""


async def test_large_and_coded_bodies_come_as_they_were_sent() -> None:
    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, await read(receive))

    async with calling(without_lifespan(handle)) as session:
        async with session.post("http://a/", data=bytes(2_000_000)) as response:
            assert await response.read() == bytes(2_000_000)
        async with session.post("http://a/", data=b"x" * 100, compress="gzip") as response:
            assert gzip.decompress(await response.read()) == b"x" * 100


async def test_an_application_waits_for_a_client_that_does_not_read() -> None:
    sent = 0

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        await send({"type": "http.response.start", "status": 200})
        for _ in range(100):
            await send({"type": "http.response.body", "body": bytes(65536), "more_body": True})
            sent += 65536
        await send({"type": "http.response.body"})

    async with calling(without_lifespan(handle)) as session, session.get("http://a/") as response:
        for _ in range(500):
            await asyncio.sleep(0)
        assert sent < 1024 * 1024
        assert len(await response.read()) == 100 * 65536


async def test_it_is_told_that_the_client_has_its_answer() -> None:
    messages: list[Message] = []

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, await read(receive))
        messages.append(await receive())
        messages.append(await receive())

    async with calling(without_lifespan(handle)) as session:
        await session.get("http://a/")
    await until(lambda: len(messages) == 2)
    assert messages == [{"type": "http.disconnect"}] * 2


async def test_it_is_told_that_the_client_went_away() -> None:
    waiting = asyncio.Event()
    seen: list[Any] = []

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"some", "more_body": True})
        await read(receive)
        waiting.set()
        seen.append(await receive())
        try:
            await send({"type": "http.response.body", "body": b"more", "more_body": True})
        except OSError as error:
            seen.append(error)

    async with calling(without_lifespan(handle)) as session:
        response = await session.get("http://a/")
        await waiting.wait()
        response.close()
        await until(lambda: len(seen) == 2)
    assert seen[0] == {"type": "http.disconnect"}
    assert isinstance(seen[1], ConnectionResetError)


class Gone(Exception):
    """A framework's own for a client that went away."""


@pytest.mark.parametrize("error", [Gone, LookupError])
async def test_what_an_application_raises_when_its_client_went_away(
    error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    ended = asyncio.Event()

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        try:
            while True:
                await send({"type": "http.response.body", "body": b"tick", "more_body": True})
                await asyncio.sleep(0)
        except OSError as reset:
            if error is Gone:
                raise Gone from reset
        finally:
            ended.set()
        raise LookupError

    async with calling(without_lifespan(handle)) as session:
        response = await session.get("http://a/")
        response.close()
        await ended.wait()
        await asyncio.sleep(0)
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == (error is LookupError)


async def test_a_client_that_goes_away_during_its_upload() -> None:
    messages: list[Message] = []

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        while not messages or messages[-1]["type"] != "http.disconnect":
            messages.append(await receive())
        messages.append(await receive())

    async def body() -> AsyncIterator[bytes]:
        yield b"some"
        await until(lambda: messages)
        raise ValueError("no more")

    async with calling(without_lifespan(handle)) as session:
        with pytest.raises(ValueError, match="no more"):
            await session.post("http://a/", data=body())
        await until(lambda: len(messages) >= 3)
    assert messages == [
        {"type": "http.request", "body": b"some", "more_body": True},
        {"type": "http.disconnect"},
        {"type": "http.disconnect"},
    ]


async def test_an_upload_that_a_listener_for_disconnects_does_not_lose() -> None:
    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        await read(receive)
        listener = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        listener.cancel()
        await answer(send, b"ok")

    async with calling(without_lifespan(handle)) as session, session.post("http://a/", data=b"x") as response:
        assert await response.read() == b"ok"


async def fails(scope: Scope, receive: Receive, send: Send) -> None:
    raise ValueError("no")


async def says_nothing(scope: Scope, receive: Receive, send: Send) -> None:
    pass


async def only_starts(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200})


async def starts_twice(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.start", "status": 200})


async def has_no_start(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.body", "body": b""})


async def sends_another_kind(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.accept"})


@pytest.mark.parametrize(
    "handle", [fails, says_nothing, only_starts, starts_twice, has_no_start, sends_another_kind]
)
async def test_an_application_that_fails(handle: Body) -> None:
    async with calling(without_lifespan(handle)) as session, session.get("http://a/") as response:
        assert response.status == 500


@pytest.mark.parametrize("error", [None, ValueError("no")])
async def test_an_answer_that_breaks_off(error: Exception | None) -> None:
    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"some", "more_body": True})
        if error is not None:
            raise error

    async with calling(without_lifespan(handle)) as session:
        with pytest.raises((ClientPayloadError, ServerDisconnectedError)):
            async with session.get("http://a/") as response:
                await response.read()


async def test_a_body_after_the_end() -> None:
    errors: list[Exception] = []

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, b"ok")
        try:
            await send({"type": "http.response.body", "body": b"more"})
        except RuntimeError as error:
            errors.append(error)

    async with calling(without_lifespan(handle)) as session, session.get("http://a/") as response:
        assert await response.read() == b"ok"
        await until(lambda: errors)


def with_lifespan(told: list[str], answers: dict[str, Message] | None = None) -> AsgiApplication:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["state"]["own"] = 1
            await answer(send, repr(scope["state"]).encode())
            return
        told.append(f"{scope['type']} {scope['asgi']['spec_version']}")
        scope["state"]["shared"] = "kept"
        for _ in range(2):
            message = await receive()
            told.append(message["type"])
            complete = {"type": f"{message['type']}.complete"}
            await send((answers or {}).get(message["type"], complete))

    return app


async def test_the_lifespan() -> None:
    told: list[str] = []
    async with calling(with_lifespan(told)) as session:
        assert told == []
        for _ in range(2):
            async with session.get("http://a/") as response:
                assert await response.text() == "{'shared': 'kept', 'own': 1}"
        assert told == ["lifespan 2.0", "lifespan.startup"]
    assert told == ["lifespan 2.0", "lifespan.startup", "lifespan.shutdown"]


async def test_a_startup_that_fails() -> None:
    told: list[str] = []
    failed = {"type": "lifespan.startup.failed", "message": "no database"}
    connector = AppConnector(with_lifespan(told, {"lifespan.startup": failed}))
    async with ClientSession(connector=connector) as session:
        with pytest.raises(ClientConnectionError, match="no database"):
            await session.get("http://a/")
        with pytest.raises(RuntimeError, match="failed in startup: no database"):
            await connector.start()
    assert told == ["lifespan 2.0", "lifespan.startup"] * 2


async def test_a_shutdown_that_fails() -> None:
    failed = {"type": "lifespan.shutdown.failed"}
    connector = AppConnector(with_lifespan([], {"lifespan.shutdown": failed}))
    await connector.start()
    with pytest.raises(RuntimeError, match="failed in shutdown"):
        await connector.close()


async def test_an_application_that_answers_what_was_not_asked() -> None:
    errors: list[Exception] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        for kind in ("lifespan.startup.complete", "http.response.start"):
            try:
                await send({"type": kind})
            except RuntimeError as error:
                errors.append(error)

    async with AppConnector(app):
        await until(lambda: len(errors) == 2)


async def test_closing_while_it_starts() -> None:
    begun = asyncio.Event()
    ended = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with calling(app) as session:
        request = asyncio.ensure_future(session.get("http://a/"))
        await begun.wait()
    assert ended.is_set()
    with pytest.raises(ClientConnectionError):
        await request
