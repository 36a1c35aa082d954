"""The body of a request: whole, as text, as JSON, as a form, in parts or as a stream."""

import json
import sys
import warnings
from collections.abc import Callable
from typing import Any, Final

from multidict import MultiDict, MultiDictProxy

from ..body.reader import MultipartReader
from ..io.stream import StreamReader, whole_stream
from ..wire.charsets import decode_text
from ..wire.coding import decoder_of
from ..wire.errors import ProtocolError
from .errors import HTTPBadRequest, HTTPRequestEntityTooLarge, HTTPUnsupportedMediaType
from .form import BoundedContent, FormValue, Upload, close_all, read_form_data, read_urlencoded
from .request_connection import RequestConnection
from .request_fields import RequestFields

#: How large a body is read, in bytes, and how many fields of a form, if nobody says otherwise.
CLIENT_MAX_SIZE: Final = 1024**2
CLIENT_MAX_FIELDS: Final = 1000


class RequestPayloadError(Exception):
    """The body of a request was broken or ended early. Unhandled, it is answered with 400 or 408."""

    def __init__(self, message: str, status_hint: int = 400) -> None:
        super().__init__(message)
        self.status_hint = status_hint


class PayloadAccessError(RequestPayloadError):
    """The body was read when the request was over."""


def payload_error(error: ProtocolError) -> RequestPayloadError:
    """What a reader of a broken request body gets."""
    return RequestPayloadError(error.message, error.status_hint)


class RequestBody(RequestFields, RequestConnection):
    """A request, as something with content."""

    #: The methods whose body `post` reads.
    POST_METHODS = frozenset(("PATCH", "POST", "PUT", "TRACE", "DELETE"))

    _body: bytes | StreamReader
    _client_max_size: int = CLIENT_MAX_SIZE
    _client_max_fields: int = CLIENT_MAX_FIELDS
    _content: StreamReader | None = None
    _post: MultiDictProxy[FormValue] | None = None
    _read_bytes: bytes | None = None

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
    def has_body(self) -> bool:
        """As `can_read_body`. Deprecated: use that."""
        warnings.warn("request.has_body: use request.can_read_body", DeprecationWarning, stacklevel=2)
        return self.can_read_body

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

    _payload = content

    async def read(self) -> bytes:
        """Read the whole body; a second call gives the same bytes.

        Raises HTTPRequestEntityTooLarge past ``client_max_size``, RequestPayloadError for a broken body.
        """
        whole = self._read_bytes
        if whole is None:
            body, limit = self._body, self._client_max_size
            if isinstance(body, bytes) and self._content is None and not self._is_coded:
                if limit and len(body) > limit:
                    raise HTTPRequestEntityTooLarge(limit, len(body))
                whole = body
            else:
                whole = await self._read_bounded(self.content, limit)
            self._read_bytes = whole
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

    async def release(self) -> None:
        """Read what is left of the body and throw it away. Nobody has to: the server does, within bounds.

        Raises RequestPayloadError for a broken body.
        """
        if self.body_exists and self._read_bytes is None:
            content = self.content
            while await content.readany():
                pass

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
        body = self._read_bytes
        return self.content if body is None else whole_stream(body, None, payload_error)

    @property
    def _is_coded(self) -> bool:
        return "Content-Encoding" in self.head.headers and self._connection.decoding is not None
