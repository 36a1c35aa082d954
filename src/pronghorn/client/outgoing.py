"""A request, ready to be sent: what the caller said, checked and put into the wire's terms."""

import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, final

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from .._version import __version__
from ..body.compression import CompressingWriter
from ..body.data import make_payload
from ..body.payload import BytesPayload, Payload, Writer
from ..io.dial import Address, Progress
from ..wire.coding import accepted_codings
from ..wire.compression import make_compressor
from ..wire.http1.writing import METHODS_WITH_CONTENT
from .auth import BasicAuth
from .errors import RequestInfo
from .target import address_of
from .traced import Tell, TracedWriter
from .uploads import UploadTracker

CLIENT_SOFTWARE: Final = f"Python/{sys.version_info[0]}.{sys.version_info[1]} pronghorn/{__version__}"

#: A body up to this size leaves in one write with its head; copying it costs less than a second write.
_INLINE_BODY: Final = 64 * 1024
#: RFC 9110 section 9.2.2: sending them twice asks for the same as sending them once.
IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY"})
#: Fields that a request makes of itself unless it is told them: a session's are told to each request.
DECIDED_FIELDS: Final = frozenset(
    {
        "host",
        "content-type",
        "content-length",
        "transfer-encoding",
        "connection",
        "cookie",
        "proxy-authorization",
    }
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
        "_headers",
        "address",
        "body",
        "coding",
        "expects_continue",
        "fields",
        "is_idempotent",
        "is_persistent",
        "length",
        "method",
        "payload",
        "progress",
        "proxy_fields",
        "real_url",
        "start",
        "target",
        "tracker",
        "url",
    )

    _headers: CIMultiDict[str]
    #: What is being done to get a connection; set when that begins.
    progress: Progress
    #: The loop's time when the request began, or the one that led to it by a redirect.
    start: float

    def __init__(
        self,
        method: str,
        url: URL,
        default_fields: Fields = (),
        headers: Headers | None = None,
        payload: Payload | None = None,
        expect100: bool = False,
        coding: str = "",
        tracker: UploadTracker | None = None,
        skipped: frozenset[str] = frozenset(),
    ) -> None:
        self.method = method
        #: The content coding that is applied to the body as it is sent.
        self.coding = coding
        #: Told of what is sent of the body.
        self.tracker = tracker
        #: Sending it twice asks for the same as sending it once.
        self.is_idempotent = method in IDEMPOTENT
        self.real_url = url
        self.url = url = url.with_fragment(None) if url.raw_fragment else url
        self.address = address_of(url.raw_host, url.port, url.scheme)
        #: What a proxy is told, and nobody else.
        self.proxy_fields: Fields = ()
        #: Origin-form, unless `send_to_proxy` makes it another.
        self.target = url.raw_path_qs or "/"
        host = ("Host", url.host_port_subcomponent or "")
        self.payload = payload
        self.is_persistent = True
        #: The whole body, if it is small enough to leave with the head; b"" if there is none.
        self.body: bytes | None = b""
        #: The length of the body in bytes; None is not known before it is sent.
        self.length: int | None = 0
        if payload is not None:
            self.length = payload.size
            self.body = None
            if (
                isinstance(payload, BytesPayload)
                # A subclass may have a `write` of its own.
                and type(payload).write is BytesPayload.write
                and self.length is not None
                and self.length <= _INLINE_BODY
            ):
                self.body = payload.data
        if payload is not None:
            described = _description(payload)
            if skipped:
                described = tuple(field for field in described if field[0].lower() not in skipped)
            default_fields += described
        if headers is None:
            self.fields: Fields = (host, *default_fields)
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

    # What connectors of other packages ask of a request, by the names that they know.

    request_info = info

    @property
    def original_url(self) -> URL:
        """The URL as it was given, with its fragment."""
        return self.real_url

    @property
    def connection_key(self) -> Address:
        """What the connection has to be made to."""
        return self.address

    @property
    def host(self) -> str:
        """The host, a name in ASCII or an address."""
        return self.address.host

    @property
    def port(self) -> int | None:
        """The port of the host."""
        return self.address.port

    def is_ssl(self) -> bool:
        """TLS is spoken with the server."""
        return self.address.is_ssl

    @property
    def ssl(self) -> Any:
        """How the server is verified: the option of that name."""
        return self.address.ssl

    @property
    def server_hostname(self) -> str | None:
        """The name that TLS asks for and verifies, instead of the host's."""
        return self.address.server_hostname

    @property
    def proxy(self) -> URL | None:
        """The proxy to go by, without its credentials."""
        return self.address.proxy

    @property
    def proxy_auth(self) -> BasicAuth | None:
        """The credentials for the proxy."""
        auth: BasicAuth | None = self.address.proxy_auth
        return auth

    @property
    def proxy_headers(self) -> CIMultiDict[str] | None:
        """A copy of the fields for the proxy alone, its credentials among them."""
        return CIMultiDict(self.proxy_fields) if self.proxy_fields else None

    @property
    def chunked(self) -> bool:
        """The body is sent in chunks."""
        return self.length is None

    @property
    def compress(self) -> str | None:
        """The content coding that is applied to the body as it is sent."""
        return self.coding or None

    @property
    def headers(self) -> CIMultiDict[str]:
        """The fields that are sent, for middlewares to change; what frames the body is not among them."""
        try:
            return self._headers
        except AttributeError:
            self._headers = CIMultiDict(self.fields)
            return self._headers

    def settle(self) -> None:
        """What middlewares have made of `headers` is what is sent."""
        try:
            changed = as_fields(self._headers)
        except AttributeError:
            return
        for name in _FRAMING_FIELDS:
            changed.popall(name, None)
        self.fields = tuple(changed.items())

    def send_to_proxy(self) -> None:
        """Go to the proxy itself, with what it is told, in absolute-form (RFC 9112 section 3.2.2)."""
        url = self.url
        self.target = f"{url.scheme}://{url.host_port_subcomponent}{url.raw_path_qs or '/'}"
        told = {name.lower() for name, _ in self.proxy_fields}
        self.fields = (*(field for field in self.fields if field[0].lower() not in told), *self.proxy_fields)

    async def close_body(self) -> None:
        """Let the body go of what it holds: nothing will be sent of it any more."""
        if self.payload is not None:
            await self.payload.close()

    async def write_body(self, writer: Writer, tell: Tell | None = None) -> None:
        """Write the body, coded if it is to be; ``tell`` of each piece as the payload gave it."""
        payload = self.payload
        if payload is None:
            return
        coded = CompressingWriter(writer, make_compressor(self.coding)) if self.coding else None
        writer = coded or writer
        await payload.write(writer if tell is None else TracedWriter(writer, tell))
        if coded is not None:
            await coded.finish()

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


def _description(payload: Payload) -> Fields:
    """What a message says of its body; how that is framed is not the body's to say."""
    fields = payload.fields
    if len(fields) == 1:
        return fields
    return tuple(field for field in fields if field[0].title() not in _FRAMING_FIELDS)


@lru_cache(maxsize=64)
def auto_fields(skipped: frozenset[str] = frozenset()) -> Fields:
    """What every request says of itself unless it is told otherwise; ``skipped`` is in lower case."""
    fields = (
        ("User-Agent", CLIENT_SOFTWARE),
        ("Accept", "*/*"),
        ("Accept-Encoding", accepted_codings()),
    )
    return tuple(field for field in fields if field[0].lower() not in skipped)


def skipped_names(names: Iterable[str] | None) -> frozenset[str]:
    """The names of fields that are not to be made up, in lower case; TypeError for what are no names."""
    given = () if names is None else (names,) if isinstance(names, str) else tuple(names)
    for name in given:
        if not isinstance(name, str):
            raise TypeError(f"skip_auto_headers: expected names of fields, got {name!r}")
    return frozenset(name.lower() for name in given)


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


def transfer_fields(headers: Headers | None, coding: str, chunked: bool) -> CIMultiDict[str]:
    """``headers`` with what a content coding or chunks add to them; ValueError for contradictions."""
    fields = as_fields(headers or ())
    if coding:
        make_compressor(coding)
        if "Content-Encoding" in fields:
            raise ValueError("compress: the headers have a Content-Encoding already")
        fields["Content-Encoding"] = coding
    option = "chunked" if chunked else "compress"
    if "Content-Length" in fields:
        raise ValueError(f"{option}: expected no Content-Length in the headers, the length is not known")
    if chunked and "Transfer-Encoding" in fields:
        raise ValueError("chunked: the headers have a Transfer-Encoding already")
    fields["Transfer-Encoding"] = "chunked"
    return fields


def make_request(
    method: str,
    url: URL,
    default_fields: Fields,
    headers: Headers | None,
    data: Any,
    expect100: bool = False,
    compress: bool | str | None = None,
    chunked: bool | None = None,
    tracker: UploadTracker | None = None,
    skipped: frozenset[str] = frozenset(),
) -> ClientRequest:
    """A request of what the caller gave; ValueError or TypeError for what can't be sent."""
    payload = None if data is None else make_payload(data)
    if not compress and not chunked:
        return ClientRequest(method, url, default_fields, headers, payload, expect100, "", tracker, skipped)
    if not isinstance(compress, (str, bool)) and compress is not None:
        raise TypeError(f"compress: expected a bool or a str, got {compress!r}")
    coding = "" if payload is None or not compress else "deflate" if compress is True else compress
    if coding or chunked:
        headers = transfer_fields(headers, coding, bool(chunked))
    return ClientRequest(method, url, default_fields, headers, payload, expect100, coding, tracker, skipped)
