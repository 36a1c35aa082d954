"""A small application: a page, JSON, a form, an upload that is hashed as it comes, a download of any size.

python examples/server.py --port 8080
"""

import argparse
import hashlib
import platform
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl

from content import chunks
from pronghorn import web

PAGE = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
UPLOAD_LIMIT = DOWNLOAD_LIMIT = 1024**3

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


def announce(banner: str, **_: object) -> None:
    """Say the address alone: the demo reads it."""
    url = next(word for word in banner.split() if word.startswith("http://"))
    print("listening on", url, flush=True)


def application() -> web.Application:
    app = web.Application()
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
