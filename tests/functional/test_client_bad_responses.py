"""What is no HTTP, ends early or lies about its length: the documented exception, at once."""

import asyncio
from typing import Any

import pytest

from pronghorn import (
    ClientError,
    ClientPayloadError,
    ClientResponseError,
    ClientSession,
    ServerDisconnectedError,
)

from .scripted import OK, PATIENCE, Peer, answering, scripted

OK_HEAD = b"HTTP/1.1 200 OK\r\n"
LENGTH = OK_HEAD + b"Content-Length: 10\r\n\r\n"
CHUNKED = OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

MALFORMED_HEADS = [
    b"garbage\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01",
    b"<html>",
    b"HTTP/2.0 200 OK\r\n\r\n",
    b"HTTP/1.1 20 OK\r\n\r\n",
    b"HTTP/1.1 2000 OK\r\n\r\n",
    b"HTTP/1.1 abc OK\r\n\r\n",
    b"HTTP/1.1\r\n\r\n",
    b"HTTP/1.1 200 O\0K\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    OK_HEAD + b"no colon\r\n\r\n",
    OK_HEAD + b": no name\r\n\r\n",
    OK_HEAD + b"Na me: x\r\n\r\n",
    OK_HEAD + b"Name : x\r\n\r\n",
    OK_HEAD + b"Name: x\0y\r\n\r\n",
    OK_HEAD + b"Content-Length: ten\r\n\r\n",
    OK_HEAD + b"Content-Length: -1\r\n\r\n",
    OK_HEAD + b"Content-Length: +1\r\n\r\n",
    OK_HEAD + b"Content-Length: 1_0\r\n\r\n",
    OK_HEAD + b"Content-Length: %d\r\n\r\n" % 10**30,
    OK_HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
    OK_HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    OK_HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    OK_HEAD + b"Transfer-Encoding: xchunked\r\n\r\n",
    OK_HEAD + b"X: " + b"x" * 9000,
    OK_HEAD + b"X: y\r\n" * 200 + b"\r\n",
    OK_HEAD + b"X: 0123456789012345678901234567890123456789\r\n" * 2000,
    b"HTTP/1.1 103 Early\r\n\r\n" * 40,
]

MALFORMED_BODIES = [
    (CHUNKED, b"xyz\r\n"),
    (CHUNKED, b"-1\r\n"),
    (CHUNKED, b"0x1\r\n"),
    (CHUNKED, b"1" * 17 + b"\r\n"),
    (CHUNKED, b"5\r\nhelloXX"),
    (CHUNKED, b"5\r\nhello\r\n\r\n"),
    (CHUNKED, b"5;" + b"x" * 400),
    (CHUNKED, b"5;a=\0\r\n"),
    (CHUNKED, b"0\r\nno colon\r\n\r\n"),
    (CHUNKED, b"0\r\nContent-Length: 5\r\n\r\n"),
    (CHUNKED, b"0\r\n" + b"X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n" * 1000 + b"\r\n"),
]

TRUNCATED_BODIES = [
    (LENGTH, b""),
    (LENGTH, b"012345678"),
    (CHUNKED, b""),
    (CHUNKED, b"5"),
    (CHUNKED, b"5\r\nhel"),
    (CHUNKED, b"5\r\nhello"),
    (CHUNKED, b"5\r\nhello\r\n"),
    (CHUNKED, b"0\r\n"),
    (CHUNKED, b"0\r\nX: y\r\n"),
]


async def failing(*pieces: bytes, then: str = "stay", **options: Any) -> Exception:
    """What a request ends in whose answer is ``pieces``; no place of the pool and no connection is left."""
    async with scripted(answering(*pieces, then=then)) as server, ClientSession() as session:
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(ClientError) as caught:
                async with session.get(server.url(), timeout=None, **options) as response:
                    await response.read()
            assert session.connector is not None
            while session.connector._connections or session.connector._pool.open_count:
                await asyncio.sleep(0)
    return caught.value


@pytest.mark.parametrize("then", ["stay", "close"])
@pytest.mark.parametrize("head", MALFORMED_HEADS, ids=lambda head: repr(head[:40]))
async def test_a_malformed_head(head: bytes, then: str) -> None:
    error = await failing(head, then=then)
    assert isinstance(error, ClientResponseError)
    assert error.status == 400
    assert error.message
    assert error.request_info.method == "GET"


@pytest.mark.parametrize("is_cut", [True, False], ids=["apart", "together"])
@pytest.mark.parametrize(("head", "body"), MALFORMED_BODIES, ids=lambda part: repr(part[:40]))
async def test_a_malformed_body(head: bytes, body: bytes, is_cut: bool) -> None:
    error = await failing(*((head, body) if is_cut else (head + body,)))
    assert isinstance(error, ClientPayloadError)


@pytest.mark.parametrize("then", ["close", "reset"])
@pytest.mark.parametrize("is_cut", [True, False], ids=["apart", "together"])
@pytest.mark.parametrize(("head", "body"), TRUNCATED_BODIES, ids=lambda part: repr(part[:40]))
async def test_a_truncated_body(head: bytes, body: bytes, is_cut: bool, then: str) -> None:
    error = await failing(*((head, body) if is_cut else (head + body,)), then=then)
    assert isinstance(error, ClientPayloadError)


async def test_what_came_before_the_break_can_be_read() -> None:
    async with (
        scripted(answering(CHUNKED, b"5\r\nhello\r\n", b"xyz\r\n")) as server,
        ClientSession() as session,
        session.get(server.url()) as response,
    ):
        assert await response.content.readexactly(5) == b"hello"
        with pytest.raises(ClientPayloadError):
            await response.content.read(1)


@pytest.mark.parametrize("then", ["close", "end", "reset"])
@pytest.mark.parametrize("head", [b"", b"H", OK_HEAD, b"HTTP/1.1 100 Continue\r\n\r\n"], ids=repr)
async def test_a_close_before_an_answer(head: bytes, then: str) -> None:
    error = await failing(*([head] if head else []), then=then)
    assert isinstance(error, ServerDisconnectedError)


async def test_an_answer_before_any_request_is_not_taken_for_one() -> None:
    async def eager(peer: Peer) -> None:
        await peer.answer(OK)
        await peer.send(OK.replace(b"ok", b"no"))
        await peer.rest()

    async with scripted(eager, OK) as server, ClientSession() as session:
        for _ in range(2):
            async with session.get(server.url()) as response:
                assert await response.text() == "ok"
            async with asyncio.timeout(PATIENCE):
                while len(server.peers) == 1 and not server.peers[0].has_left:
                    await asyncio.sleep(0)


async def test_bytes_after_an_answer_cost_the_connection() -> None:
    async with scripted(answering(OK + b"more", then="stay"), OK) as server, ClientSession() as session:
        for _ in range(2):
            async with session.get(server.url()) as response:
                assert await response.text() == "ok"
        assert len(server.peers) == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2  \r\nok\r\n0\r\n\r\n",
    ],
)
async def test_leniencies_that_deployed_servers_need(answer: bytes) -> None:
    async with scripted(answer) as server, ClientSession() as session, session.get(server.url()) as response:
        assert await response.text() == "ok"


async def test_an_endless_body_is_held_back() -> None:
    sent = 0

    async def endless(peer: Peer) -> None:
        nonlocal sent
        await peer.answer(OK_HEAD + b"\r\n")
        while True:
            peer.writer.write(b"0123456789\n" * 10_000)
            await peer.writer.drain()
            sent += 110_000

    async with scripted(endless) as server, ClientSession() as session, session.get(server.url()) as response:
        await _until_still(lambda: sent)
        assert response.content.total_bytes < 1_000_000
        taken = 0
        async with asyncio.timeout(PATIENCE):
            for _ in range(200):
                taken += len(await response.content.readline())
                await asyncio.sleep(0)
        assert response.content.total_bytes - taken < 1_000_000


async def _until_still(value: Any) -> None:
    """Wait until ``value`` has not changed for 50 turns of the loop."""
    still, last = 0, -1
    async with asyncio.timeout(PATIENCE):
        while still < 50:
            still, last = (still + 1, last) if value() == last else (0, value())
            await asyncio.sleep(0)
