"""A client of one test server."""

from types import GenericAlias
from typing import Any, ClassVar, Self, Unpack

from yarl import URL

from ..client.context import RequestContext
from ..client.cookiejar import AbstractCookieJar, CookieJar
from ..client.options import RequestOptions
from ..client.session import ClientSession
from ..client.websocket import WebSocketContext, WebSocketOptions
from .server import BaseTestServer


class TestClient:
    """Makes requests to ``server`` by path. Further keywords are those of `pronghorn.ClientSession`.

    Its jar keeps the cookies of hosts that are IP addresses, unless another ``cookie_jar`` is given.
    """

    #: Not a test class, whatever its name.
    __test__ = False
    #: As aiohttp's, which is generic in the classes of requests and applications.
    __class_getitem__: ClassVar[Any] = classmethod(GenericAlias)

    def __init__(
        self, server: BaseTestServer, *, cookie_jar: AbstractCookieJar | None = None, **session_options: Any
    ) -> None:
        self.server = server
        if cookie_jar is None:
            cookie_jar = CookieJar(unsafe=True)
        self.session = ClientSession(cookie_jar=cookie_jar, **session_options)

    async def __aenter__(self) -> Self:
        await self.start_server()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def start_server(self) -> None:
        """Start the server, if it is not."""
        await self.server.start_server()

    async def close(self) -> None:
        """Close the session, then the server."""
        await self.session.close()
        await self.server.close()

    def make_url(self, path: str | URL) -> URL:
        """The URL of ``path`` on the server."""
        return self.server.make_url(path)

    def request(self, method: str, path: str, **options: Unpack[RequestOptions]) -> RequestContext:
        """Make a request."""
        return self.session.request(method, self.make_url(path), **options)

    def ws_connect(self, path: str, **options: Unpack[WebSocketOptions]) -> WebSocketContext:
        """Open a WebSocket."""
        return self.session.ws_connect(self.make_url(path), **options)

    def get(self, path: str, **options: Unpack[RequestOptions]) -> RequestContext:
        """Make a GET request."""
        return self.request("GET", path, **options)

    def options(self, path: str, **options: Unpack[RequestOptions]) -> RequestContext:
        """Make an OPTIONS request."""
        return self.request("OPTIONS", path, **options)

    def head(self, path: str, **options: Unpack[RequestOptions]) -> RequestContext:
        """Make a HEAD request."""
        return self.request("HEAD", path, **options)

    def post(self, path: str, **options: Unpack[RequestOptions]) -> RequestContext:
        """Make a POST request."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Unpack[RequestOptions]) -> RequestContext:
        """Make a PUT request."""
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Unpack[RequestOptions]) -> RequestContext:
        """Make a PATCH request."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Unpack[RequestOptions]) -> RequestContext:
        """Make a DELETE request."""
        return self.request("DELETE", path, **options)
