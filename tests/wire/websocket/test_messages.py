import json
import pickle
from enum import IntEnum
from typing import Any

import pytest

from pronghorn.wire.websocket.messages import (
    WS_CLOSED_MESSAGE,
    WS_CLOSING_MESSAGE,
    WebSocketError,
    WSCloseCode,
    WSHandshakeError,
    WSMessage,
    WSMessageTextBytes,
    WSMsgType,
)

TYPES = {
    "CONTINUATION": 0x0,
    "TEXT": 0x1,
    "BINARY": 0x2,
    "CLOSE": 0x8,
    "PING": 0x9,
    "PONG": 0xA,
    "CLOSING": 0x100,
    "CLOSED": 0x101,
    "ERROR": 0x102,
}
CODES = {
    "OK": 1000,
    "GOING_AWAY": 1001,
    "PROTOCOL_ERROR": 1002,
    "UNSUPPORTED_DATA": 1003,
    "ABNORMAL_CLOSURE": 1006,
    "INVALID_TEXT": 1007,
    "POLICY_VIOLATION": 1008,
    "MESSAGE_TOO_BIG": 1009,
    "MANDATORY_EXTENSION": 1010,
    "INTERNAL_ERROR": 1011,
    "SERVICE_RESTART": 1012,
    "TRY_AGAIN_LATER": 1013,
    "BAD_GATEWAY": 1014,
}
MEMBERS = [
    (kind, name, value)
    for kind, members in ((WSMsgType, TYPES), (WSCloseCode, CODES))
    for name, value in members.items()
]
MESSAGES = [WSMessage, WSMessageTextBytes]


@pytest.mark.parametrize(("kind", "members"), [(WSMsgType, TYPES), (WSCloseCode, CODES)])
def test_members_are_these_in_upper_case(kind: type[IntEnum], members: dict[str, int]) -> None:
    assert issubclass(kind, IntEnum)
    assert {member.name: member.value for member in kind} == members
    assert set(kind.__members__) == {spelling for name in members for spelling in (name, name.lower())}


@pytest.mark.parametrize(("kind", "name", "value"), MEMBERS)
def test_a_member_is_its_number_under_both_names(kind: type[IntEnum], name: str, value: int) -> None:
    member = kind[name]
    assert member == value
    assert f"{member}" == str(value)
    assert kind(value) is member
    assert kind[name.lower()] is getattr(kind, name.lower()) is member


@pytest.mark.parametrize(("kind", "value"), [(WSMsgType, 0x3), (WSCloseCode, 1005), (WSCloseCode, 3000)])
def test_another_number_is_none(kind: type[IntEnum], value: int) -> None:
    with pytest.raises(ValueError, match=str(value)):
        kind(value)


@pytest.mark.parametrize("kind", MESSAGES)
def test_a_message_has_a_type_data_and_extra(kind: type[Any]) -> None:
    message = kind(WSMsgType.TEXT, "hello", "")
    assert (message.type, message.data, message.extra) == tuple(message) == (WSMsgType.TEXT, "hello", "")
    assert kind(type=WSMsgType.TEXT, data="hello", extra="") == message
    assert repr(message) == f"{kind.__name__}(type={WSMsgType.TEXT!r}, data='hello', extra='')"
    with pytest.raises(AttributeError):
        message.data = ""


@pytest.mark.parametrize("kind", MESSAGES)
def test_its_type_has_an_old_name_that_does_not_warn(kind: type[Any]) -> None:
    assert kind(WSMsgType.PING, b"", None).tp is WSMsgType.PING


@pytest.mark.parametrize(
    ("type_", "data", "extra"),
    [
        (WSMsgType.TEXT, "text", ""),
        (WSMsgType.BINARY, b"\xff", ""),
        (WSMsgType.PING, b"ping", ""),
        (WSMsgType.PONG, b"pong", ""),
        (WSMsgType.CLOSE, WSCloseCode.GOING_AWAY, "see you"),
        (WSMsgType.CLOSED, None, None),
        (WSMsgType.ERROR, OSError("reset"), None),
    ],
)
def test_what_each_type_carries_stays_what_it_is(type_: WSMsgType, data: Any, extra: str | None) -> None:
    type_of, carried, more = WSMessage(type_, data, extra)
    assert type_of is type_
    assert carried is data
    assert more is extra


def test_the_code_of_a_close_is_a_number_too() -> None:
    message = WSMessage(WSMsgType.CLOSE, WSCloseCode.GOING_AWAY, "see you")
    assert message.data == 1001
    assert isinstance(message.data, WSCloseCode)


@pytest.mark.parametrize(
    "message",
    [
        WSMessage(WSMsgType.TEXT, '{"a": [1, null]}', ""),
        WSMessage(WSMsgType.BINARY, b'{"a": [1, null]}', ""),
        WSMessageTextBytes(WSMsgType.TEXT, b'{"a": [1, null]}', ""),
    ],
)
def test_json(message: WSMessage | WSMessageTextBytes) -> None:
    assert message.json() == {"a": [1, None]}
    assert message.json(loads=len) == len(message.data)


@pytest.mark.parametrize("kind", MESSAGES)
def test_data_that_is_no_json(kind: type[Any]) -> None:
    message = kind(WSMsgType.TEXT, "{", "")
    with pytest.raises(json.JSONDecodeError):
        message.json()
    with pytest.raises(TypeError):
        message.json(len)  # by keyword only


def test_messages_that_no_frame_brings() -> None:
    assert WS_CLOSING_MESSAGE == (WSMsgType.CLOSING, None, None)
    assert WS_CLOSED_MESSAGE == (WSMsgType.CLOSED, None, None)


def test_text_that_was_left_as_bytes_is_told_apart() -> None:
    assert not isinstance(WSMessageTextBytes(WSMsgType.TEXT, b"", ""), WSMessage)
    assert not isinstance(WSMessage(WSMsgType.TEXT, "", ""), WSMessageTextBytes)


def test_an_error_says_what_is_wrong_and_how_to_close() -> None:
    error = WebSocketError(WSCloseCode.INVALID_TEXT, "text: expected UTF-8")
    assert isinstance(error, Exception)
    assert (error.code, error.message, str(error)) == (1007, "text: expected UTF-8", "text: expected UTF-8")


@pytest.mark.parametrize(
    "thing",
    [
        WebSocketError(WSCloseCode.INVALID_TEXT, "text: expected UTF-8"),
        WebSocketError(4000, "text: expected UTF-8"),
        WSHandshakeError("key: expected 16 octets"),
    ],
)
def test_errors_survive_pickling(thing: Exception) -> None:
    copy = pickle.loads(pickle.dumps(thing))
    assert type(copy) is type(thing)
    assert (str(copy), copy.args, vars(copy)) == (str(thing), thing.args, vars(thing))


@pytest.mark.parametrize("kind", MESSAGES)
def test_messages_survive_pickling(kind: type[Any]) -> None:
    message = kind(WSMsgType.CLOSE, WSCloseCode.OK, "bye")
    copy = pickle.loads(pickle.dumps(message))
    assert type(copy) is kind
    assert (copy, copy.type, copy.data) == (message, WSMsgType.CLOSE, WSCloseCode.OK)
