"""Responses: `StreamResponse` is written piece by piece, `Response` has a body and leaves in one write."""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final, Protocol

from multidict import CIMultiDict, istr

from .._version import __version__
from ..io.exchange import Exchange
from ..keys import ResponseKey
from ..wire.dates import format_date
from ..wire.events import HttpVersion, HttpVersion10
from ..wire.fields import list_members, parse_media_type
from ..wire.http1.head import format_status_line
from .storage import Storage

SERVER_SOFTWARE: Final = f"Python/{sys.version_info[0]}.{sys.version_info[1]} pronghorn/{__version__}"

REASONS: Final = {status.value: status.phrase for status in HTTPStatus}
_CONTENT_TYPE: Final = istr("Content-Type")
_CONTENT_LENGTH: Final = istr("Content-Length")
_CONNECTION: Final = istr("Connection")
_TRANSFER_ENCODING: Final = istr("Transfer-Encoding")
_DATE: Final = istr("Date")
_UPGRADE: Final = istr("Upgrade")
_SERVER: Final = istr("Server")
_DEFAULT_TYPE: Final = "application/octet-stream"
_TEXT_TYPE: Final = "text/plain; charset=utf-8"
_SERVER_FIELD: Final = ("Server", SERVER_SOFTWARE)
#: A handler that only writes must let other connections have the loop, this often in bytes.
_YIELD_AFTER: Final = 256 * 1024

Headers = Mapping[str, str] | Iterable[tuple[str, str]]


class Answerable(Protocol):
    """What a response needs of the request that it answers."""

    @property
    def exchange(self) -> Exchange: ...
    @property
    def version(self) -> HttpVersion: ...
    @property
    def may_persist(self) -> bool: ...


class _DateField:
    """The Date field, formatted once a second."""

    __slots__ = ("field", "second")

    def __init__(self) -> None:
        self.second = 0
        self.field = ("Date", "")

    def format(self, now: float) -> None:
        """Bring the field to the second of ``now``."""
        self.second = int(now)
        self.field = ("Date", format_date(now))


_date_field: Final = _DateField()


@lru_cache(maxsize=256)
def _with_charset(content_type: str, charset: str) -> str:
    return f"{content_type}; charset={charset}"


class StreamResponse(Storage):
    """A response whose body is written while the client reads it.

    ``await response.prepare(request)`` sends the head, at once: event streams and long
    polling count on it. Then any number of ``await response.write(data)``, and
    ``await response.write_eof()``, which the server calls if the handler does not.
    A body of unknown length is chunked, or ended by closing for HTTP/1.0 clients.
    """

    _key_class = ResponseKey
    _status: int = 200
    _reason: str = "OK"
    _headers: CIMultiDict[str] | None = None
    #: The Content-Type as long as nobody has looked at `headers`.
    _content_type: str = _DEFAULT_TYPE
    _exchange: Exchange | None = None
    _has_ended: bool = False
    _is_persistent: bool | None = None
    _is_chunked: bool = False
    _body_length: int = 0
    _since_yield: int = 0
    _trailers: CIMultiDict[str] | None = None

    def __init__(
        self, *, status: int = 200, reason: str | None = None, headers: Headers | None = None
    ) -> None:
        if status != 200 or reason is not None:
            self.set_status(status, reason)
        if headers is not None:
            self._headers = given = CIMultiDict(headers)
            if _CONTENT_TYPE not in given:
                given[_CONTENT_TYPE] = self._content_type

    def __repr__(self) -> str:
        state = "ended" if self._has_ended else "prepared" if self.prepared else "not prepared"
        return f"<{type(self).__name__} {self._status} {self._reason} {state}>"

    # What it says

    @property
    def status(self) -> int:
        """The status code."""
        return self._status

    @property
    def reason(self) -> str:
        """The reason phrase."""
        return self._reason

    def set_status(self, status: int, reason: str | None = None) -> None:
        """Set the status code; ``reason`` defaults to the registered phrase.

        ValueError for a status outside 100 to 999 or a control character in ``reason``.
        """
        self._refuse_if_prepared("the status")
        reason = REASONS.get(status, "") if reason is None else reason
        format_status_line(status, reason)
        self._status = status
        self._reason = reason

    @property
    def headers(self) -> CIMultiDict[str]:
        """The fields, to read and to change until the response is prepared."""
        headers = self._headers
        if headers is None:
            headers = self._headers = CIMultiDict(((_CONTENT_TYPE, self._content_type),))
        return headers

    @property
    def content_type(self) -> str:
        """The media type without its parameters."""
        return parse_media_type(self._content_type_value())[0]

    @content_type.setter
    def content_type(self, value: str) -> None:
        charset = self.charset
        self._set_content_type(value if charset is None else _with_charset(value, charset))

    @property
    def charset(self) -> str | None:
        """The charset parameter of the media type."""
        return parse_media_type(self._content_type_value())[1].get("charset")

    @charset.setter
    def charset(self, value: str | None) -> None:
        content_type = self.content_type
        if content_type == _DEFAULT_TYPE and value is not None:
            raise RuntimeError(f"charset: expected another content_type than {_DEFAULT_TYPE}")
        self._set_content_type(content_type if value is None else _with_charset(content_type, value.lower()))

    @property
    def content_length(self) -> int | None:
        """The declared length of the body in bytes; None leaves it open."""
        value = None if self._headers is None else self._headers.get(_CONTENT_LENGTH)
        return None if value is None else int(value)

    @content_length.setter
    def content_length(self, value: int | None) -> None:
        self._refuse_if_prepared("content_length")
        if value is None:
            self.headers.pop(_CONTENT_LENGTH, None)
        elif self._is_chunked:
            raise RuntimeError("content_length: the response is chunked")
        else:
            self.headers[_CONTENT_LENGTH] = str(int(value))

    @property
    def chunked(self) -> bool:
        """`enable_chunked_encoding` was called."""
        return self._is_chunked

    def enable_chunked_encoding(self) -> None:
        """Send the body chunked, without a Content-Length; RuntimeError if that is set."""
        self._refuse_if_prepared("the transfer coding")
        if self.content_length is not None:
            raise RuntimeError("enable_chunked_encoding: content_length is set")
        self._is_chunked = True

    @property
    def trailers(self) -> CIMultiDict[str]:
        """Fields to be sent behind a chunked body (RFC 9110 section 6.5); other bodies leave them behind."""
        trailers = self._trailers
        if trailers is None:
            trailers = self._trailers = CIMultiDict()
        return trailers

    @property
    def keep_alive(self) -> bool | None:
        """Whether the connection may serve another request; None leaves it to the request."""
        return self._is_persistent

    def force_close(self) -> None:
        """Close the connection after this response."""
        self._is_persistent = False

    # Where it is

    @property
    def prepared(self) -> bool:
        """`prepare` was called: status and fields are settled."""
        return self._has_ended or self._exchange is not None

    @property
    def has_ended(self) -> bool:
        """The whole response was sent."""
        return self._has_ended

    @property
    def body_length(self) -> int:
        """Bytes of content written so far."""
        return self._body_length

    # Sending

    async def prepare(self, request: Answerable) -> None:
        """Send the head. A second call does nothing."""
        if not self.prepared:
            self._exchange = exchange = request.exchange
            self._send_head(request, exchange)
        elif self._exchange is not None and self._exchange is not request.exchange:
            raise RuntimeError("prepare: the response is on its way to another request")

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send a piece of the body, waiting while the client does not read.

        RuntimeError before `prepare` or after `write_eof`, ValueError past the declared
        length, ConnectionResetError when the client is gone.
        """
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"write: expected bytes, bytearray or memoryview, got {type(data).__name__}")
        exchange = self._exchange
        if exchange is None:
            raise RuntimeError(f"write: called {'after write_eof' if self._has_ended else 'before prepare'}")
        exchange.data(bytes(data))
        self._body_length += len(data)
        self._since_yield += len(data)
        if self._since_yield >= _YIELD_AFTER:
            self._since_yield = 0
            await asyncio.sleep(0)
        await exchange.drain()

    async def write_eof(self, data: bytes = b"") -> None:
        """Send the last piece and end the response. A second call does nothing."""
        if self._has_ended:
            return
        if data:
            await self.write(data)
        exchange = self._exchange
        if exchange is None:
            raise RuntimeError("write_eof: called before prepare")
        exchange.end(() if self._trailers is None else self._trailers.items())
        self._end()

    def send_nowait(self, request: Answerable) -> bool:
        """Send everything at once, if that can be done without waiting; False if `send` is needed."""
        return False

    async def send(self, request: Answerable) -> None:
        """Do what is left to be done: what a server does with a response that a handler returned."""
        await self.prepare(request)
        await self.write_eof()

    def _end(self) -> None:
        self._has_ended = True
        self._exchange = None

    def _send_head(self, request: Answerable, exchange: Exchange, body: bytes | None = None) -> None:
        length = None if self._is_chunked or body is not None else self.content_length
        exchange.head(
            self._status,
            self._reason,
            self.fields(),
            length,
            body=body,
            is_persistent=(
                request.may_persist
                and self._is_persistent is not False
                and (self._headers is None or not _says_close(self._headers))
            ),
        )

    def fields(self) -> Iterable[tuple[str, str]]:
        """The fields as they are sent, without those that follow from the framing."""
        now = time.time()
        if not 0 <= now - _date_field.second < 1:
            _date_field.format(now)
        headers = self._headers
        if headers is None:
            return (("Content-Type", self._content_type), _date_field.field, _SERVER_FIELD)
        if len(headers.getall(_CONTENT_TYPE, ())) > 1:
            raise ValueError(f"headers: expected Content-Type once, got {headers.getall(_CONTENT_TYPE)!r}")
        fields = [field for field in headers.items() if field[0].lower() not in _FRAMING_FIELDS]
        if _UPGRADE in headers:
            fields.append(("Connection", "Upgrade"))  # RFC 9110 section 7.8
        if _DATE not in headers:
            fields.append(_date_field.field)
        if _SERVER not in headers:
            fields.append(_SERVER_FIELD)
        return fields

    def _content_type_value(self) -> str:
        return (
            self._content_type if self._headers is None else self._headers.get(_CONTENT_TYPE, _DEFAULT_TYPE)
        )

    def _set_content_type(self, value: str) -> None:
        self._refuse_if_prepared("content_type")
        if self._headers is None:
            self._content_type = value
        else:
            self._headers[_CONTENT_TYPE] = value

    def _refuse_if_prepared(self, what: str) -> None:
        if self.prepared:
            raise RuntimeError(f"{what} can't be changed: the response is prepared")


def _says_close(headers: CIMultiDict[str]) -> bool:
    return _CONNECTION in headers and "close" in list_members(", ".join(headers.getall(_CONNECTION)))


_FRAMING_FIELDS: Final = frozenset({"content-length", "transfer-encoding", "connection", "keep-alive"})


class Response(StreamResponse):
    """A response with its body.

    ``text`` is encoded by ``charset`` (UTF-8) and makes the type text/plain; ``body``
    is sent as it is. ValueError if both are given, or the type both as argument and
    as header.
    """

    _body: bytes | None = None
    _request: Answerable | None = None

    def __init__(
        self,
        *,
        body: bytes | bytearray | memoryview | None = None,
        status: int = 200,
        reason: str | None = None,
        text: str | None = None,
        headers: Headers | None = None,
        content_type: str | None = None,
        charset: str | None = None,
    ) -> None:
        if body is not None and text is not None:
            raise ValueError("Response: expected body or text, got both")
        given = None if headers is None else CIMultiDict(headers)
        if given is not None and _CONTENT_TYPE in given:
            if content_type is not None or charset is not None:
                raise ValueError(
                    "Response: Content-Type is in headers, and content_type or charset is given too"
                )
            if text is not None:
                charset = parse_media_type(given[_CONTENT_TYPE])[1].get("charset")
        else:
            if content_type is not None or charset is not None:
                self._content_type = _content_type_for(content_type, charset, text is not None)
            elif text is not None:
                self._content_type = _TEXT_TYPE
            if given is not None:
                given[_CONTENT_TYPE] = self._content_type
        if status != 200 or reason is not None:
            self.set_status(status, reason)
        if given is not None:
            self._headers = given
        if text is not None:
            self._body = text.encode(charset or "utf-8")
        elif body is not None:
            self.body = body

    @property
    def body(self) -> bytes | None:
        """The body in bytes."""
        return self._body

    @body.setter
    def body(self, body: bytes | bytearray | memoryview | None) -> None:
        self._refuse_if_prepared("the body")
        if body is not None and not isinstance(body, (bytes, bytearray, memoryview)):
            raise TypeError(f"body: expected bytes, bytearray, memoryview or None, got {type(body).__name__}")
        self._body = None if body is None else bytes(body)

    @property
    def text(self) -> str | None:
        """The body decoded by `charset`, UTF-8 without one."""
        return None if self._body is None else self._body.decode(self.charset or "utf-8")

    @text.setter
    def text(self, text: str | None) -> None:
        if text is None:
            self.body = None
            return
        if not isinstance(text, str):
            raise TypeError(f"text: expected str, got {type(text).__name__}")
        if self.content_type == _DEFAULT_TYPE:
            self._set_content_type(_TEXT_TYPE)
        self.body = text.encode(self.charset or "utf-8")

    @property
    def content_length(self) -> int | None:
        """The length of the body in bytes; None if it is chunked."""
        if self._is_chunked:
            return None
        return len(self._body) if self._body is not None else 0

    @content_length.setter
    def content_length(self, value: int | None) -> None:
        raise RuntimeError("content_length: follows from the body of a Response")

    def enable_chunked_encoding(self) -> None:
        self._refuse_if_prepared("the transfer coding")
        self._is_chunked = True

    async def prepare(self, request: Answerable) -> None:
        """Settle status and fields; they leave with the body."""
        if not self.prepared:
            self._exchange = request.exchange
            self._request = request

    async def write_eof(self, data: bytes = b"") -> None:
        """Send head and body in one write. A second call does nothing."""
        if self._has_ended:
            return
        if self._request is None:
            raise RuntimeError("write_eof: called before prepare")
        self._send_whole(self._request, data)

    def send_nowait(self, request: Answerable) -> bool:
        # Subclasses may have a `prepare` or a `write_eof` of their own.
        if type(self) is not Response or self._request is not None or self._has_ended:
            return False
        self._send_whole(request)
        return True

    def _send_whole(self, request: Answerable, rest: bytes = b"") -> None:
        body = self._body or b""
        if rest:
            body += rest
        exchange = request.exchange
        if self._is_chunked and request.version != HttpVersion10:
            self._send_head(request, exchange)
            exchange.data(body)
            exchange.end(() if self._trailers is None else self._trailers.items())
        else:
            self._send_head(request, exchange, body)
        self._body_length = len(body)
        self._end()


@lru_cache(maxsize=256)
def _content_type_for(content_type: str | None, charset: str | None, is_text: bool) -> str:
    if content_type is not None and "charset" in content_type:
        raise ValueError("Response: expected the charset as the argument charset, not inside content_type")
    if is_text:
        return _with_charset(content_type or "text/plain", charset or "utf-8")
    if charset is not None:
        return _with_charset(content_type or _DEFAULT_TYPE, charset)
    return content_type or _DEFAULT_TYPE


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
