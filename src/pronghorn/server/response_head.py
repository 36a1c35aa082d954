"""What a response says before its content: status, fields, cookies, and how its connection goes on."""

import math
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar, Final

from multidict import CIMultiDict, istr

from .._version import __version__
from ..keys import ResponseKey
from ..wire.conditional import ETag, format_etag, parse_etags
from ..wire.dates import format_date, parse_date
from ..wire.fields import list_members, parse_media_type
from ..wire.http1.head import format_status_line
from ..wire.http1.writing import ReadyFields
from .storage import Storage

if TYPE_CHECKING:
    from .set_cookies import SetCookies

SERVER_SOFTWARE: Final = f"Python/{sys.version_info[0]}.{sys.version_info[1]} pronghorn/{__version__}"

REASONS: Final = {status.value: status.phrase for status in HTTPStatus}
CONTENT_TYPE: Final = istr("Content-Type")
CONTENT_LENGTH: Final = istr("Content-Length")
_CONNECTION: Final = istr("Connection")
_DATE: Final = istr("Date")
_ETAG: Final = istr("ETag")
_LAST_MODIFIED: Final = istr("Last-Modified")
_SERVER: Final = istr("Server")
_UPGRADE: Final = istr("Upgrade")
DEFAULT_TYPE: Final = "application/octet-stream"
_SERVER_FIELD: Final = ("Server", SERVER_SOFTWARE)
_FRAMING_FIELDS: Final = frozenset({"content-length", "transfer-encoding", "connection", "keep-alive"})
_LONG_AGO: Final = format_date(0)

Headers = Mapping[str, str] | Iterable[tuple[str, str]]


#: Media types whose fields are kept for a second.
_COMMON_TYPES: Final = 64


class _DateField:
    """The Date field, formatted once a second, and all fields of responses that have none of their own."""

    __slots__ = ("_common", "field", "second")

    def __init__(self) -> None:
        self.second = 0
        self.field = ("Date", "")
        self._common: dict[str, ReadyFields] = {}

    def format(self, now: float) -> None:
        """Bring the field to the second of ``now``."""
        self.second = int(now)
        self.field = ("Date", format_date(now))
        self._common.clear()

    def with_type(self, content_type: str) -> ReadyFields:
        """All fields of a response that has none but its type."""
        fields = self._common.get(content_type)
        if fields is None:
            fields = ReadyFields((("Content-Type", content_type), self.field, _SERVER_FIELD))
            if len(self._common) < _COMMON_TYPES:
                self._common[content_type] = fields
        return fields


_date_field: Final = _DateField()


@lru_cache(maxsize=256)
def with_charset(content_type: str, charset: str) -> str:
    """The media type ``content_type`` with the parameter ``charset``."""
    return f"{content_type}; charset={charset}"


def says_close(headers: CIMultiDict[str]) -> bool:
    """Whether the Connection field ends the connection."""
    return _CONNECTION in headers and "close" in list_members(", ".join(headers.getall(_CONNECTION)))


class ResponseHead(Storage):
    """Status and fields of a response, to be set until it is prepared."""

    _key_class = ResponseKey
    _warned: ClassVar[set[object]] = set()
    _status: int = 200
    _reason: str = "OK"
    _headers: CIMultiDict[str] | None = None
    #: The Content-Type as long as nobody has looked at `headers`. An instance has one if it was chosen.
    _content_type: str = DEFAULT_TYPE
    _cookies: "SetCookies | None" = None
    _is_persistent: bool | None = None
    _is_chunked: bool = False

    def __init__(
        self, *, status: int = 200, reason: str | None = None, headers: Headers | None = None
    ) -> None:
        if status != 200 or reason is not None:
            self.set_status(status, reason)
        if headers is not None:
            self._headers = given = CIMultiDict(headers)
            if CONTENT_TYPE not in given:
                given[CONTENT_TYPE] = self._content_type

    @property
    def prepared(self) -> bool:
        """Status and fields are settled."""
        return False

    # Status

    @property
    def status(self) -> int:
        """The status code."""
        return self._status

    @property
    def reason(self) -> str:
        """The reason phrase."""
        return self._reason

    def set_status(self, status: int, reason: str | None = None) -> None:
        """Set the status code; ``reason`` defaults to the registered phrase.

        ValueError for a status outside 100 to 999 or a control character in ``reason``.
        """
        self._refuse_if_prepared("the status")
        reason = REASONS.get(status, "") if reason is None else reason
        format_status_line(status, reason)
        self._status = status
        self._reason = reason

    # Fields

    @property
    def headers(self) -> CIMultiDict[str]:
        """The fields, to read and to change until the response is prepared: later changes are not sent."""
        headers = self._headers
        if headers is None:
            headers = self._headers = CIMultiDict(((CONTENT_TYPE, self._content_type),))
        return headers

    @property
    def content_type(self) -> str:
        """The media type without its parameters."""
        return parse_media_type(self._content_type_value())[0]

    @content_type.setter
    def content_type(self, value: str) -> None:
        charset = self.charset
        self._set_content_type(value if charset is None else with_charset(value, charset))

    @property
    def charset(self) -> str | None:
        """The charset parameter of the media type."""
        return parse_media_type(self._content_type_value())[1].get("charset")

    @charset.setter
    def charset(self, value: str | None) -> None:
        content_type = self.content_type
        if content_type == DEFAULT_TYPE and value is not None:
            raise RuntimeError(f"charset: expected another content_type than {DEFAULT_TYPE}")
        self._set_content_type(content_type if value is None else with_charset(content_type, value.lower()))

    @property
    def content_length(self) -> int | None:
        """The declared length of the body in bytes; None leaves it open."""
        value = None if self._headers is None else self._headers.get(CONTENT_LENGTH)
        return None if value is None else int(value)

    @content_length.setter
    def content_length(self, value: int | None) -> None:
        self._refuse_if_prepared("content_length")
        if value is None:
            self.headers.pop(CONTENT_LENGTH, None)
        elif self._is_chunked:
            raise RuntimeError("content_length: the response is chunked")
        else:
            self.headers[CONTENT_LENGTH] = str(int(value))

    @property
    def last_modified(self) -> datetime | None:
        """When the content last changed (RFC 9110 section 8.8.2); None if that is not said, or not a date.

        It is set to seconds since the epoch, a datetime (a naive one counts as UTC), or the field's own
        text; fractions of a second are rounded up.
        """
        value = None if self._headers is None else self._headers.get(_LAST_MODIFIED)
        return None if value is None else parse_date(value)

    @last_modified.setter
    def last_modified(self, value: float | datetime | str | None) -> None:
        self._refuse_if_prepared("last_modified")
        if value is None:
            self.headers.pop(_LAST_MODIFIED, None)
            return
        if isinstance(value, datetime):
            value = (value if value.tzinfo is not None else value.replace(tzinfo=UTC)).timestamp()
        if isinstance(value, (int, float)):
            value = format_date(math.ceil(value))
        elif not isinstance(value, str):
            raise TypeError(
                f"last_modified: expected a number, a datetime, a str or None, got {type(value).__name__}"
            )
        self.headers[_LAST_MODIFIED] = value

    @property
    def etag(self) -> ETag | None:
        """The entity tag of the content (RFC 9110 section 8.8.3), None without one.

        It is set to an `ETag`, or to its value, without quotes, as a strong one. ValueError for a value
        that no tag can have.
        """
        value = None if self._headers is None else self._headers.get(_ETAG)
        tags = () if value is None else parse_etags(value)
        return tags[0] if tags else None

    @etag.setter
    def etag(self, value: ETag | str | None) -> None:
        self._refuse_if_prepared("etag")
        if value is None:
            self.headers.pop(_ETAG, None)
            return
        if not isinstance(value, (str, ETag)):
            raise TypeError(f"etag: expected an ETag, a str or None, got {type(value).__name__}")
        self.headers[_ETAG] = format_etag(ETag(value) if isinstance(value, str) else value)

    # Cookies

    @property
    def cookies(self) -> "SetCookies":
        """The cookies that are set, by name: objects with ``value`` and attributes as ``["path"]``."""
        cookies = self._cookies
        if cookies is None:
            from .set_cookies import SetCookies  # http.cookies takes as long to import as a server's head

            cookies = self._cookies = SetCookies()
            self._headers = self.headers  # `fields` looks for cookies where there are headers
        return cookies

    def set_cookie(
        self,
        name: str,
        value: str,
        *,
        expires: str | None = None,
        domain: str | None = None,
        max_age: int | str | None = None,
        path: str = "/",
        secure: bool | None = None,
        httponly: bool | None = None,
        version: str | None = None,
        samesite: str | None = None,
        partitioned: bool | None = None,
    ) -> None:
        """Set a cookie (RFC 6265bis), in the place of one of that name.

        ``value`` is put in double quotes if it has to be. ``max_age`` is in seconds. ValueError for what
        would not be one cookie with exactly these attributes: ";", a control character, a name that is no
        token, an unknown ``samesite``, an ``expires`` that is no date.
        """
        self._refuse_if_prepared("cookies")
        self.cookies.put(
            name,
            str(value),
            {
                "expires": expires,
                "domain": domain,
                "max-age": None if max_age is None else str(max_age),
                "path": path,
                "secure": secure,
                "httponly": httponly,
                "version": version,
                "samesite": samesite,
                "partitioned": partitioned,
            },
        )

    def del_cookie(
        self,
        name: str,
        *,
        domain: str | None = None,
        path: str = "/",
        secure: bool | None = None,
        httponly: bool | None = None,
        samesite: str | None = None,
    ) -> None:
        """Have the client forget a cookie: that of this ``name``, ``domain`` and ``path``."""
        self.set_cookie(
            name,
            "",
            max_age=0,
            expires=_LONG_AGO,
            domain=domain,
            path=path,
            secure=secure,
            httponly=httponly,
            samesite=samesite,
        )

    # The connection

    @property
    def keep_alive(self) -> bool | None:
        """Whether the connection may serve another request; None leaves it to the request."""
        return self._is_persistent

    def force_close(self) -> None:
        """Close the connection after this response."""
        self._is_persistent = False

    def fields(self) -> Iterable[tuple[str, str]]:
        """The fields as they are sent, without those that follow from the framing."""
        now = time.time()
        if not 0 <= now - _date_field.second < 1:
            _date_field.format(now)
        headers = self._headers
        if headers is None:
            return _date_field.with_type(self._content_type)
        if len(headers.getall(CONTENT_TYPE, ())) > 1:
            raise ValueError(f"headers: expected Content-Type once, got {headers.getall(CONTENT_TYPE)!r}")
        fields = [field for field in headers.items() if field[0].lower() not in _FRAMING_FIELDS]
        if self._cookies is not None:
            fields += [("Set-Cookie", value) for value in self._cookies.field_values()]
        if _UPGRADE in headers:
            fields.append(("Connection", "Upgrade"))  # RFC 9110 section 7.8
        if _DATE not in headers:
            fields.append(_date_field.field)
        if _SERVER not in headers:
            fields.append(_SERVER_FIELD)
        return fields

    def _content_type_value(self) -> str:
        return self._content_type if self._headers is None else self._headers.get(CONTENT_TYPE, DEFAULT_TYPE)

    def _set_content_type(self, value: str) -> None:
        self._refuse_if_prepared("content_type")
        self._content_type = value
        if self._headers is not None:
            self._headers[CONTENT_TYPE] = value

    @property
    def _has_chosen_type(self) -> bool:
        """Somebody has said what the content is."""
        return "_content_type" in vars(self) or self._content_type_value() != DEFAULT_TYPE

    def _refuse_if_prepared(self, what: str) -> None:
        if self.prepared:
            raise RuntimeError(f"{what} can't be changed: the response is prepared")
