"""Forms: application/x-www-form-urlencoded (WHATWG URL section 5.2) or multipart/form-data (RFC 7578)."""

import codecs
from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import Any, NamedTuple

from multidict import MultiDict, MultiDictProxy

from ..wire.fields import is_token
from .files import guess_filename
from .multipart import MultipartWriter
from .payload import BytesPayload, Payload
from .registry import PAYLOAD_REGISTRY, get_payload
from .transfer import TRANSFER_ENCODINGS
from .urlencoded import FORM_TYPE, encode_form, field_text

Fields = Mapping[str, Any] | Iterable[Any]


class _Field(NamedTuple):
    name: str
    value: Any
    content_type: str | None
    filename: str | None
    content_transfer_encoding: str | None


class FormData:
    """Fields of a form, in order; what is a file makes it multipart/form-data.

    ``fields`` are a mapping, pairs, or open files, which are fields of their own name.
    ``quote_fields`` sends file names percent-encoded, as RFC 7578 section 4.2 has it; without it names are
    sent as browsers do. ``charset`` is that of text, UTF-8 by default. ``default_to_multipart`` sends
    multipart/form-data whatever the fields are.
    """

    def __init__(
        self,
        fields: Fields | object = (),
        quote_fields: bool = True,
        charset: str | None = None,
        *,
        default_to_multipart: bool = False,
    ) -> None:
        self._quote_fields = quote_fields
        self._charset = charset
        self._is_multipart = default_to_multipart
        self._fields: list[_Field] = []
        #: Of the first of the fields, once they were made: a file may stand elsewhere by now.
        self._parts: list[Payload] = []
        if charset is not None and not _is_charset(charset):
            raise ValueError(f"charset: expected the name of one, got {charset!r}")
        if isinstance(fields, Mapping):
            self.add_fields(*fields.items())
        elif isinstance(fields, Iterable) and not hasattr(fields, "read"):
            self.add_fields(*fields)
        else:
            self.add_fields(fields)

    @property
    def is_multipart(self) -> bool:
        """It is sent as multipart/form-data."""
        return self._is_multipart

    @property
    def content_type(self) -> str:
        """The media type that it is sent as, without parameters."""
        return "multipart/form-data" if self._is_multipart else FORM_TYPE

    def add_field(
        self,
        name: str,
        value: Any,
        *,
        content_type: str | None = None,
        filename: str | None = None,
        content_transfer_encoding: str | None = None,
    ) -> None:
        """Add a field. Whatever is no text, and any of the keywords, makes the form multipart.

        TypeError for a name, type or file name that is no str, ValueError for a transfer encoding that is
        not known; what else can't be sent is an error when the form is made.
        """
        _expect_str("name", name)
        for keyword, given in (
            ("content_type", content_type),
            ("filename", filename),
            ("content_transfer_encoding", content_transfer_encoding),
        ):
            if given is not None:
                _expect_str(keyword, given)
                self._is_multipart = True
        if content_transfer_encoding and content_transfer_encoding.lower() not in TRANSFER_ENCODINGS:
            raise ValueError(
                f"form: {name!r} has the content_transfer_encoding {content_transfer_encoding!r}, "
                f"expected one of {', '.join(filter(None, TRANSFER_ENCODINGS))}"
            )
        if _is_content(value):
            self._is_multipart = True
        if filename is None:
            if hasattr(value, "read"):
                filename = guess_filename(value, name)
            elif isinstance(value, Payload):
                filename = value.filename
            elif isinstance(value, (bytes, bytearray, memoryview)) and content_transfer_encoding is None:
                filename = name
        self._fields.append(_Field(name, value, content_type, filename, content_transfer_encoding))

    def add_fields(self, *fields: Any) -> None:
        """Add pairs of name and value, multidicts, or open files; a list of values is a field for each."""
        for field in fields:
            if hasattr(field, "read"):
                self.add_field(guess_filename(field, "unknown") or "unknown", field)
            elif isinstance(field, (MultiDict, MultiDictProxy)):
                self.add_fields(*field.items())
            elif isinstance(field, (list, tuple)) and len(field) == 2:
                name, value = field
                for item in value if isinstance(value, (list, tuple)) else (value,):
                    self.add_field(name, item)
            else:
                raise TypeError(
                    f"form: expected pairs of a name and a value, multidicts or files, got {field!r:.100}"
                )

    def __call__(self) -> Payload:
        """The body. TypeError or ValueError, with the name of the field, for what can't be sent.

        It can be called again, but not for what can be sent only once: then that is a RuntimeError.
        """
        return self._make_multipart() if self._is_multipart else self._make_urlencoded()

    def _make_urlencoded(self) -> Payload:
        charset = self._charset or "utf-8"
        content_type = FORM_TYPE if charset == "utf-8" else f"{FORM_TYPE}; charset={charset}"
        body = encode_form(((field.name, field.value) for field in self._fields), charset)
        return BytesPayload(body, content_type=content_type)

    def _make_multipart(self) -> Payload:
        writer = MultipartWriter("form-data")
        for field, made in zip_longest(self._fields, self._parts):
            if made is not None and not made.rewind():
                raise RuntimeError(f"form: {field.name!r} was sent, and can't be sent once more")
            try:
                part = self._make_part(field) if made is None else made
                writer.append_payload(part)
            except ValueError as error:
                raise ValueError(f"form: {field.name!r} can't be sent: {error}") from error
            if made is None:
                self._parts.append(part)
        return writer

    def _make_part(self, field: _Field) -> Payload:
        value = field.value if _is_content(field.value) else field_text(field.name, field.value)
        described = {}
        if field.content_type is not None:
            described["Content-Type"] = field.content_type
        if field.content_transfer_encoding is not None:
            described["Content-Transfer-Encoding"] = field.content_transfer_encoding
        # Text is encoded by what its type says, and else by the charset of the form.
        options = {"content_type": field.content_type, "encoding": self._charset, "headers": described}
        part = get_payload(value, **{name: option for name, option in options.items() if option})
        if part is value:
            part.headers.update(described)
        disposition = {"name": field.name}
        if field.filename is not None:
            disposition["filename"] = field.filename
        part.set_content_disposition("form-data", self._quote_fields, **disposition)
        return part


def _is_content(value: object) -> bool:
    """It is sent as it is, not as text."""
    if isinstance(value, str):
        return False
    return isinstance(value, Payload) or PAYLOAD_REGISTRY.find(value) is not None


def _is_charset(name: str) -> bool:
    try:
        codecs.lookup(name)
        return is_token(name.encode())
    except (LookupError, ValueError):
        return False


def _expect_str(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"form: expected {name} as str, got {value!r:.100}")
