"""What was agreed on for an encrypted connection."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class TLSInfo:
    """The TLS that a connection speaks. None is what is not known, or was not agreed on."""

    #: The protocol, as `ssl.SSLSocket.version` names it: "TLSv1.3".
    version: str | None
    #: The cipher suite, as OpenSSL names it.
    cipher: str | None
    #: The secret bits that the cipher uses.
    bits: int | None
    #: The protocol that was chosen by ALPN (RFC 7301).
    alpn: str | None
    #: The client's certificate, as `ssl.SSLSocket.getpeercert` describes it. None if it sent none.
    peer_certificate: Mapping[str, Any] | None = field(repr=False)
    #: The same in DER.
    peer_certificate_der: bytes | None = field(repr=False)


def describe_tls(ssl_object: Any) -> TLSInfo:
    """The facts of an `ssl.SSLObject`, or of what stands for one."""
    cipher, _, bits = ssl_object.cipher() or (None, None, None)
    return TLSInfo(
        version=ssl_object.version(),
        cipher=cipher,
        bits=bits,
        alpn=ssl_object.selected_alpn_protocol(),
        # Empty for one that was not verified, as there is then no knowing whose it is.
        peer_certificate=ssl_object.getpeercert() or None,
        peer_certificate_der=ssl_object.getpeercert(binary_form=True),
    )
