"""What goes wrong with TLS: each its documented exception, which says where and when; and nothing is left."""

import asyncio
import pickle
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from pronghorn import (
    ClientConnectionError,
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientError,
    ClientOSError,
    ClientPayloadError,
    ClientResponseError,
    ClientSession,
    ClientSSLError,
    ClientTimeout,
    ConnectionTimeoutError,
    ServerDisconnectedError,
    TCPConnector,
)
from pronghorn.client.errors import cert_errors, cert_errors_bases, ssl_error_bases, ssl_errors

from ..copies import COPIES
from ..tls import (
    client_context,
    demanding_context,
    expired_context,
    self_signed_context,
    server_context,
    untrusted_context,
)
from .listening import text
from .programs import Names, leaving_nothing, scripted_tls
from .scripted import OK, Peer, Script, scripted, until


def connector() -> TCPConnector:
    """Trusts the authority of the tests."""
    return TCPConnector(ssl=client_context(), resolver=Names({"a.test": "127.0.0.1"}))


def session() -> ClientSession:
    return ClientSession(connector=connector())


BAD_CERTIFICATES: dict[str, tuple[Callable[[], ssl.SSLContext], str, str]] = {
    "expired": (expired_context, "127.0.0.1", "certificate has expired"),
    "self-signed": (self_signed_context, "127.0.0.1", "self-signed certificate"),
    "of nobody's authority": (untrusted_context, "127.0.0.1", "unable to get local issuer"),
    "for another name": (lambda: server_context("b.test"), "a.test", "not valid for 'a.test'"),
    "for another address": (lambda: server_context("a.test"), "127.0.0.1", "IP address mismatch"),
    "for a part of the name": (lambda: server_context("test"), "a.test", "not valid for 'a.test'"),
    "for what is above it": (lambda: server_context("*.a.test"), "a.test", "not valid for 'a.test'"),
}


@pytest.mark.parametrize("kind", BAD_CERTIFICATES)
async def test_certificates_that_are_none(kind: str) -> None:
    make, host, why = BAD_CERTIFICATES[kind]
    async with session() as ours, leaving_nothing(), scripted_tls(make()) as server:
        with pytest.raises(ClientConnectorCertificateError) as caught:
            await ours.get(f"https://{host}:{server.port}/")
    error = caught.value
    assert not server.requests
    assert (error.host, error.port, error.ssl) == (host, server.port, True)
    assert (error.phase, error.peer) == ("tls", f"127.0.0.1:{server.port}")
    assert isinstance(error.certificate_error, ssl.SSLCertVerificationError)
    assert error.__cause__ is error.certificate_error
    assert why in str(error)
    assert str(error).startswith(f"Cannot connect to host {host}:{server.port} ssl:True [")
    assert str(error).endswith(f"(tls, 127.0.0.1:{server.port})")
    assert error.verify_code
    assert error.verify_message in str(error)


async def the_error(kind: str) -> ClientError:
    """What a request ends in."""
    async with session() as ours, leaving_nothing():
        if kind == "certificate":
            async with scripted_tls(expired_context()) as server:
                with pytest.raises(ClientError) as caught:
                    await ours.get(f"https://127.0.0.1:{server.port}/")
        else:
            async with scripted(answering_plainly) as server:
                with pytest.raises(ClientError) as caught:
                    await ours.get(f"https://127.0.0.1:{server.port}/")
    return caught.value


async def answering_plainly(peer: Peer) -> None:
    await peer.reader.read(1)
    await peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    peer.close()


@pytest.mark.parametrize("documented", [ClientSSLError, ClientConnectorError, ClientOSError, ssl.SSLError])
@pytest.mark.parametrize("kind", ["certificate", "handshake"])
async def test_what_is_caught_by_its_bases(kind: str, documented: type[Exception]) -> None:
    error = await the_error(kind)
    assert isinstance(error, documented)
    assert isinstance(error, ssl_error_bases)
    assert isinstance(error, ssl_errors)
    assert (
        isinstance(error, cert_errors) == isinstance(error, ssl.CertificateError) == (kind == "certificate")
    )
    assert isinstance(error, cert_errors_bases)  # ClientSSLError is one of them
    assert isinstance(error, ClientConnectorSSLError)
    assert isinstance(error, ClientConnectorCertificateError) == (kind == "certificate")


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("kind", ["certificate", "handshake"])
async def test_copies(kind: str, how: str) -> None:
    error = await the_error(kind)
    copied = COPIES[how](error)
    assert type(copied) is type(error)
    assert str(copied) == str(error)
    assert repr(copied) == repr(error)
    for name in ("host", "port", "phase", "peer", "errno", "strerror", "reason", "library"):
        assert getattr(copied, name, None) == getattr(error, name, None), name


async def test_tls_for_a_plain_server() -> None:
    async with session() as ours, leaving_nothing(), scripted(answering_plainly) as server:
        with pytest.raises(ClientConnectorSSLError) as caught:
            await ours.get(f"https://a.test:{server.port}/")
    error = caught.value
    assert error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")
    assert (error.host, error.port, error.phase) == ("a.test", server.port, "tls")
    assert error.peer == f"127.0.0.1:{server.port}"
    assert f"a.test:{server.port}" in str(error)


async def test_plain_http_for_a_server_of_tls() -> None:
    async with session() as ours, leaving_nothing(), scripted_tls(server_context()) as server:
        # It closes; what it says before, if anything, is no HTTP.
        with pytest.raises((ClientConnectionError, ClientResponseError)):
            await ours.get(f"http://127.0.0.1:{server.port}/")
        assert not server.requests


@pytest.mark.parametrize(
    ("timeout", "name"),
    [
        (ClientTimeout(sock_connect=0.03), "sock_connect"),
        (ClientTimeout(connect=0.03), "connect"),
        (ClientTimeout(total=0.03), "total"),
    ],
)
async def test_a_handshake_that_stalls(timeout: ClientTimeout, name: str) -> None:
    async def stall(peer: Peer) -> None:
        await peer.rest()
        peer.close()

    async with session() as ours, leaving_nothing(), scripted(stall) as server:
        with pytest.raises(TimeoutError) as caught:
            await ours.get(f"https://a.test:{server.port}/", timeout=timeout)
        await until(lambda: server.peers[0].has_left)
    assert isinstance(caught.value, ConnectionTimeoutError) == (name != "total")
    assert str(caught.value) == (
        f"No connection to a.test:{server.port} within 0.03 s ({name}): tls, 127.0.0.1:{server.port}"
    )


@pytest.mark.parametrize("ending", ["close", "reset"])
@pytest.mark.parametrize("begun", [False, True])
async def test_a_connection_that_ends_in_the_handshake(ending: str, begun: bool) -> None:
    async def end(peer: Peer) -> None:
        if begun:
            await peer.reader.read(65536)
            # The head of a record with a ServerHello that does not come.
            await peer.send(b"\x16\x03\x03\x00\x7a\x02\x00")
        getattr(peer, ending)()

    async with session() as ours, leaving_nothing(), scripted(end) as server:
        with pytest.raises(ClientConnectorError) as caught:
            await ours.get(f"https://a.test:{server.port}/")
    error = caught.value
    assert (error.host, error.port, error.phase) == ("a.test", server.port, "tls")
    assert error.peer == f"127.0.0.1:{server.port}"
    assert error.strerror
    assert "None" not in str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


async def test_rubbish_in_the_handshake() -> None:
    async def babble(peer: Peer) -> None:
        await peer.reader.read(1)
        await peer.send(b"\0" * 1000)
        await peer.rest()
        peer.close()

    async with session() as ours, leaving_nothing(), scripted(babble) as server:
        with pytest.raises(ClientConnectorSSLError):
            await ours.get(f"https://a.test:{server.port}/")


async def test_cancelled_in_the_handshake() -> None:
    async def stall(peer: Peer) -> None:
        await peer.rest()
        peer.close()

    connector_ = connector()
    async with (
        ClientSession(connector=connector_) as ours,
        leaving_nothing(),
        scripted(stall) as server,
    ):
        task = asyncio.ensure_future(ours.get(f"https://a.test:{server.port}/"))
        await until(lambda: server.peers)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: server.peers[0].has_left)
        assert connector_.stats().in_use == 0


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_server_that_wants_to_know_its_client(version: ssl.TLSVersion) -> None:
    """In TLS 1.3 it says so after the handshake (RFC 8446 section 4.4.2.4): it is the request that fails."""
    context = client_context()
    context.maximum_version = version
    async with session() as ours, leaving_nothing(), scripted_tls(demanding_context()) as server:
        with pytest.raises(ClientConnectionError) as caught:
            await ours.get(f"https://127.0.0.1:{server.port}/", ssl=context)
        assert not server.requests
    assert isinstance(caught.value, ClientConnectorError) == (version == ssl.TLSVersion.TLSv1_2)


# After the handshake


@asynccontextmanager
async def meeting(*scripts: Script) -> AsyncIterator[tuple[ClientSession, str]]:
    """A session, and the URL of a server of TLS."""
    async with session() as ours, leaving_nothing(), scripted_tls(server_context(), *scripts) as server:
        yield ours, f"https://127.0.0.1:{server.port}/"


def cutting(answer: bytes) -> Script:
    """Answers, and closes the socket without a close_notify."""

    async def script(peer: Peer) -> None:
        await peer.answer(answer)
        peer.writer.transport.abort()

    return script


async def test_an_end_without_a_close_notify() -> None:
    """RFC 9112 section 9.8: what has a length, or chunks, is whole with them, and no sooner."""
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    in_chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"
    for answer in (whole, in_chunks + b"0\r\n\r\n"):
        async with meeting(cutting(answer)) as (ours, url):
            for _ in range(2):
                assert await text(ours, url) == "ok"
    for answer in (whole[:-1], in_chunks):
        async with meeting(cutting(answer)) as (ours, url):
            with pytest.raises(ClientPayloadError):
                await text(ours, url)
    async with meeting(cutting(b"")) as (ours, url):
        with pytest.raises((ServerDisconnectedError, ClientOSError)):
            await text(ours, url)


async def test_a_server_that_takes_no_leave() -> None:
    """Closing TLS waits for the other end's close_notify, but not for long."""
    # A relay between the two ends lets nothing through to the server any more.
    held = asyncio.Event()

    async def relay(peer: Peer) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", behind.port)

        async def forth() -> None:
            while piece := await peer.reader.read(65536):
                if not held.is_set():
                    writer.write(piece)

        async def back() -> None:
            while piece := await reader.read(65536):
                peer.writer.write(piece)

        try:
            await asyncio.gather(forth(), back())
        finally:
            writer.transport.abort()
            peer.close()

    hasty = TCPConnector(ssl=client_context(), ssl_shutdown_timeout=0.05)
    async with (
        leaving_nothing(),
        scripted_tls(server_context(), OK) as behind,
        scripted(relay) as front,
        ClientSession(connector=hasty) as ours,
    ):
        assert await text(ours, f"https://127.0.0.1:{front.port}/") == "ok"
        held.set()
        start = asyncio.get_running_loop().time()
        await ours.close()
        assert asyncio.get_running_loop().time() - start < 1.0


@pytest.mark.parametrize("why", ["force_close", "asked to close"])
async def test_closing_waits_for_those_that_were_closed_before(why: str) -> None:
    """Their close_notify is still under way: when the loop ends, nothing may be open."""

    async def late(peer: Peer) -> None:
        await peer.answer(OK[:-2], OK[-2:])
        await peer.rest()

    hasty = TCPConnector(ssl=client_context(), force_close=why == "force_close")
    headers = {"Connection": "close"} if why == "asked to close" else {}
    async with (
        leaving_nothing(),
        scripted_tls(server_context(), late) as server,
        ClientSession(connector=hasty) as ours,
    ):
        async with ours.get(f"https://127.0.0.1:{server.port}/", headers=headers) as response:
            (connection,) = hasty._connections
            assert await response.text() == "ok"
        await ours.close()
        assert connection.channel.is_lost
