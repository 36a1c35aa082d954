"""The benchmarks by name, and whether they can run here."""

import shutil
import sys
from collections.abc import Callable, Mapping

from client_benchmarks import client_get, client_kinds, client_read, client_tls, client_websocket
from figures import Column, Figures, Subject, Table, Target, alternate
from server_benchmarks import server_files, server_get, server_kinds, websocket_echo
from setting import Outcome, Setting

IMPORT_ROUNDS = 15


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
    "web": server_kinds,
    "files": server_files,
    "client": client_get,
    "kinds": client_kinds,
    "tls": client_tls,
    "read": client_read,
    "websocket": websocket_echo,
    "wsclient": client_websocket,
    "import": package_import,
}


def missing_peers() -> list[str]:
    """Peers that no package index installs, by name, where this machine does not have them."""
    return [name for name in ("nginx",) if not shutil.which(name)]


def runs_here() -> bool:
    """Whether this system can pin processes and account for their CPU."""
    return sys.platform == "linux"
