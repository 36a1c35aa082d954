"""`Response`: a body and what is said of it, in one write where that can be."""

import json
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, final

from multidict import CIMultiDict

from ..body.payload import Payload
from ..body.registry import PAYLOAD_REGISTRY
from ..body.registry import LookupError as NoPayloadError
from ..io.exchange import Exchange
from ..wire.accept import IDENTITY
from ..wire.conditional import ETAG_ANY
from ..wire.events import HttpVersion10
from ..wire.fields import parse_media_type
from .content_coding import ON_LOOP, ContentCoding
from .response_head import CONTENT_TYPE, DEFAULT_TYPE, REASONS, SERVER_SOFTWARE, Headers, with_charset
from .stream_response import Answerable, StreamResponse

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = (
    "ETAG_ANY",
    "REASONS",
    "SERVER_SOFTWARE",
    "Answerable",
    "ContentCoding",
    "Headers",
    "Response",
    "StreamResponse",
    "json_bytes_response",
    "json_response",
)

_TEXT_TYPE: Final = "text/plain; charset=utf-8"
_OCTETS: Final = (bytes, bytearray, memoryview)


@final
class _BodyWriter:
    """Where a payload goes."""

    __slots__ = ("write",)

    def __init__(self, write: Callable[[bytes], Any]) -> None:
        self.write = write


class Response(StreamResponse):
    """A response with its body.

    ``text`` is encoded by ``charset`` (UTF-8) and makes the type text/plain. ``body`` is bytes, a str,
    a file, an async iterable of bytes, a `Payload` (`MultipartWriter` is one) or whatever else is
    registered; what it says of itself, its type and its length among that, is said in the head, unless
    the response says otherwise, and it is closed when the response is over. ValueError if both are
    given, or the type both as argument and as header.

    What is compressed and has more than ``zlib_executor_size`` bytes is compressed in
    ``zlib_executor``, by default that of the loop.
    """

    _body: bytes | Payload | None = None
    #: There is more to do than one write.
    _is_awaited: bool = False

    def __init__(
        self,
        *,
        body: Any = None,
        status: int = 200,
        reason: str | None = None,
        text: str | None = None,
        headers: Headers | None = None,
        content_type: str | None = None,
        charset: str | None = None,
        zlib_executor_size: int = ON_LOOP,
        zlib_executor: "Executor | None" = None,
    ) -> None:
        if body is not None and text is not None:
            raise ValueError("Response: expected body or text, got both")
        given = None if headers is None else CIMultiDict(headers)
        if given is not None and CONTENT_TYPE in given:
            if content_type is not None or charset is not None:
                raise ValueError(
                    "Response: Content-Type is in headers, and content_type or charset is given too"
                )
            self._content_type = given[CONTENT_TYPE]
            if text is not None:
                charset = parse_media_type(self._content_type)[1].get("charset")
        else:
            if content_type is not None or charset is not None:
                self._content_type = _content_type_for(content_type, charset, text is not None)
            elif text is not None:
                self._content_type = _TEXT_TYPE
            if given is not None:
                given[CONTENT_TYPE] = self._content_type
        if status != 200 or reason is not None:
            self.set_status(status, reason)
        if given is not None:
            self._headers = given
        if text is not None:
            self._body = text.encode(charset or "utf-8")
        elif type(body) is bytes:
            self._body = body
        elif body is not None:
            self.body = body
        if zlib_executor is not None or zlib_executor_size != ON_LOOP:
            self._zlib_executor = zlib_executor
            self._zlib_executor_size = zlib_executor_size

    @property
    def body(self) -> Any:
        """The body: bytes, the payload that was made of what was given, or None."""
        return self._body

    @body.setter
    def body(self, body: Any) -> None:
        self._refuse_if_prepared("the body")
        if isinstance(body, str):
            if not self._has_chosen_type:
                self._set_content_type(_TEXT_TYPE)
            body = body.encode(self.charset or "utf-8")
        if body is None or isinstance(body, _OCTETS):
            self._body = None if body is None else bytes(body)
            self._is_awaited = self._compression
            return
        try:
            payload = PAYLOAD_REGISTRY.get(body)
        except NoPayloadError as error:
            raise TypeError(f"body: {error}") from None
        self._body = payload
        self._is_awaited = True
        self._describe(payload)

    def _describe(self, payload: Payload) -> None:
        has_type = self._has_chosen_type
        for name, value in payload.fields:
            if name.lower() == "content-type":
                if not has_type:
                    self._set_content_type(value)
            elif name not in self.headers:
                self.headers[name] = value

    @property
    def text(self) -> str | None:
        """The body decoded by `charset`, UTF-8 without one; TypeError of a body that must be read first."""
        body = self._body
        if isinstance(body, Payload):
            return body.decode(self.charset or "utf-8")
        return None if body is None else body.decode(self.charset or "utf-8")

    @text.setter
    def text(self, text: str | None) -> None:
        if text is None:
            self.body = None
            return
        if not isinstance(text, str):
            raise TypeError(f"text: expected str, got {type(text).__name__}")
        if self.content_type == DEFAULT_TYPE:
            self._set_content_type(_TEXT_TYPE)
        self.body = text.encode(self.charset or "utf-8")

    @property
    def content_length(self) -> int | None:
        """The length of the body in bytes; None if it is chunked, compressed or not known."""
        if self._is_chunked or self._coder is not None:
            return None
        body = self._body
        if isinstance(body, Payload):
            return body.size
        return len(body) if body is not None else 0

    @content_length.setter
    def content_length(self, value: int | None) -> None:
        raise RuntimeError("content_length: follows from the body of a Response")

    def enable_chunked_encoding(self, chunk_size: int | None = None) -> None:
        self._refuse_if_prepared("the transfer coding")
        self._is_chunked = True  # whatever the length of the body, which then is not said
        super().enable_chunked_encoding(chunk_size)

    def enable_compression(
        self, force: bool | ContentCoding | None = None, strategy: int | None = None
    ) -> None:
        super().enable_compression(force, strategy)
        self._is_awaited = True

    # Sending

    def _begin(self, request: Answerable) -> None:
        """Settle status and fields; they leave with the body."""
        if self._compression:
            coding = self._settle_coding(request, has_content=self._body is not None and self._body != b"")
            if coding != IDENTITY:
                self._coder = self._make_coder(coding)
        self._is_awaited = True
        self._exchange = request.exchange

    async def write_eof(self, data: bytes = b"") -> None:
        """Send head and body, in one write if the body is there. A second call does nothing."""
        if self._has_ended:
            return
        request, exchange = self._req, self._exchange
        if request is None or exchange is None:
            raise RuntimeError("write_eof: called before prepare")
        if request.is_over:
            raise RuntimeError("write_eof: the request is over")
        body = self._body or b""
        if isinstance(body, Payload):
            try:
                await self._send_payload(request, exchange, body, data)
            finally:
                await body.close()
            return
        if data:
            body += data
        if self._coder is not None:
            body = await self._coder.finish(body)
        self._send_whole(request, body)
        self._end()

    async def _send_payload(
        self, request: Answerable, exchange: Exchange, payload: Payload, rest: bytes
    ) -> None:
        size = self.content_length
        self._send_head(request, exchange, length=None if size is None else size + len(rest))
        if request.method != "HEAD" and self._status not in (204, 304):
            await payload.write(_BodyWriter(super().write))
            await super().write_eof(rest)
        else:
            exchange.end()
            self._end()

    async def _complete(self, request: Answerable) -> None:
        try:
            await super()._complete(request)
        finally:
            if isinstance(self._body, Payload):  # also of a head that was never sent
                await self._body.close()

    def send_nowait(self, request: Answerable) -> bool:
        # Subclasses may have a `prepare` or a `write_eof` of their own.
        if type(self) is not Response or self._is_awaited or self._has_ended or request.prepare_signals:
            return False
        self._send_whole(request, self._body or b"")  # type: ignore[arg-type]  # a Payload is awaited
        return True

    def _send_whole(self, request: Answerable, body: bytes) -> None:
        exchange = request.exchange
        if self._is_chunked and request.version != HttpVersion10:
            self._send_head(request, exchange)
            exchange.data(body)
            exchange.end(() if self._trailers is None else self._trailers.items())
        elif not body and request.method == "HEAD" and (announced := super().content_length) is not None:
            # RFC 9110 section 8.6: the length that GET would have, which who has no body may know.
            self._send_head(request, exchange, length=announced)
            exchange.end()
        else:
            self._send_head(request, exchange, body)
        self._body_length = len(body)
        self._has_ended = True


@lru_cache(maxsize=256)
def _content_type_for(content_type: str | None, charset: str | None, is_text: bool) -> str:
    if content_type is not None and "charset" in content_type:
        raise ValueError("Response: expected the charset as the argument charset, not inside content_type")
    if is_text:
        return with_charset(content_type or "text/plain", charset or "utf-8")
    if charset is not None:
        return with_charset(content_type or DEFAULT_TYPE, charset)
    return content_type or DEFAULT_TYPE


_NO_DATA: Final[Any] = object()


def json_response(
    data: Any = _NO_DATA,
    *,
    text: str | None = None,
    body: bytes | None = None,
    status: int = 200,
    reason: str | None = None,
    headers: Headers | None = None,
    content_type: str = "application/json",
    dumps: Callable[[Any], str] = json.dumps,
) -> Response:
    """A response with ``data`` as JSON, or with JSON that is already ``text`` or ``body``."""
    if data is not _NO_DATA:
        if text is not None or body is not None:
            raise ValueError("json_response: expected one of data, text and body, got more")
        text = dumps(data)
    return Response(
        text=text, body=body, status=status, reason=reason, headers=headers, content_type=content_type
    )


def json_bytes_response(
    data: Any = _NO_DATA,
    *,
    dumps: Callable[[Any], bytes],
    body: bytes | None = None,
    status: int = 200,
    reason: str | None = None,
    headers: Headers | None = None,
    content_type: str = "application/json",
) -> Response:
    """As `json_response`, by a ``dumps`` that gives bytes, or with JSON that is already ``body``."""
    if data is not _NO_DATA:
        if body is not None:
            raise ValueError("json_bytes_response: expected data or body, got both")
        body = dumps(data)
    return Response(body=body, status=status, reason=reason, headers=headers, content_type=content_type)
