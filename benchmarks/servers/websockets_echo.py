"""Echoes WebSocket messages with websockets, or with the package of picows that has its names."""

import argparse
import asyncio
from importlib import import_module
from typing import Any

import uvloop


async def serve(package: str, port: int) -> None:
    module: Any = import_module(package)

    async def echo(connection: Any) -> None:
        async for message in connection:
            await connection.send(message)

    async with module.serve(echo, "127.0.0.1", port, max_size=None):
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--package", choices=("websockets.asyncio.server", "picows.websockets"), required=True
    )
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    uvloop.run(serve(options.package, options.port))
