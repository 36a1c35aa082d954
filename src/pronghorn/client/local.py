"""Connectors to this machine: over a Unix domain socket, or a named pipe of Windows."""

import asyncio
import os
import ssl as ssl_module
from collections.abc import Sequence
from functools import partial
from ssl import SSLError
from typing import Final

from ..io.dial import Progress, Tls
from ..io.tls import TlsReader
from .connecting import connector_error, in_time
from .connector import UNSET, BaseConnector
from .errors import UnixClientConnectorError
from .outgoing import ClientRequest
from .protocol import ResponseHandler
from .timeouts import ClientTimeout
from .tls import Fingerprint, tls_of, tls_option
from .tracing import Trace

_UNIX_KEEPALIVE: Final = 30.0


class UnixConnector(BaseConnector):
    """Connections over the Unix domain socket at ``path``, whatever the host of a URL.

    ``conn_timeout`` seconds bound connecting, as ``sock_connect`` of a request's timeout does; None or 0 is
    no limit. With "https" TLS is spoken, and verified as ``ssl`` says. The rest is as in `BaseConnector`, but
    idle connections are kept for 30 seconds.
    """

    allowed_protocol_schema_set = BaseConnector.allowed_protocol_schema_set | {"unix"}

    def __init__(
        self,
        path: str,
        force_close: bool = False,
        keepalive_timeout: float | None = UNSET,
        limit: int | None = 100,
        limit_per_host: int | None = 0,
        loop: asyncio.AbstractEventLoop | None = None,
        *,
        conn_timeout: float | None = None,
        ssl: ssl_module.SSLContext | bool | Fingerprint = True,
    ) -> None:
        if keepalive_timeout is UNSET and not force_close:
            keepalive_timeout = _UNIX_KEEPALIVE
        super().__init__(
            force_close=force_close,
            keepalive_timeout=keepalive_timeout,
            limit=limit,
            limit_per_host=limit_per_host,
            loop=loop,
        )
        if conn_timeout is not None and (not isinstance(conn_timeout, (int, float)) or not conn_timeout >= 0):
            raise ValueError(f"conn_timeout: expected None or a number not below 0, got {conn_timeout!r}")
        self._path = os.fspath(path)
        self._conn_timeout = conn_timeout or None
        self._ssl = tls_option(ssl)

    @property
    def path(self) -> str:
        """The path of the socket."""
        return self._path

    async def _create_connection(
        self, req: ClientRequest, traces: Sequence[Trace], timeout: ClientTimeout
    ) -> ResponseHandler:
        address = req.address
        req.progress = progress = Progress("connect", self._path)
        async with in_time(req, self._conn_timeout, "conn_timeout"), in_time(req, timeout.sock_connect):
            tls = await tls_of(address, self._ssl)
            try:
                return await self._connect(tls)
            except OSError as error:
                if isinstance(error, SSLError):
                    progress.phase = "tls"
                failed = partial(UnixClientConnectorError, self._path)
                raise connector_error(address, error, progress, failed) from error

    async def _connect(self, tls: Tls | None) -> ResponseHandler:
        loop = asyncio.get_running_loop()
        if tls is None:
            _, protocol = await loop.create_unix_connection(self._factory, self._path)
            return protocol
        transport, reader = await loop.create_unix_connection(
            lambda: TlsReader(self._factory()),
            self._path,
            ssl=tls.context,
            server_hostname=tls.server_hostname or "",
            ssl_shutdown_timeout=tls.closing,
        )
        tls.verify(transport)
        return reader.protocol


class NamedPipeConnector(BaseConnector):
    """Connections over the named pipe at ``path``, on Windows and its proactor event loop alone.

    The rest is as in `BaseConnector`. RuntimeError for another event loop, when it is used. It was never run
    on Windows: what is known of it comes from a loop that only stands for that one.
    """

    allowed_protocol_schema_set = BaseConnector.allowed_protocol_schema_set | {"npipe"}

    def __init__(
        self,
        path: str,
        force_close: bool = False,
        keepalive_timeout: float | None = UNSET,
        limit: int | None = 100,
        limit_per_host: int | None = 0,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(
            force_close=force_close,
            keepalive_timeout=keepalive_timeout,
            limit=limit,
            limit_per_host=limit_per_host,
            loop=loop,
        )
        self._path = path

    @property
    def path(self) -> str:
        """The name of the pipe."""
        return self._path

    async def _create_connection(
        self, req: ClientRequest, traces: Sequence[Trace], timeout: ClientTimeout
    ) -> ResponseHandler:
        loop = asyncio.get_running_loop()
        create = getattr(loop, "create_pipe_connection", None)
        if create is None:
            raise RuntimeError(f"named pipes need the proactor event loop of Windows, got {loop!r}")
        req.progress = progress = Progress("connect", self._path)
        async with in_time(req, timeout.sock_connect):
            try:
                transport, protocol = await create(self._factory, self._path)
            except OSError as error:
                raise connector_error(req.address, error, progress) from error
            try:
                await asyncio.sleep(0)  # the loop tells the protocol of its transport in the next turn
            except BaseException:
                transport.abort()
                raise
        if not isinstance(protocol, ResponseHandler):
            transport.abort()
            raise TypeError(f"create_pipe_connection: expected a ResponseHandler, got {protocol!r}")
        return protocol
