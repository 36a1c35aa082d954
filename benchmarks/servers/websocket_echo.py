"""Echoes WebSocket messages with pronghorn or aiohttp: one source for both, since the names are the same."""

from typing import Any

from servers.hosting import arguments, host


def make(web: Any) -> Any:
    text = web.WSMsgType.TEXT

    async def echo(request: Any) -> Any:
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        async for message in websocket:
            if message.type is text:
                await websocket.send_str(message.data)
            else:
                await websocket.send_bytes(message.data)
        return websocket

    application = web.Application()
    application.router.add_get("/echo", echo)
    return application


if __name__ == "__main__":
    host(make, arguments(__doc__).parse_args())
