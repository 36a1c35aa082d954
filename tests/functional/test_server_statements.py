"""What is documented of applications, routes, middlewares, exceptions, keys and what can be derived from.

`tests/server/statements.md` says which test shows which statement; these are shown nowhere else.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import asynccontextmanager
from http.cookies import SimpleCookie
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from frozenlist import FrozenList
from yarl import URL

from pronghorn import abc, typedefs, web
from pronghorn.body import files, payload, pieces, registry
from pronghorn.signals import Signal
from pronghorn.testing import RawTestServer, TestClient, TestServer
from pronghorn.typedefs import Handler

from ..server.peer import connect, serving

NAME = web.AppKey("NAME", str)


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello")


# Applications


def test_an_application_is_a_mapping_of_its_own_kind() -> None:
    app = web.Application()
    assert isinstance(app, MutableMapping)
    app[NAME] = "a"
    assert app.setdefault(NAME, "b") == app.pop(NAME) == "a"


@pytest.mark.parametrize(
    "name",
    [
        *("router", "middlewares", "on_startup", "on_shutdown", "on_cleanup", "on_response_prepare"),
        *("cleanup_ctx", "frozen", "pre_frozen", "loop", "debug"),
    ],
)
def test_what_it_is_made_of_can_not_be_replaced(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(web.Application(), name, None)


def test_what_holds_its_middlewares_and_signals() -> None:
    app = web.Application()
    assert isinstance(app.middlewares, FrozenList)
    assert isinstance(app.cleanup_ctx, FrozenList)
    for signal in (app.on_startup, app.on_shutdown, app.on_cleanup, app.on_response_prepare):
        assert isinstance(signal, Signal)


def test_a_logger_of_ones_own() -> None:
    logger = logging.getLogger("mine")
    assert web.Application(logger=logger).logger is logger


def test_freezing_in_two_steps() -> None:
    app = web.Application()
    app.pre_freeze()
    assert (app.pre_frozen, app.frozen) == (True, False)
    with pytest.raises(RuntimeError):
        app.router.add_get("/", hello)
    app.freeze()
    assert (app.pre_frozen, app.frozen) == (True, True)


async def test_no_argument_that_was_given_up_warns() -> None:
    """Nor do the attributes: they are as good as ever. Warnings are errors here."""
    loop = asyncio.get_running_loop()
    app = web.Application(router=web.UrlDispatcher(), loop=loop, debug=False)
    assert (app.loop, app.debug) == (loop, False)


# Routing


async def test_a_resource_gets_its_routes_one_by_one() -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=413)

    app = web.Application()
    resource = app.router.add_resource("/{x}", name="x")
    get = resource.add_route("GET", hello)
    post = resource.add_route("POST", hello, expect_handler=refuse)
    assert list(resource) == [get, post]
    assert app.router["x"] is resource
    async with TestServer(app) as server, connect(server) as peer:
        assert (await peer.ask(target="/a")).text == "hello"
        assert (await peer.ask("HEAD", "/a"))["allow"] == "GET,POST"
        assert (await peer.ask("POST", "/a", body=b"")).text == "hello"
        peer.send(b"POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
        assert (await peer.answer()).status == 413


def test_a_path_that_is_made_is_a_url() -> None:
    router = web.UrlDispatcher()
    router.add_get("/{a}", hello, name="x")
    url = router["x"].url_for(a="b c")
    assert isinstance(url, URL)
    assert url == URL("/b%20c", encoded=True)
    assert dict(router) == dict(router.named_resources()) == {"x": router["x"]}


def test_the_families_of_resources_and_routes() -> None:
    families = [
        (web.AbstractResource, web.Resource, web.PlainResource),
        (web.AbstractResource, web.Resource, web.DynamicResource),
        (web.AbstractResource, web.PrefixResource, web.StaticResource),
        (web.AbstractResource, web.PrefixResource, web.PrefixedSubAppResource, web.MatchedSubAppResource),
        (web.AbstractRoute, web.ResourceRoute),
        (web.AbstractRoute, web.SystemRoute),
        (web.AbstractMatchInfo, web.UrlMappingMatchInfo),
        (dict, web.UrlMappingMatchInfo),
        (web.AbstractRouter, web.UrlDispatcher),
        (abc.AbstractView, web.View),
        (web.AbstractRuleMatching, web.Domain, web.MaskDomain),
    ]
    for family in families:
        for base, derived in pairwise(family):
            assert issubclass(derived, base)


async def test_the_options_of_a_folder(tmp_path: Path) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=417, text="refused")

    root = tmp_path / "root"
    root.mkdir()
    (root / "a.txt").write_text("content")
    (tmp_path / "b.txt").write_text("beside")
    (root / "link").symlink_to(tmp_path / "b.txt")
    app = web.Application()
    app.router.add_static("/plain", root)
    app.router.add_static(
        "/all",
        root,
        name="all",
        expect_handler=refuse,
        chunk_size=3,
        show_index=True,
        follow_symlinks=True,
        append_version=True,
    )
    url = app.router["all"].url_for(filename="a.txt")
    assert url.path == "/all/a.txt"
    async with TestServer(app) as server, connect(server) as peer:
        assert (await peer.ask(target=str(url))).text == "content"
        assert (await peer.ask("HEAD", "/all/a.txt"))["content-length"] == "7"
        assert (await peer.ask(target="/all/link")).text == "beside"
        assert "a.txt" in (await peer.ask(target="/all")).text
        assert (await peer.ask(target="/plain/link")).status == 404
        assert (await peer.ask(target="/plain")).status == 403
        assert (await peer.ask("POST", "/plain/a.txt", body=b""))["allow"] == "GET,HEAD"
        peer.send(b"GET /all/a.txt HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n")
        assert (await peer.answer()).text == "refused"


# Handlers


async def test_a_failure_is_not_told_in_debug_mode_either() -> None:
    """Where aiohttp sends a page with the traceback; ours is in the log."""

    async def fail(request: web.Request) -> web.Response:
        raise LookupError("a secret")

    loop = asyncio.get_running_loop()
    was_debugged = loop.get_debug()
    loop.set_debug(True)
    try:
        async with serving(fail) as server, connect(server) as peer:
            answer = await peer.ask(more=b"Accept: text/html\r\n")
    finally:
        loop.set_debug(was_debugged)
    assert (answer.status, answer.text) == (500, "500: Internal Server Error")
    assert answer["content-type"] == "text/plain; charset=utf-8"


# Contexts that an application lives in


async def test_contexts_of_both_kinds_come_first_and_go_first() -> None:
    steps: list[str] = []

    async def generator(app: web.Application) -> AsyncIterator[None]:
        steps.append(f"+generator {app[NAME]}")
        yield
        steps.append("-generator")

    @asynccontextmanager
    async def manager(app: web.Application) -> AsyncIterator[None]:
        steps.append(f"+manager {app[NAME]}")
        yield
        steps.append("-manager")

    async def started(app: web.Application) -> None:
        steps.append("startup")

    async def ended(app: web.Application) -> None:
        steps.append("cleanup")

    app = web.Application()
    app[NAME] = "app"
    app.on_startup.append(started)
    app.on_cleanup.append(ended)
    app.cleanup_ctx.extend([generator, manager])
    async with TestServer(app):
        assert steps == ["+generator app", "+manager app", "startup"]
        steps.clear()
    assert steps == ["-manager", "-generator", "cleanup"]


async def test_what_several_contexts_raise_at_the_end() -> None:
    def failing(error: Exception) -> Any:
        async def live(app: web.Application) -> AsyncIterator[None]:
            yield
            raise error

        return live

    one, two = LookupError("one"), ValueError("two")
    app = web.Application()
    app.cleanup_ctx.extend([failing(one), failing(two)])
    runner = web.AppRunner(app)
    await runner.setup()
    with pytest.raises(web.CleanupError) as caught:
        await runner.cleanup()
    assert caught.value.exceptions == [two, one]
    assert caught.value.args == (str(caught.value.args[0]), [two, one])


# HTTP exceptions

NAMES = {
    200: "Ok",
    201: "Created",
    202: "Accepted",
    203: "NonAuthoritativeInformation",
    204: "NoContent",
    205: "ResetContent",
    206: "PartialContent",
    300: "MultipleChoices",
    301: "MovedPermanently",
    302: "Found",
    303: "SeeOther",
    304: "NotModified",
    305: "UseProxy",
    307: "TemporaryRedirect",
    308: "PermanentRedirect",
    400: "BadRequest",
    401: "Unauthorized",
    402: "PaymentRequired",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    407: "ProxyAuthenticationRequired",
    408: "RequestTimeout",
    409: "Conflict",
    410: "Gone",
    411: "LengthRequired",
    412: "PreconditionFailed",
    413: "RequestEntityTooLarge",
    414: "RequestURITooLong",
    415: "UnsupportedMediaType",
    416: "RequestRangeNotSatisfiable",
    417: "ExpectationFailed",
    421: "MisdirectedRequest",
    422: "UnprocessableEntity",
    424: "FailedDependency",
    426: "UpgradeRequired",
    428: "PreconditionRequired",
    429: "TooManyRequests",
    431: "RequestHeaderFieldsTooLarge",
    451: "UnavailableForLegalReasons",
    500: "InternalServerError",
    501: "NotImplemented",
    502: "BadGateway",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
    505: "VersionNotSupported",
    506: "VariantAlsoNegotiates",
    507: "InsufficientStorage",
    510: "NotExtended",
    511: "NetworkAuthenticationRequired",
}


def test_the_names_of_all_fifty_one() -> None:
    assert len(NAMES) == 51
    assert {status: getattr(web, f"HTTP{name}").status_code for status, name in NAMES.items()} == {
        status: status for status in NAMES
    }
    assert all(issubclass(getattr(web, f"HTTP{name}"), web.HTTPException) for name in NAMES.values())


async def test_an_exception_is_a_response_as_well() -> None:
    async def handler(request: web.Request) -> web.Response:
        error = web.HTTPConflict(
            headers={"X-A": "1"}, reason="No", body=b"<b>no</b>", content_type="text/html"
        )
        assert isinstance(error, web.Response)
        assert isinstance(error, Exception)
        error.set_cookie("a", "b")
        raise error

    async with serving(handler) as server, connect(server) as peer:
        answer = await peer.ask()
    assert (answer.status, answer.reason, answer.content) == (409, "No", b"<b>no</b>")
    assert (answer["x-a"], answer["content-type"], answer["set-cookie"]) == ("1", "text/html", "a=b; Path=/")


# What is derived from


def test_the_names_of_abc_and_typedefs() -> None:
    assert {
        *("AbstractRouter", "AbstractMatchInfo", "AbstractView", "AbstractResolver", "ResolveResult"),
        *("AbstractCookieJar", "AbstractStreamWriter", "AbstractAccessLogger", "ClearCookiePredicate"),
    } <= set(abc.__all__)
    assert {
        *("Handler", "Middleware", "StrOrURL", "LooseHeaders", "LooseCookies", "RawHeaders"),
        *("JSONEncoder", "JSONDecoder", "JSONBytesEncoder", "PathLike", "Query"),
    } <= set(dir(typedefs))


async def test_an_access_log_of_ones_own() -> None:
    lines: list[tuple[Any, ...]] = []

    class Log(abc.AbstractAccessLogger):
        def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
            lines.append((self.logger.name, self.log_format, request.path, response.status, time >= 0))

    app = web.Application()
    app.router.add_get("/", hello)
    logger = logging.getLogger("mine")
    settings: dict[str, Any] = {"access_log": logger, "access_log_class": Log, "access_log_format": "mine"}
    async with TestServer(app, **settings) as server, connect(server) as peer:
        await peer.ask()
        await peer.ask(target="/nowhere")
    assert lines == [("mine", "mine", "/", 200, True), ("mine", "mine", "/nowhere", 404, True)]


async def test_a_cookie_jar_of_ones_own() -> None:
    class Jar(abc.AbstractCookieJar):
        unsafe = quote_cookie = True
        cookies: Any = MappingProxyType({})
        host_only_cookies = frozenset()

        def __iter__(self) -> Iterator[Any]:
            return iter(())

        def __len__(self) -> int:
            return 0

        def clear(self, predicate: Any = None) -> None: ...
        def clear_domain(self, domain: str) -> None: ...
        def update_cookies(self, cookies: Any, response_url: URL = URL()) -> None: ...  # noqa: B008 - theirs
        def filter_cookies(self, request_url: URL) -> Any:
            return SimpleCookie({"mine": request_url.path.strip("/")})

    async def tell(request: web.BaseRequest) -> web.Response:
        return web.Response(text=request.headers["Cookie"])

    async with TestClient(RawTestServer(tell), cookie_jar=Jar()) as client:
        assert await (await client.get("/path")).text() == "mine=path"


async def test_types_of_handlers_and_middlewares_are_those_of_what_is_written() -> None:
    @web.middleware
    async def stand(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        response.headers["X-Stood"] = "1"
        return response

    middleware: typedefs.Middleware = stand
    handler: typedefs.Handler = hello
    app = web.Application(middlewares=[middleware])
    app.router.add_get("/", handler)
    async with TestServer(app) as server, connect(server) as peer:
        assert (await peer.ask())["x-stood"] == "1"


# Payloads


def test_the_names_of_payloads() -> None:
    for name in (
        *("PAYLOAD_REGISTRY", "get_payload", "register_payload", "payload_type", "Order", "Payload"),
        *("BytesPayload", "StringPayload", "StringIOPayload", "TextIOPayload", "BytesIOPayload"),
        *("BufferedReaderPayload", "IOBasePayload", "JsonPayload", "JsonBytesPayload"),
        *("AsyncIterablePayload", "StreamReaderPayload"),
    ):
        assert any(hasattr(module, name) for module in (files, payload, pieces, registry))
    for name in (
        *("size", "filename", "headers", "encoding", "content_type", "consumed", "autoclose"),
        *("set_content_disposition", "decode", "write", "write_with_length", "as_bytes", "close"),
    ):
        assert hasattr(payload.Payload, name)
