"""A body while it arrives: chunks in, bytes out, decoded when they are read.

What arrives is kept as it came. Only a reader makes content codings be undone, a
bounded step at a time, so content that nobody reads is never inflated and content
that is read slowly is inflated slowly.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from io import BytesIO
from typing import Final, Generic, Protocol, TypeVar, cast, final

from multidict import CIMultiDict

from ..wire.coding import Decoder
from ..wire.errors import ProtocolError

_LINE_LIMIT: Final = 128 * 1024
T = TypeVar("T")


class Source(Protocol):
    """Who fills a stream and wants to know that it was read."""

    def consumed(self, size: int, /) -> None: ...


class Pausable(Protocol):
    """Who fills a stream and can be told to wait."""

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


class _Throttle:
    """Pauses a `Pausable` above twice ``limit`` unread bytes, and resumes it below ``limit``."""

    __slots__ = ("_is_paused", "_limit", "_protocol", "_unread")

    def __init__(self, protocol: Pausable, limit: int) -> None:
        self._protocol = protocol
        self._limit = limit
        self._unread = 0
        self._is_paused = False

    def received(self, size: int) -> None:
        self._unread += size
        if self._unread > 2 * self._limit and not self._is_paused:
            self._is_paused = True
            self._protocol.pause_reading()

    def consumed(self, size: int) -> None:
        self._unread -= size
        if self._unread < self._limit and self._is_paused:
            self._is_paused = False
            self._protocol.resume_reading()


class EofStream(Exception):
    """There is nothing more to read. `StreamReader` never raises it: at the end, its reads give b""."""


class StreamReader:
    """The content of a message as a stream of bytes.

    One coroutine reads at a time; a second one gets RuntimeError. A read that is
    cancelled loses nothing: the next one begins where it began. Failures of the
    connection or of a content coding are raised when what came before them was read.

    Anyone may make one and feed it. ``protocol``, who feeds it, is told what was read by its
    ``consumed(size)``; one without it is paused and resumed by ``limit``, in bytes. ``loop`` and
    ``timer`` are accepted and not needed: a stream belongs to who reads it, and `set_exception`
    ends it. ``before_wait`` is called once, before the first read that finds nothing.
    """

    __slots__ = (
        "_before_wait",
        "_buffer",
        "_decoder",
        "_error",
        "_error_factory",
        "_has_ended",
        "_is_coded",
        "_buffer_offset",
        "_on_eof",
        "_raw",
        "_source",
        "_throttle",
        "_waiter",
        "total_bytes",
        "trailers",
    )

    def __init__(
        self,
        protocol: Source | Pausable | None = None,
        limit: int = 2**16,
        *,
        timer: object = None,
        loop: asyncio.AbstractEventLoop | None = None,
        decoder: Decoder | None = None,
        error_factory: Callable[[ProtocolError], Exception] | None = None,
        before_wait: Callable[[], None] | None = None,
    ) -> None:
        self._throttle: _Throttle | None = None
        self._source: Source | None = None
        if protocol is not None:
            if not hasattr(protocol, "consumed"):
                protocol = self._throttle = _Throttle(protocol, limit)
            self._source = cast(Source, protocol)
        self._before_wait = before_wait
        self._decoder = decoder
        self._is_coded = decoder is not None
        self._error_factory = error_factory
        #: As received; only used when there is something to decode.
        self._raw: deque[bytes] = deque()
        #: As read; the first `_buffer_offset` bytes of the first chunk are gone.
        self._buffer: deque[bytes] = deque()
        self._buffer_offset = 0
        self._has_ended = False
        self._error: BaseException | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._on_eof: list[Callable[[], object]] = []
        #: Bytes received so far, before decoding.
        self.total_bytes = 0
        #: The trailer fields that came behind the content (RFC 9110 section 6.5), once it has ended.
        self.trailers: CIMultiDict[str] | None = None

    def __repr__(self) -> str:
        state = "ended" if self._has_ended else "open"
        return f"<{type(self).__name__} {state}, {self.total_bytes} bytes received>"

    # Filling

    def feed_data(self, data: bytes) -> None:
        """Append content; RuntimeError after `feed_eof`."""
        if self._has_ended:
            raise RuntimeError("feed_data: the stream has ended")
        if not data or self._error is not None:
            return  # what follows a failure can't be told from what is lost
        self.total_bytes += len(data)
        (self._buffer if self._decoder is None else self._raw).append(data)
        if self._throttle is not None:
            self._throttle.received(len(data))
        self._wake()

    def feed_eof(self) -> None:
        """No more content follows."""
        self._has_ended = True
        self._source = None  # it may be filling another stream when this one is read
        self._wake()
        callbacks, self._on_eof = self._on_eof, []
        for callback in callbacks:
            callback()

    def set_exception(self, error: BaseException) -> None:
        """No more content follows, because of ``error``; the first error stays."""
        if self._error is None:
            self._error = error
        self._source = None
        self._wake()

    def exception(self) -> BaseException | None:
        """What `set_exception` was given."""
        return self._error

    def on_eof(self, callback: Callable[[], object]) -> None:
        """Call ``callback`` when the content is whole; at once if it is."""
        if self._has_ended:
            callback()
        else:
            self._on_eof.append(callback)

    # State

    def is_eof(self) -> bool:
        """The content is whole; some of it may be unread."""
        return self._has_ended

    def at_eof(self) -> bool:
        """The content is whole and read; False while a failure is still to be raised."""
        return self._has_ended and not self._fill() and self._error is None

    # Reading

    async def read(self, n: int = -1) -> bytes:
        """Read at most ``n`` bytes, as soon as there are any; all of them for a negative ``n``.

        b"" only at the end of the content (or for ``n == 0``).
        """
        if n < 0:
            return await self._read_all()
        if n == 0:
            return b""
        return self._take(n) if await self._wait() else b""

    async def readany(self) -> bytes:
        """Read whatever is there, waiting only if nothing is; b"" at the end."""
        return self._take(-1) if await self._wait() else b""

    async def readexactly(self, n: int) -> bytes:
        """Read ``n`` bytes; `asyncio.IncompleteReadError`, with the rest, if the content ends before."""
        taken = bytearray()
        try:
            while len(taken) < n and await self._wait():
                taken += self._take(n - len(taken))
        except BaseException:
            self._give_back(bytes(taken))
            raise
        if len(taken) < n:
            raise asyncio.IncompleteReadError(bytes(taken), n)
        return bytes(taken)

    async def readline(self, *, max_line_length: int | None = None) -> bytes:
        """Read up to and with the next LF, or the rest; b"" at the end. See `readuntil`."""
        return await self.readuntil(b"\n", max_size=max_line_length)

    async def readuntil(self, separator: bytes = b"\n", *, max_size: int | None = None) -> bytes:
        """Read up to and with ``separator``, or the rest; b"" at the end.

        ValueError if it does not come within ``max_size`` bytes (128 KiB by default).
        """
        if not separator:
            raise ValueError("readuntil: expected a separator, got b''")
        limit = _LINE_LIMIT if max_size is None else max_size
        last = separator[-1:]
        taken = bytearray()
        try:
            # From one place where the separator may end to the next: what is behind it is not touched.
            while not taken.endswith(separator) and await self._wait():
                chunk, start = self._buffer[0], self._buffer_offset
                end = chunk.find(last, start)
                taken += self._take((end + 1 if end >= 0 else len(chunk)) - start)
                if len(taken) > limit:
                    raise ValueError(f"readuntil: no {separator!r} within {limit} bytes")
        except BaseException:
            self._give_back(bytes(taken))
            raise
        return bytes(taken)

    def read_nowait(self, n: int = -1) -> bytes:
        """Read at most ``n`` bytes of what is there; b"" if nothing is."""
        if self._waiter is not None:
            raise RuntimeError("read_nowait: another coroutine is reading")
        return self._take(n) if n and self._fill() else b""

    def iter_chunked(self, n: int) -> "ChunkIterator[bytes]":
        """Iterate over pieces of at most ``n`` bytes."""
        return ChunkIterator(lambda: self.read(n))

    def iter_any(self) -> "ChunkIterator[bytes]":
        """Iterate over pieces as they come."""
        return ChunkIterator(self.readany)

    def __aiter__(self) -> "ChunkIterator[bytes]":
        """Iterate over lines, each with its LF."""
        return ChunkIterator(self.readline)

    # How it is done

    async def _read_all(self) -> bytes:
        # BytesIO hands its buffer over without a copy, and grows by what came, not by what was announced:
        # 512 MB are read with 535 MB resident.
        whole = BytesIO()
        try:
            while await self._wait():
                while self._fill():
                    whole.write(self._take_chunk())
        except BaseException:
            self._give_back(whole.getvalue())
            raise
        return whole.getvalue()

    async def _wait(self) -> bool:
        """Wait until there is something to take; False at the end of the content."""
        if self._waiter is not None:  # also when it was woken: what came is its reader's
            raise RuntimeError("the stream is being read by another coroutine")
        while not self._fill():
            if self._error is not None:
                raise self._error
            if self._has_ended:
                return False
            if self._before_wait is not None:
                before_wait, self._before_wait = self._before_wait, None
                before_wait()
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return True

    def _fill(self) -> bool:
        """Whether something can be taken, having decoded a step if that is what it needs."""
        if self._buffer:
            return True
        decoder = self._decoder
        if decoder is None:
            return False
        try:
            while not self._buffer:
                if decoder.has_more:
                    output = decoder.decode(b"")
                elif self._raw:
                    received = self._raw.popleft()
                    output = decoder.decode(received)
                    if self._source is not None:
                        self._source.consumed(len(received))
                elif self._has_ended:
                    self._decoder = None
                    decoder.finish()
                    return False
                else:
                    return False
                if output:
                    self._buffer.append(output)
        except ProtocolError as error:
            self._decoder = None
            self._raw.clear()
            self.set_exception(self._error_factory(error) if self._error_factory else error)
            return False
        return True

    def _take(self, n: int) -> bytes:
        """At most ``n`` bytes of what is there, all of it for a negative ``n``."""
        if n < 0:
            taken = [self._take_chunk()]
            while self._buffer:
                taken.append(self._take_chunk())
            return taken[0] if len(taken) == 1 else b"".join(taken)
        pieces: list[bytes] = []
        while self._buffer and n:
            first = self._buffer[0]
            if len(first) - self._buffer_offset <= n:
                pieces.append(self._take_chunk())
                n -= len(pieces[-1])
                continue
            start, self._buffer_offset = self._buffer_offset, self._buffer_offset + n
            self._report_read(n)
            pieces.append(first[start : self._buffer_offset])
            break
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _take_chunk(self) -> bytes:
        chunk = self._buffer.popleft()
        if self._buffer_offset:
            chunk = chunk[self._buffer_offset :]
            self._buffer_offset = 0
        self._report_read(len(chunk))
        return chunk

    def _give_back(self, data: bytes) -> None:
        if not data:
            return
        if self._buffer_offset:
            self._buffer[0] = self._buffer[0][self._buffer_offset :]
            self._buffer_offset = 0
        self._buffer.appendleft(data)
        self._report_read(-len(data))

    def _report_read(self, size: int) -> None:
        # Flow control counts bytes as they were received: of coded content, those given to the decoder.
        if self._source is not None and not self._is_coded:
            self._source.consumed(size)

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


@final
class ChunkIterator(AsyncIterator[T], Generic[T]):
    """Reads until a read gives nothing."""

    __slots__ = ("_read",)

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read = read

    def __aiter__(self) -> "ChunkIterator[T]":
        return self

    async def __anext__(self) -> T:
        piece = await self._read()
        if not piece:
            raise StopAsyncIteration
        return piece


def whole_stream(
    body: bytes, decoder: Decoder | None, error_factory: Callable[[ProtocolError], Exception]
) -> StreamReader:
    """A stream whose content is already there."""
    stream = StreamReader(decoder=decoder, error_factory=error_factory)
    stream.feed_data(body)
    stream.feed_eof()
    return stream
