"""What a user passes on from somebody else, and what leaves: no CR, LF or NUL splits a message of ours.

`tests/wire/http1/test_writing.py` holds the machine to it; here it is the public names, over sockets.
"""

from collections.abc import Callable
from typing import Any

import pytest

from pronghorn import ClientSession, web
from pronghorn.testing import RawTestServer

from ..functional.scripted import scripted
from ..server.peer import GET, connect
from .cases import SMUGGLED

SPLITTERS = {
    "CRLF": "\r\nX-Evil: 1",
    "CR": "\rX-Evil: 1",
    "LF": "\nX-Evil: 1",
    "NUL": "\0X-Evil: 1",
    "two-messages": f"\r\n\r\n{SMUGGLED.decode()}",
}
each_splitter = pytest.mark.parametrize("splitter", SPLITTERS.values(), ids=SPLITTERS)

Send = Callable[[ClientSession, str, str], Any]
ASKED: dict[str, Send] = {
    "CVE-2023-49082-method": lambda session, url, evil: session.request(f"GET{evil}", url),
    "CVE-2023-49082-method-and-version": lambda session, url, evil: session.request(
        f"GET / HTTP/1.1{evil}", url
    ),
    "CVE-2019-11236-encoded-target": lambda session, url, evil: session.get(_encoded(url, evil)),
    "h11-39-field-value": lambda session, url, evil: session.get(url, headers={"X": f"a{evil}"}),
    "h11-39-field-name": lambda session, url, evil: session.get(url, headers={f"X{evil}": "a"}),
    "h11-39-Host": lambda session, url, evil: session.get(url, headers={"Host": f"a{evil}"}),
    "field-of-the-session": lambda session, url, evil: session.get(url, headers={"User-Agent": f"a{evil}"}),
    "Content-Type": lambda session, url, evil: session.post(
        url, data=b"a", headers={"Content-Type": f"a/b{evil}"}
    ),
    "CL-and-TE-by-hand": lambda session, url, evil: session.post(
        url, data=b"a", headers={"Content-Length": f"1{evil}", "Transfer-Encoding": "chunked"}
    ),
}


def _encoded(url: str, evil: str) -> Any:
    from yarl import URL

    return URL(f"{url}{evil}", encoded=True)


@each_splitter
@pytest.mark.parametrize("send", ASKED.values(), ids=ASKED)
async def test_request(send: Send, splitter: str) -> None:
    async with scripted() as server, ClientSession() as session:
        with pytest.raises(ValueError, match=r"."):
            await send(session, server.url(), splitter)
        assert not server.requests
        async with session.get(server.url("/next")) as response:
            assert await response.text() == "ok"
        (request,) = server.requests
        assert (request.target, "X-Evil" in request.fields) == ("/next", False)


Answer = Callable[[str], web.StreamResponse]
ANSWERED: dict[str, Answer] = {
    "CVE-2026-34519-reason": lambda evil: web.Response(status=200, reason=f"OK{evil}"),
    "CVE-2025-67724-reason-of-an-error": lambda evil: web.HTTPNotFound(reason=f"No{evil}"),
    "CVE-2018-1000164-field-value": lambda evil: web.Response(headers={"X": f"a{evil}"}),
    "CVE-2020-7695-field-name": lambda evil: web.Response(headers={f"X{evil}": "a"}),
    "CVE-2012-2374-Set-Cookie": lambda evil: web.Response(headers={"Set-Cookie": f"a=b{evil}"}),
    "CVE-2016-9964-Location": lambda evil: web.Response(status=302, headers={"Location": f"/{evil}"}),
    "Content-Type": lambda evil: web.Response(body=b"a", headers={"Content-Type": f"a/b{evil}"}),
}


@each_splitter
@pytest.mark.parametrize("answer", ANSWERED.values(), ids=ANSWERED)
async def test_response(answer: Answer, splitter: str) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return answer(splitter)

    async with RawTestServer(handler) as server, connect(server) as peer:
        peer.send(GET)
        said = await peer.rest()
    assert said.startswith(b"HTTP/1.1 500 ")
    assert said.count(b"HTTP/1.1") == 1
    assert b"evil" not in said.lower()
    assert b"smuggled" not in said


@pytest.mark.parametrize(
    "fields",
    [
        {"Content-Length": "9"},
        {"Transfer-Encoding": "chunked"},
        {"Content-Length": "9", "Transfer-Encoding": "chunked"},
        {"content-length": "+5", "transfer-encoding": "xchunked"},
    ],
    ids=["CL", "TE", "CL-and-TE", "neither"],
)
async def test_a_length_of_ones_own_is_never_emitted(fields: dict[str, str]) -> None:
    """aiohttp: "CL+TE can be emitted via raw headers"."""

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=b"hello", headers=fields)

    async with RawTestServer(handler) as server, connect(server) as peer:
        answer = await peer.ask()
        assert (answer.status, answer["content-length"], answer.content) == (200, "5", b"hello")
        assert "transfer-encoding" not in answer


@pytest.mark.parametrize("name", ["Content-Length", "content-length"])
@pytest.mark.parametrize("length", ["9", "+5", "5, 5", "0x5", "", "6"])
async def test_a_length_that_is_not_so_raises(name: str, length: str) -> None:
    async with scripted() as server, ClientSession() as session:
        for more in ({}, {"Transfer-Encoding": "chunked"}):
            with pytest.raises(ValueError, match=r"(?i)content-length|transfer-encoding"):
                await session.post(server.url(), data=b"hello", headers={name: length, **more})
        assert not server.requests


@pytest.mark.parametrize("coding", ["gzip", "xchunked", "chunked, chunked", "identity"])
async def test_a_coding_that_is_not_ours_raises(coding: str) -> None:
    async with scripted() as server, ClientSession() as session:
        with pytest.raises(ValueError, match=r"(?i)transfer-encoding"):
            await session.post(server.url(), data=b"hello", headers={"Transfer-Encoding": coding})
        assert not server.requests
        async with session.post(server.url(), data=b"hello", headers={"Transfer-Encoding": "chunked"}):
            (request,) = server.requests
    assert ("Content-Length" in request.fields, request.body) == (False, b"hello")
