"""How a server is verified: by the system's trust, by a context, by the digest of its certificate, or not."""

import asyncio
import hashlib
import hmac
import ssl as ssl_module
import warnings
from collections.abc import Callable
from typing import Any, Final, Literal

from ..io.dial import TLS_CLOSING, Address, Tls
from ..io.tls import shared_context
from .errors import ServerFingerprintMismatch

_HASHES: Final[dict[int, Callable[[bytes], Any]]] = {
    16: hashlib.md5,
    20: hashlib.sha1,
    32: hashlib.sha256,
}
_WEAK: Final = {16: "MD5", 20: "SHA-1"}


class Fingerprint:
    """A certificate, by the SHA-256 of its DER form: no other is taken, and nobody has to vouch for it.

    MD5 (16 bytes) and SHA-1 (20 bytes) are taken with a warning; ValueError for another length.
    """

    HASHFUNC_BY_DIGESTLEN = _HASHES

    __slots__ = ("_digest",)

    def __init__(self, fingerprint: bytes) -> None:
        if not isinstance(fingerprint, (bytes, bytearray, memoryview)):
            raise TypeError(f"fingerprint: expected bytes, got {type(fingerprint).__name__}")
        digest = bytes(fingerprint)
        if len(digest) not in _HASHES:
            raise ValueError(f"fingerprint: expected the 32 bytes of a SHA-256, got {len(digest)}")
        if weak := _WEAK.get(len(digest)):
            warnings.warn(
                f"fingerprint: whoever can make two certificates of one {weak} can take the server's place; "
                "use SHA-256",
                DeprecationWarning,
                stacklevel=2,
            )
        self._digest = digest

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fingerprint) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)

    def __repr__(self) -> str:
        return f"Fingerprint({self._digest.hex()})"

    @property
    def fingerprint(self) -> bytes:
        """The digest."""
        return self._digest

    def check(self, transport: asyncio.Transport) -> None:
        """Compare with the certificate that was shown; ServerFingerprintMismatch if it is another."""
        ssl_object = transport.get_extra_info("ssl_object")
        if ssl_object is None:
            return  # no TLS, and no certificate
        shown = ssl_object.getpeercert(binary_form=True) or b""
        got = _HASHES[len(self._digest)](shown).digest()
        if not hmac.compare_digest(got, self._digest):
            peer = transport.get_extra_info("peername")
            host, port = peer[:2] if isinstance(peer, tuple) else (peer or "", 0)  # a path is no tuple
            raise ServerFingerprintMismatch(self._digest, got, host, port)


#: Verification that a request asks for, whatever its connector does.
VERIFIED: Final = "verified"
#: True verifies by the system's trust, False not at all.
TlsOption = ssl_module.SSLContext | bool | Fingerprint | Literal["verified"]


def tls_option(
    ssl: Any,
    verify_ssl: bool | None = None,
    fingerprint: bytes | None = None,
    ssl_context: ssl_module.SSLContext | None = None,
    stacklevel: int = 3,
) -> TlsOption:
    """The one option that the four ask for: ``ssl``, or one of its older names.

    ValueError if it is more than one, TypeError for another type.
    """
    if ssl is None:
        ssl = True  # its older default
    if not isinstance(ssl, (bool, ssl_module.SSLContext, Fingerprint)):
        raise TypeError(f"ssl: expected an SSLContext, a bool or a Fingerprint, got {ssl!r}")
    older: dict[str, tuple[object, str]] = {}
    if verify_ssl is not None and not verify_ssl:
        older["verify_ssl"] = (False, "ssl=False")
    if ssl_context is not None:
        if not isinstance(ssl_context, ssl_module.SSLContext):
            raise TypeError(f"ssl_context: expected an SSLContext, got {ssl_context!r}")
        older["ssl_context"] = (ssl_context, "ssl=ssl_context")
    if fingerprint is not None:
        older["fingerprint"] = (fingerprint, "ssl=Fingerprint(fingerprint)")
    if not older:
        return VERIFIED if verify_ssl and ssl is True else ssl
    given = [*(("ssl",) if ssl is not True else ()), *older]
    if len(given) > 1:
        raise ValueError(f"{' and '.join(given)} are mutually exclusive: expected one of them")
    ((name, (option, successor)),) = older.items()
    warnings.warn(f"{name} is deprecated: use {successor}", DeprecationWarning, stacklevel=stacklevel)
    return Fingerprint(fingerprint) if fingerprint is not None else option  # type: ignore[return-value]  # checked


def chosen(address: Address, default: TlsOption) -> TlsOption:
    """What ``address`` asks for, or ``default`` where it does not say."""
    return default if address.ssl is True else address.ssl


async def tls_of(address: Address, default: TlsOption, closing: float = TLS_CLOSING) -> Tls | None:
    """How TLS is spoken to ``address``, where that does not say by ``default``; None if it is not."""
    if not address.is_ssl:
        return None
    # RFC 6066 section 3, and certificates: the name is without the dot that ends it.
    name = address.server_hostname or address.host.rstrip(".")
    return await make_tls(chosen(address, default), name, closing)


async def make_tls(option: TlsOption, server_hostname: str, closing: float = TLS_CLOSING) -> Tls:
    """TLS with a server of that name, verified as ``option`` says."""
    if isinstance(option, ssl_module.SSLContext):
        return Tls(option, server_hostname, closing=closing)
    if isinstance(option, Fingerprint):
        return Tls(await shared_context(is_verified=False), server_hostname, option.check, closing)
    return Tls(await shared_context(is_verified=option is not False), server_hostname, closing=closing)
