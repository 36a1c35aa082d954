"""Applications in applications, and how they start and end together."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from pronghorn import web
from pronghorn.testing.memory import make_request
from pronghorn.typedefs import Handler

NAME = web.AppKey("NAME", str)


async def answer(request: web.Request) -> web.Response:
    return web.Response(text=request.app[NAME])


@pytest.mark.parametrize(
    ("add", "error", "message"),
    [
        (lambda app: app.add_subapp(1, web.Application()), TypeError, "prefix: expected a str, got 1"),
        (lambda app: app.add_subapp("", web.Application()), ValueError, "prefix: .* empty"),
        (lambda app: app.add_subapp("/", web.Application()), ValueError, "prefix: .* empty"),
        (lambda app: app.add_subapp("x", web.Application()), ValueError, "prefix: .* begin with '/'"),
        (lambda app: app.add_subapp("/x", None), TypeError, "subapp: expected an Application, got None"),
        (lambda app: app.add_subapp("/x", app), RuntimeError, "subapp: "),
        (lambda app: app.add_domain(1, web.Application()), TypeError, "domain: expected a str"),
        (lambda app: app.add_domain("", web.Application()), ValueError, "domain: .* empty"),
        (lambda app: app.add_domain("a b", web.Application()), ValueError, "domain: .*'a b'"),
        (lambda app: app.add_domain("http://a", web.Application()), ValueError, "domain: .* scheme"),
        (lambda app: app.add_domain("a..b", web.Application()), ValueError, "domain: "),
        (lambda app: app.add_domain("a.test", None), TypeError, "subapp: "),
        (lambda app: app.add_domain("a.test", app), RuntimeError, "subapp: "),
    ],
)
def test_what_can_not_be_added(add: Callable[[Any], Any], error: type[Exception], message: str) -> None:
    app = web.Application()
    with pytest.raises(error, match=message):
        add(app)
    assert not app._subapps
    assert not app.pre_frozen


def test_an_application_is_in_one_place() -> None:
    app, sub = web.Application(), web.Application()
    app.add_subapp("/a", sub)
    additions: list[Callable[[], object]] = [
        lambda: app.add_subapp("/b", sub),
        lambda: web.Application().add_subapp("/a", sub),
        lambda: web.Application().add_domain("a.test", sub),
        lambda: sub.add_subapp("/c", web.Application()),
        lambda: sub.add_subapp("/c", app),
    ]
    for add in additions:
        with pytest.raises(RuntimeError, match="it has started, or "):
            add()
    assert len(app.router.resources()) == 1


def test_one_that_has_started_can_not_be_added() -> None:
    sub = web.Application()
    sub.freeze()
    with pytest.raises(RuntimeError, match="subapp: it has started"):
        web.Application().add_subapp("/a", sub)


async def test_one_that_was_added_is_frozen_with_the_other() -> None:
    app, sub = web.Application(), web.Application()
    app.add_subapp("/a", sub)
    assert (sub.pre_frozen, sub.frozen) == (True, False)
    sub[NAME] = "still"
    with pytest.raises(RuntimeError):
        sub.router.add_get("/x", answer)
    await app.startup()
    assert sub.frozen


async def test_one_with_two_domains_starts_once() -> None:
    app, sub = web.Application(), web.Application()
    steps: list[str] = []

    async def started(app: web.Application) -> None:
        steps.append("started")

    sub.on_startup.append(started)
    sub.router.add_get("/", answer)
    for domain in ("a.test", "*.b.test"):
        app.add_domain(domain, sub)
    await app.startup()
    assert steps == ["started"]
    sub_seen = []
    for host in ("a.test", "x.b.test"):
        request = make_request(headers=[("Host", host)])
        with pytest.raises(KeyError):  # of the name: it was reached
            await app._handle(request)
        sub_seen.append(request.app)
    assert sub_seen == [sub, sub]
    with pytest.raises(web.HTTPNotFound):
        await app._handle(make_request(headers=[("Host", "c.test")]))


# Starting and ending


def noting(app: web.Application, steps: list[str], name: str, *, fails: bool = False) -> None:
    async def live(app: web.Application) -> AsyncIterator[None]:
        steps.append(f"+{name}")
        yield
        steps.append(f"-{name}")
        if fails:
            raise LookupError(name)

    app.cleanup_ctx.append(live)


async def fail(app: web.Application) -> None:
    raise ValueError("start")


async def test_a_start_that_fails_leaves_what_was_entered() -> None:
    """Here and below; `on_cleanup` is for what has started."""
    steps: list[str] = []
    app, sub = web.Application(), web.Application()
    noting(app, steps, "app")
    noting(sub, steps, "sub")
    sub.on_startup.append(fail)
    app.add_subapp("/a", sub)
    noting(app, steps, "app, too")

    async def ended(app: web.Application) -> None:
        steps.append("on_cleanup")

    app.on_cleanup.append(ended)
    runner = web.AppRunner(app)
    with pytest.raises(ValueError, match="start"):
        await runner.setup()
    assert steps == ["+app", "+app, too", "+sub", "-sub", "-app, too", "-app"]
    await runner.cleanup()
    assert len(steps) == 6
    assert not app.frozen


async def test_an_end_that_fails_leaves_all_others() -> None:
    steps: list[str] = []
    app, sub = web.Application(), web.Application()
    noting(app, steps, "app", fails=True)
    noting(sub, steps, "sub")
    app.add_subapp("/a", sub)
    await app.startup()
    with pytest.raises(LookupError, match="app"):
        await app.cleanup()
    assert steps == ["+app", "+sub", "-app", "-sub"]


async def test_of_several_failures_at_the_end_none_is_lost() -> None:
    steps: list[str] = []
    app, sub = web.Application(), web.Application()
    noting(app, steps, "app", fails=True)
    noting(sub, steps, "sub", fails=True)
    app.add_subapp("/a", sub)
    await app.startup()
    with pytest.raises(LookupError, match="sub") as raised:
        await app.cleanup()
    assert repr(raised.value.__context__) == "LookupError('app')"


async def test_it_can_start_again() -> None:
    steps: list[str] = []
    app = web.Application()
    noting(app, steps, "app")
    for _ in range(2):
        runner = web.AppRunner(app)
        await runner.setup()
        await runner.cleanup()
    assert steps == ["+app", "-app"] * 2


async def test_a_start_that_is_cancelled_leaves_what_was_entered() -> None:
    steps: list[str] = []
    waiting = asyncio.Event()

    async def wait(app: web.Application) -> None:
        waiting.set()
        await asyncio.get_running_loop().create_future()

    app = web.Application()
    noting(app, steps, "app")
    app.on_startup.append(wait)
    task = asyncio.ensure_future(web.AppRunner(app).setup())
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps == ["+app", "-app"]


async def test_routes_can_be_added_while_it_starts() -> None:
    async def add(app: web.Application) -> None:
        app.router.add_get("/late", answer)

        @web.middleware
        async def stand(request: web.Request, handler: Handler) -> web.StreamResponse:
            raise web.HTTPGone

        app.middlewares.append(stand)

    app = web.Application()
    app.on_startup.append(add)
    await app.startup()
    with pytest.raises(web.HTTPGone):
        await app._handle(make_request(target="/late"))


async def test_an_application_can_not_be_added_while_it_starts() -> None:
    """It would have missed the start."""

    async def add(app: web.Application) -> None:
        app.add_subapp("/sub", web.Application())

    app = web.Application()
    app.on_startup.append(add)
    with pytest.raises(RuntimeError, match="it has started, or "):
        await app.startup()
    assert not len(app.router.resources())
