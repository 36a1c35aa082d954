"""`ClientSession`: options in, one call out."""

import asyncio
import json as json_module
import warnings
from collections.abc import Callable, Iterable
from inspect import isawaitable
from ssl import SSLContext
from types import TracebackType
from typing import Any, Final, Self, Unpack

from multidict import CIMultiDict, istr
from yarl import URL

from ..body.payload import BytesPayload, JsonBytesPayload, JsonPayload
from ..io.exchange import HIGH_WATER
from ..wire.events import HttpVersion, HttpVersion11
from ..wire.limits import DEFAULT_DECODE_LIMITS, DEFAULT_LIMITS, DecodeLimits
from .auth import BasicAuth
from .connector import UNSET, BaseConnector
from .context import RequestContext
from .cookiejar import AbstractCookieJar, LooseCookies
from .flow import fetch
from .given import (
    AS_BEFORE,
    MAX_REDIRECTS,
    NO_WAY,
    as_base,
    as_sending,
    as_timeout,
    as_trace_configs,
    as_version,
    as_way,
    below,
    caller,
    changed_terms,
    check_ends,
    check_functions,
    check_parts,
    have_one_origin,
    of_older_names,
)
from .middlewares import ClientMiddlewareType, as_middlewares
from .options import RaiseForStatus, RequestOptions
from .outgoing import ClientRequest
from .redirects import REDIRECTS
from .requester import PLAIN, Requester, Way
from .response import CharsetResolver, ClientResponse
from .route import Proxy, as_told, make_proxy
from .sent_fields import Defaults, Headers, as_cookies, as_fields, auto_fields, skipped_names
from .sse import EventSource, EventSourceOptions
from .target import as_url, find_target
from .tcp import TCPConnector
from .terms import Terms
from .timeouts import DEFAULT_TIMEOUT, ClientTimeout
from .tls import TlsOption
from .tracing import TraceConfig, Traces
from .uploads import UploadTracker
from .websocket import ClientWebSocketResponse, WebSocketContext, WebSocketOptions, open_websocket

_NOTHING: Final[Any] = object()
_AUTHORIZATION: Final = istr("Authorization")
_COOKIE: Final = istr("Cookie")
_SET_COOKIE: Final = istr("Set-Cookie")


class ClientSession(Requester):
    """Makes requests over a pool of connections. One session for an application is enough.

    A relative URL is found from ``base_url`` as RFC 3986 section 5 has it: its path ends in "/", and a
    URL that begins with "/" replaces it. With ``keep_base_path`` nothing of it is replaced: what is
    requested is below it. ``connector`` is where connections come from (a TCPConnector of its own by
    default, with ``ssl_shutdown_timeout``), closed with the session unless ``connector_owner`` is False.
    ``headers`` are sent with every request that does not name them itself; if there is a ``base_url``,
    Authorization, Cookie and Proxy-Authorization among them go to its origin alone. ``skip_auto_headers``
    are not made up where nobody gives them: User-Agent, Accept, Accept-Encoding, Content-Type. Cookies that
    servers set are kept in ``cookie_jar`` (one of its own by default), which ``cookies`` are put into for
    every host. Requests are made of ``request_class`` and responses of ``response_class``.
    ``json_serialize`` makes a str of what ``json`` is given, ``json_serialize_bytes`` bytes. ``timeout``
    is 5 minutes in all and 30 s for connecting by default; ``read_timeout`` and ``conn_timeout`` are
    older names of its ``total`` and ``connect``. ``loop`` is accepted and not needed: a session belongs
    to the loop of its first request. ``raise_for_status`` makes an error of each status of 400 or above,
    or is a coroutine function of the response that does. ``fallback_charset_resolver`` is given a
    response and its body, and finds the charset if the server did not name one (UTF-8 by default).
    ``retry_stale`` lets a request that can be repeated be sent once more when an idle connection turns
    out to have been closed by the server. Of a response as many bytes as ``read_bufsize`` wait for their
    reader before the server has to; ``max_line_size``, ``max_field_size`` and ``max_headers`` bound the
    bytes of its status line, of each field and their number, and ``decode_limits`` what compressed
    content may become, unless ``auto_decompress=False`` leaves it as it is. ``trace_configs`` are told
    what happens to requests: see `TraceConfig`. Each request, and each that a redirect leads to, goes
    through ``middlewares``, unless it brings its own. Requests go by ``proxy``, with ``proxy_auth`` and
    ``proxy_headers``, unless they name another; where there is none, ``auth`` is sent with requests that
    bring no credentials; if there is a ``base_url``, to its origin alone. ``trust_env`` takes the one
    that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY names, unless NO_PROXY excepts the host.
    """

    def __init__(
        self,
        base_url: str | URL | None = None,
        *,
        connector: BaseConnector | None = None,
        cookies: LooseCookies | None = None,
        headers: Headers | None = None,
        skip_auto_headers: Iterable[str] | None = None,
        json_serialize: Callable[[Any], str] = json_module.dumps,
        json_serialize_bytes: Callable[[Any], bytes] | None = None,
        request_class: type[ClientRequest] = ClientRequest,
        response_class: type[ClientResponse] = ClientResponse,
        ws_response_class: type[ClientWebSocketResponse] = ClientWebSocketResponse,
        cookie_jar: AbstractCookieJar | None = None,
        timeout: ClientTimeout | float | None = DEFAULT_TIMEOUT,
        read_timeout: float | None = UNSET,
        conn_timeout: float | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
        connector_owner: bool = True,
        raise_for_status: RaiseForStatus = False,
        auto_decompress: bool = True,
        decode_limits: DecodeLimits = DEFAULT_DECODE_LIMITS,
        retry_stale: bool = True,
        fallback_charset_resolver: CharsetResolver | None = None,
        trace_configs: Iterable[TraceConfig] | None = None,
        proxy: str | URL | None = None,
        proxy_auth: BasicAuth | None = None,
        proxy_headers: Headers | None = None,
        trust_env: bool = False,
        auth: BasicAuth | None = None,
        requote_redirect_url: bool = True,
        version: HttpVersion = HttpVersion11,
        middlewares: Iterable[ClientMiddlewareType] = (),
        read_bufsize: int = HIGH_WATER,
        max_line_size: int = DEFAULT_LIMITS.start_line,
        max_field_size: int = DEFAULT_LIMITS.field_line,
        max_headers: int = DEFAULT_LIMITS.fields,
        ssl_shutdown_timeout: float | None = UNSET,
        keep_base_path: bool = False,
    ) -> None:
        check_parts(connector, cookie_jar, loop, request_class, response_class, ws_response_class)
        check_functions(json_serialize, json_serialize_bytes, fallback_charset_resolver, raise_for_status)
        self._trace_configs = as_trace_configs(trace_configs)
        self._base_url = None if base_url is None else as_base(base_url, keeps_path=keep_base_path)
        self._keeps_base_path = keep_base_path
        if connector is None:
            connector = TCPConnector(ssl_shutdown_timeout=ssl_shutdown_timeout)
        self._connector: BaseConnector | None = connector
        self._connector_owner = connector_owner
        #: Made when there is something to keep.
        self._jar = cookie_jar
        if cookies:
            self.cookie_jar.update_cookies(as_cookies(cookies))
        self._skipped = skipped_names(skip_auto_headers)
        self._plain = PLAIN._replace(skipped=self._skipped) if self._skipped else PLAIN
        self._defaults = Defaults(as_fields(headers or ()), self._skipped)
        self._json_serialize = json_serialize
        self._json_serialize_bytes = json_serialize_bytes
        self._request_class, self._response_class = request_class, response_class
        self._has_plain_responses = response_class.__init__ is ClientResponse.__init__
        self._ws_response_class = ws_response_class
        self._sends_by_own = request_class.send is not ClientRequest.send
        self._starts_by_own = response_class.start is not ClientResponse.start
        self._is_by_own = self._sends_by_own or self._starts_by_own
        self._timeout = of_older_names(as_timeout(timeout), read_timeout, conn_timeout)
        self._loop = loop
        self._raise_for_status = raise_for_status
        self._resolve_charset = fallback_charset_resolver
        told = as_told(proxy_auth, proxy_headers)
        self._proxy: Proxy | None = None if proxy is None else make_proxy(proxy, *told)
        self._trust_env = trust_env
        self._has_ways = trust_env or proxy is not None
        if auth is not None and not isinstance(auth, BasicAuth):
            raise TypeError(f"auth: expected None or a BasicAuth, got {type(auth).__name__}")
        self._auth = auth
        #: Credentials may be found for requests that bring none.
        self._authorizes = trust_env or auth is not None
        self._requote_redirect_url = requote_redirect_url
        self._middlewares = as_middlewares(middlewares)
        self._decode_limits = decode_limits
        self._terms = changed_terms(
            Terms(self._timeout, retry_stale, version=as_version(version)),
            decode_limits,
            UNSET,
            True,
            *(auto_decompress, read_bufsize, max_line_size, max_field_size, max_headers),
        )
        #: The file and the line.
        self._made_at = caller()

    def __repr__(self) -> str:
        return f"<ClientSession {'closed' if self.closed else 'open'} {self._connector!r}>"

    def __del__(self, _warn: Any = warnings.warn) -> None:
        made_at = getattr(self, "_made_at", None)  # it is noted last
        connector = self._connector if made_at is not None and self._connector_owner else None
        # One that was never used holds nothing.
        if made_at is not None and connector is not None and not connector.closed and connector._loop:
            where = "{}:{}".format(*made_at)
            _warn(f"Unclosed client session {self!r}, made at {where}", ResourceWarning, source=self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def closed(self) -> bool:
        """No request can be made any more."""
        return self._connector is None or self._connector.closed

    @property
    def connector(self) -> BaseConnector | None:
        """Where connections come from; None once the session is closed."""
        return self._connector

    _cookie_jar = Requester.cookie_jar

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that the session belongs to, or would. Deprecated: use `asyncio.get_running_loop`."""
        warnings.warn(
            "ClientSession.loop is deprecated: use asyncio.get_running_loop()",
            DeprecationWarning,
            stacklevel=2,
        )
        for loop in (None if self._connector is None else self._connector._loop, self._loop):
            if loop is not None and not loop.is_closed():
                return loop
        return asyncio.get_running_loop()

    @property
    def timeout(self) -> ClientTimeout:
        """The timeouts of requests that bring none of their own."""
        return self._timeout

    @property
    def headers(self) -> CIMultiDict[str]:
        """The fields that are sent with every request, to be read and changed."""
        self._has_shown_headers = True
        return self._defaults.given

    @property
    def version(self) -> HttpVersion:
        """The version that requests are sent in."""
        return self._terms.version

    @property
    def skip_auto_headers(self) -> frozenset[istr]:
        """The fields that are not made up."""
        return frozenset(map(istr, self._skipped))

    @property
    def auth(self) -> BasicAuth | None:
        """The credentials of requests that bring none of their own."""
        return self._auth

    @property
    def requote_redirect_url(self) -> bool:
        """URLs that a redirect leads to are quoted anew where they have to be; setting it is deprecated."""
        return self._requote_redirect_url

    @requote_redirect_url.setter
    def requote_redirect_url(self, value: bool) -> None:
        warnings.warn(
            "session.requote_redirect_url is deprecated: use ClientSession(requote_redirect_url=...)",
            DeprecationWarning,
            stacklevel=2,
        )
        self._requote_redirect_url = value

    @property
    def json_serialize(self) -> Callable[[Any], str]:
        """Makes the text of what ``json`` is given."""
        return self._json_serialize

    @property
    def connector_owner(self) -> bool:
        """The connector is closed with the session."""
        return self._connector_owner

    @property
    def raise_for_status(self) -> RaiseForStatus:
        """Whether a status of 400 or above is an error, or what decides that."""
        return self._raise_for_status

    @property
    def auto_decompress(self) -> bool:
        """Content codings are undone."""
        return self._terms.decoding is not None

    @property
    def trust_env(self) -> bool:
        """Proxies are taken from the environment."""
        return self._trust_env

    @property
    def trace_configs(self) -> list[TraceConfig]:
        """Who is told what happens to requests."""
        return self._trace_configs

    async def close(self) -> None:
        """Close the session, and its connector if it owns it."""
        connector, self._connector = self._connector, None
        if connector is not None and self._connector_owner:
            await connector.close()

    def detach(self) -> None:
        """Close the session, and leave its connector open to whoever has it."""
        self._connector = None

    # Requests

    def request(self, method: str, url: str | URL, **options: Unpack[RequestOptions]) -> RequestContext:
        """Make a request: to be awaited, or used as ``async with``, which releases the response."""
        return RequestContext(self._request(method, url, **options))

    def get(self, url: str | URL, **options: Unpack[RequestOptions]) -> RequestContext:
        """Make a GET request."""
        return RequestContext(self._request("GET", url, **options))

    def options(self, url: str | URL, **options: Unpack[RequestOptions]) -> RequestContext:
        """Make an OPTIONS request."""
        return RequestContext(self._request("OPTIONS", url, **options))

    def head(self, url: str | URL, **options: Unpack[RequestOptions]) -> RequestContext:
        """Make a HEAD request. Redirects are not followed unless ``allow_redirects`` says so."""
        options.setdefault("allow_redirects", False)
        return RequestContext(self._request("HEAD", url, **options))

    def post(self, url: str | URL, **options: Unpack[RequestOptions]) -> RequestContext:
        """Make a POST request."""
        return RequestContext(self._request("POST", url, **options))

    def put(self, url: str | URL, **options: Unpack[RequestOptions]) -> RequestContext:
        """Make a PUT request."""
        return RequestContext(self._request("PUT", url, **options))

    def patch(self, url: str | URL, **options: Unpack[RequestOptions]) -> RequestContext:
        """Make a PATCH request."""
        return RequestContext(self._request("PATCH", url, **options))

    def delete(self, url: str | URL, **options: Unpack[RequestOptions]) -> RequestContext:
        """Make a DELETE request."""
        return RequestContext(self._request("DELETE", url, **options))

    def _build_url(self, url: str | URL) -> URL:
        """``url``, found from the base URL if it is relative."""
        parsed = as_url(url)
        base = self._base_url
        if base is None or parsed.absolute:
            return parsed
        return below(base, parsed) if self._keeps_base_path else base.join(parsed)

    def _from_base(self, url: str | URL) -> tuple[URL, Defaults]:
        """As `_build_url`, and the fields of the session that are for it."""
        found, base = self._build_url(url), self._base_url
        elsewhere = self._defaults.without_credentials()
        if elsewhere is self._defaults or base is None or have_one_origin(found, base):
            return found, self._defaults
        return found, elsewhere

    def _serialize(self, json: Any, data: Any) -> BytesPayload:
        if data is not None:
            raise ValueError("data and json: expected one of them, got both")
        if self._json_serialize_bytes is not None:
            return JsonBytesPayload(json, self._json_serialize_bytes)
        return JsonPayload(json, dumps=self._json_serialize)

    def sse(
        self, url: str | URL, *, method: str = "GET", **options: Unpack[EventSourceOptions]
    ) -> EventSource:
        """Server-sent events: an async iterator over them, which connects again when it has to."""
        return EventSource(self, method, url, **options)

    def ws_connect(self, url: str | URL, **options: Unpack[WebSocketOptions]) -> WebSocketContext:
        """Open a WebSocket, to be awaited or entered: to ``url`` of http, https, ws or wss.

        WSServerHandshakeError if the server does not open one.
        """
        return WebSocketContext(open_websocket(self, url, **options))

    async def _request(
        self,
        method: str,
        url: str | URL,
        # Not for keywords alone, though nobody gives them otherwise: filling those in takes 0.4 us.
        params: Any = None,
        data: Any = None,
        json: Any = _NOTHING,
        headers: Headers | None = None,
        skip_auto_headers: Iterable[str] | None = None,
        cookies: LooseCookies | None = None,
        timeout: ClientTimeout | float | None = UNSET,
        expect100: bool = False,
        compress: bool | str | None = None,
        chunked: bool | None = None,
        upload_tracker: UploadTracker | None = None,
        raise_for_status: RaiseForStatus | None = None,
        trace_request_ctx: Any = None,
        auth: BasicAuth | None = None,
        allow_redirects: bool = True,
        max_redirects: int = MAX_REDIRECTS,
        read_until_eof: bool = True,
        read_bufsize: int | None = None,
        auto_decompress: bool | None = None,
        max_line_size: int | None = None,
        max_field_size: int | None = None,
        max_headers: int | None = None,
        middlewares: Iterable[ClientMiddlewareType] | None = None,
        proxy: str | URL | None = None,
        proxy_auth: BasicAuth | None = None,
        proxy_headers: Headers | None = None,
        ssl: TlsOption = True,
        verify_ssl: bool | None = None,
        fingerprint: bytes | None = None,
        ssl_context: SSLContext | None = None,
        server_hostname: str | None = None,
    ) -> ClientResponse:
        """The one inner call: every request goes through it."""
        connector = self._connector
        if connector is None or connector.closed:
            raise RuntimeError("Session is closed")
        if not isinstance(method, str):
            raise TypeError(f"method: expected a str, got {method!r}")
        defaults = self._changed_defaults() if self._has_shown_headers else self._defaults
        if self._base_url is not None:
            url, defaults = self._from_base(url)
        if defaults.has_decided:
            headers = defaults.under(headers)
        if json is not _NOTHING and json is not None:
            data = self._serialize(json, data)
        method = method.upper()
        target = find_target(url, params)
        if auth is not None or self._authorizes or target.names_user:
            target, headers = await self._authorize(target, headers, auth, defaults)
        terms = self._terms
        bounds = (auto_decompress, read_bufsize, max_line_size, max_field_size, max_headers)
        if timeout is not UNSET or not read_until_eof or bounds != AS_BEFORE:
            terms = changed_terms(terms, self._decode_limits, timeout, read_until_eof, *bounds)
        if raise_for_status is not None or max_redirects != MAX_REDIRECTS:
            check_ends(raise_for_status, max_redirects)
        way: Way | None = None
        said = (proxy, proxy_auth, proxy_headers, server_hostname, verify_ssl, fingerprint, ssl_context)
        if self._has_ways or ssl is not True or said != NO_WAY:
            way = as_way(ssl, *said)
        sending, fields = self._plain, defaults.fields
        if expect100 or compress or chunked or upload_tracker is not None or skip_auto_headers is not None:
            skipped = self._skipped | skipped_names(skip_auto_headers)
            sending = as_sending(expect100, compress, chunked, upload_tracker, skipped)
            fields = defaults.beside(skipped)
        traces: Traces | None = None
        if self._trace_configs:
            # Hooks may change what is sent: the session's fields are in it, and not added a second time.
            headers, fields = defaults.under(headers), auto_fields(sending.skipped)
            traces = Traces(self, self._trace_configs, trace_request_ctx, method, target.real_url, headers)
            await traces.start()
        try:
            chain = self._middlewares if middlewares is None else as_middlewares(middlewares)
            request = self._prepare(method, target, fields, headers, data, cookies, sending, way)
            if chain or self._is_by_own or not (request.payload is None or request.payload.autoclose):
                kept_for = REDIRECTS if allow_redirects else ()
                response = await self._perform(connector, request, terms, traces, chain, kept_for)
            else:
                answer = await fetch(connector, request, terms, traces)
                response = self._make_response(request, answer, terms.decoding, traces)
            if allow_redirects and response.status in REDIRECTS:
                merged = defaults.under(headers)
                way_on = (cookies, max_redirects, sending, way, terms, traces, chain)
                response = await self._follow(connector, request, response, method, target, merged, *way_on)
            check = self._raise_for_status if raise_for_status is None else raise_for_status
            if check:
                await _check_status(response, check)
            if traces is not None:
                await traces.end(response)
        except BaseException as error:
            if traces is not None:
                await traces.fail(error)
            raise
        return response


async def _check_status(response: ClientResponse, raise_for_status: RaiseForStatus) -> None:
    try:
        if callable(raise_for_status):
            checking = raise_for_status(response)
            if not isawaitable(checking):
                raise TypeError(f"raise_for_status: expected a coroutine function, got {raise_for_status!r}")
            await checking
        elif response.status >= 400:
            await response._await_excerpt()
            response.raise_for_status()
    except BaseException:
        response.close()
        raise
