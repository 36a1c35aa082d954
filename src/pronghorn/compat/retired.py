"""Names of the older documents whose things have no meaning any more.

They import, and so does a class that derives from one; using one says what took its place.
"""

from typing import Any, Final, Never


class RetiredNameError(NotImplementedError):
    """The thing of this name is gone. ``name`` is what was used, ``successor`` what to use."""

    def __init__(self, name: str, successor: str) -> None:
        super().__init__(name, successor)
        self.name = name
        self.successor = successor

    def __str__(self) -> str:
        return f"{self.name} has no meaning any more: use {self.successor}"


_WIRE: Final = "a handler or a client: what is parsed from the wire is nobody else's"
_STREAM: Final = "StreamReader, which does its own flow control"
_SIGNAL: Final = "Signal"
_GATEWAY: Final = "an adapter that runs the WSGI application behind a handler"

_SUCCESSORS: Final = {
    # aiohttp.parsers
    "StreamParser": _WIRE,
    "StreamProtocol": _WIRE,
    "StreamWriter": "StreamResponse.write, or an async iterable as a request's data",
    "ParserBuffer": "StreamReader.readuntil",
    "LinesParser": "StreamReader.readline",
    "ChunksParser": "StreamReader.iter_chunked",
    # aiohttp.protocol
    "HttpMessage": _WIRE,
    "Request": "ClientSession.request",
    "Response": "web.StreamResponse",
    "HttpPrefixParser": _WIRE,
    # aiohttp.signals
    "BaseSignal": _SIGNAL,
    "DebugSignal": _SIGNAL,
    "PreSignal": _SIGNAL,
    "PostSignal": _SIGNAL,
    # aiohttp.streams
    "ChunksQueue": "asyncio.Queue",
    "FlowControlStreamReader": _STREAM,
    "FlowControlChunksQueue": "asyncio.Queue",
    # aiohttp.helpers
    "Timeout": "asyncio.timeout",
    # aiohttp.multipart
    "BodyPartWriter": "MultipartWriter.append",
    # aiohttp.wsgi
    "WSGIServerHttpProtocol": _GATEWAY,
    "FileWrapper": _GATEWAY,
    "WsgiResponse": _GATEWAY,
}


def _retired(name: str, successor: str) -> type:
    def refuse(_cls: type, *_arguments: Any, **_options: Any) -> Never:
        raise RetiredNameError(name, successor)

    return type(name, (), {"__new__": refuse, "__doc__": f"Gone: use {successor}.", "__module__": __name__})


globals().update({name: _retired(name, successor) for name, successor in _SUCCESSORS.items()})
