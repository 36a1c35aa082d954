"""A server in a process of its own, so that what it costs can be told from what its peers cost.

Run with the fields of `web.ServerSettings` as one JSON object. Prints its port, serves until its input ends.
"""

import asyncio
import gc
import json
import resource
import sys
from time import process_time

from pronghorn import web
from pronghorn.testing import TestServer

PIECE = bytes(64 * 1024)


class Subject:
    """Handlers of every temper."""

    def __init__(self) -> None:
        self.is_released = asyncio.Event()

    async def answer(self, request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def wait(self, request: web.Request) -> web.Response:
        """Let the loop turn before the answer."""
        await asyncio.sleep(0)
        return web.Response(text="ok")

    async def read(self, request: web.Request) -> web.Response:
        """Read the body piece by piece."""
        size = 0
        async for piece in request.content.iter_any():
            size += len(piece)
        return web.Response(text=str(size))

    async def hold(self, request: web.Request) -> web.Response:
        """Read nothing before `release`, then all."""
        await self.is_released.wait()
        return await self.read(request)

    async def release(self, request: web.Request) -> web.Response:
        self.is_released.set()
        return web.Response(text="ok")

    async def refuse(self, request: web.Request) -> web.Response:
        """Want nothing of the body."""
        raise web.HTTPForbidden(text="no")

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Send as long as it is taken."""
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(PIECE)

    async def kept(self, request: web.Request) -> web.Response:
        """How many connections are in memory, this one among them, when all garbage is collected."""
        gc.collect()
        kept = sum(type(thing).__name__ == "ServerConnection" for thing in gc.get_objects())
        return web.Response(text=str(kept))

    async def cpu(self, request: web.Request) -> web.Response:
        """The seconds of CPU that this process has taken."""
        return web.Response(text=str(process_time()))


async def serve(settings: dict[str, object]) -> None:
    app = web.Application()
    subject = Subject()
    for name in ("answer", "wait", "read", "hold", "release", "refuse", "stream", "kept", "cpu"):
        app.router.add_route("*", f"/{name}", getattr(subject, name))
    async with TestServer(app, shutdown_timeout=0.0, **settings) as server:
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(serve(json.loads(sys.argv[1])))
