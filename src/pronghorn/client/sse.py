"""`EventSource`: the events that a server sends, over as many connections as that takes (WHATWG HTML 9.2).

    connect -> read until the stream ends or breaks -> wait -> connect ...

How long to wait is decided by `_delay`, a function of how often that was already in vain, of what the
server asked for, and of chance. Everything that waits does so inside of one scope, which `aclose` ends.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import replace
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeVar, Unpack, final

from multidict import istr
from yarl import URL

from ..body.data import make_payload
from ..body.payload import Payload
from ..io.stream import StreamReader
from ..log import client_logger
from ..wire.errors import ProtocolError
from ..wire.fields import format_field_line
from ..wire.sse import DEFAULT_LIMITS, EventStreamLimits, EventStreamParser, ServerSentEvent, check_line
from .connection import payload_error
from .errors import (
    ClientConnectionError,
    ClientPayloadError,
    ClientResponseError,
    ContentTypeError,
)
from .options import RequestOptions
from .response import ClientResponse
from .sent_fields import as_fields
from .target import as_url
from .temporary import FUTILE, TEMPORARY, asked_delay, without_secrets
from .timeouts import ClientTimeout

_UNSET: Final[Any] = object()
_EVENT_STREAM: Final = "text/event-stream"
_ACCEPT: Final = istr("Accept")
_CACHE_CONTROL: Final = istr("Cache-Control")
_LAST_EVENT_ID: Final = istr("Last-Event-ID")

#: One read. What it completes is told before the next, so that no more than this is held unparsed.
_READ: Final = 64 * 1024
#: Milliseconds; the standard leaves it to implementations, and names "a few seconds".
_DEFAULT_RETRY: Final = 3000
#: The least that waiting in vain is doubled from, in seconds: a server may ask for 0, and then be gone.
_LEAST_BACKOFF: Final = 1.0
#: The most that a server may ask for, in seconds: an hour is a maintenance window, a week is a mistake.
_LONGEST: Final = 3600.0
#: Doublings after which every limit is passed.
_DOUBLINGS: Final = 32
#: RFC 9110 section 9.2.1: what they ask for may be asked again. Of the others nobody has said so.
_SAFE_METHODS: Final = frozenset({"GET", "QUERY"})

T = TypeVar("T")


class Requester(Protocol):
    """What an event source needs of a session."""

    @property
    def closed(self) -> bool: ...
    @property
    def timeout(self) -> ClientTimeout: ...
    def request(
        self, method: str, url: str | URL, /, **options: Unpack[RequestOptions]
    ) -> Coroutine[Any, Any, ClientResponse]: ...


class Clock(Protocol):
    """What an event source needs of time."""

    def monotonic(self) -> float: ...
    def time(self) -> float: ...
    async def sleep(self, seconds: float, /) -> None: ...


@final
class _SystemClock:
    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)
    sleep = staticmethod(asyncio.sleep)


_SYSTEM_CLOCK: Final = _SystemClock()


class EventSourceOptions(RequestOptions, total=False):
    """The keywords of an event source: see `EventSource`."""

    last_event_id: str
    retry: int
    max_retries: int | None
    max_delay: float
    sock_read: float | None
    limits: EventStreamLimits
    clock: Clock
    jitter: Callable[[], float]


@final
class EventSource:
    """The events of ``url``: an async iterator, to be entered with ``async with``, which connects.

    When the stream ends or breaks, it is asked for again, from the last event on (Last-Event-ID), after
    ``retry`` milliseconds or what the server has said instead; ``last_event_id`` is where to begin. While
    that is in vain, the time is doubled up to ``max_delay`` seconds, and drawn by chance between the two,
    so that not all clients come at once. That also holds for 429, 502, 503 and 504, whose Retry-After is
    kept to. No server makes it wait for more than an hour.

    It is asked for ``max_retries`` times without an event between; then the iteration ends as the last
    one did, by its error if it had one. None, the default, is for ever. Methods that are not safe
    (RFC 9110 section 9.2.1) have 0 by default: nobody asked for a second POST. A body that can't be sent
    twice is not. 204 (No Content) ends the iteration: the server wants no more requests.

    The session's timeouts hold, but for ``total``, since a stream has no end, and for ``sock_read``: where
    it is set here, a stream that is silent for so many seconds is broken. Comments are not events, and
    end a silence. ``timeout`` replaces all of them; when its ``total`` runs out, TimeoutError is raised.
    The other options are those of a request; ``clock`` and ``jitter``, from 0 to 1, are there for tests.

    Raises ClientResponseError for another status than 200, ContentTypeError for another type than
    text/event-stream, ClientPayloadError for events beyond ``limits``, and what a request raises that it
    is no use to repeat: a certificate that is not valid, an address that the policy forbids. Each ends
    the iteration. It is read by one coroutine at a time; a read that is cancelled loses no event.
    """

    __slots__ = (
        "_clock",
        "_content",
        "_events",
        "_fields",
        "_has_ended",
        "_jitter",
        "_limits",
        "_max_delay",
        "_max_retries",
        "_method",
        "_next_try",
        "_options",
        "_parser",
        "_payload",
        "_response",
        "_retries",
        "_retry",
        "_scope",
        "_session",
        "_shown",
        "_url",
    )

    def __init__(
        self,
        session: Requester,
        method: str,
        url: str | URL,
        *,
        last_event_id: str = "",
        retry: int = _DEFAULT_RETRY,
        max_retries: int | None = _UNSET,
        max_delay: float = 60.0,
        sock_read: float | None = None,
        limits: EventStreamLimits = DEFAULT_LIMITS,
        clock: Clock = _SYSTEM_CLOCK,
        jitter: Callable[[], float] = random.random,
        **options: Unpack[RequestOptions],
    ) -> None:
        if not isinstance(method, str):
            raise TypeError(f"method: expected a str, got {method!r}")
        if max_retries is _UNSET:
            max_retries = None if method.upper() in _SAFE_METHODS else 0
        _check_number("retry", retry, int)
        if max_retries is not None:
            _check_number("max_retries", max_retries, int)
        _check_number("max_delay", max_delay, (int, float))
        check_line("last_event_id", last_event_id)
        if "timeout" not in options:
            options["timeout"] = replace(session.timeout, total=None, sock_read=sock_read)
        elif sock_read is not None:
            raise ValueError("timeout and sock_read: expected one of them, got both")
        self._fields = as_fields(options.get("headers") or ())
        self._fields.setdefault(_ACCEPT, _EVENT_STREAM)
        self._fields.setdefault(_CACHE_CONTROL, "no-store")
        #: The body, made once: it may not be there a second time.
        self._payload: Payload | None = None
        if options.get("data") is not None:
            options["data"] = self._payload = make_payload(options["data"])
        self._session = session
        self._method = method
        self._url = url
        self._shown = without_secrets(as_url(url))
        self._options = options
        self._retry = retry
        self._max_retries = max_retries
        self._max_delay = max_delay
        self._limits = limits
        self._clock = clock
        self._jitter = jitter
        self._parser = EventStreamParser(limits, last_event_id=last_event_id)
        #: What was read, as far as its events were not told yet.
        self._events: Iterator[ServerSentEvent] = iter(())
        self._response: ClientResponse | None = None
        #: The stream that is being read; None while there is none.
        self._content: StreamReader | None = None
        self._has_ended = False
        #: How often the stream was asked for since the last event, not counting the first time.
        self._retries = 0
        #: When it may be asked for again, on the monotonic clock.
        self._next_try = float("-inf")
        #: What someone waits in.
        self._scope: asyncio.Timeout | None = None

    def __repr__(self) -> str:
        state = "closed" if self._has_ended else "connecting" if self._content is None else "open"
        return f"<EventSource {self._method} {self._shown} {state}>"

    @property
    def last_event_id(self) -> str:
        """The id that the server sent last, up to the last event that was read; "" if there is none."""
        return self._parser.last_event_id

    @property
    def retry(self) -> int:
        """How long to wait before the stream is asked for again, in milliseconds."""
        said = self._parser.retry
        return self._retry if said is None else said

    @property
    def response(self) -> ClientResponse | None:
        """The response that is read, or was last; None before there is one."""
        return self._response

    async def __aenter__(self) -> Self:
        """Connect, unless there is a connection."""
        await self._within(self._connect)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Give the connection up and end the iteration, also where another task waits in it."""
        if self._has_ended:
            return
        self._end()
        if self._scope is not None:
            self._scope.reschedule(asyncio.get_running_loop().time())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ServerSentEvent:
        if self._scope is not None:
            raise _being_read()
        event = self._next_event()
        if event is None:
            event = await self._within(self._receive)
        if event is None:
            raise StopAsyncIteration
        self._retries = 0
        return event

    # Steps

    async def _within(self, step: Callable[[], Awaitable[T]]) -> T | None:
        """What ``step`` gives; None if the source is closed meanwhile. An error of it ends the iteration."""
        if self._scope is not None:
            raise _being_read()
        self._scope = scope = asyncio.timeout(None)
        try:
            async with scope:
                return await step()
        except Exception as error:
            if isinstance(error, TimeoutError) and scope.expired():
                return None
            self._end()
            raise
        finally:
            self._scope = None

    async def _receive(self) -> ServerSentEvent | None:
        """The next event, over another connection if need be; None if none will come."""
        event = None
        while event is None and not self._has_ended:
            if self._content is None:
                await self._connect()
            elif (data := await self._read(self._content)) and not self._has_ended:
                self._events = self._parser.feed(data)
                event = self._next_event()
        return event

    def _next_event(self) -> ServerSentEvent | None:
        """The next event of what was read, if that completes one."""
        try:
            return next(self._events, None)
        except ProtocolError as error:
            self._end()  # asked for again, the same would come again
            raise payload_error(error) from error

    async def _read(self, content: StreamReader) -> bytes:
        """What comes next; b"" if the stream is over."""
        failure = None
        try:
            if data := await content.read(_READ):
                return data
        except (ClientConnectionError, ClientPayloadError) as error:
            failure = error
        self._plan(failure)
        return b""

    async def _connect(self) -> None:
        """Ask for the stream until it is there, or there is no use in that."""
        while self._content is None and not self._has_ended:
            wait = self._next_try - self._clock.monotonic()
            if wait > 0:
                await self._clock.sleep(wait)
            try:
                await self._try()
            except ClientResponseError as error:
                if error.status not in TEMPORARY:
                    raise
                self._plan(error, asked_delay(error.headers or {}, self._clock.time()))
            except FUTILE:
                raise
            except ClientConnectionError as error:
                self._plan(error)

    async def _try(self) -> None:
        """Ask for the stream once."""
        fields = self._fields.copy()
        if (last := self.last_event_id) and _is_field_value(last):
            fields[_LAST_EVENT_ID] = last
        options: RequestOptions = {**self._options, "headers": fields}
        self._response = response = await self._session.request(self._method, self._url, **options)
        if self._has_ended or not _is_stream(response):
            self._end()
            return
        self._parser = EventStreamParser(self._limits, last_event_id=last, retry=self.retry)
        self._content = response.content

    def _plan(self, failure: Exception | None, asked: float = 0.0) -> None:
        """The stream is over, or was not to be had: say when to ask for it again, or end as it did."""
        if self._has_ended:
            return  # closed meanwhile: that is why
        self._disconnect()
        if (
            self._retries == self._max_retries
            or self._session.closed
            or (self._payload is not None and not self._payload.rewind())
        ):
            self._end()
            if failure is not None:
                raise failure
            return
        self._retries += 1
        seconds = _delay(self._retries, self.retry / 1000, self._max_delay, asked, self._jitter())
        self._next_try = self._clock.monotonic() + seconds
        if failure is None:
            client_logger.debug("%r: the stream ended; asked for again in %.1f s", self, seconds)
        else:
            client_logger.warning("%r: %s; asked for again in %.1f s", self, _reason(failure), seconds)

    # Ends

    def _disconnect(self) -> None:
        self._content = None
        if self._response is not None:
            self._response.close()

    def _end(self) -> None:
        """No event will be told any more."""
        self._has_ended = True
        self._events = iter(())
        self._disconnect()


def _is_stream(response: ClientResponse) -> bool:
    """Whether there are events in it; False if there are to be none."""
    if response.status == 204:
        return False
    if response.status >= 400:
        response.raise_for_status()
    if response.status != 200:
        raise ClientResponseError(
            response.request_info,
            response.history,
            status=response.status,
            message=response.reason or "",
            headers=response.headers,
        )
    if response.content_type != _EVENT_STREAM:
        raise ContentTypeError(
            response.request_info,
            response.history,
            status=response.status,
            message=f"expected {_EVENT_STREAM}, got {response.content_type}",
            headers=response.headers,
        )
    return True


def _delay(retries: int, base: float, max_delay: float, asked: float, chance: float) -> float:
    """Seconds before the try of that number since the last event: ``base``, at first.

    Later ones by chance between that and its doubles. Never less than the server ``asked`` for,
    but for its most.
    """
    if retries > 1:
        doubled = max(base, _LEAST_BACKOFF) * 2.0 ** min(retries - 1, _DOUBLINGS)
        base += chance * max(0.0, min(doubled, max_delay) - base)
    return min(max(base, asked), _LONGEST)


def _is_field_value(event_id: str) -> bool:
    """Whether it can be sent: a server may say what no server would be sent, a control character."""
    try:
        format_field_line(_LAST_EVENT_ID, event_id)
    except ValueError:
        return False
    return True


def _reason(failure: Exception) -> str:
    # The text of a ClientResponseError has the whole URL.
    if isinstance(failure, ClientResponseError):
        return f"status {failure.status}"
    return str(failure) or type(failure).__name__


def _check_number(name: str, value: float, kinds: type | tuple[type, ...]) -> None:
    if not isinstance(value, kinds) or isinstance(value, bool):
        raise TypeError(f"{name}: expected a number, got {value!r}")
    if not value >= 0:  # nor is NaN
        raise ValueError(f"{name}: expected 0 or more, got {value!r}")


def _being_read() -> RuntimeError:
    return RuntimeError("the event source is being read by another coroutine")
