"""`FileResponse`: a file as a response, by ranges, conditions and codings (RFC 9110 sections 12 to 14)."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ..io.open_file import OpenFile, in_thread
from .content_types import content_types
from .errors import HTTPNotFound
from .nearness import at_hand
from .opening import NotServedError, Place
from .response_head import Headers
from .selection import Selected, select, wanted_by
from .stream_response import Answerable, StreamResponse

T = TypeVar("T")

#: Bytes that are read at once where a file can't be sent without reading it.
CHUNK_SIZE = 256 * 1024
_OK = 200
_NOT_FOUND = 404


class FileResponse(StreamResponse):
    """A response with the content of the regular file at ``path``.

    GET and HEAD have ETag, Last-Modified and Accept-Ranges; they are answered with 304 or 412 by the
    conditions in the request, with 206 and 416 by its Range (one or several), with a sibling that ends in
    ".br", ".zst" or ".gz" if the client takes that coding. The media type follows from the name unless
    ``headers`` has one. Where nothing is to be served, a folder or a pipe for one, the answer is 404.
    With another ``status`` than 200 the file is sent whole.

    The kernel sends it where it can (not over TLS, nor compressed on its way): then ``chunk_size``, in bytes,
    does not matter. `prepare` opens the file, sends all of it, and closes it whatever happens.
    """

    #: What is sent by the head's own write.
    _content: bytes | None = None
    _selected: Selected | None = None

    def __init__(
        self,
        path: "str | os.PathLike[str]",
        chunk_size: int = CHUNK_SIZE,
        status: int = _OK,
        reason: str | None = None,
        headers: Headers | None = None,
    ) -> None:
        super().__init__(status=status, reason=reason, headers=headers)
        self._name = os.fspath(path)
        self._chunk_size = chunk_size

    @property
    def _path(self) -> Path:
        """The path; others' tests and subclasses look at it."""
        return Path(self._name)

    @property
    def chunk_size(self) -> int:
        """Bytes that are read at once where the kernel does not send the file."""
        return self._chunk_size

    @chunk_size.setter
    def chunk_size(self, value: int) -> None:
        self._chunk_size = value

    def bring(self, selected: Selected) -> None:
        """Have what was ``selected`` already be sent by `prepare`."""
        self._selected = selected

    async def prepare(self, request: Answerable) -> None:
        """Send head and content. A second call does nothing."""
        if self._req is not None or self._has_ended:
            await super().prepare(request)
            return
        selected, self._selected = self._selected, None
        try:
            if selected is None:
                selected = await self._select(request)
            self._take(selected)
            await super().prepare(request)
            if not self._has_ended:
                await self._send(request, selected)
        finally:
            if selected is not None:
                selected.close()

    async def _select(self, request: Answerable) -> Selected:
        place = Place(self._name, follows=True)
        wanted = wanted_by(request.method, request.headers, self._status)

        def look(may_wait: bool) -> Selected:
            return select(place, wanted, may_wait=may_wait)

        try:
            return await select_near(self._name, look)
        except NotServedError:
            not_found = HTTPNotFound()
            content = not_found.text or ""
            return Selected(_NOT_FOUND, {}, not_found.headers["Content-Type"], content=content.encode())

    def _take(self, selected: Selected) -> None:
        """Say what was selected."""
        headers = self.headers
        if selected.status == _NOT_FOUND:
            headers.clear()  # what was given speaks of the file
        if selected.status != _OK:
            self.set_status(selected.status)
        vary = headers.getall("Vary", ())
        headers.update(selected.fields)
        if vary and "Vary" in selected.fields:
            headers["Vary"] = ", ".join((*vary, selected.fields["Vary"]))
        if not selected.content_type:
            headers.pop("Content-Type", None)
            selected.content = b""
        elif selected.status == _NOT_FOUND or not self._has_chosen_type:
            headers["Content-Type"] = selected.content_type
        self._content = selected.content
        if not self._is_chunked and self._content is None:
            self.content_length = selected.size

    def _begin(self, request: Answerable) -> None:
        content = self._content
        if content is None or self._compression or self._is_chunked:
            super()._begin(request)
            return
        self._send_head(request, request.exchange, content)
        self._body_length = 0 if request.method == "HEAD" else len(content)
        self._end()

    async def _send(self, request: Answerable, selected: Selected) -> None:
        if selected.content is not None:
            await self.write_eof(selected.content)
            return
        file = selected.file
        if file is not None:
            for piece in selected.pieces:
                if isinstance(piece, bytes):
                    await self.write(piece)
                else:
                    await self._send_span(request, file, *piece)
        await self.write_eof()

    async def _send_span(self, request: Answerable, file: OpenFile, start: int, stop: int) -> None:
        is_verbatim = self._coder is None and not self._is_chunked
        if is_verbatim and await request.exchange.sendfile(file, start, stop - start):
            self._body_length += stop - start
            return
        while start < stop:
            chunk = await file.read(start, min(self._chunk_size, stop - start))
            if not chunk:
                raise OSError(f"the file ends {stop - start} bytes before what was announced of it")
            await self.write(chunk)
            start += len(chunk)


async def select_near(path: str, look: Callable[[bool], T]) -> T:
    """What ``look`` finds at ``path``: at once if that is at hand, else on a thread, where it may wait."""
    now = asyncio.get_running_loop().time()
    if at_hand.has(path, now):
        try:
            found = look(False)
        except BlockingIOError:
            found = await in_thread((), look, True)
        except NotServedError:
            at_hand.forget(path)
            raise
    else:
        found = await in_thread((), look, True)
    if isinstance(found, Selected) and found.is_near:
        at_hand.note(path, now)
    return found


def __getattr__(name: str) -> Any:
    # A known name of `aiohttp.web_fileresponse`; made when it is looked at, since it reads the disk.
    if name == "CONTENT_TYPES":
        return content_types()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
