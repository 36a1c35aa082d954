"""Servers on a free port of the loopback interface, for the length of a test."""

import asyncio
import socket
import ssl as ssl_module
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, Never, Self

from yarl import URL

from .. import web
from .ports import get_port_socket

SocketFactory = Callable[[str, int, socket.AddressFamily], socket.socket]

#: Seconds that requests have to be answered when a server is closed: a handler that hangs is not waited for
#: as long as in production.
SHUTDOWN_TIMEOUT = 5.0


class BaseTestServer(ABC):
    """Starts on entering ``async with``, or with `start_server`; ends with `close`, and can be started again.

    ``port`` None or 0 is a free one. ``scheme`` is that of the URLs, by default https with TLS, else http.
    ``skip_url_asserts`` lets `make_url` write any path behind the origin. ``socket_factory`` is called with
    host, port and address family, and returns a bound socket. Further keywords are those of `start_server`;
    ``loop`` is not needed.
    """

    #: Not a test class, whatever its name.
    __test__ = False

    def __init__(
        self,
        *,
        scheme: str = "",
        loop: asyncio.AbstractEventLoop | None = None,
        host: str = "127.0.0.1",
        port: int | None = None,
        skip_url_asserts: bool = False,
        socket_factory: SocketFactory = get_port_socket,
        **kwargs: Any,
    ) -> None:
        #: As given; the address that is listened on, while it is.
        self.host = host
        #: As given; the port that is listened on, while it is.
        self.port = port
        self.scheme = scheme
        self.skip_url_asserts = skip_url_asserts
        self.socket_factory = socket_factory
        self.runner: web.BaseRunner | None = None
        self._wanted = host, port, scheme
        self._settings = kwargs
        self._root: URL | None = None
        self._is_closed = False

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
    def started(self) -> bool:
        """It is between `start_server` and `close`."""
        return self.runner is not None

    @property
    def closed(self) -> bool:
        """It was closed, and not started again."""
        return self._is_closed

    @property
    def server(self) -> web.Server:
        """The low-level server. RuntimeError while there is none."""
        server = None if self.runner is None else self.runner.server
        if server is None:
            raise RuntimeError("the server has not been started")
        return server

    @property
    def handler(self) -> web.Server:
        """An older name of `server`."""
        return self.server

    def make_url(self, path: str | URL) -> URL:
        """The URL of ``path`` on this server; RuntimeError before it is started.

        A path stays one, whatever it begins with. An absolute URL of this server is returned as it is;
        ValueError for another one.
        """
        root = self._root
        if root is None:
            raise RuntimeError("the server has not been started")
        if self.skip_url_asserts or (isinstance(path, str) and path.startswith("/")):
            return URL(f"{root}{path}")
        url = URL(path)
        if not url.absolute:
            return _below(root, url)
        if not url.scheme or url.origin() != root:
            raise ValueError(f"expected a path or a URL of {root}, got {path!r}")
        return url

    # Starting and closing

    async def start_server(self, loop: asyncio.AbstractEventLoop | None = None, **kwargs: Any) -> None:
        """Listen; while it listens, a second call does nothing.

        ``ssl``, or ``ssl_context``, makes it speak TLS. The rest is what the runner takes: the fields of
        `pronghorn.web.ServerSettings`, and for an application ``access_log`` and the like. When it is closed,
        a handler has ``shutdown_timeout`` seconds to end, 5 by default.
        """
        if self.runner is not None:
            return
        given = {**self._settings, **kwargs}
        tls = _tls_of(given)
        given.pop("debug", None)  # what goes wrong is logged in any case, and the client told nothing of it
        given.setdefault("shutdown_timeout", SHUTDOWN_TIMEOUT)
        runner = self.runner = await self._make_runner(**given)
        try:
            await runner.setup()
            await self._listen(runner, tls)
        except BaseException:
            await self.close()
            raise
        self._is_closed = False

    async def _listen(self, runner: web.BaseRunner, tls: ssl_module.SSLContext | None) -> None:
        host, port, scheme = self._wanted
        family = socket.AddressFamily.AF_INET6 if ":" in host else socket.AddressFamily.AF_INET
        sock = self.socket_factory(host, port or 0, family)
        try:
            self.host, self.port = sock.getsockname()[:2]
            await web.SockSite(runner, sock, ssl_context=tls).start()
        except BaseException:
            sock.close()
            raise
        self.scheme = scheme or ("http" if tls is None else "https")
        self._root = URL.build(scheme=self.scheme, host=host, port=self.port)

    async def close(self) -> None:
        """Answer what is open, and stop; a second call does nothing."""
        runner, self.runner = self.runner, None
        if runner is None:
            return
        self._root = None
        self.host, self.port, self.scheme = self._wanted
        self._is_closed = True
        await runner.cleanup()
        # The loop closes the listening socket and the last transports in its next turn.
        await asyncio.sleep(0)

    @abstractmethod
    async def _make_runner(self, **kwargs: Any) -> web.BaseRunner:
        """A runner that was not set up; the keywords are those of `start_server`, without ``ssl``."""


class TestServer(BaseTestServer):
    """Serves an application. The keywords are those of `BaseTestServer` and of its `start_server`."""

    def __init__(
        self,
        app: web.Application,
        *,
        scheme: str = "",
        host: str = "127.0.0.1",
        port: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scheme=scheme, host=host, port=port, **kwargs)
        self.app = app

    async def _make_runner(self, **kwargs: Any) -> web.BaseRunner:
        return web.AppRunner(self.app, **kwargs)


class RawTestServer(BaseTestServer):
    """Serves one handler, without an application. The keywords are those of `TestServer`."""

    def __init__(
        self,
        handler: Callable[[Any], Awaitable[web.StreamResponse]],
        *,
        scheme: str = "",
        host: str = "127.0.0.1",
        port: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scheme=scheme, host=host, port=port, **kwargs)
        self._handler = handler

    async def _make_runner(self, **kwargs: Any) -> web.BaseRunner:
        shutdown_timeout = kwargs.pop("shutdown_timeout")
        return web.ServerRunner(web.Server(self._handler, **kwargs), shutdown_timeout=shutdown_timeout)


def _tls_of(given: dict[str, Any]) -> ssl_module.SSLContext | None:
    """Take the TLS context out of the keywords: ``ssl`` as aiohttp has it, ``ssl_context`` as sites do."""
    found = [context for name in ("ssl", "ssl_context") if (context := given.pop(name, None)) is not None]
    if len(found) > 1:
        raise ValueError("ssl and ssl_context: expected one of them")
    if found and not isinstance(found[0], ssl_module.SSLContext):
        raise TypeError(f"ssl: expected an SSLContext, got {found[0]!r}")
    return found[0] if found else None


def _below(root: URL, url: URL) -> URL:
    """``url`` on the server at ``root``, spelt as it is: who tests a path may have quoted it on purpose."""
    if not url.raw_path.startswith("/"):
        return root.join(url)
    return URL.build(
        scheme=root.scheme,
        authority=root.raw_authority,
        path=url.raw_path,
        query_string=url.raw_query_string,
        fragment=url.raw_fragment,
        encoded=True,
    )
