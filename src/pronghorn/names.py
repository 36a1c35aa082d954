"""Where each public name is defined, so that it is loaded when it is first looked at (PEP 562)."""

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any, Final

PACKAGE: Final = __name__.partition(".")[0]

#: The names of the package itself. Those of the server are in `pronghorn.web`.
HOMES: Final[dict[str, tuple[str, ...]]] = {
    "client.connector": ("BaseConnector",),
    "client.lease": ("Connection",),
    "client.local": ("NamedPipeConnector", "UnixConnector"),
    "client.tcp": ("TCPConnector",),
    "client.tls": ("Fingerprint",),
    "client.outgoing": ("ClientRequest",),
    "client.cookiejar": ("CookieJar", "DummyCookieJar"),
    "client.errors": (
        "ClientConnectionError",
        "ClientConnectionResetError",
        "ClientConnectorCertificateError",
        "ClientConnectorDNSError",
        "ClientConnectorError",
        "ClientConnectorPolicyError",
        "ClientConnectorSSLError",
        "ClientError",
        "ClientHttpProxyError",
        "ClientOSError",
        "ClientPayloadError",
        "ClientProxyConnectionError",
        "ClientResponseError",
        "ClientSSLError",
        "ConnectionTimeoutError",
        "ContentTypeError",
        "FingerprintMismatch",
        "InvalidURL",
        "InvalidUrlClientError",
        "InvalidUrlRedirectClientError",
        "NonHttpUrlClientError",
        "NonHttpUrlRedirectClientError",
        "PoolTimeoutError",
        "RedirectClientError",
        "ServerConnectionError",
        "ServerDisconnectedError",
        "ServerFingerprintMismatch",
        "ServerTimeoutError",
        "SocketTimeoutError",
        "TooManyRedirects",
        "UnixClientConnectorError",
        "UnrepeatableBodyError",
        "UploadAbortedError",
        "WSServerHandshakeError",
    ),
    "client.digest": ("DigestAuthMiddleware",),
    "client.middlewares": ("ClientHandlerType", "ClientMiddlewareType"),
    "client.oneshot": ("request", "ws_connect"),
    "client.retry": ("Retry",),
    "client.sse": ("EventSource",),
    "client.request_info": ("RequestInfo",),
    "client.response": ("ClientResponse",),
    "client.session": ("ClientSession",),
    "client.timeouts": ("ClientTimeout",),
    "client.websocket": ("ClientWSTimeout", "ClientWebSocketResponse"),
    "wire.websocket.deflate_offers": ("DeflateOptions",),
    "client.tracing": (
        "TraceConfig",
        "TraceConnectionCreateEndParams",
        "TraceConnectionCreateStartParams",
        "TraceConnectionQueuedEndParams",
        "TraceConnectionQueuedStartParams",
        "TraceConnectionReuseconnParams",
        "TraceDnsCacheHitParams",
        "TraceDnsCacheMissParams",
        "TraceDnsResolveHostEndParams",
        "TraceDnsResolveHostStartParams",
        "TraceRequestChunkSentParams",
        "TraceRequestEndParams",
        "TraceRequestExceptionParams",
        "TraceRequestHeadersSentParams",
        "TraceRequestRedirectParams",
        "TraceRequestStartParams",
        "TraceResponseChunkReceivedParams",
    ),
    "client.uploads": ("UploadTracker",),
    "body.files": (
        "BufferedReaderPayload",
        "BytesIOPayload",
        "IOBasePayload",
        "StringIOPayload",
        "TextIOPayload",
    ),
    "body.form": ("FormData",),
    "body.multipart": ("MultipartWriter",),
    "body.part": ("BodyPartReader",),
    "body.payload": ("BytesPayload", "JsonBytesPayload", "JsonPayload", "Payload", "StringPayload"),
    "body.pieces": ("AsyncIterablePayload", "streamer"),
    "body.reader": ("MultipartReader",),
    "body.registry": ("PAYLOAD_REGISTRY", "get_payload", "payload_type", "register_payload"),
    "client.auth": ("BasicAuth", "encode_basic_auth"),
    "compat.importer": ("install_as_aiohttp",),
    "io.policy": ("AddressPolicy", "PublicAddressesOnly"),
    "io.resolver": ("AsyncResolver", "DefaultResolver", "ThreadedResolver"),
    "io.stream": ("EofStream", "StreamReader"),
    "signals": ("Signal",),
    "wire.disposition": (
        "BadContentDispositionHeader",
        "BadContentDispositionParam",
        "content_disposition_filename",
        "parse_content_disposition",
    ),
    "wire.events": ("HttpVersion", "HttpVersion10", "HttpVersion11"),
    "wire.sse": ("ServerSentEvent",),
    "wire.websocket.messages": (
        "WSCloseCode",
        "WSMessage",
        "WSMessageTextBytes",
        "WSMessageTypeError",
        "WSMsgType",
        "WebSocketError",
    ),
}


def lazy_names(namespace: dict[str, Any], homes: Mapping[str, Iterable[str]]) -> Callable[[str], Any]:
    """The ``__getattr__`` of the module whose globals ``namespace`` is.

    ``homes`` maps modules of this package, by their path in it, to the names that they define.
    """
    home_of = {name: home for home, names in homes.items() for name in names}

    def find(name: str) -> Any:
        home = home_of.get(name)
        if home is None:
            raise AttributeError(f"module {namespace['__name__']!r} has no attribute {name!r}")
        value = namespace[name] = getattr(import_module(f"{PACKAGE}.{home}"), name)
        return value

    return find
