"""Multipart bodies that are read (RFC 2046 section 5.1, RFC 7578), a part at a time, as they come."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Self

from multidict import CIMultiDictProxy, istr

from ..wire.errors import ProtocolError
from ..wire.fields import parse_media_type
from ..wire.multipart import (
    DEFAULT_LIMITS,
    MultipartEnd,
    MultipartLimits,
    MultipartParser,
    PartHead,
    boundary_of,
)
from .part import UNLIMITED, BodyPartReader, Content, ErrorFactory, Feed, multipart_error

_CONTENT_TYPE: Final = istr("Content-Type")
_MULTIPART: Final = "multipart/"
#: RFC 7578 section 4.6: if the first part of a form has this name, it names the charset of the others.
_CHARSET_PART: Final = "_charset_"
_LONGEST_CHARSET: Final = 31
#: The fields of all parts together may have so many bytes for each part that there may be.
_HEAD_SIZE: Final = 1024


class MultipartReader:
    """Reads the parts of a body in order: ``async for part in reader``.

    ``headers`` are those of the message, ``content`` is its body. A part is a BodyPartReader, or
    another MultipartReader if it holds parts; what was not read of it is skipped when the next
    one is asked for. ``max_parts`` counts those in parts, too, and 0 is any number of them;
    ``max_headers`` and ``max_field_size`` bound the fields of a part. For the others see
    `BodyPartReader`.

    A malformed body, and one beyond the limits, raises what ``error_factory`` makes: by default a
    MultipartError, which is a ValueError. One coroutine reads at a time; a second one gets
    RuntimeError. A read that is cancelled loses nothing.
    """

    #: Makes readers of parts that hold parts; None is the reader's own class.
    multipart_reader_cls: "type[MultipartReader] | None" = None
    #: Makes readers of parts.
    part_reader_cls: type[BodyPartReader] = BodyPartReader
    #: Makes what `from_response` returns.
    response_wrapper_cls: "type[MultipartResponseWrapper]"

    def __init__(
        self,
        headers: Mapping[str, str],
        content: Content,
        *,
        client_max_size: int = UNLIMITED,
        max_field_size: int = 8190,
        max_headers: int = 128,
        max_parts: int = 1000,
        max_size_error_cls: Callable[[int], Exception] = ValueError,
        error_factory: ErrorFactory = multipart_error,
    ) -> None:
        self.headers = headers
        content_type = headers.get(_CONTENT_TYPE, "")
        try:
            boundary = boundary_of(content_type)
            if isinstance(content, BodyPartReader):
                error_factory = content._feed.error_factory
                parser = content._feed.parser.nested(boundary)
            else:
                parser = MultipartParser(boundary, _limits(max_parts, max_field_size, max_headers))
        except ProtocolError as error:
            raise error_factory(error) from error
        self._boundary = b"--" + boundary
        self._feed = Feed(content, parser, error_factory)
        self._subtype = parse_media_type(content_type)[0].removeprefix(_MULTIPART)
        self._bounds: dict[str, Any] = {
            "client_max_size": client_max_size,
            "max_size_error_cls": max_size_error_cls,
        }
        self._part_options = {"subtype": self._subtype, **self._bounds}
        self._last: BodyPartReader | None = None
        #: The part that names the charset, until that is read.
        self._charset_part: BodyPartReader | None = None
        self._charset = ""
        self._is_at_eof = False

    @classmethod
    def from_response(cls, response: Any) -> "MultipartResponseWrapper":
        """A reader of a response: of any number of parts, behind which the response is released."""
        reader = cls(response.headers, response.content)
        parser = MultipartParser(reader._boundary[2:], _limits(0), is_lenient=True)
        reader._feed = Feed(response.content, parser, reader._feed.error_factory)
        return cls.response_wrapper_cls(response, reader)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> "MultipartReader | BodyPartReader":
        part = await self.next()
        if part is None:
            raise StopAsyncIteration
        return part

    def at_eof(self) -> bool:
        """There are no more parts."""
        return self._is_at_eof

    async def next(self) -> "MultipartReader | BodyPartReader | None":
        """The next part; None if there is none."""
        if self._last is None:
            part = await self._next_part()
            if part is None or self._subtype != "form-data" or part.name != _CHARSET_PART:
                return self._as_reader(part)
            self._charset_part = part
        if self._charset_part is not None:
            self._part_options["default_charset"] = await self._read_charset(self._charset_part)
            self._charset_part = None
        return self._as_reader(await self._next_part())

    async def fetch_next_part(self) -> "MultipartReader | BodyPartReader | None":
        """As `next`, which reads the charset of a form itself."""
        return self._as_reader(await self._next_part())

    async def release(self) -> None:
        """Read to the end, and keep nothing."""
        while await self._next_part() is not None:
            pass

    async def _next_part(self) -> BodyPartReader | None:
        if self._is_at_eof:
            return None
        last = self._last
        if last is not None and not last.at_eof():
            await last.release()
        while type(event := await self._feed.next()) is not PartHead:
            if type(event) is MultipartEnd:
                await self._feed.next()  # what stands behind the parts is read as well
                self._is_at_eof = True
                return None
        part = self.part_reader_cls(
            self._boundary, CIMultiDictProxy(event.headers), self._feed, **self._part_options
        )
        part._begin(event)
        self._last = part
        return part

    async def _read_charset(self, part: BodyPartReader) -> str:
        while piece := await part.readany():
            self._charset += piece[: _LONGEST_CHARSET + 1].decode("ascii", "replace")
            if len(self._charset) > _LONGEST_CHARSET:
                error = ProtocolError(f"{_CHARSET_PART}: expected the name of a charset")
                raise self._feed.error_factory(error)
        return self._charset.strip()

    def _as_reader(self, part: BodyPartReader | None) -> "MultipartReader | BodyPartReader | None":
        content_type = None if part is None else part.headers.get(_CONTENT_TYPE)
        if part is None or content_type is None or content_type[:10].lower() != _MULTIPART:
            return part
        return (self.multipart_reader_cls or type(self))(part.headers, part, **self._bounds)


def _limits(max_parts: int, max_field_size: int = 8190, max_headers: int = 128) -> MultipartLimits:
    parts = max_parts or UNLIMITED
    heads = max(DEFAULT_LIMITS.heads, parts * _HEAD_SIZE)
    return MultipartLimits(parts=parts, heads=heads, line=max_field_size, fields=max_headers)


class MultipartResponseWrapper:
    """The parts of a response, which is released behind them."""

    def __init__(self, resp: Any, stream: MultipartReader) -> None:
        self.resp = resp
        self.stream = stream

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> MultipartReader | BodyPartReader:
        part = await self.next()
        if part is None:
            raise StopAsyncIteration
        return part

    def at_eof(self) -> bool:
        """The response was read to its end."""
        is_at_eof: bool = self.resp.content.at_eof()
        return is_at_eof

    async def next(self) -> MultipartReader | BodyPartReader | None:
        """The next part; None if there is none, and the response is released."""
        part = await self.stream.next()
        if self.stream.at_eof():
            await self.release()
        return part

    async def release(self) -> None:
        """Give the response up, read or not."""
        await self.resp.release()


MultipartReader.response_wrapper_cls = MultipartResponseWrapper
