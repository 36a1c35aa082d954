"""Notes in a database: a REST service over SQLite.

python examples/notes.py --port 8080 --database notes.db
curl -d '{"text": "buy milk"}' http://127.0.0.1:8080/notes
"""

import argparse
import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from pronghorn import web
from pronghorn.typedefs import Handler

SCHEMA = "CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL)"
TEXT_LIMIT = 10_000
PAGE_LIMIT = 100

Note = dict[str, Any]
T = TypeVar("T")


class Notes:
    """The table, on a thread of its own: SQLite waits for the disk."""

    def __init__(self, path: str) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite")
        self._path = path
        self._connection: sqlite3.Connection

    async def open(self) -> None:
        def connect() -> None:
            self._connection = sqlite3.connect(self._path)
            self._connection.row_factory = sqlite3.Row
            with self._connection:
                self._connection.execute(SCHEMA)

        await self._do(connect)

    async def close(self) -> None:
        await self._do(self._connection.close)
        self._thread.shutdown()

    async def page(self, after: int, limit: int) -> list[Note]:
        return await self._run("SELECT id, text FROM notes WHERE id > ? ORDER BY id LIMIT ?", after, limit)

    async def find(self, number: int) -> Note:
        return one(await self._run("SELECT id, text FROM notes WHERE id = ?", number))

    async def add(self, text: str) -> Note:
        return one(await self._run("INSERT INTO notes (text) VALUES (?) RETURNING id, text", text))

    async def change(self, number: int, text: str) -> Note:
        return one(await self._run("UPDATE notes SET text = ? WHERE id = ? RETURNING id, text", text, number))

    async def remove(self, number: int) -> None:
        one(await self._run("DELETE FROM notes WHERE id = ? RETURNING id", number))

    async def _run(self, statement: str, *values: object) -> list[Note]:
        def execute() -> list[Note]:
            with self._connection:
                return [dict(row) for row in self._connection.execute(statement, values)]

        return await self._do(execute)

    async def _do(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)


def one(rows: list[Note]) -> Note:
    """The only row; 404 without one."""
    if not rows:
        raise web.HTTPNotFound(text="there is no such note")
    return rows[0]


NOTES = web.AppKey("NOTES", Notes)
routes = web.RouteTableDef()


@routes.view("/notes")
class Collection(web.View):
    async def get(self) -> web.Response:
        """A page of notes: ``?after=ID&limit=N``."""
        query = self.request.query
        after, limit = number_of(query.get("after", "0")), number_of(query.get("limit", "20"))
        if not 1 <= limit <= PAGE_LIMIT:
            raise web.HTTPBadRequest(text=f"limit: expected 1 to {PAGE_LIMIT}, got {limit}")
        return web.json_response(await self.request.app[NOTES].page(after, limit))

    async def post(self) -> web.Response:
        note = await self.request.app[NOTES].add(await text_of(self.request))
        location = self.request.app.router["note"].url_for(number=str(note["id"]))
        return web.json_response(note, status=201, headers={"Location": str(location)})


@routes.view("/notes/{number:[0-9]{1,18}}", name="note")
class Single(web.View):
    @property
    def number(self) -> int:
        return int(self.request.match_info["number"])

    async def get(self) -> web.Response:
        return web.json_response(await self.request.app[NOTES].find(self.number))

    async def put(self) -> web.Response:
        text = await text_of(self.request)
        return web.json_response(await self.request.app[NOTES].change(self.number, text))

    async def delete(self) -> web.Response:
        await self.request.app[NOTES].remove(self.number)
        return web.Response(status=204)


async def text_of(request: web.Request) -> str:
    """What the body says; 415 or 400 if it says something else."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="expected application/json")
    try:
        note = await request.json()
    except ValueError:
        raise web.HTTPBadRequest(text="expected JSON") from None
    text = note.get("text") if isinstance(note, dict) else None
    if not isinstance(text, str) or not 0 < len(text) <= TEXT_LIMIT:
        raise web.HTTPBadRequest(text=f'expected {{"text": ...}} of 1 to {TEXT_LIMIT:,} characters')
    return text


def number_of(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise web.HTTPBadRequest(text=f"expected a number, got {text[:40]!r}")
    return int(text)


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every refusal in the form that clients of the service read."""
    try:
        return await handler(request)
    except web.HTTPError as error:
        headers = {name: value for name, value in error.headers.items() if name != "Content-Type"}
        return web.json_response({"error": error.text}, status=error.status, headers=headers)


def application(database: str) -> web.Application:
    async def notes(app: web.Application) -> AsyncIterator[None]:
        app[NOTES] = Notes(database)
        await app[NOTES].open()
        yield
        await app[NOTES].close()

    app = web.Application(middlewares=[errors_as_json], client_max_size=64 * 1024)
    app.cleanup_ctx.append(notes)
    app.add_routes(routes)
    return app


def main() -> None:
    parser = argparse.ArgumentParser(description="Notes in a database.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one")
    parser.add_argument("--database", default=":memory:", metavar="FILE", help="default: in memory")
    args = parser.parse_args()

    web.run_app(application(args.database), host=args.host, port=args.port)


if __name__ == "__main__":
    main()
