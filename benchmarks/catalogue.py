"""The benchmarks: what is measured against what, by which programs, and the targets to reach."""

import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import Column, Figures, Subject, Table, Target, alternate
from processes import HERE, BenchmarkError, Cores, Server, figures_of, serving
from traffic import CONNECTIONS, LARGE_BLOCKS, LARGE_SIZE, VARIANTS

IMPORT_ROUNDS = 15
MIB = 1024 * 1024

PER_REQUEST = (
    Column("user", "user us"),
    Column("sys", "sys us"),
    Column("total", "total us"),
    Column("rate", "requests/s", 0),
)


PER_MESSAGE = (*PER_REQUEST[:-1], Column("rate", "messages/s", 0))
#: By name: the title, how the load is made, the targets.
ECHOES: Mapping[str, tuple[str, tuple[str, ...], tuple[Target, ...]]] = {
    "small": (
        "websocket: text of 32 bytes echoed, 32 connections",
        ("--kind", "text", "--size", "32", "--connections", "32"),
        (
            Target("user CPU <= 1.1 of aiohttp's", "user", 1.1, "aiohttp"),
            Target("user CPU <= 1.8 of picows.websockets'", "user", 1.8, "picows.websockets"),
        ),
    ),
    "middle": (
        "websocket: 4 KiB echoed, 32 connections",
        ("--kind", "binary", "--size", "4096", "--connections", "32"),
        (Target("user CPU <= 1.15 of aiohttp's", "user", 1.15, "aiohttp"),),
    ),
    "large": (
        "websocket: 1 MiB echoed, 4 connections",
        ("--kind", "binary", "--size", "1048576", "--connections", "4"),
        (Target("messages >= 1.3 of aiohttp's", "rate", 1.3, "aiohttp", is_floor=True),),
    ),
}
IDLE = ("--idle", "1000")


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
        return serving(self.script("rawserver.py", *options), self.cores.counterpart, self.environment)

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


def server_get(setting: Setting) -> Outcome:
    """CPU per request of servers that answer GETs with 13 bytes."""
    subjects = setting.both_packages("servers/web_application.py")
    if "uvloop" in setting.loops:
        subjects.append(Subject("uvicorn", "uvloop", setting.script("servers/uvicorn_asgi.py")))
        subjects.append(Subject("granian", "uvloop", setting.script("servers/granian_rsgi.py")))
    if shutil.which("nginx"):
        subjects.append(Subject("nginx", "", setting.script("servers/nginx_return.py")))

    def load(server: Server, variant: str) -> Figures:
        target = ("--port", str(server.port), "--pid", str(server.pid), "--variant", variant)
        command = setting.script("loadgen.py", *target, *setting.window)
        return per_request(figures_of(command, setting.cores.counterpart, setting.environment))

    def measure(subject: Subject) -> Mapping[str, Figures]:
        with serving(subject.command, setting.cores.measured, setting.environment) as server:
            return {variant: load(server, variant) for variant in VARIANTS}

    variants, failures = alternate("server", subjects, setting.rounds, measure)
    title = f"server: GET with 10 fields, {CONNECTIONS} connections"
    ratios = ("total", "user", "rate")
    fixed = Table(
        f"{title}, the same fields in every request",
        PER_REQUEST,
        ratios,
        (
            Target("total CPU <= 0.65 of aiohttp's", "total", 0.65, "aiohttp"),
            Target("user CPU <= 0.55 of aiohttp's", "user", 0.55, "aiohttp"),
            Target("total CPU below uvicorn's", "total", 1.0, "uvicorn"),
        ),
        variants.get("fixed", {}),
    )
    fresh = Table(
        f"{title}, 3 of them new in every request",
        PER_REQUEST,
        ratios,
        (Target("total CPU <= 0.80 of aiohttp's", "total", 0.80, "aiohttp"),),
        variants.get("fresh3", {}),
    )
    return Outcome([fixed, fresh], failures)


def client_get(setting: Setting) -> Outcome:
    """CPU per request of clients that GET 13 bytes."""
    with setting.raw_server() as server:
        target = ("--url", f"http://127.0.0.1:{server.port}/", *setting.window)
        subjects = setting.both_packages("clients/session_get.py", *target)
        if "uvloop" in setting.loops:
            command = setting.script("clients/pyreqwest_get.py", *target)
            subjects.append(Subject("pyreqwest", "uvloop", command))

        def measure(subject: Subject) -> Mapping[str, Figures]:
            return {"get": per_request(setting.measured(*subject.command))}

        variants, failures = alternate("client", subjects, setting.rounds, measure)
    table = Table(
        f"client: GET of 13 bytes, {CONNECTIONS} in flight",
        PER_REQUEST,
        ("total", "user", "rate"),
        (
            Target("user CPU <= 0.35 of aiohttp's", "user", 0.35, "aiohttp"),
            Target("total CPU <= 0.90 of pyreqwest's", "total", 0.90, "pyreqwest"),
        ),
        variants.get("get", {}),
    )
    return Outcome([table], failures)


def client_kinds(setting: Setting) -> Outcome:
    """CPU per request of clients that do more than GET, or one thing at a time."""
    with setting.raw_server() as server:
        target = ("--url", f"http://127.0.0.1:{server.port}/", *setting.window)
        subjects = setting.both_packages("clients/session_kinds.py", *target)

        def measure(subject: Subject) -> Mapping[str, Figures]:
            return {
                kind: per_request(setting.measured(*subject.command, "--kind", kind))
                for kind in ("json", "cookies", "alone")
            }

        variants, failures = alternate("kinds", subjects, setting.rounds, measure)

    def table(kind: str, title: str, target: Target) -> Table:
        return Table(title, PER_REQUEST, ("total", "user", "rate"), (target,), variants.get(kind, {}))

    return Outcome(
        [
            table(
                "json",
                f"kinds: POST of 1 KiB of JSON, {CONNECTIONS} in flight",
                Target("user CPU <= 0.40 of aiohttp's", "user", 0.40, "aiohttp"),
            ),
            table(
                "cookies",
                f"kinds: GET with 50 cookies and 3 middlewares, {CONNECTIONS} in flight",
                Target("user CPU <= 0.20 of aiohttp's", "user", 0.20, "aiohttp"),
            ),
            table(
                "alone",
                "kinds: GET, one at a time",
                Target("total CPU <= 0.60 of aiohttp's", "total", 0.60, "aiohttp"),
            ),
        ],
        failures,
    )


def client_tls(setting: Setting) -> Outcome:
    """CPU per request of clients that GET 13 bytes over TLS, on kept connections and on fresh ones."""
    ca = Path(setting.environment["TMPDIR"]) / "ca.pem"
    with setting.raw_server("--ca", str(ca)) as server:
        target = ("--url", f"https://127.0.0.1:{server.port}/", "--ca", str(ca), *setting.window)
        subjects = setting.both_packages("clients/session_get.py", *target)

        def measure(subject: Subject) -> Mapping[str, Figures]:
            return {
                "kept": per_request(setting.measured(*subject.command)),
                "fresh": per_request(setting.measured(*subject.command, "--fresh")),
            }

        variants, failures = alternate("tls", subjects, setting.rounds, measure)
    ratios = ("total", "user", "rate")
    kept = Table(
        f"tls: GET of 13 bytes over TLS, {CONNECTIONS} in flight",
        PER_REQUEST,
        ratios,
        (Target("user CPU <= 0.40 of aiohttp's", "user", 0.40, "aiohttp"),),
        variants.get("kept", {}),
    )
    fresh = Table(
        "tls: the same, each with a handshake",
        PER_REQUEST,
        ratios,
        (Target("total CPU <= 1.05 of aiohttp's", "total", 1.05, "aiohttp"),),
        variants.get("fresh", {}),
    )
    return Outcome([kept, fresh], failures)


def client_read(setting: Setting) -> Outcome:
    """Throughput and peak memory of `read()` of a large body."""
    with setting.raw_server() as server:
        url = f"http://127.0.0.1:{server.port}"
        subjects = setting.both_packages("clients/session_read.py", "--url", url)

        def measure(subject: Subject) -> Mapping[str, Figures]:
            figures = setting.measured(*subject.command)
            figures["rate"] = LARGE_SIZE / MIB / figures["seconds"]
            figures["multiple"] = figures["resident"] / LARGE_SIZE
            return {"read": figures}

        variants, failures = alternate("read", subjects, setting.rounds, measure)
    table = Table(
        f"read: read() of {LARGE_BLOCKS} MiB with Content-Length",
        (
            Column("user", "user s", 2),
            Column("sys", "sys s", 2),
            Column("rate", "MiB/s", 0),
            Column("multiple", "peak/body", 2),
        ),
        ("rate", "multiple"),
        (
            Target("peak resident <= 1.1 of the body", "multiple", 1.1),
            Target("throughput >= 1.5 of aiohttp's", "rate", 1.5, "aiohttp", is_floor=True),
        ),
        variants.get("read", {}),
    )
    return Outcome([table], failures)


def websocket_echo(setting: Setting) -> Outcome:
    """CPU per message of servers that echo WebSocket messages, and what an idle connection holds."""
    subjects = setting.both_packages("servers/websocket_echo.py")
    if "uvloop" in setting.loops:
        for package in ("picows.websockets", "websockets.asyncio.server"):
            command = setting.script("servers/websockets_echo.py", "--package", package)
            subjects.append(Subject(package.removesuffix(".asyncio.server"), "uvloop", command))

    def load(server: Server, *options: str) -> Figures:
        target = ("--port", str(server.port), "--pid", str(server.pid))
        command = setting.script("wsload.py", *target, *options, *setting.window)
        return figures_of(command, setting.cores.counterpart, setting.environment)

    def measure(subject: Subject) -> Mapping[str, Figures]:
        with serving(subject.command, setting.cores.measured, setting.environment) as server:
            found = {name: per_request(load(server, *options)) for name, (_, options, _) in ECHOES.items()}
        # Of a server that has done nothing else.
        with serving(subject.command, setting.cores.measured, setting.environment) as server:
            found["idle"] = load(server, *IDLE)
        return found

    variants, failures = alternate("websocket", subjects, setting.rounds, measure)
    tables = [
        Table(title, PER_MESSAGE, ("user", "total", "rate"), targets, variants.get(name, {}))
        for name, (title, _, targets) in ECHOES.items()
    ]
    columns = (Column("kib", "KiB each", 1),)
    idle = (Target("an idle connection <= 7 KiB", "kib", 7.0),)
    title = "websocket: 1,000 idle connections, resident memory"
    tables.append(Table(title, columns, ("kib",), idle, variants.get("idle", {})))
    return Outcome(tables, failures)


def package_import(setting: Setting) -> Outcome:
    """What the import costs a fresh interpreter."""
    packages = ("pronghorn", "aiohttp")
    subjects = [Subject(name, "", setting.script("importing.py", name)) for name in packages]

    def measure(subject: Subject) -> Mapping[str, Figures]:
        measured = setting.measured(*subject.command)
        return {
            stage: {"wall": figures["wall"] * 1e3, "user": figures["user"] * 1e3}
            for stage, figures in measured.items()
        }

    alternate("import, unmeasured first", subjects, 1, measure)  # compiles what is not compiled yet
    variants, failures = alternate("import", subjects, IMPORT_ROUNDS, measure)
    columns = (Column("wall", "wall ms"), Column("user", "user ms"))
    alone = Table(
        "import: the package alone, in a fresh interpreter",
        columns,
        ("wall", "user"),
        (Target("import <= 0.6 of aiohttp's", "wall", 0.6, "aiohttp"),),
        variants.get("import", {}),
    )
    named = Table(
        "import: with ClientSession and web.Application named",
        columns,
        ("wall", "user"),
        rounds=variants.get("named", {}),
    )
    return Outcome([alone, named], failures)


BENCHMARKS: Mapping[str, Callable[[Setting], Outcome]] = {
    "server": server_get,
    "client": client_get,
    "kinds": client_kinds,
    "tls": client_tls,
    "read": client_read,
    "websocket": websocket_echo,
    "import": package_import,
}


def missing_peers() -> list[str]:
    """Peers that no package index installs, by name, where this machine does not have them."""
    return [name for name in ("nginx",) if not shutil.which(name)]


def runs_here() -> bool:
    """Whether this system can pin processes and account for their CPU."""
    return sys.platform == "linux"
