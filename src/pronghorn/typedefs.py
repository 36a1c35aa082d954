"""Types of what the public functions take, for annotations."""

import json
import os
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping
from http.cookies import BaseCookie, Morsel
from typing import TYPE_CHECKING, Any

from multidict import CIMultiDict, CIMultiDictProxy, istr
from yarl import URL, Query

if TYPE_CHECKING:
    from . import web

__all__ = [
    "AddrInfoType",
    "Byteish",
    "Handler",
    "JSONBytesEncoder",
    "JSONDecoder",
    "JSONEncoder",
    "LooseCookies",
    "LooseCookiesIterables",
    "LooseCookiesMappings",
    "LooseHeaders",
    "Middleware",
    "PathLike",
    "Query",
    "RawHeaders",
    "SocketFactoryType",
    "StrOrURL",
]

Byteish = bytes | bytearray | memoryview
StrOrURL = str | URL
PathLike = str | os.PathLike[str]

LooseHeaders = (
    Mapping[str, str]
    | Mapping[istr, str]
    | CIMultiDict[str]
    | CIMultiDictProxy[str]
    | Iterable[tuple[str | istr, str]]
)
RawHeaders = tuple[tuple[bytes, bytes], ...]

_Cookie = str | BaseCookie[str] | Morsel[Any]
LooseCookiesMappings = Mapping[str, _Cookie]
LooseCookiesIterables = Iterable[tuple[str, _Cookie]]
LooseCookies = LooseCookiesMappings | LooseCookiesIterables | BaseCookie[str]

#: As `socket.getaddrinfo` gives it.
AddrInfoType = tuple[int, int, int, str, tuple[Any, ...]]
SocketFactoryType = Callable[[AddrInfoType], socket.socket]

JSONEncoder = Callable[[Any], str]
JSONBytesEncoder = Callable[[Any], bytes]
JSONDecoder = Callable[[str], Any]
DEFAULT_JSON_ENCODER: JSONEncoder = json.dumps
DEFAULT_JSON_DECODER: JSONDecoder = json.loads

Handler = Callable[["web.Request"], Awaitable["web.StreamResponse"]]
Middleware = Callable[["web.Request", Handler], Awaitable["web.StreamResponse"]]
