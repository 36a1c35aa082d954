"""GETs through pyreqwest on uvloop, the body read whole by its Rust side."""

import argparse

import uvloop
from flight import arguments, fly
from pyreqwest.client import ClientBuilder


async def measure(options: argparse.Namespace) -> None:
    url = options.url
    async with ClientBuilder().build() as client:

        async def get() -> tuple[int, object]:
            response = await client.get(url).build().send()
            return response.status, await response.bytes()

        await fly(get, options)


if __name__ == "__main__":
    uvloop.run(measure(arguments(__doc__).parse_args()))
