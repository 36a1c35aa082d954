"""The web application of pronghorn or of aiohttp: one source for both, since the names are the same."""

import argparse
import asyncio
from importlib import import_module
from typing import Any

import uvloop

from traffic import BODY

TEXT = BODY.decode()


async def serve(package: str, port: int) -> None:
    web: Any = import_module(f"{package}.web")

    async def hello(request: Any) -> Any:
        return web.Response(text=TEXT)

    application = web.Application()
    application.add_routes(
        [
            web.get("/", hello),
            web.get("/articles", hello),
            web.get("/articles/{name}", hello),
            web.post("/articles", hello),
            web.get(r"/users/{number:\d+}", hello),
        ]
    )
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--package", choices=("pronghorn", "aiohttp"), required=True)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    run = uvloop.run if options.loop == "uvloop" else asyncio.run
    run(serve(options.package, options.port))
