"""What can be sent as a body, and how it gets onto the wire without being held whole."""

import asyncio
import os
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping
from mimetypes import guess_type
from typing import IO, Any, Final, Protocol

from ..io.stream import StreamReader
from .form import FORM_TYPE, encode_form

#: One read of a file, off the loop: with 64 KiB the hand-over costs more than the read.
_FILE_READ: Final = 256 * 1024
_BINARY_TYPE: Final = "application/octet-stream"
_TEXT_TYPE: Final = "text/plain; charset=utf-8"


class Writer(Protocol):
    """Where a payload goes."""

    async def write(self, data: bytes, /) -> None:
        """Send ``data``, waiting while the peer does not read."""


class Payload(ABC):
    """A body to be sent: ``value``, and what is said of it.

    A class that derives from it writes the body in `write`, and tells its `size` if it knows.
    """

    #: Its media type, unless the caller names another.
    content_type: str = _BINARY_TYPE
    #: Its length in bytes, None if that is not known before it is sent.
    size: int | None = None

    def __init__(
        self,
        value: Any,
        *,
        content_type: str | None = None,
        filename: str | None = None,
        encoding: str | None = None,
    ) -> None:
        self._value = value
        self.filename = filename
        self.encoding = encoding
        if content_type is not None:
            self.content_type = content_type

    @abstractmethod
    async def write(self, writer: Writer) -> None:
        """Write the whole body, by nothing but ``await writer.write(data)``."""

    def rewind(self) -> bool:
        """Make ready to be written once more; False if that can't be done."""
        return False


class BytesPayload(Payload):
    """Bytes that are there."""

    def __init__(self, data: bytes, content_type: str = _BINARY_TYPE) -> None:
        super().__init__(data, content_type=content_type)
        self.size = len(data)

    @property
    def data(self) -> bytes:
        """The bytes."""
        value: bytes = self._value
        return value

    async def write(self, writer: Writer) -> None:
        await writer.write(self._value)

    def rewind(self) -> bool:
        return True


class FilePayload(Payload):
    """A file, from where it stands to its end, read in pieces on a thread.

    Text files are sent as UTF-8. The file stays open: who opened it closes it.
    """

    def __init__(self, file: IO[Any]) -> None:
        super().__init__(file)
        self._file = file
        self._is_text = hasattr(file, "encoding")  # a wrapper of `tempfile` is no TextIOBase
        self._start = self._position()
        if not self._is_text:
            self.size = self._measure()
        name = getattr(file, "name", None)
        guessed = guess_type(name)[0] if isinstance(name, str) else None
        self.content_type = guessed or (_TEXT_TYPE if self._is_text else _BINARY_TYPE)

    async def write(self, writer: Writer) -> None:
        loop = asyncio.get_running_loop()
        left = self.size
        while left is None or left > 0:
            size = _FILE_READ if left is None else min(left, _FILE_READ)
            piece = await loop.run_in_executor(None, self._file.read, size)
            if not piece:
                break
            data = piece.encode() if isinstance(piece, str) else piece
            await writer.write(data)
            if left is not None:
                left -= len(data)

    def rewind(self) -> bool:
        if self._start is None:
            return False
        self._file.seek(self._start)
        return True

    def _position(self) -> int | None:
        try:
            return self._file.tell() if self._file.seekable() else None
        except (OSError, AttributeError):
            return None

    def _measure(self) -> int | None:
        if self._start is None:
            return None
        # Not fstat: the descriptor of a `gzip` file tells the size of what is not sent.
        end = self._file.seek(0, os.SEEK_END)
        self._file.seek(self._start)
        return max(0, end - self._start)


class AsyncIterablePayload(Payload):
    """Pieces as they come, of a length that nobody knows."""

    def __init__(self, pieces: AsyncIterable[bytes]) -> None:
        super().__init__(pieces)
        self._pieces = pieces

    async def write(self, writer: Writer) -> None:
        try:
            async for piece in self._pieces:
                if not isinstance(piece, (bytes, bytearray, memoryview)):
                    raise TypeError(f"body: expected the iterable to give bytes, got {type(piece).__name__}")
                await writer.write(bytes(piece))
        finally:
            # A generator that is not read to its end holds what it holds until somebody collects it.
            if isinstance(self._pieces, AsyncGenerator):
                await self._pieces.aclose()


def make_payload(data: Any) -> Payload:
    """The payload for what a caller gave as ``data``.

    bytes-like as it is; str as UTF-8 text; a mapping or an iterable of pairs as a form;
    an open file or anything with ``read``; an async iterable of bytes; a StreamReader.
    TypeError for anything else.
    """
    if isinstance(data, Payload):
        return data
    if isinstance(data, (bytes, bytearray, memoryview)):
        return BytesPayload(bytes(data))
    if isinstance(data, str):
        return BytesPayload(data.encode(), _TEXT_TYPE)
    if isinstance(data, StreamReader):
        return AsyncIterablePayload(data.iter_any())
    if isinstance(data, AsyncIterable):
        return AsyncIterablePayload(data)
    if hasattr(data, "read"):
        return FilePayload(data)
    if isinstance(data, (Mapping, Iterable)):
        return BytesPayload(encode_form(data), FORM_TYPE)
    raise TypeError(
        "data: expected bytes, str, a mapping, pairs, a file, an async iterable or a StreamReader, "
        f"got {type(data).__name__}"
    )
