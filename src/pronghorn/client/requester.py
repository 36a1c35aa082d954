"""What a session does for each request, and for each that a redirect leads to."""

import asyncio
from collections.abc import Awaitable, Container, Coroutine
from functools import partial
from typing import Any, Final, NamedTuple

from multidict import CIMultiDict, istr
from yarl import URL

from ..body.data import make_payload
from ..body.payload import Payload
from ..io.dial import TunnelledAddress
from ..io.tasks import start_task
from ..wire.limits import DecodeLimits
from .auth import BasicAuth, strip_auth_from_url
from .connection import Answer, ClientConnection
from .connector import BaseConnector
from .cookiejar import AbstractCookieJar, CookieJar, LooseCookies
from .errors import InvalidUrlClientError, TooManyRedirects, UnrepeatableBodyError
from .flow import fetch
from .middlewares import ClientMiddlewareType, build_client_middlewares
from .netrc import netrc_auth
from .outgoing import ClientRequest, make_request
from .redirects import REDIRECTS, first_hop, next_hop, origin_of
from .response import CharsetResolver, ClientResponse, blank_response
from .route import PROXY_AUTHORIZATION, Proxy, make_proxy, make_route, proxy_from_environment
from .sent_fields import Defaults, Fields, Headers, as_cookies, as_fields, auto_fields
from .target import Target, target_of
from .terms import Terms
from .tls import VERIFIED, TlsOption
from .tracing import Traces
from .uploads import UploadTracker

_AUTHORIZATION: Final = istr("Authorization")
_COOKIE: Final = istr("Cookie")
_SET_COOKIE: Final = istr("Set-Cookie")


class Sending(NamedTuple):
    """How a body is sent."""

    expect100: bool = False
    compress: bool | str | None = None
    chunked: bool | None = None
    tracker: UploadTracker | None = None
    #: Fields that are not made up, in lower case.
    skipped: frozenset[str] = frozenset()


class Way(NamedTuple):
    """How a connection is made, as the caller says it."""

    proxy: str | URL | None = None
    proxy_auth: BasicAuth | None = None
    proxy_headers: Headers | None = None
    ssl: TlsOption = True
    server_hostname: str | None = None


PLAIN: Final = Sending()


class Requester:
    """Makes requests of what it is told, sends them, and follows where they lead."""

    _connector: BaseConnector | None
    #: Made when there is something to keep.
    _jar: AbstractCookieJar | None
    _auth: BasicAuth | None
    _base_url: URL | None
    _defaults: Defaults
    #: Somebody has the fields of the session, and may change them.
    _has_shown_headers: bool = False
    _terms: Terms
    _proxy: Proxy | None
    _requote_redirect_url: bool
    _resolve_charset: CharsetResolver | None
    _request_class: type[ClientRequest]
    _response_class: type[ClientResponse]
    #: A class of the user's has a way of its own to send requests, or to begin responses.
    _sends_by_own: bool
    _starts_by_own: bool
    _has_plain_responses: bool
    _trust_env: bool

    @property
    def cookie_jar(self) -> AbstractCookieJar:
        """What servers have set, for the requests that it is meant for."""
        if self._jar is None:
            self._jar = CookieJar()
        return self._jar

    def _prepare(
        self,
        method: str,
        target: Target,
        default_fields: Fields,
        headers: Headers | None,
        data: Any,
        cookies: LooseCookies | None,
        sending: Sending,
        way: Way | None,
    ) -> ClientRequest:
        """One request, ready to be sent."""
        url, proxy = target.real_url, None
        if way is not None:
            proxy, headers = self._choose_proxy(url, headers, way)
        if cookies or self._jar is not None:
            headers = self._add_cookies(headers, url, cookies)
        if self._request_class is not ClientRequest:
            request = self._of_own_class(method, url, default_fields, headers, data, sending, way, proxy)
        elif sending is PLAIN:
            payload = None if data is None else make_payload(data)
            request = ClientRequest.__new__(ClientRequest)
            request.fill(method, target, default_fields, headers, payload)
        else:
            request = make_request(method, url, default_fields, headers, data, *sending)
        if way is not None:
            request.address, request.proxy_fields = make_route(url, proxy, way.ssl, way.server_hostname)
            if request.upgrade and proxy is not None:
                request.address = TunnelledAddress(*request.address)
        return request

    def _of_own_class(
        self,
        method: str,
        url: URL,
        default_fields: Fields,
        headers: Headers | None,
        data: Any,
        sending: Sending,
        way: Way | None,
        proxy: Proxy | None,
    ) -> ClientRequest:
        """A request of the user's class, which is given what aiohttp would give it."""
        given = as_fields(headers or ())
        defaults = [field for field in default_fields if field[0] not in given]
        ssl = True if way is None or way.ssl is VERIFIED else way.ssl
        request = self._request_class(
            method,
            url,
            headers=CIMultiDict([*defaults, *given.items()]),
            skip_auto_headers=sending.skipped,
            data=data,
            cookies=None,
            auth=None,
            version=self._terms.version,
            compress=sending.compress,
            chunked=sending.chunked,
            expect100=sending.expect100,
            loop=asyncio.get_running_loop(),
            response_class=self._response_class,
            proxy=None if proxy is None else proxy.url,
            proxy_auth=None if proxy is None else proxy.auth,
            timer=None,
            session=self,
            ssl=ssl,
            proxy_headers=None if proxy is None else proxy.fields,
            traces=[],
            trust_env=self._trust_env,
            server_hostname=None if way is None else way.server_hostname,
        )
        request.tracker = sending.tracker
        return request

    async def _perform(
        self,
        connector: BaseConnector,
        request: ClientRequest,
        terms: Terms,
        traces: Traces | None,
        middlewares: tuple[ClientMiddlewareType, ...],
        kept_for: Container[int],
        start: float | None = None,
    ) -> ClientResponse:
        """Send a request through ``middlewares``; its body stays open for statuses of ``kept_for``.

        Their total spans all that they send, and what they wait for besides.
        """
        timeout = terms.timeout
        request.session = self
        if middlewares and start is None:
            start = request.start = asyncio.get_running_loop().time()
        handler = partial(self._answer, connector, terms, traces, start)
        response = build_client_middlewares(handler, middlewares)(request)
        if middlewares and start is not None and timeout.total is not None and timeout.pool is None:
            response = _in_total(response, start, timeout.total)
        if request.payload is None or request.payload.autoclose:
            return await response
        return await _close_when_sent(request, response, kept_for)

    async def _answer(
        self,
        connector: BaseConnector,
        terms: Terms,
        traces: Traces | None,
        start: float | None,
        request: ClientRequest,
    ) -> ClientResponse:
        """Send a request: what the last of the middlewares has for a handler."""
        request.settle()
        if self._sends_by_own:
            return await self._let_send(connector, request, terms, traces, start)
        answer = await fetch(connector, request, terms, traces, start)
        return await self._start(self._make_response(request, answer, terms.decoding, traces), answer)

    async def _let_send(
        self,
        connector: BaseConnector,
        request: ClientRequest,
        terms: Terms,
        traces: Traces | None,
        start: float | None,
    ) -> ClientResponse:
        """Let a request of the user's class send itself, over the connections that are chosen for it."""
        responses: list[ClientResponse] = []

        async def send(connection: ClientConnection, exchange: Coroutine[Any, Any, Answer]) -> Answer:
            answers: list[Answer] = []

            async def carry_out() -> ClientResponse:
                answer = await exchange
                answers.append(answer)
                return await self._start(self._make_response(request, answer, terms.decoding, traces), answer)

            request.carry_out = carry_out
            try:
                responses.append(await request.send(connection))
            except BaseException:
                connection.abandon()
                raise
            finally:
                exchange.close()
            if not answers:
                raise RuntimeError(f"{request!r}: expected its send to await super().send(conn)")
            return answers[-1]

        await fetch(connector, request, terms, traces, start, send)
        return responses[-1]

    async def _start(self, response: ClientResponse, answer: Answer) -> ClientResponse:
        """Tell a response of the user's class that it has begun, if that wants to know."""
        if not self._starts_by_own:
            return response
        try:
            return await response.start(answer.connection)
        except BaseException:
            response.close()
            raise

    def _make_response(
        self, request: ClientRequest, answer: Answer, decoding: DecodeLimits | None, traces: Traces | None
    ) -> ClientResponse:
        """The response that an answer is, its cookies kept."""
        try:
            if _SET_COOKIE in answer.head.headers:
                set_cookies = answer.head.headers.getall(_SET_COOKIE)
                self.cookie_jar.update_cookies_from_headers(set_cookies, request.url)
            kind = self._response_class
            if self._has_plain_responses:
                response = kind.__new__(kind)  # what __init__ would note, the request knows
            else:
                response = blank_response(kind, request, self, () if traces is None else traces.each)
            response.begin(request, answer, decoding)
        except BaseException:
            # Of a jar or a class of the user's: nobody else knows of the connection.
            if answer.connection.is_in(answer.exchange):
                answer.connection.abandon()
            raise
        if self._resolve_charset is not None:
            response._resolve_charset = self._resolve_charset
        return response

    async def _follow(
        self,
        connector: BaseConnector,
        request: ClientRequest,
        response: ClientResponse,
        method: str,
        target: Target,
        headers: CIMultiDict[str],
        cookies: LooseCookies | None,
        most: int,
        sending: Sending,
        way: Way | None,
        terms: Terms,
        traces: Traces | None,
        middlewares: tuple[ClientMiddlewareType, ...],
    ) -> ClientResponse:
        """The response at the end of the chain that begins with ``request`` and its ``response``.

        TooManyRedirects when there are ``most`` of them; 0 is no limit.
        """
        hop = first_hop(method, target.real_url, headers, cookies, request.payload)
        fields, start = auto_fields(sending.skipped), request.start
        history: list[ClientResponse] = []
        try:
            while response.status in REDIRECTS:
                onward = next_hop(
                    hop, response.status, _locations(response), requote=self._requote_redirect_url
                )
                if onward is None:
                    break
                history.append(response)
                if traces is not None:
                    await traces.redirect(onward.method, onward.url, onward.headers, response)
                if most and len(history) >= most:
                    raise _too_many(history)
                await response._discard()
                if onward.data is not None and not onward.data.rewind():
                    raise UnrepeatableBodyError(
                        f"{response.status} asks for the body again, and it can be sent once: {onward.data!r}"
                    )
                if hop.data is not None and onward.data is None:
                    await hop.data.close()
                    sending = PLAIN  # the rest is said of the body
                hop = onward
                cookies = hop.credentials.cookies
                target = target_of(hop.url)
                request = self._prepare(
                    hop.method, target, fields, hop.headers, hop.data, cookies, sending, way
                )
                response = await self._perform(
                    connector, request, terms, traces, middlewares, REDIRECTS, start
                )
        except BaseException as error:
            response.close()
            if hop.data is not None and not isinstance(error, GeneratorExit):
                await hop.data.close()
            raise
        if response.status in REDIRECTS and hop.data is not None:
            await _close_behind(response._sender, hop.data)  # it was kept for where this one leads
        response._history = tuple(history)
        return response

    # What a request is made of

    async def _authorize(
        self,
        target: Target,
        headers: Headers | None,
        auth: BasicAuth | None,
        defaults: Defaults | None = None,
    ) -> tuple[Target, Headers | None]:
        """``target`` without credentials, and ``headers`` with those that count, over ``defaults``.

        The caller's first, then those of the URL, of the session, and of the user's netrc file. ValueError
        if the caller's are given twice.
        """
        if auth is not None and not isinstance(auth, BasicAuth):
            raise TypeError(f"auth: expected None or a BasicAuth, got {type(auth).__name__}")
        try:
            url, own = strip_auth_from_url(target.real_url)
            if auth is not None and own is not None:
                raise ValueError("auth: the URL has credentials already")
            if own is not None:
                target = target_of(url)
            chosen = auth or own
            fields = as_fields(headers or ())
            base = self._defaults if defaults is None else defaults
            if _AUTHORIZATION in fields or _AUTHORIZATION in base.given:
                if auth is not None:
                    raise ValueError("auth: the headers have an Authorization already")
                return target, fields
            if chosen is None and (self._base_url is None or origin_of(self._base_url) == origin_of(url)):
                chosen = self._auth
            if chosen is None and self._trust_env and url.host is not None:
                chosen = await netrc_auth(url.host)
            if chosen is not None:
                fields[_AUTHORIZATION] = _authorization(chosen)
        except ValueError as error:
            if auth is not None:
                raise
            raise InvalidUrlClientError(target.real_url.with_user(None), str(error)) from error
        return target, fields

    def _changed_defaults(self) -> Defaults:
        """The fields of the session as they are, where somebody may have changed them."""
        if self._defaults.is_stale:
            self._defaults = Defaults(self._defaults.given, self._defaults.skipped)
        return self._defaults

    @property
    def _default_headers(self) -> Any:
        self._has_shown_headers = True
        return self._defaults.given

    @_default_headers.setter
    def _default_headers(self, headers: Headers) -> None:
        # As Home Assistant does, to keep others from changing them.
        self._defaults = Defaults(as_fields(headers), self._defaults.skipped)

    def _prepare_headers(self, headers: Headers | None) -> CIMultiDict[str]:
        """The fields of a request: its own, and the session's that it does not replace."""
        return self._defaults.under(headers)

    def _add_cookies(self, headers: Headers | None, url: URL, cookies: LooseCookies | None) -> Headers | None:
        found = self.cookie_jar.cookie_field(url, as_cookies(cookies) if cookies else None)
        if not found:
            return headers
        fields = as_fields(headers or ())
        # RFC 6265 section 5.4: in one field.
        fields[_COOKIE] = "; ".join([*fields.getall(_COOKIE, ()), found])
        return fields

    def _choose_proxy(
        self, url: URL, headers: Headers | None, way: Way
    ) -> tuple[Proxy | None, Headers | None]:
        """By which proxy ``url`` is requested, and ``headers`` without what is for the proxy alone."""
        takes_proxies = self._connector is not None and self._connector.takes_proxies
        if way.proxy is not None or self._proxy is not None:
            if not takes_proxies:
                raise ValueError(f"proxy: {self._connector!r} connects by none")
            proxy = self._proxy if way.proxy is None else make_proxy(way.proxy)
        else:
            proxy = proxy_from_environment(url) if self._trust_env and takes_proxies else None
        fields = as_fields(headers or ())
        if proxy is None:
            if self._trust_env:
                fields.popall(PROXY_AUTHORIZATION, None)  # for the proxy that this host is excepted from
            return None, fields
        told = [*as_fields(way.proxy_headers or ()).items()]
        told += [(PROXY_AUTHORIZATION, value) for value in fields.popall(PROXY_AUTHORIZATION, ())]
        return proxy.told(way.proxy_auth, told), fields


async def _in_total(responding: Awaitable[ClientResponse], start: float, total: float) -> ClientResponse:
    deadline = asyncio.timeout_at(start + total)
    try:
        async with deadline:
            return await responding
    except TimeoutError as error:
        if deadline.expired():
            raise TimeoutError(f"The request took longer than its total of {total} s") from error
        raise


async def _close_when_sent(
    request: ClientRequest, responding: Awaitable[ClientResponse], kept_for: Container[int]
) -> ClientResponse:
    """Let the body go of what it holds when nothing of it will be sent any more.

    That is not known yet when the status is one of ``kept_for``.
    """
    try:
        response = await responding
    except BaseException as error:
        if not isinstance(error, GeneratorExit):  # that lets nobody wait
            await request.close_body()
        raise
    if request.payload is not None and response.status not in kept_for:
        await _close_behind(response._sender, request.payload)
    return response


async def _close_behind(sender: "asyncio.Task[None] | None", payload: Payload) -> None:
    """Close ``payload``, once it is sent: an answer may come before the whole of it has left."""
    if sender is None:
        await payload.close()
    else:
        sender.add_done_callback(lambda _: start_task(payload.close(), asyncio.get_running_loop()))


def _authorization(auth: BasicAuth) -> str:
    """The value of the field; ValueError, which shows nothing of it, if it can't be encoded."""
    try:
        return auth.encode()
    except UnicodeError:
        raise ValueError(f"auth: expected characters of {auth.encoding}") from None


def _locations(response: ClientResponse) -> list[str]:
    headers = response.headers
    return [*headers.getall("Location", ()), *headers.getall("URI", ())]


def _too_many(history: list[ClientResponse]) -> TooManyRedirects:
    first, last = history[0], history[-1]
    return TooManyRedirects(
        first.request_info,
        history,
        status=last.status,
        message=last.reason or "",
        headers=last.headers,
    )
