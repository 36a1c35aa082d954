import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pronghorn import (
    ClientPayloadError,
    ClientSession,
    ClientTimeout,
    ServerDisconnectedError,
    web,
)
from pronghorn.testing import AppConnector
from pronghorn.testing.pair import MemoryTransport


def application(**routes: Callable[[Any], Any]) -> web.Application:
    """Routes by their name."""
    app = web.Application(client_max_size=0)
    for name, handler in routes.items():
        app.router.add_route("*", f"/{name}", handler)
    return app


async def echo(request: web.BaseRequest) -> web.Response:
    return web.json_response(
        {
            "url": str(request.url),
            "secure": request.secure,
            "remote": request.remote,
            "body": await request.text(),
        }
    )


@asynccontextmanager
async def calling(app: Any, **options: Any) -> AsyncIterator[ClientSession]:
    async with ClientSession(connector=AppConnector(app, **options)) as session:
        yield session


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("url", "secure"),
    [
        ("http://example.com/echo?q=1", False),
        ("https://example.com/echo", True),
        ("http://[::1]:8080/echo", False),
        ("https://127.0.0.1:444/echo", True),
    ],
)
async def test_any_host_leads_to_the_application(url: str, secure: bool) -> None:
    async with calling(application(echo=echo)) as session:
        async with session.post(url, data="content", ssl=False) as response:
            assert response.status == 200
            assert await response.json() == {
                "url": url,
                "secure": secure,
                "remote": "127.0.0.1",
                "body": "content",
            }
        for host in ("http://example.com", "https://example.org", "https://example.net"):
            async with session.get(f"{host}/none") as response:
                assert response.status == 404


async def test_the_address_that_requests_come_from() -> None:
    async with (
        calling(application(echo=echo), peername=("203.0.113.9", 4711)) as session,
        session.get("http://a/echo") as response,
    ):
        assert (await response.json())["remote"] == "203.0.113.9"


async def test_a_connection_is_kept_and_used_again() -> None:
    transports = []

    async def handle(request: web.BaseRequest) -> web.Response:
        transports.append(request.transport)
        return web.Response(text="ok")

    async with calling(application(handle=handle)) as session:
        for _ in range(3):
            async with session.get("http://a/handle") as response:
                assert await response.text() == "ok"
        assert len(set(transports)) == 1
        assert isinstance(transports[0], MemoryTransport)
        async with session.get("http://b/handle"):
            pass
        assert len(set(transports)) == 2


async def test_bodies_stream_both_ways_at_once() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        async for line in request.content:
            await response.write(line.upper())
        return response

    lines: asyncio.Queue[bytes] = asyncio.Queue()

    async def body() -> AsyncIterator[bytes]:
        while line := await lines.get():
            yield line

    async with calling(application(handle=handle)) as session:
        lines.put_nowait(b"one\n")
        async with session.post("http://a/handle", data=body()) as response:
            assert await response.content.readline() == b"ONE\n"
            lines.put_nowait(b"two\n")
            assert await response.content.readline() == b"TWO\n"
            lines.put_nowait(b"")
            assert await response.content.readline() == b""


async def test_large_bodies() -> None:
    size = 5_000_000

    async def handle(request: web.BaseRequest) -> web.Response:
        return web.Response(body=await request.read())

    async with (
        calling(application(handle=handle)) as session,
        session.post("http://a/handle", data=bytes(size)) as response,
    ):
        assert len(await response.read()) == size


async def test_a_handler_waits_for_a_client_that_does_not_read() -> None:
    written = 0

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(bytes(65536))
            written += 65536
        return response

    async with (
        calling(application(handle=handle)) as session,
        session.get("http://a/handle") as response,
    ):
        for _ in range(500):
            await asyncio.sleep(0)
        assert written < 1024 * 1024
        assert len(await response.read()) == 100 * 65536


async def test_a_client_waits_for_a_handler_that_does_not_read() -> None:
    sent = 0
    go_on = asyncio.Event()

    async def handle(request: web.BaseRequest) -> web.Response:
        await go_on.wait()
        return web.Response(text=str(len(await request.read())))

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100):
            yield bytes(65536)
            sent += 65536

    async with calling(application(handle=handle)) as session:
        request = asyncio.ensure_future(session.post("http://a/handle", data=body()))
        for _ in range(500):
            await asyncio.sleep(0)
        assert sent < 1024 * 1024
        go_on.set()
        async with await request as response:
            assert await response.text() == str(100 * 65536)


async def test_an_answer_that_comes_early() -> None:
    async def handle(request: web.BaseRequest) -> web.Response:
        return web.Response(status=413, text="too large")

    async def body() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield bytes(65536)

    async with (
        calling(application(handle=handle)) as session,
        session.post("http://a/handle", data=body()) as response,
    ):
        assert (response.status, await response.text()) == (413, "too large")


async def test_expect_100() -> None:
    async with (
        calling(application(echo=echo)) as session,
        session.post("http://a/echo", data=b"content", expect100=True) as response,
    ):
        assert (await response.json())["body"] == "content"


async def test_a_handler_that_fails() -> None:
    async def fail(request: web.BaseRequest) -> web.Response:
        raise ValueError("no")

    async def break_off(request: web.BaseRequest) -> web.Response:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"some")
        raise ValueError("no")

    async with calling(application(fail=fail, break_off=break_off)) as session:
        async with session.get("http://a/fail") as response:
            assert response.status == 500
        with pytest.raises((ClientPayloadError, ServerDisconnectedError)):
            async with session.get("http://a/break_off") as response:
                await response.read()


@pytest.mark.parametrize("cancels", [False, True])
async def test_a_handler_sees_that_its_client_went_away(cancels: bool) -> None:
    begun, seen = asyncio.Event(), asyncio.Event()

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        try:
            await response.prepare(request)
            begun.set()
            while True:
                await response.write(b"tick\n")
                await asyncio.sleep(0)
        except (ConnectionResetError, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) == cancels:
                seen.set()
            raise

    settings = {"handler_cancellation": cancels}
    async with calling(application(handle=handle), server_settings=settings) as session:
        response = await session.get("http://a/handle")
        await begun.wait()
        response.close()
        await asyncio.wait_for(seen.wait(), 5)


async def test_a_request_that_is_cancelled() -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def handle(request: web.BaseRequest) -> web.Response:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return web.Response()

    app = application(handle=handle, echo=echo)
    async with calling(app, server_settings={"handler_cancellation": True}) as session:
        request = asyncio.ensure_future(session.get("http://a/handle"))
        await begun.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        await asyncio.wait_for(cancelled.wait(), 5)
        async with session.get("http://a/echo") as response:
            assert response.status == 200


async def test_timeouts_hold() -> None:
    async def handle(request: web.BaseRequest) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    app = application(handle=handle)
    async with calling(app, server_settings={"handler_cancellation": True}) as session:
        with pytest.raises(TimeoutError):
            await session.get("http://a/handle", timeout=ClientTimeout(total=0.01))


async def test_a_client_that_closes_during_an_upload() -> None:
    errors: list[Exception] = []

    async def handle(request: web.BaseRequest) -> web.Response:
        try:
            await request.read()
        except web.RequestPayloadError as error:
            errors.append(error)
            raise
        return web.Response()

    async def body() -> AsyncIterator[bytes]:
        yield b"some"
        raise ValueError("no more")

    async with calling(application(handle=handle)) as session:
        with pytest.raises(ValueError, match="no more"):
            await session.post("http://a/handle", data=body())
        await until(lambda: errors)


async def test_a_low_level_server() -> None:
    async with calling(web.Server(echo)) as session, session.get("http://a/anything") as response:
        assert (await response.json())["url"] == "http://a/anything"


@pytest.mark.parametrize("limit", [1, 2])
async def test_the_limit_of_connections_holds(limit: int) -> None:
    running = most = 0

    async def handle(request: web.BaseRequest) -> web.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(5):
            await asyncio.sleep(0)
        running -= 1
        return web.Response()

    async with calling(application(handle=handle), limit=limit) as session:
        await asyncio.gather(*(session.get("http://a/handle") for _ in range(8)))
    assert most == limit


@pytest.mark.parametrize("force_close", [False, True])
async def test_force_close(force_close: bool) -> None:
    async with calling(application(echo=echo), force_close=force_close) as session:
        for _ in range(2):
            async with session.get("http://a/echo"):
                pass
        assert session.connector is not None
        assert session.connector.stats().created == 1 + force_close


def test_what_is_refused() -> None:
    with pytest.raises(TypeError, match="app: expected"):
        AppConnector("app")  # type: ignore[arg-type]  # what is refused
    with pytest.raises(ValueError, match="server_settings"):
        AppConnector(web.Server(echo), server_settings={"head_timeout": 1})


async def test_proxies_are_refused() -> None:
    async with calling(application(echo=echo)) as session:
        with pytest.raises(ValueError, match="prox"):
            await session.get("http://a/echo", proxy="http://proxy")
