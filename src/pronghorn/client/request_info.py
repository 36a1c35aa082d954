"""What responses and errors tell of a request: what was asked for, and where."""

from typing import Any, NamedTuple, Self

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from ..io.dial import Address as ConnectionKey

__all__ = ["ConnectionKey", "RequestInfo"]


class _RequestInfo(NamedTuple):
    #: The URL, without its fragment.
    url: URL
    method: str
    #: The fields as they were sent.
    headers: CIMultiDictProxy[str]
    #: The URL as it was given.
    real_url: URL


class RequestInfo(_RequestInfo):
    """The request that a response or an error belongs to; without ``real_url`` that is ``url``."""

    __slots__ = ()

    def __new__(
        cls, url: URL, method: str, headers: CIMultiDictProxy[str], real_url: URL | None = None
    ) -> Self:
        """Put ``url`` in the place of a missing ``real_url``."""
        return super().__new__(cls, url, method, headers, url if real_url is None else real_url)

    def __reduce__(self) -> tuple[Any, ...]:
        # Proxies can't be pickled, and plain mappings may have been given.
        url, method, headers, real_url = self
        if isinstance(headers, CIMultiDictProxy):
            return _restored, (type(self), url, method, CIMultiDict(headers), real_url)
        return type(self), (url, method, headers, real_url)


def _restored(
    kind: type[RequestInfo], url: URL, method: str, fields: CIMultiDict[str], real_url: URL
) -> RequestInfo:
    return kind(url, method, CIMultiDictProxy(fields), real_url)
