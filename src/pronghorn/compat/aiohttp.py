"""Where aiohttp's names are in this package: the one table behind the alias.

A module of theirs that has one counterpart here is that very module under both names, so
what is patched under one is patched under the other. The others gather names from several
of ours. A name that is not built yet is missing, in both.
"""

from typing import Final, NamedTuple

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


_WEBSOCKET: Final = ("wire.websocket.messages",)
#: By the path in aiohttp; "" is the package itself.
MODULES: Final[dict[str, Alias]] = {
    "": _is(""),
    "abc": _is("abc"),
    "base_protocol": _gathers(),
    "client": _is("client"),
    "client_exceptions": _is("client.errors"),
    "client_middleware_digest_auth": _gathers(),
    "client_middlewares": _gathers(),
    "client_proto": _is("client.protocol"),
    "client_reqrep": _gathers("client.outgoing", "client.response", "client.errors"),
    "client_ws": _gathers(),
    "compression_utils": _gathers(),
    "connector": _is("client.connector"),
    "cookiejar": _is("client.cookiejar"),
    "formdata": _is("body.form"),
    "hdrs": _is("hdrs"),
    "helpers": _gathers("client.auth", "keys", "compat.borrowed", "compat.retired"),
    "http": _gathers("compat.borrowed", "wire.events", *_WEBSOCKET),
    "http_exceptions": _is("compat.http_exceptions"),
    "http_parser": _gathers(),
    "http_websocket": _gathers(*_WEBSOCKET),
    "http_writer": _gathers("wire.events"),
    "log": _is("log"),
    "multipart": _gathers(),
    "payload": _is("body.payload"),
    "payload_streamer": _gathers(),
    "pytest_plugin": _is("testing.plugin"),
    "resolver": _is("io.resolver"),
    "streams": _is("io.stream", "compat.retired"),
    "tcp_helpers": _gathers(),
    "test_utils": _is("testing"),
    "tracing": _gathers(),
    "typedefs": _is("typedefs"),
    "web": _is("web"),
    "web_app": _is("server.application"),
    "web_exceptions": _is("server.errors", "keys"),
    "web_fileresponse": _gathers(),
    "web_log": _is("server.access_log"),
    "web_middlewares": _gathers("typedefs"),
    "web_protocol": _gathers("server.connection", "server.request"),
    "web_request": _is("server.request"),
    "web_response": _is("server.response"),
    "web_routedef": _is("server.routing.table"),
    "web_runner": _is("server.runner"),
    "web_server": _is("server.server"),
    "web_urldispatcher": _gathers("server.routing.dispatcher", "server.routing.resource"),
    "web_ws": _gathers(*_WEBSOCKET),
    "worker": _gathers(),
    "_websocket": _gathers(),
    "_websocket.helpers": _gathers(),
    "_websocket.models": _gathers(*_WEBSOCKET),
    "_websocket.reader": _gathers(),
    "_websocket.writer": _gathers(),
    # Modules of the older documents.
    "errors": _is("compat.errors"),
    "parsers": _gathers("compat.retired"),
    "protocol": _gathers("wire.events", "compat.retired"),
    "protocols": _gathers("wire.events"),
    "signals": _is("signals", "compat.retired"),
    "utils": _gathers(),
    "websocket": _gathers(*_WEBSOCKET),
    "wsgi": _gathers("compat.retired"),
}

#: Names that are spelt otherwise here, or that aiohttp has taken over from elsewhere: `module:name`.
SPELLINGS: Final[dict[str, str]] = {
    "AbstractCookieJar": "pronghorn.abc:AbstractCookieJar",
    "CIMultiDict": "multidict:CIMultiDict",
    "CIMultiDictProxy": "multidict:CIMultiDictProxy",
    "MultiDict": "multidict:MultiDict",
    "MultiDictProxy": "multidict:MultiDictProxy",
    "istr": "multidict:istr",
    "client._RequestContextManager": "pronghorn.client.session:RequestContext",
    "client._RequestOptions": "pronghorn.client.session:RequestOptions",
    "helpers.ensure_future": "asyncio:ensure_future",
    "helpers.noop": "pronghorn.client.response:Released",
    "helpers.reify": "propcache.api:under_cached_property",
    "http.SERVER_SOFTWARE": "pronghorn.server.response:SERVER_SOFTWARE",
}
