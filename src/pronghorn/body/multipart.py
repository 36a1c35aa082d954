"""Multipart bodies to be sent (RFC 2046 section 5.1, RFC 7578)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final, NamedTuple, Self, final

from multidict import CIMultiDict, getversion

from ..wire.fields import is_token
from ..wire.multipart import PART_CLOSE, boundary_parameter, close_delimiter, make_boundary, part_head
from .payload import BytesPayload, Collector, JsonPayload, Payload, Writer
from .registry import LookupError as NoPayloadError
from .registry import get_payload
from .transfer import TRANSFER_ENCODINGS, MultipartPayloadWriter
from .urlencoded import FORM_TYPE, encode_form

#: Pieces are joined up to this size, if what follows them is there already.
_JOINED: Final = 64 * 1024
_CODINGS: Final = {"": "", "identity": "", "deflate": "deflate", "gzip": "gzip"}


class _Part(NamedTuple):
    """What is sent of a payload, as long as its headers have this version."""

    payload: Payload
    head: bytes
    coding: str
    encoding: str
    #: Of the content as it is sent.
    size: int | None
    version: int

    @property
    def is_current(self) -> bool:
        if _version(self.payload.headers) != self.version:
            return False
        return bool(self.coding or self.encoding) or self.payload.size == self.size


class MultipartWriter(Payload):
    """A body of parts: ``with MultipartWriter("mixed") as writer: writer.append(...)``.

    Each part is a Payload, described by its headers, which may be changed until it is sent. In a form
    (``subtype`` form-data) it has a name, by `Payload.set_content_disposition`; without one it gets one.
    A ``boundary`` that is given must not begin a line of a part: ValueError when it is written.
    """

    #: What parts are; they were of a class of their own once.
    part_writer_cls = Payload

    def __init__(self, subtype: str = "mixed", boundary: str | None = None) -> None:
        if not is_token(subtype.encode("utf-8", "surrogatepass")):
            raise ValueError(f"subtype: expected a token, got {subtype!r}")
        try:
            self._boundary = make_boundary() if boundary is None else boundary.encode("ascii")
        except UnicodeEncodeError as error:
            raise ValueError(f"boundary: expected ASCII, got {boundary!r}") from error
        super().__init__(None, content_type=f"multipart/{subtype}; {boundary_parameter(self._boundary)}")
        self._is_form = subtype.lower() == "form-data"
        self._is_boundary_known = boundary is not None
        self._parts: list[_Part] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def __iter__(self) -> Iterator[tuple[Payload, str, str]]:
        """The parts, each with its content coding and its transfer encoding, "" for none."""
        return ((part.payload, part.coding, part.encoding) for part in self._described())

    def __len__(self) -> int:
        return len(self._parts)

    def __bool__(self) -> bool:
        return True

    @property
    def boundary(self) -> str:
        """What is between the parts."""
        return self._boundary.decode("ascii")

    # Filling

    def append(self, obj: Any, headers: Mapping[str, str] | None = None) -> Payload:
        """Add a part for ``obj``, whatever can be sent, described by ``headers``; return its payload.

        TypeError for what can't be sent. For the rest see `append_payload`.
        """
        if isinstance(obj, Payload):
            if headers is not None:
                obj.headers.update(headers)
            return self.append_payload(obj)
        try:
            payload = get_payload(obj, headers=headers)
        except NoPayloadError as error:
            raise TypeError(f"append: {error}") from error
        return self.append_payload(payload)

    def append_payload(self, payload: Payload) -> Payload:
        """Add a part.

        ValueError for headers that can't be sent, that say another length than the part has, or
        name a content coding in a form.
        RuntimeError for a content coding other than gzip and deflate, and for a transfer encoding
        other than base64, quoted-printable, binary, 8bit and 7bit.
        """
        if payload is self:
            raise ValueError("append: a body can't be a part of itself")
        headers = payload.headers
        if self._is_form and not headers.get("Content-Disposition", "").lower().startswith("form-data"):
            filename: dict[str, Any] = {} if payload.filename is None else {"filename": payload.filename}
            payload.set_content_disposition("form-data", name=f"section-{len(self._parts)}", **filename)
        length = headers.get("Content-Length")
        part = self._describe(payload)
        if length is not None and headers.get("Content-Length", length) != length:
            raise ValueError(f"Content-Length: is {length!r}, but the part has {part.size} bytes")
        self._parts.append(part)
        return payload

    def append_json(self, obj: Any, headers: Mapping[str, str] | None = None) -> Payload:
        """Add a part for ``obj`` as JSON."""
        return self.append_payload(JsonPayload(obj, headers=headers))

    def append_form(
        self,
        obj: Sequence[tuple[str, str]] | Mapping[str, str],
        headers: Mapping[str, str] | None = None,
    ) -> Payload:
        """Add a part for an urlencoded form."""
        return self.append_payload(BytesPayload(encode_form(obj), headers=headers, content_type=FORM_TYPE))

    def _describe(self, payload: Payload) -> _Part:
        headers = payload.headers
        coding, encoding = _codings(headers)
        if coding and self._is_form:  # RFC 7578 section 4.8: nobody would look at it
            raise ValueError(f"Content-Encoding: expected none in a form, got {coding!r}")
        # Asked for once: in nested bodies each level would double the work.
        size = None if coding or encoding else payload.size
        if size is None or self._is_form:  # RFC 7578 section 4.8 leaves no place for it
            headers.popall("Content-Length", None)
        else:
            headers["Content-Length"] = str(size)
        head = part_head(self._boundary, headers.items())
        return _Part(payload, head, coding, encoding, size, _version(headers))

    def _described(self) -> list[_Part]:
        """The parts, by their headers as they are now."""
        self._parts = [part if part.is_current else self._describe(part.payload) for part in self._parts]
        return self._parts

    # Sending

    @property
    def size(self) -> int | None:
        """Its length in bytes; None if that of a part is not known, or a part is encoded."""
        total = len(close_delimiter(self._boundary))
        for part in self._described():
            if part.size is None:
                return None
            total += len(part.head) + part.size + len(PART_CLOSE)
        return total

    async def write(self, writer: Writer, close_boundary: bool = True) -> None:
        """Write the parts; ``close_boundary`` ends the body, so that no other part can follow."""
        joining = _JoiningWriter(writer)
        content: Writer = joining
        for part in self._described():
            payload = part.payload
            if self._is_boundary_known:
                content = _BoundaryGuard(joining, self._boundary)
            await joining.write(part.head)
            # What is not there yet may be long in coming: then nothing waits for it.
            joining.is_joining = isinstance(payload, BytesPayload)
            if part.coding or part.encoding:
                coded = MultipartPayloadWriter(content)
                if part.coding:
                    coded.enable_compression(part.coding)
                if part.encoding:
                    coded.enable_encoding(part.encoding)
                await payload.write(coded)
                await coded.write_eof()
            else:
                await payload.write(content)
            joining.is_joining = True
            await joining.write(PART_CLOSE)
        if close_boundary:
            await joining.write(close_delimiter(self._boundary))
        await joining.flush()

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """The body as text; TypeError if a part must be read or encoded first."""
        texts: list[str] = []
        for part in self._described():
            if part.coding or part.encoding:
                return super().decode(encoding, errors)
            texts += part.head.decode(encoding, errors), part.payload.decode(encoding, errors), "\r\n"
        return "".join(texts) + close_delimiter(self._boundary).decode("ascii")

    def serialize(self) -> Iterator[bytes]:
        """The body, if nothing of it has to be waited for; TypeError if not: see `as_bytes`."""
        if not self._is_there:
            raise TypeError("serialize: expected parts of bytes or text, to be sent as they are")
        collector = Collector()
        writing = self.write(collector)
        try:
            writing.send(None)
        except StopIteration:
            yield bytes(collector.content)
            return
        writing.close()
        raise TypeError("serialize: a part waits for something")

    @property
    def _is_there(self) -> bool:
        for payload, coding, encoding in self:
            inner = payload._is_there if isinstance(payload, MultipartWriter) else True
            if coding or encoding or not inner or not isinstance(payload, (BytesPayload, MultipartWriter)):
                return False
        return True

    # Sending once more

    def rewind(self) -> bool:
        return all(part.payload.rewind() for part in self._parts)

    @property
    def consumed(self) -> bool:
        return any(part.payload.consumed for part in self._parts)

    @property
    def autoclose(self) -> bool:
        return all(part.payload.autoclose for part in self._parts)

    async def close(self) -> None:
        """Let the parts go of what they hold: all of them, even if one fails at it."""
        async with AsyncExitStack() as stack:
            for part in self._parts:
                stack.push_async_callback(part.payload.close)


@final
class _JoiningWriter:
    """Keeps small pieces for what follows them, if it ``is_joining``."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._kept = bytearray()
        self.is_joining = True

    async def write(self, data: bytes) -> None:
        if not self.is_joining or len(self._kept) + len(data) > _JOINED:
            await self.flush()
        if self.is_joining and len(data) < _JOINED:
            self._kept += data
        else:
            await self._writer.write(data)

    async def flush(self) -> None:
        if self._kept:
            kept = bytes(self._kept)
            self._kept.clear()
            await self._writer.write(kept)


@final
class _BoundaryGuard:
    """Lets no line of content begin like a delimiter: who knows the boundary could add parts."""

    def __init__(self, writer: Writer, boundary: bytes) -> None:
        self._writer = writer
        self._delimiter = b"\n--" + boundary
        self._last = b"\n"

    async def write(self, data: bytes) -> None:
        last = self._last + data[: len(self._delimiter)]
        if self._delimiter in data or self._delimiter in last:
            raise ValueError(f"part: its content holds the boundary {self._delimiter[3:]!r}")
        self._last = (last if len(data) < len(self._delimiter) else data)[1 - len(self._delimiter) :]
        await self._writer.write(data)


def _version(
    headers: Any,
) -> int:  # declared for values of type object, to which those of type str are no match
    return getversion(headers)


def _codings(headers: CIMultiDict[str]) -> tuple[str, str]:
    return _known(_CODINGS, headers, "Content-Encoding"), _known(
        TRANSFER_ENCODINGS, headers, "Content-Transfer-Encoding"
    )


def _known(names: Mapping[str, str], headers: CIMultiDict[str], field: str) -> str:
    given = headers.get(field, "").lower()
    if given not in names:
        expected = f"{field}: expected one of {', '.join(filter(None, names))}, got {given!r}"
        raise RuntimeError(expected) if given.isprintable() else ValueError(expected)
    return names[given]
