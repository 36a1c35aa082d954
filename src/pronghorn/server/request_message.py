"""The head of a request as one tuple, as aiohttp hands it around."""

from typing import NamedTuple, Self

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from ..wire.events import HttpVersion, RequestHead
from ..wire.fields import list_members


class RawRequestMessage(NamedTuple):
    """A request line, its fields, and what follows from them."""

    method: str
    #: The request-target.
    path: str
    version: HttpVersion
    headers: CIMultiDictProxy[str] | CIMultiDict[str]
    raw_headers: tuple[tuple[bytes, bytes], ...]
    #: The client sends no other request on the connection.
    should_close: bool
    #: The content coding, if it is one that is commonly undone.
    compression: str | None
    upgrade: bool
    chunked: bool
    url: URL

    @classmethod
    def of(cls, head: RequestHead, url: URL) -> Self:
        """What ``head`` says; ``url`` is the target in it."""
        coding = head.headers.get("Content-Encoding", "").strip().lower()
        transfer = list_members(head.headers.get("Transfer-Encoding", ""))
        return cls(
            head.method,
            head.target,
            head.version,
            CIMultiDictProxy(head.headers),
            head.raw_headers,
            not head.is_persistent,
            coding if coding in {"gzip", "deflate", "br", "zstd"} else None,
            bool(head.upgrade),
            "chunked" in transfer,
            url,
        )
