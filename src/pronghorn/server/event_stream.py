"""`EventStreamResponse`: server-sent events (WHATWG HTML section 9.2) to one client."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from ..wire.sse import format_comment, format_event
from .content_coding import FOR_LASTING
from .request_connection import RequestConnection
from .response_head import Headers
from .stream_response import Answerable, StreamResponse


class EventStreamResponse(StreamResponse):
    """A stream of events, each of which the client has as soon as it is sent::

        stream = web.EventStreamResponse(heartbeat=15)
        await stream.prepare(request)
        async with stream:
            async for data in source:
                await stream.send(data)
        return stream

    The block is left, without an error, when the client has gone and when the server shuts down, at
    whatever it waits for; then, and at its end, the stream is ended. Outside of such a block `send`
    raises ConnectionResetError when the client has gone, and `is_open` tells of both.

    ``heartbeat`` is the seconds of silence after which a comment is sent, so that nobody on the way
    takes the stream for dead; None sends none. Fields that are not given: Cache-Control is no-store, and
    X-Accel-Buffering no, which asks proxies not to hold events back.
    """

    _preferred_codings = FOR_LASTING
    _is_synced = True
    _last_event_id: str | None = None
    #: The server shuts down, or there is nobody who reads.
    _is_leaving: bool = False
    #: What was raised since the client has gone.
    _loss: ConnectionResetError | None = None
    _answered: Answerable | None = None
    _timer: asyncio.TimerHandle | None = None
    _sent_at: float = 0.0
    #: The task that is inside of ``async with``, how often it was cancelled before, and whether it was by us.
    _scope: "asyncio.Task[Any] | None" = None
    _cancelling: int = 0
    _has_cancelled: bool = False

    def __init__(
        self,
        *,
        status: int = 200,
        reason: str | None = None,
        headers: Headers | None = None,
        heartbeat: float | None = None,
    ) -> None:
        super().__init__(status=status, reason=reason, headers=headers)
        if heartbeat is not None and not heartbeat > 0:
            raise ValueError(f"heartbeat: expected more than 0 seconds, got {heartbeat!r}")
        self._heartbeat = heartbeat
        self._set_content_type("text/event-stream")
        self.headers.setdefault("Cache-Control", "no-store")
        self.headers.setdefault("X-Accel-Buffering", "no")

    # Facts

    @property
    def last_event_id(self) -> str:
        """The id of the last event that the client has seen, "" for none; RuntimeError before `prepare`."""
        if self._last_event_id is None:
            raise RuntimeError("last_event_id: called before prepare")
        return self._last_event_id

    @property
    def is_open(self) -> bool:
        """Somebody reads: it is prepared, and neither it nor the server nor the client has come to an end."""
        return self._exchange is not None and not self._is_leaving

    # Sending

    def _begin(self, request: Answerable) -> None:
        super()._begin(request)
        self._answered = request
        self._last_event_id = request.headers.get("Last-Event-ID", "")
        if request.method == "HEAD":
            self._is_leaving = True
            return
        request.disconnected.add_done_callback(self._note_disconnection)
        if isinstance(request, RequestConnection):
            request._tell_of_shutdown(self.go_away)
        if self._heartbeat is not None:
            loop = asyncio.get_running_loop()
            self._sent_at = loop.time()
            self._timer = loop.call_later(self._heartbeat, self._beat)
            if (task := request.task) is not None:
                # Also of a handler that fails, or is cancelled, before the stream is ended.
                task.add_done_callback(lambda _: self._stop_beating())

    async def send(
        self,
        data: str | None = None,
        *,
        event: str | None = None,
        id: str | None = None,
        retry: int | None = None,
    ) -> None:
        """Send one event, waiting while the client does not read.

        ``data`` may have several lines; without it there is no event, and ``id`` and ``retry`` count all
        the same. ``event`` is its type, "message" by default. ``id`` is what the client names when it
        comes again; "" takes back those sent before. ``retry`` is how many milliseconds it waits before
        that. ValueError for CR, LF or NUL in ``event`` or ``id`` and for a negative ``retry``,
        ConnectionResetError when the client has gone.
        """
        await self.write(format_event(data, "message" if event is None else event, id, retry))

    async def comment(self, text: str = "") -> None:
        """Send a comment, which no client reports, waiting while it does not read."""
        await self.write(format_comment(text))

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send events that are serialised already."""
        try:
            await super().write(data)
        except ConnectionResetError as error:
            self._is_leaving = True
            self._loss = error
            raise
        if self._heartbeat is not None:
            self._sent_at = asyncio.get_running_loop().time()

    def send_nowait(self, request: Answerable) -> bool:
        exchange, coder = self._exchange, self._coder
        if exchange is not None and (coder is None or not coder.is_busy):
            if coder is not None:
                exchange.data(coder.finish_now(b""))
            exchange.end(() if self._trailers is None else self._trailers.items())
            self._end()
        return self._has_ended and self._answered is request

    # Ending

    def go_away(self) -> None:
        """The server is about to shut down: leave the block, and be not `is_open` any more.

        What is sent meanwhile still arrives.
        """
        self._is_leaving = True
        if self._scope is not None and not self._has_cancelled:
            self._has_cancelled = True
            self._scope.cancel()

    def _note_disconnection(self, disconnection: "asyncio.Future[None]") -> None:
        if not disconnection.cancelled():  # as it is when the request is over first
            self.go_away()

    async def __aenter__(self) -> Self:
        """Have the block be left when nobody reads any more; RuntimeError before `prepare`."""
        task = asyncio.current_task()
        if not self.prepared or task is None:
            raise RuntimeError("async with: expected a stream that is prepared")
        if self._scope is not None:
            raise RuntimeError("async with: the stream is in use")
        self._scope, self._cancelling, self._has_cancelled = task, task.cancelling(), False
        if not self.is_open:
            self.go_away()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        """End the stream, unless the block failed."""
        task, self._scope = self._scope, None
        is_over = error is None or error is self._loss
        if task is not None and self._has_cancelled:
            if kind is not asyncio.CancelledError:
                # The block came to its end first: take what is still on its way to it.
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(0)
            is_ours = task.uncancel() <= self._cancelling
            if kind is asyncio.CancelledError:
                is_over = is_ours
            elif not is_ours:
                raise asyncio.CancelledError
        if not is_over:
            return False
        try:
            await self.write_eof()
        except ConnectionResetError:
            self._end()  # for nobody
        return True

    def _end(self) -> None:
        super()._end()
        self._stop_beating()
        if isinstance(self._answered, RequestConnection):
            self._answered._tell_of_shutdown(None)

    # The heartbeat

    def _beat(self) -> None:
        self._timer = None
        exchange, heartbeat = self._exchange, self._heartbeat
        if exchange is None or heartbeat is None:
            return
        loop = asyncio.get_running_loop()
        wait = self._sent_at + heartbeat - loop.time()
        if wait <= 0:
            wait = heartbeat
            coder = self._coder
            # A client that has yet to read what it was sent hears enough.
            if exchange.sendable and not (coder is not None and coder.is_busy):
                comment = format_comment()
                try:
                    exchange.data(comment if coder is None else coder.take_now(comment, is_synced=True))
                except ConnectionResetError:
                    self.go_away()
                    return
                self._sent_at = loop.time()
        self._timer = loop.call_later(wait, self._beat)

    def _stop_beating(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
