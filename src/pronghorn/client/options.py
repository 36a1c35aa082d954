"""What can be said of a request, besides its method and its URL."""

from collections.abc import Awaitable, Callable, Iterable
from ssl import SSLContext
from typing import Any, TypedDict

from yarl import URL

from .auth import BasicAuth
from .cookiejar import LooseCookies
from .middlewares import ClientMiddlewareType
from .response import ClientResponse
from .sent_fields import Headers
from .timeouts import ClientTimeout
from .tls import Fingerprint
from .uploads import UploadTracker

#: Whether a status of 400 or above is an error; or a coroutine function of the response that decides.
RaiseForStatus = bool | Callable[[ClientResponse], Awaitable[None]]


class RequestOptions(TypedDict, total=False):
    """The keywords of every request."""

    #: Joins the query: a mapping, pairs, or a str that is encoded already.
    params: Any
    #: The body: see `pronghorn.body.payload.make_payload`.
    data: Any
    #: The body as an object to be serialised; not together with ``data``.
    json: Any
    headers: Headers | None
    #: Names of fields that are not made up where nobody gives them.
    skip_auto_headers: Iterable[str] | None
    #: Sent with this request alone, beside those of the session's jar.
    cookies: LooseCookies | None
    #: Instead of the session's; a number is the total in seconds.
    timeout: ClientTimeout | float | None
    #: Ask the server whether it wants the body before sending it (RFC 9110 section 10.1.1).
    expect100: bool
    #: The content coding to apply: "deflate", "gzip", "br" or "zstd"; True is "deflate".
    compress: bool | str | None
    #: Send the body in chunks, whether or not its length is known.
    chunked: bool | None
    #: Told how much of the body has left.
    upload_tracker: UploadTracker | None
    #: Instead of the session's.
    raise_for_status: RaiseForStatus | None
    #: For the server; not together with an Authorization among the headers, or with credentials in the URL.
    auth: BasicAuth | None
    #: Go where a redirect leads; False by default for HEAD.
    allow_redirects: bool
    #: The number of redirects that is too many, 10 by default; 0 is no limit.
    max_redirects: int
    #: A response that does not say where it ends has a body, up to the end of the connection.
    read_until_eof: bool
    #: Bytes of the body that wait for their reader before the server has to wait.
    read_bufsize: int | None
    #: Undo content codings; False leaves the content as it came.
    auto_decompress: bool | None
    #: The most bytes of a status line, of a field, and the most fields, that are taken.
    max_line_size: int | None
    max_field_size: int | None
    max_headers: int | None
    #: Instead of the session's: see `pronghorn.ClientMiddlewareType`.
    middlewares: Iterable[ClientMiddlewareType] | None
    #: The URL of the proxy to go by: http, https, socks4, socks4a, socks5 or socks5h.
    proxy: str | URL | None
    #: For the proxy; counts before the credentials in its URL.
    proxy_auth: BasicAuth | None
    #: Fields for the proxy alone.
    proxy_headers: Headers | None
    #: How the server is verified, where not as its connector does: an SSLContext, a Fingerprint, or False.
    ssl: SSLContext | bool | Fingerprint
    #: Older names of ``ssl``, one of them at a time.
    verify_ssl: bool | None
    fingerprint: bytes | None
    ssl_context: SSLContext | None
    #: The name that TLS asks for and verifies, instead of the host's.
    server_hostname: str | None
    #: What the contexts of its traces are made with: see `TraceConfig`.
    trace_request_ctx: Any
