"""Runners give an application a server; sites give the server addresses."""

import asyncio
import socket
import ssl
from abc import ABC, abstractmethod
from typing import Any

from ..log import access_logger
from .access_log import AbstractAccessLogger, AccessLogger, Log
from .application import Application
from .server import Server

#: Seconds that requests have to be answered once shutdown has begun.
SHUTDOWN_TIMEOUT = 60.0


class BaseRunner(ABC):
    """Sets a server up and takes it down again, with any number of sites."""

    def __init__(self, *, shutdown_timeout: float = SHUTDOWN_TIMEOUT) -> None:
        self._shutdown_timeout = shutdown_timeout
        self._server: Server | None = None
        self._sites: list[BaseSite] = []

    @property
    def server(self) -> Server | None:
        """The server, between `setup` and `cleanup`."""
        return self._server

    @property
    def sites(self) -> "list[BaseSite]":
        """The sites that are open."""
        return list(self._sites)

    @property
    def addresses(self) -> list[Any]:
        """The addresses that the sites listen on, as `socket.getsockname` gives them."""
        return [address for site in self._sites for address in site.addresses]

    async def setup(self) -> None:
        """Start up, and make the server."""
        if self._server is None:
            try:
                self._server = await self._make_server()
            except BaseException:
                await self._cleanup()
                raise

    async def cleanup(self) -> None:
        """Stop accepting, answer what is open, cancel what does not end in time, clean up. In this order."""
        for site in self.sites:
            await site.stop()
        server = self._server
        if server is None:
            return
        server.pre_shutdown()
        timeout = self._shutdown_timeout
        try:
            await self._shutdown()
        except asyncio.CancelledError:
            timeout = 0.0  # who does not wait for `on_shutdown` does not wait for requests
            raise
        finally:
            await server.shutdown(timeout)
            self._server = None
            await self._cleanup()

    def add(self, site: "BaseSite") -> Server:
        """Register an open site; return the server that it is for. RuntimeError before `setup`."""
        if self._server is None:
            raise RuntimeError("the runner has no server yet: await runner.setup() first")
        self._sites.append(site)
        return self._server

    def remove(self, site: "BaseSite") -> None:
        """Forget a site that was stopped."""
        if site in self._sites:
            self._sites.remove(site)

    @abstractmethod
    async def _make_server(self) -> Server: ...

    async def _shutdown(self) -> None:
        """Tell those who want to know that no new connection is accepted."""

    async def _cleanup(self) -> None:
        """Undo what making the server did."""


class ServerRunner(BaseRunner):
    """Runs a low-level server."""

    def __init__(self, web_server: Server, *, shutdown_timeout: float = SHUTDOWN_TIMEOUT) -> None:
        super().__init__(shutdown_timeout=shutdown_timeout)
        self._web_server = web_server

    async def _make_server(self) -> Server:
        return self._web_server


class AppRunner(BaseRunner):
    """Runs an application. Further keywords are the fields of `ServerSettings`.

    ``access_log`` is the logger for finished requests, None for none; ``access_log_class``
    is made with it and ``access_log_format``.
    """

    def __init__(
        self,
        app: Application,
        *,
        shutdown_timeout: float = SHUTDOWN_TIMEOUT,
        access_log_class: type[AbstractAccessLogger] = AccessLogger,
        access_log_format: str = AccessLogger.LOG_FORMAT,
        access_log: Any = access_logger,
        **settings: Any,
    ) -> None:
        if not isinstance(app, Application):
            raise TypeError(f"app: expected an Application, got {app!r}")
        super().__init__(shutdown_timeout=shutdown_timeout)
        self._app = app
        self._settings = settings
        self._log: Log | None = (
            access_log_class(access_log, access_log_format) if access_log is not None else None
        )

    @property
    def app(self) -> Application:
        """The application."""
        return self._app

    async def _make_server(self) -> Server:
        await self._app.startup()
        return self._app.make_server(access_log=self._log, **self._settings)

    async def _shutdown(self) -> None:
        await self._app.shutdown()

    async def _cleanup(self) -> None:
        await self._app.cleanup()


class BaseSite(ABC):
    """One way into a server.

    A class that derives from it names itself, and listens in `_listen`, or in a `start` of
    its own that calls this one and then sets ``_server``.
    """

    def __init__(
        self, runner: BaseRunner, *, ssl_context: ssl.SSLContext | None = None, backlog: int = 128
    ) -> None:
        self._runner = runner
        self._ssl_context = ssl_context
        self._backlog = backlog
        self._server: asyncio.Server | None = None

    @property
    @abstractmethod
    def name(self) -> str:
        """The address as a URL."""

    @property
    def addresses(self) -> list[Any]:
        """The addresses that are listened on."""
        return [] if self._server is None else [sock.getsockname() for sock in self._server.sockets]

    async def start(self) -> None:
        """Begin to accept connections."""
        if self._server is not None:
            raise RuntimeError(f"{self.name} is started already")
        server = self._runner.add(self)
        try:
            self._server = await self._listen(server)
        except BaseException:
            self._runner.remove(self)
            raise

    async def stop(self) -> None:
        """Accept no more connections; those that are open stay."""
        self._runner.remove(self)
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _listen(self, server: Server) -> asyncio.Server | None:
        """Begin to listen for ``server``."""
        return None


class TCPSite(BaseSite):
    """Listens on ``host`` (None: everywhere) and ``port`` (None: 8080, or 8443 with TLS; 0: a free one)."""

    def __init__(
        self,
        runner: BaseRunner,
        host: str | None = None,
        port: int | None = None,
        *,
        ssl_context: ssl.SSLContext | None = None,
        backlog: int = 128,
        reuse_address: bool | None = None,
        reuse_port: bool | None = None,
    ) -> None:
        super().__init__(runner, ssl_context=ssl_context, backlog=backlog)
        self._host = host
        self._port = port if port is not None else 8443 if ssl_context is not None else 8080
        self._reuse_address = reuse_address
        self._reuse_port = reuse_port

    @property
    def port(self) -> int:
        """The port, the real one once it is bound."""
        addresses = self.addresses
        return int(addresses[0][1]) if addresses else self._port

    @property
    def name(self) -> str:
        scheme = "https" if self._ssl_context is not None else "http"
        host = self._host or "0.0.0.0"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    async def _listen(self, server: Server) -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(
            server,
            self._host,
            self._port,
            ssl=self._ssl_context,
            backlog=self._backlog,
            reuse_address=self._reuse_address,
            reuse_port=self._reuse_port,
        )


class SockSite(BaseSite):
    """Listens on a socket that is bound already."""

    def __init__(
        self,
        runner: BaseRunner,
        sock: socket.socket,
        *,
        ssl_context: ssl.SSLContext | None = None,
        backlog: int = 128,
    ) -> None:
        super().__init__(runner, ssl_context=ssl_context, backlog=backlog)
        self._sock = sock
        address = sock.getsockname()
        self._name = f"{'https' if ssl_context else 'http'}://{address[0]}:{address[1]}"

    @property
    def name(self) -> str:
        return self._name

    async def _listen(self, server: Server) -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(
            server, sock=self._sock, ssl=self._ssl_context, backlog=self._backlog
        )
