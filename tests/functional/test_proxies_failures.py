"""What goes wrong with a proxy: its documented exception, which names the proxy; and nothing is left."""

import asyncio
import errno
import pickle
import socket
from typing import Any

import pytest

from pronghorn import (
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientHttpProxyError,
    ClientOSError,
    ClientPayloadError,
    ClientProxyConnectionError,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    ServerDisconnectedError,
    SocketTimeoutError,
    TCPConnector,
)

from ..copies import COPIES
from ..tls import client_context, server_context
from .listening import text
from .programs import HttpProxy, Names, leaving_nothing, relay, scripted_tls
from .scripted import OK, Peer, Script, answering, scripted, silent, until

#: Which never answers itself: a proxy has to.
TUNNELLED, FORWARDED = "https://origin.test/", "http://origin.test/"
NO = b"HTTP/1.1 407 No Way\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 4\r\n\r\nbody"


def connector() -> TCPConnector:
    return TCPConnector(ssl=client_context(), resolver=Names({}))


async def failure(script: Script, url: str, **options: Any) -> tuple[Any, int]:
    """What a request by a proxy ends in, and the proxy's port."""
    ours = connector()
    async with ClientSession(connector=ours) as session, leaving_nothing(), scripted(script) as by:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - the callers look at it
            await session.get(url, proxy=by.url(), **options)
        await until(lambda: ours.stats().in_use == 0)
        if ours.stats().idle:
            await ours.close()
    return caught.value, by.port


# Answers


@pytest.mark.parametrize("url", [TUNNELLED, FORWARDED])
async def test_407(url: str) -> None:
    error, _ = await failure(NO, url)
    assert type(error) is ClientHttpProxyError
    assert isinstance(error, ClientResponseError)
    assert (error.status, error.message) == (407, "No Way")
    assert error.headers is not None
    assert error.headers["Proxy-Authenticate"] == "Basic realm=x"
    assert str(error.request_info.real_url) == url
    assert error.request_info.method == "GET"
    assert error.history == ()
    assert str(error) == f"407, message='No Way', url='{url}'"


@pytest.mark.parametrize("url", [TUNNELLED, FORWARDED])
async def test_407_with_a_page_that_does_not_end(url: str) -> None:
    answer = NO.replace(b"Content-Length: 4", b"Content-Length: 99")
    error, _ = await failure(answering(answer, then="stay"), url)
    assert type(error) is ClientHttpProxyError


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("url", [TUNNELLED, FORWARDED])
async def test_copies_of_407(url: str, how: str) -> None:
    error, _ = await failure(NO, url)
    copied = COPIES[how](error)
    assert type(copied) is ClientHttpProxyError
    assert (str(copied), copied.status, copied.headers) == (str(error), 407, error.headers)


@pytest.mark.parametrize("status", [300, 302, 400, 401, 403, 404, 500, 502, 503, 504])
async def test_a_tunnel_that_is_refused(status: int) -> None:
    """RFC 9110 section 9.3.6: any status but 2xx means that there is none."""
    answer = b"HTTP/1.1 %d Reason\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 3\r\n\r\nbad" % status
    error, _ = await failure(answer, TUNNELLED)
    assert type(error) is ClientHttpProxyError
    assert (error.status, error.message) == (status, "Reason")
    assert error.headers is not None
    assert error.headers["Location"] == "http://127.0.0.1:1/"


@pytest.mark.parametrize("status", [200, 201, 299])
@pytest.mark.parametrize("fields", [b"", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"])
async def test_a_tunnel_that_is_granted(status: int, fields: bytes) -> None:
    """RFC 9110 section 9.3.6: whatever it says of its framing, it has no content."""

    async def grant(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        informational = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        await relay(peer, origin.port, informational + b"HTTP/1.1 %d OK\r\n%b\r\n" % (status, fields))

    async with (
        leaving_nothing(),
        scripted_tls(server_context("origin.test")) as origin,
        scripted(grant) as by,
        ClientSession(connector=connector(), proxy=by.url()) as session,
    ):
        for _ in range(2):
            assert await text(session, f"https://origin.test:{origin.port}/") == "ok"
        assert len(by.peers) == 1


async def test_other_answers_to_what_is_forwarded_are_the_servers() -> None:
    for status in (401, 403, 502):
        answer = b"HTTP/1.1 %d No\r\nContent-Length: 2\r\n\r\nno" % status
        async with (
            scripted(answer) as by,
            ClientSession(proxy=by.url()) as session,
            session.get(FORWARDED) as response,
        ):
            assert (response.status, await response.text()) == (status, "no")


async def test_407_of_a_server() -> None:
    """Without a proxy, or from the other end of a tunnel, it is a response like any other."""
    async with (
        scripted_tls(server_context("origin.test"), NO) as origin,
        scripted(NO) as plain,
        scripted(HttpProxy()) as by,
        ClientSession(connector=connector()) as session,
    ):
        async with session.get(plain.url()) as response:
            assert response.status == 407
        async with session.get(f"https://origin.test:{origin.port}/", proxy=by.url()) as response:
            assert (response.status, await response.text()) == (407, "body")


async def test_an_upload_that_is_refused() -> None:
    """Its body is let go of, sent or not."""
    closed: list[bool] = []

    async def body() -> Any:
        try:
            while True:
                yield b"x" * 10_000
        finally:
            closed.append(True)

    async def refuse(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(NO)
        await peer.rest()
        peer.close()

    for url in (TUNNELLED, FORWARDED):
        async with ClientSession(connector=connector()) as session, leaving_nothing(), scripted(refuse) as by:
            with pytest.raises((ClientHttpProxyError, ClientOSError)):
                await session.post(url, data=body(), proxy=by.url())
    # The one that was forwarded had begun.
    await until(lambda: closed == [True])


# No answers


GARBAGE: dict[str, bytes] = {
    "no http": b"garbage\r\n\r\n",
    "zeros": b"\0" * 100,
    "http/2": b"\0\0\x12\4\0\0\0\0\0\0\3\0\0\0\x64",
    "no status": b"HTTP/1.1 \r\n\r\n",
    "a field that is none": b"HTTP/1.1 200 OK\r\nno field\r\n\r\n",
    "a head without an end": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000,
    "informational for ever": b"HTTP/1.1 100 Continue\r\n\r\n" * 2_000,
    "switching": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
}


@pytest.mark.parametrize("kind", GARBAGE)
async def test_garbage(kind: str) -> None:
    error, port = await failure(answering(GARBAGE[kind]), TUNNELLED)
    assert type(error) is ClientProxyConnectionError
    assert isinstance(error, ClientConnectorError)
    assert (error.host, error.port, error.phase) == ("127.0.0.1", port, "proxy")
    assert error.peer == f"127.0.0.1:{port}"
    assert f"127.0.0.1:{port}" in str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize("kind", ["no http", "zeros", "no status", "a field that is none"])
async def test_garbage_for_what_is_forwarded(kind: str) -> None:
    error, _ = await failure(answering(GARBAGE[kind]), FORWARDED)
    assert isinstance(error, ClientResponseError)
    assert error.status == 400


@pytest.mark.parametrize("then", ["close", "reset"])
@pytest.mark.parametrize(
    "pieces", [(), (b"H",), (b"HTTP/1.1 200 OK\r\n",), (b"HTTP/1.1 100 Continue\r\n\r\n",)]
)
async def test_an_end_before_the_answer(pieces: tuple[bytes, ...], then: str) -> None:
    error, port = await failure(answering(*pieces, then=then), TUNNELLED)
    assert type(error) is ClientProxyConnectionError
    assert (error.host, error.port, error.phase) == ("127.0.0.1", port, "proxy")
    assert error.peer == f"127.0.0.1:{port}"
    assert error.errno in (errno.ECONNRESET, errno.ECONNABORTED)


@pytest.mark.parametrize("then", ["close", "reset"])
async def test_an_end_before_the_answer_to_what_is_forwarded(then: str) -> None:
    error, _ = await failure(answering(then=then), FORWARDED)
    assert isinstance(error, ServerDisconnectedError)


@pytest.mark.parametrize("then", ["close", "reset"])
async def test_an_end_at_once(then: str) -> None:
    """Before it was asked anything."""

    async def leave(peer: Peer) -> None:
        getattr(peer, then)()

    error, port = await failure(leave, TUNNELLED)
    assert type(error) is ClientProxyConnectionError
    assert (error.host, error.port, error.phase) == ("127.0.0.1", port, "proxy")


@pytest.mark.parametrize("then", ["close", "reset"])
async def test_an_end_after_the_answer(then: str) -> None:
    """There is a tunnel then, and it leads nowhere."""
    error, port = await failure(answering(b"HTTP/1.1 200 OK\r\n\r\n", then=then), TUNNELLED)
    assert isinstance(error, ClientConnectorError)
    assert (error.host, error.port) in (("origin.test", 443), ("127.0.0.1", port))
    assert error.phase in ("tls", "proxy")
    assert error.peer == f"127.0.0.1:{port}"


async def test_an_end_in_the_answer_to_what_is_forwarded() -> None:
    async with (
        ClientSession(connector=connector()) as session,
        leaving_nothing(),
        scripted(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")) as by,
    ):
        with pytest.raises(ClientPayloadError):
            await text(session, FORWARDED, proxy=by.url())


async def test_a_proxy_that_says_more_than_its_answer() -> None:
    """What it adds would be taken for the server's."""
    error, port = await failure(answering(b"HTTP/1.1 200 OK\r\n\r\n" + OK, then="stay"), TUNNELLED)
    assert type(error) is ClientProxyConnectionError
    assert "more than its answer" in str(error)
    assert error.peer == f"127.0.0.1:{port}"


# Time


@pytest.mark.parametrize("name", ["sock_connect", "connect", "total"])
async def test_silence(name: str) -> None:
    async def wait(peer: Peer) -> None:
        await peer.rest()
        peer.close()

    error, port = await failure(wait, TUNNELLED, timeout=ClientTimeout(**{name: 0.05}))
    assert isinstance(error, TimeoutError)
    assert isinstance(error, ConnectionTimeoutError) == (name != "total")
    assert str(error) == f"No connection to origin.test:443 within 0.05 s ({name}): proxy, 127.0.0.1:{port}"


async def test_silence_about_what_is_forwarded() -> None:
    error, _ = await failure(silent, FORWARDED, timeout=ClientTimeout(sock_read=0.05))
    assert type(error) is SocketTimeoutError
    error, _ = await failure(silent, FORWARDED, timeout=ClientTimeout(total=0.05))
    assert type(error) is TimeoutError


async def test_an_answer_that_drips() -> None:
    """Bytes that keep coming don't lengthen the time for connecting."""

    async def drip(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 200 OK\r\n")
        while True:
            await peer.send(b"X: y\r\n")
            await asyncio.sleep(0.005)

    error, _ = await failure(drip, TUNNELLED, timeout=ClientTimeout(sock_connect=0.05))
    assert type(error) is ConnectionTimeoutError


async def test_cancelled_while_the_proxy_thinks() -> None:
    ours = connector()
    async with ClientSession(connector=ours) as session, leaving_nothing(), scripted(silent) as by:
        task = asyncio.ensure_future(session.get(TUNNELLED, proxy=by.url()))
        await until(lambda: by.requests)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: by.peers[0].has_left)
        assert ours.stats().in_use == 0


# Nobody there


@pytest.mark.parametrize("url", [TUNNELLED, FORWARDED])
async def test_nobody_listens(url: str) -> None:
    async with scripted(OK) as gone:
        pass
    async with ClientSession(connector=connector()) as session, leaving_nothing():
        with pytest.raises(ClientProxyConnectionError) as caught:
            await session.get(url, proxy=gone.url())
    error = caught.value
    assert (error.host, error.port) == ("127.0.0.1", gone.port)
    assert (error.phase, error.peer) == ("connect", f"127.0.0.1:{gone.port}")
    assert isinstance(error.os_error, ConnectionRefusedError)
    assert isinstance(error, ClientConnectorError)


@pytest.mark.parametrize("url", [TUNNELLED, FORWARDED])
async def test_a_proxy_without_an_address(url: str) -> None:
    async with ClientSession(connector=connector()) as session, leaving_nothing():
        with pytest.raises(ClientConnectorDNSError) as caught:
            await session.get(url, proxy="http://proxy.test:3128")
    assert (caught.value.host, caught.value.port, caught.value.phase) == ("proxy.test", 3128, "dns")


async def test_an_address_of_a_proxy_that_is_dead() -> None:
    names = Names({"proxy.test": ["127.0.0.2", "127.0.0.1"]})
    async with scripted(HttpProxy()) as by:
        proxy = f"http://proxy.test:{by.port}"
        async with ClientSession(connector=TCPConnector(resolver=names), proxy=proxy) as session:
            assert await text(session, FORWARDED) == "ok"
        six = TCPConnector(resolver=names, family=socket.AF_INET6)
        async with ClientSession(connector=six, proxy=proxy) as session:
            with pytest.raises(ClientConnectorDNSError):
                await session.get(FORWARDED)


async def test_a_stale_connection_to_a_proxy() -> None:
    """The proxy has closed it while it was idle: the request goes on another."""
    async with (
        scripted(answering(OK, then="close"), OK) as by,
        ClientSession(connector=connector(), proxy=by.url()) as session,
    ):
        for _ in range(2):
            assert await text(session, FORWARDED) == "ok"
        assert len(by.peers) == 2
