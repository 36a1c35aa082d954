"""A refusal during a large upload reaches its caller, every time, and whoever the caller is."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from pronghorn import ClientSession, web
from pronghorn.testing import TestServer

from ..server.peer import PATIENCE, serving

TIMES = 100
SIZE = 10 * 2**20
PIECE = bytes(256 * 1024)


async def refuse(request: web.Request) -> web.Response:
    return web.Response(status=413, text="too much")


async def refuse_later(request: web.Request) -> web.Response:
    """Read some of it first."""
    await request.content.readany()
    await asyncio.sleep(0)
    raise web.HTTPForbidden(text="too much")


async def refuse_by_size(request: web.Request) -> web.Response:
    return web.Response(body=await request.read())


FULL = pytest.mark.full
HANDLERS = [refuse_later, pytest.param(refuse, marks=FULL), pytest.param(refuse_by_size, marks=FULL)]


async def pieces() -> AsyncIterator[bytes]:
    for _ in range(SIZE // len(PIECE)):
        yield PIECE


@pytest.mark.parametrize(
    "data", [pytest.param(lambda: bytes(SIZE), marks=FULL), pieces], ids=["length", "chunked"]
)
@pytest.mark.parametrize("handler", HANDLERS)
async def test_our_client(handler: Any, data: Callable[[], Any]) -> None:
    async with serving(handler) as server, ClientSession() as session:
        for time in range(TIMES):
            async with asyncio.timeout(PATIENCE), session.post(server.make_url("/"), data=data()) as response:
                assert response.status in (403, 413), f"time {time}"
                assert await response.text()


def is_refusal(answer: bytes) -> bool:
    """A whole one."""
    head, _, content = answer.partition(b"\r\n\r\n")
    length = re.search(rb"\r\nContent-Length: (\d+)", head)
    return (
        head.startswith((b"HTTP/1.1 413 ", b"HTTP/1.1 403 "))
        and length is not None
        and len(content) == int(length[1])
    )


HEADS = {
    "length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % SIZE,
    "chunked": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % SIZE,
}


@pytest.mark.parametrize("head", [HEADS["length"], pytest.param(HEADS["chunked"], marks=FULL)], ids=HEADS)
@pytest.mark.parametrize("handler", HANDLERS)
async def test_a_client_that_reads_while_it_sends(handler: Any, head: bytes) -> None:
    async with serving(handler) as server:
        for time in range(TIMES):
            answer = await asyncio.to_thread(watchful_upload, server, head)
            assert is_refusal(answer), f"time {time}"


def watchful_upload(server: TestServer, head: bytes) -> bytes:
    """Send until something can be read, as curl does; then read the answer."""
    with socket.create_connection((server.host, server.port or 0), timeout=PATIENCE) as sock:
        sock.sendall(head)
        sock.setblocking(False)
        answer = b""
        while not answer:
            with suppress(BlockingIOError):
                sock.send(PIECE)
            with suppress(BlockingIOError):
                answer = sock.recv(65536)
        sock.settimeout(PATIENCE)
        while not is_refusal(answer) and (piece := sock.recv(65536)):
            answer += piece
        return answer


@pytest.mark.full
@pytest.mark.parametrize("handler", [refuse, refuse_later, refuse_by_size])
async def test_a_client_that_reads_only_when_it_has_sent_all(handler: Any) -> None:
    """It is stuck once we read no more, and finds the answer when the connection has ended."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(TIMES) as threads:
        async with serving(handler) as server:
            answers = await asyncio.gather(
                *(loop.run_in_executor(threads, blind_upload, server, HEADS["length"]) for _ in range(TIMES))
            )
    assert len(answers) == TIMES
    assert all(is_refusal(answer) for answer in answers)


def blind_upload(server: TestServer, head: bytes) -> bytes:
    with socket.create_connection((server.host, server.port or 0), timeout=PATIENCE) as sock:
        with suppress(ConnectionError):
            sock.sendall(head)
            for _ in range(SIZE // len(PIECE)):
                sock.sendall(PIECE)
        answer = b""
        with suppress(ConnectionError):
            while piece := sock.recv(65536):
                answer += piece
        return answer
