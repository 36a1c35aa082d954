"""What a session does with trace configs, and what hooks can do to a request."""

import asyncio
from collections.abc import AsyncIterator
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

import pytest
from yarl import URL

from pronghorn import ClientResponse, ClientSession, TCPConnector, TraceConfig
from pronghorn.client.outgoing import ClientRequest
from pronghorn.client.protocol import ResponseHandler
from pronghorn.client.timeouts import ClientTimeout
from pronghorn.client.tracing import Trace

from .listening import CHUNK, CREATE, CREATED, END, HEADERS, RECEIVED, REUSED, START, Listener, text
from .scripted import OK, scripted


async def test_what_a_hook_does_to_the_fields_is_sent() -> None:
    config = TraceConfig()

    @config.on_request_start
    async def sign(session: Any, context: Any, params: Any) -> None:
        params.headers["X-Signed"] = "yes"
        params.headers["X-Own"] = "3"
        del params.headers["X-All"]

    given = {"X-All": "1", "X-Own": "2"}
    async with scripted(OK) as server, ClientSession(trace_configs=[config], headers=given) as session:
        await text(session, server.url())
        assert dict(session.headers) == given
    (request,) = server.requests
    assert (request.fields["X-Signed"], request.fields.getall("X-Own")) == ("yes", ["3"])
    assert "X-All" not in request.fields
    assert request.fields["User-Agent"].startswith("Python/")


async def test_each_request_has_a_context_of_its_own() -> None:
    one, other = Listener(), Listener()
    async with scripted(OK) as server, ClientSession(trace_configs=[one.config, other.config]) as session:
        await text(session, server.url(), trace_request_ctx={"id": 5})
        contexts = [*one.contexts, *other.contexts]
        one.forget()
        await text(session, server.url())
    assert contexts[0] == SimpleNamespace(trace_request_ctx={"id": 5})
    assert len({id(context) for context in contexts}) == 2
    assert one.contexts[0] == SimpleNamespace(trace_request_ctx=None)
    assert len({id(context) for context in one.contexts}) == 1


async def body() -> AsyncIterator[bytes]:
    yield b"piece"


async def test_hooks_see_the_context_of_the_caller() -> None:
    """Context variables, that is: also where a body is sent by a task."""
    name: ContextVar[str] = ContextVar("name", default="nobody")
    seen: set[str] = set()

    async def look() -> None:
        seen.add(name.get())

    async with scripted(OK) as server:
        for event in (START, CREATE, HEADERS, CHUNK, END, RECEIVED):
            listener = Listener(at=event, do=look)
            async with listener.session() as session:
                name.set(event)
                async with session.post(server.url(), data=body()) as response:
                    await response.read()
    assert seen == {START, CREATE, HEADERS, CHUNK, END, RECEIVED}


@pytest.mark.parametrize("event", [START, CREATE, REUSED, HEADERS, CHUNK, END, RECEIVED, ""])
async def test_one_event_may_be_heard_alone(event: str) -> None:
    config, heard = TraceConfig(), []

    async def hear(session: Any, context: Any, params: Any) -> None:
        heard.append(event)

    if event:
        getattr(config, f"on_{event}").append(hear)
    async with scripted(OK) as server, ClientSession(trace_configs=[config]) as session:
        for data in (b"piece", body(), None):
            async with session.post(server.url(), data=data) as response:
                assert await response.text() == "ok"
        assert [request.body for request in server.requests] == [b"piece", b"piece", b""]
    counts = {START: 3, CREATE: 1, REUSED: 2, HEADERS: 3, CHUNK: 2, END: 3, RECEIVED: 3, "": 0}
    assert heard == [event] * counts[event]


async def test_a_session_takes_configs_and_freezes_them() -> None:
    config = TraceConfig()
    async with ClientSession(trace_configs=iter([config])) as session:
        assert session.trace_configs == [config]
        with pytest.raises(RuntimeError, match="frozen"):
            config.on_request_start.append(lambda *_: asyncio.sleep(0))
        async with ClientSession(trace_configs=[config]) as other:
            assert other.trace_configs == [config]
    assert ClientSession().trace_configs == []


@pytest.mark.parametrize("configs", [[5], 5, TraceConfig(), [TraceConfig]])
def test_what_are_no_configs_is_refused(configs: Any) -> None:
    with pytest.raises(TypeError):
        ClientSession(trace_configs=configs)


async def test_a_connector_of_ones_own_is_given_the_traces() -> None:
    given: list[Any] = []

    class Own(TCPConnector):
        async def _create_connection(
            self, req: ClientRequest, traces: Any, timeout: ClientTimeout
        ) -> ResponseHandler:
            given.append(traces)
            for trace in traces:
                await trace.send_dns_cache_hit("mine")
            return await super()._create_connection(req, traces, timeout)

    listener = Listener()
    async with scripted(OK) as server:
        async with listener.session(Own()) as session:
            await text(session, server.url())
        async with ClientSession(connector=Own()) as session:
            await text(session, server.url())
    (trace,), nothing = given
    assert isinstance(trace, Trace)
    assert list(nothing) == []
    assert listener.events == [START, CREATE, "dns_cache_hit", CREATED, HEADERS, END, RECEIVED]
    assert listener.of("dns_cache_hit").host == "mine"


async def test_a_response_class_of_ones_own() -> None:
    class Own(ClientResponse):
        def __init__(self, method: str, url: URL, **options: Any) -> None:
            super().__init__(method, url, **options)
            self.given = options["traces"]

    listener = Listener()
    async with scripted(OK) as server, listener.session(response_class=Own) as session:
        await text(session, server.url())
    (trace,) = listener.of(END).response.given
    assert isinstance(trace, Trace)
    assert listener.of(RECEIVED).chunk == b"ok"


async def test_what_the_session_adds_is_told_when_it_is_sent() -> None:
    listener = Listener()
    async with scripted(OK) as server, listener.session() as session:
        url = server.url("/").replace("//", "//me:secret@")
        await text(session, url, cookies={"a": "b"})
    (request,) = server.requests
    start, headers = listener.of(START), listener.of(HEADERS)
    assert start.url == headers.url == URL(server.url("/"))
    assert "Cookie" not in start.headers
    assert headers.headers == request.fields
    assert (request.fields["Cookie"], request.fields["Authorization"]) == ("a=b", "Basic bWU6c2VjcmV0")
