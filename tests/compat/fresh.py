"""Interpreters of their own, for what changes how a whole process imports."""

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pronghorn

#: Where the package is found.
SOURCES = str(Path(pronghorn.__file__).parents[1])
# As the tests run: under -O when they do. So nothing that runs here has an assert; it says what it found.
PYTHON = [sys.executable, "-W", "error", *(["-O"] if sys.flags.optimize else [])]
# Generous for a busy machine: only what hangs takes as long.
WITHIN = 60


def run(
    *arguments: str | Path, places: tuple[str | Path, ...] = (SOURCES,), cwd: Path | None = None
) -> tuple[int, str, str]:
    """A run of Python: its status, what it printed, what it complained of. ``places`` are its PYTHONPATH."""
    done = subprocess.run(
        [*PYTHON, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places))},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def told(function: Callable[..., Any], *arguments: Any, places: tuple[str | Path, ...] = (SOURCES,)) -> Any:
    """What a function returns in a fresh interpreter, by way of JSON. It sees nothing of its module."""
    call = f"{function.__name__}(*json.loads({json.dumps(arguments)!r}))"
    code = f"import json\n{dedent(inspect.getsource(function))}\nprint(json.dumps({call}))"
    status, output, complaint = run("-c", code, places=places)
    if status or complaint:
        raise RuntimeError(f"{function.__name__} ended with {status}:\n{complaint}")
    return json.loads(output)


def untrue(function: Callable[..., dict[str, bool]], *arguments: Any, **options: Any) -> list[str]:
    """Of the facts that a function tells in a fresh interpreter, those that are not so."""
    facts = told(function, *arguments, **options)
    if not facts:
        raise ValueError(f"{function.__name__} tells nothing")
    return [fact for fact, is_so in facts.items() if is_so is not True]


def put_another(folder: Path) -> Path:
    """A package called aiohttp, as it would be installed in ``folder``."""
    (folder / "aiohttp").mkdir(parents=True)
    (folder / "aiohttp" / "__init__.py").write_text('__version__ = "1.0"\n')
    (folder / "aiohttp" / "web.py").write_text("")
    (folder / "aiohttp-1.0.dist-info").mkdir()
    (folder / "aiohttp-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: aiohttp\nVersion: 1.0\n"
    )
    return folder
