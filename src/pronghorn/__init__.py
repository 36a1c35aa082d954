"""The async HTTP toolkit: client and server, one package, on asyncio.

The names of the client and of what both sides share are here, those of the server in
`pronghorn.web`. Each is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from . import testing as testing
    from . import web as web
    from .body.payload import Payload as Payload
    from .client.connector import BaseConnector as BaseConnector
    from .client.connector import TCPConnector as TCPConnector
    from .client.errors import ClientConnectionError as ClientConnectionError
    from .client.errors import ClientConnectionResetError as ClientConnectionResetError
    from .client.errors import ClientConnectorDNSError as ClientConnectorDNSError
    from .client.errors import ClientConnectorError as ClientConnectorError
    from .client.errors import ClientError as ClientError
    from .client.errors import ClientOSError as ClientOSError
    from .client.errors import ClientPayloadError as ClientPayloadError
    from .client.errors import ClientResponseError as ClientResponseError
    from .client.errors import ConnectionTimeoutError as ConnectionTimeoutError
    from .client.errors import ContentTypeError as ContentTypeError
    from .client.errors import InvalidURL as InvalidURL
    from .client.errors import InvalidUrlClientError as InvalidUrlClientError
    from .client.errors import NonHttpUrlClientError as NonHttpUrlClientError
    from .client.errors import RequestInfo as RequestInfo
    from .client.errors import ServerConnectionError as ServerConnectionError
    from .client.errors import ServerDisconnectedError as ServerDisconnectedError
    from .client.errors import ServerTimeoutError as ServerTimeoutError
    from .client.errors import SocketTimeoutError as SocketTimeoutError
    from .client.response import ClientResponse as ClientResponse
    from .client.session import ClientSession as ClientSession
    from .client.timeouts import ClientTimeout as ClientTimeout
    from .io.stream import StreamReader as StreamReader
    from .wire.events import HttpVersion as HttpVersion
    from .wire.events import HttpVersion10 as HttpVersion10
    from .wire.events import HttpVersion11 as HttpVersion11

_HOMES = {
    "body.payload": ("Payload",),
    "client.connector": ("BaseConnector", "TCPConnector"),
    "client.errors": (
        "ClientConnectionError",
        "ClientConnectionResetError",
        "ClientConnectorDNSError",
        "ClientConnectorError",
        "ClientError",
        "ClientOSError",
        "ClientPayloadError",
        "ClientResponseError",
        "ConnectionTimeoutError",
        "ContentTypeError",
        "InvalidURL",
        "InvalidUrlClientError",
        "NonHttpUrlClientError",
        "RequestInfo",
        "ServerConnectionError",
        "ServerDisconnectedError",
        "ServerTimeoutError",
        "SocketTimeoutError",
    ),
    "client.response": ("ClientResponse",),
    "client.session": ("ClientSession",),
    "client.timeouts": ("ClientTimeout",),
    "io.stream": ("StreamReader",),
    "wire.events": ("HttpVersion", "HttpVersion10", "HttpVersion11"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_SUBMODULES = ("testing", "web")

__all__ = ["__version__", *_SUBMODULES, *_HOME_OF]


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return import_module(f"{__name__}.{name}")
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
