"""A small application: JSON, a form, an upload that is hashed as it comes, a download of any size, a chat.

python examples/server.py --port 8080
"""

import argparse
import hashlib
import json
import platform
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from urllib.parse import parse_qsl

from content import chunks
from pronghorn import web

HERE = Path(__file__).parent
PAGE = (HERE / "page.html").read_text(encoding="utf-8")
CHAT = (HERE / "chat.html").read_text(encoding="utf-8")
UPLOAD_LIMIT = DOWNLOAD_LIMIT = 1024**3
ROOM = web.AppKey("room", set[web.WebSocketResponse])

routes = web.RouteTableDef()


@routes.get("/")
async def page(request: web.Request) -> web.Response:
    return web.Response(text=PAGE, content_type="text/html")


@routes.get("/api/time")
async def time(request: web.Request) -> web.Response:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    peer = request.get_extra_info("peername")
    return web.json_response({"time": now, "python": platform.python_version(), "peer": peer})


@routes.post("/api/echo")
async def echo(request: web.Request) -> web.Response:
    try:
        received = await request.json()
    except ValueError as error:
        raise web.HTTPBadRequest(text="the body is not JSON") from error
    return web.json_response({"received": received})


@routes.post("/form")
async def form(request: web.Request) -> web.Response:
    fields = dict(parse_qsl(await request.text(), keep_blank_values=True))
    return web.json_response({"fields": fields})


@routes.post("/upload")
async def upload(request: web.Request) -> web.Response:
    digest = hashlib.sha256()
    size = 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > UPLOAD_LIMIT:
            raise web.HTTPRequestEntityTooLarge(max_size=UPLOAD_LIMIT, actual_size=size)
        digest.update(chunk)
    return web.json_response({"size": size, "sha256": digest.hexdigest()})


@routes.get(r"/download/{size:\d{1,10}}")
async def download(request: web.Request) -> web.StreamResponse:
    size = int(request.match_info["size"])
    if size > DOWNLOAD_LIMIT:
        raise web.HTTPNotFound(text=f"at most {DOWNLOAD_LIMIT:,} octets")
    response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
    response.content_length = size
    await response.prepare(request)
    for chunk in chunks(size):
        await response.write(chunk)
    await response.write_eof()
    return response


@routes.get("/events")
async def events(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for number in (3, 2, 1):
        await response.write(b"event: count\ndata: %d\n\n" % number)
    await response.write(b"event: end\ndata: of the events\n\n")
    return response


@routes.get("/ws/echo")
async def ws_echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type is web.WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type is web.WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


@routes.get("/chat")
async def chat(request: web.Request) -> web.Response:
    return web.Response(text=CHAT, content_type="text/html")


guests = count(1)


@routes.get("/ws/chat")
async def ws_chat(request: web.Request) -> web.WebSocketResponse:
    """What one says, all hear; and how many they are."""
    # A browser names the page's origin: pages of other sites are kept out. The client of the demo names none.
    socket = web.WebSocketResponse(origins=[str(request.url.origin()), None], heartbeat=30, max_msg_size=4096)
    await socket.prepare(request)
    name = f"Guest {next(guests)}"
    await socket.send_json({"you": name})
    room = request.app[ROOM]
    room.add(socket)
    tell(room, here=len(room))
    try:
        async for message in socket:
            if message.type is web.WSMsgType.TEXT:
                tell(room, name=name, text=message.data)
    finally:
        room.discard(socket)
        tell(room, here=len(room))
    return socket


def tell(room: set[web.WebSocketResponse], **facts: object) -> None:
    """Nobody waits for those who do not keep up: they miss it."""
    web.broadcast(room, json.dumps(facts))


def announce(banner: str, **_: object) -> None:
    """Say the address alone: the demo reads it."""
    url = next(word for word in banner.split() if word.startswith("http://"))
    print("listening on", url, flush=True)


def application() -> web.Application:
    app = web.Application()
    app[ROOM] = set()
    app.add_routes(routes)
    return app


def main() -> None:
    parser = argparse.ArgumentParser(description="The example server.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one")
    args = parser.parse_args()

    web.run_app(application(), host=args.host, port=args.port, print=announce)


if __name__ == "__main__":
    main()
