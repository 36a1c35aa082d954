"""GETs through the ClientSession of pronghorn or of aiohttp, with the options that it has by itself."""

import argparse
import asyncio
from importlib import import_module
from typing import Any

import uvloop
from flight import arguments, fly


async def measure(options: argparse.Namespace) -> None:
    package: Any = import_module(options.package)
    url = options.url
    async with package.ClientSession() as session:

        async def get() -> tuple[int, object]:
            async with session.get(url) as response:
                return response.status, await response.read()

        await fly(get, options)


if __name__ == "__main__":
    parser = arguments(__doc__)
    parser.add_argument("--package", choices=("pronghorn", "aiohttp"), required=True)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), required=True)
    options = parser.parse_args()
    run = uvloop.run if options.loop == "uvloop" else asyncio.run
    run(measure(options))
