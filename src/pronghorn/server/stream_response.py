"""`StreamResponse`: a response that is written piece by piece."""

import asyncio
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

from multidict import CIMultiDict, istr

from ..io.exchange import Exchange
from ..wire.accept import IDENTITY
from ..wire.events import HttpVersion
from .content_coding import (
    FOR_WHOLE,
    ON_LOOP,
    Coder,
    ContentCoding,
    check_forced,
    settle_coding,
)
from .request_fields import value_of
from .response_head import ResponseHead, says_close

if TYPE_CHECKING:
    from concurrent.futures import Executor

_ACCEPT_ENCODING: Final = istr("Accept-Encoding")
#: A handler that only writes must let other connections have the loop, this often in bytes.
_YIELD_AFTER: Final = 256 * 1024


class Answerable(Protocol):
    """What a response needs of the request that it answers."""

    @property
    def exchange(self) -> Exchange: ...
    @property
    def method(self) -> str: ...
    @property
    def version(self) -> HttpVersion: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def may_persist(self) -> bool: ...
    @property
    def task(self) -> "asyncio.Task[None] | None": ...
    @property
    def prepare_signals(self) -> tuple[Any, ...]: ...
    @property
    def disconnected(self) -> "asyncio.Future[None]": ...
    @property
    def is_over(self) -> bool: ...
    async def _prepare_hook(self, response: Any) -> None: ...


class StreamResponse(ResponseHead):
    """A response whose body is written while the client reads it.

    ``await response.prepare(request)`` sends the head, at once: event streams and long
    polling count on it. Then any number of ``await response.write(data)``, and
    ``await response.write_eof()``, which the server calls if the handler does not.
    A body of unknown length is chunked, or ended by closing for HTTP/1.0 clients.
    """

    _req: Answerable | None = None
    _exchange: Exchange | None = None
    _has_ended: bool = False
    _body_length: int = 0
    #: How long the body is when others have their turn.
    _yield_at: int = _YIELD_AFTER
    _trailers: CIMultiDict[str] | None = None

    _compression: bool = False
    _forced_coding: ContentCoding | None = None
    _strategy: int | None = None
    #: Which content codings are offered, best first.
    _preferred_codings: tuple[str, ...] = FOR_WHOLE
    #: Each piece that is written has to be readable before the next one is.
    _is_synced: bool = False
    _coder: Coder | None = None
    _zlib_executor_size: int = ON_LOOP
    _zlib_executor: "Executor | None" = None

    def __repr__(self) -> str:
        state = "ended" if self._has_ended else "prepared" if self.prepared else "not prepared"
        return f"<{type(self).__name__} {self._status} {self._reason} {state}>"

    # How it is sent

    @property
    def chunked(self) -> bool:
        """`enable_chunked_encoding` was called."""
        return self._is_chunked

    def enable_chunked_encoding(self, chunk_size: int | None = None) -> None:
        """Send the body chunked, without a Content-Length; RuntimeError if that is set.

        Clients of HTTP/1.0 are sent the same content without chunks. Nothing changes once the response
        is prepared without a length: then it is chunked. ``chunk_size`` is deprecated and means nothing.
        """
        if chunk_size is not None:
            warnings.warn(
                "chunk_size is deprecated: chunks are as large as what is written",
                DeprecationWarning,
                stacklevel=2,
            )
        if self.content_length is not None:
            raise RuntimeError("enable_chunked_encoding: content_length is set")
        self._is_chunked = True

    @property
    def compression(self) -> bool:
        """`enable_compression` was called."""
        return self._compression

    def enable_compression(
        self, force: bool | ContentCoding | None = None, strategy: int | None = None
    ) -> None:
        """Compress the body with what the client likes best of zstd, br, gzip and deflate.

        Accept-Encoding decides, and Vary says so. ``force`` is a coding to be applied whatever the client
        says: ValueError if its library is missing; True is deflate and False identity, both deprecated.
        ``strategy`` is zlib's, for gzip and deflate. What has a Content-Encoding is sent as it is, and so
        is a part of a representation (206). A strong ETag becomes weak. A content length that was set is
        not sent.
        """
        self._refuse_if_prepared("the content coding")
        if isinstance(force, bool):
            warnings.warn(
                "enable_compression: a bool as force is deprecated, use ContentCoding",
                DeprecationWarning,
                stacklevel=2,
            )
            force = ContentCoding.deflate if force else ContentCoding.identity
        if force is not None:
            check_forced(force)
        self._compression = True
        self._forced_coding = force
        self._strategy = strategy

    @property
    def trailers(self) -> CIMultiDict[str]:
        """Fields to be sent behind a chunked body (RFC 9110 section 6.5); other bodies leave them behind."""
        trailers = self._trailers
        if trailers is None:
            trailers = self._trailers = CIMultiDict()
        return trailers

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
        """Bytes of content sent so far, coded as they are sent."""
        return self._body_length

    @property
    def output_length(self) -> int:
        """As `body_length`: what frames the content is not counted."""
        return self._body_length

    @property
    def task(self) -> "asyncio.Task[None] | None":
        """The task that handles the request, from `prepare` to the end of the response; None otherwise."""
        request = self._req
        return None if request is None else request.task

    @property
    def _payload_writer(self) -> "StreamResponse | None":
        """What takes the body, while it is being sent: others' subclasses look for it under this name."""
        return None if self._exchange is None else self

    # Sending

    async def prepare(self, request: Answerable) -> "StreamResponse | None":
        """Send the head. A second call does nothing. Returns what takes the body, None once that has ended.

        Those who listen to `on_response_prepare` are asked before; they may still change everything.
        """
        if self._req is None and not self._has_ended:
            self._req = request
            try:
                if request.prepare_signals:
                    await request._prepare_hook(self)
                if request.is_over:
                    raise RuntimeError("prepare: the request is over")
                self._begin(request)
            except BaseException:
                self._req = self._exchange = None
                raise
        elif self._req is not None and self._req.exchange is not request.exchange:
            raise RuntimeError("prepare: the response is on its way to another request")
        return self._payload_writer

    def _begin(self, request: Answerable) -> None:
        if self._compression:
            coding = self._settle_coding(request, has_content=self.content_length != 0)
            if coding != IDENTITY and request.method != "HEAD":
                self._coder = self._make_coder(coding)
        self._exchange = exchange = request.exchange
        self._send_head(request, exchange)

    def _settle_coding(self, request: Answerable, *, has_content: bool) -> str:
        accepted = value_of(request.headers, _ACCEPT_ENCODING) or ""
        headers = self.headers
        coding = settle_coding(
            headers,
            self._status,
            accepted,
            forced=self._forced_coding,
            preference=self._preferred_codings,
            has_content=has_content and self._status not in (204, 304) and self._status >= 200,
        )
        if coding != IDENTITY:
            headers.pop("Content-Length", None)
        return coding

    def _make_coder(self, coding: str) -> Coder:
        return Coder(coding, self._strategy, self._zlib_executor_size, self._zlib_executor)

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send a piece of the body, waiting while the client does not read.

        RuntimeError before `prepare` or after `write_eof`, ValueError past the declared
        length, ConnectionResetError when the client is gone.
        """
        if type(data) is not bytes:
            if not isinstance(data, (bytes, bytearray, memoryview)):
                raise TypeError(f"write: expected bytes, bytearray or memoryview, got {type(data).__name__}")
            data = bytes(data)
        exchange = self._exchange
        if exchange is None:
            raise RuntimeError(f"write: called {'after write_eof' if self._has_ended else 'before prepare'}")
        if self._coder is not None:
            data = await self._code(self._coder, exchange, data)
        exchange.data(data)
        self._body_length = length = self._body_length + len(data)
        if length >= self._yield_at:
            self._yield_at = length + _YIELD_AFTER
            await asyncio.sleep(0)
        await exchange.drain()

    async def _code(self, coder: Coder, exchange: Exchange, data: bytes, *, is_last: bool = False) -> bytes:
        try:
            if is_last:
                return await coder.finish(data)
            return await coder.take(data, is_synced=self._is_synced)
        except BaseException:
            # What was taken in has not come out, so that the rest would be content of something else.
            exchange.reset("a piece of the coded content is lost")
            raise

    async def drain(self) -> None:
        """Wait while the client does not read. Deprecated: `write` does."""
        warnings.warn("drain is deprecated: write waits", DeprecationWarning, stacklevel=2)
        if self._exchange is None:
            raise RuntimeError(f"drain: called {'after write_eof' if self._has_ended else 'before prepare'}")
        await self._exchange.drain()

    async def write_eof(self, data: bytes = b"") -> None:
        """Send the last piece and end the response. A second call does nothing."""
        if self._has_ended:
            return
        if data:
            await self.write(data)
        exchange = self._exchange
        if exchange is None:
            raise RuntimeError("write_eof: called before prepare")
        if self._coder is not None:
            rest = await self._code(self._coder, exchange, b"", is_last=True)
            exchange.data(rest)
            self._body_length += len(rest)
        exchange.end(() if self._trailers is None else self._trailers.items())
        self._end()

    def send_nowait(self, request: Answerable) -> bool:
        """Send everything at once, if that can be done without waiting; False if `_complete` is needed."""
        return False

    async def _complete(self, request: Answerable) -> None:
        """Do what is left to be done: what a server does with a response that a handler returned."""
        await self.prepare(request)
        await self.write_eof()

    def _end(self) -> None:
        self._has_ended = True
        self._exchange = self._req = self._coder = None

    def _send_head(
        self, request: Answerable, exchange: Exchange, body: bytes | None = None, *, length: int | None = None
    ) -> None:
        headers = self._headers
        if body is None and length is None and not self._is_chunked:
            length = self.content_length
        exchange.head(
            self._status,
            self._reason,
            self.fields(),
            length,
            body=body,
            is_persistent=(
                request.may_persist
                and self._is_persistent is not False
                and (headers is None or not says_close(headers))
            ),
        )
