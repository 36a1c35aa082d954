"""Static routes and files over real sockets: what attackers ask for, and clients that go away."""

import asyncio
import logging
import os
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pronghorn import web
from pronghorn.server.files import FileResponse
from pronghorn.testing import TestServer

from ..server.peer import Answer, Peer, connect, eventually
from ..tls import client_context, server_context

LARGE = bytes(range(253)) * 50_000  # 12 MB: more than buffers hold
PASSWD = "root:"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "served"
    (root / "sub").mkdir(parents=True)
    (root / "a.txt").write_text("content")
    (root / "sub" / "b.txt").write_text("inner")
    (root / "large.bin").write_bytes(LARGE)
    (root / "colon:name").write_text("colon")
    (root / "back\\slash").write_text("backslash")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "served-beside").mkdir()
    (tmp_path / "served-beside" / "secret.txt").write_text("secret")
    (root / "link").symlink_to(tmp_path / "secret.txt")
    (root / "inner-link").symlink_to(root / "a.txt")
    (root / "folder-link").symlink_to(tmp_path)
    (root / "a.txt.gz").symlink_to(tmp_path / "secret.txt")
    os.mkfifo(root / "pipe")
    return root


@asynccontextmanager
async def serving_static(root: Path, **settings: object) -> AsyncIterator[TestServer]:
    app = web.Application()
    app.router.add_static("/static", root)
    async with TestServer(app, **settings) as server:  # type: ignore[arg-type]  # settings of any kind
        yield server


@asynccontextmanager
async def static(root: Path) -> AsyncIterator[Peer]:
    async with serving_static(root) as server, connect(server) as peer:
        yield peer


TRAVERSALS = [
    "/static/../secret.txt",
    "/static/../../../../../../etc/passwd",
    "/static/sub/../../secret.txt",
    "/static/..",
    "/static/../",
    "/static/./../secret.txt",
    "/static..",
    "/static../secret.txt",
    "/static-beside/secret.txt",
    "/static/../served-beside/secret.txt",
    "/static/%2e%2e/secret.txt",
    "/static/%2E%2E/secret.txt",
    "/static/.%2e/secret.txt",
    "/static/%2e./secret.txt",
    "/static/..%2fsecret.txt",
    "/static/..%2Fsecret.txt",
    "/static/%2e%2e%2fsecret.txt",
    "/static/%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "/static/%252e%252e/secret.txt",
    "/static/%252e%252e%252fsecret.txt",
    "/static/%25%32%65%25%32%65/secret.txt",
    "/static/..%5csecret.txt",
    "/static/..%5Csecret.txt",
    "/static/%5c..%5csecret.txt",
    "/static/%c0%ae%c0%ae/secret.txt",
    "/static/%c0%af../secret.txt",
    "/static/%e0%80%ae%e0%80%ae/secret.txt",
    "/static/%uff0e%uff0e/secret.txt",
    "/static/\u2024\u2024/secret.txt".replace("\u2024", "%E2%80%A4"),
    "/static/..;/secret.txt",
    "/static/....//secret.txt",
    "/static//etc/passwd",
    "/static/%2fetc%2fpasswd",
    "/static/%2f%2fetc/passwd",
    "/static///etc/passwd",
    "//static/a.txt",
    "/static//a.txt",
    "/static/a.txt%00",
    "/static/a.txt%00.png",
    "/static/%00",
    "/static/C:",
    "/static/C:/Windows/win.ini",
    "/static/C:%5cWindows%5cwin.ini",
    "/static/%5c%5chost%5cshare%5cfile",
    "/static//host/share/file",
    "/static/CON",
    "/static/NUL",
    "/static/aux.txt",
    "/static/a.txt.",
    "/static/a.txt%20",
    "/static/a.txt::$DATA",
    "/static/a.txt:stream",
    "/static/a.txt/",
    "/static/a.txt/b",
    "/static/A.TXT",
    "/static/none",
    "/static/link",
    "/static/inner-link",
    "/static/folder-link/secret.txt",
    "/static/folder-link/served/a.txt",
    "/static/pipe",
    "/static/" + "a" * 300,
    "/static/" + "%61" * 2000,
    "/static/" + "../" * 2000 + "etc/passwd",
    "/static/" + "x/" * 3000,
    "/static/~root/",
    "/static/$HOME",
    "/static/sub/none",
    "/other",
]


@pytest.mark.parametrize("target", TRAVERSALS, ids=[target[:40] for target in TRAVERSALS])
async def test_traversal(root: Path, target: str) -> None:
    """One answer to everything that is not served, in status, fields and body."""
    async with static(root) as peer:
        expected = await peer.ask(target="/static/no-such-file")
        for method in ("GET", "HEAD"):
            answer = await peer.ask(method, target)
            assert answer.status == 404
            assert _without_date(answer) == _without_date(expected)
            if method == "GET":
                assert answer.content == expected.content == b"404: Not Found"


def _without_date(answer: Answer) -> list[tuple[str, str]]:
    return [field for field in answer.fields if field[0] != "date"]


async def test_absolute_form(root: Path) -> None:
    async with static(root) as peer:
        assert (await peer.ask(target="http://a/static/../secret.txt")).status == 404
        assert (await peer.ask(target="http://a/static/a.txt")).text == "content"


@pytest.mark.skipif(os.name == "nt", reason="there such names lead elsewhere")
async def test_names_that_only_windows_fears(root: Path) -> None:
    async with static(root) as peer:
        assert (await peer.ask(target="/static/colon:name")).text == "colon"
        assert (await peer.ask(target="/static/back%5Cslash")).text == "backslash"


async def test_a_sibling_that_is_a_link(root: Path) -> None:
    async with static(root) as peer:
        answer = await peer.ask(target="/static/a.txt", more=b"Accept-Encoding: gzip\r\n")
        assert answer.text == "content"
        assert "content-encoding" not in answer


async def test_a_folder_is_no_redirect(root: Path) -> None:
    """403 with and without a slash: there is no Location to lead to another host."""
    async with static(root) as peer:
        for target in ("/static", "/static/", "/static/sub", "/static/sub/"):
            answer = await peer.ask(target=target)
            assert answer.status == 403
            assert "location" not in answer


@pytest.mark.parametrize(
    "ranges",
    ["bytes=" + "0-0," * 1900 + "0-0", "bytes=" + "," * 7000, "bytes=" + "0" * 7000, "bytes=-" + "9" * 7000],
    ids=["many", "commas", "zeros", "digits"],
)
@pytest.mark.timed
async def test_ranges_that_ask_for_work(root: Path, ranges: str) -> None:
    """Hundreds of requests with the worst Range that fits take no longer than others."""
    async with static(root) as peer:
        start = time.process_time()
        for _ in range(50):
            answer = await peer.ask(target="/static/a.txt", more=f"Range: {ranges}\r\n".encode())
            assert answer.status in (200, 206, 416)
            assert len(answer.content) < 1000
        assert time.process_time() - start < 2.0


async def test_unicode_digits(root: Path) -> None:
    async with static(root) as peer:
        answer = await peer.ask(target="/static/a.txt", more="Range: bytes=\u0660-\u0661\r\n".encode())
        assert answer.status == 416


# Clients that go away, or do not read


def open_files() -> list[str]:
    """The files of the tests that this process has open."""
    found = []
    for place in Path("/proc/self/fd").iterdir():
        try:
            found.append(str(place.readlink()))
        except OSError:
            continue
    return sorted(name for name in found if "large.bin" in name or "socket" in name)


@pytest.mark.parametrize("ending", ["vanish", "close"])
async def test_a_client_that_goes_away(root: Path, ending: str, caplog: pytest.LogCaptureFixture) -> None:
    """In the middle of a file: nothing stays open, and nobody is told of an error."""
    async with serving_static(root) as server:
        before = open_files()
        for _ in range(3):
            reader, writer = await asyncio.open_connection(server.host, server.port)
            Peer(reader, writer).request(target="/static/large.bin")
            await reader.readexactly(100_000)
            assert any("large.bin" in name for name in open_files())
            if ending == "vanish":
                writer.transport.abort()
            else:
                writer.close()
            await eventually(lambda: open_files() <= before)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_client_that_stops_reading(root: Path) -> None:
    """The connection is given up after the time that a peer has to take what is sent."""
    async with serving_static(root, write_timeout=0.3) as server:
        before = open_files()
        async with connect(server) as peer:
            peer.reader._limit = 1  # type: ignore[attr-defined]  # so that it reads no more than asked for
            peer.request(target="/static/large.bin")
            await eventually(lambda: any("large.bin" in name for name in open_files()))
            await eventually(lambda: not any("large.bin" in name for name in open_files()))
            assert len(await peer.rest()) < len(LARGE)
            assert peer.was_reset
        await eventually(lambda: open_files() <= before)


async def test_a_slow_client_gets_all(root: Path) -> None:
    async with serving_static(root) as server, connect(server) as peer:
        peer.request(target="/static/large.bin")
        answer = await peer.answer()
        assert answer.is_whole
        assert answer.content == LARGE
        assert (await peer.ask(target="/static/a.txt")).text == "content"


async def test_a_file_that_becomes_shorter(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with serving_static(root) as server, connect(server) as peer:
        peer.reader._limit = 1  # type: ignore[attr-defined]  # so that it reads no more than asked for
        peer.request(target="/static/large.bin")
        await eventually(lambda: any("large.bin" in name for name in open_files()))
        os.truncate(root / "large.bin", 1000)
        assert len(await peer.rest()) < len(LARGE)
        assert peer.was_reset
        await eventually(lambda: not any("large.bin" in name for name in open_files()))
        (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
        assert "Error handling" in record.getMessage()


async def test_pipelined(root: Path) -> None:
    async with static(root) as peer:
        for target in ("/static/large.bin", "/static/a.txt", "/static/none", "/static/large.bin"):
            peer.request(target=target)
        assert (await peer.answer()).content == LARGE
        assert (await peer.answer()).text == "content"
        assert (await peer.answer()).status == 404
        assert (await peer.answer()).content == LARGE


async def test_a_handler_that_is_cancelled(root: Path) -> None:
    async def handler(_request: web.Request) -> web.StreamResponse:
        return FileResponse(root / "large.bin")

    app = web.Application()
    app.router.add_get("/", handler)
    async with TestServer(app, handler_cancellation=True) as server:
        before = open_files()
        reader, writer = await asyncio.open_connection(server.host, server.port)
        Peer(reader, writer).request()
        await reader.readexactly(1000)
        writer.transport.abort()
        await eventually(lambda: open_files() <= before)


async def test_old_clients(root: Path) -> None:
    async with static(root) as peer:
        peer.send(b"GET /static/large.bin HTTP/1.0\r\nHost: a\r\n\r\n")
        answer = await peer.answer()
        assert answer.content == LARGE
        assert await peer.is_closed()


async def test_over_tls(root: Path) -> None:
    """Read in pieces and encrypted: sendfile would send what is in the file."""
    app = web.Application()
    app.router.add_static("/static", root)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_context())
        await site.start()
        (address,) = runner.addresses
        reader, writer = await asyncio.open_connection(
            address[0], address[1], ssl=client_context(), server_hostname="localhost"
        )
        peer = Peer(reader, writer)
        peer.request(target="/static/large.bin", more=b"Range: bytes=5-\r\n")
        assert (await peer.answer()).content == LARGE[5:]
        assert (await peer.ask(target="/static/a.txt")).text == "content"
        writer.transport.abort()
    finally:
        await runner.cleanup()


async def test_over_a_unix_socket(root: Path, tmp_path: Path) -> None:
    app = web.Application()
    app.router.add_static("/static", root)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        path = os.path.relpath(tmp_path / "s")
        server = runner.server
        assert server is not None
        listener = await asyncio.get_running_loop().create_unix_server(server, path)
        reader, writer = await asyncio.open_unix_connection(path)
        peer = Peer(reader, writer)
        assert (await peer.ask(target="/static/large.bin")).content == LARGE
        writer.transport.abort()
        listener.close()
    finally:
        await runner.cleanup()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("options", [(), ("--compressed",), ("--range", "5-20000000"), ("-C", "7000000")])
async def test_curl(root: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    out = tmp_path / "out"
    if "-C" in options:
        out.write_bytes(LARGE[:7000000])
    async with serving_static(root) as server:
        url = str(server.make_url("/static/large.bin"))
        process = await asyncio.create_subprocess_exec("curl", "-sSf", "-o", str(out), *options, url)
        assert await process.wait() == 0
    assert out.read_bytes() == (LARGE[5:] if "--range" in options else LARGE)
