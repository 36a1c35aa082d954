"""The example applications, each started by its one command and used as its users would."""

import re
import select
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from runpy import run_path
from unittest.mock import patch

import pytest

from pronghorn import ClientSession
from pronghorn.testing import TestClient, TestServer

from .test_examples import EXAMPLES, STOPS, WITHIN, started, stopped

RUNNING = re.compile(r"=+ Running on (http://127\.0\.0\.1:\d+) =+\n")


@contextmanager
def running(program: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """An example, and where it listens."""
    with started("-u", str(EXAMPLES / program), "--port", "0", *arguments) as server:
        ready, _, _ = select.select([server.stdout], [], [], WITHIN)
        assert ready, "the server said nothing"
        assert server.stdout is not None
        assert server.stderr is not None
        line = server.stdout.readline()
        found = RUNNING.fullmatch(line)
        assert found, line or server.stderr.read()
        yield server, found[1]


@asynccontextmanager
async def asking(
    program: str, *arguments: str, stop: signal.Signals = signal.SIGINT
) -> AsyncIterator[ClientSession]:
    """A session with an example, which has to end cleanly and say nothing else."""
    with running(program, *arguments) as (server, url):
        async with ClientSession(base_url=url) as session:
            yield session
        assert stopped(server, stop) == (0, "")


# notes.py


@STOPS
async def test_notes_are_made_read_changed_and_removed(stop: signal.Signals, tmp_path: Path) -> None:
    database = str(tmp_path / "notes.db")
    async with asking("notes.py", "--database", database, stop=stop) as session:
        async with session.post("/notes", json={"text": "buy milk"}) as response:
            assert response.status == 201
            assert response.headers["Location"] == "/notes/1"
            assert await response.json() == {"id": 1, "text": "buy milk"}
        await session.post("/notes", json={"text": "sell it"})
        async with session.get("/notes") as response:
            assert await response.json() == [{"id": 1, "text": "buy milk"}, {"id": 2, "text": "sell it"}]
        async with session.get("/notes", params={"after": 1, "limit": 1}) as response:
            assert await response.json() == [{"id": 2, "text": "sell it"}]
        async with session.put("/notes/1", json={"text": "buy bread"}) as response:
            assert await response.json() == {"id": 1, "text": "buy bread"}
        async with session.delete("/notes/2") as response:
            assert (response.status, await response.read()) == (204, b"")
    # It is a database: what was written is there.
    async with asking("notes.py", "--database", database) as session, session.get("/notes/1") as response:
        assert await response.json() == {"id": 1, "text": "buy bread"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("GET", "/notes/7", None, 404, "there is no such note"),
        ("PUT", "/notes/7", b'{"text": "x"}', 404, "there is no such note"),
        ("DELETE", "/notes/7", None, 404, "there is no such note"),
        ("GET", "/notes/x", None, 404, "404: Not Found"),
        ("PATCH", "/notes", None, 405, "405: Method Not Allowed"),
        ("POST", "/notes", b"{", 400, "expected JSON"),
        ("POST", "/notes", b"[]", 400, 'expected {"text": ...} of 1 to 10,000 characters'),
        ("POST", "/notes", b'{"text": ""}', 400, 'expected {"text": ...} of 1 to 10,000 characters'),
        ("GET", "/notes?limit=101", None, 400, "limit: expected 1 to 100, got 101"),
        ("GET", "/notes?after=-1", None, 400, "expected a number, got '-1'"),
    ],
)
async def test_notes_refuse_in_json(
    method: str, path: str, body: bytes | None, status: int, error: str
) -> None:
    async with asking("notes.py") as session:
        headers = {"Content-Type": "application/json"} if body else {}
        async with session.request(method, path, data=body, headers=headers) as response:
            assert (response.status, await response.json()) == (status, {"error": error})
            assert (status == 405) == ("Allow" in response.headers)


async def test_notes_are_json_and_no_more_than_64_kib() -> None:
    async with asking("notes.py") as session:
        async with session.post("/notes", data={"text": "x"}) as response:
            assert (response.status, await response.json()) == (415, {"error": "expected application/json"})
        async with session.post("/notes", json={"text": "x" * 70_000}) as response:
            assert response.status == 413


# files.py


@STOPS
async def test_files_are_uploaded_listed_fetched_and_deleted(stop: signal.Signals, tmp_path: Path) -> None:
    content = bytes(range(256)) * 4096
    async with asking("files.py", "--folder", str(tmp_path), stop=stop) as session:
        async with session.put("/files/a b.bin", data=content) as response:
            assert (response.status, await response.json()) == (201, {"name": "a b.bin", "size": 1 << 20})
        assert [path.name for path in tmp_path.iterdir()] == ["a b.bin"]
        async with session.get("/list") as response:
            assert await response.json() == [{"name": "a b.bin", "size": 1 << 20}]
        async with session.get("/files/a b.bin") as response:
            assert await response.read() == content
        async with session.get("/files/a b.bin", headers={"Range": "bytes=256-511"}) as response:
            assert (response.status, await response.read()) == (206, bytes(range(256)))
        async with session.delete("/files/a b.bin") as response:
            assert response.status == 204
        async with session.get("/files/a b.bin") as response:
            assert response.status == 404
        async with session.delete("/files/a b.bin") as response:
            assert response.status == 404


@pytest.mark.parametrize("name", [".hidden", "%2e%2e%2fx", "..", "a%00b", "a%5cb"])
async def test_files_have_names_of_their_own_folder(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    from yarl import URL

    async with asking("files.py", "--folder", str(folder)) as session:
        url = URL(f"/files/{name}", encoded=True)
        async with session.put(url, data=b"x") as response:
            assert response.status in (400, 404, 405)
        assert [*folder.iterdir()] == []
        assert [path.name for path in tmp_path.iterdir()] == ["shared"]


async def test_a_broken_upload_leaves_nothing(tmp_path: Path) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield b"x" * 300_000
        raise ZeroDivisionError

    with running("files.py", "--folder", str(tmp_path)) as (server, url):
        async with ClientSession() as session:
            with pytest.raises(ZeroDivisionError):
                await session.put(f"{url}/files/a", data=half())
            async with session.get(f"{url}/list") as response:
                assert await response.json() == []
        assert stopped(server, signal.SIGTERM)[0] == 0
    assert [*tmp_path.iterdir()] == []


async def test_a_file_that_is_removed_while_it_is_listed(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(name)

    def is_file(path: Path) -> bool:
        if path.name == "b":
            path.unlink()
        return True

    application = run_path(str(EXAMPLES / "files.py"))["application"](tmp_path)
    async with TestClient(TestServer(application)) as client:
        with patch.object(Path, "is_file", is_file):
            async with client.get("/list") as response:
                assert await response.json() == [{"name": "a", "size": 1}, {"name": "c", "size": 1}]


# clock.py


@STOPS
async def test_the_clock_ticks_until_it_is_stopped(stop: signal.Signals) -> None:
    with running("clock.py", "--tick", "0.05") as (server, url):
        async with ClientSession() as session:
            async with session.get(url) as page:
                assert "EventSource" in await page.text()
            numbers = []
            async with session.sse(f"{url}/clock") as events:
                async for event in events:
                    assert event.event == "tick"
                    assert re.fullmatch(r"\d\d:\d\d:\d\d", event.data)
                    numbers.append(int(event.id or 0))
                    if len(numbers) == 3:
                        break
            assert numbers == sorted(set(numbers))
            # Somebody looks when it is stopped: the stream is ended, and nobody waits.
            async with session.get(f"{url}/clock") as response:
                await response.content.readline()
                server.send_signal(stop)
                assert (await response.read()).endswith(b"\n")
        assert server.wait(WITHIN) == 0
        assert server.stderr is not None
        assert server.stderr.read() == ""
