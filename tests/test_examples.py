"""What a newcomer runs works: the examples as programs, and the Python in README.md and docs/."""

import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
# Generous for a busy machine: only what hangs takes as long.
WITHIN = 30
# Programs run the way the tests do: under -O when they are, and with warnings as errors.
PYTHON = [sys.executable, "-W", "error", *(["-O"] if sys.flags.optimize else [])]
FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STOPS = pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM], ids=lambda stop: stop.name)


@contextmanager
def started(*command: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*PYTHON, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def finished(*command: str) -> tuple[int, str, str]:
    """Its status, what it printed, what it complained of."""
    done = subprocess.run([*PYTHON, *command], capture_output=True, text=True, timeout=WITHIN, check=False)
    return done.returncode, done.stdout, done.stderr


def stopped(process: subprocess.Popen[str], stop: signal.Signals) -> tuple[int, str]:
    """Its status, what it complained of."""
    process.send_signal(stop)
    _, errors = process.communicate(timeout=WITHIN)
    return process.returncode, errors


@contextmanager
def example_server() -> Iterator[tuple[subprocess.Popen[str], str]]:
    with started(str(EXAMPLES / "server.py"), "--port", "0") as server:
        ready, _, _ = select.select([server.stdout], [], [], WITHIN)
        assert ready, "the server said nothing"
        line = server.stdout.readline()
        found = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+)\n", line)
        assert found, line or server.stderr.read()
        yield server, found[1]


@STOPS
def test_client_and_server(stop: signal.Signals) -> None:
    with example_server() as (server, url):
        status, output, errors = finished(
            str(EXAMPLES / "client.py"), url, "--size", "3000001", "--requests", "100"
        )
        assert (status, output.count("200 OK")) == (0, 3), output + errors
        assert [line.split()[0] for line in output.splitlines()] == [
            *("page", "json", "form", "upload", "download", "sha-256", "requests", "websocket", "chat")
        ]
        assert "100 over 20 connections" in output
        assert "text, 1 MiB of binary and a ping came back; closed with 1000" in output
        assert "2 in a room heard what Guest 1 said" in output
        # Nothing but the two bars, each drawn once: stderr is no terminal here.
        assert [line.split()[0] for line in errors.splitlines()] == ["upload", "download"]
        assert errors.count("#" * 40) == errors.count("100%") == 2
        assert stopped(server, stop) == (0, "")


@STOPS
def test_server_stops_while_it_is_idle(stop: signal.Signals) -> None:
    with example_server() as (server, _):
        assert stopped(server, stop) == (0, "")


def test_client_says_what_failed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
    status, output, errors = finished(str(EXAMPLES / "client.py"), f"http://127.0.0.1:{port}")
    assert (status, output) == (1, "")
    assert errors.startswith("failed: ClientConnectorError")
    assert "Traceback" not in errors


def test_demo() -> None:
    status, output, errors = finished(str(EXAMPLES / "demo.py"), "--size", "100000", "--requests", "40")
    assert status == 0, output + errors
    assert re.search(r"^shutdown +clean, status 0\ndemo +passed in \d", output, re.MULTILINE)


def test_demo_fails_when_a_step_fails() -> None:
    status, output, errors = finished(str(EXAMPLES / "demo.py"), "--size", "-1")
    assert status == 1, output + errors
    assert errors.endswith("demo failed: the client failed\n")


# README.md and docs/


def blocks(path: Path) -> list[str]:
    """The fenced Python of a document, each block on its own lines: a syntax error names the right one."""
    text = path.read_text(encoding="utf-8")
    return ["\n" * text.count("\n", 0, found.start(1)) + found[1] for found in FENCE.finditer(text)]


DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_python_of_documents_compiles(path: Path) -> None:
    for block in blocks(path):
        compile(block, str(path), "exec")


#: Runs the blocks of a document, and the coroutine functions in them that need a session and a URL at most.
RUNNER = """
import asyncio
import inspect
import sys

import pronghorn


async def call(function, names, url):
    async with pronghorn.ClientSession() as session:
        given = {"session": session, "url": url}
        await function(*[given[name] for name in names])


url, *blocks = sys.argv[1:]
for block in blocks:
    found = {"__name__": "__main__"}
    exec(compile(block, "<block>", "exec"), found)
    for name, function in list(found.items()):
        if not inspect.iscoroutinefunction(function) or name == "main" or "WebSocket" in block:
            continue
        names = list(inspect.signature(function).parameters)
        if set(names) <= {"session", "url"}:
            asyncio.run(call(function, names, url))
            print("ran", name)
"""
RUN = {
    "client.md": ("send", "ask_the_api", "digest", "known", "told", "listen", "patient"),
    "websockets.md": (),
}


@pytest.mark.parametrize(("name", "functions"), RUN.items(), ids=RUN)
def test_python_of_documents_does_what_it_says(name: str, functions: tuple[str, ...]) -> None:
    with example_server() as (server, url):
        texts = [block.replace("http://127.0.0.1:8080", url) for block in blocks(ROOT / "docs" / name)]
        status, output, errors = finished("-c", RUNNER, url + "/download/1000", *texts)
        assert (status, errors) == (0, ""), output
        assert re.findall(r"^ran (\w+)$", output, re.MULTILINE) == list(functions)
        assert stopped(server, signal.SIGINT) == (0, "")


def test_readme_client_talks_to_readme_server(tmp_path: Path) -> None:
    """As printed, but for the port: 8080 may be taken."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
    programs = {}
    for name, mark in (("server", "web.run_app("), ("client", "ClientSession(")):
        (block,) = (block for block in blocks(ROOT / "README.md") if mark in block)
        assert "8080" in block
        programs[name] = tmp_path / f"{name}.py"
        programs[name].write_text(block.replace("8080", str(port)), encoding="utf-8")

    with started(str(programs["server"])) as server:
        wait_for_port(server, port)
        status, output, errors = finished(str(programs["client"]))
        assert (status, errors) == (0, "")
        assert output.strip()
        assert stopped(server, signal.SIGINT) == (0, "")


def wait_for_port(server: subprocess.Popen[str], port: int) -> None:
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=WITHIN):
            return
        time.sleep(0.02)
    pytest.fail(
        f"no server on port {port}: {server.stderr.read() if server.poll() is not None else 'silent'}"
    )
