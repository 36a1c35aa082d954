"""How a server is verified: fingerprints, options and what is made of them."""

import asyncio
import hashlib
import itertools
import ssl
import warnings
from typing import Any

import pytest

from pronghorn.client.errors import ServerFingerprintMismatch
from pronghorn.client.tls import VERIFIED, Fingerprint, make_tls, tls_of, tls_option
from pronghorn.io.dial import TLS_CLOSING, Address
from pronghorn.io.tls import shared_context

SHOWN = b"a certificate in its DER form"
DIGEST = hashlib.sha256(SHOWN).digest()
CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


# Fingerprints


def test_a_fingerprint_is_a_value() -> None:
    given: Any = bytearray(DIGEST)
    fingerprint = Fingerprint(given)
    given[0] ^= 1
    assert fingerprint.fingerprint == DIGEST
    given = memoryview(DIGEST)
    assert fingerprint == Fingerprint(given)
    assert hash(fingerprint) == hash(Fingerprint(DIGEST))
    assert fingerprint != Fingerprint(bytes(32))
    assert fingerprint != DIGEST
    assert repr(fingerprint) == f"Fingerprint({DIGEST.hex()})"
    with pytest.raises(AttributeError):
        fingerprint.fingerprint = b""  # type: ignore[misc]  # what is tested


@pytest.mark.parametrize("given", [None, DIGEST.hex(), 32, [1] * 32])
def test_a_fingerprint_is_of_bytes(given: Any) -> None:
    with pytest.raises(TypeError, match=r"^fingerprint: expected bytes, got "):
        Fingerprint(given)


@pytest.mark.parametrize("length", [*range(16), *range(17, 20), *range(21, 32), 33, 48, 64])
def test_a_fingerprint_has_the_length_of_a_digest(length: int) -> None:
    with pytest.raises(ValueError, match=rf"^fingerprint: expected the 32 bytes of a SHA-256, got {length}$"):
        Fingerprint(bytes(length))


@pytest.mark.parametrize(("algorithm", "name"), [("md5", "MD5"), ("sha1", "SHA-1")])
def test_a_weak_fingerprint_is_taken_with_a_warning_that_names_the_risk(algorithm: str, name: str) -> None:
    digest = hashlib.new(algorithm, SHOWN).digest()
    with pytest.warns(
        DeprecationWarning, match=rf"two certificates of one {name} can take the server's place; use SHA-256"
    ) as warned:
        fingerprint = Fingerprint(digest)
    assert warned[0].filename == __file__
    fingerprint.check(shown(SHOWN))
    with pytest.raises(ServerFingerprintMismatch):
        fingerprint.check(shown(b"another"))


class Shown(asyncio.Transport):
    """A transport that knows no more than a certificate and a peer."""

    def __init__(self, certificate: bytes | None, peer: Any) -> None:
        super().__init__({"ssl_object": self, "peername": peer})
        self.certificate = certificate

    def getpeercert(self, binary_form: bool) -> bytes | None:
        assert binary_form
        return self.certificate


def shown(certificate: bytes | None, peer: Any = ("192.0.2.1", 443)) -> asyncio.Transport:
    return Shown(certificate, peer)


def test_the_certificate_that_is_expected() -> None:
    Fingerprint(DIGEST).check(shown(SHOWN))


def test_where_no_tls_is_spoken_there_is_nothing_to_check() -> None:
    Fingerprint(DIGEST).check(asyncio.Transport())


@pytest.mark.parametrize("certificate", [b"another", b"", None])
@pytest.mark.parametrize(
    ("peer", "host", "port"),
    [
        (("192.0.2.1", 443), "192.0.2.1", 443),
        (("2001:db8::1", 443, 0, 0), "2001:db8::1", 443),
        ("/run/server", "/run/server", 0),
        (b"\0abstract", b"\0abstract", 0),
        ("", "", 0),
        (None, "", 0),
    ],
)
def test_another_certificate(certificate: bytes | None, peer: Any, host: Any, port: int) -> None:
    with pytest.raises(ServerFingerprintMismatch) as caught:
        Fingerprint(DIGEST).check(shown(certificate, peer))
    error = caught.value
    assert (error.expected, error.got) == (DIGEST, hashlib.sha256(certificate or b"").digest())
    assert (error.host, error.port) == (host, port)


# Options


SINGLE: dict[str, tuple[Any, Any, str]] = {
    "verify_ssl": (False, False, "ssl=False"),
    "ssl_context": (CONTEXT, CONTEXT, "ssl=ssl_context"),
    "fingerprint": (DIGEST, Fingerprint(DIGEST), "ssl=Fingerprint(fingerprint)"),
}
SSL = [False, CONTEXT, Fingerprint(DIGEST)]


@pytest.mark.parametrize("option", [True, *SSL])
def test_the_option_itself(option: Any) -> None:
    assert tls_option(option) is option


def test_none_is_what_true_was() -> None:
    assert tls_option(None) is True


def test_who_asks_for_verification_gets_it() -> None:
    assert tls_option(True, True) == VERIFIED
    assert tls_option(None, True) == VERIFIED


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("verify_ssl", [None, True])
def test_an_older_name(name: str, verify_ssl: bool | None) -> None:
    given, option, successor = SINGLE[name]

    def called() -> Any:
        return tls_option(True, **{"verify_ssl": verify_ssl, name: given})

    with pytest.warns(DeprecationWarning, match=name) as warned:
        made = called()
    assert made == option
    assert [str(warning.message) for warning in warned] == [f"{name} is deprecated: use {successor}"]
    assert warned[0].filename == __file__


@pytest.mark.parametrize(
    "names", [names for count in (2, 3, 4) for names in itertools.combinations([*SINGLE, "ssl"], count)]
)
@pytest.mark.parametrize("ssl_given", SSL, ids=["False", "context", "fingerprint"])
def test_any_two_exclude_each_other(names: tuple[str, ...], ssl_given: Any) -> None:
    given = {name: SINGLE[name][0] for name in names if name != "ssl"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="are mutually exclusive: expected one of them") as caught:
            tls_option(ssl_given if "ssl" in names else True, **given)
    assert set(str(caught.value).split(" are ")[0].split(" and ")) == set(names)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"ssl": "yes"}, "ssl"),
        ({"ssl": 0}, "ssl"),
        ({"ssl": 1}, "ssl"),
        ({"ssl": DIGEST}, "ssl"),
        ({"ssl": VERIFIED}, "ssl"),
        ({"ssl_context": False}, "ssl_context"),
        ({"ssl_context": "file"}, "ssl_context"),
    ],
)
def test_what_is_no_option(given: dict[str, Any], name: str) -> None:
    with pytest.raises(TypeError, match=rf"^{name}: expected an SSLContext"):
        tls_option(**{"ssl": True, **given})


# What is made of them


@pytest.mark.parametrize("option", [True, VERIFIED])
async def test_verified_by_the_trust_of_the_system(option: Any) -> None:
    tls = await make_tls(option, "host.test")
    assert tls.context is await shared_context(is_verified=True)
    assert (tls.server_hostname, tls.check, tls.closing) == ("host.test", None, TLS_CLOSING)


async def test_not_verified() -> None:
    tls = await make_tls(False, "host.test")
    assert tls.context is await shared_context(is_verified=False)
    assert tls.check is None


async def test_verified_by_a_context() -> None:
    tls = await make_tls(CONTEXT, "host.test", 0.5)
    assert (tls.context, tls.server_hostname, tls.check, tls.closing) == (CONTEXT, "host.test", None, 0.5)


async def test_verified_by_a_fingerprint() -> None:
    tls = await make_tls(Fingerprint(DIGEST), "host.test")
    assert tls.context is await shared_context(is_verified=False)
    assert tls.check is not None
    tls.check(shown(SHOWN))
    with pytest.raises(ServerFingerprintMismatch):
        tls.check(shown(b"another"))


async def test_no_tls_is_spoken_where_the_address_says_so() -> None:
    assert await tls_of(Address("host.test", 80, False, CONTEXT), True) is None


@pytest.mark.parametrize(
    ("host", "server_hostname", "name"),
    [
        ("host.test", None, "host.test"),
        ("host.test.", None, "host.test"),  # RFC 6066 section 3
        ("host.test", "other.test", "other.test"),
        ("192.0.2.1", None, "192.0.2.1"),
        ("2001:db8::1", None, "2001:db8::1"),
    ],
)
async def test_the_name_that_is_asked_for(host: str, server_hostname: str | None, name: str) -> None:
    tls = await tls_of(Address(host, 443, True, server_hostname=server_hostname), CONTEXT)
    assert tls is not None
    assert tls.server_hostname == name


@pytest.mark.parametrize(
    ("own", "default", "expected"),
    [
        (True, CONTEXT, CONTEXT),
        (True, False, False),
        (True, True, True),
        (False, True, False),
        (False, CONTEXT, False),
        (CONTEXT, False, CONTEXT),
        (CONTEXT, Fingerprint(DIGEST), CONTEXT),
        (VERIFIED, False, True),
        (VERIFIED, CONTEXT, True),
        (VERIFIED, Fingerprint(DIGEST), True),
    ],
)
async def test_what_a_request_says_counts_before_its_connector(own: Any, default: Any, expected: Any) -> None:
    tls = await tls_of(Address("host.test", 443, True, own), default)
    assert tls is not None
    assert tls.context is (expected if expected is CONTEXT else await shared_context(is_verified=expected))
    assert tls.check is None
