"""The opening handshake in HTTP/1.1 (RFC 6455 section 4): a GET with Upgrade, and a 101.

The key shows that the answer was made for this request and by a server that knows the protocol: neither a
cache nor a server of something else can make it.
"""

import os
import re
from base64 import b64encode
from hashlib import sha1
from typing import Final

from multidict import MultiMapping

from ..events import HttpVersion, HttpVersion11
from ..fields import list_members
from .messages import WSHandshakeError
from .negotiation import Fields, HandshakeRefused

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY_FIELD: Final = "Sec-WebSocket-Key"
_ACCEPT_FIELD: Final = "Sec-WebSocket-Accept"
#: Sixteen octets in base64.
_KEY: Final = re.compile(r"[A-Za-z0-9+/]{22}==")
_UPGRADE: Final = (("Upgrade", "websocket"), ("Connection", "Upgrade"))


def make_key() -> str:
    """A new key: sixteen random octets in base64."""
    return b64encode(os.urandom(16)).decode("ascii")


def accept_of(key: str) -> str:
    """What a server answers to ``key``."""
    digest = sha1(key.encode("ascii") + _GUID, usedforsecurity=False).digest()
    return b64encode(digest).decode("ascii")


def request_fields(key: str) -> Fields:
    """The fields of a request that asks for a WebSocket, beside those of `negotiation.offer_fields`."""
    return [*_UPGRADE, (_KEY_FIELD, key)]


def response_fields(key: str) -> Fields:
    """The fields of the 101 that opens it, beside those of `negotiation.agree`."""
    return [*_UPGRADE, (_ACCEPT_FIELD, accept_of(key))]


def check_request(method: str, version: HttpVersion, headers: MultiMapping[str]) -> str:
    """The key of a request that opens a WebSocket (RFC 6455 section 4.2.1).

    `negotiation.check_version` looks at the rest that is a must. HandshakeRefused with 405 for a method other
    than GET, 426 for a request that does not ask for a WebSocket, else 400.
    """
    if method != "GET":
        raise HandshakeRefused(f"WebSocket: expected GET, got {method}", 405, (("Allow", "GET"),))
    if version < HttpVersion11:
        raise HandshakeRefused("WebSocket: expected HTTP/1.1")
    if len(headers.getall("Host", [])) != 1:
        raise HandshakeRefused("Host: expected one")
    if "websocket" not in _members(headers, "Upgrade"):
        raise HandshakeRefused("Upgrade: expected websocket", 426, _UPGRADE)
    if "upgrade" not in _members(headers, "Connection"):
        raise HandshakeRefused("Connection: expected upgrade")
    keys = headers.getall(_KEY_FIELD, [])
    if len(keys) != 1 or not _KEY.fullmatch(keys[0]):
        raise HandshakeRefused(f"{_KEY_FIELD}: expected one, 16 octets in base64")
    return keys[0]


def check_response(status: int, headers: MultiMapping[str], key: str) -> None:
    """Raise WSHandshakeError unless this opens the WebSocket that ``key`` has asked for (section 4.1)."""
    if status != 101:
        raise WSHandshakeError(f"status: expected 101, got {status}")
    if _members(headers, "Upgrade") != ["websocket"]:
        raise WSHandshakeError("Upgrade: expected websocket")
    if "upgrade" not in _members(headers, "Connection"):
        raise WSHandshakeError("Connection: expected upgrade")
    accepts = headers.getall(_ACCEPT_FIELD, [])
    if accepts != [accept_of(key)]:
        raise WSHandshakeError(f"{_ACCEPT_FIELD}: not the answer to this key")


def _members(headers: MultiMapping[str], name: str) -> list[str]:
    return [member for value in headers.getall(name, []) for member in list_members(value)]
