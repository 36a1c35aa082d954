"""What a session is given, checked and put into its own terms."""

import asyncio
import sys
import warnings
from collections.abc import Iterable
from dataclasses import replace
from ssl import SSLContext
from types import FrameType, NoneType
from typing import Any, Final

from yarl import URL

from ..wire.events import HttpVersion, HttpVersion10, HttpVersion11
from ..wire.limits import DecodeLimits, head_limits
from .auth import BasicAuth
from .connector import UNSET, BaseConnector
from .cookiejar import AbstractCookieJar
from .errors import InvalidUrlClientError
from .outgoing import ClientRequest
from .redirects import origin_of
from .requester import Sending, Way
from .response import ClientResponse
from .route import as_told
from .sent_fields import Headers
from .target import read_url
from .terms import Terms
from .timeouts import DEFAULT_TIMEOUT, ClientTimeout
from .tls import TlsOption, tls_option
from .tracing import TraceConfig
from .uploads import UploadTracker
from .websocket import ClientWebSocketResponse

#: What the parameters of `as_way` after ``ssl`` are for who says nothing.
NO_WAY: Final = (None,) * 7
#: Redirects that are too many for who says nothing.
MAX_REDIRECTS: Final = 10
#: What the last five parameters of `changed_terms` are for who says nothing.
AS_BEFORE: Final = (None,) * 5


def as_base(url: str | URL, *, keeps_path: bool) -> URL:
    """A base URL. Its path has to end in "/", which is added where it is kept in any case."""
    if not isinstance(url, (str, URL)):
        raise TypeError(f"base_url: expected a str or a yarl.URL, got {url!r}")
    try:
        base = url if isinstance(url, URL) else read_url(url)
    except ValueError as error:
        raise ValueError(f"base_url: {error}") from error
    if not base.absolute:
        raise ValueError(f"base_url: expected an absolute URL, got {url!r}")
    if not base.raw_path.endswith("/"):
        if not keeps_path:
            raise ValueError(
                f"base_url: expected a path that ends in '/', or keep_base_path=True, got {url!r}"
            )
        base = base.with_path(base.raw_path + "/", encoded=True)
    return base


def below(base: URL, url: URL) -> URL:
    """``url`` as a path below that of ``base``; InvalidUrlClientError where it leads out of it."""
    relative = URL.build(
        path=url.raw_path.lstrip("/"),
        query_string=url.raw_query_string,
        fragment=url.raw_fragment,
        encoded=True,
    )
    found = base.join(relative)
    if not found.raw_path.startswith(base.raw_path) or ".." in found.path.split("/"):
        raise InvalidUrlClientError(url, f"expected a path below {base.raw_path}")
    return found


def have_one_origin(url: URL, base: URL) -> bool:
    """Whether two absolute URLs are of one origin, however they are spelt."""
    # One that was found from the other has its spelling, and that is seen in a tenth of the time.
    is_alike = url.raw_authority == base.raw_authority and url.scheme == base.scheme
    return is_alike or origin_of(url) == origin_of(base)


def check_parts(
    connector: object,
    cookie_jar: object,
    loop: object,
    request_class: object,
    response_class: object,
    ws_response_class: object,
) -> None:
    """TypeError for what a session can't be made of; the first three may be None."""
    _check_kind("connector", connector, BaseConnector)
    _check_kind("cookie_jar", cookie_jar, AbstractCookieJar)
    _check_kind("loop", loop, asyncio.AbstractEventLoop)
    _check_class("request_class", request_class, ClientRequest)
    _check_class("response_class", response_class, ClientResponse)
    _check_class("ws_response_class", ws_response_class, ClientWebSocketResponse)


def check_functions(
    json_serialize: object,
    json_serialize_bytes: object,
    fallback_charset_resolver: object,
    raise_for_status: object,
) -> None:
    """TypeError for what can't be called; the second and the third may be None, and the last a bool."""
    if not callable(json_serialize):
        raise TypeError(f"json_serialize: expected a function, got {json_serialize!r}")
    for name, value in (
        ("json_serialize_bytes", json_serialize_bytes),
        ("fallback_charset_resolver", fallback_charset_resolver),
    ):
        if value is not None and not callable(value):
            raise TypeError(f"{name}: expected None or a function, got {value!r}")
    check_ends(raise_for_status, MAX_REDIRECTS)


def check_ends(raise_for_status: object, max_redirects: Any) -> None:
    """TypeError or ValueError for what can't decide how a request ends; None is nothing."""
    if not isinstance(raise_for_status, (bool, NoneType)) and not callable(raise_for_status):
        raise TypeError(
            f"raise_for_status: expected a bool or a coroutine function, got {raise_for_status!r}"
        )
    _as_size("max_redirects", max_redirects, 0)


def as_way(
    ssl: TlsOption,
    proxy: str | URL | None,
    proxy_auth: BasicAuth | None,
    proxy_headers: Headers | None,
    server_hostname: str | None,
    verify_ssl: bool | None,
    fingerprint: bytes | None,
    ssl_context: SSLContext | None,
) -> Way:
    """How a connection is made; TypeError or ValueError for what can't be said, whether it counts or not."""
    if verify_ssl is not None or fingerprint is not None or ssl_context is not None:
        ssl = tls_option(ssl, verify_ssl, fingerprint, ssl_context, stacklevel=4)
    return Way(proxy, *as_told(proxy_auth, proxy_headers), ssl, server_hostname)


def as_sending(
    expect100: bool,
    compress: bool | str | None,
    chunked: bool | None,
    upload_tracker: UploadTracker | None,
    skipped: frozenset[str],
) -> Sending:
    """How a body is sent; TypeError for an ``upload_tracker`` that is none."""
    _check_kind("upload_tracker", upload_tracker, UploadTracker)
    return Sending(expect100, compress, chunked, upload_tracker, skipped)


def as_timeout(timeout: ClientTimeout | float | None) -> ClientTimeout:
    """The timeouts that are meant: a number is the total in seconds."""
    if isinstance(timeout, ClientTimeout):
        return timeout
    return ClientTimeout(total=timeout)


def of_older_names(
    timeout: ClientTimeout, read_timeout: float | None, conn_timeout: float | None
) -> ClientTimeout:
    """The timeouts that two deprecated keywords ask for; ValueError beside ``timeout``."""
    if read_timeout is UNSET and conn_timeout is None:
        return timeout
    if timeout is not DEFAULT_TIMEOUT:
        raise ValueError("timeout: expected it alone, got read_timeout or conn_timeout as well")
    total = timeout.total if read_timeout is UNSET else _as_seconds("read_timeout", read_timeout)
    connect = _as_seconds("conn_timeout", conn_timeout)
    warnings.warn(
        "read_timeout and conn_timeout are deprecated: use timeout=ClientTimeout(total=..., connect=...)",
        DeprecationWarning,
        stacklevel=3,
    )
    return replace(timeout, total=total, connect=connect)


def as_version(version: HttpVersion) -> HttpVersion:
    """One of the two versions that requests are sent in, as the constant of that name."""
    if version not in (HttpVersion10, HttpVersion11):
        raise ValueError(f"version: expected HttpVersion10 or HttpVersion11, got {version!r}")
    return HttpVersion11 if version == HttpVersion11 else HttpVersion10


def as_trace_configs(configs: Iterable[TraceConfig] | None) -> list[TraceConfig]:
    """Trace configs, frozen."""
    if configs is not None and not isinstance(configs, Iterable):
        raise TypeError(f"trace_configs: expected TraceConfig objects, got {configs!r}")
    frozen = [] if configs is None else list(configs)
    for config in frozen:
        if not isinstance(config, TraceConfig):
            raise TypeError(f"trace_configs: expected TraceConfig objects, got {config!r}")
        config.freeze()
    return frozen


def changed_terms(
    terms: Terms,
    decode_limits: DecodeLimits,
    timeout: ClientTimeout | float | None,
    read_until_eof: bool,
    auto_decompress: bool | None,
    read_bufsize: int | None,
    max_line_size: int | None,
    max_field_size: int | None,
    max_headers: int | None,
) -> Terms:
    """``terms`` with what somebody says otherwise; TypeError or ValueError for what can't be."""
    if not isinstance(decode_limits, DecodeLimits):
        raise TypeError(f"decode_limits: expected a DecodeLimits, got {decode_limits!r}")
    if timeout is not UNSET:
        terms = terms._replace(timeout=as_timeout(timeout))
    if not read_until_eof:
        terms = terms._replace(reads_until_close=False)
    if auto_decompress is not None:
        terms = terms._replace(decoding=decode_limits if auto_decompress else None)
    if read_bufsize is not None:
        terms = terms._replace(buffer_size=_as_size("read_bufsize", read_bufsize))
    if max_line_size is not None or max_field_size is not None or max_headers is not None:
        old = terms.limits
        limits = head_limits(
            _as_size("max_line_size", old.start_line if max_line_size is None else max_line_size),
            _as_size("max_field_size", old.field_line if max_field_size is None else max_field_size),
            _as_size("max_headers", old.fields if max_headers is None else max_headers),
        )
        terms = terms._replace(limits=limits)
    return terms


def caller() -> tuple[str, int]:
    """The file and the line that an object is made at, whatever its class."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_name == "__init__" and frame.f_back is not None:
        frame = frame.f_back
    return ("", 0) if frame is None else (frame.f_code.co_filename, frame.f_lineno)


def _check_class(name: str, kind: object, base: type) -> None:
    if not isinstance(kind, type) or not issubclass(kind, base):
        raise TypeError(f"{name}: expected a subclass of {base.__name__}, got {kind!r}")


def _check_kind(name: str, value: object, kind: type) -> None:
    if value is not None and not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        raise TypeError(f"{name}: expected {article} {kind.__name__}, got {value!r}")


def _as_size(name: str, value: int, least: int = 1) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name}: expected an int, got {value!r}")
    if value < least:
        raise ValueError(f"{name}: expected a number not below {least}, got {value!r}")
    return value


def _as_seconds(name: str, value: float | None) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name}: expected a number or None, got {value!r}")
    if not value >= 0:  # nor is NaN
        raise ValueError(f"{name}: expected a number not below 0, got {value!r}")
    return value
