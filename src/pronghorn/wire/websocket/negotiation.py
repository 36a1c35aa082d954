"""What a handshake settles beside the switch itself: version, sub-protocol, extensions, origin.

It is the same whatever HTTP carries it: a GET with Upgrade in HTTP/1.1 (RFC 6455 section 4), an extended
CONNECT in HTTP/2 (RFC 8441 section 5). Pure functions of fields; what a server refuses is told with the
answer that it sends.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple, final

from multidict import MultiMapping

from ..fields import is_token
from . import deflate_offers
from .deflate_offers import DeflateAgreement, DeflateOptions
from .extensions import parse_extensions
from .messages import WSHandshakeError

Fields = list[tuple[str, str]]

VERSION: Final = "13"
_VERSION_FIELD: Final = "Sec-WebSocket-Version"
_PROTOCOL_FIELD: Final = "Sec-WebSocket-Protocol"
_EXTENSIONS_FIELD: Final = "Sec-WebSocket-Extensions"


@final
class HandshakeRefused(WSHandshakeError):
    """A request can't open a WebSocket; it is answered with ``status``, ``message`` and ``fields``."""

    def __init__(self, message: str, status: int = 400, fields: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.fields = tuple(fields)


@final
class Agreement(NamedTuple):
    """What the two ends have agreed to."""

    #: The sub-protocol.
    protocol: str | None = None
    deflate: DeflateAgreement | None = None


# The server


def check_version(headers: MultiMapping[str]) -> None:
    """Raise HandshakeRefused (426) unless the request is for version 13, and for no other."""
    versions = headers.getall(_VERSION_FIELD, [])
    if versions != [VERSION]:
        # RFC 6455 section 4.4, and RFC 9110 section 15.5.22: 426 names what is to be upgraded to.
        fields = ((_VERSION_FIELD, VERSION), ("Upgrade", "websocket"), ("Connection", "Upgrade"))
        raise HandshakeRefused(f"{_VERSION_FIELD}: expected {VERSION}, got {_listed(versions)}", 426, fields)


def is_origin_allowed(origin: str | None, allowed: Collection[str | None]) -> bool:
    """Whether a page of ``origin`` may connect, by a list of origins as browsers write them.

    ``origin`` is the value of the Origin field, None if there is none: who sends none is no browser, and is
    allowed if the list has None. An opaque origin is "null", which stands for any number of them. Letters
    are the same in either case.
    """
    if origin is None:
        return None in allowed
    lowered = _lowered(origin)
    return any(lowered == _lowered(one) for one in allowed if one is not None)


def check_origin(headers: MultiMapping[str], allowed: Collection[str | None]) -> None:
    """Raise HandshakeRefused (403) unless `is_origin_allowed`; two Origin fields are refused, too."""
    origins = headers.getall("Origin", [])
    if len(origins) > 1 or not is_origin_allowed(origins[0] if origins else None, allowed):
        raise HandshakeRefused("Origin: not allowed", 403)


def choose_protocol(headers: MultiMapping[str], protocols: Collection[str]) -> str | None:
    """The first sub-protocol that the client names and ``protocols`` has; None if there is none.

    The client lists them in the order of its preference (RFC 6455 section 4.1), and gets its wish.
    HandshakeRefused (400) if the field is malformed.
    """
    offered = _tokens(headers.getall(_PROTOCOL_FIELD, []))
    return next((protocol for protocol in offered if protocol in protocols), None)


def agree(
    headers: MultiMapping[str], protocols: Collection[str] = (), deflate: DeflateOptions | None = None
) -> tuple[Agreement, Fields]:
    """What a server agrees to of a request, and the fields that it answers.

    Without ``deflate`` nothing is compressed. HandshakeRefused (400) if a field is malformed; extensions and
    parameters that are not known here are declined.
    """
    fields: Fields = []
    protocol = choose_protocol(headers, protocols)
    if protocol is not None:
        fields.append((_PROTOCOL_FIELD, protocol))
    try:
        offers = parse_extensions(_joined(headers, _EXTENSIONS_FIELD))
    except ValueError as error:
        raise HandshakeRefused(str(error)) from error
    answered = None if deflate is None else deflate_offers.answer(offers, deflate)
    if answered is None:
        return Agreement(protocol), fields
    agreed, extension = answered
    fields.append((_EXTENSIONS_FIELD, str(extension)))
    return Agreement(protocol, agreed), fields


# The client


def offer_fields(protocols: Iterable[str] = (), deflate: DeflateOptions | None = None) -> Fields:
    """The fields of a request that offer these sub-protocols, the preferred first, and compression.

    ValueError for a sub-protocol that is no token or is there twice.
    """
    fields: Fields = [(_VERSION_FIELD, VERSION)]
    protocols = list(protocols)
    for protocol in protocols:
        if not isinstance(protocol, str) or not _is_token(protocol):
            raise ValueError(f"protocols: expected tokens, got {protocol!r}")
    if len(set(protocols)) < len(protocols):
        raise ValueError(f"protocols: expected each once, got {_listed(protocols)}")
    if protocols:
        fields.append((_PROTOCOL_FIELD, ", ".join(protocols)))
    if deflate is not None:
        fields.append((_EXTENSIONS_FIELD, str(deflate_offers.offer(deflate))))
    return fields


def check_agreement(
    headers: MultiMapping[str], protocols: Collection[str] = (), deflate: DeflateOptions | None = None
) -> Agreement:
    """What a response agrees to of the offer that was made with the same arguments.

    WSHandshakeError if it says anything that was not offered.
    """
    named = headers.getall(_PROTOCOL_FIELD, [])
    if len(named) > 1 or any(one not in protocols for one in named):
        raise WSHandshakeError(f"{_PROTOCOL_FIELD}: expected one that was offered, got {_listed(named)}")
    try:
        extensions = parse_extensions(_joined(headers, _EXTENSIONS_FIELD))
    except ValueError as error:
        raise WSHandshakeError(str(error)) from error
    agreed = None
    for extension in extensions:
        if deflate is None or extension.name != deflate_offers.NAME:
            raise WSHandshakeError(f"{_EXTENSIONS_FIELD}: {extension.name} was not offered")
        if agreed is not None:
            raise WSHandshakeError(f"{_EXTENSIONS_FIELD}: {extension.name} is there twice")
        agreed = deflate_offers.check_answer(extension, deflate)
    return Agreement(named[0] if named else None, agreed)


def _joined(headers: MultiMapping[str], name: str) -> str:
    return ", ".join(headers.getall(name, []))


def _tokens(values: Iterable[str]) -> list[str]:
    members = [member.strip(" \t") for value in values for member in value.split(",")]
    tokens = [member for member in members if member]
    for token in tokens:
        if not _is_token(token):
            raise HandshakeRefused(f"{_PROTOCOL_FIELD}: expected tokens, got {token!r}")
    return tokens


def _is_token(value: str) -> bool:
    return is_token(value.encode("utf-8", "surrogateescape"))


def _lowered(origin: str) -> str:
    # ASCII only: elsewhere other letters fold into these.
    return origin.lower() if origin.isascii() else origin


def _listed(values: Iterable[str]) -> str:
    return ", ".join(map(repr, values)) or "none"
