"""Tracing: who listens is told what happens to a request, when it happens.

A `TraceConfig` has a signal for each event. A request of a session with configs gets a
`Trace` for each of them: the session, the config, and a context of its own, which carries
what the hooks of one request tell each other. The events come in this order:

    request_start
        connection_queued_start, connection_queued_end      if it waits for its turn
        connection_reuseconn                                or, for a new connection:
            connection_create_start
            dns_cache_hit, or dns_cache_miss and dns_resolvehost_start, dns_resolvehost_end
            connection_create_end
        request_headers_sent, request_chunk_sent...
        request_redirect                                    and again, from the connection on
    request_end, or request_exception
    response_chunk_received...                              as the body is read

Hooks are awaited where the event happens, in the order of the configs, and the request goes on
after the last one; the timeouts of what they interrupt go on, too. What a hook raises ends the
request and is raised to its caller, as if it had happened there: nothing stays open, and nobody
waits for what will not come.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final, Generic, Never, NoReturn, ParamSpec, Self, TypeVar, final, overload

from multidict import CIMultiDict
from yarl import URL

from ..signals import Signal
from .response import ClientResponse

P = ParamSpec("P")
ParamsT = TypeVar("ParamsT")


@dataclass(frozen=True, slots=True)
class TraceRequestStartParams:
    """A request begins. What is put into ``headers`` now is sent."""

    method: str
    url: URL
    headers: CIMultiDict[str]


@dataclass(frozen=True, slots=True)
class TraceRequestChunkSentParams:
    """A piece of the request body has been written."""

    method: str
    url: URL
    chunk: bytes


@dataclass(frozen=True, slots=True)
class TraceResponseChunkReceivedParams:
    """A piece of the response body has been read."""

    method: str
    url: URL
    chunk: bytes


@dataclass(frozen=True, slots=True)
class TraceRequestEndParams:
    """The head of the final response has come; ``headers`` are those of the request."""

    method: str
    url: URL
    headers: CIMultiDict[str]
    response: ClientResponse


@dataclass(frozen=True, slots=True)
class TraceRequestExceptionParams:
    """A request has failed, or was cancelled."""

    method: str
    url: URL
    headers: CIMultiDict[str]
    exception: BaseException


@dataclass(frozen=True, slots=True)
class TraceRequestRedirectParams:
    """A response leads elsewhere."""

    method: str
    url: URL
    headers: CIMultiDict[str]
    response: ClientResponse


@dataclass(frozen=True, slots=True)
class TraceRequestHeadersSentParams:
    """The head of a request has been written, with ``headers``."""

    method: str
    url: URL
    headers: CIMultiDict[str]


@dataclass(frozen=True, slots=True)
class TraceConnectionQueuedStartParams:
    """All connections that there may be are in use."""


@dataclass(frozen=True, slots=True)
class TraceConnectionQueuedEndParams:
    """The turn of the request has come."""


@dataclass(frozen=True, slots=True)
class TraceConnectionCreateStartParams:
    """A connection is about to be made."""


@dataclass(frozen=True, slots=True)
class TraceConnectionCreateEndParams:
    """A connection has been made."""


@dataclass(frozen=True, slots=True)
class TraceConnectionReuseconnParams:
    """An idle connection is about to be used."""


@dataclass(frozen=True, slots=True)
class TraceDnsResolveHostStartParams:
    """The resolver is asked for ``host``."""

    host: str


@dataclass(frozen=True, slots=True)
class TraceDnsResolveHostEndParams:
    """The resolver has found ``host``."""

    host: str


@dataclass(frozen=True, slots=True)
class TraceDnsCacheHitParams:
    """The addresses of ``host`` are known, or being asked for already."""

    host: str


@dataclass(frozen=True, slots=True)
class TraceDnsCacheMissParams:
    """The addresses of ``host`` are not known."""

    host: str


@final
class Event(Generic[P, ParamsT]):
    """A kind of event: on a `TraceConfig` its signal, on the class itself this."""

    __slots__ = ("name", "params")

    #: The name of the attribute.
    name: str

    def __init__(self, params: Callable[P, ParamsT]) -> None:
        #: Makes what the hooks are given.
        self.params = params

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, config: None, owner: type) -> Self: ...

    @overload
    def __get__(self, config: "TraceConfig", owner: type) -> Signal[Any, Any, ParamsT]: ...

    def __get__(self, config: "TraceConfig | None", owner: type) -> Self | Signal[Any, Any, ParamsT]:
        return self if config is None else config._signals[self.name]

    def __set__(self, config: "TraceConfig", value: Never) -> NoReturn:
        raise AttributeError(f"{self.name}: expected {self.name}.append(hook), a signal can't be replaced")


class TraceConfig:
    """Hooks for the events of requests: coroutine functions ``(session, trace_config_ctx, params)``.

    Each ``on_`` attribute is a `Signal`, to be filled until a session takes the config, which
    freezes it. ``trace_config_ctx_factory`` makes the context of each request, and is given the
    ``trace_request_ctx`` of the request under that name.
    """

    on_request_start = Event(TraceRequestStartParams)
    on_request_chunk_sent = Event(TraceRequestChunkSentParams)
    #: `ClientResponse.read` is one, of the whole body; who reads ``content`` makes one with each read.
    on_response_chunk_received = Event(TraceResponseChunkReceivedParams)
    on_request_end = Event(TraceRequestEndParams)
    on_request_exception = Event(TraceRequestExceptionParams)
    on_request_redirect = Event(TraceRequestRedirectParams)
    on_request_headers_sent = Event(TraceRequestHeadersSentParams)
    on_connection_queued_start = Event(TraceConnectionQueuedStartParams)
    on_connection_queued_end = Event(TraceConnectionQueuedEndParams)
    on_connection_create_start = Event(TraceConnectionCreateStartParams)
    on_connection_create_end = Event(TraceConnectionCreateEndParams)
    on_connection_reuseconn = Event(TraceConnectionReuseconnParams)
    on_dns_resolvehost_start = Event(TraceDnsResolveHostStartParams)
    on_dns_resolvehost_end = Event(TraceDnsResolveHostEndParams)
    on_dns_cache_hit = Event(TraceDnsCacheHitParams)
    on_dns_cache_miss = Event(TraceDnsCacheMissParams)

    def __init__(self, trace_config_ctx_factory: Callable[..., Any] = SimpleNamespace) -> None:
        #: By the names of the events.
        self._signals: Final[dict[str, Signal[Any, Any, Any]]] = {event: Signal(self) for event in _EVENTS}
        self._trace_config_ctx_factory = trace_config_ctx_factory

    def trace_config_ctx(self, trace_request_ctx: Any = None) -> Any:
        """Make the context of a request; ``trace_request_ctx`` is what its caller gave it."""
        return self._trace_config_ctx_factory(trace_request_ctx=trace_request_ctx)

    def freeze(self) -> None:
        """Refuse further hooks."""
        for signal in self._signals.values():
            signal.freeze()


_EVENTS: Final = [name for name, event in vars(TraceConfig).items() if isinstance(event, Event)]


class _Sending(ABC):
    """Sends the events of a request: each method awaits the hooks of one."""

    __slots__ = ()

    @abstractmethod
    def _each(self) -> "Iterable[Trace]": ...

    async def _send(self, event: Event[P, Any], *args: P.args, **kwargs: P.kwargs) -> None:
        params = None
        for trace in self._each():
            signal = trace.config._signals[event.name]
            if signal:
                if params is None:
                    params = event.params(*args, **kwargs)
                await signal.send(trace.session, trace.context, params)

    async def send_request_start(self, method: str, url: URL, headers: CIMultiDict[str]) -> None:
        await self._send(TraceConfig.on_request_start, method, url, headers)

    async def send_request_chunk_sent(self, method: str, url: URL, chunk: bytes) -> None:
        await self._send(TraceConfig.on_request_chunk_sent, method, url, chunk)

    async def send_response_chunk_received(self, method: str, url: URL, chunk: bytes) -> None:
        await self._send(TraceConfig.on_response_chunk_received, method, url, chunk)

    async def send_request_end(
        self, method: str, url: URL, headers: CIMultiDict[str], response: ClientResponse
    ) -> None:
        await self._send(TraceConfig.on_request_end, method, url, headers, response)

    async def send_request_exception(
        self, method: str, url: URL, headers: CIMultiDict[str], exception: BaseException
    ) -> None:
        await self._send(TraceConfig.on_request_exception, method, url, headers, exception)

    async def send_request_redirect(
        self, method: str, url: URL, headers: CIMultiDict[str], response: ClientResponse
    ) -> None:
        await self._send(TraceConfig.on_request_redirect, method, url, headers, response)

    async def send_request_headers(self, method: str, url: URL, headers: CIMultiDict[str]) -> None:
        await self._send(TraceConfig.on_request_headers_sent, method, url, headers)

    async def send_connection_queued_start(self) -> None:
        await self._send(TraceConfig.on_connection_queued_start)

    async def send_connection_queued_end(self) -> None:
        await self._send(TraceConfig.on_connection_queued_end)

    async def send_connection_create_start(self) -> None:
        await self._send(TraceConfig.on_connection_create_start)

    async def send_connection_create_end(self) -> None:
        await self._send(TraceConfig.on_connection_create_end)

    async def send_connection_reuseconn(self) -> None:
        await self._send(TraceConfig.on_connection_reuseconn)

    async def send_dns_resolvehost_start(self, host: str) -> None:
        await self._send(TraceConfig.on_dns_resolvehost_start, host)

    async def send_dns_resolvehost_end(self, host: str) -> None:
        await self._send(TraceConfig.on_dns_resolvehost_end, host)

    async def send_dns_cache_hit(self, host: str) -> None:
        await self._send(TraceConfig.on_dns_cache_hit, host)

    async def send_dns_cache_miss(self, host: str) -> None:
        await self._send(TraceConfig.on_dns_cache_miss, host)


class Trace(_Sending):
    """One request under one config."""

    __slots__ = ("config", "context", "session")

    def __init__(self, session: Any, trace_config: TraceConfig, trace_config_ctx: Any) -> None:
        self.session = session
        self.config = trace_config
        self.context = trace_config_ctx

    def _each(self) -> "Iterable[Trace]":
        return (self,)


@final
class Traces(_Sending):
    """A request of a session with configs: its traces, and what they are told when it begins and ends."""

    __slots__ = ("each", "headers", "method", "url")

    def __init__(
        self,
        session: Any,
        configs: Iterable[TraceConfig],
        trace_request_ctx: Any,
        method: str,
        url: URL,
        headers: CIMultiDict[str],
    ) -> None:
        #: One for each config, as connectors are given them.
        self.each = tuple(
            Trace(session, config, config.trace_config_ctx(trace_request_ctx=trace_request_ctx))
            for config in configs
        )
        #: Of the request that is under way: a redirect changes them.
        self.method = method
        self.url = url
        #: Those that the caller and the session gave. Hooks for the start may change them.
        self.headers = headers

    @classmethod
    def of(cls, traces: "Iterable[Trace]") -> "Traces | None":
        """Those of a request that is not ours; None if there are none."""
        group = cls.__new__(cls)
        group.each = tuple(traces)
        return group if group.each else None

    def _each(self) -> Iterable[Trace]:
        return self.each

    def are_heard(self, event: Event[..., Any]) -> bool:
        """Somebody listens to ``event``."""
        return any(trace.config._signals[event.name] for trace in self.each)

    async def start(self) -> None:
        """The request begins; if a hook fails, it has not."""
        await self.send_request_start(self.method, self.url, self.headers)

    async def end(self, response: ClientResponse) -> None:
        """The request has its response; if a hook fails, nobody gets it."""
        try:
            await self.send_request_end(self.method, self.url, self.headers, response)
        except BaseException:
            response.close()
            raise

    async def redirect(
        self, method: str, url: URL, headers: CIMultiDict[str], response: ClientResponse
    ) -> None:
        """``response`` leads on, to a request of that method, URL and fields."""
        await self.send_request_redirect(self.method, self.url, self.headers, response)
        self.method, self.url, self.headers = method, url, headers

    async def fail(self, error: BaseException) -> None:
        """The request has failed, or was cancelled. A coroutine that is closed can't wait for hooks."""
        if not isinstance(error, GeneratorExit):
            await self.send_request_exception(self.method, self.url, self.headers, error)
