"""What a handshake settles, whatever HTTP carries it; the section numbers are those of RFC 6455."""

import pytest
from multidict import CIMultiDict

from pronghorn.wire.websocket.deflate_offers import (
    DEFAULT_DEFLATE,
    DeflateAgreement,
    DeflateOptions,
    Direction,
)
from pronghorn.wire.websocket.messages import WSHandshakeError
from pronghorn.wire.websocket.negotiation import (
    Agreement,
    HandshakeRefused,
    agree,
    check_agreement,
    check_origin,
    check_version,
    choose_protocol,
    is_origin_allowed,
    offer_fields,
)

WIDE = DeflateOptions(15, 15)


def lines(name: str, *values: str) -> CIMultiDict[str]:
    return CIMultiDict([(name, value) for value in values])


# The version


def test_version_13() -> None:
    check_version(lines("Sec-WebSocket-Version", "13"))


@pytest.mark.parametrize(
    "values", [[], [""], ["8"], ["12"], ["14"], ["013"], ["13, 8"], ["13", "8"], ["13", "13"]]
)
def test_other_versions_are_told_which_one_there_is(values: list[str]) -> None:
    with pytest.raises(HandshakeRefused, match="expected 13, got") as caught:
        check_version(lines("Sec-WebSocket-Version", *values))
    assert caught.value.status == 426
    assert dict(caught.value.fields) == {
        "Sec-WebSocket-Version": "13",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
    }


# The origin

OURS = "https://example.com"


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (OURS, [OURS]),
        (OURS, ["http://a", OURS]),
        (OURS, {OURS}),
        ("HTTPS://Example.com", [OURS]),
        (OURS, ["https://EXAMPLE.com"]),
        (None, [None]),
        (None, [OURS, None]),
        ("null", ["null"]),
    ],
)
def test_origins_that_may_connect(origin: str | None, allowed: list[str | None]) -> None:
    assert is_origin_allowed(origin, allowed)
    check_origin(CIMultiDict({} if origin is None else {"Origin": origin}), allowed)


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        *(
            (origin, [OURS])
            for origin in (
                None,
                "",
                "null",
                "http://example.com",
                "https://example.com:8443",
                "https://example.com.evil.org",
                "https://evil.org/https://example.com",
                "https://example.com/",
                "https://www.example.com",
                "https://evilexample.com",
                "https://example.co",
                "example.com",
                "https://example.com, https://evil.org",
                "https://exam\u212ale.com",
            )
        ),
        (OURS, []),
        (OURS, [None]),
        (None, []),
        ("None", [None]),
        ("https://\u212a.com", ["https://k.com"]),
    ],
)
def test_origins_that_may_not(origin: str | None, allowed: list[str | None]) -> None:
    assert not is_origin_allowed(origin, allowed)
    with pytest.raises(HandshakeRefused, match=r"^Origin: not allowed$") as caught:
        check_origin(CIMultiDict({} if origin is None else {"Origin": origin}), allowed)
    assert caught.value.status == 403


def test_two_origins_are_refused() -> None:
    with pytest.raises(HandshakeRefused):
        check_origin(lines("Origin", OURS, OURS), [OURS])


# Sub-protocols


@pytest.mark.parametrize(
    ("values", "protocols", "chosen"),
    [
        ([], ["chat"], None),
        (["chat"], [], None),
        (["chat"], ["superchat"], None),
        (["chat"], ["Chat"], None),
        (["chat, superchat"], ["superchat", "chat"], "chat"),  # the client's order
        (["mqtt, superchat , chat"], ("chat", "superchat"), "superchat"),
        (["mqtt", "chat,superchat"], {"superchat"}, "superchat"),
        (["", " ,, chat"], ["chat"], "chat"),
    ],
)
def test_a_server_chooses(values: list[str], protocols: list[str], chosen: str | None) -> None:
    headers = lines("Sec-WebSocket-Protocol", *values)
    assert choose_protocol(headers, protocols) == chosen
    agreed, fields = agree(headers, protocols)
    assert agreed == Agreement(chosen, None)
    assert fields == ([("Sec-WebSocket-Protocol", chosen)] if chosen else [])


@pytest.mark.parametrize("value", ["a b", "chat; x", "a/b", '"chat"', "ch\u00e4t", "chat\udc80", "chat, a=b"])
def test_sub_protocols_are_tokens(value: str) -> None:
    with pytest.raises(HandshakeRefused, match=r"^Sec-WebSocket-Protocol: ") as caught:
        agree(lines("Sec-WebSocket-Protocol", value), ["chat"])
    assert caught.value.status == 400
    caught.value.message.encode()  # it can be sent


@pytest.mark.parametrize(
    "protocols", [["a b"], [""], ["a,b"], ["chat\r\n"], [b"chat"], ["ä"], ["chat", "chat"]]
)
def test_a_client_offers_tokens(protocols: list[str]) -> None:
    with pytest.raises(ValueError, match=r"^protocols: expected"):
        offer_fields(protocols)


def test_a_client_offers() -> None:
    assert offer_fields() == [("Sec-WebSocket-Version", "13")]
    assert offer_fields(iter(["superchat", "chat"]), DEFAULT_DEFLATE)[1:] == [
        ("Sec-WebSocket-Protocol", "superchat, chat"),
        (
            "Sec-WebSocket-Extensions",
            "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12",
        ),
    ]


@pytest.mark.parametrize(
    ("values", "protocol"), [([], None), (["chat"], "chat"), (["superchat"], "superchat")]
)
def test_a_client_takes_one_that_it_offered(values: list[str], protocol: str | None) -> None:
    headers = lines("Sec-WebSocket-Protocol", *values)
    assert check_agreement(headers, ["chat", "superchat"]) == Agreement(protocol, None)


@pytest.mark.parametrize(
    ("values", "protocols"),
    [
        (["chat"], []),
        (["mqtt"], ["chat"]),
        (["Chat"], ["chat"]),
        ([""], ["chat"]),
        (["chat, superchat"], ["chat", "superchat"]),
        (["chat", "superchat"], ["chat", "superchat"]),
        (["chat", "chat"], ["chat"]),
    ],
)
def test_a_client_takes_nothing_else(values: list[str], protocols: list[str]) -> None:
    with pytest.raises(WSHandshakeError, match=r"^Sec-WebSocket-Protocol: "):
        check_agreement(lines("Sec-WebSocket-Protocol", *values), protocols)


# Extensions


def test_a_server_agrees_to_compression() -> None:
    headers = lines("Sec-WebSocket-Extensions", "foo", "permessage-deflate; client_max_window_bits")
    agreed, fields = agree(headers, (), DEFAULT_DEFLATE)
    assert agreed == Agreement(None, DeflateAgreement(Direction(12), Direction(12)))
    assert fields == [
        (
            "Sec-WebSocket-Extensions",
            "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12",
        )
    ]


@pytest.mark.parametrize(
    ("value", "deflate"),
    [("permessage-deflate", None), ("foo; bar=1", WIDE), ("", WIDE), ("permessage-deflate; junk", WIDE)],
)
def test_a_server_declines(value: str, deflate: DeflateOptions | None) -> None:
    assert agree(lines("Sec-WebSocket-Extensions", value), (), deflate) == (Agreement(None, None), [])


@pytest.mark.parametrize("deflate", [None, WIDE])
@pytest.mark.parametrize(
    "value", ["permessage-deflate;", "foo bar", 'a; b="', ";", "permessage-deflate; a=b=c"]
)
def test_a_field_that_breaks_the_grammar(value: str, deflate: DeflateOptions | None) -> None:
    headers = lines("Sec-WebSocket-Extensions", value)
    with pytest.raises(HandshakeRefused, match=r"^Sec-WebSocket-Extensions: ") as caught:
        agree(headers, (), deflate)
    assert caught.value.status == 400
    with pytest.raises(WSHandshakeError, match=r"^Sec-WebSocket-Extensions: "):
        check_agreement(headers, (), deflate)


def test_a_client_takes_compression() -> None:
    headers = lines("Sec-WebSocket-Extensions", "permessage-deflate")
    assert check_agreement(headers, (), WIDE) == Agreement(None, DeflateAgreement())
    assert check_agreement(CIMultiDict(), (), WIDE) == Agreement(None, None)


@pytest.mark.parametrize(
    ("values", "deflate"),
    [
        (["permessage-deflate"], None),
        (["foo"], WIDE),
        (["permessage-deflate, foo"], WIDE),
        (["permessage-deflate, permessage-deflate"], WIDE),
        (["permessage-deflate", "permessage-deflate"], WIDE),
        (["permessage-deflate; junk"], WIDE),
        (["permessage-deflate; client_max_window_bits"], WIDE),
        (["x-webkit-deflate-frame"], WIDE),
    ],
)
def test_a_client_takes_no_extension_otherwise(values: list[str], deflate: DeflateOptions | None) -> None:
    with pytest.raises(WSHandshakeError):
        check_agreement(lines("Sec-WebSocket-Extensions", *values), (), deflate)
