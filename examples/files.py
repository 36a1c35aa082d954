"""A folder to share: files are listed, fetched in parts, and uploaded while a bar shows how far they are.

python examples/files.py --port 8080 --folder /tmp/shared
curl -T photo.jpg http://127.0.0.1:8080/files/photo.jpg
"""

import argparse
import asyncio
import re
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from pronghorn import web

PAGE = (Path(__file__).parent / "files.html").read_text(encoding="utf-8")
FOLDER = web.AppKey("FOLDER", Path)
UPLOAD_LIMIT = 4 * 1024**3
#: What may be uploaded under. It begins with no dot: files that are on their way do.
NAME = re.compile(r"[\w-][\w .()-]{0,199}")

routes = web.RouteTableDef()


@routes.get("/")
async def page(request: web.Request) -> web.Response:
    return web.Response(text=PAGE, content_type="text/html")


@routes.get("/list")
async def listing(request: web.Request) -> web.Response:
    def look() -> list[dict[str, object]]:
        sizes = {}
        for path in request.app[FOLDER].iterdir():
            with suppress(FileNotFoundError):  # it was removed just now
                if NAME.fullmatch(path.name) and path.is_file():
                    sizes[path.name] = path.stat().st_size
        return [{"name": name, "size": sizes[name]} for name in sorted(sizes)]

    return web.json_response(await asyncio.to_thread(look))


@routes.put("/files/{name}")
async def upload(request: web.Request) -> web.Response:
    """Take a file in. It has its name when it is whole; until then it is a hidden one."""
    name, folder = request.match_info["name"], request.app[FOLDER]
    if not NAME.fullmatch(name):
        raise web.HTTPBadRequest(text="expected a name of letters, digits, spaces and .()_-")
    if (request.content_length or 0) > UPLOAD_LIMIT:
        raise web.HTTPRequestEntityTooLarge(max_size=UPLOAD_LIMIT, actual_size=request.content_length or 0)
    hidden = folder / f".upload-{secrets.token_hex(8)}"
    size = 0
    try:
        with await asyncio.to_thread(hidden.open, "xb") as file:
            async for chunk in request.content.iter_chunked(256 * 1024):
                size += len(chunk)
                if size > UPLOAD_LIMIT:
                    raise web.HTTPRequestEntityTooLarge(max_size=UPLOAD_LIMIT, actual_size=size)
                await asyncio.to_thread(file.write, chunk)
        hidden.replace(folder / name)
    except BaseException:
        hidden.unlink(missing_ok=True)
        raise
    return web.json_response({"name": name, "size": size}, status=201)


@routes.delete("/files/{name}")
async def remove(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if not NAME.fullmatch(name):
        raise web.HTTPNotFound
    try:
        (request.app[FOLDER] / name).unlink()
    except OSError:
        raise web.HTTPNotFound from None
    return web.Response(status=204)


def application(folder: Path) -> web.Application:
    app = web.Application()
    app[FOLDER] = folder
    app.add_routes(routes)
    app.router.add_static("/files", folder)
    return app


def main() -> None:
    parser = argparse.ArgumentParser(description="A folder to share.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one")
    parser.add_argument("--folder", type=Path, help="default: a new one, which is deleted at the end")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="files-") as scratch:
        web.run_app(application(args.folder or Path(scratch)), host=args.host, port=args.port)


if __name__ == "__main__":
    main()
