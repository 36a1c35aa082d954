"""When the application behind an `AppConnector` starts, and when it ends."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from pronghorn import ClientConnectionError, ClientSession, web
from pronghorn.testing import AppConnector

Events = list[str]


def application(events: Events | None = None) -> web.Application:
    """Answers to "/echo"; what happens is written down."""
    app = web.Application()
    told: Events = [] if events is None else events
    app.router.add_get("/echo", echo)

    def note(event: str) -> Callable[[web.Application], Any]:
        async def happen(app: web.Application) -> None:
            told.append(event)

        return happen

    app.on_startup.append(note("startup"))
    app.on_shutdown.append(note("shutdown"))
    app.on_cleanup.append(note("cleanup"))
    return app


async def echo(request: web.BaseRequest) -> web.Response:
    return web.Response(text=request.path)


def calling(app: Any) -> ClientSession:
    return ClientSession(connector=AppConnector(app))


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def test_it_starts_at_the_first_request_and_ends_with_the_session() -> None:
    events: Events = []
    async with calling(application(events)) as session:
        assert events == []
        await asyncio.gather(*(session.get("http://a/echo") for _ in range(5)))
        assert events == ["startup"]
    assert events == ["startup", "shutdown", "cleanup"]


async def test_one_that_was_never_asked_never_starts() -> None:
    events: Events = []
    async with calling(application(events)):
        pass
    assert events == []


async def test_it_starts_with_async_with() -> None:
    events: Events = []
    async with AppConnector(application(events)) as connector:
        assert events == ["startup"]
        await connector.start()
        assert events == ["startup"]
    assert events == ["startup", "shutdown", "cleanup"]
    await connector.close()
    with pytest.raises(ClientConnectionError, match="closed"):
        await connector.start()
    assert events == ["startup", "shutdown", "cleanup"]


async def test_what_startup_raises() -> None:
    tries = 0

    async def fail(app: web.Application) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise ValueError("no database")

    app = application()
    app.on_startup.append(fail)
    connector = AppConnector(app)
    async with ClientSession(connector=connector) as session:
        with pytest.raises(ClientConnectionError, match="no database") as caught:
            await session.get("http://a/echo")
        assert isinstance(caught.value.__cause__, ValueError)
        with pytest.raises(ValueError, match="no database"):
            await connector.start()
        async with session.get("http://a/echo") as response:
            assert response.status == 200


async def test_what_cleanup_raises() -> None:
    async def fail(app: web.Application) -> None:
        raise ValueError("cleanup")

    app = application()
    app.on_cleanup.append(fail)
    connector = AppConnector(app)
    await connector.start()
    with pytest.raises(ValueError, match="cleanup"):
        await connector.close()


async def test_closing_need_not_be_awaited() -> None:
    events: Events = []
    connector = AppConnector(application(events))
    await connector.start()
    _ = connector.close()
    await until(lambda: events == ["startup", "shutdown", "cleanup"])


async def test_the_older_with_closes_as_well() -> None:
    events: Events = []
    connector = AppConnector(application(events))
    await connector.start()
    with pytest.warns(DeprecationWarning, match="async with"), connector:
        pass
    await until(lambda: "cleanup" in events)


async def test_closing_while_it_starts() -> None:
    """What was entered by then is left; `on_cleanup` is of applications that have started."""
    started = asyncio.Event()
    events: Events = []

    async def wait(app: web.Application) -> None:
        started.set()
        await asyncio.Event().wait()

    async def enter(app: web.Application) -> AsyncIterator[None]:
        events.append("entered")
        yield
        events.append("left")

    app = application(events)
    app.cleanup_ctx.append(enter)
    app.on_startup.append(wait)
    async with calling(app) as session:
        request = asyncio.ensure_future(session.get("http://a/echo"))
        await started.wait()
    with pytest.raises(ClientConnectionError):
        await request
    assert sorted(events[:-1]) == ["entered", "startup"]
    assert events[-1] == "left"


async def test_who_waits_for_a_start_learns_of_the_closing() -> None:
    started = asyncio.Event()

    async def wait(app: web.Application) -> None:
        started.set()
        await asyncio.Event().wait()

    app = application()
    app.on_startup.append(wait)
    connector = AppConnector(app)
    waiting = asyncio.ensure_future(connector.start())
    await started.wait()
    await connector.close()
    with pytest.raises(ClientConnectionError, match="cancelled"):
        await waiting


async def test_cancelling_who_asked_first_does_not_keep_others_from_starting() -> None:
    go_on = asyncio.Event()
    started = asyncio.Event()

    async def wait(app: web.Application) -> None:
        started.set()
        await go_on.wait()

    app = application()
    app.on_startup.append(wait)
    async with calling(app) as session:
        first = asyncio.ensure_future(session.get("http://a/echo"))
        await started.wait()
        second = asyncio.ensure_future(session.get("http://a/echo"))
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        go_on.set()
        async with await second as response:
            assert response.status == 200


async def test_settings_that_there_are_not() -> None:
    events: Events = []
    connector = AppConnector(application(events), server_settings={"no_such": 1})
    with pytest.raises(TypeError, match="no_such"):
        await connector.start()
    await connector.close()
    assert events == ["startup", "cleanup"]


def test_it_belongs_to_the_loop_that_it_was_started_on() -> None:
    connector = AppConnector(application())
    asyncio.run(connector.start())

    async def use() -> None:
        with pytest.raises(RuntimeError, match="was started on"):
            await connector.start()
        async with ClientSession(connector=connector, connector_owner=False) as session:
            with pytest.raises(RuntimeError, match="was started on"):
                await session.get("http://a/echo")

    asyncio.run(use())
    _ = connector.close()
