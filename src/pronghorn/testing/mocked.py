"""Stand-ins: a request that came on no connection, and a coroutine function that does nothing."""

import asyncio
import inspect
import re
import ssl
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from yarl import URL

from .. import web
from ..io.stream import StreamReader
from ..server.matching import AbstractMatchInfo
from ..server.request_body import CLIENT_MAX_FIELDS, CLIENT_MAX_SIZE
from ..signals import Signal
from ..wire.events import HttpVersion, HttpVersion11
from .memory import MemoryConnection, exchange_for, make_head

#: Nothing was given, where None would be something.
_NOTHING: Final = object()
#: What a request-target can be as it is (RFC 9112 section 3.2).
_TARGET: Final = re.compile(r"[!-~]+")
_SOCKNAME: Final = ("127.0.0.1", 80)
_HOST: Final = "127.0.0.1"

Headers = Mapping[str, str] | Iterable[tuple[str, str]]


def make_mocked_request(
    method: str,
    path: str,
    headers: Headers | None = None,
    *,
    match_info: Any = _NOTHING,
    version: HttpVersion = HttpVersion11,
    closing: bool = False,
    app: Any = None,
    writer: Any = _NOTHING,
    protocol: Any = _NOTHING,
    transport: Any = _NOTHING,
    payload: bytes | StreamReader = b"",
    sslcontext: ssl.SSLContext | None = None,
    client_max_size: int = CLIENT_MAX_SIZE,
    client_max_fields: int = CLIENT_MAX_FIELDS,
    loop: Any = ...,
) -> web.Request:
    """A request for a handler that is called by a test, with no server and, at first, no event loop.

    ``path`` may have a query, ``payload`` is the body. ``match_info`` is what the router would have found in
    the path, a mapping. ``closing``: the client wants no further response on its connection. ``app`` is a new
    application by default. ``writer`` is where the response goes, by default a
    `pronghorn.testing.MemoryExchange`: ``request.exchange`` then has what was sent, and carries a WebSocket,
    too. ``protocol`` and ``transport`` stand for the connection; by default the transport is a mock that
    knows its ``sockname``, and ``sslcontext``. ``loop`` is not needed.
    """
    head = make_head(method.upper(), _target_of(path), _pairs(headers), version)
    if closing:
        head.is_persistent = False
    if head.upgrade:
        head.headers.setdefault("Host", _HOST)  # no WebSocket without one: RFC 6455 section 4.2.1
    if isinstance(payload, bytes):
        head.body = payload
    exchange = exchange_for(head) if writer is _NOTHING else writer
    if transport is _NOTHING:
        transport = _make_transport(sslcontext)
    if protocol is _NOTHING:
        protocol = MemoryConnection(exchange, peername=transport.get_extra_info("peername"))
    protocol.transport = transport
    request = web.Request(
        head,
        payload,
        protocol,
        exchange,
        None,
        None if loop is ... else loop,
        client_max_size=client_max_size,
        client_max_fields=client_max_fields,
    )
    _route(request, {} if match_info is _NOTHING else match_info, web.Application() if app is None else app)
    return request


def make_mocked_coro(return_value: Any = None, raise_exception: Any = _NOTHING) -> Any:
    """A mock that is called as a coroutine function, which returns or raises what is given.

    A ``return_value`` that can be awaited is awaited.
    """
    from unittest import mock

    async def called(*_arguments: object, **_options: object) -> Any:
        if raise_exception is not _NOTHING:
            raise raise_exception
        return await return_value if inspect.isawaitable(return_value) else return_value

    return mock.Mock(wraps=called)


def _target_of(path: str) -> str:
    """``path`` as a client would have sent it, which is as it is if it could."""
    return path if _TARGET.fullmatch(path) else str(URL(path)) or "/"


def _pairs(headers: Headers | None) -> Iterable[tuple[str, str]]:
    if headers is None:
        return ()
    return cast(Iterable[tuple[str, str]], headers.items() if isinstance(headers, Mapping) else headers)


def _make_transport(sslcontext: ssl.SSLContext | None) -> Any:
    from unittest import mock

    known = asyncio.Transport({"sockname": _SOCKNAME, "sslcontext": sslcontext})
    transport = mock.Mock(spec=asyncio.Transport)
    transport.get_extra_info.side_effect = known.get_extra_info
    transport.is_closing.return_value = False
    return transport


def _route(request: web.Request, match_info: Any, app: Any) -> None:
    """Do what an application does before it calls a handler."""
    if not isinstance(match_info, AbstractMatchInfo):
        route = web.Application().router.add_route("*", "/", _never)
        match_info = web.UrlMappingMatchInfo(match_info, route)
    match_info.add_app(app)
    request._app = app
    request._match_info = match_info
    signal = getattr(app, "on_response_prepare", None)
    if isinstance(signal, Signal) and signal:
        request.prepare_signals = (signal,)


async def _never(request: web.BaseRequest) -> web.StreamResponse:  # noqa: ARG001 - a handler has one
    raise RuntimeError("the route of a mocked request has no handler")
