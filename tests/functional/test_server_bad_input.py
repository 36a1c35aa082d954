"""What is no request, over real sockets: a 4xx that tells nothing of us, and a closed connection."""

import pytest

from pronghorn import web

from ..server.peer import GET, connect, served, serving

HOST = b"Host: a\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

MALFORMED = {
    "no-version": (b"GET /\r\n\r\n", 400),
    "version-0.9": (b"GET / HTTP/0.9\r\n" + HOST + b"\r\n", 505),
    "version-2": (b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", 505),
    "no-http": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "two-spaces": (b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "bare-LF": (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    "no-host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two-hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "bad-host": (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    "space-before-colon": (b"GET / HTTP/1.1\r\n" + HOST + b"X : y\r\n\r\n", 400),
    "folded": (b"GET / HTTP/1.1\r\n" + HOST + b"X: y\r\n z\r\n\r\n", 400),
    "NUL": (b"GET / HTTP/1.1\r\n" + HOST + b"X: \0\r\n\r\n", 400),
    "bad-method": (b"G{T / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "bad-target": (b"GET /<script> HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "port-99999": (b"GET http://a:99999/ HTTP/1.1\r\nHost: a:99999\r\n\r\n", 400),
    "relative-target": (b"GET a HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "length-and-chunked": (CHUNKED[:-2] + b"Content-Length: 5\r\n\r\n", 400),
    "two-lengths": (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400),
    "signed-length": (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: +5\r\n\r\n", 400),
    "unknown-coding": (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip\r\n\r\n", 501),
    "chunked-1.0": (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    "long-target": (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
    "long-field": (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 431),
    "many-fields": (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
    "large-head": (b"GET / HTTP/1.1\r\nHost: a\r\n" + (b"X: " + b"y" * 8000 + b"\r\n") * 9 + b"\r\n", 431),
    "two-empty-lines": (b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
}
BROKEN_BODIES = {
    "no-size": b"x\r\n",
    "negative-size": b"-1\r\n",
    "long-size": b"11111111111111111\r\n",
    "no-end-of-chunk": b"5\r\nhelloworld\r\n",
    "bare-LF": b"5\nhello\n0\n\n",
    "framing-in-trailers": b"0\r\nContent-Length: 5\r\n\r\n",
    "broken-trailer": b"0\r\nno colon\r\n\r\n",
}


async def echo(request: web.Request) -> web.Response:
    return web.Response(body=await request.read())


@pytest.mark.parametrize("before", [b"", GET], ids=["first", "after-another"])
@pytest.mark.parametrize(("wire", "status"), MALFORMED.values(), ids=MALFORMED)
async def test_malformed_requests(
    wire: bytes, status: int, before: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(echo) as peer:
        peer.send(before + wire)
        if before:
            assert (await peer.answer()).status == 200
        answer = await peer.answer()
        assert (answer.status, answer["connection"]) == (status, "close")
        assert answer.text.startswith(f"{status}: ")
        assert not {"Traceback", "pronghorn", ".py", "Error"} & set(answer.text.replace(":", " ").split())
        assert await peer.is_closed()
    assert not caplog.records


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("body", BROKEN_BODIES.values(), ids=BROKEN_BODIES)
async def test_broken_bodies(body: bytes, apart: bool, caplog: pytest.LogCaptureFixture) -> None:
    async with served(echo) as peer:
        peer.send(CHUNKED)
        if apart:
            await peer.writer.drain()
        peer.send(body + GET)
        answer = await peer.answer()
        assert (answer.status, answer["connection"]) == (400, "close")
        assert "Traceback" not in answer.text
        assert await peer.is_closed()
    assert not caplog.records


async def test_a_refused_head_has_no_content() -> None:
    async with served(echo) as peer:
        peer.send(b"HEAD / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\n\r\n")
        answer = await peer.answer("HEAD")
        assert answer.status == 417
        assert await peer.is_closed()


async def test_after_an_error_others_are_served() -> None:
    async with serving(echo) as server:
        for wire, _ in MALFORMED.values():
            async with connect(server) as peer:
                peer.send(wire)
                await peer.rest()
        async with connect(server) as peer:
            assert (await peer.ask()).status == 200


async def test_an_upgrade_that_nobody_knows_is_declined() -> None:
    async with served(echo) as peer:
        for _ in range(2):
            answer = await peer.ask("POST", body=b"kept", more=b"Connection: upgrade\r\nUpgrade: h2c\r\n")
            assert (answer.status, answer.text) == (200, "kept")
