"""Names of the older documents whose things have no meaning any more.

They import, and so does a class that derives from one; using one says what took its place.
"""

from functools import cache
from typing import Any, Final, Never

_WIRE: Final = "a handler or a client: what is parsed from the wire is nobody else's"
_URL: Final = "yarl.URL"
_SIGNAL: Final = "Signal"
_QUEUE: Final = "asyncio.Queue"
_GATEWAY: Final = "an adapter that runs the WSGI application behind a handler"

#: By the path in aiohttp.
SUCCESSORS: Final = {
    "helpers.Timeout": "asyncio.timeout",
    "helpers.requote_uri": _URL,
    "helpers.str_to_bytes": "str.encode",
    "helpers.unquote_unreserved": _URL,
    "multipart.BodyPartWriter": "MultipartWriter.append",
    "parsers.ChunksParser": "StreamReader.iter_chunked",
    "parsers.LinesParser": "StreamReader.readline",
    "parsers.ParserBuffer": "StreamReader.readuntil",
    "parsers.StreamParser": _WIRE,
    "parsers.StreamProtocol": _WIRE,
    "parsers.StreamWriter": "StreamResponse.write, or an async iterable as a request's data",
    "protocol.HttpMessage": _WIRE,
    "protocol.HttpPrefixParser": _WIRE,
    "protocol.Request": "ClientSession.request",
    "protocol.Response": "web.StreamResponse",
    "signals.BaseSignal": _SIGNAL,
    "signals.DebugSignal": _SIGNAL,
    "signals.PostSignal": _SIGNAL,
    "signals.PreSignal": _SIGNAL,
    "streams.ChunksQueue": _QUEUE,
    "streams.FlowControlChunksQueue": _QUEUE,
    "streams.FlowControlStreamReader": "StreamReader, which does its own flow control",
    "wsgi.FileWrapper": _GATEWAY,
    "wsgi.WSGIServerHttpProtocol": _GATEWAY,
    "wsgi.WsgiResponse": _GATEWAY,
}
_PATHS: Final = {path.rpartition(".")[2]: path for path in SUCCESSORS}


class RetiredNameError(NotImplementedError):
    """The thing of this name is gone. ``name`` is what was used, ``successor`` what to use."""

    def __init__(self, name: str, successor: str) -> None:
        super().__init__(name, successor)
        self.name = name
        self.successor = successor

    def __str__(self) -> str:
        return f"{self.name} has no meaning any more: use {self.successor}"


@cache
def __getattr__(name: str) -> type:
    if name not in _PATHS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    path = _PATHS[name]
    successor = SUCCESSORS[path]

    def refuse(_cls: type, *_arguments: Any, **_options: Any) -> Never:
        raise RetiredNameError(f"aiohttp.{path}", successor)

    members = {"__new__": refuse, "__doc__": f"Gone: use {successor}.", "__module__": __name__}
    return type(name, (), members)
