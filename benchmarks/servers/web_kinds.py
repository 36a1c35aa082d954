"""What else a web application of pronghorn or of aiohttp does: one source for both."""

import argparse
import asyncio
from collections.abc import Callable
from importlib import import_module
from typing import Any

import uvloop

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


async def serve(package: str, kind: str, port: int) -> None:
    web: Any = import_module(f"{package}.web")
    application = web.Application(middlewares=middlewares(web) if kind == "middlewares" else ())
    add_routes(application, web, kind)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--package", choices=("pronghorn", "aiohttp"), required=True)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), required=True)
    parser.add_argument("--kind", choices=KINDS, required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    run = uvloop.run if options.loop == "uvloop" else asyncio.run
    run(serve(options.package, options.kind, options.port))
