"""What all benchmarks have in common: the machine, the window, the figures of a request."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from figures import Column, Figures, Subject, Table
from processes import HERE, BenchmarkError, Cores, Server, figures_of, serving

PER_REQUEST = (
    Column("user", "user us"),
    Column("sys", "sys us"),
    Column("total", "total us"),
    Column("rate", "requests/s", 0),
)


@dataclass(frozen=True)
class Setting:
    """What all benchmarks of a run have in common."""

    python: str
    environment: Mapping[str, str]
    cores: Cores
    loops: tuple[str, ...]
    rounds: int
    warmup: float
    seconds: float

    @property
    def window(self) -> tuple[str, ...]:
        return ("--warmup", str(self.warmup), "--seconds", str(self.seconds))

    def script(self, name: str, *arguments: str) -> tuple[str, ...]:
        """The command of one of the programs in this folder."""
        return (self.python, str(HERE / name), *arguments)

    def raw_server(self, *options: str) -> AbstractContextManager[Server]:
        """The counterpart of the clients."""
        return self.script_server("rawserver.py", *options)

    def script_server(self, name: str, *options: str) -> AbstractContextManager[Server]:
        """A counterpart that is one of the programs in this folder."""
        return serving(self.script(name, *options), self.cores.counterpart, self.environment)

    def measured(self, *command: str) -> dict[str, Any]:
        """Runs a program on the measured core."""
        return figures_of(command, self.cores.measured, self.environment)

    def both_packages(self, name: str, *arguments: str) -> list[Subject]:
        """The subjects of a program that runs pronghorn and aiohttp, on each loop."""
        return [
            Subject(package, loop, self.script(name, "--package", package, "--loop", loop, *arguments))
            for loop in self.loops
            for package in ("pronghorn", "aiohttp")
        ]


@dataclass
class Outcome:
    tables: list[Table]
    failures: list[str]


def per_request(measured: Mapping[str, float]) -> Figures:
    """CPU microseconds of one request, and requests per second."""
    count = measured["requests"]
    if not count:
        raise BenchmarkError("no request was answered")
    user, system = measured["user"] / count * 1e6, measured["sys"] / count * 1e6
    rate = count / measured["seconds"]
    return {"user": user, "sys": system, "total": user + system, "rate": rate, "requests": count}
