"""Bodies that come piece by piece, of a length that nobody knows."""

import types
from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable
from typing import Any

from ..io.stream import StreamReader
from .payload import Payload, Writer


class _Passing(Payload):
    """A body that is gone when it was written, unless `as_bytes` has kept it."""

    _is_begun = False
    _content: bytes | None = None

    async def write(self, writer: Writer) -> None:
        """Write the body; RuntimeError if it is gone: what would be left of it would look whole."""
        if self._content is not None:
            await writer.write(self._content)
            return
        if self._is_begun:
            raise RuntimeError("body: it was written as it came, and can't be written once more")
        self._is_begun = True
        await self._pass(writer)

    @abstractmethod
    async def _pass(self, writer: Writer) -> None: ...

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """The whole body, which is kept: it can be written afterwards, and as often as it must be."""
        if self._content is None:
            self._content = await super().as_bytes(encoding, errors)
            self._size = len(self._content)
        return self._content

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """The body as text, if `as_bytes` has kept it."""
        if self._content is None:
            return super().decode(encoding, errors)
        return self._content.decode(self._encoding or encoding, errors)

    def rewind(self) -> bool:
        return not self.consumed

    @property
    def consumed(self) -> bool:
        return self._is_begun and self._content is None


class AsyncIterablePayload(_Passing):
    """Pieces as an async iterable gives them."""

    def __init__(self, value: AsyncIterable[bytes], *args: Any, **kwargs: Any) -> None:
        if not isinstance(value, AsyncIterable):
            raise TypeError(f"value: expected an async iterable, got {type(value).__name__}")
        super().__init__(value, *args, **kwargs)

    async def _pass(self, writer: Writer) -> None:
        await _write_pieces(self._value, writer)


class StreamReaderPayload(AsyncIterablePayload):
    """What a stream still holds and receives: the content of another message, for one."""

    def __init__(self, value: StreamReader, *args: Any, **kwargs: Any) -> None:
        super().__init__(value.iter_any(), *args, **kwargs)


class streamer:  # noqa: N801 - documented as a decorator of this name
    """Makes a function that writes a body of one that takes a writer: ``await writer.write(...)``.

    Calling it gives what `data` takes. A generator that says ``yield from writer.write(...)`` will do,
    and so will an async generator of pieces.
    """

    def __init__(self, coro: Callable[..., Any]) -> None:
        self.coro: Callable[..., Any] = types.coroutine(coro)

    def __call__(self, *args: Any, **kwargs: Any) -> "StreamCall":
        """Bind the arguments that follow the writer."""
        return StreamCall(self.coro, args, kwargs)


class StreamCall:
    """A function that writes a body, with its arguments: called with the writer."""

    def __init__(self, coro: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.coro = coro
        self.args = args
        self.kwargs = kwargs

    async def __call__(self, writer: Writer) -> None:
        """Write the body."""
        writing: Awaitable[None] | AsyncIterable[bytes] = self.coro(writer, *self.args, **self.kwargs)
        if isinstance(writing, AsyncIterable):
            await _write_pieces(writing, writer)
        else:
            await writing


class StreamWrapperPayload(_Passing):
    """A body that a function writes. It is not called twice: its arguments may be read to their ends."""

    async def _pass(self, writer: Writer) -> None:
        await self._value(writer)


class StreamPayload(StreamWrapperPayload):
    """A body that a `streamer` writes; without arguments, it is called without."""

    def __init__(self, value: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(value(), *args, **kwargs)


async def _write_pieces(pieces: AsyncIterable[bytes], writer: Writer) -> None:
    try:
        async for piece in pieces:
            if not isinstance(piece, (bytes, bytearray, memoryview)):
                raise TypeError(f"body: expected the iterable to give bytes, got {type(piece).__name__}")
            await writer.write(bytes(piece))
    finally:
        # A generator that is not read to its end holds what it holds until somebody collects it.
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()
