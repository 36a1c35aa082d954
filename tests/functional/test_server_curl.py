"""curl against the server: a client that many people know, written by others."""

import asyncio
import hashlib
import os
import shutil
from pathlib import Path

import pytest

from pronghorn import web
from pronghorn.testing import TestServer

from ..server.peer import PATIENCE


@pytest.fixture(scope="module")
def curl() -> str:
    """The path of curl. Where it is missing, the test says so, and in CI it fails."""
    found = shutil.which("curl")
    if found is None:
        missing = "curl is not installed"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    return found


async def run(curl: str, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        curl,
        "-sS",
        "--noproxy",
        "*",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


def application() -> web.Application:
    routes = web.RouteTableDef()

    @routes.get("/hello/{name}")
    async def hello(request: web.Request) -> web.Response:
        return web.Response(text=f"hello {request.match_info['name']}")

    @routes.post("/sha")
    async def sha(request: web.Request) -> web.Response:
        digest = hashlib.sha256()
        async for piece in request.content.iter_any():
            digest.update(piece)
        return web.Response(text=digest.hexdigest())

    @routes.get("/stream")
    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(b"x" * 1000)
        return response

    @routes.post("/refuse")
    async def refuse(request: web.Request) -> web.Response:
        raise web.HTTPForbidden

    app = web.Application()
    app.add_routes(routes)
    return app


@pytest.mark.parametrize("version", ["--http1.0", "--http1.1"])
async def test_get_head_and_404(curl: str, version: str) -> None:
    async with TestServer(application()) as server:
        url = str(server.make_url("/hello/x%20y"))
        assert await run(curl, version, url) == "hello x y"
        head = await run(curl, version, "--head", url)
        assert head.startswith("HTTP/1.1 200 OK\r\n")
        assert "Content-Length: 9\r\n" in head
        assert (
            await run(curl, version, "-w", " %{http_code}", str(server.make_url("/no")))
            == "404: Not Found 404"
        )
        assert len(await run(curl, version, str(server.make_url("/stream")))) == 100_000


async def test_connections_are_kept(curl: str) -> None:
    async with TestServer(application()) as server:
        url = str(server.make_url("/hello/x"))
        assert await run(curl, "-w", " %{num_connects};", url, url, url) == "hello x 1;hello x 0;hello x 0;"


@pytest.mark.parametrize("more", [(), ("-H", "Transfer-Encoding: chunked"), ("-H", "Expect: 100-continue")])
async def test_uploads(curl: str, tmp_path: Path, more: tuple[str, ...]) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(3_000_000))
    async with TestServer(application()) as server:
        url = str(server.make_url("/sha"))
        got = await run(curl, *more, "-X", "POST", "--data-binary", f"@{file}", url)
        assert got == hashlib.sha256(bytes(3_000_000)).hexdigest()


async def test_an_upload_that_is_refused_early(curl: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(30_000_000))
    async with TestServer(application()) as server:
        url = str(server.make_url("/refuse"))
        for more in (("-H", "Expect:"), ("-H", "Expect: 100-continue")):
            got = await run(curl, *more, "-w", " %{http_code}", "-T", str(file), "-X", "POST", url)
            assert got == "403: Forbidden 403"
