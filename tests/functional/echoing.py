"""A handler that echoes what a WebSocket brings."""

from collections.abc import Awaitable, Callable
from typing import Any

from pronghorn import WSMsgType, web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def echo(**options: Any) -> Handler:
    """Sends back what it receives."""

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(**options)
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await socket.send_bytes(message.data)
        return socket

    return handler
