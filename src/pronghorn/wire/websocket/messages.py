"""What a WebSocket brings: kinds of messages, codes of closing, errors (RFC 6455).

The members of both enumerations are in upper case; each has its name in lower case as well.
"""

import json
from collections.abc import Callable
from enum import IntEnum
from typing import Any, Final, NamedTuple, TypeAlias


class WSMsgType(IntEnum):
    """What a `WSMessage` is: an opcode (RFC 6455 section 5.2), or from 0x100 on a state that no frame has."""

    CONTINUATION = 0x0  # its message is whole before anyone sees it
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA

    CLOSING = 0x100
    CLOSED = 0x101
    ERROR = 0x102

    continuation = CONTINUATION
    text = TEXT
    binary = BINARY
    close = CLOSE
    ping = PING
    pong = PONG
    closing = CLOSING
    closed = CLOSED
    error = ERROR


class WSCloseCode(IntEnum):
    """Why a connection was closed (RFC 6455 section 7.4.1, and the IANA registry that it founds)."""

    OK = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    ABNORMAL_CLOSURE = 1006  # never in a frame: there was none
    INVALID_TEXT = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXTENSION = 1010  # of a client: the server did not agree to one that it needs
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014

    ok = OK
    going_away = GOING_AWAY
    protocol_error = PROTOCOL_ERROR
    unsupported_data = UNSUPPORTED_DATA
    abnormal_closure = ABNORMAL_CLOSURE
    invalid_text = INVALID_TEXT
    policy_violation = POLICY_VIOLATION
    message_too_big = MESSAGE_TOO_BIG
    mandatory_extension = MANDATORY_EXTENSION
    internal_error = INTERNAL_ERROR
    service_restart = SERVICE_RESTART
    try_again_later = TRY_AGAIN_LATER
    bad_gateway = BAD_GATEWAY


class WSMessage(NamedTuple):
    """A message that was received.

    ``data`` is str for TEXT; bytes for BINARY, PING and PONG; for CLOSE the code, a `WSCloseCode` if it is
    one; for ERROR the exception. ``extra`` is the text that came with a CLOSE.
    """

    type: WSMsgType
    data: Any
    extra: str | None

    def json(self, *, loads: Callable[[Any], Any] = json.loads) -> Any:
        """``data`` as JSON; what ``loads`` raises if it is none (ValueError)."""
        return loads(self.data)

    @property
    def tp(self) -> WSMsgType:
        """The old name of ``type``; deprecated."""
        return self.type


class WSMessageTextBytes(NamedTuple):
    """A TEXT message whose ``data`` was left as it came: bytes, not known to be UTF-8."""

    type: WSMsgType
    data: Any
    extra: str | None

    def json(self, *, loads: Callable[[Any], Any] = json.loads) -> Any:
        """``data`` as JSON; what ``loads`` raises if it is none (ValueError)."""
        return loads(self.data)

    @property
    def tp(self) -> WSMsgType:
        """The old name of ``type``; deprecated."""
        return self.type


#: What is received where text is decoded, and where it is not.
WSMessageDecodeText: TypeAlias = WSMessage
WSMessageNoDecodeText: TypeAlias = WSMessage | WSMessageTextBytes

WS_CLOSED_MESSAGE: Final = WSMessage(WSMsgType.CLOSED, None, None)
WS_CLOSING_MESSAGE: Final = WSMessage(WSMsgType.CLOSING, None, None)


class WebSocketError(Exception):
    """The peer broke the protocol; ``code`` is what the connection is to be closed with."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return self.message


class WSMessageTypeError(TypeError):
    """A message is not of the type that was asked for."""


class WSHandshakeError(Exception):
    """The handshake that opens a WebSocket was refused or broken (RFC 6455 section 4)."""
