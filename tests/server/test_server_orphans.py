"""Handlers whose client has gone: the server does not forget them."""

import asyncio
import socket
import struct

import pytest

from pronghorn import web

from .peer import GET


@pytest.mark.parametrize("is_patient", [False, True], ids=["cancelled", "waited for"])
async def test_the_end_waits_for_who_lost_its_client(is_patient: bool) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    said: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        begun.set()
        try:
            await go_on.wait()
            said.append("done")
        except asyncio.CancelledError:
            said.append("cancelled")
            raise
        return web.Response()

    async def clean_up(app: web.Application) -> None:
        said.append("cleanup")

    app = web.Application()
    app.router.add_get("/", handle)
    app.on_cleanup.append(clean_up)
    runner = web.AppRunner(app, shutdown_timeout=5 if is_patient else 0.01)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(GET)
    await begun.wait()
    assert runner.server is not None
    # A reset: by the end alone a client says that it sends no more, and it may wait for its answer.
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()
    async with asyncio.timeout(10):
        while runner.server.connections:
            await asyncio.sleep(0)
    ending = asyncio.ensure_future(runner.cleanup())
    await asyncio.sleep(0)
    if is_patient:
        go_on.set()
    await asyncio.wait_for(ending, 10)
    assert said == ["done" if is_patient else "cancelled", "cleanup"]
