"""What a request can end in besides a response.

A programming mistake raises ValueError or TypeError; WSMessageTypeError is one. Everything else
that is raised from here comes from the network or from the server, and derives from `ClientError`.
"""

import warnings
from collections.abc import Iterable
from ssl import CertificateError, SSLContext, SSLError
from typing import Any, Final, Protocol, Self, TypeVar

from multidict import CIMultiDict, CIMultiDictProxy, MultiMapping

from ..wire.websocket.messages import (
    WSMessageTypeError as WSMessageTypeError,  # noqa: PLC0414 - also looked for here
)
from .request_info import ConnectionKey as ConnectionKey  # noqa: PLC0414 - also looked for here
from .request_info import RequestInfo as RequestInfo  # noqa: PLC0414 - also looked for here

#: What OSError keeps outside of `__dict__`.
_OS_SLOTS: Final = ("errno", "strerror", "filename", "filename2")
#: What an SSLError tells besides, if OpenSSL made it.
_TLS_DETAILS: Final = ("library", "reason", "verify_code", "verify_message")
_CODE_IS_DEPRECATED: Final = "code is deprecated, use status"

_E = TypeVar("_E", bound=BaseException)


class ClientError(Exception):
    """The base of all errors of the client.

    Each can be copied and pickled. Live responses and TLS contexts stay behind when it is pickled.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        # By attributes, not by arguments: subclasses have constructors of their own.
        return _blank, (type(self),), self.__getstate__()

    def __getstate__(self) -> dict[str, Any]:
        # An OSError whose errno was set to None prints it, so what is None is left unset.
        slots = {name: value for name in _OS_SLOTS if (value := getattr(self, name, None)) is not None}
        return {**slots, **vars(self), "args": self.args}

    def __copy__(self) -> Self:
        # Within the process nothing has to stay behind.
        copied = _blank(type(self))
        copied.__setstate__(ClientError.__getstate__(self))
        return copied


def _blank(kind: type[_E]) -> _E:
    return kind.__new__(kind)


# Responses


class ClientResponseError(ClientError):
    """The server answered, but not with what was asked for; if with no HTTP at all, ``status`` is 400."""

    #: What had come of the body when `raise_for_status` raised it: at most 64 KiB.
    body: bytes = b""

    def __init__(
        self,
        request_info: RequestInfo,
        history: Iterable[Any] | None = (),
        *,
        code: int | None = None,
        status: int | None = None,
        message: str = "",
        headers: MultiMapping[str] | None = None,
    ) -> None:
        if code is not None:
            if status is not None:
                raise ValueError(f"code and status: expected one of them, got {code!r} and {status!r}")
            warnings.warn(_CODE_IS_DEPRECATED, DeprecationWarning, stacklevel=2)
            status = code
        self.request_info = request_info
        #: The responses that redirected to this one.
        self.history = tuple(history) if isinstance(history, Iterable) else ()
        self.status = status or 0
        self.message = message
        #: The fields of the response.
        self.headers = headers
        super().__init__(request_info, self.history)

    def __str__(self) -> str:
        # Stand-ins for a RequestInfo, and None, come from other people's tests.
        url = getattr(self.request_info, "real_url", self.request_info)
        return f"{self.status}, message={self.message!r}, url={str(url)!r}"

    def __repr__(self) -> str:
        # Not the arguments: the request's fields may hold credentials.
        return f"{type(self).__name__}({self})"

    @property
    def code(self) -> int:
        """The status, by its deprecated name."""
        warnings.warn(_CODE_IS_DEPRECATED, DeprecationWarning, stacklevel=2)
        return self.status

    @code.setter
    def code(self, value: int) -> None:
        warnings.warn(_CODE_IS_DEPRECATED, DeprecationWarning, stacklevel=2)
        self.status = value

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        if isinstance(headers := state.get("headers"), CIMultiDictProxy):
            state["headers"] = CIMultiDict(headers)  # proxies can't be pickled
        if any(map(_is_response, history := state.get("history", ()))):
            _replace(state, "history", tuple(entry for entry in history if not _is_response(entry)))
        return state

    def __setstate__(self, state: dict[str, Any] | None) -> None:
        super().__setstate__(state)
        if isinstance(headers := getattr(self, "headers", None), CIMultiDict):
            self.headers = CIMultiDictProxy(headers)


class ContentTypeError(ClientResponseError):
    """The body is not of the type that was expected."""


class WSServerHandshakeError(ClientResponseError):
    """The server did not accept the WebSocket."""


class ClientHttpProxyError(ClientResponseError):
    """The proxy did not open the tunnel."""


class TooManyRedirects(ClientResponseError):
    """There were more redirects than ``max_redirects``."""


class ClientPayloadError(ClientError):
    """The body was malformed or ended early: bad chunk, wrong length, bad content coding."""


class UploadAbortedError(ClientError):
    """The body of the request was not sent whole."""


# Connections


class ClientConnectionError(ClientError):
    """The connection, not the response, is what failed."""


class ClientConnectionResetError(ClientConnectionError, ConnectionResetError):
    """The connection went away while the request was being sent."""


class ClientOSError(ClientConnectionError, OSError):
    """The operating system reported a failure of the connection."""


class _Place(Protocol):
    """What errors read of the key of a connection: `ConnectionKey` has it."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int | None: ...
    @property
    def ssl(self) -> Any: ...


#: Other people's tests give no key.
_NOWHERE: Final = ConnectionKey("?", None, False, True, None, None, None)


class ClientConnectorError(ClientOSError):
    """No connection could be made. ``host``, ``port`` and ``ssl`` say where to, ``os_error`` why not.

    ``phase`` is what failed, "dns", "connect", "tls" or "proxy", and ``peer`` the address that it failed
    with; both are "" if that is not known.
    """

    phase: str = ""
    peer: str = ""

    def __init__(self, connection_key: _Place | None, os_error: OSError) -> None:
        errno, strerror = getattr(os_error, "errno", None), getattr(os_error, "strerror", None)
        super().__init__(errno, strerror or str(os_error) or type(os_error).__name__)
        # Subclasses of other people set these by their names, instead of calling this.
        self._conn_key: _Place = _NOWHERE if connection_key is None else connection_key
        self._os_error = os_error
        self.args = (connection_key, os_error)

    @property
    def os_error(self) -> OSError:
        """Why not."""
        return self._os_error

    @property
    def host(self) -> str:
        """The name or address of the host."""
        return self._conn_key.host

    @property
    def port(self) -> int | None:
        """The port of the host."""
        return self._conn_key.port

    @property
    def ssl(self) -> Any:
        """What the key of the connection says of TLS, as it says it."""
        return self._conn_key.ssl

    def __str__(self) -> str:
        return (
            f"Cannot connect to host {self.host}:{self.port} ssl:{_words(self.ssl)} "
            f"[{self.strerror}]{self._where()}"
        )

    def _where(self) -> str:
        # Other people's subclasses and tests make it without.
        return f" ({self.phase}, {self.peer})" if self.peer else f" ({self.phase})" if self.phase else ""

    def __repr__(self) -> str:
        # Not the arguments: the key may hold a proxy's credentials.
        return f"{type(self).__name__}({self})"

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        if isinstance(context := self._conn_key.ssl, SSLContext):
            is_ssl = getattr(self._conn_key, "is_ssl", True)
            key = ConnectionKey(self.host, self.port, is_ssl, _words(context), None, None, None)
            _replace(state, "_conn_key", key)
        return state


class ClientConnectorDNSError(ClientConnectorError):
    """The name of the host could not be resolved."""


class ClientConnectorPolicyError(ClientConnectorError):
    """The connector's policy allows no connection to that address, or by that proxy."""


class ClientProxyConnectionError(ClientConnectorError):
    """No connection to the proxy could be made, or none through it."""


class UnixClientConnectorError(ClientConnectorError):
    """No connection to the Unix socket at ``path`` could be made."""

    def __init__(self, path: str, connection_key: _Place | None, os_error: OSError) -> None:
        super().__init__(connection_key, os_error)
        self._path = path

    @property
    def path(self) -> str:
        """The path of the socket."""
        return self._path

    def __str__(self) -> str:
        return (
            f"Cannot connect to unix socket {self.path} ssl:{_words(self.ssl)} "
            f"[{self.strerror}]{self._where()}"
        )


class ClientSSLError(ClientConnectorError):
    """TLS could not be agreed on."""

    def __init__(self, connection_key: _Place | None, os_error: OSError) -> None:
        super().__init__(connection_key, os_error)
        for name in _TLS_DETAILS:
            if hasattr(os_error, name):
                setattr(self, name, getattr(os_error, name))


class ClientConnectorSSLError(ClientSSLError, SSLError):
    """The TLS handshake failed."""


# Since Python 3.7 a CertificateError is an SSLError, so whoever waits for the one above gets this one, too.
class ClientConnectorCertificateError(ClientConnectorSSLError, CertificateError):
    """The certificate of the server is not valid, or not for this host."""

    def __init__(self, connection_key: _Place | None, certificate_error: Exception) -> None:
        super().__init__(connection_key, certificate_error)  # type: ignore[arg-type]  # it was no OSError once
        self._certificate_error = certificate_error

    @property
    def certificate_error(self) -> Exception:
        """What is wrong with the certificate."""
        return self._certificate_error

    @property
    def ssl(self) -> bool:
        """TLS was spoken: nobody else has a certificate."""
        return getattr(self._conn_key, "is_ssl", True)

    def __str__(self) -> str:
        cause = self.certificate_error
        return (
            f"Cannot connect to host {self.host}:{self.port} ssl:{self.ssl} "
            f"[{type(cause).__name__}: {cause.args}]{self._where()}"
        )


ssl_errors = (SSLError,)
ssl_error_bases = (ClientSSLError, SSLError)
cert_errors = (CertificateError,)
cert_errors_bases = (ClientSSLError, CertificateError)


# The server's part


class ServerConnectionError(ClientConnectionError):
    """The server did something wrong on the connection."""


# The first documents have it as the base for both ends; of ours, only the client's has such an error.
class DisconnectedError(Exception):
    """The peer went away."""


class ServerDisconnectedError(ServerConnectionError, DisconnectedError):
    """The server closed the connection before it had answered. ``message`` says more."""

    def __init__(self, message: object = None) -> None:
        self.message = "Server disconnected" if message is None else message
        super().__init__(self.message)


class ServerTimeoutError(ServerConnectionError, TimeoutError):
    """The server took too long."""


class ConnectionTimeoutError(ServerTimeoutError):
    """A connection was not there in time: ``connect`` or ``sock_connect`` ran out."""


class PoolTimeoutError(ConnectionTimeoutError):
    """The request waited for its turn, at the limit of the connector, until ``pool`` ran out."""


class SocketTimeoutError(ServerTimeoutError):
    """The server sent nothing for ``sock_read`` seconds."""


class ServerFingerprintMismatch(ServerConnectionError):
    """The certificate of the server is not the one that was ``expected``: its digest is ``got``."""

    def __init__(self, expected: bytes, got: bytes, host: str, port: int) -> None:
        super().__init__(expected, got, host, port)
        self.expected = expected
        self.got = got
        self.host = host
        self.port = port

    def __str__(self) -> str:
        return (
            f"The certificate of {self.host}:{self.port} has the fingerprint {_hex(self.got)}, "
            f"expected {_hex(self.expected)}"
        )


FingerprintMismatch = ServerFingerprintMismatch


# URLs


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


class RedirectClientError(ClientError):
    """A redirect leads nowhere."""


class UnrepeatableBodyError(RedirectClientError):
    """A redirect asks for the body of the request once more, and it can't be sent again."""


class InvalidUrlRedirectClientError(InvalidUrlClientError, RedirectClientError):
    """The URL of a redirect can't be requested."""


class NonHttpUrlRedirectClientError(NonHttpUrlClientError, RedirectClientError):
    """The URL of a redirect is of another scheme."""


def _is_response(entry: object) -> bool:
    return hasattr(entry, "request_info")


def _words(tls: object) -> str:
    if tls is True:
        return "default"
    return type(tls).__name__ if isinstance(tls, SSLContext) else str(tls)


def _hex(digest: object) -> str:
    return digest.hex() if isinstance(digest, bytes) else str(digest)


def _replace(state: dict[str, Any], name: str, value: object) -> None:
    """Put ``value`` in the place of an attribute, among the arguments too."""
    old = state[name]
    state["args"] = tuple(value if item is old else item for item in state["args"])
    state[name] = value
