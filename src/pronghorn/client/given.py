"""What a session is given, checked and put into its own terms."""

import sys
import warnings
from collections.abc import Iterable
from dataclasses import replace
from types import FrameType
from typing import Final

from yarl import URL

from ..wire.events import HttpVersion, HttpVersion10, HttpVersion11
from ..wire.limits import DecodeLimits, head_limits
from .connector import UNSET
from .errors import InvalidUrlClientError
from .terms import Terms
from .timeouts import DEFAULT_TIMEOUT, ClientTimeout
from .tracing import TraceConfig

#: What the last five parameters of `changed_terms` are for who says nothing.
AS_BEFORE: Final = (None,) * 5


def as_base(url: str | URL, *, keeps_path: bool) -> URL:
    """A base URL. Its path has to end in "/", which is added where it is kept in any case."""
    base = URL(url)
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


def as_class(name: str, kind: type, base: type) -> None:
    """TypeError unless ``kind`` is a class that derives from ``base``."""
    if not isinstance(kind, type) or not issubclass(kind, base):
        raise TypeError(f"{name}: expected a subclass of {base.__name__}, got {kind!r}")


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
    warnings.warn(
        "read_timeout and conn_timeout are deprecated: use timeout=ClientTimeout(total=..., connect=...)",
        DeprecationWarning,
        stacklevel=3,
    )
    total = timeout.total if read_timeout is UNSET else read_timeout
    return replace(timeout, total=total, connect=conn_timeout)


def as_version(version: HttpVersion) -> HttpVersion:
    """One of the two versions that requests are sent in, as the constant of that name."""
    if version not in (HttpVersion10, HttpVersion11):
        raise ValueError(f"version: expected HttpVersion10 or HttpVersion11, got {version!r}")
    return HttpVersion11 if version == HttpVersion11 else HttpVersion10


def as_trace_configs(configs: Iterable[TraceConfig] | None) -> list[TraceConfig]:
    """Trace configs, frozen."""
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


def _as_size(name: str, value: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name}: expected an int, got {value!r}")
    if value < 1:
        raise ValueError(f"{name}: expected a number above 0, got {value!r}")
    return value
