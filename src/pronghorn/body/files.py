"""Files as bodies: read in pieces, on threads."""

import asyncio
import codecs
import inspect
import io
import os
from collections.abc import Callable
from pathlib import PurePath
from typing import IO, Any, Final

from .payload import Payload, StringPayload, Writer, text_type

#: One read, off the loop: with 64 KiB the hand-over costs more than the read.
_READ: Final = 256 * 1024


class IOBasePayload(Payload):
    """A file, from where it stands to its end, as it is when this is made.

    With a file name, which is the file's own unless one is given, it is described as
    ``disposition`` of that name. When the message is over the file is closed.
    ValueError for a file that is closed, or not open for reading.
    """

    def __init__(self, value: IO[Any], disposition: str = "attachment", *args: Any, **kwargs: Any) -> None:
        if "filename" not in kwargs:
            kwargs["filename"] = guess_filename(value)
        super().__init__(value, *args, **kwargs)
        if hasattr(value, "readable") and not value.readable():
            raise ValueError("file: expected one that was opened for reading")
        #: Where it begins; None if it can't be read from there once more.
        self._start = self._position()
        self._size = self._measure()
        self._is_begun = False
        self._is_closed = False
        self._reading: asyncio.Future[Any] | None = None
        if self._filename is not None and disposition and "Content-Disposition" not in self.headers:
            self.set_content_disposition(disposition, filename=self._filename)

    async def write(self, writer: Writer) -> None:
        """Write what the file holds; EOFError if that is less than `size` by now."""
        if self._is_begun and self._start is None:
            raise RuntimeError("file: it was read, and can't be read once more")
        self._is_begun = True
        encode = self._encoder()
        position, left = self._start, self._size
        while left is None or left > 0:
            piece = await self._read(position, _READ if left is None else min(left, _READ))
            encoded = encode(piece)[:left]
            if encoded:
                await writer.write(encoded)
            if not piece:
                break
            if position is not None:
                position = self._after(position, piece)
            if left is not None:
                left -= len(encoded)
        if left:
            raise EOFError(f"file: expected {self._size} bytes, it ended {left} short of them")

    def _encoder(self) -> Callable[[Any], bytes]:
        return _checked

    def _after(self, position: int, piece: Any) -> int | None:
        """Where the next piece is to be read; None for where the file stands."""
        return position + len(piece)

    async def _read(self, position: int | None, size: int) -> Any:
        # One at a time: a read whose writer was cancelled may still go on.
        while self._reading is not None and not self._reading.done():
            await asyncio.wait((self._reading,))
        reading = self._reading = asyncio.get_running_loop().run_in_executor(
            None, self._read_now, position, size
        )
        await asyncio.wait((reading,))
        return reading.result()

    def _read_now(self, position: int | None, size: int) -> Any:
        if position is not None and self._value.tell() != position:
            self._value.seek(position)
        return self._value.read(size)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """What it holds as text; for that it is read, here and now."""
        if self._start is None:
            return super().decode(encoding, errors)
        position = self._value.tell()
        try:
            content = self._read_now(self._start, -1 if self._size is None else self._size)
        finally:
            self._value.seek(position)
        return (
            content if isinstance(content, str) else bytes(content).decode(self._encoding or encoding, errors)
        )

    def rewind(self) -> bool:
        return not self.consumed

    @property
    def consumed(self) -> bool:
        if self._is_closed or getattr(self._value, "closed", False):
            return True
        return self._is_begun and self._start is None

    @property
    def autoclose(self) -> bool:
        return False

    async def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        close = getattr(self._value, "close", None)
        if close is None:
            return
        # Off the loop: it may write. Nor does it wait for a read that does not end, of a pipe for one.
        loop = asyncio.get_running_loop()
        if self._reading is not None and not self._reading.done():
            self._reading.add_done_callback(lambda _: loop.run_in_executor(None, close))
        else:
            # Who is cancelled while it waits has closed it all the same.
            await asyncio.shield(loop.run_in_executor(None, close))

    def _position(self) -> int | None:
        try:
            position: int | None = self._value.tell() if self._value.seekable() else None
        except (OSError, AttributeError):
            return None
        return position

    def _measure(self) -> int | None:
        if self._start is None or not _has_cheap_end(self._value):
            return None
        # Not fstat: that does not count what is buffered to be written.
        try:
            self._value.seek(0, os.SEEK_END)
        except OSError:
            return None  # of /proc
        end: int = self._value.tell()  # of `seek`, who imitates files forgets the result
        self._value.seek(self._start)
        return max(0, end - self._start)


def _has_cheap_end(file: Any) -> bool:
    """Its end can be looked up: who decompresses reads all of it to know."""
    file = getattr(file, "_file", file)  # of a tempfile.SpooledTemporaryFile
    return isinstance(getattr(file, "raw", file), (io.FileIO, io.BytesIO)) or not isinstance(file, io.IOBase)


def _checked(piece: Any) -> bytes:
    if isinstance(piece, bytes):
        return piece
    if isinstance(piece, (bytearray, memoryview)):
        return bytes(piece)
    raise TypeError(f"file: expected read() to give bytes, got {type(piece).__name__}")


class BufferedReaderPayload(IOBasePayload):
    """A file of bytes."""


class TextIOPayload(IOBasePayload):
    """A file of text, sent in ``encoding``: by default in the charset of ``content_type``, or in UTF-8."""

    def __init__(
        self,
        value: IO[str],
        *args: Any,
        encoding: str | None = None,
        content_type: str | None = None,
        **kwargs: Any,
    ) -> None:
        encoding, content_type = text_type(encoding, content_type)
        super().__init__(value, *args, encoding=encoding, content_type=content_type, **kwargs)

    def _measure(self) -> int | None:
        return None  # its positions count nothing

    def _after(self, position: int, piece: Any) -> int | None:
        return None

    def _encoder(self) -> Callable[[Any], bytes]:
        # One for all pieces: UTF-16 has a mark at its beginning.
        encoder = codecs.getincrementalencoder(self._encoding or "utf-8")()

        def encode(piece: Any) -> bytes:
            return encoder.encode(piece, not piece) if isinstance(piece, str) else _checked(piece)

        return encode


class BytesIOPayload(IOBasePayload):
    """Bytes in memory that read like a file. They are read in pieces, on the loop, and stay open."""

    async def _read(self, position: int | None, size: int) -> Any:
        return self._read_now(position, size)

    @property
    def autoclose(self) -> bool:
        return True

    async def close(self) -> None:
        pass


class StringIOPayload(StringPayload):
    """Text in memory that reads like a file, from where it stands to its end."""

    def __init__(self, value: IO[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(value.read(), *args, **kwargs)


def file_payload(file: Any, *args: Any, **kwargs: Any) -> IOBasePayload:
    """The payload of whatever reads like a file: of text, if it has an encoding."""
    if inspect.iscoroutinefunction(file.read):
        raise TypeError(f"file: expected a read() that gives bytes, of {type(file).__name__} it is awaited")
    kind: Callable[..., IOBasePayload] = TextIOPayload if hasattr(file, "encoding") else IOBasePayload
    return kind(file, *args, **kwargs)


def guess_filename(obj: object, default: str | None = None) -> str | None:
    """The name of an open file, without its folders; ``default`` if it has none that stands for a file."""
    name = getattr(obj, "name", None)
    # That of a descriptor is a number, and "<stdin>" is no file's.
    if isinstance(name, str) and name and name[0] != "<" and name[-1] != ">":
        return PurePath(name).name
    return default
