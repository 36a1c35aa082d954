"""A server whose CPU and memory are measured, and a bystander who is served by it meanwhile."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from ..server.peer import GET, PATIENCE
from ..worktime import growth_of

PROGRAM = Path(__file__).with_name("subject.py")
MIB = 2**20


def get(target: str) -> bytes:
    return GET.replace(b"/ ", target.encode() + b" ", 1)


@dataclass
class Measured:
    """The server of `subject.py`."""

    process: "subprocess.Popen[str]"
    port: int
    host: str = "127.0.0.1"

    async def ask(self, target: str) -> bytes:
        """The content that ``target`` has on a connection of its own."""
        async with asyncio.timeout(PATIENCE), connection(self) as (reader, writer):
            writer.write(get(target).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            return (await reader.read()).partition(b"\r\n\r\n")[2]

    async def cpu(self) -> float:
        """Seconds of CPU so far."""
        return float(await self.ask("/cpu"))

    @property
    def resident(self) -> int:
        """Resident memory in bytes."""
        return self._status("VmRSS")

    @property
    def peak(self) -> int:
        """The most resident memory since `forget_peak`, in bytes."""
        return self._status("VmHWM")

    def forget_peak(self) -> None:
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")  # proc(5): resets VmHWM

    def _status(self, name: str) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith(f"{name}:"))
        return int(line.split()[1]) * 1024


@contextmanager
def measured(**settings: object) -> Iterator[Measured]:
    """Run the server for the length of the block."""
    options = [] if __debug__ else ["-O"]
    with subprocess.Popen(
        [sys.executable, *options, str(PROGRAM), json.dumps(settings)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes")
        try:
            yield Measured(process, int(process.stdout.readline()))
            process.stdin.close()
            process.wait(PATIENCE)
        finally:
            process.kill()


@asynccontextmanager
async def connection(server: Measured) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


@dataclass
class Bystander:
    """Asks for a little, one after the other, and writes down how long each took."""

    seconds: list[float] = field(default_factory=list)

    async def ask_on(self, server: Measured) -> None:
        async with connection(server) as (reader, writer):
            while True:
                start = perf_counter()
                writer.write(get("/answer"))
                await reader.readuntil(b"\r\n\r\nok")
                self.seconds.append(perf_counter() - start)
                await asyncio.sleep(0.005)


@asynccontextmanager
async def bystander(server: Measured) -> AsyncIterator[Bystander]:
    """Somebody who is served for the length of the block."""
    stander = Bystander()
    task = asyncio.create_task(stander.ask_on(server))
    try:
        yield stander
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def growth(server: Measured, work: Callable[[int], Awaitable[object]], size: int) -> float:
    """The server's CPU of ``work(2 * size)`` over that of ``work(size)``."""
    return await growth_of(server.cpu, work, size)
