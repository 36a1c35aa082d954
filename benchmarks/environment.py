"""The interpreter and the virtual environment in which everything is measured."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from processes import HERE, progress

ROOT = HERE.parent
VENV = ROOT / ".venvs" / "bench"
STAMP = VENV / "installed.json"
PEERS = HERE / "peers.txt"
# Eager tasks came with 3.12: the targets are set for it and what follows.
WANTED = (3, 12)
NAMES = ("python3.13", "python3.12")

CHECK = """
import aiohttp, aiohttp.http_parser as parser
if parser.HttpRequestParser is parser.HttpRequestParserPy:
    raise SystemExit("aiohttp runs without its C parser: it would be measured below its speed")
import json, platform
from importlib.metadata import version
names = "pronghorn aiohttp uvicorn httptools granian pyreqwest uvloop multidict yarl".split()
print(json.dumps({"python": platform.python_version()} | {name: version(name) for name in names}))
"""
IMPORT_OURS = "import pronghorn; from pronghorn import web; pronghorn.ClientSession; web.Application"


class EnvironmentUnusable(Exception):
    """Nothing can be measured: the message says what is missing."""


def version_of(python: str) -> tuple[int, ...]:
    """The version of an interpreter; () when it does not run."""
    # A pyenv shim is on PATH whether or not its version is switched on: only running it tells.
    command = [python, "-c", "import sys; print(*sys.version_info[:3])"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(map(int, answer.split()))


def _interpreters() -> Iterator[str]:
    yield sys.executable
    for name in NAMES:
        if path := shutil.which(name):
            yield path
    if pyenv := shutil.which("pyenv"):
        root = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=False).stdout.strip()
        for name in NAMES:
            yield from sorted(map(str, Path(root).glob(f"versions/{name[6:]}.*/bin/python")), reverse=True)


def choose_python(asked_for: str | None) -> str:
    """The interpreter asked for, else the first of this one, PATH and pyenv that is new enough."""
    if asked_for:
        if not version_of(asked_for):
            raise EnvironmentUnusable(f"{asked_for} does not run")
        return asked_for
    for python in _interpreters():
        if version_of(python) >= WANTED:
            return python
    progress(f"no Python {'.'.join(map(str, WANTED))} or newer was found: measuring on {sys.executable}")
    return sys.executable


def _run(failure: str, *command: str) -> str:
    finished = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if finished.returncode:
        raise EnvironmentUnusable(f"{failure}:\n{finished.stderr.strip()}")
    return finished.stdout


def prepare(python: str) -> str:
    """Makes the virtual environment, or keeps the one that fits. Returns its interpreter."""
    project = ROOT / "pyproject.toml"
    if not project.exists():
        raise EnvironmentUnusable(f"pronghorn cannot be installed: there is no {project.name} in {ROOT}")
    wanted = {
        "python": ".".join(map(str, version_of(python))),
        "packages": hashlib.sha256(PEERS.read_bytes() + project.read_bytes()).hexdigest(),
    }
    inside = str(VENV / "bin" / "python")
    is_ready = STAMP.exists() and Path(inside).exists() and json.loads(STAMP.read_text()) == wanted
    if not is_ready:
        progress(f"installing pronghorn and the peers for Python {wanted['python']} into {VENV}")
        _run("no virtual environment", python, "-m", "venv", "--clear", str(VENV))
        pip = (inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        _run("the peers cannot be installed", *pip, "-r", str(PEERS))
        _run("pronghorn cannot be installed", *pip, "-r", str(PEERS), "-e", f"{ROOT}[speedups]")
        STAMP.write_text(json.dumps(wanted))
    _run("pronghorn cannot be imported, so there is nothing to measure", inside, "-c", IMPORT_OURS)
    return inside


def versions(python: str) -> dict[str, str]:
    """The version of everything that is measured."""
    found: dict[str, str] = json.loads(_run("a peer is not usable", python, "-c", CHECK))
    if shutil.which("nginx"):
        answer = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=False).stderr
        found["nginx"] = answer.strip().rpartition("/")[2]
    return found


def machine() -> dict[str, str | int]:
    """What the figures depend on besides the versions."""
    model = ""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {"cpu": model, "cores": len(os.sched_getaffinity(0)), "kernel": os.uname().release}
