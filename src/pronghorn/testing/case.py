"""A test case of unittest whose application is served while each test runs."""

import asyncio
import warnings
from typing import TypeVar
from unittest import IsolatedAsyncioTestCase

from .. import web
from .client import TestClient
from .server import TestServer

F = TypeVar("F")


class ApplicationTestCase(IsolatedAsyncioTestCase):
    """Serves the application of `get_application`; each test has one of its own, and a client of it.

    What is to be set up beside it goes into `asyncSetUp`, which calls this class's first; or into
    `setUpAsync` and `tearDownAsync`, the older names.
    """

    app: web.Application
    server: TestServer
    client: TestClient
    #: The loop that the test runs on.
    loop: asyncio.AbstractEventLoop

    async def get_application(self) -> web.Application:
        """The application to test. Override this; RuntimeError if neither it nor `get_app` was."""
        return self.get_app()

    def get_app(self) -> web.Application:
        """An older name, of a plain method."""
        raise RuntimeError(f"{type(self).__name__}: expected get_application() to be overridden")

    async def get_server(self, app: web.Application) -> TestServer:
        """A server for ``app``, started or not."""
        return TestServer(app)

    async def get_client(self, server: TestServer) -> TestClient:
        """A client of ``server``."""
        return TestClient(server)

    async def asyncSetUp(self) -> None:
        self.loop = asyncio.get_running_loop()
        await self.setUpAsync()

    async def asyncTearDown(self) -> None:
        await self.tearDownAsync()

    async def setUpAsync(self) -> None:  # noqa: N802 - an older name
        """Start the server; called by `asyncSetUp`."""
        self.app = await self.get_application()
        self.server = await self.get_server(self.app)
        self.client = await self.get_client(self.server)
        # Also if `tearDownAsync` is not reached, as when another setup fails.
        self.addAsyncCleanup(self.client.close)
        await self.client.start_server()

    async def tearDownAsync(self) -> None:  # noqa: N802 - an older name
        """Close the client and the server; called by `asyncTearDown`."""
        await self.client.close()


def unittest_run_loop(func: F, *args: object, **kwargs: object) -> F:  # noqa: ARG001 - as it was called
    """``func`` as it is: a test may be a coroutine function. Deprecated."""
    warnings.warn(
        "unittest_run_loop: not needed, the tests of an ApplicationTestCase may be coroutine functions",
        DeprecationWarning,
        stacklevel=2,
    )
    return func
