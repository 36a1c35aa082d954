"""Responses as callers see them."""

import asyncio
import json as json_module
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from http.cookies import SimpleCookie
from typing import Any, Final, NamedTuple, Self

from multidict import CIMultiDict, CIMultiDictProxy, MultiDictProxy
from yarl import URL

from ..io.stream import StreamReader, whole_stream
from ..wire.charsets import codec_of
from ..wire.coding import decoder_of
from ..wire.events import HttpVersion, HttpVersion11, ResponseHead
from ..wire.fields import parse_media_type
from ..wire.limits import DecodeLimits
from .connection import Answer, ClientConnection, payload_error
from .described import ContentDisposition, disposition_of, links_of
from .errors import ClientConnectionError, ClientError, ClientResponseError, ContentTypeError, RequestInfo
from .guard import Guard
from .morsels import response_cookies
from .outgoing import ClientRequest

#: What an error tells of a body, and how long it is waited for.
_EXCERPT_BYTES: Final = 64 * 1024
_EXCERPT_SECONDS: Final = 1.0
_DEFAULT_TYPE: Final = "application/octet-stream"
_NO_FIELDS: Final = CIMultiDictProxy(CIMultiDict[str]())
#: That of a response which came over no connection.
_NO_HEAD: Final = ResponseHead(0, "", HttpVersion11, CIMultiDict(), b"")


class Released:
    """What `release` returns: it has acted already; awaiting it does nothing more."""

    __slots__ = ()

    def __await__(self) -> Any:
        return iter(())


_RELEASED: Final = Released()


class _Origin(NamedTuple):
    """What a response that came over no connection knows of its request."""

    method: str
    real_url: URL
    given_info: RequestInfo | None

    @property
    def url(self) -> URL:
        return self.real_url.with_fragment(None)

    @property
    def sent_size(self) -> int:
        return 0

    @property
    def info(self) -> RequestInfo:
        return self.given_info or RequestInfo(self.url, self.method, _NO_FIELDS, self.real_url)


class ClientResponse:
    """The response to a request: its head, and its body as it comes.

    The connection is free again as soon as the body is read to its end; `release`, or
    leaving ``async with``, gives it up before that.

    Sessions make them. Whoever makes one itself, to stand for a server's, gives the method
    and the URL, assigns ``status``, ``reason``, ``content`` and what else it should say; the
    other parameters are those that aiohttp gives to a class of its users.
    """

    #: The status code; 0 before there is one.
    status: int = 0
    #: The reason phrase, which may be empty.
    reason: str | None = None
    #: The version that the server answered in.
    version: HttpVersion | None = None
    #: What earlier tries of this request ended in: empty unless `retry_stale` had to help.
    attempts: Sequence[Exception] = ()
    #: The heads of 1xx responses that came before this one: 103 (Early Hints), for one.
    informational: Sequence[ResponseHead] = ()

    _request: "ClientRequest | _Origin"
    _head: ResponseHead = _NO_HEAD
    _decoding: DecodeLimits | None = None
    _body: bytes | None = None
    _content: StreamReader | None = None
    _headers: CIMultiDictProxy[str] | None = None
    _raw_headers: tuple[tuple[bytes, bytes], ...] | None = None
    _cookies: SimpleCookie | None = None
    _history: "tuple[ClientResponse, ...]" = ()
    _guard: "Guard | None" = None
    #: Its session, where others look for it; a response of the plain class does not keep it.
    _session: object = None
    _resolve_charset: "CharsetResolver | None" = None
    #: Leaving ``async with`` will give the connection up.
    _is_entered: bool = False

    def __init__(
        self,
        method: str,
        url: URL | str,
        *,
        writer: object = None,
        continue100: object = None,
        timer: object = None,
        request_info: RequestInfo | None = None,
        traces: object = None,
        loop: object = None,
        session: object = None,
        stream_writer: object = None,
    ) -> None:
        self._request = _Origin(method, URL(url), request_info)
        self._session = session

    def begin(self, request: ClientRequest, answer: Answer, decoding: DecodeLimits | None) -> None:
        """Be the response that has come to ``request``."""
        self._request = request
        self._head = head = answer.head
        self._decoding = decoding
        self.status = head.status
        self.reason = head.reason
        self.version = head.version
        if answer.attempts:
            self.attempts = answer.attempts
        if answer.informational:
            self.informational = answer.informational
        self._content = answer.content
        if answer.connection.is_in(answer.exchange):
            self._guard = Guard(answer, request)

    async def start(self, connection: ClientConnection) -> Self:
        """The response, whose head has come over ``connection``.

        For a ``response_class`` to do more at that moment: it is awaited before anybody has the response.
        """
        return self

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self.url}) [{self.status} {self.reason}]>"

    async def __aenter__(self) -> Self:
        self._is_entered = True
        return self

    async def __aexit__(self, *error: object) -> None:
        self.close()

    # The head

    @property
    def method(self) -> str:
        """The method of the request."""
        return self._request.method

    @property
    def url(self) -> URL:
        """The URL of the request, without its fragment."""
        return self._request.url

    @property
    def real_url(self) -> URL:
        """The URL of the request."""
        return self._request.real_url

    @property
    def url_obj(self) -> URL:
        """The URL, by its deprecated name."""
        warnings.warn("url_obj is deprecated, use url", DeprecationWarning, stacklevel=2)
        return self.url

    @property
    def host(self) -> str:
        """The host that answered."""
        return self._request.url.host or ""

    @property
    def request_info(self) -> RequestInfo:
        """The request that was sent."""
        return self._request.info

    @property
    def history(self) -> tuple["ClientResponse", ...]:
        """The responses that led here, the first one first."""
        return self._history

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """The fields; a name may have several values."""
        headers = self._headers
        if headers is None:
            headers = self._headers = CIMultiDictProxy(self._head.headers)
        return headers

    @property
    def cookies(self) -> SimpleCookie:
        """What this response set, by Set-Cookie fields."""
        cookies = self._cookies
        if cookies is None:
            cookies = self._cookies = response_cookies(self.headers.getall("Set-Cookie", ()))
        return cookies

    @property
    def raw_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Names and values as they came, undecoded."""
        raw = self._raw_headers
        if raw is None:
            raw = self._raw_headers = self._head.raw_headers
        return raw

    @property
    def trailers(self) -> CIMultiDictProxy[str]:
        """The fields that came behind the body (RFC 9110 section 6.5): none before its end has come."""
        trailers = None if self._content is None else self._content.trailers
        return _NO_FIELDS if trailers is None else CIMultiDictProxy(trailers)

    @property
    def content_type(self) -> str:
        """The media type of the body; application/octet-stream if the server did not say."""
        value = self.headers.get("Content-Type")
        return parse_media_type(value)[0] if value else _DEFAULT_TYPE

    @property
    def charset(self) -> str | None:
        """The charset of the body, if the server said."""
        return parse_media_type(self.headers.get("Content-Type", ""))[1].get("charset")

    @property
    def content_length(self) -> int | None:
        """The length of the body on the wire in bytes, if the server said."""
        value = self.headers.get("Content-Length")
        return int(value) if value is not None and value.isdigit() else None

    @property
    def content_disposition(self) -> ContentDisposition | None:
        """How the body is to be shown, and its file name (RFC 6266), if the server said."""
        return disposition_of(self.headers)

    @property
    def links(self) -> MultiDictProxy[MultiDictProxy[str | URL]]:
        """Where the Link fields lead (RFC 8288), by relation.

        Each holds its parameters, and as "url" its target, found from the URL of the response. What
        has no relation stands under its target.
        """
        return links_of(self.headers, self.url)

    @property
    def ok(self) -> bool:
        """The status is below 400."""
        return self.status < 400

    def raise_for_status(self) -> None:
        """Raise ClientResponseError for a status of 400 and above, with what has come of the body.

        That gives the connection up, except within ``async with``, where the body can still be read.
        """
        if self.status < 400:
            return
        error = ClientResponseError(
            self.request_info,
            self.history,
            status=self.status,
            message=self.reason or "",
            headers=self.headers,
        )
        error.body = self._excerpt()
        if not self._is_entered:
            self.close()
        raise error

    def _excerpt(self) -> bytes:
        """What has come of the body, at most 64 KiB; it stays to be read."""
        if self._body is not None:
            return self._body[:_EXCERPT_BYTES]
        content = self.content
        try:
            excerpt = content.read_nowait(_EXCERPT_BYTES)
        except (ClientError, RuntimeError):  # it is broken, or somebody reads it
            return b""
        content._give_back(excerpt)
        return excerpt

    async def _await_excerpt(self) -> None:
        """Let the body come as far as `_excerpt` goes, for at most a second."""
        content, held = self.content, b""
        with suppress(TimeoutError, ClientError, RuntimeError):
            async with asyncio.timeout(_EXCERPT_SECONDS):
                while len(held) < _EXCERPT_BYTES and (piece := await content.readany()):
                    held += piece
        content._give_back(held)

    # The body

    @property
    def content(self) -> StreamReader:
        """The body as a stream. Reading it may raise ClientPayloadError."""
        content = self._content
        if content is None:
            fields = self._head.headers
            content = self._content = whole_stream(
                self._head.body or b"",
                decoder_of(fields, self._decoding),
                payload_error,
                is_chunk="Transfer-Encoding" in fields,
            )
        return content

    @content.setter
    def content(self, value: StreamReader) -> None:
        self._content = value

    async def read(self) -> bytes:
        """Read the whole body; a second call gives the same bytes.

        Raises ClientPayloadError for a body that is broken or ends early,
        ClientConnectionError if the connection was given up before.
        """
        body = self._body
        if body is None:
            whole = self._head.body
            if whole is not None and self._content is None and not self._is_coded:
                body = whole
            else:
                body = await self._read_content()
            self._body = body
        return body

    async def _read_content(self) -> bytes:
        try:
            return await self.content.read()
        except BaseException:
            self.close()
            raise

    async def text(self, encoding: str | None = None, errors: str = "strict") -> str:
        """Read the whole body and decode it: by ``encoding``, the charset that the server named, or UTF-8."""
        body = await self.read()
        return body.decode(encoding or self.get_encoding(), errors)

    async def json(
        self,
        *,
        encoding: str | None = None,
        loads: Callable[[str], Any] = json_module.loads,
        content_type: str | None = "application/json",
    ) -> Any:
        """Read the whole body and parse it; None for an empty one.

        Raises ContentTypeError unless the type is ``content_type`` (for JSON also
        ``application/*+json``; None accepts all), and what ``loads`` raises.
        """
        body = await self.read()
        if content_type is not None and not _is_type(self.content_type, content_type):
            raise ContentTypeError(
                self.request_info,
                self.history,
                status=self.status,
                message=f"expected {content_type}, got {self.content_type}; the body begins {body[:100]!r}",
                headers=self.headers,
            )
        text = body.decode(encoding or self.get_encoding())
        return loads(text) if text.strip() else None

    def get_encoding(self) -> str:
        """The charset that the server named, if it is one; else what ``fallback_charset_resolver`` says.

        By default that is UTF-8; another one is asked with the body, and RuntimeError is raised before
        that was read.
        """
        charset = self.charset
        if charset is not None and codec_of(charset) is not None:
            return charset
        if self._resolve_charset is None:
            return "utf-8"
        if self._body is None:
            raise RuntimeError("get_encoding: expected the body to be read, its charset is found from it")
        return self._resolve_charset(self, self._body)

    @property
    def _is_coded(self) -> bool:
        return self._decoding is not None and "Content-Encoding" in self._head.headers

    # The connection

    @property
    def connection(self) -> ClientConnection | None:
        """The connection while the exchange goes on, None afterwards."""
        guard = self._guard
        return None if guard is None or not guard.is_held() else guard.connection

    @property
    def closed(self) -> bool:
        """The exchange is over: read to its end, or given up."""
        return self.connection is None

    @property
    def _released(self) -> bool:
        # Of a body that came with its head the connection is free before anybody has read it.
        return self.connection is None and (self._body is not None or self._head.body is None)

    async def wait_for_close(self) -> None:
        """Wait until the body of the request has left, then release the connection."""
        if (sender := self._sender) is not None:
            await asyncio.wait((sender,))
        self.close()

    @property
    def upload_complete(self) -> bool:
        """Nothing of the request is sent any more. Deprecated: an UploadTracker says how much was."""
        _deprecated("upload_complete")
        return self._sender is None

    @property
    def output_size(self) -> int:
        """The bytes of the request that have left, its head among them.

        Deprecated: an UploadTracker says how much of the body has left.
        """
        _deprecated("output_size")
        return self._request.sent_size

    def release(self) -> Released:
        """Give the connection up; if the body was not read to its end, it is closed. Need not be awaited."""
        self.close()
        return _RELEASED

    @property
    def _sender(self) -> "asyncio.Task[None] | None":
        """What still sends the body of the request."""
        guard = self._guard
        return guard.connection.sender if guard is not None and guard.is_held() else None

    async def _discard(self) -> None:
        """Give the connection up, but for others to use it, if little is left of the body."""
        guard, self._guard = self._guard, None
        if guard is not None and guard.is_held():
            guard.let_go()
            await guard.connection.discard(ClientConnectionError("Connection closed"))

    def close(self) -> None:
        """Give the connection up."""
        guard, self._guard = self._guard, None
        if guard is not None and guard.is_held():
            guard.give_up(ClientConnectionError("Connection closed"))


def _deprecated(name: str) -> None:
    warnings.warn(
        f"ClientResponse.{name} is deprecated: use upload_tracker=UploadTracker()",
        DeprecationWarning,
        stacklevel=3,
    )


def blank_response(
    kind: type[ClientResponse], request: ClientRequest, session: object, traces: object = ()
) -> ClientResponse:
    """Of a class whose ``__init__`` is the user's: it is given what aiohttp would give it."""
    return kind(
        request.method,
        request.url,
        writer=None,
        continue100=None,
        timer=None,
        request_info=request.info,
        traces=traces,
        loop=asyncio.get_running_loop(),
        session=session,
        stream_writer=None,
    )


#: Finds the charset of a body whose server did not name one.
CharsetResolver = Callable[[ClientResponse, bytes], str]


def _is_type(actual: str, expected: str) -> bool:
    if actual == expected.lower():
        return True
    return expected == "application/json" and actual.startswith("application/") and actual.endswith("+json")
