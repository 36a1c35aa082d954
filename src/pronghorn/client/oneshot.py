"""`request` and `ws_connect` without a session: for what needs no connection that is kept, and no cookies."""

import asyncio
import warnings
from typing import Unpack

from yarl import URL

from ..wire.events import HttpVersion, HttpVersion11
from .connector import BaseConnector
from .context import RequestContext
from .cookiejar import DummyCookieJar
from .options import RequestOptions
from .response import ClientResponse
from .session import ClientSession
from .tcp import TCPConnector
from .websocket import ClientWebSocketResponse, WebSocketContext, WebSocketOptions


def request(
    method: str,
    url: str | URL,
    *,
    connector: BaseConnector | None = None,
    version: HttpVersion = HttpVersion11,
    loop: asyncio.AbstractEventLoop | None = None,
    encoding: str | None = None,
    **options: Unpack[RequestOptions],
) -> RequestContext:
    """Make one request: to be awaited, or used as ``async with``.

    ``options`` are those of `ClientSession.request`. ``connector`` stays open; without one the connection is
    closed after the response. ``loop`` and ``encoding`` are accepted and have no meaning any more.
    """
    for name, value in (("loop", loop), ("encoding", encoding)):
        if value is not None:
            warnings.warn(f"request: {name} has no meaning any more", DeprecationWarning, stacklevel=2)
    session = ClientSession(
        connector=TCPConnector(force_close=True) if connector is None else connector,
        connector_owner=connector is None,
        cookie_jar=DummyCookieJar(),
        version=version,
    )
    return RequestContext(_request(session, method, url, options))


def ws_connect(
    url: str | URL,
    *,
    connector: BaseConnector | None = None,
    loop: asyncio.AbstractEventLoop | None = None,
    **options: Unpack[WebSocketOptions],
) -> WebSocketContext:
    """Open one WebSocket: to be awaited, or used as ``async with``.

    ``options`` are those of `ClientSession.ws_connect`. ``connector`` stays open. ``loop`` is accepted and
    has no meaning any more.
    """
    if loop is not None:
        warnings.warn("ws_connect: loop has no meaning any more", DeprecationWarning, stacklevel=2)
    session = ClientSession(
        connector=TCPConnector(force_close=True) if connector is None else connector,
        connector_owner=connector is None,
        cookie_jar=DummyCookieJar(),
    )
    return WebSocketContext(_ws_connect(session, url, options))


async def _ws_connect(
    session: ClientSession, url: str | URL, options: WebSocketOptions
) -> ClientWebSocketResponse:
    try:
        websocket = await session.ws_connect(url, **options)
    except BaseException:
        await session.close()
        raise
    session.detach()  # its connection is closed with the WebSocket
    return websocket


async def _request(
    session: ClientSession, method: str, url: str | URL, options: RequestOptions
) -> ClientResponse:
    try:
        response = await session.request(method, url, **options)
    except BaseException:
        await session.close()
        raise
    session.detach()  # what is open is closed with the response
    return response
