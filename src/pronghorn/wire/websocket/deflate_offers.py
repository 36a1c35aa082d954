"""What two ends agree to of permessage-deflate (RFC 7692 section 7.1).

A client offers, a server picks and answers. Four parameters bound the window of each direction, and say
whether it is kept from one message to the next.
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, final

from .extensions import Extension
from .messages import WSHandshakeError

NAME: Final = "permessage-deflate"

_MOST_BITS: Final = 15
#: The least that zlib compresses with.
_LEAST_BITS: Final = 9
#: What a parameter may say: no leading zeros.
_WINDOW_BITS: Final = {str(bits): bits for bits in range(8, _MOST_BITS + 1)}

_SERVER_NO_TAKEOVER: Final = "server_no_context_takeover"
_CLIENT_NO_TAKEOVER: Final = "client_no_context_takeover"
_SERVER_BITS: Final = "server_max_window_bits"
_CLIENT_BITS: Final = "client_max_window_bits"


@final
@dataclass(frozen=True, slots=True)
class DeflateOptions:
    """What one end of a connection wants of permessage-deflate; windows are in bits, 9 to 15.

    With 12 bits and a memory level of 5 a compressor holds 32 KiB and a decompressor 12, with zlib's defaults
    256 and 40. It is what websockets measured to be enough for the messages of chats and feeds.
    ValueError for what zlib does not know.
    """

    #: Of our own compressor, at most.
    window_bits: int = 12
    #: What the peer is asked to keep to; 15 asks for nothing.
    peer_window_bits: int = 12
    #: We forget each message, or the peer is asked to: slower and larger, and nothing is held in between.
    no_context_takeover: bool = False
    peer_no_context_takeover: bool = False
    level: int = zlib.Z_DEFAULT_COMPRESSION
    memory_level: int = 5
    #: Messages of fewer bytes are sent as they are: there is nothing to gain.
    threshold: int = 64

    def __post_init__(self) -> None:
        for name, bits in (("window_bits", self.window_bits), ("peer_window_bits", self.peer_window_bits)):
            if not _LEAST_BITS <= bits <= _MOST_BITS:
                raise ValueError(f"{name}: expected 9 to 15, got {bits}")
        if not 1 <= self.memory_level <= 9:
            raise ValueError(f"memory_level: expected 1 to 9, got {self.memory_level}")
        if not -1 <= self.level <= 9:
            raise ValueError(f"level: expected -1 to 9, got {self.level}")


DEFAULT_DEFLATE: Final = DeflateOptions()


@final
@dataclass(frozen=True, slots=True)
class Direction:
    """What was agreed for the messages that one end sends."""

    window_bits: int = _MOST_BITS
    no_context_takeover: bool = False


@final
@dataclass(frozen=True, slots=True)
class DeflateAgreement:
    """What a server and a client have agreed to (RFC 7692 section 7.1)."""

    server: Direction = Direction()
    client: Direction = Direction()


# Negotiation


def offer(options: DeflateOptions) -> Extension:
    """What a client offers."""
    parameters: list[tuple[str, str | None]] = []
    if options.peer_no_context_takeover:
        parameters.append((_SERVER_NO_TAKEOVER, None))
    if options.no_context_takeover:
        parameters.append((_CLIENT_NO_TAKEOVER, None))
    if options.peer_window_bits < _MOST_BITS:
        parameters.append((_SERVER_BITS, str(options.peer_window_bits)))
    # Without a value: the server may choose. Section 7.1.2.2
    hint = None if options.window_bits == _MOST_BITS else str(options.window_bits)
    parameters.append((_CLIENT_BITS, hint))
    return Extension(NAME, tuple(parameters))


def answer(offers: Iterable[Extension], options: DeflateOptions) -> tuple[DeflateAgreement, Extension] | None:
    """What a server agrees to, and answers; None if nothing can be agreed to.

    The first offer of the extension whose parameters are all known, well-formed and there once.
    """
    for offered in offers:
        if offered.name == NAME:
            try:
                asked = _read_parameters(offered, is_offer=True)
            except ValueError:
                continue
            return _answer(asked, options)
    return None


def _answer(asked: dict[str, int | None], options: DeflateOptions) -> tuple[DeflateAgreement, Extension]:
    server_bits = min(asked.get(_SERVER_BITS) or _MOST_BITS, options.window_bits)
    client_bits = _MOST_BITS
    if _CLIENT_BITS in asked:
        client_bits = min(asked[_CLIENT_BITS] or _MOST_BITS, options.peer_window_bits)
    server = Direction(server_bits, options.no_context_takeover or _SERVER_NO_TAKEOVER in asked)
    client = Direction(client_bits, options.peer_no_context_takeover or _CLIENT_NO_TAKEOVER in asked)
    parameters: list[tuple[str, str | None]] = []
    if server.no_context_takeover:
        parameters.append((_SERVER_NO_TAKEOVER, None))
    if client.no_context_takeover:
        parameters.append((_CLIENT_NO_TAKEOVER, None))
    if server.window_bits < _MOST_BITS or _SERVER_BITS in asked:
        parameters.append((_SERVER_BITS, str(server.window_bits)))
    if client.window_bits < _MOST_BITS:
        parameters.append((_CLIENT_BITS, str(client.window_bits)))
    return DeflateAgreement(server, client), Extension(NAME, tuple(parameters))


def check_answer(answered: Extension, options: DeflateOptions) -> DeflateAgreement:
    """What ``answered`` agrees to of the `offer` that was made with ``options``.

    WSHandshakeError if it does not keep to that offer (RFC 7692 section 7.1).
    """
    try:
        agreed = _read_parameters(answered, is_offer=False)
    except ValueError as error:
        raise WSHandshakeError(f"{NAME}: {error}") from error
    if options.peer_no_context_takeover and _SERVER_NO_TAKEOVER not in agreed:
        raise WSHandshakeError(f"{NAME}: {_SERVER_NO_TAKEOVER} was offered and is not agreed to")
    server_bits = agreed.get(_SERVER_BITS) or _MOST_BITS
    if server_bits > options.peer_window_bits:
        raise WSHandshakeError(
            f"{NAME}: {_SERVER_BITS} was offered as {options.peer_window_bits}, got {server_bits}"
        )
    client_bits = min(agreed.get(_CLIENT_BITS) or _MOST_BITS, options.window_bits)
    return DeflateAgreement(
        Direction(server_bits, _SERVER_NO_TAKEOVER in agreed),
        Direction(client_bits, options.no_context_takeover or _CLIENT_NO_TAKEOVER in agreed),
    )


def _read_parameters(extension: Extension, *, is_offer: bool) -> dict[str, int | None]:
    """The parameters, by name; ValueError for one that is unknown, malformed or there twice."""
    read: dict[str, int | None] = {}
    for name, value in extension.parameters:
        if name in read:
            raise ValueError(f"{name} is there twice")
        if name in (_SERVER_NO_TAKEOVER, _CLIENT_NO_TAKEOVER):
            if value is not None:
                raise ValueError(f"{name} has a value")
            read[name] = None
        elif name in (_SERVER_BITS, _CLIENT_BITS):
            if value is None and is_offer and name == _CLIENT_BITS:
                read[name] = None
            elif value in _WINDOW_BITS:
                read[name] = _WINDOW_BITS[value]
            else:
                raise ValueError(f"{name}: expected 8 to 15, got {value!r}")
        else:
            raise ValueError(f"unknown parameter {name}")
    return read
