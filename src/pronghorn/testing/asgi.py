"""ASGI 3 applications behind our server: each request becomes a call, each message a piece of the answer.

The specification is at https://asgi.readthedocs.io (HTTP message format 2.4, lifespan 2.0).
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import unquote

from .. import web
from ..log import server_logger
from ..server.connection import ServerConnection
from .verbatim import VerbatimResponse

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApplication = Callable[[Scope, Receive, Send], Awaitable[None]]

_VERSIONS: Final = {"version": "3.0", "spec_version": "2.4"}
_LIFESPAN_VERSIONS: Final = {"version": "3.0", "spec_version": "2.0"}


class AsgiRunner(web.BaseRunner):
    """Runs an ASGI application: its lifespan, and a server whose requests it is called with.

    Further keywords are the fields of `ServerSettings`; content codings are the application's to undo.
    """

    def __init__(self, app: AsgiApplication, *, shutdown_timeout: float = 5.0, **settings: Any) -> None:
        super().__init__(shutdown_timeout=shutdown_timeout)
        self._app = app
        self._settings = {"auto_decompress": False, **settings}
        self._lifespan = Lifespan(app)

    async def _make_server(self) -> web.Server:
        await self._lifespan.startup()
        return AsgiServer(self._app, self._lifespan.state, **self._settings)

    async def _cleanup(self) -> None:
        await self._lifespan.shutdown()


class Lifespan:
    """The lifespan of an application, which may know of none."""

    def __init__(self, app: AsgiApplication) -> None:
        self._app = app
        #: What the application keeps for its requests.
        self.state: dict[str, Any] = {}
        self._task: asyncio.Task[None] | None = None
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        #: What was answered to what was asked last.
        self._answer: asyncio.Future[Message] | None = None

    async def startup(self) -> None:
        """Start the application up. RuntimeError if it says that it failed."""
        self.state.clear()
        self._messages = asyncio.Queue()
        self._task = asyncio.get_running_loop().create_task(self._run())
        await self._ask("startup")

    async def shutdown(self) -> None:
        """Shut it down, if it was started. RuntimeError if it says that it failed."""
        task = self._task
        if task is None:
            return
        try:
            if not task.done():
                await self._ask("shutdown")
                await asyncio.wait((task,))
        finally:
            self._task = None
            task.cancel()

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": dict(_LIFESPAN_VERSIONS), "state": self.state}
        try:
            await self._app(scope, self._messages.get, self._send)
        except Exception as error:  # noqa: BLE001 - one that raises supports no lifespan, says ASGI
            server_logger.debug("the ASGI application supports no lifespan: %r", error)

    async def _send(self, message: Message) -> None:
        kind = str(message["type"])
        answer = self._answer
        if not kind.startswith("lifespan.") or answer is None or answer.done():
            raise RuntimeError(f"send: expected no {kind} now")
        answer.set_result(message)

    async def _ask(self, phase: str) -> None:
        """Wait for the answer, or for the end of an application that gives none."""
        task = self._task
        if task is None:
            return
        answer = self._answer = asyncio.get_running_loop().create_future()
        self._messages.put_nowait({"type": f"lifespan.{phase}"})
        try:
            await asyncio.wait((answer, task), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if answer.done() and answer.result()["type"] == f"lifespan.{phase}.failed":
            self._task = None
            task.cancel()
            await asyncio.wait((task,))
            raise RuntimeError(
                f"the ASGI application failed in {phase}: {answer.result().get('message', '')}"
            )


class AsgiServer(web.Server):
    """A server that tells the calls on a connection when it is lost."""

    def __init__(self, app: AsgiApplication, state: dict[str, Any], **settings: Any) -> None:
        super().__init__(self._call, **settings)
        self._app = app
        self._state = state
        self._exchanges: dict[asyncio.Transport, AsgiExchange] = {}

    def closed(self, connection: ServerConnection) -> None:
        super().closed(connection)
        transport = connection.channel.transport
        if transport is not None and transport in self._exchanges:
            self._exchanges[transport].is_over.set()

    async def _call(self, request: web.BaseRequest) -> web.StreamResponse:
        transport = request.transport
        if transport is None:
            raise ConnectionResetError("the client went away")
        exchange = self._exchanges[transport] = AsgiExchange(request)
        try:
            await self._app(_scope(request, dict(self._state)), exchange.receive, exchange.send)
        except Exception as error:
            if request.transport is None and _is_disconnect(error):
                raise ConnectionResetError("the client went away") from error
            raise
        finally:
            exchange.is_over.set()
            del self._exchanges[transport]
        response = exchange.response
        if response is None or not response.has_ended:
            if request.transport is None:
                raise ConnectionResetError("the client went away")
            raise RuntimeError("the ASGI application returned before its response was whole")
        return response


class AsgiExchange:
    """What an application is called with for one request."""

    def __init__(self, request: web.BaseRequest) -> None:
        self._request = request
        self._is_body_whole = False
        #: The client has gone, or has its answer.
        self.is_over = asyncio.Event()
        #: Sent with the first piece of its body, as ASGI has it.
        self.response: VerbatimResponse | None = None

    async def receive(self) -> Message:
        """A piece of the body; after the last, that the client has gone or has its answer."""
        if self._is_body_whole or self.is_over.is_set():
            await self.is_over.wait()
            return {"type": "http.disconnect"}
        content = self._request.content
        try:
            body = await content.readany()
        except web.RequestPayloadError:
            self._is_body_whole = True
            self.is_over.set()
            return {"type": "http.disconnect"}
        self._is_body_whole = content.at_eof()
        return {"type": "http.request", "body": body, "more_body": not self._is_body_whole}

    async def send(self, message: Message) -> None:
        """Send a part of the response; ConnectionResetError when the client has gone."""
        kind = message["type"]
        if kind == "http.response.start":
            if self.response is not None:
                raise RuntimeError("send: the response has begun already")
            self.response = VerbatimResponse(
                status=message["status"],
                headers=[(_text(name), _text(value)) for name, value in message.get("headers", ())],
            )
        elif kind == "http.response.body":
            await self._send_body(message.get("body", b""), message.get("more_body", False))
        else:
            raise RuntimeError(f"send: expected http.response.start or http.response.body, got {kind}")

    async def _send_body(self, body: bytes, more: bool) -> None:
        response = self.response
        if response is None or response.has_ended:
            state = "not begun" if response is None else "ended"
            raise RuntimeError(f"send: expected no body, the response has {state}")
        await response.prepare(self._request)
        if body:
            await response.write(body)
        if not more:
            await response.write_eof()
            self.is_over.set()


def _is_disconnect(error: BaseException | None) -> bool:
    """Whether it comes of what `send` raises; frameworks have exceptions of their own for that."""
    while error is not None and not isinstance(error, ConnectionResetError):
        error = error.__cause__ or error.__context__
    return error is not None


def _scope(request: web.BaseRequest, state: dict[str, Any]) -> Scope:
    url = request.rel_url
    return {
        "type": "http",
        "asgi": dict(_VERSIONS),
        "http_version": f"{request.version.major}.{request.version.minor}",
        "method": request.method,
        "scheme": request.scheme,
        "path": unquote(url.raw_path),
        "raw_path": _raw(url.raw_path),
        "query_string": _raw(url.raw_query_string),
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.raw_headers],
        "client": _address(request.get_extra_info("peername")),
        "server": _address(request.get_extra_info("sockname")),
        "state": state,
        "extensions": {},
    }


def _address(name: Any) -> tuple[str, int] | None:
    return (name[0], name[1]) if isinstance(name, tuple) else None


# The wire reads what is not UTF-8 by surrogates, and writes it so.


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _raw(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")
