"""How a server is verified, by every way to say it, and which requests share a connection."""

import asyncio
import itertools
import ssl
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pronghorn import (
    ClientConnectionError,
    ClientConnectorCertificateError,
    ClientSession,
    Fingerprint,
    ServerFingerprintMismatch,
    TCPConnector,
    UnixConnector,
)
from pronghorn.client.errors import FingerprintMismatch

from ..copies import COPIES
from ..tls import (
    authority,
    certificate,
    client_context,
    demanding_context,
    digest,
    expired_certificate,
    expired_context,
    known_client_context,
    self_signed_certificate,
    self_signed_context,
    server_context,
    untrusted_context,
)
from .listening import text
from .programs import Names, leaving_nothing, scripted_tls
from .scripted import OK, Peer, Scripted, scripted, until

NAMES = dict.fromkeys(("a.test", "a.test.", "b.test", "b.test."), "127.0.0.1")


def connector(**options: Any) -> TCPConnector:
    return TCPConnector(resolver=Names(NAMES), **options)


def url(server: Scripted, host: str = "127.0.0.1") -> str:
    return f"https://{host}:{server.port}/"


@asynccontextmanager
async def meeting(context: ssl.SSLContext, **options: Any) -> AsyncIterator[tuple[ClientSession, Scripted]]:
    """A server, and a session whose connector has ``options``."""
    async with scripted_tls(context) as server, ClientSession(connector=connector(**options)) as session:
        yield session, server


def in_memory() -> ssl.SSLContext:
    """Trusts an authority that is on no disk."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=authority().cert_pem.bytes().decode("ascii"))
    return context


# What makes a request succeed


async def test_false_takes_any_certificate() -> None:
    for context in (
        expired_context(),
        self_signed_context(),
        untrusted_context(),
        server_context("other.test"),
    ):
        async with meeting(context) as (session, server):
            assert await text(session, url(server, "a.test"), ssl=False) == "ok"
        async with meeting(context, ssl=False) as (session, server):
            assert await text(session, url(server, "a.test")) == "ok"


async def test_a_context_of_a_request_and_of_a_connector() -> None:
    for context in (in_memory(), client_context()):
        async with meeting(server_context()) as (session, server):
            with pytest.raises(ClientConnectorCertificateError):
                await text(session, url(server))
            assert await text(session, url(server), ssl=context) == "ok"
        async with meeting(server_context(), ssl=context) as (session, server):
            assert await text(session, url(server)) == "ok"


async def test_a_request_counts_before_its_connector() -> None:
    async with meeting(untrusted_context(), ssl=client_context()) as (session, server):
        assert await text(session, url(server), ssl=False) == "ok"
        with pytest.raises(ClientConnectorCertificateError):
            await text(session, url(server))
    async with meeting(untrusted_context(), ssl=False) as (session, server):
        assert await text(session, url(server)) == "ok"
        with pytest.raises(ClientConnectorCertificateError):
            await text(session, url(server), ssl=client_context())


async def test_a_context_is_the_users_to_make() -> None:
    """Nothing is changed in it, nor is it more lenient than it says."""
    context = client_context()
    before = (context.verify_mode, context.check_hostname, context.options, len(context.get_ca_certs()))
    context.check_hostname = False
    async with meeting(server_context("other.test"), ssl=context) as (session, server):
        assert await text(session, url(server, "a.test")) == "ok"
    context.check_hostname = True
    assert before == (
        context.verify_mode,
        context.check_hostname,
        context.options,
        len(context.get_ca_certs()),
    )


async def test_a_client_certificate() -> None:
    async with meeting(demanding_context()) as (session, server):
        assert await text(session, url(server), ssl=known_client_context()) == "ok"
        # A connection of somebody who is known is for nobody else.
        with pytest.raises(ClientConnectionError):
            await text(session, url(server), ssl=client_context())


# Fingerprints


async def test_a_fingerprint_is_all_that_is_asked_for() -> None:
    shown = [
        (expired_context(), expired_certificate()),
        (self_signed_context(), self_signed_certificate()),
        (server_context(), certificate()),
    ]
    for context, leaf in shown:
        pin = Fingerprint(digest(leaf))
        async with meeting(context) as (session, server):
            assert await text(session, url(server, "a.test"), ssl=pin) == "ok"
        async with meeting(context, ssl=pin) as (session, server):
            assert await text(session, url(server, "a.test")) == "ok"


@pytest.mark.parametrize(("algorithm", "name"), [("md5", "MD5"), ("sha1", "SHA-1")])
async def test_weak_fingerprints(algorithm: str, name: str) -> None:
    with pytest.warns(DeprecationWarning, match=f"two certificates of one {name} .*; use SHA-256"):
        right = Fingerprint(digest(certificate(), algorithm))
    with pytest.warns(DeprecationWarning, match=name):
        wrong = Fingerprint(digest(certificate("a.test"), algorithm))
    async with meeting(server_context()) as (session, server):
        assert await text(session, url(server), ssl=right) == "ok"
        with pytest.raises(ServerFingerprintMismatch) as caught:
            await text(session, url(server), ssl=wrong)
        assert caught.value.got == right.fingerprint


async def mismatch(addresses: str | list[str] = "127.0.0.1") -> tuple[ServerFingerprintMismatch, int]:
    expected = digest(certificate("a.test"))
    resolver = Names({"a.test": addresses})
    ours = TCPConnector(resolver=resolver, ssl=Fingerprint(expected))
    async with (
        ClientSession(connector=ours) as session,
        leaving_nothing(),
        scripted_tls(server_context()) as server,
    ):
        with pytest.raises(ServerFingerprintMismatch) as caught:
            await text(session, url(server, "a.test"))
        assert not server.requests
    return caught.value, server.port


async def test_another_certificate_than_expected() -> None:
    error, port = await mismatch()
    expected, got = digest(certificate("a.test")), digest(certificate())
    assert (error.expected, error.got) == (expected, got)
    assert (error.host, error.port) == ("127.0.0.1", port)
    assert isinstance(error, ClientConnectionError)
    assert type(error) is FingerprintMismatch
    for part in (expected.hex(), got.hex(), f"127.0.0.1:{port}"):
        assert part in str(error)
    for copied in (copy(error) for copy in COPIES.values()):
        assert (copied.expected, copied.got, copied.host, copied.port) == (expected, got, "127.0.0.1", port)
        assert str(copied) == str(error)


@pytest.mark.parametrize("addresses", [*itertools.permutations(["127.0.0.1", "127.0.0.2", "::1"])], ids=str)
async def test_a_mismatch_counts_for_more_than_addresses_that_are_dead(addresses: tuple[str, ...]) -> None:
    """Nobody listens on the other two."""
    error, port = await mismatch(list(addresses))
    assert (error.host, error.port) == ("127.0.0.1", port)
    assert error.got == digest(certificate())


@pytest.mark.parametrize("is_first", [True, False])
async def test_a_mismatch_counts_for_more_than_a_server_that_is_none(is_first: bool) -> None:
    """What fails with another address, before or after it, tells less."""

    async def leave(peer: Peer) -> None:
        peer.close()

    async with scripted_tls(server_context()) as other, scripted(leave) as none:
        addresses = [f"127.0.0.1:{other.port}", f"127.0.0.1:{none.port}"]
        resolver = Names({"a.test": addresses if is_first else addresses[::-1]})
        ours = TCPConnector(resolver=resolver, ssl=Fingerprint(digest(certificate("a.test"))))
        async with ClientSession(connector=ours) as session:
            with pytest.raises(ServerFingerprintMismatch) as caught:
                await text(session, "https://a.test/")
        assert caught.value.port == other.port
        await until(lambda: len(none.peers) == 1)


# Names


async def names_seen(
    session: ClientSession, requests: Callable[[Scripted], list[tuple[str, dict[str, Any]]]]
) -> Any:
    """The names that a server is asked for, one for each connection."""
    seen: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate("a.test", "b.test", "127.0.0.1").configure_cert(context)
    context.sni_callback = lambda _object, name, _context: seen.append(name)
    async with scripted_tls(context) as server:
        for address, options in requests(server):
            assert await text(session, address, **options) == "ok"
        fields = [request.fields["Host"] for request in server.requests]
    return seen, [field.rpartition(":")[0] for field in fields]


async def test_the_name_that_is_asked_for() -> None:
    async with ClientSession(connector=connector(ssl=client_context())) as session:
        seen, hosts = await names_seen(
            session,
            lambda server: [
                (url(server, "a.test"), {}),
                (url(server, "a.test."), {}),
                (url(server, "A.TEST"), {}),
                (url(server, "b.test"), {"server_hostname": "a.test"}),
                (url(server, "127.0.0.1"), {}),
            ],
        )
    # RFC 6066 section 3: without the dot, and no addresses.
    assert seen == ["a.test", "a.test", "a.test", None]
    assert hosts == ["a.test", "a.test", "a.test", "b.test", "127.0.0.1"]


async def test_two_names_never_share_a_connection() -> None:
    """CVE-2026-54275."""
    async with ClientSession(connector=connector(ssl=client_context())) as session:
        again = [{"server_hostname": "a.test"}, {"server_hostname": "b.test"}, {}]
        seen, hosts = await names_seen(
            session, lambda server: [(url(server, "a.test"), options) for options in again * 2]
        )
    assert seen == ["a.test", "b.test", "a.test"]
    assert hosts == ["a.test"] * 6


async def test_the_name_is_verified() -> None:
    async with meeting(server_context("a.test"), ssl=client_context()) as (session, server):
        with pytest.raises(ClientConnectorCertificateError, match=r"not valid for 'b\.test'"):
            await text(session, url(server, "a.test"), server_hostname="b.test")
        with pytest.raises(ClientConnectorCertificateError, match=r"not valid for 'b\.test'"):
            await text(session, url(server, "b.test."))


# Which requests share a connection


def ways() -> dict[str, dict[str, Any]]:
    """Options that each ask for something else, all of which a server with `certificate` passes."""
    context = client_context()
    return {
        "context": {"ssl": context},
        "another context": {"ssl": client_context()},
        "none": {"ssl": False},
        "fingerprint": {"ssl": Fingerprint(digest(certificate("a.test", "b.test")))},
        "name": {"ssl": context, "server_hostname": "b.test"},
        "another name": {"ssl": False, "server_hostname": "b.test"},
        "by default": {},
    }


async def test_every_option_has_its_own_connections() -> None:
    context = server_context("a.test", "b.test")
    options = ways()
    async with meeting(context, ssl=client_context()) as (session, server):
        for _ in range(2):
            for own in options.values():
                assert await text(session, url(server, "a.test"), **own) == "ok"
        assert len(server.peers) == len(options)
        assert [len(peer.requests) for peer in server.peers] == [2] * len(options)


async def test_equal_fingerprints_share() -> None:
    async with meeting(server_context()) as (session, server):
        for _ in range(3):
            assert await text(session, url(server), ssl=Fingerprint(digest(certificate()))) == "ok"
        assert len(server.peers) == 1


async def test_what_was_not_verified_is_never_used_by_who_wants_it() -> None:
    async with meeting(untrusted_context()) as (session, server):
        for _ in range(2):
            assert await text(session, url(server), ssl=False) == "ok"
            with pytest.raises(ClientConnectorCertificateError):
                await text(session, url(server))
        assert len(server.peers) == 1


async def test_what_was_verified_is_not_used_by_who_does_not_care() -> None:
    async with meeting(server_context(), ssl=client_context()) as (session, server):
        assert await text(session, url(server)) == "ok"
        assert await text(session, url(server), ssl=False) == "ok"
        assert len(server.peers) == 2


async def test_a_plain_request_has_no_options_of_tls() -> None:
    async with scripted(OK) as server, ClientSession() as session:
        for own in ({}, {"ssl": False}, {"ssl": client_context()}, {"server_hostname": "a.test"}):
            assert await text(session, server.url(), **own) == "ok"
        assert len(server.peers) == 1


# The older names


OLDER = ("verify_ssl", "ssl_context", "fingerprint")


def older() -> dict[str, tuple[dict[str, Any], str]]:
    """What to say by each, and what is said by now."""
    return {
        "verify_ssl": ({"verify_ssl": False}, "ssl=False"),
        "ssl_context": ({"ssl_context": client_context()}, "ssl=ssl_context"),
        "fingerprint": ({"fingerprint": digest(certificate())}, r"ssl=Fingerprint\(fingerprint\)"),
    }


@pytest.mark.parametrize("name", OLDER)
async def test_older_names(name: str) -> None:
    options, successor = older()[name]
    warning = f"{name} is deprecated: use {successor}"
    async with meeting(server_context()) as (session, server):
        with pytest.warns(DeprecationWarning, match=warning) as told:
            assert await text(session, url(server), **options) == "ok"
        assert len(told) == 1
    with pytest.warns(DeprecationWarning, match=warning) as told:
        ours = TCPConnector(**options)
    assert told[0].filename == __file__
    async with ClientSession(connector=ours) as session, scripted_tls(server_context()) as server:
        assert await text(session, url(server)) == "ok"
    assert getattr(ours, name) == options[name]


async def test_older_names_count_before_the_connector() -> None:
    async with meeting(untrusted_context(), ssl=False) as (session, server):
        assert await text(session, url(server)) == "ok"
        with pytest.raises(ClientConnectorCertificateError):
            await text(session, url(server), verify_ssl=True)
        with (
            pytest.warns(DeprecationWarning, match="ssl_context"),
            pytest.raises(ClientConnectorCertificateError),
        ):
            await text(session, url(server), ssl_context=client_context())
        with (
            pytest.warns(DeprecationWarning, match="fingerprint"),
            pytest.raises(ServerFingerprintMismatch),
        ):
            await text(session, url(server), fingerprint=digest(certificate()))


@pytest.mark.parametrize(
    "names", [pair for count in (2, 3) for pair in itertools.combinations([*OLDER, "ssl"], count)]
)
async def test_only_one_of_them(names: tuple[str, ...]) -> None:
    options: dict[str, Any] = {"ssl": False} if "ssl" in names else {}
    for name in names:
        options |= older()[name][0] if name != "ssl" else {}
    with pytest.raises(ValueError, match="mutually exclusive"):
        connector(**options)
    async with ClientSession(connector=connector()) as session:
        with pytest.raises(ValueError, match="mutually exclusive"):
            await session.get("https://127.0.0.1:1/", **options)


@pytest.mark.parametrize(
    "options",
    [
        {"ssl": "yes"},
        {"ssl": 1},
        {"ssl": 0},
        {"ssl": b""},
        {"ssl_context": True},
        {"ssl_context": "file"},
        {"fingerprint": "ab" * 32},
        {"fingerprint": 32},
    ],
    ids=str,
)
async def test_what_is_no_option(options: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with pytest.raises(TypeError):
            connector(**options)
        async with ClientSession(connector=connector()) as session:
            with pytest.raises(TypeError):
                await session.get("https://127.0.0.1:1/", **options)


async def test_none_is_the_default() -> None:
    """It was, once."""
    async with meeting(server_context(), ssl=client_context()) as (session, server):
        assert await text(session, url(server)) == "ok"
        assert await text(session, url(server), ssl=None) == "ok"
        assert len(server.peers) == 1


@pytest.mark.parametrize("length", [0, 1, 15, 31, 33, 64])
async def test_a_fingerprint_of_no_digest(length: int) -> None:
    with pytest.raises(ValueError, match="expected the 32 bytes of a SHA-256"):
        Fingerprint(bytes(length))


async def test_a_unix_socket_by_tls(tmp_path: Any) -> None:
    path = str(tmp_path / "socket")
    server = Scripted((OK,))
    listener = await asyncio.start_unix_server(server.serve, path, ssl=server_context("a.test"))
    async with ClientSession(connector=UnixConnector(path, ssl=client_context())) as session:
        try:
            assert await text(session, "https://a.test/") == "ok"
            assert await text(session, "https://a.test/", ssl=False) == "ok"
            assert len(server.peers) == 2
            with pytest.raises(ClientConnectorCertificateError) as caught:
                await text(session, "https://b.test/")
            assert caught.value.peer == path
        finally:
            listener.close()
            await server.stop()
