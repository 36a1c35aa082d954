"""What else a web application of pronghorn or of aiohttp does: one source for both."""

from collections.abc import Callable
from typing import Any

from servers.hosting import arguments, host
from traffic import BODY, CHUNK, CHUNKS, JSON, KINDS, PAGE, ROUTES

TEXT = BODY.decode()


def add_routes(application: Any, web: Any, kind: str) -> None:
    async def hello(request: Any) -> Any:
        return web.Response(text=TEXT)

    async def json(request: Any) -> Any:
        return web.json_response(JSON)

    async def echo(request: Any) -> Any:
        return web.Response(body=await request.read(), content_type="text/plain")

    async def page(request: Any) -> Any:
        return web.Response(body=PAGE, content_type="text/html")

    async def stream(request: Any) -> Any:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(CHUNKS):
            await response.write(CHUNK)
        await response.write_eof()
        return response

    router = application.router
    router.add_get("/articles/{name}", hello)
    router.add_get("/json", json)
    router.add_post("/echo", echo)
    router.add_get("/page", page)
    router.add_get("/stream", stream)
    if kind == "routes":
        for number in range(ROUTES):
            router.add_get(f"/routes/{number}/{{name}}", hello)


def middlewares(web: Any) -> list[Callable[..., Any]]:
    """Three of them, of the kind that every application has."""

    async def named(request: Any, handler: Callable[[Any], Any]) -> Any:
        request["name"] = request.match_info.get("name")
        return await handler(request)

    async def marked(request: Any, handler: Callable[[Any], Any]) -> Any:
        response = await handler(request)
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    async def guarded(request: Any, handler: Callable[[Any], Any]) -> Any:
        try:
            return await handler(request)
        except KeyError:
            raise web.HTTPNotFound from None

    return [web.middleware(function) for function in (named, marked, guarded)]


def make(web: Any, kind: str) -> Any:
    application = web.Application(middlewares=middlewares(web) if kind == "middlewares" else ())
    add_routes(application, web, kind)
    return application


if __name__ == "__main__":
    parser = arguments(__doc__)
    parser.add_argument("--kind", choices=KINDS, required=True)
    options = parser.parse_args()
    host(lambda web: make(web, options.kind), options)
