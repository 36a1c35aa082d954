"""Exceptions: raised for real where a server can bring them about."""

import asyncio
import errno
import gzip
import json
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from multidict import CIMultiDictProxy
from yarl import URL

import pronghorn
from pronghorn import ClientSession, ClientTimeout, TCPConnector
from pronghorn.client.request_info import ConnectionKey

from ..functional.programs import Names, scripted_tls
from ..functional.scripted import PATIENCE, Peer, answering, scripted, silent, until
from ..tls import certificate, client_context, digest, expired_context, server_context, untrusted_context

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
NOT_FOUND = b"HTTP/1.1 404 Not Here\r\nX-Two: 1\r\nx-two: 2\r\nContent-Length: 2\r\n\r\nno"
SHORT = 0.02
#: Of errors that are built here.
KEY = ConnectionKey("example.com", 443, True, True, None, None, None)
REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "refused")


async def failure(*pieces: bytes, then: str = "stay") -> Exception:
    """What a GET ends in that is answered with ``pieces``, and read."""

    async def read() -> None:
        async with session.get(server.url()) as response:
            response.raise_for_status()
            await response.read()

    async with (
        asyncio.timeout(PATIENCE),
        scripted(answering(*pieces, then=then)) as server,
        ClientSession() as session,
    ):
        with pytest.raises(pronghorn.ClientError) as caught:
            await read()
    return caught.value


async def failure_to_reach(url: Any) -> Exception:
    """What a GET ends in that comes to no server."""
    async with ClientSession() as session:
        with pytest.raises(pronghorn.ClientError) as caught:
            await session.get(url)
    return caught.value


@contextmanager
def deaf_port() -> Iterator[int]:
    """A port where nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


async def refusal() -> Exception:
    with deaf_port() as port:
        return await failure_to_reach(f"http://127.0.0.1:{port}/")


async def timeout_of_reading() -> Exception:
    """What a GET ends in that is not answered in time."""
    async with scripted(silent) as server, ClientSession() as session:
        with pytest.raises(pronghorn.ClientError) as caught:
            await session.get(server.url(), timeout=ClientTimeout(sock_read=SHORT))
    return caught.value


async def timeout_of_connecting() -> Exception:
    """What a GET ends in that gets no connection in time: another request has the only one."""
    async with scripted(silent) as server, ClientSession(connector=TCPConnector(limit=1)) as session:
        first = asyncio.create_task(session.get(server.url()))
        await until(lambda: server.requests)
        with pytest.raises(pronghorn.ClientError) as caught:
            await session.get(server.url(), timeout=ClientTimeout(connect=SHORT))
        first.cancel()
        await asyncio.wait([first])
    return caught.value


async def failure_while_sending() -> Exception:
    """What a POST ends in whose server goes away while its body is sent."""

    async def rude(peer: Peer) -> None:
        await peer.head()
        peer.reset()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536

    async with scripted(rude) as server, ClientSession() as session:
        with pytest.raises(pronghorn.ClientError) as caught:
            await session.post(server.url(), data=endless())
    return caught.value


@asynccontextmanager
async def answered(answer: bytes) -> AsyncIterator[pronghorn.ClientResponse]:
    async with (
        scripted(answer) as server,
        ClientSession() as session,
        session.get(server.url("/asked?q#part")) as response,
    ):
        yield response


async def failure_of_tls(
    context: ssl.SSLContext | None, host: str = "127.0.0.1", **options: Any
) -> tuple[Any, int]:
    """What a GET by TLS ends in, and the port of the server; without a context that speaks plain HTTP."""

    async def plain(peer: Peer) -> None:
        await peer.send(NOT_FOUND)
        await peer.rest()

    running = scripted(plain) if context is None else scripted_tls(context)
    connector = TCPConnector(ssl=client_context(), resolver=Names({"a.test": "127.0.0.1"}))
    async with running as server, ClientSession(connector=connector) as session:
        with pytest.raises(pronghorn.ClientError) as caught:
            await session.get(f"https://{host}:{server.port}/", **options)
    return caught.value, server.port


async def test_s262_client_error_is_the_base() -> None:
    assert pronghorn.ClientError.__bases__ == (Exception,)
    for pieces, then in [
        ((NOT_FOUND,), "stay"),
        ((b"garbage\r\n\r\n",), "stay"),
        ((HEAD + b"Content-Length: 5\r\n\r\n", b"abc"), "close"),
        ((), "close"),
        ((), "reset"),
    ]:
        assert isinstance(await failure(*pieces, then=then), pronghorn.ClientError)
    for error in (await refusal(), await failure_to_reach("http://"), await failure_while_sending()):
        assert isinstance(error, pronghorn.ClientError)


@pytest.mark.parametrize("is_read_as_stream", [False, True])
@pytest.mark.parametrize(
    ("head", "body", "then"),
    [
        (b"Content-Encoding: gzip\r\nContent-Length: 4\r\n", b"nope", "stay"),
        (b"Content-Encoding: deflate\r\nContent-Length: 4\r\n", b"\xff\xff\xff\xff", "stay"),
        (b"Content-Encoding: gzip\r\nContent-Length: 15\r\n", gzip.compress(b"whole", mtime=0)[:15], "stay"),
        (b"Content-Encoding: deflate\r\nContent-Length: 5\r\n", zlib.compress(b"whole")[:5], "stay"),
        (b"Transfer-Encoding: chunked\r\n", b"x\r\n", "stay"),
        (b"Transfer-Encoding: chunked\r\n", b"2\r\nokXX", "stay"),
        (b"Transfer-Encoding: chunked\r\n", b"2\r\nok\r\n", "close"),
        (b"Content-Length: 5\r\n", b"abc", "close"),
    ],
)
@pytest.mark.parametrize("is_cut", [True, False])
async def test_s263_payload_error_is_for_bodies_alone(
    head: bytes, body: bytes, then: str, is_cut: bool, is_read_as_stream: bool
) -> None:
    assert pronghorn.ClientPayloadError.__bases__ == (pronghorn.ClientError,)
    head = HEAD + head + b"\r\n"
    pieces = (head, body) if is_cut else (head + body,)

    async def read() -> None:
        # A body that is broken where its head ends is so before the response is there.
        async with session.get(server.url()) as response:
            await (response.content.read() if is_read_as_stream else response.read())

    async with (
        asyncio.timeout(PATIENCE),
        scripted(answering(*pieces, then=then)) as server,
        ClientSession() as session,
    ):
        with pytest.raises(pronghorn.ClientPayloadError):
            await read()
    for other in (HEAD + b"no colon\r\n\r\n", NOT_FOUND, HEAD):
        assert not isinstance(await failure(other, then="close"), pronghorn.ClientPayloadError)


@pytest.mark.parametrize(
    "url",
    ["http://", "http:///path", "/path", "", "http://[::1", "http://host:99999/", URL("/path"), URL("x")],
)
async def test_s264_invalid_url(url: str | URL) -> None:
    error = await failure_to_reach(url)
    assert isinstance(error, pronghorn.InvalidURL)
    assert set(pronghorn.InvalidURL.__bases__) == {pronghorn.ClientError, ValueError}
    assert error.url == url, "what was given: not every text can become a URL"
    assert type(error.url) is type(url)


async def test_s265_response_error() -> None:
    assert pronghorn.ClientResponseError.__bases__ == (pronghorn.ClientError,)
    for answer in (NOT_FOUND, b"garbage\r\n\r\n"):
        assert isinstance(await failure(answer), pronghorn.ClientResponseError)


async def test_s266_request_info_of_a_response_error() -> None:
    async with answered(NOT_FOUND) as response:
        with pytest.raises(pronghorn.ClientResponseError) as caught:
            response.raise_for_status()
    info = caught.value.request_info
    assert isinstance(info, pronghorn.RequestInfo)
    assert info == response.request_info
    assert (info.method, info.url, info.real_url) == ("GET", response.url, response.real_url)
    assert info.url.raw_path_qs == "/asked?q"
    assert info.headers["Host"] == f"127.0.0.1:{info.url.port}"
    malformed = await failure(b"garbage\r\n\r\n")
    assert isinstance(malformed, pronghorn.ClientResponseError)
    assert malformed.request_info.method == "GET"


async def test_s267_code_is_the_status() -> None:
    error = await failure(NOT_FOUND)
    assert isinstance(error, pronghorn.ClientResponseError)
    with pytest.warns(DeprecationWarning, match="status"):
        assert error.code == 404
    assert error.status == 404
    with pytest.warns(DeprecationWarning, match="status"):
        built = pronghorn.ClientResponseError(error.request_info, (), code=410)
    assert built.status == 410


async def test_s268_message_of_a_response_error() -> None:
    error = await failure(NOT_FOUND)
    assert isinstance(error, pronghorn.ClientResponseError)
    assert error.message == "Not Here"
    assert pronghorn.ClientResponseError(error.request_info, ()).message == ""


async def test_s269_headers_of_a_response_error() -> None:
    error = await failure(NOT_FOUND)
    assert isinstance(error, pronghorn.ClientResponseError)
    assert isinstance(error.headers, CIMultiDictProxy)
    assert error.headers.getall("X-TWO") == ["1", "2"]
    assert pronghorn.ClientResponseError(error.request_info, ()).headers is None


async def test_s271_handshake_error() -> None:
    assert pronghorn.WSServerHandshakeError.__bases__ == (pronghorn.ClientResponseError,)
    async with answered(NOT_FOUND) as response:
        error = pronghorn.WSServerHandshakeError(
            response.request_info,
            response.history,
            status=404,
            message="no WebSocket",
            headers=response.headers,
        )
    with pytest.raises(
        pronghorn.ClientResponseError, match=r"^404, message='no WebSocket', url='http://"
    ) as caught:
        raise error
    assert caught.value.headers == response.headers


@pytest.mark.parametrize("content_type", ["text/html", "text/json", "application/jsonp", ""])
async def test_s272_content_type_error(content_type: str) -> None:
    assert pronghorn.ContentTypeError.__bases__ == (pronghorn.ClientResponseError,)
    field = b"Content-Type: %b\r\n" % content_type.encode() if content_type else b""
    async with answered(HEAD + field + b"Content-Length: 2\r\n\r\n{}") as response:
        with pytest.raises(pronghorn.ContentTypeError) as caught:
            await response.json()
        assert await response.json(content_type=None) == {}
    assert caught.value.status == 200
    assert response.content_type in caught.value.message
    assert caught.value.headers == response.headers
    async with answered(HEAD + b"Content-Type: application/json\r\nContent-Length: 1\r\n\r\n{") as response:
        with pytest.raises(json.JSONDecodeError):
            await response.json()


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_s273_proxy_error(scheme: str) -> None:
    assert pronghorn.ClientHttpProxyError.__bases__ == (pronghorn.ClientResponseError,)
    who = b"HTTP/1.1 407 Who Are You\r\nX-Two: 2\r\nContent-Length: 0\r\n\r\n"
    async with scripted(who) as proxy, ClientSession(proxy=proxy.url()) as session:
        with pytest.raises(pronghorn.ClientHttpProxyError) as caught:
            await session.get(f"{scheme}://host.test/a")
    error = caught.value
    assert (error.status, error.message) == (407, "Who Are You")
    assert error.headers is not None
    assert error.headers["X-Two"] == "2"
    assert error.request_info.url == URL(f"{scheme}://host.test/a")


async def test_s274_connection_error() -> None:
    assert pronghorn.ClientConnectionError.__bases__ == (pronghorn.ClientError,)
    assert isinstance(await refusal(), pronghorn.ClientConnectionError)
    for then in ("close", "end", "reset"):
        assert isinstance(await failure(then=then), pronghorn.ClientConnectionError)
    assert not isinstance(await failure(NOT_FOUND), pronghorn.ClientConnectionError)


async def test_s275_os_error() -> None:
    assert pronghorn.ClientOSError.__bases__ == (pronghorn.ClientConnectionError, OSError)
    error = await refusal()
    assert isinstance(error, pronghorn.ClientOSError)
    assert error.errno == errno.ECONNREFUSED
    assert error.strerror
    with pytest.raises(OSError, match="Broken pipe") as caught:
        raise pronghorn.ClientOSError(errno.EPIPE, "Broken pipe")
    assert (caught.value.errno, caught.value.strerror) == (errno.EPIPE, "Broken pipe")


async def test_s276_connector_error() -> None:
    assert pronghorn.ClientConnectorError.__bases__ == (pronghorn.ClientOSError,)
    with deaf_port() as port:
        error = await failure_to_reach(f"http://127.0.0.1:{port}/")
    assert isinstance(error, pronghorn.ClientConnectorError)
    assert (error.host, error.port) == ("127.0.0.1", port)
    assert isinstance(error.os_error, ConnectionRefusedError)
    assert isinstance(error.ssl, bool)
    assert str(error).startswith(f"Cannot connect to host 127.0.0.1:{port} ssl:")
    built = pronghorn.ClientConnectorError(KEY, REFUSED)
    assert (built.host, built.port, built.ssl, built.os_error) == ("example.com", 443, True, REFUSED)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_s277_proxy_connection_error(scheme: str) -> None:
    assert pronghorn.ClientProxyConnectionError.__bases__ == (pronghorn.ClientConnectorError,)
    with deaf_port() as port:
        async with ClientSession(proxy=f"http://127.0.0.1:{port}") as session:
            with pytest.raises(pronghorn.ClientProxyConnectionError) as caught:
                await session.get(f"{scheme}://host.test/")
    error = caught.value
    assert (error.host, error.port) == ("127.0.0.1", port)
    assert isinstance(error.os_error, ConnectionRefusedError)
    assert error.errno == errno.ECONNREFUSED


async def test_s278_server_connection_error() -> None:
    assert pronghorn.ServerConnectionError.__bases__ == (pronghorn.ClientConnectionError,)
    assert not issubclass(pronghorn.ServerConnectionError, OSError)
    assert isinstance(await failure(then="close"), pronghorn.ServerConnectionError)
    assert isinstance(await timeout_of_reading(), pronghorn.ServerConnectionError)
    assert not isinstance(await refusal(), pronghorn.ServerConnectionError)


async def test_s279_ssl_error() -> None:
    assert pronghorn.ClientSSLError.__bases__ == (pronghorn.ClientConnectorError,)
    for context in (None, expired_context()):
        error, port = await failure_of_tls(context)
        assert isinstance(error, pronghorn.ClientSSLError)
        assert isinstance(error.os_error, ssl.SSLError)
        assert (error.host, error.port) == ("127.0.0.1", port)


async def test_s280_connector_ssl_error() -> None:
    assert pronghorn.ClientConnectorSSLError.__bases__ == (pronghorn.ClientSSLError, ssl.SSLError)
    error, port = await failure_of_tls(None)
    assert type(error) is pronghorn.ClientConnectorSSLError
    assert isinstance(error, ssl.SSLError)
    assert not isinstance(error, ssl.CertificateError)
    assert error.reason == "WRONG_VERSION_NUMBER"
    assert isinstance(error.os_error, ssl.SSLError)
    assert (error.host, error.port) == ("127.0.0.1", port)


@pytest.mark.parametrize(
    ("shown", "host", "why"),
    [
        (expired_context, "127.0.0.1", "certificate has expired"),
        (untrusted_context, "127.0.0.1", "unable to get local issuer"),
        (server_context, "a.test", "not valid for 'a.test'"),
    ],
)
async def test_s281_certificate_error(shown: Callable[[], ssl.SSLContext], host: str, why: str) -> None:
    error, port = await failure_of_tls(shown(), host)
    # The documents' examples catch an expired one as the second, and one for another host as the first.
    for kind in (
        pronghorn.ClientConnectorCertificateError,
        pronghorn.ClientConnectorSSLError,
        pronghorn.ClientSSLError,
        ssl.CertificateError,
        ssl.SSLError,
    ):
        assert isinstance(error, kind)
    assert isinstance(error.certificate_error, ssl.SSLCertVerificationError)
    assert why in str(error.certificate_error)
    assert (error.host, error.port, error.ssl) == (host, port, True)


@pytest.mark.parametrize("then", ["close", "end", "reset"])
@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 2", HEAD])
async def test_s282_server_disconnected(then: str, begun: bytes) -> None:
    error = await failure(*([begun] if begun else []), then=then)
    assert isinstance(error, pronghorn.ServerDisconnectedError)
    assert isinstance(error, pronghorn.ServerConnectionError)
    assert pronghorn.ServerDisconnectedError.__bases__[0] is pronghorn.ServerConnectionError


async def test_s283_message_of_a_disconnection() -> None:
    error = await failure(then="close")
    assert isinstance(error, pronghorn.ServerDisconnectedError)
    assert error.message == str(error) == "Server disconnected"
    assert pronghorn.ServerDisconnectedError().message == "Server disconnected"
    partly_parsed = object()
    for given in (partly_parsed, "gone"):
        assert pronghorn.ServerDisconnectedError(given).message is given


async def test_s284_server_timeout() -> None:
    assert pronghorn.ServerTimeoutError.__bases__ == (pronghorn.ServerConnectionError, asyncio.TimeoutError)
    reading = await timeout_of_reading()
    connecting = await timeout_of_connecting()
    for error in (reading, connecting):
        assert isinstance(error, pronghorn.ServerTimeoutError)
        assert isinstance(error, asyncio.TimeoutError)
    assert type(reading) is not type(connecting)


async def test_s285_server_fingerprint_mismatch() -> None:
    assert pronghorn.ServerFingerprintMismatch.__bases__ == (pronghorn.ServerConnectionError,)
    expected, got = bytes(32), digest(certificate())
    error, port = await failure_of_tls(server_context(), ssl=pronghorn.Fingerprint(expected))
    assert type(error) is pronghorn.ServerFingerprintMismatch
    assert not isinstance(error, OSError)
    assert (error.expected, error.got, error.host, error.port) == (expected, got, "127.0.0.1", port)
    assert got.hex() in str(error)

    with deaf_port() as deaf:  # another address that fails doesn't hide it
        async with scripted_tls(server_context()) as server:
            places = [f"127.0.0.1:{server.port}", f"127.0.0.1:{deaf}"]
            connector = TCPConnector(resolver=Names({"a.test": places}))
            async with ClientSession(connector=connector) as session:
                with pytest.raises(pronghorn.ServerFingerprintMismatch):
                    await session.get("https://a.test/", ssl=pronghorn.Fingerprint(expected))


async def test_s286_fingerprint_mismatch_by_its_short_name() -> None:
    error, _ = await failure_of_tls(server_context(), ssl=pronghorn.Fingerprint(bytes(32)))
    with pytest.raises(pronghorn.FingerprintMismatch) as caught:
        raise error
    assert (caught.value.expected, caught.value.got) == (bytes(32), digest(certificate()))
    assert pronghorn.FingerprintMismatch is pronghorn.ServerFingerprintMismatch


async def test_s287_later_names() -> None:
    assert isinstance(await timeout_of_reading(), pronghorn.SocketTimeoutError)
    assert isinstance(await timeout_of_connecting(), pronghorn.ConnectionTimeoutError)
    assert isinstance(await failure_to_reach("http://no..name/"), pronghorn.ClientConnectorDNSError)
    assert isinstance(await failure_to_reach("http://"), pronghorn.InvalidUrlClientError)
    assert isinstance(await failure_to_reach("ftp://host/"), pronghorn.NonHttpUrlClientError)
    assert issubclass(pronghorn.SocketTimeoutError, pronghorn.ServerTimeoutError)
    assert issubclass(pronghorn.ConnectionTimeoutError, pronghorn.ServerTimeoutError)
    assert issubclass(pronghorn.ClientConnectorDNSError, pronghorn.ClientConnectorError)
    assert issubclass(pronghorn.InvalidUrlClientError, pronghorn.InvalidURL)
    for kind, bases in {
        pronghorn.ClientConnectionResetError: (pronghorn.ClientConnectionError, ConnectionResetError),
        pronghorn.TooManyRedirects: (pronghorn.ClientResponseError,),
        pronghorn.UploadAbortedError: (pronghorn.ClientError,),
        pronghorn.RedirectClientError: (pronghorn.ClientError,),
        pronghorn.InvalidUrlRedirectClientError: (
            pronghorn.InvalidUrlClientError,
            pronghorn.RedirectClientError,
        ),
        pronghorn.NonHttpUrlRedirectClientError: (
            pronghorn.NonHttpUrlClientError,
            pronghorn.RedirectClientError,
        ),
        pronghorn.UnixClientConnectorError: (pronghorn.ClientConnectorError,),
        pronghorn.WSMessageTypeError: (TypeError,),
    }.items():
        assert kind.__bases__ == bases
    unix = pronghorn.UnixClientConnectorError("/run/s", KEY, REFUSED)
    assert (unix.path, unix.os_error) == ("/run/s", REFUSED)
    with pytest.raises(ConnectionResetError) as reset:
        raise pronghorn.ClientConnectionResetError(errno.ECONNRESET, "reset")
    assert reset.value.errno == errno.ECONNRESET
