"""The names of ``aiohttp.errors``, the module of the first documents.

What lives on is the very class that is raised today, under its old name too. What has no
successor is a class that nothing of ours raises.
"""

from ..client.errors import (
    ClientConnectionError,
    ClientError,
    ClientHttpProxyError,
    ClientOSError,
    ClientProxyConnectionError,
    ClientResponseError,
    DisconnectedError,
    FingerprintMismatch,
    InvalidURL,
    ServerDisconnectedError,
    ServerTimeoutError,
    WSServerHandshakeError,
)
from .http_exceptions import (
    BadHttpMessage,
    BadStatusLine,
    ContentEncodingError,
    HttpBadRequest,
    HttpProcessingError,
    InvalidHeader,
    LineTooLong,
    TransferEncodingError,
)

__all__ = [
    "BadHttpMessage",
    "BadStatusLine",
    "ClientConnectionError",
    "ClientDisconnectedError",
    "ClientError",
    "ClientHttpProcessingError",
    "ClientOSError",
    "ClientRequestError",
    "ClientResponseError",
    "ClientTimeoutError",
    "ContentEncodingError",
    "DisconnectedError",
    "FingerprintMismatch",
    "HttpBadRequest",
    "HttpMethodNotAllowed",
    "HttpProcessingError",
    "HttpProxyError",
    "InvalidHeader",
    "InvalidURL",
    "LineLimitExceededParserError",
    "LineTooLong",
    "ParserError",
    "ProxyConnectionError",
    "ServerDisconnectedError",
    "TransferEncodingError",
    "WSClientDisconnectedError",
    "WSServerHandshakeError",
]

ClientTimeoutError = ServerTimeoutError
ProxyConnectionError = ClientProxyConnectionError
# It was an HttpProcessingError, and so was WSServerHandshakeError. That is now what can't be parsed; these
# two are answers that say no.
HttpProxyError = ClientHttpProxyError

# "While the request was sent": today ClientConnectionResetError or ClientOSError. What both are is the
# narrowest class that misses neither; it also holds what fails before and after.
ClientRequestError = ClientConnectionError
# What ClientRequestError and ClientResponseError have in common.
ClientHttpProcessingError = ClientError


# To a handler, a client that went away is a ConnectionResetError. That is not this class under a new name:
# the connections that the handler has opened itself raise it, too.
class ClientDisconnectedError(DisconnectedError):
    """The client of a server went away."""


class WSClientDisconnectedError(ClientDisconnectedError):
    """The client of a WebSocket went away."""


class HttpMethodNotAllowed(HttpProcessingError):
    """The resource has no such method."""

    code = 405
    message = "Method Not Allowed"


class ParserError(Exception):
    """What was received can't be parsed."""


class LineLimitExceededParserError(ParserError):
    """A line is longer than ``limit`` bytes."""

    def __init__(self, msg: str, limit: int) -> None:
        super().__init__(msg, limit)
        self.limit = limit

    def __str__(self) -> str:
        return str(self.args[0])
