"""The request loop: from a request to the head of its response, however many connections that takes."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from multidict import CIMultiDict

from ..io.stream import whole_stream
from ..wire.coding import decoder_of
from .connection import (
    Answer,
    ClientConnection,
    MalformedResponse,
    Received,
    payload_error,
    sending_error,
)
from .connector import BaseConnector
from .errors import (
    ClientHttpProxyError,
    ClientOSError,
    ClientResponseError,
    ServerDisconnectedError,
)
from .outgoing import ClientRequest
from .terms import Terms
from .traced import Tell, TracedStream
from .tracing import TraceConfig, Traces

#: Content that is written at once; after each piece, who reads slowly is waited for.
_PIECE = 256 * 1024


#: Awaits an exchange over a connection, in a way of its own.
Send = Callable[[ClientConnection, Coroutine[Any, Any, Answer]], Awaitable[Answer]]


async def fetch(
    connector: BaseConnector,
    request: ClientRequest,
    terms: Terms,
    traces: Traces | None = None,
    start: float | None = None,
    send: Send | None = None,
) -> Answer:
    """Send ``request`` and wait for the head of its response; its total began at ``start``.

    A request that can be repeated is, once and on a fresh connection, if a connection
    that had served before broke before a byte of an answer came: the server closed it
    while it was idle, and we had not heard of it yet.
    """
    attempts: list[Exception] = []
    loop = asyncio.get_running_loop()
    is_first = start is None
    if start is None:
        start = loop.time()
    request.start = start
    if connector.force_close:
        request.is_persistent = False
    is_forwarded = request.address.proxy is not None and not connector.tunnels(request.address)
    if is_forwarded:
        request.send_to_proxy()
    may_be_stale = terms.retry_stale and request.is_idempotent
    while True:
        connection = None if attempts else connector.take(request.address, may_be_stale=may_be_stale)
        total = terms.timeout.total
        if connection is None or (
            traces is not None and traces.are_heard(TraceConfig.on_connection_reuseconn)
        ):
            connection, total = await connector.lend(request, terms.timeout, start, traces, connection)
        elif total is not None and not is_first:
            total = max(0.001, start + total - loop.time())
        try:
            exchange = _exchange(connection, request, terms, total, attempts, traces)
            answer = await (exchange if send is None else send(connection, exchange))
            status = answer.head.status
            if status == 407 and is_forwarded:
                raise _refused_by_proxy(request, answer)
            if status != 417 or not request.expects_continue:
                return answer
            # RFC 9110 section 10.1.1: repeated without the expectation, if the body can still be sent whole.
            is_held = connection.is_in(answer.exchange)
            if not (is_held and connection.is_body_unsent) and not request.rewind_body():
                return answer
            if is_held:
                connection.abandon()
            request.drop_expectation()
        except (ServerDisconnectedError, ClientOSError) as error:
            if attempts or not terms.retry_stale or not connection.may_repeat or not request.rewind():
                raise
            attempts.append(error)
        except MalformedResponse as error:
            raise ClientResponseError(request.info, status=400, message=str(error)) from error


def _refused_by_proxy(request: ClientRequest, answer: Answer) -> ClientHttpProxyError:
    if answer.connection.is_in(answer.exchange):
        answer.connection.abandon()
    head = answer.head
    return ClientHttpProxyError(request.info, status=head.status, message=head.reason, headers=head.headers)


async def _exchange(
    connection: ClientConnection,
    request: ClientRequest,
    terms: Terms,
    total: float | None,
    attempts: Sequence[Exception],
    traces: Traces | None,
) -> Answer:
    connection.begin(terms, total)
    exchange = connection.uses
    try:
        try:
            connection.exchange.head(
                request.method,
                request.target,
                request.fields,
                request.length,
                body=request.whole,
                is_persistent=request.is_persistent,
                upgrade=request.upgrade,
            )
        except OSError as error:
            raise sending_error(error) from error
        if traces is not None:
            head, content, informational = await _traced(connection, request, terms, total, traces)
        else:
            if request.whole is None or request.tracker is not None:
                if request.expects_continue:
                    connection.expect_continue()
                _send_body(connection, request)
            head, content, informational = await connection.expect_head()
    except BaseException:
        # Cancelled in the turn of its answer: the connection may be in another exchange already.
        if connection.is_in(exchange):
            connection.abandon()
        raise
    return Answer(head, content, connection, exchange, attempts, informational)


def _send_body(connection: ClientConnection, request: ClientRequest, tell: Tell | None = None) -> None:
    """Send the body, unless it left with the head."""
    tracker = request.tracker
    if request.whole is None and request.payload is not None:
        if tracker is not None:
            tracker.start(None if request.coding else request.payload.size)
        connection.send_body(request.write_body(BodyWriter(connection, request), tell))
    elif tracker is not None and request.whole is not None:
        tracker.start(len(request.whole))
        tracker.add(len(request.whole))
        tracker.finish()


async def _traced(
    connection: ClientConnection,
    request: ClientRequest,
    terms: Terms,
    total: float | None,
    traces: Traces,
) -> Received:
    """As `_exchange` goes on when its head is sent, with what follows told to ``traces``."""
    exchange = connection.uses
    is_sending_heard = traces.are_heard(TraceConfig.on_request_chunk_sent)
    is_receiving_heard = traces.are_heard(TraceConfig.on_response_chunk_received)
    tell_sent = partial(traces.send_request_chunk_sent, request.method, request.url)
    tell_received = partial(traces.send_response_chunk_received, request.method, request.url)
    make_stream = partial(TracedStream, tell_received)

    if request.expects_continue:
        connection.expect_continue()
    if is_receiving_heard:
        connection.make_stream = make_stream
    received = connection.expect_head()
    if is_sending_heard or traces.are_heard(TraceConfig.on_request_headers_sent):
        try:
            await _tell_sent(request, terms, total, traces)
        except BaseException:
            if received.done():
                received.exception()  # what the exchange failed with meanwhile: nobody asks for it
            raise
    # The hooks may have taken their time: the answer may be there, or nobody to send anything to.
    if request.whole is not None or connection.is_in(exchange):
        _send_body(connection, request, tell_sent if is_sending_heard else None)
    head, content, informational = await received
    if is_receiving_heard and content is None:
        content = whole_stream(
            head.body or b"",
            decoder_of(head.headers, terms.decoding),
            payload_error,
            is_chunk="Transfer-Encoding" in head.headers,
            make_stream=make_stream,
        )
    return head, content, informational


async def _tell_sent(request: ClientRequest, terms: Terms, total: float | None, traces: Traces) -> None:
    """Tell of the head, and of a body that left with it, in the time that is left."""
    deadline = asyncio.timeout(total)
    try:
        async with deadline:
            headers = CIMultiDict(request.info.headers)
            await traces.send_request_headers(request.method, request.url, headers)
            if request.whole:
                await traces.send_request_chunk_sent(request.method, request.url, request.whole)
    except TimeoutError as error:
        if deadline.expired():
            raise TimeoutError(
                f"The request took longer than its total of {terms.timeout.total} s, while traced"
            ) from error
        raise


class BodyWriter:
    """Where payloads are written."""

    __slots__ = ("_exchange", "_request")

    def __init__(self, connection: ClientConnection, request: ClientRequest) -> None:
        self._exchange = connection.exchange
        self._request = request
        request.sent = 0

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send ``data``, waiting while the server does not read."""
        if len(data) <= _PIECE:
            await self._send(bytes(data))
            return
        for start in range(0, len(data), _PIECE):
            await self._send(bytes(data[start : start + _PIECE]))

    async def _send(self, piece: bytes) -> None:
        self._exchange.data(piece)
        self._request.sent += len(piece)
        if self._request.tracker is not None:
            self._request.tracker.add(len(piece))
        await self._exchange.drain()
