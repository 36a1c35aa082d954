"""What a request can end in besides a response.

A programming mistake raises ValueError or TypeError. Everything here comes from the
network or from the server, and derives from `ClientError`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from ..io.dial import Address


class RequestInfo(NamedTuple):
    """The request that a response or an error belongs to."""

    #: The URL, without its fragment.
    url: URL
    method: str
    #: The fields as they were sent.
    headers: CIMultiDictProxy[str]
    #: The URL as it was given.
    real_url: URL


class ClientError(Exception):
    """The base of all errors of the client."""


class ClientResponseError(ClientError):
    """The server answered, but not with what was asked for; if with no HTTP at all, ``status`` is 400."""

    def __init__(
        self,
        request_info: RequestInfo,
        history: Sequence[Any] = (),
        *,
        status: int = 0,
        message: str = "",
        headers: CIMultiDictProxy[str] | None = None,
    ) -> None:
        super().__init__(request_info, tuple(history))
        self.request_info = request_info
        self.history = tuple(history)
        self.status = status
        self.message = message
        self.headers = headers

    def __str__(self) -> str:
        return f"{self.status}, message={self.message!r}, url={str(self.request_info.real_url)!r}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"

    def __reduce__(self) -> tuple[Any, ...]:
        # Proxies can't be pickled; the fields of the response are left behind, those of the request copied.
        state = {"status": self.status, "message": self.message}
        return (_restore, (type(self), *_picklable(self.request_info), state))


class ContentTypeError(ClientResponseError):
    """The body is not of the type that was expected."""


class ClientPayloadError(ClientError):
    """The body was malformed or ended early: bad chunk, wrong length, bad content coding."""


class ClientConnectionError(ClientError):
    """The connection, not the response, is what failed."""


class ClientConnectionResetError(ClientConnectionError, ConnectionResetError):
    """The connection went away while the request was being sent."""


class ClientOSError(ClientConnectionError, OSError):
    """The operating system reported a failure of the connection."""


class ClientConnectorError(ClientOSError):
    """No connection could be made. ``host``, ``port`` and ``ssl`` say where to, ``os_error`` why not."""

    def __init__(self, address: Address, os_error: OSError) -> None:
        super().__init__(os_error.errno, os_error.strerror or str(os_error))
        self.host = address.host
        self.port = address.port
        self.ssl = address.ssl
        self.os_error = os_error
        self._address = address

    def __str__(self) -> str:
        return f"Cannot connect to host {self.host}:{self.port} ssl:{self.ssl} [{self.strerror}]"

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self._address, self.os_error))


class ClientConnectorDNSError(ClientConnectorError):
    """The name of the host could not be resolved."""


class ServerConnectionError(ClientConnectionError):
    """The server did something wrong on the connection."""


class ServerDisconnectedError(ServerConnectionError):
    """The server closed the connection before it had answered."""

    def __init__(self, message: object = "Server disconnected") -> None:
        super().__init__(message)
        self.message = message


class ServerTimeoutError(ServerConnectionError, TimeoutError):
    """The server took too long."""


class ConnectionTimeoutError(ServerTimeoutError):
    """A connection was not there in time: ``connect`` or ``sock_connect`` ran out."""


class SocketTimeoutError(ServerTimeoutError):
    """The server sent nothing for ``sock_read`` seconds."""


class InvalidURL(ClientError, ValueError):
    """The URL can't be requested. ``url`` is what was given, ``description`` says what is wrong."""

    def __init__(self, url: object, description: str | None = None) -> None:
        super().__init__(*((url,) if description is None else (url, description)))
        self.url = url
        self.description = description

    def __str__(self) -> str:
        return str(self.url) if self.description is None else f"{self.url} - {self.description}"


class InvalidUrlClientError(InvalidURL):
    """The URL of a request can't be requested."""


class NonHttpUrlClientError(InvalidUrlClientError):
    """The URL is of another scheme."""


def _picklable(info: RequestInfo) -> tuple[str, str, list[tuple[str, str]], str]:
    return str(info.url), info.method, list(info.headers.items()), str(info.real_url)


def _restore(
    kind: type[ClientResponseError],
    url: str,
    method: str,
    fields: list[tuple[str, str]],
    real_url: str,
    state: dict[str, Any],
) -> ClientResponseError:
    headers = CIMultiDictProxy(CIMultiDict(fields))
    return kind(RequestInfo(URL(url), method, headers, URL(real_url)), **state)
