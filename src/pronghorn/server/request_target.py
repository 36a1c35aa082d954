"""What a request is for: its target, and the origin that it was sent to."""

import re
from typing import Final

from multidict import MultiDictProxy
from yarl import URL

from ..wire.events import RequestHead
from ..wire.fields import is_host
from .request_connection import RequestConnection

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")


class RequestTarget(RequestConnection):
    """A request, as something that asks for a URL.

    No part of a URL can reach into another: each is built from what the wire has checked, and
    never from text that is read again.
    """

    head: RequestHead
    _rel_url: URL | None = None
    # What is set goes before what the connection says; only `clone` and proxies that are trusted set it.
    _scheme: str | None = None
    _host: str | None = None
    _remote: str | None = None

    @property
    def raw_path(self) -> str:
        """The request-target, undecoded, with its query."""
        return self.head.target

    @property
    def rel_url(self) -> URL:
        """Path and query."""
        url = self._rel_url
        if url is None:
            target = self.head.target
            if target[0] == "/":
                path, _, query = target.partition("?")
                url = URL.build(path=path, query_string=query, encoded=True)
            elif self.head.method == "CONNECT":
                url = URL.build(path="", encoded=True)
            elif target == "*":
                url = URL.build(path="*", encoded=True)
            else:
                whole = URL(target, encoded=True)
                url = URL.build(path=whole.raw_path, query_string=whole.raw_query_string, encoded=True)
            self._rel_url = url
        return url

    @property
    def path(self) -> str:
        """The path, percent-decoded."""
        return self.rel_url.path

    @property
    def path_qs(self) -> str:
        """Path and query as text, percent-encoded."""
        return str(self.rel_url)

    @property
    def query(self) -> MultiDictProxy[str]:
        """The parameters in the query, decoded."""
        return self.rel_url.query

    @property
    def query_string(self) -> str:
        """The query, decoded."""
        return self.rel_url.query_string

    @property
    def url(self) -> URL:
        """The whole URL, as far as the client told it: scheme of the connection, Host, path and query."""
        relative = self.rel_url
        path = relative.raw_path
        if not path.startswith("/"):
            return URL.build(scheme=self.scheme, authority=self.host, encoded=True)
        return URL.build(
            scheme=self.scheme,
            authority=self.host,
            path=path,
            query_string=relative.raw_query_string,
            encoded=True,
        )

    @property
    def host(self) -> str:
        """The Host field, which the wire has checked; the local address for clients that sent none."""
        host = self._host or self.head.headers.get("Host")
        if host:
            return host
        name = self.get_extra_info("sockname")
        if not isinstance(name, tuple):
            return "localhost"
        return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"

    @property
    def scheme(self) -> str:
        """The scheme of the connection: https if it is encrypted, else http."""
        scheme = self._scheme
        if scheme is None:
            return "http" if self.get_extra_info("sslcontext") is None else "https"
        return scheme

    @property
    def secure(self) -> bool:
        """The scheme is https."""
        return self.scheme == "https"

    @property
    def remote(self) -> str | None:
        """The address of the peer that opened the connection; None for one that has none."""
        if self._remote is not None:
            return self._remote
        name = self._connection.peername
        if isinstance(name, (tuple, list)):
            return str(name[0])
        return str(name) if name else None

    def _replace_origin(self, scheme: str | None, host: str | None, remote: str | None) -> None:
        """Let these go before what the connection says; None leaves it. ValueError for what is none."""
        if scheme is not None:
            if not _SCHEME.fullmatch(scheme):
                raise ValueError(f"scheme: expected one, got {scheme!r}")
            self._scheme = scheme.lower()
        if host is not None:
            if not is_host(host):
                raise ValueError(f"host: expected uri-host [':' port], got {host!r}")
            self._host = host
        if remote is not None:
            self._remote = remote


def target_of(rel_url: str | URL) -> str:
    """``rel_url`` as a request-target: a path with its query, or "*". ValueError for what gives none.

    Text that begins with "/" is a path, also with two of them; of another URL, its path and query count.
    """
    if rel_url == "*":
        return "*"
    if isinstance(rel_url, str) and rel_url.startswith("/"):
        # An origin in front keeps "//" from being read as one.
        rel_url = URL(f"http://origin{rel_url}")
    url = URL(rel_url)
    path, query = url.raw_path, url.raw_query_string
    if not path.startswith("/"):
        raise ValueError(f"rel_url: expected a path from the root, got {str(rel_url)!r}")
    return f"{path}?{query}" if query else path
