"""What can be sent as a body, and how it gets onto the wire without being held whole."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from mimetypes import guess_type
from typing import Any, Final, Protocol, final

from multidict import CIMultiDict

from ..wire.disposition import content_disposition_header
from ..wire.fields import parse_media_type

BINARY_TYPE: Final = "application/octet-stream"
_CONTENT_TYPE: Final = "Content-Type"
_CONTENT_DISPOSITION: Final = "Content-Disposition"

Headers = Mapping[str, str] | Iterable[tuple[str, str]]


class Writer(Protocol):
    """Where a payload goes."""

    async def write(self, data: bytes, /) -> None:
        """Send ``data``, waiting while the peer does not read."""


class Payload(ABC):
    """A body to be sent: ``value``, and what is said of it.

    ``headers`` are fields that describe it; ``content_type`` is that of ``filename``, or
    application/octet-stream, unless it is given. A class that derives from it writes the body
    in `write`, and sets ``_size`` if it knows; one that writes the same twice says so in `rewind`,
    beside its `write`.
    Keywords that mean nothing to a class are not looked at.
    """

    _default_content_type: str = BINARY_TYPE
    _size: int | None = None
    _headers: CIMultiDict[str] | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "write" in cls.__dict__ and "rewind" not in cls.__dict__:
            # It is not known to write the same twice, whatever the class that it derives from does.
            cls.rewind = Payload.rewind  # type: ignore[method-assign]  # what would be inherited is replaced

    def __init__(
        self,
        value: Any,
        headers: Headers | None = None,
        content_type: str | None = None,
        filename: str | None = None,
        encoding: str | None = None,
        **_: Any,
    ) -> None:
        self._value = value
        self._filename = filename
        self._encoding = encoding
        self._content_type = content_type
        if headers is not None:
            self.headers.update(headers)

    @property
    def size(self) -> int | None:
        """Its length in bytes, None if that is not known before it is sent."""
        return self._size

    @property
    def filename(self) -> str | None:
        """The name of the file that it is."""
        return self._filename

    @property
    def encoding(self) -> str | None:
        """The charset of text."""
        return self._encoding

    @property
    def content_type(self) -> str:
        """Its media type, with parameters."""
        described = None if self._headers is None else self._headers.get(_CONTENT_TYPE)
        return described or self._described_type()

    def _described_type(self) -> str:
        if self._content_type is not None:
            return self._content_type
        guessed = guess_type(self.filename)[0] if self.filename else None
        return guessed or self._default_content_type

    @property
    def headers(self) -> CIMultiDict[str]:
        """The fields that describe it, to read and to change until it is sent."""
        headers = self._headers
        if headers is None:
            headers = self._headers = CIMultiDict({_CONTENT_TYPE: self._described_type()})
        return headers

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """What of its headers a message says: its content type, as a rule, without a dict for that."""
        if self._headers is None:
            return ((_CONTENT_TYPE, self._described_type()),)
        return tuple(self.headers.items())

    def set_content_disposition(
        self, disptype: str, quote_fields: bool = True, _charset: str = "utf-8", **params: str
    ) -> None:
        """Say how it is to be taken, by a Content-Disposition field (RFC 6266, RFC 7578 section 4.2)."""
        self.headers[_CONTENT_DISPOSITION] = content_disposition_header(
            disptype, quote_fields, _charset, **params
        )

    # Sending

    @abstractmethod
    async def write(self, writer: Writer) -> None:
        """Write the whole body, by nothing but ``await writer.write(data)``."""

    async def write_with_length(self, writer: Writer, content_length: int | None) -> None:
        """Write the body, but no more than ``content_length`` bytes of it."""
        if content_length is None:
            await self.write(writer)
            return
        with suppress(_FullError):
            await self.write(_BoundedWriter(writer, content_length))

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """The whole body; `consumed` tells whether it can still be written afterwards."""
        writer = Collector()
        await self.write(writer)
        return bytes(writer.content)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """The body as text, if it is there; TypeError if it must be read first: see `as_bytes`."""
        raise TypeError(f"decode: {type(self).__name__} must be read first: await as_bytes()")

    # Sending once more

    def rewind(self) -> bool:
        """Make ready to be written once more; False if that can't be done."""
        return False

    @property
    def consumed(self) -> bool:
        """It was written, and can't be written once more."""
        return False

    @property
    def autoclose(self) -> bool:
        """There is nothing that `close` must close."""
        return True

    async def close(self) -> None:
        """Let go of what it holds: called when its message is over. A second call does nothing."""


@final
class _FullError(Exception):
    pass


@final
class _BoundedWriter:
    """Takes so many bytes, and stops who writes more."""

    def __init__(self, writer: Writer, left: int) -> None:
        self._writer = writer
        self._left = left

    async def write(self, data: bytes) -> None:
        taken = data[: self._left]
        self._left -= len(taken)
        if taken:
            await self._writer.write(taken)
        if len(taken) < len(data):
            raise _FullError


@final
class Collector:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.content = bytearray()

    async def write(self, data: bytes) -> None:
        self.content += data


class BytesPayload(Payload):
    """Bytes that are there."""

    def __init__(self, value: bytes | bytearray | memoryview, *args: Any, **kwargs: Any) -> None:
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise TypeError(f"value: expected bytes, bytearray or memoryview, got {type(value).__name__}")
        super().__init__(bytes(value), *args, **kwargs)
        self._size = len(self._value)

    @property
    def data(self) -> bytes:
        """The bytes."""
        value: bytes = self._value
        return value

    async def write(self, writer: Writer) -> None:
        await writer.write(self._value)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """The body as text: in its own charset if it names one, else in ``encoding``."""
        return self.data.decode(self._encoding or encoding, errors)

    def rewind(self) -> bool:
        return True


class StringPayload(BytesPayload):
    """Text, sent in ``encoding``: by default in the charset of ``content_type``, or in UTF-8."""

    def __init__(
        self,
        value: str,
        *args: Any,
        encoding: str | None = None,
        content_type: str | None = None,
        **kwargs: Any,
    ) -> None:
        encoding, content_type = text_type(encoding, content_type)
        super().__init__(
            value.encode(encoding), *args, encoding=encoding, content_type=content_type, **kwargs
        )


class JsonPayload(BytesPayload):
    """An object, serialised by ``dumps``."""

    def __init__(
        self,
        value: Any,
        encoding: str = "utf-8",
        content_type: str = "application/json",
        dumps: Callable[[Any], str] = json.dumps,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        content = dumps(value).encode(encoding)
        # Not by way of `BytesPayload`: what it checks is so, and handing all on once more takes 0.5 us.
        Payload.__init__(self, content, *args, content_type=content_type, encoding=encoding, **kwargs)  # type: ignore[misc]  # said twice they are refused, as elsewhere
        self._size = len(content)


class JsonBytesPayload(BytesPayload):
    """An object, serialised by a ``dumps`` that gives bytes."""

    def __init__(
        self,
        value: Any,
        dumps: Callable[[Any], bytes],
        content_type: str = "application/json",
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(dumps(value), *args, content_type=content_type, encoding="utf-8", **kwargs)


def text_type(encoding: str | None, content_type: str | None) -> tuple[str, str]:
    """The charset to send text in, and its media type; each follows from the other."""
    if content_type is None:
        encoding = encoding or "utf-8"
        return encoding, f"text/plain; charset={encoding}"
    return encoding or parse_media_type(content_type)[1].get("charset") or "utf-8", content_type
