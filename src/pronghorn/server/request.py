"""Requests as handlers see them. What most handlers never look at is made when it is looked at."""

import asyncio
import copy
import warnings
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from multidict import CIMultiDict, istr
from yarl import URL

from ..io.exchange import Exchange
from ..io.stream import StreamReader
from ..io.websocket import Endpoint
from ..keys import BaseKey, RequestKey
from ..signals import Signal
from ..wire.conditional import ETAG_ANY
from ..wire.events import RequestHead
from ..wire.fields import format_field_line
from ..wire.websocket.connection import WebSocketConnection
from .config_dict import ChainMapProxy
from .matching import AbstractMatchInfo, ApplicationLike
from .request_body import (
    CLIENT_MAX_FIELDS,
    CLIENT_MAX_SIZE,
    PayloadAccessError,
    RequestBody,
    RequestPayloadError,
    payload_error,
)
from .request_connection import ConnectionFacts
from .request_message import RawRequestMessage
from .request_target import RequestTarget, target_of
from .response import REASONS, Headers
from .storage import Storage

__all__ = [
    "ETAG_ANY",
    "BaseRequest",
    "ConnectionFacts",
    "PayloadAccessError",
    "Request",
    "RequestPayloadError",
    "payload_error",
]


class BaseRequest(RequestTarget, RequestBody, Storage):
    """A request, without an application: what a low-level server's handler gets.

    The parameters are those that aiohttp documents, so that a class of a user's can be a
    request factory. ``client_max_size`` bounds what `read` and `post` accept, in bytes, and
    ``client_max_fields`` how many fields of a form; 0 is unlimited. ``state`` is what the mapping
    holds; ``scheme``, ``host`` and ``remote`` go before what the connection says.
    ``loop`` is not needed.
    """

    #: The attributes that aiohttp allows in debug mode. Here any may be set.
    ATTRS: frozenset[str] = frozenset()

    _key_class = RequestKey
    _warned: ClassVar[set[object]] = set()

    #: The connection may serve another request after this one.
    may_persist = True
    #: Told of the response before it is sent.
    prepare_signals: tuple[Signal[Any, Any], ...] = ()

    def __init__(
        self,
        message: RequestHead,
        payload: bytes | StreamReader,
        protocol: ConnectionFacts,
        payload_writer: Exchange,
        task: "asyncio.Task[None] | None" = None,
        loop: asyncio.AbstractEventLoop | None = None,
        *,
        client_max_size: int = CLIENT_MAX_SIZE,
        client_max_fields: int = CLIENT_MAX_FIELDS,
        state: dict[str | BaseKey[Any], Any] | None = None,
        scheme: str | None = None,
        host: str | None = None,
        remote: str | None = None,
    ) -> None:
        #: The head as it was read.
        self.head = message
        self._body = payload
        self._connection = protocol
        #: Where the response goes.
        self.exchange = payload_writer
        # What the class says is not stored: that is a fifth of what making a request costs.
        if task is not None:
            self._task = task
        if client_max_size != CLIENT_MAX_SIZE:
            self._client_max_size = client_max_size
        if client_max_fields != CLIENT_MAX_FIELDS:
            self._client_max_fields = client_max_fields
        if state is not None or scheme is not None or host is not None or remote is not None:
            self._stored = state
            self._replace_origin(scheme, host, remote)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.method} {self.head.target}>"

    @property
    def message(self) -> RawRequestMessage:
        """The head in one tuple. Deprecated: each of its items has an attribute of its own."""
        warnings.warn("request.message: use the attributes of the request", DeprecationWarning, stacklevel=2)
        return self._message

    @property
    def _message(self) -> RawRequestMessage:
        return RawRequestMessage.of(self.head, self.rel_url)

    # The answer

    @property
    def writer(self) -> Exchange:
        """Where the response goes."""
        return self.exchange

    _payload_writer = writer

    @property
    def expects_continue(self) -> bool:
        """The client waits for 100 (Continue) before it sends the body; reading the body sends it."""
        return self.head.expects_continue

    def send_informational(self, status: int, headers: Headers = ()) -> None:
        """Send a 1xx response ahead of the final one, 103 (Early Hints) for one (RFC 9110 section 15.2).

        Clients of HTTP/1.0 are sent nothing. ValueError for another status, RuntimeError once the
        response has begun.
        """
        if self.is_over:
            raise RuntimeError("send_informational: the request is over")
        fields = headers.items() if isinstance(headers, Mapping) else headers
        self.exchange.informational(status, REASONS.get(status, ""), fields)

    def switch(self, machine: WebSocketConnection, **options: Any) -> Endpoint:
        """Leave HTTP for the WebSocket that the answer has opened; ``options`` are those of `Endpoint`."""
        return self._connection.switch(machine, **options)

    async def _prepare_hook(self, response: Any) -> None:
        for signal in self.prepare_signals:
            await signal.send(self, response)

    # Another one like it

    def clone(
        self,
        *,
        method: str | None = None,
        rel_url: str | URL | None = None,
        headers: Headers | None = None,
        scheme: str | None = None,
        host: str | None = None,
        remote: str | None = None,
        client_max_size: int | None = None,
        client_max_fields: int | None = None,
    ) -> Self:
        """The same request, with something in it replaced; None leaves it.

        It shares the connection and the body, and begins with what the mapping and other attributes
        hold. RuntimeError after a body was read, unless it was empty; ValueError for what no request can
        have.
        """
        if self._read_bytes or self._post:
            raise RuntimeError("clone: the body of the request was read")
        if headers is not None and self.body_exists:
            _ = self.content  # decoded as the fields say that it came with, not by those that replace them
        twin = copy.copy(self)
        twin._origin = self._origin or self
        if self._stored is not None:
            twin._stored = dict(self._stored)
        twin.head = _replace(self.head, method, rel_url, headers)
        twin._headers = twin._cookies = twin._forwarded = twin._rel_url = twin._post = None
        twin._replace_origin(scheme, host, remote)
        if client_max_size is not None:
            twin._client_max_size = client_max_size
        if client_max_fields is not None:
            twin._client_max_fields = client_max_fields
        return twin


def _replace(
    head: RequestHead, method: str | None, rel_url: str | URL | None, headers: Headers | None
) -> RequestHead:
    fields, section = head.headers, head.section
    if headers is not None:
        fields = CIMultiDict((istr(name), value) for name, value in CIMultiDict(headers).items())
        section = b"".join(format_field_line(name, value) for name, value in fields.items())[:-2]
    target = head.target if rel_url is None else target_of(rel_url)
    new = RequestHead(head.method if method is None else method, target, head.version, fields, section)
    new.is_persistent = head.is_persistent
    new.body = head.body
    new.upgrade = head.upgrade
    new.expects_continue = head.expects_continue
    return new


class Request(BaseRequest):
    """A request on its way through an application."""

    _app: ApplicationLike | None = None
    _match_info: AbstractMatchInfo | None = None

    @property
    def app(self) -> ApplicationLike:
        """The application that handles the request."""
        if self._app is None:
            raise RuntimeError("request.app: the request has not reached an application")
        return self._app

    @property
    def match_info(self) -> Any:
        """What the router found: the parts of the path by name."""
        if self._match_info is None:
            raise RuntimeError("request.match_info: the request has not been routed")
        return self._match_info

    @property
    def config_dict(self) -> ChainMapProxy:
        """What `app` and the applications around it hold, read-only; the innermost that has a key counts."""
        app, apps = self.app, self.match_info.apps
        around = apps[: apps.index(app)] if app in apps else apps
        return ChainMapProxy((app, *reversed(around)))
