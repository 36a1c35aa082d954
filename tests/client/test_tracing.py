import sys
from collections.abc import Awaitable, Callable
from types import FrameType, SimpleNamespace
from typing import Any

import pytest
from multidict import CIMultiDict
from yarl import URL

from pronghorn.client import tracing
from pronghorn.client.response import ClientResponse
from pronghorn.client.tracing import Trace, TraceConfig, Traces
from pronghorn.signals import Signal

METHOD = "GET"
HERE = URL("http://here/")
HEADERS: CIMultiDict[str] = CIMultiDict({"X-A": "1"})
RESPONSE = ClientResponse(METHOD, HERE)
ERROR = LookupError("no such thing")

REQUEST: dict[str, Any] = {"method": METHOD, "url": HERE}
WITH_HEADERS: dict[str, Any] = {**REQUEST, "headers": HEADERS}
WITH_RESPONSE: dict[str, Any] = {**WITH_HEADERS, "response": RESPONSE}
WITH_CHUNK: dict[str, Any] = {**REQUEST, "chunk": b"abc"}
WITH_HOST: dict[str, Any] = {"host": "here"}

# The event, the class of its params, and these; the method of a trace is called after the event, but for one.
EVENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "request_start": ("TraceRequestStartParams", WITH_HEADERS),
    "request_chunk_sent": ("TraceRequestChunkSentParams", WITH_CHUNK),
    "response_chunk_received": ("TraceResponseChunkReceivedParams", WITH_CHUNK),
    "request_end": ("TraceRequestEndParams", WITH_RESPONSE),
    "request_exception": ("TraceRequestExceptionParams", {**WITH_HEADERS, "exception": ERROR}),
    "request_redirect": ("TraceRequestRedirectParams", WITH_RESPONSE),
    "request_headers_sent": ("TraceRequestHeadersSentParams", WITH_HEADERS),
    "connection_queued_start": ("TraceConnectionQueuedStartParams", {}),
    "connection_queued_end": ("TraceConnectionQueuedEndParams", {}),
    "connection_create_start": ("TraceConnectionCreateStartParams", {}),
    "connection_create_end": ("TraceConnectionCreateEndParams", {}),
    "connection_reuseconn": ("TraceConnectionReuseconnParams", {}),
    "dns_resolvehost_start": ("TraceDnsResolveHostStartParams", WITH_HOST),
    "dns_resolvehost_end": ("TraceDnsResolveHostEndParams", WITH_HOST),
    "dns_cache_hit": ("TraceDnsCacheHitParams", WITH_HOST),
    "dns_cache_miss": ("TraceDnsCacheMissParams", WITH_HOST),
}
ROWS = [pytest.param(event, *row, id=event) for event, row in EVENTS.items()]
row = pytest.mark.parametrize(("event", "kind", "values"), ROWS)


def signal_of(config: TraceConfig, event: str) -> Signal[Any, Any, Any]:
    signal: Signal[Any, Any, Any] = getattr(config, f"on_{event}")
    return signal


def sender_of(trace: Trace | Traces, event: str) -> Callable[..., Awaitable[None]]:
    sender: Callable[..., Awaitable[None]] = getattr(
        trace, "send_request_headers" if event == "request_headers_sent" else f"send_{event}"
    )
    return sender


class Listener:
    """A config with a hook for each event, and what they were given."""

    def __init__(self, name: str = "", log: list[Any] | None = None) -> None:
        self.config = TraceConfig()
        self.heard: list[Any] = [] if log is None else log
        for event in EVENTS:
            signal_of(self.config, event).append(self.hook(event, name))

    def hook(self, event: str, name: str) -> Callable[..., Awaitable[None]]:
        async def hear(session: Any, context: Any, params: Any) -> None:
            self.heard.append((name, event, session, context, params))

        return hear


# Params


@row
def test_params_are_made_by_place_or_by_name(event: str, kind: str, values: dict[str, Any]) -> None:
    params = getattr(tracing, kind)
    made = params(*values.values())
    assert made == params(**values)
    assert {name: getattr(made, name) for name in values} == values
    shown = ", ".join(f"{name}={value!r}" for name, value in values.items())
    assert repr(made) == f"{kind}({shown})"


@row
def test_params_want_all_of_their_values(event: str, kind: str, values: dict[str, Any]) -> None:
    params = getattr(tracing, kind)
    with pytest.raises(TypeError):
        params(*values.values(), "one too many")
    if values:
        with pytest.raises(TypeError, match=list(values)[-1]):
            params(*list(values.values())[:-1])


@row
def test_params_stay_as_they_are(event: str, kind: str, values: dict[str, Any]) -> None:
    made = getattr(tracing, kind)(**values)
    for name in [*values, "unheard_of"]:
        with pytest.raises((AttributeError, TypeError)):
            setattr(made, name, None)
    assert made == getattr(tracing, kind)(**values)


@row
def test_params_of_another_event_are_not_the_same(event: str, kind: str, values: dict[str, Any]) -> None:
    made = getattr(tracing, kind)(**values)
    for other, other_values in EVENTS.values():
        if other != kind:
            assert made != getattr(tracing, other)(**other_values)
            assert not isinstance(made, getattr(tracing, other))


# Configs


def test_a_config_has_a_signal_for_each_event() -> None:
    config = TraceConfig()
    signals = [signal_of(config, event) for event in EVENTS]
    assert all(isinstance(signal, Signal) and not signal for signal in signals)
    assert len({id(signal) for signal in signals}) == len(EVENTS)
    assert [signal_of(config, event) for event in EVENTS] == signals
    assert repr(config) in repr(signals[0])


def test_there_are_no_other_events() -> None:
    assert {name for name in dir(TraceConfig) if name.startswith("on_")} == {
        f"on_{event}" for event in EVENTS
    }


def test_configs_share_nothing() -> None:
    one, other = Listener().config, TraceConfig()
    one.freeze()
    for event in EVENTS:
        assert not signal_of(other, event)
        assert not signal_of(other, event).frozen


@pytest.mark.parametrize("event", EVENTS)
def test_a_signal_is_filled_and_not_replaced(event: str) -> None:
    config = TraceConfig()
    with pytest.raises(AttributeError, match=rf"^on_{event}: .*append"):
        setattr(config, f"on_{event}", Signal(config))
    assert not signal_of(config, event)


@pytest.mark.parametrize("event", EVENTS)
def test_freezing_ends_the_filling(event: str) -> None:
    config = TraceConfig()
    hook = Listener().hook(event, "")
    signal_of(config, event).append(hook)
    config.freeze()
    config.freeze()
    with pytest.raises(RuntimeError, match="frozen"):
        signal_of(config, event).append(hook)
    assert list(signal_of(config, event)) == [hook]


def test_a_config_takes_attributes_and_is_derived_from() -> None:
    class Own(TraceConfig):
        def __init__(self) -> None:
            super().__init__()
            self.seen = 0
            self.on_request_start.append(self.count)

        async def count(self, session: Any, context: Any, params: object) -> None:
            self.seen += 1

    own = Own()
    assert list(own.on_request_start) == [own.count]
    assert own.seen == 0


def test_a_context_is_a_namespace() -> None:
    config = TraceConfig()
    assert config.trace_config_ctx() == SimpleNamespace(trace_request_ctx=None)
    assert config.trace_config_ctx({"id": 5}) == SimpleNamespace(trace_request_ctx={"id": 5})
    assert config.trace_config_ctx(trace_request_ctx=5).trace_request_ctx == 5
    assert config.trace_config_ctx() is not config.trace_config_ctx()


def test_or_what_the_factory_makes() -> None:
    def factory(trace_request_ctx: Any) -> list[Any]:
        return [trace_request_ctx]

    assert TraceConfig(factory).trace_config_ctx(5) == [5]
    assert TraceConfig(trace_config_ctx_factory=factory).trace_config_ctx() == [None]


# Sending


@row
@pytest.mark.parametrize("is_frozen", [False, True])
async def test_a_trace_sends_to_its_signal_alone(
    event: str, kind: str, values: dict[str, Any], is_frozen: bool
) -> None:
    listener = Listener()
    if is_frozen:
        listener.config.freeze()
    session, context = object(), object()
    trace = Trace(session, listener.config, context)
    assert await sender_of(trace, event)(**values) is None
    await sender_of(trace, event)(*values.values())
    params = getattr(tracing, kind)(**values)
    assert listener.heard == [("", event, session, context, params)] * 2


def traces_of(configs: list[TraceConfig]) -> Traces:
    return Traces(None, configs, None, METHOD, HERE, HEADERS)


@row
async def test_traces_send_to_every_config_in_order(event: str, kind: str, values: dict[str, Any]) -> None:
    log: list[Any] = []
    session = object()
    configs = [Listener("b", log).config, Listener("a", log).config]
    traces = Traces(session, configs, {"id": 5}, METHOD, HERE, HEADERS)
    await sender_of(traces, event)(**values)
    assert [(name, heard) for name, heard, *_ in log] == [("b", event), ("a", event)]
    (_, _, *first), (_, _, *second) = log
    assert first == second == [session, SimpleNamespace(trace_request_ctx={"id": 5}), log[0][-1]]
    assert first[1] is not second[1]
    assert first[2] is second[2], "made once"


def test_there_is_a_trace_for_each_config() -> None:
    configs = [TraceConfig(), TraceConfig()]
    traces = traces_of(configs)
    assert all(isinstance(trace, Trace) for trace in traces.each)
    assert [trace.config for trace in traces.each] == configs


def functions_called(sending: Any) -> list[str]:
    """Run what need not wait; the names of the Python functions that it calls."""
    called: list[str] = []

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            called.append(frame.f_code.co_name)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        sending.send(None)
    except StopIteration:
        return called
    finally:
        sys.setprofile(before)
    pytest.fail("it waits for something")


@row
def test_nothing_is_built_when_nobody_listens(event: str, kind: str, values: dict[str, Any]) -> None:
    deaf = traces_of([TraceConfig(), TraceConfig()])
    called = functions_called(sender_of(deaf, event)(**values))
    assert not {"__init__", "send", "hear"} & set(called)


@row
def test_and_it_is_built_once_when_somebody_does(event: str, kind: str, values: dict[str, Any]) -> None:
    heard = traces_of([TraceConfig(), Listener().config, Listener().config])
    called = functions_called(sender_of(heard, event)(**values))
    assert (called.count("__init__"), called.count("send"), called.count("hear")) == (1, 2, 2)


async def test_the_first_error_is_raised_and_the_rest_is_not_told() -> None:
    log: list[Any] = []
    first, second, third = (Listener(name, log) for name in "abc")

    async def fail(session: Any, context: Any, params: object) -> None:
        raise ERROR

    second.config.on_request_start.insert(0, fail)
    traces = traces_of([first.config, second.config, third.config])
    with pytest.raises(LookupError) as caught:
        await traces.send_request_start(METHOD, HERE, HEADERS)
    assert caught.value is ERROR
    assert [name for name, *_ in log] == ["a"]


@pytest.mark.parametrize("event", EVENTS)
def test_whether_anybody_listens_can_be_asked(event: str) -> None:
    config = TraceConfig()
    traces = traces_of([TraceConfig(), config])
    kind = getattr(TraceConfig, f"on_{event}")
    assert not traces.are_heard(kind)
    signal_of(config, event).append(Listener().hook(event, ""))
    assert traces.are_heard(kind)
    assert [name for name in EVENTS if traces.are_heard(getattr(TraceConfig, f"on_{name}"))] == [event]


# A request


class Response(ClientResponse):
    """Remembers that it was closed."""

    is_given_up = False

    def close(self) -> None:
        self.is_given_up = True


async def test_a_request_begins_and_ends() -> None:
    listener, response = Listener(), Response(METHOD, HERE)
    traces = traces_of([listener.config])
    await traces.start()
    await traces.end(response)
    begun, ended = (heard[-1] for heard in listener.heard)
    assert begun == tracing.TraceRequestStartParams(METHOD, HERE, HEADERS)
    assert ended == tracing.TraceRequestEndParams(METHOD, HERE, HEADERS, response)
    assert begun.headers is HEADERS, "what a hook puts into them is sent"
    assert not response.is_given_up


async def test_or_it_fails() -> None:
    listener = Listener()
    await traces_of([listener.config]).fail(ERROR)
    ((*_, failed),) = listener.heard
    assert failed == tracing.TraceRequestExceptionParams(METHOD, HERE, HEADERS, ERROR)


async def test_when_it_leads_elsewhere_its_end_is_there() -> None:
    listener, there = Listener(), URL("http://there/")
    traces = traces_of([listener.config])
    traces.method, traces.url = "POST", there
    await traces.end(RESPONSE)
    await traces.fail(ERROR)
    assert [(heard[-1].method, heard[-1].url) for heard in listener.heard] == [("POST", there)] * 2


async def test_a_response_that_could_not_be_told_is_closed() -> None:
    listener, response = Listener(), Response(METHOD, HERE)

    async def fail(session: Any, context: Any, params: object) -> None:
        raise ERROR

    listener.config.on_request_end.append(fail)
    with pytest.raises(LookupError):
        await traces_of([listener.config]).end(response)
    assert response.is_given_up


async def test_a_request_that_is_closed_tells_nobody() -> None:
    listener = Listener()
    await traces_of([listener.config]).fail(GeneratorExit())
    assert listener.heard == []
