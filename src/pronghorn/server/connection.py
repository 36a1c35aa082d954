"""One connection of a server: requests in, one at a time, each handled and answered.

The loop is iterative. A request whose handler never waits is begun, answered and
over inside one call; then the machine is asked for the next that it holds, at most
`_BURST` times before other connections get their turn. A handler that waits ends
the loop, and its end starts it again from the event loop, never from its own task.

Deadlines are on throughout: `_patience` waits for the peer's bytes (an idle
connection, a head, a body), `_write_patience` for the peer to take ours.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import copy_context
from typing import Any, Final, Protocol, final

from ..io.channel import Channel
from ..io.deadline import Deadline, Sweep
from ..io.exchange import Http1Exchange
from ..io.stream import StreamReader
from ..io.tasks import start_task
from ..io.websocket import Endpoint
from ..log import server_logger
from ..wire.coding import decoder_of
from ..wire.errors import ProtocolError
from ..wire.events import Data, Event, RequestHead
from ..wire.http1.connection import Http1Connection, Reading, Writing
from ..wire.limits import DecodeLimits
from ..wire.roles import SERVER
from ..wire.websocket.connection import WebSocketConnection
from ..wire.websocket.messages import WSCloseCode
from .access_log import Log
from .disconnection import disconnection_of, tell
from .errors import FOR_STATUS, HTTPBadRequest, HTTPException, HTTPInternalServerError, HTTPServiceUnavailable
from .request import BaseRequest, PayloadAccessError, RequestPayloadError, payload_error
from .response import Response, StreamResponse
from .settings import ServerSettings

#: Requests of one connection that are answered before other connections have their turn. A peer that
#: pipelines without end moves the median latency of another by 2.8x with 3, by 7x with 16.
_BURST: Final = 3
#: Seconds that a connection beyond the limit has for its first request.
_SURPLUS_TIMEOUT: Final = 1.0
_RETRY_AFTER: Final = "1"


class Host(Protocol):
    """What a connection needs of the server that it belongs to."""

    settings: ServerSettings
    sweep: Sweep
    access_log: Log | None
    request_factory: Callable[..., BaseRequest]
    handler: Callable[[Any], Awaitable[StreamResponse]]
    is_closing: bool

    @property
    def is_full(self) -> bool: ...
    def opened(self, connection: "ServerConnection") -> None: ...
    def closed(self, connection: "ServerConnection") -> None: ...


def overloaded() -> HTTPServiceUnavailable:
    """The answer of a server that has too much to do (RFC 9110 section 15.6.4)."""
    return HTTPServiceUnavailable(headers={"Retry-After": _RETRY_AFTER})


@final
class ServerConnection:
    """Owns a channel; holds at most one request at a time."""

    __slots__ = (
        "_awaits_head",
        "_access_log",
        "_context",
        "_current",
        "_endpoint",
        "_exchange",
        "_has_peer_ended",
        "_host",
        "_is_closing",
        "_is_in_burst",
        "_is_surplus",
        "_loop",
        "_machine",
        "_patience",
        "_progress",
        "_settings",
        "_unwritten",
        "_write_patience",
        "channel",
        "peername",
        "task",
    )

    def __init__(self, host: Host, loop: asyncio.AbstractEventLoop) -> None:
        self._host = host
        self._settings = host.settings
        self._loop = loop
        #: That of every request. The current one may be the last request's: asyncio keeps the context in
        #: which reading was resumed, and a callback that in which it was asked for.
        self._context = copy_context()
        self._machine = Http1Connection(SERVER, host.settings.limits)
        self.channel = Channel(loop, self._machine, self)
        self._exchange = Http1Exchange(self.channel, self._machine)
        self._patience = Deadline(host.sweep, self._run_out)
        self._write_patience = Deadline(host.sweep, self._run_out_of_patience)
        #: Bytes that waited for the peer to read them when `_write_patience` was started.
        self._unwritten = 0
        self._is_closing = False
        self._is_surplus = False
        self._current: BaseRequest | None = None
        #: HTTP is over, and this goes on.
        self._endpoint: Endpoint | None = None
        #: The client has closed its sending side.
        self._has_peer_ended = False
        self._is_in_burst = False
        #: Part of a head has come, and its deadline runs.
        self._awaits_head = False
        #: Bytes of the body since its deadline was last put off.
        self._progress = 0
        #: The task of the request that is being handled.
        self.task: asyncio.Task[None] | None = None
        #: The address of the peer; known also when it has gone.
        self.peername: Any = None
        log = host.access_log
        self._access_log = log if log is not None and log.enabled else None

    @property
    def transport(self) -> asyncio.Transport | None:
        """The transport, None once it is closed."""
        self._exchange.release()  # who asks for it may close it, or write to it
        return None if self.channel.is_lost else self.channel.transport

    @property
    def request(self) -> BaseRequest | None:
        """The request that is being handled."""
        return self._current

    @property
    def is_taking_leave(self) -> bool:
        """The last bytes of a WebSocket are on their way, and end the connection in a bounded time."""
        return self._endpoint is not None and self._endpoint.is_closed

    @property
    def decoding(self) -> DecodeLimits | None:
        """How content codings of requests are undone; None leaves them."""
        return self._settings.decode_limits if self._settings.auto_decompress else None

    def switch(self, machine: WebSocketConnection, **options: Any) -> Endpoint:
        """Leave HTTP for a WebSocket, as the answer has said; ConnectionResetError if the client has closed.

        ``options`` are those of `Endpoint`.
        """
        if not self._machine.is_switching:
            raise ConnectionResetError("the client has closed the connection")
        tail = self._machine.accept_upgrade()
        endpoint = self._endpoint = Endpoint(self.channel, machine, self, is_server=True, **options)
        endpoint.start(tail, has_ended=self._has_peer_ended)
        if self._host.is_closing:
            endpoint.go_away()
        return endpoint

    def disconnection(self, request: BaseRequest) -> "asyncio.Future[None]":
        """What `BaseRequest.disconnected` is, made when it is asked for."""
        # The eager part of a handler runs before `task` is known.
        task = (self.task or asyncio.current_task()) if self._current is request else None
        return disconnection_of(request, task, is_gone=self.channel.is_lost or self._has_peer_ended)

    # What the channel reports

    def connect(self) -> None:
        transport = self.channel.transport
        if transport is not None:
            self.peername = transport.get_extra_info("peername")
        self._host.opened(self)
        if self._host.is_closing:
            self._close()
            return
        self._is_surplus = self._host.is_full
        # Who is one too many is told so when it asks, and must ask soon.
        self._patience.start(_SURPLUS_TIMEOUT if self._is_surplus else self._settings.head_timeout)

    def receive(self, events: Sequence[Event]) -> None:
        if not events:
            self._wait_for_rest()
            return
        self._is_in_burst = True
        left = _BURST
        while events:
            for event in events:
                if type(event) is RequestHead:
                    self._begin(event)
                else:
                    self._deliver(event)
            if self._current is not None or not self._machine.is_over:
                break
            left -= 1
            if left or not self._machine.held:
                events = self._next()
            else:
                self._loop.call_soon(self._go_on)
                break
        self._is_in_burst = False
        if self._current is not None or not left:
            self._bound_held()

    def _bound_held(self) -> None:
        """What is kept of the next requests has a limit; the rest waits on the peer's side."""
        if self._machine.held > self._settings.limits.pipelined:
            self.channel.pause_reading()

    def fail(self, error: ProtocolError) -> None:
        """The peer broke the protocol: answer, if no answer has begun, and close."""
        if self._current is not None:
            self._fail_body(payload_error(error))
            return
        if self._machine.writing is Writing.DUE and not self.channel.is_lost:
            kind = FOR_STATUS.get(error.status_hint, HTTPBadRequest)
            self._send_refusal(kind(text=f"{error.status_hint}: {error.message}"))
        self._close()

    def lose(self, error: Exception | None) -> None:
        self._patience.stop()
        self._write_patience.stop()
        tell(self._current)
        self._exchange.fail(RequestPayloadError("the connection closed before the body was whole"))
        if self._settings.handler_cancellation and self.task is not None:
            self.task.cancel()
        self._host.closed(self)

    def outlives_eof(self) -> bool:
        self._has_peer_ended = True
        tell(self._current)
        # A client may close its sending side and still want the answer (RFC 9112 section 9.6).
        is_answering = self._current is not None or self._machine.reading is Reading.WHOLE
        if not self._settings.handler_cancellation:
            return is_answering
        if self._current is not None:
            # Closed in order, what a handler still sends before it is cancelled could look whole.
            self.channel.abort()
        return False

    def unwritable(self) -> None:
        self._await_reader()

    def writable(self) -> None:
        if self._is_closing:
            return  # the rest has to leave in time, too
        self._write_patience.stop()
        if self._endpoint is None and self._current is None and self._machine.is_over:
            self._loop.call_soon(self._go_on)

    # The request loop

    def _begin(self, head: RequestHead) -> None:
        self._patience.stop()
        self._awaits_head = False
        body: bytes | StreamReader
        if head.body is not None:
            body = head.body
        else:
            body = self._open_stream(head)
        request = self._host.request_factory(head, body, self, self._exchange, None)
        if self._host.is_closing or (head.expects_continue and head.body is None):
            request.may_persist = False
        self._current = request
        task = start_task(self._handle(request), self._loop, self._context.copy())
        if self._current is request:
            self.task = task
            task.add_done_callback(self._finish_unbegun)
            if head.body is None and not head.expects_continue:
                self._await_body()

    def _open_stream(self, head: RequestHead) -> StreamReader:
        stream = StreamReader(
            self._exchange,
            decoder=decoder_of(head.headers, self.decoding),
            error_factory=payload_error,
            before_wait=self._continue if head.expects_continue else None,
        )
        self._exchange.open(stream)
        return stream

    def _continue(self) -> None:
        """The handler wants the body that the client holds back (RFC 9110 section 10.1.1)."""
        if self._current is not None and self._machine.writing is Writing.DUE and not self.channel.is_lost:
            self._exchange.informational(100, "Continue")
            self._current.may_persist = not self._host.is_closing
            self._await_body()

    def _await_body(self) -> None:
        self._progress = 0
        self._patience.start(self._settings.body_timeout)

    def _deliver(self, event: Event) -> None:
        self._exchange.deliver(event)
        if type(event) is not Data:
            self._patience.stop()
            return
        if self._current is None:
            if self._exchange.unread > self._settings.drain_size:
                self._close()
            return
        self._progress += len(event.chunk)
        if self._progress >= self._settings.progress_size:
            self._await_body()

    async def _handle(self, request: BaseRequest) -> None:
        log = self._access_log
        start = self._loop.time() if log is not None else 0.0
        response: StreamResponse | None = None
        try:
            try:
                if self._is_surplus:
                    request.may_persist = False
                    raise overloaded()
                response = await self._host.handler(request)
                if type(response) is not Response and not isinstance(response, StreamResponse):
                    raise TypeError(f"a handler should return a response, got {type(response).__name__}")
            except HTTPException as error:
                response = error
            except RequestPayloadError as error:
                response = FOR_STATUS.get(error.status_hint, HTTPBadRequest)(
                    text=f"{error.status_hint}: {error}"
                )
            if not response.send_nowait(request):
                await response._complete(request)
                if self._machine.writing is Writing.DUE:
                    raise RuntimeError(
                        f"a handler should return a new response, got one sent before: {response!r}"
                    )
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is logged and answered
            endpoint = self._endpoint
            is_gone = self.channel.is_lost or self._has_peer_ended or (endpoint and not endpoint.may_send)
            if is_gone and isinstance(error, (ConnectionResetError, RequestPayloadError)):
                server_logger.debug("the client went away during %r", request)
            else:
                server_logger.exception("Error handling %r", request)
                response = self._answer_failure(request)
        finally:
            self._finish(request)
        if log is not None and response is not None and log.enabled:
            log.log(request, response, self._loop.time() - start)
        # What was raised holds this frame by its traceback: with it here, nothing of the request would go.
        response = None

    def _answer_failure(self, request: BaseRequest) -> StreamResponse | None:
        """500 without a word about why; nothing, if the head of another answer has left already."""
        if self._machine.writing is not Writing.DUE or self.channel.is_lost:
            return None
        request.may_persist = False
        response = HTTPInternalServerError(text="500: Internal Server Error")
        self._send_refusal(response)
        return response

    def _send_refusal(self, response: HTTPException) -> None:
        self._exchange.head(
            response.status,
            response.reason,
            response.fields(),
            None,
            body=response.body or b"",
            is_persistent=False,
        )

    def _finish_unbegun(self, task: "asyncio.Task[None]") -> None:
        """A task that was cancelled before its first turn, as it can be before 3.12, ran no `finally`."""
        if self.task is task and self._current is not None:
            self._finish(self._current)

    def _finish(self, request: BaseRequest) -> None:
        """The handler is done with the exchange, whatever happened."""
        self._current = self.task = None
        request._is_over = True
        self._patience.stop()
        machine, channel = self._machine, self.channel
        if channel.is_lost:
            return
        if self._endpoint is not None:
            code = WSCloseCode.GOING_AWAY if self._host.is_closing else WSCloseCode.INTERNAL_ERROR
            self._endpoint.end(code)  # unless the handler has
            return
        if machine.writing is not Writing.DONE:
            # A message whose end was not written must not look whole.
            self._exchange.reset("the handler did not finish its response")
            return
        if machine.reading is Reading.BODY:
            self._exchange.fail(PayloadAccessError("the request is over"))
            self._exchange.discard()
            if machine.is_reusable:
                self._patience.start(self._settings.body_timeout)
            else:
                self._close()
        elif not self._is_in_burst:
            if machine.held:
                self._loop.call_soon(self._go_on)
            else:
                self._next()

    def _go_on(self) -> None:
        """Take up the loop again, from the event loop."""
        if self._current is None and self._machine.is_over:
            self.channel.resume_reading()
            events = self._next()
            if events:
                self.receive(events)

    def _next(self) -> Sequence[Event]:
        """The exchange is over: the events of the next one, if it can follow and has come."""
        machine, channel = self._machine, self.channel
        if channel.is_write_paused or channel.is_lost or self._is_closing:
            return ()
        if self._host.is_closing:
            self._close()
            return ()
        is_broken = machine.reading is Reading.CLOSED
        try:
            events = machine.resume()
        except ProtocolError as error:
            self.fail(error)
            return ()
        if not events:
            if machine.reading is Reading.CLOSED:
                # Who broke the grammar in its body goes on sending: a reset would take our answer from it.
                self._close(lingers=is_broken or machine.held > 0)
            else:
                self._awaits_head = machine.held > 0
                settings = self._settings
                self._patience.start(
                    settings.head_timeout if self._awaits_head else settings.keepalive_timeout
                )
        return events

    # Waiting and closing

    def _wait_for_rest(self) -> None:
        """Bytes came that completed nothing: part of a head or of the next requests, or the end."""
        machine = self._machine
        if machine.reading is Reading.CLOSED:
            if self._current is None:
                self._close()
        elif machine.reading is Reading.WHOLE:
            self._bound_held()
        elif machine.reading is Reading.HEAD and not self._awaits_head:
            # The head deadline starts with the first byte, and no later byte puts it off.
            self._awaits_head = True
            self._patience.start(self._settings.head_timeout)

    def _run_out(self) -> None:
        """The peer did not send in time what it had begun, or nothing at all."""
        if self._current is None:
            self._close()
        elif self.channel.is_reading_paused:
            self._await_body()  # it is the handler that is slow
        else:
            self._fail_body(RequestPayloadError("the body did not arrive in time", 408))

    def _await_reader(self) -> None:
        self._unwritten = self.channel.unsent
        self._write_patience.start(self._settings.write_timeout)

    def _run_out_of_patience(self) -> None:
        """The peer did not take all of what we wrote in time: it may go on if it has taken enough."""
        before = self._unwritten
        self._await_reader()
        if before - self._unwritten < self._settings.progress_size:
            self._write_patience.stop()
            self.channel.abort()

    def _fail_body(self, error: RequestPayloadError) -> None:
        self._patience.stop()
        self._exchange.fail(error)
        if self._current is not None:
            self._current.may_persist = False

    def _close(self, *, lingers: bool | None = None) -> None:
        """Close; linger if the peer may still be sending."""
        if self._is_closing:
            return
        self._is_closing = True
        self._patience.stop()
        self._await_reader()
        if lingers is None:
            lingers = self._machine.reading not in (Reading.HEAD, Reading.WHOLE) or self._machine.held > 0
        if lingers:
            self.channel.linger()
        else:
            self.channel.close()

    def shut_down(self) -> None:
        """Close as soon as no request is being handled."""
        if self._endpoint is not None:
            self._endpoint.go_away()
        elif self._current is not None:
            self._current.may_persist = False
            self._current._shut_down()
        elif self._machine.reading is Reading.HEAD:
            self._close()
