"""Section 14: WSMsgType, WSCloseCode, WSMessage."""

import json
from enum import IntEnum
from typing import Any

import pytest

from pronghorn import (
    WebSocketError,
    WSCloseCode,
    WSMessage,
    WSMessageTextBytes,
    WSMessageTypeError,
    WSMsgType,
)
from pronghorn.wire.websocket.messages import WS_CLOSED_MESSAGE, WS_CLOSING_MESSAGE

from ..functional.scripted import until
from .sockets import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Wire, closing, opened

CLOSE_CODES = """
    ok going_away protocol_error unsupported_data invalid_text policy_violation message_too_big
    mandatory_extension internal_error service_restart try_again_later
""".split()
#: What fits into the four bits of a frame's opcode (RFC 6455 section 5.2).
LAST_OPCODE = 0xF
#: Beside an opcode: the message goes on.
MORE = 0x10
END = (CLOSE, closing(1001))


def holds(kind: type[IntEnum], name: str, value: int) -> bool:
    """``name`` is the member of ``kind`` that has ``value``, and the name that the member goes by."""
    member = kind[name]
    return member is kind(value) is getattr(kind, name) and member == value and member.name == name


def test_s230_close_codes_are_integers() -> None:
    assert issubclass(WSCloseCode, IntEnum)
    assert json.dumps([WSCloseCode.OK, WSCloseCode.GOING_AWAY]) == "[1000, 1001]"
    assert WSCloseCode.OK.to_bytes(2, "big") == b"\x03\xe8", "as a frame carries it"
    with pytest.raises(ValueError, match="999"):
        WSCloseCode(999)


def test_s231_ok() -> None:
    assert holds(WSCloseCode, "OK", 1000)


def test_s232_going_away() -> None:
    assert holds(WSCloseCode, "GOING_AWAY", 1001)


def test_s233_protocol_error() -> None:
    assert holds(WSCloseCode, "PROTOCOL_ERROR", 1002)


def test_s234_unsupported_data() -> None:
    assert holds(WSCloseCode, "UNSUPPORTED_DATA", 1003)


def test_s235_invalid_text() -> None:
    assert holds(WSCloseCode, "INVALID_TEXT", 1007)
    assert not hasattr(WSCloseCode, "INVALIED_TEXT"), "a slip of one document"


def test_s236_policy_violation() -> None:
    assert holds(WSCloseCode, "POLICY_VIOLATION", 1008)


def test_s237_message_too_big() -> None:
    assert holds(WSCloseCode, "MESSAGE_TOO_BIG", 1009)


def test_s238_mandatory_extension() -> None:
    assert holds(WSCloseCode, "MANDATORY_EXTENSION", 1010)


def test_s239_internal_error() -> None:
    assert holds(WSCloseCode, "INTERNAL_ERROR", 1011)


def test_s240_service_restart() -> None:
    assert holds(WSCloseCode, "SERVICE_RESTART", 1012)


def test_s241_try_again_later() -> None:
    assert holds(WSCloseCode, "TRY_AGAIN_LATER", 1013)


@pytest.mark.parametrize("name", CLOSE_CODES)
def test_s242_close_codes_in_lower_case(name: str) -> None:
    assert getattr(WSCloseCode, name) is WSCloseCode[name] is WSCloseCode[name.upper()]
    assert WSCloseCode[name].name == name.upper()


def test_s243_further_close_codes() -> None:
    assert holds(WSCloseCode, "ABNORMAL_CLOSURE", 1006)
    assert holds(WSCloseCode, "BAD_GATEWAY", 1014)


def test_s244_message_types_are_integers() -> None:
    assert issubclass(WSMsgType, IntEnum)
    assert WSMsgType.TEXT | 0x80 == 0x81, "the first octet of a frame"
    assert WSMsgType(0x1) is WSMsgType.TEXT
    with pytest.raises(ValueError, match="3"):
        WSMsgType(0x3)


async def received(*frames: tuple[int, bytes], **options: Any) -> list[WSMessage]:
    """What is received of these frames, up to the first that says that there will be no more."""

    async def script(wire: Wire) -> None:
        for opcode, payload in frames:
            await wire.say(opcode & 0xF, payload, is_last=not opcode & MORE)
        await wire.finish()

    messages: list[WSMessage] = []
    async with opened(script, **options) as (socket, _):
        await until(lambda: socket.close_code)
        while not socket.closed:
            messages.append(await socket.receive())
    return messages


async def test_s245_continuation_is_never_seen() -> None:
    assert holds(WSMsgType, "CONTINUATION", 0x0)
    frames = [
        (TEXT | MORE, b"h\xc3"),
        (PING, b""),
        (CONTINUATION | MORE, b"\xa9l"),
        (CONTINUATION, b"lo"),
        END,
    ]
    text, _ = await received(*frames)
    assert text[:2] == (WSMsgType.TEXT, "h\u00e9llo")
    (error,) = await received((CONTINUATION, b"of nothing"))
    assert error.type is WSMsgType.ERROR


async def test_s246_text() -> None:
    assert holds(WSMsgType, "TEXT", 0x1)
    *texts, _ = await received((TEXT, "h\u00e9llo".encode()), (TEXT, b""), END)
    assert [message[:2] for message in texts] == [(WSMsgType.TEXT, "h\u00e9llo"), (WSMsgType.TEXT, "")]
    (error,) = await received((TEXT, b"\xff"))
    assert (error.type, error.data.code) == (WSMsgType.ERROR, WSCloseCode.INVALID_TEXT)


async def test_s247_binary() -> None:
    assert holds(WSMsgType, "BINARY", 0x2)
    *pieces, _ = await received((BINARY, b"\0\xff"), (BINARY | MORE, b"a"), (CONTINUATION, b"b"), END)
    assert [message[:2] for message in pieces] == [(WSMsgType.BINARY, b"\0\xff"), (WSMsgType.BINARY, b"ab")]
    assert [type(message.data) for message in pieces] == [bytes, bytes]


def test_s248_ping_and_pong() -> None:
    assert holds(WSMsgType, "PING", 0x9)
    assert holds(WSMsgType, "PONG", 0xA)


def test_s249_close() -> None:
    assert holds(WSMsgType, "CLOSE", 0x8)


def test_s250_closed_is_no_frame() -> None:
    assert holds(WSMsgType, "CLOSED", 0x101)
    assert WSMsgType.CLOSED > LAST_OPCODE
    assert "CLOSED FRAME" not in WSMsgType.__members__
    assert WS_CLOSED_MESSAGE == (WSMsgType.CLOSED, None, None)


def test_s251_error_is_no_frame() -> None:
    assert holds(WSMsgType, "ERROR", 0x102)
    assert WSMsgType.ERROR > LAST_OPCODE


@pytest.mark.parametrize("name", ["text", "binary", "ping", "pong", "close", "error", "closing", "closed"])
def test_s252_message_types_in_lower_case(name: str) -> None:
    assert getattr(WSMsgType, name) is WSMsgType[name] is WSMsgType[name.upper()]
    assert WSMsgType[name].name == name.upper()


def test_s253_continuation_in_lower_case() -> None:
    assert WSMsgType.continuation is WSMsgType["continuation"] is WSMsgType.CONTINUATION


def test_s254_closing_is_no_frame() -> None:
    assert holds(WSMsgType, "CLOSING", 0x100)
    assert WSMsgType.CLOSING > LAST_OPCODE
    assert WS_CLOSING_MESSAGE == (WSMsgType.CLOSING, None, None)


async def test_s255_messages_are_received() -> None:
    for message in await received((TEXT, b"a"), (BINARY, b"b"), (PING, b"c"), END, autoping=False):
        assert type(message) is WSMessage
        kind, data, extra = message
        assert (kind, data, extra) == (message.type, message.data, message.extra) == message
    assert WSMessage._fields == ("type", "data", "extra")


@pytest.mark.parametrize("message", [WS_CLOSED_MESSAGE, WS_CLOSING_MESSAGE])
def test_s256_type_of_a_message(message: WSMessage) -> None:
    assert type(message) is WSMessage
    assert type(message.type) is WSMsgType
    assert message.type is message[0]
    assert WSMessage(WSMsgType.TEXT, "data", None).type is WSMsgType.TEXT


async def test_s257_data_of_a_message() -> None:
    frames = [(TEXT, b"a"), (BINARY, b"b"), (PING, b"c"), (PONG, b"d"), END]
    messages = await received(*frames, autoping=False)
    assert [message.data for message in messages] == ["a", b"b", b"c", b"d", WSCloseCode.GOING_AWAY]
    assert [type(message.data) for message in messages] == [str, bytes, bytes, bytes, WSCloseCode]
    (close,) = await received((CLOSE, closing(4000)))  # which has no name
    assert (close.data, type(close.data)) == (4000, int)
    (close,) = await received((CLOSE, b""))
    assert close[:2] == (WSMsgType.CLOSE, 1005)


async def test_s258_extra_of_a_message() -> None:
    *others, close = await received((TEXT, b"a"), (BINARY, b"b"), (CLOSE, closing(1000, "tsch\u00fcs")))
    assert close == (WSMsgType.CLOSE, WSCloseCode.OK, "tsch\u00fcs")
    assert [message.extra or None for message in others] == [None, None]
    (close,) = await received(END)
    assert close.extra == ""


@pytest.mark.parametrize(
    "message",
    [
        WSMessage(WSMsgType.TEXT, '{"a": [1, null]}', None),
        WSMessage(WSMsgType.BINARY, b'{"a": [1, null]}', None),
    ],
)
def test_s259_json_of_a_message(message: WSMessage) -> None:
    assert message.json() == {"a": [1, None]}
    assert message.json(loads=len) == 16
    with pytest.raises(TypeError):
        message.json(len)  # type: ignore[call-arg]  # what is tested
    with pytest.raises(ValueError, match="Expecting"):
        message._replace(data=message.data[:-1]).json()


def test_s260_old_name_of_type() -> None:
    for message in (WS_CLOSED_MESSAGE, WSMessage(WSMsgType.PING, b"", None)):
        assert message.tp is message.type


async def test_s261_what_later_versions_add() -> None:
    text, octets, _ = await received((TEXT, b'{"a": 1}'), (BINARY, b"b"), END, decode_text=False)
    assert (type(text), type(octets)) == (WSMessageTextBytes, WSMessage)
    assert text[:2] == (WSMsgType.TEXT, b'{"a": 1}')
    assert text.json() == {"a": 1}

    async def saying(wire: Wire) -> None:
        await wire.say(TEXT, b"left as it is: \xff")
        await wire.say(BINARY, b"b")
        await wire.say(0x3)
        said.append(await wire.frame())
        wire.peer.close()

    said: list[Frame] = []
    async with opened(saying, decode_text=False) as (socket, _):
        assert await socket.receive_str() == b"left as it is: \xff"
        with pytest.raises(WSMessageTypeError) as caught:
            await socket.receive_str()
        assert isinstance(caught.value, TypeError)
        error = (await socket.receive()).data
        assert isinstance(error, WebSocketError)
        assert error.code == error.args[0] == WSCloseCode.PROTOCOL_ERROR
        assert error.message == error.args[1] == str(error)
        await until(lambda: said)
        assert said == [(CLOSE, closing(1002, str(error)), True, False)]
