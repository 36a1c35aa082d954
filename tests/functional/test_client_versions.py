"""Requests in HTTP/1.0, and responses that do not say where they end."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Self

import pytest

from pronghorn import ClientSession, HttpVersion, HttpVersion10, HttpVersion11

from .scripted import Peer, scripted

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Recorded:
    """A server that keeps the bytes of heads, answers each with ``answer``, and closes if told to."""

    def __init__(self, answer: bytes, *, closes: bool = False) -> None:
        self.answer = answer
        self.closes = closes
        self.heads: list[bytes] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                for line in head.split(b"\r\n"):
                    if line.lower().startswith(b"content-length:"):
                        await reader.readexactly(int(line.partition(b":")[2]))
                writer.write(self.answer)
                if self.closes:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()


@pytest.mark.parametrize("version", [HttpVersion10, HttpVersion(1, 0)])
async def test_1_0(version: HttpVersion) -> None:
    async with Recorded(OK) as server, ClientSession(version=version) as session:
        assert session.version == HttpVersion10
        for _ in range(2):
            async with session.post(server.url, data=b"abc") as response:
                assert await response.read() == b"ok"
    for head in server.heads:
        assert head.startswith(b"POST / HTTP/1.0\r\n")
        assert b"Connection: keep-alive\r\n" in head
        assert b"Content-Length: 3\r\n" in head


async def test_1_1_is_the_default() -> None:
    async with Recorded(OK) as server, ClientSession() as session:
        assert session.version == HttpVersion11
        async with session.get(server.url):
            pass
    assert server.heads[0].startswith(b"GET / HTTP/1.1\r\n")
    assert b"Connection" not in server.heads[0]


async def test_versions_share_connections() -> None:
    async with Recorded(OK) as server, ClientSession() as one:
        assert one.connector is not None
        shared = {"connector": one.connector, "connector_owner": False}
        async with ClientSession(**shared, version=HttpVersion10) as other:
            for session in (one, other, one):
                async with session.get(server.url) as response:
                    await response.read()
        assert one.connector.stats().created == 1
    assert [head.split(b"\r\n")[0][-8:] for head in server.heads] == [b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.1"]


async def test_a_body_of_unknown_length_has_no_place_in_1_0() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"abc"

    async with Recorded(OK) as server, ClientSession(version=HttpVersion10) as session:
        for options in ({"data": body()}, {"data": b"abc", "chunked": True}):
            with pytest.raises(ValueError, match=r"unknown length can't be sent in HTTP/1\.0"):
                await session.post(server.url, **options)
        async with session.get(server.url) as response:
            assert await response.read() == b"ok"
    assert len(server.heads) == 1


@pytest.mark.parametrize("version", [HttpVersion(2, 0), (1, 2), "1.1", None])
def test_other_versions(version: Any) -> None:
    with pytest.raises(ValueError, match="version: expected HttpVersion10 or HttpVersion11"):
        ClientSession(version=version)


# Responses without a length


ENDLESS = b"HTTP/1.1 200 OK\r\n\r\nto the end"


async def test_a_body_reaches_to_the_end() -> None:
    async with (
        Recorded(ENDLESS, closes=True) as server,
        ClientSession() as session,
        session.get(server.url) as response,
    ):
        assert await response.read() == b"to the end"


async def test_no_body_unless_it_says_where_it_ends() -> None:
    # The server leaves the connection open: nobody waits for it.
    async with scripted(_unending) as server, ClientSession() as session:
        async with asyncio.timeout(10), session.get(server.url(), read_until_eof=False) as response:
            assert await response.read() == b""
        async with asyncio.timeout(10), session.get(server.url(), read_until_eof=False) as response:
            assert await response.read() == b""
        assert len(server.peers) == 2  # what follows belongs to nothing


async def test_bodies_that_say_where_they_end_are_read() -> None:
    async with Recorded(OK) as server, ClientSession() as session:
        for _ in range(2):
            async with session.get(server.url, read_until_eof=False) as response:
                assert await response.read() == b"ok"
        assert session.connector is not None
        assert session.connector.stats().created == 1


async def _unending(peer: Peer) -> None:
    await peer.answer(ENDLESS)
    await peer.rest()
