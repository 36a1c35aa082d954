"""What clients are measured at, and the targets to reach."""

from collections.abc import Mapping
from pathlib import Path

from figures import Column, Figures, Subject, Table, Target, alternate
from server_benchmarks import ECHOES, echo_tables
from setting import PER_REQUEST, Outcome, Setting, per_request
from traffic import CONNECTIONS, LARGE_BLOCKS, LARGE_SIZE

MIB = 1024 * 1024


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


def client_websocket(setting: Setting) -> Outcome:
    """CPU per message of clients whose WebSocket messages are echoed."""
    with setting.script_server("wsserver.py") as server:
        url = ("--url", f"http://127.0.0.1:{server.port}/echo", *setting.window)
        subjects = setting.both_packages("clients/websocket_echo.py", *url)

        def measure(subject: Subject) -> Mapping[str, Figures]:
            return {
                name: per_request(setting.measured(*subject.command, *options))
                for name, (_, options, _) in ECHOES.items()
            }

        variants, failures = alternate("websocket client", subjects, setting.rounds, measure)
    return Outcome(echo_tables("client", variants), failures)


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
