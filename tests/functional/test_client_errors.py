"""What errors tell of the body, and what responses tell of themselves."""

import asyncio
import zlib
from typing import Any

import pytest
from yarl import URL

from pronghorn import ClientResponseError, ClientSession, ContentTypeError

from .scripted import Peer, answering, scripted

BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 11\r\n\r\n"


@pytest.mark.parametrize("pieces", [(BUSY + b"come later!",), (BUSY, b"come ", b"later!")])
async def test_raise_for_status_of_a_session(pieces: tuple[bytes, ...]) -> None:
    async with (
        scripted(answering(*pieces, then="stay")) as server,
        ClientSession(raise_for_status=True) as session,
    ):
        with pytest.raises(ClientResponseError) as caught:
            await session.get(server.url())
    assert (caught.value.status, caught.value.body) == (503, b"come later!")
    assert "later" not in str(caught.value)


async def test_raise_for_status_tells_what_has_come() -> None:
    async with (
        scripted(answering(BUSY, b"come ", then="stay")) as server,
        ClientSession() as session,
        session.get(server.url()) as response,
    ):
        assert await response.content.readany() == b"come "
        response.content._give_back(b"come ")
        with pytest.raises(ClientResponseError) as caught:
            response.raise_for_status()
        assert caught.value.body == b"come "
        # Within the block it is still there to be read.
        assert await response.content.readany() == b"come "


async def test_a_body_that_was_read() -> None:
    async with (
        scripted(answering(BUSY + b"come later!")) as server,
        ClientSession() as session,
        session.get(server.url()) as response,
    ):
        await response.read()
        with pytest.raises(ClientResponseError) as caught:
            response.raise_for_status()
    assert caught.value.body == b"come later!"


async def test_at_most_64_kib() -> None:
    body = bytes(range(256)) * 1024
    coded = zlib.compress(body)
    head = b"HTTP/1.1 500 Bad\r\nContent-Encoding: deflate\r\nContent-Length: %d\r\n\r\n" % len(coded)
    async with scripted(answering(head + coded)) as server, ClientSession(raise_for_status=True) as session:
        with pytest.raises(ClientResponseError) as caught:
            await session.get(server.url())
    assert caught.value.body == body[: 64 * 1024]


async def test_a_body_that_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pronghorn.client.response._EXCERPT_SECONDS", 0.01)
    async with (
        scripted(answering(BUSY, b"come ", then="stay")) as server,
        ClientSession(raise_for_status=True) as session,
        asyncio.timeout(10),
    ):
        with pytest.raises(ClientResponseError) as caught:
            await session.get(server.url())
    assert caught.value.body == b"come "


async def test_a_body_that_breaks() -> None:
    async with (
        scripted(answering(BUSY, b"come ", then="reset")) as server,
        ClientSession(raise_for_status=True) as session,
    ):
        with pytest.raises(ClientResponseError) as caught:
            await session.get(server.url())
    assert caught.value.status == 503


async def test_what_a_response_tells() -> None:
    head = (
        b"HTTP/1.1 200 OK\r\nLink: </next>; rel=next\r\nContent-Length: 0\r\n"
        b'Content-Disposition: attachment; filename="a.txt"\r\n\r\n'
    )
    async with (
        scripted(answering(head)) as server,
        ClientSession() as session,
        session.get(server.url("/here")) as response,
    ):
        assert response.links["next"]["url"] == URL(server.url("/next"))
        disposition: Any = response.content_disposition
        assert (disposition.type, disposition.filename) == ("attachment", "a.txt")


async def test_a_content_type_error_has_the_start_of_the_body() -> None:
    async def page(peer: Peer) -> None:
        await peer.answer(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>")

    async with scripted(page) as server, ClientSession() as session, session.get(server.url()) as response:
        with pytest.raises(ContentTypeError, match="<html>"):
            await response.json()
