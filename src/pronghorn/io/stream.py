"""A body while it arrives: chunks in, bytes out, decoded when they are read.

What arrives is kept as it came. Only a reader makes content codings be undone, a
bounded step at a time, so content that nobody reads is never inflated and content
that is read slowly is inflated slowly.
"""

import asyncio
import warnings
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from io import BytesIO
from typing import Any, Final, Generic, TypeVar, cast, final

from multidict import CIMultiDict

from ..wire.coding import Decoder
from ..wire.errors import ProtocolError
from .throttle import Pausable, Source, Throttle

_LINE_LIMIT: Final = 128 * 1024
#: What the end of a chunk that is still to be read counts for in bytes: it costs that in memory.
END_WEIGHT: Final = 40
#: For streams that need none of their own, since an empty one takes 624 bytes. It can hold nothing.
_NOTHING: Final[deque[Any]] = deque(maxlen=0)
T = TypeVar("T")


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
        "_decoded",
        "_ends",
        "_eof_waiters",
        "_position",
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
        "total_raw_bytes",
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
        self._throttle: Throttle | None = None
        self._source: Source | None = None
        if protocol is not None:
            if not hasattr(protocol, "consumed"):
                protocol = self._throttle = Throttle(protocol, limit)
            self._source = cast(Source, protocol)
        self._before_wait = before_wait
        self._decoder = decoder
        self._is_coded = decoder is not None
        self._error_factory = error_factory
        #: As received, None where a chunk ended; only used when there is something to decode.
        self._raw: deque[bytes | None] = _NOTHING if decoder is None else deque()
        #: As read; the first `_buffer_offset` bytes of the first chunk are gone.
        self._buffer: deque[bytes] = deque()
        self._buffer_offset = 0
        #: Bytes read so far, and where chunks end, counted likewise.
        self._position = 0
        self._ends: deque[int] = _NOTHING
        self._has_ended = False
        self._error: BaseException | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._on_eof: list[Callable[[], object]] = []
        self._eof_waiters: list[asyncio.Future[None]] = []
        #: Bytes received so far, before decoding.
        self.total_raw_bytes = 0
        self._decoded = 0
        #: The trailer fields that came behind the content (RFC 9110 section 6.5), once it has ended.
        self.trailers: CIMultiDict[str] | None = None

    def __repr__(self) -> str:
        state = "ended" if self._has_ended else "open"
        return f"<{type(self).__name__} {state}, {self.total_raw_bytes} bytes received>"

    @property
    def total_bytes(self) -> int:
        """Bytes that could be read so far: after decoding, if there is something to decode."""
        return self._decoded if self._is_coded else self.total_raw_bytes

    @property
    def total_compressed_bytes(self) -> int | None:
        """Bytes received so far, if there is something to decode."""
        return self.total_raw_bytes if self._is_coded else None

    # Filling

    def feed_data(self, data: bytes, ends: Sequence[int] = ()) -> None:
        """Append content; RuntimeError after `feed_eof`. ``ends``: the places in it where a chunk ended."""
        if self._has_ended:
            raise RuntimeError("feed_data: the stream has ended")
        if not data or self._error is not None:
            return  # what follows a failure can't be told from what is lost
        if ends:
            self._feed_chunks(data, ends)
        else:
            (self._buffer if self._decoder is None else self._raw).append(data)
        self.total_raw_bytes += len(data)
        if self._throttle is not None:
            self._throttle.received(len(data))
        self._wake()

    def _feed_chunks(self, data: bytes, ends: Sequence[int]) -> None:
        if self._decoder is None:
            self._buffer.append(data)
            start = self.total_raw_bytes
            self._note_ends([start + end for end in ends])
            return
        start = 0
        for end in ends:
            self._raw += (data[start:end], None)
            start = end
        if start < len(data):
            self._raw.append(data[start:])

    def _note_ends(self, ends: Sequence[int]) -> None:
        if self._ends is _NOTHING:
            self._ends = deque()
        self._ends.extend(ends)

    def begin_http_chunk_receiving(self) -> None:
        """What is fed from now on is a chunk."""

    def end_http_chunk_receiving(self) -> None:
        """What was fed so far ends a chunk: see `readchunk`."""
        if self._throttle is not None:
            self._throttle.received(END_WEIGHT)
        if self._decoder is None:
            self._note_ends((self.total_raw_bytes,))
        else:
            self._raw.append(None)
        self._wake()

    def feed_eof(self) -> None:
        """No more content follows."""
        self._has_ended = True
        self._source = None  # it may be filling another stream when this one is read
        self._wake()
        for waiter in self._eof_waiters:
            if not waiter.done():
                waiter.set_result(None)
        callbacks, self._on_eof = self._on_eof, []
        for callback in callbacks:
            callback()

    def set_exception(self, error: BaseException) -> None:
        """No more content follows, because of ``error``; the first error stays."""
        if self._error is None:
            self._error = error
        for waiter in self._eof_waiters:
            if not waiter.done():
                waiter.set_exception(self._error)
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

    async def wait_eof(self) -> None:
        """Wait until the content is whole; raises what `set_exception` was given."""
        if self._has_ended:
            return
        if self._error is not None:
            raise self._error
        waiter = asyncio.get_running_loop().create_future()
        self._eof_waiters.append(waiter)
        try:
            await waiter
        finally:
            self._eof_waiters.remove(waiter)

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

    async def readchunk(self) -> tuple[bytes, bool]:
        """Read up to the end of a chunk of the chunked transfer coding, and whether that is it.

        What has come of a chunk is given without waiting for the rest; (b"", False) at the end of all.
        """
        has_content = await self._wait()
        while self._ends:
            end = self._ends[0]
            if end > self._position:
                piece = self._take(end - self._position)
                is_end = self._position == end
                if is_end:
                    self._pop_end()
                return piece, is_end
            self._pop_end()
            if end == self._position:
                return b"", True
        return (self._take(-1), False) if has_content else (b"", False)

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

    def unread_data(self, data: bytes) -> None:
        """Put ``data`` back: the next read gives it first. Deprecated."""
        warnings.warn("unread_data is deprecated: read what is wanted", DeprecationWarning, stacklevel=2)
        self._give_back(data)
        self._wake()

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

    def iter_chunks(self) -> "AsyncIterator[tuple[bytes, bool]]":
        """Iterate over what `readchunk` gives."""
        return _iterate_chunks(self)

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
                    if received is None:
                        self._note_ends((self._decoded,))
                        continue
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
                    self._decoded += len(output)
            while self._raw and self._raw[0] is None and not decoder.has_more:
                self._raw.popleft()
                self._note_ends((self._decoded,))
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
        self._position += size
        while self._ends and self._ends[0] < self._position:
            self._pop_end()
        # Flow control counts bytes as they were received: of coded content, those given to the decoder.
        if self._source is not None and not self._is_coded:
            self._source.consumed(size)

    def _pop_end(self) -> None:
        self._ends.popleft()
        if self._source is not None:
            self._source.consumed(END_WEIGHT)

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


async def _iterate_chunks(stream: StreamReader) -> AsyncIterator[tuple[bytes, bool]]:
    while True:
        piece, is_end = await stream.readchunk()
        if not piece and not is_end:
            return
        yield piece, is_end


def whole_stream(
    body: bytes,
    decoder: Decoder | None,
    error_factory: Callable[[ProtocolError], Exception],
    *,
    is_chunk: bool = False,
    make_stream: Callable[..., StreamReader] = StreamReader,
) -> StreamReader:
    """A stream whose content is already there; ``is_chunk``: it came as one chunk."""
    stream = make_stream(decoder=decoder, error_factory=error_factory)
    stream.feed_data(body, (len(body),) if is_chunk and body else ())
    stream.feed_eof()
    return stream
