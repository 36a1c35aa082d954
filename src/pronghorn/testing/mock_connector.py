"""A connector that answers by rules, and remembers what was asked."""

import asyncio
import inspect
import json as json_module
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from re import Pattern
from typing import Any, Final

from multidict import CIMultiDict, CIMultiDictProxy, MultiMapping
from yarl import URL

from .. import web
from ..client.connector import UNSET
from ..client.errors import ClientConnectionError
from ..client.protocol import ResponseHandler
from ..client.sent_fields import as_fields
from ..client.target import as_url
from .app_connector import AppConnector
from .pair import MemoryTransport
from .verbatim import VerbatimResponse

_NOTHING: Final[Any] = object()
#: Rules that an error names.
_SHOWN_RULES: Final = 20
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

Headers = Mapping[str, str] | Iterable[tuple[str, str]]
Body = bytes | str | Iterable[bytes] | AsyncIterable[bytes]


@dataclass(frozen=True)
class MockRequest:
    """A request as it was sent."""

    method: str
    url: URL
    headers: CIMultiDictProxy[str]
    #: Without the transfer coding; content codings are left as they were applied.
    body: bytes

    def json(self) -> Any:
        """The body parsed as JSON; ValueError if it is none."""
        return json_module.loads(self.body)

    def __str__(self) -> str:
        return f"{self.method} {self.url}"


@dataclass(frozen=True, eq=False)
class MockResponse:
    """What a rule answers: ``headers`` and the framing, and nothing besides.

    ``body`` is sent with its length if it is bytes or a str (text/plain, UTF-8), and in chunks, one for each
    piece, if it is an iterable of bytes. ``json`` is sent as application/json. A Content-Length of
    one's own that is not the body's breaks the answer off. ``exception`` is what the request raises instead.
    """

    status: int = 200
    body: Body = b""
    json: Any = _NOTHING
    headers: Headers = ()
    reason: str | None = None
    exception: Exception | type[Exception] | None = None

    def __post_init__(self) -> None:
        if self.json is not _NOTHING and self.body != b"":
            raise ValueError("body and json: expected one of them, got both")
        error = self.exception
        is_class = isinstance(error, type) and issubclass(error, Exception)
        if error is not None and not is_class and not isinstance(error, Exception):
            raise TypeError(f"exception: expected an Exception, got {error!r}")
        if isinstance(self.body, (bytearray, memoryview)) or not isinstance(
            self.body, (bytes, str, Iterable, AsyncIterable)
        ):
            raise TypeError(f"body: expected bytes, str or an iterable of bytes, got {self.body!r}")
        VerbatimResponse(status=self.status, reason=self.reason, headers=as_fields(self.headers).items())

    async def send(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer ``request``."""
        body: Body = self.body
        content_type = ""
        if self.json is not _NOTHING:
            body, content_type = json_module.dumps(self.json), "application/json"
        elif isinstance(body, str):
            content_type = "text/plain; charset=utf-8"
        if isinstance(body, str):
            body = body.encode()
        headers = CIMultiDict(self.headers)
        if content_type:
            headers.setdefault("Content-Type", content_type)
        if isinstance(body, bytes):
            if "Transfer-Encoding" not in headers:
                headers.setdefault("Content-Length", str(len(body)))
            body = (body,) if body else ()
        response = VerbatimResponse(status=self.status, reason=self.reason, headers=headers.items())
        await response.send_pieces(request, body)
        return response


Answer = Callable[[MockRequest], MockResponse | Awaitable[MockResponse]]


@dataclass(frozen=True)
class Conditions:
    """Which requests a rule is for."""

    method: str
    url: URL | Pattern[str]
    params: tuple[tuple[str, str], ...] | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | Callable[[bytes], bool] | None = None
    #: As text, sorted, so that two can be compared; None for any.
    json: str | None = None

    def __str__(self) -> str:
        url = f"/{self.url.pattern}/" if isinstance(self.url, Pattern) else str(self.url)
        details = {"params": self.params, "headers": self.headers, "body": self.body, "json": self.json}
        shown = [f"{name}={value!r}" for name, value in details.items() if value not in (None, ())]
        return " ".join((self.method, url, *shown))

    def match(self, request: MockRequest) -> bool:
        """They hold for ``request``."""
        return (
            self.method in ("*", request.method)
            and self._matches_url(request.url)
            and all(value in request.headers.getall(name, ()) for name, value in self.headers)
            and (self.body is None or self._matches_body(request.body))
            and (self.json is None or self.json == _canonical(request.body))
        )

    def _matches_url(self, url: URL) -> bool:
        if self.params is not None and self.params != _pairs(url.query):
            return False
        if isinstance(self.url, Pattern):
            return self.url.search(str(url)) is not None
        if self.params is None and self.url.raw_query_string and _pairs(self.url.query) != _pairs(url.query):
            return False
        return self.url.raw_path == url.raw_path and (
            not self.url.absolute or _origin(self.url) == _origin(url)
        )

    def _matches_body(self, body: bytes) -> bool:
        return bool(self.body(body)) if callable(self.body) else self.body == body


@dataclass
class Rule:
    """One answer to the requests that some conditions hold for."""

    answer: MockResponse | Answer
    times: int | None
    answered: int = 0


@dataclass
class RuleSet:
    """The rules with the same conditions, which answer in turn."""

    conditions: Conditions
    rules: list[Rule] = field(default_factory=list)

    def next(self) -> Rule | None:
        """Whose turn it is; None if all have answered as often as they may."""
        for rule in self.rules:
            limit = rule.times
            if limit is None and rule is not self.rules[-1]:
                limit = 1
            if limit is None or rule.answered < limit:
                return rule
        return None


class MockConnector(AppConnector):
    """Answers requests by the rules that `add` gives it, without a socket or an application.

    All of the client runs, down to the bytes. A request that no rule is for raises ClientConnectionError.
    The keywords are those of `BaseConnector`.
    """

    def __init__(
        self,
        *,
        keepalive_timeout: float | None = UNSET,
        force_close: bool = False,
        limit: int | None = 100,
        limit_per_host: int | None = 0,
    ) -> None:
        server = web.Server(
            self._answer,
            request_factory=partial(web.BaseRequest, client_max_size=0),
            auto_decompress=False,
            handler_cancellation=True,
        )
        super().__init__(
            server,
            keepalive_timeout=keepalive_timeout,
            force_close=force_close,
            limit=limit,
            limit_per_host=limit_per_host,
        )
        #: What was asked, in order, answered or not.
        self.requests: list[MockRequest] = []
        self._rule_sets: list[RuleSet] = []

    def add(
        self,
        method: str,
        url: str | URL | Pattern[str],
        answer: MockResponse | Answer | None = None,
        *,
        status: int = 200,
        body: Body = b"",
        json: Any = _NOTHING,
        headers: Headers = (),
        reason: str | None = None,
        exception: Exception | type[Exception] | None = None,
        params: Mapping[str, Any] | Sequence[tuple[str, Any]] | None = None,
        match_headers: Headers = (),
        match_body: bytes | str | Callable[[bytes], bool] | None = None,
        match_json: Any = _NOTHING,
        times: int | None = None,
    ) -> None:
        """Answer requests for ``url`` by ``method`` ("*" for any).

        A URL is compared as it is sent; without a host it is one of any host, and with neither a query nor
        ``params`` it has any query. The order of parameters does not matter. A pattern is searched for in
        the whole URL. ``answer`` is a `MockResponse`, or a callable that makes one of the `MockRequest`; it
        may be asynchronous, and what it raises the request raises. Otherwise the keywords are those of
        `MockResponse`.

        The first rule that fits answers, for ever or ``times`` times. One that is added again for the same
        requests takes over when the one before has answered ``times`` times; once, if that did not say.
        """
        if answer is None:
            answer = MockResponse(status, body, json, headers, reason, exception)
        elif (status, body, headers, reason, exception) != (200, b"", (), None, None) or json is not _NOTHING:
            raise ValueError("answer: expected it alone, got keywords of a MockResponse besides")
        elif not isinstance(answer, MockResponse) and not callable(answer):
            raise TypeError(f"answer: expected a MockResponse or a callable, got {answer!r}")
        if times is not None and (not isinstance(times, int) or times < 1):
            raise ValueError(f"times: expected None or a number above 0, got {times!r}")
        if not isinstance(method, str):
            raise TypeError(f"method: expected a str, got {method!r}")
        if match_body is not None and not isinstance(match_body, (bytes, str)) and not callable(match_body):
            raise TypeError(f"match_body: expected bytes, str or a callable, got {match_body!r}")
        if not isinstance(url, (str, URL, Pattern)):
            raise TypeError(f"url: expected a str, a URL or a compiled pattern, got {url!r}")
        conditions = Conditions(
            method.upper(),
            url if isinstance(url, Pattern) else _as_url(url),
            None if params is None else _pairs(URL().with_query(params).query),
            tuple(as_fields(match_headers).items()),
            match_body.encode() if isinstance(match_body, str) else match_body,
            None if match_json is _NOTHING else json_module.dumps(match_json, sort_keys=True),
        )
        rule = Rule(answer, times)
        for rules in self._rule_sets:
            if rules.conditions == conditions:
                rules.rules.append(rule)
                return
        self._rule_sets.append(RuleSet(conditions, [rule]))

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        asked = MockRequest(request.method, _url_of(request), request.headers, await request.read())
        self.requests.append(asked)
        try:
            response = await self._find(asked)
        except Exception as error:
            _raise_at_client(request, error)
            await asyncio.Event().wait()  # the loss of the connection cancels its handler
            raise
        return await response.send(request)

    async def _find(self, asked: MockRequest) -> MockResponse:
        for rules in self._rule_sets:
            if rules.conditions.match(asked) and (rule := rules.next()) is not None:
                rule.answered += 1
                answer = rule.answer
                if not isinstance(answer, MockResponse):
                    made = answer(asked)
                    answer = await made if inspect.isawaitable(made) else made
                if not isinstance(answer, MockResponse):
                    raise TypeError(
                        f"the rule for {asked}: expected it to make a MockResponse, got {answer!r}"
                    )
                if answer.exception is not None:
                    raise answer.exception
                return answer
        raise ClientConnectionError(f"No rule for {asked}; {self._described_rules()}")

    def _described_rules(self) -> str:
        if not self._rule_sets:
            return "there are no rules"
        described = [
            f"{rules.conditions}{'' if rules.next() else ' (answered as often as it may)'}"
            for rules in self._rule_sets[:_SHOWN_RULES]
        ]
        if len(self._rule_sets) > _SHOWN_RULES:
            described.append("...")
        return f"the rules are: {'; '.join(described)}"


def _raise_at_client(request: web.BaseRequest, error: Exception) -> None:
    """Let the client's request end in ``error``, whatever kind it is."""
    transport = request.transport
    if isinstance(transport, MemoryTransport):
        protocol = transport.peer.get_protocol()
        if isinstance(protocol, ResponseHandler):
            # As if an answer had begun: the client does not try once more, unasked.
            protocol.connection.receive(())
            protocol.connection.fail_exchange(error)
        transport.abort()


def _url_of(request: web.BaseRequest) -> URL:
    """The URL that was asked for: by the connection, as the Host field may say anything."""
    host, port = request.get_extra_info("sockname")
    scheme = request.scheme
    url = request.rel_url
    return URL.build(
        scheme=scheme,
        host=f"[{host}]" if ":" in host else host,
        port=None if port == _DEFAULT_PORTS[scheme] else port,
        path=url.raw_path,
        query_string=url.raw_query_string,
        encoded=True,
    )


def _origin(url: URL) -> tuple[bool, str | None, int | None]:
    return url.scheme in ("https", "wss"), url.raw_host, url.port


def _as_url(url: str | URL) -> URL:
    parsed = as_url(url)
    if not parsed.absolute and not parsed.raw_path.startswith("/"):
        raise ValueError(f"url: expected one with a host, or a path that begins with /, got {str(url)!r}")
    return parsed


def _pairs(query: MultiMapping[str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(query.items()))


def _canonical(body: bytes) -> str | None:
    try:
        return json_module.dumps(json_module.loads(body), sort_keys=True)
    except ValueError:
        return None
