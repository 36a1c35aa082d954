"""Certificates for tests: one authority for the whole run, and contexts of servers and clients on top of it.

Nothing is left on the disk, and nothing is made before it is asked for. Contexts of servers are made once
for the same names; those of a client are new with each call, so a test may change them.
"""

import hashlib
import ssl
from datetime import UTC, datetime
from functools import cache

import trustme

#: What a server on the loopback interface is called by.
LOCAL = ("localhost", "127.0.0.1", "::1")
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_NOT_SO_LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


@cache
def authority() -> trustme.CA:
    """Who vouches for the certificates of this run; ``cert_pem.bytes()`` is what to trust."""
    return trustme.CA()


@cache
def certificate(*names: str) -> trustme.LeafCert:
    """A valid certificate for ``names``, hosts or addresses; without any for `LOCAL`."""
    return authority().issue_cert(*(names or LOCAL))


@cache
def expired_certificate(*names: str) -> trustme.LeafCert:
    """As `certificate`, and out of date since 2001."""
    return authority().issue_cert(*(names or LOCAL), not_before=_LONG_AGO, not_after=_NOT_SO_LONG_AGO)


@cache
def server_context(*names: str) -> ssl.SSLContext:
    """A server that shows `certificate`."""
    return _serving(certificate(*names))


@cache
def expired_context(*names: str) -> ssl.SSLContext:
    """A server that shows `expired_certificate`."""
    return _serving(expired_certificate(*names))


@cache
def untrusted_context(*names: str) -> ssl.SSLContext:
    """A server whose certificate is of an authority that nobody trusts."""
    return _serving(trustme.CA().issue_cert(*(names or LOCAL)))


@cache
def self_signed_certificate() -> trustme.LeafCert:
    """Nobody vouches for it but itself."""
    alone = trustme.CA()
    return trustme.LeafCert(alone.private_key_pem.bytes(), alone.cert_pem.bytes(), [])


@cache
def self_signed_context() -> ssl.SSLContext:
    """A server that shows `self_signed_certificate`."""
    return _serving(self_signed_certificate())


def demanding_context(*names: str) -> ssl.SSLContext:
    """As `server_context`, and clients have to show a certificate of `authority`, too."""
    context = _serving(certificate(*names))
    context.verify_mode = ssl.CERT_REQUIRED
    authority().configure_trust(context)
    return context


def client_context() -> ssl.SSLContext:
    """A client that trusts `authority` and nobody else."""
    return ssl.create_default_context(cadata=authority().cert_pem.bytes().decode("ascii"))


def known_client_context() -> ssl.SSLContext:
    """As `client_context`, with a certificate of its own to show."""
    context = client_context()
    authority().issue_cert("client@pronghorn.test").configure_cert(context)
    return context


def digest(shown: trustme.LeafCert, algorithm: str = "sha256") -> bytes:
    """The digest of a certificate in its DER form."""
    pem = shown.cert_chain_pems[0].bytes().decode("ascii")
    return hashlib.new(algorithm, ssl.PEM_cert_to_DER_cert(pem), usedforsecurity=False).digest()


def _serving(shown: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.configure_cert(context)
    return context
