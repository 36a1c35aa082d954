"""What is agreed to of permessage-deflate; the section numbers are those of RFC 7692."""

import pytest

from pronghorn.wire.websocket.deflate_offers import (
    DEFAULT_DEFLATE,
    DeflateAgreement,
    DeflateOptions,
    Direction,
    answer,
    check_answer,
    offer,
)
from pronghorn.wire.websocket.extensions import parse_extensions
from pronghorn.wire.websocket.messages import WSHandshakeError

WIDE = DeflateOptions(window_bits=15, peer_window_bits=15)
FORGET_BOTH = "server_no_context_takeover; client_no_context_takeover"


def answered(offers: str, options: DeflateOptions = WIDE) -> tuple[DeflateAgreement, str] | None:
    found = answer(parse_extensions(offers), options)
    return found and (found[0], str(found[1]))


def checked(response: str, options: DeflateOptions = WIDE) -> DeflateAgreement:
    (extension,) = parse_extensions(response)
    return check_answer(extension, options)


def agreement(
    server: int = 15, client: int = 15, *, server_forgets=False, client_forgets=False
) -> DeflateAgreement:
    return DeflateAgreement(Direction(server, server_forgets), Direction(client, client_forgets))


# Options


def test_defaults_hold_little() -> None:
    assert DeflateOptions() == DEFAULT_DEFLATE
    assert (DEFAULT_DEFLATE.window_bits, DEFAULT_DEFLATE.peer_window_bits, DEFAULT_DEFLATE.memory_level) == (
        12,
        12,
        5,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("window_bits", "peer_window_bits") for value in (-1, 0, 8, 16)),
        ("memory_level", 0),
        ("memory_level", 10),
        ("level", -2),
        ("level", 10),
    ],
)
def test_options_that_zlib_does_not_know(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{name}: expected .*, got {value}"):
        DeflateOptions(**{name: value})


# The client's offer


@pytest.mark.parametrize(
    ("options", "value"),
    [
        (DEFAULT_DEFLATE, "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"),
        (WIDE, "permessage-deflate; client_max_window_bits"),
        (DeflateOptions(window_bits=9, peer_window_bits=15), "permessage-deflate; client_max_window_bits=9"),
        (
            DeflateOptions(15, 10, no_context_takeover=True, peer_no_context_takeover=True),
            f"permessage-deflate; {FORGET_BOTH}; server_max_window_bits=10; client_max_window_bits",
        ),
    ],
)
def test_offers(options: DeflateOptions, value: str) -> None:
    assert str(offer(options)) == value


# The server's answer


@pytest.mark.parametrize(
    ("offers", "agreed", "response"),
    [
        # Section 7.1.3
        ("permessage-deflate", agreement(), "permessage-deflate"),
        (
            "permessage-deflate; client_max_window_bits; server_max_window_bits=10",
            agreement(10),
            "permessage-deflate; server_max_window_bits=10",
        ),
        (
            "permessage-deflate; client_max_window_bits; server_max_window_bits=10, permessage-deflate",
            agreement(10),
            "permessage-deflate; server_max_window_bits=10",
        ),
        # Section 7.1.1
        (
            "permessage-deflate; server_no_context_takeover",
            agreement(server_forgets=True),
            "permessage-deflate; server_no_context_takeover",
        ),
        (
            "permessage-deflate; client_no_context_takeover",
            agreement(client_forgets=True),
            "permessage-deflate; client_no_context_takeover",
        ),
        # Section 7.1.2
        (
            "permessage-deflate; client_max_window_bits=9",
            agreement(15, 9),
            "permessage-deflate; client_max_window_bits=9",
        ),
        (
            "permessage-deflate; server_max_window_bits=15",
            agreement(),
            "permessage-deflate; server_max_window_bits=15",
        ),
        (
            "permessage-deflate; server_max_window_bits=8",
            agreement(8),
            "permessage-deflate; server_max_window_bits=8",
        ),
        (
            'permessage-deflate; client_max_window_bits="8"',
            agreement(15, 8),
            "permessage-deflate; client_max_window_bits=8",
        ),
        ("x-webkit-deflate-frame, permessage-deflate", agreement(), "permessage-deflate"),
    ],
)
def test_what_a_server_answers(offers: str, agreed: DeflateAgreement, response: str) -> None:
    assert answered(offers) == (agreed, response)


@pytest.mark.parametrize(
    ("offers", "agreed", "response"),
    [
        ("permessage-deflate", agreement(12, 15), "permessage-deflate; server_max_window_bits=12"),
        (
            "permessage-deflate; client_max_window_bits",
            agreement(12, 12),
            "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12",
        ),
        (
            "permessage-deflate; client_max_window_bits=10; server_max_window_bits=9",
            agreement(9, 10),
            "permessage-deflate; server_max_window_bits=9; client_max_window_bits=10",
        ),
    ],
)
def test_a_server_with_small_windows(offers: str, agreed: DeflateAgreement, response: str) -> None:
    assert answered(offers, DEFAULT_DEFLATE) == (agreed, response)


def test_a_server_that_wants_nothing_kept() -> None:
    options = DeflateOptions(15, 15, no_context_takeover=True, peer_no_context_takeover=True)
    assert answered("permessage-deflate", options) == (
        agreement(server_forgets=True, client_forgets=True),
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    )


BAD_PARAMETERS = [
    "unknown",
    "unknown=1",
    "server_no_context_takeover=1",
    "client_no_context_takeover=true",
    "server_no_context_takeover; server_no_context_takeover",
    "client_no_context_takeover; client_no_context_takeover",
    "server_max_window_bits=10; server_max_window_bits=10",
    "client_max_window_bits=10; client_max_window_bits=11",
    "server_max_window_bits",
    *(
        f"{end}_max_window_bits={value}"
        for end in ("server", "client")
        for value in ("7", "16", "0", "-8", "+8", "08", "010", "1_0", "8.0", "0x8", "a", "10000000000", "'8'")
    ),
    "Server_No_Context_Takeover",
]


@pytest.mark.parametrize("parameters", BAD_PARAMETERS)
def test_a_server_declines_an_offer_and_takes_the_next(parameters: str) -> None:
    bad = f"permessage-deflate; {parameters}"
    assert answered(bad) is None
    assert answered(f"{bad}, permessage-deflate") == (agreement(), "permessage-deflate")


@pytest.mark.parametrize("offers", ["", "foo", "Permessage-Deflate", "foo; permessage-deflate"])
def test_a_server_that_was_offered_nothing_that_it_knows(offers: str) -> None:
    assert answered(offers) is None


# The client's check of it


@pytest.mark.parametrize(
    ("response", "agreed"),
    [
        ("permessage-deflate", agreement()),
        ("permessage-deflate; server_no_context_takeover", agreement(server_forgets=True)),
        ("permessage-deflate; client_no_context_takeover", agreement(client_forgets=True)),
        ("permessage-deflate; server_max_window_bits=8", agreement(8)),
        ("permessage-deflate; client_max_window_bits=8", agreement(15, 8)),
        ("permessage-deflate; client_max_window_bits=15; server_max_window_bits=15", agreement()),
    ],
)
def test_what_a_client_takes(response: str, agreed: DeflateAgreement) -> None:
    assert checked(response) == agreed


@pytest.mark.parametrize(
    ("response", "agreed"),
    [
        ("permessage-deflate; server_max_window_bits=12", agreement(12, 12)),
        ("permessage-deflate; server_max_window_bits=9; client_max_window_bits=10", agreement(9, 10)),
        # It may allow more than was asked for, and nobody has to use it.
        ("permessage-deflate; server_max_window_bits=12; client_max_window_bits=15", agreement(12, 12)),
    ],
)
def test_a_client_with_small_windows(response: str, agreed: DeflateAgreement) -> None:
    assert checked(response, DEFAULT_DEFLATE) == agreed


def test_a_client_that_keeps_nothing_of_its_own() -> None:
    assert checked("permessage-deflate", DeflateOptions(15, 15, no_context_takeover=True)) == agreement(
        client_forgets=True
    )


@pytest.mark.parametrize("parameters", [*BAD_PARAMETERS, "client_max_window_bits"])
def test_a_client_fails(parameters: str) -> None:
    with pytest.raises(WSHandshakeError, match=r"^permessage-deflate: "):
        checked(f"permessage-deflate; {parameters}")


@pytest.mark.parametrize(
    ("response", "options"),
    [
        ("permessage-deflate", DEFAULT_DEFLATE),
        ("permessage-deflate; server_max_window_bits=13", DEFAULT_DEFLATE),
        ("permessage-deflate", DeflateOptions(15, 15, peer_no_context_takeover=True)),
    ],
)
def test_a_client_whose_terms_were_not_met_fails(response: str, options: DeflateOptions) -> None:
    with pytest.raises(WSHandshakeError, match="was offered"):
        checked(response, options)


@pytest.mark.parametrize("ours", [DEFAULT_DEFLATE, WIDE, DeflateOptions(9, 10, no_context_takeover=True)])
@pytest.mark.parametrize(
    "theirs", [DEFAULT_DEFLATE, WIDE, DeflateOptions(11, 9, peer_no_context_takeover=True)]
)
def test_two_ends_agree(ours: DeflateOptions, theirs: DeflateOptions) -> None:
    found = answer([offer(ours)], theirs)
    assert found is not None
    agreed, response = found
    seen = check_answer(response, ours)
    assert seen.server == agreed.server
    assert seen.client.window_bits <= agreed.client.window_bits
    assert seen.client.no_context_takeover == agreed.client.no_context_takeover
