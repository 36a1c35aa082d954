"""What a middleware is, how they are put in front of a handler, and where paths are led."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pronghorn import web
from pronghorn.server.middlewares import chain, make_link
from pronghorn.testing.memory import make_request
from pronghorn.typedefs import Handler


async def answer(request: Any) -> web.StreamResponse:
    """Answers."""
    return web.Response(text="answer")


def test_the_mark() -> None:
    async def stand(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request)

    assert web.middleware(stand) is stand
    assert vars(stand) == {"__middleware_version__": 1}


async def test_the_first_is_outermost() -> None:
    steps: list[str] = []

    def named(name: str) -> Any:
        @web.middleware
        async def stand(request: web.Request, handler: Handler) -> web.StreamResponse:
            steps.append(f"{name}>")
            response = await handler(request)
            steps.append(f"<{name}")
            return response

        return make_link(stand, None)

    handler = chain(answer, [named("a"), named("b")])
    response = await handler(make_request())
    assert isinstance(response, web.Response)
    assert steps == ["a>", "b>", "<b", "<a"]


async def test_what_a_handler_is_marked_with_is_seen() -> None:
    """By each in front of it, as `functools.wraps` would have it."""
    seen: list[object] = []

    async def marked(request: Any) -> web.StreamResponse:
        return await answer(request)

    marked.needs = "admin"  # type: ignore[attr-defined]  # functions have attributes

    @web.middleware
    async def look(request: web.Request, handler: Any) -> web.StreamResponse:
        seen.append((handler.__name__, handler.__doc__, handler.needs))
        response: web.StreamResponse = await handler(request)
        return response

    link = make_link(look, None)
    await chain(marked, [link, link])(make_request())
    assert seen == [("marked", None, "admin")] * 2
    outer: Any = chain(marked, [link, link])
    assert outer.__wrapped__.__wrapped__ is marked


class Callables:
    """Middlewares that are no functions."""

    __middleware_version__ = 1

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request)

    @web.middleware
    async def method(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request)


@pytest.mark.parametrize("middleware", [Callables(), Callables().method])
async def test_what_can_be_called_is_one(middleware: Any) -> None:
    response = await make_link(middleware, None)(answer)(make_request())
    assert response.status == 200


async def test_the_name_of_the_second_parameter_is_free() -> None:
    @web.middleware
    async def stand(request: web.Request, following: Handler) -> web.StreamResponse:
        return await following(request)

    assert (await make_link(stand, None)(answer)(make_request())).status == 200


async def test_the_old_style() -> None:
    app = web.Application()
    made_with: list[object] = []

    async def factory(given: web.Application, handler: Handler) -> Handler:
        made_with.append((given, handler))

        async def stand(request: Any) -> web.StreamResponse:
            response = await handler(request)
            response.headers["X-Old"] = "1"
            return response

        return stand

    with pytest.warns(
        DeprecationWarning, match=r"old-style middleware <function .*factory.*@web\.middleware"
    ):
        link = make_link(factory, app)
    handler = link(answer)
    response = await handler(make_request())
    assert response.headers["X-Old"] == "1"
    assert made_with == [(app, answer)]
    assert handler.__doc__ == "Answers."


async def test_one_that_forgot_its_mark_is_told() -> None:
    async def stand(request: web.Request, handler: Any) -> web.StreamResponse:
        return web.Response()

    with pytest.warns(DeprecationWarning, match="old-style"):
        link = make_link(stand, None)
    with pytest.raises(TypeError, match=r"without @web\.middleware .* handler, got Response"):
        await link(answer)(make_request())


def test_what_can_not_be_called() -> None:
    with pytest.raises(TypeError, match="middlewares: expected coroutine functions, got 1"):
        make_link(1, None)


# Paths that lead nowhere


def test_a_slash_can_not_be_put_there_and_taken_away() -> None:
    with pytest.raises(AssertionError):
        web.normalize_path_middleware(append_slash=True, remove_slash=True)


async def _led(target: str, method: str = "GET", **options: Any) -> str:
    """Where a request is led; the status if nowhere."""
    app = web.Application(middlewares=[web.normalize_path_middleware(**options)])
    for path in ("/one", "/one/a/b", "/two/", "/two/a/b/", "/n/{n}", "/"):
        app.router.add_get(path, answer)
    app.freeze()
    try:
        return str((await app._handle(make_request(method, target))).status)
    except web.HTTPPermanentRedirect as redirect:
        return str(redirect.location)
    except web.HTTPException as refusal:
        return str(refusal.status)


APPEND: dict[str, Any] = {}
REMOVE = {"append_slash": False, "remove_slash": True}
NEITHER = {"append_slash": False}


@pytest.mark.parametrize(
    ("options", "merges", "target", "there"),
    [
        (APPEND, True, "/one", "200"),
        (APPEND, True, "/one/", "404"),
        (APPEND, True, "/two", "/two/"),
        (APPEND, True, "/two?a=%20%2F&b", "/two/?a=%20%2F&b"),
        (APPEND, True, "//one", "/one"),
        (APPEND, True, "//one//a///b?a=//", "/one/a/b?a=//"),
        (APPEND, True, "//two//a///b", "/two/a/b/"),
        (APPEND, True, "//two//a///b//", "/two/a/b/"),
        (APPEND, True, "/n//a%2Fb", "/n/a%2Fb"),
        (APPEND, True, "///", "/"),
        (APPEND, True, "/onex", "404"),
        (APPEND, False, "/two", "/two/"),
        (APPEND, False, "//two", "/two/"),
        (APPEND, False, "/two//a/b", "404"),
        (REMOVE, True, "/one/", "/one"),
        (REMOVE, True, "/one/?a", "/one?a"),
        (REMOVE, True, "/two", "404"),
        (REMOVE, True, "//one//a//b//", "/one/a/b"),
        (REMOVE, True, "/one//a/b/", "/one/a/b"),
        (REMOVE, True, "/onex", "404"),
        (REMOVE, True, "/n/a/", "/n/a"),
        (REMOVE, True, "//", "/"),
        (REMOVE, False, "/one/", "/one"),
        (REMOVE, False, "/one//a/b/", "404"),
        (REMOVE, False, "//", "/"),
        (NEITHER, True, "/two", "404"),
        (NEITHER, True, "/one/", "404"),
        (NEITHER, True, "/one//a/b", "/one/a/b"),
        (NEITHER, False, "/one//a/b", "404"),
    ],
)
async def test_where_a_path_is_led(options: dict[str, Any], merges: bool, target: str, there: str) -> None:
    assert await _led(target, merge_slashes=merges, **options) == there


@pytest.mark.parametrize("options", [APPEND, REMOVE, NEITHER])
@pytest.mark.parametrize(("method", "target"), [("OPTIONS", "*"), ("CONNECT", "evil:80")])
async def test_what_is_no_path_is_led_nowhere(options: dict[str, Any], method: str, target: str) -> None:
    assert await _led(target, method, **options) == "404"


async def test_only_to_where_the_method_is_answered() -> None:
    assert await _led("/two", "POST") == "404"


async def test_how_it_is_said_can_be_chosen() -> None:
    app = web.Application(middlewares=[web.normalize_path_middleware(redirect_class=web.HTTPFound)])
    app.router.add_get("/a/", answer)
    app.freeze()
    with pytest.raises(web.HTTPFound):
        await app._handle(make_request(target="/a"))


async def test_a_root_that_is_not_there_is_led_nowhere() -> None:
    app = web.Application(middlewares=[web.normalize_path_middleware(append_slash=False, remove_slash=True)])
    app.router.add_get("/a", answer)
    app.freeze()
    for target in ("/", "//", "/?a"):
        with pytest.raises(web.HTTPNotFound):
            await app._handle(make_request(target=target))


def test_types() -> None:
    # That the types that users write go together is for the type checker.
    made: Callable[[Any, Handler], Awaitable[web.StreamResponse]] = web.normalize_path_middleware()
    assert callable(made)
