"""What the older documents say of the server: that it is there."""

from .row import aliased

PLUGGED = """
import asyncio
import socket

import aiohttp
from aiohttp import abc, web

told = []

@web.middleware
async def outer(request, handler):
    told.append("before")
    response = await handler(request)
    told.append(response.status)
    return response

async def greet(request):
    return web.Response(text=request.path)

class Match(abc.AbstractMatchInfo):
    handler = staticmethod(greet)
    expect_handler = http_exception = None
    apps = ()

    def get_info(self):
        return {}

    def add_app(self, app):
        self.apps = (app, *self.apps)

    def freeze(self):
        pass

class Everything(abc.AbstractRouter):
    async def resolve(self, request):
        return Match()

async def note(app):
    told.append("started")

async def mark(request, response):
    response.headers["X-Mark"] = "1"

async def main():
    app = web.Application(router=Everything(), middlewares=[outer])
    app.on_startup.append(note)
    app.on_response_prepare.append(mark)
    runner = web.AppRunner(app)
    await runner.setup()
    sock = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, sock).start()
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{sock.getsockname()[1]}/any/path") as response:
            told.append([await response.text(), response.headers["X-Mark"]])
    await runner.cleanup()
    return told

found = asyncio.run(main())
"""


def test_s003_middlewares_signals_and_a_router_of_ones_own() -> None:
    assert aliased(PLUGGED) == ["started", "before", 200, ["/any/path", "1"]]
