"""The opening handshake in HTTP/1.1; the section numbers are those of RFC 6455."""

import pickle
from base64 import b64decode

import pytest
from multidict import CIMultiDict

from pronghorn.wire.events import HttpVersion10, HttpVersion11
from pronghorn.wire.websocket.handshake import (
    accept_of,
    check_request,
    check_response,
    make_key,
    request_fields,
    response_fields,
)
from pronghorn.wire.websocket.messages import WSHandshakeError
from pronghorn.wire.websocket.negotiation import HandshakeRefused

# Section 1.3
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
REQUEST = (
    ("Host", "server.example.com"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", KEY),
)
RESPONSE = (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", ACCEPT))


def fields(pairs, *changes: tuple[str, str | None]) -> CIMultiDict[str]:
    """``pairs`` with the fields of ``changes`` instead; None takes one away."""
    headers = CIMultiDict(pairs)
    for name, _ in changes:
        headers.popall(name, None)
    headers.extend([(name, value) for name, value in changes if value is not None])
    return headers


def test_example_of_section_1_3() -> None:
    assert accept_of(KEY) == ACCEPT
    assert response_fields(KEY) == list(RESPONSE)
    assert request_fields(KEY) == list(REQUEST[1:])
    assert check_request("GET", HttpVersion11, fields(REQUEST)) == KEY
    check_response(101, fields(RESPONSE), KEY)


def test_keys_are_sixteen_octets_and_new() -> None:
    keys = {make_key() for _ in range(100)}
    assert len(keys) == 100
    assert {len(b64decode(key, validate=True)) for key in keys} == {16}


@pytest.mark.parametrize(
    "change",
    [
        ("Upgrade", "WebSocket"),
        ("Upgrade", "h2c, websocket"),
        ("Connection", "keep-alive, Upgrade"),
        ("Connection", "UPGRADE"),
        ("connection", "keep-alive ,\tupgrade"),
    ],
)
def test_requests_in_other_words(change: tuple[str, str]) -> None:
    assert check_request("GET", HttpVersion11, fields(REQUEST, change)) == KEY


def test_a_list_in_several_fields() -> None:
    headers = fields(REQUEST, ("Connection", "keep-alive"), ("Connection", "upgrade"))
    assert check_request("GET", HttpVersion11, headers) == KEY


@pytest.mark.parametrize("method", ["POST", "HEAD", "get", "CONNECT", "OPTIONS"])
def test_only_get_opens_one(method: str) -> None:
    with pytest.raises(HandshakeRefused, match=method) as caught:
        check_request(method, HttpVersion11, fields(REQUEST))
    assert (caught.value.status, caught.value.fields) == (405, (("Allow", "GET"),))


def test_http_1_0_has_no_upgrade() -> None:
    with pytest.raises(HandshakeRefused, match=r"HTTP/1\.1") as caught:
        check_request("GET", HttpVersion10, fields(REQUEST))
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "value", [None, "", "h2c", "notwebsocket", "websocket2", "web socket", "websoc\u212aet"]
)
def test_a_request_for_something_else(value: str | None) -> None:
    with pytest.raises(HandshakeRefused, match=r"^Upgrade: ") as caught:
        check_request("GET", HttpVersion11, fields(REQUEST, ("Upgrade", value)))
    assert caught.value.status == 426
    assert caught.value.fields == (("Upgrade", "websocket"), ("Connection", "Upgrade"))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Host", [None]),
        ("Host", ["a", "b"]),
        ("Connection", [None]),
        ("Connection", [""]),
        ("Connection", ["close"]),
        ("Connection", ["notupgrade"]),
        ("Connection", ["keep-alive upgrade"]),
        *(
            ("Sec-WebSocket-Key", [value])
            for value in (
                None,
                "",
                "AQIDBAUGBwgJCgsMDQ4P",  # 15 octets
                "AQIDBAUGBwgJCgsMDQ4PEBE=",  # 17
                KEY[:-1],
                KEY[:-2],
                KEY + "=",
                KEY + "\n",
                " " + KEY,
                "!" + KEY[1:],
                "-" + KEY[1:],
                "\u00e9" + KEY[1:],
                KEY + KEY,
                f"{KEY}, {KEY}",
            )
        ),
        ("Sec-WebSocket-Key", [KEY, KEY]),
    ],
)
def test_requests_that_open_none(name: str, values: list[str | None]) -> None:
    with pytest.raises(HandshakeRefused, match=f"^{name}: ") as caught:
        check_request("GET", HttpVersion11, fields(REQUEST, *((name, value) for value in values)))
    assert (caught.value.status, caught.value.fields) == (400, ())


@pytest.mark.parametrize(
    "change", [("Upgrade", "WebSocket"), ("Connection", "upgrade"), ("Connection", "keep-alive, Upgrade")]
)
def test_responses_in_other_words(change: tuple[str, str]) -> None:
    check_response(101, fields(RESPONSE, change), KEY)


@pytest.mark.parametrize("status", [100, 200, 204, 301, 400, 401, 426, 503])
def test_only_101_opens_one(status: int) -> None:
    with pytest.raises(WSHandshakeError, match=f"101, got {status}"):
        check_response(status, fields(RESPONSE), KEY)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        *(("Upgrade", [value]) for value in (None, "", "h2c", "websocket, h2c", "notwebsocket")),
        ("Upgrade", ["websocket", "websocket"]),
        *(("Connection", [value]) for value in (None, "close", "notupgrade")),
        *(
            ("Sec-WebSocket-Accept", [value])
            for value in (
                None,
                "",
                KEY,
                ACCEPT.lower(),
                ACCEPT[:-1],
                accept_of(make_key()),
                f"{ACCEPT}, {ACCEPT}",
            )
        ),
        ("Sec-WebSocket-Accept", [ACCEPT, ACCEPT]),
    ],
)
def test_responses_that_open_none(name: str, values: list[str | None]) -> None:
    with pytest.raises(WSHandshakeError, match=f"^{name}: "):
        check_response(101, fields(RESPONSE, *((name, value) for value in values)), KEY)


def test_a_refusal_survives_pickling() -> None:
    error = HandshakeRefused("no", 426, [("Upgrade", "websocket")])
    copy = pickle.loads(pickle.dumps(error))
    assert isinstance(copy, WSHandshakeError)
    assert (str(copy), copy.message, copy.status, copy.fields) == (
        "no",
        "no",
        426,
        (("Upgrade", "websocket"),),
    )
