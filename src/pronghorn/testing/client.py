"""A client of one test server."""

import asyncio
from contextlib import AsyncExitStack
from types import GenericAlias
from typing import Any, ClassVar, Final, Never, Self, Unpack

from yarl import URL

from .. import web
from ..client.context import RequestContext
from ..client.cookiejar import AbstractCookieJar, CookieJar
from ..client.options import RequestOptions
from ..client.response import ClientResponse
from ..client.session import ClientSession
from ..client.websocket import ClientWebSocketResponse, WebSocketContext, WebSocketOptions
from .server import BaseTestServer

#: Responses and WebSockets that are remembered before it is looked which of them are closed by now.
_REMEMBERED: Final = 64


class TestClient:
    """Makes requests to ``server`` by path. Further keywords are those of `pronghorn.ClientSession`.

    Its jar keeps the cookies of hosts that are IP addresses, unless another ``cookie_jar`` is given, and no
    request is repeated on a fresh connection unless ``retry_stale`` says so: a server that drops connections
    is to be noticed. ``loop`` is not needed.
    """

    #: Not a test class, whatever its name.
    __test__ = False
    #: As aiohttp's, which is generic in the classes of requests and applications.
    __class_getitem__: ClassVar[Any] = classmethod(GenericAlias)

    def __init__(
        self,
        server: BaseTestServer,
        *,
        cookie_jar: AbstractCookieJar | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
        **session_options: Any,
    ) -> None:
        if not isinstance(server, BaseTestServer):
            raise TypeError(f"server: expected a BaseTestServer, got {server!r}")
        if cookie_jar is None:
            cookie_jar = CookieJar(unsafe=True)
        session_options.setdefault("retry_stale", False)
        self._server = server
        self._session = ClientSession(cookie_jar=cookie_jar, **session_options)
        self._open: list[ClientResponse | ClientWebSocketResponse] = []
        self._most_open = _REMEMBERED

    async def __aenter__(self) -> Self:
        await self.start_server()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    def __enter__(self) -> Never:
        raise TypeError(f"{type(self).__name__}: expected `async with`, got `with`")

    def __exit__(self, *error: object) -> None:
        pass  # a `with` is refused for `__enter__` only if there is this, too

    # Facts

    @property
    def server(self) -> BaseTestServer:
        """The server that is asked."""
        return self._server

    @property
    def session(self) -> ClientSession:
        """The session that asks. It knows of no server: its methods need whole URLs."""
        return self._session

    @property
    def app(self) -> web.Application | None:
        """The application that is served; None for a server of something else."""
        return getattr(self._server, "app", None)

    @property
    def host(self) -> str:
        """The server's host."""
        return self._server.host

    @property
    def port(self) -> int | None:
        """The server's port, None before it is started."""
        return self._server.port

    # Starting and closing

    async def start_server(self) -> None:
        """Start the server, if it is not."""
        await self._server.start_server()

    async def close(self) -> None:
        """Close what is open: responses and WebSockets of this client, its session, the server."""
        still_open, self._open = self._open, []
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._server.close)
            stack.push_async_callback(self._session.close)
            for one in still_open:
                if isinstance(one, ClientResponse):
                    one.close()
                else:
                    stack.push_async_callback(one.close)

    def make_url(self, path: str | URL) -> URL:
        """The URL of ``path`` on the server: see `BaseTestServer.make_url`."""
        return self._server.make_url(path)

    # Asking

    def request(self, method: str, path: str | URL, **options: Unpack[RequestOptions]) -> RequestContext:
        """Make a request."""
        return RequestContext(self._request(method, path, **options))

    def ws_connect(self, path: str | URL, **options: Unpack[WebSocketOptions]) -> WebSocketContext:
        """Open a WebSocket."""
        return WebSocketContext(self._ws_connect(path, **options))

    async def _request(
        self, method: str, path: str | URL, **options: Unpack[RequestOptions]
    ) -> ClientResponse:
        response = await self._session._request(method, self.make_url(path), **options)
        self._remember(response)
        return response

    async def _ws_connect(
        self, path: str | URL, **options: Unpack[WebSocketOptions]
    ) -> ClientWebSocketResponse:
        socket = await self._session.ws_connect(self.make_url(path), **options)
        self._remember(socket)
        return socket

    def _remember(self, answer: ClientResponse | ClientWebSocketResponse) -> None:
        if len(self._open) >= self._most_open:
            self._open = [one for one in self._open if not one.closed]
            self._most_open = max(_REMEMBERED, 2 * len(self._open))
        self._open.append(answer)

    def get(self, path: str | URL, **options: Unpack[RequestOptions]) -> RequestContext:
        """Make a GET request."""
        return self.request("GET", path, **options)

    def options(self, path: str | URL, **options: Unpack[RequestOptions]) -> RequestContext:
        """Make an OPTIONS request."""
        return self.request("OPTIONS", path, **options)

    def head(self, path: str | URL, **options: Unpack[RequestOptions]) -> RequestContext:
        """Make a HEAD request."""
        return self.request("HEAD", path, **options)

    def post(self, path: str | URL, **options: Unpack[RequestOptions]) -> RequestContext:
        """Make a POST request."""
        return self.request("POST", path, **options)

    def put(self, path: str | URL, **options: Unpack[RequestOptions]) -> RequestContext:
        """Make a PUT request."""
        return self.request("PUT", path, **options)

    def patch(self, path: str | URL, **options: Unpack[RequestOptions]) -> RequestContext:
        """Make a PATCH request."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str | URL, **options: Unpack[RequestOptions]) -> RequestContext:
        """Make a DELETE request."""
        return self.request("DELETE", path, **options)
