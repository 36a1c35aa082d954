"""`run_app` in a process of its own, and the signals that end it."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pronghorn import web
from pronghorn.server.run import new_event_loop

from .peer import PATIENCE, Peer

PROGRAM = """
import asyncio
from pronghorn import web

def say(*words):
    print(*words, flush=True)

async def hello(request):
    return web.Response(text="hello")

async def slow(request):
    say("slow begun")
    try:
        await gate.wait()
    except asyncio.CancelledError:
        say("slow cancelled")
        raise
    return web.Response(text="slow answered")

async def started(app):
    global gate
    gate = asyncio.Event()
    say("started")

async def shut_down(app):
    say("shutdown")
    if {blocks_shutdown}:
        await asyncio.Event().wait()
    if {opens_gate}:
        gate.set()

async def cleaned_up(app):
    say("cleanup")

async def make():
    app = web.Application()
    app.add_routes([web.get("/", hello), web.get("/slow", slow)])
    app.on_startup.append(started)
    app.on_shutdown.append(shut_down)
    app.on_cleanup.append(cleaned_up)
    return app

web.run_app(
    make(), host="127.0.0.1", port=0, shutdown_timeout={shutdown_timeout}, loop_factory={loop_factory}
)
say("ended")
"""
OWN_LOOP = "asyncio.new_event_loop"
BEST_LOOP = "web.run_app.__kwdefaults__['loop_factory']"
SIGNALS = [signal.SIGINT, signal.SIGTERM]


class Program:
    """A running program that says what it does."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said: list[str] = []
        self.port = 0
        self.peers: list[Peer] = []

    async def hear(self, words: str) -> str:
        """Wait for a line with ``words``."""
        async with asyncio.timeout(PATIENCE):
            while not self.said or not re.search(words, self.said[-1]):
                line = await self._out.readline()
                if not line:
                    pytest.fail(f"it ended without saying {words!r}: {self.said}")
                self.said.append(line.decode().rstrip())
        return self.said[-1]

    async def end(self) -> list[str]:
        """Wait for its end; what it said from `hear` on."""
        async with asyncio.timeout(PATIENCE):
            rest = (await self._out.read()).decode().splitlines()
            await self.process.wait()
        return rest

    async def connect(self) -> Peer:
        self.peers.append(Peer(*await asyncio.open_connection("127.0.0.1", self.port)))
        return self.peers[-1]

    @property
    def _out(self) -> asyncio.StreamReader:
        if self.process.stdout is None:
            raise RuntimeError("its output goes elsewhere")
        return self.process.stdout


@asynccontextmanager
async def program(**settings: Any) -> AsyncIterator[Program]:
    defaults = {
        "blocks_shutdown": False,
        "opens_gate": True,
        "shutdown_timeout": 60,
        "loop_factory": OWN_LOOP,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(["-O"] if sys.flags.optimize else []),
        "-c",
        PROGRAM.format(**defaults | settings),
        stdout=asyncio.subprocess.PIPE,
    )
    running = Program(process)
    try:
        line = await running.hear("Running on")
        running.port = int(line.split()[-2].rpartition(":")[2])
        yield running
    finally:
        for peer in running.peers:
            peer.vanish()
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("loop_factory", [OWN_LOOP, BEST_LOOP])
async def test_a_signal_ends_gracefully(number: signal.Signals, loop_factory: str) -> None:
    async with program(loop_factory=loop_factory) as running:
        idle, busy = await running.connect(), await running.connect()
        assert (await idle.ask()).text == "hello"
        busy.request(target="/slow")
        await running.hear("slow begun")
        running.process.send_signal(number)
        assert await running.end() == ["shutdown", "cleanup", "ended"]
        assert (await busy.answer()).text == "slow answered"
        assert await idle.is_closed()
        assert running.process.returncode == 0


async def test_what_is_not_answered_in_time_is_cancelled() -> None:
    async with program(opens_gate=False, shutdown_timeout=0.1) as running:
        busy = await running.connect()
        busy.request(target="/slow")
        await running.hear("slow begun")
        running.process.send_signal(signal.SIGTERM)
        assert await running.end() == ["shutdown", "slow cancelled", "cleanup", "ended"]
        assert await busy.rest() == b""


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("blocks_shutdown", [False, True], ids=["while-waiting", "in-on_shutdown"])
async def test_a_second_signal_ends_at_once(number: signal.Signals, blocks_shutdown: bool) -> None:
    async with program(opens_gate=False, blocks_shutdown=blocks_shutdown) as running:
        busy = await running.connect()
        busy.request(target="/slow")
        await running.hear("slow begun")
        running.process.send_signal(number)
        await running.hear("shutdown")
        running.process.send_signal(number)
        said = await running.end()
        assert "slow cancelled" in said
        assert said[-1] == "ended"
        assert running.process.returncode == 0


async def test_what_it_tells_a_person() -> None:
    async with program() as running:
        assert running.said == ["started", f"======== Running on http://127.0.0.1:{running.port} ========"]
        running.process.send_signal(signal.SIGINT)
        assert (await running.end())[0] == "(Press CTRL+C to quit)"


def in_thread(app: web.Application, **settings: Any) -> None:
    """Run ``app`` where signals can't be taken over; raises what it ended with."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(web.run_app, app, host="127.0.0.1", port=0, **settings).result(PATIENCE)


def test_in_a_thread_and_silent() -> None:
    lines: list[str] = []

    def tell(text: str, **options: Any) -> None:
        lines.append(text)
        raise LookupError

    app = web.Application()
    with pytest.raises(LookupError):
        in_thread(app, print=tell)
    assert len(lines) == 1


def test_a_start_that_fails_is_told() -> None:
    told: list[str] = []

    async def fail(app: web.Application) -> None:
        raise LookupError("startup")

    async def live(app: web.Application) -> AsyncIterator[None]:
        yield
        told.append("left")

    app = web.Application()
    app.cleanup_ctx.append(live)
    app.on_startup.append(fail)
    with pytest.raises(LookupError, match="startup"):
        in_thread(app, print=None)
    assert told == ["left"]


def test_the_best_loop_there_is() -> None:
    loop = new_event_loop()
    try:
        assert loop.run_until_complete(asyncio.sleep(0, "runs")) == "runs"
    finally:
        loop.close()
