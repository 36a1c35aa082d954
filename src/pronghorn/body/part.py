"""One part of a multipart body, read as it comes (RFC 2046 section 5.1, RFC 7578)."""

import json
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing
from typing import Any, Final, Protocol, Self, final

from multidict import CIMultiDictProxy, istr

from ..wire.charsets import decode_text
from ..wire.content_transfer import TransferDecoder, transfer_decoder_of
from ..wire.disposition import content_disposition_filename, disposition_parameter, parse_content_disposition
from ..wire.errors import ProtocolError
from ..wire.fields import parse_media_type
from ..wire.limits import DEFAULT_DECODE_LIMITS, DecodeLimits
from ..wire.multipart import MultipartEnd, MultipartParser, PartData, PartEvent, PartHead
from ..wire.urlencoded import parse_urlencoded
from .decoding import CONTENT_ENCODING, TRANSFER_ENCODING, Decoding, decoding_of
from .payload import Payload, Writer
from .registry import Order, payload_type

UNLIMITED: Final = sys.maxsize
_CHUNK: Final = 8192
_DECODED_SIZE: Final = 256 * 1024
#: The least that can be decoded by itself, of base64.
_QUANTUM: Final = 4

_CONTENT_TYPE: Final = istr("Content-Type")
_CONTENT_DISPOSITION: Final = istr("Content-Disposition")

ErrorFactory = Callable[[ProtocolError], Exception]


class MultipartError(ValueError, RuntimeError):
    """The body is malformed or beyond the limits, or encoded in a way that is unknown.

    The first is documented as ValueError, the last as RuntimeError.
    """


def multipart_error(error: ProtocolError) -> MultipartError:
    """What a reader of a broken body gets, unless it asked for something else."""
    return MultipartError(error.message)


class Content(Protocol):
    """What parts are read from: a StreamReader, or a part."""

    async def readany(self) -> bytes: ...


@final
class Feed:
    """The machine of a body, fed when somebody wants to read."""

    __slots__ = ("_content", "_error", "_events", "error_factory", "parser")

    def __init__(self, content: Content, parser: MultipartParser, error_factory: ErrorFactory) -> None:
        self.parser = parser
        self.error_factory = error_factory
        self._content = content
        self._events: Iterator[PartEvent] = iter(())
        self._error: ProtocolError | None = None

    async def next(self) -> PartEvent:
        """The next event. `MultipartEnd` comes again when what is behind the parts was read, too.

        What was malformed once stays so, lest it look as if it had ended.
        """
        try:
            if self._error is not None:
                raise self._error
            while (event := next(self._events, None)) is None:
                data = await self._content.readany()
                if not data:
                    self.parser.feed_eof()
                    return _END
                self._events = self.parser.feed(data)
        except ProtocolError as error:
            self._error = error
            raise self.error_factory(error) from error
        return event


_END: Final = MultipartEnd()


def _feed_within(boundary: bytes, content: Content) -> Feed:
    """The feed of a part whose head was read by somebody else."""
    if not boundary.startswith(b"--"):
        raise ValueError(f"boundary: expected two dashes before it, got {boundary!r}")
    parser = MultipartParser(boundary[2:])
    list(parser.feed(boundary + b"\r\n\r\n"))
    return Feed(content, parser, multipart_error)


class BodyPartReader:
    """One part: its ``headers``, and its content as it comes.

    Readers of multipart bodies make these. ``boundary``, with its two dashes, is what ends the
    part in ``content``, of which nothing is read yet. ``client_max_size`` bounds in bytes what
    `read` and `readline` take, by an error of ``max_size_error_cls``, and ``max_decompress_size``
    what `decode` gives.

    One coroutine reads at a time; a second one gets RuntimeError. A read that is cancelled or
    fails loses nothing: the next one begins where it began.
    """

    chunk_size = _CHUNK

    def __init__(
        self,
        boundary: bytes,
        headers: CIMultiDictProxy[str],
        content: Content | Feed,
        *,
        subtype: str = "mixed",
        default_charset: str | None = None,
        max_decompress_size: int = _DECODED_SIZE,
        client_max_size: int = UNLIMITED,
        max_size_error_cls: Callable[[int], Exception] = ValueError,
    ) -> None:
        self.headers = headers
        self._feed = content if isinstance(content, Feed) else _feed_within(boundary, content)
        self._is_in_form = subtype == "form-data"
        self._default_charset = default_charset
        self._max_decompress_size = max_decompress_size
        self._client_max_size = client_max_size
        self._max_size_error_cls = max_size_error_cls
        self._parameters: Mapping[str, str] | None = None
        #: What was received last, and where in it the unread begins.
        self._piece = b""
        self._at = 0
        #: No more is received.
        self._is_whole = False

    def _begin(self, head: PartHead) -> None:
        """Take over what came with the head."""
        if head.body is not None:
            self._piece = head.body
            self._is_whole = True

    # What it says

    def _disposition(self) -> Mapping[str, str]:
        parameters = self._parameters
        if parameters is None:
            field = self.headers.get(_CONTENT_DISPOSITION)
            parameters = parse_content_disposition(field, in_form=self._is_in_form or None)[1]
            self._parameters = parameters
        return parameters

    @property
    def name(self) -> str | None:
        """The name of the field, from Content-Disposition."""
        parameters = self._disposition()
        # In a form there is no other spelling.
        return parameters.get("name") if self._is_in_form else disposition_parameter(parameters, "name")

    @property
    def filename(self) -> str | None:
        """The name of the file without directories, from Content-Disposition."""
        parameters = self._disposition()
        if self._is_in_form and "filename" not in parameters:
            return None
        return content_disposition_filename(parameters)

    def get_charset(self, default: str) -> str:
        """The charset that Content-Type names; else that of the form, or ``default``."""
        content_type = self.headers.get(_CONTENT_TYPE)
        charset = parse_media_type(content_type)[1].get("charset") if content_type else None
        return charset or self._default_charset or default

    def at_eof(self) -> bool:
        """The content was read to its end."""
        return self._is_whole and self._at >= len(self._piece)

    # Reading

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytearray:
        content = await self.next()
        if content is None:
            raise StopAsyncIteration
        return content

    async def next(self) -> bytearray | None:
        """What is left of the content; None if nothing is."""
        return await self.read() or None

    async def read(self, *, decode: bool = False) -> bytearray:
        """Read the rest of the content; ``decode`` undoes the encodings that its headers name."""
        is_encoded = decode and self._is_encoded()
        if self._is_whole and not is_encoded and len(self._piece) <= self._client_max_size:
            return bytearray(self._take(UNLIMITED))  # nearly all parts of nearly all forms
        content = bytearray()
        try:
            while not self.at_eof():
                content += self._take(UNLIMITED) or await self._receive()
                if len(content) > self._client_max_size:
                    raise self._too_large()
            return self._decode_all(content) if is_encoded else content
        except BaseException:
            self._give_back(content)
            raise

    async def readany(self) -> bytes:
        """Read whatever is there, waiting only if nothing is; b"" at the end."""
        return self._take(UNLIMITED) or await self._receive()

    async def read_chunk(self, size: int = _CHUNK) -> bytes:
        """Read at most ``size`` bytes, as soon as there are any; b"" at the end.

        What is encoded for transfer is cut where `decode` understands each chunk by itself: that
        takes four bytes at least, and waits until ``size`` of them are there.
        """
        if size < 1:
            raise ValueError(f"read_chunk: expected a size of at least 1, got {size}")
        encoding = self.headers.get(TRANSFER_ENCODING)
        if encoding is not None and (decoder := transfer_decoder_of(encoding)):
            return await self._read_decodable(max(size, _QUANTUM), decoder)
        if self._at >= len(self._piece):
            self._piece = await self._receive()
            self._at = 0
        return self._take(size)

    async def _read_decodable(self, size: int, decoder: type[TransferDecoder]) -> bytes:
        taken = bytearray()
        try:
            while len(taken) < size and not self.at_eof():
                await self._fill()
                taken += self._take(size - len(taken))
        except BaseException:
            self._give_back(taken)
            raise
        chunk = bytes(taken)
        rest = decoder.unfinished(chunk) if len(chunk) == size else 0
        if 0 < rest < len(chunk):  # else it is malformed, as `decode` will say
            self._give_back(chunk[-rest:])
            chunk = chunk[:-rest]
        return chunk

    async def readline(self) -> bytes:
        """Read up to and with the next LF, or the rest; b"" at the end."""
        line = bytearray()
        try:
            while not line.endswith(b"\n") and not self.at_eof():
                await self._fill()
                end = self._piece.find(b"\n", self._at) + 1
                line += self._take(end - self._at if end else UNLIMITED)
                if len(line) > self._client_max_size:
                    raise self._too_large()
        except BaseException:
            self._give_back(line)
            raise
        return bytes(line)

    async def release(self) -> None:
        """Read to the end, and keep nothing."""
        self._piece = b""
        while await self._receive():
            pass

    async def text(self, *, encoding: str | None = None) -> str:
        """Read the content as text: in ``encoding``, in the charset that it names, or in UTF-8."""
        content = await self.read(decode=True)
        try:
            return decode_text(content, encoding or self.get_charset("utf-8"))
        except ProtocolError as error:
            raise self._told(error) from error

    async def json(self, *, encoding: str | None = None) -> Any:
        """Read the content and parse it as JSON; None if there is none."""
        text = await self.text(encoding=encoding)
        return json.loads(text) if text else None

    async def form(self, *, encoding: str | None = None, max_fields: int = 1000) -> list[tuple[str, str]]:
        """Read the content as an urlencoded form; ``max_fields`` may be 0, for any number of them."""
        content = await self.read(decode=True)
        try:
            return parse_urlencoded(content, encoding or self.get_charset("utf-8"), max_fields)
        except ProtocolError as error:
            raise self._told(error) from error

    # How it is read

    async def _receive(self) -> bytes:
        """The piece that comes next; b"" at the end."""
        if self._is_whole:
            return b""
        event = await self._feed.next()
        if type(event) is PartData:
            return event.chunk
        self._is_whole = True
        return b""

    async def _fill(self) -> None:
        """Wait until there is something to take, unless it is the end."""
        if self._at >= len(self._piece):
            self._piece = await self._receive()
            self._at = 0

    def _take(self, size: int) -> bytes:
        """At most ``size`` bytes of what is there, b"" if nothing is."""
        piece, start = self._piece, self._at
        end = start + size
        if end < len(piece):
            self._at = end
            return piece[start:end]
        self._piece = b""
        self._at = 0
        return piece[start:] if start else piece

    def _give_back(self, taken: bytes | bytearray) -> None:
        if taken:
            self._piece = bytes(taken) + self._piece[self._at :]
            self._at = 0

    def _too_large(self) -> Exception:
        limit, kind = self._client_max_size, self._max_size_error_cls
        return ValueError(f"part: more than {limit} bytes") if kind is ValueError else kind(limit)

    # Decoding

    def decode(self, data: bytes | bytearray) -> bytes:
        """Undo what the headers say: Content-Transfer-Encoding, then Content-Encoding.

        A form has no Content-Encoding (RFC 7578 section 4.8). RuntimeError for an encoding that is
        unknown; ValueError for what is malformed or becomes more than ``max_decompress_size`` bytes.
        """
        limits = DecodeLimits(size=self._max_decompress_size, free=self._max_decompress_size)
        return b"".join(self._decode(data, limits))

    async def decode_iter(self, data: bytes | bytearray) -> AsyncIterator[bytes]:
        """As `decode`, in bounded pieces, and any number of them."""
        for piece in self._decode(data):
            yield piece

    async def decoded(self) -> AsyncGenerator[bytes, None]:
        """Read the content in bounded pieces, with its encodings undone; once begun, by this alone."""
        try:
            decoding = self._decoding()
            while piece := await self.readany():
                for decoded in decoding.decode(piece):
                    yield decoded
            decoding.finish()
        except ProtocolError as error:
            raise self._told(error) from error

    def _is_encoded(self) -> bool:
        return TRANSFER_ENCODING in self.headers or CONTENT_ENCODING in self.headers

    def _decoding(self, limits: DecodeLimits = DEFAULT_DECODE_LIMITS) -> Decoding:
        return decoding_of(self.headers, limits, is_in_form=self._is_in_form)

    def _decode(
        self, data: bytes | bytearray, limits: DecodeLimits = DEFAULT_DECODE_LIMITS
    ) -> Iterator[bytes]:
        try:
            decoding = self._decoding(limits)
            yield from decoding.decode(bytes(data))
            decoding.finish()
        except ProtocolError as error:
            raise self._told(error) from error

    def _decode_all(self, data: bytearray) -> bytearray:
        decoded = bytearray()
        for piece in self._decode(data):
            decoded += piece
            if len(decoded) > self._client_max_size:
                raise self._too_large()
        return decoded

    def _told(self, error: ProtocolError) -> Exception:
        """As who reads gets it."""
        return self._feed.error_factory(error)


@payload_type(BodyPartReader, order=Order.try_first)
class BodyPartReaderPayload(Payload):
    """The content of a part, decoded, as a body of its own. It is written as it comes, and once."""

    def __init__(self, value: BodyPartReader, *args: Any, **kwargs: Any) -> None:
        super().__init__(value, *args, **kwargs)
        self._is_written = False
        described = (("name", value.name), ("filename", value.filename))
        parameters: dict[str, Any] = {key: text for key, text in described if text is not None}
        if parameters:
            self.set_content_disposition("attachment", **parameters)

    async def write(self, writer: Writer) -> None:
        self._is_written = True
        async with aclosing(self._value.decoded()) as pieces:
            async for piece in pieces:
                await writer.write(piece)

    @property
    def consumed(self) -> bool:
        return self._is_written
