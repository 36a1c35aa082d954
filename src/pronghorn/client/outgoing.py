"""A request, ready to be sent: what the caller said, checked and put into the wire's terms."""

import sys
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import Any, Final, final

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from .._version import __version__
from ..body.payload import BytesPayload, Payload, make_payload
from ..io.dial import Address
from ..wire.coding import accepted_codings
from ..wire.http1.writing import METHODS_WITH_CONTENT
from .errors import InvalidUrlClientError, NonHttpUrlClientError, RequestInfo

CLIENT_SOFTWARE: Final = f"Python/{sys.version_info[0]}.{sys.version_info[1]} pronghorn/{__version__}"

#: A body up to this size leaves in one write with its head; copying it costs less than a second write.
_INLINE_BODY: Final = 64 * 1024
#: RFC 9110 section 9.2.2: sending them twice asks for the same as sending them once.
_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY"})
#: Fields that a request makes of itself unless it is told them: a session's are told to each request.
DECIDED_FIELDS: Final = frozenset(
    {"host", "content-type", "content-length", "transfer-encoding", "connection", "cookie"}
)
_EXPECT: Final = ("Expect", "100-continue")
#: Fields that a message has once: our own server refuses a second one.
_SINGLETONS: Final = ("Host", "Content-Type", "Content-Length", "Transfer-Encoding")
_FRAMING_FIELDS: Final = ("Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive")

Headers = Mapping[str, str] | Iterable[tuple[str, str]]
Fields = tuple[tuple[str, str], ...]


@final
class ClientRequest:
    """Method, target and fields, and the body if there is one."""

    __slots__ = (
        "address",
        "body",
        "expects_continue",
        "fields",
        "is_idempotent",
        "is_persistent",
        "length",
        "method",
        "payload",
        "real_url",
        "target",
        "url",
    )

    def __init__(
        self,
        method: str,
        url: URL,
        default_fields: Fields,
        headers: Headers | None,
        payload: Payload | None,
        expect100: bool = False,
    ) -> None:
        self.method = method
        #: Sending it twice asks for the same as sending it once.
        self.is_idempotent = method in _IDEMPOTENT
        self.real_url = url
        self.url = url = url.with_fragment(None) if url.raw_fragment else url
        self.address = address_of(url.raw_host, url.port, url.scheme)
        #: Origin-form: no proxy is between us and the server.
        self.target = url.raw_path_qs or "/"
        self.payload = payload
        self.is_persistent = True
        #: The whole body, if it is small enough to leave with the head; b"" if there is none.
        self.body: bytes | None = b""
        #: The length of the body in bytes; None is not known before it is sent.
        self.length: int | None = 0
        host = ("Host", url.host_port_subcomponent or "")
        if payload is not None:
            self.length = payload.size
            self.body = None
            if (
                isinstance(payload, BytesPayload)
                and payload.size is not None
                and payload.size <= _INLINE_BODY
            ):
                self.body = payload.data
        if headers is None:
            self.fields: Fields = (host, *default_fields)
            if payload is not None:
                self.fields += (("Content-Type", payload.content_type),)
        else:
            self.fields = self._merge(as_fields(headers), host, default_fields)
        #: The body waits until the server says that it wants it.
        self.expects_continue = False
        if self.payload is not None and (
            expect100 or any(field[0].lower() == "expect" for field in self.fields)
        ):
            self.expects_continue = True
            self.body = None
            if expect100:
                self.fields = (*(field for field in self.fields if field[0].lower() != "expect"), _EXPECT)

    def __repr__(self) -> str:
        return f"<ClientRequest {self.method} {self.url}>"

    @property
    def info(self) -> RequestInfo:
        """What responses and errors tell of the request."""
        fields = CIMultiDict(self.fields)
        # Those that the wire sends of itself are kept apart until somebody asks.
        if self.length is None:
            fields["Transfer-Encoding"] = "chunked"
        elif self.length or self.method in METHODS_WITH_CONTENT:
            fields["Content-Length"] = str(self.length)
        if not self.is_persistent:
            fields["Connection"] = "close"
        return RequestInfo(self.url, self.method, CIMultiDictProxy(fields), self.real_url)

    def drop_expectation(self) -> None:
        """Send the body at once."""
        self.expects_continue = False
        self.fields = tuple(field for field in self.fields if field[0].lower() != "expect")

    def rewind(self) -> bool:
        """Whether the request may be sent once more, and can: the body is at its beginning again."""
        return self.is_idempotent and self.rewind_body()

    def rewind_body(self) -> bool:
        """Whether the body, if there is one, can be sent from its beginning."""
        return self.payload is None or self.payload.rewind()

    def _merge(self, given: CIMultiDict[str], host: tuple[str, str], default_fields: Fields) -> Fields:
        """The caller's fields, after those that they do not replace, without what they say of the framing."""
        for name in _SINGLETONS:
            if len(given.getall(name, ())) > 1:
                raise ValueError(f"headers: expected {name} once, got {given.getall(name)!r}")
        self._take_framing(given)
        fields = [] if "Host" in given else [host]
        fields += [field for field in default_fields if field[0] not in given]
        if self.payload is not None and "Content-Type" not in given:
            fields.append(("Content-Type", self.payload.content_type))
        fields += given.items()
        return tuple(fields)

    def _take_framing(self, given: CIMultiDict[str]) -> None:
        coding = given.get("Transfer-Encoding")
        length = given.get("Content-Length")
        if coding is not None:
            if length is not None:
                raise ValueError("headers: Content-Length and Transfer-Encoding exclude each other")
            if coding.lower() != "chunked":
                raise ValueError(
                    f"headers: the only Transfer-Encoding that can be sent is chunked, got {coding!r}"
                )
            self.length = self.body = None
            if self.payload is None:
                self.payload = BytesPayload(b"")
        if length is not None:
            if not length.isascii() or not length.isdigit() or self.length not in (None, int(length)):
                raise ValueError(
                    f"headers: Content-Length is {length!r}, but the body has {self.length} bytes"
                )
            self.length = int(length)
        if "close" in given.get("Connection", "").lower().replace(" ", "").split(","):
            self.is_persistent = False
        for name in _FRAMING_FIELDS:
            given.popall(name, None)


@cache
def auto_fields() -> Fields:
    """What every request says of itself unless it is told otherwise."""
    return (
        ("User-Agent", CLIENT_SOFTWARE),
        ("Accept", "*/*"),
        ("Accept-Encoding", accepted_codings()),
    )


def as_fields(headers: Headers) -> CIMultiDict[str]:
    """A copy of ``headers``; TypeError if they are none."""
    try:
        fields = CIMultiDict(headers)
    except (TypeError, ValueError) as error:
        raise TypeError(f"headers: expected a mapping or pairs, got {headers!r}") from error
    for name, value in fields.items():
        if not isinstance(value, str):
            raise TypeError(f"headers: expected a str for {name}, got {value!r}")
    return fields


@lru_cache(maxsize=1024)
def address_of(host: str | None, port: int | None, scheme: str) -> Address:
    """Where to connect for the parts of a URL; the same object for the same parts."""
    return Address(host or "", port or 0, scheme == "https")


def as_url(url: str | URL) -> URL:
    """``url``, parsed. Raises InvalidUrlClientError."""
    if isinstance(url, URL):
        return url
    if not isinstance(url, str):
        raise TypeError(f"url: expected a str or a yarl.URL, got {type(url).__name__}")
    # `URL` takes line ends out and goes on; who put them there wanted to split the request.
    if "\r" in url or "\n" in url or "\0" in url:
        raise InvalidUrlClientError(url, "CR, LF and NUL are not allowed")
    try:
        return URL(url)
    except ValueError as error:
        raise InvalidUrlClientError(url, str(error)) from error


def parse_url(url: str | URL, params: Any) -> URL:
    """The URL to request; ``params`` join its query, a str taken as it is.

    Raises InvalidUrlClientError, or NonHttpUrlClientError for a scheme that is not http.
    """
    parsed = as_url(url)
    try:
        if params:
            if isinstance(params, str):
                query = f"{parsed.raw_query_string}&{params}" if parsed.raw_query_string else params
                parsed = URL.build(
                    scheme=parsed.scheme,
                    authority=parsed.raw_authority,
                    path=parsed.raw_path,
                    query_string=query,
                    fragment=parsed.raw_fragment,
                    encoded=True,
                )
            else:
                parsed = parsed.extend_query(params)
    except TypeError as error:
        raise TypeError(f"params: {error}") from error
    except ValueError as error:
        raise InvalidUrlClientError(url, str(error)) from error
    if parsed.scheme != "http":
        if not parsed.scheme:
            raise InvalidUrlClientError(url, "expected an absolute URL")
        raise NonHttpUrlClientError(url, f"expected the scheme http, got {parsed.scheme!r}")
    if not parsed.raw_host:
        raise InvalidUrlClientError(url, "the host is missing")
    return parsed


def make_request(
    method: str, url: URL, default_fields: Fields, headers: Headers | None, data: Any, expect100: bool = False
) -> ClientRequest:
    """A request of what the caller gave. ValueError or TypeError for what can't be sent."""
    payload = None if data is None else make_payload(data)
    return ClientRequest(method, url, default_fields, headers, payload, expect100)
