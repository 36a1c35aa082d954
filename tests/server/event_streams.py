"""Streams of events for tests: in memory, and over a connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pronghorn import web
from pronghorn.server.event_stream import EventStreamResponse
from pronghorn.testing import TestServer
from pronghorn.testing.memory import MemoryExchange, make_request

from .peer import PATIENCE, Peer, connect

EVENT_STREAM = [("Host", "a"), ("Accept", "text/event-stream")]


async def prepared(**options: Any) -> tuple[EventStreamResponse, MemoryExchange, web.Request]:
    request = make_request(headers=EVENT_STREAM)
    stream = EventStreamResponse(**options)
    await stream.prepare(request)
    exchange = request.exchange
    if not isinstance(exchange, MemoryExchange):
        raise TypeError("expected an exchange in memory")
    return stream, exchange, request


@asynccontextmanager
async def streamed(
    *, more: bytes = b"", compress: Any = False, **options: Any
) -> AsyncIterator[tuple[Peer, "asyncio.Queue[str | None]", list[str]]]:
    """A client of a stream, the queue that it is fed by, and what became of its handler."""
    queue: asyncio.Queue[str | None] = asyncio.Queue()
    told: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        stream = EventStreamResponse(**options)
        if compress is not False:
            stream.enable_compression(compress)
        try:
            await stream.prepare(request)
            async with stream:
                while (data := await queue.get()) is not None:
                    await stream.send(data)
                told.append("emptied")
            told.append("left")
        except BaseException as error:
            told.append(type(error).__name__)
            raise
        return stream

    app = web.Application()
    app.router.add_get("/", handler)
    async with TestServer(app) as server, connect(server) as peer:
        peer.request(more=more)
        yield peer, queue, told


async def head(peer: Peer) -> bytes:
    async with asyncio.timeout(PATIENCE):
        return await peer.reader.readuntil(b"\r\n\r\n")


async def chunk(peer: Peer) -> bytes:
    async with asyncio.timeout(PATIENCE):
        size = int((await peer.reader.readuntil(b"\r\n"))[:-2], 16)
        return (await peer.reader.readexactly(size + 2))[:-2]
