"""Servers on a free port of the loopback interface, for the length of a test."""

import asyncio
import socket
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, Self

from yarl import URL

from .. import web


class BaseTestServer(ABC):
    """Starts on entering ``async with``, or with `start_server`; ends with `close`."""

    #: Not a test class, whatever its name.
    __test__ = False

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, shutdown_timeout: float = 5.0) -> None:
        self.host = host
        self._wanted_port = port
        self._shutdown_timeout = shutdown_timeout
        self.runner: web.BaseRunner | None = None
        self.port: int | None = None

    async def __aenter__(self) -> Self:
        await self.start_server()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def start_server(self) -> None:
        """Listen; a second call does nothing."""
        if self.runner is not None:
            return
        runner = self.runner = self._make_runner()
        try:
            await runner.setup()
            family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            sock = socket.create_server((self.host, self._wanted_port), family=family)
            self.port = sock.getsockname()[1]
            await web.SockSite(runner, sock).start()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Answer what is open, and stop."""
        runner, self.runner = self.runner, None
        if runner is not None:
            await runner.cleanup()
            # The loop closes the listening socket and the last transports in its next turn.
            await asyncio.sleep(0)

    def make_url(self, path: str | URL) -> URL:
        """The URL of ``path`` on this server; RuntimeError before it is started."""
        if self.port is None:
            raise RuntimeError("the server has not been started")
        if isinstance(path, URL) and path.absolute:
            return path
        host = f"[{self.host}]" if ":" in self.host else self.host
        return URL(f"http://{host}:{self.port}{path}")

    @abstractmethod
    def _make_runner(self) -> web.BaseRunner: ...


class TestServer(BaseTestServer):
    """Serves an application. Further keywords are the fields of `pronghorn.web.ServerSettings`."""

    def __init__(
        self,
        app: web.Application,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        shutdown_timeout: float = 5.0,
        **settings: Any,
    ) -> None:
        super().__init__(host=host, port=port, shutdown_timeout=shutdown_timeout)
        self.app = app
        self._settings = settings

    def _make_runner(self) -> web.BaseRunner:
        return web.AppRunner(self.app, shutdown_timeout=self._shutdown_timeout, **self._settings)


class RawTestServer(BaseTestServer):
    """Serves one handler, without an application."""

    def __init__(
        self,
        handler: Callable[[Any], Awaitable[web.StreamResponse]],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        shutdown_timeout: float = 5.0,
        **settings: Any,
    ) -> None:
        super().__init__(host=host, port=port, shutdown_timeout=shutdown_timeout)
        self._web_server = web.Server(handler, **settings)

    def _make_runner(self) -> web.BaseRunner:
        return web.ServerRunner(self._web_server, shutdown_timeout=self._shutdown_timeout)
