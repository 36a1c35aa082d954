"""GETs through the ClientSession of pronghorn or of aiohttp, with the options that it has by itself.

`--ca` verifies the server by that authority; with `--fresh` as well each request has a handshake.
"""

import argparse
import asyncio
import ssl
from importlib import import_module
from typing import Any

import uvloop
from flight import arguments, fly


async def measure(options: argparse.Namespace) -> None:
    package: Any = import_module(options.package)
    url = options.url
    chosen = {}
    if options.ca is not None:
        verified = ssl.create_default_context(cafile=options.ca)
        chosen["connector"] = package.TCPConnector(ssl=verified, force_close=options.fresh)
    async with package.ClientSession(**chosen) as session:

        async def get() -> tuple[int, object]:
            async with session.get(url) as response:
                return response.status, await response.read()

        await fly(get, options)


if __name__ == "__main__":
    parser = arguments(__doc__)
    parser.add_argument("--package", choices=("pronghorn", "aiohttp"), required=True)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), required=True)
    parser.add_argument("--ca")
    parser.add_argument("--fresh", action="store_true")
    options = parser.parse_args()
    run = uvloop.run if options.loop == "uvloop" else asyncio.run
    run(measure(options))
