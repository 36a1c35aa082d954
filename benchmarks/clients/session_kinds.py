"""Requests through the ClientSession of pronghorn or of aiohttp, of other kinds than a GET among many."""

import argparse
import asyncio
from importlib import import_module
from typing import Any

import uvloop
from flight import arguments, fly
from yarl import URL

from traffic import CONNECTIONS, COOKIES, JSON

#: By name: the requests in flight.
KINDS = {"json": CONNECTIONS, "cookies": CONNECTIONS, "alone": 1}


async def pass_on(request: Any, handler: Any) -> Any:
    """A middleware that does nothing."""
    return await handler(request)


async def measure(options: argparse.Namespace) -> None:
    package: Any = import_module(options.package)
    url, kind = options.url, options.kind
    chosen: dict[str, Any] = {}
    if kind == "cookies":
        jar = package.CookieJar(unsafe=True)  # the server has an address for a name
        jar.update_cookies(COOKIES, URL(url))
        chosen = {"cookie_jar": jar, "middlewares": (pass_on, pass_on, pass_on)}
    async with package.ClientSession(**chosen) as session:

        async def get() -> tuple[int, object]:
            async with session.get(url) as response:
                return response.status, await response.read()

        async def post() -> tuple[int, object]:
            async with session.post(url, json=JSON) as response:
                return response.status, await response.read()

        await fly(post if kind == "json" else get, options, KINDS[kind])


if __name__ == "__main__":
    parser = arguments(__doc__)
    parser.add_argument("--package", choices=("pronghorn", "aiohttp"), required=True)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), required=True)
    parser.add_argument("--kind", choices=tuple(KINDS), required=True)
    options = parser.parse_args()
    run = uvloop.run if options.loop == "uvloop" else asyncio.run
    run(measure(options))
