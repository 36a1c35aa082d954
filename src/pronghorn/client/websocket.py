"""`ClientWebSocketResponse`: the client's end of a WebSocket, and how it is opened."""

import asyncio
import warnings
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ClassVar, Final, NamedTuple, Protocol, Self, TypedDict, final

from multidict import CIMultiDict
from yarl import URL

from ..io.websocket import CLOSE_TIMEOUT, Endpoint
from ..websocket import WebSocket
from ..wire.roles import CLIENT
from ..wire.websocket.connection import WebSocketConnection
from ..wire.websocket.deflate import PerMessageDeflate
from ..wire.websocket.deflate_offers import DeflateAgreement, DeflateOptions, Direction
from ..wire.websocket.handshake import check_response, make_key, request_fields
from ..wire.websocket.limits import WebSocketLimits
from ..wire.websocket.messages import WSCloseCode, WSHandshakeError
from ..wire.websocket.negotiation import Agreement, check_agreement, offer_fields
from .auth import BasicAuth
from .context import Context
from .errors import (
    ClientConnectionResetError,
    ClientResponseError,
    ServerDisconnectedError,
    ServerTimeoutError,
    WSServerHandshakeError,
)
from .response import ClientResponse
from .sent_fields import Headers, as_fields
from .target import as_url
from .tls import TlsOption

MAX_MESSAGE_SIZE: Final = 4 * 1024 * 1024
_UNSET: Final[Any] = object()
_SCHEMES: Final = {"ws": "http", "wss": "https"}
#: Fields of the handshake, which are not the caller's to give.
_OURS: Final = (
    "Upgrade",
    "Connection",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Extensions",
)
_PROTOCOL: Final = "Sec-WebSocket-Protocol"


@dataclass(frozen=True, slots=True)
class ClientWSTimeout:
    """Seconds that a WebSocket waits to receive a message, and for the close handshake; None is for ever."""

    ws_receive: float | None = None
    ws_close: float | None = None


DEFAULT_WS_CLIENT_TIMEOUT: Final = ClientWSTimeout(ws_receive=None, ws_close=CLOSE_TIMEOUT)


class WebSocketOptions(TypedDict, total=False):
    """The keywords of `ClientSession.ws_connect`."""

    method: str
    #: Sub-protocols to offer, the preferred first.
    protocols: Iterable[str]
    #: For receiving and closing; a number, the older form, is for closing.
    timeout: ClientWSTimeout | float | None
    #: The older name of ``ClientWSTimeout(ws_receive=)``.
    receive_timeout: float | None
    #: Answer close frames.
    autoclose: bool
    #: Answer pings.
    autoping: bool
    #: Seconds of silence after which the server is pinged; half as many more, and it is dead.
    heartbeat: float | None
    auth: BasicAuth | None
    #: The Origin field.
    origin: str | None
    params: Any
    headers: Headers | None
    proxy: str | URL | None
    proxy_auth: BasicAuth | None
    proxy_headers: Headers | None
    ssl: TlsOption
    verify_ssl: bool | None
    fingerprint: bytes | None
    ssl_context: Any
    server_hostname: str | None
    #: Offer permessage-deflate: with a window of 9 to 15 bits, or as `DeflateOptions` say; 0 offers none.
    compress: int | DeflateOptions
    #: The most bytes of a message, inflated; 0 is no limit.
    max_msg_size: int
    #: False leaves text as bytes that nobody has looked at.
    decode_text: bool


class ClientWebSocketResponse(WebSocket):
    """The client's end of an open WebSocket; `ClientSession.ws_connect` makes it.

    The parameters are those that aiohttp gives to a class of its users.
    """

    _reset_error: ClassVar[type[ConnectionResetError]] = ClientConnectionResetError

    def __init__(
        self,
        reader: Endpoint,
        writer: Endpoint,
        protocol: str | None,
        response: ClientResponse,
        timeout: ClientWSTimeout,
        autoclose: bool,
        autoping: bool,
        loop: asyncio.AbstractEventLoop,
        *,
        heartbeat: float | None = None,
        compress: int = 0,
        client_notakeover: bool = False,
    ) -> None:
        self._endpoint = reader
        self._protocol = protocol
        self._response = response
        self._receive_timeout = timeout.ws_receive
        self._compress = compress
        self._client_notakeover = client_notakeover

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'closed' if self.closed else 'open'} {self._response.url}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def protocol(self) -> str | None:
        """The sub-protocol that the server chose."""
        return self._protocol

    @property
    def compress(self) -> int:
        """The bits of the window that messages are compressed with; 0 if they are not."""
        return self._compress

    @property
    def client_notakeover(self) -> bool:
        """Each message is compressed for itself."""
        return self._client_notakeover

    async def close(self, *, code: int = WSCloseCode.OK, message: bytes | str = b"") -> bool:
        """Close, and wait until the server has closed, too, or ``ws_close`` is over; False if it is closed.

        ``code`` and ``message`` are told to the server (RFC 6455 section 7.4): ValueError for a code that
        may not be sent, or more than 123 bytes.
        """
        return await self._close(code, message)


@final
class WebSocketContext(Context[ClientWebSocketResponse]):
    """A WebSocket about to be opened: ``await`` it, or enter it with ``async with``, which closes it."""

    __slots__ = ("_socket",)

    async def __aenter__(self) -> ClientWebSocketResponse:
        self._socket: ClientWebSocketResponse = await self._coroutine
        return self._socket

    async def __aexit__(self, *error: object) -> None:
        await self._socket.close()


class Asker(Protocol):
    """What is needed of a session."""

    _ws_response_class: type[ClientWebSocketResponse]

    @property
    def _request(self) -> Callable[..., Coroutine[Any, Any, ClientResponse]]: ...


def open_websocket(
    session: Asker,
    url: str | URL,
    *,
    method: str = "GET",
    protocols: Iterable[str] = (),
    timeout: ClientWSTimeout | float | None = DEFAULT_WS_CLIENT_TIMEOUT,
    receive_timeout: float | None = None,
    autoclose: bool = True,
    autoping: bool = True,
    heartbeat: float | None = None,
    origin: str | None = None,
    headers: Headers | None = None,
    compress: int | DeflateOptions = 0,
    max_msg_size: int = MAX_MESSAGE_SIZE,
    decode_text: bool = True,
    **of_request: Any,
) -> Coroutine[Any, Any, ClientWebSocketResponse]:
    """A WebSocket to ``url``, of http, https, ws or wss; the keywords are `WebSocketOptions`.

    TypeError and ValueError for what can't be asked for, before it is awaited; WSServerHandshakeError if the
    server does not open one.
    """
    deflate = _as_deflate(compress)
    fields = as_fields(headers or ())
    for name in _OURS:
        fields.popall(name, None)
    protocols = tuple(protocols)
    if not protocols:
        # Offered all the same: the server may choose one of them.
        named = ",".join(fields.popall(_PROTOCOL, ())).split(",")
        protocols = tuple(filter(None, (name.strip() for name in named)))
    if origin is not None:
        fields["Origin"] = origin
    for name, value in offer_fields(protocols, deflate):
        fields[name] = value
    parsed = as_url(url)
    if scheme := _SCHEMES.get(parsed.scheme):
        parsed = parsed.with_scheme(scheme)
    # Whatever the status is: it is what the server refuses with.
    asking = {"raise_for_status": False, **of_request}
    wanted = _Wanted(
        protocols,
        deflate,
        WebSocketLimits(message=max_msg_size or None),
        _as_timeout(timeout, receive_timeout),
        autoclose,
        autoping,
        heartbeat,
        decode_text,
    )
    return _open(session, method, parsed, fields, wanted, asking)


class _Wanted(NamedTuple):
    """What a WebSocket is to be like; see `WebSocketOptions`."""

    protocols: tuple[str, ...]
    deflate: DeflateOptions | None
    limits: WebSocketLimits
    timeout: ClientWSTimeout
    autoclose: bool
    autoping: bool
    heartbeat: float | None
    decode_text: bool


async def _open(
    session: Asker, method: str, url: URL, fields: CIMultiDict[str], wanted: _Wanted, asking: dict[str, Any]
) -> ClientWebSocketResponse:
    key = make_key()
    for name, value in request_fields(key):
        fields[name] = value
    try:
        response = await session._request(method, url, headers=fields, **asking)
    except ClientResponseError as error:
        if type(error) is not ClientResponseError:
            raise
        # What came is no answer, or switches to something else.
        raise WSServerHandshakeError(
            error.request_info, error.history, status=error.status, message=error.message
        ) from error
    try:
        agreement = await _check(response, key, wanted.protocols, wanted.deflate)
        endpoint = _switch(response, agreement.deflate, wanted)
        ours = Direction(0) if agreement.deflate is None else agreement.deflate.client
        return session._ws_response_class(
            endpoint,
            endpoint,
            agreement.protocol,
            response,
            wanted.timeout,
            wanted.autoclose,
            wanted.autoping,
            asyncio.get_running_loop(),
            heartbeat=wanted.heartbeat,
            compress=ours.window_bits,
            client_notakeover=ours.no_context_takeover,
        )
    except BaseException:
        response.close()
        raise


async def _check(
    response: ClientResponse, key: str, protocols: tuple[str, ...], deflate: DeflateOptions | None
) -> Agreement:
    try:
        check_response(response.status, response.headers, key)
        return check_agreement(response.headers, protocols, deflate)
    except WSHandshakeError as error:
        reason = str(error)
    if response.status != 101:
        reason = f"Invalid response {reason}"
        await response._await_excerpt()
    refused = WSServerHandshakeError(
        response.request_info,
        response.history,
        status=response.status,
        message=reason,
        headers=response.headers,
    )
    refused.body = b"" if response.status == 101 else response._excerpt()
    raise refused


def _switch(response: ClientResponse, agreed: DeflateAgreement | None, wanted: _Wanted) -> Endpoint:
    connection = response.connection
    if connection is None:
        raise ServerDisconnectedError
    try:
        tail = connection.switch()
    except RuntimeError as error:  # the server has closed behind its answer
        raise ServerDisconnectedError from error
    deflate = None
    if agreed is not None and wanted.deflate is not None:
        deflate = PerMessageDeflate(CLIENT, agreed, wanted.deflate)
    endpoint = Endpoint(
        connection.channel,
        WebSocketConnection(CLIENT, wanted.limits, deflate=deflate, decode_text=wanted.decode_text),
        connection,
        is_server=False,
        autoclose=wanted.autoclose,
        autoping=wanted.autoping,
        heartbeat=wanted.heartbeat,
        close_timeout=wanted.timeout.ws_close,
        make_dead_error=ServerTimeoutError,
    )
    endpoint.start(tail)
    return endpoint


def _as_timeout(timeout: ClientWSTimeout | float | None, receive_timeout: float | None) -> ClientWSTimeout:
    if not isinstance(timeout, ClientWSTimeout):
        if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, (int, float))):
            raise TypeError(f"timeout: expected a ClientWSTimeout, got {timeout!r}")
        warnings.warn(
            "timeout as a number is deprecated: use ClientWSTimeout(ws_close=...)",
            DeprecationWarning,
            stacklevel=4,  # who calls `ws_connect`
        )
        timeout = ClientWSTimeout(ws_close=timeout)
    if receive_timeout is not None:
        warnings.warn(
            "receive_timeout is deprecated: use ClientWSTimeout(ws_receive=...)",
            DeprecationWarning,
            stacklevel=4,  # who calls `ws_connect`
        )
        timeout = ClientWSTimeout(ws_receive=receive_timeout, ws_close=timeout.ws_close)
    return timeout


def _as_deflate(compress: int | DeflateOptions) -> DeflateOptions | None:
    if isinstance(compress, DeflateOptions):
        return compress
    if compress is True:
        return DeflateOptions()
    if not isinstance(compress, int):
        raise TypeError(f"compress: expected bits or DeflateOptions, got {compress!r}")
    if not compress:
        return None
    if not 9 <= compress <= 15:
        raise ValueError(f"compress: expected 0 or 9 to 15 bits, got {compress}")
    return DeflateOptions(window_bits=compress, peer_window_bits=compress)
