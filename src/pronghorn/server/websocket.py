"""`WebSocketResponse`: the server's end of a WebSocket."""

from collections.abc import Collection, Iterable
from typing import NamedTuple, final

from ..io.websocket import CLOSE_TIMEOUT
from ..websocket import Octets, WebSocket
from ..wire.roles import SERVER
from ..wire.websocket.connection import WebSocketConnection
from ..wire.websocket.deflate import PerMessageDeflate
from ..wire.websocket.deflate_offers import DeflateOptions
from ..wire.websocket.handshake import check_request, response_fields
from ..wire.websocket.limits import WebSocketLimits
from ..wire.websocket.messages import WSCloseCode
from ..wire.websocket.negotiation import (
    Agreement,
    Fields,
    HandshakeRefused,
    agree,
    check_origin,
    check_version,
)
from .errors import HTTPBadRequest, HTTPException, HTTPForbidden, HTTPMethodNotAllowed, HTTPUpgradeRequired
from .request import BaseRequest
from .response import Answerable, StreamResponse

#: Sent bytes that may wait for the peer before a sender waits.
WRITER_LIMIT = 256 * 1024
MAX_MESSAGE_SIZE = 4 * 1024 * 1024
#: What the fields of other responses say, and a 101 does not.
_OF_A_BODY = frozenset({"content-type", "content-length", "transfer-encoding", "connection", "upgrade"})


@final
class WebSocketReady(NamedTuple):
    """Whether a request opens a WebSocket, and with which sub-protocol; true if it does."""

    ok: bool
    protocol: str | None

    def __bool__(self) -> bool:
        return self.ok


class WebSocketResponse(WebSocket, StreamResponse):
    """A WebSocket, open from ``await prepare(request)`` on.

    ``protocols`` are the sub-protocols that are spoken: the first that the client names is chosen.
    ``origins`` are those whose pages may connect ("https://example.org"; None among them lets in who sends
    no Origin, which browsers always do); without it all may, and a page of anybody's can, with the user's
    cookies. ``heartbeat`` is the seconds of silence after which the peer is pinged; half as many more, and
    it is dead. ``timeout`` bounds the close handshake, ``receive_timeout`` each `receive`, in seconds.
    ``autoping`` answers pings, ``autoclose`` close frames. ``compress`` agrees to permessage-deflate where
    the client offers it, True as `DeflateOptions` has it by default. A message of more than
    ``max_msg_size`` bytes, inflated, ends the connection (1009), 0 is no limit; senders wait while
    ``writer_limit`` bytes have not left. ``decode_text=False`` leaves text as bytes that nobody has looked
    at.

    At the start of a graceful shutdown `receive` tells of CLOSING, with the code 1001, so that a handler can
    say its last words; one that does not end is closed with 1001.
    """

    def __init__(
        self,
        *,
        timeout: float = CLOSE_TIMEOUT,
        receive_timeout: float | None = None,
        autoclose: bool = True,
        autoping: bool = True,
        heartbeat: float | None = None,
        protocols: Iterable[str] = (),
        compress: bool | DeflateOptions = True,
        max_msg_size: int = MAX_MESSAGE_SIZE,
        writer_limit: int = WRITER_LIMIT,
        decode_text: bool = True,
        origins: Collection[str | None] | None = None,
    ) -> None:
        super().__init__(status=101)
        self._close_timeout = timeout
        self._receive_timeout = receive_timeout
        self._autoclose = autoclose
        self._autoping = autoping
        self._heartbeat = heartbeat
        self._protocols = tuple(protocols)
        self._deflate_options = DeflateOptions() if compress is True else compress or None
        self._limits = WebSocketLimits(message=max_msg_size or None)
        self._writer_limit = writer_limit
        self._decode_text = decode_text
        self._origins = origins
        self._agreement = Agreement()

    # Facts

    @property
    def prepared(self) -> bool:
        """`prepare` has opened it."""
        return self._endpoint is not None

    @property
    def ws_protocol(self) -> str | None:
        """The sub-protocol that was agreed to."""
        return self._agreement.protocol

    @property
    def compress(self) -> int:
        """The bits of the window that messages are compressed with; 0 if they are not."""
        deflate = self._agreement.deflate
        return 0 if deflate is None else deflate.server.window_bits

    # Opening

    def can_prepare(self, request: BaseRequest) -> WebSocketReady:
        """Whether ``request`` opens a WebSocket. RuntimeError if another one has opened this."""
        if self.prepared:
            raise RuntimeError("can_prepare: the WebSocket is open already")
        try:
            agreement, _ = self._agree(request)
        except HandshakeRefused:
            return WebSocketReady(False, None)
        return WebSocketReady(True, agreement.protocol)

    async def prepare(self, request: Answerable) -> None:
        """Open the WebSocket; a second call does nothing.

        Raises the HTTPException that a request is to be answered with which opens none.
        """
        if self.prepared:
            return
        if not isinstance(request, BaseRequest):
            raise TypeError(f"prepare: expected a request, got {request!r}")
        try:
            agreement, fields = self._agree(request)
        except HandshakeRefused as refused:
            raise _refusal(refused, request.method) from None
        self._agreement = agreement
        self._req = request
        if request.prepare_signals:
            await request._prepare_hook(self)
        if request.is_over:
            raise RuntimeError("prepare: the request is over")
        given = (field for field in self.fields() if field[0].lower() not in _OF_A_BODY)
        request.exchange.head(
            101, "Switching Protocols", (*fields, *given), None, body=b"", upgrade="websocket"
        )
        deflate = None
        if agreement.deflate is not None and self._deflate_options is not None:
            deflate = PerMessageDeflate(SERVER, agreement.deflate, self._deflate_options)
        machine = WebSocketConnection(SERVER, self._limits, deflate=deflate, decode_text=self._decode_text)
        self._endpoint = request.switch(
            machine,
            autoclose=self._autoclose,
            autoping=self._autoping,
            heartbeat=self._heartbeat,
            close_timeout=self._close_timeout,
        )
        transport = self._endpoint.channel.transport
        if transport is not None:
            transport.set_write_buffer_limits(self._writer_limit)

    def _agree(self, request: BaseRequest) -> tuple[Agreement, Fields]:
        headers = request.headers
        key = check_request(request.method, request.version, headers)
        if request.body_exists:
            # It would have to be read before the switch, by somebody who has no use for it.
            raise HandshakeRefused("WebSocket: expected no content")
        check_version(headers)
        if self._origins is not None:
            check_origin(headers, self._origins)
        agreement, fields = agree(headers, self._protocols, self._deflate_options)
        return agreement, [*response_fields(key), *fields]

    # Ending

    async def close(
        self, *, code: int = WSCloseCode.OK, message: bytes | str = b"", drain: bool = True
    ) -> bool:
        """Close, and wait until the peer has closed, too, or ``timeout`` is over; False if it is closed.

        ``code`` and ``message`` are told to the peer (RFC 6455 section 7.4): ValueError for a code that may
        not be sent, or more than 123 bytes. ``drain`` is accepted and not needed.
        """
        return await self._close(code, message)

    async def write(self, data: Octets) -> None:
        """Not of a WebSocket: RuntimeError."""
        raise RuntimeError("Cannot call .write() for websocket")

    async def write_eof(self, data: bytes = b"") -> None:
        """Close, unless that was done."""
        if not self._has_ended:
            self._has_ended = True
            is_going_away = self._endpoint is not None and self._endpoint.is_going_away
            await self._close(WSCloseCode.GOING_AWAY if is_going_away else WSCloseCode.OK, b"")


def _refusal(refused: HandshakeRefused, method: str) -> HTTPException:
    if refused.status == 405:
        return HTTPMethodNotAllowed(method, ["GET"], text=refused.message)
    kind = {403: HTTPForbidden, 426: HTTPUpgradeRequired}.get(refused.status, HTTPBadRequest)
    return kind(text=refused.message, headers=refused.fields)
