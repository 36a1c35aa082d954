"""Where aiohttp's names are in this package: the one table behind the alias.

A module of theirs that has one counterpart here is that very module under both names, so
what is patched under one is patched under the other. The others gather names from several
of ours. A name that is not built yet is missing, in both.
"""

from typing import Final, NamedTuple

from .retired import SUCCESSORS

#: What ``aiohttp.__version__`` says, and the metadata: whose names these are.
VERSION: Final = "3.14.5"


class Alias(NamedTuple):
    """What a module of aiohttp is here. Modules are named by their path in this package."""

    #: The counterpart; "-" if there is none.
    module: str = "-"
    #: Where further names are looked for, in this order.
    homes: tuple[str, ...] = ()


def _is(module: str, *homes: str) -> Alias:
    return Alias(module, homes)


def _gathers(*homes: str) -> Alias:
    return Alias("-", homes)


_ERRORS: Final = "client.errors"
_CONNECTORS: Final = ("client.connector", "client.tcp", "client.local", "client.lease", "client.tls")
_MESSAGES: Final = "wire.websocket.messages"
#: By the path in aiohttp; "" is the package itself.
MODULES: Final[dict[str, Alias]] = {
    "": _is("", _ERRORS),
    "abc": _is("abc"),
    "base_protocol": _gathers(),
    "client": _is(
        "client",
        "client.session",
        "client.oneshot",
        "client.websocket",
        _ERRORS,
        "client.outgoing",
        *_CONNECTORS,
    ),
    "client_exceptions": _is(_ERRORS),
    "client_middleware_digest_auth": _gathers("client.digest"),
    "client_middlewares": _is("client.middlewares"),
    "client_proto": _is("client.protocol"),
    "client_reqrep": _gathers(
        "client.outgoing", "client.response", _ERRORS, "client.uploads", "client.tls", "client.described"
    ),
    "client_ws": _is("client.websocket", _MESSAGES, _ERRORS),
    "compression_utils": _gathers(),
    "connector": _gathers(*_CONNECTORS, _ERRORS, "io.resolver"),
    "cookiejar": _is("client.cookiejar"),
    "formdata": _is("body.form"),
    "hdrs": _is("hdrs"),
    "helpers": _gathers(
        "client.auth", "keys", "compat.borrowed", "compat.proxies", "server.config_dict", "wire.conditional"
    ),
    "http": _gathers("compat.borrowed", "wire.events", _MESSAGES, "compat.http_exceptions"),
    "http_exceptions": _is("compat.http_exceptions"),
    "http_parser": _gathers("compat.http_exceptions", "server.request_message"),
    "http_websocket": _gathers(_MESSAGES),
    "http_writer": _gathers("wire.events"),
    "log": _is("log"),
    "multipart": _gathers("body.multipart", "body.part", "body.reader", "body.transfer", "wire.disposition"),
    "payload": _is("body.payload", "body.files", "body.pieces", "body.registry"),
    "payload_streamer": _gathers("body.pieces"),
    "pytest_plugin": _is("testing.aiohttp_plugin"),
    "resolver": _is("io.resolver"),
    "streams": _is("io.stream"),
    "tcp_helpers": _gathers(),
    "test_utils": _is("testing", "testing.server", "testing.ports"),
    "tracing": _is("client.tracing"),
    "typedefs": _is("typedefs"),
    "web": _is("web"),
    "web_app": _is("server.application", "server.cleanup"),
    "web_exceptions": _is("server.errors", "keys"),
    "web_fileresponse": _is("server.files"),
    "web_log": _is("server.access_log"),
    "web_middlewares": _is("server.middlewares", "typedefs"),
    "web_protocol": _gathers("server.connection", "server.request"),
    "web_request": _is("server.request", "server.form", "typedefs"),
    "web_response": _is("server.response"),
    "web_routedef": _is("server.routing.table"),
    "web_runner": _is("server.runner"),
    "web_server": _is("server.server"),
    "web_urldispatcher": _gathers(
        "server.routing.dispatcher",
        "server.routing.resource",
        "server.routing.route",
        "server.routing.match_info",
        "server.routing.domain",
        "server.routing.subapp",
        "server.routing.static",
        "server.routing.listing",
        "server.view",
    ),
    "web_ws": _is("server.websocket", _MESSAGES),
    "worker": _gathers(),
    "_websocket": _gathers(),
    "_websocket.helpers": _gathers(),
    "_websocket.models": _gathers(_MESSAGES),
    "_websocket.reader": _gathers(),
    "_websocket.writer": _gathers(),
    # Modules of the older documents.
    "errors": _is("compat.errors"),
    "helper": _gathers("client.cookiejar"),
    "parsers": _gathers(),
    "protocol": _gathers("wire.events"),
    "protocols": _gathers("wire.events"),
    "signals": _is("signals"),
    "utils": _gathers(),
    "websocket": _is("websocket", _MESSAGES),
    "wsgi": _gathers(),
}

#: Names that are spelt otherwise here, that aiohttp has taken over from elsewhere, or that are retired:
#: `module:name`. Under a module that gathers, all are ours: what is written there is written where it stands.
SPELLINGS: Final[dict[str, str]] = {
    "AbstractCookieJar": "pronghorn.abc:AbstractCookieJar",
    "AddrInfoType": "pronghorn.typedefs:AddrInfoType",
    "CIMultiDict": "multidict:CIMultiDict",
    "CIMultiDictProxy": "multidict:CIMultiDictProxy",
    "CookiesJar": "pronghorn.client.cookiejar:CookieJar",
    "MultiDict": "multidict:MultiDict",
    "MultiDictProxy": "multidict:MultiDictProxy",
    "SocketFactoryType": "pronghorn.typedefs:SocketFactoryType",
    "ThreadResolver": "pronghorn.io.resolver:ThreadedResolver",
    "istr": "multidict:istr",
    "abc.AbstructResolver": "pronghorn.io.resolver:AbstractResolver",
    "abc.StreamResponse": "pronghorn.server.stream_response:StreamResponse",
    "client._RequestContextManager": "pronghorn.client.context:RequestContext",
    "client._RequestOptions": "pronghorn.client.options:RequestOptions",
    "client_reqrep.MappingProxyType": "pronghorn.compat.borrowed:MappingProxyType",
    "client_reqrep.SERVER_SOFTWARE": "pronghorn.server.response:SERVER_SOFTWARE",
    "connector.AddrInfoType": "pronghorn.typedefs:AddrInfoType",
    "connector.SocketFactoryType": "pronghorn.typedefs:SocketFactoryType",
    "helpers.FormData": "pronghorn.body.form:FormData",
    "helpers.content_disposition_header": "pronghorn.wire.disposition:content_disposition_header",
    "helpers.guess_filename": "pronghorn.body.files:guess_filename",
    "helpers.strip_auth_from_url": "pronghorn.client.auth:strip_auth_from_url",
    "helpers.AccessLogger": "pronghorn.server.access_log:AccessLogger",
    "helpers.CookieJar": "pronghorn.client.cookiejar:CookieJar",
    "helpers.is_ip_address": "pronghorn.wire.cookies:is_ip_address",
    "helpers.noop": "pronghorn.client.response:Released",
    "http.SERVER_SOFTWARE": "pronghorn.server.response:SERVER_SOFTWARE",
    "multipart.parse_mimetype": "pronghorn.compat.borrowed:parse_mimetype",
    "parsers.EofStream": "pronghorn.io.stream:EofStream",
    "client._WSRequestContextManager": "pronghorn.client.websocket:WebSocketContext",
    "web_protocol._RequestHandler": "pronghorn.typedefs:Handler",
    "pytest_plugin.AiohttpClient": "pronghorn.testing.factories:ClientFactory",
    "pytest_plugin.AiohttpRawServer": "pronghorn.testing.factories:RawServerFactory",
    "pytest_plugin.AiohttpServer": "pronghorn.testing.factories:ServerFactory",
    "test_utils.AioHTTPTestCase": "pronghorn.testing.case:ApplicationTestCase",
    "ChainMapProxy": "pronghorn.server.config_dict:ChainMapProxy",
    "ETag": "pronghorn.wire.conditional:ETag",
    "http.RawRequestMessage": "pronghorn.server.request_message:RawRequestMessage",
    "http_parser.RawRequestMessagePy": "pronghorn.server.request_message:RawRequestMessage",
    **{path: f"pronghorn.compat.retired:{path.rpartition('.')[2]}" for path in SUCCESSORS},
}
