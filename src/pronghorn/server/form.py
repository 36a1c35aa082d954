"""Forms that were posted: fields as text, files in memory or, once they are large, on disk."""

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Final, final

from multidict import CIMultiDictProxy, MultiDict, istr

from ..body.part import BodyPartReader, Content
from ..body.reader import MultipartReader
from ..wire.urlencoded import parse_urlencoded
from .errors import HTTPBadRequest, HTTPRequestEntityTooLarge

_CONTENT_TYPE: Final = istr("Content-Type")
#: Files up to this size stay in memory, in bytes.
SPOOL_SIZE: Final = 1024 * 1024
#: What is written at once: handing 64 KiB to a thread costs three times what writing them does.
_WRITE_SIZE: Final = 256 * 1024


@dataclass(frozen=True, slots=True, weakref_slot=True)
class FileField:
    """A file in a form. ``filename`` is as the client calls it, without directories.

    ``file`` is open at its beginning, and until the request is over; ``headers`` are those of the part.
    """

    name: str
    filename: str
    file: IO[bytes]
    content_type: str
    headers: CIMultiDictProxy[str]


FormValue = str | bytes | FileField


def _too_many(max_fields: int) -> HTTPRequestEntityTooLarge:
    text = f"Maximum number of form fields {max_fields} exceeded."
    return HTTPRequestEntityTooLarge(max_fields, max_fields + 1, text=text)


@final
class BoundedContent:
    """Content that may not be larger than ``max_size`` bytes; 0 is unlimited."""

    def __init__(self, content: Content, max_size: int) -> None:
        self._content = content
        self._max_size = max_size
        self._size = 0

    async def readany(self) -> bytes:
        """Read whatever is there; HTTPRequestEntityTooLarge beyond the limit."""
        data = await self._content.readany()
        self._size += len(data)
        if 0 < self._max_size < self._size:
            raise HTTPRequestEntityTooLarge(self._max_size, self._size)
        return data


@final
class Upload:
    """A file being received. On disk it is written by threads."""

    def __init__(self) -> None:
        self.file = SpooledTemporaryFile(max_size=SPOOL_SIZE)  # noqa: SIM115 - outlives this: see `close`
        self._size = 0
        self._unwritten: list[bytes] = []
        self._unwritten_size = 0
        #: What a thread is doing with the file, or did last.
        self._work: asyncio.Future[None] | None = None

    async def receive(self, part: BodyPartReader) -> None:
        """Take the content of ``part`` in; the file can be read from its beginning then."""
        async with aclosing(part.decoded()) as pieces:
            async for piece in pieces:
                self._unwritten.append(piece)
                self._unwritten_size += len(piece)
                if self._unwritten_size >= _WRITE_SIZE:
                    await self._flush()
        await self._flush(is_last=True)

    async def _flush(self, *, is_last: bool = False) -> None:
        data, self._unwritten, self._unwritten_size = b"".join(self._unwritten), [], 0
        self._size += len(data)
        if self._size <= SPOOL_SIZE:
            self._write(data, is_last)
            return
        self._work = asyncio.get_running_loop().run_in_executor(None, self._write, data, is_last)
        # Shielded, as a thread can't be cancelled: the file is closed behind what it does.
        await asyncio.shield(self._work)

    def _write(self, data: bytes, is_last: bool) -> None:
        self.file.write(data)
        if is_last:
            self.file.seek(0)

    def close(self) -> None:
        """Close the file, which deletes it: on a thread if it is on disk, where that takes a while."""
        work = self._work
        if work is None:
            self.file.close()
        elif not work.done():
            work.add_done_callback(lambda _: self.close())
        else:
            if not work.cancelled():
                work.exception()  # whoever waited for it has seen it
            try:
                self._work = work.get_loop().run_in_executor(None, self._discard)
            except RuntimeError:  # the loop is at its end, and its threads are
                self._discard()

    def _discard(self) -> None:
        try:
            self.file.close()
        except OSError:
            pass  # what could not be written is not wanted any more


def close_all(uploads: Iterable[Upload]) -> None:
    """Close all files."""
    for upload in uploads:
        upload.close()


def read_urlencoded(body: bytes, charset: str, max_fields: int) -> MultiDict[FormValue]:
    """The fields of an urlencoded form; 0 is any number of them.

    HTTPRequestEntityTooLarge for more, ProtocolError for a ``charset`` that is none.
    """
    if 0 < max_fields <= body.count(b"&"):
        raise _too_many(max_fields)
    return MultiDict(parse_urlencoded(body, charset, 0))


async def read_form_data(
    reader: MultipartReader, max_fields: int, uploads: list[Upload]
) -> MultiDict[FormValue]:
    """The fields of a multipart/form-data form; 0 is any number of them. Its files are added to ``uploads``.

    HTTPRequestEntityTooLarge for more, HTTPBadRequest for what no form has.
    """
    fields: MultiDict[FormValue] = MultiDict()
    while (part := await reader.next()) is not None:
        if 0 < max_fields <= len(fields):
            raise _too_many(max_fields)
        if isinstance(part, MultipartReader) or (name := part.name) is None:
            raise HTTPBadRequest(text="form: expected parts that have a name, and no parts")
        content_type = part.headers.get(_CONTENT_TYPE)
        if filename := part.filename:
            upload = Upload()
            uploads.append(upload)
            await upload.receive(part)
            content_type = content_type or "application/octet-stream"
            fields.add(name, FileField(name, filename, upload.file, content_type, part.headers))
        # RFC 7578 section 4.4: text, unless the part says something else.
        elif content_type is None or content_type[:5].lower() == "text/":
            fields.add(name, await part.text())
        else:
            fields.add(name, bytes(await part.read(decode=True)))
    return fields
