"""A request, ready to be sent: what the caller said, checked and put into the wire's terms."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, ClassVar, Final

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from ..body.compression import CompressingWriter
from ..body.data import make_payload
from ..body.payload import BytesPayload, Payload, Writer
from ..io.dial import Address, Progress
from ..wire.compression import make_compressor
from ..wire.events import HttpVersion, HttpVersion11
from ..wire.http1.writing import METHODS_WITH_CONTENT
from .auth import BasicAuth
from .cookiejar import CookieJar, LooseCookies
from .errors import RequestInfo
from .route import as_told, make_proxy, make_route
from .sent_fields import Fields, Headers, as_coding, as_fields, auto_fields, skipped_names, transfer_fields
from .target import Target, find_target, target_of, without_zone
from .tls import TlsOption
from .traced import Tell, TracedWriter
from .uploads import UploadTracker

#: A body up to this size leaves in one write with its head; copying it costs less than a second write.
_INLINE_BODY: Final = 64 * 1024
#: RFC 9110 section 9.2.2: sending them twice asks for the same as sending them once.
IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY"})
_EXPECT: Final = ("Expect", "100-continue")
#: Fields that a message has once: our own server refuses a second one.
_SINGLETONS: Final = ("Host", "Content-Type", "Content-Length", "Transfer-Encoding")
_FRAMING_FIELDS: Final = ("Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive")


class ClientRequest:
    """A request: method, target and fields, and the body if there is one.

    Sessions make them. Whoever makes one itself, for `BaseConnector.connect`, gives a method and a URL; a
    class of the user's, the ``request_class`` of a session, is given what that has found: the fields with
    cookies and credentials among them, the proxy, and the session itself. `send` may be its own, too.
    ``version``, ``loop``, ``response_class``, ``timer``, ``traces`` and ``trust_env`` are accepted and not
    needed: they are the session's to keep.

    Raises what a request raises for the same arguments.
    """

    GET_METHODS: ClassVar = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
    POST_METHODS: ClassVar = frozenset({"DELETE", "PATCH", "POST", "PUT"})
    ALL_METHODS: ClassVar = GET_METHODS | POST_METHODS

    __slots__ = (
        "_headers",
        "address",
        "carry_out",
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
        "sent",
        "session",
        "start",
        "target",
        "tracker",
        "upgrade",
        "url",
        "whole",
    )

    _headers: CIMultiDict[str]
    #: What is being done to get a connection; set when that begins.
    progress: Progress
    #: The loop's time when the request began, or the one that led to it by a redirect.
    start: float
    #: What the connection has to be made to.
    address: Address
    #: What a proxy is told, and nobody else.
    proxy_fields: Fields
    #: The session that sends it, where middlewares or a class of the user's may ask for it.
    session: Any
    #: Bytes of a streamed body that have left, as they were coded.
    sent: int
    #: Sends it over the connection that was chosen; set when that is.
    carry_out: Callable[[], Awaitable[Any]]

    def __init__(
        self,
        method: str,
        url: URL,
        *,
        params: Any = None,
        headers: Headers | None = None,
        skip_auto_headers: Iterable[str] | None = None,
        data: Any = None,
        cookies: LooseCookies | None = None,
        auth: BasicAuth | None = None,
        version: HttpVersion = HttpVersion11,
        compress: bool | str | None = None,
        chunked: bool | None = None,
        expect100: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
        response_class: type | None = None,
        proxy: str | URL | None = None,
        proxy_auth: BasicAuth | None = None,
        timer: object = None,
        session: Any = None,
        ssl: TlsOption = True,
        proxy_headers: Headers | None = None,
        traces: object = None,
        trust_env: bool = False,
        server_hostname: str | None = None,
    ) -> None:
        target = find_target(url, params)
        fields = as_fields(headers or ())
        skipped = skipped_names(skip_auto_headers)
        if auth is not None:
            if "Authorization" in fields:
                raise ValueError("auth: the headers have an Authorization already")
            fields["Authorization"] = auth.encode()
        if cookies and (found := CookieJar().cookie_field(target.url, cookies)):
            fields["Cookie"] = "; ".join([*fields.getall("Cookie", ()), found])
        payload, coding, given = _as_body(data, fields, compress, chunked)
        auto = auto_fields(skipped)
        self.fill(method.upper(), target, auto, given, payload, expect100, coding, None, skipped)
        self.session = session
        told = as_told(proxy_auth, proxy_headers)
        by = None if proxy is None else make_proxy(proxy, *told)
        self.address, self.proxy_fields = make_route(target.url, by, ssl, server_hostname)

    def fill(
        self,
        method: str,
        target: Target,
        default_fields: Fields = (),
        headers: Headers | None = None,
        payload: Payload | None = None,
        expect100: bool = False,
        coding: str = "",
        tracker: UploadTracker | None = None,
        skipped: frozenset[str] = frozenset(),
    ) -> None:
        """Be that request: what a session does instead of calling the class, which takes longer."""
        self.method = method
        self.session = None
        #: The content coding that is applied to the body as it is sent.
        self.coding = coding
        #: Told of what is sent of the body.
        self.tracker = tracker
        #: Sending it twice asks for the same as sending it once.
        self.is_idempotent = method in IDEMPOTENT
        #: The target is in origin-form, unless `send_to_proxy` makes it another.
        self.real_url, self.url, self.address, self.target, host, _ = target
        self.proxy_fields = ()
        self.payload = payload
        self.is_persistent = True
        #: The protocol that it offers to switch to (RFC 9110 section 7.8).
        self.upgrade = ""
        #: The whole body, if it is small enough to leave with the head; b"" if there is none.
        self.whole: bytes | None = b""
        #: The length of the body in bytes; None is not known before it is sent.
        self.length: int | None = 0
        if payload is not None:
            self._take(payload)
            described = _description(payload)
            if skipped:
                described = tuple(field for field in described if field[0].lower() not in skipped)
            default_fields += described
        #: The body waits until the server says that it wants it.
        self.expects_continue = False
        if headers is None:
            self.fields: Fields = (host, *default_fields)
        else:
            given = as_fields(headers)
            self.fields = self._merge(given, host, default_fields)
            self.expects_continue = (
                self.payload is not None and given.get("Expect", "").lower() == "100-continue"
            )
        if self.payload is not None and (expect100 or self.expects_continue):
            self.expects_continue = True
            self.whole = None
            if expect100:
                self.fields = (*(field for field in self.fields if field[0].lower() != "expect"), _EXPECT)

    def _take(self, payload: Payload) -> None:
        """Have a body to send."""
        self.length, self.whole = payload.size, None
        # By its `write`, since a subclass may have one of its own; `isinstance` of an abstract class is slow.
        is_there = type(payload).write is BytesPayload.write
        if is_there and self.length is not None and self.length <= _INLINE_BODY:
            self.whole = payload._value

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

    @property
    def sent_size(self) -> int:
        """The bytes of the head, and of the body that have left."""
        fields = sum(len(name) + len(value) + 4 for name, value in self.info.headers.items())
        head = len(f"{self.method} {self.target} HTTP/1.1\r\n") + fields + 2
        return head + (len(self.whole) if self.whole is not None else getattr(self, "sent", 0))

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

    @property
    def body(self) -> Payload | bytes:
        """The body as a payload; b"" if there is none."""
        return b"" if self.payload is None else self.payload

    async def update_body(self, body: Any) -> None:
        """Send ``body`` instead, anything that ``data`` may be; None or b"" is none.

        What was to be sent is closed. Content-Type stays if there is one, and is made up otherwise.
        """
        payload = None if body is None or body == b"" else make_payload(body)
        if payload is self.payload:
            return
        await self.close_body()
        self.payload, self.length, self.whole = payload, 0, b""
        if payload is None:
            self.coding, self.expects_continue = "", False
            self.headers.popall("Content-Encoding", None)
            return
        self._take(payload)
        if self.coding:
            self.length = self.whole = None
        if self.expects_continue:
            self.whole = None
        for name, value in _description(payload):
            self.headers.setdefault(name, value)

    def settle(self) -> None:
        """What middlewares have made of `headers` is what is sent."""
        try:
            changed = as_fields(self._headers)
        except AttributeError:
            return
        for name in _FRAMING_FIELDS:
            changed.popall(name, None)
        if self.upgrade:
            changed["Connection"] = "Upgrade"
        self.fields = tuple(changed.items())

    def send_to_proxy(self) -> None:
        """Go to the proxy itself, with what it is told, in absolute-form (RFC 9112 section 3.2.2)."""
        url = self.url
        asked = without_zone(url.host_port_subcomponent or "")
        self.target = f"{url.scheme}://{asked}{url.raw_path_qs or '/'}"
        told = {name.lower() for name, _ in self.proxy_fields}
        self.fields = (*(field for field in self.fields if field[0].lower() not in told), *self.proxy_fields)

    async def send(self, conn: Any) -> Any:
        """Send it over ``conn``, which has a ``transport``; the response, when its head has come.

        For a ``request_class`` to do in its own way, which calls this.
        """
        return await self.carry_out()

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
        if self.tracker is not None:
            self.tracker.finish()

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
            self.length = self.whole = None
            if self.payload is None:
                self.payload = BytesPayload(b"")
        if length is not None:
            if not length.isascii() or not length.isdigit() or self.length not in (None, int(length)):
                raise ValueError(
                    f"headers: Content-Length is {length!r}, but the body has {self.length} bytes"
                )
            self.length = int(length)
        options = given.get("Connection", "").lower().replace(" ", "").split(",")
        if "close" in options:
            self.is_persistent = False
        for name in _FRAMING_FIELDS:
            given.popall(name, None)
        if "upgrade" in options and "Upgrade" in given:
            self.upgrade = given["Upgrade"]
            given["Connection"] = "Upgrade"


def _description(payload: Payload) -> Fields:
    """What a message says of its body; how that is framed is not the body's to say."""
    fields = payload.fields
    if len(fields) == 1:
        return fields
    return tuple(field for field in fields if field[0].title() not in _FRAMING_FIELDS)


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
    payload, coding, headers = _as_body(data, headers, compress, chunked)
    request = ClientRequest.__new__(ClientRequest)
    target = target_of(url)
    request.fill(method, target, default_fields, headers, payload, expect100, coding, tracker, skipped)
    return request


def _as_body(
    data: Any, headers: Headers | None, compress: bool | str | None, chunked: bool | None
) -> tuple[Payload | None, str, Headers | None]:
    """The body that ``data`` is, its content coding, and ``headers`` with what they say of that."""
    payload = None if data is None else make_payload(data)
    if not compress and not chunked:
        return payload, "", headers
    coding = as_coding(compress)
    if payload is None:
        coding = ""
    if coding or chunked:
        return payload, coding, transfer_fields(headers, coding, bool(chunked))
    return payload, coding, headers
