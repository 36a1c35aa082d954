"""The async HTTP toolkit: client and server, one package, on asyncio.

The names of the client and of what both sides share are here, those of the server in
`pronghorn.web`. Each is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__
from .names import HOMES as _HOMES
from .names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from . import abc as abc
    from . import hdrs as hdrs
    from . import testing as testing
    from . import typedefs as typedefs
    from . import web as web
    from .body.files import BufferedReaderPayload as BufferedReaderPayload
    from .body.files import BytesIOPayload as BytesIOPayload
    from .body.files import IOBasePayload as IOBasePayload
    from .body.files import StringIOPayload as StringIOPayload
    from .body.files import TextIOPayload as TextIOPayload
    from .body.form import FormData as FormData
    from .body.multipart import MultipartWriter as MultipartWriter
    from .body.part import BodyPartReader as BodyPartReader
    from .body.payload import BytesPayload as BytesPayload
    from .body.payload import JsonBytesPayload as JsonBytesPayload
    from .body.payload import JsonPayload as JsonPayload
    from .body.payload import Payload as Payload
    from .body.payload import StringPayload as StringPayload
    from .body.pieces import AsyncIterablePayload as AsyncIterablePayload
    from .body.pieces import streamer as streamer
    from .body.reader import MultipartReader as MultipartReader
    from .body.registry import PAYLOAD_REGISTRY as PAYLOAD_REGISTRY
    from .body.registry import get_payload as get_payload
    from .body.registry import payload_type as payload_type
    from .body.registry import register_payload as register_payload
    from .client.auth import BasicAuth as BasicAuth
    from .client.auth import encode_basic_auth as encode_basic_auth
    from .client.connector import BaseConnector as BaseConnector
    from .client.cookiejar import CookieJar as CookieJar
    from .client.cookiejar import DummyCookieJar as DummyCookieJar
    from .client.digest import DigestAuthMiddleware as DigestAuthMiddleware
    from .client.errors import ClientConnectionError as ClientConnectionError
    from .client.errors import ClientConnectionResetError as ClientConnectionResetError
    from .client.errors import ClientConnectorCertificateError as ClientConnectorCertificateError
    from .client.errors import ClientConnectorDNSError as ClientConnectorDNSError
    from .client.errors import ClientConnectorError as ClientConnectorError
    from .client.errors import ClientConnectorPolicyError as ClientConnectorPolicyError
    from .client.errors import ClientConnectorSSLError as ClientConnectorSSLError
    from .client.errors import ClientError as ClientError
    from .client.errors import ClientHttpProxyError as ClientHttpProxyError
    from .client.errors import ClientOSError as ClientOSError
    from .client.errors import ClientPayloadError as ClientPayloadError
    from .client.errors import ClientProxyConnectionError as ClientProxyConnectionError
    from .client.errors import ClientResponseError as ClientResponseError
    from .client.errors import ClientSSLError as ClientSSLError
    from .client.errors import ConnectionTimeoutError as ConnectionTimeoutError
    from .client.errors import ContentTypeError as ContentTypeError
    from .client.errors import FingerprintMismatch as FingerprintMismatch
    from .client.errors import InvalidURL as InvalidURL
    from .client.errors import InvalidUrlClientError as InvalidUrlClientError
    from .client.errors import InvalidUrlRedirectClientError as InvalidUrlRedirectClientError
    from .client.errors import NonHttpUrlClientError as NonHttpUrlClientError
    from .client.errors import NonHttpUrlRedirectClientError as NonHttpUrlRedirectClientError
    from .client.errors import PoolTimeoutError as PoolTimeoutError
    from .client.errors import RedirectClientError as RedirectClientError
    from .client.errors import ServerConnectionError as ServerConnectionError
    from .client.errors import ServerDisconnectedError as ServerDisconnectedError
    from .client.errors import ServerFingerprintMismatch as ServerFingerprintMismatch
    from .client.errors import ServerTimeoutError as ServerTimeoutError
    from .client.errors import SocketTimeoutError as SocketTimeoutError
    from .client.errors import TooManyRedirects as TooManyRedirects
    from .client.errors import UnixClientConnectorError as UnixClientConnectorError
    from .client.errors import UnrepeatableBodyError as UnrepeatableBodyError
    from .client.errors import UploadAbortedError as UploadAbortedError
    from .client.errors import WSServerHandshakeError as WSServerHandshakeError
    from .client.lease import Connection as Connection
    from .client.local import NamedPipeConnector as NamedPipeConnector
    from .client.local import UnixConnector as UnixConnector
    from .client.middlewares import ClientHandlerType as ClientHandlerType
    from .client.middlewares import ClientMiddlewareType as ClientMiddlewareType
    from .client.oneshot import request as request
    from .client.oneshot import ws_connect as ws_connect
    from .client.outgoing import ClientRequest as ClientRequest
    from .client.request_info import RequestInfo as RequestInfo
    from .client.response import ClientResponse as ClientResponse
    from .client.retry import Retry as Retry
    from .client.session import ClientSession as ClientSession
    from .client.sse import EventSource as EventSource
    from .client.tcp import TCPConnector as TCPConnector
    from .client.timeouts import ClientTimeout as ClientTimeout
    from .client.tls import Fingerprint as Fingerprint
    from .client.tracing import TraceConfig as TraceConfig
    from .client.tracing import TraceConnectionCreateEndParams as TraceConnectionCreateEndParams
    from .client.tracing import TraceConnectionCreateStartParams as TraceConnectionCreateStartParams
    from .client.tracing import TraceConnectionQueuedEndParams as TraceConnectionQueuedEndParams
    from .client.tracing import TraceConnectionQueuedStartParams as TraceConnectionQueuedStartParams
    from .client.tracing import TraceConnectionReuseconnParams as TraceConnectionReuseconnParams
    from .client.tracing import TraceDnsCacheHitParams as TraceDnsCacheHitParams
    from .client.tracing import TraceDnsCacheMissParams as TraceDnsCacheMissParams
    from .client.tracing import TraceDnsResolveHostEndParams as TraceDnsResolveHostEndParams
    from .client.tracing import TraceDnsResolveHostStartParams as TraceDnsResolveHostStartParams
    from .client.tracing import TraceRequestChunkSentParams as TraceRequestChunkSentParams
    from .client.tracing import TraceRequestEndParams as TraceRequestEndParams
    from .client.tracing import TraceRequestExceptionParams as TraceRequestExceptionParams
    from .client.tracing import TraceRequestHeadersSentParams as TraceRequestHeadersSentParams
    from .client.tracing import TraceRequestRedirectParams as TraceRequestRedirectParams
    from .client.tracing import TraceRequestStartParams as TraceRequestStartParams
    from .client.tracing import TraceResponseChunkReceivedParams as TraceResponseChunkReceivedParams
    from .client.uploads import UploadTracker as UploadTracker
    from .client.websocket import ClientWebSocketResponse as ClientWebSocketResponse
    from .client.websocket import ClientWSTimeout as ClientWSTimeout
    from .compat.importer import install_as_aiohttp as install_as_aiohttp
    from .io.policy import AddressPolicy as AddressPolicy
    from .io.policy import PublicAddressesOnly as PublicAddressesOnly
    from .io.resolver import AsyncResolver as AsyncResolver
    from .io.resolver import DefaultResolver as DefaultResolver
    from .io.resolver import ThreadedResolver as ThreadedResolver
    from .io.stream import EofStream as EofStream
    from .io.stream import StreamReader as StreamReader
    from .signals import Signal as Signal
    from .wire.disposition import BadContentDispositionHeader as BadContentDispositionHeader
    from .wire.disposition import BadContentDispositionParam as BadContentDispositionParam
    from .wire.disposition import content_disposition_filename as content_disposition_filename
    from .wire.disposition import parse_content_disposition as parse_content_disposition
    from .wire.events import HttpVersion as HttpVersion
    from .wire.events import HttpVersion10 as HttpVersion10
    from .wire.events import HttpVersion11 as HttpVersion11
    from .wire.sse import ServerSentEvent as ServerSentEvent
    from .wire.websocket.deflate_offers import DeflateOptions as DeflateOptions
    from .wire.websocket.messages import WebSocketError as WebSocketError
    from .wire.websocket.messages import WSCloseCode as WSCloseCode
    from .wire.websocket.messages import WSMessage as WSMessage
    from .wire.websocket.messages import WSMessageTextBytes as WSMessageTextBytes
    from .wire.websocket.messages import WSMessageTypeError as WSMessageTypeError
    from .wire.websocket.messages import WSMsgType as WSMsgType

_SUBMODULES = ("abc", "hdrs", "testing", "typedefs", "web")

__all__ = ["__version__", *_SUBMODULES, *(name for names in _HOMES.values() for name in names)]

_get = _lazy_names(globals(), _HOMES)


def __getattr__(name: str) -> Any:
    return import_module(f"{__name__}.{name}") if name in _SUBMODULES else _get(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
