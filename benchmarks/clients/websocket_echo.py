"""Sends WebSocket messages with pronghorn or aiohttp, and takes each echo before the next is sent.

One source for both, since the names are the same.
"""

import argparse
import asyncio
from importlib import import_module
from typing import Any

import uvloop
from flight import arguments, fly

from traffic import BODY, ECHOED


async def measure(options: argparse.Namespace) -> None:
    package: Any = import_module(options.package)
    content = (ECHOED * (options.size // len(ECHOED) + 1))[: options.size]
    async with package.ClientSession() as session:
        opened = [await session.ws_connect(options.url, max_msg_size=0) for _ in range(options.connections)]

        async def echo_text() -> tuple[int, object]:
            websocket = opened.pop()
            await websocket.send_str(text)
            message = await websocket.receive()
            opened.append(websocket)
            return (200, BODY) if message.data == text else (0, message)

        async def echo_binary() -> tuple[int, object]:
            websocket = opened.pop()
            await websocket.send_bytes(content)
            message = await websocket.receive()
            opened.append(websocket)
            return (200, BODY) if message.data == content else (0, message)

        text = content.decode()
        await fly(echo_text if options.kind == "text" else echo_binary, options, options.connections)


if __name__ == "__main__":
    parser = arguments(__doc__)
    parser.add_argument("--package", choices=("pronghorn", "aiohttp"), required=True)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), required=True)
    parser.add_argument("--kind", choices=("text", "binary"), default="text")
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--connections", type=int, default=32)
    options = parser.parse_args()
    run = uvloop.run if options.loop == "uvloop" else asyncio.run
    run(measure(options))
