"""Requests as handlers see them. What most handlers never look at is made when it is looked at."""

import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from multidict import CIMultiDictProxy, MultiDict, MultiDictProxy
from yarl import URL

from ..body.reader import MultipartReader
from ..io.exchange import Exchange
from ..io.stream import StreamReader, whole_stream
from ..io.websocket import Endpoint
from ..keys import RequestKey
from ..wire.charsets import decode_text
from ..wire.coding import decoder_of
from ..wire.errors import ProtocolError
from ..wire.events import HttpVersion, RequestHead
from ..wire.fields import parse_media_type
from ..wire.limits import DecodeLimits
from ..wire.websocket.connection import WebSocketConnection
from .errors import HTTPBadRequest, HTTPRequestEntityTooLarge, HTTPUnsupportedMediaType
from .form import BoundedContent, FormValue, Upload, close_all, read_form_data, read_urlencoded
from .matching import AbstractMatchInfo, ApplicationLike
from .response import REASONS, Headers
from .storage import Storage


class RequestPayloadError(Exception):
    """The body of a request was broken or ended early. Unhandled, it is answered with 400 or 408."""

    def __init__(self, message: str, status_hint: int = 400) -> None:
        super().__init__(message)
        self.status_hint = status_hint


class ConnectionFacts(Protocol):
    """What a request knows of the connection that it came on."""

    @property
    def transport(self) -> asyncio.Transport | None: ...
    @property
    def task(self) -> "asyncio.Task[None] | None": ...
    @property
    def peername(self) -> Any: ...
    @property
    def decoding(self) -> DecodeLimits | None: ...
    def switch(self, machine: WebSocketConnection, **options: Any) -> Endpoint: ...


class BaseRequest(Storage):
    """A request, without an application: what a low-level server's handler gets.

    The parameters are those that aiohttp documents, so that a class of a user's can be a
    request factory. ``client_max_size`` bounds what `read` and `post` accept, in bytes, and
    ``client_max_fields`` how many fields of a form; 0 is unlimited. ``loop`` is not needed.
    """

    #: The methods whose body `post` reads.
    POST_METHODS = frozenset(("PATCH", "POST", "PUT", "TRACE", "DELETE"))

    _key_class = RequestKey

    _content: StreamReader | None = None
    _headers: CIMultiDictProxy[str] | None = None
    _post: MultiDictProxy[FormValue] | None = None
    _read_body: bytes | None = None
    _rel_url: URL | None = None

    def __init__(
        self,
        message: RequestHead,
        payload: bytes | StreamReader,
        protocol: ConnectionFacts,
        payload_writer: Exchange,
        task: "asyncio.Task[None] | None" = None,
        loop: asyncio.AbstractEventLoop | None = None,
        *,
        client_max_size: int = 1024**2,
        client_max_fields: int = 1000,
    ) -> None:
        #: The head as it was read.
        self.head = message
        self._body = payload
        self._connection = protocol
        #: Where the response goes.
        self.exchange = payload_writer
        self._task = task
        self._client_max_size = client_max_size
        self._client_max_fields = client_max_fields
        #: The connection may serve another request after this one.
        self.may_persist = True

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.method} {self.head.target}>"

    @property
    def expects_continue(self) -> bool:
        """The client waits for 100 (Continue) before it sends the body; reading the body sends it."""
        return self.head.expects_continue

    def send_informational(self, status: int, headers: Headers = ()) -> None:
        """Send a 1xx response ahead of the final one, 103 (Early Hints) for one (RFC 9110 section 15.2).

        Clients of HTTP/1.0 are sent nothing. ValueError for another status, RuntimeError once the
        response has begun.
        """
        fields = headers.items() if isinstance(headers, Mapping) else headers
        self.exchange.informational(status, REASONS.get(status, ""), fields)

    def switch(self, machine: WebSocketConnection, **options: Any) -> Endpoint:
        """Leave HTTP for the WebSocket that the answer has opened; ``options`` are those of `Endpoint`."""
        return self._connection.switch(machine, **options)

    # The request line

    @property
    def method(self) -> str:
        """The method, as sent: methods are case-sensitive."""
        return self.head.method

    @property
    def version(self) -> HttpVersion:
        """The version that the client speaks."""
        return self.head.version

    @property
    def raw_path(self) -> str:
        """The request-target, undecoded, with its query."""
        return self.head.target

    @property
    def rel_url(self) -> URL:
        """Path and query."""
        url = self._rel_url
        if url is None:
            target = self.head.target
            if target[0] == "/":
                path, _, query = target.partition("?")
                url = URL.build(path=path, query_string=query, encoded=True)
            elif self.method == "CONNECT":
                url = URL.build(path="", encoded=True)
            elif target == "*":
                url = URL.build(path="*", encoded=True)
            else:
                whole = URL(target, encoded=True)
                url = URL.build(path=whole.raw_path, query_string=whole.raw_query_string, encoded=True)
            self._rel_url = url
        return url

    @property
    def path(self) -> str:
        """The path, percent-decoded."""
        return self.rel_url.path

    @property
    def path_qs(self) -> str:
        """Path and query as text, percent-encoded."""
        return str(self.rel_url)

    @property
    def query(self) -> MultiDictProxy[str]:
        """The parameters in the query, decoded."""
        return self.rel_url.query

    @property
    def query_string(self) -> str:
        """The query, decoded."""
        return self.rel_url.query_string

    @property
    def url(self) -> URL:
        """The whole URL, as far as the client told it: scheme of the connection, Host, path and query."""
        authority = URL.build(scheme=self.scheme, authority=self.host, encoded=True)
        return authority.join(self.rel_url) if self.rel_url.raw_path.startswith("/") else authority

    @property
    def host(self) -> str:
        """The Host field, which the wire has checked; the local address for clients that sent none."""
        host = self.head.headers.get("Host")
        if host:
            return host
        name = self.get_extra_info("sockname")
        if not isinstance(name, tuple):
            return "localhost"
        return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"

    @property
    def secure(self) -> bool:
        """The connection is encrypted."""
        return self.get_extra_info("sslcontext") is not None

    @property
    def scheme(self) -> str:
        """The scheme of the connection: https if it is encrypted, else http."""
        return "https" if self.secure else "http"

    @property
    def remote(self) -> str | None:
        """The address of the peer that opened the connection."""
        name = self._connection.peername
        if isinstance(name, (tuple, list)):
            return str(name[0])
        return str(name) if name else None

    # The fields

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """The fields; a name may have several values."""
        headers = self._headers
        if headers is None:
            headers = self._headers = CIMultiDictProxy(self.head.headers)
        return headers

    @property
    def raw_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Names and values as they came, undecoded."""
        return self.head.raw_headers

    @property
    def keep_alive(self) -> bool:
        """The client would send another request on this connection."""
        return self.head.is_persistent

    @property
    def content_type(self) -> str:
        """The media type of the body; application/octet-stream if the client did not say."""
        value = self.head.headers.get("Content-Type")
        return "application/octet-stream" if not value else parse_media_type(value)[0]

    @property
    def charset(self) -> str | None:
        """The charset of the body, if the client said."""
        return parse_media_type(self.head.headers.get("Content-Type", ""))[1].get("charset")

    @property
    def content_length(self) -> int | None:
        """The length of the body in bytes, if the client said."""
        value = self.head.headers.get("Content-Length")
        return None if value is None else int(value)

    # The body

    @property
    def client_max_size(self) -> int:
        """How large a body `read` and `post` accept, in bytes; 0 is unlimited."""
        return self._client_max_size

    @property
    def client_max_fields(self) -> int:
        """How many fields `post`, and how many parts `multipart`, accept; 0 is unlimited."""
        return self._client_max_fields

    @property
    def body_exists(self) -> bool:
        """The request has a body, read or not."""
        return self._body != b""

    @property
    def can_read_body(self) -> bool:
        """The request has a body that is not wholly read."""
        return self.body_exists and not self.content.at_eof()

    @property
    def content(self) -> StreamReader:
        """The body as a stream."""
        content = self._content
        if content is None:
            body = self._body
            if not isinstance(body, StreamReader):
                fields = self.head.headers
                decoder = decoder_of(fields, self._connection.decoding)
                body = whole_stream(body, decoder, payload_error, is_chunk="Transfer-Encoding" in fields)
            content = self._content = body
        return content

    async def read(self) -> bytes:
        """Read the whole body; a second call gives the same bytes.

        Raises HTTPRequestEntityTooLarge past ``client_max_size``, RequestPayloadError for a broken body.
        """
        whole = self._read_body
        if whole is None:
            body, limit = self._body, self._client_max_size
            if isinstance(body, bytes) and self._content is None and not self._is_coded:
                if limit and len(body) > limit:
                    raise HTTPRequestEntityTooLarge(limit, len(body))
                whole = body
            else:
                whole = await self._read_bounded(self.content, limit)
            self._read_body = whole
        return whole

    async def _read_bounded(self, content: StreamReader, limit: int) -> bytes:
        self._check_length(limit)
        whole = bytearray()
        while chunk := await content.readany():
            whole += chunk
            if limit and len(whole) > limit:
                raise HTTPRequestEntityTooLarge(limit, len(whole))
        return bytes(whole)

    def _check_length(self, limit: int) -> None:
        announced = self.content_length
        if limit and announced is not None and announced > limit:
            raise HTTPRequestEntityTooLarge(limit, announced)

    async def text(self) -> str:
        """Read the whole body and decode it; HTTPBadRequest if its charset is unknown or does not fit."""
        body = await self.read()
        try:
            return decode_text(body, self.charset or "utf-8")
        except ProtocolError as error:
            raise HTTPBadRequest(text=error.message) from error

    async def json(self, *, loads: Callable[[str], Any] = json.loads) -> Any:
        """Read the whole body and parse it as JSON; what ``loads`` raises is raised."""
        return loads(await self.text())

    async def multipart(self) -> MultipartReader:
        """A reader of the parts of a multipart body; HTTPUnsupportedMediaType for another body.

        It accepts ``client_max_fields`` parts and, of each that is read whole, ``client_max_size``
        bytes; what is read in pieces may be of any size. A malformed body raises RequestPayloadError.
        """
        if not self.content_type.startswith("multipart/"):
            raise HTTPUnsupportedMediaType(text=f"expected multipart/*, got {self.content_type[:80]!r}")
        return MultipartReader(
            self.headers,
            self._unread(),
            client_max_size=self._client_max_size or sys.maxsize,
            max_parts=self._client_max_fields,
            max_size_error_cls=lambda limit: HTTPRequestEntityTooLarge(limit, limit + 1),
            error_factory=payload_error,
        )

    async def post(self) -> MultiDictProxy[FormValue]:
        """Read the form in the body, urlencoded or multipart/form-data; a second call gives the same.

        Fields are str, or bytes if they say that they are no text; files are FileField, and closed
        when the request is over. Nothing for other bodies, and for methods that post none.
        Raises HTTPRequestEntityTooLarge past ``client_max_size`` or ``client_max_fields``,
        HTTPBadRequest and RequestPayloadError for a broken form.
        """
        form = self._post
        if form is None:
            form = self._post = MultiDictProxy(await self._read_form())
        return form

    async def _read_form(self) -> MultiDict[FormValue]:
        if self.method in self.POST_METHODS:
            if self.content_type == "multipart/form-data":
                return await self._read_form_data()
            if self.content_type == "application/x-www-form-urlencoded":
                body = await self.read()
                try:
                    return read_urlencoded(body, self.charset or "utf-8", self._client_max_fields)
                except ProtocolError as error:
                    raise payload_error(error) from error
        return MultiDict()

    async def _read_form_data(self) -> MultiDict[FormValue]:
        limit = self._client_max_size
        self._check_length(limit)
        content = BoundedContent(self._unread(), limit)
        # Parts are counted as fields.
        reader = MultipartReader(self.headers, content, max_parts=0, error_factory=payload_error)
        uploads: list[Upload] = []
        try:
            form = await read_form_data(reader, self._client_max_fields, uploads)
        except BaseException:
            close_all(uploads)
            raise
        if uploads and (task := self.task):
            task.add_done_callback(lambda _: close_all(uploads))
        return form

    def _unread(self) -> StreamReader:
        """The content, also if it was read: once more, then."""
        body = self._read_body
        return self.content if body is None else whole_stream(body, None, payload_error)

    @property
    def _is_coded(self) -> bool:
        return "Content-Encoding" in self.head.headers and self._connection.decoding is not None

    # The connection

    @property
    def transport(self) -> asyncio.Transport | None:
        """The transport of the connection, None once it is closed."""
        return self._connection.transport

    @property
    def task(self) -> "asyncio.Task[None] | None":
        """The task that handles this request."""
        return self._task or self._connection.task or asyncio.current_task()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the transport says of ``name``: see `asyncio.BaseTransport.get_extra_info`."""
        transport = self._connection.transport
        return default if transport is None else transport.get_extra_info(name, default)


class Request(BaseRequest):
    """A request on its way through an application."""

    _app: ApplicationLike | None = None
    _match_info: AbstractMatchInfo | None = None

    @property
    def app(self) -> ApplicationLike:
        """The application that handles the request."""
        if self._app is None:
            raise RuntimeError("request.app: the request has not reached an application")
        return self._app

    @property
    def match_info(self) -> Any:
        """What the router found: the parts of the path by name."""
        if self._match_info is None:
            raise RuntimeError("request.match_info: the request has not been routed")
        return self._match_info


def payload_error(error: ProtocolError) -> RequestPayloadError:
    """What a reader of a broken request body gets."""
    return RequestPayloadError(error.message, error.status_hint)
