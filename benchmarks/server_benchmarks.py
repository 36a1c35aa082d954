"""What servers are measured at, and the targets to reach."""

import shutil
from collections.abc import Mapping

from figures import Column, Figures, Subject, Table, Target, alternate
from processes import Server, figures_of, serving
from setting import PER_REQUEST, Outcome, Setting, per_request
from staticfiles import KINDS as FILES
from traffic import CHUNKS, CONNECTIONS, KINDS, ROUTES, VARIANTS

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
            found = {variant: load(server, variant) for variant in VARIANTS}
        if subject.name not in ("pronghorn", "aiohttp"):
            return found
        # Of a server that has done nothing else.
        with serving(subject.command, setting.cores.measured, setting.environment) as server:
            target = ("--port", str(server.port), "--pid", str(server.pid), *IDLE)
            command = setting.script("loadgen.py", *target, *setting.window)
            found["idle"] = figures_of(command, setting.cores.counterpart, setting.environment)
        return found

    variants, failures = alternate("server", subjects, setting.rounds, measure)
    title = f"server: GET with 10 fields, {CONNECTIONS} connections"
    ratios = ("total", "user", "rate")
    fixed = Table(
        f"{title}, the same fields in every request",
        PER_REQUEST,
        ratios,
        (
            Target("total CPU <= 0.62 of aiohttp's", "total", 0.62, "aiohttp"),
            Target("user CPU <= 0.55 of aiohttp's", "user", 0.55, "aiohttp"),
            Target("total CPU below uvicorn's", "total", 1.0, "uvicorn"),
            Target("total CPU <= 0.95 of granian's", "total", 0.95, "granian"),
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
    idle = Table(
        "server: 1,000 idle connections, resident memory",
        (Column("kib", "KiB each", 1),),
        ("kib",),
        (Target("an idle connection <= 4 KiB", "kib", 4.0, loop="uvloop"),),
        variants.get("idle", {}),
    )
    return Outcome([fixed, fresh, idle], failures)


KIND_TITLES = {
    "middlewares": "3 middlewares and a dynamic route",
    "json": "1 KiB of JSON",
    "echo": "a POST of 1 KiB echoed",
    "page": "64 KiB",
    "stream": f"{CHUNKS} chunks of 1 KiB written one by one",
    "routes": f"the last of {ROUTES:,} routes",
}


def server_kinds(setting: Setting) -> Outcome:
    """CPU per request of servers that do more than GET."""
    subjects = setting.both_packages("servers/web_kinds.py")

    def measure_kind(subject: Subject, kind: str) -> Figures:
        with serving(
            (*subject.command, "--kind", kind), setting.cores.measured, setting.environment
        ) as server:
            target = ("--port", str(server.port), "--pid", str(server.pid), "--kind", kind)
            command = setting.script("loadgen.py", *target, *setting.window)
            return per_request(figures_of(command, setting.cores.counterpart, setting.environment))

    def measure(subject: Subject) -> Mapping[str, Figures]:
        return {kind: measure_kind(subject, kind) for kind in KINDS}

    variants, failures = alternate("web", subjects, setting.rounds, measure)
    tables = [
        Table(
            f"web: {title}, {CONNECTIONS} connections",
            PER_REQUEST,
            ("total", "user", "rate"),
            (_kind_target(kind),),
            variants.get(kind, {}),
        )
        for kind, title in KIND_TITLES.items()
    ]
    return Outcome(tables, failures)


def _kind_target(kind: str) -> Target:
    bound = 0.62 if kind == "middlewares" else 0.65
    return Target(f"total CPU <= {bound} of aiohttp's", "total", bound, "aiohttp")


def server_files(setting: Setting) -> Outcome:
    """Throughput and CPU per request of servers of files."""
    subjects = setting.both_packages("servers/static_files.py")
    if shutil.which("nginx"):
        subjects.append(Subject("nginx", "", setting.script("servers/static_nginx.py")))

    def measure_kind(subject: Subject, kind: str) -> Figures:
        command = (*subject.command, "--kind", kind)
        with serving(command, setting.cores.measured, setting.environment) as server:
            target = ("--port", str(server.port), "--pid", str(server.pid), "--kind", kind)
            load = setting.script("fileload.py", *target, *setting.window)
            return per_request(figures_of(load, setting.cores.counterpart, setting.environment))

    def measure(subject: Subject) -> Mapping[str, Figures]:
        return {kind: measure_kind(subject, kind) for kind in FILES}

    variants, failures = alternate("files", subjects, setting.rounds, measure)
    ratios = ("rate", "total")
    small = Table("files: 1 KiB, 64 connections", PER_REQUEST, ratios, (), variants.get("small", {}))
    large = Table(
        "files: 1 MiB, 8 connections",
        PER_REQUEST,
        ratios,
        (
            Target("requests >= 0.8 of nginx's", "rate", 0.8, "nginx", is_floor=True, loop="asyncio"),
            Target("requests >= 0.5 of nginx's", "rate", 0.5, "nginx", is_floor=True, loop="uvloop"),
        ),
        variants.get("large", {}),
    )
    return Outcome([small, large], failures)


def echo_tables(role: str, variants: Mapping[str, dict[Subject, list[Figures]]]) -> list[Table]:
    """The tables of those who echo, or have their messages echoed."""
    return [
        Table(f"{role}: {title}", PER_MESSAGE, ("user", "total", "rate"), targets, variants.get(name, {}))
        for name, (title, _, targets) in ECHOES.items()
    ]


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
    tables = echo_tables("server", variants)
    columns = (Column("kib", "KiB each", 1),)
    idle = (Target("an idle connection <= 7 KiB", "kib", 7.0),)
    title = "websocket: 1,000 idle connections, resident memory"
    tables.append(Table(title, columns, ("kib",), idle, variants.get("idle", {})))
    return Outcome(tables, failures)
