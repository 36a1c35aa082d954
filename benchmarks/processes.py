"""Starts what is measured and its counterpart: fresh processes, pinned to a core, ended afterwards."""

import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
START_WITHIN = 20.0
STOP_WITHIN = 5.0


class BenchmarkError(Exception):
    """Something measured did not start, did not end or answered wrongly."""


@dataclass(frozen=True)
class Cores:
    """Where processes run: the measured one and its counterpart never share a core where there are two."""

    measured: int
    counterpart: int

    @classmethod
    def of_this_machine(cls) -> "Cores":
        usable = sorted(os.sched_getaffinity(0))
        # Interrupts tend to land on the first core.
        return cls(measured=usable[-1], counterpart=usable[0])

    @property
    def are_shared(self) -> bool:
        return self.measured == self.counterpart


@dataclass(frozen=True)
class Server:
    """A server that accepts connections."""

    port: int
    pid: int


def child_environment(scratch: Path) -> Mapping[str, str]:
    """The environment of every child: seeded, with nothing of the caller's Python settings in it."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return inherited | {"PYTHONHASHSEED": "0", "PYTHONPATH": str(HERE), "TMPDIR": str(scratch)}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def serving(command: Sequence[str], core: int, environment: Mapping[str, str]) -> Iterator[Server]:
    """A server for the length of the block, started with `--port N` appended to its command."""
    port = free_port()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=environment,
            start_new_session=True,
            preexec_fn=functools.partial(os.sched_setaffinity, 0, {core}),  # noqa: PLW1509 - no threads here
        )
        try:
            if not _listens(process, port):
                errors.seek(0)
                raise BenchmarkError(f"did not start: {_last_line(errors.read())}")
            yield Server(port, process.pid)
        finally:
            _stop(process)


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    until = time.monotonic() + START_WITHIN
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=START_WITHIN).close()
            return True
        except ConnectionRefusedError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.02)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_WITHIN)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # it leads its own session: its workers go with it
        process.wait()


def figures_of(
    command: Sequence[str], core: int, environment: Mapping[str, str], timeout: float = 60.0
) -> dict[str, Any]:
    """Runs a program to its end and returns the JSON object that it printed."""
    try:
        finished = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment,
            timeout=timeout,
            check=False,
            preexec_fn=functools.partial(os.sched_setaffinity, 0, {core}),
        )
    except subprocess.TimeoutExpired:
        raise BenchmarkError(f"did not end within {timeout:.0f} s") from None
    if finished.returncode:
        raise BenchmarkError(_last_line(finished.stderr))
    figures: dict[str, Any] = json.loads(finished.stdout)
    return figures


def _last_line(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no message"


def progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
