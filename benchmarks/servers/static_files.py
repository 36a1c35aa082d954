"""A static route of pronghorn or of aiohttp: one source for both, since the names are the same."""

import argparse
import asyncio
from importlib import import_module
from typing import Any

import uvloop

from staticfiles import KINDS, PREFIX, folder


async def serve(package: str, kind: str, port: int) -> None:
    web: Any = import_module(f"{package}.web")
    application = web.Application()
    application.router.add_static(PREFIX, folder(kind))
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
