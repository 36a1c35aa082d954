"""Hosts an application of pronghorn or of aiohttp: one source for both, since the names are the same."""

import argparse
import asyncio
from collections.abc import Callable
from importlib import import_module
from typing import Any

import uvloop


def arguments(description: str | None) -> argparse.ArgumentParser:
    """The options that every hosted application takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--package", choices=("pronghorn", "aiohttp"), required=True)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), required=True)
    parser.add_argument("--port", type=int, required=True)
    return parser


def host(make: Callable[[Any], Any], options: argparse.Namespace) -> None:
    """Serves what `make` builds of the package's module `web`, with no access log, until the process ends."""
    run = uvloop.run if options.loop == "uvloop" else asyncio.run
    run(_serve(make, options.package, options.port))


async def _serve(make: Callable[[Any], Any], package: str, port: int) -> None:
    web: Any = import_module(f"{package}.web")
    runner = web.AppRunner(make(web), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()
