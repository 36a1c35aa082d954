"""TLS, as a request asks for it."""

import ssl
from itertools import combinations
from typing import Any

import pytest

from pronghorn import (
    ClientConnectorCertificateError,
    ClientSession,
    Fingerprint,
    FingerprintMismatch,
    TCPConnector,
)

from ..functional.programs import scripted_tls
from ..functional.scripted import Scripted
from ..tls import certificate, client_context, digest, expired_context, server_context

older_names = pytest.mark.filterwarnings("ignore:.* is deprecated. use ssl=:DeprecationWarning")
WRONG = bytes(32)


def url(server: Scripted) -> str:
    return f"https://127.0.0.1:{server.port}/"


async def outcome(server: Scripted, connector: dict[str, Any], **options: Any) -> str:
    """What a request gets, or the name of what it ends in."""
    async with ClientSession(connector=TCPConnector(**connector)) as session:
        try:
            async with session.get(url(server), **options) as response:
                return await response.text()
        except (ClientConnectorCertificateError, FingerprintMismatch) as error:
            return type(error).__name__


async def test_s068_verify_ssl() -> None:
    async with scripted_tls(server_context()) as server, ClientSession() as session:
        for unset in ({}, {"verify_ssl": None}, {"verify_ssl": True}):
            with pytest.raises(ClientConnectorCertificateError):
                await session.get(url(server), **unset)
        with pytest.warns(DeprecationWarning, match="verify_ssl is deprecated: use ssl=False"):
            assert await (await session.get(url(server), verify_ssl=False)).text() == "ok"
        assert await (await session.get(url(server), ssl=False)).text() == "ok"
        with pytest.raises(
            ClientConnectorCertificateError
        ):  # by no connection of those that were not verified
            await session.get(url(server))


async def test_s069_fingerprint() -> None:
    pin = digest(certificate())
    assert len(pin) == 32
    async with scripted_tls(server_context()) as server, ClientSession() as session:
        with pytest.warns(DeprecationWarning, match=r"fingerprint is deprecated: use ssl=Fingerprint"):
            assert await (await session.get(url(server), fingerprint=pin)).text() == "ok"
        assert await (await session.get(url(server), ssl=Fingerprint(pin))).text() == "ok"
        with (
            pytest.warns(DeprecationWarning, match="fingerprint"),
            pytest.raises(FingerprintMismatch) as caught,
        ):
            await session.get(url(server), fingerprint=WRONG)
        error = caught.value
        assert (error.expected, error.got) == (WRONG, pin)
        assert (error.host, error.port) == ("127.0.0.1", server.port)
        for length in (0, 31, 64):
            with (
                pytest.warns(DeprecationWarning, match="fingerprint"),
                pytest.raises(ValueError, match=f"32 bytes of a SHA-256, got {length}"),
            ):
                await session.get(url(server), fingerprint=bytes(length))
        with pytest.raises(TypeError, match="fringerprint"):
            await session.get(url(server), fringerprint=pin)  # type: ignore[call-arg]  # as it was once spelt
    assert len(server.requests) == 2


async def test_s070_ssl_context() -> None:
    async with scripted_tls(server_context()) as server, ClientSession() as session:
        with pytest.warns(DeprecationWarning, match="ssl_context is deprecated: use ssl=ssl_context"):
            assert await (await session.get(url(server), ssl_context=client_context())).text() == "ok"
        assert await (await session.get(url(server), ssl=client_context())).text() == "ok"
        others = ssl.create_default_context()
        with (
            pytest.warns(DeprecationWarning, match="ssl_context"),
            pytest.raises(ClientConnectorCertificateError),
        ):
            await session.get(url(server), ssl_context=others)
        with pytest.raises(TypeError, match="ssl_context"):
            await session.get(url(server), ssl_context="mine")  # type: ignore[arg-type]  # what is tested


@older_names
async def test_s072_a_request_overrides_its_connector() -> None:
    refused, mismatch = "ClientConnectorCertificateError", "ServerFingerprintMismatch"
    pin, others = digest(certificate()), ssl.create_default_context()
    async with scripted_tls(server_context()) as server:
        for connector, own, request, overridden in (
            ({}, refused, {"verify_ssl": False}, "ok"),
            ({}, refused, {"fingerprint": pin}, "ok"),
            ({}, refused, {"ssl_context": client_context()}, "ok"),
            ({"verify_ssl": False}, "ok", {"verify_ssl": True}, refused),
            ({"verify_ssl": False}, "ok", {"fingerprint": WRONG}, mismatch),
            ({"verify_ssl": False}, "ok", {"ssl_context": others}, refused),
            ({"fingerprint": WRONG}, mismatch, {"verify_ssl": False}, "ok"),
            ({"fingerprint": WRONG}, mismatch, {"fingerprint": pin}, "ok"),
            ({"ssl_context": client_context()}, "ok", {"ssl_context": others}, refused),
            ({"ssl": client_context()}, "ok", {"ssl": Fingerprint(WRONG)}, mismatch),
            ({"ssl": False}, "ok", {"ssl": True}, "ok"),  # the default of both: it asks for nothing
        ):
            case: tuple[Any, ...] = (connector, request)
            assert (case, await outcome(server, connector)) == (case, own)
            assert (case, await outcome(server, connector, **request)) == (case, overridden)


@older_names
async def test_s073_they_are_mutually_exclusive() -> None:
    given = {
        "verify_ssl": False,
        "fingerprint": WRONG,
        "ssl_context": client_context(),
        "ssl": Fingerprint(WRONG),
    }
    async with scripted_tls(server_context()) as server, ClientSession() as session:
        for one, two in combinations(given, 2):
            pair: dict[str, Any] = {one: given[one], two: given[two]}
            with pytest.raises(ValueError, match="mutually exclusive") as caught:
                await session.get(url(server), **pair)
            assert {*str(caught.value).partition(" are ")[0].split(" and ")} == {one, two}
            with pytest.raises(ValueError, match="mutually exclusive"):
                TCPConnector(**pair)
        both = {"verify_ssl": True, "ssl_context": client_context()}
        assert await outcome(server, both) == await outcome(server, {}, **both) == "ok"


@older_names
@pytest.mark.parametrize(("algorithm", "name"), [("md5", "MD5"), ("sha1", "SHA-1")])
async def test_s074_weak_digests_work_with_a_warning(algorithm: str, name: str) -> None:
    pin = digest(certificate(), algorithm)
    async with scripted_tls(server_context()) as server:
        for expected, result in ((pin, "ok"), (bytes(len(pin)), "ServerFingerprintMismatch")):
            with pytest.warns(DeprecationWarning, match=f"two certificates of one {name}.*use SHA-256"):
                assert await outcome(server, {}, fingerprint=expected) == result
        with pytest.warns(DeprecationWarning, match=f"two certificates of one {name}"):
            fingerprint = Fingerprint(pin)
        assert await outcome(server, {}, ssl=fingerprint) == "ok"


async def test_s075_certificates_are_verified_by_default() -> None:
    refused = "ClientConnectorCertificateError"
    for shown, is_known in (
        (server_context(), True),
        (server_context("other.example"), False),
        (expired_context(), False),
    ):
        async with scripted_tls(shown) as server:
            assert await outcome(server, {}) == refused
            assert not server.requests
            assert await outcome(server, {"ssl": client_context()}) == ("ok" if is_known else refused)
