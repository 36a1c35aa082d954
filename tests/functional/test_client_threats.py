"""What has broken other clients, where no other test shows that it does not break this one."""

import asyncio
import gzip
import importlib
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from types import ModuleType
from typing import Any

import pytest
from yarl import URL

from pronghorn import (
    ClientError,
    ClientPayloadError,
    ClientSession,
    ClientTimeout,
    CookieJar,
    TCPConnector,
)
from pronghorn.testing.mock_connector import MockConnector

from .listening import nothing_left, text
from .scripted import OK, Peer, answering, scripted, silent, until
from .sites import Site, to

KIB = 1024
SHORT = 0.05
#: A request takes less, whatever else the machine does.
LONGER = 0.2


def _module(*names: str) -> ModuleType | None:
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


# Content that is larger than it looks (urllib3: CVE-2025-66418, CVE-2025-66471, GHSA-mf9v-mfxr-j63j)


def deflated(data: bytes) -> bytes:
    return zlib.compress(data)


def in_brotli(data: bytes) -> bytes:
    brotli = _module("brotli", "brotlicffi")
    if brotli is None:
        pytest.skip("no brotli")
    coded: bytes = brotli.compress(data, quality=1)
    return coded


def in_zstd(data: bytes) -> bytes:
    zstd = _module("compression.zstd", "backports.zstd")
    if zstd is None:
        pytest.skip("no zstd")
    coded: bytes = zstd.compress(data)
    return coded


CODINGS = {"gzip": gzip.compress, "deflate": deflated, "br": in_brotli, "zstd": in_zstd}


@pytest.mark.parametrize("framing", ["length", "chunks", "close"])
@pytest.mark.parametrize("coding", CODINGS)
async def test_a_bomb_that_is_read_in_two_small_pieces(coding: str, framing: str) -> None:
    """The second read inflated the rest."""
    bomb = CODINGS[coding](bytes(64 * KIB * KIB))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\n" % coding.encode()
    match framing:
        case "length":
            answer = head + b"Content-Length: %d\r\n\r\n%b" % (len(bomb), bomb)
        case "chunks":
            answer = head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(bomb), bomb)
        case _:
            answer = head + b"\r\n" + bomb
    async with (
        scripted(answering(answer)) as server,
        ClientSession() as session,
        session.get(server.url()) as response,
    ):
        for _ in range(3):
            assert await response.content.read(10) == bytes(10)
        assert len(response.content.read_nowait()) < KIB * KIB


@pytest.mark.parametrize("count", [5, 6, 1000])
async def test_codings_upon_codings(count: int) -> None:
    content = b"text"
    for _ in range(min(count, 6)):
        content = gzip.compress(content)
    codings = ", ".join(["gzip"] * count).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n%b"
    whole = answer % (codings, len(content), content)
    async with scripted(answering(whole)) as server, ClientSession() as session:
        if count <= 5:
            assert await text(session, server.url()) == "text"
        else:
            with pytest.raises(ClientPayloadError):
                await text(session, server.url())


# What would split a request, encoded (HackTricks #2614): nobody decodes it on the way


@pytest.mark.parametrize("splitter", ["%0d%0a", "%0D%0A", "%0a", "%00", "%E5%98%8A%E5%98%8D", "%250d%250a"])
async def test_an_encoded_line_end_stays_encoded(splitter: str) -> None:
    evil = f"/x{splitter}X-Evil:%201{splitter}{splitter}GET%20/y?q={splitter}"
    site = Site({"/from": to(evil), "/from//": to(f"/{evil}")})
    async with scripted(site) as server, ClientSession(base_url=server.url("/")) as session:
        await text(session, server.url(evil))
        await text(session, evil)
        await text(session, str(URL(server.url("/x"))), params=evil.partition("?")[2])
        await text(session, server.url("/from"))
    assert [line.removeprefix("GET ") for line in site.lines] == [
        evil,
        evil,
        f"/x?q={splitter}",
        "/from",
        evil,
    ]
    assert not any(b"X-Evil: " in head for head in site.heads)


# Cookies of one request (requests: CVE-2015-2296; treq: CVE-2022-23607)


async def test_cookies_of_one_request_are_no_ones_else() -> None:
    site = Site()
    jar = CookieJar(unsafe=True)
    async with scripted(site) as server, ClientSession(cookie_jar=jar) as session:
        await text(session, server.url("/a"), cookies={"sid": "1"})
        await text(session, server.url("/b"))
        await text(session, f"http://localhost:{server.port}/c")
    assert site.fields("Cookie") == [["sid=1"], [], []]
    assert len(jar) == 0


# Timeouts and cancellation (aiohttp #9326, #9030, #8908; gunicorn #3627)


async def waiting_for_the_head(session: ClientSession, url: str, **options: Any) -> None:
    await session.get(url, **options)


async def waiting_for_the_body(session: ClientSession, url: str, **options: Any) -> None:
    async with session.get(f"{url}body", **options) as response:
        await response.read()


async def waiting_for_a_place(session: ClientSession, url: str, **options: Any) -> None:
    async with session.get(f"{url}body"):
        await session.get(url, **options)


async def sending(session: ClientSession, url: str, **options: Any) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    await session.post(url, data=body(), **options)


WAITS = [waiting_for_the_head, waiting_for_the_body, waiting_for_a_place, sending]
Wait = Callable[..., Awaitable[None]]


async def half_an_answer(peer: Peer) -> None:
    request = await peer.head()
    if request.target == "/ok":
        await peer.send(OK)
    if request.target == "/body":
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx")
    await peer.rest()


@pytest.mark.parametrize("wait", WAITS)
async def test_a_timeout_is_no_cancellation(wait: Wait) -> None:
    task = asyncio.current_task()
    if task is None:
        pytest.fail("this is a task")
    async with (
        scripted(half_an_answer) as server,
        ClientSession(connector=TCPConnector(limit=1)) as session,
    ):
        with pytest.raises(TimeoutError, match="total") as own:
            await wait(session, server.url(), timeout=SHORT)
        assert task.cancelling() == 0
        with pytest.raises(TimeoutError) as around:
            async with asyncio.timeout(SHORT):
                await wait(session, server.url(), timeout=10)
        assert not isinstance(around.value, ClientError)
        assert isinstance(around.value.__cause__, asyncio.CancelledError)
        assert task.cancelling() == 0
        del own, around
        await nothing_left(session)


@pytest.mark.parametrize("wait", WAITS)
async def test_a_cancellation_is_no_timeout(wait: Wait) -> None:
    """It is not swallowed, and it leaves the place to others."""
    async with (
        scripted(half_an_answer) as server,
        ClientSession(connector=TCPConnector(limit=1)) as session,
    ):
        task = asyncio.ensure_future(wait(session, server.url(), timeout=10))
        await until(lambda: server.requests)
        task.cancel("mine")
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        assert caught.value.args == ("mine",)
        assert task.cancelled()
        assert await text(session, server.url("/ok")) == "ok"
        del caught
        await nothing_left(session)


# What a connection remembers of its last user (aiohttp #12953, #10169, #5833, #2497, #1438, #13349)


@pytest.mark.parametrize(
    "timeout",
    [
        LONGER,
        ClientTimeout(sock_read=LONGER),
        ClientTimeout(total=LONGER, connect=LONGER, sock_connect=LONGER),
    ],
)
async def test_timeouts_of_one_request_are_not_the_nexts(timeout: Any) -> None:
    async def script(peer: Peer) -> None:
        await peer.answer(OK)
        await peer.request()
        await asyncio.sleep(1.5 * LONGER)  # the time is what is tested
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"o")
        await asyncio.sleep(1.5 * LONGER)  # as above
        await peer.send(b"k")
        await peer.answer(OK)

    async with scripted(script, silent) as server, ClientSession(timeout=None) as session:
        assert await text(session, server.url(), timeout=timeout) == "ok"
        assert await text(session, server.url()) == "ok"
        assert await text(session, server.url(), timeout=timeout) == "ok"
        assert len(server.peers) == 1


@pytest.mark.parametrize("read", ["at once", "in pieces"])
async def test_a_connection_that_was_paused_reads_again(read: str) -> None:
    size = 2 * KIB * KIB
    large = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size)

    async def ask(session: ClientSession, url: str) -> None:
        async with session.get(url) as response:
            connection = response.connection
            if connection is None:
                pytest.fail("the whole body is here")
            await until(lambda: connection.channel.is_reading_paused)
            if read == "at once":
                assert len(await response.read()) == size
            else:
                assert sum([len(piece) async for piece in response.content.iter_chunked(999)]) == size
        assert not connection.channel.is_reading_paused

    async with scripted(large) as server, ClientSession() as session:
        for _ in range(3):
            await ask(session, server.url())
        assert len(server.peers) == 1


@pytest.mark.parametrize("had", [0, 1, 50, 99])
async def test_what_is_left_of_a_body_is_never_the_next_answer(had: int) -> None:
    """A connection that was given up with some of a body to come serves nobody else."""
    evil = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    body = evil.ljust(100, b"x")
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"

    async def script(peer: Peer) -> None:
        await peer.answer(head + body[:had])
        if await peer.reader.read(1):
            pytest.fail("it was used again")

    async with scripted(script, OK) as server, ClientSession(connector=TCPConnector(limit=1)) as session:
        async with session.get(server.url()) as response:
            await response.content.read(had // 2)
        assert await text(session, server.url()) == "ok"
        assert len(server.peers) == 2


# Sessions that are closed


Use = Callable[[ClientSession, str], Awaitable[Any]]
VERBS = ("get", "options", "head", "post", "put", "patch", "delete")


def by(verb: str) -> Use:
    return lambda session, url: getattr(session, verb)(url)


async def by_sse(session: ClientSession, url: str) -> None:
    async for _ in session.sse(url):
        pytest.fail("nobody is there")


USES: dict[str, Use] = {verb: by(verb) for verb in VERBS}
USES |= {"request": lambda session, url: session.request("QUERY", url), "sse": by_sse}


@pytest.mark.parametrize("end", ["close", "detach", "connector"])
@pytest.mark.parametrize("use", USES)
async def test_nothing_can_be_asked_after_the_end(use: str, end: str) -> None:
    async with scripted(OK) as server, TCPConnector() as connector:
        session = ClientSession(connector=connector, cookies={"a": "b"})
        await text(session, server.url())
        match end:
            case "close":
                await session.close()
            case "detach":
                session.detach()
            case _:
                await connector.close()
        assert session.closed
        with pytest.raises(RuntimeError, match="closed"):
            await USES[use](session, server.url())
        for _ in range(2):
            await session.close()
            session.detach()
        assert session.closed
        assert connector.closed is (end != "detach")
    assert len(server.requests) == 1


# What grows with what others choose (aiohttp #11052, CVE-2026-34513, #9852)


async def test_origins_that_are_asked_once_leave_nothing() -> None:
    mock = MockConnector(limit=5)
    mock.add("*", "/", headers={"Set-Cookie": "a=b"}, body=b"ok")
    async with ClientSession(connector=mock) as session:
        for number in range(500):
            assert await text(session, f"http://h{number}.test/") == "ok"
        pool = mock._pool
        assert len(pool.idle) <= 5
        assert len(pool._origins) <= 5
        await until(lambda: len(mock._connections) <= 5)


async def test_a_server_that_sets_cookies_without_end() -> None:
    fields = b"".join(b"Set-Cookie: c%d=1\r\n" % number for number in range(100))
    jar = CookieJar(unsafe=True)

    async def script(peer: Peer) -> None:
        for turn in range(20):
            named = fields.replace(b": c", b": c%d_" % turn)
            await peer.answer(b"HTTP/1.1 200 OK\r\n%bContent-Length: 2\r\n\r\nok" % named)
        await peer.rest()

    async with scripted(script) as server, ClientSession(cookie_jar=jar) as session:
        for _ in range(20):
            assert await text(session, server.url()) == "ok"
    assert len(jar) <= 180
    assert all(len(request.fields.get("Cookie", "")) <= 8190 for request in server.requests)


async def test_an_answer_that_is_none_is_not_taken_for_one() -> None:
    """A server that says something before it is asked has answered nobody."""

    async def script(peer: Peer) -> None:
        await peer.answer(OK)
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        await peer.rest()

    async with scripted(script, OK) as server, ClientSession() as session:
        assert await text(session, server.url()) == "ok"
        await until(lambda: server.peers[0].has_left)
        assert await text(session, server.url()) == "ok"
        assert len(server.peers) == 2


async def test_101_that_nobody_asked_for() -> None:
    switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nevil"
    async with scripted(answering(switch)) as server, ClientSession() as session:
        with pytest.raises(ClientError) as caught:
            await text(session, server.url())
        del caught
        await nothing_left(session)
